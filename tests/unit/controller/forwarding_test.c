/* The application forwarding on bytes: in which order entries, barriers and packets leave, and what
 * becomes of flows when the network changes. */
#include "tests/unit/harness.h"

#include "tests/unit/controller/fake_network.h"

enum { A = 0x0a, B = 0x0b, C = 0x0c, RUN = 0x1234abcd };
#define MAC(host)  (UINT64_C(0x020000000000) | (host))
#define BROADCAST  UINT64_C(0xffffffffffff)
#define FLIGHT_NS  (100 * FB_NS_PER_MS)
#define HOST_PORT  1
#define OTHER_PORT 4

/* --- Networks --- */

/* Let discovery see all, and forget what was sent for it. */
static void settle(struct fake_network *net)
{
	fake_network_pass(net, FB_NS_PER_S);
	fake_network_discard(net);
}

/* 'count' switches in a line, dpids from 1: each with four ports, of which 2 leads to the one before
 * and 3 to the next. */
static struct fake_network begin_line(const char *options, struct fake_switch **line, size_t count)
{
	struct fake_network net = fake_network_begin("", &fb_app_forwarding, options);

	for (size_t i = 0; i < count; i++) {
		line[i] = fake_network_join(&net, i + 1, 4);
		if (i > 0)
			fake_network_wire(&net, line[i - 1], 3, line[i], 2);
	}
	settle(&net);
	return net;
}

/* The same in a ring. */
static struct fake_network begin_ring(const char *options, struct fake_switch **ring, size_t count)
{
	struct fake_network net = fake_network_begin("", &fb_app_forwarding, options);

	for (size_t i = 0; i < count; i++)
		ring[i] = fake_network_join(&net, i + 1, 4);
	for (size_t i = 0; i < count; i++)
		fake_network_wire(&net, ring[i], 3, ring[(i + 1) % count], 2);
	settle(&net);
	return net;
}

static void frame_in(struct fake_switch *sw, uint32_t buffer_id, uint16_t port, uint64_t src,
                     uint64_t dst)
{
	uint8_t frame[60];
	size_t len = fake_frame(frame, src, dst);

	fake_switch_packet_in(sw, buffer_id, port, frame, len);
}

/* 'mac' is known to be at 'port' of 'sw'; the flood that told it is over. */
static void introduce(struct fake_network *net, struct fake_switch *sw, uint16_t port, uint64_t mac)
{
	frame_in(sw, OFP_NO_BUFFER, port, mac, BROADCAST);
	fake_network_discard(net);
}

static uint64_t counter(const struct fake_network *net, const char *name)
{
	return bench_counter(net->b, "forwarding", name);
}

/* --- What was sent --- */

static bool is_quiet(struct fake_switch *sw)
{
	return !fake_switch_next(sw);
}

/* The next message is a packet-out of 'buffer_id' to 'ports', of which the first 0 is the end. */
static bool is_out_to(struct fake_switch *sw, uint32_t buffer_id, const uint16_t *ports)
{
	const struct fb_msg *msg = fake_switch_expect(sw, OFPT_PACKET_OUT);
	const struct fb_view actions = msg ? msg->packet_out.actions : (struct fb_view){0};
	struct fb_action action;
	size_t offset = 0;

	if (!msg || msg->packet_out.buffer_id != buffer_id)
		return false;
	while (fb_action_next(actions.data, actions.len, &offset, &action)) {
		if (action.type != OFPAT_OUTPUT || action.output.port != *ports++)
			return false;
	}
	return *ports == 0;
}

#define IS_OUT(sw, buffer_id, ...) is_out_to(sw, buffer_id, (const uint16_t[]){__VA_ARGS__, 0})

static bool is_dropped(struct fake_switch *sw, uint32_t buffer_id)
{
	const struct fb_msg *msg = fake_switch_expect(sw, OFPT_PACKET_OUT);

	return msg && msg->packet_out.buffer_id == buffer_id && fake_goes_nowhere(&msg->packet_out);
}

static bool is_match(const struct fb_match *match, uint16_t in_port, uint64_t src, uint64_t dst)
{
	return match->wildcards == (OFPFW_ALL & ~(OFPFW_IN_PORT | OFPFW_DL_SRC | OFPFW_DL_DST |
	                                          OFPFW_DL_VLAN)) &&
	       match->in_port == in_port && fb_mac_to_u64(match->dl_src) == src &&
	       fb_mac_to_u64(match->dl_dst) == dst && match->dl_vlan == OFP_VLAN_NONE;
}

/* The next message is the entry for frames from 'src' at 'in_port' to 'dst' at 'out_port'. */
static bool is_entry(struct fake_switch *sw, uint32_t buffer_id, uint16_t in_port, uint64_t src,
                     uint64_t dst, uint16_t out_port)
{
	const struct fb_msg *msg = fake_switch_expect(sw, OFPT_FLOW_MOD);
	const struct fb_flow_mod *fm = &sw->msg.flow_mod;

	return msg && fm->command == OFPFC_ADD && fm->buffer_id == buffer_id &&
	       fm->cookie >> 32 == RUN && is_match(&fm->match, in_port, src, dst) &&
	       fake_only_output(fm->actions) == out_port;
}

static bool is_delete(struct fake_switch *sw, uint16_t in_port, uint64_t src, uint64_t dst)
{
	const struct fb_msg *msg = fake_switch_expect(sw, OFPT_FLOW_MOD);
	const struct fb_flow_mod *fm = &sw->msg.flow_mod;

	return msg && fm->command == OFPFC_DELETE_STRICT && fm->out_port == OFPP_NONE &&
	       fm->priority == 100 && is_match(&fm->match, in_port, src, dst);
}

/* The xid of the barrier that is the next message; 0 where it is none. */
static uint32_t barrier(struct fake_switch *sw)
{
	const struct fb_msg *msg = fake_switch_expect(sw, OFPT_BARRIER_REQUEST);

	return msg ? msg->xid : 0;
}

static void answer(struct fake_switch *sw, uint32_t xid)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_BARRIER_REPLY, .xid = xid};

	fake_switch_send(sw, &msg);
}

/* Take a barrier that is the next message, and answer it. */
static bool is_confirmed(struct fake_switch *sw)
{
	uint32_t xid = barrier(sw);

	if (xid)
		answer(sw, xid);
	return xid;
}

/* Answer all barriers that were sent, and those that this leads to; all else is forgotten. */
static void confirm_all(struct fake_network *net)
{
	bool again = true;

	while (again) {
		again = false;
		for (size_t i = 0; i < net->b->switches_count; i++) {
			struct fake_switch *sw = net->b->switches[i];
			uint32_t xids[1024];
			size_t count = 0;

			for (size_t at = 0; at < sw->sent_len; at += fb_get16(sw->sent + at + 2)) {
				if (sw->sent[at + 1] == OFPT_BARRIER_REQUEST)
					xids[count++] = fb_get32(sw->sent + at + 4);
			}
			fake_switch_discard(sw);
			again |= count > 0;
			for (size_t k = 0; k < count && sw->session; k++)
				answer(sw, xids[k]);
		}
	}
	fake_network_discard(net);
}

/* A flow from 'src' at 'from' to 'dst' is established. */
static void establish(struct fake_network *net, struct fake_switch *from, uint64_t src,
                      uint64_t dst)
{
	frame_in(from, OFP_NO_BUFFER, HOST_PORT, src, dst);
	confirm_all(net);
}

/* The cookie of the entry that the next message installs. */
static uint64_t cookie(struct fake_switch *sw)
{
	const struct fb_msg *msg = fake_switch_expect(sw, OFPT_FLOW_MOD);

	CU_ASSERT_FATAL(msg != NULL);
	return msg->flow_mod.cookie;
}

/* --- Floods --- */

static void one_switch_floods_by_itself(void)
{
	struct fake_switch *a;
	struct fake_network net = begin_line("", &a, 1);

	frame_in(a, 7, 1, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(a, 7, OFPP_FLOOD));
	frame_in(a, OFP_NO_BUFFER, 1, MAC(A), BROADCAST);
	CU_ASSERT(IS_OUT(a, OFP_NO_BUFFER, OFPP_FLOOD));
	CU_ASSERT(is_quiet(a));
	CU_ASSERT_EQUAL(counter(&net, "floods"), 2);
	fake_network_end(&net);
}

static void a_flood_goes_from_switch_to_switch_over_the_tree(void)
{
	struct fake_switch *ring[3];
	struct fake_network net = begin_ring("", ring, 3);

	frame_in(ring[0], 7, 1, MAC(A), BROADCAST);
	CU_ASSERT(IS_OUT(ring[0], 7, 2, 3, 4));
	frame_in(ring[1], 8, 2, MAC(A), BROADCAST);
	CU_ASSERT(IS_OUT(ring[1], 8, 1, 4));
	/* By the link that is not of the tree. */
	frame_in(ring[2], 9, 2, MAC(A), BROADCAST);
	CU_ASSERT(is_dropped(ring[2], 9));
	CU_ASSERT_EQUAL(counter(&net, "floods_off_tree"), 1);
	for (size_t i = 0; i < 3; i++)
		CU_ASSERT(is_quiet(ring[i]));
	fake_network_end(&net);
}

/* --- New flows --- */

static void on_one_switch_an_entry_takes_the_frame_along(void)
{
	struct fake_switch *a;
	struct fake_network net = begin_line("idle_timeout=30s,hard_timeout=2m,priority=7", &a, 1);

	introduce(&net, a, 2, MAC(B));
	frame_in(a, 5, 1, MAC(A), MAC(B));
	CU_ASSERT(is_entry(a, 5, 1, MAC(A), MAC(B), 2));
	CU_ASSERT_EQUAL(a->msg.flow_mod.idle_timeout, 30);
	CU_ASSERT_EQUAL(a->msg.flow_mod.hard_timeout, 120);
	CU_ASSERT_EQUAL(a->msg.flow_mod.priority, 7);
	CU_ASSERT_EQUAL(a->msg.flow_mod.flags, OFPFF_SEND_FLOW_REM);
	CU_ASSERT(is_quiet(a));
	frame_in(a, OFP_NO_BUFFER, 2, MAC(B), MAC(A));
	CU_ASSERT(is_entry(a, OFP_NO_BUFFER, 2, MAC(B), MAC(A), 1));
	CU_ASSERT(IS_OUT(a, OFP_NO_BUFFER, 1));
	CU_ASSERT(is_quiet(a));
	CU_ASSERT_EQUAL(counter(&net, "flows"), 2);
	fake_network_end(&net);
}

static void over_several_switches_the_first_is_the_last(void)
{
	struct fake_switch *line[3];
	struct fake_network net = begin_line("", line, 3);
	uint32_t xids[3];

	introduce(&net, line[2], 1, MAC(B));
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	CU_ASSERT(is_entry(line[2], OFP_NO_BUFFER, 2, MAC(A), MAC(B), 1));
	CU_ASSERT_EQUAL(line[2]->msg.flow_mod.flags, 0);
	xids[2] = barrier(line[2]);
	CU_ASSERT(is_entry(line[1], OFP_NO_BUFFER, 2, MAC(A), MAC(B), 3));
	xids[1] = barrier(line[1]);
	CU_ASSERT(xids[1] && xids[2]);
	CU_ASSERT(is_quiet(line[0]));
	/* Those that come meanwhile wait. */
	frame_in(line[0], 6, 1, MAC(A), MAC(B));
	frame_in(line[0], OFP_NO_BUFFER, 1, MAC(A), MAC(B));
	CU_ASSERT(is_quiet(line[0]));
	answer(line[1], xids[1]);
	CU_ASSERT(is_quiet(line[0]));
	answer(line[2], xids[2]);
	CU_ASSERT(is_entry(line[0], 5, 1, MAC(A), MAC(B), 3));
	CU_ASSERT_EQUAL(line[0]->msg.flow_mod.flags, OFPFF_SEND_FLOW_REM);
	CU_ASSERT(IS_OUT(line[0], 6, 3));
	CU_ASSERT(IS_OUT(line[0], OFP_NO_BUFFER, 3));
	for (size_t i = 0; i < 3; i++)
		CU_ASSERT(is_quiet(line[i]));
	CU_ASSERT_EQUAL(counter(&net, "waited"), 3);
	fake_network_end(&net);
}

static void without_a_buffer_the_frame_follows_its_entry(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("", line, 2);

	introduce(&net, line[1], 1, MAC(B));
	frame_in(line[0], OFP_NO_BUFFER, 1, MAC(A), MAC(B));
	CU_ASSERT(is_entry(line[1], OFP_NO_BUFFER, 2, MAC(A), MAC(B), 1));
	CU_ASSERT(is_confirmed(line[1]));
	CU_ASSERT(is_entry(line[0], OFP_NO_BUFFER, 1, MAC(A), MAC(B), 3));
	CU_ASSERT(IS_OUT(line[0], OFP_NO_BUFFER, 3));
	CU_ASSERT_EQUAL(line[0]->msg.packet_out.data.len, 60);
	CU_ASSERT(is_quiet(line[0]));
	fake_network_end(&net);
}

static void a_destination_on_the_ingress_port_is_dropped(void)
{
	struct fake_switch *a;
	struct fake_network net = begin_line("", &a, 1);

	introduce(&net, a, 1, MAC(B));
	frame_in(a, 3, 1, MAC(A), MAC(B));
	CU_ASSERT(is_dropped(a, 3));
	CU_ASSERT(is_quiet(a));
	CU_ASSERT_EQUAL(counter(&net, "same_port"), 1);
	fake_network_end(&net);
}

/* From a group, which no entry could have as source: each by itself. */
static void frames_from_groups_are_sent_on_without_entries(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("", line, 2);

	introduce(&net, line[1], 1, MAC(B));
	frame_in(line[0], 3, 1, UINT64_C(0x010000000001), MAC(B));
	CU_ASSERT(IS_OUT(line[0], 3, 3));
	frame_in(line[1], 4, 2, UINT64_C(0x010000000001), MAC(B));
	CU_ASSERT(IS_OUT(line[1], 4, 1));
	CU_ASSERT(is_quiet(line[0]) && is_quiet(line[1]));
	fake_network_end(&net);
}

static void vlans_are_kept_apart(void)
{
	struct fake_switch *a;
	struct fake_network net = begin_line("", &a, 1);
	uint8_t frame[60];
	size_t len = fake_frame(frame, MAC(B), BROADCAST);
	const struct fb_msg *msg;

	introduce(&net, a, 2, MAC(B));
	fb_set16(frame + 12, FB_ETH_VLAN);
	fb_set16(frame + 14, 0x6005);
	fake_switch_packet_in(a, OFP_NO_BUFFER, 3, frame, len);
	fake_network_discard(&net);
	len = fake_frame(frame, MAC(A), MAC(B));
	fb_set16(frame + 12, FB_ETH_VLAN);
	fb_set16(frame + 14, 0x0005);
	fake_switch_packet_in(a, 9, 1, frame, len);
	msg = fake_switch_expect(a, OFPT_FLOW_MOD);
	CU_ASSERT_FATAL(msg != NULL);
	CU_ASSERT_EQUAL(msg->flow_mod.match.dl_vlan, 5);
	CU_ASSERT_EQUAL(fake_only_output(msg->flow_mod.actions), 3);
	frame_in(a, 10, 1, MAC(A), MAC(B));
	CU_ASSERT(is_entry(a, 10, 1, MAC(A), MAC(B), 2));
	fake_network_end(&net);
}

/* A copy of a frame that was flooded must not meet entries. */
static void nothing_is_installed_while_a_flood_is_under_way(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("", line, 2);

	frame_in(line[0], 1, 1, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(line[0], 1, 2, 3, 4));
	frame_in(line[1], 2, 1, MAC(B), BROADCAST);
	CU_ASSERT(IS_OUT(line[1], 2, 2, 3, 4));
	/* A copy that comes later goes on as a copy, although B is known now. */
	frame_in(line[1], 3, 2, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(line[1], 3, 1, 3, 4));
	frame_in(line[0], 4, 1, MAC(A), MAC(B));
	fake_network_pass(&net, FLIGHT_NS - 1);
	CU_ASSERT(is_quiet(line[0]) && is_quiet(line[1]));
	fake_network_pass(&net, 1);
	CU_ASSERT(is_entry(line[1], OFP_NO_BUFFER, 2, MAC(A), MAC(B), 1));
	CU_ASSERT(is_confirmed(line[1]));
	CU_ASSERT(is_entry(line[0], 4, 1, MAC(A), MAC(B), 3));
	CU_ASSERT(is_quiet(line[0]) && is_quiet(line[1]));
	fake_network_end(&net);
}

/* What waits for the end of a flood, and has nowhere to go any more then. */
static void a_flow_that_ends_before_it_begins_is_forgotten(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("", line, 2);

	frame_in(line[0], 1, 1, MAC(A), MAC(B));
	introduce(&net, line[1], 1, MAC(B));
	frame_in(line[0], 2, 1, MAC(A), MAC(B));
	CU_ASSERT(is_quiet(line[0]));
	fake_switch_set_link(line[1], 1, false);
	CU_ASSERT(IS_OUT(line[0], 2, 2, 3, 4));
	fake_network_pass(&net, 10 * FLIGHT_NS);
	CU_ASSERT(is_quiet(line[0]) && is_quiet(line[1]));
	fake_network_end(&net);
}

static void on_one_switch_a_flood_is_no_reason_to_wait(void)
{
	struct fake_switch *a;
	struct fake_network net = begin_line("", &a, 1);

	frame_in(a, 1, 1, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(a, 1, OFPP_FLOOD));
	frame_in(a, 2, 2, MAC(B), MAC(A));
	CU_ASSERT(is_entry(a, 2, 2, MAC(B), MAC(A), 1));
	frame_in(a, 3, 1, MAC(A), MAC(B));
	CU_ASSERT(is_entry(a, 3, 1, MAC(A), MAC(B), 2));
	fake_network_end(&net);
}

static void no_more_frames_wait_than_may(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("waiting_max=2", line, 2);

	introduce(&net, line[1], 1, MAC(B));
	for (uint32_t i = 1; i <= 3; i++)
		frame_in(line[0], i, 1, MAC(A), MAC(B));
	CU_ASSERT(is_dropped(line[0], 3));
	CU_ASSERT_EQUAL(counter(&net, "waiting_full"), 1);
	fake_switch_next(line[1]);
	CU_ASSERT(is_confirmed(line[1]));
	CU_ASSERT(is_entry(line[0], 1, 1, MAC(A), MAC(B), 3));
	CU_ASSERT(IS_OUT(line[0], 2, 3));
	CU_ASSERT(is_quiet(line[0]));
	fake_network_end(&net);
}

/* Neither whole nor kept by the switch. */
static void a_frame_that_came_cut_is_not_sent_on(void)
{
	struct fake_switch *a;
	struct fake_network net = begin_line("", &a, 1);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_PACKET_IN};
	uint8_t frame[60];

	introduce(&net, a, 2, MAC(B));
	fake_frame(frame, MAC(A), MAC(B));
	msg.packet_in.buffer_id = OFP_NO_BUFFER;
	msg.packet_in.total_len = 100;
	msg.packet_in.in_port = 1;
	msg.packet_in.data = (struct fb_view){frame, sizeof frame};
	fake_switch_send(a, &msg);
	CU_ASSERT(is_entry(a, OFP_NO_BUFFER, 1, MAC(A), MAC(B), 2));
	CU_ASSERT(is_quiet(a));
	CU_ASSERT_EQUAL(counter(&net, "frames_cut"), 1);
	fake_network_end(&net);
}

/* --- Flows that are there --- */

static void a_frame_that_comes_after_its_entry_is_sent_on(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("", line, 2);

	introduce(&net, line[1], 1, MAC(B));
	establish(&net, line[0], MAC(A), MAC(B));
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(line[0], 5, 3));
	CU_ASSERT(is_quiet(line[0]) && is_quiet(line[1]));
	fake_network_end(&net);
}

/* Much later: then nobody told that the entries went. */
static void entries_that_should_be_there_are_sent_again(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("", line, 2);

	introduce(&net, line[1], 1, MAC(B));
	establish(&net, line[0], MAC(A), MAC(B));
	fake_network_pass(&net, FB_NS_PER_S);
	fake_network_discard(&net);
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	CU_ASSERT(is_quiet(line[0]));
	CU_ASSERT(is_entry(line[1], OFP_NO_BUFFER, 2, MAC(A), MAC(B), 1));
	CU_ASSERT(is_confirmed(line[1]));
	CU_ASSERT(is_entry(line[0], 5, 1, MAC(A), MAC(B), 3));
	CU_ASSERT(is_quiet(line[0]) && is_quiet(line[1]));
	fake_network_end(&net);
}

static void an_entry_that_is_missing_under_way_is_mended(void)
{
	struct fake_switch *line[3];
	struct fake_network net = begin_line("", line, 3);

	introduce(&net, line[2], 1, MAC(B));
	establish(&net, line[0], MAC(A), MAC(B));
	frame_in(line[1], 5, 2, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(line[1], 5, 3));
	fake_network_pass(&net, FB_NS_PER_S);
	fake_network_discard(&net);
	frame_in(line[1], 6, 2, MAC(A), MAC(B));
	CU_ASSERT(is_entry(line[1], 6, 2, MAC(A), MAC(B), 3));
	frame_in(line[1], 7, 2, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(line[1], 7, 3));
	CU_ASSERT(is_quiet(line[1]));
	CU_ASSERT_EQUAL(counter(&net, "mended"), 1);
	CU_ASSERT_EQUAL(counter(&net, "transit"), 3);
	fake_network_end(&net);
}

static void a_flow_ends_everywhere_when_it_ends_at_its_first_switch(void)
{
	struct fake_switch *line[3];
	struct fake_network net = begin_line("", line, 3);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_FLOW_REMOVED};

	introduce(&net, line[2], 1, MAC(B));
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	fake_switch_next(line[1]);
	fake_switch_next(line[2]);
	CU_ASSERT(is_confirmed(line[1]) && is_confirmed(line[2]));
	msg.flow_removed.cookie = cookie(line[0]);
	msg.flow_removed.match = line[0]->msg.flow_mod.match;
	msg.flow_removed.priority = 100;
	/* Of another entry, which was replaced by this one. */
	msg.flow_removed.cookie ^= 1;
	fake_switch_send(line[0], &msg);
	CU_ASSERT(is_quiet(line[1]) && is_quiet(line[2]));
	msg.flow_removed.cookie ^= 1;
	fake_switch_send(line[0], &msg);
	CU_ASSERT(is_delete(line[1], 2, MAC(A), MAC(B)));
	CU_ASSERT(is_delete(line[2], 2, MAC(A), MAC(B)));
	CU_ASSERT(is_quiet(line[0]));
	/* What comes before that is confirmed waits, and gets new entries. */
	CU_ASSERT(is_confirmed(line[1]) && is_confirmed(line[2]));
	frame_in(line[0], 6, 1, MAC(A), MAC(B));
	CU_ASSERT(is_entry(line[1], OFP_NO_BUFFER, 2, MAC(A), MAC(B), 3));
	CU_ASSERT(is_entry(line[2], OFP_NO_BUFFER, 2, MAC(A), MAC(B), 1));
	fake_network_end(&net);
}

static void the_oldest_flow_goes_for_a_new_one(void)
{
	struct fake_switch *a;
	struct fake_network net = begin_line("flows_max=2", &a, 1);

	introduce(&net, a, 2, MAC(B));
	establish(&net, a, MAC(1), MAC(B));
	establish(&net, a, MAC(2), MAC(B));
	fake_network_pass(&net, FB_NS_PER_S);
	/* It was used since. */
	establish(&net, a, MAC(1), MAC(B));
	frame_in(a, 7, 1, MAC(3), MAC(B));
	CU_ASSERT(is_delete(a, 1, MAC(2), MAC(B)));
	CU_ASSERT(is_entry(a, 7, 1, MAC(3), MAC(B), 2));
	CU_ASSERT(is_quiet(a));
	CU_ASSERT_EQUAL(counter(&net, "flows_evicted"), 1);
	fake_network_end(&net);
}

/* A thousand flows and more: what was confirmed is not counted as unanswered. */
static void barriers_that_were_answered_do_not_count(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("", line, 2);

	introduce(&net, line[1], 1, MAC(B));
	for (uint64_t i = 0; i < 2500; i++)
		establish(&net, line[0], MAC(0x1000 + i), MAC(B));
	CU_ASSERT_EQUAL(counter(&net, "barriers_skipped"), 0);
	/* So many at a time that a switch is not asked any more. */
	for (uint64_t i = 0; i < 2049; i++)
		frame_in(line[0], OFP_NO_BUFFER, 1, MAC(0x2000 + i), MAC(B));
	CU_ASSERT_EQUAL(counter(&net, "barriers_skipped"), 1);
	fake_network_end(&net);
}

/* --- Frames under way --- */

static void a_frame_by_a_link_that_is_none_any_more_is_dropped(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("", line, 2);

	introduce(&net, line[1], 1, MAC(B));
	fake_switch_set_link(line[0], 3, false);
	frame_in(line[1], 5, 2, MAC(A), MAC(B));
	CU_ASSERT(is_dropped(line[1], 5));
	frame_in(line[0], 6, 3, MAC(A), MAC(B));
	CU_ASSERT(is_dropped(line[0], 6));
	CU_ASSERT_EQUAL(counter(&net, "unlinked"), 2);
	fake_network_end(&net);
}

static void a_frame_that_would_go_back_is_dropped(void)
{
	struct fake_switch *line[3];
	struct fake_network net = begin_line("", line, 3);

	introduce(&net, line[0], 1, MAC(B));
	frame_in(line[1], 5, 2, MAC(A), MAC(B));
	CU_ASSERT(is_dropped(line[1], 5));
	CU_ASSERT_EQUAL(counter(&net, "turned_back"), 1);
	frame_in(line[1], 6, 3, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(line[1], 6, 2));
	fake_network_end(&net);
}

/* Its host is not known any more, or not yet: it is flooded from there, and its copies are copies. */
static void a_frame_under_way_to_an_unknown_host_is_flooded(void)
{
	struct fake_switch *ring[3];
	struct fake_network net = begin_ring("", ring, 3);

	frame_in(ring[0], 5, 2, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(ring[0], 5, 1, 3, 4));
	introduce(&net, ring[2], 1, MAC(B));
	/* By the link that is not of the tree. */
	frame_in(ring[2], 6, 2, MAC(A), MAC(B));
	CU_ASSERT(is_dropped(ring[2], 6));
	CU_ASSERT_EQUAL(counter(&net, "floods_off_tree"), 1);
	fake_network_end(&net);
}

static void a_frame_without_a_way_is_dropped(void)
{
	struct fake_switch *line[3];
	struct fake_network net = begin_line("", line, 3);

	introduce(&net, line[2], 1, MAC(B));
	introduce(&net, line[0], 1, MAC(A));
	fake_switch_set_link(line[1], 3, false);
	fake_network_discard(&net);
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	CU_ASSERT(is_dropped(line[0], 5));
	CU_ASSERT_EQUAL(counter(&net, "no_path"), 1);
	fake_network_end(&net);
}

/* --- When the network changes --- */

/* From ring[0] over ring[1] to ring[1]'s neighbour: the way of a pair, which the ring's size leaves
 * no choice. */
static void a_flow_whose_link_goes_is_moved(void)
{
	struct fake_switch *ring[3];
	struct fake_network net = begin_ring("", ring, 3);

	introduce(&net, ring[1], 1, MAC(B));
	establish(&net, ring[0], MAC(A), MAC(B));
	fake_switch_set_link(ring[0], 3, false);
	/* What leads to the port that is gone goes at once. */
	CU_ASSERT(is_delete(ring[0], 1, MAC(A), MAC(B)));
	CU_ASSERT(is_confirmed(ring[0]));
	CU_ASSERT(is_entry(ring[1], OFP_NO_BUFFER, 3, MAC(A), MAC(B), 1));
	CU_ASSERT(is_entry(ring[2], OFP_NO_BUFFER, 3, MAC(A), MAC(B), 2));
	CU_ASSERT(is_quiet(ring[0]));
	/* Frames that come meanwhile wait. */
	frame_in(ring[0], 5, 1, MAC(A), MAC(B));
	CU_ASSERT(is_confirmed(ring[2]));
	CU_ASSERT(is_quiet(ring[0]));
	CU_ASSERT(is_confirmed(ring[1]));
	CU_ASSERT(is_entry(ring[0], 5, 1, MAC(A), MAC(B), 2));
	/* Then what is left of the old way goes. */
	CU_ASSERT(is_confirmed(ring[0]));
	CU_ASSERT(is_delete(ring[1], 2, MAC(A), MAC(B)));
	CU_ASSERT(is_confirmed(ring[1]));
	for (size_t i = 0; i < 3; i++)
		CU_ASSERT(is_quiet(ring[i]));
	CU_ASSERT_EQUAL(counter(&net, "flows_moved"), 1);
	fake_network_end(&net);
}

/* Back to the shorter way, without a gap: nothing of the old one goes before the new one is there. */
static void a_flow_moves_to_a_shorter_way_a_while_after_a_link_came_up(void)
{
	struct fake_switch *ring[3];
	struct fake_network net = begin_ring("", ring, 3);

	introduce(&net, ring[1], 1, MAC(B));
	fake_switch_set_link(ring[0], 3, false);
	fake_switch_set_link(ring[1], 2, false);
	fake_network_pass(&net, FB_NS_PER_S);
	fake_network_discard(&net);
	establish(&net, ring[0], MAC(A), MAC(B));
	fake_switch_set_link(ring[0], 3, true);
	fake_switch_set_link(ring[1], 2, true);
	fake_network_pass(&net, FB_NS_PER_S - FB_NS_PER_MS);
	for (size_t i = 0; i < 3; i++)
		CU_ASSERT(is_quiet(ring[i]));
	fake_network_pass(&net, 2 * FB_NS_PER_MS);
	CU_ASSERT(is_entry(ring[1], OFP_NO_BUFFER, 2, MAC(A), MAC(B), 1));
	CU_ASSERT(is_quiet(ring[0]) && is_quiet(ring[2]));
	CU_ASSERT(is_confirmed(ring[1]));
	CU_ASSERT(is_entry(ring[0], OFP_NO_BUFFER, 1, MAC(A), MAC(B), 3));
	CU_ASSERT(is_quiet(ring[1]) && is_quiet(ring[2]));
	CU_ASSERT(is_confirmed(ring[0]));
	CU_ASSERT(is_delete(ring[1], 3, MAC(A), MAC(B)));
	CU_ASSERT(is_delete(ring[2], 3, MAC(A), MAC(B)));
	CU_ASSERT(is_quiet(ring[0]));
	fake_network_end(&net);
}

/* Two links in parallel: the entry in the middle is replaced when all behind it is there. */
static void an_entry_in_the_middle_is_replaced_last(void)
{
	struct fake_network net = fake_network_begin("", &fb_app_forwarding, "");
	struct fake_switch *line[3];
	uint16_t used, other;

	for (size_t i = 0; i < 3; i++)
		line[i] = fake_network_join(&net, i + 1, 4);
	fake_network_wire(&net, line[0], 3, line[1], 2);
	fake_network_wire(&net, line[1], 3, line[2], 2);
	fake_network_wire(&net, line[1], 4, line[2], 3);
	settle(&net);
	introduce(&net, line[2], 1, MAC(B));
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	fake_switch_next(line[1]);
	used = fake_only_output(line[1]->msg.flow_mod.actions);
	other = used == 3 ? 4 : 3;
	confirm_all(&net);
	fake_switch_set_link(line[1], used, false);
	CU_ASSERT(is_delete(line[1], 2, MAC(A), MAC(B)));
	CU_ASSERT(is_confirmed(line[1]));
	/* Both are new, and nothing is at the first switch to be changed. */
	CU_ASSERT(is_entry(line[2], OFP_NO_BUFFER, other - 1, MAC(A), MAC(B), 1));
	CU_ASSERT(is_entry(line[1], OFP_NO_BUFFER, 2, MAC(A), MAC(B), other));
	CU_ASSERT(is_quiet(line[0]));
	CU_ASSERT(is_confirmed(line[2]) && is_confirmed(line[1]));
	CU_ASSERT(is_delete(line[2], used - 1, MAC(A), MAC(B)));
	CU_ASSERT(is_confirmed(line[2]));
	/* Back: now the one in the middle leads elsewhere. */
	fake_switch_set_link(line[1], used, true);
	fake_network_pass(&net, 2 * FB_NS_PER_S);
	CU_ASSERT(is_entry(line[2], OFP_NO_BUFFER, used - 1, MAC(A), MAC(B), 1));
	CU_ASSERT(is_quiet(line[1]));
	CU_ASSERT(is_confirmed(line[2]));
	CU_ASSERT(is_entry(line[1], OFP_NO_BUFFER, 2, MAC(A), MAC(B), used));
	CU_ASSERT(is_quiet(line[2]));
	CU_ASSERT(is_confirmed(line[1]));
	CU_ASSERT(is_delete(line[2], other - 1, MAC(A), MAC(B)));
	CU_ASSERT(is_quiet(line[0]) && is_quiet(line[1]));
	fake_network_end(&net);
}

/* Where a way changes at two places: the one that is nearer to the end is first, and confirmed. */
static void gates_are_opened_one_after_the_other(void)
{
	enum { FIRST, M, N, P, Z, LAST, COUNT };
	struct fake_network net = fake_network_begin("", &fb_app_forwarding, "");
	struct fake_switch *sw[COUNT];
	uint16_t out, z_out;

	for (size_t i = 0; i < COUNT; i++)
		sw[i] = fake_network_join(&net, i + 1, 4);
	fake_network_wire(&net, sw[FIRST], 2, sw[M], 1);
	fake_network_wire(&net, sw[FIRST], 3, sw[N], 1);
	fake_network_wire(&net, sw[M], 2, sw[P], 1);
	fake_network_wire(&net, sw[N], 2, sw[P], 2);
	fake_network_wire(&net, sw[P], 3, sw[Z], 1);
	fake_network_wire(&net, sw[Z], 2, sw[LAST], 2);
	fake_network_wire(&net, sw[Z], 3, sw[LAST], 3);
	settle(&net);
	introduce(&net, sw[LAST], 1, MAC(B));
	frame_in(sw[FIRST], 5, 1, MAC(A), MAC(B));
	fake_switch_next(sw[Z]);
	z_out = fake_only_output(sw[Z]->msg.flow_mod.actions);
	out = fake_switch_count(sw[M], OFPT_FLOW_MOD) > 0 ? 2 : 3;
	confirm_all(&net);
	/* Over the other side of both, and back at once. */
	fake_switch_set_link(sw[Z], z_out, false);
	fake_switch_set_link(sw[FIRST], out, false);
	confirm_all(&net);
	CU_ASSERT_EQUAL(counter(&net, "flows_moved"), 2);
	fake_switch_set_link(sw[Z], z_out, true);
	fake_switch_set_link(sw[FIRST], out, true);
	fake_network_pass(&net, 2 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(counter(&net, "flows_moved"), 3);
	/* New: on the side of the first switch, where it meets the way, and at the last. */
	CU_ASSERT(is_entry(sw[LAST], OFP_NO_BUFFER, z_out, MAC(A), MAC(B), 1));
	CU_ASSERT(is_entry(sw[P], OFP_NO_BUFFER, out - 1, MAC(A), MAC(B), 3));
	CU_ASSERT(is_entry(sw[out == 2 ? M : N], OFP_NO_BUFFER, 1, MAC(A), MAC(B), 2));
	CU_ASSERT(is_confirmed(sw[LAST]) && is_confirmed(sw[P]));
	CU_ASSERT(is_quiet(sw[Z]));
	CU_ASSERT(is_confirmed(sw[out == 2 ? M : N]));
	CU_ASSERT(is_entry(sw[Z], OFP_NO_BUFFER, 1, MAC(A), MAC(B), z_out));
	CU_ASSERT(is_quiet(sw[FIRST]));
	CU_ASSERT(is_confirmed(sw[Z]));
	CU_ASSERT(is_entry(sw[FIRST], OFP_NO_BUFFER, 1, MAC(A), MAC(B), out));
	CU_ASSERT(is_quiet(sw[LAST]) && is_quiet(sw[P]));
	CU_ASSERT(is_confirmed(sw[FIRST]));
	CU_ASSERT(is_delete(sw[LAST], 5 - z_out, MAC(A), MAC(B)));
	CU_ASSERT(is_delete(sw[P], 4 - out, MAC(A), MAC(B)));
	fake_network_end(&net);
}

/* Some at a time, also while they come and go. */
static void all_flows_are_looked_at_when_a_link_came_up(void)
{
	enum { FLOWS = 400 };
	struct fake_switch *ring[3];
	struct fake_network net = begin_ring("", ring, 3);

	introduce(&net, ring[1], 1, MAC(B));
	fake_switch_set_link(ring[0], 3, false);
	fake_switch_set_link(ring[1], 2, false);
	fake_network_pass(&net, FB_NS_PER_S);
	for (uint64_t i = 0; i < FLOWS; i++)
		establish(&net, ring[0], MAC(0x1000 + i), MAC(B));
	fake_switch_set_link(ring[0], 3, true);
	fake_switch_set_link(ring[1], 2, true);
	fake_network_pass(&net, FB_NS_PER_S);
	CU_ASSERT_EQUAL(counter(&net, "flows_moved"), 256);
	/* The next ones leave, and one of those that are to come is used. */
	for (uint64_t i = 256; i < 260; i++)
		frame_in(ring[0], OFP_NO_BUFFER, 4, MAC(0x1000 + i), BROADCAST);
	confirm_all(&net);
	fake_network_pass(&net, 2 * FB_NS_PER_MS);
	confirm_all(&net);
	CU_ASSERT_EQUAL(counter(&net, "flows_moved"), FLOWS - 4);
	fake_network_end(&net);
}

/* What is under way when the link goes, or when the entries of the new way are not confirmed. */
static void another_link_goes_while_a_flow_is_moved(void)
{
	struct fake_switch *ring[4];
	struct fake_network net = begin_ring("", ring, 4);

	introduce(&net, ring[2], 1, MAC(B));
	frame_in(ring[0], 5, 1, MAC(A), MAC(B));
	/* Whichever way it takes, both links of ring[0] go before anything is confirmed. */
	fake_switch_set_link(ring[0], 3, false);
	fake_switch_set_link(ring[0], 2, false);
	confirm_all(&net);
	CU_ASSERT_EQUAL(counter(&net, "flows_removed"), 1);
	/* The frame that waited has no way. */
	CU_ASSERT_EQUAL(counter(&net, "no_path"), 1);
	fake_switch_set_link(ring[0], 2, true);
	fake_network_pass(&net, FB_NS_PER_S);
	fake_network_discard(&net);
	frame_in(ring[0], 6, 1, MAC(A), MAC(B));
	CU_ASSERT(is_entry(ring[2], OFP_NO_BUFFER, 3, MAC(A), MAC(B), 1));
	CU_ASSERT(is_entry(ring[3], OFP_NO_BUFFER, 3, MAC(A), MAC(B), 2));
	CU_ASSERT(is_confirmed(ring[2]) && is_confirmed(ring[3]));
	CU_ASSERT(is_entry(ring[0], 6, 1, MAC(A), MAC(B), 2));
	fake_network_end(&net);
}

static void no_other_flow_is_touched(void)
{
	struct fake_switch *line[3];
	struct fake_network net = begin_line("", line, 3);

	introduce(&net, line[0], 4, MAC(C));
	introduce(&net, line[1], 1, MAC(B));
	introduce(&net, line[2], 1, MAC(0x0d));
	establish(&net, line[0], MAC(A), MAC(B));
	establish(&net, line[0], MAC(A), MAC(C));
	establish(&net, line[0], MAC(A), MAC(0x0d));
	fake_switch_set_link(line[1], 3, false);
	CU_ASSERT(is_delete(line[1], 2, MAC(A), MAC(0x0d)));
	CU_ASSERT(is_delete(line[0], 1, MAC(A), MAC(0x0d)));
	CU_ASSERT(is_delete(line[2], 2, MAC(A), MAC(0x0d)));
	confirm_all(&net);
	for (size_t i = 0; i < 3; i++)
		CU_ASSERT(is_quiet(line[i]));
	CU_ASSERT_EQUAL(counter(&net, "flows_removed"), 1);
	fake_network_end(&net);
}

/* The answer to an earlier barrier says nothing of what was sent after it. */
static void only_the_latest_barrier_of_an_entry_counts(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("", line, 2);
	uint32_t xids[2];

	introduce(&net, line[1], 1, MAC(B));
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	fake_switch_next(line[1]);
	xids[0] = barrier(line[1]);
	fake_switch_set_link(line[1], 1, false);
	CU_ASSERT(is_delete(line[1], 2, MAC(A), MAC(B)));
	xids[1] = barrier(line[1]);
	CU_ASSERT_FATAL(xids[0] && xids[1]);
	answer(line[1], xids[0]);
	CU_ASSERT(is_quiet(line[0]));
	answer(line[1], xids[1]);
	CU_ASSERT(IS_OUT(line[0], 5, 2, 3, 4));
	fake_network_end(&net);
}

/* What waited where it was is in nobody's way; the flow begins anew. */
static void a_flow_begins_anew_where_its_source_is_now(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("", line, 2);

	introduce(&net, line[1], 1, MAC(B));
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	frame_in(line[0], 6, 4, MAC(A), MAC(B));
	CU_ASSERT(is_dropped(line[0], 5));
	CU_ASSERT_EQUAL(counter(&net, "waiting_dropped"), 1);
	confirm_all(&net);
	frame_in(line[0], 7, 4, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(line[0], 7, 3));
	/* It is one like any other, and follows its destination. */
	frame_in(line[1], OFP_NO_BUFFER, 4, MAC(B), BROADCAST);
	CU_ASSERT(is_entry(line[1], OFP_NO_BUFFER, 2, MAC(A), MAC(B), 4));
	fake_network_end(&net);
}

/* A link that one end lost is gone in both directions. */
static void entries_at_the_other_end_of_a_link_go_too(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("", line, 2);

	introduce(&net, line[1], 1, MAC(B));
	introduce(&net, line[0], 1, MAC(A));
	establish(&net, line[1], MAC(B), MAC(A));
	fake_switch_set_link(line[0], 3, false);
	CU_ASSERT(is_delete(line[1], 1, MAC(B), MAC(A)));
	CU_ASSERT(is_delete(line[0], 3, MAC(B), MAC(A)));
	CU_ASSERT(is_confirmed(line[1]));
	CU_ASSERT(is_quiet(line[1]));
	fake_network_end(&net);
}

/* A switch that is asked to confirm that its entries are gone, and leaves instead. */
static void a_switch_that_leaves_confirms_what_it_was_asked(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("", line, 2);

	introduce(&net, line[1], 1, MAC(B));
	introduce(&net, line[0], 1, MAC(A));
	establish(&net, line[0], MAC(A), MAC(B));
	fake_switch_set_link(line[1], 1, false);
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	CU_ASSERT(is_delete(line[0], 1, MAC(A), MAC(B)));
	CU_ASSERT(is_quiet(line[0]));
	fake_switch_leave(line[1]);
	CU_ASSERT(IS_OUT(line[0], 5, 2, 4));
	fake_network_end(&net);
}

/* What goes to it is deleted, and what comes from it; and frames to it wait until that is sure. */
static void flows_of_a_host_that_is_gone_leave(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("", line, 2);
	uint32_t xid;

	introduce(&net, line[1], 1, MAC(B));
	introduce(&net, line[0], 1, MAC(A));
	establish(&net, line[0], MAC(A), MAC(B));
	establish(&net, line[1], MAC(B), MAC(A));
	fake_switch_set_link(line[1], 1, false);
	CU_ASSERT(is_delete(line[1], 2, MAC(A), MAC(B)));
	xid = barrier(line[1]);
	CU_ASSERT(xid);
	CU_ASSERT(is_delete(line[0], 1, MAC(A), MAC(B)));
	CU_ASSERT(is_delete(line[1], 1, MAC(B), MAC(A)));
	CU_ASSERT(is_delete(line[0], 3, MAC(B), MAC(A)));
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	CU_ASSERT(is_confirmed(line[0]));
	CU_ASSERT(is_quiet(line[0]));
	answer(line[1], xid);
	CU_ASSERT(IS_OUT(line[0], 5, 2, 3, 4));
	CU_ASSERT(is_quiet(line[0]));
	fake_network_end(&net);
}

static void what_goes_to_a_host_follows_it(void)
{
	struct fake_switch *line[3];
	struct fake_network net = begin_line("", line, 3);

	introduce(&net, line[1], 1, MAC(B));
	introduce(&net, line[0], 1, MAC(A));
	establish(&net, line[0], MAC(A), MAC(B));
	establish(&net, line[1], MAC(B), MAC(A));
	frame_in(line[2], 5, 1, MAC(B), BROADCAST);
	/* To it: the new way is longer, its first entry stays. */
	CU_ASSERT(is_entry(line[2], OFP_NO_BUFFER, 2, MAC(A), MAC(B), 1));
	CU_ASSERT(is_confirmed(line[2]));
	/* From it: by the old port nothing comes any more. */
	CU_ASSERT(is_delete(line[1], 1, MAC(B), MAC(A)));
	CU_ASSERT(is_delete(line[0], 3, MAC(B), MAC(A)));
	/* The one in the middle leads on now. */
	CU_ASSERT(is_entry(line[1], OFP_NO_BUFFER, 2, MAC(A), MAC(B), 3));
	confirm_all(&net);
	for (size_t i = 0; i < 3; i++)
		CU_ASSERT(is_quiet(line[i]));
	/* To where the flow begins: nothing is left of it. */
	frame_in(line[0], 6, 1, MAC(B), BROADCAST);
	CU_ASSERT(is_delete(line[0], 1, MAC(A), MAC(B)));
	CU_ASSERT(is_delete(line[1], 2, MAC(A), MAC(B)));
	CU_ASSERT(is_delete(line[2], 2, MAC(A), MAC(B)));
	fake_network_end(&net);
}

/* Its entries cannot be deleted, and nobody waits for it. */
static void a_switch_that_leaves_is_not_waited_for(void)
{
	struct fake_switch *ring[4];
	struct fake_network net = begin_ring("", ring, 4);
	size_t over;

	introduce(&net, ring[2], 1, MAC(B));
	frame_in(ring[0], 5, 1, MAC(A), MAC(B));
	over = fake_switch_count(ring[1], OFPT_FLOW_MOD) > 0 ? 1 : 3;
	fake_switch_leave(ring[over]);
	/* Over the other side; what it was to confirm does not matter any more. */
	CU_ASSERT(fake_switch_count(ring[4 - over], OFPT_FLOW_MOD) > 0);
	for (size_t i = 0; i < 4; i++) {
		struct fake_switch *sw = ring[i];

		while (i != over && i != 0 && fake_switch_next(sw)) {
			if (sw->msg.type == OFPT_BARRIER_REQUEST)
				answer(sw, sw->msg.xid);
		}
	}
	CU_ASSERT(is_entry(ring[0], 5, 1, MAC(A), MAC(B), over == 1 ? 2 : 3));
	fake_network_end(&net);
}

/* The switch in the middle of the only way leaves while its entry is not confirmed. */
static void with_the_only_way_the_flow_goes(void)
{
	struct fake_switch *line[3];
	struct fake_network net = begin_line("", line, 3);

	introduce(&net, line[2], 1, MAC(B));
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	fake_switch_leave(line[1]);
	CU_ASSERT(is_quiet(line[0]));
	CU_ASSERT(is_entry(line[2], OFP_NO_BUFFER, 2, MAC(A), MAC(B), 1));
	CU_ASSERT(barrier(line[2]));
	CU_ASSERT(is_delete(line[2], 2, MAC(A), MAC(B)));
	CU_ASSERT(is_confirmed(line[2]));
	CU_ASSERT(is_dropped(line[0], 5));
	CU_ASSERT_EQUAL(counter(&net, "no_path"), 1);
	fake_network_end(&net);
}

static void a_barrier_that_is_never_answered_is_waited_for_for_a_while(void)
{
	struct fake_switch *line[2];
	struct fake_network net = begin_line("", line, 2);

	introduce(&net, line[1], 1, MAC(B));
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	fake_network_pass(&net, 2 * FB_NS_PER_S - 1);
	CU_ASSERT(is_quiet(line[0]));
	fake_network_pass(&net, 1);
	CU_ASSERT(is_entry(line[0], 5, 1, MAC(A), MAC(B), 3));
	CU_ASSERT_EQUAL(counter(&net, "barriers_late"), 1);
	fake_network_end(&net);
}

/* --- Errors --- */

/* 'sw' refuses the flow-mod that it was sent last; with 64 bytes of it, as little as there may be. */
static void refuse(struct fake_switch *sw, uint16_t type, uint16_t code)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_ERROR};
	size_t last = 0;

	for (size_t at = 0; at < sw->sent_len; at += fb_get16(sw->sent + at + 2)) {
		if (sw->sent[at + 1] == OFPT_FLOW_MOD)
			last = at;
	}
	msg.xid = fb_get32(sw->sent + last + 4);
	msg.error.type = type;
	msg.error.code = code;
	msg.error.data = (struct fb_view){sw->sent + last, 64};
	fake_switch_send(sw, &msg);
}

static void while_a_table_is_full_frames_are_sent_on_one_by_one(void)
{
	struct fake_switch *line[3];
	struct fake_network net = begin_line("", line, 3);
	uint32_t xid;

	introduce(&net, line[2], 1, MAC(B));
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	fake_switch_next(line[1]);
	xid = barrier(line[1]);
	refuse(line[1], OFPET_FLOW_MOD_FAILED, OFPFMFC_ALL_TABLES_FULL);
	CU_ASSERT_EQUAL(counter(&net, "tables_full"), 1);
	answer(line[1], xid);
	/* What was installed elsewhere goes, then the frame goes without. */
	fake_switch_next(line[2]);
	fake_switch_next(line[2]);
	CU_ASSERT(is_delete(line[2], 2, MAC(A), MAC(B)));
	CU_ASSERT(is_confirmed(line[2]));
	CU_ASSERT(IS_OUT(line[0], 5, 3));
	frame_in(line[1], 6, 2, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(line[1], 6, 3));
	frame_in(line[2], 7, 2, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(line[2], 7, 1));
	frame_in(line[0], 8, 1, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(line[0], 8, 3));
	for (size_t i = 0; i < 3; i++)
		CU_ASSERT(is_quiet(line[i]));
	/* Others, whose way does not lead there, get theirs. */
	introduce(&net, line[0], 4, MAC(C));
	frame_in(line[0], 9, 1, MAC(A), MAC(C));
	CU_ASSERT(is_entry(line[0], 9, 1, MAC(A), MAC(C), 4));
	fake_network_pass(&net, FB_NS_PER_S);
	fake_network_discard(&net);
	frame_in(line[0], 10, 1, MAC(A), MAC(B));
	CU_ASSERT(is_entry(line[1], OFP_NO_BUFFER, 2, MAC(A), MAC(B), 3));
	fake_network_end(&net);
}

/* One that was sent on by a shorter way could be taken for a copy of the flood. */
static void while_a_flood_is_under_way_a_full_table_makes_more_of_it(void)
{
	struct fake_switch *ring[3];
	struct fake_network net = begin_ring("", ring, 3);

	/* The table of ring[2] is full. */
	introduce(&net, ring[2], 1, MAC(C));
	frame_in(ring[2], 4, 4, MAC(0x0d), MAC(C));
	refuse(ring[2], OFPET_FLOW_MOD_FAILED, OFPFMFC_ALL_TABLES_FULL);
	fake_network_discard(&net);
	frame_in(ring[1], 5, 1, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(ring[1], 5, 2, 4));
	introduce(&net, ring[2], 1, MAC(B));
	frame_in(ring[1], 6, 1, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(ring[1], 6, 2, 4));
	fake_network_pass(&net, FLIGHT_NS);
	frame_in(ring[1], 7, 1, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(ring[1], 7, 3));
	fake_network_end(&net);
}

/* The frame that the refused entry was to take along is released. */
static void a_buffer_that_a_refused_entry_named_is_released(void)
{
	struct fake_switch *a;
	struct fake_network net = begin_line("", &a, 1);

	introduce(&net, a, 2, MAC(B));
	frame_in(a, 5, 1, MAC(A), MAC(B));
	refuse(a, OFPET_BAD_ACTION, OFPBAC_BAD_OUT_PORT);
	CU_ASSERT(is_entry(a, 5, 1, MAC(A), MAC(B), 2));
	CU_ASSERT(IS_OUT(a, 5, 2));
	CU_ASSERT(is_quiet(a));
	CU_ASSERT_EQUAL(counter(&net, "entries_refused"), 1);
	frame_in(a, 6, 1, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(a, 6, 2));
	CU_ASSERT(is_quiet(a));
	fake_network_end(&net);
}

/* One that had none is sent by itself, and not again. */
static void without_a_buffer_nothing_is_released(void)
{
	struct fake_switch *a;
	struct fake_network net = begin_line("", &a, 1);

	introduce(&net, a, 2, MAC(B));
	frame_in(a, OFP_NO_BUFFER, 1, MAC(A), MAC(B));
	refuse(a, OFPET_FLOW_MOD_FAILED, OFPFMFC_ALL_TABLES_FULL);
	CU_ASSERT(is_entry(a, OFP_NO_BUFFER, 1, MAC(A), MAC(B), 2));
	CU_ASSERT(IS_OUT(a, OFP_NO_BUFFER, 2));
	CU_ASSERT(is_quiet(a));
	fake_network_end(&net);
}

/* --- Entries of an earlier run --- */

/* The switch tells of one entry with 'cookie' and priority, which leads to 'out_port' and, where that
 * is not 0, 'more'. */
static void tell_any_entry(struct fake_switch *sw, uint32_t xid, uint64_t cookie_told,
                           uint16_t priority, uint16_t in_port, uint64_t src, uint64_t dst,
                           uint16_t out_port, uint16_t more)
{
	uint8_t memory[256], actions_memory[16];
	struct fb_buf entries = fb_buf_make(memory, sizeof memory);
	struct fb_buf actions = fb_buf_make(actions_memory, sizeof actions_memory);
	struct fb_flow_stats stats = {.priority = priority, .cookie = cookie_told};
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_STATS_REPLY, .xid = xid};

	fb_match_any(&stats.match);
	stats.match.wildcards &=
	        ~(uint32_t)(OFPFW_IN_PORT | OFPFW_DL_SRC | OFPFW_DL_DST | OFPFW_DL_VLAN);
	stats.match.in_port = in_port;
	fb_mac_from_u64(stats.match.dl_src, src);
	fb_mac_from_u64(stats.match.dl_dst, dst);
	stats.match.dl_vlan = OFP_VLAN_NONE;
	fb_action_put_output(&actions, out_port, 0);
	if (more)
		fb_action_put_output(&actions, more, 0);
	stats.actions = (struct fb_view){actions.data, actions.len};
	CU_ASSERT_FATAL(fb_flow_stats_put(&entries, &stats));
	msg.stats_reply.type = OFPST_FLOW;
	msg.stats_reply.flags = OFPSF_REPLY_MORE;
	msg.stats_reply.entries = (struct fb_view){entries.data, entries.len};
	fake_switch_send(sw, &msg);
}

#define OLD_COOKIE UINT64_C(0x9999000046570001) /* of a run before this one */

static void tell_entry(struct fake_switch *sw, uint32_t xid, uint16_t in_port, uint64_t src,
                       uint64_t dst, uint16_t out_port)
{
	tell_any_entry(sw, xid, OLD_COOKIE, 100, in_port, src, dst, out_port, 0);
}

/* A line as above, whose switches were asked for their entries; their xids. */
static struct fake_network begin_asked(struct fake_switch **line, size_t count, uint32_t *xids)
{
	struct fake_network net = fake_network_begin("", &fb_app_forwarding, "");

	for (size_t i = 0; i < count; i++) {
		const struct fb_msg *msg;

		line[i] = fake_network_join(&net, i + 1, 4);
		if (i > 0)
			fake_network_wire(&net, line[i - 1], 3, line[i], 2);
		while ((msg = fake_switch_next(line[i]))) {
			if (msg->type == OFPT_STATS_REQUEST)
				xids[i] = msg->xid;
		}
	}
	settle(&net);
	return net;
}

static void entries_to_dead_ports_are_deleted_and_others_stay(void)
{
	struct fake_switch *a;
	uint32_t xid = 0;
	struct fake_network net = begin_asked(&a, 1, &xid);

	fake_switch_set_link(a, 4, false);
	tell_entry(a, xid, 1, MAC(A), MAC(B), 2);
	CU_ASSERT(is_quiet(a));
	tell_entry(a, xid, 1, MAC(A), MAC(C), 4);
	CU_ASSERT(is_delete(a, 1, MAC(A), MAC(C)));
	tell_entry(a, xid, 9, MAC(A), MAC(C), 2);
	CU_ASSERT(is_delete(a, 9, MAC(A), MAC(C)));
	CU_ASSERT(is_quiet(a));
	CU_ASSERT_EQUAL(counter(&net, "adopted"), 1);
	CU_ASSERT_EQUAL(counter(&net, "adopted_deleted"), 2);
	/* The port of the one that stayed goes. */
	fake_switch_set_link(a, 2, false);
	CU_ASSERT(is_delete(a, 1, MAC(A), MAC(B)));
	fake_network_end(&net);
}

static void entries_of_others_are_left_alone(void)
{
	struct fake_switch *a;
	uint32_t xid = 0;
	struct fake_network net = begin_asked(&a, 1, &xid);

	tell_any_entry(a, xid, 0, 100, 1, MAC(A), MAC(B), 9, 0);
	tell_any_entry(a, xid, OLD_COOKIE, 101, 1, MAC(A), MAC(B), 9, 0);
	tell_any_entry(a, xid, OLD_COOKIE, 100, 1, MAC(A), MAC(B), 9, 2);
	tell_any_entry(a, xid, OLD_COOKIE, 100, 1, MAC(A), BROADCAST, 9, 0);
	CU_ASSERT(is_quiet(a));
	CU_ASSERT_EQUAL(counter(&net, "adopted"), 0);
	fake_network_end(&net);
}

/* Then they go, and what is there stays. */
static void no_more_entries_are_adopted_than_there_may_be_flows(void)
{
	struct fake_network net = fake_network_begin("", &fb_app_forwarding, "flows_max=2");
	struct fake_switch *a = fake_network_join(&net, 1, 4);
	const struct fb_msg *msg;
	uint32_t xid = 0;

	while ((msg = fake_switch_next(a))) {
		if (msg->type == OFPT_STATS_REQUEST)
			xid = msg->xid;
	}
	settle(&net);
	tell_entry(a, xid, 1, MAC(A), MAC(B), 2);
	tell_entry(a, xid, 2, MAC(B), MAC(A), 1);
	CU_ASSERT(is_quiet(a));
	tell_entry(a, xid, 1, MAC(A), MAC(C), 2);
	CU_ASSERT(is_delete(a, 1, MAC(A), MAC(C)));
	CU_ASSERT(is_quiet(a));
	fake_network_end(&net);
}

/* All of it: what is left would lead nowhere. */
static void an_adopted_flow_that_loses_a_link_leaves(void)
{
	struct fake_switch *line[3];
	uint32_t xids[3] = {0};
	struct fake_network net = begin_asked(line, 3, xids);

	tell_entry(line[0], xids[0], 1, MAC(A), MAC(B), 3);
	tell_entry(line[1], xids[1], 2, MAC(A), MAC(B), 3);
	tell_entry(line[2], xids[2], 2, MAC(A), MAC(B), 1);
	fake_switch_set_link(line[1], 3, false);
	CU_ASSERT(is_delete(line[1], 2, MAC(A), MAC(B)));
	CU_ASSERT(is_delete(line[0], 1, MAC(A), MAC(B)));
	CU_ASSERT(is_delete(line[2], 2, MAC(A), MAC(B)));
	fake_network_end(&net);
}

/* When both hosts are known they are a part of the way. */
static void adopted_entries_are_used_where_they_are_right(void)
{
	struct fake_switch *line[3];
	uint32_t xids[3] = {0};
	struct fake_network net = begin_asked(line, 3, xids);

	tell_entry(line[0], xids[0], 1, MAC(A), MAC(B), 3);
	tell_entry(line[1], xids[1], 2, MAC(A), MAC(B), 4);
	tell_entry(line[2], xids[2], 2, MAC(A), MAC(B), 1);
	frame_in(line[0], OFP_NO_BUFFER, 1, MAC(A), BROADCAST);
	fake_network_discard(&net);
	frame_in(line[2], OFP_NO_BUFFER, 1, MAC(B), BROADCAST);
	/* Only the one in the middle is wrong: it leads to an edge that is not B's. */
	CU_ASSERT(is_entry(line[1], OFP_NO_BUFFER, 2, MAC(A), MAC(B), 3) ||
	          is_delete(line[1], 2, MAC(A), MAC(B)));
	confirm_all(&net);
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	confirm_all(&net);
	CU_ASSERT_EQUAL(counter(&net, "flows"), 1);
	fake_network_end(&net);
}

static void adopted_entries_that_contradict_where_a_host_is_leave(void)
{
	struct fake_switch *line[2];
	uint32_t xids[2] = {0};
	struct fake_network net = begin_asked(line, 2, xids);

	tell_entry(line[0], xids[0], 1, MAC(A), MAC(B), 4);
	tell_entry(line[1], xids[1], 1, MAC(C), MAC(B), 4);
	frame_in(line[1], 5, 4, MAC(B), BROADCAST);
	CU_ASSERT(is_delete(line[0], 1, MAC(A), MAC(B)));
	CU_ASSERT(is_confirmed(line[0]));
	CU_ASSERT(IS_OUT(line[1], 5, 1, 2, 3));
	CU_ASSERT(is_quiet(line[0]) && is_quiet(line[1]));
	/* From another port than it has. */
	frame_in(line[1], 6, 4, MAC(C), BROADCAST);
	CU_ASSERT(is_delete(line[1], 1, MAC(C), MAC(B)));
	fake_network_end(&net);
}

static void adopted_entries_to_a_host_that_moves_leave(void)
{
	struct fake_switch *a;
	uint32_t xid = 0;
	struct fake_network net = begin_asked(&a, 1, &xid);

	tell_entry(a, xid, 1, MAC(A), MAC(B), 2);
	introduce(&net, a, 2, MAC(B));
	frame_in(a, 5, 3, MAC(B), BROADCAST);
	CU_ASSERT(is_delete(a, 1, MAC(A), MAC(B)));
	fake_network_end(&net);
}

/* What is left of a way would catch copies of the flood. */
static void adopted_entries_leave_before_their_pair_is_flooded(void)
{
	struct fake_switch *line[2];
	uint32_t xids[2] = {0};
	struct fake_network net = begin_asked(line, 2, xids);

	tell_entry(line[1], xids[1], 2, MAC(A), MAC(B), 1);
	frame_in(line[0], 5, 1, MAC(A), MAC(B));
	CU_ASSERT(is_quiet(line[0]));
	CU_ASSERT(is_delete(line[1], 2, MAC(A), MAC(B)));
	CU_ASSERT(is_confirmed(line[1]));
	CU_ASSERT(IS_OUT(line[0], 5, 2, 3, 4));
	CU_ASSERT(is_quiet(line[0]) && is_quiet(line[1]));
	fake_network_end(&net);
}

/* Frames come to a switch under way, where nothing goes on. */
static void adopted_entries_that_lead_into_the_void_leave(void)
{
	struct fake_switch *line[2];
	uint32_t xids[2] = {0};
	struct fake_network net = begin_asked(line, 2, xids);

	tell_entry(line[0], xids[0], 1, MAC(A), MAC(B), 3);
	introduce(&net, line[1], 1, MAC(B));
	frame_in(line[1], 5, 2, MAC(A), MAC(B));
	CU_ASSERT(IS_OUT(line[1], 5, 1));
	CU_ASSERT(is_delete(line[0], 1, MAC(A), MAC(B)));
	CU_ASSERT(is_confirmed(line[0]));
	CU_ASSERT(is_quiet(line[0]) && is_quiet(line[1]));
	fake_network_end(&net);
}

/* A switch that comes back tells what it has: of a flow that went another way meanwhile. */
static void what_is_not_of_the_way_of_a_known_flow_is_deleted(void)
{
	struct fake_switch *line[2];
	uint32_t xids[2] = {0};
	struct fake_network net = begin_asked(line, 2, xids);

	introduce(&net, line[1], 1, MAC(B));
	establish(&net, line[0], MAC(A), MAC(B));
	tell_entry(line[1], xids[1], 4, MAC(A), MAC(B), 3);
	CU_ASSERT(is_delete(line[1], 4, MAC(A), MAC(B)));
	/* What is of it stays. */
	tell_entry(line[1], xids[1], 2, MAC(A), MAC(B), 1);
	CU_ASSERT(is_quiet(line[1]));
	fake_network_end(&net);
}

UNIT_TESTS("forwarding", UNIT_TEST(one_switch_floods_by_itself),
           UNIT_TEST(a_flood_goes_from_switch_to_switch_over_the_tree),
           UNIT_TEST(on_one_switch_an_entry_takes_the_frame_along),
           UNIT_TEST(over_several_switches_the_first_is_the_last),
           UNIT_TEST(without_a_buffer_the_frame_follows_its_entry),
           UNIT_TEST(a_destination_on_the_ingress_port_is_dropped),
           UNIT_TEST(frames_from_groups_are_sent_on_without_entries),
           UNIT_TEST(vlans_are_kept_apart),
           UNIT_TEST(nothing_is_installed_while_a_flood_is_under_way),
           UNIT_TEST(on_one_switch_a_flood_is_no_reason_to_wait),
           UNIT_TEST(no_more_frames_wait_than_may),
           UNIT_TEST(a_frame_that_comes_after_its_entry_is_sent_on),
           UNIT_TEST(entries_that_should_be_there_are_sent_again),
           UNIT_TEST(an_entry_that_is_missing_under_way_is_mended),
           UNIT_TEST(a_flow_ends_everywhere_when_it_ends_at_its_first_switch),
           UNIT_TEST(the_oldest_flow_goes_for_a_new_one),
           UNIT_TEST(a_frame_by_a_link_that_is_none_any_more_is_dropped),
           UNIT_TEST(a_frame_that_would_go_back_is_dropped),
           UNIT_TEST(a_frame_without_a_way_is_dropped), UNIT_TEST(a_flow_whose_link_goes_is_moved),
           UNIT_TEST(a_flow_moves_to_a_shorter_way_a_while_after_a_link_came_up),
           UNIT_TEST(an_entry_in_the_middle_is_replaced_last),
           UNIT_TEST(another_link_goes_while_a_flow_is_moved), UNIT_TEST(no_other_flow_is_touched),
           UNIT_TEST(flows_of_a_host_that_is_gone_leave), UNIT_TEST(what_goes_to_a_host_follows_it),
           UNIT_TEST(a_switch_that_leaves_is_not_waited_for),
           UNIT_TEST(with_the_only_way_the_flow_goes),
           UNIT_TEST(a_barrier_that_is_never_answered_is_waited_for_for_a_while),
           UNIT_TEST(while_a_table_is_full_frames_are_sent_on_one_by_one),
           UNIT_TEST(a_buffer_that_a_refused_entry_named_is_released),
           UNIT_TEST(entries_to_dead_ports_are_deleted_and_others_stay),
           UNIT_TEST(adopted_entries_are_used_where_they_are_right),
           UNIT_TEST(adopted_entries_that_contradict_where_a_host_is_leave),
           UNIT_TEST(adopted_entries_leave_before_their_pair_is_flooded),
           UNIT_TEST(adopted_entries_that_lead_into_the_void_leave),
           UNIT_TEST(a_frame_that_came_cut_is_not_sent_on),
           UNIT_TEST(a_frame_under_way_to_an_unknown_host_is_flooded),
           UNIT_TEST(while_a_flood_is_under_way_a_full_table_makes_more_of_it),
           UNIT_TEST(entries_at_the_other_end_of_a_link_go_too),
           UNIT_TEST(a_switch_that_leaves_confirms_what_it_was_asked),
           UNIT_TEST(adopted_entries_to_a_host_that_moves_leave),
           UNIT_TEST(a_flow_that_ends_before_it_begins_is_forgotten),
           UNIT_TEST(barriers_that_were_answered_do_not_count),
           UNIT_TEST(gates_are_opened_one_after_the_other),
           UNIT_TEST(all_flows_are_looked_at_when_a_link_came_up),
           UNIT_TEST(only_the_latest_barrier_of_an_entry_counts),
           UNIT_TEST(a_flow_begins_anew_where_its_source_is_now),
           UNIT_TEST(without_a_buffer_nothing_is_released),
           UNIT_TEST(entries_of_others_are_left_alone),
           UNIT_TEST(no_more_entries_are_adopted_than_there_may_be_flows),
           UNIT_TEST(an_adopted_flow_that_loses_a_link_leaves),
           UNIT_TEST(what_is_not_of_the_way_of_a_known_flow_is_deleted))
