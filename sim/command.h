/* The commands of the program flowbed (main.c chooses among them), and what they share: reading files
 * and options. Commands touch the system; what they call (runner.h, sweep.h and the others) does not.
 *
 * Each command parses its own options with getopt_long, tells what is wrong on standard error and
 * returns the program's exit code. */
#ifndef SIM_COMMAND_H
#define SIM_COMMAND_H

#include <getopt.h>
#include <stdio.h>

#include "sim/mutants.h"
#include "sim/scenario.h"

enum {
	EXIT_HELD = 0, /* what the scenario expects held */
	EXIT_NOT_HELD = 1,
	EXIT_WRONG_INPUT = 2, /* a file or the command line */
	EXIT_INTERNAL = 3,    /* what is neither: output that cannot be written, a bug */
};

enum { COMMAND_SETTINGS_MAX = 100, COMMAND_PATH_BYTES = 4096 };

struct command {
	const char *name, *summary; /* one line of the program's help */
	/* argv[0] is the command's name. */
	int (*run)(int argc, char **argv);
};

extern const struct command command_run, command_check, command_sweep, command_shrink,
        command_mutate;

/* --set: "app.option=value" texts. */
struct command_settings {
	const char *list[COMMAND_SETTINGS_MAX + 1]; /* NULL-terminated */
	size_t count;
};

/* Each tells what is wrong; false, or EXIT_WRONG_INPUT, then. */
bool command_take_number(const char *option, const char *text, uint64_t *number);
bool command_take_setting(struct command_settings *settings, const char *text);
bool command_take_mutant(const char *name, const struct mutant **mutant);
bool command_needs_files(const char *name, int count);
/* getopt_long said '?' or ':' of 'word'. */
int command_bad_option(const char *name, const struct option *options, int option,
                       const char *word);
int command_see_help(const char *name);

/* All of 'path' ("-": standard input), which the caller frees; NULL after telling why not. */
char *command_read_file(const char *path, size_t *len);
/* Load a scenario file; NULL after printing what is wrong with it. */
struct scenario *command_load(const char *path, const char *const *settings);
/* The same, but what is wrong is added to 'problems'. */
struct scenario *command_load_quietly(const char *path, const char *const *settings,
                                      struct problems *problems);
/* The same of a text that stands for the file at 'path'. */
struct scenario *command_load_text(const char *path, const char *text, size_t len,
                                   const char *const *settings, struct problems *problems);
/* The time on the wall, from some time on. */
uint64_t command_wall_ns(void);
/* As messages call it. */
const char *command_file_name(const char *path);
/* The same of several, fit for a line of a report; all to be freed by command_names_free(). */
char **command_names(char *const *paths, size_t count);
void command_names_free(char **names, size_t count);
/* A word of a command line, quoted where a shell needs it. */
void command_put_word(FILE *out, const char *word);
/* A file as an argument, also where its name could be taken for an option. Standard input is gone: what it was
 * must be given again. */
void command_put_file(FILE *out, const char *path);
/* The name of a file without folder and ending. */
void command_base_name(const char *file, char *out, size_t size);

#endif
