/* Packet buffers; see buffers.h. Two lists run through the slots: those that are free, by the time
 * they became so, and those in use, which is also the order in which they expire. */
#include "softswitch/buffers.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"

enum { ID_BITS = 31 }; /* so that no id is OFP_NO_BUFFER */

struct buffer_slot {
	struct frame *frame; /* NULL: free */
	uint64_t uses;       /* how often the slot was taken; the low bits are in the id */
	uint64_t kept_ns;
	uint32_t next,
	        previous; /* in one of the lists: slot + 1, or 0; 'previous' of slots in use only */
	struct frame_origin origin;
};

void buffers_init(struct buffers *b, uint32_t slots_max, uint64_t expiry_ns)
{
	*b = (struct buffers){.slots_max = slots_max < BUFFERS_MAX ? slots_max : BUFFERS_MAX,
	                      .expiry_ns = expiry_ns,
	                      .in_use_max = UINT32_MAX};
	while ((UINT32_C(1) << b->slot_bits) < b->slots_max)
		b->slot_bits++;
	b->slots = xcalloc(b->slots_max, sizeof *b->slots);
	for (uint32_t i = 0; i < b->slots_max; i++)
		b->slots[i].next = i + 2 <= b->slots_max ? i + 2 : 0;
	b->free_first = b->slots_max ? 1 : 0;
	b->free_last = b->slots_max;
}

void buffers_destroy(struct buffers *b)
{
	for (uint32_t i = 0; i < b->slots_max; i++) {
		if (b->slots[i].frame)
			frame_unref(b->slots[i].frame);
	}
	free(b->slots);
	b->slots = NULL;
}

static uint64_t use_mask(const struct buffers *b)
{
	return (UINT64_C(1) << (ID_BITS - b->slot_bits)) - 1;
}

static uint32_t id_of(const struct buffers *b, uint32_t index)
{
	return (uint32_t)((b->slots[index].uses & use_mask(b)) << b->slot_bits | index);
}

bool buffers_put(struct buffers *b, struct frame *frame, struct frame_origin origin,
                 uint64_t now_ns, uint32_t *id)
{
	uint32_t index = b->free_first - 1;
	struct buffer_slot *slot;

	if (!b->free_first || b->in_use >= b->in_use_max)
		return false;
	slot = &b->slots[index];
	b->free_first = slot->next;
	if (!b->free_first)
		b->free_last = 0;
	slot->frame = frame_ref(frame);
	slot->origin = origin;
	slot->uses++;
	slot->kept_ns = now_ns;
	slot->next = 0;
	slot->previous = b->used_last;
	if (b->used_last)
		b->slots[b->used_last - 1].next = index + 1;
	else
		b->used_first = index + 1;
	b->used_last = index + 1;
	b->in_use++;
	*id = id_of(b, index);
	return true;
}

/* Take the slot out of those in use; returns its frame. */
static struct frame *slot_release(struct buffers *b, uint32_t index)
{
	struct buffer_slot *slot = &b->slots[index];
	struct frame *frame = slot->frame;

	if (slot->previous)
		b->slots[slot->previous - 1].next = slot->next;
	else
		b->used_first = slot->next;
	if (slot->next)
		b->slots[slot->next - 1].previous = slot->previous;
	else
		b->used_last = slot->previous;
	slot->frame = NULL;
	slot->next = 0;
	slot->previous = 0;
	if (b->free_last)
		b->slots[b->free_last - 1].next = index + 1;
	else
		b->free_first = index + 1;
	b->free_last = index + 1;
	b->in_use--;
	return frame;
}

enum buffers_result buffers_take(struct buffers *b, uint32_t id, struct frame **frame,
                                 struct frame_origin *origin)
{
	uint32_t index = id & ((UINT32_C(1) << b->slot_bits) - 1);
	uint64_t age;

	if (id >> ID_BITS || index >= b->slots_max)
		return BUFFERS_UNKNOWN;
	/* How many uses of the slot ago the id was made. */
	age = (b->slots[index].uses - (id >> b->slot_bits)) & use_mask(b);
	if (age >= b->slots[index].uses)
		return BUFFERS_UNKNOWN;
	if (age > 0 || !b->slots[index].frame)
		return BUFFERS_EMPTY;
	*origin = b->slots[index].origin;
	*frame = slot_release(b, index);
	return BUFFERS_OK;
}

void buffers_walk(const struct buffers *b, bool (*visit)(void *ctx, uint32_t id, uint64_t kept_ns),
                  void *ctx)
{
	for (uint32_t at = b->used_first; at; at = b->slots[at - 1].next)
		if (!visit(ctx, id_of(b, at - 1), b->slots[at - 1].kept_ns))
			return;
}

uint64_t buffers_deadline(const struct buffers *b)
{
	return b->used_first ? fb_time_after(b->slots[b->used_first - 1].kept_ns, b->expiry_ns)
	                     : FB_NEVER;
}

uint32_t buffers_expire(struct buffers *b, uint64_t now_ns)
{
	uint32_t count = 0;

	for (; fb_time_due(buffers_deadline(b), now_ns); count++)
		frame_unref(slot_release(b, b->used_first - 1));
	return count;
}
