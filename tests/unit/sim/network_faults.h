/* A network of a scenario without its steps, whose faults a test begins and ends by hand: for tests of
 * faults. */
#ifndef UNIT_SIM_NETWORK_FAULTS_H
#define UNIT_SIM_NETWORK_FAULTS_H

#include <stdio.h>
#include <string.h>

#include "sim/network.h"
#include "tests/unit/harness.h"

#define MS FB_NS_PER_MS

/* Three hosts on a switch whose controller forwards; h2's cable fits into port 8 and 9, too. */
#define THREE_HOSTS                                                                                \
	"controller: learning\nswitches: {s1: {}}\n"                                               \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}, h3: {ip: 10.0.0.3/24}}\n"           \
	"links: [h1 -- s1:1, h2 -- s1:2, h3 -- s1:3]\n"                                            \
	"steps: [move: {host: h2, to: s1:8}, move: {host: h2, to: s1:9}]\n"

#define IP_1 UINT32_C(0x0a000001)
#define IP_2 UINT32_C(0x0a000002)
#define IP_3 UINT32_C(0x0a000003)

static struct scenario *sc;
static struct network *net;
static struct clock *clk;
static enum host_outcome last_outcome;
static uint64_t last_replies; /* of a ping */

/* 'observer' may be NULL. */
static inline void begin(const char *text, const struct network_observer *observer)
{
	struct problems problems;

	problems_init(&problems);
	sc = scenario_load_text(text, strlen(text), "test.yaml", NULL, NULL, &problems);
	problems_print(&problems, "# test.yaml", stdout);
	problems_destroy(&problems);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	net = network_new(sc, &(struct network_options){.seed = 1,
	                                                .log_level = FB_LOG_ERROR,
	                                                .observers = observer,
	                                                .observers_count = observer != NULL});
	clk = network_clock(net);
	network_start(net);
}

static inline void end(void)
{
	network_free(net);
	scenario_free(sc);
}

/* Let 'ns' pass. */
static inline void pass(uint64_t ns)
{
	const uint64_t until_ns = clk->now_ns + ns;

	while (clock_next(clk) <= until_ns)
		clock_step(clk);
	clock_advance(clk, until_ns);
}

static inline void note_outcome(void *ctx, const struct host_result *result)
{
	(void)ctx;
	last_outcome = result->outcome;
	last_replies = result->answered + result->duplicates;
}

/* Ping 'ip' from 'host' and wait half a second: how many replies came. */
static inline uint64_t ping(uint32_t host, uint32_t ip)
{
	const struct host_ping_request request = {
	        .ip = ip, .count = 1, .timeout_ns = 400 * MS, .payload_bytes = 56};

	last_replies = 0;
	last_outcome = HOST_ABORTED;
	host_ping(network_host(net, host), &request, clk->now_ns, note_outcome, NULL);
	network_host_called(net, host);
	pass(500 * MS);
	return last_replies;
}

#endif
