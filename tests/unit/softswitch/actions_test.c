/* Actions: what is refused, where frames go, and that what was sent stays as it was. */
#include "tests/unit/softswitch/datapath_fixture.h"

#include "softswitch/actions.h"

/* --- Judging --- */

/* Check the actions 'text' (ovs-ofctl's syntax) of an entry or a packet-out. */
static int check(struct fx *fx, const struct fb_action *action, bool packet_out)
{
	uint8_t bytes[64];
	struct fb_buf list = fb_buf_make(bytes, sizeof bytes);

	CU_ASSERT_TRUE_FATAL(fb_action_put(&list, action));
	return actions_check(fx->dp, list.data, list.len, packet_out, &fx->error);
}

static int check_output(struct fx *fx, uint16_t port_no, bool packet_out)
{
	struct fb_action action = {.type = OFPAT_OUTPUT, .output = {port_no, 0}};

	return check(fx, &action, packet_out);
}

static void outputs_to_ports_that_cannot_be_are_refused(void)
{
	static const uint16_t impossible[] = {0, OFPP_MAX, 0xff01, 0xfff7, OFPP_NONE, OFPP_TABLE};
	static const uint16_t possible[] = {1,           5,          OFPP_MAX - 1, OFPP_IN_PORT,
	                                    OFPP_NORMAL, OFPP_FLOOD, OFPP_ALL,     OFPP_CONTROLLER,
	                                    OFPP_LOCAL};
	struct fx *fx = fx_new(NULL);

	for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++)
		FX_ASSERT_ERROR(fx, check_output(fx, impossible[i], false), OFPET_BAD_ACTION,
		                OFPBAC_BAD_OUT_PORT);
	for (size_t i = 0; i < sizeof possible / sizeof possible[0]; i++)
		CU_ASSERT_EQUAL(check_output(fx, possible[i], false), 0);
	CU_ASSERT_EQUAL(check_output(fx, OFPP_TABLE, true), 0);
	fx_free(fx);
}

static void arguments_out_of_range_are_refused(void)
{
	static const struct fb_action bad[] = {
	        {.type = OFPAT_SET_VLAN_VID, .vlan_vid = 4096},
	        {.type = OFPAT_SET_VLAN_VID, .vlan_vid = 0xffff},
	        {.type = OFPAT_SET_VLAN_PCP, .vlan_pcp = 8},
	        {.type = OFPAT_SET_NW_TOS, .nw_tos = 1},
	        {.type = OFPAT_SET_NW_TOS, .nw_tos = 2},
	};
	static const struct fb_action good[] = {
	        {.type = OFPAT_SET_VLAN_VID, .vlan_vid = 4095},
	        {.type = OFPAT_SET_VLAN_PCP, .vlan_pcp = 7},
	        {.type = OFPAT_SET_NW_TOS, .nw_tos = 0xfc},
	};
	struct fx *fx = fx_new(NULL);

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		FX_ASSERT_ERROR(fx, check(fx, &bad[i], false), OFPET_BAD_ACTION,
		                OFPBAC_BAD_ARGUMENT);
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		CU_ASSERT_EQUAL(check(fx, &good[i], false), 0);
	fx_free(fx);
}

static void a_queue_needs_a_port_and_a_number(void)
{
	struct fb_action action = {.type = OFPAT_ENQUEUE, .enqueue = {1, 0}};
	struct fx *fx = fx_new(NULL);

	FX_ASSERT_ERROR(fx, check(fx, &action, false), OFPET_BAD_ACTION, OFPBAC_BAD_QUEUE);
	CU_ASSERT_EQUAL(datapath_add_queue(fx->dp, 1, 0, 0), 0);
	CU_ASSERT_EQUAL(check(fx, &action, false), 0);
	CU_ASSERT_EQUAL(check(fx, &action, true), 0);
	/* Ports whose queues nobody knows yet. */
	action.enqueue.port = OFPP_IN_PORT;
	CU_ASSERT_EQUAL(check(fx, &action, false), 0);
	action.enqueue.port = 9;
	CU_ASSERT_EQUAL(check(fx, &action, false), 0);
	action.enqueue.port = OFPP_FLOOD;
	FX_ASSERT_ERROR(fx, check(fx, &action, false), OFPET_BAD_ACTION, OFPBAC_BAD_OUT_PORT);
	action.enqueue.port = 1;
	action.enqueue.queue_id = OFPQ_ALL;
	FX_ASSERT_ERROR(fx, check(fx, &action, false), OFPET_BAD_ACTION, OFPBAC_BAD_QUEUE);
	fx_free(fx);
}

static void a_vendor_action_is_refused_by_its_vendor(void)
{
	struct fb_action action = {.type = OFPAT_VENDOR, .vendor = {.vendor = 0x2320}};
	struct fx *fx = fx_new(NULL);

	FX_ASSERT_ERROR(fx, check(fx, &action, false), OFPET_BAD_ACTION, OFPBAC_BAD_VENDOR);
	fx_free(fx);
}

static void unknown_types_and_wrong_lengths_are_refused(void)
{
	static const uint8_t unknown_type[8] = {0, 12, 0, 8}, short_length[8] = {0, 0, 0, 4};
	struct fx *fx = fx_new(NULL);

	FX_ASSERT_ERROR(fx, actions_check(fx->dp, unknown_type, 8, false, &fx->error),
	                OFPET_BAD_ACTION, OFPBAC_BAD_TYPE);
	FX_ASSERT_ERROR(fx, actions_check(fx->dp, short_length, 8, false, &fx->error),
	                OFPET_BAD_ACTION, OFPBAC_BAD_LEN);
	fx_free(fx);
}

static void a_list_may_have_512_actions_and_no_more(void)
{
	uint8_t bytes[8 * (ACTIONS_COUNT_MAX + 1)];
	struct fb_buf list = fb_buf_make(bytes, sizeof bytes);
	struct fx *fx = fx_new(NULL);

	while (fb_action_put_output(&list, 1, 0))
		;
	CU_ASSERT_EQUAL(actions_check(fx->dp, bytes, sizeof bytes - 8, false, &fx->error), 0);
	FX_ASSERT_ERROR(fx, actions_check(fx->dp, bytes, sizeof bytes, false, &fx->error),
	                OFPET_BAD_ACTION, OFPBAC_TOO_MANY);
	fx_free(fx);
}

/* --- Where frames go --- */

static struct fx *with_flow(const char *flow)
{
	struct fx *fx = fx_new(NULL);

	CU_ASSERT_EQUAL_FATAL(fx_add(fx, flow), 0);
	return fx;
}

/* A frame that came in by port 1 under the single entry 'flow' goes to 'ports'. */
static void assert_goes_to(const char *flow, const char *ports)
{
	struct fx *fx = with_flow(flow);

	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), ports);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->frames_dropped, ports[0] == '\0');
	fx_free(fx);
}

static void a_frame_goes_where_its_entry_says(void)
{
	assert_goes_to("actions=output:3", "3");
	assert_goes_to("actions=output:2,output:4,output:2", "2 4 2");
	assert_goes_to("actions=drop", "");
	assert_goes_to("actions=output:77", "");
}

static void a_plain_output_to_the_ingress_port_is_dropped(void)
{
	assert_goes_to("actions=output:1", "");
	assert_goes_to("actions=in_port", "1");
}

static void flood_and_all_leave_the_ingress_port_out(void)
{
	assert_goes_to("actions=flood", "2 3 4");
	assert_goes_to("actions=all", "2 3 4");
}

static void the_local_port_is_one_like_others(void)
{
	struct fx *fx = with_flow("in_port=1,actions=local");
	struct fb_phy_port local = fx_port(OFPP_LOCAL);

	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_EQUAL(fx->outputs_count, 0);
	datapath_add_port(fx->dp, &local, fx->now_ns);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "65534");
	fx_add(fx, "in_port=local,actions=flood");
	fx_clear(fx);
	fx_receive(fx, OFPP_LOCAL, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "1 2 3 4");
	fx_free(fx);
}

static void output_to_the_controller_sends_max_len_bytes(void)
{
	struct fx *fx = with_flow("actions=controller:20,output:2");

	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_EQUAL(fx->packet_ins_count, 1);
	CU_ASSERT_EQUAL(fx->packet_ins[0].pi.reason, OFPR_ACTION);
	CU_ASSERT_EQUAL(fx->packet_ins[0].pi.in_port, 1);
	CU_ASSERT_EQUAL(fx->packet_ins[0].pi.data.len, 20);
	CU_ASSERT_EQUAL(fx->packet_ins[0].pi.total_len, 54);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2");
	fx_free(fx);
}

/* --- Changes --- */

static struct fb_packet parsed_output(const struct fx *fx, size_t place)
{
	struct fb_packet packet;

	CU_ASSERT_EQUAL_FATAL(
	        fb_packet_parse(&packet, fx->outputs[place].bytes, fx->outputs[place].len), 0);
	CU_ASSERT_TRUE(fb_packet_checksums_ok(&packet));
	return packet;
}

static void every_field_that_an_action_names_is_changed(void)
{
	struct fx *fx = with_flow(
	        "actions=mod_vlan_vid:5,mod_vlan_pcp:3,mod_dl_src:02:00:00:00:00:aa,"
	        "mod_dl_dst:02:00:00:00:00:bb,mod_nw_src:1.2.3.4,mod_nw_dst:5.6.7.8,mod_nw_tos:8,"
	        "mod_tp_src:99,mod_tp_dst:100,output:2,strip_vlan,output:3");
	struct fb_packet p;

	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2, .payload_len = 9});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2 3");
	p = parsed_output(fx, 0);
	CU_ASSERT_TRUE(p.has_vlan);
	CU_ASSERT_EQUAL(p.vlan_tci, 3 << 13 | 5);
	CU_ASSERT_EQUAL(p.dl_src[5], 0xaa);
	CU_ASSERT_EQUAL(p.dl_dst[5], 0xbb);
	CU_ASSERT_EQUAL(p.nw_src, 0x01020304);
	CU_ASSERT_EQUAL(p.nw_dst, 0x05060708);
	CU_ASSERT_EQUAL(p.nw_tos, 8);
	CU_ASSERT_EQUAL(p.tp_src, 99);
	CU_ASSERT_EQUAL(p.tp_dst, 100);
	p = parsed_output(fx, 1);
	CU_ASSERT_FALSE(p.has_vlan);
	CU_ASSERT_EQUAL(p.tp_dst, 100);
	fx_free(fx);
}

static void a_change_after_an_output_does_not_reach_what_was_sent(void)
{
	struct fx *fx = with_flow(
	        "actions=output:2,mod_tp_dst:99,output:3,mod_tp_dst:100,output:4,controller");
	static const uint16_t tp_dst[] = {80, 99, 100};

	fx->hold = true;
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2, .tp_dst = 80});
	CU_ASSERT_EQUAL_FATAL(fx->outputs_count, 3);
	for (size_t i = 0; i < 3; i++) {
		struct fb_packet p;

		/* The frame that the link holds, not the record. */
		fb_packet_parse(&p, frame_data(fx->outputs[i].frame), fx->outputs[i].frame->len);
		CU_ASSERT_EQUAL(p.tp_dst, tp_dst[i]);
	}
	CU_ASSERT_EQUAL(fx->packet_ins_count, 1);
	fx_free(fx);
}

static void a_frame_that_is_not_changed_is_not_copied(void)
{
	struct fx *fx = with_flow("actions=output:2,output:3,mod_tp_dst:99");
	struct frame *frame = fx_tcp_frame(fx, (struct fx_tcp){.src = 1, .dst = 2});

	fx->hold = true;
	datapath_receive(fx->dp, 1, frame, fx->now_ns);
	CU_ASSERT_PTR_EQUAL(fx->outputs[0].frame, frame);
	CU_ASSERT_PTR_EQUAL(fx->outputs[1].frame, frame);
	CU_ASSERT_EQUAL(frame_pool_in_use(fx->pool), 1);
	fx_free(fx);
}

static void changes_that_lead_nowhere_are_not_tried(void)
{
	struct fx *fx = with_flow("actions=output:2,mod_vlan_vid:5");
	struct frame *frame = frame_new(fx->pool, FB_FRAME_BYTES_MAX);

	memset(frame_data(frame), 0, frame->len);
	datapath_receive(fx->dp, 1, frame, fx->now_ns);
	CU_ASSERT_EQUAL(fx->outputs_count, 1);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->frames_oversized, 0);
	fx_free(fx);
}

static void a_frame_that_nobody_else_holds_is_changed_in_place(void)
{
	struct fx *fx = with_flow("actions=mod_tp_dst:99,mod_vlan_vid:7,output:2");
	struct frame *frame = fx_tcp_frame(fx, (struct fx_tcp){.src = 1, .dst = 2});

	fx->hold = true;
	datapath_receive(fx->dp, 1, frame, fx->now_ns);
	CU_ASSERT_PTR_EQUAL(fx->outputs[0].frame, frame);
	CU_ASSERT_EQUAL(frame->len, 58);
	fx_free(fx);
}

static void the_frame_of_the_sender_is_not_changed(void)
{
	struct fx *fx = with_flow("actions=mod_tp_dst:99,output:2");
	struct frame *frame = fx_tcp_frame(fx, (struct fx_tcp){.src = 1, .dst = 2, .tp_dst = 80});
	struct fb_packet p;

	datapath_receive(fx->dp, 1, frame_ref(frame), fx->now_ns);
	fb_packet_parse(&p, frame_data(frame), frame->len);
	CU_ASSERT_EQUAL(p.tp_dst, 80);
	CU_ASSERT_EQUAL(parsed_output(fx, 0).tp_dst, 99);
	frame_unref(frame);
	fx_free(fx);
}

static void a_tag_that_makes_a_frame_too_long_drops_it(void)
{
	struct fx *fx = with_flow("actions=mod_vlan_vid:7,output:2");
	struct frame *frame = frame_new(fx->pool, FB_FRAME_BYTES_MAX - 3);

	memset(frame_data(frame), 0, frame->len);
	datapath_receive(fx->dp, 1, frame, fx->now_ns);
	CU_ASSERT_EQUAL(fx->outputs_count, 0);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->frames_oversized, 1);
	fx_free(fx);
}

/* --- OFPP_TABLE and OFPP_NORMAL --- */

static int packet_out(struct fx *fx, uint16_t in_port, const char *actions_text, struct fx_tcp spec)
{
	struct frame *frame = fx_tcp_frame(fx, spec);
	uint8_t bytes[256];
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);
	struct fb_packet_out po = {.buffer_id = OFP_NO_BUFFER,
	                           .in_port = in_port,
	                           .data = {frame_data(frame), frame->len}};
	int result;

	CU_ASSERT_EQUAL_FATAL(fb_parse_actions(actions_text, &actions, NULL), 0);
	po.actions = (struct fb_view){actions.data, actions.len};
	result = datapath_packet_out(fx->dp, &po, fx->now_ns, &fx->error);
	frame_unref(frame);
	return result;
}

static void a_packet_out_through_the_table_meets_its_entries(void)
{
	struct fx *fx = with_flow("in_port=3,actions=mod_tp_dst:99,output:2");

	CU_ASSERT_EQUAL(packet_out(fx, 3, "table,output:4",
	                           (struct fx_tcp){.src = 1, .dst = 2, .tp_dst = 80}),
	                0);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2 4");
	CU_ASSERT_EQUAL(parsed_output(fx, 0).tp_dst, 99);
	CU_ASSERT_EQUAL(parsed_output(fx, 1).tp_dst, 99);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->matched, 1);
	fx_free(fx);
}

static void what_the_table_changed_stays_for_the_actions_behind_it(void)
{
	struct fx *fx = with_flow("in_port=3,actions=output:2,mod_tp_dst:99,mod_vlan_vid:5");
	struct fb_packet p;

	fx->hold = true;
	CU_ASSERT_EQUAL(packet_out(fx, 3, "mod_tp_src:7,output:1,table,mod_vlan_pcp:3,output:4",
	                           (struct fx_tcp){.src = 1, .dst = 2, .tp_dst = 80}),
	                0);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "1 2 4");
	for (size_t i = 0; i < 2; i++) {
		p = parsed_output(fx, i);
		CU_ASSERT_EQUAL(p.tp_src, 7);
		CU_ASSERT_EQUAL(p.tp_dst, 80);
		CU_ASSERT_FALSE(p.has_vlan);
	}
	p = parsed_output(fx, 2);
	CU_ASSERT_EQUAL(p.tp_src, 7);
	CU_ASSERT_EQUAL(p.tp_dst, 99);
	CU_ASSERT_EQUAL(p.vlan_tci, 0x6005);
	fx_free(fx);
}

static void a_packet_out_through_the_table_can_miss(void)
{
	struct fx *fx = with_flow("in_port=3,actions=output:2");

	CU_ASSERT_EQUAL(packet_out(fx, OFPP_NONE, "table", (struct fx_tcp){.src = 1, .dst = 2}), 0);
	CU_ASSERT_EQUAL(fx->packet_ins_count, 1);
	CU_ASSERT_EQUAL(fx->packet_ins[0].pi.reason, OFPR_NO_MATCH);
	CU_ASSERT_EQUAL(fx->packet_ins[0].pi.in_port, OFPP_NONE);
	fx_free(fx);
}

static void the_table_inside_the_table_is_a_loop_and_stops(void)
{
	struct fx *fx = fx_new(NULL);
	uint8_t bytes[16];
	struct fb_buf list = fb_buf_make(bytes, sizeof bytes);
	struct frame *frame = fx_tcp_frame(fx, (struct fx_tcp){.src = 1, .dst = 2});

	fb_action_put_output(&list, OFPP_TABLE, 0);
	fb_action_put_output(&list, 2, 0);
	CU_ASSERT_TRUE(actions_run(fx->dp, frame, (struct frame_origin){.in_port = 1}, list.data,
	                           list.len, true, fx->now_ns));
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->loops_stopped, 1);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2");
	fx_free(fx);
}

static void a_packet_out_without_ingress_port_floods_to_all(void)
{
	struct fx *fx = fx_new(NULL);

	packet_out(fx, OFPP_NONE, "flood", (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "1 2 3 4");
	fx_clear(fx);
	packet_out(fx, OFPP_NONE, "in_port", (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "");
	fx_clear(fx);
	packet_out(fx, 2, "output:2,in_port", (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2");
	fx_free(fx);
}

static void normal_floods_to_strangers_and_learns_who_spoke(void)
{
	struct fx *fx = with_flow("actions=normal");

	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2 3 4");
	fx_clear(fx);
	fx_receive(fx, 3, (struct fx_tcp){.src = 2, .dst = 1});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "1");
	fx_clear(fx);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "3");
	/* Station 1 moves to port 4, where a frame for its own port does not go back. */
	fx_receive(fx, 4, (struct fx_tcp){.src = 1, .dst = 2});
	fx_clear(fx);
	fx_receive(fx, 4, (struct fx_tcp){.src = 3, .dst = 1});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "");
	fx_free(fx);
}

static void normal_takes_frames_of_ports_and_of_controllers(void)
{
	uint8_t list[8] = {0, OFPAT_OUTPUT, 0, 8, OFPP_NORMAL >> 8, OFPP_NORMAL & 0xff};
	uint8_t data[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	struct fb_packet_out po = {.buffer_id = OFP_NO_BUFFER,
	                           .actions = {list, sizeof list},
	                           .data = {data, sizeof data}};
	static const struct {
		uint16_t in_port;
		const char *ports, *ports_back;
	} cases[] = {{OFPP_NONE, "1 2 3 4", "2 3 4"},
	             {OFPP_CONTROLLER, "1 2 3 4", "2 3 4"},
	             {3, "1 2 4", "3"},
	             {77, "", "2 3 4"}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fx *fx = with_flow("actions=normal");

		po.in_port = cases[i].in_port;
		CU_ASSERT_EQUAL(datapath_packet_out(fx->dp, &po, fx->now_ns, &fx->error), 0);
		CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), cases[i].ports);
		fx_clear(fx);
		fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
		CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), cases[i].ports_back);
		fx_free(fx);
	}
}

static void normal_keeps_vlans_apart(void)
{
	struct fx *fx = with_flow("actions=normal");

	fx_receive(fx, 2, (struct fx_tcp){.src = 2, .dst = 1, .vlan = 10});
	fx_clear(fx);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2, .vlan = 20});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2 3 4");
	fx_clear(fx);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2, .vlan = 7 << 13 | 10});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2");
	fx_free(fx);
}

static void normal_forgets_the_silent_and_those_whose_port_went_down(void)
{
	struct fx *fx = with_flow("actions=normal");

	fx_receive(fx, 2, (struct fx_tcp){.src = 2, .dst = 1});
	fx_clear(fx);
	fx->now_ns += 300 * FB_NS_PER_S - 1;
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2");
	fx_clear(fx);
	fx->now_ns++;
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2 3 4");
	datapath_set_link(fx->dp, 1, false, fx->now_ns);
	fx_clear(fx);
	fx_receive(fx, 2, (struct fx_tcp){.src = 2, .dst = 1});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "3 4");
	fx_free(fx);
}

static void normal_forgets_who_was_on_a_port_that_goes(void)
{
	struct fb_port_mod down = {.port_no = 2,
	                           .hw_addr = {2, 0, 0, 0, 1, 2},
	                           .config = OFPPC_PORT_DOWN,
	                           .mask = OFPPC_PORT_DOWN};
	struct fb_phy_port port = fx_port(3);
	struct fx *fx = with_flow("actions=normal");

	fx_receive(fx, 2, (struct fx_tcp){.src = 2, .dst = 1});
	fx_receive(fx, 3, (struct fx_tcp){.src = 3, .dst = 1});
	CU_ASSERT_EQUAL(datapath_port_mod(fx->dp, &down, fx->now_ns, &fx->error), 0);
	down.config = 0;
	CU_ASSERT_EQUAL(datapath_port_mod(fx->dp, &down, fx->now_ns, &fx->error), 0);
	CU_ASSERT_EQUAL(datapath_remove_port(fx->dp, 3, fx->now_ns), 0);
	CU_ASSERT_EQUAL(datapath_add_port(fx->dp, &port, fx->now_ns), 0);
	for (uint8_t dst = 2; dst <= 3; dst++) {
		fx_clear(fx);
		fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = dst});
		CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2 3 4");
	}
	fx_free(fx);
}

static void normals_table_is_bounded_and_forgets_the_longest_silent(void)
{
	struct datapath_config config;
	struct fx *fx;

	datapath_config_default(&config);
	config.macs_max = 2;
	fx = fx_new(&config);
	fx_add(fx, "actions=normal");
	for (uint8_t station = 1; station <= 3; station++, fx->now_ns++)
		fx_receive(fx, station, (struct fx_tcp){.src = station, .dst = 9});
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->macs_evicted, 1);
	fx_clear(fx);
	fx_receive(fx, 3, (struct fx_tcp){.src = 3, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2");
	fx_clear(fx);
	fx_receive(fx, 3, (struct fx_tcp){.src = 3, .dst = 1});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "1 2 4");
	fx_free(fx);
}

static void normal_does_not_forward_what_stays_on_a_link(void)
{
	static const uint64_t stay[] = {0x0180c2000000, 0x0180c200000f, 0x01000ccccccc,
	                                0x01000cccccc7, 0x01000c000000, 0x00e02b000004};
	static const uint64_t go[] = {0x0180c2000010, 0x01000cccccc8, 0x01000c000001,
	                              0x00e02b000005};
	struct fx *fx = with_flow("actions=normal");

	for (size_t i = 0; i < sizeof stay / sizeof stay[0]; i++) {
		struct frame *frame = fx_tcp_frame(fx, (struct fx_tcp){.src = 1, .dst = 2});

		fb_mac_from_u64(frame_data(frame), stay[i]);
		datapath_receive(fx->dp, 1, frame, fx->now_ns);
		CU_ASSERT_EQUAL(fx->outputs_count, 0);
	}
	for (size_t i = 0; i < sizeof go / sizeof go[0]; i++) {
		struct frame *frame = fx_tcp_frame(fx, (struct fx_tcp){.src = 1, .dst = 2});

		fb_mac_from_u64(frame_data(frame), go[i]);
		datapath_receive(fx->dp, 1, frame, fx->now_ns);
		CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2 3 4");
		fx_clear(fx);
	}
	fx_free(fx);
}

UNIT_TESTS("actions", UNIT_TEST(outputs_to_ports_that_cannot_be_are_refused),
           UNIT_TEST(arguments_out_of_range_are_refused),
           UNIT_TEST(a_queue_needs_a_port_and_a_number),
           UNIT_TEST(a_vendor_action_is_refused_by_its_vendor),
           UNIT_TEST(unknown_types_and_wrong_lengths_are_refused),
           UNIT_TEST(a_list_may_have_512_actions_and_no_more),
           UNIT_TEST(a_frame_goes_where_its_entry_says),
           UNIT_TEST(a_plain_output_to_the_ingress_port_is_dropped),
           UNIT_TEST(flood_and_all_leave_the_ingress_port_out),
           UNIT_TEST(the_local_port_is_one_like_others),
           UNIT_TEST(output_to_the_controller_sends_max_len_bytes),
           UNIT_TEST(every_field_that_an_action_names_is_changed),
           UNIT_TEST(a_change_after_an_output_does_not_reach_what_was_sent),
           UNIT_TEST(a_frame_that_is_not_changed_is_not_copied),
           UNIT_TEST(changes_that_lead_nowhere_are_not_tried),
           UNIT_TEST(a_frame_that_nobody_else_holds_is_changed_in_place),
           UNIT_TEST(the_frame_of_the_sender_is_not_changed),
           UNIT_TEST(a_tag_that_makes_a_frame_too_long_drops_it),
           UNIT_TEST(a_packet_out_through_the_table_meets_its_entries),
           UNIT_TEST(what_the_table_changed_stays_for_the_actions_behind_it),
           UNIT_TEST(a_packet_out_through_the_table_can_miss),
           UNIT_TEST(the_table_inside_the_table_is_a_loop_and_stops),
           UNIT_TEST(a_packet_out_without_ingress_port_floods_to_all),
           UNIT_TEST(normal_floods_to_strangers_and_learns_who_spoke),
           UNIT_TEST(normal_takes_frames_of_ports_and_of_controllers),
           UNIT_TEST(normal_keeps_vlans_apart),
           UNIT_TEST(normal_forgets_the_silent_and_those_whose_port_went_down),
           UNIT_TEST(normal_forgets_who_was_on_a_port_that_goes),
           UNIT_TEST(normals_table_is_bounded_and_forgets_the_longest_silent),
           UNIT_TEST(normal_does_not_forward_what_stays_on_a_link))
