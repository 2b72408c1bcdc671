/* Scenario files become models. What wrong files get told is in tests/scenarios/wrong. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/scenario.h"
#include "tests/unit/harness.h"

static struct problems problems;
static struct scenario *sc;

static void load_with(const char *text, const char *const *settings)
{
	problems_init(&problems);
	sc = scenario_load_text(text, strlen(text), "dir/test.yaml", settings, NULL, &problems);
	CU_ASSERT_EQUAL(sc == NULL, problems.count > 0);
}

static void load(const char *text)
{
	load_with(text, NULL);
	for (size_t i = 0; i < problems.count; i++)
		printf("# %u:%u: %s\n", problems.items[i].at.line, problems.items[i].at.column,
		       problems.items[i].text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
}

static void done(void)
{
	scenario_free(sc);
	problems_destroy(&problems);
}

#define NETWORK                                                                                    \
	"controller: learning\nswitches: {s1: {}}\n"                                               \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"                                  \
	"links: [h1 -- s1, h2 -- s1]\n"

static void a_file_becomes_a_network(void)
{
	load("name: n\nseed: 7\nend: 2m\n"
	     "controller: {apps: [hub, 'balancer,mode=packet'], delay: 1ms, miss_send_len: 64}\n"
	     "switches: {s1: {}, s2: {dpid: 0xff, buffers: 0, delay: 2ms}}\n"
	     "hosts:\n  h1: {ip: 10.0.0.1/16, hostname: one}\n"
	     "  h2: {ip: 10.0.0.2/8, mac: 06:00:00:00:00:99, gateway: 10.9.9.9}\n"
	     "links:\n  - h1 -- s1:7\n"
	     "  - {between: s2:3 -- h2, delay: 3ms, rate: 10Mbit, loss: 2%, queue: 3kB}\n"
	     "steps: [{wait: 1s}]\n");
	CU_ASSERT_STRING_EQUAL(sc->name, "n");
	CU_ASSERT_EQUAL(sc->seed, 7);
	CU_ASSERT_EQUAL(sc->end_ns, 120 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(sc->controller.apps_count, 2);
	CU_ASSERT_STRING_EQUAL(sc->controller.apps[1].cls->name, "balancer");
	CU_ASSERT_STRING_EQUAL(sc->controller.apps[1].options, "mode=packet");
	CU_ASSERT_EQUAL(sc->controller.config.miss_send_len, 64);
	CU_ASSERT_EQUAL(sc->switches[0].config.datapath.dpid, 1);
	CU_ASSERT_EQUAL(sc->switches[0].delay_ns, FB_NS_PER_MS);
	CU_ASSERT_EQUAL(sc->switches[1].config.datapath.dpid, 0xff);
	CU_ASSERT_EQUAL(sc->switches[1].config.datapath.buffers_max, 0);
	CU_ASSERT_EQUAL(sc->switches[1].delay_ns, 2 * FB_NS_PER_MS);
	CU_ASSERT_EQUAL(sc->hosts[0].ip, 0x0a000001);
	CU_ASSERT_EQUAL(sc->hosts[0].prefix_len, 16);
	CU_ASSERT_STRING_EQUAL(sc->hosts[0].hostname, "one");
	CU_ASSERT_EQUAL(fb_mac_to_u64(sc->hosts[0].mac), 0x020000000001);
	CU_ASSERT_EQUAL(fb_mac_to_u64(sc->hosts[1].mac), 0x060000000099);
	CU_ASSERT_EQUAL(sc->hosts[1].gateway, 0x0a090909);
	CU_ASSERT_STRING_EQUAL(sc->links[0].name, "h1 -- s1:7");
	CU_ASSERT_STRING_EQUAL(sc->links[1].name, "s2:3 -- h2");
	CU_ASSERT_EQUAL(sc->links[1].config.loss_ppm, 20000);
	CU_ASSERT_EQUAL(sc->links[1].config.rate_bps, 10000000);
	CU_ASSERT_EQUAL(sc->links[1].config.queue_bytes_max, 3000);
	CU_ASSERT_EQUAL(sc->hosts[1].link, 1);
	CU_ASSERT_EQUAL(sc->hosts[1].link_end, 1);
	done();
}

static void what_is_not_said_has_a_default(void)
{
	load("hosts: {h1: {ip: 10.0.0.1}}\nsteps: [{wait: 1s}]\n");
	CU_ASSERT_STRING_EQUAL(sc->name, "test");
	CU_ASSERT_EQUAL(sc->seed, 1);
	CU_ASSERT_EQUAL(sc->end_ns, 3600 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(sc->hosts[0].prefix_len, 24);
	CU_ASSERT_EQUAL(sc->hosts[0].link, SCENARIO_NONE);
	CU_ASSERT_EQUAL(scenario_service(sc, 0x0a000001, 22), HOST_SERVICE_HOSTNAME);
	CU_ASSERT_EQUAL(scenario_service(sc, 0x0a000001, 7), HOST_SERVICE_ECHO);
	CU_ASSERT_EQUAL(scenario_service(sc, 0x0a000001, 9), HOST_SERVICE_DISCARD);
	CU_ASSERT_EQUAL(scenario_service(sc, 0x0a000001, 80), HOST_SERVICE_NONE);
	done();
}

static void sections_may_stand_in_any_order(void)
{
	load("steps:\n  - ping: {from: h1, to: h2}\nlinks: [h1 -- s1, h2 -- s1]\n"
	     "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	     "switches: {s1: {}}\ncontroller: hub\n");
	CU_ASSERT_EQUAL(sc->steps[0].ping.ip, 0x0a000002);
	done();
}

static void a_listener_is_added_replaced_or_closed(void)
{
	load("hosts: {h1: {ip: 10.0.0.1/24, listen: {80: echo, 22: none, 7: discard}}}\n"
	     "steps: [{wait: 1s}]\n");
	CU_ASSERT_EQUAL(scenario_service(sc, 0x0a000001, 80), HOST_SERVICE_ECHO);
	CU_ASSERT_EQUAL(scenario_service(sc, 0x0a000001, 22), HOST_SERVICE_NONE);
	CU_ASSERT_EQUAL(scenario_service(sc, 0x0a000001, 7), HOST_SERVICE_DISCARD);
	done();
}

static void a_link_without_port_gets_the_smallest_that_nobody_took(void)
{
	load("controller: hub\nswitches: {s1: {}}\n"
	     "hosts: {a: {ip: 10.0.0.1/24}, b: {ip: 10.0.0.2/24}, c: {ip: 10.0.0.3/24}}\n"
	     "links: [a -- s1, b -- s1:1, c -- s1]\nsteps: [{wait: 1s}]\n");
	CU_ASSERT_EQUAL(sc->links[0].ends[1].port, 2);
	CU_ASSERT_EQUAL(sc->links[1].ends[1].port, 1);
	CU_ASSERT_EQUAL(sc->links[2].ends[1].port, 3);
	done();
}

static void a_range_counts_addresses_and_ports_up(void)
{
	load("controller: hub\nswitches: {s1: {}}\n"
	     "hosts:\n  h1..h300: {ip: 10.0.0.1/16, listen: {80: echo}}\n"
	     "links:\n  - h1..h300 -- s1\n"
	     "steps:\n  - ping: {from: h2..h300, to: h1}\n");
	CU_ASSERT_EQUAL(sc->hosts_count, 300);
	CU_ASSERT_STRING_EQUAL(sc->hosts[299].name, "h300");
	CU_ASSERT_EQUAL(sc->hosts[299].ip, 0x0a000000 + 300);
	CU_ASSERT_EQUAL(fb_mac_to_u64(sc->hosts[299].mac), 0x020000000000 + 300);
	CU_ASSERT_EQUAL(scenario_service(sc, 0x0a000000 + 300, 80), HOST_SERVICE_ECHO);
	CU_ASSERT_EQUAL(sc->links[299].ends[1].port, 300);
	CU_ASSERT_EQUAL(sc->steps[0].from, 1);
	CU_ASSERT_EQUAL(sc->steps[0].from_count, 299);
	done();
}

static void links_are_named_from_either_end_with_or_without_port(void)
{
	load(NETWORK "steps:\n  - link: {down: h2 -- s1}\n  - link: {up: s1:2 -- h2}\n");
	CU_ASSERT_EQUAL(sc->steps[0].change.index, 1);
	CU_ASSERT_FALSE(sc->steps[0].change.up);
	CU_ASSERT_EQUAL(sc->steps[1].change.index, 1);
	CU_ASSERT_TRUE(sc->steps[1].change.up);
	done();
}

static void a_size_without_quotes_is_so_many_bytes(void)
{
	load(NETWORK "steps:\n  - tcp: {from: h1, to: h2:9, send: 10MB}\n"
	             "  - tcp: {from: h1, to: h2:9, send: \"10MB\"}\n"
	             "  - tcp: {from: h1, to: h2:9}\n");
	CU_ASSERT_PTR_NULL(sc->steps[0].send);
	CU_ASSERT_EQUAL(sc->steps[0].tcp.send_bytes, 10000000);
	CU_ASSERT_STRING_EQUAL(sc->steps[1].send, "10MB");
	CU_ASSERT_EQUAL(sc->steps[1].tcp.send_bytes, 4);
	CU_ASSERT_STRING_EQUAL(sc->steps[2].send, "uname -n");
	done();
}

static void traffic_is_expected_to_succeed_unless_the_file_says_more(void)
{
	load(NETWORK "steps:\n  - tcp: {from: h1, to: h2:22}\n"
	             "  - tcp: {from: h1, to: h2:23, expect: {outcome: [refused, timeout]}}\n"
	             "  - ping: {from: h1, to: h2, count: 3}\n"
	             "  - ping: {from: h1, to: h2, count: 3, expect: {answered: {at_least: 1}}}\n"
	             "  - udp: {from: h1, to: h2:7}\n"
	             "  - udp: {from: h1, to: h2:7, expect: {reply: hi}}\n");
	CU_ASSERT_EQUAL(sc->steps[0].replies.outcomes, 1U << HOST_OK);
	CU_ASSERT_EQUAL(sc->steps[1].replies.outcomes, 1U << HOST_REFUSED | 1U << HOST_TIMEOUT);
	CU_ASSERT_EQUAL(sc->steps[2].replies.answered.min, 3);
	CU_ASSERT_TRUE(sc->steps[2].replies.answered.has_max);
	CU_ASSERT_EQUAL(sc->steps[3].replies.answered.min, 1);
	CU_ASSERT_FALSE(sc->steps[3].replies.answered.has_max);
	CU_ASSERT_FALSE(sc->steps[4].udp.wait_reply);
	CU_ASSERT_TRUE(sc->steps[5].udp.wait_reply);
	done();
}

static void counts_are_exact_bounded_or_never(void)
{
	const struct scenario_expectation *e;

	load(NETWORK "steps:\n  - expect: {packet_ins: 5, packet_outs: {at_least: 2}, flow_mods: "
	             "{at_least: 1, at_most: 9}, errors: never, within: 3s}\n");
	e = sc->steps[0].expectations;
	CU_ASSERT_EQUAL(sc->steps[0].expectations_count, 4);
	CU_ASSERT_TRUE(e[0].bounds.has_min && e[0].bounds.has_max);
	CU_ASSERT_TRUE(e[0].bounds.min == 5 && e[0].bounds.max == 5);
	CU_ASSERT_TRUE(e[1].bounds.has_min && !e[1].bounds.has_max);
	CU_ASSERT_TRUE(e[2].bounds.min == 1 && e[2].bounds.max == 9);
	CU_ASSERT_TRUE(e[3].bounds.has_max && e[3].bounds.max == 0);
	CU_ASSERT_EQUAL(e[1].within_ns, 3 * FB_NS_PER_S);
	CU_ASSERT_FALSE(scenario_bounds_hold(&e[2].bounds, 0));
	CU_ASSERT_TRUE(scenario_bounds_hold(&e[2].bounds, 9));
	CU_ASSERT_FALSE(scenario_bounds_hold(&e[2].bounds, 10));
	done();
}

static void what_only_grows_is_judged_again_at_the_end(void)
{
	const struct scenario_expectation *e;

	load(NETWORK "steps:\n  - expect: {packet_ins: 0, buffers_in_use: 0, flows: {count: 0}}\n"
	             "  - expect: {packet_ins: 0, at_end: no}\n"
	             "  - expect: {flows: {count: 0}, at_end: yes}\n");
	e = sc->steps[0].expectations;
	CU_ASSERT_TRUE(e[0].at_end);
	CU_ASSERT_FALSE(e[1].at_end);
	CU_ASSERT_FALSE(e[2].at_end);
	CU_ASSERT_FALSE(sc->steps[1].expectations[0].at_end);
	CU_ASSERT_TRUE(sc->steps[2].expectations[0].at_end);
	done();
}

static void an_expect_of_the_file_is_its_last_step(void)
{
	load(NETWORK "expect: {errors: never}\nsteps: [{wait: 1s}]\n");
	CU_ASSERT_EQUAL(sc->steps_count, 2);
	CU_ASSERT_EQUAL(sc->steps[1].kind, STEP_EXPECT);
	CU_ASSERT_EQUAL(sc->steps[1].expectations[0].kind, EXPECT_ERRORS);
	done();
}

static void properties_are_switched_off_by_name(void)
{
	load(NETWORK "steps: [{wait: 1s}]\n");
	CU_ASSERT_EQUAL(sc->properties_off, 0);
	done();
	load("properties: {no_loops: no, no_of_errors: yes, no_dead_entries: no}\n" NETWORK
	     "steps: [{wait: 1s}]\n");
	CU_ASSERT_EQUAL(sc->properties_off, 1U << NO_LOOPS | 1U << NO_DEAD_ENTRIES);
	done();
}

/* A file that can be read once. */
static char *read_once(void *ctx, const char *name, size_t *len, struct fb_text *error)
{
	unsigned *times = ctx;
	char *bytes;

	if (strcmp(name, "there") || ++*times > 1) {
		fb_text_printf(error, "%s: is not there", name);
		return NULL;
	}
	*len = strlen("vip 10.0.0.1");
	bytes = malloc(*len + 1);
	strcpy(bytes, "vip 10.0.0.1");
	return bytes;
}

static void files_are_read_with_the_scenario_and_once(void)
{
	static const char there[] = "controller: \"balancer,services=there\"\n"
	                            "hosts: {h1: {ip: 10.0.0.1/24}}\nsteps: [{wait: 1s}]\n";
	static const char away[] = "controller: \"balancer,services=away\"\n"
	                           "hosts: {h1: {ip: 10.0.0.1/24}}\nsteps: [{wait: 1s}]\n";
	unsigned times = 0;
	static const char *const settings[] = {"balancer.mode=packet", NULL};
	const struct scenario_files files = {.read = read_once, .ctx = &times};
	char buffer[200], *bytes;
	struct fb_text error = fb_text_make(buffer, sizeof buffer);
	size_t len = 0;

	problems_init(&problems);
	sc = scenario_load_text(there, strlen(there), "t", settings, &files, &problems);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	CU_ASSERT_EQUAL(times, 1);
	CU_ASSERT_EQUAL(sc->files_count, 1);
	bytes = scenario_read_file(sc, "there", &len, &error);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	CU_ASSERT_EQUAL(len, 12);
	CU_ASSERT_STRING_EQUAL(bytes, "vip 10.0.0.1");
	free(bytes);
	CU_ASSERT_PTR_NULL(scenario_read_file(sc, "other", &len, &error));
	CU_ASSERT_PTR_NOT_NULL(strstr(buffer, "other: cannot be read"));
	done();
	/* One that is not there is a mistake of the line that names it. */
	problems_init(&problems);
	sc = scenario_load_text(away, strlen(away), "t", NULL, &files, &problems);
	CU_ASSERT_PTR_NULL(sc);
	CU_ASSERT_EQUAL(problems.count, 1);
	CU_ASSERT_EQUAL(problems.items[0].at.line, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(problems.items[0].text, "away: is not there"));
	problems_destroy(&problems);
	/* Where there are no files there is none. */
	problems_init(&problems);
	sc = scenario_load_text(there, strlen(there), "t", NULL, NULL, &problems);
	CU_ASSERT_PTR_NULL(sc);
	CU_ASSERT_EQUAL(problems.count, 1);
	problems_destroy(&problems);
}

static void settings_change_options_of_applications(void)
{
	static const char *const settings[] = {"balancer.mode=packet", NULL};
	static const char *const unknown[] = {"hub.mode=packet", NULL};
	static const char *const no_option[] = {"balancer.moda=packet", NULL};
	static const char *const no_sense[] = {"mode=packet", NULL};
#define BALANCED                                                                                   \
	"controller: balancer,mode=flows\nhosts: {h1: {ip: 10.0.0.1/24}}\nsteps: [{wait: 1s}]\n"

	load_with(BALANCED, settings);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	CU_ASSERT_STRING_EQUAL(sc->controller.apps[0].options, "mode=packet");
	done();
	load_with(BALANCED, unknown);
	CU_ASSERT_PTR_NOT_NULL(strstr(problems.items[0].text, "has no application 'hub'"));
	done();
	load_with(BALANCED, no_option);
	CU_ASSERT_PTR_NOT_NULL(strstr(problems.items[0].text, "moda"));
	done();
	load_with(BALANCED, no_sense);
	CU_ASSERT_PTR_NOT_NULL(strstr(problems.items[0].text, "write app.option=value"));
	done();
	load_with("hosts: {h1: {ip: 10.0.0.1/24}}\nsteps: [{wait: 1s}]\n", settings);
	CU_ASSERT_PTR_NOT_NULL(strstr(problems.items[0].text, "has no controller"));
	done();
}

static void all_mistakes_of_a_file_come_in_the_order_of_the_file(void)
{
	load_with("steps:\n  - ping: {from: h9, to: h1}\n  - wait: never\n"
	          "hosts: {h1: {ip: 10.0.0.300}}\nnmae: x\nseed: -1\n",
	          NULL);
	CU_ASSERT_EQUAL_FATAL(problems.count, 5);
	CU_ASSERT_EQUAL(problems.items[0].at.line, 2);
	CU_ASSERT_EQUAL(problems.items[0].at.column, 18);
	CU_ASSERT_EQUAL(problems.items[1].at.line, 3);
	CU_ASSERT_EQUAL(problems.items[2].at.line, 4);
	CU_ASSERT_EQUAL(problems.items[3].at.line, 5);
	CU_ASSERT_EQUAL(problems.items[4].at.line, 6);
	done();
}

static void mistakes_without_end_are_counted(void)
{
	char *text = xmalloc(100000);
	size_t len = (size_t)sprintf(text, "steps:\n");

	for (int i = 0; i < 3000; i++)
		len += (size_t)sprintf(text + len, "  - {x: y}\n");
	problems_init(&problems);
	sc = scenario_load_text(text, len, "t", NULL, NULL, &problems);
	CU_ASSERT_PTR_NULL(sc);
	CU_ASSERT_EQUAL(problems.count, PROBLEMS_MAX);
	CU_ASSERT_TRUE(problems.dropped > 1000);
	done();
	free(text);
}

static void control_characters_do_not_reach_the_terminal(void)
{
	load_with("\"a\\eb\": 1\n", NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(problems.items[0].text, "a?b"));
	done();
}

static void a_switch_begins_with_its_queues_and_flows(void)
{
	const struct scenario_switch *sw;

	load("controller: hub\nswitches:\n  s1:\n    fail_mode: emergency\n"
	     "    queues: [{port: 2, queue: 7, min_rate: 12.5%}, {port: 2, queue: 0}]\n"
	     "    flows: ['priority=9,in_port=1,actions=enqueue:2:7', 'emerg,actions=drop']\n"
	     "hosts: {h1: {ip: 10.0.0.1}, h2: {ip: 10.0.0.2}}\nlinks: [h1 -- s1, h2 -- s1]\n"
	     "steps: [{wait: 1s}]\nexpect: {queues: {at: 's1:2', queue: 0, sent: 3, dropped: "
	     "1}}\n");
	sw = &sc->switches[0];
	CU_ASSERT_EQUAL_FATAL(sw->queues_count, 2);
	CU_ASSERT_EQUAL(sw->queues[0].port, 2);
	CU_ASSERT_EQUAL(sw->queues[0].id, 7);
	CU_ASSERT_EQUAL(sw->queues[0].min_rate_permille, 125);
	CU_ASSERT_TRUE(sw->queues[1].min_rate_permille > 1000);
	CU_ASSERT_EQUAL_FATAL(sw->flows_count, 2);
	CU_ASSERT_EQUAL(sw->flows[0].mod.priority, 9);
	CU_ASSERT_EQUAL(sw->flows[0].mod.actions.len, 16);
	CU_ASSERT_PTR_EQUAL(sw->flows[0].mod.actions.data, sw->flows[0].actions);
	CU_ASSERT_EQUAL(sw->flows[1].mod.flags, OFPFF_EMERG);
	CU_ASSERT_EQUAL(sw->flows[1].mod.actions.len, 0);
	CU_ASSERT_EQUAL_FATAL(sc->steps[1].expectations_count, 2);
	CU_ASSERT_EQUAL(sc->steps[1].expectations[0].kind, EXPECT_QUEUE_SENT);
	CU_ASSERT_EQUAL(sc->steps[1].expectations[1].kind, EXPECT_QUEUE_DROPPED);
	CU_ASSERT_EQUAL(sc->steps[1].expectations[1].port, 2);
	CU_ASSERT_EQUAL(sc->steps[1].expectations[1].queue_id, 0);
	CU_ASSERT_TRUE(sc->steps[1].expectations[1].at_end);
	done();
}

static void fragments_are_treated_as_the_file_says(void)
{
	load("switches: {s1: {fragments: reassemble, flows: [actions=flood]}}\n"
	     "hosts: {h1: {ip: 10.0.0.1}}\nlinks: [h1 -- s1]\nsteps: [{wait: 1s}]\n");
	CU_ASSERT_EQUAL(sc->switches[0].fragments, OFPC_FRAG_REASM);
	done();
}

static void attempts_and_waits_follow_from_the_fail_mode(void)
{
	load("controller: hub\nswitches:\n  s1: {}\n  s2: {fail_mode: emergency}\n"
	     "  s3: {max_attempts: 7, fail_mode: standalone, backoff: 250ms}\n"
	     "  s4: {max_attempts: unlimited, fail_mode: standalone, backoff: [2s, 1m]}\n"
	     "  s5: {max_attempts: 0}\n"
	     "hosts: {h1: {ip: 10.0.0.1}}\nsteps: [{controller: down}, {control: {up: s3}}]\n");
	CU_ASSERT_EQUAL(sc->switches[0].config.fail_mode, AGENT_FAIL_SECURE);
	CU_ASSERT_EQUAL(sc->switches[0].reconnect.attempts_max, RECONNECT_UNLIMITED);
	CU_ASSERT_EQUAL(sc->switches[0].reconnect.backoff_min_ns, FB_NS_PER_S);
	CU_ASSERT_EQUAL(sc->switches[0].reconnect.backoff_max_ns, 8 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(sc->switches[1].config.fail_mode, AGENT_FAIL_EMERGENCY);
	CU_ASSERT_EQUAL(sc->switches[1].reconnect.attempts_max, 3);
	CU_ASSERT_EQUAL(sc->switches[2].reconnect.attempts_max, 7);
	CU_ASSERT_EQUAL(sc->switches[2].reconnect.backoff_min_ns, 250 * FB_NS_PER_MS);
	CU_ASSERT_EQUAL(sc->switches[2].reconnect.backoff_max_ns, 250 * FB_NS_PER_MS);
	CU_ASSERT_EQUAL(sc->switches[3].reconnect.attempts_max, RECONNECT_UNLIMITED);
	CU_ASSERT_EQUAL(sc->switches[3].reconnect.backoff_max_ns, 60 * FB_NS_PER_S);
	CU_ASSERT_EQUAL(sc->switches[4].reconnect.attempts_max, 0);
	CU_ASSERT_EQUAL(sc->steps[0].kind, STEP_CONTROLLER);
	CU_ASSERT_FALSE(sc->steps[0].change.up);
	CU_ASSERT_EQUAL(sc->steps[1].kind, STEP_CONTROL);
	CU_ASSERT_EQUAL(sc->steps[1].change.index, 2);
	CU_ASSERT_TRUE(sc->steps[1].change.up);
	done();
}

/* A queue whose rate is wrong is there for those who name it. */
static void a_mistake_in_a_queue_is_told_once(void)
{
	load_with("switches: {s1: {queues: [{port: 1, queue: 1, min_rate: 200%}], "
	          "flows: ['actions=enqueue:1:1']}}\n"
	          "hosts: {h1: {ip: 10.0.0.1}}\nlinks: [h1 -- s1]\nsteps: [{wait: 1s}]\n"
	          "expect: {queues: {at: 's1:1', queue: 1, sent: 1}}\n",
	          NULL);
	CU_ASSERT_EQUAL(problems.count, 1);
	CU_ASSERT_EQUAL(problems.items[0].at.column, 56);
	done();
}

UNIT_TESTS("scenario_load", UNIT_TEST(a_file_becomes_a_network),
           UNIT_TEST(what_is_not_said_has_a_default), UNIT_TEST(sections_may_stand_in_any_order),
           UNIT_TEST(a_listener_is_added_replaced_or_closed),
           UNIT_TEST(a_link_without_port_gets_the_smallest_that_nobody_took),
           UNIT_TEST(a_range_counts_addresses_and_ports_up),
           UNIT_TEST(links_are_named_from_either_end_with_or_without_port),
           UNIT_TEST(a_size_without_quotes_is_so_many_bytes),
           UNIT_TEST(traffic_is_expected_to_succeed_unless_the_file_says_more),
           UNIT_TEST(counts_are_exact_bounded_or_never),
           UNIT_TEST(what_only_grows_is_judged_again_at_the_end),
           UNIT_TEST(an_expect_of_the_file_is_its_last_step),
           UNIT_TEST(properties_are_switched_off_by_name),
           UNIT_TEST(files_are_read_with_the_scenario_and_once),
           UNIT_TEST(settings_change_options_of_applications),
           UNIT_TEST(all_mistakes_of_a_file_come_in_the_order_of_the_file),
           UNIT_TEST(a_switch_begins_with_its_queues_and_flows),
           UNIT_TEST(fragments_are_treated_as_the_file_says),
           UNIT_TEST(attempts_and_waits_follow_from_the_fail_mode),
           UNIT_TEST(a_mistake_in_a_queue_is_told_once),
           UNIT_TEST(mistakes_without_end_are_counted),
           UNIT_TEST(control_characters_do_not_reach_the_terminal))
