/* The connections of a loop; see server.h.
 *
 * A connection is a stream (lib/io/stream.h) and a session of the loop's core. A peer that does not
 * take what it is sent waits first (liveness.h); one for which more than 'out_bytes_max' waits is
 * closed.
 *
 * There is a limit to connections. Peers that connect and say nothing must not keep switches out: at
 * the limit the oldest newcomer, who has not told its dpid, goes for the next connection: after a
 * small part of the time for handshakes where it has said nothing, after half of it where it has.
 * Where there is none, the next one is refused.
 *
 * What waits for a connection that is closed is still sent for a moment. It does not count among the
 * connections then; where too many were closed of late, the next ones do not get that moment.
 *
 * With several threads a connection moves once: the core tells its dpid, the stream leaves its loop,
 * and a task takes both, with what had come behind, to the loop of that dpid. Bytes that come
 * meanwhile wait in the socket, so that the order stays. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/server_private.h"
#include "lib/base/xalloc.h"
#include "lib/io/read_file.h"

enum {
	NEWCOMER_TIME_PARTS = 32, /* of the time for handshakes: one is a newcomer's for sure, */
	NEWCOMER_TIME_S = 1,      /*   but so much at least: TLS takes several round trips */
	NEWCOMERS_SEEN_MAX = 64,  /* that are looked at for each connection over the limit */
	DRAINS_MAX = 1024, /* closed connections of a loop that send what waits, or twice so many */
};

/* Bytes on their way with a connection. */
struct move {
	struct server_task task; /* first: it is a task */
	struct server_conn *conn;
	size_t features_len, rest_len;
	bool over; /* bytes to the peer were lost: it is closed on arrival */
	uint8_t bytes[];
};

static void conn_link(struct server_conn *conn, struct server_loop *loop)
{
	conn->loop = loop;
	TAILQ_INSERT_TAIL(&loop->conns, conn, link);
	loop->conns_count++;
}

/* It has told its dpid, or goes. */
static void conn_settle_in(struct server_conn *conn)
{
	if (conn->newcomer)
		TAILQ_REMOVE(&conn->loop->newcomers, conn, newcomer_link);
	conn->newcomer = false;
}

static void conn_unlink(struct server_conn *conn)
{
	TAILQ_REMOVE(&conn->loop->conns, conn, link);
	conn->loop->conns_count--;
	conn_settle_in(conn);
	if (conn->over)
		TAILQ_REMOVE(&conn->loop->over, conn, over_link);
	conn->over = false;
}

/* The stream is gone or not ours any more. */
static void conn_free(struct server_conn *conn)
{
	struct server *server = conn->loop->server;

	conn_unlink(conn);
	if (conn->claimed)
		server_dpids_release(server, conn->dpid);
	atomic_fetch_sub(&server->conns_count, 1);
	free(conn);
}

/* End a connection that the core does not end by itself. */
static void conn_end(struct server_conn *conn, const char *reason, uint64_t now_ns)
{
	session_closed(conn->session, reason, now_ns);
	server_watch_end(conn, CONN_WATCH_OUT);
	stream_close(conn->stream, 0);
	conn_free(conn);
}

/* The time that a connection to be closed has for what waits. */
static uint64_t drain_time(struct server_loop *loop, uint64_t now_ns)
{
	uint64_t drain_ns = loop->server->config.drain_ns;

	if (loop->draining) /* they were all there before */
		return drain_ns;
	if (now_ns - loop->drains_since_ns >= drain_ns) {
		loop->drains_since_ns = now_ns;
		loop->drains_count = 0;
	}
	if (loop->drains_count < DRAINS_MAX) {
		loop->drains_count++;
		return drain_ns;
	}
	atomic_fetch_add(&loop->server->conns_cut, 1);
	return 0;
}

/* --- What the core asks for --- */

/* Bytes to the peer are lost: it is closed when the loop settles. */
static void conn_lose(struct server_conn *conn)
{
	conn->over = true;
	TAILQ_INSERT_TAIL(&conn->loop->over, conn, over_link);
}

static void conns_send(void *ctx, const uint8_t *bytes, size_t len)
{
	struct server_conn *conn = ctx;

	if (conn->over)
		return;
	/* First, so that nothing that this brings about is seen before it. */
	if (conn->loop->server->watch)
		server_watch_bytes(conn, CONN_WATCH_OUT, bytes, len);
	if (stream_send(conn->stream, bytes, len))
		return;
	conn_lose(conn);
}

static void conns_close(void *ctx, const char *reason)
{
	struct server_conn *conn = ctx;

	(void)reason; /* the core has logged it */
	server_watch_end(conn, CONN_WATCH_OUT);
	stream_close(conn->stream, drain_time(conn->loop, server_now_ns()));
	conn_free(conn);
}

static size_t conns_backlog(void *ctx)
{
	const struct server_conn *conn = ctx;

	return stream_pending_bytes(conn->stream);
}

static void conns_set_reading(void *ctx, bool on)
{
	struct server_conn *conn = ctx;

	stream_set_reading(conn->stream, on);
}

static bool conns_unread(void *ctx)
{
	const struct server_conn *conn = ctx;

	return stream_unread(conn->stream);
}

static uint64_t conns_taken(void *ctx, bool *left)
{
	const struct server_conn *conn = ctx;

	return stream_taken_bytes(conn->stream, left);
}

static void conns_log(void *ctx, enum fb_log_level level, const char *who, const char *line)
{
	static const enum log_level levels[] = {
	        [FB_LOG_ERROR] = LOG_LEVEL_ERROR,
	        [FB_LOG_WARNING] = LOG_LEVEL_WARNING,
	        [FB_LOG_INFO] = LOG_LEVEL_INFO,
	        [FB_LOG_DEBUG] = LOG_LEVEL_DEBUG,
	};
	struct server_loop *loop = ctx;

	server_log(loop->server, levels[level], who, "%s", line);
}

/* Names are as whoever started the program sees them, whose folder it never leaves. */
static char *conns_read_file(void *ctx, const char *name, size_t *len, struct fb_text *error)
{
	(void)ctx;
	return read_file_in(NULL, name, len, error);
}

/* --- Joining and moving --- */

static enum controller_join conns_join(void *ctx, uint64_t dpid)
{
	struct server_conn *conn = ctx;

	if (conn->claimed) /* it has moved here */
		return CONTROLLER_JOIN_HERE;
	conn->target = server_dpids_claim(conn->loop->server, dpid);
	if (!conn->target)
		return CONTROLLER_JOIN_REFUSED;
	conn->claimed = true;
	conn->dpid = dpid;
	conn_settle_in(conn);
	return conn->target == conn->loop ? CONTROLLER_JOIN_HERE : CONTROLLER_JOIN_ELSEWHERE;
}

static void on_received(void *ctx, const uint8_t *bytes, size_t len);
static void on_sent(void *ctx);
static void on_closed(void *ctx, const char *reason);

static const struct stream_ops stream_ops = {
        .received = on_received, .sent = on_sent, .closed = on_closed};

/* In the thread of the loop that the connection moves to. */
static void arrive(struct server_loop *loop, struct server_task *task)
{
	struct move *move = (struct move *)task;
	struct server_conn *conn = move->conn;
	uint64_t now_ns = server_now_ns();
	const uint8_t *rest = move->bytes + move->features_len;
	size_t rest_len = move->rest_len;

	conn_link(conn, loop);
	stream_attach(conn->stream, loop->base, &stream_ops, conn);
	if (loop->controller)
		conn->session = controller_take_over(loop->controller, conn,
		                                     stream_peer(conn->stream), now_ns);
	if (!conn->session) { /* the controller stops */
		server_watch_end(conn, CONN_WATCH_OUT);
		stream_close(conn->stream, 0);
		conn_free(conn);
		free(move);
		return;
	}
	if (move->over)
		conn_lose(conn);
	session_receive(conn->session, move->bytes, move->features_len, now_ns);
	/* A FEATURES_REPLY that brought the connection here does not end it. */
	if (rest_len)
		session_receive(conn->session, rest, rest_len, now_ns);
	free(move);
}

static void conns_move(void *ctx, struct fb_view features, struct fb_view rest)
{
	struct server_conn *conn = ctx;
	struct server_loop *target = conn->target;
	struct move *move = xcalloc(1, sizeof *move + features.len + rest.len);

	move->task.run = arrive;
	move->conn = conn;
	move->features_len = features.len;
	move->rest_len = rest.len;
	move->over = conn->over;
	memcpy(move->bytes, features.data, features.len);
	if (rest.len)
		memcpy(move->bytes + features.len, rest.data, rest.len);
	conn_unlink(conn);
	conn->session = NULL;
	stream_detach(conn->stream);
	server_loop_post(target, &move->task);
}

const struct controller_ops server_conns_ops = {
        .send = conns_send,
        .close = conns_close,
        .backlog = conns_backlog,
        .set_reading = conns_set_reading,
        .unread = conns_unread,
        .taken = conns_taken,
        .join = conns_join,
        .move = conns_move,
        .log = conns_log,
        .read_file = conns_read_file,
};

/* --- Streams --- */

static void on_received(void *ctx, const uint8_t *bytes, size_t len)
{
	struct server_conn *conn = ctx;
	struct server_loop *loop = conn->loop;
	uint64_t now_ns = server_now_ns();

	conn->heard = true;
	if (loop->server->watch)
		server_watch_bytes(conn, CONN_WATCH_IN, bytes, len);
	session_receive(conn->session, bytes, len, now_ns);
	server_loop_settle(loop, now_ns);
}

static void on_sent(void *ctx)
{
	struct server_conn *conn = ctx;
	struct server_loop *loop = conn->loop;
	uint64_t now_ns = server_now_ns();

	session_drained(conn->session, now_ns);
	server_loop_settle(loop, now_ns);
}

/* The stream is gone when this returns. */
static void on_closed(void *ctx, const char *reason)
{
	struct server_conn *conn = ctx;
	struct server_loop *loop = conn->loop;
	uint64_t now_ns = server_now_ns();

	session_closed(conn->session, reason, now_ns);
	server_watch_end(conn, CONN_WATCH_IN);
	conn_free(conn);
	server_loop_settle(loop, now_ns);
}

/* One connection more would be too many. */
static void refuse(struct server *server, struct stream *stream)
{
	uint64_t suppressed;

	atomic_fetch_add(&server->conns_refused, 1);
	if (fb_log_limit_allows(&server->refused_limit, server_now_ns(), &suppressed))
		server_log(server, LOG_LEVEL_WARNING, "controller",
		           "%s: refused: there are %" PRIu32 " connections already (%" PRIu64
		           " lines like this left out)",
		           stream_peer(stream), server->config.controller.sessions_max, suppressed);
	stream_close(stream, 0);
}

/* Count a connection more, unless that is too many. */
static bool count_conn(struct server *server)
{
	if (atomic_fetch_add(&server->conns_count, 1) < server->config.controller.sessions_max)
		return true;
	atomic_fetch_sub(&server->conns_count, 1);
	return false;
}

/* The newcomer that goes for another connection; NULL: there is none. */
static struct server_conn *oldest_newcomer(struct server_loop *loop, uint64_t now_ns)
{
	const uint64_t all_ns = loop->server->config.controller.liveness.handshake_timeout_ns;
	const uint64_t least_ns = NEWCOMER_TIME_S * FB_NS_PER_S;
	uint64_t silent_ns = all_ns / NEWCOMER_TIME_PARTS;
	struct server_conn *conn = TAILQ_FIRST(&loop->newcomers);

	if (silent_ns < least_ns)
		silent_ns = fb_time_min(least_ns, all_ns);
	for (unsigned i = 0; conn && i < NEWCOMERS_SEEN_MAX; i++) {
		uint64_t age_ns = now_ns - conn->connected_ns;

		if (age_ns < silent_ns)
			break;
		if (!conn->heard || age_ns >= all_ns / 2)
			return conn;
		conn = TAILQ_NEXT(conn, newcomer_link);
	}
	return NULL;
}

static bool make_room(struct server_loop *loop, uint64_t now_ns)
{
	struct server_conn *conn = oldest_newcomer(loop, now_ns);

	if (!conn)
		return false;
	atomic_fetch_add(&loop->server->conns_displaced, 1);
	conn_end(conn, "no FEATURES_REPLY so far, and others want to connect", now_ns);
	return true;
}

void server_conns_accept(void *ctx, struct stream *stream)
{
	struct server_loop *loop = ctx;
	struct server *server = loop->server;
	uint64_t now_ns = server_now_ns();
	struct server_conn *conn;

	if (!count_conn(server) && !(make_room(loop, now_ns) && count_conn(server))) {
		refuse(server, stream);
		server_loop_settle(loop, now_ns);
		return;
	}
	server->conns_accepted++;
	conn = xcalloc(1, sizeof *conn);
	conn->stream = stream;
	conn->connected_ns = now_ns;
	conn_link(conn, loop);
	conn->newcomer = true;
	TAILQ_INSERT_TAIL(&loop->newcomers, conn, newcomer_link);
	stream_adopt(stream, &stream_ops, conn, server->config.out_bytes_max);
	server_watch_begin(conn);
	conn->session = controller_connect(loop->controller, conn, stream_peer(stream), now_ns);
	if (!conn->session)
		conns_close(conn, "too many connections");
	server_loop_settle(loop, now_ns);
}

void server_conns_settle(struct server_loop *loop, uint64_t now_ns)
{
	struct server_conn *conn;
	char reason[128];

	while ((conn = TAILQ_FIRST(&loop->over))) {
		loop->not_reading++;
		snprintf(reason, sizeof reason,
		         "the peer does not read: %zu bytes wait for it, which is the limit",
		         stream_pending_bytes(conn->stream));
		conn_end(conn, reason, now_ns);
	}
}
