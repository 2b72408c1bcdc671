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

static void message(void *ctx, enum conn_watch_way way, const uint8_t *bytes, size_t len)
{
	struct client_conn *conn = ctx;
	struct client *client = conn->client;
	char line[FB_TEXT_LINE_BYTES];
	struct fb_text text;

	if (conn->controller)
		copy(client, bytes, len);
	if (!log_wants(client->log, LOG_LEVEL_DEBUG))
		return;
	text = fb_text_make(line, sizeof line);
	fb_text_msg_bytes(&text, bytes, len);
	if (way == CONN_WATCH_IN)
		client_log(client, LOG_LEVEL_DEBUG, "%s > switch: %s", conn->peer, line);
	else
		client_log(client, LOG_LEVEL_DEBUG, "switch > %s: %s", conn->peer, line);
}

void client_watch_bytes(struct client_conn *conn, enum conn_watch_way way, const uint8_t *bytes,
                        size_t len)
{
	struct client *client = conn->client;

	if (conn->watch.traced)
		conn_watch_bytes(&conn->watch, client->control.file, client_unix_ns(), way, bytes,
		                 len);
	if (client->snooping || log_wants(client->log, LOG_LEVEL_DEBUG))
		conn_watch_messages(&conn->watch, way, bytes, len, message, conn);
}

void client_watch_begin(struct client_conn *conn)
{
	struct client *client = conn->client;

	conn_watch_begin(&conn->watch, client->control.file, client_unix_ns(), conn->stream,
	                 conn->controller ? CONN_WATCH_SWITCH_CONNECTS : CONN_WATCH_SWITCH_LISTENS,
	                 client->watch_number++);
}

void client_watch_end(struct client_conn *conn, enum conn_watch_way way)
{
	conn_watch_end(&conn->watch, conn->client->control.file, client_unix_ns(), way);
}
