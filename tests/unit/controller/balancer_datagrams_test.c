/* UDP and ICMP echo: what belongs together goes to one backend. */
#include "tests/unit/controller/balancer_bench.h"
#include "tests/unit/controller/fake_network.h"

static const uint64_t s_ns = FB_NS_PER_S, ms_ns = FB_NS_PER_MS;

#define STABLE "0e:fc:c0:a8:02:02"

enum { DNS = 53 };

struct datagram {
	const struct lb_host *from, *to; /* 'to' gives dl_dst and nw_dst */
	const struct lb_host *to_mac;    /* dl_dst, where it is another's */
	uint16_t tp_src, tp_dst;         /* echo: tp_src is the identifier */
	uint8_t type;                    /* echo: of ICMP */
	uint16_t in_port;                /* 0: that of 'from' */
	bool is_first, is_later;         /* echo: of two fragments */
};

static struct fb_eth_spec eth_of(const struct datagram *d)
{
	struct fb_eth_spec eth = {0};

	lb_mac(eth.dl_src, d->from->number);
	lb_mac(eth.dl_dst, d->to_mac ? d->to_mac->number : d->to->number);
	return eth;
}

static const char *udp(struct lb *lb, struct datagram d)
{
	uint8_t bytes[128];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = eth_of(&d);
	struct fb_ipv4_spec ip = {.nw_src = lb_ip(d.from->ip), .nw_dst = lb_ip(d.to->ip)};

	CU_ASSERT_FATAL(fb_build_udp(&frame, &eth, &ip, d.tp_src, d.tp_dst, "hello", 5));
	lb_frame_in(lb, d.in_port ? d.in_port : d.from->port, &frame);
	return lb_said(lb);
}

static const char *echo(struct lb *lb, struct datagram d)
{
	uint8_t bytes[128];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = eth_of(&d);
	struct fb_ipv4_spec ip = {.nw_src = lb_ip(d.from->ip), .nw_dst = lb_ip(d.to->ip)};

	ip.more_fragments = d.is_first;
	ip.frag_offset = d.is_later ? 16 : 0;
	if (d.is_later)
		fb_build_ipv4(&frame, &eth, &ip, FB_IP_ICMP, "rest", 4);
	else
		fb_build_icmp(&frame, &eth, &ip, d.type, 0, (uint32_t)d.tp_src << 16, "pingping",
		              8);
	lb_frame_in(lb, d.in_port ? d.in_port : d.from->port, &frame);
	return lb_said(lb);
}

/* The client asks the shared address, addressed to server_a's MAC; 'server' answers. */
static const char *query(struct lb *lb, uint16_t tp_src)
{
	return udp(lb, (struct datagram){
	                       .from = &lb_client, .to = &lb_a, .tp_src = tp_src, .tp_dst = DNS});
}

static const char *answer(struct lb *lb, const struct lb_host *server, uint16_t tp_src)
{
	return udp(lb, (struct datagram){
	                       .from = server, .to = &lb_client, .tp_src = DNS, .tp_dst = tp_src});
}

static const char *ping(struct lb *lb, uint16_t id)
{
	return echo(lb, (struct datagram){.from = &lb_client,
	                                  .to = &lb_a,
	                                  .tp_src = id,
	                                  .type = FB_ICMP_ECHO_REQUEST});
}

static const char *pong(struct lb *lb, const struct lb_host *server, uint16_t id)
{
	return echo(lb, (struct datagram){.from = server,
	                                  .to = &lb_client,
	                                  .tp_src = id,
	                                  .type = FB_ICMP_ECHO_REPLY});
}

/* --- UDP --- */

static void each_new_pair_of_ports_takes_a_turn(void)
{
	struct lb *lb = lb_new("");

	CU_ASSERT(lb_has(query(lb, 1), "out #4 in 1: mod_dl_dst::02,output:2\n"));
	LB_SAYS(query(lb, 2), "out #5 in 1: mod_dl_dst::03,output:3\n");
	LB_SAYS(query(lb, 3), "out #6 in 1: mod_dl_dst::02,output:2\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "udp_sessions"), 3);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 0);
	lb_free(lb);
}

static void datagrams_of_a_session_keep_their_backend(void)
{
	struct lb *lb = lb_new("mode=packet");

	query(lb, 1);
	LB_SAYS(query(lb, 1), "out #5 in 1: mod_dl_dst::02,output:2\n");
	/* Whatever the client has in its ARP table now. */
	LB_SAYS(udp(lb,
	            (struct datagram){.from = &lb_client, .to = &lb_b, .tp_src = 1, .tp_dst = DNS}),
	        "out #6 in 1: mod_dl_dst::02,output:2\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "udp_sessions"), 1);
	lb_free(lb);
}

static void the_answer_comes_from_the_mac_that_was_asked(void)
{
	struct lb *lb = lb_new("mode=packet");

	query(lb, 9);
	query(lb, 1);
	LB_SAYS(answer(lb, &lb_b, 1), "out #6 in 3: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

static void an_unanswered_datagram_costs_the_switch_nothing(void)
{
	struct lb *lb = lb_new("");

	for (uint16_t i = 1; i <= 100; i++)
		CU_ASSERT(!lb_has(query(lb, i), "add"));
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 0);
	lb_pass(lb, 71 * s_ns);
	lb_said(lb);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 100);
	lb_free(lb);
}

static void the_first_answer_brings_the_entries(void)
{
	struct lb *lb = lb_new("");

	query(lb, 1);
	LB_SAYS(answer(lb, &lb_a, 1),
	        "add udp,in_port=1,vlan_tci=0x0000,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=1,"
	        "tp_dst=53: mod_dl_dst::02,output:2\n"
	        "add "
	        "udp,in_port=2,vlan_tci=0x0000,dl_src=:02,nw_src=192.168.2.2,nw_dst=192.168.2.1,"
	        "tp_src=53,tp_dst=1: mod_dl_src::02,mod_dl_dst::01,output:1\n"
	        "out #5 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 2);
	lb_free(lb);
}

/* A log, say: nobody ever answers. */
static void who_sends_twice_gets_entries_too(void)
{
	struct lb *lb = lb_new("");

	query(lb, 1);
	CU_ASSERT(lb_has(query(lb, 1), "add udp,in_port=1"));
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 2);
	/* The switch goes on asking for a while: they are not installed once more. */
	LB_SAYS(query(lb, 1), "out #6 in 1: mod_dl_dst::02,output:2\n");
	lb_free(lb);
}

static void a_backend_that_is_gone_is_replaced(void)
{
	struct lb *lb = lb_new("mode=packet");

	query(lb, 1);
	answer(lb, &lb_a, 1);
	fake_switch_set_link(lb->sw, 2, false);
	lb_said(lb);
	LB_SAYS(query(lb, 1), "out #6 in 1: mod_dl_dst::03,output:3\n");
	LB_SAYS(answer(lb, &lb_b, 1), "out #7 in 3: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "moved"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "udp_sessions"), 1);
	lb_free(lb);
}

static void entries_of_a_backend_that_is_gone_do_not_stay(void)
{
	struct lb *lb = lb_new("");

	query(lb, 1);
	answer(lb, &lb_a, 1);
	fake_switch_set_link(lb->sw, 2, false);
	CU_ASSERT(lb_has(lb_said(lb), "delete"));
	CU_ASSERT(lb_has(query(lb, 1), "out #6 in 1: mod_dl_dst::03,output:3\n"));
	lb_free(lb);
}

/* Both fail at once: the second is not swept yet when the client sends. */
static void entries_go_with_the_session_where_nobody_is_left(void)
{
	struct lb *lb = lb_new("");

	query(lb, 9);
	query(lb, 1);
	answer(lb, &lb_b, 1);
	fake_switch_set_link(lb->sw, 2, false);
	fake_switch_set_link(lb->sw, 3, false);
	lb_said(lb);
	CU_ASSERT(lb_has(query(lb, 1), "delete-strict udp,in_port=1,"));
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_all_down"), 1);
	lb_free(lb);
}

/* server_a goes, and comes back. */
static void go_and_come_back(struct lb *lb)
{
	fake_switch_set_link(lb->sw, 2, false);
	lb_pass(lb, 20 * ms_ns);
	fake_switch_set_link(lb->sw, 2, true);
	lb_pass(lb, 20 * ms_ns);
	lb_announce(lb, &lb_a);
	lb_said(lb);
}

static void a_backend_that_is_back_is_kept(void)
{
	struct lb *lb = lb_new("mode=packet");

	query(lb, 1);
	answer(lb, &lb_a, 1);
	go_and_come_back(lb);
	CU_ASSERT(lb_has(query(lb, 1), "mod_dl_dst::02,output:2\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "moved"), 0);
	lb_free(lb);
}

static void a_backend_that_is_back_and_goes_on_may_be_lost_again(void)
{
	struct lb *lb = lb_new("");

	query(lb, 1);
	answer(lb, &lb_a, 1);
	go_and_come_back(lb);
	lb_pass(lb, 2 * s_ns);
	CU_ASSERT(lb_has(answer(lb, &lb_a, 1), "add udp,in_port=2,"));
	fake_switch_set_link(lb->sw, 2, false);
	CU_ASSERT(lb_has(lb_said(lb), "delete-strict udp,in_port=2,"));
	lb_free(lb);
}

static void no_entries_lead_to_a_client_that_is_gone(void)
{
	struct lb *lb = lb_new("");

	query(lb, 1);
	fake_switch_set_link(lb->sw, 1, false);
	lb_said(lb);
	CU_ASSERT(!lb_has(answer(lb, &lb_a, 1), "add"));
	lb_free(lb);
}

static void a_replica_that_was_given_up_is_not_heard(void)
{
	struct lb *lb = lb_new("mode=packet");

	query(lb, 1);
	LB_SAYS(answer(lb, &lb_b, 1), "out #5 in 3: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "strangers"), 1);
	LB_SAYS(answer(lb, &lb_a, 1), "out #6 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

static void where_the_backend_is_gone_the_one_that_answers_takes_its_place(void)
{
	struct lb *lb = lb_new("mode=packet");

	query(lb, 1);
	fake_switch_set_link(lb->sw, 2, false);
	lb_said(lb);
	LB_SAYS(answer(lb, &lb_b, 1), "out #5 in 3: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	LB_SAYS(query(lb, 1), "out #6 in 1: mod_dl_dst::03,output:3\n");
	lb_free(lb);
}

static void what_comes_back_reaches_the_replica_that_has_sent(void)
{
	struct lb *lb = lb_new("mode=packet,arp=proxy");
	struct datagram log = {.from = &lb_b, .to = &lb_client, .tp_src = 7000, .tp_dst = 514};
	struct datagram reply = {.from = &lb_client, .to = &lb_a, .tp_src = 514, .tp_dst = 7000};

	/* From the MAC that the other end knows its address by. */
	CU_ASSERT(
	        lb_has(udp(lb, log), "out #4 in 3: mod_dl_src:" STABLE ",mod_dl_dst::01,output:1"));
	LB_SAYS(udp(lb, reply), "out #5 in 1: mod_dl_dst::03,output:3\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "udp_sessions"), 1);
	lb_free(lb);
}

static void the_answer_to_a_replica_brings_the_entries(void)
{
	struct lb *lb = lb_new("arp=proxy");
	struct datagram log = {.from = &lb_b, .to = &lb_client, .tp_src = 7000, .tp_dst = 514};
	struct datagram reply = {.from = &lb_client, .to = &lb_a, .tp_src = 514, .tp_dst = 7000};

	CU_ASSERT(!lb_has(udp(lb, log), "add"));
	LB_SAYS(udp(lb, reply),
	        "add "
	        "udp,in_port=1,vlan_tci=0x0000,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=514,"
	        "tp_dst=7000: mod_dl_dst::03,output:3\n"
	        "add "
	        "udp,in_port=3,vlan_tci=0x0000,dl_src=:03,nw_src=192.168.2.2,nw_dst=192.168.2.1,"
	        "tp_src=7000,tp_dst=514: mod_dl_src:" STABLE ",mod_dl_dst::01,output:1\n"
	        "out #5 in 1: mod_dl_dst::03,output:3\n");
	lb_free(lb);
}

static void with_arp_flood_a_replica_is_known_by_its_own_mac(void)
{
	struct lb *lb = lb_new("mode=packet");
	struct datagram log = {.from = &lb_b, .to = &lb_client, .tp_src = 7000, .tp_dst = 514};

	CU_ASSERT(lb_has(udp(lb, log), "out #4 in 3: mod_dl_src::03,mod_dl_dst::01,output:1\n"));
	lb_free(lb);
}

/* Each is a client, and a server, of the other. */
static void a_replica_that_asks_another_shared_address_is_its_client(void)
{
	static const struct lb_host one = {5, 5, 5}, two = {6, 5, 6};
	struct lb *lb = lb_new("mode=packet,arp=proxy");
	struct datagram asked = {.from = &lb_b, .to = &one, .tp_src = 7000, .tp_dst = DNS};
	struct datagram reply = {.from = &one, .to = &lb_a, .tp_src = DNS, .tp_dst = 7000};

	lb_announce(lb, &one);
	lb_announce(lb, &two);
	CU_ASSERT(lb_has(udp(lb, asked), "out #6 in 3: mod_dl_dst::05,output:5\n"));
	LB_SAYS(udp(lb, reply), "out #7 in 5: mod_dl_src::05,mod_dl_dst::03,output:3\n");
	lb_free(lb);
}

static void of_two_replicas_with_the_same_ports_the_last_gets_the_answers(void)
{
	struct lb *lb = lb_new("");
	struct datagram a = {.from = &lb_a, .to = &lb_client, .tp_src = 123, .tp_dst = 123};
	struct datagram reply = {.from = &lb_client, .to = &lb_a, .tp_src = 123, .tp_dst = 123};
	struct datagram b = a;

	b.from = &lb_b;
	udp(lb, a);
	CU_ASSERT(lb_has(udp(lb, reply), "mod_dl_dst::02,output:2"));
	CU_ASSERT(lb_has(udp(lb, b), "delete-strict udp,in_port=2"));
	CU_ASSERT(lb_has(udp(lb, reply), "mod_dl_dst::03,output:3"));
	CU_ASSERT(lb_has(udp(lb, a), "mod_dl_dst::01,output:1"));
	CU_ASSERT(lb_has(udp(lb, reply), "mod_dl_dst::02,output:2"));
	CU_ASSERT_EQUAL(lb_counter(lb, "moved"), 0);
	lb_free(lb);
}

/* Beyond the limit of owners, say: it is nobody's backend, and has its answers all the same. */
static void a_replica_that_is_no_owner_is_a_client(void)
{
	struct lb *lb = lb_new("mode=packet,arp=proxy,owners_max=2");
	struct datagram log = {.from = &lb_c, .to = &lb_client, .tp_src = 7000, .tp_dst = 514};
	struct datagram reply = {.from = &lb_client, .to = &lb_a, .tp_src = 514, .tp_dst = 7000};

	CU_ASSERT(lb_has(udp(lb, log), "out #4 in 4: mod_dl_dst::01,output:1\n"));
	LB_SAYS(udp(lb, reply), "out #5 in 1: mod_dl_src::01,mod_dl_dst::04,output:4\n");
	log.in_port = 6; /* it has moved */
	LB_SAYS(udp(lb, log), "out #6 in 6: mod_dl_dst::01,output:1\n");
	LB_SAYS(udp(lb, reply), "out #7 in 1: mod_dl_src::01,mod_dl_dst::04,output:6\n");
	lb_free(lb);
}

static void a_client_with_another_mac_is_the_client_now(void)
{
	static const struct lb_host again = {5, 1, 5};
	struct lb *lb = lb_new("");
	struct datagram d = {.from = &again, .to = &lb_a, .tp_src = 1, .tp_dst = DNS};

	query(lb, 1);
	answer(lb, &lb_a, 1);
	CU_ASSERT(lb_has(udp(lb, d), "delete-strict udp,in_port=1,"));
	CU_ASSERT(lb_has(answer(lb, &lb_a, 1), "mod_dl_src::02,mod_dl_dst::05,output:5\n"));
	lb_free(lb);
}

static void exact_entries_are_as_the_last_frames_were(void)
{
	struct lb *lb = lb_new("entries=exact");
	struct datagram d = {.from = &lb_client, .to = &lb_b, .tp_src = 1, .tp_dst = DNS};

	query(lb, 1);
	/* Its ARP entry has changed. */
	CU_ASSERT(lb_has(udp(lb, d), "dl_src=:01,dl_dst=:03,nw_src"));
	lb_free(lb);
}

static void exact_entries_of_a_replica_that_speaks_first_are_for_its_stable_mac(void)
{
	struct lb *lb = lb_new("entries=exact,arp=proxy");
	struct datagram log = {.from = &lb_b, .to = &lb_client, .tp_src = 7000, .tp_dst = 514};
	const char *said;

	udp(lb, log);
	log.to_mac = &lb_other; /* a router to the client, say */
	said = udp(lb, log);
	CU_ASSERT(lb_has(said, "in_port=1,vlan_tci=0x0000,dl_src=:01,dl_dst=" STABLE ","));
	CU_ASSERT(lb_has(said, "in_port=3,vlan_tci=0x0000,dl_src=:03,dl_dst=:05,"));
	lb_free(lb);
}

static void a_host_that_shares_its_address_with_nobody_is_passed_to_as_it_is(void)
{
	struct lb *lb = lb_new("mode=packet");
	struct datagram there = {.from = &lb_client, .to = &lb_other, .tp_src = 1, .tp_dst = DNS};
	struct datagram back = {.from = &lb_other, .to = &lb_client, .tp_src = DNS, .tp_dst = 1};

	lb_announce(lb, &lb_other);
	CU_ASSERT(lb_has(udp(lb, there), "out #5 in 1: mod_dl_dst::05,output:5\n"));
	LB_SAYS(udp(lb, back), "out #6 in 5: mod_dl_src::05,mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

static void towards_an_unknown_address_a_datagram_waits(void)
{
	struct lb *lb = lb_new_empty("mode=packet");

	lb_announce(lb, &lb_client);
	lb_revive(lb, &lb_a);
	CU_ASSERT(lb_has(query(lb, 1), "who-has 192.168.2.2 tell 0.0.0.0"));
	lb_pass(lb, 200 * ms_ns);
	CU_ASSERT(lb_counter(lb, "held_found") == 1 && lb->released[2] == 1);
	lb_free(lb);
}

/* Beyond a router, say. */
static void an_address_that_nobody_answers_for_is_reached_by_its_mac(void)
{
	struct lb *lb = lb_new("mode=packet");
	static const struct lb_host far = {5, 77, 5};
	struct datagram d = {.from = &lb_client, .to = &far, .tp_src = 1, .tp_dst = DNS};

	lb_announce(lb, &lb_other); /* the router */
	udp(lb, d);
	udp(lb, d);
	lb_pass(lb, 200 * ms_ns);
	LB_SAYS(lb_said(lb), "out #5 in 1: mod_dl_dst::05,output:5\n"
	                     "out #6 in 1: mod_dl_dst::05,output:5\n");
	LB_SAYS(udp(lb, d), "out #7 in 1: mod_dl_dst::05,output:5\n"); /* without waiting */
	CU_ASSERT_EQUAL(lb_counter(lb, "udp_sessions"), 1);
	lb_free(lb);
}

static void with_all_owners_down_datagrams_are_dropped_and_counted(void)
{
	struct lb *lb = lb_new("mode=packet");

	query(lb, 1);
	fake_switch_set_link(lb->sw, 2, false);
	fake_switch_set_link(lb->sw, 3, false);
	lb_said(lb);
	LB_SAYS(query(lb, 1), "out #5 in 1: drop\n");
	LB_SAYS(query(lb, 2), "out #6 in 1: drop\n");
	LB_SAYS(ping(lb, 1), "out #7 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_all_down"), 3);
	lb_free(lb);
}

static void beyond_the_limit_of_sessions_datagrams_are_dropped_and_counted(void)
{
	struct lb *lb = lb_new("sessions_max=1");

	query(lb, 1);
	answer(lb, &lb_a, 1); /* it has entries now, and stays */
	LB_SAYS(query(lb, 2), "out #6 in 1: drop\n");
	LB_SAYS(ping(lb, 2), "out #7 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_sessions_full"), 2);
	lb_free(lb);
}

static void a_port_that_the_service_does_not_have_is_dropped_and_counted(void)
{
	struct lb *lb = lb_new("vip=192.168.2.2,ports=tcp/22+udp/53");

	CU_ASSERT(lb_has(query(lb, 1), "output:2\n"));
	LB_SAYS(udp(lb,
	            (struct datagram){.from = &lb_client, .to = &lb_a, .tp_src = 1, .tp_dst = 54}),
	        "out #5 in 1: drop\n");
	CU_ASSERT(lb_has(ping(lb, 1), "output:3\n")); /* echo knows no ports */
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_port"), 1);
	lb_free(lb);
}

static void a_stream_is_kept_for_the_grace_time_without_entries(void)
{
	struct lb *lb = lb_new("mode=packet,idle_timeout=10s,grace=50s");

	query(lb, 1);
	answer(lb, &lb_a, 1);
	lb_pass(lb, 60 * s_ns - 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 0);
	lb_pass(lb, 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 1);
	lb_said(lb);
	lb_free(lb);
}

/* A switch that joined may have entries of the session. */
static void a_datagram_waits_until_its_switch_has_told_its_entries(void)
{
	struct lb *lb = lb_new("");
	struct fake_switch *second = fake_switch_join(lb->bench, 2, 6);

	CU_ASSERT(lb_has(query(lb, 1), "out #4 in 1: mod_dl_dst::02,output:2\n"));
	bench_pass(lb->bench, 0);
	lb_switch_to(lb, second);
	CU_ASSERT(!lb_has(query(lb, 2), "#5"));
	/* There are none of echoes. */
	CU_ASSERT(lb_has(ping(lb, 1), "out #6 in 1: "));
	lb_pass(lb, 30 * s_ns);
	CU_ASSERT(lb_has(lb_said(lb), "out #5 in 1: "));
	lb_free(lb);
}

static void a_datagram_to_its_own_sender_is_dropped(void)
{
	struct lb *lb = lb_new("");
	struct datagram d = {.from = &lb_client, .to = &lb_client, .to_mac = &lb_a, .tp_src = 1};

	LB_SAYS(udp(lb, d), "out #4 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "invalid"), 1);
	lb_free(lb);
}

/* --- Two switches --- */

/* A second switch is behind port 4 of the first, which is behind its port 4. The client is at the
 * first, the servers at the second. */
static struct lb *two_switches(struct fake_network *net, struct fake_switch **second)
{
	struct lb *lb = calloc(1, sizeof *lb);
	struct fake_switch *first;

	CU_ASSERT_FATAL(lb != NULL);
	*net = fake_network_begin("edge_after=0,interval=100ms,timeout=1h", &fb_app_balancer,
	                          "arp=proxy");
	lb->bench = net->b;
	first = lb->sw = lb_join(net->b, 1, 6);
	*second = lb_join(net->b, 2, 6);
	fake_network_wire(net, first, 4, *second, 4);
	fake_network_pass(net, FB_NS_PER_S);
	fake_network_discard(net);
	lb_announce(lb, &lb_client);
	lb_said_by(lb, first);
	lb_switch_to(lb, *second);
	lb_announce(lb, &lb_a);
	lb_announce(lb, &lb_b);
	lb_said_by(lb, *second);
	lb_silence_all(lb); /* they would answer by the wrong switch */
	lb_switch_to(lb, first);
	return lb;
}

static void a_datagram_on_its_way_over_a_link_is_not_counted_again(void)
{
	struct fake_network net;
	struct fake_switch *second;
	struct lb *lb = two_switches(&net, &second);
	struct datagram d = {
	        .from = &lb_client, .to = &lb_a, .tp_src = 1, .tp_dst = DNS, .in_port = 4};

	lb->unbuffered = true;
	query(lb, 1);
	CU_ASSERT(lb_has(lb_said_by(lb, second), "mod_dl_dst::02,output:2: "));
	lb_switch_to(lb, second);
	CU_ASSERT(lb_has(udp(lb, d), "out frame: mod_dl_dst::02,output:2: "));
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 0);
	d.tp_src = 2; /* of no session: nobody chooses here */
	d.to_mac = &lb_b;
	CU_ASSERT(lb_has(udp(lb, d), "out frame: mod_dl_dst::03,output:3: "));
	CU_ASSERT_EQUAL(lb_counter(lb, "udp_sessions"), 1);
	lb_free(lb);
}

/* --- ICMP echo --- */

static void each_identifier_takes_a_turn_and_keeps_its_backend(void)
{
	struct lb *lb = lb_new("");

	CU_ASSERT(lb_has(ping(lb, 1), "out #4 in 1: mod_dl_dst::02,output:2\n"));
	LB_SAYS(ping(lb, 2), "out #5 in 1: mod_dl_dst::03,output:3\n");
	LB_SAYS(ping(lb, 1), "out #6 in 1: mod_dl_dst::02,output:2\n");
	LB_SAYS(ping(lb, 2), "out #7 in 1: mod_dl_dst::03,output:3\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "echo_sessions"), 2);
	lb_free(lb);
}

static void a_reply_comes_from_the_mac_that_was_asked_and_brings_no_entries(void)
{
	struct lb *lb = lb_new("");

	ping(lb, 1);
	ping(lb, 2);
	LB_SAYS(pong(lb, &lb_b, 2), "out #6 in 3: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	LB_SAYS(ping(lb, 2), "out #7 in 1: mod_dl_dst::03,output:3\n");
	LB_SAYS(pong(lb, &lb_b, 2), "out #8 in 3: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 0);
	lb_free(lb);
}

static void the_reply_of_another_replica_is_dropped(void)
{
	struct lb *lb = lb_new("");

	ping(lb, 1);
	LB_SAYS(pong(lb, &lb_b, 1), "out #5 in 3: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "strangers"), 1);
	lb_free(lb);
}

static void two_hosts_may_ping_each_other_with_one_identifier(void)
{
	struct lb *lb = lb_new("");
	struct datagram asked = {
	        .from = &lb_b, .to = &lb_client, .tp_src = 1, .type = FB_ICMP_ECHO_REQUEST};
	struct datagram reply = {
	        .from = &lb_client, .to = &lb_a, .tp_src = 1, .type = FB_ICMP_ECHO_REPLY};

	ping(lb, 1);
	CU_ASSERT(lb_has(echo(lb, asked), "out #5 in 3: mod_dl_src::03,mod_dl_dst::01,output:1\n"));
	/* The reply goes to the replica that has asked, not to the one that was asked. */
	LB_SAYS(echo(lb, reply), "out #6 in 1: mod_dl_dst::03,output:3\n");
	LB_SAYS(pong(lb, &lb_a, 1), "out #7 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

static void a_reply_of_no_session_goes_to_the_one_that_can_be_meant(void)
{
	struct lb *lb = lb_new("arp=proxy");

	LB_SAYS(pong(lb, &lb_a, 1), "out #4 in 2: mod_dl_src:" STABLE ",mod_dl_dst::01,output:1\n");
	LB_SAYS(echo(lb, (struct datagram){.from = &lb_client,
	                                   .to = &lb_a,
	                                   .to_mac = &lb_other,
	                                   .tp_src = 1,
	                                   .type = FB_ICMP_ECHO_REPLY}),
	        "out #5 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_passed"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_dropped"), 1);
	lb_free(lb);
}

static void later_fragments_follow_a_reply_of_no_session(void)
{
	struct lb *lb = lb_new("arp=proxy");
	struct datagram d = {.from = &lb_a,
	                     .to = &lb_client,
	                     .tp_src = 1,
	                     .type = FB_ICMP_ECHO_REPLY,
	                     .is_first = true};

	LB_SAYS(echo(lb, d), "out #4 in 2: mod_dl_src:" STABLE ",mod_dl_dst::01,output:1\n");
	d.is_first = false;
	d.is_later = true;
	LB_SAYS(echo(lb, d), "out #5 in 2: mod_dl_src:" STABLE ",mod_dl_dst::01,output:1\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "fragments_followed"), 1);
	lb_free(lb);
}

UNIT_TESTS("balancer_datagrams", UNIT_TEST(each_new_pair_of_ports_takes_a_turn),
           UNIT_TEST(datagrams_of_a_session_keep_their_backend),
           UNIT_TEST(the_answer_comes_from_the_mac_that_was_asked),
           UNIT_TEST(an_unanswered_datagram_costs_the_switch_nothing),
           UNIT_TEST(the_first_answer_brings_the_entries),
           UNIT_TEST(who_sends_twice_gets_entries_too),
           UNIT_TEST(a_backend_that_is_gone_is_replaced),
           UNIT_TEST(entries_of_a_backend_that_is_gone_do_not_stay),
           UNIT_TEST(no_entries_lead_to_a_client_that_is_gone),
           UNIT_TEST(a_replica_that_was_given_up_is_not_heard),
           UNIT_TEST(where_the_backend_is_gone_the_one_that_answers_takes_its_place),
           UNIT_TEST(what_comes_back_reaches_the_replica_that_has_sent),
           UNIT_TEST(the_answer_to_a_replica_brings_the_entries),
           UNIT_TEST(with_arp_flood_a_replica_is_known_by_its_own_mac),
           UNIT_TEST(a_replica_that_asks_another_shared_address_is_its_client),
           UNIT_TEST(of_two_replicas_with_the_same_ports_the_last_gets_the_answers),
           UNIT_TEST(a_host_that_shares_its_address_with_nobody_is_passed_to_as_it_is),
           UNIT_TEST(towards_an_unknown_address_a_datagram_waits),
           UNIT_TEST(an_address_that_nobody_answers_for_is_reached_by_its_mac),
           UNIT_TEST(with_all_owners_down_datagrams_are_dropped_and_counted),
           UNIT_TEST(beyond_the_limit_of_sessions_datagrams_are_dropped_and_counted),
           UNIT_TEST(a_port_that_the_service_does_not_have_is_dropped_and_counted),
           UNIT_TEST(a_stream_is_kept_for_the_grace_time_without_entries),
           UNIT_TEST(each_identifier_takes_a_turn_and_keeps_its_backend),
           UNIT_TEST(a_reply_comes_from_the_mac_that_was_asked_and_brings_no_entries),
           UNIT_TEST(the_reply_of_another_replica_is_dropped),
           UNIT_TEST(two_hosts_may_ping_each_other_with_one_identifier),
           UNIT_TEST(a_reply_of_no_session_goes_to_the_one_that_can_be_meant),
           UNIT_TEST(entries_go_with_the_session_where_nobody_is_left),
           UNIT_TEST(a_backend_that_is_back_is_kept),
           UNIT_TEST(a_backend_that_is_back_and_goes_on_may_be_lost_again),
           UNIT_TEST(a_replica_that_is_no_owner_is_a_client),
           UNIT_TEST(a_client_with_another_mac_is_the_client_now),
           UNIT_TEST(exact_entries_are_as_the_last_frames_were),
           UNIT_TEST(exact_entries_of_a_replica_that_speaks_first_are_for_its_stable_mac),
           UNIT_TEST(a_datagram_waits_until_its_switch_has_told_its_entries),
           UNIT_TEST(a_datagram_to_its_own_sender_is_dropped),
           UNIT_TEST(a_datagram_on_its_way_over_a_link_is_not_counted_again),
           UNIT_TEST(later_fragments_follow_a_reply_of_no_session))
