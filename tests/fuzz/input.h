/* What the fuzz targets that take lists of steps share: the input as it is read off. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The input that is left. */
struct input {
	const uint8_t *at;
	size_t left;
};

static inline void check(bool good)
{
	if (!good)
		abort();
}

/* The next byte; 0 at the end. */
static inline uint8_t take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static inline uint16_t take16(struct input *in)
{
	uint8_t high = take(in), low = take(in);

	return (uint16_t)(high << 8 | low);
}

#endif
