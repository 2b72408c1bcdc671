/* Dumps: what fits what, and what an update changes in a file's text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/dump_update.h"
#include "sim/scenario.h"
#include "tests/unit/harness.h"

#define FITS(pattern, line)    CU_ASSERT_TRUE(dump_line_fits(pattern, line))
#define DIFFERS(pattern, line) CU_ASSERT_FALSE(dump_line_fits(pattern, line))

static void a_line_fits_itself_and_no_other(void)
{
	FITS("priority=10,arp actions=CONTROLLER:65535",
	     "priority=10,arp actions=CONTROLLER:65535");
	DIFFERS("priority=10,arp actions=drop", "priority=10,arp actions=drop ");
	DIFFERS("priority=10,arp actions=drop", "priority=100,arp actions=drop");
	DIFFERS("priority=10", "priority=1");
	DIFFERS("", "x");
	FITS("a  b", "a b");
	DIFFERS("a b", "ab");
}

static void wildcards_fit_what_they_name(void)
{
	FITS("cookie=<cookie>, x", "cookie=0xfb019ba956f80001, x");
	DIFFERS("cookie=<cookie>, x", "cookie=17, x");
	FITS("n_packets=<number>,", "n_packets=17,");
	FITS("cookie=<number>,", "cookie=0xff,");
	DIFFERS("n_packets=<number>,", "n_packets=,");
	FITS("dl_src=<mac>,tp", "dl_src=02:00:00:00:00:0a,tp");
	DIFFERS("dl_src=<mac>,tp", "dl_src=02:00:00:00:00,tp");
	FITS("nw_src=<ip>,tp", "nw_src=192.168.2.1,tp");
	FITS("nw_src=<ip>,tp", "nw_src=192.168.2.0/24,tp");
	DIFFERS("nw_src=<ip>,tp", "nw_src=192.168.2,tp");
	FITS("output:<port>", "output:12");
	FITS("<port>(<any>)", "LOCAL(s1)");
	DIFFERS("output:<port>", "output:");
	FITS("duration=<duration>, t", "duration=1.25s, t");
	FITS("duration=<duration>, t", "duration=60s, t");
	DIFFERS("duration=<duration>, t", "duration=1.25, t");
	FITS("<any>", "");
	FITS("a<any>b<any>c", "axxbyybzzc");
	DIFFERS("a<any>b<any>c", "axxbyy");
}

static void wrong_wildcards_are_found(void)
{
	const char *at;
	size_t len;

	CU_ASSERT_TRUE(dump_line_is_sound("a <any> <mac>", &at, &len));
	CU_ASSERT_FALSE(dump_line_is_sound("a <any> <mak> b", &at, &len));
	CU_ASSERT_EQUAL(len, 5);
	CU_ASSERT_EQUAL(strncmp(at, "<mak>", 5), 0);
	CU_ASSERT_FALSE(dump_line_is_sound("a < b", &at, &len));
	CU_ASSERT_FALSE(dump_line_is_sound("<any>a<any>a<any>a<any>a<any>a<any>a<any>a<any>a<any>",
	                                   &at, &len));
	CU_ASSERT_PTR_NULL(at);
}

static struct scenario_dump dump_of(struct dump_lines *lines, const char *text)
{
	dump_split(lines, text);
	return (struct scenario_dump){.lines = lines->items, .lines_count = lines->count};
}

static bool holds(const char *expected, const char *there)
{
	struct dump_lines lines, got;
	struct scenario_dump dump = dump_of(&lines, expected);
	bool result;

	dump_split(&got, there);
	result = dump_holds(&dump, &got);
	dump_destroy(&lines);
	dump_destroy(&got);
	return result;
}

static void lines_may_stand_in_any_order(void)
{
	CU_ASSERT_TRUE(holds("b\na\n", "a\nb\n"));
	CU_ASSERT_TRUE(holds("\n  a  \n\n b", "a\nb"));
	CU_ASSERT_FALSE(holds("a\na\n", "a\nb\n"));
	CU_ASSERT_FALSE(holds("a\n", "a\na\n"));
	CU_ASSERT_FALSE(holds("a\nb\n", "a\n"));
	CU_ASSERT_TRUE(holds("", ""));
}

/* The first pattern must leave the line to the second that fits nothing else. */
static void each_line_has_a_pattern_of_its_own(void)
{
	CU_ASSERT_TRUE(holds("p=<any>\np=<number>\n", "p=1\np=x\n"));
	CU_ASSERT_TRUE(holds("p=<any>\np=1<any>\np=12\n", "p=12\np=13\np=99\n"));
	CU_ASSERT_FALSE(holds("p=<number>\np=<number>\n", "p=1\np=x\n"));
}

static void a_difference_has_what_is_missing_and_what_is_there(void)
{
	struct dump_lines lines, got;
	struct scenario_dump dump = dump_of(&lines, "same\nold\n");
	char *text;

	dump_split(&got, "new\nsame\n");
	text = dump_diff(&dump, &got);
	CU_ASSERT_STRING_EQUAL(text, "\n    - old\n    + new");
	free(text);
	dump_destroy(&lines);
	dump_destroy(&got);
}

/* --- Updates --- */

static const char *place_of_is(const char *text, struct position *at)
{
	const char *found = strstr(text, "is:");

	*at = (struct position){1, 1};
	for (const char *c = text; c < found; c++) {
		at->column++;
		if (*c == '\n')
			*at = (struct position){at->line + 1, 1};
	}
	return found;
}

/* 'before', whose only dump has the lines 'expected', becomes 'after' where the switch has 'there'. */
static void becomes(const char *before, const char *expected, const char *there, const char *after)
{
	struct dump_lines lines, got;
	struct scenario_dump dump = dump_of(&lines, expected);
	struct dump_change change = {&dump, &got};
	char buffer[300] = "", *text;
	struct fb_text error = fb_text_make(buffer, sizeof buffer);

	CU_ASSERT_PTR_NOT_NULL_FATAL(place_of_is(before, &dump.key_at));
	dump_split(&got, there);
	text = dump_update(before, strlen(before), &change, 1, &error);
	if (!after) {
		CU_ASSERT_PTR_NULL(text);
		CU_ASSERT_TRUE(strlen(buffer) > 0);
	} else {
		CU_ASSERT_PTR_NOT_NULL_FATAL(text);
		CU_ASSERT_STRING_EQUAL(text, after);
		if (strcmp(text, after))
			printf("# wanted:\n%s# got:\n%s", after, text);
	}
	free(text);
	dump_destroy(&lines);
	dump_destroy(&got);
}

static void a_block_changes_only_in_the_lines_that_do_not_fit(void)
{
	becomes("dump:\n  is: |   # golden\n      b=1\n\n      c=2\nnext: x\n", "b=1\nc=2",
	        "b=1\nc=3", "dump:\n  is: |   # golden\n      b=1\n      c=3\nnext: x\n");
	becomes("  is: |\n    a\n    b\n", "a\nb", "a", "  is: |\n    a\n");
	becomes("  is: |\n    a\n", "a", "a\nb", "  is: |\n    a\n    b\n");
	becomes("- is: |\n    a", "a", "b", "- is: |\n    b\n");
	becomes("  is: |\n    a\n# end\n", "a", "", "  is: |\n# end\n");
	becomes("  is: |\n  # none yet\nx: y\n", "", "a", "  is: |\n    a\n  # none yet\nx: y\n");
}

static void kept_lines_keep_their_order_and_new_ones_find_their_place(void)
{
	becomes("  is: |\n    c\n    a\n", "c\na", "a\nb\nc", "  is: |\n    b\n    c\n    a\n");
	becomes("  is: |\n    a\n    c\n", "a\nc", "a\nb\nc", "  is: |\n    a\n    b\n    c\n");
}

static void wildcards_that_fit_stay(void)
{
	becomes("  is: |\n    cookie=<cookie>, tcp,in_port=<port>,tp_dst=80 actions=output:2\n",
	        "cookie=<cookie>, tcp,in_port=<port>,tp_dst=80 actions=output:2",
	        "cookie=0x12, tcp,in_port=1,tp_dst=80 actions=output:3",
	        "  is: |\n    cookie=<cookie>, tcp,in_port=<port>,tp_dst=80 actions=output:3\n");
	becomes("  is: |\n    n=<number>,m=<mac>\n", "n=<number>,m=<mac>",
	        "n=x,m=02:00:00:00:00:01", "  is: |\n    n=x,m=<mac>\n");
}

static void a_list_keeps_quotes_and_comments(void)
{
	becomes("is:\n  - \"a\"   # first\n  - 'b'\nnext: 1\n", "a\nb", "a\nc",
	        "is:\n  - \"a\"   # first\n  - 'c'\nnext: 1\n");
	becomes("  is:\n  - a\n  - b\n", "a\nb", "b", "  is:\n  - b\n");
	becomes("  is:\n    - a\n", "a", "", "  is: []\n");
	becomes("  is: [a, \"b\"]  # why\n", "a\nb", "a", "  is: ['a']  # why\n");
	becomes("x: {flows: s1, is: [a, 'it''s, ]']}\n", "a\nit's, ]", "b",
	        "x: {flows: s1, is: ['b']}\n");
}

static void what_is_not_written_yet_is_written(void)
{
	becomes("  is:\n  other: 1\n", "", "a\nb", "  is: |\n    a\n    b\n  other: 1\n");
	becomes("  is:   # later\n", "", "a", "  is: |   # later\n    a\n");
	becomes("x: {flows: s1, is: }\n", "", "a=1,b=2 c", "x: {flows: s1, is: ['a=1,b=2 c']}\n");
	becomes("x: {is: , flows: s1}\n", "", "a", "x: {is: ['a'], flows: s1}\n");
	becomes("  is:", "", "a", "  is: |\n    a\n");
}

static void one_line_stays_one_line(void)
{
	becomes("  is: \"a\"  # c\nx: y\n", "a", "b", "  is: \"b\"  # c\nx: y\n");
	becomes("  is: a=1 b\n", "a=1 b", "a=2 b", "  is: a=2 b\n");
	becomes("  is: 'a'\nx: y\n", "a", "b\nc", "  is: |\n    b\n    c\nx: y\n");
}

static void what_cannot_be_written_is_refused(void)
{
	becomes("  is: *other\n", "a", "b", NULL);
	becomes("  is: >\n    a\n", "a", "b", NULL);
	becomes("  is: &x |\n    a\n", "a", "b", NULL);
}

static void new_lines_end_as_those_of_the_file(void)
{
	becomes("dump:\r\n  is: |\r\n    a\r\n", "a", "b\nc",
	        "dump:\r\n  is: |\r\n    b\r\n    c\r\n");
	becomes("is:\r\n  - a   # x\r\n  - b\r\n", "a\nb", "a\nc", "is:\r\n  - a   # x\r\n  - c\r\n");
	becomes("  is: 'a'\r\nx: y\r\n", "a", "b\nc", "  is: |\r\n    b\r\n    c\r\nx: y\r\n");
	becomes("x: y\r\nz:\r\n  is:", "", "a", "x: y\r\nz:\r\n  is: |\r\n    a\r\n");
}

static void comments_do_not_say_what_stands_in_braces(void)
{
	becomes("- ports: s1   # as it should be,\n  is: |\n    a\n", "a", "b",
	        "- ports: s1   # as it should be,\n  is: |\n    b\n");
	becomes("# {\n\nis: |\n  a\n", "a", "b", "# {\n\nis: |\n  b\n");
	becomes("{flows: 's1 # ',   # with comment\r\n\r\n # more\r\n is: \"a\",  # c\r\n x: no}\r\n", "a", "b\nc",
	        "{flows: 's1 # ',   # with comment\r\n\r\n # more\r\n is: ['b', 'c'],  # c\r\n x: no}\r\n");
}

static void comments_are_not_lost(void)
{
	becomes("  is: [a,   # one\n    b ]   # end\n", "a\nb", "a", NULL);
	becomes("  is: [a,\n    b ]   # end\n", "a\nb", "a", "  is: ['a']   # end\n");
	becomes("{x: s1, is: [ \"a\",  # it's ] here\n \"b\" ]}\n", "a\nb", "a", NULL);
	becomes("  is: ['a # b', \"it's # c\"]\n", "a # b\nit's # c", "a", "  is: ['a']\n");
	becomes("  is:\n    plain on next line # cc\n", "plain on next line", "a\nb", NULL);
	becomes("  is:\n    \"quoted\" # cc\n", "quoted", "a\nb", NULL);
	becomes("  is:\n    [\"list\"] # cc\n", "list", "a\nb", NULL);
	becomes("  is:\n    plain\nx: y # z\n", "plain", "a\nb", "  is: |\n    a\n    b\nx: y # z\n");
	becomes("  is: |\n      a\n    # less deep\n  # end\n", "a", "b",
	        "  is: |\n      b\n    # less deep\n  # end\n");
}

UNIT_TESTS("dump", UNIT_TEST(a_line_fits_itself_and_no_other),
           UNIT_TEST(wildcards_fit_what_they_name), UNIT_TEST(wrong_wildcards_are_found),
           UNIT_TEST(lines_may_stand_in_any_order), UNIT_TEST(each_line_has_a_pattern_of_its_own),
           UNIT_TEST(a_difference_has_what_is_missing_and_what_is_there),
           UNIT_TEST(a_block_changes_only_in_the_lines_that_do_not_fit),
           UNIT_TEST(kept_lines_keep_their_order_and_new_ones_find_their_place),
           UNIT_TEST(wildcards_that_fit_stay), UNIT_TEST(a_list_keeps_quotes_and_comments),
           UNIT_TEST(what_is_not_written_yet_is_written), UNIT_TEST(one_line_stays_one_line),
           UNIT_TEST(what_cannot_be_written_is_refused),
           UNIT_TEST(new_lines_end_as_those_of_the_file),
           UNIT_TEST(comments_do_not_say_what_stands_in_braces),
           UNIT_TEST(comments_are_not_lost))
