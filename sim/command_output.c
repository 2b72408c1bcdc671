/* Files written whole. See command_output.h. */
#include "sim/command_output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODE_NEW = 0666 };

/* Where the bytes go. */
struct target {
	char path[PATH_MAX];      /* the file itself, where 'path' is a link to it */
	char temporary[PATH_MAX]; /* "" where it is written to as it is */
	mode_t mode;
	bool exists;
	uid_t uid;
	gid_t gid;
};

static bool refuse(struct fb_text *why, const char *path, const char *what)
{
	fb_text_printf(why, "%s: cannot be written: %s", path, what);
	return false;
}

/* The name of the temporary file: hidden, beside the file. */
static bool name_temporary(struct target *target)
{
	const char *slash = strrchr(target->path, '/');
	const int folder = slash ? (int)(slash - target->path) + 1 : 0;
	const int len = snprintf(target->temporary, sizeof target->temporary, "%.*s.%s.XXXXXX",
	                         folder, target->path, target->path + folder);

	return len < (int)sizeof target->temporary;
}

static mode_t mode_of_new(void)
{
	const mode_t mask = umask(0);

	umask(mask);
	return MODE_NEW & ~mask;
}

static bool target_find(struct target *target, const char *path, struct fb_text *why)
{
	struct stat status;

	*target = (struct target){.mode = mode_of_new()};
	if (!realpath(path, target->path)) {
		if (errno != ENOENT)
			return refuse(why, path, strerror(errno));
		if (lstat(path, &status) == 0)
			return refuse(why, path, "it is a link to a file that is not there");
		if (strlen(path) >= sizeof target->path)
			return refuse(why, path, strerror(ENAMETOOLONG));
		strcpy(target->path, path);
	}
	if (stat(target->path, &status) == 0) {
		target->exists = true;
		target->mode = status.st_mode & 07777;
		target->uid = status.st_uid;
		target->gid = status.st_gid;
		if (S_ISDIR(status.st_mode))
			return refuse(why, path, strerror(EISDIR));
		if (access(target->path, W_OK))
			return refuse(why, path, strerror(errno));
		if (!S_ISREG(status.st_mode))
			return true;
	}
	return name_temporary(target) || refuse(why, path, strerror(ENAMETOOLONG));
}

bool command_output_try(const char *path, struct fb_text *why)
{
	struct target target;
	int fd;

	if (!strcmp(path, "-"))
		return true;
	if (!target_find(&target, path, why))
		return false;
	if (!target.temporary[0])
		return true;
	fd = mkstemp(target.temporary);
	if (fd < 0)
		return refuse(why, path, strerror(errno));
	close(fd);
	unlink(target.temporary);
	return true;
}

static bool same_file(const char *a, const char *b, mode_t kind)
{
	struct stat status_a, status_b;

	return stat(a, &status_a) == 0 && stat(b, &status_b) == 0 &&
	       (status_a.st_mode & S_IFMT) == kind && status_a.st_dev == status_b.st_dev &&
	       status_a.st_ino == status_b.st_ino;
}

bool command_output_same(const char *a, const char *b)
{
	const char *slash_a = strrchr(a, '/'), *slash_b = strrchr(b, '/');
	char folder_a[PATH_MAX] = ".", folder_b[PATH_MAX] = ".";

	if (access(a, F_OK) == 0 || access(b, F_OK) == 0)
		return same_file(a, b, S_IFREG);
	if (slash_a)
		snprintf(folder_a, sizeof folder_a, "%.*s", (int)(slash_a - a) + 1, a);
	if (slash_b)
		snprintf(folder_b, sizeof folder_b, "%.*s", (int)(slash_b - b) + 1, b);
	return !strcmp(slash_a ? slash_a + 1 : a, slash_b ? slash_b + 1 : b) &&
	       same_file(folder_a, folder_b, S_IFDIR);
}

/* All bytes, and the file closed. */
static bool write_and_close(int fd, const char *bytes, size_t len)
{
	bool written = true;

	while (len && written) {
		const ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		written = n > 0;
		bytes += written ? n : 0;
		len -= written ? (size_t)n : 0;
	}
	return close(fd) == 0 && written;
}

/* The new file is like the one that it replaces, as far as may be: another's becomes ours, and is then
 * without set-user-id bits; where we are not of its group, that may do no more than everybody. */
static void take_over(int fd, const struct target *target)
{
	const mode_t others = target->mode & 07;
	mode_t mode = target->mode;

	if (target->exists && fchown(fd, target->uid, target->gid) != 0) {
		mode &= 0777;
		if (fchown(fd, (uid_t)-1, target->gid) != 0)
			mode = (mode & ~(mode_t)070) | (mode & others << 3);
	}
	fchmod(fd, mode);
}

static bool replace(struct target *target, const char *path, const char *bytes, size_t len,
                    struct fb_text *why)
{
	const int fd = mkstemp(target->temporary);

	if (fd < 0)
		return refuse(why, path, strerror(errno));
	take_over(fd, target);
	if (write_and_close(fd, bytes, len) && rename(target->temporary, target->path) == 0)
		return true;
	refuse(why, path, strerror(errno));
	unlink(target->temporary);
	return false;
}

bool command_output_write(const char *path, const char *bytes, size_t len, struct fb_text *why)
{
	struct target target;
	int fd;

	if (!strcmp(path, "-")) {
		fwrite(bytes, 1, len, stdout);
		return fflush(stdout) == 0 || refuse(why, "standard output", strerror(errno));
	}
	if (!target_find(&target, path, why))
		return false;
	if (target.temporary[0])
		return replace(&target, path, bytes, len, why);
	fd = open(target.path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || !write_and_close(fd, bytes, len))
		return refuse(why, path, strerror(errno));
	return true;
}
