/* Running a scenario: its steps in order, its expectations at their time, to its end.
 *
 * When do expectations hold? A lower bound is waited for in virtual time, until it holds or its
 * deadline ('within') passes. An upper bound or exact count must hold once the network is quiet: no
 * frame or message under way and no host waiting for an answer for one virtual second; timers that
 * only repeat do not count. Counts that only grow must hold again at the end of the run (unless the
 * file says 'at_end: no'); entries and buffers, which come and go, are judged at their step alone
 * (unless it says 'at_end: yes').
 *
 * A run begins when all switches have joined and the controller is ready (controller_ready()).
 *
 * A run ends at the first quiet moment after its last step. One that is still going on at 'end' has
 * failed.
 *
 * Every run must have the properties of properties.h, but for those that the scenario switches off;
 * the first time that one is broken is a failure. Where frames run in loops the run ends. */
#ifndef SIM_RUNNER_H
#define SIM_RUNNER_H

#include "sim/dump.h"
#include "sim/failures.h"
#include "sim/faults.h"
#include "sim/scenario.h"

#define RUNNER_QUIET_NS   FB_NS_PER_S
#define RUNNER_JOIN_NS    (30 * FB_NS_PER_S)  /* until all have joined and are ready */
#define RUNNER_EVENTS_MAX UINT64_C(100000000) /* over all; more is taken for a loop */
#define RUNNER_LOOPS_MAX  1000                /* times that frames came in by a port once more */

struct runner_options {
	uint64_t seed;
	const struct mutant *mutant; /* NULL: ours as they are */
	/* In place of what the file says and the seed draws; NULL: those. */
	const struct fault_list *faults;
	FILE *summary; /* told step by step; NULL: not */
	FILE *live;    /* every frame, message and log line as it comes; NULL: not */
	bool keep;     /* keep the latest events, so that failures tell their story */
	const struct network_observer *observer; /* one more, NULL: none */
};

enum runner_verdict { RUNNER_NOT_JUDGED, RUNNER_HELD, RUNNER_FAILED };

/* How one thing that a run judges came out. What the run did not come to is not judged. */
struct runner_judged {
	enum runner_verdict verdict;
	uint64_t count, wrong; /* steps: requests or commands, and those that failed */
	uint64_t value;        /* expectations: the count when it was judged last */
	struct dump_lines *got; /* a dump that failed: what there was; NULL: it is none */
};

struct runner_result {
	struct failures failures;
	char digest[DIGEST_TEXT_BYTES];
	uint64_t start_ns, now_ns; /* virtual time when the first step began, and at the end */
	uint32_t properties_held; /* bits of 1 << enum scenario_property */
	uint64_t excused[SCENARIO_PROPERTIES]; /* violations that a fault excuses */
	struct fault_list faults; /* of this run */
	uint64_t expectations;   /* judged, the requests of traffic steps among them */
	struct runner_judged *judged_steps;        /* by step id: of traffic and commands */
	struct runner_judged *judged_expectations; /* by expectation id */
	size_t judged_expectations_count;
	struct runner_judged judged_properties[SCENARIO_PROPERTIES];
	uint64_t events, frames; /* of the clock; delivered over links */
	uint64_t messages, packet_ins, packet_outs, flow_mods; /* of the controller, both ways */
	uint64_t lldp_frames, lldp_messages; /* of discovery, which are not among those */
	uint64_t occasions; /* how often the mutant did something wrong */
};

/* Run 'scenario' once. '*result' must be given to runner_result_destroy(). */
void runner_run(const struct scenario *scenario, const struct runner_options *options,
                struct runner_result *result);
void runner_result_destroy(struct runner_result *result);

#endif
