/* The seeded generator: xoshiro256** (Blackman and Vigna), whose state is filled by splitmix64 from
 * the hash of the consumer's name under the run's seed. */
#include "lib/base/rng.h"

#include <assert.h>
#include <string.h>
#include <xxhash.h>

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline uint64_t rotate_left(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

void rng_init(struct rng *rng, uint64_t seed, const char *name)
{
	uint64_t state = XXH3_64bits_withSeed(name, strlen(name), seed);

	for (int i = 0; i < 4; i++)
		rng->s[i] = splitmix64(&state);
}

uint64_t rng_next(struct rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t shifted = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= shifted;
	s[3] = rotate_left(s[3], 45);
	return result;
}

/* The upper half of draw * bound is uniform once the few draws are refused whose lower half falls
 * into the remainder of 2^64 by 'bound'. */
uint64_t rng_below(struct rng *rng, uint64_t bound)
{
	__extension__ unsigned __int128 product;
	uint64_t refused;

	assert(bound >= 1);
	refused = -bound % bound;
	do {
		uint64_t draw = rng_next(rng);

		product = (__extension__(unsigned __int128) draw) * bound;
	} while ((uint64_t)product < refused);
	return (uint64_t)(product >> 64);
}

bool rng_chance_ppm(struct rng *rng, uint32_t ppm)
{
	return rng_below(rng, 1000000) < ppm;
}
