/* Encoding of OpenFlow 1.0 messages into a caller's buffer: see <flowbed/message.h> for the
 * contract.
 *
 * Each message is reserved whole, with the views that follow its fixed part counted in, and then
 * filled: either all of it fits or nothing is written. */
#include <flowbed/message.h>

#include "lib/wire/message_element.h"

/* How much of its cause an ERROR carries: the specification asks for 64 bytes or more, this shows a
 * flow-mod with a dozen actions. */
enum { ERROR_CAUSE_BYTES_MAX = 256 };

/* Reserve a message whose fixed part is 'fixed_len' bytes, of which only the header is written, and
 * behind it 'more_len' bytes. NULL, with 'overflow' set, where it does not fit. */
static inline void *begin_unwritten(struct fb_buf *out, uint8_t type, uint32_t xid,
                                    size_t fixed_len, size_t more_len)
{
	struct ofp_header *header = NULL;

	if (more_len <= UINT16_MAX - fixed_len)
		header = (void *)fb_buf_reserve(out, fixed_len + more_len);
	if (!header) {
		out->overflow = true;
		return NULL;
	}
	header->version = OFP_VERSION;
	header->type = type;
	fb_set16(&header->length, (uint16_t)(fixed_len + more_len));
	fb_set32(&header->xid, xid);
	return header;
}

/* The same with the rest of the fixed part zeroed. */
static void *begin(struct fb_buf *out, uint8_t type, uint32_t xid, size_t fixed_len,
                   size_t more_len)
{
	struct ofp_header *header = begin_unwritten(out, type, xid, fixed_len, more_len);

	if (header)
		memset(header + 1, 0, fixed_len - sizeof *header);
	return header;
}

/* Copy 'view' to 'to'; the list of one action, which is most often what it is, without a call. */
static inline void copy(uint8_t *to, struct fb_view view)
{
	if (view.len == sizeof(struct ofp_action_output))
		memcpy(to, view.data, sizeof(struct ofp_action_output));
	else if (view.len)
		memcpy(to, view.data, view.len);
}

bool fb_msg_put_header_only(struct fb_buf *out, uint8_t type, uint32_t xid)
{
	return begin(out, type, xid, sizeof(struct ofp_header), 0) != NULL;
}

bool fb_msg_put_packet_out(struct fb_buf *out, uint32_t xid, const struct fb_packet_out *po)
{
	struct ofp_packet_out *wire = NULL;

	if (po->actions.len <= UINT16_MAX && po->data.len <= UINT16_MAX)
		wire = begin_unwritten(out, OFPT_PACKET_OUT, xid, sizeof *wire,
		                       po->actions.len + po->data.len);
	if (!wire) {
		out->overflow = true;
		return false;
	}
	fb_set32(&wire->buffer_id, po->buffer_id);
	fb_set16(&wire->in_port, po->in_port);
	fb_set16(&wire->actions_len, (uint16_t)po->actions.len);
	copy(wire->actions, po->actions);
	copy(wire->actions + po->actions.len, po->data);
	return true;
}

bool fb_msg_put_flow_mod(struct fb_buf *out, uint32_t xid, const struct fb_flow_mod *fm)
{
	struct ofp_flow_mod *wire =
	        begin_unwritten(out, OFPT_FLOW_MOD, xid, sizeof *wire, fm->actions.len);

	if (!wire)
		return false;
	fb_match_encode((uint8_t *)&wire->match, &fm->match);
	fb_set64(&wire->cookie, fm->cookie);
	fb_set16(&wire->command, fm->command);
	fb_set16(&wire->idle_timeout, fm->idle_timeout);
	fb_set16(&wire->hard_timeout, fm->hard_timeout);
	fb_set16(&wire->priority, fm->priority);
	fb_set32(&wire->buffer_id, fm->buffer_id);
	fb_set16(&wire->out_port, fm->out_port);
	fb_set16(&wire->flags, fm->flags);
	copy(wire->actions, fm->actions);
	return true;
}

bool fb_msg_put_packet_in(struct fb_buf *out, uint32_t xid, const struct fb_of_packet_in *pi)
{
	struct ofp_packet_in *wire = begin(out, OFPT_PACKET_IN, xid, sizeof *wire, pi->data.len);

	if (!wire)
		return false;
	fb_set32(&wire->buffer_id, pi->buffer_id);
	fb_set16(&wire->total_len, pi->total_len);
	fb_set16(&wire->in_port, pi->in_port);
	wire->reason = pi->reason;
	copy(wire->data, pi->data);
	return true;
}

static bool put_error(struct fb_buf *out, uint32_t xid, uint16_t type, uint16_t code,
                      struct fb_view data)
{
	struct ofp_error_msg *wire = begin(out, OFPT_ERROR, xid, sizeof *wire, data.len);

	if (!wire)
		return false;
	fb_set16(&wire->type, type);
	fb_set16(&wire->code, code);
	copy(wire->data, data);
	return true;
}

bool fb_msg_put_error(struct fb_buf *out, const struct fb_of_error *error, const uint8_t *cause,
                      size_t cause_len)
{
	struct fb_view data = {cause, cause_len};
	uint32_t xid = 0;

	if (cause_len >= sizeof(struct ofp_header))
		xid = fb_get32(cause + offsetof(struct ofp_header, xid));
	if (error->type == OFPET_HELLO_FAILED)
		data = (struct fb_view){(const uint8_t *)error->why, strlen(error->why)};
	if (data.len > ERROR_CAUSE_BYTES_MAX)
		data.len = ERROR_CAUSE_BYTES_MAX;
	return put_error(out, xid, error->type, error->code, data);
}

/* A header with 'data' behind it. */
static bool put_data(struct fb_buf *out, uint8_t type, uint32_t xid, struct fb_view data)
{
	struct ofp_header *wire = begin(out, type, xid, sizeof *wire, data.len);

	if (!wire)
		return false;
	copy((uint8_t *)(wire + 1), data);
	return true;
}

static bool put_vendor(struct fb_buf *out, const struct fb_msg *msg)
{
	struct ofp_vendor_header *wire =
	        begin(out, msg->type, msg->xid, sizeof *wire, msg->vendor.data.len);

	if (!wire)
		return false;
	fb_set32(&wire->vendor, msg->vendor.vendor);
	copy(wire->data, msg->vendor.data);
	return true;
}

static bool put_features_reply(struct fb_buf *out, uint32_t xid,
                               const struct fb_features_reply *features)
{
	struct ofp_switch_features *wire =
	        begin(out, OFPT_FEATURES_REPLY, xid, sizeof *wire, features->ports.len);

	if (!wire)
		return false;
	fb_set64(&wire->datapath_id, features->datapath_id);
	fb_set32(&wire->n_buffers, features->n_buffers);
	wire->n_tables = features->n_tables;
	fb_set32(&wire->capabilities, features->capabilities);
	fb_set32(&wire->actions, features->actions);
	copy((uint8_t *)wire->ports, features->ports);
	return true;
}

static bool put_config(struct fb_buf *out, const struct fb_msg *msg)
{
	struct ofp_switch_config *wire = begin(out, msg->type, msg->xid, sizeof *wire, 0);

	if (!wire)
		return false;
	fb_set16(&wire->flags, msg->config.flags);
	fb_set16(&wire->miss_send_len, msg->config.miss_send_len);
	return true;
}

static bool put_flow_removed(struct fb_buf *out, uint32_t xid,
                             const struct fb_flow_removed *removed)
{
	struct ofp_flow_removed *wire = begin(out, OFPT_FLOW_REMOVED, xid, sizeof *wire, 0);

	if (!wire)
		return false;
	fb_match_encode((uint8_t *)&wire->match, &removed->match);
	fb_set64(&wire->cookie, removed->cookie);
	fb_set16(&wire->priority, removed->priority);
	wire->reason = removed->reason;
	fb_set32(&wire->duration_sec, removed->duration_sec);
	fb_set32(&wire->duration_nsec, removed->duration_nsec);
	fb_set16(&wire->idle_timeout, removed->idle_timeout);
	fb_set64(&wire->packet_count, removed->packet_count);
	fb_set64(&wire->byte_count, removed->byte_count);
	return true;
}

static bool put_port_status(struct fb_buf *out, uint32_t xid, const struct fb_port_status *status)
{
	struct ofp_port_status *wire = begin(out, OFPT_PORT_STATUS, xid, sizeof *wire, 0);

	if (!wire)
		return false;
	wire->reason = status->reason;
	message_element_encode_port(&wire->desc, &status->desc);
	return true;
}

static bool put_port_mod(struct fb_buf *out, uint32_t xid, const struct fb_port_mod *port_mod)
{
	struct ofp_port_mod *wire = begin(out, OFPT_PORT_MOD, xid, sizeof *wire, 0);

	if (!wire)
		return false;
	fb_set16(&wire->port_no, port_mod->port_no);
	memcpy(wire->hw_addr, port_mod->hw_addr, FB_MAC_BYTES);
	fb_set32(&wire->config, port_mod->config);
	fb_set32(&wire->mask, port_mod->mask);
	fb_set32(&wire->advertise, port_mod->advertise);
	return true;
}

/* Statistics. */

/* Begin a statistics request or reply: its zeroed body of 'fixed_len' bytes is returned. */
static void *begin_stats(struct fb_buf *out, const struct fb_msg *msg, uint16_t type,
                         uint16_t flags, size_t fixed_len, size_t more_len)
{
	struct ofp_stats_request *wire =
	        begin(out, msg->type, msg->xid, sizeof *wire + fixed_len, more_len);

	if (!wire)
		return NULL;
	fb_set16(&wire->type, type);
	fb_set16(&wire->flags, flags);
	return wire->body;
}

static bool put_vendor_stats(struct fb_buf *out, const struct fb_msg *msg, uint16_t flags,
                             uint32_t vendor, struct fb_view data)
{
	uint8_t *body = begin_stats(out, msg, OFPST_VENDOR, flags, sizeof vendor, data.len);

	if (!body)
		return false;
	fb_set32(body, vendor);
	copy(body + sizeof vendor, data);
	return true;
}

static bool put_flow_stats_request(struct fb_buf *out, const struct fb_msg *msg)
{
	const struct fb_stats_request *request = &msg->stats_request;
	struct ofp_flow_stats_request *wire =
	        begin_stats(out, msg, request->type, request->flags, sizeof *wire, 0);

	if (!wire)
		return false;
	fb_match_encode((uint8_t *)&wire->match, &request->flow.match);
	wire->table_id = request->flow.table_id;
	fb_set16(&wire->out_port, request->flow.out_port);
	return true;
}

static bool put_port_stats_request(struct fb_buf *out, const struct fb_msg *msg)
{
	const struct fb_stats_request *request = &msg->stats_request;
	struct ofp_port_stats_request *wire =
	        begin_stats(out, msg, OFPST_PORT, request->flags, sizeof *wire, 0);

	if (!wire)
		return false;
	fb_set16(&wire->port_no, request->port_no);
	return true;
}

static bool put_queue_stats_request(struct fb_buf *out, const struct fb_msg *msg)
{
	const struct fb_stats_request *request = &msg->stats_request;
	struct ofp_queue_stats_request *wire =
	        begin_stats(out, msg, OFPST_QUEUE, request->flags, sizeof *wire, 0);

	if (!wire)
		return false;
	fb_set16(&wire->port_no, request->queue.port_no);
	fb_set32(&wire->queue_id, request->queue.queue_id);
	return true;
}

static bool put_stats_request(struct fb_buf *out, const struct fb_msg *msg)
{
	const struct fb_stats_request *request = &msg->stats_request;

	switch ((enum ofp_stats_types)request->type) {
	case OFPST_DESC:
	case OFPST_TABLE:
		return begin_stats(out, msg, request->type, request->flags, 0, 0) != NULL;
	case OFPST_FLOW:
	case OFPST_AGGREGATE:
		return put_flow_stats_request(out, msg);
	case OFPST_PORT:
		return put_port_stats_request(out, msg);
	case OFPST_QUEUE:
		return put_queue_stats_request(out, msg);
	case OFPST_VENDOR:
		return put_vendor_stats(out, msg, request->flags, request->vendor.vendor,
		                        request->vendor.data);
	}
	out->overflow = true;
	return false;
}

static bool put_desc_stats(struct fb_buf *out, const struct fb_msg *msg)
{
	const struct fb_desc_stats *desc = &msg->stats_reply.desc;
	struct ofp_desc_stats *wire =
	        begin_stats(out, msg, OFPST_DESC, msg->stats_reply.flags, sizeof *wire, 0);

	if (!wire)
		return false;
	message_element_set_text(wire->mfr_desc, sizeof wire->mfr_desc, desc->mfr_desc);
	message_element_set_text(wire->hw_desc, sizeof wire->hw_desc, desc->hw_desc);
	message_element_set_text(wire->sw_desc, sizeof wire->sw_desc, desc->sw_desc);
	message_element_set_text(wire->serial_num, sizeof wire->serial_num, desc->serial_num);
	message_element_set_text(wire->dp_desc, sizeof wire->dp_desc, desc->dp_desc);
	return true;
}

static bool put_aggregate_stats(struct fb_buf *out, const struct fb_msg *msg)
{
	const struct fb_aggregate_stats *aggregate = &msg->stats_reply.aggregate;
	struct ofp_aggregate_stats_reply *wire =
	        begin_stats(out, msg, OFPST_AGGREGATE, msg->stats_reply.flags, sizeof *wire, 0);

	if (!wire)
		return false;
	fb_set64(&wire->packet_count, aggregate->packet_count);
	fb_set64(&wire->byte_count, aggregate->byte_count);
	fb_set32(&wire->flow_count, aggregate->flow_count);
	return true;
}

static bool put_stats_entries(struct fb_buf *out, const struct fb_msg *msg)
{
	const struct fb_stats_reply *reply = &msg->stats_reply;
	uint8_t *body = begin_stats(out, msg, reply->type, reply->flags, 0, reply->entries.len);

	if (!body)
		return false;
	copy(body, reply->entries);
	return true;
}

static bool put_stats_reply(struct fb_buf *out, const struct fb_msg *msg)
{
	const struct fb_stats_reply *reply = &msg->stats_reply;

	switch ((enum ofp_stats_types)reply->type) {
	case OFPST_DESC:
		return put_desc_stats(out, msg);
	case OFPST_AGGREGATE:
		return put_aggregate_stats(out, msg);
	case OFPST_FLOW:
	case OFPST_TABLE:
	case OFPST_PORT:
	case OFPST_QUEUE:
		return put_stats_entries(out, msg);
	case OFPST_VENDOR:
		return put_vendor_stats(out, msg, reply->flags, reply->vendor.vendor,
		                        reply->vendor.data);
	}
	out->overflow = true;
	return false;
}

/* Queues. */

static bool put_queue_config_request(struct fb_buf *out, const struct fb_msg *msg)
{
	struct ofp_queue_get_config_request *wire =
	        begin(out, msg->type, msg->xid, sizeof *wire, 0);

	if (!wire)
		return false;
	fb_set16(&wire->port, msg->queue_config_request_port);
	return true;
}

static bool put_queue_config_reply(struct fb_buf *out, const struct fb_msg *msg)
{
	const struct fb_queue_config_reply *reply = &msg->queue_config_reply;
	struct ofp_queue_get_config_reply *wire =
	        begin(out, msg->type, msg->xid, sizeof *wire, reply->queues.len);

	if (!wire)
		return false;
	fb_set16(&wire->port, reply->port);
	copy(wire->queues, reply->queues);
	return true;
}

static bool put_any(struct fb_buf *out, const struct fb_msg *msg)
{
	switch ((enum ofp_type)msg->type) {
	case OFPT_HELLO:
	case OFPT_ECHO_REQUEST:
	case OFPT_ECHO_REPLY:
		return put_data(out, msg->type, msg->xid, msg->data);
	case OFPT_ERROR:
		return put_error(out, msg->xid, msg->error.type, msg->error.code, msg->error.data);
	case OFPT_VENDOR:
		return put_vendor(out, msg);
	case OFPT_FEATURES_REQUEST:
	case OFPT_GET_CONFIG_REQUEST:
	case OFPT_BARRIER_REQUEST:
	case OFPT_BARRIER_REPLY:
		return fb_msg_put_header_only(out, msg->type, msg->xid);
	case OFPT_FEATURES_REPLY:
		return put_features_reply(out, msg->xid, &msg->features_reply);
	case OFPT_GET_CONFIG_REPLY:
	case OFPT_SET_CONFIG:
		return put_config(out, msg);
	case OFPT_PACKET_IN:
		return fb_msg_put_packet_in(out, msg->xid, &msg->packet_in);
	case OFPT_FLOW_REMOVED:
		return put_flow_removed(out, msg->xid, &msg->flow_removed);
	case OFPT_PORT_STATUS:
		return put_port_status(out, msg->xid, &msg->port_status);
	case OFPT_PACKET_OUT:
		return fb_msg_put_packet_out(out, msg->xid, &msg->packet_out);
	case OFPT_FLOW_MOD:
		return fb_msg_put_flow_mod(out, msg->xid, &msg->flow_mod);
	case OFPT_PORT_MOD:
		return put_port_mod(out, msg->xid, &msg->port_mod);
	case OFPT_STATS_REQUEST:
		return put_stats_request(out, msg);
	case OFPT_STATS_REPLY:
		return put_stats_reply(out, msg);
	case OFPT_QUEUE_GET_CONFIG_REQUEST:
		return put_queue_config_request(out, msg);
	case OFPT_QUEUE_GET_CONFIG_REPLY:
		return put_queue_config_reply(out, msg);
	}
	out->overflow = true;
	return false;
}

bool fb_msg_encode(struct fb_buf *out, const struct fb_msg *msg)
{
	size_t start = out->len;

	if (!put_any(out, msg))
		return false;
	if (msg->version && (msg->type == OFPT_HELLO || msg->type == OFPT_ERROR))
		out->data[start + offsetof(struct ofp_header, version)] = msg->version;
	return true;
}
