/* The faults of a run. See faults.h. */
#include "sim/faults.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"

struct faults {
	const struct scenario *scenario;
	struct network *network;
	const struct fault_list *list;
};

void fault_list_draw(struct fault_list *list, const struct scenario *scenario, uint64_t seed)
{
	(void)scenario;
	(void)seed;
	*list = (struct fault_list){0};
}

void fault_list_destroy(struct fault_list *list)
{
	free(list->items);
	*list = (struct fault_list){0};
}

struct faults *faults_new(const struct scenario *scenario, struct network *network,
                          const struct fault_list *list)
{
	struct faults *faults = xcalloc(1, sizeof *faults);

	faults->scenario = scenario;
	faults->network = network;
	faults->list = list;
	return faults;
}

void faults_free(struct faults *faults)
{
	free(faults);
}

void faults_start(struct faults *faults)
{
	(void)faults;
}

void faults_begin(struct faults *faults, const struct fault *fault)
{
	network_fault_begin(faults->network, fault);
}

void faults_disturbed(struct faults *faults)
{
	(void)faults;
}

uint64_t faults_converged_at(const struct faults *faults)
{
	(void)faults;
	return 0;
}
