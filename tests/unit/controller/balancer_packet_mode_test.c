/* mode=packet: the article's component, each packet through the controller, with its faults mended.
 */
#include "tests/unit/controller/balancer_bench.h"

static const uint64_t s_ns = FB_NS_PER_S;

/* Session 'tp_src', answered by server_a. */
static void open_session(struct lb *lb, uint16_t tp_src)
{
	lb_syn(lb, tp_src, 1000);
	lb_syn_ack(lb, &lb_a, tp_src, 1000);
}

static void each_packet_goes_by_packet_out_with_the_rewritten_addresses(void)
{
	struct lb *lb = lb_new("mode=packet");

	lb_syn(lb, 9, 1);
	LB_SAYS(lb_syn(lb, 1, 1), "out #5 in 1: mod_dl_dst::03,output:3\n");
	/* The client had addressed server_a: it hears that MAC. */
	LB_SAYS(lb_syn_ack(lb, &lb_b, 1, 1),
	        "out #6 in 3: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	LB_SAYS(lb_to_server(lb, 1, FB_TCP_ACK), "out #7 in 1: mod_dl_dst::03,output:3\n");
	LB_SAYS(lb_to_client(lb, &lb_b, 1, FB_TCP_ACK | FB_TCP_PSH),
	        "out #8 in 3: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	LB_SAYS(lb_to_server(lb, 1, FB_TCP_FIN | FB_TCP_ACK),
	        "out #9 in 1: mod_dl_dst::03,output:3\n");
	LB_SAYS(lb_to_client(lb, &lb_b, 1, FB_TCP_FIN | FB_TCP_ACK),
	        "out #10 in 3: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	LB_SAYS(lb_to_server(lb, 1, FB_TCP_ACK), "out #11 in 1: mod_dl_dst::03,output:3\n");
	lb_free(lb);
}

static void no_flow_is_ever_installed_or_deleted(void)
{
	struct lb *lb = lb_new("mode=packet");

	open_session(lb, 1);
	lb_pass(lb, 10 * s_ns);
	CU_ASSERT(!lb_has(lb_to_server(lb, 1, FB_TCP_ACK), "add"));
	fake_switch_set_link(lb->sw, 2, false);
	LB_SAYS(lb_said(lb), "");
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 0);
	lb_free(lb);
}

static void sessions_survive_any_change_of_the_clients_arp_entry(void)
{
	struct lb *lb = lb_new("mode=packet");
	struct lb_segment ack = {
	        .from = &lb_client, .to = &lb_b, .tp_src = 1, .tp_dst = 22, .flags = FB_TCP_ACK};

	open_session(lb, 1);
	LB_SAYS(lb_tcp(lb, &ack), "out #6 in 1: mod_dl_dst::02,output:2\n");
	LB_SAYS(lb_to_client(lb, &lb_a, 1, FB_TCP_ACK),
	        "out #7 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

static void a_syn_with_another_initial_sequence_number_is_a_new_connection(void)
{
	struct lb *lb = lb_new("mode=packet");

	open_session(lb, 1);
	LB_SAYS(lb_syn(lb, 1, 2000), "out #6 in 1: mod_dl_dst::03,output:3\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 2);
	LB_SAYS(lb_syn_ack(lb, &lb_b, 1, 2000),
	        "out #7 in 3: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	/* The old server is no part of it. */
	LB_SAYS(lb_to_client(lb, &lb_a, 1, FB_TCP_ACK), "out #8 in 2: drop\n");
	lb_free(lb);
}

static void an_idle_but_living_session_is_kept_for_idle_timeout_and_grace(void)
{
	struct lb *lb = lb_new("mode=packet,idle_timeout=10s,grace=50s");

	open_session(lb, 1);
	lb_pass(lb, 59 * s_ns);
	lb_to_server(lb, 1, FB_TCP_ACK);
	lb_pass(lb, 60 * s_ns - 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 0);
	lb_pass(lb, 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 1);
	lb_free(lb);
}

static void after_fin_from_both_sides_a_session_is_kept_for_a_minute(void)
{
	struct lb *lb = lb_new("mode=packet");

	open_session(lb, 1);
	lb_to_server(lb, 1, FB_TCP_FIN | FB_TCP_ACK);
	lb_pass(lb, 61 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 0); /* half closed */
	lb_to_client(lb, &lb_a, 1, FB_TCP_FIN | FB_TCP_ACK);
	lb_pass(lb, 60 * s_ns - 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 0);
	lb_pass(lb, 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 1);
	lb_free(lb);
}

static void after_rst_a_session_is_kept_for_a_minute(void)
{
	struct lb *lb = lb_new("mode=packet");

	open_session(lb, 1);
	lb_to_server(lb, 1, FB_TCP_RST);
	lb_pass(lb, 60 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 1);
	lb_free(lb);
}

static void data_after_a_rst_show_that_the_session_lives(void)
{
	struct lb *lb = lb_new("mode=packet");

	open_session(lb, 1);
	lb_to_server(lb, 1, FB_TCP_RST);
	lb_tcp(lb, &(struct lb_segment){.from = &lb_a,
	                                .to = &lb_client,
	                                .tp_src = 22,
	                                .tp_dst = 1,
	                                .flags = FB_TCP_ACK,
	                                .data = "still here"});
	lb_pass(lb, 61 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 0);
	lb_free(lb);
}

static void closed_sessions_give_way_before_a_new_one_is_refused(void)
{
	struct lb *lb = lb_new("mode=packet,sessions_max=2");

	open_session(lb, 1);
	lb_to_server(lb, 1, FB_TCP_RST);
	lb_syn(lb, 2, 1);
	lb_syn_ack(lb, &lb_b, 2, 1);
	CU_ASSERT(lb_has(lb_syn(lb, 3, 1), "mod_dl_dst"));
	lb_syn_ack(lb, &lb_a, 3, 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_evicted"), 1);
	CU_ASSERT(lb_has(lb_syn(lb, 4, 1), "tcp R."));
	lb_free(lb);
}

UNIT_TESTS("balancer_packet_mode",
           UNIT_TEST(each_packet_goes_by_packet_out_with_the_rewritten_addresses),
           UNIT_TEST(no_flow_is_ever_installed_or_deleted),
           UNIT_TEST(sessions_survive_any_change_of_the_clients_arp_entry),
           UNIT_TEST(a_syn_with_another_initial_sequence_number_is_a_new_connection),
           UNIT_TEST(an_idle_but_living_session_is_kept_for_idle_timeout_and_grace),
           UNIT_TEST(after_fin_from_both_sides_a_session_is_kept_for_a_minute),
           UNIT_TEST(after_rst_a_session_is_kept_for_a_minute),
           UNIT_TEST(data_after_a_rst_show_that_the_session_lives),
           UNIT_TEST(closed_sessions_give_way_before_a_new_one_is_refused))
