/* What a session asks of its driver: who may join and where, what waits for a peer, whether to read
 * from it, and whether a peer that seems dead is. */
#include "tests/unit/harness.h"

#include "tests/unit/controller/fake_switch.h"

enum {
	CONNS_MAX = 4,
	MOVED_BYTES_MAX = 4096,
	PAUSE_BYTES = 1000,
};

/* What the driver knows of one connection; found by its dpid. */
struct conn {
	enum controller_join join; /* the answer to be given */
	size_t joins;              /* questions */
	size_t backlog_bytes;      /* that wait */
	bool not_reading;
	size_t switchings; /* of reading */
	bool unread;
	uint64_t taken_bytes;
	bool left;

	/* When it has moved */
	bool moved;
	uint8_t features[MOVED_BYTES_MAX], rest[MOVED_BYTES_MAX];
	size_t features_len, rest_len;
};

static struct conn conns[CONNS_MAX];

static struct conn *conn_of(const struct fake_switch *sw)
{
	assert(sw->dpid < CONNS_MAX);
	return &conns[sw->dpid];
}

/* --- The driver --- */

static enum controller_join on_join(void *conn, uint64_t dpid)
{
	struct fake_switch *sw = conn;

	CU_ASSERT_EQUAL(dpid, sw->dpid);
	conn_of(sw)->joins++;
	return conn_of(sw)->join;
}

static void on_move(void *conn, struct fb_view features, struct fb_view rest)
{
	struct fake_switch *sw = conn;
	struct conn *c = conn_of(sw);

	CU_ASSERT_FATAL(!c->moved && features.len <= MOVED_BYTES_MAX &&
	                rest.len <= MOVED_BYTES_MAX);
	c->moved = true;
	c->features_len = features.len;
	c->rest_len = rest.len;
	memcpy(c->features, features.data, features.len);
	if (rest.len)
		memcpy(c->rest, rest.data, rest.len);
	sw->session = NULL;
}

static size_t on_backlog(void *conn)
{
	return conn_of(conn)->backlog_bytes;
}

static void on_set_reading(void *conn, bool on)
{
	struct conn *c = conn_of(conn);

	CU_ASSERT_EQUAL(on, c->not_reading);
	c->not_reading = !on;
	c->switchings++;
}

static bool on_unread(void *conn)
{
	return conn_of(conn)->unread;
}

static uint64_t on_taken(void *conn, bool *left)
{
	*left = conn_of(conn)->left;
	return conn_of(conn)->taken_bytes;
}

/* A bench whose driver answers all questions, as 'conns' tells. */
static struct bench *driver_bench_with_echo_idle(uint64_t echo_idle_ns)
{
	struct bench *b = bench_new();
	const struct controller_ops ops = {
	        .send = bench_on_send,
	        .close = bench_on_close,
	        .join = on_join,
	        .move = on_move,
	        .backlog = on_backlog,
	        .set_reading = on_set_reading,
	        .unread = on_unread,
	        .taken = on_taken,
	        .log = bench_on_log,
	        .switch_event = bench_on_event,
	        .ctx = b,
	};

	memset(conns, 0, sizeof conns);
	b->config.liveness.pause_bytes = PAUSE_BYTES;
	b->config.liveness.echo_idle_ns = echo_idle_ns;
	controller_free(b->ctl);
	b->ctl = controller_new(&b->config, &ops);
	return b;
}

static struct bench *driver_bench(void)
{
	return driver_bench_with_echo_idle(5 * FB_NS_PER_S);
}

/* 'bytes' wait for the switch. */
static void backlog(struct fake_switch *sw, size_t bytes)
{
	conn_of(sw)->backlog_bytes = bytes;
}

static void drained(struct fake_switch *sw, size_t bytes)
{
	backlog(sw, bytes);
	session_drained(sw->session, sw->bench->now_ns);
}

/* Have something sent to the switch, so that the driver is asked what waits. */
static void cause_output(struct fake_switch *sw)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_ECHO_REQUEST};

	fake_switch_send(sw, &msg);
}

static const struct controller_counters *counters(const struct bench *b)
{
	return controller_counters(b->ctl);
}

/* --- Joining --- */

static void a_switch_that_may_not_join_is_closed_before_anybody_knows_it(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);

	conns[1].join = CONTROLLER_JOIN_REFUSED;
	fake_switch_hello(sw);
	fake_switch_discard(sw);
	fake_switch_features(sw);
	CU_ASSERT(sw->closed);
	CU_ASSERT_STRING_EQUAL(sw->close_reason,
	                       "the switch 0000000000000001 is not among those that may join");
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	CU_ASSERT_STRING_EQUAL(b->events, "");
	CU_ASSERT_EQUAL(counters(b)->dpids_refused, 1);
	CU_ASSERT_EQUAL(counters(b)->connects, 0);
	CU_ASSERT_EQUAL(controller_deadline(b->ctl), FB_NEVER);
	bench_free(b);
}

/* Somebody who may not join does not throw out the switch whose dpid he tells. */
static void a_refused_connection_replaces_nobody(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_join(b, 1, 2), *other = fake_switch_connect(b, 1, 2);

	conns[1].join = CONTROLLER_JOIN_REFUSED;
	fake_switch_hello(other);
	fake_switch_features(other);
	CU_ASSERT(other->closed);
	CU_ASSERT(!sw->closed);
	CU_ASSERT_EQUAL(controller_switches_up(b->ctl), 1);
	CU_ASSERT_STRING_EQUAL(b->events, "up 1\n");
	bench_free(b);
}

static void the_driver_is_asked_once_for_each_connection(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);

	fake_switch_hello(sw);
	CU_ASSERT_EQUAL(conns[1].joins, 0);
	fake_switch_features(sw);
	fake_switch_features(sw);
	CU_ASSERT_EQUAL(conns[1].joins, 1);
	CU_ASSERT_EQUAL(controller_switches_up(b->ctl), 1);
	bench_free(b);
}

/* --- Moving --- */

/* A packet-in from port 1, numbered by its buffer. */
static void put_packet_in(struct fb_buf *out, uint32_t buffer_id)
{
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_PACKET_IN};
	uint8_t frame[60];
	bool ok;

	fake_frame(frame, 0x020000000001, 0x020000000002);
	msg.packet_in = (struct fb_of_packet_in){
	        .buffer_id = buffer_id, .total_len = 60, .in_port = 1, .data = {frame, 60}};
	ok = fb_msg_encode(out, &msg);
	CU_ASSERT_FATAL(ok);
}

static void what_came_moves_whole_and_in_order(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);
	uint8_t memory[2048];
	struct fb_buf buf = fb_buf_make(memory, sizeof memory);
	size_t features_len;

	conns[1].join = CONTROLLER_JOIN_ELSEWHERE;
	fake_switch_hello(sw);
	fake_switch_put_features(sw, &buf);
	features_len = buf.len;
	put_packet_in(&buf, 1);
	put_packet_in(&buf, 2);
	fake_switch_discard(sw);
	fake_switch_feed(sw, memory, buf.len - 7);
	CU_ASSERT_FATAL(conns[1].moved);
	CU_ASSERT_EQUAL_FATAL(conns[1].features_len, features_len);
	CU_ASSERT_EQUAL_FATAL(conns[1].rest_len, buf.len - 7 - features_len);
	CU_ASSERT(!memcmp(conns[1].features, memory, features_len));
	CU_ASSERT(!memcmp(conns[1].rest, memory + features_len, conns[1].rest_len));
	CU_ASSERT(!sw->closed);
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	CU_ASSERT_STRING_EQUAL(b->events, "");
	CU_ASSERT_EQUAL(counters(b)->moved, 1);
	CU_ASSERT_EQUAL(counters(b)->packet_ins, 0);
	CU_ASSERT_EQUAL(controller_deadline(b->ctl), FB_NEVER);
	bench_free(b);
}

/* The peer may answer FEATURES_REQUEST before it says HELLO's end to us: what we still had to say
 * leaves before the connection does. */
static void what_was_to_be_sent_leaves_before_the_move(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);
	uint8_t memory[1024] = {OFP_VERSION, OFPT_HELLO, 0, 8};
	struct fb_buf buf = fb_buf_make(memory, sizeof memory);

	conns[1].join = CONTROLLER_JOIN_ELSEWHERE;
	buf.len = 8;
	fake_switch_put_features(sw, &buf);
	fake_switch_discard(sw);
	fake_switch_feed(sw, memory, buf.len);
	CU_ASSERT(conns[1].moved);
	CU_ASSERT_PTR_NOT_NULL(fake_switch_expect(sw, OFPT_FEATURES_REQUEST));
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	bench_free(b);
}

/* The other controller takes what on_move() kept over, with the same fake switch. */
static void take_over(struct bench *there, struct fake_switch *sw)
{
	struct conn *c = conn_of(sw);

	c->join = CONTROLLER_JOIN_HERE;
	c->moved = false;
	sw->bench = there;
	sw->session = controller_take_over(there->ctl, sw, "moved", there->now_ns);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sw->session);
	fake_switch_feed(sw, c->features, c->features_len);
	if (c->rest_len)
		fake_switch_feed(sw, c->rest, c->rest_len);
}

static void a_moved_switch_goes_on_where_it_was(void)
{
	struct bench *here = driver_bench(), *there = driver_bench();
	struct fake_switch *sw = fake_switch_connect(here, 1, 2);

	conns[1].join = CONTROLLER_JOIN_ELSEWHERE;
	fake_switch_hello(sw);
	fake_switch_features(sw);
	fake_switch_discard(sw);
	take_over(there, sw);
	/* No HELLO and no FEATURES_REQUEST again. */
	CU_ASSERT_PTR_NOT_NULL(fake_switch_expect(sw, OFPT_SET_CONFIG));
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_FEATURES_REQUEST), 0);
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_HELLO), 0);
	CU_ASSERT_STRING_EQUAL(here->events, "");
	CU_ASSERT_STRING_EQUAL(there->events, "up 1\n");
	CU_ASSERT_EQUAL(controller_switches_up(there->ctl), 1);
	CU_ASSERT_EQUAL(conns[1].joins, 2);
	fake_switch_leave(sw);
	bench_free(here);
	bench_free(there);
}

/* Wherever the stream is cut into two reads, the switch gets the same answers as from a controller
 * that it did not have to move to. */
static void no_cut_of_the_stream_changes_what_a_moved_switch_is_answered(void)
{
	struct bench *alone = driver_bench();
	struct fake_switch *sw;
	uint8_t memory[1024], expected[2048];
	struct fb_buf buf = fb_buf_make(memory, sizeof memory);
	size_t expected_len;

	bench_add(alone, &fb_app_hub, "");
	sw = fake_switch_connect(alone, 1, 2);
	fake_switch_hello(sw);
	fake_switch_put_features(sw, &buf);
	put_packet_in(&buf, 11);
	put_packet_in(&buf, 12);
	fake_switch_feed(sw, memory, buf.len);
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_PACKET_OUT), 2);
	CU_ASSERT_FATAL(sw->sent_len <= sizeof expected);
	expected_len = sw->sent_len;
	memcpy(expected, sw->sent, expected_len);
	bench_free(alone);

	for (size_t cut = 1; cut <= buf.len; cut++) {
		struct bench *here = driver_bench(), *there = driver_bench();
		size_t differing = 0;

		bench_add(there, &fb_app_hub, "");
		sw = fake_switch_connect(here, 1, 2);
		conns[1].join = CONTROLLER_JOIN_ELSEWHERE;
		fake_switch_hello(sw);
		fake_switch_feed(sw, memory, cut);
		if (conns[1].moved)
			take_over(there, sw);
		if (cut < buf.len)
			fake_switch_feed(sw, memory + cut, buf.len - cut);
		if (conns[1].moved)
			take_over(there, sw);
		/* xids are counted by each controller anew: all else is the same. */
		CU_ASSERT_EQUAL_FATAL(sw->sent_len, expected_len);
		for (size_t at = 0; at < expected_len; at += fb_get16(expected + at + 2)) {
			size_t len = fb_get16(expected + at + 2);

			differing += memcmp(sw->sent + at, expected + at, 4) != 0 ||
			             memcmp(sw->sent + at + 8, expected + at + 8, len - 8) != 0;
		}
		CU_ASSERT_EQUAL(differing, 0);
		bench_free(there);
		bench_free(here); /* the switch is its */
	}
}

static void a_moved_switch_replaces_its_older_connection(void)
{
	struct bench *here = driver_bench(), *there = driver_bench();
	struct fake_switch *old = fake_switch_join(there, 1, 2);
	struct fake_switch *new = fake_switch_connect(here, 1, 2);

	conns[1].join = CONTROLLER_JOIN_ELSEWHERE;
	fake_switch_hello(new);
	fake_switch_features(new);
	take_over(there, new);
	CU_ASSERT(old->closed);
	CU_ASSERT(!new->closed);
	CU_ASSERT_STRING_EQUAL(there->events, "up 1\ndown 1\nup 1\n");
	CU_ASSERT_EQUAL(counters(there)->replaced, 1);
	fake_switch_leave(new);
	bench_free(here);
	bench_free(there);
}

static void a_full_controller_takes_nobody_over(void)
{
	struct bench *b;
	struct controller_config config;
	struct fake_switch *sw;

	controller_config_default(&config);
	config.sessions_max = 1;
	b = bench_new_with(&config);
	sw = fake_switch_join(b, 1, 2);
	CU_ASSERT_PTR_NULL(controller_take_over(b->ctl, sw, "moved", b->now_ns));
	CU_ASSERT_EQUAL(counters(b)->sessions_refused, 1);
	CU_ASSERT(!sw->closed);
	bench_free(b);
}

/* The handshake is not over before FEATURES_REPLY was handed on. */
static void what_moved_without_going_on_is_closed_in_time(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_join(b, 1, 2), moved = {.bench = b, .dpid = 2};

	moved.session = controller_take_over(b->ctl, &moved, "moved", b->now_ns);
	for (int i = 0; i < 11 && !moved.closed; i++) {
		bench_pass(b, FB_NS_PER_S);
		cause_output(sw);
	}
	CU_ASSERT(moved.closed);
	CU_ASSERT_STRING_EQUAL(moved.close_reason, "no FEATURES_REPLY in time");
	CU_ASSERT(!sw->closed);
	bench_free(b);
}

/* --- What waits --- */

static void a_peer_that_takes_too_little_is_not_read_from_until_it_does(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	backlog(sw, PAUSE_BYTES);
	cause_output(sw);
	CU_ASSERT(!conns[1].not_reading);
	backlog(sw, PAUSE_BYTES + 1);
	cause_output(sw);
	CU_ASSERT(conns[1].not_reading);
	CU_ASSERT_EQUAL(counters(b)->pauses, 1);
	drained(sw, PAUSE_BYTES / 2 + 1);
	CU_ASSERT(conns[1].not_reading);
	drained(sw, PAUSE_BYTES / 2);
	CU_ASSERT(!conns[1].not_reading);
	CU_ASSERT_EQUAL(conns[1].switchings, 2);
	CU_ASSERT_EQUAL(counters(b)->pauses, 1);
	bench_free(b);
}

/* One peer's pause is its own. */
static void a_pause_leaves_other_peers_alone(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *stuck = fake_switch_join(b, 1, 2), *other = fake_switch_join(b, 2, 2);

	backlog(stuck, PAUSE_BYTES + 1);
	cause_output(stuck);
	fake_switch_discard(other);
	cause_output(other);
	CU_ASSERT_EQUAL(fake_switch_count(other, OFPT_ECHO_REPLY), 1);
	CU_ASSERT_EQUAL(conns[2].switchings, 0);
	for (int i = 0; i < 10; i++) {
		bench_pass(b, FB_NS_PER_S);
		cause_output(other);
	}
	CU_ASSERT(stuck->closed);
	CU_ASSERT(!other->closed);
	CU_ASSERT_EQUAL(counters(b)->stalls, 1);
	bench_free(b);
}

static void a_peer_that_takes_nothing_is_closed_and_counted(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	backlog(sw, PAUSE_BYTES + 1);
	cause_output(sw);
	bench_pass(b, 10 * FB_NS_PER_S - 1);
	CU_ASSERT(!sw->closed);
	bench_pass(b, 1);
	CU_ASSERT(sw->closed);
	CU_ASSERT_STRING_EQUAL(sw->close_reason, "the peer does not read");
	CU_ASSERT_STRING_EQUAL(b->events, "up 1\ndown 1\n");
	CU_ASSERT_EQUAL(counters(b)->stalls, 1);
	CU_ASSERT_EQUAL(controller_deadline(b->ctl), FB_NEVER);
	bench_free(b);
}

/* The socket tells of room only when much has left: the system knows earlier. */
static void a_peer_that_takes_bytes_unseen_is_not_stuck(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	conns[1].taken_bytes = 1000;
	backlog(sw, PAUSE_BYTES + 1);
	cause_output(sw);
	for (int i = 0; i < 100; i++) {
		bench_pass(b, 10 * FB_NS_PER_S - 1);
		conns[1].taken_bytes++;
		bench_pass(b, 1);
	}
	CU_ASSERT(!sw->closed);
	bench_pass(b, 10 * FB_NS_PER_S);
	CU_ASSERT(sw->closed);
	CU_ASSERT_EQUAL(counters(b)->stalls, 1);
	bench_free(b);
}

/* What it took before it got stuck does not count for it. */
static void what_was_taken_before_the_stall_is_no_progress(void)
{
	struct bench *b = driver_bench_with_echo_idle(0);
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	for (int i = 0; i < 3; i++) {
		bench_pass(b, FB_NS_PER_S);
		conns[1].taken_bytes += 5000;
		cause_output(sw);
	}
	conns[1].taken_bytes += 5000;
	backlog(sw, 1);
	cause_output(sw);
	conns[1].taken_bytes += 5000;
	bench_pass(b, FB_NS_PER_S);
	drained(sw, 1);
	bench_pass(b, 10 * FB_NS_PER_S);
	CU_ASSERT(sw->closed);
	bench_free(b);
}

/* --- Peers that only seem dead --- */

/* What came waits for its turn, since others had theirs: however long that takes. */
static void a_peer_is_not_silent_before_it_was_read(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	bench_pass(b, 5 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(fake_switch_count(sw, OFPT_ECHO_REQUEST), 1);
	conns[1].unread = true;
	bench_pass(b, 100 * FB_NS_PER_S);
	CU_ASSERT(!sw->closed);
	conns[1].unread = false;
	bench_pass(b, 5 * FB_NS_PER_S);
	CU_ASSERT(sw->closed);
	CU_ASSERT_EQUAL(counters(b)->echo_timeouts, 1);
	bench_free(b);
}

/* Bytes that are no message gain one period, not two: there are always some on their way. */
static void a_trickle_of_bytes_gains_one_period(void)
{
	static const uint8_t bytes[] = {OFP_VERSION, OFPT_ECHO_REQUEST, 3, 0xe8};
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	conns[1].unread = true;
	bench_pass(b, 10 * FB_NS_PER_S);
	CU_ASSERT(!sw->closed);
	fake_switch_feed(sw, bytes, sizeof bytes);
	bench_pass(b, 5 * FB_NS_PER_S);
	CU_ASSERT(sw->closed);
	bench_free(b);
}

/* Each request is judged anew. */
static void a_peer_that_answered_late_is_spared_again(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	conns[1].unread = true;
	for (int i = 0; i < 10; i++) {
		bench_pass(b, 12 * FB_NS_PER_S);
		CU_ASSERT_FATAL(!sw->closed);
		cause_output(sw);
	}
	bench_free(b);
}

static void a_handshake_that_was_not_read_is_spared_once(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);

	conns[1].unread = true;
	bench_pass(b, 15 * FB_NS_PER_S);
	CU_ASSERT(!sw->closed);
	fake_switch_hello(sw);
	bench_pass(b, 5 * FB_NS_PER_S);
	CU_ASSERT(sw->closed);
	CU_ASSERT_EQUAL(counters(b)->handshake_timeouts, 1);
	bench_free(b);
}

/* It asks for more than it takes, is not read, and so always has something unread. */
static void a_paused_peer_does_not_stay_in_its_handshake_for_ever(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);

	conns[1].unread = true;
	backlog(sw, PAUSE_BYTES + 1);
	fake_switch_hello(sw);
	CU_ASSERT(conns[1].not_reading);
	for (int i = 0; i < 10; i++) {
		conns[1].taken_bytes++;
		bench_pass(b, FB_NS_PER_S);
	}
	CU_ASSERT(sw->closed);
	CU_ASSERT_EQUAL(counters(b)->handshake_timeouts, 1);
	bench_free(b);
}

/* A loop that never comes to reading does not make a handshake endless. */
static void a_handshake_that_is_never_read_ends(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_connect(b, 1, 2);

	conns[1].unread = true;
	bench_pass(b, 20 * FB_NS_PER_S - 1);
	CU_ASSERT(!sw->closed);
	bench_pass(b, 1);
	CU_ASSERT(sw->closed);
	bench_free(b);
}

/* The ECHO_REQUEST is behind what a slow peer has not taken yet. */
static void a_peer_that_is_still_taking_is_not_silent(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	conns[1].left = true;
	for (int i = 0; i < 50; i++) {
		conns[1].taken_bytes++;
		bench_pass(b, 5 * FB_NS_PER_S);
	}
	CU_ASSERT(!sw->closed);
	bench_pass(b, 5 * FB_NS_PER_S);
	CU_ASSERT(sw->closed);
	bench_free(b);
}

/* A peer whose system takes what comes, and that is dead nevertheless. */
static void a_peer_that_took_all_and_says_nothing_is_silent(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	bench_pass(b, 9 * FB_NS_PER_S);
	conns[1].taken_bytes += 8;
	bench_pass(b, FB_NS_PER_S);
	CU_ASSERT(sw->closed);
	CU_ASSERT_EQUAL(counters(b)->echo_timeouts, 1);
	bench_free(b);
}

/* And one that is gone: nothing was taken since the request. */
static void a_peer_that_took_nothing_since_it_was_asked_is_silent(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	conns[1].taken_bytes = 5000;
	conns[1].left = true;
	bench_pass(b, 10 * FB_NS_PER_S);
	CU_ASSERT(sw->closed);
	CU_ASSERT_EQUAL(counters(b)->echo_timeouts, 1);
	bench_free(b);
}

/* What is not read while the peer has to wait says nothing for it. */
static void unread_bytes_do_not_spare_a_peer_that_takes_nothing(void)
{
	struct bench *b = driver_bench();
	struct fake_switch *sw = fake_switch_join(b, 1, 2);

	conns[1].unread = true;
	backlog(sw, PAUSE_BYTES + 1);
	cause_output(sw);
	bench_pass(b, 10 * FB_NS_PER_S);
	CU_ASSERT(sw->closed);
	CU_ASSERT_EQUAL(counters(b)->stalls, 1);
	bench_free(b);
}

UNIT_TESTS("session joins", UNIT_TEST(a_switch_that_may_not_join_is_closed_before_anybody_knows_it),
           UNIT_TEST(a_refused_connection_replaces_nobody),
           UNIT_TEST(the_driver_is_asked_once_for_each_connection),
           UNIT_TEST(what_came_moves_whole_and_in_order),
           UNIT_TEST(what_was_to_be_sent_leaves_before_the_move),
           UNIT_TEST(a_moved_switch_goes_on_where_it_was),
           UNIT_TEST(no_cut_of_the_stream_changes_what_a_moved_switch_is_answered),
           UNIT_TEST(a_moved_switch_replaces_its_older_connection),
           UNIT_TEST(a_full_controller_takes_nobody_over),
           UNIT_TEST(what_moved_without_going_on_is_closed_in_time),
           UNIT_TEST(a_peer_that_takes_too_little_is_not_read_from_until_it_does),
           UNIT_TEST(a_pause_leaves_other_peers_alone),
           UNIT_TEST(a_peer_that_takes_nothing_is_closed_and_counted),
           UNIT_TEST(a_peer_that_takes_bytes_unseen_is_not_stuck),
           UNIT_TEST(what_was_taken_before_the_stall_is_no_progress),
           UNIT_TEST(a_peer_is_not_silent_before_it_was_read),
           UNIT_TEST(a_trickle_of_bytes_gains_one_period),
           UNIT_TEST(a_peer_that_answered_late_is_spared_again),
           UNIT_TEST(a_handshake_that_was_not_read_is_spared_once),
           UNIT_TEST(a_paused_peer_does_not_stay_in_its_handshake_for_ever),

           UNIT_TEST(a_handshake_that_is_never_read_ends),
           UNIT_TEST(a_peer_that_is_still_taking_is_not_silent),
           UNIT_TEST(a_peer_that_took_all_and_says_nothing_is_silent),
           UNIT_TEST(a_peer_that_took_nothing_since_it_was_asked_is_silent),
           UNIT_TEST(unread_bytes_do_not_spare_a_peer_that_takes_nothing))
