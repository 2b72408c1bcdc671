/* A byte ring that grows by doubling up to a limit: stream buffers (TCP send and receive, control
 * channels). */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	uint8_t *data;
	size_t size; /* power of two, or 0 */
	size_t head; /* offset of the first byte */
	size_t len;  /* bytes held */
	size_t max;  /* limit of 'size', a power of two */
};

/* 'max' is rounded up to a power of two. */
void ring_init(struct ring *ring, size_t max);
void ring_destroy(struct ring *ring);
static inline size_t ring_space(const struct ring *ring)
{
	return ring->max - ring->len;
}
/* Append up to 'len' bytes; returns how many fit (0 also when memory is short). */
size_t ring_write(struct ring *ring, const void *bytes, size_t len);
/* Copy 'len' bytes that start 'offset' bytes after the first; offset + len <= ring->len. */
void ring_peek(const struct ring *ring, size_t offset, void *bytes, size_t len);
/* The first contiguous run; returns its length. */
size_t ring_front(const struct ring *ring, const uint8_t **bytes);
/* Drop the first 'len' bytes. */
void ring_consume(struct ring *ring, size_t len);

#endif
