/* Reports are read as they are written. */
#include <stdlib.h>
#include <string.h>

#include <flowbed/report.h>

#include "sim/json.h"
#include "tests/unit/harness.h"

static struct json all(const char *text)
{
	return (struct json){text, strlen(text)};
}

static bool is(struct json value, const char *text)
{
	return value.len == strlen(text) && !memcmp(value.text, text, value.len);
}

static void members_are_found_by_their_names(void)
{
	const struct json map = all("{\"a\": 1, \"b\":{\"c\": [1, {\"d\": 2}], \"a\": 3},"
	                            " \"e, f\": \"x: {\", \"g\": null, \"ab\": true}");
	struct json value;

	CU_ASSERT_TRUE(json_member(map, "a", &value) && is(value, "1"));
	CU_ASSERT_TRUE(json_member(map, "e, f", &value) && is(value, "\"x: {\""));
	CU_ASSERT_TRUE(json_member(map, "g", &value) && is(value, "null"));
	CU_ASSERT_TRUE(json_member(map, "ab", &value) && is(value, "true"));
	CU_ASSERT_FALSE(json_member(map, "c", &value));
	CU_ASSERT_FALSE(json_member(map, "x", &value));
	CU_ASSERT_TRUE(json_member(map, "b", &value));
	CU_ASSERT_TRUE(json_member(value, "a", &value) && is(value, "3"));
	CU_ASSERT_TRUE(json_member(all("{\"ab\": 1, \"a\": 2}"), "a", &value) && is(value, "2"));
	CU_ASSERT_FALSE(json_member(all("{}"), "a", &value));
	CU_ASSERT_FALSE(json_member(all("[\"a\", 1]"), "a", &value));
	CU_ASSERT_FALSE(json_member(all(""), "a", &value));
}

static void items_come_in_order(void)
{
	const struct json list = all("[1, [2, 3], {\"a\": [4]}, \"5, 6\" ]");
	static const char *const wanted[] = {"1", "[2, 3]", "{\"a\": [4]}", "\"5, 6\""};
	struct json item;
	size_t offset = 0, count = 0;

	while (json_item(list, &offset, &item)) {
		CU_ASSERT_TRUE_FATAL(count < 4);
		CU_ASSERT_TRUE(is(item, wanted[count]));
		count++;
	}
	CU_ASSERT_EQUAL(count, 4);
	offset = 0;
	CU_ASSERT_FALSE(json_item(all("[]"), &offset, &item));
	offset = 0;
	CU_ASSERT_FALSE(json_item(all("{\"a\": 1}"), &offset, &item));
}

static void numbers_are_whole(void)
{
	uint64_t number;

	CU_ASSERT_TRUE(json_number(all("0"), &number) && number == 0);
	CU_ASSERT_TRUE(json_number(all("18446744073709551615"), &number) && number == UINT64_MAX);
	CU_ASSERT_FALSE(json_number(all("18446744073709551616"), &number));
	CU_ASSERT_FALSE(json_number(all("1.5"), &number));
	CU_ASSERT_FALSE(json_number(all("null"), &number));
	CU_ASSERT_FALSE(json_number(all(""), &number));
}

static void texts_are_cut_where_they_do_not_fit(void)
{
	char text[4];

	CU_ASSERT_TRUE(json_text(all("\"abc\""), text, sizeof text));
	CU_ASSERT_STRING_EQUAL(text, "abc");
	CU_ASSERT_TRUE(json_text(all("\"abcdef\""), text, sizeof text));
	CU_ASSERT_STRING_EQUAL(text, "abc");
	CU_ASSERT_FALSE(json_text(all("12"), text, sizeof text));
	CU_ASSERT_FALSE(json_text(all("\""), text, sizeof text));
}

static void what_is_cut_is_not_read_beyond(void)
{
	static const char whole[] = "{\"a\": [1, {\"b\\\"\": \"c\"}], \"d\": 7}";

	for (size_t len = 0; len < sizeof whole; len++) {
		char *cut = malloc(len + 1);
		struct json map = {cut, len}, value, item;
		size_t offset = 0;

		memcpy(cut, whole, len);
		json_member(map, "d", &value);
		if (json_member(map, "a", &value))
			while (json_item(value, &offset, &item))
				json_member(item, "b", &item);
		free(cut);
	}
	CU_PASS("nothing was read that is not there");
}

static void a_report_is_read_as_it_was_written(void)
{
	struct fb_report report;
	struct json map, value, list = {0}, item;
	size_t offset = 0;
	uint64_t number = 0;
	char text[20];

	fb_report_init(&report, 10000, 10);
	fb_report_begin_map(&report, NULL);
	fb_report_text(&report, "odd", "a \"quoted\" \\ one");
	fb_report_duration(&report, "age_s", 1500 * UINT64_C(1000000));
	fb_report_begin_list(&report, "things", 2, 0);
	CU_ASSERT_TRUE(fb_report_more(&report));
	fb_report_begin_map(&report, NULL);
	fb_report_u64(&report, "n", 41);
	fb_report_end_map(&report);
	CU_ASSERT_TRUE(fb_report_more(&report));
	fb_report_begin_map(&report, NULL);
	fb_report_ip(&report, "ip", 0x0a000001);
	fb_report_end_map(&report);
	fb_report_end_list(&report);
	fb_report_u64(&report, "last", 42);
	fb_report_end_map(&report);
	map = (struct json){report.text, report.len};
	CU_ASSERT_TRUE(json_member(map, "last", &value) && json_number(value, &number));
	CU_ASSERT_EQUAL(number, 42);
	CU_ASSERT_TRUE(json_member(map, "things", &value) && json_member(value, "items", &list));
	CU_ASSERT_TRUE(json_item(list, &offset, &item) && json_member(item, "n", &value));
	CU_ASSERT_TRUE(json_number(value, &number) && number == 41);
	CU_ASSERT_TRUE(json_item(list, &offset, &item) && json_member(item, "ip", &value));
	CU_ASSERT_TRUE(json_text(value, text, sizeof text));
	CU_ASSERT_STRING_EQUAL(text, "10.0.0.1");
	CU_ASSERT_FALSE(json_item(list, &offset, &item));
	fb_report_destroy(&report);
}

UNIT_TESTS("json", UNIT_TEST(members_are_found_by_their_names), UNIT_TEST(items_come_in_order),
           UNIT_TEST(numbers_are_whole), UNIT_TEST(texts_are_cut_where_they_do_not_fit),
           UNIT_TEST(what_is_cut_is_not_read_beyond), UNIT_TEST(a_report_is_read_as_it_was_written))
