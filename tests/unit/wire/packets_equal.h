/* Compare two parsed frames in all that parsing sets, views by their place in the frame. */
#ifndef WIRE_PACKETS_EQUAL_H
#define WIRE_PACKETS_EQUAL_H

#include <flowbed/packet.h>

#define SAME(member) (a->member == b->member)
#define SAME_PLACE(member)                                                                         \
	((a->member ? a->member - a->data : -1) == (b->member ? b->member - b->data : -1))

static inline bool packets_equal(const struct fb_packet *a, const struct fb_packet *b)
{
	bool l2 = SAME(len) && SAME(problem) && SAME_PLACE(dl_dst) && SAME_PLACE(dl_src) &&
		  SAME(has_vlan) && SAME(vlan_tci) && SAME(dl_type) && SAME(l3_ofs);
	bool l3 = SAME(is_arp) && SAME(is_ipv4) && SAME(ip_is_cut) && SAME(arp_op) && SAME_PLACE(arp_sha) &&
		  SAME_PLACE(arp_tha) && SAME(nw_proto) && SAME(nw_tos) && SAME(nw_ttl) &&
		  SAME(nw_src) && SAME(nw_dst) && SAME(ip_id) && SAME(ip_total_len) &&
		  SAME(frag_offset) && SAME(more_fragments) && SAME(dont_fragment);
	bool l4 = SAME(l4_ofs) && SAME(l4_len) && SAME(is_tcp) && SAME(is_udp) && SAME(is_icmp) &&
		  SAME(tp_src) && SAME(tp_dst) && SAME(tcp_flags) && SAME(tcp_seq) &&
		  SAME(tcp_ack) && SAME(tcp_window) && SAME(icmp_id) && SAME(icmp_seq) &&
		  SAME(payload_ofs) && SAME(payload_len);

	return l2 && l3 && l4;
}

#undef SAME
#undef SAME_PLACE

#endif
