/* The controller as a whole: its limits, its chain of applications, its end. */
#include "tests/unit/harness.h"

#include "controller/controller_report.h"
#include "tests/unit/controller/fake_switch.h"

static void connections_over_the_limit_are_refused_and_counted(void)
{
	struct controller_config config;
	struct bench *b;
	struct fake_switch *first, *second, *third;

	controller_config_default(&config);
	config.sessions_max = 2;
	b = bench_new_with(&config);
	first = fake_switch_connect(b, 1, 1);
	second = fake_switch_connect(b, 2, 1);
	third = fake_switch_connect(b, 3, 1);
	CU_ASSERT_PTR_NOT_NULL(first->session);
	CU_ASSERT_PTR_NOT_NULL(second->session);
	CU_ASSERT_PTR_NULL(third->session);
	CU_ASSERT_EQUAL(third->sent_len, 0);
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->sessions_refused, 1);
	fake_switch_leave(first);
	third = fake_switch_connect(b, 3, 1);
	CU_ASSERT_PTR_NOT_NULL(third->session);
	bench_free(b);
}

/* With every session up, one of them replaced: the table of dpids holds as many as there may be
 * sessions. */
static void every_session_can_be_a_switch(void)
{
	struct controller_config config;
	struct bench *b;

	controller_config_default(&config);
	config.sessions_max = 8;
	b = bench_new_with(&config);
	for (uint64_t dpid = 1; dpid <= 8; dpid++)
		fake_switch_join(b, dpid, 1);
	CU_ASSERT_EQUAL(controller_switches_up(b->ctl), 8);
	fake_switch_leave(b->switches[3]);
	fake_switch_join(b, 8, 1);
	CU_ASSERT_EQUAL(controller_switches_up(b->ctl), 7);
	bench_free(b);
}

/* Switches come, are replaced and go: the same events, whatever is mixed into the hash. */
static void a_seed_for_the_dpids_changes_no_result(void)
{
	static const uint64_t seeds[] = {0, 1, UINT64_C(0x9e3779b97f4a7c15), UINT64_MAX};
	char events[4096] = "";

	for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
		struct controller_config config;
		struct bench *b;

		controller_config_default(&config);
		config.dpids_seed = seeds[i];
		b = bench_new_with(&config);
		for (uint64_t dpid = 1; dpid <= 20; dpid++)
			fake_switch_join(b, dpid << 56 | 7, 1);
		fake_switch_join(b, UINT64_C(5) << 56 | 7, 1);
		fake_switch_leave(b->switches[11]);
		CU_ASSERT_EQUAL(controller_switches_up(b->ctl), 19);
		if (i == 0)
			snprintf(events, sizeof events, "%s", b->events);
		CU_ASSERT_STRING_EQUAL(b->events, events);
		bench_free(b);
	}
}

static void freeing_the_controller_closes_every_session(void)
{
	struct bench *b = bench_new();
	struct fake_switch *up, *half;

	bench_add(b, &fb_app_learning, "");
	up = fake_switch_join(b, 1, 2);
	half = fake_switch_connect(b, 2, 2);
	controller_free(b->ctl);
	CU_ASSERT(up->closed && half->closed);
	CU_ASSERT_STRING_EQUAL(up->close_reason, "the controller stops");
	CU_ASSERT_STRING_EQUAL(b->events, "up 1\ndown 1\n");
	b->ctl = NULL;
	bench_free(b);
}

static void two_controllers_share_nothing(void)
{
	struct bench *a = bench_new(), *b = bench_new();
	struct fake_switch *in_a, *in_b;
	uint8_t frame[60];

	bench_add(a, &fb_app_hub, "");
	bench_add(b, &fb_app_hub, "");
	in_a = fake_switch_join(a, 1, 2);
	in_b = fake_switch_join(b, 1, 2);
	fake_switch_packet_in(in_a, 1, 1, frame, fake_frame(frame, 1, 2));
	CU_ASSERT_EQUAL(bench_counter(a, "hub", "frames"), 1);
	CU_ASSERT_EQUAL(bench_counter(b, "hub", "frames"), 0);
	CU_ASSERT_PTR_NULL(fake_switch_next(in_b));
	bench_free(a);
	CU_ASSERT(!in_b->closed);
	bench_free(b);
}

static void applications_come_before_the_first_connection(void)
{
	struct bench *b = bench_new();

	bench_add(b, &fb_app_hub, "");
	fake_switch_connect(b, 1, 1);
	CU_ASSERT_EQUAL(bench_try_add(b, &fb_app_hub, ""), -1);
	CU_ASSERT_STRING_EQUAL(b->error, "applications are added before the first connection");
	bench_free(b);
}

static void wrong_options_are_told_and_leave_the_chain_alone(void)
{
	struct bench *b = bench_new();

	CU_ASSERT_EQUAL(bench_try_add(b, &fb_app_learning, "idle_timout=5"), -1);
	CU_ASSERT_STRING_EQUAL(
	        b->error, "learning: unknown option 'idle_timout', did you mean 'idle_timeout'?");
	CU_ASSERT_EQUAL(bench_try_add(b, &fb_app_learning, "idle_timeout=1500ms"), -1);
	CU_ASSERT_STRING_EQUAL(b->error, "learning: idle_timeout must be whole seconds");
	CU_ASSERT_EQUAL(bench_try_add(b, &fb_app_hub, "x=1"), -1);
	CU_ASSERT_STRING_EQUAL(b->error, "hub: unknown option 'x': it has no options");
	bench_add(b, &fb_app_learning, "idle_timeout=30,hard_timeout=0");
	CU_ASSERT_EQUAL(bench_counter(b, "learning", "flows"), 0);
	bench_free(b);
}

static void a_second_instance_of_a_class_has_a_name_of_its_own(void)
{
	struct bench *b = bench_new();
	uint8_t frame[60];

	bench_add(b, &fb_app_hub, "");
	bench_add(b, &fb_app_hub, "");
	fake_switch_packet_in(fake_switch_join(b, 1, 1), 1, 1, frame, fake_frame(frame, 1, 2));
	CU_ASSERT_EQUAL(bench_counter(b, "hub", "frames"), 1);
	CU_ASSERT_EQUAL(bench_counter(b, "hub#2", "frames"), 0);
	bench_free(b);
}

static void a_chain_has_a_limit(void)
{
	struct bench *b = bench_new();

	for (int i = 0; i < 64; i++)
		bench_add(b, &fb_app_hub, "");
	CU_ASSERT_EQUAL(bench_try_add(b, &fb_app_hub, ""), -1);
	CU_ASSERT_STRING_EQUAL(b->error, "a chain has at most 64 applications");
	bench_free(b);
}

/* An ECHO_REQUEST of 64 KiB and then a header that ends the connection, before the reply was sent.
 */
static void end_with_output(struct fake_switch *sw)
{
	static uint8_t bytes[65535 + 8];

	memcpy(bytes, "\1\2\377\377", 4);
	fake_switch_feed(sw, bytes, sizeof bytes);
	CU_ASSERT(sw->closed);
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_ECHO_REPLY), 1);
}

/* Output over a limit is sent before a call ends; that of sessions that are gone does not count for
 * it. */
static void output_of_ended_sessions_is_not_held_against_others(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;
	static uint8_t bytes[65536];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);
	uint8_t frame[60];
	struct fb_of_packet_in pi = {
	        .total_len = 60, .in_port = 1, .data = {frame, fake_frame(frame, 1, 2)}};

	bench_add(b, &fb_app_hub, "");
	for (uint64_t i = 1; i <= 20; i++)
		end_with_output(fake_switch_join(b, i, 1));
	sw = fake_switch_join(b, 99, 1);
	while (pi.buffer_id++ < 300)
		fb_msg_put_packet_in(&buf, 0, &pi);
	fake_switch_feed(sw, bytes, buf.len);
	CU_ASSERT_EQUAL(sw->sends, 1);
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_PACKET_OUT), 300);
	bench_free(b);
}

/* One read may lead to more output than is held back. */
static void much_output_is_sent_before_the_call_ends(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;
	static uint8_t bytes[1 << 22], frame[9000];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);
	struct fb_of_packet_in pi = {
	        .buffer_id = OFP_NO_BUFFER, .total_len = sizeof frame, .in_port = 1};

	bench_add(b, &fb_app_hub, "");
	sw = fake_switch_join(b, 1, 1);
	pi.data = (struct fb_view){frame, sizeof frame};
	while (fb_msg_put_packet_in(&buf, 0, &pi))
		continue;
	fake_switch_feed(sw, bytes, buf.len);
	CU_ASSERT(sw->sends > 2);
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_PACKET_OUT),
	                buf.len / (sizeof(struct ofp_packet_in) + sizeof frame));
	bench_free(b);
}

/* So it is when no packet-in is the cause. */
static void much_output_without_packet_ins_is_sent_before_the_call_ends(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 1);
	static uint8_t bytes[40][65535];

	for (size_t i = 0; i < 40; i++)
		memcpy(bytes[i], "\1\2\377\377", 4);
	fake_switch_feed(sw, bytes, sizeof bytes);
	CU_ASSERT_EQUAL(sw->sends, 3); /* 17, 17 and 6 messages */
	CU_ASSERT_EQUAL(sw->sent_len, sizeof bytes);
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_ECHO_REPLY), 40);
	bench_free(b);
}

/* Time that goes back is not believed. */
static void time_never_goes_back(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 1);

	bench_pass(b, 3 * FB_NS_PER_S);
	fake_switch_hello(sw); /* heard at 4 s */
	b->now_ns = 0;
	fake_switch_hello(sw); /* still 4 s */
	b->now_ns = 4 * FB_NS_PER_S;
	fake_switch_discard(sw);
	bench_pass(b, 5 * FB_NS_PER_S - 1);
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	bench_pass(b, 1);
	CU_ASSERT_PTR_NOT_NULL(fake_switch_expect(sw, OFPT_ECHO_REQUEST));
	bench_free(b);
}

static void the_limit_of_log_lines_lets_ten_through_and_then_one_a_second(void)
{
	struct fb_log_limit limit = {0};
	uint64_t suppressed = 99, now_ns = 0;

	for (int i = 0; i < 10; i++) {
		CU_ASSERT(fb_log_limit_allows(&limit, now_ns, &suppressed));
		CU_ASSERT_EQUAL(suppressed, 0);
	}
	for (int i = 0; i < 7; i++)
		CU_ASSERT(!fb_log_limit_allows(&limit, now_ns, &suppressed));
	CU_ASSERT(!fb_log_limit_allows(&limit, now_ns + FB_NS_PER_S - 1, &suppressed));
	CU_ASSERT(fb_log_limit_allows(&limit, now_ns + FB_NS_PER_S, &suppressed));
	CU_ASSERT_EQUAL(suppressed, 8);
	CU_ASSERT(!fb_log_limit_allows(&limit, now_ns + FB_NS_PER_S, &suppressed));
	now_ns = 3600 * FB_NS_PER_S;
	for (int i = 0; i < 10; i++)
		CU_ASSERT(fb_log_limit_allows(&limit, now_ns, &suppressed));
	CU_ASSERT(!fb_log_limit_allows(&limit, now_ns, &suppressed));
}

/* Ports added by PORT_STATUS end at a limit. */
static void ports_over_the_limit_are_refused_and_counted(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw = fake_switch_join(b, 1, 10);

	for (unsigned n = 100; n < 100 + 4096; n++) {
		struct fb_phy_port port = fake_port((uint16_t)n);

		fake_switch_port_status(sw, OFPPR_ADD, &port);
	}
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->ports_refused, 10);
	CU_ASSERT(!sw->closed);
	bench_free(b);
}

/* A deletion of "all that leads to port OFPP_NONE" would delete everything. */
static void a_virtual_port_is_no_port_of_a_switch(void)
{
	static const uint16_t numbers[] = {OFPP_MAX, OFPP_IN_PORT, OFPP_CONTROLLER, OFPP_NONE};
	struct bench *b = bench_new();
	struct fake_switch *sw;

	bench_add(b, &fb_app_learning, "");
	sw = fake_switch_join(b, 1, 2);
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		struct fb_phy_port port = fake_port(numbers[i]);

		fake_switch_port_status(sw, OFPPR_ADD, &port);
		fake_switch_port_status(sw, OFPPR_DELETE, &port);
	}
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	CU_ASSERT_EQUAL(controller_counters(b->ctl)->ports_refused, 8);
	CU_ASSERT_EQUAL(bench_counter(b, "learning", "ports_down"), 0);
	CU_ASSERT(!sw->closed);
	bench_free(b);
}

static void a_debug_line_below_the_level_is_not_logged(void)
{
	struct controller_config config;
	struct bench *b;

	controller_config_default(&config);
	config.log_level = FB_LOG_ERROR;
	b = bench_new_with(&config);
	fake_switch_join(b, 1, 1);
	CU_ASSERT_STRING_EQUAL(b->log, "");
	bench_free(b);
}

/* --- Applications that need others, take commands, are ready --- */

/* What each instance is told is noted here, in order. */
static char notes[1024];
static struct fb_text noted;

struct servant {
	struct fb_app *app;
	bool busy;
};

static struct servant *servants[64]; /* by place */

static void *servant_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	struct servant *s;

	if (values[0]) {
		fb_text_puts(error, "the servant will not come");
		return NULL;
	}
	s = calloc(1, sizeof *s);
	assert(s);
	s->app = app;
	servants[fb_app_index(app)] = s;
	fb_text_printf(&noted, "%u ", fb_app_index(app));
	return s;
}

/* Says what it was told, and floods a frame from each switch. */
static int servant_command(void *state, const char *const *words, size_t count,
                           struct fb_text *answer, uint64_t now_ns)
{
	const struct servant *s = state;
	struct fb_switch *sw = NULL;
	struct fb_packet_out po = {.buffer_id = 7, .in_port = OFPP_NONE};

	fb_text_printf(answer, "%u at %llu:", fb_app_index(s->app), (unsigned long long)now_ns);
	for (size_t i = 0; i < count; i++)
		fb_text_printf(answer, " %s", words[i]);
	while ((sw = fb_app_next_switch(s->app, sw)))
		fb_send_packet_out(s->app, sw, NULL, &po);
	return count > 0 && strcmp(words[0], "no") == 0 ? -1 : 0;
}

static bool servant_ready(const void *state)
{
	return !((const struct servant *)state)->busy;
}

static const struct fb_option servant_options[] = {
        {.name = "refuses", .type = FB_OPTION_BOOL, .default_text = "no"},
};
static const struct fb_option stubborn_options[] = {
        {.name = "refuses", .type = FB_OPTION_BOOL, .default_text = "yes"},
};

#define SERVANT .summary = "serves", .create = servant_create, .destroy = free, .options_count = 1

static const struct fb_app_class base_class = {.name = "base",
                                               .options = servant_options,
                                               .command = servant_command,
                                               .ready = servant_ready,
                                               SERVANT};
static const struct fb_app_class needy_class = {
        .name = "needy", .needs = &base_class, .options = servant_options, SERVANT};
static const struct fb_app_class needier_class = {.name = "needier",
                                                  .needs = &needy_class,
                                                  .options = servant_options,
                                                  .ready = servant_ready,
                                                  SERVANT};
static const struct fb_app_class stubborn_class = {
        .name = "stubborn", .options = stubborn_options, SERVANT};
static const struct fb_app_class needs_stubborn_class = {
        .name = "hopeless", .needs = &stubborn_class, .options = servant_options, SERVANT};

static struct bench *servants_bench(void)
{
	noted = fb_text_make(notes, sizeof notes);
	return bench_new();
}

/* "base needy " for a chain of two. */
static const char *chain_of(const struct bench *b)
{
	static char text[4096];
	struct fb_text names = fb_text_make(text, sizeof text);

	for (unsigned i = 0; i < controller_report_apps(b->ctl); i++) {
		struct fb_report report;
		const char *name;

		fb_report_init(&report, 4096, 0);
		fb_report_begin_map(&report, NULL);
		controller_report_app(b->ctl, i, &report);
		fb_report_end_map(&report);
		name = report.text + strlen("{\"name\":\"");
		fb_text_printf(&names, "%.*s ", (int)strcspn(name, "\""), name);
		fb_report_destroy(&report);
	}
	return text;
}

static void what_an_application_needs_is_put_before_it_once(void)
{
	struct bench *b = servants_bench();

	bench_add(b, &fb_app_hub, "");
	bench_add(b, &needy_class, "");
	bench_add(b, &needy_class, "");
	CU_ASSERT_STRING_EQUAL(chain_of(b), "hub base needy needy#2 ");
	CU_ASSERT_STRING_EQUAL(notes, "1 2 3 ");
	bench_free(b);

	b = servants_bench();
	bench_add(b, &needier_class, "");
	CU_ASSERT_STRING_EQUAL(chain_of(b), "base needy needier ");
	bench_free(b);
}

static void what_an_application_needs_is_left_where_the_user_put_it(void)
{
	struct bench *b = servants_bench();

	bench_add(b, &base_class, "");
	bench_add(b, &fb_app_hub, "");
	bench_add(b, &needier_class, "");
	CU_ASSERT_STRING_EQUAL(chain_of(b), "base hub needy needier ");
	bench_add(b, &base_class, "");
	CU_ASSERT_STRING_EQUAL(chain_of(b), "base hub needy needier base#2 ");
	bench_free(b);
}

static void what_is_wrong_with_what_an_application_needs_is_told(void)
{
	struct bench *b = servants_bench();

	CU_ASSERT_EQUAL(bench_try_add(b, &needs_stubborn_class, ""), -1);
	CU_ASSERT_STRING_EQUAL(b->error, "the servant will not come");
	CU_ASSERT_STRING_EQUAL(chain_of(b), "");
	for (int i = 0; i < 63; i++)
		bench_add(b, &fb_app_hub, "");
	CU_ASSERT_EQUAL(bench_try_add(b, &needy_class, ""), -1);
	CU_ASSERT_STRING_EQUAL(b->error, "a chain has at most 64 applications");
	bench_free(b);
}

static int command(struct bench *b, const char *app, const char *const *words, size_t count)
{
	struct fb_text answer = fb_text_make(b->error, sizeof b->error);

	return controller_command(b->ctl, app, words, count, &answer, b->now_ns);
}

static void a_command_reaches_the_instance_that_is_named(void)
{
	static const char *const words[] = {"drain", "192.168.2.2", "-1"}, *const no[] = {"no"};
	struct bench *b = servants_bench();
	struct fake_switch *sw;

	bench_add(b, &needy_class, "");
	bench_add(b, &base_class, "");
	sw = fake_switch_join(b, 1, 1);
	b->now_ns = 5;
	CU_ASSERT_EQUAL(command(b, "base", words, 3), 0);
	CU_ASSERT_STRING_EQUAL(b->error, "0 at 1000000000: drain 192.168.2.2 -1"); /* never back */
	/* What it sends goes out at once. */
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_PACKET_OUT), 1);
	b->now_ns = 7 * FB_NS_PER_S;
	CU_ASSERT_EQUAL(command(b, "base#2", words, 0), 0);
	CU_ASSERT_STRING_EQUAL(b->error, "2 at 7000000000:");
	CU_ASSERT_EQUAL(command(b, "base#2", no, 1), -1);
	CU_ASSERT_STRING_EQUAL(b->error, "2 at 7000000000: no");
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_PACKET_OUT), 3);
	bench_free(b);
}

static void a_command_for_nobody_is_refused(void)
{
	static const char *const words[] = {"drain"};
	struct bench *b = servants_bench();

	bench_add(b, &needy_class, "");
	CU_ASSERT_EQUAL(command(b, "needy", words, 1), -1);
	CU_ASSERT_STRING_EQUAL(b->error, "needy takes no commands");
	CU_ASSERT_EQUAL(command(b, "base#2", words, 1), -1);
	CU_ASSERT_STRING_EQUAL(b->error, "no application is named 'base#2': there are base, needy");
	CU_ASSERT_EQUAL(command(b, "", words, 1), -1);
	bench_free(b);
}

static void a_controller_is_ready_when_all_applications_are(void)
{
	struct bench *b = servants_bench();

	CU_ASSERT(controller_ready(b->ctl));
	bench_add(b, &needier_class, "");
	bench_add(b, &fb_app_hub, "");
	CU_ASSERT(controller_ready(b->ctl));
	servants[0]->busy = true;
	CU_ASSERT_FALSE(controller_ready(b->ctl));
	servants[2]->busy = true;
	servants[0]->busy = false;
	CU_ASSERT_FALSE(controller_ready(b->ctl));
	servants[2]->busy = false;
	servants[1]->busy = true; /* which its class does not ask about */
	CU_ASSERT(controller_ready(b->ctl));
	bench_free(b);
}

static char *read_nothing(void *ctx, const char *name, size_t *len, struct fb_text *error)
{
	fb_text_printf(error, "%s: %s", name, (const char *)ctx);
	*len = 0;
	return strcmp(name, "empty") == 0 ? calloc(1, 1) : NULL;
}

static void files_are_those_of_whoever_drives_the_controller(void)
{
	struct bench *b = servants_bench();
	char ctx[] = "not today", *bytes;
	struct controller_ops ops = {.read_file = read_nothing, .ctx = ctx};
	struct controller *ctl = controller_new(&b->config, &(struct controller_ops){0});
	struct fb_text error = fb_text_make(b->error, sizeof b->error);
	size_t len = 1;

	CU_ASSERT_EQUAL(controller_add_app(ctl, &base_class, "", &error), 0);
	CU_ASSERT_PTR_NULL(fb_app_read_file(servants[0]->app, "list", &len, &error));
	CU_ASSERT_STRING_EQUAL(b->error, "list: there are no files here");
	controller_free(ctl);
	ctl = controller_new(&b->config, &ops);
	CU_ASSERT_EQUAL(controller_add_app(ctl, &base_class, "", &error), 0);
	error = fb_text_make(b->error, sizeof b->error);
	CU_ASSERT_PTR_NULL(fb_app_read_file(servants[0]->app, "list", &len, &error));
	CU_ASSERT_STRING_EQUAL(b->error, "list: not today");
	bytes = fb_app_read_file(servants[0]->app, "empty", &len, &error);
	CU_ASSERT_PTR_NOT_NULL(bytes);
	CU_ASSERT_EQUAL(len, 0);
	free(bytes);
	controller_free(ctl);
	bench_free(b);
}

UNIT_TESTS("controller", UNIT_TEST(connections_over_the_limit_are_refused_and_counted),
           UNIT_TEST(every_session_can_be_a_switch),
           UNIT_TEST(a_seed_for_the_dpids_changes_no_result),
           UNIT_TEST(freeing_the_controller_closes_every_session),
           UNIT_TEST(two_controllers_share_nothing),
           UNIT_TEST(applications_come_before_the_first_connection),
           UNIT_TEST(wrong_options_are_told_and_leave_the_chain_alone),
           UNIT_TEST(a_second_instance_of_a_class_has_a_name_of_its_own),
           UNIT_TEST(a_chain_has_a_limit),
           UNIT_TEST(output_of_ended_sessions_is_not_held_against_others),
           UNIT_TEST(much_output_is_sent_before_the_call_ends),
           UNIT_TEST(much_output_without_packet_ins_is_sent_before_the_call_ends),
           UNIT_TEST(time_never_goes_back),
           UNIT_TEST(the_limit_of_log_lines_lets_ten_through_and_then_one_a_second),
           UNIT_TEST(ports_over_the_limit_are_refused_and_counted),
           UNIT_TEST(a_virtual_port_is_no_port_of_a_switch),
           UNIT_TEST(a_debug_line_below_the_level_is_not_logged),
           UNIT_TEST(what_an_application_needs_is_put_before_it_once),
           UNIT_TEST(what_an_application_needs_is_left_where_the_user_put_it),
           UNIT_TEST(what_is_wrong_with_what_an_application_needs_is_told),
           UNIT_TEST(a_command_reaches_the_instance_that_is_named),
           UNIT_TEST(a_command_for_nobody_is_refused),
           UNIT_TEST(a_controller_is_ready_when_all_applications_are),
           UNIT_TEST(files_are_those_of_whoever_drives_the_controller))
