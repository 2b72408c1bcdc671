/* Reads the command line of flowbed-controller; see server_options.h. What is wrong is told with
 * what would be right. */
#include "controller/server_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/server_dpid_list.h"
#include "lib/base/nearest.h"

#define PROGRAM "flowbed-controller"

#define STATUS_FOLDER "/run/flowbed-controller" /* root's */

enum {
	APPS_LISTED_MAX = 64,
	CONNECTIONS_MAX = 1000000,
	OUTPUT_BYTES_MIN = 65536,
	PAUSE_BYTES_MIN = 1024,
};

enum {
	OPTION_PEER_DPID = 256,
	OPTION_PEER_DPID_FILE,
	OPTION_INACTIVITY_PROBE,
	OPTION_PROBE_TIMEOUT,
	OPTION_HANDSHAKE_TIMEOUT,
	OPTION_STALL_TIMEOUT,
	OPTION_PAUSE_BACKLOG,
	OPTION_OUTPUT_MAX,
	OPTION_CONNECTIONS_MAX,
	OPTION_MISS_SEND_LEN,
	OPTION_PCAP,
	OPTION_LOG_FILE,
	OPTION_LOG_LEVEL,
	OPTION_STATUS_SOCKET,
	OPTION_NO_STATUS,
	OPTION_DRAIN,
	OPTION_LIST_APPS,
};

static const struct option long_options[] = {
        {"listen", required_argument, NULL, 'l'},
        {"threads", required_argument, NULL, 't'},
        {"private-key", required_argument, NULL, 'p'},
        {"certificate", required_argument, NULL, 'c'},
        {"ca-cert", required_argument, NULL, 'C'},
        {"peer-dpid", required_argument, NULL, OPTION_PEER_DPID},
        {"peer-dpid-file", required_argument, NULL, OPTION_PEER_DPID_FILE},
        {"inactivity-probe", required_argument, NULL, OPTION_INACTIVITY_PROBE},
        {"probe-timeout", required_argument, NULL, OPTION_PROBE_TIMEOUT},
        {"handshake-timeout", required_argument, NULL, OPTION_HANDSHAKE_TIMEOUT},
        {"stall-timeout", required_argument, NULL, OPTION_STALL_TIMEOUT},
        {"pause-backlog", required_argument, NULL, OPTION_PAUSE_BACKLOG},
        {"output-max", required_argument, NULL, OPTION_OUTPUT_MAX},
        {"connections-max", required_argument, NULL, OPTION_CONNECTIONS_MAX},
        {"miss-send-len", required_argument, NULL, OPTION_MISS_SEND_LEN},
        {"pcap", required_argument, NULL, OPTION_PCAP},
        {"log-file", required_argument, NULL, OPTION_LOG_FILE},
        {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
        {"status-socket", required_argument, NULL, OPTION_STATUS_SOCKET},
        {"no-status", no_argument, NULL, OPTION_NO_STATUS},
        {"drain", required_argument, NULL, OPTION_DRAIN},
        {"list-apps", no_argument, NULL, OPTION_LIST_APPS},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
};

static const struct options table = {PROGRAM, long_options};

/* clang-format off: as it is printed */
static const char help[] =
        "usage: flowbed-controller [OPTION...] APP[,OPTION=VALUE]...\n"
        "       flowbed-controller status [OPTION...] [DPID]\n"
        "       flowbed-controller tell [OPTION...] APP WORD...\n"
        "\n"
        "An OpenFlow 1.0 controller: switches connect to it, and the APPs decide. The first APP is "
        "asked\n"
        "first. 'status' asks a controller that runs how it is, 'tell' tells one of its APPs what to "
        "do\n"
        "('flowbed-controller status --help', 'flowbed-controller tell --help').\n"
        "\n"
        "applications:\n"
        "      --list-apps               tell each APP with all its options\n"
        "\n"
        "connections:\n"
        "  -l, --listen NAME             where to listen: ptcp:[PORT][:HOST], pssl:[PORT][:HOST] "
        "or\n"
        "                                punix:PATH; may be repeated (default ptcp:6653: port 6653 "
        "on\n"
        "                                all addresses)\n"
        "  -t, --threads N               spread the switches over N threads (default 1)\n"
        "      --connections-max N       connections at a time (default 16384)\n"
        "      --peer-dpid DPID[,DPID...]\n"
        "                                let only these switches join; hexadecimal; may be "
        "repeated\n"
        "      --peer-dpid-file FILE     the same from a file, one DPID a line; read again on "
        "SIGHUP\n"
        "\n"
        "TLS, for pssl: (all three are needed):\n"
        "  -p, --private-key FILE        our private key (PEM)\n"
        "  -c, --certificate FILE        our certificate, with intermediate ones behind it\n"
        "  -C, --ca-cert FILE            authorities that sign the certificates of switches\n"
        "\n"
        "when a switch is silent, or stuck:\n"
        "      --handshake-timeout TIME  from connecting to FEATURES_REPLY (default 10s)\n"
        "      --inactivity-probe TIME   silence that brings an ECHO_REQUEST; 0: never (default "
        "5s)\n"
        "      --probe-timeout TIME      silence after it that ends the connection (default 5s)\n"
        "      --stall-timeout TIME      a peer that takes nothing of what waits for it for so "
        "long\n"
        "                                loses its connection; 0: never (default 10s)\n"
        "      --pause-backlog SIZE      nothing is read from a peer for which more waits (default "
        "1MiB)\n"
        "      --output-max SIZE         a peer for which more would wait loses its connection\n"
        "                                (default 64MiB)\n"
        "      --miss-send-len N         bytes of a frame that switches send when they keep the "
        "frame;\n"
        "                                65535: all (default 128)\n"
        "\n"
        "records:\n"
        "      --pcap FILE               capture the OpenFlow connections; - is standard output\n"
        "      --log-file FILE           log there, not to standard error (which is -); begun anew "
        "on\n"
        "                                SIGHUP\n"
        "      --log-level LEVEL         error, warning, info (default) or debug\n"
        "  -v, --verbose                 the same as --log-level debug: tells each message\n"
        "      --status-socket PATH      where 'flowbed-controller status' and 'tell' find this\n"
        "                                controller (default: a place of your user's)\n"
        "      --no-status               nowhere\n"
        "\n"
        "      --drain TIME              at the end, for what waits to be sent (default 1s)\n"
        "  -h, --help                    this text\n"
        "  -V, --version                 the version\n"
        "\n"
        "TIME is written as 200ms, 1.5s, 2m; SIZE as 64kB, 4MiB. SIGTERM and SIGINT end the "
        "controller,\n"
        "SIGHUP begins log and capture anew and reads the file of DPIDs again. Exit code: 0 it was "
        "told to\n"
        "end, 2 the command line is wrong, 3 another error.\n";
/* clang-format on */

/* --- The applications --- */

/* The columns that the longest option with its default takes. */
static int option_width(const struct fb_app_class *cls)
{
	size_t width = 0;

	for (size_t i = 0; i < cls->options_count; i++) {
		size_t len =
		        strlen(cls->options[i].name) + 1 + strlen(cls->options[i].default_text);

		width = len > width ? len : width;
	}
	return (int)width;
}

static void list_app(const struct fb_app_class *cls)
{
	int width = option_width(cls);

	printf("%s - %s\n", cls->name, cls->summary);
	puts(cls->scope == FB_SCOPE_NETWORK
	             ? "  needs to see all switches in one place: runs with --threads 1 only"
	             : "  decides for each switch on its own: runs with any number of threads");
	if (cls->needs)
		printf("  needs %s, which stands in front of it also where you do not say so\n",
		       cls->needs->name);
	for (size_t i = 0; i < cls->options_count; i++) {
		const struct fb_option *option = &cls->options[i];
		char set[128], expected[256];
		struct fb_text text = fb_text_make(expected, sizeof expected);

		app_options_expected(&text, option);
		snprintf(set, sizeof set, "%s=%s", option->name, option->default_text);
		printf("    %-*s  %s\n    %*s  %s\n", width, set, option->help, width, "",
		       expected);
	}
}

static void list_apps(void)
{
	const struct fb_app_class *cls;

	puts("Write APP[,OPTION=VALUE]..., as learning,idle_timeout=30s. Each option is shown "
	     "with its default.");
	for (size_t place = 0; (cls = controller_class_at(place)); place++) {
		putchar('\n');
		list_app(cls);
	}
}

/* --- Reading --- */

static bool take_log_option(struct server_options *options, int option, char *text)
{
	struct server_config *config = &options->config;

	switch (option) {
	case OPTION_PCAP:
		config->pcap_path = text;
		return true;
	case OPTION_LOG_FILE:
		options->log_path = strcmp(text, "-") ? text : NULL; /* standard error */
		return true;
	case OPTION_LOG_LEVEL:
		return log_level_parse(text, &options->log_level) ||
		       options_wrong(&table, option, text, "write error, warning, info or debug");
	case OPTION_STATUS_SOCKET:
		config->status_must = true;
		return options_text(&table, option, text, CONN_NAME_PATH_BYTES,
		                    &config->status_path);
	case OPTION_NO_STATUS:
		options->no_status = true;
		return true;
	default: /* 'v' */
		options->log_level = LOG_LEVEL_DEBUG;
		return true;
	}
}

static bool take_miss_send_len(struct server_options *options, const char *text)
{
	uint32_t bytes;

	if (!options_number(&table, OPTION_MISS_SEND_LEN, text, 0, UINT16_MAX, &bytes))
		return false;
	options->config.controller.miss_send_len = (uint16_t)bytes;
	return true;
}

static bool take_limit(struct server_options *options, int option, const char *text)
{
	struct server_config *config = &options->config;
	struct liveness_config *liveness = &config->controller.liveness;

	switch (option) {
	case OPTION_INACTIVITY_PROBE:
		return options_duration(&table, option, text, true, &liveness->echo_idle_ns);
	case OPTION_PROBE_TIMEOUT:
		return options_duration(&table, option, text, false, &liveness->echo_timeout_ns);
	case OPTION_HANDSHAKE_TIMEOUT:
		return options_duration(&table, option, text, false,
		                        &liveness->handshake_timeout_ns);
	case OPTION_STALL_TIMEOUT:
		return options_duration(&table, option, text, true, &liveness->stall_timeout_ns);
	case OPTION_PAUSE_BACKLOG:
		options->pause_given = true;
		return options_size(&table, option, text, PAUSE_BYTES_MIN,
		                    "at least 1KiB is needed", &liveness->pause_bytes);
	case OPTION_OUTPUT_MAX:
		return options_size(&table, option, text, OUTPUT_BYTES_MIN,
		                    "at least 64KiB are needed", &config->out_bytes_max);
	case OPTION_CONNECTIONS_MAX:
		return options_number(&table, option, text, 1, CONNECTIONS_MAX,
		                      &config->controller.sessions_max);
	case OPTION_MISS_SEND_LEN:
		return take_miss_send_len(options, text);
	default: /* OPTION_DRAIN */
		return options_duration(&table, option, text, true, &config->drain_ns);
	}
}

/* Take one option; false after a complaint. */
static bool take_option(struct server_options *options, int option, char *text)
{
	struct server_config *config = &options->config;

	switch (option) {
	case 'l':
		return options_append(&table, option, text, &options->listen);
	case 't':
		return options_number(&table, option, text, 1, SERVER_THREADS_MAX,
		                      &config->threads);
	case 'p':
		config->tls.private_key = text;
		return true;
	case 'c':
		config->tls.certificate = text;
		return true;
	case 'C':
		config->tls.ca_cert = text;
		return true;
	case OPTION_PEER_DPID:
		return options_append(&table, option, text, &options->dpids);
	case OPTION_PEER_DPID_FILE:
		options->dpids_path = text;
		return true;
	case OPTION_PCAP:
	case OPTION_LOG_FILE:
	case OPTION_LOG_LEVEL:
	case OPTION_STATUS_SOCKET:
	case OPTION_NO_STATUS:
	case 'v':
		return take_log_option(options, option, text);
	default:
		return take_limit(options, option, text);
	}
}

/* What waits before a peer is not read from is to be well below what ends its connection. */
static bool limits_fit(struct server_options *options)
{
	size_t *pause = &options->config.controller.liveness.pause_bytes;
	size_t out = options->config.out_bytes_max;

	if (!options->pause_given && *pause > out / 4)
		*pause = out / 4;
	if (*pause <= out / 2)
		return true;
	fputs(PROGRAM
	      ": --pause-backlog is more than half of --output-max: a peer that has to wait "
	      "could lose its connection before; write less, or more for --output-max\n",
	      stderr);
	return false;
}

static bool listens_to_tls(const struct server_options *options)
{
	for (size_t i = 0; i < options->listen.count; i++)
		if (!strncmp(options->listen.texts[i], "pssl:", 5))
			return true;
	return false;
}

/* Keys and certificates are all there where they are needed, and only there. */
static bool tls_fits(const struct server_options *options)
{
	const struct tls_config *tls = &options->config.tls;
	const char *given = tls_config_given(tls), *missing = tls_config_missing(tls);

	if (listens_to_tls(options)) {
		if (missing)
			fprintf(stderr,
			        PROGRAM ": --listen pssl: needs --private-key, "
			                "--certificate and --ca-cert: --%s is missing\n",
			        missing);
		return !missing;
	}
	if (given)
		fprintf(stderr,
		        PROGRAM ": --%s is for TLS, and no --listen is: write --listen "
		                "pssl:[PORT][:HOST]\n",
		        given);
	return !given;
}

/* What goes together, once all is read. */
static bool finish(struct server_options *options)
{
	struct server_config *config = &options->config;

	if (!options->apps.count) {
		fputs(PROGRAM ": no application: name at least one, as in '" PROGRAM " learning'; "
		              "--list-apps tells them\n",
		      stderr);
		return false;
	}
	if (options->no_status && config->status_path)
		return options_wrong(
		        &table, OPTION_STATUS_SOCKET, config->status_path,
		        "--no-status says that there is to be none: write one of both");
	if (!options->no_status && !config->status_path &&
	    server_status_path(options->status_path, sizeof options->status_path))
		config->status_path = options->status_path;
	if (options->log_path && config->pcap_path && !strcmp(options->log_path, config->pcap_path))
		return options_wrong(&table, OPTION_LOG_FILE, options->log_path,
		                     "the capture goes there: write another file");
	return limits_fit(options) && tls_fits(options);
}

static enum options_result take(void *ctx, int option, char *text)
{
	switch (option) {
	case 'h':
		fputs(help, stdout);
		return OPTIONS_DONE;
	case 'V':
		puts(PROGRAM " " FLOWBED_VERSION);
		return OPTIONS_DONE;
	case OPTION_LIST_APPS:
		list_apps();
		return OPTIONS_DONE;
	case 'i': /* nox_core's */
		fputs(PROGRAM ": no option is named '-i': to listen write -l, as -l ptcp:6633\n",
		      stderr);
		return OPTIONS_WRONG;
	default:
		return take_option(ctx, option, text) ? OPTIONS_GO_ON : OPTIONS_WRONG;
	}
}

enum options_result server_options_read(struct server_options *options, int argc, char **argv)
{
	enum options_result result;

	*options = (struct server_options){.log_level = LOG_LEVEL_INFO};
	server_config_default(&options->config);
	result = options_read(&table, ":l:t:p:c:C:vhVi::", argc, argv, take, options,
	                      &options->apps);
	return result == OPTIONS_GO_ON ? options_finish(&table, finish(options)) : result;
}

void server_options_destroy(struct server_options *options)
{
	options_list_destroy(&options->apps);
	options_list_destroy(&options->listen);
	options_list_destroy(&options->dpids);
}

bool server_status_path(char *path, size_t size)
{
	const char *folder = getenv("RUNTIME_DIRECTORY"), *name = "/status";
	int len;

	if (!folder && geteuid() == 0) {
		folder = STATUS_FOLDER;
	} else if (!folder) {
		folder = getenv("XDG_RUNTIME_DIR");
		name = "/" PROGRAM ".status";
	}
	if (!folder || !*folder)
		return false;
	/* Of several folders of systemd the first. */
	len = snprintf(path, size, "%.*s%s", (int)strcspn(folder, ":"), folder, name);
	return len > 0 && (size_t)len < size;
}

/* --- To the server --- */

/* "balancer,mode=packet" names an application; say what was meant where it does not. */
static bool app_is_known(const char *text, char *error)
{
	const char *names[APPS_LISTED_MAX + 1] = {NULL}, *meant;
	const struct fb_app_class *cls;
	struct conn_name conn;
	char name[64], why[200];

	snprintf(name, sizeof name, "%.*s", (int)strcspn(text, ","), text);
	if (controller_find_class(name))
		return true;
	if (conn_name_parse(text, &conn, why, sizeof why)) {
		snprintf(why, sizeof why,
		         "this is no application; to listen there write --listen %.100s", text);
		return options_fail(error, SERVER_ERROR_BYTES, "application", text, why);
	}
	for (size_t i = 0; i < APPS_LISTED_MAX && (cls = controller_class_at(i)); i++)
		names[i] = cls->name;
	meant = nearest(name, names);
	if (meant)
		snprintf(error, SERVER_ERROR_BYTES,
		         "no application is named '%s': did you mean '%s'?", name, meant);
	else
		snprintf(error, SERVER_ERROR_BYTES,
		         "no application is named '%s': --list-apps tells them", name);
	return false;
}

/* A listener's name is one, and the system lets us listen. */
static bool apply_listener(struct server *server, const char *text, char *error, bool *wrong_usage)
{
	struct conn_name name;
	char passive[CONN_NAME_PATH_BYTES + 16];
	const char *wanted = text;

	if (!strncmp(text, "unix:", 5)) {
		snprintf(passive, sizeof passive, "p%s", text);
		wanted = passive;
	}
	if (!conn_name_parse_for(wanted, CONN_NAME_LISTEN, &name, error, SERVER_ERROR_BYTES))
		return options_fail(error, SERVER_ERROR_BYTES, "--listen", text, error);
	*wrong_usage = false;
	if (!server_listen(server, &name, error))
		return options_fail(error, SERVER_ERROR_BYTES, "--listen", text, error);
	*wrong_usage = true;
	return true;
}

bool server_options_allow(const struct server_options *options, struct server *server,
                          size_t *count, char *error, bool *wrong_usage)
{
	struct server_dpid_list list = {0};
	bool unreadable, ok = true;

	*wrong_usage = true;
	*count = 0;
	if (!options->dpids.count && !options->dpids_path)
		return true;
	for (size_t i = 0; ok && i < options->dpids.count; i++)
		ok = server_dpid_list_add(&list, options->dpids.texts[i], error) ||
		     options_fail(error, SERVER_ERROR_BYTES, "--peer-dpid", options->dpids.texts[i],
		                  error);
	if (ok && options->dpids_path) {
		ok = server_dpid_list_add_file(&list, options->dpids_path, error, &unreadable);
		*wrong_usage = !unreadable;
	}
	if (ok)
		server_allow_none(server);
	for (size_t i = 0; ok && i < list.count; i++)
		server_allow_dpid(server, list.dpids[i]);
	*count = list.count;
	server_dpid_list_destroy(&list);
	return ok;
}

bool server_options_apply(const struct server_options *options, struct server *server, char *error,
                          bool *wrong_usage)
{
	static const char default_listener[] = "ptcp:";
	size_t dpids;

	*wrong_usage = true;
	for (size_t i = 0; i < options->apps.count; i++)
		if (!app_is_known(options->apps.texts[i], error) ||
		    !server_add_app(server, options->apps.texts[i], error))
			return false;
	if (!server_options_allow(options, server, &dpids, error, wrong_usage))
		return false;
	*wrong_usage = true;
	for (size_t i = 0; i < options->listen.count; i++)
		if (!apply_listener(server, options->listen.texts[i], error, wrong_usage))
			return false;
	if (!options->listen.count && !apply_listener(server, default_listener, error, wrong_usage))
		return false;
	if (!options->no_status && !options->config.status_path)
		server_log(server, LOG_LEVEL_WARNING, "controller",
		           "nobody can ask for the status: there is no place for the socket, as "
		           "$XDG_RUNTIME_DIR is not set: --status-socket PATH names one");
	/* Root has no folder of its own there from the start. */
	if (options->config.status_path == options->status_path && geteuid() == 0 &&
	    !getenv("RUNTIME_DIRECTORY"))
		mkdir(STATUS_FOLDER, 0755);
	return true;
}
