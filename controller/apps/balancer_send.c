/* Packet-outs of the balancer: frames released with new MAC addresses, RSTs, and frames of its own.
 *
 * A packet-in leads to exactly one release, here: by its buffer id where the switch kept the frame,
 * and with its bytes where it did not. To drop a frame that was kept is a release with no action.
 *
 * Where the way leads over several switches a whole frame leaves at the last of them at once: what
 * is on the way would only ask the controller again. A frame of which the switch sent the beginning
 * only goes out towards the next switch. */
#include "controller/apps/balancer_send.h"

#include "controller/apps/balancer.h"

enum {
	CRAFTED_BYTES =
	        FB_ETH_HEADER_BYTES + FB_VLAN_TAG_BYTES + FB_IPV4_HEADER_BYTES + FB_TCP_HEADER_BYTES,
	/* An output for each port that a switch can have, and the two addresses. */
	FLOOD_BYTES = 4096 * sizeof(struct ofp_action_output),
};

/* When the output port is the input port a plain output is dropped: it takes IN_PORT. */
void balancer_send_put_actions(struct fb_buf *out, const uint8_t *dl_src, const uint8_t *dl_dst,
                               uint16_t port, uint16_t in_port)
{
	if (dl_src)
		fb_action_put_dl_addr(out, OFPAT_SET_DL_SRC, dl_src);
	if (dl_dst)
		fb_action_put_dl_addr(out, OFPAT_SET_DL_DST, dl_dst);
	fb_action_put_output(out, port == in_port ? OFPP_IN_PORT : port, 0);
}

static bool is_whole(const struct fb_packet_in *pi)
{
	return pi->packet.len >= pi->total_len;
}

static void release(const struct balancer_call *call, const struct fb_packet_in *pi,
                    const struct fb_buf *actions)
{
	struct fb_packet_out po = {
	        .buffer_id = pi->buffer_id,
	        .in_port = pi->in_port,
	        .actions = {.data = actions->data, .len = actions->len},
	};

	if (pi->buffer_id == OFP_NO_BUFFER) {
		if (actions->len == 0)
			return;
		if (!is_whole(pi)) {
			call->b->counters.cut++;
			return;
		}
		po.data = (struct fb_view){.data = pi->packet.data, .len = pi->packet.len};
	}
	fb_send_packet_out(call->b->app, call->sw, call->cause, &po);
}

/* Put 'bytes' out by 'actions' on the switch 'sw'. They came in by no port, so that any port can be
 * named. */
static void put_out(const struct balancer_call *call, struct fb_switch *sw, struct fb_view bytes,
                    const struct fb_buf *actions)
{
	const struct fb_packet_out po = {
	        .buffer_id = OFP_NO_BUFFER,
	        .in_port = OFPP_NONE,
	        .actions = {.data = actions->data, .len = actions->len},
	        .data = bytes,
	};

	fb_send_packet_out(call->b->app, sw, call->cause, &po);
}

/* --- Frames that came --- */

bool balancer_send_copy(const struct balancer_call *call, const struct fb_packet_in *pi,
                        const struct balancer_rewrite *rewrite)
{
	struct fb_switch *sw = fb_discovery_switch(call->b->discovery, rewrite->at.node);
	const struct fb_view bytes = {.data = pi->packet.data, .len = pi->packet.len};
	uint8_t memory[BALANCER_ACTIONS_BYTES];
	struct fb_buf actions = fb_buf_make(memory, sizeof memory);

	if (!sw || !is_whole(pi) || rewrite->at.port == 0)
		return false;
	balancer_send_put_actions(&actions, rewrite->dl_src, rewrite->dl_dst, rewrite->at.port,
	                          OFPP_NONE);
	put_out(call, sw, bytes, &actions);
	return true;
}

/* The port of the call's switch that leads towards 'at', by which way does not matter; 0: none. */
static uint16_t port_towards(const struct balancer_call *call, const struct fb_packet_in *pi,
                             struct fb_place at)
{
	struct fb_hop hops[FB_PATH_HOPS_MAX];
	const struct fb_place from = balancer_place(call, pi);

	if (at.node == call->node)
		return at.port;
	return fb_discovery_path(call->b->discovery, from, at, pi->packet.nw_src, hops) > 0
	               ? hops[0].out_port
	               : 0;
}

void balancer_send_through(const struct balancer_call *call, const struct fb_packet_in *pi,
                           const struct balancer_rewrite *rewrite)
{
	const uint16_t port = port_towards(call, pi, rewrite->at);
	uint8_t bytes[BALANCER_ACTIONS_BYTES];
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);

	if (port == 0) {
		call->b->counters.no_path++;
		balancer_send_drop(call, pi);
		return;
	}
	if (rewrite->at.node != call->node && balancer_send_copy(call, pi, rewrite)) {
		balancer_send_drop(call, pi);
		return;
	}
	balancer_send_put_actions(&actions, rewrite->dl_src, rewrite->dl_dst, port, pi->in_port);
	release(call, pi, &actions);
}

void balancer_send_flood(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	uint8_t bytes[FLOOD_BYTES];
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);

	if (!fb_discovery_put_flood(call->b->discovery, call->sw, pi->in_port, &actions)) {
		balancer_send_drop(call, pi);
		return;
	}
	call->b->counters.flooded++;
	release(call, pi, &actions);
}

void balancer_send_drop(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_buf none = {0};

	release(call, pi, &none);
}

/* --- Frames of our own making --- */

void balancer_send_frame(const struct balancer_call *call, const struct fb_buf *frame,
                         struct fb_place at)
{
	struct fb_switch *sw = fb_discovery_switch(call->b->discovery, at.node);
	const struct fb_view bytes = {.data = frame->data, .len = frame->len};
	uint8_t memory[BALANCER_ACTIONS_BYTES];
	struct fb_buf actions = fb_buf_make(memory, sizeof memory);

	if (!sw || at.port == 0)
		return;
	fb_action_put_output(&actions, at.port, 0);
	put_out(call, sw, bytes, &actions);
}

/* Take the output to 'port' out of 'actions', which are outputs. */
static void leave_out(struct fb_buf *actions, uint16_t port)
{
	const size_t len = sizeof(struct ofp_action_output);
	const size_t port_ofs = offsetof(struct ofp_action_output, port);

	for (size_t at = 0; at < actions->len; at += len) {
		if (fb_get16(actions->data + at + port_ofs) != port)
			continue;
		memmove(actions->data + at, actions->data + at + len, actions->len - at - len);
		actions->len -= len;
		return;
	}
}

void balancer_send_everywhere(const struct balancer_call *call, const struct fb_buf *frame,
                              const struct fb_place *except, size_t except_count)
{
	struct fb_discovery *d = call->b->discovery;
	const struct fb_view bytes = {.data = frame->data, .len = frame->len};
	struct fb_switch *sw = NULL;
	uint8_t memory[FLOOD_BYTES];

	while ((sw = fb_app_next_switch(call->b->app, sw))) {
		struct fb_buf actions = fb_buf_make(memory, sizeof memory);
		const uint16_t node = fb_discovery_node(d, sw);

		fb_discovery_put_edges(d, sw, 0, &actions);
		for (size_t i = 0; i < except_count; i++) {
			if (except[i].node == node)
				leave_out(&actions, except[i].port);
		}
		if (actions.len > 0)
			put_out(call, sw, bytes, &actions);
	}
}

void balancer_send_to_edges(const struct balancer_call *call, const struct fb_buf *frame,
                            const struct fb_place *edges, size_t count)
{
	const struct fb_view bytes = {.data = frame->data, .len = frame->len};
	uint8_t memory[FLOOD_BYTES];
	size_t i = 0;

	while (i < count) {
		struct fb_buf actions = fb_buf_make(memory, sizeof memory);
		const uint16_t node = edges[i].node;
		struct fb_switch *sw = fb_discovery_switch(call->b->discovery, node);

		for (; i < count && edges[i].node == node; i++)
			fb_action_put_output(&actions, edges[i].port, 0);
		if (sw)
			put_out(call, sw, bytes, &actions);
	}
}

/* The sequence numbers of a RST are such that the other end takes it for exact (RFC 9293, section
 * 3.10.7.1; RFC 5961): after a segment with ACK, the number that it expects; else the segment is
 * acknowledged. */
static struct fb_tcp_spec rst_for(const struct fb_packet *p)
{
	struct fb_tcp_spec rst = {.tp_src = p->tp_dst, .tp_dst = p->tp_src, .flags = FB_TCP_RST};
	uint32_t headers = p->payload_ofs - p->l3_ofs;

	if (p->tcp_flags & FB_TCP_ACK) {
		rst.seq = p->tcp_ack;
		return rst;
	}
	rst.flags |= FB_TCP_ACK;
	rst.ack = p->tcp_seq + (p->ip_total_len > headers ? p->ip_total_len - headers : 0);
	rst.ack += (p->tcp_flags & FB_TCP_SYN) != 0;
	rst.ack += (p->tcp_flags & FB_TCP_FIN) != 0;
	return rst;
}

/* Where the sender of 'pi' is: where the frame came in, unless that was by a link. */
static struct fb_place place_of_sender(const struct balancer_call *call,
                                       const struct fb_packet_in *pi)
{
	const struct fb_place at = balancer_place(call, pi);
	const struct fb_host *host;

	if (fb_discovery_port(call->b->discovery, at) != FB_PORT_LINK)
		return at;
	host = fb_discovery_host(call->b->discovery, pi->packet.dl_src, balancer_vlan(&pi->packet));
	return host ? host->at : (struct fb_place){0};
}

void balancer_send_refuse(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	uint8_t bytes[CRAFTED_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = p->has_vlan, .vlan_tci = p->vlan_tci};
	struct fb_ipv4_spec ip = {.nw_src = p->nw_dst, .nw_dst = p->nw_src, .dont_fragment = true};
	struct fb_tcp_spec rst = rst_for(p);

	memcpy(eth.dl_dst, p->dl_src, FB_MAC_BYTES);
	memcpy(eth.dl_src, fb_mac_is_multicast(p->dl_dst) ? balancer_own_mac : p->dl_dst,
	       FB_MAC_BYTES);
	if (fb_build_tcp(&frame, &eth, &ip, &rst, NULL, 0))
		balancer_send_frame(call, &frame, place_of_sender(call, pi));
	balancer_send_drop(call, pi);
}
