/* Which pairs of hosts have a way through the network, and which way.
 *
 * A flow knows the way that it is to go ('hops') and what entries it has. forwarding_flows_look()
 * compares both and does what can be done at the time, whatever happened before, in this order:
 *
 *   1. Entries that are new, at all switches but the first, all at once, each with a barrier.
 *   2. When all of these are confirmed the gates, from the last to the first: entries that lead
 *      elsewhere so far, and the one at the first switch. A gate that is followed by more is
 *      confirmed first.
 *   3. Then frames may go the way: those that wait are released. Entries that are not of the way
 *      are deleted.
 *
 * So a frame never comes to a switch before its entry, and an entry is never taken away before the
 * one that takes its place is there. Entries that lead to a port that is gone are the exception:
 * they are deleted at once.
 *
 * A flow that leaves has its entries deleted everywhere, and is remembered until that is confirmed:
 * frames of it that come meanwhile wait. They may have to be flooded then, and a copy that met an
 * old entry would arrive twice. For the same reason nothing is installed for a pair while flooded
 * copies of its frames may be under way ('flight').
 *
 * All flows are checked for a better way a while after a link came up, some at a time. */
#include "controller/apps/forwarding_private.h"

#include <stdlib.h>

enum {
	FLOODS_MAX = 65536,
	WAITING_BYTES_MAX = 4 << 20,
	SWEEP_FLOWS = 256, /* checked at once */
};

#define SWEEP_EVERY_NS FB_NS_PER_MS

bool forwarding_flows_init(struct forwarding *f)
{
	uint32_t seed = fb_app_run_id(f->app), max = f->options.flows_max;

	f->flows =
	        fb_table_new(sizeof(struct forwarding_pair), sizeof(struct forwarding_flow), max);
	f->floods = fb_table_new(sizeof(struct forwarding_pair), sizeof(struct forwarding_flood),
	                         FLOODS_MAX);
	f->delays = fb_table_new(sizeof(uint32_t), sizeof(struct forwarding_delay), max);
	f->look_first = f->sweep_at = FB_TABLE_NONE;
	f->sweep_ns = FB_NEVER;
	f->waiting_limits.per_queue_max = f->options.waiting_max;
	f->waiting_limits.bytes_max = WAITING_BYTES_MAX;
	if (!port_lists_init(&f->by_src, seed) || !port_lists_init(&f->by_dst, seed) || !f->flows ||
	    !f->floods || !f->delays)
		return false;
	fb_table_seed(f->flows, seed);
	fb_table_seed(f->floods, seed);
	return true;
}

void forwarding_flows_free(struct forwarding *f)
{
	struct forwarding_flow *flow = f->flows ? fb_table_oldest(f->flows) : NULL;

	for (; flow; flow = fb_table_newer(f->flows, flow)) {
		while (held_frames_first(&flow->waiting))
			held_frames_drop(&flow->waiting, &f->waiting_limits);
		free(flow->hops);
	}
	port_lists_free(&f->by_src);
	port_lists_free(&f->by_dst);
	fb_table_free(f->flows);
	fb_table_free(f->floods);
	fb_table_free(f->delays);
}

static uint32_t index_of(const struct forwarding *f, const struct forwarding_flow *flow)
{
	return fb_table_index_of(f->flows, flow);
}

static struct forwarding_flow *flow_at(const struct forwarding *f, uint32_t index)
{
	return index == FB_TABLE_NONE ? NULL : fb_table_at(f->flows, index);
}

struct forwarding_flow *forwarding_flows_find(const struct forwarding *f,
                                              const struct forwarding_pair *pair)
{
	return fb_table_find(f->flows, pair);
}

void forwarding_flows_look(struct forwarding *f, struct forwarding_flow *flow)
{
	if (flow->to_look)
		return;
	flow->to_look = true;
	flow->look_next = f->look_first;
	f->look_first = index_of(f, flow);
}

/* --- Floods --- */

bool forwarding_flows_is_flooded(const struct forwarding *f, const struct forwarding_pair *pair,
                                 uint64_t now_ns, uint64_t *until_ns)
{
	const struct forwarding_flood *flood = fb_table_find(f->floods, pair);

	if (!flood || flood->until_ns <= now_ns)
		return false;
	*until_ns = flood->until_ns;
	return true;
}

bool forwarding_flows_note_flood(struct forwarding *f, const struct forwarding_pair *pair,
                                 uint64_t now_ns)
{
	struct forwarding_flood *flood, *oldest;

	/* Two go for one that comes: the table does not stay larger than it needs to be. */
	for (int i = 0; i < 2; i++) {
		oldest = fb_table_oldest(f->floods);
		if (oldest && oldest->until_ns <= now_ns)
			fb_table_remove(f->floods, oldest);
	}
	flood = fb_table_find(f->floods, pair);
	if (flood)
		fb_table_touch(f->floods, flood);
	else
		flood = fb_table_add(f->floods, pair);
	if (flood)
		flood->until_ns = now_ns + f->options.flight_ns;
	return flood;
}

/* --- Coming and going --- */

static void list(struct forwarding *f, struct forwarding_flow *flow)
{
	uint32_t index = index_of(f, flow);

	if (flow->listed)
		return;
	if (!port_lists_add(&f->by_src, flow->pair.src, index) ||
	    !port_lists_add(&f->by_dst, flow->pair.dst, index))
		abort();
	flow->listed = true;
}

static void unlist(struct forwarding *f, struct forwarding_flow *flow)
{
	uint32_t index = index_of(f, flow);

	if (!flow->listed)
		return;
	port_lists_remove(&f->by_src, flow->pair.src, index);
	port_lists_remove(&f->by_dst, flow->pair.dst, index);
	flow->listed = false;
}

static void set_hops(struct forwarding_flow *flow, const struct fb_hop *hops, size_t count)
{
	size_t bytes = count * sizeof *hops;

	if (count > flow->hops_count) {
		free(flow->hops);
		flow->hops = malloc(bytes);
		if (!flow->hops)
			abort();
	}
	if (bytes)
		memcpy(flow->hops, hops, bytes);
	flow->hops_count = (uint16_t)count;
}

/* The sweep goes on behind 'flow', which leaves its place in the table. */
static void pass_sweep(struct forwarding *f, const struct forwarding_flow *flow)
{
	const struct forwarding_flow *next;

	if (f->sweep_ns == FB_NEVER || f->sweep_at != index_of(f, flow))
		return;
	next = fb_table_newer(f->flows, flow);
	f->sweep_at = next ? index_of(f, next) : FB_TABLE_NONE;
	if (!next)
		f->sweep_ns = FB_NEVER;
}

void forwarding_flows_touch(struct forwarding *f, struct forwarding_flow *flow)
{
	pass_sweep(f, flow);
	fb_table_touch(f->flows, flow);
}

/* 'flow', which has no entries and is not to be looked at, is forgotten. What waits is the
 * caller's. */
static void forget(struct forwarding *f, struct forwarding_flow *flow)
{
	uint32_t index = index_of(f, flow);
	struct forwarding_delay *delay = fb_table_find(f->delays, &index);

	if (delay)
		fb_table_remove(f->delays, delay);
	unlist(f, flow);
	pass_sweep(f, flow);
	free(flow->hops);
	fb_table_remove(f->flows, flow);
}

/* Take 'flow' out of those to look at. */
static void unlook(struct forwarding *f, const struct forwarding_flow *flow)
{
	uint32_t index = index_of(f, flow), *link = &f->look_first;

	if (!flow->to_look)
		return;
	while (*link != index)
		link = &flow_at(f, *link)->look_next;
	*link = flow->look_next;
}

/* What waits for 'flow' does so in vain. */
static void drop_waiting(struct forwarding_call *call, struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;
	struct fb_switch *sw = fb_discovery_switch(f->discovery, flow->from.node);
	const struct fb_packet_in *pi;

	while ((pi = held_frames_first(&flow->waiting))) {
		if (sw)
			forwarding_drop(call, sw, pi);
		held_frames_drop(&flow->waiting, &f->waiting_limits);
		f->counters.waiting_dropped++;
	}
}

/* Make room: 'flow' is forgotten now, whatever its entries are doing. */
static void evict(struct forwarding_call *call, struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;
	struct forwarding_entry *entry;

	f->counters.flows_evicted++;
	while ((entry = forwarding_entries_at(f, flow->entry_first)))
		forwarding_entries_delete(call, flow, entry, false);
	drop_waiting(call, flow);
	unlook(f, flow);
	forget(f, flow);
}

struct forwarding_flow *forwarding_flows_add(struct forwarding_call *call,
                                             const struct forwarding_pair *pair)
{
	struct forwarding *f = call->f;
	struct forwarding_flow *flow;

	if (fb_table_count(f->flows) == fb_table_limit(f->flows))
		evict(call, fb_table_oldest(f->flows));
	flow = fb_table_add(f->flows, pair);
	if (!flow)
		abort();
	flow->entry_first = FB_TABLE_NONE;
	flow->buffer_id = OFP_NO_BUFFER;
	list(f, flow);
	return flow;
}

void forwarding_flows_leave(struct forwarding_call *call, struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;

	if (flow->hops_count > 0)
		f->counters.flows_removed++;
	flow->hops_count = 0;
	flow->adopted = flow->established = false;
	unlist(f, flow);
	forwarding_flows_look(f, flow);
}

void forwarding_flows_leave_from(struct forwarding_call *call, struct forwarding_flow *flow,
                                 struct fb_place from)
{
	flow->from = from;
	forwarding_flows_leave(call, flow);
}

/* --- The way --- */

/* Nothing is installed while frames of it are under way that were flooded. */
static void delay(struct forwarding_call *call, struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;
	struct forwarding_delay *record;
	uint32_t index = index_of(f, flow);

	if (!forwarding_flows_is_flooded(f, &flow->pair, call->now_ns, &flow->due_ns))
		return;
	record = fb_table_find(f->delays, &index);
	if (record)
		fb_table_touch(f->delays, record);
	else
		record = fb_table_add(f->delays, &index);
	if (!record)
		abort();
	record->due_ns = flow->due_ns;
	forwarding_want_timer(f, flow->due_ns);
}

bool forwarding_flows_aim(struct forwarding_call *call, struct forwarding_flow *flow,
                          struct fb_place from, struct fb_place to)
{
	struct forwarding *f = call->f;
	struct fb_hop hops[FB_PATH_HOPS_MAX];
	size_t count = 0;

	if (!forwarding_is_place(from, to))
		count = fb_discovery_path(f->discovery, from, to, forwarding_hash(&flow->pair),
		                          hops);
	if (count == 0) {
		forwarding_flows_leave(call, flow);
		return false;
	}
	flow->version = fb_discovery_version(f->discovery);
	if (count == flow->hops_count && memcmp(flow->hops, hops, count * sizeof *hops) == 0)
		return true;
	if (flow->hops_count > 0)
		f->counters.flows_moved++;
	else
		f->counters.flows++;
	if (!forwarding_is_place(flow->from, from))
		drop_waiting(call, flow);
	set_hops(flow, hops, count);
	flow->from = from;
	flow->to = to;
	flow->adopted = flow->established = false;
	list(f, flow);
	delay(call, flow);
	forwarding_flows_look(f, flow);
	return true;
}

/* --- Installing --- */

static struct forwarding_entry *entry_of(const struct forwarding *f,
                                         const struct forwarding_flow *flow, size_t i)
{
	return forwarding_entries_find(f, flow, flow->hops[i].node, flow->hops[i].in_port);
}

/* 'entry' of the hop 'i' does what it is to do. */
static bool is_right(const struct forwarding_flow *flow, const struct forwarding_entry *entry,
                     size_t i)
{
	return entry && entry->present && entry->out_port == flow->hops[i].out_port;
}

/* Send what is not there at all, but at the first switch. */
static void send_new(struct forwarding_call *call, struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;

	for (size_t i = flow->hops_count; i-- > 1;) {
		const struct fb_hop *hop = &flow->hops[i];
		struct forwarding_entry *entry = entry_of(f, flow, i);

		if (entry && entry->present)
			continue;
		if (!entry)
			entry = forwarding_entries_add(f, flow, hop->node, hop->in_port);
		forwarding_entries_send(call, flow, entry, hop->out_port, false, NULL);
		forwarding_entries_confirm(call, entry);
	}
}

/* All entries of the way that are there are known to be. */
static bool is_confirmed(const struct forwarding *f, const struct forwarding_flow *flow)
{
	for (size_t i = 0; i < flow->hops_count; i++) {
		const struct forwarding_entry *entry = entry_of(f, flow, i);

		if (entry && entry->present && entry->xid != 0)
			return false;
	}
	return true;
}

static bool is_of_way(const struct forwarding_flow *flow, const struct forwarding_entry *entry)
{
	for (size_t i = 0; i < flow->hops_count; i++) {
		if (flow->hops[i].node == entry->node && flow->hops[i].in_port == entry->in_port)
			return true;
	}
	return false;
}

/* There are entries that are not of the way of 'flow'. */
static bool has_others(const struct forwarding *f, const struct forwarding_flow *flow)
{
	const struct forwarding_entry *entry = forwarding_entries_at(f, flow->entry_first);

	for (; entry; entry = forwarding_entries_at(f, entry->next)) {
		if (entry->present && !is_of_way(flow, entry))
			return true;
	}
	return false;
}

/* The last hop before 'end' whose entry leads elsewhere or is not there; 'end': none. */
static size_t last_gate(const struct forwarding *f, const struct forwarding_flow *flow, size_t end)
{
	for (size_t i = end; i-- > 0;) {
		if (!is_right(flow, entry_of(f, flow, i), i))
			return i;
	}
	return end;
}

/* The first frame that is to go the way. */
static const struct fb_packet_in *first_frame(const struct forwarding_call *call,
                                              const struct forwarding_flow *flow)
{
	const struct fb_packet_in *pi = held_frames_first(&flow->waiting);

	return pi ? pi : call->rider;
}

/* It has gone. */
static void pop_frame(struct forwarding_call *call, struct forwarding_flow *flow)
{
	if (held_frames_first(&flow->waiting))
		held_frames_drop(&flow->waiting, &call->f->waiting_limits);
	else
		call->rider = NULL;
}

/* Frames may go the way of 'flow'. */
static void establish(struct forwarding_call *call, struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;
	struct fb_switch *sw = fb_discovery_switch(f->discovery, flow->from.node);
	const struct fb_packet_in *pi;

	flow->established = true;
	while ((pi = first_frame(call, flow))) {
		forwarding_send_on(call, sw, pi, flow->hops[0].out_port);
		pop_frame(call, flow);
	}
}

/* Send the entry of the hop 'i'. The one at the first switch takes a frame along. */
static void open_gate(struct forwarding_call *call, struct forwarding_flow *flow, size_t i)
{
	const struct fb_packet_in *pi = i == 0 ? first_frame(call, flow) : NULL;
	const struct fb_hop *hop = &flow->hops[i];
	struct forwarding_entry *entry = entry_of(call->f, flow, i);

	if (!entry)
		entry = forwarding_entries_add(call->f, flow, hop->node, hop->in_port);
	forwarding_entries_send(call, flow, entry, hop->out_port, i == 0, pi);
	if (i > 0)
		return;
	flow->sent_ns = call->now_ns;
	flow->buffer_id = pi ? pi->buffer_id : OFP_NO_BUFFER;
	if (flow->buffer_id != OFP_NO_BUFFER)
		pop_frame(call, flow);
	establish(call, flow);
}

/* False: a gate is to be confirmed before the next one. */
static bool open_gates(struct forwarding_call *call, struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;
	size_t gate = last_gate(f, flow, flow->hops_count);

	while (gate < flow->hops_count) {
		size_t next = last_gate(f, flow, gate);

		open_gate(call, flow, gate);
		if (next < gate || has_others(f, flow)) {
			struct forwarding_entry *entry = entry_of(f, flow, gate);

			forwarding_entries_confirm(call, entry);
			if (entry->xid != 0)
				return false;
		}
		gate = next < gate ? next : flow->hops_count;
	}
	return true;
}

static void delete_others(struct forwarding_call *call, struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;
	uint32_t next;

	for (uint32_t i = flow->entry_first; i != FB_TABLE_NONE; i = next) {
		struct forwarding_entry *entry = &f->entries[i];

		next = entry->next;
		if (entry->present && !is_of_way(flow, entry))
			forwarding_entries_delete(call, flow, entry, true);
	}
}

/* The network is not what it was when the way was found. False: there is none any more. */
static bool is_current(struct forwarding_call *call, struct forwarding_flow *flow)
{
	struct fb_discovery *d = call->f->discovery;

	if (flow->version == fb_discovery_version(d))
		return true;
	if (!fb_discovery_path_holds(d, flow->hops, flow->hops_count))
		return forwarding_flows_aim(call, flow, flow->from, flow->to);
	flow->version = fb_discovery_version(d);
	return true;
}

/* Do for 'flow', which has a way, what can be done now. */
static void go_on(struct forwarding_call *call, struct forwarding_flow *flow)
{
	if (flow->due_ns > call->now_ns || !is_current(call, flow))
		return;
	send_new(call, flow);
	if (!is_confirmed(call->f, flow) || !open_gates(call, flow))
		return;
	establish(call, flow);
	delete_others(call, flow);
}

/* Delete what is left of 'flow'. At its first switch the order of the connection is enough, as what
 * it sends next comes after. */
static void clear(struct forwarding_call *call, struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;
	uint32_t next;

	for (uint32_t i = flow->entry_first; i != FB_TABLE_NONE; i = next) {
		struct forwarding_entry *entry = &f->entries[i];
		bool first = entry->node == flow->from.node && entry->in_port == flow->from.port;

		next = entry->next;
		if (entry->present)
			forwarding_entries_delete(call, flow, entry, !first);
		else if (entry->xid == 0)
			forwarding_entries_forget(f, flow, entry);
	}
}

/* 'flow' has left; its frames are handled anew. */
static void end(struct forwarding_call *call, struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;
	struct fb_switch *sw = fb_discovery_switch(f->discovery, flow->from.node);
	struct held_frames waiting = flow->waiting;
	const struct fb_packet_in *pi;

	forget(f, flow);
	while ((pi = held_frames_first(&waiting))) {
		if (sw)
			forwarding_again(call, sw, pi);
		else
			f->counters.waiting_dropped++;
		held_frames_drop(&waiting, &f->waiting_limits);
	}
}

static void look_at(struct forwarding_call *call, struct forwarding_flow *flow)
{
	if (flow->hops_count > 0)
		go_on(call, flow);
	if (!forwarding_is_leaving(flow))
		return;
	clear(call, flow);
	if (flow->entry_first == FB_TABLE_NONE && !flow->to_look)
		end(call, flow);
}

/* Frames that wait go on or wait again; no flow is looked at twice without something that happened
 * in between. */
void forwarding_flows_finish(struct forwarding_call *call)
{
	struct forwarding *f = call->f;
	struct forwarding_flow *flow;

	while ((flow = flow_at(f, f->look_first))) {
		f->look_first = flow->look_next;
		flow->to_look = false;
		look_at(call, flow);
	}
}

/* --- Frames --- */

void forwarding_flows_renew(struct forwarding_call *call, struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;
	uint32_t next;

	for (uint32_t i = flow->entry_first; i != FB_TABLE_NONE; i = next) {
		struct forwarding_entry *entry = &f->entries[i];

		next = entry->next;
		if (!is_of_way(flow, entry))
			continue;
		forwarding_entries_set_absent(f, entry);
		if (entry->xid == 0)
			forwarding_entries_forget(f, flow, entry);
	}
	flow->established = false;
	forwarding_flows_look(f, flow);
}

void forwarding_flows_ride(struct forwarding_call *call, struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;
	struct fb_switch *sw = fb_discovery_switch(f->discovery, flow->from.node);

	if (flow->hops_count > 0 && !flow->established && !flow->to_look)
		forwarding_flows_look(f, flow);
	if (flow->to_look && flow->hops_count > 0) {
		unlook(f, flow);
		flow->to_look = false;
		go_on(call, flow);
	}
	if (!call->rider)
		return;
	if (held_frames_add(&flow->waiting, &f->waiting_limits, call->rider)) {
		f->counters.waited++;
	} else {
		f->counters.waiting_full++;
		if (sw)
			forwarding_drop(call, sw, call->rider);
	}
	call->rider = NULL;
}

/* --- What happens to the network --- */

void forwarding_flows_lose(struct forwarding_call *call, struct fb_place at)
{
	struct forwarding *f = call->f;
	uint64_t out = (uint64_t)at.node << 16 | at.port;
	uint32_t index;

	while ((index = port_lists_first(&f->by_out, out)) != FB_TABLE_NONE) {
		struct forwarding_entry *entry = &f->entries[index];
		struct forwarding_flow *flow = fb_table_at(f->flows, entry->flow);

		forwarding_entries_delete(call, flow, entry, true);
		if (flow->adopted)
			forwarding_flows_leave(call, flow);
		else if (flow->hops_count > 0)
			forwarding_flows_aim(call, flow, flow->from, flow->to);
		forwarding_flows_look(f, flow);
	}
}

/* See whether there is a better way for some flows. */
static void sweep(struct forwarding_call *call)
{
	struct forwarding *f = call->f;
	struct forwarding_flow *flow =
	        f->sweep_at == FB_TABLE_NONE ? fb_table_oldest(f->flows) : flow_at(f, f->sweep_at);

	for (int i = 0; flow && i < SWEEP_FLOWS; i++) {
		if (flow->established)
			forwarding_flows_aim(call, flow, flow->from, flow->to);
		flow = fb_table_newer(f->flows, flow);
	}
	f->sweep_at = flow ? index_of(f, flow) : FB_TABLE_NONE;
	f->sweep_ns = flow ? call->now_ns + SWEEP_EVERY_NS : FB_NEVER;
}

uint64_t forwarding_flows_run(struct forwarding_call *call)
{
	struct forwarding *f = call->f;
	struct forwarding_delay *oldest;

	while ((oldest = fb_table_oldest(f->delays)) && oldest->due_ns <= call->now_ns) {
		forwarding_flows_look(f, flow_at(f, oldest->flow));
		fb_table_remove(f->delays, oldest);
	}
	if (fb_time_due(f->sweep_ns, call->now_ns))
		sweep(call);
	return fb_time_min(oldest ? oldest->due_ns : FB_NEVER, f->sweep_ns);
}
