/* Reads a whole file; see read_file.h. The size that the system tells is where the memory begins,
 * not where the file ends: it may grow meanwhile, and those of /proc have none. */
#include "lib/io/read_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/xalloc.h"

static char *fail(const char *path, const char *why, struct fb_text *error)
{
	fb_text_printf(error, "%.300s: cannot be read: %s", path, why);
	return NULL;
}

/* All that 'fd' gives, or NULL. */
static char *read_all(int fd, const char *path, size_t size_told, size_t *len,
                      struct fb_text *error)
{
	size_t size = size_told + 2; /* for the zero, and for a read() that finds the end */
	char *bytes = xmalloc(size);
	ssize_t got = 1;

	for (*len = 0; got != 0 && *len <= READ_FILE_BYTES_MAX; *len += got > 0 ? (size_t)got : 0) {
		if (size - *len < 2)
			bytes = xrealloc(bytes, size *= 2);
		got = read(fd, bytes + *len, size - *len - 1);
		if (got < 0 && errno != EINTR) {
			free(bytes);
			return fail(path, strerror(errno), error);
		}
	}
	if (*len > READ_FILE_BYTES_MAX) {
		free(bytes);
		return fail(path, "it is larger than 16 MiB", error);
	}
	bytes[*len] = '\0';
	return bytes;
}
_Static_assert(READ_FILE_BYTES_MAX == 16 * 1024 * 1024, "as the error says");

static char *read_path(const char *path, size_t *len, struct fb_text *error)
{
	/* Without O_NONBLOCK a FIFO would wait for its writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat found;
	char *bytes = NULL;

	if (fd < 0)
		return fail(path, strerror(errno), error);
	if (fstat(fd, &found) < 0)
		fail(path, strerror(errno), error);
	else if (!S_ISREG(found.st_mode))
		fail(path, S_ISDIR(found.st_mode) ? "it is a folder" : "it is no plain file",
		     error);
	else if (found.st_size > READ_FILE_BYTES_MAX)
		fail(path, "it is larger than 16 MiB", error);
	else
		bytes = read_all(fd, path, (size_t)found.st_size, len, error);
	close(fd);
	return bytes;
}

char *read_file_in(const char *folder, const char *name, size_t *len, struct fb_text *error)
{
	size_t folder_len = folder && *name != '/' ? strlen(folder) : 0;
	size_t name_len = strlen(name);
	char *path, *bytes;

	if (name_len == 0) {
		fb_text_puts(error, "a file without a name cannot be read");
		return NULL;
	}
	path = xmalloc(folder_len + name_len + 2);
	if (folder_len > 0) {
		memcpy(path, folder, folder_len);
		path[folder_len++] = '/';
	}
	memcpy(path + folder_len, name, name_len + 1);
	bytes = read_path(path, len, error);
	free(path);
	return bytes;
}
