/* When which spanning tree is in force.
 *
 * A change of the graph is planned for in the next moment, but not more than once in PLAN_EVERY_NS:
 * thousands of links may come at once. What left the tree is out of force at once. What comes into
 * it waits until nothing is on its way any more over what left ('tree_delay'), so that no frame
 * arrives twice; where nothing left, there is nothing to wait for. */
#include "controller/apps/discovery_private.h"

#define PLAN_EVERY_NS (10 * FB_NS_PER_MS)

/* Where links left the tree in force, keep others from entering it for a while. */
static void note_losses(struct fb_discovery *d, uint64_t now_ns)
{
	if (d->losses == d->topology->tree_losses)
		return;
	d->losses = d->topology->tree_losses;
	d->calm_ns = now_ns + d->options.tree_delay_ns;
	if (d->settle_ns != FB_NEVER)
		d->settle_ns = d->calm_ns;
}

void discovery_tree_changed(struct fb_discovery *d, uint64_t now_ns)
{
	note_losses(d, now_ns);
	if (d->planned_version == d->topology->version)
		return;
	discovery_want_timer(d, d->plan_ns > now_ns ? d->plan_ns : now_ns);
}

uint64_t discovery_tree_run(struct fb_discovery *d, uint64_t now_ns)
{
	uint64_t next_ns = FB_NEVER;

	note_losses(d, now_ns);
	if (d->planned_version != d->topology->version && now_ns < d->plan_ns) {
		next_ns = d->plan_ns;
	} else if (d->planned_version != d->topology->version) {
		bool more = topology_tree_plan(d->topology);

		d->counters.trees++;
		d->planned_version = d->topology->version;
		d->plan_ns = now_ns + PLAN_EVERY_NS;
		note_losses(d, now_ns);
		d->settle_ns = !more ? FB_NEVER : d->calm_ns > now_ns ? d->calm_ns : now_ns;
	}
	if (fb_time_due(d->settle_ns, now_ns)) {
		topology_tree_settle(d->topology);
		d->settle_ns = FB_NEVER;
	}
	return fb_time_min(next_ns, d->settle_ns);
}

bool discovery_tree_is_settled(const struct fb_discovery *d)
{
	return d->planned_version == d->topology->version && d->settle_ns == FB_NEVER;
}
