/* Frames that came in by pending ports; see discovery_held.h.
 *
 * There are few and they are kept for a moment, so each has memory of its own. Bounded by port, and
 * by bytes for all ports together, as each of many ports may come up again and again. */
#include "controller/apps/discovery_held.h"

#include <stdlib.h>

struct discovery_frame {
	STAILQ_ENTRY(discovery_frame) link;
	struct fb_packet_in pi; /* pi.packet.data is 'bytes' */
	uint8_t bytes[];
};

void discovery_held_init(struct discovery_held *held)
{
	STAILQ_INIT(&held->frames);
	held->count = 0;
}

static size_t size_of(const struct fb_packet_in *pi)
{
	return sizeof(struct discovery_frame) + pi->packet.len;
}

bool discovery_held_add(struct discovery_held *held, struct discovery_held_limits *limits,
                        const struct fb_packet_in *pi)
{
	struct discovery_frame *frame;

	if (held->count >= limits->per_port_max || size_of(pi) > limits->bytes_max - limits->bytes)
		return false;
	frame = malloc(size_of(pi));
	if (!frame)
		return false;
	frame->pi = *pi;
	memcpy(frame->bytes, pi->packet.data, pi->packet.len);
	fb_packet_parse(&frame->pi.packet, frame->bytes, pi->packet.len);
	STAILQ_INSERT_TAIL(&held->frames, frame, link);
	held->count++;
	limits->bytes += size_of(pi);
	return true;
}

const struct fb_packet_in *discovery_held_first(const struct discovery_held *held)
{
	const struct discovery_frame *frame = STAILQ_FIRST(&held->frames);

	return frame ? &frame->pi : NULL;
}

void discovery_held_drop(struct discovery_held *held, struct discovery_held_limits *limits)
{
	struct discovery_frame *frame = STAILQ_FIRST(&held->frames);

	STAILQ_REMOVE_HEAD(&held->frames, link);
	held->count--;
	limits->bytes -= size_of(&frame->pi);
	free(frame);
}
