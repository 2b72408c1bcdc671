/* Ways between hosts: the switches in sets of those that reach each other. See ways.h. */
#include "sim/ways.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"

enum { ALL_PPM = 1000000 };

struct ways {
	const struct scenario *scenario;
	uint32_t *sets; /* by switch: one nearer to that which stands for its set, itself that one;
	                   SCENARIO_NONE: nothing passes it */
};

struct ways *ways_new(const struct scenario *scenario)
{
	struct ways *ways = xcalloc(1, sizeof *ways);

	ways->scenario = scenario;
	ways->sets = xcalloc(scenario->switches_count + 1, sizeof *ways->sets);
	return ways;
}

void ways_free(struct ways *ways)
{
	if (!ways)
		return;
	free(ways->sets);
	free(ways);
}

/* That which stands for the set of 'sw'. */
static uint32_t find(uint32_t *sets, uint32_t sw)
{
	while (sets[sw] != sw) {
		sets[sw] = sets[sets[sw]];
		sw = sets[sw];
	}
	return sw;
}

static bool carries(const struct ways *ways, const struct network *network, uint32_t link)
{
	return network_link_has_carrier(network, link) &&
	       ways->scenario->links[link].config.loss_ppm < ALL_PPM;
}

static bool is_usable(const struct ways *ways, const struct network *network, uint32_t sw)
{
	return network_switch_is_on(network, sw) &&
	       (!ways->scenario->controller.apps_count || network_switch_is_connected(network, sw));
}

void ways_look(struct ways *ways, const struct network *network)
{
	uint32_t *sets = ways->sets;

	for (uint32_t i = 0; i < ways->scenario->switches_count; i++)
		sets[i] = is_usable(ways, network, i) ? i : SCENARIO_NONE;
	for (uint32_t i = 0; i < ways->scenario->links_count; i++) {
		const struct scenario_end *a = network_link_end(network, i, 0);
		const struct scenario_end *b = network_link_end(network, i, 1);

		if (!a->is_switch || !b->is_switch || !carries(ways, network, i) ||
		    sets[a->index] == SCENARIO_NONE || sets[b->index] == SCENARIO_NONE)
			continue;
		sets[find(sets, a->index)] = find(sets, b->index);
	}
	for (uint32_t i = 0; i < ways->scenario->switches_count; i++)
		if (sets[i] != SCENARIO_NONE)
			sets[i] = find(sets, i);
}

bool ways_join(const struct ways *ways, const struct network *network, uint32_t one, uint32_t other)
{
	const struct scenario_host *hosts = ways->scenario->hosts;
	const struct scenario_end *at_one, *at_other;

	if (!network_host_is_reachable(network, one) ||
	    !network_host_is_reachable(network, other) ||
	    !carries(ways, network, hosts[one].link) || !carries(ways, network, hosts[other].link))
		return false;
	if (hosts[one].link == hosts[other].link)
		return true;
	at_one = network_link_end(network, hosts[one].link, !hosts[one].link_end);
	at_other = network_link_end(network, hosts[other].link, !hosts[other].link_end);
	return at_one->is_switch && at_other->is_switch &&
	       ways->sets[at_one->index] != SCENARIO_NONE &&
	       ways->sets[at_one->index] == ways->sets[at_other->index];
}

/* --- Times --- */

/* Time in which a link's queue is sent, and one more frame. */
static uint64_t queue_time(const struct link_config *config)
{
	const uint64_t bytes = config->queue_bytes_max + FB_FRAME_BYTES_MAX;

	if (!config->rate_bps || bytes > WAYS_TIME_NS_MAX)
		return config->rate_bps ? WAYS_TIME_NS_MAX : 0;
	/* In microseconds first: so many bytes would be too many bits in nanoseconds. */
	return fb_time_min(bytes * 8 * 1000000 / config->rate_bps * FB_NS_PER_US, WAYS_TIME_NS_MAX);
}

uint64_t ways_time_max(const struct scenario *scenario)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < scenario->links_count && ns < WAYS_TIME_NS_MAX; i++) {
		const struct link_config *config = &scenario->links[i].config;

		ns = fb_time_after(ns, config->delay_ns);
		ns = fb_time_after(ns, config->jitter_ns);
		ns = fb_time_after(ns, config->reorder_delay_ns);
		ns = fb_time_after(ns, queue_time(config));
	}
	for (size_t i = 0; i < scenario->switches_count && ns < WAYS_TIME_NS_MAX; i++)
		for (unsigned ways = 0; ways < 2; ways++)
			ns = fb_time_after(ns, scenario->switches[i].delay_ns);
	return fb_time_min(ns, WAYS_TIME_NS_MAX);
}
