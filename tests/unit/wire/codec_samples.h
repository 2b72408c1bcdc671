/* One sample or more of every type of OpenFlow 1.0: of messages, statistics, actions and errors.
 *
 * All values of a sample differ, so that two fields which are confused show. The frames inside are
 * whole and right, so that an independent dissector finds nothing to complain about. */
#ifndef UNIT_WIRE_CODEC_SAMPLES_H
#define UNIT_WIRE_CODEC_SAMPLES_H

#include <flowbed/message.h>

enum {
	CODEC_SAMPLE_MAX = 96,
	CODEC_SAMPLE_MEMORY_BYTES = 16384,
};

struct codec_sample {
	const char *name;
	struct fb_msg msg;
};

struct codec_samples {
	struct codec_sample sample[CODEC_SAMPLE_MAX];
	size_t count;
	uint8_t memory[CODEC_SAMPLE_MEMORY_BYTES];  /* what the views of the samples show */
	struct fb_buf used;                         /* of 'memory' */
};

/* An ARP request, padded to 60 bytes: who has 192.168.2.2, tell 192.168.2.1. */
static const uint8_t sample_frame[60] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06,
	0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01,
	0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 192, 168, 2, 1,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 192, 168, 2, 2,
};

static const struct fb_match sample_match = {
	.wildcards = (8 << OFPFW_NW_SRC_SHIFT) | OFPFW_DL_VLAN_PCP | OFPFW_NW_TOS,
	.in_port = 3,
	.dl_src = {0x02, 0x00, 0x00, 0x00, 0x00, 0x01},
	.dl_dst = {0x02, 0x00, 0x00, 0x00, 0x00, 0x02},
	.dl_vlan = 100,
	.dl_vlan_pcp = 5,
	.dl_type = 0x0800,
	.nw_tos = 0x2c,
	.nw_proto = 6,
	.nw_src = 0xc0a80201,
	.nw_dst = 0xc0a80202,
	.tp_src = 40000,
	.tp_dst = 22,
};

static const struct fb_phy_port sample_port = {
	.port_no = 1,
	.hw_addr = {0x02, 0x00, 0x00, 0x00, 0x01, 0x01},
	.name = "s1-eth1",
	.config = OFPPC_NO_FLOOD | OFPPC_NO_STP,
	.state = OFPPS_STP_FORWARD,
	.curr = OFPPF_1GB_FD | OFPPF_COPPER,
	.advertised = OFPPF_1GB_FD | OFPPF_100MB_FD | OFPPF_AUTONEG,
	.supported = OFPPF_10GB_FD | OFPPF_FIBER,
	.peer = OFPPF_10MB_HD | OFPPF_PAUSE,
};

static struct fb_msg *sample_new(struct codec_samples *s, const char *name, uint8_t type)
{
	struct codec_sample *sample = &s->sample[s->count++];

	sample->name = name;
	sample->msg = (struct fb_msg){
		.version = OFP_VERSION,
		.type = type,
		.xid = 0x12340000u + (uint32_t)s->count,
	};
	return &sample->msg;
}

/* What was put into the memory of 's' since it held 'start' bytes. */
static struct fb_view sample_view(const struct codec_samples *s, size_t start)
{
	return (struct fb_view){s->memory + start, s->used.len - start};
}

static struct fb_view sample_text(const char *text)
{
	return (struct fb_view){(const uint8_t *)text, strlen(text)};
}

static const struct fb_action sample_actions[] = {
	{.type = OFPAT_SET_VLAN_VID, .vlan_vid = 0x123},
	{.type = OFPAT_SET_VLAN_PCP, .vlan_pcp = 6},
	{.type = OFPAT_STRIP_VLAN},
	{.type = OFPAT_SET_DL_SRC, .dl_addr = {0x02, 0x11, 0x12, 0x13, 0x14, 0x15}},
	{.type = OFPAT_SET_DL_DST, .dl_addr = {0x02, 0x21, 0x22, 0x23, 0x24, 0x25}},
	{.type = OFPAT_SET_NW_SRC, .nw_addr = 0x0a000001},
	{.type = OFPAT_SET_NW_DST, .nw_addr = 0x0a000102},
	{.type = OFPAT_SET_NW_TOS, .nw_tos = 0xb8},
	{.type = OFPAT_SET_TP_SRC, .tp_port = 8080},
	{.type = OFPAT_SET_TP_DST, .tp_port = 443},
	{.type = OFPAT_ENQUEUE, .enqueue = {.port = 4, .queue_id = 0x01020304}},
	{.type = OFPAT_VENDOR,
	 .vendor = {.vendor = 0x002320, .data = (const uint8_t *)"vendor's", .data_len = 8}},
	{.type = OFPAT_OUTPUT, .output = {.port = OFPP_CONTROLLER, .max_len = 128}},
};

static const char *const sample_action_names[] = {
	"flow_mod set_vlan_vid", "flow_mod set_vlan_pcp", "flow_mod strip_vlan",
	"flow_mod set_dl_src",   "flow_mod set_dl_dst",   "flow_mod set_nw_src",
	"flow_mod set_nw_dst",   "flow_mod set_nw_tos",   "flow_mod set_tp_src",
	"flow_mod set_tp_dst",   "flow_mod enqueue",      "flow_mod vendor",
	"flow_mod output",
};

enum { SAMPLE_ACTION_COUNT = sizeof sample_actions / sizeof sample_actions[0] };

static struct fb_view sample_all_actions(struct codec_samples *s)
{
	size_t start = s->used.len;

	for (size_t i = 0; i < SAMPLE_ACTION_COUNT; i++)
		fb_action_put(&s->used, &sample_actions[i]);
	return sample_view(s, start);
}

static struct fb_view sample_output(struct codec_samples *s, uint16_t port)
{
	size_t start = s->used.len;

	fb_action_put_output(&s->used, port, 0);
	return sample_view(s, start);
}

static void sample_symmetric(struct codec_samples *s)
{
	struct fb_msg *msg;

	sample_new(s, "hello", OFPT_HELLO);
	msg = sample_new(s, "hello of version 4", OFPT_HELLO);
	msg->version = 4;
	msg->data = (struct fb_view){(const uint8_t *)"\x00\x01\x00\x08\x00\x00\x00\x10", 8};
	sample_new(s, "echo_request", OFPT_ECHO_REQUEST);
	msg = sample_new(s, "echo_request with data", OFPT_ECHO_REQUEST);
	msg->data = sample_text("are you there?");
	msg = sample_new(s, "echo_reply", OFPT_ECHO_REPLY);
	msg->data = sample_text("yes, I am");
	msg = sample_new(s, "vendor", OFPT_VENDOR);
	msg->vendor.vendor = 0x002320;
	msg->vendor.data = sample_text("its own matter");
}

static void sample_error(struct codec_samples *s, const char *name, uint16_t type, uint16_t code)
{
	struct fb_msg *msg = sample_new(s, name, OFPT_ERROR);
	size_t start = s->used.len;

	msg->error.type = type;
	msg->error.code = code;
	if (type == OFPET_HELLO_FAILED) {
		msg->error.data = sample_text("only version 1 is spoken here");
		return;
	}
	fb_msg_put_header_only(&s->used, OFPT_BARRIER_REQUEST, msg->xid);
	msg->error.data = sample_view(s, start);
}

static void sample_errors(struct codec_samples *s)
{
	sample_error(s, "error hello_failed", OFPET_HELLO_FAILED, OFPHFC_EPERM);
	sample_error(s, "error bad_request", OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN);
	sample_error(s, "error bad_action", OFPET_BAD_ACTION, OFPBAC_BAD_QUEUE);
	sample_error(s, "error flow_mod_failed", OFPET_FLOW_MOD_FAILED, OFPFMFC_UNSUPPORTED);
	sample_error(s, "error port_mod_failed", OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_HW_ADDR);
	sample_error(s, "error queue_op_failed", OFPET_QUEUE_OP_FAILED, OFPQOFC_EPERM);
}

static void sample_handshake(struct codec_samples *s)
{
	struct fb_phy_port local = sample_port;
	struct fb_msg *msg;
	size_t start;

	sample_new(s, "features_request", OFPT_FEATURES_REQUEST);
	msg = sample_new(s, "features_reply", OFPT_FEATURES_REPLY);
	start = s->used.len;
	fb_phy_port_put(&s->used, &sample_port);
	local.port_no = OFPP_LOCAL;
	local.config = OFPPC_PORT_DOWN;
	local.state = OFPPS_LINK_DOWN;
	memcpy(local.name, "fifteen letters", sizeof "fifteen letters");
	fb_phy_port_put(&s->used, &local);
	msg->features_reply = (struct fb_features_reply){
		.datapath_id = 0x0001020304050607,
		.n_buffers = 256,
		.n_tables = 2,
		.capabilities = OFPC_FLOW_STATS | OFPC_PORT_STATS | OFPC_ARP_MATCH_IP,
		.actions = 0xfff,
		.ports = sample_view(s, start),
	};
	msg = sample_new(s, "features_reply without ports", OFPT_FEATURES_REPLY);
	msg->features_reply = (struct fb_features_reply){.datapath_id = 7, .n_tables = 1};
	sample_new(s, "get_config_request", OFPT_GET_CONFIG_REQUEST);
	msg = sample_new(s, "get_config_reply", OFPT_GET_CONFIG_REPLY);
	msg->config = (struct fb_switch_config){.flags = OFPC_FRAG_DROP, .miss_send_len = 128};
	msg = sample_new(s, "set_config", OFPT_SET_CONFIG);
	msg->config = (struct fb_switch_config){.flags = OFPC_FRAG_REASM, .miss_send_len = 1500};
	sample_new(s, "barrier_request", OFPT_BARRIER_REQUEST);
	sample_new(s, "barrier_reply", OFPT_BARRIER_REPLY);
}

static void sample_asynchronous(struct codec_samples *s)
{
	struct fb_msg *msg;

	msg = sample_new(s, "packet_in", OFPT_PACKET_IN);
	msg->packet_in = (struct fb_of_packet_in){
		.buffer_id = 0x00000102,
		.total_len = sizeof sample_frame,
		.in_port = 2,
		.reason = OFPR_ACTION,
		.data = {sample_frame, sizeof sample_frame},
	};
	msg = sample_new(s, "packet_in without buffer", OFPT_PACKET_IN);
	msg->packet_in = (struct fb_of_packet_in){
		.buffer_id = OFP_NO_BUFFER,
		.total_len = sizeof sample_frame,
		.in_port = 1,
		.reason = OFPR_NO_MATCH,
		.data = {sample_frame, sizeof sample_frame},
	};
	msg = sample_new(s, "flow_removed", OFPT_FLOW_REMOVED);
	msg->flow_removed = (struct fb_flow_removed){
		.match = sample_match,
		.cookie = 0x1112131415161718,
		.priority = 1000,
		.reason = OFPRR_HARD_TIMEOUT,
		.duration_sec = 61,
		.duration_nsec = 500000000,
		.idle_timeout = 30,
		.packet_count = 0x2122232425262728,
		.byte_count = 0x3132333435363738,
	};
	msg = sample_new(s, "port_status", OFPT_PORT_STATUS);
	msg->port_status = (struct fb_port_status){.reason = OFPPR_MODIFY, .desc = sample_port};
}

static void sample_packet_outs(struct codec_samples *s)
{
	struct fb_msg *msg;

	msg = sample_new(s, "packet_out", OFPT_PACKET_OUT);
	msg->packet_out = (struct fb_packet_out){
		.buffer_id = OFP_NO_BUFFER,
		.in_port = 2,
		.actions = sample_output(s, OFPP_FLOOD),
		.data = {sample_frame, sizeof sample_frame},
	};
	msg = sample_new(s, "packet_out of a buffer", OFPT_PACKET_OUT);
	msg->packet_out = (struct fb_packet_out){
		.buffer_id = 0x01020304,
		.in_port = OFPP_NONE,
		.actions = sample_all_actions(s),
	};
	msg = sample_new(s, "packet_out without actions", OFPT_PACKET_OUT);
	msg->packet_out = (struct fb_packet_out){.buffer_id = 5, .in_port = 6};
}

static struct fb_msg *sample_flow_mod(struct codec_samples *s, const char *name, uint16_t command)
{
	struct fb_msg *msg = sample_new(s, name, OFPT_FLOW_MOD);

	msg->flow_mod = (struct fb_flow_mod){
		.match = sample_match,
		.cookie = 0x4142434445464748,
		.command = command,
		.idle_timeout = 10,
		.hard_timeout = 60,
		.priority = OFP_DEFAULT_PRIORITY + 1,
		.buffer_id = OFP_NO_BUFFER,
		.out_port = OFPP_NONE,
		.flags = OFPFF_SEND_FLOW_REM | OFPFF_CHECK_OVERLAP,
	};
	return msg;
}

static void sample_modifications(struct codec_samples *s)
{
	struct fb_msg *msg;
	size_t start;

	sample_flow_mod(s, "flow_mod add", OFPFC_ADD)->flow_mod.actions = sample_all_actions(s);
	sample_flow_mod(s, "flow_mod modify", OFPFC_MODIFY);
	sample_flow_mod(s, "flow_mod modify_strict", OFPFC_MODIFY_STRICT)->flow_mod.buffer_id = 9;
	sample_flow_mod(s, "flow_mod delete", OFPFC_DELETE)->flow_mod.out_port = 4;
	sample_flow_mod(s, "flow_mod delete_strict", OFPFC_DELETE_STRICT);
	for (size_t i = 0; i < SAMPLE_ACTION_COUNT; i++) {
		start = s->used.len;
		fb_action_put(&s->used, &sample_actions[i]);
		msg = sample_flow_mod(s, sample_action_names[i], OFPFC_ADD);
		msg->flow_mod.actions = sample_view(s, start);
	}
	msg = sample_new(s, "port_mod", OFPT_PORT_MOD);
	msg->port_mod = (struct fb_port_mod){
		.port_no = 3,
		.hw_addr = {0x02, 0x00, 0x00, 0x00, 0x01, 0x03},
		.config = OFPPC_PORT_DOWN,
		.mask = OFPPC_PORT_DOWN | OFPPC_NO_FLOOD,
		.advertise = OFPPF_100MB_FD | OFPPF_AUTONEG,
	};
}

static struct fb_msg *sample_stats_request(struct codec_samples *s, const char *name, uint16_t type)
{
	struct fb_msg *msg = sample_new(s, name, OFPT_STATS_REQUEST);

	msg->stats_request.type = type;
	return msg;
}

static void sample_stats_requests(struct codec_samples *s)
{
	struct fb_msg *msg;

	sample_stats_request(s, "stats_request desc", OFPST_DESC);
	msg = sample_stats_request(s, "stats_request flow", OFPST_FLOW);
	msg->stats_request.flow = (struct fb_flow_stats_request){
		.match = sample_match, .table_id = 0xff, .out_port = OFPP_NONE};
	msg = sample_stats_request(s, "stats_request aggregate", OFPST_AGGREGATE);
	msg->stats_request.flow = (struct fb_flow_stats_request){
		.match = sample_match, .table_id = 1, .out_port = 7};
	sample_stats_request(s, "stats_request table", OFPST_TABLE);
	msg = sample_stats_request(s, "stats_request port", OFPST_PORT);
	msg->stats_request.port_no = 12;
	msg = sample_stats_request(s, "stats_request queue", OFPST_QUEUE);
	msg->stats_request.queue.port_no = 13;
	msg->stats_request.queue.queue_id = 0x01020304;
	msg = sample_stats_request(s, "stats_request vendor", OFPST_VENDOR);
	msg->stats_request.vendor.vendor = 0x002320;
	msg->stats_request.vendor.data = sample_text("how many?");
}

static struct fb_msg *sample_stats_reply(struct codec_samples *s, const char *name, uint16_t type)
{
	struct fb_msg *msg = sample_new(s, name, OFPT_STATS_REPLY);

	msg->stats_reply.type = type;
	return msg;
}

static struct fb_view sample_flow_stats(struct codec_samples *s)
{
	uint8_t memory[256];
	struct fb_buf actions = fb_buf_make(memory, sizeof memory);
	struct fb_flow_stats stats = {
		.table_id = 1,
		.match = sample_match,
		.duration_sec = 3,
		.duration_nsec = 250000000,
		.priority = 32769,
		.idle_timeout = 5,
		.hard_timeout = 90,
		.cookie = 0x5152535455565758,
		.packet_count = 0x6162636465666768,
		.byte_count = 0x7172737475767778,
	};
	size_t start = s->used.len;

	fb_flow_stats_put(&s->used, &stats);
	for (size_t i = 0; i < SAMPLE_ACTION_COUNT; i++)
		fb_action_put(&actions, &sample_actions[i]);
	stats.table_id = 2;
	stats.actions = (struct fb_view){actions.data, actions.len};
	fb_flow_stats_put(&s->used, &stats);
	return sample_view(s, start);
}

static struct fb_view sample_table_stats(struct codec_samples *s)
{
	size_t start = s->used.len;

	fb_table_stats_put(&s->used, &(struct fb_table_stats){
		.table_id = 0, .name = "hash2", .wildcards = OFPFW_NW_TOS, .max_entries = 65536,
		.active_count = 10, .lookup_count = 0x0102030405060708,
		.matched_count = 0x1112131415161718});
	fb_table_stats_put(&s->used, &(struct fb_table_stats){
		.table_id = 1, .name = "thirty-one letters in this name", .wildcards = OFPFW_ALL,
		.max_entries = 100, .active_count = 11, .lookup_count = 12, .matched_count = 13});
	return sample_view(s, start);
}

static struct fb_view sample_port_stats(struct codec_samples *s)
{
	struct fb_port_stats stats = {
		.port_no = 1, .rx_packets = 101, .tx_packets = 102, .rx_bytes = 103,
		.tx_bytes = 104, .rx_dropped = 105, .tx_dropped = 106, .rx_errors = 107,
		.tx_errors = 108, .rx_frame_err = 109, .rx_over_err = 110, .rx_crc_err = 111,
		.collisions = UINT64_MAX,
	};
	size_t start = s->used.len;

	fb_port_stats_put(&s->used, &stats);
	stats.port_no = OFPP_LOCAL;
	fb_port_stats_put(&s->used, &stats);
	return sample_view(s, start);
}

static struct fb_view sample_queue_stats(struct codec_samples *s)
{
	struct fb_queue_stats stats = {
		.port_no = 1, .queue_id = 201, .tx_bytes = 202, .tx_packets = 203, .tx_errors = 204};
	size_t start = s->used.len;

	fb_queue_stats_put(&s->used, &stats);
	stats.queue_id = 205;
	fb_queue_stats_put(&s->used, &stats);
	return sample_view(s, start);
}

static void sample_stats_replies(struct codec_samples *s)
{
	struct fb_msg *msg;

	msg = sample_stats_reply(s, "stats_reply desc", OFPST_DESC);
	msg->stats_reply.desc = (struct fb_desc_stats){
		.mfr_desc = "Flowbed", .hw_desc = "none", .sw_desc = "0.1.0",
		.serial_num = "0123456789012345678901234567890", .dp_desc = "s1 of a test"};
	msg = sample_stats_reply(s, "stats_reply flow", OFPST_FLOW);
	msg->stats_reply.flags = OFPSF_REPLY_MORE;
	msg->stats_reply.entries = sample_flow_stats(s);
	sample_stats_reply(s, "stats_reply flow of no entries", OFPST_FLOW);
	msg = sample_stats_reply(s, "stats_reply aggregate", OFPST_AGGREGATE);
	msg->stats_reply.aggregate = (struct fb_aggregate_stats){
		.packet_count = 0x0102030405060708, .byte_count = 0x1112131415161718,
		.flow_count = 19};
	msg = sample_stats_reply(s, "stats_reply table", OFPST_TABLE);
	msg->stats_reply.entries = sample_table_stats(s);
	msg = sample_stats_reply(s, "stats_reply port", OFPST_PORT);
	msg->stats_reply.entries = sample_port_stats(s);
	msg = sample_stats_reply(s, "stats_reply queue", OFPST_QUEUE);
	msg->stats_reply.entries = sample_queue_stats(s);
	msg = sample_stats_reply(s, "stats_reply vendor", OFPST_VENDOR);
	msg->stats_reply.vendor.vendor = 0x002320;
	msg->stats_reply.vendor.data = sample_text("so many!");
}

static void sample_queue_configs(struct codec_samples *s)
{
	struct fb_msg *msg;
	size_t start;

	msg = sample_new(s, "queue_get_config_request", OFPT_QUEUE_GET_CONFIG_REQUEST);
	msg->queue_config_request_port = 14;
	msg = sample_new(s, "queue_get_config_reply", OFPT_QUEUE_GET_CONFIG_REPLY);
	start = s->used.len;
	fb_packet_queue_put(&s->used, &(struct fb_packet_queue){
		.queue_id = 301, .has_min_rate = true, .min_rate = 250});
	fb_packet_queue_put(&s->used, &(struct fb_packet_queue){
		.queue_id = 302, .has_min_rate = true, .min_rate = OFPQ_MIN_RATE_UNCFG});
	msg->queue_config_reply = (struct fb_queue_config_reply){
		.port = 15, .queues = sample_view(s, start)};
	msg = sample_new(s, "queue_get_config_reply without properties",
			 OFPT_QUEUE_GET_CONFIG_REPLY);
	start = s->used.len;
	fb_packet_queue_put(&s->used, &(struct fb_packet_queue){.queue_id = 303});
	msg->queue_config_reply = (struct fb_queue_config_reply){
		.port = 16, .queues = sample_view(s, start)};
}

/* Make all samples; the views point into '*s', which must stay where it is. */
static void codec_samples_make(struct codec_samples *s)
{
	s->count = 0;
	s->used = fb_buf_make(s->memory, sizeof s->memory);
	sample_symmetric(s);
	sample_errors(s);
	sample_handshake(s);
	sample_asynchronous(s);
	sample_packet_outs(s);
	sample_modifications(s);
	sample_stats_requests(s);
	sample_stats_replies(s);
	sample_queue_configs(s);
}

#endif
