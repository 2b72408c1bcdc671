/* Answers of the null responder that look at the packet-in: those that an application would give,
 * from what the load generator's addresses tell, without a table; and wrong ones.
 *
 * A station is behind port 1 + (its number % 8); its number is the low 24 bits of its MAC address.
 * The balancer's servers are the stations 0 and 1. */
#include <string.h>

#include <flowbed/message.h>
#include <flowbed/packet.h>

#include "tests/bench/controller_null.h"

enum { PORTS = 8, STATION_BITS = 24, ACTIONS_BYTES = 64 };

/* What of a packet-in is looked at. */
struct seen {
	uint32_t buffer_id, xid;
	uint16_t in_port;
	struct fb_packet packet;
};

static uint16_t port_of(uint64_t mac)
{
	return (uint16_t)(1 + mac % PORTS);
}

/* --- The parts of answers --- */

/* Actions: new addresses, where they are not 0, and a port. */
static struct fb_view put_actions(uint8_t memory[ACTIONS_BYTES], uint64_t dl_src, uint64_t dl_dst,
                                  uint16_t port)
{
	struct fb_buf out = fb_buf_make(memory, ACTIONS_BYTES);
	uint8_t mac[FB_MAC_BYTES];

	fb_mac_from_u64(mac, dl_src);
	if (dl_src)
		fb_action_put_dl_addr(&out, OFPAT_SET_DL_SRC, mac);
	fb_mac_from_u64(mac, dl_dst);
	if (dl_dst)
		fb_action_put_dl_addr(&out, OFPAT_SET_DL_DST, mac);
	fb_action_put_output(&out, port, 0);
	return (struct fb_view){.data = memory, .len = out.len};
}

/* What leaves by the port that it came in by must say so. */
static uint16_t port_from(uint16_t in_port, uint64_t mac)
{
	return port_of(mac) == in_port ? OFPP_IN_PORT : port_of(mac);
}

static void put_release(struct fb_buf *out, const struct seen *seen, struct fb_view actions)
{
	const struct fb_packet_out po = {
	        .buffer_id = seen->buffer_id, .in_port = seen->in_port, .actions = actions};

	fb_msg_put_packet_out(out, seen->xid, &po);
}

static void put_flood(struct fb_buf *out, const struct seen *seen)
{
	uint8_t memory[ACTIONS_BYTES];

	put_release(out, seen, put_actions(memory, 0, 0, OFPP_FLOOD));
}

/* --- Applications --- */

static void put_learning(struct fb_buf *out, const struct seen *seen)
{
	const struct fb_packet *p = &seen->packet;
	struct fb_flow_mod fm = {
	        .buffer_id = seen->buffer_id, .priority = 1, .out_port = OFPP_NONE};
	uint8_t memory[ACTIONS_BYTES];

	if (fb_mac_is_multicast(p->dl_dst)) {
		put_flood(out, seen);
		return;
	}
	fb_match_any(&fm.match);
	fm.match.wildcards &=
	        ~(uint32_t)(OFPFW_IN_PORT | OFPFW_DL_SRC | OFPFW_DL_DST | OFPFW_DL_VLAN);
	fm.match.dl_vlan = OFP_VLAN_NONE;
	fm.match.in_port = seen->in_port;
	memcpy(fm.match.dl_src, p->dl_src, FB_MAC_BYTES);
	memcpy(fm.match.dl_dst, p->dl_dst, FB_MAC_BYTES);
	fm.actions = put_actions(memory, 0, 0, port_of(fb_mac_to_u64(p->dl_dst)));
	fb_msg_put_flow_mod(out, seen->xid, &fm);
}

/* An entry for frames like 'seen' or, where 'back', for those that answer them from 'dl_src'. */
static void put_entry(struct fb_buf *out, const struct seen *seen, bool back,
                      struct fb_view actions)
{
	const struct fb_packet *p = &seen->packet;
	struct fb_flow_mod fm = {.buffer_id = OFP_NO_BUFFER, .out_port = OFPP_NONE};

	fb_match_any(&fm.match);
	fm.match.wildcards =
	        OFPFW_ALL &
	        ~(uint32_t)(OFPFW_IN_PORT | OFPFW_DL_TYPE | OFPFW_NW_PROTO | OFPFW_NW_SRC_MASK |
	                    OFPFW_NW_DST_MASK | OFPFW_TP_SRC | OFPFW_TP_DST);
	fm.match.in_port = back ? port_of(fb_mac_to_u64(p->dl_dst)) : seen->in_port;
	fm.match.dl_type = FB_ETH_IPV4;
	fm.match.nw_proto = FB_IP_TCP;
	fm.match.nw_src = back ? p->nw_dst : p->nw_src;
	fm.match.nw_dst = back ? p->nw_src : p->nw_dst;
	fm.match.tp_src = back ? p->tp_dst : p->tp_src;
	fm.match.tp_dst = back ? p->tp_src : p->tp_dst;
	fm.actions = actions;
	fb_msg_put_flow_mod(out, seen->xid, &fm);
}

/* The SYN to one of two servers; on the SYN-ACK an entry for each direction. */
static void put_balancer(struct fb_buf *out, const struct seen *seen)
{
	const struct fb_packet *p = &seen->packet;
	uint64_t dl_src = fb_mac_to_u64(p->dl_src), dl_dst = fb_mac_to_u64(p->dl_dst);
	uint64_t first = dl_src >> STATION_BITS << STATION_BITS;
	uint8_t memory[ACTIONS_BYTES];
	struct fb_view actions;

	if (!p->is_tcp) {
		put_flood(out, seen);
		return;
	}
	if (!(p->tcp_flags & FB_TCP_ACK)) {
		dl_dst = first + seen->xid % 2;
		put_release(out, seen,
		            put_actions(memory, 0, dl_dst, port_from(seen->in_port, dl_dst)));
		return;
	}
	put_entry(out, seen, true,
	          put_actions(memory, 0, dl_src, port_from(port_of(dl_dst), dl_src)));
	actions = put_actions(memory, first, dl_dst, port_from(seen->in_port, dl_dst));
	put_entry(out, seen, false, actions);
	put_release(out, seen, actions);
}

size_t null_answers_put(uint8_t out[NULL_ANSWERS_BYTES_MAX], enum null_kind kind,
                        const uint8_t *packet_in, size_t len, uint32_t xid)
{
	struct fb_buf buf = fb_buf_make(out, NULL_ANSWERS_BYTES_MAX);
	struct fb_of_packet_in pi;
	struct seen seen;

	if (!fb_msg_get_packet_in(packet_in, len, &pi))
		return 0;
	seen = (struct seen){.buffer_id = pi.buffer_id, .xid = xid, .in_port = pi.in_port};
	fb_packet_parse(&seen.packet, pi.data.data, pi.data.len);
	switch (kind) {
	case NULL_FIXED:
		buf.len = NULL_ANSWER_BYTES;
		null_answer(out);
		fb_set32(out + offsetof(struct ofp_header, xid), xid);
		fb_set32(out + offsetof(struct ofp_flow_mod, buffer_id), pi.buffer_id);
		break;
	case NULL_LEARNING:
		put_learning(&buf, &seen);
		break;
	case NULL_HUB:
		put_flood(&buf, &seen);
		break;
	case NULL_BALANCER:
		put_balancer(&buf, &seen);
		break;
	case NULL_KINDS:
		break;
	}
	return buf.len;
}

/* --- Wrong answers --- */

static void spoil_match(uint8_t *message)
{
	struct ofp_flow_mod *fm = (struct ofp_flow_mod *)message;
	struct ofp_packet_out *po = (struct ofp_packet_out *)message;

	if (message[1] == OFPT_PACKET_OUT) {
		fb_set16(&po->in_port, PORTS + 1);
		return;
	}
	fb_set32(&fm->match.wildcards, fb_get32(&fm->match.wildcards) & ~(uint32_t)OFPFW_IN_PORT);
	fb_set16(&fm->match.in_port, PORTS + 1);
}

/* The first of two messages and more. */
static size_t spoil_entry(uint8_t *out, size_t len, bool missing)
{
	size_t entry_len = fb_get16(out + 2);

	if (entry_len == len)
		return len;
	if (!missing) {
		fb_set16(out + entry_len - 4, PORTS + 1);
		return len;
	}
	memmove(out, out + entry_len, len - entry_len);
	return len - entry_len;
}

/* Where the buffer id of a message is. */
static uint8_t *buffer_id_of(uint8_t *message)
{
	return message + (message[1] == OFPT_FLOW_MOD ? offsetof(struct ofp_flow_mod, buffer_id)
	                                              : offsetof(struct ofp_packet_out, buffer_id));
}

size_t null_answers_spoil(uint8_t out[NULL_ANSWERS_BYTES_MAX], size_t len, enum null_wrong wrong)
{
	size_t at = 0, message_len;
	uint8_t *message, *id;

	while (at + fb_get16(out + at + 2) < len)
		at += fb_get16(out + at + 2);
	message = out + at;
	message_len = len - at;
	id = buffer_id_of(message);
	switch (wrong) {
	case NULL_WRONG_BUFFER:
		fb_set32(id, fb_get32(id) + 1000000000);
		break;
	case NULL_WRONG_PORT:
		fb_set16(message + message_len - 4, PORTS + 1); /* the last action is an output */
		break;
	case NULL_WRONG_MATCH:
		spoil_match(message);
		break;
	case NULL_WRONG_ADDRESS:
		if (message[1] == OFPT_FLOW_MOD)
			((struct ofp_flow_mod *)message)->match.dl_dst[0] ^= 4;
		break;
	case NULL_WRONG_TWICE:
		memcpy(message + message_len, message, message_len);
		return len + message_len;
	case NULL_WRONG_NEVER:
		return at;
	case NULL_WRONG_ENTRY:
	case NULL_WRONG_NO_ENTRY:
		return spoil_entry(out, len, wrong == NULL_WRONG_NO_ENTRY);
	case NULL_RIGHT:
	case NULL_WRONGS:
		break;
	}
	return len;
}
