/* When a switch connects again, in virtual time. */
#include "tests/unit/harness.h"

#include <flowbed/time.h>

#include "softswitch/reconnect.h"

#define S FB_NS_PER_S

static struct reconnect fresh(uint32_t attempts_max, uint64_t now_ns)
{
	struct reconnect_config config;
	struct reconnect r;

	reconnect_config_default(&config);
	config.attempts_max = attempts_max;
	reconnect_init(&r, &config, now_ns);
	return r;
}

/* Begin the attempt that is due at its deadline; returns when that is. */
static uint64_t begin(struct reconnect *r)
{
	uint64_t due_ns = reconnect_deadline(r);

	CU_ASSERT_EQUAL_FATAL(r->state, RECONNECT_WAITING);
	if (due_ns)
		CU_ASSERT_FALSE(reconnect_begin(r, due_ns - 1));
	CU_ASSERT_TRUE(reconnect_begin(r, due_ns));
	CU_ASSERT_EQUAL(r->state, RECONNECT_CONNECTING);
	return due_ns;
}

/* An attempt that fails 'lasts_ns' after its beginning; returns the wait that follows. */
static uint64_t fail(struct reconnect *r, uint64_t lasts_ns)
{
	uint64_t ended_ns = begin(r) + lasts_ns;

	reconnect_ended(r, ended_ns);
	return reconnect_deadline(r) - ended_ns;
}

static void the_defaults_are_one_to_eight_seconds_without_end(void)
{
	struct reconnect_config config;

	reconnect_config_default(&config);
	CU_ASSERT_EQUAL(config.backoff_min_ns, 1 * S);
	CU_ASSERT_EQUAL(config.backoff_max_ns, 8 * S);
	CU_ASSERT_EQUAL(config.attempt_timeout_ns, 10 * S);
	CU_ASSERT_EQUAL(config.attempts_max, RECONNECT_UNLIMITED);
}

static void the_first_attempt_is_due_at_once_and_once(void)
{
	struct reconnect r = fresh(RECONNECT_UNLIMITED, 100 * S);

	CU_ASSERT_EQUAL(reconnect_deadline(&r), 100 * S);
	CU_ASSERT_FALSE(reconnect_begin(&r, 100 * S - 1));
	CU_ASSERT_TRUE(reconnect_begin(&r, 100 * S));
	CU_ASSERT_FALSE(reconnect_begin(&r, 100 * S));
	CU_ASSERT_FALSE(reconnect_begin(&r, 200 * S));
	CU_ASSERT_EQUAL(r.attempts, 1);
}

static void the_waits_double_up_to_the_limit(void)
{
	static const uint64_t waits_s[] = {1, 2, 4, 8, 8, 8};
	struct reconnect r = fresh(RECONNECT_UNLIMITED, 0);

	for (size_t i = 0; i < sizeof waits_s / sizeof waits_s[0]; i++)
		CU_ASSERT_EQUAL(fail(&r, i * FB_NS_PER_MS), waits_s[i] * S);
	CU_ASSERT_EQUAL(r.attempts, 6);
	CU_ASSERT_EQUAL(r.connects, 0);
	CU_ASSERT_EQUAL(r.failures, 6);
}

static void limits_that_are_no_powers_of_two_are_met_exactly(void)
{
	static const uint64_t waits_s[] = {3, 6, 7, 7};
	struct reconnect_config config;
	struct reconnect r;

	reconnect_config_default(&config);
	config.backoff_min_ns = 3 * S;
	config.backoff_max_ns = 7 * S;
	reconnect_init(&r, &config, 0);
	for (size_t i = 0; i < sizeof waits_s / sizeof waits_s[0]; i++)
		CU_ASSERT_EQUAL(fail(&r, 0), waits_s[i] * S);
	config.backoff_min_ns = config.backoff_max_ns = 5 * S;
	reconnect_init(&r, &config, 0);
	CU_ASSERT_EQUAL(fail(&r, 0), 5 * S);
	CU_ASSERT_EQUAL(fail(&r, 0), 5 * S);
}

static void a_ready_connection_sets_the_waits_back(void)
{
	struct reconnect r = fresh(RECONNECT_UNLIMITED, 0);

	for (int i = 0; i < 5; i++)
		fail(&r, 0);
	begin(&r);
	reconnect_ready(&r);
	CU_ASSERT_EQUAL(r.failures, 0);
	CU_ASSERT_EQUAL(r.connects, 1);
	CU_ASSERT_EQUAL(reconnect_deadline(&r), FB_NEVER);
	CU_ASSERT_FALSE(reconnect_begin(&r, 1000 * S));
	reconnect_ended(&r, 1000 * S);
	CU_ASSERT_EQUAL(reconnect_deadline(&r), 1001 * S);
	CU_ASSERT_EQUAL(fail(&r, 0), 2 * S);
	CU_ASSERT_EQUAL(fail(&r, 0), 4 * S);
}

static void connections_that_end_at_once_are_a_second_apart(void)
{
	struct reconnect r = fresh(RECONNECT_UNLIMITED, 0);
	uint64_t last_ns = begin(&r);

	for (int i = 0; i < 5; i++) {
		uint64_t now_ns;

		reconnect_ready(&r);
		reconnect_ended(&r, last_ns);
		now_ns = begin(&r);
		CU_ASSERT_EQUAL(now_ns - last_ns, S);
		last_ns = now_ns;
	}
}

static void an_attempt_is_overdue_after_ten_seconds(void)
{
	struct reconnect r = fresh(RECONNECT_UNLIMITED, 5 * S);

	CU_ASSERT_FALSE(reconnect_overdue(&r, 1000 * S));
	CU_ASSERT_TRUE(reconnect_begin(&r, 6 * S));
	CU_ASSERT_EQUAL(reconnect_deadline(&r), 16 * S);
	CU_ASSERT_FALSE(reconnect_overdue(&r, 16 * S - 1));
	CU_ASSERT_TRUE(reconnect_overdue(&r, 16 * S));
	CU_ASSERT_TRUE(reconnect_overdue(&r, 17 * S));
	reconnect_ended(&r, 16 * S);
	CU_ASSERT_FALSE(reconnect_overdue(&r, 17 * S));
	CU_ASSERT_EQUAL(reconnect_deadline(&r), 17 * S);
}

static void a_ready_connection_is_never_overdue(void)
{
	struct reconnect r = fresh(RECONNECT_UNLIMITED, 0);

	begin(&r);
	reconnect_ready(&r);
	CU_ASSERT_FALSE(reconnect_overdue(&r, 1000000 * S));
}

static void a_due_attempt_may_begin_late(void)
{
	struct reconnect r = fresh(RECONNECT_UNLIMITED, 0);

	fail(&r, 0);
	CU_ASSERT_TRUE(reconnect_begin(&r, 50 * S));
	CU_ASSERT_EQUAL(reconnect_deadline(&r), 60 * S);
}

static void without_a_limit_hope_is_never_given_up(void)
{
	struct reconnect r = fresh(RECONNECT_UNLIMITED, 0);

	for (int i = 0; i < 1000; i++)
		fail(&r, 0);
	CU_ASSERT_FALSE(reconnect_exhausted(&r));
	r.failures = UINT32_MAX; /* as after a thousand years */
	fail(&r, 0);
	CU_ASSERT_EQUAL(r.failures, UINT32_MAX);
	CU_ASSERT_FALSE(reconnect_exhausted(&r));
}

static void the_last_of_the_attempts_exhausts_and_they_go_on(void)
{
	struct reconnect r = fresh(3, 0);

	CU_ASSERT_FALSE(reconnect_exhausted(&r));
	fail(&r, 0);
	fail(&r, 0);
	CU_ASSERT_FALSE(reconnect_exhausted(&r));
	begin(&r);
	CU_ASSERT_FALSE(reconnect_exhausted(&r));
	reconnect_ended(&r, 100 * S);
	CU_ASSERT_TRUE(reconnect_exhausted(&r));
	begin(&r);
	CU_ASSERT_TRUE(reconnect_exhausted(&r));
	reconnect_ended(&r, 200 * S);
	CU_ASSERT_TRUE(reconnect_exhausted(&r));
	CU_ASSERT_EQUAL(reconnect_deadline(&r), 208 * S);
}

static void one_attempt_exhausts_when_one_is_the_limit(void)
{
	struct reconnect r = fresh(1, 0);

	begin(&r);
	CU_ASSERT_FALSE(reconnect_exhausted(&r));
	reconnect_ended(&r, S);
	CU_ASSERT_TRUE(reconnect_exhausted(&r));
}

static void a_connection_that_ends_is_no_failed_attempt(void)
{
	struct reconnect r = fresh(1, 0);

	begin(&r);
	reconnect_ready(&r);
	reconnect_ended(&r, 10 * S);
	CU_ASSERT_FALSE(reconnect_exhausted(&r));
	fail(&r, 0);
	CU_ASSERT_TRUE(reconnect_exhausted(&r));
}

static void a_ready_connection_ends_exhaustion_and_the_count_begins_anew(void)
{
	struct reconnect r = fresh(2, 0);

	fail(&r, 0);
	fail(&r, 0);
	begin(&r);
	CU_ASSERT_TRUE(reconnect_exhausted(&r));
	reconnect_ready(&r);
	CU_ASSERT_FALSE(reconnect_exhausted(&r));
	reconnect_ended(&r, 100 * S);
	fail(&r, 0);
	CU_ASSERT_FALSE(reconnect_exhausted(&r));
	fail(&r, 0);
	CU_ASSERT_TRUE(reconnect_exhausted(&r));
}

static void with_no_attempts_the_end_of_a_connection_exhausts_but_not_the_start(void)
{
	struct reconnect r = fresh(0, 0);

	CU_ASSERT_FALSE(reconnect_exhausted(&r));
	begin(&r);
	CU_ASSERT_FALSE(reconnect_exhausted(&r));
	reconnect_ready(&r);
	CU_ASSERT_FALSE(reconnect_exhausted(&r));
	reconnect_ended(&r, 10 * S);
	CU_ASSERT_TRUE(reconnect_exhausted(&r));
	begin(&r);
	CU_ASSERT_TRUE(reconnect_exhausted(&r));
	reconnect_ready(&r);
	CU_ASSERT_FALSE(reconnect_exhausted(&r));
}

static void with_no_attempts_the_first_failure_exhausts(void)
{
	struct reconnect r = fresh(0, 0);

	begin(&r);
	CU_ASSERT_FALSE(reconnect_exhausted(&r));
	reconnect_ended(&r, S);
	CU_ASSERT_TRUE(reconnect_exhausted(&r));
}

static void times_that_cannot_be_counted_never_come(void)
{
	struct reconnect_config config;
	struct reconnect r;

	reconnect_config_default(&config);
	config.attempt_timeout_ns = FB_NEVER;
	config.backoff_max_ns = FB_NEVER;
	reconnect_init(&r, &config, 7 * S);
	begin(&r);
	CU_ASSERT_EQUAL(reconnect_deadline(&r), FB_NEVER);
	reconnect_ended(&r, FB_NEVER - 2);
	CU_ASSERT_EQUAL(reconnect_deadline(&r), FB_NEVER);
}

UNIT_TESTS("reconnect", UNIT_TEST(the_defaults_are_one_to_eight_seconds_without_end),
           UNIT_TEST(the_first_attempt_is_due_at_once_and_once),
           UNIT_TEST(the_waits_double_up_to_the_limit),
           UNIT_TEST(limits_that_are_no_powers_of_two_are_met_exactly),
           UNIT_TEST(a_ready_connection_sets_the_waits_back),
           UNIT_TEST(connections_that_end_at_once_are_a_second_apart),
           UNIT_TEST(an_attempt_is_overdue_after_ten_seconds),
           UNIT_TEST(a_ready_connection_is_never_overdue), UNIT_TEST(a_due_attempt_may_begin_late),
           UNIT_TEST(without_a_limit_hope_is_never_given_up),
           UNIT_TEST(the_last_of_the_attempts_exhausts_and_they_go_on),
           UNIT_TEST(one_attempt_exhausts_when_one_is_the_limit),
           UNIT_TEST(a_connection_that_ends_is_no_failed_attempt),
           UNIT_TEST(a_ready_connection_ends_exhaustion_and_the_count_begins_anew),
           UNIT_TEST(with_no_attempts_the_end_of_a_connection_exhausts_but_not_the_start),
           UNIT_TEST(with_no_attempts_the_first_failure_exhausts),
           UNIT_TEST(times_that_cannot_be_counted_never_come))
