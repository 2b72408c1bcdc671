/* The pool of frames; see frame.h.
 *
 * Two size classes cover all that hosts and links of the usual MTU send: small ones (TCP segments
 * without data, ARP, ping) and whole ones. A freed frame of a class goes to the head of its list,
 * where its memory is still in the cache. Larger frames are allocated one by one. The lists never
 * hold more than were out at one moment: whoever bounds the frames in flight bounds the pool.
 *
 * Under AddressSanitizer the bytes of a frame in a list are poisoned, so that a frame used after
 * its last reference went is found as if it had been freed. */
#include "lib/base/frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#endif
#ifdef UNDER_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(memory, bytes)   ((void)(memory), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(memory, bytes) ((void)(memory), (void)(bytes))
#endif

enum {
	SMALL_BYTES = 256 + FRAME_HEADROOM_BYTES,
	WHOLE_BYTES = 2048 + FRAME_HEADROOM_BYTES,
	LEN_MAX = 65535,
	TAG_BYTES = 4, /* a VLAN tag */
};

struct frame_pool {
	struct frame *small; /* free frames of SMALL_BYTES */
	struct frame *whole; /* free frames of WHOLE_BYTES */
	uint64_t in_use;
};

struct frame_pool *frame_pool_new(void)
{
	return xcalloc(1, sizeof(struct frame_pool));
}

static void list_free(struct frame *f)
{
	while (f) {
		struct frame *next = f->next_free;

		ASAN_UNPOISON_MEMORY_REGION(f->memory, f->capacity);
		free(f);
		f = next;
	}
}

void frame_pool_free(struct frame_pool *pool)
{
	if (!pool)
		return;
	assert(pool->in_use == 0);
	list_free(pool->small);
	list_free(pool->whole);
	free(pool);
}

uint64_t frame_pool_in_use(const struct frame_pool *pool)
{
	return pool->in_use;
}

/* The list of the class of 'capacity' bytes; NULL: frames of that size are not kept. */
static inline struct frame **list_of(struct frame_pool *pool, uint32_t capacity)
{
	if (capacity == SMALL_BYTES)
		return &pool->small;
	if (capacity == WHOLE_BYTES)
		return &pool->whole;
	return NULL;
}

struct frame *frame_new(struct frame_pool *pool, size_t len)
{
	uint32_t capacity = (uint32_t)len + FRAME_HEADROOM_BYTES;
	struct frame **list;
	struct frame *f;

	assert(len <= LEN_MAX);
	if (capacity <= WHOLE_BYTES)
		capacity = capacity <= SMALL_BYTES ? SMALL_BYTES : WHOLE_BYTES;
	list = list_of(pool, capacity);
	if (list && *list) {
		f = *list;
		*list = f->next_free;
		ASAN_UNPOISON_MEMORY_REGION(f->memory, f->capacity);
	} else {
		f = xmalloc(sizeof *f + capacity);
		f->capacity = capacity;
		f->pool = pool;
	}
	f->refs = 1;
	f->len = (uint32_t)len;
	f->offset = FRAME_HEADROOM_BYTES;
	f->tag = 0;
	pool->in_use++;
	return f;
}

struct frame *frame_copy_of(struct frame_pool *pool, const void *bytes, size_t len)
{
	struct frame *f = frame_new(pool, len);

	if (len)
		memcpy(frame_data(f), bytes, len);
	return f;
}

void frame_unref(struct frame *f)
{
	struct frame **list;

	assert(f->refs > 0);
	if (--f->refs)
		return;
	f->pool->in_use--;
	list = list_of(f->pool, f->capacity);
	if (!list) {
		free(f);
		return;
	}
	ASAN_POISON_MEMORY_REGION(f->memory, f->capacity);
	f->next_free = *list;
	*list = f;
}

struct frame *frame_writable(struct frame *f)
{
	struct frame *copy;

	if (f->refs == 1 && f->offset >= TAG_BYTES)
		return f;
	copy = frame_copy_of(f->pool, frame_data(f), f->len);
	copy->tag = f->tag;
	frame_unref(f);
	return copy;
}
