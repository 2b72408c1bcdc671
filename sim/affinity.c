/* One server for each connection. See affinity.h. */
#include "sim/affinity.h"

#include <stdlib.h>
#include <string.h>

#include <flowbed/table.h>

#include "lib/base/xalloc.h"
#include "sim/shared_ips.h"

enum { SYNS_BEFORE_A_MOVE = 2 };

/* A connection as its client sees it. */
struct connection_key {
	uint32_t client_ip, server_ip;
	uint16_t client_port, server_port;
};

struct connection {
	struct connection_key key;
	uint32_t client;     /* the host that opened it */
	uint32_t isn;        /* its initial sequence number */
	uint32_t syns;       /* that it sent */
	uint32_t host;       /* that the latest SYN came to; SCENARIO_NONE: none yet */
	uint32_t chosen;     /* whose answer reached the client; SCENARIO_NONE: nobody's yet */
	uint64_t recoveries; /* there had been when it began */
	uint64_t begun_ns;   /* its first SYN */
	uint64_t last_ns;    /* of its latest segment */
	uint64_t resumed_ns; /* its first one after a silence; 0: there was none */
	bool finished;       /* the client has sent a FIN */
	bool refused;        /* the chosen one has sent a RST */
	bool over;           /* at the client: by a RST, or by FINs both ways */
	bool unjudged;       /* switches in a fail mode had to do with its SYNs */
	bool split;
};

struct affinity {
	const struct scenario *scenario;
	struct affinity_ops ops;
	struct shared_ips shared_ips;
	bool *shared;                 /* by host: others own its address too */
	struct fb_table *connections; /* struct connection, the latest of each 4-tuple */
	uint64_t recoveries;          /* control connections that began or ended */
	uint64_t split, forgotten;
};

/* --- Life --- */

struct affinity *affinity_new(const struct scenario *scenario, const struct affinity_ops *ops)
{
	struct affinity *affinity = xcalloc(1, sizeof *affinity);

	affinity->scenario = scenario;
	affinity->ops = *ops;
	shared_ips_find(&affinity->shared_ips, scenario);
	affinity->shared = xcalloc(scenario->hosts_count + 1, sizeof *affinity->shared);
	for (size_t i = 0; i < scenario->hosts_count; i++)
		affinity->shared[i] = shared_ips_has(&affinity->shared_ips, scenario->hosts[i].ip);
	affinity->connections = fb_table_new(sizeof(struct connection_key),
	                                     sizeof(struct connection), AFFINITY_CONNECTIONS_MAX);
	return affinity;
}

void affinity_free(struct affinity *affinity)
{
	if (!affinity)
		return;
	fb_table_free(affinity->connections);
	free(affinity->shared);
	shared_ips_destroy(&affinity->shared_ips);
	free(affinity);
}

/* --- Connections --- */

/* The key of a segment, which the client sent or which is for it. */
static struct connection_key key_of(const struct fb_packet *packet, bool from_client)
{
	struct connection_key key;

	_Static_assert(sizeof key == 12, "a key has no padding");
	key.client_ip = from_client ? packet->nw_src : packet->nw_dst;
	key.server_ip = from_client ? packet->nw_dst : packet->nw_src;
	key.client_port = from_client ? packet->tp_src : packet->tp_dst;
	key.server_port = from_client ? packet->tp_dst : packet->tp_src;
	return key;
}

static bool is_syn(const struct fb_packet *packet)
{
	return (packet->tcp_flags & (FB_TCP_SYN | FB_TCP_ACK | FB_TCP_RST | FB_TCP_FIN)) ==
	       FB_TCP_SYN;
}

static bool is_rst(const struct fb_packet *packet)
{
	return packet->tcp_flags & FB_TCP_RST;
}

/* The connection that the client's segment, or one for it, belongs to; NULL: none that we know, or
 * one that had these ports before. */
static struct connection *find(const struct affinity *affinity, const struct fb_packet *packet,
                               bool from_client)
{
	const struct connection_key key = key_of(packet, from_client);
	struct connection *c = fb_table_find(affinity->connections, &key);
	const uint32_t number = from_client ? packet->tcp_seq : packet->tcp_ack;
	const bool has_number = from_client || (packet->tcp_flags & FB_TCP_ACK);

	if (!c || (has_number && (int32_t)(number - c->isn) < 0))
		return NULL;
	return c;
}

/* A segment of it is seen. */
static void note_segment(struct connection *c, uint64_t now_ns)
{
	if (now_ns - c->last_ns >= AFFINITY_SILENCE_NS)
		c->resumed_ns = now_ns;
	c->last_ns = now_ns;
}

/* A controller may have forgotten the connection. */
static bool may_be_forgotten(const struct affinity *affinity, const struct connection *c)
{
	return c->recoveries != affinity->recoveries;
}

/* A segment that another host gets may be a probe. */
static bool may_be_probed(const struct affinity *affinity, const struct connection *c,
                          uint64_t now_ns)
{
	return c->finished || may_be_forgotten(affinity, c) ||
	       (c->resumed_ns && now_ns - c->resumed_ns < AFFINITY_SILENCE_NS);
}

/* The connection is split between 'one' and 'other'; false when it was already, or is not judged. */
static bool split(struct affinity *affinity, struct connection *c, uint32_t one, uint32_t other,
                  const char *why, struct affinity_split *out)
{
	if (c->split || c->unjudged)
		return false;
	c->split = true;
	affinity->split++;
	*out = (struct affinity_split){.client_ip = c->key.client_ip,
	                               .server_ip = c->key.server_ip,
	                               .client_port = c->key.client_port,
	                               .server_port = c->key.server_port,
	                               .client = c->client,
	                               .one = one,
	                               .other = other,
	                               .why = why};
	return true;
}

/* --- What is sent --- */

static bool is_failing(const struct affinity *affinity)
{
	return affinity->ops.fails && affinity->ops.fails(affinity->ops.ctx);
}

/* A client sends a SYN: a new connection, or the old one once more. */
static void syn_sent(struct affinity *affinity, const struct fb_packet *packet, uint32_t host,
                     uint64_t now_ns)
{
	const struct connection_key key = key_of(packet, true);
	struct connection *c = fb_table_find(affinity->connections, &key);

	if (c && c->isn == packet->tcp_seq && c->client == host) {
		c->syns++;
		c->unjudged |= is_failing(affinity);
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
	*c = (struct connection){.key = key,
	                         .client = host,
	                         .isn = packet->tcp_seq,
	                         .syns = 1,
	                         .recoveries = affinity->recoveries,
	                         .begun_ns = now_ns,
	                         .last_ns = now_ns,
	                         .unjudged = is_failing(affinity),
	                         .host = SCENARIO_NONE,
	                         .chosen = SCENARIO_NONE};
}

/* One of several owners of an address answers. */
static bool answer_sent(struct affinity *affinity, const struct fb_packet *packet, uint32_t host,
                        struct affinity_split *out)
{
	struct connection *c = find(affinity, packet, false);

	if (!c)
		return false;
	if (is_rst(packet)) {
		c->refused |= host == c->chosen;
		return false;
	}
	if (c->over || c->chosen == SCENARIO_NONE || host == c->chosen ||
	    (packet->tcp_flags & FB_TCP_SYN))
		return false;
	return split(affinity, c, c->chosen, host, "answers segments of it", out);
}

/* A client sends a segment that is no SYN. */
static void segment_sent(struct affinity *affinity, const struct fb_packet *packet, uint64_t now_ns)
{
	struct connection *c = find(affinity, packet, true);

	if (!c)
		return;
	note_segment(c, now_ns);
	c->over |= is_rst(packet);
	c->finished |= (packet->tcp_flags & FB_TCP_FIN) != 0;
}

/* 'host', whose address others own too, sends this as a client of another such address. */
static bool is_of_client(const struct affinity *affinity, const struct fb_packet *packet,
                         uint32_t host)
{
	const struct connection *c;

	if (!shared_ips_has(&affinity->shared_ips, packet->nw_dst))
		return false;
	c = is_syn(packet) ? NULL : find(affinity, packet, true);
	return is_syn(packet) || (c && c->client == host);
}

bool affinity_sent(struct affinity *affinity, uint32_t host, const struct frame *frame,
                   uint64_t now_ns, struct affinity_split *out)
{
	struct fb_packet packet;

	if (!affinity->shared_ips.count ||
	    fb_packet_parse(&packet, frame->memory + frame->offset, frame->len) || !packet.is_tcp)
		return false;
	if (affinity->shared[host] && !is_of_client(affinity, &packet, host))
		return answer_sent(affinity, &packet, host, out);
	if (!shared_ips_has(&affinity->shared_ips, packet.nw_dst))
		return false;
	if (is_syn(&packet))
		syn_sent(affinity, &packet, host, now_ns);
	else
		segment_sent(affinity, &packet, now_ns);
	return false;
}

/* --- What comes --- */

/* 'host' is gone, or was gone when somebody may have heard of it during the connection. */
static bool was_gone(const struct affinity *affinity, const struct connection *c, uint32_t host)
{
	const uint64_t absent_ns = affinity->ops.absent_ns(affinity->ops.ctx, host);

	return absent_ns && absent_ns + AFFINITY_NEWS_NS >= c->begun_ns;
}

/* A SYN comes to 'host'. */
static bool syn_came(struct affinity *affinity, struct connection *c, uint32_t host,
                     struct affinity_split *out)
{
	const uint32_t before = c->host;

	if (c->over)
		return false;
	c->unjudged |= is_failing(affinity);
	if (c->chosen != SCENARIO_NONE && c->chosen != host)
		return !(c->syns > 1 && may_be_forgotten(affinity, c)) &&
		       split(affinity, c, c->chosen, host, "gets a SYN of it after that", out);
	c->host = host;
	if (before == SCENARIO_NONE || before == host || c->syns > SYNS_BEFORE_A_MOVE ||
	    may_be_forgotten(affinity, c) || was_gone(affinity, c, before))
		return false;
	return split(affinity, c, before, host, "gets a SYN of it that is not the third", out);
}

/* One of several owners of the address gets a segment of a client. */
static bool server_got(struct affinity *affinity, const struct fb_packet *packet, uint32_t host,
                       uint32_t sender, uint64_t now_ns, struct affinity_split *out)
{
	struct connection *c = find(affinity, packet, true);
	uint32_t right;

	if (!c || c->client != sender || is_rst(packet))
		return false;
	if (is_syn(packet))
		return packet->tcp_seq == c->isn && syn_came(affinity, c, host, out);
	right = c->chosen == SCENARIO_NONE ? c->host : c->chosen;
	if (right == SCENARIO_NONE || right == host || may_be_probed(affinity, c, now_ns))
		return false;
	return split(affinity, c, right, host, "gets segments of it", out);
}

/* A client gets a segment of 'sender', one of several owners of the address. */
static bool client_got(struct affinity *affinity, const struct fb_packet *packet, uint32_t host,
                       uint32_t sender, uint64_t now_ns, struct affinity_split *out)
{
	struct connection *c = find(affinity, packet, false);
	uint32_t chosen;

	if (!c || c->client != host || c->over)
		return false;
	chosen = c->chosen;
	if (chosen == SCENARIO_NONE)
		c->chosen = chosen = sender;
	note_segment(c, now_ns);
	c->over = is_rst(packet) ||
	          (sender == chosen && c->finished && (packet->tcp_flags & FB_TCP_FIN));
	if (sender == chosen)
		return false;
	if (!is_rst(packet))
		return split(affinity, c, chosen, sender, "sends segments that the client gets too",
		             out);
	if (c->refused || was_gone(affinity, c, chosen))
		return false;
	return split(affinity, c, chosen, sender, "sends a RST that the client gets", out);
}

/* 'host', whose address others own too, gets this as a client of another such address. */
static bool is_for_client(const struct affinity *affinity, const struct fb_packet *packet,
                          uint32_t host)
{
	const struct connection *c = find(affinity, packet, false);

	return c && c->client == host;
}

bool affinity_got(struct affinity *affinity, uint32_t host, const struct frame *frame,
                  uint64_t now_ns, struct affinity_split *out)
{
	const struct scenario_host *at = &affinity->scenario->hosts[host];
	struct fb_packet packet;
	uint32_t sender;

	if (!affinity->shared_ips.count ||
	    fb_packet_parse(&packet, frame->memory + frame->offset, frame->len) || !packet.is_tcp ||
	    !fb_mac_equal(packet.dl_dst, at->mac) || packet.nw_dst != at->ip)
		return false;
	sender = affinity->ops.sender(affinity->ops.ctx, frame);
	if (sender == SCENARIO_NONE)
		return false;
	if (affinity->shared[host] &&
	    !(affinity->shared[sender] && is_for_client(affinity, &packet, host)))
		return server_got(affinity, &packet, host, sender, now_ns, out);
	if (affinity->shared[sender])
		return client_got(affinity, &packet, host, sender, now_ns, out);
	return false;
}

void affinity_recovery(struct affinity *affinity)
{
	affinity->recoveries++;
}

uint64_t affinity_count(const struct affinity *affinity)
{
	return affinity->split;
}

uint64_t affinity_forgotten(const struct affinity *affinity)
{
	return affinity->forgotten;
}
