/* Finding connections that did not end. See connections.h. */
#include "sim/connections.h"

#include <stdlib.h>

#include <flowbed/table.h>

#include "lib/base/xalloc.h"
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

struct connections {
	const struct scenario *scenario;
	struct fb_table *resets; /* the oldest first */
	struct ways *ways;
};

struct connections *connections_new(const struct scenario *scenario)
{
	struct connections *connections = xcalloc(1, sizeof *connections);

	connections->scenario = scenario;
	connections->ways = ways_new(scenario);
	connections->resets =
	        fb_table_new(sizeof(struct ends), sizeof(struct reset), CONNECTIONS_RESETS_MAX);
	if (!connections->resets)
		xalloc_failed("connections");
	return connections;
}

void connections_free(struct connections *connections)
{
	if (!connections)
		return;
	fb_table_free(connections->resets);
	ways_free(connections->ways);
	free(connections);
}

/* --- RSTs --- */

/* Read the ends of a segment with RST, or of one that opens a connection; false: it is neither. */
static bool read_ends(const struct frame *frame, struct ends *ends, bool *opens)
{
	enum { PROTO_AT = 9, SRC_AT = 12, DST_AT = 16, FLAGS_AT = 13 };
	const uint8_t *data = frame->memory + frame->offset, *ip, *tcp;
	size_t header;

	if (frame->len < FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES + FB_TCP_HEADER_BYTES ||
	    fb_get16(data + 12) != FB_ETH_IPV4)
		return false;
	ip = data + FB_ETH_HEADER_BYTES;
	header = (size_t)(ip[0] & 15) * 4;
	if (ip[PROTO_AT] != FB_IP_TCP ||
	    frame->len < FB_ETH_HEADER_BYTES + header + FB_TCP_HEADER_BYTES)
		return false;
	tcp = ip + header;
	*opens = (tcp[FLAGS_AT] & (FB_TCP_SYN | FB_TCP_ACK | FB_TCP_RST)) == FB_TCP_SYN;
	if (!(tcp[FLAGS_AT] & FB_TCP_RST) && !*opens)
		return false;
	*ends = (struct ends){.from_ip = fb_get32(ip + SRC_AT),
	                      .to_ip = fb_get32(ip + DST_AT),
	                      .from_port = fb_get16(tcp),
	                      .to_port = fb_get16(tcp + 2)};
	return true;
}

void connections_sent(struct connections *connections, const struct frame *frame, uint64_t now_ns)
{
	struct reset *reset;
	struct ends ends;
	bool opens;

	if (!read_ends(frame, &ends, &opens))
		return;
	reset = fb_table_find(connections->resets, &ends);
	if (reset && opens)
		fb_table_remove(connections->resets, reset);
	if (reset || opens)
		return;
	if (fb_table_count(connections->resets) == fb_table_limit(connections->resets))
		fb_table_remove(connections->resets, fb_table_oldest(connections->resets));
	reset = fb_table_add(connections->resets, &ends);
	if (!reset)
		xalloc_failed("connections");
	reset->sent_ns = now_ns;
}

void connections_lost(struct connections *connections, const struct frame *frame)
{
	struct reset *reset;
	struct ends ends;
	bool opens;

	if (!read_ends(frame, &ends, &opens) || opens)
		return;
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

/* Who has the peer's address; of several one that still has the connection, or was off. */
static void find_peer(struct search *search, struct connections_half *half)
{
	const struct scenario *scenario = search->connections->scenario;

	search->of = &half->connection;
	for (uint32_t i = 0; i < scenario->hosts_count; i++) {
		bool was_off;

		if (scenario->hosts[i].ip != half->connection.peer_ip)
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

	find_peer(&peer_search, &half);
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
