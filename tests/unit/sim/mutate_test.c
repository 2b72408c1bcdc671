/* Verdicts on mutants, and the table of them. */
#include <stdlib.h>
#include <string.h>

#include "sim/mutate.h"
#include "tests/unit/harness.h"

static char one[] = "one.yaml", two[] = "two.yaml";
static char *const files[] = {one, two};
static const struct mutant left = {
        .name = "left", .side = MUTANT_CONTROLLER, .description = "goes left"};
static const struct mutant upside = {
        .name = "upside-down", .side = MUTANT_SWITCH, .description = "turns frames"};
static const struct mutant *const mutants[] = {&left, &upside};
static struct failure failure = {.key = (char[]){"no_loops"}};

/* A run with so many occasions, and failures of that key. */
static struct runner_result result_of(uint64_t occasions, uint64_t failures)
{
	struct runner_result result = {.occasions = occasions};

	result.failures =
	        (struct failures){.items = &failure, .count = failures != 0, .total = failures};
	return result;
}

static void judge(struct mutate_verdict *verdict, uint64_t seed, uint64_t occasions,
                  uint64_t failures)
{
	const struct runner_result result = result_of(occasions, failures);

	mutate_judge(verdict, seed, &result);
}

static void a_mutant_is_caught_when_it_did_wrong_and_something_failed(void)
{
	struct mutate_verdict verdict = {0};

	judge(&verdict, 1, 0, 0);
	CU_ASSERT_EQUAL(verdict.fate, MUTATE_NO_OCCASION);
	judge(&verdict, 2, 3, 0);
	CU_ASSERT_EQUAL(verdict.fate, MUTATE_SURVIVED);
	judge(&verdict, 3, 0, 0); /* it has survived before */
	CU_ASSERT_EQUAL(verdict.fate, MUTATE_SURVIVED);
	judge(&verdict, 4, 0, 1); /* that was not the mutant */
	CU_ASSERT_EQUAL(verdict.fate, MUTATE_SURVIVED);
	judge(&verdict, 5, 1, 2);
	CU_ASSERT_EQUAL(verdict.fate, MUTATE_CAUGHT);
	CU_ASSERT_EQUAL(verdict.seed, 5);
	CU_ASSERT_STRING_EQUAL(verdict.key, "no_loops");
	free(verdict.key);
}

/* Written and read again. */
static void comes_back(const struct mutate_verdict *verdict)
{
	struct mutate_verdict back;
	char *bytes;
	size_t len;
	FILE *out = open_memstream(&bytes, &len);

	mutate_write(verdict, out);
	fclose(out);
	CU_ASSERT_TRUE_FATAL(mutate_read(&back, bytes, len));
	CU_ASSERT_EQUAL(back.fate, verdict->fate);
	CU_ASSERT_EQUAL(back.seed, verdict->seed);
	if (verdict->key)
		CU_ASSERT_STRING_EQUAL(back.key, verdict->key);
	CU_ASSERT_EQUAL(back.key == NULL, verdict->key == NULL);
	free(back.key);
	free(bytes);
}

static void verdicts_go_from_process_to_process(void)
{
	const struct mutate_verdict caught = {
	        .fate = MUTATE_CAUGHT, .seed = UINT64_MAX, .key = (char[]){"answered h2"}};
	const struct mutate_verdict survived = {.fate = MUTATE_SURVIVED};
	struct mutate_verdict none;

	comes_back(&caught);
	comes_back(&survived);
	CU_ASSERT_FALSE(mutate_read(&none, "", 0));
	CU_ASSERT_FALSE(mutate_read(&none,
	                            "\7"
	                            "12345678",
	                            9));
	CU_ASSERT_PTR_NULL(none.key);
}

static void set(struct mutate *mutate, size_t mutant, size_t file, enum mutate_fate fate)
{
	struct mutate_verdict verdict = {.fate = fate, .seed = 3};

	if (fate == MUTATE_CAUGHT)
		verdict.key = strdup("no_loops");
	mutate_set(mutate, mutant, file, &verdict);
}

static void tells(const struct mutate *mutate, bool each, const char *expected)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	mutate_table(mutate, each, out);
	fclose(out);
	CU_ASSERT_STRING_EQUAL(text, expected);
	if (strcmp(text, expected))
		printf("# got\n%s", text);
	free(text);
}

static void the_table_tells_the_first_that_caught_and_who_survived(void)
{
	struct mutate *mutate = mutate_new(mutants, 2, files, 2);

	set(mutate, 0, 0, MUTATE_CAUGHT);
	set(mutate, 0, 1, MUTATE_CAUGHT);
	set(mutate, 1, 0, MUTATE_SURVIVED);
	set(mutate, 1, 1, MUTATE_NO_OCCASION);
	CU_ASSERT_EQUAL(mutate_survivors(mutate), 1);
	tells(mutate, false,
	      "mutant       side        caught by\n"
	      "left         controller  one.yaml: no_loops (and 1 other file)\n"
	      "upside-down  switch      nobody: survived 1 file, no occasion in 1\n"
	      "\n"
	      "1 of 2 mutants caught\n"
	      "no scenario catches:\n"
	      "  upside-down  turns frames\n");
	set(mutate, 0, 0, MUTATE_NOT_RUN);
	set(mutate, 1, 0, MUTATE_CAUGHT);
	CU_ASSERT_EQUAL(mutate_survivors(mutate), 0);
	tells(mutate, true,
	      "mutant       side        caught by\n"
	      "left         controller  two.yaml: no_loops\n"
	      "  one.yaml: not run\n"
	      "  two.yaml: seed 3: no_loops\n"
	      "upside-down  switch      one.yaml: no_loops\n"
	      "  one.yaml: seed 3: no_loops\n"
	      "  two.yaml: no occasion\n"
	      "\n"
	      "2 of 2 mutants caught\n");
	mutate_free(mutate);
}

UNIT_TESTS("mutate", UNIT_TEST(a_mutant_is_caught_when_it_did_wrong_and_something_failed),
           UNIT_TEST(verdicts_go_from_process_to_process),
           UNIT_TEST(the_table_tells_the_first_that_caught_and_who_survived))
