/* Lists of actions; see actions.h. */
#include "softswitch/actions.h"

#include "softswitch/datapath_private.h"

/* --- Judging --- */

static bool is_port(uint16_t port_no)
{
	return (port_no >= 1 && port_no < OFPP_MAX) || port_no == OFPP_LOCAL;
}

static bool may_output(uint16_t port_no, bool packet_out)
{
	switch (port_no) {
	case OFPP_IN_PORT:
	case OFPP_NORMAL:
	case OFPP_FLOOD:
	case OFPP_ALL:
	case OFPP_CONTROLLER:
		return true;
	case OFPP_TABLE:
		return packet_out;
	default:
		return is_port(port_no);
	}
}

static int bad(struct fb_of_error *error, uint16_t code, const char *why)
{
	return datapath_error(error, OFPET_BAD_ACTION, code, why);
}

static int check_enqueue(const struct datapath *dp, const struct fb_action *a,
                         struct fb_of_error *error)
{
	const struct port *port = ports_find(&dp->ports, a->enqueue.port);

	if (!is_port(a->enqueue.port) && a->enqueue.port != OFPP_IN_PORT)
		return bad(error, OFPBAC_BAD_OUT_PORT, "that port can have no queue");
	if (a->enqueue.queue_id == OFPQ_ALL)
		return bad(error, OFPBAC_BAD_QUEUE, "OFPQ_ALL is no queue to put a frame into");
	if (port && !ports_queue(port, a->enqueue.queue_id))
		return bad(error, OFPBAC_BAD_QUEUE, "the port has no such queue");
	return 0;
}

static int check_one(const struct datapath *dp, const struct fb_action *a, bool packet_out,
                     struct fb_of_error *error)
{
	switch ((enum ofp_action_type)a->type) {
	case OFPAT_OUTPUT:
		if (!may_output(a->output.port, packet_out))
			return bad(error, OFPBAC_BAD_OUT_PORT,
			           "no frame can ever be sent to that port");
		break;
	case OFPAT_SET_VLAN_VID:
		if (a->vlan_vid > 4095)
			return bad(error, OFPBAC_BAD_ARGUMENT, "the VLAN id is over 4095");
		break;
	case OFPAT_SET_VLAN_PCP:
		if (a->vlan_pcp > 7)
			return bad(error, OFPBAC_BAD_ARGUMENT, "the VLAN priority is over 7");
		break;
	case OFPAT_SET_NW_TOS:
		if (a->nw_tos & 3)
			return bad(error, OFPBAC_BAD_ARGUMENT,
			           "the TOS has bits that are not the DSCP's");
		break;
	case OFPAT_ENQUEUE:
		return check_enqueue(dp, a, error);
	case OFPAT_STRIP_VLAN:
	case OFPAT_SET_DL_SRC:
	case OFPAT_SET_DL_DST:
	case OFPAT_SET_NW_SRC:
	case OFPAT_SET_NW_DST:
	case OFPAT_SET_TP_SRC:
	case OFPAT_SET_TP_DST:
	case OFPAT_VENDOR:
		break;
	}
	return 0;
}

int actions_check(const struct datapath *dp, const uint8_t *bytes, size_t len, bool packet_out,
                  struct fb_of_error *error)
{
	struct fb_action action;
	size_t offset = 0;
	unsigned count = 0;

	if (fb_actions_check(bytes, len, false, error) < 0)
		return -1;
	while (fb_action_next(bytes, len, &offset, &action)) {
		if (++count > ACTIONS_COUNT_MAX)
			return bad(error, OFPBAC_TOO_MANY, "more actions than a list may have");
		if (check_one(dp, &action, packet_out, error) < 0)
			return -1;
	}
	return 0;
}

bool actions_output_to(const uint8_t *bytes, size_t len, uint16_t port_no)
{
	struct fb_action action;
	size_t offset = 0;

	while (fb_action_next(bytes, len, &offset, &action)) {
		if ((action.type == OFPAT_OUTPUT && action.output.port == port_no) ||
		    (action.type == OFPAT_ENQUEUE && action.enqueue.port == port_no))
			return true;
	}
	return false;
}

/* --- Executing --- */

struct run {
	struct datapath *dp;
	struct frame *frame; /* a reference */
	uint64_t now_ns;
	struct frame_origin origin;
	bool in_table;
	bool sent;    /* something left */
	bool editing; /* 'edit' is of 'frame' as it is */
	struct fb_edit edit;
};

/* 'queue_id' OFPQ_ALL: by no queue. */
static void send_to(struct run *r, uint16_t port_no, uint32_t queue_id)
{
	struct port *port = ports_find(&r->dp->ports, port_no);

	if (port &&
	    datapath_transmit(r->dp, port, ports_queue(port, queue_id), r->frame, r->origin))
		r->sent = true;
}

/* Send by all ports, OFPP_LOCAL among them where there is one, but the one the frame came by; with
 * 'flood' not by those with NO_FLOOD. */
static void send_to_all(struct run *r, bool flood)
{
	const struct ports *ports = &r->dp->ports;

	for (uint32_t i = 0; i < ports->count; i++) {
		struct port *port = ports->list[i];

		if (port->desc.port_no == r->origin.in_port || !ports_may_send(port) ||
		    (flood && port->desc.config & OFPPC_NO_FLOOD))
			continue;
		if (datapath_transmit(r->dp, port, NULL, r->frame, r->origin))
			r->sent = true;
	}
}

/* The VLAN of a frame, 0 for an untagged one (or one that only has a priority). */
static uint16_t vlan_of(struct frame *frame)
{
	const uint8_t *data = frame_data(frame);

	if (frame->len < FB_ETH_HEADER_BYTES + FB_VLAN_TAG_BYTES ||
	    fb_get16(data + 12) != FB_ETH_VLAN)
		return 0;
	return fb_get16(data + FB_ETH_HEADER_BYTES) & 0xfff;
}

/* Addresses of protocols between neighbours, which no bridge forwards: 01:80:c2:00:00:00 to 0f (IEEE
 * 802.1D, table 7-10), and those that vendors took, as Open vSwitch knows them. */
static bool stays_on_link(const uint8_t *dl_dst)
{
	static const uint64_t vendors[] = {
	        UINT64_C(0x01000ccccccc), UINT64_C(0x01000ccccccd), /* Cisco: CDP, VTP; PVST+ */
	        UINT64_C(0x01000ccdcdcd), UINT64_C(0x01000c000000), /* Cisco: uplinks, ISL */
	        UINT64_C(0x00e02b000000), UINT64_C(0x00e02b000004), /* Extreme: EDP, EAPS */
	        UINT64_C(0x00e02b000006),
	};
	uint64_t address = fb_mac_to_u64(dl_dst);

	if ((address & ~UINT64_C(0xf)) == UINT64_C(0x0180c2000000) ||
	    (address & ~UINT64_C(0x7)) == UINT64_C(0x01000cccccc0)) /* Cisco: CFM */
		return true;
	for (size_t i = 0; i < sizeof vendors / sizeof vendors[0]; i++) {
		if (address == vendors[i])
			return true;
	}
	return false;
}

void actions_learn(struct datapath *dp, struct frame *frame, uint16_t in_port, uint64_t now_ns)
{
	mac_learning_learn(&dp->macs, vlan_of(frame), frame_data(frame) + FB_MAC_BYTES, in_port,
	                   now_ns);
	dp->counters.macs_evicted = dp->macs.evicted;
}

/* OFPP_NORMAL: what a learning bridge without OpenFlow would do. It takes frames from its ports,
 * and from a controller, which names none (OFPP_NONE, or itself); from other ports there are none.
 */
static void send_normally(struct run *r)
{
	const uint8_t *dl_dst = frame_data(r->frame);
	uint16_t in_port = r->origin.in_port, vlan = vlan_of(r->frame);
	uint16_t port_no;

	if (ports_find(&r->dp->ports, in_port)) {
		if (stays_on_link(dl_dst))
			return;
		actions_learn(r->dp, r->frame, in_port, r->now_ns);
	} else if (in_port != OFPP_NONE && in_port != OFPP_CONTROLLER) {
		return;
	}
	port_no = mac_learning_port(&r->dp->macs, vlan, dl_dst, r->now_ns);
	if (port_no == OFPP_NONE)
		send_to_all(r, true);
	else if (port_no != in_port)
		send_to(r, port_no, OFPQ_ALL);
}

/* OFPP_TABLE: as if the frame had just come in. What the entry changes stays for the actions behind
 * this one, as in Open vSwitch. */
static void send_to_table(struct run *r)
{
	if (r->in_table) {
		r->dp->counters.loops_stopped++;
		return;
	}
	r->editing = false;
	if (datapath_look_up(r->dp, &r->frame, r->origin, r->now_ns))
		r->sent = true;
}

static void output(struct run *r, uint16_t port_no, uint16_t max_len)
{
	switch (port_no) {
	case OFPP_IN_PORT:
		send_to(r, r->origin.in_port, OFPQ_ALL);
		break;
	case OFPP_TABLE:
		send_to_table(r);
		break;
	case OFPP_NORMAL:
		send_normally(r);
		break;
	case OFPP_FLOOD:
		send_to_all(r, true);
		break;
	case OFPP_ALL:
		send_to_all(r, false);
		break;
	case OFPP_CONTROLLER:
		if (datapath_send_packet_in(r->dp, r->frame, r->origin, OFPR_ACTION, max_len,
		                            r->now_ns))
			r->sent = true;
		break;
	default:
		if (port_no != r->origin.in_port)
			send_to(r, port_no, OFPQ_ALL);
	}
}

/* OFPAT_ENQUEUE: as an output, by a queue. */
static void enqueue(struct run *r, uint16_t port_no, uint32_t queue_id)
{
	if (port_no == OFPP_IN_PORT)
		send_to(r, r->origin.in_port, queue_id);
	else if (port_no != r->origin.in_port)
		send_to(r, port_no, queue_id);
}

/* Change the frame; false when the frame cannot take the change. */
static bool edit(struct run *r, const struct fb_action *action)
{
	bool fits;

	if (!r->editing || r->frame->refs > 1) {
		struct frame *f = frame_writable(r->frame);

		r->frame = f;
		if (fb_edit_begin(&r->edit, frame_data(f), f->len, f->offset) < 0)
			return false;
		r->editing = true;
	}
	fits = fb_edit_apply(&r->edit, action);
	r->frame->offset = (uint32_t)(r->edit.data - r->frame->memory);
	r->frame->len = r->edit.len;
	if (!fits)
		r->dp->counters.frames_oversized++;
	return fits;
}

#define NOT_LOOKED_FOR SIZE_MAX

/* Where the last action from 'offset' on begins that sends the frame anywhere; 0: there is none. */
static size_t last_output(const uint8_t *bytes, size_t len, size_t offset)
{
	struct fb_action action;
	size_t begin = offset, last = 0;

	for (; fb_action_next(bytes, len, &offset, &action); begin = offset) {
		if (action.type == OFPAT_OUTPUT || action.type == OFPAT_ENQUEUE)
			last = begin;
	}
	return last;
}

/* Do the list; 'last': nothing is done with the frame afterwards, so that changes behind the last
 * output need not be made; where it stands is looked for once, at the first change. */
static void run_list(struct run *r, const uint8_t *bytes, size_t len, bool last)
{
	size_t changes_until = last ? NOT_LOOKED_FOR : len;
	struct fb_action action;
	size_t offset = 0;

	while (fb_action_next(bytes, len, &offset, &action)) {
		if (action.type == OFPAT_OUTPUT) {
			output(r, action.output.port, action.output.max_len);
			continue;
		}
		if (action.type == OFPAT_ENQUEUE) {
			enqueue(r, action.enqueue.port, action.enqueue.queue_id);
			continue;
		}
		if (changes_until == NOT_LOOKED_FOR)
			changes_until = last_output(bytes, len, offset);
		if (offset > changes_until || !edit(r, &action))
			break;
	}
}

/* Begin to run a list on 'frame'. 'edit' is large and mostly unused, and is not initialised. */
static void run_begin(struct run *r, struct datapath *dp, struct frame *frame,
                      struct frame_origin origin, bool in_table, uint64_t now_ns)
{
	r->dp = dp;
	r->frame = frame;
	r->now_ns = now_ns;
	r->origin = origin;
	r->in_table = in_table;
	r->sent = false;
	r->editing = false;
}

bool actions_run(struct datapath *dp, struct frame *frame, struct frame_origin origin,
                 const uint8_t *bytes, size_t len, bool in_table, uint64_t now_ns)
{
	struct run r;

	run_begin(&r, dp, frame, origin, in_table, now_ns);
	run_list(&r, bytes, len, true);
	frame_unref(r.frame);
	return r.sent;
}

bool actions_run_within(struct datapath *dp, struct frame **frame, struct frame_origin origin,
                        const uint8_t *bytes, size_t len, uint64_t now_ns)
{
	struct run r;

	run_begin(&r, dp, *frame, origin, true, now_ns);
	run_list(&r, bytes, len, false);
	*frame = r.frame;
	return r.sent;
}
