/* The control channels of a network: what controller and switches say to each other, and how a
 * switch keeps and renews its connection. See network_private.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/network_private.h"

enum { NAME_BYTES = 64 };

static const char *name_of(const struct network_switch *sw)
{
	return sw->network->scenario->switches[sw->index].name;
}

/* --- Sending --- */

/* What is sent now is news, unless nothing but discovery and echoes is. */
static void note_activity(struct network *network, struct channel_load load)
{
	if (!channel_load_is_background(&load))
		network->last_activity_ns = network->clock.now_ns;
}

void network_control_send(struct network_switch *sw, unsigned from, const uint8_t *bytes, size_t len)
{
	const struct channel_load load = lldp_weigh(&sw->lldp_buffers, bytes, len);

	note_activity(sw->network, load);
	if (from == CHANNEL_CONTROLLER)
		sw->network->lldp_packet_outs += load.background;
	else
		sw->lldp_packet_ins += load.background;
	channel_send(sw->channel, from, bytes, len, load);
}

/* A stale end speaks to nobody; what of it is discovery is counted as such, as the controller does
 * it. */
void network_controller_send(void *conn, const uint8_t *bytes, size_t len)
{
	const struct network_session *session = conn;
	struct network_switch *sw = session->sw;

	if (session->stale)
		sw->network->lldp_packet_outs +=
		        lldp_weigh(&sw->lldp_buffers, bytes, len).background;
	else
		network_says(sw, CHANNEL_CONTROLLER, bytes, len);
}

/* The agent sends whole messages: errors among them are told. */
static void tell_errors(struct network_switch *sw, const uint8_t *bytes, size_t len)
{
	const uint64_t errors = agent_counters(sw->agent)->errors_out;

	while (sw->errors_told < errors && len >= sizeof(struct ofp_header)) {
		const size_t msg_len = fb_get16(bytes + offsetof(struct ofp_header, length));

		if (bytes[offsetof(struct ofp_header, type)] == OFPT_ERROR) {
			sw->errors_told++;
			NETWORK_OBSERVE(sw->network, error, sw->index, bytes, msg_len);
		}
		bytes += msg_len;
		len -= msg_len;
	}
}

void network_agent_send(void *conn, const uint8_t *bytes, size_t len)
{
	tell_errors(conn, bytes, len);
	network_says(conn, CHANNEL_SWITCH, bytes, len);
}

/* --- The end of a connection --- */

/* The switch's end is closed, or an attempt failed. What follows from that is an event of its own,
 * because agents may not be called from here. */
static void connection_ended(struct network_switch *sw)
{
	struct clock *clock = &sw->network->clock;

	if (sw->network->closing)
		return;
	reconnect_ended(&sw->reconnect, clock->now_ns);
	clock_set(clock, &sw->control, clock->now_ns);
}

void network_controller_close(void *conn, const char *reason)
{
	struct network_session *session = conn;
	struct network_switch *sw = session->sw;

	(void)reason; /* the controller's log tells it */
	if (session->stale) {
		sw->network->stale_count--;
	} else {
		sw->session = NULL;
		channel_close(sw->channel, CHANNEL_CONTROLLER);
	}
	free(session);
}

void network_agent_close(void *conn, const char *reason)
{
	struct network_switch *sw = conn;

	NETWORK_OBSERVE(sw->network, log, name_of(sw), reason);
	sw->conn = NULL;
	network_fault_messages_forget(sw);
	channel_close(sw->channel, CHANNEL_SWITCH);
	connection_ended(sw);
}

/* --- Receiving --- */

/* The controller's HELLO came. */
void network_agent_ready(void *conn)
{
	struct network_switch *sw = conn;

	reconnect_ready(&sw->reconnect);
}

void network_channel_deliver(void *ctx, unsigned end, const uint8_t *bytes, size_t len,
                             bool background)
{
	struct network_switch *sw = ctx;
	struct network *network = sw->network;
	const uint64_t now_ns = network->clock.now_ns;

	digest_delivery(network->digest, now_ns, sw->place + end, bytes, len);
	if (!background)
		network->last_activity_ns = now_ns;
	NETWORK_OBSERVE(network, bytes, sw->index, end, bytes, len);
	network_hears(sw, end, bytes, len);
}

void network_control_receive(struct network_switch *sw, unsigned to, const uint8_t *bytes, size_t len)
{
	struct network *network = sw->network;
	const uint64_t now_ns = network->clock.now_ns;

	if (to == CHANNEL_CONTROLLER && sw->session) {
		session_receive(sw->session->session, bytes, len, now_ns);
		network_controller_called(network);
	} else if (to == CHANNEL_SWITCH && sw->conn) {
		agent_receive(sw->conn, bytes, len, now_ns);
		network_agent_called(sw);
	}
}

void network_channel_cut(void *ctx, unsigned end, uint32_t skip, uint32_t bytes)
{
	const struct network_switch *sw = ctx;
	const struct network *network = sw->network;
	struct fault fault = fault_make(FAULT_CONTROL_SPLIT);

	fault.time_ns = network->clock.now_ns;
	fault.place = sw->index;
	fault.end = end;
	fault.skip = skip;
	fault.byte = bytes;
	NETWORK_OBSERVE(network, chance, &fault);
}

void network_control_ended(struct network_switch *sw, const char *reason)
{
	struct agent_conn *conn = sw->conn;

	sw->conn = NULL;
	agent_closed(conn, reason, sw->network->clock.now_ns);
	network_agent_called(sw);
	connection_ended(sw);
}

/* The other end's close arrived at 'end'. */
void network_channel_closed(void *ctx, unsigned end, const char *reason)
{
	struct network_switch *sw = ctx;
	struct network *network = sw->network;
	const uint64_t now_ns = network->clock.now_ns;

	network->last_activity_ns = now_ns;
	NETWORK_OBSERVE(network, closed, sw->index, end);
	if (end == CHANNEL_CONTROLLER && sw->session) {
		struct network_session *session = sw->session;

		sw->session = NULL;
		session_closed(session->session, reason, now_ns);
		free(session);
		network_controller_called(network);
	} else if (end == CHANNEL_SWITCH && sw->conn && !network_fault_holds_close(sw, reason)) {
		network_control_ended(sw, reason);
	}
}

/* --- Connecting --- */

/* The controller, which may be the second one, notices the connection. */
static void accept_connection(struct network_switch *sw)
{
	struct network *network = sw->network;
	struct network_session *session = xcalloc(1, sizeof *session);

	session->sw = sw;
	sw->session = session;
	session->session =
	        controller_connect(sw->with_second ? network->second : network->controller, session,
	                           name_of(sw), network->clock.now_ns);
	network_controller_called(network);
	if (session->session)
		return;
	sw->session = NULL;
	free(session);
	channel_close(sw->channel, CHANNEL_CONTROLLER);
}

void network_control_accept(struct network *network)
{
	for (size_t i = 0; i < network->scenario->switches_count; i++) {
		struct network_switch *sw = &network->switches[i];

		if (sw->unaccepted)
			accept_connection(sw);
		sw->unaccepted = false;
	}
}

bool network_control_is_due(const struct network *network)
{
	for (size_t i = 0; i < network->scenario->switches_count; i++)
		if (!network->switches[i].with_second &&
		    channel_is_due(network->switches[i].channel, CHANNEL_CONTROLLER))
			return true;
	return false;
}

/* Begin an attempt where there is a controller to reach. */
static void connect_switch(struct network_switch *sw)
{
	struct network *network = sw->network;
	const uint64_t now_ns = network->clock.now_ns;

	if (!(sw->with_second ? network->second : network->controller) || sw->control_down) {
		NETWORK_OBSERVE(network, log, name_of(sw), "cannot reach the controller");
		connection_ended(sw);
		return;
	}
	channel_open(sw->channel);
	network_messages_forget(sw);
	sw->connects++;
	NETWORK_OBSERVE(network, connected, sw->index);
	sw->unaccepted = !sw->with_second && network->controller_stalled;
	if (!sw->unaccepted)
		accept_connection(sw);
	sw->conn = agent_connect(sw->agent, sw, "controller", AGENT_CONTROLLER, now_ns);
	network_agent_called(sw);
	if (!sw->conn) {
		channel_close(sw->channel, CHANNEL_SWITCH);
		connection_ended(sw);
	}
}

/* It gives the controller up when it has tried often enough, and tries again when the time has come
 * and the controller has heard of the old connection's end. */
void network_control_run(struct network_switch *sw)
{
	struct clock *clock = &sw->network->clock;
	uint64_t next_ns = reconnect_deadline(&sw->reconnect);

	if (reconnect_exhausted(&sw->reconnect)) {
		agent_controllers_lost(sw->agent, clock->now_ns);
		network_agent_called(sw);
	}
	if (next_ns <= clock->now_ns &&
	    (sw->session || sw->unaccepted || channel_in_flight(sw->channel))) {
		next_ns = clock->now_ns + sw->reconnect.config.backoff_min_ns;
	} else if (reconnect_begin(&sw->reconnect, clock->now_ns)) {
		connect_switch(sw);
		return;
	}
	clock_set(clock, &sw->control, next_ns);
}

void network_control_fire(struct event *event)
{
	network_control_run(
	        (struct network_switch *)(void *)((char *)event -
	                                          offsetof(struct network_switch, control)));
}

/* The end there is left as it is: it belongs to no switch any more. */
static void leave_silently(struct network_switch *sw)
{
	if (sw->session) {
		sw->session->stale = true;
		sw->network->stale_count++;
		sw->session = NULL;
	}
	sw->unaccepted = false;
	channel_abandon(sw->channel);
}

void network_control_leave(struct network_switch *sw, bool second, bool silently)
{
	struct network *network = sw->network;
	struct agent_conn *conn;

	network_fault_messages_finish(sw);
	network_messages_leave(sw);
	conn = sw->conn;
	sw->conn = NULL;
	if (conn) {
		agent_closed(conn, "the switch goes to another controller", network->clock.now_ns);
		network_agent_called(sw);
	}
	if (silently)
		leave_silently(sw);
	else
		channel_close(sw->channel, CHANNEL_SWITCH);
	sw->with_second = second;
	if (sw->off)
		return;
	reconnect_init(&sw->reconnect, &network->scenario->switches[sw->index].reconnect,
	               network->clock.now_ns);
	clock_set(&network->clock, &sw->control, network->clock.now_ns);
}

/* --- Log lines and files --- */

void network_controller_log(void *ctx, enum fb_log_level level, const char *who, const char *line)
{
	struct network *network = ctx;

	(void)level;
	NETWORK_OBSERVE(network, log, who, line);
}

void network_second_log(void *ctx, enum fb_log_level level, const char *who, const char *line)
{
	struct network *network = ctx;
	char name[NAME_BYTES];

	(void)level;
	snprintf(name, sizeof name, "second %s", who);
	NETWORK_OBSERVE(network, log, name, line);
}

void network_agent_buffer_expired(void *ctx, uint32_t id, uint64_t kept_ns)
{
	struct network_switch *sw = ctx;

	NETWORK_OBSERVE(sw->network, buffer_expired, sw->index, id, kept_ns);
}

/* The line that follows a change of the mode is the one that tells of it. */
void network_agent_log(void *ctx, enum agent_log_level level, const char *line)
{
	struct network_switch *sw = ctx;
	const enum datapath_mode mode = datapath_mode(agent_datapath(sw->agent));

	(void)level;
	if (mode == sw->mode) {
		NETWORK_OBSERVE(sw->network, log, name_of(sw), line);
		return;
	}
	sw->mode = mode;
	NETWORK_OBSERVE(sw->network, mode, sw->index, mode, line);
}

/* A run reads no files: those that applications name were read with the scenario. */
char *network_controller_read_file(void *ctx, const char *name, size_t *len, struct fb_text *error)
{
	const struct network *network = ctx;

	return scenario_read_file(network->scenario, name, len, error);
}
