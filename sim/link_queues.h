/* The queues of a link's end: who sends next (specification 1.0.0, section 5.2.2).
 *
 * Frames wait in queues with numbers, and, those that name none, in one more: the rest. A queue may
 * have a minimum rate, a share of the link: as long as it has frames it gets at least that, however
 * much waits elsewhere. What no minimum rate claims goes in equal parts to the rest and the queues
 * without a minimum rate. What somebody has no use for, the others share in proportion to their own
 * parts: the link is never idle while a frame waits. Where minimum rates claim all, those without
 * one send when no queue with one has a frame.
 *
 * Deficit round robin (Shreedhar and Varghese, 1995): queues that have frames take turns; each turn
 * adds the queue's quantum to what it may send, and what it did not use stays for the next turn. So
 * over any time in which a queue always has frames it is less than two quanta and a frame short of
 * its part. The smallest quantum is the longest Ethernet frame, so that each turn sends one and a
 * frame costs constant time; only one that is longer takes several turns.
 *
 * A queue holds so many bytes; a frame that does not fit is refused and counted. An empty one takes
 * any frame. Order within a queue is kept.
 *
 * Pure and without time: the link (link.c) says when a frame can go. */
#ifndef SIM_LINK_QUEUES_H
#define SIM_LINK_QUEUES_H

#include <stdbool.h>

#include "lib/base/frame.h"

enum {
	LINK_QUEUES_MAX = 64,                /* without the rest */
	LINK_QUEUE_FRAMES_MAX = 1 << 20,     /* in one queue */
	LINK_QUEUE_RATE_ALL = 1000,          /* permille: minimum rates together */
	LINK_QUEUE_RATE_NONE = 65535,        /* permille: no minimum rate */
	LINK_QUEUE_QUANTUM_BYTES_MIN = 1542, /* on the wire: 1,518 with a tag, and 24 around them */
};
#define LINK_QUEUE_REST UINT32_MAX /* names no queue: OFPQ_ALL */

struct link_queue_counters {
	uint64_t taken_frames, taken_bytes; /* that went; bytes on the wire */
	uint64_t dropped;                   /* refused: the queue was full */
};

struct link_queues;

/* Without queues but the rest. Each may hold 'bytes_max' bytes on the wire. */
struct link_queues *link_queues_new(uint64_t bytes_max);
/* Change that; frames that wait stay. */
void link_queues_set_bytes_max(struct link_queues *queues, uint64_t bytes_max);
void link_queues_free(struct link_queues *queues); /* takes NULL; gives back the frames */

/* Add the queue 'queue_id' with a minimum rate in permille, 0 or more than LINK_QUEUE_RATE_ALL:
 * none. While no frame waits. -1: it is there or is LINK_QUEUE_REST, it is one too many, or more
 * than all would be guaranteed. */
int link_queues_add(struct link_queues *queues, uint32_t queue_id, uint16_t min_rate_permille);

/* Append 'frame', which takes 'wire_bytes', to 'queue_id' (a number that was not added: the rest);
 * takes over the reference. False, the reference staying with the caller: it is full. */
bool link_queues_put(struct link_queues *queues, uint32_t queue_id, struct frame *frame,
                     uint32_t wire_bytes);
/* The frame that goes next, with its reference; NULL: none waits. */
struct frame *link_queues_take(struct link_queues *queues);

/* Frames that wait; and whether there is one among them that 'counts' holds for. */
uint64_t link_queues_waiting(const struct link_queues *queues);
bool link_queues_hold(const struct link_queues *queues, bool (*counts)(struct frame *frame));
/* Bytes on the wire in the one that has most. */
uint64_t link_queues_longest_bytes(const struct link_queues *queues);
/* Of 'queue_id', as link_queues_put() names it. */
const struct link_queue_counters *link_queues_counters(const struct link_queues *queues,
                                                       uint32_t queue_id);

#endif
