/* What the files of the server share. */
#ifndef CONTROLLER_SERVER_PRIVATE_H
#define CONTROLLER_SERVER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include <flowbed/table.h>

#include "controller/server.h"
#include "controller/session.h"
#include "lib/io/conn_watch.h"
#include "lib/io/stream.h"

struct server_loop;

/* Something to be done in another loop's thread; whoever posts it owns its memory until run() is
 * called, and run() from then on. */
struct server_task {
	STAILQ_ENTRY(server_task) link;
	void (*run)(struct server_loop *loop, struct server_task *task);
};

STAILQ_HEAD(server_tasks, server_task);

/* A connection. It belongs to one loop at a time. */
struct server_conn {
	TAILQ_ENTRY(server_conn) link;
	TAILQ_ENTRY(server_conn) over_link;
	TAILQ_ENTRY(server_conn) newcomer_link;
	struct server_loop *loop;
	struct stream *stream;
	struct session *session;
	uint64_t connected_ns;
	uint64_t dpid;              /* when 'claimed' */
	struct server_loop *target; /* of a move; set by join() */
	bool heard;                 /* bytes came */
	bool claimed;               /* it counts among the owners of 'dpid' */
	bool newcomer;              /* has not told its dpid: among 'newcomers' */
	bool over;                  /* does not read: to be closed by server_loop_settle() */
	struct conn_watch *watch;   /* server_watch.c's; NULL: nobody watches */
};

TAILQ_HEAD(server_conns, server_conn);

struct server_loop {
	struct server *server;
	uint32_t number; /* 0: the caller's */
	struct event_base *base;
	struct controller *controller; /* NULL: drained */
	struct event *timer;           /* for 'armed_ns' */
	uint64_t armed_ns;             /* FB_NEVER: not set */
	struct server_conns conns;
	struct server_conns newcomers; /* those of them by 'newcomer_link', the oldest first */
	struct server_conns over;      /* those of them to be closed: by 'over_link' */
	uint32_t conns_count;
	uint64_t not_reading;             /* connections ended at 'out_bytes_max' */
	bool draining;                    /* all connections are being closed */
	uint64_t drains_since_ns;         /* since then, or a little longer, */
	uint32_t drains_count;            /*   so many closed ones may be sending what waited */
	struct controller_counters ended; /* what the controller had counted when it was drained */
	uint32_t switches_count;          /* dpids that it owns; under the lock of server_dpids.c */

	struct server_status_loop *status; /* server_status.c's; NULL: nobody may ask */

	/* Tasks from other threads */
	pthread_t thread; /* not of loop 0 */
	bool started;
	pthread_mutex_t tasks_lock;
	struct server_tasks tasks;
	int wake_fd;
	struct event *wake;
};

/* Which loop owns a switch; key: dpid. */
struct server_owner {
	uint64_t dpid;
	uint32_t loop;
	uint32_t conns; /* of it, there or on their way: 0 is removed */
};

struct server_dpids {
	pthread_mutex_t lock;
	uint64_t seed;            /* of tables of dpids: no peer knows it */
	struct fb_table *owners;  /* struct server_owner */
	struct fb_table *allowed; /* of dpids; NULL: all may join */
};

struct server {
	struct event_base *base;
	struct server_config config;
	struct log *log;
	pthread_mutex_t log_lock;
	struct tls *tls; /* NULL: none is needed */
	bool started, draining;

	/* With one thread loops[0] does all; with more it accepts, and loops[1..threads] work. */
	struct server_loop *loops;
	uint32_t loops_count;
	struct server_dpids dpids;
	_Atomic uint32_t conns_count;      /* of all loops, and on their way */
	_Atomic uint64_t conns_refused;    /* over the limit */
	_Atomic uint64_t conns_displaced;  /* newcomers that went for others at the limit */
	_Atomic uint64_t conns_cut;        /* closed at once, because too many others drain */
	_Atomic uint64_t accepts_failed;   /* and tried again */
	struct fb_log_limit refused_limit; /* of log lines about them */
	struct fb_log_limit failed_limit;  /*   and about connections that cannot be accepted */
	uint64_t conns_accepted;           /* and not refused; the first loop's */

	const struct fb_app_class *takes_all; /* the first of the chain that does; NULL: none */

	struct stream_listener *listeners[SERVER_LISTENERS_MAX];
	uint32_t listeners_count;

	struct server_watch *watch;   /* server_watch.c's; NULL: nobody watches */
	struct server_status *status; /* server_status.c's; NULL: none */
	uint32_t tells_count;         /* commands under way; the first loop's */
};

/* server.c */

uint64_t server_now_ns(void);  /* CLOCK_MONOTONIC */
uint64_t server_unix_ns(void); /* the time of day */

/* server_loop.c */

/* 'base' NULL: it makes one of its own. */
void server_loop_init(struct server_loop *loop, struct server *server, uint32_t number,
                      struct event_base *base);
bool server_loop_start_thread(struct server_loop *loop);
/* Let 'task' run in the loop's thread, soon; from any thread. */
void server_loop_post(struct server_loop *loop, struct server_task *task);
/* The end of each callback of the loop: do what was noted, set the timer. */
void server_loop_settle(struct server_loop *loop, uint64_t now_ns);
/* In the loop's thread: close all connections; afterwards only what lingers is in the loop. */
void server_loop_drain(struct server_loop *loop);
void server_loop_destroy(struct server_loop *loop);

/* server_conns.c */

extern const struct controller_ops server_conns_ops; /* but for 'ctx' */
/* A listener accepted. 'ctx' is the loop. */
void server_conns_accept(void *ctx, struct stream *stream);
/* Close those that are over. */
void server_conns_settle(struct server_loop *loop, uint64_t now_ns);

/* server_dpids.c */

void server_dpids_init(struct server_dpids *dpids);
void server_dpids_destroy(struct server_dpids *dpids);
/* The loop for a connection of 'dpid', which counts from now on; NULL: it may not join. */
struct server_loop *server_dpids_claim(struct server *server, uint64_t dpid);
void server_dpids_release(struct server *server, uint64_t dpid);

/* server_watch.c: all do nothing where nobody watches. */

bool server_watch_open(struct server *server, char *error);
void server_watch_reopen(struct server *server);
/* No timer of it is in the loop any more. */
void server_watch_drain(struct server *server);
void server_watch_close(struct server *server);
void server_watch_begin(struct server_conn *conn);
/* It is at its end: the peer closed (CONN_WATCH_IN) or we do. */
void server_watch_end(struct server_conn *conn, enum conn_watch_way way);
/* Bytes came in, or whole messages go out; call it where 'server->watch' is not NULL. */
void server_watch_bytes(struct server_conn *conn, enum conn_watch_way way, const uint8_t *bytes,
                        size_t len);

/* server_status.c */

bool server_status_open(struct server *server, char *error);
/* Answer the questions for which the loop has waited; where 'loop->status' is not NULL. */
void server_status_settle(struct server_loop *loop, uint64_t now_ns);
/* No more questions are taken; those under way end. */
void server_status_drain(struct server *server);
/* The same in the loop's thread. */
void server_status_loop_drain(struct server_loop *loop);
void server_status_free(struct server *server);

#endif
