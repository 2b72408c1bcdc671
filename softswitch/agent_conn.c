/* One connection of the agent: its output buffer, its liveness, its log lines.
 *
 * Liveness: until the peer's HELLO the handshake timeout runs; then silence for 'echo_idle_ns'
 * brings an ECHO_REQUEST, and silence for 'echo_timeout_ns' after it ends the connection. Any bytes
 * count as a sign of life, and so does a backlog that shrinks: a long list of statistics may take a
 * slow peer longer than that. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <flowbed/text.h>

#include "lib/base/xalloc.h"
#include "softswitch/agent_private.h"

enum {
	LOG_LINES_MAX = 10, /* a second */
	LOG_LINE_BYTES = 512,
	ERROR_NAME_BYTES = 64,
};

struct agent_conn *agent_conn_new(struct agent *agent, void *driver, const char *peer,
                                  enum agent_role role)
{
	struct agent_conn *conn = xcalloc(1, sizeof *conn);

	conn->agent = agent;
	conn->conn = driver;
	snprintf(conn->peer, sizeof conn->peer, "%s", peer ? peer : "?");
	conn->role = role;
	conn->miss_send_len = role == AGENT_CONTROLLER ? OFP_DEFAULT_MISS_SEND_LEN : 0;
	framer_init(&conn->framer);
	conn->heard_ns = agent->now_ns;
	conn->out = xmalloc(AGENT_OUT_BYTES);
	TAILQ_INSERT_TAIL(&agent->conns, conn, link);
	agent->conns_count++;
	agent->counters.connects++;
	return conn;
}

void agent_conn_free(struct agent_conn *conn)
{
	struct agent *agent = conn->agent;

	TAILQ_REMOVE(&agent->conns, conn, link);
	agent->conns_count--;
	if (conn->ready && conn->role == AGENT_CONTROLLER)
		agent->controllers_ready--;
	agent->counters.disconnects++;
	framer_destroy(&conn->framer);
	free(conn->held);
	free(conn->out);
	free(conn);
}

/* The first controller ends what began when they were given up. */
void agent_conn_ready(struct agent_conn *conn)
{
	struct agent *agent = conn->agent;

	conn->ready = true;
	conn->heard_ns = agent->now_ns;
	agent_conn_log(conn, conn->role == AGENT_CONTROLLER ? AGENT_LOG_INFO : AGENT_LOG_DEBUG,
	               "connected");
	if (agent->ops.ready)
		agent->ops.ready(conn->conn);
	if (conn->role == AGENT_CONTROLLER && agent->controllers_ready++ == 0)
		agent_change_mode(agent, DATAPATH_NORMAL);
}

/* --- Output --- */

struct fb_buf agent_conn_reserve(struct agent_conn *conn)
{
	if (AGENT_OUT_BYTES - conn->out_len < AGENT_MESSAGE_BYTES)
		agent_conn_flush(conn);
	return fb_buf_make(conn->out + conn->out_len, AGENT_OUT_BYTES - conn->out_len);
}

void agent_conn_commit(struct agent_conn *conn, const struct fb_buf *buf)
{
	if (buf->overflow) {
		agent_conn_log(conn, AGENT_LOG_WARNING, "a message did not fit and was not sent");
		return;
	}
	conn->out_len += buf->len;
	conn->agent->pending = true;
	conn->agent->counters.messages_out++;
}

size_t agent_conn_backlog(const struct agent_conn *conn)
{
	const struct agent_ops *ops = &conn->agent->ops;

	return conn->out_len + (ops->backlog ? ops->backlog(conn->conn) : 0);
}

void agent_conn_put(struct agent_conn *conn, const struct fb_msg *msg)
{
	struct fb_buf buf = agent_conn_reserve(conn);

	fb_msg_encode(&buf, msg);
	agent_conn_commit(conn, &buf);
}

void agent_conn_put_header(struct agent_conn *conn, uint8_t type, uint32_t xid)
{
	struct fb_buf buf = agent_conn_reserve(conn);

	fb_msg_put_header_only(&buf, type, xid);
	agent_conn_commit(conn, &buf);
}

/* Management programs try vendors' extensions as a matter of course. */
static enum agent_log_level error_level(const struct agent_conn *conn,
                                        const struct fb_of_error *error)
{
	bool is_trial = conn->role == AGENT_MANAGEMENT && error->type == OFPET_BAD_REQUEST &&
	                error->code == OFPBRC_BAD_VENDOR;

	return is_trial ? AGENT_LOG_DEBUG : AGENT_LOG_INFO;
}

void agent_conn_put_error(struct agent_conn *conn, const struct fb_of_error *error,
                          const uint8_t *cause, size_t len)
{
	const char *about = len > 1 ? fb_text_msg_type(cause[1]) : NULL;
	struct fb_buf buf = agent_conn_reserve(conn);
	char name[ERROR_NAME_BYTES];
	struct fb_text text = fb_text_make(name, sizeof name);

	fb_msg_put_error(&buf, error, cause, len);
	agent_conn_commit(conn, &buf);
	conn->agent->counters.errors_out++;
	fb_text_error_code(&text, error->type, error->code);
	agent_conn_log(conn, error_level(conn, error), "sent %s about %s: %s", name,
	               about ? about : "an unknown message", error->why);
}

void agent_conn_flush(struct agent_conn *conn)
{
	size_t len = conn->out_len;

	if (!len)
		return;
	conn->out_len = 0;
	conn->agent->ops.send(conn->conn, conn->out, len);
}

/* --- Input that waits --- */

void agent_conn_hold(struct agent_conn *conn, const uint8_t *bytes, size_t len)
{
	if (!len)
		return;
	if (len > AGENT_HELD_BYTES - conn->held_len) {
		conn->doomed = "the peer sends much and does not read";
		return;
	}
	conn->held = xrealloc(conn->held, conn->held_len + len);
	memcpy(conn->held + conn->held_len, bytes, len);
	conn->held_len += len;
}

/* --- Log --- */

enum agent_log_level agent_conn_end_level(const struct agent_conn *conn)
{
	if (conn->role == AGENT_MANAGEMENT)
		return conn->doomed && !conn->ready ? AGENT_LOG_INFO : AGENT_LOG_DEBUG;
	return conn->ready ? AGENT_LOG_WARNING : AGENT_LOG_DEBUG;
}

void agent_conn_log(struct agent_conn *conn, enum agent_log_level level, const char *format, ...)
{
	struct agent *agent = conn->agent;
	uint64_t second = agent->now_ns / FB_NS_PER_S;
	char line[LOG_LINE_BYTES];
	va_list args;
	int len;

	if (!agent->ops.log)
		return;
	if (second != conn->log_second) {
		conn->log_second = second;
		conn->log_lines = 0;
	}
	if (conn->log_lines++ >= LOG_LINES_MAX)
		return;
	len = snprintf(line, sizeof line, "%s: ", conn->peer);
	va_start(args, format);
	vsnprintf(line + len, sizeof line - (size_t)len, format, args);
	va_end(args);
	agent->ops.log(agent->ops.ctx, level, line);
	if (conn->log_lines == LOG_LINES_MAX) {
		snprintf(line, sizeof line, "%s: no more lines in this second", conn->peer);
		agent->ops.log(agent->ops.ctx, level, line);
	}
}

/* --- Liveness --- */

uint64_t agent_conn_deadline(const struct agent_conn *conn)
{
	const struct agent_config *config = &conn->agent->config;

	if (!conn->ready)
		return fb_time_after(conn->heard_ns, config->handshake_timeout_ns);
	if (conn->echo_pending)
		return fb_time_after(conn->echo_ns, config->echo_timeout_ns);
	return config->echo_idle_ns ? fb_time_after(conn->heard_ns, config->echo_idle_ns)
	                            : FB_NEVER;
}

/* The peer has taken bytes since this was last asked. */
static bool takes_bytes(struct agent_conn *conn)
{
	size_t backlog = agent_conn_backlog(conn);
	bool shrunk = backlog < conn->backlog_seen;

	conn->backlog_seen = backlog;
	return shrunk;
}

void agent_conn_run(struct agent_conn *conn)
{
	struct agent *agent = conn->agent;

	if (!fb_time_due(agent_conn_deadline(conn), agent->now_ns))
		return;
	if (!conn->ready) {
		agent->counters.handshake_timeouts++;
		conn->doomed = "no HELLO came";
	} else if (takes_bytes(conn)) {
		conn->heard_ns = agent->now_ns;
		conn->echo_pending = false;
	} else if (conn->echo_pending) {
		agent->counters.echo_timeouts++;
		conn->doomed = "no answer to ECHO_REQUEST";
	} else {
		conn->echo_pending = true;
		conn->echo_ns = agent->now_ns;
		agent_conn_put_header(conn, OFPT_ECHO_REQUEST, agent->next_xid++);
	}
}
