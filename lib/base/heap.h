/* An intrusive binary heap: the event queue and every set of timers.
 *
 * Nodes are embedded in the owner's structures and ordered by (key, tie): a time in nanoseconds and
 * a sequence number that the owner hands out, so that the order is total and no result depends on
 * an address. Insert, remove and re-key are O(log n); the minimum is O(1). The only allocation is
 * the array of pointers. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	uint64_t key;   /* smallest first */
	uint64_t tie;   /* among equal keys, smallest first */
	uint32_t index; /* position + 1 in the array; 0: in no heap */
};

struct heap {
	struct heap_node **nodes;
	uint32_t count;
	uint32_t size; /* room at 'nodes' */
};

void heap_init(struct heap *heap);
/* Frees the array, not the nodes. */
void heap_destroy(struct heap *heap);

static inline struct heap_node *heap_min(const struct heap *heap)
{
	return heap->count ? heap->nodes[0] : NULL;
}

static inline bool heap_contains(const struct heap_node *node)
{
	return node->index != 0;
}

/* Insert 'node', which is in no heap, with 'key' and 'tie'. False when memory is short. */
bool heap_insert(struct heap *heap, struct heap_node *node, uint64_t key, uint64_t tie);
/* Remove 'node', which is in 'heap'. */
void heap_remove(struct heap *heap, struct heap_node *node);
/* Give 'node', which is in 'heap', another place. */
void heap_change(struct heap *heap, struct heap_node *node, uint64_t key, uint64_t tie);

#endif
