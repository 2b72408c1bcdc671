/* Runs the tests of one program through CUnit and prints TAP; see harness.h. */
#include "harness.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

static unsigned failed_count;

static void print_failures(CU_pFailureRecord failure)
{
	for (; failure; failure = failure->pNext)
		printf("# %s:%u: %s\n", failure->strFileName, failure->uiLineNumber,
		       failure->strCondition);
}

static void test_complete(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failure)
{
	printf("%s %u - %s: %s\n", failure ? "not ok" : "ok", CU_get_number_of_tests_run(),
	       suite->pName, test->pName);
	if (failure) {
		failed_count++;
		print_failures(failure);
	}
	fflush(stdout);
}

int unit_main(const char *suite_name, const struct unit_test *tests, size_t count, int argc, char **argv)
{
	CU_pSuite suite;
	size_t chosen = 0;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 3;
	suite = CU_add_suite(suite_name, NULL, NULL);
	for (size_t i = 0; suite && i < count; i++) {
		if (argc > 1 && !strstr(tests[i].name, argv[1]))
			continue;
		if (!CU_add_test(suite, tests[i].name, tests[i].run))
			return 3;
		chosen++;
	}
	if (!suite || !chosen) {
		fprintf(stderr, "%s: no test is named so\n", suite_name);
		return 2;
	}
	printf("1..%zu\n", chosen);
	CU_set_test_complete_handler(test_complete);
	if (CU_run_all_tests() != CUE_SUCCESS)
		return 3;
	CU_cleanup_registry();
	return failed_count ? 1 : 0;
}
