/* Packet-ins that wait, in queues: until it is known what is behind their port, or until the way that
 * they will go is ready. */
#ifndef HELD_FRAMES_H
#define HELD_FRAMES_H

#include <flowbed/app.h>

struct held_frame;

/* A queue, in the order in which they came; empty when it is zeroed. It may be moved in memory. */
struct held_frames {
	struct held_frame *first, *last;
	uint32_t count;
};

/* Of all queues together. */
struct held_frames_limits {
	uint32_t per_queue_max;
	size_t bytes, bytes_max;
};

/* Keep 'pi' with its bytes; false at a limit. */
bool held_frames_add(struct held_frames *held, struct held_frames_limits *limits,
                        const struct fb_packet_in *pi);
/* The first frame, NULL: none is left. held_frames_drop() takes it out and frees it. */
const struct fb_packet_in *held_frames_first(const struct held_frames *held);
void held_frames_drop(struct held_frames *held, struct held_frames_limits *limits);

#endif
