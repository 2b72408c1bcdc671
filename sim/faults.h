/* The faults of a run: those that its file says and those that are drawn from its seed, each begun
 * and ended at its time. See fault.h for what one is.
 *
 * Drawing. All faults of a run are drawn before it begins, so that its header can tell them. Each
 * kind has a generator of its own, derived from the seed and its name: for one kind more, or less, the
 * others stay. From one fault to the next passes a time that is uniform up to twice the mean; to the
 * first one the smaller of two such times, so that in any time as many are expected as the rate says.
 * The generator draws the two times to the first, then, for each fault, its place, its values in the
 * order of fault_keys(), and the time to the next. Drawn ones, and all that last, begin before 'until',
 * others not after it; those that last are over by then, and those that wait for a frame or message
 * wait no longer. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "sim/network.h"

enum { FAULTS_MAX = 10000 }; /* of one run; further ones are not drawn, or not begun */

/* A list of faults in the order of their times; items are the owner's. */
struct fault_list {
	struct fault *items;
	size_t count;
	size_t not_drawn; /* beyond FAULTS_MAX */
};

/* The faults that 'scenario' says, and those that 'seed' draws. */
void fault_list_draw(struct fault_list *list, const struct scenario *scenario, uint64_t seed);
void fault_list_destroy(struct fault_list *list);

struct faults;

/* 'list' must outlive it. Begin with faults_start(), when the first step begins. */
struct faults *faults_new(const struct scenario *scenario, struct network *network,
                          const struct fault_list *list);
void faults_free(struct faults *faults); /* takes NULL; before the network's end */
void faults_start(struct faults *faults);
/* A step's fault begins now. One too many does not: see faults_not_begun(). */
void faults_begin(struct faults *faults, const struct fault *fault);
/* A step broke or mended something, or moved it: the network has to converge again. */
void faults_disturbed(struct faults *faults);
/* Somebody waits for convergence: faults of steps that wait for a frame or message wait no longer. */
void faults_settle(struct faults *faults);
/* When the network must have converged: converge_ns after 'until', where faults have times or are drawn,
 * after the end of the last fault of a step, or after the latest disturbance, whichever is last. FB_NEVER
 * as long as that is not known, because a fault of a step waits for a frame or message; 0: nothing ever
 * happened. */
uint64_t faults_converged_at(const struct faults *faults);
/* Faults of steps beyond FAULTS_MAX. */
size_t faults_not_begun(const struct faults *faults);
/* There are faults, or were: steps that break and mend something are none. */
bool faults_happened(const struct faults *faults);

#endif
