/* Commands for applications: "flowbed-controller tell", behind the socket of the status. */
#ifndef CONTROLLER_SERVER_TELL_H
#define CONTROLLER_SERVER_TELL_H

#include <flowbed/report.h>

#include "controller/server_private.h"

enum {
	SERVER_TELL_WORDS_MAX = 64,
	SERVER_TELL_UNDER_WAY_MAX = 16, /* commands */
	SERVER_TELL_WHO_BYTES = 64,
};

struct server_tell;
struct server_status_asker;

/* Let the loops run the command 'line', "APP WORD...", which 'who' gives (for the log); with the
 * last answer server_status_told() is called. In the first loop's thread. NULL with what is wrong in
 * 'error' (SERVER_ERROR_BYTES). */
struct server_tell *server_tell_begin(struct server *server, struct server_status_asker *asker,
                                      const char *line, const char *who, char *error);
/* Its asker has gone: the command runs all the same. */
void server_tell_forget(struct server_tell *tell);

#endif
