/* flowbed run --update: writes what switches have into the golden dumps of a file that fail. The file
 * is run once for that, and once more with what is to be written, before anything is. */
#ifndef SIM_COMMAND_UPDATE_H
#define SIM_COMMAND_UPDATE_H

#include <stdio.h>

#include "sim/mutants.h"

struct command_update {
	const char *const *settings; /* --set */
	const uint64_t *seed;        /* NULL: the file's */
	const struct mutant *mutant;
	FILE *out; /* is told what was written */
};

/* A file that cannot be loaded is left for the run to complain about. False after telling what cannot
 * be written. */
bool command_update_file(const char *path, const struct command_update *update);

#endif
