/* flowbed-controller: an OpenFlow 1.0 controller for real switches.
 *
 * The room from top to bottom: this file reads the command line (server_options.c), makes the event
 * loop and takes signals. server.c and its sisters drive the core: listeners, connections, threads,
 * captures, the status socket. Below them all is pure: controller.c and its sisters are the sessions
 * and the chain of applications, apps/ the applications. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "controller/server_options.h"

enum {
	EXIT_ENDED = 0,       /* it was told to end */
	EXIT_WRONG_USAGE = 2, /* the command line */
	EXIT_SYSTEM = 3,      /* a port, a file, memory: what the command line cannot help */
};

enum { SIGNALS = 3 };

struct program {
	struct event_base *base;
	struct server *server;
	struct event *signals[SIGNALS];
};

/* --- Signals --- */

/* Only what still waits to be sent keeps the loop running after this; a second signal ends the
 * program at once. */
static void end(struct program *program)
{
	server_drain(program->server);
	for (unsigned i = 0; i < SIGNALS; i++)
		event_del(program->signals[i]);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct program *program = arg;

	(void)what;
	if (number == SIGHUP)
		server_reopen(program->server);
	else
		end(program);
}

static bool take_signals(struct program *program)
{
	static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < SIGNALS; i++) {
		program->signals[i] = evsignal_new(program->base, numbers[i], on_signal, program);
		if (!program->signals[i] || event_add(program->signals[i], NULL) < 0)
			return false;
	}
	return true;
}

/* --- The program --- */

static int complain(const char *error, bool wrong_usage)
{
	fprintf(stderr, "flowbed-controller: %s\n", error);
	if (wrong_usage)
		fputs("See 'flowbed-controller --help'.\n", stderr);
	return wrong_usage ? EXIT_WRONG_USAGE : EXIT_SYSTEM;
}

/* Start and run until a signal. */
static int run(struct program *program, const struct server_options *options)
{
	char error[SERVER_ERROR_BYTES];
	bool wrong_usage = true;

	if (!server_options_apply(options, program->server, error, &wrong_usage))
		return complain(error, wrong_usage);
	if (!take_signals(program))
		return complain("signals cannot be taken", false);
	if (!server_start(program->server, error))
		return complain(error, false);
	if (event_base_dispatch(program->base) < 0)
		return complain("the event loop failed", false);
	return EXIT_ENDED;
}

/* Each connection takes a descriptor: take as many as the system gives. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int run_options(const struct server_options *options)
{
	struct program program = {.base = event_base_new()};
	struct log log;
	int code;

	if (!program.base)
		return complain("the event loop cannot be made", false);
	raise_descriptors();
	log_init(&log, stderr, options->log_level, "flowbed-controller");
	program.server = server_new(program.base, &options->config, &log);
	code = run(&program, options);
	server_free(program.server);
	for (unsigned i = 0; i < SIGNALS; i++)
		if (program.signals[i])
			event_free(program.signals[i]);
	event_base_free(program.base);
	return code;
}

int main(int argc, char **argv)
{
	struct server_options options;
	int code = EXIT_WRONG_USAGE;

	switch (server_options_read(&options, argc, argv)) {
	case SERVER_OPTIONS_DONE:
		code = EXIT_ENDED;
		break;
	case SERVER_OPTIONS_RUN:
		code = run_options(&options);
		break;
	case SERVER_OPTIONS_WRONG:
		break;
	}
	server_options_destroy(&options);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "flowbed-controller: standard output cannot be written: %s\n",
		        strerror(errno));
		code = EXIT_SYSTEM;
	}
	return code;
}
