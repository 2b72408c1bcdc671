/* TCP: the timers of a connection: retransmission, the zero window probe, delayed acknowledgement,
 * and the end of FIN_WAIT_2. See tcp.h for why there is one timer. */
#include "sim/tcp.h"

enum { BACKOFF_MAX = UINT8_MAX };

void tcp_timer_arm(struct tcp_conn *conn)
{
	uint64_t deadline =
	        fb_time_min(fb_time_min(conn->rexmit_ns, conn->delayed_ack_ns), conn->end_ns);

	if (deadline == FB_NEVER ||
	    (heap_contains(&conn->timer.node) && conn->timer.node.key <= deadline))
		return;
	host_timer_set(conn->host, &conn->timer, deadline);
}

static void back_off(struct tcp_conn *conn)
{
	if (conn->retries < BACKOFF_MAX)
		conn->retries++;
}

static void expire(struct tcp_conn *conn)
{
	tcp_end(conn, conn->soft_error ? TCP_END_UNREACHABLE : TCP_END_TIMEOUT);
}

static void retransmit_syn(struct tcp_conn *conn, unsigned retries_max)
{
	if (conn->retries >= retries_max) {
		expire(conn);
		return;
	}
	back_off(conn);
	conn->host->counters.tcp_retransmissions++;
	tcp_send_syn(conn);
}

static void probe(struct tcp_conn *conn)
{
	if (conn->unanswered >= conn->host->config.data_retries) {
		expire(conn);
		return;
	}
	conn->unanswered++;
	back_off(conn);
	conn->rexmit_ns = conn->host->now_ns + tcp_recovery_rto(conn);
	tcp_send_probe(conn);
}

static void retransmit(struct tcp_conn *conn)
{
	const struct host_config *config = &conn->host->config;

	if (conn->retries >= config->data_retries ||
	    (config->tcp_user_timeout_ns &&
	     conn->host->now_ns - conn->first_unacked_ns >= config->tcp_user_timeout_ns)) {
		expire(conn);
		return;
	}
	tcp_recovery_timeout(conn);
	back_off(conn);
	conn->rexmit_ns = conn->host->now_ns + tcp_recovery_rto(conn);
	tcp_output(conn);
}

static void rexmit_fire(struct tcp_conn *conn)
{
	const struct host_config *config = &conn->host->config;

	if (conn->state == TCP_SYN_SENT)
		retransmit_syn(conn, config->syn_retries);
	else if (conn->state == TCP_SYN_RECEIVED)
		retransmit_syn(conn, config->synack_retries);
	else if (conn->probing)
		probe(conn);
	else
		retransmit(conn);
}

void tcp_timer_fire(struct host *host, struct host_timer *timer)
{
	struct tcp_conn *conn = HOST_OWNER(timer, struct tcp_conn, timer);

	if (conn->end_ns <= host->now_ns) {
		tcp_end(conn, TCP_END_TIMEOUT);
		return;
	}
	if (conn->delayed_ack_ns <= host->now_ns)
		conn->ack_now = true;
	if (conn->rexmit_ns <= host->now_ns)
		rexmit_fire(conn);
	tcp_settle(conn);
}
