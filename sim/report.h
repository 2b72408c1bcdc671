/* What a person reads of a run: a header, each step as it ends, expectations, the end. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include <stdio.h>

#include "sim/runner.h"
#include "sim/traffic.h"

enum {
	REPORT_LINES_MAX = 20
}; /* requests of one step that get a line each; the others are added up */

void report_begin(FILE *out, const struct scenario *scenario, uint64_t seed);
void report_traffic(FILE *out, const struct scenario *scenario, const struct scenario_step *step,
                    const struct traffic *traffic);
void report_change(FILE *out, const struct scenario *scenario, const struct scenario_step *step,
                   uint64_t now_ns);
void report_expectation(FILE *out, const struct scenario_expectation *expectation, uint64_t value,
                        bool held);
void report_end(FILE *out, const struct runner_result *result);

#endif
