/* Reference-counted Ethernet frames from a pool.
 *
 * A frame is shared, not copied, on its way through hosts, links and switches: whoever keeps it
 * takes a reference, whoever wants to change it asks frame_writable() first, which copies only when
 * others hold it too. The pool keeps freed frames for reuse in two sizes, so that a running
 * simulation allocates nothing. A pool belongs to one thread. */
#ifndef BASE_FRAME_H
#define BASE_FRAME_H

#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_HEADROOM_BYTES = 32, /* in front of a new frame, for VLAN tags */
};

struct frame_pool;

struct frame {
	uint32_t refs;
	uint32_t len;      /* bytes of the frame */
	uint32_t offset;   /* of the frame's first byte in 'memory'; the headroom */
	uint32_t capacity; /* bytes at 'memory' */
	struct frame_pool *pool;
	union {
		struct frame *next_free; /* the pool's */
		uint64_t tag; /* the owner's: 0 in a new frame; goes along with frame_writable() */
	};
	uint8_t memory[];
};

struct frame_pool *frame_pool_new(void);
/* All frames must have been released (checked by an assertion). NULL is taken. */
void frame_pool_free(struct frame_pool *pool);
/* Frames that are out. */
uint64_t frame_pool_in_use(const struct frame_pool *pool);

static inline uint8_t *frame_data(struct frame *f)
{
	return f->memory + f->offset;
}

/* A new frame with room for 'len' bytes (at most 65,535), not initialised, one reference,
 * FRAME_HEADROOM_BYTES of headroom. Aborts when memory is short. */
struct frame *frame_new(struct frame_pool *pool, size_t len);
/* The same with a copy of 'len' bytes at 'bytes'. */
struct frame *frame_copy_of(struct frame_pool *pool, const void *bytes, size_t len);

static inline struct frame *frame_ref(struct frame *f)
{
	f->refs++;
	return f;
}

/* Give back one reference. */
void frame_unref(struct frame *f);

/* A frame with the same bytes that only the caller holds and that has headroom for a VLAN tag: 'f'
 * itself or a copy. Takes over the caller's reference of 'f'. */
struct frame *frame_writable(struct frame *f);

#endif
