/* TCP checks: is a backend's service there? (ARP probes are in balancer_owners.c.) */
#ifndef BALANCER_HEALTH_H
#define BALANCER_HEALTH_H

#include <flowbed/app.h>
#include <flowbed/table.h>

#include "controller/apps/balancer_queue.h"
#include "controller/apps/balancer_self.h"

struct balancer;
struct balancer_address;
struct balancer_call;

/* How an owner that is checked waits. */
enum balancer_health_wait {
	BALANCER_HEALTH_SENT,  /* a check is out */
	BALANCER_HEALTH_NEW,   /* for its turn, at once */
	BALANCER_HEALTH_STUCK, /* it cannot be checked yet: there is no address to do it from */
	BALANCER_HEALTH_OVER,  /* for the next check */
	BALANCER_HEALTH_WAITS,
};

struct balancer_health {
	struct fb_table *table; /* struct check: by address and MAC of the owner */
	struct balancer_queue queues[BALANCER_HEALTH_WAITS];
	struct balancer_self self;
	uint32_t sent;          /* checks: for the ports that they come from */
	uint64_t numbers;       /* of which those of checks are made */
	uint64_t not_before_ns; /* what is sent is spread over time */
};

/* False when memory is short. */
bool balancer_health_init(struct balancer_health *health, const struct balancer *b, uint32_t seed);
void balancer_health_free(struct balancer_health *health);

/* 'address' has an owner that is new or has come back, has become shared, or its service is another
 * one: owners that are to be checked, and are not yet, will be soon; those that are not to be
 * checked any more have not failed. Who is no owner any more needs no call. */
void balancer_health_refresh(const struct balancer_call *call, struct balancer_address *address);
/* The frame 'pi' came in by an edge, from another host than the controller. True when it answers a
 * check, or asks by ARP for the address that checks come from: it was taken care of and released. */
bool balancer_health_frame(const struct balancer_call *call, const struct fb_packet_in *pi);

/* Check who is due; and when that is to be called again. */
void balancer_health_run(const struct balancer_call *call);
uint64_t balancer_health_due(const struct balancer_health *health);

#endif
