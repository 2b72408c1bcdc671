/* Work shared among processes: items by number, handed to as many children of ours as wanted,
 * and their results taken back in the order of the items, however they were shared.
 *
 * A job is a process forked from this one, so that it has all that was loaded before, and so
 * that its end ends nothing else: an item whose process crashes has that for its result, another
 * process takes its place, and the work goes on. Jobs get one item at a time over a pipe and
 * answer over another.
 *
 * SIGINT and SIGTERM end the work early; what had been given back until then stays. Commands use
 * this; it touches the system. What the items are is its caller's business. */
#ifndef SIM_JOBS_H
#define SIM_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	JOBS_MAX = 256,
	JOBS_AHEAD_MAX = 4096, /* items that may be done before one that is not */
};

/* What became of an item. */
struct jobs_result {
	const char *bytes; /* what the item's work wrote, and a NUL; NULL after a crash */
	size_t len;
	int signal;    /* that ended its process; 0: none */
	int exit_code; /* with which its process ended; 0: it did not */
};

struct jobs_progress {
	uint64_t done, items; /* done in order */
	uint64_t elapsed_ms;
};

struct jobs_ops {
	/* In a job: do 'item', and write its result, whatever it is, to 'out'. */
	void (*work)(void *ctx, uint64_t item, FILE *out);
	/* Here, in the order of items: a result, valid during the call. False: no more are
	 * wanted. */
	bool (*done)(void *ctx, uint64_t item, const struct jobs_result *result);
	/* Here, now and then, and at last; NULL: not. */
	void (*progress)(void *ctx, const struct jobs_progress *progress);
	void *ctx;
};

enum jobs_end {
	JOBS_ALL,         /* all items are done */
	JOBS_ENOUGH,      /* done() wanted no more */
	JOBS_OUT_OF_TIME, /* 'until_ms' is over: those that had been begun are done */
	JOBS_INTERRUPTED, /* by SIGINT or SIGTERM */
	JOBS_FAILED,      /* no process or pipe could be had; errno tells why */
};

/* Do items 0 to 'items' - 1 in 'jobs' processes (1 to JOBS_MAX). No item is begun 'until_ms'
 * after the start, or later (0: no limit). '*done' is how many were given to ops->done(). */
enum jobs_end jobs_run(unsigned jobs, uint64_t items, uint64_t until_ms, const struct jobs_ops *ops,
                       uint64_t *done);

/* How many processors we may use. */
unsigned jobs_processors(void);

/* "signal 11 (Segmentation fault)", "exit code 1": how the process of a result ended. False, and
 * nothing, where it did not. */
bool jobs_crash_text(const struct jobs_result *result, char *text, size_t size);

#endif
