/* The switch on a real network: the agent (agent.h) driven by libevent.
 *
 * It makes and keeps connections with any number of controllers, takes management connections
 * (ovs-ofctl) on any number of listeners, hands copies of what is said with controllers to
 * snoopers, moves frames between the interfaces (pcap_port.h) and the agent, and writes captures.
 * All happens in the callbacks of one event loop, and time is that of CLOCK_MONOTONIC; the time of
 * day is only in log lines and captures.
 *
 * Each callback of the loop ends in client_settle(): the agent's functions may not call back, so
 * what they ask for is noted and done there.
 *
 *   client.c           life, the loop's timer, what the agent asks for
 *   client_conns.c     connections: controllers with their back-off, listeners
 *   client_watch.c     who watches the connections: snoopers, the log, a capture
 *   client_ports.c     interfaces and queues
 *   client_captures.c  capture files
 *   client_options.c   the program's command line */
#ifndef SOFTSWITCH_CLIENT_H
#define SOFTSWITCH_CLIENT_H

#include <event2/event.h>

#include "lib/io/conn_name.h"
#include "lib/io/log.h"
#include "lib/io/tls.h"
#include "softswitch/agent.h"
#include "softswitch/pcap_port.h"
#include "softswitch/reconnect.h"

struct client;

enum {
	CLIENT_CONTROLLERS_MAX = 64,
	CLIENT_LISTENERS_MAX = 64,
	CLIENT_ERROR_BYTES = 512, /* enough for the texts of errors */
};

struct client_config {             /* client_config_default() fills it */
	struct agent_config agent; /* 'conns_max' is set by the client */
	struct reconnect_config reconnect;
	struct pcap_ports_config ports;
	uint32_t managers_max;  /* management connections: 64 */
	uint32_t snoopers_max;  /* 16 */
	size_t out_bytes_max;   /* that wait for one peer; more ends the connection: 256 MiB */
	size_t snoop_bytes_max; /* that wait for one snooper: 4 MiB */
	uint64_t drain_ns;      /* for what waits when a connection is closed: 1 s */
	const char *pcap_path;  /* capture of the frames through the ports; NULL: none */
	const char *control_pcap_path; /* capture of the connections; NULL: none */
	struct tls_config tls;         /* for ssl: and pssl:; NULL: none */
};

struct client_counters {
	uint64_t not_reading;      /* connections ended because their peers did not read */
	uint64_t managers_refused; /* management connections too many */
	uint64_t snoopers_refused, snoopers_dropped; /* too many; did not read */
	uint64_t log_lines_dropped;                  /* too many for a second */
};

void client_config_default(struct client_config *config);
/* 'config' is copied, but not its texts; they, 'base' and 'log' are the caller's and stay. */
struct client *client_new(struct event_base *base, const struct client_config *config,
                          struct log *log);

/* Before client_start(). Those with 'error' (CLIENT_ERROR_BYTES) return false with what is wrong
 * and what would be right in it. */
bool client_add_interface(struct client *client, const char *name, char *error);
/* A queue of a port, made whenever the port is there. */
bool client_add_queue(struct client *client, uint16_t port_no, uint32_t queue_id,
                      uint16_t min_rate_permille, char *error);
/* Read the files of the configuration's 'tls', before anything of the following is of TLS. */
bool client_read_tls(struct client *client, char *error);
/* 'text' is tcp:HOST[:PORT], ssl:HOST[:PORT] or unix:PATH. */
bool client_add_controller(struct client *client, const char *text, char *error);
/* Listen for management connections, or for snoopers. */
bool client_listen(struct client *client, const struct conn_name *name, char *error);
bool client_snoop(struct client *client, const struct conn_name *name, char *error);
/* Open captures and interfaces, begin to connect, and say "ready" in the log. */
bool client_start(struct client *client, char *error);

/* A line that a library logs. */
void client_log_library(struct client *client, bool is_error, const char *line);
/* Begin the captures anew, in new files where the old were moved away. */
void client_reopen(struct client *client);
/* Stop taking frames, close all connections, and send what waits for at most 'drain_ns': after that
 * the client has no event in the loop any more. */
void client_drain(struct client *client);
/* After client_drain(), or without. */
void client_free(struct client *client);

#endif
