/* Gives an application of a running controller a command; see server_ask_tell.h. What is said and
 * answered is told in server_status.c and server_tell.c. */
#include "controller/server_ask_tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flowbed/time.h>

#include "controller/server.h"
#include "controller/server_ask_json.h"
#include "controller/server_ask_socket.h"
#include "controller/server_values.h"
#include "lib/io/bad_option.h"
#include "lib/io/options.h"
#include "lib/io/system.h"

#define PROGRAM "flowbed-controller tell"

enum {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,
	EXIT_WRONG_USAGE = 2,
	EXIT_NO_ANSWER = 3,
	LINE_BYTES = 4096, /* that the controller reads */
};

/* The default values stand in the text of --help, too. */
struct tell {
	struct server_ask_socket socket;
	bool json;
	char line[LINE_BYTES];
};

enum { OPTION_SOCKET = 256, OPTION_TIMEOUT };

static const struct option long_options[] = {
        {"socket", required_argument, NULL, OPTION_SOCKET},
        {"json", no_argument, NULL, 'j'},
        {"timeout", required_argument, NULL, OPTION_TIMEOUT},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
};

static const struct options table = {PROGRAM, long_options};

/* clang-format off: as it is printed */
static const char help[] =
        "usage: flowbed-controller tell [OPTION...] APP WORD...\n"
        "\n"
        "Tells the application APP of a running controller to do something, as in\n"
        "'flowbed-controller tell balancer drain 192.168.2.2 02:00:00:00:00:03', and prints its\n"
        "answer. Which commands there are, the application says when it is told 'help', or "
        "anything\n"
        "else that it does not know.\n"
        "\n"
        "      --socket PATH   where the controller listens: its --status-socket (default: where "
        "a\n"
        "                      controller of this user has it when nothing is said)\n"
        "  -j, --json          print the answer as JSON\n"
        "      --timeout TIME  wait so long for the controller (default 5s)\n"
        "  -h, --help          this text\n"
        "\n"
        "TIME is written as 200ms, 1.5s, 2m. Only root and the user who runs the controller may "
        "do\n"
        "this. Exit status: 0 done, 1 refused by the application, or there is none of that name,\n"
        "2 wrong usage, 3 no controller answers, or it takes no command from this user.\n";
/* clang-format on */

/* --- The command line --- */

static bool wrong_usage(const char *error)
{
	fprintf(stderr, PROGRAM ": %s\nSee 'flowbed-controller tell --help'.\n", error);
	return false;
}

/* Append the words of one argument to the line; false: it does not fit, or would end it. */
static bool add_words(struct tell *tell, const char *words)
{
	size_t len = strlen(tell->line), more = strlen(words);

	if (strpbrk(words, "\r\n"))
		return wrong_usage("a command is one line");
	if (len + more + sizeof " \n" > sizeof tell->line)
		return wrong_usage("the command is too long");
	tell->line[len++] = ' ';
	memcpy(tell->line + len, words, more + 1);
	return true;
}

static bool read_option(struct tell *tell, int option, const char *text)
{
	switch (option) {
	case OPTION_SOCKET:
		return options_text(&table, option, text, CONN_NAME_PATH_BYTES, &tell->socket.path);
	case 'j':
		tell->json = true;
		return true;
	case OPTION_TIMEOUT:
		return options_duration(&table, option, text, false, &tell->socket.timeout_ns);
	}
	return false;
}

/* Options stand in front of the command, whose words may begin with '-'. True: go on; otherwise the
 * exit status is in '*code'. */
static bool read_arguments(struct tell *tell, int argc, char **argv, int *code)
{
	char line[SERVER_ERROR_BYTES];
	struct fb_text text = fb_text_make(line, sizeof line);
	int option;

	*code = EXIT_WRONG_USAGE;
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+:jh", long_options, NULL)) != -1) {
		if (option == 'h') {
			fputs(help, stdout);
			*code = EXIT_DONE;
			return false;
		}
		if (option == '?' || option == ':') {
			bad_option_text(&text, long_options, option, optopt, argv[optind - 1]);
			return wrong_usage(line);
		}
		if (!read_option(tell, option, optarg))
			return false;
	}
	if (argc - optind < 2)
		return wrong_usage("name an application and say what it is to do, as in 'tell "
		                   "balancer drain 192.168.2.2 02:00:00:00:00:03'");
	strcpy(tell->line, "tell");
	for (int i = optind; i < argc; i++)
		if (!add_words(tell, argv[i]))
			return false;
	strcat(tell->line, "\n");
	return true;
}

/* --- The answer --- */

/* A line of an answer that may have several. */
static const char *take_line(const char **text, char line[SERVER_VALUES_BYTES])
{
	char raw[SERVER_VALUES_BYTES];
	size_t len = strcspn(*text, "\n"), taken = len < sizeof raw ? len : sizeof raw - 1;

	memcpy(raw, *text, taken);
	raw[taken] = '\0';
	*text += taken;
	if (taken == len && **text)
		(*text)++;
	return server_values_harmless(raw, line);
}

/* Print one answer: what was done on standard output, what was refused on standard error. 'threads'
 * stands in front of the answers of an application with several instances. */
static void print_answer(struct fy_node *answer, bool threads)
{
	bool done = server_json_is_true(answer, "done");
	const char *text = server_json_text(answer, "text");
	char loops[SERVER_VALUES_BYTES] = "", line[SERVER_VALUES_BYTES];
	FILE *out = done ? stdout : stderr;

	if (!*text)
		text = done ? "done" : "refused, it does not say why";
	if (threads)
		server_values_joined(server_json_get(answer, "loops"), ", ", loops);
	while (*text)
		fprintf(out, "%s%s%s%s%s\n", done ? "" : PROGRAM ": ", threads ? "threads " : "",
		        loops, threads ? ": " : "", take_line(&text, line));
}

/* Returns the exit status. */
static int show_document(const struct tell *tell, struct fy_node *root)
{
	struct fy_node *answers = server_json_get(root, "answers"), *answer;
	char text[SERVER_VALUES_BYTES];
	void *iter = NULL;

	if (server_json_get(root, "error")) {
		fprintf(stderr, PROGRAM ": '%s': the controller says: %s\n", tell->socket.path,
		        server_values_harmless(server_json_text(root, "error"), text));
		return EXIT_NO_ANSWER;
	}
	if (!answers || !fy_node_is_sequence(answers)) {
		fprintf(stderr, PROGRAM ": '%s': this is no answer of a controller\n",
		        tell->socket.path);
		return EXIT_NO_ANSWER;
	}
	if (tell->json) {
		server_ask_json_print(tell->socket.answer, tell->socket.len);
		putchar('\n');
	} else {
		while ((answer = fy_node_sequence_iterate(answers, &iter)))
			print_answer(answer, fy_node_sequence_item_count(answers) > 1);
	}
	return server_json_is_true(root, "done") ? EXIT_DONE : EXIT_REFUSED;
}

static int show(const struct tell *tell)
{
	struct fy_document *document = server_json_parse(tell->socket.answer, tell->socket.len);
	int code;

	if (!document) {
		fprintf(stderr, PROGRAM ": '%s': the answer is no JSON\n", tell->socket.path);
		return EXIT_NO_ANSWER;
	}
	code = show_document(tell, fy_document_root(document));
	fy_document_destroy(document);
	return code;
}

int server_ask_tell_main(int argc, char **argv)
{
	struct tell tell = {.socket = {.program = PROGRAM, .timeout_ns = 5 * FB_NS_PER_S}};
	int code;

	if (read_arguments(&tell, argc, argv, &code)) {
		code = server_ask_socket_talk(&tell.socket, tell.line) ? show(&tell)
		                                                       : EXIT_NO_ANSWER;
		server_ask_socket_destroy(&tell.socket);
	}
	return system_end_stdout(PROGRAM) ? code : EXIT_NO_ANSWER;
}
