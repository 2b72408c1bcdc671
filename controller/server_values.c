/* Values of an answer as texts for people; see server_values.h. */
#include "controller/server_values.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flowbed/text.h>

const char *server_values_grouped(uint64_t number, char text[SERVER_VALUES_BYTES])
{
	char digits[32];
	int len = snprintf(digits, sizeof digits, "%" PRIu64, number), to = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text[to++] = ',';
		text[to++] = digits[i];
	}
	text[to] = '\0';
	return text;
}

const char *server_values_duration(const char *seconds, char text[SERVER_VALUES_BYTES])
{
	char *fraction;
	uint64_t s = strtoull(seconds, &fraction, 10);
	char tenth = *fraction == '.' ? fraction[1] : '0';

	if (s < 10)
		snprintf(text, SERVER_VALUES_BYTES, "%" PRIu64 ".%cs", s, tenth);
	else if (s < 60)
		snprintf(text, SERVER_VALUES_BYTES, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(text, SERVER_VALUES_BYTES, "%" PRIu64 "m%02us", s / 60,
		         (unsigned)(s % 60));
	else if (s < 86400)
		snprintf(text, SERVER_VALUES_BYTES, "%" PRIu64 "h%02um", s / 3600,
		         (unsigned)(s / 60 % 60));
	else
		snprintf(text, SERVER_VALUES_BYTES, "%" PRIu64 "d%02uh", s / 86400,
		         (unsigned)(s / 3600 % 24));
	return text;
}

const char *server_values_size(uint64_t bytes, char text[SERVER_VALUES_BYTES])
{
	static const char units[] = "kMGTPE";
	uint64_t unit = 1000;
	size_t i = 0;

	if (bytes < unit) {
		snprintf(text, SERVER_VALUES_BYTES, "%" PRIu64 " B", bytes);
		return text;
	}
	for (; bytes / unit >= 1000 && units[i + 1]; i++)
		unit *= 1000;
	snprintf(text, SERVER_VALUES_BYTES, "%" PRIu64 ".%" PRIu64 " %cB", bytes / unit,
	         bytes % unit / (unit / 10), units[i]);
	return text;
}

const char *server_values_harmless(const char *from, char text[SERVER_VALUES_BYTES])
{
	size_t len = 0;

	for (; *from && len < SERVER_VALUES_BYTES - 1; from++) {
		unsigned char c = (unsigned char)*from;

		if ((c & 0xc0) == 0x80)
			continue; /* the rest of a character that has its "?" */
		text[len++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	text[len] = '\0';
	return text;
}

const char *server_values_joined(struct fy_node *list, const char *separator,
                                 char text[SERVER_VALUES_BYTES])
{
	struct fy_node *item;
	void *iter = NULL;
	size_t len = 0;

	text[0] = '\0';
	while (list && (item = fy_node_sequence_iterate(list, &iter))) {
		char one[SERVER_VALUES_BYTES];

		len += (size_t)snprintf(text + len, SERVER_VALUES_BYTES - len, "%s%s",
		                        len ? separator : "",
		                        server_values_harmless(server_json_scalar(item), one));
		if (len >= SERVER_VALUES_BYTES)
			break;
	}
	return text;
}

/* "3", "LOCAL". */
static const char *port_text(uint64_t port_no, char text[SERVER_VALUES_BYTES])
{
	struct fb_text t = fb_text_make(text, SERVER_VALUES_BYTES);

	fb_text_port(&t, (uint16_t)port_no);
	return text;
}

static const char *yes_no(const char *value)
{
	return strcmp(value, "true") == 0 ? "yes" : strcmp(value, "false") == 0 ? "no" : NULL;
}

bool server_values_is_time(const char *key)
{
	size_t len = strlen(key);

	return len > 2 && strcmp(key + len - 2, "_s") == 0;
}

bool server_values_is_port(const char *key)
{
	size_t len = strlen(key);

	return strcmp(key, "port") == 0 ||
	       (len > 5 && strcmp(key + len - 5, "_port") == 0 && strcmp(key, "tcp_port") != 0 &&
	        strcmp(key, "udp_port") != 0);
}

/* "3 of at most 100". */
static const char *count_text(struct fy_node *count, char text[SERVER_VALUES_BYTES])
{
	char number[SERVER_VALUES_BYTES];
	int len = snprintf(text, SERVER_VALUES_BYTES, "%.30s",
	                   server_values_grouped(server_json_number(count, "count"), number));

	if (!server_json_is_null(server_json_get(count, "limit")))
		snprintf(text + len, SERVER_VALUES_BYTES - (size_t)len, " of at most %.30s",
		         server_values_grouped(server_json_number(count, "limit"), number));
	return text;
}

static const char *number_text(const char *key, const char *number, char text[SERVER_VALUES_BYTES])
{
	if (server_values_is_time(key))
		return server_values_duration(number, text);
	if (server_values_is_port(key))
		return port_text(strtoull(number, NULL, 10), text);
	if (strchr(number, '.') || strcmp(key, "vlan") == 0)
		return server_values_harmless(number, text);
	return server_values_grouped(strtoull(number, NULL, 10), text);
}

/* "0000000000000001:3" */
static const char *place_text(struct fy_node *place, char text[SERVER_VALUES_BYTES])
{
	char dpid[SERVER_VALUES_BYTES], port[SERVER_VALUES_BYTES];

	snprintf(text, SERVER_VALUES_BYTES, "%.40s:%.20s",
	         server_values_harmless(server_json_text(place, "dpid"), dpid),
	         port_text(server_json_number(place, "port"), port));
	return text;
}

/* "tcp=22 udp=53", in one line. */
static const char *map_text(struct fy_node *map, char text[SERVER_VALUES_BYTES])
{
	struct fy_node_pair *pair;
	void *iter = NULL;
	size_t len = 0;

	while (len < SERVER_VALUES_BYTES && (pair = fy_node_mapping_iterate(map, &iter))) {
		char name[SERVER_VALUES_BYTES], one[SERVER_VALUES_BYTES];
		const char *key = server_json_scalar(fy_node_pair_key(pair));
		struct fy_node *value = fy_node_pair_value(pair);

		if (fy_node_is_scalar(value) && !server_json_is_null(value))
			len += (size_t)snprintf(text + len, SERVER_VALUES_BYTES - len, "%s%s=%s",
			                        len ? " " : "", server_values_harmless(key, name),
			                        server_values_text(key, value, one));
	}
	return text;
}

const char *server_values_text(const char *key, struct fy_node *value,
                               char text[SERVER_VALUES_BYTES])
{
	text[0] = '\0';
	if (server_json_is_null(value))
		return text;
	if (server_json_is_count(value))
		return count_text(value, text);
	if (server_json_is_list(value))
		return server_values_grouped(server_json_count(value), text);
	if (fy_node_is_mapping(value))
		return server_json_is_place(value) ? place_text(value, text)
		                                   : map_text(value, text);
	if (fy_node_is_sequence(value))
		return server_values_joined(value, " ", text);
	if (server_json_is_number(value))
		return number_text(key, server_json_scalar(value), text);
	if (server_json_is_plain(value) && yes_no(server_json_scalar(value)))
		return yes_no(server_json_scalar(value));
	return server_values_harmless(server_json_scalar(value), text);
}

const char *server_values_header(const char *key, char text[SERVER_VALUES_BYTES])
{
	server_values_harmless(key, text);
	if (server_values_is_time(text))
		text[strlen(text) - 2] = '\0';
	for (char *c = text; *c; c++)
		*c = *c == '_' ? ' ' : (char)toupper((unsigned char)*c);
	return text;
}
