/* What getopt_long() stopped at. See bad_option.h. */
#include "lib/io/bad_option.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/nearest.h"
#include "lib/base/xalloc.h"

/* The option whose value is 'option', by its long name where it has one. */
static void name_text(struct fb_text *text, const struct option *options, int option)
{
	for (; options->name; options++) {
		if (options->val == option) {
			fb_text_printf(text, "--%s", options->name);
			return;
		}
	}
	fb_text_printf(text, "-%c", option);
}

/* Where options begin with 'name', it was their number that getopt_long() minded: name them. */
static bool ambiguous(struct fb_text *text, const struct option *options, const char *name)
{
	const char *before = "";
	bool any = false;

	for (const struct option *option = options; option->name; option++)
		any |= !strncmp(option->name, name, strlen(name));
	if (!any)
		return false;
	fb_text_printf(text, "several options begin with '--%.60s': ", name);
	for (; options->name; options++) {
		if (strncmp(options->name, name, strlen(name)))
			continue;
		fb_text_printf(text, "%s--%s", before, options->name);
		before = ", ";
	}
	return true;
}

static void unknown(struct fb_text *text, const struct option *options, const char *name)
{
	const char **names, *meant;
	size_t count = 0;

	while (options[count].name)
		count++;
	names = xcalloc(count + 1, sizeof *names);
	for (size_t i = 0; i < count; i++)
		names[i] = options[i].name;
	meant = nearest(name, names);
	fb_text_printf(text, "no option is named '--%.60s'", name);
	if (meant)
		fb_text_printf(text, ": did you mean '--%s'?", meant);
	free(names);
}

void bad_option_text(struct fb_text *text, const struct option *options, int result, int option,
                     const char *word)
{
	if (result == ':') {
		name_text(text, options, option);
		fb_text_puts(text, " needs a value");
	} else if (strncmp(word, "--", 2)) {
		fb_text_printf(text, "no option is named '-%c'", option);
	} else if (option) {
		name_text(text, options, option);
		fb_text_puts(text, " takes no value");
	} else {
		char *name = xstrdup(word + 2);

		name[strcspn(name, "=")] = 0;
		if (!ambiguous(text, options, name))
			unknown(text, options, name);
		free(name);
	}
}
