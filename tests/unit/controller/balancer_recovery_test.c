/* Segments of sessions that the controller does not know: to whom they go, and how it is found out
 * who has the connection. */
#include "tests/unit/controller/balancer_bench.h"
#include "tests/unit/controller/fake_network.h"

static const uint64_t s_ns = FB_NS_PER_S, ms_ns = FB_NS_PER_MS;

/* Behind port 4, a further owner of the shared address; and one of that of lb_other. */
static const struct lb_host lb_other_too = {6, 5, 6};

/* Time in which not all owners may be known yet. */
static void grow_old(struct lb *lb)
{
	lb_pass(lb, 10 * s_ns);
	lb_said(lb);
}

/* Both addresses were asked for a while ago; the next buffer is #6. */
static void ask_for_both(struct lb *lb)
{
	lb_syn(lb, 60000, 1);
	lb_tcp(lb, &(struct lb_segment){.from = &lb_a,
	                                .to = &lb_client,
	                                .tp_src = 60001,
	                                .tp_dst = LB_SERVICE,
	                                .flags = FB_TCP_SYN});
	lb_pass(lb, s_ns);
	lb_said(lb);
}

/* Two servers, a controller that has been there for long, and addresses that it watches. */
static struct lb *new_ready(const char *options)
{
	struct lb *lb = lb_new(options);

	grow_old(lb);
	ask_for_both(lb);
	return lb;
}

/* The client's segment in mid-connection with the next byte 'seq'. */
static const char *client_sends(struct lb *lb, uint16_t tp_src, const char *data)
{
	return lb_tcp(lb, &(struct lb_segment){.from = &lb_client,
	                                       .to = &lb_a,
	                                       .tp_src = tp_src,
	                                       .tp_dst = LB_SERVICE,
	                                       .flags = FB_TCP_ACK,
	                                       .seq = 1000,
	                                       .ack = 7001,
	                                       .data = data});
}

/* What 'server' answers to it, with 'flags'. */
static const char *server_says(struct lb *lb, const struct lb_host *server, uint16_t tp_src,
                               uint8_t flags)
{
	return lb_tcp(lb, &(struct lb_segment){.from = server,
	                                       .to = &lb_client,
	                                       .tp_src = LB_SERVICE,
	                                       .tp_dst = tp_src,
	                                       .flags = flags,
	                                       .seq = 7001,
	                                       .ack = 1000});
}

static const char *server_refuses(struct lb *lb, const struct lb_host *server, uint16_t tp_src)
{
	return server_says(lb, server, tp_src, FB_TCP_RST);
}

/* --- Several candidates --- */

static void a_stray_is_shown_to_each_candidate_and_to_nobody_else(void)
{
	struct lb *lb = new_ready("");
	const uint64_t flooded = lb_counter(lb, "flooded");

	LB_SAYS(client_sends(lb, 101, "x"), "out frame: mod_dl_dst::02,output:2: :01 > :02 "
	                                    "192.168.2.1.101 > 192.168.2.2.22: tcp "
	                                    ". seq 1000 ack 7001 win 65535 len 1\n"
	                                    "out #6 in 1: mod_dl_dst::03,output:3\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_probed"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "flooded"), flooded);
	lb_free(lb);
}

static void who_refuses_is_excluded_and_who_remains_gets_what_follows(void)
{
	struct lb *lb = new_ready("");

	client_sends(lb, 101, "");
	LB_SAYS(server_refuses(lb, &lb_a, 101), "out #7 in 2: drop\n");
	LB_SAYS(client_sends(lb, 101, ""), "out #8 in 1: mod_dl_dst::03,output:3\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 0);
	/* Only its answer brings entries. */
	LB_SAYS(server_says(lb, &lb_b, 101, FB_TCP_ACK),
	        "add tcp,in_port=1,vlan_tci=0x0000,nw_src=192.168.2.1,nw_dst=192.168.2.2,"
	        "tp_src=101,tp_dst=22: mod_dl_dst::03,output:3\n"
	        "add tcp,in_port=3,vlan_tci=0x0000,dl_src=:03,nw_src=192.168.2.2,"
	        "nw_dst=192.168.2.1,tp_src=22,tp_dst=101: "
	        "mod_dl_src::02,mod_dl_dst::01,output:1\n"
	        "out #9 in 3: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 1);
	lb_free(lb);
}

static void who_answers_otherwise_is_the_backend_at_once(void)
{
	struct lb *lb = new_ready("mode=packet");

	client_sends(lb, 101, "");
	LB_SAYS(server_says(lb, &lb_b, 101, FB_TCP_ACK),
	        "out #7 in 3: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 1);
	LB_SAYS(client_sends(lb, 101, ""), "out #8 in 1: mod_dl_dst::03,output:3\n");
	/* The other one comes too late, whatever it says. */
	LB_SAYS(server_says(lb, &lb_a, 101, FB_TCP_ACK), "out #9 in 2: drop\n");
	LB_SAYS(server_refuses(lb, &lb_a, 101), "out #10 in 2: drop\n");
	LB_SAYS(client_sends(lb, 101, ""), "out #11 in 1: mod_dl_dst::03,output:3\n");
	lb_free(lb);
}

static void a_late_syn_ack_of_one_of_several_goes_nowhere(void)
{
	struct lb *lb = new_ready("");
	const uint64_t dropped = lb_counter(lb, "strays_dropped");

	LB_SAYS(server_says(lb, &lb_b, 101, FB_TCP_SYN | FB_TCP_ACK), "out #6 in 3: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_dropped"), dropped + 1);
	lb_free(lb);
	/* No entry tells which sessions were answered before. */
	lb = new_ready("mode=packet");
	LB_SAYS(server_says(lb, &lb_b, 101, FB_TCP_SYN | FB_TCP_ACK),
	        "out #6 in 3: mod_dl_src::03,mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

static void who_answered_a_syn_elsewhere_is_found_out(void)
{
	struct lb *lb = new_ready("");

	lb_syn(lb, 101, 999);
	lb_said(lb);
	/* The client acknowledges what did not come by here. */
	LB_SAYS(client_sends(lb, 101, "x"), "out frame: mod_dl_dst::02,output:2: :01 > :02 "
	                                    "192.168.2.1.101 > 192.168.2.2.22: tcp "
	                                    ". seq 1000 ack 7001 win 65535 len 1\n"
	                                    "out #7 in 1: mod_dl_dst::03,output:3\n");
	CU_ASSERT(lb_has(server_refuses(lb, &lb_a, 101), "in 2: drop\n"));
	CU_ASSERT(lb_has(server_says(lb, &lb_b, 101, FB_TCP_ACK), "add "));
	lb_free(lb);
}

/* A copy of its SYN that was damaged on its way came after it, with other numbers. */
static void a_damaged_copy_of_the_syn_does_not_make_strays(void)
{
	struct lb *lb = new_ready("");
	const char *said = lb_syn(lb, 101, 999);

	CU_ASSERT(lb_has(said, "mod_dl_dst::03,output:3\n"));
	lb_syn(lb, 102, 5);
	said = lb_syn(lb, 101, 999 ^ 0x34000000);
	CU_ASSERT(lb_has(said, "mod_dl_dst::03,output:3\n"));
	lb_said(lb);
	CU_ASSERT(lb_has(server_says(lb, &lb_b, 101, FB_TCP_SYN | FB_TCP_ACK),
	                 "mod_dl_src::02,mod_dl_dst::01,output:1\n"));
	said = client_sends(lb, 101, "x");
	CU_ASSERT(lb_has(said, "mod_dl_dst::03,output:3\n"));
	CU_ASSERT(!lb_has(said, "output:2"));
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_probed"), 0);
	lb_free(lb);
}

static void an_answer_brings_the_entries(void)
{
	struct lb *lb = new_ready("");

	CU_ASSERT(!lb_has(client_sends(lb, 101, ""), "add "));
	CU_ASSERT(lb_has(server_says(lb, &lb_b, 101, FB_TCP_ACK), "add "));
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 2);
	lb_free(lb);
}

static void when_all_refuse_the_last_refusal_is_passed_on(void)
{
	struct lb *lb = new_ready("");

	client_sends(lb, 101, "");
	LB_SAYS(server_refuses(lb, &lb_b, 101), "out #7 in 3: drop\n");
	/* Who remained is taken for the backend, and what it says is passed on. */
	LB_SAYS(server_refuses(lb, &lb_a, 101),
	        "out #8 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 0);
	lb_free(lb);
}

static void of_two_that_refuse_at_once_one_refusal_is_passed_on(void)
{
	struct lb *lb = lb_new("");

	lb_announce(lb, &lb_c);
	grow_old(lb);
	lb_syn(lb, 60000, 1);
	lb_pass(lb, s_ns);
	lb_said(lb);
	client_sends(lb, 101, "");
	CU_ASSERT(lb_has(server_refuses(lb, &lb_b, 101), "in 3: drop\n"));
	CU_ASSERT(lb_has(server_refuses(lb, &lb_b, 101), "in 3: drop\n"));
	CU_ASSERT(lb_has(server_refuses(lb, &lb_c, 101), "in 4: drop\n"));
	CU_ASSERT(
	        lb_has(server_refuses(lb, &lb_a, 101), "mod_dl_src::02,mod_dl_dst::01,output:1\n"));
	CU_ASSERT(lb_has(client_sends(lb, 101, ""), "mod_dl_dst::02,output:2\n"));
	lb_free(lb);
}

static void what_follows_goes_to_those_that_are_not_excluded(void)
{
	struct lb *lb = lb_new("");
	const char *said;

	lb_announce(lb, &lb_c);
	grow_old(lb);
	lb_syn(lb, 60000, 1);
	lb_pass(lb, s_ns);
	lb_said(lb);
	client_sends(lb, 101, "x");
	server_refuses(lb, &lb_b, 101);
	said = client_sends(lb, 101, "y");
	CU_ASSERT(lb_has(said, "out frame: mod_dl_dst::02,output:2: "));
	CU_ASSERT(lb_has(said, "in 1: mod_dl_dst::04,output:4\n"));
	CU_ASSERT(!lb_has(said, "output:3"));
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_probed"), 2);
	/* Whatever it says now. */
	CU_ASSERT(lb_has(server_says(lb, &lb_b, 101, FB_TCP_ACK), "in 3: drop\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 0);
	lb_free(lb);
}

static void when_nobody_remains_the_connection_is_no_more(void)
{
	struct lb *lb = new_ready("");

	client_sends(lb, 101, "");
	fake_switch_set_link(lb->sw, 3, false);
	lb_pass(lb, 2 * s_ns);
	lb_said(lb);
	LB_SAYS(server_refuses(lb, &lb_a, 101),
	        "out #7 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered_none"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 0);
	/* It is kept for a minute, as all that have ended are, and gets no entries. */
	LB_SAYS(client_sends(lb, 101, ""), "out #8 in 1: mod_dl_dst::02,output:2\n");
	lb_free(lb);
}

static void drained_owners_are_candidates_too(void)
{
	static const char *const drain[] = {"drain", "192.168.2.2", "02:00:00:00:00:02"};
	struct lb *lb = new_ready("");
	char answer[256];
	struct fb_text t = fb_text_make(answer, sizeof answer);

	CU_ASSERT_EQUAL(
	        controller_command(lb->bench->ctl, "balancer", drain, 3, &t, lb->bench->now_ns), 0);
	CU_ASSERT(lb_has(client_sends(lb, 101, ""), "mod_dl_dst::02,output:2"));
	lb_free(lb);
}

static void owners_that_are_found_meanwhile_are_candidates_too(void)
{
	struct lb *lb = new_ready("");
	const char *said;

	client_sends(lb, 101, "");
	lb_announce(lb, &lb_c);
	LB_SAYS(server_refuses(lb, &lb_a, 101), "out #8 in 2: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 0);
	said = client_sends(lb, 101, "");
	CU_ASSERT(lb_has(said, "mod_dl_dst::03,output:3"));
	CU_ASSERT(lb_has(said, "mod_dl_dst::04,output:4"));
	LB_SAYS(server_refuses(lb, &lb_b, 101), "out #10 in 3: drop\n");
	CU_ASSERT(lb_has(server_says(lb, &lb_c, 101, FB_TCP_ACK), "in 4: mod_dl_src"));
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 1);
	lb_free(lb);
}

static void an_owner_that_is_gone_is_no_candidate_any_more(void)
{
	struct lb *lb = new_ready("");

	client_sends(lb, 101, "");
	fake_switch_set_link(lb->sw, 2, false);
	lb_said(lb);
	LB_SAYS(client_sends(lb, 101, ""), "out #7 in 1: mod_dl_dst::03,output:3\n");
	lb_free(lb);
}

static void an_answer_of_another_connection_does_not_count(void)
{
	struct lb *lb = new_ready("");
	struct lb_segment challenge = {.from = &lb_a,
	                               .to = &lb_client,
	                               .tp_src = LB_SERVICE,
	                               .tp_dst = 101,
	                               .flags = FB_TCP_ACK,
	                               .seq = 0x50000000,
	                               .ack = 1000};

	client_sends(lb, 101, "");
	LB_SAYS(lb_tcp(lb, &challenge), "out #7 in 2: drop\n");
	challenge.seq = 7001;
	challenge.ack = 0x80000000;
	LB_SAYS(lb_tcp(lb, &challenge), "out #8 in 2: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "strangers"), 2);
	CU_ASSERT(lb_has(server_says(lb, &lb_b, 101, FB_TCP_ACK), "output:1\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 1);
	lb_free(lb);
}

static void numbers_may_wrap_around(void)
{
	struct lb *lb = new_ready("");
	struct lb_segment s = {.from = &lb_client,
	                       .to = &lb_a,
	                       .tp_src = 101,
	                       .tp_dst = LB_SERVICE,
	                       .flags = FB_TCP_ACK,
	                       .seq = 0xfffffff0,
	                       .ack = 5};
	struct lb_segment answer = {.from = &lb_b,
	                            .to = &lb_client,
	                            .tp_src = LB_SERVICE,
	                            .tp_dst = 101,
	                            .flags = FB_TCP_ACK,
	                            .seq = 0xfffffffb,
	                            .ack = 10};

	lb_tcp(lb, &s);
	CU_ASSERT(lb_has(lb_tcp(lb, &answer), "output:1\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 1);
	lb_free(lb);
}

static void segments_of_strangers_take_no_part(void)
{
	struct lb *lb = new_ready("");
	struct lb_segment other = {.from = &(struct lb_host){5, 2, 5},
	                           .to = &lb_client,
	                           .tp_src = LB_SERVICE,
	                           .tp_dst = 101,
	                           .flags = FB_TCP_ACK};
	struct lb_segment twin = {.from = &(struct lb_host){6, 1, 6},
	                          .to = &lb_a,
	                          .tp_src = 101,
	                          .tp_dst = LB_SERVICE,
	                          .flags = FB_TCP_ACK};

	client_sends(lb, 101, "");
	server_says(lb, &lb_b, 101, FB_TCP_ACK); /* so it is the backend */
	client_sends(lb, 102, "");
	/* Somebody else who says that it has the client's address; the client has it, too. */
	LB_SAYS((twin.tp_src = 102, lb_tcp(lb, &twin)), "out #9 in 6: drop\n");
	/* And a server that is excluded. */
	server_refuses(lb, &lb_a, 102);
	LB_SAYS(server_says(lb, &lb_a, 102, FB_TCP_ACK), "out #11 in 2: drop\n");
	other.tp_dst = 101;
	CU_ASSERT(lb_has(lb_tcp(lb, &other), "drop\n"));
	lb_free(lb);
}

static void a_syn_begins_anew(void)
{
	struct lb *lb = new_ready("");

	client_sends(lb, 101, "");
	CU_ASSERT(lb_has(lb_syn(lb, 101, 5), "out #7 in 1: mod_dl_dst::0"));
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 3);
	lb_free(lb);
}

static void a_replica_that_opens_with_the_same_ports_is_refused(void)
{
	struct lb *lb = new_ready("");

	client_sends(lb, 101, "");
	CU_ASSERT(lb_has(server_says(lb, &lb_a, 101, FB_TCP_SYN), "tcp R"));
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_conflict"), 1);
	CU_ASSERT(lb_has(server_says(lb, &lb_b, 101, FB_TCP_ACK), "output:1\n"));
	lb_free(lb);
}

static void the_clients_own_reset_reaches_all(void)
{
	struct lb *lb = new_ready("");
	const char *said;

	client_sends(lb, 101, "");
	said = lb_to_server(lb, 101, FB_TCP_RST);
	CU_ASSERT(lb_has(said, "mod_dl_dst::02,output:2"));
	CU_ASSERT(lb_has(said, "mod_dl_dst::03,output:3"));
	lb_free(lb);
}

static void sessions_of_which_nobody_speaks_are_forgotten(void)
{
	struct lb *lb = new_ready("probe_interval=1h");

	client_sends(lb, 101, "");
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 0);
	lb_pass(lb, 71 * s_ns);
	lb_said(lb);
	/* With those that were opened in order to be asked. */
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 3);
	client_sends(lb, 101, "");
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_probed"), 2);
	lb_free(lb);
}

/* --- Frames that come cut, or without buffer --- */

static const char *client_sends_cut(struct lb *lb, uint32_t buffer_id)
{
	static const char data[] = "there is more of this where it came from";
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_PACKET_IN};
	uint8_t bytes[256];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	lb_build(&frame, &(struct lb_segment){.from = &lb_client,
	                                      .to = &lb_a,
	                                      .tp_src = 101,
	                                      .tp_dst = LB_SERVICE,
	                                      .flags = FB_TCP_ACK,
	                                      .seq = 1000,
	                                      .ack = 7001,
	                                      .data = data});
	msg.packet_in = (struct fb_of_packet_in){.buffer_id = buffer_id,
	                                         .total_len = (uint16_t)frame.len,
	                                         .in_port = 1,
	                                         .data = {frame.data, frame.len - 20}};
	fake_switch_send(lb->sw, &msg);
	return lb_said(lb);
}

static void a_buffered_frame_that_came_cut_reaches_all_by_one_packet_out(void)
{
	struct lb *lb = new_ready("");

	LB_SAYS(client_sends_cut(lb, ++lb->buffer_id),
	        "out #6 in 1: mod_dl_dst::02,output:2,mod_dl_dst::03,output:3\n");
	lb_free(lb);
}

static void a_frame_that_came_cut_and_without_buffer_is_lost(void)
{
	struct lb *lb = new_ready("");

	LB_SAYS(client_sends_cut(lb, OFP_NO_BUFFER), "");
	CU_ASSERT_EQUAL(lb_counter(lb, "cut"), 1);
	lb_free(lb);
}

static void frames_without_buffer_are_shown_as_well(void)
{
	struct lb *lb = new_ready("");
	const char *said;

	lb->unbuffered = true;
	said = client_sends(lb, 101, "x");
	CU_ASSERT(lb_has(said, "out frame: mod_dl_dst::02,output:2: "));
	CU_ASSERT(lb_has(said, "out frame: mod_dl_dst::03,output:3: "));
	lb_free(lb);
}

/* --- One candidate --- */

/* 'options', the client and one server. */
static struct lb *new_one_server(const char *options)
{
	struct lb *lb = lb_new_empty(options);

	lb_announce(lb, &lb_client);
	lb_announce(lb, &lb_a);
	return lb;
}

static void a_stray_goes_to_the_only_owner_of_its_address(void)
{
	struct lb *lb = new_one_server("");

	grow_old(lb);
	ask_for_both(lb);
	/* No entries before it has answered: strays cost the switch nothing. */
	LB_SAYS(client_sends(lb, 101, ""), "out #5 in 1: mod_dl_dst::02,output:2\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_passed"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 0);
	CU_ASSERT(lb_has(server_says(lb, &lb_a, 101, FB_TCP_ACK), "add "));
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 1);
	lb_free(lb);
}

static void the_refusal_of_the_only_owner_is_passed_on(void)
{
	struct lb *lb = new_one_server("");

	grow_old(lb);
	ask_for_both(lb);
	client_sends(lb, 101, "");
	LB_SAYS(server_refuses(lb, &lb_a, 101),
	        "out #6 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 0);
	lb_free(lb);
}

static void strays_without_an_answer_make_no_entries_and_give_way(void)
{
	struct lb *lb = lb_new_empty("sessions_max=3");

	lb_announce(lb, &lb_client);
	lb_announce(lb, &lb_a);
	grow_old(lb);
	ask_for_both(lb);
	for (uint16_t port = 101; port < 110; port++) {
		for (int i = 0; i < 3; i++)
			CU_ASSERT(!lb_has(client_sends(lb, port, "x"), "add "));
	}
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_sessions_full"), 0);
	lb_free(lb);
}

static void a_refusal_is_no_answer(void)
{
	struct lb *lb = new_one_server("");

	grow_old(lb);
	ask_for_both(lb);
	client_sends(lb, 101, "x");
	server_refuses(lb, &lb_a, 101);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT(!lb_has(client_sends(lb, 101, "x"), "add "));
		CU_ASSERT(!lb_has(server_refuses(lb, &lb_a, 101), "add "));
	}
	lb_free(lb);
}

/* What it says is no answer to itself. */
static void what_a_server_says_makes_no_entries_until_its_client_speaks(void)
{
	struct lb *lb = new_ready("");

	for (int i = 0; i < 3; i++)
		CU_ASSERT(lb_has(server_says(lb, &lb_a, 101, FB_TCP_ACK), "output:1\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 0);
	CU_ASSERT(lb_has(client_sends(lb, 101, ""), "mod_dl_dst::02,output:2\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 2);
	lb_free(lb);
}

/* --- Others may be meant --- */

static void soon_after_a_port_came_up_no_refusal_is_passed_on(void)
{
	struct lb *lb = new_one_server("");

	fake_switch_set_link(lb->sw, 3, false);
	grow_old(lb);
	ask_for_both(lb);
	fake_switch_set_link(lb->sw, 3, true);
	lb_said(lb);
	CU_ASSERT(lb_has(client_sends(lb, 101, ""), "mod_dl_dst::02,output:2\n"));
	CU_ASSERT(lb_has(server_refuses(lb, &lb_a, 101), "in 2: drop\n"));
	/* It was lb_b's. */
	lb_announce(lb, &lb_b);
	lb_pass(lb, 500 * ms_ns);
	lb_said(lb);
	CU_ASSERT(lb_has(client_sends(lb, 101, ""), "mod_dl_dst::03,output:3"));
	CU_ASSERT(lb_has(server_says(lb, &lb_b, 101, FB_TCP_ACK), "output:1\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 1);
	lb_free(lb);
}

/* --- Waiting --- */

static void a_stray_waits_until_all_owners_can_have_spoken(void)
{
	struct lb *lb = new_one_server("arp_settle=20ms");

	grow_old(lb);
	CU_ASSERT(lb_has(client_sends(lb, 101, ""), "arp who-has 192.168.2.2 tell 0.0.0.0\n"));
	lb_pass(lb, 19 * ms_ns);
	/* One that did not answer at once: now there are two, all are asked. */
	CU_ASSERT(lb_has(lb_announce(lb, &lb_b), LB_PROBE));
	lb_pass(lb, 21 * ms_ns - 1);
	LB_SAYS(lb_said(lb), "");
	lb_pass(lb, 1);
	LB_SAYS(lb_said(lb), "out frame: mod_dl_dst::02,output:2: :01 > :02 "
	                     "192.168.2.1.101 > 192.168.2.2.22: tcp "
	                     ". seq 1000 ack 7001 win 65535\n"
	                     "out #3 in 1: mod_dl_dst::03,output:3\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_waited"), 2);
	lb_free(lb);
}

static void what_was_answered_long_ago_does_not_count(void)
{
	struct lb *lb = new_ready("arp_settle=20ms");

	lb_pass(lb, 300 * s_ns);
	lb_said(lb);
	CU_ASSERT(lb_has(client_sends(lb, 101, ""), "arp who-has 192.168.2.2"));
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_probed"), 0);
	lb_pass(lb, 20 * ms_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_probed"), 1);
	lb_said(lb);
	lb_free(lb);
}

static void a_bounded_number_of_strays_waits(void)
{
	struct lb *lb = new_one_server("arp_settle=20ms,hold_max=1");

	grow_old(lb);
	CU_ASSERT(!lb_has(client_sends(lb, 101, ""), "out #"));
	LB_SAYS(client_sends(lb, 102, ""), "out #4 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_full"), 1);
	lb_pass(lb, 20 * ms_ns);
	LB_SAYS(lb_said(lb), LB_PROBE "out #3 in 1: mod_dl_dst::02,output:2\n");
	lb_free(lb);
}

static void strays_that_wait_are_forgotten_with_their_switch(void)
{
	struct lb *lb = new_one_server("arp_settle=20ms");

	client_sends(lb, 101, "");
	lb->leaks = true;
	fake_switch_leave(lb->sw);
	lb_switch_to(lb, lb_join(lb->bench, 1, 6));
	lb_pass(lb, s_ns);
	CU_ASSERT(!lb_has(lb_said(lb), "#3"));
	lb_free(lb);
}

static void a_stray_to_an_unknown_address_waits_until_it_is_found(void)
{
	struct lb *lb = lb_new_empty("");

	lb_announce(lb, &lb_client);
	CU_ASSERT(lb_has(client_sends(lb, 101, ""), "arp who-has 192.168.2.2 tell 0.0.0.0\n"));
	lb_announce(lb, &lb_a);
	lb_pass(lb, s_ns);
	CU_ASSERT(lb_has(lb_said(lb), "out #2 in 1: mod_dl_dst::02,output:2\n"));
	lb_free(lb);
}

/* --- A young controller --- */

static void a_young_controller_passes_no_refusal_on(void)
{
	struct lb *lb = lb_new("");

	ask_for_both(lb);
	client_sends(lb, 101, "");
	LB_SAYS(server_refuses(lb, &lb_a, 101), "out #7 in 2: drop\n");
	/* Others may be behind a switch that is not back yet: who remains is not it. */
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 0);
	LB_SAYS(server_refuses(lb, &lb_b, 101), "out #8 in 3: drop\n");
	lb_announce(lb, &lb_c);
	client_sends(lb, 101, ""); /* to all three */
	LB_SAYS(server_refuses(lb, &lb_a, 101), "out #11 in 2: drop\n");
	LB_SAYS(server_refuses(lb, &lb_b, 101), "out #12 in 3: drop\n");
	CU_ASSERT(lb_has(server_says(lb, &lb_c, 101, FB_TCP_ACK), "output:1\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 1);
	lb_free(lb);
}

static void a_young_controller_shows_those_that_refused_all_again_when_it_is_older(void)
{
	struct lb *lb = lb_new("");

	ask_for_both(lb);
	client_sends(lb, 101, "");
	server_refuses(lb, &lb_a, 101);
	server_refuses(lb, &lb_b, 101);
	grow_old(lb);
	CU_ASSERT(lb_has(client_sends(lb, 101, ""), "mod_dl_dst::02,output:2"));
	server_refuses(lb, &lb_a, 101);
	CU_ASSERT(
	        lb_has(server_refuses(lb, &lb_b, 101), "mod_dl_src::02,mod_dl_dst::01,output:1\n"));
	lb_free(lb);
}

static void a_young_controller_does_not_take_the_only_owner_for_the_backend(void)
{
	struct lb *lb = new_one_server("");

	ask_for_both(lb);
	LB_SAYS(client_sends(lb, 101, ""), "out #5 in 1: mod_dl_dst::02,output:2\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 0);
	LB_SAYS(server_refuses(lb, &lb_a, 101), "out #6 in 2: drop\n");
	lb_announce(lb, &lb_b);
	CU_ASSERT(lb_has(client_sends(lb, 101, ""), "mod_dl_dst::03,output:3\n"));
	CU_ASSERT(lb_has(server_says(lb, &lb_b, 101, FB_TCP_ACK), "output:1\n"));
	lb_free(lb);
}

/* --- From a replica --- */

static void a_replica_that_goes_on_is_the_backend(void)
{
	struct lb *lb = new_ready("mode=packet");

	LB_SAYS(server_says(lb, &lb_b, 101, FB_TCP_ACK | FB_TCP_PSH),
	        "out #6 in 3: mod_dl_src::03,mod_dl_dst::01,output:1\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_probed"), 0);
	LB_SAYS(client_sends(lb, 101, ""), "out #7 in 1: mod_dl_dst::03,output:3\n");
	lb_free(lb);
}

static void who_shares_its_address_is_the_server_whatever_its_port(void)
{
	struct lb *lb = new_ready("mode=packet");
	struct lb_segment s = {.from = &lb_b,
	                       .to = &lb_client,
	                       .tp_src = 50000,
	                       .tp_dst = 101,
	                       .flags = FB_TCP_ACK};

	LB_SAYS(lb_tcp(lb, &s), "out #6 in 3: mod_dl_src::03,mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

static void a_young_controller_asks_who_else_has_the_senders_address(void)
{
	struct lb *lb = lb_new_empty("mode=packet");

	lb_announce(lb, &lb_client);
	lb_announce(lb, &lb_b);
	lb_revive(lb, &lb_a); /* it answers, and was not heard before */
	lb_tcp(lb, &(struct lb_segment){.from = &lb_b,
	                                .to = &lb_client,
	                                .tp_src = 50000,
	                                .tp_dst = 101,
	                                .flags = FB_TCP_ACK});
	lb_pass(lb, 100 * ms_ns);
	CU_ASSERT(lb_has(lb_said(lb), "out #3 in 3: mod_dl_src::03,mod_dl_dst::01,output:1\n"));
	lb_free(lb);
}

static void with_arp_proxy_the_client_hears_the_stable_mac(void)
{
	struct lb *lb = new_ready("mode=packet,arp=proxy");

	CU_ASSERT(lb_has(server_says(lb, &lb_b, 101, FB_TCP_ACK),
	                 "mod_dl_src:0e:fc:c0:a8:02:02,mod_dl_dst::01,output:1\n"));
	lb_free(lb);
}

static void who_says_syn_ack_is_the_server(void)
{
	struct lb *lb = new_one_server("mode=packet");
	struct lb_segment syn_ack = {.from = &lb_a,
	                             .to = &lb_client,
	                             .tp_src = 40000,
	                             .tp_dst = 101,
	                             .flags = FB_TCP_SYN | FB_TCP_ACK,
	                             .seq = 7000,
	                             .ack = 1001};
	struct lb_segment syn = {.from = &lb_client,
	                         .to = &lb_a,
	                         .tp_src = 101,
	                         .tp_dst = 40000,
	                         .flags = FB_TCP_SYN,
	                         .seq = 1000};

	grow_old(lb);
	ask_for_both(lb);
	LB_SAYS(lb_tcp(lb, &syn_ack), "out #5 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	/* A copy of the SYN is known to be one. */
	LB_SAYS(lb_tcp(lb, &syn), "out #6 in 1: mod_dl_dst::02,output:2\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "retransmitted_syns"), 1);
	lb_free(lb);
}

static void between_two_shared_addresses_the_receiver_is_found_out(void)
{
	struct lb *lb = lb_new("mode=packet");
	struct lb_segment s = {.from = &lb_a,
	                       .to = &lb_other,
	                       .tp_src = 22,
	                       .tp_dst = 40000,
	                       .flags = FB_TCP_ACK,
	                       .seq = 1,
	                       .ack = 1};
	const char *said;

	lb_announce(lb, &lb_other);
	lb_announce(lb, &lb_other_too);
	grow_old(lb);
	lb_tcp(lb, &s);
	lb_pass(lb, s_ns);
	said = lb_said(lb);
	CU_ASSERT(lb_has(said, "mod_dl_dst::05,output:5"));
	CU_ASSERT(lb_has(said, "mod_dl_dst::06,output:6"));
	lb_free(lb);
}

/* --- RST --- */

static void the_reset_of_an_unknown_session_is_shown_to_nobody(void)
{
	struct lb *lb = new_ready("");
	struct lb_segment rst = {.from = &lb_client,
	                         .to = &lb_a,
	                         .to_mac = &lb_other,
	                         .tp_src = 101,
	                         .tp_dst = LB_SERVICE,
	                         .flags = FB_TCP_RST};

	LB_SAYS(lb_tcp(lb, &rst), "out #6 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_dropped"), 1);
	/* To one that can be meant it goes. */
	rst = (struct lb_segment){.from = &lb_other,
	                          .to = &lb_client,
	                          .tp_src = LB_SERVICE,
	                          .tp_dst = 101,
	                          .flags = FB_TCP_RST};
	lb_announce(lb, &lb_other);
	CU_ASSERT(lb_has(lb_tcp(lb, &rst), "in 5: mod_dl_dst::01,output:1\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_probed"), 0);
	lb_free(lb);
}

/* It may be one of a candidate that has not the connection, and its session had to give way. */
static void a_reset_that_one_of_several_owners_sends_into_no_session_is_dropped(void)
{
	struct lb *lb = lb_new("sessions_max=1");

	grow_old(lb);
	lb_syn(lb, 9, 1);
	lb_pass(lb, s_ns);
	client_sends(lb, 101, "");
	lb_syn(lb, 102, 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_evicted"), 2);
	CU_ASSERT(lb_has(server_refuses(lb, &lb_a, 101), "in 2: drop\n"));
	CU_ASSERT(!lb_has(lb->said, "output:1"));
	lb_free(lb);
}

/* --- Limits --- */

static void no_more_sessions_are_found_out_than_may_be(void)
{
	struct lb *lb = new_ready("recoveries_max=1");

	client_sends(lb, 101, "");
	LB_SAYS(client_sends(lb, 102, ""), "out #7 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "probes_full"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_dropped"), 1);
	server_says(lb, &lb_a, 101, FB_TCP_ACK);
	CU_ASSERT(lb_has(client_sends(lb, 102, ""), "mod_dl_dst::02,output:2"));
	lb_free(lb);
}

static void without_room_for_a_session_a_stray_is_dropped(void)
{
	struct lb *lb = lb_new("sessions_max=1");

	grow_old(lb);
	lb_syn(lb, 9, 1);
	lb_syn_ack(lb, &lb_a, 9, 1);
	lb_pass(lb, s_ns);
	lb_said(lb);
	LB_SAYS(client_sends(lb, 101, ""), "out #6 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_sessions_full"), 1);
	lb_free(lb);
}

static void many_candidates_are_asked_in_turn(void)
{
	static struct lb_host owners[70];
	struct lb *lb = lb_new_empty("owners_max=100,mode=packet,probes_lost_max=100");
	size_t first = 0, second = 0;
	const char *at;

	for (uint8_t i = 0; i < 70; i++) {
		owners[i] = (struct lb_host){(uint8_t)(10 + i), 2, 2};
		lb_announce(lb, &owners[i]);
	}
	lb_announce(lb, &lb_client);
	grow_old(lb);
	client_sends(lb, 101, "");
	lb_pass(lb, 500 * ms_ns);
	for (at = lb_said(lb); (at = strstr(at, "mod_dl_dst")); at++)
		first++;
	CU_ASSERT_EQUAL(first, 64);
	/* The six that were not asked before come first. */
	for (at = client_sends(lb, 101, ""); (at = strstr(at, "mod_dl_dst")); at++)
		second++;
	CU_ASSERT_EQUAL(second, 6);
	CU_ASSERT(lb_has(lb->said, "mod_dl_dst::4f,output:2\n"));
	lb_free(lb);
}

/* --- A session that was forgotten --- */

static void a_session_that_was_forgotten_goes_on_with_its_backend(void)
{
	struct lb *lb = lb_new("idle_timeout=1s,grace=1s,mode=packet");

	lb_syn(lb, 101, 999);
	lb_syn_ack(lb, &lb_a, 101, 999);
	grow_old(lb);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 1);
	client_sends(lb, 101, "");
	lb_pass(lb, 500 * ms_ns);
	lb_said(lb);
	server_says(lb, &lb_a, 101, FB_TCP_ACK);
	server_refuses(lb, &lb_b, 101);
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 1);
	CU_ASSERT(lb_has(client_sends(lb, 101, ""), "mod_dl_dst::02,output:2\n"));
	lb_free(lb);
}

/* --- Several switches --- */

/* They need not answer to probes. */
#define PAIR_OPTIONS "mode=packet,probes_lost_max=100"

/* The client and lb_a at switch 1, lb_c at port 4 of switch 2; linked by their ports 6. */
struct pair {
	struct lb *lb;
	struct fake_network net;
	struct fake_switch *near, *far;
};

static void join_pair(struct pair *pair, const char *options)
{
	struct lb *lb = lb_new_empty(options);

	pair->lb = lb;
	pair->net = (struct fake_network){.b = lb->bench};
	pair->near = lb->sw;
	pair->far = lb_join_silent(lb->bench, 2, 6);
	lb_pass(lb, 3 * s_ns); /* it is not waited for any more */
	fake_network_wire(&pair->net, pair->near, 6, pair->far, 6);
	/* Discovery frames were sent before there was a wire. */
	fake_switch_set_link(pair->near, 6, false);
	fake_switch_set_link(pair->far, 6, false);
	fake_switch_set_link(pair->near, 6, true);
	fake_switch_set_link(pair->far, 6, true);
	fake_network_pass(&pair->net, s_ns);
	fake_network_discard(&pair->net);
	lb_switch_to(lb, pair->near);
	lb_announce(lb, &lb_client);
	lb_announce(lb, &lb_a);
	lb_silence(lb, &lb_a); /* it would answer at the other switch */
	lb_switch_to(lb, pair->far);
	lb_announce(lb, &lb_c);
	lb_silence(lb, &lb_c); /* and so would this: see PAIR_OPTIONS */
	lb_switch_to(lb, pair->near);
	lb_revive(lb, &lb_a);
	grow_old(lb);
	fake_network_discard(&pair->net);
	lb->leaks = true; /* buffers of the other switch have the same numbers */
}

static void candidates_on_other_switches_get_their_copy_there(void)
{
	struct pair pair;
	struct lb *lb;

	join_pair(&pair, PAIR_OPTIONS);
	lb = pair.lb;
	client_sends(lb, 101, "x");
	fake_network_pass(&pair.net, 500 * ms_ns);
	CU_ASSERT(lb_has(lb_said_by(lb, pair.near), "mod_dl_dst::02,output:2"));
	CU_ASSERT(lb_has(lb_said_by(lb, pair.far), "mod_dl_dst::04,output:4: :01 > :02"));
	lb_free(lb);
}

/* The connection may be its. */
static void while_the_switch_of_an_owner_is_away_no_refusal_is_passed_on(void)
{
	struct pair pair;
	struct lb *lb;

	join_pair(&pair, PAIR_OPTIONS);
	lb = pair.lb;
	client_sends(lb, 101, "x");
	fake_network_pass(&pair.net, 500 * ms_ns);
	fake_switch_leave(pair.far);
	fake_network_pass(&pair.net, 3 * s_ns);
	lb_announce(lb, &lb_a);
	lb_said_by(lb, pair.near);
	CU_ASSERT(lb_has(client_sends(lb, 101, "x"), "mod_dl_dst::02,output:2\n"));
	CU_ASSERT(!lb_has(server_refuses(lb, &lb_a, 101), "output:1\n"));
	CU_ASSERT(lb_has(client_sends(lb, 101, "x"), "mod_dl_dst::02,output:2\n"));
	lb_free(lb);
}

static void what_came_cut_names_its_candidate_on_its_way_to_another_switch(void)
{
	struct pair pair;
	struct lb *lb;

	join_pair(&pair, PAIR_OPTIONS);
	lb = pair.lb;
	client_sends_cut(lb, ++lb->buffer_id);
	fake_network_pass(&pair.net, 500 * ms_ns);
	CU_ASSERT(lb_has(lb_said_by(lb, pair.near),
	                 "in 1: mod_dl_dst::02,output:2,mod_dl_dst::04,output:6\n"));
	lb_switch_to(lb, pair.far);
	lb_said(lb);
	LB_SAYS(lb_tcp(lb, &(struct lb_segment){.from = &lb_client,
	                                        .to = &lb_a,
	                                        .to_mac = &lb_c,
	                                        .tp_src = 101,
	                                        .tp_dst = LB_SERVICE,
	                                        .flags = FB_TCP_ACK,
	                                        .in_port = 6}),
	        "out #5 in 6: mod_dl_dst::04,output:4\n");
	CU_ASSERT(lb_has(server_says(lb, &lb_c, 101, FB_TCP_ACK), "drop"));
	CU_ASSERT(lb_has(lb_said_by(lb, pair.near), "mod_dl_src::02,mod_dl_dst::01,output:1"));
	lb_free(lb);
}

static void what_is_on_its_way_to_another_candidate_ends_when_the_backend_is_known(void)
{
	struct pair pair;
	struct lb *lb;

	join_pair(&pair, PAIR_OPTIONS);
	lb = pair.lb;
	client_sends_cut(lb, ++lb->buffer_id);
	fake_network_pass(&pair.net, 500 * ms_ns);
	CU_ASSERT(lb_has(server_says(lb, &lb_a, 101, FB_TCP_ACK), "output:1\n"));
	lb_switch_to(lb, pair.far);
	lb_said(lb);
	LB_SAYS(lb_tcp(lb, &(struct lb_segment){.from = &lb_client,
	                                        .to = &lb_a,
	                                        .to_mac = &lb_c,
	                                        .tp_src = 101,
	                                        .tp_dst = LB_SERVICE,
	                                        .flags = FB_TCP_ACK,
	                                        .in_port = 6}),
	        "out #6 in 6: drop\n");
	LB_SAYS(lb_said_by(lb, pair.near), "");
	lb_free(lb);
}

/* The session was being found out, and had to give way: it does not matter. */
static void so_it_does_when_the_backends_own_segment_has_made_the_session(void)
{
	struct pair pair;
	struct lb *lb;

	join_pair(&pair, PAIR_OPTIONS);
	lb = pair.lb;
	server_says(lb, &lb_a, 101, FB_TCP_ACK);
	fake_network_pass(&pair.net, 500 * ms_ns);
	CU_ASSERT(lb_has(lb_said_by(lb, pair.near), "output:1\n"));
	lb_switch_to(lb, pair.far);
	lb_said(lb);
	CU_ASSERT(lb_has(lb_tcp(lb, &(struct lb_segment){.from = &lb_client,
	                                                 .to = &lb_a,
	                                                 .to_mac = &lb_c,
	                                                 .tp_src = 101,
	                                                 .tp_dst = LB_SERVICE,
	                                                 .flags = FB_TCP_ACK,
	                                                 .in_port = 6}),
	                 "in 6: drop\n"));
	LB_SAYS(lb_said_by(lb, pair.near), "");
	lb_free(lb);
}

static void a_stray_that_came_over_a_link_goes_to_whom_it_names(void)
{
	struct pair pair;
	struct lb *lb;

	join_pair(&pair, PAIR_OPTIONS);
	lb = pair.lb;
	lb_switch_to(lb, pair.far);
	LB_SAYS(lb_tcp(lb, &(struct lb_segment){.from = &lb_client,
	                                        .to = &lb_a,
	                                        .to_mac = &lb_c,
	                                        .tp_src = 101,
	                                        .tp_dst = LB_SERVICE,
	                                        .flags = FB_TCP_ACK,
	                                        .in_port = 6}),
	        "out #4 in 6: mod_dl_dst::04,output:4\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_passed"), 1);
	lb_free(lb);
}

UNIT_TESTS("balancer_recovery", UNIT_TEST(a_stray_is_shown_to_each_candidate_and_to_nobody_else),
           UNIT_TEST(who_refuses_is_excluded_and_who_remains_gets_what_follows),
           UNIT_TEST(who_answers_otherwise_is_the_backend_at_once),
           UNIT_TEST(a_late_syn_ack_of_one_of_several_goes_nowhere),
           UNIT_TEST(who_answered_a_syn_elsewhere_is_found_out),
           UNIT_TEST(a_damaged_copy_of_the_syn_does_not_make_strays),
           UNIT_TEST(an_answer_brings_the_entries),
           UNIT_TEST(when_all_refuse_the_last_refusal_is_passed_on),
           UNIT_TEST(of_two_that_refuse_at_once_one_refusal_is_passed_on),
           UNIT_TEST(what_follows_goes_to_those_that_are_not_excluded),
           UNIT_TEST(when_nobody_remains_the_connection_is_no_more),
           UNIT_TEST(drained_owners_are_candidates_too),
           UNIT_TEST(owners_that_are_found_meanwhile_are_candidates_too),
           UNIT_TEST(an_owner_that_is_gone_is_no_candidate_any_more),
           UNIT_TEST(an_answer_of_another_connection_does_not_count),
           UNIT_TEST(numbers_may_wrap_around), UNIT_TEST(segments_of_strangers_take_no_part),
           UNIT_TEST(a_syn_begins_anew),
           UNIT_TEST(a_replica_that_opens_with_the_same_ports_is_refused),
           UNIT_TEST(the_clients_own_reset_reaches_all),
           UNIT_TEST(sessions_of_which_nobody_speaks_are_forgotten),
           UNIT_TEST(a_buffered_frame_that_came_cut_reaches_all_by_one_packet_out),
           UNIT_TEST(a_frame_that_came_cut_and_without_buffer_is_lost),
           UNIT_TEST(frames_without_buffer_are_shown_as_well),
           UNIT_TEST(a_stray_goes_to_the_only_owner_of_its_address),
           UNIT_TEST(the_refusal_of_the_only_owner_is_passed_on),
           UNIT_TEST(strays_without_an_answer_make_no_entries_and_give_way),
           UNIT_TEST(a_refusal_is_no_answer),
           UNIT_TEST(what_a_server_says_makes_no_entries_until_its_client_speaks),
           UNIT_TEST(soon_after_a_port_came_up_no_refusal_is_passed_on),
           UNIT_TEST(a_stray_waits_until_all_owners_can_have_spoken),
           UNIT_TEST(what_was_answered_long_ago_does_not_count),
           UNIT_TEST(a_bounded_number_of_strays_waits),
           UNIT_TEST(strays_that_wait_are_forgotten_with_their_switch),
           UNIT_TEST(a_stray_to_an_unknown_address_waits_until_it_is_found),
           UNIT_TEST(a_young_controller_passes_no_refusal_on),
           UNIT_TEST(a_young_controller_shows_those_that_refused_all_again_when_it_is_older),
           UNIT_TEST(a_young_controller_does_not_take_the_only_owner_for_the_backend),
           UNIT_TEST(a_replica_that_goes_on_is_the_backend),
           UNIT_TEST(who_shares_its_address_is_the_server_whatever_its_port),
           UNIT_TEST(a_young_controller_asks_who_else_has_the_senders_address),
           UNIT_TEST(with_arp_proxy_the_client_hears_the_stable_mac),
           UNIT_TEST(who_says_syn_ack_is_the_server),
           UNIT_TEST(between_two_shared_addresses_the_receiver_is_found_out),
           UNIT_TEST(the_reset_of_an_unknown_session_is_shown_to_nobody),
           UNIT_TEST(a_reset_that_one_of_several_owners_sends_into_no_session_is_dropped),
           UNIT_TEST(no_more_sessions_are_found_out_than_may_be),
           UNIT_TEST(without_room_for_a_session_a_stray_is_dropped),
           UNIT_TEST(many_candidates_are_asked_in_turn),
           UNIT_TEST(a_session_that_was_forgotten_goes_on_with_its_backend),
           UNIT_TEST(candidates_on_other_switches_get_their_copy_there),
           UNIT_TEST(while_the_switch_of_an_owner_is_away_no_refusal_is_passed_on),
           UNIT_TEST(what_came_cut_names_its_candidate_on_its_way_to_another_switch),
           UNIT_TEST(what_is_on_its_way_to_another_candidate_ends_when_the_backend_is_known),
           UNIT_TEST(so_it_does_when_the_backends_own_segment_has_made_the_session),
           UNIT_TEST(a_stray_that_came_over_a_link_goes_to_whom_it_names))
