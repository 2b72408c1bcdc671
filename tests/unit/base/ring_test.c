/* The byte ring against a plain array, seeded. */
#include "tests/unit/harness.h"

#include <string.h>

#include "lib/base/ring.h"
#include "lib/base/rng.h"

enum { MAX = 8192 };

struct model {
	uint8_t bytes[MAX];
	size_t len;
};

static void write_both(struct ring *ring, struct model *m, struct rng *rng)
{
	uint8_t bytes[3000];
	size_t len = rng_below(rng, sizeof bytes);
	size_t fits = len < MAX - m->len ? len : MAX - m->len;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)rng_next(rng);
	CU_ASSERT_EQUAL_FATAL(ring_write(ring, bytes, len), fits);
	memcpy(m->bytes + m->len, bytes, fits);
	m->len += fits;
}

static void consume_both(struct ring *ring, struct model *m, struct rng *rng)
{
	size_t len = rng_below(rng, m->len + 1);

	ring_consume(ring, len);
	m->len -= len;
	memmove(m->bytes, m->bytes + len, m->len);
}

static void compare(const struct ring *ring, const struct model *m, struct rng *rng)
{
	size_t offset = rng_below(rng, m->len + 1);
	size_t len = rng_below(rng, m->len - offset + 1);
	const uint8_t *front;
	uint8_t bytes[MAX];
	size_t front_len;

	CU_ASSERT_EQUAL_FATAL(ring->len, m->len);
	CU_ASSERT_EQUAL_FATAL(ring_space(ring), MAX - m->len);
	ring_peek(ring, offset, bytes, len);
	CU_ASSERT_FATAL(memcmp(bytes, m->bytes + offset, len) == 0);
	front_len = ring_front(ring, &front);
	CU_ASSERT_FATAL(front_len <= m->len && (front_len > 0 || m->len == 0));
	CU_ASSERT_FATAL(front_len == 0 || memcmp(front, m->bytes, front_len) == 0);
}

static void a_ring_holds_what_a_plain_array_holds(void)
{
	struct model m = {.len = 0};
	struct ring ring;
	struct rng rng;

	ring_init(&ring, MAX);
	rng_init(&rng, 5, "ring_test");
	for (int i = 0; i < 3000; i++) {
		if (rng_below(&rng, 2))
			write_both(&ring, &m, &rng);
		else
			consume_both(&ring, &m, &rng);
		compare(&ring, &m, &rng);
	}
	ring_destroy(&ring);
}

static void a_ring_takes_no_more_than_its_limit(void)
{
	static const uint8_t bytes[100];
	struct ring ring;

	ring_init(&ring, 64);
	CU_ASSERT_EQUAL(ring_write(&ring, bytes, 100), 64);
	CU_ASSERT_EQUAL(ring_space(&ring), 0);
	CU_ASSERT_EQUAL(ring_write(&ring, bytes, 1), 0);
	ring_consume(&ring, 10);
	CU_ASSERT_EQUAL(ring_write(&ring, bytes, 100), 10);
	ring_destroy(&ring);
}

static void a_limit_is_rounded_up_to_a_power_of_two(void)
{
	struct ring ring;

	ring_init(&ring, 65);
	CU_ASSERT_EQUAL(ring.max, 128);
	ring_destroy(&ring);
	ring_init(&ring, 1);
	CU_ASSERT_EQUAL(ring.max, 1);
	ring_destroy(&ring);
}

static void an_empty_ring_holds_no_memory_until_it_is_written(void)
{
	const uint8_t *front;
	struct ring ring;

	ring_init(&ring, 1 << 20);
	CU_ASSERT_PTR_NULL(ring.data);
	CU_ASSERT_EQUAL(ring_write(&ring, NULL, 0), 0);
	CU_ASSERT_EQUAL(ring_front(&ring, &front), 0);
	ring_consume(&ring, 0);
	CU_ASSERT_PTR_NULL(ring.data);
	CU_ASSERT_EQUAL(ring_write(&ring, "x", 1), 1);
	CU_ASSERT(ring.size < 1 << 20);
	ring_destroy(&ring);
}

UNIT_TESTS("ring", UNIT_TEST(a_ring_holds_what_a_plain_array_holds),
           UNIT_TEST(a_ring_takes_no_more_than_its_limit),
           UNIT_TEST(a_limit_is_rounded_up_to_a_power_of_two),
           UNIT_TEST(an_empty_ring_holds_no_memory_until_it_is_written))
