/* flowbed mutate: runs scenarios with controllers and switches that are wrong in one way, and tells which
 * of them no scenario catches. See command.h.
 *
 * First every scenario runs without a mutant, under every seed; then with each mutant, under the seeds
 * with which it held, until it is caught. Both in jobs (jobs.h); mutate.h keeps the verdicts. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/xalloc.h"
#include "sim/command.h"
#include "sim/command_results.h"
#include "sim/jobs.h"
#include "sim/mutate.h"
#include "sim/sweep.h"

enum { MUTANTS_MAX = 256 };
#define SEEDS_MAX UINT64_C(1000000)

struct arguments {
	struct sweep_seeds seeds;
	bool own_seeds; /* of the files, in place of those */
	bool list, each;
	uint64_t jobs;
	struct command_settings settings;
	const struct mutant *mutants[MUTANTS_MAX];
	size_t mutants_count;
	struct command_results results;
	FILE *out; /* for people; NULL: standard output is for programs */
	char **files;
	size_t files_count;
};

struct mutating {
	struct arguments *arguments;
	struct scenario **scenarios;
	char **names;                 /* of files */
	struct results_file *results; /* for programs */
	bool *holds;                  /* by file, then by seed: without a mutant */
	bool all_hold;
	struct mutate *mutate;
	bool terminal; /* standard error is one: progress is told */
};

static void help(FILE *out)
{
	fputs("usage: flowbed mutate [OPTION...] FILE...\n"
	      "\n"
	      "Runs each scenario FILE with our controller or switch made wrong in one way, for "
	      "each "
	      "of many ways (mutants),\n"
	      "and tells which scenario catches which: in which a run fails that holds without the "
	      "mutant under the same seed.\n"
	      "What no scenario catches nobody would notice in a controller or switch of your own "
	      "either.\n"
	      "\n"
	      "      --list              tell the mutants, and run nothing\n"
	      "      --mutant NAME       only this one; may be repeated\n"
	      "      --seeds A..B        run with each of these seeds (the file's own)\n"
	      "  -j, --jobs N            run in N processes (as many as there are processors; at "
	      "most 256)\n"
	      "      --set APP.OPT=VAL   as for flowbed run\n"
	      "  -v, --verbose           under each mutant, what became of it in each "
	      "file\n" COMMAND_RESULTS_HELP "  -h, --help              this text\n"
	      "\n"
	      "Exit code: 0 every mutant is caught, 1 one is not, or a scenario does not hold "
	      "without "
	      "a mutant, 2 a file or the\n"
	      "command line is wrong, 3 another error, or it was interrupted.\n",
	      out);
}

/* --- Which run is which --- */

static uint64_t seeds_count(const struct mutating *mutating)
{
	const struct arguments *arguments = mutating->arguments;

	return arguments->own_seeds ? 1 : arguments->seeds.last - arguments->seeds.first + 1;
}

static uint64_t seed_of(const struct mutating *mutating, size_t file, uint64_t number)
{
	return mutating->arguments->own_seeds ? mutating->scenarios[file]->seed
	                                      : mutating->arguments->seeds.first + number;
}

/* --- In a job --- */

/* The first that does not hold without a mutant; nothing where all does. */
static void work_alone(void *ctx, uint64_t item, FILE *out)
{
	const struct mutating *mutating = ctx;
	const uint64_t seeds = seeds_count(mutating);
	const size_t file = item / seeds;
	const struct runner_options options = {.seed = seed_of(mutating, file, item % seeds)};
	struct runner_result result;

	runner_run(mutating->scenarios[file], &options, &result);
	if (result.failures.total)
		fputs(result.failures.count ? result.failures.items[0].key : "something", out);
	runner_result_destroy(&result);
}

static void work_mutant(void *ctx, uint64_t item, FILE *out)
{
	const struct mutating *mutating = ctx;
	const struct arguments *arguments = mutating->arguments;
	const uint64_t seeds = seeds_count(mutating);
	const size_t file = item / arguments->mutants_count;
	struct mutate_verdict verdict = {.fate = MUTATE_NOT_RUN};

	for (uint64_t i = 0; i < seeds && verdict.fate != MUTATE_CAUGHT; i++) {
		const struct runner_options options = {
		        .seed = seed_of(mutating, file, i),
		        .mutant = arguments->mutants[item % arguments->mutants_count]};
		struct runner_result result;

		if (!mutating->holds[file * seeds + i])
			continue;
		runner_run(mutating->scenarios[file], &options, &result);
		mutate_judge(&verdict, options.seed, &result);
		runner_result_destroy(&result);
	}
	mutate_write(&verdict, out);
	free(verdict.key);
}

/* --- What came of it --- */

static void clear_progress(const struct mutating *mutating)
{
	if (mutating->terminal)
		fputs("\r\033[K", stderr);
}

static void progress(void *ctx, const struct jobs_progress *now)
{
	const struct mutating *mutating = ctx;

	clear_progress(mutating);
	if (mutating->terminal && now->done < now->items)
		fprintf(stderr, "%llu of %llu", (unsigned long long)now->done,
		        (unsigned long long)now->items);
}

/* "crash: signal 11 (Segmentation fault)", which the caller frees; NULL: there was none. */
static char *crash_of(const struct jobs_result *result)
{
	char text[120] = "crash: ";

	return jobs_crash_text(result, text + strlen(text), sizeof text - strlen(text))
	               ? xstrdup(text)
	               : NULL;
}

static void tell_alone(const struct mutating *mutating, size_t file, uint64_t seed, const char *key)
{
	FILE *out = mutating->arguments->out;

	clear_progress(mutating);
	results_alone_failed(mutating->results, file, seed, key);
	if (out)
		fprintf(out,
		        "%s does not hold without a mutant, with seed %llu: %s; it is not "
		        "counted\n",
		        mutating->names[file], (unsigned long long)seed, key);
}

static bool done_alone(void *ctx, uint64_t item, const struct jobs_result *result)
{
	struct mutating *mutating = ctx;
	const uint64_t seeds = seeds_count(mutating);
	const size_t file = item / seeds;
	char *crash = crash_of(result);

	mutating->holds[item] = !crash && !result->len;
	if (!mutating->holds[item]) {
		mutating->all_hold = false;
		tell_alone(mutating, file, seed_of(mutating, file, item % seeds),
		           crash ? crash : result->bytes);
	}
	free(crash);
	return true;
}

/* A run that crashes is caught; which seed it was is not known. */
static bool done_mutant(void *ctx, uint64_t item, const struct jobs_result *result)
{
	struct mutating *mutating = ctx;
	const size_t count = mutating->arguments->mutants_count;
	struct mutate_verdict verdict;
	char *crash = crash_of(result);

	if (crash)
		verdict = (struct mutate_verdict){
		        .fate = MUTATE_CAUGHT, .no_seed = true, .key = crash};
	else if (!mutate_read(&verdict, result->bytes, result->len))
		verdict = (struct mutate_verdict){.fate = MUTATE_CAUGHT,
		                                  .no_seed = true,
		                                  .key = xstrdup("crash: no result")};
	mutate_set(mutating->mutate, item % count, item / count, &verdict);
	return true;
}

/* --- The whole --- */

/* False where it came to no end, after telling why. */
static bool run_items(struct mutating *mutating, uint64_t items,
                      void (*work)(void *, uint64_t, FILE *),
                      bool (*done)(void *, uint64_t, const struct jobs_result *))
{
	const struct jobs_ops ops = {
	        .work = work, .done = done, .progress = progress, .ctx = mutating};
	char buffer[200];
	struct fb_text error = fb_text_make(buffer, sizeof buffer);
	uint64_t count;
	enum jobs_end end;

	end = jobs_run((unsigned)mutating->arguments->jobs, items, 0, &ops, &count);
	clear_progress(mutating);
	if (end == JOBS_ALL)
		return true;
	if (end == JOBS_INTERRUPTED)
		fb_text_puts(&error, "interrupted before all mutants had run");
	else
		fb_text_printf(&error, "a process for a job cannot be had: %s", strerror(errno));
	fprintf(stderr, "flowbed: %s\n", buffer);
	results_set_error(mutating->results, buffer);
	return false;
}

static int tell_end(struct mutating *mutating)
{
	const struct arguments *arguments = mutating->arguments;

	mutate_results(mutating->mutate, mutating->results);
	if (arguments->out) {
		if (!mutating->all_hold)
			fputc('\n', arguments->out);
		mutate_table(mutating->mutate, arguments->each, arguments->out);
	}
	return mutating->all_hold && !mutate_survivors(mutating->mutate) ? EXIT_HELD
	                                                                 : EXIT_NOT_HELD;
}

static int mutate_loaded(struct arguments *arguments, struct scenario **scenarios, char **names)
{
	struct mutating mutating = {.arguments = arguments,
	                            .scenarios = scenarios,
	                            .names = names,
	                            .all_hold = true,
	                            .terminal = isatty(STDERR_FILENO)};
	const uint64_t runs = arguments->files_count * seeds_count(&mutating);
	int code = EXIT_INTERNAL;

	mutating.results =
	        results_add_mutants(&arguments->results.results, names, arguments->files_count);
	mutating.holds = xcalloc(runs, sizeof *mutating.holds);
	mutating.mutate = mutate_new(arguments->mutants, arguments->mutants_count, names,
	                             arguments->files_count);
	command_results_plan(&arguments->results, 1);
	if (run_items(&mutating, runs, work_alone, done_alone)) {
		results_alone_end(mutating.results);
		if (run_items(&mutating, arguments->files_count * arguments->mutants_count,
		              work_mutant, done_mutant))
			code = tell_end(&mutating);
	}
	command_results_tell(&arguments->results, 0);
	mutate_free(mutating.mutate);
	free(mutating.holds);
	return code;
}

static int mutate_files(struct arguments *arguments)
{
	struct scenario **scenarios =
	        command_results_load(&arguments->results, arguments->files, arguments->files_count,
	                             arguments->settings.list);
	char **names = command_names(arguments->files, arguments->files_count);
	int code = scenarios ? mutate_loaded(arguments, scenarios, names) : EXIT_WRONG_INPUT;

	command_results_unload(scenarios, arguments->files_count);
	command_names_free(names, arguments->files_count);
	return code;
}

static int tell_mutants(void)
{
	const struct mutant *mutant;

	for (size_t i = 0; (mutant = mutants_at(i)) != NULL; i++)
		printf("%-29s  %-10s  %s\n", mutant->name,
		       mutant->side == MUTANT_CONTROLLER ? "controller" : "switch",
		       mutant->description);
	return EXIT_HELD;
}

enum { OPTION_SET = 256, OPTION_SEEDS, OPTION_MUTANT, OPTION_LIST };

static const struct option options[] = {{"list", no_argument, NULL, OPTION_LIST},
                                        {"mutant", required_argument, NULL, OPTION_MUTANT},
                                        {"seeds", required_argument, NULL, OPTION_SEEDS},
                                        {"jobs", required_argument, NULL, 'j'},
                                        {"set", required_argument, NULL, OPTION_SET},
                                        {"verbose", no_argument, NULL, 'v'},
                                        COMMAND_RESULTS_OPTIONS,
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

_Static_assert(JOBS_MAX == 256, "the help text says so");

static bool take_jobs(const char *text, uint64_t *jobs)
{
	if (!command_take_number("--jobs", text, jobs))
		return false;
	if (*jobs && *jobs <= JOBS_MAX)
		return true;
	fprintf(stderr, "flowbed: --jobs '%s': from 1 to 256, please\n", text);
	return false;
}

static bool take_seeds(struct arguments *arguments, const char *text)
{
	const char *wrong;

	arguments->own_seeds = false;
	if (sweep_seeds_parse(text, &arguments->seeds, &wrong)) {
		if (arguments->seeds.last - arguments->seeds.first < SEEDS_MAX)
			return true;
		wrong = "at most a million, please";
	}
	fprintf(stderr, "flowbed: --seeds '%s': %s\n", text, wrong);
	return false;
}

static bool take_mutant(struct arguments *arguments, const char *name)
{
	const struct mutant *mutant;

	if (!command_take_mutant(name, &mutant))
		return false;
	for (size_t i = 0; i < arguments->mutants_count; i++)
		if (arguments->mutants[i] == mutant)
			return true;
	if (arguments->mutants_count < MUTANTS_MAX)
		arguments->mutants[arguments->mutants_count++] = mutant;
	return true;
}

/* Take one option; false after a complaint. */
static bool take_option(struct arguments *arguments, int option, const char *word)
{
	switch (option) {
	case 'j':
		return take_jobs(optarg, &arguments->jobs);
	case 'v':
		arguments->each = true;
		return true;
	case OPTION_LIST:
		arguments->list = true;
		return true;
	case OPTION_SEEDS:
		return take_seeds(arguments, optarg);
	case OPTION_MUTANT:
		return take_mutant(arguments, optarg);
	case OPTION_SET:
		return command_take_setting(&arguments->settings, optarg);
	default:
		if (command_results_take(&arguments->results, option, optarg))
			return true;
		command_bad_option(command_mutate.name, options, option, word);
		return false;
	}
}

static void take_all_mutants(struct arguments *arguments)
{
	const struct mutant *mutant;

	for (size_t i = 0; i < MUTANTS_MAX && (mutant = mutants_at(i)) != NULL; i++)
		arguments->mutants[arguments->mutants_count++] = mutant;
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {.own_seeds = true, .jobs = jobs_processors()};
	int option, code;

	while ((option = getopt_long(argc, argv, ":j:vh", options, NULL)) != -1) {
		if (option == 'h') {
			help(stdout);
			return EXIT_HELD;
		}
		if (!take_option(&arguments, option, argv[optind - 1]))
			return EXIT_WRONG_INPUT;
	}
	if (arguments.list)
		return tell_mutants();
	arguments.files = argv + optind;
	arguments.files_count = (size_t)(argc - optind);
	if (!command_needs_files(command_mutate.name, argc - optind))
		return EXIT_WRONG_INPUT;
	if (!arguments.mutants_count)
		take_all_mutants(&arguments);
	code = command_results_begin(&arguments.results, command_mutate.name, arguments.files,
	                             arguments.files_count);
	if (code != EXIT_HELD)
		return code;
	arguments.out = command_results_own_output(&arguments.results) ? NULL : stdout;
	code = mutate_files(&arguments);
	return command_results_end(&arguments.results) ? code : EXIT_INTERNAL;
}

const struct command command_mutate = {"mutate", "find out which wrong programs scenarios catch",
                                       run};
