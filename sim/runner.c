/* The run of a scenario. See runner.h. */
#include "sim/runner.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/runner_core.h"
#include "sim/scenario_keys.h"

enum { TEXT_BYTES = 600 };

#define LOOK_AGAIN_NS FB_NS_PER_MS /* after that long, where it costs time to look */

static void fail(struct runner *runner, struct failure_of of, const char *key, struct position at,
                 const char *expected, const char *happened, const struct trace_relation *relation)
{
	failures_add(&runner->result->failures, of, key, at, runner->clock->now_ns, expected, happened,
	             runner->trace, relation);
}

/* The run cannot go on. */
static void fail_run(struct runner *runner, const char *key, struct position at, const char *expected,
                     const char *happened)
{
	const struct trace_relation all = trace_relation_all();

	fail(runner, (struct failure_of){FAILURE_OF_RUN, 0}, key, at, expected, happened, &all);
}

/* --- Letting time pass --- */

/* What there is still to be done at 'end'. */
static void tell_what_goes_on(struct runner *runner, struct fb_text *text)
{
	const uint64_t converged_ns = faults_converged_at(runner->faults);

	fb_text_puts(text, "it still goes on: ");
	if (runner->converging) {
		fb_text_puts(text, "it waits until the network has converged");
		if (converged_ns != FB_NEVER) {
			fb_text_puts(text, ", at ");
			fb_text_time(text, converged_ns);
		}
		if (!network_busy(runner->network, NULL))
			return;
		fb_text_puts(text, "; ");
	}
	if (!network_busy(runner->network, text))
		fb_text_puts(text, "this step had not ended, though nothing is under way");
}

/* True when the run cannot go on, after telling why. 'at' is the step. */
static bool is_over(struct runner *runner, struct position at)
{
	char expected[TEXT_BYTES], happened[TEXT_BYTES];
	struct fb_text end = fb_text_make(expected, sizeof expected);
	struct fb_text text = fb_text_make(happened, sizeof happened);

	if (runner->broken[NO_LOOPS] &&
	    properties_count(runner->properties, NO_LOOPS) > RUNNER_LOOPS_MAX) {
		/* It is a failure already. */
	} else if (runner->clock->overflow) {
		fb_text_printf(&text, "more than %llu events wait at once",
		               (unsigned long long)runner->clock->events_max);
		fail_run(runner, "events", at,
		         "a network that copes with its traffic (do frames run in a loop?)", happened);
	} else if (runner->clock->fired >= RUNNER_EVENTS_MAX) {
		fb_text_printf(&text, "%llu events have run",
		               (unsigned long long)runner->clock->fired);
		fail_run(runner, "events", at,
		         "a run that ends before that (do frames run in a loop, or is it simply too "
		         "long?)",
		         happened);
	} else if (runner->clock->now_ns >= runner->scenario->end_ns) {
		fb_text_puts(&end, "a run that ends before 'end', ");
		scenario_duration_text(&end, runner->scenario->end_ns);
		tell_what_goes_on(runner, &text);
		fail_run(runner, "end", at, expected, happened);
	} else {
		return false;
	}
	runner->given_up = true;
	return true;
}

/* Let the next event happen, or time pass to 'deadline_ns', whichever is first; both within the
 * run's end. False when the deadline is reached. */
static bool step_to(struct runner *runner, uint64_t deadline_ns)
{
	uint64_t next_ns = clock_next(runner->clock);

	deadline_ns = fb_time_min(deadline_ns, runner->scenario->end_ns);
	if (next_ns > deadline_ns) {
		clock_advance(runner->clock, deadline_ns);
		return false;
	}
	clock_step(runner->clock);
	if (runner->awaiting && network_ready(runner->network))
		runner_is_ready(runner);
	return true;
}

/* Until the network is quiet: RUNNER_QUIET_NS after the last that happened, when nothing is under
 * way. */
static void wait_until_quiet(struct runner *runner, struct position at)
{
	while (!is_over(runner, at)) {
		const uint64_t quiet_ns = network_last_activity(runner->network) + RUNNER_QUIET_NS;

		if (runner->clock->now_ns < quiet_ns)
			step_to(runner, quiet_ns);
		else if (network_busy(runner->network, NULL))
			step_to(runner, FB_NEVER); /* a long way, or a long back-off */
		else
			return;
	}
}

/* Until no fault is left and the network has had its time. In a file without faults, where steps alone
 * broke something, only if 'end' leaves the time for it. */
static void wait_until_converged(struct runner *runner, struct position at)
{
	uint64_t at_ns;

	faults_settle(runner->faults);
	if (!runner->scenario->faults.at.line && !faults_happened(runner->faults) &&
	    fb_time_after(faults_converged_at(runner->faults), RUNNER_QUIET_NS) >=
	            runner->scenario->end_ns)
		return;
	runner->converging++;
	while ((at_ns = faults_converged_at(runner->faults)) > runner->clock->now_ns &&
	       !is_over(runner, at))
		step_to(runner, at_ns);
	runner->converging--;
}

/* --- Expectations --- */

/* What the switch has, beside what it should have: for people, and for who writes it to the file. */
static void keep_dump(struct runner *runner, const struct scenario_expectation *expectation)
{
	struct runner_result *result = runner->result;
	struct dump_lines *got = xcalloc(1, sizeof *got);
	char *diff;

	dump_take(got, runner->network, expectation->subject, expectation->dump);
	diff = dump_diff(expectation->dump, got);
	if (result->failures.total == result->failures.count)
		failures_append(&result->failures, result->failures.count - 1, diff);
	free(diff);
	result->judged_expectations[expectation->id].got = got;
}

/* Record that an expectation did not hold. 'when' says at which moment. */
static void miss(struct runner *runner, const struct scenario_expectation *expectation,
                 uint64_t value, const char *when)
{
	struct trace_relation relation;
	char expected[TEXT_BYTES], happened[TEXT_BYTES];
	struct fb_text expected_text = fb_text_make(expected, sizeof expected);
	struct fb_text happened_text = fb_text_make(happened, sizeof happened);

	runner->missed[expectation->id] = true;
	runner->result->judged_expectations[expectation->id] =
	        (struct runner_judged){.verdict = RUNNER_FAILED, .value = value};
	scenario_expectation_text(&expected_text, expectation);
	if (scenario_expectation_counts(expectation))
		scenario_value_text(&happened_text, &expectation->bounds, value);
	expect_detail(runner->expect, expectation, &happened_text);
	fb_text_printf(&happened_text, ", %s", when);
	relation = expect_relation(runner->expect, expectation);
	fail(runner, (struct failure_of){FAILURE_OF_EXPECTATION, expectation->id}, expectation->text,
	     expectation->at, expected, happened, &relation);
	if (expectation->kind == EXPECT_DUMP)
		keep_dump(runner, expectation);
}

/* Wait for a lower bound. */
static bool wait_for(struct runner *runner, const struct scenario_expectation *expectation)
{
	const uint64_t deadline_ns = runner->clock->now_ns + expectation->within_ns;

	while (expect_value(runner->expect, expectation) < expectation->bounds.min) {
		const uint64_t again_ns =
		        fb_time_min(runner->clock->now_ns + LOOK_AGAIN_NS, deadline_ns);

		do {
			if (runner->clock->now_ns >= deadline_ns ||
			    is_over(runner, expectation->at))
				return false;
			step_to(runner, deadline_ns);
		} while (expect_is_slow(expectation) && runner->clock->now_ns < again_ns);
	}
	return true;
}

/* Judge what has no upper bound, and wait for what does. False when there is no going on. */
static bool await_expectations(struct runner *runner, const struct scenario_step *step)
{
	bool bounded = false;

	for (size_t i = 0; i < step->expectations_count; i++) {
		const struct scenario_expectation *expectation = &step->expectations[i];

		bounded |= expectation->bounds.has_max;
		/* A dump is of a quiet network: nobody waits until it happens to be as written. */
		if (!expectation->bounds.has_min || expectation->kind == EXPECT_DUMP ||
		    wait_for(runner, expectation))
			continue;
		if (runner->given_up)
			return false;
		miss(runner, expectation, expect_value(runner->expect, expectation),
		     "when its time was over");
	}
	if (bounded)
		wait_until_quiet(runner, step->at);
	return !runner->given_up;
}

static void execute_expect(struct runner *runner, const struct scenario_step *step)
{
	if (!await_expectations(runner, step))
		return;
	if (runner->options->summary)
		fputc('\n', runner->options->summary);
	for (size_t i = 0; i < step->expectations_count; i++) {
		const struct scenario_expectation *expectation = &step->expectations[i];
		uint64_t value = expect_value(runner->expect, expectation);

		/* An upper bound, and with it the count as a whole, is judged now that the network
		 * is quiet. */
		if (expectation->bounds.has_max && !runner->missed[expectation->id] &&
		    !scenario_bounds_hold(&expectation->bounds, value))
			miss(runner, expectation, value, "once the network was quiet");
		runner->result->expectations++;
		if (!runner->missed[expectation->id])
			runner->result->judged_expectations[expectation->id] =
			        (struct runner_judged){.verdict = RUNNER_HELD, .value = value};
		if (runner->options->summary)
			report_expectation(runner->options->summary, expectation, value,
			                   !runner->missed[expectation->id]);
	}
}

/* At the end of the run: upper bounds and exact counts once more. */
static void judge_at_end(struct runner *runner, const struct scenario_step *step)
{
	for (size_t i = 0; i < step->expectations_count; i++) {
		const struct scenario_expectation *expectation = &step->expectations[i];
		uint64_t value;

		if (!expectation->bounds.has_max || !expectation->at_end ||
		    runner->missed[expectation->id])
			continue;
		value = expect_value(runner->expect, expectation);
		if (scenario_bounds_hold(&expectation->bounds, value))
			continue;
		miss(runner, expectation, value,
		     "at the end of the run (when later steps may add to it, write at_end: no)");
	}
}

/* --- Steps --- */

/* How the requests of a traffic step came out; 'failed': as a whole they are not what is expected. */
static void judge_traffic(struct runner *runner, const struct scenario_step *step, bool failed)
{
	const struct traffic *traffic = &runner->traffic[step->id];

	runner->result->judged_steps[step->id] = (struct runner_judged){
	        .verdict = traffic->wrong || failed ? RUNNER_FAILED
	                   : runner->given_up       ? RUNNER_NOT_JUDGED
	                                            : RUNNER_HELD,
	        .count = traffic->count,
	        .wrong = traffic->wrong};
}

static void report_steps(struct runner *runner, const struct scenario_step *step)
{
	const struct traffic *traffic = &runner->traffic[step->id];
	const uint64_t failures_before = runner->result->failures.total;

	if (traffic->count && !runner->given_up) {
		traffic_judge_moved(traffic, runner->scenario, step, runner->clock->now_ns,
		                    &runner->result->failures);
		traffic_judge_order(traffic, runner->scenario, step, runner->clock->now_ns,
		                    &runner->result->failures, runner->trace);
	}
	if (traffic->count)
		judge_traffic(runner, step,
		              runner->result->failures.total != failures_before);
	if (runner->options->summary)
		report_traffic(runner->options->summary, runner->scenario, step, traffic);
	for (size_t i = 0; i < step->steps_count; i++)
		report_steps(runner, &step->steps[i]);
}

static void execute_step(struct runner *runner, const struct scenario_step *step)
{
	runner->modes_told = 0;
	runner->at = step->at;
	if (step->kind == STEP_EXPECT) {
		execute_expect(runner, step);
		return;
	}
	if (step->kind == STEP_MARK) {
		expect_mark(runner->expect, step->mark);
		return;
	}
	runner_begin_step(runner, step);
	while (!runner->step_done && !is_over(runner, step->at))
		step_to(runner, FB_NEVER);
	report_steps(runner, step);
}

void runner_not_ready(struct runner *runner, struct position at)
{
	const struct network *network = runner->network;
	const size_t expected = network_switches_expected(network);
	char happened[TEXT_BYTES];
	struct fb_text text = fb_text_make(happened, sizeof happened);

	if (!network_controller_is_up(network))
		fb_text_puts(&text, "the controller was down for 30 s");
	else if (network_switches_up(network) == expected)
		fb_text_printf(&text, "all %zu had joined, but %s after 30 s", expected,
		               network_joined(network) ? "the controller was not ready"
		                                       : "messages were still under way");
	else
		fb_text_printf(&text, "%zu of %zu had joined after 30 s",
		               network_switches_up(network), expected);
	fail_run(runner, "ready", at, "all switches to join the controller, and it to be ready", happened);
}

/* Wait until all switches have joined and the controller is ready; false when they do not. */
static bool wait_until_ready(struct runner *runner, struct position at)
{
	const uint64_t deadline_ns = runner->clock->now_ns + RUNNER_JOIN_NS;

	while (!network_ready(runner->network)) {
		if (is_over(runner, at))
			return false;
		if (runner->clock->now_ns >= deadline_ns) {
			runner_not_ready(runner, at);
			return false;
		}
		step_to(runner, deadline_ns);
	}
	return true;
}

static bool join(struct runner *runner)
{
	network_start(runner->network);
	if (!wait_until_ready(runner, runner->scenario->controller.at))
		return false;
	runner->joined = true;
	runner->result->start_ns = runner->clock->now_ns;
	faults_start(runner->faults);
	return true;
}

/* After the last step: faults end, what they broke heals, and nothing is under way any more. Without a
 * controller, where a step took it down, there is none to wait for. */
static void come_to_rest(struct runner *runner, struct position at)
{
	wait_until_converged(runner, at);
	if (!runner->given_up && faults_happened(runner->faults) &&
	    network_controller_is_up(runner->network))
		wait_until_ready(runner, at);
	if (!runner->given_up)
		wait_until_quiet(runner, at);
}

/* Faults that did not begin are no secret. */
static void judge_faults(struct runner *runner, struct position at)
{
	const size_t not_begun = faults_not_begun(runner->faults);
	char expected[TEXT_BYTES], happened[TEXT_BYTES];

	if (!not_begun)
		return;
	snprintf(expected, sizeof expected, "a run with at most %d faults", FAULTS_MAX);
	snprintf(happened, sizeof happened, "%zu more of steps were not begun", not_begun);
	fail_run(runner, "faults", at, expected, happened);
}

static uint64_t converged_at(void *ctx)
{
	const struct runner *runner = ctx;

	return faults_converged_at(runner->faults);
}

/* A property does not hold. */
static void property_broken(void *ctx, enum scenario_property property, const char *expected,
                            const char *happened, const struct trace_relation *relation)
{
	struct runner *runner = ctx;

	fail(runner, (struct failure_of){FAILURE_OF_PROPERTY, property}, scenario_keys_properties[property],
	     runner->at, expected, happened, relation);
	runner->broken[property] = runner->result->failures.total;
	runner->result->judged_properties[property].verdict = RUNNER_FAILED;
}

/* Those that were broken more than once tell so. */
static void tell_how_often(struct runner *runner)
{
	for (unsigned i = 0; i < SCENARIO_PROPERTIES; i++) {
		const uint64_t count = properties_count(runner->properties, i);
		char more[TEXT_BYTES];
		struct fb_text text = fb_text_make(more, sizeof more);

		if (!runner->broken[i] || count < 2)
			continue;
		fb_text_printf(&text, " (and %llu times more%s)", (unsigned long long)count - 1,
		               i == NO_LOOPS && count > RUNNER_LOOPS_MAX ? ", which ended the run"
		                                                         : "");
		failures_append(&runner->result->failures, runner->broken[i] - 1, more);
	}
}

/* Packet buffers may be in use for what goes on all the time, discovery: it is soon over. */
static void judge_properties(struct runner *runner)
{
	const uint64_t deadline_ns = runner->clock->now_ns + RUNNER_QUIET_NS;

	while (properties_await_buffers(runner->properties) && runner->clock->now_ns < deadline_ns)
		step_to(runner, deadline_ns);
	properties_judge_end(runner->properties);
	runner->properties_judged = true;
}

static bool probes_go_on(void *ctx)
{
	const struct runner *runner = ctx;

	return properties_count(runner->properties, NO_LOOPS) <= RUNNER_LOOPS_MAX;
}

/* The run is over, and everything counted: hosts ping each other, which nothing else sees but the
 * properties. */
static void probe(struct runner *runner)
{
	bool asked;

	if (!runner->properties_judged)
		return;
	asked = !runner->broken[NO_LOOPS] &&
	        properties_judge_reach(runner->properties, probes_go_on, runner);
	for (unsigned i = 0; i < SCENARIO_PROPERTIES; i++) {
		runner->result->excused[i] = properties_excused(runner->properties, i);
		if (!properties_is_on(runner->properties, i) ||
		    properties_count(runner->properties, i) ||
		    !properties_is_judged(runner->properties, i) || (i == REACHABILITY && !asked))
			continue;
		runner->result->properties_held |= 1U << i;
		runner->result->judged_properties[i].verdict = RUNNER_HELD;
	}
}

static void run_steps(struct runner *runner)
{
	const struct scenario *scenario = runner->scenario;
	const struct position last = scenario->steps[scenario->steps_count - 1].at;

	runner->at = scenario->controller.at.line ? scenario->controller.at : scenario->steps[0].at;
	if (!join(runner))
		return;
	for (size_t i = 0; i < scenario->steps_count && !runner->given_up; i++) {
		execute_step(runner, &scenario->steps[i]);
		if (runner->options->summary)
			report_modes_end(runner->options->summary, runner->modes_told);
	}
	judge_faults(runner, last);
	if (!runner->given_up)
		come_to_rest(runner, last);
	if (!runner->given_up)
		judge_properties(runner);
	for (size_t i = 0; i < scenario->steps_count && !runner->given_up; i++)
		judge_at_end(runner, &scenario->steps[i]);
}

/* --- The whole --- */

static void take_counts(struct runner *runner)
{
	const struct network_controller_counts counts = network_controller_counts(runner->network);
	struct runner_result *result = runner->result;

	result->now_ns = runner->clock->now_ns;
	result->events = runner->clock->fired;
	result->frames = network_counters(runner->network)->frames_delivered;
	result->lldp_frames = network_counters(runner->network)->lldp_frames;
	result->lldp_messages = counts.lldp_messages;
	network_digest(runner->network, result->digest);
	result->messages = counts.messages;
	result->packet_ins = counts.packet_ins;
	result->packet_outs = counts.packet_outs;
	result->flow_mods = counts.flow_mods;
	result->occasions = network_mutation_occasions(runner->network);
}

/* The fail modes with which a run begins need no telling. */
static void tell_mode(void *ctx, uint64_t now_ns, uint32_t sw, enum datapath_mode mode,
                      const char *line)
{
	struct runner *runner = ctx;

	(void)line;
	if (runner->joined)
		report_mode(runner->options->summary, runner->scenario, sw, mode, now_ns,
		            runner->modes_told++);
}

static bool steps_have_message_faults(const struct scenario_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if ((steps[i].kind == STEP_FAULT && fault_is_of_messages(steps[i].fault->kind)) ||
		    steps_have_message_faults(steps[i].steps, steps[i].steps_count))
			return true;
	return false;
}

static bool has_message_faults(const struct scenario *scenario, const struct fault_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (fault_is_of_messages(list->items[i].kind))
			return true;
	return steps_have_message_faults(scenario->steps, scenario->steps_count);
}

/* The faults of the run, which are its own. */
static void take_faults(const struct scenario *scenario, const struct runner_options *options,
                        struct fault_list *list)
{
	if (!options->faults) {
		fault_list_draw(list, scenario, options->seed);
		return;
	}
	*list = *options->faults;
	list->items = xmalloc((list->count + 1) * sizeof *list->items);
	if (list->count)
		memcpy(list->items, options->faults->items, list->count * sizeof *list->items);
}

static void runner_init(struct runner *runner, const struct scenario *scenario,
                        const struct runner_options *options, struct runner_result *result)
{
	const struct properties_ops properties_ops = {
	        .broken = property_broken, .converged_at = converged_at, .ctx = runner};
	struct network_observer observers[NETWORK_OBSERVERS_MAX];
	struct network_options network_options = {
	        .seed = options->seed, .mutant = options->mutant, .observers = observers};
	size_t observers_count = 0;

	*runner = (struct runner){.scenario = scenario, .options = options, .result = result};
	TAILQ_INIT(&runner->activities);
	TAILQ_INIT(&runner->iterations);
	if (options->live || options->keep) {
		runner->trace = trace_new(scenario, options->live, options->keep);
		observers[observers_count++] = trace_observer(runner->trace);
	}
	runner->properties = properties_new(scenario, &properties_ops);
	observers[observers_count++] = properties_observer(runner->properties);
	if (options->summary)
		observers[observers_count++] =
		        (struct network_observer){.mode = tell_mode, .ctx = runner};
	if (budget_is_wanted(scenario)) {
		runner->budget = budget_new(scenario);
		observers[observers_count++] = budget_observer(runner->budget);
	}
	if (options->observer)
		observers[observers_count++] = *options->observer;
	network_options.log_level = runner->trace ? FB_LOG_INFO : FB_LOG_ERROR;
	network_options.observers_count = observers_count;
	network_options.message_faults = has_message_faults(scenario, &result->faults);
	runner->network = network_new(scenario, &network_options);
	runner->faults = faults_new(scenario, runner->network, &result->faults);
	properties_watch(runner->properties, runner->network);
	runner->clock = network_clock(runner->network);
	runner->expect = expect_new(scenario, runner->network,
	                            properties_affinity(runner->properties), &runner->connections,
	                            runner->budget);
	runner->missed = xcalloc(scenario->expectation_ids + 1, sizeof *runner->missed);
	runner->replies = replies_new();
	runner->traffic = xcalloc(scenario->step_ids + 1, sizeof *runner->traffic);
}

static void runner_destroy(struct runner *runner)
{
	runner_drop_steps(runner);
	expect_free(runner->expect);
	budget_free(runner->budget);
	faults_free(runner->faults);
	network_free(runner->network);
	properties_free(runner->properties);
	trace_free(runner->trace);
	for (size_t i = 0; i < runner->scenario->step_ids; i++)
		traffic_destroy(&runner->traffic[i]);
	free(runner->traffic);
	replies_free(runner->replies);
	free(runner->missed);
}

void runner_run(const struct scenario *scenario, const struct runner_options *options,
                struct runner_result *result)
{
	struct runner runner;

	*result = (struct runner_result){0};
	failures_init(&result->failures);
	result->judged_steps = xcalloc(scenario->step_ids + 1, sizeof *result->judged_steps);
	result->judged_expectations =
	        xcalloc(scenario->expectation_ids + 1, sizeof *result->judged_expectations);
	result->judged_expectations_count = scenario->expectation_ids;
	take_faults(scenario, options, &result->faults);
	runner_init(&runner, scenario, options, result);
	if (options->summary)
		report_begin(options->summary, scenario, options->seed, &result->faults,
		             options->live != NULL);
	run_steps(&runner);
	take_counts(&runner);
	probe(&runner);
	tell_how_often(&runner);
	runner_destroy(&runner);
}

void runner_result_destroy(struct runner_result *result)
{
	failures_destroy(&result->failures);
	for (size_t i = 0; i < result->judged_expectations_count; i++) {
		if (!result->judged_expectations[i].got)
			continue;
		dump_destroy(result->judged_expectations[i].got);
		free(result->judged_expectations[i].got);
	}
	free(result->judged_steps);
	free(result->judged_expectations);
	fault_list_destroy(&result->faults);
}
