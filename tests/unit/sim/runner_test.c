/* Runs of scenarios: when expectations hold, when runs end, and that they repeat. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/runner.h"
#include "tests/unit/harness.h"

static struct runner_result result;

static void run_seed(const char *text, uint64_t seed, bool keep)
{
	struct problems problems;
	struct scenario *sc;
	const struct runner_options options = {.seed = seed, .keep = keep};

	problems_init(&problems);
	sc = scenario_load_text(text, strlen(text), "test.yaml", NULL, NULL, &problems);
	problems_print(&problems, "# test.yaml", stdout);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	runner_run(sc, &options, &result);
	scenario_free(sc);
	problems_destroy(&problems);
}

static void holds(const char *text)
{
	run_seed(text, 1, false);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	failures_print(&result.failures, "# test.yaml", stdout);
	runner_result_destroy(&result);
}

/* The run must fail once, at that line and second, with 'part' in what happened. */
static void fails(const char *text, unsigned line, uint64_t second, const char *part)
{
	run_seed(text, 1, true);
	CU_ASSERT_EQUAL_FATAL(result.failures.total, 1);
	CU_ASSERT_EQUAL(result.failures.items[0].at.line, line);
	CU_ASSERT_EQUAL(result.failures.items[0].time_ns / FB_NS_PER_S, second);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.failures.items[0].happened, part));
	if (!strstr(result.failures.items[0].happened, part))
		failures_print(&result.failures, "# test.yaml", stdout);
	runner_result_destroy(&result);
}

/* Two hosts on a wire that takes 3 s, one way: what is sent arrives when its sender has long gone
 * on. */
#define SLOW_WIRE                                                                                  \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"                                  \
	"links: [{between: h1 -- h2, delay: 3s}]\nsteps:\n"                                        \
	"  - arp: {from: h1, gratuitous: yes}\n"

#define SWITCHED                                                                                   \
	"controller: learning\nswitches: {s1: {}}\n"                                               \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"                                  \
	"links: [h1 -- s1, h2 -- s1]\nsteps:\n"

static void a_lower_bound_is_waited_for(void)
{
	holds(SLOW_WIRE "  - expect: {frames: {at: h2, count: {at_least: 1}}, within: 4s}\n");
	fails(SLOW_WIRE "  - expect: {frames: {at: h2, count: {at_least: 1}}, within: 2s}\n", 5, 2,
	      "0, when its time was over");
	fails(SLOW_WIRE "  - expect: {frames: {at: h2, count: {at_least: 2}}}\n", 5, 10,
	      "1, when its time was over");
}

static void an_upper_bound_is_judged_once_the_network_is_quiet(void)
{
	fails(SLOW_WIRE "  - expect: {frames: {at: h2, count: never}}\n", 5, 4,
	      "1, once the network was quiet");
	holds(SLOW_WIRE "  - expect: {frames: {at: h2, count: {at_most: 1}}}\n");
}

static void an_exact_count_is_waited_for_and_judged_when_quiet(void)
{
	holds(SLOW_WIRE "  - expect: {frames: {at: h2, count: 1}}\n");
	fails(SLOW_WIRE "  - arp: {from: h1, gratuitous: yes}\n"
	                "  - expect: {frames: {at: h2, count: 1}}\n",
	      6, 4, "2, once the network was quiet");
}

static void an_upper_bound_must_hold_again_at_the_end(void)
{
	static const char text[] = SWITCHED "  - ping: {from: h1, to: h2}\n"
	                                    "  - expect: {packet_ins: {at_most: 3}}\n"
	                                    "  - wait: 65s\n  - ping: {from: h2, to: h1}\n";

	fails(text, 7, 67, "at the end of the run");
	holds(SWITCHED "  - ping: {from: h1, to: h2}\n"
	               "  - expect: {packet_ins: {at_most: 3}, at_end: no}\n"
	               "  - wait: 65s\n  - ping: {from: h2, to: h1}\n");
}

static void entries_are_judged_at_their_step(void)
{
	holds(SWITCHED "  - ping: {from: h1, to: h2}\n  - expect: {flows: {count: 2}}\n"
	               "  - wait: 65s\n  - expect: {flows: {count: 0}}\n");
	fails(SWITCHED "  - ping: {from: h1, to: h2}\n"
	               "  - expect: {flows: {count: 2}, at_end: yes}\n  - wait: 65s\n",
	      7, 66, "0, at the end of the run");
}

static void counts_start_at_the_mark(void)
{
	holds(SWITCHED "  - ping: {from: h1, to: h2}\n  - mark: here\n"
	               "  - ping: {from: h1, to: h2}\n"
	               "  - expect: {since: here, packet_ins: 0}\n"
	               "  - expect: {packet_ins: 3}\n");
}

static void a_run_ends_at_the_first_quiet_moment(void)
{
	run_seed(SLOW_WIRE, 1, false);
	CU_ASSERT_EQUAL(result.now_ns / FB_NS_PER_MS, 4000);
	runner_result_destroy(&result);
	/* A client that still tries is not quiet: SYNs at 1, 3 and 7 s, as long as the step waits.
	 */
	run_seed(SWITCHED "  - tcp: {from: h1, to: 10.0.0.9:22, timeout: 5s, "
	                  "expect: {outcome: any}}\n",
	         1, false);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	CU_ASSERT_TRUE(result.now_ns >= 4 * FB_NS_PER_S);
	runner_result_destroy(&result);
}

static void a_host_that_waits_is_not_quiet(void)
{
	/* The datagram is sent, as far as its step goes; ARP asks at 0, 1 and 2 s and gives up at 3
	 * s. */
	run_seed("hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\nlinks: [h1 -- h2]\n"
	         "steps:\n  - udp: {from: h1, to: 10.0.0.9:7}\n",
	         1, false);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	CU_ASSERT_EQUAL(result.now_ns / FB_NS_PER_MS, 4000);
	runner_result_destroy(&result);
}

static void the_pauses_between_retransmissions_are_not_quiet(void)
{
	/* The client is gone and the link down: the server tries again and again, at last every two
	 * minutes. */
	run_seed("hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\nlinks: [h1 -- h2]\n"
	         "steps:\n  - parallel:\n"
	         "      - tcp: {from: h1, to: h2:7, send: 1GB, timeout: 1s, expect: {outcome: "
	         "any}}\n"
	         "      - steps: [wait: 20ms, link: {down: h1 -- h2}]\n",
	         1, false);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	CU_ASSERT_TRUE(result.now_ns > 300 * FB_NS_PER_S);
	runner_result_destroy(&result);
}

static void errors_of_switches_are_counted(void)
{
	holds("properties: {no_of_errors: no}\ncontroller: learning\nswitches: {s1: {entries: 1}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\nlinks: [h1 -- s1, h2 -- s1]\n"
	      "steps:\n  - ping: {from: h1, to: h2, expect: {outcome: any}}\n"
	      "  - expect: {errors: {at_least: 1}}\n");
}

static void a_run_that_is_not_over_at_its_end_has_failed(void)
{
	fails("end: 2s\n" SLOW_WIRE, 5, 2, "frames on h1 -- h2");
	fails("end: 5s\n" SWITCHED "  - ping: {from: h1, to: h2, count: 100}\n", 7, 5,
	      "it still goes on");
	/* The server goes down after it acknowledged: nothing is left that could end the wait. */
	fails("end: 1min\nhosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\nlinks: [h1 -- h2]\n"
	      "faults: {at: [{at: 1s, host_down: {host: h2}}]}\nsteps:\n"
	      "  - tcp: {from: h1, to: h2:7, pause: 0s, keep_open: yes, send: 1MB, expect: {outcome: any}}\n",
	      6, 60, "h1 waits for an answer (where none may come, the step needs a timeout)");
}

static void convergence_is_not_waited_for_where_the_end_comes_first_and_no_fault_was_there(void)
{
	static const char rest[] = "  - ping: {from: h1, to: h2}\n  - link: {down: h1 -- s1}\n"
	                           "  - link: {up: h1 -- s1}\n  - ping: {from: h1, to: h2}\n";
	char text[1000];

	snprintf(text, sizeof text, "end: 3s\n" SWITCHED "%s", rest);
	holds(text);
	/* With the time for it the run waits. */
	snprintf(text, sizeof text, "end: 7s\n" SWITCHED "%s", rest);
	run_seed(text, 1, false);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	CU_ASSERT_TRUE(result.now_ns > 5 * FB_NS_PER_S);
	runner_result_destroy(&result);
	/* A fault must be over, and the network as it was. */
	snprintf(text, sizeof text, "end: 3s\n" SWITCHED "%s  - fault: {gratuitous_arp: {host: h1}}\n",
	         rest);
	fails(text, 11, 3, "it still goes on: it waits until the network has converged, at 5.0");
}

static void what_waits_for_convergence_at_the_end_says_so(void)
{
	fails("end: 3s\n" SWITCHED "  - link: {down: h1 -- s1}\n  - wait: converged\n", 8, 3,
	      "it still goes on: it waits until the network has converged, at 5.0");
	/* Not what waited before. */
	fails("end: 8s\n" SWITCHED "  - link: {down: h1 -- s1}\n  - wait: converged\n  - wait: 7s\n", 9,
	      8, "it still goes on: this step had not ended");
}

static void a_request_that_ends_otherwise_fails_its_step(void)
{
	fails(SWITCHED "  - tcp: {from: h1, to: h2:23}\n", 6, 0, "refused after");
	fails(SWITCHED "  - tcp: {from: h1, to: h2:22, expect: {outcome: refused}}\n", 6, 0, "ok");
	fails(SWITCHED "  - tcp: {from: h1, to: h2:22, expect: {reply: h3}}\n", 6, 0, "'h2'");
	fails(SWITCHED "  - ping: {from: h1, to: 10.0.0.77}\n", 6, 1, "0 answered");
	fails(SWITCHED "  - arp: {from: h1, to: h2, expect: {mac: '02:00:00:00:00:03'}}\n", 6, 0,
	      "02:00:00:00:00:02");
	fails(SWITCHED "  - udp: {from: h1, to: h2:7, send: a, expect: {reply: b}}\n", 6, 0, "'a'");
}

static void replies_that_do_not_alternate_fail(void)
{
	fails(SWITCHED "  - repeat: 4\n"
	               "    tcp: {from: h1, to: h2:22, expect: {replies: [h2, h3], order: "
	               "alternating}}\n",
	      7, 0, "request 2, from h1");
	holds(SWITCHED
	      "  - repeat: 2\n"
	      "    tcp: {from: h1, to: h2:22, expect: {replies: [h2, h2], order: exact}}\n");
}

static void a_failure_tells_what_led_to_it(void)
{
	run_seed(SWITCHED "  - ping: {from: h1, to: h2}\n"
	                  "  - tcp: {from: h2, to: h1:23}\n",
	         1, true);
	CU_ASSERT_EQUAL_FATAL(result.failures.count, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(result.failures.items[0].story);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.failures.items[0].story, "10.0.0.1.23 > 10.0.0.2"));
	CU_ASSERT_PTR_NULL(strstr(result.failures.items[0].story, "icmp"));
	runner_result_destroy(&result);
}

static void the_icmp_error_that_refused_a_datagram_is_in_the_story(void)
{
	run_seed(SWITCHED "  - udp: {from: h1, to: h2:9999, send: abc, expect: {reply: abc}}\n", 1,
	         true);
	CU_ASSERT_EQUAL_FATAL(result.failures.count, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(result.failures.items[0].story);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.failures.items[0].story, "icmp port unreachable"));
	runner_result_destroy(&result);
}

static void the_story_follows_a_frame_through_the_controller(void)
{
	run_seed("controller: hub\nswitches: {s1: {}}\n"
	         "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\nlinks: [h1 -- s1, h2 -- "
	         "s1]\n"
	         "steps:\n  - tcp: {from: h2, to: h1:23}\n",
	         1, true);
	CU_ASSERT_EQUAL_FATAL(result.failures.count, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(result.failures.items[0].story);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.failures.items[0].story, "PACKET_IN"));
	/* The packet-out that releases it holds no byte of it, only the number of the buffer. */
	CU_ASSERT_PTR_NOT_NULL(strstr(result.failures.items[0].story, "PACKET_OUT"));
	runner_result_destroy(&result);
}

/* s1 goes standalone a second after its controller went, s2 stays secure. */
#define LOST                                                                                       \
	"controller: learning\n"                                                                   \
	"switches: {s1: {fail_mode: standalone, max_attempts: 1}, s2: {}}\n"                       \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"                                  \
	"links: [h1 -- s1, h2 -- s1, s1 -- s2]\n"                                                  \
	"steps:\n  - controller: down\n  - wait: 3s\n"

static void the_fail_mode_is_in_the_story_however_many_frames_follow(void)
{
	const char *story;

	run_seed(LOST "  - ping: {from: h1, to: h2, count: 30}\n"
	              "  - ping: {from: h1, to: h2, expect: {answered: 0}}\n",
	         1, true);
	CU_ASSERT_EQUAL_FATAL(result.failures.count, 1);
	story = result.failures.items[0].story;
	CU_ASSERT_PTR_NOT_NULL_FATAL(story);
	CU_ASSERT_PTR_NOT_NULL(strstr(story, "as by a learning switch"));
	CU_ASSERT_TRUE(strstr(story, "as by a learning switch") < strstr(story, "icmp"));
	CU_ASSERT_PTR_NOT_NULL(strstr(story, "icmp echo reply"));
	runner_result_destroy(&result);
	run_seed(LOST "  - expect: {packet_ins: {s2: {at_least: 1}}}\n", 1, true);
	CU_ASSERT_EQUAL_FATAL(result.failures.count, 1);
	CU_ASSERT_PTR_NULL(result.failures.items[0].story);
	runner_result_destroy(&result);
}

/* What a run of 'text' tells people; freed by the caller. */
static char *summary_of(const char *text)
{
	struct runner_options options = {.seed = 1};
	struct problems problems;
	struct scenario *sc;
	char *summary = NULL;
	size_t len;

	problems_init(&problems);
	sc = scenario_load_text(text, strlen(text), "test.yaml", NULL, NULL, &problems);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	options.summary = open_memstream(&summary, &len);
	runner_run(sc, &options, &result);
	fclose(options.summary);
	runner_result_destroy(&result);
	scenario_free(sc);
	problems_destroy(&problems);
	return summary;
}

static void the_report_tells_when_fail_modes_begin_and_end(void)
{
	char *summary = summary_of(LOST "  - parallel: [{controller: down}]\n"
	                                "  - controller: up\n  - wait: 10s\n");

	CU_ASSERT_PTR_NOT_NULL(
	        strstr(summary, "\n  s1 can reach no controller and goes standalone at 1.00"));
	CU_ASSERT_PTR_NOT_NULL(strstr(summary, "\n  controller is down already at 3.00"));
	CU_ASSERT_PTR_NOT_NULL(strstr(summary, "\n  s1 has a controller again at "));
	CU_ASSERT_PTR_NULL(strstr(summary, "s2 "));
	free(summary);
}

static void of_many_fail_modes_at_once_the_report_tells_some(void)
{
	char text[2000] = "controller: hub\nswitches:\n", *summary;

	for (unsigned i = 1; i <= 25; i++)
		snprintf(text + strlen(text), 70,
		         "  s%u: {fail_mode: emergency, max_attempts: 1}\n", i);
	strcat(text, "hosts: {h1: {ip: 10.0.0.1/24}}\nlinks: [h1 -- s1]\n"
	             "steps:\n  - controller: down\n  - wait: 3s\n");
	summary = summary_of(text);
	CU_ASSERT_PTR_NOT_NULL(strstr(summary, "s20 can reach no controller and goes into"));
	CU_ASSERT_PTR_NULL(strstr(summary, "s21 "));
	CU_ASSERT_PTR_NOT_NULL(strstr(summary, "\n  and 5 more\n"));
	free(summary);
}

static void parallel_steps_run_at_once_and_groups_in_order(void)
{
	holds("hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\nlinks: [h1 -- h2]\n"
	      "end: 3s\nsteps:\n  - parallel:\n      - {wait: 1s, repeat: 9}\n"
	      "      - steps: [wait: 500ms, wait: 400ms]\n");
	fails("hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\nlinks: [h1 -- h2]\n"
	      "end: 3s\nsteps:\n  - repeat: 4\n    steps: [wait: 500ms, wait: 500ms]\n",
	      6, 3, "it still goes on");
}

static void the_same_seed_gives_the_same_run(void)
{
	static const char text[] =
	        SWITCHED "  - tcp: {from: h1, to: h2:7, send: 100kB, expect: {intact: yes}}\n"
	                 "  - ping: {from: h2, to: h1}\n";
	char first[DIGEST_TEXT_BYTES];

	run_seed(text, 5, false);
	strcpy(first, result.digest);
	runner_result_destroy(&result);
	/* Being watched changes nothing. */
	run_seed(text, 5, true);
	CU_ASSERT_STRING_EQUAL(result.digest, first);
	runner_result_destroy(&result);
	run_seed(text, 6, false);
	CU_ASSERT_STRING_NOT_EQUAL(result.digest, first);
	runner_result_destroy(&result);
}

static void the_digest_covers_frames_and_messages(void)
{
#define DATAGRAM                                                                                   \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\nlinks: [h1 -- h2]\n"               \
	"steps:\n  - udp: {from: h1, to: h2:99, send: "
	char first[DIGEST_TEXT_BYTES];

	run_seed(DATAGRAM "one}\n", 1, false);
	strcpy(first, result.digest);
	runner_result_destroy(&result);
	run_seed(DATAGRAM "two}\n", 1, false);
	CU_ASSERT_STRING_NOT_EQUAL(result.digest, first);
	runner_result_destroy(&result);
	/* No frame at all: the seed cuts the messages at other places. */
	run_seed(SWITCHED "  - wait: 1s\n", 1, false);
	CU_ASSERT_EQUAL(result.frames, 0);
	strcpy(first, result.digest);
	runner_result_destroy(&result);
	run_seed(SWITCHED "  - wait: 1s\n", 2, false);
	CU_ASSERT_STRING_NOT_EQUAL(result.digest, first);
	runner_result_destroy(&result);
}

static void another_link_changes_nothing_elsewhere(void)
{
#define LOSSY       "  h1: {ip: 10.0.0.1/24}\n  h2: {ip: 10.0.0.2/24}\n"
#define LOSSY_STEPS "steps:\n  - tcp: {from: h1, to: h2:7, send: 300kB, expect: {intact: yes}}\n"
	uint64_t now_ns, frames;

	run_seed("hosts:\n" LOSSY
	         "links:\n  - {between: h1 -- h2, loss: 5%, reorder: 5%}\n" LOSSY_STEPS,
	         9, false);
	now_ns = result.now_ns;
	frames = result.frames;
	CU_ASSERT_EQUAL(result.failures.total, 0);
	runner_result_destroy(&result);
	run_seed("hosts:\n  h0: {ip: 10.0.1.1/24, mac: '02:00:00:00:01:00'}\n"
	         "  h3: {ip: 10.0.1.2/24, mac: '02:00:00:00:01:01'}\n" LOSSY
	         "links:\n  - h0 -- h3\n  - {between: h1 -- h2, loss: 5%, reorder: "
	         "5%}\n" LOSSY_STEPS,
	         9, false);
	CU_ASSERT_EQUAL(result.now_ns, now_ns);
	CU_ASSERT_EQUAL(result.frames, frames);
	runner_result_destroy(&result);
}

static void a_switch_without_its_controller_fails_clearly(void)
{
	fails("controller: {apps: hub, delay: 20s}\nswitches: {s1: {}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}}\nlinks: [h1 -- s1]\nsteps: [{wait: 1s}]\n",
	      1, 30, "0 of 1 had joined");
}

/* --- Controllers that go --- */

static void counts_go_on_when_the_controller_begins_anew(void)
{
	holds(SWITCHED "  - ping: {from: h1, to: h2}\n"
	               "  - expect: {flow_mods: 4, counters: {learning.learned: 2}, at_end: no}\n"
	               "  - controller: down\n  - wait: 100ms\n"
	               "  - expect: {flow_mods: 4, counters: {learning.learned: 2}, at_end: no}\n"
	               "  - controller: up\n  - wait: 1s\n"
	               "  - arp: {from: h2, gratuitous: yes}\n"
	               "  - expect: {flow_mods: 6, counters: {learning.learned: {at_least: 3}}}\n");
}

static void a_switch_that_looks_for_its_controller_is_quiet(void)
{
	/* Attempts after 1, 3, 7, 15, 23, ... seconds; the run ends after one. */
	run_seed(SWITCHED "  - controller: down\nfaults: {converge: 0}\n", 1, false);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	CU_ASSERT_EQUAL(result.now_ns / FB_NS_PER_S, 1);
	runner_result_destroy(&result);
	holds(SWITCHED "  - controller: down\n  - wait: 10s\n"
	               "  - expect: {frames: {at: h1, count: never}}\n");
}

static void echoes_keep_no_network_from_being_quiet(void)
{
	run_seed("controller: {apps: learning, echo_idle: 300ms}\n"
	         "switches: {s1: {echo_idle: 100ms, delay: 5ms}}\n"
	         "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	         "links: [h1 -- s1, h2 -- s1]\nsteps:\n"
	         "  - ping: {from: h1, to: h2}\n  - expect: {packet_ins: {at_most: 3}}\n",
	         1, false);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	CU_ASSERT_EQUAL(result.now_ns / FB_NS_PER_S, 1);
	runner_result_destroy(&result);
}

static void the_back_off_grows_and_begins_anew(void)
{
	/* Attempts at 1 and 3 s have failed; the next is at 7 s, and those after it a second after
	 * the end of a good connection. Each join has two flow-mods. */
	static const char begin[] = SWITCHED "  - controller: down\n  - wait: 6s\n"
	                                     "  - controller: up\n";
	char text[800];

	snprintf(text, sizeof text, "%s%s", begin,
	         "  - wait: 1010ms\n  - expect: {flow_mods: {at_least: 4}, within: 1ms}\n"
	         "  - control: {down: s1}\n  - control: {up: s1}\n  - wait: 1010ms\n"
	         "  - expect: {flow_mods: {at_least: 6}, within: 1ms}\n");
	holds(text);
	snprintf(text, sizeof text, "%s%s", begin,
	         "  - wait: 990ms\n  - expect: {flow_mods: {at_least: 4}, within: 1ms}\n");
	fails(text, 10, 6, "2, when its time was over");
}

static void steps_that_change_nothing_change_nothing(void)
{
	char digest[DIGEST_TEXT_BYTES];

	run_seed(SWITCHED "  - wait: 10ms\n  - ping: {from: h1, to: h2}\n", 1, false);
	strcpy(digest, result.digest);
	runner_result_destroy(&result);
	run_seed(SWITCHED "  - wait: 10ms\n"
	                  "  - parallel: [{controller: up}, {control: {up: s1}}]\n"
	                  "  - ping: {from: h1, to: h2}\n",
	         1, false);
	CU_ASSERT_STRING_EQUAL(result.digest, digest);
	runner_result_destroy(&result);
}

static void a_controller_may_go_while_messages_are_under_way(void)
{
	/* At every 50 us of a ping through packet-ins, and of the join after it. */
	for (unsigned us = 0; us < 2000; us += 50) {
		char text[800];

		snprintf(text, sizeof text,
		         SWITCHED "  - parallel:\n"
		                  "      - ping: {from: h1, to: h2, expect: {outcome: any}}\n"
		                  "      - steps: [wait: %uus, controller: down, wait: 3us, "
		                  "controller: up, wait: 1s, wait: %uus, control: {down: s1}]\n"
		                  "  - control: {up: s1}\n  - wait: 2010ms\n"
		                  "  - ping: {from: h2, to: h1}\n",
		         us + 1, us + 1);
		run_seed(text, 1, false);
		CU_ASSERT_EQUAL(result.failures.total, 0);
		runner_result_destroy(&result);
	}
}

static void all_is_waited_for(void)
{
	/* The next attempt is at 7 s. */
	run_seed(SWITCHED "  - controller: down\n  - wait: 6s\n  - controller: up\n"
	                  "  - wait: ready\n"
	                  "  - expect: {flow_mods: {at_least: 4}, within: 1us}\n"
	                  "  - wait: ready\n  - wait: ready\nfaults: {converge: 0}\n",
	         1, false);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	CU_ASSERT_EQUAL(result.now_ns / FB_NS_PER_S, 8);
	runner_result_destroy(&result);
	/* What has no power or no channel is not waited for. */
	holds("controller: learning\nswitches: {s1: {}, s2: {}, s3: {}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}}\nlinks: [h1 -- s1, s1 -- s2, s2 -- s3]\nsteps:\n"
	      "  - switch: {down: s2}\n  - control: {down: s3}\n  - controller: down\n"
	      "  - controller: up\n  - wait: ready\n  - expect: {flow_mods: {at_least: 8}, within: "
	      "0}\n");
	/* It is given up. */
	fails(SWITCHED "  - parallel: [controller: down]\n  - wait: ready\n  - wait: 1s\n", 7, 30,
	      "the controller was down for 30 s");
	fails("controller: {apps: hub, delay: 5s, handshake_timeout: 60s}\n"
	      "switches: {s1: {handshake_timeout: 60s, backoff: [20s, 20s]}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}}\nlinks: [h1 -- s1]\nsteps:\n"
	      "  - control: {down: s1}\n  - control: {up: s1}\n  - wait: ready\n",
	      8, 50, "0 of 1 had joined");
	/* In a group. */
	holds(SWITCHED "  - repeat: 3\n    steps:\n"
	               "      - parallel: [controller: down, wait: 1s]\n      - controller: up\n"
	               "      - parallel: [wait: ready, wait: ready, ping: {from: h1, to: h2, "
	               "expect: {outcome: any}}]\n"
	               "      - ping: {from: h1, to: h2}\n");
}

/* --- Power and moves --- */

#define ROW                                                                                        \
	"controller: learning\nswitches: {s1: {}, s2: {}}\n"                                       \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}, h3: {ip: 10.0.0.3/24}}\n"           \
	"links: [h1 -- s1:1, h2 -- s1:2, h3 -- s2:1, s1:9 -- s2:9]\nsteps:\n"

static void a_host_moves_to_a_free_port(void)
{
	char *summary;

	holds(ROW "  - ping: {from: h1, to: h2}\n"
	          "  - move: {host: h1, to: \"s2:5\", announce: yes}\n  - mark: moved\n"
	          "  - ping: {from: h1, to: h3}\n  - ping: {from: h2, to: h1}\n"
	          "  - expect: {since: moved, frames: [{at: \"s1:9\", filter: icmp, count: 1}, "
	          "{on: h1 -- s1, filter: icmp, count: 4}], at_end: no}\n"
	          "  - expect: {flows: {switch: s2, match: in_port=5, count: {at_least: 2}}}\n"
	          /* And back. */
	          "  - move: {host: h1, to: \"s1:1\", announce: yes}\n  - mark: back\n"
	          "  - ping: {from: h1, to: h2}\n"
	          "  - expect: {since: back, frames: {at: \"s1:9\", filter: icmp, count: never}}\n"
	          "  - expect: {flows: {switch: s2, match: in_port=5, count: 0}}\n");
	summary = summary_of(ROW "  - move: {host: h1, to: \"s2:5\", after: 3s}\n"
	                         "  - move: {host: h1, to: \"s2:5\"}\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(summary, "\n  host h1 moves from s1:1 to s2:5 at 0.00"));
	CU_ASSERT_PTR_NOT_NULL(strstr(summary, "\n  host h1 is at s2:5 already at 3.00"));
	free(summary);
	/* It says nothing of it unless it is to, and a move to where it is is none. */
	run_seed(ROW "  - move: {host: h1, to: \"s2:5\"}\n"
	             "  - move: {host: h1, to: \"s2:5\", after: 20s}\n"
	             "  - expect: {frames: {on: h1 -- s1, count: never}}\n",
	         1, false);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	CU_ASSERT_TRUE(result.now_ns < 20 * FB_NS_PER_S);
	runner_result_destroy(&result);
}

static void what_is_under_way_to_a_host_that_moves_is_lost(void)
{
	holds(ROW
	      "  - parallel:\n"
	      "      - tcp: {from: h1, to: h2:7, send: 3MB, expect: {intact: yes}}\n"
	      "      - steps: [wait: 10ms, move: {host: h1, to: \"s2:5\", after: 100ms, announce: "
	      "yes}]\n");
	holds(ROW "  - parallel:\n"
	          "      - ping: {from: h3, to: h1, count: 10, interval: 10ms, expect: {answered: "
	          "8}}\n"
	          "      - steps: [wait: 45ms, move: {host: h1, to: \"s2:5\", after: 20ms, "
	          "announce: yes}]\n");
	/* The same one, twice at a time. */
	holds(ROW "  - parallel:\n      - move: {host: h1, to: \"s2:5\", after: 3ms}\n"
	          "      - move: {host: h1, to: \"s1:5\", after: 5ms}\n"
	          "  - ping: {from: h1, to: h3}\n"
	          "  - expect: {flows: {switch: s1, match: in_port=5, count: {at_least: 1}}}\n");
}

static void a_free_port_is_there_before_anybody_comes(void)
{
	holds("switches: {s1: {flows: [\"in_port=1,actions=output:2\", "
	      "\"in_port=2,actions=output:5\", "
	      "\"in_port=5,actions=output:2\"]}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	      "links: [h1 -- s1:1, h2 -- s1:2]\nsteps:\n"
	      "  - ping: {from: h1, to: h2, expect: {answered: 0}}\n"
	      "  - move: {host: h1, to: \"s1:5\"}\n  - ping: {from: h1, to: h2}\n");
}

static void the_story_names_the_port_that_it_was_then(void)
{
	const char *story;

	run_seed("switches: {s1: {fail_mode: standalone}, s2: {flows: [\"in_port=9,actions=5\"]}}\n"
	         "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	         "links: [h1 -- s1:1, h2 -- s1:2, s1:9 -- s2:9]\nsteps:\n"
	         "  - arp: {from: h1, gratuitous: yes}\n  - move: {host: h1, to: \"s2:5\"}\n"
	         "  - arp: {from: h1, to: h2}\n",
	         1, true);
	CU_ASSERT_EQUAL_FATAL(result.failures.count, 1);
	story = result.failures.items[0].story;
	CU_ASSERT_PTR_NOT_NULL_FATAL(story);
	CU_ASSERT_PTR_NOT_NULL(strstr(story, "h1 > s1:1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(story, "h1 > s2:5"));
	CU_ASSERT_TRUE(strstr(story, "h1 > s1:1") < strstr(story, "h1 > s2:5"));
	runner_result_destroy(&result);
}

static void a_switch_goes_down_and_comes_up(void)
{
	char *summary;

	holds(ROW "  - ping: {from: h1, to: h3}\n  - switch: {down: s2}\n"
	          "  - ping: {from: h1, to: h3, expect: {answered: 0}}\n"
	          "  - ping: {from: h1, to: h2}\n"
	          "  - expect: {flows: {switch: s2, count: 0}}\n"
	          "  - switch: {up: s2}\n  - wait: ready\n  - ping: {from: h1, to: h3}\n");
	holds(ROW "  - switch: {restart: s2, after: 5s}\n  - wait: ready\n"
	          "  - ping: {from: h1, to: h3}\n");
	summary = summary_of(ROW "  - switch: {restart: s2, after: 5s}\n  - switch: {up: s2}\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(summary, "\n  switch s2 goes down at 0.00"));
	CU_ASSERT_PTR_NOT_NULL(strstr(summary, "\n  switch s2 goes up at 5.00"));
	CU_ASSERT_PTR_NOT_NULL(strstr(summary, "\n  switch s2 is up already at 5.00"));
	free(summary);
}

/* --- Commands --- */

#define BALANCED                                                                                   \
	"controller: balancer\nswitches: {s1: {}}\n"                                               \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}, h3: {ip: 10.0.0.2/24}}\n"           \
	"links: [h1 -- s1, h2 -- s1, h3 -- s1]\nsteps:\n"                                          \
	"  - repeat: 2\n    tcp: {from: h1, to: 10.0.0.2:22}\n"

static void a_run_begins_when_the_controller_is_ready(void)
{
	/* It looks for links for a tenth of a second. */
	char *summary = summary_of(BALANCED "  - link: {down: h1 -- s1}\n");

	CU_ASSERT_PTR_NOT_NULL(strstr(summary, "\n  link h1 -- s1:1 goes down at 0.1"));
	free(summary);
}

static void discovery_keeps_no_run_from_being_quiet(void)
{
	/* Ten times a second, for ever. */
	run_seed("controller: [\"discovery,interval=100ms\", forwarding]\n"
	         "switches: {s1: {}, s2: {}}\n"
	         "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	         "links: [h1 -- s1, h2 -- s2, s1 -- s2]\nsteps:\n"
	         "  - arp: {from: h1, gratuitous: yes}\n"
	         "  - expect: {packet_ins: {at_most: 3}, packet_outs: {at_most: 3}, "
	         "frames: [{on: s1 -- s2, count: {at_most: 1}}, {at: h2, count: {at_most: 1}}]}\n",
	         1, false);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	CU_ASSERT_EQUAL(result.now_ns / FB_NS_PER_S, 1);
	CU_ASSERT_TRUE(result.lldp_frames > 30 && result.lldp_messages > 60);
	CU_ASSERT_EQUAL(result.properties_held, (1U << SCENARIO_PROPERTIES) - 1);
	runner_result_destroy(&result);
}

static void commands_reach_the_application(void)
{
	char *summary;

	/* The name of a host is its MAC address. */
	holds(BALANCED
	      "  - app: {name: balancer, command: \"drain 10.0.0.2 h2\"}\n"
	      "  - repeat: 2\n    tcp: {from: h1, to: 10.0.0.2:22, expect: {reply: h3}}\n"
	      "  - app: {name: balancer, command: \" undrain  10.0.0.2\t02:00:00:00:00:02\"}\n"
	      "  - app: {name: balancer, command: \"drain 10.0.0.2 h1\", expect: refused}\n"
	      "  - expect: {answered: {h2: 1, h3: 3}}\n");
	fails(BALANCED "  - app: {name: balancer, command: \"drain 10.0.0.2 h1\"}\n", 8, 0,
	      "refused: 02:00:00:00:00:01");
	fails(BALANCED
	      "  - app: {name: balancer, command: \"drain 10.0.0.2 h2\", expect: refused}\n",
	      8, 0, "ok: 02:00:00:00:00:02");
	fails(BALANCED "  - controller: down\n"
	               "  - app: {name: balancer, command: \"drain 10.0.0.2 h2\"}\n",
	      9, 0, "refused: the controller is down");
	summary =
	        summary_of(BALANCED "  - app: {name: balancer, command: \"drain 10.0.0.2 h2\"}\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(summary, "\n  balancer \"drain 10.0.0.2 h2\" at "));
	CU_ASSERT_PTR_NOT_NULL(strstr(summary, " s: ok, 02:00:00:00:00:02 of 10.0.0.2"));
	free(summary);
}

/* --- What the balancer knows --- */

static void backends_are_what_the_balancer_says(void)
{
	holds(BALANCED "  - expect:\n      backends:\n"
	               "        - {of: 10.0.0.2, count: 2, up: 2, drained: never}\n"
	               "        - {of: h3, host: h3, state: up, sessions: 1, weight: 1}\n"
	               "      sessions: 2\n"
	               "  - app: {name: balancer, command: \"drain 10.0.0.2 h3\"}\n"
	               "  - app: {name: balancer, command: \"weight 10.0.0.2 h2 7\"}\n"
	               "  - expect:\n      backends:\n"
	               "        - {of: 10.0.0.2, up: 1, drained: 1}\n"
	               "        - {of: 10.0.0.2, host: h3, state: [down, drained]}\n"
	               "        - {of: 10.0.0.2, host: h2, weight: {at_least: 7}}\n"
	               "      sessions: {live: 2, unanswered: 0}\n");
	fails(BALANCED "  - app: {name: balancer, command: \"drain 10.0.0.2 h3\"}\n"
	               "  - expect: {backends: {of: 10.0.0.2, up: 2}, within: 1s}\n",
	      9, 1, "1 (h2 up, h3 drained), when its time was over");
	fails(BALANCED "  - expect: {backends: {of: 10.0.0.2, up: {at_most: 1}}}\n", 8, 1,
	      "2 (h2 up, h3 up), once the network was quiet");
	fails(BALANCED "  - expect: {backends: {of: 10.0.0.2, host: h3, state: [drained, down]}, "
	               "within: 1s}\n",
	      8, 1, "h3 is up, when its time was over");
	fails(BALANCED "  - expect: {backends: {of: 10.0.0.2, host: h1, state: up}, within: 1s}\n",
	      8, 1, "h1 is no backend of it, when");
	fails(BALANCED "  - expect: {backends: {of: 10.0.0.9, up: 1}, within: 1s}\n", 8, 1,
	      "0 (there is none), when");
	fails(BALANCED "  - controller: down\n"
	               "  - expect: {sessions: {at_least: 1}, within: 1s}\n",
	      9, 1, "0, when its time was over");
}

static void a_backend_that_goes_is_waited_for(void)
{
	/* By itself it is noticed after some probes that nobody answers, 5 s apart. */
	holds(BALANCED "  - host: {down: h3}\n"
	               "  - expect: {backends: {of: 10.0.0.2, host: h3, state: none}, "
	               "within: 60s}\n"
	               "  - host: {up: h3}\n"
	               "  - expect: {backends: {of: 10.0.0.2, up: 2}, within: 60s}\n");
}

#define CLIENTS(scheduler)                                                                         \
	"controller: \"balancer,scheduler=" scheduler "\"\nswitches: {s1: {}}\n"                   \
	"hosts: {c1..c40: {ip: 10.0.0.1/24}, b1: {ip: 10.0.0.99/24}, b2: {ip: 10.0.0.99/24}, "     \
	"b3: {ip: 10.0.0.99/24}, b4: {ip: 10.0.0.99/24}}\n"                                        \
	"links: [c1..c40 -- s1, b1 -- s1, b2 -- s1, b3 -- s1, b4 -- s1]\nsteps:\n"                 \
	"  - arp: {from: b1..b4, gratuitous: yes}\n"                                               \
	"  - tcp: {from: c1..c40, to: \"10.0.0.99:22\"}\n"

static void replies_stay_where_they_are_to_stay(void)
{
	char *summary;

	holds(CLIENTS("source") "  - repeat: 2\n    tcp: {from: c1..c40, to: \"10.0.0.99:22\", "
	                        "expect: {sticky: yes, moved: never}}\n");
	run_seed(CLIENTS("rr") "  - tcp: {from: c40, to: \"10.0.0.99:22\"}\n"
	                       "  - tcp: {from: c1..c39, to: \"10.0.0.99:22\", expect: {sticky: "
	                       "yes}}\n"
	                       "  - tcp: {from: c1..c39, to: \"10.0.0.99:22\", expect: {moved: "
	                       "{at_most: 30}}}\n",
	         1, false);
	CU_ASSERT_TRUE(result.failures.total > 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.failures.items[0].expected, ", as before"));
	CU_ASSERT_PTR_NOT_NULL(strstr(result.failures.items[result.failures.count - 1].happened,
	                              " of the 39 that had one before"));
	runner_result_destroy(&result);
	/* One of four goes: a quarter moves, and hardly anybody else. */
	holds(CLIENTS("maglev") "  - app: {name: balancer, command: \"drain 10.0.0.99 b2\"}\n"
	                        "  - tcp: {from: c1..c40, to: \"10.0.0.99:22\", expect: {moved: "
	                        "{at_least: 4, at_most: 16}}}\n");
	summary = summary_of(CLIENTS("source") "  - tcp: {from: c1..c10, to: \"10.0.0.99:22\", "
	                                       "expect: {moved: {at_most: 3}}}\n");
	CU_ASSERT_PTR_NOT_NULL(
	        strstr(summary, "\n        0 of 10 got another reply than before\n"));
	free(summary);
}

/* --- Switches without a controller --- */

#define ALONE                                                                                      \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}, h3: {ip: 10.0.0.3/24}}\n"           \
	"links: [h1 -- s1, h2 -- s1, h3 -- s1]\nsteps:\n"

static void a_switch_without_a_controller_follows_its_flows(void)
{
	holds("switches: {s1: {flows: [\"in_port=1,actions=output:2\", "
	      "\"in_port=2,actions=1\"]}}\n" ALONE "  - ping: {from: h1, to: h2}\n"
	      "  - ping: {from: h1, to: h3, expect: {answered: 0}}\n"
	      "  - expect: {packet_ins: never, flows: {count: 2}}\n");
}

static void its_fail_mode_holds_from_the_start(void)
{
	holds("switches: {s1: {fail_mode: standalone}}\n" ALONE "  - ping: {from: h1, to: h2}\n");
	holds("switches: {s1: {fail_mode: emergency, flows: ["
	      "\"emerg,in_port=1,actions=2\", \"emerg,in_port=2,actions=1\"]}}\n" ALONE
	      "  - ping: {from: h1, to: h2}\n"
	      "  - ping: {from: h1, to: h3, expect: {answered: 0}}\n"
	      "  - expect: {flows: [{count: 0}, {emergency: yes, count: 2}]}\n"
	      "  - expect: {flows: {emergency: yes, match: in_port=2, count: 1}}\n");
}

static void an_entry_of_the_file_times_out(void)
{
	holds("switches: {s1: {flows: [\"hard_timeout=5,actions=flood\"]}}\n" ALONE
	      "  - ping: {from: h1, to: h2}\n  - expect: {flows: {count: {at_least: 1}}}\n"
	      "  - wait: 5s\n  - ping: {from: h1, to: h2, expect: {answered: 0}}\n"
	      "  - expect: {flows: {count: 0}}\n");
}

static void a_full_queue_counts_as_dropped(void)
{
	/* Of 20 datagrams at once over 1 Mbit, 15 find room: 4 KB of 84 to 102 bytes. */
	holds("switches: {s1: {queues: [{port: 2, queue: 1}], flows: [\"in_port=1,arp,actions=2\", "
	      "\"in_port=1,actions=enqueue:2:1\", \"in_port=2,actions=1\"]}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	      "links: [h1 -- s1:1, {between: h2 -- s1:2, rate: 100kbit, queue: 2000}]\nsteps:\n"
	      "  - ping: {from: h1, to: h2}\n  - mark: now\n"
	      "  - parallel: [{repeat: 30, udp: {from: h1, to: \"h2:9\", send: 33B}}]\n"
	      /* 99 bytes on the wire each: one is sent, 20 wait. */
	      "  - expect: {since: now, queues: {at: \"s1:2\", queue: 1, sent: 21, dropped: 9}}\n");
}

UNIT_TESTS("runner", UNIT_TEST(a_lower_bound_is_waited_for),
           UNIT_TEST(an_upper_bound_is_judged_once_the_network_is_quiet),
           UNIT_TEST(an_exact_count_is_waited_for_and_judged_when_quiet),
           UNIT_TEST(an_upper_bound_must_hold_again_at_the_end),
           UNIT_TEST(entries_are_judged_at_their_step), UNIT_TEST(counts_start_at_the_mark),
           UNIT_TEST(a_run_ends_at_the_first_quiet_moment),
           UNIT_TEST(a_host_that_waits_is_not_quiet),
           UNIT_TEST(the_pauses_between_retransmissions_are_not_quiet),
           UNIT_TEST(errors_of_switches_are_counted),
           UNIT_TEST(a_run_that_is_not_over_at_its_end_has_failed),
           UNIT_TEST(convergence_is_not_waited_for_where_the_end_comes_first_and_no_fault_was_there),
           UNIT_TEST(what_waits_for_convergence_at_the_end_says_so),
           UNIT_TEST(a_request_that_ends_otherwise_fails_its_step),
           UNIT_TEST(replies_that_do_not_alternate_fail), UNIT_TEST(a_failure_tells_what_led_to_it),
           UNIT_TEST(the_icmp_error_that_refused_a_datagram_is_in_the_story),
           UNIT_TEST(the_story_follows_a_frame_through_the_controller),
           UNIT_TEST(the_fail_mode_is_in_the_story_however_many_frames_follow),
           UNIT_TEST(the_report_tells_when_fail_modes_begin_and_end),
           UNIT_TEST(of_many_fail_modes_at_once_the_report_tells_some),
           UNIT_TEST(the_digest_covers_frames_and_messages),
           UNIT_TEST(parallel_steps_run_at_once_and_groups_in_order),
           UNIT_TEST(the_same_seed_gives_the_same_run),
           UNIT_TEST(another_link_changes_nothing_elsewhere),
           UNIT_TEST(a_switch_without_its_controller_fails_clearly),
           UNIT_TEST(counts_go_on_when_the_controller_begins_anew),
           UNIT_TEST(a_switch_that_looks_for_its_controller_is_quiet),
           UNIT_TEST(echoes_keep_no_network_from_being_quiet),
           UNIT_TEST(the_back_off_grows_and_begins_anew),
           UNIT_TEST(steps_that_change_nothing_change_nothing),
           UNIT_TEST(a_controller_may_go_while_messages_are_under_way),
           UNIT_TEST(all_is_waited_for), UNIT_TEST(a_host_moves_to_a_free_port),
           UNIT_TEST(what_is_under_way_to_a_host_that_moves_is_lost),
           UNIT_TEST(a_free_port_is_there_before_anybody_comes),
           UNIT_TEST(the_story_names_the_port_that_it_was_then),
           UNIT_TEST(a_switch_goes_down_and_comes_up), UNIT_TEST(commands_reach_the_application),
           UNIT_TEST(a_run_begins_when_the_controller_is_ready),
           UNIT_TEST(discovery_keeps_no_run_from_being_quiet),
           UNIT_TEST(backends_are_what_the_balancer_says),
           UNIT_TEST(a_backend_that_goes_is_waited_for),
           UNIT_TEST(replies_stay_where_they_are_to_stay),
           UNIT_TEST(a_switch_without_a_controller_follows_its_flows),
           UNIT_TEST(its_fail_mode_holds_from_the_start), UNIT_TEST(an_entry_of_the_file_times_out),
           UNIT_TEST(a_full_queue_counts_as_dropped))
