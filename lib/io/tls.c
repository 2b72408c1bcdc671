/* Keys and certificates of TLS; see tls.h.
 *
 * The files are read one by one, so that what is wrong can be told of the right one. Sessions are
 * not resumed: every connection shows and checks certificates. Peers may not renegotiate. A
 * connection that ends without TLS's own notice of the end is an end like others: the messages that
 * are carried have lengths. */
#include "lib/io/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

enum { WARNING_BYTES = 512 };

struct tls {
	SSL_CTX *ctx;
	char warning[WARNING_BYTES];
};

const char *tls_config_missing(const struct tls_config *config)
{
	return !config->private_key   ? "private-key"
	       : !config->certificate ? "certificate"
	       : !config->ca_cert     ? "ca-cert"
	                              : NULL;
}

const char *tls_config_given(const struct tls_config *config)
{
	return config->private_key   ? "private-key"
	       : config->certificate ? "certificate"
	       : config->ca_cert     ? "ca-cert"
	                             : NULL;
}

/* What is being read. */
struct load {
	const char *what; /* "private key" */
	const char *path;
	bool encrypted; /* a passphrase was asked for */
	char *error;
	size_t error_size;
};

static bool fail(const struct load *load, const char *why)
{
	snprintf(load->error, load->error_size, "%s '%s': %s", load->what, load->path, why);
	return false;
}

/* A program without a terminal has nobody to ask. */
static int on_passphrase(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	((struct load *)arg)->encrypted = true;
	return -1;
}

/* The file holds nothing of the kind. */
static bool is_nothing_found(unsigned long error)
{
	int library = ERR_GET_LIB(error), reason = ERR_GET_REASON(error);

	return !error || library == ERR_LIB_OSSL_DECODER ||
	       (library == ERR_LIB_PEM && reason == PEM_R_NO_START_LINE) ||
	       (library == ERR_LIB_X509 && reason == X509_R_NO_CERTIFICATE_OR_CRL_FOUND);
}

/* OpenSSL's words for what went wrong first, or ours for the cases that are frequent. */
static bool fail_openssl(const struct load *load, const char *nothing_found)
{
	unsigned long error = ERR_peek_error();
	char why[200];

	if (load->encrypted)
		return fail(load,
		            "it is encrypted: write it without a passphrase, as 'openssl pkey' "
		            "does");
	if (is_nothing_found(error))
		return fail(load, nothing_found);
	snprintf(why, sizeof why, "it cannot be used: %s", ERR_reason_error_string(error));
	return fail(load, why);
}

static bool is_readable(const struct load *load)
{
	FILE *file = fopen(load->path, "rb");
	int error = errno;

	if (file && fgetc(file) == EOF && ferror(file))
		error = errno; /* a folder, say */
	else if (file)
		error = 0;
	if (file)
		fclose(file);
	return !error || fail(load, strerror(error));
}

static bool load_certificate(SSL_CTX *ctx, struct load *load)
{
	if (!is_readable(load))
		return false;
	ERR_clear_error();
	return SSL_CTX_use_certificate_chain_file(ctx, load->path) == 1 ||
	       fail_openssl(load, "it holds no certificate in PEM form");
}

static bool is_mismatch(unsigned long error)
{
	return ERR_GET_LIB(error) == ERR_LIB_X509 &&
	       (ERR_GET_REASON(error) == X509_R_KEY_VALUES_MISMATCH ||
	        ERR_GET_REASON(error) == X509_R_KEY_TYPE_MISMATCH);
}

/* The certificate is there already. */
static bool load_private_key(SSL_CTX *ctx, struct load *load, const char *certificate)
{
	bool read;
	char why[400];

	if (!is_readable(load))
		return false;
	ERR_clear_error();
	SSL_CTX_set_default_passwd_cb(ctx, on_passphrase);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, load);
	read = SSL_CTX_use_PrivateKey_file(ctx, load->path, SSL_FILETYPE_PEM) == 1;
	SSL_CTX_set_default_passwd_cb(ctx, NULL);
	SSL_CTX_set_default_passwd_cb_userdata(ctx, NULL);
	if (read ? SSL_CTX_check_private_key(ctx) == 1 : !is_mismatch(ERR_peek_error()))
		return read || fail_openssl(load, "it holds no private key in PEM form");
	snprintf(why, sizeof why, "it does not belong to the certificate '%.300s'", certificate);
	return fail(load, why);
}

static bool load_ca_cert(SSL_CTX *ctx, struct load *load)
{
	STACK_OF(X509_NAME) * names;

	if (!is_readable(load))
		return false;
	ERR_clear_error();
	if (SSL_CTX_load_verify_locations(ctx, load->path, NULL) != 1)
		return fail_openssl(load, "it holds no certificate in PEM form");
	names = SSL_load_client_CA_file(load->path);
	if (!names)
		return fail_openssl(load, "it holds no certificate in PEM form");
	SSL_CTX_set_client_CA_list(ctx, names);
	return true;
}

static bool load_all(SSL_CTX *ctx, const struct tls_config *config, char *error, size_t error_size)
{
	struct load certificate = {.what = "certificate",
	                           .path = config->certificate,
	                           .error = error,
	                           .error_size = error_size};
	struct load key = certificate, ca = certificate;

	key.what = "private key";
	key.path = config->private_key;
	ca.what = "CA certificate";
	ca.path = config->ca_cert;
	return load_certificate(ctx, &certificate) &&
	       load_private_key(ctx, &key, config->certificate) && load_ca_cert(ctx, &ca);
}

/* Would a peer with the same authorities take our certificate? Its purpose is not looked at. */
static void check_own(struct tls *tls, const struct tls_config *config)
{
	X509_STORE_CTX *check = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = NULL;
	int result = X509_V_OK;

	SSL_CTX_get0_chain_certs(tls->ctx, &chain);
	if (!check || !X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(tls->ctx),
	                                   SSL_CTX_get0_certificate(tls->ctx), chain))
		xalloc_failed("the check of our certificate");
	if (X509_verify_cert(check) != 1)
		result = X509_STORE_CTX_get_error(check);
	if (result != X509_V_OK)
		snprintf(tls->warning, sizeof tls->warning,
		         "certificate '%.200s': peers may refuse it: %s", config->certificate,
		         X509_verify_cert_error_string(result));
	X509_STORE_CTX_free(check);
	ERR_clear_error();
}

/* Not SSL_MODE_AUTO_RETRY: a peer that sends nothing but notices for TLS itself would keep a read
 * going for ever. Without it a read returns when the bytes that are there are used up. */
static SSL_CTX *context_new(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION))
		xalloc_failed("a TLS context");
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	                                 SSL_OP_NO_TICKET | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return ctx;
}

struct tls *tls_new(const struct tls_config *config, char *error, size_t error_size)
{
	struct tls *tls = xcalloc(1, sizeof *tls);

	tls->ctx = context_new();
	if (!load_all(tls->ctx, config, error, error_size)) {
		ERR_clear_error();
		tls_free(tls);
		return NULL;
	}
	check_own(tls, config);
	return tls;
}

const char *tls_warning(const struct tls *tls)
{
	return tls->warning;
}

void tls_free(struct tls *tls)
{
	if (!tls)
		return;
	SSL_CTX_free(tls->ctx);
	free(tls);
}

struct ssl_ctx_st *tls_context(const struct tls *tls)
{
	return tls->ctx;
}
