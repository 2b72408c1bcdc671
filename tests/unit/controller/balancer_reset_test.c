/* Sessions whose backend failed: the client is asked for the number that it expects next, and reset
 * with it. */
#include "tests/unit/controller/balancer_bench.h"

#include "controller/apps/balancer.h"

static const uint64_t s_ns = FB_NS_PER_S, ms_ns = FB_NS_PER_MS;

enum { TP = 40000, ISN = 1000, SENT_MAX = 4096 };

/* A segment of the controller's own. */
struct sent {
	struct fb_packet p;     /* its views are not valid */
	uint8_t dl_src, dl_dst; /* last bytes */
	uint16_t in_port;
	uint64_t at_ns;
	char actions[32];
};

/* What was sent since the last look. */
struct view {
	struct sent segments[SENT_MAX];
	size_t count;
	size_t deletes;        /* flow-mods that delete */
	size_t deletes_before; /* of them, before the first segment */
	size_t released;       /* packet-outs of buffers: all drop */
};

static struct view seen;

static void look_at(struct lb *lb, const struct fb_packet_out *po)
{
	struct sent *sent = &seen.segments[seen.count];
	struct fb_text t = fb_text_make(sent->actions, sizeof sent->actions);

	if (po->buffer_id != OFP_NO_BUFFER) {
		lb->released[po->buffer_id]++;
		seen.released++;
		CU_ASSERT(fake_goes_nowhere(po));
		return;
	}
	CU_ASSERT_FATAL(seen.count < SENT_MAX);
	CU_ASSERT_FATAL(fb_packet_parse(&sent->p, po->data.data, po->data.len) == 0);
	CU_ASSERT(fb_packet_checksums_ok(&sent->p));
	if (!sent->p.is_tcp)
		return;
	sent->dl_src = sent->p.dl_src[FB_MAC_BYTES - 1];
	sent->dl_dst = sent->p.dl_dst[FB_MAC_BYTES - 1];
	sent->at_ns = lb->bench->now_ns;
	fb_text_actions(&t, po->actions);
	seen.count++;
}

/* What the controller sent; its timers that are due have run. */
static const struct view *look(struct lb *lb)
{
	const struct fb_msg *msg;

	lb_pass(lb, 0);
	seen.count = seen.deletes = seen.deletes_before = seen.released = 0;
	while ((msg = fake_switch_next(lb->sw))) {
		if (msg->type == OFPT_PACKET_OUT)
			look_at(lb, &msg->packet_out);
		else if (msg->type == OFPT_FLOW_MOD && msg->flow_mod.command >= OFPFC_DELETE)
			seen.deletes++;
		if (seen.count == 0)
			seen.deletes_before = seen.deletes;
	}
	fake_switch_discard(lb->sw);
	lb->probes_at = 0;
	return &seen;
}

/* An answered connection of the client with server_a. */
static void connect(struct lb *lb, uint16_t tp, uint32_t isn)
{
	CU_ASSERT_FATAL(lb_has(lb_syn(lb, tp, isn), "output:2"));
	lb_syn_ack(lb, &lb_a, tp, isn);
}

/* The port of server_a goes down, and that is dealt with. */
static void fail(struct lb *lb)
{
	lb_silence(lb, &lb_a);
	fake_switch_set_link(lb->sw, 2, false);
	lb_pass(lb, 20 * ms_ns);
}

/* A connection whose backend has failed: the client was asked. */
static struct lb *asked_with(const char *options)
{
	struct lb *lb = lb_new(options);

	connect(lb, TP, ISN);
	fail(lb);
	CU_ASSERT_EQUAL_FATAL(look(lb)->count, 1);
	return lb;
}

static struct lb *asked(void)
{
	return asked_with("");
}

/* A segment of the client. */
static void client(struct lb *lb, uint8_t flags, uint32_t ack, const char *data)
{
	uint8_t bytes[256];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct lb_segment s = {.from = &lb_client,
	                       .to = &lb_a,
	                       .tp_src = TP,
	                       .tp_dst = LB_SERVICE,
	                       .flags = flags,
	                       .seq = ISN + 1,
	                       .ack = ack,
	                       .data = data};

	lb_build(&frame, &s);
	lb_frame_in(lb, lb_client.port, &frame);
}

static void server(struct lb *lb, const struct lb_host *host, uint8_t flags)
{
	uint8_t bytes[256];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct lb_segment s = {.from = host,
	                       .to = &lb_client,
	                       .tp_src = LB_SERVICE,
	                       .tp_dst = TP,
	                       .flags = flags,
	                       .seq = 7001,
	                       .ack = 4321};

	lb_build(&frame, &s);
	lb_frame_in(lb, host->port, &frame);
}

/* The one segment that was sent is a RST with 'seq' to the client. */
static void check_rst(struct lb *lb, uint32_t seq)
{
	const struct view *v = look(lb);

	CU_ASSERT_EQUAL_FATAL(v->count, 1);
	CU_ASSERT_EQUAL(v->segments[0].p.tcp_flags, FB_TCP_RST);
	CU_ASSERT_EQUAL(v->segments[0].p.tcp_seq, seq);
	CU_ASSERT_EQUAL(v->segments[0].p.tp_src, LB_SERVICE);
	CU_ASSERT_EQUAL(v->segments[0].p.tp_dst, TP);
	CU_ASSERT_EQUAL(v->segments[0].dl_src, 2);
	CU_ASSERT_EQUAL(v->segments[0].dl_dst, 1);
	CU_ASSERT_STRING_EQUAL(v->segments[0].actions, "output:1");
}

/* --- The tests --- */

static void entries_go_before_the_client_is_asked(void)
{
	struct lb *lb = lb_new("");
	const struct view *v;

	connect(lb, TP, ISN);
	fail(lb);
	v = look(lb);
	CU_ASSERT_EQUAL(v->count, 1);
	CU_ASSERT(v->deletes > 0);
	CU_ASSERT_EQUAL(v->deletes, v->deletes_before);
	lb_free(lb);
}

/* As from the server, as the client has addressed it. */
static void the_question_is_a_bare_ack_of_nothing(void)
{
	struct lb *lb = asked();
	const struct sent *question = &seen.segments[0];

	CU_ASSERT_EQUAL(question->p.tcp_flags, FB_TCP_ACK);
	CU_ASSERT_EQUAL(question->p.tcp_ack, ISN);
	CU_ASSERT_EQUAL(question->p.payload_len, 0);
	CU_ASSERT_EQUAL(question->p.nw_src, lb_ip(2));
	CU_ASSERT_EQUAL(question->p.nw_dst, lb_ip(1));
	CU_ASSERT_EQUAL(question->p.tp_src, LB_SERVICE);
	CU_ASSERT_EQUAL(question->p.tp_dst, TP);
	CU_ASSERT_EQUAL(question->dl_src, 2);
	CU_ASSERT_EQUAL(question->dl_dst, 1);
	CU_ASSERT_FALSE(question->p.has_vlan);
	CU_ASSERT_STRING_EQUAL(question->actions, "output:1");
	/* Hosts that use timestamps drop what has none. */
	CU_ASSERT_EQUAL(question->p.payload_ofs - question->p.l4_ofs, FB_TCP_HEADER_BYTES + 12);
	lb_free(lb);
}

/* Not from the one that the connection was given to. */
static void what_the_client_gets_comes_from_the_mac_that_it_has_addressed(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1);
	CU_ASSERT(lb_has(lb_syn(lb, TP, ISN), "output:3"));
	lb_syn_ack(lb, &lb_b, TP, ISN);
	fake_switch_set_link(lb->sw, 3, false);
	lb_pass(lb, 20 * ms_ns);
	CU_ASSERT_EQUAL_FATAL(look(lb)->count, 1);
	CU_ASSERT_EQUAL(seen.segments[0].dl_src, 2);
	client(lb, FB_TCP_ACK, 5000, NULL);
	check_rst(lb, 5000);
	lb_free(lb);
}

static void the_answer_tells_the_number_of_the_reset(void)
{
	struct lb *lb = asked();

	client(lb, FB_TCP_ACK, 987654, NULL);
	check_rst(lb, 987654);
	CU_ASSERT_EQUAL(lb_counter(lb, "failed"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets_asked"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets_given_up"), 0);
	lb_free(lb);
}

static void any_segment_of_the_client_will_do(void)
{
	static const uint8_t flags[] = {FB_TCP_ACK | FB_TCP_PSH, FB_TCP_ACK | FB_TCP_FIN};

	for (size_t i = 0; i < sizeof flags; i++) {
		struct lb *lb = asked();

		client(lb, flags[i], 5555, "data");
		check_rst(lb, 5555);
		CU_ASSERT_EQUAL(lb_counter(lb, "resets"), 1);
		CU_ASSERT_EQUAL(seen.released, 1);
		lb_free(lb);
	}
}

static void a_segment_without_a_number_is_dropped(void)
{
	struct lb *lb = asked();

	client(lb, FB_TCP_PSH, 5555, "data");
	CU_ASSERT_EQUAL(look(lb)->count, 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets"), 0);
	lb_free(lb);
}

/* The guess was inside the window, or a frame was lost. */
static void a_silent_client_is_asked_again_with_a_number_far_from_the_first(void)
{
	struct lb *lb = asked_with("reset_timeout=600ms,reset_tries=3");
	uint32_t seq = seen.segments[0].p.tcp_seq;

	lb_pass(lb, 570 * ms_ns);
	CU_ASSERT_EQUAL(look(lb)->count, 0);
	lb_pass(lb, 30 * ms_ns);
	CU_ASSERT_EQUAL_FATAL(look(lb)->count, 1);
	CU_ASSERT_EQUAL(seen.segments[0].p.tcp_seq, seq ^ 0x80000000);
	lb_pass(lb, 600 * ms_ns);
	CU_ASSERT_EQUAL_FATAL(look(lb)->count, 1);
	CU_ASSERT_EQUAL(seen.segments[0].p.tcp_seq, seq);
	client(lb, FB_TCP_ACK, 77, NULL);
	check_rst(lb, 77);
	lb_free(lb);
}

static void a_client_that_never_answers_is_given_up(void)
{
	struct lb *lb = asked_with("reset_timeout=600ms,reset_tries=3");

	lb_pass(lb, 10 * s_ns);
	CU_ASSERT_EQUAL(look(lb)->count, 2);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets_asked"), 3);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets_given_up"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets"), 0);
	/* The session is forgotten: its ports are those of a new one. */
	CU_ASSERT(lb_has(lb_syn(lb, TP, ISN), "output:3"));
	lb_free(lb);
}

static void a_reset_that_was_lost_is_sent_again(void)
{
	struct lb *lb = asked_with("reset_timeout=600ms");

	client(lb, FB_TCP_ACK, 5000, NULL);
	check_rst(lb, 5000);
	/* It is asked once more, and still there. */
	lb_pass(lb, 600 * ms_ns);
	CU_ASSERT_EQUAL_FATAL(look(lb)->count, 1);
	CU_ASSERT_EQUAL(seen.segments[0].p.tcp_flags, FB_TCP_ACK);
	client(lb, FB_TCP_ACK, 5100, NULL);
	check_rst(lb, 5100);
	/* Or it sends by itself. */
	client(lb, FB_TCP_ACK | FB_TCP_PSH, 5200, "data");
	check_rst(lb, 5200);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets"), 1);
	lb_free(lb);
}

static void a_client_that_took_the_reset_is_left_alone(void)
{
	struct lb *lb = asked_with("reset_timeout=600ms");

	client(lb, FB_TCP_ACK, 5000, NULL);
	check_rst(lb, 5000);
	lb_pass(lb, 600 * ms_ns);
	CU_ASSERT_EQUAL(look(lb)->count, 1);
	client(lb, FB_TCP_RST, 0, NULL);
	CU_ASSERT_EQUAL(look(lb)->count, 0);
	lb_pass(lb, 30 * s_ns);
	CU_ASSERT_EQUAL(look(lb)->count, 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets_needless"), 0);
	lb_free(lb);
}

/* It was told, and that is all that can be done. */
static void a_client_that_says_nothing_after_the_reset_is_not_given_up(void)
{
	struct lb *lb = asked_with("reset_timeout=600ms,reset_tries=2");

	client(lb, FB_TCP_ACK, 5000, NULL);
	check_rst(lb, 5000);
	lb_pass(lb, 30 * s_ns);
	CU_ASSERT_EQUAL(look(lb)->count, 2);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets_given_up"), 0);
	lb_free(lb);
}

static void a_client_that_had_ended_is_not_reset(void)
{
	struct lb *lb = asked();

	client(lb, FB_TCP_RST, 0, NULL);
	lb_pass(lb, 30 * s_ns);
	CU_ASSERT_EQUAL(look(lb)->count, 0);
	/* A segment of before that comes late. */
	client(lb, FB_TCP_ACK, 5000, NULL);
	check_rst(lb, 5000);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets"), 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets_needless"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets_given_up"), 0);
	lb_free(lb);
}

/* It fails its checks, but it can still send; the number that the client expects would change under
 * our hands. */
static void what_the_failed_backend_sends_does_not_reach_the_client(void)
{
	struct lb *lb = lb_new("check=tcp:22,check_address=192.168.2.77,check_down=1,"
	                       "check_timeout=10ms");

	connect(lb, TP, ISN);
	lb_pass(lb, 50 * ms_ns);
	look(lb);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets_asked"), 1);
	server(lb, &lb_a, FB_TCP_ACK | FB_TCP_PSH);
	CU_ASSERT_EQUAL(look(lb)->count, 0);
	CU_ASSERT_EQUAL(seen.released, 1);
	client(lb, FB_TCP_ACK, 5000, NULL);
	check_rst(lb, 5000);
	lb_free(lb);
}

/* It does not know that its client has gone. */
static void a_backend_that_sends_after_the_reset_is_reset_too(void)
{
	struct lb *lb = asked();

	client(lb, FB_TCP_ACK, 5000, NULL);
	check_rst(lb, 5000);
	fake_switch_set_link(lb->sw, 2, true);
	lb_pass(lb, 500 * ms_ns);
	look(lb);
	server(lb, &lb_a, FB_TCP_ACK | FB_TCP_PSH);
	CU_ASSERT_EQUAL_FATAL(look(lb)->count, 1);
	CU_ASSERT_EQUAL(seen.segments[0].p.tcp_flags, FB_TCP_RST);
	CU_ASSERT_EQUAL(seen.segments[0].p.tcp_seq, 4321);
	CU_ASSERT_EQUAL(seen.segments[0].dl_dst, 2);
	CU_ASSERT_STRING_EQUAL(seen.segments[0].actions, "output:2");
	server(lb, &lb_a, FB_TCP_RST);
	CU_ASSERT_EQUAL(look(lb)->count, 0);
	lb_free(lb);
}

static void a_backend_that_is_back_in_time_keeps_its_sessions(void)
{
	struct lb *lb = asked_with("reset_timeout=600ms");

	fake_switch_set_link(lb->sw, 2, true);
	lb_pass(lb, 500 * ms_ns);
	lb_announce(lb, &lb_a);
	lb_pass(lb, 30 * s_ns);
	CU_ASSERT_EQUAL(look(lb)->count, 0);
	CU_ASSERT(lb_has(lb_to_server(lb, TP, FB_TCP_ACK), "mod_dl_dst::02,output:2"));
	CU_ASSERT(lb_has(lb_to_client(lb, &lb_a, TP, FB_TCP_ACK), "output:1"));
	CU_ASSERT_EQUAL(lb_counter(lb, "resets"), 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets_given_up"), 0);
	lb_free(lb);
}

static void a_client_that_speaks_when_its_backend_is_back_is_not_reset(void)
{
	struct lb *lb = asked_with("reset_timeout=10s");

	fake_switch_set_link(lb->sw, 2, true);
	lb_pass(lb, 500 * ms_ns);
	lb_announce(lb, &lb_a);
	CU_ASSERT(lb_has(lb_to_server(lb, TP, FB_TCP_ACK), "mod_dl_dst::02,output:2"));
	CU_ASSERT_EQUAL(lb_counter(lb, "resets"), 0);
	lb_free(lb);
}

static void a_backend_that_fails_again_has_its_sessions_reset(void)
{
	struct lb *lb = asked_with("reset_timeout=600ms");

	fake_switch_set_link(lb->sw, 2, true);
	lb_pass(lb, 500 * ms_ns);
	lb_announce(lb, &lb_a);
	lb_pass(lb, s_ns);
	CU_ASSERT_EQUAL(look(lb)->count, 0);
	fail(lb);
	CU_ASSERT_EQUAL(look(lb)->count, 1);
	client(lb, FB_TCP_ACK, 5000, NULL);
	check_rst(lb, 5000);
	lb_free(lb);
}

static void a_backend_that_is_back_too_late_does_not(void)
{
	struct lb *lb = asked();

	client(lb, FB_TCP_ACK, 5000, NULL);
	check_rst(lb, 5000);
	fake_switch_set_link(lb->sw, 2, true);
	lb_pass(lb, 500 * ms_ns);
	lb_announce(lb, &lb_a);
	client(lb, FB_TCP_ACK, 6000, NULL);
	check_rst(lb, 6000);
	lb_free(lb);
}

static void a_new_connection_from_the_same_port_is_a_new_one(void)
{
	struct lb *lb = asked();

	CU_ASSERT(lb_has(lb_syn(lb, TP, ISN + 99), "output:3"));
	lb_syn_ack(lb, &lb_b, TP, ISN + 99);
	lb_pass(lb, 30 * s_ns);
	CU_ASSERT_EQUAL(look(lb)->count, 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets"), 0);
	lb_free(lb);
}

static void sessions_that_are_not_answered_or_closed_are_not_reset(void)
{
	struct lb *lb = lb_new("mode=packet");

	lb_syn(lb, TP + 1, ISN);
	CU_ASSERT(lb_has(lb_syn(lb, TP + 2, ISN), "output:3"));
	connect(lb, TP, ISN);
	lb_to_server(lb, TP, FB_TCP_RST);
	look(lb);
	fail(lb);
	CU_ASSERT_EQUAL(look(lb)->count, 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets_asked"), 0);
	lb_free(lb);
}

static void left_sessions_are_not_reset(void)
{
	struct lb *lb = lb_new("on_failure=leave");

	connect(lb, TP, ISN);
	fail(lb);
	lb_pass(lb, 30 * s_ns);
	CU_ASSERT_EQUAL(look(lb)->count, 0);
	CU_ASSERT_EQUAL(lb_counter(lb, "failed"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets_asked"), 0);
	lb_free(lb);
}

static void many_clients_are_told_a_few_at_a_time(void)
{
	struct lb *lb = lb_new("mode=packet,sessions_max=10000");
	uint64_t end_ns = lb->bench->now_ns + 10 * s_ns, asked_before = 0;
	unsigned sessions = 0;

	lb_silence(lb, &lb_b);
	for (uint16_t tp = 1; tp <= 2000; tp++) {
		if (!lb_has(lb_syn(lb, tp, ISN), "output:2"))
			continue;
		lb_syn_ack(lb, &lb_a, tp, ISN);
		sessions++;
	}
	CU_ASSERT_EQUAL(sessions, 1000);
	fake_switch_set_link(lb->sw, 2, false);
	while (lb->bench->now_ns < end_ns && asked_before < sessions) {
		uint64_t now = lb_counter(lb, "resets_asked");

		CU_ASSERT(now - asked_before <= 256);
		asked_before = now;
		lb_pass(lb, 9 * ms_ns);
	}
	CU_ASSERT_EQUAL(asked_before, sessions);
	look(lb);
	lb_free(lb);
}

/* 'count' answered connections to server_a, from many clients behind one port, by frames without
 * buffers. */
static void connect_many(struct lb *lb, uint32_t count)
{
	struct lb_host from = lb_client;
	uint8_t bytes[256];

	lb->unbuffered = true;
	for (uint32_t i = 0; i < count; i++) {
		struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
		struct lb_segment s = {.to = &lb_a, .tp_dst = LB_SERVICE, .flags = FB_TCP_SYN};

		from.ip = (uint8_t)(100 + (i >> 15));
		s.from = &from;
		s.tp_src = (uint16_t)(i & 0x7fff);
		lb_build(&frame, &s);
		lb_frame_in(lb, from.port, &frame);
		frame = fb_buf_make(bytes, sizeof bytes);
		s = (struct lb_segment){.from = &lb_a, .to = &from, .tp_src = LB_SERVICE};
		s.tp_dst = (uint16_t)(i & 0x7fff);
		s.flags = FB_TCP_SYN | FB_TCP_ACK;
		s.ack = 1;
		lb_build(&frame, &s);
		lb_frame_in(lb, lb_a.port, &frame);
		fake_switch_discard(lb->sw);
		lb->probes_at = 0;
	}
}

static void more_sessions_than_can_wait_are_forgotten(void)
{
	enum { WAIT_MAX = 65536, MORE = 100 };
	static const struct lb_host last = {1, 102, 1};
	struct lb *lb = lb_new_empty("mode=packet,sessions_max=100000,probe_interval=1h");

	lb_announce(lb, &lb_client);
	lb_announce(lb, &lb_a);
	connect_many(lb, WAIT_MAX + MORE);
	CU_ASSERT_EQUAL(lb_counter(lb, "answered"), WAIT_MAX + MORE);
	fail(lb);
	CU_ASSERT_EQUAL(lb_counter(lb, "failed"), WAIT_MAX + MORE);
	CU_ASSERT_EQUAL(lb_counter(lb, "resets_full"), MORE);
	/* The last of them is a new one for another server. */
	lb_announce(lb, &lb_b);
	CU_ASSERT(lb_has(lb_tcp(lb, &(struct lb_segment){.from = &last,
	                                                 .to = &lb_b,
	                                                 .tp_src = MORE - 1,
	                                                 .tp_dst = LB_SERVICE,
	                                                 .flags = FB_TCP_SYN}),
	                 "output:3"));
	for (unsigned i = 0; i < 60; i++) {
		lb_pass(lb, 500 * ms_ns);
		fake_switch_discard(lb->sw);
		lb->probes_at = 0;
	}
	CU_ASSERT_EQUAL(lb_counter(lb, "resets_given_up"), WAIT_MAX);
	lb_free(lb);
}

/* The question looks as what the server sent last. */
static void the_question_has_the_tag_of_the_session(void)
{
	struct lb *lb = lb_new_empty("");
	struct lb_segment s = {.from = &lb_client,
	                       .to = &lb_a,
	                       .tp_src = TP,
	                       .tp_dst = LB_SERVICE,
	                       .flags = FB_TCP_SYN,
	                       .seq = ISN,
	                       .has_vlan = true,
	                       .vlan_tci = 0x2007};

	lb_tcp(lb, &(struct lb_segment){.from = &lb_a,
	                                .to = &lb_client,
	                                .flags = FB_TCP_RST,
	                                .has_vlan = true,
	                                .vlan_tci = 7});
	lb_tcp(lb, &s);
	s.from = &lb_a;
	s.to = &lb_client;
	s.tp_src = LB_SERVICE;
	s.tp_dst = TP;
	s.flags = FB_TCP_SYN | FB_TCP_ACK;
	s.ack = ISN + 1;
	lb_tcp(lb, &s);
	fail(lb);
	CU_ASSERT_EQUAL_FATAL(look(lb)->count, 1);
	CU_ASSERT(seen.segments[0].p.has_vlan);
	CU_ASSERT_EQUAL(seen.segments[0].p.vlan_tci, 0x2007);
	lb_free(lb);
}

UNIT_TESTS("balancer_reset", UNIT_TEST(entries_go_before_the_client_is_asked),
           UNIT_TEST(the_question_is_a_bare_ack_of_nothing),
           UNIT_TEST(what_the_client_gets_comes_from_the_mac_that_it_has_addressed),
           UNIT_TEST(the_answer_tells_the_number_of_the_reset),
           UNIT_TEST(any_segment_of_the_client_will_do),
           UNIT_TEST(a_segment_without_a_number_is_dropped),
           UNIT_TEST(a_silent_client_is_asked_again_with_a_number_far_from_the_first),
           UNIT_TEST(a_client_that_never_answers_is_given_up),
           UNIT_TEST(a_reset_that_was_lost_is_sent_again),
           UNIT_TEST(a_client_that_took_the_reset_is_left_alone),
           UNIT_TEST(a_client_that_says_nothing_after_the_reset_is_not_given_up),
           UNIT_TEST(a_client_that_had_ended_is_not_reset),
           UNIT_TEST(what_the_failed_backend_sends_does_not_reach_the_client),
           UNIT_TEST(a_backend_that_sends_after_the_reset_is_reset_too),
           UNIT_TEST(a_backend_that_is_back_in_time_keeps_its_sessions),
           UNIT_TEST(a_client_that_speaks_when_its_backend_is_back_is_not_reset),
           UNIT_TEST(a_backend_that_fails_again_has_its_sessions_reset),
           UNIT_TEST(a_backend_that_is_back_too_late_does_not),
           UNIT_TEST(a_new_connection_from_the_same_port_is_a_new_one),
           UNIT_TEST(sessions_that_are_not_answered_or_closed_are_not_reset),
           UNIT_TEST(left_sessions_are_not_reset), UNIT_TEST(many_clients_are_told_a_few_at_a_time),
           UNIT_TEST(more_sessions_than_can_wait_are_forgotten),
           UNIT_TEST(the_question_has_the_tag_of_the_session))
