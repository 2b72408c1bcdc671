/* Whether a scenario still fails in the same way. See command_shrink_judge.h. */
#include "sim/command_shrink_judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/command.h"
#include "sim/jobs.h"
#include "sim/runner.h"
#include "sim/shrink.h"
#include "sim/yaml_write.h"

enum { CRASH_BYTES = 120, FAULT_BYTES = 400 };

bool command_shrink_judge_over(const struct judge *judge)
{
	return judge->stopped || judge->runs >= judge->runs_max;
}

static struct scenario *load(const struct judge *judge, const char *text, size_t len)
{
	struct problems problems;
	struct scenario *scenario;

	problems_init(&problems);
	scenario = command_load_text(judge->path, text, len, NULL, &problems);
	problems_destroy(&problems);
	return scenario;
}

/* The scenario without what may go wrong by itself. */
static struct scenario *load_without_faults(const struct judge *judge, const char *text, size_t len)
{
	const struct shrink_chance chance = {.rates = true, .links = true, .splits = true};
	struct scenario *scenario = NULL;
	struct yaml_tree tree;
	struct problems problems;

	problems_init(&problems);
	if (yaml_tree_parse(&tree, text, len, &problems) && tree.root) {
		char *control;
		size_t control_len;

		shrink_without_chance(&tree, chance);
		shrink_set_faults(&tree, NULL, 0);
		control = yaml_write_text(tree.root, &control_len);
		scenario = load(judge, control, control_len);
		free(control);
	}
	yaml_tree_destroy(&tree);
	problems_destroy(&problems);
	return scenario;
}

/* --- Does it fail? --- */

/* Items: each seed, and then the control. The answer of each is one character. */
struct question {
	struct judge *judge;
	struct scenario *scenario, *control; /* NULL: the same */
	bool only_control;
	bool yes;
};

static bool fails_so(const struct judge *judge, const struct runner_result *result)
{
	for (size_t i = 0; i < result->failures.count; i++) {
		if (!strcmp(result->failures.items[i].key, judge->key))
			return true;
		if (!judge->any)
			return false;
	}
	return false;
}

/* In a job: what a crash says is said often, and again by the file that is left. */
static void be_silent(void)
{
	if (!freopen("/dev/null", "w", stderr))
		return;
}

static void answer(void *ctx, uint64_t item, FILE *out)
{
	const struct question *question = ctx;
	const struct judge *judge = question->judge;
	const bool control = question->only_control || item == judge->seeds_count;
	const struct runner_options options = {
	        .seed = judge->seeds[control ? 0 : item],
	        .mutant = control && judge->control == JUDGE_WITHOUT_MUTANT ? NULL : judge->mutant};
	struct runner_result result;

	be_silent();
	runner_run(control && question->control ? question->control : question->scenario, &options,
	           &result);
	fputc((control ? !result.failures.total : fails_so(judge, &result)) ? 'y' : 'n', out);
	runner_result_destroy(&result);
}

static bool take_answer(void *ctx, uint64_t item, const struct jobs_result *result)
{
	struct question *question = ctx;
	struct judge *judge = question->judge;
	char crash[CRASH_BYTES] = "crash: ";

	judge->runs++;
	if (jobs_crash_text(result, crash + strlen(crash), sizeof crash - strlen(crash)))
		question->yes = !question->only_control && item < judge->seeds_count &&
		                !strcmp(crash, judge->key);
	else
		question->yes = result->len == 1 && result->bytes[0] == 'y';
	return question->yes;
}

static void note_end(struct judge *judge, enum jobs_end end)
{
	if (end == JOBS_FAILED)
		judge->error = errno;
	if (end == JOBS_INTERRUPTED || end == JOBS_FAILED)
		judge->stopped = true;
}

static bool ask(struct question *question, uint64_t items)
{
	const struct jobs_ops ops = {.work = answer, .done = take_answer, .ctx = question};
	uint64_t done;
	const enum jobs_end end = jobs_run(1, items, 0, &ops, &done);

	note_end(question->judge, end);
	return end == JOBS_ALL && question->yes;
}

static bool is_so(struct judge *judge, const char *text, size_t len, bool only_control)
{
	const bool quiet = judge->control == JUDGE_WITHOUT_FAULTS;
	struct question question = {.judge = judge, .only_control = only_control};
	bool yes = false;

	if (only_control ? judge->stopped : command_shrink_judge_over(judge))
		return false;
	question.scenario = load(judge, text, len);
	if (question.scenario && quiet)
		question.control = load_without_faults(judge, text, len);
	if (question.scenario && (!quiet || question.control))
		yes = ask(&question,
		          only_control ? 1
		                       : judge->seeds_count + (judge->control != JUDGE_NOTHING));
	scenario_free(question.scenario);
	scenario_free(question.control);
	return yes;
}

bool command_shrink_judge_fails(struct judge *judge, const char *text, size_t len)
{
	return is_so(judge, text, len, false);
}

bool command_shrink_judge_control_holds(struct judge *judge, const char *text, size_t len)
{
	return is_so(judge, text, len, true);
}

/* --- A closer look --- */

/* What chance did in a run, in the order of time. */
struct chances {
	struct fault *items;
	size_t count;
};

static void note_chance(void *ctx, uint64_t now_ns, const struct fault *fault)
{
	struct chances *chances = ctx;

	if (chances->count == FAULTS_MAX)
		return;
	if (!(chances->count & (chances->count - 1)))
		chances->items =
		        xrealloc(chances->items, (2 * chances->count + 1) * sizeof *chances->items);
	chances->items[chances->count] = *fault;
	chances->items[chances->count++].time_ns = now_ns;
}

struct look {
	const struct judge *judge;
	const struct scenario *scenario;
	bool mutated;
	struct judge_sight *sight;
};

static void write_fault(const struct scenario *scenario, const struct fault *fault, FILE *out)
{
	char text[FAULT_BYTES];
	struct fb_text item = fb_text_make(text, sizeof text);

	fault_item_text(scenario, fault, &item);
	fprintf(out, "- %s\n", text);
}

/* The faults of the run and, unless it is NULL, what chance did from 'start_ns' on, as one list. */
static void write_faults(const struct scenario *scenario, const struct fault_list *list,
                         const struct chances *chances, uint64_t start_ns, FILE *out)
{
	size_t next = 0;

	for (size_t i = 0; chances && i < chances->count; i++) {
		struct fault fault = chances->items[i];

		if (fault.time_ns < start_ns)
			continue; /* before the first step nothing can be told to happen */
		fault.time_ns -= start_ns;
		for (; next < list->count && list->items[next].time_ns <= fault.time_ns; next++)
			write_fault(scenario, &list->items[next], out);
		write_fault(scenario, &fault, out);
	}
	for (; next < list->count; next++)
		write_fault(scenario, &list->items[next], out);
}

/* Text of one line. */
static void write_line(const char *text, FILE *out)
{
	for (; *text; text++)
		fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
}

static void write_failure(const struct failure *failure, FILE *out)
{
	char time[40];
	struct fb_text text = fb_text_make(time, sizeof time);

	write_line(failure->key, out);
	fputc(0, out);
	fb_text_time(&text, failure->time_ns);
	fputs("expected ", out);
	write_line(failure->expected, out);
	fputs("; happened ", out);
	write_line(failure->happened, out);
	fprintf(out, "; at %s s", time);
	fputc(0, out);
}

/* Key, line and chance, each ended by a NUL. */
static void look(void *ctx, uint64_t item, FILE *out)
{
	const struct look *looking = ctx;
	const struct judge *judge = looking->judge;
	struct chances chances = {.count = 0};
	const struct network_observer observer = {.chance = note_chance, .ctx = &chances};
	const struct runner_options options = {.seed = judge->seeds[0],
	                                       .mutant = looking->mutated ? judge->mutant : NULL,
	                                       .observer = &observer};
	struct runner_result result;
	size_t place = 0;

	(void)item;
	be_silent();
	runner_run(looking->scenario, &options, &result);
	while (judge->key && place < result.failures.count &&
	       strcmp(result.failures.items[place].key, judge->key))
		place++;
	if (place < result.failures.count)
		write_failure(&result.failures.items[place], out);
	else
		fwrite("\0", 2, 1, out);
	write_faults(looking->scenario, &result.faults, &chances, result.start_ns, out);
	fputc(0, out);
	runner_result_destroy(&result);
	free(chances.items);
}

static bool take_look(void *ctx, uint64_t item, const struct jobs_result *result)
{
	const struct look *looking = ctx;
	char *texts[3], crash[CRASH_BYTES] = "crash: ";
	const char *at = result->bytes;

	(void)item;
	if (jobs_crash_text(result, crash + strlen(crash), sizeof crash - strlen(crash))) {
		*looking->sight = (struct judge_sight){.key = xstrdup(crash),
		                                       .line = xstrdup("the run ended so")};
		return true;
	}
	for (size_t i = 0; i < 3; i++) {
		texts[i] = xstrdup(at);
		at += strlen(at) + 1;
	}
	*looking->sight = (struct judge_sight){texts[0], texts[1], texts[2]};
	if (!texts[0][0]) {
		free(texts[0]);
		looking->sight->key = NULL;
	}
	return true;
}

bool command_shrink_judge_look(struct judge *judge, const char *text, size_t len, bool mutated,
                               struct judge_sight *sight)
{
	struct look looking = {.judge = judge, .mutated = mutated, .sight = sight};
	const struct jobs_ops ops = {.work = look, .done = take_look, .ctx = &looking};
	struct scenario *scenario = load(judge, text, len);
	uint64_t done;

	*sight = (struct judge_sight){0};
	if (!scenario)
		return false;
	looking.scenario = scenario;
	judge->runs++;
	note_end(judge, jobs_run(1, 1, 0, &ops, &done));
	scenario_free(scenario);
	return done == 1;
}

void command_shrink_judge_forget(struct judge_sight *sight)
{
	free(sight->key);
	free(sight->line);
	free(sight->chance);
	*sight = (struct judge_sight){0};
}

char *command_shrink_judge_faults(const struct judge *judge, const char *text, size_t len)
{
	struct scenario *scenario = load(judge, text, len);
	struct fault_list list;
	char *items = NULL;
	size_t items_len;
	FILE *out;

	if (!scenario)
		return NULL;
	out = open_memstream(&items, &items_len);
	if (!out)
		xalloc_failed("a list of faults");
	fault_list_draw(&list, scenario, judge->seeds[0]);
	write_faults(scenario, &list, NULL, 0, out);
	fclose(out);
	fault_list_destroy(&list);
	scenario_free(scenario);
	return items;
}
