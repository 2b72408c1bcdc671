/* The flow table; see flow_table.h for the design. */
#include "softswitch/flow_table.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/queue.h>

#include <flowbed/table.h>

#include "lib/base/xalloc.h"
#include "softswitch/flow_cache.h"

enum {
	CHUNK_ENTRIES = 256,
	CACHE_GROUPS_MIN = 2,         /* one is probed as fast as the cache */
	CACHE_SLOTS_PER_GROUP = 4096, /* or, when that is more, ... */
	CACHE_ENTRIES_PER_SLOT = 8,   /* ... one for so many entries */
	SLOTS_FIRST = 4,
	SLOTS_PER_KEY_MAX = 8, /* of those beyond SLOTS_FIRST */
	BLOCK_GROUPS = 64,     /* of the order of search */
	PRIORITY_BITS = 16,
	FIELDS = 22, /* bits of OFPFW_* */
	ADDRESS_BITS = 32,
	RECOUNT_AT_ONCE =
	        64, /* a group this small is recounted whenever its highest priority is in doubt */
};

_Static_assert(sizeof(struct flow_entry) == 192, "an entry takes three cache lines");
_Static_assert(offsetof(struct flow_entry, actions) == 64, "what a lookup needs is in the first");

struct slot {
	uint32_t hash;  /* of the masked key; its low bits say where the search begins */
	uint32_t entry; /* index + 1; 0: free */
};

/* Entries of one mask. The exact entries are one, too, outside the order. */
struct flow_group {
	struct flow_key mask;
	struct slot *slots;
	uint32_t slot_mask;     /* slots - 1, a power of two less one */
	uint32_t slots_used;    /* different masked keys */
	uint32_t count;         /* entries */
	uint32_t wildcards;     /* the mask as OFPFW_* */
	uint32_t number;        /* of its record in 'by_mask', plus 1 */
	uint32_t highest_count; /* entries of 'highest', 0: 'highest' is a bound */
	uint32_t removed;       /* entries, since 'highest' became a bound */
	uint16_t highest;       /* no entry has a higher priority */

	/* What the cache needs. */
	uint64_t added;              /* the table's clock when the last entry was added */
	LIST_ENTRY(flow_group) link; /* in the table's 'recent' */
};

/* A run of the groups in the order of search: falling 'highest', then number. */
struct order_block {
	uint32_t count; /* at least 1 */
	struct flow_group *groups[BLOCK_GROUPS];
};

/* How many groups look at each field. */
struct mask_users {
	uint32_t fields[FIELDS]; /* by the bit of OFPFW_*, but for the addresses: */
	uint32_t nw_src[ADDRESS_BITS + 1], nw_dst[ADDRESS_BITS + 1]; /* by ignored bits */
};

struct group_record { /* fb_table of groups by mask */
	uint32_t wildcards;
	uint32_t padding;
	struct flow_group *group;
};

struct flow_table {
	struct flow_group exact;
	uint32_t groups;
	struct order_block **blocks; /* the order of search */
	uint32_t blocks_count, blocks_size;

	struct flow_entry **chunks;
	uint32_t chunks_count, chunks_size;
	uint32_t entries_used; /* entries of the chunks that were ever taken */
	uint32_t free_first;   /* index + 1 of a free entry, linked by 'below[0]' */

	uint32_t count, entries_max;
	uint32_t oldest, newest; /* index + 1 */
	uint64_t clock;          /* counts additions, removals and renewals */
	size_t actions_bytes;    /* of lists that are not inline */
	size_t slots_bytes;
	struct fb_table *by_mask; /* struct group_record */

	struct flow_cache cache;        /* in front of the groups */
	struct flow_key mask;           /* all bits that some group looks at */
	struct mask_users users;        /* that make up 'mask' */
	uint64_t changed;               /* 'clock' at the last change of a wildcard entry */
	LIST_HEAD(, flow_group) recent; /* groups, the one that was added to last first */
};

static inline struct flow_entry *entry_at(const struct flow_table *t, uint32_t index)
{
	return &t->chunks[index / CHUNK_ENTRIES][index % CHUNK_ENTRIES];
}

/* --- Groups: hash tables --- */

static void slots_alloc(struct flow_table *t, struct flow_group *g, uint32_t count)
{
	g->slots = xcalloc(count, sizeof *g->slots);
	g->slot_mask = count - 1;
	t->slots_bytes += count * sizeof *g->slots;
}

static void slots_free(struct flow_table *t, struct flow_group *g)
{
	t->slots_bytes -= ((size_t)g->slot_mask + 1) * sizeof *g->slots;
	free(g->slots);
}

static void slot_enter(struct flow_group *g, struct slot slot)
{
	uint32_t at = slot.hash & g->slot_mask;

	while (g->slots[at].entry)
		at = (at + 1) & g->slot_mask;
	g->slots[at] = slot;
}

/* Give 'g' room for 'count' slots. */
static void slots_resize(struct flow_table *t, struct flow_group *g, uint32_t count)
{
	struct flow_group old = *g;

	slots_alloc(t, g, count);
	for (uint32_t i = 0; i <= old.slot_mask; i++) {
		if (old.slots[i].entry)
			slot_enter(g, old.slots[i]);
	}
	slots_free(t, &old);
}

/* The slot of the masked 'key', or NULL. */
static inline struct slot *slot_find(const struct flow_table *t, const struct flow_group *g,
                                     const struct flow_key *key, uint32_t hash)
{
	for (uint32_t at = hash & g->slot_mask;; at = (at + 1) & g->slot_mask) {
		struct slot *slot = &g->slots[at];

		if (!slot->entry)
			return NULL;
		if (slot->hash == hash && flow_key_equal(&entry_at(t, slot->entry - 1)->key, key))
			return slot;
	}
}

/* The entry of highest priority with the masked 'key', or NULL. */
static inline struct flow_entry *group_find(const struct flow_table *t, const struct flow_group *g,
                                            const struct flow_key *key)
{
	struct slot *slot = slot_find(t, g, key, flow_key_hash(key));

	return slot ? entry_at(t, slot->entry - 1) : NULL;
}

/* Free 'slot'; those behind it that it kept from their place move up, so that no search meets a
 * gap. */
static void slot_leave(struct flow_group *g, struct slot *slot)
{
	uint32_t gap = (uint32_t)(slot - g->slots);

	for (uint32_t at = (gap + 1) & g->slot_mask; g->slots[at].entry;
	     at = (at + 1) & g->slot_mask) {
		uint32_t home = g->slots[at].hash & g->slot_mask;

		if (((at - home) & g->slot_mask) >= ((at - gap) & g->slot_mask)) {
			g->slots[gap] = g->slots[at];
			gap = at;
		}
	}
	g->slots[gap].entry = 0;
	g->slots_used--;
}

/* --- Groups: trees of the entries that differ in priority only ---
 *
 * A tree's root has the highest priority; the others stand on two sides by the highest bit of their
 * priority, on each of which the same holds for the next bit, and so on: a heap and a radix tree in
 * one, of at most PRIORITY_BITS levels below the root. All of a node's side 1 is higher than all of
 * its side 0. */

static inline struct flow_entry *entry_or_null(const struct flow_table *t, uint32_t number)
{
	return number ? entry_at(t, number - 1) : NULL;
}

static void tree_enter(struct flow_table *t, uint32_t *link, struct flow_entry *e)
{
	for (unsigned bit = PRIORITY_BITS; *link;) {
		struct flow_entry *at = entry_at(t, *link - 1);

		assert(at->priority != e->priority);
		if (e->priority > at->priority) {
			struct flow_entry *lower = at;

			memcpy(e->below, at->below, sizeof e->below);
			memset(lower->below, 0, sizeof lower->below);
			*link = e->index + 1;
			at = e;
			e = lower;
		}
		link = &at->below[e->priority >> --bit & 1];
	}
	*link = e->index + 1;
}

/* Take 'e' out of the tree whose root '*link' is: of those below, the highest moves up. */
static void tree_leave(const struct flow_table *t, uint32_t *link, const struct flow_entry *e)
{
	uint32_t below[2] = {e->below[0], e->below[1]};

	for (unsigned bit = PRIORITY_BITS; *link != e->index + 1;)
		link = &entry_at(t, *link - 1)->below[e->priority >> --bit & 1];
	while (below[0] || below[1]) {
		unsigned side = below[1] != 0;
		struct flow_entry *up = entry_at(t, below[side] - 1);
		uint32_t below_up[2] = {up->below[0], up->below[1]};

		*link = below[side];
		memcpy(up->below, below, sizeof below);
		memcpy(below, below_up, sizeof below);
		link = &up->below[side];
	}
	*link = 0;
}

/* The entry of 'priority' in the tree of 'root', which may be NULL, or NULL. */
static struct flow_entry *tree_find(const struct flow_table *t, struct flow_entry *root,
                                    uint16_t priority)
{
	struct flow_entry *e = root;

	for (unsigned bit = PRIORITY_BITS; e && e->priority > priority;)
		e = entry_or_null(t, e->below[priority >> --bit & 1]);
	return e && e->priority == priority ? e : NULL;
}

/* The entry of the next lower priority after that of 'after', in the tree of 'root'; or NULL. */
static struct flow_entry *tree_lower(const struct flow_table *t, const struct flow_entry *root,
                                     const struct flow_entry *after)
{
	uint32_t lower = 0;
	unsigned bit = PRIORITY_BITS;

	for (const struct flow_entry *e = root; e != after;) {
		unsigned side = after->priority >> --bit & 1;

		if (side && e->below[0])
			lower = e->below[0];
		e = entry_at(t, e->below[side] - 1);
	}
	if (after->below[0])
		lower = after->below[0];
	if (after->below[1])
		lower = after->below[1];
	return entry_or_null(t, lower);
}

static void group_enter(struct flow_table *t, struct flow_group *g, struct flow_entry *e)
{
	uint32_t hash = flow_key_hash(&e->key);
	struct slot *slot = slot_find(t, g, &e->key, hash);

	g->count++;
	if (slot) {
		tree_enter(t, &slot->entry, e);
		return;
	}
	if ((g->slots_used + 1) * UINT64_C(4) > (g->slot_mask + UINT64_C(1)) * 3)
		slots_resize(t, g, (g->slot_mask + 1) * 2);
	slot_enter(g, (struct slot){hash, e->index + 1});
	g->slots_used++;
}

static void group_leave(struct flow_table *t, struct flow_group *g, struct flow_entry *e)
{
	struct slot *slot = slot_find(t, g, &e->key, flow_key_hash(&e->key));
	uint32_t slots = g->slot_mask + 1;

	assert(slot);
	g->count--;
	tree_leave(t, &slot->entry, e);
	if (slot->entry)
		return;
	slot_leave(g, slot);
	if (slots > SLOTS_FIRST && g->slots_used < slots / SLOTS_PER_KEY_MAX)
		slots_resize(t, g, slots / 2);
}

/* --- Groups: the order of search --- */

static bool stands_before(const struct flow_group *a, const struct flow_group *b)
{
	return a->highest != b->highest ? a->highest > b->highest : a->number < b->number;
}

/* The place of the block where 'g' stands or belongs; there are blocks. */
static uint32_t block_of(const struct flow_table *t, const struct flow_group *g)
{
	uint32_t first = 0, end = t->blocks_count;

	while (end - first > 1) {
		uint32_t middle = first + (end - first) / 2;

		if (stands_before(g, t->blocks[middle]->groups[0]))
			end = middle;
		else
			first = middle;
	}
	return first;
}

/* How many groups of 'block' stand before 'g'. */
static uint32_t place_in(const struct order_block *block, const struct flow_group *g)
{
	uint32_t first = 0, end = block->count;

	while (first < end) {
		uint32_t middle = first + (end - first) / 2;

		if (stands_before(block->groups[middle], g))
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

/* An empty block at 'at'. */
static struct order_block *block_add(struct flow_table *t, uint32_t at)
{
	if (t->blocks_count == t->blocks_size) {
		t->blocks_size = t->blocks_size ? t->blocks_size * 2 : 4;
		t->blocks = xrealloc(t->blocks, t->blocks_size * sizeof(struct order_block *));
	}
	memmove(t->blocks + at + 1, t->blocks + at,
	        (t->blocks_count - at) * sizeof(struct order_block *));
	t->blocks[at] = xcalloc(1, sizeof(struct order_block));
	t->blocks_count++;
	return t->blocks[at];
}

static void block_remove(struct flow_table *t, uint32_t at)
{
	free(t->blocks[at]);
	t->blocks_count--;
	memmove(t->blocks + at, t->blocks + at + 1,
	        (t->blocks_count - at) * sizeof(struct order_block *));
}

/* Move what stands in 'from' from 'first' on behind what stands in 'to'. */
static void block_move(struct order_block *to, struct order_block *from, uint32_t first)
{
	uint32_t count = from->count - first;

	memcpy(to->groups + to->count, from->groups + first, count * sizeof(struct flow_group *));
	to->count += count;
	from->count = first;
}

/* Make one block of those at 'at' and behind it, when there are two that half fill one. */
static void blocks_join(struct flow_table *t, uint32_t at)
{
	if (at + 1 >= t->blocks_count ||
	    t->blocks[at]->count + t->blocks[at + 1]->count > BLOCK_GROUPS / 2)
		return;
	block_move(t->blocks[at], t->blocks[at + 1], 0);
	block_remove(t, at + 1);
}

/* Give 'g' the place that its 'highest' means. */
static void order_put(struct flow_table *t, struct flow_group *g)
{
	uint32_t at = t->blocks_count ? block_of(t, g) : 0, place;
	struct order_block *block = t->blocks_count ? t->blocks[at] : block_add(t, 0);

	if (block->count == BLOCK_GROUPS) {
		struct order_block *half = block_add(t, at + 1);

		block_move(half, block, BLOCK_GROUPS / 2);
		if (!stands_before(g, half->groups[0]))
			block = half;
	}
	place = place_in(block, g);
	memmove(block->groups + place + 1, block->groups + place,
	        (block->count - place) * sizeof(struct flow_group *));
	block->groups[place] = g;
	block->count++;
}

static void order_take_out(struct flow_table *t, const struct flow_group *g)
{
	uint32_t at = block_of(t, g), place;
	struct order_block *block = t->blocks[at];

	place = place_in(block, g);
	assert(block->groups[place] == g);
	block->count--;
	memmove(block->groups + place, block->groups + place + 1,
	        (block->count - place) * sizeof(struct flow_group *));
	if (block->count == 0) {
		block_remove(t, at);
		return;
	}
	blocks_join(t, at);
	if (at > 0)
		blocks_join(t, at - 1);
}

static void highest_set(struct flow_table *t, struct flow_group *g, uint16_t highest)
{
	if (g->highest == highest)
		return;
	order_take_out(t, g);
	g->highest = highest;
	order_put(t, g);
}

static void highest_after_add(struct flow_table *t, struct flow_group *g, uint16_t priority)
{
	if (priority > g->highest) {
		highest_set(t, g, priority);
		g->highest_count = 1;
	} else if (priority == g->highest) {
		g->highest_count++;
	}
}

/* Find the highest priority of the group's entries anew. */
static void highest_recount(struct flow_table *t, struct flow_group *g)
{
	uint16_t highest = 0;

	g->highest_count = 0;
	for (uint32_t i = 0; i <= g->slot_mask; i++) {
		uint16_t priority;

		if (!g->slots[i].entry)
			continue;
		priority = entry_at(t, g->slots[i].entry - 1)->priority;
		if (priority > highest) {
			highest = priority;
			g->highest_count = 0;
		}
		g->highest_count += priority == highest;
	}
	highest_set(t, g, highest);
}

static void highest_after_remove(struct flow_table *t, struct flow_group *g, uint16_t priority)
{
	if (priority == g->highest && g->highest_count > 0 && --g->highest_count == 0)
		g->removed = 0;
	if (g->highest_count > 0)
		return;
	g->removed++;
	if (g->count <= RECOUNT_AT_ONCE || g->removed > g->slot_mask / 8)
		highest_recount(t, g);
}

/* --- Groups: which there are --- */

static struct flow_group *group_of(const struct flow_table *t, uint32_t wildcards)
{
	const struct group_record *record = fb_table_find(t->by_mask, &wildcards);

	return record ? record->group : NULL;
}

static struct flow_group *group_numbered(const struct flow_table *t, uint32_t number)
{
	const struct group_record *record = fb_table_at(t->by_mask, number - 1);

	return record->group;
}

static unsigned ignored_bits(uint32_t wildcards, unsigned shift)
{
	unsigned bits = wildcards >> shift & 0x3f;

	return bits < ADDRESS_BITS ? bits : ADDRESS_BITS;
}

/* The fewest ignored bits that somebody uses. */
static uint32_t fewest_ignored(const uint32_t users[ADDRESS_BITS + 1])
{
	uint32_t bits = 0;

	while (bits < ADDRESS_BITS && !users[bits])
		bits++;
	return bits;
}

/* A group of 'wildcards' came ('more' is 1) or went (-1): count it, and renew the union of all. */
static void mask_count(struct flow_table *t, uint32_t wildcards, int more)
{
	const uint32_t addresses = OFPFW_NW_SRC_MASK | OFPFW_NW_DST_MASK;
	struct mask_users *users = &t->users;
	uint32_t all = 0;

	users->nw_src[ignored_bits(wildcards, OFPFW_NW_SRC_SHIFT)] += (uint32_t)more;
	users->nw_dst[ignored_bits(wildcards, OFPFW_NW_DST_SHIFT)] += (uint32_t)more;
	for (unsigned bit = 0; bit < FIELDS; bit++) {
		users->fields[bit] += (~wildcards >> bit & 1) * (uint32_t)more;
		all |= (uint32_t)(users->fields[bit] == 0) << bit;
	}
	all = (all & ~addresses) | fewest_ignored(users->nw_src) << OFPFW_NW_SRC_SHIFT |
	      fewest_ignored(users->nw_dst) << OFPFW_NW_DST_SHIFT;
	t->mask = flow_key_mask(all);
}

/* A group, still without entries, whose first one will have 'priority'. */
static struct flow_group *group_new(struct flow_table *t, uint32_t wildcards, uint16_t priority)
{
	struct flow_group *g = xcalloc(1, sizeof *g);
	struct group_record *record = fb_table_add(t->by_mask, &wildcards);

	if (!record)
		abort();
	record->group = g;
	g->mask = flow_key_mask(wildcards);
	g->wildcards = wildcards;
	g->number = fb_table_index_of(t->by_mask, record) + 1;
	g->highest = priority;
	slots_alloc(t, g, SLOTS_FIRST);
	order_put(t, g);
	mask_count(t, wildcards, 1);
	LIST_INSERT_HEAD(&t->recent, g, link);
	t->groups++;
	return g;
}

static void group_free(struct flow_table *t, struct flow_group *g)
{
	t->groups--;
	order_take_out(t, g);
	mask_count(t, g->wildcards, -1);
	LIST_REMOVE(g, link);
	fb_table_remove(t->by_mask, fb_table_find(t->by_mask, &g->wildcards));
	slots_free(t, g);
	free(g);
}

/* --- The table --- */

struct flow_table *flow_table_new(uint32_t entries_max)
{
	struct flow_table *t = xcalloc(1, sizeof *t);

	assert(entries_max >= 1);
	t->entries_max = entries_max;
	t->exact.mask = (struct flow_key){{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
	slots_alloc(t, &t->exact, SLOTS_FIRST);
	t->by_mask =
	        fb_table_new(sizeof(uint32_t), sizeof(struct group_record), FLOW_TABLE_GROUPS_MAX);
	if (!t->by_mask)
		abort();
	return t;
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	for (struct flow_entry *e = flow_table_oldest(t); e; e = flow_table_newer(t, e)) {
		if (flow_entry_long_bytes(e))
			free(e->actions.bytes);
	}
	while (t->groups)
		group_free(t, LIST_FIRST(&t->recent));
	for (uint32_t i = 0; i < t->chunks_count; i++)
		free(t->chunks[i]);
	slots_free(t, &t->exact);
	flow_cache_free(&t->cache);
	fb_table_free(t->by_mask);
	free(t->chunks);
	free(t->blocks);
	free(t);
}

uint32_t flow_table_count(const struct flow_table *t)
{
	return t->count;
}

uint32_t flow_table_groups(const struct flow_table *t)
{
	return t->groups;
}

size_t flow_table_bytes(const struct flow_table *t)
{
	return sizeof *t + (size_t)t->chunks_count * CHUNK_ENTRIES * sizeof(struct flow_entry) +
	       t->chunks_size * sizeof(struct flow_entry *) + t->slots_bytes + t->actions_bytes +
	       t->groups * sizeof(struct flow_group) +
	       t->blocks_size * sizeof(struct order_block *) +
	       t->blocks_count * sizeof(struct order_block) +
	       t->cache.slots_count * sizeof(struct flow_cache_slot);
}

/* --- Lookup --- */

/* The better of 'best', which may be NULL, and what 'g' has for 'key'. */
static inline struct flow_entry *group_better(const struct flow_table *t,
                                              const struct flow_group *g,
                                              const struct flow_key *key, struct flow_entry *best)
{
	struct flow_key masked = flow_key_and(key, &g->mask);
	struct flow_entry *e = group_find(t, g, &masked);

	if (e && (!best || e->priority > best->priority ||
	          (e->priority == best->priority && e->order < best->order)))
		return e;
	return best;
}

/* The tuple-space search: the wildcard entry that 'key' meets, or NULL. */
static struct flow_entry *search(const struct flow_table *t, const struct flow_key *key)
{
	struct flow_entry *best = NULL;

	for (uint32_t i = 0; i < t->blocks_count; i++) {
		const struct order_block *block = t->blocks[i];

		for (uint32_t place = 0; place < block->count; place++) {
			const struct flow_group *g = block->groups[place];

			if (best && g->highest < best->priority)
				return best;
			best = group_better(t, g, key, best);
		}
	}
	return best;
}

/* Bring 'slot', which was true before the last change, up to date. False when its entry is gone or
 * was renewed: all groups must be asked again. */
static bool slot_update(const struct flow_table *t, struct flow_cache_slot *slot)
{
	struct flow_entry *before = slot->entry, *best = before;
	const struct flow_group *g;

	if (before && before->order > slot->clock)
		return false;
	LIST_FOREACH(g, &t->recent, link)
	{
		if (g->added <= slot->clock)
			break;
		/* What was added since loses to 'before' at equal priority. */
		if (!before || g->highest > before->priority)
			best = group_better(t, g, &slot->key, best);
	}
	slot->entry = best;
	slot->clock = t->changed;
	return true;
}

/* How large the cache may be: a larger one is itself as slow as the search of few or small groups,
 * and takes the processor's cache from them. */
static uint32_t cache_slots_max(const struct flow_table *t)
{
	uint64_t for_entries = t->count / CACHE_ENTRIES_PER_SLOT;
	uint64_t per_group =
	        for_entries > CACHE_SLOTS_PER_GROUP ? for_entries : CACHE_SLOTS_PER_GROUP;
	uint64_t wanted = t->groups * per_group;

	return wanted < FLOW_TABLE_CACHE_SLOTS_MAX ? (uint32_t)wanted : FLOW_TABLE_CACHE_SLOTS_MAX;
}

/* The same as search(), by way of the cache. */
static struct flow_entry *cached_search(struct flow_table *t, const struct flow_key *key)
{
	struct flow_key masked = flow_key_and(key, &t->mask);
	uint32_t hash = flow_key_hash(&masked);
	struct flow_cache_slot *slot = flow_cache_find(&t->cache, &masked, hash);
	struct flow_entry *e;

	if (slot && (slot->clock == t->changed || slot_update(t, slot))) {
		t->cache.hits++;
		return slot->entry;
	}
	t->cache.misses++;
	e = search(t, key);
	if (slot) {
		slot->entry = e;
		slot->clock = t->changed;
	} else {
		flow_cache_put(&t->cache, &masked, hash, e, t->changed, cache_slots_max(t));
	}
	return e;
}

struct flow_entry *flow_table_lookup(struct flow_table *t, const struct flow_key *key)
{
	const struct flow_group *only;

	if (t->exact.count) {
		struct flow_entry *e = group_find(t, &t->exact, key);

		if (e)
			return e;
	}
	if (t->groups >= CACHE_GROUPS_MIN)
		return cached_search(t, key);
	only = LIST_FIRST(&t->recent);
	return only ? group_better(t, only, key, NULL) : NULL;
}

struct flow_cache_counts flow_table_cache(const struct flow_table *t)
{
	return (struct flow_cache_counts){t->cache.hits, t->cache.misses, t->cache.slots_count};
}

struct flow_entry *flow_table_find(const struct flow_table *t, const struct fb_match *match,
                                   uint16_t priority)
{
	struct flow_key key = flow_key_from_match(match);
	const struct flow_group *g;

	if (fb_match_is_exact(match))
		return group_find(t, &t->exact, &key);
	g = group_of(t, match->wildcards);
	if (!g)
		return NULL;
	key = flow_key_and(&key, &g->mask);
	return tree_find(t, group_find(t, g, &key), priority);
}

static void chunk_add(struct flow_table *t)
{
	void *chunk;

	if (t->chunks_count == t->chunks_size) {
		t->chunks_size = t->chunks_size ? t->chunks_size * 2 : 16;
		t->chunks = xrealloc(t->chunks, t->chunks_size * sizeof(struct flow_entry *));
	}
	if (posix_memalign(&chunk, 64, CHUNK_ENTRIES * sizeof(struct flow_entry)) != 0)
		abort();
	t->chunks[t->chunks_count++] = chunk;
}

/* An entry that is all zero but for its index. */
static struct flow_entry *entry_take(struct flow_table *t)
{
	struct flow_entry *e;
	uint32_t index;

	if (t->free_first) {
		index = t->free_first - 1;
		t->free_first = entry_at(t, index)->below[0];
	} else {
		if (t->entries_used == t->chunks_count * CHUNK_ENTRIES)
			chunk_add(t);
		index = t->entries_used++;
	}
	e = entry_at(t, index);
	memset(e, 0, sizeof *e);
	e->index = index;
	return e;
}

static void age_append(struct flow_table *t, struct flow_entry *e)
{
	e->older = t->newest;
	if (t->newest)
		entry_at(t, t->newest - 1)->newer = e->index + 1;
	else
		t->oldest = e->index + 1;
	t->newest = e->index + 1;
}

static void age_take_out(struct flow_table *t, const struct flow_entry *e)
{
	if (e->older)
		entry_at(t, e->older - 1)->newer = e->newer;
	else
		t->oldest = e->newer;
	if (e->newer)
		entry_at(t, e->newer - 1)->older = e->older;
	else
		t->newest = e->older;
}

/* An entry of 'g' was added at the clock's time. */
static void recent_put(struct flow_table *t, struct flow_group *g)
{
	t->changed = t->clock;
	g->added = t->clock;
	if (g == LIST_FIRST(&t->recent))
		return;
	LIST_REMOVE(g, link);
	LIST_INSERT_HEAD(&t->recent, g, link);
}

struct flow_entry *flow_table_add(struct flow_table *t, const struct fb_match *match,
                                  uint16_t priority)
{
	bool exact = fb_match_is_exact(match);
	struct flow_group *g = exact ? &t->exact : group_of(t, match->wildcards);
	struct flow_entry *e;

	if (t->count == t->entries_max || (!g && t->groups == FLOW_TABLE_GROUPS_MAX))
		return NULL;
	if (!g)
		g = group_new(t, match->wildcards, priority);
	e = entry_take(t);
	e->key = flow_key_from_match(match);
	e->priority = priority;
	e->wildcards = match->wildcards;
	e->order = ++t->clock;
	if (exact) {
		/* The fields that cannot apply are 0, as they are in the key of every frame that
		 * has not got them. */
		group_enter(t, g, e);
	} else {
		e->key = flow_key_and(&e->key, &g->mask);
		e->group = g->number;
		group_enter(t, g, e);
		highest_after_add(t, g, priority);
		recent_put(t, g);
	}
	age_append(t, e);
	t->count++;
	return e;
}

static void actions_drop(struct flow_table *t, struct flow_entry *e)
{
	t->actions_bytes -= flow_entry_long_bytes(e);
	if (flow_entry_long_bytes(e))
		free(e->actions.bytes);
	e->actions_len = 0;
}

void flow_table_remove(struct flow_table *t, struct flow_entry *e)
{
	assert(!heap_contains(&e->timer));
	actions_drop(t, e);
	age_take_out(t, e);
	t->count--;
	if (!e->group) {
		group_leave(t, &t->exact, e);
	} else {
		struct flow_group *g = group_numbered(t, e->group);

		t->changed = ++t->clock;
		group_leave(t, g, e);
		if (g->count == 0)
			group_free(t, g);
		else
			highest_after_remove(t, g, e->priority);
	}
	e->order = UINT64_MAX;
	e->below[0] = t->free_first;
	t->free_first = e->index + 1;
}

bool flow_table_set_actions(struct flow_table *t, struct flow_entry *e, const uint8_t *bytes,
                            size_t len)
{
	size_t long_bytes = len > FLOW_ENTRY_INLINE_BYTES ? len : 0;
	size_t freed_bytes = flow_entry_long_bytes(e);

	assert(len <= UINT16_MAX);
	if (t->actions_bytes - freed_bytes + long_bytes > FLOW_TABLE_ACTIONS_BYTES_MAX)
		return false;
	actions_drop(t, e);
	if (long_bytes) {
		e->actions.bytes = xmalloc(len);
		t->actions_bytes += len;
	}
	e->actions_len = (uint16_t)len;
	if (len)
		memcpy(long_bytes ? e->actions.bytes : e->actions.inline_bytes, bytes, len);
	return true;
}

bool flow_table_has_room(const struct flow_table *t, uint64_t count, size_t len,
                         uint64_t freed_bytes)
{
	assert(freed_bytes <= t->actions_bytes);
	return len <= FLOW_ENTRY_INLINE_BYTES ||
	       count <= (FLOW_TABLE_ACTIONS_BYTES_MAX - t->actions_bytes + freed_bytes) / len;
}

void flow_table_renew(struct flow_table *t, struct flow_entry *e)
{
	age_take_out(t, e);
	e->newer = 0;
	age_append(t, e);
	e->order = ++t->clock;
	if (e->group)
		t->changed = t->clock;
}

struct flow_entry *flow_table_oldest(const struct flow_table *t)
{
	return t->oldest ? entry_at(t, t->oldest - 1) : NULL;
}

struct flow_entry *flow_table_newer(const struct flow_table *t, const struct flow_entry *e)
{
	return e->newer ? entry_at(t, e->newer - 1) : NULL;
}

/* --- Overlap --- */

/* The bits of 'mask' and those that follow from 'key': the priority of an untagged frame is 0. */
static struct flow_key implied_mask(const struct flow_key *mask, const struct flow_key *key)
{
	struct flow_key implied = *mask;

	if (key->w[1] & mask->w[1] & FLOW_KEY_UNTAGGED)
		implied.w[1] |= 7 << FLOW_KEY_PCP_SHIFT;
	return implied;
}

/* True when an entry of 'g' has 'priority' and could meet a frame that agrees with 'key' under
 * 'mask'. */
static bool group_overlaps(const struct flow_table *t, const struct flow_group *g,
                           const struct flow_key *key, const struct flow_key *mask,
                           uint16_t priority)
{
	struct flow_key common = flow_key_and(mask, &g->mask);

	if (flow_key_equal(&common, &g->mask)) {
		struct flow_key masked = flow_key_and(key, &g->mask);

		return tree_find(t, group_find(t, g, &masked), priority) != NULL;
	}
	for (uint32_t i = 0; i <= g->slot_mask; i++) {
		struct flow_entry *e;
		struct flow_key mask_a, mask_b;

		if (!g->slots[i].entry)
			continue;
		e = entry_at(t, g->slots[i].entry - 1);
		mask_a = implied_mask(mask, key);
		mask_b = implied_mask(&g->mask, &e->key);
		common = flow_key_and(&mask_a, &mask_b);
		if (flow_key_equal_under(&e->key, key, &common) && tree_find(t, e, priority))
			return true;
	}
	return false;
}

bool flow_table_overlaps(const struct flow_table *t, const struct fb_match *match,
                         uint16_t priority)
{
	struct flow_key key = flow_key_from_match(match);
	struct flow_key mask = flow_key_mask(match->wildcards);

	if (fb_match_is_exact(match))
		return group_find(t, &t->exact, &key) != NULL;
	for (uint32_t i = 0; i < t->blocks_count; i++) {
		const struct order_block *block = t->blocks[i];

		for (uint32_t place = 0; place < block->count; place++) {
			/* Falling order: no later group has an entry of this priority. */
			if (block->groups[place]->highest < priority)
				return false;
			if (group_overlaps(t, block->groups[place], &key, &mask, priority))
				return true;
		}
	}
	return false;
}

/* --- Selections --- */

/* True when entries of 'specific' wildcards may lie within a match of 'general' ones. */
static bool mask_may_be_within(const struct flow_key *general, uint32_t specific)
{
	struct flow_key mask = flow_key_mask(specific), more;

	/* Among the entries may be some for untagged frames. */
	if (!(specific & OFPFW_DL_VLAN))
		mask.w[1] |= 7 << FLOW_KEY_PCP_SHIFT;
	more = flow_key_and(general, &mask);
	return flow_key_equal(&more, general);
}

/* True when each frame that 'e' matches is matched by the selection's match. */
static bool entry_is_within(const struct flow_entry *e, const struct flow_selection *s)
{
	struct flow_key mask, more;

	if (!flow_key_equal_under(&e->key, &s->key, &s->mask))
		return false;
	mask = flow_key_mask(e->wildcards);
	mask = implied_mask(&mask, &e->key);
	more = flow_key_and(&s->mask, &mask);
	return flow_key_equal(&more, &s->mask);
}

void flow_table_select(const struct flow_table *t, const struct fb_match *match, bool strict,
                       uint16_t priority, struct flow_selection *s)
{
	bool exact = fb_match_is_exact(match);
	const struct flow_group *same = exact ? NULL : group_of(t, match->wildcards), *g;

	*s = (struct flow_selection){.key = flow_key_from_match(match),
	                             .mask = flow_key_mask(match->wildcards),
	                             .group = same,
	                             .priority = priority,
	                             .strict = strict,
	                             .twins = true};
	s->key = flow_key_and(&s->key, &s->mask);
	if (exact) {
		s->strict = false;
		return;
	}
	s->twins = strict || t->exact.count == 0;
	if (!strict && s->twins) {
		LIST_FOREACH(g, &t->recent, link)
		{
			if (g != same && mask_may_be_within(&s->mask, g->wildcards)) {
				s->twins = false;
				break;
			}
		}
	}
	s->none = s->twins && !same;
}

/* The next lower one after 'after' of the entries that differ in priority only. */
static struct flow_entry *selected_of_twins(const struct flow_table *t,
                                            const struct flow_selection *s,
                                            const struct flow_entry *after)
{
	struct flow_entry *highest = group_find(t, s->group ? s->group : &t->exact, &s->key);

	if (s->strict)
		return after ? NULL : tree_find(t, highest, s->priority);
	return after ? tree_lower(t, highest, after) : highest;
}

struct flow_entry *flow_table_selected(const struct flow_table *t, const struct flow_selection *s,
                                       const struct flow_entry *after)
{
	struct flow_entry *e;

	if (s->none)
		return NULL;
	if (s->twins)
		return selected_of_twins(t, s, after);
	for (e = after ? flow_table_newer(t, after) : flow_table_oldest(t); e;
	     e = flow_table_newer(t, e)) {
		if (entry_is_within(e, s))
			return e;
	}
	return NULL;
}
