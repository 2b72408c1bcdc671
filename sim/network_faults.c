/* Faults begin and are mended. See network_private.h; what each kind does is in
 * network_fault_links.c, network_fault_control.c and network_fault_hosts.c. */
#include "sim/network_private.h"

static void change(struct network *network, const struct fault *fault, bool begins)
{
	network->last_activity_ns = network->clock.now_ns;
	NETWORK_OBSERVE(network, fault, fault, begins);
	switch (fault_place(fault->kind)) {
	case FAULT_AT_LINK:
		network_fault_link(network, fault, begins);
		break;
	case FAULT_AT_SWITCH:
	case FAULT_AT_CONTROLLER:
		network_fault_control(network, fault, begins);
		break;
	case FAULT_AT_HOST:
		network_fault_host(network, fault, begins);
		break;
	}
}

void network_fault_begin(struct network *network, const struct fault *fault)
{
	change(network, fault, true);
}

void network_fault_end(struct network *network, const struct fault *fault)
{
	change(network, fault, false);
}
