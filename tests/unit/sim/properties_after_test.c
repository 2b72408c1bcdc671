/* What must hold once a network has converged: each of the three properties is found broken by an
 * application that is wrong in one thing, and holds with the same application without it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/properties.h"
#include "sim/runner.h"
#include "tests/unit/harness.h"

/* --- An application that repeats every frame, but what 'is_dropped' says --- */

static bool (*is_dropped)(const struct fb_packet *p, uint64_t now_ns);
static bool doubles_echoes; /* echo requests are sent twice */
static unsigned dropped;

static void *wrong_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	(void)values;
	(void)error;
	dropped = 0;
	return app;
}

static void wrong_destroy(void *state)
{
	(void)state;
}

static bool is_echo_request(const struct fb_packet *p)
{
	return p->is_icmp && p->tp_src == FB_ICMP_ECHO_REQUEST;
}

/* --- A router, when it is to be one: at the last address but one of each /24, it knows the hosts by the
 * order of their networks --- */

static bool routes;
static const uint8_t router_mac[FB_MAC_BYTES] = {0x0e, 0, 0, 0, 0, 0xfe};

static bool is_for_router(const struct fb_packet *p)
{
	return routes && ((p->is_arp && p->arp_op == FB_ARP_REQUEST && (p->nw_dst & 255) == 254) ||
	                  (p->is_ipv4 && fb_mac_equal(p->dl_dst, router_mac)));
}

/* The actions that let 'pi' go on to the host with the address, by the router. */
static void route(const struct fb_packet *p, struct fb_buf *actions)
{
	const uint8_t mac[FB_MAC_BYTES] = {2, 0, 0, 0, 0, (uint8_t)(1 + (p->nw_dst >> 8 & 255))};

	fb_action_put_dl_addr(actions, OFPAT_SET_DL_SRC, router_mac);
	fb_action_put_dl_addr(actions, OFPAT_SET_DL_DST, mac);
	fb_action_put_output(actions, OFPP_FLOOD, 0);
}

static void answer_arp(void *state, struct fb_switch *sw, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	struct fb_eth_spec eth = {.has_vlan = false};
	uint8_t frame[100], bytes[sizeof(struct ofp_action_output)];
	struct fb_buf out = fb_buf_make(frame, sizeof frame);
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);

	memcpy(eth.dl_src, router_mac, FB_MAC_BYTES);
	memcpy(eth.dl_dst, p->dl_src, FB_MAC_BYTES);
	fb_build_arp(&out, &eth, FB_ARP_REPLY, router_mac, p->nw_dst, p->dl_src, p->nw_src);
	fb_action_put_output(&actions, pi->in_port, 0);
	fb_send_packet_out(state, sw, pi,
	                   &(struct fb_packet_out){.buffer_id = OFP_NO_BUFFER,
	                                           .in_port = OFPP_NONE,
	                                           .actions = {.data = bytes, .len = actions.len},
	                                           .data = {.data = frame, .len = out.len}});
}

static void wrong_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                            size_t count, uint64_t now_ns)
{
	uint8_t bytes[100];

	for (size_t i = 0; i < count; i++) {
		const struct fb_packet *p = &packet_ins[i].packet;
		struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);
		const bool drop = is_dropped && is_dropped(p, now_ns);

		dropped += drop;
		if (!drop && is_for_router(p) && p->is_arp)
			answer_arp(state, sw, &packet_ins[i]);
		else if (!drop && is_for_router(p))
			route(p, &actions);
		else if (!drop)
			fb_action_put_output(&actions, OFPP_FLOOD, 0);
		if (!drop && doubles_echoes && is_echo_request(p))
			fb_action_put_output(&actions, OFPP_FLOOD, 0);
		packet_ins[i].verdict = FB_STOP;
		fb_send_release(state, sw, &packet_ins[i],
		                (struct fb_view){.data = bytes, .len = actions.len});
	}
}

static const struct fb_app_class wrong = {.name = "wrong",
                                          .summary = "a hub that drops",
                                          .scope = FB_SCOPE_SWITCH,
                                          .create = wrong_create,
                                          .destroy = wrong_destroy,
                                          .packet_in = wrong_packet_in};

/* --- Running --- */

static struct runner_result result;
static uint64_t seed = 1;

/* Echo requests at hosts' interfaces: who sends, and who gets some. */
enum { HOSTS_MAX = 400 };
static unsigned asks[HOSTS_MAX], asked[HOSTS_MAX];

static void note_echo(void *ctx, uint64_t now_ns, uint32_t host, bool sent,
                      const struct frame *frame)
{
	const uint8_t *mac = frame->memory + frame->offset;
	struct fb_packet p;

	(void)ctx;
	(void)now_ns;
	if (host >= HOSTS_MAX || fb_packet_parse(&p, mac, frame->len) || !is_echo_request(&p))
		return;
	asks[host] += sent;
	asked[host] += !sent && fb_get16(mac + 4) == (host + 1);
}

/* Every application of the scenario is 'wrong' where it is a hub. */
static void run(const char *text)
{
	const struct network_observer observer = {.host_frame = note_echo};
	const struct runner_options options = {.seed = seed, .keep = true, .observer = &observer};
	struct problems problems;
	struct scenario *sc;

	memset(asks, 0, sizeof asks);
	memset(asked, 0, sizeof asked);
	problems_init(&problems);
	sc = scenario_load_text(text, strlen(text), "test.yaml", NULL, NULL, &problems);
	problems_print(&problems, "# test.yaml", stdout);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	for (size_t i = 0; i < sc->controller.apps_count; i++)
		if (sc->controller.apps[i].cls == &fb_app_hub)
			sc->controller.apps[i].cls = &wrong;
	runner_run(sc, &options, &result);
	scenario_free(sc);
	problems_destroy(&problems);
}

static void holds(const char *text)
{
	run(text);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	if (result.failures.total)
		failures_print(&result.failures, "# test.yaml", stdout);
	runner_result_destroy(&result);
}

/* It holds, and a violation of 'property' was excused. */
static void excused(enum scenario_property property, const char *text)
{
	run(text);
	CU_ASSERT_EQUAL(result.failures.total, 0);
	if (result.failures.total)
		failures_print(&result.failures, "# test.yaml", stdout);
	CU_ASSERT_EQUAL(result.excused[property], 1);
	runner_result_destroy(&result);
}

/* The property 'name' and no other does not hold, and 'part' is in what happened. */
static void breaks(const char *name, const char *text, const char *part)
{
	run(text);
	CU_ASSERT_EQUAL(result.failures.total, 1);
	if (result.failures.total == 1) {
		CU_ASSERT_STRING_EQUAL(result.failures.items[0].key, name);
		CU_ASSERT_PTR_NOT_NULL(strstr(result.failures.items[0].happened, part));
		if (!strstr(result.failures.items[0].happened, part))
			printf("# lacks '%s': %s\n", part, result.failures.items[0].happened);
	} else {
		failures_print(&result.failures, "# test.yaml", stdout);
	}
	runner_result_destroy(&result);
}

#define NET(properties)                                                                            \
	"controller: hub\nswitches: {s1: {}}\nproperties: {" properties "}\n"                      \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}, h3: {ip: 10.0.0.3/24}}\n"           \
	"links: [h1 -- s1:1, h2 -- s1:2, h3 -- s1:3]\nsteps:\n"
#define HOLES NET("reachability: no")

/* --- Black holes --- */

static bool drops_echo_requests(const struct fb_packet *p, uint64_t now_ns)
{
	(void)now_ns;
	return is_echo_request(p);
}

static bool drops_two_of_three(const struct fb_packet *p, uint64_t now_ns)
{
	static unsigned count;

	return drops_echo_requests(p, now_ns) && ++count % 3 != 0;
}

static bool drops_data(const struct fb_packet *p, uint64_t now_ns)
{
	(void)now_ns;
	return p->is_tcp && p->payload_len;
}

static bool drops_for_three_seconds(const struct fb_packet *p, uint64_t now_ns)
{
	return drops_echo_requests(p, now_ns) && now_ns < 3 * FB_NS_PER_S;
}

#define PINGS "  - ping: {from: h1, to: h2, count: 8, expect: {outcome: any}}\n"

static void pings_that_disappear_are_a_black_hole(void)
{
	is_dropped = drops_echo_requests;
	breaks("no_blackholes", HOLES PINGS,
	       "what h1 sends to h2, ICMP 10.0.0.1 > 10.0.0.2, reaches nobody: 3 frames in a row");
	holds(NET("reachability: no, no_blackholes: no") PINGS);
	is_dropped = NULL;
	holds(HOLES PINGS);
}

static bool drops_answers(const struct fb_packet *p, uint64_t now_ns)
{
	(void)now_ns;
	return p->nw_src == 0x0a000002 && (p->is_udp || p->is_icmp) && !is_echo_request(p);
}

static void answers_that_disappear_are_a_black_hole(void)
{
	static const char text[] = HOLES "  - {repeat: 8, udp: {from: h1, to: \"h2:7\", src_port: 5000, "
	                                 "timeout: 1s, expect: {outcome: any}}}\n";

	is_dropped = drops_answers;
	breaks("no_blackholes", HOLES PINGS, "what h2 sends to h1, ICMP 10.0.0.2 > 10.0.0.1");
	breaks("no_blackholes", text, "what h2 sends to h1, UDP 10.0.0.2:7 > 10.0.0.1:5000");
	is_dropped = NULL;
	holds(text);
}

static void segments_that_are_sent_again_are_of_one_flow(void)
{
	static const char text[] = HOLES "  - tcp: {from: h1, to: h2:7, src_port: 5000, timeout: "
	                                 "10s, expect: {outcome: timeout}}\n";

	is_dropped = drops_data;
	breaks("no_blackholes", text, "TCP 10.0.0.1:5000 > 10.0.0.2:7");
	is_dropped = NULL;
	holds(HOLES "  - tcp: {from: h1, to: h2:7, src_port: 5000, timeout: 10s}\n");
}

static bool drops_data_of_servers(const struct fb_packet *p, uint64_t now_ns)
{
	(void)now_ns;
	return p->is_tcp && p->payload_len && p->tp_src == 22;
}

static void what_a_server_sends_counts_as_long_as_the_client_waits(void)
{
	is_dropped = drops_data_of_servers;
	breaks("no_blackholes",
	       HOLES "  - tcp: {from: h1, to: h2:22, src_port: 5000, timeout: 10s, expect: "
	             "{outcome: timeout}}\n",
	       "what h2 sends to h1, TCP 10.0.0.2:22 > 10.0.0.1:5000");
	/* The client is switched off, and has forgotten it. */
	holds(NET("reachability: no") "  - parallel:\n"
	                              "      - tcp: {from: h1, to: h2:22, src_port: 5000, expect: "
	                              "{outcome: aborted}}\n"
	                              "      - steps: [{wait: 400ms}, {host: {down: h1}}, {host: "
	                              "{up: h1}}]\n  - wait: 30s\n");
	is_dropped = NULL;
	holds(HOLES "  - tcp: {from: h1, to: h2:22, src_port: 5000, timeout: 10s}\n");
}

static void the_last_frames_of_a_run_are_judged_too(void)
{
	is_dropped = drops_echo_requests;
	breaks("no_blackholes",
	       HOLES "  - ping: {from: h1, to: h2, count: 3, expect: {answered: 0}}\n",
	       "3 frames in a row");
	holds(HOLES "  - ping: {from: h1, to: h2, count: 2, expect: {answered: 0}}\n");
}

static void three_at_once_are_no_black_hole(void)
{
	is_dropped = drops_echo_requests;
	holds(HOLES
	      "  - ping: {from: h1, to: h2, count: 30, interval: 30ms, expect: {answered: 0}}\n");
	breaks("no_blackholes",
	       HOLES
	       "  - ping: {from: h1, to: h2, count: 40, interval: 30ms, expect: {answered: 0}}\n",
	       "3 frames in a row");
}

static void what_arrives_now_and_then_is_no_black_hole(void)
{
	is_dropped = drops_two_of_three;
	holds(HOLES "  - ping: {from: h1, to: h2, count: 30, expect: {answered: 10}}\n");
	CU_ASSERT_EQUAL(dropped, 20);
}

static void what_links_lose_is_in_no_black_hole(void)
{
	is_dropped = NULL;
	holds("controller: hub\nswitches: {s1: {}}\nproperties: {reachability: no}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	      "links: [{between: h1 -- s1, loss: 70%}, {between: h2 -- s1, loss: 70%}]\nsteps:\n"
	      "  - ping: {from: h1, to: h2, count: 200, expect: {answered: {at_most: 199}}}\n");
}

static void before_a_network_has_converged_nothing_is_judged(void)
{
	static const char text[] =
	        HOLES "  - link: {down: h3 -- s1}\n  - link: {up: h3 -- s1}\n" PINGS;

	is_dropped = drops_for_three_seconds;
	breaks("no_blackholes", HOLES PINGS, "3 frames in a row");
	holds(text);
	is_dropped = drops_echo_requests;
	breaks("no_blackholes", text, "3 frames in a row");
}

static void a_connection_that_comes_back_has_to_converge(void)
{
	static const char text[] = HOLES "  - control: {down: s1}\n  - control: {up: s1}\n"
	                                 "  - wait: ready\n  - wait: 5s\n" PINGS;

	is_dropped = drops_echo_requests;
	breaks("no_blackholes", text, "3 frames in a row");
	is_dropped = NULL;
	holds(HOLES "  - ping: {from: h1, to: h2}\n  - control: {down: s1}\n"
	            "  - ping: {from: h1, to: h2, count: 20, expect: {answered: 0}}\n");
}

static void what_was_lost_before_a_disturbance_is_not_judged(void)
{
	is_dropped = drops_echo_requests;
	holds(HOLES "  - ping: {from: h1, to: h2, count: 3, expect: {answered: 0}}\n"
	            "  - link: {down: h3 -- s1}\n  - link: {up: h3 -- s1}\n");
}

/* The switch connects eight seconds later, when the network should have converged. */
static void a_switch_that_connects_late_has_to_converge_then(void)
{
	is_dropped = NULL;
	holds("controller: hub\nswitches: {s1: {backoff: [8s, 8s]}}\nproperties: {reachability: "
	      "no}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	      "links: [h1 -- s1, h2 -- s1]\nsteps:\n  - ping: {from: h1, to: h2}\n"
	      "  - control: {down: s1}\n  - wait: 1s\n  - control: {up: s1}\n"
	      "  - udp: {from: h1, to: h2:9, src_port: 5000}\n  - wait: 5100ms\n"
	      "  - repeat: 6\n    steps: [{udp: {from: h1, to: \"h2:9\", src_port: 5000}}, {wait: "
	      "300ms}]\n  - wait: ready\n");
}

static void who_is_not_there_is_in_no_black_hole(void)
{
	is_dropped = NULL;
	holds(HOLES "  - ping: {from: h1, to: h2}\n  - host: {down: h2}\n"
	            "  - ping: {from: h1, to: h2, count: 20, expect: {answered: 0}}\n");
	holds(HOLES "  - ping: {from: h1, to: h2}\n  - link: {down: h2 -- s1}\n"
	            "  - ping: {from: h1, to: h2, count: 20, expect: {answered: 0}}\n");
}

static void entries_are_judged_where_there_is_a_controller(void)
{
	static const char text[] =
	        "properties: {reachability: no}\n"
	        "switches: {s1: {flows: [\"arp,actions=flood\", \"icmp,actions=drop\"]}}\n"
	        "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	        "links: [h1 -- s1:1, h2 -- s1:2]\nsteps:\n" PINGS;
	char with[1000];

	snprintf(with, sizeof with, "controller: learning\n%s", text);
	breaks("no_blackholes", with, "3 frames in a row");
	holds(text);
}

static void an_address_of_the_controller_stands_for_those_who_have_the_other(void)
{
	static const char text[] =
	        "properties: {reachability: no}\n"
	        "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}, h3: {ip: 10.0.0.2/24}}\n"
	        "links: [h1 -- s1:1, h2 -- s1:2, h3 -- s1:3]\nsteps:\n" PINGS;
	char with[1000];

	is_dropped = NULL;
	snprintf(with, sizeof with, "controller: balancer\nswitches: {s1: {}}\n%s", text);
	holds(with);
	snprintf(with, sizeof with,
	         "controller: balancer\n"
	         "switches: {s1: {flows: [\"icmp,in_port=1,actions=drop\"]}}\n%s",
	         text);
	breaks("no_blackholes", with, "what h1 sends to h2, ICMP 10.0.0.1 > 10.0.0.2");
}

static void what_is_refused_does_not_disappear(void)
{
	is_dropped = NULL;
	holds("controller: \"balancer,check=tcp:22,check_interval=2s\"\nproperties: {reachability: "
	      "no}\nswitches: {s1: {}}\n"
	      "hosts:\n  h1: {ip: 10.0.0.1/24}\n  h2: {ip: 10.0.0.2/24, listen: {22: none}}\n"
	      "  h3: {ip: 10.0.0.2/24, listen: {22: none}}\nlinks: [h1..h3 -- s1]\nsteps:\n"
	      "  - ping: {from: h1, to: h2}\n  - wait: 10s\n"
	      "  - repeat: 8\n    steps:\n"
	      "      - tcp: {from: h1, to: \"h2:7\", src_port: 5000, expect: {outcome: refused}}\n"
	      "      - wait: 500ms\n"
	      "expect: {answered: {h2: 0, h3: 0}}\n");
}

/* SYN-ACKs of a server that the controller refuses, in the name of a client which has given up: links lose the
 * RSTs, so that it sends them again. */
static void what_is_refused_by_a_reset_that_a_link_lost_does_not_either(void)
{
	is_dropped = NULL;
	for (seed = 1; seed <= 8; seed++)
		holds("controller: balancer\nproperties: {reachability: no, connections_end: no}\n"
		      "switches: {s1: {}}\nhosts:\n  c1..c100: {ip: 10.0.0.101/24}\n"
		      "  h1: {ip: 10.0.0.2/24}\n  h2: {ip: 10.0.0.2/24}\n"
		      "links: [c1..c100 -- s1, {between: h1..h2 -- s1, loss: 30%}]\nsteps:\n"
		      "  - parallel: [{repeat: 10, tcp: {from: c1..c100, to: \"10.0.0.2:22\", "
		      "expect: {outcome: any}}}]\n");
	seed = 1;
}

/* --- Reachability --- */

static bool drops_from_h1_to_h2(const struct fb_packet *p, uint64_t now_ns)
{
	return drops_echo_requests(p, now_ns) && p->nw_src == 0x0a000001 && p->nw_dst == 0x0a000002;
}

static bool drops_the_first_two(const struct fb_packet *p, uint64_t now_ns)
{
	return drops_from_h1_to_h2(p, now_ns) && dropped < 2;
}

#define WAIT "  - wait: 1s\n"

static void who_does_not_reach_another_is_found(void)
{
	is_dropped = drops_from_h1_to_h2;
	breaks("reachability", NET("") WAIT, "1 of 6 pings had no answer (X)");
	breaks("reachability", NET("") WAIT,
	       "\n                        h1  h2  h3"
	       "\n            h1           -   X   ."
	       "\n            h2           .   -   ."
	       "\n            h3           .   .   -");
	holds(NET("reachability: no") WAIT);
	is_dropped = NULL;
	holds(NET("") WAIT);
	CU_ASSERT_EQUAL(asks[0] + asks[1] + asks[2], 6);
}

/* Nobody is asked without a controller, or where there are loops. */
static void reachability_of_whom_nobody_asked_is_not_judged(void)
{
	static const char *const texts[] = {
	        "switches: {s1: {flows: [\"actions=drop\"]}}\n"
	        "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	        "links: [h1 -- s1:1, h2 -- s1:2]\nsteps:\n" WAIT,
	        NET("") "  - controller: down\n" WAIT,
	};

	is_dropped = NULL;
	for (size_t i = 0; i < 2; i++) {
		run(texts[i]);
		CU_ASSERT_EQUAL(result.failures.total, 0);
		CU_ASSERT_EQUAL(result.judged_properties[REACHABILITY].verdict, RUNNER_NOT_JUDGED);
		CU_ASSERT_EQUAL(result.judged_properties[NO_LOOPS].verdict, RUNNER_HELD);
		CU_ASSERT_FALSE(result.properties_held >> REACHABILITY & 1);
		runner_result_destroy(&result);
	}
}

static void three_tries_are_made(void)
{
	is_dropped = drops_the_first_two;
	holds(NET("") WAIT);
	CU_ASSERT_EQUAL(dropped, 2);
}

static void on_lossy_links_more_tries_are_made(void)
{
	is_dropped = NULL;
	for (seed = 1; seed <= 20; seed++)
		holds("controller: hub\nswitches: {s1: {}}\n"
		      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
		      "links: [{between: h1 -- s1, loss: 50%}, h2 -- s1]\nsteps:\n" WAIT);
	seed = 1;
}

static void what_is_said_takes_the_place_of_what_is_meant(void)
{
	is_dropped = drops_from_h1_to_h2;
	holds(NET("reachability: {h1: h3}") WAIT);
	holds(NET("reachability: {h1: [h3], h2: [h1, h3]}") WAIT);
	breaks("reachability", NET("reachability: {h1: [h3], h2: h1}") WAIT,
	       "1 of 6 pings had one that must not (!)");
	breaks("reachability", NET("reachability: {h1: none}") WAIT, "h1           -   -   !");
	breaks("reachability", NET("reachability: {h1: [h2..h3]}") WAIT, "h1           -   X   .");
	is_dropped = NULL;
	breaks("reachability", NET("reachability: {h1: h3}") WAIT, "h1           -   !   .");
}

static void rows_are_checked_when_they_are_read(void)
{
	static const char *const wrong_rows[][2] = {
	        {"{h9: none}", "no host is named 'h9'"},
	        {"{h1: h8}", "no host is named 'h8'"},
	        {"{h1: []}", "h1 is an empty list: write a list of the hosts"},
	        {"{h1: {}}", "h1 is a map"},
	        {"{}", "'reachability' is empty: write who reaches whom"},
	        {"{h1: h1}", "'h1' reaches itself"},
	        {"{h1: h2, h1: h3}", "stands twice"},
	        {"[h1]", "'reachability' is a list"},
	        {"{s1: h1}", "'s1' is a switch"},
	};

	for (size_t i = 0; i < sizeof wrong_rows / sizeof wrong_rows[0]; i++) {
		char text[1000];
		struct problems problems;

		snprintf(text, sizeof text,
		         "switches: {s1: {fail_mode: standalone}}\nhosts: {h1: {ip: 10.0.0.1/24}, "
		         "h2: {ip: 10.0.0.2/24}, "
		         "h3: {ip: 10.0.0.3/24}}\nlinks: [h1 -- s1, h2 -- s1, h3 -- s1]\n"
		         "properties:\n  reachability: %s\nsteps:\n  - wait: 1s\n",
		         wrong_rows[i][0]);
		problems_init(&problems);
		CU_ASSERT_PTR_NULL(
		        scenario_load_text(text, strlen(text), "test.yaml", NULL, NULL, &problems));
		CU_ASSERT_TRUE_FATAL(problems.count > 0);
		CU_ASSERT_EQUAL(problems.items[0].at.line, 5);
		CU_ASSERT_PTR_NOT_NULL(strstr(problems.items[0].text, wrong_rows[i][1]));
		if (!strstr(problems.items[0].text, wrong_rows[i][1]))
			printf("# %s: %s\n", wrong_rows[i][0], problems.items[0].text);
		problems_destroy(&problems);
	}
}

static void only_who_should_be_reached_is_asked(void)
{
	is_dropped = drops_echo_requests;
	holds(NET("") "  - host: {down: h3}\n  - link: {down: h2 -- s1}\n");
	holds(NET("") "  - control: {down: s1}\n");
	holds(NET("") "  - controller: down\n");
	holds(NET("") "  - switch: {down: s1}\n");
	holds("controller: hub\nswitches: {s1: {}, s2: {}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.1/24}, h3: {ip: 10.0.1.3/24}, "
	      "h4: {ip: 10.0.0.4/24}, h5: {ip: 10.0.1.5/24, gateway: 10.0.1.254}, "
	      "h6: {ip: 10.0.0.6/32}}\n"
	      "links: [h1 -- s1, h2 -- s1, h3 -- s1, h4 -- s2, h5 -- s1, h6 -- s1]\n"
	      "properties: {reachability: {h3: none, h5: none}}\nsteps:\n" WAIT);
	holds("switches: {s1: {flows: [\"arp,actions=flood\"]}}\n"
	      "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	      "links: [h1 -- s1, h2 -- s1]\nsteps:\n" WAIT);
	breaks("reachability",
	       "controller: hub\nswitches: {s1: {}, s2: {}}\n"
	       "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.1/24}, h3: {ip: 10.0.0.3/24}}\n"
	       "links: [h1 -- s1, h2 -- s2, h3 -- s2, s1 -- s2]\nsteps:\n" WAIT,
	       "\n            h1           -   -   X"
	       "\n            h2           -   -   X"
	       "\n            h3           X   X   -");
}

static bool drops_to_h2(const struct fb_packet *p, uint64_t now_ns)
{
	return drops_echo_requests(p, now_ns) && p->nw_dst == 0x0a000102;
}

static void gateways_that_are_there_lead_to_others(void)
{
	static const char text[] = "controller: hub\nswitches: {s1: {}}\n"
	                           "hosts: {h1: {ip: 10.0.0.1/24, gateway: 10.0.0.254}, "
	                           "h2: {ip: 10.0.1.2/24, gateway: 10.0.1.254}}\n"
	                           "links: [h1 -- s1, h2 -- s1]\nsteps:\n";
	char with[1000];

	/* Nobody has spoken with a gateway: nobody knows whether there is one. */
	is_dropped = drops_echo_requests;
	routes = true;
	snprintf(with, sizeof with, "%s%s", text, WAIT);
	holds(with);
	CU_ASSERT_EQUAL(asks[0] + asks[1], 0);
	is_dropped = NULL;
	snprintf(with, sizeof with, "%s  - ping: {from: h1, to: h2}\n", text);
	holds(with);
	CU_ASSERT_EQUAL(asks[0] + asks[1], 3);
	is_dropped = drops_to_h2;
	snprintf(with, sizeof with, "%s  - ping: {from: h2, to: h1}\n", text);
	breaks("reachability", with, "\n            h1           -   X");
	routes = false;
}

static void a_ping_that_nobody_counts_changes_nothing(void)
{
	char digest[DIGEST_TEXT_BYTES];
	uint64_t frames, messages, events, now_ns;

	is_dropped = NULL;
	run(NET("") PINGS);
	memcpy(digest, result.digest, sizeof digest);
	frames = result.frames;
	messages = result.messages;
	events = result.events;
	now_ns = result.now_ns;
	CU_ASSERT_EQUAL(asks[2], 2);
	runner_result_destroy(&result);
	run(NET("reachability: no") PINGS);
	CU_ASSERT_EQUAL(asks[2], 0);
	CU_ASSERT_STRING_EQUAL(digest, result.digest);
	CU_ASSERT_EQUAL(frames, result.frames);
	CU_ASSERT_EQUAL(messages, result.messages);
	CU_ASSERT_EQUAL(events, result.events);
	CU_ASSERT_EQUAL(now_ns, result.now_ns);
	runner_result_destroy(&result);
}

static void other_properties_are_watched_meanwhile(void)
{
	is_dropped = NULL;
	doubles_echoes = true;
	breaks("no_duplicates", NET("") WAIT, "a second time");
	holds(NET("reachability: no") WAIT);
	doubles_echoes = false;
}

/* Hosts in pairs where they are many. */
static void many(unsigned count, const char *step)
{
	char text[1000];

	snprintf(text, sizeof text,
	         "controller: hub\nswitches: {s1: {}}\nhosts: {h1..h%u: {ip: 10.0.0.1/16}}\n"
	         "links: [h1..h%u -- s1]\nsteps:\n%s",
	         count, count, step);
	holds(text);
}

static void of_many_hosts_each_asks_or_is_asked_once(void)
{
	is_dropped = NULL;
	for (unsigned count = 13; count <= 200; count += 17) {
		many(count, WAIT);
		for (unsigned i = 0; i < count; i++) {
			CU_ASSERT_TRUE(asks[i] + asked[i] >= 1);
			CU_ASSERT_TRUE(asks[i] <= 1);
		}
	}
}

static void of_very_many_hosts_some_are_asked(void)
{
	unsigned first = 0, second = 0;

	is_dropped = NULL;
	many(400, WAIT);
	for (unsigned i = 0; i < 400; i++)
		*(i < 200 ? &first : &second) += asks[i];
	CU_ASSERT_TRUE(first > 25 && second > 25);
	CU_ASSERT_TRUE(first + second < 200);
}

/* --- Connections --- */

static bool drops_resets(const struct fb_packet *p, uint64_t now_ns)
{
	(void)now_ns;
	return p->is_tcp && p->tcp_flags & FB_TCP_RST;
}

/* The client gives up after two seconds, with a RST; the server waits for its FIN. */
#define CONNECTION                                                                                 \
	"tcp: {from: h1, to: \"h2:7\", src_port: 5000, keep_open: yes, timeout: 2s, expect: "      \
	"{outcome: any}}"
/* The same, while something else happens to it after a second. */
#define MEANWHILE(steps)                                                                           \
	"  - parallel:\n      - " CONNECTION "\n      - steps: [{wait: 1s}, " steps "]\n"

static void a_connection_whose_end_is_kept_from_a_server_is_half_open(void)
{
	is_dropped = drops_resets;
	breaks("connections_end", NET("") "  - " CONNECTION "\n",
	       "h2:7 has one in state ESTABLISHED with h1:5000, where it is CLOSED: it began ");
	holds(NET("connections_end: no") "  - " CONNECTION "\n");
	is_dropped = NULL;
	holds(NET("") "  - " CONNECTION "\n");
}

static void a_peer_without_power_excuses_its_connections(void)
{
	is_dropped = NULL;
	excused(CONNECTIONS_END, NET("") MEANWHILE("{host: {down: h1}}, {host: {up: h1}}"));
	excused(CONNECTIONS_END, NET("") MEANWHILE("{fault: {host_down: {host: h1, for: 100ms}}}"));
	/* That another lost its power excuses nothing. */
	is_dropped = drops_resets;
	breaks("connections_end",
	       NET("") "  - host: {down: h3}\n  - host: {up: h3}\n  - wait: 10s\n  - " CONNECTION
	               "\n",
	       "h2:7 has one in state ESTABLISHED");
	breaks("connections_end",
	       NET("") "  - host: {down: h1}\n  - host: {up: h1}\n  - wait: 10s\n  - " CONNECTION
	               "\n",
	       "h2:7 has one in state ESTABLISHED");
}

/* h1 opens connections to h2; h4 has the address of one of them, and nothing to do with that. */
#define SHARING(h1, h2, h4, flow)                                                                  \
	"switches: {s1: {flows: [\"" flow "\", \"in_port=2,actions=output:1\"]}}\n"                  \
	"properties: {reachability: no}\n"                                                         \
	"hosts: {h1: {ip: " h1 "/24}, h2: {ip: " h2 "/24}, h4: {ip: " h4 "/24}}\n"                   \
	"links: [h1 -- s1:1, h2 -- s1:2, h4 -- s1:4]\nsteps:\n"
#define UNTIL(flow_end) "priority=2,in_port=1,hard_timeout=" flow_end ",actions=output:2"

static void a_host_that_shares_the_peers_address_excuses_no_connection(void)
{
	static const char long_lived[] =
	        "  - parallel:\n"
	        "      - tcp: {from: h1, to: \"h2:7\", pause: 13s, timeout: 20s, expect: {outcome: any}}\n"
	        "      - steps: [{wait: 1s}, {host: {down: h4}}, {host: {up: h4}}]\n";
	static const char own_power[] =
	        "  - parallel:\n"
	        "      - tcp: {from: h1, to: \"h2:7\", pause: 13s, timeout: 20s, expect: {outcome: any}}\n"
	        "      - steps: [{wait: 1s}, {host: {down: h1}}, {host: {up: h1}}]\n";
	char text[2000];

	is_dropped = NULL;
	/* The client's is shared: h2 waits for who has gone. */
	snprintf(text, sizeof text, "%s%s", SHARING("10.0.0.1", "10.0.0.2", "10.0.0.1", UNTIL("12")),
	         long_lived);
	breaks("connections_end", text, "h2:7 has one in state ESTABLISHED with h1:");
	snprintf(text, sizeof text, "%s%s", SHARING("10.0.0.1", "10.0.0.2", "10.0.0.1", UNTIL("12")),
	         own_power);
	excused(CONNECTIONS_END, text);
}

static void a_reset_that_a_link_lost_excuses_its_connection(void)
{
	static const char text[] =
	        "controller: hub\nswitches: {s1: {}}\n"
	        "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	        "links: [{between: h1 -- s1, loss: 20%}, h2 -- s1]\nsteps:\n  - " CONNECTION "\n";
	uint64_t count = 0;

	is_dropped = NULL;
	for (seed = 1; seed <= 40; seed++) {
		run(text);
		CU_ASSERT_EQUAL(result.failures.total, 0);
		count += result.excused[CONNECTIONS_END];
		runner_result_destroy(&result);
	}
	seed = 1;
	CU_ASSERT_TRUE(count > 2 && count < 38);
}

/* Also where the byte that changed says whose it was, or that it is one. */
static void a_reset_that_a_link_changed_excuses_its_connection(void)
{
	static const char text[] =
	        "switches: {s1: {flows: [\"in_port=1,actions=output:2\", \"in_port=2,actions=output:1\"]}}\n"
	        "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	        "links: [{between: h1 -- s1:1, corrupt: 20%}, h2 -- s1:2]\n"
	        "properties: {reachability: no}\nsteps:\n"
	        "  - {repeat: 40, tcp: {from: h1, to: h2:7, send: hello, pause: 5s, timeout: 2s, "
	        "expect: {outcome: any}}}\n";
	uint64_t count = 0;

	is_dropped = NULL;
	for (seed = 1; seed <= 10; seed++) {
		run(text);
		CU_ASSERT_EQUAL(result.failures.total, 0);
		count += result.excused[CONNECTIONS_END];
		runner_result_destroy(&result);
	}
	seed = 1;
	CU_ASSERT_TRUE(count > 10);
}

static void who_gave_up_before_the_network_converged_is_excused(void)
{
	is_dropped = drops_resets;
	excused(CONNECTIONS_END,
	        NET("") MEANWHILE("{link: {down: h3 -- s1}}, {link: {up: h3 -- s1}}"));
	/* Its RST could not even be sent. */
	is_dropped = NULL;
	excused(CONNECTIONS_END,
	        NET("") MEANWHILE("{link: {down: h1 -- s1}}, {wait: 5s}, {link: {up: h1 -- s1}}"));
	/* Once it has converged, giving up must be heard. */
	is_dropped = drops_resets;
	breaks("connections_end",
	       NET("") "  - link: {down: h3 -- s1}\n  - link: {up: h3 -- s1}\n  - wait: 5s\n"
	               "  - " CONNECTION "\n",
	       "; its first RST was sent ");
}

/* What disturbs the network later excuses nothing of it, nor did what disturbed it long before. */
static void who_gave_up_in_a_calm_is_not_excused_later(void)
{
	is_dropped = drops_resets;
	breaks("connections_end",
	       NET("") "  - " CONNECTION "\n  - wait: 60s\n  - link: {down: h3 -- s1}\n"
	               "  - link: {up: h3 -- s1}\n",
	       "; its first RST was sent ");
	breaks("connections_end",
	       NET("") "  - link: {down: h3 -- s1}\n  - link: {up: h3 -- s1}\n  - wait: 5s\n"
	               "  - " CONNECTION "\n  - wait: 2s\n"
	               "  - fault: {link_down: {link: h3 -- s1, for: 1s}}\n",
	       "; its first RST was sent ");
	/* What comes at once after it may be to blame. */
	excused(CONNECTIONS_END,
	        NET("") "  - " CONNECTION "\n  - link: {down: h3 -- s1}\n  - link: {up: h3 -- s1}\n");
	is_dropped = NULL;
}

static void who_is_cut_off_is_excused(void)
{
	/* It goes on for long: the network has converged when the client gives up. */
	static const char text[] =
	        NET("") "  - parallel:\n"
	                "      - tcp: {from: h1, to: \"h2:7\", src_port: 5000, keep_open: yes, "
	                "timeout: "
	                "20s, expect: {outcome: any}}\n"
	                "      - steps: [{wait: 1s}, {link: {down: h2 -- s1}}]\n";

	is_dropped = NULL;
	excused(CONNECTIONS_END, text);
	is_dropped = drops_resets;
	breaks("connections_end",
	       NET("") "  - tcp: {from: h1, to: \"h2:7\", keep_open: yes, timeout: 20s, expect: "
	               "{outcome: any}}\n",
	       "ESTABLISHED");
}

static uint64_t converged_at_ten(void *ctx)
{
	(void)ctx;
	return 10;
}

static void each_row_excuses_what_it_says_alone(void)
{
	static const char text[] = "hosts: {h1: {ip: 10.0.0.1/24}}\nsteps: [wait: 1s]\n";
	const struct excuses_ops ops = {.converged_at = converged_at_ten};
	struct excuses_violation v = {.property = CONNECTIONS_END, .now_ns = 20, .given_up_ns = 10};
	struct problems problems;
	struct scenario *sc;
	struct excuses *excuses;

	problems_init(&problems);
	sc = scenario_load_text(text, strlen(text), "test.yaml", NULL, NULL, &problems);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	excuses = excuses_new(sc, &ops);
	CU_ASSERT_EQUAL(excuses_find(excuses, &v), EXCUSE_ROWS);
	v.given_up_ns = 9;
	CU_ASSERT_EQUAL(excuses_find(excuses, &v), EXCUSE_GIVEN_UP_EARLY);
	v.given_up_ns = 10;
	v.peer_was_off = true;
	CU_ASSERT_EQUAL(excuses_find(excuses, &v), EXCUSE_PEER_WAS_OFF);
	v.peer_was_off = false;
	v.reset_lost = true;
	CU_ASSERT_EQUAL(excuses_find(excuses, &v), EXCUSE_LOST_RESET);
	v.reset_lost = false;
	v.cut_off = true;
	CU_ASSERT_EQUAL(excuses_find(excuses, &v), EXCUSE_CUT_OFF);
	v.property = NO_BLACKHOLES;
	CU_ASSERT_EQUAL(excuses_find(excuses, &v), EXCUSE_ROWS);
	excuses_free(excuses);
	scenario_free(sc);
	problems_destroy(&problems);
}

UNIT_TESTS("properties_after", UNIT_TEST(each_row_excuses_what_it_says_alone),
           UNIT_TEST(pings_that_disappear_are_a_black_hole),
           UNIT_TEST(answers_that_disappear_are_a_black_hole),
           UNIT_TEST(segments_that_are_sent_again_are_of_one_flow),
           UNIT_TEST(what_a_server_sends_counts_as_long_as_the_client_waits),
           UNIT_TEST(the_last_frames_of_a_run_are_judged_too),
           UNIT_TEST(three_at_once_are_no_black_hole),
           UNIT_TEST(what_arrives_now_and_then_is_no_black_hole),
           UNIT_TEST(what_links_lose_is_in_no_black_hole),
           UNIT_TEST(before_a_network_has_converged_nothing_is_judged),
           UNIT_TEST(a_connection_that_comes_back_has_to_converge),
           UNIT_TEST(what_was_lost_before_a_disturbance_is_not_judged),
           UNIT_TEST(a_switch_that_connects_late_has_to_converge_then),
           UNIT_TEST(who_is_not_there_is_in_no_black_hole),
           UNIT_TEST(entries_are_judged_where_there_is_a_controller),
           UNIT_TEST(an_address_of_the_controller_stands_for_those_who_have_the_other),
           UNIT_TEST(what_is_refused_does_not_disappear),
           UNIT_TEST(what_is_refused_by_a_reset_that_a_link_lost_does_not_either),
           UNIT_TEST(who_does_not_reach_another_is_found), UNIT_TEST(three_tries_are_made),
           UNIT_TEST(reachability_of_whom_nobody_asked_is_not_judged),
           UNIT_TEST(on_lossy_links_more_tries_are_made),
           UNIT_TEST(what_is_said_takes_the_place_of_what_is_meant),
           UNIT_TEST(rows_are_checked_when_they_are_read),
           UNIT_TEST(only_who_should_be_reached_is_asked),
           UNIT_TEST(gateways_that_are_there_lead_to_others),
           UNIT_TEST(a_ping_that_nobody_counts_changes_nothing),
           UNIT_TEST(other_properties_are_watched_meanwhile),
           UNIT_TEST(of_many_hosts_each_asks_or_is_asked_once),
           UNIT_TEST(of_very_many_hosts_some_are_asked),
           UNIT_TEST(a_connection_whose_end_is_kept_from_a_server_is_half_open),
           UNIT_TEST(a_peer_without_power_excuses_its_connections),
           UNIT_TEST(a_host_that_shares_the_peers_address_excuses_no_connection),
           UNIT_TEST(a_reset_that_a_link_lost_excuses_its_connection),
           UNIT_TEST(a_reset_that_a_link_changed_excuses_its_connection),
           UNIT_TEST(who_gave_up_before_the_network_converged_is_excused),
           UNIT_TEST(who_gave_up_in_a_calm_is_not_excused_later),
           UNIT_TEST(who_is_cut_off_is_excused))
