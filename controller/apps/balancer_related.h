/* Packets that belong to a session without naming its ports where a segment does. */
#ifndef BALANCER_RELATED_H
#define BALANCER_RELATED_H

#include <flowbed/app.h>
#include <flowbed/table.h>

struct balancer_call;
struct balancer_rewrite;

struct balancer_fragments {
	struct fb_table *table; /* struct fragmented */
};

bool balancer_fragments_init(struct balancer_fragments *fragments, uint32_t seed);
void balancer_fragments_free(struct balancer_fragments *fragments);

/* The first fragment in 'pi' goes out through 'rewrite': so will those that follow. */
void balancer_related_first(const struct balancer_call *call, const struct fb_packet_in *pi,
                            const struct balancer_rewrite *rewrite);
/* Release the later fragment 'pi' of a TCP segment, UDP datagram or ICMP echo. */
void balancer_related_later(const struct balancer_call *call, const struct fb_packet_in *pi);
/* Release 'pi', when it is an ICMP error that quotes a segment of a session, towards the end that
 * sent that segment; false when it is none. */
bool balancer_related_icmp(const struct balancer_call *call, const struct fb_packet_in *pi);

#endif
