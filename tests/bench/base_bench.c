/* How fast the hot containers of lib/base are: one line each.
 *
 * Tables hold Ethernet addresses as 8-byte keys, in the order that a generator draws them, so that
 * large tables miss the caches as they do in a switch. The heap holds as many timers as a busy
 * simulation and pushes one for each that it pops. Results feed a sum that is printed, so that no
 * compiler leaves the work out. */
#include <flowbed/table.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/digest.h"
#include "lib/base/frame.h"
#include "lib/base/heap.h"
#include "lib/base/rng.h"
#include "lib/base/xalloc.h"

enum { ROUNDS = 3 };

static uint64_t sum;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void tell(const char *what, uint64_t count, uint64_t best_ns)
{
	printf("%-44s %7.1f ns  %8.2f million/s\n", what, (double)best_ns / (double)count,
	       (double)count * 1000.0 / (double)best_ns);
}

static void least(uint64_t *best_ns, uint64_t start_ns)
{
	uint64_t ns = now_ns() - start_ns;

	if (!*best_ns || ns < *best_ns)
		*best_ns = ns;
}

/* --- Tables --- */

struct station {
	uint64_t mac;
	uint64_t seen_ns;
	uint16_t port;
};

struct table_bench {
	struct fb_table *table;
	uint64_t *keys;
	uint32_t stations;
	uint32_t lookups;
};

/* The place of the next key: far from the last, and all come once before one comes again. */
static uint32_t next_place(const struct table_bench *b, uint32_t at)
{
	return (at + 7919) % b->stations;
}

static void find_and_add(struct table_bench *b)
{
	for (uint32_t i = 0; i < b->stations; i++) {
		if (!fb_table_find(b->table, &b->keys[i]))
			fb_table_add(b->table, &b->keys[i]);
	}
}

static void find_known(struct table_bench *b)
{
	for (uint32_t i = 0, at = 0; i < b->lookups; i++, at = next_place(b, at)) {
		const struct station *station = fb_table_find(b->table, &b->keys[at]);

		sum += station->mac;
	}
}

/* As find_known(), in batches. */
static void find_many_known(struct table_bench *b)
{
	enum { BATCH = 64 };
	uint64_t keys[BATCH];
	void *found[BATCH];

	for (uint32_t i = 0, at = 0; i + BATCH <= b->lookups; i += BATCH) {
		for (int j = 0; j < BATCH; j++, at = next_place(b, at))
			keys[j] = b->keys[at];
		fb_table_find_many(b->table, keys, BATCH, found);
		for (int j = 0; j < BATCH; j++)
			sum += ((const struct station *)found[j])->mac;
	}
}

static void find_unknown(struct table_bench *b)
{
	for (uint32_t i = 0; i < b->lookups; i++) {
		uint64_t unknown = UINT64_C(1) << 56 | i;

		sum += fb_table_find(b->table, &unknown) != NULL;
	}
}

static void find_and_touch(struct table_bench *b)
{
	for (uint32_t i = 0, at = 0; i < b->lookups; i++, at = next_place(b, at))
		fb_table_touch(b->table, fb_table_find(b->table, &b->keys[at]));
}

static void replace_oldest(struct table_bench *b)
{
	for (uint32_t i = 0; i < b->lookups; i++) {
		uint64_t fresh = UINT64_C(1) << 57 | i;

		fb_table_remove(b->table, fb_table_oldest(b->table));
		fb_table_add(b->table, &fresh);
	}
}

static void table_rates(uint32_t stations, uint32_t lookups)
{
	static const struct {
		const char *name;
		void (*run)(struct table_bench *);
	} parts[] = {
	        {"find and add", find_and_add},
	        {"find a known key", find_known},
	        {"find 64 known keys at once", find_many_known},
	        {"find an unknown key", find_unknown},
	        {"find and touch", find_and_touch},
	        {"remove the oldest, add", replace_oldest},
	};
	enum { PARTS = sizeof parts / sizeof parts[0] };
	struct table_bench b = {.stations = stations, .lookups = lookups};
	uint64_t best_ns[PARTS] = {0};
	struct rng rng;
	char what[64];

	b.keys = xmalloc(stations * sizeof *b.keys);
	rng_init(&rng, 1, "table_rates");
	for (uint32_t i = 0; i < stations; i++)
		b.keys[i] = rng_next(&rng) >> 16;
	for (int round = 0; round < ROUNDS; round++) {
		b.table = fb_table_new(sizeof b.keys[0], sizeof(struct station), stations);
		for (size_t i = 0; i < PARTS; i++) {
			uint64_t start = now_ns();

			parts[i].run(&b);
			least(&best_ns[i], start);
		}
		fb_table_free(b.table);
	}
	for (size_t i = 0; i < PARTS; i++) {
		snprintf(what, sizeof what, "table of %u: %s", stations, parts[i].name);
		tell(what, i ? lookups : stations, best_ns[i]);
	}
	free(b.keys);
}

/* --- Heap --- */

static void heap_rates(uint32_t timers, uint32_t turns)
{
	struct heap_node *nodes = xcalloc(timers, sizeof *nodes);
	uint64_t best_ns = 0;
	struct heap heap;
	struct rng rng;
	char what[64];

	heap_init(&heap);
	rng_init(&rng, 1, "heap_rates");
	for (uint32_t i = 0; i < timers; i++)
		heap_insert(&heap, &nodes[i], rng_below(&rng, 1000000), i);
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = now_ns();

		for (uint32_t i = 0; i < turns; i++) {
			struct heap_node *node = heap_min(&heap);
			uint64_t key = node->key + (rng_next(&rng) & 0xfffff);

			heap_remove(&heap, node);
			heap_insert(&heap, node, key, i);
			sum += key;
		}
		least(&best_ns, start);
	}
	snprintf(what, sizeof what, "heap of %u: pop and push", timers);
	tell(what, turns, best_ns);
	heap_destroy(&heap);
	free(nodes);
}

/* --- Digest --- */

static void digest_rates(size_t len, uint32_t deliveries)
{
	static uint8_t bytes[2048];
	uint64_t best_ns = 0;
	char what[64], text[DIGEST_TEXT_BYTES];

	for (int round = 0; round < ROUNDS; round++) {
		struct digest *digest = digest_new();
		uint64_t start = now_ns();

		for (uint32_t i = 0; i < deliveries; i++)
			digest_delivery(digest, i, i & 7, bytes, len);
		least(&best_ns, start);
		digest_text(digest, text);
		sum += (uint8_t)text[0];
		digest_free(digest);
	}
	snprintf(what, sizeof what, "digest: delivery of %zu bytes", len);
	tell(what, deliveries, best_ns);
	printf("%-44s %7.2f GB/s\n", "", (double)len * deliveries / (double)best_ns);
}

/* --- Frames --- */

static void frame_rates(size_t len, uint32_t frames)
{
	enum { IN_FLIGHT = 64 };
	struct frame *flight[IN_FLIGHT] = {NULL};
	struct frame_pool *pool = frame_pool_new();
	uint64_t best_ns = 0;
	char what[64];

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = now_ns();

		for (uint32_t i = 0; i < frames; i++) {
			struct frame **place = &flight[i % IN_FLIGHT];

			if (*place)
				frame_unref(*place);
			*place = frame_new(pool, len);
			frame_data(*place)[0] = (uint8_t)i;
		}
		least(&best_ns, start);
	}
	for (int i = 0; i < IN_FLIGHT; i++) {
		sum += frame_data(flight[i])[0];
		frame_unref(flight[i]);
	}
	snprintf(what, sizeof what, "frame of %zu bytes: new and unref", len);
	tell(what, frames, best_ns);
	frame_pool_free(pool);
}

int main(void)
{
	table_rates(200, 5000000);
	table_rates(10000, 5000000);
	table_rates(1000000, 5000000);
	heap_rates(16, 5000000);
	heap_rates(1000, 5000000);
	heap_rates(100000, 2000000);
	digest_rates(60, 5000000);
	digest_rates(1514, 2000000);
	frame_rates(60, 10000000);
	frame_rates(1514, 10000000);
	printf("(sum %016llx)\n", (unsigned long long)sum);
	return 0;
}
