/* What wrong switches do. See mutation.h; in words it is in mutants.c, in the same order.
 *
 * What a switch hears is changed on its way in, what it says on its way out, and frames as they leave. Its
 * tables and counters are those of our switch, which did right. */
#include "sim/mutation.h"

#define APPLIED_LATE_NS (3 * FB_NS_PER_MS)
#define OVERTAKEN_NS    FB_NS_PER_MS /* a frame is held back for another, at most that long */

/* --- Frames --- */

enum datapath_sent mutation_switch_wrong_checksum(struct mutation *mutation,
                                                  const struct mutation_leaving *leaving)
{
	const size_t checksum_ofs = 10; /* in the IPv4 header */
	struct fb_packet packet;
	struct frame *spoilt;
	uint8_t *checksum;

	if (fb_packet_parse(&packet, frame_data(leaving->frame), leaving->frame->len) ||
	    !packet.is_ipv4 || !mutation_every(mutation, 20))
		return mutation_leave(mutation, leaving);
	spoilt = mutation_copy(mutation, leaving->frame);
	checksum = frame_data(spoilt) + packet.l3_ofs + checksum_ofs;
	fb_set16(checksum, fb_get16(checksum) ^ 1);
	return mutation_leave_as(mutation, leaving, spoilt);
}

enum datapath_sent mutation_switch_buffer_sent_twice(struct mutation *mutation,
                                                     const struct mutation_leaving *leaving)
{
	if (mutation_handled(mutation, leaving->sw)->released) {
		mutation_act(mutation);
		mutation_leave(mutation, leaving);
	}
	return mutation_leave(mutation, leaving);
}

enum datapath_sent mutation_switch_ignores_rewrites(struct mutation *mutation,
                                                    const struct mutation_leaving *leaving)
{
	const struct mutation_handled *handled = mutation_handled(mutation, leaving->sw);
	struct frame *unchanged;

	if (!handled->known || leaving->frame->len < MUTATION_ADDRESSES_BYTES ||
	    !memcmp(handled->addresses, frame_data(leaving->frame), MUTATION_ADDRESSES_BYTES))
		return mutation_leave(mutation, leaving);
	mutation_act(mutation);
	unchanged = mutation_copy(mutation, leaving->frame);
	memcpy(frame_data(unchanged), handled->addresses, MUTATION_ADDRESSES_BYTES);
	return mutation_leave_as(mutation, leaving, unchanged);
}

/* Every eighth frame waits for the next one that leaves there, unless that does not come. */
enum datapath_sent mutation_switch_reversed_frames(struct mutation *mutation,
                                                   const struct mutation_leaving *leaving)
{
	enum datapath_sent sent;

	if (mutation_holds_frame(mutation, leaving->sw, leaving->port_no)) {
		sent = mutation_leave(mutation, leaving);
		mutation_leave_held(mutation, leaving->sw, leaving->port_no);
		return sent;
	}
	if (mutation_every(mutation, 8))
		return mutation_leave_later(mutation, leaving, OVERTAKEN_NS);
	return mutation_leave(mutation, leaving);
}

enum datapath_sent mutation_switch_truncated_frames(struct mutation *mutation,
                                                    const struct mutation_leaving *leaving)
{
	struct frame *shorter;

	if (leaving->frame->len <= FB_ETH_HEADER_BYTES || !mutation_every(mutation, 20))
		return mutation_leave(mutation, leaving);
	shorter = mutation_copy(mutation, leaving->frame);
	shorter->len--;
	return mutation_leave_as(mutation, leaving, shorter);
}

/* --- Entries --- */

/* The frame that the flow-mod names is sent on nevertheless. */
void mutation_switch_ignores_adds(struct mutation *mutation, const struct mutation_passing *passing)
{
	struct fb_msg msg;

	if (!mutation_is_flow_mod(passing, &msg) || msg.flow_mod.command != OFPFC_ADD ||
	    !mutation_every(mutation, 4))
		mutation_pass(mutation, passing);
	else
		mutation_pass_release(mutation, passing, &msg);
}

void mutation_switch_ignores_deletes(struct mutation *mutation,
                                     const struct mutation_passing *passing)
{
	struct fb_msg msg;

	if (mutation_is_flow_mod(passing, &msg) && mutation_deletes(&msg.flow_mod))
		mutation_act(mutation);
	else
		mutation_pass(mutation, passing);
}

/* All else passes the flow-mods that wait, barriers too. */
void mutation_switch_early_barrier_reply(struct mutation *mutation,
                                         const struct mutation_passing *passing)
{
	struct fb_msg msg;

	if (!mutation_is_flow_mod(passing, &msg)) {
		mutation_pass(mutation, passing);
		return;
	}
	mutation_act(mutation);
	mutation_pass_later(mutation, passing, APPLIED_LATE_NS);
}

/* --- What it does not tell, or tells wrongly --- */

void mutation_switch_no_flow_removed(struct mutation *mutation,
                                     const struct mutation_passing *passing)
{
	struct fb_msg msg;

	if (mutation_is(passing, OFPT_FLOW_REMOVED, &msg) &&
	    msg.flow_removed.reason != OFPRR_DELETE)
		mutation_act(mutation);
	else
		mutation_pass(mutation, passing);
}

void mutation_switch_no_port_status(struct mutation *mutation,
                                    const struct mutation_passing *passing)
{
	struct fb_msg msg;

	if (mutation_is(passing, OFPT_PORT_STATUS, &msg) && mutation_is_down(&msg.port_status))
		mutation_act(mutation);
	else
		mutation_pass(mutation, passing);
}

void mutation_switch_wrong_in_port(struct mutation *mutation,
                                   const struct mutation_passing *passing)
{
	struct fb_msg msg;
	uint16_t other = 0;

	if (mutation_is(passing, OFPT_PACKET_IN, &msg))
		other = mutation_next_port(mutation, passing->sw, msg.packet_in.in_port);
	if (!other || !mutation_every(mutation, 5)) {
		mutation_pass(mutation, passing);
		return;
	}
	msg.packet_in.in_port = other;
	mutation_pass_as(mutation, passing, &msg);
}
