/* Every field of a decoded message as text, one "key value" line each, for tests that compare
 * messages.
 *
 * Integers are decimal, addresses and data hexadecimal, texts plain; repeated elements are numbered
 * from 0
 * ("port.0.name eth1"). All views are walked, and nothing that decoding found is left out. */
#ifndef UNIT_WIRE_CODEC_FIELDS_H
#define UNIT_WIRE_CODEC_FIELDS_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <flowbed/message.h>

enum { FIELD_PREFIX_BYTES = 48 };

static void field_number(FILE *out, const char *prefix, const char *key, uint64_t value)
{
	fprintf(out, "%s%s %" PRIu64 "\n", prefix, key, value);
}

static void field_text(FILE *out, const char *prefix, const char *key, const char *value)
{
	fprintf(out, "%s%s %s\n", prefix, key, value);
}

static void field_bytes(FILE *out, const char *prefix, const char *key, const uint8_t *bytes,
			size_t len)
{
	fprintf(out, "%s%s ", prefix, key);
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", bytes[i]);
	fputc('\n', out);
}

static void fields_of_match(FILE *out, const char *prefix, const struct fb_match *match)
{
	field_number(out, prefix, "match.wildcards", match->wildcards);
	field_number(out, prefix, "match.in_port", match->in_port);
	field_bytes(out, prefix, "match.dl_src", match->dl_src, FB_MAC_BYTES);
	field_bytes(out, prefix, "match.dl_dst", match->dl_dst, FB_MAC_BYTES);
	field_number(out, prefix, "match.dl_vlan", match->dl_vlan);
	field_number(out, prefix, "match.dl_vlan_pcp", match->dl_vlan_pcp);
	field_number(out, prefix, "match.dl_type", match->dl_type);
	field_number(out, prefix, "match.nw_tos", match->nw_tos);
	field_number(out, prefix, "match.nw_proto", match->nw_proto);
	field_number(out, prefix, "match.nw_src", match->nw_src);
	field_number(out, prefix, "match.nw_dst", match->nw_dst);
	field_number(out, prefix, "match.tp_src", match->tp_src);
	field_number(out, prefix, "match.tp_dst", match->tp_dst);
}

static void fields_of_action(FILE *out, const char *prefix, const struct fb_action *action)
{
	field_number(out, prefix, "type", action->type);
	switch ((enum ofp_action_type)action->type) {
	case OFPAT_OUTPUT:
		field_number(out, prefix, "port", action->output.port);
		field_number(out, prefix, "max_len", action->output.max_len);
		break;
	case OFPAT_SET_VLAN_VID:
		field_number(out, prefix, "vlan_vid", action->vlan_vid);
		break;
	case OFPAT_SET_VLAN_PCP:
		field_number(out, prefix, "vlan_pcp", action->vlan_pcp);
		break;
	case OFPAT_STRIP_VLAN:
		break;
	case OFPAT_SET_DL_SRC:
	case OFPAT_SET_DL_DST:
		field_bytes(out, prefix, "dl_addr", action->dl_addr, FB_MAC_BYTES);
		break;
	case OFPAT_SET_NW_SRC:
	case OFPAT_SET_NW_DST:
		field_number(out, prefix, "nw_addr", action->nw_addr);
		break;
	case OFPAT_SET_NW_TOS:
		field_number(out, prefix, "nw_tos", action->nw_tos);
		break;
	case OFPAT_SET_TP_SRC:
	case OFPAT_SET_TP_DST:
		field_number(out, prefix, "tp_port", action->tp_port);
		break;
	case OFPAT_ENQUEUE:
		field_number(out, prefix, "port", action->enqueue.port);
		field_number(out, prefix, "queue_id", action->enqueue.queue_id);
		break;
	case OFPAT_VENDOR:
		field_number(out, prefix, "vendor", action->vendor.vendor);
		field_bytes(out, prefix, "data", action->vendor.data, action->vendor.data_len);
		break;
	}
}

static void fields_of_actions(FILE *out, const char *prefix, struct fb_view actions)
{
	char inner[FIELD_PREFIX_BYTES];
	struct fb_action action;
	size_t offset = 0;
	unsigned int i = 0;

	while (fb_action_next(actions.data, actions.len, &offset, &action)) {
		snprintf(inner, sizeof inner, "%saction.%u.", prefix, i++);
		fields_of_action(out, inner, &action);
	}
	field_number(out, prefix, "action_count", i);
}

static void fields_of_port(FILE *out, const char *prefix, const struct fb_phy_port *port)
{
	field_number(out, prefix, "port_no", port->port_no);
	field_bytes(out, prefix, "hw_addr", port->hw_addr, FB_MAC_BYTES);
	field_text(out, prefix, "name", port->name);
	field_number(out, prefix, "config", port->config);
	field_number(out, prefix, "state", port->state);
	field_number(out, prefix, "curr", port->curr);
	field_number(out, prefix, "advertised", port->advertised);
	field_number(out, prefix, "supported", port->supported);
	field_number(out, prefix, "peer", port->peer);
}

static void fields_of_features_reply(FILE *out, const struct fb_features_reply *features)
{
	char prefix[FIELD_PREFIX_BYTES];
	struct fb_phy_port port;
	size_t offset = 0;
	unsigned int i = 0;

	field_number(out, "", "datapath_id", features->datapath_id);
	field_number(out, "", "n_buffers", features->n_buffers);
	field_number(out, "", "n_tables", features->n_tables);
	field_number(out, "", "capabilities", features->capabilities);
	field_number(out, "", "actions", features->actions);
	while (fb_phy_port_next(features->ports, &offset, &port)) {
		snprintf(prefix, sizeof prefix, "port.%u.", i++);
		fields_of_port(out, prefix, &port);
	}
	field_number(out, "", "port_count", i);
}

static void fields_of_flow_removed(FILE *out, const struct fb_flow_removed *removed)
{
	fields_of_match(out, "", &removed->match);
	field_number(out, "", "cookie", removed->cookie);
	field_number(out, "", "priority", removed->priority);
	field_number(out, "", "reason", removed->reason);
	field_number(out, "", "duration_sec", removed->duration_sec);
	field_number(out, "", "duration_nsec", removed->duration_nsec);
	field_number(out, "", "idle_timeout", removed->idle_timeout);
	field_number(out, "", "packet_count", removed->packet_count);
	field_number(out, "", "byte_count", removed->byte_count);
}

static void fields_of_flow_mod(FILE *out, const struct fb_flow_mod *flow_mod)
{
	fields_of_match(out, "", &flow_mod->match);
	field_number(out, "", "cookie", flow_mod->cookie);
	field_number(out, "", "command", flow_mod->command);
	field_number(out, "", "idle_timeout", flow_mod->idle_timeout);
	field_number(out, "", "hard_timeout", flow_mod->hard_timeout);
	field_number(out, "", "priority", flow_mod->priority);
	field_number(out, "", "buffer_id", flow_mod->buffer_id);
	field_number(out, "", "out_port", flow_mod->out_port);
	field_number(out, "", "flags", flow_mod->flags);
	fields_of_actions(out, "", flow_mod->actions);
}

static void fields_of_stats_request(FILE *out, const struct fb_stats_request *request)
{
	field_number(out, "", "stats_type", request->type);
	field_number(out, "", "flags", request->flags);
	switch ((enum ofp_stats_types)request->type) {
	case OFPST_DESC:
	case OFPST_TABLE:
		break;
	case OFPST_FLOW:
	case OFPST_AGGREGATE:
		fields_of_match(out, "", &request->flow.match);
		field_number(out, "", "table_id", request->flow.table_id);
		field_number(out, "", "out_port", request->flow.out_port);
		break;
	case OFPST_PORT:
		field_number(out, "", "port_no", request->port_no);
		break;
	case OFPST_QUEUE:
		field_number(out, "", "port_no", request->queue.port_no);
		field_number(out, "", "queue_id", request->queue.queue_id);
		break;
	case OFPST_VENDOR:
		field_number(out, "", "vendor", request->vendor.vendor);
		field_bytes(out, "", "data", request->vendor.data.data, request->vendor.data.len);
		break;
	}
}

static void fields_of_flow_stats(FILE *out, struct fb_view entries)
{
	char prefix[FIELD_PREFIX_BYTES];
	struct fb_flow_stats stats;
	size_t offset = 0;
	unsigned int i = 0;

	while (fb_flow_stats_next(entries, &offset, &stats)) {
		snprintf(prefix, sizeof prefix, "flow.%u.", i++);
		field_number(out, prefix, "table_id", stats.table_id);
		fields_of_match(out, prefix, &stats.match);
		field_number(out, prefix, "duration_sec", stats.duration_sec);
		field_number(out, prefix, "duration_nsec", stats.duration_nsec);
		field_number(out, prefix, "priority", stats.priority);
		field_number(out, prefix, "idle_timeout", stats.idle_timeout);
		field_number(out, prefix, "hard_timeout", stats.hard_timeout);
		field_number(out, prefix, "cookie", stats.cookie);
		field_number(out, prefix, "packet_count", stats.packet_count);
		field_number(out, prefix, "byte_count", stats.byte_count);
		fields_of_actions(out, prefix, stats.actions);
	}
	field_number(out, "", "flow_count", i);
}

static void fields_of_table_stats(FILE *out, struct fb_view entries)
{
	char prefix[FIELD_PREFIX_BYTES];
	struct fb_table_stats stats;
	size_t offset = 0;
	unsigned int i = 0;

	while (fb_table_stats_next(entries, &offset, &stats)) {
		snprintf(prefix, sizeof prefix, "table.%u.", i++);
		field_number(out, prefix, "table_id", stats.table_id);
		field_text(out, prefix, "name", stats.name);
		field_number(out, prefix, "wildcards", stats.wildcards);
		field_number(out, prefix, "max_entries", stats.max_entries);
		field_number(out, prefix, "active_count", stats.active_count);
		field_number(out, prefix, "lookup_count", stats.lookup_count);
		field_number(out, prefix, "matched_count", stats.matched_count);
	}
	field_number(out, "", "table_count", i);
}

static void fields_of_port_stats(FILE *out, struct fb_view entries)
{
	char prefix[FIELD_PREFIX_BYTES];
	struct fb_port_stats stats;
	size_t offset = 0;
	unsigned int i = 0;

	while (fb_port_stats_next(entries, &offset, &stats)) {
		snprintf(prefix, sizeof prefix, "port.%u.", i++);
		field_number(out, prefix, "port_no", stats.port_no);
		field_number(out, prefix, "rx_packets", stats.rx_packets);
		field_number(out, prefix, "tx_packets", stats.tx_packets);
		field_number(out, prefix, "rx_bytes", stats.rx_bytes);
		field_number(out, prefix, "tx_bytes", stats.tx_bytes);
		field_number(out, prefix, "rx_dropped", stats.rx_dropped);
		field_number(out, prefix, "tx_dropped", stats.tx_dropped);
		field_number(out, prefix, "rx_errors", stats.rx_errors);
		field_number(out, prefix, "tx_errors", stats.tx_errors);
		field_number(out, prefix, "rx_frame_err", stats.rx_frame_err);
		field_number(out, prefix, "rx_over_err", stats.rx_over_err);
		field_number(out, prefix, "rx_crc_err", stats.rx_crc_err);
		field_number(out, prefix, "collisions", stats.collisions);
	}
	field_number(out, "", "port_count", i);
}

static void fields_of_queue_stats(FILE *out, struct fb_view entries)
{
	char prefix[FIELD_PREFIX_BYTES];
	struct fb_queue_stats stats;
	size_t offset = 0;
	unsigned int i = 0;

	while (fb_queue_stats_next(entries, &offset, &stats)) {
		snprintf(prefix, sizeof prefix, "queue.%u.", i++);
		field_number(out, prefix, "port_no", stats.port_no);
		field_number(out, prefix, "queue_id", stats.queue_id);
		field_number(out, prefix, "tx_bytes", stats.tx_bytes);
		field_number(out, prefix, "tx_packets", stats.tx_packets);
		field_number(out, prefix, "tx_errors", stats.tx_errors);
	}
	field_number(out, "", "queue_count", i);
}

static void fields_of_stats_reply(FILE *out, const struct fb_stats_reply *reply)
{
	field_number(out, "", "stats_type", reply->type);
	field_number(out, "", "flags", reply->flags);
	switch ((enum ofp_stats_types)reply->type) {
	case OFPST_DESC:
		field_text(out, "", "mfr_desc", reply->desc.mfr_desc);
		field_text(out, "", "hw_desc", reply->desc.hw_desc);
		field_text(out, "", "sw_desc", reply->desc.sw_desc);
		field_text(out, "", "serial_num", reply->desc.serial_num);
		field_text(out, "", "dp_desc", reply->desc.dp_desc);
		break;
	case OFPST_FLOW:
		fields_of_flow_stats(out, reply->entries);
		break;
	case OFPST_AGGREGATE:
		field_number(out, "", "packet_count", reply->aggregate.packet_count);
		field_number(out, "", "byte_count", reply->aggregate.byte_count);
		field_number(out, "", "flow_count", reply->aggregate.flow_count);
		break;
	case OFPST_TABLE:
		fields_of_table_stats(out, reply->entries);
		break;
	case OFPST_PORT:
		fields_of_port_stats(out, reply->entries);
		break;
	case OFPST_QUEUE:
		fields_of_queue_stats(out, reply->entries);
		break;
	case OFPST_VENDOR:
		field_number(out, "", "vendor", reply->vendor.vendor);
		field_bytes(out, "", "data", reply->vendor.data.data, reply->vendor.data.len);
		break;
	}
}

static void fields_of_queue_config_reply(FILE *out, const struct fb_queue_config_reply *reply)
{
	char prefix[FIELD_PREFIX_BYTES];
	struct fb_packet_queue queue;
	size_t offset = 0;
	unsigned int i = 0;

	field_number(out, "", "port", reply->port);
	while (fb_packet_queue_next(reply->queues, &offset, &queue)) {
		snprintf(prefix, sizeof prefix, "queue.%u.", i++);
		field_number(out, prefix, "queue_id", queue.queue_id);
		if (queue.has_min_rate)
			field_number(out, prefix, "min_rate", queue.min_rate);
	}
	field_number(out, "", "queue_count", i);
}

static void fields_of_body(FILE *out, const struct fb_msg *msg)
{
	switch ((enum ofp_type)msg->type) {
	case OFPT_HELLO:
	case OFPT_ECHO_REQUEST:
	case OFPT_ECHO_REPLY:
		field_bytes(out, "", "data", msg->data.data, msg->data.len);
		break;
	case OFPT_ERROR:
		field_number(out, "", "error_type", msg->error.type);
		field_number(out, "", "code", msg->error.code);
		field_bytes(out, "", "data", msg->error.data.data, msg->error.data.len);
		break;
	case OFPT_VENDOR:
		field_number(out, "", "vendor", msg->vendor.vendor);
		field_bytes(out, "", "data", msg->vendor.data.data, msg->vendor.data.len);
		break;
	case OFPT_FEATURES_REQUEST:
	case OFPT_GET_CONFIG_REQUEST:
	case OFPT_BARRIER_REQUEST:
	case OFPT_BARRIER_REPLY:
		break;
	case OFPT_FEATURES_REPLY:
		fields_of_features_reply(out, &msg->features_reply);
		break;
	case OFPT_GET_CONFIG_REPLY:
	case OFPT_SET_CONFIG:
		field_number(out, "", "flags", msg->config.flags);
		field_number(out, "", "miss_send_len", msg->config.miss_send_len);
		break;
	case OFPT_PACKET_IN:
		field_number(out, "", "buffer_id", msg->packet_in.buffer_id);
		field_number(out, "", "total_len", msg->packet_in.total_len);
		field_number(out, "", "in_port", msg->packet_in.in_port);
		field_number(out, "", "reason", msg->packet_in.reason);
		field_bytes(out, "", "data", msg->packet_in.data.data, msg->packet_in.data.len);
		break;
	case OFPT_FLOW_REMOVED:
		fields_of_flow_removed(out, &msg->flow_removed);
		break;
	case OFPT_PORT_STATUS:
		field_number(out, "", "reason", msg->port_status.reason);
		fields_of_port(out, "desc.", &msg->port_status.desc);
		break;
	case OFPT_PACKET_OUT:
		field_number(out, "", "buffer_id", msg->packet_out.buffer_id);
		field_number(out, "", "in_port", msg->packet_out.in_port);
		fields_of_actions(out, "", msg->packet_out.actions);
		field_bytes(out, "", "data", msg->packet_out.data.data, msg->packet_out.data.len);
		break;
	case OFPT_FLOW_MOD:
		fields_of_flow_mod(out, &msg->flow_mod);
		break;
	case OFPT_PORT_MOD:
		field_number(out, "", "port_no", msg->port_mod.port_no);
		field_bytes(out, "", "hw_addr", msg->port_mod.hw_addr, FB_MAC_BYTES);
		field_number(out, "", "config", msg->port_mod.config);
		field_number(out, "", "mask", msg->port_mod.mask);
		field_number(out, "", "advertise", msg->port_mod.advertise);
		break;
	case OFPT_STATS_REQUEST:
		fields_of_stats_request(out, &msg->stats_request);
		break;
	case OFPT_STATS_REPLY:
		fields_of_stats_reply(out, &msg->stats_reply);
		break;
	case OFPT_QUEUE_GET_CONFIG_REQUEST:
		field_number(out, "", "port", msg->queue_config_request_port);
		break;
	case OFPT_QUEUE_GET_CONFIG_REPLY:
		fields_of_queue_config_reply(out, &msg->queue_config_reply);
		break;
	}
}

/* All of 'msg' but its length, which encoding ignores, to 'out'. */
static void codec_fields(FILE *out, const struct fb_msg *msg)
{
	field_number(out, "", "version", msg->version);
	field_number(out, "", "type", msg->type);
	field_number(out, "", "xid", msg->xid);
	fields_of_body(out, msg);
}

/* The same as a new string, which the caller frees. */
static inline char *codec_fields_text(const struct fb_msg *msg)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	codec_fields(out, msg);
	fclose(out);
	return text;
}

#endif
