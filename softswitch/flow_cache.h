/* The exact-match cache of a flow table: what the tuple-space search found, by the bits of the
 * frame's key that it looked at. flow_table.c decides whether what stands here is still true.
 *
 * Slots of 48 bytes stand in sets of two, found by a hash. The newer one stands first and pushes
 * the older one out, so that keys chosen to collide cost others a search and no more. There are no
 * slots until one is wanted. They double when more than one lookup in 64 pushes another key out, up
 * to what the user allows; then only each eighth key that comes to a full set gets in, so that
 * flows which do not fit cost those which do little. */
#ifndef SOFTSWITCH_FLOW_CACHE_H
#define SOFTSWITCH_FLOW_CACHE_H

#include "softswitch/flow_key.h"

enum {
	FLOW_CACHE_WAYS = 2,
	FLOW_CACHE_SLOTS_FIRST = 16,
};

struct flow_entry;

struct flow_cache_slot {
	struct flow_key key;
	struct flow_entry *entry; /* NULL: nothing matches */
	uint64_t clock;           /* the table's, when this was true; 0: the slot is free */
};

/* All zero: an empty one. */
struct flow_cache {
	struct flow_cache_slot *slots;
	uint32_t slots_count; /* a power of two, or 0 */
	uint32_t pushed_out;  /* keys, since 'mark' */
	uint64_t mark;        /* hits and misses when counting began */
	uint64_t hits;        /* lookups answered, counted by the user */
	uint64_t misses;      /* those that were not */
};

void flow_cache_free(struct flow_cache *cache);
/* Remember 'entry', true at 'clock', for 'key', which flow_cache_find() does not find; the slots
 * may double while there are fewer than 'slots_max'. */
void flow_cache_put(struct flow_cache *cache, const struct flow_key *key, uint32_t hash,
                    struct flow_entry *entry, uint64_t clock, uint32_t slots_max);

/* Where the set of 'hash' begins. There are slots. */
static inline struct flow_cache_slot *flow_cache_set(const struct flow_cache *cache, uint32_t hash)
{
	return &cache->slots[hash & (cache->slots_count - FLOW_CACHE_WAYS)];
}

/* The slot of 'key', whose flow_key_hash() is 'hash', or NULL. */
static inline struct flow_cache_slot *flow_cache_find(const struct flow_cache *cache,
                                                      const struct flow_key *key, uint32_t hash)
{
	struct flow_cache_slot *set;

	if (!cache->slots)
		return NULL;
	set = flow_cache_set(cache, hash);
	for (unsigned way = 0; way < FLOW_CACHE_WAYS; way++) {
		if (flow_key_equal(&set[way].key, key) && set[way].clock)
			return &set[way];
	}
	return NULL;
}

#endif
