/* The addresses of the controller's own, from which it checks services. */
#ifndef BALANCER_SELF_H
#define BALANCER_SELF_H

#include <flowbed/app.h>
#include <flowbed/table.h>

#include "controller/apps/balancer_queue.h"

struct balancer;
struct balancer_address_key;
struct balancer_call;

/* How an address of our own waits. */
enum balancer_self_wait {
	BALANCER_SELF_ASKING,  /* is it free? */
	BALANCER_SELF_IN_USE,  /* it is ours, and given back when it is not needed any more */
	BALANCER_SELF_RESTING, /* none is free: it is tried again later */
	BALANCER_SELF_WAITS,
};

struct balancer_self {
	struct fb_table *table; /* struct self, by network and VLAN */
	struct balancer_queue queues[BALANCER_SELF_WAITS];
	uint64_t last_bytes[4]; /* bits: the last bytes of all these addresses */
	uint32_t given_ip;      /* the one to be used everywhere; 0: they are chosen */
};

/* False when memory is short. */
bool balancer_self_init(struct balancer_self *self, const struct balancer *b, uint32_t seed);
void balancer_self_free(struct balancer_self *self);

/* Our address towards the owners of 'key'; 0: not yet, it is being chosen. */
uint32_t balancer_self_address(const struct balancer_call *call,
                               const struct balancer_address_key *key);
/* True when 'ip' is ours, there. */
bool balancer_self_is(const struct balancer_self *self, uint32_t ip, uint16_t vlan);
/* The ARP packet 'pi' came in by an edge. True when it asked for an address of ours: it was answered
 * and released. */
bool balancer_self_arp(const struct balancer_call *call, const struct fb_packet_in *pi);

void balancer_self_run(const struct balancer_call *call);
uint64_t balancer_self_due(const struct balancer_self *self);

#endif
