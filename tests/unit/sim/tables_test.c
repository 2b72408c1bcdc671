/* What a switch has is compared with what it was told: a real datapath beside the model. */
#include <stdio.h>
#include <string.h>

#include <flowbed/text.h>

#include "lib/base/rng.h"
#include "sim/channel.h"
#include "sim/tables.h"
#include "tests/unit/harness.h"

enum { BIG_COUNT = 100000, ROUNDS = 20000 };

static struct scenario_switch sw;
static struct scenario sc;
static struct tables *tables;
static struct datapath *dp;
static struct frame_pool *pool;
static uint64_t now_ns;
static uint32_t xid;

/* What was found. */
static unsigned found[TABLES_UNTOLD + 1];
static unsigned undone;
static char text_of_last[400];

static void differ(void *ctx, const struct tables_difference *difference)
{
	struct fb_text text = fb_text_make(text_of_last, sizeof text_of_last);

	(void)ctx;
	found[difference->wrong]++;
	undone += difference->undone;
	tables_difference_text(&text, "s1", difference);
}

static const struct datapath *datapath_for(void *ctx, uint32_t index)
{
	(void)ctx;
	CU_ASSERT_EQUAL(index, 0);
	return dp;
}

/* --- The switch --- */

static enum datapath_sent output(void *ctx, uint16_t port_no, uint32_t queue_id,
                                 struct frame *frame)
{
	(void)ctx;
	(void)port_no;
	(void)queue_id;
	(void)frame;
	return DATAPATH_SENT;
}

static void packet_in(void *ctx, const struct fb_of_packet_in *pi, bool miss)
{
	(void)ctx;
	(void)pi;
	(void)miss;
}

static void arrive(unsigned to, const struct fb_msg *msg, bool is_undone)
{
	uint8_t bytes[2000];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);

	CU_ASSERT_TRUE_FATAL(fb_msg_encode(&buf, msg));
	tables_message(tables, now_ns, 0, to, buf.data, buf.len);
	if (is_undone)
		tables_message_undone(tables, 0, buf.data, buf.len);
}

static bool tells_removed;

static void flow_removed(void *ctx, const struct fb_flow_removed *fr)
{
	const struct fb_msg msg = {
	        .version = OFP_VERSION, .type = OFPT_FLOW_REMOVED, .flow_removed = *fr};

	(void)ctx;
	if (tells_removed)
		arrive(CHANNEL_CONTROLLER, &msg, false);
}

static void port_status(void *ctx, const struct fb_port_status *ps)
{
	(void)ctx;
	(void)ps;
}

static void begin(uint32_t entries_max)
{
	const struct tables_ops ops = {.differ = differ, .datapath = datapath_for};
	const struct datapath_ops dp_ops = {.output = output,
	                                    .packet_in = packet_in,
	                                    .flow_removed = flow_removed,
	                                    .port_status = port_status};
	struct datapath_config config;

	memset(found, 0, sizeof found);
	undone = 0;
	now_ns = 0;
	xid = 0;
	tells_removed = true;
	sc = (struct scenario){.switches = &sw, .switches_count = 1};
	datapath_config_default(&config);
	config.entries_max = entries_max;
	pool = frame_pool_new();
	dp = datapath_new(&config, &dp_ops, pool);
	tables = tables_new(&sc, &ops);
	tables_connected(tables, now_ns, 0);
}

static void end(void)
{
	tables_free(tables);
	datapath_free(dp);
	frame_pool_free(pool);
}

static void pass_time(uint64_t ns)
{
	now_ns += ns;
	datapath_run(dp, now_ns);
}

/* --- What it is told --- */

static const uint8_t outputs[][8] = {{0, OFPAT_OUTPUT, 0, 8, 0, 1, 0, 0},
                                     {0, OFPAT_OUTPUT, 0, 8, 0, 2, 0, 0}};

static struct fb_flow_mod mod_of(uint16_t command, uint16_t in_port, uint16_t priority)
{
	struct fb_flow_mod mod = {.command = command,
	                          .priority = priority,
	                          .buffer_id = OFP_NO_BUFFER,
	                          .out_port = OFPP_NONE,
	                          .actions = {outputs[0], sizeof outputs[0]}};

	fb_match_any(&mod.match);
	if (in_port) {
		mod.match.wildcards &= ~(uint32_t)OFPFW_IN_PORT;
		mod.match.in_port = in_port;
	}
	return mod;
}

static struct fb_msg message_of(const struct fb_flow_mod *mod)
{
	return (struct fb_msg){
	        .version = OFP_VERSION, .type = OFPT_FLOW_MOD, .xid = ++xid, .flow_mod = *mod};
}

/* The controller says it; the switch hears it, unless 'deaf', and answers with its error. */
static void say(const struct fb_flow_mod *mod, bool deaf)
{
	const struct fb_msg msg = message_of(mod);
	uint8_t bytes[2000], cause[2000];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);
	struct fb_buf cause_buf = fb_buf_make(cause, sizeof cause);
	struct fb_of_error error;

	arrive(CHANNEL_SWITCH, &msg, false);
	if (deaf || !datapath_flow_mod(dp, mod, now_ns, &error))
		return;
	CU_ASSERT_TRUE_FATAL(fb_msg_encode(&cause_buf, &msg));
	CU_ASSERT_TRUE_FATAL(fb_msg_put_error(&buf, &error, cause_buf.data, cause_buf.len));
	tables_error(tables, 0, buf.data, buf.len);
}

static void barrier(void)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_BARRIER_REQUEST, .xid = ++xid};

	arrive(CHANNEL_SWITCH, &msg, false);
	msg.type = OFPT_BARRIER_REPLY;
	arrive(CHANNEL_CONTROLLER, &msg, false);
}

static unsigned compare(void)
{
	unsigned count = 0;

	memset(found, 0, sizeof found);
	tables_compare(tables, 0, now_ns, true);
	for (size_t i = 0; i < sizeof found / sizeof found[0]; i++)
		count += found[i];
	return count;
}

/* --- Tests --- */

static void what_is_missing_too_much_or_different_is_told_as_flows_are_written(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);
	struct fb_of_error error;

	begin(100);
	say(&mod, true);
	CU_ASSERT_EQUAL(compare(), 1);
	CU_ASSERT_EQUAL(found[TABLES_MISSING], 1);
	CU_ASSERT_STRING_EQUAL(text_of_last, "s1 lacks priority=10,in_port=1 actions=output:1");
	datapath_flow_mod(dp, &mod, now_ns, &error);
	CU_ASSERT_EQUAL(compare(), 0);
	mod.actions.data = outputs[1];
	datapath_flow_mod(dp, &mod, now_ns, &error);
	CU_ASSERT_EQUAL(compare(), 1);
	CU_ASSERT_EQUAL(found[TABLES_OTHER], 1);
	say(&mod, false);
	CU_ASSERT_EQUAL(compare(), 0);
	mod.cookie = 5;
	datapath_flow_mod(dp, &mod, now_ns, &error);
	CU_ASSERT_EQUAL(compare(), 1);
	mod.cookie = 0;
	mod.hard_timeout = 5;
	datapath_flow_mod(dp, &mod, now_ns, &error);
	CU_ASSERT_EQUAL(compare(), 1);
	say(&mod, false);
	mod.priority = 11;
	datapath_flow_mod(dp, &mod, now_ns, &error);
	CU_ASSERT_EQUAL(compare(), 1);
	CU_ASSERT_EQUAL(found[TABLES_UNEXPECTED], 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of_last, "s1 has what nobody installed: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of_last, "priority=11,in_port=1 actions=output:2"));
	end();
}

static void what_the_switch_refused_it_need_not_have(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);

	begin(2);
	for (uint16_t i = 1; i <= 4; i++) {
		mod.match.in_port = i;
		say(&mod, false);
	}
	CU_ASSERT_EQUAL(compare(), 0);
	/* Also when a barrier has come between. */
	barrier();
	mod.match.in_port = 5;
	say(&mod, false);
	CU_ASSERT_EQUAL(compare(), 0);
	mod = mod_of(OFPFC_DELETE, 0, 0);
	say(&mod, true);
	CU_ASSERT_EQUAL(compare(), 2);
	CU_ASSERT_EQUAL(found[TABLES_UNEXPECTED], 2);
	end();
}

static void an_error_about_a_buffer_refuses_no_entry(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);

	begin(10);
	mod.buffer_id = 77;
	say(&mod, false);
	CU_ASSERT_EQUAL(compare(), 0);
	end();
}

static void an_entry_may_be_gone_when_its_timeout_can_be_over(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);

	begin(10);
	mod.idle_timeout = 2;
	say(&mod, true);
	now_ns = 2 * FB_NS_PER_S - 1;
	CU_ASSERT_EQUAL(compare(), 1);
	now_ns = 2 * FB_NS_PER_S;
	CU_ASSERT_EQUAL(compare(), 0);
	/* It is forgotten now. */
	now_ns = 0;
	CU_ASSERT_EQUAL(compare(), 0);
	end();
}

static void who_asked_for_it_must_be_told_that_an_entry_expired(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);

	begin(10);
	mod.hard_timeout = 2;
	mod.flags = OFPFF_SEND_FLOW_REM;
	say(&mod, false);
	pass_time(2 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(compare(), 0);
	tells_removed = false;
	say(&mod, false);
	pass_time(2 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(compare(), 1);
	CU_ASSERT_EQUAL(found[TABLES_UNTOLD], 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(text_of_last, "s1 has let expire, and not told, "));
	/* Somebody who was away in the meantime was not there to be told. */
	tables_connected(tables, now_ns, 0);
	CU_ASSERT_EQUAL(compare(), 0);
	end();
}

/* The message about the entry before it comes late. */
static void what_is_told_of_an_older_entry_is_not_told_of_its_successor(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_FLOW_REMOVED};

	begin(10);
	tells_removed = false;
	mod.hard_timeout = 2;
	mod.flags = OFPFF_SEND_FLOW_REM;
	say(&mod, false);
	pass_time(2 * FB_NS_PER_S);
	say(&mod, false);
	now_ns += FB_NS_PER_MS;
	msg.flow_removed = (struct fb_flow_removed){.match = mod.match,
	                                            .priority = mod.priority,
	                                            .reason = OFPRR_HARD_TIMEOUT,
	                                            .duration_sec = 2};
	arrive(CHANNEL_CONTROLLER, &msg, false);
	pass_time(2 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(compare(), 1);
	CU_ASSERT_EQUAL(found[TABLES_UNTOLD], 1);
	end();
}

static void a_hard_timeout_that_is_over_is_told(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);

	begin(10);
	mod.hard_timeout = 2;
	say(&mod, false);
	now_ns = 2 * FB_NS_PER_S;
	CU_ASSERT_EQUAL(compare(), 0);
	now_ns++;
	CU_ASSERT_EQUAL(compare(), 1);
	CU_ASSERT_EQUAL(found[TABLES_OVERDUE], 1);
	end();
}

static void power_and_emergency_mode_take_the_entries(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);

	begin(10);
	say(&mod, false);
	mod.flags = OFPFF_EMERG;
	say(&mod, false);
	CU_ASSERT_EQUAL(compare(), 0);
	datapath_set_mode(dp, DATAPATH_EMERGENCY, now_ns);
	CU_ASSERT_EQUAL(compare(), 1);
	tables_mode(tables, now_ns, 0, DATAPATH_EMERGENCY);
	CU_ASSERT_EQUAL(compare(), 0);
	tables_power(tables, now_ns, 0, false);
	tables_power(tables, now_ns, 0, true);
	CU_ASSERT_EQUAL(compare(), 1);
	CU_ASSERT_EQUAL(found[TABLES_UNEXPECTED], 1);
	end();
}

/* Those that are like it are done: the switch does them in their order. */
static void of_flow_mods_that_are_alike_the_latest_is_undone(void)
{
	struct fb_flow_mod add = mod_of(OFPFC_ADD, 1, 10), delete = mod_of(OFPFC_DELETE_STRICT, 1, 10);
	struct fb_msg first = message_of(&add), second = message_of(&delete);

	begin(10);
	arrive(CHANNEL_SWITCH, &first, false);
	arrive(CHANNEL_SWITCH, &first, false);
	arrive(CHANNEL_SWITCH, &second, false);
	arrive(CHANNEL_SWITCH, &first, true);
	tables_connected(tables, now_ns, 0);
	/* It was deleted, and perhaps not added again. */
	CU_ASSERT_EQUAL(compare(), 1);
	CU_ASSERT_EQUAL(undone, 1);
	end();
}

static void a_flow_mod_that_was_not_done_when_the_connection_ended_is_in_doubt(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);
	struct fb_msg msg;

	for (unsigned is_undone = 0; is_undone < 2; is_undone++) {
		begin(10);
		msg = message_of(&mod);
		arrive(CHANNEL_SWITCH, &msg, is_undone);
		tables_connected(tables, now_ns, 0);
		CU_ASSERT_EQUAL(compare(), 1);
		CU_ASSERT_EQUAL(undone, is_undone);
		/* The next one for that entry is as good as any. */
		undone = 0;
		say(&mod, true);
		CU_ASSERT_EQUAL(compare(), 1);
		CU_ASSERT_EQUAL(undone, 0);
		end();
	}
}

static struct fb_flow_mod draw(struct rng *rng)
{
	static const uint16_t commands[] = {OFPFC_ADD,    OFPFC_ADD,          OFPFC_ADD,
	                                    OFPFC_ADD,    OFPFC_MODIFY,       OFPFC_MODIFY_STRICT,
	                                    OFPFC_DELETE, OFPFC_DELETE_STRICT};
	struct fb_flow_mod mod = mod_of(commands[rng_below(rng, 8)], 0, 0);

	mod.priority = (uint16_t)(10 + rng_below(rng, 3));
	if (rng_below(rng, 3)) {
		mod.match.wildcards &= ~(uint32_t)OFPFW_IN_PORT;
		mod.match.in_port = (uint16_t)(1 + rng_below(rng, 4));
	}
	if (rng_below(rng, 3)) {
		mod.match.wildcards &= ~(uint32_t)OFPFW_DL_TYPE;
		mod.match.dl_type = 0x0800;
	}
	if (rng_below(rng, 2)) {
		mod.match.wildcards &= ~(uint32_t)OFPFW_NW_DST_MASK;
		mod.match.wildcards |= (uint32_t)(rng_below(rng, 3) << OFPFW_NW_DST_SHIFT);
		mod.match.nw_dst = (uint32_t)(0x0a000000 + rng_below(rng, 4));
	}
	if (!rng_below(rng, 10))
		mod.match.wildcards = 0; /* exact */
	mod.actions.data = outputs[rng_below(rng, 2)];
	mod.cookie = rng_below(rng, 3);
	if (!rng_below(rng, 4))
		mod.flags = OFPFF_CHECK_OVERLAP;
	if (!rng_below(rng, 8))
		mod.flags |= OFPFF_EMERG;
	else if (!rng_below(rng, 3))
		mod.hard_timeout = (uint16_t)(1 + rng_below(rng, 5));
	if (!rng_below(rng, 6))
		mod.out_port = (uint16_t)(1 + rng_below(rng, 2));
	return mod;
}

/* Model and datapath, which know nothing of each other, agree whatever they are told. */
static void model_and_switch_agree_about_many_random_flow_mods(void)
{
	struct rng rng;
	unsigned wrong = 0;

	begin(40);
	rng_init(&rng, 1, "flow-mods");
	for (unsigned i = 0; i < ROUNDS; i++) {
		const struct fb_flow_mod mod = draw(&rng);

		say(&mod, false);
		if (!rng_below(&rng, 5))
			barrier();
		if (!rng_below(&rng, 10))
			pass_time(rng_below(&rng, 4 * FB_NS_PER_S));
		if (!rng_below(&rng, 4) && compare() && !wrong++)
			printf("# after %u: %s\n", i, text_of_last);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	end();
}

static void a_hundred_thousand_entries_are_no_trouble(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);

	begin(BIG_COUNT);
	mod.match.wildcards &= ~(uint32_t)OFPFW_DL_SRC;
	mod.idle_timeout = 60;
	for (uint64_t i = 0; i < BIG_COUNT; i++) {
		fb_mac_from_u64(mod.match.dl_src, i);
		say(&mod, false);
	}
	CU_ASSERT_EQUAL(compare(), 0);
	mod = mod_of(OFPFC_DELETE, 0, 0);
	say(&mod, true);
	CU_ASSERT_EQUAL(compare(), BIG_COUNT);
	end();
}

UNIT_TESTS("tables", UNIT_TEST(what_is_missing_too_much_or_different_is_told_as_flows_are_written),
           UNIT_TEST(what_the_switch_refused_it_need_not_have),
           UNIT_TEST(an_error_about_a_buffer_refuses_no_entry),
           UNIT_TEST(an_entry_may_be_gone_when_its_timeout_can_be_over),
           UNIT_TEST(who_asked_for_it_must_be_told_that_an_entry_expired),
           UNIT_TEST(what_is_told_of_an_older_entry_is_not_told_of_its_successor),
           UNIT_TEST(a_hard_timeout_that_is_over_is_told),
           UNIT_TEST(power_and_emergency_mode_take_the_entries),
           UNIT_TEST(a_flow_mod_that_was_not_done_when_the_connection_ended_is_in_doubt),
           UNIT_TEST(of_flow_mods_that_are_alike_the_latest_is_undone),
           UNIT_TEST(model_and_switch_agree_about_many_random_flow_mods),
           UNIT_TEST(a_hundred_thousand_entries_are_no_trouble))
