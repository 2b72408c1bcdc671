/* What a controller and its applications tell of themselves, as JSON; and how switches are asked for
 * their tables meanwhile. */
#include "tests/unit/controller/balancer_bench.h"

#include "controller/controller_report.h"

enum { TEXT_BYTES = 1 << 16 };

static const struct controller_report_wish everything = {
        .loop = 3, .list_max = 20, .bytes_max = 1 << 20};

/* The report of question 0, with the pieces of 'kind' in 'json', one a line. */
static char json[TEXT_BYTES];

static void take(struct bench *b, const struct controller_report_wish *wish,
                 enum controller_report_kind kind, struct controller_report *report)
{
	struct fb_text text = fb_text_make(json, sizeof json);

	controller_report_write(b->ctl, wish, 0, report, b->now_ns);
	CU_ASSERT_FATAL(!report->text.overflow);
	for (size_t i = 0; i < report->pieces_count; i++) {
		const struct controller_report_piece *piece = &report->pieces[i];

		if (piece->kind == kind)
			fb_text_printf(&text, "%.*s\n", (int)piece->len,
			               report->text.text + piece->offset);
	}
	CU_ASSERT_FATAL(!text.cut);
}

static const char *told(struct bench *b, const struct controller_report_wish *wish,
                        enum controller_report_kind kind)
{
	struct controller_report report;

	take(b, wish, kind, &report);
	controller_report_destroy(&report);
	return json;
}

static const char *switches(struct bench *b)
{
	return told(b, &everything, CONTROLLER_REPORT_SWITCH);
}

static void holds(const char *text, const char *part, int line)
{
	CU_assertImplementation(strstr(text, part) != NULL, (unsigned)line, part, __FILE__, "",
	                        CU_FALSE);
	if (!strstr(text, part))
		printf("# is: %s\n", text);
}

#define HOLDS(text, part) holds(text, part, __LINE__)
#define LACKS(text, part) CU_ASSERT_PTR_NULL(strstr(text, part))

/* --- An application that watches what reaches it --- */

struct watcher {
	struct fb_app *app;
	unsigned replies, errors;
	bool busy;
};

static struct watcher *watcher;

static void *watcher_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	(void)values;
	(void)error;
	watcher = calloc(1, sizeof *watcher);
	watcher->app = app;
	return watcher;
}

static void watcher_stats_reply(void *state, struct fb_switch *sw, uint32_t xid,
                                const struct fb_stats_reply *reply, uint64_t now_ns)
{
	(void)state;
	(void)sw;
	(void)xid;
	(void)reply;
	(void)now_ns;
	watcher->replies++;
}

static void watcher_error(void *state, struct fb_switch *sw, uint32_t xid, bool own, uint16_t type,
                          uint16_t code, struct fb_view data, uint64_t now_ns)
{
	(void)state;
	(void)sw;
	(void)xid;
	(void)own;
	(void)type;
	(void)code;
	(void)data;
	(void)now_ns;
	watcher->errors++;
}

static bool watcher_ready(const void *state)
{
	return !((const struct watcher *)state)->busy;
}

static const char *const colours[] = {"red", "green", NULL};
static const struct fb_option watcher_options[] = {
        {.name = "number", .type = FB_OPTION_INTEGER, .default_text = "7", .max = 1000},
        {.name = "time", .type = FB_OPTION_DURATION, .default_text = "1500ms", .max = FB_NEVER},
        {.name = "flag", .type = FB_OPTION_BOOL, .default_text = "no"},
        {.name = "colour", .type = FB_OPTION_CHOICE, .default_text = "green", .choices = colours},
};

static const struct fb_app_class watcher_class = {
        .name = "watcher",
        .summary = "watches",
        .options = watcher_options,
        .options_count = sizeof watcher_options / sizeof watcher_options[0],
        .create = watcher_create,
        .destroy = free,
        .stats_reply = watcher_stats_reply,
        .error = watcher_error,
        .ready = watcher_ready,
};

/* --- Switches that have tables --- */

/* A switch that says it has statistics of tables; the handshake is done and discarded. */
static struct fake_switch *join_with_tables(struct bench *b, uint64_t dpid)
{
	struct fake_switch *sw = fake_switch_connect(b, dpid, 0);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_FEATURES_REPLY};

	fake_switch_hello(sw);
	msg.features_reply = (struct fb_features_reply){
	        .datapath_id = dpid,
	        .n_buffers = 256,
	        .n_tables = 1,
	        .capabilities = OFPC_FLOW_STATS | OFPC_TABLE_STATS,
	};
	fake_switch_send(sw, &msg);
	fake_switch_discard(sw);
	return sw;
}

/* The xid of the request that the switch got; 0: none. */
static uint32_t requested(struct fake_switch *sw)
{
	const struct fb_msg *msg = fake_switch_next(sw);

	if (!msg)
		return 0;
	CU_ASSERT_EQUAL_FATAL(msg->type, OFPT_STATS_REQUEST);
	CU_ASSERT_EQUAL_FATAL(msg->stats_request.type, OFPST_TABLE);
	CU_ASSERT_EQUAL(msg->xid >> 24, 0);
	CU_ASSERT_NOT_EQUAL(msg->xid, 0);
	return msg->xid;
}

/* A part of a reply, with tables 'from' to 'to'. */
static void reply_with(struct fake_switch *sw, uint32_t xid, unsigned from, unsigned to,
                       uint32_t active, uint64_t lookups, bool more)
{
	static uint8_t memory[FAKE_MESSAGE_BYTES];
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_STATS_REPLY, .xid = xid};
	struct fb_buf entries = fb_buf_make(memory, sizeof memory);

	for (unsigned i = from; i < to; i++) {
		struct fb_table_stats stats = {.table_id = (uint8_t)i,
		                               .name = "exact",
		                               .max_entries = 1000,
		                               .active_count = active,
		                               .lookup_count = lookups,
		                               .matched_count = UINT64_MAX};

		CU_ASSERT_FATAL(fb_table_stats_put(&entries, &stats));
	}
	msg.stats_reply = (struct fb_stats_reply){.type = OFPST_TABLE,
	                                          .flags = more ? OFPSF_REPLY_MORE : 0,
	                                          .entries = {memory, entries.len}};
	fake_switch_send(sw, &msg);
}

static void reply(struct fake_switch *sw, uint32_t xid, unsigned from, unsigned to, uint32_t active,
                  bool more)
{
	reply_with(sw, xid, from, to, active, 70, more);
}

static void ask(struct bench *b, unsigned number)
{
	controller_report_ask(b->ctl, &everything, number, b->now_ns);
}

static void a_switch_is_asked_for_its_tables_and_no_application_hears_of_it(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;
	uint32_t xid;

	bench_add(b, &watcher_class, "");
	sw = join_with_tables(b, 1);
	HOLDS(switches(b), "\"tables\":null");
	CU_ASSERT(!controller_report_awaits(b->ctl, 0));
	ask(b, 0);
	CU_ASSERT(controller_report_awaits(b->ctl, 0));
	CU_ASSERT(!controller_report_awaits(b->ctl, 1));
	xid = requested(sw);
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	reply(sw, xid, 0, 1, 5, false);
	CU_ASSERT(!controller_report_awaits(b->ctl, 0));
	HOLDS(switches(b), "\"flow_entries\":5,"
	                   "\"tables\":{\"count\":1,\"limit\":null,\"items\":[{\"table\":0,"
	                   "\"name\":\"exact\",\"active\":5,\"max\":1000,\"lookups\":70,"
	                   "\"matched\":null}],\"shown\":1}");
	CU_ASSERT_EQUAL(watcher->replies, 0);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->replies_unknown, 0);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->bad_messages, 0);
	bench_free(b);
}

static void a_reply_in_parts_is_complete_with_its_last_part(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = join_with_tables(b, 1);
	uint32_t xid;

	for (int round = 0; round < 2; round++) { /* the second answer replaces the first */
		ask(b, 0);
		xid = requested(sw);
		reply(sw, xid, 0, 30, 5, true);
		CU_ASSERT(controller_report_awaits(b->ctl, 0));
		HOLDS(switches(b), "\"tables\":null");
		ask(b, 0); /* the question was over with the report */
		CU_ASSERT_EQUAL(requested(sw), 0);
		reply(sw, xid, 30, 300, 6, false);
		CU_ASSERT(!controller_report_awaits(b->ctl, 0));
		HOLDS(switches(b), "\"tables\":{\"count\":300,");
		HOLDS(json, "\"shown\":20}");
	}
	bench_free(b);
}

static void a_switch_without_statistics_of_tables_is_not_asked(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 1);

	ask(b, 0);
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	CU_ASSERT(!controller_report_awaits(b->ctl, 0));
	HOLDS(switches(b), "\"tables\":null");
	bench_free(b);
}

static void a_refusal_ends_the_waiting_and_reaches_no_application(void)
{
	struct bench *b = bench_new();
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_ERROR};
	struct fake_switch *sw;

	bench_add(b, &watcher_class, "");
	sw = join_with_tables(b, 1);
	ask(b, 0);
	msg.xid = requested(sw);
	msg.error.type = OFPET_BAD_REQUEST;
	msg.error.code = OFPBRC_BAD_STAT;
	fake_switch_send(sw, &msg);
	CU_ASSERT(!controller_report_awaits(b->ctl, 0));
	CU_ASSERT_EQUAL(watcher->errors, 0);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->errors_in, 1);
	HOLDS(switches(b), "\"tables\":null");
	fake_switch_send(sw, &msg); /* another one of that xid is nobody's */
	CU_ASSERT_EQUAL(watcher->errors, 1);
	bench_free(b);
}

static void two_questions_share_one_request(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = join_with_tables(b, 1), *other = join_with_tables(b, 2);
	uint32_t xid;

	ask(b, 0);
	ask(b, 31);
	xid = requested(sw);
	CU_ASSERT_EQUAL(requested(sw), 0);
	reply(sw, xid, 0, 1, 5, false);
	CU_ASSERT(controller_report_awaits(b->ctl, 0));
	CU_ASSERT(controller_report_awaits(b->ctl, 31));
	reply(other, requested(other), 0, 1, 5, false);
	CU_ASSERT(!controller_report_awaits(b->ctl, 0));
	CU_ASSERT(!controller_report_awaits(b->ctl, 31));
	bench_free(b);
}

static void nobody_waits_for_a_switch_that_went(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = join_with_tables(b, 1);

	ask(b, 0);
	ask(b, 1);
	fake_switch_leave(sw);
	CU_ASSERT(!controller_report_awaits(b->ctl, 0));
	CU_ASSERT(!controller_report_awaits(b->ctl, 1));
	CU_ASSERT_STRING_EQUAL(switches(b), "");
	bench_free(b);
}

static void a_switch_that_never_answers_is_shown_without_and_asked_again_later(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = join_with_tables(b, 1);
	uint32_t first;

	ask(b, 0);
	first = requested(sw);
	HOLDS(switches(b), "\"tables\":null");
	CU_ASSERT(!controller_report_awaits(b->ctl, 0)); /* the report ended the question */
	bench_pass(b, FB_NS_PER_S);
	ask(b, 0);
	CU_ASSERT_EQUAL(requested(sw), 0);
	CU_ASSERT(controller_report_awaits(b->ctl, 0));
	b->now_ns += 9 * FB_NS_PER_S;
	ask(b, 0);
	CU_ASSERT_NOT_EQUAL(requested(sw), 0);
	reply(sw, first, 0, 1, 5, false); /* too late: of the request before */
	CU_ASSERT(controller_report_awaits(b->ctl, 0));
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->replies_unknown, 1);
	bench_free(b);
}

static void tables_do_not_appear_twice_after_a_reply_that_never_ended(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = join_with_tables(b, 1);

	ask(b, 0);
	reply(sw, requested(sw), 0, 2, 5, true); /* and no more */
	HOLDS(switches(b), "\"tables\":null");
	b->now_ns += 10 * FB_NS_PER_S;
	ask(b, 0);
	reply(sw, requested(sw), 0, 2, 5, false);
	HOLDS(switches(b), "\"flow_entries\":10,\"tables\":{\"count\":2,");
	HOLDS(json, "\"shown\":2}");
	bench_free(b);
}

static void a_late_answer_is_no_unknown_reply(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = join_with_tables(b, 1);
	uint32_t xid;

	ask(b, 0);
	xid = requested(sw);
	switches(b); /* the asker's patience was over */
	reply(sw, xid, 0, 1, 5, false);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->replies_unknown, 0);
	CU_ASSERT(!controller_report_awaits(b->ctl, 0));
	bench_free(b);
}

static void tables_that_are_used_come_first(void)
{
	struct controller_report_wish wish = everything;
	struct bench *b = bench_new();
	struct fake_switch *sw = join_with_tables(b, 1);
	uint32_t xid;

	ask(b, 0);
	xid = requested(sw);
	reply_with(sw, xid, 0, 100, 0, 0, true);
	reply_with(sw, xid, 100, 101, 7, 0, true);
	reply_with(sw, xid, 101, 102, 0, 1, true);
	reply_with(sw, xid, 102, 103, 0, UINT64_MAX, false);
	wish.list_max = 3;
	HOLDS(told(b, &wish, CONTROLLER_REPORT_SWITCH),
	      "\"flow_entries\":7,\"tables\":{\"count\":103,\"limit\":null,\"items\":["
	      "{\"table\":100,");
	CU_ASSERT(strstr(json, "{\"table\":100,") < strstr(json, "{\"table\":101,"));
	HOLDS(json, "{\"table\":101,");
	HOLDS(json, "{\"table\":0,");
	LACKS(json, "{\"table\":102,");
	bench_free(b);
}

/* --- Switches and connections --- */

static void a_switch_is_described(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 0x2a, 2);
	struct fb_phy_port port = fake_port(2);

	strcpy(port.name, "a\"\x1b\xff");
	port.config = OFPPC_PORT_DOWN | OFPPC_NO_FLOOD;
	port.state = OFPPS_LINK_DOWN | OFPPS_STP_BLOCK;
	fake_switch_port_status(sw, OFPPR_MODIFY, &port);
	bench_pass(b, 1500 * FB_NS_PER_MS);
	HOLDS(switches(b), "{\"dpid\":\"000000000000002a\",\"peer\":\"fake:1\",\"loop\":3,"
	                   "\"connected_s\":1.500,\"liveness\":{\"silent_s\":1.500,"
	                   "\"echo_sent\":false,\"backlog_bytes\":0,\"paused\":false},"
	                   "\"features\":{\"n_buffers\":256,\"n_tables\":2,"
	                   "\"capabilities\":[\"FLOW_STATS\"],\"actions\":[\"output\",");
	HOLDS(json, "\"ports\":{\"count\":2,\"limit\":4096,\"items\":[{\"port\":1,"
	            "\"name\":\"eth1\",\"mac\":\"02:aa:00:00:00:01\",\"up\":true,\"config\":[],"
	            "\"state\":[],"
	            "\"current\":[\"1GB_FD\",\"COPPER\"]},{\"port\":2,"
	            "\"name\":\"a\\\"\\u001b\\ufffd\",\"mac\":\"02:aa:00:00:00:02\",\"up\":false,"
	            "\"config\":[\"PORT_DOWN\",\"NO_FLOOD\"],"
	            "\"state\":[\"LINK_DOWN\",\"STP_BLOCK\"],");
	HOLDS(json, "\"counters\":{\"packet_ins\":0,\"messages_in\":3,\"messages_out\":5,");
	HOLDS(json, "\"apps\":{}}");
	bench_pass(b, 4 * FB_NS_PER_S);
	HOLDS(switches(b), "\"echo_sent\":true");
	bench_free(b);
}

static void switches_come_in_the_order_of_their_dpids_and_no_more_than_wanted(void)
{
	struct controller_report_wish wish = everything;
	struct bench *b = bench_new();
	struct controller_report report;

	fake_switch_join(b, 9, 1);
	fake_switch_join(b, 4, 1);
	fake_switch_join(b, UINT64_MAX, 1);
	fake_switch_join(b, 7, 1);
	wish.list_max = 3;
	take(b, &wish, CONTROLLER_REPORT_SWITCH, &report);
	CU_ASSERT_EQUAL(report.switches_count, 4);
	CU_ASSERT_EQUAL(report.pieces_count, 3);
	CU_ASSERT_EQUAL(report.pieces[0].key, 4);
	CU_ASSERT_EQUAL(report.pieces[1].key, 7);
	CU_ASSERT_EQUAL(report.pieces[2].key, 9);
	CU_ASSERT(json < strstr(json, "0000000000000004"));
	CU_ASSERT(strstr(json, "0000000000000004") < strstr(json, "0000000000000007"));
	LACKS(json, "ffffffffffffffff");
	controller_report_destroy(&report);
	bench_free(b);
}

static void one_switch_can_be_asked_for(void)
{
	struct controller_report_wish wish = everything;
	struct bench *b = bench_new();
	struct fake_switch *sw = join_with_tables(b, 7), *other = join_with_tables(b, 8);

	wish.one_switch = true;
	wish.dpid = 7;
	controller_report_ask(b->ctl, &wish, 0, b->now_ns);
	CU_ASSERT_NOT_EQUAL(requested(sw), 0);
	CU_ASSERT_EQUAL(requested(other), 0);
	HOLDS(told(b, &wish, CONTROLLER_REPORT_SWITCH), "0000000000000007");
	LACKS(json, "0000000000000008");
	wish.dpid = 9;
	CU_ASSERT_STRING_EQUAL(told(b, &wish, CONTROLLER_REPORT_SWITCH), "");
	bench_free(b);
}

static void connections_that_shake_hands_are_told(void)
{
	struct controller_report_wish wish = everything;
	struct bench *b = bench_new();
	struct controller_report report;
	struct fake_switch *second;

	fake_switch_connect(b, 1, 1);
	second = fake_switch_connect(b, 2, 1);
	fake_switch_join(b, 3, 1);
	fake_switch_hello(second);
	bench_pass(b, FB_NS_PER_S / 4);
	take(b, &wish, CONTROLLER_REPORT_CONNECTION, &report);
	CU_ASSERT_EQUAL(report.connections_count, 2);
	CU_ASSERT_STRING_EQUAL(json, "{\"peer\":\"fake:1\",\"loop\":3,\"awaits\":\"HELLO\","
	                             "\"connected_s\":0.250,\"bytes_in\":0}\n"
	                             "{\"peer\":\"fake:2\",\"loop\":3,"
	                             "\"awaits\":\"FEATURES_REPLY\",\"connected_s\":0.250,"
	                             "\"bytes_in\":8}\n");
	controller_report_destroy(&report);
	wish.list_max = 1; /* the newest one */
	HOLDS(told(b, &wish, CONTROLLER_REPORT_CONNECTION), "fake:2");
	LACKS(json, "fake:1");
	bench_free(b);
}

static void a_report_that_becomes_too_large_shows_fewer_switches(void)
{
	struct controller_report_wish wish = everything;
	struct bench *b = bench_new();
	struct controller_report report;

	for (uint64_t dpid = 1; dpid <= 20; dpid++)
		fake_switch_join(b, dpid, 10);
	wish.bytes_max = 20000;
	take(b, &wish, CONTROLLER_REPORT_SWITCH, &report);
	CU_ASSERT_EQUAL(report.switches_count, 20);
	CU_ASSERT(report.pieces_count > 5 && report.pieces_count < 20);
	CU_ASSERT(!report.text.overflow && report.text.cut);
	controller_report_destroy(&report);
	wish.bytes_max = 1 << 20;
	take(b, &wish, CONTROLLER_REPORT_SWITCH, &report);
	CU_ASSERT(report.pieces_count == 20 && !report.text.cut);
	controller_report_destroy(&report);
	bench_free(b);
}

/* --- Rates --- */

static void packet_ins(struct fake_switch *sw, unsigned count)
{
	uint8_t frame[60];
	size_t len = fake_frame(frame, 0x020000000001, 0xffffffffffff);

	for (unsigned i = 0; i < count; i++)
		fake_switch_packet_in(sw, OFP_NO_BUFFER, 1, frame, len);
}

static void rates_are_those_of_the_last_seconds(void)
{
	struct bench *b = bench_new();
	struct controller_report report;
	struct fake_switch *sw;

	bench_add(b, &fb_app_hub, "");
	sw = fake_switch_join(b, 1, 1);
	packet_ins(sw, 1000);
	HOLDS(switches(b), "\"per_second\":{\"packet_ins\":1000,\"messages_in\":1002,");
	for (int s = 0; s < 6; s++) {
		controller_report_sample(b->ctl, b->now_ns);
		bench_pass(b, FB_NS_PER_S);
		packet_ins(sw, 60);
	}
	take(b, &everything, CONTROLLER_REPORT_SWITCH, &report);
	HOLDS(json, "\"per_second\":{\"packet_ins\":60,");
	HOLDS(json, "\"counters\":{\"packet_ins\":1360,");
	CU_ASSERT_STRING_EQUAL(controller_report_rate_names[0], "packet_ins");
	CU_ASSERT_EQUAL(report.rates_per_s[0], 60);
	controller_report_destroy(&report);
	controller_report_sample(b->ctl, b->now_ns); /* the oldest sample is forgotten */
	bench_pass(b, FB_NS_PER_S);
	HOLDS(switches(b), "\"per_second\":{\"packet_ins\":50,");
	bench_free(b);
}

static void a_storm_of_a_moment_counts_as_one_of_a_second(void)
{
	uint64_t counts[RATES_COUNT] = {500, 0, 0, 0, UINT64_MAX}, per_s[RATES_COUNT];
	struct rates rates = {0};

	rates_per_s(NULL, FB_NS_PER_S, FB_NS_PER_S + 1, counts, per_s);
	CU_ASSERT_EQUAL(per_s[0], 500);
	CU_ASSERT_EQUAL(per_s[4], UINT64_MAX);
	rates_per_s(&rates, FB_NS_PER_S, 11 * FB_NS_PER_S, counts, per_s);
	CU_ASSERT_EQUAL(per_s[0], 50);
	rates_sample(&rates, 11 * FB_NS_PER_S, counts);
	counts[0] += 10;
	rates_per_s(&rates, FB_NS_PER_S, 11 * FB_NS_PER_S, counts, per_s);
	CU_ASSERT_EQUAL(per_s[0], 10);
	rates_per_s(&rates, FB_NS_PER_S, 13 * FB_NS_PER_S, counts, per_s);
	CU_ASSERT_EQUAL(per_s[0], 5);
}

/* --- Counters --- */

static void every_counter_has_a_name_of_its_own(void)
{
	struct controller_counters counters;
	uint64_t seen = 0;

	for (size_t i = 0; i < sizeof counters / sizeof(uint64_t); i++)
		((uint64_t *)(void *)&counters)[i] = i;
	for (size_t i = 0; i < controller_report_totals_count; i++) {
		seen |= UINT64_C(1) << controller_report_total(&counters, i);
		for (size_t j = 0; j < i; j++)
			CU_ASSERT_STRING_NOT_EQUAL(controller_report_totals[i].name,
			                           controller_report_totals[j].name);
	}
	CU_ASSERT_EQUAL(seen, (UINT64_C(1) << controller_report_totals_count) - 1);
}

static void counters_of_applications_stand_in_the_order_of_the_chain(void)
{
	struct bench *b = bench_new();
	struct controller_report report;

	bench_add(b, &fb_app_learning, "");
	bench_add(b, &fb_app_hub, "");
	packet_ins(fake_switch_join(b, 1, 1), 4);
	take(b, &everything, CONTROLLER_REPORT_INSTANCE, &report);
	CU_ASSERT_STRING_EQUAL(json, "");
	CU_ASSERT_STRING_EQUAL(report.app_counters[0].name, "learned");
	CU_ASSERT_EQUAL(report.app_counters[0].app, 0);
	CU_ASSERT_EQUAL(report.app_counters[0].value, 1);
	CU_ASSERT_STRING_EQUAL(report.app_counters[report.app_counters_count - 1].name,
	                       "frames_cut");
	CU_ASSERT_EQUAL(report.app_counters[report.app_counters_count - 1].app, 1);
	CU_ASSERT_EQUAL(report.counters.packet_ins, 4);
	controller_report_destroy(&report);
	bench_free(b);
}

/* --- Applications --- */

static void options_in_force_are_told(void)
{
	struct bench *b = bench_new();
	struct fb_report report;

	bench_add(b, &watcher_class, "number=8");
	fb_report_init(&report, TEXT_BYTES, 20);
	fb_report_begin_map(&report, NULL);
	CU_ASSERT_EQUAL(controller_report_apps(b->ctl), 1);
	controller_report_app(b->ctl, 0, &report);
	fb_report_end_map(&report);
	CU_ASSERT_STRING_EQUAL(report.text,
	                       "{\"name\":\"watcher\",\"class\":\"watcher\","
	                       "\"summary\":\"watches\",\"options\":{\"number\":8,"
	                       "\"time\":\"1500ms\",\"flag\":false,\"colour\":\"green\"}}");
	fb_report_destroy(&report);
	bench_free(b);
}

static void learning_tells_its_stations_those_heard_last_first(void)
{
	struct controller_report_wish wish = everything;
	struct bench *b = bench_new();
	struct fake_switch *sw;
	uint8_t frame[60];
	size_t len;

	bench_add(b, &fb_app_learning, "macs_max=4");
	sw = fake_switch_join(b, 1, 3);
	for (uint16_t n = 1; n <= 3; n++) {
		len = fake_frame(frame, 0x020000000000u + n, 0x020000000000u + n - 1);
		fake_switch_packet_in(sw, n, n, frame, len);
		bench_pass(b, FB_NS_PER_S);
	}
	wish.list_max = 2;
	HOLDS(told(b, &wish, CONTROLLER_REPORT_SWITCH),
	      "\"apps\":{\"learning\":{\"stations\":{\"count\":3,\"limit\":4,\"items\":["
	      "{\"mac\":\"02:00:00:00:00:03\",\"vlan\":null,\"port\":3,\"heard_s\":1.000,"
	      "\"has_flows\":true},{\"mac\":\"02:00:00:00:00:02\",\"vlan\":null,\"port\":2,"
	      "\"heard_s\":2.000,\"has_flows\":true}],\"shown\":2},\"tables_full_for_s\":null}}}");
	bench_free(b);
}

static const char *instances(struct bench *b)
{
	return told(b, &everything, CONTROLLER_REPORT_INSTANCE);
}

static void the_balancer_tells_backends_and_sessions(void)
{
	struct lb *lb = lb_new("mode=flows");

	lb_announce(lb, &lb_other);
	lb_syn(lb, 40000, 1000);
	lb_syn_ack(lb, &lb_a, 40000, 1000);
	lb_syn(lb, 40001, 2000);
	lb_said(lb);
	HOLDS(instances(lb->bench), "{\"loop\":3,\"held\":{\"count\":0,\"limit\":256},"
	                            "\"fragmented\":{\"count\":0,\"limit\":4096},");
	HOLDS(json, "\"addresses\":{\"count\":3,\"limit\":131072,\"items\":["
	            "{\"address\":\"192.168.2.2\",\"vlan\":null,\"shared\":true,"
	            "\"configured\":false,\"scheduler\":\"rr\",\"probed\":true,"
	            "\"wanted_s\":0.000,\"backends\":{\"count\":2,\"limit\":64,\"items\":["
	            "{\"mac\":\"02:00:00:00:00:02\",\"switch\":\"0000000000000001\",\"port\":2,"
	            "\"state\":\"up\",\"weight\":1,\"sessions\":1,\"silent_sessions\":0,"
	            "\"unanswered\":0,\"heard_s\":0.");
	HOLDS(json, "{\"mac\":\"02:00:00:00:00:03\",\"switch\":\"0000000000000001\",\"port\":3,");
	HOLDS(json, "{\"address\":\"192.168.2.1\",\"vlan\":null,\"shared\":false,"
	            "\"configured\":false,\"scheduler\":\"rr\",\"probed\":false,"
	            "\"wanted_s\":null,");
	HOLDS(json, "\"sessions\":{\"count\":2,\"limit\":262144,\"items\":["
	            "{\"protocol\":\"tcp\",\"client\":\"192.168.2.1:40001\","
	            "\"server\":\"192.168.2.2:22\",\"vlan\":null,"
	            "\"backend\":\"02:00:00:00:00:03\",\"switch\":\"0000000000000001\","
	            "\"port\":3,\"state\":\"unanswered\",\"entries\":0,\"hops\":1,\"syn_s\":0.");
	HOLDS(json, "\"client\":\"192.168.2.1:40000\",\"server\":\"192.168.2.2:22\","
	            "\"vlan\":null,\"backend\":\"02:00:00:00:00:02\","
	            "\"switch\":\"0000000000000001\",\"port\":2,\"state\":\"live\","
	            "\"entries\":2,");
	HOLDS(json, "\"sessions_by_state\":{\"unanswered\":1,\"open\":0,\"live\":1,\"unsure\":0,"
	            "\"closed\":0}");
	HOLDS(json, "{\"address\":\"192.168.2.5\"");
	CU_ASSERT(strstr(json, "{\"address\":\"192.168.2.5\"") <
	          strstr(json, "{\"address\":\"192.168.2.1\""));
	lb_free(lb);
}

/* The state of a backend at 'port' of the only switch. */
static void is_in_state(struct lb *lb, const char *mac, unsigned port, const char *state)
{
	char part[256];

	snprintf(part, sizeof part,
	         "{\"mac\":\"02:00:00:00:00:%s\",\"switch\":\"0000000000000001\",\"port\":%u,"
	         "\"state\":\"%s\",",
	         mac, port, state);
	HOLDS(instances(lb->bench), part);
}

static void the_balancer_tells_which_backends_are_silent(void)
{
	struct lb *lb = lb_new("mode=flows");

	lb_syn(lb, 40000, 1000);
	is_in_state(lb, "03", 3, "up");
	lb_silence(lb, &lb_b);
	lb_pass(lb, 6 * FB_NS_PER_S);
	is_in_state(lb, "03", 3, "silent");
	is_in_state(lb, "02", 2, "up");
	lb_free(lb);
}

static void the_balancer_tells_which_backends_are_away(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 40000, 1000);
	lb_syn_ack(lb, &lb_a, 40000, 1000);
	fake_switch_leave(lb->sw);
	bench_pass(lb->bench, 2 * FB_NS_PER_S);
	is_in_state(lb, "02", 2, "away");
	HOLDS(json, "\"live\":0,\"unsure\":1,");
	lb_free(lb);
}

static void the_balancer_tells_which_configured_backends_are_gone(void)
{
	struct lb *lb = lb_new("vip=192.168.2.2,backends=02:00:00:00:00:02+02:00:00:00:00:03*5");

	is_in_state(lb, "03", 3, "up");
	HOLDS(json, "\"shared\":true,\"configured\":true,");
	fake_switch_set_link(lb->sw, 3, false);
	HOLDS(instances(lb->bench), "{\"mac\":\"02:00:00:00:00:03\",\"switch\":null,"
	                            "\"port\":null,\"state\":\"down\",\"weight\":5,");
	lb_free(lb);
}

static void the_balancer_tells_which_backends_are_drained(void)
{
	static const char *const words[] = {"drain", "192.168.2.2", "02:00:00:00:00:03"};
	struct lb *lb = lb_new("");
	char memory[256];
	struct fb_text answer = fb_text_make(memory, sizeof memory);

	CU_ASSERT_EQUAL(controller_command(lb->bench->ctl, "balancer", words, 3, &answer,
	                                   lb->bench->now_ns),
	                0);
	is_in_state(lb, "03", 3, "drained");
	lb_free(lb);
}

static void that_applications_are_not_ready_is_told(void)
{
	struct bench *b = bench_new();
	struct controller_report report;

	bench_add(b, &watcher_class, "");
	bench_add(b, &fb_app_hub, "");
	for (int busy = 0; busy < 2; busy++) {
		watcher->busy = busy;
		controller_report_write(b->ctl, &everything, 0, &report, b->now_ns);
		CU_ASSERT_EQUAL(report.ready, !busy);
		controller_report_destroy(&report);
	}
	bench_free(b);
}

UNIT_TESTS("report", UNIT_TEST(a_switch_is_asked_for_its_tables_and_no_application_hears_of_it),
           UNIT_TEST(a_reply_in_parts_is_complete_with_its_last_part),
           UNIT_TEST(a_switch_without_statistics_of_tables_is_not_asked),
           UNIT_TEST(a_refusal_ends_the_waiting_and_reaches_no_application),
           UNIT_TEST(two_questions_share_one_request),
           UNIT_TEST(nobody_waits_for_a_switch_that_went),
           UNIT_TEST(a_switch_that_never_answers_is_shown_without_and_asked_again_later),
           UNIT_TEST(tables_do_not_appear_twice_after_a_reply_that_never_ended),
           UNIT_TEST(a_late_answer_is_no_unknown_reply), UNIT_TEST(tables_that_are_used_come_first),
           UNIT_TEST(a_switch_is_described),
           UNIT_TEST(switches_come_in_the_order_of_their_dpids_and_no_more_than_wanted),
           UNIT_TEST(one_switch_can_be_asked_for), UNIT_TEST(connections_that_shake_hands_are_told),
           UNIT_TEST(a_report_that_becomes_too_large_shows_fewer_switches),
           UNIT_TEST(rates_are_those_of_the_last_seconds),
           UNIT_TEST(a_storm_of_a_moment_counts_as_one_of_a_second),
           UNIT_TEST(every_counter_has_a_name_of_its_own),
           UNIT_TEST(counters_of_applications_stand_in_the_order_of_the_chain),
           UNIT_TEST(options_in_force_are_told), UNIT_TEST(that_applications_are_not_ready_is_told),
           UNIT_TEST(learning_tells_its_stations_those_heard_last_first),
           UNIT_TEST(the_balancer_tells_backends_and_sessions),
           UNIT_TEST(the_balancer_tells_which_backends_are_silent),
           UNIT_TEST(the_balancer_tells_which_backends_are_away),
           UNIT_TEST(the_balancer_tells_which_configured_backends_are_gone),
           UNIT_TEST(the_balancer_tells_which_backends_are_drained))
