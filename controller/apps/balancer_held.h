/* Frames that wait until somebody owns the address that they are for. */
#ifndef BALANCER_HELD_H
#define BALANCER_HELD_H

#include <sys/queue.h>

#include <flowbed/app.h>

struct balancer_call;
struct held_frame;

TAILQ_HEAD(held_frames, held_frame);

struct balancer_held {
	struct held_frames frames; /* in the order of their arrival, and so of their deadlines */
	uint32_t count;
};

void balancer_held_init(struct balancer_held *held);
/* Forget all, without releasing them; those of the switch 'node', which is gone. */
void balancer_held_clear(struct balancer_held *held);
void balancer_held_switch_down(struct balancer_held *held, uint16_t node);
/* Hold 'pi', which is for the IPv4 address that it names as its destination, while that is asked
 * for, or drop it at the limit. */
void balancer_held_add(const struct balancer_call *call, const struct fb_packet_in *pi);
/* There are edges that were not asked: ask again for all addresses. */
void balancer_held_ask(const struct balancer_call *call);
/* The address has an owner now: its frames go on. */
void balancer_held_found(const struct balancer_call *call, uint32_t ip, uint16_t vlan);
/* Give up those that are due; and when that is to be called again. */
void balancer_held_run(const struct balancer_call *call);
uint64_t balancer_held_due(const struct balancer_held *held);

#endif
