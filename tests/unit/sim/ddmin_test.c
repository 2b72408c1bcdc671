/* Delta debugging. */
#include <stdlib.h>
#include <string.h>

#include "sim/ddmin.h"
#include "tests/unit/harness.h"

enum { THINGS_MAX = 5000 };

/* What is looked for is there as long as these are. */
static const size_t *needed;
static size_t needed_count;
static unsigned long questions, questions_max;
static bool out[THINGS_MAX];

static bool without(void *ctx, const bool *left_out, size_t count)
{
	(void)ctx;
	questions++;
	for (size_t i = 0; i < needed_count; i++)
		if (needed[i] < count && left_out[needed[i]])
			return false;
	return true;
}

static bool over(void *ctx)
{
	(void)ctx;
	return questions >= questions_max;
}

static size_t search(size_t count, const size_t *need, size_t need_count)
{
	const struct ddmin_ops ops = {.without = without, .over = over};

	needed = need;
	needed_count = need_count;
	questions = 0;
	questions_max = 1000000;
	return ddmin(count, out, &ops);
}

static void exactly_those_that_are_needed_stay(void)
{
	static const size_t need[] = {0, 17, 18, 99, 640, 999};

	CU_ASSERT_EQUAL(search(1000, need, 6), 994);
	for (size_t i = 0, j = 0; i < 1000; i++) {
		const bool is_needed = j < 6 && need[j] == i;

		j += is_needed;
		CU_ASSERT_EQUAL(out[i], !is_needed);
	}
}

static void what_is_not_needed_at_all_goes_with_one_question(void)
{
	CU_ASSERT_EQUAL(search(THINGS_MAX, NULL, 0), THINGS_MAX);
	CU_ASSERT_EQUAL(questions, 1);
	CU_ASSERT_EQUAL(search(0, NULL, 0), 0);
	CU_ASSERT_EQUAL(questions, 0);
}

static void one_among_many_is_found_with_few_questions(void)
{
	static const size_t need[] = {3141};

	CU_ASSERT_EQUAL(search(THINGS_MAX, need, 1), THINGS_MAX - 1);
	CU_ASSERT_TRUE(questions < 50);
}

static void where_all_are_needed_all_stay(void)
{
	size_t need[64];

	for (size_t i = 0; i < 64; i++)
		need[i] = i;
	CU_ASSERT_EQUAL(search(64, need, 64), 0);
	CU_ASSERT_FALSE(out[0]);
	CU_ASSERT_TRUE(questions < 3 * 64);
}

/* They go together only: 2 and 5. */
static bool pair_without(void *ctx, const bool *left_out, size_t count)
{
	(void)ctx;
	(void)count;
	return left_out[2] == left_out[5] && !left_out[0];
}

static void what_goes_together_only_may_go_in_a_group(void)
{
	const struct ddmin_ops ops = {.without = pair_without};

	CU_ASSERT_EQUAL(ddmin(8, out, &ops), 7);
	CU_ASSERT_FALSE(out[0]);
}

static void it_ends_when_it_is_told_to_and_keeps_what_was_found(void)
{
	static const size_t need[] = {7};
	const struct ddmin_ops ops = {.without = without, .over = over};
	size_t left_out;

	needed = need;
	needed_count = 1;
	questions = 0;
	questions_max = 3;
	left_out = ddmin(1000, out, &ops);
	CU_ASSERT_EQUAL(questions, 3);
	CU_ASSERT_TRUE(left_out > 400 && left_out < 999);
	CU_ASSERT_FALSE(out[7]);
}

UNIT_TESTS("ddmin", UNIT_TEST(exactly_those_that_are_needed_stay),
           UNIT_TEST(what_is_not_needed_at_all_goes_with_one_question),
           UNIT_TEST(one_among_many_is_found_with_few_questions),
           UNIT_TEST(where_all_are_needed_all_stay),
           UNIT_TEST(what_goes_together_only_may_go_in_a_group),
           UNIT_TEST(it_ends_when_it_is_told_to_and_keeps_what_was_found))
