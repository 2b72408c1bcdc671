/* The counts that expectations judge, during one run. */
#ifndef SIM_EXPECT_H
#define SIM_EXPECT_H

#include "sim/affinity.h"
#include "sim/budget.h"
#include "sim/network.h"
#include "sim/trace.h"

enum { EXPECT_OUTCOMES = HOST_ABORTED + 1 };

/* TCP connections of steps that have ended. */
struct expect_connections {
	uint64_t ended[EXPECT_OUTCOMES]; /* by enum host_outcome */
};

struct expect;

/* Sets the network's frame filters: before network_start(). All arguments must outlive it; 'budget' may
 * be NULL where budget_is_wanted() says so. */
struct expect *expect_new(const struct scenario *scenario, struct network *network,
                          const struct affinity *affinity,
                          const struct expect_connections *connections,
                          struct budget *budget);
void expect_free(struct expect *expect); /* takes NULL */

/* The count of 'expectation' now; one with a mark is counted from there. */
uint64_t expect_value(const struct expect *expect, const struct scenario_expectation *expectation);
/* What there is beside the count, for people; nothing for most. */
void expect_detail(const struct expect *expect, const struct scenario_expectation *expectation,
                   struct fb_text *text);
/* It costs time to look at, and is not looked at more often than need be. */
bool expect_is_slow(const struct scenario_expectation *expectation);
/* The step 'mark' is executed: remember the counts. */
void expect_mark(struct expect *expect, uint32_t mark);

/* The events that explain the count of 'expectation'. */
struct trace_relation expect_relation(const struct expect *expect,
                                      const struct scenario_expectation *expectation);

#endif
