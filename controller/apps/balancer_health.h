/* TCP probes: is a backend's service there? (ARP probes are in balancer_owners.c.) */
#ifndef BALANCER_HEALTH_H
#define BALANCER_HEALTH_H

#include <flowbed/app.h>
#include <flowbed/table.h>

#include "controller/apps/balancer_queue.h"

struct balancer;
struct balancer_call;

struct balancer_health {
	struct fb_table *checks; /* struct check: by address and MAC */
	struct balancer_queue due, awaited;
	uint32_t source_ip; /* from which checks come; 0: not chosen yet */
	uint64_t state[4];  /* of choosing it */
};

bool balancer_health_init(struct balancer_health *health, const struct balancer *b, uint32_t seed);
void balancer_health_free(struct balancer_health *health);

/* Owners of addresses that are checked came, went or changed. */
void balancer_health_refresh(const struct balancer_call *call);
/* True when 'pi' is an answer to a check, or an ARP question for the address that checks come from,
 * or an ARP answer that tells whether that address is free: it was taken care of and released. */
bool balancer_health_frame(const struct balancer_call *call, const struct fb_packet_in *pi);

void balancer_health_run(const struct balancer_call *call);
uint64_t balancer_health_due(const struct balancer_health *health);

#endif
