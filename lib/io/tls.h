/* What a program shows of itself to TLS peers, and whom it trusts: its private key, its
 * certificate, and the certificate of the authority that signs those of its peers. Both sides of a
 * connection show a certificate and check the other's; host names in certificates are not looked
 * at. TLS 1.2 and later.
 *
 * One of these serves any number of streams, of any threads. What a stream does with it is in
 * stream_tls.c. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include <stddef.h>

struct ssl_ctx_st; /* OpenSSL's SSL_CTX */
struct tls;

struct tls_config {              /* paths of PEM files; all three are needed */
	const char *private_key; /* without a passphrase */
	const char *certificate; /* what belongs to it, with intermediate ones after it */
	const char *ca_cert;     /* one or more authorities */
};

/* The first of the three that is missing, or that is there, by Open vSwitch's name for its option:
 * "private-key", "certificate", "ca-cert". NULL: none. */
const char *tls_config_missing(const struct tls_config *config);
const char *tls_config_given(const struct tls_config *config);

/* Read the files. NULL with the file and what is wrong with it in 'error'. */
struct tls *tls_new(const struct tls_config *config, char *error, size_t error_size);
/* What a person should know though it is no error: our own certificate, or that of an authority,
 * has expired or is not yet valid, or ours is not signed by an authority of the file. Empty:
 * nothing. */
const char *tls_warning(const struct tls *tls);
/* Streams and listeners that were made with it live on. NULL is allowed. */
void tls_free(struct tls *tls);

/* For those who make connections with it. */
struct ssl_ctx_st *tls_context(const struct tls *tls);

#endif
