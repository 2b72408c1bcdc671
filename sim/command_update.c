/* Golden dumps of files. See command_update.h. */
#include "sim/command_update.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/command.h"
#include "sim/command_output.h"
#include "sim/dump_update.h"
#include "sim/runner.h"

enum { TEXT_BYTES = 5000 };

/* The expectation of each id. */
static void collect(const struct scenario_expectation **all, const struct scenario_step *steps,
                    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < steps[i].expectations_count; j++)
			all[steps[i].expectations[j].id] = &steps[i].expectations[j];
		collect(all, steps[i].steps, steps[i].steps_count);
	}
}

static void run(const struct scenario *scenario, const struct command_update *update,
                struct runner_result *result)
{
	const struct runner_options options = {
	        .seed = update->seed ? *update->seed : scenario->seed, .mutant = update->mutant};

	runner_run(scenario, &options, result);
}

/* With the new text the same dumps hold, and all else is as it was. */
static bool is_right(const char *path, const char *text, const struct command_update *update,
                     const struct runner_result *before)
{
	struct problems problems;
	struct scenario *scenario;
	struct runner_result result;
	bool right = true;

	problems_init(&problems);
	scenario = command_load_text(path, text, strlen(text), update->settings, &problems);
	problems_destroy(&problems);
	if (!scenario)
		return false;
	run(scenario, update, &result);
	right = result.judged_expectations_count == before->judged_expectations_count;
	for (size_t i = 0; i < result.judged_expectations_count && right; i++)
		right = result.judged_expectations[i].verdict ==
		        (before->judged_expectations[i].got
		                 ? RUNNER_HELD
		                 : before->judged_expectations[i].verdict);
	runner_result_destroy(&result);
	scenario_free(scenario);
	return right;
}

static bool write_text(const char *path, const char *text, struct fb_text *why)
{
	return command_output_write(path, text, strlen(text), why);
}

/* Write 'changes', which are those of 'result', to the file. */
static bool change_file(const char *path, const struct command_update *update,
                        const struct dump_change *changes, size_t count,
                        const struct runner_result *result)
{
	char buffer[TEXT_BYTES];
	struct fb_text why = fb_text_make(buffer, sizeof buffer);
	size_t len;
	char *old = command_read_file(path, &len), *new = NULL;
	bool written = false;

	if (!old)
		return false;
	new = dump_update(old, len, changes, count, &why);
	if (!new) {
		fprintf(stderr, "%s:%s\n", path, buffer);
	} else if (!is_right(path, new, update, result)) {
		fprintf(stderr,
		        "%s: its dumps are written in a way that cannot be updated: write each as "
		        "is: |, without anchors\n",
		        path);
	} else {
		written = write_text(path, new, &why);
		if (!written)
			fprintf(stderr, "flowbed: %s\n", buffer);
	}
	free(old);
	free(new);
	return written;
}

static bool update_loaded(const char *path, const struct scenario *scenario,
                          const struct command_update *update)
{
	const size_t ids = scenario->expectation_ids;
	const struct scenario_expectation **all = xcalloc(ids + 1, sizeof *all);
	struct dump_change *changes = xcalloc(ids + 1, sizeof *changes);
	struct runner_result result;
	size_t count = 0;
	bool written = true;

	collect(all, scenario->steps, scenario->steps_count);
	run(scenario, update, &result);
	for (size_t i = 0; i < ids; i++)
		if (result.judged_expectations[i].got)
			changes[count++] = (struct dump_change){all[i]->dump,
			                                        result.judged_expectations[i].got};
	if (count)
		written = change_file(path, update, changes, count, &result);
	for (size_t i = 0; i < ids && count && written; i++)
		if (result.judged_expectations[i].got)
			fprintf(update->out, "%s:%u: updated the %s\n", path,
			        all[i]->dump->key_at.line, all[i]->text);
	if (count && written)
		fputc('\n', update->out);
	runner_result_destroy(&result);
	free(changes);
	free(all);
	return written;
}

bool command_update_file(const char *path, const struct command_update *update)
{
	struct problems problems;
	struct scenario *scenario;
	bool written = true;

	problems_init(&problems);
	scenario = command_load_quietly(path, update->settings, &problems);
	problems_destroy(&problems);
	if (scenario)
		written = update_loaded(path, scenario, update);
	scenario_free(scenario);
	return written;
}
