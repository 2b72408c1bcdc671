/* Streams and a listener in one loop, for the tests of streams: nothing waits for a time, but for
 * what is to happen, with a guard that only ever fails. */
#ifndef STREAM_BENCH_H
#define STREAM_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io/stream.h"
#include "tests/unit/harness.h"

enum { GUARD_S = 30, PEERS = 8, OUT_BYTES_MAX = 1 << 20 };

/* One end of a connection as its owner sees it. */
struct end {
	struct bench *bench;
	struct stream *stream;  /* NULL: none (any more) */
	size_t received, calls; /* of received() */
	uint64_t sum;           /* of the bytes, weighted by place: order counts */
	unsigned sents;         /* times that waiting bytes left */
	bool connected, closed, close_on_data, pause_on_data, detach_on_data, echo;
	char reason[256];
};

struct bench {
	struct event_base *base;
	struct tls *listener_tls, *opener_tls; /* NULL: none */
	struct stream_listener *listener;
	char dir[64];
	struct end accepted[PEERS], opened[PEERS];
	size_t accepted_count;
	unsigned accept_failures;
	bool refuse;
	bool guard_fired;
};

static void on_guard(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	((struct bench *)arg)->guard_fired = true;
}

static void on_connected(void *ctx)
{
	((struct end *)ctx)->connected = true;
}

static void on_received(void *ctx, const uint8_t *bytes, size_t len)
{
	struct end *end = ctx;

	for (size_t i = 0; i < len; i++)
		end->sum = end->sum * 31 + bytes[i];
	end->received += len;
	end->calls++;
	if (end->echo)
		CU_ASSERT_TRUE(stream_send(end->stream, bytes, len));
	if (end->pause_on_data)
		stream_set_reading(end->stream, false);
	if (end->detach_on_data)
		stream_detach(end->stream);
	if (end->close_on_data) {
		stream_close(end->stream, 0);
		end->stream = NULL;
	}
}

static void on_closed(void *ctx, const char *reason)
{
	struct end *end = ctx;

	CU_ASSERT_FALSE(end->closed);
	end->closed = true;
	end->stream = NULL;
	snprintf(end->reason, sizeof end->reason, "%s", reason);
}

static void on_sent(void *ctx)
{
	((struct end *)ctx)->sents++;
}

static const struct stream_ops ops = {
        .connected = on_connected, .received = on_received, .sent = on_sent, .closed = on_closed};

static void on_accepted(void *ctx, struct stream *stream)
{
	struct bench *b = ctx;
	struct end *end = &b->accepted[b->accepted_count++ % PEERS];

	if (b->refuse) {
		stream_close(stream, 0);
		return;
	}
	end->bench = b;
	end->stream = stream;
	stream_adopt(stream, &ops, end, OUT_BYTES_MAX);
}

static void on_failed(void *ctx, const char *reason)
{
	CU_ASSERT_PTR_NOT_NULL(strstr(reason, "open files"));
	((struct bench *)ctx)->accept_failures++;
}

static const struct stream_listener_ops listener_ops = {on_accepted, on_failed};

static struct bench *bench_new(void)
{
	struct bench *b = calloc(1, sizeof *b);

	b->base = event_base_new();
	strcpy(b->dir, "/tmp/stream-test-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(b->dir));
	return b;
}

static void bench_free(struct bench *b)
{
	for (size_t i = 0; i < PEERS; i++) {
		if (b->accepted[i].stream)
			stream_close(b->accepted[i].stream, 0);
		if (b->opened[i].stream)
			stream_close(b->opened[i].stream, 0);
	}
	stream_listener_close(b->listener);
	event_base_free(b->base);
	CU_ASSERT_EQUAL(rmdir(b->dir), 0); /* the listener's socket is gone */
	free(b);
}

static struct conn_name name_of(const char *text)
{
	struct conn_name name = {.port = 0};
	char error[256];

	CU_ASSERT_TRUE_FATAL(conn_name_parse(text, &name, error, sizeof error));
	return name;
}

static void bench_listen(struct bench *b, const char *text)
{
	struct conn_name name = name_of(text);
	char error[256] = "";

	b->listener = stream_listen(b->base, &name, b->listener_tls, &listener_ops, b, error,
	                            sizeof error);
	CU_ASSERT_STRING_EQUAL(error, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->listener);
}

static void bench_open(struct bench *b, size_t i, const char *text)
{
	struct conn_name name = name_of(text);

	b->opened[i].bench = b;
	b->opened[i].stream =
	        stream_connect(b->base, &name, b->opener_tls, &ops, &b->opened[i], OUT_BYTES_MAX);
	CU_ASSERT_FALSE(b->opened[i].closed);
}

/* The name to connect to, of the listener at 127.0.0.1 or everywhere. */
static void bench_open_listener(struct bench *b, size_t i)
{
	char text[160];
	const char *name = stream_listener_name(b->listener);

	if (strncmp(name, "punix:", 6) == 0)
		snprintf(text, sizeof text, "%s", name + 1);
	else
		snprintf(text, sizeof text, "%.3s:127.0.0.1:%d", name + 1, atoi(name + 5));
	bench_open(b, i, text);
}

/* Run the loop until 'condition' holds. */
#define RUN_UNTIL(b, condition)                                                                    \
	do {                                                                                       \
		struct timeval guard_ = {GUARD_S, 0};                                              \
		struct event *event_ = event_new((b)->base, -1, 0, on_guard, b);                   \
		event_add(event_, &guard_);                                                        \
		while (!(condition) && !(b)->guard_fired)                                          \
			event_base_loop((b)->base, EVLOOP_ONCE);                                   \
		event_free(event_);                                                                \
		CU_ASSERT_FALSE_FATAL((b)->guard_fired);                                           \
	} while (0)

/* Listen at 'text', and make a connection that stands. */
static void bench_connect(struct bench *b, const char *text)
{
	bench_listen(b, text);
	bench_open_listener(b, 0);
	RUN_UNTIL(b, b->opened[0].connected && b->accepted_count);
}

#endif
