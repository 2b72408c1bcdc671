/* Packets towards an address that nobody was heard under: flooded, a SYN would reach every server
 * that has it. So they are held, for a short time and a bounded number of them, while the controller
 * asks by ARP.
 *
 * A held frame keeps its buffer in the switch, or its bytes here where the switch kept none. When
 * the address is found it goes its way as if it had just come; when not, balancer_tcp_not_found()
 * has the last word. */
#include "controller/apps/balancer_held.h"

#include <stdlib.h>

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_send.h"
#include "controller/apps/balancer_tcp.h"

enum { HELD_BYTES_MAX = 2048 }; /* of one frame: more than a SYN has */

struct held_frame {
	TAILQ_ENTRY(held_frame) link;
	uint64_t due_ns;
	uint16_t node;
	struct fb_packet_in pi; /* pi.packet.data is 'bytes' */
	uint8_t bytes[];
};

void balancer_held_init(struct balancer_held *held)
{
	TAILQ_INIT(&held->frames);
}

static void forget(struct balancer_held *held, struct held_frame *frame)
{
	TAILQ_REMOVE(&held->frames, frame, link);
	held->count--;
	free(frame);
}

void balancer_held_clear(struct balancer_held *held)
{
	while (held->count > 0)
		forget(held, TAILQ_FIRST(&held->frames));
}

void balancer_held_switch_down(struct balancer_held *held, uint16_t node)
{
	struct held_frame *frame = TAILQ_FIRST(&held->frames), *next;

	for (; frame; frame = next) {
		next = TAILQ_NEXT(frame, link);
		if (frame->node == node)
			forget(held, frame);
	}
}

/* 'call' as it was when 'frame' came. */
static struct balancer_call call_of(const struct balancer_call *call,
                                    const struct held_frame *frame)
{
	struct balancer_call then = *call;

	then.node = frame->node;
	then.sw = fb_discovery_switch(call->b->discovery, frame->node);
	return then;
}

static struct held_frame *copy_of(const struct fb_packet_in *pi)
{
	struct held_frame *frame = malloc(sizeof *frame + pi->packet.len);

	if (!frame)
		return NULL;
	frame->pi = *pi;
	memcpy(frame->bytes, pi->packet.data, pi->packet.len);
	fb_packet_parse(&frame->pi.packet, frame->bytes, pi->packet.len);
	return frame;
}

static bool is_asked(const struct balancer_held *held, uint32_t ip, uint16_t vlan)
{
	const struct held_frame *frame;

	TAILQ_FOREACH(frame, &held->frames, link)
	{
		if (frame->pi.packet.nw_dst == ip && balancer_vlan(&frame->pi.packet) == vlan)
			return true;
	}
	return false;
}

void balancer_held_add(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	struct balancer_held *held = &call->b->held;
	const struct fb_packet *p = &pi->packet;
	struct held_frame *frame = NULL;

	if (held->count < call->b->config.hold_max && p->len <= HELD_BYTES_MAX)
		frame = copy_of(pi);
	if (!is_asked(held, p->nw_dst, balancer_vlan(p)))
		balancer_owners_ask(call, p->nw_dst, balancer_vlan(p));
	if (!frame) {
		call->b->counters.held_full++;
		balancer_send_drop(call, pi);
		return;
	}
	frame->node = call->node;
	frame->due_ns = call->now_ns + call->b->config.hold_ns;
	TAILQ_INSERT_TAIL(&held->frames, frame, link);
	held->count++;
	call->b->counters.held++;
}

/* True when a frame before 'frame' is for the same address. */
static bool is_repeated(const struct balancer_held *held, const struct held_frame *frame)
{
	const struct fb_packet *p = &frame->pi.packet;
	const struct held_frame *other;

	TAILQ_FOREACH(other, &held->frames, link)
	{
		if (other == frame)
			return false;
		if (other->pi.packet.nw_dst == p->nw_dst &&
		    balancer_vlan(&other->pi.packet) == balancer_vlan(p))
			return true;
	}
	return false;
}

void balancer_held_ask(const struct balancer_call *call)
{
	const struct balancer_held *held = &call->b->held;
	const struct held_frame *frame;

	TAILQ_FOREACH(frame, &held->frames, link)
	{
		const struct fb_packet *p = &frame->pi.packet;

		if (!is_repeated(held, frame))
			balancer_owners_ask(call, p->nw_dst, balancer_vlan(p));
	}
}

void balancer_held_found(const struct balancer_call *call, uint32_t ip, uint16_t vlan)
{
	struct balancer_held *held = &call->b->held;
	struct held_frame *frame = TAILQ_FIRST(&held->frames), *next;
	struct balancer_call then;

	for (; frame; frame = next) {
		next = TAILQ_NEXT(frame, link);
		if (frame->pi.packet.nw_dst != ip || balancer_vlan(&frame->pi.packet) != vlan)
			continue;
		call->b->counters.held_found++;
		then = call_of(call, frame);
		balancer_handle_again(&then, &frame->pi);
		forget(held, frame);
	}
}

void balancer_held_run(const struct balancer_call *call)
{
	struct balancer_held *held = &call->b->held;
	struct held_frame *frame;
	struct balancer_call then;

	while ((frame = TAILQ_FIRST(&held->frames)) && frame->due_ns <= call->now_ns) {
		then = call_of(call, frame);
		balancer_tcp_not_found(&then, &frame->pi);
		forget(held, frame);
	}
}

uint64_t balancer_held_due(const struct balancer_held *held)
{
	const struct held_frame *frame = TAILQ_FIRST(&held->frames);

	return frame ? frame->due_ns : FB_NEVER;
}
