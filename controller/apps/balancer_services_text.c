/* Configured addresses from options and from a file; see balancer_services.h.
 *
 * A line is a list of words. What is read goes straight into the set, whose services stand in the
 * order in which they came: after a mistake, those that came with the text are taken out again. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <flowbed/openflow.h>
#include <flowbed/packet.h>

#include "controller/apps/balancer_services.h"

enum {
	SHOWN_BYTES = 40, /* of a word that is wrong */
	DIGITS_MAX = 9,   /* of a number: more are too many */
	KEYS_MAX = 4,     /* that a line knows */
	VLAN_MAX = 4095,
};

struct word {
	const char *at;
	size_t len;
};

/* A word as a text, which is cut where it is long. */
struct shown {
	char text[SHOWN_BYTES + sizeof "..."];
};

/* What is being read. */
struct reader {
	struct balancer_services *set;
	struct fb_text *error;
	const char *name; /* of the file, or of the option */
	uint32_t line;    /* 0: an option */
	const char *line_start;
	char separator; /* between the items of a list */
	struct balancer_service
	        next; /* the service of the line; its ports are ours until it is added */
	struct balancer_service_backend backend; /* the backend of the line */
};

/* What may follow in a line. */
struct key {
	const char *name;
	const char *example; /* of a value; NULL: there is none */
	int (*take)(struct reader *r, struct word value);
};

/* --- What is wrong --- */

/* Say what is wrong at 'at'; returns -1. */
__attribute__((format(printf, 3, 4))) static int fail(const struct reader *r, const char *at,
                                                      const char *format, ...)
{
	char why[FB_TEXT_LINE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	if (r->line)
		fb_text_printf(r->error, "%s:%u:%zu: %s", r->name, (unsigned)r->line,
		               (size_t)(at - r->line_start) + 1, why);
	else
		fb_text_printf(r->error, "balancer: %s: %s", r->name, why);
	return -1;
}

static struct shown shown(struct word word)
{
	struct shown s = {""};
	bool is_cut = word.len > SHOWN_BYTES;

	memcpy(s.text, word.at, is_cut ? SHOWN_BYTES : word.len);
	if (is_cut)
		strcpy(s.text + SHOWN_BYTES, "...");
	return s;
}

/* 'word' is none of 'known', which are 'what'. */
static int fail_unknown(const struct reader *r, struct word word, const char *what,
                        const char *const *known)
{
	char buf[FB_TEXT_LINE_BYTES];
	struct fb_text why = fb_text_make(buf, sizeof buf);
	const struct shown s = shown(word);

	fb_text_printf(&why, "'%s' is no %s", s.text, what);
	if (!fb_text_meant(&why, s.text, known)) {
		for (size_t i = 0; known[i]; i++)
			fb_text_printf(&why, "%s%s",
			               i == 0         ? ": expected "
			               : known[i + 1] ? ", "
			                              : " or ",
			               known[i]);
	}
	return fail(r, word.at, "%s", buf);
}

/* --- Small parts --- */

/* Each byte of 'text', but those of a comment, is printable ASCII, or in a file a blank. */
static int check_bytes(const struct reader *r, struct word text)
{
	bool is_file = r->line > 0, is_comment = false;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];
		bool is_right = (c >= ' ' && c <= '~') || (c == '\t' && is_file);

		is_comment |= c == '#' && is_file;
		if (c == 0 || (!is_right && !is_comment))
			return fail(r, text.at + i,
			            "the byte 0x%02x does not belong here: expected a text of "
			            "printable ASCII characters",
			            c);
	}
	return 0;
}

/* The next word of 'rest', and what follows it; one without length at the end or at a comment. */
static struct word take_word(struct word *rest)
{
	struct word word;
	size_t i = 0;

	while (i < rest->len && (rest->at[i] == ' ' || rest->at[i] == '\t'))
		i++;
	word = (struct word){rest->at + i, 0};
	while (i + word.len < rest->len && !memchr(" \t#", word.at[word.len], 3))
		word.len++;
	*rest = (struct word){word.at + word.len, rest->len - i - word.len};
	return word;
}

/* The part of 'rest' before 'separator', or all of it; 'rest' is what comes behind, NULL for
 * nothing. */
static struct word take_part(struct word *rest, char separator)
{
	const char *end = memchr(rest->at, separator, rest->len);
	struct word part = *rest;

	if (end) {
		part.len = (size_t)(end - rest->at);
		*rest = (struct word){end + 1, rest->len - part.len - 1};
	} else {
		*rest = (struct word){NULL, 0};
	}
	return part;
}

static bool is_word(struct word word, const char *text)
{
	return word.len == strlen(text) && memcmp(word.at, text, word.len) == 0;
}

/* A whole number from 'min' to 'max'. */
static bool is_number(struct word word, uint32_t min, uint32_t max, uint32_t *value)
{
	*value = 0;
	if (word.len == 0 || word.len > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		if (word.at[i] < '0' || word.at[i] > '9')
			return false;
		*value = *value * 10 + (uint32_t)(word.at[i] - '0');
	}
	return *value >= min && *value <= max;
}

/* Each part of the list 'value', of which there is at least one. */
static int take_list(struct reader *r, struct word value,
                     int (*take)(struct reader *r, struct word item))
{
	while (value.at) {
		if (take(r, take_part(&value, r->separator)) < 0)
			return -1;
	}
	return 0;
}

/* --- Values --- */

static int take_ip(struct reader *r, struct word word)
{
	const struct shown s = shown(word);
	uint32_t ip;

	if (fb_parse_ip(s.text, &ip, NULL) < 0)
		return fail(r, word.at, "'%s' is no IPv4 address like 192.168.2.2", s.text);
	if (ip >> 24 == 0 || ip >> 24 == 127 || ip >> 24 >= 224)
		return fail(r, word.at,
		            "%s is no address that hosts can have: expected one like 192.168.2.2",
		            s.text);
	r->next.ip = ip;
	return 0;
}

static int take_mac(struct reader *r, struct word word)
{
	const struct shown s = shown(word);
	uint8_t *mac = r->backend.mac;

	if (fb_parse_mac(s.text, mac, NULL) < 0)
		return fail(r, word.at, "'%s' is no Ethernet address like 02:00:00:00:00:02",
		            s.text);
	if (mac[0] & 1 || fb_mac_to_u64(mac) == 0)
		return fail(r, word.at,
		            "%s is no address that one host can have: expected one like "
		            "02:00:00:00:00:02",
		            s.text);
	return 0;
}

static int take_weight(struct reader *r, struct word word)
{
	if (!is_number(word, 0, BALANCER_WEIGHT_MAX, &r->backend.weight))
		return fail(r, word.at, "'%s' is no weight: expected a whole number from 0 to %d",
		            shown(word).text, BALANCER_WEIGHT_MAX);
	return 0;
}

static int take_drain(struct reader *r, struct word word)
{
	(void)word;
	r->backend.drained = true;
	return 0;
}

/* "tcp/80" */
static int read_port(const struct reader *r, struct word word, struct balancer_service_port *port)
{
	static const char *const protocols[] = {"tcp", "udp", NULL};
	struct word number = word, protocol = take_part(&number, '/');
	uint32_t value;

	if (!number.at)
		return fail(r, word.at, "'%s' is no port: expected one like tcp/80 or udp/53",
		            shown(word).text);
	if (!is_word(protocol, "tcp") && !is_word(protocol, "udp"))
		return fail_unknown(r, protocol, "protocol with ports", protocols);
	if (!is_number(number, 1, UINT16_MAX, &value))
		return fail(r, number.at, "'%s' is no port: expected a number from 1 to 65535",
		            shown(number).text);
	*port = (struct balancer_service_port){
	        .proto = is_word(protocol, "tcp") ? FB_IP_TCP : FB_IP_UDP, .port = (uint16_t)value};
	return 0;
}

static int take_port(struct reader *r, struct word word)
{
	struct balancer_service_port port;

	if (read_port(r, word, &port) < 0)
		return -1;
	switch (balancer_service_add_port(&r->next, port)) {
	case BALANCER_ADDED:
		return 0;
	case BALANCER_TWICE:
		return fail(r, word.at, "%s is given twice", shown(word).text);
	case BALANCER_FULL:
		return fail(r, word.at,
		            "more than %d ports: give fewer, or none for all ports of TCP and UDP",
		            BALANCER_SERVICE_PORTS_MAX);
	case BALANCER_NO_MEMORY:
		break;
	}
	return fail(r, word.at, "memory is short");
}

static int take_ports(struct reader *r, struct word value)
{
	return take_list(r, value, take_port);
}

static int take_scheduler(struct reader *r, struct word value)
{
	for (int i = 0; i < BALANCER_SCHEDULERS; i++) {
		if (is_word(value, balancer_scheduler_names[i])) {
			r->next.has_scheduler = true;
			r->next.scheduler = (enum balancer_scheduler)i;
			return 0;
		}
	}
	return fail_unknown(r, value, "scheduler", balancer_scheduler_names);
}

static int take_check(struct reader *r, struct word value)
{
	struct balancer_service_port port;

	if (read_port(r, value, &port) < 0)
		return -1;
	if (port.proto != FB_IP_TCP)
		return fail(r, value.at, "%s cannot be checked: expected a port of TCP like tcp/22",
		            shown(value).text);
	r->next.check_port = port.port;
	return 0;
}

static int take_vlan(struct reader *r, struct word value)
{
	uint32_t vlan;

	if (!is_number(value, 1, VLAN_MAX, &vlan))
		return fail(r, value.at,
		            "'%s' is no VLAN: expected a number from 1 to %d, or no vlan= for "
		            "frames without a tag",
		            shown(value).text, VLAN_MAX);
	r->next.vlan = (uint16_t)vlan;
	return 0;
}

/* --- Into the set --- */

/* "192.168.2.2" or "192.168.2.2 of VLAN 7" */
static void put_address(struct fb_text *t, const struct balancer_service *service)
{
	fb_text_ip(t, service->ip);
	if (service->vlan != OFP_VLAN_NONE)
		fb_text_printf(t, " of VLAN %u", (unsigned)service->vlan);
}

static int fail_twice(const struct reader *r, const char *at, const char *what, uint32_t line)
{
	if (line)
		return fail(r, at, "%s is given twice: it is in line %u already", what,
		            (unsigned)line);
	return fail(r, at, "%s is given twice%s", what,
	            r->line ? ": it is an option of the balancer already" : "");
}

/* The service that was read is complete; it was named at 'at'. */
static int add_service(struct reader *r, const char *at)
{
	char buf[FB_TEXT_LINE_BYTES];
	struct fb_text address = fb_text_make(buf, sizeof buf);
	const struct balancer_service *other;

	r->next.line = r->line;
	switch (balancer_services_add(r->set, &r->next)) {
	case BALANCER_ADDED:
		r->next = (struct balancer_service){.ip = 0};
		return 0;
	case BALANCER_TWICE:
		other = balancer_services_find(r->set, r->next.ip, r->next.vlan);
		put_address(&address, other);
		return fail_twice(r, at, buf, other->line);
	case BALANCER_FULL:
		return fail(r, at, "more than %d addresses", BALANCER_SERVICES_MAX);
	case BALANCER_NO_MEMORY:
		break;
	}
	return fail(r, at, "memory is short");
}

/* The backend that was read is complete: it is one of the service that came last. */
static int add_backend(struct reader *r, struct word word)
{
	const struct balancer_service *service =
	        balancer_services_at(r->set, balancer_services_count(r->set) - 1);

	r->backend.line = r->line;
	switch (balancer_services_add_backend(r->set, &r->backend)) {
	case BALANCER_ADDED:
		return 0;
	case BALANCER_TWICE:
		return fail_twice(r, word.at, shown(word).text,
		                  balancer_service_backend(service, r->backend.mac)->line);
	case BALANCER_FULL:
		if (service->backends_count == BALANCER_SERVICE_BACKENDS_MAX)
			return fail(r, word.at, "more than %d backends of one address",
			            BALANCER_SERVICE_BACKENDS_MAX);
		return fail(r, word.at, "more than %d backends of all addresses",
		            BALANCER_SERVICES_BACKENDS_MAX);
	case BALANCER_NO_MEMORY:
		break;
	}
	return fail(r, word.at, "memory is short");
}

/* End the reading of what has 'result' so far, which began with 'count' services. */
static bool end(struct reader *r, uint32_t count, int result)
{
	free(r->next.ports);
	if (result < 0)
		balancer_services_truncate(r->set, count);
	return result == 0;
}

/* --- A file --- */

/* 'word' as one of the 'keys' of the line, with its value; each may be there once: 'seen'. */
static int take_key(struct reader *r, struct word word, const struct key *keys, bool *seen)
{
	struct word value = word, name = take_part(&value, '=');
	const char *names[KEYS_MAX + 1] = {NULL};
	size_t i = 0;

	for (; keys[i].name; i++) {
		names[i] = keys[i].name;
		if (is_word(name, keys[i].name))
			break;
	}
	if (!keys[i].name)
		return fail_unknown(r, name, "key of this line", names);
	if (seen[i])
		return fail(r, word.at, "%s is given twice", keys[i].name);
	seen[i] = true;
	if (!keys[i].example && value.at)
		return fail(r, value.at, "%s has no value: expected %s alone", keys[i].name,
		            keys[i].name);
	if (keys[i].example && value.len == 0)
		return fail(r, word.at, "%s needs a value: expected one like %s=%s", keys[i].name,
		            keys[i].name, keys[i].example);
	return keys[i].take(r, value);
}

static int take_keys(struct reader *r, struct word rest, const struct key *keys)
{
	bool seen[KEYS_MAX] = {false};
	struct word word;

	while ((word = take_word(&rest)).len > 0) {
		if (take_key(r, word, keys, seen) < 0)
			return -1;
	}
	return 0;
}

/* "vip" was read. */
static int take_vip_line(struct reader *r, struct word rest)
{
	static const struct key keys[KEYS_MAX + 1] = {
	        {"ports", "tcp/80,udp/53", take_ports},
	        {"scheduler", "wrr", take_scheduler},
	        {"check", "tcp/22", take_check},
	        {"vlan", "7", take_vlan},
	};
	struct word word = take_word(&rest);

	r->next.vlan = OFP_VLAN_NONE;
	if (word.len == 0)
		return fail(r, word.at, "an address is missing: expected one like vip 192.168.2.2");
	if (take_ip(r, word) < 0 || take_keys(r, rest, keys) < 0)
		return -1;
	return add_service(r, word.at);
}

/* "backend" was read. 'has_vip': there is a vip above. */
static int take_backend_line(struct reader *r, const char *at, struct word rest, bool has_vip)
{
	static const struct key keys[KEYS_MAX + 1] = {
	        {"weight", "3", take_weight},
	        {"drain", NULL, take_drain},
	};
	struct word word = take_word(&rest);

	if (!has_vip)
		return fail(r, at,
		            "a backend of which address? expected a line like vip "
		            "192.168.2.2 above it");
	if (word.len == 0)
		return fail(r, word.at,
		            "an Ethernet address is missing: expected one like backend "
		            "02:00:00:00:00:02");
	r->backend = (struct balancer_service_backend){.weight = 1};
	if (take_mac(r, word) < 0 || take_keys(r, rest, keys) < 0)
		return -1;
	return add_backend(r, word);
}

static int take_line(struct reader *r, struct word line, bool has_vip)
{
	static const char *const first_words[] = {"vip", "backend", NULL};
	struct word word;

	if (line.len > BALANCER_SERVICES_LINE_BYTES_MAX)
		return fail(r, line.at + BALANCER_SERVICES_LINE_BYTES_MAX,
		            "the line is too long: expected at most %d bytes",
		            BALANCER_SERVICES_LINE_BYTES_MAX);
	if (check_bytes(r, line) < 0)
		return -1;
	word = take_word(&line);
	if (word.len == 0)
		return 0;
	if (is_word(word, "vip"))
		return take_vip_line(r, line);
	if (is_word(word, "backend"))
		return take_backend_line(r, word.at, line, has_vip);
	return fail_unknown(r, word, "first word of a line", first_words);
}

static int take_lines(struct reader *r, struct word text, uint32_t count)
{
	while (text.at) {
		struct word line = take_part(&text, '\n');

		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		r->line++;
		r->line_start = line.at;
		if (take_line(r, line, balancer_services_count(r->set) > count) < 0)
			return -1;
	}
	if (balancer_services_count(r->set) > count)
		return 0;
	return fail(r, r->line_start,
	            "there is no address in it: expected a line like vip "
	            "192.168.2.2");
}

bool balancer_services_parse_file(struct balancer_services *set, const char *text, size_t len,
                                  const char *name, struct fb_text *error)
{
	static const char mark[] = "\xef\xbb\xbf"; /* with which some editors begin a text */
	uint32_t count = balancer_services_count(set);
	struct reader r = {.set = set, .error = error, .name = name, .separator = ','};
	size_t skip = len >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;

	return end(&r, count, take_lines(&r, (struct word){text + skip, len - skip}, count));
}

/* --- Options --- */

/* "02:00:00:00:00:02*3" */
static int take_weighted_mac(struct reader *r, struct word word)
{
	struct word weight = word, mac = take_part(&weight, '*');

	r->backend = (struct balancer_service_backend){.weight = 1};
	if (take_mac(r, mac) < 0 || (weight.at && take_weight(r, weight) < 0))
		return -1;
	return add_backend(r, mac);
}

static int take_options(struct reader *r, struct word vip, struct word ports, struct word backends)
{
	r->next.vlan = OFP_VLAN_NONE;
	r->name = "vip";
	if (check_bytes(r, vip) < 0 || take_ip(r, vip) < 0)
		return -1;
	r->name = "ports";
	if (ports.len && (check_bytes(r, ports) < 0 || take_ports(r, ports) < 0))
		return -1;
	r->name = "vip";
	if (add_service(r, vip.at) < 0)
		return -1;
	r->name = "backends";
	if (backends.len &&
	    (check_bytes(r, backends) < 0 || take_list(r, backends, take_weighted_mac) < 0))
		return -1;
	return 0;
}

static struct word word_of(const char *text)
{
	return (struct word){text, strlen(text)};
}

bool balancer_services_parse_options(struct balancer_services *set, const char *vip,
                                     const char *ports, const char *backends, struct fb_text *error)
{
	struct reader r = {.set = set, .error = error, .name = "vip", .separator = '+'};
	uint32_t count = balancer_services_count(set);

	if (!*vip && !*ports && !*backends)
		return true;
	if (!*vip)
		return end(&r, count,
		           fail(&r, vip,
		                "an address is missing for %s=: expected one like vip=192.168.2.2",
		                *ports ? "ports" : "backends"));
	return end(&r, count, take_options(&r, word_of(vip), word_of(ports), word_of(backends)));
}
