/* The byte ring; see ring.h. What wraps around the end of the array is copied in two parts. */
#include "lib/base/ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_FIRST = 1024 }; /* bytes */

static inline size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

void ring_init(struct ring *ring, size_t max)
{
	size_t rounded = 1;

	assert(max <= SIZE_MAX / 2);
	while (rounded < max)
		rounded *= 2;
	*ring = (struct ring){.max = rounded};
}

void ring_destroy(struct ring *ring)
{
	free(ring->data);
	ring->data = NULL;
	ring->size = ring->head = ring->len = 0;
}

/* Make room for 'needed' bytes, at most ring->max; false when memory is short. */
static bool grow(struct ring *ring, size_t needed)
{
	size_t size = ring->size ? ring->size : min(SIZE_FIRST, ring->max);
	uint8_t *data;

	while (size < needed)
		size *= 2;
	data = malloc(size);
	if (!data)
		return false;
	ring_peek(ring, 0, data, ring->len);
	free(ring->data);
	ring->data = data;
	ring->size = size;
	ring->head = 0;
	return true;
}

size_t ring_write(struct ring *ring, const void *bytes, size_t len)
{
	size_t tail, first;

	len = min(len, ring_space(ring));
	if (!len)
		return 0;
	if (ring->len + len > ring->size && !grow(ring, ring->len + len))
		return 0;
	tail = (ring->head + ring->len) & (ring->size - 1);
	first = min(len, ring->size - tail);
	memcpy(ring->data + tail, bytes, first);
	memcpy(ring->data, (const uint8_t *)bytes + first, len - first);
	ring->len += len;
	return len;
}

void ring_peek(const struct ring *ring, size_t offset, void *bytes, size_t len)
{
	size_t start, first;

	assert(offset <= ring->len && len <= ring->len - offset);
	if (!len)
		return;
	start = (ring->head + offset) & (ring->size - 1);
	first = min(len, ring->size - start);
	memcpy(bytes, ring->data + start, first);
	memcpy((uint8_t *)bytes + first, ring->data, len - first);
}

size_t ring_front(const struct ring *ring, const uint8_t **bytes)
{
	*bytes = ring->len ? ring->data + ring->head : NULL;
	return min(ring->len, ring->size - ring->head);
}

void ring_consume(struct ring *ring, size_t len)
{
	assert(len <= ring->len);
	ring->len -= len;
	/* An empty ring starts over, so that what is written next is in one piece. */
	ring->head = ring->len ? (ring->head + len) & (ring->size - 1) : 0;
}
