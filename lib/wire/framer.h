/* A byte stream, cut anywhere, becomes OpenFlow messages.
 *
 * The owner pushes what one read brought, takes messages until there are no more, and finishes:
 *
 *     framer_push(&f, bytes, len);
 *     while ((r = framer_next(&f, &msg, &msg_len)) == FRAMER_MESSAGE)
 *             collect(msg, msg_len);
 *     use what was collected;
 *     framer_finish(&f);
 *
 * Messages that lie whole in the pushed bytes are views into them; only one that was cut is put
 * together in the framer's own buffer, which never holds more than one message (65,535 bytes), is
 * allocated only when a message is cut behind its header and freed when it is complete and finished
 * with. All views are valid until framer_finish(), the pushed bytes must stay until then.
 *
 * A header whose length is below 8 ends the stream with FRAMER_BAD_LENGTH, for good: every later
 * framer_next() gives the same. So does FRAMER_NO_MEMORY. An owner that finishes before
 * framer_next() said FRAMER_MORE loses its place in the stream and must close the connection. */
#ifndef WIRE_FRAMER_H
#define WIRE_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <flowbed/openflow.h>

enum framer_result {
	FRAMER_MESSAGE,    /* one message of '*msg_len' bytes at '*msg', its header's length */
	FRAMER_MORE,       /* no further whole message */
	FRAMER_BAD_LENGTH, /* close the connection; '*msg' is the 8 bytes of the header below 8 */
	FRAMER_NO_MEMORY,  /* the buffer could not be had: close the connection */
};

struct framer {
	uint8_t header[sizeof(struct ofp_header)]; /* of a message cut within it, or the bad one */
	size_t header_len;                         /* bytes of it so far */

	uint8_t *partial;    /* a message cut behind its header; NULL: none */
	size_t partial_len;  /* bytes of it so far */
	size_t partial_size; /* bytes of the whole, and at 'partial' */
	bool partial_taken;  /* 'partial' was handed out and goes at framer_finish() */

	const uint8_t *input; /* pushed and not yet taken */
	size_t input_len;
	bool whole;                 /* a message begins at 'input': none is cut, nothing failed */
	bool drained;               /* 'input' is the front of a cut message, or empty */
	enum framer_result failure; /* what ended the stream; FRAMER_MORE: nothing */
};

void framer_init(struct framer *framer);
/* Frees the buffer. The framer may be initialised again. */
void framer_destroy(struct framer *framer);
/* Give the 'len' bytes at 'bytes', which follow those of the last push. */
void framer_push(struct framer *framer, const uint8_t *bytes, size_t len);
/* framer_next() for all but messages that lie whole in the input. */
enum framer_result framer_next_other(struct framer *framer, const uint8_t **msg, size_t *msg_len);

/* Take the next message; '*msg' and '*msg_len' are set where a result says so, else NULL and 0. */
static inline enum framer_result framer_next(struct framer *framer, const uint8_t **msg,
                                             size_t *msg_len)
{
	const uint8_t *input = framer->input;
	size_t len;

	if (!framer->whole || framer->input_len < sizeof(struct ofp_header))
		return framer_next_other(framer, msg, msg_len);
	len = fb_get16(&((const struct ofp_header *)input)->length);
	if (len < sizeof(struct ofp_header) || len > framer->input_len)
		return framer_next_other(framer, msg, msg_len);
	framer->input = input + len;
	framer->input_len -= len;
	*msg = input;
	*msg_len = len;
	return FRAMER_MESSAGE;
}
/* Done with all that was taken: keeps the front of a message that was cut. */
void framer_finish(struct framer *framer);
/* What was pushed and not yet taken, for an owner that hands the stream over to another framer
 * between two messages: '*bytes' is a view of the pushed bytes. */
static inline void framer_rest(const struct framer *framer, const uint8_t **bytes, size_t *len)
{
	*bytes = framer->input;
	*len = framer->input_len;
}
/* After framer_finish(): the header of the message that was cut, for owners that judge it early;
 * NULL when none was, or within its header. */
static inline const uint8_t *framer_header(const struct framer *framer)
{
	return framer->partial;
}

#endif
