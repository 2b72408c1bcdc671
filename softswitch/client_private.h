/* What the files of the client share. */
#ifndef SOFTSWITCH_CLIENT_PRIVATE_H
#define SOFTSWITCH_CLIENT_PRIVATE_H

#include <sys/queue.h>

#include <flowbed/text.h>

#include "lib/io/conn_watch.h"
#include "lib/io/pcap_record.h"
#include "lib/io/stream.h"
#include "softswitch/client.h"

enum {
	CLIENT_LOG_LINES_MAX = 200, /* in a second, debug lines not counted */
	CLIENT_PEER_BYTES = CONN_NAME_HOST_BYTES + 32,
};

/* A controller that the switch is to be connected with. */
struct client_controller {
	struct client *client;
	char text[CONN_NAME_HOST_BYTES + 16]; /* "tcp:192.0.2.1:6653", the port also where unsaid */
	struct conn_name name;
	struct reconnect reconnect;
	struct client_conn *conn; /* the attempt or connection; NULL: it waits for the next */
	bool failed;              /* that an attempt failed was told, */
	bool quiet;               /*   often enough */
};

/* A connection with a controller or a management program. It is freed in client_conns_settle()
 * only, once 'over'. */
struct client_conn {
	TAILQ_ENTRY(client_conn) link;
	struct client *client;
	struct client_controller *controller; /* NULL: a management connection */
	struct stream *stream;                /* NULL: gone */
	struct agent_conn *agent_conn;        /* NULL: not yet connected, or the agent is done */
	char peer[CLIENT_PEER_BYTES]; /* "controller tcp:192.0.2.1:6653", "management unix#1" */
	bool over;                    /* to be closed and freed */
	bool paused;                  /* the agent wants no more for now */
	const char *reason;           /* for the agent, where the driver ends it */

	struct conn_watch watch; /* for those who watch */
};

TAILQ_HEAD(client_conns, client_conn);

struct client_snooper {
	TAILQ_ENTRY(client_snooper) link;
	struct client *client;
	struct stream *stream;
	char peer[CLIENT_PEER_BYTES];
};

TAILQ_HEAD(client_snoopers, client_snooper);

struct client_queue {
	uint16_t port_no;
	uint32_t queue_id;
	uint16_t min_rate_permille;
};

struct client {
	struct event_base *base;
	struct client_config config;
	struct log *log;
	struct frame_pool *pool;
	struct agent *agent; /* NULL: before the start, and once drained */
	struct tls *tls; /* NULL: nothing is of TLS */
	struct pcap_ports *ports;
	bool started, draining;

	struct event *timer; /* for 'armed_ns' */
	uint64_t armed_ns;   /* FB_NEVER: not set */
	bool unsettled;      /* client_settle() has more to do than the timer */

	struct client_conns conns;
	uint32_t managers_count;
	uint32_t conn_number; /* of the latest connection that a Unix socket took */
	struct client_controller *controllers[CLIENT_CONTROLLERS_MAX];
	uint32_t controllers_count;
	bool lost;       /* the controllers were given up */
	bool told_alone; /* that there is none, in the fail mode "secure" */

	struct stream_listener *listeners[CLIENT_LISTENERS_MAX];
	bool listener_snoops[CLIENT_LISTENERS_MAX];
	uint32_t listeners_count;
	bool snooping; /* there is a listener for snoopers */
	struct client_snoopers snoopers;
	uint32_t snoopers_count;

	struct client_queue *queues;
	uint32_t queues_count;
	uint32_t interfaces_count;

	struct pcap_record frames, control; /* the captures */
	struct event *flush_timer; /* of the captures; NULL: there are none */
	uint32_t watch_number;     /* of the latest connection that was watched */

	uint64_t log_second; /* the second that 'log_lines' counts */
	uint32_t log_lines;
	struct client_counters counters;
};

/* client.c */

uint64_t client_now_ns(void);  /* CLOCK_MONOTONIC */
uint64_t client_unix_ns(void); /* the time of day */
void client_log(struct client *client, enum log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* The end of each callback of the loop: do what was noted, set the timer. */
void client_settle(struct client *client, uint64_t now_ns);

/* client_conns.c */

void client_conns_start(struct client *client, uint64_t now_ns);
/* Close and free connections that are over, begin attempts that are due, give up attempts and
 * controllers. */
void client_conns_settle(struct client *client, uint64_t now_ns);
uint64_t client_conns_deadline(const struct client *client);
/* What the peer of a stream that was accepted is called, with its kind in front. */
void client_conns_peer(struct client *client, const char *kind, const struct stream *stream,
                       char peer[CLIENT_PEER_BYTES]);
/* The agent's operations on a connection. */
void client_conns_send(void *conn, const uint8_t *bytes, size_t len);
void client_conns_close(void *conn, const char *reason);
size_t client_conns_backlog(void *conn);
void client_conns_ready(void *conn);
/* Append what listens and what is connected to, for the log. */
void client_conns_text(const struct client *client, struct fb_text *text);
/* Close all, with time for what waits to be sent; the agent is gone. */
void client_conns_drain(struct client *client);

/* client_watch.c */

/* 'conn' is connected. */
void client_watch_begin(struct client_conn *conn);
/* It is at its end: the peer closed (CONN_WATCH_IN) or the switch does. */
void client_watch_end(struct client_conn *conn, enum conn_watch_way way);
/* Bytes came in, or whole messages go out. */
void client_watch_bytes(struct client_conn *conn, enum conn_watch_way way, const uint8_t *bytes,
                        size_t len);
/* A snooper connected. */
void client_watch_accept(struct client *client, struct stream *stream);
void client_watch_drain(struct client *client);

/* client_ports.c */

bool client_ports_start(struct client *client, char *error);
enum datapath_sent client_ports_output(void *ctx, uint16_t port_no, uint32_t queue_id,
                                       struct frame *frame);
void client_ports_configured(void *ctx, uint16_t port_no, uint32_t config);
/* The ports' names by number in a capture: those of -i in their order, then that of LOCAL; NULL: no
 * more. */
const char *client_ports_name(const struct client *client, uint32_t place);
/* The place of a port there. */
uint32_t client_ports_place(const struct client *client, uint16_t port_no);
void client_ports_text(const struct client *client, struct fb_text *text);
void client_ports_drain(struct client *client);

/* client_captures.c */

/* What the captures are, before anything is opened. */
void client_captures_init(struct client *client);
/* Open the files asked for; false with a text in 'error' when one cannot be. */
bool client_captures_open(struct client *client, char *error);
/* 'frame' came in or went out by a port now. */
void client_captures_frame(struct client *client, uint16_t port_no, enum pcap_file_way way,
                           struct frame *frame);
void client_captures_reopen(struct client *client);
void client_captures_close(struct client *client);

#endif
