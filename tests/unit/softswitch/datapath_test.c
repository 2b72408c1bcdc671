/* The datapath: ports, misses, buffers, configuration, statistics. Flow-mods and timeouts have
 * their own file. */
#include "tests/unit/softswitch/datapath_fixture.h"

/* --- Ports --- */

static void port_numbers_are_unique_and_possible(void)
{
	static const uint16_t refused[] = {
	        0, 1, OFPP_MAX, 0xff01, OFPP_IN_PORT, OFPP_CONTROLLER, OFPP_NONE};
	struct fx *fx = fx_new(NULL);
	struct fb_phy_port last = fx_port(OFPP_MAX - 1), local = fx_port(OFPP_LOCAL);

	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct fb_phy_port port = fx_port(refused[i]);

		CU_ASSERT_EQUAL(datapath_add_port(fx->dp, &port, 0), -1);
	}
	CU_ASSERT_EQUAL(datapath_add_port(fx->dp, &local, 0), 0);
	CU_ASSERT_EQUAL(datapath_add_port(fx->dp, &local, 0), -1);
	CU_ASSERT_EQUAL(datapath_add_port(fx->dp, &last, 0), 0);
	CU_ASSERT_EQUAL(datapath_port_at(fx->dp, 3)->port_no, 4);
	CU_ASSERT_EQUAL(datapath_port_at(fx->dp, 4)->port_no, OFPP_MAX - 1);
	CU_ASSERT_EQUAL(datapath_port_at(fx->dp, 5)->port_no, OFPP_LOCAL);
	CU_ASSERT_PTR_NULL(datapath_port_at(fx->dp, 6));
	CU_ASSERT_STRING_EQUAL(datapath_port(fx->dp, 2)->name, "eth2");
	CU_ASSERT_PTR_NULL(datapath_port(fx->dp, 5));
	fx_free(fx);
}

static void there_are_no_more_ports_than_a_features_reply_lists(void)
{
	struct fx *fx = fx_new(NULL);
	unsigned count = FX_PORTS;

	for (uint16_t p = 5; p < 2000; p++) {
		struct fb_phy_port port = fx_port(p);

		count += datapath_add_port(fx->dp, &port, 0) == 0;
	}
	CU_ASSERT_EQUAL(count, 1364);
	fx_free(fx);
}

static void adding_and_removing_a_port_is_told(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_phy_port port = fx_port(9);

	datapath_add_port(fx->dp, &port, 0);
	CU_ASSERT_EQUAL(datapath_remove_port(fx->dp, 9, 0), 0);
	CU_ASSERT_EQUAL(datapath_remove_port(fx->dp, 9, 0), -1);
	CU_ASSERT_EQUAL_FATAL(fx->statuses_count, 2);
	CU_ASSERT_EQUAL(fx->statuses[0].reason, OFPPR_ADD);
	CU_ASSERT_EQUAL(fx->statuses[1].reason, OFPPR_DELETE);
	CU_ASSERT_EQUAL(fx->statuses[1].desc.port_no, 9);
	CU_ASSERT_PTR_NULL(datapath_port(fx->dp, 9));
	CU_ASSERT_EQUAL(datapath_add_port(fx->dp, &port, 0), 0);
	fx_free(fx);
}

static void a_link_change_is_told_when_it_is_news(void)
{
	struct fx *fx = fx_new(NULL);

	datapath_set_link(fx->dp, 2, true, 0);
	CU_ASSERT_EQUAL(fx->statuses_count, 0);
	datapath_set_link(fx->dp, 2, false, 0);
	datapath_set_link(fx->dp, 2, false, 0);
	datapath_set_link(fx->dp, 99, false, 0);
	CU_ASSERT_EQUAL_FATAL(fx->statuses_count, 1);
	CU_ASSERT_EQUAL(fx->statuses[0].reason, OFPPR_MODIFY);
	CU_ASSERT_EQUAL(fx->statuses[0].desc.state, OFPPS_LINK_DOWN);
	datapath_set_link(fx->dp, 2, true, 0);
	CU_ASSERT_EQUAL(fx->statuses[1].desc.state, 0);
	fx_free(fx);
}

/* Set and clear config bits of a port; returns datapath_port_mod(). */
static int port_mod(struct fx *fx, uint16_t port_no, uint32_t config, uint32_t mask)
{
	struct fb_port_mod pm = {.port_no = port_no,
	                         .hw_addr = {2, 0, 0, 0, 1, (uint8_t)port_no},
	                         .config = config,
	                         .mask = mask};

	return datapath_port_mod(fx->dp, &pm, fx->now_ns, &fx->error);
}

static void port_mod_names_port_and_address(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_port_mod pm = {.port_no = 1, .hw_addr = {2, 0, 0, 0, 1, 9}};

	FX_ASSERT_ERROR(fx, datapath_port_mod(fx->dp, &pm, 0, &fx->error), OFPET_PORT_MOD_FAILED,
	                OFPPMFC_BAD_HW_ADDR);
	FX_ASSERT_ERROR(fx, port_mod(fx, 9, 0, 0), OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_PORT);
	CU_ASSERT_EQUAL(fx->statuses_count, 0);
	fx_free(fx);
}

static void port_mod_changes_the_masked_bits_only(void)
{
	struct fx *fx = fx_new(NULL);

	CU_ASSERT_EQUAL(port_mod(fx, 1, 0xffffffff, OFPPC_NO_FLOOD | OFPPC_NO_STP | 1u << 20), 0);
	CU_ASSERT_EQUAL(datapath_port(fx->dp, 1)->config, OFPPC_NO_FLOOD | OFPPC_NO_STP);
	CU_ASSERT_EQUAL(port_mod(fx, 1, 0, OFPPC_NO_STP), 0);
	CU_ASSERT_EQUAL(datapath_port(fx->dp, 1)->config, OFPPC_NO_FLOOD);
	CU_ASSERT_EQUAL(port_mod(fx, 1, OFPPC_NO_FLOOD, OFPPC_NO_FLOOD), 0);
	CU_ASSERT_EQUAL(fx->statuses_count, 2);
	fx_free(fx);
}

static void a_port_advertises_no_more_than_it_supports(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_port_mod pm = {.port_no = 1,
	                         .hw_addr = {2, 0, 0, 0, 1, 1},
	                         .advertise = OFPPF_10GB_FD | OFPPF_1GB_FD};

	CU_ASSERT_EQUAL(datapath_port_mod(fx->dp, &pm, 0, &fx->error), 0);
	CU_ASSERT_EQUAL(datapath_port(fx->dp, 1)->advertised, OFPPF_1GB_FD);
	pm.advertise = 0;
	CU_ASSERT_EQUAL(datapath_port_mod(fx->dp, &pm, 0, &fx->error), 0);
	CU_ASSERT_EQUAL(datapath_port(fx->dp, 1)->advertised, OFPPF_1GB_FD);
	fx_free(fx);
}

/* The ports that a frame into port 1 leaves by when port 'port_no' has 'config', all traffic being
 * sent to ALL or FLOOD. */
static void assert_ports_with(uint16_t port_no, uint32_t config, const char *actions,
                              const char *ports)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, actions);
	port_mod(fx, port_no, config, config);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), ports);
	fx_free(fx);
}

static void each_config_bit_does_what_it_says(void)
{
	assert_ports_with(2, 0, "actions=all", "2 3 4");
	assert_ports_with(2, OFPPC_NO_FLOOD, "actions=flood", "3 4");
	assert_ports_with(2, OFPPC_NO_FLOOD, "actions=normal", "3 4");
	assert_ports_with(2, OFPPC_NO_FLOOD, "actions=all", "2 3 4");
	assert_ports_with(2, OFPPC_NO_FLOOD, "actions=output:2", "2");
	assert_ports_with(2, OFPPC_NO_FWD, "actions=all", "3 4");
	assert_ports_with(2, OFPPC_NO_FWD, "actions=output:2", "");
	assert_ports_with(2, OFPPC_PORT_DOWN, "actions=output:2,output:3", "3");
	assert_ports_with(2, OFPPC_NO_RECV | OFPPC_NO_PACKET_IN | OFPPC_NO_STP, "actions=all",
	                  "2 3 4");
	assert_ports_with(1, OFPPC_NO_RECV, "actions=all", "");
	assert_ports_with(1, OFPPC_NO_RECV_STP, "actions=all", "2 3 4");
	assert_ports_with(1, OFPPC_PORT_DOWN, "actions=all", "");
	assert_ports_with(1, OFPPC_NO_FWD | OFPPC_NO_FLOOD, "actions=all", "2 3 4");
}

static void spanning_tree_frames_have_a_bit_of_their_own(void)
{
	static const struct {
		uint32_t config;
		bool passes;
	} cases[] = {{0, true}, {OFPPC_NO_RECV, true}, {OFPPC_NO_RECV_STP, false}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fx *fx = fx_new(NULL);
		struct frame *frame = fx_tcp_frame(fx, (struct fx_tcp){.src = 1, .dst = 2});

		fb_mac_from_u64(frame_data(frame), 0x0180c2000000);
		fx_add(fx, "actions=output:2");
		port_mod(fx, 1, cases[i].config, cases[i].config);
		datapath_receive(fx->dp, 1, frame, fx->now_ns);
		CU_ASSERT_EQUAL(fx->outputs_count, cases[i].passes);
		fx_free(fx);
	}
}

static void no_packet_in_silences_misses_but_not_actions(void)
{
	struct fx *fx = fx_new(NULL);

	port_mod(fx, 1, OFPPC_NO_PACKET_IN, OFPPC_NO_PACKET_IN);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_EQUAL(fx->packet_ins_count, 0);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(fx->dp), 0);
	fx_add(fx, "actions=controller");
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_EQUAL(fx->packet_ins_count, 1);
	fx_free(fx);
}

static void a_port_without_a_link_neither_receives_nor_sends(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "actions=output:2");
	datapath_set_link(fx->dp, 2, false, 0);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	datapath_set_link(fx->dp, 2, true, 0);
	datapath_set_link(fx->dp, 1, false, 0);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_EQUAL(fx->outputs_count, 0);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->frames_dropped, 2);
	fx_free(fx);
}

static void port_counters_count_what_they_are_named_for(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_port_stats s;

	fx_add(fx, "actions=output:2");
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	port_mod(fx, 2, OFPPC_NO_FWD, OFPPC_NO_FWD);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	port_mod(fx, 1, OFPPC_NO_RECV, OFPPC_NO_RECV);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	datapath_receive(fx->dp, 1, frame_copy_of(fx->pool, "thirteen byte", 13), fx->now_ns);
	CU_ASSERT_TRUE(datapath_port_stats(fx->dp, 1, &s));
	CU_ASSERT_EQUAL(s.port_no, 1);
	CU_ASSERT_EQUAL(s.rx_packets, 3);
	CU_ASSERT_EQUAL(s.rx_bytes, 3 * 54);
	CU_ASSERT_EQUAL(s.rx_dropped, 1);
	CU_ASSERT_EQUAL(s.rx_errors, 1);
	CU_ASSERT_EQUAL(s.rx_frame_err, 1);
	CU_ASSERT_EQUAL(s.tx_packets, 0);
	CU_ASSERT_TRUE(datapath_port_stats(fx->dp, 2, &s));
	CU_ASSERT_EQUAL(s.tx_packets, 1);
	CU_ASSERT_EQUAL(s.tx_bytes, 54);
	CU_ASSERT_EQUAL(s.tx_dropped, 1);
	CU_ASSERT_FALSE(datapath_port_stats(fx->dp, 9, &s));
	fx_free(fx);
}

static void frames_of_no_port_are_dropped(void)
{
	struct fx *fx = fx_new(NULL);

	fx_receive(fx, 9, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_EQUAL(fx->packet_ins_count, 0);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->frames_in, 1);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->frames_dropped, 1);
	fx_free(fx);
}

/* --- Misses and buffers --- */

static void a_miss_carries_the_whole_frame_and_keeps_it(void)
{
	struct fx *fx = fx_new(NULL);
	const struct fx_packet_in *p = &fx->packet_ins[0];

	fx_receive(fx, 3, (struct fx_tcp){.src = 1, .dst = 2, .payload_len = 200});
	CU_ASSERT_EQUAL_FATAL(fx->packet_ins_count, 1);
	CU_ASSERT_TRUE(p->miss);
	CU_ASSERT_EQUAL(p->pi.reason, OFPR_NO_MATCH);
	CU_ASSERT_EQUAL(p->pi.in_port, 3);
	CU_ASSERT_EQUAL(p->pi.total_len, 254);
	CU_ASSERT_EQUAL(p->pi.data.len, 254);
	CU_ASSERT_NOT_EQUAL(p->pi.buffer_id, OFP_NO_BUFFER);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(fx->dp), 1);
	fx_free(fx);
}

static void an_action_cuts_what_it_sends_to_a_controller(void)
{
	struct fx *fx = fx_new(NULL);
	const struct fx_packet_in *p = &fx->packet_ins[0];

	fx_add(fx, "in_port=3,actions=controller:60");
	fx_add(fx, "in_port=4,actions=controller:0");
	fx_receive(fx, 3, (struct fx_tcp){.src = 1, .dst = 2, .payload_len = 200});
	CU_ASSERT_EQUAL_FATAL(fx->packet_ins_count, 1);
	CU_ASSERT_FALSE(p->miss);
	CU_ASSERT_EQUAL(p->pi.reason, OFPR_ACTION);
	CU_ASSERT_EQUAL(p->pi.total_len, 254);
	CU_ASSERT_EQUAL(p->pi.data.len, 60);
	fx_clear(fx);
	fx_receive(fx, 4, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_EQUAL(p->pi.data.len, 0);
	CU_ASSERT_EQUAL(p->pi.total_len, 54);
	fx_free(fx);
}

static void without_a_free_buffer_the_whole_frame_goes(void)
{
	struct datapath_config config;
	struct fx *fx;

	datapath_config_default(&config);
	config.buffers_max = 1;
	fx = fx_new(&config);
	fx_add(fx, "actions=controller:60");
	for (int i = 0; i < 3; i++)
		fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2, .payload_len = 200});
	CU_ASSERT_EQUAL(fx->packet_ins[0].pi.data.len, 60);
	CU_ASSERT_EQUAL(fx->packet_ins[1].pi.data.len, 254);
	CU_ASSERT_EQUAL(fx->packet_ins[1].pi.buffer_id, OFP_NO_BUFFER);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->buffers_full, 2);
	fx_free(fx);
	config.buffers_max = 0;
	fx = fx_new(&config);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2, .payload_len = 200});
	CU_ASSERT_EQUAL(fx->packet_ins[0].pi.data.len, 254);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->buffers_full, 0);
	fx_free(fx);
}

static void buffers_that_may_not_be_used_for_a_time_stay_as_they_are(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "actions=controller:60");
	for (int i = 0; i < 4; i++) {
		datapath_set_buffers_max(fx->dp, i == 1 ? 0 : i == 2 ? 1 : UINT32_MAX);
		fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2, .payload_len = 200});
	}
	CU_ASSERT_EQUAL(fx->packet_ins[0].pi.data.len, 60);
	CU_ASSERT_EQUAL(fx->packet_ins[1].pi.data.len, 254);
	CU_ASSERT_EQUAL(fx->packet_ins[2].pi.buffer_id, OFP_NO_BUFFER);
	CU_ASSERT_EQUAL(fx->packet_ins[3].pi.data.len, 60);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->buffers_full, 2);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(fx->dp), 2);
	fx_free(fx);
}

static void a_frame_longer_than_a_packet_in_is_cut(void)
{
	struct datapath_config config;
	struct frame *frame;
	struct fx *fx;

	datapath_config_default(&config);
	config.buffers_max = 0;
	fx = fx_new(&config);
	frame = frame_new(fx->pool, 65535);
	memset(frame_data(frame), 0, 65535);
	datapath_receive(fx->dp, 1, frame, fx->now_ns);
	CU_ASSERT_EQUAL(fx->packet_ins[0].pi.data.len, 65535 - 18);
	CU_ASSERT_EQUAL(fx->packet_ins[0].pi.total_len, 65535);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->frames_oversized, 1);
	fx_free(fx);
	/* With a buffer nothing is lost. */
	fx = fx_new(NULL);
	frame = frame_new(fx->pool, 65535);
	memset(frame_data(frame), 0, 65535);
	datapath_receive(fx->dp, 1, frame, fx->now_ns);
	CU_ASSERT_EQUAL(fx->packet_ins[0].pi.data.len, 65535 - 18);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->frames_oversized, 0);
	fx_free(fx);
}

static void nobody_who_listens_means_no_packet_in_and_no_buffer(void)
{
	struct fx *fx = fx_new(NULL);

	fx->deaf = true;
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_EQUAL(fx->packet_ins_count, 0);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(fx->dp), 0);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->frames_dropped, 1);
	fx_free(fx);
}

/* A packet-out of the buffer 'id' with a list that outputs to port 4, or with 'actions'. */
static int packet_out(struct fx *fx, uint32_t id, struct fb_view *actions, struct fb_view data)
{
	uint8_t bytes[8];
	struct fb_buf list = fb_buf_make(bytes, sizeof bytes);
	struct fb_packet_out po = {.buffer_id = id, .in_port = 1, .data = data};

	fb_action_put_output(&list, 4, 0);
	po.actions = actions ? *actions : (struct fb_view){bytes, 8};
	return datapath_packet_out(fx->dp, &po, fx->now_ns, &fx->error);
}

static const struct fb_view no_data;

static void a_packet_out_releases_a_buffer_once(void)
{
	struct fx *fx = fx_new(NULL);
	uint32_t id;

	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2, .payload_len = 200});
	id = fx->packet_ins[0].pi.buffer_id;
	CU_ASSERT_EQUAL(packet_out(fx, id, NULL, no_data), 0);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "4");
	CU_ASSERT_EQUAL(fx->outputs[0].len, 254);
	FX_ASSERT_ERROR(fx, packet_out(fx, id, NULL, no_data), OFPET_BAD_REQUEST,
	                OFPBRC_BUFFER_EMPTY);
	FX_ASSERT_ERROR(fx, packet_out(fx, id + 1, NULL, no_data), OFPET_BAD_REQUEST,
	                OFPBRC_BUFFER_UNKNOWN);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(fx->dp), 0);
	fx_free(fx);
}

static void an_empty_list_of_actions_drops_the_buffered_frame(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_view none = {NULL, 0};

	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_EQUAL(packet_out(fx, fx->packet_ins[0].pi.buffer_id, &none, no_data), 0);
	CU_ASSERT_EQUAL(fx->outputs_count, 0);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(fx->dp), 0);
	fx_free(fx);
}

static void a_refused_packet_out_leaves_the_buffer(void)
{
	static const uint8_t to_none[8] = {0, 0, 0, 8, 0xff, 0xff, 0, 0};
	struct fb_view bad = {to_none, 8};
	struct fx *fx = fx_new(NULL);
	uint32_t id;

	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	id = fx->packet_ins[0].pi.buffer_id;
	FX_ASSERT_ERROR(fx, packet_out(fx, id, &bad, no_data), OFPET_BAD_ACTION,
	                OFPBAC_BAD_OUT_PORT);
	CU_ASSERT_EQUAL(packet_out(fx, id, NULL, no_data), 0);
	fx_free(fx);
}

static void a_packet_out_carries_its_own_frame_without_a_buffer(void)
{
	struct fx *fx = fx_new(NULL);
	uint8_t bytes[60] = {2, 0, 0, 0, 0, 1};

	CU_ASSERT_EQUAL(packet_out(fx, OFP_NO_BUFFER, NULL, (struct fb_view){bytes, 60}), 0);
	CU_ASSERT_EQUAL(fx->outputs[0].len, 60);
	CU_ASSERT_EQUAL(packet_out(fx, OFP_NO_BUFFER, NULL, (struct fb_view){bytes, 14}), 0);
	FX_ASSERT_ERROR(fx, packet_out(fx, OFP_NO_BUFFER, NULL, (struct fb_view){bytes, 13}),
	                OFPET_BAD_REQUEST, OFPBRC_BAD_LEN);
	FX_ASSERT_ERROR(fx, packet_out(fx, OFP_NO_BUFFER, NULL, no_data), OFPET_BAD_REQUEST,
	                OFPBRC_BAD_LEN);
	fx_free(fx);
}

static void a_buffer_that_nobody_uses_expires(void)
{
	struct fx *fx = fx_new(NULL);
	uint32_t id;

	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	id = fx->packet_ins[0].pi.buffer_id;
	CU_ASSERT_EQUAL(datapath_deadline(fx->dp), 11 * FB_NS_PER_S);
	fx->now_ns = 11 * FB_NS_PER_S - 1;
	datapath_run(fx->dp, fx->now_ns);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(fx->dp), 1);
	fx->now_ns++;
	FX_ASSERT_ERROR(fx, packet_out(fx, id, NULL, no_data), OFPET_BAD_REQUEST,
	                OFPBRC_BUFFER_EMPTY);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->buffers_expired, 1);
	CU_ASSERT_EQUAL(datapath_deadline(fx->dp), FB_NEVER);
	fx_free(fx);
}

static void what_is_buffered_is_what_the_action_saw(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_packet p;

	fx_add(fx, "actions=mod_tp_dst:99,controller,mod_tp_dst:100,output:2");
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2, .tp_dst = 80});
	CU_ASSERT_EQUAL(packet_out(fx, fx->packet_ins[0].pi.buffer_id, NULL, no_data), 0);
	fb_packet_parse(&p, fx->outputs[1].bytes, fx->outputs[1].len);
	CU_ASSERT_EQUAL(p.tp_dst, 99);
	fx_free(fx);
}

/* --- Configuration --- */

static void send_fragment(struct fx *fx, bool more, uint16_t offset)
{
	uint8_t bytes[128], payload[32] = {0, 80, 0, 80};
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.dl_dst = {2, 0, 0, 0, 0, 2}, .dl_src = {2, 0, 0, 0, 0, 1}};
	struct fb_ipv4_spec ip = {
	        .nw_src = 1, .nw_dst = 2, .more_fragments = more, .frag_offset = offset};

	CU_ASSERT_TRUE_FATAL(fb_build_ipv4(&out, &eth, &ip, FB_IP_UDP, payload, sizeof payload));
	datapath_receive(fx->dp, 1, frame_copy_of(fx->pool, out.data, out.len), fx->now_ns);
}

static void fragments_are_dropped_when_the_controller_says_so(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "actions=output:2");
	send_fragment(fx, true, 0);
	send_fragment(fx, false, 32);
	CU_ASSERT_EQUAL(fx->outputs_count, 2);
	datapath_set_fragments(fx->dp, OFPC_FRAG_DROP);
	send_fragment(fx, true, 0);
	send_fragment(fx, true, 32);
	send_fragment(fx, false, 64);
	CU_ASSERT_EQUAL(fx->outputs_count, 2);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->fragments_dropped, 3);
	send_fragment(fx, false, 0);
	CU_ASSERT_EQUAL(fx->outputs_count, 3);
	fx_free(fx);
}

static void a_packet_longer_than_its_frame_is_not_looked_into(void)
{
	uint8_t list[8] = {0, OFPAT_OUTPUT, 0, 8, OFPP_TABLE >> 8, OFPP_TABLE & 0xff};
	struct fb_view to_table = {list, sizeof list};
	struct fx *fx = fx_new(NULL);
	struct frame *frame = fx_tcp_frame(fx, (struct fx_tcp){.src = 1, .dst = 2});

	fx_add(fx, "ip,nw_src=10.0.0.1,actions=output:2");
	fx_add(fx, "priority=1,actions=output:3");
	frame->len--;
	CU_ASSERT_EQUAL(packet_out(fx, OFP_NO_BUFFER, &to_table,
	                           (struct fb_view){frame_data(frame), frame->len}),
	                0);
	datapath_receive(fx->dp, 1, frame, fx->now_ns);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "3 3");
	fx_free(fx);
}

static void a_fragment_through_the_table_is_dropped_like_others(void)
{
	uint8_t list[8] = {0, OFPAT_OUTPUT, 0, 8, OFPP_TABLE >> 8, OFPP_TABLE & 0xff};
	struct fb_view to_table = {list, sizeof list};
	struct fx *fx = fx_new(NULL);
	struct frame *frame = fx_tcp_frame(fx, (struct fx_tcp){.src = 1, .dst = 2});

	fx_add(fx, "actions=output:3");
	datapath_set_fragments(fx->dp, OFPC_FRAG_DROP);
	frame_data(frame)[20] = 0x20;
	CU_ASSERT_EQUAL(packet_out(fx, OFP_NO_BUFFER, &to_table,
	                           (struct fb_view){frame_data(frame), frame->len}),
	                0);
	CU_ASSERT_EQUAL(fx->outputs_count, 0);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->fragments_dropped, 1);
	frame_unref(frame);
	fx_free(fx);
}

static void what_is_done_with_fragments_is_what_was_asked_for_last(void)
{
	static const uint16_t known[] = {OFPC_FRAG_NORMAL, OFPC_FRAG_DROP, OFPC_FRAG_REASM};
	struct datapath_config config;
	struct fx *fx = fx_new(NULL);

	CU_ASSERT_EQUAL(datapath_fragments(fx->dp), OFPC_FRAG_NORMAL);
	for (size_t i = 0; i < 3; i++) {
		datapath_set_fragments(fx->dp, (uint16_t)(0xfffc | known[i]));
		CU_ASSERT_EQUAL(datapath_fragments(fx->dp), known[i]);
	}
	fx_free(fx);
	/* Where there is no room for any, reassembly is not among the capabilities, and what was
	 * in force stays. */
	datapath_config_default(&config);
	config.reassembly_max = 0;
	fx = fx_new(&config);
	datapath_set_fragments(fx->dp, OFPC_FRAG_DROP);
	datapath_set_fragments(fx->dp, OFPC_FRAG_REASM);
	CU_ASSERT_EQUAL(datapath_fragments(fx->dp), OFPC_FRAG_DROP);
	fx_free(fx);
}

static void both_bits_for_fragments_are_told_and_mean_normal(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "udp,tp_src=0,tp_dst=0,actions=output:2");
	datapath_set_fragments(fx->dp, OFPC_FRAG_REASM);
	send_fragment(fx, true, 0);
	datapath_set_fragments(fx->dp, OFPC_FRAG_MASK);
	CU_ASSERT_EQUAL(datapath_fragments(fx->dp), OFPC_FRAG_MASK);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->reassembly_failed, 1);
	send_fragment(fx, true, 0);
	send_fragment(fx, false, 32);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2 2");
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->fragments_dropped, 0);
	fx_free(fx);
}

static void features_tell_the_truth(void)
{
	struct datapath_config config;
	struct fb_features_reply fr;
	struct fb_desc_stats desc;
	struct fx *fx;

	datapath_config_default(&config);
	config.dpid = 0x123456789abcdef0;
	config.buffers_max = 77;
	config.serial_num = "0123456789012345678901234567890123456789";
	fx = fx_new(&config);
	datapath_features(fx->dp, &fr);
	CU_ASSERT_EQUAL(fr.datapath_id, 0x123456789abcdef0);
	CU_ASSERT_EQUAL(fr.n_buffers, 77);
	CU_ASSERT_EQUAL(fr.n_tables, 1);
	CU_ASSERT_EQUAL(fr.capabilities, OFPC_FLOW_STATS | OFPC_TABLE_STATS | OFPC_PORT_STATS |
	                                         OFPC_IP_REASM | OFPC_QUEUE_STATS |
	                                         OFPC_ARP_MATCH_IP);
	CU_ASSERT_EQUAL(fr.actions, 0xfff);
	datapath_desc(fx->dp, &desc);
	CU_ASSERT_STRING_EQUAL(desc.mfr_desc, "Flowbed");
	CU_ASSERT_EQUAL(strlen(desc.serial_num), SERIAL_NUM_LEN);
	fx_free(fx);
	config.reassembly_max = 0;
	fx = fx_new(&config);
	datapath_features(fx->dp, &fr);
	CU_ASSERT_EQUAL(fr.capabilities & OFPC_IP_REASM, 0);
	fx_free(fx);
}

/* --- Statistics --- */

static bool count_until_two(void *ctx, const struct fb_flow_stats *stats)
{
	(void)stats;
	return ++*(unsigned *)ctx < 2;
}

static void flow_statistics_come_in_order_of_addition_and_stop_when_told(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_flow_stats_request request = {.table_id = 0xff, .out_port = OFPP_NONE};
	unsigned count = 0;

	fx_add(fx, "priority=3,in_port=1,actions=output:2");
	fx_add(fx, "priority=9,in_port=2,actions=output:1");
	fx_add(fx, "priority=1,actions=drop");
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""),
	                       "priority=3,in_port=1 actions=output:2 n_packets=0\n"
	                       "priority=9,in_port=2 actions=output:1 n_packets=0\n"
	                       "priority=1 actions=drop n_packets=0\n");
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, "in_port=2"),
	                       "priority=9,in_port=2 actions=output:1 n_packets=0\n");
	fb_match_any(&request.match);
	datapath_flows(fx->dp, &request, 0, count_until_two, &count);
	CU_ASSERT_EQUAL(count, 2);
	fx_free(fx);
}

static bool keep_duration(void *ctx, const struct fb_flow_stats *stats)
{
	*(uint32_t *)ctx = stats->duration_sec;
	return true;
}

static void an_age_beyond_the_seconds_of_a_message_stays_at_their_most(void)
{
	struct fb_flow_stats_request request = {.table_id = 0xff, .out_port = OFPP_NONE};
	struct fx *fx = fx_new(NULL);
	uint32_t duration_sec = 0;

	fx_add(fx, "actions=drop");
	fb_match_any(&request.match);
	datapath_flows(fx->dp, &request, UINT64_C(4294967296) * FB_NS_PER_S, keep_duration,
	               &duration_sec);
	CU_ASSERT_EQUAL(duration_sec, 4294967295);
	datapath_flows(fx->dp, &request, UINT64_C(4294967297) * FB_NS_PER_S, keep_duration,
	               &duration_sec);
	CU_ASSERT_EQUAL(duration_sec, 4294967295);
	fx_free(fx);
}

static struct fb_aggregate_stats aggregate(struct fx *fx, uint8_t table_id, uint16_t out_port)
{
	struct fb_flow_stats_request request = {.table_id = table_id, .out_port = out_port};
	struct fb_aggregate_stats stats;

	fb_match_any(&request.match);
	datapath_aggregate(fx->dp, &request, &stats);
	return stats;
}

static void aggregates_add_up_what_the_request_selects(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_aggregate_stats all;

	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 4, 1, 100), 0);
	fx_add(fx, "in_port=1,actions=output:2,enqueue:4:1");
	fx_add(fx, "in_port=2,actions=output:3");
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2, .payload_len = 6});
	fx_receive(fx, 2, (struct fx_tcp){.src = 1, .dst = 2});
	all = aggregate(fx, 0xff, OFPP_NONE);
	CU_ASSERT_EQUAL(all.flow_count, 2);
	CU_ASSERT_EQUAL(all.packet_count, 3);
	CU_ASSERT_EQUAL(all.byte_count, 54 + 60 + 54);
	CU_ASSERT_EQUAL(aggregate(fx, 0, OFPP_NONE).flow_count, 2);
	CU_ASSERT_EQUAL(aggregate(fx, 1, OFPP_NONE).flow_count, 0);
	CU_ASSERT_EQUAL(aggregate(fx, 0xfe, OFPP_NONE).flow_count, 0);
	CU_ASSERT_EQUAL(aggregate(fx, 0xff, 3).packet_count, 1);
	CU_ASSERT_EQUAL(aggregate(fx, 0xff, 4).packet_count, 2);
	CU_ASSERT_EQUAL(aggregate(fx, 0xff, 1).flow_count, 0);
	fx_free(fx);
}

static void table_statistics_count_lookups_and_matches(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_table_stats s;

	fx_add(fx, "in_port=1,actions=output:2");
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	fx_receive(fx, 2, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_TRUE(datapath_table_stats(fx->dp, 0, &s));
	CU_ASSERT_EQUAL(s.active_count, 1);
	CU_ASSERT_EQUAL(s.max_entries, 1000000);
	CU_ASSERT_EQUAL(s.wildcards, OFPFW_ALL);
	CU_ASSERT_EQUAL(s.lookup_count, 2);
	CU_ASSERT_EQUAL(s.matched_count, 1);
	CU_ASSERT_FALSE(datapath_table_stats(fx->dp, 1, &s));
	fx_free(fx);
}

UNIT_TESTS("datapath", UNIT_TEST(port_numbers_are_unique_and_possible),
           UNIT_TEST(there_are_no_more_ports_than_a_features_reply_lists),
           UNIT_TEST(adding_and_removing_a_port_is_told),
           UNIT_TEST(a_link_change_is_told_when_it_is_news),
           UNIT_TEST(port_mod_names_port_and_address),
           UNIT_TEST(port_mod_changes_the_masked_bits_only),
           UNIT_TEST(a_port_advertises_no_more_than_it_supports),
           UNIT_TEST(each_config_bit_does_what_it_says),
           UNIT_TEST(spanning_tree_frames_have_a_bit_of_their_own),
           UNIT_TEST(no_packet_in_silences_misses_but_not_actions),
           UNIT_TEST(a_port_without_a_link_neither_receives_nor_sends),
           UNIT_TEST(port_counters_count_what_they_are_named_for),
           UNIT_TEST(frames_of_no_port_are_dropped),
           UNIT_TEST(a_miss_carries_the_whole_frame_and_keeps_it),
           UNIT_TEST(an_action_cuts_what_it_sends_to_a_controller),
           UNIT_TEST(without_a_free_buffer_the_whole_frame_goes),
           UNIT_TEST(buffers_that_may_not_be_used_for_a_time_stay_as_they_are),
           UNIT_TEST(a_frame_longer_than_a_packet_in_is_cut),
           UNIT_TEST(nobody_who_listens_means_no_packet_in_and_no_buffer),
           UNIT_TEST(a_packet_out_releases_a_buffer_once),
           UNIT_TEST(an_empty_list_of_actions_drops_the_buffered_frame),
           UNIT_TEST(a_refused_packet_out_leaves_the_buffer),
           UNIT_TEST(a_packet_out_carries_its_own_frame_without_a_buffer),
           UNIT_TEST(a_buffer_that_nobody_uses_expires),
           UNIT_TEST(what_is_buffered_is_what_the_action_saw),
           UNIT_TEST(fragments_are_dropped_when_the_controller_says_so),
           UNIT_TEST(a_packet_longer_than_its_frame_is_not_looked_into),
           UNIT_TEST(a_fragment_through_the_table_is_dropped_like_others),
           UNIT_TEST(what_is_done_with_fragments_is_what_was_asked_for_last),
           UNIT_TEST(both_bits_for_fragments_are_told_and_mean_normal),
           UNIT_TEST(features_tell_the_truth),
           UNIT_TEST(flow_statistics_come_in_order_of_addition_and_stop_when_told),
           UNIT_TEST(an_age_beyond_the_seconds_of_a_message_stays_at_their_most),
           UNIT_TEST(aggregates_add_up_what_the_request_selects),
           UNIT_TEST(table_statistics_count_lookups_and_matches))
