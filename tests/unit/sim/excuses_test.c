/* Each excuse is shown twice: the violation that its fault excuses, and the same violation without the
 * fault, which fails. Faults happen in a network of two hosts; what goes wrong without one is the work of
 * an application that is made to be wrong, or of a mutant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flowbed/app.h>

#include "sim/excuses.h"
#include "sim/mutants.h"
#include "sim/runner.h"
#include "sim/scenario_keys.h"
#include "tests/unit/harness.h"

static struct runner_result result;

/* --- A wrong application --- */

static enum {
	DEAF,             /* answers no packet-in */
	ANSWERS_TWICE,    /* floods each buffer two times */
	ANSWERS_AT_LAST,  /* floods the first buffer when a switch comes, and no other */
	SPOILS_CHECKSUMS, /* floods the bytes with one changed behind the Ethernet header */
} wrong;

static struct fb_app *app;
static uint32_t first_buffer;

static void *create(struct fb_app *of, const uint64_t *values, struct fb_text *error)
{
	(void)values;
	(void)error;
	app = of;
	first_buffer = OFP_NO_BUFFER;
	return &wrong;
}

static void destroy(void *state)
{
	(void)state;
}

static void flood(struct fb_switch *sw, uint32_t buffer_id, uint16_t in_port, struct fb_view data)
{
	static const uint8_t actions[] = {0, OFPAT_OUTPUT, 0, 8, 0xff, 0xfb, 0, 0};
	const struct fb_packet_out po = {.buffer_id = buffer_id,
	                                 .in_port = in_port,
	                                 .actions = {actions, sizeof actions},
	                                 .data = data};

	fb_send_packet_out(app, sw, NULL, &po);
}

static void spoil(struct fb_switch *sw, const struct fb_packet_in *pi)
{
	uint8_t bytes[2000];

	CU_ASSERT_TRUE_FATAL(pi->packet.len <= sizeof bytes);
	memcpy(bytes, pi->packet.data, pi->packet.len);
	bytes[FB_ETH_HEADER_BYTES + 8] ^= pi->packet.is_ipv4; /* TTL */
	flood(sw, OFP_NO_BUFFER, pi->in_port, (struct fb_view){bytes, pi->packet.len});
}

static void packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *pi, size_t count,
                      uint64_t now_ns)
{
	(void)state;
	(void)now_ns;
	for (size_t i = 0; i < count; i++) {
		pi[i].verdict = FB_STOP; /* else the controller drops what it keeps */
		if (wrong == ANSWERS_TWICE) {
			flood(sw, pi[i].buffer_id, pi[i].in_port, (struct fb_view){NULL, 0});
			flood(sw, pi[i].buffer_id, pi[i].in_port, (struct fb_view){NULL, 0});
		} else if (wrong == ANSWERS_AT_LAST && first_buffer == OFP_NO_BUFFER) {
			first_buffer = pi[i].buffer_id;
		} else if (wrong == SPOILS_CHECKSUMS) {
			spoil(sw, &pi[i]);
		}
	}
}

static void switch_up(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	(void)state;
	(void)now_ns;
	if (wrong == ANSWERS_AT_LAST && first_buffer != OFP_NO_BUFFER)
		flood(sw, first_buffer, 1, (struct fb_view){NULL, 0});
}

static const struct fb_app_class wrong_class = {.name = "wrong",
                                                .summary = "is wrong",
                                                .scope = FB_SCOPE_SWITCH,
                                                .create = create,
                                                .destroy = destroy,
                                                .switch_up = switch_up,
                                                .packet_in = packet_in};

/* --- Runs --- */

static void run_text(const char *head, const char *text, const char *mutant, bool is_wrong)
{
	struct runner_options options = {.seed = 1};
	struct problems problems;
	struct scenario *sc;
	char whole[3000];

	snprintf(whole, sizeof whole,
	         "%shosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	         "links: [h1 -- s1:1, h2 -- s1:2]\n%s",
	         head, text);
	problems_init(&problems);
	sc = scenario_load_text(whole, strlen(whole), "test.yaml", NULL, NULL, &problems);
	problems_print(&problems, "# test.yaml", stdout);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	if (is_wrong)
		sc->controller.apps[0].cls = &wrong_class;
	if (mutant) {
		options.mutant = mutants_find(mutant);
		CU_ASSERT_PTR_NOT_NULL_FATAL(options.mutant);
	}
	runner_run(sc, &options, &result);
	scenario_free(sc);
	problems_destroy(&problems);
}

static uint64_t failures_of(enum scenario_property property)
{
	uint64_t count = 0;

	for (size_t i = 0; i < result.failures.count; i++)
		count += !strcmp(result.failures.items[i].key, scenario_keys_properties[property]);
	return count;
}

/* The violation is excused so many times, and nothing else fails. */
static void is_excused(enum scenario_property property, uint64_t count)
{
	CU_ASSERT_EQUAL(result.excused[property], count);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	if (result.failures.total || result.excused[property] != count) {
		printf("# %s: excused %llu times\n", scenario_keys_properties[property],
		       (unsigned long long)result.excused[property]);
		failures_print(&result.failures, "# test.yaml", stdout);
	}
	runner_result_destroy(&result);
}

static void fails(enum scenario_property property)
{
	CU_ASSERT_EQUAL(failures_of(property), 1);
	if (failures_of(property) != 1)
		failures_print(&result.failures, "# test.yaml", stdout);
	runner_result_destroy(&result);
}

/* A frame of h1 whose packet-in comes to the controller. */
#define ANNOUNCE   "steps:\n  - arp: {from: h1, gratuitous: yes}\n  - wait: 1ms\n"
#define OFF(names) "properties: {" names ", reachability: no, no_blackholes: no}\n"

/* --- The rows --- */

static void a_frame_that_a_link_doubled_may_come_twice_and_no_other(void)
{
	const char *hub = "controller: hub\nswitches: {s1: {}}\n";
	const char *twice = "switches: {s1: {flows: [\"in_port=1,actions=output:2,output:2\", "
	                    "\"in_port=2,actions=output:1\"]}}\n";
	const char *fault = "steps:\n  - fault: {duplicate: {link: h1 -- s1, from: h1}}\n"
	                    "  - arp: {from: h1, gratuitous: yes}\n  - wait: 1ms\n";

	run_text(hub, fault, NULL, false);
	is_excused(NO_DUPLICATES, 1);
	run_text(twice, ANNOUNCE, NULL, false);
	fails(NO_DUPLICATES);
	/* The next frame has no share in it, nor has what the switch adds to the copy. */
	run_text(twice, fault, NULL, false);
	CU_ASSERT_EQUAL(result.excused[NO_DUPLICATES], 1);
	fails(NO_DUPLICATES);
	run_text(twice,
	         "steps:\n  - fault: {duplicate: {link: h2 -- s1, from: h2}}\n"
	         "  - arp: {from: h1, gratuitous: yes}\n  - wait: 1ms\n",
	         NULL, false);
	fails(NO_DUPLICATES);
}

static void a_frame_that_a_link_changed_and_doubled_may_come_twice(void)
{
	run_text("controller: hub\nswitches: {s1: {}}\n",
	         "steps:\n  - fault: {corrupt: {link: h1 -- s1, from: h1, byte: 7, flip: 2}}\n"
	         "  - fault: {duplicate: {link: h1 -- s1, from: h1}}\n"
	         "  - arp: {from: h1, gratuitous: yes}\n  - wait: 1ms\n",
	         NULL, false);
	is_excused(NO_DUPLICATES, 1);
}

/* The copy for h2 is no reason why h1 should get its own frame twice. */
static void a_copy_that_a_link_makes_for_a_host_excuses_nothing_behind_it(void)
{
	run_text("switches: {s1: {flows: [\"in_port=1,actions=output:2,in_port,in_port\"]}}\n",
	         "steps:\n  - fault: {duplicate: {link: h2 -- s1, from: s1}}\n"
	         "  - arp: {from: h1, gratuitous: yes}\n  - wait: 1ms\n",
	         NULL, false);
	CU_ASSERT_EQUAL(result.excused[NO_DUPLICATES], 0);
	fails(NO_DUPLICATES);
}

static void the_buffer_of_a_lost_packet_in_is_excused(void)
{
	const char *hub = "controller: hub\nswitches: {s1: {}}\n";
	const char *expires = "controller: hub\nswitches: {s1: {buffer_expiry: 1s}}\n";
	const char *lose = "steps:\n  - fault: {lose_packet_ins: {switch: s1, messages: 1}}\n"
	                   "  - arp: {from: h1, gratuitous: yes}\n  - wait: 1ms\n";

	wrong = DEAF;
	run_text(hub, lose, NULL, false);
	is_excused(NO_LOST_BUFFERS, 1);
	run_text(expires, lose, NULL, false);
	is_excused(NO_LOST_BUFFERS, 1);
	run_text(hub, OFF("no_of_errors: no") ANNOUNCE, NULL, true);
	fails(NO_LOST_BUFFERS);
	/* One is lost, and another is never answered. */
	run_text(hub,
	         OFF("no_of_errors: no") "steps:\n"
	                                 "  - fault: {lose_packet_ins: {switch: s1, messages: 1}}\n"
	                                 "  - repeat: 2\n    arp: {from: h1, gratuitous: yes}\n"
	                                 "  - wait: 1ms\n",
	         NULL, true);
	CU_ASSERT_EQUAL(result.excused[NO_LOST_BUFFERS], 1);
	fails(NO_LOST_BUFFERS);
}

static void the_buffers_of_a_connection_that_was_cut_are_excused(void)
{
	static const char *const ends[] = {
	        "  - fault: {control_cut: {switch: s1, for: 1s}}\n",
	        "  - fault: {controller_restart: {for: 1s}}\n",
	        "  - fault: {second_controller: {switch: s1, for: 1s}}\n",
	        "  - control: {down: s1}\n  - control: {up: s1}\n",
	        "  - controller: down\n  - controller: up\n",
	};
	const char *slow = "controller: {apps: hub, delay: 50ms}\nswitches: {s1: {}}\n";
	char text[500];

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		snprintf(text, sizeof text, "%s%s", ANNOUNCE, ends[i]);
		run_text(slow, text, NULL, false);
		is_excused(NO_LOST_BUFFERS, 1);
	}
	/* A switch without power has no buffers. */
	run_text(slow, ANNOUNCE "  - fault: {switch_restart: {switch: s1, for: 1s}}\n", NULL,
	         false);
	is_excused(NO_LOST_BUFFERS, 0);
	/* Those that are kept later are not. */
	wrong = DEAF;
	run_text(slow,
	         OFF("no_of_errors: no") "steps:\n"
	                                 "  - fault: {control_cut: {switch: s1, for: 1s}}\n"
	                                 "  - wait: 3s\n  - arp: {from: h1, gratuitous: yes}\n  - "
	                                 "wait: 1ms\n",
	         NULL, true);
	CU_ASSERT_EQUAL(result.excused[NO_LOST_BUFFERS], 0);
	fails(NO_LOST_BUFFERS);
}

/* A switch that nobody answers ends the connection: that is no excuse. */
static void a_connection_that_nothing_ended_excuses_no_buffers(void)
{
	const char *head = "controller: {apps: hub, echo_idle: 1h}\n"
	                   "switches: {s1: {echo_idle: 1s, echo_timeout: 1s, buffer_expiry: 5s}}\n";

	wrong = DEAF;
	run_text(head, ANNOUNCE "  - wait: 8s\n", "no-echo-reply", true);
	fails(NO_LOST_BUFFERS);
}

static void an_answer_that_is_held_up_is_excused_if_it_comes(void)
{
	static const char *const holds[] = {
	        "  - fault: {control_stall: {switch: s1, for: 2s}}\n",
	        "  - fault: {control_delay: {switch: s1, by: 1500ms, for: 1s}}\n",
	        "  - fault: {control_drain: {switch: s1, rate: 10B/s, for: 8s}}\n",
	        "  - fault: {controller_stall: {for: 2s}}\n",
	        "  - fault: {slow_flow_mods: {switch: s1, each: 2s, for: 5s}}\n",
	};
	const char *head = "controller: learning\nswitches: {s1: {buffer_expiry: 1s}}\n";
	char text[500];

	for (size_t i = 0; i < sizeof holds / sizeof holds[0]; i++) {
		snprintf(text, sizeof text, "steps:\n%s%s", holds[i],
		         "  - ping: {from: h1, to: h2, expect: {outcome: any}}\n");
		run_text(head, text, NULL, false);
		CU_ASSERT_TRUE(result.excused[NO_LOST_BUFFERS] > 0);
		CU_ASSERT_TRUE(result.excused[NO_OF_ERRORS] > 0);
		if (!result.excused[NO_OF_ERRORS] || !result.excused[NO_LOST_BUFFERS])
			printf("# no excuse for %s", holds[i]);
		is_excused(NO_LOST_BUFFERS, result.excused[NO_LOST_BUFFERS]);
	}
	/* As late as that, without a fault. */
	run_text("controller: {apps: hub, delay: 600ms}\nswitches: {s1: {buffer_expiry: 1s}}\n",
	         ANNOUNCE, NULL, false);
	CU_ASSERT_EQUAL(failures_of(NO_OF_ERRORS), 1);
	fails(NO_LOST_BUFFERS);
	/* Held up, and then it does not come. */
	wrong = DEAF;
	run_text(head,
	         OFF("no_of_errors: no") "steps:\n"
	                                 "  - fault: {control_stall: {switch: s1, for: 2s}}\n"
	                                 "  - arp: {from: h1, gratuitous: yes}\n  - wait: 1ms\n",
	         NULL, true);
	CU_ASSERT_EQUAL(result.excused[NO_LOST_BUFFERS], 0);
	fails(NO_LOST_BUFFERS);
}

static void a_full_table_is_excused_where_a_fault_filled_it(void)
{
	const char *ping = "  - ping: {from: h1, to: h2, expect: {outcome: any}}\n";
	const char *head = "controller: learning\nswitches: {s1: {}}\n";
	char text[500];

	snprintf(text, sizeof text, "steps:\n  - fault: {table_full: {switch: s1, for: 2s}}\n%s",
	         ping);
	run_text(head, text, NULL, false);
	CU_ASSERT_TRUE(result.excused[NO_OF_ERRORS] > 0);
	is_excused(NO_OF_ERRORS, result.excused[NO_OF_ERRORS]);
	/* It was full before and after. */
	snprintf(text, sizeof text,
	         OFF("no_lost_buffers: no") "steps:\n"
	                                    "  - fault: {table_full: {switch: s1, for: 1ms}}\n"
	                                    "  - wait: 2ms\n%s",
	         ping);
	run_text("controller: learning\nswitches: {s1: {entries: 1}}\n", text, NULL, false);
	fails(NO_OF_ERRORS);
}

static void an_error_about_a_buffer_of_a_lost_connection_is_excused(void)
{
	const char *head = "controller: hub\nswitches: {s1: {buffer_expiry: 1s}}\n";

	/* Its packet-in came on the connection that is cut; the answer comes on the next. */
	wrong = ANSWERS_AT_LAST;
	run_text(head,
	         OFF("no_lost_buffers: no") ANNOUNCE
	         "  - wait: 100ms\n  - fault: {control_cut: {switch: s1, for: 3s}}\n",
	         NULL, true);
	is_excused(NO_OF_ERRORS, 1);
	wrong = ANSWERS_TWICE;
	run_text(head, OFF("no_duplicates: no") ANNOUNCE, NULL, true);
	fails(NO_OF_ERRORS);
	/* After a cut the same mistake is the same mistake. */
	run_text(head,
	         OFF("no_duplicates: no") "steps:\n"
	                                  "  - fault: {control_cut: {switch: s1, for: 1s}}\n"
	                                  "  - wait: 3s\n  - arp: {from: h1, gratuitous: yes}\n  - "
	                                  "wait: 1ms\n",
	         NULL, true);
	CU_ASSERT_EQUAL(result.excused[NO_OF_ERRORS], 0);
	fails(NO_OF_ERRORS);
}

#define PING "  - ping: {from: h1, to: h2, count: 3, interval: 10ms, expect: {outcome: any}}\n"

static void the_checksum_of_a_frame_that_was_changed_is_excused(void)
{
	const char *head = "controller: hub\nswitches: {s1: {buffers: 0}}\n";
	const char *corrupt =
	        "steps:\n  - ping: {from: h1, to: h2}\n"
	        "  - fault: {corrupt: {link: h1 -- s1, from: h1, byte: 22}}\n"
	        "  - ping: {from: h1, to: h2, timeout: 100ms, expect: {outcome: any}}\n";

	/* Through the controller, too, which sends on the bytes that it got. */
	run_text(head, corrupt, NULL, false);
	is_excused(CHECKSUMS, 1);
	run_text("controller: learning\nswitches: {s1: {}}\n", corrupt, NULL, false);
	is_excused(CHECKSUMS, 1);
	wrong = SPOILS_CHECKSUMS;
	run_text(head, OFF("no_lost_buffers: no") "steps:\n" PING, NULL, true);
	fails(CHECKSUMS);
	run_text(head,
	         OFF("no_lost_buffers: no") "steps:\n  - ping: {from: h1, to: h2, timeout: 100ms, "
	                                    "expect: {outcome: any}}\n"
	                                    "  - fault: {corrupt: {link: h1 -- s1, from: s1, byte: "
	                                    "30}}\n" PING,
	         NULL, true);
	fails(CHECKSUMS);
}

static void the_datagram_of_a_fragment_that_was_changed_is_excused(void)
{
	const char *head = "controller: learning\nswitches: {s1: {}}\n";

	run_text(head,
	         "steps:\n  - ping: {from: h1, to: h2}\n"
	         "  - fault: {corrupt: {link: h1 -- s1, from: h1, byte: 100}}\n"
	         "  - ping: {from: h1, to: h2, size: 3000, timeout: 100ms, expect: {outcome: "
	         "any}}\n",
	         NULL, false);
	is_excused(CHECKSUMS, 1);
}

/* --- Flow tables --- */

/* A slow switch that takes its controller for dead never does what it held; when the close comes from the
 * other end it has done all that came before. */
static void a_flow_mod_that_a_switch_never_did_is_excused_and_no_other(void)
{
	static const char slow[] = "steps:\n  - wait: 1001ms\n" PING "  - wait: converged\n";
	char text[1000];

	snprintf(text, sizeof text, "faults: {until: 9s, at: [%s]}\n%s",
	         "{at: 1s, slow_flow_mods: {switch: s1, each: 4s, for: 7s}}", slow);
	run_text("controller: learning\nswitches: {s1: {echo_idle: 2s, echo_timeout: 200ms}}\n", text,
	         NULL, false);
	is_excused(TABLES_AGREE, 1);
	snprintf(text, sizeof text, "faults: {until: 9s, at: [%s, %s]}\n%s",
	         "{at: 1s, slow_flow_mods: {switch: s1, each: 4s, for: 7s}}",
	         "{at: 2s, control_cut: {switch: s1, for: 1s}}", slow);
	run_text("controller: learning\nswitches: {s1: {}}\n", text, NULL, false);
	is_excused(TABLES_AGREE, 0);
}

/* --- The table --- */

static void every_row_says_what_it_excuses(void)
{
	for (unsigned i = 0; i < EXCUSE_ROWS; i++) {
		const struct excuse *row = excuses_at(i);

		CU_ASSERT_PTR_NOT_NULL_FATAL(row->decides);
		CU_ASSERT_TRUE(strlen(row->faults) > 0 && strlen(row->sentence) > 0);
		CU_ASSERT_FALSE(excuses_are_never(row->property));
	}
	CU_ASSERT_TRUE(excuses_are_never(NO_LOOPS));
	CU_ASSERT_TRUE(excuses_are_never(SESSION_AFFINITY));
	CU_ASSERT_TRUE(excuses_are_never(BOUNDED));
}

/* --- After the faults --- */

static uint64_t must_converge_at(void *ctx)
{
	return *(const uint64_t *)ctx;
}

static void late_buffer(void *ctx, uint32_t sw, uint32_t buffer_id, uint64_t expired_ns,
                        enum excuse_row row)
{
	(void)ctx;
	(void)sw;
	(void)buffer_id;
	(void)expired_ns;
	(void)row;
}

/* What is lost when nothing may be lost any more has no excuse; what was lost before keeps it. */
static void nothing_that_happens_after_the_network_must_have_converged_is_excused(void)
{
	uint64_t converged_ns = 100;
	const struct excuses_ops ops = {
	        .late_buffer = late_buffer, .converged_at = must_converge_at, .ctx = &converged_ns};
	const struct scenario sc = {.switches_count = 1};
	struct excuses *excuses = excuses_new(&sc, &ops);
	struct excuses_violation violation = {
	        .property = NO_LOST_BUFFERS, .now_ns = 120, .buffer_id = 7, .kept_ns = 50};
	uint8_t msg[18] = {OFP_VERSION, OFPT_PACKET_IN, 0, sizeof msg};

	msg[11] = 7;
	excuses_connected(excuses, 1, 0);
	excuses_message_lost(excuses, 99, 0, msg, sizeof msg);
	CU_ASSERT_EQUAL(excuses_find(excuses, &violation), EXCUSE_LOST_PACKET_IN);
	msg[11] = violation.buffer_id = 8;
	excuses_message_lost(excuses, 100, 0, msg, sizeof msg);
	CU_ASSERT_EQUAL(excuses_find(excuses, &violation), EXCUSE_ROWS);
	excuses_changed(excuses, 110, NETWORK_CONTROL, 0, false);
	excuses_closed(excuses, 110, 0, CHANNEL_SWITCH);
	CU_ASSERT_EQUAL(excuses_find(excuses, &violation), EXCUSE_ROWS);
	converged_ns = FB_NEVER; /* something else is to come */
	excuses_connected(excuses, 125, 0);
	violation.kept_ns = 126;
	excuses_changed(excuses, 130, NETWORK_CONTROL, 0, false);
	excuses_closed(excuses, 130, 0, CHANNEL_SWITCH);
	CU_ASSERT_EQUAL(excuses_find(excuses, &violation), EXCUSE_BUFFER_OF_LOST_CONNECTION);
	excuses_free(excuses);
}

static void a_cut_of_what_has_ended_by_itself_excuses_nothing(void)
{
	uint64_t converged_ns = FB_NEVER;
	const struct excuses_ops ops = {
	        .late_buffer = late_buffer, .converged_at = must_converge_at, .ctx = &converged_ns};
	const struct scenario sc = {.switches_count = 1};
	struct excuses *excuses = excuses_new(&sc, &ops);
	const struct fault cut = fault_make(FAULT_CONTROL_CUT);
	struct excuses_violation violation = {.property = NO_LOST_BUFFERS, .kept_ns = 5};

	excuses_connected(excuses, 1, 0);
	excuses_closed(excuses, 10, 0, CHANNEL_CONTROLLER);
	excuses_fault(excuses, 20, &cut, true);
	excuses_changed(excuses, 20, NETWORK_CONTROL, 0, false);
	excuses_closed(excuses, 21, 0, CHANNEL_SWITCH);
	excuses_connected(excuses, 30, 0);
	CU_ASSERT_EQUAL(excuses_find(excuses, &violation), EXCUSE_ROWS);
	/* The next one ends by that, and no buffer of the first is older than it. */
	excuses_fault(excuses, 40, &cut, true);
	excuses_closed(excuses, 41, 0, CHANNEL_SWITCH);
	CU_ASSERT_EQUAL(excuses_find(excuses, &violation), EXCUSE_BUFFER_OF_LOST_CONNECTION);
	excuses_free(excuses);
}

/* What held a connection up excuses its end only where that was why nothing was heard. */
static void a_hold_that_was_over_when_the_silence_began_excuses_no_end(void)
{
	uint64_t converged_ns = FB_NEVER;
	const struct excuses_ops ops = {
	        .late_buffer = late_buffer, .converged_at = must_converge_at, .ctx = &converged_ns};
	const struct scenario sc = {.switches_count = 1};
	struct excuses *excuses = excuses_new(&sc, &ops);
	const struct fault delay = fault_make(FAULT_CONTROL_DELAY);
	uint8_t echo[8] = {OFP_VERSION, OFPT_ECHO_REPLY, 0, sizeof echo};
	struct excuses_violation violation = {.property = NO_LOST_BUFFERS};

	excuses_connected(excuses, 1, 0);
	excuses_fault(excuses, 10, &delay, true);
	excuses_fault(excuses, 20, &delay, false);
	excuses_message(excuses, 21, 0, CHANNEL_CONTROLLER, echo, sizeof echo);
	excuses_closed(excuses, 30, 0, CHANNEL_SWITCH);
	violation.kept_ns = 29;
	CU_ASSERT_EQUAL(excuses_find(excuses, &violation), EXCUSE_ROWS);
	/* The switch heard nothing in all that time. */
	excuses_closed(excuses, 40, 0, CHANNEL_CONTROLLER);
	violation.kept_ns = 39;
	CU_ASSERT_EQUAL(excuses_find(excuses, &violation), EXCUSE_BUFFER_OF_LOST_CONNECTION);
	/* After the network had converged that is no reason. */
	excuses_connected(excuses, 50, 0);
	excuses_fault(excuses, 60, &delay, true);
	excuses_fault(excuses, 70, &delay, false);
	converged_ns = 80;
	excuses_closed(excuses, 80, 0, CHANNEL_CONTROLLER);
	violation.kept_ns = 79;
	CU_ASSERT_EQUAL(excuses_find(excuses, &violation), EXCUSE_ROWS);
	excuses_free(excuses);
}

/* A slow switch keeps answers in mind; the second one to a buffer that did not expire is wrong. */
static void an_error_about_a_buffer_of_this_connection_has_no_excuse(void)
{
	uint64_t converged_ns = 0;
	const struct excuses_ops ops = {
	        .late_buffer = late_buffer, .converged_at = must_converge_at, .ctx = &converged_ns};
	const struct scenario sc = {.switches_count = 1};
	struct excuses *excuses = excuses_new(&sc, &ops);
	const struct fault slow = fault_make(FAULT_SLOW_FLOW_MODS);
	uint8_t in[18] = {OFP_VERSION, OFPT_PACKET_IN, 0, sizeof in};
	uint8_t out[16] = {OFP_VERSION, OFPT_PACKET_OUT, 0, sizeof out};
	uint8_t error[12 + sizeof out] = {OFP_VERSION, OFPT_ERROR, 0, sizeof error};
	const struct excuses_violation violation = {
	        .property = NO_OF_ERRORS, .error = error, .error_len = sizeof error};

	in[11] = out[11] = 7;
	error[9] = OFPET_BAD_REQUEST;
	error[11] = OFPBRC_BUFFER_EMPTY;
	memcpy(error + 12, out, sizeof out);
	excuses_connected(excuses, 1, 0);
	excuses_message(excuses, 2, 0, CHANNEL_CONTROLLER, in, sizeof in);
	excuses_fault(excuses, 3, &slow, true);
	excuses_message(excuses, 4, 0, CHANNEL_SWITCH, out, sizeof out);
	excuses_message(excuses, 5, 0, CHANNEL_SWITCH, out, sizeof out);
	CU_ASSERT_EQUAL(excuses_find(excuses, &violation), EXCUSE_ROWS);
	excuses_changed(excuses, 6, NETWORK_CONTROL, 0, false);
	excuses_closed(excuses, 6, 0, CHANNEL_SWITCH);
	CU_ASSERT_EQUAL(excuses_find(excuses, &violation), EXCUSE_ERROR_OF_LOST_CONNECTION);
	excuses_free(excuses);
}

UNIT_TESTS("excuses", UNIT_TEST(a_frame_that_a_link_doubled_may_come_twice_and_no_other),
           UNIT_TEST(a_frame_that_a_link_changed_and_doubled_may_come_twice),
           UNIT_TEST(a_copy_that_a_link_makes_for_a_host_excuses_nothing_behind_it),
           UNIT_TEST(the_buffer_of_a_lost_packet_in_is_excused),
           UNIT_TEST(the_buffers_of_a_connection_that_was_cut_are_excused),
           UNIT_TEST(a_connection_that_nothing_ended_excuses_no_buffers),
           UNIT_TEST(an_answer_that_is_held_up_is_excused_if_it_comes),
           UNIT_TEST(a_full_table_is_excused_where_a_fault_filled_it),
           UNIT_TEST(an_error_about_a_buffer_of_a_lost_connection_is_excused),
           UNIT_TEST(the_checksum_of_a_frame_that_was_changed_is_excused),
           UNIT_TEST(the_datagram_of_a_fragment_that_was_changed_is_excused),
           UNIT_TEST(a_flow_mod_that_a_switch_never_did_is_excused_and_no_other),
           UNIT_TEST(every_row_says_what_it_excuses),
           UNIT_TEST(an_error_about_a_buffer_of_this_connection_has_no_excuse),
           UNIT_TEST(a_hold_that_was_over_when_the_silence_began_excuses_no_end),
           UNIT_TEST(nothing_that_happens_after_the_network_must_have_converged_is_excused),
           UNIT_TEST(a_cut_of_what_has_ended_by_itself_excuses_nothing))
