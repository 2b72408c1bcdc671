/* What a person reads of a run: a header, each step as it ends, expectations, the end. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include <stdio.h>

#include "sim/runner.h"
#include "sim/traffic.h"

enum {
	REPORT_LINES_MAX = 20
}; /* requests of one step that get a line each; the others are added up */

/* 'verbose': with every fault of the run. */
void report_begin(FILE *out, const struct scenario *scenario, uint64_t seed,
                  const struct fault_list *faults, bool verbose);
void report_traffic(FILE *out, const struct scenario *scenario, const struct scenario_step *step,
                    const struct traffic *traffic);
/* What the step names goes up or down; 'changed': false when it was so already. */
void report_change(FILE *out, const struct scenario *scenario, const struct scenario_step *step,
                   bool up, uint64_t now_ns, bool changed);
/* A host moves away from 'from', or is there already where it should go. */
void report_move(FILE *out, const struct scenario *scenario, const struct scenario_step *step,
                 const struct scenario_end *from, uint64_t now_ns);
void report_command(FILE *out, const struct scenario_command *command, bool refused,
                    const char *answer, uint64_t now_ns);
/* The fail mode of a switch begins or ends: the 'place'th of the step, from 0. */
void report_mode(FILE *out, const struct scenario *scenario, uint32_t sw, enum datapath_mode mode,
                 uint64_t now_ns, uint64_t place);
/* At the end of a step, with the number of those. */
void report_modes_end(FILE *out, uint64_t count);
void report_expectation(FILE *out, const struct scenario_expectation *expectation, uint64_t value,
                        bool held);
void report_end(FILE *out, const struct runner_result *result);

#endif
