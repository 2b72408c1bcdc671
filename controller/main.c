/* flowbed-controller: an OpenFlow 1.0 controller for real switches.
 *
 * The room from top to bottom: this file reads the command line (server_options.c), opens the log,
 * makes the event loop and takes signals. server.c and its sisters drive the core: listeners,
 * connections, threads, captures, the status socket; server_ask*.c are the subcommands that ask and
 * tell there. Below them all is pure: controller.c and its sisters are the sessions and the chain of
 * applications, apps/ the applications.
 *
 * The program stays in the foreground and in the folder that it was started in: files are named as
 * from there, also those that applications read later. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/server_ask.h"
#include "controller/server_ask_tell.h"
#include "controller/server_options.h"
#include "lib/io/out_file.h"
#include "lib/io/system.h"

enum {
	EXIT_ENDED = 0,       /* it was told to end */
	EXIT_WRONG_USAGE = 2, /* the command line */
	EXIT_SYSTEM = 3,      /* a port, a file, memory: what the command line cannot help */
};

enum { SIGNALS = 3 };

enum { DESCRIPTORS_OWN = 64 }; /* about so many are not connections */

struct program {
	const struct server_options *options;
	struct log log;
	struct event_base *base;
	struct server *server;
	struct event *signals[SIGNALS];
};

/* --- The log --- */

/* Lines are appended, so that several programs may share the file, and one that is emptied under us
 * begins at its beginning. */
static int open_log_file(const char *path, bool wait, const char **why)
{
	return out_file_open(path, O_APPEND, 0640, wait, why);
}

static bool open_log(struct program *program, char *error)
{
	const char *path = program->options->log_path;
	const char *why = "out of memory";
	FILE *stream = stderr;
	int fd;

	if (path) {
		/* This waits for the reader of a FIFO: signals still end the program at once. */
		fd = open_log_file(path, true, &why);
		stream = fd < 0 ? NULL : fdopen(fd, "a");
	}
	if (!stream) {
		snprintf(error, SERVER_ERROR_BYTES, "--log-file: %.300s: %s", path, why);
		return false;
	}
	log_init(&program->log, stream, program->options->log_level, "flowbed-controller");
	return true;
}

/* Put the new file where the old one was: lines of other threads go to one or the other. Never
 * waits. */
static void reopen_log(struct program *program)
{
	const char *path = program->options->log_path, *why;
	int fd;

	if (!path)
		return;
	fd = open_log_file(path, false, &why);
	if (fd >= 0 && dup3(fd, fileno(program->log.stream), O_CLOEXEC) < 0) {
		why = strerror(errno);
		close(fd);
		fd = -1;
	}
	if (fd < 0)
		server_log(program->server, LOG_LEVEL_ERROR, "controller",
		           "--log-file: the log goes on in the old file: %s: %s", path, why);
	else
		server_log(program->server, LOG_LEVEL_INFO, "controller",
		           "--log-file: begun anew: %s", path);
	if (fd >= 0)
		close(fd);
}

static void close_log(struct program *program)
{
	if (program->log.stream && program->log.stream != stderr)
		fclose(program->log.stream);
}

static struct server *libevent_server; /* whose log takes its lines; NULL: nobody's */

/* Of interest to those who look for a fault: what matters is told by the callers of libevent. */
static void on_libevent_log(int severity, const char *line)
{
	if (libevent_server)
		server_log(libevent_server,
		           severity == EVENT_LOG_ERR ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG,
		           "libevent", "%s", line);
}

/* --- Signals --- */

/* Only what still waits to be sent keeps the loop running after this; a second signal ends the
 * program at once. */
static void end(struct program *program)
{
	for (unsigned i = 0; i < SIGNALS; i++)
		event_del(program->signals[i]);
	signal(SIGHUP, SIG_IGN);
	server_drain(program->server);
}

/* Begin all anew that has a file. */
static void reload(struct program *program)
{
	char error[SERVER_ERROR_BYTES];
	bool wrong_usage;
	size_t count;

	reopen_log(program);
	server_reopen(program->server);
	if (!server_options_allow(program->options, program->server, &count, error, &wrong_usage))
		server_log(program->server, LOG_LEVEL_ERROR, "controller",
		           "--peer-dpid-file: the old list stays in force: %s", error);
	else if (program->options->dpids_path)
		server_log(program->server, LOG_LEVEL_INFO, "controller",
		           "--peer-dpid-file: read again: %zu dpids may join", count);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct program *program = arg;

	(void)what;
	if (number == SIGHUP)
		reload(program);
	else
		end(program);
}

static bool take_signals(struct program *program)
{
	static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

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
static int run(struct program *program)
{
	char error[SERVER_ERROR_BYTES];
	bool wrong_usage = true;

	if (!server_options_apply(program->options, program->server, error, &wrong_usage))
		return complain(error, wrong_usage);
	/* This may wait, for the reader of a FIFO: signals still end the program at once. */
	if (!server_open(program->server, error))
		return complain(error, false);
	if (!take_signals(program))
		return complain("signals cannot be taken", false);
	if (!server_start(program->server, error))
		return complain(error, false);
	if (event_base_dispatch(program->base) < 0)
		return complain("the event loop failed", false);
	return EXIT_ENDED;
}

/* Each connection takes a descriptor: take as many as the system gives, and tell where that is less
 * than what was asked for. */
static void raise_descriptors(struct program *program)
{
	uint32_t wanted = program->options->config.controller.sessions_max;
	uint64_t given = system_take_descriptors();

	if (given < wanted + DESCRIPTORS_OWN)
		server_log(program->server, LOG_LEVEL_WARNING, "controller",
		           "the system gives %" PRIu64 " descriptors, too few for the %" PRIu32
		           " connections of --connections-max: more will wait",
		           given, wanted);
}

static int run_with_log(struct program *program)
{
	int code;

	program->base = event_base_new();
	if (!program->base)
		return complain("the event loop cannot be made", false);
	program->server = server_new(program->base, &program->options->config, &program->log);
	raise_descriptors(program);
	libevent_server = program->server;
	event_set_log_callback(on_libevent_log);
	code = run(program);
	server_free(program->server);
	libevent_server = NULL;
	for (unsigned i = 0; i < SIGNALS; i++)
		if (program->signals[i])
			event_free(program->signals[i]);
	event_base_free(program->base);
	return code;
}

static int run_options(const struct server_options *options)
{
	struct program program = {.options = options};
	char error[SERVER_ERROR_BYTES];
	int code;

	signal(SIGPIPE, SIG_IGN);
	if (!open_log(&program, error))
		return complain(error, false);
	code = run_with_log(&program);
	close_log(&program);
	return code;
}

int main(int argc, char **argv)
{
	struct server_options options;
	int code = EXIT_WRONG_USAGE;

	if (argc > 1 && strcmp(argv[1], "status") == 0)
		return server_ask_main(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "tell") == 0)
		return server_ask_tell_main(argc - 1, argv + 1);
	switch (server_options_read(&options, argc, argv)) {
	case OPTIONS_DONE:
		code = EXIT_ENDED;
		break;
	case OPTIONS_GO_ON:
		code = run_options(&options);
		break;
	case OPTIONS_WRONG:
		break;
	}
	server_options_destroy(&options);
	if (!system_end_stdout("flowbed-controller"))
		code = EXIT_SYSTEM;
	return code;
}
