/* Connections of the client: with controllers, which it makes and keeps (reconnect.h says when), and
 * with management programs, which listeners accept. See client.h.
 *
 * A connection ends in one of three ways: the peer closed or was not reached (on_closed()), the
 * agent closes it (client_conns_close()), or the client does (end()). Each marks it 'over', and
 * client_conns_settle() does the rest, outside of all calls of the agent. A peer that does not read
 * is the agent's to hold up (agent_conn_paused()); one that lets more wait for it than
 * 'out_bytes_max' nevertheless loses its connection. */
#include "softswitch/client_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

enum { SUBJECT_BYTES = 256 };

static const struct stream_ops stream_ops;

/* --- The agent's operations --- */

/* The client ends 'conn'. */
static void end(struct client_conn *conn, const char *reason)
{
	conn->over = true;
	conn->reason = reason;
	conn->client->unsettled = true;
}

void client_conns_send(void *ctx, const uint8_t *bytes, size_t len)
{
	struct client_conn *conn = ctx;
	struct client *client = conn->client;

	if (conn->over || !conn->stream)
		return;
	if (stream_send(conn->stream, bytes, len)) {
		client_watch_bytes(conn, CONN_WATCH_OUT, bytes, len);
		return;
	}
	client->counters.not_reading++;
	client_log(client, LOG_LEVEL_WARNING,
	           "%s: does not read: %zu bytes wait for it already; the connection ends",
	           conn->peer, stream_pending_bytes(conn->stream));
	end(conn, "the peer does not read");
}

void client_conns_close(void *ctx, const char *reason)
{
	struct client_conn *conn = ctx;

	conn->agent_conn = NULL;
	end(conn, reason);
}

size_t client_conns_backlog(void *ctx)
{
	const struct client_conn *conn = ctx;

	return conn->stream && !conn->over ? stream_pending_bytes(conn->stream) : 0;
}

void client_conns_ready(void *ctx)
{
	struct client_conn *conn = ctx;

	if (!conn->controller)
		return;
	reconnect_ready(&conn->controller->reconnect);
	conn->controller->quiet = conn->controller->failed = false;
	conn->client->lost = false;
	if (conn->client->told_alone)
		client_log(conn->client, LOG_LEVEL_WARNING,
		           "a controller is back: misses go to it again");
	conn->client->told_alone = false;
}

/* --- One connection --- */

static struct client_conn *conn_new(struct client *client, struct client_controller *controller,
                                    const char *peer)
{
	struct client_conn *conn = xcalloc(1, sizeof *conn);

	conn->client = client;
	conn->controller = controller;
	snprintf(conn->peer, sizeof conn->peer, "%s", peer);
	TAILQ_INSERT_TAIL(&client->conns, conn, link);
	client->managers_count += !controller;
	return conn;
}

static void conn_free(struct client_conn *conn)
{
	TAILQ_REMOVE(&conn->client->conns, conn, link);
	conn->client->managers_count -= !conn->controller;
	conn_watch_end(&conn->watch, NULL, 0, CONN_WATCH_OUT);
	free(conn);
}

/* The stream is open: the agent takes over. */
static void open_conn(struct client_conn *conn, uint64_t now_ns)
{
	enum agent_role role = conn->controller ? AGENT_CONTROLLER : AGENT_MANAGEMENT;

	client_watch_begin(conn);
	conn->agent_conn = agent_connect(conn->client->agent, conn, conn->peer, role, now_ns);
	if (!conn->agent_conn)
		end(conn, "too many connections");
}

/* Read from the peer as long as the agent takes it. */
static void follow_pause(struct client_conn *conn)
{
	bool paused;

	if (conn->over || !conn->agent_conn)
		return;
	paused = agent_conn_paused(conn->agent_conn);
	if (paused == conn->paused)
		return;
	conn->paused = paused;
	stream_set_reading(conn->stream, !paused);
	client_log(conn->client, LOG_LEVEL_DEBUG, "%s: %s", conn->peer,
	           paused ? "its messages wait" : "its messages are taken");
}

static void on_connected(void *ctx)
{
	struct client_conn *conn = ctx;
	uint64_t now_ns = client_now_ns();
	char subject[SUBJECT_BYTES];

	if (stream_tls_subject(conn->stream, subject, sizeof subject))
		client_log(conn->client, LOG_LEVEL_DEBUG, "%s: has the certificate of %s",
		           conn->peer, subject);
	open_conn(conn, now_ns);
	client_settle(conn->client, now_ns);
}

static void on_received(void *ctx, const uint8_t *bytes, size_t len)
{
	struct client_conn *conn = ctx;
	struct client *client = conn->client;
	uint64_t now_ns = client_now_ns();

	if (conn->over || !conn->agent_conn)
		return;
	client_watch_bytes(conn, CONN_WATCH_IN, bytes, len);
	agent_receive(conn->agent_conn, bytes, len, now_ns);
	follow_pause(conn);
	client_settle(client, now_ns);
}

static void on_sent(void *ctx)
{
	struct client_conn *conn = ctx;
	struct client *client = conn->client;
	uint64_t now_ns = client_now_ns();

	if (!conn->paused || conn->over || !conn->agent_conn)
		return;
	agent_resume(conn->agent_conn, now_ns);
	follow_pause(conn);
	client_settle(client, now_ns);
}

/* In the fail mode "secure", tell what it means that there is no controller; of the other modes the
 * agent tells when they begin. */
static void tell_alone(struct client *client)
{
	if (client->told_alone || client->config.agent.fail_mode != AGENT_FAIL_SECURE)
		return;
	for (uint32_t i = 0; i < client->controllers_count; i++)
		if (client->controllers[i]->reconnect.state == RECONNECT_READY)
			return;
	client->told_alone = true;
	client_log(client, LOG_LEVEL_WARNING,
	           "no controller: the entries stay in force, misses are dropped");
}

/* "8 s", "250 ms" */
static void put_wait(struct fb_text *text, uint64_t wait_ns)
{
	bool whole = wait_ns % FB_NS_PER_S == 0;

	fb_text_printf(text, "%" PRIu64 " %s", wait_ns / (whole ? FB_NS_PER_S : FB_NS_PER_MS),
	               whole ? "s" : "ms");
}

/* Tell that an attempt has failed, until the wait has grown to its longest; the first time it is a
 * warning. */
static void tell_failure(struct client_controller *controller, const char *reason, uint64_t now_ns)
{
	const struct reconnect *r = &controller->reconnect;
	uint64_t wait_ns = reconnect_deadline(r) - now_ns;

	char memory[32];
	struct fb_text wait = fb_text_make(memory, sizeof memory);

	if (controller->quiet)
		return;
	put_wait(&wait, wait_ns);
	controller->quiet = wait_ns >= r->config.backoff_max_ns;
	client_log(controller->client, controller->failed ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
	           "controller %s: not connected: %s; next try in %s%s", controller->text, reason,
	           memory, controller->quiet ? "; further failures are not told" : "");
	controller->failed = true;
}

/* The attempt or connection of a controller is over. */
static void controller_ended(struct client_controller *controller, const char *reason,
                             bool was_ready, uint64_t now_ns)
{
	controller->conn = NULL;
	reconnect_ended(&controller->reconnect, now_ns);
	controller->client->unsettled = true;
	if (!was_ready)
		tell_failure(controller, reason, now_ns);
	tell_alone(controller->client);
}

/* Free a connection that is over. */
static void conn_end(struct client_conn *conn, uint64_t now_ns)
{
	struct client *client = conn->client;
	struct client_controller *controller = conn->controller;
	/* Who does not read gets no time to. */
	uint64_t linger_ns = conn->agent_conn ? 0 : client->config.drain_ns;

	client_watch_end(conn, CONN_WATCH_OUT);
	if (conn->agent_conn)
		agent_closed(conn->agent_conn, conn->reason, now_ns);
	if (conn->stream)
		stream_close(conn->stream, linger_ns);
	if (controller)
		controller_ended(controller, conn->reason,
		                 controller->reconnect.state == RECONNECT_READY, now_ns);
	conn_free(conn);
}

static void on_closed(void *ctx, const char *reason)
{
	struct client_conn *conn = ctx;
	struct client *client = conn->client;
	uint64_t now_ns = client_now_ns();

	conn->stream = NULL;
	client_watch_end(conn, CONN_WATCH_IN);
	conn->over = true;
	conn->reason = reason; /* valid until this returns, and conn_end() is before that */
	conn_end(conn, now_ns);
	client->unsettled = true;
	client_settle(client, now_ns);
}

static const struct stream_ops stream_ops = {
        .connected = on_connected,
        .received = on_received,
        .sent = on_sent,
        .closed = on_closed,
};

/* --- Controllers --- */

/* The name with the port that holds when nothing is said. */
static void name_text(const struct conn_name *name, char *text, size_t size)
{
	bool v6 = strchr(name->host, ':');

	if (name->kind == CONN_UNIX)
		snprintf(text, size, "unix:%s", name->path);
	else
		snprintf(text, size, "%s:%s%s%s:%u", name->kind == CONN_SSL ? "ssl" : "tcp",
		         v6 ? "[" : "", name->host, v6 ? "]" : "", name->port);
}

bool client_read_tls(struct client *client, char *error)
{
	client->tls = tls_new(&client->config.tls, error, CLIENT_ERROR_BYTES);
	if (client->tls && tls_warning(client->tls)[0])
		client_log(client, LOG_LEVEL_WARNING, "%s", tls_warning(client->tls));
	return client->tls;
}

bool client_add_controller(struct client *client, const char *text, char *error)
{
	struct client_controller *controller;
	struct conn_name name;
	char full[sizeof controller->text];

	if (!conn_name_parse_for(text, CONN_NAME_CONNECT, &name, error, CLIENT_ERROR_BYTES))
		return false;
	name_text(&name, full, sizeof full);
	if (client->controllers_count == CLIENT_CONTROLLERS_MAX) {
		snprintf(error, CLIENT_ERROR_BYTES, "there are %d controllers already, the most",
		         CLIENT_CONTROLLERS_MAX);
		return false;
	}
	for (uint32_t i = 0; i < client->controllers_count; i++) {
		if (!strcmp(client->controllers[i]->text, full)) {
			snprintf(error, CLIENT_ERROR_BYTES, "named twice: name it once");
			return false;
		}
	}
	controller = xcalloc(1, sizeof *controller);
	controller->client = client;
	memcpy(controller->text, full, sizeof full);
	controller->name = name;
	client->controllers[client->controllers_count++] = controller;
	return true;
}

void client_conns_start(struct client *client, uint64_t now_ns)
{
	for (uint32_t i = 0; i < client->controllers_count; i++)
		reconnect_init(&client->controllers[i]->reconnect, &client->config.reconnect,
		               now_ns);
}

static void attempt(struct client_controller *controller)
{
	struct client *client = controller->client;
	struct client_conn *conn;
	char peer[sizeof conn->peer];

	snprintf(peer, sizeof peer, "controller %s", controller->text);
	conn = conn_new(client, controller, peer);

	client_log(client, LOG_LEVEL_DEBUG, "%s: connecting", conn->peer);
	controller->conn = conn;
	conn->stream = stream_connect(client->base, &controller->name, client->tls, &stream_ops,
	                              conn, client->config.out_bytes_max);
}

/* The controllers are lost when attempts to reach each of them have failed often enough; a switch
 * that has none has lost them all. */
static bool all_exhausted(const struct client *client)
{
	for (uint32_t i = 0; i < client->controllers_count; i++)
		if (!reconnect_exhausted(&client->controllers[i]->reconnect))
			return false;
	return true;
}

static void give_up(struct client *client, uint64_t now_ns)
{
	client->lost = true;
	agent_controllers_lost(client->agent, now_ns);
}

void client_conns_settle(struct client *client, uint64_t now_ns)
{
	struct client_conn *conn, *next;

	for (uint32_t i = 0; i < client->controllers_count; i++) {
		struct client_controller *controller = client->controllers[i];

		if (controller->conn && !controller->conn->over &&
		    reconnect_overdue(&controller->reconnect, now_ns))
			end(controller->conn, "it takes too long");
	}
	for (conn = TAILQ_FIRST(&client->conns); conn; conn = next) {
		next = TAILQ_NEXT(conn, link);
		if (conn->over)
			conn_end(conn, now_ns);
		else
			follow_pause(conn);
	}
	if (!client->lost && all_exhausted(client))
		give_up(client, now_ns);
	for (uint32_t i = 0; i < client->controllers_count; i++) {
		struct client_controller *controller = client->controllers[i];

		if (!controller->conn && reconnect_begin(&controller->reconnect, now_ns))
			attempt(controller);
	}
}

uint64_t client_conns_deadline(const struct client *client)
{
	uint64_t deadline_ns = FB_NEVER;

	for (uint32_t i = 0; i < client->controllers_count; i++)
		deadline_ns = fb_time_min(deadline_ns,
		                          reconnect_deadline(&client->controllers[i]->reconnect));
	return deadline_ns;
}

/* --- Listeners --- */

void client_conns_peer(struct client *client, const char *kind, const struct stream *stream,
                       char peer[CLIENT_PEER_BYTES])
{
	const char *name = stream_peer(stream);

	if (strcmp(name, "unix"))
		snprintf(peer, CLIENT_PEER_BYTES, "%s %s", kind, name);
	else
		snprintf(peer, CLIENT_PEER_BYTES, "%s unix#%" PRIu32, kind, ++client->conn_number);
}

/* A management program connected. */
static void manager_accepted(struct client *client, struct stream *stream)
{
	char peer[CLIENT_PEER_BYTES];
	uint64_t now_ns = client_now_ns();
	struct client_conn *conn;

	client_conns_peer(client, "management", stream, peer);
	if (client->managers_count >= client->config.managers_max) {
		client->counters.managers_refused++;
		client_log(client, LOG_LEVEL_WARNING,
		           "%s: refused: there are %" PRIu32 " management connections already",
		           peer, client->managers_count);
		stream_close(stream, 0);
		return;
	}
	conn = conn_new(client, NULL, peer);
	conn->stream = stream;
	stream_adopt(stream, &stream_ops, conn, client->config.out_bytes_max);
	open_conn(conn, now_ns);
	client_settle(client, now_ns);
}

static void on_manager(void *ctx, struct stream *stream)
{
	struct client *client = ctx;

	if (client->started && !client->draining)
		manager_accepted(client, stream);
	else
		stream_close(stream, 0);
}

static void on_snooper(void *ctx, struct stream *stream)
{
	client_watch_accept(ctx, stream);
}

static void on_accept_failed(void *ctx, const char *reason)
{
	client_log(ctx, LOG_LEVEL_WARNING, "connections cannot be accepted for now: %s", reason);
}

/* Listen on 'name' with 'accepted'. */
static bool add_listener(struct client *client, const struct conn_name *name, bool snoops,
                         char *error)
{
	const struct stream_listener_ops ops = {.accepted = snoops ? on_snooper : on_manager,
	                                        .failed = on_accept_failed};
	struct stream_listener *listener;

	if (client->listeners_count == CLIENT_LISTENERS_MAX) {
		snprintf(error, CLIENT_ERROR_BYTES, "more than %d listeners", CLIENT_LISTENERS_MAX);
		return false;
	}
	listener = stream_listen(client->base, name, client->tls, &ops, client, error,
	                         CLIENT_ERROR_BYTES);
	if (!listener)
		return false;
	client->listener_snoops[client->listeners_count] = snoops;
	client->listeners[client->listeners_count++] = listener;
	client->snooping |= snoops;
	return true;
}

bool client_listen(struct client *client, const struct conn_name *name, char *error)
{
	return add_listener(client, name, false, error);
}

bool client_snoop(struct client *client, const struct conn_name *name, char *error)
{
	return add_listener(client, name, true, error);
}

/* --- The rest --- */

static void put_listeners(const struct client *client, bool snoops, const char *what,
                          struct fb_text *text)
{
	const char *before = what;

	for (uint32_t i = 0; i < client->listeners_count; i++) {
		if (client->listener_snoops[i] != snoops)
			continue;
		fb_text_printf(text, "%s%s", before, stream_listener_name(client->listeners[i]));
		before = " ";
	}
}

void client_conns_text(const struct client *client, struct fb_text *text)
{
	static const char *const modes[] = {[AGENT_FAIL_SECURE] = "secure",
	                                    [AGENT_FAIL_STANDALONE] = "standalone",
	                                    [AGENT_FAIL_EMERGENCY] = "emergency"};

	fb_text_puts(text, client->controllers_count ? "; controllers" : "; no controllers");
	for (uint32_t i = 0; i < client->controllers_count; i++)
		fb_text_printf(text, " %s", client->controllers[i]->text);
	put_listeners(client, false, "; listening on ", text);
	put_listeners(client, true, "; snooped on ", text);
	fb_text_printf(text, "; fail mode %s", modes[client->config.agent.fail_mode]);
}

void client_conns_drain(struct client *client)
{
	struct client_conn *conn;

	for (uint32_t i = 0; i < client->listeners_count; i++)
		stream_listener_close(client->listeners[i]);
	client->listeners_count = 0;
	while ((conn = TAILQ_FIRST(&client->conns)) != NULL) {
		client_watch_end(conn, CONN_WATCH_OUT);
		if (conn->stream)
			stream_close(conn->stream, client->config.drain_ns);
		conn_free(conn);
	}
}
