/* What is to be sent on one connection: where its memory comes from, and putting into order what
 * several applications sent for one array. See output.h. Sending is left to the session. */
#include "controller/output.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"

enum {
	BYTES_FIRST = 4096,   /* of a buffer */
	BYTES_KEPT = 1 << 21, /* of a buffer in the pool: what is larger is freed */
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

void output_destroy(struct output *output)
{
	free(output->buf.data);
	free(output->records);
	*output = (struct output){0};
}

void output_pool_destroy(struct output_pool *pool)
{
	while (pool->spares_count > 0)
		output_destroy(&pool->spares[--pool->spares_count]);
	free(pool->aside);
	*pool = (struct output_pool){0};
}

/* Take memory from the pool, or more of it from the system. */
void output_grow(struct output *output, struct output_pool *pool, size_t len)
{
	struct fb_buf *buf = &output->buf;
	size_t size;

	if (!buf->data && pool->spares_count > 0)
		*output = pool->spares[--pool->spares_count];
	size = buf->size ? buf->size : BYTES_FIRST;
	if (buf->data && size - buf->len >= len)
		return;
	while (size - buf->len < len)
		size *= 2;
	buf->data = xrealloc(buf->data, size);
	buf->size = size;
}

void output_grow_records(struct output *output)
{
	output->records_size = output->records_size ? 2 * output->records_size : RECORDS_FIRST;
	output->records = xrealloc(output->records, output->records_size * sizeof *output->records);
}

/* Copy what was staged aside. */
static const uint8_t *set_aside(const struct output *output, struct output_pool *pool)
{
	size_t len = output->buf.len - output->staged_from;

	if (pool->aside_size < len) {
		pool->aside_size = len;
		pool->aside = xrealloc(pool->aside, len);
	}
	memcpy(pool->aside, output->buf.data + output->staged_from, len);
	return pool->aside;
}

/* Move the staged messages into the order of their places. */
static void sort_staged(struct output *output, uint32_t places, struct output_pool *pool)
{
	const uint8_t *from = set_aside(output, pool);
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

void output_settle(struct output *output, uint32_t places, struct output_pool *pool)
{
	assert(places <= OUTPUT_PLACES_MAX);
	if (output->disordered)
		sort_staged(output, places, pool);
	output->records_count = 0;
	output->disordered = false;
}

void output_clear(struct output *output, struct output_pool *pool)
{
	output->buf.len = 0;
	output->waiting = false;
	if (pool->spares_count < OUTPUT_SPARES_MAX && output->buf.size <= BYTES_KEPT) {
		pool->spares[pool->spares_count++] = *output;
		*output = (struct output){0};
	} else {
		output_destroy(output);
	}
}
