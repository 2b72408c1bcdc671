/* Tests of the Internet checksum: against a plain implementation, and its incremental update
 * against recomputation. */
#include <flowbed/packet.h>

#include "lib/base/rng.h"
#include "tests/unit/harness.h"

/* RFC 1071 word by word, with nothing clever in it. */
static uint16_t plain_checksum(const uint8_t *data, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void fill(struct rng *rng, uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)rng_next(rng);
}

static void the_example_of_rfc_1071_comes_out(void)
{
	static const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	CU_ASSERT_EQUAL(fb_checksum_finish(fb_checksum_add(0, data, sizeof data)),
			(uint16_t)~0xddf2);
}

static void nothing_sums_to_zero(void)
{
	static const uint8_t zeroes[100];

	CU_ASSERT_EQUAL(fb_checksum_add(0, NULL, 0), 0);
	CU_ASSERT_EQUAL(fb_checksum_add(0, zeroes, sizeof zeroes), 0);
	CU_ASSERT_EQUAL(fb_checksum_finish(0), 0xffff);
}

static void every_length_and_alignment_agrees_with_the_plain_sum(void)
{
	uint8_t data[300];
	struct rng rng;

	rng_init(&rng, 1, "lengths");
	fill(&rng, data, sizeof data);
	for (size_t start = 0; start < 9; start++)
		for (size_t len = 0; len <= sizeof data - start; len++)
			CU_ASSERT_EQUAL(fb_checksum_finish(fb_checksum_add(0, data + start, len)),
					plain_checksum(data + start, len));
}

static void the_longest_frame_of_ones_does_not_overflow(void)
{
	static uint8_t data[FB_FRAME_BYTES_MAX];

	memset(data, 0xff, sizeof data);
	CU_ASSERT_EQUAL(fb_checksum_finish(fb_checksum_add(0, data, sizeof data)),
			plain_checksum(data, sizeof data));
	CU_ASSERT_EQUAL(fb_checksum_finish(UINT64_MAX), 0);
}

static void a_running_sum_of_any_size_folds_to_its_remainder(void)
{
	struct rng rng;
	uint64_t sum;

	rng_init(&rng, 1, "folding");
	for (unsigned i = 0; i < 100000; i++) {
		sum = (rng_next(&rng) | rng_next(&rng) | rng_next(&rng) | 1) >> rng_below(&rng, 32);
		CU_ASSERT_EQUAL(fb_checksum_finish(sum), 0xffff - (sum - 1) % 0xffff - 1);
	}
}

static void a_sum_in_parts_is_the_sum_of_the_whole(void)
{
	uint8_t data[256];
	struct rng rng;
	uint64_t sum;
	size_t cut;

	rng_init(&rng, 1, "parts");
	for (unsigned i = 0; i < 1000; i++) {
		fill(&rng, data, sizeof data);
		cut = rng_below(&rng, 128) * 2;
		sum = fb_checksum_add(0, data, cut);
		sum = fb_checksum_add(sum, data + cut, sizeof data - 1 - cut);
		CU_ASSERT_EQUAL(fb_checksum_finish(sum), plain_checksum(data, sizeof data - 1));
	}
}

static void the_pseudo_header_counts_as_if_it_were_there(void)
{
	uint8_t pseudo[12] = {0};
	struct rng rng;
	uint32_t src, dst, len;
	uint8_t proto;

	rng_init(&rng, 1, "pseudo");
	for (unsigned i = 0; i < 1000; i++) {
		src = (uint32_t)rng_next(&rng);
		dst = (uint32_t)rng_next(&rng);
		len = (uint32_t)rng_below(&rng, 65536);
		proto = (uint8_t)rng_next(&rng);
		fb_set32(pseudo, src);
		fb_set32(pseudo + 4, dst);
		pseudo[9] = proto;
		fb_set16(pseudo + 10, (uint16_t)len);
		CU_ASSERT_EQUAL(fb_checksum_finish(fb_checksum_pseudo(src, dst, proto, len)),
				plain_checksum(pseudo, sizeof pseudo));
	}
}

/* A value of 'bits' bits that is often one of the corners. */
static uint32_t corner(struct rng *rng, unsigned bits)
{
	uint32_t all = bits == 32 ? UINT32_MAX : (UINT32_C(1) << bits) - 1;

	switch (rng_below(rng, 4)) {
	case 0:
		return 0;
	case 1:
		return all;
	case 2:
		return all << bits / 2 & all;
	default:
		return (uint32_t)rng_next(rng) & all;
	}
}

static void a_16_bit_update_equals_recomputation(void)
{
	uint8_t data[12];
	struct rng rng;
	uint16_t check, value;

	rng_init(&rng, 1, "update16");
	for (unsigned i = 0; i < 100000; i++) {
		for (size_t at = 0; at < sizeof data; at += 2)
			fb_set16(data + at, (uint16_t)corner(&rng, 16));
		data[11] |= 1; /* never all zero: no header is, and only then 0 and 0xffff would
				  differ */
		check = plain_checksum(data, sizeof data);
		value = (uint16_t)corner(&rng, 16);
		check = fb_checksum_update16(check, fb_get16(data + 4), value);
		fb_set16(data + 4, value);
		CU_ASSERT_EQUAL(check, plain_checksum(data, sizeof data));
	}
}

static void a_32_bit_update_equals_recomputation(void)
{
	uint8_t data[12];
	struct rng rng;
	uint16_t check;
	uint32_t value;

	rng_init(&rng, 1, "update32");
	for (unsigned i = 0; i < 100000; i++) {
		for (size_t at = 0; at < sizeof data; at += 4)
			fb_set32(data + at, corner(&rng, 32));
		data[11] |= 1;
		check = plain_checksum(data, sizeof data);
		value = corner(&rng, 32);
		check = fb_checksum_update32(check, fb_get32(data + 4), value);
		fb_set32(data + 4, value);
		CU_ASSERT_EQUAL(check, plain_checksum(data, sizeof data));
	}
}

/* RFC 1624 section 4: the checksum that the method of RFC 1141 gets wrong. */
static void the_corner_of_rfc_1624_comes_out_as_zero(void)
{
	CU_ASSERT_EQUAL(fb_checksum_update16(0xdd2f, 0x5555, 0x3285), 0x0000);
}

static void an_update_keeps_the_error_of_a_wrong_checksum(void)
{
	uint8_t data[8] = {0x45, 1, 2, 3, 4, 5, 6, 7};
	uint16_t wrong = (uint16_t)(plain_checksum(data, sizeof data) + 0x101);

	wrong = fb_checksum_update16(wrong, fb_get16(data + 2), 0xfffe);
	fb_set16(data + 2, 0xfffe);
	CU_ASSERT_EQUAL(wrong, (uint16_t)(plain_checksum(data, sizeof data) + 0x101));
}

UNIT_TESTS("checksum", UNIT_TEST(the_example_of_rfc_1071_comes_out),
	   UNIT_TEST(nothing_sums_to_zero),
	   UNIT_TEST(every_length_and_alignment_agrees_with_the_plain_sum),
	   UNIT_TEST(the_longest_frame_of_ones_does_not_overflow),
	   UNIT_TEST(a_running_sum_of_any_size_folds_to_its_remainder),
	   UNIT_TEST(a_sum_in_parts_is_the_sum_of_the_whole),
	   UNIT_TEST(the_pseudo_header_counts_as_if_it_were_there),
	   UNIT_TEST(a_16_bit_update_equals_recomputation),
	   UNIT_TEST(a_32_bit_update_equals_recomputation),
	   UNIT_TEST(the_corner_of_rfc_1624_comes_out_as_zero),
	   UNIT_TEST(an_update_keeps_the_error_of_a_wrong_checksum))
