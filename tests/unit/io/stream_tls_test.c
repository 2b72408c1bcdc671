/* Streams of TLS over real sockets of this machine, all in one loop; where a peer is to do what a
 * stream never does, it is an SSL object or a socket of the test's. */
#include "lib/io/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/io/stream_private.h"
#include "tests/unit/harness.h"
#include "tests/unit/io/certificates.h"
#include "tests/unit/io/stream_bench.h"
#include "tests/unit/io/stream_rules.h"

enum { RECORD_BYTES = 16384 };

/* Who signs, and whom: made once for all tests. */
static struct certificates certificates;
static const struct certificate *ca, *server, *client;

static void destroy_certificates(void)
{
	certificates_destroy(&certificates);
}

static void make_certificates(void)
{
	if (certificates.count)
		return;
	certificates_init(&certificates);
	ca = certificates_add(&certificates, "ca", NULL, -DAY_S, DAY_S);
	server = certificates_add(&certificates, "server", ca, -DAY_S, DAY_S);
	client = certificates_add(&certificates, "client", ca, -DAY_S, DAY_S);
	atexit(destroy_certificates);
}

/* A bench whose streams know each other. */
static struct bench *tls_bench_new(void)
{
	struct bench *b = bench_new();

	make_certificates();
	b->listener_tls = certificates_tls(server, ca);
	b->opener_tls = certificates_tls(client, ca);
	return b;
}

static void tls_bench_free(struct bench *b)
{
	struct tls *listener_tls = b->listener_tls, *opener_tls = b->opener_tls;

	bench_free(b);
	tls_free(listener_tls);
	tls_free(opener_tls);
}

/* The same with a listener, and one connection to it that stands. */
static struct bench *tls_bench_connected(void)
{
	struct bench *b = tls_bench_new();

	bench_connect(b, "pssl:0:127.0.0.1");
	return b;
}

/* The handshake is over for the accepted side too. */
static struct bench *tls_bench_open(void)
{
	struct bench *b = tls_bench_connected();

	CU_ASSERT_TRUE(stream_send(b->opened[0].stream, "x", 1));
	RUN_UNTIL(b, b->accepted[0].received == 1);
	b->accepted[0].received = b->accepted[0].sum = b->accepted[0].calls = 0;
	return b;
}

/* --- A peer of the test's own --- */

struct peer {
	struct bench *bench;
	int fd;
	SSL_CTX *ctx;
	SSL *ssl; /* NULL: none yet */
};

static void peer_init(struct peer *p, struct bench *b)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};

	*p = (struct peer){.bench = b, .fd = socket(AF_INET, SOCK_STREAM, 0)};
	address.sin_port = htons((uint16_t)atoi(stream_listener_name(b->listener) + 5));
	CU_ASSERT_EQUAL_FATAL(connect(p->fd, (struct sockaddr *)&address, sizeof address), 0);
	fcntl(p->fd, F_SETFL, O_NONBLOCK);
	stream_socket_init(p->fd, AF_INET);
}

/* Speak TLS of 'version', with 'own' (NULL: show nothing). */
static void peer_ssl(struct peer *p, const struct certificate *own, int version)
{
	p->ctx = SSL_CTX_new(TLS_client_method());
	if (version < TLS1_2_VERSION)
		SSL_CTX_set_security_level(p->ctx, 0);
	SSL_CTX_set_min_proto_version(p->ctx, version);
	SSL_CTX_set_max_proto_version(p->ctx, version);
	if (own) {
		SSL_CTX_use_certificate(p->ctx, own->x509);
		SSL_CTX_use_PrivateKey(p->ctx, own->key);
	}
	SSL_CTX_set_mode(p->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE);
	p->ssl = SSL_new(p->ctx);
	SSL_set_fd(p->ssl, p->fd);
	SSL_set_connect_state(p->ssl);
}

static void peer_destroy(struct peer *p)
{
	SSL_free(p->ssl);
	SSL_CTX_free(p->ctx);
	if (p->fd >= 0)
		close(p->fd);
}

/* Let the streams do what they can. */
static void turn(struct bench *b)
{
	event_base_loop(b->base, EVLOOP_NONBLOCK);
}

/* Do 'call', an operation on the peer's SSL object, and let the streams go on, until it succeeds or
 * fails; 'result' is what it returned. */
#define PEER_DO(p, result, call)                                                                   \
	do {                                                                                       \
		time_t until_ = time(NULL) + GUARD_S;                                              \
		int error_ = SSL_ERROR_NONE;                                                       \
		while (((result) = (call)) <= 0) {                                                 \
			error_ = SSL_get_error((p)->ssl, (result));                                \
			if (error_ != SSL_ERROR_WANT_READ && error_ != SSL_ERROR_WANT_WRITE)       \
				break;                                                             \
			CU_ASSERT_FATAL(time(NULL) < until_);                                      \
			turn((p)->bench);                                                          \
		}                                                                                  \
	} while (0)

static void peer_handshake(struct peer *p)
{
	int result;

	PEER_DO(p, result, SSL_do_handshake(p->ssl));
	CU_ASSERT_EQUAL_FATAL(result, 1);
}

/* A bench with a listener, and a peer that is let in by it. */
static struct bench *tls_bench_with_peer(struct peer *p, int version)
{
	struct bench *b = tls_bench_new();

	bench_listen(b, "pssl:0:127.0.0.1");
	peer_init(p, b);
	peer_ssl(p, client, version);
	peer_handshake(p);
	return b;
}

static void tls_bench_free_with_peer(struct bench *b, struct peer *p)
{
	peer_destroy(p);
	tls_bench_free(b);
}

static void peer_write(struct peer *p, const void *bytes, size_t len)
{
	int result;

	PEER_DO(p, result, SSL_write(p->ssl, bytes, (int)len));
	CU_ASSERT_EQUAL_FATAL(result, (int)len);
}

/* --- Both directions --- */

static void bytes_go_both_ways(void)
{
	struct bench *b = tls_bench_connected();

	rule_bytes_go_both_ways(b);
	tls_bench_free(b);
}

static void ends_have_names_addresses_and_subjects(void)
{
	struct bench *b = tls_bench_connected();
	uint32_t own_ip = 0, peer_ip = 0;
	uint16_t own_port = 0, peer_port = 0;
	char text[64];

	CU_ASSERT_EQUAL(strncmp(stream_listener_name(b->listener), "pssl:", 5), 0);
	CU_ASSERT_TRUE(
	        stream_ipv4_ends(b->accepted[0].stream, &own_ip, &own_port, &peer_ip, &peer_port));
	CU_ASSERT_EQUAL(peer_ip, 0x7f000001);
	snprintf(text, sizeof text, "ssl:127.0.0.1:%u", peer_port);
	CU_ASSERT_STRING_EQUAL(stream_peer(b->accepted[0].stream), text);
	snprintf(text, sizeof text, "ssl:127.0.0.1:%u", own_port);
	CU_ASSERT_STRING_EQUAL(stream_peer(b->opened[0].stream), text);
	CU_ASSERT_TRUE(stream_is_tls(b->opened[0].stream));
	CU_ASSERT_TRUE(stream_tls_subject(b->opened[0].stream, text, sizeof text));
	CU_ASSERT_STRING_EQUAL(text, "CN = server");
	stream_send(b->opened[0].stream, "x", 1);
	RUN_UNTIL(b, b->accepted[0].received);
	CU_ASSERT_TRUE(stream_tls_subject(b->accepted[0].stream, text, sizeof text));
	CU_ASSERT_STRING_EQUAL(text, "CN = client");
	CU_ASSERT_TRUE(stream_tls_subject(b->accepted[0].stream, text, 5));
	CU_ASSERT_STRING_EQUAL(text, "CN =");
	tls_bench_free(b);
}

static void plain_streams_have_no_subject(void)
{
	struct bench *b = tls_bench_new();
	char text[64];

	bench_listen(b, "ptcp:0:127.0.0.1");
	bench_open_listener(b, 0);
	RUN_UNTIL(b, b->opened[0].connected);
	CU_ASSERT_FALSE(stream_is_tls(b->opened[0].stream));
	CU_ASSERT_FALSE(stream_tls_subject(b->opened[0].stream, text, sizeof text));
	tls_bench_free(b);
}

static void what_is_sent_before_the_handshake_is_over_waits(void)
{
	struct bench *b = tls_bench_new();

	bench_listen(b, "pssl:0:127.0.0.1");
	bench_open_listener(b, 0);
	CU_ASSERT_TRUE(stream_send(b->opened[0].stream, "early", 5));
	CU_ASSERT_EQUAL(stream_pending_bytes(b->opened[0].stream), 5);
	RUN_UNTIL(b, b->accepted_count);
	CU_ASSERT_FALSE(b->opened[0].connected);
	CU_ASSERT_TRUE(stream_send(b->accepted[0].stream, "as early", 8));
	CU_ASSERT_EQUAL(stream_pending_bytes(b->accepted[0].stream), 8);
	RUN_UNTIL(b, b->accepted[0].received == 5 && b->opened[0].received == 8);
	CU_ASSERT_EQUAL(stream_pending_bytes(b->accepted[0].stream), 0);
	CU_ASSERT_EQUAL(b->accepted[0].sents, 1);
	tls_bench_free(b);
}

static void files_may_go_while_streams_live(void)
{
	struct bench *b = tls_bench_new();

	bench_listen(b, "pssl:0:127.0.0.1");
	bench_open_listener(b, 0);
	tls_free(b->listener_tls);
	tls_free(b->opener_tls);
	b->listener_tls = b->opener_tls = NULL;
	stream_send(b->opened[0].stream, "x", 1);
	RUN_UNTIL(b, b->accepted[0].received);
	tls_bench_free(b);
}

/* --- Much --- */

static void what_a_peer_does_not_read_is_bounded(void)
{
	struct bench *b = tls_bench_connected();

	rule_what_a_peer_does_not_read_is_bounded(b);
	tls_bench_free(b);
}

/* Send blocks of many sizes, as many as are taken. */
static void send_round(struct end *from, unsigned round, size_t *sent, uint64_t *sum)
{
	static const size_t sizes[] = {1, 8, 80, 3001, RECORD_BYTES - 1, RECORD_BYTES + 1, 100000};
	static uint8_t bytes[100000];
	size_t len = sizes[round % (sizeof sizes / sizeof sizes[0])];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(round * 13 + i);
	if (!stream_send(from->stream, bytes, len))
		return;
	*sent += len;
	for (size_t i = 0; i < len; i++)
		*sum = *sum * 31 + bytes[i];
}

static void much_goes_both_ways_at_once_in_order(void)
{
	struct bench *b = tls_bench_connected();
	size_t up = 0, down = 0;
	uint64_t up_sum = 0, down_sum = 0;

	for (unsigned round = 0; round < 1000; round++) {
		send_round(&b->opened[0], round, &up, &up_sum);
		send_round(&b->accepted[0], round + 3, &down, &down_sum);
		if (round % 16 == 0)
			turn(b);
	}
	RUN_UNTIL(b, b->accepted[0].received == up && b->opened[0].received == down);
	CU_ASSERT_EQUAL(b->accepted[0].sum, up_sum);
	CU_ASSERT_EQUAL(b->opened[0].sum, down_sum);
	CU_ASSERT_TRUE(up > OUT_BYTES_MAX && down > OUT_BYTES_MAX);
	tls_bench_free(b);
}

static void small_records_are_handed_over_together(void)
{
	struct bench *b = tls_bench_connected();
	unsigned records = 1000;

	stream_set_reading(b->accepted[0].stream, false);
	for (unsigned i = 0; i < records; i++)
		CU_ASSERT_TRUE(stream_send(b->opened[0].stream, "a message", 9));
	CU_ASSERT_EQUAL(stream_pending_bytes(b->opened[0].stream), 0);
	stream_set_reading(b->accepted[0].stream, true);
	RUN_UNTIL(b, b->accepted[0].received == 9 * (size_t)records);
	CU_ASSERT_TRUE(b->accepted[0].calls < records / 10);
	tls_bench_free(b);
}

/* Some of it is with OpenSSL when the reader pauses, where no event of the socket tells of it. */
static void a_reader_that_pauses_gets_all_in_the_end(void)
{
	static uint8_t block[OUT_BYTES_MAX];
	struct bench *b = tls_bench_connected();
	struct end *to = &b->accepted[0];
	size_t before;

	to->pause_on_data = true;
	CU_ASSERT_TRUE(stream_send(b->opened[0].stream, block, sizeof block));
	while (to->received < sizeof block) {
		before = to->received;
		RUN_UNTIL(b, to->received > before);
		before = to->received;
		CU_ASSERT_TRUE(to->received <= to->calls * (size_t)STREAM_READ_BYTES);
		turn(b);
		turn(b);
		CU_ASSERT_EQUAL(to->received, before);
		stream_set_reading(to->stream, true);
	}
	CU_ASSERT_TRUE(to->calls > 3);
	tls_bench_free(b);
}

static void who_pauses_before_the_handshake_is_over_gets_nothing(void)
{
	struct bench *b = tls_bench_new();

	bench_listen(b, "pssl:0:127.0.0.1");
	bench_open_listener(b, 0);
	stream_send(b->opened[0].stream, "x", 1);
	RUN_UNTIL(b, b->accepted_count);
	stream_set_reading(b->accepted[0].stream, false);
	stream_send(b->accepted[0].stream, "y", 1);
	RUN_UNTIL(b, b->opened[0].received);
	turn(b);
	CU_ASSERT_EQUAL(b->accepted[0].received, 0);
	stream_set_reading(b->accepted[0].stream, true);
	RUN_UNTIL(b, b->accepted[0].received);
	tls_bench_free(b);
}

/* One turn of the loop takes no more from one than the buffer holds. */
static void a_flood_leaves_others_their_turn(void)
{
	static uint8_t block[4 * OUT_BYTES_MAX];
	struct bench *b = tls_bench_connected();

	bench_open_listener(b, 1);
	RUN_UNTIL(b, b->opened[1].connected && b->accepted_count == 2);
	stream_set_reading(b->accepted[0].stream, false);
	stream_set_reading(b->accepted[1].stream, false);
	CU_ASSERT_TRUE(stream_send(b->opened[0].stream, block, sizeof block));
	CU_ASSERT_TRUE(stream_send(b->opened[1].stream, "me too", 6));
	turn(b);
	stream_set_reading(b->accepted[0].stream, true);
	stream_set_reading(b->accepted[1].stream, true);
	RUN_UNTIL(b, b->accepted[1].received);
	CU_ASSERT_TRUE(b->accepted[0].calls <= 2);
	CU_ASSERT_TRUE(b->accepted[0].received <= 2 * STREAM_READ_BYTES);
	RUN_UNTIL(b, b->accepted[0].received == sizeof block);
	tls_bench_free(b);
}

/* A record of one byte costs as much to decrypt as one of many. */
static void a_flood_of_small_records_leaves_others_their_turn(void)
{
	struct bench *b = tls_bench_connected();
	size_t records = 2000;

	bench_open_listener(b, 1);
	RUN_UNTIL(b, b->opened[1].connected && b->accepted_count == 2);
	stream_set_reading(b->accepted[0].stream, false);
	stream_set_reading(b->accepted[1].stream, false);
	for (size_t i = 0; i < records; i++)
		CU_ASSERT_TRUE(stream_send(b->opened[0].stream, "x", 1));
	CU_ASSERT_TRUE(stream_send(b->opened[1].stream, "me too", 6));
	turn(b);
	stream_set_reading(b->accepted[0].stream, true);
	stream_set_reading(b->accepted[1].stream, true);
	RUN_UNTIL(b, b->accepted[1].received);
	CU_ASSERT_TRUE(b->accepted[0].received < records / 4);
	RUN_UNTIL(b, b->accepted[0].received == records);
	tls_bench_free(b);
}

/* --- Ends --- */

static void the_peers_end_is_told_once(void)
{
	struct bench *b = tls_bench_open();

	rule_the_peers_end_is_told_once(b);
	tls_bench_free(b);
}

static void a_stream_may_be_closed_in_its_own_callback(void)
{
	struct bench *b = tls_bench_connected();

	rule_a_stream_may_be_closed_in_its_own_callback(b);
	tls_bench_free(b);
}

static void a_closed_stream_still_sends_what_waits(void)
{
	struct bench *b = tls_bench_connected();

	rule_a_closed_stream_still_sends_what_waits(b);
	tls_bench_free(b);
}

static void a_peer_that_never_reads_holds_a_closed_stream_only_so_long(void)
{
	struct bench *b = tls_bench_connected();

	rule_a_closed_stream_is_held_only_so_long(b);
	tls_bench_free(b);
}

/* Close 'end' and see that the peer is told by TLS, not just by the socket. */
static void assert_notices_end(struct bench *b, struct peer *p, struct stream **stream,
                               uint64_t linger_ns)
{
	char byte;
	int result;

	SSL_CTX_clear_options(p->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	stream_close(*stream, linger_ns);
	*stream = NULL;
	PEER_DO(p, result, SSL_read(p->ssl, &byte, 1));
	CU_ASSERT_EQUAL(SSL_get_error(p->ssl, result), SSL_ERROR_ZERO_RETURN);
	turn(b);
}

static void the_end_is_told_by_tls(void)
{
	struct peer at_once, lingering;
	struct bench *b = tls_bench_with_peer(&at_once, TLS1_3_VERSION);

	peer_write(&at_once, "x", 1);
	RUN_UNTIL(b, b->accepted[0].received);
	peer_init(&lingering, b);
	peer_ssl(&lingering, client, TLS1_2_VERSION);
	peer_handshake(&lingering);
	assert_notices_end(b, &at_once, &b->accepted[0].stream, 0);
	assert_notices_end(b, &lingering, &b->accepted[1].stream, UINT64_C(1000000000) * GUARD_S);
	peer_destroy(&at_once);
	peer_destroy(&lingering);
	/* The lingering one sees the peer's end: nothing is left in the loop then. */
	stream_listener_close(b->listener);
	b->listener = NULL;
	CU_ASSERT_EQUAL(event_base_dispatch(b->base), 1);
	tls_bench_free(b);
}

/* With and without its notice, and with bytes before it. */
static void assert_end_comes_after_bytes(bool notice, bool socket_too)
{
	char bytes[16];
	int result;
	struct peer p;
	struct bench *b = tls_bench_with_peer(&p, TLS1_3_VERSION);

	peer_write(&p, "last words", 10);
	b->accepted[0].echo = true;
	if (notice)
		SSL_shutdown(p.ssl);
	if (socket_too)
		shutdown(p.fd, SHUT_WR);
	RUN_UNTIL(b, b->accepted[0].closed);
	CU_ASSERT_EQUAL(b->accepted[0].received, 10);
	CU_ASSERT_STRING_EQUAL(b->accepted[0].reason, "the peer closed the connection");
	PEER_DO(&p, result, SSL_read(p.ssl, bytes, sizeof bytes));
	CU_ASSERT_EQUAL(result, 10); /* the answer was still sent */
	tls_bench_free_with_peer(b, &p);
}

static void a_peers_last_bytes_come_before_its_end(void)
{
	assert_end_comes_after_bytes(true, true);
	assert_end_comes_after_bytes(true, false);
	assert_end_comes_after_bytes(false, true);
}

static void a_reset_has_its_own_reason(void)
{
	const struct linger reset = {.l_onoff = 1};
	struct peer p;
	struct bench *b = tls_bench_with_peer(&p, TLS1_3_VERSION);

	peer_write(&p, "x", 1);
	RUN_UNTIL(b, b->accepted[0].received);
	setsockopt(p.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(p.fd);
	p.fd = -1;
	RUN_UNTIL(b, b->accepted[0].closed);
	CU_ASSERT_STRING_EQUAL(b->accepted[0].reason, strerror(ECONNRESET));
	tls_bench_free_with_peer(b, &p);
}

static void a_send_that_fails_is_told_from_the_loop(void)
{
	const struct linger reset = {.l_onoff = 1};
	struct peer p;
	struct bench *b = tls_bench_with_peer(&p, TLS1_3_VERSION);
	struct end *end = &b->accepted[0];

	peer_write(&p, "x", 1);
	RUN_UNTIL(b, end->received);
	setsockopt(p.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(p.fd);
	p.fd = -1;
	CU_ASSERT_TRUE(stream_send(end->stream, "x", 1));
	CU_ASSERT_TRUE(stream_send(end->stream, "x", 1));
	CU_ASSERT_FALSE(end->closed);
	RUN_UNTIL(b, end->closed);
	CU_ASSERT_TRUE(!strcmp(end->reason, strerror(EPIPE)) ||
	               !strcmp(end->reason, strerror(ECONNRESET)));
	tls_bench_free_with_peer(b, &p);
}

static void an_accepted_stream_may_be_turned_away(void)
{
	struct bench *b = tls_bench_new();

	b->refuse = true;
	bench_listen(b, "pssl:0:127.0.0.1");
	bench_open_listener(b, 0);
	RUN_UNTIL(b, b->opened[0].closed);
	CU_ASSERT_FALSE(b->opened[0].connected);
	tls_bench_free(b);
}

/* --- From loop to loop --- */

/* Bytes wait on both sides when the one is moved. */
static void a_stream_moves_to_another_loop_with_all_that_waits(void)
{
	struct bench *b = tls_bench_open(), *other = bench_new();
	struct end *near = &b->opened[0], *far = &b->accepted[0];
	size_t up = 0, down = 0;
	uint64_t up_sum = 0, down_sum = 0;

	for (unsigned round = 0; round < 1000; round++) {
		send_round(near, round, &up, &up_sum);
		send_round(far, round, &down, &down_sum);
	}
	CU_ASSERT_TRUE(stream_pending_bytes(near->stream) && stream_pending_bytes(far->stream));
	stream_detach(far->stream);
	turn(b);
	turn(b);
	CU_ASSERT_EQUAL(far->received, 0);
	stream_attach(far->stream, other->base, &ops, far);
	for (time_t until = time(NULL) + GUARD_S; far->received < up || near->received < down;) {
		CU_ASSERT_FATAL(time(NULL) < until);
		turn(b);
		turn(other);
	}
	CU_ASSERT_EQUAL(far->sum, up_sum);
	CU_ASSERT_EQUAL(near->sum, down_sum);
	stream_close(far->stream, 0);
	far->stream = NULL;
	RUN_UNTIL(b, near->closed);
	bench_free(other);
	tls_bench_free(b);
}

static void an_end_that_nobody_was_told_of_is_told_in_the_next_loop(void)
{
	struct bench *b = tls_bench_open(), *other = bench_new();
	struct end *near = &b->opened[0], *far = &b->accepted[0];

	stream_detach(far->stream);
	CU_ASSERT_TRUE(stream_send(near->stream, "last words", 10));
	stream_close(near->stream, 0);
	near->stream = NULL;
	turn(b);
	stream_attach(far->stream, other->base, &ops, far);
	RUN_UNTIL(other, far->closed);
	CU_ASSERT_EQUAL(far->received, 10);
	CU_ASSERT_STRING_EQUAL(far->reason, "the peer closed the connection");
	bench_free(other);
	tls_bench_free(b);
}

/* TLS says that it is the end, with the bytes before; the socket does not. */
static void an_end_that_came_with_bytes_is_told_in_the_next_loop(void)
{
	struct peer p;
	struct bench *b = tls_bench_with_peer(&p, TLS1_3_VERSION), *other = bench_new();
	struct end *end = &b->accepted[0];

	peer_write(&p, "last words", 10);
	SSL_shutdown(p.ssl);
	end->detach_on_data = true;
	RUN_UNTIL(b, end->received == 10);
	turn(b);
	CU_ASSERT_FALSE(end->closed);
	stream_attach(end->stream, other->base, &ops, end);
	CU_ASSERT_FALSE(end->closed);
	RUN_UNTIL(other, end->closed);
	CU_ASSERT_STRING_EQUAL(end->reason, "the peer closed the connection");
	bench_free(other);
	tls_bench_free_with_peer(b, &p);
}

/* A thread with a loop, which echoes what streams get that come by its pipe, and after some calls
 * hands them on to the other. */
struct worker {
	struct event_base *base;
	struct event *coming;
	int pipe[2];
	struct worker *other;
	struct stream *stream;
	unsigned calls, moves;
	bool failed;
	pthread_t thread;
};

/* Give 'stream' to a worker; NULL: it is over. */
static bool worker_give(const struct worker *to, struct stream *stream)
{
	return write(to->pipe[1], &stream, sizeof stream) == sizeof stream;
}

static void worker_received(void *ctx, const uint8_t *bytes, size_t len)
{
	struct worker *w = ctx;
	struct stream *stream = w->stream;

	w->failed |= !stream_send(stream, bytes, len);
	if (++w->calls % 3)
		return;
	w->moves++;
	w->stream = NULL;
	stream_detach(stream);
	w->failed |= !worker_give(w->other, stream);
}

static void worker_closed(void *ctx, const char *reason)
{
	struct worker *w = ctx;

	w->failed |= strcmp(reason, "the peer closed the connection") != 0;
	w->failed |= !worker_give(w, NULL) || !worker_give(w->other, NULL);
}

static const struct stream_ops worker_ops = {.received = worker_received, .closed = worker_closed};

static void worker_take(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct stream *stream = NULL;

	(void)what;
	w->failed |= read(fd, &stream, sizeof stream) != sizeof stream;
	w->stream = stream;
	if (stream)
		stream_attach(stream, w->base, &worker_ops, w);
	else
		event_base_loopbreak(w->base);
}

static void *worker_run(void *arg)
{
	event_base_dispatch(((struct worker *)arg)->base);
	return NULL;
}

static void workers_start(struct worker workers[2])
{
	for (unsigned i = 0; i < 2; i++) {
		struct worker *w = &workers[i];

		*w = (struct worker){.base = event_base_new(), .other = &workers[1 - i]};
		CU_ASSERT_EQUAL_FATAL(pipe(w->pipe), 0);
		w->coming = event_new(w->base, w->pipe[0], EV_READ | EV_PERSIST, worker_take, w);
		event_add(w->coming, NULL);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]);
}

static void workers_join(struct worker workers[2])
{
	for (unsigned i = 0; i < 2; i++) {
		struct worker *w = &workers[i];

		pthread_join(w->thread, NULL);
		CU_ASSERT_FALSE(w->failed);
		CU_ASSERT_NOT_EQUAL(w->moves, 0);
		event_free(w->coming);
		event_base_free(w->base);
		close(w->pipe[0]);
		close(w->pipe[1]);
	}
}

/* What is under way is less than a stream may hold. */
static void assert_moves_between_threads(struct bench *b)
{
	struct worker workers[2];
	struct end *near = &b->opened[0];
	struct stream *far = b->accepted[0].stream;
	size_t sent = 0;
	uint64_t sum = 0;

	workers_start(workers);
	b->accepted[0].stream = NULL;
	stream_detach(far);
	CU_ASSERT_TRUE(worker_give(&workers[0], far));
	for (unsigned round = 0; round < 500; round++) {
		RUN_UNTIL(b, sent - near->received < OUT_BYTES_MAX / 2);
		send_round(near, round, &sent, &sum);
	}
	RUN_UNTIL(b, near->received == sent);
	CU_ASSERT_EQUAL(near->sum, sum);
	stream_close(near->stream, 0);
	near->stream = NULL;
	workers_join(workers);
}

static void a_stream_moves_between_threads_in_the_midst_of_what_it_receives(void)
{
	struct bench *b = tls_bench_open();

	assert_moves_between_threads(b);
	tls_bench_free(b);
}

static void a_plain_stream_moves_between_threads_too(void)
{
	struct bench *b = bench_new();

	bench_connect(b, "ptcp:0:127.0.0.1");
	assert_moves_between_threads(b);
	bench_free(b);
}

/* --- Peers that are not let in --- */

/* A stream whose peer shows 'own' to a listener that trusts 'trusted', and trusts 'theirs' itself.
 * 'told' (NULL: nothing) is what the listener's side says of it. */
static void assert_not_let_in(const struct certificate *own, const struct certificate *theirs,
                              const char *told, const char *told_opener)
{
	struct bench *b = bench_new();

	b->listener_tls = certificates_tls(server, ca);
	b->opener_tls = certificates_tls(own, theirs);
	bench_listen(b, "pssl:0:127.0.0.1");
	bench_open_listener(b, 0);
	CU_ASSERT_TRUE(stream_send(b->opened[0].stream, "HELLO", 5));
	RUN_UNTIL(b, b->accepted[0].closed && b->opened[0].closed);
	CU_ASSERT_EQUAL(b->accepted[0].received, 0);
	CU_ASSERT_STRING_EQUAL(b->accepted[0].reason, told);
	CU_ASSERT_STRING_EQUAL(b->opened[0].reason, told_opener);
	tls_bench_free(b);
}

static void a_certificate_that_does_not_hold_is_refused_with_the_reason(void)
{
	static struct certificates more;
	const struct certificate *foreign, *stranger, *expired, *early;

	make_certificates();
	certificates_init(&more);
	foreign = certificates_add(&more, "foreign", NULL, -DAY_S, DAY_S);
	stranger = certificates_add(&more, "stranger", foreign, -DAY_S, DAY_S);
	expired = certificates_add(&more, "expired", ca, -2L * DAY_S, -DAY_S);
	early = certificates_add(&more, "early", ca, DAY_S, 2L * DAY_S);
	assert_not_let_in(expired, ca, "TLS: the peer's certificate has expired",
	                  "TLS: the peer says that our certificate has expired");
	assert_not_let_in(early, ca, "TLS: the peer's certificate is not valid yet",
	                  "TLS: the peer refuses our certificate");
	assert_not_let_in(stranger, ca, "TLS: the peer's certificate is not signed by our CA",
	                  "TLS: the peer says that our certificate is not signed by its CA");
	assert_not_let_in(foreign, ca, "TLS: the peer's certificate is not signed by our CA",
	                  "TLS: the peer says that our certificate is not signed by its CA");
	assert_not_let_in(client, foreign,
	                  "TLS: the peer says that our certificate is not signed by its CA",
	                  "TLS: the peer's certificate is not signed by our CA");
	certificates_destroy(&more);
}

static void assert_peer_fails(const struct certificate *own, int version, const char *told)
{
	struct bench *b = tls_bench_new();
	struct peer p;
	char byte;
	int result;

	bench_listen(b, "pssl:0:127.0.0.1");
	peer_init(&p, b);
	peer_ssl(&p, own, version);
	PEER_DO(&p, result, SSL_do_handshake(p.ssl));
	if (result == 1) /* in TLS 1.3 it learns of its fault only now */
		PEER_DO(&p, result, SSL_read(p.ssl, &byte, 1));
	CU_ASSERT_EQUAL(SSL_get_error(p.ssl, result), SSL_ERROR_SSL);
	RUN_UNTIL(b, b->accepted[0].closed);
	CU_ASSERT_STRING_EQUAL(b->accepted[0].reason, told);
	tls_bench_free_with_peer(b, &p);
}

static void a_peer_without_certificate_is_refused(void)
{
	assert_peer_fails(NULL, TLS1_3_VERSION, "TLS: the peer sent no certificate");
	assert_peer_fails(NULL, TLS1_2_VERSION, "TLS: the peer sent no certificate");
}

static void a_peer_with_an_old_version_is_refused(void)
{
	assert_peer_fails(client, TLS1_1_VERSION,
	                  "TLS: the peer and we have no version of TLS in common (ours: 1.2 and "
	                  "later)");
}

/* Send 'bytes' to a listener for TLS from a plain socket. */
static void assert_garbage_ends(const void *bytes, size_t len, const char *told)
{
	struct bench *b = tls_bench_new();
	struct peer p;

	bench_listen(b, "pssl:0:127.0.0.1");
	peer_init(&p, b);
	CU_ASSERT_EQUAL(send(p.fd, bytes, len, 0), (ssize_t)len);
	RUN_UNTIL(b, b->accepted_count);
	CU_ASSERT_FALSE(b->accepted[0].closed);
	shutdown(p.fd, SHUT_WR);
	RUN_UNTIL(b, b->accepted[0].closed);
	CU_ASSERT_STRING_EQUAL(b->accepted[0].reason, told);
	CU_ASSERT_EQUAL(b->accepted[0].received, 0);
	tls_bench_free_with_peer(b, &p);
}

static void a_peer_without_tls_is_refused(void)
{
	static const uint8_t hello[] = {1, 0, 0, 8, 0, 0, 0, 1};
	static const char http[] = "GET / HTTP/1.0\r\n\r\n";

	assert_garbage_ends(hello, sizeof hello, "TLS: the peer does not speak TLS");
	assert_garbage_ends(http, strlen(http), "TLS: the peer does not speak TLS");
	assert_garbage_ends("", 0, "TLS: the peer closed the connection during the handshake");
	assert_garbage_ends(hello, 3, "TLS: the peer closed the connection during the handshake");
}

static void a_peer_without_tls_is_refused_by_who_connects(void)
{
	struct bench *b = tls_bench_new();
	char text[64];

	bench_listen(b, "ptcp:0:127.0.0.1");
	snprintf(text, sizeof text, "ssl:127.0.0.1:%d",
	         atoi(stream_listener_name(b->listener) + 5));
	bench_open(b, 0, text);
	RUN_UNTIL(b, b->accepted[0].received);
	/* What a listener without TLS gets is not OpenFlow, and it says so before it closes. */
	CU_ASSERT_TRUE(stream_send(b->accepted[0].stream, "\1\1\0\14\0\0\0\0\0\0\0\0", 12));
	RUN_UNTIL(b, b->opened[0].closed);
	CU_ASSERT_STRING_EQUAL(b->opened[0].reason, "TLS: the peer does not speak TLS");
	CU_ASSERT_FALSE(b->opened[0].connected);
	tls_bench_free(b);
}

/* The server's words came before the reset, but the next send meets the reset first. */
static void the_reason_of_a_refusal_is_found_after_a_reset(void)
{
	const struct linger reset = {.l_onoff = 1};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof address;
	struct bench *b = tls_bench_new();
	struct peer p = {.bench = b, .ctx = SSL_CTX_new(TLS_server_method())};
	int fd = socket(AF_INET, SOCK_STREAM, 0), result;
	char text[64];

	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	CU_ASSERT_EQUAL_FATAL(listen(fd, 1), 0);
	getsockname(fd, (struct sockaddr *)&address, &len);
	snprintf(text, sizeof text, "ssl:127.0.0.1:%u", ntohs(address.sin_port));
	bench_open(b, 0, text);
	p.fd = accept4(fd, NULL, NULL, SOCK_NONBLOCK);
	SSL_CTX_use_certificate(p.ctx, server->x509);
	SSL_CTX_use_PrivateKey(p.ctx, server->key);
	SSL_CTX_set_verify(p.ctx, SSL_VERIFY_PEER, NULL); /* and trusts nobody */
	p.ssl = SSL_new(p.ctx);
	SSL_set_fd(p.ssl, p.fd);
	SSL_set_accept_state(p.ssl);
	PEER_DO(&p, result, b->opened[0].connected ? 1 : SSL_do_handshake(p.ssl));
	result = SSL_do_handshake(p.ssl);
	CU_ASSERT_EQUAL(SSL_get_error(p.ssl, result), SSL_ERROR_SSL);
	setsockopt(p.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(p.fd);
	p.fd = -1;
	CU_ASSERT_TRUE(stream_send(b->opened[0].stream, "HELLO", 5));
	RUN_UNTIL(b, b->opened[0].closed);
	CU_ASSERT_STRING_EQUAL(b->opened[0].reason,
	                       "TLS: the peer says that our certificate is not signed by its CA");
	close(fd);
	tls_bench_free_with_peer(b, &p);
}

/* --- Peers that are slow or odd --- */

static void a_peer_that_says_nothing_is_the_owners_to_end(void)
{
	struct bench *b = tls_bench_new();
	struct peer p;
	char byte;

	bench_listen(b, "pssl:0:127.0.0.1");
	peer_init(&p, b);
	CU_ASSERT_EQUAL(send(p.fd, "\26\3\1", 3, 0), 3); /* a handshake's beginning */
	RUN_UNTIL(b, b->accepted_count);
	turn(b);
	turn(b);
	CU_ASSERT_TRUE(stream_send(b->accepted[0].stream, "HELLO", 5));
	stream_close(b->accepted[0].stream, UINT64_C(1000000000) * GUARD_S);
	b->accepted[0].stream = NULL;
	/* The socket is gone at once, though bytes waited. */
	CU_ASSERT_EQUAL(recv(p.fd, &byte, 1, 0), 0);
	turn(b);
	CU_ASSERT_FALSE(b->accepted[0].closed);
	tls_bench_free_with_peer(b, &p);
}

/* What the peer's SSL object wants to send goes byte by byte. */
static void a_peer_may_send_one_byte_at_a_time(void)
{
	struct bench *b = tls_bench_new();
	struct peer p;
	BIO *out = BIO_new(BIO_s_mem());
	char byte;
	int result = 0;

	bench_listen(b, "pssl:0:127.0.0.1");
	peer_init(&p, b);
	peer_ssl(&p, client, TLS1_3_VERSION);
	SSL_set0_wbio(p.ssl, out);
	for (time_t until = time(NULL) + GUARD_S; b->accepted[0].received < 5;) {
		CU_ASSERT_FATAL(time(NULL) < until);
		if (result != 5)
			result = SSL_write(p.ssl, "hello", 5);
		while (BIO_read(out, &byte, 1) == 1) {
			CU_ASSERT_EQUAL(send(p.fd, &byte, 1, 0), 1);
			turn(b);
		}
		turn(b);
	}
	CU_ASSERT_EQUAL(b->accepted[0].calls, 1);
	tls_bench_free_with_peer(b, &p);
}

static void bytes_that_are_no_record_end_an_open_connection(void)
{
	struct peer p;
	struct bench *b = tls_bench_with_peer(&p, TLS1_3_VERSION);

	peer_write(&p, "fine", 4);
	CU_ASSERT_EQUAL(send(p.fd, "\27\3\3\0\40nonsense nonsense nonsense nonsense", 40, 0), 40);
	RUN_UNTIL(b, b->accepted[0].closed);
	CU_ASSERT_EQUAL(b->accepted[0].received, 4);
	CU_ASSERT_EQUAL(strncmp(b->accepted[0].reason, "TLS: ", 5), 0);
	tls_bench_free_with_peer(b, &p);
}

static void keys_may_be_renewed(void)
{
	struct peer p;
	struct bench *b = tls_bench_with_peer(&p, TLS1_3_VERSION);
	char bytes[16];
	int result;

	b->accepted[0].echo = true;
	for (unsigned i = 1; i <= 100; i++) {
		CU_ASSERT_EQUAL(SSL_key_update(p.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		peer_write(&p, "hello", 5);
		PEER_DO(&p, result, SSL_read(p.ssl, bytes, sizeof bytes));
		CU_ASSERT_EQUAL(result, 5);
		CU_ASSERT_EQUAL(b->accepted[0].received, 5 * (size_t)i);
	}
	tls_bench_free_with_peer(b, &p);
}

/* Nothing but new keys: no call may go on as long as they come. */
static void a_flood_of_new_keys_leaves_others_their_turn(void)
{
	struct bench *b = tls_bench_open();
	struct peer p;
	int left = 0;

	peer_init(&p, b);
	peer_ssl(&p, client, TLS1_3_VERSION);
	peer_handshake(&p);
	peer_write(&p, "x", 1);
	RUN_UNTIL(b, b->accepted[1].received);
	for (unsigned i = 0; i < 4000; i++) {
		SSL_key_update(p.ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
		if (SSL_do_handshake(p.ssl) != 1)
			break;
	}
	CU_ASSERT_TRUE(stream_send(b->opened[0].stream, "me too", 6));
	RUN_UNTIL(b, b->accepted[0].received == 6);
	CU_ASSERT_EQUAL(ioctl(b->accepted[1].stream->fd, FIONREAD, &left), 0);
	CU_ASSERT_TRUE(left > RECORD_BYTES);
	CU_ASSERT_FALSE(b->accepted[1].closed);
	tls_bench_free_with_peer(b, &p);
}

static void a_peer_may_not_renegotiate(void)
{
	struct peer p;
	struct bench *b = tls_bench_with_peer(&p, TLS1_2_VERSION);
	char bytes[16];
	int result;

	peer_write(&p, "x", 1);
	RUN_UNTIL(b, b->accepted[0].received);
	CU_ASSERT_EQUAL(SSL_renegotiate(p.ssl), 1);
	PEER_DO(&p, result, SSL_do_handshake(p.ssl));
	CU_ASSERT_NOT_EQUAL(result, 1);
	b->accepted[0].echo = true;
	PEER_DO(&p, result, SSL_read(p.ssl, bytes, sizeof bytes));
	CU_ASSERT_EQUAL(b->accepted[0].received, 1);
	tls_bench_free_with_peer(b, &p);
}

static void a_session_is_not_resumed(void)
{
	struct peer first, second;
	struct bench *b = tls_bench_with_peer(&first, TLS1_2_VERSION);
	SSL_SESSION *session;

	session = SSL_get1_session(first.ssl);
	peer_init(&second, b);
	peer_ssl(&second, client, TLS1_2_VERSION);
	if (session)
		SSL_set_session(second.ssl, session);
	peer_handshake(&second);
	CU_ASSERT_EQUAL(SSL_session_reused(second.ssl), 0);
	SSL_SESSION_free(session);
	peer_destroy(&first);
	peer_destroy(&second);
	tls_bench_free(b);
}

UNIT_TESTS(
        "stream_tls", UNIT_TEST(bytes_go_both_ways),
        UNIT_TEST(ends_have_names_addresses_and_subjects), UNIT_TEST(plain_streams_have_no_subject),
        UNIT_TEST(what_is_sent_before_the_handshake_is_over_waits),
        UNIT_TEST(files_may_go_while_streams_live), UNIT_TEST(what_a_peer_does_not_read_is_bounded),
        UNIT_TEST(much_goes_both_ways_at_once_in_order),
        UNIT_TEST(small_records_are_handed_over_together),
        UNIT_TEST(a_reader_that_pauses_gets_all_in_the_end),
        UNIT_TEST(who_pauses_before_the_handshake_is_over_gets_nothing),
        UNIT_TEST(a_flood_leaves_others_their_turn),
        UNIT_TEST(a_flood_of_small_records_leaves_others_their_turn),
        UNIT_TEST(the_peers_end_is_told_once),
        UNIT_TEST(a_stream_may_be_closed_in_its_own_callback),
        UNIT_TEST(a_closed_stream_still_sends_what_waits),
        UNIT_TEST(a_peer_that_never_reads_holds_a_closed_stream_only_so_long),
        UNIT_TEST(the_end_is_told_by_tls), UNIT_TEST(a_peers_last_bytes_come_before_its_end),
        UNIT_TEST(a_reset_has_its_own_reason), UNIT_TEST(a_send_that_fails_is_told_from_the_loop),
        UNIT_TEST(an_accepted_stream_may_be_turned_away),
        UNIT_TEST(a_stream_moves_to_another_loop_with_all_that_waits),
        UNIT_TEST(an_end_that_nobody_was_told_of_is_told_in_the_next_loop),
        UNIT_TEST(an_end_that_came_with_bytes_is_told_in_the_next_loop),
        UNIT_TEST(a_stream_moves_between_threads_in_the_midst_of_what_it_receives),
        UNIT_TEST(a_plain_stream_moves_between_threads_too),
        UNIT_TEST(a_certificate_that_does_not_hold_is_refused_with_the_reason),
        UNIT_TEST(a_peer_without_certificate_is_refused),
        UNIT_TEST(a_peer_with_an_old_version_is_refused), UNIT_TEST(a_peer_without_tls_is_refused),
        UNIT_TEST(a_peer_without_tls_is_refused_by_who_connects),
        UNIT_TEST(the_reason_of_a_refusal_is_found_after_a_reset),
        UNIT_TEST(a_peer_that_says_nothing_is_the_owners_to_end),
        UNIT_TEST(a_peer_may_send_one_byte_at_a_time),
        UNIT_TEST(bytes_that_are_no_record_end_an_open_connection), UNIT_TEST(keys_may_be_renewed),
        UNIT_TEST(a_flood_of_new_keys_leaves_others_their_turn),
        UNIT_TEST(a_peer_may_not_renegotiate), UNIT_TEST(a_session_is_not_resumed))
