/* Any bytes as a scenario file: the loader tells what is wrong, or gives a model, and never more.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems problems;
	struct scenario *sc;

	problems_init(&problems);
	sc = scenario_load_text((const char *)data, size, "fuzz.yaml", NULL, NULL, &problems);
	if ((sc == NULL) != (problems.count > 0))
		abort();
	for (size_t i = 0; i < problems.count; i++)
		if (!problems.items[i].at.line || !problems.items[i].at.column ||
		    !strchr(problems.items[i].text, ' '))
			abort();
	scenario_free(sc);
	problems_destroy(&problems);
	return 0;
}
