/* Time as Flowbed counts it: unsigned nanoseconds since an origin that only the owner of a core
 * knows (the start of a simulation, or the monotonic clock of a machine). */
#ifndef FLOWBED_TIME_H
#define FLOWBED_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define FB_NS_PER_US UINT64_C(1000)
#define FB_NS_PER_MS UINT64_C(1000000)
#define FB_NS_PER_S  UINT64_C(1000000000)

/* A deadline that never comes: "no timer is set". */
#define FB_NEVER UINT64_MAX

static inline uint64_t fb_time_min(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

/* The time 'ns' after 'start_ns'; FB_NEVER where it lies beyond all that can be counted. */
static inline uint64_t fb_time_after(uint64_t start_ns, uint64_t ns)
{
	return ns < FB_NEVER - start_ns ? start_ns + ns : FB_NEVER;
}

/* True when 'deadline_ns' has come at 'now_ns'; FB_NEVER does not even at the end of all that can
 * be counted. */
static inline bool fb_time_due(uint64_t deadline_ns, uint64_t now_ns)
{
	return deadline_ns <= now_ns && deadline_ns != FB_NEVER;
}

#endif
