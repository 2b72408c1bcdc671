/* What goes wrong on links: decisions about single frames, impairments for a time, failure in one
 * direction; and that chance, told as decisions, can be replayed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/link.h"
#include "tests/unit/harness.h"

#define US FB_NS_PER_US
#define MS FB_NS_PER_MS

enum { ARRIVALS_MAX = 4096, CHANCES_MAX = 4096, FRAME_BYTES_MAX = 256 };

struct arrival {
	uint64_t time_ns;
	unsigned end;
	uint64_t tag;
	uint32_t number; /* first four bytes of the frame */
	uint32_t len;
	uint8_t bytes[FRAME_BYTES_MAX];
};

/* What chance did. */
struct chance {
	struct event event; /* of the replay */
	uint64_t time_ns;
	unsigned end;
	struct link_decision decision;
};

static struct clock clock_;
static struct frame_pool *pool;
static struct link *link_;
static struct arrival arrivals[ARRIVALS_MAX];
static unsigned arrival_count;
static struct chance chances[CHANCES_MAX];
static unsigned chance_count;
static unsigned events[2][LINK_DOWN + 1];
static unsigned duplicates, corruptions, losses, states;
static bool last_lost_is_plain; /* the frame that was lost last is as it was sent */

static void deliver(void *ctx, unsigned end, struct frame *frame)
{
	struct arrival *a = &arrivals[arrival_count++];

	(void)ctx;
	CU_ASSERT_FATAL(arrival_count < ARRIVALS_MAX);
	*a = (struct arrival){
	        .time_ns = clock_.now_ns, .end = end, .tag = frame->tag, .len = frame->len};
	memcpy(a->bytes, frame_data(frame), frame->len);
	memcpy(&a->number, a->bytes, sizeof a->number);
	frame_unref(frame);
}

static void observe(void *ctx, unsigned end, enum link_event event, const struct frame *frame)
{
	(void)ctx;
	(void)frame;
	events[end][event]++;
}

static void lost(void *ctx, unsigned end, const struct frame *frame)
{
	(void)ctx;
	(void)end;
	losses++;
	last_lost_is_plain = true;
	for (uint32_t i = 4; i < frame->len; i++)
		last_lost_is_plain &= frame->memory[frame->offset + i] == (uint8_t)i;
}

static void duplicated(void *ctx, const struct frame *frame)
{
	(void)ctx;
	(void)frame;
	duplicates++;
}

static void corrupted(void *ctx, struct frame *frame)
{
	(void)ctx;
	CU_ASSERT_EQUAL(frame->refs, 1);
	CU_ASSERT_EQUAL(frame->tag, 77);
	frame->tag = 78;
	corruptions++;
}

static void chance(void *ctx, unsigned end, const struct link_decision *decision)
{
	(void)ctx;
	CU_ASSERT_FATAL(chance_count < CHANCES_MAX);
	chances[chance_count++] =
	        (struct chance){.time_ns = clock_.now_ns, .end = end, .decision = *decision};
}

static void state(void *ctx, unsigned end, bool up)
{
	(void)ctx;
	(void)end;
	(void)up;
	states++;
}

static const struct link_ops ops = {.deliver = deliver,
                                    .observe = observe,
                                    .lost = lost,
                                    .duplicated = duplicated,
                                    .corrupted = corrupted,
                                    .chance = chance,
                                    .state = state};

static struct link_config plain(void)
{
	struct link_config config;

	link_config_default(&config);
	return config;
}

static void start_seeded(const struct link_config *config, uint64_t seed)
{
	clock_init(&clock_, 10000);
	pool = frame_pool_new();
	link_ = link_new(&clock_, config, &ops, seed, "a -- b");
	arrival_count = chance_count = 0;
	duplicates = corruptions = losses = states = 0;
	memset(events, 0, sizeof events);
}

static void start(const struct link_config *config)
{
	start_seeded(config, 1);
}

/* The default link: 50 us, 1 Gbit/s. */
static void start_plain(void)
{
	struct link_config config = plain();

	start(&config);
}

static void stop(void)
{
	link_free(link_);
	CU_ASSERT_EQUAL(frame_pool_in_use(pool), 0);
	CU_ASSERT_EQUAL(clock_next(&clock_), FB_NEVER);
	frame_pool_free(pool);
	clock_destroy(&clock_);
}

static struct frame *make(uint32_t number, size_t len)
{
	struct frame *frame = frame_new(pool, len);

	for (size_t i = 0; i < len; i++)
		frame_data(frame)[i] = (uint8_t)i;
	memcpy(frame_data(frame), &number, sizeof number);
	frame->tag = 77;
	return frame;
}

static struct frame *make_arp(uint32_t number, size_t len)
{
	struct frame *frame = make(number, len);

	frame_data(frame)[12] = 8;
	frame_data(frame)[13] = 6;
	return frame;
}

static enum link_event send(unsigned end, uint32_t number)
{
	return link_send(link_, end, make(number, 60));
}

static void run(void)
{
	while (clock_step(&clock_))
		;
}

static void pass(uint64_t ns)
{
	const uint64_t until_ns = clock_.now_ns + ns;

	while (clock_next(&clock_) <= until_ns)
		clock_step(&clock_);
	clock_advance(&clock_, until_ns);
}

static void decide(unsigned end, struct link_decision decision)
{
	if (!decision.count)
		decision.count = 1;
	link_decide(link_, link_, end, &decision);
}

/* The numbers of what arrived, in order: "0 2 3". */
static void expect_at(const char *expected, int line)
{
	char text[1024];
	size_t at = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < arrival_count && at < sizeof text - 16; i++)
		at += (size_t)snprintf(text + at, sizeof text - at, "%s%u", i ? " " : "",
		                       arrivals[i].number);
	if (strcmp(text, expected) != 0)
		printf("# line %d: expected %s, seen %s\n", line, expected, text);
	CU_assertImplementation(strcmp(text, expected) == 0, (unsigned)line, expected, __FILE__, "",
	                        CU_FALSE);
}
#define expect_arrived(expected) expect_at(expected, __LINE__)

/* --- Decisions --- */

static void the_frame_that_is_to_be_lost_is_lost_and_no_other(void)
{
	start_plain();
	decide(0, (struct link_decision){.fate = LINK_LOSE, .skip = 2});
	for (uint32_t i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(send(0, i), LINK_SENT);
		send(1, 10 + i);
	}
	run();
	expect_arrived("0 10 1 11 12 3 13 4 14");
	CU_ASSERT_EQUAL(events[0][LINK_SENT], 5);
	CU_ASSERT_EQUAL(events[0][LINK_LOST], 1);
	CU_ASSERT_EQUAL(losses, 1);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->lost, 1);
	CU_ASSERT_EQUAL(link_decisions_pending(link_, 0), 0);
	/* It has used its time on the wire. */
	CU_ASSERT_EQUAL(arrivals[5].time_ns, 50 * US + 4 * 84 * 8);
	/* That was no chance. */
	CU_ASSERT_EQUAL(chance_count, 0);
	stop();
}

static void frames_are_counted_from_when_the_decision_was_made(void)
{
	start_plain();
	send(0, 0);
	send(0, 1);
	decide(0, (struct link_decision){.fate = LINK_LOSE, .skip = 1, .count = 2});
	for (uint32_t i = 2; i < 7; i++)
		send(0, i);
	run();
	expect_arrived("0 1 2 5 6");
	stop();
}

static void several_decisions_count_each_for_itself(void)
{
	start_plain();
	decide(0, (struct link_decision){.fate = LINK_LOSE, .skip = 3});
	decide(0, (struct link_decision){.fate = LINK_LOSE, .skip = 1});
	decide(0, (struct link_decision){.fate = LINK_DUPLICATE, .skip = 1, .count = 4});
	decide(1, (struct link_decision){.fate = LINK_LOSE});
	for (uint32_t i = 0; i < 6; i++)
		send(0, i);
	send(1, 10);
	run();
	/* The lost ones are not doubled, though counted. */
	expect_arrived("0 2 2 4 4 5");
	CU_ASSERT_EQUAL(duplicates, 2);
	CU_ASSERT_EQUAL(losses, 3);
	stop();
}

static void refused_frames_are_not_counted(void)
{
	struct link_config config = plain();

	config.queue_bytes_max = 100;
	start(&config);
	decide(0, (struct link_decision){.fate = LINK_LOSE, .skip = 1});
	send(0, 0);
	CU_ASSERT_EQUAL(send(0, 1), LINK_QUEUE_FULL);
	run();
	link_set_up(link_, false);
	CU_ASSERT_EQUAL(send(0, 2), LINK_DOWN);
	link_set_up(link_, true);
	CU_ASSERT_EQUAL(link_decisions_pending(link_, 0), 1);
	send(0, 3);
	pass(MS);
	send(0, 4);
	run();
	expect_arrived("0 4");
	stop();
}

static void a_frame_is_doubled_as_often_as_it_is_asked_for(void)
{
	start_plain();
	decide(0, (struct link_decision){.fate = LINK_DUPLICATE});
	decide(0, (struct link_decision){.fate = LINK_DUPLICATE});
	send(0, 1);
	send(0, 2);
	run();
	expect_arrived("1 1 1 2");
	CU_ASSERT_EQUAL(arrivals[2].time_ns, arrivals[0].time_ns);
	CU_ASSERT_EQUAL(duplicates, 2);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->duplicated, 2);
	stop();
}

static void a_frame_that_is_held_arrives_later_and_others_before_it(void)
{
	start_plain();
	decide(0, (struct link_decision){.fate = LINK_HOLD, .skip = 1, .by_ns = 2 * MS});
	decide(0, (struct link_decision){.fate = LINK_HOLD, .skip = 1, .by_ns = MS});
	for (uint32_t i = 0; i < 4; i++)
		send(0, i);
	run();
	expect_arrived("0 2 3 1");
	CU_ASSERT_EQUAL(arrivals[3].time_ns, 50 * US + 2 * 84 * 8 + 3 * MS);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->reordered, 1);
	stop();
}

static void a_frame_that_is_held_is_doubled_and_changed_in_its_later_place(void)
{
	start_plain();
	decide(0, (struct link_decision){.fate = LINK_HOLD, .by_ns = MS});
	decide(0, (struct link_decision){.fate = LINK_DUPLICATE});
	decide(0, (struct link_decision){.fate = LINK_CORRUPT, .byte = 10, .flip = 0xff});
	send(0, 1);
	send(0, 2);
	run();
	expect_arrived("2 1 1");
	for (unsigned i = 1; i < 3; i++) {
		CU_ASSERT_EQUAL(arrivals[i].bytes[10], 10 ^ 0xff);
		CU_ASSERT_EQUAL(arrivals[i].time_ns, 50 * US + 84 * 8 + MS);
	}
	stop();
}

static void a_frame_that_is_changed_is_another_one(void)
{
	struct frame *kept;

	start_plain();
	decide(0, (struct link_decision){.fate = LINK_CORRUPT, .byte = 60 + 20, .flip = 0x81});
	kept = make(1, 60);
	link_send(link_, 0, frame_ref(kept));
	send(0, 2);
	run();
	expect_arrived("1 2");
	CU_ASSERT_EQUAL(corruptions, 1);
	CU_ASSERT_EQUAL(arrivals[0].bytes[20], 20 ^ 0x81);
	CU_ASSERT_EQUAL(arrivals[0].bytes[19], 19);
	CU_ASSERT_EQUAL(arrivals[0].tag, 78);
	CU_ASSERT_EQUAL(arrivals[1].tag, 77);
	/* The sender's is as it was. */
	CU_ASSERT_EQUAL(frame_data(kept)[20], 20);
	CU_ASSERT_EQUAL(kept->tag, 77);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->corrupted, 1);
	frame_unref(kept);
	stop();
}

/* A decision waits for the next frame that is none; others do not. */
static void arp_is_never_changed(void)
{
	struct frame *tagged;

	start_plain();
	decide(0, (struct link_decision){.fate = LINK_CORRUPT, .byte = 20, .flip = 1});
	decide(0, (struct link_decision){.fate = LINK_HOLD, .by_ns = MS});
	link_send(link_, 0, make_arp(1, 60));
	tagged = make_arp(2, 60);
	frame_data(tagged)[12] = 0x81;
	frame_data(tagged)[13] = 0;
	frame_data(tagged)[16] = 8;
	frame_data(tagged)[17] = 6;
	link_send(link_, 0, tagged);
	CU_ASSERT_EQUAL(link_decisions_pending(link_, 0), 1);
	send(0, 3);
	send(0, 4);
	CU_ASSERT_EQUAL(link_decisions_pending(link_, 0), 0);
	run();
	expect_arrived("2 3 4 1");
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(arrivals[i].bytes[20], i == 1 ? 20 ^ 1 : 20);
	CU_ASSERT_EQUAL(corruptions, 1);
	stop();
}

static void chance_passes_over_arp(void)
{
	struct link_config config = plain();

	config.corrupt_ppm = 1000000;
	start(&config);
	for (uint32_t i = 0; i < 100; i++)
		link_send(link_, 0, i % 2 ? make(i, 60) : make_arp(i, 60));
	run();
	CU_ASSERT_EQUAL(arrival_count, 100);
	CU_ASSERT_EQUAL(corruptions, 50);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->corrupted, 50);
	stop();
}

static void several_bytes_of_a_frame_can_change(void)
{
	start_plain();
	decide(0, (struct link_decision){.fate = LINK_CORRUPT, .byte = 20, .flip = 1});
	decide(0, (struct link_decision){.fate = LINK_CORRUPT, .byte = 59, .flip = 2});
	send(0, 1);
	run();
	CU_ASSERT_EQUAL(arrivals[0].bytes[20], 20 ^ 1);
	CU_ASSERT_EQUAL(arrivals[0].bytes[59], 59 ^ 2);
	CU_ASSERT_EQUAL(corruptions, 1);
	stop();
}

static void what_is_lost_is_what_was_sent(void)
{
	start_plain();
	decide(0, (struct link_decision){.fate = LINK_CORRUPT, .byte = 20, .flip = 1});
	decide(0, (struct link_decision){.fate = LINK_DUPLICATE});
	decide(0, (struct link_decision){.fate = LINK_LOSE});
	send(0, 1);
	run();
	CU_ASSERT_EQUAL(arrival_count, 0);
	CU_ASSERT_TRUE(last_lost_is_plain);
	CU_ASSERT_EQUAL(corruptions + duplicates, 0);
	stop();
}

static void a_decision_that_is_withdrawn_has_no_effect(void)
{
	const struct link_decision lose = {.fate = LINK_LOSE, .count = 1};
	int a, b;

	start_plain();
	link_decide(link_, &a, 0, &lose);
	link_decide(link_, &b, 0, &lose);
	link_decide(link_, &a, 1, &lose);
	link_withdraw(link_, &a);
	CU_ASSERT_EQUAL(link_decisions_pending(link_, 0), 1);
	CU_ASSERT_EQUAL(link_decisions_pending(link_, 1), 0);
	link_withdraw(link_, &b);
	send(0, 1);
	send(1, 2);
	run();
	expect_arrived("1 2");
	stop();
}

static void decisions_are_limited_and_those_too_many_counted(void)
{
	const struct link_decision lose = {.fate = LINK_LOSE, .skip = 1000, .count = 1};

	start_plain();
	for (uint32_t i = 0; i < LINK_DECISIONS_MAX + 3; i++)
		link_decide(link_, NULL, 0, &lose);
	CU_ASSERT_EQUAL(link_decisions_pending(link_, 0), LINK_DECISIONS_MAX);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->decisions_dropped, 3);
	stop();
}

static void decisions_befall_frames_of_queues_when_their_turn_comes(void)
{
	start_plain();
	CU_ASSERT_EQUAL(link_add_queue(link_, 0, 1, 500), 0);
	decide(0, (struct link_decision){.fate = LINK_LOSE, .skip = 1});
	for (uint32_t i = 0; i < 4; i++)
		link_send_queued(link_, 0, 1, make(i, 60));
	run();
	expect_arrived("0 2 3");
	stop();
}

/* --- One way --- */

static void one_way_loses_what_one_end_sends_and_both_have_a_carrier(void)
{
	start_plain();
	link_begin_one_way(link_, 0);
	CU_ASSERT_TRUE(link_is_up(link_));
	CU_ASSERT_EQUAL(send(0, 1), LINK_SENT);
	send(1, 2);
	run();
	expect_arrived("2");
	CU_ASSERT_EQUAL(events[0][LINK_SENT], 1);
	CU_ASSERT_EQUAL(events[0][LINK_LOST], 1);
	CU_ASSERT_EQUAL(states, 0);
	/* Twice begun, twice ended. */
	link_begin_one_way(link_, 0);
	link_end_one_way(link_, 0);
	send(0, 3);
	run();
	link_end_one_way(link_, 0);
	send(0, 4);
	run();
	expect_arrived("2 4");
	CU_ASSERT_EQUAL(chance_count, 0);
	stop();
}

/* --- Impairments --- */

static const struct link_impairment kept = {LINK_KEPT, LINK_KEPT, LINK_KEPT, LINK_KEPT, LINK_KEPT,
                                            LINK_KEPT, LINK_KEPT, LINK_KEPT, LINK_KEPT};

static void an_impairment_lasts_until_it_is_mended(void)
{
	struct link_impairment slow = kept;

	slow.delay_ns = 10 * MS;
	start_plain();
	link_impair(link_, &slow, LINK_BOTH_ENDS, &slow);
	send(0, 1);
	send(1, 2);
	run();
	CU_ASSERT_EQUAL(arrivals[0].time_ns, 10 * MS + 84 * 8);
	CU_ASSERT_EQUAL(arrivals[1].time_ns, 10 * MS + 84 * 8);
	link_mend(link_, &slow);
	send(0, 3);
	run();
	CU_ASSERT_EQUAL(arrivals[2].time_ns, arrivals[0].time_ns + 50 * US + 84 * 8);
	stop();
}

static void an_impairment_may_be_one_of_one_end(void)
{
	struct link_impairment slow = kept;

	slow.delay_ns = 10 * MS;
	start_plain();
	link_impair(link_, &slow, 1, &slow);
	send(0, 1);
	send(1, 2);
	run();
	CU_ASSERT_EQUAL(arrivals[0].time_ns, 50 * US + 84 * 8);
	CU_ASSERT_EQUAL(arrivals[1].time_ns, 10 * MS + 84 * 8);
	stop();
}

/* How long a frame of 60 bytes takes from end 0 now. */
static uint64_t time_of_one(void)
{
	const uint64_t sent_ns = clock_.now_ns;

	send(0, 0);
	run();
	return arrivals[arrival_count - 1].time_ns - sent_ns;
}

static void of_several_impairments_the_latest_counts_that_says_something(void)
{
	struct link_impairment first = kept, second = kept, third = kept;

	first.delay_ns = MS;
	first.rate_bps = 84 * 8 * 1000;
	second.delay_ns = 2 * MS;
	third.rate_bps = 0;
	start_plain();
	link_impair(link_, &first, LINK_BOTH_ENDS, &first);
	CU_ASSERT_EQUAL(time_of_one(), MS + MS);
	link_impair(link_, &second, LINK_BOTH_ENDS, &second);
	CU_ASSERT_EQUAL(time_of_one(), 2 * MS + MS);
	link_impair(link_, &third, 0, &third);
	CU_ASSERT_EQUAL(time_of_one(), 2 * MS);
	/* One that lies below another ends. */
	link_mend(link_, &first);
	CU_ASSERT_EQUAL(time_of_one(), 2 * MS);
	link_mend(link_, &third);
	CU_ASSERT_EQUAL(time_of_one(), 2 * MS + 84 * 8);
	link_mend(link_, &second);
	CU_ASSERT_EQUAL(time_of_one(), 50 * US + 84 * 8);
	stop();
}

static void an_impairment_gives_back_what_is_below_it(void)
{
	struct link_impairment first = kept, second = kept;

	first.delay_ns = MS;
	second.delay_ns = 2 * MS;
	start_plain();
	link_impair(link_, &first, LINK_BOTH_ENDS, &first);
	link_impair(link_, &second, LINK_BOTH_ENDS, &second);
	link_mend(link_, &second);
	CU_ASSERT_EQUAL(time_of_one(), MS + 84 * 8);
	stop();
}

static void chance_can_be_switched_on_and_off(void)
{
	struct link_impairment bad = kept;

	bad.loss_ppm = 1000000;
	start_plain();
	send(0, 0);
	link_impair(link_, &bad, 0, &bad);
	send(0, 1);
	link_mend(link_, &bad);
	bad.loss_ppm = LINK_KEPT;
	bad.corrupt_ppm = bad.duplicate_ppm = bad.reorder_ppm = 1000000;
	bad.reorder_delay_ns = 3 * MS;
	bad.jitter_ns = 0;
	link_impair(link_, &bad, 0, &bad);
	send(0, 2);
	link_mend(link_, &bad);
	send(0, 3);
	run();
	CU_ASSERT_EQUAL(losses, 1);
	CU_ASSERT_EQUAL(corruptions, 1);
	CU_ASSERT_EQUAL(arrival_count, 4);
	CU_ASSERT_EQUAL(arrivals[1].number, 3);
	CU_ASSERT_EQUAL(arrivals[2].time_ns, 50 * US + 3 * 84 * 8 + 3 * MS);
	/* Lost; changed, doubled, held back. */
	CU_ASSERT_EQUAL(chance_count, 4);
	CU_ASSERT_EQUAL(chances[0].decision.fate, LINK_LOSE);
	CU_ASSERT_EQUAL(chances[0].decision.skip, 1);
	CU_ASSERT_EQUAL(chances[3].decision.fate, LINK_HOLD);
	CU_ASSERT_EQUAL(chances[3].decision.skip, 2);
	CU_ASSERT_EQUAL(chances[3].decision.by_ns, 3 * MS);
	stop();
}

static void a_configured_link_corrupts_by_chance(void)
{
	struct link_config config = plain();
	unsigned changed = 0;

	config.corrupt_ppm = 300000;
	start(&config);
	for (uint32_t i = 0; i < 1000; i++)
		link_send(link_, 0, make(0x30303030, 60));
	run();
	CU_ASSERT_EQUAL(arrival_count, 1000);
	for (unsigned i = 0; i < arrival_count; i++) {
		unsigned bytes = 0;

		for (unsigned b = 0; b < 60; b++)
			bytes += arrivals[i].bytes[b] != (b < 4 ? 0x30 : b);
		CU_ASSERT_TRUE(bytes <= 1);
		changed += bytes;
	}
	CU_ASSERT_EQUAL(changed, corruptions);
	CU_ASSERT_TRUE(changed > 270 && changed < 330);
	stop();
}

/* Which of 500 frames are lost, with or without corruption beside. */
static void losses_of(uint32_t corrupt_ppm, bool out[500])
{
	struct link_config config = plain();

	config.rate_bps = 0;
	config.loss_ppm = 300000;
	config.corrupt_ppm = corrupt_ppm;
	start(&config);
	for (uint32_t i = 0; i < 500; i++) {
		const unsigned before = losses;

		send(0, i);
		out[i] = losses != before;
	}
	run();
	stop();
}

static void corruption_changes_nothing_of_what_else_chance_does(void)
{
	static bool with[500], without[500];

	losses_of(0, without);
	losses_of(500000, with);
	CU_ASSERT_EQUAL(memcmp(with, without, sizeof with), 0);
}

static void a_shorter_delay_lets_nobody_overtake(void)
{
	struct link_impairment slow = kept;
	struct link_config config = plain();

	/* Chance, which has no part in it. */
	config.loss_ppm = 1;
	slow.delay_ns = 10 * MS;
	start(&config);
	link_impair(link_, &slow, LINK_BOTH_ENDS, &slow);
	send(0, 1);
	pass(MS);
	link_mend(link_, &slow);
	send(0, 2);
	CU_ASSERT_EQUAL(arrival_count, 0);
	run();
	expect_arrived("1 2");
	/* What left keeps its arrival; what comes later waits for it. */
	CU_ASSERT_EQUAL(arrivals[0].time_ns, 10 * MS + 84 * 8);
	CU_ASSERT_EQUAL(arrivals[1].time_ns, 10 * MS + 84 * 8);
	CU_ASSERT_EQUAL(chance_count, 0);
	CU_ASSERT_EQUAL(time_of_one(), 50 * US + 84 * 8);
	stop();
}

static void a_higher_rate_lets_go_what_waits(void)
{
	struct link_impairment slow = kept;

	/* A frame takes 1 ms, then 0.1 ms. */
	slow.rate_bps = 84 * 8 * 1000;
	start_plain();
	link_impair(link_, &slow, 0, &slow);
	for (uint32_t i = 0; i < 10; i++)
		send(0, i);
	pass(2 * MS + 500 * US);
	CU_ASSERT_EQUAL(arrival_count, 2);
	slow.rate_bps *= 10;
	link_impair(link_, &pool, 0, &slow);
	send(0, 10);
	run();
	expect_arrived("0 1 2 3 4 5 6 7 8 9 10");
	/* The one that was half sent: half of its time at each rate. */
	for (unsigned i = 2; i < 11; i++)
		CU_ASSERT_EQUAL(arrivals[i].time_ns,
		                2 * MS + 500 * US + 50 * US + (i - 2) * 100 * US + 50 * US);
	stop();
}

static void what_is_left_of_a_frame_is_rounded_up(void)
{
	struct link_impairment slow = kept;

	slow.rate_bps = 84 * 8 * 1000;
	start_plain();
	link_impair(link_, &slow, 0, &slow);
	send(0, 0);
	pass(MS / 2);
	/* 336 bits at 2.5 Gbit/s take 134.4 ns. */
	slow.rate_bps = 2500000000;
	link_impair(link_, &pool, 0, &slow);
	run();
	CU_ASSERT_EQUAL(arrivals[0].time_ns, MS / 2 + 135 + 50 * US);
	stop();
}

static void of_frames_that_arrive_at_once_the_one_sent_first_is_first(void)
{
	struct link_impairment slow = kept;
	struct link_config config = plain();

	config.rate_bps = 0;
	start(&config);
	/* The first is held back; or the second, once the delay is shorter. */
	decide(0, (struct link_decision){.fate = LINK_HOLD, .by_ns = 100 * US});
	send(0, 1);
	pass(100 * US);
	send(0, 2);
	run();
	expect_arrived("1 2");
	CU_ASSERT_EQUAL(arrivals[0].time_ns, arrivals[1].time_ns);
	slow.delay_ns = 10 * MS;
	link_impair(link_, &slow, 0, &slow);
	send(0, 3);
	link_mend(link_, &slow);
	decide(0, (struct link_decision){.fate = LINK_HOLD, .by_ns = 10 * MS - 50 * US});
	send(0, 4);
	run();
	expect_arrived("1 2 3 4");
	CU_ASSERT_EQUAL(arrivals[2].time_ns, arrivals[3].time_ns);
	stop();
}

static void chance_has_no_part_in_what_is_lost_in_any_case(void)
{
	struct link_config config = plain();

	config.loss_ppm = config.duplicate_ppm = config.corrupt_ppm = 1000000;
	start(&config);
	link_begin_one_way(link_, 0);
	send(0, 1);
	link_end_one_way(link_, 0);
	decide(0, (struct link_decision){.fate = LINK_LOSE});
	send(0, 2);
	CU_ASSERT_EQUAL(chance_count, 0);
	/* Nor in what it would do to a frame that it has lost. */
	send(0, 3);
	CU_ASSERT_EQUAL(chance_count, 1);
	CU_ASSERT_EQUAL(losses, 3);
	stop();
}

static void a_lower_rate_slows_down_what_waits_and_not_what_left(void)
{
	struct link_impairment slow = kept;

	start_plain();
	for (uint32_t i = 0; i < 4; i++)
		send(0, i);
	pass(84 * 8);
	slow.rate_bps = 1000000;
	link_impair(link_, &slow, 0, &slow);
	run();
	CU_ASSERT_EQUAL(arrivals[0].time_ns, 50 * US + 84 * 8);
	CU_ASSERT_EQUAL(arrivals[1].time_ns, 50 * US + 84 * 8 + 84 * 8 * 1000);
	CU_ASSERT_EQUAL(arrivals[3].time_ns, 50 * US + 84 * 8 + 3 * 84 * 8 * 1000);
	stop();
}

static void without_a_rate_all_that_waits_leaves(void)
{
	struct link_impairment slow = kept;

	slow.rate_bps = 84 * 8 * 1000;
	start_plain();
	link_impair(link_, &slow, 0, &slow);
	for (uint32_t i = 0; i < 3; i++)
		send(0, i);
	decide(0, (struct link_decision){.fate = LINK_HOLD, .by_ns = 7 * MS});
	send(0, 3);
	pass(MS / 2);
	slow.rate_bps = 0;
	link_impair(link_, &pool, 0, &slow);
	CU_ASSERT_EQUAL(link_waiting_bytes(link_, 0), 0);
	run();
	CU_ASSERT_EQUAL(arrivals[0].time_ns, MS / 2 + 50 * US);
	CU_ASSERT_EQUAL(arrivals[2].time_ns, MS / 2 + 50 * US);
	/* What is held back is that much later than when it left. */
	CU_ASSERT_EQUAL(arrivals[3].time_ns, MS / 2 + 50 * US + 7 * MS);
	stop();
}

static void a_shorter_queue_refuses_sooner(void)
{
	struct link_impairment tight = kept;

	tight.queue_bytes_max = 84 * 3;
	start_plain();
	link_impair(link_, &tight, 0, &tight);
	for (uint32_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(send(0, i), i < 3 ? LINK_SENT : LINK_QUEUE_FULL);
	link_mend(link_, &tight);
	CU_ASSERT_EQUAL(send(0, 5), LINK_SENT);
	run();
	expect_arrived("0 1 2 5");
	stop();
}

static void impairments_hold_for_queues_too(void)
{
	struct link_impairment tight = kept;

	tight.queue_bytes_max = 84 * 2;
	tight.rate_bps = 84 * 8 * 1000;
	start_plain();
	CU_ASSERT_EQUAL(link_add_queue(link_, 0, 1, 500), 0);
	link_impair(link_, &tight, 0, &tight);
	/* One is being sent, two wait. */
	for (uint32_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(link_send_queued(link_, 0, 1, make(i, 60)),
		                i < 3 ? LINK_SENT : LINK_QUEUE_FULL);
	pass(MS / 2);
	/* From now on at the link's own rate: what was left of it takes half of 672 ns. */
	link_mend(link_, &tight);
	run();
	expect_arrived("0 1 2");
	CU_ASSERT_EQUAL(arrivals[0].time_ns, MS / 2 + 336 + 50 * US);
	CU_ASSERT_EQUAL(arrivals[2].time_ns, MS / 2 + 336 + 2 * 672 + 50 * US);
	stop();
}

static void a_link_that_was_down_begins_anew_whatever_was_late(void)
{
	struct link_impairment slow = kept;

	slow.delay_ns = 10 * MS;
	slow.jitter_ns = 10 * MS;
	start_plain();
	link_impair(link_, &slow, 0, &slow);
	send(0, 1);
	link_mend(link_, &slow);
	link_set_up(link_, false);
	link_set_up(link_, true);
	CU_ASSERT_EQUAL(time_of_one(), 50 * US + 84 * 8);
	stop();
}

/* --- Replaying chance --- */

enum op_kind { OP_SEND, OP_IMPAIR, OP_MEND, OP_CARRIER, OP_DECIDE, OP_ONE_WAY };

/* Something that is done to the link at its time. */
struct op {
	struct event event;
	enum op_kind kind;
	unsigned end;
	uint32_t number, len, count;
	bool begins;
	size_t owner; /* MEND: whose */
	struct link_impairment impairment;
	struct link_decision decision;
};

enum { OPS = 120 };

static struct op script[OPS];
static bool replaying;

static struct link_impairment without_chance(const struct link_impairment *impairment)
{
	struct link_impairment plainer = *impairment;

	plainer.jitter_ns = plainer.loss_ppm = plainer.duplicate_ppm = LINK_KEPT;
	plainer.reorder_ppm = plainer.corrupt_ppm = LINK_KEPT;
	return plainer;
}

static void op_fire(struct event *event)
{
	struct op *op = (struct op *)(void *)event;
	struct link_impairment impairment;

	_Static_assert(offsetof(struct op, event) == 0, "begins with its event");
	switch (op->kind) {
	case OP_SEND:
		for (uint32_t i = 0; i < op->count; i++)
			link_send(link_, op->end,
			          i % 3 == 1 ? make_arp(op->number + i, op->len)
			                     : make(op->number + i, op->len));
		break;
	case OP_IMPAIR:
		impairment = replaying ? without_chance(&op->impairment) : op->impairment;
		link_impair(link_, op, op->end, &impairment);
		break;
	case OP_MEND:
		link_mend(link_, &script[op->owner]);
		break;
	case OP_CARRIER:
		link_set_up(link_, op->begins);
		break;
	case OP_DECIDE:
		link_decide(link_, op, op->end, &op->decision);
		break;
	case OP_ONE_WAY:
		if (op->begins)
			link_begin_one_way(link_, op->end);
		else
			link_end_one_way(link_, op->end);
		break;
	}
}

static uint64_t maybe(struct rng *rng, uint64_t bound)
{
	const bool said = rng_below(rng, 2);
	const uint64_t value = rng_below(rng, bound);

	return said ? value : LINK_KEPT;
}

static void draw_impairment(struct rng *rng, struct link_impairment *i)
{
	i->delay_ns = maybe(rng, 2 * MS);
	i->jitter_ns = maybe(rng, 500 * US);
	i->rate_bps = maybe(rng, 100);
	if (i->rate_bps != LINK_KEPT)
		i->rate_bps *= 1000000;
	i->queue_bytes_max = maybe(rng, 4000);
	i->reorder_delay_ns = maybe(rng, MS);
	i->loss_ppm = maybe(rng, 300000);
	i->duplicate_ppm = maybe(rng, 300000);
	i->reorder_ppm = maybe(rng, 300000);
	i->corrupt_ppm = maybe(rng, 300000);
}

/* An op at 'at'; those that begin something also get their end, one place further on. */
static void draw_op(struct rng *rng, size_t at)
{
	struct op *op = &script[at];
	const uint64_t kind = rng_below(rng, 10);

	op->end = (unsigned)rng_below(rng, 2);
	op->number = (uint32_t)(at * 100);
	op->len = 60 + (uint32_t)rng_below(rng, FRAME_BYTES_MAX - 60);
	op->count = 1 + (uint32_t)rng_below(rng, 8);
	op->kind = OP_SEND;
	if (kind == 0) {
		op->kind = OP_IMPAIR;
		op->end = (unsigned)rng_below(rng, 3);
		draw_impairment(rng, &op->impairment);
	} else if (kind == 1) {
		op->kind = OP_DECIDE;
		op->decision = (struct link_decision){.fate = (enum link_fate)rng_below(rng, 4),
		                                      .skip = (uint32_t)rng_below(rng, 4),
		                                      .count = 1 + (uint32_t)rng_below(rng, 3),
		                                      .by_ns = rng_below(rng, MS),
		                                      .byte = (uint32_t)rng_below(rng, 100),
		                                      .flip = (uint8_t)(1 + rng_below(rng, 255))};
	} else if (kind == 2) {
		op->kind = rng_below(rng, 4) ? OP_ONE_WAY : OP_CARRIER;
		op->begins = op->kind == OP_ONE_WAY;
	}
}

static void draw_script(uint64_t seed)
{
	static const enum op_kind ends[] = {
	        [OP_IMPAIR] = OP_MEND, [OP_CARRIER] = OP_CARRIER, [OP_ONE_WAY] = OP_ONE_WAY};
	struct rng rng;

	rng_init(&rng, seed, "script");
	memset(script, 0, sizeof script);
	for (size_t at = 0; at < OPS; at++)
		draw_op(&rng, at);
	/* What began ends a few ops later, in place of what is there. */
	for (size_t at = 0; at < OPS; at++) {
		const size_t end = at + 1 + rng_below(&rng, 20);
		const struct op *op = &script[at];

		if (op->kind == OP_SEND || op->kind == OP_DECIDE || op->kind == OP_MEND ||
		    (op->kind == OP_ONE_WAY && !op->begins) ||
		    (op->kind == OP_CARRIER && op->begins))
			continue;
		if (end >= OPS || script[end].kind != OP_SEND) {
			script[at].kind = OP_SEND;
			script[at].end %= 2;
			continue;
		}
		script[end].kind = ends[op->kind];
		script[end].owner = at;
		script[end].end = op->end;
		script[end].begins = op->kind == OP_CARRIER;
	}
}

static void chance_fire(struct event *event)
{
	struct chance *c = (struct chance *)(void *)event;

	_Static_assert(offsetof(struct chance, event) == 0, "begins with its event");
	link_decide(link_, c, c->end, &c->decision);
}

/* Play the script: several of its ops in one instant, others in between. */
static void play(const struct link_config *config, uint64_t seed)
{
	struct rng rng;
	uint64_t time_ns = 0;

	start_seeded(config, seed);
	rng_init(&rng, seed, "times");
	for (size_t at = 0; at < OPS; at++) {
		const bool later = rng_below(&rng, 3);
		const uint64_t pause_ns = rng_below(&rng, 300 * US);

		time_ns += later ? pause_ns : 0;
		script[at].event = (struct event){.fire = op_fire};
		clock_set(&clock_, &script[at].event, time_ns);
	}
}

static void chance_that_was_told_does_the_same_as_a_decision(void)
{
	static struct arrival first[ARRIVALS_MAX];
	static struct chance told[CHANCES_MAX];
	struct link_counters counters[2];
	unsigned told_count, first_count, differ = 0;
	uint64_t all = 0;

	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct link_config config = plain(), without;

		config.delay_ns = 100 * US;
		config.rate_bps = seed % 3 ? 20000000 : 0;
		config.queue_bytes_max = 5000;
		without = config;
		config.loss_ppm = seed % 2 ? 100000 : 0;
		config.duplicate_ppm = config.reorder_ppm = 100000;
		config.reorder_delay_ns = 400 * US;
		config.corrupt_ppm = 100000;
		config.jitter_ns = seed % 5 ? 200 * US : 0;
		without.reorder_delay_ns = config.reorder_delay_ns;
		draw_script(seed);
		replaying = false;
		play(&config, seed);
		run();
		first_count = arrival_count;
		told_count = chance_count;
		memcpy(first, arrivals, sizeof first);
		memcpy(told, chances, sizeof told);
		counters[0] = *link_counters(link_, 0);
		counters[1] = *link_counters(link_, 1);
		stop();

		replaying = true;
		play(&without, seed);
		for (unsigned i = 0; i < told_count; i++) {
			told[i].event = (struct event){.fire = chance_fire};
			clock_set_first(&clock_, &told[i].event, told[i].time_ns);
		}
		run();
		CU_ASSERT_EQUAL(chance_count, 0);
		differ += arrival_count != first_count ||
		          memcmp(first, arrivals, first_count * sizeof first[0]) != 0;
		for (unsigned end = 0; end < 2; end++) {
			CU_ASSERT_EQUAL(link_counters(link_, end)->lost, counters[end].lost);
			CU_ASSERT_EQUAL(link_counters(link_, end)->down_drops,
			                counters[end].down_drops);
			CU_ASSERT_EQUAL(link_counters(link_, end)->queue_full,
			                counters[end].queue_full);
		}
		all += told_count;
		stop();
	}
	CU_ASSERT_EQUAL(differ, 0);
	CU_ASSERT_TRUE(all > 30000);
}

UNIT_TESTS("link_fault", UNIT_TEST(the_frame_that_is_to_be_lost_is_lost_and_no_other),
           UNIT_TEST(frames_are_counted_from_when_the_decision_was_made),
           UNIT_TEST(several_decisions_count_each_for_itself),
           UNIT_TEST(refused_frames_are_not_counted),
           UNIT_TEST(a_frame_is_doubled_as_often_as_it_is_asked_for),
           UNIT_TEST(a_frame_that_is_held_arrives_later_and_others_before_it),
           UNIT_TEST(a_frame_that_is_held_is_doubled_and_changed_in_its_later_place),
           UNIT_TEST(a_frame_that_is_changed_is_another_one),
           UNIT_TEST(arp_is_never_changed), UNIT_TEST(chance_passes_over_arp),
           UNIT_TEST(several_bytes_of_a_frame_can_change), UNIT_TEST(what_is_lost_is_what_was_sent),
           UNIT_TEST(a_decision_that_is_withdrawn_has_no_effect),
           UNIT_TEST(decisions_are_limited_and_those_too_many_counted),
           UNIT_TEST(decisions_befall_frames_of_queues_when_their_turn_comes),
           UNIT_TEST(one_way_loses_what_one_end_sends_and_both_have_a_carrier),
           UNIT_TEST(an_impairment_lasts_until_it_is_mended),
           UNIT_TEST(an_impairment_may_be_one_of_one_end),
           UNIT_TEST(of_several_impairments_the_latest_counts_that_says_something),
           UNIT_TEST(an_impairment_gives_back_what_is_below_it),
           UNIT_TEST(chance_can_be_switched_on_and_off),
           UNIT_TEST(a_configured_link_corrupts_by_chance),
           UNIT_TEST(corruption_changes_nothing_of_what_else_chance_does),
           UNIT_TEST(a_shorter_delay_lets_nobody_overtake),
           UNIT_TEST(a_higher_rate_lets_go_what_waits),
           UNIT_TEST(what_is_left_of_a_frame_is_rounded_up),
           UNIT_TEST(of_frames_that_arrive_at_once_the_one_sent_first_is_first),
           UNIT_TEST(chance_has_no_part_in_what_is_lost_in_any_case),
           UNIT_TEST(a_lower_rate_slows_down_what_waits_and_not_what_left),
           UNIT_TEST(without_a_rate_all_that_waits_leaves),
           UNIT_TEST(a_shorter_queue_refuses_sooner), UNIT_TEST(impairments_hold_for_queues_too),
           UNIT_TEST(a_link_that_was_down_begins_anew_whatever_was_late),
           UNIT_TEST(chance_that_was_told_does_the_same_as_a_decision))
