/* Mutants: our controller or our switch with one thing wrong, to see whether a scenario notices.
 *
 * A mutant is made at the edge of the cores, by changing what they say and hear: whole messages of the
 * control connection at either of its ends, and frames where they enter and leave a switch. So every
 * core stays as it is, and what the scenario meets behaves as a program with that mistake would.
 *
 * The list was written down before any scenario was run against it, and is not made to measure. */
#ifndef SIM_MUTANTS_H
#define SIM_MUTANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/frame.h"
#include "sim/clock.h"

enum mutant_side { MUTANT_CONTROLLER, MUTANT_SWITCH };

struct mutant {
	const char *name;        /* "leaked-buffer" */
	enum mutant_side side;   /* who is wrong */
	const char *description; /* one line: what it does wrong */
};

/* By place from 0, NULL past the last; by name, NULL: there is none. */
const struct mutant *mutant_at(size_t place);
const struct mutant *mutant_find(const char *name);

/* Where a message passes: what an end says on its way to the channel, what it hears on its way from
 * there. */
enum mutation_point {
	CONTROLLER_SAYS,
	CONTROLLER_HEARS,
	SWITCH_SAYS,
	SWITCH_HEARS,
	MUTATION_POINTS, /* how many there are */
};

struct mutation_ops {
	/* Go on from 'point' of switch 'sw' with this message. May be called from inside
	 * mutation_message(), once, never or several times, and later from an event. */
	void (*message)(void *ctx, enum mutation_point point, uint32_t sw, const uint8_t *msg,
	                size_t len);
	/* The same of a frame that leaves by a port; borrowed. */
	void (*output)(void *ctx, uint32_t sw, uint16_t port_no, uint32_t queue_id,
	               struct frame *frame);
	void *ctx;
};

/* A mutant at work in one run. */
struct mutation;

struct mutation *mutation_new(const struct mutant *mutant, struct clock *clock,
                              struct frame_pool *pool, size_t switches_count,
                              const struct mutation_ops *ops);
void mutation_free(struct mutation *mutation); /* takes NULL */
/* A whole message passes 'point'; what it becomes goes on by ops->message. */
void mutation_message(struct mutation *mutation, enum mutation_point point, uint32_t sw,
                      const uint8_t *msg, size_t len);
/* A frame that came in by 'in_port' (0: nobody knows) leaves by 'port_no'; borrowed. What it becomes
 * goes on by ops->output. */
void mutation_output(struct mutation *mutation, uint32_t sw, uint16_t port_no, uint32_t queue_id,
                     struct frame *frame);
/* The connection of 'sw' begins anew, or its power goes: what the mutant holds back for it is gone. */
void mutation_forget(struct mutation *mutation, uint32_t sw);

#endif
