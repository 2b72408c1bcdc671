/* The bookkeeping of a sweep. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/sweep.h"
#include "tests/unit/harness.h"

static void are_seeds(const char *text, uint64_t first, uint64_t last)
{
	struct sweep_seeds seeds;
	const char *wrong;

	CU_ASSERT_TRUE(sweep_seeds_parse(text, &seeds, &wrong));
	CU_ASSERT_EQUAL(seeds.first, first);
	CU_ASSERT_EQUAL(seeds.last, last);
}

static void seeds_are_one_or_a_range(void)
{
	are_seeds("7", 7, 7);
	are_seeds("1..10000", 1, 10000);
	are_seeds("0..0", 0, 0);
	are_seeds("5..18446744073709551615", 5, UINT64_MAX);
}

static void other_texts_are_no_seeds(void)
{
	static const char *const texts[] = {"",
	                                    "..",
	                                    "1..",
	                                    "..3",
	                                    "3..2",
	                                    "1-3",
	                                    "1..x",
	                                    "1...3",
	                                    "-1",
	                                    " 1",
	                                    "99999999999999999999999999999999999"};
	struct sweep_seeds seeds;
	const char *wrong;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		CU_ASSERT_FALSE(sweep_seeds_parse(texts[i], &seeds, &wrong));
		CU_ASSERT_PTR_NOT_NULL(wrong);
	}
}

static char a_yaml[] = "a.yaml", b_yaml[] = "b.yaml";
static char *two[] = {a_yaml, b_yaml};

static void every_file_has_its_turn_with_each_seed(void)
{
	struct sweep *sweep = sweep_new(two, 2, (struct sweep_seeds){5, 7});

	CU_ASSERT_EQUAL(sweep_runs(sweep), 6);
	CU_ASSERT_EQUAL(sweep_file_of(sweep, 0), 0);
	CU_ASSERT_EQUAL(sweep_file_of(sweep, 1), 1);
	CU_ASSERT_EQUAL(sweep_seed_of(sweep, 1), 5);
	CU_ASSERT_EQUAL(sweep_file_of(sweep, 4), 0);
	CU_ASSERT_EQUAL(sweep_seed_of(sweep, 4), 7);
	sweep_free(sweep);
}

static void too_many_runs_are_refused(void)
{
	struct sweep *sweep = sweep_new(two, 2, (struct sweep_seeds){0, UINT64_MAX});

	CU_ASSERT_EQUAL(sweep_runs(sweep), 0);
	sweep_free(sweep);
}

/* A run in which these did not hold. */
static struct sweep_run failed_run(unsigned count, const char *key)
{
	struct sweep_run run = {0};

	for (unsigned i = 0; i < count; i++)
		failures_add(&run.failures,
		             (struct failure_of){.kind = FAILURE_OF_EXPECTATION, .id = i}, key,
		             (struct position){.line = 3, .column = 7}, 5000 + i, "more", "less",
		             NULL, NULL);
	return run;
}

static void a_run_comes_through_a_pipe_as_it_was(void)
{
	for (unsigned failures = 0; failures < 3; failures++) {
		struct sweep_run run = failed_run(failures, "answered h2"), back;
		char *bytes = NULL;
		size_t len;
		FILE *out = open_memstream(&bytes, &len);

		run.excused[BOUNDED] = 17;
		run.faults[FAULT_SYN_FLOOD] = 99;
		run.took_ns = 123;
		run.failures.total += 1000;
		sweep_run_write(&run, out);
		fclose(out);
		CU_ASSERT_TRUE_FATAL(sweep_run_read(&back, bytes, len));
		CU_ASSERT_EQUAL(back.failures.total, 1000 + failures);
		CU_ASSERT_EQUAL(back.failures.count, failures);
		CU_ASSERT_EQUAL(back.excused[BOUNDED], 17);
		CU_ASSERT_EQUAL(back.faults[FAULT_SYN_FLOOD], 99);
		CU_ASSERT_EQUAL(back.took_ns, 123);
		for (unsigned i = 0; i < failures; i++) {
			CU_ASSERT_EQUAL(back.failures.items[i].of.kind, FAILURE_OF_EXPECTATION);
			CU_ASSERT_EQUAL(back.failures.items[i].of.id, i);
			CU_ASSERT_EQUAL(back.failures.items[i].at.column, 7);
			CU_ASSERT_EQUAL(back.failures.items[i].time_ns, 5000 + i);
			CU_ASSERT_STRING_EQUAL(back.failures.items[i].key, "answered h2");
			CU_ASSERT_STRING_EQUAL(back.failures.items[i].expected, "more");
			CU_ASSERT_STRING_EQUAL(back.failures.items[i].happened, "less");
		}
		sweep_run_destroy(&back);
		CU_ASSERT_FALSE(sweep_run_read(&back, bytes, 20));
		if (failures)
			CU_ASSERT_FALSE(sweep_run_read(&back, bytes, len - 1));
		free(bytes);
		sweep_run_destroy(&run);
	}
}

static void a_crash_is_a_failure_of_the_run(void)
{
	struct sweep_run run = sweep_run_crashed("signal 11 (Segmentation fault)");

	CU_ASSERT_STRING_EQUAL(sweep_run_key(&run), "crash: signal 11 (Segmentation fault)");
	CU_ASSERT_EQUAL(run.failures.total, 1);
	CU_ASSERT_EQUAL(run.failures.items[0].of.kind, FAILURE_OF_RUN);
	sweep_run_destroy(&run);
}

static void the_summary_groups_failures_by_what_failed_first(void)
{
	struct sweep *sweep = sweep_new(two, 2, (struct sweep_seeds){10, 13});
	struct sweep_run held = {0}, left = failed_run(1, "no_loops"),
	                 right = failed_run(9, "answered h2");
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	held.excused[NO_DUPLICATES] = 4;
	held.faults[FAULT_LOSE] = 2;
	left.faults[FAULT_HOST_MOVE] = 1;
	for (unsigned i = 0; i < 4; i++) {
		sweep_add(sweep, i == 1 ? &left : i > 1 ? &right : &held); /* a.yaml */
		sweep_add(sweep, &held);
	}
	CU_ASSERT_EQUAL(sweep_done(sweep), 8);
	CU_ASSERT_EQUAL(sweep_failed(sweep), 3);
	sweep_summary(sweep, out);
	fclose(out);
	CU_ASSERT_STRING_EQUAL(text, "a.yaml: 4 seeds, 3 FAILED\n"
	                             "       2  answered h2 (first with seed 12)\n"
	                             "       1  no_loops (first with seed 11)\n"
	                             "  faults 3: lose 2, host_move 1\n"
	                             "  excused 4: no_duplicates 4\n"
	                             "b.yaml: 4 seeds, all held\n"
	                             "  faults 8: lose 8\n"
	                             "  excused 16: no_duplicates 16\n"
	                             "all files: 8 runs, 3 FAILED\n"
	                             "  faults 11: lose 10, host_move 1\n"
	                             "  excused 20: no_duplicates 20\n");
	free(text);
	sweep_run_destroy(&left);
	sweep_run_destroy(&right);
	sweep_free(sweep);
}

static void more_kinds_of_failures_than_are_told_count_together(void)
{
	struct sweep *sweep = sweep_new(two, 1, (struct sweep_seeds){1, 5000});
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (unsigned i = 0; i < 1500; i++) {
		struct sweep_run run;
		char key[20];

		snprintf(key, sizeof key, "key %u", i);
		run = failed_run(1, key);
		sweep_add(sweep, &run);
		sweep_run_destroy(&run);
	}
	sweep_summary(sweep, out);
	fclose(out);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "  501  others (first with seed 1000)\n"));
	free(text);
	sweep_free(sweep);
}

UNIT_TESTS("sweep", UNIT_TEST(seeds_are_one_or_a_range), UNIT_TEST(other_texts_are_no_seeds),
           UNIT_TEST(every_file_has_its_turn_with_each_seed), UNIT_TEST(too_many_runs_are_refused),
           UNIT_TEST(a_run_comes_through_a_pipe_as_it_was),
           UNIT_TEST(a_crash_is_a_failure_of_the_run),
           UNIT_TEST(the_summary_groups_failures_by_what_failed_first),
           UNIT_TEST(more_kinds_of_failures_than_are_told_count_together))
