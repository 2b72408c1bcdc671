/* Packet-ins that wait; see held_frames.h.
 *
 * There are few and they wait for a moment, so each has memory of its own. Bounded by queue, and by
 * bytes for all queues together, as there may be many. */
#include "controller/apps/held_frames.h"

#include <stdlib.h>

struct held_frame {
	struct held_frame *next;
	struct fb_packet_in pi; /* pi.packet.data is 'bytes' */
	uint8_t bytes[];
};

static size_t size_of(const struct fb_packet_in *pi)
{
	return sizeof(struct held_frame) + pi->packet.len;
}

bool held_frames_add(struct held_frames *held, struct held_frames_limits *limits,
                     const struct fb_packet_in *pi)
{
	struct held_frame *frame;

	if (held->count >= limits->per_queue_max || size_of(pi) > limits->bytes_max - limits->bytes)
		return false;
	frame = malloc(size_of(pi));
	if (!frame)
		return false;
	frame->pi = *pi;
	memcpy(frame->bytes, pi->packet.data, pi->packet.len);
	fb_packet_parse(&frame->pi.packet, frame->bytes, pi->packet.len);
	frame->next = NULL;
	if (held->last)
		held->last->next = frame;
	else
		held->first = frame;
	held->last = frame;
	held->count++;
	limits->bytes += size_of(pi);
	return true;
}

const struct fb_packet_in *held_frames_first(const struct held_frames *held)
{
	return held->first ? &held->first->pi : NULL;
}

void held_frames_drop(struct held_frames *held, struct held_frames_limits *limits)
{
	struct held_frame *frame = held->first;

	held->first = frame->next;
	if (!held->first)
		held->last = NULL;
	held->count--;
	limits->bytes -= size_of(&frame->pi);
	free(frame);
}
