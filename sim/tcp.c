/* TCP connections: the table, ports, opening and closing, and the door for what stands on top. See
 * tcp.h. */
#include "sim/tcp.h"

#include <stdlib.h>

#include "lib/base/hash.h"
#include "lib/base/xalloc.h"

enum {
	LISTENERS_MAX = 65536,
	ISN_TICK_SHIFT = 6,   /* initial sequence numbers move on every 64 ns */
	ISN_OPENED_SHIFT = 6, /* and by this with every connection */
	PMTU_MSS_MIN = 512,
};

/* What the table holds. */
struct entry {
	uint32_t ip;
	uint16_t port, local_port;
	struct tcp_conn *conn;
};

struct key {
	uint32_t ip;
	uint16_t port, local_port;
};

static void time_wait_fire(struct host *host, struct host_timer *timer);

void tcp_init(struct host *host)
{
	struct host_tcp_state *tcp = &host->tcp;
	uint64_t span = (uint64_t)host->config.port_max - host->config.port_min + 1;
	struct rng rng;

	tcp->table = fb_table_new(sizeof(struct key), sizeof(struct entry), host->config.conns_max);
	tcp->listeners = fb_table_new(sizeof(uint16_t), sizeof(struct listener), LISTENERS_MAX);
	if (!tcp->table || !tcp->listeners)
		abort();
	TAILQ_INIT(&tcp->conns);
	TAILQ_INIT(&tcp->time_wait);
	TAILQ_INIT(&tcp->dead);
	tcp->time_wait_timer.fire = time_wait_fire;
	host_rng_init(host, &rng, "tcp");
	tcp->isn_secret = rng_next(&rng);
	tcp->next_port = (uint16_t)(host->config.port_min + rng_below(&rng, span));
}

void tcp_destroy(struct host *host)
{
	fb_table_free(host->tcp.table);
	fb_table_free(host->tcp.listeners);
}

/* --- Listeners and ports --- */

enum host_service tcp_listener(const struct host *host, uint16_t port)
{
	const struct listener *listener = fb_table_find(host->tcp.listeners, &port);

	return listener ? listener->service : HOST_SERVICE_NONE;
}

struct tcp_conn *tcp_find(const struct host *host, uint32_t ip, uint16_t port, uint16_t local_port)
{
	struct key key = {.ip = ip, .port = port, .local_port = local_port};
	const struct entry *entry = fb_table_find(host->tcp.table, &key);

	return entry ? entry->conn : NULL;
}

/* The next ephemeral port that is free towards 'ip':'port'; 0 where there is none. They are taken
 * in turn, so that none comes back soon. */
static uint16_t port_choose(struct host *host, uint32_t ip, uint16_t port)
{
	const struct host_config *config = &host->config;

	for (unsigned tries = config->port_max - config->port_min + 1u; tries; tries--) {
		uint16_t local = host->tcp.next_port;

		host->tcp.next_port =
		        local == config->port_max ? config->port_min : (uint16_t)(local + 1);
		if (!tcp_find(host, ip, port, local) &&
		    tcp_listener(host, local) == HOST_SERVICE_NONE)
			return local;
	}
	return 0;
}

/* A number that is new for every connection and higher for a later one between the same ends (RFC
 * 6528): a secret hash of the ends, a clock, and the count of connections. */
uint32_t tcp_initial_sequence(struct host *host, uint32_t ip, uint16_t port, uint16_t local_port)
{
	uint64_t ends = (uint64_t)ip << 32 | (uint32_t)port << 16 | local_port;
	uint32_t base = (uint32_t)hash_u128(ends, host->tcp.isn_secret);

	return base + (uint32_t)(host->now_ns >> ISN_TICK_SHIFT) +
	       (host->tcp.opened++ << ISN_OPENED_SHIFT);
}

/* --- Life --- */

static bool is_full(const struct host *host)
{
	return fb_table_count(host->tcp.table) + host->tcp.away >= host->config.conns_max;
}

struct tcp_conn *tcp_new(struct host *host, uint32_t ip, uint16_t port, uint16_t local_port)
{
	struct host_tcp_state *tcp = &host->tcp;
	struct key key = {.ip = ip, .port = port, .local_port = local_port};
	struct tcp_conn *conn;
	struct entry *entry;

	/* Like Linux, which keeps no more in TIME_WAIT than there is room for. */
	if (is_full(host) && !TAILQ_EMPTY(&tcp->time_wait))
		tcp_end(TAILQ_FIRST(&tcp->time_wait), TCP_END_CLOSED);
	entry = is_full(host) ? NULL : fb_table_add(tcp->table, &key);
	if (!entry) {
		host->counters.conns_full++;
		return NULL;
	}
	conn = xcalloc(1, sizeof *conn);
	entry->conn = conn;
	conn->host = host;
	conn->timer.fire = tcp_timer_fire;
	conn->local_ip = host->config.ip;
	conn->peer_ip = ip;
	conn->peer_port = port;
	conn->local_port = local_port;
	conn->mss = TCP_MSS_DEFAULT;
	conn->rcv_mss = TCP_MSS_DEFAULT;
	conn->quick_acks = TCP_QUICK_ACKS;
	while (host->config.window_bytes >> conn->receive_scale > UINT16_MAX)
		conn->receive_scale++;
	conn->rexmit_ns = conn->delayed_ack_ns = conn->end_ns = FB_NEVER;
	conn->began_ns = host->now_ns;
	ring_init(&conn->send, TCP_SEND_BYTES_MAX);
	ring_init(&conn->receive, host->config.window_bytes);
	tcp_recovery_init(conn);
	TAILQ_INSERT_TAIL(&tcp->conns, conn, link);
	return conn;
}

static void buffers_free(struct tcp_conn *conn)
{
	ring_destroy(&conn->send);
	ring_destroy(&conn->receive);
	tcp_early_destroy(conn);
	tcp_recovery_destroy(conn);
}

static void tell_end(struct tcp_conn *conn, enum tcp_end end)
{
	const struct tcp_user *user = conn->user;

	conn->user = NULL;
	if (user)
		user->ended(conn, end);
}

static void set_pending(struct tcp_conn *conn, bool pending)
{
	conn->host->tcp.pending += pending;
	conn->host->tcp.pending -= conn->pending;
	conn->pending = pending;
}

/* Segments are looked up in the table: what is not there gets none. */
static void leave_table(struct tcp_conn *conn)
{
	struct fb_table *table = conn->host->tcp.table;
	struct key key = {
	        .ip = conn->peer_ip, .port = conn->peer_port, .local_port = conn->local_port};

	if (conn->away)
		conn->host->tcp.away--;
	else
		fb_table_remove(table, fb_table_find(table, &key));
}

void tcp_end(struct tcp_conn *conn, enum tcp_end end)
{
	struct host *host = conn->host;

	if (conn->state == TCP_CLOSED)
		return;
	host_timer_cancel(host, &conn->timer);
	set_pending(conn, false);
	leave_table(conn);
	if (conn->state == TCP_TIME_WAIT)
		TAILQ_REMOVE(&host->tcp.time_wait, conn, link);
	else
		TAILQ_REMOVE(&host->tcp.conns, conn, link);
	conn->state = TCP_CLOSED;
	TAILQ_INSERT_TAIL(&host->tcp.dead, conn, link);
	tell_end(conn, end);
}

void tcp_reap(struct host *host)
{
	struct tcp_conn *conn;

	while ((conn = TAILQ_FIRST(&host->tcp.dead))) {
		TAILQ_REMOVE(&host->tcp.dead, conn, link);
		buffers_free(conn);
		free(conn);
	}
}

void tcp_reset_all(struct host *host)
{
	struct tcp_conn *conn;

	while ((conn = TAILQ_FIRST(&host->tcp.conns)))
		tcp_end(conn, TCP_END_RESET);
	while ((conn = TAILQ_FIRST(&host->tcp.time_wait)))
		tcp_end(conn, TCP_END_CLOSED);
	host_timer_cancel(host, &host->tcp.time_wait_timer);
}

/* --- Another address --- */

static void go_away(struct tcp_conn *conn)
{
	if (conn->away)
		return;
	leave_table(conn);
	conn->away = true;
	conn->host->tcp.away++;
}

/* There is room, and no other with the same ends: all that were in the table have gone away. */
static void come_back(struct tcp_conn *conn)
{
	struct host *host = conn->host;
	struct key key = {
	        .ip = conn->peer_ip, .port = conn->peer_port, .local_port = conn->local_port};
	struct entry *entry;

	if (!conn->away || conn->local_ip != host->config.ip)
		return;
	entry = fb_table_add(host->tcp.table, &key);
	if (!entry)
		abort();
	entry->conn = conn;
	conn->away = false;
	host->tcp.away--;
}

void tcp_address_changed(struct host *host)
{
	struct tcp_conn *conn;

	TAILQ_FOREACH(conn, &host->tcp.conns, link)
	{
		go_away(conn);
	}
	TAILQ_FOREACH(conn, &host->tcp.time_wait, link)
	{
		go_away(conn);
	}
	TAILQ_FOREACH(conn, &host->tcp.conns, link)
	{
		come_back(conn);
	}
	TAILQ_FOREACH(conn, &host->tcp.time_wait, link)
	{
		come_back(conn);
	}
}

/* --- TIME_WAIT: all last equally long, so a queue and one timer do --- */

static void time_wait_fire(struct host *host, struct host_timer *timer)
{
	struct tcp_conn *conn;

	while ((conn = TAILQ_FIRST(&host->tcp.time_wait)) && conn->end_ns <= host->now_ns)
		tcp_end(conn, TCP_END_CLOSED);
	if (conn)
		host_timer_set(host, timer, conn->end_ns);
}

static void time_wait_append(struct tcp_conn *conn)
{
	struct host *host = conn->host;

	conn->end_ns = host->now_ns + host->config.time_wait_ns;
	TAILQ_INSERT_TAIL(&host->tcp.time_wait, conn, link);
	if (!heap_contains(&host->tcp.time_wait_timer.node))
		host_timer_set(host, &host->tcp.time_wait_timer, conn->end_ns);
}

void tcp_enter_time_wait(struct tcp_conn *conn)
{
	struct host *host = conn->host;

	conn->state = TCP_TIME_WAIT;
	while (host->config.window_bytes >> conn->receive_scale > UINT16_MAX)
		conn->receive_scale++;
	conn->rexmit_ns = conn->delayed_ack_ns = FB_NEVER;
	host_timer_cancel(host, &conn->timer);
	TAILQ_REMOVE(&host->tcp.conns, conn, link);
	time_wait_append(conn);
	tell_end(conn, TCP_END_CLOSED);
	buffers_free(conn);
}

void tcp_time_wait_again(struct tcp_conn *conn)
{
	TAILQ_REMOVE(&conn->host->tcp.time_wait, conn, link);
	time_wait_append(conn);
}

/* --- For what stands on top --- */

struct tcp_conn *tcp_open(struct host *host, uint32_t ip, uint16_t port, uint16_t local_port)
{
	uint32_t above = 0;
	struct tcp_conn *conn;

	if (!local_port)
		local_port = port_choose(host, ip, port);
	if (!local_port)
		return NULL;
	/* A port that was asked for is had back from TIME_WAIT, as Linux gives it with
	 * tcp_tw_reuse. */
	conn = tcp_find(host, ip, port, local_port);
	if (conn) {
		if (conn->state != TCP_TIME_WAIT)
			return NULL;
		above = conn->snd_nxt + TCP_ISN_REUSE_STEP;
		tcp_end(conn, TCP_END_CLOSED);
	}
	conn = tcp_new(host, ip, port, local_port);
	if (!conn)
		return NULL;
	conn->iss = tcp_initial_sequence(host, ip, port, local_port);
	if (above && tcp_before(conn->iss, above))
		conn->iss = above;
	conn->state = TCP_SYN_SENT;
	conn->snd_una = conn->iss;
	conn->snd_nxt = conn->iss;
	return conn;
}

void tcp_start(struct tcp_conn *conn)
{
	tcp_send_syn(conn);
	tcp_settle(conn);
}

static bool may_write(const struct tcp_conn *conn)
{
	return (conn->state == TCP_ESTABLISHED || conn->state == TCP_CLOSE_WAIT) &&
	       !conn->fin_queued;
}

size_t tcp_write(struct tcp_conn *conn, const uint8_t *bytes, size_t len)
{
	size_t taken;

	if (!may_write(conn) || conn->has_source)
		return 0;
	taken = ring_write(&conn->send, bytes, len);
	conn->wants_writable = taken < len;
	tcp_output(conn);
	tcp_settle(conn);
	return taken;
}

void tcp_send_source(struct tcp_conn *conn, const uint8_t *bytes, uint64_t len)
{
	if (!may_write(conn))
		return;
	conn->has_source = true;
	conn->source = bytes;
	conn->source_bytes = len;
	tcp_output(conn);
	tcp_settle(conn);
}

void tcp_close(struct tcp_conn *conn)
{
	if (!may_write(conn))
		return;
	conn->fin_queued = true;
	conn->state = conn->state == TCP_ESTABLISHED ? TCP_FIN_WAIT_1 : TCP_LAST_ACK;
	tcp_output(conn);
	tcp_settle(conn);
}

void tcp_abort(struct tcp_conn *conn)
{
	conn->user = NULL;
	if (conn->state != TCP_SYN_SENT && conn->state != TCP_TIME_WAIT &&
	    conn->state != TCP_CLOSED && !conn->away)
		tcp_send_reset(conn->host, conn->peer_ip, conn->local_port, conn->peer_port,
		               conn->snd_nxt, conn->rcv_nxt, FB_TCP_ACK);
	tcp_end(conn, TCP_END_RESET);
}

/* --- Receiving --- */

void tcp_deliver(struct tcp_conn *conn, const uint8_t *bytes, size_t len)
{
	size_t taken = 0;

	if (!conn->user)
		return;
	if (!conn->receive.len)
		taken = conn->user->received(conn, bytes, len);
	/* It fits: no more was offered than there is room for. */
	if (taken < len && ring_write(&conn->receive, bytes + taken, len - taken) != len - taken)
		abort();
}

void tcp_tell_fin(struct tcp_conn *conn)
{
	if (!conn->fin_received || conn->fin_told || conn->receive.len || !conn->user)
		return;
	conn->fin_told = true;
	conn->user->peer_closed(conn);
}

void tcp_resume(struct tcp_conn *conn)
{
	const uint8_t *bytes;
	size_t len;

	while (conn->user && (len = ring_front(&conn->receive, &bytes)) > 0) {
		size_t taken = conn->user->received(conn, bytes, len);

		if (conn->state == TCP_CLOSED || !taken)
			break;
		ring_consume(&conn->receive, taken);
	}
	tcp_tell_fin(conn);
	if (conn->state == TCP_CLOSED || conn->state == TCP_TIME_WAIT)
		return;
	tcp_window_update(conn);
	tcp_settle(conn);
}

void tcp_settle(struct tcp_conn *conn)
{
	if (conn->state == TCP_CLOSED)
		return;
	if (conn->ack_now)
		tcp_send_ack(conn);
	set_pending(conn, conn->state != TCP_TIME_WAIT &&
	                          (conn->snd_una != conn->snd_nxt ||
	                           (conn->state != TCP_SYN_SENT && tcp_unsent(conn))));
	if (conn->state != TCP_TIME_WAIT)
		tcp_timer_arm(conn);
}

/* --- What others tell --- */

void tcp_unreachable(struct host *host, uint32_t next_hop)
{
	struct tcp_conn *conn, *next;

	for (conn = TAILQ_FIRST(&host->tcp.conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, link);
		if (conn->state == TCP_SYN_SENT && !conn->away &&
		    host_ip_next_hop(host, conn->peer_ip) == next_hop)
			tcp_end(conn, TCP_END_UNREACHABLE);
	}
}

/* Errors are soft (RFC 5927): they only say why a connection that times out did so. A segment that
 * was too big goes out again in smaller ones. */
void tcp_icmp(struct host *host, uint32_t ip, uint16_t local_port, uint16_t port, uint32_t seq,
              unsigned mtu)
{
	enum { HEADERS_BYTES = FB_IPV4_HEADER_BYTES + FB_TCP_HEADER_BYTES };
	struct tcp_conn *conn = tcp_find(host, ip, port, local_port);
	unsigned mss = mtu > HEADERS_BYTES + PMTU_MSS_MIN ? mtu - HEADERS_BYTES : PMTU_MSS_MIN;

	if (!conn || tcp_before(seq, conn->snd_una) || !tcp_before(seq, conn->snd_nxt) ||
	    conn->state == TCP_TIME_WAIT)
		return;
	if (!mtu) {
		conn->soft_error = true;
		return;
	}
	if (mss >= conn->mss || conn->state == TCP_SYN_SENT || conn->state == TCP_SYN_RECEIVED)
		return;
	conn->mss = (uint16_t)mss;
	tcp_recovery_timeout(conn);
	tcp_output(conn);
	tcp_settle(conn);
}
