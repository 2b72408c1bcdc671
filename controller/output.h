/* What is to be sent on one connection, encoded and in its final order.
 *
 * Messages are encoded straight into one buffer that is sent as a whole. While an array of
 * packet-ins goes through the chain, each message is also recorded with the place of the packet-in
 * that caused it: applications are called one after the other for the whole array, but what they
 * send must leave packet-in by packet-in. One application alone produces that order by itself and
 * nothing is moved; otherwise output_settle() moves the messages of the array by a counting sort
 * over places, which is stable: within a place the order of the chain stays. */
#ifndef CONTROLLER_OUTPUT_H
#define CONTROLLER_OUTPUT_H

#include <flowbed/message.h>

enum {
	OUTPUT_PLACES_MAX = 256, /* elements of an array, at most */
	OUTPUT_SPARES_MAX = 8,   /* outputs of which a pool keeps the memory */
};

/* Messages in a row that were sent for the same element of the current array. */
struct output_record {
	uint32_t place; /* of their cause in the array */
	uint32_t len;   /* bytes */
};

struct output {
	struct fb_buf buf; /* all that waits */
	struct output_record *records;
	uint32_t records_count, records_size;
	size_t staged_from; /* offset of the first recorded message; they follow each other */
	bool disordered;    /* a record's place is below an earlier one's */
	bool waiting;       /* the owner's: there is something to send */
};

/* Memory that the outputs of a controller share. */
struct output_pool {
	struct output spares[OUTPUT_SPARES_MAX]; /* empty, with their memory: the last one first */
	uint32_t spares_count;
	uint8_t *aside; /* for moving */
	size_t aside_size;
};

/* Actions that send a packet with the ingress port 'in_port' nowhere, written to 'bytes': a plain
 * output to that port, which every switch drops (specification 1.0.0, section 5.2.1: OFPP_IN_PORT
 * must be used to send back). No actions at all mean the same, but Wireshark (4.0) takes a
 * packet-out or flow-mod without actions for malformed and loses what follows it. For what came by
 * no port, and so could come back, no actions it is. A flow-mod that deletes, whose actions do not
 * count, takes OFPP_IN_PORT. */
enum { OUTPUT_NOWHERE_BYTES = 8 };
struct fb_view output_nowhere(uint8_t bytes[OUTPUT_NOWHERE_BYTES], uint16_t in_port);

void output_pool_destroy(struct output_pool *pool);
/* The output goes, with all that waits in it. */
void output_destroy(struct output *output);
/* All was sent: give the memory back. */
void output_clear(struct output *output, struct output_pool *pool);
/* The slow parts of the two functions below. */
void output_grow(struct output *output, struct output_pool *pool, size_t len);
void output_grow_records(struct output *output);

/* Make room for 'len' more bytes at the end of the buffer, which may move. */
static inline void output_reserve(struct output *output, struct output_pool *pool, size_t len)
{
	if (output->buf.size - output->buf.len < len)
		output_grow(output, pool, len);
}

/* The message that begins at offset 'begin' and ends where the buffer does was caused by the
 * packet-in at 'place'. */
static inline void output_record(struct output *output, size_t begin, uint32_t place)
{
	uint32_t len = (uint32_t)(output->buf.len - begin);

	if (output->records_count == 0) {
		output->staged_from = begin;
	} else {
		struct output_record *last = &output->records[output->records_count - 1];

		if (place == last->place) {
			last->len += len;
			return;
		}
		output->disordered |= place < last->place;
	}
	if (output->records_count == output->records_size)
		output_grow_records(output);
	output->records[output->records_count++] =
	        (struct output_record){.place = place, .len = len};
}

/* The array of 'places' elements, at most OUTPUT_PLACES_MAX, is done: bring what it caused into
 * order, forget the records. */
void output_settle(struct output *output, uint32_t places, struct output_pool *pool);

#endif
