/* What changes of the network mean to sessions: backends and clients that are lost with their port or
 * move, switches that go away. Three switches in a ring: s1:5 leads to s2:6, s2:5 to s3:6, s3:5 to
 * s1:6. The client is on s1, server_a on s2, server_b on s3; the first session is server_a's. */
#include "tests/unit/controller/network_bench.h"

/* Of session 1: the entries to the server and to the client. */
#define UP(in_port)                                                                                \
	"tcp,in_port=" #in_port                                                                    \
	",vlan_tci=0x0000,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=1,tp_dst=22"
#define DOWN_5                                                                                     \
	"tcp,in_port=5,vlan_tci=0x0000,nw_src=192.168.2.2,nw_dst=192.168.2.1,tp_src=22,tp_dst=1"
#define DOWN_FIRST_2                                                                               \
	"tcp,in_port=2,vlan_tci=0x0000,dl_src=:02,nw_src=192.168.2.2,nw_dst=192.168.2.1,"          \
	"tp_src=22,tp_dst=1"
#define UP_1 UP(1)
#define UP_6 UP(6)

/* A question to the client of session 1, whose number is outside of every window. */
#define QUESTION "s1 out frame: output:1: :02 > :01 192.168.2.2.22 > 192.168.2.1.1: tcp . "

static const uint64_t ms_ns = FB_NS_PER_MS, s_ns = FB_NS_PER_S;

static struct fake_switch *s1, *s2, *s3;

static struct nb *ring(const char *options)
{
	struct nb *nb = nb_new(options);

	s1 = nb_join(nb, 1);
	s2 = nb_join(nb, 2);
	s3 = nb_join(nb, 3);
	nb_link(nb, s1, 5, s2, 6);
	nb_link(nb, s2, 5, s3, 6);
	nb_link(nb, s3, 5, s1, 6);
	nb_begin(nb);
	nb_host(nb, &lb_client, s1);
	nb_host(nb, &lb_a, s2);
	nb_host(nb, &lb_b, s3);
	return nb;
}

/* With session 1, a second later. */
static struct nb *ring_with_session(const char *options)
{
	struct nb *nb = ring(options);

	nb_open(nb, s1, &lb_a, s2, 1);
	nb_pass(nb, s_ns);
	nb_said(nb);
	return nb;
}

/* Answer barriers until none comes; what was said meanwhile is of no interest. */
static void answer_all(struct nb *nb)
{
	nb_said(nb);
	for (int i = 0; i < 10 && nb->lb->barriers_count > 0; i++) {
		lb_answer_barriers(nb->lb, NULL);
		nb_said(nb);
	}
	CU_ASSERT_EQUAL(nb->lb->barriers_count, 0);
}

/* --- Backends --- */

static void a_backend_that_is_lost_with_its_port_loses_its_entries_on_every_switch(void)
{
	struct nb *nb = ring_with_session("on_failure=leave");

	nb_silence(nb, &lb_a);
	fake_switch_set_link(s2, 2, false);
	LB_SAYS(nb_said(nb), "s1 BARRIER_REQUEST\n"
	                     "s1 delete-strict " UP_1 "\n"
	                     "s1 delete-strict " DOWN_5 "\n"
	                     "s2 BARRIER_REQUEST\n"
	                     "s2 delete tcp,out_port=2\n"
	                     "s2 delete udp,out_port=2\n"
	                     "s2 delete-strict " UP_6 "\n"
	                     "s2 delete-strict " DOWN_FIRST_2 "\n");
	CU_ASSERT_EQUAL(nb_counter(nb, "failed"), 1);
	CU_ASSERT_EQUAL(nb_counter(nb, "resets_asked"), 0);
	/* It is left: neither moved to another backend, nor installed again. */
	nb_pass(nb, 2 * s_ns);
	nb_said(nb);
	LB_SAYS(nb_to_server(nb, s1, 1, FB_TCP_ACK), "s1 out #3 in 1: drop\n");
	CU_ASSERT_EQUAL(nb_counter(nb, "moved"), 0);
	nb_free(nb);
}

static void the_client_of_a_backend_that_is_lost_is_asked_for_its_numbers(void)
{
	struct nb *nb = ring_with_session("");
	const char *said;

	nb_silence(nb, &lb_a);
	fake_switch_set_link(s2, 2, false);
	nb_pass(nb, 0);
	said = nb_said(nb);
	CU_ASSERT(lb_has(said, "s1 delete-strict " UP_1 "\n"));
	CU_ASSERT(lb_has(said, QUESTION));
	CU_ASSERT(strstr(said, "s1 delete-strict " UP_1 "\n") < strstr(said, QUESTION));
	CU_ASSERT_EQUAL(nb_counter(nb, "resets_asked"), 1);
	/* It answers: that brings the number of the RST. */
	CU_ASSERT(lb_has(nb_to_server(nb, s1, 1, FB_TCP_ACK),
	                 "192.168.2.2.22 > 192.168.2.1.1: tcp R seq 7001 win 0\n"));
	CU_ASSERT_EQUAL(nb_counter(nb, "resets"), 1);
	nb_free(nb);
}

static void a_backend_that_falls_silent_loses_its_sessions_too(void)
{
	struct nb *nb = ring_with_session("on_failure=leave");
	const char *said;

	nb_silence(nb, &lb_a);
	nb_pass(nb, 6 * s_ns);
	CU_ASSERT(!lb_has(nb_said(nb), "delete"));
	nb_pass(nb, 4 * s_ns);
	said = nb_said(nb);
	CU_ASSERT(lb_has(said, "s1 delete-strict " UP_1 "\n"));
	CU_ASSERT(lb_has(said, "s2 delete-strict " DOWN_FIRST_2 "\n"));
	CU_ASSERT_EQUAL(nb_counter(nb, "failed"), 1);
	nb_free(nb);
}

static void other_backends_keep_their_sessions(void)
{
	struct nb *nb = ring_with_session("");

	nb_open(nb, s1, &lb_b, s3, 2);
	nb_pass(nb, s_ns);
	nb_said(nb);
	nb_silence(nb, &lb_a);
	fake_switch_set_link(s2, 2, false);
	nb_pass(nb, 20 * ms_ns);
	CU_ASSERT(!lb_has(nb_said(nb), "tp_src=2,"));
	CU_ASSERT_EQUAL(nb_counter(nb, "failed"), 1);
	nb_free(nb);
}

static void a_session_that_was_not_answered_does_not_fail_but_goes_to_another(void)
{
	struct nb *nb = ring("");

	CU_ASSERT(lb_has(nb_syn(nb, s1, 1), "s2 out frame: mod_dl_dst::02,output:2: "));
	nb_silence(nb, &lb_a);
	fake_switch_set_link(s2, 2, false);
	nb_pass(nb, s_ns);
	CU_ASSERT(!lb_has(nb_said(nb), "tcp"));
	CU_ASSERT_EQUAL(nb_counter(nb, "failed"), 0);
	CU_ASSERT(lb_has(nb_syn(nb, s1, 1), "s3 out frame: mod_dl_dst::03,output:3: "));
	CU_ASSERT_EQUAL(nb_counter(nb, "moved"), 1);
	nb_free(nb);
}

/* Its SYN is here before the next sweep is due. */
static void a_new_connection_on_the_ports_of_one_that_fails_finds_no_old_entries(void)
{
	struct nb *nb = ring_with_session("");
	const char *said;

	nb_silence(nb, &lb_a);
	fake_switch_set_link(s3, 1, false); /* a sweep */
	nb_pass(nb, ms_ns);
	fake_switch_set_link(s2, 2, false);
	CU_ASSERT(!lb_has(nb_said(nb), "s1 delete"));
	said = nb_tcp(nb, s1,
	              &(struct lb_segment){.from = &lb_client,
	                                   .to = &lb_a,
	                                   .tp_src = 1,
	                                   .tp_dst = 22,
	                                   .flags = FB_TCP_SYN,
	                                   .seq = 99});
	CU_ASSERT(lb_has(said, "s1 delete-strict " UP_1 "\n"));
	CU_ASSERT(lb_has(said, "s3 out frame: mod_dl_dst::03,output:3: "));
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(lb_entries(nb->lb, i == 0 ? s1 : i == 1 ? s2 : s3), 0);
	nb_free(nb);
}

static void a_session_fails_once_whatever_happens_then(void)
{
	struct nb *nb = ring_with_session("on_failure=leave");

	nb_silence(nb, &lb_a);
	fake_switch_set_link(s2, 2, false);
	for (int i = 0; i < 5; i++) {
		nb_pass(nb, s_ns);
		nb_set_link(s2, 5, s3, 6, i % 2);
	}
	nb_pass(nb, s_ns);
	nb_said(nb);
	CU_ASSERT_EQUAL(nb_counter(nb, "failed"), 1);
	nb_free(nb);
}

static void a_backend_that_is_back_has_its_sessions_and_may_fail_again(void)
{
	struct nb *nb = ring_with_session("on_failure=leave");
	const char *said;

	nb_silence(nb, &lb_a);
	fake_switch_set_link(s2, 2, false);
	nb_pass(nb, s_ns);
	fake_switch_set_link(s2, 2, true);
	nb_pass(nb, s_ns);
	nb_host(nb, &lb_a, s2);
	said = nb_to_client(nb, s2, &lb_a, 1, FB_TCP_ACK);
	CU_ASSERT(lb_has(said, "s2 add " UP_6 ": output:2\n"));
	answer_all(nb);
	fake_switch_set_link(s2, 2, false);
	CU_ASSERT(lb_has(nb_said(nb), "s1 delete-strict " UP_1 "\n"));
	CU_ASSERT_EQUAL(nb_counter(nb, "failed"), 2);
	nb_free(nb);
}

static void a_backend_that_moves_to_another_switch_takes_its_sessions_along(void)
{
	struct nb *nb = ring_with_session("");
	const char *said;

	fake_switch_set_link(s1, 5, false);
	nb_pass(nb, s_ns);
	answer_all(nb); /* s1, s3, s2 */
	nb_host(nb, &lb_a, s3);
	answer_all(nb);
	said = nb_to_server(nb, s1, 1, FB_TCP_ACK);
	CU_ASSERT(lb_has(said, "s3 out frame: mod_dl_dst::02,output:2: "));
	LB_SAYS(nb_walk_up(nb, s1, 1), "s1 s3:2");
	LB_SAYS(nb_walk_down(nb, s3, &lb_a, 1), "s3 s1:1");
	CU_ASSERT_EQUAL(lb_entries(nb->lb, s2), 0);
	CU_ASSERT_EQUAL(nb_counter(nb, "owners_moved"), 1);
	CU_ASSERT_EQUAL(nb_counter(nb, "rerouted"), 2);
	CU_ASSERT_EQUAL(nb_counter(nb, "failed"), 0);
	nb_free(nb);
}

/* --- Clients --- */

static void the_entries_of_a_client_that_is_gone_go_on_every_switch(void)
{
	struct nb *nb = ring_with_session("grace=5s");

	nb_silence(nb, &lb_client);
	fake_switch_set_link(s1, 1, false);
	LB_SAYS(nb_said(nb), "s1 BARRIER_REQUEST\n"
	                     "s1 delete tcp,out_port=1\n"
	                     "s1 delete udp,out_port=1\n"
	                     "s1 delete-strict " UP_1 "\n"
	                     "s1 delete-strict " DOWN_5 "\n"
	                     "s2 BARRIER_REQUEST\n"
	                     "s2 delete-strict " UP_6 "\n"
	                     "s2 delete-strict " DOWN_FIRST_2 "\n");
	CU_ASSERT_EQUAL(nb_counter(nb, "failed"), 0);
	/* It may come back; the session is kept for the grace time. */
	nb_pass(nb, 5 * s_ns - 1);
	CU_ASSERT_EQUAL(nb_counter(nb, "sessions_expired"), 0);
	nb_pass(nb, 1);
	CU_ASSERT_EQUAL(nb_counter(nb, "sessions_expired"), 1);
	nb_said(nb);
	nb_free(nb);
}

static void a_client_that_comes_back_elsewhere_goes_on(void)
{
	struct nb *nb = ring_with_session("");
	const char *said;

	fake_switch_set_link(s1, 1, false);
	nb_pass(nb, s_ns);
	nb_said(nb);
	nb_host(nb, &lb_client, s3);
	said = nb_to_server(nb, s3, 1, FB_TCP_ACK);
	CU_ASSERT(lb_has(said, "s2 out frame: mod_dl_dst::02,output:2: "));
	CU_ASSERT(lb_has(said, "s2 add " UP(5) ": output:2\n"));
	answer_all(nb);
	CU_ASSERT(lb_has(nb_to_client(nb, s2, &lb_a, 1, FB_TCP_ACK), "s3 out frame: "));
	LB_SAYS(nb_walk_down(nb, s2, &lb_a, 1), "s2 s3:1");
	CU_ASSERT_EQUAL(lb_entries(nb->lb, s1), 0);
	nb_free(nb);
}

/* --- Switches --- */

/* It forwards without the controller. */
static void while_a_switch_is_away_its_sessions_stay_as_they_are(void)
{
	struct fake_switch **const away[] = {&s1, &s2, &s3};

	for (int i = 0; i < 3; i++) {
		struct nb *nb = ring("");

		/* The long way, over s3, so that each of them is on it. */
		nb_set_link(s1, 5, s2, 6, false);
		nb_pass(nb, s_ns);
		nb_open(nb, s1, &lb_a, s2, 1);
		nb_pass(nb, s_ns);
		nb_said(nb);
		fake_switch_leave(*away[i]);
		nb_pass(nb, 50 * s_ns);
		LB_SAYS(nb_said(nb), "");
		CU_ASSERT_EQUAL(nb_counter(nb, "failed"), 0);
		CU_ASSERT_EQUAL(nb_counter(nb, "owners_lost"), 0);
		nb_free(nb);
	}
}

/* For longer than entries live without packets: those on the others are there as long as they say
 * nothing. */
static void while_a_switch_is_away_the_others_say_when_entries_are_gone(void)
{
	struct nb *nb = ring("idle_timeout=10s,grace=20s");
	struct fb_flow_mod entries[2];

	nb_set_link(s1, 5, s2, 6, false);
	nb_pass(nb, s_ns);
	nb_syn(nb, s1, 1);
	nb_syn_ack(nb, s2, &lb_a, 1);
	lb_answer_barriers(nb->lb, NULL);
	lb_said_by(nb->lb, s1);
	entries[0] = nb->lb->flow_mod;
	lb_said_by(nb->lb, s2);
	entries[1] = nb->lb->flow_mod;
	CU_ASSERT(entries[0].match.in_port == 1 && entries[1].match.in_port == 2);
	fake_switch_leave(s3);
	nb_pass(nb, 100 * s_ns);
	LB_SAYS(nb_said(nb), "");
	CU_ASSERT_EQUAL(nb_counter(nb, "sessions_expired"), 0);
	lb_switch_to(nb->lb, s1);
	lb_flow_removed(nb->lb, &entries[0], OFPRR_IDLE_TIMEOUT);
	lb_switch_to(nb->lb, s2);
	lb_flow_removed(nb->lb, &entries[1], OFPRR_IDLE_TIMEOUT);
	nb_pass(nb, 20 * s_ns);
	CU_ASSERT_EQUAL(nb_counter(nb, "sessions_expired"), 1);
	nb_said(nb);
	nb_free(nb);
}

static void a_switch_that_is_away_and_cut_off_is_gone_around(void)
{
	struct nb *nb = ring_with_session("");

	/* server_a has a second home, and moves there when its switch dies. */
	fake_switch_leave(s2);
	nb_pass(nb, s_ns);
	LB_SAYS(nb_said(nb), "");
	fake_switch_set_link(s1, 5, false);
	fake_switch_set_link(s3, 6, false);
	nb_pass(nb, s_ns);
	CU_ASSERT(lb_has(nb_said(nb), "s1 delete-strict " UP_1 "\n"));
	nb_host(nb, &lb_a, s3);
	CU_ASSERT(lb_has(nb_to_client(nb, s3, &lb_a, 1, FB_TCP_ACK), "s3 add " UP(5) ": output:2"));
	answer_all(nb);
	CU_ASSERT_EQUAL(nb_counter(nb, "failed"), 0);
	nb_free(nb);
}

static void a_dead_switch_in_the_middle_is_gone_around_when_its_ports_go_down(void)
{
	struct nb *nb = ring_with_session("");

	/* The way is over s3 now; then it dies, and the other link is back. */
	nb_set_link(s1, 5, s2, 6, false);
	nb_pass(nb, 100 * ms_ns);
	answer_all(nb);
	fake_switch_leave(s3);
	nb_pass(nb, 100 * ms_ns);
	LB_SAYS(nb_said(nb), "");
	fake_switch_set_link(s1, 6, false);
	fake_switch_set_link(s2, 5, false);
	nb_set_link(s1, 5, s2, 6, true);
	nb_pass(nb, 100 * ms_ns);
	nb_said(nb);
	lb_answer_barriers(nb->lb, NULL);
	nb_pass(nb, 2 * s_ns);
	nb_said(nb);
	/* What was gone in between is back with the next packet. */
	CU_ASSERT(lb_has(nb_to_server(nb, s1, 1, FB_TCP_ACK), "s2 add " UP_6 ": output:2\n"));
	nb_free(nb);
}

static void a_switch_that_is_back_finds_its_sessions_where_they_were(void)
{
	struct nb *nb = ring_with_session("");
	struct fake_switch *again;

	fake_switch_leave(s2);
	nb_pass(nb, s_ns);
	again = nb_join_again(nb, s2);
	nb_pass(nb, 10 * ms_ns); /* its ports are not known yet */
	CU_ASSERT(!lb_has(nb_said(nb), "delete"));
	nb_pass(nb, s_ns);
	answer_all(nb);
	CU_ASSERT_EQUAL(nb_counter(nb, "mended"), 1); /* it came without entries */
	LB_SAYS(nb_walk_up(nb, s1, 1), "s1 s2:2");
	LB_SAYS(nb_walk_down(nb, again, &lb_a, 1), "s2 s1:1");
	CU_ASSERT(lb_has(nb_to_client(nb, again, &lb_a, 1, FB_TCP_ACK), "s1 out frame: "));
	CU_ASSERT_EQUAL(nb_counter(nb, "failed"), 0);
	nb_free(nb);
}

/* --- Often --- */

static void a_port_that_flaps_brings_no_more_than_a_sweep_in_a_while(void)
{
	struct nb *nb = ring_with_session("");
	uint64_t rerouted;

	for (int i = 0; i < 50; i++) {
		fake_switch_set_link(s1, 5, false);
		fake_switch_set_link(s1, 5, true);
	}
	rerouted = nb_counter(nb, "rerouted");
	CU_ASSERT(rerouted <= 1);
	nb_pass(nb, s_ns);
	answer_all(nb);
	CU_ASSERT(lb_has(nb_to_server(nb, s1, 1, FB_TCP_ACK), "s2 out frame: mod_dl_dst::02"));
	nb_free(nb);
}

static void where_nobody_is_connected_a_dead_port_costs_no_flow_mod(void)
{
	struct nb *nb = ring("");

	fake_switch_set_link(s2, 3, false);
	nb_set_link(s1, 5, s2, 6, false);
	nb_pass(nb, s_ns);
	LB_SAYS(nb_said(nb), "");
	nb_free(nb);
}

UNIT_TESTS("balancer_sweep",
           UNIT_TEST(a_backend_that_is_lost_with_its_port_loses_its_entries_on_every_switch),
           UNIT_TEST(the_client_of_a_backend_that_is_lost_is_asked_for_its_numbers),
           UNIT_TEST(a_backend_that_falls_silent_loses_its_sessions_too),
           UNIT_TEST(other_backends_keep_their_sessions),
           UNIT_TEST(a_session_that_was_not_answered_does_not_fail_but_goes_to_another),
           UNIT_TEST(a_new_connection_on_the_ports_of_one_that_fails_finds_no_old_entries),
           UNIT_TEST(a_session_fails_once_whatever_happens_then),
           UNIT_TEST(a_backend_that_is_back_has_its_sessions_and_may_fail_again),
           UNIT_TEST(a_backend_that_moves_to_another_switch_takes_its_sessions_along),
           UNIT_TEST(the_entries_of_a_client_that_is_gone_go_on_every_switch),
           UNIT_TEST(a_client_that_comes_back_elsewhere_goes_on),
           UNIT_TEST(while_a_switch_is_away_its_sessions_stay_as_they_are),
           UNIT_TEST(while_a_switch_is_away_the_others_say_when_entries_are_gone),
           UNIT_TEST(a_switch_that_is_away_and_cut_off_is_gone_around),
           UNIT_TEST(a_dead_switch_in_the_middle_is_gone_around_when_its_ports_go_down),
           UNIT_TEST(a_switch_that_is_back_finds_its_sessions_where_they_were),
           UNIT_TEST(a_port_that_flaps_brings_no_more_than_a_sweep_in_a_while),
           UNIT_TEST(where_nobody_is_connected_a_dead_port_costs_no_flow_mod))
