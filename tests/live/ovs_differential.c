/* Open vSwitch and Flowbed's switch, each given the same random tables and frames: what they do
 * must be the same, byte for byte. See ovs_differential.h for the parts, and the script
 * ovs_differential for what starts the Open vSwitch.
 *
 * A program whose outcomes differ is run again, a few times. Ours does the same each time, but Open vSwitch
 * lives in real time, and on a machine that stands still for a second its entries expire: a
 * difference that does not come again is counted and told, and a few of them are no failure. One
 * that comes again is reduced: steps that it does not need are left out, so that what is printed is
 * short. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "tests/live/ovs_differential_known.h"

enum {
	FAILURES_MAX = 5, /* that are told in full; after them the test ends */
	TRIES = 4,        /* before a difference counts */
	PASSING_MAX = 3,  /* differences that do not come again */
	PATIENCE_MS = 30000,
	REDUCING_PATIENCE_MS = 200,
	TEXT_BYTES = 65536,
};

struct run {
	struct ovs *ovs;
	struct ours *ours;
	struct outcome from_ovs, from_ours;
	uint64_t frames, messages; /* that the programs had */
	uint64_t passing;          /* differences that did not come again */
};

void die(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* Run 'program' on both switches; returns the place of the first difference. */
static size_t compare(struct run *run, const struct program *program)
{
	size_t place;

	ours_run(run->ours, program, &run->from_ours);
	outcome_order(&run->from_ours);
	ovs_run(run->ovs, program, &run->from_ours, &run->from_ovs);
	outcome_order(&run->from_ovs);
	place = outcome_first_difference(&run->from_ovs, &run->from_ours);
	if (place != OUTCOME_SAME)
		ovs_recover(run->ovs);
	return place;
}

/* --- Telling --- */

static void tell(const char *label, const struct fb_text *text)
{
	printf("#   %s%s%s\n", label, text->buf, text->cut ? "..." : "");
}

static void tell_hex(const uint8_t *bytes, size_t len)
{
	printf("#     hex ");
	for (size_t i = 0; i < len; i++)
		printf("%02x", bytes[i]);
	printf("\n");
}

static void tell_step(unsigned number, const struct step *step)
{
	static const char *const commands[] = {"add", "modify", "modify_strict", "delete",
	                                       "delete_strict"};
	static char buf[TEXT_BYTES];
	struct fb_text text = fb_text_make(buf, sizeof buf);
	struct fb_of_error error;
	struct fb_msg msg;

	switch (step->kind) {
	case STEP_FRAME:
		fb_text_printf(&text, "%u: frame in_port=", number);
		fb_text_port(&text, step->port);
		fb_text_puts(&text, " ");
		fb_text_packet(&text, step->bytes, step->len);
		tell("", &text);
		tell_hex(step->bytes, step->len);
		break;
	case STEP_MESSAGE:
		fb_text_printf(&text, "%u: ", number);
		if (fb_msg_decode(step->bytes, step->len, &msg, &error) == 0 &&
		    msg.type == OFPT_FLOW_MOD && msg.flow_mod.command <= OFPFC_DELETE_STRICT) {
			fb_text_printf(&text, "%s ", commands[msg.flow_mod.command]);
			fb_text_flow_mod(&text, &msg.flow_mod);
		} else {
			fb_text_msg_bytes(&text, step->bytes, step->len);
		}
		tell("", &text);
		tell_hex(step->bytes, step->len);
		break;
	case STEP_WARP:
		printf("#   %u: %u ms pass\n", number, step->warp_ms);
		break;
	}
}

static void tell_event(const struct outcome *o, const struct event *e)
{
	static char buf[TEXT_BYTES];
	struct fb_text text = fb_text_make(buf, sizeof buf);
	const uint8_t *bytes = o->bytes + e->offset;

	if (e->port == EVENT_MESSAGE) {
		fb_text_msg_bytes(&text, bytes, e->len);
	} else {
		fb_text_puts(&text, "out of port ");
		fb_text_port(&text, e->port);
		fb_text_puts(&text, ": ");
		fb_text_packet(&text, bytes, e->len);
	}
	tell("  ", &text);
	tell_hex(bytes, e->len);
}

/* The events of 'step' at 'port' in one outcome, as 'place' and the number of them. */
static size_t events_at(const struct outcome *o, unsigned step, uint16_t port, size_t *place)
{
	size_t count = 0;

	*place = 0;
	for (size_t i = 0; i < o->count; i++) {
		if (o->events[i].step != step || o->events[i].port != port)
			continue;
		if (!count++)
			*place = i;
	}
	return count;
}

static bool port_differs(const struct outcome *a, const struct outcome *b, unsigned step,
                         uint16_t port)
{
	size_t at_a, at_b;
	size_t count = events_at(a, step, port, &at_a);

	if (events_at(b, step, port, &at_b) != count)
		return true;
	for (size_t i = 0; i < count; i++) {
		const struct event *x = &a->events[at_a + i], *y = &b->events[at_b + i];

		if (x->len != y->len ||
		    memcmp(a->bytes + x->offset, b->bytes + y->offset, x->len) != 0)
			return true;
	}
	return false;
}

/* What 'o' has and 'other' has not in the same way. */
static void tell_events(const char *who, const struct outcome *o, const struct outcome *other,
                        unsigned step)
{
	unsigned told = 0, same = 0;

	printf("#   %s:\n", who);
	for (size_t i = 0; i < o->count; i++) {
		if (o->events[i].step != step)
			continue;
		if (!port_differs(o, other, step, o->events[i].port)) {
			same++;
			continue;
		}
		tell_event(o, &o->events[i]);
		told++;
	}
	if (!told)
		printf("#     nothing\n");
	if (same)
		printf("#     (and %u at other places that are the same)\n", same);
}

static void tell_difference(const struct run *run, const struct program *program, size_t place)
{
	const struct outcome *a = &run->from_ovs, *b = &run->from_ours;
	unsigned step = STEPS_MAX;

	if (place < a->count)
		step = a->events[place].step;
	if (place < b->count && b->events[place].step < step)
		step = b->events[place].step;
	for (unsigned i = 0; i <= step && i < program->count; i++) {
		if (!program->steps[i].skip)
			tell_step(i + 1, &program->steps[i]);
	}
	printf("# step %u led to different things\n", step + 1);
	tell_events("Open vSwitch", a, b, step);
	tell_events("Flowbed", b, a, step);
}

/* --- Reducing --- */

/* Leave out each run of 'size' steps without which there is still a difference. */
static void reduce_by(struct run *run, struct program *program, unsigned size)
{
	unsigned end = program->count - 1;

	for (unsigned start = 0; start < end; start += size) {
		bool skipped[STEPS_MAX];

		for (unsigned i = start; i < start + size && i < end; i++) {
			skipped[i] = program->steps[i].skip;
			program->steps[i].skip = true;
		}
		if (compare(run, program) != OUTCOME_SAME)
			continue;
		for (unsigned i = start; i < start + size && i < end; i++)
			program->steps[i].skip = skipped[i];
	}
}

static void report(struct run *run, struct program *program)
{
	size_t place;

	ovs_set_patience(run->ovs, REDUCING_PATIENCE_MS);
	for (unsigned size = 32; size; size /= 2)
		reduce_by(run, program, size);
	reduce_by(run, program, 1);
	place = compare(run, program);
	ovs_set_patience(run->ovs, PATIENCE_MS);
	printf("# seed %llu, reduced to the steps that matter; repeat with --seed %llu --count 1\n",
	       (unsigned long long)program->seed, (unsigned long long)program->seed);
	if (place == OUTCOME_SAME)
		printf("# the difference does not come every time\n");
	else
		tell_difference(run, program, place);
	fflush(stdout);
}

/* --- */

static void count_steps(struct run *run, const struct program *program)
{
	for (unsigned i = 0; i < program->count; i++) {
		run->frames += program->steps[i].kind == STEP_FRAME;
		run->messages += program->steps[i].kind == STEP_MESSAGE;
	}
}

/* True when both do the same, now or when asked again. */
static bool agree(struct run *run, const struct program *program)
{
	for (unsigned i = 0; i < TRIES; i++) {
		if (compare(run, program) != OUTCOME_SAME)
			continue;
		if (i > 0) {
			run->passing++;
			printf("# seed %llu: a difference that did not come again\n",
			       (unsigned long long)program->seed);
		}
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"seed", required_argument, NULL, 's'},
	                                        {"count", required_argument, NULL, 'n'},
	                                        {NULL, 0, NULL, 0}};
	uint64_t seed = 1, count = 1000, failed = 0, done = 0;
	struct run run = {.frames = 0};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			seed = strtoull(optarg, NULL, 10);
		else if (option == 'n')
			count = strtoull(optarg, NULL, 10);
		else
			return 2;
	}
	if (optind + 1 != argc)
		die("usage: ovs_differential [--seed N] [--count N] DIR");
	run.ovs = ovs_open(argv[optind]);
	run.ours = ours_new();
	printf("1..1\n");
	for (uint64_t i = 0; i < count && failed < FAILURES_MAX; i++) {
		struct program *program = program_make(seed + i);

		count_steps(&run, program);
		if (!agree(&run, program)) {
			failed++;
			report(&run, program);
		}
		program_free(program);
		done++;
	}
	printf("# %llu tables, %llu frames, %llu messages\n", (unsigned long long)done,
	       (unsigned long long)run.frames, (unsigned long long)run.messages);
	for (unsigned i = 0; i < known_count; i++)
		printf("# %s: %llu times: Open vSwitch %s\n", known_list[i].name,
		       (unsigned long long)known_list[i].used, known_list[i].why);
	if (run.passing > PASSING_MAX)
		failed++;
	printf("%s 1 - both switches do the same\n", failed ? "not ok" : "ok");
	outcome_free(&run.from_ovs);
	outcome_free(&run.from_ours);
	ours_free(run.ours);
	ovs_close(run.ovs);
	return failed != 0;
}
