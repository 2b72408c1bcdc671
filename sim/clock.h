/* Virtual time and the event queue of a simulation.
 *
 * Events run in order of (time, sequence number); the sequence number is handed out when an event
 * is set; those that come first have lower ones than all others. An event is a structure that its owner embeds or keeps; the clock allocates nothing but
 * its heap. */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <flowbed/time.h>

#include "lib/base/heap.h"

struct clock {
	struct heap heap;
	uint64_t now_ns;
	uint64_t sequence;   /* of the next event set */
	uint64_t first_sequence; /* of the next that comes first */
	uint64_t fired;      /* events run so far */
	uint64_t events_max; /* limit of events in the queue; beyond it 'overflow' is set and the
	                        run ends with an error */
	bool overflow;
};

struct event {
	struct heap_node node;
	void (*fire)(struct event *event); /* use container_of-like arithmetic to find the owner */
};

void clock_init(struct clock *clock, uint64_t events_max);
void clock_destroy(struct clock *clock);
/* (Re)set 'event' to fire at 'time_ns' (not before now; FB_NEVER cancels). */
void clock_set(struct clock *clock, struct event *event, uint64_t time_ns);
/* The same; it runs before all events of that time that were set by clock_set(). What is decided about
 * the frames of an instant is decided before the first of them. */
void clock_set_first(struct clock *clock, struct event *event, uint64_t time_ns);
void clock_cancel(struct clock *clock, struct event *event);
/* Time of the next event; FB_NEVER when there is none. */
uint64_t clock_next(const struct clock *clock);
/* Advance to the next event and run it; false when there is none. */
bool clock_step(struct clock *clock);
/* Advance to 'time_ns', which is not past the next event. */
void clock_advance(struct clock *clock, uint64_t time_ns);

#endif
