/* Sessions brought into line with the network. */
#ifndef BALANCER_SWEEP_H
#define BALANCER_SWEEP_H

#include <flowbed/discovery.h>

struct balancer_call;
struct balancer_session;

/* Links, ports, hosts or backends came, went or moved: look at every session that has entries, or
 * whose backend may be gone, and move, reset or leave it. At once, or, where that was done less than
 * some milliseconds ago, then. */
void balancer_sweep_soon(const struct balancer_call *call);
/* The backend of 'session' failed: entries go, and the client is told, as on_failure says. */
void balancer_sweep_fail(const struct balancer_call *call, struct balancer_session *session);

void balancer_sweep_run(const struct balancer_call *call);

#endif
