/* Virtual time; see clock.h. An event that fires is out of the queue and may set itself again. */
#include "sim/clock.h"

#include <assert.h>

static inline struct event *event_of(struct heap_node *node)
{
	_Static_assert(offsetof(struct event, node) == 0, "an event begins with its node");
	return (struct event *)(void *)node;
}

void clock_init(struct clock *clock, uint64_t events_max)
{
	*clock = (struct clock){.events_max = events_max};
	heap_init(&clock->heap);
}

void clock_destroy(struct clock *clock)
{
	heap_destroy(&clock->heap);
}

void clock_set(struct clock *clock, struct event *event, uint64_t time_ns)
{
	if (time_ns == FB_NEVER) {
		clock_cancel(clock, event);
		return;
	}
	assert(time_ns >= clock->now_ns);
	if (heap_contains(&event->node)) {
		heap_change(&clock->heap, &event->node, time_ns, clock->sequence++);
		return;
	}
	if (clock->heap.count >= clock->events_max ||
	    !heap_insert(&clock->heap, &event->node, time_ns, clock->sequence++))
		clock->overflow = true;
}

void clock_cancel(struct clock *clock, struct event *event)
{
	if (heap_contains(&event->node))
		heap_remove(&clock->heap, &event->node);
}

uint64_t clock_next(const struct clock *clock)
{
	const struct heap_node *first = heap_min(&clock->heap);

	return first ? first->key : FB_NEVER;
}

bool clock_step(struct clock *clock)
{
	struct heap_node *first = heap_min(&clock->heap);
	struct event *event;

	if (!first)
		return false;
	event = event_of(first);
	clock->now_ns = first->key;
	clock->fired++;
	heap_remove(&clock->heap, first);
	event->fire(event);
	return true;
}

void clock_advance(struct clock *clock, uint64_t time_ns)
{
	assert(time_ns >= clock->now_ns && time_ns <= clock_next(clock));
	clock->now_ns = time_ns;
}
