/* What the files of streams share. */
#ifndef IO_STREAM_PRIVATE_H
#define IO_STREAM_PRIVATE_H

#include <stdio.h>
#include <sys/socket.h>

#include "lib/io/stream.h"

enum stream_state {
	STREAM_CONNECTING, /* also while its host's name is looked up */
	STREAM_OPEN,
	STREAM_LINGERING, /* closed by its owner; what waits is still sent */
	STREAM_GONE,      /* to be freed */
};

enum { STREAM_REASON_BYTES = 256 };

struct stream_connect; /* stream_connect.c's: the addresses still to be tried */

struct stream {
	struct event_base *base;
	struct stream_ops ops;
	void *ctx;
	enum stream_state state;
	bool busy;                         /* in a callback: freed after it */
	bool adopted;                      /* an accepted stream has an owner */
	int fd;                            /* -1: none yet */
	struct event *readable, *writable; /* of 'fd' */
	struct event *end; /* activated with 'failure' set; or the time to linger, or
	                                      for an address that does not answer */
	char failure[STREAM_REASON_BYTES]; /* to be told; empty: none */
	char peer[STREAM_NAME_BYTES];
	struct stream_connect *connect; /* while connecting */

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

/* The socket that connects became writable: it is connected or has failed. */
void stream_connect_result(struct stream *stream);
/* The address being tried does not answer, and there are others. */
void stream_connect_overdue(struct stream *stream);
/* Give up connecting, if under way. */
void stream_connect_stop(struct stream *stream);

/* What 'address' is called: "tcp:192.0.2.1:6653". */
void stream_address_text(char text[STREAM_NAME_BYTES], const struct sockaddr *address);
/* Settings of a TCP or Unix socket that carries a control connection. */
void stream_socket_init(int fd, int family);

#endif
