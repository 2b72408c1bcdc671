/* mode=flows: which entries are installed, when, in which order, and what happens when they go. */
#include "tests/unit/controller/balancer_bench.h"

#define UP_ENTRY(tp)                                                                               \
	"add tcp,in_port=1,vlan_tci=0x0000,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=" #tp      \
	",tp_dst=22: mod_dl_dst::02,output:2\n"
#define DOWN_ENTRY(tp)                                                                             \
	"add "                                                                                     \
	"tcp,in_port=2,vlan_tci=0x0000,dl_src=:02,nw_src=192.168.2.2,nw_dst=192.168.2.1,tp_src="   \
	"22,"                                                                                      \
	"tp_dst=" #tp ": mod_dl_src::02,mod_dl_dst::01,output:1\n"

#define UP_DELETE(tp)                                                                              \
	"delete-strict "                                                                           \
	"tcp,in_port=1,vlan_tci=0x0000,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=" #tp          \
	",tp_dst=22\n"
#define DOWN_DELETE(tp)                                                                            \
	"delete-strict "                                                                           \
	"tcp,in_port=2,vlan_tci=0x0000,dl_src=:02,nw_src=192.168.2.2,nw_dst=192.168.2.1,tp_src="   \
	"22,"                                                                                      \
	"tp_dst=" #tp "\n"

static const uint64_t s_ns = FB_NS_PER_S;

/* The two entries that the last call brought. */
static struct fb_flow_mod up_entry, down_entry;

/* Session 'tp_src' of server_a, with its entries installed and kept in up_entry and down_entry. */
static void open_session(struct lb *lb, uint16_t tp_src, uint32_t isn)
{
	const struct fb_msg *msg;
	uint8_t bytes[256];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	lb_syn(lb, tp_src, isn);
	lb_build(&frame, &(struct lb_segment){.from = &lb_a,
	                                      .to = &lb_client,
	                                      .tp_src = LB_SERVICE,
	                                      .tp_dst = tp_src,
	                                      .flags = FB_TCP_SYN | FB_TCP_ACK,
	                                      .seq = 7000,
	                                      .ack = isn + 1});
	lb_frame_in(lb, 2, &frame);
	msg = fake_switch_expect(lb->sw, OFPT_FLOW_MOD);
	CU_ASSERT_FATAL(msg != NULL);
	up_entry = msg->flow_mod;
	msg = fake_switch_expect(lb->sw, OFPT_FLOW_MOD);
	CU_ASSERT_FATAL(msg != NULL);
	down_entry = msg->flow_mod;
	lb_said(lb);
}

static unsigned adds(const char *said)
{
	unsigned count = 0;

	for (const char *at = said; (at = strstr(at, "add ")); at++)
		count++;
	return count;
}

static void a_syn_installs_nothing(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1);
	LB_SAYS(lb_syn(lb, 2, 1), "out #5 in 1: mod_dl_dst::03,output:3\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 0);
	lb_free(lb);
}

static void a_syn_ack_installs_client_to_server_then_server_to_client_then_is_released(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1);
	LB_SAYS(lb_syn_ack(lb, &lb_a, 1, 1),
	        UP_ENTRY(1) DOWN_ENTRY(1) "out #5 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

static void without_buffers_the_frame_itself_is_released(void)
{
	struct lb *lb = lb_new("");
	const char *said;

	lb->unbuffered = true;
	LB_SAYS(lb_syn(lb, 1, 1),
	        "out frame: mod_dl_dst::02,output:2: :01 > :02 192.168.2.1.1 > 192.168.2.2.22: "
	        "tcp S seq 1 win 65535\n");
	said = lb_syn_ack(lb, &lb_a, 1, 1);
	LB_SAYS(said,
	        UP_ENTRY(1) DOWN_ENTRY(
	                1) "out frame: mod_dl_src::02,mod_dl_dst::01,output:1: :02 > :01 "
	                   "192.168.2.2.22 > 192.168.2.1.1: tcp S. seq 7000 ack 2 win 65535\n");
	lb_free(lb);
}

static void a_syn_ack_that_comes_again_is_passed_on(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	LB_SAYS(lb_syn_ack(lb, &lb_a, 1, 1),
	        "out #6 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

static void entries_have_an_idle_timeout_and_tell_of_their_end(void)
{
	struct lb *lb = lb_new("idle_timeout=7s,priority=1234");

	open_session(lb, 1, 1);
	CU_ASSERT_EQUAL(up_entry.idle_timeout, 7);
	CU_ASSERT_EQUAL(down_entry.idle_timeout, 7);
	CU_ASSERT_EQUAL(up_entry.flags, OFPFF_SEND_FLOW_REM);
	CU_ASSERT_EQUAL(down_entry.flags, OFPFF_SEND_FLOW_REM);
	CU_ASSERT_EQUAL(up_entry.priority, 1234);
	CU_ASSERT_EQUAL(up_entry.out_port, OFPP_NONE);
	lb_free(lb);
}

static void idle_timeouts_are_rounded_up_to_whole_seconds_and_never_infinite(void)
{
	struct lb *lb = lb_new("idle_timeout=1500ms");

	open_session(lb, 1, 1);
	CU_ASSERT_EQUAL(up_entry.idle_timeout, 2);
	lb_free(lb);
	lb = lb_new_empty("");
	CU_ASSERT(bench_try_add(lb->bench, &fb_app_balancer, "idle_timeout=0") < 0);
	lb_free(lb);
}

static void cookies_name_the_balancer_and_the_run(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	CU_ASSERT_EQUAL(up_entry.cookie >> 48, 0xfb01); /* the second of its chain */
	CU_ASSERT_EQUAL((uint32_t)(up_entry.cookie >> 16), 0x1234abcd);
	CU_ASSERT_EQUAL(up_entry.cookie, down_entry.cookie);
	lb_free(lb);
}

static void entries_match_whatever_tos_and_vlan_priority(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	CU_ASSERT(up_entry.match.wildcards & OFPFW_NW_TOS);
	CU_ASSERT(up_entry.match.wildcards & OFPFW_DL_VLAN_PCP);
	CU_ASSERT(down_entry.match.wildcards & OFPFW_NW_TOS);
	CU_ASSERT(down_entry.match.wildcards & OFPFW_DL_VLAN_PCP);
	CU_ASSERT_EQUAL(up_entry.match.wildcards & (OFPFW_NW_SRC_MASK | OFPFW_NW_DST_MASK |
	                                            OFPFW_TP_SRC | OFPFW_TP_DST | OFPFW_IN_PORT |
	                                            OFPFW_DL_TYPE | OFPFW_NW_PROTO | OFPFW_DL_VLAN),
	                0);
	lb_free(lb);
}

static void a_switch_that_goes_on_punting_is_served_by_the_session_table(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	LB_SAYS(lb_to_server(lb, 1, FB_TCP_ACK), "out #6 in 1: mod_dl_dst::02,output:2\n");
	LB_SAYS(lb_to_client(lb, &lb_a, 1, FB_TCP_ACK),
	        "out #7 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

static void entries_are_installed_again_at_most_once_a_second(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	lb_pass(lb, s_ns - 1);
	CU_ASSERT_EQUAL(adds(lb_to_server(lb, 1, FB_TCP_ACK)), 0);
	lb_pass(lb, 1);
	CU_ASSERT_EQUAL(adds(lb_to_server(lb, 1, FB_TCP_ACK)), 2);
	CU_ASSERT_EQUAL(adds(lb_to_server(lb, 1, FB_TCP_ACK)), 0);
	lb_pass(lb, s_ns);
	lb_said(lb);
	LB_SAYS(lb_to_client(lb, &lb_a, 1, FB_TCP_ACK),
	        UP_ENTRY(1) DOWN_ENTRY(1) "out #9 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

static void a_client_behind_the_port_of_its_server_gets_in_port_actions(void)
{
	const struct lb_host neighbour = {6, 6, 2};
	struct lb *lb = lb_new("");
	struct lb_segment syn = {.from = &neighbour,
	                         .to = &lb_a,
	                         .tp_src = 1,
	                         .tp_dst = 22,
	                         .flags = FB_TCP_SYN,
	                         .seq = 1};
	struct lb_segment answer = {.from = &lb_a,
	                            .to = &neighbour,
	                            .tp_src = 22,
	                            .tp_dst = 1,
	                            .seq = 7,
	                            .ack = 2,
	                            .flags = FB_TCP_SYN | FB_TCP_ACK};

	CU_ASSERT(lb_has(lb_tcp(lb, &syn), "out #4 in 2: mod_dl_dst::02,IN_PORT\n"));
	LB_SAYS(lb_tcp(lb, &answer), "add "
	                             "tcp,in_port=2,vlan_tci=0x0000,nw_src=192.168.2.6,nw_dst=192."
	                             "168.2.2,tp_src=1,tp_dst=22: "
	                             "mod_dl_dst::02,IN_PORT\n"
	                             "add "
	                             "tcp,in_port=2,vlan_tci=0x0000,dl_src=:02,nw_src=192.168.2.2,"
	                             "nw_dst=192.168.2.6,tp_src=22,tp_dst=1: "
	                             "mod_dl_src::02,mod_dl_dst::06,IN_PORT\n"
	                             "out #5 in 2: mod_dl_src::02,mod_dl_dst::06,IN_PORT\n");
	lb_free(lb);
}

static void when_one_entry_has_gone_the_session_lives_and_the_next_packet_brings_it_back(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	lb_pass(lb, 60 * s_ns);
	lb_flow_removed(lb, &up_entry, OFPRR_IDLE_TIMEOUT);
	lb_pass(lb, 1000 * s_ns); /* longer than any grace: the other one lives */
	lb_said(lb);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_removed"), 1);
	LB_SAYS(lb_to_server(lb, 1, FB_TCP_ACK),
	        UP_ENTRY(1) DOWN_ENTRY(1) "out #6 in 1: mod_dl_dst::02,output:2\n");
	lb_free(lb);
}

static void an_idle_session_outlasts_its_entries_by_the_grace_time(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	lb_pass(lb, 60 * s_ns);
	lb_flow_removed(lb, &up_entry, OFPRR_IDLE_TIMEOUT);
	lb_flow_removed(lb, &down_entry, OFPRR_IDLE_TIMEOUT);
	lb_pass(lb, 299 * s_ns);
	lb_said(lb);
	LB_SAYS(lb_to_client(lb, &lb_a, 1, FB_TCP_ACK),
	        UP_ENTRY(1) DOWN_ENTRY(1) "out #6 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

static void after_the_grace_time_the_session_is_forgotten(void)
{
	struct lb *lb = lb_new("grace=20s");

	open_session(lb, 1, 1);
	lb_flow_removed(lb, &up_entry, OFPRR_IDLE_TIMEOUT);
	lb_flow_removed(lb, &down_entry, OFPRR_IDLE_TIMEOUT);
	lb_pass(lb, 20 * s_ns - 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 0);
	lb_pass(lb, 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 1);
	lb_free(lb);
}

static void a_flow_removed_with_another_cookie_is_ignored(void)
{
	struct lb *lb = lb_new("grace=20s");
	struct fb_flow_mod old_up, old_down;

	open_session(lb, 1, 1);
	old_up = up_entry;
	old_down = down_entry;
	lb_pass(lb, s_ns);
	lb_to_server(lb, 1, FB_TCP_ACK); /* installed again */
	lb_flow_removed(lb, &old_up, OFPRR_IDLE_TIMEOUT);
	lb_flow_removed(lb, &old_down, OFPRR_IDLE_TIMEOUT);
	old_up.cookie ^= UINT64_C(1) << 20; /* of another run */
	lb_flow_removed(lb, &old_up, OFPRR_IDLE_TIMEOUT);
	lb_pass(lb, 100 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "flow_removed_ignored"), 3);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 0);
	lb_free(lb);
}

static void a_new_connection_follows_live_entries_and_is_no_turn(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	lb_pass(lb, 2 * s_ns);
	lb_said(lb);
	LB_SAYS(lb_syn(lb, 1, 99),
	        UP_ENTRY(1) DOWN_ENTRY(1) "out #6 in 1: mod_dl_dst::02,output:2\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "followed"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 1);
	lb_pass(lb, s_ns);
	lb_said(lb);
	CU_ASSERT(lb_has(lb_syn_ack(lb, &lb_a, 1, 99), "output:1\n"));
	CU_ASSERT(lb_has(lb_syn(lb, 2, 1), "mod_dl_dst::03,output:3\n")); /* the second turn */
	lb_free(lb);
}

static void a_new_connection_on_old_ports_takes_a_turn_when_no_entry_lives(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	lb_flow_removed(lb, &up_entry, OFPRR_IDLE_TIMEOUT);
	lb_flow_removed(lb, &down_entry, OFPRR_IDLE_TIMEOUT);
	LB_SAYS(lb_syn(lb, 1, 99), "out #6 in 1: mod_dl_dst::03,output:3\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 2);
	lb_free(lb);
}

static void a_dead_backend_deletes_both_entries(void)
{
	struct lb *lb = lb_new("on_failure=leave");

	open_session(lb, 1, 1);
	lb_silence(lb, &lb_a);
	fake_switch_set_link(lb->sw, 2, false);
	LB_SAYS(lb_said(lb), "BARRIER_REQUEST\ndelete tcp,out_port=2\ndelete udp,out_port=2\n");
	lb_flow_removed(lb, &up_entry, OFPRR_DELETE);
	lb_flow_removed(lb, &down_entry, OFPRR_DELETE);
	/* Its session is not given to another, and no entry leads to the dead port. */
	lb_pass(lb, 5 * s_ns);
	lb_said(lb);
	LB_SAYS(lb_to_server(lb, 1, FB_TCP_ACK), "out #6 in 1: mod_dl_dst::02,output:2\n");
	lb_free(lb);
}

static void entries_come_back_with_the_backend(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	fake_switch_set_link(lb->sw, 2, false);
	lb_flow_removed(lb, &up_entry, OFPRR_DELETE);
	lb_flow_removed(lb, &down_entry, OFPRR_DELETE);
	fake_switch_set_link(lb->sw, 2, true);
	lb_pass(lb, 2 * s_ns);
	lb_said(lb);
	LB_SAYS(lb_to_client(lb, &lb_a, 1, FB_TCP_ACK),
	        "BARRIER_REQUEST\n" UP_ENTRY(1)
	                DOWN_ENTRY(1) "out #6 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

/* Session 1 with server_a at port 6. */
#define MOVED_ENTRIES                                                                              \
	"add tcp,in_port=1,vlan_tci=0x0000,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=1,"        \
	"tp_dst=22: mod_dl_dst::02,output:6\n"                                                     \
	"add tcp,in_port=6,vlan_tci=0x0000,dl_src=:02,nw_src=192.168.2.2,nw_dst=192.168.2.1,"      \
	"tp_src=22,tp_dst=1: mod_dl_src::02,mod_dl_dst::01,output:1\n"

static void a_backend_that_moved_takes_its_sessions_along(void)
{
	const struct lb_host moved = {2, 2, 6};
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	lb_pass(lb, 2 * s_ns);
	lb_said(lb);
	/* One entry is replaced by its new one; the other goes when both new ones are in. */
	LB_SAYS(lb_announce(lb, &moved), MOVED_ENTRIES "BARRIER_REQUEST\n"
	                                               "out #6 in 6: FLOOD\n");
	lb_answer_barriers(lb, NULL);
	LB_SAYS(lb_said(lb), DOWN_DELETE(1));
	LB_SAYS(lb_to_server(lb, 1, FB_TCP_ACK), "out #7 in 1: mod_dl_dst::02,output:6\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_moved"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "rerouted"), 1);
	lb_free(lb);
}

static void a_table_that_is_full_leaves_the_session_to_the_controller(void)
{
	struct lb *lb = lb_new("grace=20s");
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_ERROR};
	uint8_t bytes[72] = {OFP_VERSION, OFPT_FLOW_MOD, 0, 72};

	open_session(lb, 1, 1);
	msg.error.type = OFPET_FLOW_MOD_FAILED;
	msg.error.code = OFPFMFC_ALL_TABLES_FULL;
	msg.error.data = (struct fb_view){bytes, sizeof bytes};
	for (int i = 0; i < 2; i++) {
		const struct fb_flow_mod *fm = i == 0 ? &up_entry : &down_entry;

		fb_match_encode(bytes + 8, &fm->match);
		fb_set64(bytes + 48, fm->cookie);
		msg.xid = 0x02000001; /* the first message of the second application */
		fake_switch_send(lb->sw, &msg);
	}
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_failed"), 2);
	lb_said(lb); /* what was there before goes */
	LB_SAYS(lb_to_server(lb, 1, FB_TCP_ACK), "out #6 in 1: mod_dl_dst::02,output:2\n");
	lb_pass(lb, 20 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 1); /* aged as one without entries */
	lb_free(lb);
}

static void an_entry_that_the_switch_does_not_take_for_its_port_is_not_there(void)
{
	struct lb *lb = lb_new("");
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_ERROR, .xid = 0x02000001};
	uint8_t bytes[72] = {OFP_VERSION, OFPT_FLOW_MOD, 0, 72};

	open_session(lb, 1, 1);
	fb_match_encode(bytes + 8, &up_entry.match);
	fb_set64(bytes + 48, up_entry.cookie);
	msg.error.type = OFPET_BAD_ACTION;
	msg.error.code = OFPBAC_BAD_OUT_PORT;
	msg.error.data = (struct fb_view){bytes, sizeof bytes};
	fake_switch_send(lb->sw, &msg);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_failed"), 1);
	msg.error.data.len = 48; /* too short to tell */
	fake_switch_send(lb->sw, &msg);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_failed"), 1);
	lb_free(lb);
}

static void a_syn_ack_of_an_older_attempt_is_passed_on_and_answers_nothing(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1);
	LB_SAYS(lb_syn_ack(lb, &lb_a, 1, 77),
	        "out #5 in 2: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "answered"), 0);
	lb_free(lb);
}

static void a_challenge_ack_shows_that_the_backend_has_answered(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1);
	lb_to_client(lb, &lb_a, 1, FB_TCP_ACK);
	CU_ASSERT_EQUAL(lb_counter(lb, "answered"), 1);
	for (int i = 0; i < 4; i++) {
		lb_pass(lb, 2 * s_ns);
		CU_ASSERT(lb_has(lb_syn(lb, 1, 1), "mod_dl_dst::02,output:2\n"));
	}
	lb_free(lb);
}

static void a_backend_that_forgot_an_old_connection_gets_its_entries_at_last(void)
{
	struct lb *lb = lb_new("");

	/* It answers the SYN with a challenge ACK, takes the client's RST, and then the SYN that
	 * comes again. */
	lb_syn(lb, 1, 1);
	lb_to_client(lb, &lb_a, 1, FB_TCP_ACK);
	lb_to_server(lb, 1, FB_TCP_RST);
	lb_pass(lb, s_ns);
	lb_syn(lb, 1, 1);
	CU_ASSERT(lb_has(lb_syn_ack(lb, &lb_a, 1, 1), UP_ENTRY(1) DOWN_ENTRY(1)));
	lb_free(lb);
}

static void where_no_entry_lives_none_is_deleted(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	lb_flow_removed(lb, &up_entry, OFPRR_IDLE_TIMEOUT);
	lb_flow_removed(lb, &down_entry, OFPRR_IDLE_TIMEOUT);
	lb_silence(lb, &lb_a);
	fake_switch_set_link(lb->sw, 2, false);
	LB_SAYS(lb_said(lb), "");
	lb_free(lb);
}

static void a_new_connection_does_not_follow_the_entries_of_a_dead_backend(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	lb_silence(lb, &lb_a);
	fake_switch_set_link(lb->sw, 2, false); /* its entries are not told of as gone yet */
	lb_said(lb);
	LB_SAYS(lb_syn(lb, 1, 99),
	        UP_DELETE(1) DOWN_DELETE(1) "out #6 in 1: mod_dl_dst::03,output:3\n");
	lb_free(lb);
}

static void a_connection_that_followed_entries_is_unanswered_again(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	lb_syn(lb, 1, 99);
	lb_silence(lb, &lb_a);
	fake_switch_set_link(lb->sw, 2, false);
	lb_said(lb);
	LB_SAYS(lb_syn(lb, 1, 99),
	        UP_DELETE(1) DOWN_DELETE(1) "out #7 in 1: mod_dl_dst::03,output:3\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "moved"), 1);
	lb_pass(lb, 71 * s_ns); /* and aged as such: the old entries are none of its */
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 1);
	lb_free(lb);
}

static void a_connection_that_followed_entries_may_be_moved_like_any_other(void)
{
	struct lb *lb = lb_new("");

	/* Moved to server_b, and answered there. */
	for (int i = 0; i < 3; i++) {
		lb_syn(lb, 1, 1);
		lb_pass(lb, s_ns);
	}
	lb_syn_ack(lb, &lb_b, 1, 1);
	down_entry = lb->flow_mod;
	up_entry = down_entry;
	up_entry.match.in_port = 1;
	up_entry.match.nw_src = down_entry.match.nw_dst;
	up_entry.match.nw_dst = down_entry.match.nw_src;
	up_entry.match.tp_src = down_entry.match.tp_dst;
	up_entry.match.tp_dst = down_entry.match.tp_src;
	lb_syn(lb, 1, 99);
	CU_ASSERT_EQUAL(lb_counter(lb, "followed"), 1);
	lb_flow_removed(lb, &up_entry, OFPRR_IDLE_TIMEOUT);
	lb_flow_removed(lb, &down_entry, OFPRR_IDLE_TIMEOUT);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_removed"), 2);
	lb_pass(lb, s_ns);
	CU_ASSERT(lb_has(lb_syn(lb, 1, 99), "mod_dl_dst::03,output:3\n"));
	lb_pass(lb, 2 * s_ns);
	CU_ASSERT(lb_has(lb_syn(lb, 1, 99), "mod_dl_dst::02,output:2\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "moved"), 2);
	lb_free(lb);
}

static void a_backend_that_speaks_from_another_port_gets_entries_there(void)
{
	static const struct lb_host moved = {2, 2, 6};
	struct lb *lb = lb_new("");
	const char *said;

	open_session(lb, 1, 1);
	lb_pass(lb, 2 * s_ns);
	lb_said(lb);
	said = lb_to_client(lb, &moved, 1, FB_TCP_ACK);
	CU_ASSERT(lb_has(said, "mod_dl_dst::02,output:6\nadd tcp,in_port=6,"));
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_moved"), 1);
	lb_free(lb);
}

static void a_client_that_speaks_from_another_port_gets_entries_there(void)
{
	struct lb *lb = lb_new("");
	const char *said;

	open_session(lb, 1, 1);
	lb_pass(lb, 2 * s_ns);
	lb_said(lb);
	said = lb_tcp(lb, &(struct lb_segment){.from = &lb_client,
	                                       .to = &lb_a,
	                                       .tp_src = 1,
	                                       .tp_dst = 22,
	                                       .flags = FB_TCP_ACK,
	                                       .in_port = 6});
	CU_ASSERT(lb_has(said, "add tcp,in_port=6,"));
	CU_ASSERT(lb_has(said, "mod_dl_src::02,mod_dl_dst::01,output:6\n"));
	lb_free(lb);
}

static void a_priority_tag_is_matched_and_is_no_vlan(void)
{
	struct lb *lb = lb_new("");
	struct lb_segment answer = {.from = &lb_a,
	                            .to = &lb_client,
	                            .tp_src = 22,
	                            .tp_dst = 1,
	                            .seq = 7,
	                            .ack = 2,
	                            .flags = FB_TCP_SYN | FB_TCP_ACK,
	                            .has_vlan = true,
	                            .vlan_tci = 0xe000};

	lb_syn(lb, 1, 1);
	CU_ASSERT(lb_has(lb_tcp(lb, &answer), "add tcp,in_port=2,dl_vlan=0,"));
	lb_flow_removed(lb, &lb->flow_mod, OFPRR_IDLE_TIMEOUT);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_removed"), 1);
	lb_free(lb);
}

static void exact_entries_match_the_packets_of_the_session(void)
{
	struct lb *lb = lb_new("entries=exact");
	struct lb_segment syn = {.from = &lb_client,
	                         .to = &lb_a,
	                         .tp_src = 1,
	                         .tp_dst = 22,
	                         .flags = FB_TCP_SYN,
	                         .seq = 1,
	                         .tos = 0x13};
	struct lb_segment ack = syn;
	uint8_t bytes[256];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_packet p;
	struct fb_match of_frame;

	lb_tcp(lb, &syn);
	lb_build(&frame, &(struct lb_segment){.from = &lb_a,
	                                      .to = &lb_client,
	                                      .tp_src = 22,
	                                      .tp_dst = 1,
	                                      .ack = 2,
	                                      .flags = FB_TCP_SYN | FB_TCP_ACK});
	lb_frame_in(lb, 2, &frame);
	up_entry = fake_switch_expect(lb->sw, OFPT_FLOW_MOD)->flow_mod;
	down_entry = fake_switch_expect(lb->sw, OFPT_FLOW_MOD)->flow_mod;
	fb_packet_parse(&p, frame.data, frame.len);
	fb_match_from_packet(&of_frame, &p, 2);
	CU_ASSERT(fb_match_equal(&of_frame, &down_entry.match));
	frame.len = 0;
	ack.flags = FB_TCP_ACK;
	lb_build(&frame, &ack);
	fb_packet_parse(&p, frame.data, frame.len);
	fb_match_from_packet(&of_frame, &p, 1);
	CU_ASSERT(fb_match_equal(&of_frame, &up_entry.match));
	CU_ASSERT_EQUAL(up_entry.match.wildcards | down_entry.match.wildcards, 0);
	lb_said(lb);
	/* The TOS changes in mid-session: a miss, which goes the same way and installs again. */
	lb_pass(lb, 2 * s_ns);
	lb_said(lb);
	ack.tos = 0x10;
	CU_ASSERT(lb_has(lb_tcp(lb, &ack), "nw_tos=16"));
	CU_ASSERT(lb->flow_mod.match.in_port == 2);
	lb_free(lb);
}

/* Those that were made for another TOS must not go on leading there. */
static void exact_entries_go_with_their_backend_whatever_frames_they_were_made_for(void)
{
	struct lb *lb = lb_new("entries=exact,on_failure=leave");
	struct lb_segment ack = {.from = &lb_client,
	                         .to = &lb_a,
	                         .tp_src = 1,
	                         .tp_dst = 22,
	                         .flags = FB_TCP_ACK,
	                         .tos = 0x10};
	struct fb_flow_mod deletes[2];

	open_session(lb, 1, 1);
	lb_pass(lb, 2 * s_ns);
	lb_said(lb);
	CU_ASSERT(lb_has(lb_tcp(lb, &ack), "nw_tos=16"));
	lb_silence(lb, &lb_a);
	for (size_t i = 0; i < 2;) {
		const struct fb_msg *msg = fake_switch_next(lb->sw);

		if (!msg)
			lb_pass(lb, s_ns);
		else if (msg->type == OFPT_FLOW_MOD)
			deletes[i++] = msg->flow_mod;
	}
	CU_ASSERT_EQUAL(deletes[0].command, OFPFC_DELETE);
	CU_ASSERT_EQUAL(deletes[1].command, OFPFC_DELETE);
	CU_ASSERT(fb_match_contains(&deletes[0].match, &up_entry.match));
	CU_ASSERT(fb_match_contains(&deletes[1].match, &down_entry.match));
	CU_ASSERT_EQUAL(deletes[0].match.wildcards,
	                OFPFW_DL_SRC | OFPFW_DL_DST | OFPFW_DL_VLAN_PCP | OFPFW_NW_TOS);
	lb_said(lb);
	lb_free(lb);
}

static void tagged_sessions_get_tagged_entries(void)
{
	struct lb *lb = lb_new_empty("");
	struct lb_segment syn = {.from = &lb_client,
	                         .to = &lb_a,
	                         .tp_src = 1,
	                         .tp_dst = 22,
	                         .flags = FB_TCP_SYN,
	                         .seq = 1,
	                         .has_vlan = true,
	                         .vlan_tci = 0xa007};
	struct lb_segment answer = {.from = &lb_a,
	                            .to = &lb_client,
	                            .tp_src = 22,
	                            .tp_dst = 1,
	                            .seq = 7,
	                            .ack = 2,
	                            .flags = FB_TCP_SYN | FB_TCP_ACK,
	                            .has_vlan = true,
	                            .vlan_tci = 7};
	struct lb_segment hello = {.from = &lb_a,
	                           .to = &lb_client,
	                           .tp_src = 9,
	                           .tp_dst = 9,
	                           .flags = FB_TCP_RST,
	                           .has_vlan = true,
	                           .vlan_tci = 7};
	const char *said;

	lb_tcp(lb, &hello);
	CU_ASSERT(lb_has(lb_tcp(lb, &syn), "out #2 in 1: mod_dl_dst::02,output:2\n"));
	said = lb_tcp(lb, &answer);
	CU_ASSERT(lb_has(said, "add tcp,in_port=1,dl_vlan=7,nw_src="));
	CU_ASSERT(lb_has(said, "add tcp,in_port=2,dl_vlan=7,dl_src=:02,"));
	lb_free(lb);
}

static void sessions_survive_a_cut_of_the_control_connection(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	fake_switch_leave(lb->sw);
	lb_pass(lb, 10 * s_ns);
	lb_switch_to(lb, lb_join(lb->bench, 1, 6));
	lb_said(lb);
	CU_ASSERT(lb_has(lb_to_server(lb, 1, FB_TCP_ACK), "mod_dl_dst::02,output:2\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_passed"), 0);
	lb_free(lb);
}

/* Another controller may have given it another backend meanwhile. */
static void one_that_was_not_answered_before_the_cut_begins_anew(void)
{
	struct lb *lb = lb_new("");

	open_session(lb, 1, 1);
	lb_syn(lb, 2, 1);
	fake_switch_leave(lb->sw);
	lb_pass(lb, 10 * s_ns);
	lb_switch_to(lb, lb_join(lb->bench, 1, 6));
	lb_said(lb);
	CU_ASSERT(!lb_has(lb_syn_ack(lb, &lb_b, 2, 1), "output:1\n"));
	CU_ASSERT(lb_has(lb_syn(lb, 2, 1), "mod_dl_dst::0"));
	CU_ASSERT(lb_has(lb_syn_ack(lb, &lb_a, 2, 1), "output:1\n") !=
	          lb_has(lb_syn_ack(lb, &lb_b, 2, 1), "output:1\n"));
	lb_free(lb);
}

static void entries_whose_end_may_have_been_missed_are_installed_again_once(void)
{
	struct lb *lb = lb_new("idle_timeout=30s,grace=40s");

	open_session(lb, 1, 1);
	fake_switch_leave(lb->sw);
	lb_pass(lb, s_ns);
	lb_switch_to(lb, lb_join_silent(lb->bench, 1, 6));
	lb_pass(lb, 30 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 4);
	lb_pass(lb, 300 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 4);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 0);
	lb_free(lb);
}

static void a_packet_does_not_settle_whether_entries_live(void)
{
	struct lb *lb = lb_new("idle_timeout=30s");

	open_session(lb, 1, 1);
	fake_switch_leave(lb->sw);
	lb_switch_to(lb, lb_join_silent(lb->bench, 1, 6));
	lb_to_server(lb, 1, FB_TCP_ACK); /* too soon to install again */
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 2);
	lb_pass(lb, 30 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 4);
	lb_free(lb);
}

static void sessions_whose_backend_vanished_while_the_switch_was_away_are_aged(void)
{
	struct lb *lb = lb_new("idle_timeout=30s,grace=40s,on_failure=leave");

	open_session(lb, 1, 1);
	lb_silence(lb, &lb_a);
	lb_pass(lb, s_ns);
	fake_switch_leave(lb->sw);
	lb_switch_to(lb, lb_join(lb->bench, 1, 1));
	lb_pass(lb, 40 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 2);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 0);
	lb_pass(lb, 11 * FB_NS_PER_MS); /* after the sweep */
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 1);
	lb_free(lb);
}

static void the_sessions_of_a_switch_that_stays_away_are_forgotten(void)
{
	struct lb *lb = lb_new("idle_timeout=30s,grace=40s");

	open_session(lb, 1, 1);
	fake_switch_leave(lb->sw);
	lb_pass(lb, 70 * s_ns - 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 0);
	lb_pass(lb, 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 1);
	lb_free(lb);
}

/* It forwards without the controller, which is to know its sessions again. */
static void the_sessions_of_a_switch_that_was_away_for_long_live_on(void)
{
	struct lb *lb = lb_new("idle_timeout=30s,grace=40s");

	open_session(lb, 1, 1);
	fake_switch_leave(lb->sw);
	lb_pass(lb, 69 * s_ns); /* given up, and to be forgotten soon */
	lb_switch_to(lb, lb_join_silent(lb->bench, 1, 6));
	lb_pass(lb, 29 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 2);
	lb_pass(lb, s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 4);
	lb_pass(lb, 300 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 0);
	lb_free(lb);
}

static void owners_behind_a_port_that_vanished_while_the_switch_was_away_are_lost(void)
{
	struct lb *lb = lb_new("");

	lb_silence(lb, &lb_b);
	fake_switch_leave(lb->sw);
	lb_switch_to(lb, lb_join(lb->bench, 1, 2)); /* without port 3 */
	for (uint16_t tp = 1; tp <= 3; tp++)
		CU_ASSERT(lb_has(lb_syn(lb, tp, 1), "mod_dl_dst::02,output:2\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 1);
	lb_free(lb);
}

static void on_join_entries_are_asked_for_and_nothing_is_deleted(void)
{
	struct lb *lb = lb_new_empty("");
	struct fake_switch *sw = fake_switch_join_keeping(lb->bench, 2, 3, true);

	LB_SAYS(lb_said_by(lb, sw), "STATS_REQUEST\n");
	lb_free(lb);
}

UNIT_TESTS("balancer_flows", UNIT_TEST(a_syn_installs_nothing),
           UNIT_TEST(a_syn_ack_installs_client_to_server_then_server_to_client_then_is_released),
           UNIT_TEST(without_buffers_the_frame_itself_is_released),
           UNIT_TEST(a_syn_ack_that_comes_again_is_passed_on),
           UNIT_TEST(entries_have_an_idle_timeout_and_tell_of_their_end),
           UNIT_TEST(idle_timeouts_are_rounded_up_to_whole_seconds_and_never_infinite),
           UNIT_TEST(cookies_name_the_balancer_and_the_run),
           UNIT_TEST(entries_match_whatever_tos_and_vlan_priority),
           UNIT_TEST(a_switch_that_goes_on_punting_is_served_by_the_session_table),
           UNIT_TEST(entries_are_installed_again_at_most_once_a_second),
           UNIT_TEST(a_client_behind_the_port_of_its_server_gets_in_port_actions),
           UNIT_TEST(when_one_entry_has_gone_the_session_lives_and_the_next_packet_brings_it_back),
           UNIT_TEST(an_idle_session_outlasts_its_entries_by_the_grace_time),
           UNIT_TEST(after_the_grace_time_the_session_is_forgotten),
           UNIT_TEST(a_flow_removed_with_another_cookie_is_ignored),
           UNIT_TEST(a_new_connection_follows_live_entries_and_is_no_turn),
           UNIT_TEST(a_new_connection_on_old_ports_takes_a_turn_when_no_entry_lives),
           UNIT_TEST(a_dead_backend_deletes_both_entries),
           UNIT_TEST(entries_come_back_with_the_backend),
           UNIT_TEST(a_backend_that_moved_takes_its_sessions_along),
           UNIT_TEST(a_table_that_is_full_leaves_the_session_to_the_controller),
           UNIT_TEST(an_entry_that_the_switch_does_not_take_for_its_port_is_not_there),
           UNIT_TEST(a_syn_ack_of_an_older_attempt_is_passed_on_and_answers_nothing),
           UNIT_TEST(a_challenge_ack_shows_that_the_backend_has_answered),
           UNIT_TEST(a_backend_that_forgot_an_old_connection_gets_its_entries_at_last),
           UNIT_TEST(where_no_entry_lives_none_is_deleted),
           UNIT_TEST(a_new_connection_does_not_follow_the_entries_of_a_dead_backend),
           UNIT_TEST(a_connection_that_followed_entries_is_unanswered_again),
           UNIT_TEST(a_connection_that_followed_entries_may_be_moved_like_any_other),
           UNIT_TEST(a_backend_that_speaks_from_another_port_gets_entries_there),
           UNIT_TEST(a_client_that_speaks_from_another_port_gets_entries_there),
           UNIT_TEST(a_priority_tag_is_matched_and_is_no_vlan),
           UNIT_TEST(exact_entries_match_the_packets_of_the_session),
           UNIT_TEST(exact_entries_go_with_their_backend_whatever_frames_they_were_made_for),
           UNIT_TEST(tagged_sessions_get_tagged_entries),
           UNIT_TEST(sessions_survive_a_cut_of_the_control_connection),
           UNIT_TEST(one_that_was_not_answered_before_the_cut_begins_anew),
           UNIT_TEST(entries_whose_end_may_have_been_missed_are_installed_again_once),
           UNIT_TEST(a_packet_does_not_settle_whether_entries_live),
           UNIT_TEST(sessions_whose_backend_vanished_while_the_switch_was_away_are_aged),
           UNIT_TEST(the_sessions_of_a_switch_that_stays_away_are_forgotten),
           UNIT_TEST(the_sessions_of_a_switch_that_was_away_for_long_live_on),
           UNIT_TEST(owners_behind_a_port_that_vanished_while_the_switch_was_away_are_lost),
           UNIT_TEST(on_join_entries_are_asked_for_and_nothing_is_deleted))
