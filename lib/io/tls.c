/* Keys and certificates of TLS; see tls.h. */
#include "lib/io/tls.h"

#include <stdio.h>

struct tls *tls_new(const struct tls_config *config, char *error, size_t error_size)
{
	(void)config;
	snprintf(error, error_size, "TLS is not built in");
	return NULL;
}

const char *tls_warning(const struct tls *tls)
{
	(void)tls;
	return "";
}

void tls_free(struct tls *tls)
{
	(void)tls;
}
