/* What other applications ask of discovery; see <flowbed/discovery.h>. */
#include "controller/apps/discovery_private.h"

struct fb_discovery *fb_discovery_of(struct fb_app *app)
{
	return fb_app_before(app, &fb_app_discovery);
}

/* --- Nodes, ports, hosts --- */

uint16_t fb_discovery_node(const struct fb_discovery *d, const struct fb_switch *sw)
{
	const struct topology_node *node = fb_switch_state(sw, d->app);

	if (!node) /* in switch_down it has left already */
		node = topology_find(d->topology, fb_switch_dpid(sw));
	return node ? node->index : FB_NODE_NONE;
}

struct fb_switch *fb_discovery_switch(const struct fb_discovery *d, uint16_t node)
{
	const struct topology_node *known = topology_node(d->topology, node);

	return known ? known->owner : NULL;
}

uint64_t fb_discovery_dpid(const struct fb_discovery *d, uint16_t node)
{
	const struct topology_node *known = topology_node(d->topology, node);

	return known ? known->dpid : 0;
}

enum fb_port_kind fb_discovery_port(const struct fb_discovery *d, struct fb_place at)
{
	const struct topology_port *port = topology_at(d->topology, at);

	return port ? port->kind : FB_PORT_DOWN;
}

struct fb_place fb_discovery_peer(const struct fb_discovery *d, struct fb_place at)
{
	const struct topology_port *port = topology_at(d->topology, at);

	return port && topology_peer(d->topology, port) ? port->heard : (struct fb_place){0};
}

const struct fb_host *fb_discovery_host(const struct fb_discovery *d,
                                        const uint8_t mac[FB_MAC_BYTES], uint16_t vlan)
{
	uint64_t key = discovery_hosts_key(mac, vlan);
	const struct discovery_host *entry = fb_table_find(d->hosts.table, &key);

	return entry ? &entry->host : NULL;
}

/* --- Paths --- */

uint64_t fb_discovery_version(const struct fb_discovery *d)
{
	return d->topology->version;
}

size_t fb_discovery_path(struct fb_discovery *d, struct fb_place from, struct fb_place to,
                         uint64_t hash, struct fb_hop hops[FB_PATH_HOPS_MAX])
{
	return topology_path(d->topology, from, to, hash, hops);
}

bool fb_discovery_path_holds(const struct fb_discovery *d, const struct fb_hop *hops, size_t count)
{
	return topology_path_holds(d->topology, hops, count);
}

unsigned fb_discovery_distance(struct fb_discovery *d, uint16_t from, uint16_t to)
{
	return topology_distance(d->topology, from, to);
}

/* --- Floods --- */

/* Append the outputs to all edges of 'node', and to the links of the tree with 'links', but not to
 * 'except'. */
static bool put_outputs(const struct topology_node *node, uint16_t except, bool links,
                        struct fb_buf *actions)
{
	size_t len = actions->len;

	for (uint32_t i = 0; i < node->ports_count; i++) {
		const struct topology_port *port = node->ports[i];

		if (port->number == except || port->no_flood)
			continue;
		if (port->kind == FB_PORT_EDGE || (links && port->in_tree))
			fb_action_put_output(actions, port->number, 0);
	}
	return actions->len > len;
}

bool fb_discovery_put_flood(struct fb_discovery *d, const struct fb_switch *sw, uint16_t in_port,
                            struct fb_buf *actions)
{
	const struct topology_node *node = fb_switch_state(sw, d->app);
	const struct topology_port *port = node ? topology_port(node, in_port) : NULL;

	if (!port || (port->kind != FB_PORT_EDGE && !port->in_tree))
		return false;
	if (node->links_count > 0 || node->pending_count > 0)
		return put_outputs(node, in_port, true, actions);
	return fb_action_put_output(actions, OFPP_FLOOD, 0);
}

bool fb_discovery_put_edges(struct fb_discovery *d, const struct fb_switch *sw, uint16_t except,
                            struct fb_buf *actions)
{
	const struct topology_node *node = fb_switch_state(sw, d->app);

	return node && put_outputs(node, except, false, actions);
}
