/* The faults of a run: what is drawn, and when they begin and end. What they do is tested where they
 * are done. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/faults.h"
#include "sim/runner.h"
#include "tests/unit/harness.h"

#define NETWORK                                                                                    \
	"controller: learning\nswitches: {s1: {}, s2: {}}\n"                                       \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}, h3: {ip: 10.0.0.3/24}}\n"           \
	"links: [h1 -- s1:1, h2 -- s1:2, 's1:3 -- s2:1', h3 -- s2:2]\n"

enum { TEXT_BYTES = 65536 };

static struct scenario *load(const char *text)
{
	struct problems problems;
	struct scenario *sc;

	problems_init(&problems);
	sc = scenario_load_text(text, strlen(text), "test.yaml", NULL, NULL, &problems);
	for (size_t i = 0; i < problems.count; i++)
		printf("# %u:%u: %s\n", problems.items[i].at.line, problems.items[i].at.column,
		       problems.items[i].text);
	problems_destroy(&problems);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	return sc;
}

/* The network, and 'faults' as its faults. */
static struct scenario *load_faults(const char *faults)
{
	char text[4096];

	snprintf(text, sizeof text, NETWORK "end: 2000h\nfaults: {%s}\nsteps: [{wait: 1ms}]\n",
	         faults);
	return load(text);
}

/* --- Drawing --- */

/* The faults that 'seed' draws, one a line, of kind 'only' or (FAULT_KINDS) all. */
static void draw_text(const char *faults, uint64_t seed, unsigned only, char text[TEXT_BYTES])
{
	struct scenario *sc = load_faults(faults);
	struct fb_text out = fb_text_make(text, TEXT_BYTES);
	struct fault_list list;

	fault_list_draw(&list, sc, seed);
	for (size_t i = 0; i < list.count; i++) {
		if (only != FAULT_KINDS && only != (unsigned)list.items[i].kind)
			continue;
		fault_item_text(sc, &list.items[i], &out);
		fb_text_puts(&out, "\n");
	}
	CU_ASSERT_FALSE(out.cut);
	fault_list_destroy(&list);
	scenario_free(sc);
}

static void a_seed_draws_the_same_faults_everywhere(void)
{
	static const char expected[] =
	        "{at: 27.094ms, host_move: {host: h2, to: s2:4, for: 771ms}}\n"
	        "{at: 255.651ms, one_way: {link: \"h2 -- s1:2\", from: h2, for: 114ms}}\n"
	        "{at: 328.925ms, second_controller: {switch: s2, for: 762ms}}\n"
	        "{at: 731.17ms, link_down: {link: \"h3 -- s2:2\", for: 277ms}}\n"
	        "{at: 775.833ms, host_move: {host: h3, to: s1:6, for: 262ms}}\n"
	        "{at: 825.943ms, controller_stall: {for: 105ms}}\n"
	        "{at: 958.606ms, hold: {link: \"s1:3 -- s2:1\", from: s1, skip: 2, frames: 2, "
	        "by: 300us}}\n"
	        "{at: 988.384ms, control_split: {switch: s1, to: controller, bytes: 126, skip: "
	        "2}}\n"
	        "{at: 1.042354s, control_stall: {switch: s2, to: switch, for: 170ms}}\n"
	        "{at: 1.098491s, control_drain: {switch: s2, rate: 79kB/s, for: 467ms}}\n"
	        "{at: 1.174969s, lose: {link: \"h1 -- s1:1\", from: h1}}\n"
	        "{at: 1.201606s, control_stall: {switch: s2, to: controller, for: 58ms}}\n"
	        "{at: 1.267105s, gratuitous_arp: {host: h2}}\n"
	        "{at: 1.276639s, hold: {link: \"h1 -- s1:1\", from: s1, frames: 2, by: 18.58ms}}\n"
	        "{at: 1.334361s, lose_packet_ins: {switch: s1, messages: 3}}\n"
	        "{at: 1.449713s, wrong_address: {host: h1, ip: 10.0.0.2, for: 79ms}}\n"
	        "{at: 1.723276s, control_reorder: {switch: s1, late: 12.3ms, for: 136ms}}\n"
	        "{at: 1.757089s, host_move: {host: h1, to: s2:3, for: 973ms, announce: yes}}\n"
	        "{at: 1.834734s, switch_restart: {switch: s2, for: 89.6ms}}\n"
	        "{at: 1.843176s, one_way: {link: \"s1:3 -- s2:1\", from: s2, for: 81ms}}\n"
	        "{at: 1.851851s, syn_flood: {host: h1, to: 10.0.0.2:22, count: 14, every: 560us}}\n"
	        "{at: 1.955119s, table_full: {switch: s2, for: 201ms}}\n"
	        "{at: 1.961915s, controller_restart: {for: 282ms}}\n"
	        "{at: 2.147777s, flap: {link: \"h3 -- s2:2\", times: 5, every: 64.1ms}}\n"
	        "{at: 2.283751s, control_cut: {switch: s1, for: 179ms}}\n"
	        "{at: 2.28415s, slow_flow_mods: {switch: s1, each: 12.91ms, for: 52ms}}\n"
	        "{at: 2.317525s, second_controller: {switch: s1, for: 682.475ms}}\n"
	        "{at: 2.367892s, flap: {link: \"h3 -- s2:2\", times: 5, every: 71.2ms}}\n"
	        "{at: 2.381942s, duplicate: {link: \"h2 -- s1:2\", from: s1, skip: 1, frames: 2}}\n"
	        "{at: 2.451929s, impair: {link: \"h2 -- s1:2\", for: 548.071ms, loss: 5.9%, "
	        "duplicate: 17.6%, rate: 89900kbit, queue: 60kB}}\n"
	        "{at: 2.978621s, host_down: {host: h2, for: 21.379ms}}\n";
	static char text[TEXT_BYTES];

	draw_text("until: 3s, rates: {all: 30/min, control_reorder: 30/min, second_controller: 30/min}", 7, FAULT_KINDS, text);
	CU_ASSERT_STRING_EQUAL(text, expected);
	if (strcmp(text, expected))
		printf("%s", text);
}

static void another_seed_draws_other_faults(void)
{
	static char one[TEXT_BYTES], other[TEXT_BYTES];

	draw_text("rates: {all: 1/s}", 1, FAULT_KINDS, one);
	draw_text("rates: {all: 1/s}", 2, FAULT_KINDS, other);
	CU_ASSERT_STRING_NOT_EQUAL(one, other);
}

static void one_kind_more_or_less_leaves_the_others_as_they_are(void)
{
	static char all[TEXT_BYTES], some[TEXT_BYTES];

	for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
		draw_text("rates: {all: 1/s, control_reorder: 1/s, second_controller: 1/s}", 3, kind,
		          all);
		draw_text("rates: {all: 1/s, control_reorder: 1/s, second_controller: 1/s, lose: no, "
		          "host_move: 2/s}",
		          3, kind, some);
		CU_ASSERT_TRUE(all[0] != 0);
		if (kind == FAULT_LOSE)
			CU_ASSERT_STRING_EQUAL(some, "");
		if (kind != FAULT_LOSE && kind != FAULT_HOST_MOVE)
			CU_ASSERT_STRING_EQUAL(all, some);
	}
}

static void all_is_every_kind_but_those_that_reorder_control(void)
{
	/* Of several switches. */
	struct scenario *sc = load_faults("rates: {all: 1/s, flap: no}");

	for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
		CU_ASSERT_EQUAL(sc->faults.rates[kind].mean_ns != 0,
		                kind != FAULT_CONTROL_REORDER && kind != FAULT_FLAP &&
		                        kind != FAULT_SECOND_CONTROLLER);
	scenario_free(sc);
}

/* Whether a second controller is drawn in a network with these switches and links. */
static bool has_second(const char *switches, const char *links, const char *rates)
{
	struct scenario *sc;
	char text[1000];
	bool has;

	snprintf(text, sizeof text,
	         "controller: learning\nswitches: {%s}\n"
	         "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	         "links: [%s]\nfaults: {rates: {%s}}\nsteps: [{wait: 1s}]\n",
	         switches, links, rates);
	sc = load(text);
	has = sc->faults.rates[FAULT_SECOND_CONTROLLER].mean_ns != 0;
	scenario_free(sc);
	return has;
}

static void all_leaves_second_controllers_out_of_networks_of_several_switches(void)
{
	CU_ASSERT_TRUE(has_second("s1: {}", "h1 -- s1, h2 -- s1", "all: 1/s"));
	CU_ASSERT_FALSE(
	        has_second("s1: {}, s2: {}", "h1 -- s1, h2 -- s2, s1 -- s2", "all: 1/s"));
	CU_ASSERT_TRUE(has_second("s1: {}, s2: {}", "h1 -- s1, h2 -- s2, s1 -- s2",
	                          "all: 1/s, second_controller: 1/min"));
}

static void all_leaves_out_what_makes_no_sense(void)
{
	struct scenario *sc = load("hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.1/24}}\n"
	                           "links: [h1 -- h2]\nfaults: {rates: {all: 1/s}}\n"
	                           "steps: [{wait: 1s}]\n");

	for (unsigned kind = 0; kind < FAULT_KINDS; kind++)
		CU_ASSERT_EQUAL(sc->faults.rates[kind].mean_ns != 0,
		                kind <= FAULT_IMPAIR || kind == FAULT_HOST_DOWN ||
		                        kind == FAULT_GRATUITOUS_ARP);
	scenario_free(sc);
}

/* How many of 'faults' are drawn, all of which must begin and end in time, and how long they last
 * at least and at most. */
static size_t count_drawn(const char *faults, uint64_t *for_min_ns, uint64_t *for_max_ns)
{
	struct scenario *sc = load_faults(faults);
	struct fault_list list;
	size_t count;

	fault_list_draw(&list, sc, 1);
	*for_min_ns = UINT64_MAX;
	*for_max_ns = 0;
	for (size_t i = 0; i < list.count; i++) {
		const struct fault *fault = &list.items[i];

		CU_ASSERT_TRUE(fault->time_ns < sc->faults.until_ns);
		CU_ASSERT_TRUE(fault->time_ns + fault->for_ns <= sc->faults.until_ns);
		CU_ASSERT_TRUE(!i || fault->time_ns >= list.items[i - 1].time_ns);
		if (fault->time_ns + fault->for_ns == sc->faults.until_ns)
			continue; /* clipped */
		if (fault->for_ns < *for_min_ns)
			*for_min_ns = fault->for_ns;
		if (fault->for_ns > *for_max_ns)
			*for_max_ns = fault->for_ns;
	}
	count = list.count;
	CU_ASSERT_EQUAL(list.not_drawn, 0);
	fault_list_destroy(&list);
	scenario_free(sc);
	return count;
}

static void as_many_are_drawn_as_the_rate_says(void)
{
	uint64_t min_ns, max_ns;
	size_t count = count_drawn("until: 9s, rates: {lose: 1000/s}", &min_ns, &max_ns);

	CU_ASSERT_TRUE(count > 8700 && count < 9300);
	count = count_drawn("until: 5h, rates: {link_down: 30/min}", &min_ns, &max_ns);
	CU_ASSERT_TRUE(count > 8700 && count < 9300);
	count = count_drawn("until: 1000h, rates: {controller_stall: 5/h}", &min_ns, &max_ns);
	CU_ASSERT_TRUE(count > 4800 && count < 5200);
	count = count_drawn("rates: {lose: no}", &min_ns, &max_ns);
	CU_ASSERT_EQUAL(count, 0);
}

/* How many are drawn with the seeds 1 to 'seeds' together. */
static size_t count_with_seeds(const char *faults, uint64_t seeds)
{
	struct scenario *sc = load_faults(faults);
	size_t count = 0;

	for (uint64_t seed = 1; seed <= seeds; seed++) {
		struct fault_list list;

		fault_list_draw(&list, sc, seed);
		count += list.count;
		fault_list_destroy(&list);
	}
	scenario_free(sc);
	return count;
}

/* The first one is as likely at any time as those after it. */
static void low_rates_draw_as_many_in_a_short_time_as_they_say(void)
{
	/* One a run, a tenth of one, and a hundred. */
	size_t count = count_with_seeds("until: 10s, rates: {lose: 6/min}", 5000);

	CU_ASSERT_TRUE(count > 4850 && count < 5150);
	count = count_with_seeds("until: 1s, rates: {lose: 6/min}", 20000);
	CU_ASSERT_TRUE(count > 1850 && count < 2150);
	count = count_with_seeds("until: 1s, rates: {lose: 100/s}", 200);
	CU_ASSERT_TRUE(count > 19800 && count < 20200);
	/* Gaps of a microsecond, the shortest there are: each has one. */
	count = count_with_seeds("until: 1ms, rates: {lose: 1000000/s}", 1);
	CU_ASSERT_EQUAL(count, 1000);
}

static void no_more_are_drawn_than_a_run_may_have(void)
{
	struct scenario *sc = load_faults("until: 10s, rates: {lose: 1000/s}");
	struct fault_list list;

	sc->faults.rates[FAULT_LOSE].mean_ns /= 2;
	fault_list_draw(&list, sc, 1);
	CU_ASSERT_EQUAL(list.count, FAULTS_MAX);
	CU_ASSERT_TRUE(list.not_drawn > 9000 && list.not_drawn < 11000);
	fault_list_destroy(&list);
	scenario_free(sc);
}

static void they_last_as_long_as_is_said(void)
{
	uint64_t min_ns, max_ns;

	count_drawn("rates: {host_down: {rate: 200/s, for: 30ms..70ms}}", &min_ns, &max_ns);
	CU_ASSERT_EQUAL(min_ns, 30 * FB_NS_PER_MS);
	CU_ASSERT_EQUAL(max_ns, 70 * FB_NS_PER_MS);
	count_drawn("rates: {controller_stall: {rate: 200/s, for: 5ms}}", &min_ns, &max_ns);
	CU_ASSERT_EQUAL(min_ns, 5 * FB_NS_PER_MS);
	CU_ASSERT_EQUAL(max_ns, 5 * FB_NS_PER_MS);
	/* Where a time is said, all packet-ins are lost for so long. */
	count_drawn("rates: {lose_packet_ins: {rate: 200/s, for: 1ms..3ms}}", &min_ns, &max_ns);
	CU_ASSERT_EQUAL(min_ns, FB_NS_PER_MS);
	CU_ASSERT_EQUAL(max_ns, 3 * FB_NS_PER_MS);
	count_drawn("rates: {lose_packet_ins: 200/s}", &min_ns, &max_ns);
	CU_ASSERT_EQUAL(max_ns, 0);
}

static void they_happen_where_is_said(void)
{
	struct scenario *sc =
	        load_faults("rates: {host_down: {rate: 100/s, on: [h1, h3]}, "
	                    "lose: {rate: 100/s, on: h2 -- s1}, "
	                    "control_cut: {rate: 100/s, on: [s2]}, "
	                    "gratuitous_arp: {rate: 100/s, on: h1..h2}, flap: 100/s}");
	struct fault_list list;
	uint32_t seen[FAULT_KINDS] = {0}, ends = 0;

	fault_list_draw(&list, sc, 1);
	for (size_t i = 0; i < list.count; i++) {
		seen[list.items[i].kind] |= 1U << list.items[i].place;
		if (list.items[i].kind == FAULT_LOSE)
			ends |= 1U << list.items[i].end;
	}
	CU_ASSERT_EQUAL(seen[FAULT_HOST_DOWN], 1 << 0 | 1 << 2);
	CU_ASSERT_EQUAL(seen[FAULT_LOSE], 1 << 1);
	CU_ASSERT_EQUAL(seen[FAULT_CONTROL_CUT], 1 << 1);
	CU_ASSERT_EQUAL(seen[FAULT_GRATUITOUS_ARP], 1 << 0 | 1 << 1);
	CU_ASSERT_EQUAL(seen[FAULT_FLAP], 0xf);
	CU_ASSERT_EQUAL(ends, 3);
	fault_list_destroy(&list);
	scenario_free(sc);
}

static void hosts_move_to_ports_of_their_own_that_nobody_uses(void)
{
	struct scenario *sc = load(NETWORK "faults: {rates: {host_move: 100/s}}\n"
	                                   "steps:\n  - move: {host: h1, to: s1:4}\n");
	struct fault_list list;
	uint32_t owner[2][16] = {{0}};

	fault_list_draw(&list, sc, 1);
	CU_ASSERT_EQUAL(sc->spares_count, 7);
	for (size_t i = 0; i < list.count; i++) {
		const struct fault *fault = &list.items[i];

		CU_ASSERT_TRUE_FATAL(fault->port < 16);
		/* Ports of links, and that of the step, are others'. */
		CU_ASSERT_TRUE(fault->port > (fault->sw ? 2 : 4));
		CU_ASSERT_TRUE(!owner[fault->sw][fault->port] ||
		               owner[fault->sw][fault->port] == fault->place + 1);
		owner[fault->sw][fault->port] = fault->place + 1;
	}
	fault_list_destroy(&list);
	scenario_free(sc);
}

static void addresses_that_are_drawn_are_those_of_other_hosts(void)
{
	struct scenario *sc = load("controller: learning\nswitches: {s1: {}}\n"
	                           "hosts: {h1: {ip: 10.0.0.1/24, listen: {22: none, 7: none, 9: "
	                           "none}}, h2: {ip: 10.0.0.2/24, listen: {22: none, 7: echo}}, "
	                           "h3: {ip: 10.0.0.1/24}}\n"
	                           "links: [h1 -- s1, h2 -- s1, h3 -- s1]\n"
	                           "faults: {rates: {wrong_address: 50/s, syn_flood: 50/s}}\n"
	                           "steps: [{wait: 1s}]\n");
	struct fault_list list;

	fault_list_draw(&list, sc, 1);
	CU_ASSERT_TRUE(list.count > 800);
	for (size_t i = 0; i < list.count; i++) {
		const struct fault *fault = &list.items[i];

		CU_ASSERT_NOT_EQUAL(fault->ip, sc->hosts[fault->place].ip);
		/* h1 listens nowhere: what floods its address floods h3's ports. */
		if (fault->kind == FAULT_SYN_FLOOD)
			CU_ASSERT_NOT_EQUAL(scenario_service(sc, fault->ip, fault->port) ==
			                                    HOST_SERVICE_NONE &&
			                            fault->place == 0,
			                    true);
	}
	fault_list_destroy(&list);
	scenario_free(sc);
}

static void faults_of_the_file_and_drawn_ones_come_in_one_order(void)
{
	struct scenario *sc =
	        load_faults("until: 1s, at: [{at: 900ms, link_down: {link: h1 -- s1}}, "
	                    "{at: 0, controller_stall: {}}, "
	                    "{at: 1s, gratuitous_arp: {host: h1}}, "
	                    "{at: 900ms, flap: {link: h1 -- s1}}, "
	                    "{at: 900ms, link_down: {link: h1 -- s1, for: 10ms}}], "
	                    "rates: {lose: 100/s}");
	struct fault_list list;
	size_t of_file = 0;

	fault_list_draw(&list, sc, 1);
	CU_ASSERT_EQUAL(list.items[0].kind, FAULT_CONTROLLER_STALL);
	CU_ASSERT_EQUAL(list.items[list.count - 1].kind, FAULT_GRATUITOUS_ARP);
	for (size_t i = 1; i < list.count; i++) {
		CU_ASSERT_TRUE(list.items[i - 1].time_ns <= list.items[i].time_ns);
		of_file += list.items[i].at.line != 0;
		if (list.items[i].kind == FAULT_FLAP) {
			/* Two of one kind and time are in the order of the file; both are over at
			 * 'until'. */
			CU_ASSERT_EQUAL(list.items[i - 2].for_ns, 100 * FB_NS_PER_MS);
			CU_ASSERT_EQUAL(list.items[i - 1].for_ns, 10 * FB_NS_PER_MS);
			CU_ASSERT_EQUAL(list.items[i].for_ns, 100 * FB_NS_PER_MS);
		}
	}
	CU_ASSERT_EQUAL(of_file, 4);
	fault_list_destroy(&list);
	scenario_free(sc);
}

/* --- Happening --- */

/* What an observer was told, in lines. */
struct seen {
	const struct scenario *scenario;
	char text[TEXT_BYTES];
	struct fb_text out;
	uint64_t first_ns; /* when the first fault began */
	bool any;
};

static void note(void *ctx, uint64_t now_ns, const struct fault *fault, bool begins)
{
	struct seen *seen = ctx;

	if (!seen->any)
		seen->first_ns = now_ns;
	seen->any = true;
	fault_time_text(&seen->out, now_ns - seen->first_ns);
	fb_text_printf(&seen->out, " %s %s\n", fault_names[fault->kind],
	               begins ? "begins" : "ends");
}

/* Run the network with 'rest' of the file; *seen gets its faults, from the first on. */
static void run(const char *rest, struct seen *seen, struct runner_result *result)
{
	char text[4096];
	struct scenario *sc;
	struct network_observer observer = {.fault = note, .ctx = seen};
	struct runner_options options = {.seed = 1, .observer = &observer};

	snprintf(text, sizeof text, NETWORK "%s", rest);
	sc = load(text);
	*seen = (struct seen){.scenario = sc};
	seen->out = fb_text_make(seen->text, sizeof seen->text);
	runner_run(sc, &options, result);
	for (size_t i = 0; i < result->failures.count; i++)
		printf("# %s: %s\n", result->failures.items[i].expected,
		       result->failures.items[i].happened);
	CU_ASSERT_EQUAL(result->failures.total, 0);
	scenario_free(sc);
}

static struct seen seen;
static struct runner_result result;

static void expect_seen(const char *expected)
{
	CU_ASSERT_STRING_EQUAL(seen.text, expected);
	if (strcmp(seen.text, expected))
		printf("%s", seen.text);
	runner_result_destroy(&result);
}

static void faults_begin_and_end_at_their_times(void)
{
	run("faults: {until: 2s, at: [{at: 0, controller_stall: {for: 30ms}}, "
	    "{at: 10ms, link_down: {link: h1 -- s1, for: 500ms}}, "
	    "{at: 10ms, gratuitous_arp: {host: h2}}, "
	    "{at: 100ms, lose: {link: h1 -- s1, from: h1, skip: 100}}, "
	    "{at: 1.9s, host_down: {host: h1, for: 1s}}]}\n"
	    "steps: [{wait: 3s}]\n",
	    &seen, &result);
	expect_seen("0s controller_stall begins\n"
	            "10ms link_down begins\n"
	            "10ms gratuitous_arp begins\n"
	            "10ms gratuitous_arp ends\n"
	            "30ms controller_stall ends\n"
	            "100ms lose begins\n"
	            "510ms link_down ends\n"
	            "1.9s host_down begins\n"
	            "2s lose ends\n"
	            "2s host_down ends\n");
}

static void times_count_from_the_first_step(void)
{
	run("faults: {until: 1s, at: [{at: 250ms, gratuitous_arp: {host: h1}}]}\n"
	    "steps: [{fault: {controller_stall: {for: 1ms}}}, {wait: 1ms}]\n",
	    &seen, &result);
	expect_seen("0s controller_stall begins\n1ms controller_stall ends\n"
	            "250ms gratuitous_arp begins\n250ms gratuitous_arp ends\n");
}

static void faults_of_the_first_instant_come_before_the_first_step(void)
{
	run("faults: {until: 1s, at: [{at: 0, gratuitous_arp: {host: h1}}]}\n"
	    "steps: [{fault: {controller_stall: {for: 1ms}}}]\n",
	    &seen, &result);
	expect_seen("0s gratuitous_arp begins\n0s controller_stall begins\n"
	            "0s gratuitous_arp ends\n1ms controller_stall ends\n");
}

static void a_step_begins_a_fault_and_is_over(void)
{
	run("steps:\n"
	    "  - fault: {link_down: {link: h1 -- s1, for: 2s}}\n"
	    "  - {repeat: 2, steps: [{wait: 10ms}, {fault: {control_stall: {switch: s1, for: "
	    "1s}}}]}\n",
	    &seen, &result);
	expect_seen("0s link_down begins\n"
	            "10ms control_stall begins\n"
	            "20ms control_stall begins\n"
	            "1.01s control_stall ends\n"
	            "1.02s control_stall ends\n"
	            "2s link_down ends\n");
}

static void converged_is_so_long_after_the_last_fault(void)
{
	/* Of the list: after 'until'. */
	run("faults: {until: 2s, converge: 500ms, at: [{at: 10ms, controller_stall: {for: "
	    "10ms}}]}\n"
	    "steps: [{wait: converged}, {fault: {controller_stall: {for: 1ms}}}]\n",
	    &seen, &result);
	expect_seen("0s controller_stall begins\n10ms controller_stall ends\n"
	            "2.49s controller_stall begins\n2.491s controller_stall ends\n");
	/* Of a step: after its end. */
	run("faults: {converge: 500ms}\n"
	    "steps: [{fault: {controller_stall: {for: 30ms}}}, {fault: {controller_stall: {for: "
	    "10ms}}}, "
	    "{wait: converged}, {fault: {controller_stall: {for: 1ms}}}]\n",
	    &seen, &result);
	expect_seen("0s controller_stall begins\n0s controller_stall begins\n"
	            "10ms controller_stall ends\n30ms controller_stall ends\n"
	            "530ms controller_stall begins\n531ms controller_stall ends\n");
	/* Of both: after the later one. */
	run("faults: {until: 100ms, converge: 500ms, at: [{at: 0, controller_stall: {for: "
	    "10ms}}]}\n"
	    "steps: [{fault: {controller_stall: {for: 1s}}}, {wait: converged}, "
	    "{fault: {controller_stall: {for: 1ms}}}]\n",
	    &seen, &result);
	expect_seen("0s controller_stall begins\n0s controller_stall begins\n"
	            "10ms controller_stall ends\n1s controller_stall ends\n"
	            "1.5s controller_stall begins\n1.501s controller_stall ends\n");
	/* After what steps break and mend. */
	run("faults: {converge: 500ms}\n"
	    "steps: [{fault: {gratuitous_arp: {host: h1}}}, {link: {down: h1 -- s1}}, {wait: "
	    "100ms}, "
	    "{link: {up: h1 -- s1}}, {wait: converged}, {fault: {gratuitous_arp: {host: h1}}}]\n",
	    &seen, &result);
	expect_seen("0s gratuitous_arp begins\n0s gratuitous_arp ends\n"
	            "600ms gratuitous_arp begins\n600ms gratuitous_arp ends\n");
	/* Where nothing happened: at once. */
	run("steps: [{wait: converged}]\n", &seen, &result);
	CU_ASSERT_TRUE(result.now_ns < 2 * FB_NS_PER_S);
	runner_result_destroy(&result);
}

static void a_fault_that_waits_for_a_frame_ends_when_convergence_is_awaited(void)
{
	run("faults: {converge: 500ms}\n"
	    "steps: [{fault: {lose: {link: h1 -- s1, from: h1, skip: 1000}}}, {wait: 7s}, "
	    "{wait: converged}, {fault: {controller_stall: {for: 1ms}}}]\n",
	    &seen, &result);
	expect_seen("0s lose begins\n7s lose ends\n"
	            "7.5s controller_stall begins\n7.501s controller_stall ends\n");
	/* Nobody awaits it: at the end of the run. */
	run("faults: {converge: 500ms}\n"
	    "steps: [{fault: {lose: {link: h1 -- s1, from: h1, skip: 1000}}}, {wait: 7s}]\n",
	    &seen, &result);
	CU_ASSERT_TRUE(result.now_ns > 7500 * FB_NS_PER_MS);
	expect_seen("0s lose begins\n7s lose ends\n");
}

static void nobody_knows_when_it_converges_as_long_as_a_fault_of_a_step_waits(void)
{
	struct scenario *sc = load_faults("converge: 500ms");
	const struct network_options options = {.seed = 1};
	struct network *network = network_new(sc, &options);
	const struct fault_list none = {.count = 0};
	struct faults *faults = faults_new(sc, network, &none);
	struct fault lose = fault_make(FAULT_LOSE);

	CU_ASSERT_EQUAL(faults_converged_at(faults), 0);
	CU_ASSERT_FALSE(faults_happened(faults));
	clock_advance(network_clock(network), FB_NS_PER_S);
	faults_start(faults);
	faults_begin(faults, &lose);
	faults_begin(faults, &lose);
	CU_ASSERT_EQUAL(faults_converged_at(faults), FB_NEVER);
	CU_ASSERT_TRUE(faults_happened(faults));
	faults_settle(faults);
	CU_ASSERT_EQUAL(faults_converged_at(faults), 1500 * FB_NS_PER_MS);
	faults_free(faults);
	network_free(network);
	scenario_free(sc);
}

static void what_is_disturbed_at_the_time_zero_has_to_converge_too(void)
{
	struct scenario *sc = load_faults("converge: 500ms");
	const struct network_options options = {.seed = 1};
	struct network *network = network_new(sc, &options);
	const struct fault_list none = {.count = 0};
	struct faults *faults = faults_new(sc, network, &none);
	struct fault lose = fault_make(FAULT_LOSE);

	CU_ASSERT_EQUAL(network_clock(network)->now_ns, 0);
	faults_start(faults);
	faults_disturbed(faults);
	CU_ASSERT_EQUAL(faults_converged_at(faults), 500 * FB_NS_PER_MS);
	sc->faults.converge_ns = 0;
	CU_ASSERT_EQUAL(faults_converged_at(faults), 1); /* 0 means that nothing happened */
	faults_free(faults);
	sc->faults.converge_ns = FB_NS_PER_S;
	faults = faults_new(sc, network, &none);
	faults_start(faults);
	faults_begin(faults, &lose);
	faults_settle(faults);
	CU_ASSERT_EQUAL(faults_converged_at(faults), FB_NS_PER_S);
	faults_free(faults);
	network_free(network);
	scenario_free(sc);
}

static void faults_of_steps_beyond_the_limit_fail_the_run(void)
{
	static const char file[] = NETWORK
	        "faults: {until: 1ms, converge: 1ms, at: [{at: 0, gratuitous_arp: {host: h1}}]}\n"
	        "steps: [{repeat: %d, fault: {lose: {link: h1 -- s1, from: h1}}}]\n";
	const struct runner_options options = {.seed = 1};
	char text[1024];
	struct scenario *sc;

	snprintf(text, sizeof text, file, FAULTS_MAX - 1);
	sc = load(text);
	runner_run(sc, &options, &result);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	runner_result_destroy(&result);
	scenario_free(sc);
	snprintf(text, sizeof text, file, FAULTS_MAX + 2);
	sc = load(text);
	runner_run(sc, &options, &result);
	CU_ASSERT_EQUAL_FATAL(result.failures.total, 1);
	CU_ASSERT_STRING_EQUAL(result.failures.items[0].expected,
	                       "a run with at most 10000 faults");
	CU_ASSERT_STRING_EQUAL(result.failures.items[0].happened, "3 more of steps were not begun");
	runner_result_destroy(&result);
	scenario_free(sc);
}

static void a_step_beside_it_does_not_keep_convergence_away(void)
{
	run("faults: {converge: 500ms}\n"
	    "steps: [{parallel: [{steps: [{fault: {gratuitous_arp: {host: h1}}}, {wait: "
	    "converged}, "
	    "{fault: {gratuitous_arp: {host: h1}}}]}, "
	    "{steps: [{wait: 100ms}, {fault: {lose: {link: h1 -- s1, from: h1, skip: "
	    "1000}}}]}]}]\n",
	    &seen, &result);
	expect_seen("0s gratuitous_arp begins\n0s gratuitous_arp ends\n100ms lose begins\n"
	            "500ms lose ends\n1s gratuitous_arp begins\n1s gratuitous_arp ends\n");
}

static void a_run_ends_after_its_network_has_converged(void)
{
	run("faults: {until: 4s, converge: 2s, at: [{at: 1s, controller_stall: {for: 1ms}}]}\n"
	    "steps: [{wait: 1ms}]\n",
	    &seen, &result);
	CU_ASSERT_TRUE(result.now_ns >= 6 * FB_NS_PER_S);
	runner_result_destroy(&result);
}

static void converged_waits_for_the_controller_too(void)
{
	run("faults: {until: 100ms, converge: 10ms}\n"
	    "steps: [{controller: down}, {parallel: [{steps: [{wait: 3s}, {controller: up}]}, "
	    "{steps: [{wait: converged}, {fault: {gratuitous_arp: {host: h1}}}]}]}, "
	    "{ping: {from: h1, to: h2}}]\n",
	    &seen, &result);
	CU_ASSERT_TRUE(seen.first_ns > 3 * FB_NS_PER_S);
	runner_result_destroy(&result);
}

static void other_faults_may_be_given_in_place_of_those_of_the_file(void)
{
	struct scenario *sc = load_faults("until: 1s, rates: {all: 10/s}");
	struct fault fault = fault_make(FAULT_GRATUITOUS_ARP);
	struct fault_list list = {.items = &fault, .count = 1};
	struct runner_options options = {.seed = 1, .faults = &list};

	fault.time_ns = FB_NS_PER_MS;
	runner_run(sc, &options, &result);
	CU_ASSERT_EQUAL(result.faults.count, 1);
	CU_ASSERT_EQUAL(result.faults.items[0].kind, FAULT_GRATUITOUS_ARP);
	/* The end of faults stays where it is. */
	CU_ASSERT_TRUE(result.now_ns > 6 * FB_NS_PER_S);
	runner_result_destroy(&result);
	list.count = 0;
	runner_run(sc, &options, &result);
	CU_ASSERT_EQUAL(result.faults.count, 0);
	CU_ASSERT_TRUE(result.now_ns > 6 * FB_NS_PER_S);
	runner_result_destroy(&result);
	scenario_free(sc);
}

/* --- What is told, and what is judged --- */

/* What the summary of a run begins with, up to the first empty line; the caller frees it. */
static char *run_header(const char *faults, bool verbose)
{
	struct scenario *sc = load_faults(faults);
	struct runner_options options = {.seed = 7};
	char *text = NULL;
	size_t len = 0;
	FILE *live = fopen("/dev/null", "w");

	options.summary = open_memstream(&text, &len);
	options.live = verbose ? live : NULL;
	runner_run(sc, &options, &result);
	runner_result_destroy(&result);
	fclose(options.summary);
	fclose(live);
	scenario_free(sc);
	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	if (strstr(text, "\n\n"))
		*strstr(text, "\n\n") = 0;
	return text;
}

static void a_header_counts_what_is_drawn(void)
{
	char *text =
	        run_header("until: 1500ms, converge: 1s, rates: {gratuitous_arp: 4/s, lose: 3/s}, "
	                   "at: [{at: 1s, control_split: {switch: s1, to: switch}}]",
	                   false);

	CU_ASSERT_PTR_NOT_NULL(strstr(
	        text, "\n  faults  1 of the file, 8 drawn until 1.5s, converged by 2.5s: 4 x lose, "
	              "1 x control_split,\n          4 x gratuitous_arp"));
	CU_ASSERT_PTR_NULL(strstr(text, "at:"));
	free(text);
	text = run_header("at: []", false);
	CU_ASSERT_PTR_NULL(strstr(text, "faults"));
	free(text);
}

static void a_verbose_header_tells_each_fault_as_a_file_would(void)
{
	char *text =
	        run_header("until: 2s, at: [{at: 1s, control_split: {switch: s1, to: switch}}, "
	                   "{at: 1500ms, gratuitous_arp: {host: h2}}]",
	                   true);

	CU_ASSERT_PTR_NOT_NULL(
	        strstr(text, "\n  faults  2 of the file, 0 drawn until 2s, converged by 7s: 1 x "
	                     "control_split, 1 x gratuitous_arp\n"
	                     "    - {at: 1s, control_split: {switch: s1, to: switch, bytes: 1}}\n"
	                     "    - {at: 1.5s, gratuitous_arp: {host: h2}}"));
	free(text);
}

static void replies_are_judged_of_the_requests_that_were_answered(void)
{
	static const char text[] =
	        NETWORK "steps:\n  - fault: {link_down: {link: h2 -- s1, for: 150ms}}\n"
	                "  - repeat: 2\n    tcp: {from: h1, to: h2:22, timeout: 100ms, expect: "
	                "{outcome: any, reply: %s}}\n  - wait: 200ms\n"
	                "  - tcp: {from: h1, to: h2:22, expect: {outcome: any, reply: %s}}\n";
	struct runner_options options = {.seed = 1};
	char file[1024];
	struct scenario *sc;

	snprintf(file, sizeof file, text, "nobody", "h2");
	sc = load(file);
	runner_run(sc, &options, &result);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	runner_result_destroy(&result);
	scenario_free(sc);
	snprintf(file, sizeof file, text, "nobody", "nobody");
	sc = load(file);
	runner_run(sc, &options, &result);
	CU_ASSERT_EQUAL(result.failures.total, 1);
	runner_result_destroy(&result);
	scenario_free(sc);
}

UNIT_TESTS("faults", UNIT_TEST(a_seed_draws_the_same_faults_everywhere),
           UNIT_TEST(another_seed_draws_other_faults),
           UNIT_TEST(one_kind_more_or_less_leaves_the_others_as_they_are),
           UNIT_TEST(all_is_every_kind_but_those_that_reorder_control),
           UNIT_TEST(all_leaves_second_controllers_out_of_networks_of_several_switches),
           UNIT_TEST(all_leaves_out_what_makes_no_sense),
           UNIT_TEST(as_many_are_drawn_as_the_rate_says),
           UNIT_TEST(low_rates_draw_as_many_in_a_short_time_as_they_say),
           UNIT_TEST(no_more_are_drawn_than_a_run_may_have),
           UNIT_TEST(they_last_as_long_as_is_said), UNIT_TEST(they_happen_where_is_said),
           UNIT_TEST(hosts_move_to_ports_of_their_own_that_nobody_uses),
           UNIT_TEST(addresses_that_are_drawn_are_those_of_other_hosts),
           UNIT_TEST(faults_of_the_file_and_drawn_ones_come_in_one_order),
           UNIT_TEST(faults_begin_and_end_at_their_times),
           UNIT_TEST(times_count_from_the_first_step),
           UNIT_TEST(faults_of_the_first_instant_come_before_the_first_step),
           UNIT_TEST(a_step_begins_a_fault_and_is_over),
           UNIT_TEST(converged_is_so_long_after_the_last_fault),
           UNIT_TEST(a_fault_that_waits_for_a_frame_ends_when_convergence_is_awaited),
           UNIT_TEST(nobody_knows_when_it_converges_as_long_as_a_fault_of_a_step_waits),
           UNIT_TEST(what_is_disturbed_at_the_time_zero_has_to_converge_too),
           UNIT_TEST(faults_of_steps_beyond_the_limit_fail_the_run),
           UNIT_TEST(a_step_beside_it_does_not_keep_convergence_away),
           UNIT_TEST(a_run_ends_after_its_network_has_converged),
           UNIT_TEST(converged_waits_for_the_controller_too),
           UNIT_TEST(other_faults_may_be_given_in_place_of_those_of_the_file),
           UNIT_TEST(a_header_counts_what_is_drawn),
           UNIT_TEST(a_verbose_header_tells_each_fault_as_a_file_would),
           UNIT_TEST(replies_are_judged_of_the_requests_that_were_answered))
