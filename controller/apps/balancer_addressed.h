/* Which MACs clients have addressed, over the sessions of all switches. */
#ifndef BALANCER_ADDRESSED_H
#define BALANCER_ADDRESSED_H

#include <flowbed/app.h>

struct balancer_addressed {
	uint64_t seed;
	uint32_t *counts; /* of sessions, by a hash of MAC and VLAN */
};

/* False when memory is short; balancer_addressed_free() may follow. */
bool balancer_addressed_init(struct balancer_addressed *addressed, uint32_t seed);
void balancer_addressed_free(struct balancer_addressed *addressed);

/* One session more was addressed to 'mac', and one less. */
void balancer_addressed_count(struct balancer_addressed *addressed, const uint8_t mac[FB_MAC_BYTES],
                              uint16_t vlan);
void balancer_addressed_discount(struct balancer_addressed *addressed,
                                 const uint8_t mac[FB_MAC_BYTES], uint16_t vlan);
/* False: no session was addressed to 'mac'. True: there may be some. */
bool balancer_addressed_any(const struct balancer_addressed *addressed,
                            const uint8_t mac[FB_MAC_BYTES], uint16_t vlan);

#endif
