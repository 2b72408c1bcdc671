/* A sweep: scenarios, each under many seeds, and what came of it.
 *
 * This is its bookkeeping: which run is which, what of a run has to be known, and the summary.
 * Whoever makes the runs, in whatever order and processes (command_sweep.c), gives them here in
 * the order of their numbers: the first seed of every file, then the second of every file, and
 * so on, so that a sweep that ends early has done as much for each. */
#ifndef SIM_SWEEP_H
#define SIM_SWEEP_H

#include "sim/runner.h"

/* "7", or "1..1000". */
struct sweep_seeds {
	uint64_t first, last;
};

#define SWEEP_RUNS_MAX (UINT64_C(1) << 62)

/* False where it cannot be read; '*wrong' then says what would be right. */
bool sweep_seeds_parse(const char *text, struct sweep_seeds *seeds, const char **wrong);

/* What is kept of a run. */
struct sweep_run {
	struct failures failures; /* what did not hold, without stories */
	uint64_t took_ns;         /* on the wall */
	uint64_t excused[SCENARIO_PROPERTIES];
	uint64_t faults[FAULT_KINDS]; /* begun by 'faults', by kind */
};

/* Takes the failures out of 'result'. */
struct sweep_run sweep_run_of(struct runner_result *result, uint64_t took_ns);
/* Of one that crashed, as 'text' tells. */
struct sweep_run sweep_run_crashed(const char *text);
/* Of the first that did not hold; NULL: all did. */
const char *sweep_run_key(const struct sweep_run *run);
/* As bytes, from one process to another; false where 'bytes' are none. */
void sweep_run_write(const struct sweep_run *run, FILE *out);
bool sweep_run_read(struct sweep_run *run, const char *bytes, size_t len);
void sweep_run_destroy(struct sweep_run *run);

struct sweep;

/* Texts are borrowed. */
struct sweep *sweep_new(char *const *files, size_t files_count, struct sweep_seeds seeds);
void sweep_free(struct sweep *sweep); /* takes NULL */
/* How many runs there are in all; 0: more than SWEEP_RUNS_MAX. */
uint64_t sweep_runs(const struct sweep *sweep);
/* Of run 'number', from 0 on: which file and seed. */
size_t sweep_file_of(const struct sweep *sweep, uint64_t number);
uint64_t sweep_seed_of(const struct sweep *sweep, uint64_t number);

/* The next run. */
void sweep_add(struct sweep *sweep, const struct sweep_run *run);
uint64_t sweep_done(const struct sweep *sweep);
uint64_t sweep_failed(const struct sweep *sweep);

/* What came of all that were added, for each file and over all: nothing in it depends on time. */
void sweep_summary(const struct sweep *sweep, FILE *out);

#endif
