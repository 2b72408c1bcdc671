/* Packet buffers: frames that wait for a controller's word (specification 1.0.0,
 * sections 5.3.1, 5.3.6 and 5.4.1).
 *
 * A fixed number of slots. A buffer id names the slot in its low bits and, in the 31 bits that
 * remain, the how-manieth use of the slot it is: an id that was used or has expired is recognised
 * as such until the slot has been through all its ids (8 million times with 256 slots), and the
 * slot that has been free for longest is taken first. A buffer is free again when it is used, or
 * when 'expiry_ns' have passed: then its frame is let go, so that a controller that never answers
 * holds memory for that time only. When no slot is free the frame is not kept, and whoever asked
 * sends it whole. */
#ifndef SOFTSWITCH_BUFFERS_H
#define SOFTSWITCH_BUFFERS_H

#include <stdbool.h>
#include <stdint.h>

#include <flowbed/time.h>

#include "lib/base/frame.h"
#include "softswitch/frame_origin.h"

enum { BUFFERS_MAX = 65536 };

struct buffer_slot;

struct buffers {
	struct buffer_slot *slots;
	uint32_t slots_max; /* slots, at most BUFFERS_MAX */
	unsigned slot_bits; /* of an id */
	uint64_t expiry_ns;
	uint32_t in_use_max; /* at most so many are taken; at first no limit */
	uint32_t in_use;
	uint32_t free_first, free_last; /* slot + 1: free slots, the one free for longest first */
	uint32_t used_first, used_last; /* slot + 1: slots in use, oldest first */
};

enum buffers_result {
	BUFFERS_OK,
	BUFFERS_EMPTY,   /* the id was given out and is gone: used or expired */
	BUFFERS_UNKNOWN, /* the id was never given out */
};

void buffers_init(struct buffers *buffers, uint32_t slots_max, uint64_t expiry_ns);
void buffers_destroy(struct buffers *buffers);
/* Keep 'frame' (a reference is taken) and its origin; false when no slot is free, or in_use_max are
 * taken. */
bool buffers_put(struct buffers *buffers, struct frame *frame, struct frame_origin origin,
                 uint64_t now_ns, uint32_t *id);
/* Use the buffer 'id': the caller gets its reference. */
enum buffers_result buffers_take(struct buffers *buffers, uint32_t id, struct frame **frame,
                                 struct frame_origin *origin);
/* Each buffer in use, the oldest first, and when it was kept; until 'visit' returns false. */
void buffers_walk(const struct buffers *buffers,
                  bool (*visit)(void *ctx, uint32_t id, uint64_t kept_ns), void *ctx);
/* When the oldest buffer expires. */
uint64_t buffers_deadline(const struct buffers *buffers);
/* Free what has expired at 'now_ns'; returns how many. */
uint32_t buffers_expire(struct buffers *buffers, uint64_t now_ns);

#endif
