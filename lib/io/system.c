/* What the network programs ask of the system; see system.h. */
#include "lib/io/system.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <flowbed/time.h>

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * FB_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t system_now_ns(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

uint64_t system_unix_ns(void)
{
	return read_clock(CLOCK_REALTIME);
}

uint64_t system_take_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return UINT64_MAX;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return getrlimit(RLIMIT_NOFILE, &limit) < 0 ? UINT64_MAX : limit.rlim_cur;
}

bool system_end_stdout(const char *program)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	fprintf(stderr, "%s: standard output cannot be written: %s\n", program, strerror(errno));
	return false;
}
