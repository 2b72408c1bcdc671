/* Opens files to be written to; see out_file.h. */
#include "lib/io/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What open() says of a FIFO that has no reader, it says of other things too. */
static const char *reason(const char *path, int error)
{
	struct stat found;

	if (error == ENXIO && stat(path, &found) == 0 && S_ISFIFO(found.st_mode))
		return "nobody reads it";
	return strerror(error);
}

/* Only writes to FIFOs must not block: those to a terminal, say, are not taken again. */
static void set_blocking(int fd)
{
	struct stat found;
	int flags = fcntl(fd, F_GETFL);

	if (fstat(fd, &found) == 0 && S_ISFIFO(found.st_mode))
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	else
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

int out_file_open(const char *path, int flags, mode_t mode, bool wait, const char **why)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags | (wait ? 0 : O_NONBLOCK), mode);

	if (fd < 0)
		*why = reason(path, errno);
	else
		set_blocking(fd);
	return fd;
}
