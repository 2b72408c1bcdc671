/* The differential test: one program of random steps, two switches, one outcome.
 *
 * A program (ovs_differential_gen.c) is a list of steps: frames that come in by ports, OpenFlow
 * messages as bytes, and time that passes. Each switch runs it and records what it does: frames
 * that leave by ports and messages to the controller, by step (struct outcome). Open vSwitch is
 * ovs_differential_ovs.c, Flowbed's switch ovs_differential_ours.c. Where the two are known to
 * differ, ovs_differential_known.c gives each the program, or reads its outcome, so that exactly
 * that difference is gone. ovs_differential.c runs, compares, reduces and reports. */
#ifndef LIVE_OVS_DIFFERENTIAL_H
#define LIVE_OVS_DIFFERENTIAL_H

#include <flowbed/message.h>
#include <flowbed/text.h>

#include "lib/base/frame.h"

enum {
	PORTS_COUNT = 6,    /* physical ports 1 to 6, beside OFPP_LOCAL */
	PLACES_COUNT = 7,   /* ports by place: 1 to 6, then OFPP_LOCAL */
	STEPS_MAX = 400,    /* of a program */
	FRAME_BYTES = 1600, /* longest frame that is made */
	STEP_BYTES = 8192,  /* longest step */
};

/* --- Programs --- */

enum step_kind {
	STEP_FRAME,   /* a frame comes in by 'port' */
	STEP_MESSAGE, /* the controller sends one message, with the step's number + 1 as its xid */
	STEP_WARP,    /* 'warp_ms' pass */
};

struct step {
	enum step_kind kind;
	uint16_t port;
	uint32_t warp_ms;
	uint32_t len;
	uint8_t *bytes; /* the program's */
	bool spoiled;   /* a message that may be wrong by purpose */
	bool skip;      /* left out while a program is being reduced; never the last step */
};

struct program {
	uint64_t seed;
	unsigned count;
	struct step steps[STEPS_MAX];
	bool learns; /* OFPP_NORMAL occurs: what one frame teaches counts for the next */
};

struct program *program_make(uint64_t seed);
void program_free(struct program *program);

/* --- Outcomes --- */

enum { EVENT_MESSAGE = 0 }; /* 'port' of an event that is a message */

struct event {
	unsigned step;
	uint16_t port; /* that the frame left by, or EVENT_MESSAGE */
	size_t offset; /* into the outcome's bytes */
	size_t len;
};

struct outcome {
	struct event *events; /* by step; within one, by port only in their order */
	size_t count, size;
	uint8_t *bytes;
	size_t bytes_len, bytes_size;
};

void outcome_add(struct outcome *outcome, unsigned step, uint16_t port, const void *bytes,
                 size_t len);
/* Add the message in the form in which two switches' are compared: what each is free to choose is
 * the same (order of entries, xids of its own, the length of the copy in an error); messages that
 * belong to the connection alone are left out. 'request' is the step's message, or NULL. */
void outcome_add_message(struct outcome *outcome, unsigned step, const struct step *request,
                         const uint8_t *bytes, size_t len);
/* Put the events in the order of steps, ports and occurrence, in which outcomes are compared:
 * that of several flow-removed messages that one step led to is the switch's. */
void outcome_order(struct outcome *outcome);
/* The place of the first event in which two ordered outcomes differ; OUTCOME_SAME: in none. */
#define OUTCOME_SAME SIZE_MAX
size_t outcome_first_difference(const struct outcome *a, const struct outcome *b);
void outcome_clear(struct outcome *outcome);
void outcome_free(struct outcome *outcome);

/* --- Switches --- */

struct ovs;
struct ours;

/* 'dir' is where the running Open vSwitch has its sockets: ctl, br.mgmt, and the pipes of its
 * ports' captures: 1.pipe to 6.pipe, LOCAL.pipe. Ends the test when it cannot be reached. */
struct ovs *ovs_open(const char *dir);
void ovs_close(struct ovs *ovs);
/* Run 'program' from a clean state and record into 'outcome', which is cleared first. Where messages
 * come late, as many are waited for as 'expected', the other switch's outcome, has; at most for
 * 'patience_ms' (30 s at first). */
void ovs_run(struct ovs *ovs, const struct program *program, const struct outcome *expected,
             struct outcome *outcome);

void ovs_set_patience(struct ovs *ovs, unsigned patience_ms);
/* After a run whose outcome was not the expected one: throw away what may still come of it. */
void ovs_recover(struct ovs *ovs);

struct ours *ours_new(void);
void ours_free(struct ours *ours);
void ours_run(struct ours *ours, const struct program *program, struct outcome *outcome);

/* --- */

/* End the test with a message on standard error. */
void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

static inline uint16_t port_of_place(unsigned place)
{
	return place < PORTS_COUNT ? (uint16_t)(place + 1) : (uint16_t)OFPP_LOCAL;
}

#endif
