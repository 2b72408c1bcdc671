/* The command line of flowbed-controller. */
#ifndef CONTROLLER_SERVER_OPTIONS_H
#define CONTROLLER_SERVER_OPTIONS_H

#include "controller/server.h"

enum { SERVER_OPTIONS_LIST_MAX = 4096 }; /* of one kind that may be repeated */

/* What a repeated option gave: texts of the command line. */
struct server_options_list {
	char **texts;
	size_t count;
};

struct server_options {
	struct server_config config;
	enum log_level log_level;
	const char *log_path;   /* NULL: standard error */
	const char *dpids_path; /* --peer-dpid-file; NULL: none */
	struct server_options_list apps, listen, dpids;
};

enum server_options_result {
	SERVER_OPTIONS_RUN,
	SERVER_OPTIONS_DONE,  /* help, version or a list was printed */
	SERVER_OPTIONS_WRONG, /* and was told on stderr */
};

/* Read the command line; the texts of 'options' point into 'argv'. */
enum server_options_result server_options_read(struct server_options *options, int argc,
                                               char **argv);
void server_options_destroy(struct server_options *options);

/* Hand what was read to 'server'. False with what is wrong in 'error' (SERVER_ERROR_BYTES);
 * '*wrong_usage' says whether it is the command line or the system. */
bool server_options_apply(const struct server_options *options, struct server *server, char *error,
                          bool *wrong_usage);

#endif
