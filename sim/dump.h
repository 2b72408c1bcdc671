/* Dumps: what a switch has now, as lines that a scenario file holds, in the notation of ovs-ofctl.
 *
 * Of the flow entries a dump shows what "ovs-ofctl dump-flows --no-stats" does, or with counters what
 * "ovs-ofctl dump-flows" does; of the ports name, address, configuration, state and features, or with
 * counters what they have counted too. Entries are sorted by falling priority, those of one priority
 * by their text; ports by number. In a file they may stand in any order.
 *
 * What may vary is written as a wildcard: <number>, <cookie> (hexadecimal), <mac>, <ip>, <port>,
 * <duration> (of a flow), <any> (any text, none too). Blanks between words count as one, those around
 * a line do not count, nor do empty lines. */
#ifndef SIM_DUMP_H
#define SIM_DUMP_H

#include "sim/network.h"

struct dump_lines {
	char **items;
	size_t count;
};

enum { DUMP_ANYS_MAX = 8 }; /* <any> in one line */

/* What 'sw' has now. */
void dump_take(struct dump_lines *lines, struct network *network, uint32_t sw,
               const struct scenario_dump *dump);
/* The lines of 'text', without empty ones. */
void dump_split(struct dump_lines *lines, const char *text);
void dump_add(struct dump_lines *lines, const char *line);
void dump_destroy(struct dump_lines *lines);

/* What is wrong with a line of a file: a wildcard that there is not, in '*at' for the length of '*len';
 * NULL with *len: too many <any>. True: nothing. */
bool dump_line_is_sound(const char *line, const char **at, size_t *len);
/* The wildcards, for messages; NULL-terminated. */
extern const char *const dump_wildcards[];

/* The line of a file fits that of a switch. */
bool dump_line_fits(const char *pattern, const char *line);
/* Give as many patterns as possible a line each that they fit: partner[i] is that of pattern i, or
 * SIZE_MAX. Patterns without wildcards come first; else the first pattern has the first line. */
void dump_match(char *const *patterns, size_t patterns_count, char *const *lines,
                size_t lines_count, size_t *partner);
bool dump_holds(const struct scenario_dump *dump, const struct dump_lines *got);
/* What differs, a line each: "- " was expected, "+ " is there; the caller frees it. */
char *dump_diff(const struct scenario_dump *dump, const struct dump_lines *got);

#endif
