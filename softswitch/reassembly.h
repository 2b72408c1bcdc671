/* Reassembly of IPv4 datagrams (RFC 791, section 3.2) for OFPC_FRAG_REASM.
 *
 * What? Fragments go in, whole datagrams come out: the Ethernet and IP header of the first fragment
 * (its offset, not its arrival), the payload of all. A datagram is known by the port it came in by,
 * its VLAN (untagged is one, too), addresses, protocol and identification; a priority that differs
 * between its fragments does not divide it. Any order will do; a fragment all of whose bytes are
 * there already is a duplicate and is dropped.
 *
 * How? A datagram's payload lies at its place in memory that grows to the end of the furthest
 * fragment; a bit for each 8 bytes, the unit of offsets, says what is there. So the number of
 * fragments does not matter, and each costs its copy.
 *
 * Given up, with all that was held, is a datagram
 * - that is not whole 'expiry_ns' after its first arrival;
 * - that was begun first, when a new one begins and 'datagrams_max' are held;
 * - whose fragments overlap in part, or contradict each other about its end: no host sends such
 *   fragments, and receivers that read them differently are what evasion lives on (RFC 1858,
 *   RFC 5722);
 * - that would be longer than FB_FRAME_BYTES_MAX with its Ethernet header.
 * A fragment that is cut short, empty, of a wrong header checksum, or of a length that only a last
 * one may have (RFC 791: a multiple of 8 bytes) is dropped; the datagram waits for a better one.
 *
 * One fragment with "congestion experienced" marks the whole so (RFC 3168, section 5.3) unless the
 * first one says that its ends do not know ECN.
 *
 * Memory: at most datagrams_max times 65,515 bytes of payload and some 1,200 bytes; none before
 * the first fragment and none after reassembly_clear(). */
#ifndef SOFTSWITCH_REASSEMBLY_H
#define SOFTSWITCH_REASSEMBLY_H

#include <flowbed/packet.h>
#include <flowbed/table.h>

#include "lib/base/frame.h"
#include "softswitch/frame_origin.h"

struct reassembly {
	struct fb_table *datagrams; /* in order of first arrival; NULL: none were yet */
	struct frame_pool *pool;
	uint32_t datagrams_max;
	uint64_t expiry_ns;

	uint64_t fragments_held;      /* fragments that were taken */
	uint64_t fragments_malformed; /* dropped */
	uint64_t fragments_lost;      /* dropped: of datagrams that were given up, and duplicates */
	uint64_t completed;           /* datagrams */
	uint64_t failed;              /* datagrams that were given up */
};

/* A datagram that is whole. */
struct reassembled {
	struct frame *frame; /* a reference; memory of its own */
	struct frame_origin origin;
	uint32_t fragments; /* that came in for it */
};

/* 'datagrams_max' 0: every fragment is dropped as one without room. */
void reassembly_init(struct reassembly *reassembly, struct frame_pool *pool, uint32_t datagrams_max,
                     uint64_t expiry_ns);
/* Let go of all that is held; what was held counts as given up. */
void reassembly_clear(struct reassembly *reassembly);

/* True for a frame that reassembly_add() is for: a fragment, in a frame whose header does not hold
 * a length (802.3), which the whole could not have. */
bool reassembly_wants(const struct fb_packet *packet);
/* 'frame', whose reference is taken over and which was parsed to 'packet', came in by 'in_port'.
 * True when that made a datagram whole. */
bool reassembly_add(struct reassembly *reassembly, struct frame *frame,
                    const struct fb_packet *packet, uint16_t in_port, uint64_t now_ns,
                    struct reassembled *whole);

/* When the oldest datagram is given up. */
uint64_t reassembly_deadline(const struct reassembly *reassembly);
void reassembly_expire(struct reassembly *reassembly, uint64_t now_ns);

#endif
