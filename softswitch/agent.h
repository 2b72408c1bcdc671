/* The OpenFlow agent of a switch: its connections with controllers, and the messages on them.
 *
 * Pure: bytes and time in, bytes and deadlines out. It owns the connections' framing, HELLO, echoes
 * and replies, and the datapath, whose ops it provides. One message's error never breaks another
 * connection.
 *
 * Several connections may be open at once, with controllers and with management programs
 * (ovs-ofctl). A reply or an error goes to the connection that asked; packet-ins, flow-removed and
 * port-status go to every controller that has finished HELLO, and to a management connection only
 * while it has set a miss_send_len above 0, save that a port-status which a port-mod caused does not
 * go back to the connection that sent it (it knows; Open vSwitch does the same). When the port-mod
 * makes a driver take a real interface down, all are told of the link's state. Each connection has a
 * miss_send_len of its own (a controller's is 128 at first, a management connection's 0); the
 * treatment of fragments is the switch's: the last SET_CONFIG holds.
 *
 * Without a controller the entries stay in force and packet-ins are not made. What happens when the
 * driver gives the controllers up (agent_controllers_lost()) is config.fail_mode; the first
 * controller that finishes HELLO ends it. Management connections do not count.
 *
 * A message takes effect whole before the next is looked at, so that a barrier reply, which is sent
 * at once, says the truth. All that one call of this header produces for a connection leaves with
 * one ops->send, or with several when it is more than AGENT_OUT_BYTES (a long list of flow
 * statistics).
 *
 * A peer that does not read holds up nobody but itself, when the driver provides ops->backlog: over
 * config.packet_in_backlog_bytes it gets no packet-ins, over config.pause_backlog_bytes its
 * messages wait (agent_conn_paused()). So no more waits for it than that, one reply, and the
 * flow-removed and port-status of that time; the driver may set a limit on top and close. A peer
 * that takes bytes counts as alive, however long it needs. */
#ifndef SOFTSWITCH_AGENT_H
#define SOFTSWITCH_AGENT_H

#include "softswitch/datapath.h"

struct agent;
struct agent_conn;

enum {
	AGENT_OUT_BYTES = 256 * 1024,   /* buffered per connection, within one call */
	AGENT_HELD_BYTES = 1024 * 1024, /* that came and wait, per connection that is paused */
};

enum agent_role { AGENT_CONTROLLER, AGENT_MANAGEMENT };

/* How much a log line matters. */
enum agent_log_level { AGENT_LOG_WARNING, AGENT_LOG_INFO, AGENT_LOG_DEBUG };

enum agent_fail_mode {
	AGENT_FAIL_SECURE,     /* all stays as it is */
	AGENT_FAIL_STANDALONE, /* DATAPATH_STANDALONE */
	AGENT_FAIL_EMERGENCY,  /* DATAPATH_EMERGENCY, also from the start to the first controller */
};

struct agent_ops {
	/* As in struct controller_ops: the driver takes all bytes; close ends the connection after
	 * what was sent and the struct agent_conn is gone. Neither may call back. */
	void (*send)(void *conn, const uint8_t *bytes, size_t len);
	void (*close)(void *conn, const char *reason);
	/* Bytes of the connection that were sent and wait to leave. May be NULL: none ever do. */
	size_t (*backlog)(void *conn);
	/* The peer's HELLO came and fits. May be NULL; must not call back. */
	void (*ready)(void *conn);
	/* A frame leaves by a port; as in struct datapath_ops. */
	enum datapath_sent (*output)(void *ctx, uint16_t port_no, uint32_t queue_id,
	                             struct frame *frame);
	/* As in struct datapath_ops; may be NULL. */
	void (*port_configured)(void *ctx, uint16_t port_no, uint32_t config);
	/* As in struct datapath_ops; may be NULL. */
	void (*buffer_expired)(void *ctx, uint32_t id, uint64_t kept_ns);
	/* One log line; may be NULL. */
	void (*log)(void *ctx, enum agent_log_level level, const char *line);
	void *ctx; /* for output, port_configured, buffer_expired and log */
};

struct agent_config { /* agent_config_default() fills it */
	struct datapath_config datapath;
	uint64_t echo_idle_ns;          /* silence that brings an ECHO_REQUEST: 15 s; 0: never */
	uint64_t echo_timeout_ns;       /* silence after that which ends the connection: 15 s */
	uint64_t handshake_timeout_ns;  /* from connect to the peer's HELLO: 10 s */
	uint32_t conns_max;             /* connections: 64 */
	size_t packet_in_backlog_bytes; /* over which a connection gets no packet-ins: 1 MiB */
	size_t pause_backlog_bytes;     /* over which its messages wait: 16 MiB */
	uint64_t turn_work_max;         /* steps for one connection before others have their turn: a
	                                   message is one, and one for each flow entry where it may
	                                   mean them all: 200,000 */
	enum agent_fail_mode fail_mode; /* secure */
};

struct agent_counters {
	uint64_t connects, disconnects, conns_refused;
	uint64_t messages_in, messages_out;
	uint64_t errors_out, errors_in;
	uint64_t version_failures, echo_timeouts, handshake_timeouts;
	uint64_t events_lost;        /* packet-ins and the like with no connection to take them */
	uint64_t packet_ins_dropped; /* for a connection that did not read */
	uint64_t pauses;             /* of connections that did not read */
	uint64_t turns_ended;        /* of connections that asked for much at once */
	uint64_t controllers_lost;   /* calls that changed the mode */
};

void agent_config_default(struct agent_config *config);
struct agent *agent_new(const struct agent_config *config, const struct agent_ops *ops,
                        struct frame_pool *pool);
void agent_free(struct agent *agent); /* closes all connections first */

/* The datapath, to add ports and read state; frames come in by agent_frame(). */
struct datapath *agent_datapath(struct agent *agent);

/* A frame came in by a port; takes over the caller's reference. What it leads to is sent before
 * this returns. */
void agent_frame(struct agent *agent, uint16_t port_no, struct frame *frame, uint64_t now_ns);
/* datapath_add_port(), datapath_remove_port(), datapath_update_port() and datapath_set_link(); the
 * port-status is sent. */
int agent_add_port(struct agent *agent, const struct fb_phy_port *port, uint64_t now_ns);
int agent_remove_port(struct agent *agent, uint16_t port_no, uint64_t now_ns);
int agent_update_port(struct agent *agent, const struct fb_phy_port *port, uint64_t now_ns);
void agent_set_link(struct agent *agent, uint16_t port_no, bool up, uint64_t now_ns);

/* A connection was made; NULL when refused (the limit; the peer was told): close it. */
struct agent_conn *agent_connect(struct agent *agent, void *conn, const char *peer,
                                 enum agent_role role, uint64_t now_ns);
/* Bytes came in; the connection may be gone afterwards. */
void agent_receive(struct agent_conn *conn, const uint8_t *bytes, size_t len, uint64_t now_ns);
/* Messages of the connection wait until its backlog is smaller, or for its next turn, which
 * agent_run() gives it: the driver reads nothing from it (what comes nevertheless waits too, up to
 * AGENT_HELD_BYTES, then the connection ends) and calls agent_resume() when bytes have left. Asked
 * after agent_receive(), agent_resume() and agent_run(). */
bool agent_conn_paused(const struct agent_conn *conn);
/* Take the messages that waited, if there is room for their replies; the connection may be gone
 * afterwards. */
void agent_resume(struct agent_conn *conn, uint64_t now_ns);
/* The peer closed: frees the connection without ops->close. */
void agent_closed(struct agent_conn *conn, const char *reason, uint64_t now_ns);
/* The driver's attempts to reach a controller have failed often enough: config.fail_mode begins,
 * unless a controller is connected. */
void agent_controllers_lost(struct agent *agent, uint64_t now_ns);

uint64_t agent_deadline(const struct agent *agent);
void agent_run(struct agent *agent, uint64_t now_ns);

const struct agent_counters *agent_counters(const struct agent *agent);

#endif
