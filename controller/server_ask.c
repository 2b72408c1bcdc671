/* Asks a running controller what it knows; see server_ask.h. What is asked and answered is told in
 * server_status.c and server_status_answer.c; how the answer is shown in server_ask_text.c. */
#include "controller/server_ask.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller/server_ask_json.h"
#include "controller/server_ask_text.h"
#include "controller/server_dpid_list.h"
#include "controller/server_options.h"
#include "controller/server_private.h"
#include "lib/base/xalloc.h"
#include "lib/io/bad_option.h"

#define PROGRAM "flowbed-controller status"

enum {
	EXIT_ANSWERED = 0,
	EXIT_NO_SWITCH = 1,
	EXIT_WRONG_USAGE = 2,
	EXIT_NO_ANSWER = 3,
	LIST_MAX_MAX = 10000,
	ANSWER_BYTES_MAX = 256 << 20,
	READ_BYTES = 65536,
};

#define WAIT_NS_MAX (60 * FB_NS_PER_S)

/* The default values stand in the text of --help, too. */
struct ask {
	char path[CONN_NAME_PATH_BYTES];
	bool json;
	uint32_t list_max;
	uint64_t wait_ns, timeout_ns;
	bool one_switch;
	char dpid[32]; /* of it */

	uint64_t deadline_ns;
	int fd;
	char *answer;
	size_t len, size;
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
	const char *path;

	switch (option) {
	case OPTION_SOCKET:
		if (!options_text(&table, option, text, sizeof ask->path, &path))
			return false;
		snprintf(ask->path, sizeof ask->path, "%s", path);
		return true;
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
		return options_duration(&table, option, text, false, &ask->timeout_ns);
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
	if (ask->timeout_ns <= ask->wait_ns)
		return wrong_usage("--timeout must be longer than --wait");
	return true;
}

/* --- Asking --- */

static bool fail(const struct ask *ask, const char *what, const char *right)
{
	fprintf(stderr, PROGRAM ": no controller answers at '%s': %s%s%s\n", ask->path, what,
	        *right ? "; " : "", right);
	return false;
}

/* The time that is left, for poll(); 0: none. */
static int left_ms(const struct ask *ask)
{
	uint64_t now_ns = server_now_ns(), left_ns;

	if (now_ns >= ask->deadline_ns)
		return 0;
	left_ns = (ask->deadline_ns - now_ns + FB_NS_PER_MS - 1) / FB_NS_PER_MS;
	return left_ns > INT32_MAX ? INT32_MAX : (int)left_ns;
}

static const char *what_to_do(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return "ask as the user who runs it, or as root";
	case EAGAIN:
		return "too many ask at once, or it is stuck";
	default:
		return "is one running? --socket PATH names another place, that of its "
		       "--status-socket";
	}
}

static bool connect_to(struct ask *ask)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {(time_t)(ask->timeout_ns / FB_NS_PER_S),
	                          (suseconds_t)(ask->timeout_ns % FB_NS_PER_S / FB_NS_PER_US)};

	ask->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (ask->fd < 0)
		return fail(ask, strerror(errno), "");
	/* So long connect() waits where many others do. */
	setsockopt(ask->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
	memcpy(address.sun_path, ask->path, strlen(ask->path) + 1);
	if (connect(ask->fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return fail(ask, strerror(errno), what_to_do(errno));
	return true;
}

/* A controller that has too many askers answers before it has read: that answer is read next. */
static bool send_question(struct ask *ask)
{
	char line[128];
	int len = snprintf(line, sizeof line, "status limit=%" PRIu32 " wait_ms=%" PRIu64 "%s%s\n",
	                   ask->list_max, ask->wait_ns / FB_NS_PER_MS,
	                   ask->one_switch ? " dpid=" : "", ask->dpid);

	if (send(ask->fd, line, (size_t)len, MSG_NOSIGNAL) != len && errno != EPIPE)
		return fail(ask, strerror(errno), "");
	return true;
}

/* Read what has come. False at the end, or when it failed ('*failed'). */
static bool receive_some(struct ask *ask, bool *failed)
{
	ssize_t got;

	if (ask->size - ask->len < READ_BYTES) {
		ask->size = ask->size ? 2 * ask->size : 2 * READ_BYTES;
		ask->answer = xrealloc(ask->answer, ask->size);
	}
	got = recv(ask->fd, ask->answer + ask->len, READ_BYTES, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	*failed = got < 0 || ask->len > ANSWER_BYTES_MAX;
	if (*failed)
		fail(ask, got < 0 ? strerror(errno) : "the answer has no end", "");
	if (got <= 0 || *failed)
		return false;
	ask->len += (size_t)got;
	return true;
}

static bool receive_answer(struct ask *ask)
{
	struct pollfd poll_fd = {.fd = ask->fd, .events = POLLIN};
	bool failed = false, more = true;

	while (more) {
		int ready = poll(&poll_fd, 1, left_ms(ask));

		if (ready == 0)
			return fail(ask, "the time is over",
			            "it is busy or stuck: --timeout gives it longer");
		if (ready > 0)
			more = receive_some(ask, &failed);
		else if (errno != EINTR)
			return fail(ask, strerror(errno), "");
	}
	if (failed)
		return false;
	/* The line is complete, or the controller ended while it wrote. */
	if (ask->len < 2 || ask->answer[ask->len - 1] != '\n')
		return fail(ask, "the answer is cut", "the controller ended, or gave up");
	ask->answer[--ask->len] = '\0';
	return true;
}

/* --- Showing --- */

/* Returns the exit status. */
static int show(struct ask *ask)
{
	static const char error_start[] = "{\"error\":";
	enum server_ask_text_result result;
	char error[SERVER_ERROR_BYTES];

	if (ask->json && strncmp(ask->answer, error_start, sizeof error_start - 1) != 0) {
		server_ask_json_print(ask->answer, ask->len);
		putchar('\n');
		return EXIT_ANSWERED;
	}
	/* With --limit 0 no switch is told, also not one that is there. */
	result = server_ask_text_print(ask->answer, ask->len,
	                               ask->one_switch && ask->list_max > 0 ? ask->dpid : NULL,
	                               error, sizeof error);
	if (result != SERVER_ASK_TEXT_SHOWN)
		fprintf(stderr, PROGRAM ": '%s': %s\n", ask->path, error);
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

	if (!*ask->path && !server_status_path(ask->path, sizeof ask->path)) {
		fputs(PROGRAM ": there is no place where a controller of this user would be "
		              "($XDG_RUNTIME_DIR is not set): --socket PATH names one\n",
		      stderr);
		return EXIT_NO_ANSWER;
	}
	ask->deadline_ns = fb_time_after(server_now_ns(), ask->timeout_ns);
	if (connect_to(ask) && send_question(ask) && receive_answer(ask))
		code = show(ask);
	if (ask->fd >= 0)
		close(ask->fd);
	free(ask->answer);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, PROGRAM ": standard output cannot be written: %s\n",
		        strerror(errno));
		return EXIT_NO_ANSWER;
	}
	return code;
}

int server_ask_main(int argc, char **argv)
{
	struct ask ask = {.list_max = 20,
	                  .wait_ns = 500 * FB_NS_PER_MS,
	                  .timeout_ns = 5 * FB_NS_PER_S,
	                  .fd = -1};
	int code;

	return read_arguments(&ask, argc, argv, &code) ? ask_and_show(&ask) : code;
}
