/* Flow-mods and timeouts: the five commands against a linear model, each refusal, and time to the
 * nanosecond. */
#include "tests/unit/softswitch/datapath_fixture.h"

#include "lib/base/rng.h"
#include "softswitch/datapath_private.h"

static void an_identical_entry_is_replaced_and_starts_anew(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "priority=5,in_port=1,send_flow_rem,actions=output:2");
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""),
	                       "priority=5,in_port=1 actions=output:2 n_packets=1\n");
	CU_ASSERT_EQUAL(fx_add(fx, "priority=5,in_port=1,actions=output:3"), 0);
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""),
	                       "priority=5,in_port=1 actions=output:3 n_packets=0\n");
	CU_ASSERT_EQUAL(fx->removed_count, 0);
	CU_ASSERT_EQUAL(fx_add(fx, "priority=6,in_port=1,actions=output:3"), 0);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 2);
	fx_free(fx);
}

static void an_exact_entry_is_one_whatever_its_priority(void)
{
	static const char exact[] =
	        "in_port=1,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,dl_vlan=0xffff,"
	        "dl_type=0x88b5,";
	struct fx *fx = fx_new(NULL);
	char flow[256];

	snprintf(flow, sizeof flow, "priority=1,%sactions=output:1", exact);
	fx_add(fx, flow);
	snprintf(flow, sizeof flow, "priority=2,%sactions=output:2", exact);
	fx_add(fx, flow);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 1);
	CU_ASSERT_EQUAL(flow_table_oldest(fx->dp->table)->priority, 0xffff);
	snprintf(flow, sizeof flow, "priority=7,%s", exact);
	fx_flow_mod(fx, OFPFC_DELETE_STRICT, flow);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 0);
	fx_free(fx);
}

static void an_overlapping_entry_is_refused_when_asked_for(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "priority=5,in_port=1,actions=output:2");
	FX_ASSERT_ERROR(fx, fx_add(fx, "check_overlap,priority=5,tcp,actions=output:2"),
	                OFPET_FLOW_MOD_FAILED, OFPFMFC_OVERLAP);
	/* One packet matches both, and the priority is the same: so an identical entry overlaps,
	 * too. */
	FX_ASSERT_ERROR(fx, fx_add(fx, "check_overlap,priority=5,in_port=1,actions=output:3"),
	                OFPET_FLOW_MOD_FAILED, OFPFMFC_OVERLAP);
	CU_ASSERT_EQUAL(fx_add(fx, "check_overlap,priority=6,tcp,actions=output:2"), 0);
	CU_ASSERT_EQUAL(fx_add(fx, "check_overlap,priority=5,in_port=2,actions=output:2"), 0);
	CU_ASSERT_EQUAL(fx_add(fx, "priority=5,tcp,actions=output:2"), 0);
	fx_free(fx);
}

static void modify_changes_actions_and_cookie_alone(void)
{
	struct fx *fx = fx_new(NULL);
	struct flow_entry *e;

	fx_add(fx, "priority=5,in_port=1,cookie=1,idle_timeout=10,send_flow_rem,actions=output:2");
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	fx->now_ns += 5 * FB_NS_PER_S;
	CU_ASSERT_EQUAL(fx_flow_mod(fx, OFPFC_MODIFY,
	                            "priority=9,cookie=2,hard_timeout=1,actions=output:3"),
	                0);
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""),
	                       "priority=5,in_port=1 actions=output:3 n_packets=1\n");
	e = flow_table_oldest(fx->dp->table);
	CU_ASSERT_EQUAL(e->cookie, 2);
	CU_ASSERT_EQUAL(e->idle_timeout, 10);
	CU_ASSERT_EQUAL(e->hard_timeout, 0);
	CU_ASSERT_EQUAL(e->flags, OFPFF_SEND_FLOW_REM);
	CU_ASSERT_EQUAL(e->used_ns, FB_NS_PER_S);
	fx_free(fx);
}

static void a_cookie_of_all_ones_in_modify_means_none(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "in_port=1,cookie=1,actions=output:2");
	fx_flow_mod(fx, OFPFC_MODIFY, "in_port=1,cookie=0xffffffffffffffff,actions=output:3");
	CU_ASSERT_EQUAL(flow_table_oldest(fx->dp->table)->cookie, 1);
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""),
	                       "priority=32768,in_port=1 actions=output:3 n_packets=0\n");
	fx_add(fx, "in_port=1,cookie=0xffffffffffffffff,actions=output:3");
	CU_ASSERT_EQUAL(flow_table_oldest(fx->dp->table)->cookie, UINT64_MAX);
	fx_free(fx);
}

static void modify_that_finds_nothing_adds(void)
{
	struct fx *fx = fx_new(NULL);

	CU_ASSERT_EQUAL(fx_flow_mod(fx, OFPFC_MODIFY, "priority=5,in_port=1,actions=output:3"), 0);
	CU_ASSERT_EQUAL(
	        fx_flow_mod(fx, OFPFC_MODIFY_STRICT, "priority=6,in_port=1,actions=output:4"), 0);
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""),
	                       "priority=5,in_port=1 actions=output:3 n_packets=0\n"
	                       "priority=6,in_port=1 actions=output:4 n_packets=0\n");
	CU_ASSERT_EQUAL(fx_flow_mod(fx, OFPFC_MODIFY_STRICT, "priority=6,in_port=1,actions=drop"),
	                0);
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""),
	                       "priority=5,in_port=1 actions=output:3 n_packets=0\n"
	                       "priority=6,in_port=1 actions=drop n_packets=0\n");
	fx_free(fx);
}

static void delete_minds_the_output_port_and_tells(void)
{
	struct fx *fx = fx_new(NULL);
	struct fb_match match;

	fx_add(fx, "priority=5,in_port=1,cookie=77,send_flow_rem,idle_timeout=60,actions=output:2");
	fx_add(fx, "priority=5,in_port=2,send_flow_rem,actions=output:3");
	fx_add(fx, "priority=5,in_port=3,actions=output:2");
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	fx->now_ns += 3 * FB_NS_PER_S + 7;
	CU_ASSERT_EQUAL(fx_flow_mod(fx, OFPFC_DELETE, "out_port=2"), 0);
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""),
	                       "priority=5,in_port=2 actions=output:3 n_packets=0\n");
	CU_ASSERT_EQUAL_FATAL(fx->removed_count, 1);
	CU_ASSERT_EQUAL(fx->removed[0].reason, OFPRR_DELETE);
	CU_ASSERT_EQUAL(fx->removed[0].cookie, 77);
	CU_ASSERT_EQUAL(fx->removed[0].priority, 5);
	CU_ASSERT_EQUAL(fb_parse_match("in_port=1", &match, NULL), 0);
	CU_ASSERT_TRUE(fb_match_equal(&fx->removed[0].match, &match));
	CU_ASSERT_EQUAL(fx->removed[0].idle_timeout, 60);
	CU_ASSERT_EQUAL(fx->removed[0].duration_sec, 3);
	CU_ASSERT_EQUAL(fx->removed[0].duration_nsec, 7);
	CU_ASSERT_EQUAL(fx->removed[0].packet_count, 1);
	CU_ASSERT_EQUAL(fx->removed[0].byte_count, 54);
	CU_ASSERT_EQUAL(fx_flow_mod(fx, OFPFC_DELETE_STRICT, "priority=4,in_port=2"), 0);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 1);
	CU_ASSERT_EQUAL(fx_flow_mod(fx, OFPFC_DELETE_STRICT, "priority=5,in_port=2,out_port=2"), 0);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 1);
	CU_ASSERT_EQUAL(fx_flow_mod(fx, OFPFC_DELETE_STRICT, "priority=5,in_port=2"), 0);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 0);
	CU_ASSERT_EQUAL(fx->removed_count, 2);
	fx_free(fx);
}

static void a_full_table_refuses_new_entries_only(void)
{
	struct datapath_config config;
	struct fx *fx;

	datapath_config_default(&config);
	config.entries_max = 2;
	fx = fx_new(&config);
	CU_ASSERT_EQUAL(fx_add(fx, "in_port=1,actions=output:2"), 0);
	CU_ASSERT_EQUAL(fx_add(fx, "in_port=2,actions=output:2"), 0);
	FX_ASSERT_ERROR(fx, fx_add(fx, "in_port=3,actions=output:2"), OFPET_FLOW_MOD_FAILED,
	                OFPFMFC_ALL_TABLES_FULL);
	CU_ASSERT_EQUAL(datapath_counters(fx->dp)->table_full, 1);
	CU_ASSERT_EQUAL(fx_add(fx, "in_port=2,actions=output:3"), 0);
	CU_ASSERT_EQUAL(fx_flow_mod(fx, OFPFC_MODIFY, "in_port=1,actions=output:4"), 0);
	fx_free(fx);
}

static void a_table_that_is_full_for_a_time_keeps_what_it_has(void)
{
	struct datapath_config config;
	struct fb_table_stats stats;
	struct fx *fx;

	datapath_config_default(&config);
	config.entries_max = 3;
	fx = fx_new(&config);
	CU_ASSERT_EQUAL(fx_add(fx, "in_port=1,actions=output:2"), 0);
	datapath_set_entries_max(fx->dp, 0);
	FX_ASSERT_ERROR(fx, fx_add(fx, "in_port=2,actions=output:2"), OFPET_FLOW_MOD_FAILED,
	                OFPFMFC_ALL_TABLES_FULL);
	FX_ASSERT_ERROR(fx, fx_flow_mod(fx, OFPFC_MODIFY, "in_port=2,actions=output:4"),
	                OFPET_FLOW_MOD_FAILED, OFPFMFC_ALL_TABLES_FULL);
	CU_ASSERT_EQUAL(datapath_entries(fx->dp), 1);
	CU_ASSERT_EQUAL(fx_add(fx, "in_port=1,actions=output:3"), 0);
	CU_ASSERT_EQUAL(fx_flow_mod(fx, OFPFC_MODIFY, "in_port=1,actions=output:4"), 0);
	CU_ASSERT_TRUE(datapath_table_stats(fx->dp, 0, &stats));
	CU_ASSERT_EQUAL(stats.max_entries, 3);
	/* Nothing makes it larger than it was made. */
	datapath_set_entries_max(fx->dp, UINT32_MAX);
	CU_ASSERT_EQUAL(fx_add(fx, "in_port=2,actions=output:2"), 0);
	CU_ASSERT_EQUAL(fx_add(fx, "in_port=3,actions=output:2"), 0);
	FX_ASSERT_ERROR(fx, fx_add(fx, "in_port=4,actions=output:2"), OFPET_FLOW_MOD_FAILED,
	                OFPFMFC_ALL_TABLES_FULL);
	fx_free(fx);
}

/* A flow-mod that ovs-ofctl's syntax cannot say. */
static int raw_flow_mod(struct fx *fx, uint16_t command, uint16_t flags, uint16_t idle_timeout,
                        struct fb_view actions)
{
	struct fb_flow_mod fm = {.command = command,
	                         .flags = flags,
	                         .idle_timeout = idle_timeout,
	                         .buffer_id = OFP_NO_BUFFER,
	                         .out_port = OFPP_NONE,
	                         .actions = actions};

	fb_match_any(&fm.match);
	return datapath_flow_mod(fx->dp, &fm, fx->now_ns, &fx->error);
}

static void a_match_counts_in_its_canonical_form(void)
{
	struct fb_view none = {NULL, 0};
	struct fb_flow_mod fm = {
	        .buffer_id = OFP_NO_BUFFER, .out_port = OFPP_NONE, .actions = none};
	struct fx *fx = fx_new(NULL);

	/* A port of no protocol, addresses of no IP: they cannot apply, and go. */
	fb_match_any(&fm.match);
	fm.match.wildcards &= ~(uint32_t)(OFPFW_TP_DST | OFPFW_NW_SRC_MASK | OFPFW_IN_PORT);
	fm.match.in_port = 1;
	fm.match.tp_dst = 80;
	fm.match.dl_src[0] = 9;
	CU_ASSERT_EQUAL(datapath_flow_mod(fx->dp, &fm, fx->now_ns, &fx->error), 0);
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""), "priority=0,in_port=1 actions=drop n_packets=0\n");
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_EQUAL(fx->packet_ins_count, 0);
	CU_ASSERT_EQUAL(fx_flow_mod(fx, OFPFC_DELETE_STRICT, "priority=0,in_port=1"), 0);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 0);
	fx_free(fx);
}

static void a_modify_that_would_take_too_much_changes_nothing(void)
{
	enum { LIST_BYTES = 512 * 8, ENTRIES = FLOW_TABLE_ACTIONS_BYTES_MAX / LIST_BYTES + 1 };
	static uint8_t bytes[LIST_BYTES];
	struct fb_buf list = fb_buf_make(bytes, sizeof bytes);
	struct fb_flow_mod fm = {.buffer_id = OFP_NO_BUFFER, .out_port = OFPP_NONE};
	struct fx *fx = fx_new(NULL);

	while (fb_action_put_output(&list, 2, 0))
		;
	fb_match_any(&fm.match);
	fm.match.wildcards &= ~(uint32_t)(OFPFW_IN_PORT | OFPFW_DL_VLAN);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		fm.match.in_port = (uint16_t)i;
		fm.match.dl_vlan = (uint16_t)(i >> 16);
		CU_ASSERT_EQUAL_FATAL(datapath_flow_mod(fx->dp, &fm, fx->now_ns, &fx->error), 0);
	}
	fb_match_any(&fm.match);
	fm.command = OFPFC_MODIFY;
	fm.actions = (struct fb_view){bytes, LIST_BYTES};
	FX_ASSERT_ERROR(fx, datapath_flow_mod(fx->dp, &fm, fx->now_ns, &fx->error),
	                OFPET_FLOW_MOD_FAILED, OFPFMFC_ALL_TABLES_FULL);
	CU_ASSERT_EQUAL(flow_table_oldest(fx->dp->table)->actions_len, 0);
	fx_free(fx);
}

static void a_modify_has_the_room_that_the_lists_it_replaces_give_back(void)
{
	/* Half of the entries without a list, then half with a long one; then all with one half as
	 * long: too much while the first are modified and the last not yet. */
	enum { LIST_BYTES = 512 * 8, ENTRIES = 100000 };
	static uint8_t bytes[LIST_BYTES];
	struct fb_buf list = fb_buf_make(bytes, sizeof bytes);
	struct fb_flow_mod fm = {.buffer_id = OFP_NO_BUFFER, .out_port = OFPP_NONE};
	struct fx *fx = fx_new(NULL);
	const struct flow_entry *e;

	while (fb_action_put_output(&list, 2, 0))
		;
	fb_match_any(&fm.match);
	fm.match.wildcards &= ~(uint32_t)(OFPFW_IN_PORT | OFPFW_DL_VLAN);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		fm.match.in_port = (uint16_t)i;
		fm.match.dl_vlan = (uint16_t)(i >> 16);
		fm.actions = (struct fb_view){bytes, i < ENTRIES / 2 ? 0 : LIST_BYTES};
		CU_ASSERT_EQUAL_FATAL(datapath_flow_mod(fx->dp, &fm, fx->now_ns, &fx->error), 0);
	}
	fb_match_any(&fm.match);
	fm.command = OFPFC_MODIFY;
	fm.actions = (struct fb_view){bytes, LIST_BYTES / 2};
	for (unsigned again = 0; again < 2; again++) {
		CU_ASSERT_EQUAL(datapath_flow_mod(fx->dp, &fm, fx->now_ns, &fx->error), 0);
		e = flow_table_oldest(fx->dp->table);
		for (; e; e = flow_table_newer(fx->dp->table, e))
			CU_ASSERT_EQUAL_FATAL(e->actions_len, LIST_BYTES / 2);
	}
	fx_free(fx);
}

static void an_emergency_entry_has_no_timeouts(void)
{
	struct fb_view none = {NULL, 0};
	struct fx *fx = fx_new(NULL);

	FX_ASSERT_ERROR(fx, raw_flow_mod(fx, OFPFC_ADD, OFPFF_EMERG, 1, none),
	                OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_EMERG_TIMEOUT);
	FX_ASSERT_ERROR(fx, raw_flow_mod(fx, OFPFC_MODIFY, OFPFF_EMERG, 1, none),
	                OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_EMERG_TIMEOUT);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->emergency), 0);
	CU_ASSERT_EQUAL(raw_flow_mod(fx, OFPFC_ADD, OFPFF_EMERG, 0, none), 0);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->emergency), 1);
	fx_free(fx);
}

static void an_unknown_command_and_bad_actions_are_refused(void)
{
	static const uint8_t to_table[8] = {0, 0, 0, 8, 0xff, 0xf9, 0, 0};
	struct fb_view none = {NULL, 0}, bad = {to_table, 8};
	struct fx *fx = fx_new(NULL);

	FX_ASSERT_ERROR(fx, raw_flow_mod(fx, 5, 0, 0, none), OFPET_FLOW_MOD_FAILED,
	                OFPFMFC_BAD_COMMAND);
	fx_flow_mod(fx, OFPFC_ADD, "in_port=1,actions=output:2");
	FX_ASSERT_ERROR(fx, raw_flow_mod(fx, OFPFC_ADD, 0, 0, bad), OFPET_BAD_ACTION,
	                OFPBAC_BAD_OUT_PORT);
	FX_ASSERT_ERROR(fx, raw_flow_mod(fx, OFPFC_MODIFY, 0, 0, bad), OFPET_BAD_ACTION,
	                OFPBAC_BAD_OUT_PORT);
	/* A deletion has no use for them, but it is refused, too, and deletes nothing. */
	FX_ASSERT_ERROR(fx, raw_flow_mod(fx, OFPFC_DELETE, 0, 0, bad), OFPET_BAD_ACTION,
	                OFPBAC_BAD_OUT_PORT);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 1);
	fx_free(fx);
}

static void timeouts_beyond_the_end_of_time_never_come(void)
{
	struct fx *fx = fx_new(NULL);

	fx->now_ns = FB_NEVER - FB_NS_PER_S;
	fx_add(fx, "in_port=1,hard_timeout=2,actions=output:2");
	fx_add(fx, "in_port=2,idle_timeout=2,actions=output:2");
	CU_ASSERT_EQUAL(datapath_deadline(fx->dp), FB_NEVER);
	datapath_run(fx->dp, FB_NEVER);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 2);
	fx_free(fx);
}

/* One that was in time is put off beyond it. */
static void an_idle_timeout_that_use_puts_off_for_ever_never_comes(void)
{
	struct fx *fx = fx_new(NULL);

	fx->now_ns = FB_NEVER - 3 * FB_NS_PER_S;
	fx_add(fx, "in_port=1,idle_timeout=2,actions=output:2");
	fx->now_ns = FB_NEVER - FB_NS_PER_S - 1;
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	datapath_run(fx->dp, FB_NEVER - 1);
	CU_ASSERT_EQUAL(datapath_deadline(fx->dp), FB_NEVER);
	datapath_run(fx->dp, FB_NEVER);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 1);
	fx_free(fx);
}

/* --- Buffers --- */

static uint32_t buffered(struct fx *fx)
{
	fx_clear(fx);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_EQUAL_FATAL(fx->packet_ins_count, 1);
	return fx->packet_ins[0].pi.buffer_id;
}

static void a_flow_mod_releases_the_buffer_it_names(void)
{
	struct fx *fx = fx_new(NULL);
	uint32_t id = buffered(fx);

	CU_ASSERT_EQUAL(
	        fx_flow_mod_with_buffer(fx, OFPFC_ADD, "in_port=1,actions=in_port,output:3", id),
	        0);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "1 3");
	CU_ASSERT_EQUAL(datapath_buffers_in_use(fx->dp), 0);
	CU_ASSERT_EQUAL(flow_table_oldest(fx->dp->table)->byte_count, 54);
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""),
	                       "priority=32768,in_port=1 actions=IN_PORT,output:3 n_packets=1\n");
	fx_free(fx);
}

static void a_buffered_frame_counts_for_the_entry_that_it_meets(void)
{
	struct fx *fx = fx_new(NULL);
	uint32_t id = buffered(fx);

	fx_add(fx, "priority=1,in_port=2,actions=output:2");
	fx_add(fx, "priority=2,in_port=1,idle_timeout=10,actions=output:2");
	fx_add(fx, "priority=3,in_port=1,idle_timeout=10,actions=output:2");
	fx->now_ns += 4 * FB_NS_PER_S;
	CU_ASSERT_EQUAL(fx_flow_mod_with_buffer(fx, OFPFC_MODIFY, "actions=output:4", id), 0);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "4");
	CU_ASSERT_STRING_EQUAL(fx_dump(fx, ""),
	                       "priority=1,in_port=2 actions=output:4 n_packets=0\n"
	                       "priority=2,in_port=1 actions=output:4 n_packets=0\n"
	                       "priority=3,in_port=1 actions=output:4 n_packets=1\n");
	/* The entry was used then. */
	datapath_run(fx->dp, fx->now_ns + 6 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 2);
	datapath_run(fx->dp, fx->now_ns + 10 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 1);
	fx_free(fx);
}

static void a_buffered_frame_that_does_not_match_counts_for_no_entry(void)
{
	struct fx *fx = fx_new(NULL);
	uint32_t id = buffered(fx);

	CU_ASSERT_EQUAL(fx_flow_mod_with_buffer(fx, OFPFC_ADD, "in_port=2,actions=output:3", id),
	                0);
	CU_ASSERT_STRING_EQUAL(fx_output_ports(fx), "3");
	CU_ASSERT_EQUAL(flow_table_oldest(fx->dp->table)->packet_count, 0);
	CU_ASSERT_EQUAL(flow_table_oldest(fx->dp->table)->byte_count, 0);
	fx_free(fx);
}

static void a_buffer_that_is_gone_is_an_error_but_the_entry_is_in_force(void)
{
	struct fx *fx = fx_new(NULL);
	uint32_t id = buffered(fx);

	CU_ASSERT_EQUAL(fx_flow_mod_with_buffer(fx, OFPFC_ADD, "in_port=1,actions=output:3", id),
	                0);
	FX_ASSERT_ERROR(fx,
	                fx_flow_mod_with_buffer(fx, OFPFC_ADD, "in_port=2,actions=output:3", id),
	                OFPET_BAD_REQUEST, OFPBRC_BUFFER_EMPTY);
	FX_ASSERT_ERROR(
	        fx, fx_flow_mod_with_buffer(fx, OFPFC_MODIFY, "in_port=3,actions=output:3", 12345),
	        OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 3);
	fx_free(fx);
}

static void a_refused_flow_mod_leaves_the_buffer(void)
{
	struct fx *fx = fx_new(NULL);
	uint32_t id = buffered(fx);

	fx_add(fx, "priority=5,in_port=2,actions=output:2");
	FX_ASSERT_ERROR(fx,
	                fx_flow_mod_with_buffer(
	                        fx, OFPFC_ADD, "check_overlap,priority=5,tcp,actions=output:3", id),
	                OFPET_FLOW_MOD_FAILED, OFPFMFC_OVERLAP);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(fx->dp), 1);
	fx_free(fx);
}

static void delete_takes_no_buffer(void)
{
	struct fx *fx = fx_new(NULL);
	uint32_t id = buffered(fx);

	CU_ASSERT_EQUAL(fx_flow_mod_with_buffer(fx, OFPFC_DELETE, "", id), 0);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(fx->dp), 1);
	fx_free(fx);
}

/* --- Time --- */

/* Let it become 'time_ns'; run only when the datapath asks for it. */
static void advance_to(struct fx *fx, uint64_t time_ns)
{
	for (uint64_t deadline; (deadline = datapath_deadline(fx->dp)) <= time_ns;) {
		CU_ASSERT_FATAL(deadline >= fx->now_ns);
		fx->now_ns = deadline;
		datapath_run(fx->dp, deadline);
	}
	fx->now_ns = time_ns;
}

static void an_idle_entry_expires_to_the_nanosecond(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "in_port=1,idle_timeout=5,send_flow_rem,actions=output:2");
	advance_to(fx, 6 * FB_NS_PER_S - 1);
	CU_ASSERT_EQUAL(fx->removed_count, 0);
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	advance_to(fx, 11 * FB_NS_PER_S - 2);
	CU_ASSERT_EQUAL(fx->removed_count, 0);
	advance_to(fx, 11 * FB_NS_PER_S - 1);
	CU_ASSERT_EQUAL_FATAL(fx->removed_count, 1);
	CU_ASSERT_EQUAL(fx->removed[0].reason, OFPRR_IDLE_TIMEOUT);
	CU_ASSERT_EQUAL(fx->removed[0].duration_sec, 9);
	CU_ASSERT_EQUAL(fx->removed[0].duration_nsec, 999999999);
	CU_ASSERT_EQUAL(fx->removed[0].packet_count, 1);
	CU_ASSERT_EQUAL(datapath_deadline(fx->dp), FB_NEVER);
	fx_free(fx);
}

static void a_hard_timeout_ends_an_entry_in_use(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "in_port=1,idle_timeout=2,hard_timeout=5,send_flow_rem,actions=output:2");
	for (unsigned i = 2; i < 6; i++) {
		advance_to(fx, i * FB_NS_PER_S);
		fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	}
	CU_ASSERT_EQUAL(fx->outputs_count, 4);
	advance_to(fx, 6 * FB_NS_PER_S);
	CU_ASSERT_EQUAL_FATAL(fx->removed_count, 1);
	CU_ASSERT_EQUAL(fx->removed[0].reason, OFPRR_HARD_TIMEOUT);
	CU_ASSERT_EQUAL(fx->removed[0].duration_sec, 5);
	CU_ASSERT_EQUAL(fx->removed[0].duration_nsec, 0);
	fx_free(fx);
}

static void of_two_timeouts_that_end_together_the_hard_one_is_told(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "in_port=1,idle_timeout=5,hard_timeout=5,send_flow_rem,actions=output:2");
	fx_add(fx, "in_port=2,idle_timeout=5,hard_timeout=6,send_flow_rem,actions=output:2");
	advance_to(fx, 6 * FB_NS_PER_S);
	CU_ASSERT_EQUAL_FATAL(fx->removed_count, 2);
	CU_ASSERT_EQUAL(fx->removed[0].reason, OFPRR_HARD_TIMEOUT);
	CU_ASSERT_EQUAL(fx->removed[1].reason, OFPRR_IDLE_TIMEOUT);
	fx_free(fx);
}

static void a_frame_at_the_deadline_comes_too_late(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "in_port=1,idle_timeout=5,actions=output:2");
	fx->now_ns = 6 * FB_NS_PER_S;
	fx_receive(fx, 1, (struct fx_tcp){.src = 1, .dst = 2});
	CU_ASSERT_EQUAL(fx->outputs_count, 0);
	CU_ASSERT_EQUAL(fx->packet_ins_count, 1);
	CU_ASSERT_EQUAL(fx->removed_count, 0);
	fx_free(fx);
}

static void entries_that_end_together_end_in_order_of_addition(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "in_port=3,hard_timeout=5,send_flow_rem,actions=output:2");
	fx_add(fx, "in_port=1,idle_timeout=5,send_flow_rem,actions=output:2");
	fx_add(fx, "in_port=2,hard_timeout=4,send_flow_rem,actions=output:2");
	fx->now_ns = 60 * FB_NS_PER_S;
	datapath_run(fx->dp, fx->now_ns);
	CU_ASSERT_EQUAL_FATAL(fx->removed_count, 3);
	CU_ASSERT_EQUAL(fx->removed[0].match.in_port, 2);
	CU_ASSERT_EQUAL(fx->removed[1].match.in_port, 3);
	CU_ASSERT_EQUAL(fx->removed[2].match.in_port, 1);
	fx_free(fx);
}

static void replacing_an_entry_restarts_its_timeouts(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx, "in_port=1,hard_timeout=5,send_flow_rem,actions=output:2");
	advance_to(fx, 4 * FB_NS_PER_S);
	fx_add(fx, "in_port=1,hard_timeout=5,send_flow_rem,actions=output:2");
	advance_to(fx, 9 * FB_NS_PER_S - 1);
	CU_ASSERT_EQUAL(fx->removed_count, 0);
	fx_add(fx, "in_port=1,actions=output:2");
	advance_to(fx, 100 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(flow_table_count(fx->dp->table), 1);
	CU_ASSERT_EQUAL(datapath_deadline(fx->dp), FB_NEVER);
	fx_free(fx);
}

static void the_longest_timeouts_do_not_overflow(void)
{
	struct fx *fx = fx_new(NULL);

	fx_add(fx,
	       "in_port=1,idle_timeout=65535,hard_timeout=65535,send_flow_rem,actions=output:2");
	CU_ASSERT_EQUAL(datapath_deadline(fx->dp), 65536 * FB_NS_PER_S);
	advance_to(fx, 65536 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(fx->removed_count, 1);
	fx_free(fx);
}

/* --- All commands against a linear model --- */

enum { MODEL_MAX = 64, PORTS = 4 };

struct model_entry {
	struct fb_match match;
	uint16_t priority, out_port;
	uint64_t cookie, created_ns, used_ns, packets;
	uint16_t idle, hard;
	bool tell;
};

struct model {
	struct model_entry entries[MODEL_MAX];
	size_t count;
	size_t removed_count;
	uint64_t removed_cookies[FX_RECORDS_MAX];
	uint8_t removed_reasons[FX_RECORDS_MAX];
};

static void model_remove(struct model *m, size_t at, uint8_t reason)
{
	if (m->entries[at].tell) {
		m->removed_cookies[m->removed_count % FX_RECORDS_MAX] = m->entries[at].cookie;
		m->removed_reasons[m->removed_count++ % FX_RECORDS_MAX] = reason;
	}
	m->count--;
	memmove(&m->entries[at], &m->entries[at + 1], (m->count - at) * sizeof m->entries[0]);
}

static uint64_t model_deadline(const struct model_entry *e, uint8_t *reason)
{
	uint64_t idle = e->idle ? e->used_ns + e->idle * FB_NS_PER_S : FB_NEVER;
	uint64_t hard = e->hard ? e->created_ns + e->hard * FB_NS_PER_S : FB_NEVER;

	*reason = hard <= idle ? OFPRR_HARD_TIMEOUT : OFPRR_IDLE_TIMEOUT;
	return fb_time_min(idle, hard);
}

static void model_expire(struct model *m, uint64_t now_ns)
{
	for (;;) {
		size_t first = m->count;
		uint64_t first_ns = FB_NEVER;
		uint8_t first_reason = 0, reason;

		for (size_t i = 0; i < m->count; i++) {
			uint64_t deadline = model_deadline(&m->entries[i], &reason);

			if (deadline < first_ns) {
				first = i;
				first_ns = deadline;
				first_reason = reason;
			}
		}
		if (first_ns > now_ns)
			return;
		model_remove(m, first, first_reason);
	}
}

static bool model_same(const struct model_entry *e, const struct fb_flow_mod *fm)
{
	return fb_match_equal(&e->match, &fm->match) &&
	       (fb_match_is_exact(&fm->match) || e->priority == fm->priority);
}

/* What 'fm' with the output 'out_port' does; false when the addition is refused. */
static bool model_add(struct model *m, const struct fb_flow_mod *fm, uint16_t out_port,
                      uint64_t now_ns)
{
	struct model_entry e = {.match = fm->match,
	                        .priority = fb_match_is_exact(&fm->match) ? 0xffff : fm->priority,
	                        .out_port = out_port,
	                        .cookie = fm->cookie,
	                        .created_ns = now_ns,
	                        .used_ns = now_ns,
	                        .idle = fm->idle_timeout,
	                        .hard = fm->hard_timeout,
	                        .tell = fm->flags & OFPFF_SEND_FLOW_REM};
	size_t same = m->count;

	for (size_t i = 0; i < m->count; i++) {
		bool exact = fb_match_is_exact(&fm->match),
		     other = fb_match_is_exact(&m->entries[i].match);

		if (model_same(&m->entries[i], fm))
			same = i;
		if (fm->flags & OFPFF_CHECK_OVERLAP && exact == other &&
		    (exact || m->entries[i].priority == fm->priority) &&
		    fb_match_overlaps(&m->entries[i].match, &fm->match))
			return false;
	}
	if (same < m->count) {
		m->entries[same].tell = false;
		model_remove(m, same, 0);
	}
	if (m->count == MODEL_MAX)
		return false;
	m->entries[m->count++] = e;
	return true;
}

static bool model_flow_mod(struct model *m, const struct fb_flow_mod *fm, uint16_t out_port,
                           uint64_t now_ns)
{
	bool strict = fm->command == OFPFC_MODIFY_STRICT || fm->command == OFPFC_DELETE_STRICT;
	bool delete = fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT;
	bool found = false;

	for (size_t i = 0; fm->command != OFPFC_ADD && i < m->count;) {
		struct model_entry *e = &m->entries[i];

		if (strict ? !model_same(e, fm) : !fb_match_contains(&fm->match, &e->match)) {
			i++;
			continue;
		}
		found = true;
		if (delete &&(fm->out_port == OFPP_NONE || fm->out_port == e->out_port)) {
			model_remove(m, i, OFPRR_DELETE);
			continue;
		}
		if (!delete) {
			e->out_port = out_port;
			e->cookie = fm->cookie;
		}
		i++;
	}
	return delete || found || model_add(m, fm, out_port, now_ns);
}

static void random_match(struct rng *rng, struct fb_match *match)
{
	uint32_t open = (uint32_t)rng_next(rng);

	*match = (struct fb_match){.in_port = (uint16_t)(1 + rng_below(rng, 2)),
	                           .dl_vlan = OFP_VLAN_NONE,
	                           .dl_type = FB_ETH_IPV4,
	                           .nw_proto = FB_IP_TCP};
	match->dl_src[0] = match->dl_dst[0] = 2;
	match->dl_src[5] = (uint8_t)(1 + rng_below(rng, 2));
	match->dl_dst[5] = (uint8_t)(1 + rng_below(rng, 2));
	match->nw_src = 0x0a000000 | match->dl_src[5];
	match->nw_dst = 0x0a000000 | match->dl_dst[5];
	match->tp_dst = (uint16_t)rng_below(rng, 2);
	match->wildcards = rng_below(rng, 4) ? open & OFPFW_ALL : 0;
	if (rng_below(rng, 2))
		match->wildcards &= ~(uint32_t)(OFPFW_DL_TYPE | OFPFW_NW_PROTO);
	fb_match_normalize(match);
}

static void random_flow_mod(struct rng *rng, struct fb_flow_mod *fm)
{
	static const uint16_t commands[] = {OFPFC_ADD,           OFPFC_ADD,    OFPFC_ADD,
	                                    OFPFC_ADD,           OFPFC_ADD,    OFPFC_MODIFY,
	                                    OFPFC_MODIFY_STRICT, OFPFC_DELETE, OFPFC_DELETE_STRICT,
	                                    OFPFC_DELETE_STRICT};

	*fm = (struct fb_flow_mod){.buffer_id = OFP_NO_BUFFER, .out_port = OFPP_NONE};
	random_match(rng, &fm->match);
	fm->command = commands[rng_below(rng, 10)];
	fm->priority = (uint16_t)rng_below(rng, 3);
	fm->cookie = rng_next(rng);
	fm->idle_timeout = (uint16_t)(rng_below(rng, 3) * rng_below(rng, 4));
	fm->hard_timeout = (uint16_t)(rng_below(rng, 3) * rng_below(rng, 8));
	fm->flags = (uint16_t)rng_below(rng, 4);
	if (rng_below(rng, 2))
		fm->out_port = (uint16_t)(1 + rng_below(rng, PORTS));
}

static void random_frame(struct fx *fx, struct model *m, struct rng *rng)
{
	struct fx_tcp spec = {.src = (uint8_t)(1 + rng_below(rng, 2))};
	uint16_t in_port = (uint16_t)(1 + rng_below(rng, 2)), expected = OFPP_NONE;
	struct model_entry *best = NULL;
	struct frame *frame;
	struct fb_packet packet;
	struct fb_match key;

	spec.dst = (uint8_t)(1 + rng_below(rng, 2));
	spec.tp_dst = (uint16_t)rng_below(rng, 2);
	frame = fx_tcp_frame(fx, spec);
	fb_packet_parse(&packet, frame_data(frame), frame->len);
	fb_match_from_packet(&key, &packet, in_port);
	model_expire(m, fx->now_ns);
	for (size_t i = 0; i < m->count; i++) {
		struct model_entry *e = &m->entries[i];
		bool exact = fb_match_is_exact(&e->match);

		if (fb_match_hits(&e->match, &key) &&
		    (!best || exact ||
		     (e->priority > best->priority && !fb_match_is_exact(&best->match))))
			best = e;
	}
	if (best) {
		best->packets++;
		best->used_ns = fx->now_ns;
		expected = best->out_port == in_port ? OFPP_NONE : best->out_port;
	}
	fx->outputs_count = fx->packet_ins_count = 0;
	datapath_receive(fx->dp, in_port, frame, fx->now_ns);
	CU_ASSERT_EQUAL_FATAL(fx->packet_ins_count, !best);
	CU_ASSERT_EQUAL_FATAL(fx->outputs_count, expected != OFPP_NONE);
	if (fx->outputs_count)
		CU_ASSERT_EQUAL_FATAL(fx->outputs[0].port_no, expected);
}

static void compare(struct fx *fx, const struct model *m)
{
	const struct flow_entry *e = flow_table_oldest(fx->dp->table);

	CU_ASSERT_EQUAL_FATAL(flow_table_count(fx->dp->table), m->count);
	for (size_t i = 0; i < m->count; i++, e = flow_table_newer(fx->dp->table, e)) {
		CU_ASSERT_EQUAL_FATAL(e->cookie, m->entries[i].cookie);
		CU_ASSERT_EQUAL_FATAL(e->priority, m->entries[i].priority);
		CU_ASSERT_EQUAL_FATAL(e->packet_count, m->entries[i].packets);
		CU_ASSERT_EQUAL_FATAL(fb_get16(flow_entry_actions(e) + 4), m->entries[i].out_port);
	}
	CU_ASSERT_EQUAL_FATAL(fx->removed_count, m->removed_count);
	for (size_t i = 0; i < FX_RECORDS_MAX && i < m->removed_count; i++) {
		CU_ASSERT_EQUAL_FATAL(fx->removed[i].cookie, m->removed_cookies[i]);
		CU_ASSERT_EQUAL_FATAL(fx->removed[i].reason, m->removed_reasons[i]);
	}
}

static void thirty_thousand_random_commands_frames_and_waits_agree_with_a_linear_table(void)
{
	struct datapath_config config;
	struct model *m = calloc(1, sizeof *m);
	struct rng rng;
	struct fx *fx;

	datapath_config_default(&config);
	config.entries_max = MODEL_MAX;
	fx = fx_new(&config);
	rng_init(&rng, 7, "flow_mod_test");
	for (unsigned i = 0; i < 30000; i++) {
		uint8_t bytes[8];
		struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);
		uint16_t out_port = (uint16_t)(1 + rng_below(&rng, PORTS));
		struct fb_flow_mod fm;

		fx->now_ns += rng_below(&rng, 4) ? 0 : rng_below(&rng, FB_NS_PER_S);
		if (rng_below(&rng, 2)) {
			random_frame(fx, m, &rng);
		} else {
			random_flow_mod(&rng, &fm);
			fb_action_put_output(&actions, out_port, 0);
			fm.actions = (struct fb_view){bytes, 8};
			model_expire(m, fx->now_ns);
			CU_ASSERT_EQUAL_FATAL(
			        datapath_flow_mod(fx->dp, &fm, fx->now_ns, &fx->error),
			        model_flow_mod(m, &fm, out_port, fx->now_ns) ? 0 : -1);
		}
		compare(fx, m);
	}
	CU_ASSERT(m->removed_count > 1000);
	fx_free(fx);
	free(m);
}

UNIT_TESTS("flow_mod", UNIT_TEST(an_identical_entry_is_replaced_and_starts_anew),
           UNIT_TEST(an_exact_entry_is_one_whatever_its_priority),
           UNIT_TEST(an_overlapping_entry_is_refused_when_asked_for),
           UNIT_TEST(modify_changes_actions_and_cookie_alone),
           UNIT_TEST(a_cookie_of_all_ones_in_modify_means_none),
           UNIT_TEST(modify_that_finds_nothing_adds),
           UNIT_TEST(delete_minds_the_output_port_and_tells),
           UNIT_TEST(a_full_table_refuses_new_entries_only),
           UNIT_TEST(a_table_that_is_full_for_a_time_keeps_what_it_has),
           UNIT_TEST(a_match_counts_in_its_canonical_form),
           UNIT_TEST(a_modify_that_would_take_too_much_changes_nothing),
           UNIT_TEST(a_modify_has_the_room_that_the_lists_it_replaces_give_back),
           UNIT_TEST(an_emergency_entry_has_no_timeouts),
           UNIT_TEST(an_unknown_command_and_bad_actions_are_refused),
           UNIT_TEST(timeouts_beyond_the_end_of_time_never_come),
           UNIT_TEST(an_idle_timeout_that_use_puts_off_for_ever_never_comes),
           UNIT_TEST(a_flow_mod_releases_the_buffer_it_names),
           UNIT_TEST(a_buffered_frame_counts_for_the_entry_that_it_meets),
           UNIT_TEST(a_buffered_frame_that_does_not_match_counts_for_no_entry),
           UNIT_TEST(a_buffer_that_is_gone_is_an_error_but_the_entry_is_in_force),
           UNIT_TEST(a_refused_flow_mod_leaves_the_buffer), UNIT_TEST(delete_takes_no_buffer),
          
           UNIT_TEST(an_idle_entry_expires_to_the_nanosecond),
           UNIT_TEST(a_hard_timeout_ends_an_entry_in_use),
           UNIT_TEST(of_two_timeouts_that_end_together_the_hard_one_is_told),
           UNIT_TEST(a_frame_at_the_deadline_comes_too_late),
           UNIT_TEST(entries_that_end_together_end_in_order_of_addition),
           UNIT_TEST(replacing_an_entry_restarts_its_timeouts),
           UNIT_TEST(the_longest_timeouts_do_not_overflow),
           UNIT_TEST(thirty_thousand_random_commands_frames_and_waits_agree_with_a_linear_table))
