/* Does traffic to somebody who is there disappear? Watches what hosts send and get once the network
 * has converged.
 *
 * A flow is what a host sends between two addresses, of one protocol, from one port to another (of
 * ICMP: of one type), to one Ethernet address. That is a host's, or else a controller's, which has
 * given it to the hosts with the flow's IP address. It falls into a black hole when BLACKHOLES_ROW frames
 * of it in a row, the last at least BLACKHOLES_SPAN_NS after the first, reach nobody.
 *
 * Judged are unicast IPv4 frames to a host that is on and to which there is a way (ways.h), from then on when the network has converged: so only where there is a controller,
 * which is up, and whose switches are connected. What a network without a controller forwards is what
 * its file says. When a control connection begins or ends later, as with each fault and each step that
 * breaks or mends something, the rows begin anew, after the time that a network has to converge.
 *
 * A frame reaches somebody when a host gets it with that host's Ethernet address, whichever host it
 * is: of an address that several own any will do, and who may answer is another property's business.
 * Frames that a link lost are no part of a row. Nor are
 *
 * - segments with RST: they ask for nothing, and a controller that shows a segment to several hosts
 *   keeps the RSTs of those that refuse;
 * - what a server sends on a connection that the host which opened it has given up: nobody waits for
 *   it, and a controller that knows as much need not pass it on. (That the server's end ends, too, is
 *   another property's business.)
 * - frames that were answered, whoever did: a RST for segments, also one that a link lost; for echo requests
 *   and for datagrams, of the flow of two that began first, anything. What is refused does not disappear;
 * - ARP, which a controller may answer itself.
 *
 * When is a frame lost? When the network is quiet, or when more time has passed than it can be
 * under way (ways_time_max()). During a run that is asked with each further frame of its flow.
 *
 * Bounds. The latest flows and frames are remembered (BLACKHOLES_FLOWS_MAX, BLACKHOLES_FRAMES_MAX),
 * in tables that grow as needed. A flow that is forgotten begins anew, and so does the row of one of
 * which a frame is forgotten that may still arrive: something may be missed, and nothing is told that
 * was not so. */
#ifndef SIM_BLACKHOLES_H
#define SIM_BLACKHOLES_H

#include "sim/network.h"

enum {
	BLACKHOLES_ROW = 3, /* frames */
	BLACKHOLES_FLOWS_MAX = 1 << 16,
	BLACKHOLES_FRAMES_MAX = 1 << 15,
};
#define BLACKHOLES_SPAN_NS FB_NS_PER_S

struct blackholes;

/* A flow whose frames disappear. */
struct blackhole {
	uint32_t from, to; /* hosts; 'to' is there, and has the Ethernet address, or the other */
	uint32_t nw_src, nw_dst;
	uint16_t tp_src, tp_dst;
	uint8_t nw_proto;
	uint64_t first_ns, last_ns; /* of the row */
};

struct blackholes_ops {
	/* When the network has converged or will have, as faults_converged_at(). */
	uint64_t (*converged_at)(void *ctx);
	/* Once for each row. */
	void (*found)(void *ctx, const struct blackhole *hole);
	void *ctx;
};

/* 'scenario' must outlive it. */
struct blackholes *blackholes_new(const struct scenario *scenario,
                                  const struct blackholes_ops *ops);
void blackholes_free(struct blackholes *blackholes); /* takes NULL */
/* The network that it is about; before anything else. */
void blackholes_watch(struct blackholes *blackholes, struct network *network);

/* 'host' sends 'frame', whose tag is its life (lives.h), over a link with a carrier; 'host' gets it;
 * a link lost it. */
void blackholes_sent(struct blackholes *blackholes, uint32_t host, const struct frame *frame,
                     uint64_t now_ns);
void blackholes_got(struct blackholes *blackholes, uint32_t host, uint32_t sender,
                    const struct frame *frame);
void blackholes_lost(struct blackholes *blackholes, const struct frame *frame);
/* A control connection began or ended; before hosts send anything, that is how a run begins. */
void blackholes_reconnected(struct blackholes *blackholes, uint64_t now_ns);
/* The run is at its end and quiet: what is under way now will not arrive. */
void blackholes_judge_end(struct blackholes *blackholes, uint64_t now_ns);

/* Flows that were forgotten at the limit. */
uint64_t blackholes_forgotten(const struct blackholes *blackholes);

#endif
