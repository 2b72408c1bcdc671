/* A bounded hash table of fixed-size entries that remembers the order of use: for MAC tables,
 * sessions, ARP caches, connections, whatever must not grow for ever.
 *
 * What? Entries of 'entry_bytes' whose first 'key_bytes' are the key (compared as bytes, so padding
 * in a key must be zeroed). Entries live in one array that doubles up to 'entries_max' and are
 * named by index, which stays valid until the entry is removed; a pointer to an entry is valid
 * until the next fb_table_add(). An open-addressed index of 32-bit slots with a part of the hash
 * finds them. A doubly linked list through the entries keeps the order of use.
 *
 * Properties: lookup, add, remove, touch are O(1); no allocation but when the table grows;
 * iteration goes in the order of use, so that results depend on no address, on no hash order and on
 * no seed. Where others choose the keys (hosts their addresses, clients their ports),
 * fb_table_seed() keeps them from choosing keys that collide, which would make a lookup as long as
 * the table.
 *
 * At the limit fb_table_add() returns NULL and the owner decides: refuse, or remove the oldest. */
#ifndef FLOWBED_TABLE_H
#define FLOWBED_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fb_table;

/* "No entry". */
#define FB_TABLE_NONE UINT32_MAX

/* A new table; key_bytes from 1 to 64, entry_bytes >= key_bytes, entries_max from 1 to 2^30. NULL
 * when memory is short. fb_table_free() takes NULL. */
struct fb_table *fb_table_new(size_t key_bytes, size_t entry_bytes, uint32_t entries_max);
void fb_table_free(struct fb_table *table);

/* Mix 'seed' into the hash of the empty 'table': a number that those who choose the keys do not
 * know, such as fb_app_run_id(). */
void fb_table_seed(struct fb_table *table, uint64_t seed);

uint32_t fb_table_count(const struct fb_table *table);
uint32_t fb_table_limit(const struct fb_table *table);

/* The entry with the key at 'key', or NULL. Does not change the order of use. */
void *fb_table_find(const struct fb_table *table, const void *key);

/* The same for the 'count' keys that follow each other at 'keys': what is found goes to 'entries'.
 * In a large table this is several times faster than one lookup after the other, because all of
 * them wait for memory at the same time. */
void fb_table_find_many(const struct fb_table *table, const void *keys, size_t count,
                        void **entries);

/* A number that is another one after each entry that came or went: as long as it is the same, what
 * was found, or not found, before would be so again. */
uint64_t fb_table_changes(const struct fb_table *table);

/* Add an entry for 'key', which must not be there: key copied, the rest zeroed, most recently used.
 * NULL when the table is full or memory is short. */
void *fb_table_add(struct fb_table *table, const void *key);

/* Make 'entry' the most recently used. */
void fb_table_touch(struct fb_table *table, void *entry);

/* Ask the processor for the memory that fb_table_touch() of 'entry' will need. */
void fb_table_prefetch_touch(const struct fb_table *table, const void *entry);

/* Remove 'entry'. */
void fb_table_remove(struct fb_table *table, void *entry);
void fb_table_clear(struct fb_table *table);

/* Iterate from the least recently used to the most: oldest(), then newer(entry) until NULL. To
 * remove while iterating, take newer(entry) first. The other way: newest(), then older(entry). */
void *fb_table_oldest(const struct fb_table *table);
void *fb_table_newest(const struct fb_table *table);
void *fb_table_newer(const struct fb_table *table, const void *entry);
void *fb_table_older(const struct fb_table *table, const void *entry);

/* Stable names of entries, for links between them. */
uint32_t fb_table_index_of(const struct fb_table *table, const void *entry);
void *fb_table_at(const struct fb_table *table, uint32_t index);

#endif
