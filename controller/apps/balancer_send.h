/* What the balancer sends by packet-out. */
#ifndef BALANCER_SEND_H
#define BALANCER_SEND_H

#include <flowbed/discovery.h>

struct balancer_call;

/* What is done to a frame on its way out. */
struct balancer_rewrite {
	const uint8_t *dl_src; /* the new source MAC; NULL: as it is */
	const uint8_t *dl_dst;
	struct fb_place at; /* where it goes: an edge, on whatever switch */
};

enum { BALANCER_ACTIONS_BYTES = 40 }; /* two addresses and an output */

/* Append the actions that rewrite, NULL: not, and put out by 'port' what came in by 'in_port'. */
void balancer_send_put_actions(struct fb_buf *out, const uint8_t *dl_src, const uint8_t *dl_dst,
                               uint16_t port, uint16_t in_port);

/* Each of these releases 'pi', which came in by the switch of the call, and need not be the cause of
 * the call (a frame that was held). */

/* Towards rewrite->at. On another switch: a whole frame is put out there at once; one of which only
 * the beginning is here is sent on its way, and comes back from the next switch that knows no better.
 * Dropped where there is no way. */
void balancer_send_through(const struct balancer_call *call, const struct fb_packet_in *pi,
                           const struct balancer_rewrite *rewrite);
/* To all edges but its own, over the tree. */
void balancer_send_flood(const struct balancer_call *call, const struct fb_packet_in *pi);
void balancer_send_drop(const struct balancer_call *call, const struct fb_packet_in *pi);
/* Answer the TCP segment in 'pi' with RST, as its destination would, and drop it. */
void balancer_send_refuse(const struct balancer_call *call, const struct fb_packet_in *pi);

/* A copy of the frame in 'pi' goes out at 'at' as well, rewritten; 'pi' is not released. False where
 * only a part of the frame is here, or the switch is away. */
bool balancer_send_copy(const struct balancer_call *call, const struct fb_packet_in *pi,
                        const struct balancer_rewrite *rewrite);
/* A frame of our own making goes out at 'at'; nothing happens where the switch is away. */
void balancer_send_frame(const struct balancer_call *call, const struct fb_buf *frame,
                         struct fb_place at);
/* The same to every edge of the network but those 'except' (port 0: none). */
void balancer_send_everywhere(const struct balancer_call *call, const struct fb_buf *frame,
                              const struct fb_place *except, size_t except_count);
/* The same to some edges; those of a switch that follow each other share a message. */
void balancer_send_to_edges(const struct balancer_call *call, const struct fb_buf *frame,
                            const struct fb_place *edges, size_t count);

#endif
