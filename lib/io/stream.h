/* Streams of bytes over TCP, TLS and Unix sockets, and listeners for them, on a libevent loop.
 *
 * A stream reads with one call into one large buffer of its event loop's and hands over what came;
 * it writes at once what the socket takes and keeps the rest, up to a limit: a peer that does not
 * read is the owner's business, who asks stream_pending_bytes() or is told by the limit. No data
 * path of it allocates once the buffers have grown.
 *
 * A stream of TLS is used like any other. Both sides show a certificate and check the other's before
 * a byte of the owner's goes either way; a check that fails ends the stream with a reason that
 * begins with "TLS: ".
 *
 * Every callback may call any function of this header, stream_close() of its own stream too. */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <event2/event.h>
#include <sys/types.h>

#include "lib/io/conn_name.h"
#include "lib/io/tls.h"

struct stream;
struct stream_listener;

enum {
	STREAM_READ_BYTES = 256 * 1024, /* read at a time */
	STREAM_NAME_BYTES = 128,        /* of a peer's name, with its end */
};

struct stream_ops {
	/* An outgoing stream is connected. Not told of accepted ones. */
	void (*connected)(void *ctx);
	/* Bytes came, valid during the call. */
	void (*received)(void *ctx, const uint8_t *bytes, size_t len);
	/* Bytes that waited have left. May be NULL. */
	void (*sent)(void *ctx);
	/* The stream ended by itself, or was never connected; 'reason' is a text for people. The
	 * stream is gone when this returns: the owner forgets it and does not close it. */
	void (*closed)(void *ctx, const char *reason);
};

/* Begin to connect to 'name' (not passive; a host name is looked up without blocking the loop).
 * 'tls' is needed where 'name' is a CONN_SSL and NULL elsewhere; connected() is told once both sides
 * have shown their certificates. Never NULL; failure is told by closed(), never before this
 * returns. */
struct stream *stream_connect(struct event_base *base, const struct conn_name *name,
                              struct tls *tls, const struct stream_ops *ops, void *ctx,
                              size_t out_bytes_max);

/* Send 'len' bytes at 'bytes'; copied. False when bytes wait already and more than 'out_bytes_max'
 * would wait then: nothing of them is sent, and the stream is as it was. Before connected() they
 * wait. */
bool stream_send(struct stream *stream, const void *bytes, size_t len);
/* Bytes that wait for the socket. */
size_t stream_pending_bytes(const struct stream *stream);
/* What the system knows of a peer that seems dead, at the price of a system call (stream_progress.c).
 * Bytes came that were not read yet: */
bool stream_unread(const struct stream *stream);
/* How much the peer's system has taken so far, in bytes, from a start that means nothing; '*left': it
 * has not yet taken all that was sent. With a slow peer it rises long before bytes leave that wait
 * here: a socket tells of room only when a third of what it holds has left. */
uint64_t stream_taken_bytes(const struct stream *stream, bool *left);
/* Stop and resume reading: a stream that does not read lets the peer wait. */
void stream_set_reading(struct stream *stream, bool on);
/* What the peer is called: "tcp:192.0.2.1:49152", "ssl:192.0.2.1:49152", "unix". */
const char *stream_peer(const struct stream *stream);
bool stream_is_tls(const struct stream *stream);
/* The user and the process (0: not to be seen from here) that connected; false for other peers than
 * those of a Unix socket. */
bool stream_peer_user(const struct stream *stream, uid_t *user, pid_t *process);
/* Put whom the peer's certificate names into 'text', as "O = Example, CN = switch 1". False where
 * there is none: before connected(), or before the first received() of a stream that was accepted,
 * and without TLS. */
bool stream_tls_subject(const struct stream *stream, char *text, size_t size);
/* The IPv4 addresses and ports of both ends, for captures; false for others. */
bool stream_ipv4_ends(const struct stream *stream, uint32_t *own_ip, uint16_t *own_port,
                      uint32_t *peer_ip, uint16_t *peer_port);
/* End the stream: what waits is still sent, for at most 'linger_ns' (0: what the socket takes now),
 * and nothing more is told. The owner forgets it. */
void stream_close(struct stream *stream, uint64_t linger_ns);

/* Take an open stream out of its loop, so that another thread may attach it to another loop: no
 * callback is called between the two, and of the calls above only stream_peer() and
 * stream_pending_bytes() are allowed. What had come and was not yet handed over comes after
 * stream_attach(), from the loop; so does the end of the stream where it has ended meanwhile.
 * Allowed once connected() was told, or the first received() of a stream that was accepted, and in
 * these calls too: the other thread need not wait for their return. */
void stream_detach(struct stream *stream);
/* The stream reads again, also where it did not when it was detached. */
void stream_attach(struct stream *stream, struct event_base *base, const struct stream_ops *ops,
                   void *ctx);

struct stream_listener_ops {
	/* Somebody connected: adopt the stream with stream_adopt() or stream_close() it. The
	 * handshake of TLS begins after this: an owner who sets a time for hearing from the peer
	 * sets one for the handshake too. */
	void (*accepted)(void *ctx, struct stream *stream);
	/* Accepting failed (no descriptors left, say): told once until it works again; the
	 * listener waits a moment and goes on. */
	void (*failed)(void *ctx, const char *reason);
};

/* Listen on 'name' (passive). A Unix socket's file that nobody listens on is replaced. NULL with
 * what is wrong in 'error'. 'tls' is needed where 'name' is a CONN_SSL and NULL elsewhere. */
struct stream_listener *stream_listen(struct event_base *base, const struct conn_name *name,
                                      struct tls *tls, const struct stream_listener_ops *ops,
                                      void *ctx, char *error, size_t error_size);
/* Where it listens: "ptcp:6634", with the port that the system chose, "punix:/run/x". */
const char *stream_listener_name(const struct stream_listener *listener);
/* Stop listening; removes a Unix socket's file. Streams that were accepted go on. */
void stream_listener_close(struct stream_listener *listener);

/* Take an accepted stream over: from now on 'ops' are called. */
void stream_adopt(struct stream *stream, const struct stream_ops *ops, void *ctx,
                  size_t out_bytes_max);

#endif
