/* One server for each connection. See affinity.h. */
#include "sim/affinity.h"

#include <stdlib.h>
#include <string.h>

#include <flowbed/table.h>

#include "lib/base/xalloc.h"

enum { SYNS_BEFORE_A_MOVE = 2 };

/* A connection as its client sees it. */
struct connection_key {
	uint32_t client_ip, server_ip;
	uint16_t client_port, server_port;
};

struct connection {
	struct connection_key key;
	uint32_t isn;  /* the client's initial sequence number */
	uint32_t host; /* that accepted segments, SCENARIO_NONE: none yet */
	uint32_t syns; /* sent by the client */
	bool begun;    /* 'host' got more than SYNs */
	bool split;
};

struct affinity {
	const struct scenario *scenario;
	struct fb_table *connections; /* struct connection, the latest of each 4-tuple */
	uint64_t split, forgotten;
};

struct affinity *affinity_new(const struct scenario *scenario)
{
	struct affinity *affinity = xcalloc(1, sizeof *affinity);

	affinity->scenario = scenario;
	affinity->connections = fb_table_new(sizeof(struct connection_key),
	                                     sizeof(struct connection), AFFINITY_CONNECTIONS_MAX);
	return affinity;
}

void affinity_free(struct affinity *affinity)
{
	if (!affinity)
		return;
	fb_table_free(affinity->connections);
	free(affinity);
}

static struct connection_key key_of(const struct fb_packet *packet)
{
	struct connection_key key;

	_Static_assert(sizeof key == 12, "a key has no padding");
	key.client_ip = packet->nw_src;
	key.server_ip = packet->nw_dst;
	key.client_port = packet->tp_src;
	key.server_port = packet->tp_dst;
	return key;
}

static bool is_first_syn(const struct fb_packet *packet)
{
	return (packet->tcp_flags & (FB_TCP_SYN | FB_TCP_ACK | FB_TCP_RST | FB_TCP_FIN)) ==
	       FB_TCP_SYN;
}

/* A client sends a SYN: a new connection, or the old one once more. */
static void syn_sent(struct affinity *affinity, const struct fb_packet *packet)
{
	struct connection_key key = key_of(packet);
	struct connection *c = fb_table_find(affinity->connections, &key);

	if (c && c->isn == packet->tcp_seq && c->syns) {
		c->syns++;
		return;
	}
	if (!c && fb_table_count(affinity->connections) == AFFINITY_CONNECTIONS_MAX) {
		fb_table_remove(affinity->connections, fb_table_oldest(affinity->connections));
		affinity->forgotten++;
	}
	if (!c)
		c = fb_table_add(affinity->connections, &key);
	if (!c)
		return;
	c->isn = packet->tcp_seq;
	c->host = SCENARIO_NONE;
	c->syns = 1;
	c->begun = c->split = false;
}

/* 'host' gets a segment that is meant for it. */
static void segment_accepted(struct affinity *affinity, const struct fb_packet *packet,
                             uint32_t host)
{
	struct connection_key key = key_of(packet);
	struct connection *c = fb_table_find(affinity->connections, &key);
	bool syn = is_first_syn(packet);

	if (!c || (packet->tcp_flags & FB_TCP_RST) || (syn && packet->tcp_seq != c->isn))
		return;
	if (c->host == SCENARIO_NONE && !syn)
		return; /* of the connection that had these ports before */
	if (c->host == SCENARIO_NONE ||
	    (c->host != host && syn && !c->begun && c->syns > SYNS_BEFORE_A_MOVE))
		c->host = host;
	if (c->host == host) {
		c->begun |= !syn;
	} else if (!c->split) {
		c->split = true;
		affinity->split++;
	}
}

static void watch(void *ctx, uint64_t now_ns, uint32_t host, bool sent, const struct frame *frame)
{
	struct affinity *affinity = ctx;
	const struct scenario_host *at = &affinity->scenario->hosts[host];
	struct fb_packet packet;

	(void)now_ns;
	if (fb_packet_parse(&packet, frame->memory + frame->offset, frame->len) || !packet.is_tcp)
		return;
	if (sent && is_first_syn(&packet))
		syn_sent(affinity, &packet);
	else if (!sent && fb_mac_equal(packet.dl_dst, at->mac) && packet.nw_dst == at->ip)
		segment_accepted(affinity, &packet, host);
}

struct network_observer affinity_observer(struct affinity *affinity)
{
	return (struct network_observer){.host_frame = watch, .ctx = affinity};
}

uint64_t affinity_split(const struct affinity *affinity)
{
	return affinity->split;
}

uint64_t affinity_forgotten(const struct affinity *affinity)
{
	return affinity->forgotten;
}
