/* The latest replies. See replies.h. */
#include "sim/replies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flowbed/table.h>

#include "lib/base/xalloc.h"

struct entry {
	struct replies_key key;
	uint32_t step; /* of the latest reply */
	bool moved;    /* in that step */
	char latest[REPLIES_BYTES];
	char before[REPLIES_BYTES]; /* the latest of earlier steps, "" for none */
};

struct replies {
	struct fb_table *table; /* struct entry */
	uint64_t forgotten;
};

struct replies *replies_new(void)
{
	struct replies *replies = xcalloc(1, sizeof *replies);

	_Static_assert(sizeof(struct replies_key) == 12, "a key has no padding");
	replies->table =
	        fb_table_new(sizeof(struct replies_key), sizeof(struct entry), REPLIES_MAX);
	return replies;
}

void replies_free(struct replies *replies)
{
	if (!replies)
		return;
	fb_table_free(replies->table);
	free(replies);
}

static struct entry *add(struct replies *replies, const struct replies_key *key, uint32_t step)
{
	struct entry *entry;

	if (fb_table_count(replies->table) == REPLIES_MAX) {
		fb_table_remove(replies->table, fb_table_oldest(replies->table));
		replies->forgotten++;
	}
	entry = fb_table_add(replies->table, key);
	if (entry)
		entry->step = step;
	return entry;
}

void replies_note(struct replies *replies, const struct replies_key *key, uint32_t step,
                  const char *text, struct replies_news *news)
{
	struct entry *entry = fb_table_find(replies->table, key);

	*news = (struct replies_news){.known = false};
	if (!entry)
		entry = add(replies, key, step);
	if (!entry)
		return;
	fb_table_touch(replies->table, entry);
	memcpy(news->before, entry->latest, sizeof news->before);
	if (entry->step != step) {
		entry->step = step;
		entry->moved = false;
		memcpy(entry->before, entry->latest, sizeof entry->before);
		news->known = true;
	}
	snprintf(entry->latest, sizeof entry->latest, "%s", text);
	news->moved = entry->before[0] && !entry->moved && strcmp(entry->before, entry->latest);
	entry->moved |= news->moved;
}

uint64_t replies_forgotten(const struct replies *replies)
{
	return replies->forgotten;
}
