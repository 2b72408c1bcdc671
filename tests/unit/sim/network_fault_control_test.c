/* Faults of control channels, switches and the controller, at work in a network. */
#include <stdio.h>
#include <string.h>

#include "lib/base/rng.h"
#include "sim/network_private.h"
#include "tests/unit/harness.h"

enum { EVENTS_MAX = 20000 };

static struct scenario *sc;
static struct network *net;
static struct clock *clk;

/* What observers saw. */
static struct {
	unsigned begins, ends, lost, errors, full_errors, connects;
	uint32_t lost_buffer;
	unsigned barrier_replies, echo_replies, echo_requests;
	uint64_t barrier_ns, echo_ns;
	struct {
		uint64_t time_ns;
		size_t len;
		uint32_t sw;
		unsigned to;
	} pieces[EVENTS_MAX];
	size_t pieces_count;
	struct fault cuts[EVENTS_MAX];
	size_t cuts_count;
} seen;

static void see_fault(void *ctx, uint64_t now_ns, const struct fault *fault, bool begins)
{
	(void)ctx;
	(void)now_ns;
	(void)fault;
	if (begins)
		seen.begins++;
	else
		seen.ends++;
}

static void see_chance(void *ctx, uint64_t now_ns, const struct fault *fault)
{
	(void)ctx;
	CU_ASSERT_EQUAL(fault->time_ns, now_ns);
	CU_ASSERT_EQUAL(fault->kind, FAULT_CONTROL_SPLIT);
	if (seen.cuts_count < EVENTS_MAX)
		seen.cuts[seen.cuts_count++] = *fault;
}

static void see_lost(void *ctx, uint64_t now_ns, uint32_t sw, const uint8_t *msg, size_t len)
{
	(void)ctx;
	(void)now_ns;
	(void)sw;
	CU_ASSERT_EQUAL(msg[1], OFPT_PACKET_IN);
	CU_ASSERT_TRUE(len >= 18);
	seen.lost_buffer = fb_get32(msg + 8);
	seen.lost++;
}

static void see_error(void *ctx, uint64_t now_ns, uint32_t sw, const uint8_t *msg, size_t len)
{
	(void)ctx;
	(void)now_ns;
	(void)sw;
	(void)len;
	seen.errors++;
	seen.full_errors += fb_get16(msg + 8) == OFPET_FLOW_MOD_FAILED &&
	                    fb_get16(msg + 10) == OFPFMFC_ALL_TABLES_FULL;
}

static void see_connected(void *ctx, uint64_t now_ns, uint32_t sw)
{
	(void)ctx;
	(void)now_ns;
	(void)sw;
	seen.connects++;
}

/* Pieces; and replies, where they come whole. */
static void see_bytes(void *ctx, uint64_t now_ns, uint32_t sw, unsigned to, const uint8_t *bytes,
                      size_t len)
{
	(void)ctx;
	if (seen.pieces_count < EVENTS_MAX) {
		seen.pieces[seen.pieces_count].time_ns = now_ns;
		seen.pieces[seen.pieces_count].len = len;
		seen.pieces[seen.pieces_count].sw = sw;
		seen.pieces[seen.pieces_count++].to = to;
	}
	seen.echo_requests +=
	        to == CHANNEL_SWITCH && sw == 1 && len >= 8 && bytes[1] == OFPT_ECHO_REQUEST;
	while (to == CHANNEL_CONTROLLER && len >= 8) {
		const size_t msg_len = fb_get16(bytes + 2);

		if (bytes[1] == OFPT_BARRIER_REPLY) {
			seen.barrier_replies++;
			seen.barrier_ns = now_ns;
		} else if (bytes[1] == OFPT_ECHO_REPLY) {
			seen.echo_replies++;
			seen.echo_ns = now_ns;
		}
		if (msg_len < 8 || msg_len > len)
			break;
		bytes += msg_len;
		len -= msg_len;
	}
}

static bool message_faults = true;
static const struct mutant *mutant; /* NULL: none */

static void begin_seed(const char *text, uint64_t seed, bool cuts)
{
	const struct network_observer observer = {.fault = see_fault,
	                                          .chance = see_chance,
	                                          .message_lost = see_lost,
	                                          .error = see_error,
	                                          .connected = see_connected,
	                                          .bytes = see_bytes};
	struct problems problems;

	problems_init(&problems);
	sc = scenario_load_text(text, strlen(text), "test.yaml", NULL, NULL, &problems);
	problems_print(&problems, "# test.yaml", stdout);
	problems_destroy(&problems);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	sc->faults.at.line = 1;
	sc->faults.splits = cuts;
	net = network_new(sc, &(struct network_options){.seed = seed,
	                                                .log_level = FB_LOG_ERROR,
	                                                .observers = &observer,
	                                                .observers_count = 1,
	                                                .mutant = mutant,
	                                                .message_faults = message_faults});
	clk = network_clock(net);
	network_start(net);
}

static void begin(const char *text)
{
	memset(&seen, 0, sizeof seen);
	begin_seed(text, 1, false);
}

static void end(void)
{
	network_free(net);
	scenario_free(sc);
}

/* Let 'ms' pass. */
static void pass(uint64_t ms)
{
	const uint64_t until_ns = clk->now_ns + ms * FB_NS_PER_MS;

	while (clock_next(clk) <= until_ns)
		clock_step(clk);
	clock_advance(clk, until_ns);
}

static struct fault make(enum fault_kind kind, uint32_t place)
{
	struct fault fault = fault_make(kind);

	fault.place = place;
	fault.for_ns = FB_NS_PER_S;
	fault.end = FAULT_BOTH_ENDS;
	return fault;
}

/* Two switches that 'app' controls, with a host each. What happens takes its time: a message 10 ms over
 * a control channel. */
#define TWO_SWITCHES(app)                                                                          \
	"controller: {apps: " app ", delay: 10ms}\nswitches: {s1: {}, s2: {}}\n"                   \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"                                  \
	"links: [h1 -- s1:1, h2 -- s2:1, s1:2 -- s2:2]\nsteps: [wait: 1s]\n"

/* How many pieces arrived at the end 'to' of s1's channel. */
static size_t pieces_to(unsigned to)
{
	size_t count = 0;

	for (size_t i = 0; i < seen.pieces_count; i++)
		count += seen.pieces[i].sw == 0 && seen.pieces[i].to == to;
	return count;
}

/* Whether h1 gets an answer from h2 within 'ms'. */
static bool ping(uint64_t ms)
{
	const struct host_ping_request request = {.ip = sc->hosts[1].ip,
	                                          .count = 1,
	                                          .interval_ns = FB_NS_PER_S,
	                                          .timeout_ns = ms * FB_NS_PER_MS};
	const uint64_t before = host_counters(network_host(net, 0))->frames_in;

	host_ping(network_host(net, 0), &request, clk->now_ns, NULL, NULL);
	network_host_called(net, 0);
	pass(ms);
	return host_counters(network_host(net, 0))->frames_in > before;
}

/* A frame of 'len' bytes and a type comes to s1 from h1; or one that nobody knows. */
static void have_frame_of(size_t len, uint16_t dl_type)
{
	uint8_t bytes[1500] = {0x02, 0, 0, 0, 0, 0x77, 0x02, 0, 0, 0, 0, 0x01};

	fb_set16(bytes + 12, dl_type);
	link_send(net->links[0].link, net->hosts[0].end, frame_copy_of(net->pool, bytes, len));
}

static void have_frame(size_t len)
{
	have_frame_of(len, 0x1234);
}

static struct datapath *dp(uint32_t sw)
{
	return agent_datapath(network_agent(net, sw));
}

/* --- Messages that the switch hears --- */

static void hear(const struct fb_msg *msg)
{
	uint8_t bytes[256];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);

	fb_msg_encode(&buf, msg);
	network_hears(&net->switches[0], CHANNEL_SWITCH, buf.data, buf.len);
}

static void hear_header(uint8_t type)
{
	hear(&(struct fb_msg){.version = OFP_VERSION, .type = type, .xid = 77});
}

/* Add an entry of the priority, which tells it from others. */
static void hear_flow_mod(uint16_t priority)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_FLOW_MOD};

	fb_match_any(&msg.flow_mod.match);
	msg.flow_mod.match.wildcards &= ~(uint32_t)OFPFW_IN_PORT;
	msg.flow_mod.match.in_port = 9;
	msg.flow_mod.command = OFPFC_ADD;
	msg.flow_mod.priority = priority;
	msg.flow_mod.buffer_id = OFP_NO_BUFFER;
	msg.flow_mod.out_port = OFPP_NONE;
	hear(&msg);
}

static uint16_t order[64];
static size_t order_count;

static bool take_priority(void *ctx, const struct fb_flow_stats *stats)
{
	(void)ctx;
	if (stats->match.in_port == 9 && order_count < 64)
		order[order_count++] = stats->priority;
	return true;
}

/* Priorities of the entries in the order of their addition. */
static size_t entries(void)
{
	struct fb_flow_stats_request request = {.table_id = 0xff, .out_port = OFPP_NONE};

	fb_match_any(&request.match);
	order_count = 0;
	datapath_flows(dp(0), &request, clk->now_ns, take_priority, NULL);
	return order_count;
}

/* --- Channels --- */

/* How long a packet-in takes to the controller, in ms. */
static uint64_t way_of_packet_in(void)
{
	const uint64_t from_ns = clk->now_ns;
	const size_t count = seen.pieces_count;

	have_frame(60);
	while (seen.pieces_count == count && clk->now_ns < from_ns + 10 * FB_NS_PER_S)
		clock_step(clk);
	pass(100);
	return (seen.pieces[count].time_ns - from_ns) / FB_NS_PER_MS;
}

static void delays_add_up_and_go(void)
{
	struct fault one = make(FAULT_CONTROL_DELAY, 0), two = one, other = one;

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	one.by_ns = 20 * FB_NS_PER_MS;
	two.by_ns = 7 * FB_NS_PER_MS;
	other.place = 1;
	CU_ASSERT_EQUAL(way_of_packet_in(), 10);
	network_fault_begin(net, &one);
	network_fault_begin(net, &two);
	network_fault_begin(net, &other);
	CU_ASSERT_EQUAL(way_of_packet_in(), 37);
	network_fault_end(net, &one);
	CU_ASSERT_EQUAL(way_of_packet_in(), 17);
	network_fault_end(net, &other);
	network_fault_end(net, &two);
	CU_ASSERT_EQUAL(way_of_packet_in(), 10);
	CU_ASSERT_EQUAL(seen.begins, 3);
	CU_ASSERT_EQUAL(seen.ends, 3);
	end();
}

static void a_cut_ends_when_nobody_wants_it(void)
{
	const struct fault one = make(FAULT_CONTROL_CUT, 0), two = one;

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	network_fault_begin(net, &one);
	CU_ASSERT_FALSE(network_control_is_up(net, 0));
	CU_ASSERT_TRUE(network_control_is_up(net, 1));
	pass(1);
	CU_ASSERT_FALSE(network_switch_is_connected(net, 0));
	network_set_control(net, 0, false);
	network_fault_begin(net, &two);
	network_fault_end(net, &one);
	CU_ASSERT_FALSE(network_control_is_up(net, 0));
	network_set_control(net, 0, true);
	CU_ASSERT_FALSE(network_control_is_up(net, 0));
	network_set_control(net, 0, false);
	network_fault_end(net, &two);
	CU_ASSERT_FALSE(network_control_is_up(net, 0));
	pass(20000);
	CU_ASSERT_FALSE(network_switch_is_connected(net, 0));
	network_set_control(net, 0, true);
	CU_ASSERT_TRUE(network_control_is_up(net, 0));
	pass(20000);
	CU_ASSERT_TRUE(network_ready(net));
	end();
}

static void what_stands_still_keeps_the_network_busy(void)
{
	struct fault to_controller = make(FAULT_CONTROL_STALL, 0), both = to_controller;

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	to_controller.end = CHANNEL_CONTROLLER;
	network_fault_begin(net, &to_controller);
	pass(10);
	CU_ASSERT_FALSE(network_busy(net, NULL));
	have_frame(60);
	pass(50);
	CU_ASSERT_TRUE(network_busy(net, NULL));
	network_fault_begin(net, &both);
	network_fault_end(net, &to_controller);
	pass(5000);
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_ins, 0);
	CU_ASSERT_TRUE(network_busy(net, NULL));
	network_fault_end(net, &both);
	pass(0);
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_ins, 1);
	pass(100);
	CU_ASSERT_FALSE(network_busy(net, NULL));
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_outs, 2);
	CU_ASSERT_TRUE(network_switch_kept_connected(net, 0));
	end();
}

static void each_way_may_stand_still_for_another_fault(void)
{
	struct fault to_controller = make(FAULT_CONTROL_STALL, 0), to_switch = to_controller;
	size_t heard;

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	to_controller.end = CHANNEL_CONTROLLER;
	to_switch.end = CHANNEL_SWITCH;
	network_fault_begin(net, &to_controller);
	network_fault_begin(net, &to_switch);
	heard = pieces_to(CHANNEL_SWITCH);
	have_frame(60);
	pass(100);
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_ins, 0);
	network_fault_end(net, &to_controller);
	pass(100);
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_ins, 1);
	CU_ASSERT_EQUAL(pieces_to(CHANNEL_SWITCH), heard);
	network_fault_end(net, &to_switch);
	pass(0);
	CU_ASSERT_EQUAL(pieces_to(CHANNEL_SWITCH), heard + 1);
	end();
}

static void the_lowest_rate_counts(void)
{
	struct fault slow = make(FAULT_CONTROL_DRAIN, 0), slower = slow;

	begin("controller: {apps: hub, delay: 10ms, miss_send_len: 1000}\nswitches: {s1: {}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	      "links: [h1 -- s1:1, h2 -- s1:2]\nsteps: [wait: 1s]\n");
	pass(1000);
	slow.rate = 10000;
	slower.rate = 1000;
	network_fault_begin(net, &slower);
	network_fault_begin(net, &slow);
	have_frame(1000);
	pass(1000);
	/* 990 of 1,018 bytes, so far. */
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_ins, 0);
	CU_ASSERT_TRUE(network_busy(net, NULL));
	pass(50);
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_ins, 1);
	pass(200);
	network_fault_end(net, &slower);
	have_frame(1000);
	pass(109);
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_ins, 1);
	pass(4);
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_ins, 2);
	network_fault_end(net, &slow);
	pass(100);
	CU_ASSERT_EQUAL(way_of_packet_in(), 10);
	end();
}

static void the_next_batch_is_split(void)
{
	struct fault split = make(FAULT_CONTROL_SPLIT, 0), late = split;
	size_t count;

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	split.end = late.end = CHANNEL_CONTROLLER;
	split.skip = late.skip = 1;
	split.byte = late.byte = 78 + 5;
	network_fault_begin(net, &split);
	CU_ASSERT_FALSE(network_busy(net, NULL));
	count = seen.pieces_count;
	way_of_packet_in();
	way_of_packet_in();
	/* A packet-in of 18 bytes and the frame; what the controller says is another direction. */
	CU_ASSERT_EQUAL(seen.pieces[count].len, 78);
	CU_ASSERT_EQUAL(seen.pieces[count].to, CHANNEL_CONTROLLER);
	for (size_t i = count + 1; i < seen.pieces_count; i++)
		if (seen.pieces[i].sw == 0 && seen.pieces[i].to == CHANNEL_CONTROLLER) {
			CU_ASSERT_EQUAL(seen.pieces[i].len, 5);
			CU_ASSERT_EQUAL(seen.pieces[i + 1].len, 73);
			CU_ASSERT_EQUAL(seen.pieces[i + 1].time_ns, seen.pieces[i].time_ns);
			break;
		}
	network_fault_end(net, &split);
	/* One that is over before it came to it does nothing. */
	network_fault_begin(net, &late);
	way_of_packet_in();
	network_fault_end(net, &late);
	count = seen.pieces_count;
	way_of_packet_in();
	CU_ASSERT_EQUAL(seen.pieces[count].len, 78);
	end();
}

static void what_chance_splits_can_be_said(void)
{
	char digests[2][DIGEST_TEXT_BYTES];
	size_t first_pieces = 0, next = 0;

	memset(&seen, 0, sizeof seen);
	for (int round = 0; round < 2; round++) {
		const size_t known = seen.cuts_count;

		seen.pieces_count = 0;
		begin_seed(TWO_SWITCHES("learning"), 3, !round);
		for (int i = 0; i < 20; i++) {
			const uint64_t until_ns = clk->now_ns + 300 * FB_NS_PER_MS;

			while (clock_next(clk) <= until_ns) {
				const uint64_t now_ns = clock_next(clk);

				for (; round && next < known && seen.cuts[next].time_ns == now_ns;
				     next++)
					network_fault_begin(net, &seen.cuts[next]);
				while (clock_next(clk) == now_ns)
					clock_step(clk);
			}
			clock_advance(clk, until_ns);
			have_frame(60 + (size_t)i);
			if (i == 10)
				network_set_switch(net, 0, false);
			if (i == 12)
				network_set_switch(net, 0, true);
			if (i == 16)
				network_set_control(net, 1, false);
		}
		network_digest(net, digests[round]);
		CU_ASSERT_EQUAL(seen.cuts_count, round ? known : seen.cuts_count);
		CU_ASSERT_TRUE(seen.cuts_count > 30);
		if (!round)
			first_pieces = seen.pieces_count;
		end();
	}
	CU_ASSERT_EQUAL(seen.pieces_count, first_pieces);
	CU_ASSERT_STRING_EQUAL(digests[0], digests[1]);
}

/* --- Messages --- */

static void where_messages_are_looked_at_nothing_changes(void)
{
	char digests[2][DIGEST_TEXT_BYTES];

	for (int round = 0; round < 2; round++) {
		memset(&seen, 0, sizeof seen);
		message_faults = round;
		begin_seed(TWO_SWITCHES("learning"), 3, true);
		pass(1000);
		CU_ASSERT_TRUE(ping(1000));
		network_set_switch(net, 0, false);
		network_set_switch(net, 0, true);
		for (int i = 0; i < 50; i++) {
			have_frame(60);
			have_frame(100);
			pass(100);
		}
		network_digest(net, digests[round]);
		end();
	}
	CU_ASSERT_STRING_EQUAL(digests[0], digests[1]);
}

/* The switch is to judge it. */
static void a_header_that_tells_no_length_ends_the_connection(void)
{
	static const uint8_t bad[] = {OFP_VERSION, OFPT_HELLO, 0, 4, 0, 0, 0, 1, OFP_VERSION};

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	network_hears(&net->switches[0], CHANNEL_SWITCH, bad, sizeof bad);
	CU_ASSERT_PTR_NULL(net->switches[0].conn);
	CU_ASSERT_EQUAL(seen.errors, 1);
	pass(10000);
	CU_ASSERT_TRUE(network_ready(net));
	end();
}

/* Half of a message has arrived when the switch loses its power: the rest is understood. */
static void what_a_switch_said_before_it_lost_power_is_whole(void)
{
	struct fault drain = make(FAULT_CONTROL_DRAIN, 0);

	mutant = mutants_at(0);
	begin(TWO_SWITCHES("hub"));
	mutant = NULL;
	pass(1000);
	drain.rate = 1000;
	network_fault_begin(net, &drain);
	have_frame(60);
	have_frame(60);
	pass(50);
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_ins, 0);
	network_set_switch(net, 0, false);
	network_set_switch(net, 0, true);
	pass(1000);
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_ins, 2);
	CU_ASSERT_EQUAL(controller_counters(net->controller)->bad_messages, 0);
	network_fault_end(net, &drain);
	pass(20000);
	CU_ASSERT_TRUE(network_ready(net));
	end();
}

static void late_messages_stay_between_their_barriers(void)
{
	struct fault late = make(FAULT_CONTROL_REORDER, 0);
	bool mixed = false;
	uint64_t from_ns;

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	late.by_ns = 50 * FB_NS_PER_MS;
	network_fault_begin(net, &late);
	from_ns = clk->now_ns;
	for (uint16_t i = 0; i < 60; i++) {
		hear_flow_mod(i);
		if (i == 29)
			hear_header(OFPT_BARRIER_REQUEST);
	}
	hear_header(OFPT_ECHO_REQUEST);
	CU_ASSERT_TRUE(network_busy(net, NULL));
	CU_ASSERT_TRUE(entries() < 5);
	while (!seen.barrier_replies)
		clock_step(clk);
	/* The reply tells the truth, and took 10 ms. */
	CU_ASSERT_EQUAL(entries() >= 30, true);
	CU_ASSERT_TRUE(seen.echo_ns == from_ns + 10 * FB_NS_PER_MS);
	CU_ASSERT_TRUE(seen.barrier_ns > from_ns + 50 * FB_NS_PER_MS);
	pass(60);
	CU_ASSERT_EQUAL(entries(), 60);
	CU_ASSERT_FALSE(network_busy(net, NULL));
	for (size_t i = 0; i < 60; i++) {
		CU_ASSERT_EQUAL(order[i] < 30, i < 30);
		mixed |= order[i] != i;
	}
	CU_ASSERT_TRUE(mixed);
	network_fault_end(net, &late);
	hear_flow_mod(60);
	CU_ASSERT_EQUAL(entries(), 61);
	CU_ASSERT_TRUE(network_switch_kept_connected(net, 0));
	end();
}

static void late_messages_are_in_time_when_the_fault_ends(void)
{
	struct fault late = make(FAULT_CONTROL_REORDER, 0);

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	late.by_ns = FB_NS_PER_S;
	network_fault_begin(net, &late);
	for (uint16_t i = 0; i < 10; i++)
		hear_flow_mod(i);
	hear_header(OFPT_BARRIER_REQUEST);
	hear_flow_mod(10);
	network_fault_end(net, &late);
	/* What comes now comes behind them. */
	hear_flow_mod(11);
	pass(0);
	CU_ASSERT_EQUAL(entries(), 12);
	CU_ASSERT_EQUAL(order[10], 10);
	CU_ASSERT_EQUAL(order[11], 11);
	pass(10);
	CU_ASSERT_EQUAL(seen.barrier_replies, 1);
	end();
}

static void flow_mods_take_their_time(void)
{
	struct fault slow = make(FAULT_SLOW_FLOW_MODS, 0), slower = slow;
	uint64_t from_ns;

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	slow.by_ns = 5 * FB_NS_PER_MS;
	slower.by_ns = 20 * FB_NS_PER_MS;
	network_fault_begin(net, &slow);
	from_ns = clk->now_ns;
	for (uint16_t i = 0; i < 4; i++) {
		hear_flow_mod(i);
		hear_header(i == 1 ? OFPT_ECHO_REQUEST : OFPT_BARRIER_REQUEST);
	}
	CU_ASSERT_EQUAL(entries(), 0);
	CU_ASSERT_FALSE(network_joined(net));
	pass(5);
	CU_ASSERT_EQUAL(entries(), 1);
	CU_ASSERT_TRUE(network_busy(net, NULL));
	pass(4);
	CU_ASSERT_EQUAL(entries(), 1);
	pass(1);
	CU_ASSERT_EQUAL(entries(), 2);
	pass(10);
	CU_ASSERT_EQUAL(seen.echo_ns, from_ns + 20 * FB_NS_PER_MS);
	CU_ASSERT_EQUAL(entries(), 4);
	pass(10);
	CU_ASSERT_EQUAL(seen.barrier_replies, 3);
	CU_ASSERT_EQUAL(seen.barrier_ns, from_ns + 30 * FB_NS_PER_MS);
	/* The longest counts; what waits at the end is done at once. */
	network_fault_end(net, &slow);
	network_fault_begin(net, &slower);
	network_fault_begin(net, &slow);
	hear_flow_mod(4);
	hear_flow_mod(5);
	network_fault_end(net, &slow);
	pass(19);
	CU_ASSERT_EQUAL(entries(), 4);
	network_fault_end(net, &slower);
	hear_flow_mod(6);
	pass(0);
	CU_ASSERT_EQUAL(entries(), 7);
	CU_ASSERT_EQUAL(order[6], 6);
	hear_flow_mod(7);
	CU_ASSERT_EQUAL(entries(), 8);
	end();
}

static void a_close_waits_for_flow_mods(void)
{
	struct fault slow = make(FAULT_SLOW_FLOW_MODS, 0);

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	slow.by_ns = 5 * FB_NS_PER_MS;
	network_fault_begin(net, &slow);
	hear_flow_mod(0);
	hear_flow_mod(1);
	network_set_controller(net, false);
	pass(100);
	CU_ASSERT_EQUAL(entries(), 2);
	CU_ASSERT_FALSE(network_switch_is_connected(net, 0));
	network_set_controller(net, true);
	pass(20000);
	CU_ASSERT_TRUE(network_ready(net));
	/* Without power nothing is left of it. */
	hear_flow_mod(2);
	CU_ASSERT_TRUE(network_busy(net, NULL));
	network_set_switch(net, 0, false);
	network_set_switch(net, 0, true);
	pass(3000);
	CU_ASSERT_EQUAL(entries(), 0);
	CU_ASSERT_FALSE(network_busy(net, NULL));
	/* A switch that hears nothing for so long gives the connection up, and what waits with it. */
	network_fault_end(net, &slow);
	slow.by_ns = 1000 * FB_NS_PER_S;
	network_fault_begin(net, &slow);
	hear_flow_mod(3);
	pass(5000);
	CU_ASSERT_TRUE(network_fault_holds(&net->switches[0]));
	while (net->switches[0].conn)
		clock_step(clk);
	CU_ASSERT_FALSE(network_fault_holds(&net->switches[0]));
	CU_ASSERT_EQUAL(entries(), 0);
	network_fault_end(net, &slow);
	pass(20000);
	CU_ASSERT_TRUE(network_ready(net));
	/* Without power nothing waits. */
	network_fault_begin(net, &slow);
	hear_flow_mod(3);
	network_set_switch(net, 0, false);
	CU_ASSERT_FALSE(network_fault_holds(&net->switches[0]));
	network_set_switch(net, 0, true);
	pass(20000);
	/* Freed in the middle. */
	hear_flow_mod(3);
	CU_ASSERT_TRUE(network_fault_holds(&net->switches[0]));
	end();
}

static void packet_ins_get_lost(void)
{
	struct fault two = make(FAULT_LOSE_PACKET_INS, 0), all = two, withdrawn = two;

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	two.for_ns = withdrawn.for_ns = 0;
	two.count = 2;
	network_fault_begin(net, &two);
	for (unsigned i = 0; i < 3; i++)
		have_frame(60);
	pass(100);
	CU_ASSERT_EQUAL(seen.lost, 2);
	CU_ASSERT_NOT_EQUAL(seen.lost_buffer, OFP_NO_BUFFER);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(dp(0)), 2);
	CU_ASSERT_EQUAL(network_switch_counts(net, 0).packet_ins, 3);
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_ins, 2); /* the second is of s2 */
	network_fault_end(net, &two);
	network_fault_begin(net, &withdrawn);
	network_fault_end(net, &withdrawn);
	network_fault_begin(net, &all);
	for (unsigned i = 0; i < 5; i++)
		have_frame(60);
	pass(100);
	CU_ASSERT_EQUAL(seen.lost, 7);
	/* Discovery is counted apart, lost or not. */
	have_frame_of(60, FB_ETH_LLDP);
	pass(100);
	CU_ASSERT_EQUAL(seen.lost, 8);
	CU_ASSERT_EQUAL(network_switch_counts(net, 0).packet_ins, 8);
	network_fault_end(net, &all);
	have_frame(60);
	pass(100);
	CU_ASSERT_EQUAL(seen.lost, 8);
	CU_ASSERT_EQUAL(network_switch_counts(net, 0).packet_ins, 9);
	end();
}

static void a_switch_does_not_hold_more_than_a_channel(void)
{
	static uint8_t msg[UINT16_MAX] = {OFP_VERSION, OFPT_VENDOR, 0xff, 0xff};
	struct fault slow = make(FAULT_SLOW_FLOW_MODS, 0);

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	slow.by_ns = 1000 * FB_NS_PER_S;
	network_fault_begin(net, &slow);
	hear_flow_mod(0);
	for (size_t bytes = 80; bytes + sizeof msg <= CHANNEL_BYTES_MAX; bytes += sizeof msg)
		network_hears(&net->switches[0], CHANNEL_SWITCH, msg, sizeof msg);
	CU_ASSERT_EQUAL(network_counters(net)->held_broken, 0);
	CU_ASSERT_TRUE(network_fault_holds(&net->switches[0]));
	network_hears(&net->switches[0], CHANNEL_SWITCH, msg, sizeof msg);
	CU_ASSERT_EQUAL(network_counters(net)->held_broken, 1);
	CU_ASSERT_FALSE(network_fault_holds(&net->switches[0]));
	pass(0);
	CU_ASSERT_FALSE(network_switch_is_connected(net, 0));
	network_fault_end(net, &slow);
	pass(20000);
	CU_ASSERT_TRUE(network_ready(net));
	end();
}

static void what_was_heard_is_done_before_a_switch_leaves(void)
{
	struct fault slow = make(FAULT_SLOW_FLOW_MODS, 0), late = make(FAULT_CONTROL_REORDER, 0);
	const struct fault second = make(FAULT_SECOND_CONTROLLER, 0);

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	slow.by_ns = late.by_ns = FB_NS_PER_S;
	network_fault_begin(net, &slow);
	hear_flow_mod(0);
	hear_header(OFPT_BARRIER_REQUEST);
	network_fault_begin(net, &late);
	hear_flow_mod(1);
	CU_ASSERT_EQUAL(entries(), 0);
	network_fault_begin(net, &second);
	CU_ASSERT_EQUAL(entries(), 2);
	CU_ASSERT_EQUAL(order[0], 0);
	pass(60000);
	CU_ASSERT_TRUE(network_switch_is_connected(net, 0));
	end();
}

/* --- Switches --- */

static void a_switch_has_power_when_nobody_takes_it(void)
{
	const struct fault one = make(FAULT_SWITCH_RESTART, 0), two = one;

	begin(TWO_SWITCHES("learning"));
	pass(1000);
	CU_ASSERT_TRUE(ping(1000) && datapath_entries(dp(0)) > 0);
	network_fault_begin(net, &one);
	CU_ASSERT_FALSE(network_switch_is_on(net, 0));
	CU_ASSERT_EQUAL(datapath_entries(dp(0)), 0);
	network_fault_begin(net, &two);
	network_fault_end(net, &one);
	CU_ASSERT_FALSE(network_switch_is_on(net, 0));
	network_set_switch(net, 0, false);
	network_fault_end(net, &two);
	CU_ASSERT_FALSE(network_switch_is_on(net, 0));
	network_fault_begin(net, &one);
	network_set_switch(net, 0, true);
	CU_ASSERT_FALSE(network_switch_is_on(net, 0));
	network_fault_end(net, &one);
	CU_ASSERT_TRUE(network_switch_is_on(net, 0));
	pass(3000);
	CU_ASSERT_TRUE(network_ready(net));
	CU_ASSERT_TRUE(ping(1000));
	end();
}

static void a_full_table_takes_nothing_more(void)
{
	const struct fault full = make(FAULT_TABLE_FULL, 0), again = full,
	                   restart = make(FAULT_SWITCH_RESTART, 0);

	begin("controller: {apps: learning, delay: 10ms}\n"
	      "switches: {s1: {flows: [\"priority=1,in_port=2,actions=flood\"]}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	      "links: [h1 -- s1:1, h2 -- s1:2]\nsteps: [wait: 1s]\n");
	pass(1000);
	hear_flow_mod(5);
	network_fault_begin(net, &full);
	network_fault_begin(net, &again);
	network_fault_end(net, &full);
	hear_flow_mod(6);
	CU_ASSERT_EQUAL(seen.full_errors, 1);
	hear_flow_mod(5);
	CU_ASSERT_EQUAL(seen.full_errors, 1);
	CU_ASSERT_EQUAL(entries(), 1);
	CU_ASSERT_EQUAL(datapath_entries(dp(0)), 2);
	/* After a loss of power, too; what the file says is there. */
	network_fault_begin(net, &restart);
	network_fault_end(net, &restart);
	pass(3000);
	CU_ASSERT_TRUE(network_ready(net));
	hear_flow_mod(5);
	CU_ASSERT_EQUAL(datapath_entries(dp(0)), 1);
	network_set_switch(net, 0, false);
	network_set_switch(net, 0, true);
	pass(3000);
	CU_ASSERT_TRUE(network_ready(net));
	hear_flow_mod(5);
	CU_ASSERT_TRUE(seen.full_errors >= 2 && seen.full_errors == seen.errors);
	CU_ASSERT_EQUAL(datapath_entries(dp(0)), 1);
	network_fault_end(net, &again);
	hear_flow_mod(5);
	CU_ASSERT_EQUAL(entries(), 1);
	end();
}

static void without_buffers_packet_ins_are_whole(void)
{
	const struct fault none = make(FAULT_NO_BUFFERS, 0);
	size_t count;

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	network_fault_begin(net, &none);
	count = seen.pieces_count;
	have_frame(1000);
	pass(11);
	CU_ASSERT_EQUAL(seen.pieces[count].len, 1018);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(dp(0)), 0);
	pass(100);
	network_fault_end(net, &none);
	count = seen.pieces_count;
	have_frame(1000);
	pass(11);
	CU_ASSERT_EQUAL(seen.pieces[count].len, 18 + 128);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(dp(0)), 1);
	end();
}

/* --- The controller --- */

static void a_controller_is_up_when_nobody_keeps_it_down(void)
{
	const struct fault one = make(FAULT_CONTROLLER_RESTART, 0), two = one;
	uint64_t flow_mods;

	begin(TWO_SWITCHES("learning"));
	pass(1000);
	CU_ASSERT_TRUE(ping(1000));
	flow_mods = network_controller_counts(net).flow_mods;
	network_fault_begin(net, &one);
	CU_ASSERT_FALSE(network_controller_is_up(net));
	network_fault_begin(net, &two);
	network_set_controller(net, false);
	network_fault_end(net, &one);
	network_fault_end(net, &two);
	CU_ASSERT_FALSE(network_controller_is_up(net));
	network_set_controller(net, true);
	CU_ASSERT_TRUE(network_controller_is_up(net));
	network_fault_begin(net, &one);
	network_fault_end(net, &one);
	pass(20000);
	CU_ASSERT_TRUE(network_ready(net));
	CU_ASSERT_TRUE(network_controller_counts(net).flow_mods > flow_mods);
	end();
}

static void a_controller_that_stands_still_loses_nothing(void)
{
	const struct fault stall = make(FAULT_CONTROLLER_STALL, 0), again = stall;
	struct fb_text none = fb_text_make((char[200]){0}, 200);
	const char *words[] = {"x"};

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	network_fault_begin(net, &stall);
	CU_ASSERT_FALSE(network_ready(net));
	CU_ASSERT_EQUAL(network_command(net, "hub", words, 1, &none), -1);
	for (unsigned i = 0; i < 10; i++) {
		have_frame(60);
		pass(10);
	}
	network_fault_begin(net, &again);
	network_fault_end(net, &stall);
	pass(1000);
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_ins, 0);
	CU_ASSERT_TRUE(network_busy(net, NULL));
	CU_ASSERT_EQUAL(network_switches_up(net), 2);
	network_fault_end(net, &again);
	pass(0);
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_ins, 10);
	pass(100);
	CU_ASSERT_TRUE(network_ready(net) && network_switch_kept_connected(net, 0));
	CU_ASSERT_FALSE(network_busy(net, NULL));
	end();
}

/* Its timers are due as it goes on, but first it hears what came: no connection ends. */
static void a_controller_that_goes_on_hears_before_it_looks_at_the_time(void)
{
	const struct fault stall = make(FAULT_CONTROLLER_STALL, 0);

	for (uint64_t ms = 1000; ms < 40000; ms += 1700) {
		begin(TWO_SWITCHES("hub"));
		pass(ms);
		network_fault_begin(net, &stall);
		pass(14000);
		network_fault_end(net, &stall);
		pass(40000);
		CU_ASSERT_TRUE(network_ready(net));
		CU_ASSERT_TRUE(network_switch_kept_connected(net, 0));
		CU_ASSERT_TRUE(network_switch_kept_connected(net, 1));
		end();
	}
}

/* Also where it first accepts a connection. */
static void a_controller_that_goes_on_hears_all_before_it_looks_at_the_time(void)
{
	const struct fault stall = make(FAULT_CONTROLLER_STALL, 0);

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	network_set_control(net, 0, false);
	while (!seen.echo_requests)
		clock_step(clk);
	/* The answer will be there. */
	network_fault_begin(net, &stall);
	network_set_control(net, 0, true);
	pass(29000);
	CU_ASSERT_TRUE(net->switches[0].unaccepted);
	CU_ASSERT_TRUE(controller_deadline(net->controller) < clk->now_ns);
	network_fault_end(net, &stall);
	pass(20000);
	CU_ASSERT_TRUE(network_ready(net));
	CU_ASSERT_TRUE(network_switch_kept_connected(net, 1));
	end();
}

static void switches_connect_to_a_controller_that_stands_still(void)
{
	const struct fault stall = make(FAULT_CONTROLLER_STALL, 0),
	                   restart = make(FAULT_CONTROLLER_RESTART, 0);
	size_t heard;

	begin(TWO_SWITCHES("hub"));
	pass(1000);
	network_fault_begin(net, &stall);
	network_set_switch(net, 0, false);
	network_set_switch(net, 0, true);
	/* Its old connection has not ended there. */
	pass(3000);
	CU_ASSERT_EQUAL(seen.connects, 2);
	network_fault_end(net, &stall);
	pass(3000);
	CU_ASSERT_EQUAL(seen.connects, 3);
	CU_ASSERT_TRUE(network_ready(net));
	/* A controller that begins to stand still has accepted nobody. */
	network_fault_begin(net, &restart);
	pass(10000);
	network_fault_begin(net, &stall);
	network_fault_end(net, &restart);
	heard = pieces_to(CHANNEL_SWITCH);
	pass(9000);
	CU_ASSERT_EQUAL(seen.connects, 5);
	CU_ASSERT_EQUAL(pieces_to(CHANNEL_SWITCH), heard);
	CU_ASSERT_EQUAL(network_switches_up(net), 0);
	network_fault_end(net, &stall);
	pass(100);
	CU_ASSERT_TRUE(network_ready(net));
	/* It may be too late, and it may be killed meanwhile. */
	network_fault_begin(net, &restart);
	pass(10000);
	network_fault_begin(net, &stall);
	network_fault_end(net, &restart);
	pass(60000);
	CU_ASSERT_FALSE(network_switch_is_connected(net, 0));
	network_fault_begin(net, &restart);
	network_fault_end(net, &restart);
	pass(10000);
	network_fault_end(net, &stall);
	pass(20000);
	CU_ASSERT_TRUE(network_ready(net));
	end();
}

/* --- Two controllers --- */

static void a_switch_goes_to_a_second_controller_and_back(void)
{
	const struct fault second = make(FAULT_SECOND_CONTROLLER, 1), again = second;
	struct network_controller_counts before, meanwhile, after;

	begin(TWO_SWITCHES("learning"));
	pass(1000);
	CU_ASSERT_TRUE(ping(1000));
	before = network_controller_counts(net);
	network_fault_begin(net, &second);
	CU_ASSERT_PTR_NOT_NULL(net->second);
	pass(1000);
	CU_ASSERT_TRUE(network_switch_is_connected(net, 1));
	CU_ASSERT_FALSE(network_switch_kept_connected(net, 1));
	CU_ASSERT_TRUE(network_switch_kept_connected(net, 0));
	CU_ASSERT_TRUE(network_joined(net));
	CU_ASSERT_FALSE(network_ready(net));
	/* The first one believes that it has both. */
	CU_ASSERT_EQUAL(controller_switches_up(net->controller), 2);
	CU_ASSERT_EQUAL(controller_switches_up(net->second), 1);
	CU_ASSERT_EQUAL(network_switches_up(net), 2);
	CU_ASSERT_TRUE(ping(1000));
	meanwhile = network_controller_counts(net);
	CU_ASSERT_TRUE(meanwhile.messages > before.messages);
	network_fault_begin(net, &again);
	network_fault_end(net, &second);
	CU_ASSERT_PTR_NOT_NULL(net->second);
	network_fault_end(net, &again);
	CU_ASSERT_PTR_NULL(net->second);
	after = network_controller_counts(net);
	CU_ASSERT_TRUE(after.messages >= meanwhile.messages);
	CU_ASSERT_EQUAL(after.flow_mods, meanwhile.flow_mods);
	pass(1000);
	CU_ASSERT_EQUAL(controller_counters(net->controller)->replaced, 1);
	CU_ASSERT_EQUAL(net->stale_count, 0);
	CU_ASSERT_TRUE(network_ready(net));
	CU_ASSERT_EQUAL(seen.connects, 4);
	CU_ASSERT_TRUE(ping(1000));
	end();
}

static void a_connection_without_its_switch_times_out(void)
{
	const struct fault second = make(FAULT_SECOND_CONTROLLER, 1);

	begin(TWO_SWITCHES("learning"));
	pass(1000);
	network_fault_begin(net, &second);
	pass(60000);
	CU_ASSERT_EQUAL(controller_switches_up(net->controller), 1);
	CU_ASSERT_EQUAL(network_switches_up(net), 2);
	CU_ASSERT_EQUAL(net->stale_count, 0);
	network_fault_end(net, &second);
	pass(1000);
	CU_ASSERT_TRUE(network_ready(net));
	CU_ASSERT_EQUAL(controller_counters(net->controller)->replaced, 0);
	end();
}

static void the_discovery_of_two_controllers_is_no_traffic(void)
{
	const struct fault second = make(FAULT_SECOND_CONTROLLER, 1);
	struct network_controller_counts before, after;

	begin(TWO_SWITCHES("[discovery, learning]"));
	pass(10000);
	before = network_controller_counts(net);
	CU_ASSERT_TRUE(before.lldp_messages > 0);
	network_fault_begin(net, &second);
	pass(4000);
	CU_ASSERT_EQUAL(net->stale_count, 1);
	network_fault_end(net, &second);
	pass(10000);
	after = network_controller_counts(net);
	CU_ASSERT_TRUE(after.lldp_messages > before.lldp_messages);
	CU_ASSERT_EQUAL(after.packet_outs, before.packet_outs);
	CU_ASSERT_EQUAL(after.packet_ins, before.packet_ins);
	end();
}

static void two_switches_share_a_second_controller(void)
{
	const struct fault one = make(FAULT_SECOND_CONTROLLER, 0),
	                   two = make(FAULT_SECOND_CONTROLLER, 1);

	begin(TWO_SWITCHES("learning"));
	pass(1000);
	network_fault_begin(net, &one);
	network_fault_begin(net, &two);
	pass(500);
	CU_ASSERT_EQUAL(controller_switches_up(net->second), 2);
	network_fault_end(net, &one);
	pass(2000);
	CU_ASSERT_EQUAL(controller_switches_up(net->second), 1);
	CU_ASSERT_EQUAL(net->stale_count, 1);
	network_fault_end(net, &two);
	pass(2000);
	CU_ASSERT_TRUE(network_ready(net));
	CU_ASSERT_TRUE(ping(1000));
	/* Freed in the middle of it. */
	network_fault_begin(net, &one);
	pass(3);
	end();
}

static struct fault cuts[EVENTS_MAX]; /* that are known */

/* Let time pass; as many cuts as are known, of which '*next' is the next, are begun at their instant. */
static void pass_until(uint64_t until_ns, size_t known, size_t *next)
{
	while (clock_next(clk) <= until_ns) {
		for (; *next < known && cuts[*next].time_ns <= clock_next(clk); ++*next)
			network_fault_begin(net, &cuts[*next]);
		clock_step(clk);
	}
	clock_advance(clk, until_ns);
}

/* Everything goes wrong at once, in any order. Chance cuts, unless 'known' cuts are. */
static void do_all(uint64_t seed, char digest[DIGEST_TEXT_BYTES], bool to_the_end, size_t known)
{
	enum { AT_ONCE_MAX = 40 };
	const size_t at_once = seed % 8 ? seed % 8 : AT_ONCE_MAX;
	struct fault faults[AT_ONCE_MAX];
	bool on[AT_ONCE_MAX] = {false};
	size_t next = 0;
	struct rng rng;

	memset(&seen, 0, sizeof seen);
	begin_seed(TWO_SWITCHES("learning"), seed, !known);
	rng_init(&rng, seed, "all");
	for (unsigned i = 0; i < 400; i++) {
		const size_t which = (size_t)rng_below(&rng, at_once);
		struct fault *fault = &faults[which];

		if (on[which]) {
			network_fault_end(net, fault);
		} else {
			enum fault_kind kind =
			        FAULT_CONTROL_DELAY +
			        rng_below(&rng, FAULT_HOST_DOWN - FAULT_CONTROL_DELAY);

			*fault = make(kind, fault_place(kind) == FAULT_AT_SWITCH
			                            ? (uint32_t)rng_below(&rng, 2)
			                            : 0);
			fault->by_ns = rng_below(&rng, 100 * FB_NS_PER_MS);
			fault->impair.jitter_ns = rng_below(&rng, FB_NS_PER_MS);
			fault->rate = 1 + rng_below(&rng, 100000);
			fault->end = (unsigned)rng_below(&rng, 3);
			fault->byte = (uint32_t)rng_below(&rng, 100);
			network_fault_begin(net, fault);
		}
		on[which] = !on[which];
		have_frame(60);
		for (uint64_t us = rng_below(&rng, 200000); us;) {
			pass_until(clk->now_ns + us * FB_NS_PER_US, known, &next);
			us = rng_below(&rng, 5) ? 0 : 4000000;
		}
	}
	for (unsigned i = 0; to_the_end && i < at_once; i++)
		if (on[i])
			network_fault_end(net, &faults[i]);
	if (to_the_end) {
		pass(60000);
		CU_ASSERT_TRUE(network_ready(net));
		CU_ASSERT_TRUE(ping(3000));
		pass(60000);
		CU_ASSERT_FALSE(network_busy(net, NULL));
	}
	network_digest(net, digest);
	end();
}

static void whatever_went_wrong_all_is_well_afterwards(void)
{
	char digest[DIGEST_TEXT_BYTES], again[DIGEST_TEXT_BYTES];

	for (uint64_t seed = 1; seed <= 200; seed++) {
		do_all(seed, digest, seed % 3 != 0, 0);
		if (seed % 9)
			continue;
		do_all(seed, again, seed % 3 != 0, 0);
		CU_ASSERT_STRING_EQUAL(digest, again);
	}
}

static void whatever_went_wrong_the_cuts_of_chance_can_be_said(void)
{
	char digest[DIGEST_TEXT_BYTES], again[DIGEST_TEXT_BYTES];

	for (uint64_t seed = 1; seed <= 40; seed++) {
		do_all(seed, digest, false, 0);
		CU_ASSERT_TRUE_FATAL(seen.cuts_count > 0 && seen.cuts_count < EVENTS_MAX);
		memcpy(cuts, seen.cuts, seen.cuts_count * sizeof cuts[0]);
		do_all(seed, again, false, seen.cuts_count);
		CU_ASSERT_EQUAL(seen.cuts_count, 0);
		CU_ASSERT_STRING_EQUAL(digest, again);
	}
}

UNIT_TESTS("network_fault_control", UNIT_TEST(delays_add_up_and_go),
           UNIT_TEST(a_cut_ends_when_nobody_wants_it),
           UNIT_TEST(what_stands_still_keeps_the_network_busy),
           UNIT_TEST(each_way_may_stand_still_for_another_fault), UNIT_TEST(the_lowest_rate_counts),
           UNIT_TEST(the_next_batch_is_split), UNIT_TEST(what_chance_splits_can_be_said),
           UNIT_TEST(where_messages_are_looked_at_nothing_changes),
           UNIT_TEST(a_header_that_tells_no_length_ends_the_connection),
           UNIT_TEST(what_a_switch_said_before_it_lost_power_is_whole),
           UNIT_TEST(late_messages_stay_between_their_barriers),
           UNIT_TEST(late_messages_are_in_time_when_the_fault_ends),
           UNIT_TEST(flow_mods_take_their_time), UNIT_TEST(a_close_waits_for_flow_mods),
           UNIT_TEST(a_switch_does_not_hold_more_than_a_channel),
           UNIT_TEST(what_was_heard_is_done_before_a_switch_leaves), UNIT_TEST(packet_ins_get_lost),
           UNIT_TEST(a_switch_has_power_when_nobody_takes_it),
           UNIT_TEST(a_full_table_takes_nothing_more),
           UNIT_TEST(without_buffers_packet_ins_are_whole),
           UNIT_TEST(a_controller_is_up_when_nobody_keeps_it_down),
           UNIT_TEST(a_controller_that_stands_still_loses_nothing),
           UNIT_TEST(a_controller_that_goes_on_hears_before_it_looks_at_the_time),
           UNIT_TEST(a_controller_that_goes_on_hears_all_before_it_looks_at_the_time),
           UNIT_TEST(switches_connect_to_a_controller_that_stands_still),
           UNIT_TEST(a_switch_goes_to_a_second_controller_and_back),
           UNIT_TEST(a_connection_without_its_switch_times_out),
           UNIT_TEST(the_discovery_of_two_controllers_is_no_traffic),
           UNIT_TEST(two_switches_share_a_second_controller),
           UNIT_TEST(whatever_went_wrong_all_is_well_afterwards),
           UNIT_TEST(whatever_went_wrong_the_cuts_of_chance_can_be_said))
