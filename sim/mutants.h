/* Mutants: our controller or our switch with one thing wrong, to see whether a scenario notices.
 *
 * A mutant is made at the edge of the cores, by changing what they say and hear: whole messages of the
 * control connection at either of its ends, and frames where they enter and leave a switch. So every
 * core stays as it is, and what the scenario meets behaves as a program with that mistake would.
 *
 * A mutant is told by counts alone ("every fifth"), so that a run with one is as repeatable as any. It
 * leaves the handshake of a connection, the entry that no frame can match which the controller adds and
 * removes as a switch joins, and discovery (lldp.h) alone; what it says is well formed. It counts its
 * occasions: how often it did something wrong. Without one a run is the same, to its digest, as without
 * a mutant.
 *
 * The list was written down before any scenario was run against it, and is not made to measure. */
#ifndef SIM_MUTANTS_H
#define SIM_MUTANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/frame.h"
#include "sim/clock.h"
#include "softswitch/datapath.h"

enum mutant_side { MUTANT_CONTROLLER, MUTANT_SWITCH };

struct mutation;
struct mutation_passing;
struct mutation_leaving;

struct mutant {
	const char *name;        /* "leaked-buffer" */
	enum mutant_side side;   /* who is wrong */
	const char *description; /* one line: what it does wrong */
	/* What it does with a message of its side, and with a frame that leaves (mutation.h). NULL:
	 * they go on as they are. */
	void (*message)(struct mutation *mutation, const struct mutation_passing *passing);
	enum datapath_sent (*output)(struct mutation *mutation,
	                             const struct mutation_leaving *leaving);
};

/* By place from 0, NULL past the last; by name, NULL: there is none. */
const struct mutant *mutants_at(size_t place);
const struct mutant *mutants_find(const char *name);

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
	enum datapath_sent (*output)(void *ctx, uint32_t sw, uint16_t port_no, uint32_t queue_id,
	                             struct frame *frame);
	void *ctx;
};

/* A mutant at work in one run. */
struct mutation *mutation_new(const struct mutant *mutant, struct clock *clock,
                              struct frame_pool *pool, size_t switches_count,
                              const struct mutation_ops *ops);
void mutation_free(struct mutation *mutation); /* takes NULL */
/* A whole message passes 'point'; what it becomes goes on by ops->message. */
void mutation_message(struct mutation *mutation, enum mutation_point point, uint32_t sw,
                      const uint8_t *msg, size_t len);
/* The switch begins to handle 'frame', which came in by one of its ports; NULL: it has done. */
void mutation_input(struct mutation *mutation, uint32_t sw, struct frame *frame);
/* A frame leaves by 'port_no'; borrowed. What it becomes goes on by ops->output. */
enum datapath_sent mutation_output(struct mutation *mutation, uint32_t sw, uint16_t port_no,
                                   uint32_t queue_id, struct frame *frame);
/* The connection of 'sw' begins anew, or its power goes: messages that the mutant holds back for it are
 * gone, frames leave now. */
void mutation_forget(struct mutation *mutation, uint32_t sw);

/* It holds something back. Takes NULL. */
bool mutation_holds(const struct mutation *mutation);
/* How often it did something wrong so far. Takes NULL. */
uint64_t mutation_occasions(const struct mutation *mutation);

#endif
