/* Delta debugging: of many things, find few that are enough.
 *
 * Given things of which some can be left out, and a question that tells whether what remains
 * still is what is looked for, leave out as many as go: large groups first, then smaller ones,
 * then each by itself, until none goes any more. Later things are tried first: what comes after
 * the one that matters goes at once. The order of the questions depends on the answers alone. */
#ifndef SIM_DDMIN_H
#define SIM_DDMIN_H

#include <stdbool.h>
#include <stddef.h>

struct ddmin_ops {
	/* Is it still so without those of 'count' things that are marked in 'out'? */
	bool (*without)(void *ctx, const bool *out, size_t count);
	/* No more questions, please; NULL: never. */
	bool (*over)(void *ctx);
	void *ctx;
};

/* 'out' has room for 'count' marks; afterwards those that are left out are marked. Returns how
 * many. */
size_t ddmin(size_t count, bool *out, const struct ddmin_ops *ops);

#endif
