/* Tests of the frame builders: the bytes by hand, and what the parser makes of them. That other
 * programs agree is shown by packet_crosscheck.py. */
#include <flowbed/packet.h>

#include "lib/base/rng.h"
#include "tests/unit/harness.h"

static const struct fb_eth_spec plain_eth = {{2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, false, 0};
static const struct fb_eth_spec tagged_eth = {{2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, true, 0xa005};
static const struct fb_ipv4_spec plain_ip = {.nw_src = 0xc0a80201, .nw_dst = 0xc0a80202};

static bool is_bytes(const struct fb_buf *out, const uint8_t *bytes, size_t len)
{
	return out->len == len && memcmp(out->data, bytes, len) == 0;
}

static void an_ethernet_frame_is_header_and_payload(void)
{
	static const uint8_t expected[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xcc, 'a', 'b'};
	uint8_t bytes[64];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	CU_ASSERT_TRUE(fb_build_eth(&out, &plain_eth, FB_ETH_LLDP, "ab", 2));
	CU_ASSERT_TRUE(is_bytes(&out, expected, sizeof expected));
}

static void a_tag_stands_before_the_type(void)
{
	static const uint8_t expected[] = {2,    0,    0,    0,    0,    2,    2,    0,   0,
					   0,    0,    1,    0x81, 0x00, 0xa0, 0x05, 0x88, 0xcc};
	uint8_t bytes[64];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	CU_ASSERT_TRUE(fb_build_eth(&out, &tagged_eth, FB_ETH_LLDP, NULL, 0));
	CU_ASSERT_TRUE(is_bytes(&out, expected, sizeof expected));
}

static void an_arp_packet_has_42_bytes(void)
{
	static const uint8_t expected[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0,
					   2, 2, 0, 0, 0, 0, 1, 192, 168, 2, 1, 2, 0, 0, 0, 0, 2, 192, 168, 2, 2};
	uint8_t bytes[64];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	CU_ASSERT_TRUE(fb_build_arp(&out, &plain_eth, FB_ARP_REPLY, plain_eth.dl_src, 0xc0a80201,
				    plain_eth.dl_dst, 0xc0a80202));
	CU_ASSERT_TRUE(is_bytes(&out, expected, sizeof expected));
}

/* The checksums were computed with another program. */
static void a_udp_frame_is_these_bytes(void)
{
	static const uint8_t expected[] = {
		2, 0,  0,    0,	   0, 2,  2,  0,  0,	0,    0,   1,	8,   0,	  0x45, 0,
		0, 33, 0x12, 0x34, 0, 0,  64, 17, 0xe3, 0x44, 192, 168, 2,   1,	  192,	168,
		2, 2,  0x9c, 0x40, 0, 53, 0,  13, 0x9a, 0x38, 'h', 'e', 'l', 'l', 'o'};
	uint8_t bytes[64];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_ipv4_spec ip = plain_ip;

	ip.ip_id = 0x1234;
	CU_ASSERT_TRUE(fb_build_udp(&out, &plain_eth, &ip, 40000, 53, "hello", 5));
	CU_ASSERT_TRUE(is_bytes(&out, expected, sizeof expected));
}

static void the_parser_finds_what_the_tcp_builder_was_told(void)
{
	static const uint8_t options[] = {2, 4, 5, 0xb4, 1, 3, 3, 7};
	struct fb_ipv4_spec ip = plain_ip;
	struct fb_tcp_spec tcp = {40000, 22,	  0x01020304, 0x05060708, FB_TCP_SYN | FB_TCP_ECE,
				  65535, options, 8};
	uint8_t bytes[128];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_packet p;

	ip.nw_tos = 0xba;
	ip.nw_ttl = 7;
	ip.ip_id = 0xfedc;
	ip.dont_fragment = true;
	CU_ASSERT_TRUE(fb_build_tcp(&out, &tagged_eth, &ip, &tcp, "abc", 3));
	CU_ASSERT_EQUAL(fb_packet_parse(&p, out.data, out.len), 0);
	CU_ASSERT_PTR_NULL(p.problem);
	CU_ASSERT_EQUAL(out.len, 18 + 20 + 28 + 3);
	CU_ASSERT_EQUAL(p.vlan_tci, 0xa005);
	CU_ASSERT_EQUAL(p.nw_tos, 0xba);
	CU_ASSERT_EQUAL(p.nw_ttl, 7);
	CU_ASSERT_EQUAL(p.ip_id, 0xfedc);
	CU_ASSERT_TRUE(p.dont_fragment);
	CU_ASSERT_EQUAL(p.nw_src, 0xc0a80201);
	CU_ASSERT_EQUAL(p.nw_dst, 0xc0a80202);
	CU_ASSERT_TRUE(p.is_tcp);
	CU_ASSERT_EQUAL(p.tp_src, 40000);
	CU_ASSERT_EQUAL(p.tp_dst, 22);
	CU_ASSERT_EQUAL(p.tcp_seq, 0x01020304);
	CU_ASSERT_EQUAL(p.tcp_ack, 0x05060708);
	CU_ASSERT_EQUAL(p.tcp_flags, FB_TCP_SYN | FB_TCP_ECE);
	CU_ASSERT_EQUAL(p.tcp_window, 65535);
	CU_ASSERT_EQUAL(memcmp(p.data + p.l4_ofs + 20, options, 8), 0);
	CU_ASSERT_EQUAL(p.payload_len, 3);
	CU_ASSERT_EQUAL(memcmp(p.data + p.payload_ofs, "abc", 3), 0);
	CU_ASSERT_TRUE(fb_packet_checksums_ok(&p));
}

static void the_parser_finds_what_the_icmp_builder_was_told(void)
{
	uint8_t bytes[128];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_packet p;

	CU_ASSERT_TRUE(fb_build_icmp(&out, &plain_eth, &plain_ip, FB_ICMP_ECHO_REQUEST, 0,
				     0xabcd0007, "x", 1));
	fb_packet_parse(&p, out.data, out.len);
	CU_ASSERT_TRUE(p.is_icmp);
	CU_ASSERT_EQUAL(p.nw_ttl, 64);
	CU_ASSERT_EQUAL(p.tp_src, FB_ICMP_ECHO_REQUEST);
	CU_ASSERT_EQUAL(p.icmp_id, 0xabcd);
	CU_ASSERT_EQUAL(p.icmp_seq, 7);
	CU_ASSERT_TRUE(fb_packet_checksums_ok(&p));
}

static void fragments_are_marked_as_such(void)
{
	struct fb_ipv4_spec ip = plain_ip;
	uint8_t bytes[128];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_packet p;

	ip.more_fragments = true;
	ip.frag_offset = 1480;
	CU_ASSERT_TRUE(fb_build_ipv4(&out, &plain_eth, &ip, FB_IP_UDP, "12345678", 8));
	fb_packet_parse(&p, out.data, out.len);
	CU_ASSERT_TRUE(p.more_fragments);
	CU_ASSERT_FALSE(p.dont_fragment);
	CU_ASSERT_EQUAL(p.frag_offset, 1480);
	CU_ASSERT_TRUE(fb_packet_checksums_ok(&p));
}

static void a_udp_checksum_that_comes_out_as_zero_is_sent_as_ones(void)
{
	struct fb_packet p;
	uint8_t bytes[64], payload[2];
	unsigned zeroes = 0;

	for (unsigned word = 0; word < 0x10000; word++) {
		struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

		fb_set16(payload, (uint16_t)word);
		fb_build_udp(&out, &plain_eth, &plain_ip, 1, 2, payload, 2);
		fb_packet_parse(&p, out.data, out.len);
		CU_ASSERT_TRUE_FATAL(fb_packet_checksums_ok(&p));
		CU_ASSERT_NOT_EQUAL_FATAL(fb_get16(bytes + 40), 0);
		zeroes += fb_get16(bytes + 40) == 0xffff;
	}
	CU_ASSERT_EQUAL(zeroes, 1);
}

static void frames_append_to_what_the_buffer_holds(void)
{
	uint8_t bytes[64];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	fb_buf_put(&out, "head", 4);
	CU_ASSERT_TRUE(fb_build_eth(&out, &plain_eth, FB_ETH_LLDP, "ab", 2));
	CU_ASSERT_EQUAL(out.len, 20);
	CU_ASSERT_EQUAL(memcmp(bytes, "head\2", 5), 0);
}

static void what_does_not_fit_leaves_no_trace(void)
{
	static const struct fb_tcp_spec tcp = {.tp_src = 1};
	uint8_t bytes[56], before[56];

	memset(before, 0x55, sizeof before);
	for (size_t size = 0; size < sizeof bytes; size++) {
		struct fb_buf out = fb_buf_make(bytes, size);

		memcpy(bytes, before, sizeof bytes);
		CU_ASSERT_EQUAL(fb_build_tcp(&out, &plain_eth, &plain_ip, &tcp, "a", 1),
				size >= 55);
		CU_ASSERT_EQUAL(out.overflow, size < 55);
		CU_ASSERT_EQUAL(out.len, size < 55 ? 0 : 55);
		CU_ASSERT_EQUAL(memcmp(bytes + out.len, before, sizeof bytes - out.len), 0);
	}
}

static void no_frame_is_longer_than_65535_bytes(void)
{
	static uint8_t bytes[70000], payload[70000];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_packet p;
	size_t most = FB_FRAME_BYTES_MAX - 14 - 20 - 8;

	CU_ASSERT_TRUE(fb_build_udp(&out, &plain_eth, &plain_ip, 1, 2, payload, most));
	fb_packet_parse(&p, out.data, out.len);
	CU_ASSERT_EQUAL(p.payload_len, most);
	CU_ASSERT_TRUE(fb_packet_checksums_ok(&p));
	out = fb_buf_make(bytes, sizeof bytes);
	CU_ASSERT_FALSE(fb_build_udp(&out, &plain_eth, &plain_ip, 1, 2, payload, most + 1));
	CU_ASSERT_TRUE(out.overflow);
	CU_ASSERT_EQUAL(out.len, 0);
	out = fb_buf_make(bytes, sizeof bytes);
	CU_ASSERT_FALSE(fb_build_udp(&out, &tagged_eth, &plain_ip, 1, 2, payload, most - 3));
}

/* All payload lengths, odd ones too, for both protocols with a pseudo header. */
static void every_length_has_right_checksums(void)
{
	static const struct fb_tcp_spec tcp = {.tp_src = 1, .tp_dst = 2, .flags = FB_TCP_ACK};
	uint8_t bytes[512], payload[256];
	struct fb_packet p;
	struct rng rng;

	rng_init(&rng, 1, "lengths");
	for (size_t len = 0; len <= sizeof payload; len++) {
		struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

		for (size_t i = 0; i < len; i++)
			payload[i] = (uint8_t)rng_next(&rng);
		fb_build_tcp(&out, &plain_eth, &plain_ip, &tcp, payload, len);
		fb_packet_parse(&p, out.data, out.len);
		CU_ASSERT_TRUE(p.is_tcp && fb_packet_checksums_ok(&p));
		out.len = 0;
		fb_build_udp(&out, &plain_eth, &plain_ip, 3, 4, payload, len);
		fb_packet_parse(&p, out.data, out.len);
		CU_ASSERT_TRUE(p.is_udp && fb_packet_checksums_ok(&p));
	}
}

UNIT_TESTS("packet_build", UNIT_TEST(an_ethernet_frame_is_header_and_payload),
	   UNIT_TEST(a_tag_stands_before_the_type), UNIT_TEST(an_arp_packet_has_42_bytes),
	   UNIT_TEST(a_udp_frame_is_these_bytes),
	   UNIT_TEST(the_parser_finds_what_the_tcp_builder_was_told),
	   UNIT_TEST(the_parser_finds_what_the_icmp_builder_was_told),
	   UNIT_TEST(fragments_are_marked_as_such),
	   UNIT_TEST(a_udp_checksum_that_comes_out_as_zero_is_sent_as_ones),
	   UNIT_TEST(frames_append_to_what_the_buffer_holds),
	   UNIT_TEST(what_does_not_fit_leaves_no_trace),
	   UNIT_TEST(no_frame_is_longer_than_65535_bytes),
	   UNIT_TEST(every_length_has_right_checksums))
