/* A host of a simulation: one interface with one address, ARP, ICMP echo, UDP and TCP, clients and
 * servers.
 *
 * Pure core: frames and time in, frames and deadlines out. It behaves as a Linux host does where
 * that can be seen on the wire. The protocols live in host_arp.c, host_icmp.c, host_udp.c and
 * tcp.c; what runs on top of TCP and UDP (the listeners, the requests of a scenario) in
 * host_services.c. */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include <flowbed/packet.h>
#include <flowbed/time.h>

#include "lib/base/frame.h"

struct host;

enum host_service {
	HOST_SERVICE_NONE,
	HOST_SERVICE_HOSTNAME, /* TCP: reads the request up to the first write or line, answers
	                          hostname and newline, closes. UDP: answers each datagram so */
	HOST_SERVICE_ECHO,     /* sends back what comes, closes when the client does */
	HOST_SERVICE_DISCARD,  /* TCP: reads to the end, answers "<bytes> <32 hex digits of
	                          XXH3-128>\n", closes. UDP: no answer */
};

struct host_config {          /* host_config_default() fills it */
	const char *name;     /* copied; also seeds the host's generator */
	const char *hostname; /* copied; NULL: name */
	uint8_t mac[FB_MAC_BYTES];
	uint32_t ip;
	unsigned prefix_len;
	uint32_t gateway;             /* 0: none; addresses off the prefix are then unreachable */
	uint64_t seed;                /* the run's */
	uint32_t arp_entries_max;     /* 1,024 */
	uint64_t arp_stale_ns;        /* 30 s */
	uint64_t arp_retry_ns;        /* 1 s, 3 tries */
	uint32_t conns_max;           /* TCP connections: 65,536 */
	uint64_t tcp_user_timeout_ns; /* 0: only the retries end a connection */
	unsigned syn_retries;         /* 6, at 1, 3, 7, ... s */
	unsigned synack_retries;      /* 5 */
	unsigned data_retries; /* 15, back-off bounded by 120 s, first by the measured RTT, at least
	                          200 ms */
	uint64_t time_wait_ns; /* 60 s */
	uint32_t window_bytes; /* receive buffer: 4 MiB, window scaling */
	uint16_t mss;          /* 1460 */
	uint16_t port_min, port_max; /* ephemeral ports: 32768 to 60999 */
};

struct host_ops {
	/* Send; the callee takes over the reference. Must not call back. */
	void (*transmit)(void *ctx, struct frame *frame);
	void *ctx;
};

struct host_counters {
	uint64_t frames_in, frames_out, frames_ignored, checksum_errors;
	uint64_t arp_requests_in, arp_requests_out, arp_replies_in, arp_replies_out, arp_failed;
	uint64_t arp_full; /* frames and requests dropped: the limit of ARP entries */
	uint64_t icmp_echo_requests_in, icmp_echo_replies_in;
	uint64_t reassembly_failed; /* packets in fragments that were dropped: too late,
	                               overlapping, or the limit */
	uint64_t udp_in, udp_out;
	uint64_t tcp_accepted;    /* server connections established */
	uint64_t tcp_answered;    /* server connections to which a service has sent an answer, once
	                             each */
	uint64_t tcp_connected;   /* client connections established */
	uint64_t tcp_refused_out; /* RST sent for SYNs to closed ports */
	uint64_t tcp_resets_in, tcp_resets_out, tcp_retransmissions, tcp_challenge_acks;
	uint64_t udp_answered;
	uint64_t conns_full;     /* connections refused: the limit */
	uint64_t flood_syns;     /* sent by floods */
	uint64_t tcp_early_full; /* segments out of order that were dropped: the limit */
};

void host_config_default(struct host_config *config);
struct host *host_new(const struct host_config *config, const struct host_ops *ops,
                      struct frame_pool *pool);
void host_free(struct host *host);

/* A frame arrived; takes over the reference. */
void host_receive(struct host *host, struct frame *frame, uint64_t now_ns);
uint64_t host_deadline(const struct host *host);
void host_run(struct host *host, uint64_t now_ns);
/* The interface's carrier. Down keeps connections and flushes the ARP cache, as Linux does. */
void host_set_link(struct host *host, bool up, uint64_t now_ns);
/* Power: off forgets everything (no FIN, no RST) and ends all requests as HOST_ABORTED; on starts
 * anew, listeners kept. */
void host_set_power(struct host *host, bool on, uint64_t now_ns);
bool host_is_on(const struct host *host);
/* Since when it is, or was, on without a break. */
uint64_t host_on_since(const struct host *host);
/* The interface has the address 'ip' from now on, with the same prefix length, as after "ip addr del"
 * and "ip addr add" on Linux. The ARP cache is empty, and nobody is told (arp_notify is off); what was
 * being resolved is asked for on, from the new address. Connections stay bound to the address that they
 * were opened with: as long as the host does not have it they can neither send nor receive, and time
 * out, or go on when it is back. */
void host_set_address(struct host *host, uint32_t ip, uint64_t now_ns);
uint32_t host_address(const struct host *host);
/* Something is sent and not acknowledged, a SYN or an ARP request is waiting for an answer, or a
 * request of a scenario is running: the network is not quiet. TIME_WAIT, cache ageing and floods do
 * not count. */
bool host_pending(const struct host *host);
const struct host_counters *host_counters(const struct host *host);
const uint8_t *host_mac(const struct host *host);

/* Listen on a port; -1 when it is taken. HOST_SERVICE_NONE closes the listener. Open connections
 * stay. */
int host_listen_tcp(struct host *host, uint16_t port, enum host_service service);
int host_listen_udp(struct host *host, uint16_t port, enum host_service service);

/* --- Requests: each calls done() exactly once, from inside a later host_receive(), host_run() or
 * host_set_power(), never from the call that starts it (host_deadline() is then now); host_free()
 * ends them without calling. --- */

enum host_outcome {
	HOST_OK,           /* TCP: both sides closed in order; ping, UDP, ARP: answered */
	HOST_REFUSED,      /* TCP: RST for the SYN; UDP: ICMP port unreachable */
	HOST_RESET,        /* TCP: RST later */
	HOST_TIMEOUT,      /* no answer in time */
	HOST_UNREACHABLE,  /* ARP found nobody, or no route */
	HOST_NO_RESOURCES, /* no free port, the limit of connections */
	HOST_ABORTED,      /* the host was powered off */
};
const char *host_outcome_text(enum host_outcome outcome); /* "ok", "refused", ... */

struct host_result {
	enum host_outcome outcome;
	uint64_t started_ns, connected_ns, ended_ns; /* connected_ns: 0 when never */
	uint16_t local_port;
	const uint8_t *reply; /* the first bytes that came back (at most 4,096 are kept); valid
	                         during done() */
	size_t reply_len;
	uint64_t sent_bytes, received_bytes;
	bool intact;   /* what came back is what must: echo: the same bytes; discard: our length and
	                  hash; else true */
	unsigned lost; /* ping: requests without reply */
	unsigned answered;   /* ping: requests with one */
	unsigned duplicates; /* ping: further replies to the same request */
	uint64_t rtt_min_ns, rtt_max_ns;
	uint8_t answer_mac[FB_MAC_BYTES]; /* ARP: the address learned; others: source of the last
	                                     answer */
};
typedef void host_done_fn(void *ctx, const struct host_result *result);

struct host_tcp_request {
	uint32_t ip;
	uint16_t port;
	uint16_t local_port; /* 0: an ephemeral one */
	const uint8_t *send; /* copied; NULL with send_bytes: a fixed pattern of that many bytes
	                        (any 8 aligned bytes of it differ) */
	uint64_t send_bytes;
	enum host_service expect_service; /* how 'intact' is judged: HOST_SERVICE_NONE for not */
	uint64_t timeout_ns;              /* for the whole; 0: as long as TCP tries */
	uint8_t tos;                      /* of all segments until tos_after */
	uint8_t tos_after;                /* from the first data segment on, as ssh does */
	bool ecn;                         /* the SYN carries ECE and CWR */
	bool keep_open;    /* do not close when all is sent: wait for the peer's close */
	uint64_t pause_ns; /* between connect and sending */
};
void host_tcp(struct host *host, const struct host_tcp_request *request, uint64_t now_ns,
              host_done_fn *done, void *ctx);

struct host_ping_request {
	uint32_t ip;
	unsigned count;       /* 1 */
	uint64_t interval_ns; /* 1 s */
	uint64_t timeout_ns;  /* for the reply to the last: 1 s */
	size_t payload_bytes; /* 56; over the MTU it is sent in fragments */
};
void host_ping(struct host *host, const struct host_ping_request *request, uint64_t now_ns,
               host_done_fn *done, void *ctx);

struct host_udp_request {
	uint32_t ip;
	uint16_t port, local_port;
	const uint8_t *send; /* copied; NULL: of a pattern */
	size_t send_bytes;
	bool wait_reply;     /* false: done when sent (HOST_OK) */
	uint64_t timeout_ns; /* 1 s */
};
void host_udp(struct host *host, const struct host_udp_request *request, uint64_t now_ns,
              host_done_fn *done, void *ctx);

/* Resolve 'ip' afresh, past the cache; 'gratuitous': announce our own address instead (done at
 * once). */
void host_arp(struct host *host, uint32_t ip, bool gratuitous, uint64_t now_ns, host_done_fn *done,
              void *ctx);
/* A SYN flood, as hping3 makes it: segments that no connection stands behind, from one source port
 * after another, each with another initial sequence number. What comes back is answered with RST, as
 * any segment that belongs to nothing. */
struct host_flood {
	uint32_t ip;
	uint16_t port;
	uint32_t count;    /* segments */
	uint64_t every_ns; /* 0: all at once */
};

/* The first goes out now. It ends when all are sent, when the host's power goes, or here, where 'owner'
 * names it, whose address only counts. */
void host_flood_begin(struct host *host, const void *owner, const struct host_flood *flood,
                      uint64_t now_ns);
void host_flood_end(struct host *host, const void *owner);

/* A TCP connection that a host has and that is neither over nor in TIME_WAIT. */
struct host_connection {
	uint32_t peer_ip;
	uint16_t peer_port, local_port;
	bool passive;      /* the peer opened it */
	const char *state; /* "ESTABLISHED" */
	uint64_t began_ns;
	uint64_t heard_ns; /* when the last acceptable segment came; 0: none did */
};

/* Tell each, the oldest first. */
void host_connections_each(const struct host *host,
                           void (*tell)(void *ctx, const struct host_connection *connection),
                           void *ctx);

/* It has one between these ends, perhaps in TIME_WAIT; and one that the peer opened. */
bool host_connections_has_passive(const struct host *host, uint32_t peer_ip, uint16_t peer_port,
                                  uint16_t local_port);
bool host_connections_has(const struct host *host, uint32_t peer_ip, uint16_t peer_port,
                          uint16_t local_port);

/* The cache's entry; false when there is none. */
bool host_arp_lookup(const struct host *host, uint32_t ip, uint8_t mac[FB_MAC_BYTES]);

#endif
