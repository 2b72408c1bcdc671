/* The algorithm and the handshake: who gets a connection, what a SYN that comes again does, who is
 * refused. */
#include "tests/unit/controller/balancer_bench.h"

#define OUT_A ": mod_dl_dst::02,output:2\n"
#define OUT_B ": mod_dl_dst::03,output:3\n"

/* A SYN-ACK or other segment of the servers that was passed on to the client. */
#define TO_CLIENT "mod_dl_src::02,mod_dl_dst::01,output:1\n"

static const uint64_t s_ns = FB_NS_PER_S;

/* 0: to neither, 1: to server_a, 2: to server_b. */
static int receiver(const char *said)
{
	return lb_has(said, OUT_A) ? 1 : lb_has(said, OUT_B) ? 2 : 0;
}

static void connections_alternate_exactly(void)
{
	struct lb *lb = lb_new("");

	for (unsigned i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(receiver(lb_syn(lb, (uint16_t)(20000 + i), i)), 1 + (int)(i % 2));
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 1000);
	lb_free(lb);
}

static void three_owners_take_turns_in_the_order_in_which_they_were_found(void)
{
	static const char *const outs[] = {OUT_A, OUT_B, ": mod_dl_dst::04,output:4\n"};
	struct lb *lb = lb_new("");

	lb_announce(lb, &lb_c);
	for (unsigned i = 0; i < 9; i++)
		CU_ASSERT(lb_has(lb_syn(lb, (uint16_t)(20000 + i), i), outs[i % 3]));
	lb_free(lb);
}

static void the_rotation_goes_by_index_mod_count_when_an_owner_joins(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1);
	lb_syn(lb, 2, 1);
	lb_announce(lb, &lb_c);
	CU_ASSERT(lb_has(lb_syn(lb, 3, 1), ": mod_dl_dst::04,output:4\n")); /* 2 mod 3 */
	CU_ASSERT(lb_has(lb_syn(lb, 4, 1), OUT_A));
	lb_free(lb);
}

static void ecn_bits_in_a_syn_do_not_matter(void)
{
	struct lb *lb = lb_new("");
	struct lb_segment syn = {.from = &lb_client,
	                         .to = &lb_a,
	                         .tp_src = 1,
	                         .tp_dst = LB_SERVICE,
	                         .seq = 1,
	                         .flags = FB_TCP_SYN | FB_TCP_ECE | FB_TCP_CWR};

	CU_ASSERT_EQUAL(receiver(lb_tcp(lb, &syn)), 1);
	syn.tp_src = 2;
	CU_ASSERT_EQUAL(receiver(lb_tcp(lb, &syn)), 2);
	syn.tp_src = 3;
	syn.flags |= FB_TCP_PSH | FB_TCP_URG;
	CU_ASSERT_EQUAL(receiver(lb_tcp(lb, &syn)), 1);
	lb_free(lb);
}

static void what_is_not_a_syn_opens_nothing(void)
{
	static const uint8_t flags[] = {FB_TCP_SYN | FB_TCP_RST,
	                                FB_TCP_SYN | FB_TCP_FIN,
	                                FB_TCP_SYN | FB_TCP_ACK,
	                                FB_TCP_ACK,
	                                FB_TCP_RST,
	                                FB_TCP_FIN,
	                                0};
	struct lb *lb = lb_new("");

	for (unsigned i = 0; i < sizeof flags; i++)
		lb_to_server(lb, (uint16_t)(100 + i), flags[i]);
	lb_pass(lb, s_ns); /* so long do some of them wait */
	lb_said(lb);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 0);
	CU_ASSERT_EQUAL(receiver(lb_syn(lb, 1, 1)), 1);
	lb_free(lb);
}

static void a_retransmitted_syn_keeps_its_backend(void)
{
	struct lb *lb = lb_new("");

	CU_ASSERT_EQUAL(receiver(lb_syn(lb, 1, 1000)), 1);
	lb_pass(lb, s_ns);
	CU_ASSERT_EQUAL(receiver(lb_syn(lb, 1, 1000)), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "retransmitted_syns"), 1);
	lb_free(lb);
}

static void a_retransmitted_syn_is_no_turn(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1000);
	lb_pass(lb, s_ns);
	lb_syn(lb, 1, 1000);
	CU_ASSERT_EQUAL(receiver(lb_syn(lb, 2, 1000)), 2);
	CU_ASSERT_EQUAL(receiver(lb_syn(lb, 3, 1000)), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 3);
	lb_free(lb);
}

static void the_third_syn_without_an_answer_moves_the_session_once(void)
{
	struct lb *lb = lb_new("");

	CU_ASSERT_EQUAL(receiver(lb_syn(lb, 1, 1000)), 1);
	lb_pass(lb, s_ns);
	CU_ASSERT_EQUAL(receiver(lb_syn(lb, 1, 1000)), 1);
	lb_pass(lb, 2 * s_ns);
	CU_ASSERT_EQUAL(receiver(lb_syn(lb, 1, 1000)), 2);
	for (int i = 0; i < 3; i++) {
		lb_pass(lb, 4 * s_ns);
		CU_ASSERT_EQUAL(receiver(lb_syn(lb, 1, 1000)), 2);
	}
	CU_ASSERT_EQUAL(lb_counter(lb, "moved"), 1);
	CU_ASSERT_EQUAL(receiver(lb_syn(lb, 2, 1000)), 2); /* the move was no turn */
	lb_free(lb);
}

static void copies_of_a_syn_do_not_move_the_session(void)
{
	struct lb *lb = lb_new("");

	for (int i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(receiver(lb_syn(lb, 1, 1000)), 1);
		lb_pass(lb, FB_NS_PER_MS);
	}
	lb_free(lb);
}

static void an_answered_session_is_never_moved(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1000);
	lb_syn_ack(lb, &lb_a, 1, 1000);
	for (int i = 0; i < 4; i++) {
		lb_pass(lb, 2 * s_ns);
		CU_ASSERT_EQUAL(receiver(lb_syn(lb, 1, 1000)), 1);
	}
	CU_ASSERT_EQUAL(lb_counter(lb, "moved"), 0);
	lb_free(lb);
}

static void a_silent_backend_without_another_keeps_the_session(void)
{
	struct lb *lb = lb_new_empty("");

	lb_announce(lb, &lb_client);
	lb_announce(lb, &lb_a);
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(receiver(lb_syn(lb, 1, 1000)), 1);
		lb_pass(lb, s_ns);
	}
	CU_ASSERT_EQUAL(lb_counter(lb, "moved"), 0);
	lb_free(lb);
}

static void a_late_syn_ack_of_a_backend_given_up_is_answered_with_rst(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1000);
	lb_pass(lb, s_ns);
	lb_syn(lb, 1, 1000);
	lb_pass(lb, 2 * s_ns);
	CU_ASSERT_EQUAL(receiver(lb_syn(lb, 1, 1000)), 2);
	LB_SAYS(lb_syn_ack(lb, &lb_a, 1, 1000), "out frame: output:2: :01 > :02 192.168.2.1.1 > "
	                                        "192.168.2.2.22: tcp R seq 1001 win 0\n"
	                                        "out #7 in 2: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "late_synacks"), 1);
	CU_ASSERT(lb_has(lb_syn_ack(lb, &lb_b, 1, 1000), TO_CLIENT));
	lb_free(lb);
}

static void other_segments_of_a_backend_given_up_are_not_passed_on(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1000);
	lb_syn_ack(lb, &lb_a, 1, 1000);
	LB_SAYS(lb_to_client(lb, &lb_b, 1, FB_TCP_RST), "out #6 in 3: drop\n");
	LB_SAYS(lb_to_client(lb, &lb_b, 1, FB_TCP_ACK), "out #7 in 3: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "strangers"), 2);
	lb_free(lb);
}

static void a_refusal_is_an_answer(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1000);
	LB_SAYS(lb_to_client(lb, &lb_a, 1, FB_TCP_RST | FB_TCP_ACK), "out #5 in 2: " TO_CLIENT);
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_by_backend"), 1);
	for (int i = 0; i < 3; i++) {
		lb_pass(lb, 2 * s_ns);
		CU_ASSERT_EQUAL(receiver(lb_syn(lb, 1, 1000)), 1);
	}
	lb_free(lb);
}

static void a_backend_that_is_gone_is_replaced_at_the_next_syn(void)
{
	struct lb *lb = lb_new("");

	CU_ASSERT_EQUAL(receiver(lb_syn(lb, 1, 1000)), 1);
	fake_switch_set_link(lb->sw, 2, false);
	lb_said(lb);
	lb_pass(lb, s_ns);
	CU_ASSERT_EQUAL(receiver(lb_syn(lb, 1, 1000)), 2);
	CU_ASSERT_EQUAL(lb_counter(lb, "moved"), 1);
	lb_free(lb);
}

static void all_servers_down_is_a_refusal(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1000);
	fake_switch_set_link(lb->sw, 2, false);
	fake_switch_set_link(lb->sw, 3, false);
	lb_said(lb);
	LB_SAYS(lb_syn(lb, 2, 500), "out frame: output:1: :02 > :01 192.168.2.2.22 > "
	                            "192.168.2.1.2: tcp R. seq 0 ack 501 win 0\n"
	                            "out #5 in 1: drop\n");
	LB_SAYS(lb_syn(lb, 1, 1000), /* the one that had a backend */
	        "out frame: output:1: :02 > :01 192.168.2.2.22 > 192.168.2.1.1: tcp R. seq 0 ack "
	        "1001 win 0\n"
	        "out #6 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_all_down"), 2);
	fake_switch_set_link(lb->sw, 3, true);
	lb_pass(lb, 0);
	lb_said(lb);
	lb_answer_probe(lb, &lb_b);
	CU_ASSERT_EQUAL(receiver(lb_syn(lb, 3, 1)), 2);
	lb_free(lb);
}

static void data_in_a_refused_syn_is_acknowledged(void)
{
	struct lb *lb = lb_new("");

	fake_switch_set_link(lb->sw, 2, false);
	fake_switch_set_link(lb->sw, 3, false);
	lb_said(lb);
	CU_ASSERT(lb_has(lb_tcp(lb, &(struct lb_segment){.from = &lb_client,
	                                                 .to = &lb_a,
	                                                 .tp_src = 2,
	                                                 .tp_dst = 22,
	                                                 .flags = FB_TCP_SYN,
	                                                 .seq = 500,
	                                                 .data = "hello"}),
	                 "tcp R. seq 0 ack 506"));
	lb_free(lb);
}

static void a_full_table_gives_up_the_oldest_unanswered_session(void)
{
	struct lb *lb = lb_new("sessions_max=3");

	lb_syn(lb, 1, 1);
	lb_syn_ack(lb, &lb_a, 1, 1);
	lb_syn(lb, 2, 1);
	lb_syn(lb, 3, 1);
	lb_syn(lb, 4, 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_evicted"), 1);
	CU_ASSERT(lb_has(lb_to_server(lb, 1, FB_TCP_ACK), OUT_A));
	CU_ASSERT(lb_has(lb_syn_ack(lb, &lb_a, 3, 1), TO_CLIENT));
	lb_free(lb);
}

static void a_table_full_of_live_sessions_refuses(void)
{
	struct lb *lb = lb_new("sessions_max=2");

	for (uint16_t port = 1; port <= 2; port++) {
		lb_syn(lb, port, 1);
		lb_syn_ack(lb, port == 1 ? &lb_a : &lb_b, port, 1);
	}
	LB_SAYS(lb_syn(lb, 3, 1), "out frame: output:1: :02 > :01 192.168.2.2.22 > 192.168.2.1.3: "
	                          "tcp R. seq 0 ack 2 win 0\n"
	                          "out #8 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_sessions_full"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 2); /* and it was no turn */
	lb_free(lb);
}

/* mode=flows: sessions whose entries have expired are kept for the grace time, while there is room. */
static void an_open_session_gives_way_when_its_entries_are_gone_and_no_other_can(void)
{
	struct lb *lb = lb_new("sessions_max=3");

	for (uint16_t tp = 1; tp <= 3; tp++) {
		lb_syn(lb, tp, 1);
		lb_syn_ack(lb, tp % 2 ? &lb_a : &lb_b, tp, 1);
		if (tp == 3)
			break;
		/* Sessions 1 and 2, in this order. */
		lb_flow_removed(lb, &lb->flow_mod, OFPRR_IDLE_TIMEOUT);
		lb->flow_mod.match.in_port = 1;
		lb->flow_mod.match.nw_src = lb_ip(1);
		lb->flow_mod.match.nw_dst = lb_ip(2);
		lb->flow_mod.match.tp_src = tp;
		lb->flow_mod.match.tp_dst = 22;
		lb_flow_removed(lb, &lb->flow_mod, OFPRR_IDLE_TIMEOUT);
	}
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_removed"), 4);
	CU_ASSERT_EQUAL(receiver(lb_syn(lb, 4, 1)), 2);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_evicted"), 1);
	CU_ASSERT(lb_has(lb_to_client(lb, &lb_b, 2, FB_TCP_ACK), TO_CLIENT)); /* not that one */
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_passed"), 0);
	CU_ASSERT(lb_has(lb_to_client(lb, &lb_a, 3, FB_TCP_ACK), TO_CLIENT)); /* nor the live one */
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_passed"), 0);
	lb_free(lb);
}

/* mode=packet: it may be in use at this moment. */
static void an_open_session_without_entries_never_gives_way(void)
{
	struct lb *lb = lb_new("mode=packet,sessions_max=1");

	lb_syn(lb, 1, 1);
	lb_syn_ack(lb, &lb_a, 1, 1);
	CU_ASSERT(lb_has(lb_syn(lb, 2, 1), "tcp R."));
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_sessions_full"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_evicted"), 0);
	CU_ASSERT(lb_has(lb_to_server(lb, 1, FB_TCP_ACK), OUT_A));
	lb_free(lb);
}

static void a_session_never_gives_way_while_its_switch_is_away(void)
{
	struct lb *lb = lb_new("sessions_max=1,idle_timeout=60s");
	struct fake_switch *second = lb_join(lb->bench, 2, 6);
	static const struct lb_host elsewhere = {6, 6, 6}, server = {7, 7, 5};

	lb_syn(lb, 1, 1);
	lb_syn_ack(lb, &lb_a, 1, 1);
	fake_switch_leave(lb->sw);
	lb_switch_to(lb, second);
	lb_announce(lb, &server);
	CU_ASSERT(lb_has(lb_tcp(lb, &(struct lb_segment){.from = &elsewhere,
	                                                 .to = &server,
	                                                 .tp_src = 1,
	                                                 .tp_dst = 22,
	                                                 .flags = FB_TCP_SYN}),
	                 "tcp R."));
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_sessions_full"), 1);
	lb_free(lb);
}

static void of_closed_sessions_the_oldest_gives_way_first(void)
{
	struct lb *lb = lb_new("mode=packet,sessions_max=2");

	for (uint16_t tp = 1; tp <= 2; tp++) {
		lb_syn(lb, tp, 1);
		lb_syn_ack(lb, tp % 2 ? &lb_a : &lb_b, tp, 1);
	}
	lb_to_server(lb, 2, FB_TCP_RST); /* the younger one first */
	lb_to_server(lb, 1, FB_TCP_RST);
	lb_syn(lb, 3, 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_evicted"), 1);
	CU_ASSERT(lb_has(lb_to_client(lb, &lb_a, 1, FB_TCP_ACK), TO_CLIENT));
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_passed"), 0);
	lb_free(lb);
}

static void an_unanswered_session_gives_way_before_a_closed_one(void)
{
	struct lb *lb = lb_new("mode=packet,sessions_max=2");

	lb_syn(lb, 1, 1);
	lb_syn_ack(lb, &lb_a, 1, 1);
	lb_to_server(lb, 1, FB_TCP_RST);
	lb_syn(lb, 2, 1);
	lb_syn(lb, 3, 1);
	CU_ASSERT(lb_has(lb_to_client(lb, &lb_a, 1, FB_TCP_ACK), TO_CLIENT));
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_passed"), 0);
	lb_free(lb);
}

static void a_move_probes_the_silent_backend_at_once(void)
{
	struct lb *lb = lb_new("probe_interval=1m");

	lb_syn(lb, 1, 1);
	lb_pass(lb, s_ns);
	lb_syn(lb, 1, 1);
	lb_silence(lb, &lb_a);
	lb_pass(lb, 2 * s_ns);
	CU_ASSERT(lb_has(lb_syn(lb, 1, 1), "arp who-has 192.168.2.2"));
	lb_pass(lb, 3 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 1);
	lb_free(lb);
}

static void a_syn_to_a_broadcast_mac_is_answered_with_the_backends_own(void)
{
	struct lb *lb = lb_new("mode=packet");
	uint8_t bytes[256];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	lb_build(&frame, &(struct lb_segment){.from = &lb_client,
	                                      .to = &lb_a,
	                                      .tp_src = 1,
	                                      .tp_dst = 22,
	                                      .flags = FB_TCP_SYN,
	                                      .seq = 1});
	memset(frame.data, 0xff, FB_MAC_BYTES);
	lb_frame_in(lb, 1, &frame);
	CU_ASSERT(lb_has(lb_said(lb), OUT_A));
	CU_ASSERT(lb_has(lb_syn_ack(lb, &lb_a, 1, 1), TO_CLIENT));
	lb_free(lb);
}

static void after_its_end_a_connection_may_be_opened_from_the_other_side(void)
{
	struct lb *lb = lb_new("mode=packet");
	struct lb_segment syn = {.from = &lb_a,
	                         .to = &lb_client,
	                         .tp_src = 22,
	                         .tp_dst = 1,
	                         .flags = FB_TCP_SYN,
	                         .seq = 9};

	lb_syn(lb, 1, 1);
	lb_syn_ack(lb, &lb_a, 1, 1);
	lb_to_server(lb, 1, FB_TCP_RST);
	CU_ASSERT(lb_has(lb_tcp(lb, &syn), "mod_dl_dst::01,output:1\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 2);
	lb_free(lb);
}

static void after_its_end_another_replica_may_use_the_ports(void)
{
	struct lb *lb = lb_new("mode=packet");
	struct lb_segment syn = {.from = &lb_a,
	                         .to = &lb_client,
	                         .tp_src = 50000,
	                         .tp_dst = 80,
	                         .flags = FB_TCP_SYN,
	                         .seq = 100};

	lb_tcp(lb, &syn);
	syn.flags = FB_TCP_RST;
	lb_tcp(lb, &syn);
	syn.flags = FB_TCP_SYN;
	syn.from = &lb_b;
	CU_ASSERT(lb_has(lb_tcp(lb, &syn), "mod_dl_dst::01,output:1\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 2);
	lb_free(lb);
}

static void an_unanswered_session_is_forgotten_after_its_client_has_given_up(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1);
	lb_pass(lb, 69 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 0);
	lb_pass(lb, 2 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 1);
	lb_free(lb);
}

static void a_connection_that_a_replica_opens_gets_its_answers_back(void)
{
	struct lb *lb = lb_new("mode=packet");
	struct lb_segment answer = {.from = &lb_client,
	                            .to = &lb_a,
	                            .tp_src = 80,
	                            .tp_dst = 50000,
	                            .seq = 9,
	                            .flags = FB_TCP_SYN | FB_TCP_ACK,
	                            .ack = 101};

	CU_ASSERT(lb_has(lb_tcp(lb, &(struct lb_segment){.from = &lb_b,
	                                                 .to = &lb_client,
	                                                 .tp_src = 50000,
	                                                 .tp_dst = 80,
	                                                 .flags = FB_TCP_SYN,
	                                                 .seq = 100}),
	                 "mod_dl_dst::01,output:1\n"));
	/* The client's ARP entry names the other replica. */
	LB_SAYS(lb_tcp(lb, &answer), "out #5 in 1: mod_dl_src::01,mod_dl_dst::03,output:3\n");
	lb_free(lb);
}

static void two_replicas_with_the_same_port_are_never_mixed(void)
{
	struct lb *lb = lb_new("mode=packet");
	struct lb_segment syn = {.from = &lb_a,
	                         .to = &lb_client,
	                         .tp_src = 50000,
	                         .tp_dst = 80,
	                         .flags = FB_TCP_SYN,
	                         .seq = 100};

	lb_tcp(lb, &syn);
	syn.from = &lb_b;
	syn.seq = 7;
	lb_said(lb);
	LB_SAYS(lb_tcp(lb, &syn), "out frame: output:3: :01 > :03 192.168.2.1.80 > "
	                          "192.168.2.2.50000: tcp R. seq 0 ack 8 win 0\n"
	                          "out #5 in 3: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_conflict"), 1);
	syn.flags = FB_TCP_ACK;
	LB_SAYS(lb_tcp(lb, &syn), "out #6 in 3: drop\n");
	lb_free(lb);
}

static void a_client_whose_mac_was_replaced_keeps_its_session(void)
{
	const struct lb_host renewed = {9, 1,
	                                4}; /* the same address, another card at another port */
	struct lb *lb = lb_new("mode=packet");

	lb_syn(lb, 1, 1);
	lb_syn_ack(lb, &lb_a, 1, 1);
	fake_switch_set_link(lb->sw, 1, false);
	lb_said(lb);
	CU_ASSERT(lb_has(lb_tcp(lb, &(struct lb_segment){.from = &renewed,
	                                                 .to = &lb_a,
	                                                 .tp_src = 1,
	                                                 .tp_dst = 22,
	                                                 .flags = FB_TCP_ACK}),
	                 OUT_A));
	CU_ASSERT(lb_has(lb_to_client(lb, &lb_a, 1, FB_TCP_ACK),
	                 "mod_dl_src::02,mod_dl_dst::09,output:4\n"));
	lb_free(lb);
}

static void impossible_addresses_open_nothing(void)
{
	struct lb *lb = lb_new("");

	LB_SAYS(lb_tcp(lb, &(struct lb_segment){.from = &lb_a,
	                                        .to = &lb_b,
	                                        .tp_src = 1,
	                                        .tp_dst = 1,
	                                        .flags = FB_TCP_SYN}),
	        "out #4 in 2: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "invalid"), 1);
	lb_free(lb);
}

static void sessions_of_two_vlans_are_apart(void)
{
	struct lb *lb = lb_new("");
	struct lb_segment syn = {.from = &lb_client,
	                         .to = &lb_a,
	                         .tp_src = 1,
	                         .tp_dst = 22,
	                         .flags = FB_TCP_SYN,
	                         .has_vlan = true,
	                         .vlan_tci = 7};

	lb_syn(lb, 1, 1);
	/* On VLAN 7 nobody owns the address yet: asked there. */
	LB_SAYS(lb_tcp(lb, &syn),
	        LB_EVERYWHERE "0e:fb:00:00:00:01 > ff:ff:ff:ff:ff:ff vlan 7 arp who-has "
	                      "192.168.2.2 tell 0.0.0.0\n");
	lb_pass(lb, s_ns);
	lb_said(lb);
	/* A tag of priority alone is no VLAN. */
	syn.vlan_tci = 0xe000;
	syn.tp_src = 2;
	CU_ASSERT_EQUAL(receiver(lb_tcp(lb, &syn)), 2);
	lb_free(lb);
}

/* Its SYN went by the entries of the connection that had the ports before. */
static void a_connection_whose_syn_was_not_seen_is_known_by_its_syn_ack(void)
{
	struct lb *lb = lb_new("");
	struct fb_flow_mod entry;

	lb_syn(lb, 40000, 1000);
	lb_syn_ack(lb, &lb_a, 40000, 1000);
	entry = lb->flow_mod;
	lb_syn_ack(lb, &lb_a, 40000, 5000);
	lb_flow_removed(lb, &entry, OFPRR_IDLE_TIMEOUT);
	CU_ASSERT(lb_has(lb_syn(lb, 40000, 5000), "mod_dl_dst::02,output:2"));
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "retransmitted_syns"), 1);
	lb_free(lb);
}

/* A segment of a client elsewhere comes by router 4, and then, when that has died, by router 5. */
static void a_client_beyond_two_routers_comes_by_either(void)
{
	static const struct lb_host by_4 = {4, 77, 4}, by_5 = {5, 77, 5};
	struct lb *lb = lb_new("");
	struct lb_segment s = {.from = &by_4,
	                       .to = &lb_a,
	                       .tp_src = 40000,
	                       .tp_dst = LB_SERVICE,
	                       .flags = FB_TCP_SYN,
	                       .seq = 1000};

	lb_tcp(lb, &s);
	lb_tcp(lb, &(struct lb_segment){.from = &lb_a,
	                                .to = &by_4,
	                                .tp_src = LB_SERVICE,
	                                .tp_dst = 40000,
	                                .flags = FB_TCP_SYN | FB_TCP_ACK,
	                                .seq = 7000,
	                                .ack = 1001});
	s.flags = FB_TCP_ACK;
	s.from = &by_5;
	CU_ASSERT(lb_has(lb_tcp(lb, &s), "mod_dl_dst::02,output:2"));
	CU_ASSERT_EQUAL(lb_counter(lb, "strangers"), 0);
	lb_free(lb);
}

UNIT_TESTS("balancer_sessions", UNIT_TEST(connections_alternate_exactly),
           UNIT_TEST(three_owners_take_turns_in_the_order_in_which_they_were_found),
           UNIT_TEST(the_rotation_goes_by_index_mod_count_when_an_owner_joins),
           UNIT_TEST(ecn_bits_in_a_syn_do_not_matter), UNIT_TEST(what_is_not_a_syn_opens_nothing),
           UNIT_TEST(a_retransmitted_syn_keeps_its_backend),
           UNIT_TEST(a_retransmitted_syn_is_no_turn),
           UNIT_TEST(the_third_syn_without_an_answer_moves_the_session_once),
           UNIT_TEST(copies_of_a_syn_do_not_move_the_session),
           UNIT_TEST(an_answered_session_is_never_moved),
           UNIT_TEST(a_silent_backend_without_another_keeps_the_session),
           UNIT_TEST(a_late_syn_ack_of_a_backend_given_up_is_answered_with_rst),
           UNIT_TEST(other_segments_of_a_backend_given_up_are_not_passed_on),
           UNIT_TEST(a_refusal_is_an_answer),
           UNIT_TEST(a_backend_that_is_gone_is_replaced_at_the_next_syn),
           UNIT_TEST(all_servers_down_is_a_refusal),
           UNIT_TEST(data_in_a_refused_syn_is_acknowledged),
           UNIT_TEST(a_full_table_gives_up_the_oldest_unanswered_session),
           UNIT_TEST(a_table_full_of_live_sessions_refuses),
           UNIT_TEST(an_open_session_gives_way_when_its_entries_are_gone_and_no_other_can),
           UNIT_TEST(an_open_session_without_entries_never_gives_way),
           UNIT_TEST(a_session_never_gives_way_while_its_switch_is_away),
           UNIT_TEST(of_closed_sessions_the_oldest_gives_way_first),
           UNIT_TEST(an_unanswered_session_gives_way_before_a_closed_one),
           UNIT_TEST(a_move_probes_the_silent_backend_at_once),
           UNIT_TEST(a_syn_to_a_broadcast_mac_is_answered_with_the_backends_own),
           UNIT_TEST(after_its_end_a_connection_may_be_opened_from_the_other_side),
           UNIT_TEST(after_its_end_another_replica_may_use_the_ports),
           UNIT_TEST(an_unanswered_session_is_forgotten_after_its_client_has_given_up),
           UNIT_TEST(a_connection_that_a_replica_opens_gets_its_answers_back),
           UNIT_TEST(two_replicas_with_the_same_port_are_never_mixed),
           UNIT_TEST(a_client_whose_mac_was_replaced_keeps_its_session),
           UNIT_TEST(impossible_addresses_open_nothing), UNIT_TEST(sessions_of_two_vlans_are_apart),
           UNIT_TEST(a_connection_whose_syn_was_not_seen_is_known_by_its_syn_ack),
           UNIT_TEST(a_client_beyond_two_routers_comes_by_either))
