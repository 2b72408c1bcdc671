/* ARP probes: to which edges they go. */
#ifndef BALANCER_PROBES_H
#define BALANCER_PROBES_H

#include <flowbed/discovery.h>

#include "controller/apps/balancer_queue.h"

struct balancer_address;
struct balancer_call;

enum {
	BALANCER_WANTERS_MAX = 64, /* places to which no probe for one address goes */
	BALANCER_ROUND_EDGES_MAX = 64,
};

struct balancer_probes {
	struct fb_table *wanters; /* struct wanter: an address and where a host asks whether it may
	                           * use it; in the order in which they asked last */
	struct fb_table *edges;   /* struct edge: that came up lately */
	struct balancer_queue waiting, resting; /* each of them is in one of these */

	/* A round: all addresses in use are asked for at these edges. */
	struct fb_place round[BALANCER_ROUND_EDGES_MAX];
	uint32_t round_count;   /* 0: there is no round */
	uint32_t cursor;        /* the index of the next address; FB_TABLE_NONE: none */
	uint64_t not_before_ns; /* probes are spread over time */
};

/* False when memory is short. */
bool balancer_probes_init(struct balancer_probes *probes, uint32_t seed);
void balancer_probes_free(struct balancer_probes *probes);

/* A host at 'at' asks whether it may use the address (RFC 5227): no probe of ours for it goes there
 * for a while. It has announced that it uses it: then they do again. */
void balancer_probes_host_asks(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                               struct fb_place at);
void balancer_probes_host_has(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                              struct fb_place at);
/* The places to which no probe for the address goes; returns their number. */
size_t balancer_probes_wanters(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                               struct fb_place places[BALANCER_WANTERS_MAX]);
bool balancer_probes_is_wanted(const struct balancer_call *call, uint32_t ip, uint16_t vlan);

/* Ask for the address at all other edges, but not at 'except' either (port 0: none). */
void balancer_probes_send(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                          struct fb_place except);

/* There is an edge at 'at' now: addresses in use are asked for there soon. */
void balancer_probes_edge_up(const struct balancer_call *call, struct fb_place at);
/* 'address' is about to be forgotten. */
void balancer_probes_forget(const struct balancer_call *call,
                            const struct balancer_address *address);

void balancer_probes_run(const struct balancer_call *call);
uint64_t balancer_probes_due(const struct balancer_probes *probes);

#endif
