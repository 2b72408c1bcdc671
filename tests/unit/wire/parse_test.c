/* Parsers: what they take, and what they say of the rest. */
#include "tests/unit/harness.h"

#include <flowbed/text.h>
#include <stdio.h>

static void expect_same(const char *got, const char *wanted)
{
	CU_ASSERT_STRING_EQUAL(got, wanted);
	if (strcmp(got, wanted) != 0)
		printf("# got  %s\n# want %s\n", got, wanted);
}

/* 'call', which tells errors to 'error', must fail with the text 'wanted'. */
#define EXPECT_ERROR(wanted, call)                                                                 \
	do {                                                                                       \
		char why[256];                                                                     \
		struct fb_text error = fb_text_make(why, sizeof why);                              \
                                                                                                   \
		CU_ASSERT_EQUAL(call, -1);                                                         \
		expect_same(why, wanted);                                                          \
	} while (0)

/* --- Addresses --- */

static void ethernet_addresses_are_read(void)
{
	static const uint8_t wanted[FB_MAC_BYTES] = {2, 0, 0xab, 0xcd, 0xef, 0xff};
	uint8_t mac[FB_MAC_BYTES];

	CU_ASSERT_EQUAL(fb_parse_mac("02:00:ab:cd:ef:ff", mac, NULL), 0);
	CU_ASSERT(fb_mac_equal(mac, wanted));
	CU_ASSERT_EQUAL(fb_parse_mac("2:0:AB:CD:EF:FF", mac, NULL), 0);
	CU_ASSERT(fb_mac_equal(mac, wanted));
}

static void what_is_no_ethernet_address_is_refused(void)
{
	static const char *const bad[] = {
	        "",
	        "02",
	        "02:00:00:00:00",
	        "02:00:00:00:00:",
	        "02:00:00:00:00:01:",
	        "02:00:00:00:00:01:02",
	        "02-00-00-00-00-01",
	        "02:00:00:00:00:0g",
	        "002:0:0:0:0:1",
	        " 02:00:00:00:00:01",
	        "02:00:00:00:00:01 ",
	        "020000000001",
	        "2::0:0:0:1",
	};
	uint8_t mac[FB_MAC_BYTES];

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CU_ASSERT_EQUAL(fb_parse_mac(bad[i], mac, NULL), -1);
	EXPECT_ERROR("'2:3' is not an Ethernet address like 02:00:00:00:00:01",
	             fb_parse_mac("2:3", mac, &error));
}

static void ipv4_addresses_are_read(void)
{
	uint32_t ip;

	CU_ASSERT_EQUAL(fb_parse_ip("192.168.2.1", &ip, NULL), 0);
	CU_ASSERT_EQUAL(ip, 0xc0a80201);
	CU_ASSERT_EQUAL(fb_parse_ip("0.0.0.0", &ip, NULL), 0);
	CU_ASSERT_EQUAL(ip, 0);
	CU_ASSERT_EQUAL(fb_parse_ip("255.255.255.255", &ip, NULL), 0);
	CU_ASSERT_EQUAL(ip, UINT32_MAX);
}

static void what_is_no_ipv4_address_is_refused(void)
{
	static const char *const bad[] = {
	        "",           "10",         "10.0.0",     "10.0.0.",
	        "10.0.0.1.",  "10.0.0.1.2", "10.0.0.256", "10.0.0.01",
	        "10..0.1",    "10.0.0.x",   " 10.0.0.1",  "10.0.0.1 ",
	        "10.0.0.1/8", "-1.0.0.0",   "0x0a.0.0.1", "10.0.0.99999999999999999999999",
	};
	uint32_t ip;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CU_ASSERT_EQUAL(fb_parse_ip(bad[i], &ip, NULL), -1);
	EXPECT_ERROR("'10.0.0' is not an IPv4 address like 192.168.2.1",
	             fb_parse_ip("10.0.0", &ip, &error));
}

static void expect_prefix(const char *s, uint32_t wanted_ip, unsigned wanted_len)
{
	unsigned len = 99;
	uint32_t ip;

	CU_ASSERT_EQUAL(fb_parse_ip_prefix(s, &ip, &len, NULL), 0);
	CU_ASSERT_EQUAL(ip, wanted_ip);
	CU_ASSERT_EQUAL(len, wanted_len);
}

static void prefixes_are_read_by_length_or_by_mask(void)
{
	expect_prefix("192.168.2.1", 0xc0a80201, 32);
	expect_prefix("192.168.2.1/24", 0xc0a80201, 24);
	expect_prefix("192.168.2.1/0", 0xc0a80201, 0);
	expect_prefix("192.168.2.1/32", 0xc0a80201, 32);
	expect_prefix("192.168.2.1/255.255.255.0", 0xc0a80201, 24);
	expect_prefix("192.168.2.1/0.0.0.0", 0xc0a80201, 0);
	expect_prefix("192.168.2.1/128.0.0.0", 0xc0a80201, 1);
	expect_prefix("192.168.2.1/255.255.255.255", 0xc0a80201, 32);
}

static void what_is_no_prefix_is_refused(void)
{
	unsigned len;
	uint32_t ip;

	EXPECT_ERROR("'10.0/8' is not an IPv4 address like 192.168.2.1 or 192.168.2.0/24",
	             fb_parse_ip_prefix("10.0/8", &ip, &len, &error));
	EXPECT_ERROR("'33' is not a prefix length from 0 to 32 or a mask like 255.255.255.0",
	             fb_parse_ip_prefix("10.0.0.0/33", &ip, &len, &error));
	EXPECT_ERROR("'' is not a prefix length from 0 to 32 or a mask like 255.255.255.0",
	             fb_parse_ip_prefix("10.0.0.0/", &ip, &len, &error));
	EXPECT_ERROR("'008' is not a prefix length from 0 to 32 or a mask like 255.255.255.0",
	             fb_parse_ip_prefix("10.0.0.0/008", &ip, &len, &error));
	EXPECT_ERROR("mask '255.0.255.0' has gaps: OpenFlow 1.0 knows prefixes only",
	             fb_parse_ip_prefix("10.0.0.0/255.0.255.0", &ip, &len, &error));
	EXPECT_ERROR("mask '0.0.0.255' has gaps: OpenFlow 1.0 knows prefixes only",
	             fb_parse_ip_prefix("10.0.0.0/0.0.0.255", &ip, &len, &error));
}

static void ports_are_read_by_number_or_by_name(void)
{
	static const struct {
		const char *s;
		uint16_t port;
	} ports[] = {
	        {"0", 0},
	        {"1", 1},
	        {"65280", 65280},
	        {"0xfffe", OFPP_LOCAL},
	        {"65535", OFPP_NONE},
	        {"IN_PORT", OFPP_IN_PORT},
	        {"table", OFPP_TABLE},
	        {"Normal", OFPP_NORMAL},
	        {"FLOOD", OFPP_FLOOD},
	        {"all", OFPP_ALL},
	        {"CONTROLLER", OFPP_CONTROLLER},
	        {"local", OFPP_LOCAL},
	        {"NONE", OFPP_NONE},
	        {"ANY", OFPP_NONE},
	};
	uint16_t port;

	for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
		CU_ASSERT_EQUAL(fb_parse_port(ports[i].s, &port, NULL), 0);
		CU_ASSERT_EQUAL(port, ports[i].port);
	}
	EXPECT_ERROR("'FLOD' is not a port; did you mean FLOOD?",
	             fb_parse_port("FLOD", &port, &error));
	EXPECT_ERROR(
	        "'65536' is not a port: a number from 0 to 65535 or a name like LOCAL or FLOOD",
	        fb_parse_port("65536", &port, &error));
	EXPECT_ERROR("'' is not a port: a number from 0 to 65535 or a name like LOCAL or FLOOD",
	             fb_parse_port("", &port, &error));
	EXPECT_ERROR("'-1' is not a port: a number from 0 to 65535 or a name like LOCAL or FLOOD",
	             fb_parse_port("-1", &port, &error));
}

/* --- Matches --- */

static const struct {
	const char *given;
	const char *why;
} bad_matches[] = {
        {"nw_src=10.0.0,ip",
         "nw_src: '10.0.0' is not an IPv4 address like 192.168.2.1 or 192.168.2.0/24"},
        {"in_port=FLOD", "in_port: 'FLOD' is not a port; did you mean FLOOD?"},
        {"dl_src=1:2", "dl_src: '1:2' is not an Ethernet address like 02:00:00:00:00:01"},
        {"dl_vlan=4096", "dl_vlan: '4096' is not a VLAN id from 0 to 4095, or 0xffff for none"},
        {"vlan_tci=0x1003",
         "vlan_tci: '0x1003' is not 0, which stands for frames without a VLAN tag; use dl_vlan and "
         "dl_vlan_pcp for others"},
        {"dl_vlan_pcp=8", "dl_vlan_pcp: '8' is not a number from 0 to 7"},
        {"dl_type=0x10000", "dl_type: '0x10000' is not a number from 0 to 65535"},
        {"dl_type=0x", "dl_type: '0x' is not a number from 0 to 65535"},
        {"dl_type=", "dl_type: '' is not a number from 0 to 65535"},
        {"tcp,tp_dst=080", "tp_dst: '080' is not a number: write it without leading zeros"},
        {"tcp,tp_dst=http", "tp_dst: 'http' is not a number from 0 to 65535"},
        {"icmp,icmp_type=300", "icmp_type: '300' is not a number from 0 to 255"},
        {"ip,nw_proto=256", "nw_proto: '256' is not a number from 0 to 255"},
        {"ip,nw_proto=99999999999999999999",
         "nw_proto: '99999999999999999999' is not a number from 0 to 255"},
        {"nw_scr=10.0.0.1", "unknown field 'nw_scr'; did you mean 'nw_src'?"},
        {"tpc", "unknown field 'tpc'; did you mean 'tcp'?"},
        {"colour=red", "unknown field 'colour'"},
        {"priority=5", "unknown field 'priority'"},
        {"nw_src", "nw_src needs a value: 'nw_src=...'"},
        {"tcp=5", "tcp takes no value"},
        {"tcp,udp", "'udp' contradicts the 'tcp' before it"},
        {"arp,tcp", "'tcp' contradicts the 'arp' before it"},
        {"ip,nw_src=10.0.0.1,nw_src=10.0.0.2", "'nw_src' contradicts the 'nw_src' before it"},
        {"tp_dst=80", "'tp_dst' needs tcp, udp or icmp in the same match"},
        {"ip,tp_src=80", "'tp_src' needs tcp, udp or icmp in the same match"},
        {"nw_dst=10.0.0.0/8", "'nw_dst' needs ip or arp in the same match"},
        {"arp_spa=10.0.0.1", "'arp_spa' needs ip or arp in the same match"},
        {"nw_proto=6", "'nw_proto' needs ip or arp in the same match"},
        {"arp,nw_tos=4", "'nw_tos' needs ip in the same match"},
        {"dl_vlan=0xffff,dl_vlan_pcp=3", "'dl_vlan_pcp' needs a VLAN tag in the same match"},
};

static void wrong_matches_are_refused_with_what_would_be_right(void)
{
	struct fb_match match;

	for (size_t i = 0; i < sizeof bad_matches / sizeof bad_matches[0]; i++) {
		EXPECT_ERROR(bad_matches[i].why,
		             fb_parse_match(bad_matches[i].given, &match, &error));
		CU_ASSERT_EQUAL(fb_parse_match(bad_matches[i].given, &match, NULL), -1);
	}
}

static void an_empty_match_is_the_match_of_everything(void)
{
	static const char *const texts[] = {"", " , ,\t\n", "nw_src=*", "in_port=*,dl_vlan=*",
	                                    "nw_src=1.2.3.4/0"};
	struct fb_match any, match;

	fb_match_any(&any);
	fb_match_normalize(&any);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		CU_ASSERT_EQUAL(fb_parse_match(texts[i], &match, NULL), 0);
		CU_ASSERT_TRUE(fb_match_equal(&match, &any));
	}
}

static void a_match_is_the_same_whatever_the_order_of_its_fields(void)
{
	struct fb_match a, b;

	CU_ASSERT_EQUAL(fb_parse_match("tcp,nw_dst=10.0.0.0/8,tp_dst=80,in_port=3", &a, NULL), 0);
	CU_ASSERT_EQUAL(
	        fb_parse_match(
	                "in_port=3,tp_dst=80,nw_proto=6,nw_dst=10.9.9.9/255.0.0.0,dl_type=0x800",
	                &b, NULL),
	        0);
	CU_ASSERT_TRUE(fb_match_equal(&a, &b));
	CU_ASSERT_EQUAL(a.nw_dst, 0x0a000000);
	CU_ASSERT_EQUAL(a.tp_dst, 80);
	CU_ASSERT_EQUAL(a.in_port, 3);
	CU_ASSERT_EQUAL(fb_match_nw_dst_mask(&a), 0xff000000);
	CU_ASSERT_EQUAL(fb_match_nw_src_mask(&a), 0);
}

static void saying_the_same_twice_is_no_contradiction(void)
{
	struct fb_match a, b;

	CU_ASSERT_EQUAL(fb_parse_match("ip,tcp,nw_proto=6,dl_type=0x0800,tcp", &a, NULL), 0);
	CU_ASSERT_EQUAL(fb_parse_match("tcp", &b, NULL), 0);
	CU_ASSERT_TRUE(fb_match_equal(&a, &b));
}

/* --- Actions --- */

static const struct {
	const char *given;
	const char *why;
} bad_actions[] = {
        {"foo", "unknown action 'foo'"},
        {"floood", "unknown action 'floood'; did you mean 'flood'?"},
        {"mod_dl_det:02:00:00:00:00:01", "unknown action 'mod_dl_det'; did you mean 'mod_dl_dst'?"},
        {"set_field:5->tp_dst", "unknown action 'set_field'"},
        {"output", "output: needs a value: 'output:...'"},
        {"output:x",
         "output: 'x' is not a port: a number from 0 to 65535 or a name like LOCAL or FLOOD"},
        {"mod_vlan_vid:4096", "mod_vlan_vid: '4096' is not a number from 0 to 4095"},
        {"mod_vlan_pcp:8", "mod_vlan_pcp: '8' is not a number from 0 to 7"},
        {"mod_nw_tos:3",
         "mod_nw_tos: '3' is not a multiple of 4: the lowest two bits are not DSCP's"},
        {"mod_nw_tos:256", "mod_nw_tos: '256' is not a number from 0 to 255"},
        {"mod_tp_dst:65536", "mod_tp_dst: '65536' is not a number from 0 to 65535"},
        {"mod_nw_dst:10.0.0.0/8",
         "mod_nw_dst: '10.0.0.0/8' is not an IPv4 address like 192.168.2.1"},
        {"mod_dl_src:7", "mod_dl_src: '7' is not an Ethernet address like 02:00:00:00:00:01"},
        {"strip_vlan:5", "strip_vlan: takes no value"},
        {"enqueue:1", "enqueue: write enqueue:PORT:QUEUE or enqueue(PORT,QUEUE)"},
        {"enqueue(1)", "enqueue: write enqueue:PORT:QUEUE or enqueue(PORT,QUEUE)"},
        {"enqueue(1,2", "enqueue: ')' is missing"},
        {"enqueue(1,2)3", "enqueue: a comma is missing after ')'"},
        {"enqueue:1:x", "enqueue: 'x' is not a number from 0 to 4294967295"},
        {"controller:70000", "controller: '70000' is not a number from 0 to 65535"},
        {"drop,1", "'drop' cannot stand beside other actions"},
        {"1,drop", "'drop' cannot stand beside other actions"},
};

static void wrong_actions_are_refused_with_what_would_be_right(void)
{
	uint8_t bytes[64];

	for (size_t i = 0; i < sizeof bad_actions / sizeof bad_actions[0]; i++) {
		struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

		EXPECT_ERROR(bad_actions[i].why,
		             fb_parse_actions(bad_actions[i].given, &out, &error));
	}
}

static void actions_that_do_not_fit_are_refused(void)
{
	uint8_t bytes[23];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	CU_ASSERT_EQUAL(fb_parse_actions("1,2", &out, NULL), 0);
	CU_ASSERT_EQUAL(out.len, 16);
	EXPECT_ERROR("too many actions for 23 bytes", fb_parse_actions("3", &out, &error));
}

static void actions_are_appended(void)
{
	static const uint8_t wanted[] = {0, 0, 0, 8, 0, 1, 0, 0, 0, 3, 0, 8, 0, 0, 0, 0};
	uint8_t bytes[64];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	CU_ASSERT_EQUAL(fb_parse_actions("1", &out, NULL), 0);
	CU_ASSERT_EQUAL(fb_parse_actions("strip_vlan", &out, NULL), 0);
	CU_ASSERT_EQUAL(fb_parse_actions("drop", &out, NULL), 0);
	CU_ASSERT_EQUAL(fb_parse_actions("", &out, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(out.len, sizeof wanted);
	CU_ASSERT(memcmp(bytes, wanted, sizeof wanted) == 0);
}

/* --- Flows --- */

static const struct {
	const char *given;
	uint16_t command;
	const char *why;
} bad_flows[] = {
        {"ip", OFPFC_ADD, "'actions=' is missing"},
        {"ip", OFPFC_MODIFY, "'actions=' is missing"},
        {"ip", OFPFC_MODIFY_STRICT, "'actions=' is missing"},
        {"ip actions", OFPFC_ADD, "actions needs a value: 'actions=...'"},
        {"prio=5 actions=1", OFPFC_ADD, "unknown field 'prio'"},
        {"priorty=5 actions=1", OFPFC_ADD, "unknown field 'priorty'; did you mean 'priority'?"},
        {"priority=70000 actions=1", OFPFC_ADD,
         "priority: '70000' is not a number from 0 to 65535"},
        {"priority actions=1", OFPFC_ADD, "priority needs a value: 'priority=...'"},
        {"cookie=1/1 actions=1", OFPFC_ADD,
         "cookie: '1/1' is not a number from 0 to 18446744073709551615"},
        {"idle_timeout=5s actions=1", OFPFC_ADD,
         "idle_timeout: '5s' is not a number from 0 to 65535"},
        {"send_flow_rem=1 actions=1", OFPFC_ADD, "send_flow_rem takes no value"},
        {"table=1 actions=1", OFPFC_ADD, "table: OpenFlow 1.0 puts flows into table 0 only"},
        {"out_port=1 actions=1", OFPFC_ADD,
         "out_port restricts what a deletion deletes: this adds or modifies"},
        {"out_port=x", OFPFC_DELETE,
         "out_port: 'x' is not a port: a number from 0 to 65535 or a name like LOCAL or FLOOD"},
        {"tp_dst=80 actions=1", OFPFC_ADD, "'tp_dst' needs tcp, udp or icmp in the same match"},
        {"ip actions=bar", OFPFC_ADD, "unknown action 'bar'"},
        {"aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbb "
         "actions=1",
         OFPFC_ADD, "'aaaaaaaaaabbbbbbbbbb...' is too long"},
};

static void wrong_flows_are_refused_with_what_would_be_right(void)
{
	struct fb_flow_mod fm;
	uint8_t bytes[64];

	for (size_t i = 0; i < sizeof bad_flows / sizeof bad_flows[0]; i++) {
		struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

		EXPECT_ERROR(
		        bad_flows[i].why,
		        fb_parse_flow(bad_flows[i].given, bad_flows[i].command, &fm, &out, &error));
	}
}

static void a_flow_has_the_defaults_of_ovs_ofctl(void)
{
	struct fb_flow_mod fm;
	uint8_t bytes[64];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	CU_ASSERT_EQUAL(fb_parse_flow("actions=1", OFPFC_MODIFY, &fm, &out, NULL), 0);
	CU_ASSERT_EQUAL(fm.command, OFPFC_MODIFY);
	CU_ASSERT_EQUAL(fm.priority, 32768);
	CU_ASSERT_EQUAL(fm.cookie, 0);
	CU_ASSERT_EQUAL(fm.idle_timeout, 0);
	CU_ASSERT_EQUAL(fm.hard_timeout, 0);
	CU_ASSERT_EQUAL(fm.flags, 0);
	CU_ASSERT_EQUAL(fm.buffer_id, OFP_NO_BUFFER);
	CU_ASSERT_EQUAL(fm.out_port, OFPP_NONE);
	CU_ASSERT_EQUAL(fm.actions.len, 8);
	CU_ASSERT_PTR_EQUAL(fm.actions.data, bytes);
}

static void the_actions_of_a_flow_are_those_that_it_appended(void)
{
	struct fb_flow_mod first, second;
	uint8_t bytes[64];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	CU_ASSERT_EQUAL(fb_parse_flow("actions=1", OFPFC_ADD, &first, &out, NULL), 0);
	CU_ASSERT_EQUAL(fb_parse_flow("ip,actions=2,3", OFPFC_ADD, &second, &out, NULL), 0);
	CU_ASSERT_EQUAL(first.actions.len, 8);
	CU_ASSERT_PTR_EQUAL(second.actions.data, bytes + 8);
	CU_ASSERT_EQUAL(second.actions.len, 16);
}

static void deleting_needs_no_actions(void)
{
	struct fb_buf none = fb_buf_make(NULL, 0);
	struct fb_flow_mod fm;

	CU_ASSERT_EQUAL(fb_parse_flow("ip,out_port=3", OFPFC_DELETE, &fm, &none, NULL), 0);
	CU_ASSERT_EQUAL(fm.out_port, 3);
	CU_ASSERT_EQUAL(fm.actions.len, 0);
	CU_ASSERT_EQUAL(fb_parse_flow("", OFPFC_DELETE_STRICT, &fm, &none, NULL), 0);
	CU_ASSERT_EQUAL(fm.out_port, OFPP_NONE);
}

static void many_actions_without_a_blank_are_no_long_word(void)
{
	struct fb_flow_mod fm;
	uint8_t bytes[256];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	CU_ASSERT_EQUAL(
	        fb_parse_flow(
	                "ip,actions=mod_dl_src:02:00:00:00:00:01,mod_dl_dst:02:00:00:00:00:02,"
	                "mod_nw_src:192.168.222.111,mod_nw_dst:192.168.222.112,output:1",
	                OFPFC_ADD, &fm, &out, NULL),
	        0);
	CU_ASSERT_EQUAL(fm.actions.len, 16 + 16 + 8 + 8 + 8);
}

UNIT_TESTS("parse", UNIT_TEST(ethernet_addresses_are_read),
           UNIT_TEST(what_is_no_ethernet_address_is_refused), UNIT_TEST(ipv4_addresses_are_read),
           UNIT_TEST(what_is_no_ipv4_address_is_refused),
           UNIT_TEST(prefixes_are_read_by_length_or_by_mask),
           UNIT_TEST(what_is_no_prefix_is_refused), UNIT_TEST(ports_are_read_by_number_or_by_name),
           UNIT_TEST(wrong_matches_are_refused_with_what_would_be_right),
           UNIT_TEST(an_empty_match_is_the_match_of_everything),
           UNIT_TEST(a_match_is_the_same_whatever_the_order_of_its_fields),
           UNIT_TEST(saying_the_same_twice_is_no_contradiction),
           UNIT_TEST(wrong_actions_are_refused_with_what_would_be_right),
           UNIT_TEST(actions_that_do_not_fit_are_refused), UNIT_TEST(actions_are_appended),
           UNIT_TEST(wrong_flows_are_refused_with_what_would_be_right),
           UNIT_TEST(a_flow_has_the_defaults_of_ovs_ofctl),
           UNIT_TEST(the_actions_of_a_flow_are_those_that_it_appended),
           UNIT_TEST(deleting_needs_no_actions),
           UNIT_TEST(many_actions_without_a_blank_are_no_long_word))
