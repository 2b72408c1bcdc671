/* The clock: order, time and limits of events. */
#include <string.h>

#include "sim/clock.h"
#include "tests/unit/harness.h"

static unsigned fired[64];
static unsigned fired_count;
static struct clock clock_;

struct numbered {
	struct event event;
	unsigned number;
	uint64_t again_ns; /* set again this much later; 0: not */
};

static void note(struct event *event)
{
	struct numbered *numbered = (struct numbered *)(void *)event;

	fired[fired_count++] = numbered->number;
	if (numbered->again_ns)
		clock_set(&clock_, event, clock_.now_ns + numbered->again_ns);
}

static void start(uint64_t events_max)
{
	clock_init(&clock_, events_max);
	fired_count = 0;
}

static void set(struct numbered *n, unsigned number, uint64_t time_ns)
{
	n->event.fire = note;
	n->number = number;
	clock_set(&clock_, &n->event, time_ns);
}

static void events_run_in_order_of_time_and_then_of_setting(void)
{
	static const uint64_t times[] = {30, 10, 20, 10, 30, 10};
	static const unsigned expected[] = {1, 3, 5, 2, 0, 4};
	struct numbered n[6] = {0};

	start(100);
	for (unsigned i = 0; i < 6; i++)
		set(&n[i], i, times[i]);
	for (unsigned i = 0; i < 6; i++) {
		CU_ASSERT_EQUAL(clock_next(&clock_), times[expected[i]]);
		CU_ASSERT_TRUE(clock_step(&clock_));
		CU_ASSERT_EQUAL(fired[i], expected[i]);
		CU_ASSERT_EQUAL(clock_.now_ns, times[expected[i]]);
	}
	CU_ASSERT_FALSE(clock_step(&clock_));
	CU_ASSERT_EQUAL(clock_next(&clock_), FB_NEVER);
	CU_ASSERT_EQUAL(clock_.fired, 6);
	clock_destroy(&clock_);
}

static void an_event_that_is_set_again_goes_behind_others_of_its_time(void)
{
	struct numbered a = {0}, b = {0};

	start(100);
	set(&a, 1, 10);
	set(&b, 2, 10);
	set(&a, 1, 10);
	clock_step(&clock_);
	clock_step(&clock_);
	CU_ASSERT_EQUAL(fired[0], 2);
	CU_ASSERT_EQUAL(fired[1], 1);
	clock_destroy(&clock_);
}

static void an_event_may_set_itself_when_it_fires(void)
{
	struct numbered a = {.again_ns = 5};

	start(100);
	set(&a, 1, 10);
	for (unsigned i = 0; i < 4; i++)
		clock_step(&clock_);
	CU_ASSERT_EQUAL(clock_.now_ns, 25);
	CU_ASSERT_EQUAL(clock_next(&clock_), 30);
	clock_destroy(&clock_);
}

static void never_and_cancel_take_an_event_out(void)
{
	struct numbered a = {0}, b = {0};

	start(100);
	set(&a, 1, 10);
	set(&b, 2, 20);
	clock_set(&clock_, &a.event, FB_NEVER);
	clock_cancel(&clock_, &a.event);
	CU_ASSERT_EQUAL(clock_next(&clock_), 20);
	clock_cancel(&clock_, &b.event);
	CU_ASSERT_FALSE(clock_step(&clock_));
	CU_ASSERT_EQUAL(clock_.now_ns, 0);
	clock_destroy(&clock_);
}

static void time_advances_up_to_the_next_event(void)
{
	struct numbered a = {0};

	start(100);
	set(&a, 1, 10);
	clock_advance(&clock_, 10);
	CU_ASSERT_EQUAL(clock_.now_ns, 10);
	CU_ASSERT_EQUAL(fired_count, 0);
	clock_step(&clock_);
	CU_ASSERT_EQUAL(fired_count, 1);
	clock_advance(&clock_, 1000);
	CU_ASSERT_EQUAL(clock_.now_ns, 1000);
	clock_destroy(&clock_);
}

static void events_beyond_the_limit_are_not_taken_and_seen(void)
{
	struct numbered n[3] = {0};

	start(2);
	set(&n[0], 0, 10);
	set(&n[1], 1, 20);
	CU_ASSERT_FALSE(clock_.overflow);
	/* To move one is no more of them. */
	set(&n[0], 0, 30);
	CU_ASSERT_FALSE(clock_.overflow);
	set(&n[2], 2, 5);
	CU_ASSERT_TRUE(clock_.overflow);
	CU_ASSERT_EQUAL(clock_next(&clock_), 20);
	clock_destroy(&clock_);
}

static void those_that_come_first_run_before_all_others_of_their_time(void)
{
	static const unsigned expected[] = {0, 3, 2, 1, 4};
	struct numbered n[5] = {0};

	start(100);
	set(&n[1], 1, 10);
	set(&n[4], 4, 20);
	set(&n[0], 0, 5);
	set(&n[2], 2, 10);
	set(&n[3], 3, 10);
	clock_set_first(&clock_, &n[3].event, 10);
	clock_set_first(&clock_, &n[2].event, 10);
	while (clock_step(&clock_))
		;
	CU_ASSERT_EQUAL(memcmp(fired, expected, sizeof expected), 0);
	clock_destroy(&clock_);
}

UNIT_TESTS("clock", UNIT_TEST(events_run_in_order_of_time_and_then_of_setting),
           UNIT_TEST(an_event_that_is_set_again_goes_behind_others_of_its_time),
           UNIT_TEST(an_event_may_set_itself_when_it_fires),
           UNIT_TEST(never_and_cancel_take_an_event_out),
           UNIT_TEST(time_advances_up_to_the_next_event),
           UNIT_TEST(those_that_come_first_run_before_all_others_of_their_time),
           UNIT_TEST(events_beyond_the_limit_are_not_taken_and_seen))
