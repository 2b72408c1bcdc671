/* Makes up TCP around bytes; see tcp_trace.h. */
#include "lib/io/tcp_trace.h"

#include <string.h>

#include <flowbed/packet.h>

enum { WINDOW = 65535 };

/* Write one segment that 'from' sends. */
static void write_segment(struct tcp_trace *trace, uint64_t now_ns, unsigned from, uint8_t flags,
                          const uint8_t *bytes, size_t len)
{
	uint8_t frame[FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES + FB_TCP_HEADER_BYTES +
	              TCP_TRACE_MSS];
	struct fb_buf out = fb_buf_make(frame, sizeof frame);
	struct fb_eth_spec eth = {.has_vlan = false};
	struct fb_ipv4_spec ip = {
	        .nw_src = trace->ip[from], .nw_dst = trace->ip[!from], .dont_fragment = true};
	struct fb_tcp_spec tcp = {.tp_src = trace->port[from],
	                          .tp_dst = trace->port[!from],
	                          .seq = trace->next[from],
	                          .ack = flags & FB_TCP_ACK ? trace->next[!from] : 0,
	                          .flags = flags,
	                          .window = WINDOW};

	fb_mac_from_u64(eth.dl_src, UINT64_C(0x060000000000) | trace->ip[from]);
	fb_mac_from_u64(eth.dl_dst, UINT64_C(0x060000000000) | trace->ip[!from]);
	fb_build_tcp(&out, &eth, &ip, &tcp, bytes, len);
	if (trace->file)
		pcap_file_write(trace->file, now_ns, frame, out.len);
	trace->segments++;
	trace->next[from] += (uint32_t)len + ((flags & (FB_TCP_SYN | FB_TCP_FIN)) != 0);
	trace->unacked[from] = 0;
}

/* Write bytes that go to 'to' as one segment. */
static void write_data(struct tcp_trace *trace, uint64_t now_ns, unsigned to, const uint8_t *bytes,
                       size_t len)
{
	write_segment(trace, now_ns, !to, FB_TCP_ACK | FB_TCP_PSH, bytes, len);
	trace->sent[to] += len;
	trace->latest[to][trace->latest_count[to]++ % TCP_TRACE_SEGMENTS] =
	        (struct tcp_trace_segment){.number = trace->segments, .end = trace->sent[to]};
	if (++trace->unacked[to] == 2)
		write_segment(trace, now_ns, to, FB_TCP_ACK, NULL, 0);
}

/* Write out the bytes that wait. */
static void write_held(struct tcp_trace *trace)
{
	if (trace->held_len)
		write_data(trace, trace->held_ns, trace->held_to, trace->held, trace->held_len);
	trace->held_len = 0;
}

void tcp_trace_open(struct tcp_trace *trace, uint64_t now_ns, unsigned first)
{
	trace->open = true;
	write_segment(trace, now_ns, first, FB_TCP_SYN, NULL, 0);
	write_segment(trace, now_ns, !first, FB_TCP_SYN | FB_TCP_ACK, NULL, 0);
	write_segment(trace, now_ns, first, FB_TCP_ACK, NULL, 0);
}

/* Keep bytes for the next segment. */
static void hold(struct tcp_trace *trace, uint64_t now_ns, unsigned to, const uint8_t *bytes,
                 size_t len)
{
	memcpy(trace->held + trace->held_len, bytes, len);
	trace->held_len += len;
	trace->held_to = to;
	trace->held_ns = now_ns;
}

void tcp_trace_bytes(struct tcp_trace *trace, uint64_t now_ns, unsigned to, const uint8_t *bytes,
                     size_t len)
{
	trace->bytes[to] += len;
	if (trace->held_len && trace->held_to != to)
		write_held(trace);
	/* Fill up what waits to a header's length first. */
	if (trace->held_len || len < TCP_TRACE_HELD_BYTES) {
		size_t room = TCP_TRACE_HELD_BYTES - trace->held_len;
		size_t part = room < len ? room : len;

		hold(trace, now_ns, to, bytes, part);
		bytes += part;
		len -= part;
		if (trace->held_len < TCP_TRACE_HELD_BYTES)
			return;
		write_held(trace);
	}
	while (len >= TCP_TRACE_HELD_BYTES) {
		size_t part = len < TCP_TRACE_MSS ? len : TCP_TRACE_MSS;

		write_data(trace, now_ns, to, bytes, part);
		bytes += part;
		len -= part;
	}
	hold(trace, now_ns, to, bytes, len);
}

uint64_t tcp_trace_number(const struct tcp_trace *trace, unsigned to, size_t back)
{
	const uint64_t count = trace->latest_count[to], place = trace->bytes[to] - back;
	uint64_t number = trace->segments + 1; /* it waits for the next one */

	if (back >= trace->bytes[to])
		return 0;
	if (place > trace->sent[to])
		return number;
	for (uint64_t i = 0; i < TCP_TRACE_SEGMENTS && i < count; i++) {
		const struct tcp_trace_segment *segment =
		        &trace->latest[to][(count - 1 - i) % TCP_TRACE_SEGMENTS];

		if (segment->end < place)
			return number;
		number = segment->number;
	}
	return count <= TCP_TRACE_SEGMENTS ? number : 0;
}

void tcp_trace_close(struct tcp_trace *trace, uint64_t now_ns, unsigned first)
{
	write_held(trace);
	if (!trace->open)
		return;
	write_segment(trace, now_ns, first, FB_TCP_FIN | FB_TCP_ACK, NULL, 0);
	write_segment(trace, now_ns, !first, FB_TCP_FIN | FB_TCP_ACK, NULL, 0);
	write_segment(trace, now_ns, first, FB_TCP_ACK, NULL, 0);
	trace->open = false;
}
