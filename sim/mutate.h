/* Which mutants are caught by which scenarios: the verdicts, and the table of them.
 *
 * A mutant is caught by a scenario when a run with it fails under a seed with which the run without any
 * mutant holds, and the mutant did something wrong in it. Where it never did it had no occasion. Whoever
 * makes the runs (command_mutate.c) gives the verdicts here, in whatever order. */
#ifndef SIM_MUTATE_H
#define SIM_MUTATE_H

#include <stdio.h>

#include "sim/mutants.h"
#include "sim/results.h"
#include "sim/runner.h"

enum mutate_fate {
	MUTATE_NOT_RUN, /* the scenario does not hold by itself */
	MUTATE_NO_OCCASION,
	MUTATE_SURVIVED,
	MUTATE_CAUGHT,
};

struct mutate_verdict {
	enum mutate_fate fate;
	uint64_t seed; /* CAUGHT: with which */
	bool no_seed;  /* CAUGHT: by a crash, and nobody knows with which */
	char *key;     /* CAUGHT: the first that did not hold; the owner's */
};

/* What a run with a mutant means, under a seed with which the scenario holds without one: 'verdict' is
 * that of the seeds before, and is changed. */
void mutate_judge(struct mutate_verdict *verdict, uint64_t seed,
                  const struct runner_result *result);

/* As bytes, from one process to another; false where 'bytes' are none. */
void mutate_write(const struct mutate_verdict *verdict, FILE *out);
bool mutate_read(struct mutate_verdict *verdict, const char *bytes, size_t len);

struct mutate;

/* All are borrowed. Every verdict is MUTATE_NOT_RUN at first. */
struct mutate *mutate_new(const struct mutant *const *mutants, size_t mutants_count,
                          char *const *files, size_t files_count);
void mutate_free(struct mutate *mutate); /* takes NULL */
/* Takes 'verdict->key' over. */
void mutate_set(struct mutate *mutate, size_t mutant, size_t file,
                const struct mutate_verdict *verdict);
/* How many mutants no scenario caught. */
size_t mutate_survivors(const struct mutate *mutate);
/* A line for each mutant; 'each': and under it one for each file. Then those that nobody catches. */
void mutate_table(const struct mutate *mutate, bool each, FILE *out);
/* The same for programs: a check for each mutant. */
void mutate_results(const struct mutate *mutate, struct results_file *file);

#endif
