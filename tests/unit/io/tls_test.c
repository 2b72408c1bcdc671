/* What is told of files that cannot be used for TLS. */
#include "lib/io/tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/harness.h"
#include "tests/unit/io/certificates.h"

/* A folder with an authority, "ca", and two that it has signed for. */
struct files {
	struct certificates certificates;
	const struct certificate *ca, *own, *other;
	struct tls_config config;
	char extra[CERTIFICATES_PATH_BYTES]; /* a file of the test's */
	char error[512];
};

static struct files *files_new(void)
{
	struct files *f = calloc(1, sizeof *f);

	certificates_init(&f->certificates);
	f->ca = certificates_add(&f->certificates, "ca", NULL, -DAY_S, DAY_S);
	f->own = certificates_add(&f->certificates, "own", f->ca, -DAY_S, DAY_S);
	f->other = certificates_add(&f->certificates, "other", f->ca, -DAY_S, DAY_S);
	f->config = (struct tls_config){f->own->key_path, f->own->path, f->ca->path};
	snprintf(f->extra, sizeof f->extra, "%s/extra", f->certificates.dir);
	return f;
}

static void files_free(struct files *f)
{
	unlink(f->extra);
	certificates_destroy(&f->certificates);
	free(f);
}

static void write_extra(const struct files *f, const char *text)
{
	FILE *file = fopen(f->extra, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs(text, file);
	fclose(file);
}

/* The files are refused, with the kind and the path of one of them, and 'why'. */
static void assert_refused(struct files *f, const char *what, const char *path, const char *why)
{
	char text[300];

	snprintf(text, sizeof text, "%s '%s': ", what, path);
	CU_ASSERT_PTR_NULL(tls_new(&f->config, f->error, sizeof f->error));
	CU_ASSERT_EQUAL(strncmp(f->error, text, strlen(text)), 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(f->error, why));
	if (!strstr(f->error, why))
		printf("# %s\n", f->error);
}

static void files_that_fit_are_taken_without_a_warning(void)
{
	struct files *f = files_new();
	struct tls *tls = certificates_tls(f->own, f->ca);

	CU_ASSERT_STRING_EQUAL(tls_warning(tls), "");
	CU_ASSERT_PTR_NOT_NULL(tls_context(tls));
	tls_free(tls);
	tls_free(NULL);
	files_free(f);
}

static void a_file_that_cannot_be_read_is_named(void)
{
	struct files *f = files_new();

	f->config.private_key = f->extra;
	assert_refused(f, "private key", f->extra, strerror(ENOENT));
	f->config.private_key = f->own->key_path;
	f->config.certificate = f->extra;
	assert_refused(f, "certificate", f->extra, strerror(ENOENT));
	f->config.certificate = f->own->path;
	f->config.ca_cert = f->extra;
	assert_refused(f, "CA certificate", f->extra, strerror(ENOENT));
	f->config.ca_cert = f->certificates.dir;
	assert_refused(f, "CA certificate", f->certificates.dir, strerror(EISDIR));
	files_free(f);
}

static void a_file_of_another_kind_is_named(void)
{
	struct files *f = files_new();

	write_extra(f, "Dear reader,\n");
	f->config.private_key = f->extra;
	assert_refused(f, "private key", f->extra, "holds no private key");
	f->config.private_key = f->own->path;
	assert_refused(f, "private key", f->own->path, "holds no private key");
	f->config.private_key = f->own->key_path;
	f->config.certificate = f->own->key_path;
	assert_refused(f, "certificate", f->own->key_path, "holds no certificate");
	f->config.certificate = f->extra;
	assert_refused(f, "certificate", f->extra, "holds no certificate");
	f->config.certificate = f->own->path;
	f->config.ca_cert = f->ca->key_path;
	assert_refused(f, "CA certificate", f->ca->key_path, "holds no certificate");
	write_extra(f, "");
	f->config.ca_cert = f->extra;
	assert_refused(f, "CA certificate", f->extra, "holds no certificate");
	files_free(f);
}

static void a_damaged_file_is_named(void)
{
	struct files *f = files_new();

	write_extra(f, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	f->config.certificate = f->extra;
	assert_refused(f, "certificate", f->extra, "cannot be used");
	f->config.certificate = f->own->path;
	f->config.ca_cert = f->extra;
	assert_refused(f, "CA certificate", f->extra, "cannot be used");
	files_free(f);
}

static void a_key_of_another_certificate_is_refused(void)
{
	struct files *f = files_new();
	const struct certificate *rsa =
	        certificates_add_key(&f->certificates, "rsa", f->ca, EVP_RSA_gen(2048), -1, DAY_S);

	f->config.private_key = f->other->key_path;
	assert_refused(f, "private key", f->other->key_path, "does not belong to the certificate");
	CU_ASSERT_PTR_NOT_NULL(strstr(f->error, f->own->path));
	f->config.private_key = rsa->key_path;
	assert_refused(f, "private key", rsa->key_path, "does not belong to the certificate");
	files_free(f);
}

static void a_key_with_a_passphrase_is_refused(void)
{
	struct files *f = files_new();
	FILE *file = fopen(f->extra, "w");

	CU_ASSERT_EQUAL(PEM_write_PrivateKey(file, f->own->key, EVP_aes_128_cbc(),
	                                     (unsigned char *)"secret", 6, NULL, NULL),
	                1);
	fclose(file);
	f->config.private_key = f->extra;
	assert_refused(f, "private key", f->extra, "encrypted");
	files_free(f);
}

static void a_key_that_is_too_short_is_refused(void)
{
	struct files *f = files_new();
	const struct certificate *weak =
	        certificates_add_key(&f->certificates, "weak", f->ca, EVP_RSA_gen(512), -1, DAY_S);

	f->config.private_key = weak->key_path;
	f->config.certificate = weak->path;
	assert_refused(f, "certificate", weak->path, "too small");
	files_free(f);
}

static void assert_warns(struct files *f, const struct certificate *own, const char *text)
{
	struct tls *tls = certificates_tls(own, f->ca);

	CU_ASSERT_PTR_NOT_NULL(strstr(tls_warning(tls), own->path));
	CU_ASSERT_PTR_NOT_NULL(strstr(tls_warning(tls), text));
	tls_free(tls);
}

/* Peers may see it otherwise: their clocks, and their authorities, are their own. */
static void a_certificate_that_peers_will_refuse_is_a_warning(void)
{
	struct files *f = files_new();
	struct certificates *all = &f->certificates;
	const struct certificate *foreign = certificates_add(all, "foreign", NULL, -DAY_S, DAY_S);

	assert_warns(f, certificates_add(all, "expired", f->ca, -2L * DAY_S, -DAY_S), "expired");
	assert_warns(f, certificates_add(all, "early", f->ca, DAY_S, 2L * DAY_S), "not yet valid");
	assert_warns(f, certificates_add(all, "lost", foreign, -DAY_S, DAY_S), "issuer");
	files_free(f);
}

UNIT_TESTS("tls", UNIT_TEST(files_that_fit_are_taken_without_a_warning),
           UNIT_TEST(a_file_that_cannot_be_read_is_named),
           UNIT_TEST(a_file_of_another_kind_is_named), UNIT_TEST(a_damaged_file_is_named),
           UNIT_TEST(a_key_of_another_certificate_is_refused),
           UNIT_TEST(a_key_with_a_passphrase_is_refused),
           UNIT_TEST(a_key_that_is_too_short_is_refused),
           UNIT_TEST(a_certificate_that_peers_will_refuse_is_a_warning))
