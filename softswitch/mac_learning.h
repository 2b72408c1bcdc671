/* The table behind OFPP_NORMAL: which port a station of a VLAN was last heard on, as an ordinary
 * learning bridge keeps it. Bounded; a station that was silent for 'idle_ns' is forgotten, and at
 * the limit the one that was silent for longest. */
#ifndef SOFTSWITCH_MAC_LEARNING_H
#define SOFTSWITCH_MAC_LEARNING_H

#include <flowbed/bytes.h>
#include <flowbed/table.h>

struct mac_learning {
	struct fb_table *table; /* by VLAN and address, in order of last frame */
	uint64_t idle_ns;
	uint64_t evicted; /* forgotten early for want of room */
};

/* 'macs_max' 0: nothing is learned. */
void mac_learning_init(struct mac_learning *learning, uint32_t macs_max, uint64_t idle_ns);
void mac_learning_destroy(struct mac_learning *learning);
/* A frame of 'vlan' (0: untagged) from 'mac' came in by 'port_no'. Group addresses are not learned.
 */
void mac_learning_learn(struct mac_learning *learning, uint16_t vlan,
			const uint8_t mac[FB_MAC_BYTES], uint16_t port_no, uint64_t now_ns);
/* The port of 'mac'; OFPP_NONE: not known. */
uint16_t mac_learning_port(const struct mac_learning *learning, uint16_t vlan,
			   const uint8_t mac[FB_MAC_BYTES], uint64_t now_ns);
/* Forget what was learned on 'port_no', which went down or away. */
void mac_learning_flush_port(struct mac_learning *learning, uint16_t port_no);

#endif
