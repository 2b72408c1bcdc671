/* Log lines. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "lib/io/log.h"

static char *written;
static size_t written_len;

static FILE *begin(void)
{
	FILE *stream = open_memstream(&written, &written_len);

	CU_ASSERT_PTR_NOT_NULL_FATAL(stream);
	return stream;
}

static void expect(FILE *stream, const char *wanted)
{
	fclose(stream);
	CU_ASSERT_STRING_EQUAL(written, wanted);
	free(written);
}

static void a_line_has_time_level_program_and_message(void)
{
	FILE *stream = begin();
	struct log log;

	log_init(&log, stream, LOG_LEVEL_INFO, "flowbed");
	log_line(&log, LOG_LEVEL_WARNING, "1.000250", "%d of %s", 3, "s1");
	log_line(&log, LOG_LEVEL_INFO, NULL, "ready");
	log.program = NULL;
	log_line(&log, LOG_LEVEL_ERROR, NULL, "bare");
	CU_ASSERT_EQUAL(log.lost, 0);
	expect(stream, "1.000250 warning flowbed: 3 of s1\ninfo flowbed: ready\nerror bare\n");
}

static void lines_above_the_level_are_not_written(void)
{
	FILE *stream = begin();
	struct log log;

	log_init(&log, stream, LOG_LEVEL_WARNING, NULL);
	CU_ASSERT_TRUE(log_wants(&log, LOG_LEVEL_ERROR));
	CU_ASSERT_FALSE(log_wants(&log, LOG_LEVEL_INFO));
	log_line(&log, LOG_LEVEL_INFO, NULL, "no");
	log_line(&log, LOG_LEVEL_WARNING, NULL, "yes");
	expect(stream, "warning yes\n");
}

static void a_message_cannot_break_its_line(void)
{
	FILE *stream = begin();
	struct log log;

	log_init(&log, stream, LOG_LEVEL_INFO, NULL);
	log_line(&log, LOG_LEVEL_INFO, NULL, "%s", "a\nerror fake\r\x1b[1m\x7f \xc3\xa9");
	expect(stream, "info a?error fake??[1m? \xc3\xa9\n");
}

static void a_long_message_is_cut(void)
{
	char message[3 * LOG_LINE_BYTES];
	FILE *stream = begin();
	struct log log;

	memset(message, 'a', sizeof message - 1);
	message[sizeof message - 1] = '\0';
	log_init(&log, stream, LOG_LEVEL_INFO, NULL);
	log_line(&log, LOG_LEVEL_INFO, NULL, "%s", message);
	fclose(stream);
	CU_ASSERT_EQUAL(written_len, strlen("info ") + LOG_LINE_BYTES - 1 + 1);
	CU_ASSERT_STRING_EQUAL(written + written_len - 5, "a...\n");
	free(written);
}

/* A character that the locale does not have is not what a message should hold, nor is what the
 * stack held before. */
static void a_message_that_cannot_be_formatted_says_so(void)
{
	FILE *stream = begin();
	struct log log;

	log_init(&log, stream, LOG_LEVEL_INFO, NULL);
	log_line(&log, LOG_LEVEL_INFO, NULL, "%d %lc", 5, (wint_t)0xd800);
	expect(stream, "info (a message that cannot be formatted)\n");
}

static void a_line_that_cannot_be_written_is_counted(void)
{
	FILE *full = fopen("/dev/full", "w");
	struct log log;

	CU_ASSERT_PTR_NOT_NULL_FATAL(full);
	log_init(&log, full, LOG_LEVEL_INFO, NULL);
	log_line(&log, LOG_LEVEL_INFO, NULL, "lost");
	CU_ASSERT_EQUAL(log.lost, 1);
	fclose(full);
}

static void levels_are_read_by_name(void)
{
	enum log_level level;

	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		CU_ASSERT_TRUE(log_level_parse(log_level_name((enum log_level)i), &level));
		CU_ASSERT_EQUAL((int)level, i);
	}
	CU_ASSERT_FALSE(log_level_parse("loud", &level));
	CU_ASSERT_FALSE(log_level_parse("", &level));
}

static void times_of_day_are_utc_with_microseconds(void)
{
	char text[LOG_TIME_BYTES];

	log_time_text(text, 0);
	CU_ASSERT_STRING_EQUAL(text, "1970-01-01T00:00:00.000000Z");
	log_time_text(text, UINT64_C(1795243227123456789));
	CU_ASSERT_STRING_EQUAL(text, "2026-11-21T06:40:27.123456Z");
}

UNIT_TESTS("log", UNIT_TEST(a_line_has_time_level_program_and_message),
           UNIT_TEST(lines_above_the_level_are_not_written),
           UNIT_TEST(a_message_cannot_break_its_line), UNIT_TEST(a_long_message_is_cut),
           UNIT_TEST(a_message_that_cannot_be_formatted_says_so),
           UNIT_TEST(a_line_that_cannot_be_written_is_counted), UNIT_TEST(levels_are_read_by_name),
           UNIT_TEST(times_of_day_are_utc_with_microseconds))
