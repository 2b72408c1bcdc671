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
 * Messages that lie whole in the pushed bytes are views into them; only one that was cut is put together in the
 * framer's own buffer, which never holds more than one message (65,535 bytes) and is allocated only when a
 * message is cut and freed when it is complete and finished with. All views are valid until framer_finish(). A header whose
 * length is below 8 ends the stream with FRAMER_BAD_LENGTH, for good. */
#ifndef WIRE_FRAMER_H
#define WIRE_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum framer_result {
	FRAMER_MESSAGE,     /* one message */
	FRAMER_MORE,        /* no further whole message */
	FRAMER_BAD_LENGTH,  /* a header's length is below 8: close the connection; '*msg' is the 8 bytes of that header */
	FRAMER_NO_MEMORY,   /* the buffer could not be had: close the connection */
};

struct framer {
	uint8_t *partial;         /* the cut message; NULL: none */
	size_t partial_len;       /* bytes of it so far */
	size_t partial_size;      /* bytes at 'partial' */
	const uint8_t *input;     /* pushed and not yet taken */
	size_t input_len;
	bool partial_taken;       /* 'partial' was handed out and goes at framer_finish() */
	bool failed;
};

void framer_init(struct framer *framer);
void framer_destroy(struct framer *framer);
void framer_push(struct framer *framer, const uint8_t *bytes, size_t len);
enum framer_result framer_next(struct framer *framer, const uint8_t **msg, size_t *msg_len);
void framer_finish(struct framer *framer);

#endif
