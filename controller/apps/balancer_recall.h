/* Sessions rebuilt from the entries that switches have. */
#ifndef BALANCER_RECALL_H
#define BALANCER_RECALL_H

#include <flowbed/discovery.h>
#include <flowbed/table.h>

#include "controller/apps/balancer_queue.h"
#include "controller/apps/balancer_sessions.h"

struct balancer;
struct balancer_call;

/* What entries say about a session that is not known. A place with port 0, and a MAC address of
 * zeros, is one that they do not tell. */
struct balancer_half {
	struct balancer_key key; /* client and server where they belong */
	struct balancer_link link;
	uint64_t made_ns; /* when the younger of its entries was */
	uint8_t client_mac[FB_MAC_BYTES], addressed_mac[FB_MAC_BYTES], backend_mac[FB_MAC_BYTES];
	struct fb_place client_at, backend_at;
	struct balancer_seen seen[2]; /* by balancer_direction, of those that were told */
	uint16_t generation;          /* of its entries, where they are of this run */
	uint8_t told;                 /* 1 << balancer_direction: its first entry was told */
	uint8_t live;                 /* of them: the entry is there still */
};

struct balancer_recall {
	struct fb_table *tellers;     /* struct teller: switches that were asked and still answer */
	struct balancer_queue silent; /* those, by the time until which they are waited for */
	struct fb_table *halves;      /* struct balancer_half */
	struct balancer_queue halves_due;
	struct fb_table *mends; /* struct mend: sessions whose entries are to be installed again */
	uint64_t mend_ns;       /* when the next of them are; FB_NEVER: there are none */
	uint32_t seed;
};

/* False when memory is short; balancer_recall_free() may follow. */
bool balancer_recall_init(struct balancer_recall *recall, const struct balancer *b, uint32_t seed);
void balancer_recall_free(struct balancer_recall *recall);

/* The switch of the call joined, and its sessions are in doubt (balancer_sessions_doubt()): ask for
 * its flow entries. To be called before anything else is sent to it. */
void balancer_recall_join(const struct balancer_call *call);
/* One part of the answer; the request 'xid', perhaps, was refused; the switch left. */
void balancer_recall_reply(const struct balancer_call *call, uint32_t xid,
                           const struct fb_stats_reply *reply);
void balancer_recall_refused(const struct balancer_call *call, uint32_t xid);
void balancer_recall_switch_down(const struct balancer_call *call);

/* True while a switch still tells its entries. */
bool balancer_recall_is_on(const struct balancer_recall *recall);
/* True while the switch 'node' itself does. */
bool balancer_recall_asks(const struct balancer_recall *recall, uint16_t node);
/* What entries say about the unknown session of 'key', whose sender is called the client there;
 * '*direction' is that of the packet. NULL: nothing. */
struct balancer_half *balancer_recall_find(const struct balancer_recall *recall,
                                           const struct balancer_key *key,
                                           enum balancer_direction *direction);
/* Nothing that entries say about it is needed any more. */
void balancer_recall_forget(struct balancer_recall *recall, struct balancer_half *half);

void balancer_recall_run(const struct balancer_call *call);
uint64_t balancer_recall_due(const struct balancer_recall *recall);

#endif
