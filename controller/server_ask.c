/* Asks a running controller what it knows; see server_ask.h. What is asked and answered is told in
 * server_status.c and server_status_answer.c; how the answer is shown in server_ask_text.c. */
#include "controller/server_ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/server_ask_json.h"
#include "controller/server_ask_socket.h"
#include "controller/server_ask_text.h"
#include "controller/server_dpid_list.h"
#include "lib/io/bad_option.h"
#include "lib/io/options.h"
#include "lib/io/system.h"

#define PROGRAM "flowbed-controller status"

enum {
	EXIT_ANSWERED = 0,
	EXIT_NO_SWITCH = 1,
	EXIT_WRONG_USAGE = 2,
	EXIT_NO_ANSWER = 3,
	LIST_MAX_MAX = 10000,
};

#define WAIT_NS_MAX (60 * FB_NS_PER_S)

/* The default values stand in the text of --help, too. */
struct ask {
	struct server_ask_socket socket;
	bool json;
	uint32_t list_max;
	uint64_t wait_ns;
	bool one_switch;
	char dpid[32]; /* of it */
};

enum { OPTION_SOCKET = 256, OPTION_WAIT, OPTION_TIMEOUT };

static const struct option long_options[] = {
        {"socket", required_argument, NULL, OPTION_SOCKET},
        {"json", no_argument, NULL, 'j'},
        {"limit", required_argument, NULL, 'n'},
        {"wait", required_argument, NULL, OPTION_WAIT},
        {"timeout", required_argument, NULL, OPTION_TIMEOUT},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
};

static const struct options table = {PROGRAM, long_options};

/* clang-format off: as it is printed */
static const char help[] =
        "usage: flowbed-controller status [OPTION...] [DPID]\n"
        "\n"
        "Shows what a running controller knows: switches, ports, rates, tables, and what each\n"
        "application has learned; with DPID, of that switch alone.\n"
        "\n"
        "      --socket PATH   where it listens: its --status-socket (default: where a controller "
        "of\n"
        "                      this user has it when nothing is said)\n"
        "  -j, --json          print the answer as JSON\n"
        "  -n, --limit N       show at most N items of each list, up to 10000 (default 20)\n"
        "      --wait TIME     wait so long for switches to tell their tables (default 500ms)\n"
        "      --timeout TIME  wait so long for the controller (default 5s)\n"
        "  -h, --help          this text\n"
        "\n"
        "TIME is written as 200ms, 1.5s, 2m. Exit status: 0 answered, 1 no such switch is "
        "connected,\n"
        "2 wrong usage, 3 no controller answers. With --json 1 is none: the list is empty.\n";
/* clang-format on */

/* --- The command line --- */

static bool wrong_usage(const char *error)
{
	fprintf(stderr, PROGRAM ": %s\nSee 'flowbed-controller status --help'.\n", error);
	return false;
}

static bool read_dpid(struct ask *ask, const char *text)
{
	struct server_dpid_list list = {0};
	char error[SERVER_ERROR_BYTES];
	bool ok = server_dpid_list_add(&list, text, error);

	if (ok && list.count != 1) {
		snprintf(error, sizeof error, "'%.100s' is more than one switch: ask for one",
		         text);
		ok = false;
	}
	if (ok)
		snprintf(ask->dpid, sizeof ask->dpid, "%016" PRIx64, list.dpids[0]);
	ask->one_switch = ok;
	server_dpid_list_destroy(&list);
	return ok ? true : wrong_usage(error);
}

static bool read_option(struct ask *ask, int option, const char *text)
{
	switch (option) {
	case OPTION_SOCKET:
		return options_text(&table, option, text, CONN_NAME_PATH_BYTES, &ask->socket.path);
	case 'j':
		ask->json = true;
		return true;
	case 'n':
		return options_number(&table, option, text, 0, LIST_MAX_MAX, &ask->list_max);
	case OPTION_WAIT:
		if (!options_duration(&table, option, text, true, &ask->wait_ns))
			return false;
		return ask->wait_ns <= WAIT_NS_MAX
		               ? true
		               : options_wrong(&table, option, text, "at most 60s are possible");
	case OPTION_TIMEOUT:
		return options_duration(&table, option, text, false, &ask->socket.timeout_ns);
	}
	return false;
}

/* 1: go on; otherwise the exit status is in '*code'. */
static bool read_arguments(struct ask *ask, int argc, char **argv, int *code)
{
	char line[SERVER_ERROR_BYTES];
	struct fb_text text = fb_text_make(line, sizeof line);
	int option;

	*code = EXIT_WRONG_USAGE;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":jn:h", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			*code = EXIT_ANSWERED;
			return false;
		}
		if (option == '?' || option == ':') {
			bad_option_text(&text, long_options, option, optopt, argv[optind - 1]);
			return wrong_usage(line);
		}
		if (!read_option(ask, option, optarg))
			return false;
	}
	if (argc - optind > 1)
		return wrong_usage("more than one DPID: ask for one switch, or for all");
	if (argc > optind && !read_dpid(ask, argv[optind]))
		return false;
	if (ask->socket.timeout_ns <= ask->wait_ns)
		return wrong_usage("--timeout must be longer than --wait");
	return true;
}

/* --- Showing --- */

/* Returns the exit status. */
static int show(struct ask *ask)
{
	static const char error_start[] = "{\"error\":";
	const struct server_ask_socket *socket = &ask->socket;
	enum server_ask_text_result result;
	char error[SERVER_ERROR_BYTES];

	if (ask->json && strncmp(socket->answer, error_start, sizeof error_start - 1) != 0) {
		server_ask_json_print(socket->answer, socket->len);
		putchar('\n');
		return EXIT_ANSWERED;
	}
	/* With --limit 0 no switch is told, also not one that is there. */
	result = server_ask_text_print(socket->answer, socket->len,
	                               ask->one_switch && ask->list_max > 0 ? ask->dpid : NULL,
	                               error, sizeof error);
	if (result != SERVER_ASK_TEXT_SHOWN)
		fprintf(stderr, PROGRAM ": '%s': %s\n", socket->path, error);
	switch (result) {
	case SERVER_ASK_TEXT_SHOWN:
		break;
	case SERVER_ASK_TEXT_NO_SWITCH:
		return EXIT_NO_SWITCH;
	case SERVER_ASK_TEXT_WRONG:
		return EXIT_NO_ANSWER;
	}
	return EXIT_ANSWERED;
}

static int ask_and_show(struct ask *ask)
{
	int code = EXIT_NO_ANSWER;
	char line[128];

	snprintf(line, sizeof line, "status limit=%" PRIu32 " wait_ms=%" PRIu64 "%s%s\n",
	         ask->list_max, ask->wait_ns / FB_NS_PER_MS, ask->one_switch ? " dpid=" : "",
	         ask->dpid);
	if (server_ask_socket_talk(&ask->socket, line))
		code = show(ask);
	server_ask_socket_destroy(&ask->socket);
	return system_end_stdout(PROGRAM) ? code : EXIT_NO_ANSWER;
}

int server_ask_main(int argc, char **argv)
{
	struct ask ask = {.list_max = 20,
	                  .wait_ns = 500 * FB_NS_PER_MS,
	                  .socket = {.program = PROGRAM, .timeout_ns = 5 * FB_NS_PER_S}};
	int code;

	return read_arguments(&ask, argc, argv, &code) ? ask_and_show(&ask) : code;
}
