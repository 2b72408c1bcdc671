/* Lines of text: small parts, frames, ports and every type of message, and what becomes of a line
 * that does not fit. */
#include "tests/unit/harness.h"

#include <flowbed/text.h>
#include <stdio.h>

static const uint8_t mac1[FB_MAC_BYTES] = {2, 0, 0, 0, 0, 1};
static const uint8_t mac2[FB_MAC_BYTES] = {2, 0, 0, 0, 0, 2};
static const struct fb_eth_spec eth = {.dl_dst = {2, 0, 0, 0, 0, 2}, .dl_src = {2, 0, 0, 0, 0, 1}};
static const struct fb_ipv4_spec ip = {.nw_src = 0xc0a80201, .nw_dst = 0xc0a80202};

#define MACS "02:00:00:00:00:01 > 02:00:00:00:00:02 "

/* The text that 'call', which writes to 'text', makes must be 'wanted'. */
#define EXPECT(wanted, call)                                                                       \
	do {                                                                                       \
		char line[2 * FB_TEXT_LINE_BYTES];                                                 \
		struct fb_text text = fb_text_make(line, sizeof line);                             \
                                                                                                   \
		call;                                                                              \
		CU_ASSERT_FALSE(text.cut);                                                         \
		CU_ASSERT_EQUAL(text.len, strlen(line));                                           \
		CU_ASSERT_STRING_EQUAL(line, wanted);                                              \
		if (strcmp(line, wanted) != 0)                                                     \
			printf("# got  %s\n# want %s\n", line, wanted);                            \
	} while (0)

/* --- Small parts --- */

static void addresses_and_ports_have_their_usual_form(void)
{
	EXPECT("02:00:00:00:00:01", fb_text_mac(&text, mac1));
	EXPECT("192.168.2.1", fb_text_ip(&text, 0xc0a80201));
	EXPECT("255.255.255.255", fb_text_ip(&text, UINT32_MAX));
	EXPECT("3", fb_text_port(&text, 3));
	EXPECT("65280", fb_text_port(&text, OFPP_MAX));
	EXPECT("IN_PORT", fb_text_port(&text, OFPP_IN_PORT));
	EXPECT("TABLE", fb_text_port(&text, OFPP_TABLE));
	EXPECT("NORMAL", fb_text_port(&text, OFPP_NORMAL));
	EXPECT("FLOOD", fb_text_port(&text, OFPP_FLOOD));
	EXPECT("ALL", fb_text_port(&text, OFPP_ALL));
	EXPECT("CONTROLLER", fb_text_port(&text, OFPP_CONTROLLER));
	EXPECT("LOCAL", fb_text_port(&text, OFPP_LOCAL));
	EXPECT("NONE", fb_text_port(&text, OFPP_NONE));
}

static void times_have_six_decimals_and_nine_where_they_are_finer(void)
{
	EXPECT("0.000000", fb_text_time(&text, 0));
	EXPECT("1.000250", fb_text_time(&text, 1000250000));
	EXPECT("1.000250001", fb_text_time(&text, 1000250001));
	EXPECT("18446744073.709551615", fb_text_time(&text, UINT64_MAX));
}

static void a_mistyped_word_brings_the_nearest_or_nothing(void)
{
	static const char *const known[] = {"ports", "check", NULL};

	EXPECT(", did you mean 'ports'?", CU_ASSERT(fb_text_meant(&text, "prots", known)));
	EXPECT("", CU_ASSERT_FALSE(fb_text_meant(&text, "scheduler", known)));
}

static void errors_have_the_names_of_the_specification(void)
{
	EXPECT("OFPHFC_INCOMPATIBLE", fb_text_error_code(&text, OFPET_HELLO_FAILED, 0));
	EXPECT("OFPBRC_BAD_LEN", fb_text_error_code(&text, OFPET_BAD_REQUEST, 6));
	EXPECT("OFPBRC_BUFFER_UNKNOWN", fb_text_error_code(&text, OFPET_BAD_REQUEST, 8));
	EXPECT("OFPBAC_BAD_QUEUE", fb_text_error_code(&text, OFPET_BAD_ACTION, 8));
	EXPECT("OFPFMFC_OVERLAP", fb_text_error_code(&text, OFPET_FLOW_MOD_FAILED, 1));
	EXPECT("OFPPMFC_BAD_HW_ADDR", fb_text_error_code(&text, OFPET_PORT_MOD_FAILED, 1));
	EXPECT("OFPQOFC_EPERM", fb_text_error_code(&text, OFPET_QUEUE_OP_FAILED, 2));
	EXPECT("OFPET_BAD_ACTION unknown 9", fb_text_error_code(&text, OFPET_BAD_ACTION, 9));
	EXPECT("unknown 6/1", fb_text_error_code(&text, 6, 1));
}

static void types_of_messages_have_names_and_others_have_none(void)
{
	for (unsigned type = 0; type < 22; type++)
		CU_ASSERT_PTR_NOT_NULL(fb_text_msg_type((uint8_t)type));
	CU_ASSERT_STRING_EQUAL(fb_text_msg_type(OFPT_PACKET_IN), "PACKET_IN");
	CU_ASSERT_PTR_NULL(fb_text_msg_type(22));
	CU_ASSERT_PTR_NULL(fb_text_msg_type(255));
}

static void a_text_that_does_not_fit_is_cut_and_says_so(void)
{
	for (size_t size = 1; size < 40; size++) {
		char line[41];
		struct fb_text text;

		memset(line, 'x', sizeof line);
		text = fb_text_make(line, size);
		fb_text_puts(&text, "0123456789");
		fb_text_printf(&text, "%s%d", "0123456789", 12345);
		fb_text_mac(&text, mac1);
		CU_ASSERT_EQUAL(text.len, size - 1 < 42 ? size - 1 : 42);
		CU_ASSERT_EQUAL(text.len, strlen(line));
		CU_ASSERT(memcmp(line, "01234567890123456789123450",
		                 text.len < 26 ? text.len : 26) == 0);
		CU_ASSERT_TRUE(text.cut);
		CU_ASSERT_EQUAL(line[size], 'x');
	}
}

static void a_text_that_fits_exactly_is_not_cut(void)
{
	char line[5];
	struct fb_text text = fb_text_make(line, sizeof line);

	fb_text_puts(&text, "ab");
	fb_text_printf(&text, "%s", "cd");
	fb_text_puts(&text, "");
	CU_ASSERT_FALSE(text.cut);
	CU_ASSERT_STRING_EQUAL(line, "abcd");
	fb_text_puts(&text, "e");
	CU_ASSERT_TRUE(text.cut);
	CU_ASSERT_STRING_EQUAL(line, "abcd");
	text = fb_text_make(line, sizeof line);
	fb_text_printf(&text, "%s", "abcde");
	CU_ASSERT_TRUE(text.cut);
	CU_ASSERT_EQUAL(text.len, 4);
	CU_ASSERT_STRING_EQUAL(line, "abcd");
}

/* --- Frames --- */

static uint8_t frame_bytes[2048];

static struct fb_buf frame_buf(void)
{
	return fb_buf_make(frame_bytes, sizeof frame_bytes);
}

#define EXPECT_FRAME(wanted, build)                                                                \
	do {                                                                                       \
		struct fb_buf frame = frame_buf();                                                 \
                                                                                                   \
		CU_ASSERT_TRUE_FATAL(build);                                                       \
		EXPECT(wanted, fb_text_packet(&text, frame.data, frame.len));                      \
	} while (0)

static void arp_reads_who_has_and_is_at(void)
{
	static const uint8_t nobody[FB_MAC_BYTES];

	EXPECT_FRAME(
	        MACS "arp who-has 192.168.2.2 tell 192.168.2.1",
	        fb_build_arp(&frame, &eth, FB_ARP_REQUEST, mac1, 0xc0a80201, nobody, 0xc0a80202));
	EXPECT_FRAME(MACS "arp 192.168.2.1 is-at 02:00:00:00:00:01",
	             fb_build_arp(&frame, &eth, FB_ARP_REPLY, mac1, 0xc0a80201, mac2, 0xc0a80202));
	EXPECT_FRAME(MACS "arp op 3 192.168.2.1 > 192.168.2.2",
	             fb_build_arp(&frame, &eth, 3, mac1, 0xc0a80201, mac2, 0xc0a80202));
}

static struct fb_tcp_spec tcp_spec(uint8_t flags)
{
	return (struct fb_tcp_spec){
	        .tp_src = 40000, .tp_dst = 22, .seq = 1, .ack = 7, .flags = flags, .window = 65535};
}

static bool build_tcp(struct fb_buf *frame, uint8_t flags, size_t payload_len)
{
	struct fb_tcp_spec tcp = tcp_spec(flags);
	static const uint8_t payload[100];

	return fb_build_tcp(frame, &eth, &ip, &tcp, payload, payload_len);
}

#define FLOW MACS "192.168.2.1.40000 > 192.168.2.2.22: "

static void tcp_reads_as_in_tcpdump(void)
{
	EXPECT_FRAME(FLOW "tcp S seq 1 win 65535", build_tcp(&frame, FB_TCP_SYN, 0));
	EXPECT_FRAME(FLOW "tcp S. seq 1 ack 7 win 65535",
	             build_tcp(&frame, FB_TCP_SYN | FB_TCP_ACK, 0));
	EXPECT_FRAME(FLOW "tcp P. seq 1 ack 7 win 65535 len 9",
	             build_tcp(&frame, FB_TCP_PSH | FB_TCP_ACK, 9));
	EXPECT_FRAME(FLOW "tcp . seq 1 ack 7 win 65535", build_tcp(&frame, FB_TCP_ACK, 0));
	EXPECT_FRAME(FLOW "tcp F. seq 1 ack 7 win 65535",
	             build_tcp(&frame, FB_TCP_FIN | FB_TCP_ACK, 0));
	EXPECT_FRAME(FLOW "tcp R seq 1 win 65535", build_tcp(&frame, FB_TCP_RST, 0));
	EXPECT_FRAME(FLOW "tcp SEW seq 1 win 65535",
	             build_tcp(&frame, FB_TCP_SYN | FB_TCP_ECE | FB_TCP_CWR, 0));
	EXPECT_FRAME(FLOW "tcp .U seq 1 ack 7 win 65535",
	             build_tcp(&frame, FB_TCP_ACK | FB_TCP_URG, 0));
	EXPECT_FRAME(FLOW "tcp none seq 1 win 65535", build_tcp(&frame, 0, 0));
}

static void udp_and_icmp_tell_their_lengths(void)
{
	EXPECT_FRAME(MACS "192.168.2.1.53 > 192.168.2.2.5353: udp len 3",
	             fb_build_udp(&frame, &eth, &ip, 53, 5353, "abc", 3));
	EXPECT_FRAME(MACS "192.168.2.1 > 192.168.2.2: icmp echo request id 1 seq 2 len 3",
	             fb_build_icmp(&frame, &eth, &ip, 8, 0, 0x00010002, "abc", 3));
	EXPECT_FRAME(MACS "192.168.2.1 > 192.168.2.2: icmp echo reply id 1 seq 2 len 3",
	             fb_build_icmp(&frame, &eth, &ip, 0, 0, 0x00010002, "abc", 3));
	EXPECT_FRAME(MACS "192.168.2.1 > 192.168.2.2: icmp port unreachable len 28",
	             fb_build_icmp(&frame, &eth, &ip, 3, 3, 0, frame_bytes + 1000, 28));
	EXPECT_FRAME(MACS "192.168.2.1 > 192.168.2.2: icmp unreachable code 13 len 0",
	             fb_build_icmp(&frame, &eth, &ip, 3, 13, 0, NULL, 0));
	EXPECT_FRAME(MACS "192.168.2.1 > 192.168.2.2: icmp time exceeded code 0 len 0",
	             fb_build_icmp(&frame, &eth, &ip, 11, 0, 0, NULL, 0));
	EXPECT_FRAME(MACS "192.168.2.1 > 192.168.2.2: icmp type 5 code 1 len 0",
	             fb_build_icmp(&frame, &eth, &ip, 5, 1, 0, NULL, 0));
	EXPECT_FRAME(MACS "192.168.2.1 > 192.168.2.2: ip-proto-89 len 3",
	             fb_build_ipv4(&frame, &eth, &ip, 89, "abc", 3));
}

static void fragments_and_tos_are_told(void)
{
	struct fb_ipv4_spec first = ip, later = ip, marked = ip;

	first.more_fragments = true;
	first.ip_id = later.ip_id = 7;
	later.frag_offset = 1480;
	marked.nw_tos = 0xb9;
	EXPECT_FRAME(MACS "192.168.2.1.53 > 192.168.2.2.5353: udp len 3 frag id 7 offset 0 more",
	             fb_build_udp(&frame, &eth, &first, 53, 5353, "abc", 3));
	EXPECT_FRAME(MACS "192.168.2.1 > 192.168.2.2: udp len 16 frag id 7 offset 1480",
	             fb_build_ipv4(&frame, &eth, &later, FB_IP_UDP, "0123456789abcdef", 16));
	EXPECT_FRAME(MACS "192.168.2.1 > 192.168.2.2: tcp len 16 frag id 7 offset 1480",
	             fb_build_ipv4(&frame, &eth, &later, FB_IP_TCP, "0123456789abcdef", 16));
	EXPECT_FRAME(MACS "192.168.2.1 > 192.168.2.2: icmp len 16 frag id 7 offset 1480",
	             fb_build_ipv4(&frame, &eth, &later, FB_IP_ICMP, "0123456789abcdef", 16));
	EXPECT_FRAME(MACS "192.168.2.1.53 > 192.168.2.2.5353: udp len 3 tos 0xb9",
	             fb_build_udp(&frame, &eth, &marked, 53, 5353, "abc", 3));
}

static void a_vlan_tag_stands_before_what_it_carries(void)
{
	struct fb_eth_spec tagged = eth;

	tagged.has_vlan = true;
	tagged.vlan_tci = 10;
	EXPECT_FRAME(MACS "vlan 10 192.168.2.1.53 > 192.168.2.2.5353: udp len 0",
	             fb_build_udp(&frame, &tagged, &ip, 53, 5353, NULL, 0));
	tagged.vlan_tci = 3 << 13 | 10;
	EXPECT_FRAME(MACS "vlan 10 pcp 3 lldp frame len 22",
	             fb_build_eth(&frame, &tagged, FB_ETH_LLDP, "abcd", 4));
}

static void other_frames_tell_their_type_and_length(void)
{
	static const uint8_t llc[] = {0x42, 0x42, 0x03};
	static const uint8_t header[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0, 3};

	EXPECT_FRAME(MACS "lldp frame len 18", fb_build_eth(&frame, &eth, FB_ETH_LLDP, "abcd", 4));
	EXPECT_FRAME(MACS "ip6 frame len 18", fb_build_eth(&frame, &eth, FB_ETH_IPV6, "abcd", 4));
	EXPECT_FRAME(MACS "type 0x1234 frame len 18",
	             fb_build_eth(&frame, &eth, 0x1234, "abcd", 4));
	memcpy(frame_bytes, header, sizeof header);
	memcpy(frame_bytes + sizeof header, llc, sizeof llc);
	EXPECT(MACS "802.3 frame len 17",
	       fb_text_packet(&text, frame_bytes, sizeof header + sizeof llc));
}

static void what_is_wrong_with_a_frame_is_told_at_its_end(void)
{
	struct fb_buf frame = frame_buf();

	CU_ASSERT_TRUE_FATAL(build_tcp(&frame, FB_TCP_SYN, 0));
	for (size_t len = 0; len < frame.len; len++) {
		char line[FB_TEXT_LINE_BYTES];
		struct fb_text text = fb_text_make(line, sizeof line);
		struct fb_packet packet;

		fb_packet_parse(&packet, frame.data, len);
		fb_text_packet(&text, frame.data, len);
		CU_ASSERT_FATAL(packet.problem != NULL);
		CU_ASSERT_FATAL(strstr(line, packet.problem) != NULL);
		CU_ASSERT_EQUAL(line[strlen(line) - 1], ')');
	}
}

static void a_cut_segment_has_the_length_of_its_header(void)
{
	struct fb_buf frame = frame_buf();
	char line[FB_TEXT_LINE_BYTES];
	struct fb_text text = fb_text_make(line, sizeof line);

	CU_ASSERT_TRUE_FATAL(build_tcp(&frame, FB_TCP_PSH | FB_TCP_ACK, 90));
	fb_text_packet(&text, frame.data, frame.len - 50);
	CU_ASSERT_PTR_NOT_NULL(strstr(line, FLOW "tcp P. seq 1 ack 7 win 65535 len 90"));
}

/* --- Messages --- */

static uint8_t msg_bytes[4096];
static uint8_t parts[2048]; /* actions, ports, entries of a message */

/* 'msg' encoded and told from its bytes must be 'wanted'. */
static void expect_msg(const char *wanted, struct fb_msg msg)
{
	struct fb_buf out = fb_buf_make(msg_bytes, sizeof msg_bytes);

	if (!msg.version)
		msg.version = OFP_VERSION;
	CU_ASSERT_TRUE_FATAL(fb_msg_encode(&out, &msg));
	EXPECT(wanted, fb_text_msg_bytes(&text, out.data, out.len));
}

static struct fb_view view_of(const struct fb_buf *buf)
{
	return (struct fb_view){buf->data, buf->len};
}

static struct fb_view text_view(const char *s)
{
	return (struct fb_view){(const uint8_t *)s, strlen(s)};
}

static struct fb_view output_to(uint16_t port)
{
	struct fb_buf b = fb_buf_make(parts, sizeof parts);

	CU_ASSERT_TRUE_FATAL(fb_action_put_output(&b, port, 0));
	return view_of(&b);
}

static struct fb_match match_tcp(void)
{
	struct fb_match match;

	CU_ASSERT_EQUAL_FATAL(fb_parse_match("tcp,nw_dst=192.168.2.2", &match, NULL), 0);
	return match;
}

static struct fb_match match_all(void)
{
	struct fb_match match;

	fb_match_any(&match);
	return match;
}

static struct fb_phy_port port_one(void)
{
	return (struct fb_phy_port){.port_no = 1, .hw_addr = {2, 0, 0, 0, 1, 1}, .name = "s1-eth1"};
}

static void symmetric_messages_tell_their_data(void)
{
	expect_msg("HELLO xid=0x1", (struct fb_msg){.type = OFPT_HELLO, .xid = 1});
	expect_msg(
	        "HELLO xid=0x1 version=4 len=2 data=abcd",
	        (struct fb_msg){
	                .type = OFPT_HELLO, .version = 4, .xid = 1, .data = text_view("\xab\xcd")});
	expect_msg("ECHO_REQUEST xid=0x2 len=4 data=70696e67",
	           (struct fb_msg){.type = OFPT_ECHO_REQUEST, .xid = 2, .data = text_view("ping")});
	expect_msg("ECHO_REPLY xid=0x2 len=34 data="
	           "6161616161616161616161616161616161616161616161616161616161616161...",
	           (struct fb_msg){.type = OFPT_ECHO_REPLY,
	                           .xid = 2,
	                           .data = text_view("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")});
	expect_msg("VENDOR xid=0x3 vendor=0x00002320 len=2 data=6869",
	           (struct fb_msg){.type = OFPT_VENDOR,
	                           .xid = 3,
	                           .vendor = {.vendor = 0x2320, .data = text_view("hi")}});
}

static void an_error_tells_its_text_or_the_message_that_it_is_about(void)
{
	static const uint8_t refused[12] = {1, OFPT_FLOW_MOD, 0, 80, 0, 0, 0, 7};
	static const uint8_t strange[8] = {1, 99, 0, 8, 0, 0, 0, 7};

	expect_msg("ERROR xid=0x4 OFPHFC_INCOMPATIBLE \"version 1 \\\"only\\\"\\x0a\"",
	           (struct fb_msg){.type = OFPT_ERROR,
	                           .xid = 4,
	                           .error = {OFPET_HELLO_FAILED, OFPHFC_INCOMPATIBLE,
	                                     text_view("version 1 \"only\"\n")}});
	expect_msg("ERROR xid=0x7 OFPFMFC_ALL_TABLES_FULL about FLOW_MOD xid=0x7 len=80",
	           (struct fb_msg){.type = OFPT_ERROR,
	                           .xid = 7,
	                           .error = {OFPET_FLOW_MOD_FAILED,
	                                     OFPFMFC_ALL_TABLES_FULL,
	                                     {refused, sizeof refused}}});
	expect_msg(
	        "ERROR xid=0x7 OFPBRC_BAD_TYPE about an unknown message xid=0x7 len=8",
	        (struct fb_msg){
	                .type = OFPT_ERROR,
	                .xid = 7,
	                .error = {OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE, {strange, sizeof strange}}});
	expect_msg("ERROR xid=0x7 OFPBRC_BAD_LEN len=2 data=6162",
	           (struct fb_msg){.type = OFPT_ERROR,
	                           .xid = 7,
	                           .error = {OFPET_BAD_REQUEST, OFPBRC_BAD_LEN, text_view("ab")}});
}

static void features_and_configuration_are_told_by_name(void)
{
	struct fb_buf ports = fb_buf_make(parts, sizeof parts);
	struct fb_phy_port one = port_one();
	struct fb_phy_port local = {
	        .port_no = OFPP_LOCAL, .hw_addr = {2, 0, 0, 0, 1, 0}, .name = "s1"};

	one.curr = OFPPF_1GB_FD | OFPPF_COPPER;
	local.config = OFPPC_PORT_DOWN | OFPPC_NO_FLOOD;
	local.state = OFPPS_LINK_DOWN;
	CU_ASSERT_TRUE_FATAL(fb_phy_port_put(&ports, &one));
	CU_ASSERT_TRUE_FATAL(fb_phy_port_put(&ports, &local));
	expect_msg("FEATURES_REQUEST xid=0x5",
	           (struct fb_msg){.type = OFPT_FEATURES_REQUEST, .xid = 5});
	expect_msg("FEATURES_REPLY xid=0x5 dpid=00000000000000ab n_buffers=256 n_tables=1 "
	           "capabilities=FLOW_STATS,PORT_STATS actions=output,enqueue,0x1000 "
	           "ports=[1(s1-eth1) addr=02:00:00:00:01:01 curr=1GB_FD,COPPER; "
	           "LOCAL(s1) addr=02:00:00:00:01:00 config=PORT_DOWN,NO_FLOOD state=LINK_DOWN]",
	           (struct fb_msg){.type = OFPT_FEATURES_REPLY,
	                           .xid = 5,
	                           .features_reply = {0xab, 256, 1, 5, 0x1801, view_of(&ports)}});
	expect_msg("FEATURES_REPLY xid=0x5 dpid=0000000000000000 n_buffers=0 n_tables=0 "
	           "capabilities=0 "
	           "actions=0 ports=[]",
	           (struct fb_msg){.type = OFPT_FEATURES_REPLY, .xid = 5});
	expect_msg("GET_CONFIG_REQUEST xid=0x6",
	           (struct fb_msg){.type = OFPT_GET_CONFIG_REQUEST, .xid = 6});
	expect_msg("GET_CONFIG_REPLY xid=0x6 frags=normal miss_send_len=128",
	           (struct fb_msg){.type = OFPT_GET_CONFIG_REPLY, .xid = 6, .config = {0, 128}});
	expect_msg("SET_CONFIG xid=0x6 frags=drop miss_send_len=65535",
	           (struct fb_msg){.type = OFPT_SET_CONFIG, .xid = 6, .config = {1, 65535}});
}

static void packet_in_and_packet_out_show_the_frame(void)
{
	struct fb_buf frame = frame_buf();

	CU_ASSERT_TRUE_FATAL(build_tcp(&frame, FB_TCP_SYN, 0));
	expect_msg("PACKET_IN xid=0x0 buffer=3 in_port=1 reason=no_match len=54 "
	           "[" FLOW "tcp S seq 1 win 65535]",
	           (struct fb_msg){.type = OFPT_PACKET_IN,
	                           .packet_in = {3, 54, 1, OFPR_NO_MATCH, view_of(&frame)}});
	expect_msg("PACKET_IN xid=0x0 buffer=none in_port=LOCAL reason=action len=1514 sent=54 "
	           "[" FLOW "tcp S seq 1 win 65535]",
	           (struct fb_msg){.type = OFPT_PACKET_IN,
	                           .packet_in = {OFP_NO_BUFFER, 1514, OFPP_LOCAL, OFPR_ACTION,
	                                         view_of(&frame)}});
	expect_msg("PACKET_OUT xid=0x8 buffer=none in_port=1 actions=FLOOD len=54 "
	           "[" FLOW "tcp S seq 1 win 65535]",
	           (struct fb_msg){.type = OFPT_PACKET_OUT,
	                           .xid = 8,
	                           .packet_out = {OFP_NO_BUFFER, 1, output_to(OFPP_FLOOD),
	                                          view_of(&frame)}});
	expect_msg("PACKET_OUT xid=0x8 buffer=3 in_port=NONE actions=drop",
	           (struct fb_msg){.type = OFPT_PACKET_OUT,
	                           .xid = 8,
	                           .packet_out = {.buffer_id = 3, .in_port = OFPP_NONE}});
}

static void flow_mods_read_as_flows(void)
{
	struct fb_flow_mod fm = {
	        .match = match_tcp(),
	        .command = OFPFC_ADD,
	        .priority = 10,
	        .idle_timeout = 5,
	        .buffer_id = 3,
	        .out_port = OFPP_NONE,
	        .actions = output_to(2),
	};

	expect_msg(
	        "FLOW_MOD xid=0x9 ADD buffer=3 idle_timeout=5,priority=10,tcp,nw_dst=192.168.2.2 "
	        "actions=output:2",
	        (struct fb_msg){.type = OFPT_FLOW_MOD, .xid = 9, .flow_mod = fm});
	fm.command = OFPFC_MODIFY_STRICT;
	fm.buffer_id = OFP_NO_BUFFER;
	expect_msg(
	        "FLOW_MOD xid=0x9 MODIFY_STRICT idle_timeout=5,priority=10,tcp,nw_dst=192.168.2.2 "
	        "actions=output:2",
	        (struct fb_msg){.type = OFPT_FLOW_MOD, .xid = 9, .flow_mod = fm});
	fm = (struct fb_flow_mod){.match = match_tcp(),
	                          .command = OFPFC_DELETE,
	                          .priority = 0x8000,
	                          .buffer_id = OFP_NO_BUFFER,
	                          .out_port = 4};
	expect_msg("FLOW_MOD xid=0x9 DELETE out_port=4,tcp,nw_dst=192.168.2.2",
	           (struct fb_msg){.type = OFPT_FLOW_MOD, .xid = 9, .flow_mod = fm});
}

static void asynchronous_messages_tell_their_reason(void)
{
	struct fb_port_status ps = {OFPPR_MODIFY, port_one()};
	struct fb_flow_removed fr = {
	        .match = match_tcp(),
	        .cookie = 0x12,
	        .priority = 10,
	        .reason = OFPRR_IDLE_TIMEOUT,
	        .duration_sec = 5,
	        .duration_nsec = 200000000,
	        .idle_timeout = 3,
	        .packet_count = 7,
	        .byte_count = 700,
	};

	ps.desc.state = OFPPS_LINK_DOWN | OFPPS_STP_BLOCK;
	expect_msg("FLOW_REMOVED xid=0x0 reason=idle cookie=0x12 duration=5.200s idle_timeout=3 "
	           "n_packets=7 n_bytes=700 priority=10 tcp,nw_dst=192.168.2.2",
	           (struct fb_msg){.type = OFPT_FLOW_REMOVED, .flow_removed = fr});
	fr.match = match_all();
	fr.reason = OFPRR_DELETE;
	expect_msg("FLOW_REMOVED xid=0x0 reason=delete cookie=0x12 duration=5.200s idle_timeout=3 "
	           "n_packets=7 n_bytes=700 priority=10 any",
	           (struct fb_msg){.type = OFPT_FLOW_REMOVED, .flow_removed = fr});
	expect_msg("PORT_STATUS xid=0x0 reason=modify 1(s1-eth1) addr=02:00:00:00:01:01 "
	           "state=LINK_DOWN,STP_BLOCK",
	           (struct fb_msg){.type = OFPT_PORT_STATUS, .port_status = ps});
}

static void port_mod_barrier_and_queues_are_told(void)
{
	struct fb_buf queues = fb_buf_make(parts, sizeof parts);
	struct fb_packet_queue plain = {.queue_id = 1};
	struct fb_packet_queue rated = {.queue_id = 2, .has_min_rate = true, .min_rate = 125};
	struct fb_packet_queue disabled = {.queue_id = 3, .has_min_rate = true, .min_rate = 1001};

	expect_msg("PORT_MOD xid=0xa port=1 addr=02:00:00:00:01:01 config=NO_FLOOD "
	           "mask=PORT_DOWN,NO_FLOOD "
	           "advertise=100MB_FD",
	           (struct fb_msg){.type = OFPT_PORT_MOD,
	                           .xid = 10,
	                           .port_mod = {1,
	                                        {2, 0, 0, 0, 1, 1},
	                                        OFPPC_NO_FLOOD,
	                                        OFPPC_NO_FLOOD | OFPPC_PORT_DOWN,
	                                        OFPPF_100MB_FD}});
	expect_msg("BARRIER_REQUEST xid=0xb",
	           (struct fb_msg){.type = OFPT_BARRIER_REQUEST, .xid = 11});
	expect_msg("BARRIER_REPLY xid=0xb", (struct fb_msg){.type = OFPT_BARRIER_REPLY, .xid = 11});
	expect_msg("QUEUE_GET_CONFIG_REQUEST xid=0xc port=1",
	           (struct fb_msg){.type = OFPT_QUEUE_GET_CONFIG_REQUEST,
	                           .xid = 12,
	                           .queue_config_request_port = 1});
	CU_ASSERT_TRUE_FATAL(fb_packet_queue_put(&queues, &plain));
	CU_ASSERT_TRUE_FATAL(fb_packet_queue_put(&queues, &rated));
	CU_ASSERT_TRUE_FATAL(fb_packet_queue_put(&queues, &disabled));
	expect_msg("QUEUE_GET_CONFIG_REPLY xid=0xc port=1 queues=[1; 2 min_rate=12.5%; 3 "
	           "min_rate=disabled]",
	           (struct fb_msg){.type = OFPT_QUEUE_GET_CONFIG_REPLY,
	                           .xid = 12,
	                           .queue_config_reply = {1, view_of(&queues)}});
}

/* --- Statistics --- */

static struct fb_msg request(struct fb_stats_request r)
{
	return (struct fb_msg){.type = OFPT_STATS_REQUEST, .xid = 1, .stats_request = r};
}

static struct fb_msg reply(struct fb_stats_reply r)
{
	return (struct fb_msg){.type = OFPT_STATS_REPLY, .xid = 1, .stats_reply = r};
}

static void requests_of_statistics_tell_what_they_ask_for(void)
{
	expect_msg("STATS_REQUEST xid=0x1 DESC",
	           request((struct fb_stats_request){.type = OFPST_DESC}));
	expect_msg("STATS_REQUEST xid=0x1 TABLE",
	           request((struct fb_stats_request){.type = OFPST_TABLE}));
	expect_msg("STATS_REQUEST xid=0x1 FLOW any",
	           request((struct fb_stats_request){.type = OFPST_FLOW,
	                                             .flow = {match_all(), 0xff, OFPP_NONE}}));
	expect_msg("STATS_REQUEST xid=0x1 AGGREGATE table=1 out_port=3 tcp,nw_dst=192.168.2.2",
	           request((struct fb_stats_request){.type = OFPST_AGGREGATE,
	                                             .flow = {match_tcp(), 1, 3}}));
	expect_msg("STATS_REQUEST xid=0x1 PORT port=all",
	           request((struct fb_stats_request){.type = OFPST_PORT, .port_no = OFPP_NONE}));
	expect_msg("STATS_REQUEST xid=0x1 QUEUE port=all queue=all",
	           request((struct fb_stats_request){.type = OFPST_QUEUE,
	                                             .queue = {OFPP_ALL, OFPQ_ALL}}));
	expect_msg("STATS_REQUEST xid=0x1 QUEUE port=2 queue=7",
	           request((struct fb_stats_request){.type = OFPST_QUEUE, .queue = {2, 7}}));
	expect_msg("STATS_REQUEST xid=0x1 VENDOR vendor=0x00002320 data=6869",
	           request((struct fb_stats_request){.type = OFPST_VENDOR,
	                                             .vendor = {0x2320, text_view("hi")}}));
}

static void descriptions_and_sums_are_told(void)
{
	struct fb_stats_reply desc = {
	        .type = OFPST_DESC, .desc = {"Flowbed", "simulated", "0.1.0", "7", "s1 \"left\""}};

	expect_msg("STATS_REPLY xid=0x1 DESC manufacturer=\"Flowbed\" hardware=\"simulated\" "
	           "software=\"0.1.0\" serial=\"7\" datapath=\"s1 \\\"left\\\"\"",
	           reply(desc));
	expect_msg("STATS_REPLY xid=0x1 AGGREGATE packet_count=3 byte_count=? flow_count=2",
	           reply((struct fb_stats_reply){.type = OFPST_AGGREGATE,
	                                         .aggregate = {3, UINT64_MAX, 2}}));
	expect_msg("STATS_REPLY xid=0x1 VENDOR vendor=0x00002320 data=6869",
	           reply((struct fb_stats_reply){.type = OFPST_VENDOR,
	                                         .vendor = {0x2320, text_view("hi")}}));
}

static void entries_of_statistics_follow_each_other(void)
{
	uint8_t actions[8];
	struct fb_buf output = fb_buf_make(actions, sizeof actions);
	struct fb_buf out = fb_buf_make(parts, sizeof parts);
	struct fb_flow_stats flow = {.match = match_all(), .priority = 0, .duration_sec = 1};

	CU_ASSERT_TRUE_FATAL(fb_action_put_output(&output, 2, 0));
	flow.actions = view_of(&output);
	CU_ASSERT_TRUE_FATAL(fb_flow_stats_put(&out, &flow));
	flow.match = match_tcp();
	CU_ASSERT_TRUE_FATAL(fb_flow_stats_put(&out, &flow));
	expect_msg("STATS_REPLY xid=0x1 FLOW more "
	           "cookie=0x0, duration=1s, table=0, n_packets=0, n_bytes=0, priority=0 "
	           "actions=output:2; "
	           "cookie=0x0, duration=1s, table=0, n_packets=0, n_bytes=0, "
	           "priority=0,tcp,nw_dst=192.168.2.2 actions=output:2",
	           reply((struct fb_stats_reply){.type = OFPST_FLOW,
	                                         .flags = OFPSF_REPLY_MORE,
	                                         .entries = view_of(&out)}));
	expect_msg("STATS_REPLY xid=0x1 FLOW", reply((struct fb_stats_reply){.type = OFPST_FLOW}));
}

static void tables_ports_and_queues_tell_their_counters(void)
{
	struct fb_buf out = fb_buf_make(parts, sizeof parts);
	struct fb_table_stats table = {0, "main", OFPFW_ALL, 1000, 2, 30, 20};
	struct fb_port_stats port = {1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, UINT64_MAX, 12};
	struct fb_queue_stats queue = {1, 7, 100, 2, 0};

	CU_ASSERT_TRUE_FATAL(fb_table_stats_put(&out, &table));
	expect_msg("STATS_REPLY xid=0x1 TABLE table=0 name=\"main\" wildcards=0x3fffff max=1000 "
	           "active=2 "
	           "lookup=30 matched=20",
	           reply((struct fb_stats_reply){.type = OFPST_TABLE, .entries = view_of(&out)}));
	out.len = 0;
	CU_ASSERT_TRUE_FATAL(fb_port_stats_put(&out, &port));
	CU_ASSERT_TRUE_FATAL(
	        fb_port_stats_put(&out, &(struct fb_port_stats){.port_no = OFPP_LOCAL}));
	expect_msg("STATS_REPLY xid=0x1 PORT port=1 rx pkts=1 bytes=3 drop=5 errs=7 frame=9 "
	           "over=10 crc=? "
	           "tx pkts=2 bytes=4 drop=6 errs=8 coll=12; "
	           "port=LOCAL rx pkts=0 bytes=0 drop=0 errs=0 frame=0 over=0 crc=0 "
	           "tx pkts=0 bytes=0 drop=0 errs=0 coll=0",
	           reply((struct fb_stats_reply){.type = OFPST_PORT, .entries = view_of(&out)}));
	out.len = 0;
	CU_ASSERT_TRUE_FATAL(fb_queue_stats_put(&out, &queue));
	expect_msg("STATS_REPLY xid=0x1 QUEUE port=1 queue=7 bytes=100 pkts=2 errs=0",
	           reply((struct fb_stats_reply){.type = OFPST_QUEUE, .entries = view_of(&out)}));
}

/* --- What does not decode --- */

/* The line of 'bytes' begins with 'wanted'; the reason in words follows. */
static void expect_bad(const char *wanted, const uint8_t *bytes, size_t len)
{
	char line[FB_TEXT_LINE_BYTES];
	struct fb_text text = fb_text_make(line, sizeof line);

	fb_text_msg_bytes(&text, bytes, len);
	CU_ASSERT(strncmp(line, wanted, strlen(wanted)) == 0);
	CU_ASSERT_EQUAL(line[text.len - 1], ')');
}

static void bytes_that_are_no_message_are_told_as_such(void)
{
	static const uint8_t runt[] = {1, 0, 0};
	static const uint8_t unknown[] = {1, 99, 0, 8, 0, 0, 0, 5};
	static const uint8_t short_mod[] = {1, OFPT_FLOW_MOD, 0, 8, 0, 0, 0, 5};

	EXPECT("0 bytes, too few for a header: ", fb_text_msg_bytes(&text, runt, 0));
	EXPECT("3 bytes, too few for a header: 010000", fb_text_msg_bytes(&text, runt, 3));
	expect_bad("unknown 99 xid=0x5 len=8 bad: OFPBRC_BAD_TYPE (", unknown, sizeof unknown);
	expect_bad("FLOW_MOD xid=0x5 len=8 bad: OFPBRC_BAD_LEN (", short_mod, sizeof short_mod);
}

static void the_spanning_tree_of_a_port_is_told(void)
{
	struct fb_phy_port port = {.port_no = 1, .name = "e", .state = OFPPS_STP_LEARN};

	EXPECT("1(e) addr=00:00:00:00:00:00 state=STP_LEARN", fb_text_phy_port(&text, &port));
	port.state = OFPPS_STP_FORWARD | 2;
	EXPECT("1(e) addr=00:00:00:00:00:00 state=0x2,STP_FORWARD", fb_text_phy_port(&text, &port));
}

static void a_name_of_a_port_cannot_break_the_line(void)
{
	struct fb_phy_port port = {.port_no = 1, .name = "a\nb\x1b[1m"};

	EXPECT("1(a?b?[1m) addr=00:00:00:00:00:00", fb_text_phy_port(&text, &port));
}

UNIT_TESTS("text", UNIT_TEST(addresses_and_ports_have_their_usual_form),
           UNIT_TEST(times_have_six_decimals_and_nine_where_they_are_finer),
           UNIT_TEST(a_mistyped_word_brings_the_nearest_or_nothing),
           UNIT_TEST(errors_have_the_names_of_the_specification),
           UNIT_TEST(types_of_messages_have_names_and_others_have_none),
           UNIT_TEST(a_text_that_does_not_fit_is_cut_and_says_so),
           UNIT_TEST(a_text_that_fits_exactly_is_not_cut), UNIT_TEST(arp_reads_who_has_and_is_at),
           UNIT_TEST(tcp_reads_as_in_tcpdump), UNIT_TEST(udp_and_icmp_tell_their_lengths),
           UNIT_TEST(fragments_and_tos_are_told),
           UNIT_TEST(a_vlan_tag_stands_before_what_it_carries),
           UNIT_TEST(other_frames_tell_their_type_and_length),
           UNIT_TEST(what_is_wrong_with_a_frame_is_told_at_its_end),
           UNIT_TEST(a_cut_segment_has_the_length_of_its_header),
           UNIT_TEST(symmetric_messages_tell_their_data),
           UNIT_TEST(an_error_tells_its_text_or_the_message_that_it_is_about),
           UNIT_TEST(features_and_configuration_are_told_by_name),
           UNIT_TEST(packet_in_and_packet_out_show_the_frame), UNIT_TEST(flow_mods_read_as_flows),
           UNIT_TEST(asynchronous_messages_tell_their_reason),
           UNIT_TEST(port_mod_barrier_and_queues_are_told),
           UNIT_TEST(requests_of_statistics_tell_what_they_ask_for),
           UNIT_TEST(descriptions_and_sums_are_told),
           UNIT_TEST(entries_of_statistics_follow_each_other),
           UNIT_TEST(tables_ports_and_queues_tell_their_counters),
           UNIT_TEST(bytes_that_are_no_message_are_told_as_such),
           UNIT_TEST(the_spanning_tree_of_a_port_is_told),
           UNIT_TEST(a_name_of_a_port_cannot_break_the_line))
