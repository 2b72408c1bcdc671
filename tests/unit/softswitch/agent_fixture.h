/* An agent with four ports, and the peers' ends of its connections, for the tests of this room.
 * Replies are read with the decoder, as a controller would. */
#ifndef UNIT_AGENT_FIXTURE_H
#define UNIT_AGENT_FIXTURE_H

#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "softswitch/agent.h"

enum { CONNS = 3, IN_BYTES_MAX = 4 << 20, MSGS_MAX = 256 };

/* The peer's end of a connection. */
struct peer {
	struct agent_conn *conn;
	uint8_t *bytes; /* all that came since peer_clear() */
	size_t len;
	unsigned sends; /* calls of ops->send */
	unsigned readies;
	size_t backlog;            /* what the agent is told to wait for this peer, in bytes */
	size_t backlog_after_send; /* what it becomes then; 0: it stays */
	bool closed;
	char reason[80];
	struct fb_msg msgs[MSGS_MAX]; /* after peer_read() */
	size_t msgs_count;
};

struct at {
	struct frame_pool *pool;
	struct agent *agent;
	uint64_t now_ns;
	struct peer peers[CONNS];
	unsigned outputs;
	uint32_t last_queue_id;
	unsigned configured; /* calls of ops->port_configured */
	uint16_t last_configured_port;
	uint32_t last_config;
	unsigned log_lines;
	enum agent_log_level last_level;
	char last_line[512];
};

static inline void on_send(void *conn, const uint8_t *bytes, size_t len)
{
	struct peer *p = conn;

	CU_ASSERT_FATAL(!p->closed && len > 0 && len <= AGENT_OUT_BYTES &&
	                p->len + len <= IN_BYTES_MAX);
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
	p->sends++;
	if (p->backlog_after_send)
		p->backlog = p->backlog_after_send;
}

static inline size_t on_backlog(void *conn)
{
	return ((struct peer *)conn)->backlog;
}

static inline void on_ready(void *conn)
{
	((struct peer *)conn)->readies++;
}

static inline void on_close(void *conn, const char *reason)
{
	struct peer *p = conn;

	p->closed = true;
	p->conn = NULL;
	snprintf(p->reason, sizeof p->reason, "%s", reason);
}

static inline enum datapath_sent on_output(void *ctx, uint16_t port_no, uint32_t queue_id,
                                           struct frame *frame)
{
	(void)port_no;
	(void)frame;
	((struct at *)ctx)->last_queue_id = queue_id;
	((struct at *)ctx)->outputs++;
	return DATAPATH_SENT;
}

static inline void on_port_configured(void *ctx, uint16_t port_no, uint32_t config)
{
	struct at *at = ctx;

	at->configured++;
	at->last_configured_port = port_no;
	at->last_config = config;
}

static inline void on_log(void *ctx, enum agent_log_level level, const char *line)
{
	struct at *at = ctx;

	at->log_lines++;
	at->last_level = level;
	snprintf(at->last_line, sizeof at->last_line, "%s", line);
}

static inline struct at *at_new_with(const struct agent_config *config)
{
	struct at *at = calloc(1, sizeof *at);
	struct agent_ops ops = {.send = on_send,
	                        .close = on_close,
	                        .backlog = on_backlog,
	                        .ready = on_ready,
	                        .output = on_output,
	                        .port_configured = on_port_configured,
	                        .log = on_log,
	                        .ctx = at};

	at->pool = frame_pool_new();
	at->now_ns = FB_NS_PER_S;
	at->agent = agent_new(config, &ops, at->pool);
	for (uint16_t n = 1; n <= 4; n++) {
		struct fb_phy_port port = {.port_no = n, .hw_addr = {2, 0, 0, 0, 1, (uint8_t)n}};

		agent_add_port(at->agent, &port, at->now_ns);
	}
	for (size_t i = 0; i < CONNS; i++)
		at->peers[i].bytes = malloc(IN_BYTES_MAX);
	return at;
}

static inline struct at *at_new(void)
{
	struct agent_config config;

	agent_config_default(&config);
	return at_new_with(&config);
}

static inline void at_free(struct at *at)
{
	agent_free(at->agent);
	CU_ASSERT_EQUAL(frame_pool_in_use(at->pool), 0);
	frame_pool_free(at->pool);
	for (size_t i = 0; i < CONNS; i++)
		free(at->peers[i].bytes);
	free(at);
}

static inline void peer_clear(struct peer *p)
{
	p->len = 0;
	p->sends = 0;
	p->msgs_count = 0;
}

/* Decode what came. */
static inline size_t peer_read(struct peer *p)
{
	size_t offset = 0;

	p->msgs_count = 0;
	while (offset < p->len) {
		size_t len = fb_get16(p->bytes + offset + 2);
		struct fb_of_error error;

		CU_ASSERT_FATAL(len >= 8 && len <= p->len - offset && p->msgs_count < MSGS_MAX);
		CU_ASSERT_EQUAL_FATAL(
		        fb_msg_decode(p->bytes + offset, len, &p->msgs[p->msgs_count++], &error),
		        0);
		offset += len;
	}
	return p->msgs_count;
}

static inline void connect_as(struct at *at, size_t i, enum agent_role role)
{
	at->peers[i].closed = false;
	at->peers[i].conn =
	        agent_connect(at->agent, &at->peers[i], "tcp:192.0.2.1:6633", role, at->now_ns);
}

static inline void connect_silently(struct at *at, size_t i)
{
	connect_as(at, i, AGENT_CONTROLLER);
}

static inline void send_bytes(struct at *at, size_t i, const uint8_t *bytes, size_t len)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(at->peers[i].conn);
	agent_receive(at->peers[i].conn, bytes, len, at->now_ns);
}

static inline void send_msg(struct at *at, size_t i, const struct fb_msg *msg)
{
	static uint8_t bytes[65535];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	CU_ASSERT_TRUE_FATAL(fb_msg_encode(&out, msg));
	send_bytes(at, i, bytes, out.len);
}

static inline void send_type(struct at *at, size_t i, uint8_t type, uint32_t xid)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = type, .xid = xid};

	send_msg(at, i, &msg);
}

/* A connection that has said HELLO, with nothing of it left to read. */
static inline void connect_ready_as(struct at *at, size_t i, enum agent_role role)
{
	connect_as(at, i, role);
	send_type(at, i, OFPT_HELLO, 1);
	peer_clear(&at->peers[i]);
}

static inline void connect_ready(struct at *at, size_t i)
{
	connect_ready_as(at, i, AGENT_CONTROLLER);
}

/* The peer closes. */
static inline void leave(struct at *at, size_t i)
{
	agent_closed(at->peers[i].conn, "left", at->now_ns);
	at->peers[i].conn = NULL;
}

static inline struct at *at_ready(void)
{
	struct at *at = at_new();

	connect_ready(at, 0);
	return at;
}

/* The one message that came is an error of this type and code, with this xid. */
static inline void assert_error(struct peer *p, uint16_t type, uint16_t code, uint32_t xid)
{
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL_FATAL(p->msgs[0].type, OFPT_ERROR);
	CU_ASSERT_EQUAL(p->msgs[0].error.type, type);
	CU_ASSERT_EQUAL(p->msgs[0].error.code, code);
	CU_ASSERT_EQUAL(p->msgs[0].xid, xid);
	peer_clear(p);
}

static inline struct frame *some_frame(struct at *at)
{
	struct frame *frame = frame_new(at->pool, 60);

	memset(frame_data(frame), 0, 60);
	fb_mac_from_u64(frame_data(frame), 0x020000000002);
	fb_mac_from_u64(frame_data(frame) + 6, 0x020000000001);
	fb_set16(frame_data(frame) + 12, 0x88b5);
	return frame;
}

static inline struct fb_msg flow_mod(uint16_t in_port, const uint8_t actions[8])
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_FLOW_MOD, .xid = in_port};

	fb_match_any(&msg.flow_mod.match);
	msg.flow_mod.match.wildcards &= ~(uint32_t)OFPFW_IN_PORT;
	msg.flow_mod.match.in_port = in_port;
	msg.flow_mod.priority = 7;
	msg.flow_mod.buffer_id = OFP_NO_BUFFER;
	msg.flow_mod.out_port = OFPP_NONE;
	msg.flow_mod.actions = (struct fb_view){actions, 8};
	return msg;
}

static const uint8_t output_2[8] = {0, 0, 0, 8, 0, 2, 0, 0};

static inline void advance_to(struct at *at, uint64_t time_ns)
{
	for (uint64_t deadline; (deadline = agent_deadline(at->agent)) <= time_ns;) {
		CU_ASSERT_FATAL(deadline >= at->now_ns);
		at->now_ns = deadline;
		agent_run(at->agent, deadline);
	}
	at->now_ns = time_ns;
}

/* Send 'request' and return the one answer. */
static inline const struct fb_msg *ask(struct at *at, const struct fb_msg *request)
{
	struct peer *p = &at->peers[0];

	peer_clear(p);
	send_msg(at, 0, request);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL(p->msgs[0].xid, request->xid);
	return &p->msgs[0];
}

static inline struct fb_msg stats_request(uint16_t type)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_STATS_REQUEST, .xid = 11};

	msg.stats_request.type = type;
	return msg;
}

#endif
