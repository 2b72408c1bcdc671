/* Decisions and chance. See link_fates.h.
 *
 * Decisions wait in a heap by the number of the frame that they are about, so that a frame for which
 * there is none costs one look. */
#include "sim/link_fates.h"

#include <stdio.h>
#include <stdlib.h>

#include <flowbed/packet.h>

#include "lib/base/xalloc.h"
#include "sim/link.h"

enum { NAME_BYTES = 256 };

/* A decision that waits for its frame. */
struct pending {
	struct heap_node node;
	struct pending *next;          /* about the same frame */
	const void *owner;
	struct link_decision decision; /* 'count' more frames */
};

static struct pending *first_of(const struct link_fates *fates)
{
	_Static_assert(offsetof(struct pending, node) == 0, "begins with its node");
	return (struct pending *)(void *)heap_min(&fates->decisions);
}

void link_fates_init(struct link_fates *fates, uint64_t seed, const char *name)
{
	char corrupt[NAME_BYTES + 16];

	snprintf(corrupt, sizeof corrupt, "%s corrupt", name);
	rng_init(&fates->rng, seed, name);
	rng_init(&fates->corrupt_rng, seed, corrupt);
	heap_init(&fates->decisions);
}

static void pending_free(struct link_fates *fates, struct pending *pending)
{
	heap_remove(&fates->decisions, &pending->node);
	free(pending);
}

void link_fates_withdraw(struct link_fates *fates, const void *owner)
{
	for (uint32_t i = 0; i < fates->decisions.count;) {
		struct pending *pending = (struct pending *)(void *)fates->decisions.nodes[i];

		if (pending->owner != owner) {
			i++;
			continue;
		}
		/* Another one takes its place, or any: begin anew. */
		pending_free(fates, pending);
		i = 0;
	}
}

void link_fates_destroy(struct link_fates *fates)
{
	struct pending *pending;

	while ((pending = first_of(fates)) != NULL)
		pending_free(fates, pending);
	heap_destroy(&fates->decisions);
}

bool link_fates_are_chance(const struct link_config *config)
{
	return config->loss_ppm || config->duplicate_ppm || config->reorder_ppm ||
	       config->jitter_ns || config->corrupt_ppm;
}

bool link_fates_decide(struct link_fates *fates, const void *owner, uint64_t next,
                       const struct link_decision *decision)
{
	struct pending *pending;

	if (!decision->count)
		return true;
	if (fates->decisions.count >= LINK_DECISIONS_MAX)
		return false;
	pending = xcalloc(1, sizeof *pending);
	pending->owner = owner;
	pending->decision = *decision;
	if (!heap_insert(&fates->decisions, &pending->node, next + decision->skip, fates->made++))
		xalloc_failed("decisions");
	return true;
}

/* Change a byte of '*frame'. Whoever else holds the frame has it as it was. */
static void corrupt(struct frame **frame, uint32_t byte, uint8_t flip, struct link_outcome *outcome)
{
	if (!(*frame)->len)
		return;
	*frame = frame_writable(*frame);
	frame_data(*frame)[byte % (*frame)->len] ^= flip;
	outcome->corrupted = true;
}

bool link_fates_spare(struct frame *frame)
{
	const uint8_t *data = frame_data(frame);
	size_t at = 12;

	if (frame->len >= at + 2 && fb_get16(data + at) == FB_ETH_VLAN)
		at += FB_VLAN_TAG_BYTES;
	return frame->len >= at + 2 && fb_get16(data + at) == FB_ETH_ARP;
}

/* Take those of the decisions that are about the frame 'number' out of the heap, in order. */
static struct pending *take_due(struct link_fates *fates, uint64_t number, bool *lost)
{
	struct pending *due = NULL, **end = &due, *pending;

	while ((pending = first_of(fates)) != NULL && pending->node.key <= number) {
		heap_remove(&fates->decisions, &pending->node);
		pending->next = NULL;
		*end = pending;
		end = &pending->next;
		if (pending->decision.fate == LINK_LOSE)
			*lost = true;
	}
	return due;
}

/* The decision's frame has come: it waits for the next one, or is done with. One that was 'spared' was
 * not its frame. */
static void put_back(struct link_fates *fates, struct pending *pending, uint64_t number,
                     bool spared)
{
	pending->decision.count -= !spared;
	if (!pending->decision.count)
		free(pending);
	else if (!heap_insert(&fates->decisions, &pending->node, number + 1, pending->node.tie))
		xalloc_failed("decisions");
}

static void apply(const struct link_decision *d, struct frame **frame, struct link_outcome *outcome)
{
	switch (d->fate) {
	case LINK_LOSE:
		break;
	case LINK_DUPLICATE:
		outcome->copies++;
		break;
	case LINK_HOLD:
		outcome->held = true;
		outcome->late_ns += d->by_ns;
		break;
	case LINK_CORRUPT:
		corrupt(frame, d->byte, d->flip, outcome);
		break;
	}
}

static void apply_chance(struct link_outcome *outcome, struct frame **frame,
                         const struct link_decision *d)
{
	apply(d, frame, outcome);
	outcome->by_chance[outcome->by_chance_count++] = *d;
}

/* What chance says of a frame. */
struct draws {
	bool lost, duplicated, held, corrupted;
	uint64_t jitter_ns;
	uint32_t byte;
	uint8_t flip;
};

static struct draws draw(struct link_fates *fates, const struct link_config *config, uint32_t len)
{
	struct draws d = {0};

	if (!link_fates_are_chance(config))
		return d;
	d.lost = rng_chance_ppm(&fates->rng, config->loss_ppm);
	d.duplicated = rng_chance_ppm(&fates->rng, config->duplicate_ppm);
	d.held = rng_chance_ppm(&fates->rng, config->reorder_ppm);
	d.jitter_ns = rng_below(&fates->rng, config->jitter_ns + 1);
	if (!config->corrupt_ppm || !len)
		return d;
	d.corrupted = rng_chance_ppm(&fates->corrupt_rng, config->corrupt_ppm);
	d.byte = (uint32_t)rng_below(&fates->corrupt_rng, len);
	d.flip = (uint8_t)(1 + rng_below(&fates->corrupt_rng, UINT8_MAX));
	return d;
}

/* Lost frames stay as they are: what was sent is what was lost. */
void link_fates_draw(struct link_fates *fates, const struct link_config *config, uint64_t number,
                     struct frame **frame, bool lost, struct link_outcome *outcome)
{
	const struct draws d = draw(fates, config, (*frame)->len);
	struct pending *due = take_due(fates, number, &lost), *next;
	const bool spare = link_fates_spare(*frame);

	*outcome = (struct link_outcome){.lost = lost || d.lost};
	if (!lost && d.lost)
		apply_chance(outcome, frame,
		             &(struct link_decision){.fate = LINK_LOSE, .count = 1});
	for (struct pending *pending = due; pending; pending = next) {
		const bool spared = spare && pending->decision.fate == LINK_CORRUPT;

		next = pending->next;
		if (!outcome->lost && !spared)
			apply(&pending->decision, frame, outcome);
		put_back(fates, pending, number, spared);
	}
	if (outcome->lost)
		return;
	if (d.corrupted && !spare)
		apply_chance(
		        outcome, frame,
		        &(struct link_decision){
		                .fate = LINK_CORRUPT, .count = 1, .byte = d.byte, .flip = d.flip});
	if (d.duplicated)
		apply_chance(outcome, frame,
		             &(struct link_decision){.fate = LINK_DUPLICATE, .count = 1});
	outcome->chance_late_ns = d.jitter_ns + (d.held ? config->reorder_delay_ns : 0);
	outcome->held |= d.held;
}
