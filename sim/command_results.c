/* Results for programs. See command_results.h. */
#include "sim/command_results.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/xalloc.h"
#include "sim/command.h"
#include "sim/command_output.h"

enum { TEXT_BYTES = 5000 };

static bool is_output(const char *path)
{
	return path && !strcmp(path, "-");
}

bool command_results_own_output(const struct command_results *wanted)
{
	return wanted->tap || is_output(wanted->junit) || is_output(wanted->json);
}

static bool ends_in(const char *path, const char *ending)
{
	const size_t len = strlen(path), ending_len = strlen(ending);

	return len >= ending_len && !strcmp(path + len - ending_len, ending);
}

/* A scenario, as it becomes an option's value where somebody forgot that. */
static bool is_scenario(const char *path, char *const *files, size_t files_count)
{
	for (size_t i = 0; i < files_count; i++)
		if (!is_output(files[i]) && command_output_same(path, files[i]))
			return true;
	return (ends_in(path, ".yaml") || ends_in(path, ".yml")) && access(path, F_OK) == 0;
}

static bool spares_scenarios(const char *option, const char *path, char *const *files,
                             size_t files_count)
{
	if (!path || is_output(path) || !is_scenario(path, files, files_count))
		return true;
	fprintf(stderr, "flowbed: %s %s: that is a scenario: name another file for the results.\n",
	        option, path);
	return false;
}

static bool try_output(const char *option, const char *path)
{
	char buffer[TEXT_BYTES];
	struct fb_text why = fb_text_make(buffer, sizeof buffer);

	if (!path || command_output_try(path, &why))
		return true;
	fprintf(stderr, "flowbed: %s: %s\n", option, buffer);
	return false;
}

bool command_results_take(struct command_results *wanted, int option, const char *text)
{
	switch (option) {
	case COMMAND_RESULTS_TAP:
		wanted->tap = true;
		return true;
	case COMMAND_RESULTS_JUNIT:
		wanted->junit = text;
		return true;
	case COMMAND_RESULTS_JSON:
		wanted->json = text;
		return true;
	case COMMAND_RESULTS_ANNOTATIONS:
		wanted->annotations = true;
		return true;
	default:
		return false;
	}
}

int command_results_begin(struct command_results *wanted, const char *command, char *const *files,
                          size_t files_count)
{
	const char *of_github = getenv("GITHUB_ACTIONS");

	if (wanted->tap + is_output(wanted->junit) + is_output(wanted->json) > 1) {
		fputs("flowbed: standard output has room for one of --tap, --junit - and --json -: "
		      "name files for the others.\n",
		      stderr);
		return EXIT_WRONG_INPUT;
	}
	if (wanted->junit && wanted->json && !is_output(wanted->junit) &&
	    !is_output(wanted->json) && command_output_same(wanted->junit, wanted->json)) {
		fputs("flowbed: --junit and --json name the same file: name two.\n", stderr);
		return EXIT_WRONG_INPUT;
	}
	if (!spares_scenarios("--junit", wanted->junit, files, files_count) ||
	    !spares_scenarios("--json", wanted->json, files, files_count))
		return EXIT_WRONG_INPUT;
	if (!try_output("--junit", wanted->junit) || !try_output("--json", wanted->json))
		return EXIT_INTERNAL;
	wanted->annotations |= of_github && !strcmp(of_github, "true");
	results_init(&wanted->results, command);
	return EXIT_HELD;
}

void command_results_plan(const struct command_results *wanted, size_t files_count)
{
	if (wanted->tap)
		results_tap_begin(stdout, files_count);
}

void command_results_tell(const struct command_results *wanted, size_t place)
{
	const struct results_file *file = &wanted->results.files[place];

	if (wanted->tap)
		results_tap_file(stdout, file, place + 1);
	/* GitHub reads both streams. */
	if (wanted->annotations)
		results_github_file(command_results_own_output(wanted) ? stderr : stdout, file);
}

/* --- Files that are loaded before any runs --- */

static struct scenario *load(struct command_results *wanted, const char *path,
                             const char *const *settings)
{
	struct problems problems;
	struct scenario *scenario;

	problems_init(&problems);
	scenario = command_load_quietly(path, settings, &problems);
	problems_print(&problems, command_file_name(path), stderr);
	if (!scenario)
		results_add_problems(&wanted->results, command_file_name(path), &problems);
	problems_destroy(&problems);
	return scenario;
}

struct scenario **command_results_load(struct command_results *wanted, char *const *paths,
                                       size_t count, const char *const *settings)
{
	struct scenario **scenarios = xcalloc(count, sizeof(struct scenario *));

	for (size_t i = 0; i < count; i++)
		scenarios[i] = load(wanted, paths[i], settings);
	if (!wanted->results.count)
		return scenarios;
	command_results_unload(scenarios, count);
	command_results_plan(wanted, wanted->results.count);
	for (size_t i = 0; i < wanted->results.count; i++)
		command_results_tell(wanted, i);
	return NULL;
}

void command_results_unload(struct scenario **scenarios, size_t count)
{
	for (size_t i = 0; scenarios && i < count; i++)
		scenario_free(scenarios[i]);
	free(scenarios);
}

/* --- Documents --- */

static bool write_junit(FILE *out, const struct results *results)
{
	results_junit_write(out, results);
	return true;
}

/* Write a document to memory and then, whole, to its file. */
static bool write_document(const char *path, const struct results *results,
                           bool (*write)(FILE *out, const struct results *results))
{
	char *text = NULL, buffer[TEXT_BYTES];
	struct fb_text why = fb_text_make(buffer, sizeof buffer);
	size_t len = 0;
	FILE *out;
	bool whole;

	if (!path)
		return true;
	out = open_memstream(&text, &len);
	whole = out && write(out, results);
	whole = out && fclose(out) == 0 && whole;
	if (!whole)
		fb_text_printf(&why, "%s: the results are too many to be written", path);
	else
		whole = command_output_write(path, text, len, &why);
	if (!whole)
		fprintf(stderr, "flowbed: %s\n", buffer);
	free(text);
	return whole;
}

bool command_results_end(struct command_results *wanted)
{
	bool written = write_document(wanted->junit, &wanted->results, write_junit);

	written &= write_document(wanted->json, &wanted->results, results_json_write);
	results_destroy(&wanted->results);
	return written;
}
