/* flowbed run: runs scenarios and judges what they expect. See command.h. */
#include <stdlib.h>
#include <string.h>

#include "sim/capture.h"
#include "sim/command.h"
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
                    struct runner_result *result)
{
	const struct runner_options options = {.seed = seed, .mutant = mutant, .keep = true};
	struct runner_result again;

	runner_run(scenario, &options, &again);
	if (strcmp(again.digest, result->digest) ||
	    again.failures.total != result->failures.total) {
		fprintf(stderr,
		        "%s: internal error: the same scenario and seed ran differently: %s, then "
		        "%s\n",
		        scenario->file, result->digest, again.digest);
		runner_result_destroy(&again);
		return false;
	}
	runner_result_destroy(result);
	*result = again;
	return true;
}

/* Run a scenario whose captures, if any, are open. */
static int run_loaded(const struct scenario *scenario, const struct arguments *arguments,
                      struct capture *capture)
{
	const uint64_t seed = arguments->has_seed ? arguments->seed : scenario->seed;
	struct network_observer observer;
	struct runner_options options = {.seed = seed,
	                                 .mutant = arguments->mutant,
	                                 .summary = stdout,
	                                 .live = arguments->verbose ? stdout : NULL,
	                                 .keep = arguments->verbose};
	struct runner_result result;
	char buffer[COMMAND_PATH_BYTES + 200];
	struct fb_text error = fb_text_make(buffer, sizeof buffer);
	int code = EXIT_HELD;

	if (capture) {
		observer = capture_observer(capture);
		options.observer = &observer;
	}
	runner_run(scenario, &options, &result);
	if (capture && !capture_close(capture, result.now_ns, &error)) {
		fprintf(stderr, "%s\n", buffer);
		code = EXIT_INTERNAL;
	}
	if (result.failures.total && code == EXIT_HELD) {
		code = EXIT_NOT_HELD;
		if (!options.keep && !explain(scenario, seed, arguments->mutant, &result))
			code = EXIT_INTERNAL;
	}
	failures_print(&result.failures, scenario->file, stdout);
	report_end(stdout, &result);
	runner_result_destroy(&result);
	return code;
}

static int run_file(const char *path, const struct arguments *arguments)
{
	struct scenario *scenario = command_load(path, arguments->settings.list);
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
		if (!capture) {
			fprintf(stderr, "%s\n", buffer);
			scenario_free(scenario);
			return EXIT_INTERNAL;
		}
	}
	code = run_loaded(scenario, arguments, capture);
	scenario_free(scenario);
	return code;
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

enum { OPTION_SET = 256, OPTION_PCAP, OPTION_MUTANT, OPTION_LIST_PROPERTIES };

static const struct option options[] = {{"verbose", no_argument, NULL, 'v'},
                                        {"seed", required_argument, NULL, 's'},
                                        {"set", required_argument, NULL, OPTION_SET},
                                        {"mutant", required_argument, NULL, OPTION_MUTANT},
                                        {"pcap", required_argument, NULL, OPTION_PCAP},
                                        {"list-properties", no_argument, NULL,
                                         OPTION_LIST_PROPERTIES},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

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
		arguments->pcap_dir = optarg;
		return true;
	default:
		command_bad_option(command_run.name, options, option, word);
		return false;
	}
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
	    captures_collide(&arguments))
		return EXIT_WRONG_INPUT;
	for (int i = 0; i < arguments.files_count; i++) {
		int code;

		if (i)
			putchar('\n');
		code = run_file(arguments.files[i], &arguments);
		worst = code > worst ? code : worst;
	}
	return worst;
}

const struct command command_run = {"run", "run scenarios and judge what they expect", run};
