/* Colours for terminals: a stream that passes on what is written to it, with the words that say how a
 * run went in colour. So what writes reports knows nothing of colours, and without them the output is
 * the same byte for byte. */
#ifndef SIM_COMMAND_COLOR_H
#define SIM_COMMAND_COLOR_H

#include <stdbool.h>
#include <stdio.h>

enum command_color { COMMAND_COLOR_AUTO, COMMAND_COLOR_ALWAYS, COMMAND_COLOR_NEVER };

/* 'auto', 'always' or 'never'; false: none of them. */
bool command_color_parse(const char *word, enum command_color *color);
/* 'out' itself where there are to be no colours: 'auto' has them on a terminal, unless NO_COLOR is set
 * to something (https://no-color.org) or TERM is dumb. What is not 'out' is the caller's to close. */
FILE *command_color_stream(FILE *out, enum command_color color);

#endif
