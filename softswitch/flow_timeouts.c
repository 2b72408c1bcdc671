/* The heap of flow entries by deadline; see flow_timeouts.h. */
#include "softswitch/flow_timeouts.h"

#include <stdlib.h>

static struct flow_entry *entry_of(struct heap_node *node)
{
	return (struct flow_entry *)((char *)node - offsetof(struct flow_entry, timer));
}

static uint64_t idle_deadline(const struct flow_entry *e)
{
	return e->idle_timeout ? fb_time_after(e->used_ns, e->idle_timeout * FB_NS_PER_S)
	                       : FB_NEVER;
}

static uint64_t hard_deadline(const struct flow_entry *e)
{
	return e->hard_timeout ? fb_time_after(e->created_ns, e->hard_timeout * FB_NS_PER_S)
	                       : FB_NEVER;
}

static uint64_t deadline_of(const struct flow_entry *e)
{
	return fb_time_min(idle_deadline(e), hard_deadline(e));
}

void flow_timeouts_init(struct flow_timeouts *timeouts)
{
	heap_init(&timeouts->heap);
}

void flow_timeouts_destroy(struct flow_timeouts *timeouts)
{
	heap_destroy(&timeouts->heap);
}

void flow_timeouts_add(struct flow_timeouts *timeouts, struct flow_entry *e)
{
	uint64_t deadline = deadline_of(e);

	if (deadline == FB_NEVER)
		return;
	if (!heap_insert(&timeouts->heap, &e->timer, deadline, e->order))
		abort();
}

void flow_timeouts_remove(struct flow_timeouts *timeouts, struct flow_entry *e)
{
	if (heap_contains(&e->timer))
		heap_remove(&timeouts->heap, &e->timer);
}

struct flow_entry *flow_timeouts_expired(struct flow_timeouts *timeouts, uint64_t now_ns,
                                         uint8_t *reason)
{
	struct heap_node *node;

	while ((node = heap_min(&timeouts->heap)) != NULL && fb_time_due(node->key, now_ns)) {
		struct flow_entry *e = entry_of(node);
		uint64_t deadline = deadline_of(e);

		if (deadline > node->key) {
			heap_change(&timeouts->heap, node, deadline, e->order);
			continue;
		}
		heap_remove(&timeouts->heap, node);
		*reason = hard_deadline(e) <= deadline ? OFPRR_HARD_TIMEOUT : OFPRR_IDLE_TIMEOUT;
		return e;
	}
	return NULL;
}
