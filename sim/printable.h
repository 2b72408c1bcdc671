/* Text from files, from their names and from the network, made fit for a terminal and for lines that
 * mean something to programs: one line, without control characters. What is none stays as it is. */
#ifndef SIM_PRINTABLE_H
#define SIM_PRINTABLE_H

#include <flowbed/text.h>
#include <stdio.h>

/* Control characters, the ends of lines of Unicode, and bytes that are no UTF-8 become "\x1b", "\n",
 * "\u2028". */
void printable_text(struct fb_text *text, const char *raw);
void printable_write(FILE *out, const char *raw);
/* The same, for the caller to free; 'lines': '\n' stays. */
char *printable_copy(const char *raw, bool lines);

#endif
