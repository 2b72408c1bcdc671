/* Networks of scenarios, without their steps: what is counted, what is activity, what faults do. */
#include <stdio.h>
#include <string.h>

#include "sim/network.h"
#include "tests/unit/harness.h"

static struct scenario *sc;
static struct network *net;
static struct clock *clk;

/* What an observer saw. */
static struct {
	unsigned host_frames, errors, moves;
	uint32_t moved_link;
	struct scenario_end moved_to;
} seen;

static void see_host_frame(void *ctx, uint64_t now_ns, uint32_t host, bool sent,
                           const struct frame *frame)
{
	(void)ctx;
	(void)now_ns;
	(void)host;
	(void)sent;
	(void)frame;
	seen.host_frames++;
}

static void see_error(void *ctx, uint64_t now_ns, uint32_t sw, const uint8_t *msg, size_t len)
{
	(void)ctx;
	(void)now_ns;
	(void)sw;
	CU_ASSERT_EQUAL(msg[1], OFPT_ERROR);
	CU_ASSERT_EQUAL(fb_get16(msg + 2), len);
	seen.errors++;
}

static void see_moved(void *ctx, uint64_t now_ns, uint32_t link, unsigned end,
                      const struct scenario_end *at)
{
	(void)ctx;
	(void)now_ns;
	(void)end;
	seen.moves++;
	seen.moved_link = link;
	seen.moved_to = *at;
}

static void begin(const char *text)
{
	const struct network_observer observer = {
	        .host_frame = see_host_frame, .error = see_error, .moved = see_moved};
	struct problems problems;

	memset(&seen, 0, sizeof seen);
	problems_init(&problems);
	sc = scenario_load_text(text, strlen(text), "test.yaml", NULL, NULL, &problems);
	problems_print(&problems, "# test.yaml", stdout);
	problems_destroy(&problems);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	net = network_new(sc, &(struct network_options){.seed = 1,
	                                                .log_level = FB_LOG_ERROR,
	                                                .observers = &observer,
	                                                .observers_count = 1});
	clk = network_clock(net);
	network_start(net);
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

/* Two switches that a hub controls, with a host each. What happens takes its time: a frame 10 ms
 * over a link, a message 10 ms over a control channel. */
#define TWO_SWITCHES                                                                               \
	"controller: {apps: hub, delay: 10ms}\nswitches: {s1: {}, s2: {}}\n"                       \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\nlinks: [h1 -- s1:1, h2 -- s2:1, "  \
	"{between: s1:2 -- s2:2, delay: 10ms}]\nsteps: [wait: 1s]\n"

/* Have 's1' send a frame of type 'dl_type' by 'port', as a controller would. */
static void have_sent(uint16_t dl_type, uint16_t port)
{
	uint8_t actions[] = {0, 0, 0, 8, (uint8_t)(port >> 8), (uint8_t)port, 0, 0};
	uint8_t frame[60] = {0x01, 0x80, 0xc2, 0, 0, 0x0e, 0x0a, 0, 0, 0, 0, 1};
	const struct fb_packet_out po = {.buffer_id = OFP_NO_BUFFER,
	                                 .in_port = OFPP_NONE,
	                                 .actions = {actions, sizeof actions},
	                                 .data = {frame, sizeof frame}};
	struct fb_of_error error;

	fb_set16(frame + 12, dl_type);
	CU_ASSERT_EQUAL(datapath_packet_out(agent_datapath(network_agent(net, 0)), &po, clk->now_ns,
	                                    &error),
	                0);
}

/* A frame of type 'dl_type' goes from s1 to s2, which asks the controller: is the network busy with
 * the frame, with the packet-in, and with what the controller answers? */
static void send_through(uint16_t dl_type, bool busy)
{
	have_sent(dl_type, 2);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(network_busy(net, NULL), busy);
		CU_ASSERT_EQUAL(network_joined(net), !busy || !i);
		pass(i ? 10 : 11);
	}
	CU_ASSERT_EQUAL(datapath_buffers_in_use(agent_datapath(network_agent(net, 1))), 0);
}

static void discovery_is_no_traffic(void)
{
	struct network_controller_counts before, after;
	uint64_t quiet_ns;

	begin(TWO_SWITCHES);
	pass(1000);
	quiet_ns = network_last_activity(net);
	before = network_controller_counts(net);
	send_through(FB_ETH_LLDP, false);
	have_sent(FB_ETH_LLDP, 1);
	pass(100);
	after = network_controller_counts(net);
	CU_ASSERT_EQUAL(network_last_activity(net), quiet_ns);
	CU_ASSERT_EQUAL(network_counters(net)->frames_delivered, 0);
	CU_ASSERT_EQUAL(network_counters(net)->lldp_frames, 2);
	CU_ASSERT_EQUAL(network_switch_counts(net, 1).packet_ins, 0);
	CU_ASSERT_EQUAL(after.messages, before.messages);
	CU_ASSERT_EQUAL(after.packet_ins, 0);
	CU_ASSERT_EQUAL(after.packet_outs, 0);
	/* The packet-in, and the packet-out that lets its buffer go. */
	CU_ASSERT_EQUAL(after.lldp_messages, 2);
	/* Captures see it, the host does not. */
	CU_ASSERT_EQUAL(seen.host_frames, 1);
	CU_ASSERT_EQUAL(host_counters(network_host(net, 0))->frames_in, 0);
	end();
}

static void all_else_is_traffic(void)
{
	begin(TWO_SWITCHES);
	pass(1000);
	send_through(FB_ETH_ARP, true);
	CU_ASSERT_TRUE(network_last_activity(net) > clk->now_ns - 10 * FB_NS_PER_MS);
	CU_ASSERT_EQUAL(network_counters(net)->frames_delivered, 2);
	CU_ASSERT_EQUAL(network_counters(net)->lldp_frames, 0);
	CU_ASSERT_EQUAL(network_switch_counts(net, 1).packet_ins, 1);
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_ins, 1);
	CU_ASSERT_EQUAL(network_controller_counts(net).packet_outs, 1);
	CU_ASSERT_EQUAL(network_controller_counts(net).lldp_messages, 0);
	end();
}

static void ping(uint32_t from, uint32_t to)
{
	const struct host_ping_request request = {.ip = sc->hosts[to].ip,
	                                          .count = 1,
	                                          .interval_ns = FB_NS_PER_S,
	                                          .timeout_ns = FB_NS_PER_S};

	host_ping(network_host(net, from), &request, clk->now_ns, NULL, NULL);
	network_host_called(net, from);
	pass(1000);
}

static void errors_of_switches_are_told(void)
{
	begin("controller: learning\nswitches: {s1: {entries: 1}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	      "links: [h1 -- s1, h2 -- s1]\nsteps: [wait: 1s]\n");
	pass(1000);
	CU_ASSERT_EQUAL(seen.errors, 0);
	ping(0, 1);
	CU_ASSERT_EQUAL(network_switch_counts(net, 0).errors_out, seen.errors);
	CU_ASSERT_TRUE(seen.errors > 0);
	end();
}

/* --- Power --- */

static uint32_t entries_of(uint32_t sw)
{
	return datapath_entries(agent_datapath(network_agent(net, sw)));
}

static bool has_carrier(uint32_t sw, uint16_t port)
{
	const struct fb_phy_port *p = datapath_port(agent_datapath(network_agent(net, sw)), port);

	return p && !(p->state & OFPPS_LINK_DOWN);
}

static void a_switch_without_power_has_forgotten_all(void)
{
	uint64_t packet_ins, answered;

	begin("controller: learning\nswitches: {s1: {}, s2: {flows: "
	      "[\"priority=1,ip,actions=flood\"]}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	      "links: [h1 -- s1:1, h2 -- s2:1, s1:2 -- s2:2]\nsteps: [wait: 1s]\n");
	pass(1000);
	ping(0, 1);
	packet_ins = network_switch_counts(net, 1).packet_ins;
	answered = host_counters(network_host(net, 1))->frames_out;
	CU_ASSERT_TRUE(packet_ins > 0 && answered > 0 && entries_of(1) > 1);
	network_set_switch(net, 1, false);
	CU_ASSERT_FALSE(network_switch_is_on(net, 1));
	pass(100);
	/* Its neighbours see no carrier, the controller no switch. */
	CU_ASSERT_FALSE(has_carrier(0, 2));
	CU_ASSERT_TRUE(has_carrier(0, 1));
	CU_ASSERT_FALSE(network_host_is_reachable(net, 1));
	CU_ASSERT_TRUE(network_host_is_reachable(net, 0));
	CU_ASSERT_EQUAL(network_switches_up(net), 1);
	CU_ASSERT_EQUAL(entries_of(1), 0);
	CU_ASSERT_EQUAL(network_switch_counts(net, 1).packet_ins, packet_ins);
	CU_ASSERT_TRUE(network_joined(net));
	ping(0, 1);
	CU_ASSERT_EQUAL(host_counters(network_host(net, 1))->frames_out, answered);
	/* And it does not look for the controller. */
	pass(20000);
	CU_ASSERT_EQUAL(network_switches_up(net), 1);
	CU_ASSERT_FALSE(network_switch_is_connected(net, 1));
	/* It begins as at the start. */
	network_set_switch(net, 1, true);
	CU_ASSERT_FALSE(network_joined(net));
	CU_ASSERT_EQUAL(entries_of(1), 1);
	CU_ASSERT_TRUE(has_carrier(0, 2) && has_carrier(1, 1) && has_carrier(1, 2));
	pass(1000);
	CU_ASSERT_TRUE(network_ready(net));
	CU_ASSERT_FALSE(network_switch_kept_connected(net, 1));
	CU_ASSERT_TRUE(network_switch_kept_connected(net, 0));
	ping(0, 1);
	CU_ASSERT_TRUE(host_counters(network_host(net, 1))->frames_out > answered);
	CU_ASSERT_TRUE(network_switch_counts(net, 1).packet_ins > packet_ins);
	end();
}

static void a_link_that_a_step_took_down_stays_down(void)
{
	begin(TWO_SWITCHES);
	pass(1000);
	network_set_link(net, 2, false);
	network_set_switch(net, 1, false);
	network_set_switch(net, 1, true);
	CU_ASSERT_FALSE(has_carrier(0, 2) || has_carrier(1, 2));
	CU_ASSERT_TRUE(has_carrier(1, 1));
	network_set_switch(net, 1, false);
	network_set_link(net, 2, true);
	CU_ASSERT_FALSE(has_carrier(0, 2));
	network_set_switch(net, 1, true);
	CU_ASSERT_TRUE(has_carrier(0, 2) && has_carrier(1, 2));
	end();
}

static void a_switch_may_lose_power_while_anything_is_under_way(void)
{
	for (unsigned us = 0; us < 3000; us += 50) {
		begin(TWO_SWITCHES);
		pass(100);
		host_arp(network_host(net, 0), sc->hosts[1].ip, false, clk->now_ns, NULL, NULL);
		network_host_called(net, 0);
		while (clock_next(clk) <= 100 * FB_NS_PER_MS + us * FB_NS_PER_US)
			clock_step(clk);
		network_set_switch(net, 0, false);
		network_set_switch(net, 0, true);
		network_set_switch(net, 1, false);
		pass(us % 7);
		network_set_switch(net, 1, true);
		pass(3000);
		CU_ASSERT_TRUE(network_ready(net));
		end();
	}
}

static void a_cable_goes_to_a_port_that_was_free(void)
{
	begin("controller: learning\nswitches: {s1: {}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	      "links: [h1 -- s1:1, h2 -- s1:2]\n"
	      "steps: [move: {host: h2, to: \"s1:5\"}]\n");
	pass(100);
	CU_ASSERT_TRUE(has_carrier(0, 2));
	CU_ASSERT_PTR_NOT_NULL(datapath_port(agent_datapath(network_agent(net, 0)), 5));
	CU_ASSERT_FALSE(has_carrier(0, 5));
	network_unplug(net, 1);
	CU_ASSERT_FALSE(has_carrier(0, 2) || has_carrier(0, 5) ||
	                network_host_is_reachable(net, 1));
	CU_ASSERT_TRUE(network_link_is_up(net, 1));
	network_plug(net, 1, 0, 5);
	CU_ASSERT_TRUE(has_carrier(0, 5) && !has_carrier(0, 2) &&
	               network_host_is_reachable(net, 1));
	CU_ASSERT_EQUAL(network_link_end(net, 1, 1)->port, 5);
	CU_ASSERT_EQUAL(seen.moves, 1);
	CU_ASSERT_EQUAL(seen.moved_link, 1);
	CU_ASSERT_EQUAL(seen.moved_to.port, 5);
	/* Without power nothing is known of where it was. */
	network_set_switch(net, 0, false);
	network_set_switch(net, 0, true);
	CU_ASSERT_TRUE(has_carrier(0, 5) && !has_carrier(0, 2) && has_carrier(0, 1));
	end();
}

static void a_switch_alone_goes_on_alone(void)
{
	begin("switches: {s1: {fail_mode: standalone}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	      "links: [h1 -- s1:1, h2 -- s1:2]\nsteps: [wait: 1s]\n");
	network_set_switch(net, 0, false);
	network_set_switch(net, 0, true);
	ping(0, 1);
	CU_ASSERT_EQUAL(host_counters(network_host(net, 1))->frames_out, 2);
	end();
}

static void counts_of_queues_outlast_power(void)
{
	struct network_queue_counts counts;

	begin("switches: {s1: {queues: [{port: 2, queue: 1}], flows: "
	      "[\"in_port=1,actions=enqueue:2:1\","
	      " \"in_port=2,actions=1\"]}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	      "links: [h1 -- s1:1, h2 -- s1:2]\nsteps: [wait: 1s]\n");
	ping(0, 1);
	counts = network_queue_counts(net, 0, 2, 1);
	CU_ASSERT_EQUAL(counts.sent, 2);
	network_set_switch(net, 0, false);
	network_set_switch(net, 0, true);
	CU_ASSERT_EQUAL(network_queue_counts(net, 0, 2, 1).sent, 2);
	ping(0, 1);
	CU_ASSERT_TRUE(network_queue_counts(net, 0, 2, 1).sent > 2);
	end();
}

UNIT_TESTS("network", UNIT_TEST(discovery_is_no_traffic), UNIT_TEST(all_else_is_traffic),
           UNIT_TEST(errors_of_switches_are_told),
           UNIT_TEST(a_switch_without_power_has_forgotten_all),
           UNIT_TEST(a_link_that_a_step_took_down_stays_down),
           UNIT_TEST(a_switch_may_lose_power_while_anything_is_under_way),
           UNIT_TEST(a_cable_goes_to_a_port_that_was_free), UNIT_TEST(a_switch_alone_goes_on_alone),
           UNIT_TEST(counts_of_queues_outlast_power))
