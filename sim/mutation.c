/* A mutant at work. See mutants.h. */
#include "sim/mutants.h"

#include "lib/base/xalloc.h"

#include <stdlib.h>

struct mutation {
	const struct mutant *mutant;
	struct clock *clock;
	struct frame_pool *pool;
	struct mutation_ops ops;
};

struct mutation *mutation_new(const struct mutant *mutant, struct clock *clock,
                              struct frame_pool *pool, size_t switches_count,
                              const struct mutation_ops *ops)
{
	struct mutation *mutation = xcalloc(1, sizeof *mutation);

	(void)switches_count;
	mutation->mutant = mutant;
	mutation->clock = clock;
	mutation->pool = pool;
	mutation->ops = *ops;
	return mutation;
}

void mutation_free(struct mutation *mutation)
{
	free(mutation);
}

void mutation_message(struct mutation *mutation, enum mutation_point point, uint32_t sw,
                      const uint8_t *msg, size_t len)
{
	mutation->ops.message(mutation->ops.ctx, point, sw, msg, len);
}

void mutation_output(struct mutation *mutation, uint32_t sw, uint16_t port_no, uint32_t queue_id,
                     struct frame *frame)
{
	mutation->ops.output(mutation->ops.ctx, sw, port_no, queue_id, frame);
}

void mutation_forget(struct mutation *mutation, uint32_t sw)
{
	(void)mutation;
	(void)sw;
}
