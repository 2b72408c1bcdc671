/* Building of Ethernet frames.
 *
 * Each builder reserves its whole frame in the caller's buffer, so that it fits or leaves no trace,
 * and writes the headers and checksums into it. Frames are not padded to Ethernet's minimum: that
 * is the business of a link. */
#include <flowbed/packet.h>

#include <assert.h>

enum {
	DEFAULT_TTL = 64,
	TCP_OPTIONS_BYTES_MAX = 40,
};

/* Reserve a frame with 'body_len' bytes after its Ethernet header, write that header and return the
 * body; NULL where it does not fit. */
static uint8_t *put_eth(struct fb_buf *out, const struct fb_eth_spec *eth, uint16_t dl_type,
                        size_t body_len)
{
	size_t header_len = FB_ETH_HEADER_BYTES + (eth->has_vlan ? FB_VLAN_TAG_BYTES : 0);
	uint8_t *p;

	if (body_len > FB_FRAME_BYTES_MAX - header_len) {
		out->overflow = true;
		return NULL;
	}
	p = fb_buf_reserve(out, header_len + body_len);
	if (!p)
		return NULL;
	memcpy(p, eth->dl_dst, FB_MAC_BYTES);
	memcpy(p + FB_MAC_BYTES, eth->dl_src, FB_MAC_BYTES);
	if (eth->has_vlan) {
		fb_set16(p + 12, FB_ETH_VLAN);
		fb_set16(p + 14, eth->vlan_tci);
	}
	fb_set16(p + header_len - 2, dl_type);
	return p + header_len;
}

/* The same for an IPv4 packet with 'l4_len' bytes after its header; returns where they go. */
static uint8_t *put_ipv4(struct fb_buf *out, const struct fb_eth_spec *eth,
                         const struct fb_ipv4_spec *ip, uint8_t nw_proto, size_t l4_len)
{
	uint16_t frag = (uint16_t)((ip->dont_fragment ? 0x4000 : 0) |
	                           (ip->more_fragments ? 0x2000 : 0) | ip->frag_offset / 8);
	uint8_t *p = put_eth(out, eth, FB_ETH_IPV4, FB_IPV4_HEADER_BYTES + l4_len);

	assert(ip->frag_offset % 8 == 0);
	if (!p)
		return NULL;
	p[0] = 0x45;
	p[1] = ip->nw_tos;
	fb_set16(p + 2, (uint16_t)(FB_IPV4_HEADER_BYTES + l4_len));
	fb_set16(p + 4, ip->ip_id);
	fb_set16(p + 6, frag);
	p[8] = ip->nw_ttl ? ip->nw_ttl : DEFAULT_TTL;
	p[9] = nw_proto;
	fb_set16(p + 10, 0);
	fb_set32(p + 12, ip->nw_src);
	fb_set32(p + 16, ip->nw_dst);
	fb_set16(p + 10, fb_checksum_finish(fb_checksum_add(0, p, FB_IPV4_HEADER_BYTES)));
	return p + FB_IPV4_HEADER_BYTES;
}

static void put_payload(uint8_t *p, const void *payload, size_t payload_len)
{
	if (payload_len)
		memcpy(p, payload, payload_len);
}

bool fb_build_eth(struct fb_buf *out, const struct fb_eth_spec *eth, uint16_t dl_type,
                  const void *payload, size_t payload_len)
{
	uint8_t *p = put_eth(out, eth, dl_type, payload_len);

	if (!p)
		return false;
	put_payload(p, payload, payload_len);
	return true;
}

bool fb_build_arp(struct fb_buf *out, const struct fb_eth_spec *eth, uint16_t op,
                  const uint8_t sha[FB_MAC_BYTES], uint32_t spa, const uint8_t tha[FB_MAC_BYTES],
                  uint32_t tpa)
{
	uint8_t *p = put_eth(out, eth, FB_ETH_ARP, FB_ARP_BYTES);

	if (!p)
		return false;
	fb_set16(p, 1);
	fb_set16(p + 2, FB_ETH_IPV4);
	p[4] = FB_MAC_BYTES;
	p[5] = 4;
	fb_set16(p + 6, op);
	memcpy(p + 8, sha, FB_MAC_BYTES);
	fb_set32(p + 14, spa);
	memcpy(p + 18, tha, FB_MAC_BYTES);
	fb_set32(p + 24, tpa);
	return true;
}

bool fb_build_ipv4(struct fb_buf *out, const struct fb_eth_spec *eth, const struct fb_ipv4_spec *ip,
                   uint8_t nw_proto, const void *payload, size_t payload_len)
{
	uint8_t *p = put_ipv4(out, eth, ip, nw_proto, payload_len);

	if (!p)
		return false;
	put_payload(p, payload, payload_len);
	return true;
}

bool fb_build_icmp(struct fb_buf *out, const struct fb_eth_spec *eth, const struct fb_ipv4_spec *ip,
                   uint8_t type, uint8_t code, uint32_t rest, const void *payload,
                   size_t payload_len)
{
	size_t len = FB_ICMP_HEADER_BYTES + payload_len;
	uint8_t *p = put_ipv4(out, eth, ip, FB_IP_ICMP, len);

	if (!p)
		return false;
	p[0] = type;
	p[1] = code;
	fb_set16(p + 2, 0);
	fb_set32(p + 4, rest);
	put_payload(p + FB_ICMP_HEADER_BYTES, payload, payload_len);
	fb_set16(p + 2, fb_checksum_finish(fb_checksum_add(0, p, len)));
	return true;
}

/* The TCP or UDP checksum of the 'len' bytes at 'p', whose checksum field is 0. */
static uint16_t pseudo_checksum(const struct fb_ipv4_spec *ip, uint8_t nw_proto, const uint8_t *p,
                                size_t len)
{
	uint64_t sum = fb_checksum_pseudo(ip->nw_src, ip->nw_dst, nw_proto, (uint32_t)len);

	return fb_checksum_finish(fb_checksum_add(sum, p, len));
}

bool fb_build_udp(struct fb_buf *out, const struct fb_eth_spec *eth, const struct fb_ipv4_spec *ip,
                  uint16_t tp_src, uint16_t tp_dst, const void *payload, size_t payload_len)
{
	size_t len = FB_UDP_HEADER_BYTES + payload_len;
	uint8_t *p = put_ipv4(out, eth, ip, FB_IP_UDP, len);
	uint16_t check;

	if (!p)
		return false;
	fb_set16(p, tp_src);
	fb_set16(p + 2, tp_dst);
	fb_set16(p + 4, (uint16_t)len);
	fb_set16(p + 6, 0);
	put_payload(p + FB_UDP_HEADER_BYTES, payload, payload_len);
	check = pseudo_checksum(ip, FB_IP_UDP, p, len);
	fb_set16(p + 6, check ? check : 0xffff);
	return true;
}

bool fb_build_tcp(struct fb_buf *out, const struct fb_eth_spec *eth, const struct fb_ipv4_spec *ip,
                  const struct fb_tcp_spec *tcp, const void *payload, size_t payload_len)
{
	size_t header_len = FB_TCP_HEADER_BYTES + (size_t)tcp->options_len;
	uint8_t *p;

	assert(tcp->options_len % 4 == 0 && tcp->options_len <= TCP_OPTIONS_BYTES_MAX);
	p = put_ipv4(out, eth, ip, FB_IP_TCP, header_len + payload_len);
	if (!p)
		return false;
	fb_set16(p, tcp->tp_src);
	fb_set16(p + 2, tcp->tp_dst);
	fb_set32(p + 4, tcp->seq);
	fb_set32(p + 8, tcp->ack);
	p[12] = (uint8_t)(header_len / 4 << 4);
	p[13] = tcp->flags;
	fb_set16(p + 14, tcp->window);
	fb_set32(p + 16, 0);
	put_payload(p + FB_TCP_HEADER_BYTES, tcp->options, tcp->options_len);
	put_payload(p + header_len, payload, payload_len);
	fb_set16(p + 16, pseudo_checksum(ip, FB_IP_TCP, p, header_len + payload_len));
	return true;
}
