/* The bounded hash table against a model that is slow and plain: an array in order of use. */
#include "tests/unit/harness.h"

#include <flowbed/table.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/rng.h"

enum { KEYS_MAX = 600, ENTRY_BYTES_MAX = 96 };

/* The model: keys and values, the least recently used first. */
struct model {
	uint32_t keys[KEYS_MAX];
	uint32_t values[KEYS_MAX];
	uint32_t count;
};

/* A table under test and how its keys are made. */
struct subject {
	struct fb_table *table;
	size_t key_bytes;
	size_t entry_bytes;
	struct model model;
};

/* Key number 'n' in 'bytes' bytes: its digits are spread so that short keys stay different. */
static void make_key(uint8_t *key, size_t bytes, uint32_t n)
{
	memset(key, 0xa5, bytes);
	key[0] = (uint8_t)n;
	if (bytes > 1)
		key[bytes - 1] = (uint8_t)(n >> 8);
	if (bytes > 2)
		key[bytes / 2] = (uint8_t)(n >> 16);
}

static uint32_t model_find(const struct model *m, uint32_t key)
{
	uint32_t i = 0;

	while (i < m->count && m->keys[i] != key)
		i++;
	return i;
}

static void model_remove(struct model *m, uint32_t at)
{
	m->count--;
	memmove(m->keys + at, m->keys + at + 1, (m->count - at) * sizeof m->keys[0]);
	memmove(m->values + at, m->values + at + 1, (m->count - at) * sizeof m->values[0]);
}

static void model_append(struct model *m, uint32_t key, uint32_t value)
{
	m->keys[m->count] = key;
	m->values[m->count++] = value;
}

/* The value stands at the end of an entry, or nowhere when there is no room. */
static bool has_value(const struct subject *s)
{
	return s->entry_bytes >= s->key_bytes + 4;
}

static uint32_t value_of(const struct subject *s, const void *entry)
{
	uint32_t v;

	memcpy(&v, (const uint8_t *)entry + s->entry_bytes - 4, 4);
	return v;
}

static void *find(const struct subject *s, uint32_t n)
{
	uint8_t key[64];

	make_key(key, s->key_bytes, n);
	return fb_table_find(s->table, key);
}

/* Add, touch or remove key 'n' in both, and compare what they say. */
static void step(struct subject *s, struct rng *rng, uint32_t n)
{
	uint32_t at = model_find(&s->model, n);
	bool known = at < s->model.count;
	void *entry = find(s, n);
	uint64_t what = rng_below(rng, 3);

	CU_ASSERT_FATAL(known == (entry != NULL));
	if (known && what == 0) {
		uint64_t changes = fb_table_changes(s->table);

		fb_table_remove(s->table, entry);
		CU_ASSERT_FATAL(fb_table_changes(s->table) != changes);
		model_remove(&s->model, at);
	} else if (known) {
		uint32_t value = s->model.values[at];

		CU_ASSERT_FATAL(!has_value(s) || value_of(s, entry) == value);
		fb_table_prefetch_touch(s->table, entry);
		fb_table_touch(s->table, entry);
		model_remove(&s->model, at);
		model_append(&s->model, n, value);
	} else {
		uint32_t value = (uint32_t)rng_next(rng);
		uint64_t changes = fb_table_changes(s->table);
		uint8_t key[64];

		make_key(key, s->key_bytes, n);
		entry = fb_table_add(s->table, key);
		CU_ASSERT_FATAL((entry != NULL) == (fb_table_changes(s->table) != changes));
		CU_ASSERT_FATAL((entry != NULL) == (s->model.count < fb_table_limit(s->table)));
		if (!entry)
			return;
		CU_ASSERT_FATAL(memcmp(entry, key, s->key_bytes) == 0);
		CU_ASSERT_FATAL(!has_value(s) || value_of(s, entry) == 0);
		if (has_value(s))
			memcpy((uint8_t *)entry + s->entry_bytes - 4, &value, 4);
		model_append(&s->model, n, value);
	}
}

/* Many keys looked up at once, known ones and others, are found as each by itself. */
static void compare_many(const struct subject *s)
{
	uint32_t count = s->model.count + 3;
	uint8_t *keys = malloc((size_t)count * s->key_bytes);
	void **found = malloc(count * sizeof *found);

	CU_ASSERT_FATAL(keys && found);
	for (uint32_t i = 0; i < count; i++)
		make_key(keys + i * s->key_bytes, s->key_bytes,
		         i % 2 && i < s->model.count ? s->model.keys[i] : i);
	fb_table_find_many(s->table, keys, count, found);
	for (uint32_t i = 0; i < count; i++)
		CU_ASSERT_FATAL(found[i] == fb_table_find(s->table, keys + i * s->key_bytes));
	free(keys);
	free(found);
}

/* Both hold the same in the same order of use. */
static void compare(const struct subject *s)
{
	uint8_t key[64];
	uint32_t i = 0;

	CU_ASSERT_FATAL(fb_table_count(s->table) == s->model.count);
	for (void *e = fb_table_oldest(s->table); e; e = fb_table_newer(s->table, e), i++) {
		CU_ASSERT_FATAL(i < s->model.count);
		make_key(key, s->key_bytes, s->model.keys[i]);
		CU_ASSERT_FATAL(memcmp(e, key, s->key_bytes) == 0);
		CU_ASSERT_FATAL(!has_value(s) || value_of(s, e) == s->model.values[i]);
		CU_ASSERT_FATAL(fb_table_at(s->table, fb_table_index_of(s->table, e)) == e);
		CU_ASSERT_FATAL((fb_table_newest(s->table) == e) == (i + 1 == s->model.count));
	}
	CU_ASSERT_FATAL(i == s->model.count);
	compare_many(s);
}

static void run_seeded(uint64_t seed, size_t key_bytes, size_t entry_bytes, uint32_t limit,
                       uint32_t keys)
{
	struct subject s = {.key_bytes = key_bytes, .entry_bytes = entry_bytes};
	struct rng rng;

	rng_init(&rng, key_bytes * 1000 + limit, "table_test");
	s.table = fb_table_new(key_bytes, entry_bytes, limit);
	CU_ASSERT_FATAL(s.table != NULL);
	CU_ASSERT_EQUAL(fb_table_limit(s.table), limit);
	if (seed)
		fb_table_seed(s.table, seed);
	for (int i = 0; i < 6000; i++) {
		step(&s, &rng, (uint32_t)rng_below(&rng, keys));
		if (i % 97 == 0)
			compare(&s);
	}
	compare(&s);
	fb_table_clear(s.table);
	s.model.count = 0;
	compare(&s);
	for (int i = 0; i < 500; i++)
		step(&s, &rng, (uint32_t)rng_below(&rng, keys));
	compare(&s);
	fb_table_free(s.table);
}

static void run(size_t key_bytes, size_t entry_bytes, uint32_t limit, uint32_t keys)
{
	run_seeded(0, key_bytes, entry_bytes, limit, keys);
}

static void a_table_does_what_a_plain_array_does_for_keys_of_all_lengths(void)
{
	for (size_t key_bytes = 1; key_bytes <= 64; key_bytes++)
		run(key_bytes, key_bytes + 12, KEYS_MAX / 2, key_bytes == 1 ? 256 : KEYS_MAX);
}

static void a_table_does_what_a_plain_array_does_at_all_limits(void)
{
	static const uint32_t limits[] = {1,  2,  3,   7,   8,   9,   15,
	                                  16, 17, 100, 255, 256, 257, KEYS_MAX};

	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
		run(8, 8, limits[i], KEYS_MAX);
	run(6, 6, 64, KEYS_MAX);
}

static void a_table_with_a_seed_does_the_same(void)
{
	for (size_t key_bytes = 1; key_bytes <= 64; key_bytes++)
		run_seeded(key_bytes, key_bytes, key_bytes + 12, KEYS_MAX / 2,
		           key_bytes == 1 ? 256 : KEYS_MAX);
}

/* How many of 4096 places of a table 4096 keys have as their first, under 'seed'. They are chosen
 * by someone who knows how keys are hashed, but not the seed. */
static unsigned places_of_chosen_keys(struct hash_seed seed, size_t len)
{
	static bool taken[4096];
	unsigned places = 0;

	memset(taken, 0, sizeof taken);
	for (uint32_t n = 0; n < 4096; n++) {
		uint64_t key[2] = {0}, last = HASH_B;
		uint32_t hash;

		memcpy(key, &n, sizeof n);
		memcpy((uint8_t *)key + len - 8, &last, sizeof last);
		hash = (uint32_t)hash_bytes(seed, key, len) & 4095;
		places += !taken[hash];
		taken[hash] = true;
	}
	return places;
}

static void a_seed_keeps_chosen_keys_from_colliding(void)
{
	static const size_t lengths[] = {12, 13, 16};

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		CU_ASSERT_EQUAL(places_of_chosen_keys((struct hash_seed){0}, lengths[i]), 1);
		for (uint64_t seed = 0; seed < 20; seed++)
			CU_ASSERT(places_of_chosen_keys(hash_seed_of(seed), lengths[i]) > 2000);
	}
}

/* With so many keys in one table hundreds meet others whose part of the hash in the slot is the
 * same. */
static void keys_that_share_a_part_of_their_hash_are_told_apart(void)
{
	static const size_t lengths[] = {4, 8, 12, 16, 16};
	enum { COUNT = 300000 };

	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct fb_table *table = fb_table_new(lengths[i], lengths[i], COUNT);
		unsigned wrong = 0;

		for (uint32_t n = 0; n < COUNT; n++) {
			uint32_t key[4] = {n, 0, 0, 0};

			if (i == 3) /* of two words, the first has few values */
				memcpy(key, (uint32_t[4]){n & 1, 0, 0, n}, sizeof key);
			if (i == 4) /* the second has */
				memcpy(key, (uint32_t[4]){n, 0, 0, n & 1}, sizeof key);
			if (fb_table_find(table, key))
				wrong++;
			else
				fb_table_add(table, key);
		}
		CU_ASSERT_EQUAL(wrong, 0);
		CU_ASSERT_EQUAL(fb_table_count(table), COUNT);
		fb_table_free(table);
	}
}

static void entries_are_aligned_for_any_structure_of_words(void)
{
	struct fb_table *table = fb_table_new(6, 13, 100);

	for (uint32_t n = 0; n < 100; n++) {
		uint8_t key[6];

		make_key(key, sizeof key, n);
		CU_ASSERT_EQUAL((uintptr_t)fb_table_add(table, key) % 8, 0);
	}
	fb_table_free(table);
}

static void indexes_stay_valid_while_the_table_grows(void)
{
	struct fb_table *table = fb_table_new(4, 8, 5000);
	uint32_t indexes[5000];

	for (uint32_t n = 0; n < 5000; n++) {
		void *entry = fb_table_add(table, &n);

		CU_ASSERT_FATAL(entry != NULL);
		indexes[n] = fb_table_index_of(table, entry);
	}
	for (uint32_t n = 0; n < 5000; n++)
		CU_ASSERT_FATAL(memcmp(fb_table_at(table, indexes[n]), &n, 4) == 0);
	fb_table_free(table);
}

static void the_index_of_a_removed_entry_names_nothing(void)
{
	struct fb_table *table = fb_table_new(4, 4, 10);
	uint32_t key = 7, index;
	void *entry = fb_table_add(table, &key);

	index = fb_table_index_of(table, entry);
	fb_table_remove(table, entry);
	CU_ASSERT_PTR_NULL(fb_table_at(table, index));
	CU_ASSERT_PTR_NULL(fb_table_at(table, FB_TABLE_NONE));
	entry = fb_table_add(table, &key);
	index = fb_table_index_of(table, entry);
	fb_table_clear(table);
	CU_ASSERT_PTR_NULL(fb_table_at(table, index));
	CU_ASSERT_PTR_NULL(fb_table_find(table, &key));
	fb_table_free(table);
}

static void entries_can_be_removed_while_iterating(void)
{
	struct fb_table *table = fb_table_new(4, 4, 1000);
	uint32_t expected = 1;

	for (uint32_t n = 0; n < 1000; n++)
		CU_ASSERT_PTR_NOT_NULL(fb_table_add(table, &n));
	for (void *e = fb_table_oldest(table), *next; e; e = next) {
		uint32_t n;

		next = fb_table_newer(table, e);
		memcpy(&n, e, 4);
		if (n % 2 == 0)
			fb_table_remove(table, e);
	}
	CU_ASSERT_EQUAL(fb_table_count(table), 500);
	for (void *e = fb_table_oldest(table); e; e = fb_table_newer(table, e), expected += 2)
		CU_ASSERT_FATAL(memcmp(e, &expected, 4) == 0);
	CU_ASSERT_EQUAL(expected, 1001);
	fb_table_free(table);
}

static void a_full_table_takes_another_entry_once_one_is_removed(void)
{
	struct fb_table *table = fb_table_new(4, 4, 3);
	uint32_t extra = 99;

	for (uint32_t n = 0; n < 3; n++)
		CU_ASSERT_PTR_NOT_NULL(fb_table_add(table, &n));
	CU_ASSERT_PTR_NULL(fb_table_add(table, &extra));
	fb_table_remove(table, fb_table_oldest(table));
	CU_ASSERT_PTR_NOT_NULL(fb_table_add(table, &extra));
	CU_ASSERT_PTR_NULL(fb_table_find(table, &(uint32_t){0}));
	CU_ASSERT_EQUAL(fb_table_count(table), 3);
	fb_table_free(table);
}

static void freeing_no_table_is_allowed(void)
{
	fb_table_free(NULL);
	CU_PASS("survived");
}

UNIT_TESTS("table", UNIT_TEST(a_table_does_what_a_plain_array_does_for_keys_of_all_lengths),
           UNIT_TEST(a_table_does_what_a_plain_array_does_at_all_limits),
           UNIT_TEST(a_table_with_a_seed_does_the_same),
           UNIT_TEST(a_seed_keeps_chosen_keys_from_colliding),
           UNIT_TEST(keys_that_share_a_part_of_their_hash_are_told_apart),
           UNIT_TEST(entries_are_aligned_for_any_structure_of_words),
           UNIT_TEST(indexes_stay_valid_while_the_table_grows),
           UNIT_TEST(the_index_of_a_removed_entry_names_nothing),
           UNIT_TEST(entries_can_be_removed_while_iterating),
           UNIT_TEST(a_full_table_takes_another_entry_once_one_is_removed),
           UNIT_TEST(freeing_no_table_is_allowed))
