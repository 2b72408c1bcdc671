/* The controller of tests/live/network_test: the controller's core with sockets around it.
 *
 *   network_test LISTENER APPLICATION[,OPTION=VALUE]...
 *
 * It listens on LISTENER (ptcp:PORT:HOST), runs a chain of applications, and writes a line for each
 * event that the test waits for. SIGTERM ends it in order. What a program of its own would have
 * besides (limits, TLS, several listeners) is not here. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include <flowbed/text.h>

#include "controller/session.h"
#include "lib/base/xalloc.h"
#include "lib/io/stream.h"

enum {
	NAME_BYTES = 256,                 /* of an application with its options */
	OUT_BYTES_MAX = 64 * 1024 * 1024, /* that may wait for one switch */
	LINGER_NS = 100 * 1000 * 1000,    /* for what waits when the controller closes */
};

/* The connection with one switch. */
struct peer {
	struct driver *driver;
	struct stream *stream;
	struct session *session;
	TAILQ_ENTRY(peer) link;
};

struct driver {
	struct event_base *base;
	struct event *timer; /* the controller's deadline */
	struct controller *controller;
	TAILQ_HEAD(, peer) peers;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* After every call of the controller: ask it when it wants the next. */
static void set_timer(struct driver *driver)
{
	uint64_t deadline_ns = controller_deadline(driver->controller);
	uint64_t now = now_ns();
	uint64_t wait_us = deadline_ns > now ? (deadline_ns - now + 999) / 1000 : 0;
	struct timeval wait = {(time_t)(wait_us / 1000000), (suseconds_t)(wait_us % 1000000)};

	event_del(driver->timer);
	if (deadline_ns != FB_NEVER)
		event_add(driver->timer, &wait);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct driver *driver = ctx;

	(void)fd;
	(void)what;
	controller_run(driver->controller, now_ns());
	set_timer(driver);
}

static void peer_free(struct peer *peer)
{
	TAILQ_REMOVE(&peer->driver->peers, peer, link);
	free(peer);
}

/* --- What the controller asks for --- */

static void peer_send(void *conn, const uint8_t *bytes, size_t len)
{
	struct peer *peer = conn;

	if (stream_send(peer->stream, bytes, len))
		return;
	fputs("network_test: a switch does not read\n", stderr);
	exit(1);
}

static void peer_close(void *conn, const char *reason)
{
	struct peer *peer = conn;

	printf("closed %s: %s\n", stream_peer(peer->stream), reason);
	stream_close(peer->stream, LINGER_NS);
	peer_free(peer);
}

static void tell_line(void *ctx, enum fb_log_level level, const char *who, const char *line)
{
	(void)ctx;
	(void)level;
	printf("%s: %s\n", who, line);
}

static void tell_switch(void *ctx, uint64_t dpid, bool up, const char *peer)
{
	(void)ctx;
	printf("switch %016llx %s, %s\n", (unsigned long long)dpid, up ? "up" : "down", peer);
}

/* --- Streams --- */

static void on_received(void *ctx, const uint8_t *bytes, size_t len)
{
	struct peer *peer = ctx;
	struct driver *driver = peer->driver;

	session_receive(peer->session, bytes, len, now_ns());
	set_timer(driver);
}

static void on_closed(void *ctx, const char *reason)
{
	struct peer *peer = ctx;
	struct driver *driver = peer->driver;

	session_closed(peer->session, reason, now_ns());
	peer_free(peer);
	set_timer(driver);
}

static void on_accepted(void *ctx, struct stream *stream)
{
	static const struct stream_ops ops = {.received = on_received, .closed = on_closed};
	struct driver *driver = ctx;
	struct peer *peer = xcalloc(1, sizeof *peer);

	*peer = (struct peer){.driver = driver, .stream = stream};
	TAILQ_INSERT_TAIL(&driver->peers, peer, link);
	stream_adopt(stream, &ops, peer, OUT_BYTES_MAX);
	peer->session = controller_connect(driver->controller, peer, stream_peer(stream), now_ns());
	if (!peer->session)
		peer_close(peer, "too many connections");
	set_timer(driver);
}

static void on_failed(void *ctx, const char *reason)
{
	(void)ctx;
	printf("accepting failed: %s\n", reason);
}

/* --- The program --- */

/* Put the application that 'text' names, with its options behind a comma, into the chain. */
static bool add_app(struct controller *controller, const char *text)
{
	char name[NAME_BYTES], error[NAME_BYTES];
	struct fb_text error_text = fb_text_make(error, sizeof error);
	const struct fb_app_class *cls;
	char *options;

	snprintf(name, sizeof name, "%s", text);
	options = strchr(name, ',');
	if (options)
		*options++ = '\0';
	cls = controller_find_class(name);
	if (cls && controller_add_app(controller, cls, options ? options : "", &error_text) == 0)
		return true;
	fprintf(stderr, "network_test: %s: %s\n", text, cls ? error : "no such application");
	return false;
}

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
	struct driver *driver = ctx;

	(void)number;
	(void)what;
	event_base_loopbreak(driver->base);
}

/* Listen and serve until a signal. */
static bool serve(struct driver *driver, const char *name_text)
{
	static const struct stream_listener_ops ops = {.accepted = on_accepted,
	                                               .failed = on_failed};
	struct event *terminate = evsignal_new(driver->base, SIGTERM, on_signal, driver);
	struct stream_listener *listener = NULL;
	struct conn_name name;
	char error[NAME_BYTES];

	if (conn_name_parse(name_text, &name, error, sizeof error))
		listener = stream_listen(driver->base, &name, NULL, &ops, driver, error,
		                         sizeof error);
	if (listener) {
		event_add(terminate, NULL);
		printf("ready on %s\n", stream_listener_name(listener));
		event_base_dispatch(driver->base);
		stream_listener_close(listener);
	} else {
		fprintf(stderr, "network_test: %s\n", error);
	}
	event_free(terminate);
	return listener != NULL;
}

int main(int argc, char **argv)
{
	const struct controller_ops ops = {.send = peer_send,
	                                   .close = peer_close,
	                                   .log = tell_line,
	                                   .switch_event = tell_switch};
	struct controller_config config;
	struct driver driver = {.base = event_base_new()};
	bool fine = argc > 2;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	TAILQ_INIT(&driver.peers);
	driver.timer = evtimer_new(driver.base, on_timer, &driver);
	controller_config_default(&config);
	config.run_id = (uint32_t)now_ns();
	driver.controller = controller_new(&config, &ops);
	for (int i = 2; i < argc && fine; i++)
		fine = add_app(driver.controller, argv[i]);
	if (argc < 3)
		fputs("usage: network_test LISTENER APPLICATION[,OPTION=VALUE]...\n", stderr);
	fine = fine && serve(&driver, argv[1]);
	controller_free(driver.controller);
	event_free(driver.timer);
	event_base_free(driver.base);
	return fine ? 0 : 1;
}
