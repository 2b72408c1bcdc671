/* What the files of streams share. */
#ifndef IO_STREAM_PRIVATE_H
#define IO_STREAM_PRIVATE_H

#include <stdio.h>
#include <sys/socket.h>

#include "lib/io/stream.h"

enum stream_state {
	STREAM_CONNECTING, /* also while its host's name is looked up */
	STREAM_SECURING,   /* in the handshake of TLS */
	STREAM_OPEN,
	STREAM_LINGERING, /* closed by its owner; what waits is still sent */
	STREAM_GONE,      /* to be freed */
};

enum { STREAM_REASON_BYTES = 256 };

#define STREAM_REASON_CLOSED "the peer closed the connection"

struct stream_connect; /* stream_connect.c's: the addresses still to be tried */
struct stream_tls;     /* stream_tls.c's */

struct stream {
	struct event_base *base;
	struct stream_ops ops;
	void *ctx;
	enum stream_state state;
	bool adopted;                      /* an accepted stream has an owner */
	int fd;                            /* -1: none yet */
	struct event *readable, *writable; /* of 'fd' */
	struct event *end; /* activated with 'failure' set; or the time to linger, or
	                                      for an address that does not answer */
	char failure[STREAM_REASON_BYTES]; /* to be told; empty: none */
	char peer[STREAM_NAME_BYTES];
	struct stream_connect *connect; /* while connecting */
	struct stream_tls *tls;         /* NULL: without */

	uint8_t *out; /* bytes that wait are [out_head, out_len) of it */
	size_t out_size, out_head, out_len;
	size_t out_bytes_max;
};

struct stream *stream_new(struct event_base *base);
/* The socket; the stream owns it. */
void stream_set_fd(struct stream *stream, int fd);
void stream_drop_fd(struct stream *stream);
/* Tell closed() and free. Not within a call of the owner's. */
void stream_fail(struct stream *stream, const char *reason);
/* Tell it from the loop. */
void stream_fail_later(struct stream *stream, const char *reason);
/* An outgoing stream is connected. */
void stream_connected(struct stream *stream);
/* The handshake of TLS is over. */
void stream_secured(struct stream *stream);
/* Around each callback: the stream may be closed or detached in it, after which it may not be touched.
 * stream_leave() says whether it is still there. */
void stream_enter(const struct stream *stream);
bool stream_leave(const struct stream *stream);
/* Into which a thread's streams read: STREAM_READ_BYTES. */
uint8_t *stream_read_buffer(void);
/* Hand over bytes. False when the owner has closed or detached the stream: it may not be touched. */
bool stream_received(struct stream *stream, const uint8_t *bytes, size_t len);

/* stream_connect.c */

/* The socket that connects became writable: it is connected or has failed. */
void stream_connect_result(struct stream *stream);
/* The address being tried does not answer, and there are others. */
void stream_connect_overdue(struct stream *stream);
/* Give up connecting, if under way. */
void stream_connect_stop(struct stream *stream);

/* What 'address' is called: "tcp:192.0.2.1:6653", or "ssl:". */
void stream_address_text(char text[STREAM_NAME_BYTES], const struct sockaddr *address, bool is_tls);
/* Settings of a TCP or Unix socket that carries a control connection. */
void stream_socket_init(int fd, int family);

/* stream_tls.c: all but the first are for streams with 'tls' */

/* The stream is to be one of TLS. */
void stream_tls_init(struct stream *stream, struct ssl_ctx_st *ctx);
/* Begin the handshake: as the server where the stream was accepted. */
void stream_tls_begin(struct stream *stream);
/* The handshake is over. */
bool stream_tls_is_secured(const struct stream *stream);
void stream_tls_set_reading(struct stream *stream, bool on);
/* The plain event for reading came about. */
void stream_tls_readable(struct stream *stream);
/* Send as much as the socket takes; returns how much. An error is told later. */
size_t stream_tls_send(struct stream *stream, const uint8_t *bytes, size_t len);
/* It took no more because something must come in first: wait for 'readable'. */
bool stream_tls_wants_read(const struct stream *stream);
/* Tell the peer that no more comes, if that is possible. */
void stream_tls_finish(struct stream *stream);
/* Read no more, out of the loop; what waits can still be sent. */
void stream_tls_stop(struct stream *stream);
/* After that, in the stream's new loop. */
void stream_tls_attach(struct stream *stream);
void stream_tls_free(struct stream *stream);

#endif
