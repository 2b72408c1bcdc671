/* UDP of simulated hosts: services, requests and errors. */
#include "tests/unit/sim/script.h"

static void udp(struct two_hosts *t, const struct host_udp_request *request,
                struct outcome *outcome)
{
	memset(outcome, 0, sizeof *outcome);
	host_udp(t->host[0], request, t->clock.now_ns, outcome_done, outcome);
}

static struct host_udp_request to(uint16_t port, const char *text)
{
	return (struct host_udp_request){.ip = IP_2,
	                                 .port = port,
	                                 .send = (const uint8_t *)text,
	                                 .send_bytes = strlen(text),
	                                 .wait_reply = true,
	                                 .timeout_ns = SECOND};
}

static void services_answer_datagrams(void)
{
	struct two_hosts t;
	struct outcome outcome;
	struct host_udp_request request = to(22, "uname -n");

	two_hosts_start_plain(&t);
	CU_ASSERT_EQUAL(host_listen_udp(t.host[1], 22, HOST_SERVICE_HOSTNAME), 0);
	CU_ASSERT_EQUAL(host_listen_udp(t.host[1], 22, HOST_SERVICE_ECHO), -1);
	CU_ASSERT_EQUAL(host_listen_udp(t.host[1], 7, HOST_SERVICE_ECHO), 0);
	CU_ASSERT_EQUAL(host_listen_udp(t.host[1], 9, HOST_SERVICE_DISCARD), 0);
	udp(&t, &request, &outcome);
	CU_ASSERT_EQUAL(outcome.done, 0);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
	CU_ASSERT_EQUAL(outcome.done, 1);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	CU_ASSERT_STRING_EQUAL(outcome.reply, "h2\n");
	CU_ASSERT_EQUAL(outcome.result.answer_mac[5], 2);
	request.port = 7;
	udp(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
	CU_ASSERT_STRING_EQUAL(outcome.reply, "uname -n");
	request.port = 9;
	udp(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_TIMEOUT);
	CU_ASSERT_EQUAL(outcome.result.ended_ns - outcome.result.started_ns, SECOND);
	CU_ASSERT_EQUAL(host_counters(t.host[1])->udp_in, 3);
	CU_ASSERT_EQUAL(host_counters(t.host[1])->udp_answered, 2);
	two_hosts_stop(&t);
}

static void a_closed_port_refuses(void)
{
	struct two_hosts t;
	struct outcome outcome;
	struct host_udp_request request = to(1234, "x");

	two_hosts_start_plain(&t);
	udp(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_REFUSED);
	/* So does one whose listener was closed. */
	host_listen_udp(t.host[1], 1234, HOST_SERVICE_ECHO);
	host_listen_udp(t.host[1], 1234, HOST_SERVICE_NONE);
	udp(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_REFUSED);
	two_hosts_stop(&t);
}

static void a_datagram_without_reply_is_done_when_sent(void)
{
	struct two_hosts t;
	struct outcome outcome;
	struct host_udp_request request = to(9, "x");

	request.wait_reply = false;
	two_hosts_start_plain(&t);
	host_listen_udp(t.host[1], 9, HOST_SERVICE_DISCARD);
	udp(&t, &request, &outcome);
	CU_ASSERT_EQUAL(outcome.done, 0);
	two_hosts_run(&t, 0);
	CU_ASSERT_EQUAL(outcome.done, 1);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	CU_ASSERT_TRUE(two_hosts_settle(&t, SECOND));
	CU_ASSERT_EQUAL(host_counters(t.host[1])->udp_in, 1);
	two_hosts_stop(&t);
}

static void a_large_datagram_goes_in_fragments_and_comes_back(void)
{
	static char text[60001];
	struct two_hosts t;
	struct outcome outcome;
	struct host_udp_request request;

	for (size_t i = 0; i < sizeof text - 1; i++)
		text[i] = (char)('a' + i % 23);
	request = to(7, text);
	two_hosts_start_plain(&t);
	host_listen_udp(t.host[1], 7, HOST_SERVICE_ECHO);
	udp(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, 10 * SECOND));
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	CU_ASSERT_EQUAL(outcome.result.received_bytes, 60000);
	CU_ASSERT_EQUAL(memcmp(outcome.reply, text, 4096), 0);
	two_hosts_stop(&t);
}

static void a_port_has_one_user(void)
{
	struct two_hosts t;
	struct outcome first, second;
	struct host_udp_request request = to(7, "x");

	request.local_port = 5000;
	two_hosts_start_plain(&t);
	host_listen_udp(t.host[1], 7, HOST_SERVICE_ECHO);
	udp(&t, &request, &first);
	udp(&t, &request, &second);
	CU_ASSERT_TRUE(two_hosts_settle(&t, SECOND));
	CU_ASSERT_EQUAL(first.result.outcome, HOST_OK);
	CU_ASSERT_EQUAL(first.result.local_port, 5000);
	CU_ASSERT_EQUAL(second.result.outcome, HOST_NO_RESOURCES);
	/* It is free again. */
	udp(&t, &request, &second);
	CU_ASSERT_TRUE(two_hosts_settle(&t, SECOND));
	CU_ASSERT_EQUAL(second.result.outcome, HOST_OK);
	two_hosts_stop(&t);
}

static void requests_at_once_have_ports_of_their_own(void)
{
	enum { COUNT = 500 };
	static struct outcome outcomes[COUNT];
	struct two_hosts t;
	struct host_udp_request request = to(7, "hello");

	two_hosts_start_plain(&t);
	host_listen_udp(t.host[1], 7, HOST_SERVICE_ECHO);
	host_arp(t.host[0], IP_2, false, 0, NULL, NULL);
	CU_ASSERT_TRUE(two_hosts_settle(&t, SECOND));
	for (unsigned i = 0; i < COUNT; i++)
		udp(&t, &request, &outcomes[i]);
	CU_ASSERT_TRUE(two_hosts_settle(&t, SECOND));
	for (unsigned i = 0; i < COUNT; i++) {
		CU_ASSERT_EQUAL(outcomes[i].result.outcome, HOST_OK);
		CU_ASSERT_EQUAL(outcomes[i].result.local_port,
		                i && outcomes[i - 1].result.local_port != 60999
		                        ? outcomes[i - 1].result.local_port + 1
		                        : outcomes[i].result.local_port);
	}
	two_hosts_stop(&t);
}

static void a_reply_from_elsewhere_is_refused(void)
{
	struct script s;
	struct host_udp_request request = to(7, "x");
	uint8_t bytes[128];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};
	struct fb_ipv4_spec ip = {.nw_src = IP_2, .nw_dst = IP_1};

	request.local_port = 5000;
	script_start(&s);
	host_udp(s.host, &request, 0, outcome_done, &s.outcome);
	script_until(&s, 0);
	memcpy(eth.dl_dst, script_host_mac, FB_MAC_BYTES);
	memcpy(eth.dl_src, script_peer_mac, FB_MAC_BYTES);
	/* From another port. */
	fb_build_udp(&out, &eth, &ip, 8, 5000, "y", 1);
	script_receive(&s, &out);
	CU_ASSERT_EQUAL(s.outcome.done, 0);
	CU_ASSERT_EQUAL(s.last[FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES], FB_ICMP_UNREACHABLE);
	/* From another host. */
	out = fb_buf_make(bytes, sizeof bytes);
	ip.nw_src = IP_2 + 1;
	fb_build_udp(&out, &eth, &ip, 7, 5000, "y", 1);
	script_receive(&s, &out);
	CU_ASSERT_EQUAL(s.outcome.done, 0);
	out = fb_buf_make(bytes, sizeof bytes);
	ip.nw_src = IP_2;
	fb_build_udp(&out, &eth, &ip, 7, 5000, "y", 1);
	script_receive(&s, &out);
	CU_ASSERT_EQUAL(s.outcome.done, 1);
	CU_ASSERT_STRING_EQUAL(s.outcome.reply, "y");
	script_stop(&s);
}

static void power_off_aborts(void)
{
	struct two_hosts t;
	struct outcome outcome, pinged;
	struct host_udp_request request = to(9, "x");
	struct host_ping_request ping = {.ip = IP_2, .count = 100};

	two_hosts_start_plain(&t);
	host_listen_udp(t.host[1], 9, HOST_SERVICE_DISCARD);
	udp(&t, &request, &outcome);
	memset(&pinged, 0, sizeof pinged);
	host_ping(t.host[0], &ping, 0, outcome_done, &pinged);
	two_hosts_run(&t, MS);
	host_set_power(t.host[0], false, t.clock.now_ns);
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_ABORTED);
	CU_ASSERT_EQUAL(pinged.result.outcome, HOST_ABORTED);
	CU_ASSERT_EQUAL(pinged.result.answered, 1);
	host_set_power(t.host[0], true, t.clock.now_ns);
	/* The listener of the other side stayed, and ours would have. */
	request.wait_reply = false;
	udp(&t, &request, &outcome);
	CU_ASSERT_TRUE(two_hosts_settle(&t, SECOND));
	CU_ASSERT_EQUAL(outcome.result.outcome, HOST_OK);
	two_hosts_stop(&t);
}

UNIT_TESTS("host_udp", UNIT_TEST(services_answer_datagrams), UNIT_TEST(a_closed_port_refuses),
           UNIT_TEST(a_datagram_without_reply_is_done_when_sent),
           UNIT_TEST(a_large_datagram_goes_in_fragments_and_comes_back),
           UNIT_TEST(a_port_has_one_user), UNIT_TEST(requests_at_once_have_ports_of_their_own),
           UNIT_TEST(a_reply_from_elsewhere_is_refused), UNIT_TEST(power_off_aborts))
