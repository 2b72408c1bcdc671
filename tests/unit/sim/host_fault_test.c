/* What goes wrong at hosts: another address for a time, and SYN floods. */
#include <stdio.h>

#include "tests/unit/sim/two_hosts.h"

#define IP_3 UINT32_C(0xc0a80203)

enum { SEEN_MAX = 4096 };

/* What host 0 sent. */
static struct {
	unsigned tcp, resets, syns, arp_requests, arp_replies;
	uint32_t nw_src, arp_spa; /* of the last */
	struct {
		uint64_t time_ns;
		uint16_t tp_src;
		uint32_t seq, nw_src;
		bool sound;
	} list[SEEN_MAX]; /* SYNs */
} seen;

static struct two_hosts t;
static struct outcome outcome;

static bool see(void *ctx, unsigned end, const struct fb_packet *p)
{
	(void)ctx;
	if (end)
		return true;
	if (p->is_arp) {
		seen.arp_requests += p->arp_op == FB_ARP_REQUEST;
		seen.arp_replies += p->arp_op == FB_ARP_REPLY;
		seen.arp_spa = p->nw_src;
	}
	if (!p->is_tcp)
		return true;
	seen.tcp++;
	seen.nw_src = p->nw_src;
	seen.resets += (p->tcp_flags & FB_TCP_RST) != 0;
	if (p->tcp_flags != FB_TCP_SYN || seen.syns == SEEN_MAX)
		return true;
	seen.list[seen.syns].time_ns = t.clock.now_ns;
	seen.list[seen.syns].tp_src = p->tp_src;
	seen.list[seen.syns].seq = p->tcp_seq;
	seen.list[seen.syns].nw_src = p->nw_src;
	seen.list[seen.syns].sound = fb_packet_checksums_ok(p) && !p->payload_len;
	seen.syns++;
	return true;
}

static void start_with(const struct host_config config[2])
{
	struct link_config link;

	link_config_default(&link);
	two_hosts_start(&t, &link, config, 1);
	t.filter = see;
	memset(&seen, 0, sizeof seen);
	memset(&outcome, 0, sizeof outcome);
	host_listen_tcp(t.host[1], 22, HOST_SERVICE_HOSTNAME);
	host_listen_tcp(t.host[1], 9, HOST_SERVICE_DISCARD);
}

static void start(void)
{
	const struct host_config config[2] = {two_hosts_config(0), two_hosts_config(1)};

	start_with(config);
}

static void readdress(unsigned end, uint32_t ip)
{
	host_set_address(t.host[end], ip, t.clock.now_ns);
	two_hosts_follow(&t, end);
}

/* A ping from host 0. */
static enum host_outcome ping(uint32_t ip)
{
	const struct host_ping_request request = {
	        .ip = ip, .count = 1, .timeout_ns = SECOND, .payload_bytes = 56};

	memset(&outcome, 0, sizeof outcome);
	host_ping(t.host[0], &request, t.clock.now_ns, outcome_done, &outcome);
	two_hosts_run(&t, 4 * SECOND);
	CU_ASSERT_EQUAL(outcome.done, 1);
	return outcome.result.outcome;
}

/* --- Another address --- */

static void a_host_is_found_at_its_new_address_and_no_more_at_the_old_one(void)
{
	start();
	CU_ASSERT_EQUAL(ping(IP_2), HOST_OK);
	readdress(1, IP_3);
	CU_ASSERT_EQUAL(host_address(t.host[1]), IP_3);
	CU_ASSERT_EQUAL(ping(IP_3), HOST_OK);
	/* Known by its MAC address at first, and then not at all. */
	CU_ASSERT_EQUAL(ping(IP_2), HOST_TIMEOUT);
	two_hosts_run(&t, 60 * SECOND);
	ping(IP_2);
	two_hosts_run(&t, 10 * SECOND);
	CU_ASSERT_EQUAL(ping(IP_2), HOST_UNREACHABLE);
	readdress(1, IP_2);
	CU_ASSERT_EQUAL(ping(IP_2), HOST_OK);
	two_hosts_stop(&t);
}

static void another_address_empties_the_arp_cache_and_is_not_announced(void)
{
	uint8_t mac[FB_MAC_BYTES];
	uint64_t frames;

	start();
	CU_ASSERT_EQUAL(ping(IP_2), HOST_OK);
	CU_ASSERT_TRUE(host_arp_lookup(t.host[0], IP_2, mac));
	frames = t.frames[0];
	readdress(0, IP_1);
	CU_ASSERT_TRUE(host_arp_lookup(t.host[0], IP_2, mac));
	readdress(0, IP_3);
	CU_ASSERT_FALSE(host_arp_lookup(t.host[0], IP_2, mac));
	two_hosts_run(&t, 2 * SECOND);
	CU_ASSERT_EQUAL(t.frames[0], frames);
	two_hosts_stop(&t);
}

static void what_is_being_resolved_is_asked_for_from_the_new_address(void)
{
	start();
	host_arp(t.host[0], IP_2 + 7, false, 0, outcome_done, &outcome);
	two_hosts_run(&t, MS);
	CU_ASSERT_EQUAL(seen.arp_spa, IP_1);
	readdress(0, IP_3);
	two_hosts_run(&t, 1500 * MS);
	CU_ASSERT_EQUAL(seen.arp_requests, 2);
	CU_ASSERT_EQUAL(seen.arp_spa, IP_3);
	two_hosts_run(&t, 5 * SECOND);
	CU_ASSERT_EQUAL(outcome.done, 1);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_UNREACHABLE);
	CU_ASSERT_FALSE(host_pending(t.host[0]));
	two_hosts_stop(&t);
}

static void a_connection_rests_while_its_address_is_away_and_goes_on_after_that(void)
{
	const struct host_tcp_request request = tcp_pattern(9, 20000000, HOST_SERVICE_DISCARD);
	unsigned sent;

	start();
	two_hosts_tcp(&t, &request, &outcome);
	two_hosts_run(&t, 50 * MS);
	CU_ASSERT_EQUAL(outcome.done, 0);
	readdress(0, IP_3);
	sent = seen.tcp;
	two_hosts_run(&t, SECOND);
	CU_ASSERT_EQUAL(seen.tcp, sent);
	CU_ASSERT_TRUE(host_pending(t.host[0]));
	readdress(0, IP_1);
	two_hosts_run(&t, 10 * SECOND);
	CU_ASSERT_EQUAL(outcome.done, 1);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	CU_ASSERT_TRUE(outcome.result.intact);
	CU_ASSERT_TRUE(seen.tcp > sent);
	CU_ASSERT_EQUAL(seen.nw_src, IP_1);
	two_hosts_stop(&t);
}

static void a_connection_whose_address_stays_away_times_out(void)
{
	struct host_config config[2] = {two_hosts_config(0), two_hosts_config(1)};
	const struct host_tcp_request request = tcp_pattern(9, 20000000, HOST_SERVICE_DISCARD);
	unsigned sent;

	config[0].data_retries = 4;
	start_with(config);
	two_hosts_tcp(&t, &request, &outcome);
	two_hosts_run(&t, 50 * MS);
	readdress(0, IP_3);
	sent = seen.tcp;
	two_hosts_run(&t, 60 * SECOND);
	CU_ASSERT_EQUAL(outcome.done, 1);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_TIMEOUT);
	CU_ASSERT_EQUAL(seen.tcp, sent);
	CU_ASSERT_FALSE(host_pending(t.host[0]));
	two_hosts_stop(&t);
}

static void a_syn_from_an_address_that_is_away_is_not_sent(void)
{
	const struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_HOSTNAME);

	start();
	host_set_link(t.host[1], false, 0);
	two_hosts_tcp(&t, &request, &outcome);
	readdress(0, IP_3);
	host_set_link(t.host[1], true, 0);
	two_hosts_run(&t, 200 * SECOND);
	CU_ASSERT_EQUAL(seen.syns, 0);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_TIMEOUT);
	two_hosts_stop(&t);
}

static void what_cannot_be_resolved_does_not_end_a_connection_that_is_away(void)
{
	const struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_HOSTNAME);
	struct outcome opening = {0};

	start();
	host_set_link(t.host[1], false, 0);
	two_hosts_tcp(&t, &request, &opening);
	readdress(0, IP_3);
	CU_ASSERT_EQUAL(ping(IP_2), HOST_UNREACHABLE);
	CU_ASSERT_EQUAL(opening.done, 0);
	host_set_link(t.host[1], true, t.clock.now_ns);
	readdress(0, IP_1);
	two_hosts_run(&t, 10 * SECOND);
	CU_ASSERT_EQUAL(opening.result.outcome, HOST_OK);
	two_hosts_stop(&t);
}

static void a_connection_that_is_given_up_while_it_is_away_sends_no_reset(void)
{
	struct host_tcp_request request = tcp_pattern(9, 20000000, HOST_SERVICE_DISCARD);

	start();
	request.timeout_ns = 500 * MS;
	two_hosts_tcp(&t, &request, &outcome);
	two_hosts_run(&t, 50 * MS);
	readdress(0, IP_3);
	two_hosts_run(&t, SECOND);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_TIMEOUT);
	CU_ASSERT_EQUAL(seen.resets, 0);
	two_hosts_stop(&t);
}

/* A connection from port 5000, which sends after 'pause_ns'. */
static struct host_tcp_request from_5000(uint64_t pause_ns)
{
	struct host_tcp_request request = tcp_to(22, "x", HOST_SERVICE_HOSTNAME);

	request.local_port = 5000;
	request.pause_ns = pause_ns;
	return request;
}

static void connections_of_two_addresses_do_not_meet(void)
{
	const struct host_tcp_request slow = from_5000(2 * SECOND), fast = from_5000(0);
	struct outcome other = {0};

	start();
	two_hosts_tcp(&t, &slow, &outcome);
	two_hosts_run(&t, SECOND);
	readdress(0, IP_3);
	two_hosts_tcp(&t, &fast, &other);
	two_hosts_run(&t, SECOND / 2);
	CU_ASSERT_EQUAL(other.done, 1);
	CU_ASSERT_EQUAL(other.result.outcome, HOST_OK);
	CU_ASSERT_EQUAL(seen.nw_src, IP_3);
	/* It is in TIME_WAIT when the first one comes back, and ends in its time. */
	readdress(0, IP_1);
	two_hosts_run(&t, SECOND);
	CU_ASSERT_EQUAL(outcome.done, 1);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	CU_ASSERT_EQUAL(seen.nw_src, IP_1);
	two_hosts_run(&t, 120 * SECOND);
	CU_ASSERT_EQUAL(host_deadline(t.host[0]), FB_NEVER);
	two_hosts_stop(&t);
}

static void a_connection_made_with_a_wrong_address_is_of_no_use_afterwards(void)
{
	const struct host_tcp_request slow = from_5000(2 * SECOND);
	unsigned sent;

	start();
	readdress(0, IP_3);
	two_hosts_tcp(&t, &slow, &outcome);
	two_hosts_run(&t, SECOND);
	readdress(0, IP_1);
	sent = seen.tcp;
	two_hosts_run(&t, 10 * SECOND);
	CU_ASSERT_EQUAL(seen.tcp, sent);
	CU_ASSERT_EQUAL(outcome.done, 0);
	two_hosts_stop(&t);
}

static void connections_that_are_away_count_among_all(void)
{
	struct host_config config[2] = {two_hosts_config(0), two_hosts_config(1)};
	const struct host_tcp_request other = tcp_to(22, "x", HOST_SERVICE_HOSTNAME);
	struct host_tcp_request slow = from_5000(20 * SECOND);
	struct outcome refused = {0};

	slow.timeout_ns = 3 * SECOND;
	config[0].conns_max = 1;
	start_with(config);
	two_hosts_tcp(&t, &slow, &outcome);
	two_hosts_run(&t, SECOND);
	readdress(0, IP_3);
	two_hosts_tcp(&t, &other, &refused);
	two_hosts_run(&t, SECOND);
	CU_ASSERT_EQUAL(refused.result.outcome, HOST_NO_RESOURCES);
	CU_ASSERT_EQUAL(host_counters(t.host[0])->conns_full, 1);
	/* Until they have ended. */
	two_hosts_run(&t, SECOND);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_TIMEOUT);
	two_hosts_tcp(&t, &other, &refused);
	two_hosts_run(&t, SECOND);
	CU_ASSERT_EQUAL(refused.result.outcome, HOST_OK);
	two_hosts_stop(&t);
}

static void a_packet_to_oneself_at_the_old_address_is_not_taken(void)
{
	const struct host_ping_request request = {
	        .ip = IP_1, .count = 1, .timeout_ns = SECOND, .payload_bytes = 56};

	start();
	host_ping(t.host[0], &request, t.clock.now_ns, outcome_done, &outcome);
	readdress(0, IP_3);
	two_hosts_run(&t, 2 * SECOND);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_TIMEOUT);
	CU_ASSERT_EQUAL(host_counters(t.host[0])->icmp_echo_requests_in, 0);
	two_hosts_stop(&t);
}

/* --- Floods --- */

static void flood(uint32_t count, uint64_t every_ns, const void *owner)
{
	const struct host_flood ask = {
	        .ip = IP_2, .port = 22, .count = count, .every_ns = every_ns};

	host_flood_begin(t.host[0], owner, &ask, t.clock.now_ns);
	two_hosts_follow(&t, 0);
}

static void a_flood_sends_syns_of_one_port_after_another(void)
{
	unsigned same = 0;

	start();
	CU_ASSERT_EQUAL(ping(IP_2), HOST_OK);
	flood(100, MS, &t);
	two_hosts_run(&t, SECOND);
	CU_ASSERT_EQUAL(seen.syns, 100);
	CU_ASSERT_EQUAL(host_counters(t.host[0])->flood_syns, 100);
	for (unsigned i = 1; i < 100; i++) {
		CU_ASSERT_EQUAL(seen.list[i].time_ns - seen.list[i - 1].time_ns, MS);
		CU_ASSERT_TRUE(seen.list[i].tp_src == seen.list[i - 1].tp_src + 1 ||
		               (seen.list[i].tp_src == 1024 && seen.list[i - 1].tp_src == 65535));
		CU_ASSERT_TRUE(seen.list[i].sound);
		CU_ASSERT_EQUAL(seen.list[i].nw_src, IP_1);
		for (unsigned j = 0; j < i; j++)
			same += seen.list[j].seq == seen.list[i].seq;
	}
	CU_ASSERT_EQUAL(same, 0);
	two_hosts_stop(&t);
}

static void what_a_flood_is_answered_is_reset(void)
{
	start();
	flood(20, MS, &t);
	two_hosts_run(&t, 20 * SECOND);
	CU_ASSERT_EQUAL(seen.syns, 20);
	CU_ASSERT_EQUAL(seen.resets, 20);
	CU_ASSERT_EQUAL(host_counters(t.host[1])->tcp_resets_in, 20);
	/* Nothing is half open. */
	CU_ASSERT_FALSE(host_pending(t.host[1]));
	CU_ASSERT_EQUAL(host_deadline(t.host[1]), FB_NEVER);
	two_hosts_stop(&t);
}

static void a_flood_leaves_a_host_quiet(void)
{
	start();
	CU_ASSERT_EQUAL(ping(IP_2), HOST_OK);
	flood(1000, SECOND, &t);
	two_hosts_run(&t, MS);
	CU_ASSERT_FALSE(host_pending(t.host[0]));
	CU_ASSERT_NOT_EQUAL(host_deadline(t.host[0]), FB_NEVER);
	two_hosts_stop(&t);
}

static void a_flood_may_come_all_at_once(void)
{
	start();
	CU_ASSERT_EQUAL(ping(IP_2), HOST_OK);
	flood(30, 0, &t);
	CU_ASSERT_EQUAL(seen.syns, 30);
	two_hosts_run(&t, SECOND);
	CU_ASSERT_EQUAL(seen.syns, 30);
	two_hosts_stop(&t);
}

static void a_flood_ends_when_it_is_ended_and_others_go_on(void)
{
	int other;

	start();
	CU_ASSERT_EQUAL(ping(IP_2), HOST_OK);
	flood(1000, MS, &t);
	flood(7, 2 * MS, &other);
	two_hosts_run(&t, 3 * MS + 1);
	CU_ASSERT_EQUAL(seen.syns, 4 + 2);
	host_flood_end(t.host[0], &t);
	two_hosts_follow(&t, 0);
	two_hosts_run(&t, SECOND);
	CU_ASSERT_EQUAL(seen.syns, 4 + 7);
	/* It is over already. */
	host_flood_end(t.host[0], &other);
	two_hosts_stop(&t);
}

static void without_power_there_is_no_flood(void)
{
	start();
	CU_ASSERT_EQUAL(ping(IP_2), HOST_OK);
	flood(1000, MS, &t);
	two_hosts_run(&t, 10 * MS + 1);
	host_set_power(t.host[0], false, t.clock.now_ns);
	CU_ASSERT_EQUAL(host_deadline(t.host[0]), FB_NEVER);
	flood(1000, MS, &t);
	CU_ASSERT_EQUAL(host_deadline(t.host[0]), FB_NEVER);
	host_set_power(t.host[0], true, t.clock.now_ns);
	two_hosts_run(&t, SECOND);
	CU_ASSERT_EQUAL(seen.syns, 11);
	two_hosts_stop(&t);
}

UNIT_TESTS("host_fault", UNIT_TEST(a_host_is_found_at_its_new_address_and_no_more_at_the_old_one),
           UNIT_TEST(another_address_empties_the_arp_cache_and_is_not_announced),
           UNIT_TEST(what_is_being_resolved_is_asked_for_from_the_new_address),
           UNIT_TEST(a_connection_rests_while_its_address_is_away_and_goes_on_after_that),
           UNIT_TEST(a_connection_whose_address_stays_away_times_out),
           UNIT_TEST(a_syn_from_an_address_that_is_away_is_not_sent),
           UNIT_TEST(what_cannot_be_resolved_does_not_end_a_connection_that_is_away),
           UNIT_TEST(a_connection_that_is_given_up_while_it_is_away_sends_no_reset),
           UNIT_TEST(connections_of_two_addresses_do_not_meet),
           UNIT_TEST(a_connection_made_with_a_wrong_address_is_of_no_use_afterwards),
           UNIT_TEST(connections_that_are_away_count_among_all),
           UNIT_TEST(a_packet_to_oneself_at_the_old_address_is_not_taken),
           UNIT_TEST(a_flood_sends_syns_of_one_port_after_another),
           UNIT_TEST(what_a_flood_is_answered_is_reset), UNIT_TEST(a_flood_leaves_a_host_quiet),
           UNIT_TEST(a_flood_may_come_all_at_once),
           UNIT_TEST(a_flood_ends_when_it_is_ended_and_others_go_on),
           UNIT_TEST(without_power_there_is_no_flood))
