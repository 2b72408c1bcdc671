/* Unit tests with CUnit: a test file lists its tests, the harness runs them and prints TAP.
 *
 *     static void a_short_message_is_refused(void) { CU_ASSERT_EQUAL(...); }
 *     UNIT_TESTS("framer", UNIT_TEST(a_short_message_is_refused), ...)
 *
 * Names of tests are sentences. The program exits 0 when all passed and 1 otherwise; an argument runs only
 * the tests whose name contains it. */
#ifndef UNIT_HARNESS_H
#define UNIT_HARNESS_H

#include <CUnit/CUnit.h>

struct unit_test {
	const char *name;
	void (*run)(void);
};

int unit_main(const char *suite, const struct unit_test *tests, size_t count, int argc, char **argv);

#define UNIT_TEST(function) {#function, function}
#define UNIT_TESTS(suite, ...)                                                                     \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		static const struct unit_test tests[] = {__VA_ARGS__};                             \
		return unit_main(suite, tests, sizeof tests / sizeof tests[0], argc, argv);        \
	}

#endif
