/* What wrong controllers do. See mutation.h; in words it is in mutants.c, in the same order.
 *
 * What a controller says is changed on its way out, what it hears on its way in. So it is our controller
 * that goes on, and believes that it said and heard what it should have: it knows no better than a
 * controller with that mistake would. */
#include "sim/mutation.h"

enum {
	ACTIONS_BYTES = UINT16_MAX, /* of one message */
	VALUE_OFS = 4,              /* of an action's port or address */
};

#define LATE_NS (5 * FB_NS_PER_MS)

static bool is_physical(uint16_t port_no)
{
	return port_no >= 1 && port_no < OFPP_MAX;
}

/* --- Buffers --- */

void mutation_controller_leaked_buffer(struct mutation *mutation,
                                       const struct mutation_passing *passing)
{
	struct mutation_buffer *buffer;
	struct fb_msg msg;

	if (mutation_is(passing, OFPT_PACKET_IN, &msg)) {
		buffer = mutation_buffer(mutation, passing->sw, msg.packet_in.buffer_id);
		if (buffer)
			buffer->marked = mutation_every(mutation, 5);
	} else if (mutation_is(passing, OFPT_PACKET_OUT, &msg)) {
		buffer = mutation_buffer(mutation, passing->sw, msg.packet_out.buffer_id);
		if (buffer && buffer->marked)
			return;
	} else if (mutation_is(passing, OFPT_FLOW_MOD, &msg)) {
		buffer = mutation_buffer(mutation, passing->sw, msg.flow_mod.buffer_id);
		if (buffer && buffer->marked) {
			msg.flow_mod.buffer_id = OFP_NO_BUFFER;
			mutation_pass_as(mutation, passing, &msg);
			return;
		}
	}
	mutation_pass(mutation, passing);
}

/* --- Entries --- */

/* TCP or UDP with both ports. */
static bool has_ports(const struct fb_match *match)
{
	return !(match->wildcards &
	         (OFPFW_DL_TYPE | OFPFW_NW_PROTO | OFPFW_TP_SRC | OFPFW_TP_DST)) &&
	       match->dl_type == FB_ETH_IPV4 &&
	       (match->nw_proto == FB_IP_TCP || match->nw_proto == FB_IP_UDP);
}

/* A server has the lower port. */
void mutation_controller_no_reverse_entry(struct mutation *mutation,
                                          const struct mutation_passing *passing)
{
	struct fb_msg msg;

	if (!mutation_is_flow_mod(passing, &msg) || !mutation_installs(&msg.flow_mod) ||
	    !has_ports(&msg.flow_mod.match) || msg.flow_mod.match.nw_proto != FB_IP_TCP ||
	    msg.flow_mod.match.tp_src >= msg.flow_mod.match.tp_dst) {
		mutation_pass(mutation, passing);
		return;
	}
	mutation_act(mutation);
	mutation_pass_release(mutation, passing, &msg);
}

/* The packet of a flow-mod with a buffer is one of those that it is late for. */
void mutation_controller_late_flow_mod(struct mutation *mutation,
                                       const struct mutation_passing *passing)
{
	struct mutation_passing late = *passing;
	uint8_t bytes[UINT16_MAX];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_msg msg;

	if (!mutation_is_flow_mod(passing, &msg)) {
		mutation_pass(mutation, passing);
		return;
	}
	mutation_act(mutation);
	mutation_pass_release(mutation, passing, &msg);
	msg.flow_mod.buffer_id = OFP_NO_BUFFER;
	if (!fb_msg_encode(&out, &msg))
		return;
	late.bytes = bytes;
	late.len = out.len;
	mutation_pass_later(mutation, &late, LATE_NS);
}

/* The first action of 'type' in 'actions', and where it begins; false: there is none. */
static bool find_action(struct fb_view actions, uint16_t type, struct fb_action *action,
                        size_t *begin)
{
	size_t offset = 0;

	do {
		*begin = offset;
		if (!fb_action_next(actions.data, actions.len, &offset, action))
			return false;
	} while (action->type != type);
	return true;
}

/* Whose frames an entry rewrites: those to one address. */
struct rewriting {
	uint32_t nw_dst;                                     /* key */
	uint8_t latest[FB_MAC_BYTES], another[FB_MAC_BYTES]; /* set by entries for it */
	bool has_latest, has_another;
};

static void note_rewriting(struct rewriting *rewriting, const uint8_t mac[FB_MAC_BYTES])
{
	if (rewriting->has_latest && fb_mac_equal(rewriting->latest, mac))
		return;
	rewriting->has_another = rewriting->has_latest;
	memcpy(rewriting->another, rewriting->latest, FB_MAC_BYTES);
	rewriting->has_latest = true;
	memcpy(rewriting->latest, mac, FB_MAC_BYTES);
}

/* Another that serves the same address. */
void mutation_controller_wrong_server_mac(struct mutation *mutation,
                                          const struct mutation_passing *passing)
{
	uint8_t bytes[ACTIONS_BYTES];
	struct rewriting *rewriting;
	struct fb_action action;
	struct fb_msg msg;
	size_t begin;

	if (!mutation_is_flow_mod(passing, &msg) || !mutation_installs(&msg.flow_mod) ||
	    fb_match_nw_dst_mask(&msg.flow_mod.match) != UINT32_MAX ||
	    !find_action(msg.flow_mod.actions, OFPAT_SET_DL_DST, &action, &begin)) {
		mutation_pass(mutation, passing);
		return;
	}
	rewriting = mutation_remember(mutation, &msg.flow_mod.match.nw_dst,
	                              sizeof rewriting->nw_dst, sizeof *rewriting);
	note_rewriting(rewriting, action.dl_addr);
	if (rewriting->has_another && mutation_every(mutation, 3)) {
		memcpy(bytes, msg.flow_mod.actions.data, msg.flow_mod.actions.len);
		memcpy(bytes + begin + VALUE_OFS, rewriting->another, FB_MAC_BYTES);
		msg.flow_mod.actions.data = bytes;
	}
	mutation_pass_as(mutation, passing, &msg);
}

/* It goes on as though the barrier were answered, which it never hears of. */
void mutation_controller_no_barriers(struct mutation *mutation,
                                     const struct mutation_passing *passing)
{
	struct mutation_passing reply = {.point = CONTROLLER_HEARS, .sw = passing->sw};
	uint8_t bytes[sizeof(struct ofp_header)];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_msg msg;

	if (!mutation_is(passing, OFPT_BARRIER_REQUEST, &msg)) {
		mutation_pass(mutation, passing);
		return;
	}
	mutation_act(mutation);
	fb_msg_put_header_only(&out, OFPT_BARRIER_REPLY, msg.xid);
	reply.bytes = bytes;
	reply.len = out.len;
	mutation_pass_later(mutation, &reply, 0);
}

/* --- Packet-outs --- */

void mutation_controller_packet_out_twice(struct mutation *mutation,
                                          const struct mutation_passing *passing)
{
	struct fb_msg msg;

	if (mutation_is(passing, OFPT_PACKET_OUT, &msg) && msg.packet_out.data.len) {
		mutation_act(mutation);
		mutation_pass(mutation, passing);
	}
	mutation_pass(mutation, passing);
}

/* To everybody, or to several, and not to IN_PORT. */
static bool is_flood(struct fb_view actions)
{
	struct fb_action action;
	size_t offset = 0, outputs = 0;

	while (fb_action_next(actions.data, actions.len, &offset, &action)) {
		if (action.type != OFPAT_OUTPUT)
			continue;
		if (action.output.port == OFPP_IN_PORT)
			return false;
		if (action.output.port == OFPP_FLOOD || action.output.port == OFPP_ALL)
			outputs += 2;
		outputs += is_physical(action.output.port);
	}
	return outputs >= 2;
}

void mutation_controller_output_to_ingress(struct mutation *mutation,
                                           const struct mutation_passing *passing)
{
	uint8_t bytes[ACTIONS_BYTES];
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);
	struct fb_view *list = NULL;
	struct fb_msg msg;

	if (mutation_is(passing, OFPT_PACKET_OUT, &msg) && is_physical(msg.packet_out.in_port))
		list = &msg.packet_out.actions;
	else if (mutation_is_flow_mod(passing, &msg) && mutation_installs(&msg.flow_mod))
		list = &msg.flow_mod.actions;
	if (!list || !is_flood(*list)) {
		mutation_pass(mutation, passing);
		return;
	}
	mutation_act(mutation);
	fb_buf_put(&actions, list->data, list->len);
	fb_action_put_output(&actions, OFPP_IN_PORT, 0);
	*list = (struct fb_view){.data = actions.data, .len = actions.len};
	mutation_pass_as(mutation, passing, &msg);
}

/* The first output that sends the frame, and the port that it could be sent to instead; 0: none. */
static uint16_t other_port(const struct mutation *mutation, uint32_t sw,
                           const struct fb_packet_out *po, size_t *begin)
{
	struct fb_action action;
	size_t offset = 0;
	uint16_t other;

	do {
		*begin = offset;
		if (!fb_action_next(po->actions.data, po->actions.len, &offset, &action))
			return 0;
	} while (action.type != OFPAT_OUTPUT || !is_physical(action.output.port) ||
	         action.output.port == po->in_port);
	other = mutation_next_port(mutation, sw, action.output.port);
	if (other && other == po->in_port)
		other = mutation_next_port(mutation, sw, other);
	return other == action.output.port ? 0 : other;
}

void mutation_controller_wrong_output_port(struct mutation *mutation,
                                           const struct mutation_passing *passing)
{
	uint8_t bytes[ACTIONS_BYTES];
	struct fb_msg msg;
	uint16_t other = 0;
	size_t begin;

	if (mutation_is(passing, OFPT_PACKET_OUT, &msg))
		other = other_port(mutation, passing->sw, &msg.packet_out, &begin);
	if (!other || !mutation_every(mutation, 10)) {
		mutation_pass(mutation, passing);
		return;
	}
	memcpy(bytes, msg.packet_out.actions.data, msg.packet_out.actions.len);
	fb_set16(bytes + begin + VALUE_OFS, other);
	msg.packet_out.actions.data = bytes;
	mutation_pass_as(mutation, passing, &msg);
}

/* --- More of entries --- */

void mutation_controller_entries_for_ever(struct mutation *mutation,
                                          const struct mutation_passing *passing)
{
	struct fb_msg msg;

	if (!mutation_is_flow_mod(passing, &msg) || !mutation_installs(&msg.flow_mod) ||
	    !(msg.flow_mod.idle_timeout | msg.flow_mod.hard_timeout)) {
		mutation_pass(mutation, passing);
		return;
	}
	mutation_act(mutation);
	msg.flow_mod.idle_timeout = msg.flow_mod.hard_timeout = 0;
	mutation_pass_as(mutation, passing, &msg);
}

/* Who installs entries so deletes them so. */
void mutation_controller_ports_wildcarded(struct mutation *mutation,
                                          const struct mutation_passing *passing)
{
	struct fb_msg msg;

	if (!mutation_is_flow_mod(passing, &msg) || msg.flow_mod.command == OFPFC_DELETE ||
	    !has_ports(&msg.flow_mod.match)) {
		mutation_pass(mutation, passing);
		return;
	}
	mutation_act(mutation);
	msg.flow_mod.match.wildcards |= OFPFW_TP_SRC | OFPFW_TP_DST;
	msg.flow_mod.match.tp_src = msg.flow_mod.match.tp_dst = 0;
	mutation_pass_as(mutation, passing, &msg);
}

void mutation_controller_no_deletes(struct mutation *mutation,
                                    const struct mutation_passing *passing)
{
	struct fb_msg msg;

	if (mutation_is_flow_mod(passing, &msg) && mutation_deletes(&msg.flow_mod))
		mutation_act(mutation);
	else
		mutation_pass(mutation, passing);
}

/* Alike is what goes to the same place, wherever it comes from: of other ports, and of other hosts where
 * the entry is one of addresses alone. */
static bool make_alike(struct fb_match *match)
{
	const uint32_t before = match->wildcards;

	if (has_ports(match))
		match->wildcards |= OFPFW_IN_PORT | OFPFW_TP_SRC | OFPFW_TP_DST;
	else if (!(match->wildcards & (OFPFW_DL_SRC | OFPFW_DL_DST)))
		match->wildcards |= OFPFW_IN_PORT | OFPFW_DL_SRC;
	return match->wildcards != before;
}

void mutation_controller_deletes_too_much(struct mutation *mutation,
                                          const struct mutation_passing *passing)
{
	struct fb_msg msg;

	mutation_pass(mutation, passing);
	if (!mutation_is_flow_mod(passing, &msg) || !mutation_deletes(&msg.flow_mod) ||
	    !make_alike(&msg.flow_mod.match))
		return;
	mutation_act(mutation);
	msg.flow_mod.command = OFPFC_DELETE;
	mutation_pass_as(mutation, passing, &msg);
}

/* --- What it does not hear --- */

void mutation_controller_deaf_to_port_status(struct mutation *mutation,
                                             const struct mutation_passing *passing)
{
	struct fb_msg msg;

	if (mutation_is(passing, OFPT_PORT_STATUS, &msg) && mutation_is_down(&msg.port_status))
		mutation_act(mutation);
	else
		mutation_pass(mutation, passing);
}

void mutation_controller_deaf_to_flow_removed(struct mutation *mutation,
                                              const struct mutation_passing *passing)
{
	struct fb_msg msg;

	if (mutation_is(passing, OFPT_FLOW_REMOVED, &msg) &&
	    msg.flow_removed.reason != OFPRR_DELETE)
		mutation_act(mutation);
	else
		mutation_pass(mutation, passing);
}

void mutation_controller_lost_packet_in(struct mutation *mutation,
                                        const struct mutation_passing *passing)
{
	struct fb_msg msg;

	if (!mutation_is(passing, OFPT_PACKET_IN, &msg) || !mutation_every(mutation, 7))
		mutation_pass(mutation, passing);
}

void mutation_controller_no_echo_reply(struct mutation *mutation,
                                       const struct mutation_passing *passing)
{
	struct fb_msg msg;

	if (passing->point == CONTROLLER_SAYS && mutation_is(passing, OFPT_ECHO_REPLY, &msg))
		mutation_act(mutation);
	else
		mutation_pass(mutation, passing);
}
