/* What runs on top of a host's TCP: the services of its listeners and the connections of a
 * scenario. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "lib/base/xxh3.h"
#include "sim/pattern.h"
#include "sim/tcp.h"

enum {
	ANSWER_BYTES = 64, /* "<bytes> <32 hex digits>\n" */
	CHUNK_BYTES = 16384,
};

/* --- Services --- */

static void answer(struct tcp_conn *conn, const char *text, size_t len)
{
	if (!conn->answered)
		conn->host->counters.tcp_answered++;
	conn->answered = true;
	tcp_write(conn, (const uint8_t *)text, len);
}

static void nothing(struct tcp_conn *conn)
{
	(void)conn;
}

static void hostname_answer(struct tcp_conn *conn)
{
	const char *hostname = conn->host->config.hostname;
	size_t len = strlen(hostname);
	char *line = xmalloc(len + 2);

	memcpy(line, hostname, len);
	line[len] = '\n';
	answer(conn, line, len + 1);
	free(line);
	tcp_close(conn);
}

static size_t hostname_received(struct tcp_conn *conn, const uint8_t *bytes, size_t len)
{
	(void)bytes;
	if (!conn->answered)
		hostname_answer(conn);
	return len;
}

/* A client that asks by closing is answered, too. */
static void hostname_peer_closed(struct tcp_conn *conn)
{
	if (!conn->answered)
		hostname_answer(conn);
}

static size_t echo_received(struct tcp_conn *conn, const uint8_t *bytes, size_t len)
{
	if (!conn->answered)
		conn->host->counters.tcp_answered++;
	conn->answered = true;
	return tcp_write(conn, bytes, len);
}

/* What discard knows of its connection. */
struct discard {
	XXH3_state_t *hash;
	uint64_t bytes;
};

static XXH3_state_t *hash_new(void)
{
	XXH3_state_t *hash = XXH3_createState();

	if (!hash || XXH3_128bits_reset(hash) != XXH_OK)
		xalloc_failed("hash");
	return hash;
}

/* The answer of discard: the length of what came and its hash; returns the text's length. */
static size_t discard_text(char text[ANSWER_BYTES], uint64_t bytes, const XXH3_state_t *hash)
{
	XXH128_hash_t value = XXH3_128bits_digest(hash);

	return (size_t)snprintf(text, ANSWER_BYTES, "%" PRIu64 " %016" PRIx64 "%016" PRIx64 "\n",
	                        bytes, (uint64_t)value.high64, (uint64_t)value.low64);
}

static struct discard *discard_of(struct tcp_conn *conn)
{
	struct discard *discard = conn->user_data;

	if (discard)
		return discard;
	discard = xcalloc(1, sizeof *discard);
	discard->hash = hash_new();
	conn->user_data = discard;
	return discard;
}

static size_t discard_received(struct tcp_conn *conn, const uint8_t *bytes, size_t len)
{
	struct discard *discard = discard_of(conn);

	XXH3_128bits_update(discard->hash, bytes, len);
	discard->bytes += len;
	return len;
}

static void discard_peer_closed(struct tcp_conn *conn)
{
	struct discard *discard = discard_of(conn);
	char text[ANSWER_BYTES];
	size_t len = discard_text(text, discard->bytes, discard->hash);

	answer(conn, text, len);
	tcp_close(conn);
}

static void discard_ended(struct tcp_conn *conn, enum tcp_end end)
{
	struct discard *discard = conn->user_data;

	(void)end;
	if (!discard)
		return;
	XXH3_freeState(discard->hash);
	free(discard);
	conn->user_data = NULL;
}

static void ended(struct tcp_conn *conn, enum tcp_end end)
{
	(void)conn;
	(void)end;
}

void host_services_accept(struct tcp_conn *conn, enum host_service service)
{
	static const struct tcp_user hostname = {nothing, hostname_received, hostname_peer_closed,
	                                         nothing, ended};
	static const struct tcp_user echo = {nothing, echo_received, tcp_close, tcp_resume, ended};
	static const struct tcp_user discard = {nothing, discard_received, discard_peer_closed,
	                                        nothing, discard_ended};

	switch (service) {
	case HOST_SERVICE_NONE:
		break;
	case HOST_SERVICE_HOSTNAME:
		conn->user = &hostname;
		break;
	case HOST_SERVICE_ECHO:
		conn->user = &echo;
		break;
	case HOST_SERVICE_DISCARD:
		conn->user = &discard;
		break;
	}
}

int host_listen_tcp(struct host *host, uint16_t port, enum host_service service)
{
	struct listener *listener = fb_table_find(host->tcp.listeners, &port);

	if (service == HOST_SERVICE_NONE) {
		if (listener)
			fb_table_remove(host->tcp.listeners, listener);
		return 0;
	}
	if (listener)
		return -1;
	listener = fb_table_add(host->tcp.listeners, &port);
	if (!listener)
		xalloc_failed("listeners");
	listener->service = service;
	return 0;
}

/* --- Connections of a scenario --- */

struct tcp_request {
	struct host_request base; /* its timer: the time limit */
	struct host_timer pause;  /* between connect and sending */
	struct tcp_conn *conn;    /* NULL: over */
	uint64_t send_bytes;
	uint8_t *send; /* a copy; NULL: the pattern */
	uint8_t tos_after;
	bool keep_open;
	uint64_t pause_ns;
	enum host_service expect_service;
};

static void request_start_sending(struct tcp_request *request)
{
	struct tcp_conn *conn = request->conn;

	conn->tos = request->tos_after;
	if (request->send_bytes)
		tcp_send_source(conn, request->send, request->send_bytes);
	if (!request->keep_open || conn->fin_received)
		tcp_close(conn);
}

static void request_pause_fire(struct host *host, struct host_timer *timer)
{
	(void)host;
	request_start_sending(HOST_OWNER(timer, struct tcp_request, pause));
}

static void request_connected(struct tcp_conn *conn)
{
	struct tcp_request *request = conn->user_data;

	request->base.result.connected_ns = conn->host->now_ns;
	if (request->pause_ns)
		host_timer_set(conn->host, &request->pause, conn->host->now_ns + request->pause_ns);
	else
		request_start_sending(request);
}

/* Whether 'len' bytes are those that were sent at 'offset'. */
static bool is_echo(const struct tcp_request *request, uint64_t offset, const uint8_t *bytes,
                    size_t len)
{
	uint8_t expected[512];

	if (offset + len > request->send_bytes)
		return false;
	if (request->send)
		return memcmp(bytes, request->send + offset, len) == 0;
	while (len) {
		size_t part = len < sizeof expected ? len : sizeof expected;

		pattern_fill(offset, expected, part);
		if (memcmp(bytes, expected, part) != 0)
			return false;
		offset += part;
		bytes += part;
		len -= part;
	}
	return true;
}

static size_t request_received(struct tcp_conn *conn, const uint8_t *bytes, size_t len)
{
	struct tcp_request *request = conn->user_data;
	struct host_result *result = &request->base.result;

	if (request->expect_service == HOST_SERVICE_ECHO &&
	    !is_echo(request, result->received_bytes, bytes, len))
		result->intact = false;
	result->received_bytes += len;
	host_request_reply(&request->base, bytes, len);
	return len;
}

/* What is still to be sent after a pause is sent before we close, too. */
static void request_peer_closed(struct tcp_conn *conn)
{
	struct tcp_request *request = conn->user_data;

	if (!heap_contains(&request->pause.node))
		tcp_close(conn);
}

/* What discard must have answered to what was sent. */
static size_t discard_expected(const struct tcp_request *request, char text[ANSWER_BYTES])
{
	static const size_t chunk_bytes = CHUNK_BYTES;
	XXH3_state_t *hash = hash_new();
	uint8_t *chunk = request->send ? NULL : xmalloc(chunk_bytes);
	size_t len;

	if (request->send)
		XXH3_128bits_update(hash, request->send, request->send_bytes);
	for (uint64_t at = 0; chunk && at < request->send_bytes; at += len) {
		uint64_t left = request->send_bytes - at;

		len = left < chunk_bytes ? (size_t)left : chunk_bytes;
		pattern_fill(at, chunk, len);
		XXH3_128bits_update(hash, chunk, len);
	}
	len = discard_text(text, request->send_bytes, hash);
	free(chunk);
	XXH3_freeState(hash);
	return len;
}

static void judge(struct tcp_request *request)
{
	struct host_result *result = &request->base.result;
	char text[ANSWER_BYTES];
	size_t len;

	switch (request->expect_service) {
	case HOST_SERVICE_NONE:
	case HOST_SERVICE_HOSTNAME:
		return;
	case HOST_SERVICE_ECHO:
		if (result->received_bytes != request->send_bytes)
			result->intact = false;
		return;
	case HOST_SERVICE_DISCARD:
		len = discard_expected(request, text);
		result->intact =
		        result->reply_len == len && memcmp(request->base.reply, text, len) == 0;
		return;
	}
}

/* Keep what the connection knows, and part from it. */
static void request_part(struct tcp_request *request)
{
	struct tcp_conn *conn = request->conn;

	request->conn = NULL;
	if (!conn)
		return;
	request->base.result.sent_bytes = conn->una_offset;
	memcpy(request->base.result.answer_mac, conn->peer_mac, FB_MAC_BYTES);
	tcp_abort(conn);
}

static void request_ended(struct tcp_conn *conn, enum tcp_end end)
{
	static const enum host_outcome outcomes[] = {
	        [TCP_END_CLOSED] = HOST_OK,
	        [TCP_END_REFUSED] = HOST_REFUSED,
	        [TCP_END_RESET] = HOST_RESET,
	        [TCP_END_TIMEOUT] = HOST_TIMEOUT,
	        [TCP_END_UNREACHABLE] = HOST_UNREACHABLE,
	};
	struct tcp_request *request = conn->user_data;

	request->base.result.sent_bytes = conn->una_offset;
	memcpy(request->base.result.answer_mac, conn->peer_mac, FB_MAC_BYTES);
	request->conn = NULL;
	host_request_finish(conn->host, &request->base, outcomes[end]);
}

static void request_stop(struct host *host, struct host_request *r)
{
	struct tcp_request *request = HOST_OWNER(r, struct tcp_request, base);

	host_timer_cancel(host, &request->pause);
	request_part(request);
	if (r->result.outcome == HOST_OK)
		judge(request);
	else if (request->expect_service != HOST_SERVICE_NONE)
		r->result.intact = false;
	free(request->send);
	request->send = NULL;
}

static void request_timeout(struct host *host, struct host_timer *timer)
{
	struct tcp_request *request = HOST_OWNER(timer, struct tcp_request, base.timer);
	const struct tcp_conn *conn = request->conn;
	bool nobody = conn->soft_error ||
	              host_arp_is_unresolved(host, host_ip_next_hop(host, conn->peer_ip));

	host_request_finish(host, &request->base, nobody ? HOST_UNREACHABLE : HOST_TIMEOUT);
}

static const struct tcp_user request_user = {request_connected, request_received,
                                             request_peer_closed, nothing, request_ended};

/* Open the connection of 'request'; the outcome when that cannot be. */
static enum host_outcome request_open(struct host *host, struct tcp_request *request,
                                      const struct host_tcp_request *ask)
{
	struct tcp_conn *conn;

	if (!host->power)
		return HOST_ABORTED;
	if (ask->ip != host->config.ip && !host_ip_next_hop(host, ask->ip))
		return HOST_UNREACHABLE;
	conn = tcp_open(host, ask->ip, ask->port, ask->local_port);
	if (!conn)
		return HOST_NO_RESOURCES;
	request->conn = conn;
	request->base.result.local_port = conn->local_port;
	conn->user = &request_user;
	conn->user_data = request;
	conn->tos = ask->tos;
	conn->ecn = ask->ecn;
	return HOST_OK;
}

void host_tcp(struct host *host, const struct host_tcp_request *ask, uint64_t now_ns,
              host_done_fn *done, void *ctx)
{
	struct tcp_request *request = xcalloc(1, sizeof *request);
	enum host_outcome outcome;

	host->now_ns = now_ns;
	request->base.stop = request_stop;
	request->base.timer.fire = request_timeout;
	request->pause.fire = request_pause_fire;
	request->send_bytes = ask->send_bytes;
	request->tos_after = ask->tos_after;
	request->keep_open = ask->keep_open;
	request->pause_ns = ask->pause_ns;
	request->expect_service = ask->expect_service;
	if (ask->send && ask->send_bytes) {
		request->send = xmalloc(ask->send_bytes);
		memcpy(request->send, ask->send, ask->send_bytes);
	}
	host_request_start(host, &request->base, done, ctx);
	outcome = request_open(host, request, ask);
	if (outcome != HOST_OK) {
		host_request_finish(host, &request->base, outcome);
		return;
	}
	if (ask->timeout_ns)
		host_timer_set(host, &request->base.timer, now_ns + ask->timeout_ns);
	tcp_start(request->conn);
}
