/* What discovery tells of itself: counters, and what it knows when somebody asks. */
#include "controller/apps/discovery_private.h"

void discovery_report_counters(const void *state,
                               void (*tell)(void *ctx, const char *name, uint64_t value), void *ctx)
{
	const struct fb_discovery *d = state;
	const struct discovery_counters *c = &d->counters;

	tell(ctx, "links_up", c->links_up);
	tell(ctx, "links_down", c->links_down);
	tell(ctx, "links_silent", c->links_silent);
	tell(ctx, "lldp_sent", c->lldp_sent);
	tell(ctx, "lldp_heard", c->lldp_heard);
	tell(ctx, "lldp_foreign", c->lldp_foreign);
	tell(ctx, "lldp_forged", c->lldp_forged);
	tell(ctx, "lldp_stale", c->lldp_stale);
	tell(ctx, "lldp_echoed", c->lldp_echoed);
	tell(ctx, "lldp_cut", c->lldp_cut);
	tell(ctx, "lldp_crowded", c->lldp_crowded);
	tell(ctx, "ports_up", c->ports_up);
	tell(ctx, "ports_down", c->ports_down);
	tell(ctx, "edges", c->edges);
	tell(ctx, "held", c->held);
	tell(ctx, "held_passed", c->held_passed);
	tell(ctx, "held_dropped", c->held_dropped);
	tell(ctx, "held_full", c->held_full);
	tell(ctx, "trees", c->trees);
	tell(ctx, "hosts_new", c->hosts_new);
	tell(ctx, "hosts_moved", c->hosts_moved);
	tell(ctx, "hosts_gone", c->hosts_gone);
	tell(ctx, "hosts_expired", c->hosts_expired);
	tell(ctx, "hosts_evicted", c->hosts_evicted);
	tell(ctx, "switches_forgotten", d->topology->nodes_forgotten);
	tell(ctx, "switches_refused", c->switches_refused);
	tell(ctx, "leads_evicted", c->leads_evicted);
	tell(ctx, "distances_evicted", d->topology->rows_evicted);
}

static const char *kind_name(enum fb_port_kind kind)
{
	switch (kind) {
	case FB_PORT_DOWN:
		return "down";
	case FB_PORT_PENDING:
		return "pending";
	case FB_PORT_EDGE:
		return "edge";
	case FB_PORT_LINK:
		return "link";
	}
	return "";
}

/* The end 'key' of a link. */
static void report_end(const struct fb_discovery *d, struct fb_report *report, const char *key,
                       struct fb_place at)
{
	fb_report_begin_map(report, key);
	fb_report_dpid(report, "dpid", topology_node(d->topology, at.node)->dpid);
	fb_report_u64(report, "port", at.port);
	fb_report_end_map(report);
}

/* Links by their lower end. False: no more are wanted. */
static bool report_links_of(const struct fb_discovery *d, const struct topology_node *node,
                            struct fb_report *report)
{
	for (uint32_t i = 0; i < node->ports_count; i++) {
		const struct topology_port *port = node->ports[i];
		const struct topology_port *peer = topology_peer(d->topology, port);

		if (!peer || peer->node->dpid < node->dpid ||
		    (peer->node == node && peer->number < port->number))
			continue;
		if (!fb_report_more(report))
			return false;
		fb_report_begin_map(report, NULL);
		report_end(d, report, "a", topology_place(port));
		report_end(d, report, "b", topology_place(peer));
		fb_report_bool(report, "in_tree", port->in_tree);
		fb_report_end_map(report);
	}
	return true;
}

static void report_links(const struct fb_discovery *d, struct fb_report *report)
{
	const struct topology *t = d->topology;

	fb_report_begin_list(report, "links", t->links_count, 0);
	for (uint32_t i = 0; i < t->up_count; i++) {
		if (!report_links_of(d, t->by_dpid[i], report))
			break;
	}
	fb_report_end_list(report);
}

/* Those heard last come first. */
static void report_hosts(const struct fb_discovery *d, struct fb_report *report, uint64_t now_ns)
{
	const struct fb_table *table = d->hosts.table;
	const struct discovery_host *entry = fb_table_newest(table);

	fb_report_begin_list(report, "hosts", fb_table_count(table), fb_table_limit(table));
	for (; entry && fb_report_more(report); entry = fb_table_older(table, entry)) {
		const struct fb_host *host = &entry->host;

		fb_report_begin_map(report, NULL);
		fb_report_mac(report, "mac", host->mac);
		fb_report_vlan(report, "vlan", host->vlan);
		if (host->ip)
			fb_report_ip(report, "ip", host->ip);
		else
			fb_report_null(report, "ip");
		fb_report_dpid(report, "dpid", fb_discovery_dpid(d, host->at.node));
		fb_report_u64(report, "port", host->at.port);
		fb_report_age(report, "heard_s", host->heard_ns, now_ns);
		fb_report_end_map(report);
	}
	fb_report_end_list(report);
}

void discovery_report_network(const void *state, struct fb_report *report, uint64_t now_ns)
{
	const struct fb_discovery *d = state;

	fb_report_u64(report, "switches_up", d->topology->up_count);
	fb_report_u64(report, "switches_away", d->topology->away_count);
	fb_report_u64(report, "ports_pending", d->topology->ports_pending);
	fb_report_bool(report, "tree_settled", discovery_tree_is_settled(d));
	report_links(d, report);
	report_hosts(d, report, now_ns);
}

static void report_port(const struct fb_discovery *d, const struct discovery_port *port,
                        struct fb_report *report)
{
	const struct topology_port *peer = topology_peer(d->topology, &port->at);

	fb_report_begin_map(report, NULL);
	fb_report_u64(report, "port", port->at.number);
	fb_report_text(report, "kind", kind_name(port->at.kind));
	if (peer)
		report_end(d, report, "peer", topology_place(peer));
	else
		fb_report_null(report, "peer");
	fb_report_bool(report, "in_tree", port->at.in_tree);
	fb_report_u64(report, "held", port->held.count);
	fb_report_end_map(report);
}

/* Ports that frames pass. */
void discovery_report_switch(const void *state, const struct fb_switch *sw,
                             struct fb_report *report, uint64_t now_ns)
{
	const struct fb_discovery *d = state;
	const struct topology_node *node = fb_switch_state(sw, d->app);

	(void)now_ns;
	if (!node)
		return;
	fb_report_begin_list(report, "ports", node->ports_count, 0);
	for (uint32_t i = 0; i < node->ports_count && fb_report_more(report); i++)
		report_port(d, (const struct discovery_port *)node->ports[i], report);
	fb_report_end_list(report);
}
