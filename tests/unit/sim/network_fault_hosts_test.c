/* Faults at hosts of a network: what they do, how they overlap, and that they end. */
#include "tests/unit/sim/network_faults.h"

/* Gratuitous ARP requests that h2 sent, and SYNs of h1. */
static struct {
	unsigned announcements, syns, moves;
	struct scenario_end moved_to;
} seen;

static void see_host_frame(void *ctx, uint64_t now_ns, uint32_t host, bool sent,
                           const struct frame *frame)
{
	struct fb_packet p;

	(void)ctx;
	(void)now_ns;
	if (!sent || fb_packet_parse(&p, frame->memory + frame->offset, frame->len))
		return;
	seen.announcements += host == 1 && p.is_arp && p.nw_src == p.nw_dst;
	seen.syns += host == 0 && p.is_tcp && p.tcp_flags == FB_TCP_SYN;
}

static void see_moved(void *ctx, uint64_t now_ns, uint32_t link, unsigned at,
                      const struct scenario_end *to)
{
	(void)ctx;
	(void)now_ns;
	CU_ASSERT_EQUAL(link, 1);
	CU_ASSERT_EQUAL(at, 1);
	seen.moves++;
	seen.moved_to = *to;
}

static void start(void)
{
	static const struct network_observer observer = {.host_frame = see_host_frame,
	                                                 .moved = see_moved};

	memset(&seen, 0, sizeof seen);
	begin(THREE_HOSTS, &observer);
	pass(1000 * MS);
	CU_ASSERT_EQUAL(ping(0, IP_2), 1);
}

static struct fault at_host(enum fault_kind kind, uint32_t host)
{
	struct fault fault = fault_make(kind);

	fault.place = host;
	return fault;
}

static void a_host_is_on_when_nobody_keeps_it_off(void)
{
	struct fault a = at_host(FAULT_HOST_DOWN, 1), b = at_host(FAULT_HOST_DOWN, 1);

	start();
	network_fault_begin(net, &a);
	network_fault_begin(net, &b);
	CU_ASSERT_FALSE(network_host_is_on(net, 1));
	CU_ASSERT_EQUAL(ping(0, IP_2), 0);
	network_fault_end(net, &a);
	CU_ASSERT_FALSE(network_host_is_on(net, 1));
	network_set_host(net, 1, false);
	network_fault_end(net, &b);
	CU_ASSERT_FALSE(network_host_is_on(net, 1));
	network_fault_begin(net, &a);
	network_set_host(net, 1, true);
	CU_ASSERT_FALSE(network_host_is_on(net, 1));
	network_fault_end(net, &a);
	CU_ASSERT_TRUE(network_host_is_on(net, 1));
	CU_ASSERT_EQUAL(ping(0, IP_2), 1);
	end();
}

/* The port at which h2 is; 0: its cable is in none. */
static uint16_t port_of_h2(void)
{
	return network_host_is_reachable(net, 1) ? network_link_end(net, 1, 1)->port : 0;
}

static struct fault move_to(uint16_t port, bool announce)
{
	struct fault fault = at_host(FAULT_HOST_MOVE, 1);

	fault.sw = 0;
	fault.port = port;
	fault.announce = announce;
	return fault;
}

static void a_host_moves_and_comes_back(void)
{
	struct fault away = move_to(8, true);

	start();
	network_fault_begin(net, &away);
	CU_ASSERT_EQUAL(port_of_h2(), 8);
	CU_ASSERT_EQUAL(seen.moves, 1);
	CU_ASSERT_EQUAL(seen.moved_to.port, 8);
	CU_ASSERT_EQUAL(seen.announcements, 1);
	pass(10 * MS);
	CU_ASSERT_EQUAL(ping(0, IP_2), 1);
	network_fault_end(net, &away);
	CU_ASSERT_EQUAL(port_of_h2(), 2);
	CU_ASSERT_EQUAL(seen.announcements, 2);
	pass(10 * MS);
	CU_ASSERT_EQUAL(ping(0, IP_2), 1);
	CU_ASSERT_FALSE(network_busy(net, NULL));
	end();
}

static void a_host_moves_without_a_word_unless_it_is_asked_to(void)
{
	struct fault away = move_to(8, false);

	start();
	network_fault_begin(net, &away);
	network_fault_end(net, &away);
	CU_ASSERT_EQUAL(seen.announcements, 0);
	CU_ASSERT_EQUAL(seen.moves, 2);
	end();
}

static void of_several_moves_the_latest_counts(void)
{
	struct fault first = move_to(8, false), second = move_to(9, false);

	start();
	network_fault_begin(net, &first);
	network_fault_begin(net, &second);
	CU_ASSERT_EQUAL(port_of_h2(), 9);
	network_fault_end(net, &first);
	CU_ASSERT_EQUAL(port_of_h2(), 9);
	network_fault_begin(net, &first);
	CU_ASSERT_EQUAL(port_of_h2(), 8);
	network_fault_end(net, &first);
	CU_ASSERT_EQUAL(port_of_h2(), 9);
	network_fault_end(net, &second);
	CU_ASSERT_EQUAL(port_of_h2(), 2);
	end();
}

static void a_host_comes_back_to_where_the_steps_moved_it(void)
{
	struct fault away = move_to(8, false), there = move_to(9, false);

	start();
	network_fault_begin(net, &away);
	network_unplug(net, 1);
	CU_ASSERT_EQUAL(port_of_h2(), 0);
	network_plug(net, 1, 0, 9);
	CU_ASSERT_EQUAL(port_of_h2(), 9);
	network_fault_end(net, &away);
	CU_ASSERT_EQUAL(port_of_h2(), 9);
	/* The port that it is in already. */
	network_fault_begin(net, &there);
	CU_ASSERT_EQUAL(port_of_h2(), 9);
	network_fault_end(net, &there);
	CU_ASSERT_EQUAL(port_of_h2(), 9);
	end();
}

static void a_cable_that_a_step_has_in_hand_is_plugged_in_by_the_step_alone(void)
{
	struct fault away = move_to(8, true);

	/* A fault begins and ends meanwhile, */
	start();
	network_unplug(net, 1);
	network_fault_begin(net, &away);
	CU_ASSERT_EQUAL(port_of_h2(), 0);
	network_fault_end(net, &away);
	CU_ASSERT_EQUAL(port_of_h2(), 0);
	CU_ASSERT_EQUAL(seen.announcements, 0);
	network_plug(net, 1, 0, 9);
	CU_ASSERT_EQUAL(port_of_h2(), 9);
	/* ends meanwhile, */
	network_fault_begin(net, &away);
	CU_ASSERT_EQUAL(port_of_h2(), 8);
	network_unplug(net, 1);
	network_fault_end(net, &away);
	CU_ASSERT_EQUAL(port_of_h2(), 0);
	network_plug(net, 1, 0, 9);
	CU_ASSERT_EQUAL(port_of_h2(), 9);
	/* or begins meanwhile, and goes on; later ones have the cable again. */
	network_unplug(net, 1);
	network_fault_begin(net, &away);
	network_plug(net, 1, 0, 7);
	CU_ASSERT_EQUAL(port_of_h2(), 7);
	network_fault_end(net, &away);
	CU_ASSERT_EQUAL(port_of_h2(), 7);
	network_fault_begin(net, &away);
	CU_ASSERT_EQUAL(port_of_h2(), 8);
	network_fault_end(net, &away);
	CU_ASSERT_EQUAL(port_of_h2(), 7);
	end();
}

static void a_port_that_somebody_has_stays_his(void)
{
	struct fault away = move_to(3, false);

	start();
	network_fault_begin(net, &away);
	CU_ASSERT_EQUAL(port_of_h2(), 2);
	CU_ASSERT_TRUE(network_host_is_reachable(net, 2));
	network_fault_end(net, &away);
	CU_ASSERT_EQUAL(ping(0, IP_2), 1);
	CU_ASSERT_EQUAL(ping(0, IP_3), 1);
	end();
}

static void a_host_has_a_wrong_address_for_a_time(void)
{
	struct fault wrong = at_host(FAULT_WRONG_ADDRESS, 1),
	             other = at_host(FAULT_WRONG_ADDRESS, 1);

	start();
	wrong.ip = UINT32_C(0x0a000063);
	other.ip = UINT32_C(0x0a000064);
	network_fault_begin(net, &wrong);
	CU_ASSERT_EQUAL(ping(0, wrong.ip), 1);
	CU_ASSERT_EQUAL(ping(0, IP_2), 0);
	/* The latest of two. */
	network_fault_begin(net, &other);
	CU_ASSERT_EQUAL(host_address(network_host(net, 1)), other.ip);
	network_fault_end(net, &wrong);
	CU_ASSERT_EQUAL(host_address(network_host(net, 1)), other.ip);
	network_fault_begin(net, &wrong);
	network_fault_end(net, &wrong);
	CU_ASSERT_EQUAL(ping(0, other.ip), 1);
	/* That it has its own again is told; that it has another one was not. */
	CU_ASSERT_EQUAL(seen.announcements, 0);
	network_fault_end(net, &other);
	CU_ASSERT_EQUAL(seen.announcements, 1);
	pass(MS);
	CU_ASSERT_EQUAL(ping(0, IP_2), 1);
	/* One that goes on when the network is freed. */
	network_fault_begin(net, &other);
	end();
}

static void whose_address_another_host_had_announces_it(void)
{
	struct fault wrong = at_host(FAULT_WRONG_ADDRESS, 0), own = at_host(FAULT_WRONG_ADDRESS, 1);

	start();
	wrong.ip = IP_2;
	own.ip = UINT32_C(0x0a000063);
	network_fault_begin(net, &wrong);
	CU_ASSERT_EQUAL(seen.announcements, 0);
	/* h3 believes that h1 is h2. */
	host_arp(network_host(net, 0), 0, true, network_clock(net)->now_ns, NULL, NULL);
	network_host_called(net, 0);
	pass(MS);
	network_fault_end(net, &wrong);
	CU_ASSERT_EQUAL(seen.announcements, 1);
	pass(MS);
	CU_ASSERT_EQUAL(ping(2, IP_2), 1);
	/* Not while it has another one itself, is off, or has no carrier. */
	network_fault_begin(net, &own);
	network_fault_begin(net, &wrong);
	network_fault_end(net, &wrong);
	CU_ASSERT_EQUAL(seen.announcements, 1);
	network_fault_end(net, &own);
	CU_ASSERT_EQUAL(seen.announcements, 2);
	network_fault_begin(net, &wrong);
	network_set_host(net, 1, false);
	network_fault_end(net, &wrong);
	network_set_host(net, 1, true);
	network_fault_begin(net, &wrong);
	network_set_link(net, 1, false);
	network_fault_end(net, &wrong);
	CU_ASSERT_EQUAL(seen.announcements, 2);
	end();
}

static void a_host_announces_its_address(void)
{
	struct fault announce = at_host(FAULT_GRATUITOUS_ARP, 1);

	start();
	network_fault_begin(net, &announce);
	CU_ASSERT_EQUAL(seen.announcements, 1);
	network_fault_end(net, &announce);
	pass(MS);
	CU_ASSERT_EQUAL(seen.announcements, 1);
	end();
}

static void a_host_floods_another_with_syns(void)
{
	struct fault flood = at_host(FAULT_SYN_FLOOD, 0);

	start();
	flood.ip = IP_2;
	flood.port = 22;
	flood.count = 50;
	flood.by_ns = MS;
	network_fault_begin(net, &flood);
	pass(20 * MS - 1);
	CU_ASSERT_EQUAL(seen.syns, 20);
	network_fault_end(net, &flood);
	pass(100 * MS);
	CU_ASSERT_EQUAL(seen.syns, 20);
	/* All of it to its own end. */
	network_fault_begin(net, &flood);
	pass(100 * MS);
	network_fault_end(net, &flood);
	CU_ASSERT_EQUAL(seen.syns, 70);
	pass(1000 * MS);
	CU_ASSERT_FALSE(network_busy(net, NULL));
	end();
}

UNIT_TESTS("network_fault_hosts", UNIT_TEST(a_host_is_on_when_nobody_keeps_it_off),
           UNIT_TEST(a_host_moves_and_comes_back),
           UNIT_TEST(a_host_moves_without_a_word_unless_it_is_asked_to),
           UNIT_TEST(of_several_moves_the_latest_counts),
           UNIT_TEST(a_host_comes_back_to_where_the_steps_moved_it),
           UNIT_TEST(a_cable_that_a_step_has_in_hand_is_plugged_in_by_the_step_alone),
           UNIT_TEST(a_port_that_somebody_has_stays_his),
           UNIT_TEST(a_host_has_a_wrong_address_for_a_time),
           UNIT_TEST(whose_address_another_host_had_announces_it),
           UNIT_TEST(a_host_announces_its_address), UNIT_TEST(a_host_floods_another_with_syns))
