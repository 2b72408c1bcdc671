/* Links; see link.h.
 *
 * How? Each direction has a transmitter that is busy until 'free_ns', a first-in-first-out ring of
 * the frames under way and one event of the clock, set for the first arrival: a frame costs one
 * event. Only frames that were held back (reordering) overtake nobody and are overtaken, so they
 * wait apart, in a heap.
 *
 * On the wire a frame takes its length, padded to 60 bytes, and 24 bytes more (preamble, frame
 * check sequence, gap between frames), at the link's rate, rounded up to a nanosecond. The queue is
 * the transmitter's backlog: its bytes are those on the wire that are not sent yet. A frame that
 * finds the transmitter idle is always taken.
 *
 * An end that was given queues has frames that wait for their turn, and a second event, set for when
 * the transmitter is free for the next. All others know when a frame leaves as soon as it is sent.
 *
 * What chance and decisions do to a frame (link_fates.h) is settled when the transmitter takes it. A
 * lost frame has used its time on the wire; a duplicate uses none and arrives right behind the frame.
 * A direction to which nothing of that kind can happen is not 'special': its frames go past all of it.
 *
 * The ring is in the order of sending and of arrival: nobody in it arrives before the one in front of
 * him. That is what jitter, and a delay that becomes shorter, come to. A frame that is late by chance,
 * its own or that of the frame in front of it, is told as one that is held back, for in a replay it will
 * be; one that would be no earlier without chance is not. */
#include "sim/link.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"

enum {
	WIRE_OVERHEAD_BYTES = 24,  /* preamble 8, frame check sequence 4, gap 12 */
	WIRE_FRAME_BYTES_MIN = 60, /* shorter frames are padded */
	RING_SIZE_FIRST = 64,      /* frames */
	RING_SIZE_MAX =
	        1 << 20, /* frames under way in one direction; the limit where a link has no rate */
	NAME_BYTES = 256,
};

/* A frame under way. */
struct flight {
	uint64_t arrival_ns;
	uint64_t left_ns; /* when all of it is on the wire */
	uint64_t number;  /* order of sending; odd: chance made it that late */
	struct frame *frame;
};

/* A frame that was held back. */
struct late {
	struct heap_node node; /* key: arrival in ns; tie: number */
	uint64_t left_ns;
	struct frame *frame;
};

/* The queues of an end that has some. */
struct egress {
	struct event event; /* the transmitter is free, and frames wait */
	struct direction *direction;
	struct link_queues *queues;
};

struct direction {
	struct event event; /* the next arrival */
	struct link *link;

	/* Transmitter. */
	unsigned from;         /* sending end; the other one receives */
	bool special;          /* something may happen to its frames, */
	uint32_t one_way;      /*   all are lost, so many times over */
	const struct link_config *config; /* as it is now: the link's own, or 'impaired' */
	struct link_config *impaired;     /* NULL: never was */
	uint64_t queue_ns_max; /* time to send config->queue_bytes_max */
	uint32_t last_len;     /* bytes of the last frame, */
	uint64_t last_wire_ns; /*   and what it took: most are alike */
	uint64_t free_ns;      /* when all that was taken is sent */
	uint64_t instant_ns;   /* when the last frame was taken, */
	uint64_t instant_first; /*   and how many had been before that time */
	struct egress *egress; /* NULL: one queue */

	/* Frames under way. */
	struct flight *ring;
	uint32_t ring_size; /* a power of two, or 0 */
	uint32_t ring_head;
	uint32_t ring_count;
	bool delivering; /* the event is being handled: it is set when that is done */
	uint64_t number;   /* of the next frame, even */
	uint64_t last_ns;  /* the ring's last arrival, or an earlier time */
	bool late_by_chance; /* chance made that so late */
	struct heap late;

	struct link_fates fates;
	struct link_counters counters;
};

struct link {
	struct clock *clock;
	struct link_config config;
	struct link_ops ops;
	struct link_impairments impairments;
	bool up;
	struct direction direction[2]; /* by sending end */
};

static void direction_fire(struct event *event);
static void egress_fire(struct event *event);

void link_config_default(struct link_config *config)
{
	*config = (struct link_config){
	        .delay_ns = 50 * FB_NS_PER_US,
	        .rate_bps = UINT64_C(1000000000),
	        .queue_bytes_max = 1 << 20,
	        .reorder_delay_ns = FB_NS_PER_MS,
	};
}

/* Nanoseconds that 'bytes' take at 'rate_bps', rounded up. */
static uint64_t bytes_to_ns(uint64_t bytes, uint64_t rate_bps)
{
	__extension__ unsigned __int128 bits_ns = (unsigned __int128)bytes * 8 * FB_NS_PER_S;
	__extension__ unsigned __int128 ns;

	if (!rate_bps)
		return 0;
	ns = (bits_ns + rate_bps - 1) / rate_bps;
	return ns > FB_NEVER / 2 ? FB_NEVER / 2 : (uint64_t)ns;
}

/* What can happen to the direction's frames has changed. */
static void refresh_special(struct direction *d)
{
	d->special = d->late_by_chance || d->one_way || d->fates.decisions.count ||
	             link_fates_are_chance(d->config);
}

/* 'config' holds from now on. */
static void configure(struct direction *d, const struct link_config *config)
{
	d->config = config;
	d->last_len = 0;
	d->last_wire_ns = 0;
	d->queue_ns_max = bytes_to_ns(config->queue_bytes_max, config->rate_bps);
	refresh_special(d);
}

struct link *link_new(struct clock *clock, const struct link_config *config,
                      const struct link_ops *ops, uint64_t seed, const char *name)
{
	struct link *link = xcalloc(1, sizeof *link);
	char generator[NAME_BYTES];

	link->clock = clock;
	link->config = *config;
	link->ops = *ops;
	link->up = true;
	TAILQ_INIT(&link->impairments);
	for (unsigned end = 0; end < 2; end++) {
		struct direction *d = &link->direction[end];

		d->event.fire = direction_fire;
		d->link = link;
		d->from = end;
		heap_init(&d->late);
		snprintf(generator, sizeof generator, "link %u %s", end, name);
		link_fates_init(&d->fates, seed, generator);
		configure(d, &link->config);
	}
	return link;
}

int link_add_queue(struct link *link, unsigned end, uint32_t queue_id, uint16_t min_rate_permille)
{
	struct direction *d = &link->direction[end];

	if (!d->egress) {
		d->egress = xcalloc(1, sizeof *d->egress);
		d->egress->event.fire = egress_fire;
		d->egress->direction = d;
		d->egress->queues = link_queues_new(d->config->queue_bytes_max);
	}
	return link_queues_add(d->egress->queues, queue_id, min_rate_permille);
}

static struct late *late_first(const struct direction *d)
{
	_Static_assert(offsetof(struct late, node) == 0, "begins with its node");
	return (struct late *)(void *)heap_min(&d->late);
}

/* There are frames that were held back: is one of them the next? Of two that arrive at the same time the
 * one sent first goes first. */
static bool late_goes_first(const struct direction *d)
{
	const struct heap_node *late = heap_min(&d->late);
	const struct flight *first;

	if (!d->ring_count)
		return true;
	first = &d->ring[d->ring_head];
	return late->key < first->arrival_ns ||
	       (late->key == first->arrival_ns && late->tie < first->number);
}

static inline bool late_is_next(const struct direction *d)
{
	return d->late.count && late_goes_first(d);
}

/* When the next frame arrives. */
static inline uint64_t next_arrival(const struct direction *d)
{
	if (late_is_next(d))
		return heap_min(&d->late)->key;
	return d->ring_count ? d->ring[d->ring_head].arrival_ns : FB_NEVER;
}

/* Take the next frame off; there is one. */
static struct frame *take_next(struct direction *d)
{
	struct frame *frame;

	if (late_is_next(d)) {
		struct late *late = late_first(d);

		heap_remove(&d->late, &late->node);
		frame = late->frame;
		free(late);
		return frame;
	}
	frame = d->ring[d->ring_head].frame;
	d->ring_head = (d->ring_head + 1) & (d->ring_size - 1);
	d->ring_count--;
	return frame;
}

static inline void observe(const struct link *link, unsigned end, enum link_event event,
                           const struct frame *frame)
{
	if (link->ops.observe)
		link->ops.observe(link->ops.ctx, end, event, frame);
}

static inline void arm(struct direction *d)
{
	uint64_t next_ns;

	if (d->delivering)
		return;
	next_ns = next_arrival(d);
	if (!heap_contains(&d->event.node) || d->event.node.key != next_ns)
		clock_set(d->link->clock, &d->event, next_ns);
}

/* Deliver what is due. What is sent on meanwhile waits for the next event, even when it arrives in
 * the same nanosecond, so that a loop without delay shows as events and not as a hang. */
static void direction_fire(struct event *event)
{
	struct direction *d = (struct direction *)(void *)event;
	struct link *link = d->link;
	uint64_t count = (uint64_t)d->ring_count + d->late.count;
	unsigned to = 1 - d->from;

	_Static_assert(offsetof(struct direction, event) == 0, "begins with its event");
	d->delivering = true;
	while (count-- && next_arrival(d) <= link->clock->now_ns) {
		struct frame *frame = take_next(d);

		d->counters.delivered_frames++;
		observe(link, to, LINK_DELIVERED, frame);
		link->ops.deliver(link->ops.ctx, to, frame);
	}
	d->delivering = false;
	arm(d);
}

/* Give up a frame that the end sent. */
static void drop(struct direction *d, enum link_event event, struct frame *frame)
{
	observe(d->link, d->from, event, frame);
	if (d->link->ops.lost)
		d->link->ops.lost(d->link->ops.ctx, d->from, frame);
	frame_unref(frame);
}

/* Frames on the way are lost, those that wait too. */
static void drop_all(struct direction *d)
{
	struct frame *frame;

	while (d->ring_count || d->late.count) {
		frame = take_next(d);
		d->counters.down_drops++;
		drop(d, LINK_DOWN, frame);
	}
	if (!d->egress)
		return;
	clock_cancel(d->link->clock, &d->egress->event);
	while ((frame = link_queues_take(d->egress->queues)) != NULL) {
		d->counters.down_drops++;
		drop(d, LINK_DOWN, frame);
	}
}

static void egress_free(struct egress *egress)
{
	if (!egress)
		return;
	link_queues_free(egress->queues);
	free(egress);
}

void link_free(struct link *link)
{
	if (!link)
		return;
	link->ops.observe = NULL;
	link->ops.lost = NULL;
	for (unsigned end = 0; end < 2; end++) {
		struct direction *d = &link->direction[end];

		clock_cancel(link->clock, &d->event);
		drop_all(d);
		egress_free(d->egress);
		heap_destroy(&d->late);
		link_fates_destroy(&d->fates);
		free(d->impaired);
		free(d->ring);
	}
	link_impairments_clear(&link->impairments);
	free(link);
}

static inline uint64_t under_way(const struct direction *d)
{
	return (uint64_t)d->ring_count + d->late.count;
}

static void ring_grow(struct direction *d)
{
	uint32_t size = d->ring_size ? d->ring_size * 2 : RING_SIZE_FIRST;
	struct flight *ring = xmalloc(size * sizeof *ring);

	for (uint32_t i = 0; i < d->ring_count; i++)
		ring[i] = d->ring[(d->ring_head + i) & (d->ring_size - 1)];
	free(d->ring);
	d->ring = ring;
	d->ring_size = size;
	d->ring_head = 0;
}

/* 'frame' arrives at 'arrival_ns', and not before the last one. */
static inline void push(struct direction *d, struct frame *frame, uint64_t left_ns,
                        uint64_t arrival_ns, bool by_chance)
{
	if (d->ring_count == d->ring_size)
		ring_grow(d);
	if (arrival_ns < d->last_ns)
		arrival_ns = d->last_ns;
	d->last_ns = arrival_ns;
	d->ring[(d->ring_head + d->ring_count) & (d->ring_size - 1)] =
	        (struct flight){.arrival_ns = arrival_ns,
	                        .left_ns = left_ns,
	                        .number = d->number | by_chance,
	                        .frame = frame};
	d->number += 2;
	d->ring_count++;
}

static void late_add(struct direction *d, struct frame *frame, uint64_t left_ns,
                     uint64_t arrival_ns, uint64_t number)
{
	struct late *late = xcalloc(1, sizeof *late);

	late->left_ns = left_ns;
	late->frame = frame;
	if (!heap_insert(&d->late, &late->node, arrival_ns, number))
		xalloc_failed("frames");
}

static void push_late(struct direction *d, struct frame *frame, uint64_t left_ns,
                      uint64_t arrival_ns)
{
	late_add(d, frame, left_ns, arrival_ns, d->number);
	d->number += 2;
	d->counters.reordered++;
}

static inline uint32_t wire_bytes(uint32_t len)
{
	return (len < WIRE_FRAME_BYTES_MIN ? WIRE_FRAME_BYTES_MIN : len) + WIRE_OVERHEAD_BYTES;
}

static inline uint64_t wire_ns(struct direction *d, uint32_t len)
{
	if (len != d->last_len) {
		d->last_len = len;
		d->last_wire_ns = bytes_to_ns(wire_bytes(len), d->config->rate_bps);
	}
	return d->last_wire_ns;
}

/* --- Frames to which something happens --- */

static void tell_chance(const struct direction *d, const struct link_decision *done)
{
	struct link_decision decision = *done;

	if (!d->link->ops.chance)
		return;
	decision.skip = (uint32_t)(d->counters.sent_frames - 1 - d->instant_first);
	d->link->ops.chance(d->link->ops.ctx, d->from, &decision);
}

/* The frame arrives so much later than it would without chance and decisions. */
static void tell_chance_late(const struct direction *d, uint64_t late_ns)
{
	if (late_ns)
		tell_chance(d, &(struct link_decision){
		                       .fate = LINK_HOLD, .count = 1, .by_ns = late_ns});
}

/* Put a frame that left at 'left_ns' on its way, in its place. */
static void push_in_order(struct direction *d, struct frame *frame, uint64_t left_ns,
                          const struct link_outcome *outcome)
{
	const uint64_t raw_ns = left_ns + d->config->delay_ns;
	const uint64_t plain_ns = d->late_by_chance || raw_ns > d->last_ns ? raw_ns : d->last_ns;
	uint64_t arrival_ns = raw_ns + outcome->chance_late_ns;

	if (arrival_ns < d->last_ns)
		arrival_ns = d->last_ns;
	d->late_by_chance = arrival_ns != plain_ns;
	if (d->late_by_chance)
		tell_chance_late(d, arrival_ns - raw_ns);
	for (uint32_t i = 0; i <= outcome->copies; i++)
		push(d, i ? frame_ref(frame) : frame, left_ns, arrival_ns, d->late_by_chance);
}

static void push_held(struct direction *d, struct frame *frame, uint64_t left_ns,
                      const struct link_outcome *outcome)
{
	const uint64_t arrival_ns =
	        left_ns + d->config->delay_ns + outcome->late_ns + outcome->chance_late_ns;

	tell_chance_late(d, outcome->chance_late_ns);
	for (uint32_t i = 0; i <= outcome->copies; i++)
		push_late(d, i ? frame_ref(frame) : frame, left_ns, arrival_ns);
}

/* The transmitter, which is done with it at 'left_ns', has taken the frame: what becomes of it? */
static void send_special(struct direction *d, struct frame *frame, uint64_t left_ns)
{
	const struct link_ops *ops = &d->link->ops;
	struct link_outcome outcome;

	link_fates_draw(&d->fates, d->config, d->counters.sent_frames - 1, &frame, d->one_way != 0,
	                &outcome);
	for (unsigned i = 0; i < outcome.by_chance_count; i++)
		tell_chance(d, &outcome.by_chance[i]);
	if (outcome.lost) {
		d->counters.lost++;
		drop(d, LINK_LOST, frame);
	} else {
		d->counters.corrupted += outcome.corrupted;
		d->counters.duplicated += outcome.copies;
		if (outcome.corrupted && ops->corrupted)
			ops->corrupted(ops->ctx, frame);
		for (uint32_t i = 0; i < outcome.copies && ops->duplicated; i++)
			ops->duplicated(ops->ctx, frame);
		if (outcome.held)
			push_held(d, frame, left_ns, &outcome);
		else
			push_in_order(d, frame, left_ns, &outcome);
	}
	refresh_special(d);
}

/* Whether the frame, which takes 'ns' on the wire, has no place in the queue. */
static inline bool queue_is_full(const struct direction *d, uint64_t now_ns, uint64_t ns)
{
	if (under_way(d) >= RING_SIZE_MAX)
		return true;
	return d->free_ns > now_ns && d->free_ns - now_ns + ns > d->queue_ns_max;
}

/* The transmitter takes 'frame', which takes 'ns' on the wire, as soon as it is free. */
static inline void transmit(struct direction *d, struct frame *frame, uint64_t ns)
{
	struct link *link = d->link;
	uint64_t now_ns = link->clock->now_ns;

	if (d->instant_ns != now_ns) {
		d->instant_ns = now_ns;
		d->instant_first = d->counters.sent_frames;
	}
	d->counters.sent_frames++;
	d->counters.sent_bytes += frame->len;
	observe(link, d->from, LINK_SENT, frame);
	d->free_ns = (d->free_ns > now_ns ? d->free_ns : now_ns) + ns;
	if (d->special)
		send_special(d, frame, d->free_ns);
	else
		push(d, frame, d->free_ns, d->free_ns + d->config->delay_ns, false);
	arm(d);
}

static inline enum link_event refuse(struct direction *d, enum link_event event,
                                     struct frame *frame)
{
	if (event == LINK_DOWN)
		d->counters.down_drops++;
	else
		d->counters.queue_full++;
	drop(d, event, frame);
	return event;
}

/* The transmitter is free: the next frame that waits goes. */
static void egress_fire(struct event *event)
{
	struct egress *egress = (struct egress *)(void *)event;
	struct direction *d = egress->direction;
	struct frame *frame = link_queues_take(egress->queues);

	_Static_assert(offsetof(struct egress, event) == 0, "begins with its event");
	if (under_way(d) < RING_SIZE_MAX)
		transmit(d, frame, wire_ns(d, frame->len));
	else
		refuse(d, LINK_QUEUE_FULL, frame);
	if (link_queues_waiting(egress->queues))
		clock_set(d->link->clock, &egress->event, d->free_ns);
}

/* Put a frame into its queue, and into the transmitter if that is free and nobody waits. */
static enum link_event enqueue(struct direction *d, uint32_t queue_id, struct frame *frame)
{
	struct egress *egress = d->egress;
	struct clock *clock = d->link->clock;

	if (!link_queues_put(egress->queues, queue_id, frame, wire_bytes(frame->len)))
		return refuse(d, LINK_QUEUE_FULL, frame);
	if (heap_contains(&egress->event.node))
		return LINK_SENT;
	if (d->free_ns > clock->now_ns)
		clock_set(clock, &egress->event, d->free_ns);
	else
		egress_fire(&egress->event);
	return LINK_SENT;
}

enum link_event link_send_queued(struct link *link, unsigned end, uint32_t queue_id,
                                 struct frame *frame)
{
	struct direction *d = &link->direction[end];

	if (link->up && d->egress)
		return enqueue(d, queue_id, frame);
	return link_send(link, end, frame);
}

enum link_event link_send(struct link *link, unsigned end, struct frame *frame)
{
	struct direction *d = &link->direction[end];
	uint64_t ns = wire_ns(d, frame->len);

	if (!link->up)
		return refuse(d, LINK_DOWN, frame);
	if (d->egress)
		return enqueue(d, LINK_QUEUE_REST, frame);
	if (queue_is_full(d, link->clock->now_ns, ns))
		return refuse(d, LINK_QUEUE_FULL, frame);
	transmit(d, frame, ns);
	return LINK_SENT;
}

void link_set_up(struct link *link, bool up)
{
	if (link->up == up)
		return;
	link->up = up;
	for (unsigned end = 0; end < 2 && !up; end++) {
		struct direction *d = &link->direction[end];

		drop_all(d);
		d->free_ns = link->clock->now_ns;
		d->last_ns = 0;
		d->late_by_chance = false;
		arm(d);
	}
	for (unsigned end = 0; end < 2 && link->ops.state; end++)
		link->ops.state(link->ops.ctx, end, up);
}

/* --- Decisions and impairments --- */

void link_decide(struct link *link, const void *owner, unsigned end,
                 const struct link_decision *decision)
{
	struct direction *d = &link->direction[end];

	if (!link_fates_decide(&d->fates, owner, d->counters.sent_frames, decision))
		d->counters.decisions_dropped++;
	refresh_special(d);
}

void link_withdraw(struct link *link, const void *owner)
{
	for (unsigned end = 0; end < 2; end++) {
		link_fates_withdraw(&link->direction[end].fates, owner);
		refresh_special(&link->direction[end]);
	}
}

uint32_t link_decisions_pending(const struct link *link, unsigned end)
{
	return link->direction[end].fates.decisions.count;
}

void link_begin_one_way(struct link *link, unsigned end)
{
	link->direction[end].one_way++;
	refresh_special(&link->direction[end]);
}

void link_end_one_way(struct link *link, unsigned end)
{
	assert(link->direction[end].one_way);
	link->direction[end].one_way--;
	refresh_special(&link->direction[end]);
}

/* When a frame leaves that was to leave at 'left_ns', once the rate is another from now on. */
static uint64_t new_left(const struct direction *d, uint64_t left_ns, uint64_t old_bps)
{
	const uint64_t now_ns = d->link->clock->now_ns, new_bps = d->config->rate_bps;
	__extension__ unsigned __int128 ns;

	if (left_ns <= now_ns)
		return left_ns;
	if (!new_bps)
		return now_ns;
	ns = left_ns - now_ns;
	ns = (ns * old_bps + new_bps - 1) / new_bps;
	return now_ns + (ns > FB_NEVER / 4 ? FB_NEVER / 4 : (uint64_t)ns);
}

/* Frames of the ring that are late by chance go to those that were held back, where a replay has
 * them; the others stay. */
static void separate_late(struct direction *d)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < d->ring_count; i++) {
		const struct flight f = d->ring[(d->ring_head + i) & (d->ring_size - 1)];

		if (f.number & 1)
			late_add(d, f.frame, f.left_ns, f.arrival_ns, f.number);
		else
			d->ring[(d->ring_head + kept++) & (d->ring_size - 1)] = f;
	}
	d->ring_count = kept;
	d->late_by_chance = false;
}

static void retime_ring(struct direction *d, uint64_t old_bps)
{
	d->last_ns = 0;
	for (uint32_t i = 0; i < d->ring_count; i++) {
		struct flight *f = &d->ring[(d->ring_head + i) & (d->ring_size - 1)];
		const uint64_t left_ns = new_left(d, f->left_ns, old_bps);

		f->arrival_ns = left_ns + (f->arrival_ns - f->left_ns);
		f->left_ns = left_ns;
		if (f->arrival_ns < d->last_ns)
			f->arrival_ns = d->last_ns;
		d->last_ns = f->arrival_ns;
	}
}

static void retime_late(struct direction *d, uint64_t old_bps)
{
	const uint32_t count = d->late.count;
	struct late **all = xmalloc((count + 1) * sizeof *all);

	for (uint32_t i = 0; i < count; i++)
		all[i] = (struct late *)(void *)d->late.nodes[i];
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t left_ns = new_left(d, all[i]->left_ns, old_bps);

		heap_change(&d->late, &all[i]->node,
		            left_ns + (all[i]->node.key - all[i]->left_ns), all[i]->node.tie);
		all[i]->left_ns = left_ns;
	}
	free(all);
}

/* The rate was 'old_bps' until now: what waits for the transmitter leaves at the new one. */
static void retime(struct direction *d, uint64_t old_bps)
{
	if (d->config->rate_bps == old_bps || d->free_ns <= d->link->clock->now_ns)
		return;
	separate_late(d);
	retime_ring(d, old_bps);
	retime_late(d, old_bps);
	d->free_ns = new_left(d, d->free_ns, old_bps);
	if (d->egress && heap_contains(&d->egress->event.node))
		clock_set(d->link->clock, &d->egress->event, d->free_ns);
	arm(d);
}

/* The impairments are others. */
static void refresh_config(struct direction *d)
{
	const uint64_t old_bps = d->config->rate_bps;
	struct link_config config = d->link->config;

	if (!link_impairments_apply(&d->link->impairments, d->from, &config)) {
		configure(d, &d->link->config);
	} else {
		if (!d->impaired)
			d->impaired = xmalloc(sizeof *d->impaired);
		*d->impaired = config;
		configure(d, d->impaired);
	}
	if (d->egress)
		link_queues_set_bytes_max(d->egress->queues, d->config->queue_bytes_max);
	retime(d, old_bps);
	refresh_special(d);
}

void link_impair(struct link *link, const void *owner, unsigned end,
                 const struct link_impairment *impairment)
{
	link_impairments_add(&link->impairments, owner, end, impairment);
	refresh_config(&link->direction[0]);
	refresh_config(&link->direction[1]);
}

void link_mend(struct link *link, const void *owner)
{
	link_impairments_remove(&link->impairments, owner);
	refresh_config(&link->direction[0]);
	refresh_config(&link->direction[1]);
}

bool link_is_up(const struct link *link)
{
	return link->up;
}

uint64_t link_in_flight(const struct link *link)
{
	uint64_t count = 0;

	for (unsigned end = 0; end < 2; end++) {
		const struct direction *d = &link->direction[end];

		count += under_way(d);
		if (d->egress)
			count += link_queues_waiting(d->egress->queues);
	}
	return count;
}

static bool direction_carries(const struct direction *d, bool (*counts)(struct frame *frame))
{
	for (uint32_t i = 0; i < d->ring_count; i++)
		if (counts(d->ring[(d->ring_head + i) & (d->ring_size - 1)].frame))
			return true;
	for (uint32_t i = 0; i < d->late.count; i++)
		if (counts(((const struct late *)(const void *)d->late.nodes[i])->frame))
			return true;
	return d->egress && link_queues_hold(d->egress->queues, counts);
}

bool link_carries(const struct link *link, bool (*counts)(struct frame *frame))
{
	return direction_carries(&link->direction[0], counts) ||
	       direction_carries(&link->direction[1], counts);
}

const struct link_counters *link_counters(const struct link *link, unsigned end)
{
	return &link->direction[end].counters;
}

uint64_t link_waiting_bytes(const struct link *link, unsigned end)
{
	const struct direction *d = &link->direction[end];
	const uint64_t now_ns = link->clock->now_ns;

	if (d->egress)
		return link_queues_longest_bytes(d->egress->queues);
	if (d->free_ns <= now_ns)
		return 0;
	__extension__ unsigned __int128 bits_ns =
	        (unsigned __int128)(d->free_ns - now_ns) * d->config->rate_bps;
	return (uint64_t)(bits_ns / (8 * FB_NS_PER_S));
}
