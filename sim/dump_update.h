/* Writing what a switch has into the golden dumps of a scenario file: only the lines that do not fit
 * change, all else of the text stays as it is, byte for byte. A line that changes keeps those of its
 * wildcards that still fit.
 *
 * A dump may be written as text ("is: |"), as a list, in quotes, or not at all yet. Text and lists keep
 * their form and indentation; lines that are new come where they belong by the order of dump.h. */
#ifndef SIM_DUMP_UPDATE_H
#define SIM_DUMP_UPDATE_H

#include "sim/dump.h"

struct dump_change {
	const struct scenario_dump *dump; /* as it is in the file */
	const struct dump_lines *got;     /* what it is to fit */
};

/* The lines that a dump has afterwards: those of 'got' in the order of the dump, as far as they are in
 * it. */
void dump_update_lines(struct dump_lines *lines, const struct dump_change *change);

/* The new text, terminated, for the caller to free; NULL: 'error' says what cannot be changed, as
 * "LINE: ...". */
char *dump_update(const char *text, size_t len, const struct dump_change *changes, size_t count,
                  struct fb_text *error);

#endif
