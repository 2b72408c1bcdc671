/* discovery: links, paths and hosts for the applications behind it; see <flowbed/discovery.h>.
 *
 * It sends discovery frames out of all ports and sees where they come in. What a port is follows
 * from that (discovery_links.c), from what all ports are a graph (topology.c), from the graph a tree
 * for floods (discovery_tree.c) and paths; what comes in by edges tells where hosts are
 * (discovery_hosts.c).
 *
 * Frames of pending ports are stopped here and go on when their port has become an edge; all others
 * are handed on. What an array of packet-ins tells of hosts is taken in step with the applications
 * behind: at a frame with news the array is cut (FB_LATER), so that they are told of it after they
 * have handled the frames before it.
 *
 * It sends nothing but discovery frames and what releases buffers, and installs no entries. */
#include "controller/apps/discovery_private.h"

#include <stdlib.h>

enum {
	BATCH_MAX = 32, /* packet-ins whose sources are looked for at once */
	NO_SLOT = UINT8_MAX,
	NODES_AWAY_MAX = 4096,
	LEADS_MAX = 65536,
	HELD_BYTES_MAX = 16 << 20,
};

/* What is looked up for a batch of packet-ins. */
struct batch {
	struct discovery_port *ports[BATCH_MAX]; /* NULL: no such port, or it is down */
	uint8_t slots[BATCH_MAX];                /* in 'keys'; NO_SLOT: no host is heard */
	uint64_t keys[BATCH_MAX];
	void *found[BATCH_MAX];
	uint64_t changes; /* of the table of hosts at that time */
};

void discovery_want_timer(struct fb_discovery *d, uint64_t at_ns)
{
	if (at_ns >= d->timer_ns)
		return;
	d->timer_ns = at_ns;
	fb_app_set_timer(d->app, at_ns);
}

void discovery_tell(struct fb_discovery *d, enum fb_network_event_type type, struct fb_place at,
                    struct fb_place other, const struct fb_host *host, uint64_t now_ns)
{
	const struct fb_network_event event = {
	        .type = type, .at = at, .other = other, .host = host};

	fb_app_tell(d->app, &event, now_ns);
}

/* --- Switches and ports --- */

static bool is_usable(const struct fb_phy_port *desc)
{
	return !(desc->state & OFPPS_LINK_DOWN) && !(desc->config & OFPPC_PORT_DOWN);
}

static void discovery_switch_up(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	struct fb_discovery *d = state;
	struct topology_node *node = topology_node_up(d->topology, fb_switch_dpid(sw), sw);
	const struct fb_phy_port *desc;

	fb_switch_set_state(sw, d->app, node);
	if (!node) {
		d->counters.switches_refused++;
		return;
	}
	for (size_t i = 0; (desc = fb_switch_port_at(sw, i)); i++) {
		if (is_usable(desc))
			discovery_links_port_up(d, node, desc, now_ns);
	}
	discovery_tree_changed(d, now_ns);
}

static void discovery_switch_down(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	struct fb_discovery *d = state;
	struct topology_node *node = fb_switch_state(sw, d->app);

	if (!node)
		return;
	fb_switch_set_state(sw, d->app, NULL);
	discovery_links_switch_down(d, node, now_ns);
	discovery_tree_changed(d, now_ns);
}

static enum fb_verdict discovery_port_status(void *state, struct fb_switch *sw,
                                             const struct fb_port_status *ps, uint64_t now_ns)
{
	struct fb_discovery *d = state;
	struct topology_node *node = fb_switch_state(sw, d->app);
	struct discovery_port *port;

	if (!node)
		return FB_CONTINUE;
	port = (struct discovery_port *)topology_port(node, ps->desc.port_no);
	if (ps->reason == OFPPR_DELETE || !is_usable(&ps->desc)) {
		if (port)
			discovery_links_port_down(d, port, now_ns);
	} else if (!port) {
		discovery_links_port_up(d, node, &ps->desc, now_ns);
	} else {
		memcpy(port->hw_addr, ps->desc.hw_addr, FB_MAC_BYTES);
		topology_set_no_flood(d->topology, &port->at, ps->desc.config & OFPPC_NO_FLOOD);
	}
	discovery_tree_changed(d, now_ns);
	return FB_CONTINUE;
}

/* --- Packet-ins --- */

/* Find the ports of 'count' packet-ins, and the hosts that those who came by edges are from. */
static void look_up(const struct fb_discovery *d, const struct topology_node *node,
                    struct batch *batch, const struct fb_packet_in *packet_ins, size_t count)
{
	size_t slots = 0;

	for (size_t i = 0; i < count; i++) {
		const struct fb_packet_in *pi = &packet_ins[i];

		if (i > 0 && pi->in_port == pi[-1].in_port)
			batch->ports[i] = batch->ports[i - 1];
		else
			batch->ports[i] = (struct discovery_port *)topology_port(node, pi->in_port);
		batch->slots[i] = NO_SLOT;
		if (!batch->ports[i] || batch->ports[i]->at.kind != FB_PORT_EDGE ||
		    fb_mac_is_multicast(pi->packet.dl_src))
			continue;
		batch->slots[i] = (uint8_t)slots;
		batch->keys[slots++] =
		        discovery_hosts_key(pi->packet.dl_src, discovery_hosts_vlan(&pi->packet));
	}
	fb_table_find_many(d->hosts.table, batch->keys, slots, batch->found);
	batch->changes = fb_table_changes(d->hosts.table);
}

static struct discovery_host *found(const struct fb_discovery *d, const struct batch *batch,
                                    size_t i)
{
	uint8_t slot = batch->slots[i];

	if (batch->changes == fb_table_changes(d->hosts.table))
		return batch->found[slot];
	return fb_table_find(d->hosts.table, &batch->keys[slot]);
}

/* 'pi' is the one at 'i' of 'batch'; 'passed': some before it in its array go on to others. False:
 * it has news, and those come first. */
static bool handle(struct fb_discovery *d, struct fb_switch *sw, const struct batch *batch,
                   size_t i, struct fb_packet_in *pi, bool passed, uint64_t now_ns)
{
	struct discovery_port *port = batch->ports[i];
	struct discovery_host *host;
	struct fb_place at;

	if (pi->packet.dl_type == FB_ETH_LLDP) {
		discovery_links_hear(d, sw, pi, now_ns);
	} else if (port && port->at.kind == FB_PORT_PENDING) {
		discovery_links_hold(d, port, pi);
	} else if (batch->slots[i] != NO_SLOT) {
		at = topology_place(&port->at);
		host = found(d, batch, i);
		if (discovery_hosts_is_old(d, host, &pi->packet, at, now_ns))
			return true;
		if (passed && discovery_hosts_is_news(host, &pi->packet, at))
			return false;
		discovery_hosts_hear(d, &pi->packet, host, at, now_ns);
	}
	return true;
}

static void discovery_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                                size_t count, uint64_t now_ns)
{
	struct fb_discovery *d = state;
	const struct topology_node *node = fb_switch_state(sw, d->app);
	struct batch batch;
	bool passed = false;

	while (node && count > 0) {
		size_t some = count < BATCH_MAX ? count : BATCH_MAX;

		look_up(d, node, &batch, packet_ins, some);
		for (size_t i = 0; i < some; i++) {
			if (!handle(d, sw, &batch, i, &packet_ins[i], passed, now_ns)) {
				packet_ins[i].verdict = FB_LATER;
				return;
			}
			passed |= packet_ins[i].verdict == FB_CONTINUE;
		}
		packet_ins += some;
		count -= some;
	}
}

/* --- Time --- */

static void discovery_timer(void *state, uint64_t now_ns)
{
	struct fb_discovery *d = state;
	uint64_t next_ns;

	next_ns = discovery_links_run(d, now_ns);
	next_ns = fb_time_min(next_ns, discovery_hosts_run(d, now_ns));
	next_ns = fb_time_min(next_ns, discovery_tree_run(d, now_ns));
	d->timer_ns = next_ns;
	fb_app_set_timer(d->app, next_ns);
}

/* --- The instance --- */

static void discovery_destroy(void *state)
{
	struct fb_discovery *d = state;

	discovery_hosts_free(d);
	fb_table_free(d->leads);
	topology_free(d->topology);
	free(d);
}

static void *discovery_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	struct fb_discovery *d = calloc(1, sizeof *d);

	if (!d) {
		fb_text_puts(error, "discovery: out of memory");
		return NULL;
	}
	d->app = app;
	if (!discovery_options_take(&d->options, values, error)) {
		free(d);
		return NULL;
	}
	d->topology = topology_new(fb_app_run_id(app), NODES_AWAY_MAX);
	d->leads = fb_table_new(sizeof(uint32_t), sizeof(struct discovery_lead), LEADS_MAX);
	if (!d->topology || !d->leads || !discovery_hosts_init(d)) {
		fb_text_puts(error, "discovery: out of memory");
		discovery_destroy(d);
		return NULL;
	}
	TAILQ_INIT(&d->sending);
	for (int i = 0; i < DISCOVERY_WAITS_COUNT; i++)
		TAILQ_INIT(&d->waiting[i]);
	d->held_limits.per_queue_max = d->options.held_max;
	d->held_limits.bytes_max = HELD_BYTES_MAX;
	d->timer_ns = d->settle_ns = FB_NEVER;
	return d;
}

static bool discovery_ready(const void *state)
{
	const struct fb_discovery *d = state;

	return d->topology->ports_pending == 0 && discovery_tree_is_settled(d);
}

const struct fb_app_class fb_app_discovery = {
        .name = "discovery",
        .summary = "finds links, paths and hosts for the applications behind it",
        .scope = FB_SCOPE_NETWORK,
        .wants_lldp = true,
        .ethernet_only = true,
        .options = discovery_options_table,
        .options_count = DISCOVERY_OPTIONS_COUNT,
        .create = discovery_create,
        .destroy = discovery_destroy,
        .switch_up = discovery_switch_up,
        .switch_down = discovery_switch_down,
        .packet_in = discovery_packet_in,
        .port_status = discovery_port_status,
        .timer = discovery_timer,
        .ready = discovery_ready,
        .counters = discovery_report_counters,
        .report = discovery_report_network,
        .report_switch = discovery_report_switch,
};
