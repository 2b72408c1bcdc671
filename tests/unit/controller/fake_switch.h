/* A controller under test and switches that are not there: real messages, encoded and decoded with
 * lib/wire, and virtual time.
 *
 *     struct bench *b = bench_new();
 *     bench_add(b, &fb_app_hub, "");
 *     struct fake_switch *sw = fake_switch_join(b, 1, 3);   dpid 1, ports 1 to 3, handshake done
 *     fake_switch_packet_in(sw, 7, 1, frame, frame_len);    buffer 7, port 1
 *     const struct fb_msg *msg = fake_switch_next(sw);      what was sent, in order; NULL: no more
 *     bench_free(b);
 *
 * What the controller sends is kept as bytes ('sent') and decoded one message at a time; views of a
 * message live until the next one is taken or something is fed. Log lines are kept in 'log'. */
#ifndef UNIT_CONTROLLER_FAKE_SWITCH_H
#define UNIT_CONTROLLER_FAKE_SWITCH_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <flowbed/openflow.h>

#include "controller/session.h"

enum {
	BENCH_SWITCHES_MAX = 64,
	BENCH_LOG_BYTES = 1 << 16,
	FAKE_MESSAGE_BYTES = 65535,
};

struct bench;

struct fake_switch {
	struct bench *bench;
	struct session *session; /* NULL: no connection */
	uint64_t dpid;
	uint16_t ports_count; /* ports 1 to this */
	uint32_t n_buffers;

	uint8_t *sent; /* all that the controller sent and that was not discarded */
	size_t sent_len, sent_size;
	size_t read_at;    /* of fake_switch_next() */
	size_t sends;      /* calls of ops->send */
	struct fb_msg msg; /* of fake_switch_next() */

	bool closed; /* by the controller */
	char close_reason[256];
};

struct bench {
	struct controller *ctl;
	struct controller_config config;
	uint64_t now_ns;
	struct fake_switch *switches[BENCH_SWITCHES_MAX];
	size_t switches_count;
	char log[BENCH_LOG_BYTES]; /* "who: line\n", the newest lines that fit */
	size_t log_len;
	char events[4096]; /* "up 1\n", "down 1\n" */
	size_t events_len;
	char error[1024]; /* of bench_try_add() */
};

/* --- The driver's side --- */

static inline void bench_on_send(void *conn, const uint8_t *bytes, size_t len)
{
	struct fake_switch *sw = conn;

	assert(!sw->closed && len > 0);
	if (sw->sent_size - sw->sent_len < len) {
		sw->sent_size = 2 * sw->sent_size + len;
		sw->sent = realloc(sw->sent, sw->sent_size);
		assert(sw->sent);
	}
	memcpy(sw->sent + sw->sent_len, bytes, len);
	sw->sent_len += len;
	sw->sends++;
}

static inline void bench_on_close(void *conn, const char *reason)
{
	struct fake_switch *sw = conn;

	assert(!sw->closed);
	sw->closed = true;
	sw->session = NULL;
	snprintf(sw->close_reason, sizeof sw->close_reason, "%s", reason);
}

static inline void bench_on_log(void *ctx, enum fb_log_level level, const char *who,
                                const char *line)
{
	struct bench *b = ctx;
	char text[1200];
	int len = snprintf(text, sizeof text, "%s: %s\n", who, line);

	(void)level;
	if (b->log_len + (size_t)len >= sizeof b->log)
		b->log_len = 0;
	memcpy(b->log + b->log_len, text, (size_t)len + 1);
	b->log_len += (size_t)len;
}

static inline void bench_on_event(void *ctx, uint64_t dpid, bool up, const char *peer)
{
	struct bench *b = ctx;
	size_t room = sizeof b->events - b->events_len;
	int len = snprintf(b->events + b->events_len, room, "%s %llu\n", up ? "up" : "down",
	                   (unsigned long long)dpid);

	(void)peer;
	if ((size_t)len < room)
		b->events_len += (size_t)len;
}

/* What applications find in each file that they read; NULL: there is no file. */
static const char *bench_file;

static inline char *bench_on_read_file(void *ctx, const char *name, size_t *len,
                                       struct fb_text *error)
{
	(void)ctx;
	if (!bench_file) {
		fb_text_printf(error, "%s: there is no such file", name);
		return NULL;
	}
	*len = strlen(bench_file);
	return strdup(bench_file);
}

/* --- The bench --- */

/* A controller with 'config', without applications; time starts at one second. */
static inline struct bench *bench_new_with(const struct controller_config *config)
{
	struct bench *b = calloc(1, sizeof *b);
	struct controller_ops ops = {
	        .send = bench_on_send,
	        .close = bench_on_close,
	        .log = bench_on_log,
	        .switch_event = bench_on_event,
	        .read_file = bench_on_read_file,
	        .ctx = b,
	};

	assert(b);
	b->config = *config;
	b->now_ns = FB_NS_PER_S;
	b->ctl = controller_new(config, &ops);
	return b;
}

static inline struct bench *bench_new(void)
{
	struct controller_config config;

	controller_config_default(&config);
	config.run_id = 0x1234abcd;
	return bench_new_with(&config);
}

static inline void bench_free(struct bench *b)
{
	controller_free(b->ctl);
	for (size_t i = 0; i < b->switches_count; i++) {
		free(b->switches[i]->sent);
		free(b->switches[i]);
	}
	free(b);
}

/* Append an application; what was wrong is in b->error. */
static inline int bench_try_add(struct bench *b, const struct fb_app_class *cls,
                                const char *options)
{
	struct fb_text error = fb_text_make(b->error, sizeof b->error);

	return controller_add_app(b->ctl, cls, options, &error);
}

static inline void bench_add(struct bench *b, const struct fb_app_class *cls, const char *options)
{
	int result = bench_try_add(b, cls, options);

	if (result < 0)
		fprintf(stderr, "%s\n", b->error);
	assert(result == 0);
	(void)result;
}

/* Let 'ns' pass; everything that falls due meanwhile is run at its time. */
static inline void bench_pass(struct bench *b, uint64_t ns)
{
	uint64_t until_ns = b->now_ns + ns, deadline_ns;

	while ((deadline_ns = controller_deadline(b->ctl)) <= until_ns) {
		if (deadline_ns > b->now_ns)
			b->now_ns = deadline_ns;
		controller_run(b->ctl, b->now_ns);
	}
	b->now_ns = until_ns;
}

struct bench_counter {
	const char *app, *name;
	uint64_t value;
	bool found;
};

static inline void bench_on_counter(void *ctx, const char *app, const char *name, uint64_t value)
{
	struct bench_counter *counter = ctx;

	if (strcmp(app, counter->app) == 0 && strcmp(name, counter->name) == 0) {
		counter->value = value;
		counter->found = true;
	}
}

/* The counter 'name' of the application 'app', which must have it. */
static inline uint64_t bench_counter(const struct bench *b, const char *app, const char *name)
{
	struct bench_counter counter = {.app = app, .name = name};

	controller_app_counters(b->ctl, bench_on_counter, &counter);
	assert(counter.found);
	return counter.value;
}

/* --- A switch --- */

/* Feed bytes as one read brought them. */
static inline void fake_switch_feed(struct fake_switch *sw, const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len + 1); /* of exactly that size, so that reading on is noticed */

	assert(copy && sw->session);
	if (len)
		memcpy(copy, bytes, len);
	copy = realloc(copy, len ? len : 1);
	session_receive(sw->session, copy, len, sw->bench->now_ns);
	free(copy);
}

/* Feed one message. */
static inline void fake_switch_send(struct fake_switch *sw, const struct fb_msg *msg)
{
	static uint8_t memory[FAKE_MESSAGE_BYTES];
	struct fb_buf buf = fb_buf_make(memory, sizeof memory);
	bool ok = fb_msg_encode(&buf, msg);

	assert(ok);
	(void)ok;
	fake_switch_feed(sw, buf.data, buf.len);
}

/* The next message that the controller sent, or NULL. */
static inline const struct fb_msg *fake_switch_next(struct fake_switch *sw)
{
	struct fb_of_error error;
	size_t len;
	int result;

	if (sw->read_at == sw->sent_len)
		return NULL;
	len = fb_get16(sw->sent + sw->read_at + 2);
	result = fb_msg_decode(sw->sent + sw->read_at, len, &sw->msg, &error);
	if (result < 0)
		fprintf(stderr, "the controller sent nonsense: %s\n", error.why);
	assert(result == 0);
	(void)result;
	sw->read_at += len;
	return &sw->msg;
}

/* The next message must be a 'type' (OFPT_*); NULL where it is not. */
static inline const struct fb_msg *fake_switch_expect(struct fake_switch *sw, uint8_t type)
{
	const struct fb_msg *msg = fake_switch_next(sw);

	return msg && msg->type == type ? msg : NULL;
}

/* Forget all that the controller sent so far. */
static inline void fake_switch_discard(struct fake_switch *sw)
{
	sw->sent_len = 0;
	sw->read_at = 0;
	sw->sends = 0;
}

/* Messages of 'type' among those sent and not discarded, read or not. */
static inline size_t fake_switch_count(const struct fake_switch *sw, uint8_t type)
{
	size_t count = 0;

	for (size_t at = 0; at < sw->sent_len; at += fb_get16(sw->sent + at + 2))
		count += sw->sent[at + 1] == type;
	return count;
}

/* A connection on which nothing was said yet but the controller's HELLO. */
static inline struct fake_switch *fake_switch_connect(struct bench *b, uint64_t dpid,
                                                      uint16_t ports_count)
{
	struct fake_switch *sw = calloc(1, sizeof *sw);
	char peer[64];

	assert(sw && b->switches_count < BENCH_SWITCHES_MAX);
	b->switches[b->switches_count++] = sw;
	sw->bench = b;
	sw->dpid = dpid;
	sw->ports_count = ports_count;
	sw->n_buffers = 256;
	snprintf(peer, sizeof peer, "fake:%zu", b->switches_count);
	sw->session = controller_connect(b->ctl, sw, peer, b->now_ns);
	return sw;
}

/* A port as the fake switches have them: MAC 02:aa:00:00:00:NN, up. */
static inline struct fb_phy_port fake_port(uint16_t port_no)
{
	struct fb_phy_port port = {.port_no = port_no, .curr = OFPPF_1GB_FD | OFPPF_COPPER};

	fb_mac_from_u64(port.hw_addr, UINT64_C(0x02aa00000000) | port_no);
	snprintf(port.name, sizeof port.name, "eth%u", port_no);
	return port;
}

static inline void fake_switch_hello(struct fake_switch *sw)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_HELLO, .xid = 1};

	fake_switch_send(sw, &msg);
}

/* FEATURES_REPLY as 'buf' bytes, so that tests can glue something to it. */
static inline void fake_switch_put_features(const struct fake_switch *sw, struct fb_buf *out)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_FEATURES_REPLY, .xid = 2};
	struct fb_buf ports =
	        fb_buf_make(malloc((size_t)sw->ports_count * sizeof(struct ofp_phy_port) + 1),
	                    (size_t)sw->ports_count * sizeof(struct ofp_phy_port));
	bool ok;

	for (unsigned n = 1; n <= sw->ports_count; n++) {
		struct fb_phy_port port = fake_port((uint16_t)n);

		fb_phy_port_put(&ports, &port);
	}
	msg.features_reply = (struct fb_features_reply){
	        .datapath_id = sw->dpid,
	        .n_buffers = sw->n_buffers,
	        .n_tables = 2,
	        .capabilities = OFPC_FLOW_STATS,
	        .actions = 0xfff,
	        .ports = {ports.data, ports.len},
	};
	ok = fb_msg_encode(out, &msg);
	assert(ok);
	(void)ok;
	free(ports.data);
}

static inline void fake_switch_features(struct fake_switch *sw)
{
	static uint8_t memory[FAKE_MESSAGE_BYTES];
	struct fb_buf buf = fb_buf_make(memory, sizeof memory);

	fake_switch_put_features(sw, &buf);
	fake_switch_feed(sw, buf.data, buf.len);
}

/* A switch that is up; what the handshake brought is discarded, what applications sent at switch_up
 * too unless 'keep' (then it is what fake_switch_next() yields). */
static inline struct fake_switch *fake_switch_join_keeping(struct bench *b, uint64_t dpid,
                                                           uint16_t ports_count, bool keep)
{
	struct fake_switch *sw = fake_switch_connect(b, dpid, ports_count);

	assert(sw->session);
	fake_switch_hello(sw);
	fake_switch_discard(sw);
	fake_switch_features(sw);
	if (!keep) {
		fake_switch_discard(sw);
		return sw;
	}
	/* SET_CONFIG and two flow-mods of the controller itself. */
	for (int i = 0; i < 3; i++)
		fake_switch_next(sw);
	return sw;
}

static inline struct fake_switch *fake_switch_join(struct bench *b, uint64_t dpid,
                                                   uint16_t ports_count)
{
	return fake_switch_join_keeping(b, dpid, ports_count, false);
}

/* Feed a packet-in that carries the whole frame; 'buffer_id' may be OFP_NO_BUFFER. */
static inline void fake_switch_packet_in(struct fake_switch *sw, uint32_t buffer_id,
                                         uint16_t in_port, const void *frame, size_t len)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_PACKET_IN};

	msg.packet_in = (struct fb_of_packet_in){
	        .buffer_id = buffer_id,
	        .total_len = (uint16_t)len,
	        .in_port = in_port,
	        .reason = OFPR_NO_MATCH,
	        .data = {frame, len},
	};
	fake_switch_send(sw, &msg);
}

static inline void fake_switch_port_status(struct fake_switch *sw, uint8_t reason,
                                           const struct fb_phy_port *port)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_PORT_STATUS};

	msg.port_status.reason = reason;
	msg.port_status.desc = *port;
	fake_switch_send(sw, &msg);
}

/* The link of a port goes down or up. */
static inline void fake_switch_set_link(struct fake_switch *sw, uint16_t port_no, bool up)
{
	struct fb_phy_port port = fake_port(port_no);

	port.state = up ? 0 : OFPPS_LINK_DOWN;
	fake_switch_port_status(sw, OFPPR_MODIFY, &port);
}

/* The connection breaks. */
static inline void fake_switch_leave(struct fake_switch *sw)
{
	session_closed(sw->session, "the switch went away", sw->bench->now_ns);
	sw->session = NULL;
}

/* --- Frames and actions --- */

/* A frame of dl_type 0x88b5 with 60 bytes: for tests that care for addresses only. Returns its
 * length. */
static inline size_t fake_frame(uint8_t frame[60], uint64_t dl_src, uint64_t dl_dst)
{
	memset(frame, 0, 60);
	fb_mac_from_u64(frame, dl_dst);
	fb_mac_from_u64(frame + 6, dl_src);
	fb_set16(frame + 12, 0x88b5);
	return 60;
}

/* The port of the only action, which must be an output; OFPP_NONE where it is not. */
static inline uint16_t fake_only_output(struct fb_view actions)
{
	struct fb_action action;
	size_t offset = 0;

	if (!fb_action_next(actions.data, actions.len, &offset, &action) ||
	    action.type != OFPAT_OUTPUT || offset != actions.len)
		return OFPP_NONE;
	return action.output.port;
}

/* True for a packet-out that only drops: a plain output to the ingress port is its only action. */
static inline bool fake_goes_nowhere(const struct fb_packet_out *po)
{
	return po->in_port != OFPP_NONE && fake_only_output(po->actions) == po->in_port;
}

#endif
