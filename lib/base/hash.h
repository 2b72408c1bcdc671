/* A fast hash of short keys, for tables.
 *
 * Each pair of 8-byte words goes through one 64 x 64 -> 128 bit multiplication whose halves are
 * folded together; that mixes every bit of the key into every bit of the result in two or three
 * cycles. The same key has the same hash on every machine. Whoever knows the constants can choose
 * keys that collide (for one, any first word beside the second word HASH_B): where others choose
 * the keys, a seed that they do not know is mixed in before the multiplication. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Odd numbers with irregular bits: fractional parts of square roots of primes. */
#define HASH_A UINT64_C(0x6a09e667f3bcc909)
#define HASH_B UINT64_C(0xbb67ae8584caa73b)
#define HASH_C UINT64_C(0x3c6ef372fe94f82b)

static inline uint64_t hash_load64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

static inline uint32_t hash_load32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return v;
}

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* One word. */
static inline uint64_t hash_u64(uint64_t v)
{
	return hash_mix(v ^ HASH_A, HASH_B);
}

/* Two words. */
static inline uint64_t hash_u128(uint64_t v, uint64_t w)
{
	return hash_mix(hash_mix(v ^ HASH_A, w ^ HASH_B), HASH_C);
}

/* What is mixed into the words of a key before they are hashed; zeros: nothing. */
struct hash_seed {
	uint64_t a, b;
};

/* The seed made of the number 'v'. */
static inline struct hash_seed hash_seed_of(uint64_t v)
{
	return (struct hash_seed){hash_u128(v, HASH_C), hash_u128(v, HASH_A)};
}

/* Any 'len' of at least 1 byte. Keys of different lengths may collide: a table has one length. */
static inline uint64_t hash_bytes(struct hash_seed seed, const void *key, size_t len)
{
	const uint8_t *p = key;
	uint64_t sum = HASH_C ^ seed.b;

	if (len < 4)
		return hash_u64(((uint64_t)p[0] << 16 | (uint64_t)p[len / 2] << 8 | p[len - 1]) ^
		                seed.a);
	if (len <= 8)
		return hash_u64(((uint64_t)hash_load32(p) << 32 | hash_load32(p + len - 4)) ^
		                seed.a);
	for (size_t left = len; left > 16; left -= 16, p += 16)
		sum = hash_mix(hash_load64(p) ^ HASH_A ^ seed.a, hash_load64(p + 8) ^ sum) ^ HASH_B;
	/* The last 16 bytes, which overlap what came before; of 9 to 15 bytes, two words that
	 * overlap. */
	p = (const uint8_t *)key + len;
	if (len < 16)
		return hash_u128(hash_load64(key) ^ seed.a, hash_load64(p - 8) ^ seed.b);
	return hash_u128(hash_load64(p - 16) ^ sum, hash_load64(p - 8) ^ seed.b);
}

#endif
