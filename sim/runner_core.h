/* What runner.c and runner_steps.c share. */
#ifndef SIM_RUNNER_CORE_H
#define SIM_RUNNER_CORE_H

#include <sys/queue.h>

#include "sim/expect.h"
#include "sim/faults.h"
#include "sim/properties.h"
#include "sim/report.h"
#include "sim/runner.h"
#include "sim/traffic.h"

struct activity;
struct iteration;

struct runner {
	const struct scenario *scenario;
	const struct runner_options *options;
	struct runner_result *result;
	struct network *network;
	struct clock *clock;
	struct trace *trace; /* NULL: none */
	struct properties *properties;
	struct faults *faults;
	struct expect *expect;
	struct expect_connections connections;
	struct budget *budget; /* NULL: nothing needs it */
	bool *missed;            /* by id: expectations that did not hold at their step */
	struct traffic *traffic; /* by step id */
	struct replies *replies; /* of all steps */

	TAILQ_HEAD(, activity) activities; /* under way */
	TAILQ_HEAD(, iteration) iterations;
	unsigned awaiting;   /* steps that wait until all is ready */
	unsigned converging; /* steps that wait until it has converged; at the end, the run itself */
	bool joined;         /* the switches have: from then on fail modes are told */
	uint64_t modes_told; /* that began or ended in the present step */
	bool step_done;      /* the step that runner_begin_step() began has ended */
	bool given_up;       /* the run cannot go on */
	bool properties_judged;
	/* By property: its failure's place among all, and 1; 0: none. */
	uint64_t broken[SCENARIO_PROPERTIES];
	struct position at;  /* of the present step */
};

/* --- runner.c --- */

/* The wait for switches and controller was in vain: that is a failure of the step at 'at'. */
void runner_not_ready(struct runner *runner, struct position at);

/* --- runner_steps.c --- */

/* Begin 'step', which is no expectation or mark: 'step_done' becomes true when it has ended. */
void runner_begin_step(struct runner *runner, const struct scenario_step *step);
/* All is ready: steps that wait for that end. */
void runner_is_ready(struct runner *runner);
/* Free what is under way. */
void runner_drop_steps(struct runner *runner);

#endif
