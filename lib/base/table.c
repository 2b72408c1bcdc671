/* The bounded hash table; see flowbed/table.h for what it promises.
 *
 * How? One array of records, each a struct header and then the owner's entry, aligned to 8 bytes.
 * Records that were removed hang in a free list, so that the array is as long as the most entries
 * there ever were.
 *
 * The index is an array of 2^k 32-bit slots, at most half of them used. A slot holds the number of
 * a record plus 1 in its low k bits and the hash's upper bits in the others (0: empty), so that a
 * lookup reads one slot and one record in most cases, and a miss often reads no record. Collisions
 * go to the next slot; removal moves later members of the run back, so that there are no tombstones
 * and a table that churns for ever does not slow down.
 *
 * What is left to others: eviction, ageing, and keys without padding. */
#include <flowbed/table.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

enum {
	CAPACITY_FIRST = 8, /* records of a new table */
	KEY_BYTES_MAX = 64,
	ENTRIES_MAX = 1 << 30,
};

#define NONE FB_TABLE_NONE

/* 'older' of a record in the free list. */
#define REMOVED (FB_TABLE_NONE - 1)

struct header {
	uint32_t hash;
	uint32_t index; /* of this record */
	uint32_t older; /* record that was used just before this one; REMOVED in the free list */
	uint32_t newer; /* record that was used just after; the next of the free list */
};

struct fb_table {
	/* Index. */
	uint32_t *slots;
	uint32_t slot_mask; /* slots - 1 */
	uint32_t key_bytes;
	struct hash_seed seed;

	/* Records. */
	uint8_t *records;
	size_t record_bytes; /* header and entry */
	size_t entry_bytes;
	uint32_t capacity; /* records that fit */
	uint32_t used;     /* records that were ever handed out: the others are fresh */
	uint32_t count;    /* entries */
	uint32_t entries_max;
	uint32_t free_first; /* removed records; NONE: there are none */

	/* Order of use. */
	uint32_t oldest, newest;
};

static inline struct header *record_at(const struct fb_table *table, uint32_t index)
{
	return (struct header *)(void *)(table->records + index * table->record_bytes);
}

static inline void *entry_of(struct header *header)
{
	return header + 1;
}

static inline struct header *header_of(const void *entry)
{
	return (struct header *)(uintptr_t)entry - 1;
}

static inline uint32_t key_hash(const struct fb_table *table, const void *key)
{
	struct hash_seed seed = table->seed;
	uint64_t hash;

	switch (table->key_bytes) {
	case 4:
		hash = hash_u64(hash_load32(key) ^ seed.a);
		break;
	case 8:
		hash = hash_u64(hash_load64(key) ^ seed.a);
		break;
	case 16:
		hash = hash_u128(hash_load64(key) ^ seed.a,
		                 hash_load64((const uint8_t *)key + 8) ^ seed.b);
		break;
	default:
		hash = hash_bytes(seed, key, table->key_bytes);
		break;
	}
	return (uint32_t)(hash ^ hash >> 32);
}

static inline bool key_equal(const struct fb_table *table, const void *a, const void *b)
{
	switch (table->key_bytes) {
	case 4:
		return hash_load32(a) == hash_load32(b);
	case 8:
		return hash_load64(a) == hash_load64(b);
	case 16:
		return ((hash_load64(a) ^ hash_load64(b)) |
		        (hash_load64((const uint8_t *)a + 8) ^
		         hash_load64((const uint8_t *)b + 8))) == 0;
	default:
		return memcmp(a, b, table->key_bytes) == 0;
	}
}

/* Enter the record 'index' of 'hash' into 'slots', where it is not yet. */
static void slot_enter(uint32_t *slots, uint32_t mask, uint32_t hash, uint32_t index)
{
	uint32_t at = hash & mask;

	while (slots[at])
		at = (at + 1) & mask;
	slots[at] = (hash & ~mask) | (index + 1);
}

/* Empty the slot of the record 'header' and close the gap: whoever stands later in the run and may
 * not be found across the gap moves into it, and leaves a gap in its turn. */
static void slot_leave(struct fb_table *table, const struct header *header)
{
	uint32_t mask = table->slot_mask;
	uint32_t *slots = table->slots;
	uint32_t gap = header->hash & mask;

	while ((slots[gap] & mask) != header->index + 1)
		gap = (gap + 1) & mask;
	for (uint32_t at = (gap + 1) & mask; slots[at]; at = (at + 1) & mask) {
		uint32_t home = record_at(table, (slots[at] & mask) - 1)->hash & mask;

		if (((at - home) & mask) >= ((at - gap) & mask)) {
			slots[gap] = slots[at];
			gap = at;
		}
	}
	slots[gap] = 0;
}

static uint32_t slots_for(uint32_t capacity)
{
	uint32_t count = 2 * CAPACITY_FIRST;

	while (count / 2 < capacity)
		count *= 2;
	return count;
}

/* Make room for 'capacity' records. Nothing changes when memory is short: false. */
static bool resize(struct fb_table *table, uint32_t capacity)
{
	uint32_t slot_count = slots_for(capacity);
	uint32_t *slots;
	uint8_t *records;

	if (table->record_bytes > SIZE_MAX / capacity)
		return false;
	slots = calloc(slot_count, sizeof *slots);
	if (!slots)
		return false;
	records = realloc(table->records, capacity * table->record_bytes);
	if (!records) {
		free(slots);
		return false;
	}
	table->records = records;
	table->capacity = capacity;
	/* Only a table without removed records grows. */
	for (uint32_t i = 0; i < table->used; i++)
		slot_enter(slots, slot_count - 1, record_at(table, i)->hash, i);
	free(table->slots);
	table->slots = slots;
	table->slot_mask = slot_count - 1;
	return true;
}

struct fb_table *fb_table_new(size_t key_bytes, size_t entry_bytes, uint32_t entries_max)
{
	struct fb_table *table;

	assert(key_bytes >= 1 && key_bytes <= KEY_BYTES_MAX && entry_bytes >= key_bytes);
	assert(entries_max >= 1 && entries_max <= ENTRIES_MAX);
	table = calloc(1, sizeof *table);
	if (!table || entry_bytes > SIZE_MAX / 2) {
		free(table);
		return NULL;
	}
	table->key_bytes = (uint32_t)key_bytes;
	table->entry_bytes = entry_bytes;
	table->record_bytes = sizeof(struct header) + (entry_bytes + 7) / 8 * 8;
	table->entries_max = entries_max;
	table->free_first = NONE;
	table->oldest = table->newest = NONE;
	if (!resize(table, entries_max < CAPACITY_FIRST ? entries_max : CAPACITY_FIRST)) {
		free(table);
		return NULL;
	}
	return table;
}

void fb_table_seed(struct fb_table *table, uint64_t seed)
{
	assert(table->count == 0);
	table->seed = hash_seed_of(seed);
}

void fb_table_free(struct fb_table *table)
{
	if (!table)
		return;
	free(table->slots);
	free(table->records);
	free(table);
}

uint32_t fb_table_count(const struct fb_table *table)
{
	return table->count;
}

uint32_t fb_table_limit(const struct fb_table *table)
{
	return table->entries_max;
}

void *fb_table_find(const struct fb_table *table, const void *key)
{
	uint32_t hash = key_hash(table, key);
	uint32_t mask = table->slot_mask;
	uint32_t slot;

	for (uint32_t at = hash & mask; (slot = table->slots[at]) != 0; at = (at + 1) & mask) {
		if (((slot ^ hash) & ~mask) == 0) {
			struct header *header = record_at(table, (slot & mask) - 1);

			if (key_equal(table, entry_of(header), key))
				return entry_of(header);
		}
	}
	return NULL;
}

/* Take a record from the free list, a fresh one, or one of a grown array; NULL where none can be
 * had. */
static struct header *record_take(struct fb_table *table)
{
	struct header *header;

	if (table->free_first != NONE) {
		header = record_at(table, table->free_first);
		table->free_first = header->newer;
		return header;
	}
	if (table->used == table->capacity) {
		uint32_t capacity = table->entries_max;

		if (table->capacity == capacity)
			return NULL;
		if (table->capacity < capacity / 2)
			capacity = 2 * table->capacity;
		if (!resize(table, capacity))
			return NULL;
	}
	header = record_at(table, table->used);
	header->index = table->used++;
	return header;
}

static void order_append(struct fb_table *table, struct header *header)
{
	header->older = table->newest;
	header->newer = NONE;
	if (table->newest != NONE)
		record_at(table, table->newest)->newer = header->index;
	else
		table->oldest = header->index;
	table->newest = header->index;
}

static void order_take_out(struct fb_table *table, const struct header *header)
{
	if (header->older != NONE)
		record_at(table, header->older)->newer = header->newer;
	else
		table->oldest = header->newer;
	if (header->newer != NONE)
		record_at(table, header->newer)->older = header->older;
	else
		table->newest = header->older;
}

void *fb_table_add(struct fb_table *table, const void *key)
{
	struct header *header;
	uint8_t *entry;

	assert(!fb_table_find(table, key));
	header = record_take(table);
	if (!header)
		return NULL;
	header->hash = key_hash(table, key);
	slot_enter(table->slots, table->slot_mask, header->hash, header->index);
	order_append(table, header);
	table->count++;
	entry = entry_of(header);
	memcpy(entry, key, table->key_bytes);
	memset(entry + table->key_bytes, 0, table->entry_bytes - table->key_bytes);
	return entry;
}

void fb_table_touch(struct fb_table *table, void *entry)
{
	struct header *header = header_of(entry);

	assert(header->older != REMOVED);
	if (header->newer == NONE)
		return;
	order_take_out(table, header);
	order_append(table, header);
}

void fb_table_remove(struct fb_table *table, void *entry)
{
	struct header *header = header_of(entry);

	assert(header->older != REMOVED);
	slot_leave(table, header);
	order_take_out(table, header);
	header->older = REMOVED;
	header->newer = table->free_first;
	table->free_first = header->index;
	table->count--;
}

void fb_table_clear(struct fb_table *table)
{
	memset(table->slots, 0, ((size_t)table->slot_mask + 1) * sizeof *table->slots);
	table->used = 0;
	table->count = 0;
	table->free_first = NONE;
	table->oldest = table->newest = NONE;
}

void *fb_table_oldest(const struct fb_table *table)
{
	return fb_table_at(table, table->oldest);
}

void *fb_table_newest(const struct fb_table *table)
{
	return fb_table_at(table, table->newest);
}

void *fb_table_newer(const struct fb_table *table, const void *entry)
{
	return fb_table_at(table, header_of(entry)->newer);
}

uint32_t fb_table_index_of(const struct fb_table *table, const void *entry)
{
	(void)table;
	return header_of(entry)->index;
}

void *fb_table_at(const struct fb_table *table, uint32_t index)
{
	struct header *header;

	if (index >= table->used)
		return NULL;
	header = record_at(table, index);
	return header->older == REMOVED ? NULL : entry_of(header);
}

void fb_table_prefetch(const struct fb_table *table, const void *key)
{
	__builtin_prefetch(&table->slots[key_hash(table, key) & table->slot_mask]);
}
