/* Frames that came in by pending ports: kept until somebody knows what is behind the port. */
#ifndef DISCOVERY_HELD_H
#define DISCOVERY_HELD_H

#include <sys/queue.h>

#include <flowbed/app.h>

struct discovery_frame;

/* Of a port, in the order in which they came. */
struct discovery_held {
	STAILQ_HEAD(, discovery_frame) frames;
	uint32_t count;
};

/* Of all ports together. */
struct discovery_held_limits {
	uint32_t per_port_max;
	size_t bytes, bytes_max;
};

void discovery_held_init(struct discovery_held *held);
/* Keep 'pi' with its bytes; false at a limit. */
bool discovery_held_add(struct discovery_held *held, struct discovery_held_limits *limits,
                        const struct fb_packet_in *pi);
/* The first frame, NULL: none is left. discovery_held_drop() takes it out and frees it. */
const struct fb_packet_in *discovery_held_first(const struct discovery_held *held);
void discovery_held_drop(struct discovery_held *held, struct discovery_held_limits *limits);

#endif
