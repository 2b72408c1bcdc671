/* Replies beside those before them. */
#include <string.h>

#include "sim/replies.h"
#include "tests/unit/harness.h"

static struct replies *replies;
static struct replies_news news;

/* 'host' gets 'text' in 'step'. */
static void gets(uint32_t host, uint32_t step, const char *text)
{
	const struct replies_key key = {.host = host, .ip = 1, .port = 22, .proto = 6};

	replies_note(replies, &key, step, text, &news);
}

static void the_latest_reply_is_told(void)
{
	replies = replies_new();
	gets(1, 1, "a");
	CU_ASSERT_STRING_EQUAL(news.before, "");
	gets(1, 1, "b");
	CU_ASSERT_STRING_EQUAL(news.before, "a");
	gets(2, 1, "c");
	CU_ASSERT_STRING_EQUAL(news.before, "");
	gets(1, 2, "c");
	CU_ASSERT_STRING_EQUAL(news.before, "b");
	replies_free(replies);
}

static void a_host_moves_once_in_a_step(void)
{
	replies = replies_new();
	gets(1, 1, "a");
	gets(1, 1, "b");
	CU_ASSERT_FALSE(news.known || news.moved);
	/* From b, the latest of the step before. */
	gets(1, 2, "b");
	CU_ASSERT_TRUE(news.known && !news.moved);
	gets(1, 2, "a");
	CU_ASSERT_TRUE(!news.known && news.moved);
	gets(1, 2, "c");
	CU_ASSERT_FALSE(news.known || news.moved);
	gets(1, 3, "c");
	CU_ASSERT_TRUE(news.known && !news.moved);
	gets(1, 4, "d");
	CU_ASSERT_TRUE(news.known && news.moved);
	replies_free(replies);
}

static void services_are_kept_apart(void)
{
	struct replies_key key = {.host = 1, .ip = 1, .port = 22, .proto = 6};

	replies = replies_new();
	replies_note(replies, &key, 1, "a", &news);
	key.port = 80;
	replies_note(replies, &key, 2, "b", &news);
	CU_ASSERT_FALSE(news.known || news.moved);
	key.port = 22;
	key.ip = 2;
	replies_note(replies, &key, 2, "b", &news);
	CU_ASSERT_FALSE(news.known || news.moved);
	key.ip = 1;
	key.proto = 17;
	replies_note(replies, &key, 2, "b", &news);
	CU_ASSERT_FALSE(news.known || news.moved);
	replies_free(replies);
}

static void beyond_the_limit_the_oldest_is_forgotten(void)
{
	replies = replies_new();
	for (uint32_t host = 0; host < REPLIES_MAX; host++)
		gets(host, 1, "a");
	CU_ASSERT_EQUAL(replies_forgotten(replies), 0);
	gets(0, 2, "a");
	gets(REPLIES_MAX, 2, "a");
	CU_ASSERT_EQUAL(replies_forgotten(replies), 1);
	gets(0, 3, "b");
	CU_ASSERT_TRUE(news.moved);
	gets(1, 3, "b");
	CU_ASSERT_FALSE(news.moved);
	replies_free(replies);
}

UNIT_TESTS("replies", UNIT_TEST(the_latest_reply_is_told), UNIT_TEST(a_host_moves_once_in_a_step),
           UNIT_TEST(services_are_kept_apart), UNIT_TEST(beyond_the_limit_the_oldest_is_forgotten))
