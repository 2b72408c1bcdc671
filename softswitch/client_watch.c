/* Those who watch the client's connections: snoopers (ovs-ofctl snoop), the log at its debug level,
 * and a capture. See client.h.
 *
 * A snooper is a client of an OpenFlow connection on which, after the HELLOs, it only listens: it
 * gets a copy of each message that goes over a connection with a controller, either way, in the
 * order in which the switch took and sent them. (Open vSwitch does the same, with one controller of
 * several; here it is all of them.) What it sends counts for nothing. A snooper that does not read
 * is dropped: watching never disturbs what is watched. */
#include "softswitch/client_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"

/* --- Snoopers --- */

static void snooper_free(struct client_snooper *snooper)
{
	struct client *client = snooper->client;

	TAILQ_REMOVE(&client->snoopers, snooper, link);
	client->snoopers_count--;
	free(snooper);
}

static void on_snooper_received(void *ctx, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	(void)bytes;
	(void)len;
}

static void on_snooper_closed(void *ctx, const char *reason)
{
	struct client_snooper *snooper = ctx;

	client_log(snooper->client, LOG_LEVEL_DEBUG, "%s: ended: %s", snooper->peer, reason);
	snooper_free(snooper);
}

void client_watch_accept(struct client *client, struct stream *stream)
{
	static const struct stream_ops ops = {.received = on_snooper_received,
	                                      .closed = on_snooper_closed};
	static const uint8_t hello[] = {OFP_VERSION, OFPT_HELLO, 0, 8, 0, 0, 0, 0};
	struct client_snooper *snooper;

	if (client->snoopers_count >= client->config.snoopers_max) {
		client->counters.snoopers_refused++;
		client_log(client, LOG_LEVEL_WARNING,
		           "a snooper is refused: there are %" PRIu32 " already",
		           client->snoopers_count);
		stream_close(stream, 0);
		return;
	}
	snooper = xcalloc(1, sizeof *snooper);
	snooper->client = client;
	snooper->stream = stream;
	client_conns_peer(client, "snooper", stream, snooper->peer);
	client_log(client, LOG_LEVEL_DEBUG, "%s: connected", snooper->peer);
	TAILQ_INSERT_TAIL(&client->snoopers, snooper, link);
	client->snoopers_count++;
	stream_adopt(stream, &ops, snooper, client->config.snoop_bytes_max);
	stream_send(stream, hello, sizeof hello);
}

/* Copy whole messages to all snoopers. */
static void copy(struct client *client, const uint8_t *bytes, size_t len)
{
	struct client_snooper *snooper, *next;

	for (snooper = TAILQ_FIRST(&client->snoopers); snooper; snooper = next) {
		next = TAILQ_NEXT(snooper, link);
		if (stream_send(snooper->stream, bytes, len))
			continue;
		client->counters.snoopers_dropped++;
		client_log(client, LOG_LEVEL_WARNING, "%s: does not read, and is dropped",
		           snooper->peer);
		stream_close(snooper->stream, 0);
		snooper_free(snooper);
	}
}

void client_watch_drain(struct client *client)
{
	struct client_snooper *snooper;

	while ((snooper = TAILQ_FIRST(&client->snoopers)) != NULL) {
		stream_close(snooper->stream, client->config.drain_ns);
		snooper_free(snooper);
	}
}

/* --- Messages --- */

static void message(struct client_conn *conn, enum client_way way, const uint8_t *bytes, size_t len)
{
	struct client *client = conn->client;
	char line[FB_TEXT_LINE_BYTES];
	struct fb_text text;

	if (conn->controller)
		copy(client, bytes, len);
	if (!log_wants(client->log, LOG_LEVEL_DEBUG))
		return;
	text = fb_text_make(line, sizeof line);
	fb_text_msg_bytes(&text, bytes, len);
	if (way == CLIENT_IN)
		client_log(client, LOG_LEVEL_DEBUG, "%s > switch: %s", conn->peer, line);
	else
		client_log(client, LOG_LEVEL_DEBUG, "switch > %s: %s", conn->peer, line);
}

/* Cut what came into messages. Where that is not possible any more, the connection ends anyway. */
static void cut_incoming(struct client_conn *conn, const uint8_t *bytes, size_t len)
{
	const uint8_t *msg;
	size_t msg_len;

	framer_push(&conn->framer, bytes, len);
	while (framer_next(&conn->framer, &msg, &msg_len) == FRAMER_MESSAGE)
		message(conn, CLIENT_IN, msg, msg_len);
	framer_finish(&conn->framer);
}

/* What goes out is whole messages already. */
static void cut_outgoing(struct client_conn *conn, const uint8_t *bytes, size_t len)
{
	while (len) {
		size_t msg_len = (size_t)bytes[2] << 8 | bytes[3];

		message(conn, CLIENT_OUT, bytes, msg_len);
		bytes += msg_len;
		len -= msg_len;
	}
}

void client_watch_bytes(struct client_conn *conn, enum client_way way, const uint8_t *bytes,
                        size_t len)
{
	struct client *client = conn->client;

	if (conn->trace)
		tcp_trace_bytes(conn->trace, client_unix_ns(), way, bytes, len);
	if (!client->snooping && !log_wants(client->log, LOG_LEVEL_DEBUG))
		return;
	if (way == CLIENT_IN)
		cut_incoming(conn, bytes, len);
	else
		cut_outgoing(conn, bytes, len);
}

/* --- The capture of connections --- */

enum {
	CAPTURE_PORT = 6653,        /* of the side that listens, where it has no port */
	CAPTURE_PORT_FIRST = 40000, /* of the side that connects */
	CAPTURE_PORTS = 20000,
};

#define CAPTURE_SWITCH_IP UINT32_C(0xc6120001) /* 198.18.0.1: for benchmarks, never routed */
#define CAPTURE_PEER_IP   UINT32_C(0xc0000201) /* 192.0.2.1 */

/* Ends of a trace: the way to the switch is CLIENT_IN. */
enum { END_SWITCH = CLIENT_IN, END_PEER = CLIENT_OUT };

/* Addresses for a connection that has no IPv4 addresses. */
static void invent_ends(struct client_conn *conn, unsigned connects)
{
	struct tcp_trace *trace = conn->trace;
	uint32_t number = conn->client->trace_number++ % CAPTURE_PORTS;

	trace->ip[END_SWITCH] = CAPTURE_SWITCH_IP;
	trace->ip[END_PEER] = CAPTURE_PEER_IP;
	trace->port[connects] = (uint16_t)(CAPTURE_PORT_FIRST + number);
	trace->port[!connects] = CAPTURE_PORT;
}

void client_watch_begin(struct client_conn *conn)
{
	const unsigned connects = conn->controller ? END_SWITCH : END_PEER;
	struct tcp_trace *trace;

	if (!conn->client->control.file)
		return;
	trace = conn->trace = xcalloc(1, sizeof *trace);
	trace->file = conn->client->control.file;
	if (!stream_ipv4_ends(conn->stream, &trace->ip[END_SWITCH], &trace->port[END_SWITCH],
	                      &trace->ip[END_PEER], &trace->port[END_PEER]))
		invent_ends(conn, connects);
	tcp_trace_open(trace, client_unix_ns(), connects);
}

void client_watch_end(struct client_conn *conn, enum client_way way)
{
	if (!conn->trace)
		return;
	tcp_trace_close(conn->trace, client_unix_ns(), way == CLIENT_IN ? END_PEER : END_SWITCH);
	free(conn->trace);
	conn->trace = NULL;
}
