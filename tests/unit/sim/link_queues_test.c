/* Who of a link's queues sends next: shares, order, limits. */
#include <string.h>

#include "lib/base/rng.h"
#include "sim/link_queues.h"
#include "tests/unit/harness.h"

enum {
	FULL = 1538, /* bytes on the wire of a frame of 1,514 */
	QUANTUM = LINK_QUEUE_QUANTUM_BYTES_MIN,
	SLOTS = LINK_QUEUES_MAX + 1,
};

static struct frame_pool *pool;
static struct link_queues *queues;
static uint64_t taken_bytes[SLOTS]; /* by the mark of the frame's queue */
static uint32_t next_number[SLOTS]; /* of the frames put, by mark */
static uint32_t last_number[SLOTS]; /* of the frames taken */

static void start(uint64_t bytes_max)
{
	pool = frame_pool_new();
	queues = link_queues_new(bytes_max);
	memset(taken_bytes, 0, sizeof taken_bytes);
	memset(next_number, 0, sizeof next_number);
	memset(last_number, 0, sizeof last_number);
}

static void stop(void)
{
	link_queues_free(queues);
	CU_ASSERT_EQUAL(frame_pool_in_use(pool), 0);
	frame_pool_free(pool);
}

/* Put a frame that knows its mark, its number and its length on the wire. */
static bool put(uint32_t queue_id, uint32_t mark, uint32_t wire_bytes)
{
	struct frame *frame = frame_new(pool, 60);
	uint32_t label[] = {mark, ++next_number[mark], wire_bytes};

	memcpy(frame_data(frame), label, sizeof label);
	if (link_queues_put(queues, queue_id, frame, wire_bytes))
		return true;
	next_number[mark]--;
	frame_unref(frame);
	return false;
}

/* Take the next frame and count it; its mark, or -1 when there is none. */
static int take(void)
{
	struct frame *frame = link_queues_take(queues);
	uint32_t label[3];

	if (!frame)
		return -1;
	memcpy(label, frame_data(frame), sizeof label);
	frame_unref(frame);
	CU_ASSERT_EQUAL(label[1], last_number[label[0]] + 1);
	last_number[label[0]] = label[1];
	taken_bytes[label[0]] += label[2];
	return (int)label[0];
}

/* The bytes that 'mark' has had of 'total' differ from 'permille' of them by at most 'slack'. */
static void shared(uint32_t mark, uint64_t permille, uint64_t total, uint64_t slack)
{
	uint64_t part = total * permille / 1000;

	CU_ASSERT_TRUE(taken_bytes[mark] + slack >= part);
	CU_ASSERT_TRUE(taken_bytes[mark] <= part + slack);
}

static uint64_t total(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		sum += taken_bytes[i];
	return sum;
}

static void nothing_comes_of_nothing(void)
{
	start(100000);
	CU_ASSERT_PTR_NULL(link_queues_take(queues));
	CU_ASSERT_EQUAL(link_queues_add(queues, 1, 500), 0);
	CU_ASSERT_PTR_NULL(link_queues_take(queues));
	CU_ASSERT_EQUAL(link_queues_waiting(queues), 0);
	stop();
}

static void order_within_a_queue_is_kept(void)
{
	start(UINT64_MAX);
	link_queues_add(queues, 1, 300);
	/* More than the ring's first size, and round it. take() checks the numbers. */
	for (uint32_t i = 0; i < 50; i++)
		CU_ASSERT_TRUE(put(1, 1, 100 + i));
	for (uint32_t i = 0; i < 30; i++)
		CU_ASSERT_EQUAL(take(), 1);
	for (uint32_t i = 0; i < 200; i++)
		CU_ASSERT_TRUE(put(1, 1, 1500 - i));
	CU_ASSERT_EQUAL(link_queues_waiting(queues), 220);
	for (uint32_t i = 0; i < 220; i++)
		CU_ASSERT_EQUAL(take(), 1);
	CU_ASSERT_EQUAL(take(), -1);
	stop();
}

/* A queue with a minimum rate is at no time less than two quanta and a frame behind it, whatever
 * the lengths of the frames. */
static void a_minimum_rate_is_kept_at_every_moment(void)
{
	const uint64_t slack = 2 * QUANTUM * 70 / 10 + FULL;
	struct rng rng;

	start(UINT64_MAX);
	rng_init(&rng, 1, "lengths");
	CU_ASSERT_EQUAL(link_queues_add(queues, 1, 700), 0);
	CU_ASSERT_EQUAL(link_queues_add(queues, 2, 200), 0);
	for (unsigned i = 0; i < 30000; i++) {
		for (uint32_t mark = 0; mark < 3; mark++)
			put(mark ? mark : LINK_QUEUE_REST, mark,
			    84 + (uint32_t)rng_below(&rng, FULL - 84 + 1));
	}
	while (last_number[1] < 29000 && last_number[2] < 29000) {
		take();
		shared(1, 700, total(), slack);
		shared(2, 200, total(), slack);
		shared(0, 100, total(), slack);
	}
	CU_ASSERT_TRUE(last_number[1] == 29000);
	stop();
}

static void shares_are_exact_in_the_long_run(void)
{
	start(UINT64_MAX);
	/* A part that divides nothing. */
	link_queues_add(queues, 9, 333);
	link_queues_add(queues, 5, LINK_QUEUE_RATE_NONE);
	for (unsigned i = 0; i < 100000; i++)
		for (uint32_t mark = 0; mark < 3; mark++)
			put((uint32_t[]){LINK_QUEUE_REST, 9, 5}[mark], mark, FULL);
	for (unsigned i = 0; i < 200000; i++)
		take();
	shared(1, 333, total(), 2 * QUANTUM + FULL);
	/* What is left over, in equal parts. */
	CU_ASSERT_TRUE(taken_bytes[0] - taken_bytes[2] + 2 * QUANTUM < 4 * QUANTUM);
	stop();
}

static void what_nobody_needs_is_shared(void)
{
	start(UINT64_MAX);
	link_queues_add(queues, 1, 400);
	link_queues_add(queues, 2, 200);
	for (unsigned i = 0; i < 9000; i++) {
		put(1, 1, FULL);
		put(2, 2, FULL);
	}
	/* The rest sends nothing: 4 to 2. */
	for (unsigned i = 0; i < 9000; i++)
		take();
	shared(1, 667, total(), 3 * 2 * QUANTUM + total() / 1000);
	while (last_number[1] < 9000)
		take();
	/* Now 2 has everything. */
	for (unsigned left = 9000 - last_number[2]; left; left--)
		CU_ASSERT_EQUAL(take(), 2);
	CU_ASSERT_EQUAL(take(), -1);
	stop();
}

static void a_queue_that_was_idle_saves_nothing_up(void)
{
	start(UINT64_MAX);
	link_queues_add(queues, 1, 500);
	for (unsigned i = 0; i < 1000; i++)
		put(LINK_QUEUE_REST, 0, FULL);
	for (unsigned i = 0; i < 500; i++) {
		put(1, 1, 84);
		take();
		take();
	}
	memset(taken_bytes, 0, sizeof taken_bytes);
	while (take() == 1)
		;
	for (unsigned i = 0; i < 1000; i++) {
		put(LINK_QUEUE_REST, 0, FULL);
		put(1, 1, FULL);
	}
	memset(taken_bytes, 0, sizeof taken_bytes);
	for (unsigned i = 0; i < 20; i++)
		take();
	shared(1, 500, total(), 2 * QUANTUM + FULL);
	stop();
}

static void turns_are_as_short_as_may_be(void)
{
	static const int order[] = {1, 0, 0, 0, 1, 0, 0, 0};

	start(UINT64_MAX);
	link_queues_add(queues, 1, 250);
	for (unsigned i = 0; i < 8; i++) {
		put(1, 1, FULL);
		put(LINK_QUEUE_REST, 0, FULL);
	}
	/* One frame of the smallest share, three of the other. */
	for (unsigned i = 0; i < 8; i++)
		CU_ASSERT_EQUAL(take(), order[i]);
	stop();
}

static void a_queue_that_comes_back_has_a_turn_at_once(void)
{
	start(UINT64_MAX);
	link_queues_add(queues, 1, 500);
	for (unsigned i = 0; i < 20; i++)
		put(LINK_QUEUE_REST, 0, FULL);
	for (unsigned i = 0; i < 10; i++) {
		put(1, 1, FULL);
		CU_ASSERT_EQUAL(take(), 0);
		CU_ASSERT_EQUAL(take(), 1);
	}
	stop();
}

static void nobody_starves_beside_the_largest_rate_that_leaves_something(void)
{
	start(UINT64_MAX);
	link_queues_add(queues, 1, 999);
	for (unsigned i = 0; i < 5000; i++)
		put(1, 1, FULL);
	put(LINK_QUEUE_REST, 0, FULL);
	/* A round is 999 quanta of the queue and one of the rest. */
	for (unsigned i = 0; i < 1100 && !last_number[0]; i++)
		take();
	CU_ASSERT_EQUAL(last_number[0], 1);
	stop();
}

static void where_all_is_guaranteed_others_wait_for_a_gap(void)
{
	start(UINT64_MAX);
	link_queues_add(queues, 1, 600);
	link_queues_add(queues, 2, 400);
	link_queues_add(queues, 3, LINK_QUEUE_RATE_NONE);
	for (unsigned i = 0; i < 3; i++) {
		put(LINK_QUEUE_REST, 0, FULL);
		put(3, 3, FULL);
		put(2, 2, FULL);
	}
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(take(), 2);
	/* A gap: the others take turns. */
	CU_ASSERT_EQUAL(take(), 0);
	CU_ASSERT_EQUAL(take(), 3);
	put(1, 1, FULL);
	CU_ASSERT_EQUAL(take(), 1);
	CU_ASSERT_EQUAL(take(), 0);
	CU_ASSERT_EQUAL(take(), 3);
	CU_ASSERT_EQUAL(take(), 0);
	CU_ASSERT_EQUAL(take(), 3);
	CU_ASSERT_EQUAL(take(), -1);
	stop();
}

static void a_frame_longer_than_a_quantum_has_its_turn_too(void)
{
	start(UINT64_MAX);
	link_queues_add(queues, 1, 500);
	put(1, 1, 65559);
	for (unsigned i = 0; i < 200; i++)
		put(LINK_QUEUE_REST, 0, FULL);
	for (unsigned i = 0; i < 50 && !last_number[1]; i++)
		take();
	CU_ASSERT_EQUAL(last_number[1], 1);
	shared(1, 500, total(), 2 * QUANTUM + FULL);
	stop();
	/* Alone, it goes at once. */
	start(UINT64_MAX);
	link_queues_add(queues, 1, 1);
	put(LINK_QUEUE_REST, 0, 65559);
	CU_ASSERT_EQUAL(take(), 0);
	stop();
}

static void a_full_queue_refuses_and_counts(void)
{
	start(3 * FULL);
	link_queues_add(queues, 1, 500);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_TRUE(put(1, 1, FULL));
	CU_ASSERT_FALSE(put(1, 1, FULL));
	CU_ASSERT_FALSE(put(1, 1, 1));
	/* The other queues have room of their own. */
	CU_ASSERT_TRUE(put(LINK_QUEUE_REST, 0, FULL));
	CU_ASSERT_EQUAL(link_queues_counters(queues, 1)->dropped, 2);
	CU_ASSERT_EQUAL(link_queues_counters(queues, LINK_QUEUE_REST)->dropped, 0);
	while (take() != 1)
		;
	CU_ASSERT_TRUE(put(1, 1, FULL));
	CU_ASSERT_FALSE(put(1, 1, FULL));
	while (take() >= 0)
		;
	CU_ASSERT_EQUAL(link_queues_counters(queues, 1)->taken_frames, 4);
	CU_ASSERT_EQUAL(link_queues_counters(queues, 1)->taken_bytes, 4 * FULL);
	CU_ASSERT_EQUAL(link_queues_counters(queues, LINK_QUEUE_REST)->taken_frames, 1);
	stop();
}

static void an_empty_queue_takes_a_frame_longer_than_it(void)
{
	start(1000);
	CU_ASSERT_TRUE(put(LINK_QUEUE_REST, 0, FULL));
	CU_ASSERT_FALSE(put(LINK_QUEUE_REST, 0, 84));
	CU_ASSERT_EQUAL(take(), 0);
	CU_ASSERT_TRUE(put(LINK_QUEUE_REST, 0, 84));
	stop();
}

static void a_queue_holds_so_many_frames(void)
{
	struct frame *frame;

	start(UINT64_MAX);
	frame = frame_new(pool, 60);
	for (unsigned i = 0; i < LINK_QUEUE_FRAMES_MAX; i++)
		if (!link_queues_put(queues, 7, frame_ref(frame), 84))
			CU_FAIL("it is full too early");
	CU_ASSERT_FALSE(link_queues_put(queues, 7, frame, 84));
	CU_ASSERT_EQUAL(link_queues_waiting(queues), LINK_QUEUE_FRAMES_MAX);
	CU_ASSERT_EQUAL(link_queues_counters(queues, 7)->dropped, 1);
	frame_unref(frame);
	stop();
}

static void a_number_that_was_not_added_is_the_rest(void)
{
	start(UINT64_MAX);
	link_queues_add(queues, 5, 100);
	put(4, 0, FULL);
	put(6, 0, FULL);
	put(5, 1, FULL);
	while (take() >= 0)
		;
	CU_ASSERT_EQUAL(link_queues_counters(queues, LINK_QUEUE_REST)->taken_frames, 2);
	CU_ASSERT_EQUAL(link_queues_counters(queues, 5)->taken_frames, 1);
	stop();
}

static void what_cannot_be_added_is_refused(void)
{
	start(UINT64_MAX);
	CU_ASSERT_EQUAL(link_queues_add(queues, 1, 600), 0);
	CU_ASSERT_EQUAL(link_queues_add(queues, 1, 100), -1);
	CU_ASSERT_EQUAL(link_queues_add(queues, LINK_QUEUE_REST, 100), -1);
	CU_ASSERT_EQUAL(link_queues_add(queues, 2, 401), -1);
	CU_ASSERT_EQUAL(link_queues_add(queues, 2, 400), 0);
	CU_ASSERT_EQUAL(link_queues_add(queues, 3, 1), -1);
	/* No minimum rate is always to be had, up to the number of queues. */
	for (uint32_t id = 3; id <= LINK_QUEUES_MAX; id++)
		CU_ASSERT_EQUAL(link_queues_add(queues, id, id % 2 ? 0 : LINK_QUEUE_RATE_NONE), 0);
	CU_ASSERT_EQUAL(link_queues_add(queues, 1000, LINK_QUEUE_RATE_NONE), -1);
	stop();
}

/* 64 queues, added in no order, each with its own share. */
static void each_of_many_queues_has_its_share(void)
{
	start(UINT64_MAX);
	for (uint32_t i = 0; i < LINK_QUEUES_MAX; i++)
		CU_ASSERT_EQUAL(link_queues_add(queues, i * 37 % LINK_QUEUES_MAX,
		                                (uint16_t)(1 + i * 37 % LINK_QUEUES_MAX % 30)),
		                0);
	for (uint32_t mark = 0; mark < LINK_QUEUES_MAX; mark++)
		for (unsigned i = 0; i < 3000; i++)
			put(mark, mark, FULL);
	for (unsigned i = 0; i < 50000; i++)
		put(LINK_QUEUE_REST, LINK_QUEUES_MAX, FULL);
	for (unsigned i = 0; i < 60000; i++)
		take();
	for (uint32_t mark = 0; mark < LINK_QUEUES_MAX; mark++)
		shared(mark, 1 + mark % 30, total(), 2 * QUANTUM * (1 + mark % 30) + FULL);
	stop();
}

UNIT_TESTS("link_queues", UNIT_TEST(nothing_comes_of_nothing),
           UNIT_TEST(order_within_a_queue_is_kept),
           UNIT_TEST(a_minimum_rate_is_kept_at_every_moment),
           UNIT_TEST(shares_are_exact_in_the_long_run), UNIT_TEST(what_nobody_needs_is_shared),
           UNIT_TEST(a_queue_that_was_idle_saves_nothing_up),
           UNIT_TEST(turns_are_as_short_as_may_be),
           UNIT_TEST(a_queue_that_comes_back_has_a_turn_at_once),
           UNIT_TEST(nobody_starves_beside_the_largest_rate_that_leaves_something),
           UNIT_TEST(where_all_is_guaranteed_others_wait_for_a_gap),
           UNIT_TEST(a_frame_longer_than_a_quantum_has_its_turn_too),
           UNIT_TEST(a_full_queue_refuses_and_counts),
           UNIT_TEST(an_empty_queue_takes_a_frame_longer_than_it),
           UNIT_TEST(a_queue_holds_so_many_frames),
           UNIT_TEST(a_number_that_was_not_added_is_the_rest),
           UNIT_TEST(what_cannot_be_added_is_refused), UNIT_TEST(each_of_many_queues_has_its_share))
