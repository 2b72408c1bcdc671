/* Does every connection see one server only? Watches the hosts' interfaces.
 *
 * Judged are connections to an address that several hosts own. A connection is a client's 4-tuple
 * and initial sequence number, known from the SYN that the client's host sends. The host whose
 * SYN-ACK (or RST) reaches the client first is the chosen one. The connection is split when
 *
 * - before that, a SYN comes to another host than the one before it, although the client has not
 *   sent two before it, unless that host is off or cut off, or was so since the connection began or
 *   up to AFFINITY_NEWS_NS before that (news may need their time), or a controller may have forgotten
 *   the connection (below): an unanswered SYN leaves nothing in a switch that could remind it;
 * - after that, and before a RST or FINs both ways have ended it, a SYN comes to another host, unless
 *   the client has sent it again and a controller may have forgotten the connection (below): such a
 *   SYN may have waited in its client, and nothing in it tells that there was an answer; or any
 *   other segment but a RST, unless that may be a probe (below);
 * - the client gets anything but RST of another host, before that end;
 * - the client gets a RST of another host, although the chosen one is there and has not refused the
 *   connection itself;
 * - another host answers with anything but RST or a late SYN-ACK, before that end.
 *
 * Forgotten sessions. A controller that has forgotten a session may show its segments to all
 * candidates: those that refuse are excluded, and their RSTs kept from the client. That it has
 * forgotten one is possible when a control connection began or ended since the connection's first
 * SYN; once there was an answer, also when the connection was silent for AFFINITY_SILENCE_NS, for as
 * long after that, and when the client has sent its FIN.
 *
 * Fail modes. A switch that is standalone floods a SYN to all, its own owners of the address and a
 * switch that has a controller, which chooses another: no controller can help that. A connection of
 * which a SYN was sent, or came to a host, while a switch was in a fail mode is not judged.
 *
 * A host gets what its interface accepts, when it is on. Who sent a frame is known by its life
 * (lives.h); what the controller made itself is nobody's and does not count. */
#ifndef SIM_AFFINITY_H
#define SIM_AFFINITY_H

#include "sim/network.h"

struct affinity;

enum { AFFINITY_CONNECTIONS_MAX = 1000000 }; /* beyond it the oldest is forgotten, and counted */
#define AFFINITY_SILENCE_NS FB_NS_PER_S
#define AFFINITY_NEWS_NS    FB_NS_PER_S

/* What it asks about the network. */
struct affinity_ops {
	/* The host that sent 'frame'; SCENARIO_NONE: none, or nobody knows. */
	uint32_t (*sender)(void *ctx, const struct frame *frame);
	/* When the host was last off, or its link without a carrier: now, or when that ended; 0:
	 * never. */
	uint64_t (*absent_ns)(void *ctx, uint32_t host);
	/* A switch is in a fail mode now. NULL: none ever is. */
	bool (*fails)(void *ctx);
	void *ctx;
};

/* A connection that was split. */
struct affinity_split {
	uint32_t client_ip, server_ip;
	uint16_t client_port, server_port;
	uint32_t client, one, other; /* hosts: the client's, and the two that it saw */
	const char *why;             /* what came to 'other', or of it */
};

struct affinity *affinity_new(const struct scenario *scenario, const struct affinity_ops *ops);
void affinity_free(struct affinity *affinity); /* takes NULL */

/* 'host' sends a frame, or gets one, being on. True when a connection is split by that, once for
 * each; '*split' tells about it. */
bool affinity_sent(struct affinity *affinity, uint32_t host, const struct frame *frame,
                   uint64_t now_ns, struct affinity_split *split);
bool affinity_got(struct affinity *affinity, uint32_t host, const struct frame *frame,
                  uint64_t now_ns, struct affinity_split *split);
/* A control connection begins or ends. */
void affinity_recovery(struct affinity *affinity);

/* Connections that were split, and those forgotten at the limit. */
uint64_t affinity_count(const struct affinity *affinity);
uint64_t affinity_forgotten(const struct affinity *affinity);

#endif
