/* Flows: printed and read back, and the same as Open vSwitch 3.1 prints them ("ovs-ofctl
 * parse-flow" and "ovs-ofctl ofp-print" gave the lines below, and agreed on 20,000 random flows).
 */
#include "tests/unit/harness.h"

#include <flowbed/text.h>
#include <stdio.h>

#include "lib/base/rng.h"

static void expect_same(const char *got, const char *wanted)
{
	CU_ASSERT_STRING_EQUAL(got, wanted);
	if (strcmp(got, wanted) != 0)
		printf("# got  %s\n# want %s\n", got, wanted);
}

/* --- What Open vSwitch makes of a flow --- */

static const struct {
	const char *given;
	const char *printed;
} flows[] = {
        {"ip,actions=output:1", "ip actions=output:1"},
        {"tcp,in_port=1,nw_dst=192.168.2.2,actions=mod_dl_dst:02:00:00:00:00:01,output:2",
         "tcp,in_port=1,nw_dst=192.168.2.2 actions=mod_dl_dst:02:00:00:00:00:01,output:2"},
        {"priority=10,tcp,in_port=1,nw_src=10.0.0.0/8,tp_dst=80 actions=2",
         "priority=10,tcp,in_port=1,nw_src=10.0.0.0/8,tp_dst=80 actions=output:2"},
        {"actions=drop", "actions=drop"},
        {"actions=", "actions=drop"},
        {"priority=0 actions=NORMAL", "priority=0 actions=NORMAL"},
        {"arp,nw_src=1.2.3.4,nw_proto=1,actions=normal",
         "arp,arp_spa=1.2.3.4,arp_op=1 actions=NORMAL"},
        {"arp,arp_op=2,nw_dst=1.0.0.0/8 actions=1",
         "arp,arp_tpa=1.0.0.0/8,arp_op=2 actions=output:1"},
        {"rarp,actions=all", "rarp actions=ALL"},
        {"dl_type=0x8035,actions=1", "rarp actions=output:1"},
        {"icmp,icmp_type=8,icmp_code=0 actions=controller",
         "icmp,icmp_type=8,icmp_code=0 actions=CONTROLLER:65535"},
        {"icmp,tp_src=8 actions=controller:128", "icmp,icmp_type=8 actions=CONTROLLER:128"},
        {"udp,tp_src=53,actions=local", "udp,tp_src=53 actions=LOCAL"},
        {"udp,udp_dst=5,actions=2", "udp,tp_dst=5 actions=output:2"},
        {"tcp,tcp_src=5,actions=2", "tcp,tp_src=5 actions=output:2"},
        {"dl_type=0x1234,actions=in_port", "dl_type=0x1234 actions=IN_PORT"},
        {"dl_type=0x600,actions=1", "dl_type=0x0600 actions=output:1"},
        {"dl_type=0x0800,nw_proto=6,actions=in_port", "tcp actions=IN_PORT"},
        {"dl_type=0x0800,nw_proto=132,actions=NORMAL", "sctp actions=NORMAL"},
        {"dl_type=0x800,nw_proto=17,tp_dst=0x35,actions=1", "udp,tp_dst=53 actions=output:1"},
        {"nw_proto=89,ip,actions=1", "ip,nw_proto=89 actions=output:1"},
        {"ipv6,actions=1", "ipv6 actions=output:1"},
        {"dl_type=0x0806,actions=table", "arp actions=TABLE"},
        {"dl_vlan=10,actions=strip_vlan,output:3", "dl_vlan=10 actions=strip_vlan,output:3"},
        {"dl_vlan=0xffff,actions=1", "vlan_tci=0x0000 actions=output:1"},
        {"vlan_tci=0x0000,actions=1", "vlan_tci=0x0000 actions=output:1"},
        {"dl_vlan=0,actions=1", "dl_vlan=0 actions=output:1"},
        {"dl_vlan_pcp=3,ip,actions=1,2,3", "ip,dl_vlan_pcp=3 actions=output:1,output:2,output:3"},
        {"dl_vlan=10,dl_vlan_pcp=3,actions=mod_vlan_vid:5,mod_vlan_pcp:3,1",
         "dl_vlan=10,dl_vlan_pcp=3 actions=mod_vlan_vid:5,mod_vlan_pcp:3,output:1"},
        {"actions=strip_vlan,set_vlan_vid:3,set_vlan_pcp:2,pop_vlan",
         "actions=strip_vlan,mod_vlan_vid:3,mod_vlan_pcp:2,strip_vlan"},
        {"ip,nw_tos=0x10,actions=mod_nw_tos:32,1", "ip,nw_tos=16 actions=mod_nw_tos:32,output:1"},
        {"ip,nw_tos=3,actions=1", "ip,nw_tos=0 actions=output:1"},
        {"ip actions=mod_nw_src:1.2.3.4,mod_nw_dst:4.3.2.1",
         "ip actions=mod_nw_src:1.2.3.4,mod_nw_dst:4.3.2.1"},
        {"tcp,actions=mod_tp_src:10,mod_tp_dst:11,enqueue:1:2",
         "tcp actions=mod_tp_src:10,mod_tp_dst:11,enqueue:1:2"},
        {"tcp,actions=enqueue(1,2)", "tcp actions=enqueue:1:2"},
        {"actions=enqueue:local:1", "actions=enqueue:LOCAL:1"},
        {"in_port=LOCAL,actions=1", "in_port=LOCAL actions=output:1"},
        {"in_port=65534,actions=output:65534", "in_port=LOCAL actions=LOCAL"},
        {"in_port=65280,actions=output:controller", "in_port=65280 actions=CONTROLLER:65535"},
        {"dl_src=02:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff,actions=output:normal,flood,ALL",
         "dl_src=02:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff actions=NORMAL,FLOOD,ALL"},
        {"priority=32768,actions=CONTROLLER:0", "actions=CONTROLLER:0"},
        {"actions=controller()", "actions=CONTROLLER:65535"},
        {"actions=controller(max_len=5)", "actions=CONTROLLER:5"},
        {"actions=output:65533,65532", "actions=CONTROLLER:65535,ALL"},
        {"ip,nw_src=10.0.0.1/255.255.0.0,actions=1", "ip,nw_src=10.0.0.0/16 actions=output:1"},
        {"ip,nw_src=10.0.0.1/0,nw_dst=0.0.0.0/0,actions=1", "ip actions=output:1"},
        {"ip,nw_src=10.0.0.1/32,nw_dst=*,actions=1", "ip,nw_src=10.0.0.1 actions=output:1"},
        {"ip nw_src=1.2.3.4\tpriority=5   actions=1, 2",
         "priority=5,ip,nw_src=1.2.3.4 actions=output:1,output:2"},
        {"actions=output:1,,2", "actions=output:1,output:2"},
        {"actions=OUTPUT:1,output=2", "actions=output:1,output:2"},
        {"actions=Drop", "actions=drop"},
        {"actions=mod_dl_src=2:0:0:0:0:1", "actions=mod_dl_src:02:00:00:00:00:01"},
        {"in_port=3,dl_type=0x800,nw_proto=6,dl_vlan=3,dl_src=02:00:00:00:00:01,nw_tos=4,tp_dst=2,"
         "nw_dst=2.2.2.2,nw_src=1.1.1.1,actions=1",
         "tcp,in_port=3,dl_vlan=3,dl_src=02:00:00:00:00:01,nw_src=1.1.1.1,nw_dst=2.2.2.2,nw_tos=4,"
         "tp_dst=2 actions=output:1"},
        {"dl_type=0x1234,dl_vlan=0xffff,dl_src=02:00:00:00:00:01,in_port=3,actions=1",
         "in_port=3,vlan_tci=0x0000,dl_src=02:00:00:00:00:01,dl_type=0x1234 actions=output:1"},
        {"n_packets=4,duration=5s, table=0, actions=1", "actions=output:1"},
        {" cookie=0x0, duration=10.123s, table=0, n_packets=31, n_bytes=2502, idle_age=9, "
         "hard_age=65534, priority=1,in_port=3 actions=NORMAL",
         "priority=1,in_port=3 actions=NORMAL"},
};

static void flows_read_and_print_as_open_vswitch_does(void)
{
	for (size_t i = 0; i < sizeof flows / sizeof flows[0]; i++) {
		char line[FB_TEXT_LINE_BYTES], why[256];
		struct fb_text text = fb_text_make(line, sizeof line);
		struct fb_text error = fb_text_make(why, sizeof why);
		struct fb_flow_mod fm;
		uint8_t bytes[256];
		struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);

		if (fb_parse_flow(flows[i].given, OFPFC_ADD, &fm, &actions, &error) < 0) {
			CU_FAIL("refused");
			printf("# %s: %s\n", flows[i].given, why);
			continue;
		}
		fb_text_flow_mod(&text, &fm);
		expect_same(line, flows[i].printed);
	}
}

/* --- Entries as dump-flows prints them --- */

static struct fb_match parsed(const char *s)
{
	struct fb_match match;

	CU_ASSERT_EQUAL_FATAL(fb_parse_match(s, &match, NULL), 0);
	return match;
}

static void expect_entry(const char *wanted, struct fb_flow_stats stats, const char *actions_text)
{
	char line[FB_TEXT_LINE_BYTES];
	struct fb_text text = fb_text_make(line, sizeof line);
	uint8_t bytes[64];
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);

	CU_ASSERT_EQUAL_FATAL(fb_parse_actions(actions_text, &actions, NULL), 0);
	stats.actions = (struct fb_view){actions.data, actions.len};
	fb_text_flow_stats(&text, &stats);
	expect_same(line, wanted);
}

static void entries_print_as_in_dump_flows(void)
{
	expect_entry(
	        "cookie=0x0, duration=1s, table=0, n_packets=0, n_bytes=0, actions=drop",
	        (struct fb_flow_stats){.match = parsed(""), .duration_sec = 1, .priority = 0x8000},
	        "drop");
	expect_entry(
	        "cookie=0x5, duration=1.200s, table=0, n_packets=1, n_bytes=2, idle_timeout=10, "
	        "hard_timeout=20, priority=0 actions=output:2",
	        (struct fb_flow_stats){.match = parsed(""),
	                               .duration_sec = 1,
	                               .duration_nsec = 200000000,
	                               .idle_timeout = 10,
	                               .hard_timeout = 20,
	                               .cookie = 5,
	                               .packet_count = 1,
	                               .byte_count = 2},
	        "2");
	expect_entry("cookie=0x5, duration=1.200000001s, table=0, n_packets=1, n_bytes=2, "
	             "idle_timeout=10, "
	             "priority=10,tcp actions=output:2,CONTROLLER:128",
	             (struct fb_flow_stats){.match = parsed("tcp"),
	                                    .duration_sec = 1,
	                                    .duration_nsec = 200000001,
	                                    .idle_timeout = 10,
	                                    .priority = 10,
	                                    .cookie = 5,
	                                    .packet_count = 1,
	                                    .byte_count = 2},
	             "2,controller:128");
	expect_entry("cookie=0x0, duration=0.000000005s, table=0, n_packets=0, n_bytes=0, ip "
	             "actions=output:2",
	             (struct fb_flow_stats){
	                     .match = parsed("ip"), .duration_nsec = 5, .priority = 0x8000},
	             "2");
	expect_entry("cookie=0x0, duration=0.000000005s, table=0, n_packets=?, n_bytes=?, "
	             "priority=65535,ip,nw_src=1.2.3.4 actions=output:2",
	             (struct fb_flow_stats){.match = parsed("ip,nw_src=1.2.3.4"),
	                                    .duration_nsec = 5,
	                                    .priority = 65535,
	                                    .packet_count = UINT64_MAX,
	                                    .byte_count = UINT64_MAX},
	             "2");
}

/* --- Flow-mods --- */

static void a_flow_mod_prints_all_that_is_not_the_default(void)
{
	static const char *const lines[] = {
	        "cookie=0x123,idle_timeout=5,hard_timeout=6,send_flow_rem,check_overlap,priority=7,"
	        "ip "
	        "actions=output:1",
	        "cookie=0xffffffffffffffff actions=output:1",
	        "send_flow_rem,emerg,arp actions=drop",
	        "hard_timeout=65535,priority=65535 actions=drop",
	};

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		char line[FB_TEXT_LINE_BYTES];
		struct fb_text text = fb_text_make(line, sizeof line);
		struct fb_flow_mod fm;
		uint8_t bytes[64];
		struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);

		CU_ASSERT_EQUAL_FATAL(fb_parse_flow(lines[i], OFPFC_ADD, &fm, &actions, NULL), 0);
		fb_text_flow_mod(&text, &fm);
		expect_same(line, lines[i]);
	}
}

static void a_deletion_prints_its_out_port_and_no_actions(void)
{
	static const char *const lines[] = {"out_port=LOCAL,priority=7,ip", "out_port=3", "ip", ""};

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		char line[FB_TEXT_LINE_BYTES];
		struct fb_text text = fb_text_make(line, sizeof line);
		struct fb_flow_mod fm;
		struct fb_buf none = fb_buf_make(NULL, 0);

		CU_ASSERT_EQUAL_FATAL(fb_parse_flow(lines[i], OFPFC_DELETE, &fm, &none, NULL), 0);
		fb_text_flow_mod(&text, &fm);
		expect_same(line, lines[i]);
	}
}

static void a_match_that_is_not_normalised_shows_what_it_holds(void)
{
	char line[FB_TEXT_LINE_BYTES];
	struct fb_text text = fb_text_make(line, sizeof line);
	struct fb_match match;

	fb_match_any(&match);
	match.wildcards &=
	        ~(uint32_t)(OFPFW_TP_DST | OFPFW_NW_SRC_MASK | OFPFW_NW_PROTO | OFPFW_NW_TOS);
	match.tp_dst = 80;
	match.nw_proto = 6;
	match.nw_tos = 3;
	match.nw_src = 0x0a000001;
	fb_text_match(&text, &match);
	expect_same(line, "nw_src=10.0.0.1,nw_proto=6,nw_tos=3,tp_dst=80");
	fb_match_any(&match);
	match.wildcards &= ~(uint32_t)(OFPFW_DL_VLAN | OFPFW_DL_VLAN_PCP | OFPFW_NW_DST_MASK);
	match.wildcards |= 24 << OFPFW_NW_DST_SHIFT;
	match.dl_vlan = OFP_VLAN_NONE;
	match.dl_vlan_pcp = 3;
	match.nw_dst = 0x0a010203;
	text = fb_text_make(line, sizeof line);
	fb_text_match(&text, &match);
	expect_same(line, "vlan_tci=0x0000,nw_dst=10.0.0.0/8");
}

static void an_output_to_no_port_is_no_word_alone(void)
{
	static const uint8_t output[] = {0, 0, 0, 8, 0xff, 0xff, 0, 0};
	char line[FB_TEXT_LINE_BYTES];
	struct fb_text text = fb_text_make(line, sizeof line);

	fb_text_actions(&text, (struct fb_view){output, sizeof output});
	expect_same(line, "output:NONE");
}

static void vendor_actions_show_their_bytes(void)
{
	static const uint8_t vendor[] = {0xff, 0xff, 0, 16, 0, 0, 0x23, 0x20,
	                                 0,    1,    2, 3,  4, 5, 6,    7};
	char line[FB_TEXT_LINE_BYTES];
	struct fb_text text = fb_text_make(line, sizeof line);

	fb_text_actions(&text, (struct fb_view){vendor, sizeof vendor});
	expect_same(line, "vendor(0x00002320,0001020304050607)");
}

/* --- Random flows, there and back --- */

static uint64_t one_of(struct rng *rng, const uint16_t *values, size_t count)
{
	return values[rng_below(rng, count)];
}

static struct fb_match random_match(struct rng *rng)
{
	static const uint16_t types[] = {0x0800, 0x0800, 0x0800, 0x0806, 0x8035,
	                                 0x86dd, 0x8847, 0x1234, 0x05ff};
	static const uint16_t protos[] = {1, 6, 17, 132, 2, 0};
	struct fb_match m;

	m.wildcards = (uint32_t)rng_next(rng);
	m.wildcards &= (uint32_t)rng_next(rng);
	m.in_port = (uint16_t)rng_next(rng);
	fb_mac_from_u64(m.dl_src, rng_next(rng));
	fb_mac_from_u64(m.dl_dst, rng_next(rng));
	m.dl_vlan = rng_below(rng, 4) ? (uint16_t)rng_below(rng, 4096) : OFP_VLAN_NONE;
	m.dl_vlan_pcp = (uint8_t)rng_below(rng, 8);
	m.dl_type = (uint16_t)one_of(rng, types, sizeof types / sizeof types[0]);
	m.nw_proto = (uint8_t)one_of(rng, protos, sizeof protos / sizeof protos[0]);
	m.nw_tos = (uint8_t)(rng_below(rng, 64) << 2);
	m.nw_src = (uint32_t)rng_next(rng);
	m.nw_dst = (uint32_t)rng_next(rng);
	m.tp_src = (uint16_t)rng_below(rng, m.nw_proto == 1 ? 256 : 65536);
	m.tp_dst = (uint16_t)rng_below(rng, m.nw_proto == 1 ? 256 : 65536);
	fb_match_normalize(&m);
	return m;
}

static struct fb_action random_action(struct rng *rng)
{
	static const uint16_t ports[] = {
	        0,          1,        65280,           OFPP_IN_PORT, OFPP_TABLE, OFPP_NORMAL,
	        OFPP_FLOOD, OFPP_ALL, OFPP_CONTROLLER, OFPP_LOCAL,   OFPP_NONE};
	struct fb_action a = {.type = (uint16_t)rng_below(rng, OFPAT_ENQUEUE + 1)};
	uint64_t draw = rng_next(rng);

	switch ((enum ofp_action_type)a.type) {
	case OFPAT_OUTPUT:
		a.output.port = (uint16_t)one_of(rng, ports, sizeof ports / sizeof ports[0]);
		a.output.max_len = a.output.port == OFPP_CONTROLLER ? (uint16_t)draw : 0;
		break;
	case OFPAT_SET_VLAN_VID:
		a.vlan_vid = draw & 0xfff;
		break;
	case OFPAT_SET_VLAN_PCP:
		a.vlan_pcp = draw & 7;
		break;
	case OFPAT_SET_DL_SRC:
	case OFPAT_SET_DL_DST:
		fb_mac_from_u64(a.dl_addr, draw);
		break;
	case OFPAT_SET_NW_SRC:
	case OFPAT_SET_NW_DST:
		a.nw_addr = (uint32_t)draw;
		break;
	case OFPAT_SET_NW_TOS:
		a.nw_tos = draw & 0xfc;
		break;
	case OFPAT_SET_TP_SRC:
	case OFPAT_SET_TP_DST:
		a.tp_port = (uint16_t)draw;
		break;
	case OFPAT_ENQUEUE:
		a.enqueue.port = (uint16_t)(draw >> 32);
		a.enqueue.queue_id = (uint32_t)draw;
		break;
	case OFPAT_STRIP_VLAN:
	case OFPAT_VENDOR:
		break;
	}
	return a;
}

static struct fb_flow_mod random_flow(struct rng *rng, struct fb_buf *actions)
{
	uint64_t count = rng_below(rng, 5);
	struct fb_flow_mod fm = {.buffer_id = OFP_NO_BUFFER, .out_port = OFPP_NONE};

	fm.match = random_match(rng);
	fm.cookie = rng_below(rng, 2) ? rng_next(rng) : 0;
	fm.command = (uint16_t)rng_below(rng, OFPFC_DELETE_STRICT + 1);
	fm.idle_timeout = rng_below(rng, 2) ? (uint16_t)rng_next(rng) : 0;
	fm.hard_timeout = rng_below(rng, 2) ? (uint16_t)rng_next(rng) : 0;
	fm.priority = rng_below(rng, 2) ? (uint16_t)rng_next(rng) : OFP_DEFAULT_PRIORITY;
	fm.flags = (uint16_t)rng_below(rng, 8);
	if (fm.command >= OFPFC_DELETE)
		fm.out_port = (uint16_t)rng_next(rng);
	for (uint64_t i = 0; i < count; i++) {
		struct fb_action a = random_action(rng);

		CU_ASSERT_TRUE_FATAL(fb_action_put(actions, &a));
	}
	fm.actions = (struct fb_view){actions->data, actions->len};
	return fm;
}

static bool same(const struct fb_flow_mod *a, const struct fb_flow_mod *b)
{
	return fb_match_equal(&a->match, &b->match) && a->cookie == b->cookie &&
	       a->command == b->command && a->idle_timeout == b->idle_timeout &&
	       a->hard_timeout == b->hard_timeout && a->priority == b->priority &&
	       a->buffer_id == b->buffer_id && a->out_port == b->out_port && a->flags == b->flags &&
	       a->actions.len == b->actions.len &&
	       memcmp(a->actions.data, b->actions.data, a->actions.len) == 0;
}

static void random_flows_read_back_as_they_were_printed(void)
{
	struct rng rng;

	rng_init(&rng, 1, "text_flow_test");
	for (int i = 0; i < 5000; i++) {
		uint8_t bytes[128], bytes_back[128];
		struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);
		struct fb_buf actions_back = fb_buf_make(bytes_back, sizeof bytes_back);
		struct fb_flow_mod fm = random_flow(&rng, &actions), back;
		char line[FB_TEXT_LINE_BYTES], why[256];
		struct fb_text text = fb_text_make(line, sizeof line);
		struct fb_text error = fb_text_make(why, sizeof why);

		fb_text_flow_mod(&text, &fm);
		CU_ASSERT_FALSE(text.cut);
		if (fb_parse_flow(line, fm.command, &back, &actions_back, &error) < 0) {
			CU_FAIL("refused");
			printf("# %s: %s\n", line, why);
		} else if (!same(&fm, &back)) {
			CU_FAIL("differs");
			printf("# %s\n", line);
		}
	}
}

static void random_matches_and_entries_read_back_too(void)
{
	struct rng rng;

	rng_init(&rng, 2, "text_flow_test");
	for (int i = 0; i < 2000; i++) {
		struct fb_flow_stats stats = {.match = random_match(&rng),
		                              .cookie = rng_next(&rng),
		                              .duration_sec = 3,
		                              .priority = (uint16_t)i};
		char line[FB_TEXT_LINE_BYTES];
		struct fb_text text = fb_text_make(line, sizeof line);
		struct fb_buf none = fb_buf_make(NULL, 0);
		struct fb_flow_mod fm;
		struct fb_match match;

		fb_text_match(&text, &stats.match);
		CU_ASSERT_EQUAL_FATAL(fb_parse_match(line, &match, NULL), 0);
		CU_ASSERT_TRUE(fb_match_equal(&match, &stats.match));
		text = fb_text_make(line, sizeof line);
		fb_text_flow_stats(&text, &stats);
		CU_ASSERT_EQUAL_FATAL(fb_parse_flow(line, OFPFC_ADD, &fm, &none, NULL), 0);
		CU_ASSERT_TRUE(fb_match_equal(&fm.match, &stats.match));
		CU_ASSERT_EQUAL(fm.cookie, stats.cookie);
		CU_ASSERT_EQUAL(fm.priority, stats.priority);
	}
}

static void a_flow_that_does_not_fit_is_cut_anywhere(void)
{
	static const char whole[] =
	        "cookie=0x1,send_flow_rem,priority=7,tcp,nw_dst=10.0.0.0/8,tp_dst=80 "
	        "actions=mod_dl_dst:02:00:00:00:00:01,output:2";
	uint8_t bytes[64];
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);
	struct fb_flow_mod fm;

	CU_ASSERT_EQUAL_FATAL(fb_parse_flow(whole, OFPFC_ADD, &fm, &actions, NULL), 0);
	for (size_t size = 1; size <= sizeof whole; size++) {
		char line[sizeof whole + 1];
		struct fb_text text;

		memset(line, 'x', sizeof line);
		text = fb_text_make(line, size);
		fb_text_flow_mod(&text, &fm);
		CU_ASSERT_EQUAL(text.cut, size < sizeof whole);
		CU_ASSERT_EQUAL(strlen(line), text.len);
		CU_ASSERT(strncmp(line, whole, text.len) == 0);
		CU_ASSERT(text.len + 2 >= size);
		CU_ASSERT_EQUAL(line[size], 'x');
	}
}

UNIT_TESTS("text_flow", UNIT_TEST(flows_read_and_print_as_open_vswitch_does),
           UNIT_TEST(entries_print_as_in_dump_flows),
           UNIT_TEST(a_flow_mod_prints_all_that_is_not_the_default),
           UNIT_TEST(a_deletion_prints_its_out_port_and_no_actions),
           UNIT_TEST(a_match_that_is_not_normalised_shows_what_it_holds),
           UNIT_TEST(an_output_to_no_port_is_no_word_alone),
           UNIT_TEST(vendor_actions_show_their_bytes),
           UNIT_TEST(random_flows_read_back_as_they_were_printed),
           UNIT_TEST(random_matches_and_entries_read_back_too),
           UNIT_TEST(a_flow_that_does_not_fit_is_cut_anywhere))
