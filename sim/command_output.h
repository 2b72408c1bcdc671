/* Writing a file whole: whoever reads it sees what was there before, or all of what is there now.
 *
 * The bytes go to a new file in the same folder, which takes the name when it is complete. What is no
 * regular file, as /dev/stdout or a FIFO, is written to as it is; "-" is standard output. */
#ifndef SIM_COMMAND_OUTPUT_H
#define SIM_COMMAND_OUTPUT_H

#include <flowbed/text.h>

/* Before the work begins: 'path' could be written now. False: 'why' says why not. Leaves nothing
 * behind. */
bool command_output_try(const char *path, struct fb_text *why);
/* Both would write the same file, also where it is not there yet. What is no regular file, as /dev/null,
 * is the same as nothing. */
bool command_output_same(const char *a, const char *b);
/* An existing file keeps its mode, but its other hard links keep the old bytes. */
bool command_output_write(const char *path, const char *bytes, size_t len, struct fb_text *why);

#endif
