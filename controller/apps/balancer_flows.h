/* The balancer's flow entries, one at a time.
 *
 * A switch may do what it is told between two barriers in any order (specification 1.0.0, section
 * 5.3.7): an entry that is deleted and then added would be gone, one that is added and then deleted
 * would stay. So a barrier is sent wherever the one follows the other; entries that are only added, or
 * only deleted, need none. */
#ifndef BALANCER_FLOWS_H
#define BALANCER_FLOWS_H

#include "controller/apps/balancer_sessions.h"

/* Where an entry of a session is: the switch, its ports in the entry's direction, and whether the
 * packets come from the end itself there, so that it rewrites. */
struct balancer_spot {
	struct fb_hop hop;
	enum balancer_direction direction;
	bool is_first;
};

enum balancer_order { BALANCER_ORDER_ANY, BALANCER_ORDER_ADD, BALANCER_ORDER_DELETE };

/* A flow-mod of that kind is sent to 'sw', the switch 'node', next. */
void balancer_flows_order(const struct balancer_call *call, struct fb_switch *sw, uint16_t node,
                          enum balancer_order next);

/* The match of the entry of 'session' at 'spot'; with entries=exact what all of them there have in
 * common. */
void balancer_flows_match(const struct balancer_session *session, const struct balancer_spot *spot,
                          struct fb_match *match);
/* Install it, with the current generation of 'session'. Nothing happens where the switch is away. */
void balancer_flows_install(const struct balancer_call *call, struct balancer_session *session,
                            const struct balancer_spot *spot);
/* Delete the entry with exactly 'match' on 'node'; with entries=exact all that it covers. */
void balancer_flows_delete(const struct balancer_call *call, uint16_t node,
                           const struct fb_match *match);
/* Delete all entries of 'session' on 'node' in one direction, by whatever port they take packets and
 * whichever run made them. */
void balancer_flows_delete_all(const struct balancer_call *call, uint16_t node,
                               const struct balancer_session *session,
                               enum balancer_direction direction);
/* Delete the TCP and UDP entries, whosever they are, that give to the port 'at': it is down. */
void balancer_flows_forget_port(const struct balancer_call *call, struct fb_place at);

/* What a cookie says. */
struct balancer_cookie {
	bool ours;           /* this balancer made the entry, in whatever run */
	bool current;        /* in this run */
	uint16_t generation;
};
struct balancer_cookie balancer_flows_cookie(const struct balancer *b, uint64_t cookie);

/* The session of which 'match' and 'cookie' are a current entry, and its direction; NULL when there
 * is none. 'ours' says whether the cookie names this balancer, in whatever run. */
struct balancer_session *balancer_flows_session(const struct balancer_call *call,
                                                const struct fb_match *match, uint64_t cookie,
                                                enum balancer_direction *direction, bool *ours);

#endif
