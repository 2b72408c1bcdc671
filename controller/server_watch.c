/* Who watches the connections: the log, which tells each message at its debug level, and a capture;
 * see server.h and lib/io/conn_watch.h.
 *
 * One capture serves all threads: it has a lock, and so has what each connection keeps for it. Its
 * records are in the order of their times, which are taken under the lock. Where nobody watches,
 * 'server->watch' is NULL, and that is all that the path of packet-ins sees of this file. */
#include "controller/server_private.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "lib/io/conn_watch.h"
#include "lib/io/pcap_record.h"

struct server_watch {
	struct server *server;
	bool tells;              /* the log tells messages */
	pthread_mutex_t lock;    /* of what follows, and of the connections' traces */
	struct pcap_record pcap; /* the capture */
	uint32_t number;         /* of the latest connection */
	struct event *flush_timer;
};

/* --- The capture --- */

static void on_log(void *ctx, enum log_level level, const char *line)
{
	struct server_watch *watch = ctx;

	server_log(watch->server, level, "controller", "%s", line);
}

/* Once a second, so that somebody who follows the file sees what happens. */
static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct server_watch *watch = arg;

	(void)fd;
	(void)what;
	pthread_mutex_lock(&watch->lock);
	pcap_record_flush(&watch->pcap);
	pthread_mutex_unlock(&watch->lock);
}

static bool open_capture(struct server_watch *watch, char *error)
{
	const struct timeval second = {1, 0};

	if (!pcap_record_open(&watch->pcap, error, SERVER_ERROR_BYTES))
		return false;
	watch->flush_timer = event_new(watch->server->base, -1, EV_PERSIST, on_flush, watch);
	if (!watch->flush_timer)
		xalloc_failed("the capture's timer");
	event_add(watch->flush_timer, &second);
	return true;
}

bool server_watch_open(struct server *server, char *error)
{
	bool tells = log_wants(server->log, LOG_LEVEL_DEBUG);
	struct server_watch *watch;

	if (!tells && !server->config.pcap_path)
		return true;
	watch = server->watch = xcalloc(1, sizeof *watch);
	watch->server = server;
	watch->tells = tells;
	watch->pcap = (struct pcap_record){.option = "--pcap",
	                                   .path = server->config.pcap_path,
	                                   .owner = "the controller",
	                                   .log = on_log,
	                                   .ctx = watch};
	pthread_mutex_init(&watch->lock, NULL);
	return !server->config.pcap_path || open_capture(watch, error);
}

void server_watch_reopen(struct server *server)
{
	struct server_watch *watch = server->watch;

	if (!watch)
		return;
	pthread_mutex_lock(&watch->lock);
	pcap_record_reopen(&watch->pcap);
	pthread_mutex_unlock(&watch->lock);
}

void server_watch_drain(struct server *server)
{
	if (server->watch && server->watch->flush_timer)
		event_del(server->watch->flush_timer);
}

void server_watch_close(struct server *server)
{
	struct server_watch *watch = server->watch;

	if (!watch)
		return;
	if (watch->flush_timer)
		event_free(watch->flush_timer);
	pcap_record_close(&watch->pcap);
	pthread_mutex_destroy(&watch->lock);
	free(watch);
	server->watch = NULL;
}

/* --- Connections --- */

void server_watch_begin(struct server_conn *conn)
{
	struct server_watch *watch = conn->loop->server->watch;

	if (!watch)
		return;
	conn->watch = xcalloc(1, sizeof *conn->watch);
	pthread_mutex_lock(&watch->lock);
	conn_watch_begin(conn->watch, watch->pcap.file, server_unix_ns(), conn->stream,
	                 CONN_WATCH_CONTROLLER_LISTENS, watch->number++);
	pthread_mutex_unlock(&watch->lock);
}

void server_watch_end(struct server_conn *conn, enum conn_watch_way way)
{
	struct server_watch *watch = conn->loop->server->watch;

	if (!conn->watch)
		return;
	pthread_mutex_lock(&watch->lock);
	conn_watch_end(conn->watch, watch->pcap.file, server_unix_ns(), way);
	pthread_mutex_unlock(&watch->lock);
	free(conn->watch);
	conn->watch = NULL;
}

/* "0000000000000001 (tcp:192.0.2.1:49152) > controller: ECHO_REPLY xid=0x5" */
static void tell(void *ctx, enum conn_watch_way way, const uint8_t *bytes, size_t len)
{
	const struct server_conn *conn = ctx;
	char line[FB_TEXT_LINE_BYTES], peer[STREAM_NAME_BYTES + 24];
	struct fb_text text = fb_text_make(line, sizeof line),
	               name = fb_text_make(peer, sizeof peer);

	fb_text_msg_bytes(&text, bytes, len);
	if (conn->claimed)
		fb_text_printf(&name, "%016" PRIx64 " (%s)", conn->dpid, stream_peer(conn->stream));
	else
		fb_text_puts(&name, stream_peer(conn->stream));
	if (way == CONN_WATCH_IN)
		server_log(conn->loop->server, LOG_LEVEL_DEBUG, "controller", "%s > controller: %s",
		           peer, line);
	else
		server_log(conn->loop->server, LOG_LEVEL_DEBUG, "controller", "controller > %s: %s",
		           peer, line);
}

void server_watch_bytes(struct server_conn *conn, enum conn_watch_way way, const uint8_t *bytes,
                        size_t len)
{
	struct server_watch *watch = conn->loop->server->watch;

	if (!conn->watch)
		return;
	if (conn->watch->traced) {
		pthread_mutex_lock(&watch->lock);
		conn_watch_bytes(conn->watch, watch->pcap.file, server_unix_ns(), way, bytes, len);
		pthread_mutex_unlock(&watch->lock);
	}
	if (watch->tells)
		conn_watch_messages(conn->watch, way, bytes, len, tell, conn);
}
