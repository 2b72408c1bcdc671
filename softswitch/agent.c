/* The agent: its life, its connections as a set, and the datapath's events on their way to them;
 * see agent.h.
 *
 * One connection is agent_conn.c, what it brings agent_messages.c, the longer replies
 * agent_replies.c. Connections end in this file only, when no message is being handled: elsewhere
 * they are doomed. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "softswitch/agent_private.h"

void agent_config_default(struct agent_config *config)
{
	*config = (struct agent_config){
	        .echo_idle_ns = 15 * FB_NS_PER_S,
	        .echo_timeout_ns = 15 * FB_NS_PER_S,
	        .handshake_timeout_ns = 10 * FB_NS_PER_S,
	        .conns_max = 64,
	        .packet_in_backlog_bytes = 1024 * 1024,
	        .pause_backlog_bytes = 16 * 1024 * 1024,
	        .turn_work_max = 200000,
	        .fail_mode = AGENT_FAIL_SECURE,
	};
	datapath_config_default(&config->datapath);
}

/* --- Events of the datapath --- */

static enum datapath_sent on_output(void *ctx, uint16_t port_no, uint32_t queue_id,
                                    struct frame *frame)
{
	struct agent *agent = ctx;

	return agent->ops.output(agent->ops.ctx, port_no, queue_id, frame);
}

/* A peer that does not read gets no more packet-ins than it has waiting. */
static bool has_room(const struct agent_conn *conn)
{
	return agent_conn_backlog(conn) <= conn->agent->config.packet_in_backlog_bytes;
}

static void on_port_configured(void *ctx, uint16_t port_no, uint32_t config)
{
	struct agent *agent = ctx;

	if (agent->ops.port_configured)
		agent->ops.port_configured(agent->ops.ctx, port_no, config);
}

static void on_buffer_expired(void *ctx, uint32_t id, uint64_t kept_ns)
{
	struct agent *agent = ctx;

	agent->ops.buffer_expired(agent->ops.ctx, id, kept_ns);
}

static bool on_packet_in_wanted(void *ctx)
{
	struct agent *agent = ctx;
	const struct agent_conn *conn;
	uint64_t takers = 0;

	TAILQ_FOREACH(conn, &agent->conns, link)
	{
		if (!agent_conn_takes_events(conn))
			continue;
		if (has_room(conn))
			return true;
		takers++;
	}
	agent->counters.packet_ins_dropped += takers;
	agent->counters.events_lost += !takers;
	return false;
}

static void on_packet_in(void *ctx, const struct fb_of_packet_in *pi, bool miss)
{
	struct agent *agent = ctx;
	struct agent_conn *conn;

	TAILQ_FOREACH(conn, &agent->conns, link)
	{
		struct fb_of_packet_in cut = *pi;
		struct fb_buf buf;

		if (!agent_conn_takes_events(conn))
			continue;
		if (!has_room(conn)) {
			agent->counters.packet_ins_dropped++;
			continue;
		}
		if (miss && pi->buffer_id != OFP_NO_BUFFER && cut.data.len > conn->miss_send_len)
			cut.data.len = conn->miss_send_len;
		buf = agent_conn_reserve(conn);
		fb_msg_put_packet_in(&buf, 0, &cut);
		agent_conn_commit(conn, &buf);
	}
}

/* Send 'msg' on every connection that takes events but 'but', who knows. */
static void put_to_all(struct agent *agent, const struct fb_msg *msg, const struct agent_conn *but)
{
	struct agent_conn *conn;
	bool lost = true;

	TAILQ_FOREACH(conn, &agent->conns, link)
	{
		if (conn != but && !agent_conn_takes_events(conn))
			continue;
		lost = false;
		if (conn != but)
			agent_conn_put(conn, msg);
	}
	agent->counters.events_lost += lost;
}

static void on_flow_removed(void *ctx, const struct fb_flow_removed *fr)
{
	struct fb_msg msg = {
	        .version = OFP_VERSION, .type = OFPT_FLOW_REMOVED, .flow_removed = *fr};

	put_to_all(ctx, &msg, NULL);
}

static void on_port_status(void *ctx, const struct fb_port_status *ps)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_PORT_STATUS, .port_status = *ps};
	struct agent *agent = ctx;

	put_to_all(agent, &msg, agent->port_mod_by);
}

/* --- Life --- */

struct agent *agent_new(const struct agent_config *config, const struct agent_ops *ops,
                        struct frame_pool *pool)
{
	struct agent *agent = xcalloc(1, sizeof *agent);
	struct datapath_ops datapath_ops = {
	        .output = on_output,
	        .packet_in = on_packet_in,
	        .flow_removed = on_flow_removed,
	        .port_status = on_port_status,
	        .packet_in_wanted = on_packet_in_wanted,
	        .port_configured = on_port_configured,
	        .buffer_expired = ops->buffer_expired ? on_buffer_expired : NULL,
	        .ctx = agent,
	};

	agent->config = *config;
	agent->ops = *ops;
	agent->scratch = xmalloc(AGENT_STATS_BYTES);
	TAILQ_INIT(&agent->conns);
	agent->datapath = datapath_new(&config->datapath, &datapath_ops, pool);
	/* "The first time a switch starts up, it is considered to be in emergency mode" (section
	 * 4.3). */
	if (config->fail_mode == AGENT_FAIL_EMERGENCY)
		datapath_set_mode(agent->datapath, DATAPATH_EMERGENCY, 0);
	return agent;
}

struct datapath *agent_datapath(struct agent *agent)
{
	return agent->datapath;
}

/* --- The end of a call --- */

static void conn_close(struct agent_conn *conn, const char *reason)
{
	struct agent *agent = conn->agent;
	char kept[AGENT_REASON_BYTES]; /* beyond the connection, which may hold 'reason' */
	void *driver = conn->conn;

	snprintf(kept, sizeof kept, "%s", reason);
	agent_conn_flush(conn);
	agent_conn_log(conn, agent_conn_end_level(conn), "closed: %s", reason);
	agent_conn_free(conn);
	agent->ops.close(driver, kept);
}

static void flush(struct agent *agent)
{
	struct agent_conn *conn;

	if (!agent->pending)
		return;
	agent->pending = false;
	TAILQ_FOREACH(conn, &agent->conns, link)
	agent_conn_flush(conn);
}

void agent_free(struct agent *agent)
{
	struct agent_conn *conn;

	if (!agent)
		return;
	while ((conn = TAILQ_FIRST(&agent->conns)) != NULL)
		conn_close(conn, "the switch ends");
	datapath_free(agent->datapath);
	free(agent->scratch);
	free(agent);
}

/* --- Frames and ports --- */

void agent_frame(struct agent *agent, uint16_t port_no, struct frame *frame, uint64_t now_ns)
{
	agent->now_ns = now_ns;
	datapath_receive(agent->datapath, port_no, frame, now_ns);
	flush(agent);
}

int agent_add_port(struct agent *agent, const struct fb_phy_port *port, uint64_t now_ns)
{
	int result;

	agent->now_ns = now_ns;
	result = datapath_add_port(agent->datapath, port, now_ns);
	flush(agent);
	return result;
}

int agent_remove_port(struct agent *agent, uint16_t port_no, uint64_t now_ns)
{
	int result;

	agent->now_ns = now_ns;
	result = datapath_remove_port(agent->datapath, port_no, now_ns);
	flush(agent);
	return result;
}

void agent_set_link(struct agent *agent, uint16_t port_no, bool up, uint64_t now_ns)
{
	agent->now_ns = now_ns;
	datapath_set_link(agent->datapath, port_no, up, now_ns);
	flush(agent);
}

int agent_update_port(struct agent *agent, const struct fb_phy_port *port, uint64_t now_ns)
{
	int result;

	agent->now_ns = now_ns;
	result = datapath_update_port(agent->datapath, port, now_ns);
	flush(agent);
	return result;
}

/* --- Without controllers --- */

bool agent_change_mode(struct agent *agent, enum datapath_mode mode)
{
	static const char *const lines[] = {
	        [DATAPATH_NORMAL] = "a controller is back: misses go to it again",
	        [DATAPATH_STANDALONE] = "no controller: misses are forwarded as by a learning "
	                                "switch",
	        [DATAPATH_EMERGENCY] = "no controller: the emergency entries are in force, the "
	                               "others are gone",
	};

	if (datapath_mode(agent->datapath) == mode)
		return false;
	datapath_set_mode(agent->datapath, mode, agent->now_ns);
	if (agent->ops.log)
		agent->ops.log(agent->ops.ctx, AGENT_LOG_WARNING, lines[mode]);
	return true;
}

void agent_controllers_lost(struct agent *agent, uint64_t now_ns)
{
	static const enum datapath_mode modes[] = {
	        [AGENT_FAIL_SECURE] = DATAPATH_NORMAL,
	        [AGENT_FAIL_STANDALONE] = DATAPATH_STANDALONE,
	        [AGENT_FAIL_EMERGENCY] = DATAPATH_EMERGENCY,
	};

	agent->now_ns = now_ns;
	if (agent->controllers_ready)
		return;
	if (agent_change_mode(agent, modes[agent->config.fail_mode]))
		agent->counters.controllers_lost++;
	flush(agent);
}

/* --- Connections --- */

/* One more than the limit: say HELLO, so that the peer can read on, and why it ends. */
static void refuse_connection(struct agent *agent, void *driver)
{
	struct fb_of_error error = {OFPET_HELLO_FAILED, OFPHFC_EPERM,
	                            "the switch has as many connections as it may"};
	struct fb_buf buf = fb_buf_make(agent->scratch, AGENT_STATS_BYTES);

	agent->counters.conns_refused++;
	agent->counters.errors_out++;
	agent->counters.messages_out += 2;
	fb_msg_put_header_only(&buf, OFPT_HELLO, agent->next_xid++);
	fb_msg_put_error(&buf, &error, NULL, 0);
	agent->ops.send(driver, buf.data, buf.len);
}

struct agent_conn *agent_connect(struct agent *agent, void *driver, const char *peer,
                                 enum agent_role role, uint64_t now_ns)
{
	struct agent_conn *conn;

	agent->now_ns = now_ns;
	if (agent->conns_count >= agent->config.conns_max) {
		refuse_connection(agent, driver);
		return NULL;
	}
	conn = agent_conn_new(agent, driver, peer, role);
	agent_conn_put_header(conn, OFPT_HELLO, agent->next_xid++);
	flush(agent);
	return conn;
}

/* A stream whose next message cannot be found ends the connection, and the peer is told why. */
static void take_broken(struct agent_conn *conn, enum framer_result result, const uint8_t *header,
                        size_t len)
{
	struct fb_of_error error = {OFPET_BAD_REQUEST, OFPBRC_BAD_LEN,
	                            "a header's length is below 8"};

	if (result == FRAMER_NO_MEMORY) {
		conn->doomed = "no memory for a message";
		return;
	}
	conn->agent->counters.messages_in++;
	agent_conn_put_error(conn, &error, header, len);
	conn->doomed = "a header's length is below 8";
}

/* The peer must read first. */
static bool must_pause(struct agent_conn *conn)
{
	size_t max = conn->agent->config.pause_backlog_bytes;

	if (agent_conn_backlog(conn) <= max)
		return false;
	agent_conn_flush(conn);
	return agent_conn_backlog(conn) > max;
}

/* What of its input was not looked at waits. */
static void pause_conn(struct agent_conn *conn)
{
	conn->paused = true;
	agent_conn_hold(conn, conn->framer.input, conn->framer.input_len);
	framer_push(&conn->framer, NULL, 0);
}

/* Take the messages that 'bytes' complete. */
static void take(struct agent_conn *conn, const uint8_t *bytes, size_t len)
{
	struct agent *agent = conn->agent;
	enum framer_result result;
	uint64_t work = 0;
	const uint8_t *msg;
	size_t msg_len;

	framer_push(&conn->framer, bytes, len);
	while ((result = framer_next(&conn->framer, &msg, &msg_len)) == FRAMER_MESSAGE) {
		work += agent_messages_take(conn, msg, msg_len);
		if (conn->doomed)
			break;
		if (must_pause(conn)) {
			agent->counters.pauses++;
			pause_conn(conn);
			break;
		}
		if (work >= agent->config.turn_work_max && conn->framer.input_len) {
			agent->counters.turns_ended++;
			conn->turn_ended = true;
			pause_conn(conn);
			break;
		}
	}
	if (result == FRAMER_BAD_LENGTH || result == FRAMER_NO_MEMORY)
		take_broken(conn, result, msg, msg_len);
	framer_finish(&conn->framer);
	if (!conn->ready && !conn->doomed && framer_header(&conn->framer))
		agent_messages_judge_first(conn, framer_header(&conn->framer));
}

/* What a call on 'conn' led to leaves; it may be the end of 'conn'. */
static void end_call(struct agent_conn *conn)
{
	flush(conn->agent);
	if (conn->doomed)
		conn_close(conn, conn->doomed);
}

void agent_receive(struct agent_conn *conn, const uint8_t *bytes, size_t len, uint64_t now_ns)
{
	struct agent *agent = conn->agent;

	agent->now_ns = now_ns;
	datapath_run(agent->datapath, now_ns);
	if (conn->ready)
		conn->heard_ns = now_ns;
	conn->echo_pending = false;
	if (conn->paused)
		agent_conn_hold(conn, bytes, len);
	else
		take(conn, bytes, len);
	end_call(conn);
}

bool agent_conn_paused(const struct agent_conn *conn)
{
	return conn->paused;
}

/* Take the messages that waited. */
static void resume(struct agent_conn *conn)
{
	uint8_t *held = conn->held;
	size_t len = conn->held_len;

	conn->turn_ended = false;
	if (must_pause(conn))
		return;
	conn->paused = false;
	conn->held = NULL;
	conn->held_len = 0;
	take(conn, held, len);
	free(held);
}

void agent_resume(struct agent_conn *conn, uint64_t now_ns)
{
	conn->agent->now_ns = now_ns;
	if (!conn->paused)
		return;
	datapath_run(conn->agent->datapath, now_ns);
	resume(conn);
	end_call(conn);
}

void agent_closed(struct agent_conn *conn, const char *reason, uint64_t now_ns)
{
	conn->agent->now_ns = now_ns;
	agent_conn_log(conn, agent_conn_end_level(conn), "ended: %s",
	               reason ? reason : "no reason given");
	agent_conn_free(conn);
}

/* --- Time --- */

uint64_t agent_deadline(const struct agent *agent)
{
	uint64_t deadline = datapath_deadline(agent->datapath);
	const struct agent_conn *conn;

	TAILQ_FOREACH(conn, &agent->conns, link)
	{
		deadline = fb_time_min(deadline, agent_conn_deadline(conn));
		if (conn->turn_ended)
			deadline = fb_time_min(deadline, agent->now_ns);
	}
	return deadline;
}

void agent_run(struct agent *agent, uint64_t now_ns)
{
	struct agent_conn *conn, *next;

	agent->now_ns = now_ns;
	datapath_run(agent->datapath, now_ns);
	TAILQ_FOREACH(conn, &agent->conns, link)
	{
		if (conn->turn_ended)
			resume(conn);
		if (!conn->doomed)
			agent_conn_run(conn);
	}
	flush(agent);
	for (conn = TAILQ_FIRST(&agent->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, link);
		if (conn->doomed)
			conn_close(conn, conn->doomed);
	}
}

const struct agent_counters *agent_counters(const struct agent *agent)
{
	return &agent->counters;
}
