/* What the files of the agent share. */
#ifndef SOFTSWITCH_AGENT_PRIVATE_H
#define SOFTSWITCH_AGENT_PRIVATE_H

#include <sys/queue.h>

#include "lib/wire/framer.h"
#include "softswitch/agent.h"

enum {
	AGENT_PEER_BYTES = 192,                       /* of a peer's name, for logs */
	AGENT_REASON_BYTES = 96,                      /* why a connection is closed */
	AGENT_MESSAGE_BYTES = 65535,                  /* the longest message */
	AGENT_STATS_BYTES = AGENT_MESSAGE_BYTES - 12, /* the body of one STATS_REPLY */
};

struct agent_conn {
	TAILQ_ENTRY(agent_conn) link;
	struct agent *agent;
	void *conn; /* the driver's */
	char peer[AGENT_PEER_BYTES];
	struct framer framer;

	enum agent_role role;
	uint16_t miss_send_len;
	char reason[AGENT_REASON_BYTES]; /* what 'doomed' points to where it is no constant */
	bool ready;                      /* the peer's HELLO came and fits */
	const char *doomed;              /* why the connection is to be closed; NULL: it is not */
	uint64_t heard_ns;               /* when bytes last came; before HELLO: when it was made */
	uint64_t echo_ns;                /* when the unanswered ECHO_REQUEST was sent */
	bool echo_pending;

	uint64_t log_second; /* the second that 'log_lines' counts */
	uint32_t log_lines;

	uint8_t *out; /* AGENT_OUT_BYTES */
	size_t out_len;

	/* Of a connection whose peer does not read. */
	bool paused;
	bool turn_ended; /* paused so that others have their turn */
	uint8_t *held; /* what came and was not yet looked at; NULL: nothing */
	size_t held_len;
	size_t backlog_seen; /* bytes, when its time was last up */
};

TAILQ_HEAD(agent_conns, agent_conn);

struct agent {
	struct agent_config config;
	struct agent_ops ops;
	struct datapath *datapath;
	struct agent_conns conns;
	uint32_t conns_count;
	uint32_t controllers_ready;           /* controllers that have finished HELLO */
	uint32_t next_xid;                    /* of ECHO_REQUESTs */
	bool pending;                         /* some connection has output */
	uint64_t now_ns;                      /* of the call that is running */
	const struct agent_conn *port_mod_by; /* who is not told of the port-status */
	struct agent_counters counters;
	uint8_t *scratch; /* AGENT_STATS_BYTES: repeated elements on their way into a reply */
};

/* agent.c */

/* Change how the datapath matches, and log it; false when it does so already. */
bool agent_change_mode(struct agent *agent, enum datapath_mode mode);

/* agent_conn.c: one connection. */

struct agent_conn *agent_conn_new(struct agent *agent, void *conn, const char *peer,
                                  enum agent_role role);
void agent_conn_free(struct agent_conn *conn);
/* Room for one more message: write it into the returned buffer, then agent_conn_commit(). */
struct fb_buf agent_conn_reserve(struct agent_conn *conn);
void agent_conn_commit(struct agent_conn *conn, const struct fb_buf *buf);
/* Bytes that wait to leave, here and at the driver. */
size_t agent_conn_backlog(const struct agent_conn *conn);
/* Append the message 'msg', or the message of 'type' that is a header only. */
void agent_conn_put(struct agent_conn *conn, const struct fb_msg *msg);
void agent_conn_put_header(struct agent_conn *conn, uint8_t type, uint32_t xid);
/* Append the error that answers the message of 'len' bytes at 'cause'. */
void agent_conn_put_error(struct agent_conn *conn, const struct fb_of_error *error,
                          const uint8_t *cause, size_t len);
void agent_conn_flush(struct agent_conn *conn);
/* The connection takes packet-ins, flow-removed and port-status. */
static inline bool agent_conn_takes_events(const struct agent_conn *conn)
{
	return conn->ready && (conn->role == AGENT_CONTROLLER || conn->miss_send_len > 0);
}

/* The peer's HELLO came and fits. */
void agent_conn_ready(struct agent_conn *conn);
/* Keep 'len' bytes that came for later; dooms the connection when they are too many. */
void agent_conn_hold(struct agent_conn *conn, const uint8_t *bytes, size_t len);
/* A log line that begins with the peer's name; at most a few in a second. */
void agent_conn_log(struct agent_conn *conn, enum agent_log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* How much the end of 'conn' matters: that of a controller's is a loss; that of one which never was
 * ready is the driver's to tell. Management connections come and go, but who runs one is to learn
 * why it was refused. */
enum agent_log_level agent_conn_end_level(const struct agent_conn *conn);
/* When agent_conn_run() has something to do. */
uint64_t agent_conn_deadline(const struct agent_conn *conn);
/* Do what is due: dooms the connection, or asks for an echo. */
void agent_conn_run(struct agent_conn *conn);

/* agent_messages.c */

/* Take one message of 'len' bytes; returns its work as config.turn_work_max counts it. */
uint64_t agent_messages_take(struct agent_conn *conn, const uint8_t *bytes, size_t len);
/* Of the first message no more than this header has come for certain: dooms the connection when it
 * can become no HELLO, however many bytes it promises. */
void agent_messages_judge_first(struct agent_conn *conn, const uint8_t *header);

/* agent_replies.c: 'bytes' is the request as it came, for errors. */

void agent_replies_features(struct agent_conn *conn, uint32_t xid);
void agent_replies_stats(struct agent_conn *conn, const struct fb_msg *msg, const uint8_t *bytes);
void agent_replies_queue_config(struct agent_conn *conn, const struct fb_msg *msg,
                                const uint8_t *bytes);

#endif
