/* Lists of actions: judged before they are taken, executed on frames (specification 1.0.0,
 * sections 3.3 and 5.2.4). */
#ifndef SOFTSWITCH_ACTIONS_H
#define SOFTSWITCH_ACTIONS_H

#include "softswitch/datapath.h"
#include "softswitch/frame_origin.h"

enum {
	/* Longer lists are refused (TOO_MANY): one must fit into an entry of a statistics reply. */
	ACTIONS_COUNT_MAX = 512,
};

/* Check the list of 'len' bytes at 'bytes' for an entry of 'dp', or for a packet-out. 0, or -1 with
 * '*error':
 * - BAD_TYPE, BAD_LEN, BAD_VENDOR of OFPET_BAD_ACTION as fb_actions_check() says;
 * - TOO_MANY over ACTIONS_COUNT_MAX;
 * - BAD_OUT_PORT for a port that can never be: 0, OFPP_MAX, numbers without meaning above,
 * OFPP_NONE, OFPP_TABLE in an entry (section 5.2.1 gives it to packet-outs only), and for
 * OFPAT_ENQUEUE all but physical ports, OFPP_LOCAL and OFPP_IN_PORT. A physical port that is not
 * there now may come: frames for it are dropped until then, as section 5.3.3 permits;
 * - BAD_QUEUE for a queue that its port does not have, and for OFPQ_ALL, which names no queue.
 * OFPP_IN_PORT and ports that are not there now have queues that nobody knows: where there is no
 * such queue when a frame comes, it is sent by none, as Open vSwitch does it;
 * - BAD_ARGUMENT for a VLAN id over 4,095, a VLAN priority over 7, a TOS with other bits than the
 * DSCP's. */
int actions_check(const struct datapath *dp, const uint8_t *bytes, size_t len, bool packet_out,
                  struct fb_of_error *error);

/* True when the checked list has an output (or enqueue) to 'port_no'. */
bool actions_output_to(const uint8_t *bytes, size_t len, uint16_t port_no);

/* Execute the checked list on 'frame', whose reference is taken over. True when it led to a frame
 * out or a packet-in.
 *
 * The frame is copied only where an action changes it, something more is to be done with it, and
 * someone else holds it too; what was sent before a change stays as it was. With 'in_table' the
 * list is an entry's: OFPP_TABLE would then be a loop and is stopped. */
bool actions_run(struct datapath *dp, struct frame *frame, struct frame_origin origin,
                 const uint8_t *bytes, size_t len, bool in_table, uint64_t now_ns);
/* The same for an entry's list within a packet-out's: '*frame' stays a reference of the caller's, and
 * is the frame as the list left it. */
bool actions_run_within(struct datapath *dp, struct frame **frame, struct frame_origin origin,
                        const uint8_t *bytes, size_t len, uint64_t now_ns);

/* 'frame' (borrowed) came in by 'in_port': OFPP_NORMAL knows now where its sender is. */
void actions_learn(struct datapath *dp, struct frame *frame, uint16_t in_port, uint64_t now_ns);

#endif
