/* What the balancer sends by packet-out. */
#ifndef BALANCER_SEND_H
#define BALANCER_SEND_H

#include <flowbed/app.h>

struct balancer_call;

/* What is done to a frame on its way out. */
struct balancer_rewrite {
	const uint8_t *dl_src; /* the new source MAC; NULL: as it is */
	const uint8_t *dl_dst;
	uint16_t port; /* where it goes; may be the port that it came from */
};

enum { BALANCER_ACTIONS_BYTES = 40 }; /* two addresses and an output */

/* Append the actions of 'rewrite' for frames that come in by 'in_port'. */
void balancer_send_put_actions(struct fb_buf *out, const struct balancer_rewrite *rewrite,
                               uint16_t in_port);

/* Each of these releases 'pi', which need not be the cause of the call (a frame that was held). */
void balancer_send_through(const struct balancer_call *call, const struct fb_packet_in *pi,
                           const struct balancer_rewrite *rewrite);
void balancer_send_flood(const struct balancer_call *call, const struct fb_packet_in *pi);
void balancer_send_drop(const struct balancer_call *call, const struct fb_packet_in *pi);
/* Answer the TCP segment in 'pi' with RST, as its destination would, and drop it. */
void balancer_send_refuse(const struct balancer_call *call, const struct fb_packet_in *pi);

/* Flood an ARP probe for 'ip': sender address 0.0.0.0 (RFC 5227) and the controller's own MAC. */
void balancer_send_probe(const struct balancer_call *call, uint32_t ip, uint16_t vlan);

#endif
