/* What runs brought, for programs that read it: as TAP, JUnit XML, JSON, and annotations of GitHub.
 *
 * One model for all of them: a file has checks (that the run comes to its end, each traffic step and
 * command, each expectation, each property), each of which held, failed, or was not judged because the
 * run ended before; and failures, each of one check. A file that cannot be loaded has its mistakes in
 * place of these. Which checks a file has depends on the file alone, so that they can be compared from
 * run to run; all but the time on the wall is the same in every run of the same file and seed.
 *
 * The model owns what it holds: scenario and result may be freed. results.c builds it,
 * results_tap.c, results_junit.c, results_json.c and results_github.c write it. None of them touches
 * the system but through the stream that it is given. */
#ifndef SIM_RESULTS_H
#define SIM_RESULTS_H

#include "sim/runner.h"

enum results_kind { RESULTS_RUN, RESULTS_STEP, RESULTS_EXPECTATION, RESULTS_PROPERTY };

struct results_check {
	enum results_kind kind;
	uint32_t id; /* of its kind: struct failure_of */
	enum runner_verdict verdict;
	struct position at;    /* line 0: of the file as a whole */
	char *what;            /* one line; no other check of the file has it */
	uint64_t count, wrong; /* STEP: requests or commands, and those that failed */
	uint64_t value;        /* EXPECTATION: what was counted */
};

struct results_failure {
	size_t check; /* place in the file's checks */
	struct position at;
	uint64_t time_ns;
	char *key, *expected, *happened;
	char *story; /* NULL: none */
};

struct results_problem {
	struct position at;
	char *text;
};

struct results_file {
	char *file;
	char *name; /* of the scenario; NULL: it could not be loaded */
	uint64_t seed;
	uint64_t wall_ns; /* that the run took */
	char *error; /* what else went wrong, as captures that cannot be written; NULL: nothing */

	struct results_problem *problems; /* mistakes in the file */
	size_t problems_count;
	struct results_check *checks;
	size_t checks_count;
	struct results_failure *failures;
	size_t failures_count;
	uint64_t failures_total; /* with those that are not kept */

	char digest[DIGEST_TEXT_BYTES];
	uint64_t now_ns, events, frames, messages, packet_ins, packet_outs, flow_mods;
	uint64_t lldp_frames, lldp_messages;
	uint64_t excused[SCENARIO_PROPERTIES];
	char **faults; /* as a file would say them, in order */
	size_t faults_count;
};

struct results {
	struct results_file *files;
	size_t count;
};

enum results_outcome { RESULTS_HELD, RESULTS_FAILED, RESULTS_ERROR };

void results_init(struct results *results);
void results_destroy(struct results *results);

/* Add a file with its mistakes; or with its run. Both return it, to be used before the next is added. */
struct results_file *results_add_problems(struct results *results, const char *file,
                                          const struct problems *problems);
struct results_file *results_add_run(struct results *results, const struct scenario *scenario,
                                     uint64_t seed, const struct runner_result *result,
                                     uint64_t wall_ns);
/* Something went wrong that is neither the file's fault nor the run's. */
void results_set_error(struct results_file *file, const char *error);

enum results_outcome results_outcome(const struct results_file *file);
const char *results_verdict_text(enum runner_verdict verdict); /* "held", "failed", "not judged" */
const char *results_kind_text(enum results_kind kind);
uint64_t results_count(const struct results_file *file, enum runner_verdict verdict);
/* "balancer.yaml:35" */
void results_place_text(struct fb_text *text, const char *file, struct position at);
/* Writes 'text' in quotes, as JSON does. */
void results_write_quoted(FILE *out, const char *text);

/* TAP version 13: the head, before anything else, for so many files; and one file, the 'number'th
 * from 1, as a test with a subtest. */
void results_tap_begin(FILE *out, size_t files_count);
void results_tap_file(FILE *out, const struct results_file *file, size_t number);
void results_junit_write(FILE *out, const struct results *results);
/* False: the document would be larger than RESULTS_JSON_BYTES_MAX. */
bool results_json_write(FILE *out, const struct results *results);
#define RESULTS_JSON_BYTES_MAX ((size_t)1 << 31)
/* Workflow commands of GitHub: one line for each failure and mistake. */
void results_github_file(FILE *out, const struct results_file *file);

#endif
