/* Choosing a backend when memory is short: it goes on, by other means. The schedulers are compiled
 * into this test once more, with an allocator that can be told to refuse. */
#include "tests/unit/harness.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

static int allowed = INT_MAX; /* allocations before all are refused */

static bool refuses(void)
{
	return allowed-- <= 0;
}

#define calloc(count, bytes)   (refuses() ? NULL : calloc(count, bytes))
#define malloc(bytes)          (refuses() ? NULL : malloc(bytes))
#define realloc(memory, bytes) (refuses() ? NULL : realloc(memory, bytes))
#include "controller/apps/balancer_schedulers.c"
#undef calloc
#undef malloc
#undef realloc

enum { COUNT = 10 };

static struct balancer_candidate some[COUNT];
static const struct balancer_candidates candidates = {some, sizeof some[0], COUNT};

static struct balancer_schedule begin(enum balancer_scheduler scheduler)
{
	struct balancer_schedule schedule;

	for (uint32_t i = 0; i < COUNT; i++)
		some[i] = (struct balancer_candidate){
		        .id = 100 - i, .weight = 1, .eligible = i != 4 && i != 0};
	balancer_schedule_init(&schedule, scheduler);
	return schedule;
}

static void round_robin_goes_on_in_its_order_without_memory(void)
{
	struct balancer_schedule schedule = begin(BALANCER_ROUND_ROBIN);
	uint32_t order[] = {1, 2, 3, 5, 6, 7, 8, 9, 1, 2};

	for (uint32_t i = 0; i < COUNT; i++) {
		allowed = i < 5 ? 0 : INT_MAX;
		CU_ASSERT_EQUAL(balancer_schedule_pick(&schedule, &candidates, 0), order[i]);
	}
	CU_ASSERT_EQUAL(schedule.short_of_memory, 5);
	balancer_schedule_free(&schedule);
}

static void clients_are_served_by_somebody_and_keep_him_without_memory(void)
{
	static const enum balancer_scheduler by_address[] = {BALANCER_SOURCE, BALANCER_MAGLEV};

	for (size_t k = 0; k < 2; k++) {
		struct balancer_schedule schedule = begin(by_address[k]);
		uint32_t counts[COUNT] = {0};

		for (uint32_t ip = 0; ip < 8000; ip++) {
			uint32_t picked;

			allowed = 0;
			picked = balancer_schedule_pick(&schedule, &candidates, ip);

			CU_ASSERT_FATAL(picked < COUNT);
			CU_ASSERT_EQUAL(balancer_schedule_pick(&schedule, &candidates, ip), picked);
			counts[picked]++;
		}
		CU_ASSERT_EQUAL(schedule.short_of_memory, 16000);
		for (uint32_t i = 0; i < COUNT; i++)
			CU_ASSERT(some[i].eligible ? counts[i] > 800 && counts[i] < 1200
			                           : counts[i] == 0);
		balancer_schedule_free(&schedule);
	}
	allowed = INT_MAX;
}

/* Each allocation in its turn is the first that is refused, of a first table and of a later one. */
static void the_table_is_made_as_soon_as_there_is_memory(void)
{
	struct balancer_schedule expected = begin(BALANCER_MAGLEV);

	for (int first = 0; first < 6; first++) {
		struct balancer_schedule schedule = begin(BALANCER_MAGLEV);

		for (int round = 0; round < 2; round++) {
			uint64_t before = schedule.short_of_memory;

			some[0].eligible = round;
			balancer_schedule_changed(&schedule);
			balancer_schedule_changed(&expected);
			allowed = first;
			for (uint32_t ip = 0; ip < 10; ip++)
				CU_ASSERT(some[balancer_schedule_pick(&schedule, &candidates, ip)]
				                  .eligible);
			CU_ASSERT_EQUAL(schedule.short_of_memory == before,
			                first >= (round ? 2 : 4));
			allowed = INT_MAX;
			for (uint32_t ip = 0; ip < 1000; ip++)
				CU_ASSERT_EQUAL(balancer_schedule_pick(&schedule, &candidates, ip),
				                balancer_schedule_pick(&expected, &candidates, ip));
		}
		balancer_schedule_free(&schedule);
	}
	balancer_schedule_free(&expected);
}

static void what_could_not_be_made_leaves_nothing_that_is_taken_for_a_table(void)
{
	struct balancer_schedule schedule = begin(BALANCER_MAGLEV),
	                         expected = begin(BALANCER_MAGLEV);

	(void)balancer_schedule_pick(&schedule, &candidates, 1);
	for (int first = 0; first < 2; first++) {
		uint64_t before = schedule.short_of_memory;

		some[1].eligible = false;
		balancer_schedule_changed(&schedule);
		allowed = first;
		CU_ASSERT_NOT_EQUAL(balancer_schedule_pick(&schedule, &candidates, 1), 1);
		CU_ASSERT_EQUAL(schedule.short_of_memory, before + 1);
		allowed = INT_MAX;
		some[1].eligible = true;
		balancer_schedule_changed(&schedule);
		for (uint32_t ip = 0; ip < 1000; ip++)
			CU_ASSERT_EQUAL(balancer_schedule_pick(&schedule, &candidates, ip),
			                balancer_schedule_pick(&expected, &candidates, ip));
	}
	balancer_schedule_free(&schedule);
	balancer_schedule_free(&expected);
}

static void a_table_that_is_right_is_not_made_anew(void)
{
	struct balancer_schedule schedule = begin(BALANCER_MAGLEV);

	(void)balancer_schedule_pick(&schedule, &candidates, 1);
	allowed = 0;
	for (int i = 0; i < 5; i++) {
		balancer_schedule_changed(&schedule);
		(void)balancer_schedule_pick(&schedule, &candidates, 1);
	}
	CU_ASSERT_EQUAL(schedule.short_of_memory, 0);
	allowed = INT_MAX;
	balancer_schedule_free(&schedule);
}

static void one_alone_needs_no_table_and_spoils_none(void)
{
	struct balancer_schedule schedule = begin(BALANCER_MAGLEV);

	for (uint32_t i = 0; i < COUNT; i++)
		some[i].eligible = i == 7;
	CU_ASSERT_EQUAL(balancer_schedule_pick(&schedule, &candidates, 1), 7);
	CU_ASSERT_PTR_NULL(schedule.maglev);
	some[8].eligible = true;
	balancer_schedule_changed(&schedule);
	(void)balancer_schedule_pick(&schedule, &candidates, 1);
	CU_ASSERT_PTR_NOT_NULL(schedule.maglev);
	allowed = 0;
	for (int i = 0; i < 10; i++) {
		some[8].eligible = i % 2;
		balancer_schedule_changed(&schedule);
		for (uint32_t ip = 0; ip < 100; ip++)
			CU_ASSERT(
			        some[balancer_schedule_pick(&schedule, &candidates, ip)].eligible);
	}
	CU_ASSERT_EQUAL(schedule.short_of_memory, 0);
	allowed = INT_MAX;
	balancer_schedule_free(&schedule);
}

UNIT_TESTS("balancer_schedulers_memory", UNIT_TEST(round_robin_goes_on_in_its_order_without_memory),
           UNIT_TEST(clients_are_served_by_somebody_and_keep_him_without_memory),
           UNIT_TEST(the_table_is_made_as_soon_as_there_is_memory),
           UNIT_TEST(what_could_not_be_made_leaves_nothing_that_is_taken_for_a_table),
           UNIT_TEST(a_table_that_is_right_is_not_made_anew),
           UNIT_TEST(one_alone_needs_no_table_and_spoils_none))
