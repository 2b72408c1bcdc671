/* Faults at control. See network_private.h. */
#include "sim/network_private.h"

void network_fault_control(struct network *network, const struct fault *fault, bool begins)
{
	(void)network;
	(void)fault;
	(void)begins;
}

bool network_fault_message(struct network_switch *sw, enum mutation_point point, const uint8_t *msg,
                           size_t len)
{
	(void)sw;
	(void)point;
	(void)msg;
	(void)len;
	return false;
}
