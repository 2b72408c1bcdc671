/* Sessions that are rebuilt from the flow entries that switches tell, and those whose entries are
 * not there any more. */
#include "tests/unit/controller/balancer_bench.h"
#include "tests/unit/controller/fake_network.h"

static const uint64_t s_ns = FB_NS_PER_S, ms_ns = FB_NS_PER_MS;

/* Cookies of the balancer behind discovery: of a run before this one, and of this one. */
static const uint64_t old_cookie = UINT64_C(0xfb01000011110007),
                      own_cookie = UINT64_C(0xfb011234abcd0000);

enum { STATS_BYTES = 8192 };

/* --- What switches tell --- */

/* Of the client's session with the port 40000: its entries where client and lb_b are on one switch.
 * It had addressed lb_a. */
#define TO_B                                                                                       \
	"tcp,in_port=1,dl_vlan=0xffff,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=40000,"         \
	"tp_dst=22,actions=mod_dl_dst:02:00:00:00:00:03,output:3"
#define FROM_B                                                                                     \
	"tcp,in_port=3,dl_vlan=0xffff,dl_src=02:00:00:00:00:03,nw_src=192.168.2.2,"                \
	"nw_dst=192.168.2.1,tp_src=22,tp_dst=40000,actions=mod_dl_src:02:00:00:00:00:02,"          \
	"mod_dl_dst:02:00:00:00:00:01,output:1"
#define TO_A                                                                                       \
	"tcp,in_port=1,dl_vlan=0xffff,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=40000,"         \
	"tp_dst=22,actions=mod_dl_dst:02:00:00:00:00:02,output:2"

/* They are installed again, as the text of the bench has them. */
#define ADD_TO_B                                                                                   \
	"add tcp,in_port=1,vlan_tci=0x0000,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=40000,"    \
	"tp_dst=22: mod_dl_dst::03,output:3\n"
#define ADD_FROM_B                                                                                 \
	"add tcp,in_port=3,vlan_tci=0x0000,dl_src=:03,nw_src=192.168.2.2,nw_dst=192.168.2.1,"      \
	"tp_src=22,tp_dst=40000: mod_dl_src::02,mod_dl_dst::01,output:1\n"

/* A switch that was asked and has not answered. */
struct asked {
	struct fake_switch *sw;
	uint32_t xid;
	struct fb_buf entries; /* that it will tell */
	uint8_t bytes[STATS_BYTES];
};

static void read_question(struct asked *asked)
{
	const struct fb_msg *msg;

	asked->xid = 0;
	while ((msg = fake_switch_next(asked->sw))) {
		if (msg->type != OFPT_STATS_REQUEST)
			continue;
		CU_ASSERT_EQUAL(msg->stats_request.type, OFPST_FLOW);
		CU_ASSERT_EQUAL(msg->stats_request.flow.table_id, 0xff);
		CU_ASSERT_EQUAL(msg->stats_request.flow.out_port, OFPP_NONE);
		CU_ASSERT_EQUAL(msg->stats_request.flow.match.wildcards, OFPFW_ALL);
		asked->xid = msg->xid;
	}
	fake_switch_discard(asked->sw);
	asked->entries = fb_buf_make(asked->bytes, sizeof asked->bytes);
}

static struct asked *join(struct lb *lb, uint64_t dpid, uint16_t ports)
{
	struct asked *asked = calloc(1, sizeof *asked);

	CU_ASSERT_FATAL(asked != NULL);
	asked->sw = fake_switch_join_keeping(lb->bench, dpid, ports, true);
	read_question(asked);
	bench_pass(lb->bench, 0);
	lb_switch_to(lb, asked->sw);
	return asked;
}

/* It has the entry 'flow', which is 'age_s' old. */
static void have(struct asked *asked, const char *flow, uint64_t cookie, uint32_t age_s)
{
	uint8_t bytes[256];
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);
	struct fb_flow_stats stats = {.duration_sec = age_s, .cookie = cookie};
	struct fb_flow_mod fm;

	CU_ASSERT_FATAL(fb_parse_flow(flow, OFPFC_ADD, &fm, &actions, NULL) == 0);
	stats.match = fm.match;
	stats.priority = fm.priority;
	stats.actions = (struct fb_view){actions.data, actions.len};
	CU_ASSERT_FATAL(fb_flow_stats_put(&asked->entries, &stats));
}

/* It tells what it has; 'more' follows. What is to be done at once is done. */
static void tell(struct asked *asked, bool more)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_STATS_REPLY, .xid = asked->xid};

	msg.stats_reply.type = OFPST_FLOW;
	msg.stats_reply.flags = more ? OFPSF_REPLY_MORE : 0;
	msg.stats_reply.entries = (struct fb_view){asked->entries.data, asked->entries.len};
	fake_switch_send(asked->sw, &msg);
	asked->entries.len = 0;
	if (!more)
		bench_pass(asked->sw->bench, 0);
}

/* The switch 1, which has 'flows' of a run before and has told them. Nobody was heard. */
static struct lb *new_telling(const char *options, const char *const *flows)
{
	struct lb *lb = lb_new_empty(options);
	struct asked *asked;

	fake_switch_leave(lb->sw);
	asked = join(lb, 1, 6);
	for (; *flows; flows++)
		have(asked, *flows, old_cookie, 1);
	tell(asked, false);
	free(asked);
	return lb;
}

static const char *const both[] = {TO_B, FROM_B, NULL};

/* Segments of that session. */
static const char *client_sends(struct lb *lb)
{
	return lb_to_server(lb, 40000, FB_TCP_ACK);
}

static const char *server_sends(struct lb *lb)
{
	return lb_to_client(lb, &lb_b, 40000, FB_TCP_ACK);
}

/* --- Asking --- */

static void a_switch_that_joins_is_asked_for_all_its_entries_before_anything_else(void)
{
	struct lb *lb = lb_new("");
	struct fake_switch *sw = fake_switch_connect(lb->bench, 2, 6);
	const struct fb_msg *msg;

	fake_switch_hello(sw);
	fake_switch_discard(sw);
	fake_switch_features(sw);
	for (int i = 0; i < 3; i++) /* SET_CONFIG, and two flow-mods of the controller itself */
		fake_switch_next(sw);
	while ((msg = fake_switch_next(sw)) && lb_is_discovery(msg)) {
	}
	CU_ASSERT_FATAL(msg != NULL);
	CU_ASSERT_EQUAL(msg->type, OFPT_STATS_REQUEST);
	lb_free(lb);
}

static void with_mode_packet_no_switch_is_asked(void)
{
	struct lb *lb = lb_new("mode=packet");
	struct asked *asked = join(lb, 2, 6);

	CU_ASSERT_EQUAL(asked->xid, 0);
	free(asked);
	lb_free(lb);
}

static void the_balancer_is_ready_when_all_have_told(void)
{
	struct lb *lb = lb_new("");
	struct asked *one = join(lb, 2, 6), *other = join(lb, 3, 6);

	lb_pass(lb, s_ns); /* discovery is */
	CU_ASSERT(!controller_ready(lb->bench->ctl));
	tell(one, true);
	tell(one, false);
	CU_ASSERT(!controller_ready(lb->bench->ctl));
	tell(other, false);
	CU_ASSERT(controller_ready(lb->bench->ctl));
	free(one);
	free(other);
	lb_free(lb);
}

/* --- Rebuilding --- */

static void the_entries_of_both_directions_make_a_session(void)
{
	struct lb *lb = new_telling("", both);

	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 1);
	CU_ASSERT(lb_has(lb_said(lb), ADD_TO_B ADD_FROM_B)); /* in this run's name */
	LB_SAYS(client_sends(lb), "out #1 in 1: mod_dl_dst::03,output:3\n");
	LB_SAYS(server_sends(lb), "out #2 in 3: mod_dl_src::02,mod_dl_dst::01,output:1\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_probed"), 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 0);
	lb_free(lb);
}

static void their_order_does_not_matter_nor_in_how_many_parts_they_come(void)
{
	struct lb *lb = lb_new_empty("");
	struct asked *asked;

	fake_switch_leave(lb->sw);
	asked = join(lb, 1, 6);
	have(asked, FROM_B, old_cookie, 1);
	tell(asked, true);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 0);
	have(asked, TO_B, old_cookie, 1);
	tell(asked, true);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 1);
	tell(asked, false);
	free(asked);
	lb_said(lb);
	LB_SAYS(client_sends(lb), "out #1 in 1: mod_dl_dst::03,output:3\n");
	lb_free(lb);
}

static void entries_of_others_are_not_touched(void)
{
	static const struct {
		uint64_t cookie;
	} others[] = {{0}, {UINT64_C(0xfb02000011110007)}, {UINT64_C(0xfa01000011110007)}};
	struct lb *lb = lb_new_empty("");
	struct asked *asked = join(lb, 2, 1); /* without the ports that they lead to */

	lb_said(lb);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		have(asked, TO_B, others[i].cookie, 1);
		have(asked, FROM_B, others[i].cookie, 1);
	}
	tell(asked, false);
	free(asked);
	LB_SAYS(lb_said(lb), "");
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 0);
	lb_free(lb);
}

static void entries_that_are_not_of_sessions_are_left_alone(void)
{
	static const char *const flows[] = {
	        "tcp,nw_dst=192.168.2.2,actions=output:2", "arp,actions=CONTROLLER:65535",
	        "tcp,in_port=1,dl_vlan=0xffff,nw_src=192.168.2.0/24,nw_dst=192.168.2.2,"
	        "tp_src=40000,tp_dst=22,actions=mod_dl_dst:02:00:00:00:00:02,output:2",
	        NULL};
	struct lb *lb = new_telling("", flows);

	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_deleted"), 0);
	lb_free(lb);
}

static void a_rebuilt_session_outlasts_its_entries_as_any_that_was_answered(void)
{
	struct lb *lb = new_telling("idle_timeout=1s", both);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_FLOW_REMOVED};

	lb_announce(lb, &lb_b);
	lb_announce(lb, &lb_client);
	msg.flow_removed.cookie = lb->cookie;
	for (int i = 0; i < 2; i++) {
		uint8_t bytes[256];
		struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);
		struct fb_flow_mod fm;

		CU_ASSERT_FATAL(fb_parse_flow(both[i], OFPFC_ADD, &fm, &actions, NULL) == 0);
		msg.flow_removed.match = fm.match;
		fake_switch_send(lb->sw, &msg);
	}
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_removed"), 2);
	lb_pass(lb, 299 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 0);
	lb_pass(lb, s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions_expired"), 1);
	lb_free(lb);
}

static void entries_on_the_way_tell_nothing(void)
{
	static const char *const flows[] = {
	        "tcp,in_port=6,dl_vlan=0xffff,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=40000,"
	        "tp_dst=22,actions=output:3",
	        "tcp,in_port=3,dl_vlan=0xffff,nw_src=192.168.2.2,nw_dst=192.168.2.1,tp_src=22,"
	        "tp_dst=40000,actions=output:6",
	        NULL};
	struct lb *lb = new_telling("", flows);

	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 0);
	lb_announce(lb, &lb_a);
	lb_announce(lb, &lb_b);
	client_sends(lb);
	lb_pass(lb, 100 * ms_ns);
	lb_said(lb);
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_probed"), 1);
	lb_free(lb);
}

static void the_sessions_of_datagrams_are_rebuilt_as_well(void)
{
	static const char *const flows[] = {
	        "udp,in_port=1,dl_vlan=0xffff,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=40000,"
	        "tp_dst=53,actions=mod_dl_dst:02:00:00:00:00:03,output:3",
	        "udp,in_port=3,dl_vlan=0xffff,dl_src=02:00:00:00:00:03,nw_src=192.168.2.2,"
	        "nw_dst=192.168.2.1,tp_src=53,tp_dst=40000,actions=mod_dl_src:02:00:00:00:00:02,"
	        "mod_dl_dst:02:00:00:00:00:01,output:1",
	        NULL};
	struct lb *lb = new_telling("", flows);

	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 1);
	CU_ASSERT(lb_has(lb_said(lb), "add udp,in_port=1"));
	lb_free(lb);
}

static void sessions_of_a_vlan_keep_it(void)
{
	static const char *const flows[] = {
	        "tcp,in_port=1,dl_vlan=7,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=40000,"
	        "tp_dst=22,actions=mod_dl_dst:02:00:00:00:00:03,output:3",
	        "tcp,in_port=3,dl_vlan=7,dl_src=02:00:00:00:00:03,nw_src=192.168.2.2,"
	        "nw_dst=192.168.2.1,tp_src=22,tp_dst=40000,actions=mod_dl_src:02:00:00:00:00:02,"
	        "mod_dl_dst:02:00:00:00:00:01,output:1",
	        NULL};
	struct lb *lb = new_telling("", flows);
	struct lb_segment s = {.from = &lb_client,
	                       .to = &lb_a,
	                       .tp_src = 40000,
	                       .tp_dst = LB_SERVICE,
	                       .flags = FB_TCP_ACK,
	                       .has_vlan = true,
	                       .vlan_tci = 7};

	CU_ASSERT(lb_has(lb_said(lb), "add tcp,in_port=1,dl_vlan=7,"));
	LB_SAYS(lb_tcp(lb, &s), "out #1 in 1: mod_dl_dst::03,output:3\n");
	lb_free(lb);
}

static void exact_entries_are_installed_again_as_they_were(void)
{
	static const char *const flows[] = {
	        "tcp,in_port=1,dl_vlan=7,dl_vlan_pcp=3,dl_src=02:00:00:00:00:01,"
	        "dl_dst=02:00:00:00:00:02,nw_src=192.168.2.1,nw_dst=192.168.2.2,nw_tos=16,"
	        "tp_src=40000,tp_dst=22,actions=mod_dl_dst:02:00:00:00:00:03,output:3",
	        "tcp,in_port=3,dl_vlan=7,dl_vlan_pcp=2,dl_src=02:00:00:00:00:03,"
	        "dl_dst=02:00:00:00:00:01,nw_src=192.168.2.2,nw_dst=192.168.2.1,nw_tos=8,"
	        "tp_src=22,tp_dst=40000,actions=mod_dl_src:02:00:00:00:00:02,"
	        "mod_dl_dst:02:00:00:00:00:01,output:1",
	        NULL};
	struct lb *lb = new_telling("entries=exact", flows);

	CU_ASSERT(lb_has(
	        lb_said(lb),
	        "add "
	        "tcp,in_port=1,dl_vlan=7,dl_vlan_pcp=3,dl_src=:01,dl_dst=:02,nw_src=192.168.2.1,"
	        "nw_dst=192.168.2.2,nw_tos=16,tp_src=40000,tp_dst=22: mod_dl_dst::03,output:3\n"
	        "add "
	        "tcp,in_port=3,dl_vlan=7,dl_vlan_pcp=2,dl_src=:03,dl_dst=:01,nw_src=192.168.2.2,"
	        "nw_dst=192.168.2.1,nw_tos=8,tp_src=22,tp_dst=40000: "
	        "mod_dl_src::02,mod_dl_dst::01,output:1\n"));
	lb_free(lb);
}

static void of_entries_that_contradict_each_other_the_younger_count(void)
{
	struct lb *lb = lb_new_empty("");
	struct asked *asked;

	fake_switch_leave(lb->sw);
	lb_pass(lb, 100 * s_ns);
	asked = join(lb, 1, 6);
	have(asked, TO_A, old_cookie, 50);
	have(asked, FROM_B, old_cookie, 20);
	have(asked, TO_A, old_cookie, 60);
	tell(asked, true);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 0);
	have(asked, TO_B, old_cookie, 20);
	tell(asked, false);
	free(asked);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 1);
	lb_said(lb);
	LB_SAYS(client_sends(lb), "out #1 in 1: mod_dl_dst::03,output:3\n");
	lb_free(lb);
}

static void no_more_sessions_are_rebuilt_than_may_be(void)
{
	struct lb *lb = lb_new_empty("sessions_max=1");
	struct asked *asked;

	fake_switch_leave(lb->sw);
	asked = join(lb, 1, 6);
	have(asked, TO_B, old_cookie, 1);
	have(asked, FROM_B, old_cookie, 1);
	have(asked,
	     "tcp,in_port=1,dl_vlan=0xffff,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=40001,"
	     "tp_dst=22,actions=mod_dl_dst:02:00:00:00:00:03,output:3",
	     old_cookie, 1);
	have(asked,
	     "tcp,in_port=3,dl_vlan=0xffff,dl_src=02:00:00:00:00:03,nw_src=192.168.2.2,"
	     "nw_dst=192.168.2.1,tp_src=22,tp_dst=40001,actions=mod_dl_src:02:00:00:00:00:02,"
	     "mod_dl_dst:02:00:00:00:00:01,output:1",
	     old_cookie, 1);
	tell(asked, false);
	free(asked);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled_full"), 1);
	lb_free(lb);
}

static void rebuilt_sessions_count_for_least_connections(void)
{
	struct lb *lb = new_telling("scheduler=lc", both);

	lb_announce(lb, &lb_b);
	lb_announce(lb, &lb_a);
	lb_announce(lb, &lb_client);
	CU_ASSERT(lb_has(lb_syn(lb, 50000, 1), "mod_dl_dst::02,output:2\n"));
	CU_ASSERT(lb_has(lb_syn(lb, 50001, 1), "output:"));
	CU_ASSERT(lb_has(lb_syn(lb, 50002, 1), "output:"));
	CU_ASSERT(lb_has(lb_syn(lb, 50003, 1), "output:"));
	/* Of five in all two, at least, each. */
	CU_ASSERT(lb_has(lb_syn(lb, 50004, 1), "output:"));
	lb_free(lb);
}

/* --- Halves --- */

static void the_way_to_the_backend_alone_tells_the_backend(void)
{
	static const char *const flows[] = {TO_B, NULL};
	struct lb *lb = new_telling("", flows);

	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 0);
	lb_announce(lb, &lb_b);
	lb_announce(lb, &lb_a);
	LB_SAYS(client_sends(lb), ADD_TO_B ADD_FROM_B "out #3 in 1: mod_dl_dst::03,output:3\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_probed"), 0);
	lb_free(lb);
}

static void the_way_to_the_client_alone_tells_both(void)
{
	static const char *const flows[] = {FROM_B, NULL};
	struct lb *lb = new_telling("", flows);

	LB_SAYS(client_sends(lb),
	        LB_PROBE ADD_TO_B ADD_FROM_B "out #1 in 1: mod_dl_dst::03,output:3\n");
	lb_free(lb);
}

static void a_backend_that_is_not_heard_yet_is_waited_for(void)
{
	static const char *const flows[] = {TO_B, NULL};
	struct lb *lb = new_telling("arp_settle=20ms", flows);

	lb_announce(lb, &lb_a);
	CU_ASSERT(!lb_has(client_sends(lb), "out #2"));
	lb_pass(lb, 10 * ms_ns);
	lb_announce(lb, &lb_b);
	lb_pass(lb, 10 * ms_ns);
	CU_ASSERT(lb_has(lb_said(lb), "out #2 in 1: mod_dl_dst::03,output:3\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_probed"), 0);
	lb_free(lb);
}

static void the_backend_may_be_the_first_to_go_on(void)
{
	static const char *const flows[] = {TO_B, NULL};
	struct lb *lb = new_telling("", flows);

	lb_announce(lb, &lb_client);
	LB_SAYS(server_sends(lb),
	        ADD_TO_B "add tcp,in_port=3,vlan_tci=0x0000,dl_src=:03,nw_src=192.168.2.2,"
	                 "nw_dst=192.168.2.1,tp_src=22,tp_dst=40000: "
	                 "mod_dl_src::03,mod_dl_dst::01,output:1\n"
	                 "out #2 in 3: mod_dl_src::03,mod_dl_dst::01,output:1\n");
	lb_free(lb);
}

static void another_than_the_backend_has_no_part_in_a_half(void)
{
	static const char *const flows[] = {TO_B, NULL};
	struct lb *lb = new_telling("", flows);

	lb_announce(lb, &lb_client);
	lb_announce(lb, &lb_b);
	lb_to_client(lb, &lb_a, 40000, FB_TCP_RST);
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 0);
	CU_ASSERT(lb_has(client_sends(lb), "mod_dl_dst::03"));
	CU_ASSERT_EQUAL(lb_counter(lb, "recovered"), 1);
	lb_free(lb);
}

static void what_is_for_a_backend_that_nobody_finds_goes_to_nobody_else(void)
{
	static const char *const flows[] = {TO_B, NULL};
	struct lb *lb = new_telling("", flows);

	lb_announce(lb, &lb_client);
	lb_announce(lb, &lb_a);
	lb_pass(lb, 15 * s_ns);
	for (int i = 0; i < 3; i++) {
		lb_said(lb);
		CU_ASSERT(!lb_has(client_sends(lb), "mod_dl_dst"));
		lb_pass(lb, s_ns);
		CU_ASSERT(lb_has(lb_said(lb), "in 1: drop\n"));
	}
	lb_announce(lb, &lb_b);
	CU_ASSERT(lb_has(client_sends(lb), "in 1: mod_dl_dst::03,output:3\n"));
	lb_free(lb);
}

static void halves_are_forgotten_in_time(void)
{
	static const char *const flows[] = {TO_B, NULL};
	struct lb *lb = new_telling("idle_timeout=5s,grace=5s", flows);

	lb_pass(lb, 10 * s_ns);
	lb_announce(lb, &lb_b);
	lb_announce(lb, &lb_a);
	client_sends(lb);
	lb_pass(lb, s_ns);
	lb_said(lb);
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_probed"), 1);
	lb_free(lb);
}

/* --- Waiting --- */

static void what_belongs_to_unknown_sessions_waits_while_a_switch_tells(void)
{
	struct lb *lb = lb_new_empty("");
	struct asked *asked;

	fake_switch_leave(lb->sw);
	asked = join(lb, 1, 6);
	lb_announce(lb, &lb_a);
	lb_announce(lb, &lb_b);
	LB_SAYS(client_sends(lb), "");
	LB_SAYS(lb_syn(lb, 50000, 1), "");
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_waited"), 2);
	have(asked, TO_B, old_cookie, 1);
	have(asked, FROM_B, old_cookie, 1);
	tell(asked, false);
	free(asked);
	CU_ASSERT(lb_has(lb_said(lb), "out #3 in 1: mod_dl_dst::03,output:3\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 1);
	lb_free(lb);
}

static void a_bounded_number_waits(void)
{
	struct lb *lb = lb_new_empty("hold_max=1");
	struct asked *asked;

	fake_switch_leave(lb->sw);
	asked = join(lb, 1, 6);
	lb_announce(lb, &lb_a);
	LB_SAYS(client_sends(lb), "");
	/* A segment of no session is never given to anybody on a guess; a SYN may be. */
	LB_SAYS(lb_to_server(lb, 40001, FB_TCP_ACK), "out #3 in 1: drop\n");
	CU_ASSERT(lb_has(lb_syn(lb, 50000, 1), "out #4 in 1: mod_dl_dst::02,output:2\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "strays_full"), 2);
	tell(asked, false);
	free(asked);
	lb_pass(lb, s_ns);
	lb_said(lb);
	lb_free(lb);
}

static void a_switch_that_says_nothing_is_not_waited_for_for_ever(void)
{
	struct lb *lb = lb_new_empty("recall_timeout=500ms");
	struct asked *asked;

	fake_switch_leave(lb->sw);
	asked = join(lb, 1, 6);
	lb_announce(lb, &lb_a);
	LB_SAYS(lb_syn(lb, 50000, 1), "");
	lb_pass(lb, 499 * ms_ns);
	tell(asked, true); /* it is slow, but it speaks */
	lb_pass(lb, ms_ns);
	/* The packet has waited for long enough all the same. */
	CU_ASSERT(lb_has(lb_said(lb), "out #2 in 1: mod_dl_dst::02,output:2\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "recalls_lost"), 0);
	lb_pass(lb, 499 * ms_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalls_lost"), 1);
	CU_ASSERT(controller_ready(lb->bench->ctl));
	/* What it tells then still counts. */
	have(asked, TO_B, old_cookie, 1);
	have(asked, FROM_B, old_cookie, 1);
	tell(asked, false);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "mended"), 1);
	free(asked);
	lb_free(lb);
}

static void packets_that_wait_are_forgotten_with_their_switch(void)
{
	struct lb *lb = lb_new_empty("");
	struct asked *one = join(lb, 2, 6), *other = join(lb, 3, 6);

	LB_SAYS(client_sends(lb), "");
	fake_switch_leave(other->sw);
	free(other);
	lb_switch_to(lb, lb_join(lb->bench, 3, 6));
	tell(one, false);
	lb_pass(lb, s_ns);
	/* Its buffers are others now. */
	CU_ASSERT(!lb_has(lb_said(lb), "#1"));
	lb->leaks = true;
	free(one);
	lb_free(lb);
}

static void a_switch_that_refuses_to_tell_is_not_waited_for(void)
{
	struct lb *lb = lb_new_empty("");
	struct asked *asked = join(lb, 2, 6);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_ERROR, .xid = asked->xid};

	lb_pass(lb, s_ns);
	msg.error.type = OFPET_BAD_REQUEST;
	msg.error.code = OFPBRC_BAD_STAT;
	fake_switch_send(asked->sw, &msg);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalls_lost"), 1);
	CU_ASSERT(controller_ready(lb->bench->ctl));
	free(asked);
	lb_free(lb);
}

static void a_switch_that_leaves_is_not_waited_for(void)
{
	struct lb *lb = lb_new_empty("");
	struct asked *one = join(lb, 2, 6), *other = join(lb, 3, 6);

	lb_announce(lb, &lb_a);
	LB_SAYS(lb_syn(lb, 50000, 1), "");
	lb_to_server(lb, 40000, FB_TCP_ACK);
	fake_switch_leave(one->sw);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalls_lost"), 1);
	LB_SAYS(lb_said(lb), "");
	fake_switch_leave(other->sw);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalls_lost"), 2);
	lb_pass(lb, s_ns);
	CU_ASSERT(controller_ready(lb->bench->ctl));
	lb->leaks = true;
	free(one);
	free(other);
	lb_free(lb);
}

/* --- Ports --- */

static void entries_of_ports_that_are_gone_are_deleted_and_no_others(void)
{
	struct lb *lb = lb_new_empty("");
	struct asked *asked;

	fake_switch_leave(lb->sw);
	asked = join(lb, 1, 2); /* without port 3 */
	lb_said(lb);
	have(asked, "priority=5," TO_B, old_cookie, 1);
	have(asked, "priority=5," FROM_B, old_cookie, 1);
	have(asked,
	     "tcp,in_port=1,dl_vlan=0xffff,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=40001,"
	     "tp_dst=22,actions=mod_dl_dst:02:00:00:00:00:02,output:2",
	     old_cookie, 1);
	have(asked,
	     "tcp,in_port=1,dl_vlan=0xffff,nw_src=192.168.2.1,nw_dst=192.168.2.9,tp_src=40001,"
	     "tp_dst=22,actions=mod_dl_dst:02:00:00:00:00:01,IN_PORT",
	     old_cookie, 1);
	tell(asked, false);
	LB_SAYS(lb_said(lb),
	        "delete-strict tcp,in_port=1,vlan_tci=0x0000,nw_src=192.168.2.1,nw_dst=192.168.2.2,"
	        "tp_src=40000,tp_dst=22\n"
	        "delete-strict tcp,in_port=3,vlan_tci=0x0000,dl_src=:03,nw_src=192.168.2.2,"
	        "nw_dst=192.168.2.1,tp_src=22,tp_dst=40000\n");
	CU_ASSERT_EQUAL(lb->flow_mod.priority, 5);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 1);
	free(asked);
	lb_free(lb);
}

static void a_backend_whose_port_is_gone_is_known_all_the_same(void)
{
	static const struct lb_host elsewhere = {3, 2, 2};
	struct lb *lb = lb_new_empty("");
	struct asked *asked;

	fake_switch_leave(lb->sw);
	asked = join(lb, 1, 2);
	have(asked, TO_B, old_cookie, 1);
	have(asked, FROM_B, old_cookie, 1);
	tell(asked, false);
	free(asked);
	lb_announce(lb, &elsewhere);
	lb_pass(lb, s_ns);
	CU_ASSERT(lb_has(lb_said(lb), "mod_dl_dst::03,output:2\n"));
	LB_SAYS(client_sends(lb), "out #2 in 1: mod_dl_dst::03,output:2\n");
	lb_free(lb);
}

/* --- Owners --- */

static void an_owner_that_only_entries_tell_of_gets_no_new_connections(void)
{
	struct lb *lb = new_telling("", both);

	lb_said(lb);
	/* The SYN waits until somebody is heard under the address. */
	CU_ASSERT(!lb_has(lb_syn(lb, 50000, 1), "out #"));
	lb_announce(lb, &lb_a);
	CU_ASSERT_EQUAL(lb->released[1], 1);
	for (uint16_t tp = 50001; tp < 50004; tp++)
		CU_ASSERT(lb_has(lb_syn(lb, tp, 1), "mod_dl_dst::02,output:2\n"));
	lb_announce(lb, &lb_b);
	lb_syn(lb, 50004, 1);
	CU_ASSERT(lb_has(lb_syn(lb, 50005, 1), "mod_dl_dst::03") ||
	          lb_has(lb_syn(lb, 50006, 1), "mod_dl_dst::03"));
	lb_free(lb);
}

static void an_owner_that_only_entries_tell_of_is_probed(void)
{
	struct lb *lb = new_telling("probe_interval=1s,probes_lost_max=2", both);

	CU_ASSERT(lb_counter(lb, "probes") > 0);
	lb_announce(lb, &lb_a);
	lb_announce(lb, &lb_client);
	lb_pass(lb, 5 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "failed"), 1);
	lb_free(lb);
}

static void a_backend_that_the_service_does_not_name_keeps_its_sessions_and_gets_no_others(void)
{
	struct lb *lb = new_telling("vip=192.168.2.2,backends=02:00:00:00:00:02", both);

	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 1);
	lb_announce(lb, &lb_b);
	lb_announce(lb, &lb_a);
	lb_said(lb);
	CU_ASSERT(lb_has(client_sends(lb), "mod_dl_dst::03,output:3\n"));
	for (uint16_t tp = 50001; tp < 50004; tp++)
		CU_ASSERT(lb_has(lb_syn(lb, tp, 1), "mod_dl_dst::02,output:2\n"));
	lb_free(lb);
}

/* --- Mending --- */

static void rebuilt_sessions_are_installed_again_a_few_at_a_time(void)
{
	static char flows[100][2][256];
	struct lb *lb = lb_new_empty("");
	struct asked *asked;
	size_t adds;

	fake_switch_leave(lb->sw);
	asked = join(lb, 1, 6);
	for (int i = 0; i < 100; i++) {
		if (i % 20 == 0)
			tell(asked, true);
		snprintf(flows[i][0], sizeof flows[i][0],
		         "tcp,in_port=1,dl_vlan=0xffff,nw_src=192.168.2.1,nw_dst=192.168.2.2,"
		         "tp_src=%d,tp_dst=22,actions=mod_dl_dst:02:00:00:00:00:03,output:3",
		         40000 + i);
		snprintf(flows[i][1], sizeof flows[i][1],
		         "tcp,in_port=3,dl_vlan=0xffff,dl_src=02:00:00:00:00:03,nw_src=192.168.2.2,"
		         "nw_dst=192.168.2.1,tp_src=22,tp_dst=%d,actions=mod_dl_src:02:00:00:00:00:"
		         "02,mod_dl_dst:02:00:00:00:00:01,output:1",
		         40000 + i);
		have(asked, flows[i][0], old_cookie, 1);
		have(asked, flows[i][1], old_cookie, 1);
	}
	tell(asked, false);
	free(asked);
	bench_pass(lb->bench, 0);
	adds = fake_switch_count(lb->sw, OFPT_FLOW_MOD);
	CU_ASSERT_EQUAL(adds, 2 * 64);
	bench_pass(lb->bench, 10 * ms_ns);
	adds = fake_switch_count(lb->sw, OFPT_FLOW_MOD);
	CU_ASSERT_EQUAL(adds, 2 * 100);
	CU_ASSERT_EQUAL(lb_counter(lb, "mended"), 100);
	lb_free(lb);
}

static void rebuilt_sessions_wait_until_their_ports_are_known(void)
{
	struct controller_config config;
	struct lb *lb = calloc(1, sizeof *lb);
	struct asked *asked;

	CU_ASSERT_FATAL(lb != NULL);
	controller_config_default(&config);
	config.run_id = 0x1234abcd;
	lb->bench = bench_new_with(&config);
	bench_add(lb->bench, &fb_app_discovery, "edge_after=100ms,interval=1h,timeout=3h");
	bench_add(lb->bench, &fb_app_balancer, "");
	asked = join(lb, 1, 6);
	have(asked, TO_B, old_cookie, 1);
	have(asked, FROM_B, old_cookie, 1);
	tell(asked, false);
	free(asked);
	bench_pass(lb->bench, 99 * ms_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "mended"), 0);
	bench_pass(lb->bench, 100 * ms_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "mended"), 1);
	CU_ASSERT(lb_has(lb_said(lb), ADD_TO_B ADD_FROM_B));
	lb_free(lb);
}

static void the_flow_removed_of_another_runs_entry_changes_nothing(void)
{
	struct lb *lb = new_telling("", both);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_FLOW_REMOVED};

	lb_said(lb);
	msg.flow_removed.match = lb->flow_mod.match;
	msg.flow_removed.cookie = old_cookie;
	fake_switch_send(lb->sw, &msg);
	CU_ASSERT_EQUAL(lb_counter(lb, "flow_removed_ignored"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_removed"), 0);
	msg.flow_removed.cookie = lb->cookie;
	fake_switch_send(lb->sw, &msg);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_removed"), 1);
	lb_free(lb);
}

/* --- A switch that comes back to the same controller --- */

/* The client's session with lb_b, installed; the generation of its entries. */
static uint16_t open_known(struct lb *lb)
{
	lb_syn(lb, 9, 1);
	lb_syn(lb, 40000, 1);
	lb_syn_ack(lb, &lb_b, 40000, 1);
	CU_ASSERT_FATAL(lb_counter(lb, "entries_installed") == 2);
	return (uint16_t)lb->cookie;
}

static struct asked *rejoin(struct lb *lb)
{
	struct asked *asked;

	lb_pass(lb, 2 * s_ns);
	lb_said(lb);
	fake_switch_leave(lb->sw);
	asked = join(lb, 1, 6);
	lb_said(lb);
	return asked;
}

static void known_sessions_whose_entries_are_there_are_not_disturbed(void)
{
	struct lb *lb = lb_new("");
	uint64_t cookie = own_cookie | open_known(lb);
	struct asked *asked = rejoin(lb);

	have(asked, TO_B, cookie, 1);
	have(asked, FROM_B, cookie, 1);
	tell(asked, false);
	free(asked);
	lb_pass(lb, 120 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), 2);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_deleted"), 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "mended"), 0);
	lb_free(lb);
}

#define FROM_A                                                                                     \
	"tcp,in_port=2,dl_vlan=0xffff,dl_src=02:00:00:00:00:02,nw_src=192.168.2.2,"                \
	"nw_dst=192.168.2.1,tp_src=22,tp_dst=40000,actions=mod_dl_src:02:00:00:00:00:02,"          \
	"mod_dl_dst:02:00:00:00:00:01,output:1"

static void what_another_controller_installed_meanwhile_counts(void)
{
	struct lb *lb = lb_new("");
	struct asked *asked;

	open_known(lb);
	asked = rejoin(lb);
	have(asked, TO_A, old_cookie, 1);
	have(asked, FROM_A, old_cookie, 1);
	tell(asked, false);
	free(asked);
	CU_ASSERT_EQUAL(lb_counter(lb, "overruled"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 1);
	lb_said(lb);
	LB_SAYS(client_sends(lb), "out #7 in 1: mod_dl_dst::02,output:2\n");
	lb_free(lb);
}

static void an_unanswered_session_is_what_another_controller_made_of_it(void)
{
	struct lb *lb = lb_new("");
	struct asked *asked;

	lb_syn(lb, 9, 1);
	lb_syn(lb, 40000, 1); /* goes to lb_b */
	asked = rejoin(lb);
	have(asked, TO_A, old_cookie, 60);
	have(asked, FROM_A, old_cookie, 60);
	tell(asked, false);
	free(asked);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 1);
	lb_said(lb);
	LB_SAYS(client_sends(lb), "out #6 in 1: mod_dl_dst::02,output:2\n");
	lb_free(lb);
}

static void what_is_older_than_the_session_does_not_count(void)
{
	struct lb *lb = lb_new("");
	struct asked *asked;

	lb_pass(lb, 100 * s_ns);
	open_known(lb);
	asked = rejoin(lb);
	have(asked, TO_A, old_cookie, 60);
	have(asked, FROM_A, old_cookie, 60);
	tell(asked, false);
	free(asked);
	CU_ASSERT_EQUAL(lb_counter(lb, "overruled"), 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 0);
	lb_free(lb);
}

static void known_sessions_whose_entries_are_gone_are_installed_again_at_once(void)
{
	struct lb *lb = lb_new("");
	struct asked *asked;

	open_known(lb);
	asked = rejoin(lb);
	tell(asked, false);
	free(asked);
	lb_pass(lb, 0);
	CU_ASSERT(lb_has(lb_said(lb), ADD_TO_B ADD_FROM_B));
	CU_ASSERT_EQUAL(lb_counter(lb, "mended"), 1);
	lb_free(lb);
}

static void sessions_that_have_ended_are_not_installed_again(void)
{
	struct lb *lb = lb_new("");
	struct asked *asked;

	open_known(lb);
	lb_to_server(lb, 40000, FB_TCP_FIN | FB_TCP_ACK);
	lb_to_client(lb, &lb_b, 40000, FB_TCP_FIN | FB_TCP_ACK);
	asked = rejoin(lb);
	tell(asked, false);
	free(asked);
	lb_pass(lb, s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "mended"), 0);
	lb_free(lb);
}

static void so_are_those_of_which_one_entry_is_gone_or_an_old_one_is_there(void)
{
	struct lb *lb = lb_new("");
	uint16_t generation = open_known(lb);
	struct asked *asked = rejoin(lb);

	have(asked, TO_B, own_cookie | generation, 1);
	have(asked, FROM_B, own_cookie | (uint16_t)(generation - 1), 1);
	tell(asked, false);
	free(asked);
	lb_pass(lb, 0);
	CU_ASSERT(lb_has(lb_said(lb), ADD_TO_B ADD_FROM_B));
	CU_ASSERT_EQUAL(lb_counter(lb, "mended"), 1);
	lb_free(lb);
}

static void a_switch_that_did_not_tell_all_proves_nothing(void)
{
	struct lb *lb = lb_new("recall_timeout=100ms");
	struct asked *asked;

	open_known(lb);
	asked = rejoin(lb);
	tell(asked, true);
	free(asked);
	lb_pass(lb, s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalls_lost"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "mended"), 0);
	lb_free(lb);
}

static void sessions_that_were_forgotten_meanwhile_are_rebuilt_with_their_generation(void)
{
	struct lb *lb = lb_new("grace=1s,idle_timeout=1s,probe_interval=1h");
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_FLOW_REMOVED};
	struct asked *asked;

	fake_switch_leave(lb->sw);
	asked = join(lb, 1, 6);
	have(asked, TO_B, own_cookie | 7, 1);
	have(asked, FROM_B, own_cookie | 7, 1);
	have(asked, FROM_B, own_cookie | 7, 1);
	asked->sw->bench->now_ns += 1; /* later than all that was sent before */
	tell(asked, true);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 1);
	CU_ASSERT(fb_parse_match("tcp,in_port=1,dl_vlan=0xffff,nw_src=192.168.2.1,"
	                         "nw_dst=192.168.2.2,tp_src=40000,tp_dst=22",
	                         &msg.flow_removed.match, NULL) == 0);
	msg.flow_removed.cookie = own_cookie | 7;
	fake_switch_send(lb->sw, &msg);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_removed"), 1);
	tell(asked, false);
	free(asked);
	lb_free(lb);
}

/* --- Two switches --- */

/* Port 6 of each leads to the other. The client is at port 1 of the first, lb_c at port 4 of the
 * second. */
#define NEAR_TO_C                                                                                  \
	"tcp,in_port=1,dl_vlan=0xffff,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=40000,"         \
	"tp_dst=22,actions=mod_dl_dst:02:00:00:00:00:04,output:6"
#define FAR_TO_C                                                                                   \
	"tcp,in_port=6,dl_vlan=0xffff,nw_src=192.168.2.1,nw_dst=192.168.2.2,tp_src=40000,"         \
	"tp_dst=22,actions=output:4"
#define FAR_FROM_C                                                                                 \
	"tcp,in_port=4,dl_vlan=0xffff,dl_src=02:00:00:00:00:04,nw_src=192.168.2.2,"                \
	"nw_dst=192.168.2.1,tp_src=22,tp_dst=40000,actions=mod_dl_src:02:00:00:00:00:02,"          \
	"mod_dl_dst:02:00:00:00:00:01,output:6"
#define NEAR_FROM_C                                                                                \
	"tcp,in_port=6,dl_vlan=0xffff,nw_src=192.168.2.2,nw_dst=192.168.2.1,tp_src=22,"            \
	"tp_dst=40000,actions=output:1"

struct two {
	struct lb *lb;
	struct fake_network net;
	struct asked *near, *far;
};

static struct two begin_two(const char *options)
{
	struct two two = {.lb = lb_new_empty(options)};

	two.net.b = two.lb->bench;
	fake_switch_leave(two.lb->sw);
	two.near = join(two.lb, 1, 6);
	two.far = join(two.lb, 2, 6);
	two.lb->leaks = true; /* buffers of the other switch have the same numbers */
	return two;
}

static void link_two(struct two *two)
{
	fake_network_wire(&two->net, two->near->sw, 6, two->far->sw, 6);
	fake_switch_set_link(two->near->sw, 6, false);
	fake_switch_set_link(two->far->sw, 6, false);
	fake_switch_set_link(two->near->sw, 6, true);
	fake_switch_set_link(two->far->sw, 6, true);
	fake_network_pass(&two->net, 10 * ms_ns);
}

static void end_two(struct two *two)
{
	free(two->near);
	free(two->far);
	lb_free(two->lb);
}

static void the_entries_of_two_switches_make_a_session(void)
{
	struct two two = begin_two("");
	struct lb *lb = two.lb;

	fake_network_pass(&two.net, 10 * ms_ns);
	have(two.near, NEAR_TO_C, old_cookie, 3);
	have(two.near, NEAR_FROM_C, old_cookie, 3);
	tell(two.near, false);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 0);
	have(two.far, FAR_TO_C, old_cookie, 1); /* younger, and on the way only */
	have(two.far, FAR_FROM_C, old_cookie, 1);
	tell(two.far, false);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 1);
	/* As long as there is no way between them nothing is installed. */
	bench_pass(lb->bench, 100 * ms_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "mended"), 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_deleted"), 0);
	link_two(&two);
	fake_network_pass(&two.net, 100 * ms_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "mended"), 1);
	CU_ASSERT(lb_has(lb_said_by(lb, two.near->sw),
	                 "tp_src=22,tp_dst=40000: output:1\nBARRIER_REQUEST\n"));
	CU_ASSERT(lb_has(lb_said_by(lb, two.far->sw),
	                 "tp_src=40000,tp_dst=22: output:4\nBARRIER_REQUEST\n"));
	lb_answer_barriers(lb, NULL);
	CU_ASSERT(lb_has(lb_said_by(lb, two.near->sw), "mod_dl_dst::04,output:6\n"));
	CU_ASSERT(lb_has(lb_said_by(lb, two.far->sw), "mod_dl_src::02,mod_dl_dst::01,output:6\n"));
	lb_switch_to(lb, two.near->sw);
	lb->unbuffered = true;
	client_sends(lb);
	CU_ASSERT(lb_has(lb_said_by(lb, two.far->sw), "out frame: mod_dl_dst::04,output:4"));
	end_two(&two);
}

/* Its port went down while the controller was away. */
static void entries_that_lead_to_a_backend_that_is_gone_go_on_the_switch_of_the_client_too(void)
{
	struct two two = begin_two("");
	struct lb *lb = two.lb;

	link_two(&two);
	fake_network_discard(&two.net);
	fake_switch_set_link(two.far->sw, 4, false);
	have(two.near, NEAR_TO_C, old_cookie, 1);
	have(two.near, NEAR_FROM_C, old_cookie, 1);
	tell(two.near, false);
	have(two.far, FAR_TO_C, old_cookie, 1);
	have(two.far, FAR_FROM_C, old_cookie, 1);
	tell(two.far, false);
	CU_ASSERT_EQUAL(lb_counter(lb, "recalled"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_deleted"), 2);
	lb_said_by(lb, two.near->sw);
	lb_switch_to(lb, two.near->sw);
	lb_announce(lb, &lb_b);
	lb_pass(lb, 100 * ms_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "failed"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_deleted"), 4);
	CU_ASSERT(lb_has(lb_said_by(lb, two.near->sw),
	                 "delete tcp,vlan_tci=0x0000,nw_src=192.168.2.1,nw_dst=192.168.2.2,"
	                 "tp_src=40000,tp_dst=22\n"
	                 "delete tcp,vlan_tci=0x0000,nw_src=192.168.2.2,nw_dst=192.168.2.1,"
	                 "tp_src=22,tp_dst=40000\n"));
	end_two(&two);
}

static void a_segment_that_finds_no_way_does_not_keep_its_session_from_being_mended(void)
{
	struct two two = begin_two("");
	struct lb *lb = two.lb;

	have(two.near, NEAR_TO_C, old_cookie, 1);
	tell(two.near, false);
	have(two.far, FAR_FROM_C, old_cookie, 1);
	tell(two.far, false);
	lb_switch_to(lb, two.near->sw);
	CU_ASSERT(lb_has(client_sends(lb), "out #1 in 1: drop\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "no_path"), 1);
	link_two(&two);
	fake_network_pass(&two.net, 100 * ms_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "mended"), 1);
	end_two(&two);
}

static void a_segment_that_comes_before_the_last_switch_told_waits_for_it(void)
{
	struct two two = begin_two("");
	struct lb *lb = two.lb;

	link_two(&two);
	fake_network_discard(&two.net);
	have(two.near, NEAR_FROM_C, old_cookie, 1);
	tell(two.near, false);
	lb_switch_to(lb, two.near->sw);
	lb->unbuffered = true;
	LB_SAYS(client_sends(lb), "");
	LB_SAYS(lb_said_by(lb, two.far->sw), "");
	have(two.far, FAR_FROM_C, old_cookie, 1);
	tell(two.far, false);
	lb_said_by(lb, two.near->sw);
	lb_said_by(lb, two.far->sw);
	lb_answer_barriers(lb, NULL);
	CU_ASSERT(lb_has(lb_said_by(lb, two.far->sw), "mod_dl_dst::04,output:4"));
	end_two(&two);
}

static void a_switch_on_the_way_that_restarted_gets_its_entries_back(void)
{
	struct two two = begin_two("");
	struct lb *lb = two.lb;
	uint64_t cookie;
	uint32_t installed;

	have(two.near, NEAR_TO_C, old_cookie, 1);
	tell(two.near, false);
	have(two.far, FAR_FROM_C, old_cookie, 1);
	tell(two.far, false);
	link_two(&two);
	fake_network_pass(&two.net, 100 * ms_ns);
	fake_network_settle(&two.net);
	lb_said_by(lb, two.near->sw);
	lb_said_by(lb, two.far->sw);
	lb_answer_barriers(lb, NULL);
	lb_said_by(lb, two.near->sw);
	lb_said_by(lb, two.far->sw);
	cookie = lb->cookie;
	installed = (uint32_t)lb_counter(lb, "entries_installed");
	CU_ASSERT_EQUAL(installed, 4);

	/* Its connection is cut, and its entries stay. */
	fake_network_pass(&two.net, 2 * s_ns);
	fake_switch_leave(two.far->sw);
	free(two.far);
	two.far = join(lb, 2, 6);
	two.net.wires_count = 0;
	link_two(&two);
	have(two.far, FAR_TO_C, cookie, 1);
	have(two.far, FAR_FROM_C, cookie, 1);
	tell(two.far, false);
	fake_network_pass(&two.net, s_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "entries_installed"), installed);

	/* It restarts. */
	fake_switch_leave(two.far->sw);
	free(two.far);
	two.far = join(lb, 2, 6);
	two.net.wires_count = 0;
	link_two(&two);
	tell(two.far, false);
	fake_network_pass(&two.net, s_ns);
	CU_ASSERT(lb_has(lb_said_by(lb, two.far->sw), "output:4\n"));
	CU_ASSERT_EQUAL(lb_counter(lb, "mended"), 2);
	end_two(&two);
}

UNIT_TESTS(
        "balancer_recall",
        UNIT_TEST(a_switch_that_joins_is_asked_for_all_its_entries_before_anything_else),
        UNIT_TEST(with_mode_packet_no_switch_is_asked),
        UNIT_TEST(the_balancer_is_ready_when_all_have_told),
        UNIT_TEST(the_entries_of_both_directions_make_a_session),
        UNIT_TEST(their_order_does_not_matter_nor_in_how_many_parts_they_come),
        UNIT_TEST(entries_of_others_are_not_touched),
        UNIT_TEST(entries_that_are_not_of_sessions_are_left_alone),
        UNIT_TEST(a_rebuilt_session_outlasts_its_entries_as_any_that_was_answered),
        UNIT_TEST(entries_on_the_way_tell_nothing),
        UNIT_TEST(the_sessions_of_datagrams_are_rebuilt_as_well),
        UNIT_TEST(sessions_of_a_vlan_keep_it),
        UNIT_TEST(exact_entries_are_installed_again_as_they_were),
        UNIT_TEST(of_entries_that_contradict_each_other_the_younger_count),
        UNIT_TEST(no_more_sessions_are_rebuilt_than_may_be),
        UNIT_TEST(rebuilt_sessions_count_for_least_connections),
        UNIT_TEST(the_way_to_the_backend_alone_tells_the_backend),
        UNIT_TEST(the_way_to_the_client_alone_tells_both),
        UNIT_TEST(a_backend_that_is_not_heard_yet_is_waited_for),
        UNIT_TEST(the_backend_may_be_the_first_to_go_on),
        UNIT_TEST(another_than_the_backend_has_no_part_in_a_half),
        UNIT_TEST(what_is_for_a_backend_that_nobody_finds_goes_to_nobody_else),
        UNIT_TEST(halves_are_forgotten_in_time),
        UNIT_TEST(what_belongs_to_unknown_sessions_waits_while_a_switch_tells),
        UNIT_TEST(a_bounded_number_waits),
        UNIT_TEST(a_switch_that_says_nothing_is_not_waited_for_for_ever),
        UNIT_TEST(packets_that_wait_are_forgotten_with_their_switch),
        UNIT_TEST(a_switch_that_refuses_to_tell_is_not_waited_for),
        UNIT_TEST(a_switch_that_leaves_is_not_waited_for),
        UNIT_TEST(entries_of_ports_that_are_gone_are_deleted_and_no_others),
        UNIT_TEST(a_backend_whose_port_is_gone_is_known_all_the_same),
        UNIT_TEST(an_owner_that_only_entries_tell_of_gets_no_new_connections),
        UNIT_TEST(an_owner_that_only_entries_tell_of_is_probed),
        UNIT_TEST(a_backend_that_the_service_does_not_name_keeps_its_sessions_and_gets_no_others),
        UNIT_TEST(rebuilt_sessions_are_installed_again_a_few_at_a_time),
        UNIT_TEST(rebuilt_sessions_wait_until_their_ports_are_known),
        UNIT_TEST(the_flow_removed_of_another_runs_entry_changes_nothing),
        UNIT_TEST(known_sessions_whose_entries_are_there_are_not_disturbed),
        UNIT_TEST(what_another_controller_installed_meanwhile_counts),
        UNIT_TEST(an_unanswered_session_is_what_another_controller_made_of_it),
        UNIT_TEST(what_is_older_than_the_session_does_not_count),
        UNIT_TEST(known_sessions_whose_entries_are_gone_are_installed_again_at_once),
        UNIT_TEST(so_are_those_of_which_one_entry_is_gone_or_an_old_one_is_there),
        UNIT_TEST(sessions_that_have_ended_are_not_installed_again),
        UNIT_TEST(a_switch_that_did_not_tell_all_proves_nothing),
        UNIT_TEST(sessions_that_were_forgotten_meanwhile_are_rebuilt_with_their_generation),
        UNIT_TEST(the_entries_of_two_switches_make_a_session),
        UNIT_TEST(entries_that_lead_to_a_backend_that_is_gone_go_on_the_switch_of_the_client_too),
        UNIT_TEST(a_segment_that_finds_no_way_does_not_keep_its_session_from_being_mended),
        UNIT_TEST(a_segment_that_comes_before_the_last_switch_told_waits_for_it),
        UNIT_TEST(a_switch_on_the_way_that_restarted_gets_its_entries_back))
