/* Inside a simulated host: what its protocols share. Only the files of the host and its tests
 * include this.
 *
 * A call of host.h enters, sets 'now_ns', lets the protocols work and leaves through host_settle(),
 * where all that was put off is done: connections that ended are freed and done() of requests that
 * ended is called. So no protocol ever finds its own state gone or changed behind its back by a
 * callback of the owner. */
#ifndef SIM_HOST_CORE_H
#define SIM_HOST_CORE_H

#include <stdbool.h>
#include <sys/queue.h>

#include <flowbed/table.h>

#include "lib/base/heap.h"
#include "lib/base/rng.h"
#include "sim/host.h"

enum {
	HOST_MTU_BYTES = 1500,
	HOST_REPLY_BYTES_MAX = 4096, /* of a reply that are kept */
	HOST_LOOP_FRAMES_MAX = 1024, /* to ourselves, under way */
	HOST_DATAGRAM_BYTES_MAX = FB_FRAME_BYTES_MAX - FB_ETH_HEADER_BYTES - FB_IPV4_HEADER_BYTES,
};

struct tcp_conn;

/* --- Timers: host.c --- */

/* Embedded in its owner; fires once for each time it is set. */
struct host_timer {
	struct heap_node node;
	void (*fire)(struct host *host, struct host_timer *timer);
};

/* The structure of 'type' whose member 'member' is at 'pointer'. */
#define HOST_OWNER(pointer, type, member)                                                          \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* --- Requests: host.c --- */

/* What all requests of a scenario have in common; embedded as the first member. */
struct host_request {
	TAILQ_ENTRY(host_request) link; /* in host->running, then in host->finished */
	void (*stop)(struct host *host,
	             struct host_request *request); /* leave the protocol; the outcome is set */
	struct host_timer timer;                    /* the whole request's time limit */
	host_done_fn *done;
	void *ctx;
	struct host_result result;
	uint8_t *reply; /* result.reply_len bytes; NULL: none */
};
TAILQ_HEAD(host_request_list, host_request);

/* --- ARP: host_arp.c --- */

struct host_arp {
	struct fb_table *cache; /* address -> struct neighbour * */
	uint32_t request_count; /* a scenario's requests to resolve, in host->running */
	uint32_t unanswered;    /* neighbours that were asked for and have not answered */
};

/* --- IP: host_ip.c --- */

struct host_ip {
	uint16_t next_id;
	TAILQ_HEAD(host_datagram_list, host_datagram)
	datagrams; /* being put together, oldest first */
	uint32_t datagram_count;
	struct host_timer reassembly_timer;
	struct frame **loop; /* a ring of frames to ourselves; NULL: never used */
	uint32_t loop_head, loop_count;
	struct host_timer loop_timer;
};

/* --- ICMP and UDP: host_icmp.c, host_udp.c --- */

struct host_icmp {
	struct fb_table *pings; /* echo identifier -> struct ping_request * */
	uint16_t next_id;
};

struct host_udp_ports {
	struct fb_table *ports; /* local port -> service or request */
	uint16_t next_port;
};

/* --- Floods: host_flood.c --- */

struct host_floods {
	LIST_HEAD(host_flood_list, host_flooding) list;
	struct rng rng; /* once 'seeded' */
	bool seeded;
};

/* --- TCP: tcp.h --- */

TAILQ_HEAD(tcp_conn_list, tcp_conn);

struct host_tcp_state {
	struct fb_table *table;     /* (peer address, peer port, local port) -> struct tcp_conn * */
	struct fb_table *listeners; /* local port -> service */
	struct tcp_conn_list conns; /* all but those in TIME_WAIT, oldest first */
	struct tcp_conn_list time_wait; /* the next to end first */
	struct tcp_conn_list dead;      /* to be freed in host_settle() */
	struct host_timer time_wait_timer;
	uint64_t isn_secret;
	uint32_t opened;  /* connections so far: keeps initial sequence numbers apart */
	uint32_t pending; /* connections with something sent and not acknowledged, or to be sent */
	uint32_t early_segments; /* held out of order, of all connections */
	uint32_t away; /* connections whose address the host does not have; not in the table */
	uint16_t next_port;
	uint8_t scratch[HOST_MTU_BYTES]; /* payload on its way into a frame */
};

struct host {
	struct host_config config; /* strings are ours */
	struct host_ops ops;
	struct frame_pool *pool;
	struct host_counters counters;
	struct rng rng;
	uint64_t now_ns;
	uint32_t netmask;
	uint64_t on_since_ns;
	bool power, link_up;
	bool settling; /* in host_settle() */

	struct heap timers;
	uint64_t timer_sequence;
	struct host_request_list running;
	struct host_request_list finished; /* done() is still to be called */
	uint32_t request_count;            /* in both lists */

	struct host_arp arp;
	struct host_ip ip;
	struct host_icmp icmp;
	struct host_udp_ports udp;
	struct host_floods floods;
	struct host_tcp_state tcp;
};

/* --- host.c --- */

void host_timer_set(struct host *host, struct host_timer *timer, uint64_t time_ns);
void host_timer_cancel(struct host *host, struct host_timer *timer);

/* Enter 'request' (allocated, first member of its structure, 'stop' set) into the running ones. */
void host_request_start(struct host *host, struct host_request *request, host_done_fn *done,
                        void *ctx);
/* 'request' is over: stop it and have done() called by host_settle(). No effect when it is over
 * already. */
void host_request_finish(struct host *host, struct host_request *request,
                         enum host_outcome outcome);
/* Append to what is kept of the reply. */
void host_request_reply(struct host_request *request, const uint8_t *bytes, size_t len);
/* Put off things: to be called last by whatever entered. */
void host_settle(struct host *host);
/* Transmit a frame as it is; takes over the reference. */
void host_transmit(struct host *host, struct frame *frame);
/* Handle an IPv4 packet that is whole; 'frame' is borrowed. */
void host_input_l4(struct host *host, const struct fb_packet *packet, struct frame *frame);
/* "host NAME PURPOSE" seeds a generator. */
void host_rng_init(struct host *host, struct rng *rng, const char *purpose);

/* --- host_arp.c --- */

void host_arp_init(struct host *host);
void host_arp_destroy(struct host *host);
/* Forget; with 'all', also what is being asked for. */
void host_arp_flush(struct host *host, bool all);
void host_arp_input(struct host *host, const struct fb_packet *packet);
/* Send an IPv4 frame to the neighbour 'ip': its Ethernet destination is filled in now or when it is
 * known. Takes over the reference. */
void host_arp_output(struct host *host, uint32_t ip, struct frame *frame);
/* An answer from beyond came by way of the neighbour 'ip': its entry is good. */
void host_arp_confirm(struct host *host, uint32_t ip);
/* The neighbour is being asked for and has not answered. */
bool host_arp_is_unresolved(const struct host *host, uint32_t ip);

/* --- host_ip.c --- */

void host_ip_init(struct host *host);
void host_ip_reset(struct host *host);
/* The neighbour through which 'dst' is reached; 0: none. */
static inline uint32_t host_ip_next_hop(const struct host *host, uint32_t dst)
{
	if (((dst ^ host->config.ip) & host->netmask) == 0)
		return dst;
	return host->config.gateway;
}
/* Send a frame that holds an IPv4 packet of at most the MTU. Takes over the reference. */
void host_ip_output(struct host *host, uint32_t dst, struct frame *frame);
/* Send 'len' bytes of layer 4, in fragments where they exceed the MTU. */
void host_ip_send(struct host *host, uint32_t dst, uint8_t nw_proto, uint8_t tos,
                  bool dont_fragment, const void *l4, size_t len);
/* A fragment came in; when it completes a packet that is handled. */
void host_ip_fragment(struct host *host, const struct fb_packet *packet);
struct fb_eth_spec host_ip_eth(const struct host *host);

/* --- host_icmp.c --- */

void host_icmp_init(struct host *host);
void host_icmp_destroy(struct host *host);
void host_icmp_input(struct host *host, const struct fb_packet *packet);
/* Answer 'packet' with an ICMP error. */
void host_icmp_error(struct host *host, const struct fb_packet *packet, uint8_t type, uint8_t code);
/* Nobody answers for the neighbour 'next_hop'. */
void host_icmp_unreachable(struct host *host, uint32_t next_hop);

/* --- host_udp.c --- */

void host_udp_init(struct host *host);
void host_udp_destroy(struct host *host);
void host_udp_input(struct host *host, const struct fb_packet *packet);
/* An ICMP error with 'code' of type 3 quotes our datagram from 'local_port' to 'ip':'port'. */
void host_udp_icmp(struct host *host, uint8_t code, uint32_t ip, uint16_t local_port,
                   uint16_t port);
void host_udp_unreachable(struct host *host, uint32_t next_hop);

/* --- host_flood.c --- */

void host_flood_forget(struct host *host);

/* --- host_services.c --- */

/* A connection to 'service' is established: attach it. */
void host_services_accept(struct tcp_conn *conn, enum host_service service);

#endif
