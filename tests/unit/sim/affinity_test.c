/* Connections that are split between hosts. */
#include <string.h>

#include "sim/affinity.h"
#include "tests/unit/harness.h"

static struct scenario_host hosts[4];
static struct scenario sc;
static struct affinity *affinity;
static struct affinity_split told;
static struct frame_pool *pool;
static uint64_t now_ns;
static uint32_t sender;       /* of the frame that is handed over */
static uint64_t absent_ns[4]; /* by host */

enum { CLIENT, ONE, TWO, ALONE };
enum {
	SYN = FB_TCP_SYN,
	ACK = FB_TCP_ACK,
	FIN = FB_TCP_FIN | FB_TCP_ACK,
	RST = FB_TCP_RST | FB_TCP_ACK,
	SYNACK = FB_TCP_SYN | FB_TCP_ACK,
	ISN = 100, /* the client's */
};

static uint32_t sender_of(void *ctx, const struct frame *frame)
{
	(void)ctx;
	(void)frame;
	return sender;
}

static uint64_t when_absent(void *ctx, uint32_t host)
{
	(void)ctx;
	return absent_ns[host];
}

static bool is_failing;

static bool fails(void *ctx)
{
	(void)ctx;
	return is_failing;
}

static bool client_shares; /* the client has its address with ALONE */

static void begin(void)
{
	const struct affinity_ops ops = {
	        .sender = sender_of, .absent_ns = when_absent, .fails = fails};

	memset(hosts, 0, sizeof hosts);
	memset(absent_ns, 0, sizeof absent_ns);
	is_failing = false;
	now_ns = 10 * FB_NS_PER_S;
	for (unsigned i = 0; i < 4; i++) {
		fb_mac_from_u64(hosts[i].mac, 0x020000000001 + i);
		hosts[i].ip = 0x0a000001 + i;
	}
	hosts[TWO].ip = hosts[ONE].ip;
	if (client_shares)
		hosts[ALONE].ip = hosts[CLIENT].ip;
	sc = (struct scenario){.hosts = hosts, .hosts_count = 4};
	affinity = affinity_new(&sc, &ops);
	pool = frame_pool_new();
}

static void end(uint64_t split)
{
	CU_ASSERT_EQUAL(affinity_count(affinity), split);
	affinity_free(affinity);
	frame_pool_free(pool);
}

/* A segment of 'from' in the connection of CLIENT's port 4000, addressed to 'to'. */
static struct frame *segment(unsigned from, unsigned to, uint8_t flags, uint32_t seq, uint32_t ack)
{
	uint8_t bytes[100];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};
	const struct fb_ipv4_spec ip = {.nw_src = hosts[from].ip, .nw_dst = hosts[to].ip};
	const struct fb_tcp_spec tcp = {.tp_src = from == CLIENT ? 4000 : 22,
	                                .tp_dst = from == CLIENT ? 22 : 4000,
	                                .seq = seq,
	                                .ack = ack,
	                                .flags = flags};

	memcpy(eth.dl_src, hosts[from].mac, FB_MAC_BYTES);
	memcpy(eth.dl_dst, hosts[to].mac, FB_MAC_BYTES);
	CU_ASSERT_TRUE(fb_build_tcp(&out, &eth, &ip, &tcp, NULL, 0));
	return frame_copy_of(pool, bytes, out.len);
}

static void sends(unsigned host, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct frame *frame = segment(host, host == CLIENT ? ONE : CLIENT, flags, seq, ack);
	const uint64_t before = affinity_count(affinity);

	CU_ASSERT_EQUAL(affinity_sent(affinity, host, frame, now_ns, &told),
	                affinity_count(affinity) > before);
	frame_unref(frame);
	now_ns += FB_NS_PER_MS;
}

static void gets(unsigned host, unsigned from, unsigned to, uint8_t flags, uint32_t seq,
                 uint32_t ack)
{
	struct frame *frame = segment(from, to, flags, seq, ack);
	const uint64_t before = affinity_count(affinity);

	sender = from;
	CU_ASSERT_EQUAL(affinity_got(affinity, host, frame, now_ns, &told),
	                affinity_count(affinity) > before);
	frame_unref(frame);
	now_ns += FB_NS_PER_MS;
}

/* The client's segment comes to 'host'. */
static void comes(unsigned host, uint8_t flags, uint32_t seq)
{
	gets(host, CLIENT, host, flags, seq, 0);
}

/* 'host' sends a segment that comes to the client. */
static void answers(unsigned host, uint8_t flags)
{
	sends(host, flags, 500, ISN + 1);
	gets(CLIENT, host, CLIENT, flags, 500, ISN + 1);
}

/* A connection with ONE. */
static void opened(void)
{
	sends(CLIENT, SYN, ISN, 0);
	comes(ONE, SYN, ISN);
	answers(ONE, SYNACK);
	sends(CLIENT, ACK, ISN + 1, 501);
	comes(ONE, ACK, ISN + 1);
}

static void a_connection_of_one_host_is_not_split(void)
{
	begin();
	opened();
	sends(CLIENT, FIN, ISN + 1, 501);
	comes(ONE, FIN, ISN + 1);
	answers(ONE, FIN);
	end(0);
}

static void segments_at_two_hosts_split_it_once(void)
{
	begin();
	opened();
	comes(TWO, ACK, ISN + 1);
	CU_ASSERT_EQUAL(told.client, CLIENT);
	CU_ASSERT_EQUAL(told.client_port, 4000);
	CU_ASSERT_EQUAL(told.server_ip, hosts[ONE].ip);
	CU_ASSERT_EQUAL(told.one, ONE);
	CU_ASSERT_EQUAL(told.other, TWO);
	comes(TWO, ACK, ISN + 2);
	end(1);
	/* Also when the answer was never seen. */
	begin();
	sends(CLIENT, SYN, ISN, 0);
	comes(ONE, SYN, ISN);
	comes(TWO, ACK, ISN + 1);
	end(1);
}

static void a_retransmitted_syn_at_another_host_splits_it(void)
{
	begin();
	sends(CLIENT, SYN, ISN, 0);
	comes(ONE, SYN, ISN);
	sends(CLIENT, SYN, ISN, 0);
	comes(TWO, SYN, ISN);
	end(1);
}

static void unless_the_first_host_is_gone(void)
{
	begin();
	sends(CLIENT, SYN, ISN, 0);
	comes(ONE, SYN, ISN);
	absent_ns[ONE] = now_ns;
	sends(CLIENT, SYN, ISN, 0);
	comes(TWO, SYN, ISN);
	answers(TWO, SYNACK);
	comes(TWO, ACK, ISN + 1);
	end(0);
}

static void or_was_gone_not_long_before(void)
{
	begin();
	absent_ns[ONE] = now_ns - AFFINITY_NEWS_NS;
	sends(CLIENT, SYN, ISN, 0);
	comes(ONE, SYN, ISN);
	sends(CLIENT, SYN, ISN, 0);
	comes(TWO, SYN, ISN);
	end(0);
	begin();
	absent_ns[ONE] = now_ns - AFFINITY_NEWS_NS - 1;
	sends(CLIENT, SYN, ISN, 0);
	comes(ONE, SYN, ISN);
	sends(CLIENT, SYN, ISN, 0);
	comes(TWO, SYN, ISN);
	end(1);
}

static void unless_a_controller_has_forgotten_the_first_syn(void)
{
	begin();
	sends(CLIENT, SYN, ISN, 0);
	comes(ONE, SYN, ISN);
	affinity_recovery(affinity);
	sends(CLIENT, SYN, ISN, 0);
	comes(TWO, SYN, ISN);
	answers(TWO, SYNACK);
	CU_ASSERT_EQUAL(affinity_count(affinity), 0);
	/* Only one of them may be heard. */
	answers(ONE, SYNACK);
	end(1);
	/* One that began afterwards is remembered. */
	begin();
	affinity_recovery(affinity);
	sends(CLIENT, SYN, ISN, 0);
	comes(ONE, SYN, ISN);
	sends(CLIENT, SYN, ISN, 0);
	comes(TWO, SYN, ISN);
	end(1);
}

/* The client's host sends what waited for an answer to its ARP request: a SYN, then what came after the answer. */
static void unless_a_syn_that_waited_comes_to_a_controller_that_has_forgotten_it(void)
{
	begin();
	sends(CLIENT, SYN, ISN, 0);
	comes(ONE, SYN, ISN);
	answers(ONE, SYNACK);
	affinity_recovery(affinity);
	sends(CLIENT, SYN, ISN, 0);
	sends(CLIENT, ACK, ISN + 1, 901);
	comes(TWO, SYN, ISN);
	comes(TWO, ACK, ISN + 1);
	comes(ONE, ACK, ISN + 1);
	CU_ASSERT_EQUAL(affinity_count(affinity), 0);
	/* Who it is shown to must not be heard. */
	gets(CLIENT, TWO, CLIENT, SYNACK, 77, ISN + 1);
	end(1);
	/* Who has not forgotten it knows better. */
	begin();
	opened();
	sends(CLIENT, SYN, ISN, 0);
	comes(TWO, SYN, ISN);
	end(1);
}

/* Such a switch floods a SYN to its own owner of the address and to one with a controller. */
static void a_syn_while_a_switch_is_in_a_fail_mode_splits_nothing(void)
{
	begin();
	is_failing = true;
	sends(CLIENT, FB_TCP_SYN, ISN, 0);
	is_failing = false;
	comes(ONE, FB_TCP_SYN, ISN);
	comes(TWO, FB_TCP_SYN, ISN);
	answers(ONE, SYNACK);
	answers(TWO, SYNACK);
	end(0);
	/* What came before that is judged. */
	begin();
	sends(CLIENT, FB_TCP_SYN, ISN, 0);
	comes(ONE, FB_TCP_SYN, ISN);
	comes(TWO, FB_TCP_SYN, ISN);
	end(1);
	begin();
	sends(CLIENT, FB_TCP_SYN, ISN, 0);
	comes(ONE, FB_TCP_SYN, ISN);
	is_failing = true;
	comes(TWO, FB_TCP_SYN, ISN);
	end(0);
}

static void the_third_syn_may_move_on(void)
{
	begin();
	sends(CLIENT, SYN, ISN, 0);
	comes(ONE, SYN, ISN);
	sends(CLIENT, SYN, ISN, 0);
	comes(ONE, SYN, ISN);
	sends(CLIENT, SYN, ISN, 0);
	comes(TWO, SYN, ISN);
	answers(TWO, SYNACK);
	comes(TWO, ACK, ISN + 1);
	/* The first one's answer comes late, and is not passed on. */
	sends(ONE, SYNACK, 900, ISN + 1);
	CU_ASSERT_EQUAL(affinity_count(affinity), 0);
	/* Then it stays. */
	comes(ONE, ACK, ISN + 1);
	end(1);
}

static void no_syn_moves_on_once_it_is_answered(void)
{
	begin();
	sends(CLIENT, SYN, ISN, 0);
	comes(ONE, SYN, ISN);
	sends(CLIENT, SYN, ISN, 0);
	sends(CLIENT, SYN, ISN, 0);
	answers(ONE, SYNACK);
	comes(TWO, SYN, ISN);
	end(1);
}

static void answers_of_two_hosts_split_it(void)
{
	begin();
	opened();
	answers(ONE, ACK);
	gets(CLIENT, TWO, CLIENT, ACK, 900, ISN + 1);
	CU_ASSERT_EQUAL(told.other, TWO);
	end(1);
	/* Those of the controller are nobody's. */
	begin();
	opened();
	sender = SCENARIO_NONE;
	{
		struct frame *frame = segment(TWO, CLIENT, ACK, 900, ISN + 1);

		CU_ASSERT_FALSE(affinity_got(affinity, CLIENT, frame, now_ns, &told));
		frame_unref(frame);
	}
	end(0);
}

static void what_others_send_in_the_clients_name_does_not_count(void)
{
	struct frame *frame;

	begin();
	opened();
	frame = segment(CLIENT, TWO, ACK, ISN + 1, 0);
	sender = ALONE;
	CU_ASSERT_FALSE(affinity_got(affinity, TWO, frame, now_ns, &told));
	sender = CLIENT;
	CU_ASSERT_TRUE(affinity_got(affinity, TWO, frame, now_ns, &told));
	frame_unref(frame);
	end(1);
}

static void what_a_network_card_ignores_does_not_count(void)
{
	begin();
	opened();
	gets(TWO, CLIENT, ONE, SYN, ISN, 0);
	gets(TWO, CLIENT, ONE, ACK, ISN + 1, 0);
	end(0);
}

static void a_reset_of_the_client_does_not_count(void)
{
	begin();
	opened();
	comes(TWO, FB_TCP_RST, ISN + 1);
	end(0);
}

static void a_reset_of_another_host_must_not_pass(void)
{
	begin();
	opened();
	answers(TWO, RST);
	end(1);
	/* Unless the chosen one has refused, */
	begin();
	opened();
	sends(ONE, RST, 501, ISN + 1);
	answers(TWO, RST);
	end(0);
	/* or is gone. */
	begin();
	opened();
	absent_ns[ONE] = now_ns;
	answers(TWO, RST);
	end(0);
}

static void a_refused_connection_is_over(void)
{
	begin();
	sends(CLIENT, SYN, ISN, 0);
	comes(ONE, SYN, ISN);
	answers(ONE, RST);
	gets(CLIENT, TWO, CLIENT, RST, 0, ISN + 1);
	end(0);
}

static void what_comes_after_its_end_splits_nothing(void)
{
	begin();
	opened();
	sends(CLIENT, FIN, ISN + 1, 501);
	answers(ONE, FIN);
	/* A SYN-ACK for one of the first SYNs, late. */
	gets(CLIENT, TWO, CLIENT, SYNACK, 900, ISN + 1);
	end(0);
	/* With one FIN it is not over. */
	begin();
	opened();
	sends(CLIENT, FIN, ISN + 1, 501);
	gets(CLIENT, TWO, CLIENT, SYNACK, 900, ISN + 1);
	end(1);
}

static void probes_of_a_recovery_are_allowed(void)
{
	begin();
	opened();
	affinity_recovery(affinity);
	comes(TWO, ACK, ISN + 1);
	comes(ONE, ACK, ISN + 1);
	/* The other one refuses, and nobody hears of it. */
	sends(TWO, RST, 0, ISN + 1);
	answers(ONE, ACK);
	CU_ASSERT_EQUAL(affinity_count(affinity), 0);
	/* But it must not answer, */
	sends(TWO, ACK, 900, ISN + 1);
	end(1);
	/* get a SYN that the client has not sent again, */
	begin();
	opened();
	affinity_recovery(affinity);
	comes(TWO, SYN, ISN);
	end(1);
	/* or be heard. */
	begin();
	opened();
	affinity_recovery(affinity);
	comes(TWO, ACK, ISN + 1);
	answers(TWO, RST);
	end(1);
}

static void so_are_those_after_a_silence(void)
{
	begin();
	opened();
	now_ns += AFFINITY_SILENCE_NS;
	sends(CLIENT, ACK, ISN + 1, 501);
	comes(TWO, ACK, ISN + 1);
	comes(ONE, ACK, ISN + 1);
	CU_ASSERT_EQUAL(affinity_count(affinity), 0);
	for (unsigned i = 0; i < 10; i++) {
		now_ns += AFFINITY_SILENCE_NS / 5;
		sends(CLIENT, ACK, ISN + 1, 501);
	}
	comes(TWO, ACK, ISN + 1);
	end(1);
}

static void and_those_of_a_client_that_has_finished(void)
{
	begin();
	opened();
	sends(CLIENT, FIN, ISN + 1, 501);
	comes(TWO, FIN, ISN + 1);
	end(0);
}

static void a_port_used_again_is_another_connection(void)
{
	begin();
	opened();
	sends(CLIENT, SYN, ISN + 800, 0);
	comes(TWO, SYN, ISN + 800);
	/* What is left of the old one does not matter. */
	comes(ONE, FIN, ISN + 1);
	sends(ONE, FIN, 501, ISN + 2);
	gets(CLIENT, ONE, CLIENT, FIN, 501, ISN + 2);
	gets(CLIENT, TWO, CLIENT, SYNACK, 900, ISN + 801);
	comes(TWO, ACK, ISN + 801);
	end(0);
}

static void an_address_of_one_host_needs_no_watching(void)
{
	struct frame *frame;

	begin();
	frame = segment(CLIENT, ALONE, SYN, ISN, 0);
	CU_ASSERT_FALSE(affinity_sent(affinity, CLIENT, frame, now_ns, &told));
	sender = CLIENT;
	CU_ASSERT_FALSE(affinity_got(affinity, ALONE, frame, now_ns, &told));
	frame_unref(frame);
	end(0);
}

static void a_client_that_shares_its_own_address_is_watched_too(void)
{
	client_shares = true;
	a_connection_of_one_host_is_not_split();
	segments_at_two_hosts_split_it_once();
	a_retransmitted_syn_at_another_host_splits_it();
	answers_of_two_hosts_split_it();
	a_reset_of_another_host_must_not_pass();
	probes_of_a_recovery_are_allowed();
	begin();
	opened();
	/* Those of the other owner of the client's address are none of it. */
	gets(TWO, ALONE, TWO, ACK, ISN + 1, 501);
	gets(ALONE, TWO, CLIENT, ACK, 501, ISN + 1);
	end(0);
	client_shares = false;
}

UNIT_TESTS("affinity", UNIT_TEST(a_connection_of_one_host_is_not_split),
           UNIT_TEST(segments_at_two_hosts_split_it_once),
           UNIT_TEST(a_retransmitted_syn_at_another_host_splits_it),
           UNIT_TEST(unless_the_first_host_is_gone), UNIT_TEST(or_was_gone_not_long_before),
           UNIT_TEST(unless_a_controller_has_forgotten_the_first_syn),
           UNIT_TEST(unless_a_syn_that_waited_comes_to_a_controller_that_has_forgotten_it),
           UNIT_TEST(a_syn_while_a_switch_is_in_a_fail_mode_splits_nothing),
           UNIT_TEST(the_third_syn_may_move_on), UNIT_TEST(no_syn_moves_on_once_it_is_answered),
           UNIT_TEST(answers_of_two_hosts_split_it),
           UNIT_TEST(what_others_send_in_the_clients_name_does_not_count),
           UNIT_TEST(what_a_network_card_ignores_does_not_count),
           UNIT_TEST(a_reset_of_the_client_does_not_count),
           UNIT_TEST(a_reset_of_another_host_must_not_pass),
           UNIT_TEST(a_refused_connection_is_over),
           UNIT_TEST(what_comes_after_its_end_splits_nothing),
           UNIT_TEST(probes_of_a_recovery_are_allowed), UNIT_TEST(so_are_those_after_a_silence),
           UNIT_TEST(and_those_of_a_client_that_has_finished),
           UNIT_TEST(a_port_used_again_is_another_connection),
           UNIT_TEST(a_client_that_shares_its_own_address_is_watched_too),
           UNIT_TEST(an_address_of_one_host_needs_no_watching))
