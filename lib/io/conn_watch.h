/* What goes over an OpenFlow connection, for those who watch it: cut into messages, for people, and
 * as TCP in a capture, for Wireshark.
 *
 * In a capture a connection over IPv4 has its real addresses; others get invented ones. The side
 * that listens always has port 6653 there, whatever its real one: Wireshark knows no other without
 * being told, and then every message is dissected. */
#ifndef IO_CONN_WATCH_H
#define IO_CONN_WATCH_H

#include "lib/io/stream.h"
#include "lib/io/tcp_trace.h"
#include "lib/wire/framer.h"

/* Which way bytes go: to us, or to the peer. */
enum conn_watch_way { CONN_WATCH_IN, CONN_WATCH_OUT };

/* What we are. */
enum conn_watch_role {
	CONN_WATCH_SWITCH_CONNECTS,    /* a switch, and the peer is a controller that listens */
	CONN_WATCH_SWITCH_LISTENS,     /* a switch under management */
	CONN_WATCH_CONTROLLER_LISTENS, /* a controller */
};

/* Of invented addresses: for benchmarks, never routed; for documentation. */
#define CONN_WATCH_SWITCH_IP     UINT32_C(0xc6120001) /* 198.18.0.1 */
#define CONN_WATCH_CONTROLLER_IP UINT32_C(0xc0000201) /* 192.0.2.1 */

struct conn_watch {           /* starts zeroed */
	struct framer framer; /* what came */
	struct tcp_trace trace;
	bool traced;
};

/* The connection 'stream' is there. 'file' is the capture that is being written now (NULL: none);
 * 'number' counts connections: invented addresses of as many as are there at a time differ. */
void conn_watch_begin(struct conn_watch *watch, struct pcap_file *file, uint64_t unix_ns,
                      const struct stream *stream, enum conn_watch_role role, uint32_t number);
/* Bytes went over it: into the capture. */
void conn_watch_bytes(struct conn_watch *watch, struct pcap_file *file, uint64_t unix_ns,
                      enum conn_watch_way way, const uint8_t *bytes, size_t len);
/* The same for people: 'tell' each message. What goes out is whole messages; what comes is cut
 * anywhere, and once it is no message any more nothing is told. */
void conn_watch_messages(struct conn_watch *watch, enum conn_watch_way way, const uint8_t *bytes,
                         size_t len,
                         void (*tell)(void *ctx, enum conn_watch_way way, const uint8_t *bytes,
                                      size_t len),
                         void *ctx);
/* It ends: the peer closed (CONN_WATCH_IN) or we do. May be called again, and without a beginning.
 */
void conn_watch_end(struct conn_watch *watch, struct pcap_file *file, uint64_t unix_ns,
                    enum conn_watch_way way);

#endif
