/* The rules on silent and stuck connections, each alone and together, in virtual time. */
#include "tests/unit/harness.h"

#include <flowbed/time.h>

#include "controller/liveness.h"

enum { EVENTS_MAX = 16 };

/* What liveness_run() said, and when. */
struct event {
	uint64_t ns;
	enum liveness_due due;
};

struct run {
	struct liveness_config config;
	struct liveness live;
	uint64_t now_ns;
	struct event events[EVENTS_MAX]; /* the first ones */
	size_t events_count;
	bool ended;
};

#define S  FB_NS_PER_S
#define MS FB_NS_PER_MS

/* A connection that was made at one second. */
static struct run run_new(void)
{
	struct run run = {.now_ns = S};

	liveness_config_default(&run.config);
	liveness_start(&run.live, run.now_ns);
	return run;
}

static struct run run_up(void)
{
	struct run run = run_new();

	liveness_up(&run.live);
	return run;
}

/* Let 'ns' pass, as the session does it: run at each deadline, up to the end. */
static void pass(struct run *run, uint64_t ns)
{
	uint64_t until_ns = fb_time_after(run->now_ns, ns), deadline_ns;

	while (!run->ended &&
	       (deadline_ns = liveness_deadline(&run->live, &run->config)) <= until_ns &&
	       deadline_ns != FB_NEVER) {
		enum liveness_due due;

		if (deadline_ns > run->now_ns)
			run->now_ns = deadline_ns;
		due = liveness_run(&run->live, &run->config, run->now_ns);
		if (due == LIVENESS_NOTHING)
			break; /* a deadline at which nothing is due would never end */
		if (run->events_count < EVENTS_MAX)
			run->events[run->events_count] = (struct event){run->now_ns, due};
		run->events_count++;
		run->ended = due != LIVENESS_ASK;
	}
	if (!run->ended)
		run->now_ns = until_ns;
}

static bool heard(struct run *run)
{
	return liveness_heard(&run->live, run->now_ns);
}

static bool waits(struct run *run, size_t bytes)
{
	return liveness_backlog(&run->live, &run->config, bytes, false, run->now_ns);
}

static bool takes(struct run *run, size_t bytes)
{
	return liveness_backlog(&run->live, &run->config, bytes, true, run->now_ns);
}

/* The event at 'place' is 'due' at 'ns'; places beyond the last are none. */
static bool is_event(const struct run *run, size_t place, enum liveness_due due, uint64_t ns)
{
	return place < run->events_count && run->events[place].due == due &&
	       run->events[place].ns == ns;
}

/* --- Handshake --- */

static void a_handshake_that_takes_too_long_ends_the_connection(void)
{
	struct run run = run_new();

	CU_ASSERT_EQUAL(liveness_deadline(&run.live, &run.config), 11 * S);
	pass(&run, 10 * S - 1);
	CU_ASSERT_EQUAL(run.events_count, 0);
	pass(&run, 1);
	CU_ASSERT(is_event(&run, 0, LIVENESS_HANDSHAKE_TIMEOUT, 11 * S));
}

static void what_is_heard_does_not_prolong_the_handshake(void)
{
	struct run run = run_new();

	for (int i = 0; i < 20; i++) {
		pass(&run, S);
		CU_ASSERT(!heard(&run));
	}
	CU_ASSERT(is_event(&run, 0, LIVENESS_HANDSHAKE_TIMEOUT, 11 * S));
}

static void no_echo_is_asked_for_during_the_handshake(void)
{
	struct run run = run_new();

	run.config.handshake_timeout_ns = FB_NEVER;
	CU_ASSERT_EQUAL(liveness_deadline(&run.live, &run.config), FB_NEVER);
	pass(&run, 1000 * S);
	CU_ASSERT_EQUAL(run.events_count, 0);
}

static void a_handshake_that_is_done_has_no_deadline(void)
{
	struct run run = run_new();

	run.config.echo_idle_ns = 0;
	pass(&run, 10 * S - 1);
	liveness_up(&run.live);
	CU_ASSERT_EQUAL(liveness_deadline(&run.live, &run.config), FB_NEVER);
	pass(&run, 1000 * S);
	CU_ASSERT_EQUAL(run.events_count, 0);
}

static void a_spared_handshake_gets_its_time_again(void)
{
	struct run run = run_new();

	pass(&run, 10 * S);
	liveness_spare(&run.live, LIVENESS_HANDSHAKE_TIMEOUT, run.now_ns);
	run.ended = false;
	pass(&run, 100 * S);
	CU_ASSERT(is_event(&run, 1, LIVENESS_HANDSHAKE_TIMEOUT, 21 * S));
}

/* --- Echo --- */

static void silence_is_asked_and_then_ends_the_connection(void)
{
	struct run run = run_up();

	pass(&run, 100 * S);
	CU_ASSERT(is_event(&run, 0, LIVENESS_ASK, 6 * S));
	CU_ASSERT(is_event(&run, 1, LIVENESS_ECHO_TIMEOUT, 11 * S));
	CU_ASSERT_EQUAL(run.events_count, 2);
}

static void a_message_at_the_last_moment_is_life(void)
{
	struct run run = run_up();

	pass(&run, 5 * S - 1);
	CU_ASSERT(!heard(&run));
	pass(&run, 5 * S);
	CU_ASSERT(is_event(&run, 0, LIVENESS_ASK, 11 * S - 1));
	pass(&run, 5 * S - 1);
	CU_ASSERT(heard(&run));
	pass(&run, 5 * S - 1);
	CU_ASSERT_EQUAL(run.events_count, 1);
	pass(&run, 1);
	CU_ASSERT(is_event(&run, 1, LIVENESS_ASK, 21 * S - 2));
}

static void one_request_is_under_way_at_a_time(void)
{
	struct run run = run_up();

	run.config.echo_idle_ns = S;
	run.config.echo_timeout_ns = 60 * S;
	pass(&run, 60 * S);
	CU_ASSERT_EQUAL(run.events_count, 1);
	pass(&run, S);
	CU_ASSERT(is_event(&run, 1, LIVENESS_ECHO_TIMEOUT, 62 * S));
}

/* What was heard tells whether the deadline may have become earlier, so that the owner sets its
 * timer anew only then. */
static void only_an_answered_request_may_bring_the_deadline_forward(void)
{
	struct run run = run_up();
	uint64_t before_ns;

	run.config.echo_idle_ns = S;
	CU_ASSERT(!heard(&run));
	pass(&run, S);
	before_ns = liveness_deadline(&run.live, &run.config);
	CU_ASSERT(heard(&run));
	CU_ASSERT(liveness_deadline(&run.live, &run.config) < before_ns);
}

static void a_spared_request_gets_its_time_again(void)
{
	struct run run = run_up();

	pass(&run, 10 * S);
	liveness_spare(&run.live, LIVENESS_ECHO_TIMEOUT, run.now_ns);
	run.ended = false;
	pass(&run, 100 * S);
	CU_ASSERT_EQUAL(run.events_count, 3);
	CU_ASSERT(is_event(&run, 2, LIVENESS_ECHO_TIMEOUT, 16 * S));
}

static void an_idle_time_of_zero_or_for_ever_asks_never(void)
{
	static const uint64_t settings[] = {0, FB_NEVER};

	for (size_t i = 0; i < 2; i++) {
		struct run run = run_up();

		run.config.echo_idle_ns = settings[i];
		CU_ASSERT_EQUAL(liveness_deadline(&run.live, &run.config), FB_NEVER);
		CU_ASSERT_EQUAL(liveness_run(&run.live, &run.config, FB_NEVER), LIVENESS_NOTHING);
	}
}

static void a_request_may_wait_for_ever(void)
{
	struct run run = run_up();

	run.config.echo_timeout_ns = FB_NEVER;
	pass(&run, 1000000 * S);
	CU_ASSERT_EQUAL(run.events_count, 1);
	CU_ASSERT_EQUAL(liveness_run(&run.live, &run.config, FB_NEVER), LIVENESS_NOTHING);
}

/* The owner may come late: one thing is done at a time, in its order. */
static void a_late_owner_asks_before_it_ends(void)
{
	struct run run = run_up();

	run.now_ns += 1000 * S;
	CU_ASSERT_EQUAL(liveness_run(&run.live, &run.config, run.now_ns), LIVENESS_ASK);
	CU_ASSERT_EQUAL(liveness_run(&run.live, &run.config, run.now_ns), LIVENESS_NOTHING);
	CU_ASSERT_EQUAL(liveness_deadline(&run.live, &run.config), run.now_ns + 5 * S);
}

/* --- Stall --- */

static void a_peer_that_takes_nothing_is_ended(void)
{
	struct run run = run_up();

	run.config.echo_idle_ns = 0;
	pass(&run, S);
	CU_ASSERT(waits(&run, 100));
	pass(&run, 10 * S - 1);
	CU_ASSERT_EQUAL(run.events_count, 0);
	pass(&run, 1);
	CU_ASSERT(is_event(&run, 0, LIVENESS_STALLED, 12 * S));
}

/* More that waits is not progress. */
static void what_is_added_does_not_prolong_a_stall(void)
{
	struct run run = run_up();

	run.config.echo_idle_ns = 0;
	waits(&run, 100);
	for (size_t i = 1; i < 20; i++) {
		pass(&run, S);
		CU_ASSERT(!waits(&run, 100 + 10 * i));
	}
	CU_ASSERT(is_event(&run, 0, LIVENESS_STALLED, 11 * S));
}

static void a_slow_but_steady_reader_lives_for_ever(void)
{
	struct run run = run_up();
	size_t bytes = 1 << 30;

	waits(&run, bytes);
	for (int i = 0; i < 10000; i++) {
		pass(&run, 10 * S - 1);
		takes(&run, --bytes);
	}
	CU_ASSERT_EQUAL(run.events_count, 0);
	CU_ASSERT(run.live.paused);
}

/* The same below the pause, where echoes are asked for, too: what it takes is life. */
static void a_slow_reader_that_is_not_paused_is_not_asked(void)
{
	struct run run = run_up();
	size_t bytes = 10000;

	waits(&run, bytes);
	for (int i = 0; i < 1000; i++) {
		pass(&run, 5 * S - 1);
		takes(&run, --bytes);
	}
	CU_ASSERT_EQUAL(run.events_count, 0);
	pass(&run, 5 * S);
	CU_ASSERT_EQUAL(run.events[0].due, LIVENESS_ASK);
}

static void a_new_wait_begins_at_its_own_time(void)
{
	struct run run = run_up();

	run.config.echo_idle_ns = 0;
	waits(&run, 100);
	pass(&run, 9 * S);
	CU_ASSERT(takes(&run, 0));
	CU_ASSERT_EQUAL(liveness_deadline(&run.live, &run.config), FB_NEVER);
	pass(&run, 100 * S);
	CU_ASSERT(waits(&run, 1));
	pass(&run, 9 * S);
	CU_ASSERT_EQUAL(run.events_count, 0);
	pass(&run, S);
	CU_ASSERT(is_event(&run, 0, LIVENESS_STALLED, 120 * S));
}

static void a_spared_stall_gets_its_time_again(void)
{
	struct run run = run_up();

	run.config.echo_idle_ns = 0;
	waits(&run, 100);
	pass(&run, 10 * S);
	liveness_spare(&run.live, LIVENESS_STALLED, run.now_ns);
	run.ended = false;
	pass(&run, 100 * S);
	CU_ASSERT(is_event(&run, 1, LIVENESS_STALLED, 21 * S));
}

static void a_stall_timeout_of_zero_or_for_ever_never_ends(void)
{
	static const uint64_t settings[] = {0, FB_NEVER};

	for (size_t i = 0; i < 2; i++) {
		struct run run = run_up();

		run.config.echo_idle_ns = 0;
		run.config.stall_timeout_ns = settings[i];
		waits(&run, 100);
		CU_ASSERT_EQUAL(liveness_deadline(&run.live, &run.config), FB_NEVER);
		CU_ASSERT_EQUAL(liveness_run(&run.live, &run.config, FB_NEVER), LIVENESS_NOTHING);
	}
}

/* --- Pause --- */

static void a_peer_waits_from_the_limit_to_half_of_it(void)
{
	struct run run = run_up();

	run.config.pause_bytes = 1000;
	waits(&run, 1000);
	CU_ASSERT(!run.live.paused);
	CU_ASSERT(waits(&run, 1001));
	CU_ASSERT(run.live.paused);
	takes(&run, 501);
	CU_ASSERT(run.live.paused);
	CU_ASSERT(takes(&run, 500));
	CU_ASSERT(!run.live.paused);
	waits(&run, 1000);
	CU_ASSERT(!run.live.paused);
}

static void a_peer_that_waits_is_not_asked(void)
{
	struct run run = run_up();

	run.config.stall_timeout_ns = 0;
	waits(&run, run.config.pause_bytes + 1);
	CU_ASSERT_EQUAL(liveness_deadline(&run.live, &run.config), FB_NEVER);
	pass(&run, 1000 * S);
	CU_ASSERT_EQUAL(run.events_count, 0);
	takes(&run, 0);
	pass(&run, 5 * S);
	CU_ASSERT(is_event(&run, 0, LIVENESS_ASK, 1006 * S));
}

/* An answer may be among what is not read: the request does not count any more. */
static void a_pause_withdraws_a_request(void)
{
	struct run run = run_up();

	run.config.stall_timeout_ns = 0;
	pass(&run, 9 * S);
	CU_ASSERT(is_event(&run, 0, LIVENESS_ASK, 6 * S));
	waits(&run, run.config.pause_bytes + 1);
	pass(&run, 100 * S);
	CU_ASSERT(takes(&run, 0));
	pass(&run, 5 * S - 1);
	CU_ASSERT_EQUAL(run.events_count, 1);
	pass(&run, 100 * S);
	CU_ASSERT(is_event(&run, 1, LIVENESS_ASK, 115 * S));
	CU_ASSERT(is_event(&run, 2, LIVENESS_ECHO_TIMEOUT, 120 * S));
}

/* What waits may have left before the owner was told of it. */
static void the_end_of_a_pause_is_life_however_it_is_found_out(void)
{
	struct run run = run_up();

	run.config.stall_timeout_ns = 0;
	waits(&run, run.config.pause_bytes + 1);
	pass(&run, 100 * S);
	CU_ASSERT(waits(&run, 1));
	pass(&run, 5 * S - 1);
	CU_ASSERT_EQUAL(run.events_count, 0);
}

static void a_peer_that_waits_and_takes_nothing_is_ended(void)
{
	struct run run = run_up();

	waits(&run, run.config.pause_bytes + 1);
	pass(&run, 100 * S);
	CU_ASSERT(is_event(&run, 0, LIVENESS_STALLED, 11 * S));
}

/* --- Together --- */

static void the_earliest_of_all_deadlines_counts(void)
{
	struct run run = run_new();

	run.config.stall_timeout_ns = 2 * S;
	waits(&run, 1);
	CU_ASSERT_EQUAL(liveness_deadline(&run.live, &run.config), 11 * S);
	liveness_up(&run.live);
	CU_ASSERT_EQUAL(liveness_deadline(&run.live, &run.config), 3 * S);
	run.config.stall_timeout_ns = 20 * S;
	CU_ASSERT_EQUAL(liveness_deadline(&run.live, &run.config), 6 * S);
}

/* TLS takes its time, and HELLO waits for it. */
static void a_handshake_in_which_bytes_wait_is_no_stall(void)
{
	struct run run = run_new();

	run.config.stall_timeout_ns = 2 * S;
	waits(&run, 1);
	pass(&run, 100 * S);
	CU_ASSERT_EQUAL(run.events_count, 1);
	CU_ASSERT(is_event(&run, 0, LIVENESS_HANDSHAKE_TIMEOUT, 11 * S));
}

static void a_peer_pauses_early_in_its_handshake(void)
{
	struct run run = run_new();

	waits(&run, LIVENESS_HANDSHAKE_PAUSE_BYTES);
	CU_ASSERT(!run.live.paused);
	waits(&run, LIVENESS_HANDSHAKE_PAUSE_BYTES + 1);
	CU_ASSERT(run.live.paused);
	liveness_up(&run.live);
	takes(&run, LIVENESS_HANDSHAKE_PAUSE_BYTES + 1);
	CU_ASSERT(!run.live.paused);
}

static void a_pause_does_not_prolong_the_handshake(void)
{
	struct run run = run_new();

	run.config.stall_timeout_ns = 0;
	waits(&run, run.config.pause_bytes + 1);
	pass(&run, 100 * S);
	CU_ASSERT(is_event(&run, 0, LIVENESS_HANDSHAKE_TIMEOUT, 11 * S));
}

/* Sparing one rule leaves the others alone, and sparing what is no end does nothing. */
static void only_the_rule_that_was_due_is_spared(void)
{
	struct run run = run_up();
	struct liveness before;

	waits(&run, 1);
	pass(&run, 6 * S);
	before = run.live;
	liveness_spare(&run.live, LIVENESS_NOTHING, run.now_ns);
	liveness_spare(&run.live, LIVENESS_ASK, run.now_ns);
	CU_ASSERT_EQUAL(run.live.progress_ns, before.progress_ns);
	CU_ASSERT_EQUAL(run.live.echo_sent_ns, before.echo_sent_ns);
	liveness_spare(&run.live, LIVENESS_ECHO_TIMEOUT, run.now_ns);
	CU_ASSERT_EQUAL(run.live.progress_ns, before.progress_ns);
	CU_ASSERT_EQUAL(run.live.echo_sent_ns, run.now_ns);
	pass(&run, 100 * S);
	CU_ASSERT(is_event(&run, 1, LIVENESS_STALLED, 11 * S));
}

/* Whatever happens, when nothing is due the deadline lies ahead, and at the deadline something is
 * due: neither does the owner spin, nor does it sleep too long. */
static void at_each_deadline_something_is_due_and_before_nothing(void)
{
	uint32_t seed = 1;

	for (int i = 0; i < 2000; i++) {
		struct run run = run_new();

		run.config.pause_bytes = 100;
		for (int step = 0; step < 20; step++) {
			uint64_t deadline_ns = liveness_deadline(&run.live, &run.config);
			struct liveness copy = run.live;

			if (deadline_ns != FB_NEVER && deadline_ns > run.now_ns) {
				CU_ASSERT_EQUAL(liveness_run(&copy, &run.config, deadline_ns - 1),
				                LIVENESS_NOTHING);
				CU_ASSERT_NOT_EQUAL(liveness_run(&copy, &run.config, deadline_ns),
				                    LIVENESS_NOTHING);
			}
			seed = seed * 1664525 + 1013904223;
			pass(&run, (seed >> 8) % 6000 * MS);
			if (run.ended)
				break;
			if (seed >> 28 < 4)
				heard(&run);
			else if (seed >> 28 < 8)
				waits(&run, run.live.backlog_bytes + (seed >> 4) % 150);
			else if (seed >> 28 < 14)
				takes(&run, run.live.backlog_bytes / 2);
			else
				liveness_up(&run.live);
		}
	}
}

UNIT_TESTS("liveness", UNIT_TEST(a_handshake_that_takes_too_long_ends_the_connection),
           UNIT_TEST(what_is_heard_does_not_prolong_the_handshake),
           UNIT_TEST(no_echo_is_asked_for_during_the_handshake),
           UNIT_TEST(a_handshake_that_is_done_has_no_deadline),
           UNIT_TEST(a_spared_handshake_gets_its_time_again),
           UNIT_TEST(silence_is_asked_and_then_ends_the_connection),
           UNIT_TEST(a_message_at_the_last_moment_is_life),
           UNIT_TEST(one_request_is_under_way_at_a_time),
           UNIT_TEST(only_an_answered_request_may_bring_the_deadline_forward),
           UNIT_TEST(a_spared_request_gets_its_time_again),
           UNIT_TEST(an_idle_time_of_zero_or_for_ever_asks_never),
           UNIT_TEST(a_request_may_wait_for_ever), UNIT_TEST(a_late_owner_asks_before_it_ends),
           UNIT_TEST(a_peer_that_takes_nothing_is_ended),
           UNIT_TEST(what_is_added_does_not_prolong_a_stall),
           UNIT_TEST(a_slow_but_steady_reader_lives_for_ever),
           UNIT_TEST(a_slow_reader_that_is_not_paused_is_not_asked),
           UNIT_TEST(a_new_wait_begins_at_its_own_time),
           UNIT_TEST(a_spared_stall_gets_its_time_again),
           UNIT_TEST(a_stall_timeout_of_zero_or_for_ever_never_ends),
           UNIT_TEST(a_peer_waits_from_the_limit_to_half_of_it),
           UNIT_TEST(a_peer_that_waits_is_not_asked), UNIT_TEST(a_pause_withdraws_a_request),
           UNIT_TEST(the_end_of_a_pause_is_life_however_it_is_found_out),
           UNIT_TEST(a_peer_that_waits_and_takes_nothing_is_ended),
           UNIT_TEST(the_earliest_of_all_deadlines_counts),
           UNIT_TEST(a_handshake_in_which_bytes_wait_is_no_stall),
           UNIT_TEST(a_peer_pauses_early_in_its_handshake),
           UNIT_TEST(a_pause_does_not_prolong_the_handshake),
           UNIT_TEST(only_the_rule_that_was_due_is_spared),
           UNIT_TEST(at_each_deadline_something_is_due_and_before_nothing))
