/* What the commands of the program flowbed share. See command.h. */
#include "sim/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/nearest.h"
#include "lib/base/values.h"
#include "lib/base/xalloc.h"
#include "lib/io/bad_option.h"
#include "lib/io/read_file.h"
#include "sim/printable.h"
#include "sim/yaml_tree.h"

/* --- Files --- */

/* The name of a file without folder and ending, for a folder of captures. */
void command_base_name(const char *file, char *out, size_t size)
{
	const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
	const char *point = strrchr(name, '.');
	size_t len = point && point != name ? (size_t)(point - name) : strlen(name);

	if (len >= size)
		len = size - 1;
	memcpy(out, name, len);
	out[len] = 0;
}

/* All of 'path', which the caller frees; NULL: 'why' says why not. */
static char *read_file(const char *path, size_t *len, struct fb_text *why)
{
	const size_t max = YAML_TREE_TEXT_BYTES_MAX + 1;
	FILE *in = strcmp(path, "-") ? fopen(path, "rb") : stdin;
	char *text = NULL;
	size_t size = 0;

	if (!in) {
		fb_text_printf(why, "cannot be opened: %s", strerror(errno));
		return NULL;
	}
	*len = 0;
	do {
		if (*len == size) {
			size = size ? 2 * size : 65536;
			text = xrealloc(text, size);
		}
		errno = 0;
		*len += fread(text + *len, 1, size - *len, in);
	} while (!ferror(in) && !feof(in) && *len <= max);
	if (ferror(in)) {
		fb_text_printf(why, "cannot be read: %s", strerror(errno));
		free(text);
		text = NULL;
	}
	if (in != stdin)
		fclose(in);
	return text;
}

char *command_read_file(const char *path, size_t *len)
{
	char buffer[200];
	struct fb_text why = fb_text_make(buffer, sizeof buffer);
	char *text = read_file(path, len, &why);

	if (!text)
		fprintf(stderr, "%s: %s\n", path, buffer);
	return text;
}

/* A file that an application of the scenario names: 'ctx' is the scenario's folder. */
static char *read_named(void *ctx, const char *name, size_t *len, struct fb_text *error)
{
	return read_file_in(ctx, name, len, error);
}

/* The folder of a file; NULL: the one that we work in. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder;

	if (!slash)
		return NULL;
	folder = xstrdup(path);
	folder[slash == path ? 1 : slash - path] = 0;
	return folder;
}

const char *command_file_name(const char *path)
{
	return strcmp(path, "-") ? path : "standard input";
}

char **command_names(char *const *paths, size_t count)
{
	char **names = xcalloc(count, sizeof(char *));

	for (size_t i = 0; i < count; i++)
		names[i] = printable_copy(command_file_name(paths[i]), false);
	return names;
}

void command_names_free(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

struct scenario *command_load_text(const char *path, const char *text, size_t len,
                                   const char *const *settings, struct problems *problems)
{
	const struct scenario_files files = {.read = read_named, .ctx = folder_of(path)};
	struct scenario *scenario = scenario_load_text(text, len, command_file_name(path), settings,
	                                               &files, problems);

	free(files.ctx);
	return scenario;
}

struct scenario *command_load_quietly(const char *path, const char *const *settings,
                                      struct problems *problems)
{
	struct scenario *scenario = NULL;
	char buffer[200];
	struct fb_text why = fb_text_make(buffer, sizeof buffer);
	size_t len;
	char *text = read_file(path, &len, &why);

	if (text)
		scenario = command_load_text(path, text, len, settings, problems);
	else
		problems_add(problems, (struct position){0, 0}, "%s", buffer);
	free(text);
	return scenario;
}

struct scenario *command_load(const char *path, const char *const *settings)
{
	struct scenario *scenario;
	struct problems problems;

	problems_init(&problems);
	scenario = command_load_quietly(path, settings, &problems);
	problems_print(&problems, command_file_name(path), stderr);
	problems_destroy(&problems);
	return scenario;
}

uint64_t command_wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * FB_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* --- Commands that are told --- */

void command_put_word(FILE *out, const char *word)
{
	if (*word && !word[strcspn(word, " \t\n\"'\\$`!*?[](){}<>|&;#~")]) {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	fputc('\'', out);
}

void command_put_file(FILE *out, const char *path)
{
	if (!strcmp(path, "-")) {
		fputs("FILE", out);
		return;
	}
	if (path[0] == '-')
		fputs("./", out);
	command_put_word(out, path);
}

/* --- The command line --- */

int command_bad_option(const char *name, const struct option *options, int option, const char *word)
{
	char buffer[400];
	struct fb_text why = fb_text_make(buffer, sizeof buffer);

	bad_option_text(&why, options, option, optopt, word);
	fprintf(stderr, "flowbed: %s\n", buffer);
	return command_see_help(name);
}

int command_see_help(const char *name)
{
	fprintf(stderr, "See 'flowbed %s --help'.\n", name);
	return EXIT_WRONG_INPUT;
}

bool command_take_number(const char *option, const char *text, uint64_t *number)
{
	const char *right = values_number(text, number);

	if (right)
		fprintf(stderr, "flowbed: %s '%s': %s\n", option, text, right);
	return !right;
}

bool command_take_setting(struct command_settings *settings, const char *text)
{
	if (settings->count == COMMAND_SETTINGS_MAX) {
		fprintf(stderr, "flowbed: more than %d --set\n", COMMAND_SETTINGS_MAX);
		return false;
	}
	settings->list[settings->count++] = text;
	return true;
}

bool command_take_mutant(const char *name, const struct mutant **mutant)
{
	const char *names[100] = {NULL}, *meant;

	*mutant = mutants_find(name);
	if (*mutant)
		return true;
	for (size_t i = 0; i < 99 && mutants_at(i); i++)
		names[i] = mutants_at(i)->name;
	meant = nearest(name, names);
	fprintf(stderr,
	        "flowbed: no mutant is named '%s'%s%s%s 'flowbed mutate --list' tells them.\n",
	        name, meant ? ": did you mean '" : ".", meant ? meant : "", meant ? "'?" : "");
	return false;
}

bool command_needs_files(const char *name, int count)
{
	if (count)
		return true;
	fprintf(stderr, "flowbed: %s needs a scenario file. See 'flowbed %s --help'.\n", name,
	        name);
	return false;
}
