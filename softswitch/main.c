/* flowbed-switch: an OpenFlow 1.0 switch on real interfaces.
 *
 * The room from top to bottom: this file reads the command line (client_options.c), makes the event
 * loop and takes signals. client.c and its sisters drive the agent: connections, listeners,
 * snoopers, captures; pcap_*.c are the interfaces. Below them all is pure: agent.c and its sisters
 * speak OpenFlow, datapath.c and its sisters forward frames by the entries of flow_table.c,
 * reconnect.c says when to connect. */
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/io/system.h"
#include "softswitch/client_options.h"

enum {
	EXIT_ENDED = 0,       /* it was told to end */
	EXIT_WRONG_USAGE = 2, /* the command line */
	EXIT_SYSTEM = 3,      /* an interface, a port, memory: what the command line cannot help */
};

enum { SIGNALS = 3 };

#define DPID_DEFAULT 1 /* of a switch whose interfaces have no address */

struct program {
	struct event_base *base;
	struct client *client;
	struct event *signals[SIGNALS];
};

/* The datapath id that a switch has when nobody says one: the address of its first interface, as
 * 48 bits, so that it stays the same from start to start. */
static uint64_t interface_dpid(const char *name)
{
	struct ifreq request = {.ifr_name = ""};
	uint64_t dpid = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return DPID_DEFAULT;
	memcpy(request.ifr_name, name, strlen(name) + 1);
	if (ioctl(fd, SIOCGIFHWADDR, &request) == 0)
		for (unsigned i = 0; i < 6; i++)
			dpid = dpid << 8 | (uint8_t)request.ifr_hwaddr.sa_data[i];
	close(fd);
	return dpid ? dpid : DPID_DEFAULT;
}

/* --- Signals --- */

/* Only what still waits to be sent keeps the loop running after this; a second signal ends the
 * program at once. */
static void end(struct program *program)
{
	client_drain(program->client);
	for (unsigned i = 0; i < SIGNALS; i++)
		event_del(program->signals[i]);
}

static void on_signal(evutil_socket_t number, short what, void *arg)
{
	struct program *program = arg;

	(void)what;
	if (number == SIGHUP)
		client_reopen(program->client);
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

/* --- What libevent tells --- */

static struct client *libevent_client; /* whose log takes it; NULL: nobody's */

/* Of interest to those who look for a fault: what matters is told by the callers of libevent. */
static void on_libevent_log(int severity, const char *line)
{
	if (libevent_client)
		client_log_library(libevent_client, severity == EVENT_LOG_ERR, line);
}

/* --- The program --- */

static struct event_base *make_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (!config)
		return NULL;
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

static int complain(const char *error, bool wrong_usage)
{
	fprintf(stderr, "flowbed-switch: %s\n", error);
	if (wrong_usage)
		fputs("See 'flowbed-switch --help'.\n", stderr);
	return wrong_usage ? EXIT_WRONG_USAGE : EXIT_SYSTEM;
}

/* Start and run until a signal. */
static int run(struct program *program, const struct client_options *options)
{
	char error[CLIENT_ERROR_BYTES];
	bool wrong_usage = true;

	if (!client_options_apply(options, program->client, error, &wrong_usage))
		return complain(error, wrong_usage);
	if (!take_signals(program))
		return complain("signals cannot be taken", false);
	if (!client_start(program->client, error))
		return complain(error, false);
	if (event_base_dispatch(program->base) < 0)
		return complain("the event loop failed", false);
	return EXIT_ENDED;
}

static int run_options(struct client_options *options)
{
	struct program program = {.base = make_base()};
	struct log log;
	int code;

	if (!program.base)
		return complain("the event loop cannot be made", false);
	system_take_descriptors(); /* an interface takes several, a connection one */
	log_init(&log, stderr, options->log_level, "flowbed-switch");
	if (!options->has_dpid)
		options->config.agent.datapath.dpid =
		        options->interfaces.count ? interface_dpid(options->interfaces.texts[0])
		                                  : DPID_DEFAULT;
	program.client = client_new(program.base, &options->config, &log);
	libevent_client = program.client;
	event_set_log_callback(on_libevent_log);
	code = run(&program, options);
	libevent_client = NULL;
	client_free(program.client);
	for (unsigned i = 0; i < SIGNALS; i++)
		if (program.signals[i])
			event_free(program.signals[i]);
	event_base_free(program.base);
	return code;
}

int main(int argc, char **argv)
{
	struct client_options options;
	int code = EXIT_WRONG_USAGE;

	switch (client_options_read(&options, argc, argv)) {
	case OPTIONS_DONE:
		code = EXIT_ENDED;
		break;
	case OPTIONS_GO_ON:
		code = run_options(&options);
		break;
	case OPTIONS_WRONG:
		break;
	}
	client_options_destroy(&options);
	if (!system_end_stdout("flowbed-switch"))
		code = EXIT_SYSTEM;
	return code;
}
