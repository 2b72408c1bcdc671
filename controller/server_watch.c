/* Who watches the connections: the log at its debug level, and a capture; see server.h. */
#include "controller/server_private.h"

bool server_watch_open(struct server *server, char *error)
{
	(void)server;
	(void)error;
	return true;
}

void server_watch_reopen(struct server *server)
{
	(void)server;
}

void server_watch_close(struct server *server)
{
	(void)server;
}

void server_watch_begin(struct server_conn *conn)
{
	(void)conn;
}

void server_watch_end(struct server_conn *conn, enum server_way way)
{
	(void)conn;
	(void)way;
}

void server_watch_bytes(struct server_conn *conn, enum server_way way, const uint8_t *bytes,
                        size_t len)
{
	(void)conn;
	(void)way;
	(void)bytes;
	(void)len;
}
