/* UDP and ICMP echo to a shared address: with affinity, and never to two. */
#ifndef BALANCER_DATAGRAMS_H
#define BALANCER_DATAGRAMS_H

#include <flowbed/app.h>

struct balancer_call;
struct fb_place;

/* Handle the UDP datagram (first fragment or whole, to one host) in 'pi': it is released, dropped or
 * held. */
void balancer_datagrams_udp(const struct balancer_call *call, const struct fb_packet_in *pi);
/* The same for an ICMP echo request or reply. */
void balancer_datagrams_echo(const struct balancer_call *call, const struct fb_packet_in *pi);
/* Nobody answered for the address of 'pi', one of these that was held: it is the first of a session
 * with the station at 'at' that its destination MAC names. */
void balancer_datagrams_by_mac(const struct balancer_call *call, const struct fb_packet_in *pi,
                               struct fb_place at);

#endif
