/* Have all TCP connections ended when a run does?
 *
 * When the network is quiet at the end of a run, all requests of its steps are over. A connection that a
 * host has then, neither closed nor in TIME_WAIT, is half open: its peer has done with it, and the
 * host was not told. What a host knows of its connections is asked of the host; what is watched here
 * is RSTs, because the one by which a peer gives up is sent once, and nobody notices when it is lost.
 *
 * Not every half-open connection is the network's fault. The peer may have lost its power since the
 * connection began, and forgotten it; its RST may have been lost by a link, for whatever reason; it
 * may have given up before the network had converged, and its RST, if it could send one, may not have
 * come through; or there is no way between them now. Nobody sends anything on such a connection, so
 * nobody finds out, then or later. What is told here of each is what excuses.h decides by.
 *
 * Of hosts that share an address the one that had the connection is asked: who sent its SYN, or its first
 * SYN-ACK that the other end got. Where nobody knows, any of them may have had it.
 *
 * Bounds. RSTs, and SYNs and SYN-ACKs of hosts that share an address, of the latest CONNECTIONS_RESETS_MAX
 * connections are remembered, of each kind. */
#ifndef SIM_CONNECTIONS_H
#define SIM_CONNECTIONS_H

#include "sim/network.h"

struct connections;

enum { CONNECTIONS_RESETS_MAX = 4096 };

/* A connection that is half open at the end. */
struct connections_half {
	uint32_t host, peer;               /* hosts; 'peer' SCENARIO_NONE: nobody has its address */
	struct host_connection connection; /* as 'host' has it */
	const char *peer_state;            /* as the peer has it, "CLOSED": not any more */
	bool peer_was_off; /* the peer since the connection began; where nobody knows which of those with
	                      its address that is, one of them */
	bool cut_off;      /* there is no way between host and peer now */
	bool reset_lost;   /* a link lost a RST of the peer */
	uint64_t reset_ns; /* when the peer first sent a RST; 0: never, or that is forgotten */
};

/* 'scenario' must outlive it. */
struct connections *connections_new(const struct scenario *scenario);
void connections_free(struct connections *connections); /* takes NULL */

/* 'host' sends 'frame'. */
void connections_sent(struct connections *connections, uint32_t host, const struct frame *frame,
                      uint64_t now_ns);
/* A host gets 'frame', which 'sender' (SCENARIO_NONE: nobody knows) sent. */
void connections_got(struct connections *connections, uint32_t sender, const struct frame *frame);
/* A link lost 'frame', or changed it. */
void connections_lost(struct connections *connections, const struct frame *frame);
/* Tell each half-open connection, by host, the oldest first. */
void connections_each(const struct connections *connections, struct network *network,
                      void (*tell)(void *ctx, const struct connections_half *half), void *ctx);

#endif
