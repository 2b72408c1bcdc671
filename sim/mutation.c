/* A mutant at work: what it knows of the network, what it holds back, and where its functions are called.
 * See mutation.h; the interface is mutants.h.
 *
 * What is held goes on by one event of the clock, in the order of its time. What a mutant knows of packet
 * buffers it learns from the packet-ins of its own side, as a controller or switch does; it forgets them
 * with the connection. */
#include "sim/mutation.h"

#include <stdlib.h>
#include <sys/queue.h>

#include <flowbed/table.h>

#include "lib/base/xalloc.h"
#include "sim/lldp.h"

enum { BUFFERS_MAX = 1 << 20, MEMORIES_MAX = 1 << 16, KEY_BYTES = 2 * sizeof(uint32_t) };

/* A message, or a frame, that goes on later. */
struct held {
	TAILQ_ENTRY(held) link;
	uint64_t due_ns;
	struct mutation_passing passing; /* 'bytes' follow this structure */
	struct mutation_leaving leaving; /* 'frame' is a reference; NULL: it is a message */
	uint8_t bytes[];
};

/* What is known of a switch. */
struct memory {
	uint16_t *ports; /* physical ones, as its features tell */
	size_t ports_count;
	struct lldp_buffers discovery;
	struct mutation_handled handled;
};

struct mutation {
	struct event event; /* the first that is held is due */
	const struct mutant *mutant;
	struct clock *clock;
	struct frame_pool *pool;
	struct mutation_ops ops;
	struct memory *switches;
	size_t switches_count;
	struct fb_table *buffers;  /* struct mutation_buffer */
	struct fb_table *memories; /* the mutant's own; NULL: none yet */
	TAILQ_HEAD(held_list, held) held;
	uint64_t chances; /* to do wrong */
	uint64_t occasions;
};

static void fire(struct event *event);

struct mutation *mutation_new(const struct mutant *mutant, struct clock *clock,
                              struct frame_pool *pool, size_t switches_count,
                              const struct mutation_ops *ops)
{
	struct mutation *mutation = xcalloc(1, sizeof *mutation);

	_Static_assert(offsetof(struct mutation, event) == 0, "begins with its event");
	mutation->event.fire = fire;
	mutation->mutant = mutant;
	mutation->clock = clock;
	mutation->pool = pool;
	mutation->ops = *ops;
	mutation->switches = xcalloc(switches_count, sizeof *mutation->switches);
	mutation->switches_count = switches_count;
	mutation->buffers = fb_table_new(KEY_BYTES, sizeof(struct mutation_buffer), BUFFERS_MAX);
	if (!mutation->buffers)
		xalloc_failed("the buffers that a mutant knows");
	TAILQ_INIT(&mutation->held);
	return mutation;
}

static void held_free(struct held *held)
{
	if (held->leaving.frame)
		frame_unref(held->leaving.frame);
	free(held);
}

static void drop(struct mutation *mutation, struct held *held)
{
	TAILQ_REMOVE(&mutation->held, held, link);
	held_free(held);
}

void mutation_free(struct mutation *mutation)
{
	if (!mutation)
		return;
	clock_cancel(mutation->clock, &mutation->event);
	while (!TAILQ_EMPTY(&mutation->held))
		drop(mutation, TAILQ_FIRST(&mutation->held));
	for (size_t i = 0; i < mutation->switches_count; i++) {
		lldp_buffers_forget(&mutation->switches[i].discovery);
		free(mutation->switches[i].ports);
	}
	fb_table_free(mutation->memories);
	fb_table_free(mutation->buffers);
	free(mutation->switches);
	free(mutation);
}

bool mutation_every(struct mutation *mutation, uint64_t n)
{
	if (++mutation->chances % n)
		return false;
	mutation_act(mutation);
	return true;
}

void mutation_act(struct mutation *mutation)
{
	mutation->occasions++;
}

uint64_t mutation_occasions(const struct mutation *mutation)
{
	return mutation ? mutation->occasions : 0;
}

/* --- What is held back --- */

bool mutation_holds(const struct mutation *mutation)
{
	return mutation && !TAILQ_EMPTY(&mutation->held);
}

static void set_event(struct mutation *mutation)
{
	const struct held *first = TAILQ_FIRST(&mutation->held);

	clock_set(mutation->clock, &mutation->event, first ? first->due_ns : FB_NEVER);
}

static void fire(struct event *event)
{
	struct mutation *mutation = (struct mutation *)(void *)event;
	struct held *held;

	while ((held = TAILQ_FIRST(&mutation->held)) != NULL &&
	       held->due_ns <= mutation->clock->now_ns) {
		TAILQ_REMOVE(&mutation->held, held, link);
		if (held->leaving.frame)
			mutation_leave(mutation, &held->leaving);
		else
			mutation_pass(mutation, &held->passing);
		held_free(held);
	}
	set_event(mutation);
}

/* Behind all that is due by then. */
static void hold(struct mutation *mutation, struct held *held, uint64_t delay_ns)
{
	struct held *before;

	held->due_ns = mutation->clock->now_ns + delay_ns;
	TAILQ_FOREACH_REVERSE(before, &mutation->held, held_list, link)
	if (before->due_ns <= held->due_ns)
		break;
	if (before)
		TAILQ_INSERT_AFTER(&mutation->held, before, held, link);
	else
		TAILQ_INSERT_HEAD(&mutation->held, held, link);
	set_event(mutation);
}

void mutation_pass_later(struct mutation *mutation, const struct mutation_passing *passing,
                         uint64_t delay_ns)
{
	struct held *held = xcalloc(1, sizeof *held + passing->len);

	memcpy(held->bytes, passing->bytes, passing->len);
	held->passing = *passing;
	held->passing.bytes = held->bytes;
	hold(mutation, held, delay_ns);
}

enum datapath_sent mutation_leave_later(struct mutation *mutation,
                                        const struct mutation_leaving *leaving, uint64_t delay_ns)
{
	struct held *held = xcalloc(1, sizeof *held);

	held->leaving = *leaving;
	frame_ref(held->leaving.frame);
	hold(mutation, held, delay_ns);
	return DATAPATH_SENT;
}

static bool is_frame_of(const struct held *held, uint32_t sw, uint16_t port_no)
{
	return held->leaving.frame && held->leaving.sw == sw && held->leaving.port_no == port_no;
}

bool mutation_holds_frame(const struct mutation *mutation, uint32_t sw, uint16_t port_no)
{
	const struct held *held;

	TAILQ_FOREACH(held, &mutation->held, link)
	if (is_frame_of(held, sw, port_no))
		return true;
	return false;
}

void mutation_leave_held(struct mutation *mutation, uint32_t sw, uint16_t port_no)
{
	struct held *held, *next;

	for (held = TAILQ_FIRST(&mutation->held); held; held = next) {
		next = TAILQ_NEXT(held, link);
		if (!is_frame_of(held, sw, port_no))
			continue;
		mutation_leave(mutation, &held->leaving);
		drop(mutation, held);
	}
	set_event(mutation);
}

static uint32_t switch_of(const struct held *held)
{
	return held->leaving.frame ? held->leaving.sw : held->passing.sw;
}

static void forget_buffers(struct mutation *mutation, uint32_t sw)
{
	struct mutation_buffer *buffer = fb_table_oldest(mutation->buffers), *next;

	for (; buffer; buffer = next) {
		next = fb_table_newer(mutation->buffers, buffer);
		if (buffer->key[0] == sw)
			fb_table_remove(mutation->buffers, buffer);
	}
}

/* Messages are lost with their connection; frames belong to none. */
void mutation_forget(struct mutation *mutation, uint32_t sw)
{
	struct held *held, *next;

	for (held = TAILQ_FIRST(&mutation->held); held; held = next) {
		next = TAILQ_NEXT(held, link);
		if (switch_of(held) != sw)
			continue;
		if (held->leaving.frame)
			mutation_leave(mutation, &held->leaving);
		drop(mutation, held);
	}
	set_event(mutation);
	forget_buffers(mutation, sw);
	lldp_buffers_forget(&mutation->switches[sw].discovery);
}

/* --- What is known --- */

static void learn_ports(struct memory *memory, struct fb_view ports)
{
	struct fb_phy_port port;
	size_t offset = 0;

	memory->ports = xrealloc(memory->ports, (ports.len / sizeof(struct ofp_phy_port) + 1) *
	                                                sizeof *memory->ports);
	memory->ports_count = 0;
	while (fb_phy_port_next(ports, &offset, &port))
		if (port.port_no < OFPP_MAX)
			memory->ports[memory->ports_count++] = port.port_no;
}

uint16_t mutation_next_port(const struct mutation *mutation, uint32_t sw, uint16_t port_no)
{
	const struct memory *memory = &mutation->switches[sw];
	uint16_t next = 0, first = 0;

	for (size_t i = 0; i < memory->ports_count; i++) {
		const uint16_t other = memory->ports[i];

		if (other > port_no && (!next || other < next))
			next = other;
		if (other < port_no && (!first || other < first))
			first = other;
	}
	return next ? next : first;
}

static void learn_buffer(struct mutation *mutation, uint32_t sw, const struct fb_of_packet_in *pi)
{
	const uint32_t key[2] = {sw, pi->buffer_id};
	struct mutation_buffer *buffer = fb_table_find(mutation->buffers, key);

	if (pi->buffer_id == OFP_NO_BUFFER || pi->data.len < MUTATION_ADDRESSES_BYTES)
		return;
	if (buffer)
		fb_table_remove(mutation->buffers, buffer);
	else if (fb_table_count(mutation->buffers) == fb_table_limit(mutation->buffers))
		fb_table_remove(mutation->buffers, fb_table_oldest(mutation->buffers));
	buffer = fb_table_add(mutation->buffers, key);
	if (!buffer)
		xalloc_failed("the buffers that a mutant knows");
	buffer->in_port = pi->in_port;
	memcpy(buffer->addresses, pi->data.data, MUTATION_ADDRESSES_BYTES);
}

struct mutation_buffer *mutation_buffer(struct mutation *mutation, uint32_t sw, uint32_t buffer_id)
{
	const uint32_t key[2] = {sw, buffer_id};

	return fb_table_find(mutation->buffers, key);
}

struct mutation_handled *mutation_handled(struct mutation *mutation, uint32_t sw)
{
	return &mutation->switches[sw].handled;
}

void *mutation_remember(struct mutation *mutation, const void *key, size_t key_bytes,
                        size_t entry_bytes)
{
	struct fb_table **table = &mutation->memories;
	void *entry;

	if (!*table)
		*table = fb_table_new(key_bytes, entry_bytes, MEMORIES_MAX);
	if (!*table)
		xalloc_failed("the memory of a mutant");
	entry = fb_table_find(*table, key);
	if (entry) {
		fb_table_touch(*table, entry);
		return entry;
	}
	if (fb_table_count(*table) == fb_table_limit(*table))
		fb_table_remove(*table, fb_table_oldest(*table));
	entry = fb_table_add(*table, key);
	if (!entry)
		xalloc_failed("the memory of a mutant");
	return entry;
}

void *mutation_find(struct mutation *mutation, const void *key)
{
	return mutation->memories ? fb_table_find(mutation->memories, key) : NULL;
}

/* What a message tells, be it of the mutant's side, as it comes from the switch. */
static void learn(struct mutation *mutation, const struct mutation_passing *passing)
{
	struct fb_of_packet_in pi;
	struct fb_msg msg;

	if (fb_msg_get_packet_in(passing->bytes, passing->len, &pi))
		learn_buffer(mutation, passing->sw, &pi);
	else if (mutation_is(passing, OFPT_FEATURES_REPLY, &msg))
		learn_ports(&mutation->switches[passing->sw], msg.features_reply.ports);
}

/* --- Messages --- */

bool mutation_is(const struct mutation_passing *passing, uint8_t type, struct fb_msg *msg)
{
	struct fb_of_error error;

	return passing->bytes[offsetof(struct ofp_header, type)] == type &&
	       fb_msg_decode(passing->bytes, passing->len, msg, &error) == 0;
}

/* No frame comes from a group address. */
static bool is_for_no_frame(const struct fb_match *match)
{
	return !(match->wildcards & OFPFW_DL_SRC) && fb_mac_is_multicast(match->dl_src);
}

bool mutation_is_flow_mod(const struct mutation_passing *passing, struct fb_msg *msg)
{
	return mutation_is(passing, OFPT_FLOW_MOD, msg) && !is_for_no_frame(&msg->flow_mod.match);
}

bool mutation_installs(const struct fb_flow_mod *fm)
{
	return fm->command == OFPFC_ADD || fm->command == OFPFC_MODIFY ||
	       fm->command == OFPFC_MODIFY_STRICT;
}

bool mutation_deletes(const struct fb_flow_mod *fm)
{
	return fm->command == OFPFC_DELETE || fm->command == OFPFC_DELETE_STRICT;
}

bool mutation_is_down(const struct fb_port_status *status)
{
	return status->reason == OFPPR_DELETE || status->desc.state & OFPPS_LINK_DOWN ||
	       status->desc.config & OFPPC_PORT_DOWN;
}

void mutation_pass(struct mutation *mutation, const struct mutation_passing *passing)
{
	mutation->ops.message(mutation->ops.ctx, passing->point, passing->sw, passing->bytes,
	                      passing->len);
}

void mutation_pass_as(struct mutation *mutation, const struct mutation_passing *passing,
                      const struct fb_msg *msg)
{
	uint8_t bytes[UINT16_MAX];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct mutation_passing other = *passing;

	if (fb_msg_encode(&out, msg)) {
		other.bytes = bytes;
		other.len = out.len;
	}
	mutation_pass(mutation, &other);
}

/* What the specification says of the port of a packet-out with a buffer (section 5.3.6) is that of the
 * packet-in. */
void mutation_pass_release(struct mutation *mutation, const struct mutation_passing *passing,
                           const struct fb_msg *flow_mod)
{
	const struct fb_flow_mod *fm = &flow_mod->flow_mod;
	const struct mutation_buffer *buffer =
	        mutation_buffer(mutation, passing->sw, fm->buffer_id);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_PACKET_OUT, .xid = flow_mod->xid};

	if (fm->buffer_id == OFP_NO_BUFFER)
		return;
	msg.packet_out = (struct fb_packet_out){.buffer_id = fm->buffer_id,
	                                        .in_port = buffer ? buffer->in_port : OFPP_NONE,
	                                        .actions = fm->actions};
	mutation_pass_as(mutation, passing, &msg);
}

/* The frame of a message that a switch hears. */
static void handle_message(struct mutation *mutation, const struct mutation_passing *passing)
{
	struct mutation_handled *handled = &mutation->switches[passing->sw].handled;
	const struct mutation_buffer *buffer = NULL;
	struct fb_msg msg;

	if (mutation_is(passing, OFPT_FLOW_MOD, &msg)) {
		buffer = mutation_buffer(mutation, passing->sw, msg.flow_mod.buffer_id);
	} else if (mutation_is(passing, OFPT_PACKET_OUT, &msg)) {
		buffer = mutation_buffer(mutation, passing->sw, msg.packet_out.buffer_id);
		handled->known = msg.packet_out.data.len >= MUTATION_ADDRESSES_BYTES;
		if (handled->known)
			memcpy(handled->addresses, msg.packet_out.data.data,
			       MUTATION_ADDRESSES_BYTES);
	}
	if (!buffer)
		return;
	handled->known = handled->released = true;
	memcpy(handled->addresses, buffer->addresses, MUTATION_ADDRESSES_BYTES);
}

static bool is_of_side(enum mutant_side side, enum mutation_point point)
{
	const bool is_controllers = point == CONTROLLER_SAYS || point == CONTROLLER_HEARS;

	return is_controllers == (side == MUTANT_CONTROLLER);
}

void mutation_message(struct mutation *mutation, enum mutation_point point, uint32_t sw,
                      const uint8_t *msg, size_t len)
{
	const struct mutation_passing passing = {
	        .point = point, .sw = sw, .bytes = msg, .len = len};
	const struct mutant *mutant = mutation->mutant;

	if (!is_of_side(mutant->side, point) ||
	    lldp_weigh(&mutation->switches[sw].discovery, msg, len).background) {
		mutation_pass(mutation, &passing);
		return;
	}
	if (point == CONTROLLER_HEARS || point == SWITCH_SAYS)
		learn(mutation, &passing);
	else if (point == SWITCH_HEARS)
		handle_message(mutation, &passing);
	if (mutant->message)
		mutant->message(mutation, &passing);
	else
		mutation_pass(mutation, &passing);
	if (point == SWITCH_HEARS)
		mutation->switches[sw].handled = (struct mutation_handled){0};
}

/* --- Frames --- */

void mutation_input(struct mutation *mutation, uint32_t sw, struct frame *frame)
{
	struct mutation_handled *handled = &mutation->switches[sw].handled;

	*handled = (struct mutation_handled){0};
	if (!frame || frame->len < MUTATION_ADDRESSES_BYTES)
		return;
	handled->known = true;
	memcpy(handled->addresses, frame_data(frame), MUTATION_ADDRESSES_BYTES);
}

enum datapath_sent mutation_output(struct mutation *mutation, uint32_t sw, uint16_t port_no,
                                   uint32_t queue_id, struct frame *frame)
{
	const struct mutation_leaving leaving = {
	        .sw = sw, .port_no = port_no, .queue_id = queue_id, .frame = frame};

	if (mutation->mutant->output && !lldp_is_frame(frame_data(frame), frame->len))
		return mutation->mutant->output(mutation, &leaving);
	return mutation_leave(mutation, &leaving);
}

enum datapath_sent mutation_leave(struct mutation *mutation, const struct mutation_leaving *leaving)
{
	return mutation->ops.output(mutation->ops.ctx, leaving->sw, leaving->port_no,
	                            leaving->queue_id, leaving->frame);
}

enum datapath_sent mutation_leave_as(struct mutation *mutation,
                                     const struct mutation_leaving *leaving, struct frame *frame)
{
	struct mutation_leaving other = *leaving;
	enum datapath_sent sent;

	other.frame = frame;
	sent = mutation_leave(mutation, &other);
	frame_unref(frame);
	return sent;
}

struct frame *mutation_copy(struct mutation *mutation, struct frame *frame)
{
	struct frame *copy = frame_copy_of(mutation->pool, frame_data(frame), frame->len);

	copy->tag = frame->tag;
	return copy;
}
