/* Reports: JSON, written value by value. See <flowbed/report.h>.
 *
 * Text goes to memory that doubles up to the report's limit; what would pass it sets 'overflow', and
 * nothing more is written. Lists stop showing items when an eighth of the limit is left, so that
 * only a report of very many single values can overflow. */
#include <flowbed/report.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <flowbed/openflow.h>
#include <flowbed/time.h>

#include "lib/base/xalloc.h"

enum {
	BYTES_FIRST = 4096,
	REST_SHARE = 8, /* one of so many parts of the limit is left to what follows lists */
	NUMBER_BYTES = 32,
};

void fb_report_init(struct fb_report *report, size_t bytes_max, uint32_t list_max)
{
	*report = (struct fb_report){.bytes_max = bytes_max, .list_max = list_max};
}

void fb_report_destroy(struct fb_report *report)
{
	free(report->text);
	*report = (struct fb_report){0};
}

/* --- Bytes --- */

static void put(struct fb_report *report, const char *bytes, size_t len)
{
	size_t size = report->size ? report->size : BYTES_FIRST;

	if (report->overflow || len > report->bytes_max - report->len) {
		report->overflow = true;
		return;
	}
	while (size - report->len <= len)
		size *= 2;
	if (size != report->size) {
		report->text = xrealloc(report->text, size);
		report->size = size;
	}
	memcpy(report->text + report->len, bytes, len);
	report->len += len;
	report->text[report->len] = '\0';
}

static void put_str(struct fb_report *report, const char *text)
{
	put(report, text, strlen(text));
}

/* --- Texts --- */

/* The length of the UTF-8 sequence that 'len' bytes begin with; 0: it is none. Overlong forms,
 * surrogates and what lies above U+10FFFF are none (RFC 3629). */
static size_t sequence_len(const uint8_t *bytes, size_t len)
{
	uint8_t low = 0x80, high = 0xbf; /* of the second byte */
	size_t wanted;

	if (bytes[0] < 0x80)
		return 1;
	if (bytes[0] < 0xc2 || bytes[0] > 0xf4)
		return 0;
	wanted = bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
	if (bytes[0] == 0xe0)
		low = 0xa0;
	else if (bytes[0] == 0xed)
		high = 0x9f;
	else if (bytes[0] == 0xf0)
		low = 0x90;
	else if (bytes[0] == 0xf4)
		high = 0x8f;
	if (len < wanted || bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < wanted; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return wanted;
}

/* Control characters, those of a terminal above ASCII too (U+0080 to U+009F), as \u00XX. */
static bool is_control(const uint8_t *bytes, size_t len, unsigned *code)
{
	*code = len == 2 ? (bytes[0] & 0x1fu) << 6 | (bytes[1] & 0x3fu) : bytes[0];
	return len <= 2 && (*code < 0x20 || (*code >= 0x7f && *code < 0xa0));
}

static void put_char(struct fb_report *report, const uint8_t *bytes, size_t len)
{
	char escaped[NUMBER_BYTES];
	unsigned code;

	if (is_control(bytes, len, &code)) {
		snprintf(escaped, sizeof escaped, "\\u%04x", code);
		put_str(report, escaped);
		return;
	}
	if (len == 1 && (bytes[0] == '"' || bytes[0] == '\\'))
		put_str(report, "\\");
	put(report, (const char *)bytes, len);
}

/* How many bytes stand for themselves: nearly all of nearly every text. */
static size_t plain_len(const uint8_t *bytes, size_t len)
{
	size_t plain = 0;

	while (plain < len && bytes[plain] >= 0x20 && bytes[plain] < 0x7f && bytes[plain] != '"' &&
	       bytes[plain] != '\\')
		plain++;
	return plain;
}

static void put_text(struct fb_report *report, const char *text, size_t len)
{
	const uint8_t *bytes = (const uint8_t *)text;

	put_str(report, "\"");
	for (size_t at = 0; at < len;) {
		size_t plain = plain_len(bytes + at, len - at), char_len;

		put(report, text + at, plain);
		at += plain;
		if (at == len)
			break;
		char_len = sequence_len(bytes + at, len - at);
		if (char_len)
			put_char(report, bytes + at, char_len);
		else
			put_str(report, "\\ufffd");
		at += char_len ? char_len : 1;
	}
	put_str(report, "\"");
}

/* --- Values --- */

/* What stands in front of a value. */
static void begin_value(struct fb_report *report, const char *key)
{
	if (report->comma)
		put_str(report, ",");
	if (key) {
		put_text(report, key, strlen(key));
		put_str(report, ":");
	}
	report->comma = true;
}

static void plain_value(struct fb_report *report, const char *key, const char *value)
{
	begin_value(report, key);
	put_str(report, value);
}

void fb_report_u64(struct fb_report *report, const char *key, uint64_t value)
{
	char number[NUMBER_BYTES];

	snprintf(number, sizeof number, "%" PRIu64, value);
	plain_value(report, key, number);
}

void fb_report_bool(struct fb_report *report, const char *key, bool value)
{
	plain_value(report, key, value ? "true" : "false");
}

void fb_report_null(struct fb_report *report, const char *key)
{
	plain_value(report, key, "null");
}

void fb_report_text(struct fb_report *report, const char *key, const char *text)
{
	begin_value(report, key);
	put_text(report, text, strlen(text));
}

void fb_report_mac(struct fb_report *report, const char *key, const uint8_t mac[FB_MAC_BYTES])
{
	char text[NUMBER_BYTES];

	snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
	         mac[4], mac[5]);
	fb_report_text(report, key, text);
}

void fb_report_ip(struct fb_report *report, const char *key, uint32_t ip)
{
	char text[NUMBER_BYTES];

	snprintf(text, sizeof text, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255,
	         ip & 255);
	fb_report_text(report, key, text);
}

void fb_report_dpid(struct fb_report *report, const char *key, uint64_t dpid)
{
	char text[NUMBER_BYTES];

	snprintf(text, sizeof text, "%016" PRIx64, dpid);
	fb_report_text(report, key, text);
}

void fb_report_vlan(struct fb_report *report, const char *key, uint16_t dl_vlan)
{
	if (dl_vlan == OFP_VLAN_NONE)
		fb_report_null(report, key);
	else
		fb_report_u64(report, key, dl_vlan);
}

void fb_report_duration(struct fb_report *report, const char *key, uint64_t ns)
{
	char number[NUMBER_BYTES];

	if (ns == FB_NEVER) {
		fb_report_null(report, key);
		return;
	}
	snprintf(number, sizeof number, "%" PRIu64 ".%03u", ns / FB_NS_PER_S,
	         (unsigned)(ns % FB_NS_PER_S / FB_NS_PER_MS));
	plain_value(report, key, number);
}

void fb_report_age(struct fb_report *report, const char *key, uint64_t since_ns, uint64_t now_ns)
{
	fb_report_duration(report, key, since_ns < now_ns ? now_ns - since_ns : 0);
}

void fb_report_names(struct fb_report *report, const char *key, const char *names)
{
	fb_report_begin_plain_list(report, key);
	if (strcmp(names, "0") == 0)
		names = "";
	while (*names) {
		size_t len = strcspn(names, ",");

		begin_value(report, NULL);
		put_text(report, names, len);
		names += len + (names[len] == ',');
	}
	fb_report_end_plain_list(report);
}

void fb_report_json(struct fb_report *report, const char *key, const char *json, size_t len)
{
	begin_value(report, key);
	put(report, json, len);
}

/* --- Maps and lists --- */

static void begin(struct fb_report *report, const char *key, const char *bracket)
{
	assert(report->depth < FB_REPORT_DEPTH_MAX);
	plain_value(report, key, bracket);
	report->shown[report->depth++] = 0;
	report->comma = false;
}

static void end(struct fb_report *report, const char *bracket)
{
	assert(report->depth > 0);
	put_str(report, bracket);
	report->depth--;
	report->comma = true;
}

void fb_report_begin_map(struct fb_report *report, const char *key)
{
	begin(report, key, "{");
}

void fb_report_end_map(struct fb_report *report)
{
	end(report, "}");
}

void fb_report_begin_plain_list(struct fb_report *report, const char *key)
{
	begin(report, key, "[");
}

void fb_report_end_plain_list(struct fb_report *report)
{
	end(report, "]");
}

void fb_report_begin_list(struct fb_report *report, const char *key, uint64_t count, uint64_t limit)
{
	fb_report_begin_map(report, key);
	fb_report_u64(report, "count", count);
	if (limit)
		fb_report_u64(report, "limit", limit);
	else
		fb_report_null(report, "limit");
	fb_report_begin_plain_list(report, "items");
}

bool fb_report_more(struct fb_report *report)
{
	uint32_t *shown = &report->shown[report->depth - 1];

	assert(report->depth > 0);
	if (report->overflow || *shown == report->list_max)
		return false;
	if (report->len > report->bytes_max - report->bytes_max / REST_SHARE) {
		report->cut = true;
		return false;
	}
	++*shown;
	return true;
}

void fb_report_end_list(struct fb_report *report)
{
	uint32_t shown = report->shown[report->depth - 1];

	fb_report_end_plain_list(report);
	fb_report_u64(report, "shown", shown);
	fb_report_end_map(report);
}
