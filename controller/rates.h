/* How fast counters rise: over the last seconds, from samples that the owner takes once a second.
 *
 * Pure: time and counts come as arguments. The rate is that from the oldest sample kept to now; at
 * least a second is counted, so that the first messages of a connection are no storm. */
#ifndef CONTROLLER_RATES_H
#define CONTROLLER_RATES_H

#include <stdint.h>

enum {
	RATES_COUNT = 5, /* counters */
	RATES_SAMPLES = 6,
};

struct rates {
	uint32_t count, next; /* samples kept; the place of the next one */
	uint64_t at_ns[RATES_SAMPLES];
	uint64_t samples[RATES_SAMPLES][RATES_COUNT];
};

void rates_sample(struct rates *rates, uint64_t now_ns, const uint64_t counts[RATES_COUNT]);
/* By second, at 'now_ns', when the counters, which rose from 0 at 'start_ns' on, are at 'counts'.
 * 'rates' NULL: no sample was taken yet. */
void rates_per_s(const struct rates *rates, uint64_t start_ns, uint64_t now_ns,
                 const uint64_t counts[RATES_COUNT], uint64_t per_s[RATES_COUNT]);

#endif
