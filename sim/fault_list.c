/* Drawing the faults of a run. See faults.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/rng.h"
#include "lib/base/xalloc.h"
#include "sim/faults.h"

enum { NAME_BYTES = 40 };

/* A multiple of 'step' after 'min', at most 'max'. */
static uint64_t draw_value(struct rng *rng, uint64_t min, uint64_t max, uint64_t step)
{
	return min + step * rng_below(rng, (max - min) / step + 1);
}

/* The largest power of ten that is at most a tenth of 'ns': drawn times are round. */
static uint64_t round_step(uint64_t ns)
{
	uint64_t step = 1;

	while (step <= ns / 100)
		step *= 10;
	return step;
}

/* The first host from 'start' on, around all, with another address than 'host'; one that listens, when
 * 'port' is not NULL. SCENARIO_NONE: there is none. */
static uint32_t find_other(const struct scenario *scenario, uint32_t host, uint64_t start,
                           uint16_t *port)
{
	for (size_t i = 0; i < scenario->hosts_count; i++) {
		const uint32_t other = (uint32_t)((start + i) % scenario->hosts_count);
		const struct scenario_host *o = &scenario->hosts[other];

		if (o->ip == scenario->hosts[host].ip)
			continue;
		if (!port)
			return other;
		for (size_t l = 0; l < o->tcp_count; l++) {
			if (o->tcp[l].service == HOST_SERVICE_NONE)
				continue;
			*port = o->tcp[l].port;
			return other;
		}
	}
	return SCENARIO_NONE;
}

/* The address of another host. False: there is none. */
static bool draw_address(struct rng *rng, const struct scenario *scenario, struct fault *fault)
{
	const uint64_t start = rng_below(rng, scenario->hosts_count);
	const uint32_t other = find_other(scenario, fault->place, start,
	                                  fault->kind == FAULT_SYN_FLOOD ? &fault->port : NULL);

	if (other != SCENARIO_NONE)
		fault->ip = scenario->hosts[other].ip;
	return other != SCENARIO_NONE;
}

static void draw_place(struct rng *rng, const struct scenario *scenario, struct fault *fault)
{
	const struct scenario_fault_rate *rate = &scenario->faults.rates[fault->kind];

	fault->place = rate->places[rng_below(rng, rate->places_count)];
	if (fault->kind == FAULT_HOST_MOVE) {
		const struct scenario_spare *spare = &scenario->spares[fault->place];

		fault->place = spare->host;
		fault->sw = spare->sw;
		fault->port = spare->port;
	}
}

/* What IMPAIR need not change: each in turn, or not; one at least. */
static void draw_impairments(struct rng *rng, struct fault *fault)
{
	const struct fault_key *first = NULL;
	size_t changed = 0;

	for (const struct fault_key *key = fault_keys(fault->kind); key->name; key++) {
		if (key->standard != FAULT_KEPT)
			continue;
		if (!strcmp(key->name, "loss"))
			first = key;
		if (!rng_chance_ppm(rng, 250000))
			continue;
		fault_set(fault, key,
		          draw_value(rng, key->draw_min, key->draw_max, key->draw_step));
		changed++;
	}
	if (!changed && first)
		fault_set(fault, first,
		          draw_value(rng, first->draw_min, first->draw_max, first->draw_step));
}

/* What there is to know of 'fault' beside its kind and time. False: it makes no sense anywhere. */
static bool draw_fault(struct rng *rng, const struct scenario *scenario, struct fault *fault)
{
	const struct scenario_fault_rate *rate = &scenario->faults.rates[fault->kind];

	draw_place(rng, scenario, fault);
	for (const struct fault_key *key = fault_keys(fault->kind); key->name; key++) {
		if (!strcmp(key->name, "for") && rate->for_max_ns)
			fault->for_ns = draw_value(rng, rate->for_min_ns, rate->for_max_ns,
			                           round_step(rate->for_min_ns));
		else if ((key->value == FAULT_VALUE_TARGET || key->value == FAULT_VALUE_IP) &&
		         !draw_address(rng, scenario, fault))
			return false;
		else if (key->draw_max && key->standard != FAULT_KEPT)
			fault_set(fault, key,
			          draw_value(rng, key->draw_min, key->draw_max, key->draw_step));
	}
	if (fault->kind == FAULT_IMPAIR)
		draw_impairments(rng, fault);
	fault_set_duration(fault);
	return true;
}

static void add(struct fault_list *list, const struct fault *fault)
{
	if (list->count == FAULTS_MAX) {
		list->not_drawn++;
		return;
	}
	if (!(list->count & (list->count - 1)))
		list->items = xrealloc(list->items,
		                       (list->count ? 2 * list->count : 1) * sizeof *list->items);
	list->items[list->count++] = *fault;
}

/* The time to the first one is as if others had come before the beginning: with it, in a run of any
 * length, as many are expected as the rate says. That is the smaller of two different numbers of those
 * below twice the mean, exactly, where gaps are uniform from 1 to one less than twice the mean. */
static uint64_t draw_first(struct rng *rng, uint64_t mean_us)
{
	const uint64_t one = rng_below(rng, 2 * mean_us);
	uint64_t other = rng_below(rng, 2 * mean_us - 1);

	other += other >= one;
	return one < other ? one : other;
}

/* Times are whole microseconds. */
static void draw_kind(struct fault_list *list, const struct scenario *scenario, uint64_t seed,
                      enum fault_kind kind)
{
	const struct scenario_fault_rate *rate = &scenario->faults.rates[kind];
	const uint64_t until_us = scenario->faults.until_ns / FB_NS_PER_US;
	const uint64_t mean_us = rate->mean_ns / FB_NS_PER_US;
	char name[NAME_BYTES];
	struct fb_text text = fb_text_make(name, sizeof name);
	struct rng rng;

	fb_text_printf(&text, "fault %s", fault_names[kind]);
	rng_init(&rng, seed, name);
	for (uint64_t time_us = draw_first(&rng, mean_us); time_us < until_us;
	     time_us += 1 + rng_below(&rng, 2 * mean_us - 1)) {
		struct fault fault = fault_make(kind);

		fault.time_ns = time_us * FB_NS_PER_US;
		if (draw_fault(&rng, scenario, &fault))
			add(list, &fault);
	}
}

/* By time, kind and place; those of the file before those that were drawn, of which no two of one kind
 * begin at one time. */
static int fault_compare(const void *left, const void *right)
{
	const struct fault *a = left, *b = right;

	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->place != b->place)
		return a->place < b->place ? -1 : 1;
	if (!a->at.line != !b->at.line)
		return a->at.line ? -1 : 1;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	return (a->at.column > b->at.column) - (a->at.column < b->at.column);
}

/* What lasts is over by 'until'. All of it begins before: so the loader wants it, and so it is drawn. */
static void clip(struct fault_list *list, uint64_t until_ns)
{
	for (size_t i = 0; i < list->count; i++) {
		struct fault *fault = &list->items[i];

		if (fault->for_ns > until_ns - fault->time_ns)
			fault->for_ns = until_ns - fault->time_ns;
	}
}

void fault_list_draw(struct fault_list *list, const struct scenario *scenario, uint64_t seed)
{
	const struct scenario_faults *faults = &scenario->faults;

	*list = (struct fault_list){0};
	for (size_t i = 0; i < faults->count; i++)
		add(list, &faults->list[i]);
	for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
		if (faults->rates[kind].mean_ns)
			draw_kind(list, scenario, seed, kind);
	clip(list, faults->until_ns);
	if (list->count)
		qsort(list->items, list->count, sizeof *list->items, fault_compare);
}

void fault_list_destroy(struct fault_list *list)
{
	free(list->items);
	*list = (struct fault_list){0};
}
