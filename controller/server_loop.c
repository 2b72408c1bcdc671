/* One event loop and the controller core that it drives; see server.h.
 *
 * Other threads leave tasks in its list and wake it through an eventfd. The timer is set for the
 * core's deadline; it is moved only when that changes, so that a loop full of packet-ins does not
 * set it at each read. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "controller/server_private.h"
#include "lib/base/xalloc.h"

/* --- Time --- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct server_loop *loop = arg;
	uint64_t now_ns = server_now_ns();

	(void)fd;
	(void)what;
	loop->armed_ns = FB_NEVER;
	controller_run(loop->controller, now_ns);
	server_loop_settle(loop, now_ns);
}

void server_loop_settle(struct server_loop *loop, uint64_t now_ns)
{
	uint64_t deadline_ns, wait_us;
	struct timeval wait;

	if (!loop->controller)
		return;
	if (!TAILQ_EMPTY(&loop->over))
		server_conns_settle(loop, now_ns);
	if (loop->status)
		server_status_settle(loop, now_ns);
	deadline_ns = controller_deadline(loop->controller);
	if (deadline_ns == loop->armed_ns)
		return;
	loop->armed_ns = deadline_ns;
	if (deadline_ns == FB_NEVER) {
		event_del(loop->timer);
		return;
	}
	wait_us = deadline_ns > now_ns ? (deadline_ns - now_ns + 999) / 1000 : 0;
	wait = (struct timeval){(time_t)(wait_us / 1000000), (suseconds_t)(wait_us % 1000000)};
	event_add(loop->timer, &wait);
}

/* --- Tasks --- */

void server_loop_post(struct server_loop *loop, struct server_task *task)
{
	const uint64_t one = 1;
	ssize_t written;

	pthread_mutex_lock(&loop->tasks_lock);
	STAILQ_INSERT_TAIL(&loop->tasks, task, link);
	pthread_mutex_unlock(&loop->tasks_lock);
	do
		written = write(loop->wake_fd, &one, sizeof one);
	while (written < 0 && errno == EINTR);
}

static void run_tasks(struct server_loop *loop)
{
	struct server_tasks tasks = STAILQ_HEAD_INITIALIZER(tasks);
	struct server_task *task;

	pthread_mutex_lock(&loop->tasks_lock);
	STAILQ_CONCAT(&tasks, &loop->tasks);
	pthread_mutex_unlock(&loop->tasks_lock);
	while ((task = STAILQ_FIRST(&tasks))) {
		STAILQ_REMOVE_HEAD(&tasks, link);
		task->run(loop, task);
	}
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct server_loop *loop = arg;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof count) > 0)
		run_tasks(loop);
	server_loop_settle(loop, server_now_ns());
}

/* --- Life --- */

static void fail_to_make(void)
{
	xalloc_failed("an event loop");
}

void server_loop_init(struct server_loop *loop, struct server *server, uint32_t number,
                      struct event_base *base)
{
	struct controller_ops ops = server_conns_ops;

	*loop = (struct server_loop){.server = server, .number = number, .armed_ns = FB_NEVER};
	loop->base = base ? base : event_base_new();
	if (!loop->base)
		fail_to_make();
	TAILQ_INIT(&loop->conns);
	TAILQ_INIT(&loop->newcomers);
	TAILQ_INIT(&loop->over);
	STAILQ_INIT(&loop->tasks);
	pthread_mutex_init(&loop->tasks_lock, NULL);
	loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	loop->timer = evtimer_new(loop->base, on_timer, loop);
	loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
	if (loop->wake_fd < 0 || !loop->timer || !loop->wake || event_add(loop->wake, NULL) < 0)
		fail_to_make();
	ops.ctx = loop;
	loop->controller = controller_new(&server->config.controller, &ops);
}

static void *thread_main(void *arg)
{
	struct server_loop *loop = arg;

	event_base_dispatch(loop->base);
	return NULL;
}

bool server_loop_start_thread(struct server_loop *loop)
{
	sigset_t all, before;

	/* Signals are the first thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	loop->started = pthread_create(&loop->thread, NULL, thread_main, loop) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return loop->started;
}

void server_loop_drain(struct server_loop *loop)
{
	if (!loop->controller)
		return;
	loop->draining = true;
	run_tasks(loop); /* connections on their way here */
	server_status_loop_drain(loop);
	loop->ended = *controller_counters(loop->controller);
	controller_free(loop->controller);
	loop->controller = NULL;
	event_del(loop->timer);
	event_del(loop->wake);
}

void server_loop_destroy(struct server_loop *loop)
{
	server_loop_drain(loop);
	run_tasks(loop);
	event_free(loop->timer);
	event_free(loop->wake);
	close(loop->wake_fd);
	if (loop->number > 0)
		event_base_free(loop->base);
	pthread_mutex_destroy(&loop->tasks_lock);
}
