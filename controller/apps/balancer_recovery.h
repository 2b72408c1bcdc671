/* Sessions that the controller does not know, or not any more: after it was restarted, after a
 * switch came back, after a session was forgotten. */
#ifndef BALANCER_RECOVERY_H
#define BALANCER_RECOVERY_H

#include <flowbed/discovery.h>
#include <flowbed/table.h>

#include "controller/apps/balancer_queue.h"

struct balancer;
struct balancer_call;
struct balancer_session;

struct balancer_recovery {
	/* Recalling: sessions are rebuilt from the entries that switches have. */
	uint32_t recalling;      /* switches that were asked for their entries and still answer */
	/* Probing: segments of an unknown session go to each candidate. */
	struct fb_table *probes; /* struct probe, by the index of the session */
	struct balancer_queue due;
};

bool balancer_recovery_init(struct balancer_recovery *recovery, const struct balancer *b,
                            uint32_t seed);
void balancer_recovery_free(struct balancer_recovery *recovery);

/* A switch joined: ask for its flow entries; one part of the answer; it left before the last. */
void balancer_recovery_join(const struct balancer_call *call);
void balancer_recovery_reply(const struct balancer_call *call, uint32_t xid,
                             const struct fb_stats_reply *reply);
void balancer_recovery_switch_down(const struct balancer_call *call);
/* True while packets of unknown sessions should wait for what switches will tell. */
bool balancer_recovery_waits(const struct balancer_call *call);

/* The TCP segment 'pi', no SYN, is of no session: it goes to the one that can be meant, or to each
 * candidate in turn until one is known to be its backend; it is released in any case. */
void balancer_recovery_stray(const struct balancer_call *call, const struct fb_packet_in *pi);
/* A segment of the session that is being found out ('probing'), from either side. True: it was
 * taken care of. */
bool balancer_recovery_segment(const struct balancer_call *call, const struct fb_packet_in *pi,
                               struct balancer_session *session, int direction);
/* 'session' is forgotten. */
void balancer_recovery_abandon(const struct balancer_call *call, struct balancer_session *session);

void balancer_recovery_run(const struct balancer_call *call);
uint64_t balancer_recovery_due(const struct balancer_recovery *recovery);

#endif
