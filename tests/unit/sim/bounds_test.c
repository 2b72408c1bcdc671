/* What is over its limit is found: the network has room for more than those who look know of. */
#include <stdio.h>
#include <string.h>

#include <flowbed/app.h>

#include "sim/bounds.h"
#include "tests/unit/harness.h"

static struct scenario *large, *small; /* of the network; as 'bounds' knows it */
static struct network *net;
static struct bounds *bounds;
static unsigned count;
static char last[200];

static void over(void *ctx, const char *what)
{
	(void)ctx;
	count++;
	snprintf(last, sizeof last, "%s", what);
}

static struct scenario *load(const char *head)
{
	struct problems problems;
	struct scenario *sc;
	char text[1000];

	snprintf(text, sizeof text,
	         "%shosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\nsteps: [wait: 1s]\n",
	         head);
	problems_init(&problems);
	sc = scenario_load_text(text, strlen(text), "test.yaml", NULL, NULL, &problems);
	problems_print(&problems, "# test.yaml", stdout);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	problems_destroy(&problems);
	return sc;
}

static void watch_sending(void *ctx, uint64_t now_ns, uint32_t link, unsigned to, uint32_t host,
                          struct frame *frame)
{
	(void)ctx;
	(void)now_ns;
	(void)host;
	(void)frame;
	bounds_look(bounds, link, to);
}

static void watch_bytes(void *ctx, uint64_t now_ns, uint32_t sw, unsigned to, const uint8_t *bytes,
                        size_t len)
{
	(void)ctx;
	(void)now_ns;
	(void)to;
	(void)bytes;
	(void)len;
	bounds_message(bounds, sw);
}

static void watch_fault(void *ctx, uint64_t now_ns, const struct fault *fault, bool begins)
{
	(void)ctx;
	(void)now_ns;
	bounds_fault(bounds, fault, begins);
}

static void begin(const char *has, const char *may_have, const struct fb_app_class *cls)
{
	const struct network_observer observer = {
	        .sending = watch_sending, .bytes = watch_bytes, .fault = watch_fault};
	const struct bounds_ops ops = {.over = over};

	count = 0;
	large = load(has);
	small = load(may_have);
	if (cls)
		large->controller.apps[0].cls = cls;
	bounds = bounds_new(small, &ops);
	net = network_new(large, &(struct network_options){.seed = 1,
	                                                   .log_level = FB_LOG_ERROR,
	                                                   .observers = &observer,
	                                                   .observers_count = 1});
	bounds_watch(bounds, net);
	network_start(net);
	while (!network_ready(net))
		clock_step(network_clock(net));
}

static void end(void)
{
	network_free(net);
	bounds_free(bounds);
	scenario_free(large);
	scenario_free(small);
}

static void run_for(uint64_t ns)
{
	struct clock *clock = network_clock(net);
	const uint64_t until_ns = network_now(net) + ns;

	while (clock_next(clock) <= until_ns)
		clock_step(clock);
	clock_advance(clock, until_ns);
}

/* h1 sends 'frames' datagrams of 1,000 bytes to h2 at once. */
static void send_many(unsigned frames)
{
	static const uint8_t bytes[1000];
	const struct host_udp_request request = {
	        .ip = 0x0a000002, .port = 9, .send = bytes, .send_bytes = sizeof bytes};

	for (unsigned i = 0; i < frames; i++)
		host_udp(network_host(net, 0), &request, network_now(net), NULL, NULL);
	network_host_called(net, 0);
	run_for(FB_NS_PER_S);
}

static void announce(unsigned frames)
{
	for (unsigned i = 0; i < frames; i++)
		host_arp(network_host(net, 0), 0, true, network_now(net), NULL, NULL);
	network_host_called(net, 0);
	run_for(FB_NS_PER_S / 100);
}

#define PLAIN "links: [h1 -- s1:1, h2 -- s1:2]\n"

static void flow_entries_are_counted(void)
{
	const char *large_text =
	        "controller: hub\nswitches: {s1: {flows: [\"in_port=1,actions=output:2\", "
	        "\"in_port=2,actions=output:1\"]}}\n" PLAIN;
	const char *small_text = "controller: hub\nswitches: {s1: {entries: 1}}\n" PLAIN;

	begin(large_text, large_text, NULL);
	CU_ASSERT_EQUAL(count, 0);
	end();
	begin(large_text, small_text, NULL);
	CU_ASSERT_TRUE(count > 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(last, "flow entries of s1: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(last, " of 1"));
	end();
}

static void packet_buffers_are_counted(void)
{
	const char *large_text = "controller: {apps: hub, delay: 1ms}\nswitches: {s1: {}}\n" PLAIN;
	const char *small_text =
	        "controller: {apps: hub, delay: 1ms}\nswitches: {s1: {buffers: 2}}\n" PLAIN;

	begin(large_text, large_text, NULL);
	announce(5);
	CU_ASSERT_EQUAL(count, 0);
	end();
	begin(large_text, small_text, NULL);
	announce(2);
	CU_ASSERT_EQUAL(count, 0);
	announce(5);
	CU_ASSERT_TRUE(count > 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(last, "packet buffers of s1: "));
	end();
}

#define LINKS(queue)                                                                               \
	"switches: {s1: {flows: [\"in_port=1,actions=output:2\", "                                 \
	"\"in_port=2,actions=output:1\"]}}"                                                        \
	"\nlinks: [{between: h1 -- s1:1, rate: 10Mbit, queue: " queue "}, h2 -- s1:2]\n"

static void bytes_that_wait_on_a_link_are_counted(void)
{
	begin(LINKS("400kB"), LINKS("400kB"), NULL);
	send_many(1); /* ARP */
	send_many(200);
	CU_ASSERT_EQUAL(count, 0);
	end();
	begin(LINKS("400kB"), LINKS("100kB"), NULL);
	send_many(1);
	send_many(50);
	CU_ASSERT_EQUAL(count, 0);
	send_many(200);
	CU_ASSERT_TRUE(count > 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(last, "bytes that wait on h1 -- s1:1: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(last, " of 100000"));
	end();
}

static void an_impaired_queue_counts_again_when_it_has_been_empty(void)
{
	struct fault fault = fault_make(FAULT_IMPAIR);

	begin(LINKS("400kB"), LINKS("100kB"), NULL);
	send_many(1);
	fault.end = FAULT_BOTH_ENDS;
	fault.for_ns = FB_NS_PER_S;
	network_fault_begin(net, &fault);
	send_many(200);
	network_fault_end(net, &fault);
	CU_ASSERT_EQUAL(count, 0);
	send_many(1);
	CU_ASSERT_EQUAL(count, 0);
	send_many(200);
	CU_ASSERT_TRUE(count > 0);
	end();
}

/* --- The controller --- */

static uint64_t boast;

static void *create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	(void)app;
	(void)values;
	(void)error;
	return &boast;
}

static void destroy(void *state)
{
	(void)state;
}

static void report(const void *state, struct fb_report *out, uint64_t now_ns)
{
	(void)state;
	(void)now_ns;
	fb_report_begin_list(out, "fish", boast, 10);
	fb_report_end_list(out);
	fb_report_begin_list(out, "birds", 1000, 0);
	fb_report_end_list(out);
}

static const struct fb_app_class boasting = {.name = "boasting",
                                             .summary = "tells of fish",
                                             .scope = FB_SCOPE_SWITCH,
                                             .create = create,
                                             .destroy = destroy,
                                             .report = report};

static void tables_of_the_controller_are_counted(void)
{
	const char *text = "controller: hub\nswitches: {s1: {}}\n" PLAIN;

	boast = 10;
	begin(text, text, &boasting);
	bounds_end(bounds);
	CU_ASSERT_EQUAL(count, 0);
	boast = 11;
	bounds_end(bounds);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_STRING_EQUAL(last, "the controller's fish: 11 of 10");
	end();
}

UNIT_TESTS("bounds", UNIT_TEST(flow_entries_are_counted), UNIT_TEST(packet_buffers_are_counted),
           UNIT_TEST(bytes_that_wait_on_a_link_are_counted),
           UNIT_TEST(an_impaired_queue_counts_again_when_it_has_been_empty),
           UNIT_TEST(tables_of_the_controller_are_counted))
