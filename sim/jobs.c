/* Processes that share work. See jobs.h.
 *
 * The parent holds two pipes for each job: one on which it writes the number of an item, one
 * from which it reads the length of a result and its bytes. A job that ends leaves the second
 * one at its end of file. Results wait in a ring until those before them were taken. */
#include "sim/jobs.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/xalloc.h"

enum { TICK_MS = 200, READ_BYTES = 65536 };

struct job {
	pid_t pid; /* 0: none runs */
	int items; /* where it is told items */
	int results;
	bool busy;
	uint64_t item; /* that it is busy with */
	char *bytes;   /* of its result so far: the length and what follows */
	size_t len, size;
};

struct slot {
	bool ready;
	char *bytes; /* from malloc() */
	struct jobs_result result;
};

struct pool {
	const struct jobs_ops *ops;
	struct job *jobs;
	unsigned jobs_count;
	uint64_t items, next, done; /* all; to be given out; taken in order */
	struct slot *slots;         /* of JOBS_AHEAD_MAX */
	uint64_t start_ms, until_ms, told_ms;
	sigset_t waiting; /* signals that are blocked while we wait */
	bool late, enough, failed;
};

static volatile sig_atomic_t interrupted;

static void note_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- In a job --- */

static bool write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool read_all(int fd, void *bytes, size_t len)
{
	char *at = bytes;

	while (len) {
		ssize_t n = read(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool answer(const struct jobs_ops *ops, uint64_t item, int results)
{
	char *bytes = NULL;
	size_t size = 0;
	uint64_t len;
	FILE *out = open_memstream(&bytes, &size);
	bool ok;

	if (!out)
		return false;
	ops->work(ops->ctx, item, out);
	ok = !fclose(out);
	len = size;
	ok = ok && write_all(results, &len, sizeof len) && write_all(results, bytes, size);
	free(bytes);
	return ok;
}

/* The life of a job: it ends when nobody gives it items. Ctrl-C reaches it too, but it is the
 * parent that ends it then. Nothing that the parent left to be done at exit is done here. */
static _Noreturn void live(struct pool *pool, int items, int results)
{
	sigset_t none;
	uint64_t item;

	for (unsigned i = 0; i < pool->jobs_count; i++) {
		if (!pool->jobs[i].pid)
			continue;
		close(pool->jobs[i].items);
		close(pool->jobs[i].results);
	}
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	while (read_all(items, &item, sizeof item) && answer(pool->ops, item, results))
		;
	_exit(0);
}

/* --- Jobs, from the parent's side --- */

static bool job_begin(struct pool *pool, struct job *job)
{
	int items[2], results[2];
	pid_t pid;

	if (pipe(items))
		return false;
	if (pipe(results)) {
		close(items[0]);
		close(items[1]);
		return false;
	}
	fflush(NULL);
	pid = fork();
	if (!pid) {
		close(items[1]);
		close(results[0]);
		live(pool, items[0], results[1]);
	}
	close(items[0]);
	close(results[1]);
	if (pid < 0) {
		close(items[1]);
		close(results[0]);
		return false;
	}
	*job = (struct job){.pid = pid, .items = items[1], .results = results[0]};
	return true;
}

/* Its pipes are closed, so that it ends after what it is at, or, with 'kill_it', at once.
 * Returns how it ended, as waitpid() has it. */
static int job_end(struct job *job, bool kill_it)
{
	int status = 0;

	close(job->items);
	if (kill_it)
		kill(job->pid, SIGKILL);
	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(job->results);
	free(job->bytes);
	*job = (struct job){0};
	return status;
}

static bool job_give(struct pool *pool, struct job *job, uint64_t item)
{
	/* One that ended while it had nothing to do, whoever did that, is replaced once. */
	for (unsigned attempt = 0; attempt < 2; attempt++) {
		if (!job->pid && !job_begin(pool, job))
			return false;
		if (write_all(job->items, &item, sizeof item)) {
			job->busy = true;
			job->item = item;
			return true;
		}
		job_end(job, true);
	}
	return false;
}

static void keep(struct pool *pool, uint64_t item, char *bytes, struct jobs_result result)
{
	struct slot *slot = &pool->slots[item % JOBS_AHEAD_MAX];

	*slot = (struct slot){.ready = true, .bytes = bytes, .result = result};
}

/* The job ended: what it was busy with has crashed. */
static void job_crashed(struct pool *pool, struct job *job)
{
	const uint64_t item = job->item;
	const bool busy = job->busy;
	const int status = job_end(job, false);
	struct jobs_result result = {0};

	if (!busy)
		return;
	if (WIFSIGNALED(status))
		result.signal = WTERMSIG(status);
	else
		result.exit_code = WEXITSTATUS(status) ? WEXITSTATUS(status) : 255;
	keep(pool, item, NULL, result);
}

/* Take what has come. */
static void job_read(struct pool *pool, struct job *job)
{
	uint64_t len;
	ssize_t n;

	if (job->size - job->len < READ_BYTES) {
		job->size = job->len + READ_BYTES;
		job->bytes = xrealloc(job->bytes, job->size);
	}
	n = read(job->results, job->bytes + job->len, job->size - job->len);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		job_crashed(pool, job);
		return;
	}
	job->len += (size_t)n;
	if (job->len < sizeof len)
		return;
	memcpy(&len, job->bytes, sizeof len);
	if (job->len - sizeof len < len)
		return;
	job->bytes = xrealloc(job->bytes, job->len + 1);
	job->bytes[job->len] = 0;
	keep(pool, job->item, job->bytes,
	     (struct jobs_result){.bytes = job->bytes + sizeof len, .len = len});
	job->bytes = NULL;
	job->len = job->size = 0;
	job->busy = false;
}

/* --- The pool --- */

/* Give each job that has none an item. */
static void give_out(struct pool *pool)
{
	if (pool->until_ms && clock_ms() - pool->start_ms >= pool->until_ms &&
	    pool->next < pool->items)
		pool->late = true;
	for (unsigned i = 0; i < pool->jobs_count && !pool->late; i++) {
		struct job *job = &pool->jobs[i];

		if (job->busy || pool->next == pool->items ||
		    pool->next - pool->done >= JOBS_AHEAD_MAX)
			continue;
		if (!job_give(pool, job, pool->next)) {
			pool->failed = true;
			return;
		}
		pool->next++;
	}
}

/* Hand on the results that are next in order. */
static void hand_on(struct pool *pool)
{
	struct slot *slot = &pool->slots[pool->done % JOBS_AHEAD_MAX];

	while (!pool->enough && slot->ready) {
		pool->enough = !pool->ops->done(pool->ops->ctx, pool->done, &slot->result);
		free(slot->bytes);
		*slot = (struct slot){0};
		pool->done++;
		slot = &pool->slots[pool->done % JOBS_AHEAD_MAX];
	}
}

static void tell_progress(struct pool *pool, bool at_last)
{
	const uint64_t now_ms = clock_ms();

	if (!pool->ops->progress || (!at_last && now_ms - pool->told_ms < TICK_MS))
		return;
	pool->told_ms = now_ms;
	pool->ops->progress(pool->ops->ctx,
	                    &(struct jobs_progress){.done = pool->done,
	                                            .items = pool->items,
	                                            .elapsed_ms = now_ms - pool->start_ms});
}

/* Wait until a job says something, for a moment at most. */
static void await(struct pool *pool)
{
	const struct timespec moment = {.tv_nsec = TICK_MS * 1000000L};
	struct pollfd *fds = xcalloc(pool->jobs_count, sizeof *fds);

	for (unsigned i = 0; i < pool->jobs_count; i++)
		fds[i] = (struct pollfd){.fd = pool->jobs[i].busy ? pool->jobs[i].results : -1,
		                         .events = POLLIN};
	if (ppoll(fds, pool->jobs_count, &moment, &pool->waiting) > 0)
		for (unsigned i = 0; i < pool->jobs_count; i++)
			if (fds[i].revents)
				job_read(pool, &pool->jobs[i]);
	free(fds);
}

static bool is_over(const struct pool *pool)
{
	return pool->enough || pool->failed || interrupted ||
	       pool->done == (pool->late ? pool->next : pool->items);
}

static enum jobs_end end_of(const struct pool *pool)
{
	if (pool->failed)
		return JOBS_FAILED;
	if (pool->enough)
		return JOBS_ENOUGH;
	if (pool->done == pool->items)
		return JOBS_ALL;
	return interrupted ? JOBS_INTERRUPTED : JOBS_OUT_OF_TIME;
}

/* From here to the end signals wait until we do; 'old' is what was before. */
static void take_signals(struct pool *pool, struct sigaction old[3], sigset_t *old_mask)
{
	struct sigaction note = {.sa_handler = note_interrupt}, ignore = {.sa_handler = SIG_IGN};
	sigset_t blocked;

	interrupted = 0;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, old_mask);
	pool->waiting = *old_mask;
	sigdelset(&pool->waiting, SIGINT);
	sigdelset(&pool->waiting, SIGTERM);
	sigaction(SIGINT, &note, &old[0]);
	sigaction(SIGTERM, &note, &old[1]);
	sigaction(SIGPIPE, &ignore, &old[2]);
}

static void give_signals_back(const struct sigaction old[3], const sigset_t *old_mask)
{
	sigaction(SIGINT, &old[0], NULL);
	sigaction(SIGTERM, &old[1], NULL);
	sigaction(SIGPIPE, &old[2], NULL);
	sigprocmask(SIG_SETMASK, old_mask, NULL);
}

enum jobs_end jobs_run(unsigned jobs, uint64_t items, uint64_t until_ms, const struct jobs_ops *ops,
                       uint64_t *done)
{
	struct pool pool = {.ops = ops,
	                    .jobs_count = jobs,
	                    .jobs = xcalloc(jobs, sizeof *pool.jobs),
	                    .items = items,
	                    .slots = xcalloc(JOBS_AHEAD_MAX, sizeof *pool.slots),
	                    .start_ms = clock_ms(),
	                    .until_ms = until_ms};
	struct sigaction old[3];
	sigset_t old_mask;
	int error;

	take_signals(&pool, old, &old_mask);
	while (!is_over(&pool)) {
		give_out(&pool);
		if (is_over(&pool))
			break;
		await(&pool);
		hand_on(&pool);
		tell_progress(&pool, false);
	}
	error = errno;
	tell_progress(&pool, true);
	for (unsigned i = 0; i < jobs; i++)
		if (pool.jobs[i].pid)
			job_end(&pool.jobs[i], pool.jobs[i].busy);
	for (size_t i = 0; i < JOBS_AHEAD_MAX; i++)
		free(pool.slots[i].bytes);
	free(pool.slots);
	free(pool.jobs);
	give_signals_back(old, &old_mask);
	*done = pool.done;
	errno = error;
	return end_of(&pool);
}

unsigned jobs_processors(void)
{
	cpu_set_t set;
	int count;

	if (sched_getaffinity(0, sizeof set, &set))
		return 1;
	count = CPU_COUNT(&set);
	return count < 1 ? 1 : count > JOBS_MAX ? JOBS_MAX : (unsigned)count;
}

bool jobs_crash_text(const struct jobs_result *result, char *text, size_t size)
{
	if (result->signal)
		snprintf(text, size, "signal %d (%s)", result->signal, strsignal(result->signal));
	else if (result->exit_code)
		snprintf(text, size, "exit code %d", result->exit_code);
	return result->signal || result->exit_code;
}
