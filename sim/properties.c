/* Judging whether a network is sound. See properties.h. */
#include "sim/properties.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "lib/wire/framer.h"
#include "sim/bounds.h"
#include "sim/checksums.h"
#include "sim/lives.h"
#include "sim/properties_after.h"
#include "sim/scenario_keys.h"
#include "sim/tables.h"

enum { TEXT_BYTES = 400, TABLE_ALL = 0xff };

_Static_assert(LIVES_NOBODY == SCENARIO_NONE, "no host is no host");

struct properties {
	const struct scenario *scenario;
	struct properties_ops ops;
	struct network *network;
	struct lives *lives;
	struct affinity *affinity;
	struct excuses *excuses;
	struct tables *tables;
	struct checksums *checksums;
	struct bounds *bounds;
	uint32_t frames;      /* that were sent, for 'bounds' */
	bool tables_compared; /* when the network had to have converged */
	struct properties_after *after;
	uint32_t *plugs;             /* of links: how often an end was plugged in elsewhere */
	struct framer (*framers)[2]; /* of switches: of what arrives at each end (CHANNEL_*) */
	uint64_t counts[SCENARIO_PROPERTIES];
	uint64_t excused[SCENARIO_PROPERTIES];
};

static const char *const expected_texts[SCENARIO_PROPERTIES] = {
        [NO_LOOPS] = "no frame comes in by one port of a switch twice",
        [NO_DUPLICATES] = "no host gets a frame twice",
        [NO_BLACKHOLES] = "what is sent to a host that is there reaches one",
        [REACHABILITY] = "all hosts reach all others that are there",
        [NO_LOST_BUFFERS] = "no packet buffer expires, or is in use when all is quiet",
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

static uint64_t absent_ns(void *ctx, uint32_t host)
{
	const struct properties *properties = ctx;

	return network_host_absent_ns(properties->network, host);
}

static struct datapath *datapath_of(const struct properties *properties, uint32_t sw)
{
	return agent_datapath(network_agent(properties->network, sw));
}

static bool is_any_failing(void *ctx)
{
	const struct properties *properties = ctx;

	for (uint32_t i = 0; i < properties->scenario->switches_count; i++)
		if (network_switch_is_on(properties->network, i) &&
		    datapath_mode(datapath_of(properties, i)) != DATAPATH_NORMAL)
			return true;
	return false;
}

static uint64_t converged_at(void *ctx)
{
	return properties_converged_at(ctx);
}

static void tell_late_buffer(void *ctx, uint32_t sw, uint32_t buffer_id, uint64_t expired_ns,
                             enum excuse_row row);
static void judge_difference(void *ctx, const struct tables_difference *difference);
static void judge_checksum(void *ctx, const struct checksums_wrong *wrong);
static void tell_over(void *ctx, const char *what);

static const struct datapath *table_of(void *ctx, uint32_t sw)
{
	return datapath_of(ctx, sw);
}

struct properties *properties_new(const struct scenario *scenario, const struct properties_ops *ops)
{
	struct properties *properties = xcalloc(1, sizeof *properties);
	const struct affinity_ops affinity_ops = {.sender = sender_of,
	                                          .absent_ns = absent_ns,
	                                          .fails = is_any_failing,
	                                          .ctx = properties};
	const struct excuses_ops excuses_ops = {
	        .late_buffer = tell_late_buffer, .converged_at = converged_at, .ctx = properties};
	const struct tables_ops tables_ops = {
	        .differ = judge_difference, .datapath = table_of, .ctx = properties};
	const struct checksums_ops checksums_ops = {.wrong = judge_checksum, .ctx = properties};
	const struct bounds_ops bounds_ops = {.over = tell_over, .ctx = properties};

	properties->scenario = scenario;
	properties->ops = *ops;
	properties->framers = xcalloc(scenario->switches_count + 1, sizeof *properties->framers);
	for (size_t i = 0; i < scenario->switches_count; i++)
		for (unsigned e = 0; e < 2; e++)
			framer_init(&properties->framers[i][e]);
	properties->plugs = xcalloc(scenario->links_count + 1, sizeof *properties->plugs);
	properties->excuses = excuses_new(scenario, &excuses_ops);
	properties->tables = tables_new(scenario, &tables_ops);
	properties->checksums = checksums_new(scenario, &checksums_ops);
	properties->bounds = bounds_new(scenario, &bounds_ops);
	properties->lives = lives_new();
	properties->affinity = affinity_new(scenario, &affinity_ops);
	properties->after = properties_after_new(properties, scenario);
	return properties;
}

void properties_free(struct properties *properties)
{
	if (!properties)
		return;
	properties_after_free(properties->after);
	affinity_free(properties->affinity);
	lives_free(properties->lives);
	for (size_t i = 0; i < properties->scenario->switches_count; i++)
		for (unsigned e = 0; e < 2; e++)
			framer_destroy(&properties->framers[i][e]);
	free(properties->framers);
	free(properties->plugs);
	bounds_free(properties->bounds);
	checksums_free(properties->checksums);
	tables_free(properties->tables);
	excuses_free(properties->excuses);
	free(properties);
}

void properties_watch(struct properties *properties, struct network *network)
{
	properties->network = network;
	bounds_watch(properties->bounds, network);
	properties_after_watch(properties->after, network);
}

bool properties_is_on(const struct properties *properties, enum scenario_property property)
{
	return !(properties->scenario->properties_off >> property & 1);
}

uint64_t properties_count(const struct properties *properties, enum scenario_property property)
{
	return properties->counts[property];
}

bool properties_is_judged(const struct properties *properties, enum scenario_property property)
{
	return property != TABLES_AGREE || !tables_given_up(properties->tables);
}

uint64_t properties_excused(const struct properties *properties, enum scenario_property property)
{
	return properties->excused[property];
}

const char *properties_text(enum scenario_property property)
{
	return expected_texts[property];
}

const struct affinity *properties_affinity(const struct properties *properties)
{
	return properties->affinity;
}

uint64_t properties_converged_at(const struct properties *properties)
{
	return properties->ops.converged_at ? properties->ops.converged_at(properties->ops.ctx) : 0;
}

bool properties_converged(const struct properties *properties)
{
	return excuses_converged(properties->excuses, network_now(properties->network));
}

void properties_count_excused(struct properties *properties, enum scenario_property property)
{
	properties->excused[property]++;
}

bool properties_excuse(struct properties *properties, const struct excuses_violation *violation)
{
	if (excuses_find(properties->excuses, violation) == EXCUSE_ROWS)
		return false;
	properties_count_excused(properties, violation->property);
	return true;
}

bool properties_is_news(struct properties *properties, enum scenario_property property)
{
	return !properties->counts[property]++ && properties_is_on(properties, property);
}

void properties_tell(struct properties *properties, enum scenario_property property,
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
	relation.life = frame->tag;
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
	properties_tell(properties, property, happened, &relation);
}

/* That a switch gets what a link doubled is no loop, and needs no excuse. */
static void judge_twice(struct properties *properties, uint32_t link,
                        const struct scenario_end *to, const struct frame *frame, bool doubled)
{
	const enum scenario_property property = to->is_switch ? NO_LOOPS : NO_DUPLICATES;
	const struct excuses_violation violation = {.property = property,
	                                            .now_ns = network_now(properties->network),
	                                            .doubled = doubled};

	if ((to->is_switch && doubled) || properties_excuse(properties, &violation))
		return;
	if (properties_is_news(properties, property))
		tell_twice(properties, property, link, to, frame);
}

/* The way over 'link' to its end 'to', as it is plugged in now. */
static uint64_t way_to(const struct properties *properties, uint32_t link, unsigned to)
{
	return (uint64_t)properties->plugs[link] << 32 | (2 * link + to);
}

static void watch_moved(void *ctx, uint64_t now_ns, uint32_t link, unsigned end,
                        const struct scenario_end *at)
{
	const struct properties *properties = ctx;

	(void)now_ns;
	(void)end;
	(void)at;
	properties->plugs[link]++;
}

static void watch_sending(void *ctx, uint64_t now_ns, uint32_t link, unsigned to, uint32_t host,
                          struct frame *frame)
{
	struct properties *properties = ctx;
	enum lives_passed passed;

	if (host != SCENARIO_NONE)
		lives_begin(properties->lives, frame, host, now_ns);
	passed = lives_pass(properties->lives, frame, way_to(properties, link, to), now_ns);
	if (host != SCENARIO_NONE)
		properties_after_sent(properties->after, host, frame, now_ns);
	if (bounds_is_time(&properties->frames))
		bounds_look(properties->bounds, link, to);
	if (passed != LIVES_FIRST)
		judge_twice(properties, link, network_link_end(properties->network, link, to),
		            frame, passed == LIVES_DOUBLED);
}

/* The end of 'link' that the frame goes to. One that the link has changed just now has gone no way yet:
 * to a switch, since what becomes of it is of interest there. */
static unsigned end_of_way(const struct properties *properties, uint32_t link,
                           const struct frame *frame)
{
	for (unsigned end = 0; end < 2; end++)
		if (lives_has_passed(properties->lives, frame, way_to(properties, link, end)))
			return end;
	return network_link_end(properties->network, link, 1)->is_switch;
}

/* What goes to a host goes on to nobody: its copy is sent once, with the frame. */
static void watch_duplicated(void *ctx, uint64_t now_ns, uint32_t link, const struct frame *frame)
{
	const struct properties *properties = ctx;
	const unsigned to = end_of_way(properties, link, frame);

	/* No fault doubles a frame any more, once they are over: only links that always may. */
	if ((properties->scenario->links[link].config.duplicate_ppm ||
	     !excuses_converged(properties->excuses, now_ns)) &&
	    network_link_end(properties->network, link, to)->is_switch)
		lives_double(properties->lives, frame, way_to(properties, link, to));
}

static void watch_lost(void *ctx, uint64_t now_ns, uint32_t link, unsigned to,
                       const struct frame *frame)
{
	const struct properties *properties = ctx;

	(void)now_ns;
	lives_lose(properties->lives, frame, way_to(properties, link, to));
	properties_after_lost(properties->after, frame);
}

static void watch_corrupted(void *ctx, uint64_t now_ns, struct frame *frame)
{
	const struct properties *properties = ctx;

	properties_after_corrupted(properties->after, frame);
	lives_change(properties->lives, frame, now_ns);
	checksums_changed(properties->checksums, frame, now_ns);
}

/* --- Checksums --- */

static void judge_checksum(void *ctx, const struct checksums_wrong *wrong)
{
	struct properties *properties = ctx;
	const struct excuses_violation violation = {.property = CHECKSUMS,
	                                            .now_ns = wrong->time_ns,
	                                            .changed = wrong->changed,
	                                            .fragment = wrong->fragment};
	struct trace_relation relation = trace_relation_all();
	char happened[TEXT_BYTES];
	struct fb_text text = fb_text_make(happened, sizeof happened);

	if (properties_excuse(properties, &violation) || !properties_is_news(properties, CHECKSUMS))
		return;
	fb_text_printf(&text, "%s got one that is wrong at ",
	               properties->scenario->hosts[wrong->host].name);
	fb_text_time(&text, wrong->time_ns);
	fb_text_puts(&text, " s: ");
	fb_text_packet(&text, wrong->bytes, wrong->len);
	relation.link = properties->scenario->hosts[wrong->host].link;
	properties_tell(properties, CHECKSUMS, happened, &relation);
}

static uint64_t checksum_errors(const struct properties *properties, uint32_t host)
{
	return host_counters(network_host(properties->network, host))->checksum_errors;
}

/* --- Bounds --- */

static void tell_over(void *ctx, const char *what)
{
	struct properties *properties = ctx;
	const struct trace_relation all = trace_relation_all();

	if (properties_is_news(properties, BOUNDED))
		properties_tell(properties, BOUNDED, what, &all);
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
	properties_tell(properties, SESSION_AFFINITY, happened, &relation);
}

/* The host is on, with the address that the file gives it: a fault may have taken that away. */
static bool listens(const struct properties *properties, uint32_t host)
{
	return network_host_is_on(properties->network, host) &&
	       host_address(network_host(properties->network, host)) ==
	               properties->scenario->hosts[host].ip;
}

static void watch_host_frame(void *ctx, uint64_t now_ns, uint32_t host, bool sent,
                             const struct frame *frame)
{
	struct properties *properties = ctx;
	struct affinity_split split;
	bool is_split = false;

	if (!sent && network_host_is_on(properties->network, host))
		properties_after_got(properties->after, host,
		                     lives_sender(properties->lives, frame), frame);
	if (!sent)
		checksums_got(properties->checksums, host, frame,
		              lives_is_changed(properties->lives, frame),
		              checksum_errors(properties, host), now_ns);
	/* What a link changed is no segment of a connection: whoever gets it drops it. */
	if (lives_is_changed(properties->lives, frame))
		return;
	if (sent)
		is_split = affinity_sent(properties->affinity, host, frame, now_ns, &split);
	else if (listens(properties, host))
		is_split = affinity_got(properties->affinity, host, frame, now_ns, &split);
	if (is_split && properties_is_news(properties, SESSION_AFFINITY))
		tell_split(properties, &split);
}

static void watch_connected(void *ctx, uint64_t now_ns, uint32_t sw)
{
	const struct properties *properties = ctx;

	for (unsigned e = 0; e < 2; e++) {
		framer_destroy(&properties->framers[sw][e]);
		framer_init(&properties->framers[sw][e]);
	}
	excuses_connected(properties->excuses, now_ns, sw);
	tables_connected(properties->tables, now_ns, sw);
	affinity_recovery(properties->affinity);
	properties_after_reconnected(properties->after, now_ns);
}

static void watch_closed(void *ctx, uint64_t now_ns, uint32_t sw, unsigned at)
{
	const struct properties *properties = ctx;

	excuses_closed(properties->excuses, now_ns, sw, at);
	affinity_recovery(properties->affinity);
	properties_after_reconnected(properties->after, now_ns);
}

/* --- Flow tables --- */

static void judge_difference(void *ctx, const struct tables_difference *difference)
{
	struct properties *properties = ctx;
	const struct excuses_violation violation = {.property = TABLES_AGREE,
	                                            .now_ns = network_now(properties->network),
	                                            .sw = difference->sw,
	                                            .undone = difference->undone};
	struct trace_relation relation = trace_relation_all();
	char happened[TEXT_BYTES];
	struct fb_text text = fb_text_make(happened, sizeof happened);

	if (properties_excuse(properties, &violation) ||
	    !properties_is_news(properties, TABLES_AGREE))
		return;
	tables_difference_text(&text, properties->scenario->switches[difference->sw].name,
	                       difference);
	relation.message_types = 1U << OFPT_FLOW_MOD | 1U << OFPT_FLOW_REMOVED;
	relation.sw = difference->sw;
	properties_tell(properties, TABLES_AGREE, happened, &relation);
}

/* Of switches that nobody controls nobody can say what they should have. */
static void compare_tables(struct properties *properties, bool quiet)
{
	properties->tables_compared = true;
	for (uint32_t i = 0; i < properties->scenario->switches_count; i++)
		if (network_switch_is_connected(properties->network, i))
			tables_compare(properties->tables, i, network_now(properties->network),
			               quiet);
}

/* --- Messages --- */

static void take_message(struct properties *properties, uint64_t now_ns, uint32_t sw, unsigned to,
                         const uint8_t *msg, size_t len)
{
	excuses_message(properties->excuses, now_ns, sw, to, msg, len);
	tables_message(properties->tables, now_ns, sw, to, msg, len);
}

static void watch_bytes(void *ctx, uint64_t now_ns, uint32_t sw, unsigned to, const uint8_t *bytes,
                        size_t len)
{
	struct properties *properties = ctx;
	struct framer *framer = &properties->framers[sw][to];
	const uint8_t *msg;
	size_t msg_len;

	if (!properties->tables_compared && properties_converged(properties))
		compare_tables(properties, false);
	bounds_message(properties->bounds, sw);
	framer_push(framer, bytes, len);
	while (framer_next(framer, &msg, &msg_len) == FRAMER_MESSAGE)
		take_message(properties, now_ns, sw, to, msg, msg_len);
	framer_finish(framer);
}

static void watch_message_lost(void *ctx, uint64_t now_ns, uint32_t sw, const uint8_t *msg,
                               size_t len)
{
	const struct properties *properties = ctx;

	excuses_message_lost(properties->excuses, now_ns, sw, msg, len);
}

static void watch_message_undone(void *ctx, uint64_t now_ns, uint32_t sw, const uint8_t *msg,
                                 size_t len)
{
	const struct properties *properties = ctx;

	(void)now_ns;
	tables_message_undone(properties->tables, sw, msg, len);
}

static void watch_fault(void *ctx, uint64_t now_ns, const struct fault *fault, bool begins)
{
	const struct properties *properties = ctx;

	excuses_fault(properties->excuses, now_ns, fault, begins);
	bounds_fault(properties->bounds, fault, begins);
}

static void watch_changed(void *ctx, uint64_t now_ns, enum network_change change, uint32_t place,
                          bool up)
{
	const struct properties *properties = ctx;

	excuses_changed(properties->excuses, now_ns, change, place, up);
	if (change == NETWORK_POWER)
		tables_power(properties->tables, now_ns, place, up);
}

static void watch_mode(void *ctx, uint64_t now_ns, uint32_t sw, enum datapath_mode mode,
                       const char *line)
{
	const struct properties *properties = ctx;

	(void)line;
	tables_mode(properties->tables, now_ns, sw, mode);
}

/* --- Errors --- */

static void watch_error(void *ctx, uint64_t now_ns, uint32_t sw, const uint8_t *msg, size_t len)
{
	struct properties *properties = ctx;
	const struct excuses_violation violation = {.property = NO_OF_ERRORS,
	                                            .now_ns = now_ns,
	                                            .sw = sw,
	                                            .error = msg,
	                                            .error_len = len};
	struct trace_relation relation = trace_relation_all();
	char happened[TEXT_BYTES];
	struct fb_text text = fb_text_make(happened, sizeof happened);

	tables_error(properties->tables, sw, msg, len);
	if (properties_excuse(properties, &violation) ||
	    !properties_is_news(properties, NO_OF_ERRORS))
		return;
	fb_text_printf(&text, "%s sends one: ", properties->scenario->switches[sw].name);
	fb_text_msg_bytes(&text, msg, len);
	/* What the switch was told; the error itself is still under way. */
	relation.message_types = 1U << OFPT_ERROR | 1U << OFPT_FLOW_MOD | 1U << OFPT_PACKET_OUT;
	relation.sw = sw;
	properties_tell(properties, NO_OF_ERRORS, happened, &relation);
}

/* --- Packet buffers --- */

static void tell_buffer(struct properties *properties, uint32_t sw, uint32_t id, const char *what)
{
	struct trace_relation relation = trace_relation_all();
	char happened[TEXT_BYTES];
	struct fb_text text = fb_text_make(happened, sizeof happened);

	fb_text_printf(&text, "%s, on %s", what, properties->scenario->switches[sw].name);
	relation.message_types = 1U << OFPT_PACKET_IN;
	relation.sw = sw;
	relation.buffer_id = id;
	properties_tell(properties, NO_LOST_BUFFERS, happened, &relation);
}

static void tell_expired(struct properties *properties, uint32_t sw, uint32_t id, uint64_t at_ns)
{
	char what[TEXT_BYTES];
	struct fb_text text = fb_text_make(what, sizeof what);

	if (!properties_is_news(properties, NO_LOST_BUFFERS))
		return;
	fb_text_printf(&text, "buffer 0x%x expired unused at ", id);
	fb_text_time(&text, at_ns);
	fb_text_puts(&text, " s");
	tell_buffer(properties, sw, id, what);
}

static void tell_late_buffer(void *ctx, uint32_t sw, uint32_t buffer_id, uint64_t expired_ns,
                             enum excuse_row row)
{
	struct properties *properties = ctx;

	if (row == EXCUSE_ROWS)
		tell_expired(properties, sw, buffer_id, expired_ns);
	else
		properties_count_excused(properties, NO_LOST_BUFFERS);
}

static void watch_buffer_expired(void *ctx, uint64_t now_ns, uint32_t sw, uint32_t id,
                                 uint64_t kept_ns)
{
	struct properties *properties = ctx;
	const struct excuses_violation violation = {.property = NO_LOST_BUFFERS,
	                                            .now_ns = now_ns,
	                                            .sw = sw,
	                                            .buffer_id = id,
	                                            .kept_ns = kept_ns};
	enum excuse_row row;
	bool later;

	row = excuses_expired(properties->excuses, &violation, &later);
	if (row != EXCUSE_ROWS)
		properties_count_excused(properties, NO_LOST_BUFFERS);
	else if (!later)
		tell_expired(properties, sw, id, now_ns);
}

struct network_observer properties_observer(struct properties *properties)
{
	return (struct network_observer){.sending = watch_sending,
	                                 .lost = watch_lost,
	                                 .duplicated = watch_duplicated,
	                                 .host_frame = watch_host_frame,
	                                 .connected = watch_connected,
	                                 .closed = watch_closed,
	                                 .error = watch_error,
	                                 .bytes = watch_bytes,
	                                 .moved = watch_moved,
	                                 .corrupted = watch_corrupted,
	                                 .message_lost = watch_message_lost,
	                                 .message_undone = watch_message_undone,
	                                 .fault = watch_fault,
	                                 .changed = watch_changed,
	                                 .mode = watch_mode,
	                                 .buffer_expired = watch_buffer_expired,
	                                 .ctx = properties};
}

/* --- At the end --- */

/* Packet buffers in use on a switch: with an excuse, and without. */
struct buffer_counts {
	const struct properties *properties;
	uint32_t sw;
	uint32_t lost, excused;
	uint32_t first; /* of those that are lost */
};

static bool count_buffer(void *ctx, uint32_t id, uint64_t kept_ns)
{
	struct buffer_counts *counts = ctx;
	const struct excuses_violation violation = {
	        .property = NO_LOST_BUFFERS,
	        .now_ns = network_now(counts->properties->network),
	        .sw = counts->sw,
	        .buffer_id = id,
	        .kept_ns = kept_ns};

	if (excuses_find(counts->properties->excuses, &violation) == EXCUSE_ROWS)
		counts->first = counts->lost++ ? counts->first : id;
	else
		counts->excused++;
	return true;
}

/* Of a switch that has a controller: of others nobody could ask for them. */
static struct buffer_counts count_buffers(const struct properties *properties, uint32_t sw)
{
	struct buffer_counts counts = {.properties = properties, .sw = sw};

	if (network_switch_is_connected(properties->network, sw))
		datapath_buffers(datapath_of(properties, sw), count_buffer, &counts);
	return counts;
}

bool properties_await_buffers(const struct properties *properties)
{
	for (uint32_t i = 0; i < properties->scenario->switches_count; i++)
		if (count_buffers(properties, i).lost)
			return true;
	return false;
}

static void judge_buffers(struct properties *properties, uint32_t sw)
{
	const struct buffer_counts counts = count_buffers(properties, sw);
	char what[TEXT_BYTES];
	struct fb_text text = fb_text_make(what, sizeof what);

	properties->excused[NO_LOST_BUFFERS] += counts.excused;
	if (!counts.lost || !properties_is_news(properties, NO_LOST_BUFFERS))
		return;
	fb_text_printf(&text, "%u in use at the end", counts.lost);
	tell_buffer(properties, sw, counts.first, what);
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
	if (!search.count || !properties_is_news(properties, NO_DEAD_ENTRIES))
		return;
	fb_text_printf(&text, "%llu of %s do, the first to port %u: %s",
	               (unsigned long long)search.count, name, search.port_no, search.text);
	relation.message_types = 1U << OFPT_FLOW_MOD | 1U << OFPT_PORT_STATUS;
	relation.sw = sw;
	properties_tell(properties, NO_DEAD_ENTRIES, happened, &relation);
}

void properties_disturbed(struct properties *properties)
{
	excuses_disturbed(properties->excuses, network_now(properties->network));
}

void properties_judge_end(struct properties *properties)
{
	excuses_end(properties->excuses);
	bounds_end(properties->bounds);
	compare_tables(properties, true);
	for (uint32_t i = 0; i < properties->scenario->hosts_count; i++)
		checksums_end(properties->checksums, i, checksum_errors(properties, i));
	for (uint32_t i = 0; i < properties->scenario->switches_count; i++) {
		if (!network_switch_is_connected(properties->network, i))
			continue;
		judge_buffers(properties, i);
		judge_entries(properties, i);
	}
	properties_after_judge_end(properties->after);
}

bool properties_judge_reach(struct properties *properties, bool (*goes_on)(void *ctx), void *ctx)
{
	return properties_after_judge_reach(properties->after, goes_on, ctx);
}
