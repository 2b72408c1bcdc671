/* Judging the requests of a traffic step. */
#include <string.h>

#include "sim/traffic.h"
#include "tests/unit/harness.h"

static struct scenario_host host = {.name = (char *)(uintptr_t) "h1", .ip = 0x0a000001};
static struct scenario sc = {.hosts = &host, .hosts_count = 1};
static struct traffic traffic;
static struct failures failures;
static struct replies *replies_before;

/* Judge one result of a step with these expectations: true when it is right. */
static bool is_right(enum step_kind kind, struct scenario_replies replies,
                     struct host_result result)
{
	static char target[] = "h2:7";
	struct scenario_step step = {
	        .kind = kind, .from_count = 1, .target = target, .replies = replies};
	bool right;

	if (kind == STEP_PING)
		step.ping.count = 3;
	memset(&traffic, 0, sizeof traffic);
	failures_init(&failures);
	replies_before = replies_new();
	traffic_begin(&traffic, 0, 0);
	traffic_end(&traffic, 0, &sc, &step, &result, replies_before, &failures, NULL);
	right = !failures.total;
	CU_ASSERT_EQUAL(traffic.results[0].wrong, !right);
	CU_ASSERT_EQUAL(traffic.wrong, !right);
	traffic_destroy(&traffic);
	failures_destroy(&failures);
	replies_free(replies_before);
	return right;
}

static struct host_result reply(const char *text)
{
	return (struct host_result){.outcome = HOST_OK,
	                            .reply = (const uint8_t *)text,
	                            .reply_len = strlen(text),
	                            .intact = true};
}

static char one[] = "one", two[] = "two";
static char *texts[] = {one, two};

#define OK_ONLY .outcomes = 1U << HOST_OK

static void the_outcome_must_be_an_allowed_one(void)
{
	struct host_result result = {.outcome = HOST_REFUSED};

	CU_ASSERT_FALSE(is_right(STEP_TCP, (struct scenario_replies){OK_ONLY}, result));
	CU_ASSERT_TRUE(is_right(
	        STEP_TCP, (struct scenario_replies){.outcomes = 1U << HOST_OK | 1U << HOST_REFUSED},
	        result));
}

static void the_reply_must_be_one_of_those_expected(void)
{
	const struct scenario_replies replies = {OK_ONLY, .texts = texts, .count = 2};

	CU_ASSERT_TRUE(is_right(STEP_TCP, replies, reply("one\n")));
	CU_ASSERT_TRUE(is_right(STEP_TCP, replies, reply("two\r\n")));
	CU_ASSERT_FALSE(is_right(STEP_TCP, replies, reply("on")));
	CU_ASSERT_FALSE(is_right(STEP_TCP, replies, reply("one more")));
	CU_ASSERT_FALSE(is_right(STEP_TCP, replies, reply("")));
}

static void data_must_arrive_intact_where_that_is_expected(void)
{
	struct host_result result = reply("x");

	result.intact = false;
	CU_ASSERT_FALSE(
	        is_right(STEP_TCP, (struct scenario_replies){OK_ONLY, .intact = true}, result));
	CU_ASSERT_TRUE(is_right(STEP_TCP, (struct scenario_replies){OK_ONLY}, result));
}

static void answers_and_duplicates_of_a_ping_are_counted(void)
{
	struct host_result result = {.outcome = HOST_OK, .answered = 2, .duplicates = 1};
	struct scenario_replies replies = {OK_ONLY, .answered = {true, true, 3, 3, false}};

	CU_ASSERT_FALSE(is_right(STEP_PING, replies, result));
	replies.answered = (struct scenario_bounds){true, false, 2, 0, false};
	CU_ASSERT_TRUE(is_right(STEP_PING, replies, result));
	replies.duplicates = (struct scenario_bounds){true, true, 0, 0, false};
	CU_ASSERT_FALSE(is_right(STEP_PING, replies, result));
}

static void the_answer_must_come_from_the_expected_address(void)
{
	struct host_result result = {.outcome = HOST_OK, .answer_mac = {2, 0, 0, 0, 0, 2}};
	struct scenario_replies replies = {OK_ONLY, .has_mac = true, .mac = {2, 0, 0, 0, 0, 2}};

	CU_ASSERT_TRUE(is_right(STEP_ARP, replies, result));
	result.answer_mac[5] = 3;
	CU_ASSERT_FALSE(is_right(STEP_ARP, replies, result));
}

/* Give the step these answers ('1', '2', '-' for a failed request); true when the order is right.
 */
static bool order_is_right(enum scenario_order order, const char *answers)
{
	static char target[] = "h2:7";
	struct scenario_step step = {
	        .kind = STEP_TCP,
	        .from_count = 1,
	        .target = target,
	        .replies = {.outcomes = ~0U, .texts = texts, .count = 2, .order = order}};
	bool right;

	memset(&traffic, 0, sizeof traffic);
	failures_init(&failures);
	replies_before = replies_new();
	for (const char *c = answers; *c; c++) {
		struct host_result result = reply(*c == '1' ? "one" : "two");
		size_t place = traffic_begin(&traffic, 0, 0);

		if (*c == '-')
			result = (struct host_result){.outcome = HOST_TIMEOUT};
		traffic_end(&traffic, place, &sc, &step, &result, replies_before, &failures, NULL);
	}
	CU_ASSERT_EQUAL(failures.total, 0);
	traffic_judge_order(&traffic, &sc, &step, 0, &failures, NULL);
	right = !failures.total;
	traffic_destroy(&traffic);
	failures_destroy(&failures);
	replies_free(replies_before);
	return right;
}

static void alternating_replies_rotate_from_anywhere(void)
{
	CU_ASSERT_TRUE(order_is_right(ORDER_ALTERNATING, "121212"));
	CU_ASSERT_TRUE(order_is_right(ORDER_ALTERNATING, "21212"));
	CU_ASSERT_FALSE(order_is_right(ORDER_ALTERNATING, "1212112"));
	CU_ASSERT_FALSE(order_is_right(ORDER_ALTERNATING, "11"));
	CU_ASSERT_TRUE(order_is_right(ORDER_ANY, "11"));
}

static void an_exact_order_is_that_of_the_list(void)
{
	CU_ASSERT_TRUE(order_is_right(ORDER_EXACT, "12"));
	CU_ASSERT_FALSE(order_is_right(ORDER_EXACT, "21"));
}

static void a_failed_request_does_not_turn_the_order_around(void)
{
	CU_ASSERT_TRUE(order_is_right(ORDER_ALTERNATING, "12-12"));
	CU_ASSERT_TRUE(order_is_right(ORDER_EXACT, "-2"));
}

static void few_failures_of_a_step_are_told(void)
{
	struct scenario_step step = {.kind = STEP_TCP, .from_count = 1, .replies = {OK_ONLY}};
	const struct host_result result = {.outcome = HOST_TIMEOUT};

	memset(&traffic, 0, sizeof traffic);
	failures_init(&failures);
	replies_before = replies_new();
	for (int i = 0; i < 20; i++)
		traffic_end(&traffic, traffic_begin(&traffic, 0, 0), &sc, &step, &result,
		            replies_before, &failures, NULL);
	CU_ASSERT_EQUAL(traffic.wrong, 20);
	CU_ASSERT_EQUAL_FATAL(failures.count, TRAFFIC_FAILURES_PER_STEP_MAX);
	CU_ASSERT_PTR_NOT_NULL(
	        strstr(failures.items[failures.count - 1].happened, "more of this step"));
	traffic_destroy(&traffic);
	failures_destroy(&failures);
	replies_free(replies_before);
}

UNIT_TESTS("traffic", UNIT_TEST(the_outcome_must_be_an_allowed_one),
           UNIT_TEST(the_reply_must_be_one_of_those_expected),
           UNIT_TEST(data_must_arrive_intact_where_that_is_expected),
           UNIT_TEST(answers_and_duplicates_of_a_ping_are_counted),
           UNIT_TEST(the_answer_must_come_from_the_expected_address),
           UNIT_TEST(alternating_replies_rotate_from_anywhere),
           UNIT_TEST(an_exact_order_is_that_of_the_list),
           UNIT_TEST(a_failed_request_does_not_turn_the_order_around),
           UNIT_TEST(few_failures_of_a_step_are_told))
