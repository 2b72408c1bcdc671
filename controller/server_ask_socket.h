/* One line to the socket of a running controller, and the line that it answers: for the program's
 * subcommands. */
#ifndef CONTROLLER_SERVER_ASK_SOCKET_H
#define CONTROLLER_SERVER_ASK_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/io/conn_name.h"

struct server_ask_socket {
	const char *program; /* in front of complaints: "flowbed-controller status" */
	const char *path;    /* shorter than CONN_NAME_PATH_BYTES; NULL: where a controller of this
	                        user has it, which takes its place */
	uint64_t timeout_ns; /* for all of it */

	char *answer; /* of the controller, without the newline; terminated */
	size_t len;

	/* server_ask_socket.c's */
	uint64_t deadline_ns;
	size_t size;
	int fd;
	char own_path[CONN_NAME_PATH_BYTES];
};

/* Send 'line', which ends with a newline, and wait for the answer. False after a complaint on
 * standard error: no controller answers. */
bool server_ask_socket_talk(struct server_ask_socket *asked, const char *line);
void server_ask_socket_destroy(struct server_ask_socket *asked);

#endif
