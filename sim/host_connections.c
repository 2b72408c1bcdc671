/* Telling which TCP connections a host has: for who wants to know whether all have ended. */
#include "sim/tcp.h"

static const char *const state_names[] = {
        [TCP_SYN_SENT] = "SYN_SENT",       [TCP_SYN_RECEIVED] = "SYN_RECEIVED",
        [TCP_ESTABLISHED] = "ESTABLISHED", [TCP_FIN_WAIT_1] = "FIN_WAIT_1",
        [TCP_FIN_WAIT_2] = "FIN_WAIT_2",   [TCP_CLOSING] = "CLOSING",
        [TCP_CLOSE_WAIT] = "CLOSE_WAIT",   [TCP_LAST_ACK] = "LAST_ACK",
        [TCP_TIME_WAIT] = "TIME_WAIT",     [TCP_CLOSED] = "CLOSED",
};

void host_connections_each(const struct host *host,
                           void (*tell)(void *ctx, const struct host_connection *connection),
                           void *ctx)
{
	const struct tcp_conn *conn;

	TAILQ_FOREACH(conn, &host->tcp.conns, link)
	{
		const struct host_connection connection = {.peer_ip = conn->peer_ip,
		                                           .peer_port = conn->peer_port,
		                                           .local_port = conn->local_port,
		                                           .passive = conn->passive,
		                                           .state = state_names[conn->state],
		                                           .began_ns = conn->began_ns,
		                                           .heard_ns = conn->heard_ns};

		tell(ctx, &connection);
	}
}

bool host_connections_has(const struct host *host, uint32_t peer_ip, uint16_t peer_port,
                          uint16_t local_port)
{
	return tcp_find(host, peer_ip, peer_port, local_port) != NULL;
}

bool host_connections_has_passive(const struct host *host, uint32_t peer_ip, uint16_t peer_port,
                                  uint16_t local_port)
{
	const struct tcp_conn *conn = tcp_find(host, peer_ip, peer_port, local_port);

	return conn && conn->passive;
}
