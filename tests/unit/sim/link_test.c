/* Links: times, queues, faults and carrier. */
#include <stdio.h>
#include <string.h>

#include "sim/link.h"
#include "tests/unit/harness.h"

enum { ARRIVALS_MAX = 20000 };

struct arrival {
	uint64_t time_ns;
	unsigned end;
	uint32_t number; /* first four bytes of the frame */
};

static struct clock clock_;
static struct frame_pool *pool;
static struct link *link_;
static struct arrival arrivals[ARRIVALS_MAX];
static unsigned arrival_count;
static unsigned events[2][LINK_DOWN + 1];
static unsigned states[2][2];
static unsigned duplicates;
static bool again;         /* ... from the end that it came from, once more */
static bool answer;        /* each frame that arrives is sent back */
static unsigned cut_after; /* the link goes down when so many have arrived; 0: never */

static void deliver(void *ctx, unsigned end, struct frame *frame)
{
	struct arrival *a = &arrivals[arrival_count++];

	(void)ctx;
	a->time_ns = clock_.now_ns;
	a->end = end;
	memcpy(&a->number, frame_data(frame), sizeof a->number);
	if (cut_after && arrival_count == cut_after)
		link_set_up(link_, false);
	if (answer && arrival_count < 100)
		link_send(link_, again ? 1 - end : end, frame);
	else
		frame_unref(frame);
}

static void observe(void *ctx, unsigned end, enum link_event event, const struct frame *frame)
{
	(void)ctx;
	CU_ASSERT_TRUE(frame->refs > 0);
	events[end][event]++;
}

static void state(void *ctx, unsigned end, bool up)
{
	(void)ctx;
	states[end][up]++;
}

static void duplicated(void *ctx, const struct frame *frame)
{
	(void)ctx;
	CU_ASSERT_TRUE(frame->refs > 0);
	duplicates++;
}

static struct link_config plain(void)
{
	struct link_config config;

	link_config_default(&config);
	return config;
}

static void start_named(const struct link_config *config, uint64_t seed, const char *name)
{
	struct link_ops ops = {
	        .deliver = deliver, .observe = observe, .duplicated = duplicated, .state = state};

	clock_init(&clock_, 100);
	pool = frame_pool_new();
	link_ = link_new(&clock_, config, &ops, seed, name);
	arrival_count = duplicates = 0;
	cut_after = 0;
	answer = again = false;
	memset(events, 0, sizeof events);
	memset(states, 0, sizeof states);
}

static void start(const struct link_config *config)
{
	start_named(config, 1, "a -- b");
}

static void stop(void)
{
	link_free(link_);
	CU_ASSERT_EQUAL(frame_pool_in_use(pool), 0);
	CU_ASSERT_EQUAL(clock_next(&clock_), FB_NEVER);
	frame_pool_free(pool);
	clock_destroy(&clock_);
}

static void send(unsigned end, uint32_t number, size_t len)
{
	struct frame *frame = frame_new(pool, len);

	memset(frame_data(frame), 0, len);
	memcpy(frame_data(frame), &number, sizeof number);
	link_send(link_, end, frame);
}

static void run(void)
{
	while (clock_step(&clock_))
		;
}

static void a_frame_takes_its_time_on_the_wire_and_the_delay(void)
{
	struct link_config config = plain();

	start(&config);
	/* 1514 bytes and 24 of preamble, check sequence and gap, at 8 ns a byte. */
	send(0, 1, 1514);
	run();
	CU_ASSERT_EQUAL(arrival_count, 1);
	CU_ASSERT_EQUAL(arrivals[0].end, 1);
	CU_ASSERT_EQUAL(arrivals[0].time_ns, 50000 + (1514 + 24) * 8);
	/* A short one is padded to 60. */
	send(1, 2, 42);
	run();
	CU_ASSERT_EQUAL(arrivals[1].end, 0);
	CU_ASSERT_EQUAL(arrivals[1].time_ns - arrivals[0].time_ns, 50000 + (60 + 24) * 8);
	stop();
}

static void frames_wait_for_each_other_in_one_direction_only(void)
{
	struct link_config config = plain();

	start(&config);
	send(0, 1, 976);
	send(0, 2, 976);
	send(1, 3, 976);
	CU_ASSERT_EQUAL(link_in_flight(link_), 3);
	run();
	CU_ASSERT_EQUAL(link_in_flight(link_), 0);
	CU_ASSERT_EQUAL(arrival_count, 3);
	CU_ASSERT_EQUAL(arrivals[0].time_ns, 58000);
	CU_ASSERT_EQUAL(arrivals[1].time_ns, 58000);
	CU_ASSERT_EQUAL(arrivals[1].number, 3);
	CU_ASSERT_EQUAL(arrivals[2].number, 2);
	CU_ASSERT_EQUAL(arrivals[2].time_ns, 66000);
	stop();
}

static void a_rate_that_does_not_divide_is_rounded_up(void)
{
	struct link_config config = plain();

	config.delay_ns = 0;
	config.rate_bps = 3000000000;
	start(&config);
	send(0, 1, 76);
	run();
	CU_ASSERT_EQUAL(arrivals[0].time_ns, 267);
	stop();
}

static void a_link_without_a_rate_takes_only_the_delay(void)
{
	struct link_config config = plain();

	config.rate_bps = 0;
	config.queue_bytes_max = 0;
	start(&config);
	for (uint32_t i = 0; i < 1000; i++)
		send(0, i, 1514);
	run();
	CU_ASSERT_EQUAL(arrival_count, 1000);
	for (uint32_t i = 0; i < 1000; i++) {
		CU_ASSERT_EQUAL(arrivals[i].time_ns, 50000);
		CU_ASSERT_EQUAL(arrivals[i].number, i);
	}
	stop();
}

static void a_full_queue_drops_and_counts(void)
{
	struct link_config config = plain();

	config.queue_bytes_max = 10000;
	start(&config);
	for (uint32_t i = 0; i < 20; i++)
		send(0, i, 976);
	/* Ten of 1,000 bytes on the wire. */
	CU_ASSERT_EQUAL(link_counters(link_, 0)->queue_full, 10);
	CU_ASSERT_EQUAL(events[0][LINK_QUEUE_FULL], 10);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->sent_frames, 10);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->sent_bytes, 9760);
	clock_advance(&clock_, 8000);
	send(0, 100, 976);
	send(0, 101, 976);
	run();
	CU_ASSERT_EQUAL(arrival_count, 11);
	CU_ASSERT_EQUAL(arrivals[10].number, 100);
	stop();
}

static void an_idle_link_takes_a_frame_larger_than_its_queue(void)
{
	struct link_config config = plain();

	config.queue_bytes_max = 0;
	start(&config);
	send(0, 1, 1514);
	send(0, 2, 60);
	run();
	CU_ASSERT_EQUAL(arrival_count, 1);
	stop();
}

static void sent_and_delivered_are_told_at_their_ends(void)
{
	struct link_config config = plain();

	start(&config);
	send(0, 1, 100);
	CU_ASSERT_EQUAL(events[0][LINK_SENT], 1);
	CU_ASSERT_EQUAL(events[1][LINK_DELIVERED], 0);
	run();
	CU_ASSERT_EQUAL(events[1][LINK_DELIVERED], 1);
	CU_ASSERT_EQUAL(events[1][LINK_SENT] + events[0][LINK_DELIVERED], 0);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->delivered_frames, 1);
	stop();
}

/* Within a tenth of what is expected: the draws are fixed, so this holds for ever or never. */
static bool about(uint64_t count, uint64_t expected)
{
	return count * 10 > expected * 9 && count * 10 < expected * 11;
}

static void faults_come_as_often_as_they_are_asked_for(void)
{
	struct link_config config = plain();
	const struct link_counters *counters;

	config.rate_bps = 0;
	config.loss_ppm = 100000;
	config.duplicate_ppm = 200000;
	config.reorder_ppm = 300000;
	start(&config);
	for (uint32_t i = 0; i < 10000; i++)
		send(0, i, 60);
	run();
	counters = link_counters(link_, 0);
	CU_ASSERT_TRUE(about(counters->lost, 1000));
	CU_ASSERT_TRUE(about(counters->duplicated, 1800));
	CU_ASSERT_TRUE(about(counters->reordered, 3240));
	CU_ASSERT_EQUAL(arrival_count, 10000 - counters->lost + counters->duplicated);
	CU_ASSERT_EQUAL(duplicates, counters->duplicated);
	CU_ASSERT_EQUAL(events[0][LINK_LOST], counters->lost);
	CU_ASSERT_EQUAL(events[0][LINK_SENT], 10000);
	CU_ASSERT_EQUAL(link_counters(link_, 1)->sent_frames, 0);
	stop();
}

static void a_frame_that_is_held_back_is_overtaken(void)
{
	struct link_config config = plain();

	config.reorder_ppm = 500000;
	config.reorder_delay_ns = 100000;
	start(&config);
	for (uint32_t i = 0; i < 100; i++)
		send(0, i, 60);
	run();
	CU_ASSERT_EQUAL(arrival_count, 100);
	for (unsigned i = 0; i < 100; i++) {
		uint64_t in_time_ns = 50000 + (arrivals[i].number + 1) * 84 * 8;

		CU_ASSERT_TRUE(arrivals[i].time_ns == in_time_ns ||
		               arrivals[i].time_ns == in_time_ns + 100000);
	}
	CU_ASSERT_TRUE(about(link_counters(link_, 0)->reordered, 50));
	stop();
}

static void jitter_keeps_the_order(void)
{
	struct link_config config = plain();
	bool varied = false;

	config.jitter_ns = 100000;
	start(&config);
	for (uint32_t i = 0; i < 1000; i++)
		send(0, i, 60);
	run();
	CU_ASSERT_EQUAL(arrival_count, 1000);
	for (uint32_t i = 0; i < 1000; i++) {
		uint64_t least_ns = 50000 + (i + 1) * 84 * 8;

		CU_ASSERT_EQUAL(arrivals[i].number, i);
		CU_ASSERT_TRUE(arrivals[i].time_ns >= least_ns &&
		               arrivals[i].time_ns <= least_ns + 100000);
		varied |= arrivals[i].time_ns != least_ns;
	}
	CU_ASSERT_TRUE(varied);
	stop();
}

/* Which of 1,000 frames from end 0 are lost, as a string. */
static void losses(uint64_t seed, const char *name, uint32_t duplicate_ppm, bool other_way,
                   char out[1001])
{
	struct link_config config = plain();
	unsigned from;

	config.loss_ppm = 500000;
	config.duplicate_ppm = duplicate_ppm;
	config.rate_bps = 0;
	start_named(&config, seed, name);
	for (uint32_t i = 0; i < 1000; i++) {
		from = events[0][LINK_LOST];
		if (other_way)
			send(1, i, 60);
		send(0, i, 60);
		out[i] = events[0][LINK_LOST] > from ? '-' : '+';
	}
	out[1000] = '\0';
	stop();
}

static void faults_follow_from_seed_name_and_direction_alone(void)
{
	char first[1001], other[1001];

	losses(1, "a -- b", 0, false, first);
	losses(1, "a -- b", 0, false, other);
	CU_ASSERT_STRING_EQUAL(first, other);
	losses(1, "a -- b", 0, true, other);
	CU_ASSERT_STRING_EQUAL(first, other);
	/* One draw of each kind a frame: another fault does not move the losses. */
	losses(1, "a -- b", 300000, false, other);
	CU_ASSERT_STRING_EQUAL(first, other);
	losses(2, "a -- b", 0, false, other);
	CU_ASSERT_STRING_NOT_EQUAL(first, other);
	losses(1, "a -- c", 0, false, other);
	CU_ASSERT_STRING_NOT_EQUAL(first, other);
}

static void down_loses_what_is_under_way_and_what_is_sent(void)
{
	struct link_config config = plain();

	start(&config);
	for (uint32_t i = 0; i < 5; i++)
		send(0, i, 60);
	send(1, 5, 60);
	link_set_up(link_, false);
	link_set_up(link_, false);
	CU_ASSERT_FALSE(link_is_up(link_));
	CU_ASSERT_EQUAL(link_in_flight(link_), 0);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->down_drops, 5);
	CU_ASSERT_EQUAL(link_counters(link_, 1)->down_drops, 1);
	CU_ASSERT_EQUAL(events[0][LINK_DOWN], 5);
	CU_ASSERT_EQUAL(events[1][LINK_DOWN], 1);
	send(0, 6, 60);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->down_drops, 6);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->sent_frames, 5);
	run();
	CU_ASSERT_EQUAL(arrival_count, 0);
	CU_ASSERT_EQUAL(states[0][false], 1);
	CU_ASSERT_EQUAL(states[1][false], 1);
	link_set_up(link_, true);
	CU_ASSERT_EQUAL(states[0][true], 1);
	CU_ASSERT_EQUAL(states[1][true], 1);
	send(0, 7, 60);
	run();
	CU_ASSERT_EQUAL(arrival_count, 1);
	CU_ASSERT_EQUAL(arrivals[0].number, 7);
	stop();
}

static void a_link_may_go_down_while_it_delivers(void)
{
	struct link_config config = plain();

	config.rate_bps = 0;
	start(&config);
	cut_after = 3;
	for (uint32_t i = 0; i < 10; i++)
		send(0, i, 60);
	run();
	CU_ASSERT_EQUAL(arrival_count, 3);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->down_drops, 7);
	stop();
}

static void a_link_without_delay_delivers_in_events_of_their_own(void)
{
	struct link_config config = plain();

	config.rate_bps = 0;
	config.delay_ns = 0;
	start(&config);
	answer = true;
	send(0, 1, 60);
	CU_ASSERT_EQUAL(arrival_count, 0);
	run();
	CU_ASSERT_EQUAL(arrival_count, 100);
	CU_ASSERT_EQUAL(clock_.fired, 100);
	CU_ASSERT_EQUAL(clock_.now_ns, 0);
	stop();
}

static void a_free_link_lets_go_of_what_is_under_way(void)
{
	struct link_config config = plain();

	config.reorder_ppm = 500000;
	config.duplicate_ppm = 500000;
	start(&config);
	for (uint32_t i = 0; i < 100; i++)
		send(i % 2, i, 60);
	stop();
}

static void a_link_without_delay_that_is_fed_by_its_own_end_fires_anew(void)
{
	struct link_config config = plain();

	config.rate_bps = 0;
	config.delay_ns = 0;
	start(&config);
	answer = again = true;
	send(0, 1, 60);
	run();
	CU_ASSERT_EQUAL(arrival_count, 100);
	CU_ASSERT_EQUAL(clock_.fired, 100);
	stop();
}

static void of_frames_that_arrive_at_once_the_one_sent_first_is_first(void)
{
	struct link_config config = plain();
	unsigned met = 0;

	config.rate_bps = 0;
	config.reorder_ppm = 500000;
	config.reorder_delay_ns = 1000;
	start(&config);
	for (uint32_t i = 0; i < 40; i++) {
		while (clock_next(&clock_) <= i * 1000)
			clock_step(&clock_);
		clock_advance(&clock_, i * 1000);
		send(0, i, 60);
	}
	run();
	CU_ASSERT_EQUAL(arrival_count, 40);
	for (unsigned i = 1; i < 40; i++) {
		if (arrivals[i].time_ns != arrivals[i - 1].time_ns)
			continue;
		met++;
		CU_ASSERT_TRUE(arrivals[i - 1].number < arrivals[i].number);
	}
	CU_ASSERT_TRUE(met > 5);
	stop();
}

static void a_link_that_comes_up_is_idle(void)
{
	struct link_config config = plain();

	start(&config);
	for (uint32_t i = 0; i < 100; i++)
		send(0, i, 1514);
	link_set_up(link_, false);
	link_set_up(link_, true);
	send(0, 1, 976);
	run();
	CU_ASSERT_EQUAL(arrivals[0].time_ns, 58000);
	stop();
}

/* --- Queues --- */

static enum link_event send_queued(uint32_t queue_id, uint32_t number, size_t len)
{
	struct frame *frame = frame_new(pool, len);

	memset(frame_data(frame), 0, len);
	memcpy(frame_data(frame), &number, sizeof number);
	return link_send_queued(link_, 0, queue_id, frame);
}

static void frames_of_queues_leave_one_after_another_at_the_rate(void)
{
	struct link_config config = plain();

	start(&config);
	CU_ASSERT_EQUAL(link_add_queue(link_, 0, 7, 700), 0);
	/* Of 1,000 bytes on the wire: 8 us each. */
	for (uint32_t i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(send_queued(7, i, 976), LINK_SENT);
		send(1, 10 + i, 976);
	}
	/* The first is being sent, the others wait. */
	CU_ASSERT_EQUAL(events[0][LINK_SENT], 1);
	CU_ASSERT_EQUAL(link_in_flight(link_), 10);
	run();
	CU_ASSERT_EQUAL(arrival_count, 10);
	CU_ASSERT_EQUAL(events[0][LINK_SENT], 5);
	for (uint32_t i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL(arrivals[2 * i].time_ns, 50000 + 8000 * (i + 1));
		CU_ASSERT_EQUAL(arrivals[2 * i].number, i);
		CU_ASSERT_EQUAL(arrivals[2 * i + 1].time_ns, 50000 + 8000 * (i + 1));
		CU_ASSERT_EQUAL(arrivals[2 * i + 1].number, 10 + i);
	}
	/* Idle again: a frame goes at once. */
	CU_ASSERT_EQUAL(send_queued(7, 20, 976), LINK_SENT);
	CU_ASSERT_EQUAL(events[0][LINK_SENT], 6);
	run();
	CU_ASSERT_EQUAL(arrivals[10].time_ns, 90000 + 58000);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->sent_frames, 6);
	stop();
}

/* Without anything in its queue, an end with queues does to frames what one without does. */
static void queues_that_nobody_uses_change_nothing(void)
{
	struct link_config config = plain();
	struct arrival without[100];

	for (unsigned queued = 0; queued < 2; queued++) {
		start(&config);
		if (queued)
			CU_ASSERT_EQUAL(link_add_queue(link_, 0, 1, 1000), 0);
		for (uint32_t i = 0; i < 100; i++) {
			send(0, i, 60 + 7 * i);
			if (i % 10 == 9)
				run();
		}
		CU_ASSERT_EQUAL(arrival_count, 100);
		for (unsigned i = 0; queued && i < 100; i++) {
			CU_ASSERT_EQUAL(arrivals[i].number, without[i].number);
			CU_ASSERT_EQUAL(arrivals[i].time_ns, without[i].time_ns);
		}
		memcpy(without, arrivals, sizeof without);
		stop();
	}
}

static void a_minimum_rate_is_kept_on_a_busy_link(void)
{
	struct link_config config = plain();
	unsigned queued = 0;

	config.rate_bps = 10000000;
	start(&config);
	link_add_queue(link_, 0, 1, 700);
	for (uint32_t i = 0; i < 600; i++) {
		send(0, 1000 + i, 1514);
		send_queued(1, i, 1514);
	}
	run();
	CU_ASSERT_EQUAL(arrival_count, 1200);
	for (unsigned i = 0; i < 800; i++)
		queued += arrivals[i].number < 1000;
	CU_ASSERT_TRUE(queued >= 555 && queued <= 565);
	/* Never idle: the last arrives when all have been sent. */
	CU_ASSERT_EQUAL(arrivals[1199].time_ns, 1200 * UINT64_C(1230400) + 50000);
	stop();
}

static void a_frame_of_a_queue_does_not_wait_behind_what_was_sent_before(void)
{
	struct link_config config = plain();

	start(&config);
	link_add_queue(link_, 0, 1, 500);
	for (uint32_t i = 0; i < 100; i++)
		send(0, i, 1476);
	/* In the middle of the fifth frame of 12 us: it is the sixth, or the seventh. */
	while (clock_next(&clock_) < 54000)
		clock_step(&clock_);
	clock_advance(&clock_, 54000);
	send_queued(1, 1000, 1476);
	run();
	CU_ASSERT_TRUE(arrivals[5].number == 1000 || arrivals[6].number == 1000);
	CU_ASSERT_EQUAL(arrivals[100].number, 99);
	stop();
}

static void a_full_queue_is_told_to_the_sender(void)
{
	struct link_config config = plain();

	/* Bytes on the wire count. */
	config.queue_bytes_max = 2999;
	start(&config);
	link_add_queue(link_, 0, 1, 500);
	/* One is sent, two wait. */
	for (uint32_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(send_queued(1, i, 976), LINK_SENT);
	CU_ASSERT_EQUAL(send_queued(1, 9, 976), LINK_QUEUE_FULL);
	CU_ASSERT_EQUAL(link_send(link_, 0, frame_new(pool, 976)), LINK_SENT);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->queue_full, 1);
	CU_ASSERT_EQUAL(events[0][LINK_QUEUE_FULL], 1);
	run();
	CU_ASSERT_EQUAL(arrival_count, 4);
	stop();
}

static void a_link_that_goes_down_loses_what_waits_in_queues(void)
{
	struct link_config config = plain();

	start(&config);
	link_add_queue(link_, 0, 1, 500);
	for (uint32_t i = 0; i < 4; i++)
		send_queued(1, i, 976);
	clock_step(&clock_);
	link_set_up(link_, false);
	CU_ASSERT_EQUAL(link_in_flight(link_), 0);
	CU_ASSERT_EQUAL(events[0][LINK_DOWN], 4);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->down_drops, 4);
	CU_ASSERT_EQUAL(clock_next(&clock_), FB_NEVER);
	CU_ASSERT_EQUAL(send_queued(1, 5, 976), LINK_DOWN);
	link_set_up(link_, true);
	CU_ASSERT_EQUAL(send_queued(1, 6, 976), LINK_SENT);
	run();
	CU_ASSERT_EQUAL(arrival_count, 1);
	CU_ASSERT_EQUAL(arrivals[0].time_ns, 8000 + 58000);
	stop();
	/* Freed with frames in queues: nothing is lost, says stop(). */
	start(&config);
	link_add_queue(link_, 0, 1, 500);
	for (uint32_t i = 0; i < 4; i++)
		send_queued(1, i, 976);
	stop();
}

static void without_a_rate_nothing_waits_in_queues(void)
{
	struct link_config config = plain();

	config.rate_bps = 0;
	start(&config);
	CU_ASSERT_EQUAL(link_add_queue(link_, 0, 1, 500), 0);
	CU_ASSERT_EQUAL(link_add_queue(link_, 0, 1, 500), -1);
	for (uint32_t i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(i % 2 ? send_queued(1, i, 1514)
		                      : link_send_queued(link_, 0, 2, frame_new(pool, 1514)),
		                LINK_SENT);
	run();
	CU_ASSERT_EQUAL(arrival_count, 100);
	CU_ASSERT_EQUAL(arrivals[99].time_ns, 50000);
	stop();
}

static void faults_befall_frames_of_queues_too(void)
{
	struct link_config config = plain();

	config.loss_ppm = 500000;
	config.queue_bytes_max = 10000000;
	start(&config);
	link_add_queue(link_, 0, 1, 500);
	for (uint32_t i = 0; i < 1000; i++)
		send_queued(1, i, 976);
	run();
	CU_ASSERT_TRUE(arrival_count > 400 && arrival_count < 600);
	CU_ASSERT_EQUAL(link_counters(link_, 0)->lost, 1000 - arrival_count);
	stop();
}

static bool is_seven(struct frame *frame)
{
	uint32_t number;

	memcpy(&number, frame_data(frame), sizeof number);
	return number == 7;
}

static bool is_nothing(struct frame *frame)
{
	(void)frame;
	return false;
}

static void what_a_link_carries_is_found_wherever_it_waits(void)
{
	struct link_config config = plain();

	/* Under way, either way. */
	for (unsigned from = 0; from < 2; from++) {
		start(&config);
		CU_ASSERT_FALSE(link_carries(link_, is_seven));
		send(from, 6, 60);
		CU_ASSERT_FALSE(link_carries(link_, is_seven));
		send(from, 7, 60);
		CU_ASSERT_TRUE(link_carries(link_, is_seven));
		CU_ASSERT_FALSE(link_carries(link_, is_nothing));
		run();
		CU_ASSERT_FALSE(link_carries(link_, is_seven));
		stop();
	}
	/* Held back. */
	config.reorder_ppm = 1000000;
	start(&config);
	send(0, 6, 60);
	send(0, 7, 60);
	CU_ASSERT_TRUE(link_carries(link_, is_seven));
	stop();
	/* In a queue, behind others. */
	config.reorder_ppm = 0;
	start(&config);
	CU_ASSERT_EQUAL(link_add_queue(link_, 0, 1, 700), 0);
	for (uint32_t i = 3; i < 7; i++)
		send_queued(1, i, 60);
	CU_ASSERT_FALSE(link_carries(link_, is_seven));
	send_queued(1, 7, 60);
	CU_ASSERT_TRUE(link_carries(link_, is_seven));
	stop();
}

UNIT_TESTS("link", UNIT_TEST(a_frame_takes_its_time_on_the_wire_and_the_delay),
           UNIT_TEST(frames_wait_for_each_other_in_one_direction_only),
           UNIT_TEST(a_rate_that_does_not_divide_is_rounded_up),
           UNIT_TEST(a_link_without_a_rate_takes_only_the_delay),
           UNIT_TEST(a_full_queue_drops_and_counts),
           UNIT_TEST(an_idle_link_takes_a_frame_larger_than_its_queue),
           UNIT_TEST(sent_and_delivered_are_told_at_their_ends),
           UNIT_TEST(faults_come_as_often_as_they_are_asked_for),
           UNIT_TEST(a_frame_that_is_held_back_is_overtaken), UNIT_TEST(jitter_keeps_the_order),
           UNIT_TEST(faults_follow_from_seed_name_and_direction_alone),
           UNIT_TEST(down_loses_what_is_under_way_and_what_is_sent),
           UNIT_TEST(a_link_may_go_down_while_it_delivers),
           UNIT_TEST(a_link_without_delay_delivers_in_events_of_their_own),
           UNIT_TEST(a_free_link_lets_go_of_what_is_under_way),
           UNIT_TEST(a_link_without_delay_that_is_fed_by_its_own_end_fires_anew),
           UNIT_TEST(of_frames_that_arrive_at_once_the_one_sent_first_is_first),
           UNIT_TEST(a_link_that_comes_up_is_idle),
           UNIT_TEST(frames_of_queues_leave_one_after_another_at_the_rate),
           UNIT_TEST(queues_that_nobody_uses_change_nothing),
           UNIT_TEST(a_minimum_rate_is_kept_on_a_busy_link),
           UNIT_TEST(a_frame_of_a_queue_does_not_wait_behind_what_was_sent_before),
           UNIT_TEST(a_full_queue_is_told_to_the_sender),
           UNIT_TEST(a_link_that_goes_down_loses_what_waits_in_queues),
           UNIT_TEST(without_a_rate_nothing_waits_in_queues),
           UNIT_TEST(faults_befall_frames_of_queues_too),
           UNIT_TEST(what_a_link_carries_is_found_wherever_it_waits))
