/* Streams; see stream.h. Connecting is stream_connect.c, listening stream_listener.c.
 *
 * Each stream has two events of the loop, for reading and for writing, and a third that is set
 * by hand to tell of an end outside of any call of the owner's. A stream that its owner has closed
 * may live on for a while: it writes what waits, says that no more comes, and reads what the peer
 * still sends until the peer's end, so that no reset overtakes what was sent.
 *
 * All streams of a thread read into one buffer: what came is handed over before the next read. */
#include "lib/io/stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/xalloc.h"
#include "lib/io/stream_private.h"

enum { OUT_BYTES_FIRST = 4096 };

static _Thread_local uint8_t read_buffer[STREAM_READ_BYTES];

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);
static void on_end(evutil_socket_t fd, short what, void *arg);

struct stream *stream_new(struct event_base *base)
{
	struct stream *s = xcalloc(1, sizeof *s);

	s->base = base;
	s->fd = -1;
	s->end = event_new(base, -1, 0, on_end, s);
	if (!s->end)
		abort();
	strcpy(s->peer, "?");
	return s;
}

void stream_set_fd(struct stream *s, int fd)
{
	s->fd = fd;
	s->readable = event_new(s->base, fd, EV_READ | EV_PERSIST, on_readable, s);
	s->writable = event_new(s->base, fd, EV_WRITE, on_writable, s);
	if (!s->readable || !s->writable)
		abort();
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

static void stream_free(struct stream *s)
{
	stream_connect_stop(s);
	stream_drop_fd(s);
	event_free(s->end);
	free(s->out);
	free(s);
}

/* Around each callback: a stream that is closed in it is freed after it. Returns false when the
 * stream is gone. */
static bool leave_callback(struct stream *s)
{
	s->busy = false;
	if (s->state != STREAM_GONE)
		return true;
	stream_free(s);
	return false;
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

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	ssize_t got;

	(void)what;
	if (s->state == STREAM_LINGERING) {
		drain(s);
		return;
	}
	got = recv(fd, read_buffer, sizeof read_buffer, 0);
	if (got > 0) {
		s->busy = true;
		s->ops.received(s->ctx, read_buffer, (size_t)got);
		leave_callback(s);
	} else if (got == 0) {
		stream_fail(s, "the peer closed the connection");
	} else if (errno != EAGAIN && errno != EINTR) {
		stream_fail(s, strerror(errno));
	}
}

/* --- Writing --- */

/* Send what waits, as much as the socket takes. */
static void flush(struct stream *s)
{
	while (s->out_head < s->out_len) {
		ssize_t sent = send(s->fd, s->out + s->out_head, s->out_len - s->out_head,
		                    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			event_add(s->writable, NULL);
			return;
		}
		if (sent < 0) {
			stream_fail_later(s, strerror(errno));
			return;
		}
		s->out_head += (size_t)sent;
	}
	s->out_head = s->out_len = 0;
	if (s->state == STREAM_LINGERING)
		shutdown(s->fd, SHUT_WR);
}

void stream_connected(struct stream *s)
{
	s->state = STREAM_OPEN;
	event_add(s->readable, NULL);
	s->busy = true;
	if (s->ops.connected)
		s->ops.connected(s->ctx);
	if (leave_callback(s))
		flush(s);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	(void)what;
	if (s->state == STREAM_CONNECTING) {
		stream_connect_result(s);
		return;
	}
	flush(s);
	if (s->state != STREAM_OPEN || s->failure[0] || !s->ops.sent)
		return;
	s->busy = true;
	s->ops.sent(s->ctx);
	leave_callback(s);
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
	size_t waiting = s->out_len - s->out_head;
	ssize_t sent = 0;

	if (s->failure[0] || s->state == STREAM_LINGERING || s->state == STREAM_GONE)
		return true;
	if (waiting && (len > s->out_bytes_max || waiting > s->out_bytes_max - len))
		return false;
	if (s->state == STREAM_OPEN && !waiting) {
		sent = send(s->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR) {
			stream_fail_later(s, strerror(errno));
			return true;
		}
		if (sent < 0)
			sent = 0;
	}
	if ((size_t)sent == len)
		return true;
	out_grow(s, len - (size_t)sent);
	memcpy(s->out + s->out_len, (const uint8_t *)bytes + sent, len - (size_t)sent);
	s->out_len += len - (size_t)sent;
	if (s->state == STREAM_OPEN)
		event_add(s->writable, NULL);
	return true;
}

size_t stream_pending_bytes(const struct stream *s)
{
	return s->out_len - s->out_head;
}

/* --- The rest --- */

void stream_set_reading(struct stream *s, bool on)
{
	if (s->state != STREAM_OPEN || s->failure[0])
		return;
	if (on)
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
	event_add(s->readable, NULL);
}

void stream_close(struct stream *s, uint64_t linger_ns)
{
	struct timeval linger = {(time_t)(linger_ns / 1000000000),
	                         (suseconds_t)(linger_ns / 1000 % 1000000)};
	bool open = s->state == STREAM_OPEN && !s->failure[0];

	s->ops = (struct stream_ops){.closed = NULL};
	if (open && linger_ns) {
		s->state = STREAM_LINGERING;
		event_add(s->readable, NULL);
		event_add(s->end, &linger);
		flush(s);
		return;
	}
	s->state = STREAM_GONE;
	if (!s->busy)
		stream_free(s);
}

/* --- From loop to loop --- */

void stream_detach(struct stream *s)
{
	struct event *events[] = {s->readable, s->writable, s->end};

	for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
		event_free(events[i]);
	s->readable = s->writable = s->end = NULL;
	s->base = NULL;
}

void stream_attach(struct stream *s, struct event_base *base, const struct stream_ops *ops,
                   void *ctx)
{
	s->base = base;
	s->ops = *ops;
	s->ctx = ctx;
	s->end = event_new(base, -1, 0, on_end, s);
	s->readable = event_new(base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
	s->writable = event_new(base, s->fd, EV_WRITE, on_writable, s);
	if (!s->end || !s->readable || !s->writable)
		abort();
	if (s->failure[0])
		event_active(s->end, EV_TIMEOUT, 1);
	else
		event_add(s->readable, NULL);
	if (s->out_head < s->out_len)
		event_add(s->writable, NULL);
}
