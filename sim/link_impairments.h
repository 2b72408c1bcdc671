/* The impairments of a link that hold now: other values of its configuration, for a time.
 *
 * Several may overlap, at one end or at both. Of each value the latest that says something counts;
 * when that one ends, the one before it counts again, and at last the link's own. */
#ifndef SIM_LINK_IMPAIRMENTS_H
#define SIM_LINK_IMPAIRMENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct link_config;

/* Another configuration; LINK_KEPT: as it is. */
struct link_impairment {
	uint64_t delay_ns, jitter_ns, rate_bps, queue_bytes_max, reorder_delay_ns;
	uint64_t loss_ppm, duplicate_ppm, reorder_ppm, corrupt_ppm;
};
#define LINK_KEPT UINT64_MAX

enum { LINK_BOTH_ENDS = 2 };

TAILQ_HEAD(link_impairments, link_impairment_entry); /* in order; TAILQ_INIT() it */

/* 'owner' names it: only its address counts. */
void link_impairments_add(struct link_impairments *list, const void *owner, unsigned end,
                          const struct link_impairment *impairment);
void link_impairments_remove(struct link_impairments *list, const void *owner);
void link_impairments_clear(struct link_impairments *list);
/* Change 'config', the link's own, to what holds for the end 'end'. False: nothing changes. */
bool link_impairments_apply(const struct link_impairments *list, unsigned end,
                            struct link_config *config);

#endif
