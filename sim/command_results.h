/* What run, sweep and mutate give to programs: the options that ask for it, and when each is written. TAP
 * and annotations come with each file as it ends, JUnit XML and JSON when all have ended, as files that are
 * complete or not there. See results.h. */
#ifndef SIM_COMMAND_RESULTS_H
#define SIM_COMMAND_RESULTS_H

#include <getopt.h>

#include "sim/results.h"

/* The options, for getopt_long() and for the help of a command. */
enum {
	COMMAND_RESULTS_TAP = 512,
	COMMAND_RESULTS_JUNIT,
	COMMAND_RESULTS_JSON,
	COMMAND_RESULTS_ANNOTATIONS,
};
#define COMMAND_RESULTS_OPTIONS                                                                    \
	{"tap", no_argument, NULL, COMMAND_RESULTS_TAP},                                           \
	        {"junit", required_argument, NULL, COMMAND_RESULTS_JUNIT},                         \
	        {"json", required_argument, NULL, COMMAND_RESULTS_JSON},                           \
	{                                                                                          \
		"annotations", no_argument, NULL, COMMAND_RESULTS_ANNOTATIONS                      \
	}
#define COMMAND_RESULTS_HELP                                                                       \
	"      --tap               results as TAP version 13 on standard output, in place of the " \
	"report\n"                                                                                 \
	"      --junit FILE        results as JUnit XML to FILE ('-' is standard output)\n"        \
	"      --json FILE         results as JSON to FILE ('-' is standard output)\n"             \
	"      --annotations       failures as annotations of GitHub; without saying so where "    \
	"GITHUB_ACTIONS=true\n"

struct command_results {
	bool tap, annotations;
	const char *junit, *json; /* paths, "-": standard output; NULL: not wanted */

	struct results results;
};

/* Take one of these options, whose value is 'text'; false where 'option' is another. */
bool command_results_take(struct command_results *wanted, int option, const char *text);
/* Before anything runs of 'files', which are never written to. EXIT_HELD; or, after telling why it cannot be as the options ask, EXIT_WRONG_INPUT, or
 * EXIT_INTERNAL where a file cannot be written. */
int command_results_begin(struct command_results *wanted, const char *command, char *const *files,
                          size_t files_count);
/* Then, once it is known of how many files there will be results. */
void command_results_plan(const struct command_results *wanted, size_t files_count);
/* Load all of 'paths'; NULL when there are mistakes, which people and programs have then been told. To be
 * freed by command_results_unload(), which takes NULL. */
struct scenario **command_results_load(struct command_results *wanted, char *const *paths,
                                       size_t count, const char *const *settings);
void command_results_unload(struct scenario **scenarios, size_t count);
/* Standard output is for programs: nothing else may be written there. */
bool command_results_own_output(const struct command_results *wanted);
/* The file at 'place' of 'results' is complete; the files come in order. */
void command_results_tell(const struct command_results *wanted, size_t place);
/* All have run. False after telling what could not be written. Frees everything. */
bool command_results_end(struct command_results *wanted);

#endif
