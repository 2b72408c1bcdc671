/* What happens in a run, as text: one aligned line an event.
 *
 * A trace observes a network. It writes lines as the events come (flowbed run -v), or keeps the
 * latest events and writes those that concern a failure. Events are kept as bytes and become text
 * only when they are written. */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <stdio.h>

#include "sim/network.h"

struct trace;

enum {
	TRACE_EVENTS_MAX = 8192, /* kept; older ones are forgotten */
	TRACE_LINES_MAX = 20,    /* written for one failure */
};

/* What a failure concerns; an event that meets one of the criteria is shown. All zero
 * (trace_relation_all()): every event. */
struct trace_relation {
	uint32_t ip;                       /* frames and messages about this address, 0: none, */
	uint16_t port;                     /*   and this TCP or UDP port of it, 0: any */
	uint32_t link;                     /* frames on this link, SCENARIO_NONE: none, */
	const struct bpf_program *program; /*   that this passes, NULL: all */
	uint32_t message_types;            /* messages of these types, bits of 1 << OFPT_*, */
	uint32_t sw;                       /*   of this switch, SCENARIO_NONE: of any */
};

static inline struct trace_relation trace_relation_all(void)
{
	return (struct trace_relation){.link = SCENARIO_NONE, .sw = SCENARIO_NONE};
}

/* A trace of a run of 'scenario', which must outlive it. With 'live' lines are written there as
 * events come; with 'keep' the latest are kept. */
struct trace *trace_new(const struct scenario *scenario, FILE *live, bool keep);
void trace_free(struct trace *trace); /* takes NULL */

/* The observer to give to the network. */
struct network_observer trace_observer(struct trace *trace);

/* Write the last events that 'relation' selects to 'out', each line indented by 'indent'. Returns
 * how many. */
size_t trace_write(struct trace *trace, const struct trace_relation *relation, const char *indent,
                   FILE *out);

#endif
