/* TCP of simulated hosts: opening, data, windows, closing, services and requests. What happens to
 * losses is in host_tcp_loss_test.c, the rules of Linux in host_tcp_rules_test.c. */
#include "tests/unit/sim/script.h"

#define SYN FB_TCP_SYN
#define ACK FB_TCP_ACK
#define RST FB_TCP_RST
#define FIN FB_TCP_FIN

/* --- Packets --- */

static void a_client_shakes_hands_sends_and_closes(void)
{
	struct host_tcp_request request = tcp_to(22, "uname -n", HOST_SERVICE_HOSTNAME);
	struct script s;

	script_start(&s);
	script_open(&s, &request);
	script_until(&s, 10 * MS);
	script_syn(&s, SYN | ACK, 0, 1, true);
	script_expect(&s, "0.000000 S 0\n"
	                  "0.010000 . 1 ack 1\n"
	                  "0.010000 P. 1:9 ack 1\n"
	                  "0.010000 F. 9 ack 1\n");
	script_until(&s, 20 * MS);
	script_tcp(&s, ACK, 1, 10, 3);
	script_tcp(&s, ACK | FIN, 4, 10, 0);
	script_expect(&s, "0.020000 . 10 ack 5\n");
	CU_ASSERT_EQUAL(s.outcome.done, 1);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_OK);
	CU_ASSERT_EQUAL(s.outcome.result.connected_ns, 10 * MS);
	CU_ASSERT_EQUAL(s.outcome.result.ended_ns, 20 * MS);
	CU_ASSERT_EQUAL(s.outcome.result.sent_bytes, 8);
	CU_ASSERT_EQUAL(s.outcome.result.received_bytes, 3);
	CU_ASSERT_EQUAL(s.outcome.result.local_port, s.local_port);
	CU_ASSERT_EQUAL(memcmp(s.outcome.result.answer_mac, script_peer_mac, 6), 0);
	script_stop(&s);
}

static void a_syn_offers_mss_sack_and_window_scale(void)
{
	static const uint8_t expected[] = {2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7};
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct script s;
	struct fb_packet p;

	script_start(&s);
	s.show_window = true;
	script_open(&s, &request);
	fb_packet_parse(&p, s.last, s.last_len);
	CU_ASSERT_EQUAL(p.payload_ofs - p.l4_ofs, FB_TCP_HEADER_BYTES + sizeof expected);
	CU_ASSERT_EQUAL(memcmp(p.data + p.l4_ofs + FB_TCP_HEADER_BYTES, expected, sizeof expected),
	                0);
	CU_ASSERT_TRUE(p.dont_fragment);
	script_expect(&s, "0.000000 S 0 win 65535\n");
	script_stop(&s);
}

static void a_syn_ack_has_only_the_options_that_the_syn_had(void)
{
	static const uint8_t full[] = {1, 1, 4, 2, 3, 3, 2, 1};
	struct script s;
	struct fb_packet p;

	script_start(&s);
	s.show_window = true;
	host_listen_tcp(s.host, 22, HOST_SERVICE_ECHO);
	script_tcp(&s, SYN, 0, 0, 0);
	fb_packet_parse(&p, s.last, s.last_len);
	CU_ASSERT_EQUAL(p.payload_ofs - p.l4_ofs, FB_TCP_HEADER_BYTES + 4);
	/* Without the scale of both, the window is what 16 bits can say. */
	script_tcp(&s, ACK, 1, 1, 0);
	script_tcp(&s, ACK, 1, 1, 5);
	script_expect(&s, "0.000000 S. 0 ack 1 win 65535\n"
	                  "0.000000 P. 1:6 ack 6 win 65535\n");

	s.peer_port++;
	script_tcp_options(&s, SYN, 0, 0, 0, full, sizeof full);
	fb_packet_parse(&p, s.last, s.last_len);
	CU_ASSERT_EQUAL(p.payload_ofs - p.l4_ofs, FB_TCP_HEADER_BYTES + 12);
	script_tcp(&s, ACK, 1, 1, 0);
	script_tcp(&s, ACK, 1, 1, 5);
	script_expect(&s, "0.000000 S. 0 ack 1 win 65535\n"
	                  "0.000000 P. 1:6 ack 6 win 32768\n");
	script_stop(&s);
}

static void segments_are_as_large_as_the_peer_takes(void)
{
	static const uint8_t mss_1000[] = {2, 4, 3, 232};
	struct host_tcp_request request = tcp_pattern(22, 2500, HOST_SERVICE_NONE);
	struct script s;

	script_start(&s);
	script_open(&s, &request);
	script_tcp_options(&s, SYN | ACK, 0, 1, 0, mss_1000, sizeof mss_1000);
	script_expect(&s, "0.000000 S 0\n"
	                  "0.000000 . 1 ack 1\n"
	                  "0.000000 . 1:1001 ack 1\n"
	                  "0.000000 . 1001:2001 ack 1\n"
	                  "0.000000 P. 2001:2501 ack 1\n"
	                  "0.000000 F. 2501 ack 1\n");
	script_stop(&s);

	/* One that says nothing takes 536 (RFC 9293). */
	script_start(&s);
	request.send_bytes = 600;
	script_open(&s, &request);
	script_tcp(&s, SYN | ACK, 0, 1, 0);
	script_expect(&s, "0.000000 S 0\n"
	                  "0.000000 . 1 ack 1\n"
	                  "0.000000 . 1:537 ack 1\n"
	                  "0.000000 P. 537:601 ack 1\n"
	                  "0.000000 F. 601 ack 1\n");
	script_stop(&s);
}

static void the_first_flight_is_ten_segments(void)
{
	struct host_tcp_request request = tcp_pattern(22, 100000, HOST_SERVICE_NONE);
	struct script s;

	script_start(&s);
	script_connect(&s, &request, true);
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_out, 1 + 1 + 1 + 10);
	/* Slow start: an acknowledgement of two brings four. */
	script_tcp(&s, ACK, 1, 1 + 2 * 1460, 0);
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_out, 13 + 4);
	script_stop(&s);
}

static void the_window_scale_counts(void)
{
	static const uint8_t options[] = {2, 4, 5, 180, 1, 3, 3, 2};
	struct host_tcp_request request = tcp_pattern(22, 10000, HOST_SERVICE_NONE);
	struct script s;

	script_start(&s);
	script_open(&s, &request);
	s.window = 1460;
	script_tcp_options(&s, SYN | ACK, 0, 1, 0, options, sizeof options);
	/* Unscaled in the SYN. */
	script_expect(&s, "0.000000 S 0\n"
	                  "0.000000 . 1 ack 1\n"
	                  "0.000000 . 1:1461 ack 1\n");
	script_tcp(&s, ACK, 1, 1461, 0);
	script_expect(&s, "0.000000 . 1461:2921 ack 1\n"
	                  "0.000000 . 2921:4381 ack 1\n"
	                  "0.000000 . 4381:5841 ack 1\n"
	                  "0.000000 . 5841:7301 ack 1\n");
	script_stop(&s);
}

static void
data_is_acknowledged_at_once_at_the_start_and_then_every_second_segment_or_after_40_ms(void)
{
	struct script s;
	uint32_t seq = 1;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_DISCARD, true);
	for (unsigned i = 0; i < 16; i++, seq += 1460)
		script_tcp(&s, ACK, seq, 1, 1460);
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_out, 2 + 16);
	script_skip(&s);
	script_tcp(&s, ACK, seq, 1, 1460);
	script_expect(&s, "");
	script_until(&s, 10 * MS);
	script_tcp(&s, ACK, seq + 1460, 1, 1460);
	script_expect(&s, "0.010000 . 1 ack 26281\n");
	script_until(&s, 20 * MS);
	script_tcp(&s, ACK, seq + 2920, 1, 1460);
	script_until(&s, 100 * MS);
	script_expect(&s, "0.060000 . 1 ack 27741\n");
	/* After a pause the first ones are acknowledged at once again. */
	script_until(&s, 5 * SECOND);
	script_tcp(&s, ACK, seq + 4380, 1, 1460);
	script_expect(&s, "5.000000 . 1 ack 29201\n");
	script_stop(&s);
}

static void segments_out_of_order_are_put_in_order_and_reported(void)
{
	struct script s;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_ECHO, true);
	script_tcp(&s, ACK, 11, 1, 10);
	script_tcp(&s, ACK, 31, 1, 10);
	script_tcp(&s, ACK, 51, 1, 10);
	script_tcp(&s, ACK, 41, 1, 10);
	script_expect(&s, "0.000000 . 1 ack 1 sack 11:21\n"
	                  "0.000000 . 1 ack 1 sack 31:41 sack 11:21\n"
	                  "0.000000 . 1 ack 1 sack 51:61 sack 31:41 sack 11:21\n"
	                  "0.000000 . 1 ack 1 sack 31:61 sack 11:21\n");
	script_tcp(&s, ACK, 1, 1, 10);
	script_expect(&s, "0.000000 P. 1:11 ack 11\n"
	                  "0.000000 P. 11:21 ack 21\n");
	script_tcp(&s, ACK, 21, 1, 10);
	script_expect(&s, "0.000000 P. 21:31 ack 31\n"
	                  "0.000000 P. 31:41 ack 41\n"
	                  "0.000000 P. 41:51 ack 51\n"
	                  "0.000000 P. 51:61 ack 61\n");
	script_stop(&s);
}

static void a_peer_without_sack_gets_plain_duplicates(void)
{
	struct script s;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_ECHO, false);
	script_tcp(&s, ACK, 11, 1, 10);
	script_tcp(&s, ACK, 31, 1, 10);
	script_expect(&s, "0.000000 . 1 ack 1\n"
	                  "0.000000 . 1 ack 1\n");
	script_stop(&s);
}

static void segments_that_overlap_count_once(void)
{
	struct script s;
	struct fb_packet p;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_ECHO, true);
	script_tcp(&s, ACK, 11, 1, 20);
	script_tcp(&s, ACK, 21, 1, 30);
	script_tcp(&s, ACK, 15, 1, 10);
	script_skip(&s);
	script_tcp(&s, ACK, 1, 1, 14);
	script_expect(&s, "0.000000 P. 1:15 ack 15\n"
	                  "0.000000 P. 15:31 ack 31\n"
	                  "0.000000 P. 31:51 ack 51\n");
	/* The bytes say which sequence number they had. */
	fb_packet_parse(&p, s.last, s.last_len);
	CU_ASSERT_EQUAL(p.data[p.payload_ofs], 31);
	/* Half of it is known. */
	script_tcp(&s, ACK, 41, 51, 20);
	script_expect(&s, "0.000000 P. 51:61 ack 61\n");
	fb_packet_parse(&p, s.last, s.last_len);
	CU_ASSERT_EQUAL(p.data[p.payload_ofs], 51);
	script_stop(&s);
}

static void data_beyond_the_window_is_cut(void)
{
	struct host_config config = two_hosts_config(0);
	struct script s;

	config.window_bytes = 1000;
	script_start_with(&s, &config);
	s.show_window = true;
	host_listen_tcp(s.host, 22, HOST_SERVICE_DISCARD);
	script_syn(&s, SYN, 0, 0, true);
	script_tcp(&s, ACK, 1, 1, 0);
	script_tcp(&s, ACK, 1, 1, 1200);
	script_expect(&s, "0.000000 S. 0 ack 1 win 1000\n"
	                  "0.000000 . 1 ack 1001 win 1000\n");
	script_stop(&s);
}

static void a_fin_that_comes_early_waits_for_the_data_before_it(void)
{
	struct script s;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_ECHO, true);
	script_tcp(&s, ACK | FIN, 11, 1, 10);
	script_expect(&s, "0.000000 . 1 ack 1 sack 11:21\n"
	                  "0.000000 . 1 ack 1 sack 11:21\n");
	script_tcp(&s, ACK, 1, 1, 10);
	script_expect(&s, "0.000000 P. 1:11 ack 11\n"
	                  "0.000000 P. 11:21 ack 21\n"
	                  "0.000000 F. 21 ack 22\n");
	script_tcp(&s, ACK, 22, 22, 0);
	script_tcp(&s, ACK, 22, 22, 0);
	script_expect(&s, "0.000000 R 22\n");
	script_stop(&s);
}

static void half_a_connection_stays_open(void)
{
	struct script s;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_HOSTNAME, true);
	script_tcp(&s, ACK, 1, 1, 4);
	script_tcp(&s, ACK, 5, 5, 0);
	script_skip(&s);
	/* The host has closed its half; what the client still sends is taken. */
	script_tcp(&s, ACK, 5, 5, 1000);
	script_until(&s, 50 * MS);
	script_expect(&s, "0.040000 . 5 ack 1005\n");
	CU_ASSERT_FALSE(host_pending(s.host));
	script_tcp(&s, ACK | FIN, 1005, 5, 0);
	script_expect(&s, "0.050000 . 5 ack 1006\n");
	script_stop(&s);
}

static void a_service_that_closed_waits_a_minute_for_the_peer(void)
{
	struct script s;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_HOSTNAME, true);
	script_tcp(&s, ACK, 1, 1, 4);
	script_tcp(&s, ACK, 5, 5, 0);
	script_skip(&s);
	script_until(&s, 60 * SECOND - 1);
	script_tcp(&s, ACK, 5, 5, 0);
	script_until(&s, 60 * SECOND);
	script_expect(&s, "");
	script_tcp(&s, ACK, 5, 5, 0);
	script_expect(&s, "60.000000 R 5\n");
	script_stop(&s);
}

static void a_shut_window_is_probed(void)
{
	struct host_tcp_request request = tcp_pattern(22, 5000, HOST_SERVICE_NONE);
	struct script s;

	script_start(&s);
	s.window = 1460;
	script_connect(&s, &request, true);
	s.window = 0;
	script_until(&s, 100 * MS);
	script_tcp(&s, ACK, 1, 1461, 0);
	CU_ASSERT_TRUE(host_pending(s.host));
	script_until(&s, 450 * MS);
	script_tcp(&s, ACK, 1, 1461, 0);
	script_until(&s, 900 * MS);
	script_tcp(&s, ACK, 1, 1461, 0);
	/* The time to the next probe doubles, answered or not. */
	script_until(&s, 3 * SECOND);
	script_expect(&s, "0.300000 . 1460 ack 1\n"
	                  "0.700000 . 1460 ack 1\n"
	                  "1.500000 . 1460 ack 1\n");
	s.window = 2000;
	script_tcp(&s, ACK, 1, 1461, 0);
	script_expect(&s, "3.000000 . 1461:2921 ack 1\n");
	script_tcp(&s, ACK, 1, 2921, 0);
	script_tcp(&s, ACK, 1, 4381, 0);
	script_expect(&s, "3.000000 . 2921:4381 ack 1\n"
	                  "3.000000 FP. 4381:5001 ack 1\n");
	script_stop(&s);
}

static void a_shut_window_without_answers_ends_the_connection(void)
{
	struct host_tcp_request request = tcp_pattern(22, 5000, HOST_SERVICE_NONE);
	struct host_config config = two_hosts_config(0);
	struct script s;

	config.data_retries = 3;
	script_start_with(&s, &config);
	s.window = 1460;
	script_connect(&s, &request, true);
	s.window = 0;
	script_tcp(&s, ACK, 1, 1461, 0);
	script_until(&s, 100 * SECOND);
	script_expect(&s, "0.200000 . 1460 ack 1\n"
	                  "0.600000 . 1460 ack 1\n"
	                  "1.400000 . 1460 ack 1\n");
	CU_ASSERT_EQUAL(s.outcome.done, 1);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_TIMEOUT);
	script_stop(&s);
}

static void a_small_piece_of_a_window_is_not_used_while_more_is_under_way(void)
{
	struct host_tcp_request request = tcp_pattern(22, 9000, HOST_SERVICE_NONE);
	struct script s;

	script_start(&s);
	s.window = 3000;
	script_connect(&s, &request, true);
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_out, 2 + 1 + 2);
	script_stop(&s);
}

static void an_echo_that_is_not_taken_shuts_our_window(void)
{
	struct host_config config = two_hosts_config(0);
	struct script s;
	struct fb_packet p;
	uint32_t seq = 1;

	config.window_bytes = 20000;
	script_start_with(&s, &config);
	s.show_window = true;
	s.window = 0;
	host_listen_tcp(s.host, 22, HOST_SERVICE_ECHO);
	script_syn(&s, SYN, 0, 0, true);
	script_tcp(&s, ACK, 1, 1, 0);
	/* The peer takes nothing: the service's buffer of 1 MiB fills, then ours. */
	for (unsigned i = 0; i < 740; i++, seq += 1460)
		script_tcp(&s, ACK, seq, 1, 1460);
	script_until(&s, 100 * MS);
	script_skip(&s);
	script_tcp(&s, ACK, seq, 1, 1460);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.log_buf, " win 0\n"));
	/* It takes all: what waited is echoed, and the window opens. */
	script_skip(&s);
	s.window = 65535;
	fb_packet_parse(&p, s.last, s.last_len);
	CU_ASSERT_EQUAL(p.tcp_ack - s.peer_isn, 1 + (1 << 20) + 20000);
	script_tcp(&s, ACK, p.tcp_ack - s.peer_isn, 1, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.log_buf, " . 1:1461 "));
	script_tcp(&s, ACK, p.tcp_ack - s.peer_isn, 14601, 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.log_buf, " win 14600\n"));
	script_stop(&s);
}

static void a_peer_that_says_no_more_is_reset_when_the_time_is_over(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct script s;

	script_start(&s);
	request.timeout_ns = 5 * SECOND;
	script_connect(&s, &request, true);
	script_tcp(&s, ACK, 1, 3, 0);
	script_until(&s, 10 * SECOND);
	script_expect(&s, "5.000000 R. 3 ack 1\n");
	CU_ASSERT_EQUAL(s.outcome.done, 1);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_TIMEOUT);
	CU_ASSERT_EQUAL(s.outcome.result.ended_ns, 5 * SECOND);
	CU_ASSERT_EQUAL(s.outcome.result.sent_bytes, 1);
	script_stop(&s);
}

static void the_user_timeout_ends_a_connection_that_makes_no_progress(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct host_config config = two_hosts_config(0);
	struct script s;

	config.tcp_user_timeout_ns = 3 * SECOND;
	script_start_with(&s, &config);
	script_connect(&s, &request, true);
	script_until(&s, 100 * SECOND);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_TIMEOUT);
	/* The next retransmission after 3 s: at 0.2, 0.6, 1.4, 3.0. */
	CU_ASSERT_EQUAL(s.outcome.result.ended_ns, 3 * SECOND);
	script_stop(&s);
}

static void the_type_of_service_changes_with_the_first_data(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct script s;
	struct fb_packet p;

	request.tos = 0x10;
	request.tos_after = 0x48;
	request.pause_ns = SECOND;
	script_start(&s);
	script_open(&s, &request);
	fb_packet_parse(&p, s.last, s.last_len);
	CU_ASSERT_EQUAL(p.nw_tos, 0x10);
	script_syn(&s, SYN | ACK, 0, 1, true);
	script_expect(&s, "0.000000 S 0\n"
	                  "0.000000 . 1 ack 1\n");
	fb_packet_parse(&p, s.last, s.last_len);
	CU_ASSERT_EQUAL(p.nw_tos, 0x10);
	script_until(&s, 2 * SECOND);
	script_expect(&s, "1.000000 P. 1:2 ack 1\n"
	                  "1.000000 F. 2 ack 1\n"
	                  "1.200000 FP. 1:2 ack 1\n"
	                  "1.600000 FP. 1:2 ack 1\n");
	fb_packet_parse(&p, s.last, s.last_len);
	CU_ASSERT_EQUAL(p.nw_tos, 0x48);
	script_stop(&s);
}

static void a_connection_that_is_kept_open_closes_after_the_peer(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct script s;

	request.keep_open = true;
	script_start(&s);
	script_connect(&s, &request, true);
	script_tcp(&s, ACK, 1, 2, 0);
	script_until(&s, 10 * SECOND);
	CU_ASSERT_TRUE(host_pending(s.host));
	script_tcp(&s, ACK | FIN, 1, 2, 0);
	script_expect(&s, "10.000000 F. 2 ack 2\n");
	script_tcp(&s, ACK, 2, 3, 0);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_OK);
	CU_ASSERT_FALSE(host_pending(s.host));
	script_stop(&s);
}

static void a_port_that_was_asked_for_comes_back_from_time_wait(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct script s;
	uint32_t iss;

	request.local_port = 4567;
	script_start(&s);
	script_connect(&s, &request, true);
	iss = s.iss;
	CU_ASSERT_EQUAL(s.local_port, 4567);
	script_tcp(&s, ACK | FIN, 1, 3, 0);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_OK);
	script_skip(&s);
	script_open(&s, &request);
	script_expect(&s, "0.000000 S 0\n");
	CU_ASSERT_TRUE((int32_t)(s.iss - iss) > 65536);
	/* But not from a connection that lives. */
	script_open(&s, &request);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_NO_RESOURCES);
	script_stop(&s);
}

static void icmp_errors_only_tell_why_a_connection_timed_out(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	uint8_t bytes[256];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};
	struct fb_ipv4_spec ip = {.nw_src = IP_2, .nw_dst = IP_1};
	struct script s;

	script_start(&s);
	script_open(&s, &request);
	memcpy(eth.dl_dst, script_host_mac, FB_MAC_BYTES);
	memcpy(eth.dl_src, script_peer_mac, FB_MAC_BYTES);
	fb_build_icmp(&out, &eth, &ip, FB_ICMP_UNREACHABLE, 1, 0, s.last + FB_ETH_HEADER_BYTES, 28);
	script_receive(&s, &out);
	script_until(&s, 100 * SECOND);
	CU_ASSERT_EQUAL(s.outcome.done, 0);
	script_until(&s, 200 * SECOND);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_UNREACHABLE);
	script_stop(&s);
}

static void a_segment_too_big_for_the_path_goes_out_again_in_smaller_ones(void)
{
	struct host_tcp_request request = tcp_pattern(22, 1460, HOST_SERVICE_NONE);
	uint8_t bytes[256];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};
	struct fb_ipv4_spec ip = {.nw_src = IP_2, .nw_dst = IP_1};
	struct script s;

	script_start(&s);
	request.keep_open = true;
	script_connect(&s, &request, true);
	memcpy(eth.dl_dst, script_host_mac, FB_MAC_BYTES);
	memcpy(eth.dl_src, script_peer_mac, FB_MAC_BYTES);
	fb_build_icmp(&out, &eth, &ip, FB_ICMP_UNREACHABLE, 4, 1040, s.last + FB_ETH_HEADER_BYTES,
	              28);
	script_receive(&s, &out);
	script_expect(&s, "0.000000 P. 1:1001 ack 1\n");
	script_tcp(&s, ACK, 1, 1001, 0);
	script_expect(&s, "0.000000 P. 1001:1461 ack 1\n");
	script_stop(&s);
}

/* --- Two hosts --- */

static void the_hostname_service_answers_and_closes(void)
{
	struct two_hosts t;
	struct outcome outcome;
	struct host_config config[2] = {two_hosts_config(0), two_hosts_config(1)};
	struct host_tcp_request request = tcp_to(22, "uname -n\n", HOST_SERVICE_HOSTNAME);
	struct link_config link;

	config[1].hostname = "OpenFlowHost2";
	link_config_default(&link);
	two_hosts_start(&t, &link, config, 1);
	CU_ASSERT_EQUAL(host_listen_tcp(t.host[1], 22, HOST_SERVICE_HOSTNAME), 0);
	CU_ASSERT_EQUAL(host_listen_tcp(t.host[1], 22, HOST_SERVICE_ECHO), -1);
	two_hosts_tcp(&t, &request, &outcome);
	CU_ASSERT_EQUAL(outcome.done, 0);
	CU_ASSERT_TRUE(two_hosts_settle(&t, SECOND));
	CU_ASSERT_EQUAL(outcome.done, 1);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	CU_ASSERT_STRING_EQUAL(outcome.reply, "OpenFlowHost2\n");
	CU_ASSERT_EQUAL(host_counters(t.host[1])->tcp_accepted, 1);
	CU_ASSERT_EQUAL(host_counters(t.host[1])->tcp_answered, 1);
	CU_ASSERT_EQUAL(host_counters(t.host[0])->tcp_connected, 1);
	CU_ASSERT_EQUAL(host_counters(t.host[0])->tcp_retransmissions, 0);
	/* A client that only closes is answered, too. */
	request.send_bytes = 0;
	two_hosts_tcp(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, SECOND));
	CU_ASSERT_STRING_EQUAL(outcome.reply, "OpenFlowHost2\n");
	two_hosts_stop(&t);
}

static void echo_and_discard_judge_what_came(void)
{
	static const struct {
		uint16_t port;
		enum host_service service, expect;
		uint64_t bytes;
		bool intact;
	} cases[] = {
	        {7, HOST_SERVICE_ECHO, HOST_SERVICE_ECHO, 1000000, true},
	        {9, HOST_SERVICE_DISCARD, HOST_SERVICE_DISCARD, 1000000, true},
	        {9, HOST_SERVICE_DISCARD, HOST_SERVICE_DISCARD, 1, true},
	        {22, HOST_SERVICE_HOSTNAME, HOST_SERVICE_ECHO, 100, false},
	        {22, HOST_SERVICE_HOSTNAME, HOST_SERVICE_DISCARD, 100, false},
	        {7, HOST_SERVICE_ECHO, HOST_SERVICE_NONE, 5000, true},
	};
	struct two_hosts t;
	struct outcome outcome;

	two_hosts_start_plain(&t);
	host_listen_tcp(t.host[1], 7, HOST_SERVICE_ECHO);
	host_listen_tcp(t.host[1], 9, HOST_SERVICE_DISCARD);
	host_listen_tcp(t.host[1], 22, HOST_SERVICE_HOSTNAME);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct host_tcp_request request =
		        tcp_pattern(cases[i].port, cases[i].bytes, cases[i].expect);

		two_hosts_tcp(&t, &request, &outcome);
		CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
		CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
		CU_ASSERT_EQUAL(outcome.result.intact, cases[i].intact);
		CU_ASSERT_EQUAL(outcome.result.sent_bytes, cases[i].bytes);
	}
	CU_ASSERT_EQUAL(outcome.result.received_bytes, 5000);
	CU_ASSERT_EQUAL(outcome.result.reply_len, 4096);
	two_hosts_stop(&t);
}

/* The answer of discard is XXH3-128 of what was sent, as xxhsum -H2 prints it. */
static void discard_answers_length_and_hash(void)
{
	struct two_hosts t;
	struct outcome outcome;
	struct host_tcp_request request = tcp_to(9, "hello", HOST_SERVICE_DISCARD);

	two_hosts_start_plain(&t);
	host_listen_tcp(t.host[1], 9, HOST_SERVICE_DISCARD);
	two_hosts_tcp(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, SECOND));
	CU_ASSERT_TRUE(outcome.result.intact);
	CU_ASSERT_STRING_EQUAL(outcome.reply, "5 b5e9c1ad071b3e7fc779cfaa5e523818\n");
	two_hosts_stop(&t);
}

static void a_host_reaches_itself(void)
{
	struct two_hosts t;
	struct outcome outcome;
	struct host_tcp_request request = tcp_pattern(7, 200000, HOST_SERVICE_ECHO);

	two_hosts_start_plain(&t);
	host_listen_tcp(t.host[0], 7, HOST_SERVICE_ECHO);
	request.ip = IP_1;
	two_hosts_tcp(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 100 * SECOND));
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	CU_ASSERT_TRUE(outcome.result.intact);
	CU_ASSERT_EQUAL(t.frames[0], 0);
	two_hosts_stop(&t);
}

static void many_connections_live_at_once(void)
{
	enum { COUNT = 5000 };
	static struct outcome outcomes[COUNT];
	struct two_hosts t;
	struct host_tcp_request request = tcp_to(22, "uname -n", HOST_SERVICE_HOSTNAME);
	unsigned ok = 0;

	two_hosts_start_plain(&t);
	host_listen_tcp(t.host[1], 22, HOST_SERVICE_HOSTNAME);
	/* Known, so that not all SYNs but a few are lost waiting for ARP. */
	host_arp(t.host[0], IP_2, false, 0, NULL, NULL);
	CU_ASSERT_TRUE(two_hosts_settle(&t, SECOND));
	for (unsigned i = 0; i < COUNT; i++)
		two_hosts_tcp(&t, &request, &outcomes[i]);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
	for (unsigned i = 0; i < COUNT; i++)
		ok += outcomes[i].done == 1 && outcomes[i].result.outcome == HOST_OK &&
		      outcomes[i].reply[0] == 'h';
	CU_ASSERT_EQUAL(ok, COUNT);
	CU_ASSERT_EQUAL(host_counters(t.host[1])->tcp_accepted, COUNT);
	two_hosts_stop(&t);
}

static void connections_beyond_the_limit_are_not_taken_and_counted(void)
{
	struct host_config config = two_hosts_config(0);
	struct script s;

	config.conns_max = 2;
	script_start_with(&s, &config);
	host_listen_tcp(s.host, 22, HOST_SERVICE_HOSTNAME);
	for (unsigned i = 0; i < 3; i++, s.peer_port++)
		script_syn(&s, SYN, 0, 0, true);
	script_expect(&s, "0.000000 S. 0 ack 1\n"
	                  "0.000000 S. 0 ack 1\n");
	CU_ASSERT_EQUAL(host_counters(s.host)->conns_full, 1);
	/* A connection in TIME_WAIT gives way. */
	s.peer_port -= 2;
	script_tcp(&s, ACK, 1, 1, 1);
	script_tcp(&s, ACK | FIN, 2, 5, 0);
	script_skip(&s);
	s.peer_port += 2;
	script_syn(&s, SYN, 0, 0, true);
	script_expect(&s, "0.000000 S. 0 ack 1\n");
	script_stop(&s);
}

static void power_off_forgets_everything_and_says_nothing(void)
{
	struct two_hosts t;
	struct outcome outcome, later;
	struct host_tcp_request request = tcp_pattern(9, 1000000, HOST_SERVICE_DISCARD);

	two_hosts_start_plain(&t);
	host_listen_tcp(t.host[1], 9, HOST_SERVICE_DISCARD);
	two_hosts_tcp(&t, &request, &outcome);
	two_hosts_run(&t, MS);
	CU_ASSERT_EQUAL(outcome.done, 0);
	t.frames[0] = 0;
	host_set_power(t.host[0], false, t.clock.now_ns);
	CU_ASSERT_EQUAL(outcome.done, 1);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_ABORTED);
	CU_ASSERT_FALSE(outcome.result.intact);
	CU_ASSERT_FALSE(host_pending(t.host[0]));
	two_hosts_tcp(&t, &request, &later);
	two_hosts_run(&t, MS);
	CU_ASSERT_EQUAL(later.result.outcome, HOST_ABORTED);
	CU_ASSERT_EQUAL(t.frames[0], 0);
	/* On again, it does not know the connection; the server hears so when it speaks. */
	host_set_power(t.host[0], true, t.clock.now_ns);
	two_hosts_tcp(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	CU_ASSERT_TRUE(outcome.result.intact);
	two_hosts_stop(&t);
}

static void a_server_that_was_switched_off_and_on_resets(void)
{
	struct two_hosts t;
	struct outcome outcome;
	struct host_tcp_request request = tcp_pattern(9, 10000000, HOST_SERVICE_DISCARD);

	two_hosts_start_plain(&t);
	host_listen_tcp(t.host[1], 9, HOST_SERVICE_DISCARD);
	two_hosts_tcp(&t, &request, &outcome);
	two_hosts_run(&t, 5 * MS);
	host_set_power(t.host[1], false, t.clock.now_ns);
	host_set_power(t.host[1], true, t.clock.now_ns);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_RESET);
	two_hosts_stop(&t);
}

static void a_connection_survives_a_link_that_was_down(void)
{
	struct two_hosts t;
	struct outcome outcome;
	struct host_tcp_request request = tcp_pattern(7, 2000000, HOST_SERVICE_ECHO);

	two_hosts_start_plain(&t);
	host_listen_tcp(t.host[1], 7, HOST_SERVICE_ECHO);
	two_hosts_tcp(&t, &request, &outcome);
	two_hosts_run(&t, 5 * MS);
	link_set_up(t.link, false);
	two_hosts_run(&t, 3 * SECOND);
	CU_ASSERT_EQUAL(outcome.done, 0);
	link_set_up(t.link, true);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 30 * SECOND));
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	CU_ASSERT_TRUE(outcome.result.intact);
	two_hosts_stop(&t);
}

static void an_address_that_nobody_has_is_unreachable(void)
{
	struct two_hosts t;
	struct outcome outcome;
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);

	two_hosts_start_plain(&t);
	request.ip = IP_2 + 1;
	two_hosts_tcp(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_UNREACHABLE);
	CU_ASSERT_EQUAL(outcome.result.ended_ns, 3 * SECOND);
	/* Without a gateway, what is off the prefix is unreachable at once. */
	request.ip = UINT32_C(0x0a000001);
	two_hosts_tcp(&t, &request, &outcome);
	CU_ASSERT_EQUAL(outcome.done, 0);
	two_hosts_run(&t, 0);
	CU_ASSERT_EQUAL(outcome.done, 1);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_UNREACHABLE);
	two_hosts_stop(&t);
}

/* done() starts the next request, and so on. */
struct chain {
	struct two_hosts *t;
	struct host_tcp_request request;
	unsigned left;
};

static void chain_done(void *ctx, const struct host_result *result)
{
	struct chain *chain = ctx;

	CU_ASSERT_EQUAL(result->outcome, HOST_OK);
	if (--chain->left)
		host_tcp(chain->t->host[0], &chain->request, chain->t->clock.now_ns, chain_done,
		         chain);
}

static void a_request_may_be_started_when_another_ends(void)
{
	struct two_hosts t;
	struct chain chain = {&t, tcp_to(22, "uname -n", HOST_SERVICE_HOSTNAME), 1000};

	two_hosts_start_plain(&t);
	host_listen_tcp(t.host[1], 22, HOST_SERVICE_HOSTNAME);
	host_tcp(t.host[0], &chain.request, 0, chain_done, &chain);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 100 * SECOND));
	CU_ASSERT_EQUAL(chain.left, 0);
	CU_ASSERT_EQUAL(host_counters(t.host[1])->tcp_answered, 1000);
	two_hosts_stop(&t);
}

static void tiny_segments_are_not_made_for_a_peer_that_asks_for_them(void)
{
	static const uint8_t mss_1[] = {2, 4, 0, 1};
	struct host_tcp_request request = tcp_pattern(22, 100, HOST_SERVICE_NONE);
	struct script s;

	script_start(&s);
	script_open(&s, &request);
	script_tcp_options(&s, SYN | ACK, 0, 1, 0, mss_1, sizeof mss_1);
	script_expect(&s, "0.000000 S 0\n"
	                  "0.000000 . 1 ack 1\n"
	                  "0.000000 . 1:89 ack 1\n"
	                  "0.000000 P. 89:101 ack 1\n"
	                  "0.000000 F. 101 ack 1\n");
	script_stop(&s);
}

static void probes_that_are_answered_go_on_for_ever(void)
{
	struct host_tcp_request request = tcp_pattern(22, 5000, HOST_SERVICE_NONE);
	struct host_config config = two_hosts_config(0);
	struct script s;

	config.data_retries = 3;
	script_start_with(&s, &config);
	s.window = 1460;
	script_connect(&s, &request, true);
	s.window = 0;
	script_tcp(&s, ACK, 1, 1461, 0);
	for (unsigned i = 0; i < 1000; i++) {
		script_until(&s, s.now_ns + SECOND);
		script_tcp(&s, ACK, 1, 1461, 0);
	}
	CU_ASSERT_EQUAL(s.outcome.done, 0);
	s.window = 65535;
	script_skip(&s);
	script_tcp(&s, ACK, 1, 1461, 0);
	script_expect(&s, "1000.000000 . 1461:2921 ack 1\n"
	                  "1000.000000 . 2921:4381 ack 1\n"
	                  "1000.000000 FP. 4381:5001 ack 1\n");
	script_stop(&s);
}

static void a_window_that_is_taken_back_is_respected(void)
{
	struct host_tcp_request request = tcp_pattern(22, 100000, HOST_SERVICE_NONE);
	struct script s;

	script_start(&s);
	script_connect(&s, &request, true);
	s.window = 1460;
	script_tcp(&s, ACK, 1, 1461, 0);
	script_tcp(&s, ACK, 1, 2921, 0);
	script_expect(&s, "");
	script_tcp(&s, ACK, 1, 14601, 0);
	script_expect(&s, "0.000000 . 14601:16061 ack 1\n");
	script_stop(&s);
}

static void a_fin_beyond_the_window_does_not_count(void)
{
	struct host_config config = two_hosts_config(0);
	struct script s;

	config.window_bytes = 1000;
	script_start_with(&s, &config);
	host_listen_tcp(s.host, 22, HOST_SERVICE_ECHO);
	script_syn(&s, SYN, 0, 0, true);
	script_tcp(&s, ACK, 1, 1, 0);
	script_tcp(&s, ACK | FIN, 1, 1, 1200);
	script_skip(&s);
	script_tcp(&s, ACK, 1001, 1001, 200);
	script_expect(&s, "0.000000 P. 1001:1201 ack 1201\n");
	script_tcp(&s, ACK | FIN, 1201, 1201, 0);
	script_expect(&s, "0.000000 F. 1201 ack 1202\n");
	script_stop(&s);
}

static void a_segment_that_another_covers_counts_for_nothing(void)
{
	struct script s;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_ECHO, true);
	for (unsigned i = 0; i < 3; i++)
		script_tcp(&s, ACK, 21, 1, 10);
	/* Held once. */
	CU_ASSERT_EQUAL(frame_pool_in_use(s.pool), 1);
	script_tcp(&s, ACK, 11, 1, 40);
	script_skip(&s);
	script_tcp(&s, ACK, 1, 1, 10);
	script_expect(&s, "0.000000 P. 1:11 ack 11\n"
	                  "0.000000 P. 11:51 ack 51\n");
	CU_ASSERT_EQUAL(frame_pool_in_use(s.pool), 0);
	script_stop(&s);
}

static void what_was_delivered_is_no_longer_reported(void)
{
	struct script s;

	script_start(&s);
	script_accept(&s, HOST_SERVICE_DISCARD, true);
	script_tcp(&s, ACK, 11, 1, 10);
	script_tcp(&s, ACK, 31, 1, 10);
	script_skip(&s);
	script_tcp(&s, ACK, 1, 1, 10);
	script_tcp(&s, ACK, 51, 1, 10);
	script_expect(&s, "0.000000 . 1 ack 21 sack 31:41\n"
	                  "0.000000 . 1 ack 21 sack 51:61 sack 31:41\n");
	script_stop(&s);
}

static void what_was_offered_is_not_taken_back_nor_opened_by_crumbs(void)
{
	struct host_config config = two_hosts_config(0);
	struct script s;
	struct fb_packet p;
	uint32_t seq = 1, edge = 0;

	config.window_bytes = 20000;
	script_start_with(&s, &config);
	s.window = 0;
	host_listen_tcp(s.host, 22, HOST_SERVICE_ECHO);
	script_syn(&s, SYN, 0, 0, true);
	script_tcp(&s, ACK, 1, 1, 0);
	for (unsigned i = 0; i < 740; i++, seq += 1460) {
		script_tcp(&s, ACK, seq, 1, 1460);
		script_until(&s, s.now_ns + 50 * MS);
		fb_packet_parse(&p, s.last, s.last_len);
		CU_ASSERT_TRUE(!edge || (int32_t)(p.tcp_ack + p.tcp_window - edge) >= 0);
		edge = p.tcp_ack + p.tcp_window;
	}
	/* A hundred bytes are taken, and again: room for so many is not worth a window. */
	seq = p.tcp_ack - s.peer_isn;
	s.window = 100;
	script_tcp(&s, ACK, seq, 1, 0);
	script_tcp(&s, ACK, seq, 101, 0);
	script_tcp(&s, ACK, seq, 201, 0);
	fb_packet_parse(&p, s.last, s.last_len);
	CU_ASSERT_EQUAL(p.payload_len, 100);
	CU_ASSERT_EQUAL(p.tcp_window, 0);
	script_stop(&s);
}

static void a_path_that_takes_larger_segments_changes_nothing(void)
{
	struct host_tcp_request request = tcp_pattern(22, 1460, HOST_SERVICE_NONE);
	uint8_t bytes[256];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};
	struct fb_ipv4_spec ip = {.nw_src = IP_2, .nw_dst = IP_1};
	struct script s;

	script_start(&s);
	request.keep_open = true;
	script_connect(&s, &request, true);
	memcpy(eth.dl_dst, script_host_mac, FB_MAC_BYTES);
	memcpy(eth.dl_src, script_peer_mac, FB_MAC_BYTES);
	fb_build_icmp(&out, &eth, &ip, FB_ICMP_UNREACHABLE, 4, 9000, s.last + FB_ETH_HEADER_BYTES,
	              28);
	script_receive(&s, &out);
	script_expect(&s, "");
	script_stop(&s);
}

static void what_is_sent_after_a_pause_is_sent_also_when_the_peer_has_closed(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);

	for (unsigned keep_open = 0; keep_open < 2; keep_open++) {
		struct script s;

		request.pause_ns = SECOND;
		request.keep_open = keep_open;
		script_start(&s);
		script_connect(&s, &request, true);
		script_tcp(&s, ACK | FIN, 1, 1, 0);
		script_until(&s, SECOND);
		script_expect(&s, "0.000000 . 1 ack 2\n"
		                  "1.000000 P. 1:2 ack 2\n"
		                  "1.000000 F. 2 ack 2\n");
		script_tcp(&s, ACK, 2, 3, 0);
		CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_OK);
		script_stop(&s);
	}
}

static void an_echo_that_stops_half_way_is_not_intact(void)
{
	struct two_hosts t;
	struct outcome outcome;
	struct host_tcp_request request = tcp_to(22, "h2\nand more", HOST_SERVICE_ECHO);

	two_hosts_start_plain(&t);
	/* It answers "h2" and a newline. */
	host_listen_tcp(t.host[1], 22, HOST_SERVICE_HOSTNAME);
	two_hosts_tcp(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, SECOND));
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	CU_ASSERT_FALSE(outcome.result.intact);
	two_hosts_stop(&t);
}

static void after_a_silence_the_congestion_window_starts_over(void)
{
	struct host_tcp_request request = tcp_pattern(22, 1000000, HOST_SERVICE_NONE);
	struct script s;
	uint32_t acked = 1;
	uint64_t before;

	script_start(&s);
	script_connect(&s, &request, true);
	for (unsigned i = 0; i < 10; i++) {
		acked += 2 * 1460;
		script_tcp(&s, ACK, 1, acked, 0);
	}
	/* Thirty segments are under way. They come, and the peer shuts its window for a while. */
	s.window = 0;
	acked += 30 * 1460;
	script_tcp(&s, ACK, 1, acked, 0);
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_out, 1 + 1 + 1 + 50);
	script_until(&s, 10 * SECOND);
	s.window = 65535;
	script_skip(&s);
	before = host_counters(s.host)->frames_out;
	script_tcp(&s, ACK, 1, 1 + 50 * 1460, 0);
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_out - before, 10);
	script_stop(&s);
}

UNIT_TESTS(
        "host_tcp", UNIT_TEST(a_client_shakes_hands_sends_and_closes),
        UNIT_TEST(a_syn_offers_mss_sack_and_window_scale),
        UNIT_TEST(a_syn_ack_has_only_the_options_that_the_syn_had),
        UNIT_TEST(segments_are_as_large_as_the_peer_takes),
        UNIT_TEST(the_first_flight_is_ten_segments), UNIT_TEST(the_window_scale_counts),
        UNIT_TEST(
                data_is_acknowledged_at_once_at_the_start_and_then_every_second_segment_or_after_40_ms),
        UNIT_TEST(segments_out_of_order_are_put_in_order_and_reported),
        UNIT_TEST(a_peer_without_sack_gets_plain_duplicates),
        UNIT_TEST(segments_that_overlap_count_once), UNIT_TEST(data_beyond_the_window_is_cut),
        UNIT_TEST(a_fin_that_comes_early_waits_for_the_data_before_it),
        UNIT_TEST(half_a_connection_stays_open),
        UNIT_TEST(a_service_that_closed_waits_a_minute_for_the_peer),
        UNIT_TEST(a_shut_window_is_probed),
        UNIT_TEST(a_shut_window_without_answers_ends_the_connection),
        UNIT_TEST(a_small_piece_of_a_window_is_not_used_while_more_is_under_way),
        UNIT_TEST(an_echo_that_is_not_taken_shuts_our_window),
        UNIT_TEST(a_peer_that_says_no_more_is_reset_when_the_time_is_over),
        UNIT_TEST(the_user_timeout_ends_a_connection_that_makes_no_progress),
        UNIT_TEST(the_type_of_service_changes_with_the_first_data),
        UNIT_TEST(a_connection_that_is_kept_open_closes_after_the_peer),
        UNIT_TEST(a_port_that_was_asked_for_comes_back_from_time_wait),
        UNIT_TEST(icmp_errors_only_tell_why_a_connection_timed_out),
        UNIT_TEST(a_segment_too_big_for_the_path_goes_out_again_in_smaller_ones),
        UNIT_TEST(the_hostname_service_answers_and_closes),
        UNIT_TEST(echo_and_discard_judge_what_came), UNIT_TEST(discard_answers_length_and_hash),
        UNIT_TEST(a_host_reaches_itself), UNIT_TEST(many_connections_live_at_once),
        UNIT_TEST(connections_beyond_the_limit_are_not_taken_and_counted),
        UNIT_TEST(power_off_forgets_everything_and_says_nothing),
        UNIT_TEST(a_server_that_was_switched_off_and_on_resets),
        UNIT_TEST(a_connection_survives_a_link_that_was_down),
        UNIT_TEST(an_address_that_nobody_has_is_unreachable),
        UNIT_TEST(a_request_may_be_started_when_another_ends),
        UNIT_TEST(tiny_segments_are_not_made_for_a_peer_that_asks_for_them),
        UNIT_TEST(probes_that_are_answered_go_on_for_ever),
        UNIT_TEST(a_window_that_is_taken_back_is_respected),
        UNIT_TEST(a_fin_beyond_the_window_does_not_count),
        UNIT_TEST(a_segment_that_another_covers_counts_for_nothing),
        UNIT_TEST(what_was_delivered_is_no_longer_reported),
        UNIT_TEST(what_was_offered_is_not_taken_back_nor_opened_by_crumbs),
        UNIT_TEST(a_path_that_takes_larger_segments_changes_nothing),
        UNIT_TEST(what_is_sent_after_a_pause_is_sent_also_when_the_peer_has_closed),
        UNIT_TEST(an_echo_that_stops_half_way_is_not_intact),
        UNIT_TEST(after_a_silence_the_congestion_window_starts_over))
