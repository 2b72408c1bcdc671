/* Streams; see stream.h. Connecting is stream_connect.c, listening stream_listener.c, TLS
 * stream_tls.c.
 *
 * Each stream has two events of the loop, for reading and for writing, and a third that is set
 * by hand to tell of an end outside of any call of the owner's. A stream that its owner has closed
 * may live on for a while: it writes what waits, says that no more comes, and reads what the peer
 * still sends until the peer's end, so that no reset overtakes what was sent.
 *
 * All streams of a thread read into one buffer: what came is handed over before the next read. */
#include "lib/io/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/xalloc.h"
#include "lib/io/stream_private.h"

enum {
	OUT_BYTES_FIRST = 4096,
	OUT_BYTES_KEPT = 256 * 1024, /* of an empty buffer: a larger one, of a bad hour, is freed */
};

static _Thread_local uint8_t read_buffer[STREAM_READ_BYTES];
/* Whose owner is being called, as long as the stream is this thread's; NULL: nobody's. */
static _Thread_local const struct stream *called;

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);
static void on_end(evutil_socket_t fd, short what, void *arg);

static struct event *event_make(struct stream *s, int fd, short what, event_callback_fn callback)
{
	struct event *event = event_new(s->base, fd, what, callback, s);

	if (!event)
		xalloc_failed("a stream's events");
	return event;
}

struct stream *stream_new(struct event_base *base)
{
	struct stream *s = xcalloc(1, sizeof *s);

	s->base = base;
	s->fd = -1;
	s->end = event_make(s, -1, 0, on_end);
	strcpy(s->peer, "?");
	return s;
}

void stream_set_fd(struct stream *s, int fd)
{
	s->fd = fd;
	s->readable = event_make(s, fd, EV_READ | EV_PERSIST, on_readable);
	s->writable = event_make(s, fd, EV_WRITE, on_writable);
}

void stream_drop_fd(struct stream *s)
{
	if (s->fd < 0)
		return;
	event_free(s->readable);
	event_free(s->writable);
	s->readable = s->writable = NULL;
	close(s->fd);
	s->fd = -1;
}

void stream_enter(const struct stream *s)
{
	called = s;
}

bool stream_leave(const struct stream *s)
{
	bool stays = called == s;

	called = NULL;
	return stays;
}

/* The stream is not this thread's any more. */
static void forget(const struct stream *s)
{
	if (called == s)
		called = NULL;
}

/* What waits will not be sent any more. A peer that does not read would keep megabytes of it in the
 * system for minutes, and one that does would take what it gets for the whole: reset the connection
 * instead. In the handshake of TLS nothing of it was sent yet, and the last that was is the reason for
 * refusing the peer. */
static void cut_short(struct stream *s)
{
	const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	if (s->fd >= 0 && s->out_head < s->out_len && (!s->tls || stream_tls_is_secured(s)))
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

static void stream_free(struct stream *s)
{
	forget(s);
	stream_connect_stop(s);
	cut_short(s);
	if (s->tls)
		stream_tls_free(s);
	stream_drop_fd(s);
	event_free(s->end);
	free(s->out);
	free(s);
}

void stream_fail(struct stream *s, const char *reason)
{
	if (s->state == STREAM_LINGERING) {
		stream_free(s);
		return;
	}
	s->state = STREAM_GONE;
	if (s->ops.closed)
		s->ops.closed(s->ctx, reason);
	stream_free(s);
}

void stream_fail_later(struct stream *s, const char *reason)
{
	if (s->failure[0])
		return;
	snprintf(s->failure, sizeof s->failure, "%s", reason);
	if (s->fd >= 0)
		event_del(s->readable);
	if (s->tls)
		stream_tls_stop(s);
	event_active(s->end, EV_TIMEOUT, 1);
}

/* What was left for a call of the loop, or the time to linger has passed. */
static void on_end(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	(void)what;
	if (s->state == STREAM_CONNECTING && !s->failure[0])
		stream_connect_overdue(s);
	else
		stream_fail(s, s->failure[0] ? s->failure : "took too long");
}

/* --- Reading --- */

/* What a closed stream still gets is thrown away, up to the peer's end. */
static void drain(struct stream *s)
{
	ssize_t got = recv(s->fd, read_buffer, sizeof read_buffer, 0);

	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		stream_free(s);
}

uint8_t *stream_read_buffer(void)
{
	return read_buffer;
}

bool stream_received(struct stream *s, const uint8_t *bytes, size_t len)
{
	stream_enter(s);
	s->ops.received(s->ctx, bytes, len);
	return stream_leave(s);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	ssize_t got;

	(void)what;
	if (s->state == STREAM_LINGERING) {
		drain(s);
		return;
	}
	if (s->tls) {
		stream_tls_readable(s);
		return;
	}
	got = recv(fd, read_buffer, sizeof read_buffer, 0);
	if (got > 0)
		stream_received(s, read_buffer, (size_t)got);
	else if (got == 0)
		stream_fail(s, STREAM_REASON_CLOSED);
	else if (errno != EAGAIN && errno != EINTR)
		stream_fail(s, strerror(errno));
}

/* --- Writing --- */

/* Hand bytes to the socket; returns how many it took. An error is told later. */
static size_t transmit(struct stream *s, const uint8_t *bytes, size_t len)
{
	ssize_t sent;

	if (s->tls)
		return stream_tls_send(s, bytes, len);
	do {
		sent = send(s->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return (size_t)sent;
	if (errno != EAGAIN)
		stream_fail_later(s, strerror(errno));
	return 0;
}

/* Go on when the socket takes more. */
static void wait_to_send(struct stream *s)
{
	event_add(s->tls && stream_tls_wants_read(s) ? s->readable : s->writable, NULL);
}

/* Send what waits, as much as the socket takes. */
static void flush(struct stream *s)
{
	while (s->out_head < s->out_len) {
		size_t sent = transmit(s, s->out + s->out_head, s->out_len - s->out_head);

		if (!sent) {
			if (!s->failure[0])
				wait_to_send(s);
			return;
		}
		s->out_head += sent;
	}
	s->out_head = s->out_len = 0;
	if (s->out_size > OUT_BYTES_KEPT) {
		free(s->out);
		s->out = NULL;
		s->out_size = 0;
	}
	if (s->state == STREAM_LINGERING) {
		if (s->tls)
			stream_tls_finish(s);
		shutdown(s->fd, SHUT_WR);
	}
}

void stream_connected(struct stream *s)
{
	s->state = STREAM_OPEN;
	if (!s->tls)
		event_add(s->readable, NULL);
	stream_enter(s);
	if (s->ops.connected)
		s->ops.connected(s->ctx);
	if (stream_leave(s))
		flush(s);
}

/* Send what waits and tell the owner. */
static void go_on_sending(struct stream *s)
{
	flush(s);
	if (s->state != STREAM_OPEN || s->failure[0] || !s->ops.sent)
		return;
	stream_enter(s);
	s->ops.sent(s->ctx);
	stream_leave(s);
}

void stream_secured(struct stream *s)
{
	if (!s->adopted) {
		stream_connected(s);
		return;
	}
	s->state = STREAM_OPEN;
	if (stream_pending_bytes(s))
		go_on_sending(s);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	(void)what;
	if (s->state == STREAM_CONNECTING)
		stream_connect_result(s);
	else
		go_on_sending(s);
}

/* Make room for 'len' more bytes behind those that wait. */
static void out_grow(struct stream *s, size_t len)
{
	size_t waiting = s->out_len - s->out_head;
	size_t size = s->out_size ? s->out_size : OUT_BYTES_FIRST;

	if (s->out_len + len <= s->out_size)
		return;
	if (s->out_head) {
		memmove(s->out, s->out + s->out_head, waiting);
		s->out_head = 0;
		s->out_len = waiting;
	}
	while (size < waiting + len)
		size *= 2;
	if (size != s->out_size) {
		s->out = xrealloc(s->out, size);
		s->out_size = size;
	}
}

bool stream_send(struct stream *s, const void *bytes, size_t len)
{
	size_t waiting = s->out_len - s->out_head, sent = 0;

	if (s->failure[0] || s->state == STREAM_LINGERING || s->state == STREAM_GONE)
		return true;
	if (waiting && (len > s->out_bytes_max || waiting > s->out_bytes_max - len))
		return false;
	if (s->state == STREAM_OPEN && !waiting) {
		sent = transmit(s, bytes, len);
		if (sent == len || s->failure[0])
			return true;
	}
	out_grow(s, len - sent);
	memcpy(s->out + s->out_len, (const uint8_t *)bytes + sent, len - sent);
	s->out_len += len - sent;
	if (s->state == STREAM_OPEN)
		wait_to_send(s);
	return true;
}

size_t stream_pending_bytes(const struct stream *s)
{
	return s->out_len - s->out_head;
}

/* --- The rest --- */

void stream_set_reading(struct stream *s, bool on)
{
	if (s->failure[0])
		return;
	if (s->tls)
		stream_tls_set_reading(s, on);
	else if (s->state != STREAM_OPEN)
		return;
	else if (on)
		event_add(s->readable, NULL);
	else
		event_del(s->readable);
}

const char *stream_peer(const struct stream *s)
{
	return s->peer;
}

/* An address of the socket; false when it is neither IPv4 nor IPv4 in IPv6. */
static bool ipv4_end(int (*name)(int, struct sockaddr *, socklen_t *), int fd, uint32_t *ip,
                     uint16_t *port)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof address;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)&address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)&address;

	if (fd < 0 || name(fd, (struct sockaddr *)&address, &len) < 0)
		return false;
	if (address.ss_family == AF_INET) {
		*ip = ntohl(v4->sin_addr.s_addr);
		*port = ntohs(v4->sin_port);
		return true;
	}
	if (address.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		uint32_t mapped;

		memcpy(&mapped, v6->sin6_addr.s6_addr + 12, sizeof mapped);
		*ip = ntohl(mapped);
		*port = ntohs(v6->sin6_port);
		return true;
	}
	return false;
}

bool stream_ipv4_ends(const struct stream *s, uint32_t *own_ip, uint16_t *own_port,
                      uint32_t *peer_ip, uint16_t *peer_port)
{
	return ipv4_end(getsockname, s->fd, own_ip, own_port) &&
	       ipv4_end(getpeername, s->fd, peer_ip, peer_port);
}

void stream_adopt(struct stream *s, const struct stream_ops *ops, void *ctx, size_t out_bytes_max)
{
	s->ops = *ops;
	s->ctx = ctx;
	s->out_bytes_max = out_bytes_max;
	s->adopted = true;
	if (s->tls)
		stream_tls_begin(s);
	else
		event_add(s->readable, NULL);
}

void stream_close(struct stream *s, uint64_t linger_ns)
{
	struct timeval linger = {(time_t)(linger_ns / 1000000000),
	                         (suseconds_t)(linger_ns / 1000 % 1000000)};
	bool open = s->state == STREAM_OPEN && !s->failure[0];

	if (!open || !linger_ns) {
		stream_free(s);
		return;
	}
	s->ops = (struct stream_ops){.closed = NULL};
	s->state = STREAM_LINGERING;
	if (s->tls)
		stream_tls_stop(s);
	event_add(s->readable, NULL);
	event_add(s->end, &linger);
	flush(s);
}

/* --- From loop to loop --- */

void stream_detach(struct stream *s)
{
	assert(s->state == STREAM_OPEN);
	forget(s);
	if (s->tls)
		stream_tls_stop(s);
	event_free(s->readable);
	event_free(s->writable);
	event_free(s->end);
	s->readable = s->writable = s->end = NULL;
	s->base = NULL;
}

void stream_attach(struct stream *s, struct event_base *base, const struct stream_ops *ops,
                   void *ctx)
{
	s->base = base;
	s->ops = *ops;
	s->ctx = ctx;
	s->end = event_make(s, -1, 0, on_end);
	stream_set_fd(s, s->fd);
	if (s->failure[0]) {
		event_active(s->end, EV_TIMEOUT, 1);
		return;
	}
	if (s->tls)
		stream_tls_attach(s);
	else
		event_add(s->readable, NULL);
	if (s->out_head < s->out_len)
		event_add(s->writable, NULL);
}
