/* The heap against a plain search for the least, seeded. */
#include "tests/unit/harness.h"

#include "lib/base/heap.h"
#include "lib/base/rng.h"

enum { NODES = 300 };

static struct heap_node *least(struct heap_node *nodes)
{
	struct heap_node *found = NULL;

	for (int i = 0; i < NODES; i++) {
		struct heap_node *n = &nodes[i];

		if (heap_contains(n) && (!found || n->key < found->key ||
		                         (n->key == found->key && n->tie < found->tie)))
			found = n;
	}
	return found;
}

/* Insert, change or remove the node, as chance will. */
static void step(struct heap *heap, struct heap_node *node, uint64_t tie, struct rng *rng)
{
	uint64_t key = rng_below(rng, 50);

	if (!heap_contains(node)) {
		CU_ASSERT_FATAL(heap_insert(heap, node, key, tie));
	} else if (rng_below(rng, 2)) {
		heap_change(heap, node, key, tie);
	} else {
		heap_remove(heap, node);
	}
}

static void the_least_node_is_first_whatever_happened_before(void)
{
	struct heap_node nodes[NODES] = {{0, 0, 0}};
	struct heap heap;
	struct rng rng;
	uint32_t in_heap = 0;

	heap_init(&heap);
	rng_init(&rng, 1, "heap_test");
	for (uint64_t tie = 0; tie < 20000; tie++) {
		struct heap_node *node = &nodes[rng_below(&rng, NODES)];

		in_heap -= heap_contains(node);
		step(&heap, node, tie, &rng);
		in_heap += heap_contains(node);
		CU_ASSERT_FATAL(heap.count == in_heap);
		CU_ASSERT_FATAL(heap_min(&heap) == least(nodes));
	}
	heap_destroy(&heap);
}

static void equal_keys_leave_in_the_order_of_their_ties(void)
{
	struct heap_node nodes[NODES] = {{0, 0, 0}};
	struct heap heap;

	heap_init(&heap);
	for (uint32_t i = 0; i < NODES; i++)
		CU_ASSERT(heap_insert(&heap, &nodes[i], 5, (i * 7) % NODES));
	for (uint64_t i = 0; i < NODES; i++) {
		struct heap_node *node = heap_min(&heap);

		CU_ASSERT_FATAL(node != NULL && node->tie == i);
		heap_remove(&heap, node);
		CU_ASSERT(!heap_contains(node));
	}
	CU_ASSERT_PTR_NULL(heap_min(&heap));
	heap_destroy(&heap);
}

static void keys_are_compared_as_whole_64_bit_numbers(void)
{
	struct heap_node late = {0, 0, 0}, early = {0, 0, 0};
	struct heap heap;

	heap_init(&heap);
	CU_ASSERT(heap_insert(&heap, &late, UINT64_MAX, 0));
	CU_ASSERT(heap_insert(&heap, &early, UINT64_MAX - (UINT64_C(1) << 40), UINT64_MAX));
	CU_ASSERT_PTR_EQUAL(heap_min(&heap), &early);
	heap_change(&heap, &late, 0, 0);
	CU_ASSERT_PTR_EQUAL(heap_min(&heap), &late);
	heap_destroy(&heap);
}

static void an_empty_heap_has_no_least_node(void)
{
	struct heap heap;

	heap_init(&heap);
	CU_ASSERT_PTR_NULL(heap_min(&heap));
	heap_destroy(&heap);
}

UNIT_TESTS("heap", UNIT_TEST(the_least_node_is_first_whatever_happened_before),
           UNIT_TEST(equal_keys_leave_in_the_order_of_their_ties),
           UNIT_TEST(keys_are_compared_as_whole_64_bit_numbers),
           UNIT_TEST(an_empty_heap_has_no_least_node))
