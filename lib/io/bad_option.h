/* Complaints about options, in one wording for all programs. */
#ifndef IO_BAD_OPTION_H
#define IO_BAD_OPTION_H

#include <getopt.h>

#include <flowbed/text.h>

/* getopt_long(), called with opterr 0 and short options that begin with ':', returned 'result' ('?'
 * or ':') and set optopt to 'option'; 'word' is argv[optind - 1]. Add to 'text' what is wrong with
 * it, and which of 'options' may have been meant. */
void bad_option_text(struct fb_text *text, const struct option *options, int result, int option,
                     const char *word);

#endif
