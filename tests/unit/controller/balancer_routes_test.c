/* Routes that sessions share. */
#include "tests/unit/harness.h"

#include "controller/apps/balancer_routes.h"

static const struct fb_hop way[] = {{1, 10, 11}, {2, 20, 21}, {3, 30, 31}};
static const struct fb_hop other[] = {{1, 10, 11}, {2, 20, 22}, {3, 30, 31}};

static struct balancer_routes begin(void)
{
	struct balancer_routes routes;

	CU_ASSERT_FATAL(balancer_routes_init(&routes, 0x1234));
	return routes;
}

static void sessions_that_go_the_same_way_share_a_route(void)
{
	struct balancer_routes routes = begin();
	uint32_t first = balancer_routes_hold(&routes, way, 3);

	CU_ASSERT_NOT_EQUAL_FATAL(first, FB_TABLE_NONE);
	CU_ASSERT_EQUAL(balancer_routes_hold(&routes, way, 3), first);
	CU_ASSERT_NOT_EQUAL(balancer_routes_hold(&routes, other, 3), first);
	CU_ASSERT_NOT_EQUAL(balancer_routes_hold(&routes, way, 2), first);
	CU_ASSERT_EQUAL(fb_table_count(routes.table), 3);
	CU_ASSERT_EQUAL(balancer_routes_at(&routes, first)->hops_count, 3);
	CU_ASSERT_EQUAL(balancer_routes_at(&routes, first)->users, 2);
	for (size_t i = 0; i < 3; i++) {
		const struct fb_hop *hop = &balancer_routes_at(&routes, first)->hops[i];

		CU_ASSERT(hop->node == way[i].node && hop->in_port == way[i].in_port &&
		          hop->out_port == way[i].out_port);
	}
	balancer_routes_free(&routes);
}

static void a_route_goes_with_the_last_that_uses_it(void)
{
	struct balancer_routes routes = begin();
	uint32_t route = balancer_routes_hold(&routes, way, 3);

	balancer_routes_hold(&routes, way, 3);
	balancer_routes_release(&routes, route);
	CU_ASSERT_EQUAL(fb_table_count(routes.table), 1);
	balancer_routes_release(&routes, route);
	CU_ASSERT_EQUAL(fb_table_count(routes.table), 0);
	balancer_routes_release(&routes, FB_TABLE_NONE);
	balancer_routes_free(&routes);
}

static void many_routes_are_told_apart(void)
{
	enum { NODES = 200, PORTS = 50 };
	struct balancer_routes routes = begin();
	struct fb_hop hops[2] = {{.node = 0}};
	uint32_t indexes[NODES][PORTS];

	for (uint16_t node = 0; node < NODES; node++) {
		for (uint16_t port = 0; port < PORTS; port++) {
			hops[0].node = node;
			hops[1].out_port = port;
			indexes[node][port] = balancer_routes_hold(&routes, hops, 2);
		}
	}
	CU_ASSERT_EQUAL(fb_table_count(routes.table), NODES * PORTS);
	for (uint16_t node = 0; node < NODES; node++) {
		for (uint16_t port = 0; port < PORTS; port++) {
			const struct balancer_route *route =
			        balancer_routes_at(&routes, indexes[node][port]);

			CU_ASSERT(route->hops[0].node == node && route->hops[1].out_port == port);
			balancer_routes_release(&routes, indexes[node][port]);
		}
	}
	CU_ASSERT_EQUAL(fb_table_count(routes.table), 0);
	balancer_routes_free(&routes);
}

static void at_the_limit_there_is_no_route_until_one_goes(void)
{
	struct balancer_routes routes = begin();
	uint32_t limit = fb_table_limit(routes.table);
	struct fb_hop hops[2] = {{.node = 0}};
	uint32_t last = FB_TABLE_NONE;

	for (uint32_t i = 0; i <= limit; i++) {
		hops[0] = (struct fb_hop){.node = (uint16_t)i, .in_port = (uint16_t)(i >> 16)};
		if (i == limit)
			break;
		last = balancer_routes_hold(&routes, hops, 2);
		CU_ASSERT_NOT_EQUAL_FATAL(last, FB_TABLE_NONE);
	}
	CU_ASSERT_EQUAL(balancer_routes_hold(&routes, hops, 2), FB_TABLE_NONE);
	balancer_routes_release(&routes, last);
	CU_ASSERT_NOT_EQUAL(balancer_routes_hold(&routes, hops, 2), FB_TABLE_NONE);
	balancer_routes_free(&routes);
}

UNIT_TESTS("balancer_routes", UNIT_TEST(sessions_that_go_the_same_way_share_a_route),
           UNIT_TEST(a_route_goes_with_the_last_that_uses_it),
           UNIT_TEST(many_routes_are_told_apart),
           UNIT_TEST(at_the_limit_there_is_no_route_until_one_goes))
