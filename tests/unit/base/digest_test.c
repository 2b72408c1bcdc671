/* The digest of a run: a known value, and what must change it. */
#include "tests/unit/harness.h"

#include <string.h>
#include <xxhash.h>

#include "lib/base/digest.h"

struct delivery {
	uint64_t time_ns;
	uint32_t place;
	const char *bytes;
	size_t len;
};

static void digest_of(const struct delivery *deliveries, size_t count, char text[DIGEST_TEXT_BYTES])
{
	struct digest *digest = digest_new();

	for (size_t i = 0; i < count; i++)
		digest_delivery(digest, deliveries[i].time_ns, deliveries[i].place,
		                deliveries[i].bytes, deliveries[i].len);
	digest_text(digest, text);
	digest_free(digest);
}

static void a_delivery_is_hashed_as_little_endian_fields_and_its_bytes(void)
{
	static const uint8_t flat[] = {1, 2, 3, 4, 5, 6, 7, 8, 9,   0,   0,  0,
	                               3, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c'};
	const struct delivery one = {UINT64_C(0x0807060504030201), 9, "abc", 3};
	XXH128_hash_t expected = XXH3_128bits(flat, sizeof flat);
	char text[DIGEST_TEXT_BYTES], wanted[DIGEST_TEXT_BYTES];

	digest_of(&one, 1, text);
	snprintf(wanted, sizeof wanted, "%016llx%016llx", (unsigned long long)expected.high64,
	         (unsigned long long)expected.low64);
	CU_ASSERT_STRING_EQUAL(text, wanted);
}

static void the_digest_of_nothing_is_that_of_the_empty_input(void)
{
	char text[DIGEST_TEXT_BYTES];

	digest_of(NULL, 0, text);
	CU_ASSERT_STRING_EQUAL(text, "99aa06d3014798d86001c324468d497f");
}

static void every_field_of_a_delivery_counts(void)
{
	static const struct delivery variants[] = {
	        {1, 2, "abc", 3}, {2, 2, "abc", 3}, {1, 3, "abc", 3},
	        {1, 2, "abd", 3}, {1, 2, "abc", 2}, {1, 2, "", 0},
	};
	char texts[6][DIGEST_TEXT_BYTES];

	for (int i = 0; i < 6; i++) {
		digest_of(&variants[i], 1, texts[i]);
		for (int j = 0; j < i; j++)
			CU_ASSERT_STRING_NOT_EQUAL(texts[i], texts[j]);
	}
}

static void the_order_of_deliveries_counts(void)
{
	static const struct delivery ab[] = {{1, 1, "a", 1}, {1, 1, "b", 1}};
	static const struct delivery ba[] = {{1, 1, "b", 1}, {1, 1, "a", 1}};
	char x[DIGEST_TEXT_BYTES], y[DIGEST_TEXT_BYTES];

	digest_of(ab, 2, x);
	digest_of(ba, 2, y);
	CU_ASSERT_STRING_NOT_EQUAL(x, y);
}

static void reading_the_digest_does_not_end_it(void)
{
	struct digest *digest = digest_new();
	char before[DIGEST_TEXT_BYTES], again[DIGEST_TEXT_BYTES], after[DIGEST_TEXT_BYTES];

	digest_delivery(digest, 1, 1, "a", 1);
	digest_text(digest, before);
	digest_text(digest, again);
	digest_delivery(digest, 1, 1, "b", 1);
	digest_text(digest, after);
	CU_ASSERT_STRING_EQUAL(before, again);
	CU_ASSERT_STRING_NOT_EQUAL(before, after);
	CU_ASSERT_EQUAL(strlen(after), DIGEST_TEXT_BYTES - 1);
	digest_free(digest);
	digest_free(NULL);
}

UNIT_TESTS("digest", UNIT_TEST(a_delivery_is_hashed_as_little_endian_fields_and_its_bytes),
           UNIT_TEST(the_digest_of_nothing_is_that_of_the_empty_input),
           UNIT_TEST(every_field_of_a_delivery_counts), UNIT_TEST(the_order_of_deliveries_counts),
           UNIT_TEST(reading_the_digest_does_not_end_it))
