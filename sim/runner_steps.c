/* Executing steps: one after another, repeated, many at once.
 *
 * A step that is being executed is an activity; each of its repetitions is an iteration. An
 * iteration of a traffic step is one request of one host, one of a group holds the activities of
 * the group's steps. When an iteration ends, an event at the same instant goes on from there, so
 * that no host is called from inside its own callback. See runner_core.h. */
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "sim/runner_core.h"

enum { TEXT_BYTES = 600 };

struct activity {
	TAILQ_ENTRY(activity) entry;
	struct runner *runner;
	const struct scenario_step *step;
	struct iteration *parent; /* of the group that the step stands in; NULL: the whole file */
	bool at_once;             /* all iterations together, not one after another */
	uint64_t total, begun, ended; /* iterations */
};

struct iteration {
	struct event event; /* the iteration has ended, or a wait */
	TAILQ_ENTRY(iteration) entry;
	struct activity *activity;
	uint64_t number;   /* from 0 */
	size_t place;      /* of the request in the step's traffic */
	size_t next_step;  /* GROUP: the step to begin next */
	size_t steps_left; /* PARALLEL */
	bool halfway;      /* SWITCH, MOVE: the second half is to come */
	bool awaiting;     /* READY, CONVERGED: the controller is not ready */
	bool converging;   /* CONVERGED: the network need not have, yet */
};

static void activity_begin(struct runner *runner, const struct scenario_step *step,
                           struct iteration *parent, bool at_once);

static struct iteration *iteration_of(struct event *event)
{
	_Static_assert(offsetof(struct iteration, event) == 0,
	               "an iteration begins with its event");
	return (struct iteration *)(void *)event;
}

/* Go on from 'iteration', which has ended, at this instant but from an event of its own. */
static void iteration_finish(struct iteration *iteration)
{
	struct clock *clock = iteration->activity->runner->clock;

	clock_set(clock, &iteration->event, clock->now_ns);
}

/* --- Requests --- */

static void connection_ended(const struct activity *activity, const struct iteration *iteration,
                             const struct host_result *result)
{
	struct runner *runner = activity->runner;
	const struct scenario_step *step = activity->step;
	const uint32_t host = step->from + (uint32_t)(iteration->number % step->from_count);
	const struct budget_connection connection = {
	        .client = host,
	        .client_ip = runner->scenario->hosts[host].ip,
	        .server_ip = step->ip,
	        .client_port = result->local_port,
	        .server_port = step->tcp.port,
	        .started_ns = result->started_ns,
	        .connected_ns = result->connected_ns,
	        .refused = result->outcome == HOST_REFUSED,
	};

	runner->connections.ended[result->outcome]++;
	if (runner->budget)
		budget_add_connection(runner->budget, &connection);
}

static void request_done(void *ctx, const struct host_result *result)
{
	struct iteration *iteration = ctx;
	struct activity *activity = iteration->activity;
	struct runner *runner = activity->runner;
	const struct scenario_step *step = activity->step;

	if (step->kind == STEP_TCP)
		connection_ended(activity, iteration, result);
	runner->result->expectations++;
	traffic_end(&runner->traffic[step->id], iteration->place, runner->scenario, step, result,
	            runner->replies, &runner->result->failures, runner->trace);
	iteration_finish(iteration);
}

/* Begin the request of a traffic step: hosts take turns, each repeats in its turn. */
static void request_begin(struct iteration *iteration)
{
	struct activity *activity = iteration->activity;
	struct runner *runner = activity->runner;
	const struct scenario_step *step = activity->step;
	const uint32_t from = step->from + (uint32_t)(iteration->number % step->from_count);
	const uint64_t now_ns = runner->clock->now_ns;
	struct host *host = network_host(runner->network, from);

	iteration->place = traffic_begin(&runner->traffic[step->id], from, now_ns);
	if (step->kind == STEP_TCP) {
		struct host_tcp_request request = step->tcp;

		request.send = (const uint8_t *)step->send;
		host_tcp(host, &request, now_ns, request_done, iteration);
	} else if (step->kind == STEP_UDP) {
		struct host_udp_request request = step->udp;

		request.send = (const uint8_t *)step->send;
		host_udp(host, &request, now_ns, request_done, iteration);
	} else if (step->kind == STEP_PING) {
		host_ping(host, &step->ping, now_ns, request_done, iteration);
	} else {
		host_arp(host, step->ip, step->gratuitous, now_ns, request_done, iteration);
	}
	network_host_called(runner->network, from);
}

/* --- Iterations --- */

static bool is_up(const struct network *network, const struct scenario_step *step)
{
	if (step->kind == STEP_LINK)
		return network_link_is_up(network, step->change.index);
	if (step->kind == STEP_HOST)
		return network_host_is_on(network, step->change.index);
	if (step->kind == STEP_SWITCH)
		return network_switch_is_on(network, step->change.index);
	if (step->kind == STEP_CONTROLLER)
		return network_controller_is_up(network);
	return network_control_is_up(network, step->change.index);
}

static void change(struct runner *runner, const struct scenario_step *step, bool up)
{
	if (runner->options->summary)
		report_change(runner->options->summary, runner->scenario, step, up,
		              runner->clock->now_ns, is_up(runner->network, step) != up);
	properties_disturbed(runner->properties);
	faults_disturbed(runner->faults);
	if (step->kind == STEP_LINK)
		network_set_link(runner->network, step->change.index, up);
	else if (step->kind == STEP_HOST)
		network_set_host(runner->network, step->change.index, up);
	else if (step->kind == STEP_SWITCH)
		network_set_switch(runner->network, step->change.index, up);
	else if (step->kind == STEP_CONTROLLER)
		network_set_controller(runner->network, up);
	else
		network_set_control(runner->network, step->change.index, up);
}

/* The second half of the iteration comes 'after_ns' from now. */
static void go_on_after(struct iteration *iteration, uint64_t after_ns)
{
	struct clock *clock = iteration->activity->runner->clock;

	iteration->halfway = true;
	clock_set(clock, &iteration->event, fb_time_after(clock->now_ns, after_ns));
}

static void change_begin(struct iteration *iteration)
{
	const struct scenario_step *step = iteration->activity->step;

	change(iteration->activity->runner, step, step->change.up);
	if (step->kind == STEP_SWITCH && step->change.restart_ns)
		go_on_after(iteration, step->change.restart_ns);
	else
		iteration_finish(iteration);
}

/* Where the host's cable is plugged in. */
static const struct scenario_end *plug_of(const struct runner *runner, uint32_t host)
{
	const struct scenario_host *at = &runner->scenario->hosts[host];

	return network_link_end(runner->network, at->link, !at->link_end);
}

static void move_begin(struct iteration *iteration)
{
	struct runner *runner = iteration->activity->runner;
	const struct scenario_step *step = iteration->activity->step;
	const struct scenario_end *from = plug_of(runner, step->move.host);
	const bool moves = from->index != step->move.sw || from->port != step->move.port;

	if (runner->options->summary)
		report_move(runner->options->summary, runner->scenario, step, from,
		            runner->clock->now_ns);
	properties_disturbed(runner->properties);
	faults_disturbed(runner->faults);
	if (moves) {
		network_unplug(runner->network, step->move.host);
		go_on_after(iteration, step->move.after_ns);
	} else {
		iteration_finish(iteration);
	}
}

static void move_end(struct iteration *iteration)
{
	struct runner *runner = iteration->activity->runner;
	const struct scenario_step *step = iteration->activity->step;
	const uint32_t host = step->move.host;

	properties_disturbed(runner->properties);
	faults_disturbed(runner->faults);
	network_plug(runner->network, host, step->move.sw, step->move.port);
	if (!step->move.announce)
		return;
	host_arp(network_host(runner->network, host), 0, true, runner->clock->now_ns, NULL, NULL);
	network_host_called(runner->network, host);
}

/* The second half of what was put off. */
static void second_half(struct iteration *iteration)
{
	iteration->halfway = false;
	if (iteration->activity->step->kind == STEP_MOVE)
		move_end(iteration);
	else
		change(iteration->activity->runner, iteration->activity->step, true);
	iteration_finish(iteration);
}

static void judge_command(struct runner *runner, const struct scenario_step *step, bool failed)
{
	struct runner_judged *judged = &runner->result->judged_steps[step->id];

	judged->count++;
	judged->wrong += failed;
	judged->verdict = judged->wrong ? RUNNER_FAILED : RUNNER_HELD;
}

/* Give a command to an application. */
static void command(struct runner *runner, const struct scenario_step *step)
{
	const struct scenario_command *c = step->command;
	char expected[TEXT_BYTES], happened[TEXT_BYTES], answer[TEXT_BYTES / 2];
	struct fb_text expected_text = fb_text_make(expected, sizeof expected);
	struct fb_text happened_text = fb_text_make(happened, sizeof happened);
	struct fb_text answer_text = fb_text_make(answer, sizeof answer);
	const bool refused = network_command(runner->network, c->app, (const char *const *)c->words,
	                                     c->words_count, &answer_text) != 0;

	runner->result->expectations++;
	judge_command(runner, step, refused != c->refused);
	if (runner->options->summary)
		report_command(runner->options->summary, c, refused, answer, runner->clock->now_ns);
	if (refused == c->refused)
		return;
	fb_text_printf(&expected_text, "%s \"%.200s\": %s", c->app, c->text,
	               c->refused ? "refused" : "ok");
	fb_text_printf(&happened_text, "%s%s%s", refused ? "refused" : "ok", answer[0] ? ": " : "",
	               answer);
	failures_add(&runner->result->failures, (struct failure_of){FAILURE_OF_STEP, step->id}, c->text,
	             step->at, runner->clock->now_ns, expected, happened, NULL, NULL);
}

/* --- Waiting until all is ready --- */

static void ready_begin(struct iteration *iteration)
{
	struct runner *runner = iteration->activity->runner;

	if (network_ready(runner->network)) {
		iteration_finish(iteration);
		return;
	}
	iteration->awaiting = true;
	runner->awaiting++;
	clock_set(runner->clock, &iteration->event, runner->clock->now_ns + RUNNER_JOIN_NS);
}

void runner_is_ready(struct runner *runner)
{
	struct iteration *iteration;

	TAILQ_FOREACH(iteration, &runner->iterations, entry)
	{
		if (!iteration->awaiting)
			continue;
		iteration->awaiting = false;
		runner->awaiting--;
		iteration_finish(iteration);
	}
}

/* Its time is over. */
static void ready_never(struct iteration *iteration)
{
	struct runner *runner = iteration->activity->runner;

	runner->awaiting--;
	runner_not_ready(runner, iteration->activity->step->at);
}

/* --- Waiting until the network has converged --- */

/* Wait on, or, when that is over, for the controller. Other steps may go on meanwhile. */
static void converge(struct iteration *iteration)
{
	struct runner *runner = iteration->activity->runner;
	uint64_t at_ns;

	faults_settle(runner->faults);
	at_ns = faults_converged_at(runner->faults);
	runner->converging -= iteration->converging;
	iteration->converging = at_ns > runner->clock->now_ns;
	runner->converging += iteration->converging;
	if (iteration->converging)
		clock_set(runner->clock, &iteration->event, at_ns);
	else
		ready_begin(iteration);
}

static void group_begin(struct iteration *iteration)
{
	struct activity *activity = iteration->activity;
	const struct scenario_step *step = activity->step;

	if (step->kind == STEP_GROUP) {
		iteration->next_step = 1;
		activity_begin(activity->runner, &step->steps[0], iteration, false);
		return;
	}
	iteration->steps_left = step->steps_count;
	for (size_t i = 0; i < step->steps_count; i++)
		activity_begin(activity->runner, &step->steps[i], iteration, true);
}

static void iteration_fire(struct event *event);

static void iteration_begin(struct activity *activity)
{
	struct runner *runner = activity->runner;
	struct iteration *iteration = xcalloc(1, sizeof *iteration);

	iteration->event.fire = iteration_fire;
	iteration->activity = activity;
	iteration->number = activity->begun++;
	TAILQ_INSERT_TAIL(&runner->iterations, iteration, entry);
	switch (activity->step->kind) {
	case STEP_WAIT:
		clock_set(runner->clock, &iteration->event,
		          runner->clock->now_ns + activity->step->wait_ns);
		break;
	case STEP_PING:
	case STEP_ARP:
	case STEP_UDP:
	case STEP_TCP:
		request_begin(iteration);
		break;
	case STEP_READY:
		ready_begin(iteration);
		break;
	case STEP_LINK:
	case STEP_HOST:
	case STEP_SWITCH:
	case STEP_CONTROLLER:
	case STEP_CONTROL:
		change_begin(iteration);
		break;
	case STEP_MOVE:
		move_begin(iteration);
		break;
	case STEP_FAULT:
		properties_disturbed(runner->properties);
		faults_begin(runner->faults, activity->step->fault);
		iteration_finish(iteration);
		break;
	case STEP_CONVERGED:
		converge(iteration);
		break;
	case STEP_APP:
		command(runner, activity->step);
		iteration_finish(iteration);
		break;
	case STEP_PARALLEL:
	case STEP_GROUP:
		group_begin(iteration);
		break;
	case STEP_MARK:
	case STEP_EXPECT:
		iteration_finish(iteration); /* the loader lets none into a group */
		break;
	}
}

/* All iterations have ended: so has the step. */
static void activity_end(struct activity *activity)
{
	struct runner *runner = activity->runner;
	struct iteration *parent = activity->parent;

	TAILQ_REMOVE(&runner->activities, activity, entry);
	free(activity);
	if (!parent) {
		runner->step_done = true;
		return;
	}
	if (parent->activity->step->kind == STEP_PARALLEL) {
		if (!--parent->steps_left)
			iteration_finish(parent);
	} else if (parent->next_step < parent->activity->step->steps_count) {
		activity_begin(runner, &parent->activity->step->steps[parent->next_step++], parent,
		               false);
	} else {
		iteration_finish(parent);
	}
}

/* The iteration has ended, or half of it: begin the next, or end the step. */
static void iteration_fire(struct event *event)
{
	struct iteration *iteration = iteration_of(event);
	struct activity *activity = iteration->activity;

	if (iteration->halfway) {
		second_half(iteration);
		return;
	}
	if (iteration->converging) {
		converge(iteration);
		return;
	}
	if (iteration->awaiting)
		ready_never(iteration);
	TAILQ_REMOVE(&activity->runner->iterations, iteration, entry);
	free(iteration);
	activity->ended++;
	if (activity->ended == activity->total)
		activity_end(activity);
	else if (!activity->at_once)
		iteration_begin(activity);
}

static void activity_begin(struct runner *runner, const struct scenario_step *step,
                           struct iteration *parent, bool at_once)
{
	struct activity *activity = xcalloc(1, sizeof *activity);

	activity->runner = runner;
	activity->step = step;
	activity->parent = parent;
	activity->at_once = at_once;
	activity->total = (uint64_t)step->repeat * step->from_count;
	TAILQ_INSERT_TAIL(&runner->activities, activity, entry);
	/* Iterations end from events, never before this loop does. */
	do
		iteration_begin(activity);
	while (at_once && activity->begun < activity->total);
}

void runner_begin_step(struct runner *runner, const struct scenario_step *step)
{
	runner->step_done = false;
	activity_begin(runner, step, NULL, false);
}

void runner_drop_steps(struct runner *runner)
{
	struct activity *activity;
	struct iteration *iteration;

	while ((iteration = TAILQ_FIRST(&runner->iterations)) != NULL) {
		TAILQ_REMOVE(&runner->iterations, iteration, entry);
		clock_cancel(runner->clock, &iteration->event);
		free(iteration);
	}
	while ((activity = TAILQ_FIRST(&runner->activities)) != NULL) {
		TAILQ_REMOVE(&runner->activities, activity, entry);
		free(activity);
	}
}
