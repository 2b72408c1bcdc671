/* Faults begin and are mended. See network_private.h; what each kind does is in
 * network_fault_links.c, network_fault_control.c and network_fault_hosts.c. */
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "sim/network_private.h"

/* --- Faults that go on --- */

struct network_ongoing *network_ongoing_begin(struct network *network, const struct fault *fault)
{
	struct network_ongoing *ongoing = xcalloc(1, sizeof *ongoing);

	ongoing->network = network;
	ongoing->fault = fault;
	LIST_INSERT_HEAD(&network->ongoing, ongoing, entry);
	return ongoing;
}

struct network_ongoing *network_ongoing_of(struct network *network, const struct fault *fault)
{
	struct network_ongoing *ongoing;

	LIST_FOREACH(ongoing, &network->ongoing, entry)
	{
		if (ongoing->fault == fault)
			return ongoing;
	}
	abort();
}

void network_ongoing_end(struct network_ongoing *ongoing)
{
	clock_cancel(&ongoing->network->clock, &ongoing->event);
	LIST_REMOVE(ongoing, entry);
	free(ongoing);
}

const struct fault *network_ongoing_latest(const struct network *network, enum fault_kind kind,
                                           uint32_t place)
{
	const struct network_ongoing *ongoing;

	LIST_FOREACH(ongoing, &network->ongoing, entry)
	{
		if (ongoing->fault->kind == kind && ongoing->fault->place == place)
			return ongoing->fault;
	}
	return NULL;
}

void network_ongoing_forget(struct network *network)
{
	while (!LIST_EMPTY(&network->ongoing))
		network_ongoing_end(LIST_FIRST(&network->ongoing));
}

/* --- Beginning and ending --- */

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
