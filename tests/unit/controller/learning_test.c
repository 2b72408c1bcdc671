/* The application learning: what it learns, what it installs, and that the entries follow what it
 * knows. */
#include "tests/unit/harness.h"

#include "tests/unit/controller/fake_switch.h"

enum { A = 0x0a, B = 0x0b, C = 0x0c };
#define MAC(station) (UINT64_C(0x020000000000) | (station))
#define BROADCAST    UINT64_C(0xffffffffffff)

/* A learning switch with 'options' and one switch of four ports, after its handshake; no echoes. */
static struct fake_switch *begin(const char *options)
{
	struct controller_config config;
	struct bench *b;

	controller_config_default(&config);
	config.run_id = 0x1234abcd;
	config.liveness.echo_idle_ns = 0;
	b = bench_new_with(&config);
	bench_add(b, &fb_app_learning, options);
	return fake_switch_join(b, 1, 4);
}

static void end(struct fake_switch *sw)
{
	bench_free(sw->bench);
}

/* A frame from 'src' to 'dst' by 'port', in buffer 'buffer_id'; what is sent is discarded first. */
static void frame_in(struct fake_switch *sw, uint32_t buffer_id, uint16_t port, uint64_t src,
                     uint64_t dst)
{
	uint8_t frame[60];
	size_t len = fake_frame(frame, src, dst);

	fake_switch_discard(sw);
	fake_switch_packet_in(sw, buffer_id, port, frame, len);
}

/* The next message is a packet-out of 'buffer_id' to 'port'. */
static bool is_out(struct fake_switch *sw, uint32_t buffer_id, uint16_t port)
{
	const struct fb_msg *msg = fake_switch_expect(sw, OFPT_PACKET_OUT);

	return msg && msg->packet_out.buffer_id == buffer_id &&
	       fake_only_output(msg->packet_out.actions) == port;
}

/* The next message is the entry for frames from 'src' at 'in_port' to 'dst' at 'out_port'. */
static bool is_entry(struct fake_switch *sw, uint32_t buffer_id, uint16_t in_port, uint64_t src,
                     uint64_t dst, uint16_t out_port)
{
	const struct fb_msg *msg = fake_switch_expect(sw, OFPT_FLOW_MOD);
	const struct fb_flow_mod *fm = &sw->msg.flow_mod;

	return msg && fm->command == OFPFC_ADD && fm->buffer_id == buffer_id &&
	       fm->match.in_port == in_port &&
	       fm->match.wildcards == (OFPFW_ALL & ~(OFPFW_IN_PORT | OFPFW_DL_SRC | OFPFW_DL_DST |
	                                             OFPFW_DL_VLAN)) &&
	       fb_mac_to_u64(fm->match.dl_src) == src && fb_mac_to_u64(fm->match.dl_dst) == dst &&
	       fake_only_output(fm->actions) == out_port;
}

/* The next message deletes all entries with 'mac' as destination (or as source). */
static bool is_delete(struct fake_switch *sw, bool as_source, uint64_t mac)
{
	const struct fb_msg *msg = fake_switch_expect(sw, OFPT_FLOW_MOD);
	const struct fb_flow_mod *fm = &sw->msg.flow_mod;
	uint32_t field = as_source ? OFPFW_DL_SRC : OFPFW_DL_DST;

	return msg && fm->command == OFPFC_DELETE && fm->out_port == OFPP_NONE &&
	       fm->match.wildcards == (OFPFW_ALL & ~(field | OFPFW_DL_VLAN)) &&
	       fb_mac_to_u64(as_source ? fm->match.dl_src : fm->match.dl_dst) == mac;
}

static bool is_quiet(struct fake_switch *sw)
{
	return !fake_switch_next(sw);
}

/* A at port 1 and B at port 2 know each other, with entries both ways. */
static void introduce(struct fake_switch *sw)
{
	frame_in(sw, 1, 1, MAC(A), MAC(B));
	frame_in(sw, 2, 2, MAC(B), MAC(A));
	frame_in(sw, 3, 1, MAC(A), MAC(B));
}

/* --- Forwarding --- */

static void an_unknown_destination_is_flooded(void)
{
	struct fake_switch *sw = begin("");

	frame_in(sw, 7, 1, MAC(A), MAC(B));
	CU_ASSERT(is_out(sw, 7, OFPP_FLOOD));
	CU_ASSERT(is_quiet(sw));
	end(sw);
}

static void a_known_destination_gets_an_entry_that_takes_the_buffer_along(void)
{
	struct fake_switch *sw = begin("idle_timeout=30,hard_timeout=2m");

	frame_in(sw, 1, 1, MAC(A), BROADCAST);
	frame_in(sw, 8, 2, MAC(B), MAC(A));
	CU_ASSERT(is_entry(sw, 8, 2, MAC(B), MAC(A), 1));
	CU_ASSERT_EQUAL(sw->msg.flow_mod.idle_timeout, 30);
	CU_ASSERT_EQUAL(sw->msg.flow_mod.hard_timeout, 120);
	CU_ASSERT_EQUAL(sw->msg.flow_mod.match.dl_vlan, OFP_VLAN_NONE);
	CU_ASSERT_EQUAL(sw->msg.flow_mod.cookie >> 32, 0x1234abcd);
	CU_ASSERT(is_quiet(sw));
	end(sw);
}

static void without_a_buffer_the_frame_follows_its_entry(void)
{
	struct fake_switch *sw = begin("");

	frame_in(sw, OFP_NO_BUFFER, 1, MAC(A), BROADCAST);
	CU_ASSERT(is_out(sw, OFP_NO_BUFFER, OFPP_FLOOD));
	CU_ASSERT_EQUAL(sw->msg.packet_out.data.len, 60);
	frame_in(sw, OFP_NO_BUFFER, 2, MAC(B), MAC(A));
	CU_ASSERT(is_entry(sw, OFP_NO_BUFFER, 2, MAC(B), MAC(A), 1));
	CU_ASSERT(is_out(sw, OFP_NO_BUFFER, 1));
	CU_ASSERT_EQUAL(sw->msg.packet_out.data.len, 60);
	CU_ASSERT(is_quiet(sw));
	end(sw);
}

static void groups_are_flooded_and_never_learned(void)
{
	struct fake_switch *sw = begin("");

	frame_in(sw, 1, 1, BROADCAST, MAC(B));
	CU_ASSERT(is_out(sw, 1, OFPP_FLOOD));
	CU_ASSERT_EQUAL(bench_counter(sw->bench, "learning", "learned"), 0);
	frame_in(sw, 2, 2, MAC(B), UINT64_C(0x01005e000001));
	CU_ASSERT(is_out(sw, 2, OFPP_FLOOD));
	frame_in(sw, 3, 3, MAC(C), BROADCAST);
	CU_ASSERT(is_out(sw, 3, OFPP_FLOOD));
	/* From a group to a known station: sent there, without an entry. */
	frame_in(sw, 4, 1, UINT64_C(0x010000000001), MAC(B));
	CU_ASSERT(is_out(sw, 4, 2));
	CU_ASSERT(is_quiet(sw));
	end(sw);
}

static void a_destination_on_the_ingress_port_is_dropped(void)
{
	struct fake_switch *sw = begin("");
	const struct fb_msg *msg;

	frame_in(sw, 1, 1, MAC(A), BROADCAST);
	frame_in(sw, 2, 1, MAC(B), MAC(A));
	msg = fake_switch_expect(sw, OFPT_PACKET_OUT);
	CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
	CU_ASSERT_EQUAL(msg->packet_out.buffer_id, 2);
	CU_ASSERT(fake_goes_nowhere(&msg->packet_out));
	CU_ASSERT(is_quiet(sw));
	frame_in(sw, OFP_NO_BUFFER, 1, MAC(B), MAC(A));
	CU_ASSERT(is_quiet(sw));
	CU_ASSERT_EQUAL(bench_counter(sw->bench, "learning", "same_port"), 2);
	end(sw);
}

static void vlans_are_learned_apart(void)
{
	struct fake_switch *sw = begin("");
	uint8_t frame[60];
	size_t len = fake_frame(frame, MAC(A), BROADCAST);

	fb_set16(frame + 12, FB_ETH_VLAN);
	fb_set16(frame + 14, 0x6005); /* VLAN 5 with a priority */
	fake_switch_packet_in(sw, 1, 1, frame, len);
	frame_in(sw, 2, 2, MAC(B), MAC(A));
	CU_ASSERT(is_out(sw, 2, OFPP_FLOOD));
	fb_mac_from_u64(frame + 6, MAC(C));
	fb_mac_from_u64(frame, MAC(A));
	fake_switch_discard(sw);
	fake_switch_packet_in(sw, 3, 3, frame, len);
	CU_ASSERT(is_entry(sw, 3, 3, MAC(C), MAC(A), 1));
	CU_ASSERT_EQUAL(sw->msg.flow_mod.match.dl_vlan, 5);
	end(sw);
}

static void switches_are_learned_apart(void)
{
	struct fake_switch *sw = begin("");
	struct fake_switch *other = fake_switch_join(sw->bench, 2, 4);

	frame_in(sw, 1, 1, MAC(A), BROADCAST);
	frame_in(other, 2, 2, MAC(B), MAC(A));
	CU_ASSERT(is_out(other, 2, OFPP_FLOOD));
	end(sw);
}

/* Pairs in both directions in one read: the second frame's answer knows what the first brought. */
static void frames_of_one_read_are_handled_in_their_order(void)
{
	struct fake_switch *sw = begin("");
	static uint8_t bytes[16384];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);

	for (unsigned i = 0; i < 50; i++) {
		uint8_t frame[60];
		struct fb_of_packet_in pi = {
		        .buffer_id = 2 * i, .total_len = 60, .in_port = 1, .data = {frame, 60}};

		fake_frame(frame, MAC(0x100 + i), MAC(0x200 + i));
		fb_msg_put_packet_in(&buf, 0, &pi);
		fake_frame(frame, MAC(0x200 + i), MAC(0x100 + i));
		pi.buffer_id++;
		pi.in_port = 2;
		fb_msg_put_packet_in(&buf, 0, &pi);
	}
	fake_switch_feed(sw, bytes, buf.len);
	for (unsigned i = 0; i < 50; i++) {
		CU_ASSERT(is_out(sw, 2 * i, OFPP_FLOOD));
		CU_ASSERT(is_entry(sw, 2 * i + 1, 2, MAC(0x200 + i), MAC(0x100 + i), 1));
	}
	CU_ASSERT(is_quiet(sw));
	CU_ASSERT_EQUAL(sw->sends, 1);
	end(sw);
}

/* --- Moves --- */

static void a_move_is_logged_and_takes_the_old_entries_away(void)
{
	struct fake_switch *sw = begin("");

	introduce(sw);
	frame_in(sw, 9, 3, MAC(A), MAC(B));
	CU_ASSERT(is_delete(sw, false, MAC(A)));
	CU_ASSERT(is_delete(sw, true, MAC(A)));
	CU_ASSERT(is_entry(sw, 9, 3, MAC(A), MAC(B), 2));
	CU_ASSERT(is_quiet(sw));
	CU_ASSERT_PTR_NOT_NULL(
	        strstr(sw->bench->log,
	               "learning: 0000000000000001: 02:00:00:00:00:0a moved from port 1 to 3\n"));
	frame_in(sw, 10, 2, MAC(B), MAC(A));
	CU_ASSERT(is_entry(sw, 10, 2, MAC(B), MAC(A), 3));
	CU_ASSERT_EQUAL(bench_counter(sw->bench, "learning", "moved"), 1);
	end(sw);
}

static void a_move_without_entries_deletes_none(void)
{
	struct fake_switch *sw = begin("");

	frame_in(sw, 1, 1, MAC(A), BROADCAST);
	frame_in(sw, 2, 2, MAC(A), BROADCAST);
	CU_ASSERT(is_out(sw, 2, OFPP_FLOOD));
	CU_ASSERT(is_quiet(sw));
	end(sw);
}

/* One entry, from B to A: a move of either end takes it away. */
static void an_entry_goes_when_its_source_or_its_destination_moves(void)
{
	for (int source = 0; source < 2; source++) {
		struct fake_switch *sw = begin("");

		frame_in(sw, 1, 1, MAC(A), BROADCAST);
		frame_in(sw, 2, 2, MAC(B), MAC(A));
		frame_in(sw, 3, 3, source ? MAC(B) : MAC(A), BROADCAST);
		CU_ASSERT(is_delete(sw, false, source ? MAC(B) : MAC(A)));
		CU_ASSERT(is_delete(sw, true, source ? MAC(B) : MAC(A)));
		CU_ASSERT(is_out(sw, 3, OFPP_FLOOD));
		end(sw);
	}
}

static void a_station_that_flaps_does_not_flood_the_log(void)
{
	struct fake_switch *sw = begin("");
	size_t lines = 0;

	for (unsigned i = 0; i < 200; i++)
		frame_in(sw, i, 1 + i % 2, MAC(A), BROADCAST);
	for (const char *at = sw->bench->log; (at = strstr(at, " moved from ")); at++)
		lines++;
	CU_ASSERT_EQUAL(lines, 10);
	CU_ASSERT_EQUAL(bench_counter(sw->bench, "learning", "moved"), 199);
	end(sw);
}

/* --- Forgetting --- */

static void a_silent_station_is_forgotten_with_its_entries(void)
{
	struct fake_switch *sw = begin("mac_idle=100s");

	introduce(sw);
	bench_pass(sw->bench, 50 * FB_NS_PER_S);
	frame_in(sw, 4, 2, MAC(B), MAC(C));
	fake_switch_discard(sw);
	bench_pass(sw->bench, 50 * FB_NS_PER_S - 1);
	CU_ASSERT(is_quiet(sw));
	bench_pass(sw->bench, 1);
	CU_ASSERT(is_delete(sw, false, MAC(A)));
	CU_ASSERT(is_delete(sw, true, MAC(A)));
	CU_ASSERT(is_quiet(sw));
	CU_ASSERT_EQUAL(bench_counter(sw->bench, "learning", "expired"), 1);
	frame_in(sw, 5, 2, MAC(B), MAC(A));
	CU_ASSERT(is_out(sw, 5, OFPP_FLOOD));
	end(sw);
}

static void a_station_that_speaks_is_not_forgotten(void)
{
	struct fake_switch *sw = begin("mac_idle=1s");

	for (unsigned i = 0; i < 20; i++) {
		frame_in(sw, i, 1, MAC(A), BROADCAST);
		bench_pass(sw->bench, 900 * FB_NS_PER_MS);
	}
	CU_ASSERT_EQUAL(bench_counter(sw->bench, "learning", "expired"), 0);
	bench_pass(sw->bench, 100 * FB_NS_PER_MS);
	CU_ASSERT_EQUAL(bench_counter(sw->bench, "learning", "expired"), 1);
	end(sw);
}

static void a_full_table_loses_its_oldest_station_and_that_ones_entries(void)
{
	struct fake_switch *sw = begin("macs_max=2");

	introduce(sw);
	frame_in(sw, 4, 3, MAC(C), BROADCAST);
	CU_ASSERT(is_delete(sw, false, MAC(A)));
	CU_ASSERT(is_delete(sw, true, MAC(A)));
	CU_ASSERT(is_out(sw, 4, OFPP_FLOOD));
	CU_ASSERT(is_quiet(sw));
	CU_ASSERT_EQUAL(bench_counter(sw->bench, "learning", "macs_evicted"), 1);
	frame_in(sw, 5, 3, MAC(C), MAC(B));
	CU_ASSERT(is_entry(sw, 5, 3, MAC(C), MAC(B), 2));
	end(sw);
}

/* The oldest is the one that was not heard for longest, not the one that was learned first. */
static void a_station_heard_again_is_not_the_oldest(void)
{
	struct fake_switch *sw = begin("macs_max=2");

	introduce(sw);
	bench_pass(sw->bench, 2 * FB_NS_PER_S);
	frame_in(sw, 4, 1, MAC(A), BROADCAST);
	frame_in(sw, 5, 3, MAC(C), BROADCAST);
	CU_ASSERT(is_delete(sw, false, MAC(B)));
	frame_in(sw, 6, 3, MAC(C), MAC(A));
	CU_ASSERT(is_entry(sw, 6, 3, MAC(C), MAC(A), 1));
	end(sw);
}

static void a_port_that_goes_down_takes_stations_and_entries_along(void)
{
	struct fake_switch *sw = begin("");
	const struct fb_msg *msg;

	introduce(sw);
	fake_switch_discard(sw);
	fake_switch_set_link(sw, 2, false);
	msg = fake_switch_expect(sw, OFPT_FLOW_MOD);
	CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
	CU_ASSERT_EQUAL(msg->flow_mod.command, OFPFC_DELETE);
	CU_ASSERT_EQUAL(msg->flow_mod.out_port, 2);
	CU_ASSERT_EQUAL(msg->flow_mod.match.wildcards, OFPFW_ALL);
	msg = fake_switch_expect(sw, OFPT_FLOW_MOD);
	CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
	CU_ASSERT_EQUAL(msg->flow_mod.command, OFPFC_DELETE);
	CU_ASSERT_EQUAL(msg->flow_mod.out_port, OFPP_NONE);
	CU_ASSERT_EQUAL(msg->flow_mod.match.wildcards, OFPFW_ALL & ~OFPFW_IN_PORT);
	CU_ASSERT_EQUAL(msg->flow_mod.match.in_port, 2);
	CU_ASSERT(is_quiet(sw));
	frame_in(sw, 9, 1, MAC(A), MAC(B));
	CU_ASSERT(is_out(sw, 9, OFPP_FLOOD));
	frame_in(sw, 10, 3, MAC(C), MAC(A));
	CU_ASSERT(is_entry(sw, 10, 3, MAC(C), MAC(A), 1));
	end(sw);
}

/* A controller that says something for each message of such a flood works for the flooder. */
static void a_port_that_is_lost_again_and_again_is_cleared_once(void)
{
	struct fake_switch *sw = begin("");
	struct fb_phy_port port = fake_port(2);

	introduce(sw);
	fake_switch_discard(sw);
	for (int i = 0; i < 100; i++)
		fake_switch_port_status(sw, OFPPR_DELETE, &port);
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_FLOW_MOD), 2);
	CU_ASSERT_EQUAL(bench_counter(sw->bench, "learning", "ports_down"), 100);
	/* What was heard or said of it since makes it another port. */
	frame_in(sw, 1, 2, MAC(B), BROADCAST);
	fake_switch_discard(sw);
	fake_switch_port_status(sw, OFPPR_DELETE, &port);
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_FLOW_MOD), 2);
	fake_switch_discard(sw);
	fake_switch_port_status(sw, OFPPR_ADD, &port);
	fake_switch_port_status(sw, OFPPR_DELETE, &port);
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_FLOW_MOD), 2);
	end(sw);
}

/* Stations come, move and are evicted; of them those go that are at the port, no others. */
static void a_port_takes_those_stations_along_that_are_there_now(void)
{
	enum { STATIONS = 200 };
	struct fake_switch *sw = begin("macs_max=150");
	struct fb_phy_port port = fake_port(2);
	uint64_t expected = 0;

	for (uint32_t i = 0; i < STATIONS; i++)
		frame_in(sw, i, (uint16_t)(1 + i % 4), MAC(100 + i), BROADCAST);
	for (uint32_t i = STATIONS / 2; i < STATIONS; i++)
		frame_in(sw, i, (uint16_t)(1 + i % 3), MAC(100 + i), BROADCAST);
	fake_switch_port_status(sw, OFPPR_DELETE, &port);
	for (uint32_t i = 0; i < STATIONS; i++) {
		bool is_moved = i >= STATIONS / 2;
		bool is_known = i >= STATIONS - 150 && (is_moved ? i % 3 : i % 4) != 1;

		frame_in(sw, i, 4, MAC(1), MAC(100 + i));
		if (!is_known)
			CU_ASSERT(is_out(sw, i, OFPP_FLOOD));
		expected += is_known;
	}
	CU_ASSERT_EQUAL(bench_counter(sw->bench, "learning", "flows") +
	                        bench_counter(sw->bench, "learning", "same_port"),
	                expected);
	end(sw);
}

static void a_port_that_comes_up_changes_nothing(void)
{
	struct fake_switch *sw = begin("");

	introduce(sw);
	fake_switch_discard(sw);
	fake_switch_set_link(sw, 2, true);
	CU_ASSERT(is_quiet(sw));
	frame_in(sw, 9, 3, MAC(C), MAC(B));
	CU_ASSERT(is_entry(sw, 9, 3, MAC(C), MAC(B), 2));
	end(sw);
}

/* --- A full flow table --- */

static void a_full_flow_table_is_answered_by_forwarding_frame_by_frame(void)
{
	struct fake_switch *sw = begin("");
	struct fb_msg error = {.version = OFP_VERSION, .type = OFPT_ERROR};
	static uint8_t cause[80];

	introduce(sw);
	memcpy(cause, sw->sent, sizeof cause); /* the entry from A to B, with buffer 3 */
	error.xid = fb_get32(cause + 4);
	error.error.type = OFPET_FLOW_MOD_FAILED;
	error.error.code = OFPFMFC_ALL_TABLES_FULL;
	error.error.data = (struct fb_view){cause, sizeof cause};
	fake_switch_discard(sw);
	fake_switch_send(sw, &error);
	CU_ASSERT(is_out(sw, 3, 2)); /* the buffer is not left behind */
	frame_in(sw, 4, 1, MAC(A), MAC(B));
	CU_ASSERT(is_out(sw, 4, 2));
	CU_ASSERT(is_quiet(sw));
	bench_pass(sw->bench, FB_NS_PER_S);
	frame_in(sw, 5, 1, MAC(A), MAC(B));
	CU_ASSERT(is_entry(sw, 5, 1, MAC(A), MAC(B), 2));
	CU_ASSERT_EQUAL(bench_counter(sw->bench, "learning", "tables_full"), 1);
	end(sw);
}

/* The entry that took the buffer along led to a port that is gone by now: the frame is not lost. */
static void a_buffered_frame_whose_entry_was_refused_is_flooded(void)
{
	struct fake_switch *sw = begin("");
	struct fb_msg error = {.version = OFP_VERSION, .type = OFPT_ERROR};
	static uint8_t cause[80];

	introduce(sw);
	memcpy(cause, sw->sent, sizeof cause); /* the entry from A to B, with buffer 3 */
	error.xid = fb_get32(cause + 4);
	error.error.type = OFPET_BAD_ACTION;
	error.error.code = OFPBAC_BAD_OUT_PORT;
	error.error.data = (struct fb_view){cause, sizeof cause};
	fake_switch_discard(sw);
	fake_switch_send(sw, &error);
	CU_ASSERT(is_out(sw, 3, OFPP_FLOOD));
	CU_ASSERT(is_quiet(sw));
	/* A buffer that is gone needs no release. */
	error.error.type = OFPET_BAD_REQUEST;
	error.error.code = OFPBRC_BUFFER_UNKNOWN;
	fake_switch_send(sw, &error);
	CU_ASSERT(is_quiet(sw));
	CU_ASSERT_EQUAL(bench_counter(sw->bench, "learning", "tables_full"), 0);
	end(sw);
}

/* --- Entries of an earlier run --- */

/* An entry as install() makes it, in a FLOW statistics reply to the request of switch_up. */
static void report_entry(struct fake_switch *sw, uint32_t xid, uint64_t cookie, uint16_t in_port,
                         uint64_t src, uint64_t dst, uint16_t out_port)
{
	uint8_t memory[256], actions[8];
	struct fb_buf entries = fb_buf_make(memory, sizeof memory),
	              list = fb_buf_make(actions, sizeof actions);
	struct fb_flow_stats flow = {.cookie = cookie, .priority = 100};
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_STATS_REPLY, .xid = xid};

	fb_match_any(&flow.match);
	flow.match.wildcards =
	        OFPFW_ALL & ~(OFPFW_IN_PORT | OFPFW_DL_SRC | OFPFW_DL_DST | OFPFW_DL_VLAN);
	flow.match.in_port = in_port;
	flow.match.dl_vlan = OFP_VLAN_NONE;
	fb_mac_from_u64(flow.match.dl_src, src);
	fb_mac_from_u64(flow.match.dl_dst, dst);
	fb_action_put_output(&list, out_port, 0);
	flow.actions = (struct fb_view){actions, list.len};
	fb_flow_stats_put(&entries, &flow);
	msg.stats_reply.type = OFPST_FLOW;
	msg.stats_reply.flags = OFPSF_REPLY_MORE;
	msg.stats_reply.entries = (struct fb_view){memory, entries.len};
	fake_switch_send(sw, &msg);
}

static void entries_of_an_earlier_run_are_taken_as_learned(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;
	uint32_t xid;

	bench_add(b, &fb_app_learning, "");
	sw = fake_switch_join_keeping(b, 1, 4, true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fake_switch_expect(sw, OFPT_STATS_REQUEST));
	CU_ASSERT_EQUAL(sw->msg.stats_request.type, OFPST_FLOW);
	xid = sw->msg.xid;
	CU_ASSERT(is_quiet(sw));
	frame_in(sw, 1, 4, MAC(C), BROADCAST);
	fake_switch_discard(sw);
	report_entry(sw, xid, UINT64_C(0x999900004c524e47), 1, MAC(A), MAC(B), 2);
	report_entry(sw, xid, UINT64_C(0x9999000000000007), 1, MAC(0x77), MAC(0x78),
	             2); /* somebody else's */
	CU_ASSERT(is_quiet(sw));
	/* C was heard at port 4 since: what leads to port 3 is out of date. */
	report_entry(sw, xid, UINT64_C(0x999900004c524e47), 1, MAC(A), MAC(C), 3);
	CU_ASSERT(is_delete(sw, false, MAC(C)));
	CU_ASSERT(is_delete(sw, true, MAC(C)));
	CU_ASSERT(is_quiet(sw));
	frame_in(sw, 2, 4, MAC(C), MAC(B));
	CU_ASSERT(is_entry(sw, 2, 4, MAC(C), MAC(B), 2));
	frame_in(sw, 3, 4, MAC(C), MAC(0x78));
	CU_ASSERT(is_out(sw, 3, OFPP_FLOOD));
	/* A station with an entry from before that turns up elsewhere has moved. */
	frame_in(sw, 4, 3, MAC(A), BROADCAST);
	CU_ASSERT(is_delete(sw, false, MAC(A)));
	CU_ASSERT(is_delete(sw, true, MAC(A)));
	bench_free(b);
}

/* A switch under learning whose request of statistics of switch_up is '*xid'. */
static struct fake_switch *begin_asked(struct bench *b, uint32_t *xid)
{
	struct fake_switch *sw;

	bench_add(b, &fb_app_learning, "");
	sw = fake_switch_join_keeping(b, 1, 4, true);
	CU_ASSERT_PTR_NOT_NULL_FATAL(fake_switch_expect(sw, OFPT_STATS_REQUEST));
	*xid = sw->msg.xid;
	return sw;
}

/* The next message deletes exactly the entry from 'src' to 'dst'. */
static bool is_strict_delete(struct fake_switch *sw, uint64_t src, uint64_t dst)
{
	const struct fb_msg *msg = fake_switch_expect(sw, OFPT_FLOW_MOD);
	const struct fb_flow_mod *fm = &sw->msg.flow_mod;

	return msg && fm->command == OFPFC_DELETE_STRICT && fm->priority == 100 &&
	       fm->out_port == OFPP_NONE && fb_mac_to_u64(fm->match.dl_src) == src &&
	       fb_mac_to_u64(fm->match.dl_dst) == dst;
}

/* The port went while there was no controller, so that nobody told of it. */
static void an_earlier_entry_of_a_port_that_is_gone_or_down_is_deleted(void)
{
	struct bench *b = bench_new();
	uint32_t xid;
	struct fake_switch *sw = begin_asked(b, &xid);

	report_entry(sw, xid, UINT64_C(0x999900004c524e47), 1, MAC(A), MAC(B), 9);
	CU_ASSERT(is_strict_delete(sw, MAC(A), MAC(B)));
	report_entry(sw, xid, UINT64_C(0x999900004c524e47), 9, MAC(B), MAC(A), 1);
	CU_ASSERT(is_strict_delete(sw, MAC(B), MAC(A)));
	fake_switch_set_link(sw, 2, false);
	fake_switch_discard(sw);
	report_entry(sw, xid, UINT64_C(0x999900004c524e47), 1, MAC(A), MAC(C), 2);
	CU_ASSERT(is_strict_delete(sw, MAC(A), MAC(C)));
	CU_ASSERT(is_quiet(sw));
	frame_in(sw, 1, 3, MAC(0x77), MAC(B));
	CU_ASSERT(is_out(sw, 1, OFPP_FLOOD));
	frame_in(sw, 2, 3, MAC(0x77), MAC(C));
	CU_ASSERT(is_out(sw, 2, OFPP_FLOOD));
	bench_free(b);
}

/* Learning makes none, so it is somebody else's, whatever its cookie. */
static void an_earlier_entry_for_a_group_teaches_nothing(void)
{
	struct bench *b = bench_new();
	uint32_t xid;
	struct fake_switch *sw = begin_asked(b, &xid);

	report_entry(sw, xid, UINT64_C(0x999900004c524e47), 1, MAC(A), BROADCAST, 2);
	report_entry(sw, xid, UINT64_C(0x999900004c524e47), 1, BROADCAST, MAC(B), 2);
	CU_ASSERT(is_quiet(sw));
	CU_ASSERT_EQUAL(bench_counter(b, "learning", "learned"), 0);
	bench_free(b);
}

static void the_highest_port_has_stations_too(void)
{
	struct fake_switch *sw = begin("");
	struct fb_phy_port port = fake_port(OFPP_MAX - 1);

	fake_switch_port_status(sw, OFPPR_ADD, &port);
	frame_in(sw, 1, OFPP_MAX - 1, MAC(A), BROADCAST);
	frame_in(sw, 2, 2, MAC(B), MAC(A));
	CU_ASSERT(is_entry(sw, 2, 2, MAC(B), MAC(A), OFPP_MAX - 1));
	end(sw);
}

static void what_was_learned_goes_with_the_switch(void)
{
	struct fake_switch *sw = begin(""), *again;

	introduce(sw);
	fake_switch_leave(sw);
	again = fake_switch_join(sw->bench, 1, 4);
	frame_in(again, 1, 1, MAC(A), MAC(B));
	CU_ASSERT(is_out(again, 1, OFPP_FLOOD));
	bench_pass(sw->bench, FB_NS_PER_S);
	end(sw);
}

UNIT_TESTS("learning", UNIT_TEST(an_unknown_destination_is_flooded),
           UNIT_TEST(a_known_destination_gets_an_entry_that_takes_the_buffer_along),
           UNIT_TEST(without_a_buffer_the_frame_follows_its_entry),
           UNIT_TEST(groups_are_flooded_and_never_learned),
           UNIT_TEST(a_destination_on_the_ingress_port_is_dropped),
           UNIT_TEST(vlans_are_learned_apart), UNIT_TEST(switches_are_learned_apart),
           UNIT_TEST(frames_of_one_read_are_handled_in_their_order),
           UNIT_TEST(a_move_is_logged_and_takes_the_old_entries_away),
           UNIT_TEST(a_move_without_entries_deletes_none),
           UNIT_TEST(an_entry_goes_when_its_source_or_its_destination_moves),
           UNIT_TEST(a_station_that_flaps_does_not_flood_the_log),
           UNIT_TEST(a_silent_station_is_forgotten_with_its_entries),
           UNIT_TEST(a_station_that_speaks_is_not_forgotten),
           UNIT_TEST(a_full_table_loses_its_oldest_station_and_that_ones_entries),
           UNIT_TEST(a_station_heard_again_is_not_the_oldest),
           UNIT_TEST(a_port_that_goes_down_takes_stations_and_entries_along),
           UNIT_TEST(a_port_that_is_lost_again_and_again_is_cleared_once),
           UNIT_TEST(a_port_takes_those_stations_along_that_are_there_now),
           UNIT_TEST(a_port_that_comes_up_changes_nothing),
           UNIT_TEST(a_full_flow_table_is_answered_by_forwarding_frame_by_frame),
           UNIT_TEST(a_buffered_frame_whose_entry_was_refused_is_flooded),
           UNIT_TEST(entries_of_an_earlier_run_are_taken_as_learned),
           UNIT_TEST(an_earlier_entry_of_a_port_that_is_gone_or_down_is_deleted),
           UNIT_TEST(an_earlier_entry_for_a_group_teaches_nothing),
           UNIT_TEST(the_highest_port_has_stations_too),
           UNIT_TEST(what_was_learned_goes_with_the_switch))
