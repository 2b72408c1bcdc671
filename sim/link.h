/* A full-duplex Ethernet link of a simulation: delay, bandwidth, a bounded queue, and loss,
 * duplication and reordering drawn from the link's own generator.
 *
 * An end has one queue, and what is sent first leaves first, unless link_add_queue() gives it more:
 * then link_queues.h tells who is next. */
#ifndef SIM_LINK_H
#define SIM_LINK_H

#include "lib/base/frame.h"
#include "lib/base/rng.h"
#include "sim/clock.h"
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
	/* One more frame is made of 'frame'; borrowed. May be NULL. */
	void (*duplicated)(void *ctx, const struct frame *frame);
	/* The link came up or went down: both ends see it. */
	void (*state)(void *ctx, unsigned end, bool up);
	void *ctx;
};

struct link_counters { /* by sending end */
	uint64_t sent_frames, sent_bytes, delivered_frames, lost, duplicated, reordered, queue_full,
	        down_drops;
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
/* Frames on the way or waiting; and whether there is one among them that 'counts' holds for. */
uint64_t link_in_flight(const struct link *link);
bool link_carries(const struct link *link, bool (*counts)(struct frame *frame));
const struct link_counters *link_counters(const struct link *link, unsigned end);

#endif
