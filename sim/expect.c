/* Counts for expectations. See expect.h.
 *
 * All that is counted is read where it is counted anyway, when somebody asks; only frames by filter
 * are counted for the sake of expectations. */
#include "sim/expect.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/backends.h"
#include "sim/dump.h"
#include "sim/scenario_keys.h"

enum { TABLE_ALL = 0xff, TABLE_EMERGENCY = 0xfe }; /* of a request for flow statistics */

struct expect {
	const struct scenario *scenario;
	struct network *network;
	const struct affinity *affinity;
	const struct expect_connections *connections;
	struct budget *budget;
	struct backends *backends;
	const struct scenario_expectation **all; /* by id */
	struct network_filter *filters;          /* by id */
	uint64_t *baselines;                     /* by id: the count at its mark */
};

static void collect(struct expect *expect, const struct scenario_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < steps[i].expectations_count; j++) {
			const struct scenario_expectation *expectation = &steps[i].expectations[j];

			expect->all[expectation->id] = expectation;
		}
		collect(expect, steps[i].steps, steps[i].steps_count);
	}
}

struct expect *expect_new(const struct scenario *scenario, struct network *network,
                          const struct affinity *affinity,
                          const struct expect_connections *connections,
                          struct budget *budget)
{
	struct expect *expect = xcalloc(1, sizeof *expect);
	const size_t count = scenario->expectation_ids + 1;

	expect->scenario = scenario;
	expect->network = network;
	expect->affinity = affinity;
	expect->connections = connections;
	expect->budget = budget;
	expect->backends = backends_new(network);
	expect->all = xcalloc(count, sizeof(const struct scenario_expectation *));
	expect->filters = xcalloc(count, sizeof *expect->filters);
	expect->baselines = xcalloc(count, sizeof *expect->baselines);
	collect(expect, scenario->steps, scenario->steps_count);
	for (uint32_t i = 0; i < scenario->expectation_ids; i++) {
		const struct scenario_expectation *expectation = expect->all[i];

		if (expectation->kind != EXPECT_FRAMES)
			continue;
		expect->filters[i].program = &expectation->program;
		for (unsigned end = 0; end < 2; end++)
			if (expectation->ends[end])
				network_add_filter(network, expectation->link, end,
				                   &expect->filters[i]);
	}
	return expect;
}

void expect_free(struct expect *expect)
{
	if (!expect)
		return;
	backends_free(expect->backends);
	free(expect->all);
	free(expect->filters);
	free(expect->baselines);
	free(expect);
}

/* --- Counts --- */

static uint64_t count_connections(const struct expect *expect, uint32_t outcome)
{
	uint64_t sum = 0;

	if (outcome != SCENARIO_NONE)
		return expect->connections->ended[outcome];
	for (unsigned i = 0; i < EXPECT_OUTCOMES; i++)
		sum += expect->connections->ended[i];
	return sum;
}

/* The sum over switch 'sw', or over all, of what 'count' says of a switch. */
static uint64_t sum_switches(const struct expect *expect, uint32_t sw,
                             uint64_t (*count)(struct network *network, uint32_t sw))
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < expect->scenario->switches_count; i++)
		if (sw == SCENARIO_NONE || sw == i)
			sum += count(expect->network, i);
	return sum;
}

static uint64_t packet_ins_of(struct network *network, uint32_t sw)
{
	return network_switch_counts(network, sw).packet_ins;
}

static uint64_t buffers_of(struct network *network, uint32_t sw)
{
	return datapath_buffers_in_use(agent_datapath(network_agent(network, sw)));
}

/* Errors either way. */
static uint64_t errors_of(struct network *network, uint32_t sw)
{
	const struct network_switch_counts counts = network_switch_counts(network, sw);

	return counts.errors_in + counts.errors_out;
}

static bool count_flow(void *ctx, const struct fb_flow_stats *stats)
{
	uint64_t *count = ctx;

	(void)stats;
	++*count;
	return true;
}

static uint64_t count_flows(const struct expect *expect,
                            const struct scenario_expectation *expectation)
{
	struct datapath *dp = agent_datapath(network_agent(expect->network, expectation->subject));
	const struct fb_flow_stats_request request = {
	        .match = expectation->match,
	        .table_id = expectation->emergency ? TABLE_EMERGENCY : TABLE_ALL,
	        .out_port = OFPP_NONE};
	uint64_t count = 0;

	datapath_flows(dp, &request, network_now(expect->network), count_flow, &count);
	return count;
}

static uint64_t dump_is_there(const struct expect *expect,
                              const struct scenario_expectation *expectation)
{
	struct dump_lines got;
	bool holds;

	dump_take(&got, expect->network, expectation->subject, expectation->dump);
	holds = dump_holds(expectation->dump, &got);
	dump_destroy(&got);
	return holds;
}

static struct network_queue_counts queue_counts(const struct expect *expect,
                                                const struct scenario_expectation *expectation)
{
	return network_queue_counts(expect->network, expectation->subject, expectation->port,
	                            expectation->queue_id);
}

/* --- The balancer's backends --- */

static bool is_in_state(const char *state, uint32_t states)
{
	if (states == UINT32_MAX)
		return true;
	for (unsigned i = 0; scenario_keys_backend_states[i]; i++)
		if ((states >> i & 1) && !strcmp(state, scenario_keys_backend_states[i]))
			return true;
	return false;
}

/* The backend, of those of an address, is the host that is meant, if one is. */
static bool is_meant(const struct expect *expect, const struct scenario_expectation *expectation,
                     const struct backend *backend)
{
	return backend->ip == expectation->ip &&
	       (expectation->subject == SCENARIO_NONE ||
	        fb_mac_equal(backend->mac, expect->scenario->hosts[expectation->subject].mac));
}

static uint64_t count_backends(const struct expect *expect,
                               const struct scenario_expectation *expectation)
{
	size_t count;
	const struct backend *list = backends_list(expect->backends, &count);
	uint64_t sum = 0;
	bool known = false;

	for (size_t i = 0; i < count; i++) {
		if (!is_meant(expect, expectation, &list[i]))
			continue;
		known = true;
		if (expectation->kind == EXPECT_BACKEND_SESSIONS)
			sum += list[i].sessions;
		else if (expectation->kind == EXPECT_BACKEND_WEIGHT)
			sum += list[i].weight;
		else
			sum += is_in_state(list[i].state, expectation->states);
	}
	if (expectation->kind == EXPECT_BACKEND_STATE)
		return known ? sum > 0 : is_in_state("none", expectation->states);
	return sum;
}

/* The name of the host with that MAC address, or the address. */
static void backend_text(const struct expect *expect, const struct backend *backend,
                         struct fb_text *text)
{
	for (size_t i = 0; i < expect->scenario->hosts_count; i++) {
		if (fb_mac_equal(expect->scenario->hosts[i].mac, backend->mac)) {
			fb_text_puts(text, expect->scenario->hosts[i].name);
			return;
		}
	}
	fb_text_mac(text, backend->mac);
}

static bool is_of_connections(const struct scenario_expectation *expectation)
{
	return expectation->kind >= EXPECT_CONNECTION_PACKET_INS &&
	       expectation->kind <= EXPECT_CONNECTION_SETUP;
}

/* Of the connections since the mark, the one that fits least. Where there are none, nothing costs
 * anything. */
static uint64_t worst_connection(const struct expect *expect,
                                 const struct scenario_expectation *expectation, size_t *place)
{
	const size_t first = (size_t)expect->baselines[expectation->id];

	*place = first;
	if (first >= budget_connections(expect->budget))
		return 0;
	return budget_worst(expect->budget, expect->network, expectation->kind, first,
	                    &expectation->bounds, place);
}

/* " (h1:51070 -> 192.168.2.2:22)": whose value it is. */
static void connection_detail(const struct expect *expect,
                              const struct scenario_expectation *expectation, struct fb_text *text)
{
	const struct budget_connection *connection;
	size_t place;

	worst_connection(expect, expectation, &place);
	if (place >= budget_connections(expect->budget)) {
		fb_text_puts(text, " (there was no connection)");
		return;
	}
	connection = budget_connection_at(expect->budget, place);
	fb_text_printf(text, " (%s:%u -> ", expect->scenario->hosts[connection->client].name,
	               connection->client_port);
	fb_text_ip(text, connection->server_ip);
	fb_text_printf(text, ":%u)", connection->server_port);
}

void expect_detail(const struct expect *expect, const struct scenario_expectation *expectation,
                   struct fb_text *text)
{
	const bool is_state = expectation->kind == EXPECT_BACKEND_STATE;
	const char *before = is_state ? "" : " (";
	const struct backend *list;
	size_t count;

	if (is_of_connections(expectation))
		connection_detail(expect, expectation, text);
	else if (expectation->kind == EXPECT_DUMP)
		fb_text_puts(text, "not as it is written here (- was expected, + is there)");
	if (expectation->kind < EXPECT_BACKENDS || expectation->kind > EXPECT_BACKEND_WEIGHT)
		return;
	list = backends_list(expect->backends, &count);
	for (size_t i = 0; i < count; i++) {
		if (!is_meant(expect, expectation, &list[i]))
			continue;
		fb_text_puts(text, before);
		backend_text(expect, &list[i], text);
		fb_text_printf(text, is_state ? " is %s" : " %s", list[i].state);
		before = ", ";
	}
	if (before[0] != ',' && is_state)
		fb_text_printf(text, "%s is no backend of it",
		               expect->scenario->hosts[expectation->subject].name);
	else if (before[0] != ',')
		fb_text_puts(text, " (there is none");
	if (!is_state)
		fb_text_puts(text, ")");
}

/* TCP connections and UDP datagrams that a service of the host has answered. */
static uint64_t count_answered(const struct host_counters *counters)
{
	return counters->tcp_answered + counters->udp_answered;
}

/* The count from the start of the run. */
static uint64_t count_all(const struct expect *expect,
                          const struct scenario_expectation *expectation)
{
	const uint32_t subject = expectation->subject;

	switch (expectation->kind) {
	case EXPECT_ANSWERED:
		return count_answered(host_counters(network_host(expect->network, subject)));
	case EXPECT_ACCEPTED:
		return host_counters(network_host(expect->network, subject))->tcp_accepted;
	case EXPECT_CONNECTIONS:
		return count_connections(expect, subject);
	case EXPECT_SPLIT_CONNECTIONS:
		return affinity_count(expect->affinity);
	case EXPECT_PACKET_INS:
		return sum_switches(expect, subject, packet_ins_of);
	case EXPECT_PACKET_OUTS:
		return network_controller_counts(expect->network).packet_outs;
	case EXPECT_FLOW_MODS:
		return network_controller_counts(expect->network).flow_mods;
	case EXPECT_ERRORS:
		return sum_switches(expect, SCENARIO_NONE, errors_of);
	case EXPECT_FRAMES:
		return expect->filters[expectation->id].count;
	case EXPECT_COUNTER:
		return network_app_counter(expect->network, expectation->app, expectation->counter);
	case EXPECT_FLOWS:
		return count_flows(expect, expectation);
	case EXPECT_BUFFERS_IN_USE:
		return sum_switches(expect, subject, buffers_of);
	case EXPECT_QUEUE_SENT:
		return queue_counts(expect, expectation).sent;
	case EXPECT_QUEUE_DROPPED:
		return queue_counts(expect, expectation).dropped;
	case EXPECT_BACKENDS:
	case EXPECT_BACKEND_STATE:
	case EXPECT_BACKEND_SESSIONS:
	case EXPECT_BACKEND_WEIGHT:
		return count_backends(expect, expectation);
	case EXPECT_CONTROL_BYTES:
		return budget_control_bytes(expect->budget, subject);
	case EXPECT_CONNECTION_PACKET_INS:
	case EXPECT_CONNECTION_FLOW_MODS:
	case EXPECT_CONNECTION_FLOWS:
	case EXPECT_CONNECTION_SETUP:
		return budget_connections(expect->budget); /* at a mark: those before it */
	case EXPECT_DUMP:
		return dump_is_there(expect, expectation);
	case EXPECT_SESSIONS:
		return backends_sessions(
		        expect->backends,
		        subject == SCENARIO_NONE ? NULL : scenario_keys_sessions[subject]);
	}
	return 0;
}

uint64_t expect_value(const struct expect *expect, const struct scenario_expectation *expectation)
{
	size_t place;

	if (is_of_connections(expectation))
		return worst_connection(expect, expectation, &place);
	return count_all(expect, expectation) - expect->baselines[expectation->id];
}

bool expect_is_slow(const struct scenario_expectation *expectation)
{
	return (expectation->kind >= EXPECT_BACKENDS && expectation->kind <= EXPECT_SESSIONS) ||
	       is_of_connections(expectation) || expectation->kind == EXPECT_DUMP;
}

void expect_mark(struct expect *expect, uint32_t mark)
{
	for (uint32_t i = 0; i < expect->scenario->expectation_ids; i++)
		if (expect->all[i]->mark == mark)
			expect->baselines[i] = count_all(expect, expect->all[i]);
}

/* --- Explanations --- */

/* All frames on the link of 'host'. */
static void relate_host(const struct expect *expect, uint32_t host, struct trace_relation *relation)
{
	relation->link = expect->scenario->hosts[host].link;
	relation->ip = relation->link == SCENARIO_NONE ? expect->scenario->hosts[host].ip : 0;
}

/* The connection whose value it is. */
static void relate_connection(const struct expect *expect,
                              const struct scenario_expectation *expectation,
                              struct trace_relation *relation)
{
	const struct budget_connection *connection;
	size_t place;

	worst_connection(expect, expectation, &place);
	if (place >= budget_connections(expect->budget))
		return;
	connection = budget_connection_at(expect->budget, place);
	relation->ip = connection->client_ip;
	relation->port = connection->client_port;
}

struct trace_relation expect_relation(const struct expect *expect,
                                      const struct scenario_expectation *expectation)
{
	struct trace_relation relation = trace_relation_all();

	if (is_of_connections(expectation)) {
		relate_connection(expect, expectation, &relation);
		return relation;
	}
	switch (expectation->kind) {
	case EXPECT_ANSWERED:
	case EXPECT_ACCEPTED:
		relate_host(expect, expectation->subject, &relation);
		break;
	case EXPECT_CONNECTIONS:
	case EXPECT_SPLIT_CONNECTIONS:
	case EXPECT_COUNTER:
	case EXPECT_SESSIONS:
	case EXPECT_CONTROL_BYTES:
	case EXPECT_CONNECTION_PACKET_INS:
	case EXPECT_CONNECTION_FLOW_MODS:
	case EXPECT_CONNECTION_FLOWS:
	case EXPECT_CONNECTION_SETUP:
		break;
	case EXPECT_BACKENDS:
	case EXPECT_BACKEND_STATE:
	case EXPECT_BACKEND_SESSIONS:
	case EXPECT_BACKEND_WEIGHT:
		relation.ip = expectation->ip;
		break;
	case EXPECT_PACKET_INS:
	case EXPECT_BUFFERS_IN_USE:
		relation.message_types = 1U << OFPT_PACKET_IN;
		relation.sw = expectation->subject;
		break;
	case EXPECT_PACKET_OUTS:
		relation.message_types = 1U << OFPT_PACKET_OUT;
		break;
	case EXPECT_FLOW_MODS:
		relation.message_types = 1U << OFPT_FLOW_MOD;
		break;
	case EXPECT_ERRORS:
		relation.message_types = 1U << OFPT_ERROR;
		break;
	case EXPECT_FRAMES:
		relation.link = expectation->link;
		relation.program = &expectation->program;
		break;
	case EXPECT_QUEUE_SENT:
	case EXPECT_QUEUE_DROPPED:
		relation.link = expectation->link;
		break;
	case EXPECT_FLOWS:
	case EXPECT_DUMP:
		relation.message_types = 1U << OFPT_FLOW_MOD | 1U << OFPT_FLOW_REMOVED;
		relation.sw = expectation->subject;
		break;
	}
	return relation;
}
