/* flowbed check: looks for mistakes in scenario files without running them. See command.h. */
#include "sim/command.h"

static void help(FILE *out)
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

static int check_file(const char *path, const struct command_settings *settings)
{
	struct scenario *scenario = command_load(path, settings->list);

	if (!scenario)
		return EXIT_WRONG_INPUT;
	printf("%s: nothing is wrong\n", scenario->file);
	scenario_free(scenario);
	return EXIT_HELD;
}

enum { OPTION_SET = 256 };

static const struct option options[] = {{"set", required_argument, NULL, OPTION_SET},
                                        {"help", no_argument, NULL, 'h'},
                                        {NULL, 0, NULL, 0}};

static int run(int argc, char **argv)
{
	struct command_settings settings = {.count = 0};
	int option, worst = EXIT_HELD;

	while ((option = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (option == 'h') {
			help(stdout);
			return EXIT_HELD;
		}
		if (option != OPTION_SET)
			return command_bad_option(command_check.name, options, option,
			                          argv[optind - 1]);
		if (!command_take_setting(&settings, optarg))
			return command_see_help(command_check.name);
	}
	if (!command_needs_files(command_check.name, argc - optind))
		return EXIT_WRONG_INPUT;
	for (int i = optind; i < argc; i++) {
		int code;

		if (i > optind)
			putchar('\n');
		code = check_file(argv[i], &settings);
		worst = code > worst ? code : worst;
	}
	return worst;
}

const struct command command_check = {
        "check", "look for mistakes in scenario files without running them", run};
