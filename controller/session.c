/* One connection with a switch, from HELLO to its end.
 *
 *     AWAITS_HELLO     on HELLO with a version that we share: FEATURES_REQUEST is sent
 *     AWAITS_FEATURES  on FEATURES_REPLY: SET_CONFIG and wake_cache() are sent
 *     UP               messages go to the applications
 *
 * Consecutive packet-ins of one call are collected in ctl->packet_ins, decoded and parsed, and
 * handed to the chain together; any other message ends the array. A discovery frame and a frame
 * that is none go alone, since not every application sees them: ctl->packet_ins has one element
 * more than an array holds, where the next packet-in is parsed before it is known to belong to the
 * array.
 *
 * Liveness: only whole messages count as life, so that a peer that sends byte by byte is not alive.
 * The session's timer in ctl->timers is not moved at each message: it may be early, and is then set
 * anew.
 *
 * Whatever a peer can do again and again is logged through a limit of its connection; the beginning
 * and the end of a connection are not, but all lines together have a limit, too, since peers can
 * connect again and again. */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "controller/core.h"

enum {
	HELLO_VERSION_BITMAP = 1, /* a HELLO element of OpenFlow 1.3.1 and later, section 7.5.1 */
	HELLO_ELEMENT_HEADER_BYTES = 4,
	REASON_BYTES = 160,      /* text why a session ends */
	ERROR_TEXT_BYTES = 80,   /* of a peer's HELLO_FAILED, for the log */
	OWN_MESSAGE_BYTES = 128, /* no message of our own is longer, save ECHO_REPLY */
	TLS_HANDSHAKE = 0x16,    /* the first byte of TLS, of a record (RFC 8446, section 5.1) */
	TLS_MAJOR = 0x03,        /* the second, of every version */
};

/* --- Log --- */

/* How often a line may come. */
enum frequency {
	ONCE,  /* at the beginning or end of a connection */
	AGAIN, /* as often as the peer likes */
};

/* What was left out before a line. */
struct left_out {
	uint64_t own; /* lines of the connection */
	uint64_t all; /* lines of all connections, because they were too many together */
};

/* True: a line may be logged on 'session', and '*left_out' were not before it. */
static bool may_log(struct session *session, enum frequency frequency, struct left_out *left_out)
{
	struct controller *ctl = session->ctl;
	struct fb_log_limit *own = &session->log_limit;
	bool may = true;

	left_out->own = own->suppressed;
	if (frequency == AGAIN)
		may = fb_log_limit_allows(own, ctl->now_ns, &left_out->own);
	if (may && app_log_limit_allows(&ctl->log_limit, ctl->now_ns, LOG_ALL_BURST_LINES,
	                                LOG_ALL_LINE_NS, &left_out->all)) {
		own->suppressed = 0;
		return true;
	}
	if (may)
		own->suppressed = left_out->own;
	ctl->counters.log_lines_suppressed++;
	return false;
}

/* Log what happened on 'session', within the limits. */
static void __attribute__((format(printf, 4, 5)))
session_log(struct session *session, enum frequency frequency, enum fb_log_level level,
            const char *format, ...)
{
	struct controller *ctl = session->ctl;
	char line[LOG_LINE_BYTES], what[LOG_LINE_BYTES];
	struct fb_text text = fb_text_make(line, sizeof line);
	struct left_out left_out;
	va_list args;

	if (!controller_logs(ctl, level) || !may_log(session, frequency, &left_out))
		return;
	va_start(args, format);
	vsnprintf(what, sizeof what, format, args);
	va_end(args);
	if (session->sw)
		fb_text_printf(&text, "%016" PRIx64 " (%s): %s", session->sw->features.datapath_id,
		               session->peer, what);
	else
		fb_text_printf(&text, "%s: %s", session->peer, what);
	if (left_out.own)
		fb_text_printf(&text, " (%" PRIu64 " lines before this one left out)",
		               left_out.own);
	if (left_out.all)
		fb_text_printf(&text, " (%" PRIu64 " lines of all connections left out)",
		               left_out.all);
	controller_log(ctl, level, "%s", line);
}

/* --- Sending --- */

/* An xid for a message of the controller itself. */
static uint32_t session_xid(struct session *session)
{
	return session_xid_of(0, session->sent++);
}

/* Send '*msg', of at most 'len' bytes, in version 1.0. */
static void send_msg(struct session *session, struct fb_msg *msg, size_t len)
{
	struct fb_buf *out = session_out(session, len);
	size_t len_before = out->len;

	msg->version = OFP_VERSION;
	if (fb_msg_encode(out, msg))
		session_sent(session, len_before, 0);
	out->overflow = false;
}

/* Send a message that is a header only; returns its xid. */
static uint32_t send_header(struct session *session, uint8_t type)
{
	struct fb_msg msg = {.type = type, .xid = session_xid(session)};

	send_msg(session, &msg, OWN_MESSAGE_BYTES);
	return msg.xid;
}

/* Answer the message of 'len' bytes at 'cause' with an error. */
static void send_error(struct session *session, const struct fb_of_error *error,
                       const uint8_t *cause, size_t len)
{
	struct fb_buf *out = session_out(session, sizeof(struct ofp_error_msg) + len);
	size_t len_before = out->len;

	if (fb_msg_put_error(out, error, cause, len))
		session_sent(session, len_before, 0);
	out->overflow = false;
}

void session_drop_buffer(struct session *session, uint32_t buffer_id, uint16_t in_port,
                         uint32_t place)
{
	uint8_t nowhere[OUTPUT_NOWHERE_BYTES];
	struct fb_packet_out po = {.buffer_id = buffer_id, .in_port = in_port};
	struct fb_buf *out;
	size_t len_before;

	po.actions = output_nowhere(nowhere, in_port);
	if (buffer_id == OFP_NO_BUFFER)
		return;
	out = session_out(session, OWN_MESSAGE_BYTES);
	len_before = out->len;
	if (fb_msg_put_packet_out(out, session_xid(session), &po)) {
		session->ctl->counters.packet_outs++;
		session_sent(session, len_before, place);
	}
	out->overflow = false;
}

/* --- Beginning and end --- */

static void set_timer(struct session *session)
{
	struct heap *timers = &session->ctl->timers;
	uint64_t deadline_ns = liveness_deadline(&session->live, &session->ctl->config.liveness);

	if (heap_contains(&session->timer))
		heap_change(timers, &session->timer, deadline_ns, session->number);
	else if (!heap_insert(timers, &session->timer, deadline_ns, session->number))
		abort();
}

void session_start(struct session *session, uint64_t now_ns)
{
	framer_init(&session->framer);
	liveness_start(&session->live, now_ns);
	set_timer(session);
	send_header(session, OFPT_HELLO);
}

void session_start_moved(struct session *session, uint64_t now_ns)
{
	framer_init(&session->framer);
	liveness_start(&session->live, now_ns);
	set_timer(session);
	session->state = SESSION_AWAITS_FEATURES;
}

/* True when the peer has taken bytes since it was last asked for; '*left': not yet all. */
static bool has_taken(struct session *session, bool *left)
{
	struct controller *ctl = session->ctl;
	uint64_t before = session->taken_bytes;

	*left = false;
	if (ctl->ops.taken)
		session->taken_bytes = ctl->ops.taken(session->conn, left);
	return session->taken_bytes > before;
}

void session_backlog(struct session *session, bool taken)
{
	struct controller *ctl = session->ctl;
	struct liveness *live = &session->live;
	bool paused = live->paused, left;

	if (!liveness_backlog(live, &ctl->config.liveness, ctl->ops.backlog(session->conn), taken,
	                      ctl->now_ns))
		return;
	if (live->backlog_bytes > 0 && live->progress_ns == ctl->now_ns)
		has_taken(session, &left);
	set_timer(session);
	if (paused == live->paused)
		return;
	ctl->counters.pauses += !paused;
	ctl->ops.set_reading(session->conn, paused);
}

void session_drained(struct session *session, uint64_t now_ns)
{
	controller_advance(session->ctl, now_ns);
	session_backlog(session, true);
}

/* Tell the applications that the switch is gone, while its connection still has a name. */
static void switch_down(struct session *session, uint64_t now_ns)
{
	struct controller *ctl = session->ctl;
	struct fb_switch *sw = session->sw;

	if (!sw)
		return;
	controller_switch_remove(ctl, sw);
	chain_switch_down(ctl, sw, now_ns);
	ctl->counters.disconnects++;
	if (ctl->ops.switch_event)
		ctl->ops.switch_event(ctl->ops.ctx, sw->features.datapath_id, false, session->peer);
	session->sw = NULL;
	controller_switch_free(sw);
}

static void session_free(struct session *session)
{
	struct controller *ctl = session->ctl;

	if (session->output.waiting) {
		TAILQ_REMOVE(&ctl->waiting, session, waiting_link);
		ctl->held_bytes -= session->output.buf.len;
	}
	heap_remove(&ctl->timers, &session->timer);
	TAILQ_REMOVE(&ctl->sessions, session, link);
	ctl->sessions_count--;
	framer_destroy(&session->framer);
	output_destroy(&session->output);
	free(session->rates);
	free(session);
}

/* session_end() that is told at 'level'. */
static void end_at(struct session *session, enum fb_log_level level, const char *reason,
                   uint64_t now_ns)
{
	struct controller *ctl = session->ctl;

	assert(ctl->array_count == 0);
	session_log(session, ONCE, level, "closing: %s", reason);
	switch_down(session, now_ns);
	if (session->output.buf.len > 0)
		ctl->ops.send(session->conn, session->output.buf.data, session->output.buf.len);
	ctl->ops.close(session->conn, reason);
	session_free(session);
}

void session_end(struct session *session, const char *reason, uint64_t now_ns)
{
	end_at(session, FB_LOG_INFO, reason, now_ns);
}

void session_closed(struct session *session, const char *reason, uint64_t now_ns)
{
	struct controller *ctl = session->ctl;

	now_ns = controller_advance(ctl, now_ns);
	session_log(session, ONCE, FB_LOG_INFO, "closed: %s", reason);
	switch_down(session, now_ns);
	session_free(session);
	controller_flush(ctl);
}

/* --- Handling: each returns false when the session has ended and is gone --- */

/* Refuse the peer's version: HELLO_FAILED with 'text' (section 5.4.4), and the end. */
static bool refuse_version(struct session *session, uint32_t xid, const char *text, uint64_t now_ns)
{
	struct fb_msg msg = {.type = OFPT_ERROR, .xid = xid};

	msg.error.type = OFPET_HELLO_FAILED;
	msg.error.code = OFPHFC_INCOMPATIBLE;
	msg.error.data = (struct fb_view){.data = (const uint8_t *)text, .len = strlen(text)};
	session->ctl->counters.version_failures++;
	send_msg(session, &msg, sizeof(struct ofp_error_msg) + strlen(text));
	session_end(session, text, now_ns);
	return false;
}

/* What came is wrong but the connection goes on: count it, say it, and answer with an error. */
static bool reject(struct session *session, uint16_t type, const struct fb_of_error *error,
                   const uint8_t *bytes, size_t len)
{
	const char *name = fb_text_msg_type(type > UINT8_MAX ? UINT8_MAX : (uint8_t)type);

	session->ctl->counters.bad_messages++;
	session_log(session, AGAIN, FB_LOG_WARNING, "%s refused: %s",
	            name ? name : "message of unknown type", error->why);
	if (type != OFPT_ERROR)
		send_error(session, error, bytes, len);
	return true;
}

static bool reject_request(struct session *session, uint8_t type, uint16_t code, const char *why,
                           const uint8_t *bytes, size_t len)
{
	struct fb_of_error error = {.type = OFPET_BAD_REQUEST, .code = code, .why = why};

	return reject(session, type, &error, bytes, len);
}

/* A message that has no place here and harms nobody. */
static bool ignore(struct session *session, uint8_t type, const char *why)
{
	session->ctl->counters.bad_messages++;
	session_log(session, AGAIN, FB_LOG_WARNING, "%s ignored: %s", fb_text_msg_type(type), why);
	return true;
}

/* False when HELLO's 'data' holds a version bitmap without version 1.0. What is no element ends the
 * search. */
static bool bitmap_has_version(struct fb_view data)
{
	size_t offset = 0;

	while (data.len - offset >= HELLO_ELEMENT_HEADER_BYTES) {
		uint16_t type = fb_get16(data.data + offset),
		         len = fb_get16(data.data + offset + 2);

		if (len < HELLO_ELEMENT_HEADER_BYTES || len > data.len - offset)
			break;
		if (type == HELLO_VERSION_BITMAP && len >= HELLO_ELEMENT_HEADER_BYTES + 4)
			return fb_get32(data.data + offset + HELLO_ELEMENT_HEADER_BYTES) &
			       (1u << OFP_VERSION);
		offset += (len + 7u) / 8 * 8;
		if (offset > data.len)
			break;
	}
	return true;
}

/* Section 5.5.1: the smaller of both versions is spoken, so the peer's must be 1.0 or later. */
static bool handle_hello(struct session *session, const struct fb_msg *msg, uint64_t now_ns)
{
	char text[REASON_BYTES];

	if (msg->version < OFP_VERSION ||
	    (msg->version > OFP_VERSION && !bitmap_has_version(msg->data))) {
		snprintf(text, sizeof text,
		         "this controller speaks OpenFlow 1.0 (wire version 0x01) only; "
		         "HELLO came with version 0x%02x and does not offer it",
		         msg->version);
		return refuse_version(session, msg->xid, text, now_ns);
	}
	if (session->state != SESSION_AWAITS_HELLO)
		return ignore(session, OFPT_HELLO, "a second one");
	session->state = SESSION_AWAITS_FEATURES;
	send_header(session, OFPT_FEATURES_REQUEST);
	return true;
}

/* A flow entry that no frame can match, added and removed again: its only effect is that the switch
 * looks at its table. Open vSwitch keeps dropping frames by cached decisions from the time without
 * a controller until its table changes, and removing what is not there would change nothing. A switch
 * that does the second before the first, as it may where no barrier is between (section 5.3.7), lets
 * it expire. */
static void wake_cache(struct session *session)
{
	static const uint8_t impossible[FB_MAC_BYTES] = {
	        0x03, 0, 0, 0, 0, 0x01}; /* a group address as source */
	static const uint16_t commands[] = {OFPFC_ADD, OFPFC_DELETE_STRICT};
	struct fb_msg msg = {.type = OFPT_FLOW_MOD};
	uint8_t nowhere[OUTPUT_NOWHERE_BYTES];

	msg.flow_mod.actions = output_nowhere(nowhere, OFPP_IN_PORT);
	fb_match_any(&msg.flow_mod.match);
	msg.flow_mod.match.wildcards &= ~(uint32_t)(OFPFW_DL_SRC | OFPFW_DL_DST);
	memcpy(msg.flow_mod.match.dl_src, impossible, sizeof impossible);
	memcpy(msg.flow_mod.match.dl_dst, impossible, sizeof impossible);
	msg.flow_mod.cookie = (uint64_t)session->ctl->config.run_id << 32;
	msg.flow_mod.hard_timeout = 1;
	msg.flow_mod.buffer_id = OFP_NO_BUFFER;
	msg.flow_mod.out_port = OFPP_NONE;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		msg.flow_mod.command = commands[i];
		msg.xid = session_xid(session);
		send_msg(session, &msg, OWN_MESSAGE_BYTES);
		session->ctl->counters.flow_mods++;
	}
}

static void send_config(struct session *session)
{
	struct fb_msg msg = {.type = OFPT_SET_CONFIG, .xid = session_xid(session)};

	msg.config.flags = OFPC_FRAG_NORMAL;
	msg.config.miss_send_len = session->ctl->config.miss_send_len;
	send_msg(session, &msg, OWN_MESSAGE_BYTES);
}

/* A new connection of a known switch replaces the old one. Where that is not one that has fallen
 * silent, two switches may have one dpid and take it from each other for ever. */
static void replace_old(struct session *session, uint64_t dpid, uint64_t now_ns)
{
	struct controller *ctl = session->ctl;
	struct fb_switch *old = controller_switch(ctl, dpid);
	char reason[REASON_BYTES];
	bool silent;

	if (!old)
		return;
	ctl->counters.replaced++;
	silent = old->session->live.echo_sent;
	snprintf(reason, sizeof reason,
	         "replaced by a new connection of switch %016" PRIx64 " from %s%s", dpid,
	         session->peer, silent ? "" : ", while the old one was alive");
	end_at(old->session, silent ? FB_LOG_INFO : FB_LOG_WARNING, reason, now_ns);
}

/* Another controller takes the connection; 'bytes' is the FEATURES_REPLY. */
static void move(struct session *session, const uint8_t *bytes, size_t len)
{
	struct fb_view features = {.data = bytes, .len = len}, rest;
	struct controller *ctl = session->ctl;

	if (session->output.buf.len > 0)
		ctl->ops.send(session->conn, session->output.buf.data, session->output.buf.len);
	framer_rest(&session->framer, &rest.data, &rest.len);
	ctl->counters.moved++;
	ctl->ops.move(session->conn, features, rest);
	session_free(session);
}

/* Ask the driver where the switch 'dpid' belongs; false when the session has ended here. */
static bool join(struct session *session, uint64_t dpid, const uint8_t *bytes, size_t len,
                 uint64_t now_ns)
{
	struct controller *ctl = session->ctl;
	char reason[REASON_BYTES];

	if (!ctl->ops.join)
		return true;
	switch (ctl->ops.join(session->conn, dpid)) {
	case CONTROLLER_JOIN_HERE:
		break;
	case CONTROLLER_JOIN_REFUSED:
		ctl->counters.dpids_refused++;
		snprintf(reason, sizeof reason,
		         "the switch %016" PRIx64 " is not among those that may join", dpid);
		session_end(session, reason, now_ns);
		return false;
	case CONTROLLER_JOIN_ELSEWHERE:
		move(session, bytes, len);
		return false;
	}
	return true;
}

static const char *plural(uint32_t count)
{
	return count == 1 ? "" : "s";
}

static bool handle_features_reply(struct session *session, const struct fb_msg *msg,
                                  const uint8_t *bytes, size_t len, uint64_t now_ns)
{
	const struct fb_features_reply *features = &msg->features_reply;
	struct controller *ctl = session->ctl;
	uint64_t dpid = features->datapath_id;
	char reason[REASON_BYTES];

	if (session->sw && session->sw->features.datapath_id == dpid)
		return ignore(session, OFPT_FEATURES_REPLY, "a second one");
	if (session->sw) {
		snprintf(reason, sizeof reason, "the switch changed its dpid to %016" PRIx64, dpid);
		session_end(session, reason, now_ns);
		return false;
	}
	if (!join(session, dpid, bytes, len, now_ns))
		return false;
	replace_old(session, dpid, now_ns);
	session->sw = controller_switch_add(ctl, session, features);
	session->state = SESSION_UP;
	liveness_up(&session->live);
	set_timer(session);
	ctl->counters.connects++;
	session_log(session, ONCE, FB_LOG_INFO,
	            "switch is up: %" PRIu32 " port%s, %u table%s, %" PRIu32 " buffer%s",
	            session->sw->ports_count, plural(session->sw->ports_count), features->n_tables,
	            plural(features->n_tables), features->n_buffers, plural(features->n_buffers));
	send_config(session);
	wake_cache(session);
	if (ctl->ops.switch_event)
		ctl->ops.switch_event(ctl->ops.ctx, dpid, true, session->peer);
	chain_switch_up(ctl, session->sw, now_ns);
	return true;
}

/* The peer's text of a HELLO_FAILED, printable. */
static void error_text(struct fb_view data, char text[ERROR_TEXT_BYTES])
{
	size_t len = 0;

	while (len < data.len && len + 1 < ERROR_TEXT_BYTES && data.data[len]) {
		uint8_t c = data.data[len];

		text[len++] = c >= 0x20 && c < 0x7f ? (char)c : '.';
	}
	text[len] = '\0';
}

/* "OFPBRC_BAD_LEN in answer to FLOW_MOD, xid 0x01000003 of learning" */
static void log_error(struct session *session, const struct fb_msg *msg)
{
	const struct fb_app *sender =
	        session->sw ? chain_sender(session->ctl, session->sw, msg->xid) : NULL;
	const struct fb_view data = msg->error.data;
	const char *cause = data.len >= 2 ? fb_text_msg_type(data.data[1]) : NULL;
	char line[REASON_BYTES];
	struct fb_text text = fb_text_make(line, sizeof line);

	fb_text_error_code(&text, msg->error.type, msg->error.code);
	fb_text_printf(&text, " in answer to %s, xid 0x%08x of %s", cause ? cause : "a message",
	               msg->xid, sender ? sender->name : "the controller");
	session_log(session, AGAIN, FB_LOG_WARNING, "error %s", line);
}

static bool handle_error(struct session *session, const struct fb_msg *msg, uint64_t now_ns)
{
	struct controller *ctl = session->ctl;
	char reason[REASON_BYTES], text[ERROR_TEXT_BYTES];

	ctl->counters.errors_in++;
	if (msg->error.type == OFPET_HELLO_FAILED) {
		error_text(msg->error.data, text);
		snprintf(reason, sizeof reason, "the peer refused our HELLO: %s", text);
		ctl->counters.version_failures++;
		session_end(session, reason, now_ns);
		return false;
	}
	if (session->sw && controller_report_refused(ctl, session->sw, msg))
		return true;
	if (controller_logs(ctl, FB_LOG_WARNING))
		log_error(session, msg);
	if (session->sw)
		chain_error(ctl, session->sw, msg, now_ns);
	return true;
}

static bool handle_echo_request(struct session *session, const struct fb_msg *msg)
{
	struct fb_msg reply = {.type = OFPT_ECHO_REPLY, .xid = msg->xid, .data = msg->data};

	send_msg(session, &reply, sizeof(struct ofp_header) + msg->data.len);
	return true;
}

static bool handle_port_status(struct session *session, const struct fb_msg *msg, uint64_t now_ns)
{
	const struct fb_port_status *ps = &msg->port_status;
	struct controller *ctl = session->ctl;

	if (!session->sw)
		return true; /* FEATURES_REPLY, which is newer, will tell */
	if (ps->reason > OFPPR_MODIFY)
		return ignore(session, OFPT_PORT_STATUS, "unknown reason");
	if (!controller_port_is_real(ps->desc.port_no)) {
		ctl->counters.ports_refused++;
		return ignore(session, OFPT_PORT_STATUS, "not the number of a port");
	}
	if (ps->reason == OFPPR_DELETE) {
		controller_port_remove(session->sw, ps->desc.port_no);
	} else if (!controller_port_set(session->sw, &ps->desc)) {
		ctl->counters.ports_refused++;
		return ignore(session, OFPT_PORT_STATUS, "too many ports");
	}
	chain_port_status(ctl, session->sw, ps, now_ns);
	return true;
}

static bool handle_reply(struct session *session, const struct fb_msg *msg, uint64_t now_ns)
{
	if (session->sw && (controller_report_reply(session->ctl, session->sw, msg) ||
	                    chain_reply(session->ctl, session->sw, msg, now_ns)))
		return true;
	session->ctl->counters.replies_unknown++;
	return ignore(session, msg->type, "nobody asked");
}

/* A packet-in before FEATURES_REPLY. */
static bool handle_early_packet_in(struct session *session, const struct fb_msg *msg)
{
	session->ctl->counters.packet_ins++;
	session->ctl->counters.packet_ins_early++;
	session_drop_buffer(session, msg->packet_in.buffer_id, msg->packet_in.in_port, 0);
	return true;
}

/* Any decoded message; see section 5.1 for who sends which. */
static bool handle_decoded(struct session *session, const struct fb_msg *msg, const uint8_t *bytes,
                           size_t len, uint64_t now_ns)
{
	switch ((enum ofp_type)msg->type) {
	case OFPT_HELLO:
		return handle_hello(session, msg, now_ns);
	case OFPT_ERROR:
		return handle_error(session, msg, now_ns);
	case OFPT_ECHO_REQUEST:
		return handle_echo_request(session, msg);
	case OFPT_ECHO_REPLY:
		return true; /* that it came is all it says */
	case OFPT_FEATURES_REPLY:
		return handle_features_reply(session, msg, bytes, len, now_ns);
	case OFPT_PACKET_IN:
		return handle_early_packet_in(session, msg);
	case OFPT_FLOW_REMOVED:
		if (session->sw)
			chain_flow_removed(session->ctl, session->sw, &msg->flow_removed, now_ns);
		return true;
	case OFPT_PORT_STATUS:
		return handle_port_status(session, msg, now_ns);
	case OFPT_STATS_REPLY:
	case OFPT_BARRIER_REPLY:
		return handle_reply(session, msg, now_ns);
	case OFPT_GET_CONFIG_REPLY:
	case OFPT_QUEUE_GET_CONFIG_REPLY:
		return ignore(session, msg->type, "nobody asked");
	case OFPT_VENDOR:
		return reject_request(session, msg->type, OFPBRC_BAD_VENDOR, "unknown vendor",
		                      bytes, len);
	case OFPT_FEATURES_REQUEST:
	case OFPT_GET_CONFIG_REQUEST:
	case OFPT_SET_CONFIG:
	case OFPT_PACKET_OUT:
	case OFPT_FLOW_MOD:
	case OFPT_PORT_MOD:
	case OFPT_STATS_REQUEST:
	case OFPT_BARRIER_REQUEST:
	case OFPT_QUEUE_GET_CONFIG_REQUEST:
		return reject_request(session, msg->type, OFPBRC_BAD_TYPE,
		                      "only controllers send it", bytes, len);
	}
	return true;
}

/* A message that could not be decoded. */
static bool handle_undecodable(struct session *session, const struct fb_msg *msg,
                               const struct fb_of_error *error, const uint8_t *bytes, size_t len,
                               uint64_t now_ns)
{
	char reason[REASON_BYTES];

	reject(session, msg->type, error, bytes, len);
	if (error->type == OFPET_BAD_REQUEST && error->code == OFPBRC_BAD_VERSION) {
		session->ctl->counters.version_failures++;
		snprintf(reason, sizeof reason,
		         "a message came with version 0x%02x instead of 0x01", msg->version);
	} else if (session->state == SESSION_AWAITS_HELLO) {
		snprintf(reason, sizeof reason, "the first message was no HELLO");
	} else {
		return true;
	}
	session_end(session, reason, now_ns);
	return false;
}

/* Before HELLO nothing but ERROR and ECHO_REQUEST is understood. */
static bool is_premature(const struct session *session, const struct fb_msg *msg)
{
	return session->state == SESSION_AWAITS_HELLO && msg->type != OFPT_HELLO &&
	       msg->type != OFPT_ERROR && msg->type != OFPT_ECHO_REQUEST;
}

/* Any message but a packet-in of a switch that is up. */
static bool handle(struct session *session, const uint8_t *bytes, size_t len, uint64_t now_ns)
{
	struct fb_of_error error;
	struct fb_msg msg;

	if (fb_msg_decode(bytes, len, &msg, &error) < 0)
		return handle_undecodable(session, &msg, &error, bytes, len, now_ns);
	if (is_premature(session, &msg)) {
		session->ctl->counters.bad_messages++;
		session_end(session, "the first message was no HELLO", now_ns);
		return false;
	}
	return handle_decoded(session, &msg, bytes, len, now_ns);
}

/* --- Packet-ins --- */

/* Hand the collected array to the chain. */
static void hand_over(struct session *session, uint32_t *count, uint64_t now_ns)
{
	if (*count > 0)
		chain_packet_ins(session->ctl, session->sw, *count, CHAIN_ALL, now_ns);
	*count = 0;
}

/* The packet-in behind the array is for few or nobody: it goes alone, after the array. */
static void hand_over_alone(struct session *session, uint32_t *count, enum chain_audience audience,
                            uint64_t now_ns)
{
	struct fb_packet_in *packet_ins = session->ctl->packet_ins;
	uint32_t place = *count;

	hand_over(session, count, now_ns);
	if (place > 0)
		packet_ins[0] = packet_ins[place];
	chain_packet_ins(session->ctl, session->sw, 1, audience, now_ns);
}

/* Parse 'frame' as far as anybody looks. */
static int parse(const struct controller *ctl, struct fb_packet *packet, struct fb_view frame)
{
	return ctl->ethernet_only ? fb_packet_parse_ethernet(packet, frame.data, frame.len)
	                          : fb_packet_parse(packet, frame.data, frame.len);
}

/* Take the packet-in 'msg' into the array of '*count' elements. */
static void collect(struct session *session, const struct fb_of_packet_in *msg, uint32_t *count,
                    uint64_t now_ns)
{
	struct controller *ctl = session->ctl;
	struct fb_packet_in *pi = &ctl->packet_ins[*count];

	ctl->counters.packet_ins++;
	pi->verdict = FB_CONTINUE;
	pi->buffer_id = msg->buffer_id;
	pi->in_port = msg->in_port;
	pi->reason = msg->reason;
	pi->total_len = msg->total_len;
	pi->order = (uint32_t)session->packet_ins_total++;
	if (parse(ctl, &pi->packet, msg->data) < 0) {
		hand_over_alone(session, count, CHAIN_NOBODY, now_ns);
	} else if (pi->packet.dl_type == FB_ETH_LLDP) {
		hand_over_alone(session, count, CHAIN_LLDP, now_ns);
	} else if (++*count == PACKET_INS_MAX) {
		hand_over(session, count, now_ns);
	}
}

/* --- Driver's calls --- */

/* What the first bytes say of a peer that speaks no OpenFlow; NULL: nothing. They may look like the
 * header of a long message, whose end would be waited for. */
static const char *foreign(const struct session *session)
{
	const uint8_t *first = session->first;

	if (session->bytes_in < sizeof session->first)
		return NULL;
	if (first[0] == TLS_HANDSHAKE && first[1] == TLS_MAJOR)
		return "the peer speaks TLS: connect it to a pssl: listener";
	if (first[0] >= 0x20 && first[0] < 0x7f && first[1] >= 0x20 && first[1] < 0x7f)
		return "what came is no OpenFlow but text";
	return NULL;
}

/* Keep the first of the 'len' bytes that came. False when the session has ended for them. */
static bool is_openflow(struct session *session, const uint8_t *bytes, size_t len, uint64_t now_ns)
{
	const char *reason;

	for (size_t i = 0; i < len && session->bytes_in + i < sizeof session->first; i++)
		session->first[session->bytes_in + i] = bytes[i];
	session->bytes_in += len;
	if (session->state != SESSION_AWAITS_HELLO || !(reason = foreign(session)))
		return true;
	session->ctl->counters.bad_messages++;
	session->ctl->counters.version_failures++;
	session_end(session, reason, now_ns);
	return false;
}

/* The stream cannot go on: its framing is lost. */
static bool end_of_stream(struct session *session, enum framer_result result, const uint8_t *header,
                          uint64_t now_ns)
{
	switch (result) {
	case FRAMER_MESSAGE:
	case FRAMER_MORE:
		return true;
	case FRAMER_BAD_LENGTH:
		reject_request(session, header[1], OFPBRC_BAD_LEN,
		               "a header tells a length below 8", header,
		               sizeof(struct ofp_header));
		session_end(session, "a header tells a length below 8", now_ns);
		return false;
	case FRAMER_NO_MEMORY:
		session_end(session, "no memory for a message", now_ns);
		return false;
	}
	return true;
}

void session_receive(struct session *session, const uint8_t *bytes, size_t len, uint64_t now_ns)
{
	struct controller *ctl = session->ctl;
	struct fb_of_packet_in packet_in;
	enum framer_result result;
	const uint8_t *msg = NULL;
	uint32_t count = 0;
	size_t msg_len;
	bool alive = true;

	now_ns = controller_advance(ctl, now_ns);
	if (!is_openflow(session, bytes, len, now_ns)) {
		controller_flush(ctl);
		return;
	}
	framer_push(&session->framer, bytes, len);
	while (alive &&
	       (result = framer_next(&session->framer, &msg, &msg_len)) == FRAMER_MESSAGE) {
		ctl->counters.messages_in++;
		session->messages_in++;
		if (liveness_heard(&session->live, now_ns))
			set_timer(session); /* the next request may be due before this one's timeout */
		if (session->state == SESSION_UP &&
		    fb_msg_get_packet_in(msg, msg_len, &packet_in)) {
			collect(session, &packet_in, &count, now_ns);
		} else {
			hand_over(session, &count, now_ns);
			alive = handle(session, msg, msg_len, now_ns);
		}
	}
	if (alive) {
		hand_over(session, &count, now_ns);
		alive = end_of_stream(session, result, msg, now_ns);
	}
	if (alive)
		framer_finish(&session->framer);
	controller_flush(ctl);
}

/* What the peer sent waits for its turn to be read, and none of it has been read since that was
 * found out for the first time: a peer that always has something on its way gains one period. */
static bool is_unread(struct session *session)
{
	struct controller *ctl = session->ctl;

	if (session->spared && session->bytes_in != session->spared_at_bytes_in)
		return false;
	if (!ctl->ops.unread || !ctl->ops.unread(session->conn))
		return false;
	session->spared = true;
	session->spared_at_bytes_in = session->bytes_in;
	return true;
}

/* True when the end that is due would be unjust. */
static bool is_spared(struct session *session, enum liveness_due due)
{
	bool left;

	switch (due) {
	case LIVENESS_NOTHING:
	case LIVENESS_ASK:
		return false;
	case LIVENESS_HANDSHAKE_TIMEOUT:
		/* Once: a peer that lets us not read it must not stay for ever. */
		return !session->spared && !session->live.paused && is_unread(session);
	case LIVENESS_ECHO_TIMEOUT:
		/* The request is behind bytes that the peer is still taking. */
		return is_unread(session) || (has_taken(session, &left) && left);
	case LIVENESS_STALLED:
		/* A socket tells of room only when much of what it holds has left. */
		return has_taken(session, &left);
	}
	return false;
}

static void ask_for_echo(struct session *session)
{
	bool left;

	session->spared = false;
	has_taken(session, &left);
	send_header(session, OFPT_ECHO_REQUEST);
}

void session_run(struct session *session, uint64_t now_ns)
{
	struct controller *ctl = session->ctl;
	enum liveness_due due = liveness_run(&session->live, &ctl->config.liveness, now_ns);

	if (is_spared(session, due)) {
		liveness_spare(&session->live, due, now_ns);
		due = LIVENESS_NOTHING;
	}
	switch (due) {
	case LIVENESS_NOTHING:
		break;
	case LIVENESS_ASK:
		ask_for_echo(session);
		break;
	case LIVENESS_HANDSHAKE_TIMEOUT:
		ctl->counters.handshake_timeouts++;
		session_end(session, "no FEATURES_REPLY in time", now_ns);
		return;
	case LIVENESS_ECHO_TIMEOUT:
		ctl->counters.echo_timeouts++;
		session_end(session, "no answer to ECHO_REQUEST", now_ns);
		return;
	case LIVENESS_STALLED:
		ctl->counters.stalls++;
		session_end(session, "the peer does not read", now_ns);
		return;
	}
	set_timer(session);
}
