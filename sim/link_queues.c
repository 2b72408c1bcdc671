/* Deficit round robin over the queues of a link's end. See link_queues.h.
 *
 * Parts are exact integers: with n queues that have no minimum rate (the rest is one of them), one
 * with a minimum rate of r permille has the weight n * r, and each of the n what is left over of
 * 1,000. A quantum is its queue's weight times LINK_QUEUE_QUANTUM_BYTES_MIN, and a byte costs the
 * smallest weight, so that no quantum is rounded.
 *
 * A queue that has frames is in one of two lists: 'sharing', whose members take turns by their
 * parts, or 'waiting', for those that have none because minimum rates claim all; these take turns
 * alike when 'sharing' is empty. */
#include "sim/link_queues.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "lib/base/xalloc.h"

enum { FIFO_SIZE_FIRST = 64 }; /* frames */

struct waiting {
	struct frame *frame;
	uint32_t wire_bytes;
};

struct queue {
	TAILQ_ENTRY(queue) turn; /* in one of the lists while it has frames */
	uint32_t id;
	uint16_t min_rate_permille; /* 0: none */
	bool in_turn;               /* it has had this turn's quantum */
	uint64_t quantum, deficit;  /* bytes times 'byte_cost'; a quantum of 0: it has no part */

	struct waiting *fifo; /* a ring */
	uint32_t fifo_size;   /* a power of two, or 0 */
	uint32_t fifo_head;
	uint32_t fifo_count;
	uint64_t bytes; /* on the wire, of the frames in it */

	struct link_queue_counters counters;
};

TAILQ_HEAD(turns, queue);

struct link_queues {
	struct queue *list[LINK_QUEUES_MAX + 1]; /* by rising id: the rest is the last */
	unsigned count;
	uint64_t bytes_max;
	uint64_t byte_cost;
	uint64_t frames; /* that wait */
	struct turns sharing, waiting;
};

/* --- Making --- */

static struct queue *queue_new(uint32_t id, uint16_t min_rate_permille)
{
	struct queue *queue = xcalloc(1, sizeof *queue);

	queue->id = id;
	queue->min_rate_permille = min_rate_permille;
	return queue;
}

/* Give each queue its quantum. */
static void share_out(struct link_queues *queues)
{
	uint64_t left = LINK_QUEUE_RATE_ALL, without = 0, least = UINT64_MAX;

	for (unsigned i = 0; i < queues->count; i++) {
		left -= queues->list[i]->min_rate_permille;
		without += !queues->list[i]->min_rate_permille;
	}
	for (unsigned i = 0; i < queues->count; i++) {
		struct queue *queue = queues->list[i];
		uint64_t weight =
		        queue->min_rate_permille ? without * queue->min_rate_permille : left;

		queue->quantum = weight * LINK_QUEUE_QUANTUM_BYTES_MIN;
		if (weight && weight < least)
			least = weight;
	}
	queues->byte_cost = least;
}

struct link_queues *link_queues_new(uint64_t bytes_max)
{
	struct link_queues *queues = xcalloc(1, sizeof *queues);

	queues->bytes_max = bytes_max;
	TAILQ_INIT(&queues->sharing);
	TAILQ_INIT(&queues->waiting);
	queues->list[queues->count++] = queue_new(LINK_QUEUE_REST, 0);
	share_out(queues);
	return queues;
}

void link_queues_set_bytes_max(struct link_queues *queues, uint64_t bytes_max)
{
	queues->bytes_max = bytes_max;
}

void link_queues_free(struct link_queues *queues)
{
	struct frame *frame;

	if (!queues)
		return;
	while ((frame = link_queues_take(queues)) != NULL)
		frame_unref(frame);
	for (unsigned i = 0; i < queues->count; i++) {
		free(queues->list[i]->fifo);
		free(queues->list[i]);
	}
	free(queues);
}

int link_queues_add(struct link_queues *queues, uint32_t queue_id, uint16_t min_rate_permille)
{
	uint16_t rate = min_rate_permille > LINK_QUEUE_RATE_ALL ? 0 : min_rate_permille;
	uint32_t guaranteed = rate;
	unsigned place = 0;

	assert(!queues->frames);
	for (unsigned i = 0; i < queues->count; i++) {
		guaranteed += queues->list[i]->min_rate_permille;
		place += queues->list[i]->id < queue_id;
	}
	if (queues->count > LINK_QUEUES_MAX || guaranteed > LINK_QUEUE_RATE_ALL ||
	    queues->list[place]->id == queue_id)
		return -1;
	for (unsigned i = queues->count++; i > place; i--)
		queues->list[i] = queues->list[i - 1];
	queues->list[place] = queue_new(queue_id, rate);
	share_out(queues);
	return 0;
}

/* --- Frames --- */

/* The queue 'id', or the rest: there is always one with a number that is not smaller. */
static struct queue *find(const struct link_queues *queues, uint32_t id)
{
	unsigned first = 0, last = queues->count - 1;

	while (first < last) {
		unsigned middle = (first + last) / 2;

		if (queues->list[middle]->id < id)
			first = middle + 1;
		else
			last = middle;
	}
	return queues->list[first]->id == id ? queues->list[first]
	                                     : queues->list[queues->count - 1];
}

static void fifo_grow(struct queue *queue)
{
	uint32_t size = queue->fifo_size ? 2 * queue->fifo_size : FIFO_SIZE_FIRST;
	struct waiting *fifo = xmalloc(size * sizeof *fifo);

	for (uint32_t i = 0; i < queue->fifo_count; i++)
		fifo[i] = queue->fifo[(queue->fifo_head + i) & (queue->fifo_size - 1)];
	free(queue->fifo);
	queue->fifo = fifo;
	queue->fifo_size = size;
	queue->fifo_head = 0;
}

bool link_queues_put(struct link_queues *queues, uint32_t queue_id, struct frame *frame,
                     uint32_t wire_bytes)
{
	struct queue *queue = find(queues, queue_id);

	if (queue->fifo_count && (queue->bytes + wire_bytes > queues->bytes_max ||
	                          queue->fifo_count >= LINK_QUEUE_FRAMES_MAX)) {
		queue->counters.dropped++;
		return false;
	}
	if (queue->fifo_count == queue->fifo_size)
		fifo_grow(queue);
	queue->fifo[(queue->fifo_head + queue->fifo_count) & (queue->fifo_size - 1)] =
	        (struct waiting){frame, wire_bytes};
	if (!queue->fifo_count++) {
		if (queue->quantum)
			TAILQ_INSERT_TAIL(&queues->sharing, queue, turn);
		else
			TAILQ_INSERT_TAIL(&queues->waiting, queue, turn);
	}
	queue->bytes += wire_bytes;
	queues->frames++;
	return true;
}

/* Take the oldest frame of 'queue', the first of 'turns'. One that becomes empty has no claims. */
static struct frame *pop(struct link_queues *queues, struct turns *turns, struct queue *queue)
{
	const struct waiting oldest = queue->fifo[queue->fifo_head];

	queue->fifo_head = (queue->fifo_head + 1) & (queue->fifo_size - 1);
	queue->bytes -= oldest.wire_bytes;
	queues->frames--;
	queue->counters.taken_frames++;
	queue->counters.taken_bytes += oldest.wire_bytes;
	if (!--queue->fifo_count) {
		TAILQ_REMOVE(turns, queue, turn);
		queue->deficit = 0;
		queue->in_turn = false;
	}
	return oldest.frame;
}

struct frame *link_queues_take(struct link_queues *queues)
{
	struct turns *turns = TAILQ_EMPTY(&queues->sharing) ? &queues->waiting : &queues->sharing;
	const uint64_t alike = queues->byte_cost * LINK_QUEUE_QUANTUM_BYTES_MIN;
	struct queue *queue;

	while ((queue = TAILQ_FIRST(turns)) != NULL) {
		uint64_t cost = queue->fifo[queue->fifo_head].wire_bytes * queues->byte_cost;

		if (!queue->in_turn)
			queue->deficit += queue->quantum ? queue->quantum : alike;
		queue->in_turn = true;
		if (cost <= queue->deficit) {
			queue->deficit -= cost;
			return pop(queues, turns, queue);
		}
		queue->in_turn = false;
		TAILQ_REMOVE(turns, queue, turn);
		TAILQ_INSERT_TAIL(turns, queue, turn);
	}
	return NULL;
}

/* --- Counters --- */

uint64_t link_queues_waiting(const struct link_queues *queues)
{
	return queues->frames;
}

uint64_t link_queues_longest_bytes(const struct link_queues *queues)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < queues->count; i++)
		if (queues->list[i]->bytes > bytes)
			bytes = queues->list[i]->bytes;
	return bytes;
}

bool link_queues_hold(const struct link_queues *queues, bool (*counts)(struct frame *frame))
{
	for (unsigned i = 0; i < queues->count; i++) {
		const struct queue *queue = queues->list[i];

		for (uint32_t j = 0; j < queue->fifo_count; j++)
			if (counts(queue->fifo[(queue->fifo_head + j) & (queue->fifo_size - 1)]
			                   .frame))
				return true;
	}
	return false;
}

const struct link_queue_counters *link_queues_counters(const struct link_queues *queues,
                                                       uint32_t queue_id)
{
	return &find(queues, queue_id)->counters;
}
