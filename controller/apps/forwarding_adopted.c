/* Entries of an earlier run, or of the time before a switch lost its connection.
 *
 * A switch that comes up is asked for its entries. What is ours there and leads to a port that is
 * gone is deleted, and so is what is not of the way of a flow that is known. The rest goes on
 * serving its hosts: it is adopted, into flows of which nobody knows where they begin and end. When
 * it becomes known where their hosts are, they get a way as any other flow, of which right entries
 * are a part; until then they are removed as soon as something contradicts them. */
#include "controller/apps/forwarding_private.h"

void forwarding_adopted_ask(struct forwarding *f, struct fb_switch *sw)
{
	struct fb_stats_request request = {.type = OFPST_FLOW};

	fb_match_any(&request.flow.match);
	request.flow.table_id = 0xff;
	request.flow.out_port = OFPP_NONE;
	fb_send_stats_request(f->app, sw, NULL, &request);
}

/* --- What a switch has --- */

/* True for an entry of ours, perhaps of another run; then '*out_port' is where it leads. */
static bool is_ours(const struct forwarding *f, const struct fb_flow_stats *stats,
                    uint16_t *out_port)
{
	struct fb_action action;
	size_t offset = 0;

	if (!forwarding_entries_is_ours(stats->cookie) ||
	    !forwarding_entries_is_match(&stats->match) || stats->priority != f->options.priority ||
	    !fb_action_next(stats->actions.data, stats->actions.len, &offset, &action) ||
	    action.type != OFPAT_OUTPUT || offset != stats->actions.len)
		return false;
	*out_port = action.output.port == OFPP_IN_PORT ? stats->match.in_port : action.output.port;
	return true;
}

/* 'port' of 'node' is one that frames pass. */
static bool is_usable(const struct forwarding *f, uint16_t node, uint16_t port)
{
	const struct fb_place at = {.node = node, .port = port};

	return fb_discovery_port(f->discovery, at) != FB_PORT_DOWN;
}

/* The flow to which the entry of 'match' on 'node' belongs, NULL: it is to go. */
static struct forwarding_flow *flow_for(struct forwarding_call *call, const struct fb_match *match,
                                        uint16_t node, uint16_t out_port)
{
	struct forwarding *f = call->f;
	struct forwarding_pair pair = forwarding_entries_pair(match);
	struct forwarding_flow *flow = forwarding_flows_find(f, &pair);

	if (!is_usable(f, node, match->in_port) || !is_usable(f, node, out_port) ||
	    (flow && !flow->adopted))
		return NULL;
	if (flow)
		return flow;
	if (fb_table_count(f->flows) == fb_table_limit(f->flows))
		return NULL;
	flow = forwarding_flows_add(call, &pair);
	flow->adopted = true;
	return flow;
}

static void take(struct forwarding_call *call, struct fb_switch *sw,
                 const struct fb_flow_stats *stats, uint16_t out_port)
{
	struct forwarding *f = call->f;
	uint16_t node = fb_discovery_node(f->discovery, sw);
	struct forwarding_entry *entry;
	struct forwarding_flow *flow;

	/* What was sent since the join counts. */
	if (forwarding_entries_match(f, sw, &stats->match, &flow, &entry))
		return;
	flow = flow_for(call, &stats->match, node, out_port);
	if (!flow) {
		f->counters.adopted_deleted++;
		forwarding_entries_delete_found(call, sw, &stats->match, stats->priority);
		return;
	}
	f->counters.adopted++;
	entry = forwarding_entries_add(f, flow, node, stats->match.in_port);
	entry->cookie = stats->cookie;
	forwarding_entries_set_present(f, entry, out_port);
}

void forwarding_adopted_reply(struct forwarding_call *call, struct fb_switch *sw,
                              const struct fb_stats_reply *reply)
{
	struct fb_flow_stats stats;
	size_t offset = 0;
	uint16_t out_port;

	while (fb_flow_stats_next(reply->entries, &offset, &stats)) {
		if (is_ours(call->f, &stats, &out_port))
			take(call, sw, &stats, out_port);
	}
}

/* --- When hosts become known --- */

/* 'port' of 'node' is an edge, and not the one where 'host' is. */
static bool is_elsewhere(const struct forwarding *f, const struct fb_host *host, uint16_t node,
                         uint16_t port)
{
	const struct fb_place at = {.node = node, .port = port};

	return fb_discovery_port(f->discovery, at) == FB_PORT_EDGE &&
	       !forwarding_is_place(at, host->at);
}

/* Some entry of 'flow' leads from an edge that is not that of 'src', or to one that is not that of
 * 'dst' (NULL: not known). */
static bool is_contradicted(const struct forwarding *f, const struct forwarding_flow *flow,
                            const struct fb_host *src, const struct fb_host *dst)
{
	const struct forwarding_entry *entry = forwarding_entries_at(f, flow->entry_first);

	for (; entry; entry = forwarding_entries_at(f, entry->next)) {
		if ((src && is_elsewhere(f, src, entry->node, entry->in_port)) ||
		    (dst && is_elsewhere(f, dst, entry->node, entry->out_port)))
			return true;
	}
	return false;
}

static const struct fb_host *host_of(const struct forwarding *f, uint64_t key)
{
	uint8_t mac[FB_MAC_BYTES];

	fb_mac_from_u64(mac, key >> 16);
	return fb_discovery_host(f->discovery, mac, key & 0xffff);
}

static void check(struct forwarding_call *call, struct forwarding_flow *flow)
{
	struct forwarding *f = call->f;
	const struct fb_host *src = host_of(f, flow->pair.src), *dst = host_of(f, flow->pair.dst);

	if (src && dst)
		forwarding_flows_aim(call, flow, src->at, dst->at);
	else if (is_contradicted(f, flow, src, dst))
		forwarding_flows_leave(call, flow);
}

static void check_all(struct forwarding_call *call, struct port_lists *lists, uint64_t key)
{
	uint32_t index = port_lists_first(lists, key), next;

	for (; index != FB_TABLE_NONE; index = next) {
		struct forwarding_flow *flow = fb_table_at(call->f->flows, index);

		next = port_lists_next(lists, index);
		if (flow->adopted)
			check(call, flow);
	}
}

void forwarding_adopted_host(struct forwarding_call *call, const struct fb_host *host)
{
	uint64_t key = forwarding_host_key(host->mac, host->vlan);

	check_all(call, &call->f->by_src, key);
	check_all(call, &call->f->by_dst, key);
}
