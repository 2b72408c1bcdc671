/* When flow entries expire (specification 1.0.0, section 4.7 and idle_timeout, hard_timeout of
 * section 5.3.3).
 *
 * Entries with a timeout stand in a heap by the time at which they are to be looked at. A packet
 * only writes its time into the entry; an entry that was used since is put back with its true
 * deadline when its time comes. So a packet costs nothing here, and each entry at most one look in
 * an idle timeout. flow_timeouts_deadline() is never late but may be early, by uses since. */
#ifndef SOFTSWITCH_FLOW_TIMEOUTS_H
#define SOFTSWITCH_FLOW_TIMEOUTS_H

#include <flowbed/time.h>

#include "softswitch/flow_table.h"

struct flow_timeouts {
	struct heap heap; /* of struct flow_entry by 'timer'; the tie is the order of addition */
};

void flow_timeouts_init(struct flow_timeouts *timeouts);
/* No entry may be in it, or the entries are not used any more. */
void flow_timeouts_destroy(struct flow_timeouts *timeouts);
/* Watch 'entry', whose times and timeouts are set; nothing happens when it has no timeout. */
void flow_timeouts_add(struct flow_timeouts *timeouts, struct flow_entry *entry);
void flow_timeouts_remove(struct flow_timeouts *timeouts, struct flow_entry *entry);

static inline uint64_t flow_timeouts_deadline(const struct flow_timeouts *timeouts)
{
	const struct heap_node *node = heap_min(&timeouts->heap);

	return node ? node->key : FB_NEVER;
}

/* The next entry that has expired at 'now_ns', no longer watched, with '*reason' (OFPRR_*); NULL
 * when there is none. In order of deadlines, then of addition; an entry whose two timeouts end
 * together has met the hard one. */
struct flow_entry *flow_timeouts_expired(struct flow_timeouts *timeouts, uint64_t now_ns,
                                         uint8_t *reason);

#endif
