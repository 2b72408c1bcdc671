/* Published failures of OpenFlow load balancers, one test against each (the fifth, a packet that
 * outruns its entry on the next switch, needs several switches: balancer_paths_test.c). */
#include "tests/unit/controller/balancer_bench.h"

#define OUT_A ": mod_dl_dst::02,output:2\n"
#define OUT_B ": mod_dl_dst::03,output:3\n"

static const uint64_t s_ns = FB_NS_PER_S;

static const uint8_t every_flags[] = {
        FB_TCP_SYN, FB_TCP_SYN | FB_TCP_ACK, FB_TCP_ACK, FB_TCP_FIN | FB_TCP_ACK,
        FB_TCP_RST, FB_TCP_RST | FB_TCP_ACK, 0,          0xff,
};

/* The entries of session 'tp_src' of 'server'. */
static void open_session(struct lb *lb, const struct lb_host *server, uint16_t tp_src,
                         struct fb_flow_mod entries[2])
{
	uint8_t bytes[256];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	lb_syn(lb, tp_src, 1);
	lb_build(&frame, &(struct lb_segment){.from = server,
	                                      .to = &lb_client,
	                                      .tp_src = 22,
	                                      .tp_dst = tp_src,
	                                      .ack = 2,
	                                      .flags = FB_TCP_SYN | FB_TCP_ACK});
	lb_frame_in(lb, server->port, &frame);
	for (int i = 0; i < 2; i++) {
		const struct fb_msg *msg = fake_switch_expect(lb->sw, OFPT_FLOW_MOD);

		CU_ASSERT_FATAL(msg != NULL);
		entries[i] = msg->flow_mod;
	}
	lb_said(lb);
}

/* 1. The entry is installed but the packet that caused it is never released; and 3. for ARP.
 * lb_free() counts the releases of every buffer in every test; here all kinds of packets in all
 * states of a session. */
static void every_packet_is_released_exactly_once(void)
{
	static const char *const options[] = {
	        "",           "mode=packet", "entries=exact",    "sessions_max=1",
	        "hold_max=1", "arp=proxy",   "recoveries_max=1", "vip=192.168.2.2",
	};

	for (size_t o = 0; o < sizeof options / sizeof options[0]; o++) {
		struct lb *lb = lb_new_empty(options[o]);

		for (unsigned round = 0; round < 4; round++) {
			for (size_t i = 0; i < sizeof every_flags; i++) {
				lb_to_server(lb, (uint16_t)round, every_flags[i]);
				lb_to_client(lb, &lb_a, (uint16_t)round, every_flags[i]);
				lb_to_client(lb, &lb_b, (uint16_t)round, every_flags[i]);
			}
			lb_arp(lb, &lb_client, FB_ARP_REQUEST, NULL, 2);
			lb_arp(lb, &lb_a, FB_ARP_REPLY, lb->own_mac, 0);
			lb_pass(lb, s_ns);
			lb_said(lb);
		}
		lb_free(lb);
	}
}

/* 2. An old entry is removed before the new one is in. */
static void entries_are_replaced_and_never_removed_first(void)
{
	struct lb *lb = lb_new("");
	struct fb_flow_mod entries[2];

	open_session(lb, &lb_a, 1, entries);
	for (int i = 0; i < 5; i++) {
		lb_pass(lb, s_ns);
		lb_said(lb);
		CU_ASSERT(!lb_has(lb_to_server(lb, 1, FB_TCP_ACK), "delete"));
	}
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 12);
	lb_free(lb);
}

/* 4. A duplicated or retransmitted SYN splits a connection over two servers, or counts twice in the
 * rotation. */
static void a_duplicated_syn_neither_splits_the_connection_nor_counts_twice(void)
{
	static const char *const modes[] = {"", "mode=packet"};

	for (int m = 0; m < 2; m++) {
		struct lb *lb = lb_new(modes[m]);

		for (uint16_t tp = 1; tp <= 8; tp++) {
			const char *out = tp % 2 ? OUT_A : OUT_B;

			CU_ASSERT(lb_has(lb_syn(lb, tp, 1), out));
			CU_ASSERT(lb_has(lb_syn(lb, tp, 1), out));
			lb_syn_ack(lb, tp % 2 ? &lb_a : &lb_b, tp, 1);
			CU_ASSERT(lb_has(lb_syn(lb, tp, 1), out));
		}
		CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 8);
		CU_ASSERT_EQUAL(lb_counter(lb, "retransmitted_syns"), 16);
		lb_free(lb);
	}
}

/* 6. Reverse packets of a server that was taken out crash the handler. */
static void packets_of_a_server_that_was_taken_out_are_handled(void)
{
	struct lb *lb = lb_new("");
	struct fb_flow_mod entries[2];

	open_session(lb, &lb_a, 1, entries);
	lb_silence_all(lb);
	fake_switch_set_link(lb->sw, 2, false);
	fake_switch_set_link(lb->sw, 3, false);
	fake_switch_set_link(lb->sw, 1, false);
	lb_said(lb);
	for (size_t i = 0; i < sizeof every_flags; i++) {
		lb_to_client(lb, &lb_a, 1, every_flags[i]);
		lb_to_client(lb, &lb_b, 1, every_flags[i]);
		lb_to_client(lb, &lb_a, 2, every_flags[i]);
	}
	lb_pass(lb, s_ns); /* so long do some of them wait */
	lb_said(lb);
	lb_free(lb);
}

/* 7. Mid-session packets after a timeout go to another server. */
static void mid_session_packets_after_a_timeout_go_to_the_same_server(void)
{
	struct lb *lb = lb_new("");
	struct fb_flow_mod entries[2];
	/* The client's ARP entry has changed to the other server meanwhile. */
	struct lb_segment segment = {
	        .from = &lb_client, .to = &lb_b, .tp_src = 1, .tp_dst = 22, .flags = FB_TCP_ACK};

	open_session(lb, &lb_a, 1, entries);
	lb_pass(lb, 60 * s_ns);
	lb_flow_removed(lb, &entries[0], OFPRR_IDLE_TIMEOUT);
	lb_flow_removed(lb, &entries[1], OFPRR_IDLE_TIMEOUT);
	lb_pass(lb, 200 * s_ns);
	lb_said(lb);
	CU_ASSERT(lb_has(lb_tcp(lb, &segment), OUT_A));
	CU_ASSERT(!lb_has(lb_to_client(lb, &lb_b, 1, FB_TCP_RST), "output"));
	lb_free(lb);
}

/* 8. A failed server's entries stay in the switch. */
static void the_entries_of_a_failed_server_are_deleted(void)
{
	struct lb *lb = lb_new("");
	struct fb_flow_mod entries[2], deletes[2];

	open_session(lb, &lb_a, 1, entries);
	lb_silence(lb, &lb_a);
	lb_pass(lb, 4 * s_ns);
	CU_ASSERT(!lb_has(lb_said(lb), "delete"));
	for (size_t i = 0; i < 2;) {
		const struct fb_msg *msg = fake_switch_next(lb->sw);

		if (!msg)
			lb_pass(lb, s_ns);
		else if (msg->type == OFPT_FLOW_MOD)
			deletes[i++] = msg->flow_mod;
	}
	lb_said(lb);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(deletes[i].command, OFPFC_DELETE_STRICT);
		CU_ASSERT_EQUAL(deletes[i].out_port, OFPP_NONE);
		CU_ASSERT_EQUAL(deletes[i].priority, entries[i].priority);
		CU_ASSERT(fb_match_equal(&deletes[i].match, &entries[i].match));
	}
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_deleted"), 2);
	lb_free(lb);
}

/* 9. All servers down: the picker loops for ever. */
static void with_all_servers_down_a_connection_is_refused_and_counted(void)
{
	struct lb *lb = lb_new("");

	lb_silence_all(lb);
	fake_switch_set_link(lb->sw, 2, false);
	fake_switch_set_link(lb->sw, 3, false);
	for (uint16_t tp = 1; tp <= 3; tp++)
		CU_ASSERT(lb_has(lb_syn(lb, tp, 1), "tcp R. seq 0 ack 2 "));
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_all_down"), 3);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 0);
	lb_free(lb);
}

/* 10. Entries with infinite timeouts; matches without address and port that catch other traffic. */
static void every_entry_has_a_timeout_and_matches_one_connection(void)
{
	static const char *const options[] = {"", "entries=exact"};
	const uint32_t needed = OFPFW_IN_PORT | OFPFW_DL_TYPE | OFPFW_NW_PROTO | OFPFW_NW_SRC_MASK |
	                        OFPFW_NW_DST_MASK | OFPFW_TP_SRC | OFPFW_TP_DST | OFPFW_DL_VLAN;

	for (int o = 0; o < 2; o++) {
		struct lb *lb = lb_new(options[o]);
		struct fb_flow_mod entries[2];

		open_session(lb, &lb_a, 1, entries);
		for (int i = 0; i < 2; i++) {
			CU_ASSERT(entries[i].idle_timeout > 0);
			CU_ASSERT_EQUAL(entries[i].match.wildcards & needed, 0);
		}
		CU_ASSERT_EQUAL(entries[1].match.wildcards & OFPFW_DL_SRC,
		                0); /* tells the replica */
		lb_free(lb);
	}
}

UNIT_TESTS("balancer_failures", UNIT_TEST(every_packet_is_released_exactly_once),
           UNIT_TEST(entries_are_replaced_and_never_removed_first),
           UNIT_TEST(a_duplicated_syn_neither_splits_the_connection_nor_counts_twice),
           UNIT_TEST(packets_of_a_server_that_was_taken_out_are_handled),
           UNIT_TEST(mid_session_packets_after_a_timeout_go_to_the_same_server),
           UNIT_TEST(the_entries_of_a_failed_server_are_deleted),
           UNIT_TEST(with_all_servers_down_a_connection_is_refused_and_counted),
           UNIT_TEST(every_entry_has_a_timeout_and_matches_one_connection))
