/* The network as a graph: nodes that are remembered, links, the tree for floods, shortest paths. */
#include "tests/unit/harness.h"

#include <stdlib.h>

#include "controller/apps/topology.h"
#include "lib/base/rng.h"

enum { NODES_MAX = 64, UNREACHABLE = 1000 };

static int somebody; /* the owner of all nodes */

/* --- Building --- */

static struct topology *begin(void)
{
	struct topology *t = topology_new(1, 4);

	CU_ASSERT_FATAL(t != NULL);
	return t;
}

static struct topology_port *add_port(struct topology *t, struct topology_node *node,
                                      uint16_t number)
{
	struct topology_port *port = calloc(1, sizeof *port);

	CU_ASSERT_FATAL(port != NULL);
	port->number = number;
	CU_ASSERT_FATAL(topology_add_port(t, node, port));
	return port;
}

/* The node 'dpid' with ports 1 to 'ports', edges all of them. */
static struct topology_node *add_node(struct topology *t, uint64_t dpid, uint16_t ports)
{
	struct topology_node *node = topology_node_up(t, dpid, &somebody);

	CU_ASSERT_FATAL(node != NULL);
	for (uint16_t number = 1; number <= ports; number++)
		topology_set_kind(t, add_port(t, node, number), FB_PORT_EDGE);
	return node;
}

static void remove_ports(struct topology *t, struct topology_node *node)
{
	while (node->ports_count > 0) {
		struct topology_port *port = node->ports[0];

		topology_unhear(t, port);
		topology_remove_port(t, port);
		free(port);
	}
}

static void end(struct topology *t)
{
	for (uint32_t i = 0; i < t->nodes_count; i++) {
		if (t->nodes[i])
			remove_ports(t, t->nodes[i]);
	}
	topology_free(t);
}

static void hear(struct topology *t, struct topology_port *port, struct topology_port *from)
{
	topology_set_kind(t, port, FB_PORT_LINK);
	topology_hear(t, port, topology_place(from));
}

/* Link the port 'a_port' of 'a' to 'b_port' of 'b'. */
static void join(struct topology *t, struct topology_node *a, uint16_t a_port,
                 struct topology_node *b, uint16_t b_port)
{
	hear(t, topology_port(a, a_port), topology_port(b, b_port));
	hear(t, topology_port(b, b_port), topology_port(a, a_port));
}

/* The link at 'port' of 'node' is gone; its ends stay links that hear nobody. */
static void part(struct topology *t, struct topology_node *node, uint16_t port)
{
	struct topology_port *near = topology_port(node, port), *far = topology_peer(t, near);

	CU_ASSERT_FATAL(far != NULL);
	topology_unhear(t, near);
	topology_unhear(t, far);
}

static struct fb_place place(const struct topology_node *node, uint16_t port)
{
	return (struct fb_place){.node = node->index, .port = port};
}

/* --- Nodes --- */

static void a_node_keeps_its_index_while_it_is_away(void)
{
	struct topology *t = begin();
	struct topology_node *a = add_node(t, 7, 0), *b = add_node(t, 5, 0);
	uint16_t index = a->index;

	CU_ASSERT(a->index != b->index);
	topology_node_down(t, a);
	CU_ASSERT_PTR_NULL(topology_node(t, index)->owner);
	CU_ASSERT_PTR_EQUAL(topology_find(t, 7), a);
	add_node(t, 9, 0);
	CU_ASSERT_EQUAL(add_node(t, 7, 0)->index, index);
	CU_ASSERT_EQUAL(t->up_count, 3);
	CU_ASSERT_EQUAL(t->away_count, 0);
	end(t);
}

static void who_has_been_away_for_longest_is_forgotten(void)
{
	struct topology *t = begin();
	struct topology_node *nodes[6];

	for (uint64_t dpid = 0; dpid < 6; dpid++)
		nodes[dpid] = add_node(t, dpid, 0);
	/* 3 comes back in between, so that it is not the one that left first. */
	topology_node_down(t, nodes[3]);
	topology_node_down(t, nodes[1]);
	topology_node_up(t, 3, &somebody);
	topology_node_down(t, nodes[2]);
	topology_node_down(t, nodes[3]);
	topology_node_down(t, nodes[0]);
	CU_ASSERT_EQUAL(t->nodes_forgotten, 0);
	topology_node_down(t, nodes[5]);
	CU_ASSERT_EQUAL(t->nodes_forgotten, 1);
	CU_ASSERT_PTR_NULL(topology_find(t, 1));
	for (uint64_t dpid = 0; dpid < 6; dpid++)
		CU_ASSERT(dpid == 1 || topology_find(t, dpid) == nodes[dpid]);
	CU_ASSERT_PTR_NOT_NULL(nodes[4]->owner);
	end(t);
}

static void a_full_topology_forgets_those_that_are_away_and_then_refuses(void)
{
	struct topology *t = begin();

	for (uint64_t dpid = 0; dpid < FB_NODES_MAX; dpid++)
		CU_ASSERT_FATAL(topology_node_up(t, dpid, &somebody) != NULL);
	CU_ASSERT_PTR_NULL(topology_node_up(t, FB_NODES_MAX, &somebody));
	CU_ASSERT_PTR_NULL(topology_find(t, FB_NODES_MAX));
	topology_node_down(t, topology_find(t, 77));
	CU_ASSERT_PTR_NOT_NULL(topology_node_up(t, FB_NODES_MAX, &somebody));
	CU_ASSERT_PTR_NULL(topology_find(t, 77));
	CU_ASSERT_PTR_NULL(topology_node_up(t, 77, &somebody));
	topology_free(t);
}

static void the_version_rises_with_switches_and_links_and_with_nothing_else(void)
{
	struct topology *t = begin();
	uint64_t version = t->version;
	struct topology_node *a = add_node(t, 1, 2), *b = add_node(t, 2, 2);

	CU_ASSERT(t->version > version);
	version = t->version;
	hear(t, topology_port(a, 1), topology_port(b, 1));
	CU_ASSERT_EQUAL(t->version, version);
	hear(t, topology_port(b, 1), topology_port(a, 1));
	CU_ASSERT(t->version > version);
	version = t->version;
	topology_tree_plan(t);
	topology_tree_settle(t);
	topology_distance(t, a->index, b->index);
	CU_ASSERT_EQUAL(t->version, version);
	topology_unhear(t, topology_port(a, 1));
	CU_ASSERT(t->version > version);
	version = t->version;
	topology_unhear(t, topology_port(b, 1));
	CU_ASSERT_EQUAL(t->version, version);
	remove_ports(t, a);
	topology_node_down(t, a);
	CU_ASSERT(t->version > version);
	end(t);
}

/* --- Ports and links --- */

static void ports_are_found_by_number_whatever_their_gaps(void)
{
	static const uint16_t numbers[] = {9, 1, 65534, 2, 4000, 3, 65279, 8};
	struct topology *t = begin();
	struct topology_node *node = add_node(t, 1, 0);
	struct topology_port *ports[8];

	for (size_t i = 0; i < 8; i++)
		ports[i] = add_port(t, node, numbers[i]);
	for (size_t i = 0; i < 8; i++)
		CU_ASSERT_PTR_EQUAL(topology_port(node, numbers[i]), ports[i]);
	for (uint32_t i = 1; i < node->ports_count; i++)
		CU_ASSERT(node->ports[i - 1]->number < node->ports[i]->number);
	CU_ASSERT_PTR_NULL(topology_port(node, 0));
	CU_ASSERT_PTR_NULL(topology_port(node, 7));
	CU_ASSERT_PTR_NULL(topology_port(node, 65535));
	topology_remove_port(t, ports[0]);
	CU_ASSERT_PTR_NULL(topology_port(node, 9));
	CU_ASSERT_PTR_EQUAL(topology_port(node, 8), ports[7]);
	free(ports[0]);
	end(t);
}

static void kinds_are_counted(void)
{
	struct topology *t = begin();
	struct topology_node *node = add_node(t, 1, 0);
	struct topology_port *port = add_port(t, node, 1), *other = add_port(t, node, 2);

	CU_ASSERT_EQUAL(node->pending_count, 2);
	CU_ASSERT_EQUAL(t->ports_pending, 2);
	topology_set_kind(t, port, FB_PORT_LINK);
	topology_set_kind(t, other, FB_PORT_EDGE);
	CU_ASSERT_EQUAL(node->links_count, 1);
	CU_ASSERT_EQUAL(t->ports_pending, 0);
	topology_remove_port(t, port);
	CU_ASSERT_EQUAL(node->links_count, 0);
	free(port);
	end(t);
}

static void two_ports_that_hear_each_other_are_a_link(void)
{
	struct topology *t = begin();
	struct topology_node *a = add_node(t, 1, 2), *b = add_node(t, 2, 2);
	struct topology_port *a1 = topology_port(a, 1), *b2 = topology_port(b, 2);

	CU_ASSERT_FALSE(topology_hear(t, a1, topology_place(b2)));
	CU_ASSERT_PTR_NULL(topology_peer(t, a1));
	CU_ASSERT_PTR_NULL(topology_peer(t, b2));
	CU_ASSERT(topology_hear(t, b2, topology_place(a1)));
	CU_ASSERT_PTR_EQUAL(topology_peer(t, a1), b2);
	CU_ASSERT_PTR_EQUAL(topology_peer(t, b2), a1);
	CU_ASSERT_EQUAL(t->links_count, 1);
	CU_ASSERT(topology_unhear(t, a1));
	CU_ASSERT_PTR_NULL(topology_peer(t, b2));
	CU_ASSERT_FALSE(topology_unhear(t, b2));
	CU_ASSERT_EQUAL(t->links_count, 0);
	end(t);
}

static void a_third_that_hears_one_of_a_link_is_in_none(void)
{
	struct topology *t = begin();
	struct topology_node *a = add_node(t, 1, 1), *b = add_node(t, 2, 1), *c = add_node(t, 3, 1);

	join(t, a, 1, b, 1);
	hear(t, topology_port(c, 1), topology_port(a, 1));
	CU_ASSERT_PTR_NULL(topology_peer(t, topology_port(c, 1)));
	CU_ASSERT_PTR_EQUAL(topology_peer(t, topology_port(a, 1)), topology_port(b, 1));
	CU_ASSERT_EQUAL(topology_distance(t, a->index, c->index), 0);
	end(t);
}

/* --- The tree --- */

/* Plan and settle; the number of links in the tree. */
static unsigned settled(struct topology *t)
{
	unsigned count = 0;

	topology_tree_plan(t);
	topology_tree_settle(t);
	for (uint32_t i = 0; i < t->nodes_count; i++) {
		const struct topology_node *node = t->nodes[i];

		for (uint32_t k = 0; node && k < node->ports_count; k++)
			count += node->ports[k]->in_tree;
	}
	CU_ASSERT_EQUAL(count % 2, 0);
	return count / 2;
}

static bool in_tree(const struct topology_node *node, uint16_t port)
{
	return topology_port(node, port)->in_tree;
}

static void a_ring_is_opened_where_it_is_farthest_from_the_lowest_dpid(void)
{
	struct topology *t = begin();
	struct topology_node *ring[4];

	/* The lowest is not the first that comes. */
	for (uint64_t i = 0; i < 4; i++)
		ring[i] = add_node(t, (i + 2) % 4 + 1, 2);
	for (size_t i = 0; i < 4; i++)
		join(t, ring[i], 2, ring[(i + 1) % 4], 1);
	CU_ASSERT_EQUAL(settled(t), 3);
	/* dpid 1 is ring[2]; ring[0] is opposite, and reached over the lower port of 1. */
	CU_ASSERT(in_tree(ring[2], 1) && in_tree(ring[2], 2));
	CU_ASSERT(in_tree(ring[1], 1));
	CU_ASSERT_FALSE(in_tree(ring[3], 2));
	end(t);
}

static void of_parallel_links_one_is_in_the_tree(void)
{
	struct topology *t = begin();
	struct topology_node *a = add_node(t, 1, 3), *b = add_node(t, 2, 3);

	for (uint16_t port = 1; port <= 3; port++)
		join(t, a, port, b, (uint16_t)(4 - port));
	CU_ASSERT_EQUAL(settled(t), 1);
	CU_ASSERT(in_tree(a, 1) && in_tree(b, 3));
	part(t, a, 1);
	CU_ASSERT_EQUAL(settled(t), 1);
	CU_ASSERT(in_tree(a, 2) && in_tree(b, 2));
	/* It stays when the first comes back. */
	join(t, a, 1, b, 3);
	CU_ASSERT_EQUAL(settled(t), 1);
	CU_ASSERT(in_tree(a, 2) && in_tree(b, 2));
	end(t);
}

static void a_link_from_a_switch_to_itself_is_not_in_the_tree(void)
{
	struct topology *t = begin();
	struct topology_node *a = add_node(t, 1, 3), *b = add_node(t, 2, 3);

	join(t, a, 1, a, 2);
	join(t, a, 3, b, 1);
	CU_ASSERT_EQUAL(settled(t), 1);
	CU_ASSERT(in_tree(a, 3));
	CU_ASSERT_EQUAL(topology_distance(t, a->index, b->index), 2);
	end(t);
}

static void a_link_that_is_not_to_be_flooded_is_not_in_the_tree(void)
{
	struct topology *t = begin();
	struct topology_node *a = add_node(t, 1, 2), *b = add_node(t, 2, 2);
	uint64_t version;

	join(t, a, 1, b, 1);
	join(t, a, 2, b, 2);
	CU_ASSERT_EQUAL(settled(t), 1);
	version = t->version;
	topology_set_no_flood(t, topology_port(b, 1), true);
	CU_ASSERT(t->version > version);
	CU_ASSERT_FALSE(in_tree(a, 1));
	CU_ASSERT_EQUAL(settled(t), 1);
	CU_ASSERT(in_tree(a, 2));
	CU_ASSERT_EQUAL(topology_distance(t, a->index, b->index), 2);
	topology_set_no_flood(t, topology_port(a, 2), true);
	CU_ASSERT_EQUAL(settled(t), 0);
	topology_set_no_flood(t, topology_port(b, 1), false);
	CU_ASSERT_EQUAL(settled(t), 1);
	end(t);
}

/* What both trees have is in force between the plan and its coming into force. */
static void the_new_tree_comes_into_force_in_two_steps(void)
{
	struct topology *t = begin();
	struct topology_node *ring[4];
	uint64_t losses;

	for (uint64_t i = 0; i < 4; i++)
		ring[i] = add_node(t, i + 1, 2);
	for (size_t i = 0; i < 4; i++)
		join(t, ring[i], 2, ring[(i + 1) % 4], 1);
	CU_ASSERT_EQUAL(settled(t), 3);
	CU_ASSERT_FALSE(in_tree(ring[2], 1));
	losses = t->tree_losses;
	part(t, ring[0], 1);
	CU_ASSERT_EQUAL(t->tree_losses, losses + 1);
	CU_ASSERT(topology_tree_plan(t));
	CU_ASSERT_FALSE(in_tree(ring[2], 1));
	CU_ASSERT(topology_port(ring[2], 1)->in_plan);
	CU_ASSERT(in_tree(ring[0], 2));
	topology_tree_settle(t);
	CU_ASSERT(in_tree(ring[2], 1));
	/* Back: it is nearer than another, which leaves at once. */
	join(t, ring[0], 1, ring[3], 2);
	losses = t->tree_losses;
	CU_ASSERT(topology_tree_plan(t));
	CU_ASSERT_EQUAL(t->tree_losses, losses + 1);
	CU_ASSERT_FALSE(in_tree(ring[0], 1));
	CU_ASSERT_FALSE(in_tree(ring[2], 1));
	topology_tree_settle(t);
	CU_ASSERT(in_tree(ring[0], 1));
	CU_ASSERT_FALSE(topology_tree_plan(t));
	end(t);
}

/* --- Graphs that are drawn --- */

struct drawn {
	struct topology *t;
	struct rng rng;
	uint32_t count;
	struct topology_node *nodes[NODES_MAX];
	uint16_t next_port[NODES_MAX];
	unsigned distance[NODES_MAX][NODES_MAX]; /* in links */
};

enum { DRAWN_PORTS = 60 };

static struct drawn *draw(uint64_t seed, uint32_t nodes, uint32_t links)
{
	struct drawn *d = calloc(1, sizeof *d);

	CU_ASSERT_FATAL(d != NULL);
	d->t = begin();
	d->count = nodes;
	rng_init(&d->rng, seed, "topology_test");
	for (uint32_t i = 0; i < nodes; i++) {
		/* Any order of dpids, each of them once. */
		d->nodes[i] = add_node(d->t, (i * 37 + seed) % 64, DRAWN_PORTS);
		d->next_port[i] = 1;
	}
	for (uint32_t i = 0; i < links; i++) {
		uint32_t a = (uint32_t)rng_below(&d->rng, nodes);
		uint32_t b = (uint32_t)rng_below(&d->rng, nodes);

		if (a == b || d->next_port[a] > DRAWN_PORTS || d->next_port[b] > DRAWN_PORTS)
			continue;
		join(d->t, d->nodes[a], d->next_port[a]++, d->nodes[b], d->next_port[b]++);
	}
	return d;
}

static void free_drawn(struct drawn *d)
{
	end(d->t);
	free(d);
}

static uint32_t number_of(const struct drawn *d, uint16_t index)
{
	for (uint32_t i = 0; i < d->count; i++) {
		if (d->nodes[i]->index == index)
			return i;
	}
	CU_FAIL_FATAL("no such node");
	return 0;
}

/* All distances, the slow way. */
static void measure(struct drawn *d)
{
	for (uint32_t i = 0; i < d->count; i++) {
		for (uint32_t k = 0; k < d->count; k++)
			d->distance[i][k] = i == k ? 0 : UNREACHABLE;
		for (uint16_t port = 1; port <= DRAWN_PORTS; port++) {
			const struct topology_port *peer =
			        topology_peer(d->t, topology_port(d->nodes[i], port));

			if (peer && peer->node != d->nodes[i])
				d->distance[i][number_of(d, peer->node->index)] = 1;
		}
	}
	for (uint32_t via = 0; via < d->count; via++) {
		for (uint32_t i = 0; i < d->count; i++) {
			for (uint32_t k = 0; k < d->count; k++) {
				unsigned sum = d->distance[i][via] + d->distance[via][k];

				if (sum < d->distance[i][k])
					d->distance[i][k] = sum;
			}
		}
	}
}

static uint32_t root_of(const uint32_t *parents, uint32_t i)
{
	while (parents[i] != i)
		i = parents[i];
	return i;
}

/* The parts into which the links of the tree in force divide the nodes; a cycle among them fails. */
static uint32_t parts_of_tree(const struct drawn *d)
{
	uint32_t parents[NODES_MAX], parts = d->count;

	for (uint32_t i = 0; i < d->count; i++)
		parents[i] = i;
	for (uint32_t i = 0; i < d->count; i++) {
		for (uint16_t number = 1; number <= DRAWN_PORTS; number++) {
			const struct topology_port *port = topology_port(d->nodes[i], number);
			const struct topology_port *peer = topology_peer(d->t, port);
			uint32_t a, b;

			CU_ASSERT_FATAL(!port->in_tree || (peer && peer->in_tree));
			if (!port->in_tree || peer->node->index < port->node->index)
				continue;
			a = root_of(parents, i);
			b = root_of(parents, number_of(d, peer->node->index));
			CU_ASSERT_FATAL(a != b);
			parents[a] = b;
			parts--;
		}
	}
	return parts;
}

static uint32_t parts_of_graph(const struct drawn *d)
{
	uint32_t parts = 0;

	for (uint32_t i = 0; i < d->count; i++) {
		bool first = true;

		for (uint32_t k = 0; k < i; k++)
			first &= d->distance[i][k] == UNREACHABLE;
		parts += first;
	}
	return parts;
}

/* End a link, or begin one, somewhere. */
static void change(struct drawn *d)
{
	uint32_t a = (uint32_t)rng_below(&d->rng, d->count);
	uint32_t b = (uint32_t)rng_below(&d->rng, d->count);
	uint16_t a_port = (uint16_t)(1 + rng_below(&d->rng, DRAWN_PORTS));
	uint16_t b_port = (uint16_t)(1 + rng_below(&d->rng, DRAWN_PORTS));

	if (topology_peer(d->t, topology_port(d->nodes[a], a_port)))
		part(d->t, d->nodes[a], a_port);
	else if (a != b && !topology_peer(d->t, topology_port(d->nodes[b], b_port)))
		join(d->t, d->nodes[a], a_port, d->nodes[b], b_port);
}

/* Whatever happens, the tree in force never has a cycle, and spans all when it has settled. */
static void the_tree_has_no_cycle_at_any_time_and_spans_all_in_the_end(void)
{
	for (uint64_t seed = 0; seed < 30; seed++) {
		struct drawn *d = draw(seed, 2 + (uint32_t)seed, 3 * (uint32_t)seed);

		for (int round = 0; round < 40; round++) {
			for (uint64_t n = rng_below(&d->rng, 4); n > 0; n--) {
				change(d);
				parts_of_tree(d);
			}
			topology_tree_plan(d->t);
			parts_of_tree(d);
			if (rng_below(&d->rng, 3) == 0)
				continue;
			topology_tree_settle(d->t);
			measure(d);
			CU_ASSERT_EQUAL(parts_of_tree(d), parts_of_graph(d));
		}
		free_drawn(d);
	}
}

/* Each hop leaves by a link to where the next one comes in. */
static bool is_joined(const struct drawn *d, const struct fb_hop *hops, size_t count)
{
	for (size_t i = 0; i + 1 < count; i++) {
		const struct topology_port *out =
		        topology_port(topology_node(d->t, hops[i].node), hops[i].out_port);
		const struct topology_port *peer = topology_peer(d->t, out);

		if (!peer || peer->node->index != hops[i + 1].node ||
		    peer->number != hops[i + 1].in_port)
			return false;
	}
	return true;
}

static void paths_are_as_short_as_they_can_be(void)
{
	struct fb_hop hops[FB_PATH_HOPS_MAX];

	for (uint64_t seed = 0; seed < 20; seed++) {
		struct drawn *d = draw(seed, 20, 15 + 2 * (uint32_t)seed);

		for (int round = 0; round < 5; round++) {
			change(d);
			measure(d);
			for (uint32_t a = 0; a < d->count; a++) {
				for (uint32_t b = 0; b < d->count; b++) {
					unsigned links = d->distance[a][b];
					struct fb_place from = place(d->nodes[a], 59);
					struct fb_place to = place(d->nodes[b], 60);
					size_t count = topology_path(d->t, from, to,
					                             rng_next(&d->rng), hops);

					CU_ASSERT_EQUAL_FATAL(count,
					                      links == UNREACHABLE ? 0 : links + 1);
					CU_ASSERT_EQUAL(topology_distance(d->t, from.node, to.node),
					                count);
					if (count == 0)
						continue;
					CU_ASSERT_EQUAL(hops[0].in_port, 59);
					CU_ASSERT_EQUAL(hops[0].node, from.node);
					CU_ASSERT_EQUAL(hops[count - 1].out_port, 60);
					CU_ASSERT_EQUAL(hops[count - 1].node, to.node);
					CU_ASSERT(is_joined(d, hops, count));
				}
			}
		}
		free_drawn(d);
	}
}

/* --- Paths --- */

static void equal_paths_share_what_there_is(void)
{
	struct topology *t = begin();
	struct topology_node *leaf[2], *spines[4];
	struct fb_hop hops[FB_PATH_HOPS_MAX], again[FB_PATH_HOPS_MAX];
	unsigned over[4][2] = {{0}};

	leaf[0] = add_node(t, 1, 9);
	leaf[1] = add_node(t, 2, 9);
	for (uint16_t i = 0; i < 4; i++) {
		spines[i] = add_node(t, 10 + i, 3);
		join(t, leaf[0], (uint16_t)(i + 1), spines[i], 1);
		/* Two parallel ones down. */
		join(t, leaf[1], (uint16_t)(2 * i + 1), spines[i], 2);
		join(t, leaf[1], (uint16_t)(2 * i + 2), spines[i], 3);
	}
	for (uint64_t hash = 0; hash < 8000; hash++) {
		CU_ASSERT_EQUAL_FATAL(
		        topology_path(t, place(leaf[0], 9), place(leaf[1], 9), hash, hops), 3);
		CU_ASSERT_EQUAL(topology_path(t, place(leaf[0], 9), place(leaf[1], 9), hash, again),
		                3);
		CU_ASSERT_EQUAL(memcmp(hops, again, 3 * sizeof *hops), 0);
		over[hops[0].out_port - 1][hops[1].out_port - 2]++;
	}
	for (size_t i = 0; i < 4; i++) {
		for (size_t k = 0; k < 2; k++)
			CU_ASSERT(over[i][k] > 800 && over[i][k] < 1200);
	}
	end(t);
}

static void a_link_that_goes_moves_those_paths_only_that_led_over_it(void)
{
	struct topology *t = begin();
	struct topology_node *a = add_node(t, 1, 9), *b = add_node(t, 2, 9);
	uint16_t before[1000];
	struct fb_hop hops[FB_PATH_HOPS_MAX];

	for (uint16_t port = 1; port <= 8; port++)
		join(t, a, port, b, port);
	for (uint64_t hash = 0; hash < 1000; hash++) {
		topology_path(t, place(a, 9), place(b, 9), hash, hops);
		before[hash] = hops[0].out_port;
	}
	part(t, a, 3);
	for (uint64_t hash = 0; hash < 1000; hash++) {
		topology_path(t, place(a, 9), place(b, 9), hash, hops);
		CU_ASSERT(before[hash] == 3 ? hops[0].out_port != 3
		                            : hops[0].out_port == before[hash]);
	}
	join(t, a, 3, b, 3);
	for (uint64_t hash = 0; hash < 1000; hash++) {
		topology_path(t, place(a, 9), place(b, 9), hash, hops);
		CU_ASSERT_EQUAL(hops[0].out_port, before[hash]);
	}
	end(t);
}

static void paths_that_are_too_long_are_not_offered(void)
{
	struct topology *t = begin();
	struct topology_node *line[FB_PATH_HOPS_MAX + 1];
	struct fb_hop hops[FB_PATH_HOPS_MAX];

	for (size_t i = 0; i <= FB_PATH_HOPS_MAX; i++) {
		line[i] = add_node(t, i + 1, 3);
		if (i > 0)
			join(t, line[i - 1], 2, line[i], 1);
	}
	CU_ASSERT_EQUAL(
	        topology_path(t, place(line[0], 3), place(line[FB_PATH_HOPS_MAX - 1], 3), 0, hops),
	        FB_PATH_HOPS_MAX);
	CU_ASSERT_EQUAL(
	        topology_path(t, place(line[0], 3), place(line[FB_PATH_HOPS_MAX], 3), 0, hops), 0);
	CU_ASSERT_EQUAL(topology_distance(t, line[0]->index, line[FB_PATH_HOPS_MAX]->index), 0);
	CU_ASSERT_EQUAL(topology_distance(t, line[0]->index, line[FB_PATH_HOPS_MAX - 1]->index),
	                FB_PATH_HOPS_MAX);
	end(t);
}

static void there_is_no_path_to_or_from_what_is_down(void)
{
	struct topology *t = begin();
	struct topology_node *a = add_node(t, 1, 2), *b = add_node(t, 2, 2);
	struct fb_hop hops[FB_PATH_HOPS_MAX];

	join(t, a, 1, b, 1);
	CU_ASSERT_EQUAL(topology_path(t, place(a, 2), place(b, 2), 0, hops), 2);
	CU_ASSERT_EQUAL(topology_path(t, place(a, 2), place(b, 3), 0, hops), 0);
	CU_ASSERT_EQUAL(topology_path(t, place(a, 2), place(a, 2), 0, hops), 1);
	CU_ASSERT_EQUAL(hops[0].in_port, hops[0].out_port);
	/* The controller's own frames come from no port. */
	CU_ASSERT_EQUAL(topology_path(t, place(a, OFPP_NONE), place(b, 2), 0, hops), 2);
	CU_ASSERT_EQUAL(
	        topology_path(t, (struct fb_place){.node = 99, .port = 1}, place(b, 2), 0, hops),
	        0);
	part(t, a, 1);
	remove_ports(t, a);
	topology_node_down(t, a);
	CU_ASSERT_EQUAL(topology_path(t, place(a, 2), place(b, 2), 0, hops), 0);
	CU_ASSERT_EQUAL(topology_path(t, place(b, 2), place(a, 2), 0, hops), 0);
	CU_ASSERT_EQUAL(topology_distance(t, a->index, b->index), 0);
	CU_ASSERT_EQUAL(topology_distance(t, a->index, a->index), 0);
	CU_ASSERT_EQUAL(topology_distance(t, FB_NODE_NONE, b->index), 0);
	end(t);
}

static void a_path_holds_while_its_links_are_up_and_its_ends_are_edges(void)
{
	struct topology *t = begin();
	struct topology_node *a = add_node(t, 1, 3), *b = add_node(t, 2, 3), *c = add_node(t, 3, 3);
	struct fb_hop hops[FB_PATH_HOPS_MAX];
	size_t count;

	join(t, a, 1, b, 1);
	join(t, b, 2, c, 2);
	count = topology_path(t, place(a, 3), place(c, 3), 0, hops);
	CU_ASSERT_EQUAL_FATAL(count, 3);
	CU_ASSERT(topology_path_holds(t, hops, count));
	CU_ASSERT_FALSE(topology_path_holds(t, hops, 2));
	CU_ASSERT_FALSE(topology_path_holds(t, hops, 0));
	topology_set_kind(t, topology_port(c, 3), FB_PORT_PENDING);
	CU_ASSERT_FALSE(topology_path_holds(t, hops, count));
	topology_set_kind(t, topology_port(c, 3), FB_PORT_EDGE);
	topology_set_kind(t, topology_port(a, 3), FB_PORT_LINK);
	CU_ASSERT_FALSE(topology_path_holds(t, hops, count));
	topology_set_kind(t, topology_port(a, 3), FB_PORT_EDGE);
	CU_ASSERT(topology_path_holds(t, hops, count));
	/* The same port leads elsewhere now. */
	part(t, b, 2);
	CU_ASSERT_FALSE(topology_path_holds(t, hops, count));
	join(t, b, 2, c, 1);
	CU_ASSERT_FALSE(topology_path_holds(t, hops, count));
	part(t, b, 2);
	join(t, b, 2, c, 2);
	CU_ASSERT(topology_path_holds(t, hops, count));
	end(t);
}

/* More switches than there is room for distances between all of them: every seventh is one link farther
 * away than the others. */
static void distances_are_right_when_they_have_to_be_found_again(void)
{
	enum { LEAVES = 5000 };
	struct topology *t = begin();
	struct topology_node *hub = topology_node_up(t, 1, &somebody), *last = NULL;

	for (uint16_t i = 1; i <= LEAVES; i++) {
		struct topology_node *node = add_node(t, 1u + i, 2);

		add_port(t, hub, i);
		if (i % 7 == 0)
			join(t, node, 1, last, 2);
		else
			join(t, node, 1, hub, i);
		last = node;
	}
	for (int round = 0; round < 2; round++) {
		for (uint16_t i = 1; i <= LEAVES; i++) {
			uint16_t leaf = topology_find(t, 1u + i)->index;

			CU_ASSERT_EQUAL(topology_distance(t, hub->index, leaf), 2u + (i % 7 == 0));
		}
	}
	CU_ASSERT(t->rows_evicted > 0);
	end(t);
}

UNIT_TESTS("topology", UNIT_TEST(a_node_keeps_its_index_while_it_is_away),
           UNIT_TEST(who_has_been_away_for_longest_is_forgotten),
           UNIT_TEST(a_full_topology_forgets_those_that_are_away_and_then_refuses),
           UNIT_TEST(the_version_rises_with_switches_and_links_and_with_nothing_else),
           UNIT_TEST(ports_are_found_by_number_whatever_their_gaps), UNIT_TEST(kinds_are_counted),
           UNIT_TEST(two_ports_that_hear_each_other_are_a_link),
           UNIT_TEST(a_third_that_hears_one_of_a_link_is_in_none),
           UNIT_TEST(a_ring_is_opened_where_it_is_farthest_from_the_lowest_dpid),
           UNIT_TEST(of_parallel_links_one_is_in_the_tree),
           UNIT_TEST(a_link_from_a_switch_to_itself_is_not_in_the_tree),
           UNIT_TEST(a_link_that_is_not_to_be_flooded_is_not_in_the_tree),
           UNIT_TEST(the_new_tree_comes_into_force_in_two_steps),
           UNIT_TEST(the_tree_has_no_cycle_at_any_time_and_spans_all_in_the_end),
           UNIT_TEST(paths_are_as_short_as_they_can_be), UNIT_TEST(equal_paths_share_what_there_is),
           UNIT_TEST(a_link_that_goes_moves_those_paths_only_that_led_over_it),
           UNIT_TEST(paths_that_are_too_long_are_not_offered),
           UNIT_TEST(there_is_no_path_to_or_from_what_is_down),
           UNIT_TEST(a_path_holds_while_its_links_are_up_and_its_ends_are_edges),
           UNIT_TEST(distances_are_right_when_they_have_to_be_found_again))
