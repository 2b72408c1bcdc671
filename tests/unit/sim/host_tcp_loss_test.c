/* TCP of simulated hosts when frames are lost, doubled or late: what is sent again, when, and that
 * the bytes arrive. */
#include "lib/base/digest.h"
#include "tests/unit/sim/script.h"

#define SYN FB_TCP_SYN
#define ACK FB_TCP_ACK
#define FIN FB_TCP_FIN

enum { MSS = 1460 };

/* Sequence number of the first byte of segment 'n', from 0. */
static uint32_t at(unsigned n)
{
	return 1 + n * MSS;
}

/* An acknowledgement of 'ack' with the SACK blocks 'blocks', pairs of relative sequence numbers
 * that end with 0. */
static void script_sack(struct script *s, uint32_t ack, const uint32_t *blocks)
{
	uint8_t options[40] = {1, 1, 5, 2};
	uint8_t len = 4;

	for (; *blocks; blocks++, len += 4)
		fb_set32(options + len, s->iss + *blocks);
	options[3] = (uint8_t)(len - 2);
	script_tcp_options(s, ACK, 1, ack, 0, options, len);
}

/* The host sends 'bytes' of the pattern: the first ten segments are out. */
static void script_send(struct script *s, uint64_t bytes, bool sack)
{
	struct host_tcp_request request = tcp_pattern(22, bytes, HOST_SERVICE_NONE);

	request.keep_open = true;
	script_start(s);
	script_connect(s, &request, sack);
	CU_ASSERT_EQUAL(host_counters(s->host)->frames_out, 1 + 1 + 1 + 10);
}

static void a_lost_segment_is_sent_again_after_the_timeout_which_doubles(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct script s;

	request.keep_open = true;
	script_start(&s);
	script_connect(&s, &request, true);
	script_until(&s, 3100 * MS);
	script_expect(&s, "0.200000 P. 1:2 ack 1\n"
	                  "0.600000 P. 1:2 ack 1\n"
	                  "1.400000 P. 1:2 ack 1\n"
	                  "3.000000 P. 1:2 ack 1\n");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_retransmissions, 4);
	script_tcp(&s, ACK, 1, 2, 0);
	script_until(&s, 30 * SECOND);
	script_expect(&s, "");
	script_stop(&s);
}

static void fifteen_retransmissions_without_an_answer_end_a_connection(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct script s;

	request.keep_open = true;
	script_start(&s);
	script_connect(&s, &request, true);
	script_until(&s, 2000 * SECOND);
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_retransmissions, 15);
	CU_ASSERT_EQUAL(s.outcome.result.outcome, HOST_TIMEOUT);
	/* 0.2 s, doubled up to 102.4 s, then 120 s each: as Linux, 924.6 s. */
	CU_ASSERT_EQUAL(s.outcome.result.ended_ns, 924600 * MS);
	script_stop(&s);
}

/* Karn: the time from a retransmission to an acknowledgement measures nothing. The SYN took 100 ms:
 * srtt 100 ms, rttvar 50 ms, the timeout 300 ms. */
static void a_retransmission_is_not_measured(void)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_NONE);
	struct script s;

	request.keep_open = true;
	script_start(&s);
	script_open(&s, &request);
	script_until(&s, 100 * MS);
	script_syn(&s, SYN | ACK, 0, 1, true);
	script_until(&s, 450 * MS);
	script_expect(&s, "0.000000 S 0\n"
	                  "0.100000 . 1 ack 1\n"
	                  "0.100000 P. 1:2 ack 1\n"
	                  "0.400000 P. 1:2 ack 1\n");
	script_tcp(&s, ACK, 1, 2, 0);
	script_stop(&s);

	/* What follows a retransmitted SYN has the first timeout of 1 s. */
	script_start(&s);
	script_open(&s, &request);
	script_until(&s, 1050 * MS);
	script_syn(&s, SYN | ACK, 0, 1, true);
	script_until(&s, 3 * SECOND);
	script_expect(&s, "0.000000 S 0\n"
	                  "1.000000 S 0\n"
	                  "1.050000 . 1 ack 1\n"
	                  "1.050000 P. 1:2 ack 1\n"
	                  "2.050000 P. 1:2 ack 1\n");
	script_stop(&s);
}

static void the_back_off_ends_with_an_acknowledgement_of_new_data(void)
{
	struct script s;

	script_send(&s, 3 * MSS + 7 * MSS, true);
	script_until(&s, 1500 * MS);
	script_skip(&s);
	/* After three timeouts an acknowledgement: the next timeout is 200 ms again. */
	script_tcp(&s, ACK, 1, at(1), 0);
	script_expect(&s, "1.500000 P. 1461:2921 ack 1\n"
	                  "1.500000 P. 2921:4381 ack 1\n");
	script_until(&s, 1800 * MS);
	script_expect(&s, "1.700000 P. 1461:2921 ack 1\n");
	script_stop(&s);
}

static void the_third_duplicate_acknowledgement_brings_the_lost_segment(void)
{
	struct script s;

	script_send(&s, 100 * MSS, false);
	script_tcp(&s, ACK, 1, 1, 0);
	script_tcp(&s, ACK, 1, 1, 0);
	/* Two of them let new segments go out (RFC 3042). */
	script_expect(&s, "0.000000 . 14601:16061 ack 1\n"
	                  "0.000000 . 16061:17521 ack 1\n");
	script_tcp(&s, ACK, 1, 1, 0);
	script_expect(&s, "0.000000 P. 1:1461 ack 1\n");
	/* Recovery: when no more than half of what was under way is left, one new segment for each
	 * that arrived. */
	for (unsigned i = 0; i < 6; i++)
		script_tcp(&s, ACK, 1, 1, 0);
	script_expect(&s, "0.000000 . 17521:18981 ack 1\n"
	                  "0.000000 . 18981:20441 ack 1\n"
	                  "0.000000 . 20441:21901 ack 1\n");
	/* All that was sent before has come: recovery is over. */
	script_tcp(&s, ACK, 1, at(12), 0);
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_retransmissions, 1);
	script_stop(&s);
}

static void a_partial_acknowledgement_brings_the_next_lost_segment(void)
{
	struct script s;

	script_send(&s, 10 * MSS, false);
	for (unsigned i = 0; i < 3; i++)
		script_tcp(&s, ACK, 1, 1, 0);
	script_expect(&s, "0.000000 P. 1:1461 ack 1\n");
	script_tcp(&s, ACK, 1, at(4), 0);
	script_expect(&s, "0.000000 P. 5841:7301 ack 1\n");
	script_tcp(&s, ACK, 1, at(7), 0);
	script_expect(&s, "0.000000 P. 10221:11681 ack 1\n");
	script_tcp(&s, ACK, 1, at(10), 0);
	script_expect(&s, "");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_retransmissions, 3);
	script_stop(&s);
}

static void data_or_another_window_makes_no_duplicate_acknowledgement(void)
{
	struct script s;

	script_send(&s, 10 * MSS, false);
	for (unsigned i = 0; i < 4; i++)
		script_tcp(&s, ACK, 1 + i, 1, 1);
	for (unsigned i = 0; i < 4; i++) {
		s.window--;
		script_tcp(&s, ACK, 5, 1, 0);
	}
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_retransmissions, 0);
	script_stop(&s);
}

static void sack_tells_what_is_lost_and_only_that_is_sent_again(void)
{
	struct script s;

	script_send(&s, 10 * MSS, true);
	/* Segments 0, 3 and 4 are lost; 1, 2, 5 to 9 come. */
	script_sack(&s, 1, (uint32_t[]){at(1), at(2), 0});
	script_sack(&s, 1, (uint32_t[]){at(1), at(3), 0});
	script_expect(&s, "");
	script_sack(&s, 1, (uint32_t[]){at(5), at(6), at(1), at(3), 0});
	script_expect(&s, "0.000000 P. 1:1461 ack 1\n");
	script_sack(&s, 1, (uint32_t[]){at(5), at(8), at(1), at(3), 0});
	script_sack(&s, 1, (uint32_t[]){at(5), at(10), at(1), at(3), 0});
	script_expect(&s, "0.000000 P. 4381:5841 ack 1\n"
	                  "0.000000 P. 5841:7301 ack 1\n");
	script_sack(&s, at(3), (uint32_t[]){at(5), at(10), 0});
	script_sack(&s, at(4), (uint32_t[]){at(5), at(10), 0});
	script_tcp(&s, ACK, 1, at(10), 0);
	script_expect(&s, "");
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_retransmissions, 3);
	script_stop(&s);
}

static void sack_blocks_that_cannot_be_are_ignored(void)
{
	struct script s;

	script_send(&s, 10 * MSS, true);
	for (unsigned i = 0; i < 2; i++) {
		script_sack(&s, 1, (uint32_t[]){at(9), at(11), 0});
		script_sack(&s, 1, (uint32_t[]){at(4), at(2), 0});
		if (!i)
			script_expect(&s, "");
	}
	/* They were duplicates all the same: the head is sent again, of the rest nothing is known.
	 */
	script_expect(&s, "0.000000 P. 1:1461 ack 1\n");
	script_stop(&s);
}

static void after_a_timeout_what_was_reported_is_not_sent_again(void)
{
	struct script s;

	script_send(&s, 10 * MSS, true);
	script_sack(&s, 1, (uint32_t[]){at(2), at(9), 0});
	script_expect(&s, "0.000000 P. 1:1461 ack 1\n"
	                  "0.000000 P. 1461:2921 ack 1\n");
	script_until(&s, 300 * MS);
	script_expect(&s, "0.200000 P. 1:1461 ack 1\n");
	script_sack(&s, at(1), (uint32_t[]){at(2), at(9), 0});
	script_expect(&s, "0.300000 P. 1461:2921 ack 1\n"
	                  "0.300000 P. 13141:14601 ack 1\n");
	script_stop(&s);
}

static void a_peer_that_drops_what_it_reported_gets_it_again(void)
{
	struct script s;

	script_send(&s, 10 * MSS, true);
	script_sack(&s, 1, (uint32_t[]){at(1), at(3), 0});
	script_sack(&s, 1, (uint32_t[]){at(1), at(4), 0});
	script_tcp(&s, ACK, 1, at(1), 0);
	script_skip(&s);
	/* It acknowledges up to what it had reported and no further. */
	script_until(&s, 210 * MS);
	script_expect(&s, "0.200000 P. 1461:2921 ack 1\n");
	script_tcp(&s, ACK, 1, at(2), 0);
	script_expect(&s, "0.210000 P. 2921:4381 ack 1\n"
	                  "0.210000 P. 4381:5841 ack 1\n");
	script_stop(&s);
}

static void a_lost_fin_is_sent_again_with_the_data_before_it(void)
{
	struct host_tcp_request request = tcp_to(22, "abc", HOST_SERVICE_NONE);
	struct script s;

	script_start(&s);
	script_connect(&s, &request, true);
	script_expect(&s, "");
	script_until(&s, 250 * MS);
	script_expect(&s, "0.200000 FP. 1:4 ack 1\n");
	script_tcp(&s, ACK, 1, 4, 0);
	script_until(&s, 500 * MS);
	script_expect(&s, "0.450000 F. 4 ack 1\n");
	script_tcp(&s, ACK, 1, 5, 0);
	CU_ASSERT_EQUAL(host_counters(s.host)->tcp_retransmissions, 2);
	script_stop(&s);
}

static void the_congestion_window_halves_at_a_loss_and_grows_by_one_segment_a_round_trip(void)
{
	struct script s;
	uint64_t before;

	script_send(&s, 1000 * MSS, true);
	/* One of ten lost: recovery ends with a window of five. */
	script_sack(&s, 1, (uint32_t[]){at(1), at(10), 0});
	script_sack(&s, at(10), (uint32_t[]){0});
	script_skip(&s);
	script_tcp(&s, ACK, 1, at(14), 0);
	before = host_counters(s.host)->frames_out;
	script_tcp(&s, ACK, 1, at(19), 0);
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_out - before, 6);
	script_stop(&s);
}

/* --- Links with faults --- */

struct run {
	struct host_result result;
	char digest[DIGEST_TEXT_BYTES];
	uint64_t frames;
	uint64_t retransmissions;
};

struct digester {
	struct digest *digest;
	struct two_hosts *t;
};

static bool digest_frame(void *ctx, unsigned end, const struct fb_packet *p)
{
	struct digester *d = ctx;

	digest_delivery(d->digest, d->t->clock.now_ns, end, p->data, p->len);
	return true;
}

static struct run transfer(const struct link_config *link, uint64_t bytes,
                           enum host_service service, uint64_t seed)
{
	struct host_config config[2] = {two_hosts_config(0), two_hosts_config(1)};
	struct host_tcp_request request = tcp_pattern(9, bytes, service);
	struct digester digester = {.digest = digest_new()};
	struct two_hosts t;
	struct outcome outcome;
	struct run run;

	two_hosts_start(&t, link, config, seed);
	digester.t = &t;
	t.filter = digest_frame;
	t.filter_ctx = &digester;
	host_listen_tcp(t.host[1], 9, service);
	/* Of ARP three tries are all, as in Linux; that is not what this is about. */
	while (!host_arp_lookup(t.host[0], IP_2, (uint8_t[FB_MAC_BYTES]){0}) ||
	       !host_arp_lookup(t.host[1], IP_1, (uint8_t[FB_MAC_BYTES]){0})) {
		host_arp(t.host[0], IP_2, false, t.clock.now_ns, NULL, NULL);
		two_hosts_settle(&t, 10 * SECOND);
	}
	two_hosts_tcp(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 3600 * SECOND));
	CU_ASSERT_EQUAL(outcome.done, 1);
	run.result = outcome.result;
	run.frames = t.frames[0] + t.frames[1];
	run.retransmissions = host_counters(t.host[0])->tcp_retransmissions +
	                      host_counters(t.host[1])->tcp_retransmissions;
	digest_text(digester.digest, run.digest);
	two_hosts_stop(&t);
	digest_free(digester.digest);
	return run;
}

static struct link_config lossy(uint32_t loss_ppm, uint32_t reorder_ppm, uint32_t duplicate_ppm)
{
	struct link_config link;

	link_config_default(&link);
	link.loss_ppm = loss_ppm;
	link.reorder_ppm = reorder_ppm;
	link.duplicate_ppm = duplicate_ppm;
	return link;
}

static void ten_megabytes_arrive_intact_over_a_lossy_reordering_link(void)
{
	struct link_config link = lossy(20000, 50000, 10000);
	struct run run = transfer(&link, 10000000, HOST_SERVICE_DISCARD, 1);

	CU_ASSERT_EQUAL(run.result.outcome, HOST_OK);
	CU_ASSERT_TRUE(run.result.intact);
	CU_ASSERT_EQUAL(run.result.sent_bytes, 10000000);
	CU_ASSERT_TRUE(run.retransmissions > 100);
	/* It makes way: over 2 MB a second. */
	CU_ASSERT_TRUE(run.result.ended_ns - run.result.started_ns < 5 * SECOND);
}

static void ten_megabytes_go_both_ways_over_a_lossy_reordering_link(void)
{
	struct link_config link = lossy(20000, 50000, 10000);
	struct run run = transfer(&link, 10000000, HOST_SERVICE_ECHO, 2);

	CU_ASSERT_EQUAL(run.result.outcome, HOST_OK);
	CU_ASSERT_TRUE(run.result.intact);
	CU_ASSERT_EQUAL(run.result.received_bytes, 10000000);
	CU_ASSERT_TRUE(run.result.ended_ns - run.result.started_ns < 10 * SECOND);
}

static void a_small_transfer_survives_a_loss_of_thirty_percent(void)
{
	struct link_config link = lossy(300000, 0, 0);

	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct run run = transfer(
		        &link, 20000, seed % 2 ? HOST_SERVICE_DISCARD : HOST_SERVICE_ECHO, seed);

		CU_ASSERT_EQUAL(run.result.outcome, HOST_OK);
		CU_ASSERT_TRUE(run.result.intact);
		CU_ASSERT_TRUE(run.result.ended_ns - run.result.started_ns < 120 * SECOND);
	}
}

static void many_faults_and_seeds_leave_the_bytes_intact(void)
{
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct link_config link =
		        lossy(1000 * (uint32_t)(seed % 7), 30000 * (uint32_t)(seed % 5),
		              20000 * (uint32_t)(seed % 3));
		struct run run;

		link.jitter_ns = seed % 4 * 100 * FB_NS_PER_US;
		link.rate_bps = seed % 2 ? 10000000 : 1000000000;
		link.queue_bytes_max = 20000 + 10000 * (seed % 10);
		run = transfer(&link, 300000, seed % 3 ? HOST_SERVICE_DISCARD : HOST_SERVICE_ECHO,
		               seed);
		CU_ASSERT_EQUAL(run.result.outcome, HOST_OK);
		CU_ASSERT_TRUE(run.result.intact);
	}
}

static void a_link_whose_queue_overflows_is_used_well(void)
{
	struct link_config link = lossy(0, 0, 0);
	struct run run;
	uint64_t ns;

	link.rate_bps = 100000000;
	link.delay_ns = 5 * MS;
	link.queue_bytes_max = 150000;
	run = transfer(&link, 50000000, HOST_SERVICE_DISCARD, 1);
	CU_ASSERT_TRUE(run.result.intact);
	ns = run.result.ended_ns - run.result.started_ns;
	/* 50 MB at 100 Mbit/s take 4.2 s. */
	CU_ASSERT_TRUE(ns < 5 * SECOND);
}

static void the_same_seed_gives_the_same_frames_and_another_seed_others(void)
{
	struct link_config link = lossy(20000, 50000, 10000);
	struct run first = transfer(&link, 200000, HOST_SERVICE_ECHO, 7);
	struct run again = transfer(&link, 200000, HOST_SERVICE_ECHO, 7);
	struct run other = transfer(&link, 200000, HOST_SERVICE_ECHO, 8);

	CU_ASSERT_STRING_EQUAL(first.digest, again.digest);
	CU_ASSERT_EQUAL(first.frames, again.frames);
	CU_ASSERT_STRING_NOT_EQUAL(first.digest, other.digest);
}

/* The host has sent ten segments at 0.9 s, when the answer to its SYN came: srtt 900 ms, rttvar 450
 * ms, the timeout 2.7 s. */
static void script_send_slowly(struct script *s, uint64_t bytes)
{
	struct host_tcp_request request = tcp_pattern(22, bytes, HOST_SERVICE_NONE);

	request.keep_open = true;
	script_start(s);
	script_open(s, &request);
	script_until(s, 900 * MS);
	script_syn(s, SYN | ACK, 0, 1, true);
	script_skip(s);
}

static void only_the_segment_that_is_timed_is_measured(void)
{
	struct script s;

	script_send_slowly(&s, 12 * MSS);
	/* The first: 900 ms, rttvar 337.5 ms, the timeout 2.25 s. The eleventh is timed now. */
	script_until(&s, 1800 * MS);
	script_tcp(&s, ACK, 1, at(1), 0);
	script_until(&s, 1900 * MS);
	script_tcp(&s, ACK, 1, at(2), 0);
	script_skip(&s);
	script_until(&s, 5 * SECOND);
	script_expect(&s, "4.150000 P. 2921:4381 ack 1\n");
	script_stop(&s);
}

static void a_segment_that_is_sent_again_fast_is_not_measured(void)
{
	struct script s;

	script_send_slowly(&s, 11 * MSS);
	script_until(&s, 1000 * MS);
	script_sack(&s, 1, (uint32_t[]){at(1), at(10), 0});
	script_expect(&s, "1.000000 P. 1:1461 ack 1\n"
	                  "1.000000 P. 14601:16061 ack 1\n");
	script_until(&s, 3500 * MS);
	script_tcp(&s, ACK, 1, at(10), 0);
	/* The timeout is what the SYN gave. */
	script_until(&s, 8 * SECOND);
	script_expect(&s, "6.200000 P. 14601:16061 ack 1\n");
	script_stop(&s);
}

static void a_syn_that_was_lost_twice_makes_the_first_window_small(void)
{
	struct host_tcp_request request = tcp_pattern(22, 100 * MSS, HOST_SERVICE_NONE);
	struct script s;

	script_start(&s);
	script_open(&s, &request);
	script_until(&s, 4 * SECOND);
	script_skip(&s);
	script_syn(&s, SYN | ACK, 0, 1, true);
	script_expect(&s, "4.000000 . 1 ack 1\n"
	                  "4.000000 . 1:1461 ack 1\n");
	script_stop(&s);
}

static void a_leap_of_acknowledgements_after_a_timeout_makes_no_burst(void)
{
	struct script s;
	uint64_t before;

	script_send(&s, 100 * MSS, true);
	script_until(&s, 250 * MS);
	before = host_counters(s.host)->frames_out;
	script_tcp(&s, ACK, 1, at(10), 0);
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_out - before, 3);
	/* Slow start up to half of what was under way. */
	script_tcp(&s, ACK, 1, at(13), 0);
	CU_ASSERT_EQUAL(host_counters(s.host)->frames_out - before, 3 + 5);
	script_stop(&s);
}

static void three_ranges_above_tell_of_a_loss_however_small(void)
{
	struct script s;

	script_send(&s, 10 * MSS, true);
	script_sack(&s, 1, (uint32_t[]){at(1), at(1) + 100, at(2), at(2) + 100, 0});
	script_expect(&s, "");
	script_sack(&s, 1,
	            (uint32_t[]){at(1), at(1) + 100, at(2), at(2) + 100, at(3), at(3) + 100, 0});
	script_expect(&s, "0.000000 P. 1:1461 ack 1\n");
	script_stop(&s);
}

static void blocks_that_cannot_be_hide_no_loss(void)
{
	struct script s;

	script_send(&s, 10 * MSS, true);
	script_sack(&s, 1, (uint32_t[]){at(9), at(11), at(4), at(2), 0});
	script_skip(&s);
	script_until(&s, 250 * MS);
	script_tcp(&s, ACK, 1, at(2), 0);
	script_tcp(&s, ACK, 1, at(4), 0);
	script_tcp(&s, ACK, 1, at(9), 0);
	script_expect(&s, "0.200000 P. 1:1461 ack 1\n"
	                  "0.250000 P. 2921:4381 ack 1\n"
	                  "0.250000 P. 4381:5841 ack 1\n"
	                  "0.250000 P. 5841:7301 ack 1\n"
	                  "0.250000 P. 7301:8761 ack 1\n"
	                  "0.250000 P. 8761:10221 ack 1\n"
	                  "0.250000 P. 10221:11681 ack 1\n"
	                  "0.250000 P. 11681:13141 ack 1\n"
	                  "0.250000 P. 13141:14601 ack 1\n");
	script_stop(&s);
}

/* More ranges than the sender remembers: a byte in two is reported. */
static void more_reports_than_are_remembered_do_no_harm(void)
{
	struct script s;

	script_send(&s, 10 * MSS, true);
	for (uint32_t i = 0; i < 1200; i++)
		script_sack(&s, 1, (uint32_t[]){3 + 8 * i, 4 + 8 * i, 5 + 8 * i, 6 + 8 * i, 0});
	script_tcp(&s, ACK, 1, at(10), 0);
	script_until(&s, 10 * SECOND);
	CU_ASSERT_FALSE(host_pending(s.host) && s.outcome.done);
	CU_ASSERT_EQUAL(s.outcome.done, 0);
	script_stop(&s);
}

static void a_partial_acknowledgement_makes_no_burst(void)
{
	struct script s;

	script_send(&s, 100 * MSS, false);
	/* Segments 0 and 5 are lost, 15 were sent. */
	for (unsigned i = 0; i < 9; i++)
		script_tcp(&s, ACK, 1, 1, 0);
	script_skip(&s);
	script_tcp(&s, ACK, 1, at(5), 0);
	script_expect(&s, "0.000000 P. 7301:8761 ack 1\n"
	                  "0.000000 . 21901:23361 ack 1\n");
	script_stop(&s);
}

UNIT_TESTS("host_tcp_loss", UNIT_TEST(a_lost_segment_is_sent_again_after_the_timeout_which_doubles),
           UNIT_TEST(fifteen_retransmissions_without_an_answer_end_a_connection),
           UNIT_TEST(a_retransmission_is_not_measured),
           UNIT_TEST(the_back_off_ends_with_an_acknowledgement_of_new_data),
           UNIT_TEST(the_third_duplicate_acknowledgement_brings_the_lost_segment),
           UNIT_TEST(a_partial_acknowledgement_brings_the_next_lost_segment),
           UNIT_TEST(data_or_another_window_makes_no_duplicate_acknowledgement),
           UNIT_TEST(sack_tells_what_is_lost_and_only_that_is_sent_again),
           UNIT_TEST(sack_blocks_that_cannot_be_are_ignored),
           UNIT_TEST(after_a_timeout_what_was_reported_is_not_sent_again),
           UNIT_TEST(a_peer_that_drops_what_it_reported_gets_it_again),
           UNIT_TEST(a_lost_fin_is_sent_again_with_the_data_before_it),
           UNIT_TEST(the_congestion_window_halves_at_a_loss_and_grows_by_one_segment_a_round_trip),
           UNIT_TEST(ten_megabytes_arrive_intact_over_a_lossy_reordering_link),
           UNIT_TEST(ten_megabytes_go_both_ways_over_a_lossy_reordering_link),
           UNIT_TEST(a_small_transfer_survives_a_loss_of_thirty_percent),
           UNIT_TEST(many_faults_and_seeds_leave_the_bytes_intact),
           UNIT_TEST(a_link_whose_queue_overflows_is_used_well),
           UNIT_TEST(the_same_seed_gives_the_same_frames_and_another_seed_others),
           UNIT_TEST(only_the_segment_that_is_timed_is_measured),
           UNIT_TEST(a_segment_that_is_sent_again_fast_is_not_measured),
           UNIT_TEST(a_syn_that_was_lost_twice_makes_the_first_window_small),
           UNIT_TEST(a_leap_of_acknowledgements_after_a_timeout_makes_no_burst),
           UNIT_TEST(three_ranges_above_tell_of_a_loss_however_small),
           UNIT_TEST(blocks_that_cannot_be_hide_no_loss),
           UNIT_TEST(more_reports_than_are_remembered_do_no_harm),
           UNIT_TEST(a_partial_acknowledgement_makes_no_burst))
