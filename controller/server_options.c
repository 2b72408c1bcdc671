/* Reads the command line of flowbed-controller; see server_options.h. What is wrong is told with
 * what would be right. */
#include "controller/server_options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/io/bad_option.h"

#define PROGRAM "flowbed-controller"

static const struct option long_options[] = {
        {"listen", required_argument, NULL, 'l'},
        {"threads", required_argument, NULL, 't'},
        {"private-key", required_argument, NULL, 'p'},
        {"certificate", required_argument, NULL, 'c'},
        {"ca-cert", required_argument, NULL, 'C'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
};

static void add(struct server_options_list *list, char *text)
{
	list->texts = xrealloc(list->texts, (list->count + 1) * sizeof *list->texts);
	list->texts[list->count++] = text;
}

enum server_options_result server_options_read(struct server_options *options, int argc,
                                               char **argv)
{
	char line[256];
	struct fb_text text = fb_text_make(line, sizeof line);
	int c;

	*options = (struct server_options){.log_level = LOG_LEVEL_INFO};
	server_config_default(&options->config);
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":l:t:p:c:C:vhV", long_options, NULL)) != -1) {
		switch (c) {
		case 'l':
			add(&options->listen, optarg);
			break;
		case 't':
			options->config.threads = (uint32_t)strtoul(optarg, NULL, 10);
			break;
		case 'p':
			options->config.tls.private_key = optarg;
			break;
		case 'c':
			options->config.tls.certificate = optarg;
			break;
		case 'C':
			options->config.tls.ca_cert = optarg;
			break;
		case 'v':
			options->log_level = LOG_LEVEL_DEBUG;
			break;
		case 'h':
			puts("usage: " PROGRAM " [OPTION...] APP[,OPTION=VALUE]...");
			return SERVER_OPTIONS_DONE;
		case 'V':
			puts(PROGRAM " " FLOWBED_VERSION);
			return SERVER_OPTIONS_DONE;
		default:
			bad_option_text(&text, long_options, c, optopt, argv[optind - 1]);
			fprintf(stderr, PROGRAM ": %s\n", line);
			return SERVER_OPTIONS_WRONG;
		}
	}
	while (optind < argc)
		add(&options->apps, argv[optind++]);
	return SERVER_OPTIONS_RUN;
}

void server_options_destroy(struct server_options *options)
{
	free(options->apps.texts);
	free(options->listen.texts);
	free(options->dpids.texts);
}

bool server_options_apply(const struct server_options *options, struct server *server, char *error,
                          bool *wrong_usage)
{
	struct conn_name name;

	*wrong_usage = true;
	for (size_t i = 0; i < options->apps.count; i++)
		if (!server_add_app(server, options->apps.texts[i], error))
			return false;
	for (size_t i = 0; i < options->listen.count; i++) {
		if (!conn_name_parse_for(options->listen.texts[i], CONN_NAME_LISTEN, &name, error,
		                         SERVER_ERROR_BYTES))
			return false;
		*wrong_usage = false;
		if (!server_listen(server, &name, error))
			return false;
		*wrong_usage = true;
	}
	return true;
}
