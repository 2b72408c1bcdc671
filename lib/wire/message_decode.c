/* Decoding of OpenFlow 1.0 messages: see <flowbed/message.h> for the contract.
 *
 * The size of each type's fixed part stands in one table, which is consulted before anything else
 * of a message is read; variable parts are checked by the one function of their type. Who may send
 * what is not asked here: a message decodes the same on both ends. */
#include <flowbed/message.h>

#include "lib/wire/message_element.h"
#include "lib/wire/of_error.h"

/* The size of each message type. */
static const struct {
	uint16_t bytes; /* of the fixed part, header included */
	bool more;      /* something may follow it */
} message_size[] = {
        [OFPT_HELLO] = {sizeof(struct ofp_hello), true},
        [OFPT_ERROR] = {sizeof(struct ofp_error_msg), true},
        [OFPT_ECHO_REQUEST] = {sizeof(struct ofp_header), true},
        [OFPT_ECHO_REPLY] = {sizeof(struct ofp_header), true},
        [OFPT_VENDOR] = {sizeof(struct ofp_vendor_header), true},
        [OFPT_FEATURES_REQUEST] = {sizeof(struct ofp_header), false},
        [OFPT_FEATURES_REPLY] = {sizeof(struct ofp_switch_features), true},
        [OFPT_GET_CONFIG_REQUEST] = {sizeof(struct ofp_header), false},
        [OFPT_GET_CONFIG_REPLY] = {sizeof(struct ofp_switch_config), false},
        [OFPT_SET_CONFIG] = {sizeof(struct ofp_switch_config), false},
        [OFPT_PACKET_IN] = {sizeof(struct ofp_packet_in), true},
        [OFPT_FLOW_REMOVED] = {sizeof(struct ofp_flow_removed), false},
        [OFPT_PORT_STATUS] = {sizeof(struct ofp_port_status), false},
        [OFPT_PACKET_OUT] = {sizeof(struct ofp_packet_out), true},
        [OFPT_FLOW_MOD] = {sizeof(struct ofp_flow_mod), true},
        [OFPT_PORT_MOD] = {sizeof(struct ofp_port_mod), false},
        [OFPT_STATS_REQUEST] = {sizeof(struct ofp_stats_request), true},
        [OFPT_STATS_REPLY] = {sizeof(struct ofp_stats_reply), true},
        [OFPT_BARRIER_REQUEST] = {sizeof(struct ofp_header), false},
        [OFPT_BARRIER_REPLY] = {sizeof(struct ofp_header), false},
        [OFPT_QUEUE_GET_CONFIG_REQUEST] = {sizeof(struct ofp_queue_get_config_request), false},
        [OFPT_QUEUE_GET_CONFIG_REPLY] = {sizeof(struct ofp_queue_get_config_reply), true},
};

#define MESSAGE_TYPE_COUNT (sizeof message_size / sizeof message_size[0])

/* What follows the first 'skip' of 'len' bytes. */
static struct fb_view rest(const void *bytes, size_t len, size_t skip)
{
	return (struct fb_view){(const uint8_t *)bytes + skip, len - skip};
}

/* Fill the header's part of '*msg' from as many bytes as there are, and check it. */
static int decode_header(const uint8_t *bytes, size_t len, struct fb_msg *msg,
                         struct fb_of_error *error)
{
	const struct ofp_header *header = (const void *)bytes;

	msg->version = len >= 1 ? header->version : 0;
	msg->type = len >= 2 ? header->type : 0;
	msg->length = len >= 4 ? fb_get16(&header->length) : 0;
	msg->xid = len >= sizeof *header ? fb_get32(&header->xid) : 0;
	if (len < sizeof *header)
		return of_error_bad_len(error, "the message is shorter than a header");
	if (len != msg->length)
		return of_error_bad_len(error, "the header's length is not that of the message");
	if (msg->version != OFP_VERSION && msg->type != OFPT_HELLO && msg->type != OFPT_ERROR)
		return of_error_set(error, OFPET_BAD_REQUEST, OFPBRC_BAD_VERSION,
		                    "the message's version is not 1");
	if (msg->type >= MESSAGE_TYPE_COUNT)
		return of_error_set(error, OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE,
		                    "the message's type is not known");
	if (len < message_size[msg->type].bytes)
		return of_error_bad_len(error, "the message is shorter than its type asks for");
	if (len > message_size[msg->type].bytes && !message_size[msg->type].more)
		return of_error_bad_len(error, "the message is longer than its type allows");
	return 0;
}

static void decode_error(const struct ofp_error_msg *wire, size_t len, struct fb_msg *msg)
{
	msg->error.type = fb_get16(&wire->type);
	msg->error.code = fb_get16(&wire->code);
	msg->error.data = rest(wire, len, sizeof *wire);
}

static void decode_vendor(const struct ofp_vendor_header *wire, size_t len, struct fb_msg *msg)
{
	msg->vendor.vendor = fb_get32(&wire->vendor);
	msg->vendor.data = rest(wire, len, sizeof *wire);
}

static int decode_features_reply(const struct ofp_switch_features *wire, size_t len,
                                 struct fb_features_reply *features, struct fb_of_error *error)
{
	features->datapath_id = fb_get64(&wire->datapath_id);
	features->n_buffers = fb_get32(&wire->n_buffers);
	features->n_tables = wire->n_tables;
	features->capabilities = fb_get32(&wire->capabilities);
	features->actions = fb_get32(&wire->actions);
	features->ports = rest(wire, len, sizeof *wire);
	if (features->ports.len % sizeof(struct ofp_phy_port))
		return of_error_bad_len(error, "the last port is cut off");
	return 0;
}

static void decode_config(const struct ofp_switch_config *wire, struct fb_switch_config *config)
{
	config->flags = fb_get16(&wire->flags);
	config->miss_send_len = fb_get16(&wire->miss_send_len);
}

static void decode_flow_removed(const struct ofp_flow_removed *wire,
                                struct fb_flow_removed *removed)
{
	fb_match_decode((const uint8_t *)&wire->match, &removed->match);
	removed->cookie = fb_get64(&wire->cookie);
	removed->priority = fb_get16(&wire->priority);
	removed->reason = wire->reason;
	removed->duration_sec = fb_get32(&wire->duration_sec);
	removed->duration_nsec = fb_get32(&wire->duration_nsec);
	removed->idle_timeout = fb_get16(&wire->idle_timeout);
	removed->packet_count = fb_get64(&wire->packet_count);
	removed->byte_count = fb_get64(&wire->byte_count);
}

static void decode_port_status(const struct ofp_port_status *wire, struct fb_port_status *status)
{
	status->reason = wire->reason;
	message_element_decode_port(&status->desc, &wire->desc);
}

static int decode_packet_out(const struct ofp_packet_out *wire, size_t len,
                             struct fb_packet_out *packet_out, struct fb_of_error *error)
{
	size_t actions_len = fb_get16(&wire->actions_len);

	if (actions_len > len - sizeof *wire)
		return of_error_bad_len(error, "the actions are longer than the message");
	packet_out->buffer_id = fb_get32(&wire->buffer_id);
	packet_out->in_port = fb_get16(&wire->in_port);
	packet_out->actions = (struct fb_view){wire->actions, actions_len};
	packet_out->data = rest(wire, len, sizeof *wire + actions_len);
	return fb_actions_check(wire->actions, actions_len, true, error);
}

static int decode_flow_mod(const struct ofp_flow_mod *wire, size_t len,
                           struct fb_flow_mod *flow_mod, struct fb_of_error *error)
{
	fb_match_decode((const uint8_t *)&wire->match, &flow_mod->match);
	flow_mod->cookie = fb_get64(&wire->cookie);
	flow_mod->command = fb_get16(&wire->command);
	flow_mod->idle_timeout = fb_get16(&wire->idle_timeout);
	flow_mod->hard_timeout = fb_get16(&wire->hard_timeout);
	flow_mod->priority = fb_get16(&wire->priority);
	flow_mod->buffer_id = fb_get32(&wire->buffer_id);
	flow_mod->out_port = fb_get16(&wire->out_port);
	flow_mod->flags = fb_get16(&wire->flags);
	flow_mod->actions = rest(wire, len, sizeof *wire);
	if (flow_mod->command > OFPFC_DELETE_STRICT)
		return of_error_set(error, OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_COMMAND,
		                    "the flow-mod's command is not known");
	return fb_actions_check(flow_mod->actions.data, flow_mod->actions.len, true, error);
}

static void decode_port_mod(const struct ofp_port_mod *wire, struct fb_port_mod *port_mod)
{
	port_mod->port_no = fb_get16(&wire->port_no);
	memcpy(port_mod->hw_addr, wire->hw_addr, FB_MAC_BYTES);
	port_mod->config = fb_get32(&wire->config);
	port_mod->mask = fb_get32(&wire->mask);
	port_mod->advertise = fb_get32(&wire->advertise);
}

/* Statistics. */

/* A statistics body must be 'size' bytes, or with 'more' at least so many. */
static int check_body(struct fb_view body, size_t size, bool more, struct fb_of_error *error)
{
	if (body.len < size)
		return of_error_bad_len(error,
		                        "the statistics body is shorter than its type asks for");
	if (body.len > size && !more)
		return of_error_bad_len(error,
		                        "the statistics body is longer than its type allows");
	return 0;
}

/* A statistics body must be a run of elements of 'size' bytes. */
static int check_run(struct fb_view body, size_t size, struct fb_of_error *error)
{
	if (body.len % size)
		return of_error_bad_len(error, "the last statistics entry is cut off");
	return 0;
}

static int bad_stat(struct fb_of_error *error)
{
	return of_error_set(error, OFPET_BAD_REQUEST, OFPBRC_BAD_STAT,
	                    "the statistics type is not known");
}

static int decode_flow_stats_request(struct fb_view body, struct fb_flow_stats_request *flow,
                                     struct fb_of_error *error)
{
	const struct ofp_flow_stats_request *wire = (const void *)body.data;

	if (check_body(body, sizeof *wire, false, error) < 0)
		return -1;
	fb_match_decode((const uint8_t *)&wire->match, &flow->match);
	flow->table_id = wire->table_id;
	flow->out_port = fb_get16(&wire->out_port);
	return 0;
}

static int decode_port_stats_request(struct fb_view body, struct fb_stats_request *request,
                                     struct fb_of_error *error)
{
	const struct ofp_port_stats_request *wire = (const void *)body.data;

	if (check_body(body, sizeof *wire, false, error) < 0)
		return -1;
	request->port_no = fb_get16(&wire->port_no);
	return 0;
}

static int decode_queue_stats_request(struct fb_view body, struct fb_stats_request *request,
                                      struct fb_of_error *error)
{
	const struct ofp_queue_stats_request *wire = (const void *)body.data;

	if (check_body(body, sizeof *wire, false, error) < 0)
		return -1;
	request->queue.port_no = fb_get16(&wire->port_no);
	request->queue.queue_id = fb_get32(&wire->queue_id);
	return 0;
}

/* A vendor's statistics begin with its id, the rest is its own. */
static int decode_vendor_stats(struct fb_view body, uint32_t *vendor, struct fb_view *data,
                               struct fb_of_error *error)
{
	if (check_body(body, sizeof *vendor, true, error) < 0)
		return -1;
	*vendor = fb_get32(body.data);
	*data = rest(body.data, body.len, sizeof *vendor);
	return 0;
}

static int decode_stats_request(const struct ofp_stats_request *wire, size_t len,
                                struct fb_stats_request *request, struct fb_of_error *error)
{
	struct fb_view body = rest(wire, len, sizeof *wire);

	request->type = fb_get16(&wire->type);
	request->flags = fb_get16(&wire->flags);
	switch ((enum ofp_stats_types)request->type) {
	case OFPST_DESC:
	case OFPST_TABLE:
		return check_body(body, 0, false, error);
	case OFPST_FLOW:
	case OFPST_AGGREGATE:
		return decode_flow_stats_request(body, &request->flow, error);
	case OFPST_PORT:
		return decode_port_stats_request(body, request, error);
	case OFPST_QUEUE:
		return decode_queue_stats_request(body, request, error);
	case OFPST_VENDOR:
		return decode_vendor_stats(body, &request->vendor.vendor, &request->vendor.data,
		                           error);
	}
	return bad_stat(error);
}

static int decode_desc_stats(struct fb_view body, struct fb_desc_stats *desc,
                             struct fb_of_error *error)
{
	const struct ofp_desc_stats *wire = (const void *)body.data;

	if (check_body(body, sizeof *wire, false, error) < 0)
		return -1;
	message_element_get_text(desc->mfr_desc, wire->mfr_desc, sizeof wire->mfr_desc);
	message_element_get_text(desc->hw_desc, wire->hw_desc, sizeof wire->hw_desc);
	message_element_get_text(desc->sw_desc, wire->sw_desc, sizeof wire->sw_desc);
	message_element_get_text(desc->serial_num, wire->serial_num, sizeof wire->serial_num);
	message_element_get_text(desc->dp_desc, wire->dp_desc, sizeof wire->dp_desc);
	return 0;
}

static int decode_aggregate_stats(struct fb_view body, struct fb_aggregate_stats *aggregate,
                                  struct fb_of_error *error)
{
	const struct ofp_aggregate_stats_reply *wire = (const void *)body.data;

	if (check_body(body, sizeof *wire, false, error) < 0)
		return -1;
	aggregate->packet_count = fb_get64(&wire->packet_count);
	aggregate->byte_count = fb_get64(&wire->byte_count);
	aggregate->flow_count = fb_get32(&wire->flow_count);
	return 0;
}

static int decode_stats_reply(const struct ofp_stats_reply *wire, size_t len,
                              struct fb_stats_reply *reply, struct fb_of_error *error)
{
	struct fb_view body = rest(wire, len, sizeof *wire);

	reply->type = fb_get16(&wire->type);
	reply->flags = fb_get16(&wire->flags);
	switch ((enum ofp_stats_types)reply->type) {
	case OFPST_DESC:
		return decode_desc_stats(body, &reply->desc, error);
	case OFPST_AGGREGATE:
		return decode_aggregate_stats(body, &reply->aggregate, error);
	case OFPST_FLOW:
		reply->entries = body;
		return message_element_check_flow_stats(body, error);
	case OFPST_TABLE:
		reply->entries = body;
		return check_run(body, sizeof(struct ofp_table_stats), error);
	case OFPST_PORT:
		reply->entries = body;
		return check_run(body, sizeof(struct ofp_port_stats), error);
	case OFPST_QUEUE:
		reply->entries = body;
		return check_run(body, sizeof(struct ofp_queue_stats), error);
	case OFPST_VENDOR:
		return decode_vendor_stats(body, &reply->vendor.vendor, &reply->vendor.data, error);
	}
	return bad_stat(error);
}

static int decode_queue_config_reply(const struct ofp_queue_get_config_reply *wire, size_t len,
                                     struct fb_queue_config_reply *reply, struct fb_of_error *error)
{
	reply->port = fb_get16(&wire->port);
	reply->queues = rest(wire, len, sizeof *wire);
	return message_element_check_queues(reply->queues, error);
}

int fb_msg_decode(const uint8_t *bytes, size_t len, struct fb_msg *msg, struct fb_of_error *error)
{
	const void *wire = bytes;

	if (decode_header(bytes, len, msg, error) < 0)
		return -1;
	switch ((enum ofp_type)msg->type) {
	case OFPT_HELLO:
	case OFPT_ECHO_REQUEST:
	case OFPT_ECHO_REPLY:
		msg->data = rest(wire, len, sizeof(struct ofp_header));
		return 0;
	case OFPT_ERROR:
		decode_error(wire, len, msg);
		return 0;
	case OFPT_VENDOR:
		decode_vendor(wire, len, msg);
		return 0;
	case OFPT_FEATURES_REQUEST:
	case OFPT_GET_CONFIG_REQUEST:
	case OFPT_BARRIER_REQUEST:
	case OFPT_BARRIER_REPLY:
		return 0;
	case OFPT_FEATURES_REPLY:
		return decode_features_reply(wire, len, &msg->features_reply, error);
	case OFPT_GET_CONFIG_REPLY:
	case OFPT_SET_CONFIG:
		decode_config(wire, &msg->config);
		return 0;
	case OFPT_PACKET_IN:
		fb_msg_get_packet_in(wire, len, &msg->packet_in);
		return 0;
	case OFPT_FLOW_REMOVED:
		decode_flow_removed(wire, &msg->flow_removed);
		return 0;
	case OFPT_PORT_STATUS:
		decode_port_status(wire, &msg->port_status);
		return 0;
	case OFPT_PACKET_OUT:
		return decode_packet_out(wire, len, &msg->packet_out, error);
	case OFPT_FLOW_MOD:
		return decode_flow_mod(wire, len, &msg->flow_mod, error);
	case OFPT_PORT_MOD:
		decode_port_mod(wire, &msg->port_mod);
		return 0;
	case OFPT_STATS_REQUEST:
		return decode_stats_request(wire, len, &msg->stats_request, error);
	case OFPT_STATS_REPLY:
		return decode_stats_reply(wire, len, &msg->stats_reply, error);
	case OFPT_QUEUE_GET_CONFIG_REQUEST:
		msg->queue_config_request_port =
		        fb_get16(&((const struct ofp_queue_get_config_request *)wire)->port);
		return 0;
	case OFPT_QUEUE_GET_CONFIG_REPLY:
		return decode_queue_config_reply(wire, len, &msg->queue_config_reply, error);
	}
	return of_error_set(error, OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE,
	                    "the message's type is not known");
}
