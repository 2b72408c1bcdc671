/* Replies that list things: features, statistics, queues (sections 5.3.1, 5.3.4 and 5.3.5).
 *
 * A list of statistics that does not fit into one message goes in several, all but the last with
 * OFPSF_REPLY_MORE. */
#include "softswitch/agent_private.h"

enum {
	FLOW_STATS_BYTES = 88, /* and the actions */
	TABLE_STATS_BYTES = 64,
	PORT_STATS_BYTES = 104,
	QUEUE_STATS_BYTES = 32,
	MIN_RATE_MAX = 1000, /* tenths of a per cent; more: the queue has none, and no property */
};

static int refuse(struct agent_conn *conn, uint16_t type, uint16_t code, const char *why,
                  const struct fb_msg *msg, const uint8_t *bytes)
{
	struct fb_of_error error = {type, code, why};

	agent_conn_put_error(conn, &error, bytes, msg->length);
	return -1;
}

void agent_replies_features(struct agent_conn *conn, uint32_t xid)
{
	struct agent *agent = conn->agent;
	struct fb_msg reply = {.version = OFP_VERSION, .type = OFPT_FEATURES_REPLY, .xid = xid};
	struct fb_buf ports = fb_buf_make(agent->scratch, AGENT_STATS_BYTES);
	const struct fb_phy_port *port;

	datapath_features(agent->datapath, &reply.features_reply);
	for (size_t i = 0; (port = datapath_port_at(agent->datapath, i)) != NULL; i++)
		fb_phy_port_put(&ports, port);
	reply.features_reply.ports = (struct fb_view){ports.data, ports.len};
	agent_conn_put(conn, &reply);
}

/* --- Lists in parts --- */

struct parts {
	struct agent_conn *conn;
	uint32_t xid;
	uint16_t type;      /* OFPST_* */
	struct fb_buf body; /* of the part that is being filled, in the agent's scratch */
};

static struct parts parts_begin(struct agent_conn *conn, const struct fb_msg *request)
{
	return (struct parts){.conn = conn,
	                      .xid = request->xid,
	                      .type = request->stats_request.type,
	                      .body = fb_buf_make(conn->agent->scratch, AGENT_STATS_BYTES)};
}

static void parts_send(struct parts *p, uint16_t flags)
{
	struct fb_msg reply = {.version = OFP_VERSION, .type = OFPT_STATS_REPLY, .xid = p->xid};

	reply.stats_reply.type = p->type;
	reply.stats_reply.flags = flags;
	reply.stats_reply.entries = (struct fb_view){p->body.data, p->body.len};
	agent_conn_put(p->conn, &reply);
	p->body.len = 0;
}

/* Where an element of 'len' bytes goes. */
static struct fb_buf *parts_room(struct parts *p, size_t len)
{
	if (p->body.size - p->body.len < len)
		parts_send(p, OFPSF_REPLY_MORE);
	return &p->body;
}

/* --- The six kinds --- */

static void reply_desc(struct agent_conn *conn, const struct fb_msg *request)
{
	struct fb_msg reply = {
	        .version = OFP_VERSION, .type = OFPT_STATS_REPLY, .xid = request->xid};

	reply.stats_reply.type = OFPST_DESC;
	datapath_desc(conn->agent->datapath, &reply.stats_reply.desc);
	agent_conn_put(conn, &reply);
}

static bool put_flow(void *parts, const struct fb_flow_stats *stats)
{
	return fb_flow_stats_put(parts_room(parts, FLOW_STATS_BYTES + stats->actions.len), stats);
}

static void reply_flow(struct agent_conn *conn, const struct fb_msg *request)
{
	struct parts parts = parts_begin(conn, request);

	datapath_flows(conn->agent->datapath, &request->stats_request.flow, conn->agent->now_ns,
	               put_flow, &parts);
	parts_send(&parts, 0);
}

static void reply_aggregate(struct agent_conn *conn, const struct fb_msg *request)
{
	struct fb_msg reply = {
	        .version = OFP_VERSION, .type = OFPT_STATS_REPLY, .xid = request->xid};

	reply.stats_reply.type = OFPST_AGGREGATE;
	datapath_aggregate(conn->agent->datapath, &request->stats_request.flow,
	                   &reply.stats_reply.aggregate);
	agent_conn_put(conn, &reply);
}

static void reply_table(struct agent_conn *conn, const struct fb_msg *request)
{
	struct parts parts = parts_begin(conn, request);
	struct fb_table_stats stats;

	for (size_t i = 0; datapath_table_stats(conn->agent->datapath, i, &stats); i++)
		fb_table_stats_put(parts_room(&parts, TABLE_STATS_BYTES), &stats);
	parts_send(&parts, 0);
}

/* A port that is not there has no statistics, and the specification no error for it: the list is
 * empty. */
static void reply_port(struct agent_conn *conn, const struct fb_msg *request)
{
	const struct datapath *dp = conn->agent->datapath;
	struct parts parts = parts_begin(conn, request);
	uint16_t wanted = request->stats_request.port_no;
	const struct fb_phy_port *port;
	struct fb_port_stats stats;

	for (size_t i = 0; (port = datapath_port_at(dp, i)) != NULL; i++) {
		if ((wanted == OFPP_NONE || wanted == port->port_no) &&
		    datapath_port_stats(dp, port->port_no, &stats))
			fb_port_stats_put(parts_room(&parts, PORT_STATS_BYTES), &stats);
	}
	parts_send(&parts, 0);
}

/* Put the statistics of the queue 'queue_id' of a port, or of all its queues with OFPQ_ALL; false
 * when it has no such queue. */
static bool put_queues_of(struct parts *parts, uint16_t port_no, uint32_t queue_id)
{
	const struct datapath *dp = parts->conn->agent->datapath;
	const struct datapath_queue *queue;
	bool found = queue_id == OFPQ_ALL;

	for (size_t i = 0; (queue = datapath_queue_at(dp, port_no, i)) != NULL; i++) {
		if (queue_id != OFPQ_ALL && queue_id != queue->queue_id)
			continue;
		fb_queue_stats_put(parts_room(parts, QUEUE_STATS_BYTES), &queue->stats);
		found = true;
	}
	return found;
}

/* A single queue must be there, be it of one port or of any. */
static int reply_queue(struct agent_conn *conn, const struct fb_msg *request, const uint8_t *bytes)
{
	const struct datapath *dp = conn->agent->datapath;
	uint16_t wanted = request->stats_request.queue.port_no;
	uint32_t queue_id = request->stats_request.queue.queue_id;
	struct parts parts = parts_begin(conn, request);
	bool found = queue_id == OFPQ_ALL;
	const struct fb_phy_port *port;

	if (wanted != OFPP_ALL && !datapath_port(dp, wanted))
		return refuse(conn, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_PORT,
		              "there is no such port", request, bytes);
	for (size_t i = 0; (port = datapath_port_at(dp, i)) != NULL; i++) {
		if (wanted == OFPP_ALL || wanted == port->port_no)
			found |= put_queues_of(&parts, port->port_no, queue_id);
	}
	if (!found)
		return refuse(conn, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_QUEUE,
		              "there is no such queue", request, bytes);
	parts_send(&parts, 0);
	return 0;
}

void agent_replies_stats(struct agent_conn *conn, const struct fb_msg *msg, const uint8_t *bytes)
{
	switch ((enum ofp_stats_types)msg->stats_request.type) {
	case OFPST_DESC:
		reply_desc(conn, msg);
		break;
	case OFPST_FLOW:
		reply_flow(conn, msg);
		break;
	case OFPST_AGGREGATE:
		reply_aggregate(conn, msg);
		break;
	case OFPST_TABLE:
		reply_table(conn, msg);
		break;
	case OFPST_PORT:
		reply_port(conn, msg);
		break;
	case OFPST_QUEUE:
		reply_queue(conn, msg, bytes);
		break;
	case OFPST_VENDOR:
		refuse(conn, OFPET_BAD_REQUEST, OFPBRC_BAD_VENDOR,
		       "no vendor's statistics are known", msg, bytes);
		break;
	}
}

/* All queues of a port (at most DATAPATH_QUEUES_MAX) fit into one message. Only physical ports may
 * be asked for (section 5.3.4): OFPP_LOCAL is refused, as Open vSwitch does. */
void agent_replies_queue_config(struct agent_conn *conn, const struct fb_msg *msg,
                                const uint8_t *bytes)
{
	struct fb_msg reply = {
	        .version = OFP_VERSION, .type = OFPT_QUEUE_GET_CONFIG_REPLY, .xid = msg->xid};
	const struct datapath *dp = conn->agent->datapath;
	struct fb_buf queues = fb_buf_make(conn->agent->scratch, AGENT_STATS_BYTES);
	uint16_t port_no = msg->queue_config_request_port;
	const struct datapath_queue *queue;

	if (port_no >= OFPP_MAX || !datapath_port(dp, port_no)) {
		refuse(conn, OFPET_QUEUE_OP_FAILED, OFPQOFC_BAD_PORT, "there is no such port", msg,
		       bytes);
		return;
	}
	for (size_t i = 0; (queue = datapath_queue_at(dp, port_no, i)) != NULL; i++) {
		const struct fb_packet_queue element = {
		        .queue_id = queue->queue_id,
		        .has_min_rate = queue->min_rate_permille <= MIN_RATE_MAX,
		        .min_rate = queue->min_rate_permille,
		};

		fb_packet_queue_put(&queues, &element);
	}
	reply.queue_config_reply.port = port_no;
	reply.queue_config_reply.queues = (struct fb_view){queues.data, queues.len};
	agent_conn_put(conn, &reply);
}
