/* The entries of a session over several switches: installed in an order in which no packet outruns
 * them, moved without a gap, removed at once.
 *
 * The client is on s1, server_a on the last switch. In a line s1:5 leads to s2:6, s2:5 to s3:6; in a
 * triangle s3:5 leads to s1:6, too. */
#include "tests/unit/controller/network_bench.h"

/* Of session 1: the entries to the server and to the client, and the server's SYN-ACK. */
#define UP(in_port)                                                                                \
	"tcp,in_port=" #in_port                                                                    \
	",vlan_tci=0x0000,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=1,tp_dst=22"
#define DOWN(in_port)                                                                              \
	"tcp,in_port=" #in_port                                                                    \
	",vlan_tci=0x0000,nw_src=192.168.2.2,nw_dst=192.168.2.1,tp_src=22,tp_dst=1"
#define DOWN_FIRST(in_port)                                                                        \
	"tcp,in_port=" #in_port ",vlan_tci=0x0000,dl_src=:02,nw_src=192.168.2.2,"                  \
	"nw_dst=192.168.2.1,tp_src=22,tp_dst=1"
#define DOWN_5       DOWN(5)
#define DOWN_6       DOWN(6)
#define DOWN_FIRST_2 DOWN_FIRST(2)
#define UP_1         UP(1)
#define UP_5         UP(5)
#define UP_6         UP(6)
#define TO_CLIENT    "mod_dl_src::02,mod_dl_dst::01,"
#define SYN_ACK      ": :02 > :01 192.168.2.2.22 > 192.168.2.1.1: tcp S. seq 7000 ack 2 win 65535\n"

static const uint64_t ms_ns = FB_NS_PER_MS, s_ns = FB_NS_PER_S;

static struct fake_switch *s1, *s2, *s3;

/* s1 and s2. */
static struct nb *two(const char *options)
{
	struct nb *nb = nb_new(options);

	s1 = nb_join(nb, 1);
	s2 = nb_join(nb, 2);
	nb_link(nb, s1, 5, s2, 6);
	nb_begin(nb);
	nb_host(nb, &lb_client, s1);
	nb_host(nb, &lb_a, s2);
	return nb;
}

/* s1, s2 and s3, with server_a on 'server_at'. */
static struct nb *three(const char *options, bool triangle, int server_at)
{
	struct nb *nb = nb_new(options);

	s1 = nb_join(nb, 1);
	s2 = nb_join(nb, 2);
	s3 = nb_join(nb, 3);
	nb_link(nb, s1, 5, s2, 6);
	nb_link(nb, s2, 5, s3, 6);
	if (triangle)
		nb_link(nb, s3, 5, s1, 6);
	nb_begin(nb);
	nb_host(nb, &lb_client, s1);
	nb_host(nb, &lb_a, server_at == 2 ? s2 : s3);
	return nb;
}

static unsigned count_of(const char *said, const char *text)
{
	unsigned count = 0;

	for (const char *at = said; (at = strstr(at, text)); at++)
		count++;
	return count;
}

/* --- Installing --- */

static void a_syn_goes_out_at_the_switch_of_its_backend_and_installs_nothing(void)
{
	struct nb *nb = two("");

	LB_SAYS(nb_syn(nb, s1, 1), "s1 out #1 in 1: drop\n"
	                           "s2 out frame: mod_dl_dst::02,output:2: :01 > :02 "
	                           "192.168.2.1.1 > 192.168.2.2.22: tcp S seq 1 win 65535\n");
	CU_ASSERT_EQUAL(nb_counter(nb, "entries_installed"), 0);
	nb_free(nb);
}

static void entries_further_on_come_first_then_barriers_then_the_first_ones_then_the_packet(void)
{
	struct nb *nb = two("");

	nb_syn(nb, s1, 1);
	LB_SAYS(nb_syn_ack(nb, s2, &lb_a, 1), "s1 add " DOWN_5 ": output:1\n"
	                                      "s1 BARRIER_REQUEST\n"
	                                      "s2 add " UP_6 ": output:2\n"
	                                      "s2 BARRIER_REQUEST\n");
	lb_answer_barriers(nb->lb, NULL);
	LB_SAYS(nb_said(nb), "s1 add " UP_1 ": mod_dl_dst::02,output:5\n"
	                     "s1 out frame: " TO_CLIENT "output:1" SYN_ACK "s2 add " DOWN_FIRST_2
	                     ": " TO_CLIENT "output:6\n"
	                     "s2 out #2 in 2: drop\n");
	CU_ASSERT_EQUAL(nb_counter(nb, "entries_installed"), 4);
	CU_ASSERT_EQUAL(nb_counter(nb, "installs_waited"), 1);
	CU_ASSERT_EQUAL(nb_counter(nb, "answered"), 1);
	nb_free(nb);
}

static void a_switch_in_the_middle_has_entries_that_rewrite_nothing(void)
{
	struct nb *nb = three("", false, 3);

	nb_syn(nb, s1, 1);
	LB_SAYS(nb_syn_ack(nb, s3, &lb_a, 1), "s1 add " DOWN_5 ": output:1\n"
	                                      "s1 BARRIER_REQUEST\n"
	                                      "s2 add " UP_6 ": output:5\n"
	                                      "s2 add " DOWN_5 ": output:6\n"
	                                      "s2 BARRIER_REQUEST\n"
	                                      "s3 add " UP_6 ": output:2\n"
	                                      "s3 BARRIER_REQUEST\n");
	lb_answer_barriers(nb->lb, NULL);
	LB_SAYS(nb_said(nb), "s1 add " UP_1 ": mod_dl_dst::02,output:5\n"
	                     "s1 out frame: " TO_CLIENT "output:1" SYN_ACK "s3 add " DOWN_FIRST_2
	                     ": " TO_CLIENT "output:6\n"
	                     "s3 out #2 in 2: drop\n");
	nb_free(nb);
}

static void all_entries_of_a_session_have_one_cookie_a_timeout_and_tell_of_their_end(void)
{
	struct nb *nb = three("idle_timeout=7s", false, 3);
	uint64_t cookie = 0;

	nb_syn(nb, s1, 1);
	for (int round = 0; round < 2; round++) {
		if (round == 0)
			nb_syn_ack(nb, s3, &lb_a, 1);
		else
			lb_answer_barriers(nb->lb, NULL);
		for (size_t i = 0; i < 3; i++) {
			struct fake_switch *const sws[] = {s1, s2, s3};

			lb_said_by(nb->lb, sws[i]);
			if (!cookie)
				cookie = nb->lb->cookie;
			CU_ASSERT_EQUAL(nb->lb->cookie, cookie);
			CU_ASSERT_EQUAL(nb->lb->flow_mod.idle_timeout, 7);
			CU_ASSERT_EQUAL(nb->lb->flow_mod.flags, OFPFF_SEND_FLOW_REM);
		}
	}
	CU_ASSERT_EQUAL(nb_counter(nb, "entries_installed"), 6);
	nb_free(nb);
}

static void the_syn_ack_waits_until_every_barrier_is_answered(void)
{
	struct nb *nb = three("", false, 3);

	nb_syn(nb, s1, 1);
	nb_syn_ack(nb, s3, &lb_a, 1);
	lb_answer_barriers(nb->lb, s3);
	LB_SAYS(nb_said(nb), "");
	lb_answer_barriers(nb->lb, s1);
	LB_SAYS(nb_said(nb), "");
	lb_answer_barriers(nb->lb, s2);
	CU_ASSERT_EQUAL(count_of(nb_said(nb), SYN_ACK), 1);
	nb_pass(nb, 10 * s_ns);
	CU_ASSERT(!lb_has(nb_said(nb), "add"));
	CU_ASSERT_EQUAL(nb_counter(nb, "installs_late"), 0);
	nb_free(nb);
}

static void a_barrier_that_is_answered_twice_or_by_another_switch_counts_once(void)
{
	struct nb *nb = two("");
	struct fb_msg reply = {.version = OFP_VERSION, .type = OFPT_BARRIER_REPLY};

	nb_syn(nb, s1, 1);
	nb_syn_ack(nb, s2, &lb_a, 1);
	CU_ASSERT_EQUAL_FATAL(nb->lb->barriers_count, 2);
	reply.xid = nb->lb->barriers[0].xid;
	fake_switch_send(s1, &reply);
	fake_switch_send(s1, &reply);
	reply.xid ^= 1; /* nobody's */
	fake_switch_send(s1, &reply);
	LB_SAYS(nb_said(nb), "");
	reply.xid = nb->lb->barriers[1].xid;
	fake_switch_send(s2, &reply);
	CU_ASSERT(lb_has(nb_said(nb), SYN_ACK));
	fake_switch_send(s2, &reply);
	LB_SAYS(nb_said(nb), "");
	nb_free(nb);
}

static void a_syn_ack_without_buffer_is_kept_with_its_bytes_and_leaves_once(void)
{
	struct nb *nb = two("");
	const char *said;

	nb->lb->unbuffered = true;
	nb_syn(nb, s1, 1);
	CU_ASSERT(!lb_has(nb_syn_ack(nb, s2, &lb_a, 1), " out "));
	lb_answer_barriers(nb->lb, NULL);
	said = nb_said(nb);
	CU_ASSERT_EQUAL(count_of(said, " out "), 1);
	CU_ASSERT(lb_has(said, "s1 out frame: " TO_CLIENT "output:1" SYN_ACK));
	nb_free(nb);
}

static void a_barrier_that_is_not_answered_in_time_is_not_waited_for_any_longer(void)
{
	struct nb *nb = two("barrier_timeout=100ms");

	nb_syn(nb, s1, 1);
	nb_syn_ack(nb, s2, &lb_a, 1);
	lb_answer_barriers(nb->lb, s1);
	nb_pass(nb, 100 * ms_ns - 1);
	LB_SAYS(nb_said(nb), "");
	nb_pass(nb, 1);
	LB_SAYS(nb_said(nb), "s1 add " UP_1 ": mod_dl_dst::02,output:5\n"
	                     "s1 out frame: " TO_CLIENT "output:1" SYN_ACK "s2 add " DOWN_FIRST_2
	                     ": " TO_CLIENT "output:6\n"
	                     "s2 out #2 in 2: drop\n");
	CU_ASSERT_EQUAL(nb_counter(nb, "installs_late"), 1);
	lb_answer_barriers(nb->lb, s2); /* late */
	LB_SAYS(nb_said(nb), "");
	nb_free(nb);
}

static void what_else_the_session_sends_meanwhile_is_passed_on_and_installs_nothing(void)
{
	struct nb *nb = two("");

	nb_syn(nb, s1, 1);
	nb_syn_ack(nb, s2, &lb_a, 1);
	LB_SAYS(nb_to_client(nb, s2, &lb_a, 1, FB_TCP_ACK),
	        "s1 out frame: " TO_CLIENT "output:1: :02 > :01 192.168.2.2.22 > 192.168.2.1.1: "
	        "tcp . seq 7000 ack 2 win 65535\n"
	        "s2 out #3 in 2: drop\n");
	LB_SAYS(nb_to_server(nb, s1, 1, FB_TCP_ACK),
	        "s1 out #4 in 1: drop\n"
	        "s2 out frame: mod_dl_dst::02,output:2: :01 > :02 192.168.2.1.1 > "
	        "192.168.2.2.22: tcp . seq 1 ack 7001 win 65535\n");
	CU_ASSERT_EQUAL(nb_counter(nb, "entries_installed"), 2);
	lb_answer_barriers(nb->lb, NULL);
	CU_ASSERT_EQUAL(count_of(nb_said(nb), "add"), 2);
	nb_free(nb);
}

static void entries_that_are_installed_again_let_no_packet_wait(void)
{
	struct nb *nb = two("");
	const char *said;

	nb_open(nb, s1, &lb_a, s2, 1);
	nb_pass(nb, 2 * s_ns);
	nb_said(nb);
	said = nb_to_server(nb, s1, 1, FB_TCP_ACK);
	CU_ASSERT_EQUAL(count_of(said, "add"), 2);
	CU_ASSERT(lb_has(said, "s1 out #3 in 1: drop\n"));
	CU_ASSERT(lb_has(said, "s2 out frame: mod_dl_dst::02,output:2: "));
	lb_answer_barriers(nb->lb, NULL);
	CU_ASSERT_EQUAL(count_of(nb_said(nb), "add"), 2);
	nb_free(nb);
}

static void at_the_limit_entries_go_in_the_same_order_without_waiting(void)
{
	struct nb *nb = two("installs_max=1");
	const char *said;

	nb_syn(nb, s1, 1);
	nb_syn(nb, s1, 2);
	CU_ASSERT_EQUAL(count_of(nb_syn_ack(nb, s2, &lb_a, 2), "BARRIER"), 2);
	said = nb_syn_ack(nb, s2, &lb_a, 1);
	LB_SAYS(said, "s1 add " DOWN_5 ": output:1\n"
	              "s1 add " UP_1 ": mod_dl_dst::02,output:5\n"
	              "s1 out frame: " TO_CLIENT "output:1" SYN_ACK "s2 add " UP_6 ": output:2\n"
	              "s2 add " DOWN_FIRST_2 ": " TO_CLIENT "output:6\n"
	              "s2 out #4 in 2: drop\n");
	CU_ASSERT_EQUAL(nb_counter(nb, "installs_full"), 1);
	lb_answer_barriers(nb->lb, NULL);
	CU_ASSERT_EQUAL(count_of(nb_said(nb), "add"), 2); /* those of the other */
	nb_free(nb);
}

static void exact_entries_further_on_match_what_the_first_ones_have_rewritten(void)
{
	static const struct lb_host named = {9, 2, 0};
	struct nb *nb = two("entries=exact");

	nb_tcp(nb, s1,
	       &(struct lb_segment){.from = &lb_client,
	                            .to = &lb_a,
	                            .to_mac = &named,
	                            .tp_src = 1,
	                            .tp_dst = 22,
	                            .flags = FB_TCP_SYN,
	                            .seq = 1});
	nb_syn_ack(nb, s2, &lb_a, 1);
	CU_ASSERT_EQUAL(nb->lb->flow_mod.match.wildcards, 0); /* at s2, from the client */
	CU_ASSERT_EQUAL(nb->lb->flow_mod.match.in_port, 6);
	CU_ASSERT_EQUAL(fb_mac_to_u64(nb->lb->flow_mod.match.dl_src), UINT64_C(0x020000000001));
	CU_ASSERT_EQUAL(fb_mac_to_u64(nb->lb->flow_mod.match.dl_dst), UINT64_C(0x020000000002));
	nb_pass(nb, 2 * s_ns); /* too late now */
	lb_said_by(nb->lb, s1);
	CU_ASSERT_EQUAL(nb->lb->flow_mod.match.in_port, 1); /* at s1, from the client */
	CU_ASSERT_EQUAL(fb_mac_to_u64(nb->lb->flow_mod.match.dl_dst), UINT64_C(0x020000000009));
	lb_said_by(nb->lb, s2);
	CU_ASSERT_EQUAL(fb_mac_to_u64(nb->lb->flow_mod.match.dl_src), UINT64_C(0x020000000002));
	CU_ASSERT_EQUAL(fb_mac_to_u64(nb->lb->flow_mod.match.dl_dst), UINT64_C(0x020000000001));
	nb_free(nb);
}

static void without_entries_each_packet_goes_out_at_the_other_end(void)
{
	struct nb *nb = three("mode=packet", false, 3);

	nb_syn(nb, s1, 1);
	LB_SAYS(nb_syn_ack(nb, s3, &lb_a, 1),
	        "s1 out frame: " TO_CLIENT "output:1" SYN_ACK "s3 out #2 in 2: drop\n");
	CU_ASSERT_EQUAL(nb_counter(nb, "entries_installed"), 0);
	nb_free(nb);
}

/* --- Packets on their way --- */

static void a_packet_that_comes_from_a_link_goes_on_and_tells_nothing_of_its_sender(void)
{
	struct nb *nb = three("", false, 3);

	nb_open(nb, s1, &lb_a, s3, 1);
	/* s2 has not got its entries yet, or not any more. */
	LB_SAYS(nb_tcp(nb, s2,
	               &(struct lb_segment){.from = &lb_client,
	                                    .to = &lb_a,
	                                    .tp_src = 1,
	                                    .tp_dst = 22,
	                                    .flags = FB_TCP_ACK,
	                                    .in_port = 6}),
	        "s2 out #3 in 6: drop\n"
	        "s3 out frame: mod_dl_dst::02,output:2: :01 > :02 192.168.2.1.1 > "
	        "192.168.2.2.22: tcp . seq 0 ack 0 win 65535\n");
	/* From the MAC that the client had addressed, which is no station's. */
	CU_ASSERT(lb_has(nb_tcp(nb, s2,
	                        &(struct lb_segment){.from = &lb_b,
	                                             .to = &lb_client,
	                                             .tp_src = 22,
	                                             .tp_dst = 1,
	                                             .flags = FB_TCP_ACK,
	                                             .in_port = 5}),
	                 "s1 out frame: " TO_CLIENT "output:1: "));
	CU_ASSERT_EQUAL(nb_counter(nb, "owners_moved"), 0);
	CU_ASSERT_EQUAL(nb_counter(nb, "owners_found"), 2);
	CU_ASSERT_EQUAL(nb_counter(nb, "strangers"), 0);
	nb_free(nb);
}

static void a_frame_of_which_the_beginning_came_goes_towards_the_next_switch(void)
{
	struct nb *nb = three("mode=packet", false, 3);
	uint8_t bytes[NB_FRAME_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_PACKET_IN};

	lb_build(&frame, &(struct lb_segment){.from = &lb_client,
	                                      .to = &lb_a,
	                                      .tp_src = 1,
	                                      .tp_dst = 22,
	                                      .flags = FB_TCP_SYN,
	                                      .data = "0123456789"});
	msg.packet_in = (struct fb_of_packet_in){.buffer_id = 77,
	                                         .total_len = (uint16_t)frame.len,
	                                         .in_port = 1,
	                                         .data = {frame.data, frame.len - 8}};
	fake_switch_send(s1, &msg);
	LB_SAYS(nb_said(nb), "s1 out #77 in 1: mod_dl_dst::02,output:5\n");
	/* There it comes in by a link, with its new address. */
	msg.packet_in.in_port = 6;
	fake_switch_send(s2, &msg);
	LB_SAYS(nb_said(nb), "s2 out #77 in 6: mod_dl_dst::02,output:5\n");
	CU_ASSERT_EQUAL(nb_counter(nb, "sessions"), 1);
	nb_free(nb);
}

/* --- Something happens meanwhile --- */

static void a_switch_that_leaves_is_not_waited_for(void)
{
	struct nb *nb = three("", false, 3);

	nb_syn(nb, s1, 1);
	nb_syn_ack(nb, s3, &lb_a, 1);
	lb_answer_barriers(nb->lb, s1);
	lb_answer_barriers(nb->lb, s3);
	LB_SAYS(nb_said(nb), "");
	fake_switch_leave(s2);
	LB_SAYS(nb_said(nb), "s1 add " UP_1 ": mod_dl_dst::02,output:5\n"
	                     "s3 add " DOWN_FIRST_2 ": " TO_CLIENT "output:6\n"
	                     "s3 out #2 in 2: drop\n");
	nb_free(nb);
}

static void what_waits_is_forgotten_with_the_switch_that_has_it(void)
{
	struct nb *nb = two("");

	nb_syn(nb, s1, 1);
	nb_syn_ack(nb, s2, &lb_a, 1);
	fake_switch_leave(s2);
	LB_SAYS(nb_said(nb), "");
	lb_answer_barriers(nb->lb, s1);
	LB_SAYS(nb_said(nb), "s1 add " UP_1 ": mod_dl_dst::02,output:5\n");
	nb_pass(nb, 10 * s_ns);
	nb_free(nb);
}

/* It may have given its buffers to other packets by then. */
static void what_waits_is_not_released_when_its_switch_is_back(void)
{
	struct nb *nb = two("");

	nb_syn(nb, s1, 1);
	nb_syn_ack(nb, s2, &lb_a, 1);
	fake_switch_leave(s2);
	s2 = nb_join_again(nb, s2);
	nb_pass(nb, 500 * ms_ns);
	lb_answer_barriers(nb->lb, s1);
	CU_ASSERT(!lb_has(nb_said(nb), "out #2"));
	nb_pass(nb, 10 * s_ns);
	CU_ASSERT(!lb_has(nb_said(nb), "out #2"));
	nb_free(nb);
}

/* 'sw' refuses the last flow-mod that was read. */
static void refuse(struct nb *nb, struct fake_switch *sw)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_ERROR, .xid = 0x02000001};
	uint8_t bytes[72] = {OFP_VERSION, OFPT_FLOW_MOD, 0, 72};

	fb_match_encode(bytes + 8, &nb->lb->flow_mod.match);
	fb_set64(bytes + 48, nb->lb->flow_mod.cookie);
	msg.error.type = OFPET_FLOW_MOD_FAILED;
	msg.error.code = OFPFMFC_ALL_TABLES_FULL;
	msg.error.data = (struct fb_view){bytes, sizeof bytes};
	fake_switch_send(sw, &msg);
}

static void entries_that_are_refused_are_followed_by_no_first_ones(void)
{
	struct nb *nb = two("");

	nb_syn(nb, s1, 1);
	nb_syn_ack(nb, s2, &lb_a, 1);
	refuse(nb, s2);
	nb->lb->flow_mod.match.nw_src = lb_ip(2); /* that of s1, in the other direction */
	nb->lb->flow_mod.match.nw_dst = lb_ip(1);
	nb->lb->flow_mod.match.tp_src = 22;
	nb->lb->flow_mod.match.tp_dst = 1;
	refuse(nb, s1);
	CU_ASSERT_EQUAL(nb_counter(nb, "entries_failed"), 2);
	nb_said(nb); /* what was installed goes */
	lb_answer_barriers(nb->lb, NULL);
	LB_SAYS(nb_said(nb),
	        "s1 out frame: " TO_CLIENT "output:1" SYN_ACK "s2 out #2 in 2: drop\n");
	nb_free(nb);
}

/* Session 1, of which s2 has refused the first entry to the client; s1 has '*further_on'. */
static struct nb *refused(struct fb_flow_mod *further_on)
{
	struct nb *nb = two("");

	nb_syn(nb, s1, 1);
	nb_syn_ack(nb, s2, &lb_a, 1);
	lb_said_by(nb->lb, s1);
	*further_on = nb->lb->flow_mod;
	lb_answer_barriers(nb->lb, NULL);
	nb_said(nb);
	refuse(nb, s2);
	return nb;
}

static void what_others_took_of_a_direction_that_is_refused_goes(void)
{
	struct fb_flow_mod further_on;
	struct nb *nb = refused(&further_on);

	LB_SAYS(nb_said(nb), "s1 BARRIER_REQUEST\n"
	                     "s1 delete-strict " DOWN_5 "\n"
	                     "s2 BARRIER_REQUEST\n"
	                     "s2 delete-strict " DOWN_FIRST_2 "\n");
	CU_ASSERT_EQUAL(lb_entries(nb->lb, s1), 1); /* those of the other direction */
	CU_ASSERT_EQUAL(lb_entries(nb->lb, s2), 1);
	refuse(nb, s2); /* once is enough */
	LB_SAYS(nb_said(nb), "");
	nb_free(nb);
}

/* Else a full table would be tried again with every packet. */
static void what_goes_for_a_refusal_does_not_hasten_the_next_install(void)
{
	struct fb_flow_mod further_on;
	struct nb *nb = refused(&further_on);

	nb_said(nb);
	lb_switch_to(nb->lb, s1);
	lb_flow_removed(nb->lb, &further_on, OFPRR_DELETE);
	CU_ASSERT_EQUAL(nb_counter(nb, "entries_removed"), 1);
	CU_ASSERT(!lb_has(nb_to_client(nb, s2, &lb_a, 1, FB_TCP_ACK), "add"));
	nb_pass(nb, s_ns);
	nb_said(nb);
	CU_ASSERT_EQUAL(count_of(nb_to_client(nb, s2, &lb_a, 1, FB_TCP_ACK), "add"), 2);
	lb_answer_barriers(nb->lb, NULL);
	CU_ASSERT_EQUAL(count_of(nb_said(nb), "add"), 2);
	nb_free(nb);
}

/* By a port that flaps, before the session is looked at. */
static void what_is_deleted_at_one_switch_goes_at_the_others_and_what_expires_does_not(void)
{
	for (int expires = 0; expires < 2; expires++) {
		struct nb *nb = two("");
		struct fb_flow_mod further_on;

		nb_syn(nb, s1, 1);
		nb_syn_ack(nb, s2, &lb_a, 1);
		further_on = nb->lb->flow_mod;
		lb_answer_barriers(nb->lb, NULL);
		nb_said(nb);
		lb_switch_to(nb->lb, s2);
		lb_flow_removed(nb->lb, &further_on, expires ? OFPRR_IDLE_TIMEOUT : OFPRR_DELETE);
		LB_SAYS(nb_said(nb), expires ? "" : "s1 BARRIER_REQUEST\n"
		                                    "s1 delete-strict " UP_1 "\n"
		                                    "s2 BARRIER_REQUEST\n"
		                                    "s2 delete-strict " UP_6 "\n");
		CU_ASSERT_EQUAL(lb_entries(nb->lb, s1), expires ? 2 : 1);
		nb_free(nb);
	}
}

static void an_install_ends_with_its_session(void)
{
	struct nb *nb = two("sessions_max=1");

	nb_syn(nb, s1, 1);
	nb_syn_ack(nb, s2, &lb_a, 1);
	refuse(nb, s2);
	nb->lb->flow_mod.match.nw_src = lb_ip(2);
	nb->lb->flow_mod.match.nw_dst = lb_ip(1);
	nb->lb->flow_mod.match.tp_src = 22;
	nb->lb->flow_mod.match.tp_dst = 1;
	refuse(nb, s1);
	/* It gives way to another one; what waited is dropped. */
	CU_ASSERT(lb_has(nb_syn(nb, s1, 2), "s2 out #2 in 2: drop\n"));
	CU_ASSERT_EQUAL(nb_counter(nb, "sessions_evicted"), 1);
	lb_answer_barriers(nb->lb, NULL);
	LB_SAYS(nb_said(nb), "");
	nb_free(nb);
}

static void a_session_that_fails_while_it_is_installed_releases_what_waits(void)
{
	struct nb *nb = two("on_failure=leave");
	const char *said;

	nb_silence(nb, &lb_a);
	nb_syn(nb, s1, 1);
	nb_syn_ack(nb, s2, &lb_a, 1);
	fake_switch_set_link(s2, 2, false);
	nb_pass(nb, 20 * ms_ns);
	said = nb_said(nb);
	CU_ASSERT(lb_has(said, "s2 out #2 in 2: drop\n"));
	CU_ASSERT(lb_has(said, "s1 delete-strict " DOWN_5 "\n"));
	CU_ASSERT(lb_has(said, "s2 delete-strict " UP_6 "\n"));
	CU_ASSERT(!lb_has(said, "add"));
	lb_answer_barriers(nb->lb, NULL);
	LB_SAYS(nb_said(nb), "");
	nb_pass(nb, 10 * s_ns);
	CU_ASSERT(!lb_has(nb_said(nb), "add"));
	nb_free(nb);
}

/* The number of an install is used again, by the next one. */
static void a_late_answer_does_not_count_for_another_session(void)
{
	struct nb *nb = two("barrier_timeout=100ms");
	struct lb_barrier late[2];
	struct fb_msg reply = {.version = OFP_VERSION, .type = OFPT_BARRIER_REPLY};

	nb_syn(nb, s1, 1);
	nb_syn(nb, s1, 2);
	nb_syn_ack(nb, s2, &lb_a, 1);
	CU_ASSERT_EQUAL_FATAL(nb->lb->barriers_count, 2);
	memcpy(late, nb->lb->barriers, sizeof late);
	nb->lb->barriers_count = 0;
	nb_pass(nb, 100 * ms_ns);
	nb_said(nb);
	nb_syn_ack(nb, s2, &lb_a, 2);
	for (int i = 0; i < 2; i++) {
		reply.xid = late[i].xid;
		fake_switch_send(late[i].sw, &reply);
	}
	LB_SAYS(nb_said(nb), "");
	lb_answer_barriers(nb->lb, NULL);
	CU_ASSERT_EQUAL(count_of(nb_said(nb), "add"), 2);
	nb_free(nb);
}

static void what_is_installed_is_not_installed_again_however_long_it_takes(void)
{
	struct nb *nb = two("barrier_timeout=10s");

	nb_syn(nb, s1, 1);
	nb_syn_ack(nb, s2, &lb_a, 1);
	nb_pass(nb, 5 * s_ns);
	CU_ASSERT(!lb_has(nb_to_server(nb, s1, 1, FB_TCP_ACK), "add"));
	lb_answer_barriers(nb->lb, NULL);
	CU_ASSERT_EQUAL(count_of(nb_said(nb), "add"), 2);
	nb_free(nb);
}

/* --- Moving --- */

static void a_link_that_goes_down_moves_its_sessions_new_entries_first(void)
{
	struct nb *nb = three("", true, 2);

	nb_open(nb, s1, &lb_a, s2, 1);
	nb_pass(nb, s_ns);
	nb_said(nb);
	fake_switch_set_link(s1, 5, false);
	LB_SAYS(nb_said(nb), "s1 add " DOWN_6 ": output:1\n"
	                     "s1 BARRIER_REQUEST\n"
	                     "s1 delete tcp,out_port=5\n"
	                     "s1 delete udp,out_port=5\n"
	                     "s2 add " UP_5 ": output:2\n"
	                     "s2 BARRIER_REQUEST\n"
	                     "s3 add " UP_5 ": output:6\n"
	                     "s3 add " DOWN_6 ": output:5\n"
	                     "s3 BARRIER_REQUEST\n");
	lb_answer_barriers(nb->lb, NULL);
	/* The first entries have the match of the old ones, and so replace them. */
	LB_SAYS(nb_said(nb), "s1 BARRIER_REQUEST\n" /* deleted there before */
	                     "s1 add " UP_1 ": mod_dl_dst::02,output:6\n"
	                     "s1 BARRIER_REQUEST\n"
	                     "s2 add " DOWN_FIRST_2 ": " TO_CLIENT "output:5\n"
	                     "s2 BARRIER_REQUEST\n");
	lb_answer_barriers(nb->lb, s2);
	LB_SAYS(nb_said(nb), "");
	lb_answer_barriers(nb->lb, s1);
	LB_SAYS(nb_said(nb), "s1 delete-strict " DOWN_5 "\n"
	                     "s2 delete-strict " UP_6 "\n");
	CU_ASSERT_EQUAL(nb_counter(nb, "rerouted"), 1);
	/* The other end says the same. */
	fake_switch_set_link(s2, 6, false);
	nb_pass(nb, s_ns);
	LB_SAYS(nb_said(nb), "s2 delete tcp,out_port=6\ns2 delete udp,out_port=6\n");
	CU_ASSERT_EQUAL(nb_counter(nb, "rerouted"), 1);
	nb_free(nb);
}

/* The switch reports the end of the old entries as well: they are not the current ones. */
static void old_entries_that_go_do_not_end_the_session(void)
{
	struct nb *nb = three("grace=5s", true, 2);
	struct fb_flow_mod old;

	nb_syn(nb, s1, 1);
	nb_syn_ack(nb, s2, &lb_a, 1);
	lb_answer_barriers(nb->lb, NULL);
	lb_said_by(nb->lb, s1);
	old = nb->lb->flow_mod;
	CU_ASSERT_EQUAL(old.match.in_port, 1);
	nb_pass(nb, s_ns);
	fake_switch_set_link(s1, 5, false);
	lb_switch_to(nb->lb, s1);
	lb_flow_removed(nb->lb, &old, OFPRR_DELETE);
	for (int i = 0; i < 3; i++) {
		nb_said(nb);
		lb_answer_barriers(nb->lb, NULL);
	}
	nb_pass(nb, 30 * s_ns);
	CU_ASSERT_EQUAL(nb_counter(nb, "flow_removed_ignored"), 1);
	CU_ASSERT_EQUAL(nb_counter(nb, "sessions_expired"), 0);
	nb_free(nb);
}

static void a_shorter_way_is_taken_when_there_is_one(void)
{
	struct nb *nb = three("", true, 2);

	nb_set_link(s1, 5, s2, 6, false);
	nb_pass(nb, s_ns);
	nb_open(nb, s1, &lb_a, s2, 1);
	nb_pass(nb, s_ns);
	nb_said(nb);
	nb_set_link(s1, 5, s2, 6, true);
	nb_pass(nb, 100 * ms_ns);
	LB_SAYS(nb_said(nb), "s1 add " DOWN_5 ": output:1\n"
	                     "s1 BARRIER_REQUEST\n"
	                     "s2 add " UP_6 ": output:2\n"
	                     "s2 BARRIER_REQUEST\n");
	lb_answer_barriers(nb->lb, NULL);
	CU_ASSERT_EQUAL(count_of(nb_said(nb), "add"), 2);
	lb_answer_barriers(nb->lb, NULL);
	LB_SAYS(nb_said(nb), "s1 delete-strict " DOWN_6 "\n"
	                     "s2 delete-strict " UP_5 "\n"
	                     "s3 delete-strict " UP_5 "\n"
	                     "s3 delete-strict " DOWN_6 "\n");
	nb_free(nb);
}

/* Whichever switch answers first, packets on their way are never led astray. */
static void while_a_session_is_moved_its_packets_find_one_way_or_the_other(void)
{
	static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
	                                {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	for (size_t i = 0; i < 6; i++) {
		struct nb *nb = three("", true, 2);
		struct fake_switch *const sws[] = {s1, s2, s3};

		nb_set_link(s1, 5, s2, 6, false);
		nb_pass(nb, s_ns);
		nb_open(nb, s1, &lb_a, s2, 1);
		LB_SAYS(nb_walk_up(nb, s1, 1), "s1 s3 s2:2");
		LB_SAYS(nb_walk_down(nb, s2, &lb_a, 1), "s2 s3 s1:1");
		nb_set_link(s1, 5, s2, 6, true);
		nb_pass(nb, 100 * ms_ns);
		nb_said(nb);
		for (unsigned step = 0; step < 6; step++) {
			const char *way = nb_walk_up(nb, s1, 1);

			CU_ASSERT(!strcmp(way, "s1 s3 s2:2") || !strcmp(way, "s1 s2:2"));
			way = nb_walk_down(nb, s2, &lb_a, 1);
			CU_ASSERT(!strcmp(way, "s2 s3 s1:1") || !strcmp(way, "s2 s1:1"));
			lb_answer_barriers(nb->lb, sws[orders[i][step % 3]]);
			nb_said(nb);
		}
		LB_SAYS(nb_walk_up(nb, s1, 1), "s1 s2:2");
		LB_SAYS(nb_walk_down(nb, s2, &lb_a, 1), "s2 s1:1");
		CU_ASSERT_EQUAL(lb_entries(nb->lb, s1) + lb_entries(nb->lb, s2), 4);
		CU_ASSERT_EQUAL(lb_entries(nb->lb, s3), 0);
		nb_free(nb);
	}
}

static void where_no_way_is_left_all_entries_go_at_once_and_the_session_stays(void)
{
	struct nb *nb = three("", false, 3);

	nb_open(nb, s1, &lb_a, s3, 1);
	nb_pass(nb, s_ns);
	nb_said(nb);
	fake_switch_set_link(s2, 5, false);
	LB_SAYS(nb_said(nb), "s1 BARRIER_REQUEST\n"
	                     "s1 delete-strict " UP_1 "\n"
	                     "s1 delete-strict " DOWN_5 "\n"
	                     "s2 delete-strict " UP_6 "\n"
	                     "s2 delete-strict " DOWN_5 "\n"
	                     "s3 BARRIER_REQUEST\n"
	                     "s3 delete-strict " UP_6 "\n"
	                     "s3 "
	                     "delete-strict " DOWN_FIRST_2 "\n");
	LB_SAYS(nb_to_server(nb, s1, 1, FB_TCP_ACK), "s1 out #3 in 1: drop\n");
	CU_ASSERT_EQUAL(nb_counter(nb, "no_path"), 1);
	fake_switch_set_link(s3, 6, false);
	/* The way is back, and so are the entries with the next packet. */
	nb_set_link(s2, 5, s3, 6, true);
	nb_pass(nb, 2 * s_ns);
	nb_said(nb);
	CU_ASSERT_EQUAL(count_of(nb_to_server(nb, s1, 1, FB_TCP_ACK), "add"), 4);
	CU_ASSERT_EQUAL(nb_counter(nb, "sessions"), 1);
	nb_free(nb);
}

static void a_client_that_moves_to_another_switch_takes_its_sessions_along(void)
{
	struct nb *nb = three("", false, 2);

	nb_open(nb, s1, &lb_a, s2, 1);
	nb_pass(nb, s_ns);
	nb_said(nb);
	nb_host(nb, &lb_client, s3);
	lb_answer_barriers(nb->lb, NULL);
	nb_said(nb);
	lb_answer_barriers(nb->lb, NULL);
	LB_SAYS(nb_said(nb), "s1 BARRIER_REQUEST\n"
	                     "s1 delete-strict " UP_1 "\n"
	                     "s1 delete-strict " DOWN_5 "\n"
	                     "s2 delete-strict " UP_6 "\n");
	CU_ASSERT_EQUAL(nb_counter(nb, "rerouted"), 1);
	/* Both on one switch: one hop. */
	nb_host(nb, &lb_client, s2);
	nb_pass(nb, 20 * ms_ns);
	LB_SAYS(nb_said(nb), "s2 BARRIER_REQUEST\n"
	                     "s2 add " UP_1 ": mod_dl_dst::02,output:2\n"
	                     "s2 add " DOWN_FIRST_2 ": " TO_CLIENT "output:1\n"
	                     "s2 BARRIER_REQUEST\n");
	lb_answer_barriers(nb->lb, NULL);
	LB_SAYS(nb_said(nb), "s2 delete-strict " UP_5 "\n"
	                     "s3 delete-strict " UP_1 "\n"
	                     "s3 delete-strict " DOWN_6 "\n");
	nb_free(nb);
}

static void a_session_that_is_moved_again_before_it_was_ends_the_first_move_first(void)
{
	struct fb_msg reply = {.version = OFP_VERSION, .type = OFPT_BARRIER_REPLY};
	struct nb *nb = three("", true, 2);
	struct lb_barrier late[3];
	const char *said;
	size_t count;

	nb_open(nb, s1, &lb_a, s2, 1);
	nb_pass(nb, s_ns);
	nb_said(nb);
	fake_switch_set_link(s1, 5, false); /* to the long way */
	nb_said(nb);
	nb_pass(nb, 30 * ms_ns);
	nb_said(nb);
	count = nb->lb->barriers_count;
	CU_ASSERT_EQUAL_FATAL(count, 3);
	memcpy(late, nb->lb->barriers, sizeof late);
	nb_host(nb, &lb_client, s3); /* to another one, before a barrier was answered */
	/* The first move is over: nobody listens to its barriers any more. */
	memmove(nb->lb->barriers, nb->lb->barriers + count,
	        (nb->lb->barriers_count - count) * sizeof late[0]);
	nb->lb->barriers_count -= count;
	for (size_t i = 0; i < count; i++) {
		reply.xid = late[i].xid;
		fake_switch_send(late[i].sw, &reply);
	}
	LB_SAYS(nb_said(nb), "");
	for (int i = 0; i < 4; i++) {
		lb_answer_barriers(nb->lb, NULL);
		said = nb_said(nb);
	}
	LB_SAYS(said, "");
	CU_ASSERT_EQUAL(nb_counter(nb, "rerouted"), 2);
	LB_SAYS(nb_walk_up(nb, s3, 1), "s3 s2:2");
	LB_SAYS(nb_walk_down(nb, s2, &lb_a, 1), "s2 s3:1");
	CU_ASSERT_EQUAL(lb_entries(nb->lb, s1), 0);
	CU_ASSERT_EQUAL(lb_entries(nb->lb, s2), 2);
	CU_ASSERT_EQUAL(lb_entries(nb->lb, s3), 2);
	nb_free(nb);
}

UNIT_TESTS(
        "balancer_paths",
        UNIT_TEST(a_syn_goes_out_at_the_switch_of_its_backend_and_installs_nothing),
        UNIT_TEST(entries_further_on_come_first_then_barriers_then_the_first_ones_then_the_packet),
        UNIT_TEST(a_switch_in_the_middle_has_entries_that_rewrite_nothing),
        UNIT_TEST(all_entries_of_a_session_have_one_cookie_a_timeout_and_tell_of_their_end),
        UNIT_TEST(the_syn_ack_waits_until_every_barrier_is_answered),
        UNIT_TEST(a_barrier_that_is_answered_twice_or_by_another_switch_counts_once),
        UNIT_TEST(a_syn_ack_without_buffer_is_kept_with_its_bytes_and_leaves_once),
        UNIT_TEST(a_barrier_that_is_not_answered_in_time_is_not_waited_for_any_longer),
        UNIT_TEST(what_else_the_session_sends_meanwhile_is_passed_on_and_installs_nothing),
        UNIT_TEST(entries_that_are_installed_again_let_no_packet_wait),
        UNIT_TEST(at_the_limit_entries_go_in_the_same_order_without_waiting),
        UNIT_TEST(exact_entries_further_on_match_what_the_first_ones_have_rewritten),
        UNIT_TEST(without_entries_each_packet_goes_out_at_the_other_end),
        UNIT_TEST(a_packet_that_comes_from_a_link_goes_on_and_tells_nothing_of_its_sender),
        UNIT_TEST(a_frame_of_which_the_beginning_came_goes_towards_the_next_switch),
        UNIT_TEST(a_switch_that_leaves_is_not_waited_for),
        UNIT_TEST(what_waits_is_forgotten_with_the_switch_that_has_it),
        UNIT_TEST(what_waits_is_not_released_when_its_switch_is_back),
        UNIT_TEST(entries_that_are_refused_are_followed_by_no_first_ones),
        UNIT_TEST(what_others_took_of_a_direction_that_is_refused_goes),
        UNIT_TEST(what_goes_for_a_refusal_does_not_hasten_the_next_install),
        UNIT_TEST(what_is_deleted_at_one_switch_goes_at_the_others_and_what_expires_does_not),
        UNIT_TEST(an_install_ends_with_its_session),
        UNIT_TEST(a_session_that_fails_while_it_is_installed_releases_what_waits),
        UNIT_TEST(a_late_answer_does_not_count_for_another_session),
        UNIT_TEST(what_is_installed_is_not_installed_again_however_long_it_takes),
        UNIT_TEST(a_link_that_goes_down_moves_its_sessions_new_entries_first),
        UNIT_TEST(old_entries_that_go_do_not_end_the_session),
        UNIT_TEST(a_shorter_way_is_taken_when_there_is_one),
        UNIT_TEST(while_a_session_is_moved_its_packets_find_one_way_or_the_other),
        UNIT_TEST(where_no_way_is_left_all_entries_go_at_once_and_the_session_stays),
        UNIT_TEST(a_client_that_moves_to_another_switch_takes_its_sessions_along),
        UNIT_TEST(a_session_that_is_moved_again_before_it_was_ends_the_first_move_first))
