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
	RECORDS_ALIGN_BYTES = 64, /* a cache line: records whose size divides it are in one each */
	BATCH_KEYS = 64,          /* looked for at once by fb_table_find_many() */
};

#define NONE FB_TABLE_NONE

/* 'older' of a record in the free list. */
#define REMOVED (FB_TABLE_NONE - 1)

struct header {
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
	uint8_t *memory;  /* that holds them */
	uint8_t *records; /* in it, aligned: at 'records_ofs' */
	uint32_t records_ofs;
	size_t record_bytes; /* header and entry: an odd number << 'record_shift' */
	uint32_t record_shift;
	uint64_t record_inverse; /* of the odd number, modulo 2^64 */
	size_t entry_bytes;
	uint32_t capacity; /* records that fit */
	uint32_t used;     /* records that were ever handed out: the others are fresh */
	uint32_t count;    /* entries */
	uint32_t entries_max;
	uint32_t free_first; /* removed records; NONE: there are none */

	/* Order of use. */
	uint32_t oldest, newest;

	uint64_t changes; /* entries that came or went */
};

static inline struct header *record_at(const struct fb_table *table, uint32_t index)
{
	return (struct header *)(void *)(table->records + index * table->record_bytes);
}

/* The division is exact, so that it is a shift and a product. */
static inline uint32_t index_of(const struct fb_table *table, const struct header *header)
{
	uint64_t offset = (uint64_t)((const uint8_t *)header - table->records);

	return (uint32_t)((offset >> table->record_shift) * table->record_inverse);
}

static inline void *entry_of(struct header *header)
{
	return header + 1;
}

static inline struct header *header_of(const void *entry)
{
	return (struct header *)(uintptr_t)entry - 1;
}

/* 'key_bytes' is that of the table: a constant where one kind of keys has a loop of its own. */
static inline uint32_t key_hash_of(const struct fb_table *table, const void *key,
                                   uint32_t key_bytes)
{
	struct hash_seed seed = table->seed;
	uint64_t hash;

	switch (key_bytes) {
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
		hash = hash_bytes(seed, key, key_bytes);
		break;
	}
	return (uint32_t)(hash ^ hash >> 32);
}

static inline uint32_t key_hash(const struct fb_table *table, const void *key)
{
	return key_hash_of(table, key, table->key_bytes);
}

static inline bool key_equal(const void *a, const void *b, uint32_t key_bytes)
{
	switch (key_bytes) {
	case 4:
		return hash_load32(a) == hash_load32(b);
	case 8:
		return hash_load64(a) == hash_load64(b);
	case 16:
		return ((hash_load64(a) ^ hash_load64(b)) |
		        (hash_load64((const uint8_t *)a + 8) ^
		         hash_load64((const uint8_t *)b + 8))) == 0;
	default:
		return memcmp(a, b, key_bytes) == 0;
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

static uint32_t record_hash(const struct fb_table *table, struct header *header)
{
	return key_hash(table, entry_of(header));
}

/* Empty the slot of the record 'header' and close the gap: whoever stands later in the run and may
 * not be found across the gap moves into it, and leaves a gap in its turn. */
static void slot_leave(struct fb_table *table, struct header *header)
{
	uint32_t mask = table->slot_mask, index = index_of(table, header);
	uint32_t gap = record_hash(table, header) & mask;
	uint32_t *slots = table->slots;

	while ((slots[gap] & mask) != index + 1)
		gap = (gap + 1) & mask;
	for (uint32_t at = (gap + 1) & mask; slots[at]; at = (at + 1) & mask) {
		struct header *other = record_at(table, (slots[at] & mask) - 1);
		uint32_t home = record_hash(table, other) & mask;

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

static uint8_t *align(uint8_t *memory)
{
	uintptr_t address = (uintptr_t)memory;

	return memory + (-address & (RECORDS_ALIGN_BYTES - 1));
}

/* Make the array of records as long as 'capacity'; false when memory is short. Where the system
 * moves a large array by its pages, nothing is copied. */
static bool resize_records(struct fb_table *table, uint32_t capacity)
{
	uint8_t *memory, *records;

	if (table->record_bytes > (SIZE_MAX - RECORDS_ALIGN_BYTES) / capacity)
		return false;
	memory = realloc(table->memory, capacity * table->record_bytes + RECORDS_ALIGN_BYTES);
	if (!memory)
		return false;
	records = align(memory);
	if (records != memory + table->records_ofs)
		memmove(records, memory + table->records_ofs, table->used * table->record_bytes);
	table->memory = memory;
	table->records = records;
	table->records_ofs = (uint32_t)(records - memory);
	table->capacity = capacity;
	return true;
}

/* Make room for 'capacity' records. Nothing that counts changes when memory is short: false. */
static bool resize(struct fb_table *table, uint32_t capacity)
{
	uint32_t slot_count = slots_for(capacity);
	uint32_t *slots = calloc(slot_count, sizeof *slots);

	if (!slots || !resize_records(table, capacity)) {
		free(slots);
		return false;
	}
	free(table->slots);
	table->slots = slots;
	table->slot_mask = slot_count - 1;
	/* Only a table without removed records grows. */
	for (uint32_t i = 0; i < table->used; i++)
		slot_enter(slots, slot_count - 1, record_hash(table, record_at(table, i)), i);
	return true;
}

/* 'x' such that x * odd is 1 modulo 2^64: each step doubles the number of right bits. */
static uint64_t inverse_of(uint64_t odd)
{
	uint64_t x = odd; /* three bits are right */

	for (int bits = 3; bits < 64; bits *= 2)
		x *= 2 - odd * x;
	return x;
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
	table->record_shift = (uint32_t)__builtin_ctzl(table->record_bytes);
	table->record_inverse = inverse_of(table->record_bytes >> table->record_shift);
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
	free(table->memory);
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

static inline void *find_hashed(const struct fb_table *table, const void *key, uint32_t key_bytes,
                                uint32_t hash)
{
	uint32_t mask = table->slot_mask;
	uint32_t slot;

	for (uint32_t at = hash & mask; (slot = table->slots[at]) != 0; at = (at + 1) & mask) {
		if (((slot ^ hash) & ~mask) == 0) {
			struct header *header = record_at(table, (slot & mask) - 1);

			if (key_equal(entry_of(header), key, key_bytes))
				return entry_of(header);
		}
	}
	return NULL;
}

void *fb_table_find(const struct fb_table *table, const void *key)
{
	return find_hashed(table, key, table->key_bytes, key_hash(table, key));
}

/* Three passes, each of which asks for the memory that the next one needs. The second takes what
 * the first slot names for what is looked for; the third looks on where that was wrong. */
static inline void find_batch(const struct fb_table *table, const uint8_t *keys, uint32_t count,
                              uint32_t key_bytes, void **entries)
{
	uint32_t mask = table->slot_mask;
	uint32_t hashes[BATCH_KEYS];

	for (uint32_t i = 0; i < count; i++) {
		hashes[i] = key_hash_of(table, keys + i * key_bytes, key_bytes);
		__builtin_prefetch(&table->slots[hashes[i] & mask]);
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = table->slots[hashes[i] & mask];

		entries[i] = slot ? entry_of(record_at(table, (slot & mask) - 1)) : NULL;
		__builtin_prefetch(entries[i]);
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *key = keys + i * key_bytes;

		if (entries[i] && !key_equal(entries[i], key, key_bytes))
			entries[i] = find_hashed(table, key, key_bytes, hashes[i]);
	}
}

void fb_table_find_many(const struct fb_table *table, const void *keys, size_t count,
                        void **entries)
{
	const uint8_t *key = keys;

	while (count > 0) {
		uint32_t batch = count < BATCH_KEYS ? (uint32_t)count : BATCH_KEYS;

		if (table->key_bytes == 8)
			find_batch(table, key, batch, 8, entries);
		else if (table->key_bytes == 16)
			find_batch(table, key, batch, 16, entries);
		else
			find_batch(table, key, batch, table->key_bytes, entries);
		key += (size_t)batch * table->key_bytes;
		entries += batch;
		count -= batch;
	}
}

uint64_t fb_table_changes(const struct fb_table *table)
{
	return table->changes;
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
	return record_at(table, table->used++);
}

static void order_append(struct fb_table *table, struct header *header)
{
	uint32_t index = index_of(table, header);

	header->older = table->newest;
	header->newer = NONE;
	if (table->newest != NONE)
		record_at(table, table->newest)->newer = index;
	else
		table->oldest = index;
	table->newest = index;
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
	slot_enter(table->slots, table->slot_mask, key_hash(table, key), index_of(table, header));
	order_append(table, header);
	table->count++;
	table->changes++;
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

void fb_table_prefetch_touch(const struct fb_table *table, const void *entry)
{
	const struct header *header = header_of(entry);

	__builtin_prefetch(record_at(table, header->older != NONE ? header->older : 0), 1);
	__builtin_prefetch(record_at(table, header->newer != NONE ? header->newer : 0), 1);
}

void fb_table_remove(struct fb_table *table, void *entry)
{
	struct header *header = header_of(entry);

	assert(header->older != REMOVED);
	slot_leave(table, header);
	order_take_out(table, header);
	header->older = REMOVED;
	header->newer = table->free_first;
	table->free_first = index_of(table, header);
	table->count--;
	table->changes++;
}

void fb_table_clear(struct fb_table *table)
{
	memset(table->slots, 0, ((size_t)table->slot_mask + 1) * sizeof *table->slots);
	table->used = 0;
	table->count = 0;
	table->changes++;
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

void *fb_table_older(const struct fb_table *table, const void *entry)
{
	return fb_table_at(table, header_of(entry)->older);
}

uint32_t fb_table_index_of(const struct fb_table *table, const void *entry)
{
	return index_of(table, header_of(entry));
}

void *fb_table_at(const struct fb_table *table, uint32_t index)
{
	struct header *header;

	if (index >= table->used)
		return NULL;
	header = record_at(table, index);
	return header->older == REMOVED ? NULL : entry_of(header);
}
