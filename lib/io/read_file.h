/* Reads a whole file for whoever asks a pure core to use it: fb_app_read_file() of <flowbed/app.h>,
 * in the controller's program and in the simulator. */
#ifndef IO_READ_FILE_H
#define IO_READ_FILE_H

#include <stddef.h>

#include <flowbed/text.h>

enum { READ_FILE_BYTES_MAX = 16 << 20 };

/* The bytes of the file 'name', with a zero behind them that '*len' does not count; to be freed
 * with free(). A name that does not begin with '/' is one below 'folder'; NULL: below the folder
 * that the program works in. NULL, with a text in 'error', when it cannot be read, has more than
 * READ_FILE_BYTES_MAX bytes, or is no file that has an end: this never waits for others. */
char *read_file_in(const char *folder, const char *name, size_t *len, struct fb_text *error);

#endif
