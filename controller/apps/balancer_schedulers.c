/* Which backend gets the next connection; see balancer_schedulers.h.
 *
 * Round robin, source and Maglev choose from a list of those who can be chosen, which is made anew
 * after a change: in the order of the candidates for round robin, in that of their ids for the
 * others. A Maglev table names places in that list, and tells by whose ids and weights it was made:
 * as long as they are the same, it stays.
 *
 * Smooth weighted round robin gives everybody credit as its weight before each choice; the richest
 * is chosen and pays the sum of all weights, so that credits add up to what they were. A credit
 * divided by that sum is the number of connections that a candidate is owed. When the sum changes,
 * credits are brought to the new measure, so that each is owed as much as before, and at most one
 * connection; fractions count, or he who flaps would lose what he is owed and starve. One who is
 * not eligible keeps what he has.
 */
#include "controller/apps/balancer_schedulers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *const balancer_scheduler_names[BALANCER_SCHEDULERS + 1] = {
        [BALANCER_ROUND_ROBIN] = "rr", [BALANCER_WEIGHTED] = "wrr",  [BALANCER_LEAST] = "lc",
        [BALANCER_SOURCE] = "source",  [BALANCER_MAGLEV] = "maglev", [BALANCER_SCHEDULERS] = NULL,
};

enum {
	ENTRIES_FIRST = 4,
	CREDIT_BITS = 16, /* of a credit are a fraction */
};

#define SLOT_FREE UINT16_MAX
_Static_assert(BALANCER_CANDIDATES_MAX <= SLOT_FREE, "a slot names a member");
_Static_assert((uint64_t)BALANCER_CANDIDATES_MAX *BALANCER_WEIGHT_MAX <= UINT32_MAX,
               "scale() takes the sum of all weights");

/* Odd numbers with irregular bits: fractional parts of square roots of primes. */
#define HASH_A UINT64_C(0x6a09e667f3bcc909)
#define HASH_B UINT64_C(0xbb67ae8584caa73b)
#define HASH_C UINT64_C(0x3c6ef372fe94f82b)

/* One who can be chosen. */
struct balancer_entry {
	uint64_t id;
	uint32_t weight;
	uint32_t index; /* among the candidates */
	uint64_t upto;  /* the sum of the weights up to and with this one */
};

struct member {
	uint64_t id;
	uint32_t weight;
};

struct balancer_maglev {
	struct member *members; /* of whom the table was made, by id; none: there is no table */
	uint32_t members_count;
	uint16_t slots[BALANCER_MAGLEV_SLOTS]; /* places in 'members' */
};

/* A member while a table is filled. */
struct filler {
	uint32_t weight;
	uint32_t turns; /* it had */
	uint32_t slot;  /* that it wants next */
	uint32_t skip;  /* from there to the one after */
	uint16_t member;
};

/* --- Small parts --- */

/* Each bit of 'v' counts in each bit of the result; different numbers stay different. */
static uint64_t mix(uint64_t v)
{
	v = (v ^ v >> 32) * HASH_A;
	v = (v ^ v >> 29) * HASH_B;
	return v ^ v >> 32;
}

/* A number under 'limit', evenly, by the upper half of 'hash'. */
static uint32_t scale(uint64_t hash, uint32_t limit)
{
	return (uint32_t)((hash >> 32) * limit >> 32);
}

static struct balancer_candidate *candidate_at(const struct balancer_candidates *candidates,
                                               uint32_t index)
{
	char *first = (char *)candidates->first;

	return (struct balancer_candidate *)(void *)(first + index * candidates->stride);
}

static bool is_available(const struct balancer_candidate *candidate)
{
	return candidate->eligible && candidate->weight > 0;
}

void balancer_schedule_init(struct balancer_schedule *schedule, enum balancer_scheduler scheduler)
{
	*schedule = (struct balancer_schedule){.scheduler = scheduler, .last = BALANCER_NOBODY};
}

void balancer_schedule_free(struct balancer_schedule *schedule)
{
	free(schedule->entries);
	if (schedule->maglev)
		free(schedule->maglev->members);
	free(schedule->maglev);
	*schedule = (struct balancer_schedule){.scheduler = schedule->scheduler};
}

void balancer_schedule_changed(struct balancer_schedule *schedule)
{
	schedule->is_listed = false;
}

/* --- Walking through the candidates --- */

/* What 'candidate' counts in the sum of which a share is wanted. */
static uint64_t share_of(const struct balancer_schedule *schedule,
                         const struct balancer_candidate *candidate)
{
	if (!is_available(candidate))
		return 0;
	return schedule->scheduler == BALANCER_ROUND_ROBIN ? 1 : candidate->weight;
}

/* The one to whom 'number' modulo the sum of the shares belongs, counted from behind 'except' round
 * to before him: his share is left out. */
static uint32_t walk(const struct balancer_schedule *schedule,
                     const struct balancer_candidates *candidates, uint32_t except, uint64_t number)
{
	uint32_t index = except < candidates->count ? except : BALANCER_NOBODY;
	uint64_t sum = 0, share;

	for (uint32_t i = 0; i < candidates->count; i++) {
		if (i != except)
			sum += share_of(schedule, candidate_at(candidates, i));
	}
	if (sum == 0)
		return BALANCER_NOBODY;
	number %= sum;
	for (;;) {
		index = index + 1 < candidates->count ? index + 1 : 0;
		share = share_of(schedule, candidate_at(candidates, index));
		if (number < share)
			return index;
		number -= share;
	}
}

uint32_t balancer_schedule_other(const struct balancer_schedule *schedule,
                                 const struct balancer_candidates *candidates, uint32_t except,
                                 uint32_t spread)
{
	return walk(schedule, candidates, except, spread);
}

/* --- The list of those who can be chosen --- */

static bool is_current(const struct balancer_candidates *candidates,
                       const struct balancer_entry *entry)
{
	const struct balancer_candidate *candidate = candidate_at(candidates, entry->index);

	return candidate->eligible && candidate->id == entry->id &&
	       candidate->weight == entry->weight;
}

/* Whether all who can be chosen are listed as they are: balancer_schedule_changed() was not
 * forgotten. For assertions. */
__attribute__((unused)) static bool is_complete(const struct balancer_schedule *schedule,
                                                const struct balancer_candidates *candidates)
{
	uint32_t available = 0, current = 0;

	for (uint32_t i = 0; i < candidates->count; i++)
		available += is_available(candidate_at(candidates, i));
	for (uint32_t i = 0; i < schedule->entries_count; i++)
		current += is_current(candidates, &schedule->entries[i]);
	return available == current;
}

static int by_id(const void *left, const void *right)
{
	const struct balancer_entry *a = left, *b = right;

	return (a->id > b->id) - (a->id < b->id);
}

static bool has_room(struct balancer_schedule *schedule, uint32_t count)
{
	uint32_t size = schedule->entries_size ? schedule->entries_size : ENTRIES_FIRST;
	struct balancer_entry *entries;

	if (count <= schedule->entries_size)
		return true;
	while (size < count)
		size *= 2;
	entries = realloc(schedule->entries, size * sizeof *entries);
	if (!entries)
		return false;
	schedule->entries = entries;
	schedule->entries_size = size;
	return true;
}

/* False when memory is short. */
static bool list(struct balancer_schedule *schedule, const struct balancer_candidates *candidates)
{
	uint64_t sum = 0;

	assert(candidates->count <= BALANCER_CANDIDATES_MAX);
	if (!has_room(schedule, candidates->count))
		return false;
	schedule->entries_count = 0;
	for (uint32_t i = 0; i < candidates->count; i++) {
		const struct balancer_candidate *candidate = candidate_at(candidates, i);

		if (is_available(candidate))
			schedule->entries[schedule->entries_count++] = (struct balancer_entry){
			        .id = candidate->id, .weight = candidate->weight, .index = i};
	}
	if (schedule->scheduler != BALANCER_ROUND_ROBIN && schedule->entries_count > 1)
		qsort(schedule->entries, schedule->entries_count, sizeof *schedule->entries, by_id);
	for (uint32_t i = 0; i < schedule->entries_count; i++)
		schedule->entries[i].upto = sum += schedule->entries[i].weight;
	schedule->listed_count = candidates->count;
	schedule->is_listed = true;
	return true;
}

/* --- Maglev --- */

static bool is_made_of(const struct balancer_maglev *maglev,
                       const struct balancer_schedule *schedule)
{
	if (maglev->members_count != schedule->entries_count)
		return false;
	for (uint32_t i = 0; i < maglev->members_count; i++) {
		if (maglev->members[i].id != schedule->entries[i].id ||
		    maglev->members[i].weight != schedule->entries[i].weight)
			return false;
	}
	return true;
}

/* Whether 'a' has its next turn before 'b': turns of one with weight w come after 1/w, 2/w, ...
 * rounds. In one moment, in the order of the ids. */
static bool is_sooner(const struct filler *a, const struct filler *b)
{
	uint64_t when_a = (uint64_t)(a->turns + 1) * b->weight;
	uint64_t when_b = (uint64_t)(b->turns + 1) * a->weight;

	return when_a != when_b ? when_a < when_b : a->member < b->member;
}

/* Whoever is at 'at' in the heap, whose root has the next turn, goes down to where he belongs. */
static void sift_down(struct filler *heap, uint32_t count, uint32_t at)
{
	const struct filler moved = heap[at];

	for (uint32_t child; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count && is_sooner(&heap[child + 1], &heap[child]))
			child++;
		if (!is_sooner(&heap[child], &moved))
			break;
		heap[at] = heap[child];
	}
	heap[at] = moved;
}

/* Each member wants all slots, in an order of its own that two hashes of its id give. */
static struct filler filler_of(const struct member *member, uint32_t place)
{
	uint64_t hash = mix(member->id ^ HASH_C);

	return (struct filler){
	        .weight = member->weight,
	        .slot = scale(hash, BALANCER_MAGLEV_SLOTS),
	        .skip = scale(mix(hash ^ HASH_A), BALANCER_MAGLEV_SLOTS - 1) + 1,
	        .member = (uint16_t)place,
	};
}

/* Take the first free slot that 'filler' wants. */
static void take_slot(uint16_t *slots, struct filler *filler)
{
	while (slots[filler->slot] != SLOT_FREE) {
		filler->slot += filler->skip;
		if (filler->slot >= BALANCER_MAGLEV_SLOTS)
			filler->slot -= BALANCER_MAGLEV_SLOTS;
	}
	slots[filler->slot] = filler->member;
	filler->turns++;
}

/* One after the other the members take a free slot each. */
static void fill(struct balancer_maglev *maglev, struct filler *heap)
{
	for (uint32_t i = 0; i < BALANCER_MAGLEV_SLOTS; i++)
		maglev->slots[i] = SLOT_FREE;
	for (uint32_t i = 0; i < maglev->members_count; i++)
		heap[i] = filler_of(&maglev->members[i], i);
	for (uint32_t i = maglev->members_count; i-- > 0;)
		sift_down(heap, maglev->members_count, i);
	for (uint32_t i = 0; i < BALANCER_MAGLEV_SLOTS; i++) {
		take_slot(maglev->slots, &heap[0]);
		sift_down(heap, maglev->members_count, 0);
	}
}

/* Make the table of those who are listed, at least one. False when memory is short. */
static bool make_table(struct balancer_schedule *schedule)
{
	struct balancer_maglev *maglev = schedule->maglev;
	uint32_t count = schedule->entries_count;
	struct member *members;
	struct filler *heap;

	if (!maglev)
		maglev = schedule->maglev = calloc(1, sizeof *maglev);
	if (!maglev)
		return false;
	if (is_made_of(maglev, schedule))
		return true;
	members = realloc(maglev->members, count * sizeof *members);
	if (!members)
		return false;
	maglev->members = members;
	maglev->members_count = 0;
	heap = malloc(count * sizeof *heap);
	if (!heap)
		return false;
	for (uint32_t i = 0; i < count; i++)
		members[i] = (struct member){schedule->entries[i].id, schedule->entries[i].weight};
	maglev->members_count = count;
	fill(maglev, heap);
	free(heap);
	return true;
}

/* --- Choosing from the list --- */

static const struct balancer_entry *entry_of_share(const struct balancer_schedule *schedule,
                                                   uint64_t hash)
{
	uint32_t low = 0, high = schedule->entries_count - 1;
	uint32_t number = scale(hash, (uint32_t)schedule->entries[high].upto);

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (number < schedule->entries[middle].upto)
			high = middle;
		else
			low = middle + 1;
	}
	return &schedule->entries[low];
}

/* The number that decides. */
static uint64_t number_of(const struct balancer_schedule *schedule, uint32_t client_ip)
{
	return schedule->scheduler == BALANCER_ROUND_ROBIN ? schedule->turn : mix(client_ip);
}

static const struct balancer_entry *entry_of(const struct balancer_schedule *schedule,
                                             uint32_t client_ip)
{
	uint64_t number = number_of(schedule, client_ip);

	if (schedule->scheduler == BALANCER_ROUND_ROBIN)
		return &schedule->entries[number % schedule->entries_count];
	if (schedule->scheduler == BALANCER_SOURCE)
		return entry_of_share(schedule, number);
	if (schedule->entries_count == 1)
		return &schedule->entries[0];
	return &schedule->entries[schedule->maglev->slots[scale(number, BALANCER_MAGLEV_SLOTS)]];
}

/* List the candidates, and make what is chosen by. False when memory is short. */
static bool prepare(struct balancer_schedule *schedule,
                    const struct balancer_candidates *candidates)
{
	if (!list(schedule, candidates))
		return false;
	/* One alone needs no table; one made for more may be right again when another is back. */
	if (schedule->scheduler == BALANCER_MAGLEV && schedule->entries_count > 1 &&
	    !make_table(schedule)) {
		schedule->is_listed = false;
		return false;
	}
	return true;
}

static uint32_t pick_listed(struct balancer_schedule *schedule,
                            const struct balancer_candidates *candidates, uint32_t client_ip)
{
	const struct balancer_entry *entry = NULL;

	if (schedule->is_listed && schedule->listed_count == candidates->count) {
		assert(is_complete(schedule, candidates));
		entry = schedule->entries_count ? entry_of(schedule, client_ip) : NULL;
		if (!entry || is_current(candidates, entry))
			return entry ? entry->index : BALANCER_NOBODY;
	}
	if (!prepare(schedule, candidates)) {
		schedule->short_of_memory++;
		return walk(schedule, candidates, BALANCER_NOBODY, number_of(schedule, client_ip));
	}
	return schedule->entries_count ? entry_of(schedule, client_ip)->index : BALANCER_NOBODY;
}

/* --- Choosing from the candidates --- */

static uint64_t sum_of_weights(const struct balancer_candidates *candidates)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < candidates->count; i++) {
		const struct balancer_candidate *candidate = candidate_at(candidates, i);

		sum += is_available(candidate) ? candidate->weight : 0;
	}
	return sum;
}

/* Bring 'credit' from the measure 'before' to the measure 'now', and into it. */
static int64_t rescaled(int64_t credit, int64_t before, int64_t now)
{
	__extension__ __int128 product = (__int128)credit * now;

	if (credit > before)
		return now;
	if (credit < -before)
		return -now;
	return (int64_t)(product / before);
}

static void rescale(struct balancer_schedule *schedule,
                    const struct balancer_candidates *candidates, uint64_t weights)
{
	int64_t now = (int64_t)(weights << CREDIT_BITS);
	int64_t before = schedule->weights ? (int64_t)(schedule->weights << CREDIT_BITS) : now;

	for (uint32_t i = 0; i < candidates->count; i++) {
		struct balancer_candidate *candidate = candidate_at(candidates, i);

		candidate->credit = rescaled(candidate->credit, before, now);
	}
	schedule->weights = weights;
}

static uint32_t pick_weighted(struct balancer_schedule *schedule,
                              const struct balancer_candidates *candidates)
{
	uint64_t weights = sum_of_weights(candidates);
	struct balancer_candidate *richest = NULL;
	uint32_t picked = BALANCER_NOBODY;

	if (weights == 0)
		return BALANCER_NOBODY;
	if (weights != schedule->weights)
		rescale(schedule, candidates, weights);
	for (uint32_t i = 0; i < candidates->count; i++) {
		struct balancer_candidate *candidate = candidate_at(candidates, i);

		if (!is_available(candidate))
			continue;
		candidate->credit += (int64_t)candidate->weight << CREDIT_BITS;
		if (!richest || candidate->credit > richest->credit) {
			richest = candidate;
			picked = i;
		}
	}
	richest->credit -= (int64_t)(weights << CREDIT_BITS);
	return picked;
}

static bool is_less_busy(const struct balancer_candidate *a, const struct balancer_candidate *b)
{
	return (uint64_t)a->sessions * b->weight < (uint64_t)b->sessions * a->weight;
}

static uint32_t pick_least(struct balancer_schedule *schedule,
                           const struct balancer_candidates *candidates)
{
	const struct balancer_candidate *least = NULL;
	uint32_t index = schedule->last, picked = BALANCER_NOBODY;

	for (uint32_t i = 0; i < candidates->count; i++) {
		const struct balancer_candidate *candidate;

		index = index < candidates->count - 1 ? index + 1 : 0;
		candidate = candidate_at(candidates, index);
		if (is_available(candidate) && (!least || is_less_busy(candidate, least))) {
			least = candidate;
			picked = index;
		}
	}
	if (least)
		schedule->last = picked;
	return picked;
}

uint32_t balancer_schedule_pick(struct balancer_schedule *schedule,
                                const struct balancer_candidates *candidates, uint32_t client_ip)
{
	uint32_t picked = BALANCER_NOBODY;

	switch (schedule->scheduler) {
	case BALANCER_ROUND_ROBIN:
	case BALANCER_SOURCE:
	case BALANCER_MAGLEV:
		picked = pick_listed(schedule, candidates, client_ip);
		break;
	case BALANCER_WEIGHTED:
		picked = pick_weighted(schedule, candidates);
		break;
	case BALANCER_LEAST:
		picked = pick_least(schedule, candidates);
		break;
	case BALANCER_SCHEDULERS:
		break;
	}
	schedule->turn += picked != BALANCER_NOBODY;
	return picked;
}
