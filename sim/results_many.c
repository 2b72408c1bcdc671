/* The model of the results of many runs: sweeps and mutants. See results.h. */
#include "lib/base/xalloc.h"
#include "sim/printable.h"
#include "sim/results.h"

enum { TEXT_BYTES = 1000 };

/* All has run: what nothing failed held. */
static void hold_what_did_not_fail(struct results_file *file)
{
	for (size_t i = 0; i < file->checks_count; i++)
		if (file->checks[i].verdict == RUNNER_NOT_JUDGED)
			file->checks[i].verdict = RUNNER_HELD;
}

/* --- Sweeps --- */

struct results_file *results_add_sweep(struct results *results, const struct scenario *scenario,
                                       struct sweep_seeds seeds)
{
	struct results_file *file = results_add_scenario(results, scenario, RESULTS_OF_SWEEP);

	file->seed = seeds.first;
	file->last_seed = seeds.last;
	return file;
}

void results_sweep_run(struct results_file *file, uint64_t seed, const struct sweep_run *run,
                       const char *repeat)
{
	file->runs++;
	file->wall_ns += run->took_ns;
	for (unsigned i = 0; i < SCENARIO_PROPERTIES; i++)
		file->excused[i] += run->excused[i];
	for (unsigned i = 0; i < FAULT_KINDS; i++)
		file->fault_counts[i] += run->faults[i];
	if (!run->failures.total)
		return;
	file->runs_failed++;
	results_add_failures(file, &run->failures, seed, repeat);
}

void results_sweep_end(struct results_file *file)
{
	for (size_t i = 0; i < file->checks_count; i++)
		file->checks[i].count = file->runs;
	if (file->runs)
		hold_what_did_not_fail(file);
}

/* --- Mutants --- */

struct results_file *results_add_mutants(struct results *results, char *const *files, size_t count)
{
	const struct problems none = {0};
	struct results_file *file = results_add_problems(results, "mutants", &none);

	file->name = xstrdup("wrong controllers and switches are caught");
	file->scope = RESULTS_OF_MUTANTS;
	for (size_t i = 0; i < count; i++) {
		char what[TEXT_BYTES];
		struct fb_text text = fb_text_make(what, sizeof what);

		fb_text_printf(&text, "%s holds without a mutant", files[i]);
		results_add_check(file, RESULTS_RUN, (uint32_t)i, (struct position){0, 0}, what);
	}
	return file;
}

static void fail(struct results_file *file, size_t check, const char *key, const char *expected,
                 const char *happened, uint64_t seed)
{
	struct failures failures;

	failures_init(&failures);
	failures_add(&failures, (struct failure_of){.kind = FAILURE_OF_RUN}, key,
	             (struct position){0, 0}, 0, expected, happened, NULL, NULL);
	results_fail(file, check, &failures.items[0], seed, NULL);
	file->failures_total++;
	failures_destroy(&failures);
}

void results_alone_failed(struct results_file *file, size_t place, uint64_t seed, const char *key)
{
	char happened[TEXT_BYTES];
	struct fb_text text = fb_text_make(happened, sizeof happened);

	fb_text_printf(&text, "with seed %llu: %s", (unsigned long long)seed, key);
	fail(file, place, key, "a run that holds without a mutant, so that mutants can be judged",
	     happened, seed);
}

void results_alone_end(struct results_file *file)
{
	hold_what_did_not_fail(file);
}

void results_add_mutant(struct results_file *file, const struct mutant *mutant, const char *caught,
                        const char *happened)
{
	struct results_check *check;
	char what[TEXT_BYTES], expected[TEXT_BYTES];
	struct fb_text what_text = fb_text_make(what, sizeof what);
	struct fb_text expected_text = fb_text_make(expected, sizeof expected);

	fb_text_printf(&what_text, "%s is caught", mutant->name);
	check = results_add_check(file, RESULTS_MUTANT, 0, (struct position){0, 0}, what);
	check->verdict = RUNNER_HELD;
	if (caught) {
		check->caught = printable_copy(caught, false);
		return;
	}
	fb_text_printf(&expected_text, "a scenario that fails when the %s %s",
	               mutant->side == MUTANT_CONTROLLER ? "controller" : "switch",
	               mutant->description);
	fail(file, file->checks_count - 1, mutant->name, expected, happened, 0);
}
