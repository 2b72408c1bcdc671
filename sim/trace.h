/* What happens in a run, as text: one aligned line an event.
 *
 * A trace observes a network. It writes lines as the events come (flowbed run -v), or keeps the
 * latest events, of which story.h tells those that concern a failure. Events are kept as bytes and become text
 * only when they are written. */
#ifndef SIM_TRACE_H
#define SIM_TRACE_H

#include <stdio.h>

#include "sim/network.h"

struct trace;

enum {
	TRACE_EVENTS_MAX = 8192, /* kept; older ones are forgotten */
};

/* What a failure concerns; an event that meets one of the criteria is shown. All zero
 * (trace_relation_all()): every event. */
struct trace_relation {
	uint64_t life;                     /* the frame with this tag (lives.h), 0: none */
	uint32_t ip;                       /* frames and messages about this address, 0: none, */
	uint16_t port;                     /*   and this TCP or UDP port of it, 0: any */
	uint32_t link;                     /* frames on this link, SCENARIO_NONE: none, */
	const struct bpf_program *program; /*   that this passes, NULL: all */
	uint32_t buffer_id;                /* the frame in this packet buffer of 'sw', which was
	                                      taken last, OFP_NO_BUFFER: none */
	uint32_t message_types;            /* messages of these types, bits of 1 << OFPT_*, */
	uint32_t sw;                       /*   of this switch, SCENARIO_NONE: of any */
};

static inline struct trace_relation trace_relation_all(void)
{
	return (struct trace_relation){
	        .link = SCENARIO_NONE, .sw = SCENARIO_NONE, .buffer_id = OFP_NO_BUFFER};
}

/* A trace of a run of 'scenario', which must outlive it. With 'live' lines are written there as
 * events come; with 'keep' the latest are kept. */
struct trace *trace_new(const struct scenario *scenario, FILE *live, bool keep);
void trace_free(struct trace *trace); /* takes NULL */

/* The observer to give to the network. */
struct network_observer trace_observer(struct trace *trace);

/* --- What is kept --- */

enum trace_kind {
	TRACE_FRAME,   /* arrived, or was lost */
	TRACE_MESSAGE, /* arrived */
	TRACE_LOST,    /* a message that a fault took away */
	TRACE_LOG,
	TRACE_MODE,  /* a fail mode began or ended */
	TRACE_FAULT, /* began, or is over */
};

struct trace_event {
	uint64_t time_ns;
	enum trace_kind kind;
	uint32_t place;              /* link or switch */
	unsigned end;                /* of the link, or the receiving end of the channel */
	struct scenario_end ends[2]; /* FRAME: what the link was between */
	enum link_event link_event;
	uint64_t tag;     /* FRAME: of its life (lives.h); 0: none */
	uint64_t capture; /* its number in the capture of its place; 0: in none */
	char *who;        /* LOG, MODE */
	uint8_t *bytes;   /* frame, message or text */
	size_t len;
	size_t size; /* room at 'bytes' */
};

const struct scenario *trace_scenario(const struct trace *trace);
/* Events that are kept have the numbers from '*first' to before '*end'. */
void trace_kept(const struct trace *trace, uint64_t *first, uint64_t *end);
const struct trace_event *trace_event_at(const struct trace *trace, uint64_t number);

/* One line, with its capture where 'indent' is not empty. */
void trace_event_write(const struct trace *trace, const struct trace_event *event,
                       const char *indent, FILE *out);
/* "h1--s1-1.h1.pcap 17". */
void trace_capture_text(const struct trace *trace, const struct trace_event *event,
                        struct fb_text *text);

#endif
