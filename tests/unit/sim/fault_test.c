/* Faults as data and as text: what fault_text() says is what a file may say, and means the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/rng.h"
#include "sim/channel.h"
#include "sim/scenario.h"
#include "tests/unit/harness.h"

#define NETWORK                                                                                    \
	"controller: learning\nswitches: {s1: {}, s2: {}}\n"                                       \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}, h3: {ip: 10.0.0.3/24}}\n"           \
	"links: [h1 -- s1:1, h2 -- s1:2, 's1:3 -- s2:1', h3 -- s2:2]\n"

enum { TRIES = 300, TEXT_BYTES = FAULT_TEXT_BYTES + 1000 };

/* The scenario with one step, "fault: {...}"; NULL after telling what is wrong. */
static struct scenario *load_fault(const char *fault)
{
	char text[TEXT_BYTES];
	struct fb_text out = fb_text_make(text, sizeof text);
	struct problems problems;
	struct scenario *sc;

	fb_text_printf(&out,
	               NETWORK
	               "end: 9h\nfaults: {until: 1s, converge: 8h}\nsteps:\n  - fault: {%s}\n",
	               fault);
	CU_ASSERT_FALSE_FATAL(out.cut);
	problems_init(&problems);
	sc = scenario_load_text(text, out.len, "test.yaml", NULL, NULL, &problems);
	for (size_t i = 0; i < problems.count; i++)
		printf("# %s: %u: %s\n", fault, problems.items[i].at.column,
		       problems.items[i].text);
	problems_destroy(&problems);
	return sc;
}

/* Uniform over the orders of magnitude from 'min' to 'max'. */
static uint64_t draw(struct rng *rng, uint64_t min, uint64_t max)
{
	const uint64_t shift = rng_below(rng, 64);
	const uint64_t span = (max - min) >> shift;

	return min + (span == UINT64_MAX ? rng_next(rng) : rng_below(rng, span + 1));
}

static void draw_key(struct rng *rng, const struct fault_key *key, struct fault *fault)
{
	switch (key->value) {
	case FAULT_VALUE_LINK:
		fault->place = (uint32_t)rng_below(rng, 4);
		break;
	case FAULT_VALUE_SWITCH:
		fault->place = (uint32_t)rng_below(rng, 2);
		break;
	case FAULT_VALUE_HOST:
		fault->place = (uint32_t)rng_below(rng, 3);
		break;
	case FAULT_VALUE_END:
	case FAULT_VALUE_TO:
		fault->end = (unsigned)rng_below(rng, key->flags & FAULT_KEY_REQUIRED ? 2 : 3);
		break;
	case FAULT_VALUE_PORT:
		fault->sw = (uint32_t)rng_below(rng, 2);
		fault->port = (uint16_t)(10 + rng_below(rng, 60000));
		break;
	case FAULT_VALUE_TARGET:
		fault->ip = (uint32_t)(0x0a000100 + rng_below(rng, 1000000));
		fault->port = (uint16_t)(1 + rng_below(rng, 65535));
		break;
	case FAULT_VALUE_IP:
		fault->ip = (uint32_t)(0x0a000100 + rng_below(rng, 1000000));
		break;
	case FAULT_VALUE_DURATION:
	case FAULT_VALUE_NUMBER:
	case FAULT_VALUE_SHARE:
	case FAULT_VALUE_BITS:
	case FAULT_VALUE_BYTES:
	case FAULT_VALUE_BYTE_RATE:
	case FAULT_VALUE_BOOL:
		/* The last of IMPAIR is always changed, so that something is. */
		if (key->standard == FAULT_KEPT && strcmp(key->name, "queue") && rng_below(rng, 2))
			break;
		fault_set(fault, key, draw(rng, key->min, key->max));
		break;
	}
}

static bool same(const struct fault *a, const struct fault *b)
{
	bool same = a->kind == b->kind && a->place == b->place && a->end == b->end &&
	            a->for_ns == b->for_ns && a->sw == b->sw && a->port == b->port &&
	            a->ip == b->ip && a->time_ns == b->time_ns;

	for (const struct fault_key *key = fault_keys(a->kind); key->name; key++)
		same &= fault_get(a, key) == fault_get(b, key);
	return same;
}

static void each_kind_comes_back_from_its_text(void)
{
	struct scenario *sc = load_fault("controller_stall: {}");
	char text[FAULT_TEXT_BYTES], again[FAULT_TEXT_BYTES];
	struct rng rng;

	rng_init(&rng, 1, "round trip");
	for (unsigned i = 0; i < FAULT_KINDS * TRIES; i++) {
		struct fault fault = fault_make((enum fault_kind)(i % FAULT_KINDS));
		struct fb_text out = fb_text_make(text, sizeof text);
		struct fb_text out_again = fb_text_make(again, sizeof again);
		struct scenario *loaded;

		for (const struct fault_key *key = fault_keys(fault.kind); key->name; key++)
			draw_key(&rng, key, &fault);
		if (fault.kind == FAULT_LOSE_PACKET_INS && rng_below(&rng, 2))
			fault.for_ns = 0;
		else if (fault.kind == FAULT_LOSE_PACKET_INS)
			fault.count = 1;
		fault_set_duration(&fault);
		fault_text(sc, &fault, &out);
		CU_ASSERT_FALSE(out.cut);
		loaded = load_fault(text);
		CU_ASSERT_PTR_NOT_NULL_FATAL(loaded);
		CU_ASSERT_EQUAL(loaded->steps[0].kind, STEP_FAULT);
		CU_ASSERT_TRUE(same(loaded->steps[0].fault, &fault));
		fault_text(loaded, loaded->steps[0].fault, &out_again);
		CU_ASSERT_STRING_EQUAL(text, again);
		scenario_free(loaded);
	}
	scenario_free(sc);
}

/* The fault in braces, as it is told once it was read. */
static void reads_as(const char *fault, const char *expected)
{
	struct scenario *sc = load_fault(fault);
	char text[FAULT_TEXT_BYTES];
	struct fb_text out = fb_text_make(text, sizeof text);

	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	fault_text(sc, sc->steps[0].fault, &out);
	CU_ASSERT_STRING_EQUAL(text, expected);
	if (strcmp(text, expected))
		printf("# %s\n", text);
	scenario_free(sc);
}

static void what_is_not_said_of_a_fault_has_a_default(void)
{
	reads_as("lose: {link: h1 -- s1, from: h1}", "lose: {link: \"h1 -- s1:1\", from: h1}");
	reads_as("duplicate: {link: h1 -- s1, from: s1}",
	         "duplicate: {link: \"h1 -- s1:1\", from: s1}");
	reads_as("hold: {link: h1 -- s1, from: s1:1}",
	         "hold: {link: \"h1 -- s1:1\", from: s1, by: 1ms}");
	reads_as("corrupt: {link: h1 -- s1, from: h1}",
	         "corrupt: {link: \"h1 -- s1:1\", from: h1, byte: 54, flip: 1}");
	reads_as("link_down: {link: s2 -- s1}", "link_down: {link: \"s1:3 -- s2:1\", for: 500ms}");
	reads_as("flap: {link: h1 -- s1}", "flap: {link: \"h1 -- s1:1\", times: 3, every: 50ms}");
	reads_as("one_way: {link: s2 -- s1, from: s2}",
	         "one_way: {link: \"s1:3 -- s2:1\", from: s2, for: 500ms}");
	reads_as("impair: {link: h1 -- s1, loss: 5%}",
	         "impair: {link: \"h1 -- s1:1\", for: 1s, loss: 5%}");
	reads_as("control_delay: {switch: s2}", "control_delay: {switch: s2, by: 10ms, for: 1s}");
	reads_as("control_cut: {switch: s1}", "control_cut: {switch: s1, for: 200ms}");
	reads_as("control_stall: {switch: s1, to: both}",
	         "control_stall: {switch: s1, for: 200ms}");
	reads_as("control_drain: {switch: s1}",
	         "control_drain: {switch: s1, rate: 10kB/s, for: 1s}");
	reads_as("control_split: {switch: s1, to: switch}",
	         "control_split: {switch: s1, to: switch, bytes: 1}");
	reads_as("control_reorder: {switch: s1}",
	         "control_reorder: {switch: s1, late: 5ms, for: 1s}");
	reads_as("switch_restart: {switch: s1}", "switch_restart: {switch: s1, for: 200ms}");
	reads_as("table_full: {switch: s1}", "table_full: {switch: s1, for: 500ms}");
	reads_as("slow_flow_mods: {switch: s1}",
	         "slow_flow_mods: {switch: s1, each: 1ms, for: 500ms}");
	reads_as("no_buffers: {switch: s1}", "no_buffers: {switch: s1, for: 500ms}");
	reads_as("lose_packet_ins: {switch: s1}", "lose_packet_ins: {switch: s1}");
	reads_as("controller_restart: {}", "controller_restart: {for: 200ms}");
	reads_as("controller_stall: {}", "controller_stall: {for: 200ms}");
	reads_as("second_controller: {switch: s1}", "second_controller: {switch: s1, for: 1s}");
	reads_as("host_down: {host: h2}", "host_down: {host: h2, for: 1s}");
	reads_as("host_move: {host: h2, to: s2:9}", "host_move: {host: h2, to: s2:9, for: 1s}");
	reads_as("wrong_address: {host: h2, ip: 10.0.0.1}",
	         "wrong_address: {host: h2, ip: 10.0.0.1, for: 500ms}");
	reads_as("gratuitous_arp: {host: h3}", "gratuitous_arp: {host: h3}");
	reads_as("syn_flood: {host: h3, to: h1:22}",
	         "syn_flood: {host: h3, to: 10.0.0.1:22, count: 100, every: 1ms}");
}

static void values_are_told_as_people_write_them(void)
{
	reads_as("impair: {link: h1 -- s1, from: h1, for: 1500ms, delay: 0, loss: 200ppm, "
	         "duplicate: 0.25%, reorder: 120ppm, corrupt: 100%, rate: 1500kbit, queue: 3000}",
	         "impair: {link: \"h1 -- s1:1\", from: h1, for: 1.5s, delay: 0s, loss: 0.02%, "
	         "duplicate: 0.25%, reorder: 120ppm, corrupt: 100%, rate: 1500kbit, queue: 3kB}");
	reads_as("hold: {link: h1 -- s1, from: s1:1, skip: 2, frames: 3, by: 1001ns}",
	         "hold: {link: \"h1 -- s1:1\", from: s1, skip: 2, frames: 3, by: 1.001us}");
	reads_as("control_drain: {switch: s1, rate: 1234B/s, for: 2m}",
	         "control_drain: {switch: s1, rate: 1234B/s, for: 120s}");
	reads_as("lose_packet_ins: {switch: s1, messages: 4}",
	         "lose_packet_ins: {switch: s1, messages: 4}");
	reads_as("lose_packet_ins: {switch: s1, for: 3ms}",
	         "lose_packet_ins: {switch: s1, for: 3ms}");
	reads_as("host_move: {host: h2, to: s2:9, announce: yes}",
	         "host_move: {host: h2, to: s2:9, for: 1s, announce: yes}");
	reads_as("corrupt: {link: h1 -- s1, from: h1, flip: 0xff}",
	         "corrupt: {link: \"h1 -- s1:1\", from: h1, byte: 54, flip: 255}");
}

static void times_are_told_exactly(void)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} times[] = {{0, "0s"},
	             {1, "1ns"},
	             {1500, "1.5us"},
	             {20 * FB_NS_PER_MS, "20ms"},
	             {1000000001, "1.000000001s"},
	             {90 * FB_NS_PER_S, "90s"}};

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		char text[64];
		struct fb_text out = fb_text_make(text, sizeof text);

		fault_time_text(&out, times[i].ns);
		CU_ASSERT_STRING_EQUAL(text, times[i].text);
	}
}

static void what_lasts_for_so_many_times_lasts_for_all_of_them(void)
{
	struct scenario *sc = load_fault("flap: {link: h1 -- s1, times: 4, every: 10ms}");

	CU_ASSERT_EQUAL(sc->steps[0].fault->for_ns, 40 * FB_NS_PER_MS);
	scenario_free(sc);
	sc = load_fault("syn_flood: {host: h1, to: h2:22, count: 5, every: 3ms}");
	CU_ASSERT_EQUAL(sc->steps[0].fault->for_ns, 15 * FB_NS_PER_MS);
	scenario_free(sc);
	CU_ASSERT_FALSE(fault_lasts(FAULT_FLAP));
	CU_ASSERT_FALSE(fault_lasts(FAULT_LOSE));
	CU_ASSERT_TRUE(fault_lasts(FAULT_LOSE_PACKET_INS));
	CU_ASSERT_TRUE(fault_lasts(FAULT_CONTROLLER_STALL));
}

static void ends_are_told_by_what_receives_or_sends(void)
{
	struct scenario *sc = load_fault("control_stall: {switch: s1, to: controller}");

	CU_ASSERT_EQUAL(sc->steps[0].fault->end, CHANNEL_CONTROLLER);
	scenario_free(sc);
	sc = load_fault("control_stall: {switch: s1, to: switch}");
	CU_ASSERT_EQUAL(sc->steps[0].fault->end, CHANNEL_SWITCH);
	scenario_free(sc);
	sc = load_fault("control_stall: {switch: s1}");
	CU_ASSERT_EQUAL(sc->steps[0].fault->end, FAULT_BOTH_ENDS);
	scenario_free(sc);
	sc = load_fault("lose: {link: h1 -- s1, from: s1}");
	CU_ASSERT_EQUAL(sc->steps[0].fault->end, 1);
	scenario_free(sc);
	/* The ends are those of 'links', however the step names the link. */
	sc = load_fault("lose: {link: s1 -- h1, from: s1}");
	CU_ASSERT_EQUAL(sc->steps[0].fault->end, 1);
	scenario_free(sc);
}

/* A key that cannot be drawn within its limits would be drawn into what no file may say. */
static void what_is_drawn_may_be_said(void)
{
	for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
		for (const struct fault_key *key = fault_keys((enum fault_kind)kind); key->name;
		     key++) {
			if (key->value < FAULT_VALUE_DURATION || !key->draw_max)
				continue;
			CU_ASSERT_TRUE(key->min <= key->draw_min && key->draw_max <= key->max);
			CU_ASSERT_TRUE(key->draw_step && key->draw_min <= key->draw_max);
		}
	}
}

/* --- README.md --- */

/* What the row of 'kind' in README.md's table says; the caller frees it. NULL: there is none. */
static char *readme_row(const char *kind)
{
	FILE *file = fopen(FLOWBED_SOURCE_DIR "/README.md", "r");
	char *line = NULL, begin[80];
	size_t size = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	snprintf(begin, sizeof begin, "| `%s` | `", kind);
	while (getline(&line, &size, file) > 0) {
		if (strncmp(line, begin, strlen(begin)))
			continue;
		fclose(file);
		return line;
	}
	free(line);
	fclose(file);
	return NULL;
}

/* "skip" and 0: "`skip` 0", as a file would say the value. */
static void value_as_said(const struct fault_key *key, uint64_t value, struct fb_text *text)
{
	static const char *const units[] = {"", "k", "M", "G"};
	const bool bits = key->value == FAULT_VALUE_BITS;
	unsigned unit = 0;

	if (key->value == FAULT_VALUE_DURATION) {
		fault_time_text(text, value);
	} else if (key->value == FAULT_VALUE_SHARE) {
		fb_text_printf(text, "%llu%%", (unsigned long long)value / 10000);
	} else if (key->value == FAULT_VALUE_BOOL) {
		fb_text_puts(text, value ? "yes" : "no");
	} else if (key->value == FAULT_VALUE_NUMBER) {
		fb_text_printf(text, "%llu", (unsigned long long)value);
	} else {
		for (; value && !(value % 1000); value /= 1000)
			unit++;
		fb_text_printf(text, "%llu%s%s%s", (unsigned long long)value, units[unit],
		               bits ? "bit" : "B", key->value == FAULT_VALUE_BYTE_RATE ? "/s" : "");
	}
}

static void row_says(const char *row, const char *what)
{
	CU_ASSERT_PTR_NOT_NULL(strstr(row, what));
	if (!strstr(row, what))
		printf("# not said: %s in %s\n", what, row);
}

/* The cell of 'row' with the number 'cell', ended there. */
static void cell_of(const char *row, unsigned cell, char text[FAULT_TEXT_BYTES])
{
	size_t len;

	for (; cell; cell--)
		row = strchr(row, '|') + 1;
	len = strcspn(row, "|");
	CU_ASSERT_TRUE_FATAL(len < FAULT_TEXT_BYTES);
	memcpy(text, row, len);
	text[len] = 0;
}

static void readme_says(const struct fault_key *key, const char *keys, const char *drawn)
{
	const bool number = key->value >= FAULT_VALUE_DURATION;
	char said[100];
	struct fb_text text = fb_text_make(said, sizeof said);

	fb_text_printf(&text, "`%s`", key->name);
	/* How long packet-ins are lost has no default. */
	if (number && key->standard != FAULT_KEPT && key->draw_max) {
		fb_text_puts(&text, " ");
		value_as_said(key, key->standard, &text);
	}
	row_says(keys, said);
	if (!number || !key->draw_max)
		return;
	text = fb_text_make(said, sizeof said);
	fb_text_printf(&text, "`%s` ", key->name);
	value_as_said(key, key->draw_min, &text);
	fb_text_puts(&text, "..");
	value_as_said(key, key->draw_max, &text);
	row_says(drawn, said);
}

static void the_readme_says_what_may_be_said(void)
{
	for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
		char *row = readme_row(fault_names[kind]);
		char keys[FAULT_TEXT_BYTES], drawn[FAULT_TEXT_BYTES];

		CU_ASSERT_PTR_NOT_NULL_FATAL(row);
		cell_of(row, 2, keys);
		cell_of(row, 3, drawn);
		for (const struct fault_key *key = fault_keys((enum fault_kind)kind); key->name;
		     key++)
			readme_says(key, keys, drawn);
		free(row);
	}
}

UNIT_TESTS("fault", UNIT_TEST(each_kind_comes_back_from_its_text),
           UNIT_TEST(what_is_not_said_of_a_fault_has_a_default),
           UNIT_TEST(values_are_told_as_people_write_them), UNIT_TEST(times_are_told_exactly),
           UNIT_TEST(what_lasts_for_so_many_times_lasts_for_all_of_them),
           UNIT_TEST(ends_are_told_by_what_receives_or_sends), UNIT_TEST(what_is_drawn_may_be_said),
           UNIT_TEST(the_readme_says_what_may_be_said))
