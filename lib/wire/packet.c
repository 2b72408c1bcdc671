/* Parsing of Ethernet frames.
 *
 * One pass from the Ethernet header inwards, one function a layer. Each layer gets the frame, what
 * the layers before it found and the end of the bytes that count (a length in an 802.3 or IPv4
 * header moves it inwards, over padding, never outwards), and sets what it finds. A header that is
 * cut short or makes no sense ends the pass with a text in 'problem'. A packet whose last bytes are
 * missing, as in a packet-in with a small miss_send_len, is no problem: its headers are all there
 * and l4_len tells what came.
 *
 * TCP's header is judged by the length that the IP header promises, so that options cut off by
 * miss_send_len do not hide the ports.
 *
 * Checksums are left to fb_packet_checksums_ok() here, because a switch does not look at them; what
 * a match makes of the fields is match.c's. */
#include <flowbed/packet.h>

enum {
	ETH_TYPE_MIN = 0x0600, /* below it is the length of an 802.3 frame */
	ETH_TYPE_OFS = 12,
	SNAP_BYTES = 8, /* LLC (3), OUI (3), type (2) */
	IPV4_FRAG_OFS = 6,
	IPV4_DF = 0x4000,
	IPV4_MF = 0x2000,
	IPV4_OFFSET_MASK = 0x1fff, /* in units of 8 bytes */
};

static void parse_tcp(struct fb_packet *p, uint32_t promised_len)
{
	const uint8_t *tcp = p->data + p->l4_ofs;
	uint32_t header_len;

	if (p->l4_len < FB_TCP_HEADER_BYTES) {
		p->problem = "TCP header cut short";
		return;
	}
	header_len = (uint32_t)(tcp[12] >> 4) * 4;
	if (header_len < FB_TCP_HEADER_BYTES || header_len > promised_len) {
		p->problem = "TCP data offset makes no sense";
		return;
	}
	p->is_tcp = true;
	p->tp_src = fb_get16(tcp);
	p->tp_dst = fb_get16(tcp + 2);
	p->tcp_seq = fb_get32(tcp + 4);
	p->tcp_ack = fb_get32(tcp + 8);
	p->tcp_flags = tcp[13];
	p->tcp_window = fb_get16(tcp + 14);
	if (header_len > p->l4_len)
		header_len = p->l4_len;
	p->payload_ofs = p->l4_ofs + header_len;
	p->payload_len = p->l4_len - header_len;
}

static void parse_udp(struct fb_packet *p, uint32_t promised_len)
{
	const uint8_t *udp = p->data + p->l4_ofs;
	uint32_t udp_len;

	if (p->l4_len < FB_UDP_HEADER_BYTES) {
		p->problem = "UDP header cut short";
		return;
	}
	p->tp_src = fb_get16(udp);
	p->tp_dst = fb_get16(udp + 2);
	udp_len = fb_get16(udp + 4);
	if (udp_len < FB_UDP_HEADER_BYTES || (udp_len > promised_len && !p->more_fragments)) {
		p->problem = "UDP length makes no sense";
		return;
	}
	p->is_udp = true;
	if (udp_len > p->l4_len)
		udp_len = p->l4_len;
	p->payload_ofs = p->l4_ofs + FB_UDP_HEADER_BYTES;
	p->payload_len = udp_len - FB_UDP_HEADER_BYTES;
}

static void parse_icmp(struct fb_packet *p)
{
	const uint8_t *icmp = p->data + p->l4_ofs;

	if (p->l4_len < FB_ICMP_HEADER_BYTES) {
		p->problem = "ICMP header cut short";
		return;
	}
	p->is_icmp = true;
	p->tp_src = icmp[0];
	p->tp_dst = icmp[1];
	if (p->tp_src == FB_ICMP_ECHO_REQUEST || p->tp_src == FB_ICMP_ECHO_REPLY) {
		p->icmp_id = fb_get16(icmp + 4);
		p->icmp_seq = fb_get16(icmp + 6);
	}
	p->payload_ofs = p->l4_ofs + FB_ICMP_HEADER_BYTES;
	p->payload_len = p->l4_len - FB_ICMP_HEADER_BYTES;
}

/* The IPv4 header at l3_ofs and what follows; 'end' is the end of the frame's bytes that count. */
static void parse_ipv4(struct fb_packet *p, uint32_t end)
{
	const uint8_t *ip = p->data + p->l3_ofs;
	uint32_t left = end - p->l3_ofs;
	uint32_t header_len, total_len;
	uint16_t frag;

	if (left < FB_IPV4_HEADER_BYTES) {
		p->problem = "IPv4 header cut short";
		return;
	}
	header_len = (uint32_t)(ip[0] & 0x0f) * 4;
	total_len = fb_get16(ip + 2);
	if (ip[0] >> 4 != 4) {
		p->problem = "IP version is not 4";
		return;
	}
	if (header_len < FB_IPV4_HEADER_BYTES || total_len < header_len) {
		p->problem = "IPv4 header or total length makes no sense";
		return;
	}
	if (header_len > left) {
		p->problem = "IPv4 options cut short";
		return;
	}
	p->is_ipv4 = true;
	p->ip_is_cut = total_len > left;
	p->nw_tos = ip[1];
	p->ip_total_len = (uint16_t)total_len;
	p->ip_id = fb_get16(ip + 4);
	frag = fb_get16(ip + IPV4_FRAG_OFS);
	p->dont_fragment = (frag & IPV4_DF) != 0;
	p->more_fragments = (frag & IPV4_MF) != 0;
	p->frag_offset = (uint16_t)((frag & IPV4_OFFSET_MASK) * 8);
	p->nw_ttl = ip[8];
	p->nw_proto = ip[9];
	p->nw_src = fb_get32(ip + 12);
	p->nw_dst = fb_get32(ip + 16);
	p->l4_ofs = (uint16_t)(p->l3_ofs + header_len);
	p->l4_len = (total_len < left ? total_len : left) - header_len;

	if (p->frag_offset != 0)
		return;
	if (p->nw_proto == FB_IP_TCP)
		parse_tcp(p, total_len - header_len);
	else if (p->nw_proto == FB_IP_UDP)
		parse_udp(p, total_len - header_len);
	else if (p->nw_proto == FB_IP_ICMP)
		parse_icmp(p);
}

/* The ARP packet at l3_ofs; 'end' as above. Only Ethernet with IPv4 is ARP to OpenFlow. */
static void parse_arp(struct fb_packet *p, uint32_t end)
{
	const uint8_t *arp = p->data + p->l3_ofs;

	if (end - p->l3_ofs < FB_ARP_BYTES) {
		p->problem = "ARP packet cut short";
		return;
	}
	if (fb_get16(arp) != 1 || fb_get16(arp + 2) != FB_ETH_IPV4 || arp[4] != FB_MAC_BYTES ||
	    arp[5] != 4) {
		p->problem = "ARP is not for Ethernet and IPv4";
		return;
	}
	p->is_arp = true;
	p->arp_op = fb_get16(arp + 6);
	p->nw_proto = (uint8_t)p->arp_op;
	p->arp_sha = arp + 8;
	p->nw_src = fb_get32(arp + 14);
	p->arp_tha = arp + 18;
	p->nw_dst = fb_get32(arp + 24);
}

/* The body of an 802.3 frame at '*ofs': sets dl_type, and where LLC and SNAP name an Ethernet type,
 * moves '*ofs' to what it is of. '*end' moves to the end that 'length', the length field, tells. */
static void parse_802_3(struct fb_packet *p, uint16_t length, uint32_t *ofs, uint32_t *end)
{
	static const uint8_t snap[] = {0xaa, 0xaa, 0x03, 0, 0, 0}; /* LLC for SNAP, OUI 00-00-00 */
	const uint8_t *llc = p->data + *ofs;
	uint16_t type;

	p->dl_type = FB_ETH_NOT_ETH_TYPE;
	if (length < *end - *ofs)
		*end = *ofs + length;
	if (*end - *ofs < SNAP_BYTES || memcmp(llc, snap, sizeof snap) != 0)
		return;
	type = fb_get16(llc + 6);
	if (type < ETH_TYPE_MIN)
		return;
	p->dl_type = type;
	*ofs += SNAP_BYTES;
}

/* Zero '*p', in two halves: of one, gcc makes a string instruction, which takes as long as the
 * rest. */
static inline void clear(struct fb_packet *p)
{
	size_t half = sizeof *p / 2;

	memset(p, 0, half);
	memset((uint8_t *)p + half, 0, sizeof *p - half);
}

/* The Ethernet header and what stands between it and layer 3, which begins at '*ofs' and ends at
 * '*end' at the latest. False when there is no layer 3 to be parsed. */
static inline bool parse_ethernet(struct fb_packet *p, const uint8_t *data, size_t len,
                                  uint32_t *ofs, uint32_t *end)
{
	uint16_t type;

	clear(p);
	p->data = data;
	p->len = (uint32_t)len;
	*ofs = FB_ETH_HEADER_BYTES;
	*end = (uint32_t)len;
	if (len < FB_ETH_HEADER_BYTES) {
		p->problem = "Ethernet header cut short";
		return false;
	}
	p->dl_dst = data;
	p->dl_src = data + FB_MAC_BYTES;
	type = fb_get16(data + ETH_TYPE_OFS);
	if (type == FB_ETH_VLAN) {
		if (len < FB_ETH_HEADER_BYTES + FB_VLAN_TAG_BYTES) {
			p->dl_type = type;
			p->problem = "VLAN tag cut short";
			return false;
		}
		p->has_vlan = true;
		p->vlan_tci = fb_get16(data + *ofs);
		type = fb_get16(data + *ofs + 2);
		*ofs += FB_VLAN_TAG_BYTES;
	}
	if (type >= ETH_TYPE_MIN)
		p->dl_type = type;
	else
		parse_802_3(p, type, ofs, end);
	return true;
}

int fb_packet_parse_ethernet(struct fb_packet *p, const uint8_t *data, size_t len)
{
	uint32_t ofs, end;

	parse_ethernet(p, data, len, &ofs, &end);
	return p->dl_dst ? 0 : -1;
}

int fb_packet_parse(struct fb_packet *p, const uint8_t *data, size_t len)
{
	uint32_t ofs, end;

	if (!parse_ethernet(p, data, len, &ofs, &end))
		return p->dl_dst ? 0 : -1;
	if (p->dl_type == FB_ETH_IPV4) {
		p->l3_ofs = (uint16_t)ofs;
		parse_ipv4(p, end);
	} else if (p->dl_type == FB_ETH_ARP) {
		p->l3_ofs = (uint16_t)ofs;
		parse_arp(p, end);
	}
	return 0;
}

int fb_packet_parse_whole(struct fb_packet *p, const uint8_t *data, size_t len)
{
	int result = fb_packet_parse(p, data, len);

	if (p->ip_is_cut)
		*p = (struct fb_packet){.data = data,
		                        .len = p->len,
		                        .problem = "IPv4 packet cut short",
		                        .dl_dst = p->dl_dst,
		                        .dl_src = p->dl_src,
		                        .has_vlan = p->has_vlan,
		                        .vlan_tci = p->vlan_tci,
		                        .dl_type = p->dl_type,
		                        .l3_ofs = p->l3_ofs};
	return result;
}

/* The TCP, UDP or ICMP checksum of a packet that is no fragment. */
static bool l4_checksum_ok(const struct fb_packet *p)
{
	const uint8_t *l4 = p->data + p->l4_ofs;
	uint32_t covered = p->ip_total_len - (uint32_t)(p->l4_ofs - p->l3_ofs);
	uint64_t sum = 0;

	if (p->is_udp) {
		if (fb_get16(l4 + 6) == 0)
			return true;
		covered = fb_get16(l4 + 4);
	}
	if (covered > p->l4_len)
		return false;
	if (!p->is_icmp)
		sum = fb_checksum_pseudo(p->nw_src, p->nw_dst, p->nw_proto, covered);
	return fb_checksum_finish(fb_checksum_add(sum, l4, covered)) == 0;
}

bool fb_packet_checksums_ok(const struct fb_packet *p)
{
	const uint8_t *ip = p->data + p->l3_ofs;

	if (!p->is_ipv4)
		return true;
	if (fb_checksum_finish(fb_checksum_add(0, ip, (size_t)(p->l4_ofs - p->l3_ofs))) != 0)
		return false;
	if (p->more_fragments || !(p->is_tcp || p->is_udp || p->is_icmp))
		return true;
	return l4_checksum_ok(p);
}
