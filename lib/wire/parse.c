/* Parsing: the writer of errors, the elements of lists, numbers, addresses and ports. No locale has
 * a say. */
#include "lib/wire/parse.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/nearest.h"
#include "lib/wire/text_parts.h"

int parse_fail(struct fb_text *error, const char *format, ...)
{
	char buf[PARSE_WHY_BYTES];
	va_list args;

	if (!error)
		return -1;
	va_start(args, format);
	vsnprintf(buf, sizeof buf, format, args);
	va_end(args);
	fb_text_puts(error, buf);
	return -1;
}

int parse_fail_in(struct fb_text *error, const char *name, const struct fb_text *why)
{
	return parse_fail(error, "%s: %s", name, why->buf);
}

int parse_fail_unknown(struct fb_text *error, const char *kind, const char *word,
                       const char *const *known)
{
	const char *near = nearest(word, known);

	if (near)
		return parse_fail(error, "unknown %s '%s'; did you mean '%s'?", kind, word, near);
	return parse_fail(error, "unknown %s '%s'", kind, word);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool parse_same_word(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}

/* The value of a digit of any base up to 16; 16 for what is none. */
static unsigned digit_value(char c)
{
	c = lower(c);
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* Digits of 'base' up to '*end', at least one and worth at most 'max'. */
static bool digits(const char *s, unsigned base, uint64_t max, uint64_t *value, const char **end)
{
	uint64_t v = 0;
	const char *p;

	for (p = s; digit_value(*p) < base; p++) {
		unsigned d = digit_value(*p);

		if (d > max || v > (max - d) / base)
			return false;
		v = v * base + d;
	}
	*value = v;
	*end = p;
	return p != s;
}

int parse_number(const char *s, uint64_t max, uint64_t *value, struct fb_text *error)
{
	bool hex = s[0] == '0' && lower(s[1]) == 'x';
	const char *end;

	/* A leading zero would be octal to ovs-ofctl and decimal to most people. */
	if (!hex && s[0] == '0' && s[1])
		return parse_fail(error, "'%s' is not a number: write it without leading zeros", s);
	if (!digits(hex ? s + 2 : s, hex ? 16 : 10, max, value, &end) || *end)
		return parse_fail(error, "'%s' is not a number from 0 to %llu", s,
		                  (unsigned long long)max);
	return 0;
}

static bool is_separator(char c)
{
	return c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool ends_key(char c, enum parse_style style)
{
	switch (style) {
	case PARSE_FIELDS:
		return c == '=';
	case PARSE_ACTIONS:
		return c == '=' || c == ':' || c == '(';
	}
	return false;
}

static int copy_word(char word[PARSE_WORD_BYTES], const char *start, size_t len,
                     struct fb_text *error)
{
	if (len >= PARSE_WORD_BYTES)
		return parse_fail(error, "'%.20s...' is too long", start);
	memcpy(word, start, len);
	word[len] = '\0';
	return 0;
}

int parse_next(const char **s, enum parse_style style, struct parse_pair *pair,
               struct fb_text *error)
{
	const char *p = *s;
	const char *start;
	bool in_parentheses;

	while (is_separator(*p))
		p++;
	if (!*p) {
		*s = p;
		return 0;
	}
	for (start = p; *p && !is_separator(*p) && !ends_key(*p, style); p++)
		;
	if (copy_word(pair->key, start, (size_t)(p - start), error) < 0)
		return -1;
	pair->value[0] = '\0';
	pair->has_value = *p && !is_separator(*p);
	if (pair->has_value) {
		in_parentheses = *p == '(';
		for (start = ++p; *p && (in_parentheses ? *p != ')' : !is_separator(*p)); p++)
			;
		if (copy_word(pair->value, start, (size_t)(p - start), error) < 0)
			return -1;
		if (in_parentheses && *p != ')')
			return parse_fail(error, "%s: ')' is missing", pair->key);
		p += in_parentheses;
		if (in_parentheses && *p && !is_separator(*p))
			return parse_fail(error, "%s: a comma is missing after ')'", pair->key);
	}
	*s = p;
	return 1;
}

int fb_parse_mac(const char *s, uint8_t mac[FB_MAC_BYTES], struct fb_text *error)
{
	const char *p = s;

	for (int i = 0; i < FB_MAC_BYTES; i++) {
		const char *end;
		uint64_t byte;

		if (!digits(p, 16, 255, &byte, &end) || end - p > 2 ||
		    *end != (i < FB_MAC_BYTES - 1 ? ':' : '\0'))
			return parse_fail(
			        error, "'%s' is not an Ethernet address like 02:00:00:00:00:01", s);
		mac[i] = (uint8_t)byte;
		p = end + 1;
	}
	return 0;
}

/* Four numbers with dots from 's' up to '*end'. */
static bool dotted(const char *s, uint32_t *ip, const char **end)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++) {
		uint64_t byte;

		if (i > 0 && *s++ != '.')
			return false;
		if (!digits(s, 10, 255, &byte, end) || (*s == '0' && *end != s + 1))
			return false;
		v = v << 8 | (uint32_t)byte;
		s = *end;
	}
	*ip = v;
	return true;
}

int fb_parse_ip(const char *s, uint32_t *ip, struct fb_text *error)
{
	const char *end;

	if (!dotted(s, ip, &end) || *end)
		return parse_fail(error, "'%s' is not an IPv4 address like 192.168.2.1", s);
	return 0;
}

int fb_parse_ip_prefix(const char *s, uint32_t *ip, unsigned *prefix_len, struct fb_text *error)
{
	const char *end, *mask_text;
	uint32_t mask;
	uint64_t len;

	*prefix_len = 32;
	if (!dotted(s, ip, &end) || (*end && *end != '/'))
		return parse_fail(
		        error, "'%s' is not an IPv4 address like 192.168.2.1 or 192.168.2.0/24", s);
	if (!*end)
		return 0;
	mask_text = end + 1;
	if (digits(mask_text, 10, 32, &len, &end) && !*end && end - mask_text <= 2) {
		*prefix_len = (unsigned)len;
		return 0;
	}
	if (!dotted(mask_text, &mask, &end) || *end)
		return parse_fail(
		        error,
		        "'%s' is not a prefix length from 0 to 32 or a mask like 255.255.255.0",
		        mask_text);
	if (~mask & (~mask + 1))
		return parse_fail(error, "mask '%s' has gaps: OpenFlow 1.0 knows prefixes only",
		                  mask_text);
	*prefix_len = (unsigned)__builtin_popcount(mask);
	return 0;
}

int fb_parse_port(const char *s, uint16_t *port_no, struct fb_text *error)
{
	static const char *const names[] = {"IN_PORT",    "TABLE", "NORMAL", "FLOOD", "ALL",
	                                    "CONTROLLER", "LOCAL", "NONE",   NULL};
	const char *near;
	uint64_t number;

	if (digit_value(*s) < 10 && parse_number(s, UINT16_MAX, &number, NULL) == 0) {
		*port_no = (uint16_t)number;
		return 0;
	}
	for (const struct text_name *n = text_port_names; n->name; n++) {
		if (parse_same_word(s, n->name)) {
			*port_no = (uint16_t)n->value;
			return 0;
		}
	}
	if (parse_same_word(s, "ANY")) { /* as newer versions of ovs-ofctl call it */
		*port_no = OFPP_NONE;
		return 0;
	}
	near = nearest(s, names);
	if (near)
		return parse_fail(error, "'%s' is not a port; did you mean %s?", s, near);
	return parse_fail(
	        error, "'%s' is not a port: a number from 0 to 65535 or a name like LOCAL or FLOOD",
	        s);
}
