/* Who owns an address: observation, probes, ports, limits; and SYNs that wait until somebody does.
 */
#include "tests/unit/controller/balancer_bench.h"

#define PROBE LB_PROBE
/* One that goes to some ports. */
#define EDGE_PROBE(ports)                                                                          \
	"out frame: output:" ports ": 0e:fb:00:00:00:01 > ff:ff:ff:ff:ff:ff arp who-has "          \
	"192.168.2.2 tell 0.0.0.0\n"
#define OUT_A ": mod_dl_dst::02,output:2\n"
#define OUT_B ": mod_dl_dst::03,output:3\n"

static const uint64_t s_ns = FB_NS_PER_S, ms_ns = FB_NS_PER_MS;

static unsigned count_of(const char *said, const char *text)
{
	unsigned count = 0;

	for (const char *at = said; (at = strstr(at, text)); at++)
		count++;
	return count;
}

/* 'from' sends a UDP datagram to the client. */
static const char *udp(struct lb *lb, const struct lb_host *from)
{
	uint8_t bytes[128];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct lb_segment s = {.from = from, .to = &lb_client};
	struct fb_eth_spec eth = lb_eth(&s);
	struct fb_ipv4_spec ip = {.nw_src = lb_ip(from->ip), .nw_dst = lb_ip(1)};

	fb_build_udp(&frame, &eth, &ip, 9, 9, "x", 1);
	lb_frame_in(lb, from->port, &frame);
	return lb_said(lb);
}

/* Time passes until no address is probed any more that nobody connects to: those of two owners are,
 * at first. */
static void pass_until_idle(struct lb *lb)
{
	lb_pass(lb, 65 * s_ns);
	lb_said(lb);
}

/* Where the next new connection goes. */
static const char *next_syn(struct lb *lb)
{
	static uint16_t tp;

	return lb_syn(lb, ++tp, 1);
}

static void who_speaks_arp_or_ipv4_for_an_address_owns_it(void)
{
	struct lb *lb = lb_new_empty("");

	lb_announce(lb, &lb_a);
	udp(lb, &lb_b);
	CU_ASSERT(lb_has(next_syn(lb), OUT_A));
	CU_ASSERT(lb_has(next_syn(lb), OUT_B));
	lb_free(lb);
}

static void nobody_owns_the_address_zero(void)
{
	static const struct lb_host asker = {6, 6, 6};
	struct lb *lb = lb_new_empty("");
	uint8_t bytes[64];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.dl_dst = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

	lb_mac(eth.dl_src, asker.number);
	fb_build_arp(&frame, &eth, FB_ARP_REQUEST, eth.dl_src, 0, (const uint8_t[6]){0}, lb_ip(2));
	lb_frame_in(lb, 6, &frame);
	LB_SAYS(lb_said(lb), "out #1 in 6: FLOOD\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_found"), 0);
	lb_free(lb);
}

static void an_arp_sender_that_names_another_mac_owns_nothing(void)
{
	struct lb *lb = lb_new_empty("");
	uint8_t bytes[64], sha[FB_MAC_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.dl_dst = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

	lb_mac(eth.dl_src, 2);
	lb_mac(sha, 3);
	fb_build_arp(&frame, &eth, FB_ARP_REQUEST, sha, lb_ip(2), (const uint8_t[6]){0}, lb_ip(2));
	lb_frame_in(lb, 2, &frame);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_found"), 0);
	lb_said(lb);
	lb_free(lb);
}

static void neither_group_addresses_nor_group_macs_own_or_are_owned(void)
{
	struct lb *lb = lb_new_empty("");
	uint8_t bytes[128];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.dl_dst = {2, 0, 0, 0, 0, 1}, .dl_src = {3, 0, 0, 0, 0, 2}};
	struct fb_ipv4_spec ip = {.nw_src = lb_ip(2), .nw_dst = lb_ip(1)};

	fb_build_udp(&frame, &eth, &ip, 9, 9, "x", 1);
	lb_frame_in(lb, 2, &frame);
	frame.len = 0;
	eth.dl_src[0] = 2;
	ip.nw_src = 0xe0000001;
	fb_build_udp(&frame, &eth, &ip, 9, 9, "x", 1);
	lb_frame_in(lb, 2, &frame);
	lb_said(lb);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_found"), 0);
	lb_free(lb);
}

static void an_address_is_probed_when_somebody_connects_to_it(void)
{
	struct lb *lb = lb_new("");

	pass_until_idle(lb);
	LB_SAYS(lb_syn(lb, 1, 1), PROBE "out #4 in 1" OUT_A);
	LB_SAYS(lb_syn(lb, 2, 1), "out #5 in 1" OUT_B);
	lb_free(lb);
}

static void a_probe_has_no_sender_address_and_the_controllers_own_mac(void)
{
	static const uint8_t own[FB_MAC_BYTES] = {0x0e, 0xfb, 0, 0, 0, 1};
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1);
	CU_ASSERT(fb_mac_equal(lb->own_mac, own));
	CU_ASSERT(lb->own_mac[0] & 2);    /* locally administered */
	CU_ASSERT(!(lb->own_mac[0] & 1)); /* of one station */
	lb_free(lb);
}

static void answers_to_probes_are_consumed(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1);
	LB_SAYS(lb_answer_probe(lb, &lb_a), "out #5 in 2: drop\n");
	lb->unbuffered = true;
	LB_SAYS(lb_answer_probe(lb, &lb_b), "");
	lb_free(lb);
}

static void a_silent_second_server_is_found_by_the_first_probe(void)
{
	struct lb *lb = lb_new_empty("");

	lb_announce(lb, &lb_client);
	lb_announce(lb, &lb_a);
	lb_revive(lb, &lb_b); /* there, and never heard */
	CU_ASSERT(lb_has(next_syn(lb), OUT_A));
	CU_ASSERT(lb_has(next_syn(lb), OUT_B));
	CU_ASSERT(lb_has(next_syn(lb), OUT_A));
	lb_free(lb);
}

static void a_server_that_comes_later_is_found_by_the_next_probe(void)
{
	struct lb *lb = lb_new_empty("");

	lb_announce(lb, &lb_client);
	lb_announce(lb, &lb_a);
	next_syn(lb);
	lb_revive(lb, &lb_b);
	lb_pass(lb, 5 * s_ns - 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_found"), 2);
	lb_pass(lb, 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_found"), 3);
	lb_free(lb);
}

static void probes_go_on_while_somebody_connects_and_end_a_minute_later(void)
{
	struct lb *lb = lb_new("probe_interval=10s");

	next_syn(lb);
	lb_pass(lb, 30 * s_ns);
	CU_ASSERT_EQUAL(count_of(lb_said(lb), PROBE), 3);
	next_syn(lb);
	lb_pass(lb, 60 * s_ns);
	CU_ASSERT_EQUAL(count_of(lb_said(lb), PROBE), 5);
	lb_pass(lb, 200 * s_ns);
	CU_ASSERT_EQUAL(count_of(lb_said(lb), PROBE), 0);
	CU_ASSERT(lb_has(next_syn(lb), PROBE));
	lb_free(lb);
}

static void an_owner_that_answers_no_probe_leaves_the_rotation(void)
{
	struct lb *lb = lb_new("");

	next_syn(lb);
	lb_silence(lb, &lb_b);
	lb_pass(lb, 5 * s_ns);     /* the first probe that it does not answer */
	lb_pass(lb, 3 * s_ns - 1); /* and two more, a second apart */
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 0);
	lb_pass(lb, 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 1);
	for (int i = 0; i < 4; i++)
		CU_ASSERT(lb_has(next_syn(lb), OUT_A));
	lb_announce(lb, &lb_b);
	CU_ASSERT(lb_has(next_syn(lb), OUT_B));
	lb_free(lb);
}

static void a_host_that_announces_another_address_may_have_left_the_first(void)
{
	static const struct lb_host wrong = {5, 1, 5}; /* lb_other, with the client's address */
	struct lb *lb = lb_new("");
	uint64_t lost;

	lb_announce(lb, &lb_other);
	lb_announce(lb, &wrong);
	pass_until_idle(lb);
	lost = lb_counter(lb, "owners_lost");
	CU_ASSERT_EQUAL(lost, 1); /* of its own address */
	lb_silence(lb, &wrong);
	/* Nobody connects to the address, which the client has still. */
	CU_ASSERT(lb_has(lb_announce(lb, &lb_other), "who-has 192.168.2.1 "));
	lb_pass(lb, 3 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), lost + 1);
	lb_said(lb);
	/* It has no other now. */
	CU_ASSERT(!lb_has(lb_announce(lb, &lb_other), "who-has"));
	lb_free(lb);
}

/* It had it for a moment, and seems to be its only owner. */
static void a_host_that_asks_for_an_address_does_not_own_it_any_more(void)
{
	static const struct lb_host wrong = {5, 2, 5}, asker = {5, 5, 5};
	struct lb *lb = lb_new_empty("");

	lb_announce(lb, &wrong);
	lb_silence(lb, &wrong);
	lb_revive(lb, &lb_a); /* there, and never heard */
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_found"), 1);
	CU_ASSERT(lb_has(lb_arp(lb, &asker, FB_ARP_REQUEST, NULL, 2), PROBE));
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_found"), 3);
	lb_pass(lb, 3 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 1);
	for (int i = 0; i < 3; i++)
		CU_ASSERT(lb_has(next_syn(lb), OUT_A));
	lb_said(lb);
	/* Who asks for what it never had brings no probe. */
	CU_ASSERT(!lb_has(lb_arp(lb, &asker, FB_ARP_REQUEST, NULL, 2), PROBE));
	lb_free(lb);
}

/* A host had a wrong address for a moment, and said nothing when it left it: the one whose address
 * it is speaks next. */
static void who_had_an_address_before_its_owner_was_heard_may_have_left_it(void)
{
	static const struct lb_host wrong = {5, 1, 5};
	struct lb *lb = lb_new_empty("");

	lb_announce(lb, &wrong);
	lb_silence(lb, &wrong);
	lb_said(lb);
	/* Nobody connects to it. */
	CU_ASSERT(lb_has(lb_announce(lb, &lb_client), "who-has 192.168.2.1 "));
	/* One round of questions is enough, whoever speaks again. */
	CU_ASSERT(!lb_has(lb_announce(lb, &lb_client), "who-has"));
	lb_pass(lb, 3 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 1);
	/* It is not shared now, and left alone. */
	lb_said(lb);
	lb_pass(lb, 60 * s_ns);
	CU_ASSERT(!lb_has(lb_said(lb), "who-has"));
	lb_free(lb);
}

static void the_first_owner_of_an_address_is_not_asked_whether_it_has_left(void)
{
	struct lb *lb = lb_new_empty("");

	CU_ASSERT(!lb_has(lb_announce(lb, &lb_a), "who-has"));
	lb_pass(lb, 65 * s_ns);
	CU_ASSERT(!lb_has(lb_said(lb), "who-has"));
	lb_free(lb);
}

/* It leaves a little later, and nothing is heard of that either. */
static void for_a_minute_from_a_new_owner_those_that_leave_are_found_out(void)
{
	static const struct lb_host wrong = {5, 1, 5};
	struct lb *lb = lb_new("");

	lb_announce(lb, &wrong);
	lb_pass(lb, 30 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 0);
	lb_silence(lb, &wrong);
	lb_pass(lb, 8 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 1);
	/* The servers' address is asked for no more after a minute. */
	pass_until_idle(lb);
	lb_pass(lb, 60 * s_ns);
	LB_SAYS(lb_said(lb), "");
	lb_free(lb);
}

static void as_many_lost_probes_are_forgiven_as_the_option_says(void)
{
	struct lb *lb = lb_new("probes_lost_max=1");

	next_syn(lb);
	lb_silence(lb, &lb_b);
	lb_pass(lb, 6 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 1);
	lb_free(lb);
}

static void any_frame_is_an_answer_to_a_probe(void)
{
	struct lb *lb = lb_new("");

	next_syn(lb);
	lb_silence(lb, &lb_b);
	for (int i = 0; i < 20; i++) {
		lb_pass(lb, s_ns);
		lb_said(lb);
		udp(lb, &lb_b);
	}
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 0);
	lb_free(lb);
}

static void an_address_beyond_a_router_is_not_lost_by_probes(void)
{
	struct lb *lb = lb_new_empty("");

	udp(lb, &lb_a); /* known by its packets alone */
	for (int i = 0; i < 6; i++) {
		CU_ASSERT(lb_has(next_syn(lb), OUT_A));
		lb_pass(lb, 10 * s_ns);
	}
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 0);
	lb_free(lb);
}

static void a_port_that_goes_down_takes_its_owners_out_at_once(void)
{
	struct lb *lb = lb_new("");
	struct fb_phy_port port = fake_port(3);

	lb_silence_all(lb);
	fake_switch_set_link(lb->sw, 2, false);
	CU_ASSERT(lb_has(next_syn(lb), OUT_B));
	CU_ASSERT(lb_has(next_syn(lb), OUT_B));
	fake_switch_set_link(lb->sw, 2, true);
	lb_pass(lb, 0);
	lb_announce(lb, &lb_a);
	fake_switch_port_status(lb->sw, OFPPR_DELETE, &port);
	CU_ASSERT(lb_has(next_syn(lb), OUT_A));
	CU_ASSERT(lb_has(next_syn(lb), OUT_A));
	port = fake_port(2);
	port.config = OFPPC_PORT_DOWN;
	fake_switch_port_status(lb->sw, OFPPR_MODIFY, &port);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 3);
	lb_said(lb);
	lb_free(lb);
}

/* A frame that was on its way to the controller when its port went down. */
static void a_frame_that_came_by_a_port_that_is_down_tells_of_no_owner(void)
{
	struct lb *lb = lb_new("");

	lb_silence_all(lb);
	fake_switch_set_link(lb->sw, 2, false);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 1);
	udp(lb, &lb_a);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_found"), 3);
	for (int i = 0; i < 3; i++)
		CU_ASSERT(lb_has(next_syn(lb), OUT_B));
	lb_free(lb);
}

/* Owners of one address behind several ports, some of which have moved. */
static void a_port_takes_those_owners_along_that_are_there_now(void)
{
	static const struct lb_host a_again = {2, 2, 3}, shared = {4, 9, 3};
	struct lb *lb = lb_new("owners_max=8");
	struct fb_phy_port port = fake_port(2);

	lb_silence_all(lb);
	lb_announce(lb, &a_again); /* it was behind port 2 */
	lb_announce(lb, &shared);  /* another address there */
	lb_silence_all(lb);
	fake_switch_port_status(lb->sw, OFPPR_DELETE, &port);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 0);
	port = fake_port(3);
	for (int i = 0; i < 100; i++)
		fake_switch_port_status(lb->sw, OFPPR_DELETE, &port);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 3);
	fake_switch_port_status(lb->sw, OFPPR_ADD, &port);
	lb_pass(lb, 0);
	lb_announce(lb, &lb_b);
	fake_switch_port_status(lb->sw, OFPPR_DELETE, &port);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 4);
	lb_said(lb);
	lb_free(lb);
}

static void a_port_that_comes_up_is_probed_behind_at_once(void)
{
	struct lb *lb = lb_new("");

	next_syn(lb);
	lb_silence(lb, &lb_a);
	fake_switch_set_link(lb->sw, 2, false);
	lb_pass(lb, 7 * s_ns);
	lb_said(lb);
	lb_revive(lb, &lb_a);
	fake_switch_set_link(lb->sw, 2, true);
	lb_pass(lb, 0);
	LB_SAYS(lb_said(lb), EDGE_PROBE("2"));
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_found"), 4);
	lb_free(lb);
}

static void a_port_that_comes_up_is_probed_behind_even_just_after_a_probe(void)
{
	struct lb *lb = lb_new("");

	lb_pass(lb, 2 * s_ns); /* the ports came up with the switch */
	next_syn(lb);
	lb_pass(lb, 10 * ms_ns);
	fake_switch_set_link(lb->sw, 4, false);
	lb_said(lb);
	fake_switch_set_link(lb->sw, 4, true);
	lb_pass(lb, 0);
	LB_SAYS(lb_said(lb), EDGE_PROBE("4"));
	lb_free(lb);
}

/* 'times' the link of 'port' goes down, and comes up 'ns' later, and so on. */
static void flap(struct lb *lb, uint16_t port, unsigned times, uint64_t ns)
{
	for (unsigned i = 0; i < times; i++) {
		fake_switch_set_link(lb->sw, port, false);
		lb_pass(lb, ns);
		fake_switch_set_link(lb->sw, port, true);
		lb_pass(lb, ns);
	}
}

/* A second passes from each probe until its answers are counted. */
static void a_port_that_flaps_does_not_hide_a_dead_owner_behind_another(void)
{
	struct lb *lb = lb_new("");

	next_syn(lb);
	lb_pass(lb, 10 * s_ns);
	lb_silence(lb, &lb_b);
	flap(lb, 6, 20, 400 * ms_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 1);
	lb_said(lb);
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT(lb_has(next_syn(lb), OUT_A));
	lb_free(lb);
}

static void an_owner_owes_no_answer_to_what_was_asked_at_another_port(void)
{
	struct lb *lb = lb_new("");

	lb_pass(lb, 2 * s_ns);
	next_syn(lb);
	lb_pass(lb, 10 * ms_ns);
	lb_silence(lb, &lb_b);
	for (uint16_t port = 4; port <= 6; port++)
		flap(lb, port, 1, 10 * ms_ns);
	lb_pass(lb, s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 0);
	lb_free(lb);
}

static void a_port_that_flaps_is_asked_once_a_second(void)
{
	struct lb *lb = lb_new("probe_interval=1m");
	const char *said;

	next_syn(lb);
	lb_pass(lb, 2 * s_ns);
	lb_said(lb);
	flap(lb, 6, 200, 10 * ms_ns); /* 4 s */
	said = lb_said(lb);
	CU_ASSERT(count_of(said, EDGE_PROBE("6")) >= 3);
	CU_ASSERT(count_of(said, EDGE_PROBE("6")) <= 5);
	CU_ASSERT_EQUAL(count_of(said, PROBE), 0);
	lb_free(lb);
}

/* Hosts with one address each are behind port 6, and somebody connects to those from 'first' on. */
static void connect_to_many(struct lb *lb, uint8_t first, uint8_t count)
{
	for (uint8_t n = first; n < first + count; n++) {
		const struct lb_host host = {n, n, 6};

		lb_announce(lb, &host);
		lb_silence_all(lb);
		lb_tcp(lb, &(struct lb_segment){.from = &lb_client,
		                                .to = &host,
		                                .tp_src = n,
		                                .tp_dst = 22,
		                                .flags = FB_TCP_SYN});
	}
}

static void a_port_that_comes_up_is_asked_for_many_addresses_in_turns(void)
{
	struct lb *lb = lb_new_empty("");

	lb_pass(lb, 2 * s_ns);
	lb_announce(lb, &lb_client);
	connect_to_many(lb, 10, 70);
	lb_said(lb);
	flap(lb, 5, 1, 0);
	CU_ASSERT_EQUAL(count_of(lb_said(lb), "out frame: output:5: "), 32);
	lb_pass(lb, 10 * ms_ns);
	CU_ASSERT_EQUAL(count_of(lb_said(lb), "out frame: output:5: "), 32);
	lb_pass(lb, 10 * ms_ns);
	CU_ASSERT_EQUAL(count_of(lb_said(lb), "out frame: output:5: "), 6);
	lb_pass(lb, 100 * ms_ns);
	CU_ASSERT_EQUAL(count_of(lb_said(lb), "out frame: output:5: "), 0);
	lb_free(lb);
}

static void an_address_that_is_forgotten_when_it_is_next_to_be_asked_for_is_passed_over(void)
{
	struct lb *lb = lb_new_empty("addresses_max=50");
	const struct lb_host late = {200, 200, 1};

	lb_pass(lb, 2 * s_ns);
	connect_to_many(lb, 10, 32); /* the client is among those that nobody connects to */
	for (uint8_t n = 100; n < 110; n++)
		lb_announce(lb, &(struct lb_host){n, n, 6});
	lb_silence_all(lb);
	connect_to_many(lb, 50, 7);
	lb_said(lb);
	flap(lb, 5, 1, 0);
	CU_ASSERT_EQUAL(count_of(lb_said(lb), "out frame: output:5: "), 32);
	lb_announce(lb, &late);
	CU_ASSERT_EQUAL(lb_counter(lb, "addresses_evicted"), 1);
	for (uint8_t n = 201; n < 211; n++)
		lb_announce(lb, &(struct lb_host){n, n, 1});
	lb_silence_all(lb);
	lb_said(lb);
	lb_pass(lb, 10 * ms_ns);
	CU_ASSERT_EQUAL(count_of(lb_said(lb), "out frame: output:5: "), 7);
	lb_free(lb);
}

static void addresses_in_use_are_probed_when_their_switch_comes_back(void)
{
	struct lb *lb = lb_new("probe_interval=1m");

	next_syn(lb);
	lb_pass(lb, 10 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "probes"), 1);
	fake_switch_leave(lb->sw);
	lb_switch_to(lb, lb_join(lb->bench, 1, 6));
	lb_pass(lb, 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "probes"), 2);
	lb_free(lb);
}

static void probes_of_many_addresses_are_spread(void)
{
	struct lb *lb = lb_new_empty("");

	lb_announce(lb, &lb_client);
	for (uint8_t n = 10; n < 80; n++) {
		const struct lb_host host = {n, n, 6};

		lb_announce(lb, &host);
		lb_silence_all(lb);
		lb_tcp(lb, &(struct lb_segment){.from = &lb_client,
		                                .to = &host,
		                                .tp_src = n,
		                                .tp_dst = 22,
		                                .flags = FB_TCP_SYN});
	}
	CU_ASSERT_EQUAL(lb_counter(lb, "probes"), 70);
	lb_pass(lb, s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "probes"), 70 + 32);
	lb_pass(lb, 10 * ms_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "probes"), 70 + 64);
	lb_pass(lb, 10 * ms_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "probes"), 70 + 70);
	lb_free(lb);
}

static void an_owner_that_moved_is_followed(void)
{
	static const struct lb_host moved = {2, 2, 6};
	struct lb *lb = lb_new("");

	lb_announce(lb, &moved);
	CU_ASSERT(lb_has(next_syn(lb), ": mod_dl_dst::02,output:6\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_found"), 3);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_moved"), 1);
	lb_free(lb);
}

static void an_owner_that_is_silent_for_long_is_forgotten(void)
{
	struct lb *lb = lb_new("owner_timeout=100s");

	pass_until_idle(lb);
	lb_silence(lb, &lb_b);
	lb_pass(lb, 20 * s_ns);
	lb_announce(lb, &lb_a);
	lb_pass(lb, 80 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_forgotten"), 2); /* the client and server_b */
	CU_ASSERT(lb_has(next_syn(lb), OUT_A));
	lb_free(lb);
}

static void an_address_has_no_more_owners_than_the_option_says(void)
{
	struct lb *lb = lb_new("owners_max=2");

	lb_announce(lb, &lb_c);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_full"), 1);
	CU_ASSERT(lb_has(next_syn(lb), OUT_A));
	CU_ASSERT(lb_has(next_syn(lb), OUT_B));
	CU_ASSERT(lb_has(next_syn(lb), OUT_A));
	lb_free(lb);
}

static void at_the_limit_the_oldest_idle_address_gives_way(void)
{
	struct lb *lb = lb_new("addresses_max=3");

	next_syn(lb); /* the servers' address is in use */
	lb_announce(lb, &lb_other);
	for (uint8_t n = 6; n < 10; n++)
		lb_announce(lb, &(struct lb_host){n, n, 6});
	CU_ASSERT_EQUAL(lb_counter(lb, "addresses_evicted"), 4);
	CU_ASSERT(lb_has(next_syn(lb), OUT_B));
	lb_free(lb);
}

static void addresses_in_use_never_give_way(void)
{
	struct lb *lb = lb_new("addresses_max=2");
	struct lb_segment syn = {
	        .from = &lb_a, .to = &lb_client, .tp_src = 1, .tp_dst = 22, .flags = FB_TCP_SYN};

	next_syn(lb);
	lb_tcp(lb, &syn);
	lb_announce(lb, &lb_other);
	CU_ASSERT_EQUAL(lb_counter(lb, "addresses_evicted"), 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "addresses_full"), 1);
	lb_free(lb);
}

/* Two switches that no link connects. */
static void an_owner_to_which_there_is_no_way_gets_no_connection(void)
{
	struct lb *lb = lb_new("");
	struct fake_switch *first = lb->sw;

	lb_switch_to(lb, lb_join(lb->bench, 2, 6));
	lb_announce(lb, &lb_c);
	lb_silence_all(lb);
	lb_switch_to(lb, first);
	for (int i = 0; i < 6; i++) {
		const char *said = next_syn(lb);

		CU_ASSERT(lb_has(said, OUT_A) || lb_has(said, OUT_B));
	}
	fake_switch_set_link(first, 2, false);
	fake_switch_set_link(first, 3, false);
	CU_ASSERT(lb_has(next_syn(lb), "tcp R."));
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_all_down"), 1);
	lb_free(lb);
}

static void frames_of_our_own_that_come_back_are_dropped(void)
{
	struct lb *lb = lb_new("");
	uint8_t bytes[64];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.dl_dst = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	                          .dl_src = {0x0e, 0xfb, 0, 0, 0, 1}};

	fb_build_arp(&frame, &eth, FB_ARP_REQUEST, eth.dl_src, 0, (const uint8_t[6]){0}, lb_ip(2));
	lb_frame_in(lb, 4, &frame);
	LB_SAYS(lb_said(lb), "out #4 in 4: drop\n");
	lb_free(lb);
}

/* --- SYNs that wait --- */

static void a_syn_to_an_unknown_address_is_held_while_it_is_asked_for(void)
{
	struct lb *lb = lb_new_empty("");

	LB_SAYS(lb_syn(lb, 1, 1), PROBE);
	lb_pass(lb, 100 * ms_ns);
	LB_SAYS(lb_said(lb), "");
	LB_SAYS(lb_answer_probe(lb, &lb_b),
	        PROBE "out #1 in 1: mod_dl_dst::03,output:3\nout #2 in 3: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "held"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "held_found"), 1);
	lb_free(lb);
}

static void a_held_syn_without_buffer_keeps_its_bytes(void)
{
	struct lb *lb = lb_new_empty("");

	lb->unbuffered = true;
	LB_SAYS(lb_syn(lb, 1, 1), PROBE);
	LB_SAYS(lb_answer_probe(lb, &lb_a),
	        PROBE "out frame: mod_dl_dst::02,output:2: :01 > :02 192.168.2.1.1 > "
	              "192.168.2.2.22: tcp S seq 1 win 65535\n");
	lb_free(lb);
}

static void a_held_syn_is_dropped_after_its_time_and_never_flooded(void)
{
	struct lb *lb = lb_new_empty("");

	lb_syn(lb, 1, 1);
	lb_pass(lb, 200 * ms_ns - 1);
	LB_SAYS(lb_said(lb), "");
	lb_pass(lb, 1);
	LB_SAYS(lb_said(lb), "out #1 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "held_dropped"), 1);
	/* The client tries again. */
	lb_pass(lb, 800 * ms_ns);
	LB_SAYS(lb_syn(lb, 1, 1), PROBE);
	lb_answer_probe(lb, &lb_a);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 1);
	lb_free(lb);
}

static void a_held_syn_goes_to_the_router_that_it_names(void)
{
	static const struct lb_host router = {7, 7, 5}, far = {7, 99, 5};
	struct lb *lb = lb_new_empty("");
	struct lb_segment syn = {.from = &lb_client,
	                         .to = &far,
	                         .tp_src = 1,
	                         .tp_dst = 22,
	                         .flags = FB_TCP_SYN,
	                         .seq = 1};

	lb_announce(lb, &router);
	lb_tcp(lb, &syn);
	lb_pass(lb, 200 * ms_ns);
	LB_SAYS(lb_said(lb), "out #2 in 1: mod_dl_dst::07,output:5\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "held_by_mac"), 1);
	lb_free(lb);
}

static void copies_of_a_held_syn_go_the_same_way(void)
{
	static const struct lb_host router = {7, 7, 5}, far = {7, 99, 5};
	struct lb *lb = lb_new_empty("");
	struct lb_segment syn = {.from = &lb_client,
	                         .to = &far,
	                         .tp_src = 1,
	                         .tp_dst = 22,
	                         .flags = FB_TCP_SYN,
	                         .seq = 1};

	lb_announce(lb, &router);
	lb_tcp(lb, &syn);
	lb_tcp(lb, &syn);
	lb_pass(lb, 200 * ms_ns);
	LB_SAYS(lb_said(lb),
	        "out #2 in 1: mod_dl_dst::07,output:5\nout #3 in 1: mod_dl_dst::07,output:5\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 1);
	lb_free(lb);
}

static void several_held_syns_go_in_their_order_and_take_their_turns(void)
{
	struct lb *lb = lb_new_empty("");

	LB_SAYS(lb_syn(lb, 1, 1), PROBE);
	LB_SAYS(lb_syn(lb, 2, 1), "");
	LB_SAYS(lb_answer_probe(lb, &lb_a),
	        PROBE "out #1 in 1" OUT_A "out #2 in 1" OUT_A "out #3 in 2: drop\n");
	lb_free(lb);
}

static void no_more_syns_are_held_than_the_option_says(void)
{
	struct lb *lb = lb_new_empty("hold_max=2");

	lb_syn(lb, 1, 1);
	lb_syn(lb, 2, 1);
	LB_SAYS(lb_syn(lb, 3, 1), "out #3 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "held_full"), 1);
	lb_answer_probe(lb, &lb_a);
	lb_free(lb);
}

static void held_syns_are_forgotten_with_their_switch(void)
{
	struct lb *lb = lb_new_empty("");

	lb_syn(lb, 1, 1);
	fake_switch_leave(lb->sw);
	lb_switch_to(lb, lb_join(lb->bench, 1, 6));
	LB_SAYS(lb_announce(lb, &lb_a), "out #2 in 2: FLOOD\n");
	lb_pass(lb, s_ns);
	lb->leaks = true;
	lb_free(lb);
}

static void only_so_many_questions_are_asked_in_a_second(void)
{
	struct lb *lb = lb_new_empty("hold_max=0");

	for (unsigned i = 0; i < 1100; i++) {
		struct lb_host to = {9, (uint8_t)(10 + i % 200), 1};

		lb_tcp(lb, &(struct lb_segment){.from = &lb_client,
		                                .to = &to,
		                                .tp_src = 1,
		                                .tp_dst = 22,
		                                .flags = FB_TCP_SYN,
		                                .seq = 1});
	}
	CU_ASSERT_EQUAL(lb_counter(lb, "probes"), 1000);
	CU_ASSERT_EQUAL(lb_counter(lb, "asks_limited"), 100);
	lb_free(lb);
}

UNIT_TESTS("balancer_owners", UNIT_TEST(who_speaks_arp_or_ipv4_for_an_address_owns_it),
           UNIT_TEST(nobody_owns_the_address_zero),
           UNIT_TEST(an_arp_sender_that_names_another_mac_owns_nothing),
           UNIT_TEST(neither_group_addresses_nor_group_macs_own_or_are_owned),
           UNIT_TEST(an_address_is_probed_when_somebody_connects_to_it),
           UNIT_TEST(a_probe_has_no_sender_address_and_the_controllers_own_mac),
           UNIT_TEST(answers_to_probes_are_consumed),
           UNIT_TEST(a_silent_second_server_is_found_by_the_first_probe),
           UNIT_TEST(a_server_that_comes_later_is_found_by_the_next_probe),
           UNIT_TEST(probes_go_on_while_somebody_connects_and_end_a_minute_later),
           UNIT_TEST(an_owner_that_answers_no_probe_leaves_the_rotation),
           UNIT_TEST(a_host_that_announces_another_address_may_have_left_the_first),
           UNIT_TEST(a_host_that_asks_for_an_address_does_not_own_it_any_more),
           UNIT_TEST(who_had_an_address_before_its_owner_was_heard_may_have_left_it),
           UNIT_TEST(the_first_owner_of_an_address_is_not_asked_whether_it_has_left),
           UNIT_TEST(for_a_minute_from_a_new_owner_those_that_leave_are_found_out),
           UNIT_TEST(as_many_lost_probes_are_forgiven_as_the_option_says),
           UNIT_TEST(any_frame_is_an_answer_to_a_probe),
           UNIT_TEST(an_address_beyond_a_router_is_not_lost_by_probes),
           UNIT_TEST(a_port_that_goes_down_takes_its_owners_out_at_once),
           UNIT_TEST(a_frame_that_came_by_a_port_that_is_down_tells_of_no_owner),
           UNIT_TEST(a_port_takes_those_owners_along_that_are_there_now),
           UNIT_TEST(a_port_that_comes_up_is_probed_behind_at_once),
           UNIT_TEST(a_port_that_comes_up_is_probed_behind_even_just_after_a_probe),
           UNIT_TEST(a_port_that_flaps_does_not_hide_a_dead_owner_behind_another),
           UNIT_TEST(an_owner_owes_no_answer_to_what_was_asked_at_another_port),
           UNIT_TEST(a_port_that_flaps_is_asked_once_a_second),
           UNIT_TEST(a_port_that_comes_up_is_asked_for_many_addresses_in_turns),
           UNIT_TEST(an_address_that_is_forgotten_when_it_is_next_to_be_asked_for_is_passed_over),
           UNIT_TEST(addresses_in_use_are_probed_when_their_switch_comes_back),
           UNIT_TEST(probes_of_many_addresses_are_spread),
           UNIT_TEST(an_owner_that_moved_is_followed),
           UNIT_TEST(an_owner_that_is_silent_for_long_is_forgotten),
           UNIT_TEST(an_address_has_no_more_owners_than_the_option_says),
           UNIT_TEST(at_the_limit_the_oldest_idle_address_gives_way),
           UNIT_TEST(addresses_in_use_never_give_way),
           UNIT_TEST(an_owner_to_which_there_is_no_way_gets_no_connection),
           UNIT_TEST(frames_of_our_own_that_come_back_are_dropped),
           UNIT_TEST(a_syn_to_an_unknown_address_is_held_while_it_is_asked_for),
           UNIT_TEST(a_held_syn_without_buffer_keeps_its_bytes),
           UNIT_TEST(a_held_syn_is_dropped_after_its_time_and_never_flooded),
           UNIT_TEST(a_held_syn_goes_to_the_router_that_it_names),
           UNIT_TEST(copies_of_a_held_syn_go_the_same_way),
           UNIT_TEST(several_held_syns_go_in_their_order_and_take_their_turns),
           UNIT_TEST(no_more_syns_are_held_than_the_option_says),
           UNIT_TEST(held_syns_are_forgotten_with_their_switch),
           UNIT_TEST(only_so_many_questions_are_asked_in_a_second))
