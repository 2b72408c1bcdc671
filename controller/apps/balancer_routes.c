/* Routes that sessions share: a table by their hops, each with a count of its users. Bounded; where
 * there is no room for one more a session goes without entries (through the controller). */
#include "controller/apps/balancer_routes.h"

#include <string.h>

enum { ROUTES_MAX = 65536 };

struct route {
	uint64_t key; /* a hash of the hops, or a number after it that was free */
	struct balancer_route route;
};

/* Not secret: hosts do not choose hops. */
static uint64_t hash_hops(const struct fb_hop *hops, size_t count)
{
	uint64_t hash = count;

	for (size_t i = 0; i < count; i++) {
		uint64_t hop = (uint64_t)hops[i].node << 32 | (uint64_t)hops[i].in_port << 16 |
		               hops[i].out_port;

		hash = (hash ^ hop) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return hash;
}

bool balancer_routes_init(struct balancer_routes *routes, uint32_t seed)
{
	routes->table = fb_table_new(sizeof(uint64_t), sizeof(struct route), ROUTES_MAX);
	if (!routes->table)
		return false;
	fb_table_seed(routes->table, seed);
	return true;
}

void balancer_routes_free(struct balancer_routes *routes)
{
	fb_table_free(routes->table);
}

static bool is_same(const struct balancer_route *route, const struct fb_hop *hops, size_t count)
{
	return route->hops_count == count &&
	       memcmp(route->hops, hops, count * sizeof hops[0]) == 0;
}

/* Two routes with one hash, which hardly ever happens, take neighbouring keys. */
uint32_t balancer_routes_hold(struct balancer_routes *routes, const struct fb_hop *hops,
                              size_t count)
{
	uint64_t key = hash_hops(hops, count);
	struct route *found;

	while ((found = fb_table_find(routes->table, &key)) &&
	       !is_same(&found->route, hops, count))
		key++;
	if (!found) {
		found = fb_table_add(routes->table, &key);
		if (!found)
			return FB_TABLE_NONE;
		memcpy(found->route.hops, hops, count * sizeof hops[0]);
		found->route.hops_count = (uint32_t)count;
	}
	found->route.users++;
	return fb_table_index_of(routes->table, found);
}

void balancer_routes_release(struct balancer_routes *routes, uint32_t index)
{
	struct route *route;

	if (index == FB_TABLE_NONE)
		return;
	route = fb_table_at(routes->table, index);
	if (--route->route.users == 0)
		fb_table_remove(routes->table, route);
}

const struct balancer_route *balancer_routes_at(const struct balancer_routes *routes,
                                                uint32_t index)
{
	const struct route *route = fb_table_at(routes->table, index);

	return &route->route;
}
