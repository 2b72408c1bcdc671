/* The messages that controllers send: HELLO first (section 5.5.1), then requests, each to the
 * datapath or to its reply. */
#include <flowbed/text.h>

#include "softswitch/agent_private.h"

enum { ERROR_TEXT_BYTES = 256 };

/* Send HELLO_FAILED with a text and end the connection. */
static void hello_failed(struct agent_conn *conn, uint32_t xid, const char *text,
                         const char *reason)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_ERROR, .xid = xid};

	msg.error.type = OFPET_HELLO_FAILED;
	msg.error.code = OFPHFC_INCOMPATIBLE;
	msg.error.data = (struct fb_view){(const uint8_t *)text, strlen(text)};
	agent_conn_put(conn, &msg);
	conn->agent->counters.errors_out++;
	conn->doomed = reason;
}

static void take_error(struct agent_conn *conn, const struct fb_msg *msg)
{
	char line[ERROR_TEXT_BYTES];
	struct fb_text text = fb_text_make(line, sizeof line);

	conn->agent->counters.errors_in++;
	fb_text_msg(&text, msg);
	agent_conn_log(conn, AGENT_LOG_INFO, "got %s", line);
	if (msg->error.type == OFPET_HELLO_FAILED)
		conn->doomed = "the peer refused our HELLO";
}

enum {
	HELLO_ELEMENT_BYTES = 4,  /* type and length */
	HELLO_VERSION_BITMAP = 1, /* a type of element: a bit for each version, lowest word first */
};

/* Each side speaks the smaller of the two versions that the HELLOs carry, and ours is the smallest
 * there is; but a peer that lists its versions (OpenFlow 1.3.1, section 7.5.1) may have left ours
 * out. */
static bool hello_has_our_version(const struct fb_msg *msg)
{
	const uint8_t *p = msg->data.data;
	size_t left = msg->data.len;

	if (msg->version < OFP_VERSION)
		return false;
	while (left >= HELLO_ELEMENT_BYTES) {
		size_t len = fb_get16(p + 2);
		size_t padded = (len + 7) / 8 * 8;

		if (len < HELLO_ELEMENT_BYTES || len > left)
			break;
		if (fb_get16(p) == HELLO_VERSION_BITMAP && len >= HELLO_ELEMENT_BYTES + 4)
			return (fb_get32(p + HELLO_ELEMENT_BYTES) & 1u << OFP_VERSION) != 0;
		if (padded > left)
			break;
		p += padded;
		left -= padded;
	}
	return true;
}

/* "0x04 (1.3)" */
static void put_version(struct fb_text *text, uint8_t version)
{
	static const char *const names[] = {NULL, "1.0", "1.1", "1.2", "1.3", "1.4", "1.5"};

	fb_text_printf(text, "0x%02x", version);
	if (version && version < sizeof names / sizeof names[0])
		fb_text_printf(text, " (%s)", names[version]);
}

static void no_common_version(struct agent_conn *conn, const struct fb_msg *hello)
{
	struct fb_text text = fb_text_make(conn->reason, sizeof conn->reason);

	fb_text_puts(&text, "the peer speaks OpenFlow version ");
	put_version(&text, hello->version);
	fb_text_puts(&text, ", this switch ");
	put_version(&text, OFP_VERSION);
	conn->agent->counters.version_failures++;
	hello_failed(conn, hello->xid, conn->reason, conn->reason);
}

/* The first message. */
static void take_first(struct agent_conn *conn, const struct fb_msg *msg, bool decoded)
{
	if (decoded && msg->type == OFPT_ERROR) {
		take_error(conn, msg);
		conn->doomed = "the peer sent an error instead of HELLO";
		return;
	}
	if (!decoded || msg->type != OFPT_HELLO) {
		hello_failed(conn, msg->xid, "the first message must be HELLO",
		             "the first message was not HELLO");
		return;
	}
	if (hello_has_our_version(msg))
		agent_conn_ready(conn);
	else
		no_common_version(conn, msg);
}

void agent_messages_judge_first(struct agent_conn *conn, const uint8_t *header)
{
	struct fb_msg msg = {.version = header[0], .type = header[1], .xid = fb_get32(header + 4)};

	if (msg.version && (msg.type == OFPT_HELLO || msg.type == OFPT_ERROR))
		return;
	conn->agent->counters.messages_in++;
	take_first(conn, &msg, msg.type == OFPT_HELLO);
}

static void take_echo_request(struct agent_conn *conn, const struct fb_msg *request)
{
	struct fb_msg reply = {.version = OFP_VERSION,
	                       .type = OFPT_ECHO_REPLY,
	                       .xid = request->xid,
	                       .data = request->data};

	agent_conn_put(conn, &reply);
}

static void take_get_config(struct agent_conn *conn, uint32_t xid)
{
	struct fb_msg reply = {.version = OFP_VERSION, .type = OFPT_GET_CONFIG_REPLY, .xid = xid};

	reply.config.flags = datapath_fragments(conn->agent->datapath);
	reply.config.miss_send_len = conn->miss_send_len;
	agent_conn_put(conn, &reply);
}

static int take_port_mod(struct agent_conn *conn, const struct fb_port_mod *pm,
                         struct fb_of_error *error)
{
	struct agent *agent = conn->agent;
	int result;

	agent->port_mod_by = conn;
	result = datapath_port_mod(agent->datapath, pm, agent->now_ns, error);
	agent->port_mod_by = NULL;
	return result;
}

static int refuse(struct fb_of_error *error, uint16_t code, const char *why)
{
	*error = (struct fb_of_error){OFPET_BAD_REQUEST, code, why};
	return -1;
}

/* A decoded message after HELLO; -1 with the error to answer with. */
static int take_request(struct agent_conn *conn, const struct fb_msg *msg, const uint8_t *bytes,
                        struct fb_of_error *error)
{
	struct datapath *dp = conn->agent->datapath;
	uint64_t now_ns = conn->agent->now_ns;

	switch ((enum ofp_type)msg->type) {
	case OFPT_HELLO:
	case OFPT_ECHO_REPLY:
		break;
	case OFPT_ERROR:
		take_error(conn, msg);
		break;
	case OFPT_ECHO_REQUEST:
		take_echo_request(conn, msg);
		break;
	case OFPT_VENDOR:
		return refuse(error, OFPBRC_BAD_VENDOR, "no vendor's extensions are known");
	case OFPT_FEATURES_REQUEST:
		agent_replies_features(conn, msg->xid);
		break;
	case OFPT_GET_CONFIG_REQUEST:
		take_get_config(conn, msg->xid);
		break;
	case OFPT_SET_CONFIG:
		datapath_set_fragments(dp, msg->config.flags);
		conn->miss_send_len = msg->config.miss_send_len;
		break;
	case OFPT_PACKET_OUT:
		return datapath_packet_out(dp, &msg->packet_out, now_ns, error);
	case OFPT_FLOW_MOD:
		return datapath_flow_mod(dp, &msg->flow_mod, now_ns, error);
	case OFPT_PORT_MOD:
		return take_port_mod(conn, &msg->port_mod, error);
	case OFPT_STATS_REQUEST:
		agent_replies_stats(conn, msg, bytes);
		break;
	case OFPT_BARRIER_REQUEST:
		agent_conn_put_header(conn, OFPT_BARRIER_REPLY, msg->xid);
		break;
	case OFPT_QUEUE_GET_CONFIG_REQUEST:
		agent_replies_queue_config(conn, msg, bytes);
		break;
	case OFPT_FEATURES_REPLY:
	case OFPT_GET_CONFIG_REPLY:
	case OFPT_PACKET_IN:
	case OFPT_FLOW_REMOVED:
	case OFPT_PORT_STATUS:
	case OFPT_STATS_REPLY:
	case OFPT_BARRIER_REPLY:
	case OFPT_QUEUE_GET_CONFIG_REPLY:
		return refuse(error, OFPBRC_BAD_TYPE, "only a switch sends this message");
	}
	return 0;
}

/* True when the request looks through the flow table. */
static bool looks_at_all(const struct fb_msg *msg)
{
	if (msg->type == OFPT_FLOW_MOD)
		return msg->flow_mod.command == OFPFC_MODIFY ||
		       msg->flow_mod.command == OFPFC_DELETE;
	return msg->type == OFPT_STATS_REQUEST && (msg->stats_request.type == OFPST_FLOW ||
	                                           msg->stats_request.type == OFPST_AGGREGATE);
}

uint64_t agent_messages_take(struct agent_conn *conn, const uint8_t *bytes, size_t len)
{
	uint64_t work = 1;
	struct fb_of_error error;
	struct fb_msg msg;
	bool decoded = fb_msg_decode(bytes, len, &msg, &error) == 0;

	conn->agent->counters.messages_in++;
	if (!conn->ready) {
		take_first(conn, &msg, decoded);
		return work;
	}
	if (decoded && looks_at_all(&msg))
		work += datapath_entries(conn->agent->datapath);
	if (decoded && take_request(conn, &msg, bytes, &error) == 0)
		return work;
	/* An error is not answered with an error, even when it makes no sense. */
	if (msg.type == OFPT_ERROR)
		agent_conn_log(conn, AGENT_LOG_INFO, "got an error that makes no sense: %s",
		               error.why);
	else
		agent_conn_put_error(conn, &error, bytes, len);
	return work;
}
