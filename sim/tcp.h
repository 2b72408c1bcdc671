/* TCP of a simulated host (RFC 9293), as Linux shows it on the wire.
 *
 * What? Connections with the window scale and selective acknowledgement options, retransmission by
 * RFC 6298 and 6675 (NewReno, RFC 6582, towards a peer without SACK), Reno's congestion control
 * with an initial window of ten segments, delayed acknowledgements, zero window probes and the
 * defences of RFC 5961. Not there: timestamps, urgent data, Nagle's algorithm (off, as programs
 * that care have it), fast open, keepalives.
 *
 * How? tcp.c keeps the connections and is the door for what stands on top; tcp_input.c handles
 * segments, tcp_output.c decides what to send and builds it, tcp_recovery.c measures, counts what
 * is on the way and finds what was lost, tcp_early.c holds what came out of order, tcp_timer.c has
 * the timers.
 *
 * What a connection sends is a stream of bytes with offsets from 0. It either is in a ring until
 * acknowledged, or is a source, from which any part can be had again (bytes of the user, or the
 * pattern): then nothing is copied but into the frame. What it receives goes straight from the
 * frame to the user; only what the user does not take is kept.
 *
 * A connection has one timer in the host's heap, set for the earliest of its deadlines. When these
 * move away, as they do with each acknowledgement, the timer stays and looks again when
 * it fires. */
#ifndef SIM_TCP_H
#define SIM_TCP_H

#include "lib/base/ring.h"
#include "sim/host_core.h"

enum {
	TCP_SEND_BYTES_MAX = 1 << 20, /* a connection's ring of what is to be acknowledged */
	TCP_SACK_BLOCKS_MAX = 4,      /* in a segment without timestamps (RFC 2018) */
	TCP_MSS_DEFAULT = 536,        /* of a peer that tells none (RFC 9293, section 3.7.1) */
	TCP_EARLY_MAX = 65536,        /* segments held out of order, of all connections of a host */
	TCP_EARLY_CONN_MAX = 8192,    /* of one connection */
	TCP_INITIAL_SEGMENTS = 10,    /* the first congestion window (RFC 6928) */
	TCP_QUICK_ACKS =
	        16, /* segments acknowledged without delay at the start and after a pause */
	TCP_ISN_REUSE_STEP =
	        65537, /* a connection's first number above those of one in TIME_WAIT, as Linux */
};

enum tcp_state {
	TCP_SYN_SENT,
	TCP_SYN_RECEIVED,
	TCP_ESTABLISHED,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_CLOSING,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_TIME_WAIT,
	TCP_CLOSED, /* over; freed in host_settle() */
};

enum tcp_recovery_state {
	TCP_RECOVERY_NONE,
	TCP_RECOVERY_FAST,    /* duplicate acknowledgements told of a loss */
	TCP_RECOVERY_TIMEOUT, /* the timer did: all that was under way counts as lost */
};

/* How a connection ended. */
enum tcp_end {
	TCP_END_CLOSED,  /* both sides closed in order */
	TCP_END_REFUSED, /* RST for our SYN */
	TCP_END_RESET,   /* RST, or ours for what must not be */
	TCP_END_TIMEOUT,
	TCP_END_UNREACHABLE,
};

/* What stands on top. The calls come from inside the handling of a segment or a timer and may use
 * all functions of this header. */
struct tcp_user {
	/* Our SYN was answered. */
	void (*connected)(struct tcp_conn *conn);
	/* Bytes came; returns how many were taken, the rest is kept until tcp_resume(). */
	size_t (*received)(struct tcp_conn *conn, const uint8_t *bytes, size_t len);
	/* The peer sends no more, and all it sent was taken. */
	void (*peer_closed)(struct tcp_conn *conn);
	/* There is room for tcp_write() again. */
	void (*writable)(struct tcp_conn *conn);
	/* The connection is over for the user, who forgets it. Once. */
	void (*ended)(struct tcp_conn *conn, enum tcp_end end);
};

/* Sequence numbers [start, end). */
struct tcp_range {
	uint32_t start, end;
};

struct tcp_early_queue; /* tcp_early.c */

/* What the peer has told by SACK, sorted, with gaps between the ranges. */
struct tcp_scoreboard {
	uint32_t count, size;
	struct tcp_range *ranges;
};

struct tcp_conn {
	struct host_timer timer;
	struct host *host;
	TAILQ_ENTRY(tcp_conn) link;  /* in one of the lists of struct host_tcp_state */
	const struct tcp_user *user; /* NULL: nobody; what comes is dropped */
	void *user_data;

	/* Who. */
	uint32_t local_ip; /* the host's, when it was opened */
	uint32_t peer_ip;
	uint16_t peer_port, local_port;
	uint8_t peer_mac[FB_MAC_BYTES]; /* source of the last acceptable segment */
	uint8_t state;                  /* enum tcp_state */
	uint8_t recovery;               /* enum tcp_recovery_state */
	uint8_t service;                /* of a server's side: enum host_service */
	uint8_t tos;
	bool passive;    /* opened by the peer */
	bool answered;   /* the service has sent */
	bool ecn;        /* the first SYN carries ECE and CWR */
	bool away;       /* the host does not have 'local_ip' now */
	bool soft_error; /* ICMP told that the peer is unreachable */

	/* Options agreed. */
	bool sack_ok, scale_ok;
	uint8_t send_scale, receive_scale; /* shifts; 0 without the option */
	uint16_t mss;                      /* of what we send */

	/* Sending: sequence numbers. */
	uint32_t iss;
	uint32_t snd_una;          /* the first not acknowledged */
	uint32_t snd_nxt;          /* the first never sent */
	uint32_t snd_wnd;          /* the peer's window in bytes, from snd_una */
	uint32_t snd_wnd_max;      /* the largest that it ever offered */
	uint32_t snd_wl1, snd_wl2; /* sequence and acknowledgement of its last update */
	bool fin_queued, fin_sent, fin_acked;

	/* Sending: the stream. */
	bool has_source;       /* bytes come from 'source', not from 'send' */
	bool wants_writable;   /* tcp_write() took less than all */
	bool cwnd_limited;     /* the congestion window kept something back */
	const uint8_t *source; /* NULL: the pattern */
	uint64_t source_bytes;
	uint64_t una_offset; /* of snd_una in the stream: bytes acknowledged */
	struct ring send;

	/* Retransmission and congestion. */
	uint64_t rexmit_ns; /* deadline of the oldest segment or the window probe; FB_NEVER */
	uint64_t srtt_ns, rttvar_ns; /* smoothed; srtt_ns 0: never measured */
	uint64_t rto_ns;             /* without back-off */
	uint64_t rtt_sent_ns;        /* when the segment that is being measured was sent */
	uint64_t first_unacked_ns;   /* when the peer last got on while something was under way */
	uint64_t last_sent_ns;       /* of new data */
	uint32_t rtt_seq;            /* measured when this is acknowledged */
	uint32_t cwnd, ssthresh;     /* bytes */
	uint32_t cwnd_acked;         /* bytes acknowledged since cwnd last grew */
	uint32_t recovery_seq;       /* recovery ends when this is acknowledged */
	uint32_t rexmit_seq;         /* the first that was not retransmitted in this recovery */
	uint32_t dupacks;
	uint8_t retries; /* of the same segment, or window probes: the timeout doubles with each */
	uint8_t unanswered; /* window probes without an answer */
	bool rtt_timing;
	bool probing;      /* the timer is that of the zero window probe */
	bool rexmit_first; /* the first loss of a fast recovery goes out whatever the window */
	struct tcp_scoreboard sacked;

	/* Receiving. */
	uint32_t irs;
	uint32_t rcv_nxt;
	uint32_t rcv_edge;  /* right edge of the window that was offered */
	uint32_t rcv_acked; /* rcv_nxt as last sent */
	uint32_t rcv_mss;   /* largest segment that came */
	uint32_t fin_seq;   /* of the peer's FIN that came early */
	bool fin_early;
	bool fin_received;
	bool fin_told; /* to the user */
	bool ack_now;
	bool interactive;         /* we send, too: no quick acknowledgements */
	uint8_t quick_acks;       /* this many more without delay */
	uint64_t delayed_ack_ns;  /* deadline; FB_NEVER: none is due */
	uint64_t last_data_ns;    /* when the last data came */
	uint64_t last_oow_ack_ns; /* when an answer to something out of place was last sent, and 1;
	                             0: never */
	struct ring receive;      /* what the user did not take */
	struct tcp_early_queue *early; /* NULL: nothing is out of order */

	uint64_t began_ns, heard_ns; /* heard_ns: when the last acceptable segment came */

	/* The end. */
	uint64_t end_ns; /* of TIME_WAIT, or of FIN_WAIT_2 without a user; FB_NEVER */
	bool pending;    /* counted in host->tcp.pending */
};

/* A segment that came. */
struct tcp_segment {
	uint32_t seq, ack;
	uint32_t end;    /* behind its last sequence number, SYN and FIN counted */
	uint32_t len;    /* bytes of data */
	uint32_t window; /* as in the header */
	uint8_t flags;
	bool has_mss, has_scale, sack_permitted;
	uint8_t scale;
	uint8_t block_count;
	uint16_t mss;
	const uint8_t *data;
	struct frame *frame; /* holds 'data' */
	const struct fb_packet *packet;
	struct tcp_range blocks[TCP_SACK_BLOCKS_MAX];
};

static inline bool tcp_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool tcp_after(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a) < 0;
}

/* --- tcp.c: for the host --- */

void tcp_init(struct host *host);
void tcp_destroy(struct host *host);
/* Power off: all connections are gone, nothing is sent. */
void tcp_reset_all(struct host *host);
/* The host has another address: connections of any other are away, those of this one come back. */
void tcp_address_changed(struct host *host);
/* Free the connections that are over. */
void tcp_reap(struct host *host);
/* Nobody answers for the neighbour 'next_hop': connections that are being opened through it end. */
void tcp_unreachable(struct host *host, uint32_t next_hop);
/* ICMP tells of our segment 'seq' from 'local_port' to 'ip':'port'; 'mtu' not 0: it was too big for
 * that. */
void tcp_icmp(struct host *host, uint32_t ip, uint16_t local_port, uint16_t port, uint32_t seq,
              unsigned mtu);

/* --- tcp.c: for what stands on top --- */

/* Open a connection; local_port 0: an ephemeral one. Who wants to hear of it sets user, user_data,
 * tos and ecn of what is returned and calls tcp_start(). NULL: no port, or no room. */
struct tcp_conn *tcp_open(struct host *host, uint32_t ip, uint16_t port, uint16_t local_port);
void tcp_start(struct tcp_conn *conn);
/* Send 'len' bytes; returns how many were taken. */
size_t tcp_write(struct tcp_conn *conn, const uint8_t *bytes, size_t len);
/* Send 'len' bytes at 'bytes', which stay until the connection ended; NULL: of the pattern. Instead
 * of tcp_write(), once. */
void tcp_send_source(struct tcp_conn *conn, const uint8_t *bytes, uint64_t len);
/* No more is written: FIN after what was. */
void tcp_close(struct tcp_conn *conn);
/* Take up what received() left. */
void tcp_resume(struct tcp_conn *conn);
/* Give up: RST where the peer knows of the connection. ended() is not called. */
void tcp_abort(struct tcp_conn *conn);

/* --- tcp.c: inside --- */

struct tcp_conn *tcp_find(const struct host *host, uint32_t ip, uint16_t port, uint16_t local_port);
/* A new connection in the table, all set but state and peer; NULL: no room. */
struct tcp_conn *tcp_new(struct host *host, uint32_t ip, uint16_t port, uint16_t local_port);
uint32_t tcp_initial_sequence(struct host *host, uint32_t ip, uint16_t port, uint16_t local_port);
/* A port that a service listens on; in the table 'listeners'. */
struct listener {
	uint16_t port;
	enum host_service service;
};

enum host_service tcp_listener(const struct host *host, uint16_t port);
/* The connection is over: off the table, and the user is told. */
void tcp_end(struct tcp_conn *conn, enum tcp_end end);
void tcp_enter_time_wait(struct tcp_conn *conn);
/* Start TIME_WAIT over. */
void tcp_time_wait_again(struct tcp_conn *conn);
/* Hand bytes to the user. */
void tcp_deliver(struct tcp_conn *conn, const uint8_t *bytes, size_t len);
/* The peer's FIN was reached, and perhaps all before it taken: tell the user. */
void tcp_tell_fin(struct tcp_conn *conn);
/* After each handling: acknowledge, arm the timer, count. */
void tcp_settle(struct tcp_conn *conn);

/* --- tcp_input.c --- */

void tcp_input(struct host *host, const struct fb_packet *packet, struct frame *frame);

/* --- tcp_output.c --- */

/* Bytes of the stream that were never sent. */
uint64_t tcp_unsent(const struct tcp_conn *conn);
/* Send what may be sent. */
void tcp_output(struct tcp_conn *conn);
void tcp_send_ack(struct tcp_conn *conn);
/* An acknowledgement for something that must not be (RFC 5961), at most every 500 ms. */
void tcp_send_challenge(struct tcp_conn *conn);
void tcp_send_syn(struct tcp_conn *conn);
/* Ask for the window: a segment that must be answered. */
void tcp_send_probe(struct tcp_conn *conn);
/* The window has room for the user's taking again. */
void tcp_window_update(struct tcp_conn *conn);
/* RST with 'seq', and 'ack' where 'flags' has ACK. */
void tcp_send_reset(struct host *host, uint32_t ip, uint16_t local_port, uint16_t port,
                    uint32_t seq, uint32_t ack, uint8_t flags);

/* --- tcp_recovery.c --- */

void tcp_recovery_init(struct tcp_conn *conn);
void tcp_recovery_destroy(struct tcp_conn *conn);
/* The retransmission timeout now, backed off. */
uint64_t tcp_recovery_rto(const struct tcp_conn *conn);
void tcp_recovery_measured(struct tcp_conn *conn, uint64_t rtt_ns);
/* Take the SACK blocks of 'seg'; true when one was news. */
bool tcp_recovery_sack(struct tcp_conn *conn, const struct tcp_segment *seg);
/* snd_una moved by 'acked'; 'flight' was under way before. */
void tcp_recovery_acked(struct tcp_conn *conn, uint32_t acked, uint32_t flight);
void tcp_recovery_dupack(struct tcp_conn *conn);
void tcp_recovery_timeout(struct tcp_conn *conn);
/* Bytes that are thought to be on the way. */
uint32_t tcp_recovery_pipe(const struct tcp_conn *conn);
/* The next segment to retransmit: false where there is none. */
bool tcp_recovery_next(const struct tcp_conn *conn, uint32_t *seq, uint32_t *len);

/* --- tcp_early.c --- */

/* Keep the data of 'seg', which begins behind rcv_nxt. */
void tcp_early_add(struct tcp_conn *conn, const struct tcp_segment *seg);
/* Something is held. */
bool tcp_early_any(const struct tcp_conn *conn);
/* Deliver what has become due. */
void tcp_early_deliver(struct tcp_conn *conn);
void tcp_early_destroy(struct tcp_conn *conn);
/* The blocks to report, the newest first; returns how many. */
unsigned tcp_early_blocks(const struct tcp_conn *conn,
                          struct tcp_range blocks[TCP_SACK_BLOCKS_MAX]);

/* --- tcp_timer.c --- */

void tcp_timer_fire(struct host *host, struct host_timer *timer);
/* Set the timer for the earliest deadline, when it is set for none or for a later one. */
void tcp_timer_arm(struct tcp_conn *conn);

#endif
