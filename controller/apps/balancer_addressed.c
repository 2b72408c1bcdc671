/* Which MACs clients have addressed.
 *
 * A session writes the MAC that its client addressed into what comes back, so a frame from a MAC
 * that no session was addressed to was not rewritten by any switch. Hosts can send frames from ever
 * new MACs, and for each of them that must be known without asking every switch.
 *
 * Sessions are counted in an array, by a hash of MAC and VLAN with a seed that hosts do not know.
 * MACs that share a place are taken for each other; it happens to one MAC in thousands, and whoever
 * asks looks at the sessions then. Clients address few MACs, so that opening a session finds its
 * place in the cache. */
#include "controller/apps/balancer_addressed.h"

#include <stdlib.h>

enum { PLACE_BITS = 16 };

#define MIX_A UINT64_C(0x9e3779b97f4a7c15)
#define MIX_B UINT64_C(0xd6e8feb86659fd93)

static uint64_t mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

bool balancer_addressed_init(struct balancer_addressed *addressed, uint32_t seed)
{
	addressed->seed = mix(seed ^ MIX_A, MIX_B);
	addressed->counts = calloc(1 << PLACE_BITS, sizeof *addressed->counts);
	return addressed->counts != NULL;
}

void balancer_addressed_free(struct balancer_addressed *addressed)
{
	free(addressed->counts);
}

static uint32_t *place_of(const struct balancer_addressed *addressed,
                          const uint8_t mac[FB_MAC_BYTES], uint16_t vlan)
{
	uint64_t key = fb_mac_to_u64(mac) << 16 | vlan;

	return &addressed->counts[mix(key ^ addressed->seed, MIX_A) >> (64 - PLACE_BITS)];
}

void balancer_addressed_count(struct balancer_addressed *addressed, const uint8_t mac[FB_MAC_BYTES],
                              uint16_t vlan)
{
	++*place_of(addressed, mac, vlan);
}

void balancer_addressed_discount(struct balancer_addressed *addressed,
                                 const uint8_t mac[FB_MAC_BYTES], uint16_t vlan)
{
	--*place_of(addressed, mac, vlan);
}

bool balancer_addressed_any(const struct balancer_addressed *addressed,
                            const uint8_t mac[FB_MAC_BYTES], uint16_t vlan)
{
	return *place_of(addressed, mac, vlan) > 0;
}
