/* The server as a whole: its loops and threads, its listeners, its log; see server.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "controller/server_private.h"
#include "lib/base/xalloc.h"
#include "lib/io/system.h"

enum {
	APP_TEXT_BYTES = 16384, /* of an application with its options */
	CONNS_MAX_DEFAULT = 16384,
};

void server_config_default(struct server_config *config)
{
	*config = (struct server_config){
	        .threads = 1,
	        .out_bytes_max = 64 * 1024 * 1024,
	        .drain_ns = FB_NS_PER_S,
	};
	controller_config_default(&config->controller);
	config->controller.sessions_max = CONNS_MAX_DEFAULT;
}

/* --- Time and log --- */

uint64_t server_now_ns(void)
{
	return system_now_ns();
}

uint64_t server_unix_ns(void)
{
	return system_unix_ns();
}

void server_log(struct server *server, enum log_level level, const char *who, const char *format,
                ...)
{
	char time_text[LOG_TIME_BYTES], line[LOG_LINE_BYTES];
	va_list args;

	if (!log_wants(server->log, level))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	log_time_text(time_text, server_unix_ns());
	pthread_mutex_lock(&server->log_lock);
	if (strcmp(who, "controller") == 0)
		log_line(server->log, level, time_text, "%s", line);
	else
		log_line(server->log, level, time_text, "%s: %s", who, line);
	pthread_mutex_unlock(&server->log_lock);
}

/* --- Life --- */

/* Cookies of two runs must differ. */
static uint32_t new_run_id(void)
{
	uint32_t id = 0;

	if (getrandom(&id, sizeof id, GRND_NONBLOCK) != (ssize_t)sizeof id || id == 0)
		id = (uint32_t)server_unix_ns() | 1;
	return id;
}

struct server *server_new(struct event_base *base, const struct server_config *config,
                          struct log *log)
{
	static const enum fb_log_level levels[] = {
	        [LOG_LEVEL_ERROR] = FB_LOG_ERROR,
	        [LOG_LEVEL_WARNING] = FB_LOG_WARNING,
	        [LOG_LEVEL_INFO] = FB_LOG_INFO,
	        [LOG_LEVEL_DEBUG] = FB_LOG_DEBUG,
	};
	struct server *server = xcalloc(1, sizeof *server);

	server->base = base;
	server->config = *config;
	server->log = log;
	server->config.controller.run_id = new_run_id();
	server->config.controller.log_level = levels[log->level];
	pthread_mutex_init(&server->log_lock, NULL);
	server_dpids_init(&server->dpids);
	server->config.controller.dpids_seed = server->dpids.seed;
	server->loops_count = config->threads > 1 ? config->threads + 1 : 1;
	server->loops = xcalloc(server->loops_count, sizeof *server->loops);
	for (uint32_t i = 0; i < server->loops_count; i++)
		server_loop_init(&server->loops[i], server, i, i ? NULL : base);
	return server;
}

/* Split "name,options" and look the class up. */
static const struct fb_app_class *read_app(char *text, const char **options, char *error)
{
	char *comma = strchr(text, ',');
	const struct fb_app_class *cls;

	*options = comma ? comma + 1 : "";
	if (comma)
		*comma = '\0';
	cls = controller_find_class(text);
	if (cls && comma && !**options) {
		snprintf(error, SERVER_ERROR_BYTES, "%s: expected NAME=VALUE after the comma",
		         cls->name);
		return NULL;
	}
	if (!cls)
		snprintf(error, SERVER_ERROR_BYTES,
		         "no application is named '%.80s'; --list-apps shows them", text);
	return cls;
}

/* A chain in which an application has nothing to do is not what somebody wanted. */
static void warn_of_idle(struct server *server, const struct fb_app_class *cls)
{
	if (server->takes_all && cls->packet_in)
		server_log(server, LOG_LEVEL_WARNING, "controller",
		           "%s will see no packet: %s in front of it takes them all", cls->name,
		           server->takes_all->name);
	if (!server->takes_all && cls->takes_all)
		server->takes_all = cls;
}

/* An application that needs to see all switches, or that needs one that does, has one loop. */
static bool scope_fits(const struct server *server, const struct fb_app_class *cls, char *error)
{
	const struct fb_app_class *wide = cls;

	while (wide && wide->scope != FB_SCOPE_NETWORK)
		wide = wide->needs;
	if (!wide || server->config.threads == 1)
		return true;
	snprintf(error, SERVER_ERROR_BYTES,
	         "%s%s%s must see all switches in one place, and %" PRIu32
	         " threads do not share them: run it with --threads 1",
	         wide == cls ? "" : cls->name, wide == cls ? "" : " needs others, of which ",
	         wide->name, server->config.threads);
	return false;
}

bool server_add_app(struct server *server, const char *text, char *error)
{
	struct fb_text error_text = fb_text_make(error, SERVER_ERROR_BYTES);
	uint32_t first = server->loops_count > 1;
	const struct fb_app_class *cls;
	char name[APP_TEXT_BYTES];
	const char *options;

	if ((size_t)snprintf(name, sizeof name, "%s", text) >= sizeof name) {
		snprintf(error, SERVER_ERROR_BYTES,
		         "%.60s...: an application with its options has at most %d characters",
		         text, APP_TEXT_BYTES - 1);
		return false;
	}
	cls = read_app(name, &options, error);
	if (!cls)
		return false;
	if (!scope_fits(server, cls, error))
		return false;
	for (uint32_t i = first; i < server->loops_count; i++) {
		if (controller_add_app(server->loops[i].controller, cls, options, &error_text) < 0)
			return false;
		error_text = fb_text_make(error, SERVER_ERROR_BYTES);
	}
	warn_of_idle(server, cls);
	return true;
}

/* --- Listening --- */

/* Peers can bring this about again and again. */
static void on_failed(void *ctx, const char *reason)
{
	struct server_loop *loop = ctx;
	struct server *server = loop->server;
	uint64_t suppressed;

	atomic_fetch_add(&server->accepts_failed, 1);
	if (fb_log_limit_allows(&server->failed_limit, server_now_ns(), &suppressed))
		server_log(server, LOG_LEVEL_ERROR, "controller",
		           "connections cannot be accepted for now, and wait: %s (%" PRIu64
		           " lines like this left out)",
		           reason, suppressed);
}

/* TLS is set up with the first socket that needs it. */
static bool need_tls(struct server *server, char *error)
{
	if (server->tls)
		return true;
	server->tls = tls_new(&server->config.tls, error, SERVER_ERROR_BYTES);
	if (server->tls && tls_warning(server->tls)[0])
		server_log(server, LOG_LEVEL_WARNING, "controller", "%s", tls_warning(server->tls));
	return server->tls;
}

bool server_listen(struct server *server, const struct conn_name *name, char *error)
{
	static const struct stream_listener_ops ops = {.accepted = server_conns_accept,
	                                               .failed = on_failed};
	struct stream_listener *listener;

	if (server->listeners_count == SERVER_LISTENERS_MAX) {
		snprintf(error, SERVER_ERROR_BYTES, "more than %d sockets to listen on",
		         SERVER_LISTENERS_MAX);
		return false;
	}
	if (name->kind == CONN_SSL && !need_tls(server, error))
		return false;
	listener = stream_listen(server->base, name, server->tls, &ops, &server->loops[0], error,
	                         SERVER_ERROR_BYTES);
	if (!listener)
		return false;
	server->listeners[server->listeners_count++] = listener;
	return true;
}

static void log_ready(struct server *server)
{
	char line[LOG_LINE_BYTES];
	struct fb_text text = fb_text_make(line, sizeof line);

	for (uint32_t i = 0; i < server->listeners_count; i++)
		fb_text_printf(&text, "%s%s", i ? ", " : "",
		               stream_listener_name(server->listeners[i]));
	server_log(server, LOG_LEVEL_INFO, "controller", "ready on %s", line);
}

bool server_open(struct server *server, char *error)
{
	return server_watch_open(server, error) && server_status_open(server, error);
}

bool server_start(struct server *server, char *error)
{
	for (uint32_t i = 1; i < server->loops_count; i++) {
		if (!server_loop_start_thread(&server->loops[i])) {
			snprintf(error, SERVER_ERROR_BYTES, "thread %" PRIu32 " cannot be made", i);
			return false;
		}
	}
	server->started = true;
	log_ready(server);
	return true;
}

void server_reopen(struct server *server)
{
	server_watch_reopen(server);
}

/* --- The end --- */

static void drain_loop(struct server_loop *loop, struct server_task *task)
{
	free(task);
	server_loop_drain(loop);
}

void server_drain(struct server *server)
{
	if (server->draining)
		return;
	server->draining = true;
	for (uint32_t i = 0; i < server->listeners_count; i++)
		stream_listener_close(server->listeners[i]);
	server->listeners_count = 0;
	server_status_drain(server);
	server_watch_drain(server);
	server_loop_drain(&server->loops[0]);
	for (uint32_t i = 1; i < server->loops_count; i++) {
		struct server_task *task = xcalloc(1, sizeof *task);

		task->run = drain_loop;
		if (server->loops[i].started)
			server_loop_post(&server->loops[i], task);
		else
			free(task);
	}
}

/* The sum of what the cores counted; all members are of one type. The FEATURES_REPLY of a connection
 * that moved came in two of them. */
static void add_up(const struct server *server, struct controller_counters *sum,
                   uint64_t *not_reading)
{
	uint64_t *to = (uint64_t *)sum;

	for (uint32_t i = 0; i < server->loops_count; i++) {
		const uint64_t *from = (const uint64_t *)&server->loops[i].ended;

		for (size_t k = 0; k < sizeof *sum / sizeof *to; k++)
			to[k] += from[k];
		*not_reading += server->loops[i].not_reading;
	}
}

static void tell_end(struct server *server)
{
	struct controller_counters c = {0};
	uint64_t not_reading = 0;

	add_up(server, &c, &not_reading);
	server_log(server, LOG_LEVEL_INFO, "controller",
	           "ends: %" PRIu64 " connections, %" PRIu64 " switches, %" PRIu64
	           " messages in, %" PRIu64 " out, %" PRIu64 " packet-ins, %" PRIu64
	           " flow-mods, %" PRIu64 " packet-outs; refused: %" PRIu64 " connections, %" PRIu64
	           " dpids, %" PRIu64 " messages; ended: %" PRIu64 " in the handshake, %" PRIu64
	           " silent, %" PRIu64 " stuck, %" PRIu64 " for not reading, %" PRIu64
	           " replaced, %" PRIu64 " displaced; log lines left out: %" PRIu64,
	           server->conns_accepted, c.connects, c.messages_in - c.moved, c.messages_out,
	           c.packet_ins, c.flow_mods, c.packet_outs,
	           server->conns_refused + c.sessions_refused, c.dpids_refused, c.bad_messages,
	           c.handshake_timeouts + c.version_failures, c.echo_timeouts, c.stalls,
	           not_reading, c.replaced, server->conns_displaced, c.log_lines_suppressed);
}

void server_free(struct server *server)
{
	if (!server)
		return;
	server_drain(server);
	for (uint32_t i = 1; i < server->loops_count; i++)
		if (server->loops[i].started)
			pthread_join(server->loops[i].thread, NULL);
	if (server->started)
		tell_end(server);
	for (uint32_t i = 0; i < server->loops_count; i++)
		server_loop_destroy(&server->loops[i]);
	server_watch_close(server);
	server_status_free(server);
	server_dpids_destroy(&server->dpids);
	tls_free(server->tls);
	pthread_mutex_destroy(&server->log_lock);
	free(server->loops);
	free(server);
}
