/* The addresses that several hosts own. See shared_ips.h. */
#include "sim/shared_ips.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"

static int ip_compare(const void *left, const void *right)
{
	const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

void shared_ips_find(struct shared_ips *shared, const struct scenario *scenario)
{
	const size_t count = scenario->hosts_count;
	uint32_t *ips = xcalloc(count + 1, sizeof *ips);
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		ips[i] = scenario->hosts[i].ip;
	qsort(ips, count, sizeof *ips, ip_compare);
	for (size_t i = 1; i < count; i++)
		if (ips[i] == ips[i - 1] && (!kept || ips[kept - 1] != ips[i]))
			ips[kept++] = ips[i];
	*shared = (struct shared_ips){.ips = ips, .count = kept};
}

void shared_ips_destroy(struct shared_ips *shared)
{
	free(shared->ips);
	*shared = (struct shared_ips){0};
}

bool shared_ips_has(const struct shared_ips *shared, uint32_t ip)
{
	return shared->count && bsearch(&ip, shared->ips, shared->count, sizeof ip, ip_compare);
}
