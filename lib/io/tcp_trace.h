/* A connection whose bytes are known but not their packets, written into a capture as TCP, for
 * Wireshark and its dissectors.
 *
 * Each piece of bytes becomes a segment (or several, of at most TCP_TRACE_MSS bytes), seen when it
 * arrives; the receiver acknowledges every second segment at once and the others with what it sends
 * next. Sequence numbers count real bytes, so that Wireshark reassembles the messages and finds
 * nothing to complain about. Pieces shorter than an OpenFlow header wait for the next one of their
 * direction, because its dissector takes a segment that begins with less than half a header for a
 * broken message. */
#ifndef IO_TCP_TRACE_H
#define IO_TCP_TRACE_H

#include "lib/io/pcap_file.h"

enum {
	TCP_TRACE_MSS = 1448,
	TCP_TRACE_HELD_BYTES = 8, /* an OpenFlow header */
	TCP_TRACE_SEGMENTS = 64,  /* that are remembered, each way */
};

/* A segment with bytes that was written. */
struct tcp_trace_segment {
	uint64_t number; /* in the capture, from 1 */
	uint64_t end;    /* bytes of its direction up to its last */
};

/* One connection. The owner sets the first four, index by end; an end is 0 or 1. */
struct tcp_trace {
	struct pcap_file *file; /* the owner's; NULL: segments are counted and not written */
	uint32_t ip[2];
	uint16_t port[2];
	uint32_t next[2]; /* sequence number of the next byte that the end sends */

	bool open;
	uint32_t unacked[2];                /* segments that the end has got and not acknowledged */
	uint8_t held[TCP_TRACE_HELD_BYTES]; /* the latest bytes, not yet a segment, */
	size_t held_len;
	unsigned held_to; /*   on their way to this end, */
	uint64_t held_ns; /*   arrived then */

	uint64_t segments;          /* written, of all connections of this structure */
	uint64_t bytes[2], sent[2]; /* that came, and those of them in segments, by receiving end */
	struct tcp_trace_segment latest[2][TCP_TRACE_SEGMENTS]; /* by receiving end */
	uint64_t latest_count[2];                               /* ever; the oldest are overwritten */
};

/* The handshake: 'first' opens. */
void tcp_trace_open(struct tcp_trace *trace, uint64_t now_ns, unsigned first);
/* 'len' bytes at 'bytes' arrive at the end 'to'. */
void tcp_trace_bytes(struct tcp_trace *trace, uint64_t now_ns, unsigned to, const uint8_t *bytes,
                     size_t len);
/* The number in the capture, from 1, of the segment with the byte that came to the end 'to' before the
 * latest 'back' ones; 0: it is forgotten. */
uint64_t tcp_trace_number(const struct tcp_trace *trace, unsigned to, size_t back);
/* An open connection ends: FIN of 'first', FIN of the other, the last acknowledgement. */
void tcp_trace_close(struct tcp_trace *trace, uint64_t now_ns, unsigned first);

#endif
