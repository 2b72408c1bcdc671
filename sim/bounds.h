/* Do tables, buffers and queues keep within their limits? Looks at them from outside, by what the
 * scenario says of them, from time to time:
 *
 * - flow entries and packet buffers of a switch, whenever something arrives on its control connection;
 * - bytes that wait at a link's end, at every BOUNDS_FRAMES-th frame that is sent there. What one of its
 *   impairments does with rate and queue counts until that queue has been empty again: bytes that wait
 *   when a queue becomes shorter stay;
 * - events that wait, at the same times;
 * - bytes under way on a control connection, whose channel ends it when they become too many, and the
 *   messages that a slow switch keeps: at the end of the run, by the channel's own count;
 * - tables of the controller's applications, which tell how many entries they have and may have in
 *   their reports: at the end of the run. */
#ifndef SIM_BOUNDS_H
#define SIM_BOUNDS_H

#include "sim/network.h"

struct bounds;

enum { BOUNDS_FRAMES = 32 };

struct bounds_ops {
	/* Something is over its limit: "flow entries of s1: 7 of 5". */
	void (*over)(void *ctx, const char *what);
	void *ctx;
};

/* 'scenario' must outlive it. */
struct bounds *bounds_new(const struct scenario *scenario, const struct bounds_ops *ops);
void bounds_free(struct bounds *bounds); /* takes NULL */
void bounds_watch(struct bounds *bounds, struct network *network);

/* --- What happens --- */

/* The most frequent of all: true when it is time to look, by bounds_look(). */
static inline bool bounds_is_time(uint32_t *frames)
{
	return ++*frames % BOUNDS_FRAMES == 0;
}

/* A frame is about to be sent over 'link' to its end 'to'. */
void bounds_look(struct bounds *bounds, uint32_t link, unsigned to);
void bounds_message(struct bounds *bounds, uint32_t sw);
void bounds_fault(struct bounds *bounds, const struct fault *fault, bool begins);
/* The run is at its end. */
void bounds_end(struct bounds *bounds);

#endif
