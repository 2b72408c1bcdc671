/* The datapath: its life, its ports, and the way of a frame from a port through the table; see
 * datapath.h.
 *
 * A frame that comes in is counted on its port, checked against the port's configuration, parsed,
 * and looked up; what an entry's actions do is in actions.c, flow-mods are in datapath_flow_mod.c,
 * and what is told to controllers who ask in datapath_replies.c. */
#include "softswitch/datapath.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "softswitch/datapath_private.h"

enum { PACKET_IN_DATA_MAX = 65535 - 18 }; /* a message's length has 16 bits */

void datapath_config_default(struct datapath_config *config)
{
	*config = (struct datapath_config){
		.dpid = 1,
		.buffers_max = 256,
		.buffer_expiry_ns = 10 * FB_NS_PER_S,
		.entries_max = 1000000,
		.macs_max = 4096,
		.mac_idle_ns = 300 * FB_NS_PER_S,
	};
}

/* Copy 'text', or 'otherwise' for NULL, into 'size' bytes, cut where it does not fit. */
static void copy_text(char *out, size_t size, const char *text, const char *otherwise)
{
	const char *from = text ? text : otherwise;
	size_t len = strnlen(from, size - 1);

	memcpy(out, from, len);
	out[len] = '\0';
}

static void desc_init(struct fb_desc_stats *desc, const struct datapath_config *config)
{
	copy_text(desc->mfr_desc, sizeof desc->mfr_desc, config->mfr_desc, "Flowbed");
	copy_text(desc->hw_desc, sizeof desc->hw_desc, config->hw_desc, "softswitch");
	copy_text(desc->sw_desc, sizeof desc->sw_desc, config->sw_desc, FLOWBED_VERSION);
	copy_text(desc->serial_num, sizeof desc->serial_num, config->serial_num, "None");
	copy_text(desc->dp_desc, sizeof desc->dp_desc, config->dp_desc, "None");
}

struct datapath *datapath_new(const struct datapath_config *config, const struct datapath_ops *ops,
			      struct frame_pool *pool)
{
	struct datapath *dp = xcalloc(1, sizeof *dp);

	dp->config = *config;
	dp->config.mfr_desc = dp->config.hw_desc = dp->config.sw_desc = NULL;
	dp->config.serial_num = dp->config.dp_desc = NULL;
	dp->ops = *ops;
	dp->pool = pool;
	dp->frag_flags = OFPC_FRAG_NORMAL;
	desc_init(&dp->desc, config);
	ports_init(&dp->ports);
	dp->table = flow_table_new(config->entries_max);
	flow_timeouts_init(&dp->timeouts);
	buffers_init(&dp->buffers, config->buffers_max, config->buffer_expiry_ns);
	mac_learning_init(&dp->macs, config->macs_max, config->mac_idle_ns);
	return dp;
}

void datapath_free(struct datapath *dp)
{
	if (!dp)
		return;
	flow_timeouts_destroy(&dp->timeouts);
	flow_table_free(dp->table);
	buffers_destroy(&dp->buffers);
	mac_learning_destroy(&dp->macs);
	ports_destroy(&dp->ports);
	free(dp);
}

/* --- Ports --- */

static void tell_port(struct datapath *dp, const struct port *port, uint8_t reason)
{
	struct fb_port_status ps = {.reason = reason, .desc = port->desc};

	dp->ops.port_status(dp->ops.ctx, &ps);
}

int datapath_add_port(struct datapath *dp, const struct fb_phy_port *desc, uint64_t now_ns)
{
	struct port *port = ports_add(&dp->ports, desc);

	(void)now_ns;
	if (!port)
		return -1;
	tell_port(dp, port, OFPPR_ADD);
	return 0;
}

int datapath_remove_port(struct datapath *dp, uint16_t port_no, uint64_t now_ns)
{
	struct port *port = ports_find(&dp->ports, port_no);

	(void)now_ns;
	if (!port)
		return -1;
	mac_learning_flush_port(&dp->macs, port_no);
	tell_port(dp, port, OFPPR_DELETE);
	ports_remove(&dp->ports, port);
	return 0;
}

void datapath_set_link(struct datapath *dp, uint16_t port_no, bool up, uint64_t now_ns)
{
	struct port *port = ports_find(&dp->ports, port_no);

	(void)now_ns;
	if (!port || up == !(port->desc.state & OFPPS_LINK_DOWN))
		return;
	port->desc.state ^= OFPPS_LINK_DOWN;
	if (!up)
		mac_learning_flush_port(&dp->macs, port_no);
	tell_port(dp, port, OFPPR_MODIFY);
}

const struct fb_phy_port *datapath_port_at(const struct datapath *dp, size_t place)
{
	return place < dp->ports.count ? &dp->ports.list[place]->desc : NULL;
}

const struct fb_phy_port *datapath_port(const struct datapath *dp, uint16_t port_no)
{
	const struct port *port = ports_find(&dp->ports, port_no);

	return port ? &port->desc : NULL;
}

int datapath_port_mod(struct datapath *dp, const struct fb_port_mod *pm, uint64_t now_ns,
		      struct fb_of_error *error)
{
	struct port *port = ports_find(&dp->ports, pm->port_no);
	uint32_t mask = pm->mask & PORTS_CONFIG_ALL;
	struct fb_phy_port before;

	(void)now_ns;
	if (!port)
		return datapath_error(error, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_PORT,
				      "there is no such port");
	if (!fb_mac_equal(port->desc.hw_addr, pm->hw_addr))
		return datapath_error(error, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_HW_ADDR,
				      "the port has another hardware address");
	before = port->desc;
	port->desc.config = (before.config & ~mask) | (pm->config & mask);
	if (pm->advertise)
		port->desc.advertised = pm->advertise & port->desc.supported;
	if (port->desc.config & ~before.config & OFPPC_PORT_DOWN)
		mac_learning_flush_port(&dp->macs, pm->port_no);
	if (port->desc.config != before.config || port->desc.advertised != before.advertised)
		tell_port(dp, port, OFPPR_MODIFY);
	return 0;
}

/* --- Frames --- */

bool datapath_transmit(struct datapath *dp, struct port *port, struct frame *frame)
{
	if (!ports_may_send(port)) {
		port->stats.tx_dropped++;
		return false;
	}
	switch (dp->ops.output(dp->ops.ctx, port->desc.port_no, OFPQ_ALL, frame)) {
	case DATAPATH_SENT:
		port->stats.tx_packets++;
		port->stats.tx_bytes += frame->len;
		dp->counters.frames_out++;
		return true;
	case DATAPATH_DROPPED:
		port->stats.tx_dropped++;
		break;
	case DATAPATH_FAILED:
		port->stats.tx_errors++;
		break;
	}
	return false;
}

bool datapath_send_packet_in(struct datapath *dp, struct frame *frame, uint16_t in_port,
			     uint8_t reason, uint16_t max_len, uint64_t now_ns)
{
	struct fb_of_packet_in pi = {
		.buffer_id = OFP_NO_BUFFER,
		.total_len = (uint16_t)frame->len,
		.in_port = in_port,
		.reason = reason,
		.data = {frame_data(frame), frame->len},
	};

	if (dp->ops.packet_in_wanted && !dp->ops.packet_in_wanted(dp->ops.ctx))
		return false;
	if (buffers_put(&dp->buffers, frame, in_port, now_ns, &pi.buffer_id)) {
		if (reason != OFPR_NO_MATCH && pi.data.len > max_len)
			pi.data.len = max_len;
	} else if (dp->config.buffers_max) {
		dp->counters.buffers_full++;
	}
	if (pi.data.len > PACKET_IN_DATA_MAX) {
		dp->counters.frames_oversized++;
		pi.data.len = PACKET_IN_DATA_MAX;
	}
	dp->counters.packet_ins++;
	dp->ops.packet_in(dp->ops.ctx, &pi, reason == OFPR_NO_MATCH);
	return true;
}

int datapath_take_buffer(struct datapath *dp, uint32_t id, struct frame **frame, uint16_t *in_port,
			 struct fb_of_error *error)
{
	switch (buffers_take(&dp->buffers, id, frame, in_port)) {
	case BUFFERS_OK:
		return 0;
	case BUFFERS_EMPTY:
		return datapath_error(error, OFPET_BAD_REQUEST, OFPBRC_BUFFER_EMPTY,
				      "the buffer has been used or has expired");
	case BUFFERS_UNKNOWN:
		break;
	}
	return datapath_error(error, OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN,
			      "there is no such buffer");
}

/* A table miss (section 4.6). NO_PACKET_IN of the ingress port silences misses, and only those
 * (section 5.2.1). */
static bool miss(struct datapath *dp, struct frame *frame, uint16_t in_port, uint64_t now_ns)
{
	const struct port *port = ports_find(&dp->ports, in_port);

	if (port && port->desc.config & OFPPC_NO_PACKET_IN)
		return false;
	return datapath_send_packet_in(dp, frame, in_port, OFPR_NO_MATCH, 0, now_ns);
}

bool datapath_look_up(struct datapath *dp, struct frame *frame, uint16_t in_port, uint64_t now_ns)
{
	struct fb_packet packet;
	struct fb_match match;
	struct flow_key key;
	struct flow_entry *entry;
	bool sent;

	fb_packet_parse(&packet, frame_data(frame), frame->len);
	if (dp->frag_flags == OFPC_FRAG_DROP && packet.is_ipv4 &&
	    (packet.more_fragments || packet.frag_offset)) {
		dp->counters.fragments_dropped++;
		frame_unref(frame);
		return false;
	}
	fb_match_from_packet(&match, &packet, in_port);
	key = flow_key_from_match(&match);
	dp->counters.lookups++;
	entry = flow_table_lookup(dp->table, &key);
	if (!entry) {
		sent = miss(dp, frame, in_port, now_ns);
		frame_unref(frame);
		return sent;
	}
	dp->counters.matched++;
	entry->packet_count++;
	entry->byte_count += frame->len;
	entry->used_ns = now_ns;
	return actions_run(dp, frame, in_port, flow_entry_actions(entry), entry->actions_len, true,
			   now_ns);
}

/* Whether the switch takes a frame that came in by 'port'; counts what it does not. */
static bool accept_frame(struct port *port, struct frame *frame)
{
	if (frame->len < FB_ETH_HEADER_BYTES || frame->len > FB_FRAME_BYTES_MAX) {
		port->stats.rx_errors++;
		port->stats.rx_frame_err++;
		return false;
	}
	return ports_receive(port, frame_data(frame), frame->len);
}

void datapath_receive(struct datapath *dp, uint16_t port_no, struct frame *frame, uint64_t now_ns)
{
	struct port *port = ports_find(&dp->ports, port_no);

	datapath_run(dp, now_ns);
	dp->counters.frames_in++;
	if (!port || !accept_frame(port, frame)) {
		dp->counters.frames_dropped++;
		frame_unref(frame);
		return;
	}
	if (!datapath_look_up(dp, frame, port_no, now_ns))
		dp->counters.frames_dropped++;
}

/* The frame that a packet-out means, with a reference. */
static int packet_out_frame(struct datapath *dp, const struct fb_packet_out *po,
			    struct frame **frame, struct fb_of_error *error)
{
	uint16_t buffered_in_port;

	if (po->buffer_id != OFP_NO_BUFFER)
		return datapath_take_buffer(dp, po->buffer_id, frame, &buffered_in_port, error);
	if (po->data.len < FB_ETH_HEADER_BYTES)
		return datapath_error(error, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN,
				      "neither a buffer nor a whole Ethernet header");
	*frame = frame_copy_of(dp->pool, po->data.data, po->data.len);
	return 0;
}

int datapath_packet_out(struct datapath *dp, const struct fb_packet_out *po, uint64_t now_ns,
			struct fb_of_error *error)
{
	struct frame *frame;

	datapath_run(dp, now_ns);
	if (actions_check(po->actions.data, po->actions.len, true, error) < 0 ||
	    packet_out_frame(dp, po, &frame, error) < 0)
		return -1;
	actions_run(dp, frame, po->in_port, po->actions.data, po->actions.len, false, now_ns);
	return 0;
}

/* --- Time --- */

void datapath_duration(const struct flow_entry *entry, uint64_t now_ns, uint32_t *sec,
		       uint32_t *nsec)
{
	uint64_t age_ns = now_ns - entry->created_ns;

	*sec = (uint32_t)(age_ns / FB_NS_PER_S);
	*nsec = (uint32_t)(age_ns % FB_NS_PER_S);
}

void datapath_remove_entry(struct datapath *dp, struct flow_entry *e, uint8_t reason,
			   uint64_t now_ns)
{
	flow_timeouts_remove(&dp->timeouts, e);
	if (e->flags & OFPFF_SEND_FLOW_REM) {
		struct fb_flow_removed fr = {
			.cookie = e->cookie,
			.priority = e->priority,
			.reason = reason,
			.idle_timeout = e->idle_timeout,
			.packet_count = e->packet_count,
			.byte_count = e->byte_count,
		};

		flow_key_to_match(&e->key, e->wildcards, &fr.match);
		datapath_duration(e, now_ns, &fr.duration_sec, &fr.duration_nsec);
		dp->ops.flow_removed(dp->ops.ctx, &fr);
	}
	flow_table_remove(dp->table, e);
}

uint64_t datapath_deadline(const struct datapath *dp)
{
	return fb_time_min(flow_timeouts_deadline(&dp->timeouts), buffers_deadline(&dp->buffers));
}

void datapath_run(struct datapath *dp, uint64_t now_ns)
{
	struct flow_entry *entry;
	uint8_t reason;

	if (datapath_deadline(dp) > now_ns)
		return;
	while ((entry = flow_timeouts_expired(&dp->timeouts, now_ns, &reason)) != NULL)
		datapath_remove_entry(dp, entry, reason, now_ns);
	dp->counters.buffers_expired += buffers_expire(&dp->buffers, now_ns);
}

const struct datapath_counters *datapath_counters(const struct datapath *dp)
{
	return &dp->counters;
}

uint32_t datapath_buffers_in_use(const struct datapath *dp)
{
	return dp->buffers.in_use;
}
