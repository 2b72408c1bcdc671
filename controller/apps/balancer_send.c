/* Packet-outs of the balancer: frames released with new MAC addresses, RSTs, and ARP probes.
 *
 * A packet-in leads to exactly one release, here: by its buffer id where the switch kept the frame,
 * and with its bytes where it did not. To drop a frame that was kept is a release with no action.
 */
#include "controller/apps/balancer_send.h"

#include "controller/apps/balancer.h"

enum {
	CRAFTED_BYTES =
	        FB_ETH_HEADER_BYTES + FB_VLAN_TAG_BYTES + FB_IPV4_HEADER_BYTES + FB_TCP_HEADER_BYTES
};

/* When the output port is the input port a plain output is dropped: it takes IN_PORT. */
void balancer_send_put_actions(struct fb_buf *out, const struct balancer_rewrite *rewrite,
                               uint16_t in_port)
{
	if (rewrite->dl_src)
		fb_action_put_dl_addr(out, OFPAT_SET_DL_SRC, rewrite->dl_src);
	if (rewrite->dl_dst)
		fb_action_put_dl_addr(out, OFPAT_SET_DL_DST, rewrite->dl_dst);
	fb_action_put_output(out, rewrite->port == in_port ? OFPP_IN_PORT : rewrite->port, 0);
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
		if (pi->packet.len < pi->total_len) {
			call->b->counters.cut++;
			return;
		}
		po.data = (struct fb_view){.data = pi->packet.data, .len = pi->packet.len};
	}
	fb_send_packet_out(call->b->app, call->s->sw, call->cause, &po);
}

void balancer_send_through(const struct balancer_call *call, const struct fb_packet_in *pi,
                           const struct balancer_rewrite *rewrite)
{
	uint8_t bytes[BALANCER_ACTIONS_BYTES];
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);

	balancer_send_put_actions(&actions, rewrite, pi->in_port);
	release(call, pi, &actions);
}

void balancer_send_flood(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	uint8_t bytes[BALANCER_ACTIONS_BYTES];
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);

	fb_action_put_output(&actions, OFPP_FLOOD, 0);
	call->b->counters.flooded++;
	release(call, pi, &actions);
}

void balancer_send_drop(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_buf none = {0};

	release(call, pi, &none);
}

/* Send a frame of our own making. It came in by no port, so that any port can be named. */
static void send_crafted(const struct balancer_call *call, const struct fb_buf *frame,
                         uint16_t port)
{
	uint8_t bytes[BALANCER_ACTIONS_BYTES];
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);
	struct fb_packet_out po = {.buffer_id = OFP_NO_BUFFER, .in_port = OFPP_NONE};

	fb_action_put_output(&actions, port, 0);
	po.actions = (struct fb_view){.data = actions.data, .len = actions.len};
	po.data = (struct fb_view){.data = frame->data, .len = frame->len};
	fb_send_packet_out(call->b->app, call->s->sw, call->cause, &po);
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

void balancer_send_refuse(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	uint8_t bytes[CRAFTED_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = p->has_vlan, .vlan_tci = p->vlan_tci};
	struct fb_ipv4_spec ip = {.nw_src = p->nw_dst, .nw_dst = p->nw_src, .dont_fragment = true};
	struct fb_tcp_spec rst = rst_for(p);

	memcpy(eth.dl_dst, p->dl_src, FB_MAC_BYTES);
	memcpy(eth.dl_src, fb_mac_is_multicast(p->dl_dst) ? call->s->mac : p->dl_dst, FB_MAC_BYTES);
	if (fb_build_tcp(&frame, &eth, &ip, &rst, NULL, 0))
		send_crafted(call, &frame, pi->in_port);
	balancer_send_drop(call, pi);
}

void balancer_send_probe(const struct balancer_call *call, uint32_t ip, uint16_t vlan)
{
	static const uint8_t nobody[FB_MAC_BYTES];
	uint8_t bytes[FB_ETH_HEADER_BYTES + FB_VLAN_TAG_BYTES + FB_ARP_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = vlan != OFP_VLAN_NONE, .vlan_tci = vlan};

	if (!eth.has_vlan)
		eth.vlan_tci = 0;
	memset(eth.dl_dst, 0xff, FB_MAC_BYTES);
	memcpy(eth.dl_src, call->s->mac, FB_MAC_BYTES);
	if (!fb_build_arp(&frame, &eth, FB_ARP_REQUEST, call->s->mac, 0, nobody, ip))
		return;
	send_crafted(call, &frame, OFPP_FLOOD);
	call->b->counters.probes++;
}
