/* Emergency entries, and the modes of a switch without a controller (specification 1.0.0,
 * section 4.3). */
#include "tests/unit/softswitch/datapath_fixture.h"

#include "softswitch/datapath_private.h"

enum { EMERGENCY_TABLE = 0xfe };

static void send_frame(struct fx *fx, uint16_t in_port)
{
	fx_clear(fx);
	fx_receive(fx, in_port, (struct fx_tcp){.src = (uint8_t)in_port, .dst = 9});
}

/* --- Entries --- */

static void emergency_entries_are_listed_as_table_0xfe_only(void)
{
	struct fb_flow_stats_request request = {.out_port = OFPP_NONE};
	struct fb_aggregate_stats sum;
	struct fb_table_stats table;
	struct fx *fx = fx_new(NULL);

	CU_ASSERT_EQUAL(fx_add(fx, "priority=5,in_port=1,emerg,actions=output:2"), 0);
	CU_ASSERT_EQUAL(fx_add(fx, "priority=5,in_port=1,actions=output:3"), 0);
	CU_ASSERT_STRING_EQUAL(fx_dump_table(fx, EMERGENCY_TABLE, ""),
	                       "priority=5,in_port=1 actions=output:2 n_packets=0\n");
	CU_ASSERT_STRING_EQUAL(fx_dump_table(fx, 0xff, ""),
	                       "priority=5,in_port=1 actions=output:3 n_packets=0\n");
	CU_ASSERT_STRING_EQUAL(fx_dump_table(fx, 0, ""),
	                       "priority=5,in_port=1 actions=output:3 n_packets=0\n");
	CU_ASSERT_STRING_EQUAL(fx_dump_table(fx, EMERGENCY_TABLE, "in_port=2"), "");
	fb_match_any(&request.match);
	request.table_id = EMERGENCY_TABLE;
	datapath_aggregate(fx->dp, &request, &sum);
	CU_ASSERT_EQUAL(sum.flow_count, 1);
	request.out_port = 3;
	datapath_aggregate(fx->dp, &request, &sum);
	CU_ASSERT_EQUAL(sum.flow_count, 0);
	CU_ASSERT_TRUE(datapath_table_stats(fx->dp, 0, &table));
	CU_ASSERT_EQUAL(table.active_count, 1);
	CU_ASSERT_FALSE(datapath_table_stats(fx->dp, 1, &table));
	fx_free(fx);
}

static bool keep_table_id(void *ctx, const struct fb_flow_stats *stats)
{
	*(uint8_t *)ctx = stats->table_id;
	return true;
}

static void flow_statistics_name_the_table_that_an_entry_is_in(void)
{
	struct fb_flow_stats_request request = {.table_id = EMERGENCY_TABLE, .out_port = OFPP_NONE};
	struct fx *fx = fx_new(NULL);
	uint8_t table_id = 7;

	fx_add(fx, "emerg,actions=output:2");
	fx_add(fx, "actions=output:2");
	fb_match_any(&request.match);
	datapath_flows(fx->dp, &request, fx->now_ns, keep_table_id, &table_id);
	CU_ASSERT_EQUAL(table_id, EMERGENCY_TABLE);
	request.table_id = 0xff;
	datapath_flows(fx->dp, &request, fx->now_ns, keep_table_id, &table_id);
	CU_ASSERT_EQUAL(table_id, 0);
	fx_free(fx);
}

static void a_command_acts_on_entries_of_its_kind_alone(void)
{
	static const char emergency[] = "priority=5,in_port=1 actions=output:2 n_packets=0\n";
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "priority=5,in_port=1,emerg,actions=output:2");
	fx_add(fx, "priority=5,in_port=1,actions=output:3");
	fx_flow_mod(fx, OFPFC_MODIFY, "actions=output:4");
	CU_ASSERT_STRING_EQUAL(fx_dump_table(fx, EMERGENCY_TABLE, ""), emergency);
	fx_flow_mod(fx, OFPFC_MODIFY_STRICT, "priority=5,in_port=1,emerg,actions=output:1");
	CU_ASSERT_STRING_EQUAL(fx_dump_table(fx, EMERGENCY_TABLE, ""),
	                       "priority=5,in_port=1 actions=output:1 n_packets=0\n");
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""),
	                       "priority=5,in_port=1 actions=output:4 n_packets=0\n");
	fx_flow_mod(fx, OFPFC_DELETE, "out_port=4,emerg");
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->emergency), 1);
	fx_flow_mod(fx, OFPFC_DELETE, "");
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""), "");
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->emergency), 1);
	fx_add(fx, "priority=5,in_port=1,actions=output:3");
	fx_flow_mod(fx, OFPFC_DELETE_STRICT, "priority=5,in_port=1,emerg");
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->emergency), 0);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 1);
	fx_free(fx);
}

static void overlaps_are_looked_for_among_entries_of_the_same_kind(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "priority=5,in_port=1,actions=output:3");
	CU_ASSERT_EQUAL(fx_add(fx, "priority=5,in_port=1,emerg,check_overlap,actions=output:2"), 0);
	FX_ASSERT_ERROR(fx, fx_add(fx, "priority=5,tcp,emerg,check_overlap,actions=output:2"),
	                OFPET_FLOW_MOD_FAILED, OFPFMFC_OVERLAP);
	fx_free(fx);
}

static void entries_of_both_kinds_share_one_limit(void)
{
	struct datapath_config config;
	struct fx *fx;

	datapath_config_default(&config);
	config.entries_max = 3;
	fx = fx_new(&config);
	CU_ASSERT_EQUAL(fx_add(fx, "in_port=1,actions=output:2"), 0);
	CU_ASSERT_EQUAL(fx_add(fx, "in_port=1,emerg,actions=output:2"), 0);
	CU_ASSERT_EQUAL(fx_add(fx, "in_port=2,emerg,actions=output:2"), 0);
	FX_ASSERT_ERROR(fx, fx_add(fx, "in_port=2,actions=output:2"), OFPET_FLOW_MOD_FAILED,
	                OFPFMFC_ALL_TABLES_FULL);
	FX_ASSERT_ERROR(fx, fx_add(fx, "in_port=3,emerg,actions=output:2"), OFPET_FLOW_MOD_FAILED,
	                OFPFMFC_ALL_TABLES_FULL);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->table_full, 2);
	CU_ASSERT_EQUAL(fx_add(fx, "in_port=2,emerg,actions=output:3"), 0);
	fx_flow_mod(fx, OFPFC_DELETE, "in_port=1,emerg");
	CU_ASSERT_EQUAL(fx_add(fx, "in_port=2,actions=output:2"), 0);
	fx_free(fx);
}

static void no_flow_removed_tells_of_an_emergency_entry(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "in_port=1,send_flow_rem,emerg,actions=output:2");
	fx_flow_mod(fx, OFPFC_DELETE, "emerg");
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->emergency), 0);
	CU_ASSERT_EQUAL(fx->removed_count, 0);
	fx_free(fx);
}

static void an_emergency_flow_mod_leaves_buffers_alone(void)
{
	struct fx *fx = fx_new(NULL);
	uint32_t id;

	send_frame(fx, 1);
	id = fx->packet_ins[0].pi.buffer_id;
	CU_ASSERT_EQUAL(fx_flow_mod_with_buffer(fx, OFPFC_ADD, "emerg,actions=output:2", id), 0);
	CU_ASSERT_EQUAL(fx->outputs_count, 0);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(fx->dp), 1);
	CU_ASSERT_STRING_EQUAL(fx_dump_table(fx, EMERGENCY_TABLE, ""),
	                       "priority=32768 actions=output:2 n_packets=0\n");
	CU_ASSERT_EQUAL(fx_flow_mod_with_buffer(fx, OFPFC_ADD, "emerg,actions=output:3", 12345), 0);
	fx_free(fx);
}

/* --- Modes --- */

static void emergency_mode_removes_normal_entries_in_silence_and_keeps_the_others(void)
{
	struct fb_table_stats table;
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "in_port=1,idle_timeout=5,send_flow_rem,actions=output:3");
	fx_add(fx, "in_port=2,hard_timeout=5,send_flow_rem,actions=output:3");
	fx_add(fx, "in_port=1,emerg,actions=output:2");
	send_frame(fx, 1);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "3");
	CU_ASSERT_EQUAL(datapath_mode(fx->dp), DATAPATH_NORMAL);
	datapath_set_mode(fx->dp, DATAPATH_EMERGENCY, fx->now_ns);
	CU_ASSERT_EQUAL(datapath_mode(fx->dp), DATAPATH_EMERGENCY);
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""), "");
	CU_ASSERT_EQUAL(fx->removed_count, 0);
	CU_ASSERT_EQUAL(datapath_deadline(fx->dp), FB_NEVER);
	send_frame(fx, 1);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2");
	send_frame(fx, 2);
	CU_ASSERT_EQUAL(fx->outputs_count, 0);
	CU_ASSERT_EQUAL(fx->packet_ins_count, 0);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(fx->dp), 0);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->frames_dropped, 1);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->lookups, 3);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->matched, 2);
	/* The table that is told is the normal one. */
	CU_ASSERT_TRUE(datapath_table_stats(fx->dp, 0, &table));
	CU_ASSERT_EQUAL(table.lookup_count, 1);
	CU_ASSERT_EQUAL(table.matched_count, 1);
	datapath_set_mode(fx->dp, DATAPATH_NORMAL, fx->now_ns);
	CU_ASSERT_STRING_EQUAL(fx_dump_table(fx, EMERGENCY_TABLE, ""),
	                       "priority=32768,in_port=1 actions=output:2 n_packets=1\n");
	send_frame(fx, 1);
	CU_ASSERT_EQUAL(fx->packet_ins_count, 1);
	fx_free(fx);
}

static void normal_entries_that_come_in_emergency_mode_wait_for_its_end(void)
{
	struct fx *fx = fx_new(NULL);

	datapath_set_mode(fx->dp, DATAPATH_EMERGENCY, fx->now_ns);
	fx_add(fx, "in_port=1,actions=output:3");
	send_frame(fx, 1);
	CU_ASSERT_EQUAL(fx->outputs_count, 0);
	/* It has begun already. */
	datapath_set_mode(fx->dp, DATAPATH_EMERGENCY, fx->now_ns);
	datapath_set_mode(fx->dp, DATAPATH_NORMAL, fx->now_ns);
	send_frame(fx, 1);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "3");
	fx_free(fx);
}

static void a_standalone_switch_keeps_its_entries_and_learns(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "in_port=3,actions=output:4");
	fx_add(fx, "in_port=1,emerg,actions=drop");
	datapath_set_mode(fx->dp, DATAPATH_STANDALONE, fx->now_ns);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2 3 4");
	CU_ASSERT_EQUAL(fx->packet_ins_count, 0);
	fx_clear(fx);
	fx_receive(fx, 2, (struct fx_tcp){.src = 2, .dst = 1});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "1");
	fx_clear(fx);
	/* It also learns from frames that meet an entry. */
	fx_receive(fx, 3, (struct fx_tcp){.src = 3, .dst = 1});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "4");
	fx_clear(fx);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 3});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "3");
	fx_clear(fx);
	datapath_set_mode(fx->dp, DATAPATH_NORMAL, fx->now_ns);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 3});
	CU_ASSERT_EQUAL(fx->outputs_count, 0);
	CU_ASSERT_EQUAL(fx->packet_ins_count, 1);
	fx_free(fx);
}

static void a_switch_with_a_controller_learns_from_what_is_forwarded_normally_only(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "in_port=2,actions=output:1");
	fx_add(fx, "in_port=1,actions=normal");
	fx_receive(fx, 2, (struct fx_tcp){.src = 2, .dst = 1});
	fx_clear(fx);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2 3 4");
	fx_free(fx);
}

static void a_standalone_switch_minds_the_ports_configuration(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_port_mod pm = {.port_no = 2,
	                         .hw_addr = {2, 0, 0, 0, 1, 2},
	                         .config = OFPPC_NO_FLOOD,
	                         .mask = OFPPC_NO_FLOOD};

	datapath_port_mod(fx->dp, &pm, fx->now_ns, &fx->error);
	pm.port_no = 1;
	pm.hw_addr[5] = 1;
	pm.config = pm.mask = OFPPC_NO_PACKET_IN;
	datapath_port_mod(fx->dp, &pm, fx->now_ns, &fx->error);
	datapath_set_mode(fx->dp, DATAPATH_STANDALONE, fx->now_ns);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "3 4");
	fx_free(fx);
}

static void what_a_standalone_switch_refuses_to_receive_it_does_not_learn_from(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_port_mod pm = {.port_no = 2,
	                         .hw_addr = {2, 0, 0, 0, 1, 2},
	                         .config = OFPPC_NO_RECV,
	                         .mask = OFPPC_NO_RECV};

	datapath_port_mod(fx->dp, &pm, fx->now_ns, &fx->error);
	datapath_set_mode(fx->dp, DATAPATH_STANDALONE, fx->now_ns);
	fx_receive(fx, 2, (struct fx_tcp){.src = 2, .dst = 1});
	CU_ASSERT_EQUAL(fx->outputs_count, 0);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "2 3 4");
	fx_free(fx);
}

static void entries_expire_and_tell_when_a_mode_begins_late(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "in_port=1,hard_timeout=5,send_flow_rem,actions=output:3");
	fx->now_ns += 5 * FB_NS_PER_S;
	datapath_set_mode(fx->dp, DATAPATH_EMERGENCY, fx->now_ns);
	CU_ASSERT_EQUAL(fx->removed_count, 1);
	fx_free(fx);
}

UNIT_TESTS("emergency", UNIT_TEST(emergency_entries_are_listed_as_table_0xfe_only),
           UNIT_TEST(flow_statistics_name_the_table_that_an_entry_is_in),
           UNIT_TEST(a_command_acts_on_entries_of_its_kind_alone),
           UNIT_TEST(overlaps_are_looked_for_among_entries_of_the_same_kind),
           UNIT_TEST(entries_of_both_kinds_share_one_limit),
           UNIT_TEST(no_flow_removed_tells_of_an_emergency_entry),
           UNIT_TEST(an_emergency_flow_mod_leaves_buffers_alone),
           UNIT_TEST(emergency_mode_removes_normal_entries_in_silence_and_keeps_the_others),
           UNIT_TEST(normal_entries_that_come_in_emergency_mode_wait_for_its_end),
           UNIT_TEST(a_standalone_switch_keeps_its_entries_and_learns),
           UNIT_TEST(a_switch_with_a_controller_learns_from_what_is_forwarded_normally_only),
           UNIT_TEST(a_standalone_switch_minds_the_ports_configuration),
           UNIT_TEST(what_a_standalone_switch_refuses_to_receive_it_does_not_learn_from),
           UNIT_TEST(entries_expire_and_tell_when_a_mode_begins_late))
