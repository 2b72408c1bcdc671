/* Faults at links. See network_private.h.
 *
 * Those of single frames are decisions that the link keeps until their frame comes by, or until they
 * end. Those that keep a link down are counted. What a frame or a link suffers is the link's business:
 * link.h. */
#include "sim/network_private.h"

static struct link *link_of(const struct network *network, const struct fault *fault)
{
	return network->links[fault->place].link;
}

/* True when 'fault' concerns what the end 'end' sends. */
static bool is_at(const struct fault *fault, unsigned end)
{
	return fault->end == FAULT_BOTH_ENDS || fault->end == end;
}

/* --- Single frames --- */

static void decide(struct network *network, const struct fault *fault, enum link_fate fate,
                   bool begins)
{
	const struct link_decision decision = {.fate = fate,
	                                       .skip = fault->skip,
	                                       .count = fault->count,
	                                       .by_ns = fault->by_ns,
	                                       .byte = fault->byte,
	                                       .flip = fault->flip};

	if (!begins)
		link_withdraw(link_of(network, fault), fault);
	for (unsigned end = 0; end < 2 && begins; end++)
		if (is_at(fault, end))
			link_decide(link_of(network, fault), fault, end, &decision);
}

/* --- Flapping: a time 'by_ns' has two halves, and the link is down in the first --- */

static void flap_fire(struct event *event);

static void flap_change(struct network_ongoing *flap)
{
	struct network *network = flap->network;
	const struct fault *fault = flap->fault;
	const uint64_t down_ns = fault->by_ns / 2;

	flap->down = !flap->down;
	flap->left -= flap->down;
	network_keep_link_down(network, fault->place, flap->down);
	if (flap->down || flap->left)
		clock_set(&network->clock, &flap->event,
		          fb_time_after(network->clock.now_ns,
		                        flap->down ? down_ns : fault->by_ns - down_ns));
}

static void flap_fire(struct event *event)
{
	_Static_assert(offsetof(struct network_ongoing, event) == 0, "begins with its event");
	flap_change((struct network_ongoing *)(void *)event);
}

static void flap(struct network *network, const struct fault *fault, bool begins)
{
	struct network_ongoing *ongoing;

	if (!begins) {
		ongoing = network_ongoing_of(network, fault);
		if (ongoing->down)
			network_keep_link_down(network, fault->place, false);
		network_ongoing_end(ongoing);
		return;
	}
	ongoing = network_ongoing_begin(network, fault);
	ongoing->event.fire = flap_fire;
	ongoing->left = fault->count;
	if (ongoing->left)
		flap_change(ongoing);
}

/* --- For a time --- */

static void one_way(struct network *network, const struct fault *fault, bool begins)
{
	for (unsigned end = 0; end < 2; end++) {
		if (!is_at(fault, end))
			continue;
		if (begins)
			link_begin_one_way(link_of(network, fault), end);
		else
			link_end_one_way(link_of(network, fault), end);
	}
}

_Static_assert(LINK_KEPT == FAULT_KEPT, "a value that is kept is told alike");
_Static_assert((unsigned)LINK_BOTH_ENDS == (unsigned)FAULT_BOTH_ENDS, "both ends are told alike");

static void impair(struct network *network, const struct fault *fault, bool begins)
{
	const struct link_impairment impairment = {.delay_ns = fault->impair.delay_ns,
	                                           .jitter_ns = fault->impair.jitter_ns,
	                                           .rate_bps = fault->impair.rate_bps,
	                                           .queue_bytes_max = fault->impair.queue_bytes,
	                                           .reorder_delay_ns =
	                                                   fault->impair.reorder_delay_ns,
	                                           .loss_ppm = fault->impair.loss_ppm,
	                                           .duplicate_ppm = fault->impair.duplicate_ppm,
	                                           .reorder_ppm = fault->impair.reorder_ppm,
	                                           .corrupt_ppm = fault->impair.corrupt_ppm};

	if (begins)
		link_impair(link_of(network, fault), fault, fault->end, &impairment);
	else
		link_mend(link_of(network, fault), fault);
}

void network_fault_link(struct network *network, const struct fault *fault, bool begins)
{
	switch (fault->kind) {
	case FAULT_LOSE:
		decide(network, fault, LINK_LOSE, begins);
		break;
	case FAULT_DUPLICATE:
		decide(network, fault, LINK_DUPLICATE, begins);
		break;
	case FAULT_HOLD:
		decide(network, fault, LINK_HOLD, begins);
		break;
	case FAULT_CORRUPT:
		decide(network, fault, LINK_CORRUPT, begins);
		break;
	case FAULT_LINK_DOWN:
		network_keep_link_down(network, fault->place, begins);
		break;
	case FAULT_FLAP:
		flap(network, fault, begins);
		break;
	case FAULT_ONE_WAY:
		one_way(network, fault, begins);
		break;
	case FAULT_IMPAIR:
		impair(network, fault, begins);
		break;
	default: /* none of a link */
		break;
	}
}
