/* The pattern; see pattern.h. Word i is (i + 1) times an odd number, modulo 2^64, least significant
 * byte first: no two are alike, and the next word is one addition away. The vector type is for
 * speed alone. */
#include "sim/pattern.h"

#include <string.h>

#define STEP UINT64_C(0x9e6c63d0676a9a99)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "words are stored as they are: swap here");

typedef uint64_t pair __attribute__((vector_size(16)));

enum { VECTOR_BYTES = 4 * sizeof(pair) };

/* Write 'count' times eight words, of which 'word' is the first; returns the word behind the last.
 */
static uint64_t fill_vectors(uint8_t *bytes, size_t count, uint64_t word)
{
	const pair step = {8 * STEP, 8 * STEP};
	pair a = {word, word + STEP};
	pair b = {word + 2 * STEP, word + 3 * STEP};
	pair c = {word + 4 * STEP, word + 5 * STEP};
	pair d = {word + 6 * STEP, word + 7 * STEP};

	for (; count; count--, bytes += VECTOR_BYTES) {
		memcpy(bytes, &a, sizeof a);
		memcpy(bytes + sizeof a, &b, sizeof b);
		memcpy(bytes + 2 * sizeof a, &c, sizeof c);
		memcpy(bytes + 3 * sizeof a, &d, sizeof d);
		a += step;
		b += step;
		c += step;
		d += step;
	}
	return a[0];
}

void pattern_fill(uint64_t offset, uint8_t *bytes, size_t len)
{
	uint64_t word = (offset / 8 + 1) * STEP;
	size_t skip = offset % 8;

	if (skip) {
		size_t part = 8 - skip < len ? 8 - skip : len;

		memcpy(bytes, (const uint8_t *)&word + skip, part);
		bytes += part;
		len -= part;
		word += STEP;
	}
	word = fill_vectors(bytes, len / VECTOR_BYTES, word);
	bytes += len / VECTOR_BYTES * VECTOR_BYTES;
	for (len %= VECTOR_BYTES; len >= 8; len -= 8, bytes += 8, word += STEP)
		memcpy(bytes, &word, 8);
	memcpy(bytes, &word, len);
}
