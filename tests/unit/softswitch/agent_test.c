/* The agent: bytes in, bytes out. Replies are read with the framer and the decoder, as a controller
 * would. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/rng.h"
#include "lib/wire/framer.h"
#include "softswitch/agent.h"

enum { CONNS = 3, IN_BYTES_MAX = 4 << 20, MSGS_MAX = 256 };

/* The controller's end of a connection. */
struct peer {
	struct agent_conn *conn;
	uint8_t *bytes; /* all that came since peer_clear() */
	size_t len;
	unsigned sends; /* calls of ops->send */
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
	unsigned log_lines;
};

static void on_send(void *conn, const uint8_t *bytes, size_t len)
{
	struct peer *p = conn;

	CU_ASSERT_FATAL(!p->closed && len > 0 && len <= AGENT_OUT_BYTES &&
			p->len + len <= IN_BYTES_MAX);
	memcpy(p->bytes + p->len, bytes, len);
	p->len += len;
	p->sends++;
}

static void on_close(void *conn, const char *reason)
{
	struct peer *p = conn;

	p->closed = true;
	p->conn = NULL;
	snprintf(p->reason, sizeof p->reason, "%s", reason);
}

static enum datapath_sent on_output(void *ctx, uint16_t port_no, uint32_t queue_id,
				    struct frame *frame)
{
	(void)port_no;
	(void)frame;
	(void)queue_id;
	((struct at *)ctx)->outputs++;
	return DATAPATH_SENT;
}

static void on_log(void *ctx, const char *line)
{
	CU_ASSERT_PTR_NOT_NULL(line);
	((struct at *)ctx)->log_lines++;
}

static struct at *at_new_with(const struct agent_config *config)
{
	struct at *at = calloc(1, sizeof *at);
	struct agent_ops ops = {.send = on_send,
				.close = on_close,
				.output = on_output,
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

static struct at *at_new(void)
{
	struct agent_config config;

	agent_config_default(&config);
	return at_new_with(&config);
}

static void at_free(struct at *at)
{
	agent_free(at->agent);
	CU_ASSERT_EQUAL(frame_pool_in_use(at->pool), 0);
	frame_pool_free(at->pool);
	for (size_t i = 0; i < CONNS; i++)
		free(at->peers[i].bytes);
	free(at);
}

static void peer_clear(struct peer *p)
{
	p->len = 0;
	p->sends = 0;
	p->msgs_count = 0;
}

/* Decode what came. */
static size_t peer_read(struct peer *p)
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

static void connect_silently(struct at *at, size_t i)
{
	at->peers[i].conn =
		agent_connect(at->agent, &at->peers[i], "tcp:192.0.2.1:6633",
			      AGENT_CONTROLLER, at->now_ns);
}

static void send_bytes(struct at *at, size_t i, const uint8_t *bytes, size_t len)
{
	CU_ASSERT_PTR_NOT_NULL_FATAL(at->peers[i].conn);
	agent_receive(at->peers[i].conn, bytes, len, at->now_ns);
}

static void send_msg(struct at *at, size_t i, const struct fb_msg *msg)
{
	static uint8_t bytes[65535];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	CU_ASSERT_TRUE_FATAL(fb_msg_encode(&out, msg));
	send_bytes(at, i, bytes, out.len);
}

static void send_type(struct at *at, size_t i, uint8_t type, uint32_t xid)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = type, .xid = xid};

	send_msg(at, i, &msg);
}

/* A connection that has said HELLO, with nothing of it left to read. */
static void connect_ready(struct at *at, size_t i)
{
	connect_silently(at, i);
	send_type(at, i, OFPT_HELLO, 1);
	peer_clear(&at->peers[i]);
}

static struct at *at_ready(void)
{
	struct at *at = at_new();

	connect_ready(at, 0);
	return at;
}

/* The one message that came is an error of this type and code, with this xid. */
static void assert_error(struct peer *p, uint16_t type, uint16_t code, uint32_t xid)
{
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL_FATAL(p->msgs[0].type, OFPT_ERROR);
	CU_ASSERT_EQUAL(p->msgs[0].error.type, type);
	CU_ASSERT_EQUAL(p->msgs[0].error.code, code);
	CU_ASSERT_EQUAL(p->msgs[0].xid, xid);
	peer_clear(p);
}

static struct frame *some_frame(struct at *at)
{
	struct frame *frame = frame_new(at->pool, 60);

	memset(frame_data(frame), 0, 60);
	fb_mac_from_u64(frame_data(frame), 0x020000000002);
	fb_mac_from_u64(frame_data(frame) + 6, 0x020000000001);
	fb_set16(frame_data(frame) + 12, 0x88b5);
	return frame;
}

static struct fb_msg flow_mod(uint16_t in_port, const uint8_t actions[8])
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

/* --- HELLO --- */

static void hello_is_sent_at_once_and_answered_by_silence(void)
{
	struct at *at = at_new();
	struct peer *p = &at->peers[0];

	connect_silently(at, 0);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL(p->msgs[0].type, OFPT_HELLO);
	CU_ASSERT_EQUAL(p->msgs[0].version, OFP_VERSION);
	peer_clear(p);
	send_type(at, 0, OFPT_HELLO, 1);
	send_type(at, 0, OFPT_HELLO, 2);
	CU_ASSERT_EQUAL(p->len, 0);
	CU_ASSERT_FALSE(p->closed);
	at_free(at);
}

/* Say HELLO with 'version' and 'len' bytes of elements; true when the connection survives. */
static bool survives_hello(uint8_t version, const uint8_t *elements, uint16_t len)
{
	struct at *at = at_new();
	struct peer *p = &at->peers[0];
	uint8_t *bytes = malloc(8u + len); /* not a byte more, for the sanitizer */
	bool alive;

	memcpy(bytes, (const uint8_t[]){version, OFPT_HELLO, 0, (uint8_t)(8 + len), 0, 0, 0, 9}, 8);
	if (len)
		memcpy(bytes + 8, elements, len);
	connect_silently(at, 0);
	peer_clear(p);
	send_bytes(at, 0, bytes, 8u + len);
	alive = !p->closed;
	if (!alive) {
		CU_ASSERT_EQUAL(agent_counters(at->agent)->version_failures, 1);
		CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
		CU_ASSERT_EQUAL(p->msgs[0].error.type, OFPET_HELLO_FAILED);
		CU_ASSERT_EQUAL(p->msgs[0].error.code, OFPHFC_INCOMPATIBLE);
		CU_ASSERT_EQUAL(p->msgs[0].xid, 9);
		CU_ASSERT(p->msgs[0].error.data.len > 10);
	}
	free(bytes);
	at_free(at);
	return alive;
}

static void the_smaller_version_is_spoken_if_both_have_it(void)
{
	static const uint8_t with_1[] = {0, 1, 0, 8, 0, 0, 0, 0x12},
			     without_1[] = {0, 1, 0, 8, 0, 0, 0, 0x10};
	static const uint8_t other_first[] = {0, 9, 0, 5, 1, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0x10};
	static const uint8_t nonsense[] = {0, 1, 0, 3, 9, 9, 9, 9};

	CU_ASSERT_TRUE(survives_hello(1, NULL, 0));
	CU_ASSERT_TRUE(survives_hello(4, NULL, 0));
	CU_ASSERT_TRUE(survives_hello(0x97, NULL, 0));
	CU_ASSERT_FALSE(survives_hello(0, NULL, 0));
	CU_ASSERT_TRUE(survives_hello(4, with_1, sizeof with_1));
	CU_ASSERT_FALSE(survives_hello(4, without_1, sizeof without_1));
	CU_ASSERT_FALSE(survives_hello(4, other_first, sizeof other_first));
	CU_ASSERT_TRUE(survives_hello(4, nonsense, sizeof nonsense));
	CU_ASSERT_TRUE(survives_hello(4, other_first, 5));
}

static void a_message_before_hello_ends_the_connection(void)
{
	struct at *at = at_new();
	struct peer *p = &at->peers[0];

	connect_silently(at, 0);
	peer_clear(p);
	send_type(at, 0, OFPT_FEATURES_REQUEST, 5);
	CU_ASSERT_TRUE(p->closed);
	assert_error(p, OFPET_HELLO_FAILED, OFPHFC_INCOMPATIBLE, 5);
	at_free(at);
}

static void a_peer_that_refuses_our_hello_is_left(void)
{
	struct fb_msg refusal = {.version = OFP_VERSION, .type = OFPT_ERROR};
	struct at *at = at_new();

	refusal.error.type = OFPET_HELLO_FAILED;
	connect_silently(at, 0);
	connect_ready(at, 1);
	peer_clear(&at->peers[0]);
	send_msg(at, 0, &refusal);
	CU_ASSERT_TRUE(at->peers[0].closed);
	CU_ASSERT_EQUAL(at->peers[0].len, 0);
	send_msg(at, 1, &refusal);
	CU_ASSERT_TRUE(at->peers[1].closed);
	at_free(at);
}

/* --- Liveness --- */

static void advance_to(struct at *at, uint64_t time_ns)
{
	for (uint64_t deadline; (deadline = agent_deadline(at->agent)) <= time_ns;) {
		CU_ASSERT_FATAL(deadline >= at->now_ns);
		at->now_ns = deadline;
		agent_run(at->agent, deadline);
	}
	at->now_ns = time_ns;
}

static void a_peer_without_hello_has_ten_seconds(void)
{
	struct at *at = at_new();

	connect_silently(at, 0);
	CU_ASSERT_EQUAL(agent_deadline(at->agent), 11 * FB_NS_PER_S);
	advance_to(at, 11 * FB_NS_PER_S - 1);
	CU_ASSERT_FALSE(at->peers[0].closed);
	advance_to(at, 11 * FB_NS_PER_S);
	CU_ASSERT_TRUE(at->peers[0].closed);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->handshake_timeouts, 1);
	CU_ASSERT_EQUAL(agent_deadline(at->agent), FB_NEVER);
	at_free(at);
}

static void a_part_of_hello_wins_no_time_but_hello_does(void)
{
	static const uint8_t hello[] = {1, OFPT_HELLO, 0, 8, 0, 0, 0, 1};
	struct at *at = at_new();

	connect_silently(at, 0);
	at->now_ns = 5 * FB_NS_PER_S;
	send_bytes(at, 0, hello, 7);
	CU_ASSERT_EQUAL(agent_deadline(at->agent), 11 * FB_NS_PER_S);
	send_bytes(at, 0, hello + 7, 1);
	CU_ASSERT_EQUAL(agent_deadline(at->agent), 20 * FB_NS_PER_S);
	at_free(at);
}

static void silence_brings_an_echo_request_and_more_silence_the_end(void)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];

	advance_to(at, 16 * FB_NS_PER_S - 1);
	CU_ASSERT_EQUAL(p->len, 0);
	advance_to(at, 16 * FB_NS_PER_S);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL(p->msgs[0].type, OFPT_ECHO_REQUEST);
	advance_to(at, 20 * FB_NS_PER_S);
	send_type(at, 0, OFPT_ECHO_REPLY, p->msgs[0].xid);
	peer_clear(p);
	advance_to(at, 35 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(peer_read(p), 1);
	advance_to(at, 50 * FB_NS_PER_S - 1);
	CU_ASSERT_FALSE(p->closed);
	advance_to(at, 50 * FB_NS_PER_S);
	CU_ASSERT_TRUE(p->closed);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->echo_timeouts, 1);
	at_free(at);
}

static void an_echo_comes_back_with_its_bytes(void)
{
	struct at *at = at_ready();
	struct fb_msg echo = {.version = OFP_VERSION, .type = OFPT_ECHO_REQUEST, .xid = 77};
	struct peer *p = &at->peers[0];

	echo.data = (struct fb_view){(const uint8_t *)"are you there", 13};
	send_msg(at, 0, &echo);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL(p->msgs[0].type, OFPT_ECHO_REPLY);
	CU_ASSERT_EQUAL(p->msgs[0].xid, 77);
	CU_ASSERT_EQUAL(p->msgs[0].data.len, 13);
	CU_ASSERT_EQUAL(memcmp(p->msgs[0].data.data, "are you there", 13), 0);
	at_free(at);
}

/* --- Requests --- */

/* Send 'request' and return the one answer. */
static const struct fb_msg *ask(struct at *at, const struct fb_msg *request)
{
	struct peer *p = &at->peers[0];

	peer_clear(p);
	send_msg(at, 0, request);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL(p->msgs[0].xid, request->xid);
	return &p->msgs[0];
}

static void features_list_the_ports(void)
{
	struct at *at = at_ready();
	struct fb_msg request = {.version = OFP_VERSION, .type = OFPT_FEATURES_REQUEST, .xid = 3};
	const struct fb_msg *reply = ask(at, &request);
	struct fb_phy_port port;
	size_t offset = 0;

	CU_ASSERT_EQUAL_FATAL(reply->type, OFPT_FEATURES_REPLY);
	CU_ASSERT_EQUAL(reply->features_reply.datapath_id, 1);
	for (uint16_t n = 1; n <= 4; n++) {
		CU_ASSERT_TRUE(fb_phy_port_next(reply->features_reply.ports, &offset, &port));
		CU_ASSERT_EQUAL(port.port_no, n);
	}
	CU_ASSERT_FALSE(fb_phy_port_next(reply->features_reply.ports, &offset, &port));
	at_free(at);
}

static void configuration_is_set_and_told(void)
{
	struct at *at = at_ready();
	struct fb_msg set = {
		.version = OFP_VERSION, .type = OFPT_SET_CONFIG, .config = {OFPC_FRAG_DROP, 99}};
	struct fb_msg get = {.version = OFP_VERSION, .type = OFPT_GET_CONFIG_REQUEST, .xid = 4};
	const struct fb_msg *reply;

	send_msg(at, 0, &set);
	CU_ASSERT_EQUAL(at->peers[0].len, 0);
	reply = ask(at, &get);
	CU_ASSERT_EQUAL(reply->type, OFPT_GET_CONFIG_REPLY);
	CU_ASSERT_EQUAL(reply->config.flags, OFPC_FRAG_DROP);
	CU_ASSERT_EQUAL(reply->config.miss_send_len, 99);
	at_free(at);
}

static void after_the_barrier_reply_the_next_frame_meets_the_entry(void)
{
	struct at *at = at_ready();
	struct fb_msg fm = flow_mod(1, output_2),
		      barrier = {.version = OFP_VERSION, .type = OFPT_BARRIER_REQUEST, .xid = 8};
	const struct fb_msg *reply;

	send_msg(at, 0, &fm);
	reply = ask(at, &barrier);
	CU_ASSERT_EQUAL(reply->type, OFPT_BARRIER_REPLY);
	agent_frame(at->agent, 1, some_frame(at), at->now_ns);
	CU_ASSERT_EQUAL(at->outputs, 1);
	at_free(at);
}

static void types_that_no_switch_takes_are_refused(void)
{
	static const uint8_t bodies[][16] = {
		{1, OFPT_BARRIER_REPLY, 0, 8, 0, 0, 0, 5},
		{1, OFPT_GET_CONFIG_REPLY, 0, 12, 0, 0, 0, 5},
		{1, 22, 0, 8, 0, 0, 0, 5},
		{1, 255, 0, 16, 0, 0, 0, 5},
	};
	struct at *at = at_ready();

	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		send_bytes(at, 0, bodies[i], bodies[i][3]);
		assert_error(&at->peers[0], OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE, 5);
	}
	at_free(at);
}

static void vendors_are_not_known(void)
{
	struct at *at = at_ready();
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_VENDOR, .xid = 6};
	struct fb_msg stats = {.version = OFP_VERSION, .type = OFPT_STATS_REQUEST, .xid = 7};

	msg.vendor.vendor = 0x2320;
	send_msg(at, 0, &msg);
	assert_error(&at->peers[0], OFPET_BAD_REQUEST, OFPBRC_BAD_VENDOR, 6);
	stats.stats_request.type = OFPST_VENDOR;
	stats.stats_request.vendor.vendor = 0x2320;
	send_msg(at, 0, &stats);
	assert_error(&at->peers[0], OFPET_BAD_REQUEST, OFPBRC_BAD_VENDOR, 7);
	at_free(at);
}

static void malformed_messages_are_refused_with_their_beginning(void)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];
	struct fb_msg fm = flow_mod(1, output_2);
	uint8_t bytes[256];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	fb_msg_encode(&out, &fm);
	bytes[79] = 9; /* the action's length is 8 + ... */
	bytes[75] = 12;
	send_bytes(at, 0, bytes, out.len);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL(p->msgs[0].error.type, OFPET_BAD_ACTION);
	CU_ASSERT_EQUAL(p->msgs[0].error.code, OFPBAC_BAD_LEN);
	CU_ASSERT(p->msgs[0].error.data.len >= 64);
	CU_ASSERT_EQUAL(memcmp(p->msgs[0].error.data.data, bytes, 64), 0);
	peer_clear(p);
	bytes[0] = 4;
	send_bytes(at, 0, bytes, out.len);
	assert_error(p, OFPET_BAD_REQUEST, OFPBRC_BAD_VERSION, 1);
	send_bytes(at, 0, (const uint8_t[]){1, OFPT_STATS_REQUEST, 0, 12, 0, 0, 0, 2, 0, 77, 0, 0},
		   12);
	assert_error(p, OFPET_BAD_REQUEST, OFPBRC_BAD_STAT, 2);
	send_bytes(at, 0, (const uint8_t[]){1, OFPT_SET_CONFIG, 0, 11, 0, 0, 0, 3, 0, 0, 0}, 11);
	assert_error(p, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, 3);
	CU_ASSERT_FALSE(p->closed);
	at_free(at);
}

static void a_length_below_eight_is_told_and_ends_the_connection(void)
{
	struct at *at = at_ready();

	send_bytes(at, 0, (const uint8_t[]){1, OFPT_HELLO, 0, 7, 0, 0, 0, 9}, 8);
	CU_ASSERT_TRUE(at->peers[0].closed);
	assert_error(&at->peers[0], OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, 9);
	at_free(at);
}

static void an_error_is_never_answered_with_an_error(void)
{
	struct at *at = at_ready();

	send_bytes(at, 0, (const uint8_t[]){1, OFPT_ERROR, 0, 8, 0, 0, 0, 9}, 8);
	send_bytes(at, 0, (const uint8_t[]){1, OFPT_ERROR, 0, 12, 0, 0, 0, 9, 0, 1, 0, 1}, 12);
	CU_ASSERT_EQUAL(at->peers[0].len, 0);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->errors_in, 1);
	at_free(at);
}

static void errors_of_the_datapath_come_back_with_the_request(void)
{
	static const uint8_t to_none[8] = {0, 0, 0, 8, 0xff, 0xff, 0, 0};
	struct at *at = at_ready();
	struct fb_msg fm = flow_mod(3, to_none);
	struct fb_msg pm = {.version = OFP_VERSION,
			    .type = OFPT_PORT_MOD,
			    .xid = 4,
			    .port_mod = {.port_no = 9}};
	struct fb_msg po = {.version = OFP_VERSION,
			    .type = OFPT_PACKET_OUT,
			    .xid = 5,
			    .packet_out = {.buffer_id = 9}};

	send_msg(at, 0, &fm);
	assert_error(&at->peers[0], OFPET_BAD_ACTION, OFPBAC_BAD_OUT_PORT, 3);
	send_msg(at, 0, &pm);
	assert_error(&at->peers[0], OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_PORT, 4);
	send_msg(at, 0, &po);
	assert_error(&at->peers[0], OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN, 5);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->errors_out, 3);
	at_free(at);
}

/* --- Statistics --- */

static struct fb_msg stats_request(uint16_t type)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_STATS_REQUEST, .xid = 11};

	msg.stats_request.type = type;
	return msg;
}

static void description_table_and_aggregate_are_one_message_each(void)
{
	struct at *at = at_ready();
	struct fb_msg desc = stats_request(OFPST_DESC), table = stats_request(OFPST_TABLE);
	struct fb_msg aggregate = stats_request(OFPST_AGGREGATE), fm = flow_mod(1, output_2);
	const struct fb_msg *reply = ask(at, &desc);
	struct fb_table_stats ts;
	size_t offset = 0;

	CU_ASSERT_EQUAL(reply->stats_reply.type, OFPST_DESC);
	CU_ASSERT_STRING_EQUAL(reply->stats_reply.desc.mfr_desc, "Flowbed");
	send_msg(at, 0, &fm);
	reply = ask(at, &table);
	CU_ASSERT_TRUE(fb_table_stats_next(reply->stats_reply.entries, &offset, &ts));
	CU_ASSERT_EQUAL(ts.active_count, 1);
	CU_ASSERT_FALSE(fb_table_stats_next(reply->stats_reply.entries, &offset, &ts));
	fb_match_any(&aggregate.stats_request.flow.match);
	aggregate.stats_request.flow.table_id = 0xff;
	aggregate.stats_request.flow.out_port = OFPP_NONE;
	reply = ask(at, &aggregate);
	CU_ASSERT_EQUAL(reply->stats_reply.aggregate.flow_count, 1);
	at_free(at);
}

static unsigned ports_in_reply(struct at *at, uint16_t port_no)
{
	struct fb_msg request = stats_request(OFPST_PORT);
	const struct fb_msg *reply;
	struct fb_port_stats ps;
	size_t offset = 0;
	unsigned count = 0;

	request.stats_request.port_no = port_no;
	reply = ask(at, &request);
	CU_ASSERT_EQUAL(reply->stats_reply.flags, 0);
	while (fb_port_stats_next(reply->stats_reply.entries, &offset, &ps))
		count++;
	return count;
}

static void port_statistics_are_of_one_or_of_all(void)
{
	struct at *at = at_ready();

	CU_ASSERT_EQUAL(ports_in_reply(at, OFPP_NONE), 4);
	CU_ASSERT_EQUAL(ports_in_reply(at, 3), 1);
	CU_ASSERT_EQUAL(ports_in_reply(at, 9), 0);
	at_free(at);
}

static void there_are_no_queues(void)
{
	struct at *at = at_ready();
	struct fb_msg stats = stats_request(OFPST_QUEUE);
	struct fb_msg config = {
		.version = OFP_VERSION, .type = OFPT_QUEUE_GET_CONFIG_REQUEST, .xid = 12};
	const struct fb_msg *reply;

	stats.stats_request.queue.port_no = OFPP_ALL;
	stats.stats_request.queue.queue_id = OFPQ_ALL;
	reply = ask(at, &stats);
	CU_ASSERT_EQUAL(reply->stats_reply.entries.len, 0);
	stats.stats_request.queue.port_no = 1;
	reply = ask(at, &stats);
	CU_ASSERT_EQUAL(reply->stats_reply.entries.len, 0);
	stats.stats_request.queue.queue_id = 0;
	peer_clear(&at->peers[0]);
	send_msg(at, 0, &stats);
	assert_error(&at->peers[0], OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_QUEUE, 11);
	stats.stats_request.queue.port_no = 9;
	send_msg(at, 0, &stats);
	assert_error(&at->peers[0], OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_PORT, 11);
	config.queue_config_request_port = 9;
	send_msg(at, 0, &config);
	assert_error(&at->peers[0], OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_PORT, 12);
	config.queue_config_request_port = 2;
	reply = ask(at, &config);
	CU_ASSERT_EQUAL(reply->type, OFPT_QUEUE_GET_CONFIG_REPLY);
	CU_ASSERT_EQUAL(reply->queue_config_reply.port, 2);
	CU_ASSERT_EQUAL(reply->queue_config_reply.queues.len, 0);
	at_free(at);
}

/* Add 'count' entries, list them, and compare; returns the messages that it took. */
static size_t list_flows(unsigned count, unsigned *sends)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];
	struct fb_msg request = stats_request(OFPST_FLOW);
	struct fb_flow_stats fs;
	unsigned seen = 0;
	size_t parts;

	for (unsigned i = 1; i <= count; i++) {
		struct fb_msg fm = flow_mod((uint16_t)i, output_2);

		fm.flow_mod.cookie = i;
		send_msg(at, 0, &fm);
	}
	fb_match_any(&request.stats_request.flow.match);
	request.stats_request.flow.table_id = 0xff;
	request.stats_request.flow.out_port = OFPP_NONE;
	send_msg(at, 0, &request);
	parts = peer_read(p);
	for (size_t i = 0; i < parts; i++) {
		const struct fb_msg *part = &p->msgs[i];
		size_t offset = 0;

		CU_ASSERT_EQUAL(part->xid, 11);
		CU_ASSERT_EQUAL(part->stats_reply.flags, i + 1 < parts ? OFPSF_REPLY_MORE : 0);
		while (fb_flow_stats_next(part->stats_reply.entries, &offset, &fs))
			CU_ASSERT_EQUAL_FATAL(fs.cookie, ++seen);
	}
	CU_ASSERT_EQUAL(seen, count);
	*sends = p->sends;
	at_free(at);
	return parts;
}

static void two_thousand_flows_come_in_parts_with_one_write(void)
{
	unsigned sends;

	/* 96 bytes each, 682 to a message. */
	CU_ASSERT_EQUAL(list_flows(2000, &sends), 3);
	CU_ASSERT_EQUAL(sends, 1);
	CU_ASSERT_EQUAL(list_flows(682, &sends), 1);
	CU_ASSERT_EQUAL(list_flows(683, &sends), 2);
	CU_ASSERT_EQUAL(list_flows(0, &sends), 1);
}

static void a_list_over_the_output_buffer_takes_several_writes(void)
{
	unsigned sends;

	CU_ASSERT_EQUAL(list_flows(20000, &sends), 30);
	CU_ASSERT(sends > 5 && sends < 20);
}

static void many_ports_come_in_parts(void)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];
	struct fb_msg request = stats_request(OFPST_PORT);

	for (uint16_t n = 5; n <= 1364; n++) {
		struct fb_phy_port port = {.port_no = n};

		CU_ASSERT_EQUAL_FATAL(agent_add_port(at->agent, &port, at->now_ns), 0);
	}
	peer_clear(p);
	request.stats_request.port_no = OFPP_NONE;
	send_msg(at, 0, &request);
	CU_ASSERT_EQUAL(peer_read(p), 3);
	peer_clear(p);
	send_type(at, 0, OFPT_FEATURES_REQUEST, 1);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL(p->msgs[0].features_reply.ports.len, 1364 * 48);
	at_free(at);
}

/* --- Several connections --- */

static void events_go_to_all_that_said_hello_and_replies_to_who_asked(void)
{
	struct at *at = at_ready();

	connect_ready(at, 1);
	connect_silently(at, 2);
	peer_clear(&at->peers[2]);
	agent_frame(at->agent, 1, some_frame(at), at->now_ns);
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[i]), 1);
		CU_ASSERT_EQUAL(at->peers[i].msgs[0].type, OFPT_PACKET_IN);
		peer_clear(&at->peers[i]);
	}
	agent_set_link(at->agent, 2, false, at->now_ns);
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[i]), 1);
		CU_ASSERT_EQUAL(at->peers[i].msgs[0].type, OFPT_PORT_STATUS);
		peer_clear(&at->peers[i]);
	}
	send_type(at, 0, OFPT_BARRIER_REQUEST, 1);
	CU_ASSERT_EQUAL(at->peers[1].len, 0);
	CU_ASSERT_EQUAL(at->peers[2].len, 0);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->events_lost, 4);
	at_free(at);
}

static void events_that_nobody_takes_are_counted_and_hold_no_buffer(void)
{
	struct at *at = at_new();

	connect_silently(at, 0);
	agent_frame(at->agent, 1, some_frame(at), at->now_ns);
	/* Four ports were added before, too. */
	CU_ASSERT_EQUAL(agent_counters(at->agent)->events_lost, 5);
	CU_ASSERT_EQUAL(datapath_buffers_in_use(agent_datapath(at->agent)), 0);
	at_free(at);
}

static void flow_removed_goes_to_all_even_when_one_deleted_it(void)
{
	struct at *at = at_ready();
	struct fb_msg fm = flow_mod(1, output_2);

	connect_ready(at, 1);
	fm.flow_mod.flags = OFPFF_SEND_FLOW_REM;
	send_msg(at, 0, &fm);
	fm.flow_mod.command = OFPFC_DELETE;
	send_msg(at, 0, &fm);
	for (size_t i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[i]), 1);
		CU_ASSERT_EQUAL(at->peers[i].msgs[0].type, OFPT_FLOW_REMOVED);
		CU_ASSERT_EQUAL(at->peers[i].msgs[0].flow_removed.reason, OFPRR_DELETE);
	}
	at_free(at);
}

static void the_port_status_of_a_port_mod_spares_who_asked(void)
{
	struct at *at = at_ready();
	struct fb_msg pm = {.version = OFP_VERSION,
			    .type = OFPT_PORT_MOD,
			    .port_mod = {.port_no = 2,
					 .hw_addr = {2, 0, 0, 0, 1, 2},
					 .config = OFPPC_NO_FLOOD,
					 .mask = OFPPC_NO_FLOOD}};

	connect_ready(at, 1);
	send_msg(at, 0, &pm);
	CU_ASSERT_EQUAL(at->peers[0].len, 0);
	CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[1]), 1);
	CU_ASSERT_EQUAL(at->peers[1].msgs[0].port_status.desc.config, OFPPC_NO_FLOOD);
	agent_set_link(at->agent, 2, false, at->now_ns);
	CU_ASSERT_EQUAL(peer_read(&at->peers[0]), 1);
	at_free(at);
}

static void timeouts_reach_the_controller(void)
{
	struct at *at = at_ready();
	struct fb_msg fm = flow_mod(1, output_2);

	fm.flow_mod.flags = OFPFF_SEND_FLOW_REM;
	fm.flow_mod.hard_timeout = 3;
	send_msg(at, 0, &fm);
	CU_ASSERT_EQUAL(agent_deadline(at->agent), 4 * FB_NS_PER_S);
	advance_to(at, 4 * FB_NS_PER_S);
	CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[0]), 1);
	CU_ASSERT_EQUAL(at->peers[0].msgs[0].flow_removed.reason, OFPRR_HARD_TIMEOUT);
	at_free(at);
}

static void a_request_at_the_deadline_meets_no_expired_entry(void)
{
	struct at *at = at_ready();
	struct peer *p = &at->peers[0];
	struct fb_msg fm = flow_mod(1, output_2), request = stats_request(OFPST_AGGREGATE);

	fm.flow_mod.hard_timeout = 3;
	send_msg(at, 0, &fm);
	fb_match_any(&request.stats_request.flow.match);
	request.stats_request.flow.table_id = 0xff;
	request.stats_request.flow.out_port = OFPP_NONE;
	at->now_ns = 4 * FB_NS_PER_S;
	send_msg(at, 0, &request);
	CU_ASSERT_EQUAL_FATAL(peer_read(p), 1);
	CU_ASSERT_EQUAL(p->msgs[0].stats_reply.aggregate.flow_count, 0);
	at_free(at);
}

static void more_connections_than_the_limit_are_refused(void)
{
	struct agent_config config;
	struct at *at;

	agent_config_default(&config);
	config.conns_max = 2;
	at = at_new_with(&config);
	connect_ready(at, 0);
	connect_ready(at, 1);
	connect_silently(at, 2);
	CU_ASSERT_PTR_NULL(at->peers[2].conn);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->conns_refused, 1);
	agent_closed(at->peers[0].conn, "reset", at->now_ns);
	connect_silently(at, 2);
	CU_ASSERT_PTR_NOT_NULL(at->peers[2].conn);
	at_free(at);
	/* at_free() ended the two that were left, and told so. */
}

static void the_end_of_the_switch_closes_its_connections(void)
{
	struct at *at = at_ready();

	connect_ready(at, 1);
	agent_free(at->agent);
	CU_ASSERT_TRUE(at->peers[0].closed);
	CU_ASSERT_TRUE(at->peers[1].closed);
	at->agent = NULL;
	at_free(at);
}

/* --- Cuts and garbage --- */

/* A conversation: HELLO, requests, flow-mods, a bad message. */
static size_t conversation(uint8_t *bytes, size_t size)
{
	static const uint8_t simple[] = {
		OFPT_HELLO,           OFPT_FEATURES_REQUEST, OFPT_GET_CONFIG_REQUEST,
		OFPT_BARRIER_REQUEST, OFPT_ECHO_REQUEST,     OFPT_BARRIER_REPLY};
	struct fb_buf out = fb_buf_make(bytes, size);
	struct fb_msg stats = stats_request(OFPST_FLOW);

	for (uint32_t i = 0; i < sizeof simple; i++) {
		struct fb_msg msg = {.version = OFP_VERSION, .type = simple[i], .xid = i};

		fb_msg_encode(&out, &msg);
	}
	for (uint16_t i = 1; i <= 20; i++) {
		struct fb_msg fm = flow_mod(i, output_2);

		fb_msg_encode(&out, &fm);
	}
	fb_match_any(&stats.stats_request.flow.match);
	stats.stats_request.flow.table_id = 0xff;
	stats.stats_request.flow.out_port = OFPP_NONE;
	fb_msg_encode(&out, &stats);
	CU_ASSERT_FALSE_FATAL(out.overflow);
	return out.len;
}

static void bytes_one_by_one_are_answered_like_all_at_once(void)
{
	static uint8_t bytes[8192];
	size_t len = conversation(bytes, sizeof bytes);
	struct at *whole = at_new(), *cut = at_new();

	connect_silently(whole, 0);
	connect_silently(cut, 0);
	peer_clear(&whole->peers[0]);
	send_bytes(whole, 0, bytes, len);
	CU_ASSERT_EQUAL(whole->peers[0].sends, 1);
	peer_clear(&cut->peers[0]);
	for (size_t i = 0; i < len; i++)
		send_bytes(cut, 0, bytes + i, 1);
	CU_ASSERT_EQUAL(cut->peers[0].sends, 6);
	CU_ASSERT_EQUAL_FATAL(cut->peers[0].len, whole->peers[0].len);
	CU_ASSERT_EQUAL(memcmp(cut->peers[0].bytes, whole->peers[0].bytes, whole->peers[0].len), 0);
	at_free(whole);
	at_free(cut);
}

static void garbage_on_one_connection_leaves_the_other_alone(void)
{
	static uint8_t bytes[8192], spoilt[8192];
	size_t len = conversation(bytes, sizeof bytes);
	struct at *at = at_new();
	struct rng rng;

	rng_init(&rng, 11, "agent_test");
	connect_ready(at, 1);
	for (unsigned round = 0; round < 2000; round++) {
		memcpy(spoilt, bytes, len);
		for (unsigned i = 0; i < 1 + round % 8; i++)
			spoilt[rng_below(&rng, len)] = (uint8_t)rng_next(&rng);
		peer_clear(&at->peers[0]);
		if (!at->peers[0].conn) {
			at->peers[0].closed = false;
			connect_silently(at, 0);
		}
		for (size_t at_byte = 0; at_byte < len && at->peers[0].conn;) {
			size_t step = 1 + rng_below(&rng, 500);

			step = step < len - at_byte ? step : len - at_byte;
			send_bytes(at, 0, spoilt + at_byte, step);
			at_byte += step;
		}
		agent_frame(at->agent, 3, some_frame(at), at->now_ns);
		peer_clear(&at->peers[1]);
		send_type(at, 1, OFPT_BARRIER_REQUEST, round);
		CU_ASSERT_EQUAL_FATAL(peer_read(&at->peers[1]), 1);
		CU_ASSERT_EQUAL_FATAL(at->peers[1].msgs[0].xid, round);
		at->now_ns += FB_NS_PER_MS;
	}
	CU_ASSERT(agent_counters(at->agent)->errors_out > 100);
	at_free(at);
}

static void a_peer_cannot_flood_the_log(void)
{
	struct at *at = at_ready();
	unsigned before = at->log_lines;

	for (unsigned i = 0; i < 1000; i++)
		send_bytes(at, 0, (const uint8_t[]){1, 99, 0, 8, 0, 0, 0, 9}, 8);
	CU_ASSERT(at->log_lines - before <= 11);
	CU_ASSERT_EQUAL(agent_counters(at->agent)->errors_out, 1000);
	before = at->log_lines;
	at->now_ns += FB_NS_PER_S;
	send_bytes(at, 0, (const uint8_t[]){1, 99, 0, 8, 0, 0, 0, 9}, 8);
	CU_ASSERT_EQUAL(at->log_lines, before + 1);
	at_free(at);
}

UNIT_TESTS("agent", UNIT_TEST(hello_is_sent_at_once_and_answered_by_silence),
	   UNIT_TEST(the_smaller_version_is_spoken_if_both_have_it),
	   UNIT_TEST(a_message_before_hello_ends_the_connection),
	   UNIT_TEST(a_peer_that_refuses_our_hello_is_left),
	   UNIT_TEST(a_peer_without_hello_has_ten_seconds),
	   UNIT_TEST(a_part_of_hello_wins_no_time_but_hello_does),
	   UNIT_TEST(silence_brings_an_echo_request_and_more_silence_the_end),
	   UNIT_TEST(an_echo_comes_back_with_its_bytes), UNIT_TEST(features_list_the_ports),
	   UNIT_TEST(configuration_is_set_and_told),
	   UNIT_TEST(after_the_barrier_reply_the_next_frame_meets_the_entry),
	   UNIT_TEST(types_that_no_switch_takes_are_refused), UNIT_TEST(vendors_are_not_known),
	   UNIT_TEST(malformed_messages_are_refused_with_their_beginning),
	   UNIT_TEST(a_length_below_eight_is_told_and_ends_the_connection),
	   UNIT_TEST(an_error_is_never_answered_with_an_error),
	   UNIT_TEST(errors_of_the_datapath_come_back_with_the_request),
	   UNIT_TEST(description_table_and_aggregate_are_one_message_each),
	   UNIT_TEST(port_statistics_are_of_one_or_of_all), UNIT_TEST(there_are_no_queues),
	   UNIT_TEST(two_thousand_flows_come_in_parts_with_one_write),
	   UNIT_TEST(a_list_over_the_output_buffer_takes_several_writes),
	   UNIT_TEST(many_ports_come_in_parts),
	   UNIT_TEST(events_go_to_all_that_said_hello_and_replies_to_who_asked),
	   UNIT_TEST(events_that_nobody_takes_are_counted_and_hold_no_buffer),
	   UNIT_TEST(flow_removed_goes_to_all_even_when_one_deleted_it),
	   UNIT_TEST(the_port_status_of_a_port_mod_spares_who_asked),
	   UNIT_TEST(timeouts_reach_the_controller),
	   UNIT_TEST(a_request_at_the_deadline_meets_no_expired_entry),
	   UNIT_TEST(more_connections_than_the_limit_are_refused),
	   UNIT_TEST(the_end_of_the_switch_closes_its_connections),
	   UNIT_TEST(bytes_one_by_one_are_answered_like_all_at_once),
	   UNIT_TEST(garbage_on_one_connection_leaves_the_other_alone),
	   UNIT_TEST(a_peer_cannot_flood_the_log))
