/* Connections that are split between hosts. */
#include <string.h>

#include "sim/affinity.h"
#include "tests/unit/harness.h"

static struct scenario_host hosts[3];
static struct scenario sc;
static struct affinity *affinity;
static struct network_observer observer;
static struct frame_pool *pool;

enum { CLIENT, ONE, TWO };

static void begin(void)
{
	memset(hosts, 0, sizeof hosts);
	for (unsigned i = 0; i < 3; i++)
		fb_mac_from_u64(hosts[i].mac, 0x020000000001 + i);
	hosts[CLIENT].ip = 0x0a000001;
	hosts[ONE].ip = hosts[TWO].ip = 0x0a000002;
	sc = (struct scenario){.hosts = hosts, .hosts_count = 3};
	affinity = affinity_new(&sc);
	observer = affinity_observer(affinity);
	pool = frame_pool_new();
}

static void end(uint64_t split)
{
	CU_ASSERT_EQUAL(affinity_split(affinity), split);
	affinity_free(affinity);
	frame_pool_free(pool);
}

/* The client's segment, towards the MAC address of 'to'. */
static struct frame *segment(unsigned to, uint8_t flags, uint32_t seq, uint16_t port)
{
	uint8_t bytes[100];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};
	const struct fb_ipv4_spec ip = {.nw_src = hosts[CLIENT].ip, .nw_dst = hosts[ONE].ip};
	const struct fb_tcp_spec tcp = {.tp_src = port, .tp_dst = 22, .seq = seq, .flags = flags};

	memcpy(eth.dl_src, hosts[CLIENT].mac, FB_MAC_BYTES);
	memcpy(eth.dl_dst, hosts[to].mac, FB_MAC_BYTES);
	CU_ASSERT_TRUE(fb_build_tcp(&out, &eth, &ip, &tcp, NULL, 0));
	return frame_copy_of(pool, bytes, out.len);
}

static void sent(uint8_t flags, uint32_t seq)
{
	struct frame *frame = segment(ONE, flags, seq, 4000);

	observer.host_frame(observer.ctx, 0, CLIENT, true, frame);
	frame_unref(frame);
}

/* 'at' gets a segment that was addressed to 'to'. */
static void got(unsigned at, unsigned to, uint8_t flags, uint32_t seq)
{
	struct frame *frame = segment(to, flags, seq, 4000);

	observer.host_frame(observer.ctx, 0, at, false, frame);
	frame_unref(frame);
}

static void a_connection_of_one_host_is_not_split(void)
{
	begin();
	sent(FB_TCP_SYN, 100);
	got(ONE, ONE, FB_TCP_SYN, 100);
	got(ONE, ONE, FB_TCP_ACK, 101);
	got(ONE, ONE, FB_TCP_ACK | FB_TCP_FIN, 101);
	end(0);
}

static void segments_at_two_hosts_split_it_once(void)
{
	begin();
	sent(FB_TCP_SYN, 100);
	got(ONE, ONE, FB_TCP_SYN, 100);
	got(TWO, TWO, FB_TCP_ACK, 101);
	got(TWO, TWO, FB_TCP_ACK, 102);
	end(1);
}

static void a_retransmitted_syn_at_another_host_splits_it(void)
{
	begin();
	sent(FB_TCP_SYN, 100);
	got(ONE, ONE, FB_TCP_SYN, 100);
	sent(FB_TCP_SYN, 100);
	got(TWO, TWO, FB_TCP_SYN, 100);
	end(1);
}

static void the_third_syn_may_move_on(void)
{
	begin();
	sent(FB_TCP_SYN, 100);
	got(ONE, ONE, FB_TCP_SYN, 100);
	sent(FB_TCP_SYN, 100);
	got(ONE, ONE, FB_TCP_SYN, 100);
	sent(FB_TCP_SYN, 100);
	got(TWO, TWO, FB_TCP_SYN, 100);
	got(TWO, TWO, FB_TCP_ACK, 101);
	CU_ASSERT_EQUAL(affinity_split(affinity), 0);
	/* But then it stays. */
	got(ONE, ONE, FB_TCP_ACK, 101);
	end(1);
}

static void what_a_network_card_ignores_does_not_count(void)
{
	begin();
	sent(FB_TCP_SYN, 100);
	got(ONE, ONE, FB_TCP_SYN, 100);
	got(TWO, ONE, FB_TCP_SYN, 100);
	got(TWO, ONE, FB_TCP_ACK, 101);
	end(0);
}

static void a_reset_does_not_count(void)
{
	begin();
	sent(FB_TCP_SYN, 100);
	got(ONE, ONE, FB_TCP_SYN, 100);
	got(TWO, TWO, FB_TCP_RST, 101);
	end(0);
}

static void a_port_used_again_is_another_connection(void)
{
	begin();
	sent(FB_TCP_SYN, 100);
	got(ONE, ONE, FB_TCP_SYN, 100);
	got(ONE, ONE, FB_TCP_ACK, 101);
	sent(FB_TCP_SYN, 900);
	got(TWO, TWO, FB_TCP_SYN, 900);
	got(TWO, TWO, FB_TCP_ACK, 901);
	end(0);
}

UNIT_TESTS("affinity", UNIT_TEST(a_connection_of_one_host_is_not_split),
           UNIT_TEST(segments_at_two_hosts_split_it_once),
           UNIT_TEST(a_retransmitted_syn_at_another_host_splits_it),
           UNIT_TEST(the_third_syn_may_move_on),
           UNIT_TEST(what_a_network_card_ignores_does_not_count), UNIT_TEST(a_reset_does_not_count),
           UNIT_TEST(a_port_used_again_is_another_connection))
