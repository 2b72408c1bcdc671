/* Values of options, read and complained about in one wording for all programs:
 *
 *     flowbed-switch: --drain '5 apples': a duration is a number and a unit, as 200us, ...
 *
 * A program reads its command line with getopt_long() and hands the value of each option to one of
 * these. What getopt_long() itself stops at is bad_option.h's. */
#ifndef IO_OPTIONS_H
#define IO_OPTIONS_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTIONS_LIST_MAX = 4096 }; /* of one kind that may be repeated */

/* A program's options: those of getopt_long(), which all have a long name. */
struct options {
	const char *program;
	const struct option *table; /* ends with a NULL name */
};

/* What a repeated option gave: texts of the command line. */
struct options_list {
	char **texts;
	size_t count;
};

/* The long name of the option whose value in the table is 'option'. */
const char *options_name(const struct options *options, int option);

/* Tell on standard error that 'text' is wrong for 'option', and what would be right. Returns false.
 */
bool options_wrong(const struct options *options, int option, const char *text, const char *right);

/* Each reads 'text', given to 'option', into its last argument, or complains and returns false. */

/* A time; 0 only where 'zero'. */
bool options_duration(const struct options *options, int option, const char *text, bool zero,
                      uint64_t *ns);
bool options_number(const struct options *options, int option, const char *text, uint64_t min,
                    uint64_t max, uint32_t *value);
/* A size in bytes; 'least' is a text for what is below 'min'. */
bool options_size(const struct options *options, int option, const char *text, uint64_t min,
                  const char *least, size_t *bytes);
/* Shorter than 'bytes_max'; '*out' is 'text'. */
bool options_text(const struct options *options, int option, const char *text, size_t bytes_max,
                  const char **out);
/* Append 'text', which stays the caller's. */
bool options_append(const struct options *options, int option, char *text,
                    struct options_list *list);
void options_list_destroy(struct options_list *list);

#endif
