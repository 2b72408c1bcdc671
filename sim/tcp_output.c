/* TCP, sending: what may be sent now, and segments. See tcp.h. */
#include "sim/tcp.h"

#include "sim/pattern.h"

enum {
	OPTIONS_BYTES_MAX = 40,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_SCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_SACK = 5,
	WINDOW_UPDATE_SEGMENTS = 2,
};

#define CHALLENGE_INTERVAL_NS (500 * FB_NS_PER_MS)

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* --- The stream --- */

/* Where snd_nxt is in the stream. */
static inline uint64_t next_offset(const struct tcp_conn *conn)
{
	return conn->una_offset + (conn->snd_nxt - conn->snd_una) -
	       (conn->fin_sent && !conn->fin_acked);
}

uint64_t tcp_unsent(const struct tcp_conn *conn)
{
	uint64_t end = conn->has_source ? conn->source_bytes : conn->una_offset + conn->send.len;

	return end - next_offset(conn);
}

/* The 'len' bytes of the stream at 'offset', which are sent and not acknowledged, or next; perhaps
 * in the host's scratch memory. */
static const uint8_t *stream_bytes(struct tcp_conn *conn, uint64_t offset, uint32_t len)
{
	uint8_t *scratch = conn->host->tcp.scratch;

	if (!conn->has_source)
		ring_peek(&conn->send, offset - conn->una_offset, scratch, len);
	else if (conn->source)
		return conn->source + offset;
	else
		pattern_fill(offset, scratch, len);
	return scratch;
}

/* --- Segments --- */

/* The window to offer, as it stands in the header. Where the scale cannot say it exactly, it is
 * rounded down; what was offered once is taken all the same (RFC 7323, section 2.4). A window too
 * small to be of use is not offered (RFC 9293, section 3.8.6.2.2). */
static uint16_t offer_window(struct tcp_conn *conn)
{
	uint32_t room = conn->host->config.window_bytes;
	uint32_t offered =
	        tcp_after(conn->rcv_edge, conn->rcv_nxt) ? conn->rcv_edge - conn->rcv_nxt : 0;
	uint32_t field;

	room -= min_u32(room, (uint32_t)conn->receive.len);
	if (room < conn->host->config.window_bytes / 2 && room < conn->rcv_mss)
		room = 0;
	if (room < offered)
		room = offered;
	field = min_u32(room >> conn->receive_scale, UINT16_MAX);
	room = field << conn->receive_scale;
	if (room > offered)
		conn->rcv_edge = conn->rcv_nxt + room;
	return (uint16_t)field;
}

/* Build a segment and send it off. */
static void emit(struct tcp_conn *conn, struct fb_tcp_spec *tcp, const uint8_t *payload,
                 uint32_t len)
{
	struct host *host = conn->host;
	size_t frame_len = FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES + FB_TCP_HEADER_BYTES +
	                   (size_t)tcp->options_len + len;
	struct frame *frame = frame_new(host->pool, frame_len);
	struct fb_buf out = fb_buf_make(frame_data(frame), frame_len);
	struct fb_eth_spec eth = host_ip_eth(host);
	struct fb_ipv4_spec ip = {.nw_src = conn->local_ip,
	                          .nw_dst = conn->peer_ip,
	                          .nw_tos = conn->tos,
	                          .ip_id = host->ip.next_id++,
	                          .dont_fragment = true};

	tcp->tp_src = conn->local_port;
	tcp->tp_dst = conn->peer_port;
	fb_build_tcp(&out, &eth, &ip, tcp, payload, len);
	if (tcp->flags & FB_TCP_ACK) {
		conn->ack_now = false;
		conn->delayed_ack_ns = FB_NEVER;
		conn->rcv_acked = conn->rcv_nxt;
	}
	/* There is no way from an address that is not ours. */
	if (conn->away)
		frame_unref(frame);
	else
		host_ip_output(host, conn->peer_ip, frame);
}

/* The SACK option for what is held out of order; returns its length with padding. */
static uint8_t put_sack(const struct tcp_conn *conn, uint8_t options[OPTIONS_BYTES_MAX])
{
	enum { HEAD_BYTES = 4, BLOCK_BYTES = 8 };
	struct tcp_range blocks[TCP_SACK_BLOCKS_MAX];
	unsigned count = conn->sack_ok && conn->early ? tcp_early_blocks(conn, blocks) : 0;

	if (!count)
		return 0;
	options[0] = options[1] = OPTION_NOP;
	options[2] = OPTION_SACK;
	options[3] = (uint8_t)(2 + count * BLOCK_BYTES);
	for (unsigned i = 0; i < count; i++) {
		fb_set32(options + HEAD_BYTES + i * BLOCK_BYTES, blocks[i].start);
		fb_set32(options + HEAD_BYTES + i * BLOCK_BYTES + 4, blocks[i].end);
	}
	return (uint8_t)(HEAD_BYTES + count * BLOCK_BYTES);
}

/* One segment of 'len' bytes of the stream from 'seq' on, with 'flags' (FIN where it belongs is the
 * caller's). */
static void send_segment(struct tcp_conn *conn, uint32_t seq, uint32_t len, uint8_t flags)
{
	struct fb_tcp_spec tcp = {.seq = seq, .ack = conn->rcv_nxt, .flags = flags | FB_TCP_ACK};
	const uint8_t *payload = NULL;

	tcp.window = offer_window(conn);
	if (len) {
		payload = stream_bytes(conn, conn->una_offset + (seq - conn->snd_una), len);
		conn->interactive = true;
	}
	emit(conn, &tcp, payload, len);
}

/* A segment without data, whose sequence number is 'seq'. */
static void send_empty(struct tcp_conn *conn, uint32_t seq)
{
	struct fb_tcp_spec tcp = {.seq = seq, .ack = conn->rcv_nxt, .flags = FB_TCP_ACK};
	uint8_t options[OPTIONS_BYTES_MAX];

	tcp.window = offer_window(conn);
	tcp.options_len = put_sack(conn, options);
	tcp.options = options;
	emit(conn, &tcp, NULL, 0);
}

void tcp_send_ack(struct tcp_conn *conn)
{
	send_empty(conn, conn->snd_nxt);
}

void tcp_send_probe(struct tcp_conn *conn)
{
	send_empty(conn, conn->snd_una - 1);
}

void tcp_send_challenge(struct tcp_conn *conn)
{
	uint64_t now = conn->host->now_ns + 1;

	if (conn->last_oow_ack_ns && now - conn->last_oow_ack_ns < CHALLENGE_INTERVAL_NS)
		return;
	conn->last_oow_ack_ns = now;
	conn->host->counters.tcp_challenge_acks++;
	tcp_send_ack(conn);
}

/* SYN, or in SYN_RECEIVED the SYN that answers one: then an option only where the peer's SYN had
 * it. */
void tcp_send_syn(struct tcp_conn *conn)
{
	const struct host_config *config = &conn->host->config;
	bool answer = conn->state == TCP_SYN_RECEIVED;
	uint8_t options[12] = {OPTION_MSS, 4, (uint8_t)(config->mss >> 8), (uint8_t)config->mss};
	struct fb_tcp_spec tcp = {
	        .seq = conn->iss, .flags = FB_TCP_SYN, .options = options, .options_len = 4};

	if (!answer || conn->sack_ok) {
		static const uint8_t sack[] = {OPTION_NOP, OPTION_NOP, OPTION_SACK_PERMITTED, 2};

		memcpy(options + tcp.options_len, sack, sizeof sack);
		tcp.options_len += sizeof sack;
	}
	if (!answer || conn->scale_ok) {
		const uint8_t scale[] = {OPTION_NOP, OPTION_SCALE, 3, conn->receive_scale};

		memcpy(options + tcp.options_len, scale, sizeof scale);
		tcp.options_len += sizeof scale;
	}
	/* The window of a SYN is never scaled. */
	tcp.window = (uint16_t)min_u32(config->window_bytes, UINT16_MAX);
	if (answer) {
		tcp.flags |= FB_TCP_ACK;
		tcp.ack = conn->rcv_nxt;
		conn->rcv_edge = conn->rcv_nxt + tcp.window;
	} else if (conn->ecn && !conn->retries) {
		tcp.flags |= FB_TCP_ECE | FB_TCP_CWR;
	}
	conn->rtt_timing = !conn->retries;
	conn->rtt_seq = conn->iss + 1;
	conn->rtt_sent_ns = conn->host->now_ns;
	conn->snd_nxt = conn->iss + 1;
	conn->rexmit_ns = conn->host->now_ns + tcp_recovery_rto(conn);
	emit(conn, &tcp, NULL, 0);
}

void tcp_send_reset(struct host *host, uint32_t ip, uint16_t local_port, uint16_t port,
                    uint32_t seq, uint32_t ack, uint8_t flags)
{
	struct frame *frame = frame_new(host->pool, FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES +
	                                                    FB_TCP_HEADER_BYTES);
	struct fb_buf out = fb_buf_make(frame_data(frame), frame->len);
	struct fb_eth_spec eth = host_ip_eth(host);
	struct fb_ipv4_spec spec = {.nw_src = host->config.ip,
	                            .nw_dst = ip,
	                            .ip_id = host->ip.next_id++,
	                            .dont_fragment = true};
	struct fb_tcp_spec tcp = {.tp_src = local_port,
	                          .tp_dst = port,
	                          .seq = seq,
	                          .ack = ack,
	                          .flags = flags | FB_TCP_RST};

	host->counters.tcp_resets_out++;
	fb_build_tcp(&out, &eth, &spec, &tcp, NULL, 0);
	host_ip_output(host, ip, frame);
}

void tcp_window_update(struct tcp_conn *conn)
{
	uint32_t window = conn->host->config.window_bytes;
	uint32_t room = window - min_u32(window, (uint32_t)conn->receive.len);
	uint32_t offered = conn->rcv_edge - conn->rcv_nxt;

	if (room > offered &&
	    room - offered >= min_u32(WINDOW_UPDATE_SEGMENTS * conn->rcv_mss, window / 2))
		conn->ack_now = true;
}

/* --- What may be sent --- */

static bool may_send(const struct tcp_conn *conn)
{
	switch ((enum tcp_state)conn->state) {
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
	case TCP_TIME_WAIT:
	case TCP_CLOSED:
		return false;
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT_1:
	case TCP_FIN_WAIT_2:
	case TCP_CLOSING:
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
		break;
	}
	return true;
}

/* Something goes out: the retransmission timer runs. */
static void note_sent(struct tcp_conn *conn)
{
	if (conn->probing)
		conn->retries = 0;
	if (conn->rexmit_ns == FB_NEVER || conn->probing)
		conn->rexmit_ns = conn->host->now_ns + tcp_recovery_rto(conn);
	conn->probing = false;
}

/* Send again what was lost, as far as the congestion window lets; '*pipe' is brought up to date.
 * Returns false when something must wait. */
static bool output_lost(struct tcp_conn *conn, uint32_t *pipe)
{
	uint32_t seq, len;

	while (tcp_recovery_next(conn, &seq, &len)) {
		bool fin = conn->fin_sent && seq + len == conn->snd_nxt;
		uint32_t data = len - fin;

		if (!conn->rexmit_first && *pipe + len > conn->cwnd)
			return false;
		conn->rexmit_first = false;
		conn->rexmit_seq = seq + len;
		conn->rtt_timing = false;
		conn->host->counters.tcp_retransmissions++;
		note_sent(conn);
		send_segment(conn, seq, data,
		             (uint8_t)((fin ? FB_TCP_FIN : 0) | (data ? FB_TCP_PSH : 0)));
		*pipe += len;
	}
	return true;
}

/* Bytes of new data that may go out in one segment; 0: none now. */
static uint32_t new_len(struct tcp_conn *conn, uint64_t unsent, uint32_t pipe)
{
	uint32_t edge = conn->snd_una + conn->snd_wnd;
	uint32_t room = tcp_after(edge, conn->snd_nxt) ? edge - conn->snd_nxt : 0;
	uint32_t len = unsent < conn->mss ? (uint32_t)unsent : conn->mss;

	if (room < len) {
		/* A small piece only when it is much of the window or nothing else is under way
		 * (RFC 9293, section 3.8.6.2.1). */
		if (conn->snd_una != conn->snd_nxt && room < conn->snd_wnd_max / 2)
			return 0;
		len = room;
	}
	if (pipe + len > conn->cwnd) {
		conn->cwnd_limited = true;
		return 0;
	}
	return len;
}

static void send_new(struct tcp_conn *conn, uint32_t len, bool last, bool fin)
{
	uint32_t seq = conn->snd_nxt;
	uint64_t now = conn->host->now_ns;
	uint8_t flags = (uint8_t)((len && last ? FB_TCP_PSH : 0) | (fin ? FB_TCP_FIN : 0));

	if (conn->snd_una == seq)
		conn->first_unacked_ns = now;
	note_sent(conn);
	send_segment(conn, seq, len, flags);
	conn->snd_nxt = seq + len + fin;
	conn->fin_sent |= fin;
	conn->last_sent_ns = now;
	if (!conn->rtt_timing) {
		conn->rtt_timing = true;
		conn->rtt_seq = conn->snd_nxt;
		conn->rtt_sent_ns = now;
	}
}

static void output_new(struct tcp_conn *conn, uint32_t pipe)
{
	uint64_t unsent = tcp_unsent(conn);

	while (unsent || (conn->fin_queued && !conn->fin_sent)) {
		uint32_t len = unsent ? new_len(conn, unsent, pipe) : 0;

		if (unsent && !len)
			break;
		unsent -= len;
		send_new(conn, len, !unsent, conn->fin_queued && !unsent);
		pipe += len;
	}
	/* The window is shut and nothing is under way whose acknowledgement could open it: ask from
	 * time to time. */
	if (unsent && conn->snd_una == conn->snd_nxt && conn->rexmit_ns == FB_NEVER) {
		conn->probing = true;
		conn->retries = 0;
		conn->rexmit_ns = conn->host->now_ns + tcp_recovery_rto(conn);
	}
}

/* After a silence longer than the retransmission timeout nothing is known of the path (RFC 5681,
 * section 4.1). */
static void restart_after_idle(struct tcp_conn *conn)
{
	uint32_t initial = TCP_INITIAL_SEGMENTS * (uint32_t)conn->mss;

	if (conn->snd_una == conn->snd_nxt && conn->cwnd > initial &&
	    conn->host->now_ns - conn->last_sent_ns > conn->rto_ns)
		conn->cwnd = initial;
}

void tcp_output(struct tcp_conn *conn)
{
	uint32_t pipe;

	if (!may_send(conn))
		return;
	restart_after_idle(conn);
	pipe = tcp_recovery_pipe(conn);
	conn->cwnd_limited = false;
	if (conn->recovery == TCP_RECOVERY_NONE || output_lost(conn, &pipe))
		output_new(conn, pipe);
}
