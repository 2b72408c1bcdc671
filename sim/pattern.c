/* The pattern; see pattern.h. Word i is (i + 1) times an odd number, modulo 2^64, least significant byte first: no two are
 * alike, and the next word is one addition away. */
#include "sim/pattern.h"

#include <string.h>

#define STEP UINT64_C(0x9e6c63d0676a9a99)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are stored as they are: swap here");

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
	for (; len >= 8; len -= 8, bytes += 8, word += STEP)
		memcpy(bytes, &word, 8);
	memcpy(bytes, &word, len);
}
