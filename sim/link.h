/* A full-duplex Ethernet link of a simulation: delay, bandwidth, a bounded queue, and what goes
 * wrong: loss, duplication, reordering, jitter and corruption, drawn from the link's own generator
 * or decided frame by frame.
 *
 * An end has one queue, and what is sent first leaves first, unless link_add_queue() gives it more:
 * then link_queues.h tells who is next.
 *
 * Order. What an end sends arrives in the order of sending, but for frames that were held back:
 * those are overtaken, and take their place by the time of their arrival (the one sent first goes
 * first). When the delay becomes shorter, by jitter or because an impairment ended, a frame that
 * would be there before those sent earlier arrives together with the last of them. Frames that left
 * keep their arrival. Those that wait for the transmitter when the rate changes go on at the new one,
 * and as much later as they were to be; those that chance delayed may be overtaken then.
 *
 * Chance can be replayed. Whatever chance does to a frame, link_ops.chance tells as the decision that
 * does the same: made at the beginning of that instant on a link whose configuration and impairments
 * leave nothing to chance, all frames arrive when, how and in which order they did. */
#ifndef SIM_LINK_H
#define SIM_LINK_H

#include "lib/base/frame.h"
#include "lib/base/rng.h"
#include "sim/clock.h"
#include "sim/link_fates.h"
#include "sim/link_impairments.h"
#include "sim/link_queues.h"

struct link;

/* On the wire a frame takes its length, at least 60 bytes, and 24 more (preamble, frame check
 * sequence, gap); rate and queue count these. */
struct link_config {              /* link_config_default() fills it; both directions alike */
	uint64_t delay_ns;        /* propagation: 50 us */
	uint64_t rate_bps;        /* bits a second: 1,000,000,000; 0: unlimited */
	uint64_t queue_bytes_max; /* waiting to be sent, in each queue, tail drop: 1 MiB */
	uint32_t loss_ppm;        /* frames lost, parts per million */
	uint32_t duplicate_ppm;
	uint32_t corrupt_ppm;      /* frames of which one byte changes, as if its check sequence were
	                              right: made by a bad memory, say; never of ARP */
	uint32_t reorder_ppm;      /* frames held back by 'reorder_delay_ns' */
	uint64_t reorder_delay_ns; /* 1 ms */
	uint64_t jitter_ns;        /* uniform in [0, jitter] on top of the delay; order is kept */
};

/* What happened to a frame at an end, for captures, the log and the digest. */
enum link_event { LINK_SENT, LINK_DELIVERED, LINK_LOST, LINK_QUEUE_FULL, LINK_DOWN };

struct link_ops {
	/* A frame arrives at end 'end' (0 or 1); takes over the reference. */
	void (*deliver)(void *ctx, unsigned end, struct frame *frame);
	/* Told of every event, before deliver(); borrowed. May be NULL. SENT, LOST, QUEUE_FULL and
	 * DOWN name the sending end, DELIVERED the receiving one. SENT is told for each frame that
	 * left, lost or not: at an end with queues when its turn comes. */
	void (*observe)(void *ctx, unsigned end, enum link_event event, const struct frame *frame);
	/* Told of LOST, QUEUE_FULL and DOWN alone, after observe(): most frames are not lost. May be NULL. */
	void (*lost)(void *ctx, unsigned end, const struct frame *frame);
	/* One more frame is made of 'frame'; borrowed. May be NULL. */
	void (*duplicated)(void *ctx, const struct frame *frame);
	/* 'frame' goes on instead of the one that the end sent, of which it is a copy with other
	 * bytes and the same tag; borrowed. May be NULL. */
	void (*corrupted)(void *ctx, struct frame *frame);
	/* Chance did this to the frame that 'end' sends now. 'skip' counts the frames that it sent
	 * before at this same instant. May be NULL. */
	void (*chance)(void *ctx, unsigned end, const struct link_decision *decision);
	/* The link came up or went down: both ends see it. */
	void (*state)(void *ctx, unsigned end, bool up);
	void *ctx;
};

struct link_counters { /* by sending end */
	uint64_t sent_frames, sent_bytes, delivered_frames, lost, duplicated, reordered, corrupted,
	        queue_full, down_drops;
	uint64_t decisions_dropped; /* one too many was pending */
};

void link_config_default(struct link_config *config);
struct link *link_new(struct clock *clock, const struct link_config *config,
                      const struct link_ops *ops, uint64_t seed, const char *name);
/* Frees frames in flight too. */
void link_free(struct link *link);
/* Give the end 'end' a queue with a minimum rate, as link_queues_add() does. Before anything is
 * sent. A link without a rate has nothing to share: its frames never wait. */
int link_add_queue(struct link *link, unsigned end, uint32_t queue_id, uint16_t min_rate_permille);
/* Send from end 'end'; takes over the reference. What became of it: LINK_SENT (it left or waits to
 * leave), LINK_QUEUE_FULL or LINK_DOWN. */
enum link_event link_send(struct link *link, unsigned end, struct frame *frame);
/* The same by the queue 'queue_id' of that end, as link_queues_put() names it. */
enum link_event link_send_queued(struct link *link, unsigned end, uint32_t queue_id,
                                 struct frame *frame);
/* Down: frames in flight and in the queue are lost. */
void link_set_up(struct link *link, bool up);
bool link_is_up(const struct link *link);

/* Decide about a frame that 'end' is going to send. Several may be pending. 'owner', whose address
 * only names it, withdraws what is still pending. */
void link_decide(struct link *link, const void *owner, unsigned end,
                 const struct link_decision *decision);
void link_withdraw(struct link *link, const void *owner);
/* Decisions whose frame has not come by. */
uint32_t link_decisions_pending(const struct link *link, unsigned end);

/* Impair 'end' as the sender, or LINK_BOTH_ENDS, until link_mend() is called with the same 'owner'.
 * Of several the latest that says something counts. */
void link_impair(struct link *link, const void *owner, unsigned end,
                 const struct link_impairment *impairment);
void link_mend(struct link *link, const void *owner);

/* Lose all that 'end' sends, while both ends have their carrier: until it was ended as often as it
 * was begun. */
void link_begin_one_way(struct link *link, unsigned end);
void link_end_one_way(struct link *link, unsigned end);

/* Frames on the way or waiting; and whether there is one among them that 'counts' holds for. */
uint64_t link_in_flight(const struct link *link);
bool link_carries(const struct link *link, bool (*counts)(struct frame *frame));
/* Bytes on the wire that 'end' has to send still; of an end with queues those in its longest one. */
uint64_t link_waiting_bytes(const struct link *link, unsigned end);
const struct link_counters *link_counters(const struct link *link, unsigned end);

#endif
