/* Bytes between controller and switch. See channel.h.
 *
 * Each direction holds its bytes in one ring and, in another, the batches they form: how many bytes
 * were sent at which instant. One event per direction waits for the oldest batch. At a low rate a
 * batch arrives in several events; what is left of it stands before all others. */
#include "sim/channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/ring.h"
#include "lib/base/rng.h"
#include "lib/base/xalloc.h"

/* What was sent at one instant. */
struct batch {
	uint64_t sent_ns, arrival_ns;
	size_t len;     /* bytes that have not arrived */
	size_t arrived; /* those that have */
	struct channel_load load;
	bool closes; /* the end closed after it */
};

/* A place to cut at. */
struct split {
	uint32_t skip; /* batches that come first */
	size_t bytes;
	const void *owner;
	bool is_now; /* it concerns the batch that arrives now, and 'bytes' are less than it has */
};

struct direction {
	struct event event; /* the oldest batch arrives */
	struct channel *channel;
	unsigned to; /* the end that receives */
	struct ring bytes;
	struct ring batches; /* of struct batch, oldest first */
	struct batch last;   /* the newest, still growing; its bytes are in 'bytes' */
	bool has_last;
	struct batch front; /* arrived in part; older than all others */
	bool has_front;
	uint64_t foreground; /* batches that are no background, but for 'front' */
	bool stalled;
	uint64_t rate;    /* bytes a second; 0: all that there is */
	uint64_t free_ns; /* when bytes last arrived at that rate */
	struct split *splits;
	size_t splits_count, splits_size;
	uint64_t instant_ns;      /* of the last arrival, */
	uint32_t instant_batches; /*   and how many there were at that instant */
	const char *broken;       /* why it broke: both ends are to be told; NULL: it did not */
};

struct channel {
	struct clock *clock;
	uint64_t delay_ns;
	uint64_t extra_delay_ns, jitter_ns;
	struct channel_ops ops;
	struct rng rng; /* of cuts */
	struct rng jitter_rng;
	bool whole;                    /* chance cuts nothing */
	struct direction direction[2]; /* by receiving end */
	bool open[2];
	struct channel_counters counters;
	uint8_t *piece; /* bytes being delivered */
	size_t piece_size;
};

enum { BATCHES_BYTES_MAX = 1 << 26, NAME_BYTES = 160 };

static bool is_background(const struct batch *batch)
{
	return channel_load_is_background(&batch->load) && !batch->closes;
}

static void direction_fire(struct event *event);

struct channel *channel_new(struct clock *clock, uint64_t delay_ns, const struct channel_ops *ops,
                            uint64_t seed, const char *name)
{
	struct channel *channel = xcalloc(1, sizeof *channel);
	char jitter_name[NAME_BYTES];

	snprintf(jitter_name, sizeof jitter_name, "jitter of %s", name);
	rng_init(&channel->jitter_rng, seed, jitter_name);
	channel->clock = clock;
	channel->delay_ns = delay_ns;
	channel->ops = *ops;
	rng_init(&channel->rng, seed, name);
	for (unsigned end = 0; end < 2; end++) {
		struct direction *d = &channel->direction[end];

		d->event.fire = direction_fire;
		d->channel = channel;
		d->to = end;
		ring_init(&d->bytes, CHANNEL_BYTES_MAX);
		ring_init(&d->batches, BATCHES_BYTES_MAX);
	}
	return channel;
}

/* The batch that was arriving has arrived: its places are used up. */
static void forget_splits(struct direction *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->splits_count; i++)
		if (!d->splits[i].is_now)
			d->splits[kept++] = d->splits[i];
	d->splits_count = kept;
}

/* Forget what is on the way to one end. */
static void direction_clear(struct direction *d)
{
	forget_splits(d);
	d->has_front = false;
	clock_cancel(d->channel->clock, &d->event);
	ring_consume(&d->bytes, d->bytes.len);
	ring_consume(&d->batches, d->batches.len);
	d->has_last = false;
	d->foreground = 0;
	d->broken = NULL;
}

void channel_free(struct channel *channel)
{
	if (!channel)
		return;
	for (unsigned end = 0; end < 2; end++) {
		direction_clear(&channel->direction[end]);
		ring_destroy(&channel->direction[end].bytes);
		ring_destroy(&channel->direction[end].batches);
		free(channel->direction[end].splits);
	}
	free(channel->piece);
	free(channel);
}

void channel_open(struct channel *channel)
{
	for (unsigned end = 0; end < 2; end++) {
		direction_clear(&channel->direction[end]);
		channel->open[end] = true;
	}
}

bool channel_is_open(const struct channel *channel, unsigned end)
{
	return channel->open[end];
}

/* The oldest batch that is to arrive; false when there is none. */
static bool oldest(const struct direction *d, struct batch *batch)
{
	if (d->has_front)
		*batch = d->front;
	else if (d->batches.len)
		ring_peek(&d->batches, 0, batch, sizeof *batch);
	else if (d->has_last)
		*batch = d->last;
	else
		return false;
	return true;
}

/* How many bytes of 'batch' arrive in its next event. */
static size_t next_bytes(const struct direction *d, const struct batch *batch)
{
	const uint64_t step = d->rate / (FB_NS_PER_S / CHANNEL_DRAIN_NS);

	if (!d->rate || batch->len <= step)
		return batch->len;
	return step ? (size_t)step : 1;
}

/* When the next bytes of 'batch', the oldest, arrive. */
static uint64_t due_ns(const struct direction *d, const struct batch *batch)
{
	const uint64_t now_ns = d->channel->clock->now_ns;
	uint64_t due = batch->arrival_ns;

	if (d->rate && batch->len) {
		if (due < d->free_ns)
			due = d->free_ns;
		due = fb_time_after(due, next_bytes(d, batch) * FB_NS_PER_S / d->rate);
	}
	return due < now_ns ? now_ns : due;
}

/* Set the event for the oldest batch. A broken direction tells at once, unless it is stalled. */
static void arm(struct direction *d)
{
	struct clock *clock = d->channel->clock;
	struct batch batch;
	uint64_t due;

	if (d->broken && !d->stalled) {
		clock_set(clock, &d->event, clock->now_ns);
		return;
	}
	if (d->stalled || !oldest(d, &batch)) {
		clock_cancel(clock, &d->event);
		return;
	}
	due = due_ns(d, &batch);
	if (!heap_contains(&d->event.node) || d->event.node.key != due)
		clock_set(clock, &d->event, due);
}

void channel_break(struct channel *channel, const char *reason)
{
	for (unsigned end = 0; end < 2; end++) {
		direction_clear(&channel->direction[end]);
		channel->direction[end].broken = channel->open[end] ? reason : NULL;
		arm(&channel->direction[end]);
	}
}

void channel_abandon(struct channel *channel)
{
	for (unsigned end = 0; end < 2; end++) {
		direction_clear(&channel->direction[end]);
		channel->open[end] = false;
	}
}

static void limit_reached(struct channel *channel)
{
	channel->counters.broken++;
	channel_break(channel, "too many bytes on the control channel");
}

/* When what is sent now arrives, unless it has to wait for what was sent earlier. */
static uint64_t arrival(struct direction *d)
{
	struct channel *channel = d->channel;
	uint64_t arrival_ns = channel->clock->now_ns + channel->delay_ns;

	if (channel->extra_delay_ns)
		arrival_ns = fb_time_after(arrival_ns, channel->extra_delay_ns);
	if (channel->jitter_ns)
		arrival_ns = fb_time_after(arrival_ns,
		                           rng_below(&channel->jitter_rng, channel->jitter_ns));
	return arrival_ns;
}

/* The batch that grows now: what is sent at one instant is one. */
static struct batch *current_batch(struct direction *d)
{
	const uint64_t now_ns = d->channel->clock->now_ns;

	if (d->has_last && d->last.sent_ns == now_ns && !d->last.closes)
		return &d->last;
	if (d->has_last && ring_write(&d->batches, &d->last, sizeof d->last) != sizeof d->last) {
		limit_reached(d->channel);
		return NULL;
	}
	d->last = (struct batch){.sent_ns = now_ns, .arrival_ns = arrival(d)};
	d->has_last = true;
	d->foreground++;
	return &d->last;
}

void channel_send(struct channel *channel, unsigned end, const uint8_t *bytes, size_t len,
                  struct channel_load load)
{
	struct direction *d = &channel->direction[!end];
	struct batch *batch;

	if (!channel->open[end] || !channel->open[!end] || d->broken || !len)
		return;
	if (len > ring_space(&d->bytes)) {
		limit_reached(channel);
		return;
	}
	batch = current_batch(d);
	if (!batch)
		return;
	if (ring_write(&d->bytes, bytes, len) != len) {
		limit_reached(channel);
		return;
	}
	d->foreground -= !is_background(batch);
	batch->len += len;
	batch->load.messages += load.messages;
	batch->load.background += load.background;
	batch->load.echoes += load.echoes;
	d->foreground += !is_background(batch);
	arm(d);
}

void channel_close(struct channel *channel, unsigned end)
{
	struct direction *d = &channel->direction[!end];
	struct batch *batch;

	if (!channel->open[end])
		return;
	channel->open[end] = false;
	direction_clear(&channel->direction[end]);
	if (!channel->open[!end] || d->broken)
		return;
	batch = current_batch(d);
	if (batch) {
		d->foreground += is_background(batch);
		batch->closes = true;
	}
	arm(d);
}

/* Hand out the 'len' oldest bytes in one piece. */
static void deliver_piece(struct direction *d, size_t len, bool background)
{
	struct channel *channel = d->channel;

	if (channel->piece_size < len) {
		channel->piece_size = len;
		channel->piece = xrealloc(channel->piece, len);
	}
	ring_peek(&d->bytes, 0, channel->piece, len);
	ring_consume(&d->bytes, len);
	channel->counters.pieces++;
	channel->counters.bytes += len;
	channel->ops.deliver(channel->ops.ctx, d->to, channel->piece, len, background);
}

/* A batch begins to arrive: which of the places to cut at are in it? */
static void note_arrival(struct direction *d, const struct batch *batch)
{
	const uint64_t now_ns = d->channel->clock->now_ns;

	if (!batch->len)
		return;
	if (d->instant_ns != now_ns) {
		d->instant_ns = now_ns;
		d->instant_batches = 0;
	}
	d->instant_batches++;
	for (size_t i = 0; i < d->splits_count; i++) {
		struct split *split = &d->splits[i];

		if (split->skip) {
			split->skip--;
			continue;
		}
		split->is_now = true;
		split->bytes %= batch->len;
	}
}

/* Shorten a piece of 'len' bytes that comes behind 'arrived' bytes to the next place where it is to
 * be cut. */
static size_t shorten(const struct direction *d, size_t arrived, size_t len)
{
	for (size_t i = 0; i < d->splits_count; i++) {
		const struct split *split = &d->splits[i];

		if (split->is_now && split->bytes > arrived && split->bytes - arrived < len)
			len = split->bytes - arrived;
	}
	return len;
}

/* Into how many further pieces chance cuts 'batch'. Half of all batches stay whole. */
static unsigned draw_cuts(struct direction *d, const struct batch *batch)
{
	struct channel *channel = d->channel;

	if (channel->whole || d->rate || batch->arrived || !rng_below(&channel->rng, 2))
		return 0;
	return 1 + (unsigned)rng_below(&channel->rng, CHANNEL_PIECES_MAX - 1);
}

/* Deliver the next 'len' bytes of 'batch' in pieces, until the receiver closes. */
static void deliver_cut(struct direction *d, struct batch *batch, size_t len)
{
	struct channel *channel = d->channel;
	unsigned cuts = draw_cuts(d, batch);

	while (len && channel->open[d->to] && !d->broken) {
		size_t piece = len;
		bool by_chance = false;

		if (cuts && len > 1) {
			piece = 1 + (size_t)rng_below(&channel->rng, len - 1);
			by_chance = true;
			cuts--;
		}
		if (d->splits_count) {
			const size_t shorter = shorten(d, batch->arrived, piece);

			by_chance = by_chance && shorter == piece;
			piece = shorter;
		}
		len -= piece;
		batch->len -= piece;
		batch->arrived += piece;
		if (by_chance && channel->ops.cut)
			channel->ops.cut(channel->ops.ctx, d->to, d->instant_batches - 1,
			                 (uint32_t)batch->arrived);
		deliver_piece(d, piece, is_background(batch));
	}
}

static void close_receiver(struct direction *d, const char *reason)
{
	struct channel *channel = d->channel;

	direction_clear(d);
	if (!channel->open[d->to])
		return;
	channel->open[d->to] = false;
	channel->ops.closed(channel->ops.ctx, d->to, reason);
}

/* Take the oldest batch, which begins to arrive, or what is left of it. */
static void take(struct direction *d, struct batch *batch)
{
	if (d->has_front) {
		d->has_front = false;
		return;
	}
	if (d->batches.len)
		ring_consume(&d->batches, sizeof *batch);
	else
		d->has_last = false;
	d->foreground -= !is_background(batch);
	d->channel->counters.background[d->to] += batch->load.background;
	note_arrival(d, batch);
}

static void direction_fire(struct event *event)
{
	struct direction *d = (struct direction *)(void *)event;
	struct batch batch;

	_Static_assert(offsetof(struct direction, event) == 0, "begins with its event");
	if (d->broken) {
		close_receiver(d, d->broken);
		return;
	}
	if (!oldest(d, &batch))
		return;
	take(d, &batch);
	deliver_cut(d, &batch, next_bytes(d, &batch));
	d->free_ns = d->channel->clock->now_ns;
	if (batch.len && d->channel->open[d->to] && !d->broken) {
		d->front = batch;
		d->has_front = true;
		arm(d);
		return;
	}
	forget_splits(d);
	if (batch.closes && !d->broken)
		close_receiver(d, "closed by the peer");
	else
		arm(d);
}

/* --- What goes wrong --- */

void channel_set_delay(struct channel *channel, uint64_t delay_ns, uint64_t jitter_ns)
{
	channel->extra_delay_ns = delay_ns;
	channel->jitter_ns = jitter_ns == FB_NEVER ? jitter_ns : jitter_ns + (jitter_ns != 0);
}

void channel_set_stalled(struct channel *channel, unsigned end, bool stalled)
{
	struct direction *d = &channel->direction[end];

	if (d->stalled == stalled)
		return;
	d->stalled = stalled;
	d->free_ns = channel->clock->now_ns;
	arm(d);
}

void channel_set_rate(struct channel *channel, uint64_t bytes_per_s)
{
	for (unsigned end = 0; end < 2; end++) {
		struct direction *d = &channel->direction[end];

		if (d->rate == bytes_per_s)
			continue;
		d->rate = bytes_per_s;
		d->free_ns = channel->clock->now_ns;
		arm(d);
	}
}

void channel_set_cuts(struct channel *channel, bool on)
{
	channel->whole = !on;
}

void channel_split(struct channel *channel, unsigned end, uint32_t skip, uint32_t bytes,
                   const void *owner)
{
	struct direction *d = &channel->direction[end];

	if (d->splits_count == d->splits_size) {
		d->splits_size = d->splits_size ? 2 * d->splits_size : 4;
		d->splits = xrealloc(d->splits, d->splits_size * sizeof *d->splits);
	}
	d->splits[d->splits_count++] = (struct split){.skip = skip, .bytes = bytes, .owner = owner};
}

void channel_unsplit(struct channel *channel, const void *owner)
{
	for (unsigned end = 0; end < 2; end++) {
		struct direction *d = &channel->direction[end];
		size_t kept = 0;

		for (size_t i = 0; i < d->splits_count; i++)
			if (d->splits[i].owner != owner || d->splits[i].is_now)
				d->splits[kept++] = d->splits[i];
		d->splits_count = kept;
	}
}

/* --- Asking --- */

bool channel_is_due(const struct channel *channel, unsigned end)
{
	const struct direction *d = &channel->direction[end];

	return heap_contains(&d->event.node) && d->event.node.key <= channel->clock->now_ns;
}

uint64_t channel_in_flight(const struct channel *channel)
{
	uint64_t count = 0;

	for (unsigned end = 0; end < 2; end++) {
		const struct direction *d = &channel->direction[end];

		count += d->foreground + (d->broken != NULL) +
		         (d->has_front && !is_background(&d->front));
	}
	return count;
}

const struct channel_counters *channel_counters(const struct channel *channel)
{
	return &channel->counters;
}
