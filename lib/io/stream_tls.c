/* TLS of streams; see stream.h and tls.h.
 *
 * A bufferevent of libevent's OpenSSL layer makes the handshake and tells when there is something to
 * read; what else libevent's layer could do is done here, with the same SSL object, because a stream
 * is to behave the same with and without TLS:
 *
 *   - Reading: the bufferevent takes one record (at most 16 KiB) in a turn of the loop, and a peer
 *     may send each message in a record of its own. So what more is there is taken too, up to the
 *     size of the thread's buffer, and handed over in one call.
 *   - Sending: a bufferevent writes in the loop's next turn. Here bytes go out at once, and those
 *     that the socket does not take wait where those of a plain stream wait (stream.c).
 *   - Moving to another loop: a bufferevent cannot. It is freed, which leaves the SSL object and
 *     the socket alone, and another one is made in the other loop.
 *
 * After each call of ours the bufferevent's own buffers are empty. What OpenSSL has read ahead and
 * not given out yet is no event of the socket any more, so wherever reading begins or stops with
 * such bytes left the stream's plain event is set to go on in the loop's next turn. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/io/stream_private.h"

enum { RECORDS_A_TURN = 64 }; /* read before others have their turn */

struct stream_tls {
	SSL *ssl;
	struct bufferevent *bev; /* NULL: not begun yet, detached, or closed by the owner */
	bool paused;             /* the owner does not read */
	bool broken;             /* nothing more can be sent */
	bool wants_read;         /* what waits goes out once something has come in */
	char ended
	        [STREAM_REASON_BYTES]; /* told after the bytes that came before; empty: it has not */
};

/* --- Reasons --- */

static const char *verify_text(long result)
{
	switch (result) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "the peer's certificate has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "the peer's certificate is not valid yet";
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return "the peer's certificate is not signed by our CA";
	default:
		return NULL;
	}
}

/* What an alert of the peer's, or what OpenSSL found wrong, means; NULL: nothing in particular. */
static const char *reason_text(int reason)
{
	switch (reason) {
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return "the peer sent no certificate";
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
		return "the peer does not speak TLS";
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
		return "the peer and we have no version of TLS in common (ours: 1.2 and later)";
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
		return "the peer says that our certificate has expired";
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
		return "the peer says that our certificate is not signed by its CA";
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
		return "the peer says that we sent no certificate";
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
		return "the peer refuses our certificate";
	default:
		return NULL;
	}
}

/* Describe a failure that OpenSSL tells as 'error'; 0: it is the system's 'system_error'. */
static void describe(const SSL *ssl, unsigned long error, int system_error,
                     char reason[STREAM_REASON_BYTES])
{
	const char *text = NULL;

	if (!error || ERR_SYSTEM_ERROR(error)) {
		snprintf(reason, STREAM_REASON_BYTES, "%s",
		         system_error ? strerror(system_error) : "TLS failed");
		return;
	}
	if (ERR_GET_LIB(error) == ERR_LIB_SSL &&
	    ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
		long result = SSL_get_verify_result(ssl);

		text = verify_text(result);
		if (!text)
			text = X509_verify_cert_error_string(result);
	} else if (ERR_GET_LIB(error) == ERR_LIB_SSL) {
		text = reason_text(ERR_GET_REASON(error));
	}
	if (!text)
		text = ERR_reason_error_string(error);
	snprintf(reason, STREAM_REASON_BYTES, "TLS: %s", text ? text : "an unknown error");
}

/* The first of the errors that a failed call left behind. Later ones are its consequences. */
static void describe_call(const SSL *ssl, char reason[STREAM_REASON_BYTES])
{
	int system_error = errno;

	describe(ssl, ERR_peek_error(), system_error, reason);
	ERR_clear_error();
}

/* The same of what the bufferevent kept, the first of which comes out last. Before the first is the
 * kind of the error, a small number. */
static void describe_event(struct stream_tls *tls, char reason[STREAM_REASON_BYTES])
{
	int system_error = EVUTIL_SOCKET_ERROR();
	unsigned long error, first = 0;

	while ((error = bufferevent_get_openssl_error(tls->bev)) != 0)
		if (ERR_GET_LIB(error) || ERR_SYSTEM_ERROR(error))
			first = error;
	describe(tls->ssl, first, system_error, reason);
}

/* --- Reading --- */

/* There are bytes that no event of the socket will tell of: go on in the loop's next turn. */
static void read_more_later(struct stream *s)
{
	const struct timeval at_once = {0, 0};

	if (SSL_has_pending(s->tls->ssl))
		event_add(s->readable, &at_once);
}

/* SSL_read() gave nothing: note an end. */
static void note_end(struct stream_tls *tls, int got)
{
	switch (SSL_get_error(tls->ssl, got)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		break;
	case SSL_ERROR_ZERO_RETURN:
		strcpy(tls->ended, STREAM_REASON_CLOSED);
		break;
	default:
		tls->broken = true;
		describe_call(tls->ssl, tls->ended);
		break;
	}
}

/* Take what is there, up to the end of the buffer; 'len' bytes are in it already. Returns how many
 * are then. Not too many records: one of a single byte costs as much as others, who wait. */
static size_t read_records(struct stream *s, uint8_t *bytes, size_t len)
{
	for (unsigned i = 0;
	     i < RECORDS_A_TURN && STREAM_READ_BYTES - len >= SSL3_RT_MAX_PLAIN_LENGTH; i++) {
		int got;

		ERR_clear_error();
		got = SSL_read(s->tls->ssl, bytes + len, SSL3_RT_MAX_PLAIN_LENGTH);
		if (got <= 0) {
			note_end(s->tls, got);
			return len;
		}
		len += (size_t)got;
	}
	read_more_later(s);
	return len;
}

/* Hand over what comes now; 'len' bytes are in the thread's buffer already. False when the stream is
 * gone or moved to another loop. */
static bool receive(struct stream *s, size_t len)
{
	uint8_t *bytes = stream_read_buffer();

	len = read_records(s, bytes, len);
	if (len && !stream_received(s, bytes, len))
		return false;
	if (!s->tls->ended[0])
		return true;
	stream_fail(s, s->tls->ended);
	return false;
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct stream *s = ctx;
	struct evbuffer *input = bufferevent_get_input(bev);

	receive(s, (size_t)evbuffer_remove(input, stream_read_buffer(), STREAM_READ_BYTES));
}

void stream_tls_readable(struct stream *s)
{
	struct stream_tls *tls = s->tls;

	event_del(s->readable);
	if (!tls->paused && !s->failure[0] && !receive(s, 0))
		return;
	if (tls->wants_read) {
		tls->wants_read = false;
		event_active(s->writable, EV_WRITE, 0);
	}
}

/* Let the bufferevent do as the owner wants. */
static void follow_owner(struct stream *s)
{
	if (s->tls->paused) {
		bufferevent_disable(s->tls->bev, EV_READ);
	} else {
		bufferevent_enable(s->tls->bev, EV_READ);
		read_more_later(s);
	}
}

void stream_tls_set_reading(struct stream *s, bool on)
{
	s->tls->paused = !on;
	if (s->state == STREAM_OPEN)
		follow_owner(s);
}

/* --- Sending --- */

/* A peer that refuses us says why and closes, which the next send finds out first: take its reason
 * if there is one. */
static void describe_last_words(SSL *ssl, char reason[STREAM_REASON_BYTES])
{
	uint8_t byte;
	int got;

	ERR_clear_error();
	got = SSL_read(ssl, &byte, sizeof byte);
	if (got <= 0 && SSL_get_error(ssl, got) == SSL_ERROR_SSL)
		describe_call(ssl, reason);
}

static void note_send_failure(struct stream *s, int got)
{
	struct stream_tls *tls = s->tls;
	char reason[STREAM_REASON_BYTES];
	int error = SSL_get_error(tls->ssl, got);

	switch (error) {
	case SSL_ERROR_WANT_WRITE:
		break;
	case SSL_ERROR_WANT_READ: /* amid an exchange of keys */
		tls->wants_read = true;
		break;
	default:
		tls->broken = true;
		describe_call(tls->ssl, reason);
		if (error == SSL_ERROR_SYSCALL)
			describe_last_words(tls->ssl, reason);
		stream_fail_later(s, reason);
		break;
	}
}

size_t stream_tls_send(struct stream *s, const uint8_t *bytes, size_t len)
{
	struct stream_tls *tls = s->tls;
	size_t sent = 0;

	while (sent < len) { /* a call takes a record at most */
		size_t rest = len - sent;
		int now;

		ERR_clear_error();
		now = SSL_write(tls->ssl, bytes + sent, rest < INT_MAX ? (int)rest : INT_MAX);
		if (now <= 0) {
			note_send_failure(s, now);
			break;
		}
		sent += (size_t)now;
	}
	return sent;
}

bool stream_tls_wants_read(const struct stream *s)
{
	return s->tls->wants_read;
}

void stream_tls_finish(struct stream *s)
{
	struct stream_tls *tls = s->tls;

	if (tls->broken || stream_pending_bytes(s) || !SSL_is_init_finished(tls->ssl) ||
	    (SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN))
		return;
	ERR_clear_error();
	SSL_shutdown(tls->ssl);
	ERR_clear_error();
}

/* --- Beginning and end --- */

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	struct stream *s = ctx;
	struct stream_tls *tls = s->tls;

	(void)bev;
	if (what & BEV_EVENT_CONNECTED) {
		follow_owner(s);
		stream_secured(s);
		return;
	}
	if (!(what & BEV_EVENT_EOF)) {
		tls->broken = true;
		describe_event(tls, tls->ended);
	} else if (s->state == STREAM_SECURING) {
		strcpy(tls->ended, "TLS: the peer closed the connection during the handshake");
	} else {
		strcpy(tls->ended, STREAM_REASON_CLOSED);
	}
	stream_fail(s, tls->ended);
}

static void bufferevent_make(struct stream *s, enum bufferevent_ssl_state state)
{
	struct stream_tls *tls = s->tls;

	tls->bev = bufferevent_openssl_socket_new(s->base, s->fd, tls->ssl, state, 0);
	if (!tls->bev)
		xalloc_failed("a TLS connection");
	bufferevent_setcb(tls->bev, on_read, NULL, on_event, s);
}

void stream_tls_init(struct stream *s, struct ssl_ctx_st *ctx)
{
	s->tls = xcalloc(1, sizeof *s->tls);
	s->tls->ssl = SSL_new(ctx);
	if (!s->tls->ssl)
		xalloc_failed("a TLS connection");
}

void stream_tls_begin(struct stream *s)
{
	s->state = STREAM_SECURING;
	bufferevent_make(s, s->adopted ? BUFFEREVENT_SSL_ACCEPTING : BUFFEREVENT_SSL_CONNECTING);
}

bool stream_tls_is_secured(const struct stream *s)
{
	return SSL_is_init_finished(s->tls->ssl);
}

/* Libevent frees a bufferevent when the calls that are under way in it have returned. With both
 * ways disabled these touch neither the SSL object nor the socket any more. */
void stream_tls_stop(struct stream *s)
{
	struct stream_tls *tls = s->tls;

	if (!tls->bev)
		return;
	bufferevent_disable(tls->bev, EV_READ | EV_WRITE);
	bufferevent_setcb(tls->bev, NULL, NULL, NULL, NULL);
	bufferevent_free(tls->bev);
	tls->bev = NULL;
}

void stream_tls_attach(struct stream *s)
{
	bufferevent_make(s, BUFFEREVENT_SSL_OPEN);
	if (s->tls->ended[0])
		stream_fail_later(s, s->tls->ended);
	else
		stream_tls_set_reading(s, true);
}

void stream_tls_free(struct stream *s)
{
	struct stream_tls *tls = s->tls;

	stream_tls_finish(s);
	stream_tls_stop(s);
	SSL_free(tls->ssl);
	free(tls);
	s->tls = NULL;
}

/* --- The peer --- */

bool stream_is_tls(const struct stream *s)
{
	return s->tls;
}

bool stream_tls_subject(const struct stream *s, char *text, size_t size)
{
	X509 *peer = s->tls ? SSL_get0_peer_certificate(s->tls->ssl) : NULL;
	BIO *memory = peer ? BIO_new(BIO_s_mem()) : NULL;
	int len = -1;

	if (memory && size &&
	    X509_NAME_print_ex(memory, X509_get_subject_name(peer), 0,
	                       XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		len = BIO_read(memory, text, (int)(size - 1 < INT_MAX ? size - 1 : INT_MAX));
		text[len < 0 ? 0 : len] = '\0';
	}
	BIO_free(memory);
	return len > 0;
}
