/* forwarding: a network of switches as one, by MAC address, over any topology.
 *
 * Frames to known hosts go over a shortest path, by entries in all its switches, installed from the
 * last to the first (forwarding_flows.c). Frames to unknown hosts and to groups are flooded over
 * the tree of discovery, from switch to switch through the controller.
 *
 * A frame that comes in by a link is one of two. Frames to groups are copies of a flood, and so are
 * those of pairs that were flooded a moment ago: they go on over the tree, or end where they came by
 * a link that is not of it. All others met a switch without their entry, and are sent on by the way
 * that is shortest from there.
 *
 * On whatever happens to the network the flows that it affects are moved or removed, and no others.
 * A flow table that is full, or refuses an entry, is no reason to lose frames: for a second those
 * whose way leads over that switch are sent on one by one. */
#include "controller/apps/forwarding_private.h"

#include <stdlib.h>

enum { BATCH_MAX = 32 }; /* packet-ins whose flows are looked for at once */

#define SWEEP_AFTER_NS FB_NS_PER_S /* after a link came up */

struct batch {
	struct forwarding_pair pairs[BATCH_MAX];
	void *found[BATCH_MAX];
	uint64_t changes; /* of the table of flows at that time */
};

void forwarding_want_timer(struct forwarding *f, uint64_t at_ns)
{
	if (at_ns >= f->timer_ns)
		return;
	f->timer_ns = at_ns;
	fb_app_set_timer(f->app, at_ns);
}

/* --- Releasing --- */

/* A waiting packet-in is nobody's cause any more. */
static void release(struct forwarding_call *call, struct fb_switch *sw,
                    const struct fb_packet_in *pi, struct fb_view actions)
{
	struct fb_packet_out po = {
	        .buffer_id = pi->buffer_id, .in_port = pi->in_port, .actions = actions};

	if (pi->buffer_id == OFP_NO_BUFFER) {
		if (actions.len == 0)
			return;
		if (pi->packet.len < pi->total_len) {
			call->f->counters.frames_cut++;
			return;
		}
		po.data = (struct fb_view){.data = pi->packet.data, .len = pi->packet.len};
	}
	fb_send_packet_out(call->f->app, sw, call->cause, &po);
}

void forwarding_drop(struct forwarding_call *call, struct fb_switch *sw,
                     const struct fb_packet_in *pi)
{
	release(call, sw, pi, (struct fb_view){0});
}

void forwarding_send_on(struct forwarding_call *call, struct fb_switch *sw,
                        const struct fb_packet_in *pi, uint16_t out_port)
{
	uint8_t memory[sizeof(struct ofp_action_output)];
	struct fb_buf actions = fb_buf_make(memory, sizeof memory);

	fb_action_put_output(&actions, out_port == pi->in_port ? OFPP_IN_PORT : out_port, 0);
	release(call, sw, pi, (struct fb_view){.data = actions.data, .len = actions.len});
	call->f->counters.forwarded++;
}

/* Actions that flood 'pi'; none where it is not flooded. */
static struct fb_view flood_actions(struct forwarding *f, const struct fb_switch *sw,
                                    const struct fb_packet_in *pi)
{
	struct fb_buf actions = fb_buf_make(f->flood_memory, sizeof f->flood_memory);

	if (!fb_discovery_put_flood(f->discovery, sw, pi->in_port, &actions)) {
		f->counters.floods_off_tree++;
		return (struct fb_view){0};
	}
	f->counters.floods++;
	return (struct fb_view){.data = actions.data, .len = actions.len};
}

static void flood(struct forwarding_call *call, struct fb_switch *sw, const struct fb_packet_in *pi)
{
	release(call, sw, pi, flood_actions(call->f, sw, pi));
}

/* The flood of 'actions' stays in the one switch. */
static bool is_local(struct fb_view actions)
{
	struct fb_action action;
	size_t offset = 0;

	return !fb_action_next(actions.data, actions.len, &offset, &action) ||
	       (action.type == OFPAT_OUTPUT && action.output.port == OFPP_FLOOD);
}

/* --- Frames --- */

static uint16_t vlan_of(const struct fb_packet *packet)
{
	return packet->has_vlan ? packet->vlan_tci & 0x0fff : OFP_VLAN_NONE;
}

static struct forwarding_pair pair_of(const struct fb_packet *packet)
{
	uint16_t vlan = vlan_of(packet);

	return (struct forwarding_pair){.src = forwarding_host_key(packet->dl_src, vlan),
	                                .dst = forwarding_host_key(packet->dl_dst, vlan)};
}

/* To a host that is not known. */
static void flood_unknown(struct forwarding_call *call, struct fb_switch *sw,
                          const struct fb_packet_in *pi, const struct forwarding_pair *pair)
{
	struct forwarding *f = call->f;
	struct fb_view actions = flood_actions(f, sw, pi);

	if (!is_local(actions) && !forwarding_flows_note_flood(f, pair, call->now_ns)) {
		f->counters.floods_full++;
		actions.len = 0;
	}
	release(call, sw, pi, actions);
}

/* The switch 'node' takes no entries. */
static bool is_full(const struct forwarding *f, uint16_t node, uint64_t now_ns)
{
	const struct fb_switch *sw = fb_discovery_switch(f->discovery, node);
	const struct forwarding_switch *state = sw ? fb_switch_state(sw, f->app) : NULL;

	return !state || now_ns < state->full_until_ns;
}

/* The frame 'pi', which came to 'here', is sent on by packet-out, to 'to'. */
static void send_toward(struct forwarding_call *call, struct fb_switch *sw,
                        const struct fb_packet_in *pi, const struct forwarding_pair *pair,
                        struct fb_place here, struct fb_place to)
{
	struct forwarding *f = call->f;
	struct fb_hop hops[FB_PATH_HOPS_MAX];

	if (fb_discovery_path(f->discovery, here, to, forwarding_hash(pair), hops) == 0) {
		f->counters.no_path++;
		forwarding_drop(call, sw, pi);
	} else if (hops[0].out_port == here.port) {
		f->counters.turned_back++;
		forwarding_drop(call, sw, pi);
	} else {
		forwarding_send_on(call, sw, pi, hops[0].out_port);
	}
}

/* Some switch of the way from 'from' to 'to' takes no entries. */
static bool has_full_switch(const struct forwarding_call *call, const struct forwarding_pair *pair,
                            struct fb_place from, struct fb_place to)
{
	struct forwarding *f = call->f;
	struct fb_hop hops[FB_PATH_HOPS_MAX];
	size_t count;

	if (call->now_ns >= f->full_until_ns)
		return false;
	count = fb_discovery_path(f->discovery, from, to, forwarding_hash(pair), hops);
	for (size_t i = 0; i < count; i++) {
		if (is_full(f, hops[i].node, call->now_ns))
			return true;
	}
	return false;
}

/* 'pi' should have met the entry of 'flow' here: send that again, once in a while. */
static bool mend(struct forwarding_call *call, struct fb_switch *sw, const struct fb_packet_in *pi,
                 struct forwarding_flow *flow, struct fb_place here)
{
	struct forwarding *f = call->f;
	struct forwarding_entry *entry = forwarding_entries_find(f, flow, here.node, here.port);

	if (!flow->established || !entry || !entry->present ||
	    call->now_ns - flow->sent_ns < FORWARDING_RESEND_NS ||
	    is_full(f, here.node, call->now_ns))
		return false;
	flow->sent_ns = call->now_ns;
	f->counters.mended++;
	forwarding_entries_send(call, flow, entry, entry->out_port, false, pi);
	if (pi->buffer_id == OFP_NO_BUFFER)
		forwarding_send_on(call, sw, pi, entry->out_port);
	return true;
}

/* 'pi' came in by the link at 'here'. */
static void handle_on_link(struct forwarding_call *call, struct fb_switch *sw,
                           const struct fb_packet_in *pi, const struct forwarding_pair *pair,
                           struct forwarding_flow *flow, struct fb_place here)
{
	struct forwarding *f = call->f;
	const struct fb_host *dst;
	uint64_t until_ns;

	if (fb_discovery_peer(f->discovery, here).port == 0) {
		f->counters.unlinked++;
		forwarding_drop(call, sw, pi);
		return;
	}
	if (forwarding_flows_is_flooded(f, pair, call->now_ns, &until_ns)) {
		flood(call, sw, pi);
		return;
	}
	f->counters.transit++;
	/* Entries that lead here are not all that it takes. */
	if (flow && flow->adopted)
		forwarding_flows_leave(call, flow);
	dst = fb_discovery_host(f->discovery, pi->packet.dl_dst, vlan_of(&pi->packet));
	if (!dst)
		flood_unknown(call, sw, pi, pair);
	else if (!flow || !mend(call, sw, pi, flow, here))
		send_toward(call, sw, pi, pair, here, dst->at);
}

/* 'pi' came in by the edge 'here', and its destination is the host 'dst'. */
static void handle_known(struct forwarding_call *call, struct fb_switch *sw,
                         const struct fb_packet_in *pi, const struct forwarding_pair *pair,
                         struct forwarding_flow *flow, struct fb_place here,
                         const struct fb_host *dst)
{
	struct forwarding *f = call->f;
	uint64_t until_ns;
	const struct fb_host *src =
	        fb_discovery_host(f->discovery, pi->packet.dl_src, vlan_of(&pi->packet));

	if (forwarding_is_place(dst->at, here)) {
		f->counters.same_port++;
		forwarding_drop(call, sw, pi);
		return;
	}
	/* Groups are not known as sources, and have no flows. */
	if (!src || !forwarding_is_place(src->at, here) ||
	    has_full_switch(call, pair, here, dst->at)) {
		if (forwarding_flows_is_flooded(f, pair, call->now_ns, &until_ns))
			flood_unknown(call, sw, pi, pair);
		else
			send_toward(call, sw, pi, pair, here, dst->at);
		return;
	}
	if (!flow)
		flow = forwarding_flows_add(call, pair);
	if (!forwarding_flows_aim(call, flow, here, dst->at)) {
		f->counters.no_path++;
		forwarding_drop(call, sw, pi);
	} else {
		forwarding_flows_ride(call, flow);
	}
}

/* 'pi' came in by the edge 'here', where no flow of its pair begins. */
static void handle_on_edge(struct forwarding_call *call, struct fb_switch *sw,
                           const struct fb_packet_in *pi, const struct forwarding_pair *pair,
                           struct forwarding_flow *flow, struct fb_place here)
{
	const struct fb_host *dst =
	        fb_discovery_host(call->f->discovery, pi->packet.dl_dst, vlan_of(&pi->packet));

	if (dst) {
		handle_known(call, sw, pi, pair, flow, here, dst);
		return;
	}
	/* Copies of a flood must not meet entries from before. */
	if (flow && flow->adopted)
		forwarding_flows_leave_from(call, flow, here);
	if (flow && forwarding_is_leaving(flow) && forwarding_is_place(flow->from, here))
		forwarding_flows_ride(call, flow);
	else
		flood_unknown(call, sw, pi, pair);
}

/* 'pi' came to the first switch of 'flow', which has a way. */
static void handle_of_flow(struct forwarding_call *call, struct fb_switch *sw,
                           const struct fb_packet_in *pi, struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;

	if (!flow->established) {
		forwarding_flows_ride(call, flow);
	} else if (call->now_ns - flow->sent_ns < FORWARDING_RESEND_NS) {
		forwarding_send_on(call, sw, pi, flow->hops[0].out_port);
	} else {
		/* Its entries are gone, and nobody said so. */
		forwarding_flows_touch(f, flow);
		forwarding_flows_renew(call, flow);
		forwarding_flows_ride(call, flow);
	}
}

static void handle(struct forwarding_call *call, struct fb_switch *sw,
                   const struct fb_packet_in *pi, const struct forwarding_pair *pair,
                   struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;
	struct fb_place here = {.node = fb_discovery_node(f->discovery, sw), .port = pi->in_port};

	call->rider = pi;
	if (fb_mac_is_multicast(pi->packet.dl_dst)) {
		flood(call, sw, pi);
		return;
	}
	if (flow && flow->hops_count > 0 && forwarding_is_place(flow->from, here)) {
		handle_of_flow(call, sw, pi, flow);
		return;
	}
	switch (fb_discovery_port(f->discovery, here)) {
	case FB_PORT_EDGE:
		handle_on_edge(call, sw, pi, pair, flow, here);
		break;
	case FB_PORT_LINK:
		handle_on_link(call, sw, pi, pair, flow, here);
		break;
	case FB_PORT_DOWN:
	case FB_PORT_PENDING:
		f->counters.unlinked++;
		forwarding_drop(call, sw, pi);
		break;
	}
}

void forwarding_again(struct forwarding_call *call, struct fb_switch *sw,
                      const struct fb_packet_in *pi)
{
	struct forwarding_call again = *call;
	struct forwarding_pair pair = pair_of(&pi->packet);

	handle(&again, sw, pi, &pair, forwarding_flows_find(call->f, &pair));
}

/* Find the flows of 'count' packet-ins, all at once. */
static void look_up(const struct forwarding *f, struct batch *batch,
                    const struct fb_packet_in *packet_ins, size_t count)
{
	for (size_t i = 0; i < count; i++)
		batch->pairs[i] = pair_of(&packet_ins[i].packet);
	fb_table_find_many(f->flows, batch->pairs, count, batch->found);
	batch->changes = fb_table_changes(f->flows);
}

static void forwarding_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                                 size_t count, uint64_t now_ns)
{
	struct forwarding *f = state;
	struct forwarding_call call = {.f = f, .now_ns = now_ns};
	struct batch batch;

	while (count > 0) {
		size_t some = count < BATCH_MAX ? count : BATCH_MAX;

		look_up(f, &batch, packet_ins, some);
		for (size_t i = 0; i < some; i++) {
			struct fb_packet_in *pi = &packet_ins[i];
			bool same = batch.changes == fb_table_changes(f->flows);

			pi->verdict = FB_STOP;
			call.cause = pi;
			handle(&call, sw, pi, &batch.pairs[i],
			       same ? batch.found[i] : forwarding_flows_find(f, &batch.pairs[i]));
			forwarding_flows_finish(&call);
		}
		packet_ins += some;
		count -= some;
	}
}

/* --- What happens to the network --- */

static uint64_t key_of(const struct fb_host *host)
{
	return forwarding_host_key(host->mac, host->vlan);
}

static void leave_all(struct forwarding_call *call, struct port_lists *lists, uint64_t key)
{
	uint32_t index;

	while ((index = port_lists_first(lists, key)) != FB_TABLE_NONE)
		forwarding_flows_leave(call, fb_table_at(call->f->flows, index));
}

/* What goes to 'host' goes to where it is now. */
static void follow(struct forwarding_call *call, const struct fb_host *host)
{
	struct forwarding *f = call->f;
	uint32_t index = port_lists_first(&f->by_dst, key_of(host)), next;

	for (; index != FB_TABLE_NONE; index = next) {
		struct forwarding_flow *flow = fb_table_at(f->flows, index);

		next = port_lists_next(&f->by_dst, index);
		if (flow->adopted)
			forwarding_flows_leave(call, flow);
		else
			forwarding_flows_aim(call, flow, flow->from, host->at);
	}
}

static void forwarding_network_event(void *state, const struct fb_network_event *event,
                                     uint64_t now_ns)
{
	struct forwarding *f = state;
	struct forwarding_call call = {.f = f, .now_ns = now_ns};

	switch (event->type) {
	case FB_EVENT_LINK_UP:
		f->sweep_at = FB_TABLE_NONE;
		f->sweep_ns = now_ns + SWEEP_AFTER_NS;
		forwarding_want_timer(f, f->sweep_ns);
		break;
	case FB_EVENT_LINK_DOWN:
		forwarding_flows_lose(&call, event->at);
		forwarding_flows_lose(&call, event->other);
		break;
	case FB_EVENT_PORT_DOWN:
		forwarding_flows_lose(&call, event->at);
		break;
	case FB_EVENT_HOST_NEW:
		forwarding_adopted_host(&call, event->host);
		break;
	case FB_EVENT_HOST_MOVED:
		leave_all(&call, &f->by_src, key_of(event->host));
		follow(&call, event->host);
		break;
	case FB_EVENT_HOST_GONE:
		leave_all(&call, &f->by_src, key_of(event->host));
		leave_all(&call, &f->by_dst, key_of(event->host));
		break;
	case FB_EVENT_EDGE_UP:
		break;
	}
	forwarding_flows_finish(&call);
}

/* --- What else happens --- */

static void forwarding_switch_up(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	struct forwarding *f = state;
	struct forwarding_switch *kept = calloc(1, sizeof *kept);

	(void)now_ns;
	if (!kept)
		abort();
	kept->node = fb_discovery_node(f->discovery, sw);
	fb_switch_set_state(sw, f->app, kept);
	forwarding_adopted_ask(f, sw);
}

static void forwarding_switch_down(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	struct forwarding *f = state;
	struct forwarding_call call = {.f = f, .now_ns = now_ns};
	struct forwarding_switch *kept = fb_switch_state(sw, f->app);

	fb_switch_set_state(sw, f->app, NULL);
	forwarding_entries_switch_down(&call, kept->node);
	free(kept);
	forwarding_flows_finish(&call);
}

static enum fb_verdict forwarding_flow_removed(void *state, struct fb_switch *sw,
                                               const struct fb_flow_removed *fr, uint64_t now_ns)
{
	struct forwarding_call call = {.f = state, .now_ns = now_ns};

	forwarding_entries_removed(&call, sw, fr);
	forwarding_flows_finish(&call);
	return FB_CONTINUE;
}

static void forwarding_error(void *state, struct fb_switch *sw, uint32_t xid, bool own,
                             uint16_t type, uint16_t code, struct fb_view data, uint64_t now_ns)
{
	struct forwarding_call call = {.f = state, .now_ns = now_ns};

	(void)xid;
	if (!own || (type != OFPET_FLOW_MOD_FAILED && type != OFPET_BAD_ACTION))
		return;
	forwarding_entries_refused(
	        &call, sw, type == OFPET_FLOW_MOD_FAILED && code == OFPFMFC_ALL_TABLES_FULL, data);
	forwarding_flows_finish(&call);
}

static void forwarding_stats_reply(void *state, struct fb_switch *sw, uint32_t xid,
                                   const struct fb_stats_reply *reply, uint64_t now_ns)
{
	struct forwarding_call call = {.f = state, .now_ns = now_ns};

	(void)xid;
	forwarding_adopted_reply(&call, sw, reply);
	forwarding_flows_finish(&call);
}

static void forwarding_barrier_reply(void *state, struct fb_switch *sw, uint32_t xid,
                                     uint64_t now_ns)
{
	struct forwarding_call call = {.f = state, .now_ns = now_ns};

	forwarding_entries_barrier_reply(&call, sw, xid);
	forwarding_flows_finish(&call);
}

static void forwarding_timer(void *state, uint64_t now_ns)
{
	struct forwarding *f = state;
	struct forwarding_call call = {.f = f, .now_ns = now_ns};
	uint64_t next_ns;

	f->timer_ns = FB_NEVER;
	next_ns = forwarding_flows_run(&call);
	next_ns = fb_time_min(next_ns, forwarding_entries_run(&call));
	forwarding_flows_finish(&call);
	forwarding_want_timer(f, next_ns);
}

/* --- The instance --- */

static void forwarding_destroy(void *state)
{
	struct forwarding *f = state;

	forwarding_flows_free(f);
	forwarding_entries_free(f);
	free(f);
}

static void *forwarding_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	struct forwarding *f = calloc(1, sizeof *f);

	if (!f) {
		fb_text_puts(error, "forwarding: out of memory");
		return NULL;
	}
	f->app = app;
	f->discovery = fb_discovery_of(app);
	f->timer_ns = FB_NEVER;
	if (!forwarding_options_take(&f->options, values, error)) {
		free(f);
		return NULL;
	}
	if (!forwarding_entries_init(f) || !forwarding_flows_init(f)) {
		fb_text_puts(error, "forwarding: out of memory");
		forwarding_destroy(f);
		return NULL;
	}
	return f;
}

const struct fb_app_class fb_app_forwarding = {
        .name = "forwarding",
        .summary = "forwards by MAC address over shortest paths, on networks with loops too",
        .scope = FB_SCOPE_NETWORK,
        .ethernet_only = true,
        .takes_all = true,
        .needs = &fb_app_discovery,
        .options = forwarding_options_table,
        .options_count = FORWARDING_OPTIONS_COUNT,
        .create = forwarding_create,
        .destroy = forwarding_destroy,
        .switch_up = forwarding_switch_up,
        .switch_down = forwarding_switch_down,
        .packet_in = forwarding_packet_in,
        .flow_removed = forwarding_flow_removed,
        .error = forwarding_error,
        .stats_reply = forwarding_stats_reply,
        .barrier_reply = forwarding_barrier_reply,
        .timer = forwarding_timer,
        .network_event = forwarding_network_event,
        .counters = forwarding_options_counters,
        .report = forwarding_options_report,
};
