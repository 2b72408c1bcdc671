/* The stack of impairments. See link_impairments.h. */
#include "sim/link_impairments.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "sim/link.h"

struct link_impairment_entry {
	TAILQ_ENTRY(link_impairment_entry) entry;
	const void *owner;
	unsigned end;
	struct link_impairment impairment;
};

void link_impairments_add(struct link_impairments *list, const void *owner, unsigned end,
                          const struct link_impairment *impairment)
{
	struct link_impairment_entry *entry = xcalloc(1, sizeof *entry);

	entry->owner = owner;
	entry->end = end;
	entry->impairment = *impairment;
	TAILQ_INSERT_TAIL(list, entry, entry);
}

static void entry_free(struct link_impairments *list, struct link_impairment_entry *entry)
{
	TAILQ_REMOVE(list, entry, entry);
	free(entry);
}

void link_impairments_remove(struct link_impairments *list, const void *owner)
{
	struct link_impairment_entry *entry;

	TAILQ_FOREACH(entry, list, entry)
	{
		if (entry->owner == owner) {
			entry_free(list, entry);
			return;
		}
	}
}

void link_impairments_clear(struct link_impairments *list)
{
	while (!TAILQ_EMPTY(list))
		entry_free(list, TAILQ_FIRST(list));
}

static void change(uint64_t *value, uint64_t to)
{
	if (to != LINK_KEPT)
		*value = to;
}

static void change_ppm(uint32_t *value, uint64_t to)
{
	if (to != LINK_KEPT)
		*value = (uint32_t)to;
}

bool link_impairments_apply(const struct link_impairments *list, unsigned end,
                            struct link_config *config)
{
	const struct link_impairment_entry *entry;
	bool any = false;

	TAILQ_FOREACH(entry, list, entry)
	{
		const struct link_impairment *i = &entry->impairment;

		if (entry->end != LINK_BOTH_ENDS && entry->end != end)
			continue;
		any = true;
		change(&config->delay_ns, i->delay_ns);
		change(&config->jitter_ns, i->jitter_ns);
		change(&config->rate_bps, i->rate_bps);
		change(&config->queue_bytes_max, i->queue_bytes_max);
		change(&config->reorder_delay_ns, i->reorder_delay_ns);
		change_ppm(&config->loss_ppm, i->loss_ppm);
		change_ppm(&config->duplicate_ppm, i->duplicate_ppm);
		change_ppm(&config->reorder_ppm, i->reorder_ppm);
		change_ppm(&config->corrupt_ppm, i->corrupt_ppm);
	}
	return any;
}
