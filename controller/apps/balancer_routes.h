/* Routes: the hops of flow entries, from a client's port to a backend's, shared by all sessions
 * that go the same way. */
#ifndef BALANCER_ROUTES_H
#define BALANCER_ROUTES_H

#include <flowbed/discovery.h>
#include <flowbed/table.h>

struct balancer_route {
	struct fb_hop hops[FB_PATH_HOPS_MAX]; /* client to backend; zero behind the last */
	uint32_t hops_count;
	uint32_t users; /* it goes with the last */
};

struct balancer_routes {
	struct fb_table *table;
};

/* False when memory is short. */
bool balancer_routes_init(struct balancer_routes *routes, uint32_t seed);
void balancer_routes_free(struct balancer_routes *routes);

/* The index of the route with these hops (at least two), which has one user more; FB_TABLE_NONE when
 * there is no room. */
uint32_t balancer_routes_hold(struct balancer_routes *routes, const struct fb_hop *hops,
                              size_t count);
/* One user less; takes FB_TABLE_NONE. */
void balancer_routes_release(struct balancer_routes *routes, uint32_t index);
const struct balancer_route *balancer_routes_at(const struct balancer_routes *routes,
                                                uint32_t index);

#endif
