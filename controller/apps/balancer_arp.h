/* ARP for all addresses, shared and others. */
#ifndef BALANCER_ARP_H
#define BALANCER_ARP_H

#include <sys/queue.h>

#include <flowbed/app.h>

struct balancer_call;
struct balancer_arp_wait;

TAILQ_HEAD(balancer_arp_waits, balancer_arp_wait);

struct balancer_arp {
	struct balancer_arp_waits asked;    /* questions for addresses that nobody was heard under,
	                                     * the oldest first */
	struct balancer_arp_waits settling; /* of which an owner was heard meanwhile; as they are
	                                     * due */
	uint32_t count;                     /* in both */
};

void balancer_arp_init(struct balancer_arp *arp);
void balancer_arp_free(struct balancer_arp *arp);

/* The stable MAC by which clients reach the shared address 'ip': locally administered, the same in
 * every run. */
void balancer_arp_mac(uint8_t mac[FB_MAC_BYTES], uint32_t ip);
/* True for a MAC of balancer_arp_mac(); '*ip' is the address then. */
bool balancer_arp_is_mac(const uint8_t mac[FB_MAC_BYTES], uint32_t *ip);

/* The ARP frame 'pi' came in by an edge ('is_edge') or over a link: it is answered, passed on to
 * whom it is for, or taken. Its sender was heard before (balancer_owners_hear()). */
void balancer_arp_frame(const struct balancer_call *call, const struct fb_packet_in *pi,
                        bool is_edge);
/* An owner of 'ip' was heard: questions for it may be answered soon. */
void balancer_arp_found(const struct balancer_call *call, uint32_t ip, uint16_t vlan);
/* There are edges that were not asked: ask again for all addresses that questions wait for. */
void balancer_arp_ask(const struct balancer_call *call);
/* The switch 'node' went away: what it waits for is forgotten. */
void balancer_arp_switch_down(struct balancer_arp *arp, uint16_t node);

void balancer_arp_run(const struct balancer_call *call);
uint64_t balancer_arp_due(const struct balancer_arp *arp);

#endif
