/* What the files of the controller core share, and nobody else: the structures behind the opaque
 * types of controller.h, session.h and <flowbed/app.h>.
 *
 *     controller.c          the controller as a whole: sessions, switches, time, counters
 *     controller_classes.c  the list of the shipped applications
 *     session.c             one connection, from HELLO to its end
 *     liveness.c            when a connection has been silent, or stuck, for too long
 *     chain.c               events on their way through the applications
 *     output.c              what is to be sent on one connection, in its final order
 *     rates.c               how fast counters rise
 *     controller_report.c   what the controller tells of itself when somebody asks
 *     app.c                 the functions that applications call
 *     app_options.c         "name=value,..." against an application's table of options */
#ifndef CONTROLLER_CORE_H
#define CONTROLLER_CORE_H

#include <stdarg.h>
#include <sys/queue.h>

#include "controller/controller.h"
#include "controller/output.h"
#include "controller/session.h"
#include "lib/base/heap.h"
#include "lib/wire/framer.h"

enum {
	APPS_MAX = 64,       /* applications in a chain; an xid has room for 254 */
	APP_NAME_BYTES = 32, /* of an instance, terminator included */
	PACKET_INS_MAX = 64, /* elements of one array: what fits into the first-level cache */
	PEER_BYTES = 64,     /* text that names a peer, terminator included */
	PORTS_MAX = 4096,    /* ports remembered of one switch */
	REQUESTS_MAX = 4096, /* statistics and barrier requests without reply, of one switch */
	OUTPUT_HELD_BYTES_MAX = 1 << 20, /* in all outputs; more is sent before the call ends */
	LOG_LINE_BYTES = 1024,
	LOG_ALL_BURST_LINES = 1000, /* lines about all connections at once */
	LOG_ALL_LINE_NS = 10000000, /* and one more in this time */

	/* An xid: the place in the chain + 1, or 0 for the controller itself, and below it a count
	 * from 1 that starts again at its end. */
	XID_COUNT_BITS = 24,
	XID_COUNT_MAX = (1 << XID_COUNT_BITS) - 1,
};

struct fb_app {
	struct controller *ctl;
	const struct fb_app_class *cls;
	void *state;               /* what create() returned */
	unsigned index;            /* place in the chain */
	char name[APP_NAME_BYTES]; /* "learning", and "learning#2" for a second one */
	uint64_t deadline_ns;      /* of its timer; FB_NEVER: unset */
	char *texts;               /* those among the values */
	uint64_t values[];         /* of its options, in their order */
};

/* What an application has on a switch. */
struct app_slot {
	void *state;   /* the application's own */
	uint64_t sent; /* messages: the count in xids */
};

/* A request whose reply is to come; key: xid. */
struct request {
	uint32_t xid;
	uint16_t stats_type; /* OFPST_*, of a statistics request */
	uint16_t msg_type;   /* of the reply: OFPT_STATS_REPLY or OFPT_BARRIER_REPLY */
};

struct fb_switch {
	struct session *session;           /* the connection it is behind */
	struct fb_features_reply features; /* 'ports' empty */
	struct fb_phy_port *ports;         /* in rising order of number */
	uint32_t ports_count, ports_size;
	bool down;                   /* switch_down is being told: nothing more is sent */
	struct fb_table *requests;   /* struct request; made with the first one */
	struct switch_tables *tables; /* controller_report.c's; NULL: never asked for */
	TAILQ_ENTRY(fb_switch) link; /* among the switches that are up */
	struct app_slot slots[];     /* by place of the application in the chain */
};

enum session_state {
	SESSION_AWAITS_HELLO,
	SESSION_AWAITS_FEATURES,
	SESSION_UP, /* 'sw' is there */
};

struct session {
	struct controller *ctl;
	void *conn;      /* the driver's */
	uint64_t number; /* of the connection, from 1: a total order */
	char peer[PEER_BYTES];
	enum session_state state;
	struct fb_switch *sw; /* NULL before FEATURES_REPLY */
	struct framer framer;
	struct output output;
	uint64_t sent; /* the controller's own messages: the count in xids */

	/* For those who watch */
	uint64_t messages_in, messages_out, bytes_in, bytes_out;
	uint8_t first[2];          /* bytes that came, to know who speaks something else */
	uint64_t packet_ins_total; /* its low bits are 'order' of the next one */

	struct liveness live;
	uint64_t taken_bytes;        /* by the peer, when it was last asked for (ops->taken) */
	bool spared;                 /* a deadline passed before what came was read; then: */
	uint64_t spared_at_bytes_in; /* what had been read */
	struct heap_node timer; /* in ctl->timers; may be early, never late */

	struct fb_log_limit log_limit;     /* lines that the peer can cause */
	TAILQ_ENTRY(session) link;         /* among all sessions */
	TAILQ_ENTRY(session) waiting_link; /* among those with output; waiting: 'output.waiting' */
	TAILQ_ENTRY(session) staged_link;  /* among those that got output from the current array */

	struct rates *rates; /* NULL: no sample was taken yet */
};

TAILQ_HEAD(session_list, session);
TAILQ_HEAD(switch_list, fb_switch);

struct controller {
	struct controller_config config;
	struct controller_ops ops;
	struct controller_counters counters;
	uint64_t now_ns;               /* never goes back */
	struct fb_log_limit log_limit; /* of lines about connections */

	struct fb_app *apps[APPS_MAX];
	unsigned apps_count;
	bool ethernet_only; /* no application looks further than that */

	struct session_list sessions;
	uint32_t sessions_count;
	uint64_t sessions_made;
	struct heap timers;          /* of sessions */
	struct switch_list switches; /* in the order in which they came up */
	size_t switches_count;
	struct fb_table *dpids; /* dpid -> switch; see controller.c */

	/* Output */
	struct session_list waiting; /* sessions with output, the first to get some first */
	size_t held_bytes;           /* in all of them */
	struct output_pool outputs;

	/* The array of packet-ins that is under way */
	uint32_t array_count;       /* 0: none */
	uint32_t array_order;       /* 'order' of its first element */
	uint32_t place;             /* of the latest packet-in answered, for what has no cause */
	struct session_list staged; /* sessions that got output from it */
	struct fb_packet_in packet_ins[PACKET_INS_MAX + 1]; /* one more: see session.c */

	struct controller_reporter *reporter; /* controller_report.c's; NULL: nobody asked */
};

/* --- controller.c --- */

/* Log a line of the controller itself, at 'level' or not at all; the same for 'who'. */
void controller_log(struct controller *ctl, enum fb_log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void controller_vlog(struct controller *ctl, enum fb_log_level level, const char *who,
                     const char *format, va_list args) __attribute__((format(printf, 4, 0)));
bool controller_logs(const struct controller *ctl, enum fb_log_level level);
/* Take over 'now_ns', unless it goes back; returns the time that counts. */
uint64_t controller_advance(struct controller *ctl, uint64_t now_ns);
/* The switch with that dpid that is up, or NULL. */
struct fb_switch *controller_switch(const struct controller *ctl, uint64_t dpid);
/* A switch is there: 'session' brought 'features'. Registers it; the applications do not know yet.
 */
struct fb_switch *controller_switch_add(struct controller *ctl, struct session *session,
                                        const struct fb_features_reply *features);
/* Take 'sw' out of the lists: told by chain_switch_down() next, then freed with
 * controller_switch_free(). */
void controller_switch_remove(struct controller *ctl, struct fb_switch *sw);
void controller_switch_free(struct fb_switch *sw);
/* The place of 'port_no' among the ports of 'sw', or where it would be. */
uint32_t controller_port_place(const struct fb_switch *sw, uint16_t port_no);
/* True for a number that a port can have; the others are those of virtual ports. */
bool controller_port_is_real(uint16_t port_no);
/* Add or change a port of 'sw'; false at the limit. */
bool controller_port_set(struct fb_switch *sw, const struct fb_phy_port *port);
void controller_port_remove(struct fb_switch *sw, uint16_t port_no);
/* Send all output that waits; the same when it is more than is to be held. */
void controller_flush(struct controller *ctl);
void controller_flush_much(struct controller *ctl);

/* --- session.c, beyond session.h --- */

/* What is due at 'now_ns'. */
void session_run(struct session *session, uint64_t now_ns);
/* Begin: HELLO is put into the output. */
void session_start(struct session *session, uint64_t now_ns);
/* The same with HELLO and FEATURES_REQUEST sent elsewhere. */
void session_start_moved(struct session *session, uint64_t now_ns);
/* Look at what waits for the peer; 'taken': it took some of it. Ends nothing. */
void session_backlog(struct session *session, bool taken);
/* The end of a session from our side: switch_down, what is to be sent, ops->close; frees it. */
void session_end(struct session *session, const char *reason, uint64_t now_ns);
/* Room for 'len' more bytes of output; after writing, session_sent() with the length from before.
 */
static inline struct fb_buf *session_out(struct session *session, size_t len)
{
	output_reserve(&session->output, &session->ctl->outputs, len);
	return &session->output.buf;
}

/* A message was written that begins at 'len_before'; during an array it belongs to 'place' and
 * stays until the array is done. */
static inline void session_sent(struct session *session, size_t len_before, uint32_t place)
{
	struct controller *ctl = session->ctl;
	struct output *output = &session->output;

	ctl->counters.messages_out++;
	session->messages_out++;
	ctl->held_bytes += output->buf.len - len_before;
	if (!output->waiting) {
		output->waiting = true;
		TAILQ_INSERT_TAIL(&ctl->waiting, session, waiting_link);
	}
	if (ctl->array_count == 0) {
		controller_flush_much(ctl);
		return;
	}
	if (output->records_count == 0)
		TAILQ_INSERT_TAIL(&ctl->staged, session, staged_link);
	output_record(output, len_before, place);
}

/* The number of the next message by 'count' so far, for the sender 'sender'. */
static inline uint32_t session_xid_of(unsigned sender, uint64_t count)
{
	return (uint32_t)sender << XID_COUNT_BITS | (uint32_t)(1 + count % XID_COUNT_MAX);
}

/* Release the buffer of a packet-in that nobody wanted. */
void session_drop_buffer(struct session *session, uint32_t buffer_id, uint16_t in_port,
                         uint32_t place);

/* --- chain.c --- */

enum chain_audience {
	CHAIN_ALL,    /* every application */
	CHAIN_LLDP,   /* those that want link-layer discovery */
	CHAIN_NOBODY, /* a frame that is none: only its buffer is released */
};

/* Hand 'pi' to the applications behind 'app'; see fb_app_redeliver(). */
void chain_redeliver(struct controller *ctl, const struct fb_app *app, struct fb_switch *sw,
                     const struct fb_packet_in *pi, uint64_t now_ns);

/* Hand ctl->packet_ins, 'count' of them from 'sw', to the applications and put what they send in
 * order. */
void chain_packet_ins(struct controller *ctl, struct fb_switch *sw, uint32_t count,
                      enum chain_audience audience, uint64_t now_ns);
void chain_switch_up(struct controller *ctl, struct fb_switch *sw, uint64_t now_ns);
void chain_switch_down(struct controller *ctl, struct fb_switch *sw, uint64_t now_ns);
void chain_flow_removed(struct controller *ctl, struct fb_switch *sw,
                        const struct fb_flow_removed *fr, uint64_t now_ns);
void chain_port_status(struct controller *ctl, struct fb_switch *sw,
                       const struct fb_port_status *ps, uint64_t now_ns);
void chain_error(struct controller *ctl, struct fb_switch *sw, const struct fb_msg *msg,
                 uint64_t now_ns);
/* A statistics or barrier reply: to the application that asked. False when nobody did. */
bool chain_reply(struct controller *ctl, struct fb_switch *sw, const struct fb_msg *msg,
                 uint64_t now_ns);
void chain_timers(struct controller *ctl, uint64_t now_ns);
/* The application that sent the message 'xid' on 'sw', or NULL. */
struct fb_app *chain_sender(struct controller *ctl, const struct fb_switch *sw, uint32_t xid);

/* --- app.c --- */

/* fb_log_limit_allows() with another measure: 'burst_lines' at once, then one in 'line_ns'. */
bool app_log_limit_allows(struct fb_log_limit *limit, uint64_t now_ns, unsigned burst_lines,
                          uint64_t line_ns, uint64_t *suppressed);

/* --- controller_report.c, beyond controller_report.h --- */

/* The answer of 'sw' to a question for its tables; false when it is none. */
bool controller_report_reply(struct controller *ctl, struct fb_switch *sw,
                             const struct fb_msg *msg);
/* The same for an error. */
bool controller_report_refused(struct controller *ctl, struct fb_switch *sw,
                               const struct fb_msg *msg);
/* 'sw' goes: nobody waits for it any more. */
void controller_report_switch_gone(struct controller *ctl, struct fb_switch *sw);
void controller_report_free(struct controller *ctl);

/* --- app_options.c --- */

/* Append 'ns' as a user would write it: "60s", "250ms". */
void app_options_duration(struct fb_text *t, uint64_t ns);

/* Fill 'values' (one for each option of 'cls') from 'text' and the defaults; -1 with a text in
 * 'error'. Texts among the values are in 'memory', which has room for a copy of 'text'. */
int app_options_parse(const struct fb_app_class *cls, const char *text, char *memory,
                      uint64_t *values, struct fb_text *error);

#endif
