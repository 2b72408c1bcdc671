/* The balancer's flow entries. */
#ifndef BALANCER_FLOWS_H
#define BALANCER_FLOWS_H

#include "controller/apps/balancer_sessions.h"

/* Install both entries of 'session': client to backend first. The caller releases the packet
 * afterwards. */
void balancer_flows_install(const struct balancer_call *call, struct balancer_session *session);
/* True when 'session' may be installed now: once, and again at most once a second. */
bool balancer_flows_may_install(const struct balancer_call *call,
                                const struct balancer_session *session);
/* The owner of 'ip' behind 'port' is gone or has moved: delete the entries that lead to it or come
 * from it. */
void balancer_flows_forget(const struct balancer_call *call, uint32_t ip, uint16_t port);

/* The session of which 'match' and 'cookie' are a current entry, and its direction; NULL when there
 * is none. 'ours' says whether the cookie names this balancer, in whatever run. */
struct balancer_session *balancer_flows_session(const struct balancer_call *call,
                                                const struct fb_match *match, uint64_t cookie,
                                                enum balancer_direction *direction, bool *ours);

#endif
