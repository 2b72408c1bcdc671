/* What is to be sent on one connection: growing the buffer, and putting into order what several
 * applications sent for one array. See output.h. Sending is left to the session. */
#include "controller/output.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"

enum {
	BYTES_FIRST = 4096,   /* of a buffer */
	BYTES_KEPT = 1 << 18, /* of a buffer that is empty: what is larger is given back */
	RECORDS_FIRST = 64,
};

struct fb_view output_nowhere(uint8_t bytes[OUTPUT_NOWHERE_BYTES], uint16_t in_port)
{
	struct fb_buf actions = fb_buf_make(bytes, OUTPUT_NOWHERE_BYTES);

	if ((in_port >= 1 && in_port < OFPP_MAX) || in_port == OFPP_LOCAL ||
	    in_port == OFPP_IN_PORT)
		fb_action_put_output(&actions, in_port, 0);
	return (struct fb_view){.data = bytes, .len = actions.len};
}

/* Give back the memory of 'output', not 'output' itself. */
void output_destroy(struct output *output)
{
	free(output->buf.data);
	free(output->records);
	*output = (struct output){0};
}

/* Make room for 'len' more bytes at the end of the buffer, which may move. */
void output_reserve(struct output *output, size_t len)
{
	struct fb_buf *buf = &output->buf;
	size_t size = buf->size ? buf->size : BYTES_FIRST;

	if (buf->size - buf->len >= len)
		return;
	while (size - buf->len < len)
		size *= 2;
	buf->data = xrealloc(buf->data, size);
	buf->size = size;
}

/* Record the message that begins at offset 'begin' and ends where the buffer does. */
void output_record(struct output *output, size_t begin, uint32_t place)
{
	if (output->records_count == 0)
		output->staged_from = begin;
	else if (place < output->records[output->records_count - 1].place)
		output->disordered = true;
	if (output->records_count == output->records_size) {
		output->records_size =
		        output->records_size ? 2 * output->records_size : RECORDS_FIRST;
		output->records =
		        xrealloc(output->records, output->records_size * sizeof *output->records);
	}
	output->records[output->records_count++] = (struct output_record){
	        .place = place,
	        .len = (uint32_t)(output->buf.len - begin),
	};
}

/* Copy what was staged aside. */
static const uint8_t *set_aside(const struct output *output, struct output_scratch *scratch)
{
	size_t len = output->buf.len - output->staged_from;

	if (scratch->size < len) {
		scratch->size = len;
		scratch->data = xrealloc(scratch->data, len);
	}
	memcpy(scratch->data, output->buf.data + output->staged_from, len);
	return scratch->data;
}

/* Move the staged messages into the order of their places. */
static void sort_staged(struct output *output, uint32_t places, struct output_scratch *scratch)
{
	const uint8_t *from = set_aside(output, scratch);
	size_t starts[OUTPUT_PLACES_MAX + 1] = {0};

	for (uint32_t i = 0; i < output->records_count; i++)
		starts[output->records[i].place + 1] += output->records[i].len;
	starts[0] = output->staged_from;
	for (uint32_t place = 0; place < places; place++)
		starts[place + 1] += starts[place];
	for (uint32_t i = 0; i < output->records_count; i++) {
		const struct output_record *record = &output->records[i];

		memcpy(output->buf.data + starts[record->place], from, record->len);
		starts[record->place] += record->len;
		from += record->len;
	}
}

/* End the array of 'places' elements, at most OUTPUT_PLACES_MAX. */
void output_settle(struct output *output, uint32_t places, struct output_scratch *scratch)
{
	assert(places <= OUTPUT_PLACES_MAX);
	if (output->disordered)
		sort_staged(output, places, scratch);
	output->records_count = 0;
	output->disordered = false;
}

/* Forget what was sent and keep the memory, unless it is much. */
void output_clear(struct output *output)
{
	if (output->buf.size > BYTES_KEPT) {
		free(output->buf.data);
		output->buf = (struct fb_buf){0};
	}
	output->buf.len = 0;
	output->waiting = false;
}
