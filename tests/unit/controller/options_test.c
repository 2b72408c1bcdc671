/* Options of applications: what is taken, and what is said about what is not. */
#include "tests/unit/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/controller.h"
#include "controller/controller_report.h"
#include "controller/core.h"

static const char *const modes[] = {"packet", "flows", NULL};

static const struct fb_option options[] = {
        {.name = "count", .type = FB_OPTION_INTEGER, .default_text = "7", .min = 1, .max = 100},
        {.name = "mac_idle",
         .type = FB_OPTION_DURATION,
         .default_text = "300s",
         .min = FB_NS_PER_MS,
         .max = 3600 * FB_NS_PER_S},
        {.name = "verbose", .type = FB_OPTION_BOOL, .default_text = "no"},
        {.name = "mode", .type = FB_OPTION_CHOICE, .default_text = "flows", .choices = modes},
        {.name = "total", .type = FB_OPTION_INTEGER, .default_text = "0", .max = UINT64_MAX},
        {.name = "wait", .type = FB_OPTION_DURATION, .default_text = "0", .max = UINT64_MAX},
};

enum { COUNT, MAC_IDLE, VERBOSE, MODE, TOTAL, WAIT, OPTIONS };

static const struct fb_app_class cls = {
        .name = "app", .options = options, .options_count = OPTIONS};

static uint64_t values[OPTIONS];
static char texts[8192];
static char error[512];

static int parse(const char *text)
{
	struct fb_text t = fb_text_make(error, sizeof error);

	memset(values, 0xff, sizeof values);
	return app_options_parse(&cls, text, texts, values, &t);
}

/* 'text' is refused and the error is exactly 'expected'. */
static bool refused(const char *text, const char *expected)
{
	if (parse(text) == 0 || strcmp(error, expected) != 0) {
		fprintf(stderr, "%s: %s\n", text, error);
		return false;
	}
	return true;
}

static void defaults_fill_what_is_not_said(void)
{
	CU_ASSERT_EQUAL(parse(""), 0);
	CU_ASSERT_EQUAL(values[COUNT], 7);
	CU_ASSERT_EQUAL(values[MAC_IDLE], 300 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(values[VERBOSE], 0);
	CU_ASSERT_EQUAL(values[MODE], 1);
	CU_ASSERT_EQUAL(parse(NULL), 0);
	CU_ASSERT_EQUAL(values[COUNT], 7);
	CU_ASSERT_EQUAL(parse("mode=packet,count=100"), 0);
	CU_ASSERT_EQUAL(values[COUNT], 100);
	CU_ASSERT_EQUAL(values[MODE], 0);
	CU_ASSERT_EQUAL(values[MAC_IDLE], 300 * FB_NS_PER_S);
}

static void durations_have_units_and_fractions(void)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} cases[] = {
	        {"wait=250ms", 250 * FB_NS_PER_MS},
	        {"wait=5s", 5 * FB_NS_PER_S},
	        {"wait=2m", 120 * FB_NS_PER_S},
	        {"wait=2min", 120 * FB_NS_PER_S},
	        {"wait=1h", 3600 * FB_NS_PER_S},
	        {"wait=30", 30 * FB_NS_PER_S},
	        {"wait=0", 0},
	        {"wait=7us", 7000},
	        {"wait=9ns", 9},
	        {"wait=0.5s", 500 * FB_NS_PER_MS},
	        {"wait=1.000000001", FB_NS_PER_S + 1},
	        {"wait=1.5m", 90 * FB_NS_PER_S},
	        {"wait=0.25h", 900 * FB_NS_PER_S},
	        {"wait=1.00000000000000", FB_NS_PER_S},
	        {"wait=18446744072s", 18446744072 * FB_NS_PER_S},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CU_ASSERT_EQUAL(parse(cases[i].text), 0);
		CU_ASSERT_EQUAL(values[WAIT], cases[i].ns);
	}
}

static void what_is_no_duration_is_refused(void)
{
	static const char *const cases[] = {
	        "wait=",
	        "wait=s",
	        "wait=-1",
	        "wait=1x",
	        "wait=1.",
	        "wait=.5",
	        "wait=1.2.3",
	        "wait=1.0000000001",
	        "wait=1.00000000001",
	        "wait=0.05ns",
	        "wait=0.000000000000000000001h",
	        "wait=0.5ns",
	        "wait=18446744073709551616",
	        "wait=99999999999999h",
	        "wait=1e3",
	        "wait=1S",
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		CU_ASSERT_EQUAL(parse(cases[i]), -1);
	CU_ASSERT(refused(
	        "mac_idle=5x",
	        "app: mac_idle=5x: expected a duration like 250ms, 5s, 2m or 1h, 1ms to 1h"));
	CU_ASSERT(refused(
	        "mac_idle=2h",
	        "app: mac_idle=2h: expected a duration like 250ms, 5s, 2m or 1h, 1ms to 1h"));
	CU_ASSERT(
	        refused("wait=x",
	                "app: wait=x: expected a duration like 250ms, 5s, 2m or 1h, at least 0s"));
}

static void integers_stay_in_their_range(void)
{
	CU_ASSERT_EQUAL(parse("total=18446744073709551615"), 0);
	CU_ASSERT_EQUAL(values[TOTAL], UINT64_MAX);
	CU_ASSERT_EQUAL(parse("total=18446744073709551616"), -1);
	CU_ASSERT_EQUAL(parse("total=0x10"), -1);
	CU_ASSERT_EQUAL(parse("total= 1"), -1);
	CU_ASSERT_EQUAL(parse("total=+1"), -1);
	CU_ASSERT(refused("count=101", "app: count=101: expected a whole number, 1 to 100"));
	CU_ASSERT(refused("count=0", "app: count=0: expected a whole number, 1 to 100"));
	CU_ASSERT(refused("count=", "app: count=: expected a whole number, 1 to 100"));
}

static void words_for_yes_and_no_are_known(void)
{
	static const char *const yes[] = {"verbose=true", "verbose=yes", "verbose=on", "verbose=1"};
	static const char *const no[] = {"verbose=false", "verbose=no", "verbose=off", "verbose=0"};

	for (size_t i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(parse(yes[i]), 0);
		CU_ASSERT_EQUAL(values[VERBOSE], 1);
		CU_ASSERT_EQUAL(parse(no[i]), 0);
		CU_ASSERT_EQUAL(values[VERBOSE], 0);
	}
	CU_ASSERT(refused("verbose=maybe", "app: verbose=maybe: expected true or false"));
}

static void an_unknown_option_is_refused_with_the_nearest_known_one(void)
{
	CU_ASSERT(
	        refused("mac_idel=5s", "app: unknown option 'mac_idel', did you mean 'mac_idle'?"));
	CU_ASSERT(refused("colour=red", "app: unknown option 'colour', known are count, mac_idle, "
	                                "verbose, mode, total or wait"));
	CU_ASSERT(refused("mode=flow",
	                  "app: mode=flow: expected packet or flows (did you mean flows?)"));
	CU_ASSERT(refused("mode=nothing", "app: mode=nothing: expected packet or flows"));
}

static void a_class_without_options_takes_none(void)
{
	static const struct fb_app_class plain = {.name = "plain"};
	struct fb_text t = fb_text_make(error, sizeof error);

	CU_ASSERT_EQUAL(app_options_parse(&plain, "a=1", texts, NULL, &t), -1);
	CU_ASSERT_STRING_EQUAL(error, "plain: unknown option 'a': it has no options");
	CU_ASSERT_EQUAL(app_options_parse(&plain, "", texts, NULL, &t), 0);
}

static void an_option_twice_or_without_value_is_refused(void)
{
	CU_ASSERT(refused("count=1,count=1", "app: count is given twice"));
	CU_ASSERT(refused("count=7,mode=flows,count=7", "app: count is given twice"));
	CU_ASSERT(refused("verbose", "app: verbose needs a value: true or false"));
	CU_ASSERT(refused("count=1,", "app: expected another NAME=VALUE after the last comma"));
	CU_ASSERT(refused(",count=1", "app: expected NAME=VALUE[,NAME=VALUE...]"));
	CU_ASSERT(refused("count=1,,mode=flows", "app: expected NAME=VALUE[,NAME=VALUE...]"));
	CU_ASSERT(refused(
	        "=1",
	        "app: unknown option '', known are count, mac_idle, verbose, mode, total or wait"));
}

/* --- Texts --- */

static const struct fb_option text_options[] = {
        {.name = "addresses", .type = FB_OPTION_TEXT, .default_text = "", .max = 20},
        {.name = "file", .type = FB_OPTION_TEXT, .default_text = "none", .max = 4000},
        {.name = "count", .type = FB_OPTION_INTEGER, .default_text = "7", .max = 100},
};

enum { ADDRESSES, FILE_NAME, TEXT_OPTIONS = 3 };

static char kept_text[2][32];

/* Texts are valid here, whatever becomes of what the user wrote. */
static void *texts_create(struct fb_app *app, const uint64_t *given, struct fb_text *why)
{
	(void)app;
	(void)why;
	snprintf(kept_text[0], sizeof kept_text[0], "%s", fb_option_text(given[ADDRESSES]));
	snprintf(kept_text[1], sizeof kept_text[1], "%s", fb_option_text(given[FILE_NAME]));
	return kept_text;
}

static const struct fb_app_class text_cls = {
        .name = "texts",
        .summary = "takes texts",
        .options = text_options,
        .options_count = TEXT_OPTIONS,
        .create = texts_create,
};

static int parse_texts(const char *text)
{
	struct fb_text t = fb_text_make(error, sizeof error);

	memset(values, 0xff, sizeof values);
	memset(texts, 'x', sizeof texts);
	return app_options_parse(&text_cls, text, texts, values, &t);
}

static void texts_are_taken_as_they_are(void)
{
	static const struct {
		const char *text, *addresses, *file;
	} cases[] = {
	        {NULL, "", "none"},
	        {"", "", "none"},
	        {"addresses=192.168.2.2:80", "192.168.2.2:80", "none"},
	        {"addresses=,file=", "", ""},
	        {"addresses=a=b=c,file==", "a=b=c", "="},
	        {"file=a b;c \"d\"/\xc3\xa4,addresses= x ", " x ", "a b;c \"d\"/\xc3\xa4"},
	        {"file=x,count=3,addresses=y", "y", "x"},
	        {"addresses=12345678901234567890", "12345678901234567890", "none"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CU_ASSERT_EQUAL_FATAL(parse_texts(cases[i].text), 0);
		CU_ASSERT_STRING_EQUAL(fb_option_text(values[ADDRESSES]), cases[i].addresses);
		CU_ASSERT_STRING_EQUAL(fb_option_text(values[FILE_NAME]), cases[i].file);
	}
}

static void a_text_has_a_length_at_most(void)
{
	static char text[5000];

	CU_ASSERT_EQUAL(parse_texts("addresses=123456789012345678901"), -1);
	CU_ASSERT_STRING_EQUAL(error, "texts: addresses=123456789012345678901: expected a text of "
	                              "at most 20 characters, without comma");
	/* A long one is not told whole: what would be right stands behind it. */
	memset(text, 'n', sizeof text - 1);
	memcpy(text, "addresses=", 10);
	text[4000] = '\0';
	CU_ASSERT_EQUAL(parse_texts(text), -1);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "nnn...: expected a text of at most 20 characters"));
	memcpy(text, "file=", 5);
	CU_ASSERT_EQUAL(parse_texts(text), 0);
	CU_ASSERT_EQUAL(strlen(fb_option_text(values[FILE_NAME])), 3995);
	text[4000] = 'n';
	text[4096] = '\0';
	CU_ASSERT_EQUAL(parse_texts(text), -1);
}

/* The controller keeps them for as long as the instance lives: they are told later. */
static void texts_outlive_what_the_user_wrote(void)
{
	struct controller_config config;
	struct controller *ctl;
	struct fb_text why = fb_text_make(error, sizeof error);
	struct fb_report report;
	char *written = strdup("file=services,addresses=192.168.2.2");

	controller_config_default(&config);
	ctl = controller_new(&config, &(struct controller_ops){0});
	CU_ASSERT_EQUAL_FATAL(controller_add_app(ctl, &text_cls, written, &why), 0);
	CU_ASSERT_STRING_EQUAL(kept_text[0], "192.168.2.2");
	CU_ASSERT_STRING_EQUAL(kept_text[1], "services");
	memset(written, '?', strlen(written));
	free(written);
	fb_report_init(&report, 4096, 0);
	fb_report_begin_map(&report, NULL);
	controller_report_app(ctl, 0, &report);
	fb_report_end_map(&report);
	CU_ASSERT_PTR_NOT_NULL(strstr(
	        report.text, "{\"addresses\":\"192.168.2.2\",\"file\":\"services\",\"count\":7}"));
	fb_report_destroy(&report);
	controller_free(ctl);
}

UNIT_TESTS("options", UNIT_TEST(defaults_fill_what_is_not_said),
           UNIT_TEST(durations_have_units_and_fractions), UNIT_TEST(what_is_no_duration_is_refused),
           UNIT_TEST(integers_stay_in_their_range), UNIT_TEST(words_for_yes_and_no_are_known),
           UNIT_TEST(an_unknown_option_is_refused_with_the_nearest_known_one),
           UNIT_TEST(a_class_without_options_takes_none),
           UNIT_TEST(an_option_twice_or_without_value_is_refused),
           UNIT_TEST(texts_are_taken_as_they_are), UNIT_TEST(a_text_has_a_length_at_most),
           UNIT_TEST(texts_outlive_what_the_user_wrote))
