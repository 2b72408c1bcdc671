/* Opens files to be written to, of which some are FIFOs: logs and captures that another program
 * reads while they grow.
 *
 * To open a FIFO waits for its reader, and to write to one that is full waits for it too. A program
 * that has begun must do neither: it serves others. */
#ifndef IO_OUT_FILE_H
#define IO_OUT_FILE_H

#include <stdbool.h>
#include <sys/types.h>

/* open() 'path' with O_WRONLY | O_CREAT | O_CLOEXEC and 'flags'. -1: '*why' is a text for people.
 *
 * With 'wait' a FIFO is waited for until somebody reads it: for the start of a program, whose user
 * may begin to read after that. Without, a FIFO that nobody reads is an error. Either way a write to
 * a FIFO that is full fails with EAGAIN afterwards. */
int out_file_open(const char *path, int flags, mode_t mode, bool wait, const char **why);

#endif
