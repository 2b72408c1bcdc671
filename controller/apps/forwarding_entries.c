/* The entries of flows in the switches.
 *
 * What is recorded is what the switches have: a record is there from the moment an entry is sent
 * until the switch has confirmed that it is gone. Barriers confirm: the record remembers the one
 * behind its latest flow-mod. The entry at the first switch of a flow tells when it is gone
 * (flow-removed); those at the others are deleted then.
 *
 * Entries match in_port, dl_src, dl_dst and dl_vlan. Their cookie tells run, application and which
 * of its entries it is, so that what a switch says of one that was replaced meanwhile is told apart. */
#include "controller/apps/forwarding_private.h"

#include <stdlib.h>

enum {
	COOKIE_TAG = 0x4657, /* bits 16 to 31 of the cookies; above is the run, below the entry */
	ENTRIES_FIRST = 64,
	BARRIERS_MAX = 65536,
	BARRIERS_OF_SWITCH_MAX = 2048, /* the controller remembers some thousand requests */
	QUOTED_BYTES = 64,             /* of a refused message, at least */
};

#define BARRIER_GUARD_NS (2 * FB_NS_PER_S) /* a switch that has not answered by then will not */

/* --- Records --- */

bool forwarding_entries_init(struct forwarding *f)
{
	uint32_t seed = fb_app_run_id(f->app);

	f->entries_free = FB_TABLE_NONE;
	f->barriers =
	        fb_table_new(sizeof(uint64_t), sizeof(struct forwarding_barrier), BARRIERS_MAX);
	return port_lists_init(&f->by_out, seed) && f->barriers;
}

void forwarding_entries_free(struct forwarding *f)
{
	port_lists_free(&f->by_out);
	fb_table_free(f->barriers);
	free(f->entries);
}

static uint32_t index_of(const struct forwarding *f, const struct forwarding_entry *entry)
{
	return (uint32_t)(entry - f->entries);
}

static uint64_t list_of(const struct forwarding_entry *entry)
{
	return (uint64_t)entry->node << 16 | entry->out_port;
}

struct forwarding_entry *forwarding_entries_find(const struct forwarding *f,
                                                 const struct forwarding_flow *flow, uint16_t node,
                                                 uint16_t in_port)
{
	struct forwarding_entry *entry = forwarding_entries_at(f, flow->entry_first);

	while (entry && (entry->node != node || entry->in_port != in_port))
		entry = forwarding_entries_at(f, entry->next);
	return entry;
}

/* Make free records. */
static void grow(struct forwarding *f)
{
	uint32_t size = f->entries_size ? 2 * f->entries_size : ENTRIES_FIRST;
	struct forwarding_entry *entries = realloc(f->entries, size * sizeof *entries);

	if (!entries)
		abort();
	for (uint32_t i = size; i-- > f->entries_size;) {
		entries[i].next = f->entries_free;
		f->entries_free = i;
	}
	f->entries = entries;
	f->entries_size = size;
}

struct forwarding_entry *forwarding_entries_add(struct forwarding *f, struct forwarding_flow *flow,
                                                uint16_t node, uint16_t in_port)
{
	struct forwarding_entry *entry;
	uint32_t index;

	if (f->entries_free == FB_TABLE_NONE)
		grow(f);
	index = f->entries_free;
	entry = &f->entries[index];
	f->entries_free = entry->next;
	*entry = (struct forwarding_entry){
	        .flow = fb_table_index_of(f->flows, flow),
	        .next = flow->entry_first,
	        .node = node,
	        .in_port = in_port,
	};
	flow->entry_first = index;
	f->entries_count++;
	return entry;
}

void forwarding_entries_forget(struct forwarding *f, struct forwarding_flow *flow,
                               struct forwarding_entry *entry)
{
	uint32_t index = index_of(f, entry), *link = &flow->entry_first;

	while (*link != index)
		link = &f->entries[*link].next;
	*link = entry->next;
	entry->flow = FB_TABLE_NONE;
	entry->xid = 0;
	entry->next = f->entries_free;
	f->entries_free = index;
	f->entries_count--;
}

void forwarding_entries_set_absent(struct forwarding *f, struct forwarding_entry *entry)
{
	if (!entry->present)
		return;
	port_lists_remove(&f->by_out, list_of(entry), index_of(f, entry));
	entry->present = false;
	f->entries_present--;
}

void forwarding_entries_set_present(struct forwarding *f, struct forwarding_entry *entry,
                                    uint16_t out_port)
{
	forwarding_entries_set_absent(f, entry);
	entry->out_port = out_port;
	if (!port_lists_add(&f->by_out, list_of(entry), index_of(f, entry)))
		abort();
	entry->present = true;
	f->entries_present++;
}

/* --- What entries look like --- */

static void make_match(struct fb_match *match, const struct forwarding_pair *pair, uint16_t in_port)
{
	fb_match_any(match);
	match->wildcards &=
	        ~(uint32_t)(OFPFW_IN_PORT | OFPFW_DL_SRC | OFPFW_DL_DST | OFPFW_DL_VLAN);
	match->in_port = in_port;
	fb_mac_from_u64(match->dl_src, pair->src >> 16);
	fb_mac_from_u64(match->dl_dst, pair->dst >> 16);
	match->dl_vlan = pair->src & 0xffff;
}

bool forwarding_entries_is_match(const struct fb_match *match)
{
	const uint32_t needed = OFPFW_IN_PORT | OFPFW_DL_SRC | OFPFW_DL_DST | OFPFW_DL_VLAN;

	/* The counts of address bits say "any" from 32 on, which switches write in many ways. */
	return !(match->wildcards & needed) && (match->wildcards & OFPFW_DL_TYPE) &&
	       !fb_mac_is_multicast(match->dl_src) && !fb_mac_is_multicast(match->dl_dst);
}

struct forwarding_pair forwarding_entries_pair(const struct fb_match *match)
{
	return (struct forwarding_pair){
	        .src = forwarding_host_key(match->dl_src, match->dl_vlan),
	        .dst = forwarding_host_key(match->dl_dst, match->dl_vlan),
	};
}

bool forwarding_entries_is_ours(uint64_t cookie)
{
	return (cookie >> 16 & 0xffff) == COOKIE_TAG;
}

static uint64_t new_cookie(struct forwarding *f)
{
	return (uint64_t)fb_app_run_id(f->app) << 32 | (uint32_t)COOKIE_TAG << 16 | ++f->generation;
}

bool forwarding_entries_match(struct forwarding *f, const struct fb_switch *sw,
                              const struct fb_match *match, struct forwarding_flow **flow,
                              struct forwarding_entry **entry)
{
	struct forwarding_pair pair = forwarding_entries_pair(match);

	*flow = forwarding_flows_find(f, &pair);
	if (!*flow)
		return false;
	*entry = forwarding_entries_find(f, *flow, fb_discovery_node(f->discovery, sw),
	                                 match->in_port);
	return *entry;
}

/* --- Sending --- */

void forwarding_entries_send(struct forwarding_call *call, const struct forwarding_flow *flow,
                             struct forwarding_entry *entry, uint16_t out_port, bool first,
                             const struct fb_packet_in *pi)
{
	struct forwarding *f = call->f;
	struct fb_switch *sw = fb_discovery_switch(f->discovery, entry->node);
	uint8_t memory[sizeof(struct ofp_action_output)];
	struct fb_buf actions = fb_buf_make(memory, sizeof memory);
	struct fb_flow_mod fm = {
	        .command = OFPFC_ADD,
	        .idle_timeout = f->options.idle_timeout_s,
	        .hard_timeout = f->options.hard_timeout_s,
	        .priority = f->options.priority,
	        .buffer_id = pi ? pi->buffer_id : OFP_NO_BUFFER,
	        .out_port = OFPP_NONE,
	        .flags = first ? OFPFF_SEND_FLOW_REM : 0,
	};

	if (!sw)
		return;
	entry->cookie = fm.cookie = new_cookie(f);
	make_match(&fm.match, &flow->pair, entry->in_port);
	fb_action_put_output(&actions, out_port == entry->in_port ? OFPP_IN_PORT : out_port, 0);
	fm.actions = (struct fb_view){.data = actions.data, .len = actions.len};
	fb_send_flow_mod(f->app, sw, call->cause, &fm);
	forwarding_entries_set_present(f, entry, out_port);
	f->counters.entries_sent++;
}

void forwarding_entries_delete_found(struct forwarding_call *call, struct fb_switch *sw,
                                     const struct fb_match *match, uint16_t priority)
{
	struct fb_flow_mod fm = {
	        .match = *match,
	        .command = OFPFC_DELETE_STRICT,
	        .priority = priority,
	        .buffer_id = OFP_NO_BUFFER,
	        .out_port = OFPP_NONE,
	};

	fb_send_flow_mod(call->f->app, sw, call->cause, &fm);
	call->f->counters.entries_deleted++;
}

void forwarding_entries_delete(struct forwarding_call *call, struct forwarding_flow *flow,
                               struct forwarding_entry *entry, bool wait)
{
	struct forwarding *f = call->f;
	struct fb_switch *sw = fb_discovery_switch(f->discovery, entry->node);
	struct fb_match match;

	if (entry->present && sw) {
		make_match(&match, &flow->pair, entry->in_port);
		forwarding_entries_delete_found(call, sw, &match, f->options.priority);
		if (wait)
			forwarding_entries_confirm(call, entry);
	}
	forwarding_entries_set_absent(f, entry);
	if (!sw || entry->xid == 0 || !wait)
		forwarding_entries_forget(f, flow, entry);
}

/* --- Barriers --- */

void forwarding_entries_confirm(struct forwarding_call *call, struct forwarding_entry *entry)
{
	struct forwarding *f = call->f;
	struct fb_switch *sw = fb_discovery_switch(f->discovery, entry->node);
	struct forwarding_switch *state = sw ? fb_switch_state(sw, f->app) : NULL;
	struct forwarding_barrier *barrier;
	uint32_t key[2] = {entry->node, 0};

	if (!state)
		return;
	if (state->barriers >= BARRIERS_OF_SWITCH_MAX ||
	    fb_table_count(f->barriers) == fb_table_limit(f->barriers)) {
		f->counters.barriers_skipped++;
		entry->xid = 0;
		return;
	}
	key[1] = fb_send_barrier(f->app, sw, call->cause);
	barrier = key[1] ? fb_table_add(f->barriers, key) : NULL;
	if (!barrier) {
		entry->xid = 0;
		return;
	}
	barrier->entry = index_of(f, entry);
	barrier->sent_ns = call->now_ns;
	entry->xid = key[1];
	state->barriers++;
	forwarding_want_timer(f, call->now_ns + BARRIER_GUARD_NS);
}

/* What 'barrier' was sent for is confirmed. */
static void answered(struct forwarding_call *call, struct forwarding_barrier *barrier)
{
	struct forwarding *f = call->f;
	struct fb_switch *sw = fb_discovery_switch(f->discovery, (uint16_t)barrier->key.node);
	struct forwarding_switch *state = sw ? fb_switch_state(sw, f->app) : NULL;
	struct forwarding_entry *entry = &f->entries[barrier->entry];
	bool is_latest = entry->flow != FB_TABLE_NONE && entry->node == barrier->key.node &&
	                 entry->xid == barrier->key.xid;
	struct forwarding_flow *flow;

	if (state)
		state->barriers--;
	fb_table_remove(f->barriers, barrier);
	if (!is_latest)
		return;
	flow = fb_table_at(f->flows, entry->flow);
	entry->xid = 0;
	if (!entry->present)
		forwarding_entries_forget(f, flow, entry);
	forwarding_flows_look(f, flow);
}

void forwarding_entries_barrier_reply(struct forwarding_call *call, struct fb_switch *sw,
                                      uint32_t xid)
{
	struct forwarding *f = call->f;
	uint32_t key[2] = {fb_discovery_node(f->discovery, sw), xid};
	struct forwarding_barrier *barrier = fb_table_find(f->barriers, key);

	if (barrier)
		answered(call, barrier);
}

void forwarding_entries_switch_down(struct forwarding_call *call, uint16_t node)
{
	struct forwarding_barrier *barrier = fb_table_oldest(call->f->barriers), *next;

	for (; barrier; barrier = next) {
		next = fb_table_newer(call->f->barriers, barrier);
		if (barrier->key.node == node)
			answered(call, barrier);
	}
}

uint64_t forwarding_entries_run(struct forwarding_call *call)
{
	struct forwarding *f = call->f;
	struct forwarding_barrier *oldest;

	while ((oldest = fb_table_oldest(f->barriers))) {
		if (oldest->sent_ns + BARRIER_GUARD_NS > call->now_ns)
			return oldest->sent_ns + BARRIER_GUARD_NS;
		f->counters.barriers_late++;
		answered(call, oldest);
	}
	return FB_NEVER;
}

/* --- What switches say --- */

void forwarding_entries_removed(struct forwarding_call *call, struct fb_switch *sw,
                                const struct fb_flow_removed *fr)
{
	struct forwarding *f = call->f;
	struct forwarding_entry *entry;
	struct forwarding_flow *flow;

	if (!forwarding_entries_is_ours(fr->cookie) ||
	    !forwarding_entries_match(f, sw, &fr->match, &flow, &entry) ||
	    entry->cookie != fr->cookie || !entry->present)
		return;
	forwarding_entries_set_absent(f, entry);
	if (entry->xid == 0)
		forwarding_entries_forget(f, flow, entry);
	forwarding_flows_leave(call, flow);
}

void forwarding_entries_refused(struct forwarding_call *call, struct fb_switch *sw, bool full,
                                struct fb_view data)
{
	struct forwarding *f = call->f;
	struct forwarding_switch *state = fb_switch_state(sw, f->app);
	const struct ofp_flow_mod *quoted = (const struct ofp_flow_mod *)data.data;
	struct forwarding_entry *entry;
	struct forwarding_flow *flow;
	struct fb_packet_in pi;
	struct fb_match match;

	f->counters.entries_refused += !full;
	f->counters.tables_full += full;
	if (data.len < QUOTED_BYTES || quoted->header.type != OFPT_FLOW_MOD ||
	    fb_get16(&quoted->command) != OFPFC_ADD)
		return;
	state->full_until_ns = f->full_until_ns = call->now_ns + FORWARDING_RESEND_NS;
	fb_match_decode((const uint8_t *)&quoted->match, &match);
	if (!forwarding_entries_match(f, sw, &match, &flow, &entry) ||
	    entry->cookie != fb_get64(&quoted->cookie) || !entry->present)
		return;
	/* The buffer that it was to take along is still held. */
	if (flow->established && flow->buffer_id != OFP_NO_BUFFER &&
	    flow->from.node == entry->node && flow->from.port == entry->in_port) {
		pi = (struct fb_packet_in){.buffer_id = flow->buffer_id, .in_port = entry->in_port};
		forwarding_send_on(call, sw, &pi, entry->out_port);
	}
	forwarding_entries_set_absent(f, entry);
	if (entry->xid == 0)
		forwarding_entries_forget(f, flow, entry);
	forwarding_flows_leave(call, flow);
}
