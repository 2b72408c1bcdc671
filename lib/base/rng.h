/* A seeded generator (xoshiro256**), one for each consumer of randomness.
 *
 * Each is derived from the run's seed and the consumer's own name, so that adding a consumer
 * changes nothing elsewhere. Integers only: the same draws on every machine. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t s[4];
};

/* Derive from 'seed' and the terminated 'name'. */
void rng_init(struct rng *rng, uint64_t seed, const char *name);
uint64_t rng_next(struct rng *rng);
/* Uniform in [0, bound), without bias; 'bound' is at least 1. */
uint64_t rng_below(struct rng *rng, uint64_t bound);
/* True with a probability of 'ppm' parts per million. Draws also when ppm is 0. */
bool rng_chance_ppm(struct rng *rng, uint32_t ppm);

#endif
