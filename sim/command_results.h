/* What 'flowbed run' gives to programs: the options that ask for it, and when each is written. TAP and
 * annotations come with each file as it ends, JUnit XML and JSON when all have ended, as files that are
 * complete or not there. See results.h. */
#ifndef SIM_COMMAND_RESULTS_H
#define SIM_COMMAND_RESULTS_H

#include "sim/results.h"

struct command_results {
	bool tap, annotations;
	const char *junit, *json; /* paths, "-": standard output; NULL: not wanted */

	struct results results;
};

/* Before anything runs, for so many files. EXIT_HELD; or, after telling why it cannot be as the options
 * ask, EXIT_WRONG_INPUT, or EXIT_INTERNAL where a file cannot be written. */
int command_results_begin(struct command_results *wanted, size_t files_count);
/* Standard output is for programs: nothing else may be written there. */
bool command_results_own_output(const struct command_results *wanted);
/* The latest file of 'results' is complete. */
void command_results_tell(struct command_results *wanted);
/* All have run. False after telling what could not be written. Frees everything. */
bool command_results_end(struct command_results *wanted);

#endif
