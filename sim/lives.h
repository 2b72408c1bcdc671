/* Which frame is which: where it was sent first, and by which ways it has gone since.
 *
 * Why? That no frame runs in a loop, that nobody gets one twice, and which host a segment came from
 * can only be said when a frame is known again wherever it turns up: behind switches that rewrote
 * it, and behind a controller that had it in a packet-in and sends it on.
 *
 * A life begins when a host sends a frame; what the host sends again, to the byte or not, is another
 * one. Its number goes along with the frame as its tag, through links, switches and packet buffers.
 * A frame without a tag was made of bytes in a packet-out: it belongs to the host's frame that has
 * the same identity, which are the parts that no switch and no controller rewrites (of an IPv4
 * packet its id, length, fragment and payload without ports and checksum; of others all behind the
 * Ethernet header). Where a host has sent such bytes several times it is the latest of these that has
 * not gone this way yet, or not as often as links doubled it; and should that one come itself, one of
 * the others must have been meant. When there is none the controller made the frame: a life of its own.
 * So it did when it sends an ARP reply once more, which may be like that of a host to the last bit, or
 * when that of the host comes after it.
 *
 * Ways. A frame goes a way when it is sent over a link to one of its ends with a certain Ethernet
 * destination. One frame goes no way twice, except that a link which doubles it adds one to how often each
 * way may be gone but that one: the copy goes on behind it. (The destination counts because a controller may show one frame to
 * several hosts, one after another, over the same link. In a loop it comes back as it was.) A link that was
 * plugged in elsewhere is another way: what was flooded may come to a host that moves at both its ports. And
 * what the link refused or lost has not gone the way.
 *
 * A frame that a link changed begins a life of its own: its bytes are what no host sent, and behind
 * a controller it is known again as what it is now.
 *
 * Bounds. The latest lives and ways are remembered (LIVES_MAX, LIVES_WAYS_MAX), in tables that grow
 * as they are needed. What was forgotten goes for new, so that something may be missed, and nothing
 * is ever told that was not so. */
#ifndef SIM_LIVES_H
#define SIM_LIVES_H

#include <stdbool.h>

#include "lib/base/frame.h"

enum {
	LIVES_MAX = 1 << 15,
	LIVES_WAYS_MAX = 1 << 18,
	LIVES_STEPS_MAX = 64, /* frames that are looked at for that of a packet-out */
};
/* After this time bytes in a packet-out are no more what a host sent: */
#define LIVES_ALIKE_NS (UINT64_C(5) * 1000000000)

#define LIVES_NOBODY UINT32_MAX /* no host */

struct lives;

struct lives *lives_new(void);
void lives_free(struct lives *lives); /* takes NULL */

/* 'host' sends 'frame': a life begins. */
void lives_begin(struct lives *lives, struct frame *frame, uint32_t host, uint64_t now_ns);
/* What it is that a frame goes a way: */
enum lives_passed {
	LIVES_FIRST,   /* it did not before, or that is forgotten */
	LIVES_DOUBLED, /* it did, no more often than there are of it */
	LIVES_TWICE,
};

/* A frame is sent over the link end with the number 'way'. */
enum lives_passed lives_pass(struct lives *lives, struct frame *frame, uint64_t way,
                             uint64_t now_ns);
/* The frame has gone that way. */
bool lives_has_passed(const struct lives *lives, const struct frame *frame, uint64_t way);
/* One more is made of 'frame' on a way that it went: the copy goes on with it from there. */
void lives_double(struct lives *lives, const struct frame *frame, uint64_t way);
/* 'frame', or one of its copies, was lost on a way that it went. */
void lives_lose(struct lives *lives, const struct frame *frame, uint64_t way);
/* A link changed bytes of 'frame': from now on it is another one, of the same sender. */
void lives_change(struct lives *lives, struct frame *frame, uint64_t now_ns);
bool lives_is_changed(const struct lives *lives, const struct frame *frame);
/* The host that sent it; LIVES_NOBODY: the controller, or that is forgotten. */
uint32_t lives_sender(const struct lives *lives, const struct frame *frame);

#endif
