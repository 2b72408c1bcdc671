/* TCP: segments that came out of order wait here, as references to their frames, until what is
 * before them has come. Sorted by sequence number; they may overlap. The blocks that
 * acknowledgements report are kept apart, newest first (RFC 2018, section 4). */
#include "sim/tcp.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"

struct early {
	TAILQ_ENTRY(early) link;
	uint32_t seq, end;
	const uint8_t *data; /* in 'frame' */
	struct frame *frame;
};

struct tcp_early_queue {
	TAILQ_HEAD(early_list, early) segments;
	uint32_t count;
	unsigned block_count;
	struct tcp_range blocks[TCP_SACK_BLOCKS_MAX];
};

static void early_free(struct tcp_conn *conn, struct early *e)
{
	TAILQ_REMOVE(&conn->early->segments, e, link);
	conn->early->count--;
	conn->host->tcp.early_segments--;
	frame_unref(e->frame);
	free(e);
}

void tcp_early_destroy(struct tcp_conn *conn)
{
	if (!conn->early)
		return;
	while (!TAILQ_EMPTY(&conn->early->segments))
		early_free(conn, TAILQ_FIRST(&conn->early->segments));
	free(conn->early);
	conn->early = NULL;
}

unsigned tcp_early_blocks(const struct tcp_conn *conn, struct tcp_range blocks[TCP_SACK_BLOCKS_MAX])
{
	memcpy(blocks, conn->early->blocks, sizeof conn->early->blocks);
	return conn->early->block_count;
}

bool tcp_early_any(const struct tcp_conn *conn)
{
	return conn->early->count != 0;
}

/* Report 'block' first, joined with those that it touches. */
static void blocks_add(struct tcp_early_queue *queue, struct tcp_range block)
{
	struct tcp_range others[TCP_SACK_BLOCKS_MAX];
	unsigned count = 0;

	for (unsigned i = 0; i < queue->block_count; i++) {
		const struct tcp_range *b = &queue->blocks[i];

		if (tcp_after(b->start, block.end) || tcp_before(b->end, block.start)) {
			others[count++] = *b;
			continue;
		}
		if (tcp_before(b->start, block.start))
			block.start = b->start;
		if (tcp_after(b->end, block.end))
			block.end = b->end;
	}
	if (count == TCP_SACK_BLOCKS_MAX)
		count--;
	queue->blocks[0] = block;
	memcpy(queue->blocks + 1, others, count * sizeof others[0]);
	queue->block_count = count + 1;
}

/* Blocks that are no longer out of order are not reported. */
static void blocks_trim(struct tcp_early_queue *queue, uint32_t rcv_nxt)
{
	unsigned count = 0;

	for (unsigned i = 0; i < queue->block_count; i++) {
		if (tcp_after(queue->blocks[i].start, rcv_nxt))
			queue->blocks[count++] = queue->blocks[i];
	}
	queue->block_count = count;
}

void tcp_early_add(struct tcp_conn *conn, const struct tcp_segment *seg)
{
	struct host *host = conn->host;
	uint32_t end = seg->seq + seg->len;
	struct early *before, *e;

	if (!conn->early) {
		conn->early = xcalloc(1, sizeof *conn->early);
		TAILQ_INIT(&conn->early->segments);
	}
	before = TAILQ_LAST(&conn->early->segments, early_list);
	while (before && tcp_after(before->seq, seg->seq))
		before = TAILQ_PREV(before, early_list, link);
	if (!before || tcp_before(before->end, end)) {
		if (conn->early->count == TCP_EARLY_CONN_MAX ||
		    host->tcp.early_segments == TCP_EARLY_MAX) {
			host->counters.tcp_early_full++;
			return;
		}
		e = xmalloc(sizeof *e);
		*e = (struct early){.seq = seg->seq,
		                    .end = end,
		                    .data = seg->data,
		                    .frame = frame_ref(seg->frame)};
		if (before)
			TAILQ_INSERT_AFTER(&conn->early->segments, before, e, link);
		else
			TAILQ_INSERT_HEAD(&conn->early->segments, e, link);
		conn->early->count++;
		host->tcp.early_segments++;
	}
	blocks_add(conn->early, (struct tcp_range){seg->seq, end});
}

void tcp_early_deliver(struct tcp_conn *conn)
{
	struct early *e;

	while (conn->state != TCP_CLOSED && (e = TAILQ_FIRST(&conn->early->segments)) &&
	       !tcp_after(e->seq, conn->rcv_nxt)) {
		uint32_t from = conn->rcv_nxt;
		struct frame *frame = frame_ref(e->frame);
		const uint8_t *data = e->data + (from - e->seq);
		uint32_t end = e->end;

		early_free(conn, e);
		if (tcp_after(end, from)) {
			conn->rcv_nxt = end;
			tcp_deliver(conn, data, end - from);
		}
		frame_unref(frame);
	}
	blocks_trim(conn->early, conn->rcv_nxt);
}
