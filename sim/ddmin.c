/* Delta debugging. See ddmin.h. */
#include "sim/ddmin.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

struct search {
	const struct ddmin_ops *ops;
	bool *out;
	size_t count, left; /* left: not left out */
};

static bool is_over(const struct search *search)
{
	return search->ops->over && search->ops->over(search->ops->ctx);
}

/* Mark, or unmark, the 'group' things before 'end' that are there; returns where they begin. */
static size_t mark_group(struct search *search, size_t end, size_t group, size_t *taken)
{
	size_t begin = end;

	for (*taken = 0; begin && *taken < group; begin--) {
		if (search->out[begin - 1])
			continue;
		search->out[begin - 1] = true;
		++*taken;
	}
	return begin;
}

/* Try to leave out each group of so many, from the last to the first. True when one went. */
static bool try_groups(struct search *search, size_t group, bool *saved)
{
	bool went = false;
	size_t end = search->count;

	while (end && !is_over(search)) {
		size_t taken, begin;

		memcpy(saved, search->out, search->count * sizeof *saved);
		begin = mark_group(search, end, group, &taken);
		if (taken && search->ops->without(search->ops->ctx, search->out, search->count)) {
			search->left -= taken;
			went = true;
		} else {
			memcpy(search->out, saved, search->count * sizeof *saved);
		}
		end = begin;
	}
	return went;
}

size_t ddmin(size_t count, bool *out, const struct ddmin_ops *ops)
{
	struct search search = {.ops = ops, .out = out, .count = count, .left = count};
	size_t group = count;
	bool since_large = false, *saved;

	memset(out, 0, count * sizeof *out);
	if (!count)
		return 0;
	saved = xmalloc(count * sizeof *saved);
	while (search.left && !is_over(&search)) {
		bool went;

		if (group > search.left)
			group = search.left;
		went = try_groups(&search, group, saved);
		since_large |= went;
		if (group > 1) {
			group = (group + 1) / 2;
		} else if (!went) {
			/* What is left now may go in groups that it did not form before. */
			if (!since_large)
				break;
			since_large = false;
			group = search.left;
		}
	}
	free(saved);
	return count - search.left;
}
