/* What the network is like: the service of the application 'discovery' to those behind it in the
 * chain.
 *
 * Discovery sends link-layer discovery frames (LLDP) out of every port of every switch and sees
 * where they come in. From that it knows which ports lead to another switch and which to hosts; a
 * tree over which floods reach everybody once, however many loops there are; the shortest paths
 * between any two ports; and which host is where.
 *
 * Nodes. A switch is a node: a small number that it keeps while discovery remembers it, away or
 * not. A place is a port of a node, a path a list of hops.
 *
 * Ports. A port that came up is pending until a discovery frame told that it is a link, or until
 * 'edge_after' passed without one: then it is an edge, where hosts are. A link that is lost while
 * its port stays up remains a link for a while, without a peer. Frames that come in by a pending
 * port are kept (a bounded number of them) and handed on when it becomes an edge; nothing is flooded
 * out of it. Hosts are known by what comes in by edges only, so that a frame on its way over links,
 * whatever was rewritten in it, is never taken for one that moved. */
#ifndef FLOWBED_DISCOVERY_H
#define FLOWBED_DISCOVERY_H

#include <flowbed/app.h>

struct fb_discovery;

enum {
	FB_NODES_MAX = 16384,
	FB_NODE_NONE = UINT16_MAX, /* of a switch that is one too many: on no path, without ports */
	FB_PATH_HOPS_MAX = 32,     /* longer paths are not offered */
};

/* A port of a switch; port 0: nowhere. */
struct fb_place {
	uint16_t node, port;
};

/* A switch on a path: comes in here, goes out there. */
struct fb_hop {
	uint16_t node, in_port, out_port;
};

enum fb_port_kind {
	FB_PORT_DOWN,    /* no such port, or no frame passes it, or its switch is away */
	FB_PORT_PENDING, /* up, and nobody knows yet what is behind it */
	FB_PORT_EDGE,    /* hosts */
	FB_PORT_LINK,    /* another switch */
};

struct fb_host {
	uint8_t mac[FB_MAC_BYTES];
	uint16_t vlan;      /* 1 to 4095, or OFP_VLAN_NONE */
	struct fb_place at; /* an edge */
	uint32_t ip;        /* the address that it spoke for last, by ARP where it did; 0: none */
	uint64_t heard_ns;
};

enum fb_network_event_type {
	FB_EVENT_LINK_UP,    /* 'at' and 'other' are linked, both ways */
	FB_EVENT_LINK_DOWN,  /* no more */
	FB_EVENT_EDGE_UP,    /* 'at' is an edge now */
	FB_EVENT_PORT_DOWN,  /* 'at', edge or link, is down, gone, or was on a switch that left; what
	                      * changed with it (links, hosts) is told before or after */
	FB_EVENT_HOST_NEW,   /* 'host' was heard at 'at' */
	FB_EVENT_HOST_MOVED, /* from 'other' to 'at' */
	FB_EVENT_HOST_GONE,  /* it was at 'at': the port went down or it was silent too long */
};

/* What changed. The service below answers as of after the change. */
struct fb_network_event {
	enum fb_network_event_type type;
	struct fb_place at, other;
	const struct fb_host *host; /* NULL where the event is of none */
};

/* The service for 'app', whose class needs fb_app_discovery. */
struct fb_discovery *fb_discovery_of(struct fb_app *app);

/* The node of a switch that is up, or goes down just now (switch_down); the switch of a node, NULL
 * while it is away. */
uint16_t fb_discovery_node(const struct fb_discovery *d, const struct fb_switch *sw);
struct fb_switch *fb_discovery_switch(const struct fb_discovery *d, uint16_t node);
/* The dpid of a node, away or not. */
uint64_t fb_discovery_dpid(const struct fb_discovery *d, uint16_t node);

enum fb_port_kind fb_discovery_port(const struct fb_discovery *d, struct fb_place at);
/* The other end of a link; nowhere (port 0) for what is none. */
struct fb_place fb_discovery_peer(const struct fb_discovery *d, struct fb_place at);

/* The host with that MAC, NULL: not heard lately. Valid until the handler returns. */
const struct fb_host *fb_discovery_host(const struct fb_discovery *d,
                                        const uint8_t mac[FB_MAC_BYTES], uint16_t vlan);

/* Rises whenever links or switches come or go: what was computed from paths may be out of date. */
uint64_t fb_discovery_version(const struct fb_discovery *d);
/* A shortest path from 'from' to 'to'; of several the one that 'hash' chooses, always the same as
 * long as nothing changes, and when a link goes only for those paths that led over it another one.
 * Returns the number of hops, with hops[0].in_port from.port and the last out_port to.port, which
 * may be the same port (as the first hop's ports may be where 'from' is on a link: such an output is
 * OFPP_IN_PORT); 0: there is no path, or 'to' is down. */
size_t fb_discovery_path(struct fb_discovery *d, struct fb_place from, struct fb_place to,
                         uint64_t hash, struct fb_hop hops[FB_PATH_HOPS_MAX]);
/* True while every link of the path is up and both its ends are edges. */
bool fb_discovery_path_holds(const struct fb_discovery *d, const struct fb_hop *hops, size_t count);
/* Hops of a shortest path from node to node: 1 on the same one; 0: there is none. */
unsigned fb_discovery_distance(struct fb_discovery *d, uint16_t from, uint16_t to);

/* Append to 'actions' the outputs that flood, on its way over the tree, a frame that came in by
 * 'in_port' of 'sw': to all its edges and the links of the tree but that port. False: the frame came
 * by a port from which nothing is flooded (a link outside the tree, a pending port) or there is no
 * other port: drop it. 'actions' needs room for one output per port of the switch. */
bool fb_discovery_put_flood(struct fb_discovery *d, const struct fb_switch *sw, uint16_t in_port,
                            struct fb_buf *actions);
/* The same to the edges only, for a frame that the controller sends to all hosts itself, switch by
 * switch; 'except' is left out (0: none). */
bool fb_discovery_put_edges(struct fb_discovery *d, const struct fb_switch *sw, uint16_t except,
                            struct fb_buf *actions);

#endif
