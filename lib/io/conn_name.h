/* Names of connections, as Open vSwitch writes them:
 *
 *   tcp:HOST[:PORT]    ssl:HOST[:PORT]    unix:PATH      to connect to
 *   ptcp:[PORT][:HOST] pssl:[PORT][:HOST] punix:PATH     to listen on
 *
 * HOST is an IPv4 address, an IPv6 address in brackets, or a name; in ptcp: and pssl: it is an
 * address of this machine (default: all, IPv4 and IPv6). PORT is 6653 when nothing is said. */
#ifndef IO_CONN_NAME_H
#define IO_CONN_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conn_kind { CONN_TCP, CONN_SSL, CONN_UNIX };

enum {
	CONN_NAME_HOST_BYTES = 256,
	CONN_NAME_PATH_BYTES = 108, /* sun_path */
	CONN_NAME_PORT_DEFAULT = 6653,
};

struct conn_name {
	enum conn_kind kind;
	bool passive;                    /* to listen on */
	uint16_t port;                   /* 0 in a passive one: any free port */
	char host[CONN_NAME_HOST_BYTES]; /* without brackets; empty: all addresses */
	char path[CONN_NAME_PATH_BYTES]; /* of a CONN_UNIX */
};

/* What a name is wanted for: a mistake is told with what fits there. */
enum conn_name_use { CONN_NAME_ANY, CONN_NAME_CONNECT, CONN_NAME_LISTEN };

/* Read 'text'. False with what is wrong and what would be right in 'error'. */
bool conn_name_parse(const char *text, struct conn_name *name, char *error, size_t error_size);
/* The same; false also for a name that connects where it is to listen, and the other way. */
bool conn_name_parse_for(const char *text, enum conn_name_use use, struct conn_name *name,
                         char *error, size_t error_size);

#endif
