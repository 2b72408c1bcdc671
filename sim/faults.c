/* The faults of a run, as they happen. See faults.h; fault_list.c draws them.
 *
 * Those of the list begin one after another, by one event that walks along it. Each that lasts has an
 * event for its end; those that wait for a frame or message end together, at 'until'. A step's
 * fault is copied, so that one that is repeated has an address each time; when it waits for
 * something, nobody knows for how long, and it ends when somebody waits for convergence. */
#include "sim/faults.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "lib/base/xalloc.h"
#include "sim/link_fates.h"

/* Each is one decision at an end of a link at most: none of a run's is dropped. */
_Static_assert((int)FAULTS_MAX < (int)LINK_DECISIONS_MAX, "links keep the decisions of all faults");

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
	size_t steps_count;    /* that have begun */
	size_t not_begun;      /* beyond FAULTS_MAX */
	size_t steps_waiting;  /* of them, for a frame or message */
	uint64_t start_ns;     /* the first step's beginning */
	bool disturbed;        /* a step disturbed something, or began a fault */
	uint64_t disturbed_ns; /* the latest disturbance or end of a step's fault */
};

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

static void disturb(struct faults *faults, uint64_t time_ns)
{
	faults->disturbed = true;
	if (faults->disturbed_ns < time_ns)
		faults->disturbed_ns = time_ns;
}

void faults_disturbed(struct faults *faults)
{
	disturb(faults, faults->clock->now_ns);
}

void faults_begin(struct faults *faults, const struct fault *fault)
{
	const uint64_t end_ns = fb_time_after(faults->clock->now_ns, fault->for_ns);
	struct step_fault *step;

	if (faults->list->count + faults->steps_count >= FAULTS_MAX) {
		faults->not_begun++;
		return;
	}
	faults->steps_count++;
	step = xcalloc(1, sizeof *step);
	step->fault = *fault;
	step->fault.time_ns = faults->clock->now_ns - faults->start_ns;
	step->waits = waits(fault);
	LIST_INSERT_HEAD(&faults->steps, step, entry);
	faults->steps_waiting += step->waits;
	disturb(faults, end_ns);
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
	if (!faults->disturbed && !faults->has_list)
		return 0;
	last_ns = fb_time_after(last_ns, faults->scenario->faults.converge_ns);
	return last_ns ? last_ns : 1;
}

size_t faults_not_begun(const struct faults *faults)
{
	return faults->not_begun;
}

bool faults_happened(const struct faults *faults)
{
	return faults->has_list || !LIST_EMPTY(&faults->steps);
}
