/* How the cache of a flow table remembers, forgets and grows; see flow_cache.h. */
#include "softswitch/flow_cache.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"

enum {
	PUSHED_OUT_SHARE = 64, /* one lookup in this many may push another key out */
	LET_IN_SHARE = 8,      /* one miss in this many gets a slot when all room is used */
};

void flow_cache_free(struct flow_cache *cache)
{
	free(cache->slots);
}

static bool set_is_full(const struct flow_cache *cache, uint32_t hash)
{
	return flow_cache_set(cache, hash)[FLOW_CACHE_WAYS - 1].clock != 0;
}

/* Enter 'slot' as the newest of its set; the oldest one goes. */
static void push(struct flow_cache *cache, uint32_t hash, struct flow_cache_slot slot)
{
	struct flow_cache_slot *set = flow_cache_set(cache, hash);

	memmove(set + 1, set, (FLOW_CACHE_WAYS - 1) * sizeof *set);
	set[0] = slot;
}

/* Twice the slots. A set falls into two, none of which can overflow. */
static void grow(struct flow_cache *cache)
{
	struct flow_cache old = *cache;

	cache->slots_count = old.slots ? old.slots_count * 2 : FLOW_CACHE_SLOTS_FIRST;
	cache->slots = xcalloc(cache->slots_count, sizeof *cache->slots);
	/* Backwards, so that the newer one of a set comes last and stands first again. */
	for (uint32_t i = old.slots_count; i > 0; i--) {
		const struct flow_cache_slot *slot = &old.slots[i - 1];

		if (slot->clock)
			push(cache, flow_key_hash(&slot->key), *slot);
	}
	free(old.slots);
}

/* Count a key that is to be pushed out. True when, since the slots would all have been renewed
 * once, that happened too often. */
static bool is_pushed_out_too_often(struct flow_cache *cache)
{
	uint64_t lookups = cache->hits + cache->misses, since = lookups - cache->mark;

	if (++cache->pushed_out < cache->slots_count)
		return false;
	cache->mark = lookups;
	cache->pushed_out = 0;
	return since < (uint64_t)cache->slots_count * PUSHED_OUT_SHARE;
}

void flow_cache_put(struct flow_cache *cache, const struct flow_key *key, uint32_t hash,
                    struct flow_entry *entry, uint64_t clock, uint32_t slots_max)
{
	if (!cache->slots) {
		grow(cache);
	} else if (set_is_full(cache, hash)) {
		if (cache->slots_count >= slots_max) {
			if (cache->misses % LET_IN_SHARE != 0)
				return;
		} else if (is_pushed_out_too_often(cache)) {
			grow(cache);
		}
	}
	push(cache, hash, (struct flow_cache_slot){*key, entry, clock});
}
