/* Work shared among processes. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/jobs.h"
#include "tests/unit/harness.h"

static struct {
	uint64_t count, crashes, enough_at;
	uint64_t sum;
	int signal, exit_code;
	bool in_order;
	pid_t parent;
} seen;

/* Item 7 kills itself, 9 ends, 11 interrupts the parent; where 'special' says so. */
static unsigned special;
static size_t result_bytes;

static void work(void *ctx, uint64_t item, FILE *out)
{
	(void)ctx;
	if (special & 1 && item == 7)
		kill(getpid(), SIGUSR1);
	if (special & 2 && item == 9)
		_exit(5);
	if (special & 4 && item == 11)
		kill(seen.parent, SIGINT);
	fprintf(out, "%llu ", (unsigned long long)item * item);
	for (size_t i = 0; i < result_bytes; i++)
		putc((int)('a' + item % 26), out);
}

static bool done(void *ctx, uint64_t item, const struct jobs_result *result)
{
	char text[100];

	(void)ctx;
	seen.in_order &= item == seen.count;
	seen.count++;
	if (jobs_crash_text(result, text, sizeof text)) {
		seen.crashes++;
		seen.signal |= result->signal;
		seen.exit_code |= result->exit_code;
		CU_ASSERT_EQUAL(result->len, 0);
	} else {
		unsigned long long square = 0;
		int n = 0;

		CU_ASSERT_EQUAL(sscanf(result->bytes, "%llu %n", &square, &n), 1);
		seen.sum += square;
		CU_ASSERT_EQUAL(result->len, (size_t)n + result_bytes);
		for (size_t i = 0; i < result_bytes; i += 1000)
			CU_ASSERT_EQUAL(result->bytes[(size_t)n + i], (char)('a' + item % 26));
	}
	return !seen.enough_at || seen.count < seen.enough_at;
}

static enum jobs_end run(unsigned jobs, uint64_t items, uint64_t *count)
{
	const struct jobs_ops ops = {.work = work, .done = done};
	const uint64_t enough_at = seen.enough_at;

	memset(&seen, 0, sizeof seen);
	seen.enough_at = enough_at;
	seen.in_order = true;
	seen.parent = getpid();
	return jobs_run(jobs, items, 0, &ops, count);
}

static void results_come_in_order_from_any_number_of_jobs(void)
{
	uint64_t count;

	special = 0;
	result_bytes = 0;
	for (unsigned jobs = 1; jobs <= 5; jobs += 2) {
		CU_ASSERT_EQUAL(run(jobs, 1000, &count), JOBS_ALL);
		CU_ASSERT_EQUAL(count, 1000);
		CU_ASSERT_TRUE(seen.in_order);
		CU_ASSERT_EQUAL(seen.sum, 332833500);
	}
	CU_ASSERT_EQUAL(run(3, 0, &count), JOBS_ALL);
	CU_ASSERT_EQUAL(count, 0);
}

static void large_results_come_whole(void)
{
	uint64_t count;

	special = 0;
	result_bytes = 300000;
	CU_ASSERT_EQUAL(run(2, 20, &count), JOBS_ALL);
	CU_ASSERT_EQUAL(seen.sum, 2470);
	result_bytes = 0;
}

static void a_crash_is_the_result_of_its_item_and_the_work_goes_on(void)
{
	uint64_t count;

	special = 1 | 2;
	for (unsigned jobs = 1; jobs <= 3; jobs++) {
		CU_ASSERT_EQUAL(run(jobs, 50, &count), JOBS_ALL);
		CU_ASSERT_EQUAL(seen.count, 50);
		CU_ASSERT_TRUE(seen.in_order);
		CU_ASSERT_EQUAL(seen.crashes, 2);
		CU_ASSERT_EQUAL(seen.signal, SIGUSR1);
		CU_ASSERT_EQUAL(seen.exit_code, 5);
		CU_ASSERT_EQUAL(seen.sum, 40425 - 49 - 81);
	}
	special = 0;
}

static void a_crash_is_told_in_words(void)
{
	char text[100];

	CU_ASSERT_TRUE(
	        jobs_crash_text(&(struct jobs_result){.signal = SIGABRT}, text, sizeof text));
	CU_ASSERT_STRING_EQUAL(text, "signal 6 (Aborted)");
	CU_ASSERT_TRUE(jobs_crash_text(&(struct jobs_result){.exit_code = 5}, text, sizeof text));
	CU_ASSERT_STRING_EQUAL(text, "exit code 5");
	CU_ASSERT_FALSE(jobs_crash_text(&(struct jobs_result){.len = 5}, text, sizeof text));
}

static void who_has_enough_gets_no_more(void)
{
	uint64_t count;

	special = 0;
	seen.enough_at = 17;
	CU_ASSERT_EQUAL(run(3, 1000, &count), JOBS_ENOUGH);
	CU_ASSERT_EQUAL(count, 17);
	CU_ASSERT_EQUAL(seen.count, 17);
	seen.enough_at = 0;
}

static void an_interrupt_ends_the_work_and_keeps_what_was_done(void)
{
	uint64_t count;

	special = 4;
	CU_ASSERT_EQUAL(run(2, 1000000, &count), JOBS_INTERRUPTED);
	CU_ASSERT_TRUE(seen.in_order);
	CU_ASSERT_TRUE(count < 1000000);
	CU_ASSERT_EQUAL(seen.count, count);
	special = 0;
}

static void when_time_is_over_what_was_begun_is_done(void)
{
	const struct jobs_ops ops = {.work = work, .done = done};
	uint64_t count;

	special = 0;
	memset(&seen, 0, sizeof seen);
	seen.in_order = true;
	CU_ASSERT_EQUAL(jobs_run(2, UINT64_C(1) << 40, 30, &ops, &count), JOBS_OUT_OF_TIME);
	CU_ASSERT_EQUAL(seen.count, count);
	CU_ASSERT_TRUE(seen.in_order);
}

UNIT_TESTS("jobs", UNIT_TEST(results_come_in_order_from_any_number_of_jobs),
           UNIT_TEST(large_results_come_whole),
           UNIT_TEST(a_crash_is_the_result_of_its_item_and_the_work_goes_on),
           UNIT_TEST(a_crash_is_told_in_words), UNIT_TEST(who_has_enough_gets_no_more),
           UNIT_TEST(an_interrupt_ends_the_work_and_keeps_what_was_done),
           UNIT_TEST(when_time_is_over_what_was_begun_is_done))
