/* ARP of simulated hosts: what is learned, from whom, for how long. */
#include "tests/unit/sim/script.h"

static const uint8_t broadcast[FB_MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t zero[FB_MAC_BYTES];
static const uint8_t mac_2[FB_MAC_BYTES] = {2, 0, 0, 0, 0, 2};
static const uint8_t mac_3[FB_MAC_BYTES] = {2, 0, 0, 0, 0, 3};

#define ASK_2   "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff arp who-has 192.168.2.2 tell 192.168.2.1\n"
#define PROBE_2 "02:00:00:00:00:01 > 02:00:00:00:00:02 arp who-has 192.168.2.2 tell 192.168.2.1\n"
#define UDP_2   "02:00:00:00:00:01 > 02:00:00:00:00:02 "

static void arp_start(struct script *s)
{
	script_start(s);
	s->show_arp = true;
	s->peer_answers_arp = false;
}

static void reply(struct script *s, const uint8_t mac[FB_MAC_BYTES])
{
	script_arp(s, FB_ARP_REPLY, script_host_mac, mac, IP_2, script_host_mac, IP_1);
}

static void request_for_us(struct script *s, const uint8_t mac[FB_MAC_BYTES])
{
	script_arp(s, FB_ARP_REQUEST, broadcast, mac, IP_2, zero, IP_1);
}

static void gratuitous(struct script *s, const uint8_t mac[FB_MAC_BYTES])
{
	script_arp(s, FB_ARP_REQUEST, broadcast, mac, IP_2, zero, IP_2);
}

/* A datagram to 192.168.2.2. */
static void send(struct script *s)
{
	struct host_udp_request request = {.ip = IP_2, .port = 9, .local_port = 1000};

	memset(&s->outcome, 0, sizeof s->outcome);
	host_udp(s->host, &request, s->now_ns, outcome_done, &s->outcome);
	script_until(s, s->now_ns);
}

/* The address that the host has for 192.168.2.2: its last byte, or 0. */
static unsigned known(const struct script *s)
{
	uint8_t mac[FB_MAC_BYTES];

	return host_arp_lookup(s->host, IP_2, mac) ? mac[5] : 0;
}

/* The destination of the last frame: its last byte. */
static unsigned last_to(const struct script *s)
{
	return s->last[5];
}

static void an_entry_is_taken_from_the_first_reply(void)
{
	struct script s;

	arp_start(&s);
	script_until(&s, 10 * SECOND);
	send(&s);
	send(&s);
	script_expect(&s, "10.000000 " ASK_2);
	CU_ASSERT_TRUE(host_pending(s.host));
	reply(&s, mac_2);
	CU_ASSERT_EQUAL(known(&s), 2);
	CU_ASSERT_FALSE(host_pending(s.host));
	/* Both datagrams go, to the first that answered. */
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_out, 3);
	CU_ASSERT_EQUAL(last_to(&s), 2);
	reply(&s, mac_3);
	s.now_ns = 11 * SECOND;
	reply(&s, mac_3);
	CU_ASSERT_EQUAL(known(&s), 2);
	/* More than a second later, another reply counts. */
	s.now_ns = 11 * SECOND + 1;
	reply(&s, mac_3);
	CU_ASSERT_EQUAL(known(&s), 3);
	CU_ASSERT_EQUAL(host_counters(s.host)->arp_replies_in, 4);
	script_stop(&s);
}

static void a_reply_that_nobody_asked_for_makes_no_entry(void)
{
	struct script s;

	arp_start(&s);
	reply(&s, mac_2);
	gratuitous(&s, mac_2);
	CU_ASSERT_EQUAL(known(&s), 0);
	script_expect(&s, "");
	script_stop(&s);
}

static void who_asks_for_us_is_answered_and_learned(void)
{
	struct script s;

	arp_start(&s);
	request_for_us(&s, mac_2);
	script_expect(&s, "0.000000 02:00:00:00:00:01 > 02:00:00:00:00:02 arp 192.168.2.1 is-at "
	                  "02:00:00:00:00:01\n");
	CU_ASSERT_EQUAL(known(&s), 2);
	/* And again, at once, when it has another address. */
	request_for_us(&s, mac_3);
	CU_ASSERT_EQUAL(known(&s), 3);
	CU_ASSERT_EQUAL(host_counters(s.host)->arp_requests_in, 2);
	CU_ASSERT_EQUAL(host_counters(s.host)->arp_replies_out, 2);
	script_stop(&s);
}

static void a_request_of_whom_we_ask_for_is_an_answer(void)
{
	struct script s;

	arp_start(&s);
	send(&s);
	request_for_us(&s, mac_2);
	CU_ASSERT_EQUAL(known(&s), 2);
	CU_ASSERT_EQUAL(last_to(&s), 2);
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_out, 3);
	CU_ASSERT_FALSE(host_pending(s.host));
	script_stop(&s);
}

static void gratuitous_arp_updates_an_entry_that_is_there(void)
{
	struct script s;

	arp_start(&s);
	send(&s);
	reply(&s, mac_2);
	gratuitous(&s, mac_3);
	CU_ASSERT_EQUAL(known(&s), 3);
	/* So does a gratuitous reply, at once, and a request to somebody else only after
	 * a second. */
	script_arp(&s, FB_ARP_REPLY, broadcast, mac_2, IP_2, mac_2, IP_2);
	CU_ASSERT_EQUAL(known(&s), 2);
	script_arp(&s, FB_ARP_REQUEST, broadcast, mac_3, IP_2, zero, IP_2 + 1);
	CU_ASSERT_EQUAL(known(&s), 2);
	s.now_ns = 2 * SECOND;
	script_arp(&s, FB_ARP_REQUEST, broadcast, mac_3, IP_2, zero, IP_2 + 1);
	CU_ASSERT_EQUAL(known(&s), 3);
	script_stop(&s);
}

static void a_probe_without_sender_address_is_answered_and_teaches_nothing(void)
{
	struct script s;

	arp_start(&s);
	script_arp(&s, FB_ARP_REQUEST, broadcast, mac_2, 0, zero, IP_1);
	script_expect(&s, "0.000000 02:00:00:00:00:01 > 02:00:00:00:00:02 arp 192.168.2.1 is-at "
	                  "02:00:00:00:00:01\n");
	CU_ASSERT_EQUAL(known(&s), 0);
	CU_ASSERT_FALSE(host_arp_lookup(s.host, 0, (uint8_t[FB_MAC_BYTES]){0}));
	script_stop(&s);
}

static void a_neighbour_with_our_address_is_nobody(void)
{
	struct script s;

	arp_start(&s);
	script_arp(&s, FB_ARP_REQUEST, broadcast, mac_2, IP_1, zero, IP_1);
	script_arp(&s, FB_ARP_REQUEST, broadcast, mac_2, IP_1, zero, IP_2);
	script_expect(&s, "");
	CU_ASSERT_FALSE(host_arp_lookup(s.host, IP_1, (uint8_t[FB_MAC_BYTES]){0}));
	script_stop(&s);
}

static void requests_for_others_are_not_answered(void)
{
	struct script s;

	arp_start(&s);
	script_arp(&s, FB_ARP_REQUEST, broadcast, mac_2, IP_2, zero, IP_2 + 1);
	script_expect(&s, "");
	CU_ASSERT_EQUAL(known(&s), 0);
	script_stop(&s);
}

static void three_requests_without_an_answer_are_all(void)
{
	struct script s;
	struct outcome outcome = {0};
	struct host_udp_request request = {
	        .ip = IP_2, .port = 9, .wait_reply = true, .timeout_ns = 10 * SECOND};

	arp_start(&s);
	host_udp(s.host, &request, 0, outcome_done, &outcome);
	script_until(&s, 20 * SECOND);
	script_expect(&s, "0.000000 " ASK_2 "1.000000 " ASK_2 "2.000000 " ASK_2);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_UNREACHABLE);
	CU_ASSERT_EQUAL(outcome.result.ended_ns, 3 * SECOND);
	CU_ASSERT_EQUAL(host_counters(s.host)->arp_failed, 1);
	CU_ASSERT_FALSE(host_pending(s.host));
	/* The next one asks anew. */
	send(&s);
	script_expect(&s, "20.000000 " ASK_2);
	script_stop(&s);
}

static void a_stale_entry_is_used_on_and_probed_by_unicast(void)
{
	struct script s;

	arp_start(&s);
	send(&s);
	reply(&s, mac_2);
	script_until(&s, 30 * SECOND);
	script_skip(&s);
	send(&s);
	script_until(&s, 40 * SECOND);
	CU_ASSERT_EQUAL(host_counters(s.host)->arp_requests_out, 1);
	script_skip(&s);
	/* Stale now: the datagram goes at once; after 5 s the neighbour is asked, to
	 * its address. */
	send(&s);
	CU_ASSERT_EQUAL(last_to(&s), 2);
	script_skip(&s);
	CU_ASSERT_FALSE(host_pending(s.host));
	script_until(&s, 45 * SECOND + 1);
	script_expect(&s, "45.000000 " PROBE_2);
	CU_ASSERT_TRUE(host_pending(s.host));
	reply(&s, mac_2);
	CU_ASSERT_FALSE(host_pending(s.host));
	script_until(&s, 100 * SECOND);
	script_expect(&s, "");
	CU_ASSERT_EQUAL(known(&s), 2);
	script_stop(&s);
}

static void a_stale_entry_that_does_not_answer_is_dropped_and_used_until_then(void)
{
	struct script s;

	arp_start(&s);
	send(&s);
	reply(&s, mac_2);
	script_until(&s, 40 * SECOND);
	send(&s);
	script_skip(&s);
	script_until(&s, 47500 * MS);
	script_expect(&s, "45.000000 " PROBE_2 "46.000000 " PROBE_2 "47.000000 " PROBE_2);
	send(&s);
	CU_ASSERT_EQUAL(last_to(&s), 2);
	script_skip(&s);
	script_until(&s, 60 * SECOND);
	script_expect(&s, "");
	CU_ASSERT_EQUAL(known(&s), 0);
	send(&s);
	script_expect(&s, "60.000000 " ASK_2);
	script_stop(&s);
}

/* Nothing waited for the answer, so that nobody is told: what is sent next asks everybody, as Linux does. */
static void a_stale_entry_that_does_not_answer_ends_no_connection(void)
{
	const struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct script s;

	arp_start(&s);
	send(&s);
	reply(&s, mac_2);
	script_until(&s, 40 * SECOND);
	script_open(&s, &request);
	script_skip(&s);
	script_until(&s, 54 * SECOND);
	CU_ASSERT_EQUAL(known(&s), 0);
	CU_ASSERT_EQUAL(s.outcome.done, 0);
	/* The SYN that nobody answers then has waited, and is told. */
	script_skip(&s);
	script_until(&s, 60 * SECOND);
	script_expect(&s, "55.000000 " ASK_2 "56.000000 " ASK_2 "57.000000 " ASK_2);
	CU_ASSERT_EQUAL(s.outcome.done, 1);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_UNREACHABLE);
	script_stop(&s);
}

static void an_entry_that_is_not_used_is_not_probed(void)
{
	struct script s;

	arp_start(&s);
	send(&s);
	reply(&s, mac_2);
	script_skip(&s);
	script_until(&s, 1000 * SECOND);
	script_expect(&s, "");
	CU_ASSERT_EQUAL(known(&s), 2);
	script_stop(&s);
}

/* As long as acknowledgements of new data come back, TCP knows better than any probe. */
static void tcp_that_gets_on_confirms_an_entry(void)
{
	struct script s;
	uint32_t seq = 1;

	script_start(&s);
	s.show_arp = true;
	script_accept(&s, HOST_SERVICE_ECHO, true);
	for (unsigned i = 1; i <= 100; i++, seq++) {
		script_until(&s, i * SECOND);
		script_tcp(&s, FB_TCP_ACK, seq, seq, 1);
		script_tcp(&s, FB_TCP_ACK, seq + 1, seq + 1, 0);
	}
	CU_ASSERT_EQUAL(host_counters(s.host)->arp_requests_out, 1);
	script_stop(&s);
}

static void the_oldest_frame_gives_way_when_too_many_wait(void)
{
	struct script s;
	struct fb_packet p;

	arp_start(&s);
	for (uint16_t port = 1; port <= 100; port++) {
		struct host_udp_request request = {.ip = IP_2, .port = port, .local_port = 1000};

		host_udp(s.host, &request, 0, NULL, NULL);
		script_until(&s, 0);
	}
	reply(&s, mac_2);
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_out, 1 + 64);
	fb_packet_parse(&p, s.last, s.last_len);
	CU_ASSERT_EQUAL(p.tp_dst, 100);
	script_stop(&s);
}

static void the_cache_is_bounded_and_the_entry_not_used_for_longest_goes(void)
{
	struct host_config config = two_hosts_config(0);
	struct script s;
	uint8_t mac[FB_MAC_BYTES];

	config.arp_entries_max = 4;
	script_start_with(&s, &config);
	for (uint32_t i = 0; i < 6; i++)
		script_arp(&s, FB_ARP_REQUEST, broadcast, mac_2, IP_2 + i, zero, IP_1);
	CU_ASSERT_FALSE(host_arp_lookup(s.host, IP_2, mac));
	CU_ASSERT_FALSE(host_arp_lookup(s.host, IP_2 + 1, mac));
	CU_ASSERT_TRUE(host_arp_lookup(s.host, IP_2 + 2, mac));
	CU_ASSERT_TRUE(host_arp_lookup(s.host, IP_2 + 5, mac));
	/* Those that are being asked for stay: what would need a fifth is dropped and counted. */
	for (uint32_t i = 0; i < 5; i++)
		host_arp(s.host, IP_2 + 100 + i, false, 0, NULL, NULL);
	CU_ASSERT_EQUAL(host_counters(s.host)->arp_full, 1);
	script_stop(&s);
}

static void a_scenario_resolves_past_the_cache(void)
{
	struct script s;
	struct outcome outcome = {0};

	arp_start(&s);
	send(&s);
	reply(&s, mac_2);
	script_skip(&s);
	host_arp(s.host, IP_2, false, s.now_ns, outcome_done, &outcome);
	script_expect(&s, "0.000000 " ASK_2);
	CU_ASSERT_EQUAL(known(&s), 0);
	reply(&s, mac_3);
	CU_ASSERT_EQUAL(outcome.done, 1);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	CU_ASSERT_EQUAL(memcmp(outcome.result.answer_mac, mac_3, 6), 0);
	CU_ASSERT_EQUAL(known(&s), 3);
	memset(&outcome, 0, sizeof outcome);
	host_arp(s.host, IP_2 + 7, false, s.now_ns, outcome_done, &outcome);
	script_until(&s, 10 * SECOND);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_UNREACHABLE);
	CU_ASSERT_EQUAL(outcome.result.ended_ns, 3 * SECOND);
	script_stop(&s);
}

static void a_scenario_announces_the_host(void)
{
	struct script s;
	struct outcome outcome = {0};

	arp_start(&s);
	host_arp(s.host, 0, true, 0, outcome_done, &outcome);
	CU_ASSERT_EQUAL(outcome.done, 0);
	script_until(&s, 0);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	script_expect(&s, "0.000000 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff arp who-has 192.168.2.1 "
	                  "tell 192.168.2.1\n");
	script_stop(&s);
}

static void the_carrier_going_down_flushes_the_cache(void)
{
	struct script s;

	arp_start(&s);
	send(&s);
	reply(&s, mac_2);
	host_set_link(s.host, false, 0);
	CU_ASSERT_EQUAL(known(&s), 0);
	host_set_link(s.host, true, 0);
	script_skip(&s);
	send(&s);
	script_expect(&s, "0.000000 " ASK_2);
	script_stop(&s);
}

static void addresses_off_the_prefix_are_reached_through_the_gateway(void)
{
	struct host_config config = two_hosts_config(0);
	struct script s;
	struct host_udp_request request = {
	        .ip = UINT32_C(0x0a000001), .port = 9, .local_port = 1000};

	config.gateway = IP_2;
	script_start_with(&s, &config);
	s.show_arp = true;
	host_udp(s.host, &request, 0, NULL, NULL);
	script_until(&s, 0);
	script_expect(&s, "0.000000 " ASK_2 "0.000000 " UDP_2
	                  "192.168.2.1.1000 > 10.0.0.1.9: udp len 0\n");
	script_stop(&s);
}

static void frames_for_others_and_with_a_vlan_tag_are_ignored(void)
{
	struct script s;
	uint8_t bytes[128];
	struct fb_eth_spec eth = {.has_vlan = false};
	struct fb_buf out;

	arp_start(&s);
	script_arp(&s, FB_ARP_REQUEST, mac_3, mac_2, IP_2, zero, IP_1);
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_ignored, 1);
	for (uint16_t vid = 0; vid < 2; vid++) {
		eth.has_vlan = true;
		eth.vlan_tci = (uint16_t)(0xe000 | vid);
		memcpy(eth.dl_dst, broadcast, FB_MAC_BYTES);
		memcpy(eth.dl_src, mac_2, FB_MAC_BYTES);
		out = fb_buf_make(bytes, sizeof bytes);
		fb_build_arp(&out, &eth, FB_ARP_REQUEST, mac_2, IP_2, zero, IP_1);
		script_receive(&s, &out);
		/* A tag that gives only a priority is no VLAN. */
		CU_ASSERT_EQUAL(host_counters(s.host)->arp_replies_out, 1);
	}
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_ignored, 2);
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_in, 3);
	script_stop(&s);
}

static void a_request_from_the_address_that_is_known_changes_nothing(void)
{
	struct script s;

	arp_start(&s);
	send(&s);
	reply(&s, mac_2);
	script_until(&s, 10 * SECOND);
	request_for_us(&s, mac_2);
	send(&s);
	script_until(&s, 25 * SECOND);
	/* The entry was as good as before: no probe. */
	CU_ASSERT_EQUAL(host_counters(s.host)->arp_requests_out, 1);
	script_stop(&s);
}

static void tcp_confirms_a_stale_entry_before_it_is_probed(void)
{
	struct script s;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_ECHO, true);
	script_until(&s, 40 * SECOND);
	script_tcp(&s, FB_TCP_ACK, 1, 1, 1);
	script_tcp(&s, FB_TCP_ACK, 2, 2, 0);
	script_until(&s, 60 * SECOND);
	CU_ASSERT_EQUAL(host_counters(s.host)->arp_requests_out, 1);
	script_stop(&s);
}

static void an_entry_that_is_used_outlives_others_in_a_full_cache(void)
{
	struct host_config config = two_hosts_config(0);
	struct script s;

	config.arp_entries_max = 3;
	script_start_with(&s, &config);
	for (uint32_t i = 0; i < 3; i++)
		script_arp(&s, FB_ARP_REQUEST, broadcast, mac_2, IP_2 + i, zero, IP_1);
	send(&s);
	for (uint32_t i = 3; i < 5; i++)
		script_arp(&s, FB_ARP_REQUEST, broadcast, mac_2, IP_2 + i, zero, IP_1);
	CU_ASSERT_EQUAL(known(&s), 2);
	script_stop(&s);
}

UNIT_TESTS("host_arp", UNIT_TEST(an_entry_is_taken_from_the_first_reply),
           UNIT_TEST(a_reply_that_nobody_asked_for_makes_no_entry),
           UNIT_TEST(who_asks_for_us_is_answered_and_learned),
           UNIT_TEST(a_request_of_whom_we_ask_for_is_an_answer),
           UNIT_TEST(gratuitous_arp_updates_an_entry_that_is_there),
           UNIT_TEST(a_probe_without_sender_address_is_answered_and_teaches_nothing),
           UNIT_TEST(a_neighbour_with_our_address_is_nobody),
           UNIT_TEST(requests_for_others_are_not_answered),
           UNIT_TEST(three_requests_without_an_answer_are_all),
           UNIT_TEST(a_stale_entry_is_used_on_and_probed_by_unicast),
           UNIT_TEST(a_stale_entry_that_does_not_answer_is_dropped_and_used_until_then),
           UNIT_TEST(a_stale_entry_that_does_not_answer_ends_no_connection),
           UNIT_TEST(an_entry_that_is_not_used_is_not_probed),
           UNIT_TEST(tcp_that_gets_on_confirms_an_entry),
           UNIT_TEST(the_oldest_frame_gives_way_when_too_many_wait),
           UNIT_TEST(the_cache_is_bounded_and_the_entry_not_used_for_longest_goes),
           UNIT_TEST(a_scenario_resolves_past_the_cache), UNIT_TEST(a_scenario_announces_the_host),
           UNIT_TEST(the_carrier_going_down_flushes_the_cache),
           UNIT_TEST(addresses_off_the_prefix_are_reached_through_the_gateway),
           UNIT_TEST(frames_for_others_and_with_a_vlan_tag_are_ignored),
           UNIT_TEST(a_request_from_the_address_that_is_known_changes_nothing),
           UNIT_TEST(tcp_confirms_a_stale_entry_before_it_is_probed),
           UNIT_TEST(an_entry_that_is_used_outlives_others_in_a_full_cache))
