/* Virtual time; see clock.h. An event that fires is out of the queue and may set itself again. */
#include "sim/clock.h"

#include <assert.h>

#define SEQUENCE_AFTER_FIRST (UINT64_C(1) << 48) /* more than there will be of those that come first */

static inline struct event *event_of(struct heap_node *node)
{
	_Static_assert(offsetof(struct event, node) == 0, "an event begins with its node");
	return (struct event *)(void *)node;
}

void clock_init(struct clock *clock, uint64_t events_max)
{
	*clock = (struct clock){.sequence = SEQUENCE_AFTER_FIRST, .events_max = events_max};
	heap_init(&clock->heap);
}

void clock_destroy(struct clock *clock)
{
	heap_destroy(&clock->heap);
}

static inline void set(struct clock *clock, struct event *event, uint64_t time_ns,
                       uint64_t *sequence)
{
	if (time_ns == FB_NEVER) {
		clock_cancel(clock, event);
		return;
	}
	assert(time_ns >= clock->now_ns);
	if (heap_contains(&event->node)) {
		heap_change(&clock->heap, &event->node, time_ns, (*sequence)++);
		return;
	}
	if (clock->heap.count >= clock->events_max ||
	    !heap_insert(&clock->heap, &event->node, time_ns, (*sequence)++))
		clock->overflow = true;
}

void clock_set(struct clock *clock, struct event *event, uint64_t time_ns)
{
	set(clock, event, time_ns, &clock->sequence);
}

void clock_set_first(struct clock *clock, struct event *event, uint64_t time_ns)
{
	set(clock, event, time_ns, &clock->first_sequence);
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
