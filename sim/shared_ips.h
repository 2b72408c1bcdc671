/* The addresses of a scenario that several hosts own. */
#ifndef SIM_SHARED_IPS_H
#define SIM_SHARED_IPS_H

#include "sim/scenario.h"

struct shared_ips {
	uint32_t *ips; /* in rising order */
	size_t count;
};

/* 'shared' owns what it holds; the scenario may be freed. */
void shared_ips_find(struct shared_ips *shared, const struct scenario *scenario);
void shared_ips_destroy(struct shared_ips *shared);
bool shared_ips_has(const struct shared_ips *shared, uint32_t ip);

#endif
