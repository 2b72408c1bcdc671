/* Values as people write them. */
#include <string.h>

#include "lib/base/values.h"
#include "tests/unit/harness.h"

typedef const char *parse_fn(const char *text, uint64_t *out);

static void is(parse_fn *parse, const char *text, uint64_t wanted)
{
	uint64_t value = 0;

	CU_ASSERT_PTR_NULL(parse(text, &value));
	CU_ASSERT_EQUAL(value, wanted);
}

static void is_wrong(parse_fn *parse, const char *text, const char *part_of_answer)
{
	uint64_t value;
	const char *right = parse(text, &value);

	CU_ASSERT_PTR_NOT_NULL_FATAL(right);
	CU_ASSERT_PTR_NOT_NULL(strstr(right, part_of_answer));
}

static void durations_become_nanoseconds(void)
{
	is(values_duration, "200us", 200000);
	is(values_duration, "1.5ms", 1500000);
	is(values_duration, "2s", 2000000000);
	is(values_duration, "2", 2000000000);
	is(values_duration, "0.25", 250000000);
	is(values_duration, "3m", 180000000000);
	is(values_duration, "1h", 3600000000000);
	is(values_duration, "17ns", 17);
	is(values_duration, "0", 0);
	is(values_duration, "5 s", 5000000000);
	is(values_duration, "1.000000001s", 1000000001);
}

static void a_duration_finer_than_a_nanosecond_is_refused(void)
{
	is_wrong(values_duration, "0.5ns", "whole number of nanoseconds");
	is_wrong(values_duration, "1.0000000001s", "whole number of nanoseconds");
	is(values_duration, "1.0000000000s", 1000000000);
}

static void nonsense_is_no_duration(void)
{
	static const char *const texts[] = {"",
	                                    "s",
	                                    "1x",
	                                    "1 2",
	                                    "1.s",
	                                    ".5s",
	                                    "1..5s",
	                                    "-1s",
	                                    "1e9",
	                                    "0x10",
	                                    "1ss",
	                                    "99999999999999999999s",
	                                    "0.0000000000000000000000000001s"};

	for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++)
		is_wrong(values_duration, texts[i], "duration is a number and a unit");
	is_wrong(values_duration, "9999999999999h", "500 years");
}

static void rates_and_sizes_are_decimal_and_binary_units_say_so(void)
{
	is(values_rate, "64kbit", 64000);
	is(values_rate, "100Mbit", 100000000);
	is(values_rate, "1.5Gbit", 1500000000);
	is(values_size, "10MB", 10000000);
	is(values_size, "4MiB", 4194304);
	is(values_size, "0.5kB", 500);
	is(values_size, "1500", 1500);
	is_wrong(values_rate, "100", "number and a unit");
	is_wrong(values_rate, "100MB", "number and a unit");
	is_wrong(values_rate, "0.5bit", "whole number of bits");
	is_wrong(values_size, "1.5", "whole number of bytes");
	is_wrong(values_size, "10mb", "number and a unit");
}

static void shares_become_parts_per_million(void)
{
	is(values_share, "1.5%", 15000);
	is(values_share, "0.0001%", 1);
	is(values_share, "200ppm", 200);
	is(values_share, "100%", 1000000);
	is_wrong(values_share, "100.0001%", "at most 100%");
	is_wrong(values_share, "0.00001%", "parts per million");
	is_wrong(values_share, "0.5", "percentage");
}

static void numbers_are_decimal_or_hexadecimal_and_fit_64_bits(void)
{
	is(values_number, "0", 0);
	is(values_number, "18446744073709551615", UINT64_MAX);
	is(values_number, "0xFf", 255);
	is_wrong(values_number, "18446744073709551616", "64 bits");
	is_wrong(values_number, "0x10000000000000000", "64 bits");
	is_wrong(values_number, "0x", "whole number");
	is_wrong(values_number, "1.0", "whole number");
	is_wrong(values_number, "", "whole number");
	is_wrong(values_number, "+1", "whole number");
}

static void only_a_number_with_a_unit_is_a_size_to_send(void)
{
	CU_ASSERT_TRUE(values_is_size("10MB"));
	CU_ASSERT_TRUE(values_is_size("99999999999999999999999TB") == false);
	CU_ASSERT_FALSE(values_is_size("10"));
	CU_ASSERT_FALSE(values_is_size("10MB of data"));
	CU_ASSERT_FALSE(values_is_size("hello"));
}

static void yes_and_no_have_several_words(void)
{
	bool value = false;

	CU_ASSERT_PTR_NULL(values_bool("yes", &value));
	CU_ASSERT_TRUE(value);
	CU_ASSERT_PTR_NULL(values_bool("off", &value));
	CU_ASSERT_FALSE(value);
	CU_ASSERT_PTR_NOT_NULL(values_bool("Yes!", &value));
}

UNIT_TESTS("values", UNIT_TEST(durations_become_nanoseconds),
           UNIT_TEST(a_duration_finer_than_a_nanosecond_is_refused),
           UNIT_TEST(nonsense_is_no_duration),
           UNIT_TEST(rates_and_sizes_are_decimal_and_binary_units_say_so),
           UNIT_TEST(shares_become_parts_per_million),
           UNIT_TEST(numbers_are_decimal_or_hexadecimal_and_fit_64_bits),
           UNIT_TEST(only_a_number_with_a_unit_is_a_size_to_send),
           UNIT_TEST(yes_and_no_have_several_words))
