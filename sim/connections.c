/* Finding connections that did not end. See connections.h. */
#include "sim/connections.h"

#include <stdlib.h>

#include <flowbed/table.h>

#include "lib/base/xalloc.h"
#include "sim/shared_ips.h"
#include "sim/ways.h"

/* Of a connection, as who sends a RST sees it. */
struct ends {
	uint32_t from_ip, to_ip;
	uint16_t from_port, to_port;
};

struct reset {
	struct ends ends; /* the key */
	uint64_t sent_ns; /* the first since the connection began */
	bool lost;        /* one of them was */
};

/* A RST under way. */
struct sent_reset {
	uint64_t tag; /* the frame's; the key */
	struct ends ends;
};

/* Who has an end of a connection, of those that share its address. */
struct owner {
	struct ends ends; /* as it sees them; the key */
	uint32_t host;
};

struct connections {
	const struct scenario *scenario;
	struct fb_table *resets; /* the oldest first */
	struct fb_table *sent;   /* the same */
	struct fb_table *owners; /* the same */
	struct shared_ips shared;
	struct ways *ways;
};

struct connections *connections_new(const struct scenario *scenario)
{
	struct connections *connections = xcalloc(1, sizeof *connections);

	connections->scenario = scenario;
	connections->ways = ways_new(scenario);
	connections->resets =
	        fb_table_new(sizeof(struct ends), sizeof(struct reset), CONNECTIONS_RESETS_MAX);
	connections->sent =
	        fb_table_new(sizeof(uint64_t), sizeof(struct sent_reset), CONNECTIONS_RESETS_MAX);
	connections->owners =
	        fb_table_new(sizeof(struct ends), sizeof(struct owner), CONNECTIONS_RESETS_MAX);
	if (!connections->resets || !connections->sent || !connections->owners)
		xalloc_failed("connections");
	shared_ips_find(&connections->shared, scenario);
	return connections;
}

void connections_free(struct connections *connections)
{
	if (!connections)
		return;
	fb_table_free(connections->resets);
	fb_table_free(connections->sent);
	fb_table_free(connections->owners);
	shared_ips_destroy(&connections->shared);
	ways_free(connections->ways);
	free(connections);
}

/* --- Segments --- */

/* What a segment does to a connection. */
enum act { NOTHING, OPENS, ACCEPTS, RESETS };

/* Read what the segment that 'frame' may be does, and its ends as its sender sees them. */
static enum act read_act(const struct frame *frame, struct ends *ends)
{
	enum { PROTO_AT = 9, SRC_AT = 12, DST_AT = 16, FLAGS_AT = 13 };
	const uint8_t *data = frame->memory + frame->offset, *ip, *tcp;
	size_t header;

	if (frame->len < FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES + FB_TCP_HEADER_BYTES ||
	    fb_get16(data + 12) != FB_ETH_IPV4)
		return NOTHING;
	ip = data + FB_ETH_HEADER_BYTES;
	header = (size_t)(ip[0] & 15) * 4;
	if (ip[PROTO_AT] != FB_IP_TCP ||
	    frame->len < FB_ETH_HEADER_BYTES + header + FB_TCP_HEADER_BYTES)
		return NOTHING;
	tcp = ip + header;
	if (!(tcp[FLAGS_AT] & (FB_TCP_RST | FB_TCP_SYN)))
		return NOTHING;
	*ends = (struct ends){.from_ip = fb_get32(ip + SRC_AT),
	                      .to_ip = fb_get32(ip + DST_AT),
	                      .from_port = fb_get16(tcp),
	                      .to_port = fb_get16(tcp + 2)};
	if (tcp[FLAGS_AT] & FB_TCP_RST)
		return RESETS;
	return tcp[FLAGS_AT] & FB_TCP_ACK ? ACCEPTS : OPENS;
}

static struct ends other_end(const struct ends *ends)
{
	return (struct ends){.from_ip = ends->to_ip,
	                     .to_ip = ends->from_ip,
	                     .from_port = ends->to_port,
	                     .to_port = ends->from_port};
}

static void forget(struct fb_table *table, const struct ends *ends)
{
	void *entry = fb_table_find(table, ends);

	if (entry)
		fb_table_remove(table, entry);
}

/* A new entry; where there is no room it takes the place of the oldest. */
static void *add(struct fb_table *table, const void *key)
{
	void *entry;

	if (fb_table_count(table) == fb_table_limit(table))
		fb_table_remove(table, fb_table_oldest(table));
	entry = fb_table_add(table, key);
	if (!entry)
		xalloc_failed("connections");
	return entry;
}

/* 'host' has this end, if nobody else did. */
static void own(struct connections *connections, const struct ends *ends, uint32_t host)
{
	struct owner *owner;

	if (!shared_ips_has(&connections->shared, connections->scenario->hosts[host].ip) ||
	    fb_table_find(connections->owners, ends))
		return;
	owner = add(connections->owners, ends);
	owner->host = host;
}

void connections_sent(struct connections *connections, uint32_t host, const struct frame *frame,
                      uint64_t now_ns)
{
	struct ends ends, other;

	switch (read_act(frame, &ends)) {
	case OPENS:
		other = other_end(&ends);
		forget(connections->resets, &ends);
		forget(connections->owners, &ends);
		forget(connections->owners, &other);
		own(connections, &ends, host);
		break;
	case RESETS:
		if (!fb_table_find(connections->resets, &ends))
			((struct reset *)add(connections->resets, &ends))->sent_ns = now_ns;
		if (frame->tag && !fb_table_find(connections->sent, &frame->tag))
			((struct sent_reset *)add(connections->sent, &frame->tag))->ends = ends;
		break;
	case ACCEPTS:
	case NOTHING:
		break;
	}
}

void connections_got(struct connections *connections, uint32_t sender, const struct frame *frame)
{
	struct ends ends;

	if (sender != SCENARIO_NONE && read_act(frame, &ends) == ACCEPTS)
		own(connections, &ends, sender);
}

/* Whose frames are known, it is not asked what their bytes say, which a link may have changed. */
void connections_lost(struct connections *connections, const struct frame *frame)
{
	const struct sent_reset *sent = fb_table_find(connections->sent, &frame->tag);
	struct reset *reset = NULL;
	struct ends ends;

	if (sent)
		reset = fb_table_find(connections->resets, &sent->ends);
	else if (!frame->tag && read_act(frame, &ends) == RESETS)
		reset = fb_table_find(connections->resets, &ends);
	if (reset)
		reset->lost = true;
}

/* --- At the end --- */

struct search {
	const struct connections *connections;
	struct network *network;
	void (*tell)(void *ctx, const struct connections_half *half);
	void *ctx;
	uint32_t host;
	const struct host_connection *of; /* looking for the peer's of this one */
	const char *peer_state;
};

static void match_peer(void *ctx, const struct host_connection *connection)
{
	struct search *search = ctx;

	if (connection->peer_ip == search->connections->scenario->hosts[search->host].ip &&
	    connection->peer_port == search->of->local_port &&
	    connection->local_port == search->of->peer_port)
		search->peer_state = connection->state;
}

/* Who has the peer's address; of several the one whose connection it was, or, where nobody knows, one that
 * still has it, or was off. */
static void find_peer(struct search *search, const struct ends *ends, struct connections_half *half)
{
	const struct scenario *scenario = search->connections->scenario;
	const struct owner *owner = fb_table_find(search->connections->owners, ends);

	search->of = &half->connection;
	for (uint32_t i = 0; i < scenario->hosts_count; i++) {
		bool was_off;

		if (scenario->hosts[i].ip != half->connection.peer_ip || (owner && owner->host != i))
			continue;
		was_off =
		        !network_host_is_on(search->network, i) ||
		        host_on_since(network_host(search->network, i)) > half->connection.began_ns;
		search->peer_state = NULL;
		host_connections_each(network_host(search->network, i), match_peer, search);
		if (half->peer == SCENARIO_NONE || search->peer_state ||
		    (was_off && !half->peer_was_off)) {
			half->peer = i;
			half->peer_state = search->peer_state ? search->peer_state : "CLOSED";
		}
		half->peer_was_off |= was_off;
	}
}

static void look_at(void *ctx, const struct host_connection *connection)
{
	struct search *search = ctx;
	struct search peer_search = *search;
	struct connections_half half = {.host = search->host,
	                                .peer = SCENARIO_NONE,
	                                .peer_state = "CLOSED",
	                                .connection = *connection};
	const struct ends ends = {.from_ip = connection->peer_ip,
	                          .to_ip = search->connections->scenario->hosts[search->host].ip,
	                          .from_port = connection->peer_port,
	                          .to_port = connection->local_port};
	const struct reset *reset = fb_table_find(search->connections->resets, &ends);

	find_peer(&peer_search, &ends, &half);
	half.cut_off = half.peer == SCENARIO_NONE ||
	               !ways_join(search->connections->ways, search->network, half.host, half.peer);
	if (reset && reset->sent_ns >= connection->began_ns) {
		half.reset_ns = reset->sent_ns;
		half.reset_lost = reset->lost;
	}
	search->tell(search->ctx, &half);
}

void connections_each(const struct connections *connections, struct network *network,
                      void (*tell)(void *ctx, const struct connections_half *half), void *ctx)
{
	struct search search = {
	        .connections = connections, .network = network, .tell = tell, .ctx = ctx};

	ways_look(connections->ways, network);
	for (search.host = 0; search.host < connections->scenario->hosts_count; search.host++)
		if (network_host_is_on(network, search.host))
			host_connections_each(network_host(network, search.host), look_at, &search);
}
