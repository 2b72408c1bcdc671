/* flowbed: runs and checks scenario files.
 *
 * The room from top to bottom: this file chooses a command, the commands (command_*.c) read their
 * options and files; runner.c executes a scenario's
 * steps (runner_steps.c) and judges what it expects (expect.c, traffic.c, affinity.c), report.c
 * and failures.c tell people; network.c puts controller, switches, hosts (host.c, tcp.c and
 * their sisters), links (link.c, link_queues.c) and control channels (channel.c) on one clock
 * (clock.c); trace.c and capture.c watch it. scenario_load.c and its sisters make a scenario of
 * a file's YAML (yaml_tree.c), and yaml_write.c the other way. sweep.c keeps the books of many runs,
 * which jobs.c shares among processes; shrink.c and its sisters make small files of large ones.
 * mutants.c and its sisters mutation*.c make controllers and switches wrong, to see who notices (mutate.c).
 * Only this file, the commands, jobs.c, report.c and capture.c touch the system. */
#include <errno.h>
#include <string.h>

#include "lib/base/nearest.h"
#include "sim/command.h"

static const struct command *const commands[] = {&command_run, &command_check, &command_sweep,
                                                &command_shrink, &command_mutate};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void help(FILE *out)
{
	fputs("usage: flowbed COMMAND [OPTION...] FILE...\n"
	      "\n"
	      "Runs networks with OpenFlow 1.0 switches and a controller, described by scenario "
	      "files, in virtual time.\n"
	      "\n"
	      "commands:\n",
	      out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-6s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\n"
	      "options:\n"
	      "  -h, --help     this text; after a command: its options\n"
	      "  -V, --version  the version\n"
	      "\n"
	      "Exit code: 0 all expectations held, 1 one failed, 2 a file or the command line is "
	      "wrong, 3 another error.\n",
	      out);
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
		names[i] = commands[i]->name;
		if (!strcmp(argv[1], commands[i]->name)) {
			opterr = 0;
			return commands[i]->run(argc - 1, argv + 1);
		}
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
