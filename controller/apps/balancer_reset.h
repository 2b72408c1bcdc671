/* Sessions whose backend failed are reset towards the client, whose sequence numbers nobody here
 * knows. */
#ifndef BALANCER_RESET_H
#define BALANCER_RESET_H

#include <flowbed/app.h>
#include <flowbed/table.h>

#include "controller/apps/balancer_queue.h"
#include "controller/apps/balancer_sessions.h"

struct balancer;
struct balancer_call;

/* How a session that is being reset waits. */
enum balancer_reset_wait {
	BALANCER_RESET_TO_ASK, /* its client is asked as soon as its turn comes */
	BALANCER_RESET_ASKED,  /* its client has so long to answer */
	BALANCER_RESET_WAITS,
};

struct balancer_reset {
	struct fb_table *table; /* struct reset, by the index of the session */
	struct balancer_queue queues[BALANCER_RESET_WAITS];
	uint64_t not_before_ns; /* what is sent is spread over time */
};

/* False when memory is short. */
bool balancer_reset_init(struct balancer_reset *reset, const struct balancer *b, uint32_t seed);
void balancer_reset_free(struct balancer_reset *reset);

/* The backend of the answered TCP 'session', which is not closed and has no entries any more, has
 * failed: it is marked 'resetting', and its client is asked soon. At the limit 'session' is
 * forgotten instead: the caller looks for the next one before. */
void balancer_reset_begin(const struct balancer_call *call, struct balancer_session *session);
/* A segment, no SYN, of a session that is marked 'resetting': one of the client brings the numbers
 * for the RST, one of the backend is kept from the client. True: 'pi' was released. False: the
 * backend is back, and 'session' is not being reset any more. */
bool balancer_reset_segment(const struct balancer_call *call, const struct fb_packet_in *pi,
                            struct balancer_session *session, enum balancer_direction direction);
/* 'session' is forgotten, or goes on, where its client was not told. */
void balancer_reset_abandon(const struct balancer_call *call, struct balancer_session *session);

/* Ask whose turn it is; and when that is to be called again. */
void balancer_reset_run(const struct balancer_call *call);
uint64_t balancer_reset_due(const struct balancer_reset *reset);

#endif
