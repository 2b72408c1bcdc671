/* Sessions whose backend failed are reset towards the client, whose sequence numbers nobody here
 * knows. */
#ifndef BALANCER_RESET_H
#define BALANCER_RESET_H

#include <flowbed/app.h>
#include <flowbed/table.h>

#include "controller/apps/balancer_queue.h"

struct balancer;
struct balancer_call;
struct balancer_session;

struct balancer_reset {
	struct fb_table *table; /* struct reset, by the index of the session */
	struct balancer_queue due;
};

bool balancer_reset_init(struct balancer_reset *reset, const struct balancer *b, uint32_t seed);
void balancer_reset_free(struct balancer_reset *reset);

/* The backend of the answered TCP 'session', which has no entries any more, has failed. */
void balancer_reset_begin(const struct balancer_call *call, struct balancer_session *session);
/* A segment of the client of a session that is being reset: its numbers are taken, the RST is sent,
 * and the session closed. 'pi' is released. */
void balancer_reset_segment(const struct balancer_call *call, const struct fb_packet_in *pi,
                            struct balancer_session *session);
/* 'session' is forgotten, or its backend is back. */
void balancer_reset_abandon(const struct balancer_call *call, struct balancer_session *session);

void balancer_reset_run(const struct balancer_call *call);
uint64_t balancer_reset_due(const struct balancer_reset *reset);

#endif
