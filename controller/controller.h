/* The controller core: switches that are up, a chain of applications, and the sessions that feed
 * them.
 *
 * Pure: bytes and time come in, bytes and deadlines go out through struct controller_ops. One
 * connection is one struct session (session.h); the controller finds out which switch is behind it,
 * calls the applications and sends what they answer, all that one call brought with one ops->send
 * per connection, unless that is more than a mebibyte. */
#ifndef CONTROLLER_CONTROLLER_H
#define CONTROLLER_CONTROLLER_H

#include <flowbed/app.h>

#include "controller/liveness.h"

struct controller;
struct session;

/* What becomes of a connection whose FEATURES_REPLY tells a dpid. */
enum controller_join {
	CONTROLLER_JOIN_HERE,
	CONTROLLER_JOIN_REFUSED,   /* it is closed */
	CONTROLLER_JOIN_ELSEWHERE, /* another controller takes it: ops->move() is called next */
};

struct controller_ops {
	/* Send 'len' bytes on the connection; the driver takes all of them. Must not call back. */
	void (*send)(void *conn, const uint8_t *bytes, size_t len);
	/* The controller closes the connection, after what was sent; the session is gone when this
	 * returns. 'reason' is text for a log. Must not call back. */
	void (*close)(void *conn, const char *reason);
	/* Bytes that were sent and wait to leave; asked after each send. NULL: none ever do. */
	size_t (*backlog)(void *conn);
	/* Read nothing more from the connection, or go on (liveness.h); goes with 'backlog'. Must
	 * not call back. */
	void (*set_reading)(void *conn, bool on);
	/* What the system knows of a peer that seems dead or stuck, asked before its connection is
	 * closed. Bytes came that were not read yet: */
	bool (*unread)(void *conn);
	/* The bytes that the peer's system has taken so far, a count that only rises; '*left': it
	 * has not taken all. Both NULL: nothing is known. Must not call back. */
	uint64_t (*taken)(void *conn, bool *left);
	/* The switch 'dpid' is behind the connection. Must not call back. NULL: all join here. */
	enum controller_join (*join)(void *conn, uint64_t dpid);
	/* The connection goes elsewhere: 'features' is the FEATURES_REPLY, 'rest' what came behind
	 * it, both valid during the call, to be handed to session_receive() of the session that
	 * controller_take_over() makes there. The session here is gone when this returns. */
	void (*move)(void *conn, struct fb_view features, struct fb_view rest);
	/* One log line without newline and time. 'who' is an application's name or "controller". */
	void (*log)(void *ctx, enum fb_log_level level, const char *who, const char *line);
	/* Connect and disconnect events, after FEATURES_REPLY and before the connection ends. */
	void (*switch_event)(void *ctx, uint64_t dpid, bool up, const char *peer);
	/* For fb_app_read_file(), which tells what it does. NULL: there are no files. */
	char *(*read_file)(void *ctx, const char *name, size_t *len, struct fb_text *error);
	void *ctx; /* for log, switch_event and read_file, which may be NULL */
};

struct controller_config {        /* controller_config_default() fills it */
	struct liveness_config liveness;
	uint16_t miss_send_len;        /* for SET_CONFIG: 128; 0xffff for whole frames */
	uint32_t run_id;               /* for cookies; differs between runs of a controller */
	uint64_t dpids_seed;           /* a secret for tables of dpids, as switches, which see
	                                  cookies, choose those; no result depends on it: 0 */
	uint32_t sessions_max;         /* connections: 4,096 */
	enum fb_log_level log_level;   /* lines above it are not formatted: FB_LOG_INFO */
};

struct controller_counters {
	uint64_t connects, disconnects; /* switches up and down */
	uint64_t sessions_refused;      /* over sessions_max */
	uint64_t messages_in, messages_out;
	uint64_t packet_ins, flow_mods, packet_outs;
	uint64_t errors_in;    /* OFPT_ERROR received */
	uint64_t bad_messages; /* received and not decodable or not expected */
	uint64_t echo_timeouts, handshake_timeouts, version_failures, replaced;
	uint64_t stalls;               /* connections ended because the peer took nothing */
	uint64_t pauses;               /* times that a peer had to wait because it took too little */
	uint64_t dpids_refused;        /* ops->join() did not let them in */
	uint64_t moved;                /* connections that went elsewhere */
	uint64_t lldp_ignored;         /* discovery frames that no application wanted */
	uint64_t packet_ins_early;     /* before FEATURES_REPLY: dropped */
	uint64_t packet_ins_short;     /* without an Ethernet header: dropped */
	uint64_t packet_ins_unhandled; /* passed on by the last application: dropped */
	uint64_t requests_forgotten;   /* statistics and barrier requests: too many without reply */
	uint64_t replies_unknown;      /* statistics and barrier replies that nobody awaits */
	uint64_t ports_refused;        /* over the limit of a switch, or virtual ones */
	uint64_t log_lines_suppressed; /* over a limit: of a session, or of all together */
};

void controller_config_default(struct controller_config *config);
struct controller *controller_new(const struct controller_config *config,
                                  const struct controller_ops *ops);
void controller_free(struct controller *ctl); /* closes all sessions first */

/* Append an instance of 'cls' to the chain, before the first connection. 'options' is
 * "name=value,..." or empty. An instance of the class that it needs is appended before it, with
 * default options, where the chain has none. -1 with a text in 'error' for an unknown option (the
 * nearest known one is named), a bad value, or what create() refused. */
int controller_add_app(struct controller *ctl, const struct fb_app_class *cls, const char *options,
                       struct fb_text *error);

/* The shipped classes by name, NULL where there is none; by place from 0, NULL past the last. */
const struct fb_app_class *controller_find_class(const char *name);
const struct fb_app_class *controller_class_at(size_t place);
/* Append which values 'option' of a class takes: "a whole number, 1 to 65535". */
void app_options_expected(struct fb_text *t, const struct fb_option *option);

/* A connection was made. 'peer' is text for logs (copied). NULL when refused (sessions_max): close
 * it. HELLO is sent before this returns. */
struct session *controller_connect(struct controller *ctl, void *conn, const char *peer,
                                   uint64_t now_ns);

/* A connection that another controller's ops->move() handed over: as controller_connect(), but
 * HELLO and FEATURES_REQUEST are behind it. The owner gives it what came. */
struct session *controller_take_over(struct controller *ctl, void *conn, const char *peer,
                                     uint64_t now_ns);

/* The earliest time at which controller_run() has something to do; FB_NEVER: none. Ask again after
 * every call. */
uint64_t controller_deadline(const struct controller *ctl);
/* Do what is due at 'now_ns': echoes, timeouts, the applications' timers. */
void controller_run(struct controller *ctl, uint64_t now_ns);

const struct controller_counters *controller_counters(const struct controller *ctl);
/* The counters of the applications: 'app' is the instance's name. */
void controller_app_counters(const struct controller *ctl,
                             void (*tell)(void *ctx, const char *app, const char *name,
                                          uint64_t value),
                             void *ctx);
size_t controller_switches_up(const struct controller *ctl);

/* A command for the application instance 'app' ("balancer"), in words; what struct fb_app_class
 * says of it. -1 too when there is no such instance, or when it takes no commands. */
int controller_command(struct controller *ctl, const char *app, const char *const *words,
                       size_t count, struct fb_text *answer, uint64_t now_ns);
/* All applications are ready: nothing is found out any more that was there when it began. */
bool controller_ready(const struct controller *ctl);

#endif
