/* The datapath's ports and queues: what the owner says of them, what controllers ask of them
 * (specification 1.0.0, sections 5.2.1, 5.3.3 and 5.4.3). What the configuration bits do is in
 * ports.h. */
#include "softswitch/datapath_private.h"

static void tell_port(struct datapath *dp, const struct port *port, uint8_t reason)
{
	struct fb_port_status ps = {.reason = reason, .desc = port->desc};

	dp->ops.port_status(dp->ops.ctx, &ps);
}

static bool same_desc(const struct fb_phy_port *a, const struct fb_phy_port *b)
{
	return fb_mac_equal(a->hw_addr, b->hw_addr) && strcmp(a->name, b->name) == 0 &&
	       a->config == b->config && a->state == b->state && a->curr == b->curr &&
	       a->advertised == b->advertised && a->supported == b->supported && a->peer == b->peer;
}

/* 'port' is described by 'desc' now: forget stations behind it when it can reach none any more, and
 * tell the controllers when it is news. */
static void change_desc(struct datapath *dp, struct port *port, const struct fb_phy_port *desc)
{
	bool was_up = ports_is_up(port);
	bool news = !same_desc(&port->desc, desc);

	port->desc = *desc;
	if (was_up && !ports_is_up(port))
		mac_learning_flush_port(&dp->macs, desc->port_no);
	if (news)
		tell_port(dp, port, OFPPR_MODIFY);
}

int datapath_add_port(struct datapath *dp, const struct fb_phy_port *desc, uint64_t now_ns)
{
	struct port *port = ports_add(&dp->ports, desc);

	(void)now_ns;
	if (!port)
		return -1;
	tell_port(dp, port, OFPPR_ADD);
	return 0;
}

int datapath_remove_port(struct datapath *dp, uint16_t port_no, uint64_t now_ns)
{
	struct port *port = ports_find(&dp->ports, port_no);

	(void)now_ns;
	if (!port)
		return -1;
	mac_learning_flush_port(&dp->macs, port_no);
	tell_port(dp, port, OFPPR_DELETE);
	ports_remove(&dp->ports, port);
	return 0;
}

void datapath_set_link(struct datapath *dp, uint16_t port_no, bool up, uint64_t now_ns)
{
	struct port *port = ports_find(&dp->ports, port_no);
	struct fb_phy_port desc;

	(void)now_ns;
	if (!port)
		return;
	desc = port->desc;
	desc.state &= ~(uint32_t)OFPPS_LINK_DOWN;
	if (!up)
		desc.state |= OFPPS_LINK_DOWN;
	change_desc(dp, port, &desc);
}

int datapath_update_port(struct datapath *dp, const struct fb_phy_port *desc, uint64_t now_ns)
{
	struct port *port = ports_find(&dp->ports, desc->port_no);
	struct fb_phy_port updated = *desc;

	(void)now_ns;
	if (!port)
		return -1;
	updated.config = port->desc.config;
	if (port->advertise)
		updated.advertised = port->advertise & desc->supported;
	change_desc(dp, port, &updated);
	return 0;
}

const struct fb_phy_port *datapath_port_at(const struct datapath *dp, size_t place)
{
	return place < dp->ports.count ? &dp->ports.list[place]->desc : NULL;
}

const struct fb_phy_port *datapath_port(const struct datapath *dp, uint16_t port_no)
{
	const struct port *port = ports_find(&dp->ports, port_no);

	return port ? &port->desc : NULL;
}

/* An 'advertise' of zeros changes nothing (section 5.3.3); bits that the port does not support are
 * not advertised. */
int datapath_port_mod(struct datapath *dp, const struct fb_port_mod *pm, uint64_t now_ns,
                      struct fb_of_error *error)
{
	struct port *port = ports_find(&dp->ports, pm->port_no);
	uint32_t mask = pm->mask & PORTS_CONFIG_ALL;
	struct fb_phy_port desc;
	bool configured;

	(void)now_ns;
	if (!port)
		return datapath_error(error, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_PORT,
		                      "there is no such port");
	if (!fb_mac_equal(port->desc.hw_addr, pm->hw_addr))
		return datapath_error(error, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_HW_ADDR,
		                      "the port has another hardware address");
	desc = port->desc;
	desc.config = (desc.config & ~mask) | (pm->config & mask);
	if (pm->advertise) {
		port->advertise = pm->advertise;
		desc.advertised = pm->advertise & desc.supported;
	}
	configured = desc.config != port->desc.config;
	change_desc(dp, port, &desc);
	if (configured && dp->ops.port_configured)
		dp->ops.port_configured(dp->ops.ctx, desc.port_no, desc.config);
	return 0;
}

/* --- Counters --- */

/* A counter of all ones is one that the device does not have. */
static void add_count(uint64_t *counter, uint64_t more)
{
	if (more != UINT64_MAX)
		*counter += more;
}

void datapath_count_port(struct datapath *dp, uint16_t port_no, const struct fb_port_stats *more)
{
	struct port *port = ports_find(&dp->ports, port_no);
	struct fb_port_stats *stats;

	if (!port)
		return;
	stats = &port->stats;
	add_count(&stats->rx_packets, more->rx_packets);
	add_count(&stats->tx_packets, more->tx_packets);
	add_count(&stats->rx_bytes, more->rx_bytes);
	add_count(&stats->tx_bytes, more->tx_bytes);
	add_count(&stats->rx_dropped, more->rx_dropped);
	add_count(&stats->tx_dropped, more->tx_dropped);
	add_count(&stats->rx_errors, more->rx_errors);
	add_count(&stats->tx_errors, more->tx_errors);
	add_count(&stats->rx_frame_err, more->rx_frame_err);
	add_count(&stats->rx_over_err, more->rx_over_err);
	add_count(&stats->rx_crc_err, more->rx_crc_err);
	add_count(&stats->collisions, more->collisions);
}

bool datapath_port_stats(const struct datapath *dp, uint16_t port_no, struct fb_port_stats *out)
{
	const struct port *port = ports_find(&dp->ports, port_no);

	if (!port)
		return false;
	*out = port->stats;
	return true;
}

/* --- Queues --- */

int datapath_add_queue(struct datapath *dp, uint16_t port_no, uint32_t queue_id,
                       uint16_t min_rate_permille)
{
	struct port *port = ports_find(&dp->ports, port_no);

	return port ? ports_add_queue(port, queue_id, min_rate_permille) : -1;
}

const struct datapath_queue *datapath_queue_at(const struct datapath *dp, uint16_t port_no,
                                               size_t place)
{
	const struct port *port = ports_find(&dp->ports, port_no);

	return port && place < port->queues_count ? &port->queues[place] : NULL;
}
