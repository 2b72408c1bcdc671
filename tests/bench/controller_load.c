/* controller_load: measures an OpenFlow 1.0 controller from outside; see controller_load.h for the
 * parts and controller_load --help for the use.
 *
 * A run has phases. All switches connect before the first says HELLO; then come the handshakes; then
 * each station is heard once; then traffic runs, first to warm up and then measured in slices; then
 * the answers that are still due are waited for. The first wrong answer ends it. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/xalloc.h"
#include "tests/bench/controller_load.h"

enum {
	EXIT_RIGHT = 0,
	EXIT_WRONG = 1,
	EXIT_WRONG_USAGE = 2,
	EXIT_SYSTEM = 3,
};

enum { EVENTS_MAX = 256, JOIN_PATIENCE_NS = 2000000000 };

/* What was measured. */
struct result {
	uint64_t *rates; /* answers a second, of each slice */
	uint32_t slices;
	uint64_t busy_ns, wall_ns; /* the generator's own CPU time */
};

uint64_t load_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * FB_NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * FB_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* --- Turns --- */

/* Handle what there is, waiting for it at most until 'deadline_ns'. Returns the time. */
static uint64_t turn(struct load *load, uint64_t deadline_ns)
{
	struct epoll_event events[EVENTS_MAX];
	uint64_t now_ns = load_clock_ns();
	int count, wait_ms = 0;

	if (deadline_ns > now_ns)
		wait_ms = (int)((deadline_ns - now_ns + FB_NS_PER_MS - 1) / FB_NS_PER_MS);
	count = epoll_wait(load->epoll, events, EVENTS_MAX, wait_ms);
	for (int i = 0; i < count; i++)
		fake_handle(events[i].data.ptr, events[i].events);
	return load_clock_ns();
}

static bool all_joined(const struct load *load)
{
	return load->joined == load->options.switches;
}

static bool all_quiet(const struct load *load)
{
	for (uint32_t i = 0; i < load->options.switches; i++)
		if (!load->traffic->is_quiet(&load->fakes[i]))
			return false;
	return true;
}

static bool all_learned(const struct load *load)
{
	for (uint32_t i = 0; i < load->options.switches; i++)
		if (load->fakes[i].learned < load->options.macs)
			return false;
	return all_quiet(load);
}

/* What is due after all patience will never come. */
static void give_up(struct load *load)
{
	for (uint32_t i = 0; i < load->options.switches; i++) {
		struct fake *fake = &load->fakes[i];

		if (!fake->joined)
			tally_wrong(fake, WRONG_MISSING, 0, "the controller asks for no features");
		else if (!load->traffic->is_quiet(fake))
			tally_wrong(fake, WRONG_MISSING, fake->outstanding,
			            "%" PRIu32 " packet-ins were not answered", fake->outstanding);
	}
	if (!load->tally.is_wrong)
		tally_wrong(load->fakes, WRONG_MISSING, 0, "nothing goes on");
}

/* Go through a phase until 'done', which answers bring about. False when something is wrong. */
static bool pass(struct load *load, enum phase phase, bool (*done)(const struct load *load))
{
	uint64_t progress, last = UINT64_MAX, patience_ns = load->options.patience_ns;
	uint64_t now_ns = load_clock_ns(), since_ns = now_ns;

	if (phase == PHASE_JOIN && patience_ns < JOIN_PATIENCE_NS)
		patience_ns = JOIN_PATIENCE_NS;
	load->phase = phase;
	for (uint32_t i = 0; i < load->options.switches; i++)
		fake_send(&load->fakes[i]);
	while (!load->tally.is_wrong && !done(load)) {
		progress = load->tally.answers + load->joined;
		if (progress != last)
			since_ns = now_ns;
		last = progress;
		if (now_ns - since_ns > patience_ns)
			give_up(load);
		else
			now_ns = turn(load, since_ns + patience_ns);
	}
	return !load->tally.is_wrong;
}

/* Let traffic run for a time; returns answers a second. */
static uint64_t slice(struct load *load, uint64_t time_ns)
{
	uint64_t start_ns = load_clock_ns(), now_ns = start_ns, units = load->tally.units;

	while (now_ns < start_ns + time_ns && !load->tally.is_wrong)
		now_ns = turn(load, start_ns + time_ns);
	return (load->tally.units - units) * FB_NS_PER_S / (now_ns - start_ns + 1);
}

/* --- A run --- */

static bool connect_one(struct load *load, uint32_t i)
{
	if (fake_connect(&load->fakes[i]))
		return true;
	fprintf(stderr, "controller_load: connection %" PRIu32 ": %s\n", i, strerror(errno));
	return false;
}

/* True when none waits for its handshake. */
static bool connected_joined(const struct load *load)
{
	for (uint32_t i = 0; i < load->options.switches; i++)
		if (load->fakes[i].fd >= 0 && !load->fakes[i].joined)
			return false;
	return true;
}

static bool connect_all(struct load *load)
{
	for (uint32_t i = 0; i < load->options.switches; i++) {
		if (!connect_one(load, i))
			return false;
		if (!load->options.one_by_one)
			continue;
		fake_greet(&load->fakes[i]);
		if (!pass(load, PHASE_JOIN, connected_joined))
			return true; /* which is told later */
	}
	for (uint32_t i = 0; i < load->options.switches && !load->options.one_by_one; i++)
		fake_greet(&load->fakes[i]);
	return true;
}

static bool learn(struct load *load)
{
	return pass(load, PHASE_JOIN, all_joined) && pass(load, PHASE_LEARN, all_learned);
}

/* Begin traffic of all switches and end all connections amid it. */
static void reset_all(struct load *load)
{
	load->phase = PHASE_RUN;
	for (uint32_t i = 0; i < load->options.switches; i++)
		fake_send(&load->fakes[i]);
	for (uint32_t i = 0; i < load->options.switches; i++)
		fake_reset(&load->fakes[i]);
}

static void measure(struct load *load, struct result *result)
{
	uint64_t start_ns, start_cpu_ns;

	load->phase = PHASE_RUN;
	for (uint32_t i = 0; i < load->options.switches; i++)
		fake_send(&load->fakes[i]);
	slice(load, load->options.warm_ns);
	load->measuring = true;
	start_ns = load_clock_ns();
	start_cpu_ns = cpu_ns();
	for (uint32_t i = 0; i < load->options.slices && !load->tally.is_wrong; i++)
		result->rates[result->slices++] =
		        slice(load, load->options.time_ns / load->options.slices);
	result->busy_ns += cpu_ns() - start_cpu_ns;
	result->wall_ns += load_clock_ns() - start_ns;
	load->measuring = false;
	pass(load, PHASE_DRAIN, all_quiet);
}

/* Other stations take the place of all. */
static bool replace_stations(struct load *load)
{
	load->first_mac += load->options.macs;
	if (load->first_mac > LOAD_FIRST_MAC_MAX)
		load->first_mac = load->options.first_mac;
	for (uint32_t i = 0; i < load->options.switches; i++) {
		load->fakes[i].learned = 0;
		load->fakes[i].first_id = load->fakes[i].next_id;
	}
	return pass(load, PHASE_LEARN, all_learned);
}

static int compare_rates(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void tell(const struct load *load, struct result *result)
{
	const char *what = load->options.expect == EXPECT_BALANCER ? "connections" : "answers";
	const struct tally *tally = &load->tally;

	qsort(result->rates, result->slices, sizeof result->rates[0], compare_rates);
	printf("%s a second: median %" PRIu64 ", least %" PRIu64 ", most %" PRIu64 " (%" PRIu32
	       " slices)\n",
	       what, result->rates[result->slices / 2], result->rates[0],
	       result->rates[result->slices - 1], result->slices);
	if (tally->latencies_count)
		printf("latency in ns: p50 %" PRIu64 ", p90 %" PRIu64 ", p99 %" PRIu64
		       ", p99.9 %" PRIu64 ", most %" PRIu64 "\n",
		       tally_percentile(tally, 50000), tally_percentile(tally, 90000),
		       tally_percentile(tally, 99000), tally_percentile(tally, 99900),
		       tally->latency_max_ns);
	printf("answers in all: %" PRIu64 ", all right\n", tally->answers);
	printf("generator's CPU: %" PRIu64 " percent\n", result->busy_ns * 100 / result->wall_ns);
}

/* Connect until the switches stay. False where a connection cannot be made. */
static bool begin(struct load *load)
{
	for (uint32_t i = 0; i <= load->options.resets; i++) {
		if (!connect_all(load))
			return false;
		if (!learn(load))
			return true; /* which is told later */
		if (i < load->options.resets)
			reset_all(load);
	}
	return true;
}

static int run(struct load *load)
{
	const struct load_options *options = &load->options;
	struct result result = {0};

	if (!begin(load))
		return EXIT_SYSTEM;
	result.rates =
	        xcalloc(options->slices * (size_t)options->generations, sizeof result.rates[0]);
	for (uint32_t i = 0; i < options->generations && !load->tally.is_wrong; i++)
		if (i == 0 || replace_stations(load))
			measure(load, &result);
	if (load->tally.is_wrong)
		tally_tell_wrong(&load->tally);
	else
		tell(load, &result);
	free(result.rates);
	return load->tally.is_wrong ? EXIT_WRONG : EXIT_RIGHT;
}

static struct load *load_new(const struct load_options *options)
{
	struct load *load = xcalloc(1, sizeof *load);

	load->options = *options;
	load->first_mac = options->first_mac;
	load->traffic =
	        options->expect == EXPECT_BALANCER ? &connections_traffic : &stations_traffic;
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	load->fakes = xcalloc(options->switches, sizeof *load->fakes);
	null_answer(load->null_answer);
	for (uint32_t i = 0; i < options->switches; i++)
		fake_init(&load->fakes[i], load, i);
	return load;
}

static void load_free(struct load *load)
{
	for (uint32_t i = 0; i < load->options.switches; i++)
		fake_destroy(&load->fakes[i]);
	close(load->epoll);
	free(load->fakes);
	free(load->input);
	free(load);
}

int main(int argc, char **argv)
{
	struct load_options options;
	struct load *load;
	int code;

	switch (load_options_read(&options, argc, argv)) {
	case LOAD_OPTIONS_DONE:
		return EXIT_RIGHT;
	case LOAD_OPTIONS_WRONG:
		return EXIT_WRONG_USAGE;
	case LOAD_OPTIONS_RUN:
		break;
	}
	signal(SIGPIPE, SIG_IGN);
	load = load_new(&options);
	code = run(load);
	load_free(load);
	return code;
}
