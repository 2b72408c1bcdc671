/* Random but real frames for tests, from a seeded generator.
 *
 * Values come from small sets, so that frames share fields with each other: addresses from nested
 * prefixes, a handful of ports and VLANs. All kinds that lib/wire tells apart are made, with right
 * checksums, and one in eight has the bytes of its end missing. */
#ifndef WIRE_FRAME_GEN_H
#define WIRE_FRAME_GEN_H

#include <flowbed/packet.h>

#include "lib/base/rng.h"

enum { FRAME_GEN_BYTES_MAX = 512, FRAME_GEN_PAYLOAD_MAX = 200 };

static inline uint32_t frame_gen_ip(struct rng *rng)
{
	static const uint32_t ips[] = {0x0a000001, 0x0a000002, 0x0a0000ff, 0x0a000100, 0x0a010203,
				       0x0b000001, 0x8a000001, 0x00000000, 0xffffffff, 0xc0a80202};

	return ips[rng_below(rng, sizeof ips / sizeof ips[0])];
}

static inline uint16_t frame_gen_port(struct rng *rng)
{
	static const uint16_t ports[] = {0, 22, 80, 0x8000, 0xffff};

	return ports[rng_below(rng, sizeof ports / sizeof ports[0])];
}

static inline struct fb_eth_spec frame_gen_eth(struct rng *rng)
{
	static const uint16_t tcis[] = {0, 5, 0x0fff, 0xa005, 0xe000, 0x1005};
	struct fb_eth_spec eth = {{2, 0, 0, 0, 0, 0}, {2, 0, 0, 0, 0, 0}, false, 0};

	eth.dl_dst[5] = (uint8_t)rng_below(rng, 3);
	eth.dl_src[5] = (uint8_t)rng_below(rng, 3);
	eth.has_vlan = rng_below(rng, 3) == 0;
	if (eth.has_vlan)
		eth.vlan_tci = tcis[rng_below(rng, sizeof tcis / sizeof tcis[0])];
	return eth;
}

static inline struct fb_ipv4_spec frame_gen_ipv4(struct rng *rng)
{
	struct fb_ipv4_spec ip = {0};

	ip.nw_src = frame_gen_ip(rng);
	ip.nw_dst = frame_gen_ip(rng);
	ip.nw_tos = (uint8_t)rng_below(rng, 16);
	ip.nw_ttl = (uint8_t)rng_below(rng, 256);
	ip.ip_id = (uint16_t)rng_next(rng);
	if (rng_below(rng, 6) == 0) {
		ip.more_fragments = rng_below(rng, 2) != 0;
		ip.frag_offset = (uint16_t)(rng_below(rng, 3) * 8);
	}
	return ip;
}

/* An 802.3 frame whose LLC header may be SNAP's and may then hold 'inner', an Ethernet type. */
static inline void frame_gen_802_3(struct rng *rng, struct fb_buf *out,
				   const struct fb_eth_spec *eth)
{
	uint8_t body[64] = {0xaa, 0xaa, 0x03, 0, 0, 0, 0x88, 0xcc};

	if (rng_below(rng, 2))
		body[0] = 0x42;
	if (rng_below(rng, 4) == 0)
		body[5] = 0x0c;
	fb_build_eth(out, eth, sizeof body, body, sizeof body);
}

static inline void frame_gen_ip_packet(struct rng *rng, struct fb_buf *out,
				       const struct fb_eth_spec *eth)
{
	static const uint8_t options[8] = {2, 4, 5, 0xb4, 1, 3, 3, 7};
	struct fb_ipv4_spec ip = frame_gen_ipv4(rng);
	struct fb_tcp_spec tcp = {.flags = FB_TCP_ACK, .window = 1000};
	uint8_t payload[FRAME_GEN_PAYLOAD_MAX];
	size_t payload_len = rng_below(rng, sizeof payload + 1);

	for (size_t i = 0; i < payload_len; i++)
		payload[i] = (uint8_t)rng_next(rng);
	tcp.tp_src = frame_gen_port(rng);
	tcp.tp_dst = frame_gen_port(rng);
	tcp.seq = (uint32_t)rng_next(rng);
	tcp.options = options;
	tcp.options_len = (uint8_t)(rng_below(rng, 3) * 4);
	switch (rng_below(rng, 4)) {
	case 0:
		fb_build_tcp(out, eth, &ip, &tcp, payload, payload_len);
		break;
	case 1:
		fb_build_udp(out, eth, &ip, tcp.tp_src, tcp.tp_dst, payload, payload_len);
		break;
	case 2:
		fb_build_icmp(out, eth, &ip, tcp.tp_src ? 8 : 0, 0, tcp.seq, payload, payload_len);
		break;
	case 3:
		fb_build_ipv4(out, eth, &ip, 253, payload, payload_len);
		break;
	}
}

/* Write one whole frame to the FRAME_GEN_BYTES_MAX bytes at 'bytes'; returns its length. */
static inline size_t frame_gen_whole(struct rng *rng, uint8_t *bytes)
{
	struct fb_buf out = fb_buf_make(bytes, FRAME_GEN_BYTES_MAX);
	struct fb_eth_spec eth = frame_gen_eth(rng);
	uint16_t op;
	uint32_t spa, tpa;

	switch (rng_below(rng, 8)) {
	case 0:
		op = (uint16_t)(1 + rng_below(rng, 2));
		spa = frame_gen_ip(rng);
		tpa = frame_gen_ip(rng);
		fb_build_arp(&out, &eth, op, eth.dl_src, spa, eth.dl_dst, tpa);
		break;
	case 1:
		fb_build_eth(&out, &eth, FB_ETH_LLDP, "abcd", 4);
		break;
	case 2:
		frame_gen_802_3(rng, &out, &eth);
		break;
	default:
		frame_gen_ip_packet(rng, &out, &eth);
		break;
	}
	return out.len;
}

/* The same; one in eight ends early. */
static inline size_t frame_gen(struct rng *rng, uint8_t *bytes)
{
	size_t len = frame_gen_whole(rng, bytes);

	if (rng_below(rng, 8) == 0)
		len = FB_ETH_HEADER_BYTES + rng_below(rng, len - FB_ETH_HEADER_BYTES + 1);
	return len;
}

#endif
