/* Discovery frames: LLDP (IEEE 802.1AB) as discovery sends and believes it. Pure functions. */
#ifndef DISCOVERY_LLDP_H
#define DISCOVERY_LLDP_H

#include <flowbed/packet.h>

enum { DISCOVERY_LLDP_BYTES = 80 }; /* of the longest frame */

/* Where a frame went out. */
struct discovery_origin {
	uint64_t dpid;
	uint32_t epoch; /* how often ports had come up when this one did */
	uint16_t port;
};

enum discovery_lldp {
	DISCOVERY_LLDP_OURS,
	DISCOVERY_LLDP_FOREIGN, /* of a switch or host that speaks LLDP itself */
	DISCOVERY_LLDP_FORGED,  /* looks like ours, and the check value is wrong */
	DISCOVERY_LLDP_CUT,     /* ends in the middle of what might be ours */
};

/* Append the frame of 'origin' to 'out', which has room: from the MAC address 'hw_addr', valid for
 * 'ttl_s' seconds, with a check value that only who knows 'key' can tell. */
void discovery_lldp_put(struct fb_buf *out, const struct discovery_origin *origin,
                        const uint8_t hw_addr[FB_MAC_BYTES], uint16_t ttl_s, uint32_t key);
/* Read the LLDP frame 'packet'; '*origin' is filled where it is ours. */
enum discovery_lldp discovery_lldp_read(const struct fb_packet *packet, uint32_t key,
                                        struct discovery_origin *origin);

#endif
