/* Random frames: of every protocol that is parsed, and of many that are not, from few addresses and
 * ports, so that entries and frames meet; some malformed. */
#include <flowbed/packet.h>

#include "tests/live/ovs_differential_gen.h"
#include "tests/live/ovs_differential_known.h"

#define PICK(g, list) ((list)[rng_below(&(g)->rng, sizeof(list) / sizeof((list)[0]))])

enum {
	ETH_RARP = 0x8035,
	ETH_8021AD = 0x88a8,
	IP_SCTP = 132,
	LLC_SNAP_BYTES = 8,
	PORT_HEADER_BYTES = 4, /* source and destination */
};

bool gen_percent(struct gen *g, unsigned percent)
{
	return rng_below(&g->rng, 100) < percent;
}

uint32_t gen_below(struct gen *g, uint32_t bound)
{
	return (uint32_t)rng_below(&g->rng, bound);
}

void gen_mac(struct gen *g, uint8_t mac[FB_MAC_BYTES])
{
	static const uint64_t others[] = {
	        0x01000cccccc0, 0x01000cccccc7, 0x01000cccccc8, 0x01000cccccce, 0x01000ccccccd,
	        0x01000ccdcdcd, 0x01000c000000, 0x00e02b000000, 0x00e02b000004, 0x00e02b000006,
	        0x00e02b000005, 0x01000ccccccf, 0x01000cccccbf, 0x01000ccccccc,

	        0xffffffffffff, 0x01005e000001, 0x0180c2000000, 0x0180c200000e, 0x0180c2000003,
	        0x0180c2000010, 0x0180c2000021, 0x333300000001, 0x01000ccccccc, 0,
	};
	uint64_t station = 0x020000000001 + gen_below(g, 5);

	fb_mac_from_u64(mac, gen_percent(g, 75) ? station : PICK(g, others));
}

void gen_mac_to_set(struct gen *g, uint8_t mac[FB_MAC_BYTES], bool source)
{
	if (g->learns)
		fb_mac_from_u64(mac, 0x020000000010 + 2 * gen_below(g, 3) + source);
	else
		gen_mac(g, mac);
}

uint16_t gen_vid(struct gen *g)
{
	static const uint16_t vids[] = {0, 1, 10, 10, 100, 4095};

	return PICK(g, vids);
}

uint32_t gen_ip(struct gen *g)
{
	static const uint32_t ips[] = {
	        0x0a000001, 0x0a000002, 0x0a000102, 0x0aff0001, 0xc0a80201,
	        0xc0a80202, 0xc0a80201, 0xe0000001, 0,          0xffffffff,
	};

	return PICK(g, ips);
}

uint16_t gen_tp(struct gen *g)
{
	static const uint16_t ports[] = {0, 1, 8, 22, 53, 80, 80, 443, 8080, 65535};

	return PICK(g, ports);
}

static void put_bytes(struct gen *g, struct fb_buf *out, size_t len)
{
	while (len--) {
		uint8_t byte = (uint8_t)rng_next(&g->rng);

		fb_buf_put(out, &byte, 1);
	}
}

static void put16(struct fb_buf *out, uint16_t v)
{
	uint8_t bytes[2];

	fb_set16(bytes, v);
	fb_buf_put(out, bytes, sizeof bytes);
}

static void put32(struct fb_buf *out, uint32_t v)
{
	uint8_t bytes[4];

	fb_set32(bytes, v);
	fb_buf_put(out, bytes, sizeof bytes);
}

/* --- Above IP --- */

static void put_tcp(struct gen *g, struct fb_buf *out)
{
	uint32_t options = gen_percent(g, 30) ? 4 * gen_below(g, 4) : 0;
	uint32_t words = 5 + options / 4;

	if (gen_percent(g, 3))
		words = gen_below(g, 16);
	put16(out, gen_tp(g));
	put16(out, gen_tp(g));
	put32(out, gen_below(g, 1000));
	put32(out, gen_below(g, 1000));
	put16(out, (uint16_t)(words << 12 | gen_below(g, 256)));
	put16(out, 8192);
	put32(out, 0);
	put_bytes(g, out, options + gen_below(g, 24));
}

static void put_udp(struct gen *g, struct fb_buf *out)
{
	uint32_t payload = gen_below(g, 24);
	uint32_t len = FB_UDP_HEADER_BYTES + payload;

	if (gen_percent(g, 4))
		len = gen_below(g, 64);
	put16(out, gen_tp(g));
	put16(out, gen_tp(g));
	put16(out, (uint16_t)len);
	put16(out, 0);
	put_bytes(g, out, payload);
}

static void put_icmp(struct gen *g, struct fb_buf *out)
{
	static const uint8_t types[] = {0, 3, 8, 8, 11, 13, 255};
	uint8_t type = PICK(g, types);

	put16(out, (uint16_t)(type << 8 | (gen_percent(g, 60) ? 0 : gen_below(g, 256))));
	put16(out, 0);
	put32(out, gen_below(g, 65536));
	put_bytes(g, out, gen_below(g, 24));
}

/* What follows an IP header with the protocol 'proto'; returns where its checksum stands (0: it has
 * none, or wants none). */
static size_t put_l4(struct gen *g, struct fb_buf *out, uint8_t proto)
{
	size_t start = out->len;

	switch (proto) {
	case FB_IP_TCP:
		put_tcp(g, out);
		return start + 16;
	case FB_IP_UDP:
		put_udp(g, out);
		return gen_percent(g, 15) ? 0 : start + 6;
	case FB_IP_ICMP:
		put_icmp(g, out);
		return start + 2;
	case IP_SCTP:
		put16(out, gen_tp(g));
		put16(out, gen_tp(g));
		put_bytes(g, out, 8 + gen_below(g, 16));
		return 0;
	default:
		put_bytes(g, out, gen_below(g, 40));
		return 0;
	}
}

/* --- IP --- */

static uint8_t pick_proto(struct gen *g)
{
	static const uint8_t protos[] = {
	        FB_IP_TCP, FB_IP_TCP, FB_IP_TCP,  FB_IP_TCP,  FB_IP_UDP,  FB_IP_UDP,
	        FB_IP_UDP, FB_IP_UDP, FB_IP_ICMP, FB_IP_ICMP, FB_IP_ICMP, IP_SCTP,
	        2,         47,        0,          255,
	};

	return known_avoid_proto(PICK(g, protos));
}

/* Flags and offset of the IP header: mostly no fragment, else the first, a middle or the last one.
 */
static uint16_t pick_fragment(struct gen *g)
{
	uint16_t offset = (uint16_t)(1 + gen_below(g, 200));

	switch (gen_below(g, 20)) {
	case 0:
		return 0x2000;
	case 1:
		return 0x2000 | offset;
	case 2:
		return offset;
	case 3:
		return 0x4000;
	default:
		return 0;
	}
}

/* Make an IPv4 header's lengths and version wrong. */
static void spoil_ipv4(struct gen *g, uint8_t *ip)
{
	switch (gen_below(g, 4)) {
	case 0:
		ip[0] = (uint8_t)(4 << 4 | gen_below(g, 16));
		break;
	case 1:
		ip[0] = (uint8_t)(known_avoid_version((uint8_t)gen_below(g, 16)) << 4 |
		                  (ip[0] & 15));
		break;
	case 2:
		fb_set16(ip + 2, (uint16_t)gen_below(g, 100));
		break;
	case 3:
		fb_set16(ip + 2, (uint16_t)rng_next(&g->rng));
		break;
	}
}

/* Fill in the IP header's checksum and, where 'l4_check' tells one and the packet is whole, that
 * of what it carries. */
static void fill_checksums(struct fb_buf *out, size_t ip_ofs, size_t ip_bytes, size_t l4_check)
{
	uint8_t *ip = out->data + ip_ofs;
	size_t l4_ofs = ip_ofs + ip_bytes, l4_len = out->len - l4_ofs;
	uint64_t sum = 0;

	fb_set16(ip + 10, fb_checksum_finish(fb_checksum_add(0, ip, ip_bytes)));
	if (!l4_check || fb_get16(ip + 6) & 0x3fff)
		return;
	if (ip[9] != FB_IP_ICMP)
		sum = fb_checksum_pseudo(fb_get32(ip + 12), fb_get32(ip + 16), ip[9],
		                         (uint32_t)l4_len);
	fb_set16(out->data + l4_check,
	         fb_checksum_finish(fb_checksum_add(sum, out->data + l4_ofs, l4_len)));
}

static void put_ipv4(struct gen *g, struct fb_buf *out)
{
	uint32_t options = gen_percent(g, 10) ? 4 * (1 + gen_below(g, 10)) : 0;
	size_t ip_ofs = out->len, ip_bytes = FB_IPV4_HEADER_BYTES + options;
	uint8_t proto = pick_proto(g);
	uint8_t *ip = fb_buf_reserve(out, ip_bytes);
	size_t l4_check;

	memset(ip, 1, ip_bytes); /* options: NOP */
	ip[0] = (uint8_t)(0x40 | ip_bytes / 4);
	ip[1] = gen_percent(g, 50) ? 0 : (uint8_t)rng_next(&g->rng);
	fb_set16(ip + 4, (uint16_t)gen_below(g, 1000));
	fb_set16(ip + 6, pick_fragment(g));
	ip[8] = (uint8_t)(1 + gen_below(g, 64));
	ip[9] = proto;
	fb_set16(ip + 10, 0);
	fb_set32(ip + 12, gen_ip(g));
	fb_set32(ip + 16, gen_ip(g));
	l4_check = put_l4(g, out, proto);
	fb_set16(ip + 2, (uint16_t)(out->len - ip_ofs));
	fill_checksums(out, ip_ofs, ip_bytes, l4_check);
	if (gen_percent(g, 3))
		put_bytes(g, out, 0);
	if (gen_percent(g, 5))
		ip[10]++; /* a wrong checksum is forwarded as it is */
	if (gen_percent(g, 8))
		spoil_ipv4(g, ip);
}

static void put_ipv6(struct gen *g, struct fb_buf *out)
{
	static const uint8_t next[] = {FB_IP_TCP, FB_IP_UDP, 58, 0, 44, 59};
	size_t ip_ofs = out->len;
	uint8_t proto = PICK(g, next);

	put32(out, 0x60000000 | gen_below(g, 256) << 20);
	put16(out, 0);
	fb_buf_put(out, &proto, 1);
	put_bytes(g, out, 1 + 32);
	if (proto == FB_IP_TCP || proto == FB_IP_UDP)
		put_l4(g, out, proto);
	else
		put_bytes(g, out, gen_below(g, 40));
	fb_set16(out->data + ip_ofs + 4, (uint16_t)(out->len - ip_ofs - 40));
}

/* --- Above Ethernet --- */

static void put_arp(struct gen *g, struct fb_buf *out)
{
	static const uint16_t ops[] = {1, 1, 1, 2, 2, 3, 0, 255, 256, 257, 0x0102};
	uint8_t mac[FB_MAC_BYTES];
	size_t arp_ofs = out->len;

	put32(out, 0x00010800);
	put16(out, 0x0604);
	put16(out, PICK(g, ops));
	gen_mac(g, mac);
	fb_buf_put(out, mac, sizeof mac);
	put32(out, gen_ip(g));
	gen_mac(g, mac);
	fb_buf_put(out, mac, sizeof mac);
	put32(out, gen_ip(g));
	if (gen_percent(g, 6))
		out->data[arp_ofs + gen_below(g, 6)] ^= (uint8_t)(1 + gen_below(g, 255));
}

static uint16_t pick_type(struct gen *g)
{
	static const uint16_t odd[] = {0x0600, 0x88cc, 0x8847, 0x8848, 0x86dd, ETH_RARP,
	                               0x9000, 0xffff, 0x88b5, 0x8863, 0x8809, 0x894f};
	unsigned dice = gen_below(g, 100);

	if (dice < 62)
		return FB_ETH_IPV4;
	if (dice < 78)
		return FB_ETH_ARP;
	return PICK(g, odd);
}

/* What an Ethernet type is of. */
static void put_payload(struct gen *g, struct fb_buf *out, uint16_t type)
{
	switch (type) {
	case FB_ETH_IPV4:
		put_ipv4(g, out);
		break;
	case FB_ETH_ARP:
	case ETH_RARP:
		put_arp(g, out);
		break;
	case FB_ETH_IPV6:
		put_ipv6(g, out);
		break;
	case 0x8847:
	case 0x8848: /* one or two labels, the last with the bottom bit */
		if (gen_percent(g, 40))
			put32(out, 0x00064040);
		put32(out, 0x00065140);
		put_ipv4(g, out);
		break;
	default:
		put_bytes(g, out, gen_below(g, 50));
	}
}

/* An 802.3 frame's length and what it is of: LLC alone, or LLC and SNAP with an Ethernet type. */
static void put_802_3(struct gen *g, struct fb_buf *out)
{
	static const uint8_t snap[] = {0xaa, 0xaa, 0x03, 0, 0, 0};
	size_t length_ofs = out->len;
	uint16_t type = gen_percent(g, 90) ? pick_type(g) : (uint16_t)gen_below(g, 0x600);
	uint32_t len;

	put16(out, 0);
	if (gen_percent(g, 35)) {
		put_bytes(g, out, gen_below(g, 50));
	} else {
		fb_buf_put(out, snap, sizeof snap);
		if (gen_percent(g, 10))
			out->data[out->len - 1 - gen_below(g, 6)] ^= 1;
		put16(out, type);
		put_payload(g, out, type);
	}
	len = (uint32_t)(out->len - length_ofs - 2);
	if (gen_percent(g, 10))
		len = gen_below(g, 0x600);
	fb_set16(out->data + length_ofs, (uint16_t)len);
}

/* Tags: none, one (also a priority tag, and one without what OpenFlow calls a VLAN), or two. */
static void put_tags(struct gen *g, struct fb_buf *out)
{
	unsigned dice = gen_below(g, 100);
	uint16_t tci = (uint16_t)(gen_below(g, 8) << 13 | gen_vid(g));

	if (dice < 55)
		return;
	if (dice >= 90 && gen_percent(g, 50)) {
		put16(out, ETH_8021AD);
		put16(out, tci);
		if (gen_percent(g, 30))
			return;
	} else if (dice >= 90 && g->double_tags) {
		put16(out, FB_ETH_VLAN);
		put16(out, tci);
	}
	tci = (uint16_t)(gen_below(g, 8) << 13 | gen_vid(g));
	if (gen_percent(g, 3))
		tci = known_avoid_cfi(tci | 0x1000);
	put16(out, FB_ETH_VLAN);
	put16(out, tci);
}

/* Cut the frame: anywhere, or where its network header or what it carries begins, or soon after. */
static void truncate(struct gen *g, struct fb_buf *out)
{
	struct fb_packet packet;
	uint32_t at = FB_ETH_HEADER_BYTES;

	fb_packet_parse(&packet, out->data, out->len);
	if (packet.l4_ofs && gen_percent(g, 50))
		at = packet.l4_ofs;
	else if (packet.l3_ofs && gen_percent(g, 50))
		at = packet.l3_ofs;
	at += gen_below(g, 24);
	if (at < out->len)
		out->len = at;
}

/* Bytes behind the frame: up to the least length of Ethernet, or many. */
static void pad(struct gen *g, struct fb_buf *out)
{
	if (gen_percent(g, 20) && out->len < 60)
		put_bytes(g, out, 60 - out->len);
	else if (gen_percent(g, 1))
		put_bytes(g, out, 1400 - out->len % 1000);
}

void gen_frame(struct gen *g, struct fb_buf *out)
{
	uint8_t mac[FB_MAC_BYTES];
	size_t type_ofs;

	out->len = 0;
	gen_mac(g, mac);
	fb_buf_put(out, mac, sizeof mac);
	fb_mac_from_u64(mac, 0x020000000001 + gen_below(g, 5));
	if (gen_percent(g, 4))
		gen_mac(g, mac);
	fb_buf_put(out, mac, sizeof mac);
	put_tags(g, out);
	type_ofs = out->len;
	if (gen_percent(g, 10)) {
		put_802_3(g, out);
	} else {
		uint16_t type = pick_type(g);

		put16(out, type);
		put_payload(g, out, type);
	}
	if (gen_percent(g, 12))
		truncate(g, out);
	else
		pad(g, out);
	if (out->len >= type_ofs + 2 && fb_get16(out->data + type_ofs) < 0x600)
		known_avoid_length(out->data + type_ofs, out->len - type_ofs - 2);
	known_avoid_cut_tag(out->data, out->len);
	if (out->overflow)
		die("a frame does not fit");
}
