/* Making a scenario small: from one that fails, a smaller one that fails in the same way.
 *
 * It works on the file's tree (yaml_tree.h). A change is tried on a copy, and kept when its
 * owner says that the copy, written and read again, still fails as the whole did. What does not
 * load does not fail, so that a change need not care whether it makes sense.
 *
 * In turns, until nothing changes any more: faults and steps are left out in groups (ddmin.h);
 * what breaks something goes with what mends it; groups of one become that one; ranges of hosts
 * become narrower; hosts and switches go with all that names them, or a switch becomes one with
 * its neighbour (shrink_names.c); links, options and expectations go; numbers become small and
 * times round (shrink_values.c). A change that leaves broken what was mended before is never
 * tried: the failure would be another one. Nor do bounds of expectations change, or the time to
 * converge. */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include <stdint.h>

#include "sim/yaml_tree.h"

struct shrink_ops {
	/* Does this text still fail in the same way? */
	bool (*fails)(void *ctx, const char *text, size_t len);
	/* No more questions, please. */
	bool (*over)(void *ctx);
	void *ctx;
};

/* Make '*tree', which fails, as small as it gets. */
void shrink_tree(struct yaml_tree *tree, const struct shrink_ops *ops);

/* The steps of it, nested ones too, and the faults that have times; switches; hosts. */
struct shrink_size {
	size_t steps, faults, switches, hosts;
};

struct shrink_size shrink_size_of(const struct yaml_node *root);

/* What chance does to a scenario by itself goes: the rates of faults, and with 'links' also
 * loss, duplication, reordering and jitter of its links; with 'splits' the control channel is
 * cut nowhere. */
struct shrink_chance {
	bool rates, links, splits;
};

void shrink_without_chance(struct yaml_tree *tree, struct shrink_chance chance);
/* The faults that have times become those of the list 'items' (text of YAML; NULL: none). False
 * where it cannot be read. */
bool shrink_set_faults(struct yaml_tree *tree, const char *items, size_t len);
/* "balancer.mode=packet" becomes part of the controller's options. */
bool shrink_set_option(struct yaml_tree *tree, const char *setting);
/* The seed of the file; NULL: none. */
void shrink_set_seed(struct yaml_tree *tree, const uint64_t *seed);

#endif
