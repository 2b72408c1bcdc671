/* Filters without DNS. See bpf_filter.h. */
#include "sim/bpf_filter.h"

#include <string.h>

#include "lib/base/nearest.h"
#include "lib/base/values.h"

enum { WORD_BYTES_MAX = 64 };

/* What pcap-filter(7) may mean on Ethernet, without the keywords that look up names ("gateway") or
 * belong to other links. */
static const char *const keywords[] = {"host",
                                       "net",
                                       "mask",
                                       "port",
                                       "portrange",
                                       "src",
                                       "dst",
                                       "and",
                                       "or",
                                       "not",
                                       "ether",
                                       "ip",
                                       "ip6",
                                       "arp",
                                       "rarp",
                                       "tcp",
                                       "udp",
                                       "icmp",
                                       "icmp6",
                                       "igmp",
                                       "sctp",
                                       "proto",
                                       "broadcast",
                                       "multicast",
                                       "less",
                                       "greater",
                                       "len",
                                       "vlan",
                                       "mpls",
                                       "stp",
                                       "tcpflags",
                                       "tcp-fin",
                                       "tcp-syn",
                                       "tcp-rst",
                                       "tcp-push",
                                       "tcp-ack",
                                       "tcp-urg",
                                       "tcp-ece",
                                       "tcp-cwr",
                                       "icmptype",
                                       "icmpcode",
                                       "icmp-echoreply",
                                       "icmp-unreach",
                                       "icmp-echo",
                                       "icmp-timxceed",
                                       NULL};

struct number_name {
	const char *name;
	unsigned number;
};

static const struct number_name ports[] = {
        {"echo", 7},  {"discard", 9}, {"ftp", 21},    {"ssh", 22},        {"telnet", 23},
        {"smtp", 25}, {"domain", 53}, {"bootps", 67}, {"bootpc", 68},     {"http", 80},
        {"ntp", 123}, {"snmp", 161},  {"https", 443}, {"openflow", 6653}, {NULL, 0}};
static const struct number_name protocols[] = {{"icmp", 1}, {"igmp", 2},   {"tcp", 6},
                                               {"udp", 17}, {"sctp", 132}, {NULL, 0}};
static const struct number_name ether_types[] = {
        {"ip", 0x0800},  {"arp", 0x0806},  {"rarp", 0x8035}, {"vlan", 0x8100},
        {"ip6", 0x86dd}, {"mpls", 0x8847}, {"lldp", 0x88cc}, {NULL, 0}};

/* Where the translation stands. A word's meaning depends on the qualifiers before it. */
struct translation {
	bool ether;      /* the latest qualifiers began with "ether": hosts are MAC addresses */
	bool after_port; /* the word before was "port" or "portrange" */
	bool after_proto;
	bool after_net;
	bool qualified; /* the word before was a qualifier */
	bpf_filter_find_fn *find;
	void *ctx;
	struct fb_text *out, *error;
};

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '-' || c == ':';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words && strcmp(*words, word))
		words++;
	return *words != NULL;
}

static const struct number_name *find_number(const struct number_name *names, const char *word)
{
	while (names->name && strcmp(names->name, word))
		names++;
	return names->name ? names : NULL;
}

/* True when 'word' is from 'min' to 'max' decimal numbers up to 'limit' with 'separator' between
 * them. */
static bool is_numbers(const char *word, char separator, unsigned min, unsigned max, unsigned limit)
{
	unsigned count = 0;

	for (;;) {
		unsigned value = 0;

		if (!is_digit(*word))
			return false;
		for (; is_digit(*word); word++) {
			value = value * 10 + (unsigned)(*word - '0');
			if (value > limit)
				return false;
		}
		count++;
		if (!*word)
			return count >= min && count <= max;
		if (*word++ != separator)
			return false;
	}
}

/* True for what begins with a digit and is no name: a number, a whole or partial IPv4 address, a
 * MAC address, a range of ports, a slice of bytes ("13:2"). */
static bool is_literal(const char *word)
{
	uint8_t mac[FB_MAC_BYTES];
	uint64_t number;

	if (!values_number(word, &number))
		return number <= UINT32_MAX;
	return !fb_parse_mac(word, mac, NULL) || is_numbers(word, '.', 2, 4, 255) ||
	       is_numbers(word, '-', 2, 2, 65535) || is_numbers(word, ':', 2, 2, 65535);
}

/* Track what the keyword 'word' makes of the words after it. */
static void take_keyword(struct translation *t, const char *word)
{
	static const char *const protocol_words[] = {"ip",   "ip6",   "arp",  "rarp", "tcp", "udp",
	                                             "icmp", "icmp6", "igmp", "sctp", NULL};
	static const char *const direction_words[] = {"src",  "dst",       "host",  "net",
	                                              "port", "portrange", "proto", NULL};

	if (!strcmp(word, "ether"))
		t->ether = true;
	else if (is_one_of(word, protocol_words) ||
	         (is_one_of(word, direction_words) && !t->qualified))
		t->ether = false;
	/* "src or dst host h1" is one qualifier: its "or" does not end it. */
	t->qualified = !strcmp(word, "ether") || is_one_of(word, protocol_words) ||
	               is_one_of(word, direction_words) ||
	               (t->qualified && (!strcmp(word, "or") || !strcmp(word, "and")));
	t->after_port = !strcmp(word, "port") || !strcmp(word, "portrange");
	t->after_proto = !strcmp(word, "proto");
	t->after_net = !strcmp(word, "net");
	fb_text_puts(t->out, word);
}

static bool unknown_word(struct translation *t, const char *word)
{
	const char *meant = nearest(word, keywords);

	if (meant)
		fb_text_printf(t->error,
		               "'%s' is no host of this file and no word of the filter language: "
		               "did you mean '%s'?",
		               word, meant);
	else
		fb_text_printf(t->error,
		               "'%s' is no host of this file and no word of the filter language",
		               word);
	return false;
}

/* Write what 'word', which begins with a letter, stands for. */
static bool take_name(struct translation *t, const char *word)
{
	const struct number_name *number = NULL;
	uint8_t mac[FB_MAC_BYTES];
	uint32_t ip;

	if (t->after_port)
		number = find_number(ports, word);
	else if (t->after_proto)
		number = find_number(t->ether ? ether_types : protocols, word);
	if (number) {
		fb_text_printf(t->out, "%u", number->number);
	} else if (t->after_port || t->after_proto) {
		fb_text_printf(t->error, "'%s' is no %s known here: write its number", word,
		               t->after_port ? "port" : "protocol");
		return false;
	} else if (is_one_of(word, keywords)) {
		take_keyword(t, word);
		return true;
	} else if (!fb_parse_mac(word, mac, NULL)) {
		fb_text_puts(t->out, word);
	} else if (t->after_net || !t->find(t->ctx, word, &ip, mac)) {
		return unknown_word(t, word);
	} else if (t->ether) {
		fb_text_mac(t->out, mac);
	} else {
		fb_text_ip(t->out, ip);
	}
	t->after_port = t->after_proto = t->after_net = t->qualified = false;
	return true;
}

static bool take_literal(struct translation *t, const char *word)
{
	if (!is_literal(word)) {
		fb_text_printf(t->error, "'%s' is neither a number nor an address", word);
		return false;
	}
	fb_text_puts(t->out, word);
	t->after_port = t->after_proto = t->after_net = t->qualified = false;
	return true;
}

/* Write an operator or blank. A backslash only keeps a protocol's name from being a keyword, which
 * its number needs not. */
static bool take_operator(struct translation *t, char c)
{
	if (!strchr(" \t\n()[]&|!=<>+-*/%^\\:", c)) {
		fb_text_printf(t->error, "'%c' has no place in a filter",
		               c > ' ' && c < 127 ? c : '?');
		return false;
	}
	if (c != '\\')
		fb_text_printf(t->out, "%c", c == '\n' ? ' ' : c);
	return true;
}

/* Take the word at the start of 'text'; returns its length, 0 when it is wrong. */
static size_t take_word(struct translation *t, const char *text)
{
	char word[WORD_BYTES_MAX + 1];
	size_t len = 0;

	while (is_word_char(text[len]))
		len++;
	if (len > WORD_BYTES_MAX) {
		fb_text_printf(t->error, "a word of more than %d letters", WORD_BYTES_MAX);
		return 0;
	}
	memcpy(word, text, len);
	word[len] = 0;
	if (is_digit(word[0]) ? !take_literal(t, word) : !take_name(t, word))
		return 0;
	return len;
}

bool bpf_filter_translate(const char *filter, bpf_filter_find_fn *find, void *ctx,
                          struct fb_text *out, struct fb_text *error)
{
	struct translation t = {.find = find, .ctx = ctx, .out = out, .error = error};

	while (*filter) {
		const bool word = is_word_char(*filter) && !strchr(".-:", *filter);
		size_t len = word ? take_word(&t, filter) : take_operator(&t, *filter);

		if (!len)
			return false;
		filter += len;
	}
	return !out->cut;
}

bool bpf_filter_compile(const char *filter, bpf_filter_find_fn *find, void *ctx,
                        struct bpf_program *program, struct fb_text *error)
{
	char plain[4 * BPF_FILTER_BYTES_MAX];
	struct fb_text out = fb_text_make(plain, sizeof plain);
	pcap_t *pcap;
	bool done;

	if (strlen(filter) > BPF_FILTER_BYTES_MAX) {
		fb_text_printf(error, "it is longer than %d characters", BPF_FILTER_BYTES_MAX);
		return false;
	}
	if (!bpf_filter_translate(filter, find, ctx, &out, error)) {
		if (!error->len)
			fb_text_puts(error, "it is too long");
		return false;
	}
	pcap = pcap_open_dead(DLT_EN10MB, 65535);
	if (!pcap) {
		fb_text_puts(error, "memory is short");
		return false;
	}
	done = pcap_compile(pcap, program, plain, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (!done)
		fb_text_puts(error, pcap_geterr(pcap));
	pcap_close(pcap);
	return done;
}
