/* The client's life, the timer of its loop, and what the agent asks of it; see client.h.
 *
 * One timer serves the agent and the controllers' back-off. It is set to an earlier time when one
 * comes up, but not to a later one: firing once too often costs less than setting it with each
 * frame. */
#include "softswitch/client_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/io/system.h"

enum { TEXT_BYTES = 1800 }; /* of a list in a log line */

void client_config_default(struct client_config *config)
{
	*config = (struct client_config){
	        .managers_max = 64,
	        .snoopers_max = 16,
	        .out_bytes_max = 256 << 20,
	        .snoop_bytes_max = 4 << 20,
	        .drain_ns = FB_NS_PER_S,
	};
	agent_config_default(&config->agent);
	reconnect_config_default(&config->reconnect);
	pcap_ports_config_default(&config->ports);
}

/* --- Time and log --- */

uint64_t client_now_ns(void)
{
	return system_now_ns();
}

uint64_t client_unix_ns(void)
{
	return system_unix_ns();
}

/* False when this second has had its lines; what is dropped is told in the next. */
static bool log_allows(struct client *client, const char *time_text)
{
	uint64_t second = client_now_ns() / FB_NS_PER_S;

	if (second != client->log_second) {
		if (client->log_lines > CLIENT_LOG_LINES_MAX)
			log_line(client->log, LOG_LEVEL_WARNING, time_text,
			         "%" PRIu32
			         " log lines were too many for a second and are not here",
			         client->log_lines - CLIENT_LOG_LINES_MAX);
		client->log_second = second;
		client->log_lines = 0;
	}
	if (++client->log_lines <= CLIENT_LOG_LINES_MAX)
		return true;
	client->counters.log_lines_dropped++;
	return false;
}

void client_log(struct client *client, enum log_level level, const char *format, ...)
{
	char time_text[LOG_TIME_BYTES];
	va_list args;

	if (!log_wants(client->log, level))
		return;
	log_time_text(time_text, client_unix_ns());
	if (level != LOG_LEVEL_DEBUG && !log_allows(client, time_text))
		return;
	va_start(args, format);
	log_vline(client->log, level, time_text, format, args);
	va_end(args);
}

void client_log_library(struct client *client, bool is_error, const char *line)
{
	client_log(client, is_error ? LOG_LEVEL_WARNING : LOG_LEVEL_DEBUG, "libevent: %s", line);
}

/* --- The timer --- */

static void arm(struct client *client, uint64_t now_ns)
{
	uint64_t deadline_ns =
	        fb_time_min(agent_deadline(client->agent), client_conns_deadline(client));
	uint64_t wait_ns;
	struct timeval wait;

	if (deadline_ns >= client->armed_ns)
		return;
	client->armed_ns = deadline_ns;
	wait_ns = deadline_ns > now_ns ? deadline_ns - now_ns + FB_NS_PER_US - 1 : 0;
	wait.tv_sec = (time_t)(wait_ns / FB_NS_PER_S);
	wait.tv_usec = (suseconds_t)(wait_ns % FB_NS_PER_S / FB_NS_PER_US);
	event_add(client->timer, &wait);
}

void client_settle(struct client *client, uint64_t now_ns)
{
	if (client->draining)
		return;
	while (client->unsettled) {
		client->unsettled = false;
		client_conns_settle(client, now_ns);
	}
	arm(client, now_ns);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;
	uint64_t now_ns = client_now_ns();

	(void)fd;
	(void)what;
	client->armed_ns = FB_NEVER;
	agent_run(client->agent, now_ns);
	client->unsettled = true;
	client_settle(client, now_ns);
}

/* --- Life --- */

static void on_agent_log(void *ctx, enum agent_log_level level, const char *line)
{
	static const enum log_level levels[] = {[AGENT_LOG_WARNING] = LOG_LEVEL_WARNING,
	                                        [AGENT_LOG_INFO] = LOG_LEVEL_INFO,
	                                        [AGENT_LOG_DEBUG] = LOG_LEVEL_DEBUG};

	client_log(ctx, levels[level], "%s", line);
}

struct client *client_new(struct event_base *base, const struct client_config *config,
                          struct log *log)
{
	struct client *client = xcalloc(1, sizeof *client);

	client->base = base;
	client->config = *config;
	client->log = log;
	client->armed_ns = FB_NEVER;
	client->pool = frame_pool_new();
	client_captures_init(client);
	client->timer = event_new(base, -1, 0, on_timer, client);
	if (!client->timer)
		xalloc_failed("the loop's timer");
	TAILQ_INIT(&client->conns);
	TAILQ_INIT(&client->snoopers);
	return client;
}

static void agent_begin(struct client *client)
{
	const struct agent_ops ops = {
	        .send = client_conns_send,
	        .close = client_conns_close,
	        .backlog = client_conns_backlog,
	        .ready = client_conns_ready,
	        .output = client_ports_output,
	        .port_configured = client_ports_configured,
	        .log = on_agent_log,
	        .ctx = client,
	};

	client->config.agent.conns_max = client->config.managers_max + client->controllers_count;
	client->agent = agent_new(&client->config.agent, &ops, client->pool);
}

/* "ready: dpid 0000000000000001; ports 1 (eth1), 2 (eth2); ..." */
static void tell_ready(struct client *client)
{
	char memory[TEXT_BYTES];
	struct fb_text text = fb_text_make(memory, sizeof memory);

	fb_text_printf(&text, "dpid %016" PRIx64 "; ", client->config.agent.datapath.dpid);
	client_ports_text(client, &text);
	client_conns_text(client, &text);
	client_log(client, LOG_LEVEL_INFO, "ready: %s", memory);
}

bool client_start(struct client *client, char *error)
{
	uint64_t now_ns;

	agent_begin(client);
	if (!client_captures_open(client, error) || !client_ports_start(client, error))
		return false;
	client->started = true;
	tell_ready(client);
	now_ns = client_now_ns();
	client_conns_start(client, now_ns);
	client->unsettled = true;
	client_settle(client, now_ns);
	return true;
}

void client_reopen(struct client *client)
{
	if (!client->draining)
		client_captures_reopen(client);
}

static void tell_end(struct client *client, const struct agent_counters *a,
                     const struct datapath_counters *d)
{
	client_log(client, LOG_LEVEL_INFO,
	           "ends: %" PRIu64 " frames in, %" PRIu64 " out, %" PRIu64 " matched, %" PRIu64
	           " packet-ins; %" PRIu64 " connections, %" PRIu64 " messages in, %" PRIu64
	           " out, %" PRIu64 " errors sent; ended for not reading: %" PRIu64
	           ", snoopers dropped: %" PRIu64,
	           d->frames_in, d->frames_out, d->matched, d->packet_ins, a->connects,
	           a->messages_in, a->messages_out, a->errors_out, client->counters.not_reading,
	           client->counters.snoopers_dropped);
}

void client_drain(struct client *client)
{
	struct agent_counters a = {0};
	struct datapath_counters d = {0};

	if (client->draining)
		return;
	client->draining = true;
	client_ports_drain(client);
	if (client->agent) {
		a = *agent_counters(client->agent);
		d = *datapath_counters(agent_datapath(client->agent));
		agent_free(client->agent);
		client->agent = NULL;
	}
	client_conns_drain(client);
	client_watch_drain(client);
	client_captures_close(client);
	if (client->started)
		tell_end(client, &a, &d);
	event_del(client->timer);
}

void client_free(struct client *client)
{
	if (!client)
		return;
	client_drain(client);
	event_free(client->timer);
	frame_pool_free(client->pool);
	tls_free(client->tls);
	for (uint32_t i = 0; i < client->controllers_count; i++)
		free(client->controllers[i]);
	free(client->queues);
	free(client);
}
