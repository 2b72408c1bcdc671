/* The datapath: its life, its modes, and the way of a frame from a port through the table; see
 * datapath.h.
 *
 * A frame that comes in is counted on its port, checked against the port's configuration, parsed,
 * and looked up; what an entry's actions do is in actions.c, ports and queues are in
 * datapath_ports.c, flow-mods in datapath_flow_mod.c, and what is told to controllers who ask in
 * datapath_replies.c.
 *
 * Fragments (SET_CONFIG's flags, section 5.3.2). NORMAL: they are matched one by one, with ports 0.
 * DROP: they are dropped. REASM: those that come in by a port are held until their datagram is
 * whole (reassembly.h), which then is what is matched, counted by its entry, changed and sent to
 * controllers; where it leaves by a port it is cut again (refragment.h), also after it waited in a
 * packet buffer. What a controller sends along in a packet-out is neither held nor cut: nobody
 * knows of what fragments it was, or that it was any. Ports count fragments, as they come and go.
 * Both bits at once have no meaning: that is told as it was set, and done as NORMAL, as in Open
 * vSwitch.
 *
 * Modes (section 4.3). What happens to a miss, and which entries are looked at, is all that they
 * change. In DATAPATH_STANDALONE the table of OFPP_NORMAL learns from every frame, not only from
 * those that are forwarded by it, because a station that an entry serves is to be found, too. In
 * DATAPATH_EMERGENCY normal entries can be added and wait for its end. */
#include "softswitch/datapath.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "softswitch/datapath_private.h"
#include "softswitch/refragment.h"

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
	        .reassembly_max = 256,
	        .reassembly_ns = 30 * FB_NS_PER_S,
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
	dp->entries_max = config->entries_max;
	dp->table = flow_table_new(config->entries_max);
	dp->emergency = flow_table_new(config->entries_max);
	flow_timeouts_init(&dp->timeouts);
	buffers_init(&dp->buffers, config->buffers_max, config->buffer_expiry_ns);
	mac_learning_init(&dp->macs, config->macs_max, config->mac_idle_ns);
	reassembly_init(&dp->reassembly, pool, config->reassembly_max, config->reassembly_ns);
	return dp;
}

void datapath_free(struct datapath *dp)
{
	if (!dp)
		return;
	flow_timeouts_destroy(&dp->timeouts);
	flow_table_free(dp->table);
	flow_table_free(dp->emergency);
	reassembly_clear(&dp->reassembly);
	buffers_destroy(&dp->buffers);
	mac_learning_destroy(&dp->macs);
	ports_destroy(&dp->ports);
	free(dp);
}

/* --- Frames --- */

/* Send 'frame' as it is by 'port', which may send. */
static bool transmit_whole(struct datapath *dp, struct port *port, struct datapath_queue *queue,
                           struct frame *frame)
{
	uint32_t queue_id = queue ? queue->queue_id : (uint32_t)OFPQ_ALL;

	switch (dp->ops.output(dp->ops.ctx, port->desc.port_no, queue_id, frame)) {
	case DATAPATH_SENT:
		port->stats.tx_packets++;
		port->stats.tx_bytes += frame->len;
		dp->counters.frames_out++;
		if (queue) {
			queue->stats.tx_packets++;
			queue->stats.tx_bytes += frame->len;
		}
		return true;
	case DATAPATH_DROPPED:
		port->stats.tx_dropped++;
		break;
	case DATAPATH_FAILED:
		port->stats.tx_errors++;
		break;
	}
	if (queue)
		queue->stats.tx_errors++;
	return false;
}

bool datapath_transmit(struct datapath *dp, struct port *port, struct datapath_queue *queue,
                       struct frame *frame, struct frame_origin origin)
{
	struct refragment parts;
	struct frame *part;
	bool sent = false;

	if (!ports_may_send(port)) {
		port->stats.tx_dropped++;
		return false;
	}
	if (!origin.fragment_max || !refragment_begin(&parts, dp->pool, frame, origin.fragment_max))
		return transmit_whole(dp, port, queue, frame);
	while ((part = refragment_next(&parts)) != NULL) {
		if (transmit_whole(dp, port, queue, part))
			sent = true;
		frame_unref(part);
	}
	return sent;
}

bool datapath_send_packet_in(struct datapath *dp, struct frame *frame, struct frame_origin origin,
                             uint8_t reason, uint16_t max_len, uint64_t now_ns)
{
	struct fb_of_packet_in pi = {
	        .buffer_id = OFP_NO_BUFFER,
	        .total_len = (uint16_t)frame->len,
	        .in_port = origin.in_port,
	        .reason = reason,
	        .data = {frame_data(frame), frame->len},
	};

	if (dp->ops.packet_in_wanted && !dp->ops.packet_in_wanted(dp->ops.ctx))
		return false;
	if (buffers_put(&dp->buffers, frame, origin, now_ns, &pi.buffer_id)) {
		if (reason != OFPR_NO_MATCH && pi.data.len > max_len)
			pi.data.len = max_len;
	} else if (dp->config.buffers_max) {
		dp->counters.buffers_full++;
	}
	if (pi.data.len > PACKET_IN_DATA_MAX) {
		if (pi.buffer_id == OFP_NO_BUFFER)
			dp->counters.frames_oversized++;
		pi.data.len = PACKET_IN_DATA_MAX;
	}
	dp->counters.packet_ins++;
	dp->ops.packet_in(dp->ops.ctx, &pi, reason == OFPR_NO_MATCH);
	return true;
}

int datapath_take_buffer(struct datapath *dp, uint32_t id, struct frame **frame,
                         struct frame_origin *origin, struct fb_of_error *error)
{
	switch (buffers_take(&dp->buffers, id, frame, origin)) {
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

/* A table miss (section 4.6) of 'frame', whose reference is taken over. NO_PACKET_IN of the ingress
 * port silences misses, and only those (section 5.2.1). Without a controller that would hear of
 * them, the mode decides. */
static bool miss(struct datapath *dp, struct frame *frame, struct frame_origin origin,
                 uint64_t now_ns)
{
	static const uint8_t to_normal[] = {0, OFPAT_OUTPUT, 0, 8, 0xff, OFPP_NORMAL & 0xff, 0, 0};
	const struct port *port = ports_find(&dp->ports, origin.in_port);
	bool sent = false;

	switch (dp->mode) {
	case DATAPATH_STANDALONE:
		return actions_run(dp, frame, origin, to_normal, sizeof to_normal, true, now_ns);
	case DATAPATH_EMERGENCY:
		break;
	case DATAPATH_NORMAL:
		if (!port || !(port->desc.config & OFPPC_NO_PACKET_IN))
			sent = datapath_send_packet_in(dp, frame, origin, OFPR_NO_MATCH, 0, now_ns);
		break;
	}
	frame_unref(frame);
	return sent;
}

/* The entry that a frame with the fields 'match' meets; counts the lookup. */
static struct flow_entry *find_entry(struct datapath *dp, const struct fb_match *match)
{
	struct flow_key key = flow_key_from_match(match);
	bool emergency = dp->mode == DATAPATH_EMERGENCY;
	struct flow_entry *entry = flow_table_lookup(emergency ? dp->emergency : dp->table, &key);

	dp->counters.lookups++;
	dp->counters.matched += entry != NULL;
	if (emergency) {
		dp->emergency_lookups++;
		dp->emergency_matched += entry != NULL;
	}
	return entry;
}

/* The entry that 'packet' meets, which counts it; NULL: none. */
static struct flow_entry *hit(struct datapath *dp, const struct fb_packet *packet,
                              struct frame_origin origin, uint64_t now_ns)
{
	struct fb_match match;
	struct flow_entry *entry;

	fb_match_from_packet(&match, packet, origin.in_port);
	entry = find_entry(dp, &match);
	if (entry)
		datapath_credit(entry, packet->len, now_ns);
	return entry;
}

/* True when 'packet' is a fragment and fragments are dropped, which is counted. */
static bool drop_fragment(struct datapath *dp, const struct fb_packet *packet)
{
	if (dp->frag_flags != OFPC_FRAG_DROP || (!packet->more_fragments && !packet->frag_offset))
		return false;
	dp->counters.fragments_dropped++;
	return true;
}

/* Look up 'frame', whose reference is taken over and which was parsed to 'packet', and do what is
 * to be done. */
static bool look_up_packet(struct datapath *dp, struct frame *frame, const struct fb_packet *packet,
                           struct frame_origin origin, uint64_t now_ns)
{
	const struct flow_entry *entry;

	if (drop_fragment(dp, packet)) {
		frame_unref(frame);
		return false;
	}
	entry = hit(dp, packet, origin, now_ns);
	if (!entry)
		return miss(dp, frame, origin, now_ns);
	return actions_run(dp, frame, origin, flow_entry_actions(entry), entry->actions_len, true,
	                   now_ns);
}

bool datapath_look_up(struct datapath *dp, struct frame **frame, struct frame_origin origin,
                      uint64_t now_ns)
{
	const struct flow_entry *entry;
	struct fb_packet packet;

	fb_packet_parse_whole(&packet, frame_data(*frame), (*frame)->len);
	if (drop_fragment(dp, &packet))
		return false;
	entry = hit(dp, &packet, origin, now_ns);
	if (!entry)
		return miss(dp, frame_ref(*frame), origin, now_ns);
	return actions_run_within(dp, frame, origin, flow_entry_actions(entry), entry->actions_len,
	                          now_ns);
}

/* Bring the counters up to what reassembly counted. */
static void note_reassembly(struct datapath *dp)
{
	const struct reassembly *r = &dp->reassembly;
	uint64_t dropped = r->fragments_lost + r->fragments_malformed;

	dp->counters.fragments_held = r->fragments_held;
	dp->counters.fragments_malformed = r->fragments_malformed;
	dp->counters.reassembled = r->completed;
	dp->counters.reassembly_failed = r->failed;
	dp->counters.frames_dropped += dropped - dp->fragments_noted;
	dp->fragments_noted = dropped;
}

/* A fragment came in that is to be put together with others. */
static void reassemble(struct datapath *dp, struct frame *frame, const struct fb_packet *packet,
                       uint16_t in_port, uint64_t now_ns)
{
	struct reassembled whole;
	bool is_whole = reassembly_add(&dp->reassembly, frame, packet, in_port, now_ns, &whole);

	note_reassembly(dp);
	if (!is_whole)
		return;
	if (!datapath_look_up(dp, &whole.frame, whole.origin, now_ns))
		dp->counters.frames_dropped += whole.fragments;
	frame_unref(whole.frame);
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
	struct frame_origin origin = {.in_port = port_no};
	struct fb_packet packet;

	datapath_run(dp, now_ns);
	dp->counters.frames_in++;
	if (!port || !accept_frame(port, frame)) {
		dp->counters.frames_dropped++;
		frame_unref(frame);
		return;
	}
	if (dp->mode == DATAPATH_STANDALONE)
		actions_learn(dp, frame, port_no, now_ns);
	fb_packet_parse_whole(&packet, frame_data(frame), frame->len);
	if (dp->frag_flags == OFPC_FRAG_REASM && reassembly_wants(&packet))
		reassemble(dp, frame, &packet, port_no, now_ns);
	else if (!look_up_packet(dp, frame, &packet, origin, now_ns))
		dp->counters.frames_dropped++;
}

/* The frame that a packet-out means, with a reference, and where it came from. */
static int packet_out_frame(struct datapath *dp, const struct fb_packet_out *po,
                            struct frame **frame, struct frame_origin *origin,
                            struct fb_of_error *error)
{
	*origin = (struct frame_origin){.fragment_max = 0};
	if (po->buffer_id != OFP_NO_BUFFER)
		return datapath_take_buffer(dp, po->buffer_id, frame, origin, error);
	if (po->data.len < FB_ETH_HEADER_BYTES)
		return datapath_error(error, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN,
		                      "neither a buffer nor a whole Ethernet header");
	*frame = frame_copy_of(dp->pool, po->data.data, po->data.len);
	return 0;
}

int datapath_packet_out(struct datapath *dp, const struct fb_packet_out *po, uint64_t now_ns,
                        struct fb_of_error *error)
{
	struct frame_origin origin;
	struct frame *frame;

	datapath_run(dp, now_ns);
	if (actions_check(dp, po->actions.data, po->actions.len, true, error) < 0 ||
	    packet_out_frame(dp, po, &frame, &origin, error) < 0)
		return -1;
	origin.in_port = po->in_port;
	actions_run(dp, frame, origin, po->actions.data, po->actions.len, false, now_ns);
	return 0;
}

/* --- Modes --- */

/* What was held for reassembly is not given up for want of anything, but it is gone. */
void datapath_set_fragments(struct datapath *dp, uint16_t flags)
{
	uint16_t frag = flags & OFPC_FRAG_MASK;

	if (frag == OFPC_FRAG_REASM && !dp->config.reassembly_max)
		return;
	dp->frag_flags = frag;
	if (frag != OFPC_FRAG_REASM) {
		reassembly_clear(&dp->reassembly);
		note_reassembly(dp);
	}
}

uint16_t datapath_fragments(const struct datapath *dp)
{
	return dp->frag_flags;
}

void datapath_set_entries_max(struct datapath *dp, uint32_t entries_max)
{
	dp->entries_max =
	        entries_max < dp->config.entries_max ? entries_max : dp->config.entries_max;
}

void datapath_set_buffers_max(struct datapath *dp, uint32_t buffers_max)
{
	dp->buffers.in_use_max = buffers_max;
}

void datapath_set_mode(struct datapath *dp, enum datapath_mode mode, uint64_t now_ns)
{
	struct flow_entry *entry;

	datapath_run(dp, now_ns);
	if (mode == DATAPATH_EMERGENCY && dp->mode != DATAPATH_EMERGENCY) {
		while ((entry = flow_table_oldest(dp->table)) != NULL) {
			flow_timeouts_remove(&dp->timeouts, entry);
			flow_table_remove(dp->table, entry);
		}
	}
	dp->mode = mode;
}

enum datapath_mode datapath_mode(const struct datapath *dp)
{
	return dp->mode;
}

/* --- Time --- */

void datapath_duration(const struct flow_entry *entry, uint64_t now_ns, uint32_t *sec,
                       uint32_t *nsec)
{
	uint64_t age_ns = now_ns - entry->created_ns;

	/* Seconds have 32 bits: 136 years. */
	*sec = age_ns / FB_NS_PER_S < UINT32_MAX ? (uint32_t)(age_ns / FB_NS_PER_S) : UINT32_MAX;
	*nsec = (uint32_t)(age_ns % FB_NS_PER_S);
}

void datapath_remove_entry(struct datapath *dp, struct flow_entry *e, uint8_t reason,
                           uint64_t now_ns)
{
	flow_timeouts_remove(&dp->timeouts, e);
	if (e->flags & OFPFF_SEND_FLOW_REM && !(e->flags & OFPFF_EMERG)) {
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
	flow_table_remove(datapath_table_of(dp, e->flags), e);
}

uint64_t datapath_deadline(const struct datapath *dp)
{
	uint64_t deadline =
	        fb_time_min(flow_timeouts_deadline(&dp->timeouts), buffers_deadline(&dp->buffers));

	return fb_time_min(deadline, reassembly_deadline(&dp->reassembly));
}

/* Buffers that are due, told one by one. */
struct due_buffers {
	const struct datapath *dp;
	uint64_t now_ns;
};

static bool tell_due(void *ctx, uint32_t id, uint64_t kept_ns)
{
	const struct due_buffers *due = ctx;
	const struct datapath *dp = due->dp;

	if (!fb_time_due(fb_time_after(kept_ns, dp->buffers.expiry_ns), due->now_ns))
		return false;
	dp->ops.buffer_expired(dp->ops.ctx, id, kept_ns);
	return true;
}

static void expire_buffers(struct datapath *dp, uint64_t now_ns)
{
	if (dp->ops.buffer_expired)
		buffers_walk(&dp->buffers, tell_due, &(struct due_buffers){dp, now_ns});
	dp->counters.buffers_expired += buffers_expire(&dp->buffers, now_ns);
}

void datapath_run(struct datapath *dp, uint64_t now_ns)
{
	struct flow_entry *entry;
	uint8_t reason;

	if (datapath_deadline(dp) > now_ns)
		return;
	while ((entry = flow_timeouts_expired(&dp->timeouts, now_ns, &reason)) != NULL)
		datapath_remove_entry(dp, entry, reason, now_ns);
	expire_buffers(dp, now_ns);
	reassembly_expire(&dp->reassembly, now_ns);
	note_reassembly(dp);
}

const struct datapath_counters *datapath_counters(const struct datapath *dp)
{
	return &dp->counters;
}

uint32_t datapath_buffers_in_use(const struct datapath *dp)
{
	return dp->buffers.in_use;
}

void datapath_buffers(const struct datapath *dp,
                      bool (*visit)(void *ctx, uint32_t id, uint64_t kept_ns), void *ctx)
{
	buffers_walk(&dp->buffers, visit, ctx);
}
