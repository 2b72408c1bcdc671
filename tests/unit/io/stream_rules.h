/* What holds of every stream, with TLS and without. Each takes a bench with one connection that stands,
 * from opened[0] to accepted[0], and leaves the bench to the caller. */
#ifndef STREAM_RULES_H
#define STREAM_RULES_H

#include "tests/unit/io/stream_bench.h"

static void rule_bytes_go_both_ways(struct bench *b)
{
	b->accepted[0].echo = true;
	CU_ASSERT_TRUE(stream_send(b->opened[0].stream, "hello", 5));
	RUN_UNTIL(b, b->opened[0].received == 5);
	CU_ASSERT_EQUAL(b->opened[0].sum, b->accepted[0].sum);
	CU_ASSERT_EQUAL(stream_pending_bytes(b->opened[0].stream), 0);
	CU_ASSERT_EQUAL(b->opened[0].sents, 0); /* nothing waited */
}

static void rule_what_a_peer_does_not_read_is_bounded(struct bench *b)
{
	static uint8_t block[64 * 1024];
	struct end *from = &b->opened[0];
	size_t sent = 0, pending;

	stream_set_reading(b->accepted[0].stream, false);
	while (stream_send(from->stream, block, sizeof block)) {
		sent += sizeof block;
		CU_ASSERT_TRUE_FATAL(sent < (size_t)1 << 30);
	}
	pending = stream_pending_bytes(from->stream);
	CU_ASSERT_TRUE(pending <= OUT_BYTES_MAX);
	CU_ASSERT_TRUE(pending > OUT_BYTES_MAX - sizeof block);
	CU_ASSERT_FALSE(stream_send(from->stream, block, sizeof block));
	CU_ASSERT_EQUAL(stream_pending_bytes(from->stream), pending);
	event_base_loop(b->base, EVLOOP_NONBLOCK);
	CU_ASSERT_EQUAL(b->accepted[0].received, 0);
	stream_set_reading(b->accepted[0].stream, true);
	RUN_UNTIL(b, b->accepted[0].received == sent);
	CU_ASSERT_EQUAL(stream_pending_bytes(from->stream), 0);
	CU_ASSERT_NOT_EQUAL(from->sents, 0);
}

static void rule_a_closed_stream_still_sends_what_waits(struct bench *b)
{
	static uint8_t block[OUT_BYTES_MAX];
	struct end *from = &b->opened[0];
	size_t sent = 0;

	while (stream_pending_bytes(from->stream) == 0) {
		CU_ASSERT_TRUE_FATAL(stream_send(from->stream, block, sizeof block));
		sent += sizeof block;
	}
	CU_ASSERT_TRUE(stream_send(b->accepted[0].stream, block, 1000));
	stream_close(from->stream, UINT64_C(1000000000) * GUARD_S);
	from->stream = NULL;
	RUN_UNTIL(b, b->accepted[0].closed);
	CU_ASSERT_EQUAL(b->accepted[0].received, sent);
	CU_ASSERT_STRING_EQUAL(b->accepted[0].reason, "the peer closed the connection");
	event_base_loop(b->base, EVLOOP_NONBLOCK);
}

static void rule_a_closed_stream_is_held_only_so_long(struct bench *b)
{
	static uint8_t block[OUT_BYTES_MAX];
	struct end *from = &b->opened[0];

	stream_set_reading(b->accepted[0].stream, false);
	while (stream_pending_bytes(from->stream) == 0)
		CU_ASSERT_TRUE_FATAL(stream_send(from->stream, block, sizeof block));
	stream_close(from->stream, 1000000);
	from->stream = NULL;
	stream_listener_close(b->listener);
	b->listener = NULL;
	/* The loop has nothing left to wait for when the stream is gone. */
	CU_ASSERT_EQUAL(event_base_dispatch(b->base), 1);
}

static void rule_the_peers_end_is_told_once(struct bench *b)
{
	stream_close(b->accepted[0].stream, 0);
	b->accepted[0].stream = NULL;
	RUN_UNTIL(b, b->opened[0].closed);
	CU_ASSERT_STRING_EQUAL(b->opened[0].reason, "the peer closed the connection");
	CU_ASSERT_FALSE(b->accepted[0].closed);
}

static void rule_a_stream_may_be_closed_in_its_own_callback(struct bench *b)
{
	b->accepted[0].close_on_data = true;
	CU_ASSERT_TRUE(stream_send(b->opened[0].stream, "x", 1));
	RUN_UNTIL(b, b->opened[0].closed);
	CU_ASSERT_FALSE(b->accepted[0].closed);
}

#endif
