/* What TCP connections of steps cost: packet-ins, flow-mods, flow entries and the time until they were
 * established, each of every single connection; and the bytes on control channels. For expectations
 * that allow just so much.
 *
 * A connection is known by its addresses and ports. A packet-in is of the connection whose frame it
 * carries, in either direction; a flow-mod and a flow entry are of the one that their match names, if it
 * names both addresses and both ports. What names no connection (ARP, discovery, entries for whole
 * addresses) is of none. When ports are used again, what comes from the second one's beginning on is
 * the second one's. Messages count when they arrive.
 *
 * On control channels all bytes count, of both directions, but for discovery (lldp.h). */
#ifndef SIM_BUDGET_H
#define SIM_BUDGET_H

#include "sim/network.h"

enum { BUDGET_EVENTS_MAX = 20000000 }; /* packet-ins and flow-mods of connections */

struct budget;

/* A TCP connection of a step, that has ended. */
struct budget_connection {
	uint32_t client; /* the host */
	uint32_t client_ip, server_ip;
	uint16_t client_port, server_port;
	uint64_t started_ns, connected_ns; /* connected_ns: 0 when never */
	bool refused;                      /* and so never established, which took no time */
};

/* True when 'scenario' expects something that needs it. It costs time, so no other run has one. */
bool budget_is_wanted(const struct scenario *scenario);
struct budget *budget_new(const struct scenario *scenario);
void budget_free(struct budget *budget); /* takes NULL */
struct network_observer budget_observer(struct budget *budget);

void budget_add_connection(struct budget *budget, const struct budget_connection *connection);
size_t budget_connections(const struct budget *budget);
/* In the order of their ends. */
const struct budget_connection *budget_connection_at(const struct budget *budget, size_t place);

/* What the connections from 'first' on cost by 'kind' (EXPECT_CONNECTION_*), of which one has most and
 * one least: the value that breaks 'bounds' if one does. '*place' is whose it is. There is one at
 * least. FB_NEVER: so many were to be counted that it is not known, or it was never established; what was
 * refused has no time. */
uint64_t budget_worst(struct budget *budget, struct network *network, enum scenario_kind kind,
                      size_t first, const struct scenario_bounds *bounds, size_t *place);
/* Bytes on the control channel of 'sw', or on all (SCENARIO_NONE). */
uint64_t budget_control_bytes(const struct budget *budget, uint32_t sw);

#endif
