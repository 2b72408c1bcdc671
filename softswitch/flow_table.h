/* The flow table: entries by match and priority (specification 1.0.0, sections 3.3, 3.4 and 4.6).
 *
 * What? Exact entries (fb_match_is_exact()) outrank all wildcard entries. Among wildcard entries
 * the highest priority wins; among those of equal priority that match the same frame, which the
 * specification leaves open, the one that was added first. An entry is identified by its match and,
 * when it has wildcards, its priority: the specification gives the priority of an exact entry no
 * meaning, so it is stored, no more.
 *
 * How? Exact entries stand in one hash table by the whole key. Wildcard entries are grouped by
 * their mask (tuple-space search): in a group, all entries look at the same bits, so a hash table
 * by the masked key finds the candidates in one step: the one of highest priority, which is the
 * root of a tree of those that differ in priority only. A search probes the groups in falling order
 * of their highest priority, and stops where the next group cannot beat what is found. This order
 * stands in blocks of up to 64 groups, so that a change moves few pointers. The hash tables are
 * open-addressed arrays of (32 bits of hash, entry's index), 8 bytes a slot; entries lie in chunks
 * and never move, so that pointers to them last until their removal.
 *
 * A lookup probes the exact table, then, where there are two masks or more, an exact-match cache
 * (flow_cache.h) of what the search found, be it nothing, then searches. The cache's key is the
 * frame's under the union of all masks: what no entry looks at makes no new flow. Exact entries are
 * not in it, so that adding and removing them concerns it not at all.
 *
 * When is the cache right? A clock counts the changes of the table; a slot of the cache holds the
 * time when it was true, an entry that of its addition or last renewal, a group that of its last
 * addition. A slot from the time of the last change is true. An older one is brought up to date
 * when it is hit, by asking what can have changed it:
 * - its entry has been removed or renewed since: search again. An entry that takes over the memory
 *   of a removed one is younger than the slot, so it cannot be mistaken for it.
 * - entries were added: only they can beat its entry, and only by a higher priority. The groups
 *   are linked by the time of their last addition: those younger than the slot are probed, if
 *   their highest priority is higher.
 * - other entries were removed or renewed: had they won, they would stand in the slot; and now they
 *   are no better than before.
 * - the union of masks shrank or grew, with a group that went or came. Where it shrank, the
 *   remaining groups give the slot's result to all frames that now share its key; where it grew,
 *   the new group is younger than the slot (and most frames have a new key, so are searched for
 *   once). So nothing is ever flushed.
 *
 * Properties. A lookup touches, in the best and commonest case, one slot and one cache line of the
 * entry (key, counters; the actions are in the next line). It allocates nothing, but for the growth
 * of the cache: up to 15 times in the life of a table. Which entry wins depends on the entries and
 * the order of their addition alone, never on hash order or on the cache. Entries can be walked in
 * order of addition, those of one match in falling priority.
 *
 * Costs. Lookup: O(1) for exact entries and what the cache holds, O(groups that may win) for other
 * wildcard ones, whatever their number: with FLOW_TABLE_GROUPS_MAX masks some milliseconds. After
 * flow-mods, each cached flow pays once: for a removal of its own entry, a search; for additions, at
 * most one probe a group that was added to; for all else, a look at its entry. Add, remove, find by
 * match and priority: O(1), with at most 16 steps among the priorities of one match; and where a
 * group comes, goes or changes its rank, a binary search among the groups and a move of some tens of
 * pointers (and, once in tens of times, of one for each block). A non-strict selection (DELETE,
 * MODIFY, statistics) first looks at the masks, O(groups); when its match is exact or no entry is
 * more specific than its mask, each selected entry takes at most 16 steps, else it walks all
 * entries. flow_table_overlaps() probes a group that is no more specific, and walks one that is. A
 * group's highest priority is an upper bound between two counts: removing its last entry of that
 * priority recounts the group only after an eighth of it was removed, so that deletion stays O(1)
 * on average; the bound costs probes, not correctness. Growth doubles an array of slots without
 * touching entries, and removal halves it when an eighth is left in use, so that walks of a group
 * are of what it holds: a pause of about 10 ms at a million entries, and as long when the cache
 * reaches its full size. Traffic of more flows than the cache holds pays up to a quarter of its
 * lookups for it.
 *
 * Memory: an entry is 192 bytes with up to 48 bytes of actions, and 11 to 22 bytes of slots (up to
 * 64 after removals); longer lists of actions are allocated, bounded in all by
 * FLOW_TABLE_ACTIONS_BYTES_MAX. The cache has nothing before the first lookup among two masks, then
 * 768 bytes; with the flows of the traffic it grows, for each mask, to 4,096 slots of 48 bytes or a
 * slot for eight entries, whichever is more, and never beyond 12 MiB: more would be slower than the
 * search. Chunks and cache are kept until the table is freed. The hash has a fixed seed: whoever
 * may install entries may also choose them to collide; whoever sends frames only can push others'
 * flows out of the cache.
 *
 * The table knows nothing of time, actions and messages: see flow_timeouts.h, actions.h,
 * datapath_flow_mod.c. */
#ifndef SOFTSWITCH_FLOW_TABLE_H
#define SOFTSWITCH_FLOW_TABLE_H

#include "lib/base/heap.h"
#include "softswitch/flow_key.h"

enum {
	FLOW_ENTRY_INLINE_BYTES = 48, /* of actions: two addresses set and an output are 40 */
	FLOW_TABLE_ACTIONS_BYTES_MAX = 256 << 20, /* of longer lists, in all */
	FLOW_TABLE_CACHE_SLOTS_MAX = 1 << 18,     /* of 48 bytes */
	FLOW_TABLE_GROUPS_MAX = 1 << 16,          /* different masks */
};

struct flow_group;
struct flow_table;

struct flow_entry {
	/* First cache line: what a lookup compares and a hit updates. */
	struct flow_key key; /* wildcarded bits are 0 */
	uint64_t packet_count;
	uint64_t byte_count;
	uint64_t used_ns; /* time of the last packet, or of the addition */
	uint32_t group;   /* number of its mask; 0: an exact entry */
	uint16_t priority;
	uint16_t actions_len; /* bytes */

	/* Second: what execution reads. */
	union {
		uint8_t inline_bytes[FLOW_ENTRY_INLINE_BYTES];
		uint8_t *bytes; /* when actions_len is larger */
	} actions;
	uint64_t created_ns;
	uint64_t order; /* of addition */

	/* Third: what changes and statistics need. */
	uint64_t cookie;
	struct heap_node timer; /* flow_timeouts.h */
	uint32_t below[2];      /* the same match at lower priority: index + 1, or 0; free list */
	uint32_t wildcards;     /* OFPFW_*, normalised */
	uint32_t index;         /* of this entry */
	uint32_t older, newer;  /* neighbours in order of addition: index + 1, or 0 */
	uint16_t idle_timeout;  /* seconds, 0: never */
	uint16_t hard_timeout;
	uint16_t flags; /* OFPFF_* */
	uint16_t reserved;
};

/* 'entries_max' is at least 1. */
struct flow_table *flow_table_new(uint32_t entries_max);
void flow_table_free(struct flow_table *table);
uint32_t flow_table_count(const struct flow_table *table);
/* Distinct masks among the wildcard entries. */
uint32_t flow_table_groups(const struct flow_table *table);
/* Bytes that the table has allocated. */
size_t flow_table_bytes(const struct flow_table *table);

/* The entry that a frame with the fields 'key' (of fb_match_from_packet()) meets; NULL: none.
 * Counts nothing but how the cache did. */
struct flow_entry *flow_table_lookup(struct flow_table *table, const struct flow_key *key);

/* How the cache did, and how large it is. A lookup that did not come to it (an exact entry was met,
 * or there is at most one mask) counts as neither. */
struct flow_cache_counts {
	uint64_t hits;
	uint64_t misses;      /* searched through all masks that might win */
	uint32_t slots_count; /* 0: it was not needed yet */
};

struct flow_cache_counts flow_table_cache(const struct flow_table *table);

/* The entry with this normalised match and priority (any priority if the match is exact); NULL:
 * none. */
struct flow_entry *flow_table_find(const struct flow_table *table, const struct fb_match *match,
                                   uint16_t priority);

/* Add an entry that flow_table_find() does not find. Everything but its identity is zero. NULL: the
 * table is full, of entries or of masks. */
struct flow_entry *flow_table_add(struct flow_table *table, const struct fb_match *match,
                                  uint16_t priority);
/* The entry is gone afterwards; its timer must be off. */
void flow_table_remove(struct flow_table *table, struct flow_entry *entry);

/* Give 'entry' the 'len' bytes of actions. False, and nothing changed, when all long lists together
 * would take too much. */
bool flow_table_set_actions(struct flow_table *table, struct flow_entry *entry,
                            const uint8_t *bytes, size_t len);

/* True when 'count' entries could be given 'len' bytes of actions each after entries whose
 * flow_entry_long_bytes() are 'freed_bytes' in all were given none. */
bool flow_table_has_room(const struct flow_table *table, uint64_t count, size_t len,
                         uint64_t freed_bytes);
/* 'entry' counts as added now. */
void flow_table_renew(struct flow_table *table, struct flow_entry *entry);

static inline const uint8_t *flow_entry_actions(const struct flow_entry *entry)
{
	return entry->actions_len <= FLOW_ENTRY_INLINE_BYTES ? entry->actions.inline_bytes
	                                                     : entry->actions.bytes;
}

/* What the actions of 'entry' take of FLOW_TABLE_ACTIONS_BYTES_MAX. */
static inline size_t flow_entry_long_bytes(const struct flow_entry *entry)
{
	return entry->actions_len > FLOW_ENTRY_INLINE_BYTES ? entry->actions_len : 0;
}

/* True when some frame could meet both an existing entry and one of this normalised match at equal
 * rank: the same priority among wildcard entries; an exact entry only rivals its twin
 * (OFPFF_CHECK_OVERLAP, section 5.3.3). */
bool flow_table_overlaps(const struct flow_table *table, const struct fb_match *match,
                         uint16_t priority);

/* In order of addition; NULL at the end. */
struct flow_entry *flow_table_oldest(const struct flow_table *table);
struct flow_entry *flow_table_newer(const struct flow_table *table, const struct flow_entry *entry);

/* Which entries a command or a request for statistics means. */
struct flow_selection {
	struct flow_key key, mask;
	const struct flow_group *group; /* of the same mask; NULL: the exact entries */
	uint16_t priority;              /* with 'strict' */
	bool strict;                    /* this match and priority; else all within the match */
	bool twins;                     /* all that can be meant differ in priority only */
	bool none;                      /* nothing can be meant */
};

void flow_table_select(const struct flow_table *table, const struct fb_match *match, bool strict,
                       uint16_t priority, struct flow_selection *selection);
/* The next selected entry after 'after' (NULL: the first); NULL at the end. Those of one match come
 * in falling priority when nothing else can be meant, else all come in order of addition. Entries
 * may be removed on the way, when the next one was asked for first. */
struct flow_entry *flow_table_selected(const struct flow_table *table,
                                       const struct flow_selection *selection,
                                       const struct flow_entry *after);

#endif
