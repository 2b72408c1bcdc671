/* The intrusive binary heap; see heap.h.
 *
 * The array is 0-based: the children of i are 2i + 1 and 2i + 2. A node moves by leaving a hole
 * that others move into, so that each step writes one pointer and one index. */
#include "lib/base/heap.h"

#include <assert.h>
#include <stdlib.h>

enum { SIZE_FIRST = 64 }; /* pointers */

static inline bool before(const struct heap_node *a, const struct heap_node *b)
{
	return a->key < b->key || (a->key == b->key && a->tie < b->tie);
}

static inline void put(struct heap *heap, uint32_t at, struct heap_node *node)
{
	heap->nodes[at] = node;
	node->index = at + 1;
}

/* Put 'node' into the hole 'at' or above it. */
static void sift_up(struct heap *heap, uint32_t at, struct heap_node *node)
{
	while (at > 0) {
		uint32_t parent = (at - 1) / 2;

		if (!before(node, heap->nodes[parent]))
			break;
		put(heap, at, heap->nodes[parent]);
		at = parent;
	}
	put(heap, at, node);
}

/* Put 'node' into the hole 'at' or below it. */
static void sift_down(struct heap *heap, uint32_t at, struct heap_node *node)
{
	uint64_t child;

	while ((child = 2 * (uint64_t)at + 1) < heap->count) {
		if (child + 1 < heap->count && before(heap->nodes[child + 1], heap->nodes[child]))
			child++;
		if (!before(heap->nodes[child], node))
			break;
		put(heap, at, heap->nodes[child]);
		at = (uint32_t)child;
	}
	put(heap, at, node);
}

/* Put 'node' into the hole 'at', or where it belongs from there. */
static void settle(struct heap *heap, uint32_t at, struct heap_node *node)
{
	if (at > 0 && before(node, heap->nodes[(at - 1) / 2]))
		sift_up(heap, at, node);
	else
		sift_down(heap, at, node);
}

void heap_init(struct heap *heap)
{
	*heap = (struct heap){.nodes = NULL};
}

void heap_destroy(struct heap *heap)
{
	free(heap->nodes);
	heap_init(heap);
}

static bool grow(struct heap *heap)
{
	uint32_t size = heap->size ? heap->size * 2 : SIZE_FIRST;
	struct heap_node **nodes;

	if (size <= heap->size)
		return false;
	nodes = realloc(heap->nodes, size * sizeof(struct heap_node *));
	if (!nodes)
		return false;
	heap->nodes = nodes;
	heap->size = size;
	return true;
}

bool heap_insert(struct heap *heap, struct heap_node *node, uint64_t key, uint64_t tie)
{
	assert(!heap_contains(node));
	if (heap->count == heap->size && !grow(heap))
		return false;
	node->key = key;
	node->tie = tie;
	sift_up(heap, heap->count++, node);
	return true;
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	uint32_t at = node->index - 1;
	struct heap_node *last;

	assert(heap_contains(node) && at < heap->count && heap->nodes[at] == node);
	last = heap->nodes[--heap->count];
	if (last != node)
		settle(heap, at, last);
	node->index = 0;
}

void heap_change(struct heap *heap, struct heap_node *node, uint64_t key, uint64_t tie)
{
	uint32_t at = node->index - 1;

	assert(heap_contains(node) && at < heap->count && heap->nodes[at] == node);
	node->key = key;
	node->tie = tie;
	settle(heap, at, node);
}
