/* TCP: round-trip times and the retransmission timeout (RFC 6298), the congestion window (RFC
 * 5681), and what was lost: by SACK (RFC 6675), or by duplicate acknowledgements alone towards a
 * peer without it (RFC 6582).
 *
 * The back-off of the timeout ends with the next acknowledgement of new data, as in Linux, and not
 * only with the next measurement. A fast recovery sends each lost segment again once; what is lost
 * twice is found by the timer. After a timeout all that the peer has not reported counts
 * as lost. */
#include "sim/tcp.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"

enum {
	DUPACKS_TO_RECOVER = 3,
	RANGES_MAX = 1024, /* of a scoreboard; more are not remembered */
	RANGES_FIRST = 16,
	CWND_MAX = 1 << 30,
	BACKOFF_SHIFT_MAX = 16,
};

#define RTO_INITIAL_NS       FB_NS_PER_S
#define RTO_MIN_NS           (200 * FB_NS_PER_MS)
#define RTO_MAX_NS           (120 * FB_NS_PER_S)
#define CLOCK_GRANULARITY_NS FB_NS_PER_MS

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

void tcp_recovery_init(struct tcp_conn *conn)
{
	conn->rto_ns = RTO_INITIAL_NS;
	conn->ssthresh = UINT32_MAX;
	conn->cwnd = TCP_INITIAL_SEGMENTS * (uint32_t)conn->mss;
}

void tcp_recovery_destroy(struct tcp_conn *conn)
{
	free(conn->sacked.ranges);
	conn->sacked = (struct tcp_scoreboard){.ranges = NULL};
}

/* --- Time --- */

uint64_t tcp_recovery_rto(const struct tcp_conn *conn)
{
	unsigned shift = conn->retries < BACKOFF_SHIFT_MAX ? conn->retries : BACKOFF_SHIFT_MAX;

	return fb_time_min(conn->rto_ns << shift, RTO_MAX_NS);
}

void tcp_recovery_measured(struct tcp_conn *conn, uint64_t rtt_ns)
{
	uint64_t spread_ns;

	if (!rtt_ns)
		rtt_ns = 1;
	if (!conn->srtt_ns) {
		conn->srtt_ns = rtt_ns;
		conn->rttvar_ns = rtt_ns / 2;
	} else {
		uint64_t off_ns =
		        conn->srtt_ns > rtt_ns ? conn->srtt_ns - rtt_ns : rtt_ns - conn->srtt_ns;

		conn->rttvar_ns = (3 * conn->rttvar_ns + off_ns) / 4;
		conn->srtt_ns = (7 * conn->srtt_ns + rtt_ns) / 8;
	}
	spread_ns = 4 * conn->rttvar_ns;
	conn->rto_ns = conn->srtt_ns +
	               (spread_ns > CLOCK_GRANULARITY_NS ? spread_ns : CLOCK_GRANULARITY_NS);
	if (conn->rto_ns < RTO_MIN_NS)
		conn->rto_ns = RTO_MIN_NS;
	conn->rto_ns = fb_time_min(conn->rto_ns, RTO_MAX_NS);
}

/* --- The scoreboard --- */

/* The first range that ends behind 'seq'. */
static uint32_t range_find(const struct tcp_scoreboard *board, uint32_t seq)
{
	uint32_t low = 0, high = board->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (tcp_after(board->ranges[middle].end, seq))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void range_insert(struct tcp_scoreboard *board, uint32_t at, struct tcp_range range)
{
	if (board->count == board->size) {
		board->size = board->size ? 2 * board->size : RANGES_FIRST;
		board->ranges = xrealloc(board->ranges, board->size * sizeof *board->ranges);
	}
	memmove(board->ranges + at + 1, board->ranges + at,
	        (board->count - at) * sizeof *board->ranges);
	board->ranges[at] = range;
	board->count++;
}

static void ranges_remove(struct tcp_scoreboard *board, uint32_t at, uint32_t count)
{
	if (!count)
		return;
	board->count -= count;
	memmove(board->ranges + at, board->ranges + at + count,
	        (board->count - at) * sizeof *board->ranges);
}

/* Enter 'range' and join what it touches; true when some of it is news. */
static bool range_add(struct tcp_scoreboard *board, struct tcp_range range)
{
	uint32_t at = range_find(board, range.start - 1);
	uint32_t last = at;

	if (at < board->count && !tcp_after(board->ranges[at].start, range.start) &&
	    !tcp_before(board->ranges[at].end, range.end))
		return false;
	while (last < board->count && !tcp_after(board->ranges[last].start, range.end))
		last++;
	if (last == at) {
		if (board->count == RANGES_MAX)
			return false;
		range_insert(board, at, range);
		return true;
	}
	if (tcp_before(board->ranges[at].start, range.start))
		range.start = board->ranges[at].start;
	if (tcp_after(board->ranges[last - 1].end, range.end))
		range.end = board->ranges[last - 1].end;
	board->ranges[at] = range;
	ranges_remove(board, at + 1, last - at - 1);
	return true;
}

/* Forget what is acknowledged. */
static void ranges_trim(struct tcp_conn *conn)
{
	struct tcp_scoreboard *board = &conn->sacked;

	if (!board->count)
		return;
	ranges_remove(board, 0, range_find(board, conn->snd_una));
	if (board->count && tcp_before(board->ranges[0].start, conn->snd_una))
		board->ranges[0].start = conn->snd_una;
}

bool tcp_recovery_sack(struct tcp_conn *conn, const struct tcp_segment *seg)
{
	bool news = false;

	for (unsigned i = 0; i < seg->block_count && conn->sack_ok; i++) {
		struct tcp_range range = seg->blocks[i];

		/* A block that is acknowledged already reports a duplicate (RFC 2883); others are
		 * wrong. */
		if (!tcp_after(range.start, conn->snd_una) || tcp_after(range.end, conn->snd_nxt) ||
		    !tcp_before(range.start, range.end))
			continue;
		news |= range_add(&conn->sacked, range);
	}
	return news;
}

/* --- What is lost, and what is on the way --- */

/* What is not reported and below this counts as lost by RFC 6675's IsLost(): three ranges, or more
 * than two full segments, were reported above. */
static uint32_t reported_edge(const struct tcp_conn *conn)
{
	const struct tcp_scoreboard *board = &conn->sacked;
	uint64_t above = 0;

	for (uint32_t i = board->count; i-- > 0;) {
		above += board->ranges[i].end - board->ranges[i].start;
		if (above > (DUPACKS_TO_RECOVER - 1) * (uint64_t)conn->mss ||
		    board->count - i >= DUPACKS_TO_RECOVER)
			return board->ranges[i].start;
	}
	return conn->snd_una;
}

/* What is not reported and below this counts as lost now. */
static uint32_t lost_edge(const struct tcp_conn *conn)
{
	uint32_t head = conn->snd_una + min_u32(conn->mss, conn->snd_nxt - conn->snd_una);
	uint32_t reported;

	switch ((enum tcp_recovery_state)conn->recovery) {
	case TCP_RECOVERY_NONE:
		return conn->snd_una;
	case TCP_RECOVERY_TIMEOUT:
		return conn->recovery_seq;
	case TCP_RECOVERY_FAST:
		break;
	}
	reported = reported_edge(conn);
	return tcp_before(reported, head) ? head : reported;
}

/* Bytes on the way of [start, end), none of which is reported: those not lost, and those lost and
 * sent again. */
static uint32_t hole_pipe(const struct tcp_conn *conn, uint32_t start, uint32_t end, uint32_t edge)
{
	uint32_t lost_end = tcp_before(end, edge) ? end : edge;
	uint32_t again_end = tcp_before(lost_end, conn->rexmit_seq) ? lost_end : conn->rexmit_seq;
	uint32_t bytes = 0;

	if (tcp_before(start, again_end))
		bytes += again_end - start;
	if (tcp_before(lost_end, start))
		lost_end = start;
	return bytes + (end - lost_end);
}

uint32_t tcp_recovery_pipe(const struct tcp_conn *conn)
{
	const struct tcp_scoreboard *board = &conn->sacked;
	uint32_t at = conn->snd_una;
	uint32_t edge, pipe = 0, arrived;

	if (conn->recovery == TCP_RECOVERY_NONE && !board->count && !conn->dupacks)
		return conn->snd_nxt - conn->snd_una;
	edge = lost_edge(conn);
	for (uint32_t i = 0; i < board->count; i++) {
		pipe += hole_pipe(conn, at, board->ranges[i].start, edge);
		at = board->ranges[i].end;
	}
	pipe += hole_pipe(conn, at, conn->snd_nxt, edge);
	if (conn->sack_ok || conn->recovery == TCP_RECOVERY_TIMEOUT)
		return pipe;
	/* Without SACK each duplicate tells that one segment arrived. Before recovery, two of them
	 * let new segments go out (RFC 3042). */
	arrived = conn->recovery == TCP_RECOVERY_NONE ? min_u32(conn->dupacks, 2) : conn->dupacks;
	return pipe - min_u32(pipe, min_u32(arrived, CWND_MAX / conn->mss) * conn->mss);
}

bool tcp_recovery_next(const struct tcp_conn *conn, uint32_t *seq, uint32_t *len)
{
	const struct tcp_scoreboard *board = &conn->sacked;
	uint32_t at, end = conn->snd_nxt;
	uint32_t range;

	if (conn->recovery == TCP_RECOVERY_NONE)
		return false;
	at = tcp_after(conn->rexmit_seq, conn->snd_una) ? conn->rexmit_seq : conn->snd_una;
	range = range_find(board, at);
	if (range < board->count && !tcp_after(board->ranges[range].start, at))
		at = board->ranges[range++].end;
	if (range < board->count)
		end = board->ranges[range].start;
	if (!tcp_before(at, lost_edge(conn)))
		return false;
	*seq = at;
	*len = min_u32(conn->mss, end - at);
	return *len > 0;
}

/* --- Events --- */

/* Grow the congestion window, but only where it was what held the sender back. */
static void grow(struct tcp_conn *conn, uint32_t acked, uint32_t flight)
{
	if (!conn->cwnd_limited && (conn->cwnd >= conn->ssthresh || flight < conn->cwnd / 2))
		return;
	if (conn->cwnd < conn->ssthresh) {
		uint32_t step = min_u32(acked, conn->ssthresh - conn->cwnd);

		conn->cwnd = min_u32(conn->cwnd + step, CWND_MAX);
		acked -= step;
	}
	conn->cwnd_acked += acked;
	if (conn->cwnd_acked >= conn->cwnd) {
		conn->cwnd_acked -= conn->cwnd;
		conn->cwnd = min_u32(conn->cwnd + conn->mss, CWND_MAX);
	}
}

void tcp_recovery_acked(struct tcp_conn *conn, uint32_t acked, uint32_t flight)
{
	bool over = !tcp_before(conn->snd_una, conn->recovery_seq);
	uint32_t segments = acked / conn->mss;

	ranges_trim(conn);
	if (tcp_before(conn->rexmit_seq, conn->snd_una))
		conn->rexmit_seq = conn->snd_una;
	conn->retries = 0;
	conn->first_unacked_ns = conn->host->now_ns;
	switch ((enum tcp_recovery_state)conn->recovery) {
	case TCP_RECOVERY_NONE:
		conn->dupacks = 0;
		grow(conn, acked, flight);
		return;
	case TCP_RECOVERY_TIMEOUT:
		/* What the peer had reported before is acknowledged in one leap: that is no reason
		 * to burst. */
		conn->dupacks = 0;
		grow(conn, min_u32(acked, 2 * (uint32_t)conn->mss), flight);
		break;
	case TCP_RECOVERY_FAST:
		conn->dupacks -= min_u32(conn->dupacks, segments ? segments - 1 : 0);
		/* A partial acknowledgement ends at the next loss (RFC 6582, section 3.2). */
		conn->rexmit_first = !conn->sack_ok;
		break;
	}
	if (over) {
		conn->recovery = TCP_RECOVERY_NONE;
		conn->dupacks = 0;
		conn->cwnd_acked = 0;
		conn->rexmit_first = false;
	}
}

void tcp_recovery_dupack(struct tcp_conn *conn)
{
	uint32_t flight = conn->snd_nxt - conn->snd_una;

	conn->dupacks++;
	if (conn->recovery != TCP_RECOVERY_NONE)
		return;
	if (conn->dupacks < DUPACKS_TO_RECOVER && reported_edge(conn) == conn->snd_una)
		return;
	conn->recovery = TCP_RECOVERY_FAST;
	conn->recovery_seq = conn->snd_nxt;
	conn->rexmit_seq = conn->snd_una;
	conn->rexmit_first = true;
	conn->ssthresh = max_u32(flight / 2, 2 * (uint32_t)conn->mss);
	conn->cwnd = conn->ssthresh;
	conn->cwnd_acked = 0;
}

void tcp_recovery_timeout(struct tcp_conn *conn)
{
	uint32_t flight = conn->snd_nxt - conn->snd_una;

	if (conn->recovery != TCP_RECOVERY_TIMEOUT)
		conn->ssthresh = max_u32(flight / 2, 2 * (uint32_t)conn->mss);
	conn->cwnd = conn->mss;
	conn->cwnd_acked = 0;
	conn->dupacks = 0;
	conn->recovery = TCP_RECOVERY_TIMEOUT;
	conn->recovery_seq = conn->snd_nxt;
	conn->rexmit_seq = conn->snd_una;
	conn->rexmit_first = true;
	conn->rtt_timing = false;
	/* The peer has what comes next and does not acknowledge it: it dropped what it had reported
	 * (RFC 2018, section 8). */
	if (conn->sacked.count && conn->sacked.ranges[0].start == conn->snd_una)
		conn->sacked.count = 0;
}
