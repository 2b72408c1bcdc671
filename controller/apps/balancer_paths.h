/* The entries of a session over all the switches between its ends: installed, moved and removed so
 * that no packet is ever without a way, or ahead of it. */
#ifndef BALANCER_PATHS_H
#define BALANCER_PATHS_H

#include <flowbed/discovery.h>
#include <flowbed/table.h>

#include "controller/apps/balancer_queue.h"

struct balancer_call;
struct balancer_session;
struct balancer;
struct balancer_rewrite;

struct balancer_paths {
	struct fb_table *installs; /* struct install: those that wait for barriers */
	struct fb_table *barriers; /* struct awaited: their barriers */
	struct balancer_queue due; /* installs, by the time at which they wait no longer */
	uint64_t installs_made;
};

bool balancer_paths_init(struct balancer_paths *paths, const struct balancer *b, uint32_t seed);
void balancer_paths_free(struct balancer_paths *paths);

/* True when the entries of 'session' may be installed now: once, and again at most once a second. */
bool balancer_paths_may_install(const struct balancer_call *call,
                                const struct balancer_session *session);
/* Install the entries of 'session' on the way between its ends as they are. Where that takes more
 * than one switch, and 'pi' is not NULL, 'pi' is kept, and released through 'rewrite' when the way
 * is ready: true then. Else the caller releases it, afterwards. */
bool balancer_paths_install(const struct balancer_call *call, struct balancer_session *session,
                            const struct fb_packet_in *pi, const struct balancer_rewrite *rewrite);
/* The ends of 'session' are at other places, or the way between them is no more, or there is a
 * shorter one: move its entries, if it has any; the new ones come first. Returns false when there is
 * no way: then all its entries are removed. */
bool balancer_paths_renew(const struct balancer_call *call, struct balancer_session *session,
                          struct fb_place client_at, struct fb_place backend_at);
/* True while a switch on the way of 'session' is away and may forward all the same; '*is_told': there
 * is another one, which says when entries are gone. */
bool balancer_paths_may_hold(const struct balancer_call *call,
                             const struct balancer_session *session, bool *is_told);
/* Remove all entries of 'session', at once; it has none then. */
void balancer_paths_remove(const struct balancer_call *call, struct balancer_session *session);
/* Remove those of one direction only. */
void balancer_paths_remove_direction(const struct balancer_call *call,
                                     struct balancer_session *session, int direction);
/* 'session' is forgotten: what is under way for it ends. */
void balancer_paths_abandon(const struct balancer_call *call, struct balancer_session *session);

/* A barrier was answered; the switch 'node' went away; what is due; and when. */
void balancer_paths_barrier(const struct balancer_call *call, uint32_t xid);
void balancer_paths_switch_down(const struct balancer_call *call, uint16_t node);
void balancer_paths_run(const struct balancer_call *call);
uint64_t balancer_paths_due(const struct balancer_paths *paths);

#endif
