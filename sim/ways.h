/* Which hosts there is a way between, now: over links with a carrier, and switches that have power
 * and, where the scenario has a controller, are connected with it. Hosts forward nothing. A link that
 * loses all frames is none.
 *
 * What the network is like is looked at by ways_look(), in a time that grows with switches and
 * links; asking is quick. */
#ifndef SIM_WAYS_H
#define SIM_WAYS_H

#include "sim/network.h"

struct ways;

struct ways *ways_new(const struct scenario *scenario);
void ways_free(struct ways *ways); /* takes NULL */

void ways_look(struct ways *ways, const struct network *network);
/* Both hosts are on, and there is a way from one to the other. */
bool ways_join(const struct ways *ways, const struct network *network, uint32_t one,
               uint32_t other);

/* How long a frame may be under way, over all of the network's links one after another, with an
 * answer of the controller at each switch: an upper bound, at most WAYS_TIME_NS_MAX. */
#define WAYS_TIME_NS_MAX (60 * FB_NS_PER_S)
uint64_t ways_time_max(const struct scenario *scenario);

#endif
