/* TCP, receiving: what a segment does to a connection (RFC 9293, section 3.10.7), with the checks
 * of RFC 5961 as Linux makes them. See tcp.h. */
#include "sim/tcp.h"

enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_SCALE = 3,
	OPTION_SACK_PERMITTED = 4,
	OPTION_SACK = 5,
	SCALE_MAX = 14,
	MSS_MIN = 88, /* as Linux, against peers that ask for tiny segments */
};

#define DELAYED_ACK_NS            (40 * FB_NS_PER_MS)
#define FIN_WAIT_2_NS             (60 * FB_NS_PER_S)
#define OUT_OF_WINDOW_INTERVAL_NS (500 * FB_NS_PER_MS)

/* --- Reading a segment --- */

static void read_option(struct tcp_segment *seg, const uint8_t *option, unsigned len)
{
	if (option[0] == OPTION_MSS && len == 4) {
		seg->has_mss = true;
		seg->mss = fb_get16(option + 2);
	} else if (option[0] == OPTION_SCALE && len == 3) {
		seg->has_scale = true;
		seg->scale = option[2] < SCALE_MAX ? option[2] : SCALE_MAX;
	} else if (option[0] == OPTION_SACK_PERMITTED && len == 2) {
		seg->sack_permitted = true;
	} else if (option[0] == OPTION_SACK) {
		for (unsigned at = 2; at + 8 <= len && seg->block_count < TCP_SACK_BLOCKS_MAX;
		     at += 8)
			seg->blocks[seg->block_count++] = (struct tcp_range){
			        fb_get32(option + at), fb_get32(option + at + 4)};
	}
}

static void read_options(struct tcp_segment *seg, const uint8_t *options, size_t len)
{
	while (len && options[0] != OPTION_END) {
		unsigned step = 1;

		if (options[0] != OPTION_NOP) {
			if (len < 2 || options[1] < 2 || options[1] > len)
				return;
			step = options[1];
			read_option(seg, options, step);
		}
		options += step;
		len -= step;
	}
}

static inline void read_segment(struct tcp_segment *seg, const struct fb_packet *p,
                                struct frame *frame)
{
	uint32_t options_ofs = p->l4_ofs + FB_TCP_HEADER_BYTES;

	seg->seq = p->tcp_seq;
	seg->ack = p->tcp_ack;
	seg->flags = p->tcp_flags;
	seg->len = p->payload_len;
	seg->end = p->tcp_seq + p->payload_len + !!(p->tcp_flags & FB_TCP_SYN) +
	           !!(p->tcp_flags & FB_TCP_FIN);
	seg->window = p->tcp_window;
	seg->data = p->data + p->payload_ofs;
	seg->frame = frame;
	seg->packet = p;
	seg->has_mss = seg->has_scale = seg->sack_permitted = false;
	seg->block_count = 0;
	if (p->payload_ofs > options_ofs)
		read_options(seg, p->data + options_ofs, p->payload_ofs - options_ofs);
}

/* A SYN that opens a connection; ECN's bits may be there. */
static bool is_opening(const struct tcp_segment *seg)
{
	return (seg->flags & (FB_TCP_SYN | FB_TCP_ACK | FB_TCP_RST | FB_TCP_FIN)) == FB_TCP_SYN;
}

/* --- Without a connection --- */

/* RST for a segment that belongs to nothing (RFC 9293, section 3.5.2). */
static void reset_sender(struct host *host, const struct tcp_segment *seg)
{
	const struct fb_packet *p = seg->packet;

	if (seg->flags & FB_TCP_RST)
		return;
	if (seg->flags & FB_TCP_ACK)
		tcp_send_reset(host, p->nw_src, p->tp_dst, p->tp_src, seg->ack, 0, 0);
	else
		tcp_send_reset(host, p->nw_src, p->tp_dst, p->tp_src, 0, seg->end, FB_TCP_ACK);
}

/* Take the options that both sides have. */
static void agree(struct tcp_conn *conn, const struct tcp_segment *syn)
{
	uint16_t peer_mss = syn->has_mss ? syn->mss : TCP_MSS_DEFAULT;

	if (peer_mss < MSS_MIN)
		peer_mss = MSS_MIN;
	conn->mss = peer_mss < conn->host->config.mss ? peer_mss : conn->host->config.mss;
	conn->sack_ok = syn->sack_permitted;
	conn->scale_ok = syn->has_scale;
	conn->send_scale = syn->scale * syn->has_scale;
	if (!syn->has_scale)
		conn->receive_scale = 0;
	conn->irs = syn->seq;
	conn->rcv_nxt = syn->seq + 1;
	conn->rcv_acked = conn->rcv_nxt;
	conn->rcv_edge = conn->rcv_nxt;
	conn->snd_wnd = conn->snd_wnd_max = syn->window;
	conn->snd_wl1 = syn->seq;
	conn->snd_wl2 = conn->iss;
	memcpy(conn->peer_mac, syn->packet->dl_src, FB_MAC_BYTES);
}

/* A SYN for a service: a connection in SYN_RECEIVED, whose first number is above 'above'
 * (0: any). */
static void accept_syn(struct host *host, const struct tcp_segment *seg, enum host_service service,
                       uint32_t above)
{
	const struct fb_packet *p = seg->packet;
	struct tcp_conn *conn = tcp_new(host, p->nw_src, p->tp_src, p->tp_dst);

	if (!conn)
		return;
	conn->iss = tcp_initial_sequence(host, p->nw_src, p->tp_src, p->tp_dst);
	if (above && tcp_before(conn->iss, above))
		conn->iss = above;
	conn->state = TCP_SYN_RECEIVED;
	conn->passive = true;
	conn->service = (uint8_t)service;
	conn->snd_una = conn->iss;
	agree(conn, seg);
	tcp_send_syn(conn);
	tcp_settle(conn);
}

static void input_unknown(struct host *host, const struct tcp_segment *seg)
{
	enum host_service service = tcp_listener(host, seg->packet->tp_dst);

	if (is_opening(seg)) {
		if (service != HOST_SERVICE_NONE) {
			accept_syn(host, seg, service, 0);
			return;
		}
		host->counters.tcp_refused_out++;
	} else if (service != HOST_SERVICE_NONE && !(seg->flags & FB_TCP_ACK)) {
		return;
	}
	reset_sender(host, seg);
}

/* --- TIME_WAIT --- */

/* An answer to something out of place; without data at most every 500 ms, so that two hosts do not
 * answer each other for ever. */
static void ack_out_of_place(struct tcp_conn *conn, const struct tcp_segment *seg)
{
	uint64_t now = conn->host->now_ns + 1;

	if (!seg->len) {
		if (conn->last_oow_ack_ns &&
		    now - conn->last_oow_ack_ns < OUT_OF_WINDOW_INTERVAL_NS)
			return;
		conn->last_oow_ack_ns = now;
	}
	tcp_send_ack(conn);
}

static void input_time_wait(struct tcp_conn *conn, const struct tcp_segment *seg)
{
	struct host *host = conn->host;
	enum host_service service = tcp_listener(host, conn->local_port);

	if (is_opening(seg) && tcp_after(seg->seq, conn->rcv_nxt) && service != HOST_SERVICE_NONE) {
		uint32_t above = conn->snd_nxt + TCP_ISN_REUSE_STEP;

		tcp_end(conn, TCP_END_CLOSED);
		accept_syn(host, seg, service, above);
		return;
	}
	if (seg->flags & FB_TCP_RST) {
		if (seg->seq == conn->rcv_nxt) {
			host->counters.tcp_resets_in++;
			tcp_end(conn, TCP_END_CLOSED);
		}
		return;
	}
	if (seg->flags & FB_TCP_ACK)
		tcp_time_wait_again(conn);
	if (seg->seq != conn->rcv_nxt || seg->end != seg->seq)
		ack_out_of_place(conn, seg);
}

/* --- Opening --- */

/* Both SYNs are acknowledged. 'seg->window' is not scaled in a SYN. */
static void establish(struct tcp_conn *conn, const struct tcp_segment *seg)
{
	conn->state = TCP_ESTABLISHED;
	conn->snd_una = conn->iss + 1;
	conn->snd_wl1 = seg->seq;
	conn->snd_wl2 = seg->ack;
	conn->snd_wnd = seg->flags & FB_TCP_SYN ? seg->window : seg->window << conn->send_scale;
	conn->snd_wnd_max = conn->snd_wnd;
	if (conn->rtt_timing)
		tcp_recovery_measured(conn, conn->host->now_ns - conn->rtt_sent_ns);
	conn->rtt_timing = false;
	/* A SYN that was lost more than once tells of a path that is full (RFC 5681,
	 * section 3.1). */
	conn->cwnd = (conn->retries > 1 ? 1 : TCP_INITIAL_SEGMENTS) * (uint32_t)conn->mss;
	conn->recovery_seq = conn->snd_una;
	conn->rexmit_seq = conn->snd_una;
	conn->retries = 0;
	conn->soft_error = false;
	conn->rexmit_ns = FB_NEVER;
	host_arp_confirm(conn->host, host_ip_next_hop(conn->host, conn->peer_ip));
	if (conn->passive) {
		conn->host->counters.tcp_accepted++;
		host_services_accept(conn, conn->service);
	} else {
		conn->host->counters.tcp_connected++;
	}
}

static void input_syn_sent(struct tcp_conn *conn, const struct tcp_segment *seg)
{
	struct host *host = conn->host;
	bool acks_our_syn = (seg->flags & FB_TCP_ACK) && seg->ack == conn->snd_nxt;

	if ((seg->flags & FB_TCP_ACK) && !acks_our_syn) {
		reset_sender(host, seg);
		return;
	}
	if (seg->flags & FB_TCP_RST) {
		if (acks_our_syn) {
			host->counters.tcp_resets_in++;
			memcpy(conn->peer_mac, seg->packet->dl_src, FB_MAC_BYTES);
			tcp_end(conn, TCP_END_REFUSED);
		}
		return;
	}
	if (!(seg->flags & FB_TCP_SYN))
		return;
	agree(conn, seg);
	if (!acks_our_syn) {
		/* Both open at once (RFC 9293, section 3.5, figure 7). */
		conn->state = TCP_SYN_RECEIVED;
		conn->retries = 0;
		tcp_send_syn(conn);
		return;
	}
	establish(conn, seg);
	tcp_send_ack(conn);
	if (conn->user)
		conn->user->connected(conn);
}

/* --- Acknowledgements --- */

static void take_window(struct tcp_conn *conn, const struct tcp_segment *seg)
{
	if (!tcp_after(seg->seq, conn->snd_wl1) &&
	    (seg->seq != conn->snd_wl1 || tcp_before(seg->ack, conn->snd_wl2)))
		return;
	conn->snd_wnd = seg->window << conn->send_scale;
	conn->snd_wl1 = seg->seq;
	conn->snd_wl2 = seg->ack;
	if (conn->snd_wnd > conn->snd_wnd_max)
		conn->snd_wnd_max = conn->snd_wnd;
}

/* Our FIN is acknowledged. Returns false when that ends the connection. */
static bool fin_is_acked(struct tcp_conn *conn)
{
	conn->fin_acked = true;
	if (conn->state == TCP_FIN_WAIT_1) {
		conn->state = TCP_FIN_WAIT_2;
		/* Only a service that is done with its client closes first: nobody waits for the
		 * rest. */
		if (conn->passive)
			conn->end_ns = conn->host->now_ns + FIN_WAIT_2_NS;
	} else if (conn->state == TCP_CLOSING) {
		tcp_enter_time_wait(conn);
		return false;
	} else if (conn->state == TCP_LAST_ACK) {
		tcp_end(conn, TCP_END_CLOSED);
		return false;
	}
	return true;
}

/* snd_una moves to 'ack'. Returns false when that ends the connection. */
static bool advance(struct tcp_conn *conn, uint32_t ack)
{
	uint32_t acked = ack - conn->snd_una;
	uint32_t flight = conn->snd_nxt - conn->snd_una;
	bool fin = conn->fin_sent && ack == conn->snd_nxt;

	conn->snd_una = ack;
	conn->una_offset += acked - fin;
	if (!conn->has_source)
		ring_consume(&conn->send, acked - fin);
	if (conn->rtt_timing && !tcp_before(ack, conn->rtt_seq)) {
		tcp_recovery_measured(conn, conn->host->now_ns - conn->rtt_sent_ns);
		conn->rtt_timing = false;
	}
	tcp_recovery_acked(conn, acked, flight);
	conn->rexmit_ns =
	        ack == conn->snd_nxt ? FB_NEVER : conn->host->now_ns + tcp_recovery_rto(conn);
	host_arp_confirm(conn->host, host_ip_next_hop(conn->host, conn->peer_ip));
	return !fin || fin_is_acked(conn);
}

/* Handle the acknowledgement of 'seg'. Returns false when nothing else of the segment counts. */
static bool input_ack(struct tcp_conn *conn, const struct tcp_segment *seg)
{
	uint32_t window = conn->snd_wnd;
	bool news;

	if (tcp_after(seg->ack, conn->snd_nxt)) {
		tcp_send_challenge(conn);
		return false;
	}
	if (tcp_before(seg->ack, conn->snd_una)) {
		if (tcp_after(conn->snd_una - conn->snd_wnd_max, seg->ack)) {
			tcp_send_challenge(conn);
			return false;
		}
		return true;
	}
	take_window(conn, seg);
	conn->unanswered = 0;
	news = seg->block_count && tcp_recovery_sack(conn, seg);
	if (seg->ack != conn->snd_una)
		return advance(conn, seg->ack);
	if (conn->snd_una == conn->snd_nxt)
		return true;
	if (news || (!seg->len && seg->end == seg->seq && conn->snd_wnd == window))
		tcp_recovery_dupack(conn);
	return true;
}

/* --- Data --- */

/* When data in order came: acknowledge every second full segment at once and what is less after 40
 * ms, but the first segments of a connection, or after a pause, at once, too, so that the sender's
 * window opens quickly. */
static void schedule_ack(struct tcp_conn *conn)
{
	uint64_t now = conn->host->now_ns;

	if (now - conn->last_data_ns > conn->rto_ns && !conn->interactive)
		conn->quick_acks = TCP_QUICK_ACKS;
	conn->last_data_ns = now;
	if (conn->quick_acks && !conn->interactive) {
		conn->quick_acks--;
		conn->ack_now = true;
	} else if (conn->rcv_nxt - conn->rcv_acked > conn->rcv_mss) {
		conn->ack_now = true;
	} else if (conn->delayed_ack_ns == FB_NEVER) {
		conn->delayed_ack_ns = now + DELAYED_ACK_NS;
	}
}

static void input_in_order(struct tcp_conn *conn, const struct tcp_segment *seg)
{
	conn->rcv_nxt += seg->len;
	if (seg->len > conn->rcv_mss)
		conn->rcv_mss = seg->len;
	schedule_ack(conn);
	if (conn->early && !conn->ack_now && tcp_early_any(conn))
		conn->ack_now = true;
	tcp_deliver(conn, seg->data, seg->len);
	if (conn->early && conn->state != TCP_CLOSED)
		tcp_early_deliver(conn);
}

/* Data, cut to what is new and inside the window. */
static void input_data(struct tcp_conn *conn, struct tcp_segment *seg)
{
	uint32_t data_end = seg->seq + seg->len;

	if (tcp_before(seg->seq, conn->rcv_nxt)) {
		uint32_t old = conn->rcv_nxt - seg->seq;

		/* All known: our acknowledgement was lost, or the segment came twice. */
		if (old >= seg->len) {
			conn->ack_now = true;
			return;
		}
		seg->seq += old;
		seg->data += old;
		seg->len -= old;
	}
	if (tcp_after(data_end, conn->rcv_edge)) {
		uint32_t beyond = data_end - conn->rcv_edge;

		conn->ack_now = true;
		seg->flags &= (uint8_t)~FB_TCP_FIN;
		if (beyond >= seg->len)
			return;
		seg->len -= beyond;
	}
	if (seg->seq == conn->rcv_nxt) {
		input_in_order(conn, seg);
	} else {
		tcp_early_add(conn, seg);
		/* A duplicate acknowledgement, by itself: data of ours would hide it. */
		tcp_send_ack(conn);
	}
}

/* The peer's FIN is reached. */
static void input_fin(struct tcp_conn *conn)
{
	conn->rcv_nxt++;
	conn->fin_received = true;
	conn->ack_now = true;
	switch ((enum tcp_state)conn->state) {
	case TCP_ESTABLISHED:
		conn->state = TCP_CLOSE_WAIT;
		break;
	case TCP_FIN_WAIT_1:
		conn->state = TCP_CLOSING;
		break;
	case TCP_FIN_WAIT_2:
		tcp_tell_fin(conn);
		if (conn->state == TCP_CLOSED)
			return;
		tcp_send_ack(conn);
		tcp_enter_time_wait(conn);
		return;
	case TCP_SYN_SENT:
	case TCP_SYN_RECEIVED:
	case TCP_CLOSING:
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
	case TCP_TIME_WAIT:
	case TCP_CLOSED:
		break;
	}
	tcp_tell_fin(conn);
}

static bool may_receive(const struct tcp_conn *conn)
{
	return conn->state == TCP_ESTABLISHED || conn->state == TCP_FIN_WAIT_1 ||
	       conn->state == TCP_FIN_WAIT_2;
}

static void input_text(struct tcp_conn *conn, struct tcp_segment *seg)
{
	if ((seg->len || (seg->flags & FB_TCP_FIN)) && !may_receive(conn)) {
		/* Behind the peer's FIN there is nothing: it is our acknowledgement that
		 * was lost. */
		conn->ack_now = true;
		return;
	}
	if (seg->len)
		input_data(conn, seg);
	if (seg->flags & FB_TCP_FIN && !conn->fin_early) {
		conn->fin_early = true;
		conn->fin_seq = seg->end - 1;
		if (conn->fin_seq != conn->rcv_nxt)
			conn->ack_now = true;
	}
	if (conn->fin_early && !conn->fin_received && conn->fin_seq == conn->rcv_nxt &&
	    may_receive(conn))
		input_fin(conn);
}

/* --- A connection that knows its peer --- */

/* The checks that come first (RFC 9293, section 3.10.7.4; RFC 5961). Returns false when the segment
 * is done with. */
static bool check(struct tcp_conn *conn, struct tcp_segment *seg)
{
	if (tcp_before(seg->end, conn->rcv_nxt) || tcp_after(seg->seq, conn->rcv_edge)) {
		if (seg->flags & FB_TCP_SYN)
			tcp_send_challenge(conn);
		else if (!(seg->flags & FB_TCP_RST))
			ack_out_of_place(conn, seg);
		return false;
	}
	if (seg->flags & FB_TCP_RST) {
		if (seg->seq != conn->rcv_nxt) {
			tcp_send_challenge(conn);
			return false;
		}
		conn->host->counters.tcp_resets_in++;
		tcp_end(conn, conn->state == TCP_SYN_RECEIVED ? TCP_END_REFUSED : TCP_END_RESET);
		return false;
	}
	if (seg->flags & FB_TCP_SYN) {
		/* Both opened at once and this is the answer to our SYN. */
		if (conn->state == TCP_SYN_RECEIVED && (seg->flags & FB_TCP_ACK) &&
		    seg->end == conn->rcv_nxt && seg->ack == conn->snd_nxt)
			return true;
		tcp_send_challenge(conn);
		return false;
	}
	return (seg->flags & FB_TCP_ACK) != 0;
}

/* The SYN that we answered comes again. */
static void input_syn_again(struct tcp_conn *conn)
{
	uint64_t now = conn->host->now_ns + 1;

	if (conn->last_oow_ack_ns && now - conn->last_oow_ack_ns < OUT_OF_WINDOW_INTERVAL_NS)
		return;
	conn->last_oow_ack_ns = now;
	tcp_send_syn(conn);
	conn->rtt_timing = false;
}

static void input_synchronized(struct tcp_conn *conn, struct tcp_segment *seg)
{
	bool opening = conn->state == TCP_SYN_RECEIVED;

	if (opening && is_opening(seg) && seg->seq == conn->irs) {
		input_syn_again(conn);
		return;
	}
	if (!check(conn, seg))
		return;
	memcpy(conn->peer_mac, seg->packet->dl_src, FB_MAC_BYTES);
	conn->heard_ns = conn->host->now_ns;
	if (opening) {
		if (seg->ack != conn->snd_nxt) {
			reset_sender(conn->host, seg);
			return;
		}
		establish(conn, seg);
		if (!conn->passive && conn->user)
			conn->user->connected(conn);
	} else if (!input_ack(conn, seg)) {
		return;
	}
	if (seg->len || (seg->flags & FB_TCP_FIN))
		input_text(conn, seg);
	if (conn->state == TCP_CLOSED || conn->state == TCP_TIME_WAIT)
		return;
	tcp_output(conn);
	if (conn->wants_writable && conn->user && ring_space(&conn->send)) {
		conn->wants_writable = false;
		conn->user->writable(conn);
	}
}

void tcp_input(struct host *host, const struct fb_packet *packet, struct frame *frame)
{
	struct tcp_conn *conn = tcp_find(host, packet->nw_src, packet->tp_src, packet->tp_dst);
	struct tcp_segment seg;

	read_segment(&seg, packet, frame);
	if (!conn) {
		input_unknown(host, &seg);
		return;
	}
	if (conn->state == TCP_TIME_WAIT)
		input_time_wait(conn, &seg);
	else if (conn->state == TCP_SYN_SENT)
		input_syn_sent(conn, &seg);
	else
		input_synchronized(conn, &seg);
	tcp_settle(conn);
}
