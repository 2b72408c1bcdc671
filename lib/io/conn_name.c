/* Names of connections; see conn_name.h. */
#include "lib/io/conn_name.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *prefix;
	enum conn_kind kind;
	bool passive;
} methods[] = {
        {"tcp:", CONN_TCP, false}, {"ptcp:", CONN_TCP, true},   {"ssl:", CONN_SSL, false},
        {"pssl:", CONN_SSL, true}, {"unix:", CONN_UNIX, false}, {"punix:", CONN_UNIX, true},
};

enum { METHODS_COUNT = sizeof methods / sizeof methods[0] };

static bool read_port(const char *text, size_t len, bool zero_too, uint16_t *port, char *error,
                      size_t error_size)
{
	unsigned long value = 0;

	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)text[i]) || i > 5) {
			value = 65536;
			break;
		}
		value = value * 10 + (unsigned long)(text[i] - '0');
	}
	if (!len || value > 65535 || (!value && !zero_too)) {
		snprintf(error, error_size, "'%.*s' is no port: write a number from %d to 65535",
		         (int)(len < 40 ? len : 40), text, zero_too ? 0 : 1);
		return false;
	}
	*port = (uint16_t)value;
	return true;
}

/* Take the host of 'text' off: an IPv6 address in brackets, or all up to the next colon. Returns
 * what follows it, or NULL. */
static const char *read_host(const char *text, char *host, char *error, size_t error_size)
{
	const char *begin = text, *end;
	size_t len;

	if (*text == '[') {
		begin++;
		end = strchr(begin, ']');
		if (!end) {
			snprintf(error, error_size, "'%s' has no ']': write [ADDRESS]:PORT", text);
			return NULL;
		}
		text = end + 1;
	} else {
		text = end = begin + strcspn(begin, ":");
		if (strchr(end + (*end != '\0'), ':')) {
			snprintf(error, error_size,
			         "'%s' has too many colons: write an IPv6 address in brackets, "
			         "[ADDRESS]:PORT",
			         begin);
			return NULL;
		}
	}
	len = (size_t)(end - begin);
	if (!len || len >= CONN_NAME_HOST_BYTES) {
		snprintf(error, error_size,
		         len ? "the host's name is too long: at most 255 characters"
		             : "the host is missing: write an address or a name");
		return NULL;
	}
	if (*text != '\0' && *text != ':') {
		snprintf(error, error_size, "'%s' follows the host: write :PORT or nothing", text);
		return NULL;
	}
	memcpy(host, begin, len);
	host[len] = '\0';
	return text;
}

/* HOST[:PORT] */
static bool read_active(const char *rest, struct conn_name *name, char *error, size_t error_size)
{
	rest = read_host(rest, name->host, error, error_size);
	if (!rest)
		return false;
	return *rest == '\0' ||
	       read_port(rest + 1, strlen(rest + 1), false, &name->port, error, error_size);
}

/* [PORT][:HOST] */
static bool read_passive(const char *rest, struct conn_name *name, char *error, size_t error_size)
{
	size_t len = strcspn(rest, ":");

	if (len && !read_port(rest, len, true, &name->port, error, error_size))
		return false;
	rest += len;
	if (*rest == '\0')
		return true;
	rest = read_host(rest + 1, name->host, error, error_size);
	if (rest && *rest != '\0') {
		snprintf(error, error_size,
		         "'%s' follows the address: the port comes first, as in "
		         "ptcp:6653:127.0.0.1",
		         rest);
		return false;
	}
	return rest != NULL;
}

static bool read_path(const char *rest, struct conn_name *name, char *error, size_t error_size)
{
	size_t len = strlen(rest);

	if (!len || len >= CONN_NAME_PATH_BYTES) {
		snprintf(error, error_size,
		         len ? "the path of a Unix socket has at most %d characters, not %zu"
		             : "the path of the Unix socket is missing",
		         CONN_NAME_PATH_BYTES - 1, len);
		return false;
	}
	memcpy(name->path, rest, len + 1);
	return true;
}

static const char *const fitting[] = {
        [CONN_NAME_ANY] = ("tcp:HOST[:PORT], ssl:HOST[:PORT], unix:PATH, ptcp:[PORT][:HOST], "
                           "pssl:[PORT][:HOST] or punix:PATH"),
        [CONN_NAME_CONNECT] = "tcp:HOST[:PORT], ssl:HOST[:PORT] or unix:PATH",
        [CONN_NAME_LISTEN] = "ptcp:[PORT][:HOST], pssl:[PORT][:HOST] or punix:PATH",
};

bool conn_name_parse(const char *text, struct conn_name *name, char *error, size_t error_size)
{
	return conn_name_parse_for(text, CONN_NAME_ANY, name, error, error_size);
}

bool conn_name_parse_for(const char *text, enum conn_name_use use, struct conn_name *name,
                         char *error, size_t error_size)
{
	size_t i = 0;

	while (i < METHODS_COUNT &&
	       strncmp(text, methods[i].prefix, strlen(methods[i].prefix)) != 0)
		i++;
	if (i == METHODS_COUNT) {
		snprintf(error, error_size, "it begins with no known method: write %s",
		         fitting[use]);
		return false;
	}
	if (use != CONN_NAME_ANY && methods[i].passive != (use == CONN_NAME_LISTEN)) {
		snprintf(error, error_size, "this %s: write %s",
		         methods[i].passive ? "listens" : "connects", fitting[use]);
		return false;
	}
	*name = (struct conn_name){.kind = methods[i].kind,
	                           .passive = methods[i].passive,
	                           .port = CONN_NAME_PORT_DEFAULT};
	text += strlen(methods[i].prefix);
	if (name->kind == CONN_UNIX)
		return read_path(text, name, error, error_size);
	return name->passive ? read_passive(text, name, error, error_size)
	                     : read_active(text, name, error, error_size);
}
