/* What the controller's balancer knows of addresses and their backends, for expectations: read from
 * its report (controller_report.h), as "flowbed-controller status" would show it.
 *
 * A report is made when somebody asks and the network has gone on since the last one. */
#ifndef SIM_BACKENDS_H
#define SIM_BACKENDS_H

#include "sim/network.h"

struct backends;

enum {
	BACKENDS_ADDRESSES_MAX = 1024, /* that the report tells of: shared ones come first */
	BACKENDS_STATE_BYTES = 16,
};

/* A backend of an address. */
struct backend {
	uint32_t ip; /* the address */
	uint8_t mac[FB_MAC_BYTES];
	char state[BACKENDS_STATE_BYTES]; /* "up" */
	uint64_t weight, sessions;
};

struct backends *backends_new(struct network *network);
void backends_free(struct backends *backends); /* takes NULL */

/* All backends, in the order of the report; valid until the network goes on. None where there is no
 * controller with a balancer. */
const struct backend *backends_list(struct backends *backends, size_t *count);
/* Sessions: all, or those of a state ("open"). */
uint64_t backends_sessions(struct backends *backends, const char *state);

#endif
