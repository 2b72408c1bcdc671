/* The ports of a datapath: their descriptions, configuration bits, counters and queues
 * (specification 1.0.0, sections 5.2.1, 5.2.2, 5.3.3 and 5.3.5).
 *
 * What the configuration bits do:
 * - PORT_DOWN: the port neither receives nor sends. The link's state is the device's and stays as
 *   it is told: whoever drives a real interface takes it down, too (datapath_ops.port_configured).
 * - NO_RECV: frames that come in are dropped, but those of the spanning tree protocol;
 *   NO_RECV_STP: only those.
 * - NO_FWD: nothing is sent. NO_FLOOD: OFPP_FLOOD and a flooding OFPP_NORMAL leave the port out.
 * - NO_PACKET_IN: frames of this port that miss make no packet-in.
 * - NO_STP: stored and told; there is no spanning tree (OFPC_STP is not among the capabilities).
 *
 * A port that is removed takes its configuration, counters and queues with it: one that is added
 * again under its number is a new port. */
#ifndef SOFTSWITCH_PORTS_H
#define SOFTSWITCH_PORTS_H

#include "softswitch/datapath.h"

enum {
	/* What one FEATURES_REPLY, which has no second part, can list. */
	PORTS_MAX = (65535 - 32) / 48,
	PORTS_CONFIG_ALL = OFPPC_PORT_DOWN | OFPPC_NO_STP | OFPPC_NO_RECV | OFPPC_NO_RECV_STP |
	                   OFPPC_NO_FLOOD | OFPPC_NO_FWD | OFPPC_NO_PACKET_IN,
};

struct port {
	struct fb_phy_port desc;
	struct fb_port_stats stats;
	uint32_t advertise;            /* OFPPF_*: the last port-mod's wish; 0: there was none */
	struct datapath_queue *queues; /* in rising order of queue id */
	uint32_t queues_count;
};

struct ports {
	struct port **list; /* in rising order of number */
	uint32_t count;
	struct port **by_number; /* NULL where there is no port; OFPP_LOCAL is not in it */
	uint32_t by_number_size;
	struct port *local; /* OFPP_LOCAL */
};

void ports_init(struct ports *ports);
void ports_destroy(struct ports *ports);
/* Add a port with zero counters; NULL when the number is taken or impossible (0, or virtual), or
 * there are PORTS_MAX. */
struct port *ports_add(struct ports *ports, const struct fb_phy_port *desc);
void ports_remove(struct ports *ports, struct port *port);
/* Add a queue with zero counters; -1 when it is there, is OFPQ_ALL, is one more than
 * DATAPATH_QUEUES_MAX, or more than all bandwidth would be guaranteed. */
int ports_add_queue(struct port *port, uint32_t queue_id, uint16_t min_rate_permille);
/* The queue 'queue_id' of 'port'; NULL: there is none. Valid until one is added. */
struct datapath_queue *ports_queue(const struct port *port, uint32_t queue_id);

static inline struct port *ports_find(const struct ports *ports, uint16_t port_no)
{
	if (port_no < ports->by_number_size)
		return ports->by_number[port_no];
	return port_no == OFPP_LOCAL ? ports->local : NULL;
}

/* Neither brought down nor without a link. */
static inline bool ports_is_up(const struct port *port)
{
	return !(port->desc.config & OFPPC_PORT_DOWN) && !(port->desc.state & OFPPS_LINK_DOWN);
}

/* The port takes frames to send. */
static inline bool ports_may_send(const struct port *port)
{
	return ports_is_up(port) && !(port->desc.config & OFPPC_NO_FWD);
}

/* A frame of 'len' bytes to 'dl_dst' came in: count it, and say whether the switch looks at it.
 * NO_RECV lets 802.1D frames through, NO_RECV_STP stops only those. */
bool ports_receive(struct port *port, const uint8_t *dl_dst, uint32_t len);

#endif
