/* The points of TCP in which a simulated host does as the Linux hosts did that the balancer was
 * measured with: retransmission times of SYN and SYN-ACK, resets, the defences of RFC 5961, numbers
 * and ports that do not repeat, TIME_WAIT. */
#include "tests/unit/sim/script.h"

#define SYN FB_TCP_SYN
#define ACK FB_TCP_ACK
#define RST FB_TCP_RST
#define FIN FB_TCP_FIN

static void a_syn_is_retransmitted_after_1_3_and_7_seconds(void)
{
	struct script s;
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);

	script_start(&s);
	script_open(&s, &request);
	script_until(&s, 200 * SECOND);
	script_expect(&s, "0.000000 S 0\n"
	                  "1.000000 S 0\n"
	                  "3.000000 S 0\n"
	                  "7.000000 S 0\n"
	                  "15.000000 S 0\n"
	                  "31.000000 S 0\n"
	                  "63.000000 S 0\n");
	CU_ASSERT_EQUAL(s.outcome.done, 1);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_TIMEOUT);
	CU_ASSERT_EQUAL(s.outcome.result.ended_ns, 127 * SECOND);
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_retransmissions, 6);
	CU_ASSERT_FALSE(host_pending(s.host));
	script_stop(&s);
}

static void a_syn_ack_is_retransmitted_after_1_3_and_7_seconds(void)
{
	struct script s;

	script_start(&s);
	host_listen_tcp(s.host, 22, HOST_SERVICE_HOSTNAME);
	script_syn(&s, SYN, 0, 0, true);
	CU_ASSERT_TRUE(host_pending(s.host));
	script_until(&s, 200 * SECOND);
	script_expect(&s, "0.000000 S. 0 ack 1\n"
	                  "1.000000 S. 0 ack 1\n"
	                  "3.000000 S. 0 ack 1\n"
	                  "7.000000 S. 0 ack 1\n"
	                  "15.000000 S. 0 ack 1\n"
	                  "31.000000 S. 0 ack 1\n");
	/* The half-open connection is gone after 63 s: an acknowledgement finds nobody. */
	CU_ASSERT_FALSE(host_pending(s.host));
	script_tcp(&s, ACK, 1, 1, 0);
	script_expect(&s, "200.000000 R 1\n");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_accepted, 0);
	script_stop(&s);
}

static void a_retransmitted_syn_gets_the_same_syn_ack(void)
{
	struct script s;

	script_start(&s);
	host_listen_tcp(s.host, 22, HOST_SERVICE_HOSTNAME);
	script_syn(&s, SYN, 0, 0, true);
	script_until(&s, 300 * MS);
	script_syn(&s, SYN, 0, 0, true);
	script_expect(&s, "0.000000 S. 0 ack 1\n"
	                  "0.300000 S. 0 ack 1\n");
	/* A copy of it, a moment later, gets none: no storm of answers. */
	script_until(&s, 301 * MS);
	script_syn(&s, SYN, 0, 0, true);
	script_expect(&s, "");
	script_tcp(&s, ACK, 1, 1, 0);
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_accepted, 1);
	script_stop(&s);
}

static void a_syn_ack_for_an_unknown_connection_is_reset(void)
{
	struct script s;

	script_start(&s);
	host_listen_tcp(s.host, 22, HOST_SERVICE_HOSTNAME);
	s.local_port = 50000;
	script_syn(&s, SYN | ACK, 0, 77, true);
	script_expect(&s, "0.000000 R 77\n");
	/* Also when something listens on that port. */
	s.local_port = 22;
	script_syn(&s, SYN | ACK, 0, 77, true);
	script_expect(&s, "0.000000 R 77\n");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_resets_out, 2);
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_refused_out, 0);
	script_stop(&s);
}

static void a_second_syn_ack_with_another_acknowledgement_is_reset_and_the_first_one_counts(void)
{
	struct script s;
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);

	script_start(&s);
	script_open(&s, &request);
	script_skip(&s);
	script_syn(&s, SYN | ACK, 0, 4000, true);
	script_expect(&s, "0.000000 R 4000\n");
	script_syn(&s, SYN | ACK, 0, 1, true);
	script_expect(&s, "0.000000 . 1 ack 1\n"
	                  "0.000000 P. 1:2 ack 1\n"
	                  "0.000000 F. 2 ack 1\n");
	script_stop(&s);
}

static void a_closed_port_answers_reset(void)
{
	struct script s;

	script_start(&s);
	script_syn(&s, SYN, 0, 0, true);
	script_expect(&s, "0.000000 R. 0 ack 1\n");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_refused_out, 1);
	/* Data is counted, a reset is never answered. */
	script_tcp(&s, FIN, 10, 0, 5);
	script_expect(&s, "0.000000 R. 0 ack 16\n");
	script_tcp(&s, RST, 10, 0, 0);
	script_tcp(&s, RST | ACK, 10, 1, 0);
	script_expect(&s, "");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_refused_out, 1);
	script_stop(&s);
}

static void a_reset_for_our_syn_is_refusal(void)
{
	struct script s;
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);

	script_start(&s);
	script_open(&s, &request);
	/* One that does not acknowledge our SYN is no answer to it. */
	script_tcp(&s, RST, 0, 0, 0);
	script_tcp(&s, RST | ACK, 0, 2, 0);
	CU_ASSERT_EQUAL(s.outcome.done, 0);
	s.now_ns = 5 * MS;
	script_tcp(&s, RST | ACK, 0, 1, 0);
	CU_ASSERT_EQUAL(s.outcome.done, 1);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_REFUSED);
	CU_ASSERT_EQUAL(s.outcome.result.ended_ns, 5 * MS);
	CU_ASSERT_EQUAL(s.outcome.result.connected_ns, 0);
	script_expect(&s, "0.000000 S 0\n");
	script_stop(&s);
}

static void the_initial_sequence_number_is_new_for_every_connection(void)
{
	struct script s;
	uint32_t seen[50];

	script_start(&s);
	host_listen_tcp(s.host, 22, HOST_SERVICE_HOSTNAME);
	/* The same ends at the same moment, over and over. */
	for (unsigned i = 0; i < 50; i++) {
		script_syn(&s, SYN, 0, 0, true);
		seen[i] = s.iss;
		for (unsigned j = 0; j < i; j++)
			CU_ASSERT_NOT_EQUAL(seen[i], seen[j]);
		if (i)
			CU_ASSERT_TRUE((int32_t)(seen[i] - seen[i - 1]) > 0);
		script_tcp(&s, RST, 1, 0, 0);
	}
	script_stop(&s);
}

static void initial_sequence_numbers_and_ports_follow_from_seed_and_name(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct host_config config = two_hosts_config(0);
	static const struct {
		const char *name;
		uint64_t seed;
	} as[] = {{"h1", 1}, {"h1", 1}, {"h1", 2}, {"h9", 1}};
	uint32_t iss[4];
	uint16_t port[4];

	for (unsigned i = 0; i < 4; i++) {
		struct script s;

		config.name = as[i].name;
		config.seed = as[i].seed;
		script_start_with(&s, &config);
		script_open(&s, &request);
		iss[i] = s.iss;
		port[i] = s.local_port;
		script_stop(&s);
	}
	CU_ASSERT_EQUAL(iss[0], iss[1]);
	CU_ASSERT_EQUAL(port[0], port[1]);
	CU_ASSERT_TRUE(iss[0] != iss[2] && iss[0] != iss[3]);
	CU_ASSERT_TRUE(port[0] != port[2] && port[0] != port[3]);
}

static void ephemeral_ports_do_not_repeat_soon(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct host_config config = two_hosts_config(0);
	static uint8_t used[65536];
	struct script s;

	config.port_min = 50000;
	config.port_max = 50999;
	memset(used, 0, sizeof used);
	script_start_with(&s, &config);
	for (unsigned i = 0; i < 2000; i++) {
		script_open(&s, &request);
		CU_ASSERT_TRUE(s.local_port >= 50000 && s.local_port <= 50999);
		CU_ASSERT_EQUAL(used[s.local_port], i / 1000);
		used[s.local_port]++;
		script_tcp(&s, RST | ACK, 0, 1, 0);
		script_skip(&s);
	}
	script_stop(&s);
}

static void a_request_without_a_free_port_fails(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct host_config config = two_hosts_config(0);
	struct outcome other;
	struct script s;

	config.port_min = config.port_max = 50000;
	script_start_with(&s, &config);
	script_open(&s, &request);
	memset(&other, 0, sizeof other);
	host_tcp(s.host, &request, s.now_ns, outcome_done, &other);
	CU_ASSERT_EQUAL(other.done, 0);
	CU_ASSERT_EQUAL(host_deadline(s.host), s.now_ns);
	script_until(&s, s.now_ns);
	CU_ASSERT_EQUAL(other.done, 1);
	CU_ASSERT_EQUAL(other.result.outcome, HOST_NO_RESOURCES);
	script_stop(&s);
}

static void a_reset_counts_only_at_exactly_the_next_sequence_number(void)
{
	struct script s;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_ECHO, true);
	/* In the window, but not next: a challenge. */
	script_tcp(&s, RST, 2, 0, 0);
	script_expect(&s, "0.000000 . 1 ack 1\n");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_challenge_acks, 1);
	/* Outside of it: nothing. */
	script_until(&s, SECOND);
	script_tcp(&s, RST, 0, 0, 0);
	script_tcp(&s, RST, 70000, 0, 0);
	script_expect(&s, "");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_resets_in, 0);
	/* The next: the connection is gone. */
	script_tcp(&s, RST, 1, 0, 0);
	script_expect(&s, "");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_resets_in, 1);
	script_tcp(&s, ACK, 1, 1, 3);
	script_expect(&s, "1.000000 R 1\n");
	script_stop(&s);
}

static void a_challenge_is_answered_by_the_true_peer_with_a_reset_that_counts(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct script s;

	script_start(&s);
	request.keep_open = true;
	script_connect(&s, &request, true);
	script_tcp(&s, ACK, 1, 2, 0);
	script_tcp(&s, RST, 100, 0, 0);
	script_expect(&s, "0.000000 . 2 ack 1\n");
	script_tcp(&s, RST, 1, 0, 0);
	CU_ASSERT_EQUAL(s.outcome.done, 1);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_RESET);
	script_stop(&s);
}

static void a_syn_in_an_established_connection_gets_a_challenge(void)
{
	struct script s;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_ECHO, true);
	script_syn(&s, SYN, 5, 0, true);
	script_expect(&s, "0.000000 . 1 ack 1\n");
	/* Wherever its sequence number is, and also when it acknowledges; but only every 500 ms. */
	script_syn(&s, SYN, 5000000, 0, true);
	script_expect(&s, "");
	script_until(&s, 500 * MS);
	script_syn(&s, SYN, 5000000, 0, true);
	script_until(&s, 1000 * MS);
	script_syn(&s, SYN | ACK, 1, 1, true);
	script_expect(&s, "0.500000 . 1 ack 1\n"
	                  "1.000000 . 1 ack 1\n");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_challenge_acks, 3);
	/* The connection lives. */
	script_tcp(&s, ACK, 1, 1, 4);
	script_expect(&s, "1.000000 P. 1:5 ack 5\n");
	script_stop(&s);
}

static void a_new_syn_finds_a_half_open_connection_and_gets_through_by_its_reset(void)
{
	struct script s;

	script_start(&s);
	host_listen_tcp(s.host, 22, HOST_SERVICE_HOSTNAME);
	script_syn(&s, SYN, 0, 0, true);
	script_skip(&s);
	/* The same port with another initial sequence number: what we say makes its
	 * sender reset. */
	script_syn(&s, SYN, 900000, 0, true);
	script_expect(&s, "0.000000 . 1 ack 1\n");
	script_tcp(&s, RST, 1, 0, 0);
	script_until(&s, SECOND);
	script_syn(&s, SYN, 900000, 0, true);
	script_expect(&s, "1.000000 S. 0 ack 900001\n");
	script_stop(&s);
}

static void a_segment_outside_the_window_gets_an_acknowledgement(void)
{
	struct script s;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_ECHO, true);
	script_tcp(&s, ACK, 70000, 1, 10);
	script_expect(&s, "0.000000 . 1 ack 1\n");
	/* With data each one, without at most every 500 ms, lest two hosts answer each other for
	 * ever. */
	script_tcp(&s, ACK, 70000, 1, 10);
	script_expect(&s, "0.000000 . 1 ack 1\n");
	script_tcp(&s, ACK, 0, 1, 0);
	script_tcp(&s, ACK, 0, 1, 0);
	script_expect(&s, "0.000000 . 1 ack 1\n");
	script_until(&s, 500 * MS);
	script_tcp(&s, ACK, 0, 1, 0);
	script_expect(&s, "0.500000 . 1 ack 1\n");
	script_stop(&s);
}

static void data_that_is_known_gets_an_acknowledgement_at_once(void)
{
	struct script s;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_ECHO, true);
	script_tcp(&s, ACK, 1, 1, 10);
	script_expect(&s, "0.000000 P. 1:11 ack 11\n");
	script_tcp(&s, ACK, 1, 11, 10);
	script_tcp(&s, ACK, 5, 11, 6);
	script_expect(&s, "0.000000 . 11 ack 11\n"
	                  "0.000000 . 11 ack 11\n");
	script_stop(&s);
}

static void an_acknowledgement_of_what_was_never_sent_gets_a_challenge(void)
{
	struct script s;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_DISCARD, true);
	script_tcp(&s, ACK, 1, 2, 10);
	script_expect(&s, "0.000000 . 1 ack 1\n");
	script_until(&s, SECOND);
	/* Older than any window that the peer had. */
	script_tcp(&s, ACK, 1, (uint32_t)-70000, 10);
	script_expect(&s, "1.000000 . 1 ack 1\n");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_challenge_acks, 2);
	script_stop(&s);
}

/* The peer opens, asks for the hostname, and the host closes first: the connection is in TIME_WAIT.
 * The host has sent 1:4 and FIN at 4, the peer 1:3 and FIN at 3. */
static void script_time_wait(struct script *s)
{
	script_start(s);
	script_accept(s, HOST_SERVICE_HOSTNAME, true);
	script_tcp(s, ACK, 1, 1, 2);
	script_expect(s, "0.000000 P. 1:4 ack 3\n"
	                 "0.000000 F. 4 ack 3\n");
	script_tcp(s, ACK, 3, 5, 0);
	script_tcp(s, ACK | FIN, 3, 5, 0);
	script_expect(s, "0.000000 . 5 ack 4\n");
	CU_ASSERT_FALSE(host_pending(s->host));
}

static void time_wait_takes_a_syn_with_a_higher_sequence_number(void)
{
	struct script s;
	uint32_t old_iss;

	script_time_wait(&s);
	old_iss = s.iss;
	script_until(&s, 10 * SECOND);
	script_syn(&s, SYN, 5, 0, true);
	script_expect(&s, "10.000000 S. 0 ack 6\n");
	CU_ASSERT_TRUE((int32_t)(s.iss - (old_iss + 5)) > 0);
	script_tcp(&s, ACK, 6, 1, 0);
	script_tcp(&s, ACK, 6, 1, 2);
	script_expect(&s, "10.000000 P. 1:4 ack 8\n"
	                  "10.000000 F. 4 ack 8\n");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_accepted, 2);
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_answered, 2);
	script_stop(&s);
}

static void time_wait_answers_a_syn_with_a_lower_sequence_number_as_the_old_connection(void)
{
	struct script s;

	script_time_wait(&s);
	script_until(&s, 10 * SECOND);
	script_syn(&s, SYN, 4, 0, true);
	script_expect(&s, "10.000000 . 5 ack 4\n");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_accepted, 1);
	script_stop(&s);
}

static void time_wait_acknowledges_a_fin_that_comes_again_and_starts_over(void)
{
	struct script s;

	script_time_wait(&s);
	script_until(&s, 50 * SECOND);
	script_tcp(&s, ACK | FIN, 3, 5, 0);
	script_expect(&s, "50.000000 . 5 ack 4\n");
	script_until(&s, 109 * SECOND);
	script_tcp(&s, ACK, 3, 5, 1);
	script_expect(&s, "109.000000 . 5 ack 4\n");
	script_stop(&s);
}

static void time_wait_ends_after_a_minute(void)
{
	struct script s;

	script_time_wait(&s);
	script_until(&s, 60 * SECOND - 1);
	script_tcp(&s, RST, 9, 0, 0);
	script_until(&s, 60 * SECOND);
	script_tcp(&s, ACK, 4, 5, 1);
	script_expect(&s, "60.000000 R 5\n");
	script_stop(&s);
}

static void time_wait_ends_by_a_reset_at_exactly_the_next_sequence_number(void)
{
	struct script s;

	script_time_wait(&s);
	script_tcp(&s, RST, 5, 0, 0);
	script_tcp(&s, ACK, 4, 5, 0);
	script_expect(&s, "");
	script_tcp(&s, RST, 4, 0, 0);
	script_tcp(&s, ACK, 4, 5, 0);
	script_expect(&s, "0.000000 R 5\n");
	script_stop(&s);
}

static void both_can_open_at_once(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct script s;

	script_start(&s);
	script_open(&s, &request);
	script_expect(&s, "0.000000 S 0\n");
	script_until(&s, 10 * MS);
	script_syn(&s, SYN, 0, 0, true);
	script_expect(&s, "0.010000 S. 0 ack 1\n");
	/* Not quite the answer to our SYN, and then it. */
	script_syn(&s, SYN | ACK, 5, 1, true);
	script_expect(&s, "0.010000 . 1 ack 1\n");
	script_syn(&s, SYN | ACK, 0, 1, true);
	script_expect(&s, "0.010000 P. 1:2 ack 1\n"
	                  "0.010000 F. 2 ack 1\n");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_connected, 1);
	script_tcp(&s, ACK | FIN, 1, 3, 0);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_OK);
	CU_ASSERT_EQUAL(s.outcome.done, 1);
	script_stop(&s);
}

static void both_can_close_at_once(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct script s;

	script_start(&s);
	script_connect(&s, &request, true);
	script_tcp(&s, ACK | FIN, 1, 2, 0);
	script_expect(&s, "0.000000 . 3 ack 2\n");
	CU_ASSERT_EQUAL(s.outcome.done, 0);
	script_tcp(&s, ACK, 2, 3, 0);
	CU_ASSERT_EQUAL(s.outcome.done, 1);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_OK);
	/* TIME_WAIT. */
	script_tcp(&s, ACK | FIN, 1, 3, 0);
	script_expect(&s, "0.000000 . 3 ack 2\n");
	script_stop(&s);
}

static void only_the_first_syn_asks_for_ecn(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct script s;

	request.ecn = true;
	script_start(&s);
	script_open(&s, &request);
	script_until(&s, SECOND);
	script_expect(&s, "0.000000 SEW 0\n"
	                  "1.000000 S 0\n");
	script_stop(&s);
}

static void a_syn_with_ecn_bits_is_a_syn(void)
{
	struct script s;

	script_start(&s);
	host_listen_tcp(s.host, 22, HOST_SERVICE_HOSTNAME);
	script_syn(&s, SYN | FB_TCP_ECE | FB_TCP_CWR, 0, 0, true);
	script_expect(&s, "0.000000 S. 0 ack 1\n");
	script_syn(&s, SYN | FIN, 50, 0, true);
	s.peer_port++;
	script_skip(&s);
	script_syn(&s, SYN | FIN, 50, 0, true);
	script_expect(&s, "");
	script_stop(&s);
}

static void a_wrong_checksum_is_counted_and_nothing_else(void)
{
	struct script s;
	uint8_t bytes[256];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};
	struct fb_ipv4_spec ip = {.nw_src = IP_2, .nw_dst = IP_1};
	struct fb_tcp_spec tcp = {.tp_src = 1, .tp_dst = 2, .flags = SYN};

	script_start(&s);
	memcpy(eth.dl_dst, script_host_mac, FB_MAC_BYTES);
	memcpy(eth.dl_src, script_peer_mac, FB_MAC_BYTES);
	fb_build_tcp(&out, &eth, &ip, &tcp, "abc", 3);
	bytes[out.len - 1] ^= 1;
	script_receive(&s, &out);
	bytes[out.len - 1] ^= 1;
	bytes[FB_ETH_HEADER_BYTES + 8]--;
	script_receive(&s, &out);
	CU_ASSERT_EQUAL(host_counters(s.host)->checksum_errors, 2);
	script_expect(&s, "");
	bytes[FB_ETH_HEADER_BYTES + 8]++;
	script_receive(&s, &out);
	script_until(&s, 0);
	script_expect(&s, "0.000000 R. 0 ack 4293967300\n");
	script_stop(&s);
}

static void the_first_acknowledgement_must_be_of_our_syn(void)
{
	struct script s;

	script_start(&s);
	host_listen_tcp(s.host, 22, HOST_SERVICE_HOSTNAME);
	script_syn(&s, SYN, 0, 0, true);
	script_skip(&s);
	script_tcp(&s, ACK, 1, 5, 0);
	script_tcp(&s, ACK, 1, 0, 0);
	script_expect(&s, "0.000000 R 5\n"
	                  "0.000000 R 0\n");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_accepted, 0);
	script_tcp(&s, ACK, 1, 1, 0);
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_accepted, 1);
	script_stop(&s);
}

static void a_broadcast_is_not_for_tcp(void)
{
	struct script s;
	uint8_t bytes[128];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};
	struct fb_ipv4_spec ip = {.nw_src = IP_2, .nw_dst = IP_1};
	struct fb_tcp_spec tcp = {.tp_src = 1, .tp_dst = 2, .flags = SYN};

	script_start(&s);
	memset(eth.dl_dst, 0xff, FB_MAC_BYTES);
	memcpy(eth.dl_src, script_peer_mac, FB_MAC_BYTES);
	fb_build_tcp(&out, &eth, &ip, &tcp, NULL, 0);
	script_receive(&s, &out);
	script_expect(&s, "");
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_ignored, 1);
	script_stop(&s);
}

static void initial_sequence_numbers_move_on_with_time(void)
{
	struct script s;
	uint32_t first;

	script_start(&s);
	host_listen_tcp(s.host, 22, HOST_SERVICE_HOSTNAME);
	script_syn(&s, SYN, 0, 0, true);
	first = s.iss;
	script_tcp(&s, RST, 1, 0, 0);
	script_until(&s, SECOND);
	script_syn(&s, SYN, 0, 0, true);
	/* One every 64 ns, and 64 for each connection. */
	CU_ASSERT_EQUAL(s.iss - first, 1000000000 / 64 + 64);
	script_stop(&s);
}

UNIT_TESTS(
        "host_tcp_rules", UNIT_TEST(a_syn_is_retransmitted_after_1_3_and_7_seconds),
        UNIT_TEST(a_syn_ack_is_retransmitted_after_1_3_and_7_seconds),
        UNIT_TEST(a_retransmitted_syn_gets_the_same_syn_ack),
        UNIT_TEST(a_syn_ack_for_an_unknown_connection_is_reset),
        UNIT_TEST(a_second_syn_ack_with_another_acknowledgement_is_reset_and_the_first_one_counts),
        UNIT_TEST(a_closed_port_answers_reset), UNIT_TEST(a_reset_for_our_syn_is_refusal),
        UNIT_TEST(the_initial_sequence_number_is_new_for_every_connection),
        UNIT_TEST(initial_sequence_numbers_and_ports_follow_from_seed_and_name),
        UNIT_TEST(ephemeral_ports_do_not_repeat_soon),
        UNIT_TEST(a_request_without_a_free_port_fails),
        UNIT_TEST(a_reset_counts_only_at_exactly_the_next_sequence_number),
        UNIT_TEST(a_challenge_is_answered_by_the_true_peer_with_a_reset_that_counts),
        UNIT_TEST(a_syn_in_an_established_connection_gets_a_challenge),
        UNIT_TEST(a_new_syn_finds_a_half_open_connection_and_gets_through_by_its_reset),
        UNIT_TEST(a_segment_outside_the_window_gets_an_acknowledgement),
        UNIT_TEST(data_that_is_known_gets_an_acknowledgement_at_once),
        UNIT_TEST(an_acknowledgement_of_what_was_never_sent_gets_a_challenge),
        UNIT_TEST(time_wait_takes_a_syn_with_a_higher_sequence_number),
        UNIT_TEST(time_wait_answers_a_syn_with_a_lower_sequence_number_as_the_old_connection),
        UNIT_TEST(time_wait_acknowledges_a_fin_that_comes_again_and_starts_over),
        UNIT_TEST(time_wait_ends_after_a_minute),
        UNIT_TEST(time_wait_ends_by_a_reset_at_exactly_the_next_sequence_number),
        UNIT_TEST(both_can_open_at_once), UNIT_TEST(both_can_close_at_once),
        UNIT_TEST(only_the_first_syn_asks_for_ecn), UNIT_TEST(a_syn_with_ecn_bits_is_a_syn),
        UNIT_TEST(a_wrong_checksum_is_counted_and_nothing_else),
        UNIT_TEST(the_first_acknowledgement_must_be_of_our_syn),
        UNIT_TEST(a_broadcast_is_not_for_tcp),
        UNIT_TEST(initial_sequence_numbers_move_on_with_time))
