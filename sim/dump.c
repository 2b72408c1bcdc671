/* Dumps of switches. See dump.h. */
#include "sim/dump.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

enum {
	TABLE_ALL = 0xff,
	LINE_BYTES_MAX = 1 << 20,
	DIFF_LINES_MAX = 40, /* of each kind */
};

/* --- Lines --- */

void dump_add(struct dump_lines *lines, const char *line)
{
	if (!(lines->count & (lines->count - 1)))
		lines->items = xrealloc(lines->items,
		                        (lines->count ? 2 * lines->count : 1) * sizeof(char *));
	lines->items[lines->count++] = xstrdup(line);
}

void dump_destroy(struct dump_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->items[i]);
	free(lines->items);
	*lines = (struct dump_lines){0};
}

/* A copy of 'len' bytes without blanks around it. */
static char *trimmed(const char *text, size_t len)
{
	char *copy;

	while (len && (*text == ' ' || *text == '\t')) {
		text++;
		len--;
	}
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t' || text[len - 1] == '\r'))
		len--;
	copy = xmalloc(len + 1);
	memcpy(copy, text, len);
	copy[len] = 0;
	return copy;
}

void dump_split(struct dump_lines *lines, const char *text)
{
	*lines = (struct dump_lines){0};
	while (*text) {
		const size_t len = strcspn(text, "\n");
		char *line = trimmed(text, len);

		if (line[0])
			dump_add(lines, line);
		free(line);
		text += len + (text[len] == '\n');
	}
}

/* --- Taking --- */

/* An entry, to be sorted. */
struct entry {
	uint16_t priority;
	char *line;
};

struct taking {
	const struct scenario_dump *dump;
	struct entry *entries;
	size_t count;
};

/* What dump-flows shows, as far as 'counters' does not say that all of it is wanted. */
static char *flow_line(const struct fb_flow_stats *stats, bool counters)
{
	size_t size = FB_TEXT_LINE_BYTES;
	char *buffer = xmalloc(size), *line, *rest;
	struct fb_text text = fb_text_make(buffer, size);

	fb_text_flow_stats(&text, stats);
	while (text.cut && size < LINE_BYTES_MAX) {
		size *= 2;
		buffer = xrealloc(buffer, size);
		text = fb_text_make(buffer, size);
		fb_text_flow_stats(&text, stats);
	}
	rest = strstr(buffer, "n_bytes=");
	rest = rest ? strstr(rest, ", ") : NULL;
	if (counters || !rest)
		return buffer;
	rest += 2;
	line = xmalloc(strlen(rest) + 40);
	line[0] = 0;
	if (stats->cookie)
		sprintf(line, "cookie=0x%llx, ", (unsigned long long)stats->cookie);
	strcat(line, rest);
	free(buffer);
	return line;
}

static bool take_flow(void *ctx, const struct fb_flow_stats *stats)
{
	struct taking *taking = ctx;

	if (!(taking->count & (taking->count - 1)))
		taking->entries =
		        xrealloc(taking->entries,
		                 (taking->count ? 2 * taking->count : 1) * sizeof *taking->entries);
	taking->entries[taking->count++] =
	        (struct entry){stats->priority, flow_line(stats, taking->dump->counters)};
	return true;
}

static int by_priority(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	return strcmp(a->line, b->line);
}

static void take_flows(struct dump_lines *lines, const struct datapath *dp, uint64_t now_ns,
                       const struct scenario_dump *dump)
{
	struct fb_flow_stats_request request = {.table_id = TABLE_ALL, .out_port = OFPP_NONE};
	struct taking taking = {.dump = dump};

	fb_match_any(&request.match);
	datapath_flows(dp, &request, now_ns, take_flow, &taking);
	if (taking.count)
		qsort(taking.entries, taking.count, sizeof *taking.entries, by_priority);
	for (size_t i = 0; i < taking.count; i++) {
		dump_add(lines, taking.entries[i].line);
		free(taking.entries[i].line);
	}
	free(taking.entries);
}

static void take_ports(struct dump_lines *lines, const struct datapath *dp,
                       const struct scenario_dump *dump)
{
	const struct fb_phy_port *port;

	for (size_t i = 0; (port = datapath_port_at(dp, i)) != NULL; i++) {
		char buffer[2 * FB_TEXT_LINE_BYTES];
		struct fb_text text = fb_text_make(buffer, sizeof buffer);
		struct fb_port_stats stats;

		fb_text_phy_port(&text, port);
		if (dump->counters && datapath_port_stats(dp, port->port_no, &stats))
			fb_text_printf(&text,
			               " rx_packets=%llu rx_bytes=%llu rx_dropped=%llu "
			               "tx_packets=%llu tx_bytes=%llu tx_dropped=%llu",
			               (unsigned long long)stats.rx_packets,
			               (unsigned long long)stats.rx_bytes,
			               (unsigned long long)stats.rx_dropped,
			               (unsigned long long)stats.tx_packets,
			               (unsigned long long)stats.tx_bytes,
			               (unsigned long long)stats.tx_dropped);
		dump_add(lines, buffer);
	}
}

void dump_take(struct dump_lines *lines, struct network *network, uint32_t sw,
               const struct scenario_dump *dump)
{
	const struct datapath *dp = agent_datapath(network_agent(network, sw));

	*lines = (struct dump_lines){0};
	if (dump->ports)
		take_ports(lines, dp, dump);
	else
		take_flows(lines, dp, network_now(network), dump);
}

/* --- Wildcards --- */

const char *const dump_wildcards[] = {"<number>", "<cookie>",   "<mac>", "<ip>",
                                      "<port>",   "<duration>", "<any>", NULL};

enum wildcard { W_NUMBER, W_COOKIE, W_MAC, W_IP, W_PORT, W_DURATION, W_ANY, WILDCARDS };

static size_t span_digits(const char *text)
{
	return strspn(text, "0123456789");
}

static size_t span_hex(const char *text)
{
	return strspn(text, "0123456789abcdefABCDEF");
}

static size_t span_cookie(const char *text)
{
	return !strncmp(text, "0x", 2) && span_hex(text + 2) ? 2 + span_hex(text + 2) : 0;
}

static size_t span_mac(const char *text)
{
	for (size_t i = 0; i < 6; i++)
		if (span_hex(text + 3 * i) < 2 || (i < 5 && text[3 * i + 2] != ':'))
			return 0;
	return 17;
}

/* An address, and the length or mask of a prefix. */
static size_t span_ip(const char *text)
{
	size_t len = 0;

	for (unsigned i = 0; i < 4; i++) {
		const size_t digits = span_digits(text + len);

		if (!digits || digits > 3 || (i < 3 && text[len + digits] != '.'))
			return 0;
		len += digits + (i < 3);
	}
	if (text[len] == '/' && span_digits(text + len + 1))
		len += 1 + strspn(text + len + 1, "0123456789.");
	return len;
}

static size_t span_duration(const char *text)
{
	size_t len = span_digits(text);

	if (len && text[len] == '.' && span_digits(text + len + 1))
		len += 1 + span_digits(text + len + 1);
	return len && text[len] == 's' ? len + 1 : 0;
}

/* How much of 'text' the wildcard, which is not W_ANY, stands for: as much as can be; 0: nothing. */
static size_t span_of(enum wildcard wildcard, const char *text)
{
	switch (wildcard) {
	case W_NUMBER:
		return span_cookie(text) ? span_cookie(text) : span_digits(text);
	case W_COOKIE:
		return span_cookie(text);
	case W_MAC:
		return span_mac(text);
	case W_IP:
		return span_ip(text);
	case W_PORT:
		return span_digits(text) ? span_digits(text)
		                         : strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
	case W_DURATION:
		return span_duration(text);
	case W_ANY:
	case WILDCARDS:
		break;
	}
	return 0;
}

/* The wildcard that 'text' begins with; WILDCARDS: none. */
static enum wildcard wildcard_at(const char *text)
{
	unsigned i = 0;

	while (i < WILDCARDS && strncmp(text, dump_wildcards[i], strlen(dump_wildcards[i])))
		i++;
	return (enum wildcard)i;
}

bool dump_line_is_sound(const char *line, const char **at, size_t *len)
{
	unsigned anys = 0;

	for (*at = strchr(line, '<'); *at; *at = strchr(*at + 1, '<')) {
		const enum wildcard wildcard = wildcard_at(*at);

		anys += wildcard == W_ANY;
		*len = strcspn(*at, ">") + ((*at)[strcspn(*at, ">")] == '>');
		if (wildcard == WILDCARDS)
			return false;
	}
	return anys <= DUMP_ANYS_MAX;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool dump_line_fits(const char *pattern, const char *line)
{
	while (*pattern) {
		const enum wildcard wildcard = *pattern == '<' ? wildcard_at(pattern) : WILDCARDS;

		if (wildcard == W_ANY) {
			pattern += strlen(dump_wildcards[W_ANY]);
			for (;; line++) {
				if (dump_line_fits(pattern, line))
					return true;
				if (!*line)
					return false;
			}
		}
		if (wildcard != WILDCARDS) {
			const size_t span = span_of(wildcard, line);

			if (!span)
				return false;
			line += span;
			pattern += strlen(dump_wildcards[wildcard]);
		} else if (is_blank(*pattern) && is_blank(*line)) {
			pattern += strspn(pattern, " \t");
			line += strspn(line, " \t");
		} else if (*pattern++ != *line++) {
			return false;
		}
	}
	return !*line;
}

/* --- Matching --- */

struct matching {
	char *const *patterns;
	char *const *lines;
	size_t lines_count;
	size_t *owner; /* by line: the pattern that has it, or SIZE_MAX */
	bool *tried;   /* by line, in the present search */
};

/* Find 'pattern' a line, if need be by giving others another one. */
static bool augment(struct matching *matching, size_t pattern)
{
	for (size_t i = 0; i < matching->lines_count; i++) {
		if (matching->tried[i] ||
		    !dump_line_fits(matching->patterns[pattern], matching->lines[i]))
			continue;
		matching->tried[i] = true;
		if (matching->owner[i] != SIZE_MAX && !augment(matching, matching->owner[i]))
			continue;
		matching->owner[i] = pattern;
		return true;
	}
	return false;
}

void dump_match(char *const *patterns, size_t patterns_count, char *const *lines,
                size_t lines_count, size_t *partner)
{
	struct matching matching = {.patterns = patterns,
	                            .lines = lines,
	                            .lines_count = lines_count,
	                            .owner = xcalloc(lines_count + 1, sizeof(size_t)),
	                            .tried = xcalloc(lines_count + 1, sizeof(bool))};

	for (size_t i = 0; i < lines_count; i++)
		matching.owner[i] = SIZE_MAX;
	for (unsigned wild = 0; wild < 2; wild++) {
		for (size_t i = 0; i < patterns_count; i++) {
			if ((strchr(patterns[i], '<') != NULL) != wild)
				continue;
			memset(matching.tried, 0, lines_count * sizeof(bool));
			augment(&matching, i);
		}
	}
	for (size_t i = 0; i < patterns_count; i++)
		partner[i] = SIZE_MAX;
	for (size_t i = 0; i < lines_count; i++)
		if (matching.owner[i] != SIZE_MAX)
			partner[matching.owner[i]] = i;
	free(matching.owner);
	free(matching.tried);
}

bool dump_holds(const struct scenario_dump *dump, const struct dump_lines *got)
{
	size_t *partner, matched = 0;

	if (dump->unwritten || dump->lines_count != got->count)
		return false;
	partner = xcalloc(dump->lines_count + 1, sizeof *partner);
	dump_match(dump->lines, dump->lines_count, got->items, got->count, partner);
	for (size_t i = 0; i < dump->lines_count; i++)
		matched += partner[i] != SIZE_MAX;
	free(partner);
	return matched == got->count;
}

/* --- Differences --- */

static void write_rest(FILE *out, size_t count, const char *sign)
{
	if (count > DIFF_LINES_MAX)
		fprintf(out, "\n    %s and %zu more", sign, count - DIFF_LINES_MAX);
}

char *dump_diff(const struct scenario_dump *dump, const struct dump_lines *got)
{
	size_t *partner = xcalloc(dump->lines_count + 1, sizeof *partner), len = 0;
	bool *had = xcalloc(got->count + 1, sizeof *had);
	size_t missing = 0, extra = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		xalloc_failed("a difference of dumps");
	dump_match(dump->lines, dump->lines_count, got->items, got->count, partner);
	for (size_t i = 0; i < dump->lines_count; i++) {
		if (partner[i] != SIZE_MAX)
			had[partner[i]] = true;
		else if (missing++ < DIFF_LINES_MAX)
			fprintf(out, "\n    - %s", dump->lines[i]);
	}
	write_rest(out, missing, "-");
	for (size_t i = 0; i < got->count; i++)
		if (!had[i] && extra++ < DIFF_LINES_MAX)
			fprintf(out, "\n    + %s", got->items[i]);
	write_rest(out, extra, "+");
	if (dump->unwritten)
		fputs("\n    (nothing is written there yet: 'flowbed run --update' writes it)",
		      out);
	fclose(out);
	free(partner);
	free(had);
	return text;
}
