/* The network as a graph; see topology.h.
 *
 * Links are found through their ports, so that a change of one costs nothing elsewhere. Whoever asks
 * for paths or for a tree works on a copy of all links that is gathered in one go ('graph'): for
 * each node its links in the order of its ports, one after the other in memory. */
#include "controller/apps/topology.h"

#include <assert.h>
#include <stdlib.h>

#include <flowbed/table.h>

enum {
	NODES_FIRST = 16,
	PORTS_FIRST = 4,
	ROWS_BYTES_MAX = 16 << 20, /* of distances */
	ROWS_MIN = 16,
	NO_ROW = UINT16_MAX,
	UNREACHED = UINT8_MAX,
};

/* A link as its one end sees it. */
struct edge {
	uint16_t out_port;
	uint16_t node, in_port; /* where it leads */
};

struct topology_graph {
	uint64_t version; /* of the topology that it was gathered from; 0: of none */
	uint32_t nodes_count;
	uint32_t *first;    /* of the edges of each node; one more at the end */
	struct edge *edges; /* by node, in the order of its ports */
	uint32_t edges_size;
	uint16_t *queue; /* of nodes to visit, for who walks the graph; has room for all */
	uint32_t *via;   /* by node: the edge by which the tree reaches it */

	/* Distances: 'rows_size' rows of 'nodes_count' bytes */
	uint8_t *rows;
	uint32_t rows_size, rows_count;
	uint32_t next_row;   /* to give up next, when all are used */
	uint16_t *row_of;    /* by destination; NO_ROW: not computed */
	uint16_t *row_owner; /* by row: the destination */
};

struct dpid_entry {
	uint64_t dpid;
	uint16_t index;
};

static void *grown(void *memory, size_t count, size_t bytes)
{
	memory = realloc(memory, (count ? count : 1) * bytes);
	if (!memory)
		abort();
	return memory;
}

struct topology *topology_new(uint64_t seed, uint32_t away_max)
{
	struct topology *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->away_max = away_max;
	t->version = 1;
	t->graph = calloc(1, sizeof *t->graph);
	t->dpids = fb_table_new(sizeof(uint64_t), sizeof(struct dpid_entry), FB_NODES_MAX);
	if (!t->graph || !t->dpids) {
		topology_free(t);
		return NULL;
	}
	fb_table_seed(t->dpids, seed);
	return t;
}

static void free_node(struct topology_node *node)
{
	free(node->ports);
	free(node);
}

static void free_graph(struct topology_graph *graph)
{
	free(graph->first);
	free(graph->edges);
	free(graph->queue);
	free(graph->via);
	free(graph->rows);
	free(graph->row_of);
	free(graph->row_owner);
	free(graph);
}

void topology_free(struct topology *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->nodes_count; i++) {
		if (t->nodes[i])
			free_node(t->nodes[i]);
	}
	if (t->graph)
		free_graph(t->graph);
	free(t->nodes);
	free(t->by_dpid);
	fb_table_free(t->dpids);
	free(t);
}

/* --- Nodes --- */

static void leave_away(struct topology *t, struct topology_node *node)
{
	if (node->older)
		node->older->newer = node->newer;
	else
		t->away_first = node->newer;
	if (node->newer)
		node->newer->older = node->older;
	else
		t->away_last = node->older;
	node->older = node->newer = NULL;
	t->away_count--;
}

static void enter_away(struct topology *t, struct topology_node *node)
{
	node->older = t->away_last;
	if (t->away_last)
		t->away_last->newer = node;
	else
		t->away_first = node;
	t->away_last = node;
	t->away_count++;
}

/* Forget the node that has been away for longest. */
static void forget_oldest(struct topology *t)
{
	struct topology_node *node = t->away_first;

	leave_away(t, node);
	fb_table_remove(t->dpids, fb_table_find(t->dpids, &node->dpid));
	t->nodes[node->index] = NULL;
	t->nodes_forgotten++;
	free_node(node);
}

struct topology_node *topology_find(const struct topology *t, uint64_t dpid)
{
	const struct dpid_entry *entry = fb_table_find(t->dpids, &dpid);

	return entry ? t->nodes[entry->index] : NULL;
}

/* A node that is not remembered; its index is that of its dpid in the table. NULL at the limit. */
static struct topology_node *add_node(struct topology *t, uint64_t dpid)
{
	struct topology_node *node;
	struct dpid_entry *entry;

	if (fb_table_count(t->dpids) == FB_NODES_MAX && t->away_first)
		forget_oldest(t);
	if (fb_table_count(t->dpids) == FB_NODES_MAX)
		return NULL;
	entry = fb_table_add(t->dpids, &dpid);
	node = calloc(1, sizeof *node);
	if (!entry || !node)
		abort();
	entry->index = (uint16_t)fb_table_index_of(t->dpids, entry);
	node->dpid = dpid;
	node->index = entry->index;
	if (node->index >= t->nodes_size) {
		uint32_t size = t->nodes_size ? t->nodes_size : NODES_FIRST;

		while (size <= node->index)
			size *= 2;
		t->nodes = grown(t->nodes, size, sizeof *t->nodes);
		t->by_dpid = grown(t->by_dpid, size, sizeof *t->by_dpid);
		memset(t->nodes + t->nodes_size, 0, (size - t->nodes_size) * sizeof *t->nodes);
		t->nodes_size = size;
	}
	if (node->index >= t->nodes_count)
		t->nodes_count = node->index + 1u;
	t->nodes[node->index] = node;
	return node;
}

/* The place of 'dpid' among those that are up, or where it would be. */
static uint32_t place_of(const struct topology *t, uint64_t dpid)
{
	uint32_t low = 0, high = t->up_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (t->by_dpid[middle]->dpid < dpid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct topology_node *topology_node_up(struct topology *t, uint64_t dpid, void *owner)
{
	struct topology_node *node = topology_find(t, dpid);
	uint32_t place;

	if (node)
		leave_away(t, node);
	else
		node = add_node(t, dpid);
	if (!node)
		return NULL;
	place = place_of(t, dpid);
	memmove(t->by_dpid + place + 1, t->by_dpid + place,
	        (t->up_count - place) * sizeof *t->by_dpid);
	t->by_dpid[place] = node;
	t->up_count++;
	node->owner = owner;
	t->version++;
	return node;
}

void topology_node_down(struct topology *t, struct topology_node *node)
{
	uint32_t place = place_of(t, node->dpid);

	assert(node->owner && node->ports_count == 0);
	t->up_count--;
	memmove(t->by_dpid + place, t->by_dpid + place + 1,
	        (t->up_count - place) * sizeof *t->by_dpid);
	free(node->ports);
	node->ports = NULL;
	node->ports_size = 0;
	node->owner = NULL;
	enter_away(t, node);
	if (t->away_count > t->away_max)
		forget_oldest(t);
	t->version++;
}

/* --- Ports --- */

uint32_t topology_port_index(const struct topology_node *node, uint16_t number)
{
	uint32_t low = 0, high = node->ports_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (node->ports[middle]->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void count_kind(struct topology *t, const struct topology_port *port, uint32_t by)
{
	struct topology_node *node = port->node;

	if (port->kind == FB_PORT_PENDING) {
		node->pending_count += by;
		t->ports_pending += by;
	} else if (port->kind == FB_PORT_LINK) {
		node->links_count += by;
	}
}

bool topology_add_port(struct topology *t, struct topology_node *node, struct topology_port *port)
{
	uint32_t place = topology_port_index(node, port->number);

	assert(place == node->ports_count || node->ports[place]->number != port->number);
	if (node->ports_count == node->ports_size) {
		uint32_t size = node->ports_size ? 2 * node->ports_size : PORTS_FIRST;
		struct topology_port **ports = realloc(node->ports, size * sizeof *ports);

		if (!ports)
			return false;
		node->ports = ports;
		node->ports_size = size;
	}
	memmove(node->ports + place + 1, node->ports + place,
	        (node->ports_count - place) * sizeof *node->ports);
	node->ports[place] = port;
	node->ports_count++;
	port->node = node;
	port->kind = FB_PORT_PENDING;
	port->heard = (struct fb_place){0};
	port->in_tree = port->in_plan = false;
	count_kind(t, port, 1);
	return true;
}

void topology_remove_port(struct topology *t, struct topology_port *port)
{
	struct topology_node *node = port->node;
	uint32_t place = topology_port_index(node, port->number);

	assert(port->heard.port == 0);
	count_kind(t, port, -1u);
	node->ports_count--;
	memmove(node->ports + place, node->ports + place + 1,
	        (node->ports_count - place) * sizeof *node->ports);
	port->node = NULL;
}

void topology_set_kind(struct topology *t, struct topology_port *port, enum fb_port_kind kind)
{
	count_kind(t, port, -1u);
	port->kind = kind;
	count_kind(t, port, 1);
}

/* --- Links --- */

static bool is_place(struct fb_place a, struct fb_place b)
{
	return a.node == b.node && a.port == b.port;
}

struct topology_port *topology_peer(const struct topology *t, const struct topology_port *port)
{
	struct topology_port *peer;

	if (port->heard.port == 0)
		return NULL;
	peer = topology_at(t, port->heard);
	return peer && is_place(peer->heard, topology_place(port)) ? peer : NULL;
}

static void leave_tree(struct topology *t, struct topology_port *a, struct topology_port *b)
{
	t->tree_losses += a->in_tree;
	a->in_tree = a->in_plan = false;
	b->in_tree = b->in_plan = false;
}

bool topology_hear(struct topology *t, struct topology_port *port, struct fb_place from)
{
	assert(port->heard.port == 0 && !is_place(from, topology_place(port)));
	port->heard = from;
	if (!topology_peer(t, port))
		return false;
	t->links_count++;
	t->version++;
	return true;
}

bool topology_unhear(struct topology *t, struct topology_port *port)
{
	struct topology_port *peer = topology_peer(t, port);

	if (peer) {
		leave_tree(t, port, peer);
		t->links_count--;
		t->version++;
	}
	port->heard = (struct fb_place){0};
	return peer;
}

void topology_set_no_flood(struct topology *t, struct topology_port *port, bool no_flood)
{
	struct topology_port *peer = topology_peer(t, port);

	if (port->no_flood == no_flood)
		return;
	port->no_flood = no_flood;
	if (!peer)
		return;
	if (no_flood)
		leave_tree(t, port, peer);
	t->version++;
}

/* --- The graph --- */

static uint32_t rows_max(const struct topology_graph *graph)
{
	uint32_t rows = ROWS_BYTES_MAX / graph->nodes_count;

	rows = rows < ROWS_MIN ? ROWS_MIN : rows;
	return rows < graph->nodes_count ? rows : graph->nodes_count;
}

static void size_graph(struct topology_graph *graph, uint32_t nodes_count)
{
	graph->nodes_count = nodes_count;
	graph->first = grown(graph->first, nodes_count + 1, sizeof *graph->first);
	graph->queue = grown(graph->queue, nodes_count, sizeof *graph->queue);
	graph->via = grown(graph->via, nodes_count, sizeof *graph->via);
	graph->row_of = grown(graph->row_of, nodes_count, sizeof *graph->row_of);
	graph->row_owner = grown(graph->row_owner, rows_max(graph), sizeof *graph->row_owner);
	/* Rows come as they are used. */
	free(graph->rows);
	graph->rows = NULL;
	graph->rows_size = 0;
}

static void add_edges(struct topology *t, const struct topology_node *node, uint32_t *count)
{
	struct topology_graph *graph = t->graph;

	for (uint32_t i = 0; i < node->ports_count; i++) {
		const struct topology_port *port = node->ports[i];

		if (port->kind != FB_PORT_LINK || !topology_peer(t, port))
			continue;
		if (*count == graph->edges_size) {
			graph->edges_size = graph->edges_size ? 2 * graph->edges_size : 64;
			graph->edges = grown(graph->edges, graph->edges_size, sizeof *graph->edges);
		}
		graph->edges[(*count)++] = (struct edge){
		        .out_port = port->number,
		        .node = port->heard.node,
		        .in_port = port->heard.port,
		};
	}
}

/* The graph of the topology as it is now. */
static struct topology_graph *gather(struct topology *t)
{
	struct topology_graph *graph = t->graph;
	uint32_t count = 0;

	if (graph->version == t->version)
		return graph;
	if (t->nodes_count > 0 && graph->nodes_count != t->nodes_count)
		size_graph(graph, t->nodes_count);
	for (uint32_t i = 0; i < t->nodes_count; i++) {
		graph->first[i] = count;
		graph->row_of[i] = NO_ROW;
		if (t->nodes[i])
			add_edges(t, t->nodes[i], &count);
	}
	if (graph->first)
		graph->first[t->nodes_count] = count;
	graph->rows_count = 0;
	graph->next_row = 0;
	graph->version = t->version;
	return graph;
}

/* --- The tree --- */

static struct topology_port *port_of(const struct topology *t, uint32_t node, uint16_t number)
{
	return topology_port(t->nodes[node], number);
}

/* The port at the near end of 'edge', which is one of 'node'. */
static bool is_in_tree(const struct topology *t, uint32_t node, const struct edge *edge)
{
	return port_of(t, node, edge->out_port)->in_tree;
}

static bool passes_floods(const struct topology *t, uint32_t node, const struct edge *edge)
{
	return !port_of(t, node, edge->out_port)->no_flood &&
	       !port_of(t, edge->node, edge->in_port)->no_flood;
}

#define NO_EDGE UINT32_MAX

/* Reach all that can be reached from 'root'; 'depth' of those that are not yet is UNREACHED. The
 * nodes reached are 'count' first ones of graph->queue. */
static uint32_t grow_tree(const struct topology *t, struct topology_graph *graph, uint32_t root,
                          uint32_t *depth)
{
	uint32_t count = 0;

	depth[root] = 0;
	graph->via[root] = NO_EDGE;
	graph->queue[count++] = (uint16_t)root;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t node = graph->queue[i];

		for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
			const struct edge *edge = &graph->edges[e];

			if (!passes_floods(t, node, edge))
				continue;
			if (depth[edge->node] == UINT32_MAX) {
				depth[edge->node] = depth[node] + 1;
				graph->via[edge->node] = e;
				graph->queue[count++] = edge->node;
			} else if (depth[edge->node] == depth[node] + 1 &&
			           is_in_tree(t, node, edge) &&
			           !port_of(t, edge->node,
			                    graph->edges[graph->via[edge->node]].in_port)
			                    ->in_tree) {
				graph->via[edge->node] = e;
			}
		}
	}
	return count;
}

/* Put the edges by which the 'count' nodes of the queue were reached into the plan. */
static void plan_edges(struct topology *t, const struct topology_graph *graph, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t e = graph->via[graph->queue[i]];
		struct topology_port *near;

		if (e == NO_EDGE)
			continue;
		near = port_of(t, graph->edges[e].node, graph->edges[e].in_port);
		near->in_plan = true;
		topology_at(t, near->heard)->in_plan = true;
	}
}

static bool for_each_link(struct topology *t,
                          bool (*act)(struct topology *, struct topology_port *))
{
	struct topology_graph *graph = gather(t);
	bool result = false;

	for (uint32_t node = 0; node < graph->nodes_count; node++) {
		for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++)
			result |= act(t, port_of(t, node, graph->edges[e].out_port));
	}
	return result;
}

static bool clear_plan(struct topology *t, struct topology_port *port)
{
	(void)t;
	port->in_plan = false;
	return false;
}

/* Each link is met at both its ends; the loss is counted once. */
static bool intersect(struct topology *t, struct topology_port *port)
{
	if (port->in_tree && !port->in_plan)
		leave_tree(t, port, topology_peer(t, port));
	return port->in_plan && !port->in_tree;
}

static bool settle(struct topology *t, struct topology_port *port)
{
	(void)t;
	port->in_tree = port->in_plan;
	return false;
}

bool topology_tree_plan(struct topology *t)
{
	struct topology_graph *graph = gather(t);
	uint32_t *depth = grown(NULL, graph->nodes_count, sizeof *depth);

	for_each_link(t, clear_plan);
	memset(depth, 0xff, graph->nodes_count * sizeof *depth);
	for (uint32_t i = 0; i < t->up_count; i++) {
		uint32_t root = t->by_dpid[i]->index;

		if (depth[root] == UINT32_MAX)
			plan_edges(t, graph, grow_tree(t, graph, root, depth));
	}
	free(depth);
	return for_each_link(t, intersect);
}

void topology_tree_settle(struct topology *t)
{
	for_each_link(t, settle);
}

/* --- Paths --- */

static uint64_t mixed(uint64_t a, uint64_t b)
{
	a = (a ^ (b >> 29) ^ b) * UINT64_C(0x9e3779b97f4a7c15);
	a = (a ^ (a >> 32)) * UINT64_C(0xd6e8feb86659fd93);
	return a ^ (a >> 32);
}

/* A row to fill; the oldest is given up when there are enough. */
static uint8_t *take_row(struct topology *t, struct topology_graph *graph, uint16_t to)
{
	uint32_t row = graph->rows_count, max = rows_max(graph);

	if (row == max) {
		row = graph->next_row;
		graph->next_row = (row + 1) % max;
		graph->row_of[graph->row_owner[row]] = NO_ROW;
		t->rows_evicted++;
	} else {
		graph->rows_count++;
	}
	if (row >= graph->rows_size) {
		graph->rows_size = graph->rows_size ? 2 * graph->rows_size : ROWS_MIN;
		if (graph->rows_size > max)
			graph->rows_size = max;
		graph->rows = grown(graph->rows, graph->rows_size, graph->nodes_count);
	}
	graph->row_of[to] = (uint16_t)row;
	graph->row_owner[row] = to;
	return graph->rows + (size_t)row * graph->nodes_count;
}

/* The distances of all nodes from 'to', in links; UNREACHED where there is none, or a longer one
 * than is offered. */
static const uint8_t *row_to(struct topology *t, struct topology_graph *graph, uint16_t to)
{
	uint32_t count = 0;
	uint8_t *row;

	if (graph->row_of[to] != NO_ROW)
		return graph->rows + (size_t)graph->row_of[to] * graph->nodes_count;
	row = take_row(t, graph, to);
	memset(row, UNREACHED, graph->nodes_count);
	row[to] = 0;
	graph->queue[count++] = to;
	for (uint32_t i = 0; i < count; i++) {
		uint16_t node = graph->queue[i];

		if (row[node] == FB_PATH_HOPS_MAX - 1)
			break;
		for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
			uint16_t other = graph->edges[e].node;

			if (row[other] != UNREACHED)
				continue;
			row[other] = row[node] + 1;
			graph->queue[count++] = other;
		}
	}
	return row;
}

/* Of the edges of 'node' that lead nearer to where 'row' is of, the one that 'hash' chooses. */
static const struct edge *next_edge(const struct topology *t, const struct topology_graph *graph,
                                    const uint8_t *row, uint16_t node, uint64_t hash)
{
	const struct edge *best = NULL;
	uint64_t best_score = 0;

	hash = mixed(hash, t->nodes[node]->dpid);
	for (uint32_t e = graph->first[node]; e < graph->first[node + 1]; e++) {
		const struct edge *edge = &graph->edges[e];
		uint64_t score;

		if (row[edge->node] != row[node] - 1)
			continue;
		score = mixed(hash, edge->out_port + UINT64_C(1));
		if (!best || score > best_score) {
			best = edge;
			best_score = score;
		}
	}
	return best;
}

static bool is_up(const struct topology *t, uint16_t index)
{
	const struct topology_node *node = topology_node(t, index);

	return node && node->owner;
}

size_t topology_path(struct topology *t, struct fb_place from, struct fb_place to, uint64_t hash,
                     struct fb_hop hops[FB_PATH_HOPS_MAX])
{
	struct topology_graph *graph;
	const uint8_t *row;
	size_t count = 0;

	if (!is_up(t, from.node) || !topology_at(t, to))
		return 0;
	hops[0] = (struct fb_hop){.node = from.node, .in_port = from.port};
	if (from.node != to.node) {
		graph = gather(t);
		row = row_to(t, graph, to.node);
		if (row[from.node] == UNREACHED)
			return 0;
		while (hops[count].node != to.node) {
			const struct edge *edge = next_edge(t, graph, row, hops[count].node, hash);

			hops[count++].out_port = edge->out_port;
			hops[count] = (struct fb_hop){.node = edge->node, .in_port = edge->in_port};
		}
	}
	hops[count++].out_port = to.port;
	return count;
}

static bool is_edge(const struct topology *t, uint16_t node, uint16_t number)
{
	const struct topology_port *port =
	        topology_at(t, (struct fb_place){.node = node, .port = number});

	return port && port->kind == FB_PORT_EDGE;
}

bool topology_path_holds(const struct topology *t, const struct fb_hop *hops, size_t count)
{
	if (count == 0 || !is_edge(t, hops[0].node, hops[0].in_port) ||
	    !is_edge(t, hops[count - 1].node, hops[count - 1].out_port))
		return false;
	for (size_t i = 0; i + 1 < count; i++) {
		const struct topology_port *out = topology_at(
		        t, (struct fb_place){.node = hops[i].node, .port = hops[i].out_port});
		const struct fb_place in = {.node = hops[i + 1].node, .port = hops[i + 1].in_port};

		if (!out || !topology_peer(t, out) || !is_place(out->heard, in))
			return false;
	}
	return true;
}

unsigned topology_distance(struct topology *t, uint16_t from, uint16_t to)
{
	const uint8_t *row;

	if (!is_up(t, from) || !is_up(t, to))
		return 0;
	if (from == to)
		return 1;
	row = row_to(t, gather(t), to);
	return row[from] == UNREACHED ? 0 : row[from] + 1u;
}
