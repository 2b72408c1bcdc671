/* What becomes of the frames that an end of a link sends: by chance, as the link's configuration has
 * it, and by decisions about single ones.
 *
 * Chance. A frame costs one draw each for loss, duplication, reordering and jitter, in this order,
 * whichever of them are set, so that one more or less of them changes nothing of the others.
 * Corruption has a generator of its own. Without chance nothing is drawn, and decisions draw nothing
 * and change no draw.
 *
 * Corruption spares ARP. A real link's check sequence lets no host see a changed frame; only a bad memory
 * in a switch makes one. ARP has no checksum of its own, and one changed bit of it leaves a host with a
 * wrong cache for as long as that lasts, which is nobody's mistake. So chance passes over ARP frames, and
 * a decision waits for the next frame that is none.
 *
 * Pure and without time: the link (link.c) says when frames leave and arrive. */
#ifndef SIM_LINK_FATES_H
#define SIM_LINK_FATES_H

#include "lib/base/frame.h"
#include "lib/base/heap.h"
#include "lib/base/rng.h"

struct link_config;

/* What happens to single frames. Those that apply to one frame all do: a lost one is lost, whatever
 * else; what corrupts it corrupts its duplicates too, and they are held back with it. */
enum link_fate {
	LINK_LOSE,
	LINK_DUPLICATE,
	LINK_HOLD,    /* it arrives 'by_ns' later, and is overtaken */
	LINK_CORRUPT, /* of the byte 'byte', modulo the frame's length, the bits 'flip'
	                 change; of the next frame that is no ARP */
};

/* The next 'count' frames that an end sends after 'skip' others, counted from when it was made.
 * Frames that were refused, because the queue is full or the link down, were not sent. */
struct link_decision {
	enum link_fate fate;
	uint32_t skip, count;
	uint64_t by_ns;
	uint32_t byte;
	uint8_t flip; /* not 0 */
};
enum { LINK_DECISIONS_MAX = 100000 }; /* pending at an end; further ones are counted and dropped */

/* Of a frame. */
struct link_outcome {
	bool lost;
	bool corrupted;          /* the frame is a copy with other bytes */
	bool held;               /* it is overtaken by those sent after it */
	uint32_t copies;         /* further ones of it */
	uint64_t late_ns;        /* it arrives so much later by decisions */
	uint64_t chance_late_ns; /* and so much by chance */
	/* What chance did to it beside that. */
	struct link_decision by_chance[2];
	unsigned by_chance_count;
};

/* Of one end. Embedded; zeroed. */
struct link_fates {
	struct rng rng, corrupt_rng;
	struct heap decisions; /* key: number of the next frame; tie: order of making */
	uint64_t made;
};

void link_fates_init(struct link_fates *fates, uint64_t seed, const char *name);
void link_fates_destroy(struct link_fates *fates);
/* The configuration leaves something to chance. */
bool link_fates_are_chance(const struct link_config *config);
/* Nothing corrupts the frame: it is ARP. */
bool link_fates_spare(struct frame *frame);
/* Decide about a frame; the next that the end sends has the number 'next'. False: too many are
 * pending. 'owner' is an address that only names it. */
bool link_fates_decide(struct link_fates *fates, const void *owner, uint64_t next,
                       const struct link_decision *decision);
void link_fates_withdraw(struct link_fates *fates, const void *owner);
/* What becomes of '*frame', the end's frame with the number 'number'; 'config' as it is now. A
 * corrupted frame takes its place. 'lost': it is lost in any case. */
void link_fates_draw(struct link_fates *fates, const struct link_config *config, uint64_t number,
                     struct frame **frame, bool lost, struct link_outcome *outcome);

#endif
