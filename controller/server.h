/* The controller on a real network: the core (controller.h) driven by libevent.
 *
 * A server listens on any number of sockets, and each connection becomes a session of the core. It
 * has one event loop, or with 'threads' above 1 so many more, each in a thread of its own with a
 * core of its own:
 *
 *     1 thread    the caller's loop does everything
 *     N threads   the caller's loop accepts connections and leads them to FEATURES_REPLY; then the
 *                 dpid is known, and the connection moves to the loop that owns that dpid, or to the
 *                 one with the fewest switches. Nothing is shared on the path of packet-ins
 *
 * What is shared has a lock and is off that path: who owns which dpid, the log, the capture.
 * Applications of network scope need to see all switches in one place: they run with 1 thread.
 *
 * Time is that of CLOCK_MONOTONIC; the time of day is only in log lines and captures. Each callback
 * of a loop ends in server_loop_settle(): the core's functions may not call back, so what they ask
 * for is noted and done there.
 *
 *   server.c          life: listeners, threads, the end; the log
 *   server_loop.c     one event loop and its core: time, tasks from other threads
 *   server_conns.c    connections: what comes, what goes, moving to another loop
 *   server_dpids.c    which switches may join, and which loop owns which
 *   server_watch.c    who watches the connections: the log, a capture
 *   server_status.c   answers "flowbed-controller status"; server_status_answer.c writes it
 *   server_tell.c     runs the commands of "flowbed-controller tell"
 *   server_ask.c      asks: the program's subcommand "status"; server_ask_tell.c is "tell". How they
 *                     talk and show the answer is in the other server_ask_*.c, server_json.c and
 *                     server_values.c
 *   server_options.c  the program's command line
 *   server_dpid_list.c  lists of dpids in it, and in files */
#ifndef CONTROLLER_SERVER_H
#define CONTROLLER_SERVER_H

#include <event2/event.h>

#include "controller/controller.h"
#include "lib/io/conn_name.h"
#include "lib/io/log.h"
#include "lib/io/tls.h"

struct server;

enum {
	SERVER_LISTENERS_MAX = 64,
	SERVER_THREADS_MAX = 256,
	SERVER_DPIDS_MAX = 1 << 20, /* that may join, or have joined */
	SERVER_ERROR_BYTES = 512, /* enough for the texts of errors */
};

struct server_config {                       /* server_config_default() fills it */
	struct controller_config controller; /* 'sessions_max' of all loops together: 16,384 */
	uint32_t threads;                    /* 1 */
	size_t out_bytes_max;                /* that wait for one peer; more ends the connection:
	                                         64 MiB */
	uint64_t drain_ns;                   /* for what waits when a connection is closed: 1 s */
	struct tls_config tls;               /* texts are the caller's; NULL: none */
	const char *pcap_path;               /* capture of the connections; NULL: none */
	const char *status_path;             /* Unix socket for "status" and "tell"; NULL: none */
	bool status_must;                    /* one that cannot be had is an error; else the log
	                                         tells, and the server starts without */
};

void server_config_default(struct server_config *config);
/* 'config' is copied, but not its texts; they, 'base' and 'log' are the caller's and stay. */
struct server *server_new(struct event_base *base, const struct server_config *config,
                          struct log *log);

/* Before server_start(). Those with 'error' (SERVER_ERROR_BYTES) return false with what is wrong
 * and what would be right in it. */

/* Append an application to the chain: "NAME[,OPTION=VALUE]...". */
bool server_add_app(struct server *server, const char *text, char *error);
/* Listen on 'name', which is passive. */
bool server_listen(struct server *server, const struct conn_name *name, char *error);
/* The switch 'dpid' may join; from the first call on, others may not. */
void server_allow_dpid(struct server *server, uint64_t dpid);
/* Forget them all: before they are told anew (also after server_start()). */
void server_allow_none(struct server *server);
/* Open the capture and the status socket. */
bool server_open(struct server *server, char *error);
/* Begin to accept connections, start threads, say "ready" in the log. */
bool server_start(struct server *server, char *error);

/* A line for the log, from any thread. */
void server_log(struct server *server, enum log_level level, const char *who, const char *format,
                ...) __attribute__((format(printf, 4, 5)));
/* Begin the capture anew, in a new file where the old was moved away. */
void server_reopen(struct server *server);
/* Stop listening, close all connections, and send what waits for at most 'drain_ns': after that the
 * server has no event in the loop any more. */
void server_drain(struct server *server);
/* After server_drain() and the end of the loop, or without both. The log's last line tells what was
 * done. */
void server_free(struct server *server);

#endif
