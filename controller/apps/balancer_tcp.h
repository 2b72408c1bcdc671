/* What happens to a TCP segment. */
#ifndef BALANCER_TCP_H
#define BALANCER_TCP_H

#include <flowbed/app.h>

struct balancer_call;
struct balancer_rewrite;

/* Handle the TCP segment in 'pi', which may have been held: it is released, refused, dropped or
 * held again. */
void balancer_tcp_segment(const struct balancer_call *call, const struct fb_packet_in *pi);
/* Nobody answered for the address of the SYN 'pi', which was held. */
void balancer_tcp_not_found(const struct balancer_call *call, const struct fb_packet_in *pi);
/* A packet of no session: fill '*rewrite' when only one station can be meant. It points into tables
 * and into 'p'. */
bool balancer_tcp_one_meant(const struct balancer_call *call, const struct fb_packet *p,
                            struct balancer_rewrite *rewrite);
/* Install again the entries of sessions about which the switch could not tell, as many as are due;
 * a few at a time. */
void balancer_tcp_rearm(const struct balancer_call *call);

#endif
