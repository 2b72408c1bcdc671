/* Reports: what the writer makes of values, of hostile texts, and at its limits. */
#include "../harness.h"

#include <stdio.h>
#include <string.h>

#include <flowbed/openflow.h>
#include <flowbed/report.h>
#include <flowbed/time.h>

enum { BYTES_MAX = 1 << 16 };

/* What 'text' becomes as a value. */
static bool text_becomes(const char *text, const char *json)
{
	struct fb_report report;
	bool same;

	fb_report_init(&report, BYTES_MAX, 20);
	fb_report_text(&report, NULL, text);
	same = report.text && strcmp(report.text, json) == 0;
	if (!same)
		printf("# %s\n", report.text);
	fb_report_destroy(&report);
	return same;
}

static void every_kind_of_value_is_written(void)
{
	const uint8_t mac[FB_MAC_BYTES] = {2, 0, 0, 0, 0, 0xab};
	struct fb_report r;

	fb_report_init(&r, BYTES_MAX, 20);
	fb_report_begin_map(&r, NULL);
	fb_report_u64(&r, "u64", UINT64_MAX);
	fb_report_bool(&r, "yes", true);
	fb_report_bool(&r, "no", false);
	fb_report_null(&r, "nothing");
	fb_report_text(&r, "text", "s1-eth1");
	fb_report_mac(&r, "mac", mac);
	fb_report_ip(&r, "ip", 0xc0a80201);
	fb_report_dpid(&r, "dpid", 0x2a);
	fb_report_vlan(&r, "vlan", 7);
	fb_report_vlan(&r, "untagged", OFP_VLAN_NONE);
	fb_report_json(&r, "json", "[1]", 3);
	fb_report_end_map(&r);
	CU_ASSERT_STRING_EQUAL(r.text, "{\"u64\":18446744073709551615,\"yes\":true,\"no\":false,"
	                               "\"nothing\":null,\"text\":\"s1-eth1\","
	                               "\"mac\":\"02:00:00:00:00:ab\",\"ip\":\"192.168.2.1\","
	                               "\"dpid\":\"000000000000002a\",\"vlan\":7,\"untagged\":null,"
	                               "\"json\":[1]}");
	CU_ASSERT_EQUAL(r.len, strlen(r.text));
	fb_report_destroy(&r);
}

static void durations_are_seconds_with_milliseconds(void)
{
	struct fb_report r;

	fb_report_init(&r, BYTES_MAX, 20);
	fb_report_begin_plain_list(&r, NULL);
	fb_report_duration(&r, NULL, 0);
	fb_report_duration(&r, NULL, 12 * FB_NS_PER_S + 5 * FB_NS_PER_MS + 999999);
	fb_report_duration(&r, NULL, FB_NEVER - 1);
	fb_report_duration(&r, NULL, FB_NEVER);
	fb_report_age(&r, NULL, FB_NS_PER_S, 3 * FB_NS_PER_S);
	fb_report_age(&r, NULL, 3 * FB_NS_PER_S, FB_NS_PER_S);
	fb_report_end_plain_list(&r);
	CU_ASSERT_STRING_EQUAL(r.text, "[0.000,12.005,18446744073.709,null,2.000,0.000]");
	fb_report_destroy(&r);
}

static void names_become_a_plain_list(void)
{
	struct fb_report r;

	fb_report_init(&r, BYTES_MAX, 0); /* which has no limit */
	fb_report_begin_map(&r, NULL);
	fb_report_names(&r, "some", "1GB_FD,COPPER,0x8000");
	fb_report_names(&r, "none", "0");
	fb_report_names(&r, "empty", "");
	fb_report_end_map(&r);
	CU_ASSERT_STRING_EQUAL(
	        r.text, "{\"some\":[\"1GB_FD\",\"COPPER\",\"0x8000\"],\"none\":[],\"empty\":[]}");
	fb_report_destroy(&r);
}

static void maps_and_lists_nest(void)
{
	struct fb_report r;

	fb_report_init(&r, BYTES_MAX, 20);
	fb_report_begin_map(&r, NULL);
	fb_report_begin_list(&r, "a", 1, 9);
	CU_ASSERT(fb_report_more(&r));
	fb_report_begin_map(&r, NULL);
	fb_report_begin_list(&r, "b", 2, 0);
	CU_ASSERT(fb_report_more(&r));
	fb_report_u64(&r, NULL, 1);
	CU_ASSERT(fb_report_more(&r));
	fb_report_u64(&r, NULL, 2);
	fb_report_end_list(&r);
	fb_report_end_map(&r);
	fb_report_end_list(&r);
	fb_report_begin_map(&r, "c");
	fb_report_end_map(&r);
	fb_report_end_map(&r);
	CU_ASSERT_STRING_EQUAL(r.text, "{\"a\":{\"count\":1,\"limit\":9,\"items\":["
	                               "{\"b\":{\"count\":2,\"limit\":null,\"items\":[1,2],"
	                               "\"shown\":2}}],\"shown\":1},\"c\":{}}");
	fb_report_destroy(&r);
}

static void a_list_shows_as_many_items_as_are_wanted_and_says_how_many_there_are(void)
{
	struct fb_report r;
	int asked = 0;

	fb_report_init(&r, BYTES_MAX, 3);
	fb_report_begin_list(&r, NULL, 1000, 0);
	for (; asked < 1000 && fb_report_more(&r); asked++)
		fb_report_u64(&r, NULL, (uint64_t)asked);
	fb_report_end_list(&r);
	CU_ASSERT_EQUAL(asked, 3);
	CU_ASSERT_STRING_EQUAL(r.text,
	                       "{\"count\":1000,\"limit\":null,\"items\":[0,1,2],\"shown\":3}");
	fb_report_destroy(&r);
}

static void a_list_of_which_nothing_is_wanted_still_says_how_many_there_are(void)
{
	struct fb_report r;

	fb_report_init(&r, BYTES_MAX, 0);
	fb_report_begin_list(&r, NULL, 7, 8);
	CU_ASSERT(!fb_report_more(&r));
	fb_report_end_list(&r);
	CU_ASSERT_STRING_EQUAL(r.text, "{\"count\":7,\"limit\":8,\"items\":[],\"shown\":0}");
	fb_report_destroy(&r);
}

static void quotes_and_control_characters_are_escaped(void)
{
	CU_ASSERT(text_becomes("", "\"\""));
	CU_ASSERT(text_becomes("a\"b\\c/d", "\"a\\\"b\\\\c/d\""));
	CU_ASSERT(text_becomes("\n\t\x1b[31m\x01\x1f\x7f",
	                       "\"\\u000a\\u0009\\u001b[31m\\u0001\\u001f\\u007f\""));
}

static void a_terminals_controls_above_ascii_are_escaped(void)
{
	CU_ASSERT(text_becomes("\xc2\x9b"
	                       "31m\xc2\x80\xc2\xa0",
	                       "\"\\u009b31m\\u0080\xc2\xa0\""));
}

static void utf8_stays_as_it_is(void)
{
	CU_ASSERT(text_becomes("\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa2",
	                       "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xa2\""));
	CU_ASSERT(text_becomes("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf",
	                       "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\""));
}

static void bytes_that_are_no_utf8_are_replaced_one_by_one(void)
{
	CU_ASSERT(text_becomes("a\x80z", "\"a\\ufffdz\""));        /* continuation alone */
	CU_ASSERT(text_becomes("\xc0\xaf", "\"\\ufffd\\ufffd\"")); /* overlong */
	CU_ASSERT(text_becomes("\xe0\x9f\xbf", "\"\\ufffd\\ufffd\\ufffd\"")); /* overlong */
	CU_ASSERT(text_becomes("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"")); /* surrogate */
	CU_ASSERT(text_becomes("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""));
	CU_ASSERT(text_becomes("\xff\xfe", "\"\\ufffd\\ufffd\""));
	CU_ASSERT(text_becomes("\xe2\x82", "\"\\ufffd\\ufffd\"")); /* cut */
	CU_ASSERT(text_becomes("\xe2\x82z", "\"\\ufffd\\ufffdz\""));
	CU_ASSERT(text_becomes("\xf0\x9f\x90", "\"\\ufffd\\ufffd\\ufffd\""));
}

static void keys_are_escaped_like_texts(void)
{
	struct fb_report r;

	fb_report_init(&r, BYTES_MAX, 20);
	fb_report_begin_map(&r, NULL);
	fb_report_u64(&r, "a\"\xff", 1);
	fb_report_end_map(&r);
	CU_ASSERT_STRING_EQUAL(r.text, "{\"a\\\"\\ufffd\":1}");
	fb_report_destroy(&r);
}

static void a_report_grows_to_its_limit_and_not_beyond(void)
{
	struct fb_report r;

	fb_report_init(&r, 10000, 20);
	for (int i = 0; i < 9998; i++)
		fb_report_json(&r, NULL, "1", i == 0); /* then commas */
	CU_ASSERT_EQUAL(r.len, 9998);
	fb_report_json(&r, NULL, "7", 1);
	CU_ASSERT(!r.overflow);
	CU_ASSERT_EQUAL(r.len, 10000);
	CU_ASSERT_EQUAL(r.text[9999], '7');
	fb_report_null(&r, NULL);
	CU_ASSERT(r.overflow);
	CU_ASSERT_EQUAL(r.len, 10000);
	CU_ASSERT_EQUAL(strlen(r.text), 10000);
	fb_report_destroy(&r);
}

static void nothing_follows_what_did_not_fit(void)
{
	struct fb_report r;

	fb_report_init(&r, 8, 20);
	fb_report_text(&r, NULL, "longer than eight");
	CU_ASSERT(r.overflow);
	fb_report_u64(&r, NULL, 1);
	CU_ASSERT(r.len <= 8);
	CU_ASSERT_STRING_EQUAL(r.text, "\"");
	fb_report_begin_list(&r, NULL, 1, 1);
	CU_ASSERT(!fb_report_more(&r));
	fb_report_end_list(&r);
	CU_ASSERT(r.len <= 8);
	fb_report_destroy(&r);
}

static void a_list_ends_before_the_report_is_full(void)
{
	struct fb_report r;
	uint64_t shown = 0;

	fb_report_init(&r, 8000, UINT32_MAX);
	fb_report_begin_list(&r, NULL, UINT32_MAX, 0);
	while (fb_report_more(&r)) {
		fb_report_u64(&r, NULL, 12345678);
		shown++;
	}
	fb_report_end_list(&r);
	CU_ASSERT(!r.overflow);
	CU_ASSERT(shown > 700 && shown < 800);
	CU_ASSERT(r.len <= 7100);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "\"shown\":77"));
	fb_report_destroy(&r);
}

UNIT_TESTS("report_writer", UNIT_TEST(every_kind_of_value_is_written),
           UNIT_TEST(durations_are_seconds_with_milliseconds), UNIT_TEST(names_become_a_plain_list),
           UNIT_TEST(maps_and_lists_nest),
           UNIT_TEST(a_list_shows_as_many_items_as_are_wanted_and_says_how_many_there_are),
           UNIT_TEST(a_list_of_which_nothing_is_wanted_still_says_how_many_there_are),
           UNIT_TEST(quotes_and_control_characters_are_escaped),
           UNIT_TEST(a_terminals_controls_above_ascii_are_escaped), UNIT_TEST(utf8_stays_as_it_is),
           UNIT_TEST(bytes_that_are_no_utf8_are_replaced_one_by_one),
           UNIT_TEST(keys_are_escaped_like_texts),
           UNIT_TEST(a_report_grows_to_its_limit_and_not_beyond),
           UNIT_TEST(nothing_follows_what_did_not_fit),
           UNIT_TEST(a_list_ends_before_the_report_is_full))
