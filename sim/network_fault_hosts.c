/* Faults at hosts. See network_private.h.
 *
 * Those that keep a host off are counted. Of several that move one host, or give it an address, the
 * latest counts; when it ends, the one before it counts again, and at last what the steps say. */
#include "sim/network_private.h"

static void gratuitous_arp(struct network_host *h)
{
	host_arp(h->host, 0, true, h->network->clock.now_ns, NULL, NULL);
	network_host_called(h->network, h->index);
}

/* --- Moving --- */

static bool is_plugged_in(const struct network_host *h, const struct scenario_end *where)
{
	const struct scenario_end *at = &h->link->ends[!h->end];

	return !h->link->unplugged && at->index == where->index && at->port == where->port;
}

/* Plug the host's cable in where it belongs now. A port that somebody else has stays his, and a cable
 * that a step has in hand stays there: the step plugs it in when it has the time for it. */
static void replug(struct network_host *h, bool announce)
{
	struct network *network = h->network;
	const struct fault *fault = network_ongoing_latest(network, FAULT_HOST_MOVE, h->index);
	const struct scenario_end where =
	        fault ? (struct scenario_end){true, fault->sw, fault->port} : h->home;
	const struct network_port *port = &network->switches[where.index].ports[where.port];

	if (h->link->unplugged_by_step || is_plugged_in(h, &where) ||
	    (port->link && port->link != h->link))
		return;
	network_plug_for_now(network, h->index, where.index, where.port);
	if (announce)
		gratuitous_arp(h);
}

static void move(struct network_host *h, const struct fault *fault, bool begins)
{
	if (!network_ongoing_latest(h->network, FAULT_HOST_MOVE, h->index))
		h->home = h->link->ends[!h->end];
	if (begins)
		network_ongoing_begin(h->network, fault);
	else
		network_ongoing_end(network_ongoing_of(h->network, fault));
	replug(h, fault->announce);
}

/* --- Addresses --- */

/* Those whose address 'ip' is by the file, and that have it, announce it: another one had it too, and
 * is in the ARP caches of those that it talked to. */
static void announce_owners(struct network *network, uint32_t ip)
{
	for (uint32_t i = 0; i < network->scenario->hosts_count; i++) {
		struct network_host *h = &network->hosts[i];

		if (network->scenario->hosts[i].ip == ip && host_address(h->host) == ip &&
		    network_host_is_reachable(network, i))
			gratuitous_arp(h);
	}
}

/* Whoever mends an address announces it, as "arping -U" does: others would believe for as long as their
 * ARP caches do that it is somewhere else, or that somebody else has it. So do those whose address it
 * is that the host had. */
static void wrong_address(struct network_host *h, const struct fault *fault, bool begins)
{
	const struct fault *latest;

	if (begins)
		network_ongoing_begin(h->network, fault);
	else
		network_ongoing_end(network_ongoing_of(h->network, fault));
	latest = network_ongoing_latest(h->network, FAULT_WRONG_ADDRESS, h->index);
	host_set_address(h->host, latest ? latest->ip : h->network->scenario->hosts[h->index].ip,
	                 h->network->clock.now_ns);
	network_host_called(h->network, h->index);
	if (!latest)
		gratuitous_arp(h);
	if (!begins)
		announce_owners(h->network, fault->ip);
}

/* --- What it sends --- */

static void syn_flood(struct network_host *h, const struct fault *fault, bool begins)
{
	const struct host_flood flood = {.ip = fault->ip,
	                                 .port = fault->port,
	                                 .count = fault->count,
	                                 .every_ns = fault->by_ns};

	if (begins)
		host_flood_begin(h->host, fault, &flood, h->network->clock.now_ns);
	else
		host_flood_end(h->host, fault);
	network_host_called(h->network, h->index);
}

void network_fault_host(struct network *network, const struct fault *fault, bool begins)
{
	struct network_host *h = &network->hosts[fault->place];

	switch (fault->kind) {
	case FAULT_HOST_DOWN:
		network_keep_host_off(network, fault->place, begins);
		break;
	case FAULT_HOST_MOVE:
		move(h, fault, begins);
		break;
	case FAULT_WRONG_ADDRESS:
		wrong_address(h, fault, begins);
		break;
	case FAULT_GRATUITOUS_ARP:
		if (begins)
			gratuitous_arp(h);
		break;
	case FAULT_SYN_FLOOD:
		syn_flood(h, fault, begins);
		break;
	default: /* none of a host */
		break;
	}
}
