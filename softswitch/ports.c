/* The ports of a datapath; see ports.h. A sorted list for walking, an array by number for finding.
 */
#include "softswitch/ports.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"

void ports_init(struct ports *ports)
{
	*ports = (struct ports){.count = 0};
}

static void port_free(struct port *port)
{
	free(port->queues);
	free(port);
}

void ports_destroy(struct ports *ports)
{
	for (uint32_t i = 0; i < ports->count; i++)
		port_free(ports->list[i]);
	free(ports->list);
	free(ports->by_number);
	ports_init(ports);
}

static void by_number_grow(struct ports *ports, uint32_t size)
{
	ports->by_number = xrealloc(ports->by_number, size * sizeof(struct port *));
	for (uint32_t i = ports->by_number_size; i < size; i++)
		ports->by_number[i] = NULL;
	ports->by_number_size = size;
}

struct port *ports_add(struct ports *ports, const struct fb_phy_port *desc)
{
	uint16_t port_no = desc->port_no;
	struct port *port;
	uint32_t at;

	if (port_no == 0 || (port_no >= OFPP_MAX && port_no != OFPP_LOCAL) ||
	    ports_find(ports, port_no) || ports->count == PORTS_MAX)
		return NULL;
	port = xcalloc(1, sizeof *port);
	port->desc = *desc;
	port->stats.port_no = port_no;
	ports->list = xrealloc(ports->list, (ports->count + 1) * sizeof(struct port *));
	for (at = ports->count++; at > 0 && ports->list[at - 1]->desc.port_no > port_no; at--)
		ports->list[at] = ports->list[at - 1];
	ports->list[at] = port;
	if (port_no == OFPP_LOCAL) {
		ports->local = port;
		return port;
	}
	if (port_no >= ports->by_number_size)
		by_number_grow(ports, port_no + 1u);
	ports->by_number[port_no] = port;
	return port;
}

void ports_remove(struct ports *ports, struct port *port)
{
	uint32_t at = 0;

	while (ports->list[at] != port)
		at++;
	for (ports->count--; at < ports->count; at++)
		ports->list[at] = ports->list[at + 1];
	if (port == ports->local)
		ports->local = NULL;
	else
		ports->by_number[port->desc.port_no] = NULL;
	port_free(port);
}

/* --- Queues --- */

enum { PERMILLE = 1000 };

static uint32_t guaranteed(uint16_t min_rate_permille)
{
	return min_rate_permille <= PERMILLE ? min_rate_permille : 0;
}

int ports_add_queue(struct port *port, uint32_t queue_id, uint16_t min_rate_permille)
{
	uint32_t sum = guaranteed(min_rate_permille);
	uint32_t at;

	for (uint32_t i = 0; i < port->queues_count; i++)
		sum += guaranteed(port->queues[i].min_rate_permille);
	if (sum > PERMILLE || queue_id == OFPQ_ALL || ports_queue(port, queue_id) ||
	    port->queues_count == DATAPATH_QUEUES_MAX)
		return -1;
	port->queues = xrealloc(port->queues, (port->queues_count + 1) * sizeof *port->queues);
	for (at = port->queues_count++; at > 0 && port->queues[at - 1].queue_id > queue_id; at--)
		port->queues[at] = port->queues[at - 1];
	port->queues[at] = (struct datapath_queue){
	        .queue_id = queue_id,
	        .min_rate_permille = min_rate_permille,
	        .stats = {.port_no = port->desc.port_no, .queue_id = queue_id},
	};
	return 0;
}

struct datapath_queue *ports_queue(const struct port *port, uint32_t queue_id)
{
	for (uint32_t i = 0; i < port->queues_count; i++) {
		if (port->queues[i].queue_id == queue_id)
			return &port->queues[i];
	}
	return NULL;
}

/* --- Frames that come in --- */

/* Frames of the spanning tree protocol (IEEE 802.1D). */
static bool is_stp(const uint8_t *dl_dst)
{
	static const uint8_t bridge_group[FB_MAC_BYTES] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x00};

	return fb_mac_equal(dl_dst, bridge_group);
}

bool ports_receive(struct port *port, const uint8_t *dl_dst, uint32_t len)
{
	uint32_t config = port->desc.config;

	if (!ports_is_up(port)) {
		port->stats.rx_dropped++;
		return false;
	}
	port->stats.rx_packets++;
	port->stats.rx_bytes += len;
	if (config & (OFPPC_NO_RECV | OFPPC_NO_RECV_STP) &&
	    config & (is_stp(dl_dst) ? OFPPC_NO_RECV_STP : OFPPC_NO_RECV)) {
		port->stats.rx_dropped++;
		return false;
	}
	return true;
}
