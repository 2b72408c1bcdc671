/* The command line of flowbed-controller. */
#ifndef CONTROLLER_SERVER_OPTIONS_H
#define CONTROLLER_SERVER_OPTIONS_H

#include "controller/server.h"
#include "lib/io/options.h"

struct server_options {
	struct server_config config;
	enum log_level log_level;
	const char *log_path;   /* NULL: standard error */
	const char *dpids_path; /* --peer-dpid-file; NULL: none */
	struct options_list apps, listen, dpids;
	bool pause_given, no_status;
	char status_path[CONN_NAME_PATH_BYTES]; /* the default one */
};

/* Read the command line. 'options' stays where it is: it holds pointers into itself and 'argv'. */
enum options_result server_options_read(struct server_options *options, int argc, char **argv);
void server_options_destroy(struct server_options *options);

/* Hand what was read to 'server'. False with what is wrong in 'error' (SERVER_ERROR_BYTES);
 * '*wrong_usage' says whether it is the command line or the system. */
bool server_options_apply(const struct server_options *options, struct server *server, char *error,
                          bool *wrong_usage);
/* Tell 'server' anew which switches may join: read the file of dpids again. Where that fails, all
 * stays as it was. Returns the number of dpids through 'count'; nothing is done where no list was
 * given. */
bool server_options_allow(const struct server_options *options, struct server *server,
                          size_t *count, char *error, bool *wrong_usage);

/* Where a controller of this user has its status socket when nothing is said:
 *
 *     $RUNTIME_DIRECTORY/status                    under systemd
 *     /run/flowbed-controller/status               root; it is where the unit that is installed has it, too
 *     $XDG_RUNTIME_DIR/flowbed-controller.status   others
 *
 * False where there is no such place. */
bool server_status_path(char *path, size_t size);

#endif
