/* A byte stream, cut anywhere, becomes OpenFlow messages: see framer.h for the contract.
 *
 * A message is at each moment in one of three places: whole in the input, then it is handed out
 * from there; in 'header', while fewer than its first 8 bytes have come, so that nothing is
 * allocated for a length that may be bad; or in 'partial', allocated to the length that its header
 * claims. The front of a cut message leaves the input only in framer_finish(), because until then
 * 'partial' may hold a message that the owner still reads. What a message means is left to
 * message_decode.c. */
#include "lib/wire/framer.h"

#include <stdlib.h>
#include <string.h>

void framer_init(struct framer *framer)
{
	*framer = (struct framer){.drained = true, .failure = FRAMER_MORE};
}

void framer_destroy(struct framer *framer)
{
	free(framer->partial);
	framer_init(framer);
}

/* True while the front of a message is kept here and its end has not come. */
static bool is_cut(const struct framer *framer)
{
	return framer->header_len || (framer->partial && !framer->partial_taken);
}

void framer_push(struct framer *framer, const uint8_t *bytes, size_t len)
{
	framer->input = bytes;
	framer->input_len = len;
	framer->drained = len == 0;
	framer->whole = !is_cut(framer) && framer->failure == FRAMER_MORE;
}

/* Move up to 'want' bytes from the input to 'to'; returns how many there were. */
static size_t move(struct framer *framer, uint8_t *to, size_t want)
{
	size_t len = want < framer->input_len ? want : framer->input_len;

	if (len) {
		memcpy(to, framer->input, len);
		framer->input += len;
		framer->input_len -= len;
	}
	return len;
}

static size_t claimed_len(const uint8_t *header)
{
	return fb_get16(header + offsetof(struct ofp_header, length));
}

static enum framer_result fail(struct framer *framer, enum framer_result failure)
{
	framer->failure = failure;
	framer->whole = false;
	framer->input_len = 0;
	return failure;
}

static enum framer_result fail_length(struct framer *framer, const uint8_t *header,
                                      const uint8_t **msg, size_t *msg_len)
{
	memmove(framer->header, header, sizeof framer->header);
	*msg = framer->header;
	*msg_len = sizeof framer->header;
	return fail(framer, FRAMER_BAD_LENGTH);
}

/* Allocate 'partial' for a message of 'size' bytes. */
static bool begin(struct framer *framer, size_t size)
{
	framer->partial = malloc(size);
	if (!framer->partial)
		return false;
	framer->partial_len = 0;
	framer->partial_size = size;
	return true;
}

/* Go on with a message that an earlier push left cut. */
static enum framer_result resume(struct framer *framer, const uint8_t **msg, size_t *msg_len)
{
	size_t want;

	if (!framer->partial) {
		want = sizeof framer->header - framer->header_len;
		framer->header_len += move(framer, framer->header + framer->header_len, want);
		if (framer->header_len < sizeof framer->header)
			return FRAMER_MORE;
		if (claimed_len(framer->header) < sizeof framer->header)
			return fail_length(framer, framer->header, msg, msg_len);
		if (!begin(framer, claimed_len(framer->header)))
			return fail(framer, FRAMER_NO_MEMORY);
		memcpy(framer->partial, framer->header, sizeof framer->header);
		framer->partial_len = sizeof framer->header;
		framer->header_len = 0;
	}
	want = framer->partial_size - framer->partial_len;
	framer->partial_len += move(framer, framer->partial + framer->partial_len, want);
	if (framer->partial_len < framer->partial_size)
		return FRAMER_MORE;
	framer->partial_taken = true;
	framer->whole = true;
	*msg = framer->partial;
	*msg_len = framer->partial_size;
	return FRAMER_MESSAGE;
}

/* What begins at the input is no whole message: is it the front of one? */
static enum framer_result look(struct framer *framer, const uint8_t **msg, size_t *msg_len)
{
	if (framer->input_len >= sizeof framer->header &&
	    claimed_len(framer->input) < sizeof framer->header)
		return fail_length(framer, framer->input, msg, msg_len);
	return FRAMER_MORE;
}

enum framer_result framer_next_other(struct framer *framer, const uint8_t **msg, size_t *msg_len)
{
	enum framer_result result;

	*msg = NULL;
	*msg_len = 0;
	if (framer->failure != FRAMER_MORE) {
		if (framer->failure == FRAMER_BAD_LENGTH) {
			*msg = framer->header;
			*msg_len = sizeof framer->header;
		}
		return framer->failure;
	}
	result = is_cut(framer) ? resume(framer, msg, msg_len) : look(framer, msg, msg_len);
	framer->drained = result == FRAMER_MORE;
	return result;
}

/* Keep the front of a cut message that is still in the input. */
static void keep(struct framer *framer)
{
	if (framer->input_len < sizeof framer->header) {
		framer->header_len = move(framer, framer->header, sizeof framer->header);
		return;
	}
	if (!begin(framer, claimed_len(framer->input))) {
		fail(framer, FRAMER_NO_MEMORY);
		return;
	}
	framer->partial_len = move(framer, framer->partial, framer->partial_size);
}

void framer_finish(struct framer *framer)
{
	if (framer->partial_taken) {
		free(framer->partial);
		framer->partial = NULL;
		framer->partial_taken = false;
	}
	if (framer->input_len && framer->failure == FRAMER_MORE) {
		if (framer->drained)
			keep(framer);
		else
			fail(framer, FRAMER_BAD_LENGTH);
	}
	framer->input = NULL;
	framer->input_len = 0;
}
