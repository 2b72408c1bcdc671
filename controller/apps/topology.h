/* A network as a graph: switches, their ports, links between those; a spanning tree for floods and
 * shortest paths.
 *
 * What? A node is a switch. It has an index that stays its own as long as it is remembered, also
 * while it is away; of those that are away a bounded number is remembered. Its ports are those that
 * frames pass. Of each port it is known whose discovery frames come in by it ('heard'); two ports
 * that hear each other are a link. The memory of ports is the owner's, who embeds struct
 * topology_port in its own.
 *
 * The tree. A forest, rather: a tree for each part of the network, breadth first from the lowest
 * dpid, ports in their order; among equals a link that is in the tree stays. A frame that is on its
 * way over the old tree while the new one takes over could arrive twice. So topology_tree_plan()
 * puts only what both trees have in force, and topology_tree_settle() the rest, after a time that
 * the owner knows.
 *
 * Paths. For each destination that is asked for, the distances of all nodes from it are kept until
 * the graph changes: a row of one byte a node, rows up to a few MiB, then the oldest goes. Of
 * several next hops that are equally near the one is taken that scores highest when mixed with the
 * caller's hash: a link that goes moves those paths only that led over it.
 *
 * Costs. What changes a link is O(1); the graph is gathered anew when a path or a tree is asked for
 * after a change, O(ports of all switches); a row of distances is O(links). Pure: no result depends
 * on an address or a seed. */
#ifndef TOPOLOGY_H
#define TOPOLOGY_H

#include <flowbed/discovery.h>

struct topology;
struct topology_node;

struct topology_port {
	/* The owner's, before topology_add_port() */
	uint16_t number;
	bool no_flood; /* nothing is flooded through it: no link of the tree */

	struct topology_node *node;
	enum fb_port_kind kind; /* FB_PORT_PENDING at first; never FB_PORT_DOWN */
	struct fb_place heard;  /* whose discovery frames come in by it; port 0: nobody's */
	bool in_tree;           /* floods pass: a link of the tree in force */
	bool in_plan;           /* a link of the tree that is to be */
};

struct topology_node {
	uint64_t dpid;
	uint16_t index;
	void *owner;                  /* NULL: away */
	struct topology_port **ports; /* in rising order of number */
	uint32_t ports_count, ports_size;
	uint32_t pending_count, links_count; /* ports of that kind */
	struct topology_node *older, *newer; /* among those that are away */
};

struct topology {
	struct topology_node **nodes; /* by index; NULL: forgotten */
	uint32_t nodes_count;         /* indexes that were ever used */
	uint32_t nodes_size;
	uint32_t up_count, away_count, away_max;
	uint32_t ports_pending; /* of all nodes */
	struct fb_table *dpids;
	struct topology_node **by_dpid;             /* those that are up, in rising order */
	struct topology_node *away_first, *away_last; /* who left first is the first */

	uint64_t version;     /* of what paths and tree are made from */
	uint64_t tree_losses; /* links that left the tree in force, so far */
	uint64_t links_count;
	uint64_t nodes_forgotten, rows_evicted;

	struct topology_graph *graph; /* what was gathered from it */
};

/* 'seed' keeps those who choose dpids from choosing ones that collide; 'away_max' nodes are
 * remembered while they are away. NULL when memory is short. The ports that are left at
 * topology_free() are the owner's to free. */
struct topology *topology_new(uint64_t seed, uint32_t away_max);
void topology_free(struct topology *t);

/* --- Nodes --- */

/* The switch 'dpid', which is away or new, is up, without ports; 'owner' is not NULL. NULL: there
 * are FB_NODES_MAX that are up. */
struct topology_node *topology_node_up(struct topology *t, uint64_t dpid, void *owner);
/* It is away. It must have no ports any more. */
void topology_node_down(struct topology *t, struct topology_node *node);
/* NULL: not remembered. */
static inline struct topology_node *topology_node(const struct topology *t, uint16_t index)
{
	return index < t->nodes_count ? t->nodes[index] : NULL;
}
/* By dpid; NULL: not remembered. */
struct topology_node *topology_find(const struct topology *t, uint64_t dpid);

/* --- Ports and links --- */

/* 'port', whose number the node does not have yet, is there. False when memory is short. */
bool topology_add_port(struct topology *t, struct topology_node *node, struct topology_port *port);
/* 'port', which hears nobody, is gone. */
void topology_remove_port(struct topology *t, struct topology_port *port);
void topology_set_kind(struct topology *t, struct topology_port *port, enum fb_port_kind kind);
/* Whether floods may pass. */
void topology_set_no_flood(struct topology *t, struct topology_port *port, bool no_flood);

/* The place of the first port of 'node' whose number is not below 'number'. */
uint32_t topology_port_index(const struct topology_node *node, uint16_t number);
/* The port of 'node' with that number, or NULL. */
static inline struct topology_port *topology_port(const struct topology_node *node, uint16_t number)
{
	uint32_t i;

	if (node->ports_count == 0)
		return NULL;
	/* Most switches number their ports without gaps. */
	i = (uint32_t)number - node->ports[0]->number;
	if (i >= node->ports_count || node->ports[i]->number != number)
		i = topology_port_index(node, number);
	return i < node->ports_count && node->ports[i]->number == number ? node->ports[i] : NULL;
}
/* By place; NULL: no such port, or no frame passes it. */
static inline struct topology_port *topology_at(const struct topology *t, struct fb_place at)
{
	const struct topology_node *node = topology_node(t, at.node);

	return node ? topology_port(node, at.port) : NULL;
}
static inline struct fb_place topology_place(const struct topology_port *port)
{
	return (struct fb_place){.node = port->node->index, .port = port->number};
}

/* 'port' hears 'from', which is not itself; topology_unhear() it before where it hears another.
 * True: that made a link. */
bool topology_hear(struct topology *t, struct topology_port *port, struct fb_place from);
/* 'port' hears nobody. True: that ended a link. */
bool topology_unhear(struct topology *t, struct topology_port *port);
/* The other end of a link, NULL: 'port' is in none. */
struct topology_port *topology_peer(const struct topology *t, const struct topology_port *port);

/* --- The tree --- */

/* Plan the tree of the graph as it is, and take out of the one in force what is not in it. True:
 * there is more in the plan than in force. */
bool topology_tree_plan(struct topology *t);
/* What was planned is in force. */
void topology_tree_settle(struct topology *t);

/* --- Paths --- */

/* See fb_discovery_path(), _path_holds() and _distance(). */
size_t topology_path(struct topology *t, struct fb_place from, struct fb_place to, uint64_t hash,
                     struct fb_hop hops[FB_PATH_HOPS_MAX]);
bool topology_path_holds(const struct topology *t, const struct fb_hop *hops, size_t count);
unsigned topology_distance(struct topology *t, uint16_t from, uint16_t to);

#endif
