/* Complaints about options, as getopt_long() brings them about. */
#include "lib/io/bad_option.h"

#include "tests/unit/harness.h"

static const struct option options[] = {{"verbose", no_argument, NULL, 'v'},
                                        {"seed", required_argument, NULL, 's'},
                                        {"set", required_argument, NULL, 256},
                                        {NULL, 0, NULL, 0}};

/* What is said of the first option of 'word'. */
static const char *complaint(const char *word)
{
	static char buffer[200];
	struct fb_text text = fb_text_make(buffer, sizeof buffer);
	char program[] = "program", copy[100];
	char *argv[] = {program, copy, NULL};
	int result;

	snprintf(copy, sizeof copy, "%s", word);
	optind = 0; /* begin anew */
	opterr = 0;
	result = getopt_long(2, argv, ":vs:", options, NULL);
	bad_option_text(&text, options, result, optopt, argv[optind - 1]);
	return buffer;
}

static void an_unknown_option_brings_the_nearest(void)
{
	CU_ASSERT_STRING_EQUAL(complaint("--sed"), "no option is named '--sed'"
	                                           ": did you mean '--seed'?");
	CU_ASSERT_STRING_EQUAL(complaint("--sete=3"), "no option is named '--sete': did you mean "
	                                              "'--set'?");
	CU_ASSERT_STRING_EQUAL(complaint("--frobnicate"), "no option is named '--frobnicate'");
	CU_ASSERT_STRING_EQUAL(complaint("-x"), "no option is named '-x'");
}

static void one_that_may_be_several_brings_all_of_them(void)
{
	CU_ASSERT_STRING_EQUAL(complaint("--se=3"),
	                       "several options begin with '--se': --seed, --set");
}

static void an_option_that_lacks_its_value_or_has_one_too_many_is_named_in_full(void)
{
	CU_ASSERT_STRING_EQUAL(complaint("--seed"), "--seed needs a value");
	CU_ASSERT_STRING_EQUAL(complaint("-s"), "--seed needs a value");
	CU_ASSERT_STRING_EQUAL(complaint("--set"), "--set needs a value");
	CU_ASSERT_STRING_EQUAL(complaint("--verbose=yes"), "--verbose takes no value");
}

UNIT_TESTS("bad_option", UNIT_TEST(an_unknown_option_brings_the_nearest),
           UNIT_TEST(one_that_may_be_several_brings_all_of_them),
           UNIT_TEST(an_option_that_lacks_its_value_or_has_one_too_many_is_named_in_full))
