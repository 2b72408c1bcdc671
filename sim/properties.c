/* Judging whether a network is sound. See properties.h. */
#include "sim/properties.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "sim/lives.h"
#include "sim/scenario_keys.h"

enum { TEXT_BYTES = 400, TABLE_ALL = 0xff };

_Static_assert(LIVES_NOBODY == SCENARIO_NONE, "no host is no host");

struct properties {
	const struct scenario *scenario;
	struct properties_ops ops;
	struct network *network;
	struct lives *lives;
	struct affinity *affinity;
	struct switch_memory *switches;
	uint64_t counts[SCENARIO_PROPERTIES];
};

/* When the latest connection of a switch began: */
struct switch_memory {
	uint64_t connected_ns;
	uint32_t buffers_in_use;
};

static const char *const expected_texts[SCENARIO_PROPERTIES] = {
        [NO_LOOPS] = "no frame comes in by one port of a switch twice",
        [NO_DUPLICATES] = "no host gets a frame twice",
        [NO_BLACKHOLES] = "what is sent to a host that is there reaches one",
        [REACHABILITY] = "all hosts reach all others that are there",
        [NO_LOST_BUFFERS] = "no packet buffer is in use when all is quiet",
        [SESSION_AFFINITY] = "no connection sees two servers",
        [NO_OF_ERRORS] = "no switch sends an OpenFlow error",
        [TABLES_AGREE] = "each switch has the entries that the controller installed, and no others",
        [CONNECTIONS_END] = "no TCP connection is half open at the end",
        [CHECKSUMS] = "all checksums are right where a host gets a frame",
        [BOUNDED] = "tables, buffers and queues keep within their limits",
        [NO_DEAD_ENTRIES] = "no flow entry sends to a port that is down",
};

/* --- Making --- */

static uint32_t sender_of(void *ctx, const struct frame *frame)
{
	const struct properties *properties = ctx;

	return lives_sender(properties->lives, frame);
}

static bool is_reachable(void *ctx, uint32_t host)
{
	const struct properties *properties = ctx;

	return network_host_is_reachable(properties->network, host);
}

struct properties *properties_new(const struct scenario *scenario, const struct properties_ops *ops)
{
	struct properties *properties = xcalloc(1, sizeof *properties);
	const struct affinity_ops affinity_ops = {
	        .sender = sender_of, .reachable = is_reachable, .ctx = properties};

	properties->scenario = scenario;
	properties->ops = *ops;
	properties->switches = xcalloc(scenario->switches_count + 1, sizeof *properties->switches);
	properties->lives = lives_new();
	properties->affinity = affinity_new(scenario, &affinity_ops);
	return properties;
}

void properties_free(struct properties *properties)
{
	if (!properties)
		return;
	affinity_free(properties->affinity);
	lives_free(properties->lives);
	free(properties->switches);
	free(properties);
}

void properties_watch(struct properties *properties, struct network *network)
{
	properties->network = network;
}

bool properties_is_on(const struct properties *properties, enum scenario_property property)
{
	return !(properties->scenario->properties_off >> property & 1);
}

uint64_t properties_count(const struct properties *properties, enum scenario_property property)
{
	return properties->counts[property];
}

const struct affinity *properties_affinity(const struct properties *properties)
{
	return properties->affinity;
}

/* True when this is the first time, and somebody wants to know. */
static bool is_news(struct properties *properties, enum scenario_property property)
{
	return !properties->counts[property]++ && properties_is_on(properties, property);
}

static void tell(struct properties *properties, enum scenario_property property,
                 const char *happened, const struct trace_relation *relation)
{
	char expected[TEXT_BYTES];
	struct fb_text text = fb_text_make(expected, sizeof expected);

	fb_text_printf(&text, "%s: %s", scenario_keys_properties[property],
	               expected_texts[property]);
	properties->ops.broken(properties->ops.ctx, property, expected, happened, relation);
}

/* --- Frames --- */

/* The frame's connection, or its link: what its story is about. */
static struct trace_relation relation_of(const struct frame *frame, uint32_t link)
{
	struct trace_relation relation = trace_relation_all();
	struct fb_packet packet;

	relation.link = link;
	if (fb_packet_parse(&packet, frame->memory + frame->offset, frame->len) ||
	    !(packet.is_ipv4 || packet.is_arp))
		return relation;
	relation.ip = packet.nw_src;
	relation.link = SCENARIO_NONE;
	if (packet.is_tcp || packet.is_udp)
		relation.port = packet.tp_src;
	return relation;
}

/* A frame goes to an end of a link a second time. */
static void tell_twice(struct properties *properties, enum scenario_property property,
                       uint32_t link, const struct scenario_end *to, const struct frame *frame)
{
	const struct trace_relation relation = relation_of(frame, link);
	const uint32_t sender = lives_sender(properties->lives, frame);
	char happened[TEXT_BYTES];
	struct fb_text text = fb_text_make(happened, sizeof happened);

	fb_text_printf(&text, "a frame of %s is sent to ",
	               sender == SCENARIO_NONE ? "the controller"
	                                       : properties->scenario->hosts[sender].name);
	if (to->is_switch)
		fb_text_printf(&text, "%s:%u", properties->scenario->switches[to->index].name,
		               to->port);
	else
		fb_text_puts(&text, properties->scenario->hosts[to->index].name);
	fb_text_puts(&text, " a second time: ");
	fb_text_packet(&text, frame->memory + frame->offset, frame->len);
	tell(properties, property, happened, &relation);
}

static void watch_sending(void *ctx, uint64_t now_ns, uint32_t link, unsigned to, uint32_t host,
                          struct frame *frame)
{
	struct properties *properties = ctx;
	const struct scenario_end *end;
	enum scenario_property property;

	if (host != SCENARIO_NONE)
		lives_begin(properties->lives, frame, host, now_ns);
	if (lives_pass(properties->lives, frame, 2 * link + to, now_ns))
		return;
	end = network_link_end(properties->network, link, to);
	property = end->is_switch ? NO_LOOPS : NO_DUPLICATES;
	if (is_news(properties, property))
		tell_twice(properties, property, link, end, frame);
}

static void watch_duplicated(void *ctx, uint64_t now_ns, uint32_t link, const struct frame *frame)
{
	const struct properties *properties = ctx;

	(void)now_ns;
	(void)link;
	lives_double(properties->lives, frame);
}

/* --- Connections --- */

static void tell_split(struct properties *properties, const struct affinity_split *split)
{
	const struct scenario_host *hosts = properties->scenario->hosts;
	struct trace_relation relation = trace_relation_all();
	char happened[TEXT_BYTES];
	struct fb_text text = fb_text_make(happened, sizeof happened);

	fb_text_printf(&text, "%s:%u -> ", hosts[split->client].name, split->client_port);
	fb_text_ip(&text, split->server_ip);
	fb_text_printf(&text, ":%u is served by %s, and %s %s", split->server_port,
	               hosts[split->one].name, hosts[split->other].name, split->why);
	relation.ip = split->client_ip;
	relation.port = split->client_port;
	tell(properties, SESSION_AFFINITY, happened, &relation);
}

static void watch_host_frame(void *ctx, uint64_t now_ns, uint32_t host, bool sent,
                             const struct frame *frame)
{
	struct properties *properties = ctx;
	struct affinity_split split;
	bool is_split = false;

	if (sent)
		is_split = affinity_sent(properties->affinity, host, frame, now_ns, &split);
	else if (network_host_is_on(properties->network, host))
		is_split = affinity_got(properties->affinity, host, frame, now_ns, &split);
	if (is_split && is_news(properties, SESSION_AFFINITY))
		tell_split(properties, &split);
}

static struct datapath *datapath_of(const struct properties *properties, uint32_t sw)
{
	return agent_datapath(network_agent(properties->network, sw));
}

static void watch_connected(void *ctx, uint64_t now_ns, uint32_t sw)
{
	const struct properties *properties = ctx;

	properties->switches[sw] = (struct switch_memory){
	        .connected_ns = now_ns,
	        .buffers_in_use = datapath_buffers_in_use(datapath_of(properties, sw))};
	affinity_recovery(properties->affinity);
}

static void watch_closed(void *ctx, uint64_t now_ns, uint32_t sw, unsigned at)
{
	const struct properties *properties = ctx;

	(void)now_ns;
	(void)sw;
	(void)at;
	affinity_recovery(properties->affinity);
}

/* --- Errors --- */

static void watch_error(void *ctx, uint64_t now_ns, uint32_t sw, const uint8_t *msg, size_t len)
{
	struct properties *properties = ctx;
	struct trace_relation relation = trace_relation_all();
	char happened[TEXT_BYTES];
	struct fb_text text = fb_text_make(happened, sizeof happened);

	(void)now_ns;
	(void)msg;
	(void)len;
	if (!is_news(properties, NO_OF_ERRORS))
		return;
	fb_text_printf(&text, "%s sends one", properties->scenario->switches[sw].name);
	/* What the switch was told; the error itself is still under way. */
	relation.message_types = 1U << OFPT_ERROR | 1U << OFPT_FLOW_MOD | 1U << OFPT_PACKET_OUT;
	relation.sw = sw;
	tell(properties, NO_OF_ERRORS, happened, &relation);
}

struct network_observer properties_observer(struct properties *properties)
{
	return (struct network_observer){.sending = watch_sending,
	                                 .duplicated = watch_duplicated,
	                                 .host_frame = watch_host_frame,
	                                 .connected = watch_connected,
	                                 .closed = watch_closed,
	                                 .error = watch_error,
	                                 .ctx = properties};
}

/* --- At the end --- */

/* Packet buffers in use on a switch that has a controller, without those that may be left over from
 * the time before. */
static uint32_t buffers_in_use(const struct properties *properties, uint32_t sw)
{
	const struct switch_memory *memory = &properties->switches[sw];
	const uint64_t expiry_ns =
	        properties->scenario->switches[sw].config.datapath.buffer_expiry_ns;
	const bool left_over = network_now(properties->network) - memory->connected_ns <= expiry_ns;
	const uint32_t excused = left_over ? memory->buffers_in_use : 0;
	const uint32_t in_use = datapath_buffers_in_use(datapath_of(properties, sw));

	if (!network_switch_is_connected(properties->network, sw) || in_use <= excused)
		return 0;
	return in_use - excused;
}

bool properties_await_buffers(const struct properties *properties)
{
	for (uint32_t i = 0; i < properties->scenario->switches_count; i++)
		if (buffers_in_use(properties, i))
			return true;
	return false;
}

static void judge_buffers(struct properties *properties, uint32_t sw)
{
	const uint32_t in_use = buffers_in_use(properties, sw);
	const uint64_t expired =
	        network_switch_kept_connected(properties->network, sw)
	                ? datapath_counters(datapath_of(properties, sw))->buffers_expired
	                : 0;
	struct trace_relation relation = trace_relation_all();
	char happened[TEXT_BYTES];
	struct fb_text text = fb_text_make(happened, sizeof happened);

	if ((!in_use && !expired) || !is_news(properties, NO_LOST_BUFFERS))
		return;
	fb_text_printf(&text, "%u in use at the end", in_use);
	if (expired)
		fb_text_printf(&text, ", and %llu expired before", (unsigned long long)expired);
	fb_text_printf(&text, ", on %s", properties->scenario->switches[sw].name);
	relation.message_types = 1U << OFPT_PACKET_IN;
	relation.sw = sw;
	tell(properties, NO_LOST_BUFFERS, happened, &relation);
}

/* Looking for entries that send to ports that are down. */
struct dead_search {
	const struct datapath *dp;
	uint16_t port_no;
	uint64_t count;        /* of entries found */
	char text[TEXT_BYTES]; /* the first */
};

static bool is_dead(const struct datapath *dp, uint16_t port_no)
{
	const struct fb_phy_port *port = datapath_port(dp, port_no);

	return port_no < OFPP_MAX &&
	       (!port || port->state & OFPPS_LINK_DOWN || port->config & OFPPC_PORT_DOWN);
}

static bool look_for_dead(void *ctx, const struct fb_flow_stats *stats)
{
	struct dead_search *search = ctx;
	struct fb_text text;
	struct fb_action action;
	size_t offset = 0;

	while (fb_action_next(stats->actions.data, stats->actions.len, &offset, &action)) {
		uint16_t port_no = OFPP_NONE;

		if (action.type == OFPAT_OUTPUT)
			port_no = action.output.port;
		else if (action.type == OFPAT_ENQUEUE)
			port_no = action.enqueue.port;
		if (!is_dead(search->dp, port_no))
			continue;
		if (!search->count++) {
			search->port_no = port_no;
			text = fb_text_make(search->text, sizeof search->text);
			fb_text_match(&text, &stats->match);
		}
		break;
	}
	return true;
}

static void judge_entries(struct properties *properties, uint32_t sw)
{
	struct fb_flow_stats_request request = {.table_id = TABLE_ALL, .out_port = OFPP_NONE};
	struct dead_search search = {.dp = datapath_of(properties, sw)};
	struct trace_relation relation = trace_relation_all();
	const char *name = properties->scenario->switches[sw].name;
	char happened[2 * TEXT_BYTES];
	struct fb_text text = fb_text_make(happened, sizeof happened);

	fb_match_any(&request.match);
	datapath_flows(search.dp, &request, network_now(properties->network), look_for_dead,
	               &search);
	if (!search.count || !is_news(properties, NO_DEAD_ENTRIES))
		return;
	fb_text_printf(&text, "%llu of %s do, the first to port %u: %s",
	               (unsigned long long)search.count, name, search.port_no, search.text);
	relation.message_types = 1U << OFPT_FLOW_MOD | 1U << OFPT_PORT_STATUS;
	relation.sw = sw;
	tell(properties, NO_DEAD_ENTRIES, happened, &relation);
}

void properties_judge_end(struct properties *properties)
{
	for (uint32_t i = 0; i < properties->scenario->switches_count; i++) {
		if (!network_switch_is_connected(properties->network, i))
			continue;
		judge_buffers(properties, i);
		judge_entries(properties, i);
	}
}
