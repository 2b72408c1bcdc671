/* Does every connection see one server only? Watches the hosts' interfaces.
 *
 * A connection is a client's 4-tuple and initial sequence number, known from the SYN that the
 * client's host sends. It is split when the interfaces of two hosts accept segments of it (RST
 * excepted), with one exception: a SYN may move on to another host when the client has sent two
 * before it and the first host got nothing but SYNs. */
#ifndef SIM_AFFINITY_H
#define SIM_AFFINITY_H

#include "sim/network.h"

struct affinity;

enum { AFFINITY_CONNECTIONS_MAX = 1000000 }; /* beyond it the oldest is forgotten, and counted */

struct affinity *affinity_new(const struct scenario *scenario);
void affinity_free(struct affinity *affinity); /* takes NULL */
struct network_observer affinity_observer(struct affinity *affinity);

/* Connections that were split, and those forgotten at the limit. */
uint64_t affinity_split(const struct affinity *affinity);
uint64_t affinity_forgotten(const struct affinity *affinity);

#endif
