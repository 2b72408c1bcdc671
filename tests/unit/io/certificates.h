/* Keys and certificates for tests, made as they are needed, so that their dates are right on the day
 * of the test: an authority, whom it signs for, and files of both in a folder that goes with them. */
#ifndef CERTIFICATES_H
#define CERTIFICATES_H

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io/tls.h"
#include "tests/unit/harness.h"

enum { DAY_S = 24 * 60 * 60, CERTIFICATES_MAX = 16, CERTIFICATES_PATH_BYTES = 128 };

/* One who has a key and a certificate: NAME.key and NAME.crt. */
struct certificate {
	EVP_PKEY *key;
	X509 *x509;
	char key_path[CERTIFICATES_PATH_BYTES], path[CERTIFICATES_PATH_BYTES];
};

struct certificates {
	char dir[64];
	struct certificate all[CERTIFICATES_MAX];
	size_t count;
};

static void certificates_init(struct certificates *c)
{
	*c = (struct certificates){.dir = "/tmp/certificates-XXXXXX"};
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(c->dir));
}

static void certificates_destroy(struct certificates *c)
{
	for (size_t i = 0; i < c->count; i++) {
		EVP_PKEY_free(c->all[i].key);
		X509_free(c->all[i].x509);
		unlink(c->all[i].key_path);
		unlink(c->all[i].path);
	}
	rmdir(c->dir);
}

static void certificates_extend(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	CU_ASSERT_PTR_NOT_NULL_FATAL(extension);
	X509_add_ext(x509, extension, -1);
	X509_EXTENSION_free(extension);
}

static void certificates_write(const struct certificate *made)
{
	FILE *key = fopen(made->key_path, "w"), *crt = fopen(made->path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(key);
	CU_ASSERT_PTR_NOT_NULL_FATAL(crt);
	CU_ASSERT_EQUAL(PEM_write_PrivateKey(key, made->key, NULL, NULL, 0, NULL, NULL), 1);
	CU_ASSERT_EQUAL(PEM_write_X509(crt, made->x509), 1);
	fclose(key);
	fclose(crt);
}

/* One called 'name', valid from and until so many seconds from now, with 'key' (owned from now on),
 * signed by 'ca'; NULL: an authority, signed by itself. */
static const struct certificate *certificates_add_key(struct certificates *c, const char *name,
                                                      const struct certificate *ca, EVP_PKEY *key,
                                                      long from_s, long until_s)
{
	struct certificate *made = &c->all[c->count++];
	const struct certificate *issuer = ca ? ca : made;
	char dir[sizeof c->dir];

	CU_ASSERT_TRUE_FATAL(c->count <= CERTIFICATES_MAX && key);
	made->key = key;
	made->x509 = X509_new();
	memcpy(dir, c->dir, sizeof dir);
	snprintf(made->key_path, sizeof made->key_path, "%s/%s.key", dir, name);
	snprintf(made->path, sizeof made->path, "%s/%s.crt", dir, name);
	X509_set_version(made->x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(made->x509), (long)c->count);
	X509_gmtime_adj(X509_getm_notBefore(made->x509), from_s);
	X509_gmtime_adj(X509_getm_notAfter(made->x509), until_s);
	X509_set_pubkey(made->x509, made->key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(made->x509), "CN", MBSTRING_UTF8,
	                           (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(made->x509, X509_get_subject_name(issuer->x509));
	certificates_extend(made->x509, issuer->x509, NID_basic_constraints,
	                    ca ? "critical,CA:FALSE" : "critical,CA:TRUE");
	CU_ASSERT_TRUE(X509_sign(made->x509, issuer->key, EVP_sha256()) > 0);
	certificates_write(made);
	return made;
}

static const struct certificate *certificates_add(struct certificates *c, const char *name,
                                                  const struct certificate *ca, long from_s,
                                                  long until_s)
{
	return certificates_add_key(c, name, ca, EVP_EC_gen("P-256"), from_s, until_s);
}

/* What shows 'own' and trusts 'ca'. */
static struct tls *certificates_tls(const struct certificate *own, const struct certificate *ca)
{
	const struct tls_config config = {own->key_path, own->path, ca->path};
	char error[512] = "";
	struct tls *tls = tls_new(&config, error, sizeof error);

	CU_ASSERT_STRING_EQUAL(error, "");
	CU_ASSERT_PTR_NOT_NULL_FATAL(tls);
	return tls;
}

#endif
