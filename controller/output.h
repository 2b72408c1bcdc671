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

enum { OUTPUT_PLACES_MAX = 256 }; /* elements of an array, at most */

/* One message sent for the current array. */
struct output_record {
	uint32_t place; /* of its cause in the array */
	uint32_t len;   /* bytes */
};

struct output {
	struct fb_buf buf; /* all that waits; memory of our own */
	struct output_record *records;
	uint32_t records_count, records_size;
	size_t staged_from; /* offset of the first recorded message; they follow each other */
	bool disordered;    /* a record's place is below an earlier one's */
	bool waiting;       /* the owner's: there is something to send */
};

/* Memory for moving, shared by the outputs of a controller. */
struct output_scratch {
	uint8_t *data;
	size_t size;
};

/* Actions that send a packet with the ingress port 'in_port' nowhere, written to 'bytes': a plain
 * output to that port, which every switch drops (specification 1.0.0, section 5.2.1: OFPP_IN_PORT
 * must be used to send back). No actions at all mean the same, but Wireshark (4.0) takes a
 * packet-out or flow-mod without actions for malformed and loses what follows it. For what came by
 * no port, and so could come back, no actions it is. A flow-mod that deletes, whose actions do not
 * count, takes OFPP_IN_PORT. */
enum { OUTPUT_NOWHERE_BYTES = 8 };
struct fb_view output_nowhere(uint8_t bytes[OUTPUT_NOWHERE_BYTES], uint16_t in_port);

void output_destroy(struct output *output);
/* Make room for 'len' more bytes. */
void output_reserve(struct output *output, size_t len);
/* The message from 'begin' to the end of the buffer was caused by the packet-in at 'place'. */
void output_record(struct output *output, size_t begin, uint32_t place);
/* The array of 'places' elements is done: bring what it caused into order, forget the records. */
void output_settle(struct output *output, uint32_t places, struct output_scratch *scratch);
/* All was sent. */
void output_clear(struct output *output);

#endif
