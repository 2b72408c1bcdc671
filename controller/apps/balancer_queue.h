/* Entries of an fb_table that all wait for the same time: first in, first due.
 *
 * A table's order of use is one order; sessions in different states and addresses that are probed
 * at different rates need several. A queue links its entries by their indexes, so that it survives
 * that the table moves; each entry is in one queue at most. All is O(1). */
#ifndef BALANCER_QUEUE_H
#define BALANCER_QUEUE_H

#include <flowbed/table.h>
#include <flowbed/time.h>

/* A member of the entry. */
struct balancer_link {
	uint64_t due_ns;
	uint32_t older, newer; /* indexes of the neighbours; FB_TABLE_NONE at the ends */
};

struct balancer_queue {
	struct fb_table *table;
	size_t link_ofs;  /* of the struct balancer_link in an entry */
	uint64_t wait_ns; /* an entry is due so long after it was pushed; FB_NEVER: not at all */
	uint32_t oldest, newest; /* FB_TABLE_NONE: empty */
	uint32_t count;
};

void balancer_queue_init(struct balancer_queue *q, struct fb_table *table, size_t link_ofs,
                         uint64_t wait_ns);
/* Append 'entry', which is in no queue. */
void balancer_queue_push(struct balancer_queue *q, void *entry, uint64_t now_ns);
/* Take 'entry' out of the queue that it is in. */
void balancer_queue_remove(struct balancer_queue *q, void *entry);
/* The entry that is due first, or NULL. */
void *balancer_queue_oldest(const struct balancer_queue *q);
/* When it is due; FB_NEVER for an empty queue. */
uint64_t balancer_queue_due(const struct balancer_queue *q);

#endif
