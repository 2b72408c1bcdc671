/* flowbed run: runs scenarios and judges what they expect. See command.h. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/capture.h"
#include "sim/command.h"
#include "sim/command_color.h"
#include "sim/command_results.h"
#include "sim/command_update.h"
#include "sim/properties_table.h"
#include "sim/report.h"
#include "sim/runner.h"

struct arguments {
	bool verbose;
	bool has_seed;
	uint64_t seed;
	struct command_settings settings;
	const struct mutant *mutant; /* NULL: none */
	const char *pcap_dir;        /* NULL: no captures */
	bool update;                 /* golden dumps are written anew */
	struct command_results results;
	enum command_color color;
	FILE *out; /* for people; NULL: standard output is for programs */
	char **files;
	int files_count;
};

static void help_run(FILE *out)
{
	fputs("usage: flowbed run [OPTION...] FILE...\n"
	      "\n"
	      "Runs each scenario FILE ('-' is standard input), tells what happened and whether "
	      "what it expects held. The same\n"
	      "file and seed give the same run, and the same digest, everywhere.\n"
	      "\n"
	      "  -v, --verbose           one line for every frame, message and log line\n"
	      "  -s, --seed N            use seed N in place of the file's\n"
	      "      --set APP.OPT=VAL   set an option of the controller's application APP, as "
	      "learning.mac_idle=60s\n"
	      "      --mutant NAME       run with our controller or switch made wrong in one "
	      "way; see flowbed mutate\n"
	      "      --pcap DIR          write captures of every host, link end and control "
	      "connection to DIR (with several\n"
	      "                          files to a folder in DIR for each)\n"
	      "      --list-properties   print what every run is judged by, and what faults excuse; "
	      "nothing is run\n"
	      COMMAND_RESULTS_HELP
	      "      --color WHEN        colours: auto (on terminals, unless NO_COLOR is set), "
	      "always, never\n"
	      "      --update            first write what switches have into the golden dumps of "
	      "each FILE that fail, in place\n"
	      "  -h, --help              this text\n"
	      "\n"
	      "Exit code: 0 all expectations held, 1 one failed, 2 a file or the command line is "
	      "wrong, 3 another error; of\n"
	      "several files the highest.\n",
	      out);
}

/* A run that failed is repeated, exactly, with all that happens being kept, so that failures can
 * tell what led to them; a run that holds pays nothing for that. False when the repetition was
 * another run, which is a bug. */
static bool explain(const struct scenario *scenario, uint64_t seed, const struct mutant *mutant,
                    struct runner_result *result, struct fb_text *error)
{
	const struct runner_options options = {.seed = seed, .mutant = mutant, .keep = true};
	struct runner_result again;

	runner_run(scenario, &options, &again);
	if (strcmp(again.digest, result->digest) ||
	    again.failures.total != result->failures.total) {
		fb_text_printf(error,
		               "%s: internal error: the same scenario and seed ran differently: "
		               "%s, then %s",
		               scenario->file, result->digest, again.digest);
		runner_result_destroy(&again);
		return false;
	}
	runner_result_destroy(result);
	*result = again;
	return true;
}

static void tell_latest(const struct arguments *arguments)
{
	command_results_tell(&arguments->results, arguments->results.results.count - 1);
}

/* Tell people and programs what a run brought; 'error': what else went wrong, "" for nothing. */
static void tell(const struct scenario *scenario, uint64_t seed, struct arguments *arguments,
                 const struct runner_result *result, uint64_t took_ns, const char *error)
{
	struct results_file *file = results_add_run(&arguments->results.results, scenario, seed,
	                                            result, took_ns);

	if (error[0]) {
		fprintf(stderr, "%s\n", error);
		results_set_error(file, error);
	}
	if (arguments->out) {
		failures_print(&result->failures, scenario->file, arguments->out);
		report_end(arguments->out, result);
		fflush(arguments->out);
	}
	tell_latest(arguments);
}

/* Run a scenario whose captures, if any, are open. */
static int run_loaded(const struct scenario *scenario, struct arguments *arguments,
                      struct capture *capture)
{
	const uint64_t seed = arguments->has_seed ? arguments->seed : scenario->seed;
	const uint64_t began_ns = command_wall_ns();
	struct network_observer observer;
	struct runner_options options = {.seed = seed,
	                                 .mutant = arguments->mutant,
	                                 .summary = arguments->out,
	                                 .live = arguments->verbose ? arguments->out : NULL,
	                                 .keep = arguments->verbose};
	struct runner_result result;
	char buffer[COMMAND_PATH_BYTES + 200] = "";
	struct fb_text error = fb_text_make(buffer, sizeof buffer);
	int code = EXIT_HELD;

	if (capture) {
		observer = capture_observer(capture);
		options.observer = &observer;
	}
	runner_run(scenario, &options, &result);
	if (capture && !capture_close(capture, result.now_ns, &error))
		code = EXIT_INTERNAL;
	if (result.failures.total && code == EXIT_HELD) {
		code = EXIT_NOT_HELD;
		if (!options.keep && !explain(scenario, seed, arguments->mutant, &result, &error))
			code = EXIT_INTERNAL;
	}
	tell(scenario, seed, arguments, &result, command_wall_ns() - began_ns, buffer);
	runner_result_destroy(&result);
	return code;
}

/* Load a scenario; NULL after telling people and programs what is wrong with it. */
static struct scenario *load(const char *path, struct arguments *arguments)
{
	struct problems problems;
	struct scenario *scenario;

	problems_init(&problems);
	scenario = command_load_quietly(path, arguments->settings.list, &problems);
	if (!scenario) {
		problems_print(&problems, command_file_name(path), stderr);
		results_add_problems(&arguments->results.results, command_file_name(path),
		                     &problems);
		tell_latest(arguments);
	}
	problems_destroy(&problems);
	return scenario;
}

/* Captures that cannot be written end the file's run before it begins. */
static int captures_failed(const struct scenario *scenario, struct arguments *arguments,
                           const char *error)
{
	const struct problems none = {0};

	fprintf(stderr, "%s\n", error);
	results_set_error(results_add_problems(&arguments->results.results, scenario->file, &none),
	                  error);
	tell_latest(arguments);
	return EXIT_INTERNAL;
}

/* False after telling why golden dumps cannot be written. */
static bool update_file(const char *path, const struct arguments *arguments)
{
	const struct command_update update = {
	        .settings = arguments->settings.list,
	        .seed = arguments->has_seed ? &arguments->seed : NULL,
	        .mutant = arguments->mutant,
	        .out = arguments->out ? arguments->out : stderr,
	};

	return !arguments->update || command_update_file(path, &update);
}

static int run_file(const char *path, struct arguments *arguments)
{
	const bool updated = update_file(path, arguments);
	struct scenario *scenario = load(path, arguments);
	struct capture *capture = NULL;
	char dir[COMMAND_PATH_BYTES], name[256], buffer[COMMAND_PATH_BYTES + 200];
	struct fb_text dir_text = fb_text_make(dir, sizeof dir);
	struct fb_text error = fb_text_make(buffer, sizeof buffer);
	int code;

	if (!scenario)
		return EXIT_WRONG_INPUT;
	if (arguments->pcap_dir) {
		command_base_name(scenario->file, name, sizeof name);
		fb_text_puts(&dir_text, arguments->pcap_dir);
		if (arguments->files_count > 1)
			fb_text_printf(&dir_text, "/%s", name);
		capture = capture_open(scenario, dir, &error);
	}
	code = arguments->pcap_dir && !capture
	               ? captures_failed(scenario, arguments, buffer)
	               : run_loaded(scenario, arguments, capture);
	scenario_free(scenario);
	return updated ? code : EXIT_INTERNAL;
}

/* Two files of one name would write their captures to one folder. True after telling so. */
static bool captures_collide(const struct arguments *arguments)
{
	char left[256], right[256];

	for (int i = 0; arguments->pcap_dir && i < arguments->files_count; i++) {
		command_base_name(arguments->files[i], left, sizeof left);
		for (int j = 0; j < i; j++) {
			command_base_name(arguments->files[j], right, sizeof right);
			if (strcmp(left, right))
				continue;
			fprintf(stderr,
			        "flowbed: --pcap: %s and %s would both write to %s/%s: run them "
			        "one by one.\n",
			        arguments->files[j], arguments->files[i], arguments->pcap_dir,
			        left);
			return true;
		}
	}
	return false;
}

enum {
	OPTION_SET = 256,
	OPTION_PCAP,
	OPTION_MUTANT,
	OPTION_LIST_PROPERTIES,
	OPTION_COLOR,
	OPTION_UPDATE,
};

static const struct option options[] = {{"verbose", no_argument, NULL, 'v'},
                                        {"seed", required_argument, NULL, 's'},
                                        {"set", required_argument, NULL, OPTION_SET},
                                        {"mutant", required_argument, NULL, OPTION_MUTANT},
                                        {"pcap", required_argument, NULL, OPTION_PCAP},
                                        {"list-properties", no_argument, NULL,
                                         OPTION_LIST_PROPERTIES},
                                        COMMAND_RESULTS_OPTIONS,
                                        {"color", required_argument, NULL, OPTION_COLOR},
                                        {"update", no_argument, NULL, OPTION_UPDATE},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

static bool take_folder(const char *path, const char **folder)
{
	*folder = path;
	if (path[0])
		return true;
	fputs("flowbed: --pcap '': name the folder that captures are written to\n", stderr);
	return false;
}

static bool take_color(const char *word, enum command_color *color)
{
	if (command_color_parse(word, color))
		return true;
	fprintf(stderr, "flowbed: --color '%s': write auto, always or never\n", word);
	return false;
}

/* Take one option; false after a complaint. */
static bool take_option(struct arguments *arguments, int option, const char *word)
{
	switch (option) {
	case 'v':
		arguments->verbose = true;
		return true;
	case 's':
		arguments->has_seed = true;
		return command_take_number("--seed", optarg, &arguments->seed);
	case OPTION_SET:
		return command_take_setting(&arguments->settings, optarg);
	case OPTION_MUTANT:
		return command_take_mutant(optarg, &arguments->mutant);
	case OPTION_PCAP:
		return take_folder(optarg, &arguments->pcap_dir);
	case OPTION_UPDATE:
		return arguments->update = true;
	case OPTION_COLOR:
		return take_color(optarg, &arguments->color);
	default:
		if (command_results_take(&arguments->results, option, optarg))
			return true;
		command_bad_option(command_run.name, options, option, word);
		return false;
	}
}

/* -v and results for programs would both be on standard output. */
static bool verbose_collides(const struct arguments *arguments)
{
	if (!arguments->verbose || !command_results_own_output(&arguments->results))
		return false;
	fputs("flowbed: --verbose and results for programs both want standard output: leave one "
	      "out, or name a file for the results.\n",
	      stderr);
	return true;
}

/* There is no file behind standard input to write to, nor behind a pipe. */
static bool update_lacks_file(const struct arguments *arguments)
{
	for (int i = 0; arguments->update && i < arguments->files_count; i++) {
		const char *path = arguments->files[i];
		const bool is_input = !strcmp(path, "-");
		struct stat status;

		if (!is_input && (stat(path, &status) != 0 || S_ISREG(status.st_mode)))
			continue;
		fprintf(stderr,
		        "flowbed: --update writes to the file, and %s is none: name it.\n",
		        is_input ? "standard input" : path);
		return true;
	}
	return false;
}

/* The exit code: that of the worst. */
static int run_files(struct arguments *arguments)
{
	int worst = EXIT_HELD;

	for (int i = 0; i < arguments->files_count; i++) {
		int code;

		if (i && arguments->out)
			fputc('\n', arguments->out);
		code = run_file(arguments->files[i], arguments);
		worst = code > worst ? code : worst;
	}
	return worst;
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {0};
	int option, worst = EXIT_HELD;

	while ((option = getopt_long(argc, argv, ":vs:h", options, NULL)) != -1) {
		if (option == 'h') {
			help_run(stdout);
			return EXIT_HELD;
		}
		if (option == OPTION_LIST_PROPERTIES) {
			properties_table_print(stdout);
			return EXIT_HELD;
		}
		if (!take_option(&arguments, option, argv[optind - 1]))
			return EXIT_WRONG_INPUT;
	}
	arguments.files = argv + optind;
	arguments.files_count = argc - optind;
	if (!command_needs_files(command_run.name, arguments.files_count) ||
	    captures_collide(&arguments) || verbose_collides(&arguments) ||
	    update_lacks_file(&arguments))
		return EXIT_WRONG_INPUT;
	worst = command_results_begin(&arguments.results, command_run.name, arguments.files,
	                              (size_t)arguments.files_count);
	if (worst != EXIT_HELD)
		return worst;
	command_results_plan(&arguments.results, (size_t)arguments.files_count);
	if (!command_results_own_output(&arguments.results))
		arguments.out = command_color_stream(stdout, arguments.color);
	worst = run_files(&arguments);
	if (arguments.out && arguments.out != stdout)
		fclose(arguments.out);
	return command_results_end(&arguments.results) ? worst : EXIT_INTERNAL;
}

const struct command command_run = {"run", "run scenarios and judge what they expect", run};
