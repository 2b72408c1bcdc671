/* The faults of a run. See faults.h.
 *
 * Those of the list begin one after another, by one event that walks along it. Each that lasts has an
 * event for its end; those that wait for a frame or message end together, at 'until'. A step's
 * fault is copied, so that one that is repeated has an address each time; when it waits for
 * something, nobody knows for how long, and it ends when somebody waits for convergence. */
#include "sim/faults.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/rng.h"
#include "lib/base/xalloc.h"

enum { NAME_BYTES = 40 };

/* A fault that lasts, and goes on. */
struct running {
	struct event event; /* its end */
	struct faults *faults;
	const struct fault *fault;
};

/* A fault of a step, from its beginning on. */
struct step_fault {
	LIST_ENTRY(step_fault) entry;
	struct running running;
	struct fault fault;
	bool waits; /* for a frame or message, still */
};

struct faults {
	struct event event; /* the next fault of the list, or the end of those that wait */
	const struct scenario *scenario;
	struct network *network;
	struct clock *clock;
	const struct fault_list *list;
	size_t next;                   /* in the list */
	struct running *running;       /* by place in the list */
	LIST_HEAD(, step_fault) steps; /* kept until the end, as the list is */
	bool started, has_list;
	size_t steps_waiting;  /* of them, for a frame or message */
	uint64_t start_ns;     /* the first step's beginning */
	uint64_t disturbed_ns; /* the latest disturbance or end of a step's fault; 0: none */
};

/* --- Drawing --- */

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
	for (uint64_t time_us = rng_below(&rng, 2 * mean_us + 1); time_us < until_us;
	     time_us += 1 + rng_below(&rng, 2 * mean_us)) {
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

/* What lasts is over by 'until'. */
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

/* --- Beginning and ending --- */

/* Its end is when what it waits for has come by. */
static bool waits(const struct fault *fault)
{
	return !fault->for_ns && fault->kind != FAULT_GRATUITOUS_ARP;
}

static struct faults *faults_of(struct event *event)
{
	_Static_assert(offsetof(struct faults, event) == 0, "faults begin with their event");
	return (struct faults *)(void *)event;
}

static struct running *running_of(struct event *event)
{
	_Static_assert(offsetof(struct running, event) == 0, "what runs begins with its event");
	return (struct running *)(void *)event;
}

static void running_end(struct event *event)
{
	struct running *running = running_of(event);

	network_fault_end(running->faults->network, running->fault);
}

/* Begin 'fault', and see to its end, if it is known. */
static void running_begin(struct faults *faults, struct running *running, const struct fault *fault)
{
	running->event.fire = running_end;
	running->faults = faults;
	running->fault = fault;
	network_fault_begin(faults->network, fault);
	if (!waits(fault))
		clock_set(faults->clock, &running->event,
		          fb_time_after(faults->clock->now_ns, fault->for_ns));
}

/* When the next of the list begins, or, after the last, when what waits ends: before all else that
 * happens then, so that the frames of that instant are counted from the first one. */
static uint64_t next_time(const struct faults *faults)
{
	const uint64_t from_start_ns = faults->next < faults->list->count
	                                       ? faults->list->items[faults->next].time_ns
	                                       : faults->scenario->faults.until_ns;
	const uint64_t time_ns = fb_time_after(faults->start_ns, from_start_ns);

	return time_ns > faults->clock->now_ns ? time_ns : faults->clock->now_ns;
}

static void begin_next(struct faults *faults)
{
	const size_t place = faults->next++;

	running_begin(faults, &faults->running[place], &faults->list->items[place]);
}

static void faults_fire(struct event *event)
{
	struct faults *faults = faults_of(event);
	const struct fault_list *list = faults->list;

	if (faults->next < list->count) {
		begin_next(faults);
		clock_set_first(faults->clock, event, next_time(faults));
		return;
	}
	for (size_t i = 0; i < list->count; i++)
		if (waits(&list->items[i]))
			network_fault_end(faults->network, &list->items[i]);
}

struct faults *faults_new(const struct scenario *scenario, struct network *network,
                          const struct fault_list *list)
{
	struct faults *faults = xcalloc(1, sizeof *faults);

	faults->event.fire = faults_fire;
	faults->scenario = scenario;
	faults->network = network;
	faults->clock = network_clock(network);
	faults->list = list;
	faults->running = xcalloc(list->count + 1, sizeof *faults->running);
	faults->has_list = list->count != 0;
	for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
		faults->has_list |= scenario->faults.rates[kind].mean_ns != 0;
	LIST_INIT(&faults->steps);
	return faults;
}

void faults_free(struct faults *faults)
{
	struct step_fault *step;

	if (!faults)
		return;
	clock_cancel(faults->clock, &faults->event);
	for (size_t i = 0; i < faults->list->count; i++)
		clock_cancel(faults->clock, &faults->running[i].event);
	while ((step = LIST_FIRST(&faults->steps)) != NULL) {
		LIST_REMOVE(step, entry);
		clock_cancel(faults->clock, &step->running.event);
		free(step);
	}
	free(faults->running);
	free(faults);
}

void faults_start(struct faults *faults)
{
	faults->started = true;
	faults->start_ns = faults->clock->now_ns;
	/* Those of this instant come before the first step, not only before the next event. */
	while (faults->next < faults->list->count && !faults->list->items[faults->next].time_ns)
		begin_next(faults);
	if (faults->list->count)
		clock_set_first(faults->clock, &faults->event, next_time(faults));
}

/* --- Steps --- */

void faults_disturbed(struct faults *faults)
{
	if (faults->disturbed_ns < faults->clock->now_ns)
		faults->disturbed_ns = faults->clock->now_ns;
}

void faults_begin(struct faults *faults, const struct fault *fault)
{
	struct step_fault *step = xcalloc(1, sizeof *step);
	const uint64_t end_ns = fb_time_after(faults->clock->now_ns, fault->for_ns);

	step->fault = *fault;
	step->fault.time_ns = faults->clock->now_ns - faults->start_ns;
	step->waits = waits(fault);
	LIST_INSERT_HEAD(&faults->steps, step, entry);
	faults->steps_waiting += step->waits;
	if (faults->disturbed_ns < end_ns)
		faults->disturbed_ns = end_ns;
	running_begin(faults, &step->running, &step->fault);
}

void faults_settle(struct faults *faults)
{
	struct step_fault *step;

	if (!faults->steps_waiting)
		return;
	LIST_FOREACH(step, &faults->steps, entry)
	{
		if (!step->waits)
			continue;
		step->waits = false;
		network_fault_end(faults->network, &step->fault);
	}
	faults->steps_waiting = 0;
	faults_disturbed(faults);
}

uint64_t faults_converged_at(const struct faults *faults)
{
	uint64_t last_ns = faults->disturbed_ns;

	if (faults->steps_waiting || (faults->has_list && !faults->started))
		return FB_NEVER;
	if (faults->has_list) {
		const uint64_t until_ns =
		        fb_time_after(faults->start_ns, faults->scenario->faults.until_ns);

		last_ns = until_ns > last_ns ? until_ns : last_ns;
	}
	return last_ns ? fb_time_after(last_ns, faults->scenario->faults.converge_ns) : 0;
}

bool faults_happened(const struct faults *faults)
{
	return faults->has_list || !LIST_EMPTY(&faults->steps);
}
