/* The model of results. See results.h. */
#include "sim/results.h"

#include <flowbed/report.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/printable.h"
#include "sim/scenario_keys.h"
#include "sim/traffic.h"

enum { TEXT_BYTES = 1000 };

void results_init(struct results *results, const char *command)
{
	*results = (struct results){.command = command};
}

static void file_destroy(struct results_file *file)
{
	for (size_t i = 0; i < file->problems_count; i++)
		free(file->problems[i].text);
	for (size_t i = 0; i < file->checks_count; i++) {
		free(file->checks[i].what);
		free(file->checks[i].caught);
	}
	for (size_t i = 0; i < file->failures_count; i++) {
		free(file->failures[i].key);
		free(file->failures[i].expected);
		free(file->failures[i].happened);
		free(file->failures[i].story);
		free(file->failures[i].repeat);
	}
	for (size_t i = 0; i < file->faults_count; i++)
		free(file->faults[i]);
	free(file->problems);
	free(file->checks);
	free(file->failures);
	free(file->faults);
	free(file->file);
	free(file->name);
	free(file->error);
}

void results_destroy(struct results *results)
{
	for (size_t i = 0; i < results->count; i++)
		file_destroy(&results->files[i]);
	free(results->files);
	results_init(results, results->command);
}

static struct results_file *add_file(struct results *results, const char *name)
{
	struct results_file *file;

	results->files = xrealloc(results->files, (results->count + 1) * sizeof *results->files);
	file = &results->files[results->count++];
	*file = (struct results_file){.file = xstrdup(name)};
	return file;
}

struct results_file *results_add_problems(struct results *results, const char *name,
                                          const struct problems *problems)
{
	struct results_file *file = add_file(results, name);

	file->problems = xcalloc(problems->count + 1, sizeof *file->problems);
	for (size_t i = 0; i < problems->count; i++)
		file->problems[i] = (struct results_problem){problems->items[i].at,
		                                             xstrdup(problems->items[i].text)};
	file->problems_count = problems->count;
	return file;
}

void results_set_error(struct results_file *file, const char *error)
{
	free(file->error);
	file->error = xstrdup(error);
}

/* --- Checks --- */

struct results_check *results_add_check(struct results_file *file, enum results_kind kind,
                                        uint32_t id, struct position at, const char *what)
{
	struct results_check *check;

	if (!(file->checks_count & (file->checks_count - 1)))
		file->checks =
		        xrealloc(file->checks, (file->checks_count ? 2 * file->checks_count : 1) *
		                                       sizeof *file->checks);
	check = &file->checks[file->checks_count++];
	*check = (struct results_check){.kind = kind, .id = id, .at = at, .what = printable_copy(what, false)};
	return check;
}

static void add_expectation(struct results_file *file,
                            const struct scenario_expectation *expectation)
{
	char what[TEXT_BYTES];
	struct fb_text text = fb_text_make(what, sizeof what);

	scenario_expectation_text(&text, expectation);
	results_add_check(file, RESULTS_EXPECTATION, expectation->id, expectation->at, what);
}

/* Where a step's failures are told. */
static struct position step_at(const struct scenario_step *step)
{
	return step->kind == STEP_APP ? step->at : step->replies.at;
}

static bool step_is_judged(const struct scenario_step *step)
{
	return step->kind == STEP_APP || step->kind == STEP_PING || step->kind == STEP_ARP ||
	       step->kind == STEP_UDP || step->kind == STEP_TCP;
}

static void add_step(struct results_file *file, const struct scenario *scenario,
                     const struct scenario_step *step)
{
	char what[TEXT_BYTES];
	struct fb_text text = fb_text_make(what, sizeof what);

	if (step->kind == STEP_APP)
		fb_text_printf(&text, "%s \"%.200s\"", step->command->app, step->command->text);
	else
		traffic_step_text(scenario, step, &text);
	results_add_check(file, RESULTS_STEP, step->id, step_at(step), what);
}

/* In the order of the file. */
static void add_steps(struct results_file *file, const struct scenario *scenario,
                      const struct scenario_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (step_is_judged(&steps[i]))
			add_step(file, scenario, &steps[i]);
		for (size_t j = 0; j < steps[i].expectations_count; j++)
			add_expectation(file, &steps[i].expectations[j]);
		add_steps(file, scenario, steps[i].steps, steps[i].steps_count);
	}
}

static void add_properties(struct results_file *file, const struct scenario *scenario)
{
	for (unsigned i = 0; i < SCENARIO_PROPERTIES; i++)
		if (!(scenario->properties_off >> i & 1))
			results_add_check(file, RESULTS_PROPERTY, i, (struct position){0, 0},
			                  scenario_keys_properties[i]);
}

/* --- Names of checks are given once --- */

static int by_name(const void *left, const void *right)
{
	const struct results_check *a = *(const struct results_check *const *)left;
	const struct results_check *b = *(const struct results_check *const *)right;
	const int order = strcmp(a->what, b->what);

	return order ? order : (a > b) - (a < b);
}

/* The second of a name and those after it get a number. */
static void number_names(struct results_file *file)
{
	struct results_check **sorted = xcalloc(file->checks_count, sizeof(struct results_check *));
	char **names = xcalloc(file->checks_count, sizeof(char *));
	unsigned times = 1;

	for (size_t i = 0; i < file->checks_count; i++)
		sorted[i] = &file->checks[i];
	qsort(sorted, file->checks_count, sizeof(struct results_check *), by_name);
	for (size_t i = 1; i < file->checks_count; i++) {
		char name[TEXT_BYTES + 20];
		struct fb_text text = fb_text_make(name, sizeof name);

		times = strcmp(sorted[i - 1]->what, sorted[i]->what) ? 1 : times + 1;
		fb_text_printf(&text, "%s [%u]", sorted[i]->what, times);
		names[i] = times > 1 ? xstrdup(name) : NULL;
	}
	for (size_t i = 0; i < file->checks_count; i++) {
		if (!names[i])
			continue;
		free(sorted[i]->what);
		sorted[i]->what = names[i];
	}
	free(names);
	free(sorted);
}

struct results_file *results_add_scenario(struct results *results, const struct scenario *scenario,
                                          enum results_scope scope)
{
	struct results_file *file = add_file(results, scenario->file);

	file->name = xstrdup(scenario->name);
	file->scope = scope;
	results_add_check(file, RESULTS_RUN, 0, (struct position){0, 0}, "the run comes to its end");
	add_steps(file, scenario, scenario->steps, scenario->steps_count);
	add_properties(file, scenario);
	number_names(file);
	return file;
}

/* --- Failures --- */

static bool is_of(const struct failure_of *of, const struct results_check *check)
{
	static const enum results_kind kinds[] = {[FAILURE_OF_RUN] = RESULTS_RUN,
	                                          [FAILURE_OF_STEP] = RESULTS_STEP,
	                                          [FAILURE_OF_EXPECTATION] = RESULTS_EXPECTATION,
	                                          [FAILURE_OF_PROPERTY] = RESULTS_PROPERTY};

	return check->kind == kinds[of->kind] && check->id == of->id;
}

/* What is of nothing else is of the run: it did not come to its end. */
static size_t check_of(const struct results_file *file, const struct failure_of *of)
{
	for (size_t i = 0; i < file->checks_count; i++)
		if (is_of(of, &file->checks[i]))
			return i;
	return 0;
}

void results_fail(struct results_file *file, size_t check, const struct failure *from,
                  uint64_t seed, const char *repeat)
{
	file->checks[check].verdict = RUNNER_FAILED;
	if (file->failures_count == RESULTS_FAILURES_MAX)
		return;
	if (!(file->failures_count & (file->failures_count - 1)))
		file->failures = xrealloc(file->failures,
		                          (file->failures_count ? 2 * file->failures_count : 1) *
		                                  sizeof *file->failures);
	file->failures[file->failures_count++] = (struct results_failure){
	        .check = check,
	        .at = from->at,
	        .time_ns = from->time_ns,
	        .key = xstrdup(from->key),
	        .expected = xstrdup(from->expected),
	        .happened = xstrdup(from->happened),
	        .story = from->story ? xstrdup(from->story) : NULL,
	        .seed = seed,
	        .repeat = repeat ? xstrdup(repeat) : NULL,
	};
}

/* Is none of those before it of the same check? */
static bool is_first_of_its_check(const struct failures *failures, size_t place)
{
	const struct failure_of *of = &failures->items[place].of;

	for (size_t i = 0; i < place; i++)
		if (failures->items[i].of.kind == of->kind && failures->items[i].of.id == of->id)
			return false;
	return true;
}

void results_add_failures(struct results_file *file, const struct failures *failures, uint64_t seed,
                          const char *repeat)
{
	for (size_t i = 0; i < failures->count; i++) {
		const size_t check = check_of(file, &failures->items[i].of);

		if (file->scope == RESULTS_OF_SWEEP && is_first_of_its_check(failures, i))
			file->checks[check].wrong++;
		results_fail(file, check, &failures->items[i], seed, repeat);
	}
	file->failures_total += failures->total;
}

/* --- The whole --- */

static void add_faults(struct results_file *file, const struct scenario *scenario,
                       const struct fault_list *list)
{
	file->faults = xcalloc(list->count + 1, sizeof *file->faults);
	for (size_t i = 0; i < list->count; i++) {
		char buffer[TEXT_BYTES];
		struct fb_text text = fb_text_make(buffer, sizeof buffer);

		fault_item_text(scenario, &list->items[i], &text);
		file->faults[file->faults_count++] = xstrdup(buffer);
	}
}

static void take_counts(struct results_file *file, const struct runner_result *result)
{
	memcpy(file->digest, result->digest, sizeof file->digest);
	memcpy(file->excused, result->excused, sizeof file->excused);
	file->now_ns = result->now_ns;
	file->events = result->events;
	file->frames = result->frames;
	file->messages = result->messages;
	file->packet_ins = result->packet_ins;
	file->packet_outs = result->packet_outs;
	file->flow_mods = result->flow_mods;
	file->lldp_frames = result->lldp_frames;
	file->lldp_messages = result->lldp_messages;
}

static void take_verdicts(struct results_file *file, const struct runner_result *result)
{
	for (size_t i = 0; i < file->checks_count; i++) {
		struct results_check *check = &file->checks[i];
		struct runner_judged judged = {.verdict = RUNNER_HELD};

		if (check->kind == RESULTS_STEP)
			judged = result->judged_steps[check->id];
		else if (check->kind == RESULTS_EXPECTATION)
			judged = result->judged_expectations[check->id];
		else if (check->kind == RESULTS_PROPERTY)
			judged = result->judged_properties[check->id];
		check->verdict = judged.verdict;
		check->count = judged.count;
		check->wrong = judged.wrong;
		check->value = judged.value;
	}
}

struct results_file *results_add_run(struct results *results, const struct scenario *scenario,
                                     uint64_t seed, const struct runner_result *result,
                                     uint64_t wall_ns)
{
	struct results_file *file = results_add_scenario(results, scenario, RESULTS_OF_RUN);

	file->seed = file->last_seed = seed;
	file->runs = 1;
	file->wall_ns = wall_ns;
	take_verdicts(file, result);
	results_add_failures(file, &result->failures, seed, NULL);
	file->runs_failed = file->failures_total > 0;
	add_faults(file, scenario, &result->faults);
	take_counts(file, result);
	return file;
}

/* --- Reading it --- */

enum results_outcome results_outcome(const struct results_file *file)
{
	if (!file->name || file->error)
		return RESULTS_ERROR;
	return file->failures_total ? RESULTS_FAILED : RESULTS_HELD;
}

const char *results_verdict_text(enum runner_verdict verdict)
{
	static const char *const texts[] = {[RUNNER_NOT_JUDGED] = "not judged",
	                                    [RUNNER_HELD] = "held",
	                                    [RUNNER_FAILED] = "failed"};

	return texts[verdict];
}

const char *results_kind_text(enum results_kind kind)
{
	static const char *const texts[] = {[RESULTS_RUN] = "run",
	                                    [RESULTS_STEP] = "step",
	                                    [RESULTS_EXPECTATION] = "expectation",
	                                    [RESULTS_PROPERTY] = "property",
	                                    [RESULTS_MUTANT] = "mutant"};

	return texts[kind];
}

const char *results_skip_text(const struct results_file *file)
{
	if (file->scope != RESULTS_OF_RUN)
		return "it was not run";
	return file->checks[0].verdict == RUNNER_FAILED ? "the run ended before"
	                                                : "there was nothing to judge";
}

uint64_t results_count(const struct results_file *file, enum runner_verdict verdict)
{
	uint64_t count = 0;

	for (size_t i = 0; i < file->checks_count; i++)
		count += file->checks[i].verdict == verdict;
	return count;
}

void results_place_text(struct fb_text *text, const char *file, struct position at)
{
	fb_text_puts(text, file);
	if (at.line)
		fb_text_printf(text, ":%u", at.line);
}

void results_write_quoted(FILE *out, const char *quoted)
{
	struct fb_report report;

	fb_report_init(&report, RESULTS_JSON_BYTES_MAX, 1);
	fb_report_text(&report, NULL, quoted);
	fputs(report.text ? report.text : "\"\"", out);
	fb_report_destroy(&report);
}
