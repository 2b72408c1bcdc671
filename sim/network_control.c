/* The control channels of a network: what controller and switches say to each other, and how a
 * switch keeps and renews its connection. See network_private.h. */
#include <stdlib.h>
#include <string.h>

#include "sim/network_private.h"

static const char *name_of(const struct network_switch *sw)
{
	return sw->network->scenario->switches[sw->index].name;
}

/* --- Sending --- */

/* What is sent now is news, unless nothing but discovery is. */
static void note_activity(struct network *network, struct channel_load load)
{
	if (!load.background || load.background != load.messages)
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

void network_controller_send(void *conn, const uint8_t *bytes, size_t len)
{
	network_says(conn, CHANNEL_CONTROLLER, bytes, len);
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
	struct network_switch *sw = conn;

	(void)reason; /* the controller's log tells it */
	sw->session = NULL;
	channel_close(sw->channel, CHANNEL_CONTROLLER);
}

void network_agent_close(void *conn, const char *reason)
{
	struct network_switch *sw = conn;

	NETWORK_OBSERVE(sw->network, log, name_of(sw), reason);
	sw->conn = NULL;
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
		session_receive(sw->session, bytes, len, now_ns);
		network_controller_called(network);
	} else if (to == CHANNEL_SWITCH && sw->conn) {
		agent_receive(sw->conn, bytes, len, now_ns);
		network_agent_called(sw);
	}
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
		struct session *session = sw->session;

		sw->session = NULL;
		session_closed(session, reason, now_ns);
		network_controller_called(network);
	} else if (end == CHANNEL_SWITCH && sw->conn) {
		struct agent_conn *conn = sw->conn;

		sw->conn = NULL;
		agent_closed(conn, reason, now_ns);
		network_agent_called(sw);
		connection_ended(sw);
	}
}

/* --- Connecting --- */

/* Begin an attempt where there is a controller to reach. */
static void connect_switch(struct network_switch *sw)
{
	struct network *network = sw->network;
	const uint64_t now_ns = network->clock.now_ns;

	if (!network->controller || sw->control_down) {
		NETWORK_OBSERVE(network, log, name_of(sw), "cannot reach the controller");
		connection_ended(sw);
		return;
	}
	channel_open(sw->channel);
	network_messages_forget(sw);
	sw->connects++;
	NETWORK_OBSERVE(network, connected, sw->index);
	sw->session = controller_connect(network->controller, sw, name_of(sw), now_ns);
	network_controller_called(network);
	if (!sw->session)
		channel_close(sw->channel, CHANNEL_CONTROLLER);
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
	if (next_ns <= clock->now_ns && (sw->session || channel_in_flight(sw->channel))) {
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

/* --- Log lines and files --- */

void network_controller_log(void *ctx, enum fb_log_level level, const char *who, const char *line)
{
	struct network *network = ctx;

	(void)level;
	NETWORK_OBSERVE(network, log, who, line);
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
