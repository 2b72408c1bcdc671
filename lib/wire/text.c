/* Text: the writer and the smallest parts, from addresses to sets of flags. The lines that are made
 * of them are in the other text_*.c files. */
#include <flowbed/text.h>

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include <flowbed/time.h>

#include "lib/base/nearest.h"
#include "lib/wire/text_parts.h"

const struct text_name text_port_names[] = {
        {OFPP_IN_PORT, "IN_PORT"}, {OFPP_TABLE, "TABLE"}, {OFPP_NORMAL, "NORMAL"},
        {OFPP_FLOOD, "FLOOD"},     {OFPP_ALL, "ALL"},     {OFPP_CONTROLLER, "CONTROLLER"},
        {OFPP_LOCAL, "LOCAL"},     {OFPP_NONE, "NONE"},   {0, NULL},
};

struct fb_text fb_text_make(char *buf, size_t size)
{
	assert(size >= 1);
	buf[0] = '\0';
	return (struct fb_text){.buf = buf, .size = size};
}

void fb_text_printf(struct fb_text *t, const char *format, ...)
{
	size_t room = t->size - t->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->buf + t->len, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room) {
		t->cut = true;
		t->len = n < 0 ? t->len : t->size - 1;
		t->buf[t->len] = '\0';
		return;
	}
	t->len += (size_t)n;
}

void fb_text_puts(struct fb_text *t, const char *s)
{
	size_t room = t->size - t->len - 1;
	size_t len = strlen(s);

	if (len > room) {
		t->cut = true;
		len = room;
	}
	memcpy(t->buf + t->len, s, len);
	t->len += len;
	t->buf[t->len] = '\0';
}

bool fb_text_meant(struct fb_text *t, const char *word, const char *const *known)
{
	const char *near = nearest(word, known);

	if (near)
		fb_text_printf(t, ", did you mean '%s'?", near);
	return near != NULL;
}

void fb_text_mac(struct fb_text *t, const uint8_t mac[FB_MAC_BYTES])
{
	fb_text_printf(t, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
	               mac[5]);
}

void fb_text_ip(struct fb_text *t, uint32_t ip)
{
	fb_text_printf(t, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

void fb_text_port(struct fb_text *t, uint16_t port_no)
{
	for (const struct text_name *n = text_port_names; n->name; n++) {
		if (n->value == port_no) {
			fb_text_puts(t, n->name);
			return;
		}
	}
	fb_text_printf(t, "%u", port_no);
}

void fb_text_time(struct fb_text *t, uint64_t time_ns)
{
	uint64_t sec = time_ns / FB_NS_PER_S;
	uint64_t fraction_ns = time_ns % FB_NS_PER_S;

	if (fraction_ns % FB_NS_PER_US)
		fb_text_printf(t, "%llu.%09llu", (unsigned long long)sec,
		               (unsigned long long)fraction_ns);
	else
		fb_text_printf(t, "%llu.%06llu", (unsigned long long)sec,
		               (unsigned long long)(fraction_ns / FB_NS_PER_US));
}

const char *text_name_of(const struct text_name *names, size_t count, uint32_t value)
{
	for (size_t i = 0; i < count; i++) {
		if (names[i].value == value)
			return names[i].name;
	}
	return NULL;
}

void text_name_or_number(struct fb_text *t, const struct text_name *names, size_t count,
                         uint32_t value)
{
	const char *name = text_name_of(names, count, value);

	if (name)
		fb_text_puts(t, name);
	else
		fb_text_printf(t, "%u", value);
}

void text_flags(struct fb_text *t, const struct text_name *names, size_t count, uint32_t flags)
{
	const char *comma = "";

	if (!flags)
		fb_text_puts(t, "0");
	for (size_t i = 0; i < count; i++) {
		if (flags & names[i].value) {
			fb_text_printf(t, "%s%s", comma, names[i].name);
			comma = ",";
			flags &= ~names[i].value;
		}
	}
	if (flags)
		fb_text_printf(t, "%s0x%x", comma, flags);
}

void text_hex(struct fb_text *t, const uint8_t *bytes, size_t len, size_t max)
{
	for (size_t i = 0; i < len && i < max; i++)
		fb_text_printf(t, "%02x", bytes[i]);
	if (len > max)
		fb_text_puts(t, "...");
}

void text_quoted(struct fb_text *t, const void *bytes, size_t len, size_t max)
{
	const uint8_t *p = bytes;

	fb_text_puts(t, "\"");
	for (size_t i = 0; i < len && i < max; i++) {
		if (p[i] == '"' || p[i] == '\\')
			fb_text_printf(t, "\\%c", p[i]);
		else if (p[i] >= ' ' && p[i] <= '~')
			fb_text_printf(t, "%c", p[i]);
		else
			fb_text_printf(t, "\\x%02x", p[i]);
	}
	fb_text_puts(t, len > max ? "\"..." : "\"");
}

void text_duration(struct fb_text *t, uint32_t sec, uint32_t nsec)
{
	if (nsec == 0)
		fb_text_printf(t, "%us", sec);
	else if (nsec % FB_NS_PER_MS == 0)
		fb_text_printf(t, "%u.%03us", sec, (unsigned)(nsec / FB_NS_PER_MS));
	else
		fb_text_printf(t, "%u.%09us", sec, nsec);
}

void text_counter(struct fb_text *t, uint64_t value)
{
	if (value == UINT64_MAX)
		fb_text_puts(t, "?");
	else
		fb_text_printf(t, "%llu", (unsigned long long)value);
}
