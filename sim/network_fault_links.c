/* Faults at links. See network_private.h. */
#include "sim/network_private.h"

void network_fault_link(struct network *network, const struct fault *fault, bool begins)
{
	(void)network;
	(void)fault;
	(void)begins;
}
