/* flowbed: runs and checks scenario files.
 *
 * The room from top to bottom: this file reads the command line; runner.c executes a scenario's
 * steps (runner_steps.c) and judges what it expects (expect.c, traffic.c, affinity.c), report.c
 * and failures.c tell people; network.c puts controller, switches, hosts (host.c, tcp.c and
 * their sisters), links (link.c, link_queues.c) and control channels (channel.c) on one clock
 * (clock.c); trace.c and capture.c watch it. scenario_load.c and its sisters make a scenario of
 * a file's YAML (yaml_tree.c). Only this file, report.c and capture.c touch the system. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/nearest.h"
#include "lib/base/values.h"
#include "lib/base/xalloc.h"
#include "lib/io/bad_option.h"
#include "lib/io/read_file.h"
#include "sim/capture.h"
#include "sim/report.h"
#include "sim/runner.h"
#include "sim/yaml_tree.h"

enum {
	EXIT_HELD = 0, /* what the scenario expects held */
	EXIT_NOT_HELD = 1,
	EXIT_WRONG_INPUT = 2, /* a file or the command line */
	EXIT_INTERNAL = 3,    /* what is neither: output that cannot be written, a bug */
	PATH_BYTES = 4096,
	SETTINGS_MAX = 100,
};

struct arguments {
	bool verbose;
	bool has_seed;
	uint64_t seed;
	const char *settings[SETTINGS_MAX + 1]; /* NULL-terminated */
	size_t settings_count;
	const char *pcap_dir; /* NULL: no captures */
	char **files;
	int files_count;
};

/* --- Help --- */

static void help(FILE *out)
{
	fputs("usage: flowbed COMMAND [OPTION...] FILE...\n"
	      "\n"
	      "Runs networks with OpenFlow 1.0 switches and a controller, described by scenario "
	      "files, in virtual time.\n"
	      "\n"
	      "commands:\n"
	      "  run    run scenarios and judge what they expect\n"
	      "  check  look for mistakes in scenario files without running them\n"
	      "\n"
	      "options:\n"
	      "  -h, --help     this text; after a command: its options\n"
	      "  -V, --version  the version\n"
	      "\n"
	      "Exit code: 0 all expectations held, 1 one failed, 2 a file or the command line is "
	      "wrong, 3 another error.\n",
	      out);
}

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
	      "      --pcap DIR          write captures of every host, link end and control "
	      "connection to DIR (with several\n"
	      "                          files to a folder in DIR for each)\n"
	      "  -h, --help              this text\n"
	      "\n"
	      "Exit code: 0 all expectations held, 1 one failed, 2 a file or the command line is "
	      "wrong, 3 another error; of\n"
	      "several files the highest.\n",
	      out);
}

static void help_check(FILE *out)
{
	fputs("usage: flowbed check [OPTION...] FILE...\n"
	      "\n"
	      "Reads each scenario FILE ('-' is standard input) and tells all that is wrong with "
	      "it, as FILE:LINE:COLUMN: what is\n"
	      "wrong, and what would be right. Runs nothing.\n"
	      "\n"
	      "      --set APP.OPT=VAL   as for flowbed run\n"
	      "  -h, --help              this text\n"
	      "\n"
	      "Exit code: 0 nothing is wrong, 2 something is.\n",
	      out);
}

/* --- Files --- */

/* The name of a file without folder and ending, for a folder of captures. */
static void base_name(const char *file, char *out, size_t size)
{
	const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
	const char *point = strrchr(name, '.');
	size_t len = point && point != name ? (size_t)(point - name) : strlen(name);

	if (len >= size)
		len = size - 1;
	memcpy(out, name, len);
	out[len] = 0;
}

/* All of 'path', which the caller frees; NULL after telling why not. */
static char *read_file(const char *path, size_t *len)
{
	const size_t max = YAML_TREE_TEXT_BYTES_MAX + 1;
	FILE *in = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	char *text = NULL;
	size_t size = 0;

	if (!in) {
		fprintf(stderr, "%s: cannot be opened: %s\n", path, strerror(errno));
		return NULL;
	}
	*len = 0;
	do {
		if (*len == size) {
			size = size ? 2 * size : 65536;
			text = xrealloc(text, size);
		}
		errno = 0;
		*len += fread(text + *len, 1, size - *len, in);
	} while (!ferror(in) && !feof(in) && *len <= max);
	if (ferror(in)) {
		fprintf(stderr, "%s: cannot be read: %s\n", path, strerror(errno));
		free(text);
		text = NULL;
	}
	if (in != stdin)
		fclose(in);
	return text;
}

/* A file that an application of the scenario names: 'ctx' is the scenario's folder. */
static char *read_named(void *ctx, const char *name, size_t *len, struct fb_text *error)
{
	return read_file_in(ctx, name, len, error);
}

/* The folder of a file; NULL: the one that we work in. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder;

	if (!slash)
		return NULL;
	folder = xstrdup(path);
	folder[slash == path ? 1 : slash - path] = 0;
	return folder;
}

/* Load a scenario file; NULL after printing what is wrong with it. */
static struct scenario *load(const char *path, const struct arguments *arguments)
{
	const char *name = strcmp(path, "-") ? path : "standard input";
	const struct scenario_files files = {.read = read_named, .ctx = folder_of(path)};
	struct scenario *scenario;
	struct problems problems;
	size_t len;
	char *text = read_file(path, &len);

	if (!text) {
		free(files.ctx);
		return NULL;
	}
	problems_init(&problems);
	scenario = scenario_load_text(text, len, name, arguments->settings, &files, &problems);
	free(files.ctx);
	problems_print(&problems, name, stderr);
	problems_destroy(&problems);
	free(text);
	return scenario;
}

/* --- flowbed run --- */

/* A run that failed is repeated, exactly, with all that happens being kept, so that failures can
 * tell what led to them; a run that holds pays nothing for that. False when the repetition was
 * another run, which is a bug. */
static bool explain(const struct scenario *scenario, uint64_t seed, struct runner_result *result)
{
	const struct runner_options options = {.seed = seed, .keep = true};
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
	                                 .summary = stdout,
	                                 .live = arguments->verbose ? stdout : NULL,
	                                 .keep = arguments->verbose};
	struct runner_result result;
	char buffer[PATH_BYTES + 200];
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
		if (!options.keep && !explain(scenario, seed, &result))
			code = EXIT_INTERNAL;
	}
	failures_print(&result.failures, scenario->file, stdout);
	report_end(stdout, &result);
	runner_result_destroy(&result);
	return code;
}

static int run_file(const char *path, const struct arguments *arguments)
{
	struct scenario *scenario = load(path, arguments);
	struct capture *capture = NULL;
	char dir[PATH_BYTES], name[256], buffer[PATH_BYTES + 200];
	struct fb_text dir_text = fb_text_make(dir, sizeof dir);
	struct fb_text error = fb_text_make(buffer, sizeof buffer);
	int code;

	if (!scenario)
		return EXIT_WRONG_INPUT;
	if (arguments->pcap_dir) {
		base_name(scenario->file, name, sizeof name);
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

/* --- flowbed check --- */

static int check_file(const char *path, const struct arguments *arguments)
{
	struct scenario *scenario = load(path, arguments);

	if (!scenario)
		return EXIT_WRONG_INPUT;
	printf("%s: nothing is wrong\n", scenario->file);
	scenario_free(scenario);
	return EXIT_HELD;
}

/* --- The command line --- */

struct command {
	const char *name;
	const struct option *options;
	const char *short_options;
	void (*help)(FILE *out);
	int (*file)(const char *path, const struct arguments *arguments);
};

enum { OPTION_SET = 256, OPTION_PCAP };

static const struct option run_options[] = {{"verbose", no_argument, NULL, 'v'},
                                            {"seed", required_argument, NULL, 's'},
                                            {"set", required_argument, NULL, OPTION_SET},
                                            {"pcap", required_argument, NULL, OPTION_PCAP},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};

static const struct option check_options[] = {{"set", required_argument, NULL, OPTION_SET},
                                              {"help", no_argument, NULL, 'h'},
                                              {NULL, 0, NULL, 0}};

static const struct command commands[] = {
        {"run", run_options, ":vs:h", help_run, run_file},
        {"check", check_options, ":h", help_check, check_file},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* Take one option of 'options', which stands before or in 'word'; false after a complaint. */
static bool take_option(struct arguments *arguments, const struct option *options, int option,
                        const char *word)
{
	char buffer[400];
	struct fb_text why = fb_text_make(buffer, sizeof buffer);
	const char *right;

	switch (option) {
	case 'v':
		arguments->verbose = true;
		return true;
	case 's':
		right = values_number(optarg, &arguments->seed);
		if (right)
			fprintf(stderr, "flowbed: --seed '%s': %s\n", optarg, right);
		arguments->has_seed = true;
		return !right;
	case OPTION_SET:
		if (arguments->settings_count == SETTINGS_MAX) {
			fprintf(stderr, "flowbed: more than %d --set\n", SETTINGS_MAX);
			return false;
		}
		arguments->settings[arguments->settings_count++] = optarg;
		return true;
	case OPTION_PCAP:
		arguments->pcap_dir = optarg;
		return true;
	default:
		bad_option_text(&why, options, option, optopt, word);
		fprintf(stderr, "flowbed: %s\n", buffer);
		return false;
	}
}

/* Two files of one name would write their captures to one folder. True after telling so. */
static bool captures_collide(const struct arguments *arguments)
{
	char left[256], right[256];

	for (int i = 0; arguments->pcap_dir && i < arguments->files_count; i++) {
		base_name(arguments->files[i], left, sizeof left);
		for (int j = 0; j < i; j++) {
			base_name(arguments->files[j], right, sizeof right);
			if (strcmp(left, right))
				continue;
			fprintf(stderr,
			        "flowbed: --pcap: %s and %s would both write to %s/%s: run them one by one.\n",
			        arguments->files[j], arguments->files[i], arguments->pcap_dir, left);
			return true;
		}
	}
	return false;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct arguments arguments = {0};
	int option, worst = EXIT_HELD;

	opterr = 0;
	while ((option = getopt_long(argc, argv, command->short_options, command->options, NULL)) !=
	       -1) {
		if (option == 'h') {
			command->help(stdout);
			return EXIT_HELD;
		}
		if (!take_option(&arguments, command->options, option, argv[optind - 1])) {
			fprintf(stderr, "See 'flowbed %s --help'.\n", command->name);
			return EXIT_WRONG_INPUT;
		}
	}
	arguments.files = argv + optind;
	arguments.files_count = argc - optind;
	if (!arguments.files_count) {
		fprintf(stderr, "flowbed: %s needs a scenario file. See 'flowbed %s --help'.\n",
		        command->name, command->name);
		return EXIT_WRONG_INPUT;
	}
	if (captures_collide(&arguments))
		return EXIT_WRONG_INPUT;
	for (int i = 0; i < arguments.files_count; i++) {
		int code;

		if (i)
			putchar('\n');
		code = command->file(arguments.files[i], &arguments);
		worst = code > worst ? code : worst;
	}
	return worst;
}

static int run_program(int argc, char **argv)
{
	const char *names[COMMANDS + 1] = {NULL}, *meant;

	if (argc < 2) {
		help(stderr);
		return EXIT_WRONG_INPUT;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		help(stdout);
		return EXIT_HELD;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("flowbed %s\n", FLOWBED_VERSION);
		return EXIT_HELD;
	}
	for (size_t i = 0; i < COMMANDS; i++) {
		names[i] = commands[i].name;
		if (!strcmp(argv[1], commands[i].name))
			return run_command(&commands[i], argc - 1, argv + 1);
	}
	meant = nearest(argv[1], names);
	fprintf(stderr, "flowbed: no command is named '%s'%s%s%s See 'flowbed --help'.\n", argv[1],
	        meant ? ": did you mean '" : ".", meant ? meant : "", meant ? "'?" : "");
	return EXIT_WRONG_INPUT;
}

int main(int argc, char **argv)
{
	int code = run_program(argc, argv);

	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "flowbed: standard output cannot be written: %s\n",
		        strerror(errno));
		code = EXIT_INTERNAL;
	}
	return code;
}
