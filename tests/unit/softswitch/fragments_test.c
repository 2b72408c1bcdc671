/* Fragments on their way through a datapath that puts them together: matched as a whole, cut again
 * where they leave, whole for controllers. */
#include "tests/unit/softswitch/datapath_fixture.h"

enum {
	UDP_LEN = 3000, /* header and payload */
	MTU = 1500,
};

/* Send the UDP datagram of UDP_LEN bytes to port 53 in fragments that an MTU of 'MTU' makes; only
 * those whose bit is set in 'which'. */
static void send_datagram(struct fx *fx, uint16_t in_port, unsigned which)
{
	static const uint16_t offsets[] = {0, 1480, 2960, UDP_LEN};
	uint8_t bytes[FX_FRAME_BYTES],
	        payload[UDP_LEN] = {0x30, 0x39, 0, 53, UDP_LEN >> 8, UDP_LEN & 0xff};

	for (unsigned i = 0; i < 3; i++) {
		struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
		struct fb_eth_spec eth = {.dl_dst = {2, 0, 0, 0, 0, 2},
		                          .dl_src = {2, 0, 0, 0, 0, 1}};
		struct fb_ipv4_spec ip = {.nw_src = 0x0a000001,
		                          .nw_dst = 0x0a000002,
		                          .ip_id = 77,
		                          .more_fragments = i < 2,
		                          .frag_offset = offsets[i]};

		CU_ASSERT_TRUE_FATAL(fb_build_ipv4(&out, &eth, &ip, FB_IP_UDP, payload + offsets[i],
		                                   (size_t)(offsets[i + 1] - offsets[i])));
		if (which & 1u << i)
			datapath_receive(fx->dp, in_port,
			                 frame_copy_of(fx->pool, out.data, out.len), fx->now_ns);
	}
}

enum { ALL = 7, ALL_BUT_LAST = 3, LAST = 4 };

static struct fx *reassembling(void)
{
	struct fx *fx = fx_new(NULL);

	datapath_set_fragments(fx->dp, OFPC_FRAG_REASM);
	return fx;
}

/* The lengths of the recorded outputs, as "1514 1514 54". */
static const char *output_lengths(struct fx *fx)
{
	static char text[256];
	struct fb_text t = fb_text_make(text, sizeof text);

	text[0] = '\0';
	for (size_t i = 0; i < fx->outputs_count && i < FX_RECORDS_MAX; i++)
		fb_text_printf(&t, "%s%u", i ? " " : "", fx->outputs[i].len);
	return text;
}

static void without_reassembly_fragments_match_as_ports_0(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "udp,tp_dst=53,actions=output:2");
	fx_add(fx, "udp,tp_dst=0,priority=1,actions=output:3");
	send_datagram(fx, 1, ALL);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "3 3 3");
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->fragments_held, 0);
	fx_free(fx);
}

static void a_datagram_is_matched_whole_and_leaves_in_fragments(void)
{
	const struct datapath_counters *c;
	struct fx *fx = reassembling();
	struct fb_port_stats s;

	c = datapath_counters(fx->dp);
	fx_add(fx, "udp,tp_dst=53,actions=output:2,mod_tp_dst:99,output:3");
	send_datagram(fx, 1, ALL_BUT_LAST);
	CU_ASSERT_EQUAL(fx->outputs_count, 0);
	CU_ASSERT_EQUAL(c->lookups, 0);
	send_datagram(fx, 1, LAST);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2 2 2 3 3 3");
	CU_ASSERT_STRING_EQUAL(output_lengths(fx), "1514 1514 74 1514 1514 74");
	CU_ASSERT_EQUAL(fb_get16(fx->outputs[0].bytes + 36), 53);
	CU_ASSERT_EQUAL(fb_get16(fx->outputs[3].bytes + 36), 99);
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""),
	                       "priority=32768,udp,tp_dst=53 "
	                       "actions=output:2,mod_tp_dst:99,output:3 n_packets=1\n");
	CU_ASSERT_EQUAL(c->fragments_held, 3);
	CU_ASSERT_EQUAL(c->reassembled, 1);
	CU_ASSERT_EQUAL(c->lookups, 1);
	CU_ASSERT_EQUAL(c->frames_in, 3);
	CU_ASSERT_EQUAL(c->frames_out, 6);
	CU_ASSERT_EQUAL(c->frames_dropped, 0);
	datapath_port_stats(fx->dp, 1, &s);
	CU_ASSERT_EQUAL(s.rx_packets, 3);
	datapath_port_stats(fx->dp, 3, &s);
	CU_ASSERT_EQUAL(s.tx_packets, 3);
	CU_ASSERT_EQUAL(s.tx_bytes, 1514 + 1514 + 74);
	fx_free(fx);
}

static void a_tag_that_an_action_adds_does_not_count_as_length(void)
{
	struct fx *fx = reassembling();

	fx_add(fx, "actions=mod_vlan_vid:5,output:2");
	send_datagram(fx, 1, ALL);
	CU_ASSERT_STRING_EQUAL(output_lengths(fx), "1518 1518 78");
	CU_ASSERT_EQUAL(fb_get16(fx->outputs[2].bytes + 14), 5);
	fx_free(fx);
}

static void ordinary_frames_do_not_wait(void)
{
	struct fx *fx = reassembling();

	fx_add(fx, "actions=output:2");
	send_datagram(fx, 1, ALL_BUT_LAST);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(output_lengths(fx), "54");
	fx_free(fx);
}

static void a_controller_gets_the_datagram_whole_and_its_buffer_leaves_in_fragments(void)
{
	uint8_t bytes[8];
	struct fb_buf list = fb_buf_make(bytes, sizeof bytes);
	struct fb_packet_out po = {.in_port = 1};
	struct fx *fx = reassembling();

	send_datagram(fx, 1, ALL);
	CU_ASSERT_EQUAL_FATAL(fx->packet_ins_count, 1);
	CU_ASSERT_EQUAL(fx->packet_ins[0].pi.total_len, 34 + UDP_LEN);
	CU_ASSERT_EQUAL(fx->packet_ins[0].pi.data.len, 34 + UDP_LEN);
	fb_action_put_output(&list, 4, 0);
	po.buffer_id = fx->packet_ins[0].pi.buffer_id;
	po.actions = (struct fb_view){bytes, 8};
	CU_ASSERT_EQUAL(datapath_packet_out(fx->dp, &po, fx->now_ns, &fx->error), 0);
	CU_ASSERT_STRING_EQUAL(output_lengths(fx), "1514 1514 74");
	fx_clear(fx);
	send_datagram(fx, 1, ALL);
	CU_ASSERT_EQUAL(fx_flow_mod_with_buffer(fx, OFPFC_ADD, "in_port=1,actions=output:3",
	                                        fx->packet_ins[0].pi.buffer_id),
	                0);
	CU_ASSERT_STRING_EQUAL(output_lengths(fx), "1514 1514 74");
	fx_free(fx);
}

static void a_datagram_that_leads_nowhere_counts_all_its_fragments_as_dropped(void)
{
	struct fx *fx = reassembling();
	const struct datapath_counters *c = datapath_counters(fx->dp);

	fx_add(fx, "actions=drop");
	send_datagram(fx, 1, ALL);
	CU_ASSERT_EQUAL(c->frames_dropped, 3);
	send_datagram(fx, 1, ALL_BUT_LAST);
	CU_ASSERT_EQUAL(c->frames_dropped, 3);
	CU_ASSERT_EQUAL(datapath_deadline(fx->dp), 31 * FB_NS_PER_S);
	fx->now_ns = 31 * FB_NS_PER_S;
	datapath_run(fx->dp, fx->now_ns);
	CU_ASSERT_EQUAL(c->frames_dropped, 5);
	CU_ASSERT_EQUAL(c->reassembly_failed, 1);
	CU_ASSERT_EQUAL(datapath_deadline(fx->dp), FB_NEVER);
	send_datagram(fx, 1, LAST);
	CU_ASSERT_EQUAL(c->frames_dropped, 5);
	CU_ASSERT_EQUAL(c->reassembled, 1);
	fx_free(fx);
}

static void what_is_held_is_let_go_when_reassembly_ends(void)
{
	struct fx *fx = reassembling();
	const struct datapath_counters *c = datapath_counters(fx->dp);

	fx_add(fx, "actions=output:2");
	send_datagram(fx, 1, ALL_BUT_LAST);
	datapath_set_fragments(fx->dp, OFPC_FRAG_REASM); /* goes on */
	CU_ASSERT_EQUAL(c->reassembly_failed, 0);
	datapath_set_fragments(fx->dp, OFPC_FRAG_NORMAL);
	CU_ASSERT_EQUAL(c->reassembly_failed, 1);
	CU_ASSERT_EQUAL(c->frames_dropped, 2);
	CU_ASSERT_EQUAL(datapath_deadline(fx->dp), FB_NEVER);
	send_datagram(fx, 1, LAST);
	CU_ASSERT_STRING_EQUAL(output_lengths(fx), "74");
	fx_free(fx);
}

static void malformed_fragments_are_counted(void)
{
	struct fx *fx = reassembling();
	uint8_t bytes[64] = {2, 0, 0,    0, 0, 2,  2, 0, 0,    0, 0,  1,
	                     8, 0, 0x45, 0, 0, 28, 0, 0, 0x20, 0, 64, 17};

	datapath_receive(fx->dp, 1, frame_copy_of(fx->pool, bytes, sizeof bytes), fx->now_ns);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->fragments_malformed, 1);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->frames_dropped, 1);
	CU_ASSERT_EQUAL(fx->packet_ins_count, 0);
	fx_free(fx);
}

static void a_datagram_that_leaves_by_a_queue_counts_each_fragment(void)
{
	struct fx *fx = reassembling();
	const struct datapath_queue *q;

	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 2, 1, 0), 0);
	fx_add(fx, "actions=enqueue:2:1");
	send_datagram(fx, 1, ALL);
	q = datapath_queue_at(fx->dp, 2, 0);
	CU_ASSERT_EQUAL(q->stats.tx_packets, 3);
	CU_ASSERT_EQUAL(q->stats.tx_bytes, 1514 + 1514 + 74);
	fx_free(fx);
}

UNIT_TESTS("fragments", UNIT_TEST(without_reassembly_fragments_match_as_ports_0),
           UNIT_TEST(a_datagram_is_matched_whole_and_leaves_in_fragments),
           UNIT_TEST(a_tag_that_an_action_adds_does_not_count_as_length),
           UNIT_TEST(ordinary_frames_do_not_wait),
           UNIT_TEST(a_controller_gets_the_datagram_whole_and_its_buffer_leaves_in_fragments),
           UNIT_TEST(a_datagram_that_leads_nowhere_counts_all_its_fragments_as_dropped),
           UNIT_TEST(what_is_held_is_let_go_when_reassembly_ends),
           UNIT_TEST(malformed_fragments_are_counted),
           UNIT_TEST(a_datagram_that_leaves_by_a_queue_counts_each_fragment))
