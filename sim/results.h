/* What runs brought, for programs that read it: as TAP, JUnit XML, JSON, and annotations of GitHub.
 *
 * One model for all of them: a file has checks (that the run comes to its end, each traffic step and
 * command, each expectation, each property), each of which held, failed, or was not judged because the
 * run ended before; and failures, each of one check. A file that cannot be loaded has its mistakes in
 * place of these. Which checks a file has depends on the file alone, so that they can be compared from
 * run to run; all but the time on the wall is the same in every run of the same file and seed.
 *
 * In a sweep a check holds when it does in every run. Of mutants there is one "file" that is none: its
 * checks are that each scenario holds without a mutant, and that each mutant is caught.
 *
 * The model owns what it holds: scenario and result may be freed. results.c builds it for one run,
 * results_many.c for sweeps and mutants; results_tap.c, results_junit.c, results_json.c and
 * results_github.c write it. None of them touches the system but through the stream that it is given. */
#ifndef SIM_RESULTS_H
#define SIM_RESULTS_H

#include "sim/mutants.h"
#include "sim/runner.h"
#include "sim/sweep.h"

enum results_scope { RESULTS_OF_RUN, RESULTS_OF_SWEEP, RESULTS_OF_MUTANTS };
enum results_kind {
	RESULTS_RUN,
	RESULTS_STEP,
	RESULTS_EXPECTATION,
	RESULTS_PROPERTY,
	RESULTS_MUTANT,
};

enum { RESULTS_FAILURES_MAX = 1000 }; /* of a sweep's file that are kept; further ones are counted */

struct results_check {
	enum results_kind kind;
	uint32_t id; /* of its kind: struct failure_of */
	enum runner_verdict verdict;
	struct position at;    /* line 0: of the file as a whole */
	char *what;            /* one line; no other check of the file has it */
	uint64_t count, wrong; /* STEP: requests or commands, and those that failed. Of a sweep: runs */
	uint64_t value;        /* EXPECTATION of a run: what was counted */
	char *caught;          /* MUTANT: by what; NULL: by nothing, or no mutant */
};

struct results_failure {
	size_t check; /* place in the file's checks */
	struct position at;
	uint64_t time_ns;
	char *key, *expected, *happened;
	char *story;   /* NULL: none */
	uint64_t seed; /* of the run */
	char *repeat;  /* of a sweep: the command that repeats the run; else NULL */
};

struct results_problem {
	struct position at;
	char *text;
};

struct results_file {
	char *file;
	char *name; /* of the scenario; NULL: it could not be loaded */
	enum results_scope scope;
	uint64_t seed, last_seed; /* of a run they are one */
	uint64_t runs, runs_failed;
	uint64_t wall_ns; /* that the run took, or the runs, added up */
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
	char **faults; /* of a run: as a file would say them, in order */
	size_t faults_count;
	uint64_t fault_counts[FAULT_KINDS]; /* of a sweep */
};

struct results {
	const char *command; /* "run", "sweep", "mutate" */
	struct results_file *files;
	size_t count;
};

enum results_outcome { RESULTS_HELD, RESULTS_FAILED, RESULTS_ERROR };

/* 'command' is borrowed. */
void results_init(struct results *results, const char *command);
void results_destroy(struct results *results);

/* Add a file with its mistakes; or with its run. Both return it, to be used before the next is added. */
struct results_file *results_add_problems(struct results *results, const char *file,
                                          const struct problems *problems);
struct results_file *results_add_run(struct results *results, const struct scenario *scenario,
                                     uint64_t seed, const struct runner_result *result,
                                     uint64_t wall_ns);
/* Add a file with its checks, none of them judged. */
struct results_file *results_add_scenario(struct results *results, const struct scenario *scenario,
                                          enum results_scope scope);
/* Add one check to a file, not judged yet; valid until the next. */
struct results_check *results_add_check(struct results_file *file, enum results_kind kind,
                                        uint32_t id, struct position at, const char *what);
/* One check failed, for one reason, which is kept while there is room; it counts in no total. */
void results_fail(struct results_file *file, size_t check, const struct failure *failure,
                  uint64_t seed, const char *repeat);
/* Add what did not hold in the run with 'seed'; 'repeat': NULL, or the command that repeats it. The file's
 * checks are failed by it. */
void results_add_failures(struct results_file *file, const struct failures *failures, uint64_t seed,
                          const char *repeat);

/* A file of a sweep: add it, then its runs, then end it. 'repeat' is the command that repeats the run. */
struct results_file *results_add_sweep(struct results *results, const struct scenario *scenario,
                                       struct sweep_seeds seeds);
void results_sweep_run(struct results_file *file, uint64_t seed, const struct sweep_run *run,
                       const char *repeat);
void results_sweep_end(struct results_file *file);

/* The "file" of mutants: its first checks are that each of 'files' holds without a mutant, in order. */
struct results_file *results_add_mutants(struct results *results, char *const *files, size_t count);
/* The scenario at 'place' does not hold with 'seed', because of 'key'. */
void results_alone_failed(struct results_file *file, size_t place, uint64_t seed, const char *key);
/* All scenarios have run without a mutant. */
void results_alone_end(struct results_file *file);
/* That a mutant is caught: by what, or what happened in place of it. The other of the two is NULL. */
void results_add_mutant(struct results_file *file, const struct mutant *mutant, const char *caught,
                        const char *happened);

/* Something went wrong that is neither the file's fault nor the run's. */
void results_set_error(struct results_file *file, const char *error);

enum results_outcome results_outcome(const struct results_file *file);
const char *results_verdict_text(enum runner_verdict verdict); /* "held", "failed", "not judged" */
const char *results_kind_text(enum results_kind kind);
/* Why a check was not judged. */
const char *results_skip_text(const struct results_file *file);
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
