/* The costs of connections. See budget.h. */
#include "sim/budget.h"

#include <stdlib.h>
#include <string.h>

#include <flowbed/table.h>

#include "lib/base/xalloc.h"
#include "lib/wire/framer.h"
#include "sim/lldp.h"

enum { TUPLES_MAX = 2000000, TUPLE_KEY_BYTES = 12, ENDS = 2 };

/* Both ends of a connection, the smaller first, so that both directions are one. */
struct tuple_key {
	uint32_t ip[2];
	uint16_t port[2];
};

struct tuple {
	struct tuple_key key;
	uint32_t last_event;      /* its place, and 1 */
	uint32_t last_connection; /* the same */
	uint64_t flows;           /* entries when they were counted last */
};
_Static_assert(sizeof(struct tuple_key) == TUPLE_KEY_BYTES, "the key has no holes");

struct event_of_tuple {
	uint64_t at_ns;
	uint32_t before; /* place of the tuple's event before it, and 1 */
	bool is_flow_mod;
};

struct connection {
	struct budget_connection is;
	uint64_t until_ns; /* when the next one with these ports began */
};

/* What arrives at one end of a control channel. */
struct budget_channel {
	struct framer framers[ENDS];
	struct lldp_buffers buffers;
	uint64_t bytes;
};

struct budget {
	const struct scenario *scenario;
	struct budget_channel *channels; /* by switch */
	struct fb_table *tuples;
	struct event_of_tuple *events;
	size_t events_count, events_size;
	struct connection *connections;
	size_t connections_count, connections_size;
	bool overflow; /* something was not counted */
};

static bool steps_want(const struct scenario_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < steps[i].expectations_count; j++) {
			const enum scenario_kind kind = steps[i].expectations[j].kind;

			if (kind >= EXPECT_CONTROL_BYTES && kind <= EXPECT_CONNECTION_SETUP)
				return true;
		}
		if (steps_want(steps[i].steps, steps[i].steps_count))
			return true;
	}
	return false;
}

bool budget_is_wanted(const struct scenario *scenario)
{
	return steps_want(scenario->steps, scenario->steps_count);
}

struct budget *budget_new(const struct scenario *scenario)
{
	struct budget *budget = xcalloc(1, sizeof *budget);

	budget->scenario = scenario;
	budget->channels = xcalloc(scenario->switches_count + 1, sizeof *budget->channels);
	for (size_t i = 0; i < scenario->switches_count; i++)
		for (unsigned end = 0; end < ENDS; end++)
			framer_init(&budget->channels[i].framers[end]);
	budget->tuples = fb_table_new(TUPLE_KEY_BYTES, sizeof(struct tuple), TUPLES_MAX);
	return budget;
}

void budget_free(struct budget *budget)
{
	if (!budget)
		return;
	for (size_t i = 0; i < budget->scenario->switches_count; i++) {
		for (unsigned end = 0; end < ENDS; end++)
			framer_destroy(&budget->channels[i].framers[end]);
		lldp_buffers_forget(&budget->channels[i].buffers);
	}
	fb_table_free(budget->tuples);
	free(budget->channels);
	free(budget->events);
	free(budget->connections);
	free(budget);
}

/* --- Connections --- */

static struct tuple_key key_make(uint32_t ip_a, uint16_t port_a, uint32_t ip_b, uint16_t port_b)
{
	if (ip_a < ip_b || (ip_a == ip_b && port_a < port_b))
		return (struct tuple_key){{ip_a, ip_b}, {port_a, port_b}};
	return (struct tuple_key){{ip_b, ip_a}, {port_b, port_a}};
}

static struct tuple_key key_of(const struct budget_connection *connection)
{
	return key_make(connection->client_ip, connection->client_port, connection->server_ip,
	                connection->server_port);
}

/* The tuple of 'key', made if need be; NULL: there are too many. */
static struct tuple *tuple_of(struct budget *budget, const struct tuple_key *key)
{
	struct tuple *tuple = fb_table_find(budget->tuples, key);

	if (!tuple && fb_table_count(budget->tuples) < TUPLES_MAX)
		tuple = fb_table_add(budget->tuples, key);
	budget->overflow |= !tuple;
	return tuple;
}

void budget_add_connection(struct budget *budget, const struct budget_connection *connection)
{
	const struct tuple_key key = key_of(connection);
	struct tuple *tuple = tuple_of(budget, &key);

	if (budget->connections_count == budget->connections_size) {
		budget->connections_size =
		        budget->connections_size ? 2 * budget->connections_size : 16;
		budget->connections =
		        xrealloc(budget->connections,
		                 budget->connections_size * sizeof *budget->connections);
	}
	budget->connections[budget->connections_count++] =
	        (struct connection){.is = *connection, .until_ns = FB_NEVER};
	if (!tuple)
		return;
	if (tuple->last_connection)
		budget->connections[tuple->last_connection - 1].until_ns = connection->started_ns;
	tuple->last_connection = (uint32_t)budget->connections_count;
}

size_t budget_connections(const struct budget *budget)
{
	return budget->connections_count;
}

const struct budget_connection *budget_connection_at(const struct budget *budget, size_t place)
{
	return &budget->connections[place].is;
}

/* --- Messages --- */

static void note(struct budget *budget, uint64_t now_ns, const struct tuple_key *key,
                 bool is_flow_mod)
{
	struct tuple *tuple = tuple_of(budget, key);

	if (!tuple || budget->events_count == BUDGET_EVENTS_MAX) {
		budget->overflow = true;
		return;
	}
	if (budget->events_count == budget->events_size) {
		budget->events_size = budget->events_size ? 2 * budget->events_size : 64;
		budget->events =
		        xrealloc(budget->events, budget->events_size * sizeof *budget->events);
	}
	budget->events[budget->events_count++] =
	        (struct event_of_tuple){now_ns, tuple->last_event, is_flow_mod};
	tuple->last_event = (uint32_t)budget->events_count;
}

static bool key_of_match(const struct fb_match *match, struct tuple_key *key)
{
	const uint32_t needed = OFPFW_DL_TYPE | OFPFW_NW_PROTO | OFPFW_TP_SRC | OFPFW_TP_DST |
	                        OFPFW_NW_SRC_MASK | OFPFW_NW_DST_MASK;

	if (match->wildcards & needed || match->dl_type != FB_ETH_IPV4 ||
	    match->nw_proto != FB_IP_TCP)
		return false;
	*key = key_make(match->nw_src, match->tp_src, match->nw_dst, match->tp_dst);
	return true;
}

static bool key_of_frame(struct fb_view frame, struct tuple_key *key)
{
	struct fb_packet packet;

	if (fb_packet_parse(&packet, frame.data, frame.len) || !packet.is_tcp)
		return false;
	*key = key_make(packet.nw_src, packet.tp_src, packet.nw_dst, packet.tp_dst);
	return true;
}

static void take_message(struct budget *budget, uint64_t now_ns, struct budget_channel *channel,
                         const uint8_t *bytes, size_t len)
{
	struct fb_of_error error;
	struct tuple_key key;
	struct fb_msg msg;

	if (lldp_weigh(&channel->buffers, bytes, len).background)
		return;
	channel->bytes += len;
	if (fb_msg_decode(bytes, len, &msg, &error))
		return;
	if (msg.type == OFPT_PACKET_IN && key_of_frame(msg.packet_in.data, &key))
		note(budget, now_ns, &key, false);
	else if (msg.type == OFPT_FLOW_MOD && key_of_match(&msg.flow_mod.match, &key))
		note(budget, now_ns, &key, true);
}

static void see_bytes(void *ctx, uint64_t now_ns, uint32_t sw, unsigned to, const uint8_t *bytes,
                      size_t len)
{
	struct budget *budget = ctx;
	struct budget_channel *channel = &budget->channels[sw];
	struct framer *framer = &channel->framers[to];
	const uint8_t *msg;
	size_t msg_len;

	framer_push(framer, bytes, len);
	while (framer_next(framer, &msg, &msg_len) == FRAMER_MESSAGE)
		take_message(budget, now_ns, channel, msg, msg_len);
	framer_finish(framer);
}

/* A new connection: what was cut is not continued, and no buffer is known. */
static void see_connected(void *ctx, uint64_t now_ns, uint32_t sw)
{
	struct budget *budget = ctx;
	struct budget_channel *channel = &budget->channels[sw];

	(void)now_ns;
	for (unsigned end = 0; end < ENDS; end++) {
		framer_destroy(&channel->framers[end]);
		framer_init(&channel->framers[end]);
	}
	lldp_buffers_forget(&channel->buffers);
}

struct network_observer budget_observer(struct budget *budget)
{
	return (struct network_observer){
	        .connected = see_connected, .bytes = see_bytes, .ctx = budget};
}

/* --- Counting --- */

static bool count_flow(void *ctx, const struct fb_flow_stats *stats)
{
	struct budget *budget = ctx;
	struct tuple_key key;
	struct tuple *tuple;

	if (key_of_match(&stats->match, &key) &&
	    (tuple = fb_table_find(budget->tuples, &key)) != NULL)
		tuple->flows++;
	return true;
}

/* Count the entries of all switches, by tuple. */
static void count_flows(struct budget *budget, struct network *network)
{
	struct fb_flow_stats_request request = {.table_id = 0xff, .out_port = OFPP_NONE};

	fb_match_any(&request.match);
	for (struct tuple *tuple = fb_table_oldest(budget->tuples); tuple;
	     tuple = fb_table_newer(budget->tuples, tuple))
		tuple->flows = 0;
	for (uint32_t sw = 0; sw < budget->scenario->switches_count; sw++)
		datapath_flows(agent_datapath(network_agent(network, sw)), &request,
		               network_now(network), count_flow, budget);
}

/* Packet-ins or flow-mods of a connection. */
static uint64_t count_events(const struct budget *budget, const struct tuple *tuple,
                             const struct connection *connection, bool flow_mods)
{
	uint64_t count = 0;

	for (uint32_t at = tuple->last_event; at; at = budget->events[at - 1].before) {
		const struct event_of_tuple *event = &budget->events[at - 1];

		count += event->is_flow_mod == flow_mods &&
		         event->at_ns >= connection->is.started_ns &&
		         event->at_ns < connection->until_ns;
	}
	return count;
}

static uint64_t cost_of(const struct budget *budget, const struct connection *connection,
                        enum scenario_kind kind)
{
	const struct tuple_key key = key_of(&connection->is);
	const struct tuple *tuple = fb_table_find(budget->tuples, &key);

	if (kind == EXPECT_CONNECTION_SETUP)
		return connection->is.connected_ns
		               ? connection->is.connected_ns - connection->is.started_ns
		               : FB_NEVER;
	if (budget->overflow || !tuple)
		return FB_NEVER;
	if (kind == EXPECT_CONNECTION_FLOWS)
		return tuple->flows;
	return count_events(budget, tuple, connection, kind == EXPECT_CONNECTION_FLOW_MODS);
}

uint64_t budget_worst(struct budget *budget, struct network *network, enum scenario_kind kind,
                      size_t first, const struct scenario_bounds *bounds, size_t *place)
{
	uint64_t least = FB_NEVER, most = 0;
	size_t least_at = first, most_at = first;

	if (kind == EXPECT_CONNECTION_FLOWS)
		count_flows(budget, network);
	for (size_t i = first; i < budget->connections_count; i++) {
		const uint64_t cost = cost_of(budget, &budget->connections[i], kind);

		if (kind == EXPECT_CONNECTION_SETUP && budget->connections[i].is.refused)
			continue;
		if (cost < least) {
			least = cost;
			least_at = i;
		}
		if (cost > most) {
			most = cost;
			most_at = i;
		}
	}
	*place = bounds->has_min && least < bounds->min ? least_at : most_at;
	return *place == least_at && bounds->has_min && least < bounds->min ? least : most;
}

uint64_t budget_control_bytes(const struct budget *budget, uint32_t sw)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < budget->scenario->switches_count; i++)
		if (sw == SCENARIO_NONE || sw == i)
			bytes += budget->channels[i].bytes;
	return bytes;
}
