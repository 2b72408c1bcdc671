/* The nearest known word. */
#include "tests/unit/harness.h"

#include <string.h>

#include "lib/base/nearest.h"

static const char *const words[] = {"priority", "nw_src", "nw_dst", "tp_src",
                                    "in_port",  "ip",     "tcp",    NULL};

static void expect(const char *word, const char *wanted)
{
	const char *found = nearest(word, words);

	if (!wanted) {
		CU_ASSERT_PTR_NULL(found);
		return;
	}
	CU_ASSERT_FATAL(found != NULL);
	CU_ASSERT_STRING_EQUAL(found, wanted);
}

static void one_letter_wrong_missing_or_too_many_is_near(void)
{
	expect("priorety", "priority");
	expect("prority", "priority");
	expect("prioriity", "priority");
	expect("nw-src", "nw_src");
	expect("inport", "in_port");
}

static void two_letters_in_the_wrong_order_are_one_edit(void)
{
	expect("tpc", "tcp");
	expect("nw_sr", "nw_src");
	expect("pi", "ip");
}

static void capital_letters_do_not_count(void)
{
	expect("TCP", "tcp");
	expect("Priorty", "priority");
}

static void a_word_that_is_far_from_all_has_no_nearest(void)
{
	expect("banana", NULL);
	expect("x", NULL);
	expect("p", NULL); /* all of it would have to change */
	expect("", NULL);
	expect("prxxxxxy", NULL);
}

static void the_nearest_wins_and_the_first_of_several(void)
{
	expect("nw_st", "nw_dst"); /* one edit; nw_src takes two */
	expect("nw_xst", "nw_dst");
	expect("nw_xxx", NULL);
	expect("np_src", "nw_src"); /* as near as tp_src, and before it */
}

static void a_word_of_any_length_is_taken(void)
{
	char word[1000];

	memset(word, 'a', sizeof word - 1);
	word[sizeof word - 1] = '\0';
	expect(word, NULL);
}

UNIT_TESTS("nearest", UNIT_TEST(one_letter_wrong_missing_or_too_many_is_near),
           UNIT_TEST(two_letters_in_the_wrong_order_are_one_edit),
           UNIT_TEST(capital_letters_do_not_count),
           UNIT_TEST(a_word_that_is_far_from_all_has_no_nearest),
           UNIT_TEST(the_nearest_wins_and_the_first_of_several),
           UNIT_TEST(a_word_of_any_length_is_taken))
