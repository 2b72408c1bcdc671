/* What is to be sent on one connection: the order of what an array of packet-ins caused, and the
 * memory that outputs share. */
#include "tests/unit/harness.h"

#include <stdlib.h>

#include "controller/output.h"

/* Write a message of 'len' bytes 'byte', caused by 'place'. */
static void put(struct output *output, struct output_pool *pool, uint8_t byte, size_t len,
                uint32_t place)
{
	size_t begin = output->buf.len;
	uint8_t *p;

	output_reserve(output, pool, len);
	p = fb_buf_reserve(&output->buf, len);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	memset(p, byte, len);
	output_record(output, begin, place);
}

static bool holds(const struct output *output, const char *text)
{
	return output->buf.len == strlen(text) &&
	       memcmp(output->buf.data, text, output->buf.len) == 0;
}

static void what_was_sent_in_order_stays_where_it_is(void)
{
	struct output_pool pool = {0};
	struct output output = {0};

	put(&output, &pool, 'a', 2, 0);
	put(&output, &pool, 'b', 1, 0);
	put(&output, &pool, 'c', 3, 5);
	output_settle(&output, 6, &pool);
	CU_ASSERT_TRUE(holds(&output, "aabccc"));
	CU_ASSERT_PTR_NULL(pool.aside);
	output_destroy(&output);
	output_pool_destroy(&pool);
}

static void messages_of_one_place_keep_their_order(void)
{
	struct output_pool pool = {0};
	struct output output = {0};

	put(&output, &pool, 'x', 1, 0);
	output_settle(&output, 1, &pool);
	put(&output, &pool, 'c', 1, 2);
	put(&output, &pool, 'd', 2, 2);
	put(&output, &pool, 'a', 1, 0);
	put(&output, &pool, 'e', 1, 2);
	put(&output, &pool, 'b', 3, 0);
	output_settle(&output, 3, &pool);
	CU_ASSERT_TRUE(holds(&output, "xabbbcdde"));
	put(&output, &pool, 'f', 1, 0);
	output_settle(&output, 1, &pool);
	CU_ASSERT_TRUE(holds(&output, "xabbbcddef"));
	output_destroy(&output);
	output_pool_destroy(&pool);
}

static void an_output_takes_the_memory_that_another_gave_back(void)
{
	struct output_pool pool = {0};
	struct output first = {0}, second = {0};
	const uint8_t *memory;

	put(&first, &pool, 'a', 100000, 0);
	output_settle(&first, 1, &pool);
	memory = first.buf.data;
	output_clear(&first, &pool);
	CU_ASSERT_PTR_NULL(first.buf.data);
	CU_ASSERT_PTR_NULL(first.records);
	put(&second, &pool, 'b', 2, 0);
	CU_ASSERT_PTR_EQUAL(second.buf.data, memory);
	CU_ASSERT_TRUE(holds(&second, "bb"));
	put(&first, &pool, 'c', 1, 0);
	CU_ASSERT_PTR_NOT_EQUAL(first.buf.data, memory);
	output_destroy(&first);
	output_destroy(&second);
	output_pool_destroy(&pool);
}

static void memory_from_the_pool_grows_where_it_is_too_small(void)
{
	struct output_pool pool = {0};
	struct output output = {0};

	put(&output, &pool, 'a', 10, 0);
	output_clear(&output, &pool);
	put(&output, &pool, 'b', 1000000, 0);
	CU_ASSERT_EQUAL(output.buf.len, 1000000);
	CU_ASSERT_EQUAL(output.buf.data[999999], 'b');
	output_destroy(&output);
	output_pool_destroy(&pool);
}

static void a_pool_keeps_a_few_buffers_and_no_huge_one(void)
{
	enum { OUTPUTS = 2 * OUTPUT_SPARES_MAX };
	struct output outputs[OUTPUTS], huge = {0};
	struct output_pool pool = {0};

	put(&huge, &pool, 'h', 3 << 20, 0);
	output_clear(&huge, &pool);
	CU_ASSERT_EQUAL(pool.spares_count, 0);
	memset(outputs, 0, sizeof outputs);
	for (int i = 0; i < OUTPUTS; i++)
		put(&outputs[i], &pool, 'a', 1, 0);
	for (int i = 0; i < OUTPUTS; i++)
		output_clear(&outputs[i], &pool);
	CU_ASSERT_EQUAL(pool.spares_count, OUTPUT_SPARES_MAX);
	output_pool_destroy(&pool);
}

UNIT_TESTS("output", UNIT_TEST(what_was_sent_in_order_stays_where_it_is),
           UNIT_TEST(messages_of_one_place_keep_their_order),
           UNIT_TEST(an_output_takes_the_memory_that_another_gave_back),
           UNIT_TEST(memory_from_the_pool_grows_where_it_is_too_small),
           UNIT_TEST(a_pool_keeps_a_few_buffers_and_no_huge_one))
