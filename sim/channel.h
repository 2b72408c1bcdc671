/* The control channel of a simulation: a stream of bytes each way between a controller's session
 * and a switch's agent.
 *
 * It carries the real bytes, as TCP would: in order, nothing lost, each way with its own delay.
 * What an end sends at one instant is put together and then cut at arbitrary places, drawn from the
 * channel's own generator, so that no reader can rely on where a read begins or ends. The pieces
 * arrive one after another at the same instant.
 *
 * A channel is opened and closed; a close arrives after what was sent before it.
 *
 * What goes wrong on it is changed while it runs: delay, standing still, bytes that trickle, and the
 * places of cuts. Order is kept whatever happens: no byte overtakes another, and a close none.
 *
 * Some messages are background: nobody waits for them to arrive, and who asks whether something is
 * under way does not mean them (lldp.h). */
#ifndef SIM_CHANNEL_H
#define SIM_CHANNEL_H

#include <stddef.h>

#include "sim/clock.h"

struct channel;

enum { CHANNEL_CONTROLLER, CHANNEL_SWITCH }; /* the ends */

enum {
	CHANNEL_BYTES_MAX = 64 << 20, /* under way in one direction; beyond it the channel breaks */
	CHANNEL_PIECES_MAX = 8,       /* that what was sent at one instant is cut into by chance */
};
#define CHANNEL_DRAIN_NS (10 * FB_NS_PER_MS) /* from one piece to the next, at a low rate */

/* How many messages bytes are, and how many of those are background: discovery, or echoes. */
struct channel_load {
	uint32_t messages, background, echoes;
};

/* All of them are. */
static inline bool channel_load_is_background(const struct channel_load *load)
{
	return load->messages && load->background + load->echoes == load->messages;
}

struct channel_ops {
	/* A piece arrives at 'end'. May send, and close either end. 'background': so is all that was
	 * sent together with it. */
	void (*deliver)(void *ctx, unsigned end, const uint8_t *bytes, size_t len, bool background);
	/* The other end's close arrives at 'end', or the channel broke: 'end' is closed now too. */
	void (*closed)(void *ctx, unsigned end, const char *reason);
	/* Chance cuts the batch that arrives at 'end' now after its first 'bytes' bytes; told before
	 * the piece is delivered. 'skip': batches that arrived there at this instant before. What
	 * channel_split(end, skip, bytes) does at the beginning of this instant is the same. NULL:
	 * nobody wants to know. */
	void (*cut)(void *ctx, unsigned end, uint32_t skip, uint32_t bytes);
	void *ctx;
};

struct channel_counters {
	uint64_t pieces, bytes; /* delivered */
	uint64_t background[2]; /* messages but for echoes, by receiving end */
	uint64_t broken;        /* times that CHANNEL_BYTES_MAX was reached */
};

/* A closed channel. 'name' is its generator's. */
struct channel *channel_new(struct clock *clock, uint64_t delay_ns, const struct channel_ops *ops,
                            uint64_t seed, const char *name);
void channel_free(struct channel *channel); /* takes NULL; tells nobody */

/* Connect both ends; the channel is closed at both and holds nothing. */
void channel_open(struct channel *channel);
/* True when 'end' is open. */
bool channel_is_open(const struct channel *channel, unsigned end);
/* Send from 'end'; what a closed end sends is dropped. Never calls back. */
void channel_send(struct channel *channel, unsigned end, const uint8_t *bytes, size_t len,
                  struct channel_load load);
/* Close 'end': it hears nothing more, and the other end is told after all that was sent. Never
 * calls back. */
void channel_close(struct channel *channel, unsigned end);
/* What is on the way is lost, and each end that is open is told by ops->closed, with 'reason' (a
 * constant text), at this instant but from an event. */
void channel_break(struct channel *channel, const char *reason);

/* Both ends are gone without a word: nobody is told, and what is on the way is lost. */
void channel_abandon(struct channel *channel);

/* From now on what is sent takes 'delay_ns' longer than the channel's own delay, and up to
 * 'jitter_ns' more, uniformly, by a generator of the channel. */
void channel_set_delay(struct channel *channel, uint64_t delay_ns, uint64_t jitter_ns);
/* Nothing arrives at 'end'; what is sent waits, a close too, and arrives when it goes on; so does
 * the news that the channel broke. */
void channel_set_stalled(struct channel *channel, unsigned end, bool stalled);
/* So many bytes a second arrive at each end, no more, in pieces of what CHANNEL_DRAIN_NS brings; 0:
 * whatever comes. What arrives so is not cut by chance. */
void channel_set_rate(struct channel *channel, uint64_t bytes_per_s);
/* Whether chance cuts what arrives; at first it does. */
void channel_set_cuts(struct channel *channel, bool on);
/* What arrives next at 'end', after 'skip' batches, comes in two pieces: the first has 'bytes' bytes,
 * modulo as many as there are (0: it is not cut). Several of them cut it at several places. A batch
 * is what was sent at one instant; the close alone is none. It outlasts a connection, until
 * channel_unsplit() with the same 'owner' forgets what has not come by. */
void channel_split(struct channel *channel, unsigned end, uint32_t skip, uint32_t bytes,
                   const void *owner);
void channel_unsplit(struct channel *channel, const void *owner);

/* Something is to arrive at 'end' at this very instant. */
bool channel_is_due(const struct channel *channel, unsigned end);
/* What is on the way, in either direction, as far as it is no background; closes are not. */
uint64_t channel_in_flight(const struct channel *channel);
const struct channel_counters *channel_counters(const struct channel *channel);

#endif
