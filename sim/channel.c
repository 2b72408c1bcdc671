/* Bytes between controller and switch. See channel.h.
 *
 * Each direction holds its bytes in one ring and, in another, the batches they form: how many bytes
 * were sent at which instant. One event per direction waits for the oldest batch. */
#include "sim/channel.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/ring.h"
#include "lib/base/rng.h"
#include "lib/base/xalloc.h"

/* What was sent at one instant. */
struct batch {
	uint64_t arrival_ns;
	size_t len;
	struct channel_load load;
	bool closes; /* the end closed after it */
};

struct direction {
	struct event event; /* the oldest batch arrives */
	struct channel *channel;
	unsigned to; /* the end that receives */
	struct ring bytes;
	struct ring batches; /* of struct batch, oldest first */
	struct batch last;   /* the newest, still growing; its bytes are in 'bytes' */
	bool has_last;
	uint64_t foreground; /* batches that are no background */
	const char *broken; /* why it broke: both ends are to be told; NULL: it did not */
};

struct channel {
	struct clock *clock;
	uint64_t delay_ns;
	struct channel_ops ops;
	struct rng rng;
	struct direction direction[2]; /* by receiving end */
	bool open[2];
	struct channel_counters counters;
	uint8_t *piece; /* bytes being delivered */
	size_t piece_size;
};

enum { BATCHES_BYTES_MAX = 1 << 26 };

static bool is_background(const struct batch *batch)
{
	return batch->load.background && batch->load.background == batch->load.messages &&
	       !batch->closes;
}

static void direction_fire(struct event *event);

struct channel *channel_new(struct clock *clock, uint64_t delay_ns, const struct channel_ops *ops,
                            uint64_t seed, const char *name)
{
	struct channel *channel = xcalloc(1, sizeof *channel);

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

/* Forget what is on the way to one end. */
static void direction_clear(struct direction *d)
{
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
	if (d->batches.len)
		ring_peek(&d->batches, 0, batch, sizeof *batch);
	else if (d->has_last)
		*batch = d->last;
	else
		return false;
	return true;
}

/* Set the event for the oldest batch. A broken direction tells at once. */
static void arm(struct direction *d)
{
	struct clock *clock = d->channel->clock;
	struct batch batch;

	if (d->broken)
		clock_set(clock, &d->event, clock->now_ns);
	else if (!oldest(d, &batch))
		clock_cancel(clock, &d->event);
	else if (!heap_contains(&d->event.node) || d->event.node.key != batch.arrival_ns)
		clock_set(clock, &d->event, batch.arrival_ns);
}

void channel_break(struct channel *channel, const char *reason)
{
	for (unsigned end = 0; end < 2; end++) {
		direction_clear(&channel->direction[end]);
		channel->direction[end].broken = channel->open[end] ? reason : NULL;
		arm(&channel->direction[end]);
	}
}

static void limit_reached(struct channel *channel)
{
	channel->counters.broken++;
	channel_break(channel, "too many bytes on the control channel");
}

/* The batch that grows now: what is sent at one instant is one. */
static struct batch *current_batch(struct direction *d)
{
	uint64_t arrival_ns = d->channel->clock->now_ns + d->channel->delay_ns;

	if (d->has_last && d->last.arrival_ns == arrival_ns && !d->last.closes)
		return &d->last;
	if (d->has_last && ring_write(&d->batches, &d->last, sizeof d->last) != sizeof d->last) {
		limit_reached(d->channel);
		return NULL;
	}
	d->last = (struct batch){.arrival_ns = arrival_ns};
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

/* Cut the batch at drawn places and deliver it, until the receiver closes. Half of all batches stay
 * whole. */
static void deliver_cut(struct direction *d, const struct batch *batch)
{
	struct channel *channel = d->channel;
	size_t len = batch->len;
	unsigned cuts = 0;

	if (rng_below(&channel->rng, 2))
		cuts = 1 + (unsigned)rng_below(&channel->rng, CHANNEL_PIECES_MAX - 1);
	while (len && channel->open[d->to] && !d->broken) {
		size_t piece = len;

		if (cuts && len > 1) {
			piece = 1 + (size_t)rng_below(&channel->rng, len - 1);
			cuts--;
		}
		len -= piece;
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
	if (d->batches.len)
		ring_consume(&d->batches, sizeof batch);
	else
		d->has_last = false;
	d->foreground -= !is_background(&batch);
	d->channel->counters.background[d->to] += batch.load.background;
	deliver_cut(d, &batch);
	if (batch.closes && !d->broken)
		close_receiver(d, "closed by the peer");
	else
		arm(d);
}

uint64_t channel_in_flight(const struct channel *channel)
{
	uint64_t count = 0;

	for (unsigned end = 0; end < 2; end++) {
		const struct direction *d = &channel->direction[end];

		count += d->foreground + (d->broken != NULL);
	}
	return count;
}

const struct channel_counters *channel_counters(const struct channel *channel)
{
	return &channel->counters;
}
