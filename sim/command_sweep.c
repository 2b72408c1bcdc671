/* flowbed sweep: runs scenarios under many seeds and tells which of them fail. See command.h.
 *
 * Scenarios are loaded once; jobs, which are forked, make the runs (jobs.h), and sweep.h counts
 * what came of them. Standard output depends on files, seeds and options alone, neither on the
 * jobs nor on the machine; what depends on time goes to standard error. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/values.h"
#include "lib/base/xalloc.h"
#include "sim/command.h"
#include "sim/command_results.h"
#include "sim/jobs.h"
#include "sim/sweep.h"

struct arguments {
	struct sweep_seeds seeds;
	uint64_t jobs, until_ms, stop_after; /* 0: no limit */
	struct command_settings settings;
	const struct mutant *mutant; /* NULL: none */
	struct command_results results;
	FILE *out; /* for people; NULL: standard output is for programs */
	char **files;
	size_t files_count;
};

struct sweeping {
	struct arguments *arguments;
	struct scenario **scenarios;
	char **names; /* of files */
	struct sweep *sweep;
	struct jobs_progress latest;
	bool terminal; /* standard error is one: progress is told */
};

static void help(FILE *out)
{
	fputs("usage: flowbed sweep [OPTION...] FILE...\n"
	      "\n"
	      "Runs each scenario FILE ('-' is standard input) under many seeds, in several "
	      "processes, and "
	      "tells each run that\n"
	      "fails, with the command that repeats it; then, how many failed, and in what. A run "
	      "that "
	      "crashes is one that fails.\n"
	      "What goes to standard output is the same for any number of jobs; times and rates go "
	      "to "
	      "standard error.\n"
	      "\n"
	      "      --seeds A..B        the seeds, or one of them (1..1000)\n"
	      "  -j, --jobs N            run in N processes (as many as there are processors; at "
	      "most 256)\n"
	      "      --until TIME        begin no run after this time, as 10m\n"
	      "      --stop-after N      end when N runs have failed\n"
	      "      --set APP.OPT=VAL   as for flowbed run\n"
	      "      --mutant NAME       as for flowbed run\n" COMMAND_RESULTS_HELP
	      "  -h, --help              this text\n"
	      "\n"
	      "Exit code: 0 all runs held, 1 one failed, 2 a file or the command line is wrong, 3 "
	      "another "
	      "error, or it was\n"
	      "interrupted before anything failed.\n",
	      out);
}

/* --- In a job --- */

static void work(void *ctx, uint64_t item, FILE *out)
{
	const struct sweeping *sweeping = ctx;
	const struct runner_options options = {.seed = sweep_seed_of(sweeping->sweep, item),
	                                       .mutant = sweeping->arguments->mutant};
	const uint64_t began_ns = command_wall_ns();
	struct runner_result result;
	struct sweep_run run;

	runner_run(sweeping->scenarios[sweep_file_of(sweeping->sweep, item)], &options, &result);
	run = sweep_run_of(&result, command_wall_ns() - began_ns);
	sweep_run_write(&run, out);
	sweep_run_destroy(&run);
	runner_result_destroy(&result);
}

/* --- What came of it --- */

/* The progress line goes away, so that another line can stand there. */
static void clear_progress(const struct sweeping *sweeping)
{
	if (sweeping->terminal)
		fputs("\r\033[K", stderr);
}

/* The command that repeats a run, for the caller to free. */
static char *command_of(const struct arguments *arguments, size_t file, uint64_t seed)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return xstrdup("");
	fputs("flowbed run ", out);
	command_put_file(out, arguments->files[file]);
	fprintf(out, " --seed %llu", (unsigned long long)seed);
	if (arguments->mutant)
		fprintf(out, " --mutant %s", arguments->mutant->name);
	for (size_t i = 0; i < arguments->settings.count; i++) {
		fputs(" --set ", out);
		command_put_word(out, arguments->settings.list[i]);
	}
	return fclose(out) ? xstrdup("") : text;
}

static void tell_failure(const struct sweeping *sweeping, size_t file, uint64_t seed,
                         const char *key, const char *command)
{
	FILE *out = sweeping->arguments->out;

	clear_progress(sweeping);
	if (!out)
		return;
	fprintf(out, "%s: seed %llu: %s: %s\n", sweeping->names[file], (unsigned long long)seed,
	        key, command);
	fflush(out);
}

/* A run is done: tell its failure, and keep what programs want to know. */
static void take_run(struct sweeping *sweeping, uint64_t item, const struct sweep_run *run)
{
	struct results *results = &sweeping->arguments->results.results;
	const size_t file = sweep_file_of(sweeping->sweep, item);
	const uint64_t seed = sweep_seed_of(sweeping->sweep, item);
	const char *key = sweep_run_key(run);
	char *command = key ? command_of(sweeping->arguments, file, seed) : NULL;

	sweep_add(sweeping->sweep, run);
	results_sweep_run(&results->files[file], seed, run, command);
	if (key)
		tell_failure(sweeping, file, seed, key, command);
	free(command);
}

static bool done(void *ctx, uint64_t item, const struct jobs_result *result)
{
	struct sweeping *sweeping = ctx;
	const struct arguments *arguments = sweeping->arguments;
	char crash[120];
	struct sweep_run run;

	if (jobs_crash_text(result, crash, sizeof crash))
		run = sweep_run_crashed(crash);
	else if (!sweep_run_read(&run, result->bytes, result->len))
		run = sweep_run_crashed("no result");
	take_run(sweeping, item, &run);
	sweep_run_destroy(&run);
	return !(arguments->out && ferror(arguments->out)) &&
	       (!arguments->stop_after || sweep_failed(sweeping->sweep) < arguments->stop_after);
}

/* "12 s", "3 min 5 s" */
static void put_seconds(uint64_t seconds)
{
	if (seconds >= 3600)
		fprintf(stderr, "%llu h ", (unsigned long long)seconds / 3600);
	if (seconds >= 60)
		fprintf(stderr, "%llu min ", (unsigned long long)seconds / 60 % 60);
	fprintf(stderr, "%llu s", (unsigned long long)seconds % 60);
}

static uint64_t rate_of(const struct jobs_progress *progress)
{
	return progress->elapsed_ms ? progress->done * 1000 / progress->elapsed_ms : 0;
}

static void progress(void *ctx, const struct jobs_progress *now)
{
	struct sweeping *sweeping = ctx;
	const uint64_t rate = rate_of(now), until_ms = sweeping->arguments->until_ms;
	uint64_t left, until_left_ms;

	sweeping->latest = *now;
	if (!sweeping->terminal)
		return;
	clear_progress(sweeping);
	fprintf(stderr, "%llu of %llu runs, %llu failed, %llu a second",
	        (unsigned long long)now->done, (unsigned long long)now->items,
	        (unsigned long long)sweep_failed(sweeping->sweep), (unsigned long long)rate);
	if (rate) {
		left = (now->items - now->done) / rate;
		until_left_ms = until_ms > now->elapsed_ms ? until_ms - now->elapsed_ms : 0;
		if (until_ms && left > until_left_ms / 1000)
			left = until_left_ms / 1000;
		fputs(", ", stderr);
		put_seconds(left);
		fputs(" left", stderr);
	}
}

static void tell_early_end(const struct sweeping *sweeping, enum jobs_end end, FILE *out)
{
	const struct arguments *arguments = sweeping->arguments;
	const uint64_t seeds = sweep_done(sweeping->sweep) / arguments->files_count;

	fputs("ended early: ", out);
	if (end == JOBS_ENOUGH)
		fprintf(out, "%llu runs failed", (unsigned long long)sweep_failed(sweeping->sweep));
	else
		fputs(end == JOBS_OUT_OF_TIME ? "the time was over" : "interrupted", out);
	if (seeds)
		fprintf(out, "; all were run up to seed %llu\n",
		        (unsigned long long)(arguments->seeds.first + seeds - 1));
	else
		fputs("; no seed was run with every file\n", out);
}

static void tell_end(const struct sweeping *sweeping, enum jobs_end end)
{
	FILE *out = sweeping->arguments->out;

	clear_progress(sweeping);
	if (end != JOBS_ALL)
		tell_early_end(sweeping, end, out ? out : stderr);
	if (out) {
		sweep_summary(sweeping->sweep, out);
		fflush(out);
	}
	fprintf(stderr, "%llu runs in %llu.%llu s: %llu a second\n",
	        (unsigned long long)sweeping->latest.done,
	        (unsigned long long)sweeping->latest.elapsed_ms / 1000,
	        (unsigned long long)sweeping->latest.elapsed_ms / 100 % 10,
	        (unsigned long long)rate_of(&sweeping->latest));
}

/* What programs want to know, of every file; 'error': why not all was run, NULL: it is. */
static void give_results(struct arguments *arguments, const char *error)
{
	struct results *results = &arguments->results.results;

	for (size_t i = 0; i < results->count; i++) {
		results_sweep_end(&results->files[i]);
		if (error)
			results_set_error(&results->files[i], error);
		command_results_tell(&arguments->results, i);
	}
}

/* --- The whole --- */

static int sweep_runs_of(struct sweeping *sweeping, uint64_t runs)
{
	struct arguments *arguments = sweeping->arguments;
	const struct jobs_ops ops = {
	        .work = work, .done = done, .progress = progress, .ctx = sweeping};
	enum jobs_end end;
	uint64_t count;

	for (size_t i = 0; i < arguments->files_count; i++)
		results_add_sweep(&arguments->results.results, sweeping->scenarios[i],
		                  arguments->seeds);
	command_results_plan(&arguments->results, arguments->files_count);
	end = jobs_run((unsigned)arguments->jobs, runs, arguments->until_ms, &ops, &count);
	if (end == JOBS_FAILED) {
		char error[200];
		struct fb_text text = fb_text_make(error, sizeof error);

		fb_text_printf(&text, "a process for a job cannot be had: %s", strerror(errno));
		clear_progress(sweeping);
		fprintf(stderr, "flowbed: %s\n", error);
		give_results(arguments, error);
		return EXIT_INTERNAL;
	}
	tell_end(sweeping, end);
	give_results(arguments, end == JOBS_INTERRUPTED ? "the sweep was interrupted" : NULL);
	if (sweep_failed(sweeping->sweep))
		return EXIT_NOT_HELD;
	return end == JOBS_INTERRUPTED ? EXIT_INTERNAL : EXIT_HELD;
}

static int sweep_loaded(struct arguments *arguments, struct scenario **scenarios, char **names)
{
	struct sweeping sweeping = {
	        .arguments = arguments,
	        .scenarios = scenarios,
	        .names = names,
	        .sweep = sweep_new(names, arguments->files_count, arguments->seeds),
	        .terminal = isatty(STDERR_FILENO)};
	const uint64_t runs = sweep_runs(sweeping.sweep);
	int code = EXIT_WRONG_INPUT;

	if (runs)
		code = sweep_runs_of(&sweeping, runs);
	else
		fprintf(stderr, "flowbed: --seeds: fewer, please: these are more than 2^62 runs\n");
	sweep_free(sweeping.sweep);
	return code;
}

static int sweep_files(struct arguments *arguments)
{
	struct scenario **scenarios =
	        command_results_load(&arguments->results, arguments->files, arguments->files_count,
	                             arguments->settings.list);
	char **names = command_names(arguments->files, arguments->files_count);
	int code = scenarios ? sweep_loaded(arguments, scenarios, names) : EXIT_WRONG_INPUT;

	command_results_unload(scenarios, arguments->files_count);
	command_names_free(names, arguments->files_count);
	return code;
}

enum { OPTION_SET = 256, OPTION_SEEDS, OPTION_UNTIL, OPTION_STOP_AFTER, OPTION_MUTANT };

static const struct option options[] = {{"seeds", required_argument, NULL, OPTION_SEEDS},
                                        {"jobs", required_argument, NULL, 'j'},
                                        {"until", required_argument, NULL, OPTION_UNTIL},
                                        {"stop-after", required_argument, NULL, OPTION_STOP_AFTER},
                                        {"set", required_argument, NULL, OPTION_SET},
                                        {"mutant", required_argument, NULL, OPTION_MUTANT},
                                        COMMAND_RESULTS_OPTIONS,
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

static bool refuse(const char *option, const char *text, const char *right)
{
	fprintf(stderr, "flowbed: %s '%s': %s\n", option, text, right);
	return false;
}

_Static_assert(JOBS_MAX == 256, "the help text says so");

static bool take_positive(const char *option, const char *text, uint64_t max, uint64_t *number)
{
	if (!command_take_number(option, text, number))
		return false;
	return (*number && *number <= max) ||
	       refuse(option, text,
	              max == JOBS_MAX ? "from 1 to 256, please" : "at least 1, please");
}

static bool take_until(const char *text, uint64_t *ms)
{
	const char *right = values_duration(text, ms);

	if (right)
		return refuse("--until", text, right);
	*ms /= 1000000;
	return *ms || refuse("--until", text, "at least 1ms, please");
}

/* Take one option; false after a complaint. */
static bool take_option(struct arguments *arguments, int option, const char *word)
{
	const char *wrong;

	switch (option) {
	case 'j':
		return take_positive("--jobs", optarg, JOBS_MAX, &arguments->jobs);
	case OPTION_SEEDS:
		return sweep_seeds_parse(optarg, &arguments->seeds, &wrong) ||
		       refuse("--seeds", optarg, wrong);
	case OPTION_UNTIL:
		return take_until(optarg, &arguments->until_ms);
	case OPTION_STOP_AFTER:
		return take_positive("--stop-after", optarg, UINT64_MAX, &arguments->stop_after);
	case OPTION_SET:
		return command_take_setting(&arguments->settings, optarg);
	case OPTION_MUTANT:
		return command_take_mutant(optarg, &arguments->mutant);
	default:
		if (command_results_take(&arguments->results, option, optarg))
			return true;
		command_bad_option(command_sweep.name, options, option, word);
		return false;
	}
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {.seeds = {1, 1000}, .jobs = jobs_processors()};
	int option, code;

	while ((option = getopt_long(argc, argv, ":j:h", options, NULL)) != -1) {
		if (option == 'h') {
			help(stdout);
			return EXIT_HELD;
		}
		if (!take_option(&arguments, option, argv[optind - 1]))
			return EXIT_WRONG_INPUT;
	}
	if (!command_needs_files(command_sweep.name, argc - optind))
		return EXIT_WRONG_INPUT;
	arguments.files = argv + optind;
	arguments.files_count = (size_t)(argc - optind);
	code = command_results_begin(&arguments.results, command_sweep.name, arguments.files,
	                             arguments.files_count);
	if (code != EXIT_HELD)
		return code;
	arguments.out = command_results_own_output(&arguments.results) ? NULL : stdout;
	code = sweep_files(&arguments);
	return command_results_end(&arguments.results) ? code : EXIT_INTERNAL;
}

const struct command command_sweep = {"sweep", "run scenarios under many seeds and tell which fail",
                                      run};
