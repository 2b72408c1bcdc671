/* What must hold in every run: each property is found broken when it is, and only then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flowbed/app.h>

#include "sim/mutants.h"
#include "sim/properties.h"
#include "sim/runner.h"
#include "tests/unit/harness.h"

static struct runner_result result;
/* Of the next run; NULL: ours. */
static const struct mutant *mutant;
static const struct fb_app_class *app_class;

static void run(const char *head, const char *text)
{
	struct problems problems;
	struct scenario *sc;
	const struct runner_options options = {.seed = 1, .mutant = mutant, .keep = true};
	char whole[2000];

	snprintf(whole, sizeof whole, "%s%s", head, text);
	problems_init(&problems);
	sc = scenario_load_text(whole, strlen(whole), "test.yaml", NULL, NULL, &problems);
	problems_print(&problems, "# test.yaml", stdout);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	if (app_class)
		sc->controller.apps[0].cls = app_class;
	runner_run(sc, &options, &result);
	scenario_free(sc);
	problems_destroy(&problems);
}

static void holds(const char *head, const char *text)
{
	run(head, text);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	if (result.failures.total)
		failures_print(&result.failures, "# test.yaml", stdout);
	runner_result_destroy(&result);
}

/* The place of the failure of the property 'name'; the number of failures when it is none. */
static size_t place_of(const char *name)
{
	size_t i = 0;

	while (i < result.failures.count &&
	       strncmp(result.failures.items[i].expected, name, strlen(name)))
		i++;
	return i;
}

/* The property 'name' does not hold, and 'part' is in what happened. */
static void breaks(const char *name, const char *head, const char *text, const char *part)
{
	size_t i;

	run(head, text);
	i = place_of(name);
	CU_ASSERT_TRUE(i < result.failures.count);
	if (i < result.failures.count) {
		CU_ASSERT_PTR_NOT_NULL(strstr(result.failures.items[i].happened, part));
		CU_ASSERT_PTR_NOT_NULL(result.failures.items[i].story);
	} else {
		failures_print(&result.failures, "# test.yaml", stdout);
	}
	runner_result_destroy(&result);
}

/* --- Loops --- */

#define TRIANGLE                                                                                   \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"                                  \
	"links: [h1 -- s1, h2 -- s2, s1 -- s2, s2 -- s3, s3 -- s1]\n"                              \
	"steps:\n  - arp: {from: h1, gratuitous: yes}\n"

static void a_loop_is_found_and_ends_the_run(void)
{
	breaks("no_loops", "controller: hub\nswitches: {s1: {}, s2: {}, s3: {}}\n", TRIANGLE,
	       "a frame of h1 is sent to s2:2 a second time: 02:00:00:00:00:01");
	breaks("no_loops",
	       "switches: {s1: {fail_mode: standalone}, s2: {fail_mode: standalone}, "
	       "s3: {fail_mode: standalone}}\n",
	       TRIANGLE, "1000 times more, which ended the run");
}

static void a_loop_is_found_where_the_controller_has_all_the_bytes(void)
{
	breaks("no_loops",
	       "controller: hub\n"
	       "switches: {s1: {buffers: 0}, s2: {buffers: 0}, s3: {buffers: 0}}\n",
	       TRIANGLE, "a frame of h1 is sent to s2:2 a second time");
}

static void a_loop_may_be_meant(void)
{
	run("controller: hub\nswitches: {s1: {}, s2: {}, s3: {}}\nend: 50ms\n"
	    "properties: {no_loops: no, no_duplicates: no}\n",
	    TRIANGLE);
	CU_ASSERT_EQUAL_FATAL(result.failures.total, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(result.failures.items[0].expected, "before 'end', 50ms"));
	runner_result_destroy(&result);
}

static void a_frame_that_is_sent_again_is_another_one(void)
{
	holds("controller: hub\nswitches: {s1: {}, s2: {buffers: 0}, s3: {}}\n",
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	      "links: [h1 -- s1, h2 -- s2, s1 -- s2, s2 -- s3]\nsteps:\n"
	      "  - repeat: 20\n    arp: {from: h1, gratuitous: yes}\n"
	      "  - arp: {from: h1, to: 10.0.0.9, expect: {outcome: unreachable}}\n"
	      "  - ping: {from: h1, to: h2, count: 20, interval: 1ms}\n");
}

/* --- Duplicates --- */

#define PAIR                                                                                       \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"                                  \
	"links: [h1 -- s1:1, h2 -- s1:2]\nsteps:\n  - arp: {from: h1, gratuitous: yes}\n"

static void a_frame_that_a_host_gets_twice_is_found(void)
{
	const char *twice = "switches: {s1: {flows: [\"in_port=1,actions=output:2,output:2\"]}}\n";

	breaks("no_duplicates", twice, PAIR, "a frame of h1 is sent to h2 a second time");
	holds("switches: {s1: {flows: [\"in_port=1,actions=output:2,output:2\"]}}\n"
	      "properties: {no_duplicates: no}\n",
	      PAIR);
	holds("switches: {s1: {flows: [\"in_port=1,actions=output:2\"]}}\n", PAIR);
}

static void what_a_link_doubles_may_come_twice(void)
{
	holds("controller: hub\nswitches: {s1: {}, s2: {buffers: 0}}\n",
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	      "links:\n  - {between: h1 -- s1, duplicate: 50%}\n"
	      "  - {between: s1 -- s2, duplicate: 50%}\n  - {between: s2 -- h2, duplicate: 50%}\n"
	      "steps:\n  - tcp: {from: h1, to: h2:7, send: 200kB, expect: {intact: yes}}\n");
}

static void a_copy_that_was_lost_is_none(void)
{
	holds("switches: {s1: {flows: [\"in_port=1,actions=output:2,output:2\"]}}\n"
	      "faults: {at: [{at: 0s, lose: {link: \"h2 -- s1:2\", from: s1}}]}\n",
	      PAIR);
}

/* What was flooded comes to both ports of a host that moves meanwhile. */
#define MOVED(at)                                                                                  \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}, h3: {ip: 10.0.0.3/24}}\n"           \
	"links: [h1 -- s1:1, h2 -- s1:2, h3 -- s2:1, s1:10 -- s2:10]\n"                            \
	"faults: {at: [{at: " at ", host_move: {host: h1, to: s2:11}}]}\nsteps:\n"                 \
	"  - tcp: {from: h2, to: h3:9, expect: {outcome: any}}\n"

static void a_host_that_moves_gets_what_was_flooded_at_both_ports(void)
{
	static const char head[] = "controller: hub\nswitches: {s1: {}, s2: {}}\n";

	holds(head, MOVED("2.5ms"));
	holds(head, MOVED("2.52ms"));
	holds(head, MOVED("2.6ms"));
}

/* --- At the end --- */

static void an_entry_for_a_port_that_is_down_is_found(void)
{
	const char *down = "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	                   "links: [h1 -- s1:1, h2 -- s1:2]\nsteps:\n  - link: {down: h2 -- s1}\n";

	breaks("no_dead_entries",
	       "controller: hub\nswitches: {s1: {flows: [\"in_port=2,actions=flood\", "
	       "\"in_port=1,tcp,actions=output:2\"]}}\n",
	       down, "1 of s1 do, the first to port 2: tcp,in_port=1");
	holds("controller: hub\nproperties: {no_dead_entries: no}\n"
	      "switches: {s1: {flows: [\"in_port=1,actions=output:2\"]}}\n",
	      down);
	/* Nobody could have removed it here. */
	holds("switches: {s1: {flows: [\"in_port=1,actions=output:2\"]}}\n", down);
	holds("controller: hub\nswitches: {s1: {flows: [\"in_port=2,actions=output:1\"]}}\n", down);
	breaks("no_dead_entries",
	       "controller: hub\nswitches: {s1: {queues: [{port: 2, queue: 1}], flows: "
	       "[\"in_port=1,actions=enqueue:2:1\"]}}\n",
	       down, "to port 2: in_port=1");
}

static void an_error_is_found(void)
{
	breaks("no_of_errors", "controller: learning\nswitches: {s1: {entries: 1}}\n",
	       PAIR "  - ping: {from: h1, to: h2}\n", "s1 sends one");
}

static void a_session_of_two_servers_is_found(void)
{
	static const char text[] =
	        "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}, h3: {ip: 10.0.0.2/24}}\n"
	        "links: [h1 -- s1, h2 -- s1, h3 -- s1]\nsteps:\n"
	        "  - parallel:\n"
	        "      - tcp: {from: h1, to: h2:7, send: 1kB, pause: 500ms, expect: {outcome: "
	        "any}}\n"
	        "      - steps: [wait: 300ms, arp: {from: h3, gratuitous: yes}, wait: 10ms, "
	        "arp: {from: h2, gratuitous: yes}, wait: 10ms, arp: {from: h3, gratuitous: yes}]\n";

	breaks("session_affinity", "controller: learning\nswitches: {s1: {}}\n", text,
	       "-> 10.0.0.2:7 is served by h");
	holds("controller: balancer\nswitches: {s1: {}}\n", text);
	holds("controller: learning\nswitches: {s1: {}}\n"
	      "properties: {session_affinity: no, connections_end: no, reachability: no}\n",
	      text);
}

/* --- Flow tables --- */

/* With the mutant 'name' the property does not hold, without it it does. */
static void breaks_with(const char *name, const char *property, const char *head, const char *text,
                        const char *part)
{
	holds(head, text);
	mutant = mutants_find(name);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mutant);
	breaks(property, head, text, part);
	mutant = NULL;
}

#define PINGS "  - repeat: 3\n    ping: {from: h1, to: h2, expect: {outcome: any}}\n"

static void a_table_that_is_not_what_the_switch_was_told_is_found(void)
{
	breaks_with("ignores-adds", "tables_agree",
	            "controller: learning\nswitches: {s1: {}, s2: {}, s3: {}}\n",
	            "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	            "links: [h1 -- s1, h2 -- s3, s1 -- s2, s2 -- s3]\n"
	            "properties: {reachability: no}\nsteps:\n"
	            "  - arp: {from: h1, to: 10.0.0.2, expect: {outcome: any}}\n"
	            "  - udp: {from: h1, to: \"h2:9\", send: x, expect: {outcome: any}}\n",
	            " lacks ");
	breaks_with("ignores-deletes", "tables_agree",
	            "controller: learning\nswitches: {s1: {}}\n"
	            "properties: {no_dead_entries: no, reachability: no}\n",
	            PAIR PINGS "  - link: {down: h2 -- s1}\n  - wait: 1s\n", " has what nobody ");
	breaks_with("no-flow-removed", "tables_agree", "controller: balancer\nswitches: {s1: {}}\n",
	            "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}, h3: {ip: 10.0.0.2/24}}\n"
	            "links: [h1 -- s1, h2 -- s1, h3 -- s1]\nsteps:\n"
	            "  - tcp: {from: h1, to: 10.0.0.2:7, send: 1kB}\n  - wait: 400s\n",
	            " has let expire, and not told, ");
}

/* --- Checksums --- */

static void a_wrong_checksum_is_found(void)
{
	breaks_with("wrong-checksum", "checksums", "controller: learning\nswitches: {s1: {}}\n",
	            PAIR "  - tcp: {from: h1, to: h2:7, send: 100kB, expect: {outcome: any}}\n",
	            " got one that is wrong at ");
	holds("controller: learning\nswitches: {s1: {}}\n",
	      PAIR "  - tcp: {from: h1, to: h2:7, send: 100kB, expect: {outcome: any}}\n");
}

/* --- Bounds --- */

static int nothing;

static void *create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	(void)app;
	(void)values;
	(void)error;
	return &nothing;
}

static void destroy(void *state)
{
	(void)state;
}

static void boast(const void *state, struct fb_report *report, uint64_t now_ns)
{
	(void)state;
	(void)now_ns;
	fb_report_begin_list(report, "fish", 11, 10);
	fb_report_end_list(report);
}

static void a_table_over_its_limit_is_found(void)
{
	static const struct fb_app_class boasting = {.name = "boasting",
	                                             .summary = "tells of fish",
	                                             .scope = FB_SCOPE_SWITCH,
	                                             .create = create,
	                                             .destroy = destroy,
	                                             .report = boast};
	static const char head[] = "controller: hub\nswitches: {s1: {}}\n"
	                           "properties: {reachability: no}\n";

	holds(head, PAIR);
	app_class = &boasting;
	breaks("bounded", head, PAIR, "the controller's fish: 11 of 10");
	app_class = NULL;
}

/* --- Packet buffers --- */

static unsigned broken[SCENARIO_PROPERTIES];
static char happened[400];

static void note_broken(void *ctx, enum scenario_property property, const char *expected,
                        const char *what, const struct trace_relation *relation)
{
	(void)ctx;
	(void)expected;
	(void)relation;
	broken[property]++;
	snprintf(happened, sizeof happened, "%s", what);
}

/* A frame waits in s1 for an answer of the controller, which takes a second; 'ms' later the run is
 * judged. */
static void judge_after(const char *text, uint64_t ms, unsigned lost)
{
	const struct properties_ops ops = {.broken = note_broken};
	struct properties *properties;
	struct network_observer observer;
	struct problems problems;
	struct scenario *sc;
	struct network *network;
	struct clock *clock;

	memset(broken, 0, sizeof broken);
	problems_init(&problems);
	sc = scenario_load_text(text, strlen(text), "test.yaml", NULL, NULL, &problems);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	properties = properties_new(sc, &ops);
	observer = properties_observer(properties);
	network = network_new(sc, &(struct network_options){.seed = 1,
	                                                    .log_level = FB_LOG_ERROR,
	                                                    .observers = &observer,
	                                                    .observers_count = 1});
	clock = network_clock(network);
	properties_watch(properties, network);
	network_start(network);
	while (!network_ready(network))
		clock_step(clock);
	host_arp(network_host(network, 0), 0, true, network_now(network), NULL, NULL);
	network_host_called(network, 0);
	ms += network_now(network) / FB_NS_PER_MS;
	while (clock_next(clock) <= ms * FB_NS_PER_MS)
		clock_step(clock);
	CU_ASSERT_EQUAL(properties_await_buffers(properties), lost > 0);
	properties_judge_end(properties);
	CU_ASSERT_EQUAL(broken[NO_LOST_BUFFERS], lost);
	CU_ASSERT_EQUAL(properties_count(properties, NO_LOST_BUFFERS), lost);
	network_free(network);
	properties_free(properties);
	scenario_free(sc);
	problems_destroy(&problems);
}

#define SLOW                                                                                       \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"                                  \
	"links: [h1 -- s1:1, h2 -- s1:2]\nsteps: [wait: 1s]\n"

static void a_buffer_that_is_in_use_is_lost(void)
{
	judge_after("controller: {apps: hub, delay: 500ms}\nswitches: {s1: {}}\n" SLOW, 700, 1);
	CU_ASSERT_STRING_EQUAL(happened, "1 in use at the end, on s1");
	judge_after("controller: {apps: hub, delay: 500ms}\nswitches: {s1: {}}\n" SLOW, 1200, 0);
}

static void a_buffer_that_expired_was_lost(void)
{
	breaks("no_lost_buffers",
	       "controller: {apps: hub, delay: 500ms}\n"
	       "properties: {no_of_errors: no}\nswitches: {s1: {buffer_expiry: 900ms}}\n",
	       PAIR, "expired unused at");
}

static void what_a_broken_connection_left_behind_is_not(void)
{
	holds("controller: {apps: hub, delay: 50ms}\nswitches: {s1: {}}\n",
	      PAIR "  - control: {down: s1}\n  - control: {up: s1}\n  - wait: 3s\n");
	holds("controller: {apps: hub, delay: 50ms}\nswitches: {s1: {}}\n",
	      PAIR "  - control: {down: s1}\n");
}

UNIT_TESTS("properties", UNIT_TEST(a_loop_is_found_and_ends_the_run),
           UNIT_TEST(a_loop_is_found_where_the_controller_has_all_the_bytes),
           UNIT_TEST(a_loop_may_be_meant), UNIT_TEST(a_frame_that_is_sent_again_is_another_one),
           UNIT_TEST(a_frame_that_a_host_gets_twice_is_found),
           UNIT_TEST(what_a_link_doubles_may_come_twice),
           UNIT_TEST(a_copy_that_was_lost_is_none),
           UNIT_TEST(a_host_that_moves_gets_what_was_flooded_at_both_ports),
           UNIT_TEST(an_entry_for_a_port_that_is_down_is_found), UNIT_TEST(an_error_is_found),
           UNIT_TEST(a_session_of_two_servers_is_found),
           UNIT_TEST(a_table_that_is_not_what_the_switch_was_told_is_found),
           UNIT_TEST(a_wrong_checksum_is_found), UNIT_TEST(a_table_over_its_limit_is_found),
           UNIT_TEST(a_buffer_that_is_in_use_is_lost), UNIT_TEST(a_buffer_that_expired_was_lost),
           UNIT_TEST(what_a_broken_connection_left_behind_is_not))
