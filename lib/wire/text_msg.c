/* Text: a message on one line: its type, its xid, and all that it holds.
 *
 *     PACKET_IN xid=0x0 buffer=3 in_port=1 reason=no_match len=74 [02:...]
 *     FLOW_MOD xid=0x7 ADD buffer=3 priority=10,tcp,nw_dst=192.168.2.2 actions=output:2
 *
 * Frames stand in brackets as fb_text_packet() writes them. Statistics are in text_stats.c. */
#include "lib/wire/text_parts.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { BYTES_MAX = 32 }; /* shown of data that has no structure */

static void head(struct fb_text *t, uint8_t version, uint8_t type, uint32_t xid)
{
	const char *name = fb_text_msg_type(type);

	if (name)
		fb_text_puts(t, name);
	else
		fb_text_printf(t, "unknown %u", type);
	fb_text_printf(t, " xid=0x%x", xid);
	if (version != OFP_VERSION)
		fb_text_printf(t, " version=%u", version);
}

static void raw(struct fb_text *t, struct fb_view data)
{
	if (!data.len)
		return;
	fb_text_printf(t, " len=%zu data=", data.len);
	text_hex(t, data.data, data.len, BYTES_MAX);
}

static void frame(struct fb_text *t, struct fb_view data)
{
	if (!data.len)
		return;
	fb_text_puts(t, " [");
	fb_text_packet(t, data.data, data.len);
	fb_text_puts(t, "]");
}

/* "3", or "none" for OFP_NO_BUFFER. */
static void text_buffer(struct fb_text *t, uint32_t buffer_id)
{
	if (buffer_id == OFP_NO_BUFFER)
		fb_text_puts(t, "none");
	else
		fb_text_printf(t, "%u", buffer_id);
}

/* The data of an error is a text where HELLO failed, and otherwise the first bytes of the message
 * that was refused. */
static void error(struct fb_text *t, uint16_t type, uint16_t code, struct fb_view data)
{
	const char *name;

	fb_text_puts(t, " ");
	fb_text_error_code(t, type, code);
	if (type == OFPET_HELLO_FAILED && data.len) {
		fb_text_puts(t, " ");
		text_quoted(t, data.data, data.len, BYTES_MAX * 4);
		return;
	}
	if (data.len < sizeof(struct ofp_header)) {
		raw(t, data);
		return;
	}
	name = fb_text_msg_type(data.data[1]);
	fb_text_printf(t, " about %s xid=0x%x len=%u", name ? name : "an unknown message",
	               fb_get32(data.data + 4), fb_get16(data.data + 2));
}

void text_capabilities(struct fb_text *t, uint32_t capabilities)
{
	static const struct text_name names[] = {
	        {OFPC_FLOW_STATS, "FLOW_STATS"},   {OFPC_TABLE_STATS, "TABLE_STATS"},
	        {OFPC_PORT_STATS, "PORT_STATS"},   {OFPC_STP, "STP"},
	        {OFPC_RESERVED, "RESERVED"},       {OFPC_IP_REASM, "IP_REASM"},
	        {OFPC_QUEUE_STATS, "QUEUE_STATS"}, {OFPC_ARP_MATCH_IP, "ARP_MATCH_IP"},
	};

	text_flags(t, names, COUNT(names), capabilities);
}

void text_supported_actions(struct fb_text *t, uint32_t actions)
{
	static const struct text_name names[] = {
	        {1 << OFPAT_OUTPUT, "output"},
	        {1 << OFPAT_SET_VLAN_VID, "mod_vlan_vid"},
	        {1 << OFPAT_SET_VLAN_PCP, "mod_vlan_pcp"},
	        {1 << OFPAT_STRIP_VLAN, "strip_vlan"},
	        {1 << OFPAT_SET_DL_SRC, "mod_dl_src"},
	        {1 << OFPAT_SET_DL_DST, "mod_dl_dst"},
	        {1 << OFPAT_SET_NW_SRC, "mod_nw_src"},
	        {1 << OFPAT_SET_NW_DST, "mod_nw_dst"},
	        {1 << OFPAT_SET_NW_TOS, "mod_nw_tos"},
	        {1 << OFPAT_SET_TP_SRC, "mod_tp_src"},
	        {1 << OFPAT_SET_TP_DST, "mod_tp_dst"},
	        {1 << OFPAT_ENQUEUE, "enqueue"},
	};

	text_flags(t, names, COUNT(names), actions);
}

static void features_reply(struct fb_text *t, const struct fb_features_reply *f)
{
	struct fb_phy_port port;

	fb_text_printf(t, " dpid=%016llx n_buffers=%u n_tables=%u capabilities=",
	               (unsigned long long)f->datapath_id, f->n_buffers, f->n_tables);
	text_capabilities(t, f->capabilities);
	fb_text_puts(t, " actions=");
	text_supported_actions(t, f->actions);
	fb_text_puts(t, " ports=[");
	for (size_t at = 0, next = 0; fb_phy_port_next(f->ports, &next, &port); at = next) {
		fb_text_puts(t, at ? "; " : "");
		fb_text_phy_port(t, &port);
	}
	fb_text_puts(t, "]");
}

static void config(struct fb_text *t, const struct fb_switch_config *c)
{
	static const struct text_name frags[] = {
	        {OFPC_FRAG_NORMAL, "normal"},
	        {OFPC_FRAG_DROP, "drop"},
	        {OFPC_FRAG_REASM, "reassemble"},
	};

	fb_text_puts(t, " frags=");
	text_name_or_number(t, frags, COUNT(frags), c->flags);
	fb_text_printf(t, " miss_send_len=%u", c->miss_send_len);
}

static void packet_in(struct fb_text *t, const struct fb_of_packet_in *pi)
{
	static const struct text_name reasons[] = {
	        {OFPR_NO_MATCH, "no_match"},
	        {OFPR_ACTION, "action"},
	};

	fb_text_puts(t, " buffer=");
	text_buffer(t, pi->buffer_id);
	fb_text_puts(t, " in_port=");
	fb_text_port(t, pi->in_port);
	fb_text_puts(t, " reason=");
	text_name_or_number(t, reasons, COUNT(reasons), pi->reason);
	fb_text_printf(t, " len=%u", pi->total_len);
	if (pi->data.len != pi->total_len)
		fb_text_printf(t, " sent=%zu", pi->data.len);
	frame(t, pi->data);
}

static void match_or_any(struct fb_text *t, const struct fb_match *match)
{
	size_t before = t->len;

	fb_text_match(t, match);
	if (t->len == before)
		fb_text_puts(t, "any");
}

static void flow_removed(struct fb_text *t, const struct fb_flow_removed *fr)
{
	static const struct text_name reasons[] = {
	        {OFPRR_IDLE_TIMEOUT, "idle"},
	        {OFPRR_HARD_TIMEOUT, "hard"},
	        {OFPRR_DELETE, "delete"},
	};

	fb_text_puts(t, " reason=");
	text_name_or_number(t, reasons, COUNT(reasons), fr->reason);
	fb_text_printf(t, " cookie=0x%llx duration=", (unsigned long long)fr->cookie);
	text_duration(t, fr->duration_sec, fr->duration_nsec);
	fb_text_printf(t, " idle_timeout=%u n_packets=", fr->idle_timeout);
	text_counter(t, fr->packet_count);
	fb_text_puts(t, " n_bytes=");
	text_counter(t, fr->byte_count);
	fb_text_printf(t, " priority=%u ", fr->priority);
	match_or_any(t, &fr->match);
}

static void port_status(struct fb_text *t, const struct fb_port_status *ps)
{
	static const struct text_name reasons[] = {
	        {OFPPR_ADD, "add"},
	        {OFPPR_DELETE, "delete"},
	        {OFPPR_MODIFY, "modify"},
	};

	fb_text_puts(t, " reason=");
	text_name_or_number(t, reasons, COUNT(reasons), ps->reason);
	fb_text_puts(t, " ");
	fb_text_phy_port(t, &ps->desc);
}

static void packet_out(struct fb_text *t, const struct fb_packet_out *po)
{
	fb_text_puts(t, " buffer=");
	text_buffer(t, po->buffer_id);
	fb_text_puts(t, " in_port=");
	fb_text_port(t, po->in_port);
	fb_text_puts(t, " actions=");
	fb_text_actions(t, po->actions);
	if (po->data.len)
		fb_text_printf(t, " len=%zu", po->data.len);
	frame(t, po->data);
}

static void flow_mod(struct fb_text *t, const struct fb_flow_mod *fm)
{
	static const struct text_name commands[] = {
	        {OFPFC_ADD, "ADD"},
	        {OFPFC_MODIFY, "MODIFY"},
	        {OFPFC_MODIFY_STRICT, "MODIFY_STRICT"},
	        {OFPFC_DELETE, "DELETE"},
	        {OFPFC_DELETE_STRICT, "DELETE_STRICT"},
	};

	fb_text_puts(t, " ");
	text_name_or_number(t, commands, COUNT(commands), fm->command);
	if (fm->buffer_id != OFP_NO_BUFFER)
		fb_text_printf(t, " buffer=%u", fm->buffer_id);
	fb_text_puts(t, " ");
	fb_text_flow_mod(t, fm);
}

static void port_mod(struct fb_text *t, const struct fb_port_mod *pm)
{
	fb_text_puts(t, " port=");
	fb_text_port(t, pm->port_no);
	fb_text_puts(t, " addr=");
	fb_text_mac(t, pm->hw_addr);
	fb_text_puts(t, " config=");
	text_port_config(t, pm->config);
	fb_text_puts(t, " mask=");
	text_port_config(t, pm->mask);
	if (pm->advertise) {
		fb_text_puts(t, " advertise=");
		text_port_features(t, pm->advertise);
	}
}

static void queue_config_reply(struct fb_text *t, const struct fb_queue_config_reply *reply)
{
	struct fb_packet_queue queue;

	fb_text_puts(t, " port=");
	fb_text_port(t, reply->port);
	fb_text_puts(t, " queues=[");
	for (size_t at = 0, next = 0; fb_packet_queue_next(reply->queues, &next, &queue);
	     at = next) {
		fb_text_printf(t, "%s%u", at ? "; " : "", queue.queue_id);
		if (queue.has_min_rate && queue.min_rate > 1000)
			fb_text_puts(t, " min_rate=disabled");
		else if (queue.has_min_rate)
			fb_text_printf(t, " min_rate=%u.%u%%", queue.min_rate / 10,
			               queue.min_rate % 10);
	}
	fb_text_puts(t, "]");
}

/* What follows the header of 'msg'. */
static void body(struct fb_text *t, const struct fb_msg *msg)
{
	switch ((enum ofp_type)msg->type) {
	case OFPT_HELLO:
	case OFPT_ECHO_REQUEST:
	case OFPT_ECHO_REPLY:
		raw(t, msg->data);
		return;
	case OFPT_ERROR:
		error(t, msg->error.type, msg->error.code, msg->error.data);
		return;
	case OFPT_VENDOR:
		fb_text_printf(t, " vendor=0x%08x", msg->vendor.vendor);
		raw(t, msg->vendor.data);
		return;
	case OFPT_FEATURES_REPLY:
		features_reply(t, &msg->features_reply);
		return;
	case OFPT_GET_CONFIG_REPLY:
	case OFPT_SET_CONFIG:
		config(t, &msg->config);
		return;
	case OFPT_PACKET_IN:
		packet_in(t, &msg->packet_in);
		return;
	case OFPT_FLOW_REMOVED:
		flow_removed(t, &msg->flow_removed);
		return;
	case OFPT_PORT_STATUS:
		port_status(t, &msg->port_status);
		return;
	case OFPT_PACKET_OUT:
		packet_out(t, &msg->packet_out);
		return;
	case OFPT_FLOW_MOD:
		flow_mod(t, &msg->flow_mod);
		return;
	case OFPT_PORT_MOD:
		port_mod(t, &msg->port_mod);
		return;
	case OFPT_STATS_REQUEST:
		text_stats_request(t, &msg->stats_request);
		return;
	case OFPT_STATS_REPLY:
		text_stats_reply(t, &msg->stats_reply);
		return;
	case OFPT_QUEUE_GET_CONFIG_REQUEST:
		fb_text_puts(t, " port=");
		fb_text_port(t, msg->queue_config_request_port);
		return;
	case OFPT_QUEUE_GET_CONFIG_REPLY:
		queue_config_reply(t, &msg->queue_config_reply);
		return;
	case OFPT_FEATURES_REQUEST:
	case OFPT_GET_CONFIG_REQUEST:
	case OFPT_BARRIER_REQUEST:
	case OFPT_BARRIER_REPLY:
		return;
	}
}

void fb_text_msg(struct fb_text *t, const struct fb_msg *msg)
{
	head(t, msg->version, msg->type, msg->xid);
	body(t, msg);
}

void fb_text_msg_bytes(struct fb_text *t, const uint8_t *bytes, size_t len)
{
	struct fb_of_error error_found;
	struct fb_msg msg;

	if (len < sizeof(struct ofp_header)) {
		fb_text_printf(t, "%zu bytes, too few for a header: ", len);
		text_hex(t, bytes, len, BYTES_MAX);
		return;
	}
	if (fb_msg_decode(bytes, len, &msg, &error_found) == 0) {
		fb_text_msg(t, &msg);
		return;
	}
	head(t, bytes[0], bytes[1], fb_get32(bytes + 4));
	fb_text_printf(t, " len=%u bad: ", fb_get16(bytes + 2));
	fb_text_error_code(t, error_found.type, error_found.code);
	fb_text_printf(t, " (%s)", error_found.why);
}
