/* Tests of the frame parser. Frames are written out by hand here, so that the parser is not tested
 * by the builders of the same library. */
#include <flowbed/packet.h>

#include "tests/unit/harness.h"
#include "tests/unit/wire/frame_gen.h"
#include "tests/unit/wire/packets_equal.h"

#include <stdlib.h>

/* --- Frames by hand --- */

#define MACS 0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0, 0, 0, 0x01
#define TYPE(type) (uint8_t)((type) >> 8), (uint8_t)(type)
#define TAG(tci) 0x81, 0x00, TYPE(tci)
/* 192.168.2.1 > 192.168.2.2, id 0x1234, ttl 64; 'frag' is the word of flags and offset, 'len' the
 * total length. */
#define IPV4(ihl, len, frag, proto)                                                                \
	0x40 | (ihl), 0xb9, TYPE(len), 0x12, 0x34, TYPE(frag), 64, proto, 0, 0, 192, 168, 2, 1,    \
		192, 168, 2, 2
/* 40000 > 22, seq 0x01020304, ack 0x05060708, SYN ACK, window 0xfaf0 */
#define TCP(doff)                                                                                  \
	0x9c, 0x40, 0, 22, 1, 2, 3, 4, 5, 6, 7, 8, (doff) << 4, 0x12, 0xfa, 0xf0, 0, 0, 0, 0
#define UDP(len) 0x9c, 0x40, 0, 53, TYPE(len), 0, 0
#define ECHO_REQUEST 8, 0, 0, 0, 0xab, 0xcd, 0, 7
#define ARP_TO(op)                                                                                 \
	0, 1, 8, 0, 6, 4, TYPE(op), 2, 0, 0, 0, 0, 1, 192, 168, 2, 1, 0, 0, 0, 0, 0, 9, 192, 168, 2, 2

static const uint8_t tcp_frame[] = {MACS, TYPE(0x0800), IPV4(5, 44, 0x4000, 6), TCP(5), 'a', 'b',
				    'c',  'd'};
static const uint8_t arp_frame[] = {MACS, TYPE(0x0806), ARP_TO(1)};

/* Parse a copy of exactly 'len' bytes on the heap, where AddressSanitizer sees every byte read
 * beyond. The result's pointers are turned back to 'bytes'. */
static struct fb_packet parse(const uint8_t *bytes, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct fb_packet p;

	memcpy(copy, bytes, len);
	fb_packet_parse(&p, copy, len);
	p.data = bytes;
	p.dl_dst = p.dl_dst ? bytes + (p.dl_dst - copy) : NULL;
	p.dl_src = p.dl_src ? bytes + (p.dl_src - copy) : NULL;
	p.arp_sha = p.arp_sha ? bytes + (p.arp_sha - copy) : NULL;
	p.arp_tha = p.arp_tha ? bytes + (p.arp_tha - copy) : NULL;
	free(copy);
	return p;
}

/* Parse the frame made of the bytes given. */
#define PARSE(...)                                                                                 \
	parse((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static bool has_l4(const struct fb_packet *p)
{
	return p->is_tcp || p->is_udp || p->is_icmp || p->tp_src || p->tp_dst || p->payload_ofs ||
	       p->payload_len;
}

/* --- Layer by layer --- */

static void a_tcp_frame_is_read_whole(void)
{
	struct fb_packet p = parse(tcp_frame, sizeof tcp_frame);

	CU_ASSERT_PTR_NULL(p.problem);
	CU_ASSERT_EQUAL(p.len, sizeof tcp_frame);
	CU_ASSERT_EQUAL(fb_mac_to_u64(p.dl_dst), 0x020000000002);
	CU_ASSERT_EQUAL(fb_mac_to_u64(p.dl_src), 0x020000000001);
	CU_ASSERT_FALSE(p.has_vlan);
	CU_ASSERT_EQUAL(p.dl_type, FB_ETH_IPV4);
	CU_ASSERT_EQUAL(p.l3_ofs, 14);
	CU_ASSERT_TRUE(p.is_ipv4);
	CU_ASSERT_FALSE(p.is_arp);
	CU_ASSERT_EQUAL(p.nw_tos, 0xb9);
	CU_ASSERT_EQUAL(p.nw_ttl, 64);
	CU_ASSERT_EQUAL(p.nw_proto, FB_IP_TCP);
	CU_ASSERT_EQUAL(p.nw_src, 0xc0a80201);
	CU_ASSERT_EQUAL(p.nw_dst, 0xc0a80202);
	CU_ASSERT_EQUAL(p.ip_id, 0x1234);
	CU_ASSERT_EQUAL(p.ip_total_len, 44);
	CU_ASSERT_TRUE(p.dont_fragment);
	CU_ASSERT_FALSE(p.more_fragments);
	CU_ASSERT_EQUAL(p.frag_offset, 0);
	CU_ASSERT_EQUAL(p.l4_ofs, 34);
	CU_ASSERT_EQUAL(p.l4_len, 24);
	CU_ASSERT_TRUE(p.is_tcp);
	CU_ASSERT_FALSE(p.is_udp || p.is_icmp);
	CU_ASSERT_EQUAL(p.tp_src, 40000);
	CU_ASSERT_EQUAL(p.tp_dst, 22);
	CU_ASSERT_EQUAL(p.tcp_seq, 0x01020304);
	CU_ASSERT_EQUAL(p.tcp_ack, 0x05060708);
	CU_ASSERT_EQUAL(p.tcp_flags, FB_TCP_SYN | FB_TCP_ACK);
	CU_ASSERT_EQUAL(p.tcp_window, 0xfaf0);
	CU_ASSERT_EQUAL(p.payload_ofs, 54);
	CU_ASSERT_EQUAL(p.payload_len, 4);
}

static void a_udp_frame_is_read_whole(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(0x0800), IPV4(5, 31, 0, 17), UDP(11), 'a', 'b', 'c');

	CU_ASSERT_PTR_NULL(p.problem);
	CU_ASSERT_TRUE(p.is_udp);
	CU_ASSERT_FALSE(p.is_tcp || p.is_icmp);
	CU_ASSERT_EQUAL(p.tp_src, 40000);
	CU_ASSERT_EQUAL(p.tp_dst, 53);
	CU_ASSERT_EQUAL(p.payload_ofs, 42);
	CU_ASSERT_EQUAL(p.payload_len, 3);
}

static void an_echo_request_has_type_code_id_and_sequence(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(0x0800), IPV4(5, 30, 0, 1), ECHO_REQUEST, 'a', 'b');

	CU_ASSERT_PTR_NULL(p.problem);
	CU_ASSERT_TRUE(p.is_icmp);
	CU_ASSERT_EQUAL(p.tp_src, FB_ICMP_ECHO_REQUEST);
	CU_ASSERT_EQUAL(p.tp_dst, 0);
	CU_ASSERT_EQUAL(p.icmp_id, 0xabcd);
	CU_ASSERT_EQUAL(p.icmp_seq, 7);
	CU_ASSERT_EQUAL(p.payload_ofs, 42);
	CU_ASSERT_EQUAL(p.payload_len, 2);
}

static void an_icmp_error_has_no_echo_fields(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(0x0800), IPV4(5, 28, 0, 1), 3, 4, 0, 0, 0xab, 0xcd, 5, 0xdc);

	CU_ASSERT_TRUE(p.is_icmp);
	CU_ASSERT_EQUAL(p.tp_src, FB_ICMP_UNREACHABLE);
	CU_ASSERT_EQUAL(p.tp_dst, 4);
	CU_ASSERT_EQUAL(p.icmp_id, 0);
	CU_ASSERT_EQUAL(p.icmp_seq, 0);
}

static void an_arp_request_has_addresses_and_opcode(void)
{
	struct fb_packet p = parse(arp_frame, sizeof arp_frame);

	CU_ASSERT_PTR_NULL(p.problem);
	CU_ASSERT_TRUE(p.is_arp);
	CU_ASSERT_FALSE(p.is_ipv4);
	CU_ASSERT_EQUAL(p.l3_ofs, 14);
	CU_ASSERT_EQUAL(p.arp_op, FB_ARP_REQUEST);
	CU_ASSERT_EQUAL(p.nw_proto, FB_ARP_REQUEST);
	CU_ASSERT_EQUAL(fb_mac_to_u64(p.arp_sha), 0x020000000001);
	CU_ASSERT_EQUAL(fb_mac_to_u64(p.arp_tha), 9);
	CU_ASSERT_EQUAL(p.nw_src, 0xc0a80201);
	CU_ASSERT_EQUAL(p.nw_dst, 0xc0a80202);
	CU_ASSERT_FALSE(has_l4(&p));
}

static void the_low_byte_of_a_long_arp_opcode_is_the_protocol(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(0x0806), ARP_TO(0x0302));

	CU_ASSERT_EQUAL(p.arp_op, 0x0302);
	CU_ASSERT_EQUAL(p.nw_proto, 2);
}

static void arp_for_other_networks_is_not_arp(void)
{
	static const struct {
		size_t at;
		uint8_t value;
	} changes[] = {{15, 6}, {16, 0x86}, {18, 8}, {19, 16}};
	uint8_t frame[sizeof arp_frame];
	struct fb_packet p;

	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		memcpy(frame, arp_frame, sizeof frame);
		frame[changes[i].at] = changes[i].value;
		p = parse(frame, sizeof frame);
		CU_ASSERT_EQUAL(p.dl_type, FB_ETH_ARP);
		CU_ASSERT_FALSE(p.is_arp);
		CU_ASSERT_PTR_NOT_NULL(p.problem);
		CU_ASSERT_EQUAL(p.nw_src | p.nw_dst | p.nw_proto, 0);
	}
}

static void a_vlan_tag_is_read_and_passed(void)
{
	struct fb_packet p = PARSE(MACS, TAG(0xa005), TYPE(0x0806), ARP_TO(2));

	CU_ASSERT_TRUE(p.has_vlan);
	CU_ASSERT_EQUAL(p.vlan_tci, 0xa005);
	CU_ASSERT_EQUAL(p.dl_type, FB_ETH_ARP);
	CU_ASSERT_TRUE(p.is_arp);
	CU_ASSERT_EQUAL(p.l3_ofs, 18);
}

static void a_second_tag_is_the_type_of_the_first(void)
{
	struct fb_packet p = PARSE(MACS, TAG(5), TAG(6), TYPE(0x0806), ARP_TO(2));

	CU_ASSERT_PTR_NULL(p.problem);
	CU_ASSERT_EQUAL(p.vlan_tci, 5);
	CU_ASSERT_EQUAL(p.dl_type, FB_ETH_VLAN);
	CU_ASSERT_FALSE(p.is_arp);
}

static void a_service_tag_is_a_type_like_any_other(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(0x88a8), 0, 5, TYPE(0x0806), ARP_TO(2));

	CU_ASSERT_FALSE(p.has_vlan);
	CU_ASSERT_EQUAL(p.dl_type, 0x88a8);
}

static void unknown_types_are_kept_and_not_looked_into(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(0x86dd), 0x60, 0, 0, 0);

	CU_ASSERT_PTR_NULL(p.problem);
	CU_ASSERT_EQUAL(p.dl_type, FB_ETH_IPV6);
	CU_ASSERT_EQUAL(p.l3_ofs, 0);
	p = PARSE(MACS, TYPE(0x0600));
	CU_ASSERT_EQUAL(p.dl_type, 0x0600);
}

/* --- 802.3 --- */

static void llc_without_snap_has_no_ethernet_type(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(38), 0x42, 0x42, 0x03, 0, 0, 0, 0, 0);

	CU_ASSERT_PTR_NULL(p.problem);
	CU_ASSERT_EQUAL(p.dl_type, FB_ETH_NOT_ETH_TYPE);
	p = PARSE(MACS, TYPE(0x05ff), 0x42, 0x42, 0x03, 0, 0, 0, 0, 0);
	CU_ASSERT_EQUAL(p.dl_type, FB_ETH_NOT_ETH_TYPE);
	p = PARSE(MACS, TYPE(0));
	CU_ASSERT_EQUAL(p.dl_type, FB_ETH_NOT_ETH_TYPE);
}

static void snap_of_organisation_zero_names_the_type(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(36), 0xaa, 0xaa, 0x03, 0, 0, 0, TYPE(0x0806), ARP_TO(1));

	CU_ASSERT_EQUAL(p.dl_type, FB_ETH_ARP);
	CU_ASSERT_TRUE(p.is_arp);
	CU_ASSERT_EQUAL(p.l3_ofs, 22);
	p = PARSE(MACS, TAG(7), TYPE(36), 0xaa, 0xaa, 0x03, 0, 0, 0, TYPE(0x0806), ARP_TO(1));
	CU_ASSERT_TRUE(p.is_arp);
	CU_ASSERT_EQUAL(p.vlan_tci, 7);
	CU_ASSERT_EQUAL(p.l3_ofs, 26);
}

static void snap_of_another_organisation_has_no_ethernet_type(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(36), 0xaa, 0xaa, 0x03, 0, 0, 0x0c, TYPE(0x0806), ARP_TO(1));

	CU_ASSERT_EQUAL(p.dl_type, FB_ETH_NOT_ETH_TYPE);
	CU_ASSERT_FALSE(p.is_arp);
}

static void snap_with_a_length_for_a_type_has_no_ethernet_type(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(8), 0xaa, 0xaa, 0x03, 0, 0, 0, TYPE(0x05dc));

	CU_ASSERT_EQUAL(p.dl_type, FB_ETH_NOT_ETH_TYPE);
}

static void bytes_beyond_an_802_3_length_are_padding(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(7), 0xaa, 0xaa, 0x03, 0, 0, 0, TYPE(0x0806), ARP_TO(1));

	CU_ASSERT_EQUAL(p.dl_type, FB_ETH_NOT_ETH_TYPE);
	p = PARSE(MACS, TYPE(35), 0xaa, 0xaa, 0x03, 0, 0, 0, TYPE(0x0806), ARP_TO(1));
	CU_ASSERT_EQUAL(p.dl_type, FB_ETH_ARP);
	CU_ASSERT_FALSE(p.is_arp);
}

/* --- IPv4 --- */

static void padding_of_the_frame_is_not_payload(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(0x0800), IPV4(5, 41, 0, 6), TCP(5), 'a', 0, 0, 0, 0, 0);

	CU_ASSERT_EQUAL(p.l4_len, 21);
	CU_ASSERT_EQUAL(p.payload_len, 1);
}

static void ip_options_move_the_ports(void)
{
	struct fb_packet p =
		PARSE(MACS, TYPE(0x0800), IPV4(7, 49, 0, 6), 1, 1, 1, 1, 1, 1, 1, 0, TCP(5), 'x');

	CU_ASSERT_TRUE(p.is_tcp);
	CU_ASSERT_EQUAL(p.l4_ofs, 42);
	CU_ASSERT_EQUAL(p.tp_dst, 22);
	CU_ASSERT_EQUAL(p.payload_len, 1);
}

static void wrong_ip_headers_are_not_ipv4(void)
{
	static const struct {
		size_t at;
		uint8_t value;
	} changes[] = {
		{14, 0x65},  /* version 6 */
		{14, 0x44},  /* header of 16 bytes */
		{14, 0x40},  /* header of none */
		{14, 0x4f},  /* header of 60 bytes, total length 44 */
		{17, 19},    /* total length under the header's */
		{17, 0},
	};
	uint8_t frame[sizeof tcp_frame];
	struct fb_packet p;

	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		memcpy(frame, tcp_frame, sizeof frame);
		frame[changes[i].at] = changes[i].value;
		p = parse(frame, sizeof frame);
		CU_ASSERT_EQUAL(p.dl_type, FB_ETH_IPV4);
		CU_ASSERT_FALSE(p.is_ipv4);
		CU_ASSERT_PTR_NOT_NULL(p.problem);
		CU_ASSERT_EQUAL(p.nw_src | p.nw_dst | p.nw_proto | p.nw_tos, 0);
		CU_ASSERT_FALSE(has_l4(&p));
	}
}

static void other_protocols_have_no_ports(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(0x0800), IPV4(5, 40, 0, 47), TCP(5));

	CU_ASSERT_PTR_NULL(p.problem);
	CU_ASSERT_TRUE(p.is_ipv4);
	CU_ASSERT_EQUAL(p.nw_proto, 47);
	CU_ASSERT_EQUAL(p.l4_len, 20);
	CU_ASSERT_FALSE(has_l4(&p));
}

static void a_first_fragment_has_ports_and_a_later_one_has_not(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(0x0800), IPV4(5, 44, 0x2000, 6), TCP(5), 1, 2, 3, 4);

	CU_ASSERT_TRUE(p.more_fragments);
	CU_ASSERT_FALSE(fb_packet_is_later_fragment(&p));
	CU_ASSERT_TRUE(p.is_tcp);
	CU_ASSERT_EQUAL(p.tp_dst, 22);
	p = PARSE(MACS, TYPE(0x0800), IPV4(5, 44, 0x2003, 6), TCP(5), 1, 2, 3, 4);
	CU_ASSERT_PTR_NULL(p.problem);
	CU_ASSERT_TRUE(fb_packet_is_later_fragment(&p));
	CU_ASSERT_EQUAL(p.frag_offset, 24);
	CU_ASSERT_EQUAL(p.l4_ofs, 34);
	CU_ASSERT_EQUAL(p.l4_len, 24);
	CU_ASSERT_FALSE(has_l4(&p));
	p = PARSE(MACS, TYPE(0x0800), IPV4(5, 44, 0x1fff, 6), TCP(5), 1, 2, 3, 4);
	CU_ASSERT_FALSE(p.more_fragments);
	CU_ASSERT_EQUAL(p.frag_offset, 65528);
}

static void a_first_udp_fragment_may_announce_more_than_it_holds(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(0x0800), IPV4(5, 36, 0x2000, 17), UDP(1000), 1, 2, 3,
				   4, 5, 6, 7, 8);

	CU_ASSERT_TRUE(p.is_udp);
	CU_ASSERT_EQUAL(p.payload_len, 8);
}

/* --- Layer 4 nonsense --- */

static void a_nonsense_tcp_data_offset_is_not_tcp(void)
{
	static const uint8_t offsets[] = {0, 4, 7, 15};
	uint8_t frame[sizeof tcp_frame];
	struct fb_packet p;

	for (size_t i = 0; i < sizeof offsets; i++) {
		memcpy(frame, tcp_frame, sizeof frame);
		frame[46] = (uint8_t)(offsets[i] << 4);
		p = parse(frame, sizeof frame);
		CU_ASSERT_TRUE(p.is_ipv4);
		CU_ASSERT_PTR_NOT_NULL(p.problem);
		CU_ASSERT_FALSE(has_l4(&p));
	}
	frame[46] = 6 << 4;
	p = parse(frame, sizeof frame);
	CU_ASSERT_TRUE(p.is_tcp);
	CU_ASSERT_EQUAL(p.payload_len, 0);
}

/* The ports are there, and nothing more. */
static bool has_only_ports(const struct fb_packet *p, uint16_t tp_src, uint16_t tp_dst)
{
	return p->problem && p->tp_src == tp_src && p->tp_dst == tp_dst && !p->is_tcp &&
	       !p->is_udp && !p->is_icmp && !p->payload_ofs && !p->payload_len;
}

static void of_a_nonsense_udp_length_the_ports_stay(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(0x0800), IPV4(5, 28, 0, 17), UDP(7));

	CU_ASSERT_TRUE(has_only_ports(&p, 40000, 53));
	p = PARSE(MACS, TYPE(0x0800), IPV4(5, 28, 0, 17), UDP(9));
	CU_ASSERT_TRUE(has_only_ports(&p, 40000, 53));
}

static void bytes_beyond_the_udp_length_are_not_payload(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(0x0800), IPV4(5, 32, 0, 17), UDP(10), 1, 2, 3, 4);

	CU_ASSERT_TRUE(p.is_udp);
	CU_ASSERT_EQUAL(p.payload_len, 2);
}

/* --- Cut short --- */

static void each_header_is_there_from_its_last_byte_on(void)
{
	static const uint8_t udp_frame[] = {MACS, TYPE(0x0800), IPV4(5, 28, 0, 17), UDP(8)};
	static const uint8_t icmp_frame[] = {MACS, TYPE(0x0800), IPV4(5, 28, 0, 1), ECHO_REQUEST};
	struct fb_packet p;

	for (size_t len = 0; len <= sizeof tcp_frame; len++) {
		p = parse(tcp_frame, len);
		CU_ASSERT_EQUAL(p.dl_type, len < 14 ? 0 : FB_ETH_IPV4);
		CU_ASSERT_EQUAL(p.is_ipv4, len >= 34);
		CU_ASSERT_EQUAL(p.nw_dst, len >= 34 ? 0xc0a80202 : 0);
		CU_ASSERT_EQUAL(p.is_tcp, len >= 54);
		CU_ASSERT_EQUAL(p.tp_src, len >= 54 ? 40000 : 0);
		CU_ASSERT_EQUAL(p.l4_len, len >= 34 ? len - 34 : 0);
		CU_ASSERT_EQUAL(p.payload_len, len >= 54 ? len - 54 : 0);
		CU_ASSERT_EQUAL(p.problem == NULL, len >= 54);
	}
	for (size_t len = 34; len <= sizeof udp_frame; len++) {
		p = parse(udp_frame, len);
		CU_ASSERT_EQUAL(p.is_udp, len == sizeof udp_frame);
		p = parse(icmp_frame, len);
		CU_ASSERT_EQUAL(p.is_icmp, len == sizeof icmp_frame);
	}
	for (size_t len = 0; len <= sizeof arp_frame; len++) {
		p = parse(arp_frame, len);
		CU_ASSERT_EQUAL(p.is_arp, len == sizeof arp_frame);
		CU_ASSERT_EQUAL(p.nw_src, len == sizeof arp_frame ? 0xc0a80201 : 0);
	}
}

static void less_than_an_ethernet_header_is_refused(void)
{
	struct fb_packet p;

	CU_ASSERT_EQUAL(fb_packet_parse(&p, tcp_frame, 13), -1);
	CU_ASSERT_PTR_EQUAL(p.data, tcp_frame);
	CU_ASSERT_EQUAL(p.len, 13);
	CU_ASSERT_PTR_NOT_NULL(p.problem);
	CU_ASSERT_PTR_NULL(p.dl_src);
	CU_ASSERT_EQUAL(fb_packet_parse(&p, tcp_frame, 14), 0);
	CU_ASSERT_EQUAL(fb_packet_parse(&p, NULL, 0), -1);
}

static void a_tag_cut_short_is_no_tag(void)
{
	static const uint8_t frame[] = {MACS, TAG(5), TYPE(0x0806)};
	struct fb_packet p;

	for (size_t len = 14; len < sizeof frame; len++) {
		p = parse(frame, len);
		CU_ASSERT_FALSE(p.has_vlan);
		CU_ASSERT_EQUAL(p.dl_type, FB_ETH_VLAN);
		CU_ASSERT_PTR_NOT_NULL(p.problem);
	}
	p = parse(frame, sizeof frame);
	CU_ASSERT_TRUE(p.has_vlan);
	CU_ASSERT_EQUAL(p.dl_type, FB_ETH_ARP);
}

static void tcp_options_cut_off_leave_the_ports(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(0x0800), IPV4(5, 60, 0, 6), TCP(10), 2, 4, 5, 0xb4);

	CU_ASSERT_PTR_NULL(p.problem);
	CU_ASSERT_TRUE(p.is_tcp);
	CU_ASSERT_EQUAL(p.tp_dst, 22);
	CU_ASSERT_EQUAL(p.payload_ofs, 58);
	CU_ASSERT_EQUAL(p.payload_len, 0);
}

static void ip_options_cut_off_are_not_ipv4(void)
{
	struct fb_packet p = PARSE(MACS, TYPE(0x0800), IPV4(7, 48, 0, 6), 1, 1, 1, 1);

	CU_ASSERT_FALSE(p.is_ipv4);
	CU_ASSERT_PTR_NOT_NULL(p.problem);
}

static void a_whole_frame_has_no_packet_that_is_longer(void)
{
	const uint8_t bytes[] = {MACS, TAG(0xa00a), TYPE(0x0800), IPV4(5, 60, 0, 17), 0, 7, 0, 9};
	struct fb_packet p = parse(bytes, sizeof bytes), whole;

	CU_ASSERT_TRUE(p.is_ipv4);
	CU_ASSERT_TRUE(p.ip_is_cut);
	CU_ASSERT_EQUAL(fb_packet_parse_whole(&whole, bytes, sizeof bytes), 0);
	CU_ASSERT_FALSE(whole.is_ipv4);
	CU_ASSERT_EQUAL(whole.nw_src | whole.nw_dst | whole.nw_proto | whole.l4_ofs, 0);
	CU_ASSERT_EQUAL(whole.dl_type, FB_ETH_IPV4);
	CU_ASSERT_EQUAL(whole.vlan_tci, 0xa00a);
	CU_ASSERT_PTR_EQUAL(whole.dl_src, bytes + 6);
	CU_ASSERT_PTR_NOT_NULL(whole.problem);
}

static void a_whole_packet_is_the_same_to_both(void)
{
	const uint8_t bytes[] = {MACS, TYPE(0x0800), IPV4(5, 28, 0, 17), 0, 7, 0, 9, 0, 8, 0, 0, 9};
	struct fb_packet p = parse(bytes, sizeof bytes), whole;

	CU_ASSERT_FALSE(p.ip_is_cut);
	CU_ASSERT_EQUAL(fb_packet_parse_whole(&whole, bytes, sizeof bytes), 0);
	CU_ASSERT_TRUE(packets_equal(&p, &whole));
	CU_ASSERT_EQUAL(fb_packet_parse_whole(&whole, bytes, 13), -1);
}

/* Of any frame, whole or damaged, the Ethernet part of 'p' and nothing else. */
static struct fb_packet ethernet_part(const struct fb_packet *p)
{
	return (struct fb_packet){
	        .data = p->data,
	        .len = p->len,
	        .problem = p->dl_dst && p->dl_type != FB_ETH_VLAN ? NULL : p->problem,
	        .dl_dst = p->dl_dst,
	        .dl_src = p->dl_src,
	        .has_vlan = p->has_vlan,
	        .vlan_tci = p->vlan_tci,
	        .dl_type = p->dl_type,
	};
}

static void who_looks_at_ethernet_only_sees_it_as_all_do(void)
{
	uint8_t bytes[FRAME_GEN_BYTES_MAX];
	struct fb_packet whole, ethernet, expected;
	struct rng rng;

	rng_init(&rng, 1, "ethernet");
	memset(&ethernet, 0xff, sizeof ethernet);
	for (unsigned i = 0; i < 20000; i++) {
		size_t len = frame_gen(&rng, bytes);

		if (i % 8 == 0)
			len = rng_below(&rng, 20);
		CU_ASSERT_EQUAL(fb_packet_parse_ethernet(&ethernet, bytes, len),
		                fb_packet_parse(&whole, bytes, len));
		expected = ethernet_part(&whole);
		CU_ASSERT_TRUE(packets_equal(&ethernet, &expected));
	}
}

static void offsets_and_lengths_stay_inside_any_frame(void)
{
	uint8_t bytes[FRAME_GEN_BYTES_MAX];
	struct fb_packet p;
	struct rng rng;
	size_t len;

	rng_init(&rng, 1, "damage");
	for (unsigned i = 0; i < 20000; i++) {
		len = frame_gen(&rng, bytes);
		for (uint64_t damage = rng_below(&rng, 4); damage; damage--) {
			size_t at = rng_below(&rng, len);

			bytes[at] = (uint8_t)rng_next(&rng);
		}
		p = parse(bytes, len);
		CU_ASSERT_TRUE(p.l3_ofs <= len);
		CU_ASSERT_TRUE(p.l4_ofs + p.l4_len <= len);
		CU_ASSERT_TRUE(p.payload_ofs + p.payload_len <= len);
		CU_ASSERT_TRUE(p.is_tcp + p.is_udp + p.is_icmp <= p.is_ipv4);
		CU_ASSERT_FALSE(p.is_ipv4 && p.is_arp);
		CU_ASSERT_FALSE(fb_packet_is_later_fragment(&p) && has_l4(&p));
	}
}

/* --- Checksums --- */

/* A frame whose checksums were computed elsewhere: 192.168.2.1 to 192.168.2.2, UDP with "hello". */
static const uint8_t right_frame[] = {MACS, TYPE(0x0800), 0x45, 0,    0,    33,	  0x12, 0x34, 0,
				      0,    64,		  17,	0xe3, 0x44, 192,  168,	2,    1,
				      192,  168,	  2,	2,    0x9c, 0x40, 0,	53,   0,
				      13,   0x9a,	  0x38, 'h',  'e',  'l',  'l',	'o'};

static bool checksums_ok(const uint8_t *bytes, size_t len)
{
	struct fb_packet p;

	fb_packet_parse(&p, bytes, len);
	return fb_packet_checksums_ok(&p);
}

static void right_checksums_are_right_and_each_changed_bit_is_seen(void)
{
	uint8_t frame[sizeof right_frame];

	CU_ASSERT_TRUE(checksums_ok(right_frame, sizeof right_frame));
	memcpy(frame, right_frame, sizeof frame);
	for (size_t at = 22; at < sizeof frame; at++) {
		if (at == 38 || at == 39)  /* a wrong length makes it no UDP at all */
			continue;
		frame[at] ^= 0x10;
		CU_ASSERT_FALSE(checksums_ok(frame, sizeof frame));
		frame[at] ^= 0x10;
	}
}

static void padding_is_not_summed(void)
{
	uint8_t frame[60] = {0};

	memcpy(frame, right_frame, sizeof right_frame);
	frame[59] = 0xff;
	CU_ASSERT_TRUE(checksums_ok(frame, sizeof frame));
}

static void bytes_beyond_the_udp_length_are_not_summed(void)
{
	uint8_t frame[sizeof right_frame + 2];

	memcpy(frame, right_frame, sizeof right_frame);
	frame[17] += 2;
	frame[25] -= 2;
	fb_set16(frame + sizeof right_frame, 0x1234);
	CU_ASSERT_TRUE(checksums_ok(frame, sizeof frame));
}

static void a_udp_checksum_of_zero_is_right(void)
{
	uint8_t frame[sizeof right_frame];

	memcpy(frame, right_frame, sizeof frame);
	frame[40] = frame[41] = 0;
	CU_ASSERT_TRUE(checksums_ok(frame, sizeof frame));
	frame[24] ^= 1;
	CU_ASSERT_FALSE(checksums_ok(frame, sizeof frame));
}

static void a_packet_cut_short_has_no_right_checksum(void)
{
	CU_ASSERT_FALSE(checksums_ok(right_frame, sizeof right_frame - 1));
}

static void frames_without_checksums_are_right(void)
{
	CU_ASSERT_TRUE(checksums_ok(arp_frame, sizeof arp_frame));
	CU_ASSERT_TRUE(checksums_ok(right_frame, 20));
	CU_ASSERT_TRUE(checksums_ok(right_frame, 5));
}

UNIT_TESTS("packet", UNIT_TEST(a_tcp_frame_is_read_whole), UNIT_TEST(a_udp_frame_is_read_whole),
	   UNIT_TEST(an_echo_request_has_type_code_id_and_sequence),
	   UNIT_TEST(an_icmp_error_has_no_echo_fields),
	   UNIT_TEST(an_arp_request_has_addresses_and_opcode),
	   UNIT_TEST(the_low_byte_of_a_long_arp_opcode_is_the_protocol),
	   UNIT_TEST(arp_for_other_networks_is_not_arp), UNIT_TEST(a_vlan_tag_is_read_and_passed),
	   UNIT_TEST(a_second_tag_is_the_type_of_the_first),
	   UNIT_TEST(a_service_tag_is_a_type_like_any_other),
	   UNIT_TEST(unknown_types_are_kept_and_not_looked_into),
	   UNIT_TEST(llc_without_snap_has_no_ethernet_type),
	   UNIT_TEST(snap_of_organisation_zero_names_the_type),
	   UNIT_TEST(snap_of_another_organisation_has_no_ethernet_type),
	   UNIT_TEST(snap_with_a_length_for_a_type_has_no_ethernet_type),
	   UNIT_TEST(bytes_beyond_an_802_3_length_are_padding),
	   UNIT_TEST(padding_of_the_frame_is_not_payload), UNIT_TEST(ip_options_move_the_ports),
	   UNIT_TEST(wrong_ip_headers_are_not_ipv4), UNIT_TEST(other_protocols_have_no_ports),
	   UNIT_TEST(a_first_fragment_has_ports_and_a_later_one_has_not),
	   UNIT_TEST(a_first_udp_fragment_may_announce_more_than_it_holds),
	   UNIT_TEST(a_nonsense_tcp_data_offset_is_not_tcp),
	   UNIT_TEST(of_a_nonsense_udp_length_the_ports_stay),
	   UNIT_TEST(bytes_beyond_the_udp_length_are_not_payload),
	   UNIT_TEST(each_header_is_there_from_its_last_byte_on),
	   UNIT_TEST(less_than_an_ethernet_header_is_refused), UNIT_TEST(a_tag_cut_short_is_no_tag),
	   UNIT_TEST(tcp_options_cut_off_leave_the_ports),
	   UNIT_TEST(ip_options_cut_off_are_not_ipv4),
	   UNIT_TEST(a_whole_frame_has_no_packet_that_is_longer),
	   UNIT_TEST(a_whole_packet_is_the_same_to_both),
	   UNIT_TEST(who_looks_at_ethernet_only_sees_it_as_all_do),
	   UNIT_TEST(offsets_and_lengths_stay_inside_any_frame),
	   UNIT_TEST(right_checksums_are_right_and_each_changed_bit_is_seen),
	   UNIT_TEST(padding_is_not_summed), UNIT_TEST(bytes_beyond_the_udp_length_are_not_summed),
	   UNIT_TEST(a_udp_checksum_of_zero_is_right),
	   UNIT_TEST(a_packet_cut_short_has_no_right_checksum),
	   UNIT_TEST(frames_without_checksums_are_right))
