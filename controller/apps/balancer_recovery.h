/* Segments of sessions that the controller does not know, or not any more: after it was restarted,
 * after a session was forgotten. */
#ifndef BALANCER_RECOVERY_H
#define BALANCER_RECOVERY_H

#include <sys/queue.h>

#include <flowbed/discovery.h>
#include <flowbed/table.h>

#include "controller/apps/balancer_sessions.h"

struct balancer;
struct balancer_call;
struct recovery_frame;

TAILQ_HEAD(recovery_frames, recovery_frame);

struct balancer_recovery {
	struct recovery_frames recalling; /* wait until switches have told their entries */
	struct recovery_frames settling;  /* until all owners of an address can have spoken */
	uint32_t waiting;                 /* in both */
	bool impatient;                   /* what is handled now has waited for long enough */
	uint64_t began_ns;                /* when the first switch joined; 0: none did */
	uint64_t unrest_ns;               /* when a port or a switch changed last */
	struct fb_table *probes;          /* struct probe, by the index of the session */
};

/* False when memory is short; balancer_recovery_free() may follow. */
bool balancer_recovery_init(struct balancer_recovery *recovery, const struct balancer *b,
                            uint32_t seed);
void balancer_recovery_free(struct balancer_recovery *recovery);

/* The switch of the call joined; it left: what it keeps is forgotten. */
void balancer_recovery_switch_up(const struct balancer_call *call);
void balancer_recovery_switch_down(const struct balancer_call *call);
/* A port came up or went down: who is behind it may be heard soon. */
void balancer_recovery_unrest(const struct balancer_call *call);

/* While the switch of the call still tells its entries: keep 'pi', a packet that may begin a session,
 * and handle it again when all have. (One joins elsewhere: connections here need not wait.) False: there is nothing to wait for, or no room: go on with it. (Strays need
 * no such question before.) */
bool balancer_recovery_wait(const struct balancer_call *call, const struct fb_packet_in *pi);
/* All switches have told: what waited for that goes on. */
void balancer_recovery_recalled(const struct balancer_call *call);

/* Make the session of 'pi', of any protocol, for which there is none, when entries have told its
 * backend, and it is known where who 'pi' is for can be found. '*direction' is that of 'pi'. NULL:
 * they have not. */
struct balancer_session *balancer_recovery_session(const struct balancer_call *call,
                                                   const struct fb_packet_in *pi,
                                                   enum balancer_direction *direction);
/* The TCP segment 'pi', no SYN, is of no session: it goes to the one that can be meant, or to each
 * candidate until one is known to be its backend, or waits; it is released in any case. */
void balancer_recovery_stray(const struct balancer_call *call, const struct fb_packet_in *pi);
/* A segment of the session that is being found out ('probing'), from either side and whoever sent
 * it, SYNs too: it is released, and 'session' may be gone. */
void balancer_recovery_segment(const struct balancer_call *call, const struct fb_packet_in *pi,
                               struct balancer_session *session, int direction);
/* 'session' is forgotten. */
void balancer_recovery_abandon(const struct balancer_call *call, struct balancer_session *session);

void balancer_recovery_run(const struct balancer_call *call);
uint64_t balancer_recovery_due(const struct balancer_recovery *recovery);

#endif
