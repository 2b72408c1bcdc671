/* Fuzzes the framer: the input is a stream and the places where it is cut.
 *
 * The first byte is how many of the following bytes are lengths of pieces, used again and again;
 * the rest is the stream. What comes out of the pieces must be what comes out of the whole. */
#include <stdlib.h>
#include <string.h>

#include "lib/wire/framer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came out: the messages one behind the other, and how it ended. */
struct result {
	uint8_t *bytes;
	size_t len;
	size_t count;
	enum framer_result end;
};

static void check(bool good)
{
	if (!good)
		abort();
}

/* Push a copy of the 'len' bytes at 'bytes', freed afterwards, and add what comes to '*result'. */
static void push_piece(struct framer *framer, const uint8_t *bytes, size_t len,
		       struct result *result)
{
	uint8_t *piece = malloc(len ? len : 1);
	const uint8_t *msg;
	size_t msg_len;

	memcpy(piece, bytes, len);
	framer_push(framer, piece, len);
	while ((result->end = framer_next(framer, &msg, &msg_len)) == FRAMER_MESSAGE) {
		check(msg_len >= 8 && fb_get16(msg + 2) == msg_len);
		memcpy(result->bytes + result->len, msg, msg_len);
		result->len += msg_len;
		result->count++;
	}
	check(result->end != FRAMER_NO_MEMORY);
	framer_finish(framer);
	check(framer->partial_size <= 65535 || !framer->partial);
	free(piece);
}

/* Run the stream in pieces whose lengths are those of 'cuts' in turn; without cuts, whole. */
static struct result run(const uint8_t *stream, size_t len, const uint8_t *cuts, size_t cut_count)
{
	struct result result = {.bytes = malloc(len ? len : 1), .end = FRAMER_MORE};
	struct framer framer;
	size_t at = 0, piece, i = 0;
	bool progress = false;

	framer_init(&framer);
	for (size_t c = 0; c < cut_count; c++)
		progress |= cuts[c] != 0;
	while (at < len) {
		piece = progress ? cuts[i++ % cut_count] : len;
		if (piece > len - at)
			piece = len - at;
		push_piece(&framer, stream + at, piece, &result);
		at += piece;
	}
	framer_destroy(&framer);
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut_count = size ? data[0] % 16u : 0;
	struct result whole, cut;

	if (size < 1 + cut_count)
		return 0;
	whole = run(data + 1 + cut_count, size - 1 - cut_count, NULL, 0);
	cut = run(data + 1 + cut_count, size - 1 - cut_count, data + 1, cut_count);
	check(whole.end == cut.end && whole.count == cut.count && whole.len == cut.len);
	check(!memcmp(whole.bytes, cut.bytes, whole.len));
	free(whole.bytes);
	free(cut.bytes);
	return 0;
}
