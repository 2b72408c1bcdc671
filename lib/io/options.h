/* Values of options, read and complained about in one wording for all programs:
 *
 *     flowbed-switch: --drain '5 apples': a duration is a number and a unit, as 200us, ...
 *
 * A program reads its command line with options_read(), which hands over each option, and gives its
 * value to one of the functions below that. */
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

enum options_result {
	OPTIONS_GO_ON, /* in the end: run */
	OPTIONS_DONE,  /* help, version or a list was printed: there is nothing else to do */
	OPTIONS_WRONG, /* and was told on standard error */
};

/* What a repeated option gave: texts of the command line. */
struct options_list {
	char **texts;
	size_t count;
};

/* Read the command line, with short options 'letters' as for getopt(), ':' in front: 'take' gets
 * each option with its value (NULL: none) and says how it goes on; what is no option becomes a text
 * of 'operands'. Points to --help where something is wrong. */
enum options_result options_read(const struct options *options, const char *letters, int argc,
                                 char **argv,
                                 enum options_result (*take)(void *ctx, int option, char *text),
                                 void *ctx, struct options_list *operands);
/* The same end for a mistake that shows only when all is read. */
enum options_result options_finish(const struct options *options, bool right);

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

/* Put into 'error' that 'text', given for 'what', is wrong: 'why', which may lie in 'error'. Returns
 * false. */
bool options_fail(char *error, size_t size, const char *what, const char *text, const char *why);

#endif
