/* Entries of a table that wait for the same time; see balancer_queue.h. */
#include "controller/apps/balancer_queue.h"

static struct balancer_link *link_of(const struct balancer_queue *q, void *entry)
{
	return (struct balancer_link *)(void *)((uint8_t *)entry + q->link_ofs);
}

static struct balancer_link *link_at(const struct balancer_queue *q, uint32_t index)
{
	return link_of(q, fb_table_at(q->table, index));
}

void balancer_queue_init(struct balancer_queue *q, struct fb_table *table, size_t link_ofs,
                         uint64_t wait_ns)
{
	*q = (struct balancer_queue){
	        .table = table,
	        .link_ofs = link_ofs,
	        .wait_ns = wait_ns,
	        .oldest = FB_TABLE_NONE,
	        .newest = FB_TABLE_NONE,
	};
}

void balancer_queue_push(struct balancer_queue *q, void *entry, uint64_t now_ns)
{
	uint32_t index = fb_table_index_of(q->table, entry);
	struct balancer_link *link = link_of(q, entry);

	link->due_ns = q->wait_ns == FB_NEVER ? FB_NEVER : now_ns + q->wait_ns;
	link->older = q->newest;
	link->newer = FB_TABLE_NONE;
	if (q->newest != FB_TABLE_NONE)
		link_at(q, q->newest)->newer = index;
	else
		q->oldest = index;
	q->newest = index;
	q->count++;
}

void balancer_queue_remove(struct balancer_queue *q, void *entry)
{
	const struct balancer_link *link = link_of(q, entry);

	if (link->older != FB_TABLE_NONE)
		link_at(q, link->older)->newer = link->newer;
	else
		q->oldest = link->newer;
	if (link->newer != FB_TABLE_NONE)
		link_at(q, link->newer)->older = link->older;
	else
		q->newest = link->older;
	q->count--;
}

void *balancer_queue_oldest(const struct balancer_queue *q)
{
	return fb_table_at(q->table, q->oldest);
}

uint64_t balancer_queue_due(const struct balancer_queue *q)
{
	return q->oldest == FB_TABLE_NONE ? FB_NEVER : link_at(q, q->oldest)->due_ns;
}
