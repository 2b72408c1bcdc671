/* ICMP and IP of simulated hosts: pings, errors, fragments. */
#include "tests/unit/sim/script.h"

/* --- Pings --- */

static void ping(struct two_hosts *t, const struct host_ping_request *request,
                 struct outcome *outcome)
{
	memset(outcome, 0, sizeof *outcome);
	host_ping(t->host[0], request, t->clock.now_ns, outcome_done, outcome);
}

static void a_ping_is_answered(void)
{
	struct two_hosts t;
	struct outcome outcome;
	struct host_ping_request request = {.ip = IP_2,
	                                    .count = 3,
	                                    .interval_ns = SECOND,
	                                    .timeout_ns = SECOND,
	                                    .payload_bytes = 56};

	two_hosts_start_plain(&t);
	ping(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
	CU_ASSERT_EQUAL(outcome.done, 1);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	CU_ASSERT_EQUAL(outcome.result.answered, 3);
	CU_ASSERT_EQUAL(outcome.result.lost, 0);
	CU_ASSERT_EQUAL(outcome.result.duplicates, 0);
	CU_ASSERT_TRUE(outcome.result.intact);
	CU_ASSERT_EQUAL(outcome.result.answer_mac[5], 2);
	/* 98 bytes and 24 on the wire take 976 ns each way; the first one waits for ARP, too. */
	CU_ASSERT_EQUAL(outcome.result.rtt_min_ns, 100000 + 2 * 976);
	CU_ASSERT_EQUAL(outcome.result.rtt_max_ns, 200000 + 2 * 976 + 2 * 672);
	CU_ASSERT_EQUAL(outcome.result.ended_ns, 2 * SECOND + 100000 + 2 * 976);
	CU_ASSERT_EQUAL(host_counters(t.host[1])->icmp_echo_requests_in, 3);
	CU_ASSERT_EQUAL(host_counters(t.host[0])->icmp_echo_replies_in, 3);
	two_hosts_stop(&t);
}

/* Drop the frame whose number is at 'ctx'. */
static bool drop_nth(void *ctx, unsigned end, const struct fb_packet *p)
{
	int *left = ctx;

	return !(end == 0 && p->is_icmp && (*left)-- == 0);
}

static void a_lost_ping_is_counted(void)
{
	struct two_hosts t;
	struct outcome outcome;
	struct host_ping_request request = {
	        .ip = IP_2, .count = 4, .interval_ns = SECOND, .timeout_ns = 2 * SECOND};
	int left = 1;

	two_hosts_start_plain(&t);
	t.filter = drop_nth;
	t.filter_ctx = &left;
	ping(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	CU_ASSERT_EQUAL(outcome.result.answered, 3);
	CU_ASSERT_EQUAL(outcome.result.lost, 1);
	CU_ASSERT_EQUAL(outcome.result.ended_ns, 5 * SECOND);
	two_hosts_stop(&t);
}

static void a_reply_that_comes_twice_is_a_duplicate(void)
{
	struct host_config config[2] = {two_hosts_config(0), two_hosts_config(1)};
	struct two_hosts t;
	struct outcome outcome;
	struct host_ping_request request = {.ip = IP_2, .count = 10, .interval_ns = SECOND};
	struct link_config link;

	link_config_default(&link);
	link.duplicate_ppm = 1000000;
	two_hosts_start(&t, &link, config, 1);
	ping(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 20 * SECOND));
	CU_ASSERT_EQUAL(outcome.result.answered, 10);
	/* Each request and each reply comes twice: three more replies, but none is waited for after
	 * the last. */
	CU_ASSERT_EQUAL(outcome.result.duplicates, 27);
	two_hosts_stop(&t);
}

static void a_ping_that_nobody_answers_times_out(void)
{
	struct script s;
	struct host_ping_request request = {.ip = IP_2, .count = 1, .timeout_ns = 500 * MS};

	script_start(&s);
	host_ping(s.host, &request, 0, outcome_done, &s.outcome);
	script_until(&s, 10 * SECOND);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_TIMEOUT);
	CU_ASSERT_EQUAL(s.outcome.result.ended_ns, 500 * MS);
	CU_ASSERT_EQUAL(s.outcome.result.lost, 1);
	script_stop(&s);
	/* When not even ARP was answered, nobody is there. */
	script_start(&s);
	s.peer_answers_arp = false;
	host_ping(s.host, &request, 0, outcome_done, &s.outcome);
	script_until(&s, 10 * SECOND);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_UNREACHABLE);
	CU_ASSERT_EQUAL(s.outcome.result.ended_ns, 500 * MS);
	script_stop(&s);
}

static void pings_at_once_do_not_take_each_other_s_replies(void)
{
	enum { COUNT = 300 };
	static struct outcome outcomes[COUNT];
	struct host_ping_request request = {.ip = IP_2, .count = 3, .interval_ns = 10 * MS};
	struct two_hosts t;

	two_hosts_start_plain(&t);
	host_arp(t.host[0], IP_2, false, 0, NULL, NULL);
	CU_ASSERT_TRUE(two_hosts_settle(&t, SECOND));
	for (unsigned i = 0; i < COUNT; i++)
		ping(&t, &request, &outcomes[i]);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
	for (unsigned i = 0; i < COUNT; i++) {
		CU_ASSERT_EQUAL(outcomes[i].result.answered, 3);
		CU_ASSERT_EQUAL(outcomes[i].result.duplicates, 0);
	}
	two_hosts_stop(&t);
}

static void a_reply_with_other_bytes_is_not_intact(void)
{
	struct script s;
	struct host_ping_request request = {.ip = IP_2, .count = 1, .payload_bytes = 4};
	uint8_t bytes[128];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};
	struct fb_ipv4_spec ip = {.nw_src = IP_2, .nw_dst = IP_1};
	struct fb_packet p;

	script_start(&s);
	host_ping(s.host, &request, 0, outcome_done, &s.outcome);
	script_until(&s, 0);
	fb_packet_parse(&p, s.last, s.last_len);
	memcpy(eth.dl_dst, script_host_mac, FB_MAC_BYTES);
	memcpy(eth.dl_src, script_peer_mac, FB_MAC_BYTES);
	/* One to another request is none. */
	fb_build_icmp(&out, &eth, &ip, FB_ICMP_ECHO_REPLY, 0,
	              (uint32_t)p.icmp_id << 16 | (p.icmp_seq + 1u), "abcd", 4);
	script_receive(&s, &out);
	CU_ASSERT_EQUAL(s.outcome.done, 0);
	out = fb_buf_make(bytes, sizeof bytes);
	fb_build_icmp(&out, &eth, &ip, FB_ICMP_ECHO_REPLY, 0,
	              (uint32_t)p.icmp_id << 16 | p.icmp_seq, "abcd", 4);
	script_receive(&s, &out);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_OK);
	CU_ASSERT_FALSE(s.outcome.result.intact);
	script_stop(&s);
}

/* --- Fragments --- */

static void a_large_ping_goes_in_fragments_and_comes_back(void)
{
	static const size_t sizes[] = {1472, 1473, 3000, 8000, 65493, 100000};
	struct two_hosts t;
	struct outcome outcome;

	two_hosts_start_plain(&t);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct host_ping_request request = {
		        .ip = IP_2, .count = 1, .payload_bytes = sizes[i]};
		uint64_t before;

		if (!i)
			host_arp(t.host[0], IP_2, false, 0, NULL, NULL);
		two_hosts_settle(&t, SECOND);
		before = t.frames[0];
		ping(&t, &request, &outcome);
		CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
		CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
		CU_ASSERT_TRUE(outcome.result.intact);
		/* What is too large for a frame of 65,535 bytes is sent as the largest that
		 * is not. */
		CU_ASSERT_EQUAL(outcome.result.received_bytes, sizes[i] < 65493 ? sizes[i] : 65493);
		CU_ASSERT_EQUAL(t.frames[0] - before,
		                ((sizes[i] < 65493 ? sizes[i] : 65493) + 8 + 1479) / 1480);
	}
	CU_ASSERT_EQUAL(host_counters(t.host[0])->reassembly_failed, 0);
	two_hosts_stop(&t);
}

static void fragments_survive_reordering_and_duplication(void)
{
	struct host_config config[2] = {two_hosts_config(0), two_hosts_config(1)};
	struct host_ping_request request = {
	        .ip = IP_2, .count = 50, .interval_ns = 100 * MS, .payload_bytes = 20000};
	struct two_hosts t;
	struct outcome outcome;
	struct link_config link;

	link_config_default(&link);
	link.reorder_ppm = 300000;
	link.duplicate_ppm = 100000;
	two_hosts_start(&t, &link, config, 1);
	ping(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 20 * SECOND));
	CU_ASSERT_EQUAL(outcome.result.answered, 50);
	CU_ASSERT_TRUE(outcome.result.intact);
	two_hosts_stop(&t);
}

/* A fragment of an echo request of the peer. */
static void fragment(struct script *s, uint16_t id, uint16_t offset, size_t len, bool more)
{
	uint8_t bytes[2048], l4[1480] = {0};
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};
	struct fb_ipv4_spec ip = {.nw_src = IP_2,
	                          .nw_dst = IP_1,
	                          .ip_id = id,
	                          .more_fragments = more,
	                          .frag_offset = offset};

	memcpy(eth.dl_dst, script_host_mac, FB_MAC_BYTES);
	memcpy(eth.dl_src, script_peer_mac, FB_MAC_BYTES);
	/* All zeros but the type: the checksum that makes that right. */
	if (offset == 0) {
		l4[0] = FB_ICMP_ECHO_REQUEST;
		fb_set16(l4 + 2, (uint16_t) ~(FB_ICMP_ECHO_REQUEST << 8));
	}
	fb_build_ipv4(&out, &eth, &ip, FB_IP_ICMP, l4, len);
	script_receive(s, &out);
	script_settle_arp(s);
}

static void a_packet_is_put_together_in_any_order(void)
{
	static const uint8_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
	                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct script s;

	script_start(&s);
	for (uint16_t i = 0; i < 6; i++) {
		for (unsigned j = 0; j < 3; j++) {
			uint8_t part = orders[i][j];

			CU_ASSERT_EQUAL(host_counters(s.host)->icmp_echo_requests_in, i);
			/* A piece that comes twice is one. */
			fragment(&s, i, (uint16_t)(part * 800), part == 2 ? 100 : 800, part != 2);
			if (j < 2)
				fragment(&s, i, (uint16_t)(part * 800), part == 2 ? 100 : 800,
				         part != 2);
		}
		CU_ASSERT_EQUAL(host_counters(s.host)->icmp_echo_requests_in, i + 1);
	}
	CU_ASSERT_EQUAL(host_counters(s.host)->reassembly_failed, 0);
	script_stop(&s);
}

static void fragments_that_cannot_be_end_the_packet(void)
{
	struct script s;

	script_start(&s);
	/* They overlap. */
	fragment(&s, 1, 0, 800, true);
	fragment(&s, 1, 792, 800, true);
	CU_ASSERT_EQUAL(host_counters(s.host)->reassembly_failed, 1);
	fragment(&s, 2, 800, 800, true);
	fragment(&s, 2, 0, 808, true);
	fragment(&s, 2, 0, 800, true);
	fragment(&s, 2, 1600, 800, true);
	fragment(&s, 2, 800, 808, true);
	CU_ASSERT_EQUAL(host_counters(s.host)->reassembly_failed, 3);
	/* Not the last and no multiple of 8. */
	fragment(&s, 3, 0, 799, true);
	CU_ASSERT_EQUAL(host_counters(s.host)->reassembly_failed, 4);
	/* Two ends; something behind the end. */
	fragment(&s, 4, 800, 100, false);
	fragment(&s, 4, 1600, 100, false);
	fragment(&s, 5, 800, 100, false);
	fragment(&s, 5, 1600, 800, true);
	fragment(&s, 6, 1600, 800, true);
	fragment(&s, 6, 800, 100, false);
	CU_ASSERT_EQUAL(host_counters(s.host)->reassembly_failed, 7);
	/* Beyond what a packet can be. */
	fragment(&s, 7, 65528, 100, false);
	CU_ASSERT_EQUAL(host_counters(s.host)->reassembly_failed, 8);
	CU_ASSERT_EQUAL(host_counters(s.host)->icmp_echo_requests_in, 0);
	script_stop(&s);
}

static void a_packet_that_stays_incomplete_is_dropped_after_30_seconds(void)
{
	struct script s;

	script_start(&s);
	fragment(&s, 1, 800, 800, true);
	script_until(&s, 10 * SECOND);
	fragment(&s, 2, 0, 800, true);
	CU_ASSERT_FALSE(host_pending(s.host));
	script_until(&s, 30 * SECOND);
	CU_ASSERT_EQUAL(host_counters(s.host)->reassembly_failed, 1);
	script_expect(&s, "");
	script_until(&s, 40 * SECOND);
	CU_ASSERT_EQUAL(host_counters(s.host)->reassembly_failed, 2);
	/* Whose first fragment came is told: time exceeded, code 1. */
	CU_ASSERT_EQUAL(s.last[FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES], FB_ICMP_TIME_EXCEEDED);
	CU_ASSERT_EQUAL(s.last[FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES + 1], 1);
	script_stop(&s);
}

static void no_more_than_64_packets_are_put_together_at_once(void)
{
	struct script s;

	script_start(&s);
	for (uint16_t id = 0; id < 100; id++)
		fragment(&s, id, 0, 800, true);
	CU_ASSERT_EQUAL(host_counters(s.host)->reassembly_failed, 36);
	/* The oldest gave way. */
	fragment(&s, 35, 800, 100, false);
	CU_ASSERT_EQUAL(host_counters(s.host)->icmp_echo_requests_in, 0);
	fragment(&s, 99, 800, 100, false);
	CU_ASSERT_EQUAL(host_counters(s.host)->icmp_echo_requests_in, 1);
	script_stop(&s);
}

static void a_packet_in_too_many_pieces_is_dropped(void)
{
	struct script s;

	script_start(&s);
	for (uint16_t i = 0; i < 66; i++)
		fragment(&s, 1, (uint16_t)(i * 16), 8, true);
	CU_ASSERT_EQUAL(host_counters(s.host)->reassembly_failed, 1);
	script_stop(&s);
}

/* --- Errors --- */

static void an_unknown_protocol_is_unreachable(void)
{
	struct script s;
	uint8_t bytes[128];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};
	struct fb_ipv4_spec ip = {.nw_src = IP_2, .nw_dst = IP_1};
	struct fb_packet p;

	script_start(&s);
	memcpy(eth.dl_dst, script_host_mac, FB_MAC_BYTES);
	memcpy(eth.dl_src, script_peer_mac, FB_MAC_BYTES);
	fb_build_ipv4(&out, &eth, &ip, 132, "some bytes", 10);
	script_receive(&s, &out);
	script_settle_arp(&s);
	fb_packet_parse(&p, s.last, s.last_len);
	CU_ASSERT_TRUE(p.is_icmp);
	CU_ASSERT_EQUAL(p.tp_src, FB_ICMP_UNREACHABLE);
	CU_ASSERT_EQUAL(p.tp_dst, 2);
	/* It quotes the packet from its IP header on. */
	CU_ASSERT_EQUAL(p.payload_len, 30);
	CU_ASSERT_EQUAL(memcmp(p.data + p.payload_ofs, bytes + FB_ETH_HEADER_BYTES, 30), 0);
	script_stop(&s);
}

static void no_error_answers_an_error_or_a_broadcast(void)
{
	struct script s;
	uint8_t bytes[128];
	struct fb_eth_spec eth = {.has_vlan = false};
	struct fb_ipv4_spec ip = {.nw_src = IP_2, .nw_dst = IP_1};
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	script_start(&s);
	memset(eth.dl_dst, 0xff, FB_MAC_BYTES);
	memcpy(eth.dl_src, script_peer_mac, FB_MAC_BYTES);
	fb_build_udp(&out, &eth, &ip, 5, 6, "x", 1);
	script_receive(&s, &out);
	out = fb_buf_make(bytes, sizeof bytes);
	memcpy(eth.dl_dst, script_host_mac, FB_MAC_BYTES);
	fb_build_icmp(&out, &eth, &ip, FB_ICMP_UNREACHABLE, 3, 0, "x", 1);
	script_receive(&s, &out);
	script_expect(&s, "");
	script_stop(&s);
}

static void packets_for_another_address_are_ignored(void)
{
	struct script s;
	uint8_t bytes[128];
	struct fb_eth_spec eth = {.has_vlan = false};
	struct fb_ipv4_spec ip = {.nw_src = IP_2, .nw_dst = IP_2 + 5};
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	script_start(&s);
	memcpy(eth.dl_dst, script_host_mac, FB_MAC_BYTES);
	memcpy(eth.dl_src, script_peer_mac, FB_MAC_BYTES);
	fb_build_icmp(&out, &eth, &ip, FB_ICMP_ECHO_REQUEST, 0, 0, "x", 1);
	script_receive(&s, &out);
	/* Nor does one with our own address as its source get an answer. */
	ip.nw_dst = ip.nw_src = IP_1;
	out = fb_buf_make(bytes, sizeof bytes);
	fb_build_icmp(&out, &eth, &ip, FB_ICMP_ECHO_REQUEST, 0, 0, "x", 1);
	script_receive(&s, &out);
	script_expect(&s, "");
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_ignored, 2);
	script_stop(&s);
}

UNIT_TESTS("host_icmp", UNIT_TEST(a_ping_is_answered), UNIT_TEST(a_lost_ping_is_counted),
           UNIT_TEST(a_reply_that_comes_twice_is_a_duplicate),
           UNIT_TEST(a_ping_that_nobody_answers_times_out),
           UNIT_TEST(pings_at_once_do_not_take_each_other_s_replies),
           UNIT_TEST(a_reply_with_other_bytes_is_not_intact),
           UNIT_TEST(a_large_ping_goes_in_fragments_and_comes_back),
           UNIT_TEST(fragments_survive_reordering_and_duplication),
           UNIT_TEST(a_packet_is_put_together_in_any_order),
           UNIT_TEST(fragments_that_cannot_be_end_the_packet),
           UNIT_TEST(a_packet_that_stays_incomplete_is_dropped_after_30_seconds),
           UNIT_TEST(no_more_than_64_packets_are_put_together_at_once),
           UNIT_TEST(a_packet_in_too_many_pieces_is_dropped),
           UNIT_TEST(an_unknown_protocol_is_unreachable),
           UNIT_TEST(no_error_answers_an_error_or_a_broadcast),
           UNIT_TEST(packets_for_another_address_are_ignored))
