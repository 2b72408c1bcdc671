/* Values of options; see options.h. */
#include "lib/io/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/values.h"
#include "lib/base/xalloc.h"
#include "lib/io/bad_option.h"

#define DURATION_MAX_NS (UINT64_C(876600) * 3600 * 1000000000) /* 100 years */

enum {
	COMPLAINT_BYTES = 400,
	REASON_BYTES = 512,
	SHOWN_TEXT = 100, /* characters of what is wrong */
};

/* What getopt_long() itself stopped at. */
static enum options_result stopped(const struct options *options, int result, const char *word)
{
	char complaint[COMPLAINT_BYTES];
	struct fb_text text = fb_text_make(complaint, sizeof complaint);

	bad_option_text(&text, options->table, result, optopt, word);
	fprintf(stderr, "%s: %s\n", options->program, complaint);
	return OPTIONS_WRONG;
}

static enum options_result read_all(const struct options *options, const char *letters, int argc,
                                    char **argv,
                                    enum options_result (*take)(void *ctx, int option, char *text),
                                    void *ctx, struct options_list *operands)
{
	enum options_result result = OPTIONS_GO_ON;
	int option;

	opterr = 0;
	while (result == OPTIONS_GO_ON &&
	       (option = getopt_long(argc, argv, letters, options->table, NULL)) != -1) {
		if (option == '?' || option == ':')
			result = stopped(options, option, argv[optind - 1]);
		else
			result = take(ctx, option, optarg);
	}
	for (int i = optind; result == OPTIONS_GO_ON && i < argc; i++) {
		if (operands->count == OPTIONS_LIST_MAX) {
			fprintf(stderr, "%s: '%s' and what follows is too much\n", options->program,
			        argv[i]);
			result = OPTIONS_WRONG;
		} else {
			options_append(options, '?', argv[i], operands);
		}
	}
	return result;
}

enum options_result options_finish(const struct options *options, bool right)
{
	if (right)
		return OPTIONS_GO_ON;
	fprintf(stderr, "See '%s --help'.\n", options->program);
	return OPTIONS_WRONG;
}

enum options_result options_read(const struct options *options, const char *letters, int argc,
                                 char **argv,
                                 enum options_result (*take)(void *ctx, int option, char *text),
                                 void *ctx, struct options_list *operands)
{
	enum options_result result = read_all(options, letters, argc, argv, take, ctx, operands);

	return result == OPTIONS_WRONG ? options_finish(options, false) : result;
}

const char *options_name(const struct options *options, int option)
{
	for (const struct option *entry = options->table; entry->name; entry++)
		if (entry->val == option)
			return entry->name;
	return "?";
}

bool options_wrong(const struct options *options, int option, const char *text, const char *right)
{
	fprintf(stderr, "%s: --%s '%s': %s\n", options->program, options_name(options, option),
	        text, right);
	return false;
}

bool options_duration(const struct options *options, int option, const char *text, bool zero,
                      uint64_t *ns)
{
	const char *right = values_duration(text, ns);

	if (!right && !*ns && !zero)
		right = "a time above 0 is wanted, as 200ms or 15s";
	if (!right && *ns > DURATION_MAX_NS) /* added to any time it still is one */
		right = "at most 100 years are possible";
	return right ? options_wrong(options, option, text, right) : true;
}

bool options_number(const struct options *options, int option, const char *text, uint64_t min,
                    uint64_t max, uint32_t *value)
{
	const char *right;
	uint64_t number;
	char range[64];

	right = values_number(text, &number);
	if (!right && number > max) {
		snprintf(range, sizeof range, "at most %" PRIu64 " is possible", max);
		right = range;
	}
	if (!right && number < min) {
		snprintf(range, sizeof range, "at least %" PRIu64 " is needed", min);
		right = range;
	}
	if (right)
		return options_wrong(options, option, text, right);
	*value = (uint32_t)number;
	return true;
}

bool options_size(const struct options *options, int option, const char *text, uint64_t min,
                  const char *least, size_t *bytes)
{
	uint64_t number;
	const char *right = values_size(text, &number);

	if (!right && number < min)
		right = least;
	if (!right && number > SIZE_MAX / 4)
		right = "no machine has so much memory";
	if (right)
		return options_wrong(options, option, text, right);
	*bytes = (size_t)number;
	return true;
}

bool options_text(const struct options *options, int option, const char *text, size_t bytes_max,
                  const char **out)
{
	char right[64];

	if (strlen(text) >= bytes_max) {
		snprintf(right, sizeof right, "at most %zu bytes are possible", bytes_max - 1);
		return options_wrong(options, option, text, right);
	}
	*out = text;
	return true;
}

bool options_append(const struct options *options, int option, char *text,
                    struct options_list *list)
{
	if (list->count == OPTIONS_LIST_MAX)
		return options_wrong(options, option, text, "there are too many of these");
	list->texts = xrealloc(list->texts, (list->count + 1) * sizeof *list->texts);
	list->texts[list->count++] = text;
	return true;
}

void options_list_destroy(struct options_list *list)
{
	free(list->texts);
	*list = (struct options_list){0};
}

bool options_fail(char *error, size_t size, const char *what, const char *text, const char *why)
{
	char copy[REASON_BYTES];

	snprintf(copy, sizeof copy, "%s", why);
	snprintf(error, size, "%s '%.*s': %.*s", what, SHOWN_TEXT, text,
	         REASON_BYTES - SHOWN_TEXT - 32, copy);
	return false;
}
