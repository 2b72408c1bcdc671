/* Faults at links of a network: what they do, how they overlap, and that they end. */
#include <stdlib.h>

#include "tests/unit/sim/network_faults.h"

enum { CHANCES_MAX = 20000 };

struct replayed {
	struct event event;
	struct fault fault;
};

static struct {
	unsigned lost, duplicated, corrupted, faults[2], by_event[LINK_DOWN + 1];
	unsigned chances;
} seen;
static struct replayed chances[CHANCES_MAX];

static void see_frame(void *ctx, uint64_t now_ns, uint32_t link, unsigned at, enum link_event event,
                      const struct frame *frame)
{
	(void)ctx;
	(void)now_ns;
	(void)link;
	(void)at;
	(void)frame;
	seen.by_event[event]++;
}

static void see_lost(void *ctx, uint64_t now_ns, uint32_t link, unsigned to,
                     const struct frame *frame)
{
	(void)ctx;
	(void)now_ns;
	(void)frame;
	CU_ASSERT_EQUAL(link, 0);
	CU_ASSERT_EQUAL(to, 1);
	seen.lost++;
}

static void see_corrupted(void *ctx, uint64_t now_ns, struct frame *frame)
{
	(void)ctx;
	(void)now_ns;
	(void)frame;
	seen.corrupted++;
}

static void see_fault(void *ctx, uint64_t now_ns, const struct fault *fault, bool begins)
{
	(void)ctx;
	(void)now_ns;
	(void)fault;
	seen.faults[begins]++;
}

static void see_chance(void *ctx, uint64_t now_ns, const struct fault *fault)
{
	(void)ctx;
	if (fault_place(fault->kind) != FAULT_AT_LINK)
		return;
	CU_ASSERT_FATAL(seen.chances < CHANCES_MAX);
	CU_ASSERT_EQUAL(fault->time_ns, now_ns);
	chances[seen.chances++].fault = *fault;
}

static const struct network_observer observer = {.frame = see_frame,
                                                 .lost = see_lost,
                                                 .corrupted = see_corrupted,
                                                 .fault = see_fault,
                                                 .chance = see_chance};

static void start(void)
{
	memset(&seen, 0, sizeof seen);
	begin(THREE_HOSTS, &observer);
	pass(1000 * MS);
	CU_ASSERT_EQUAL(ping(0, IP_2), 1);
}

/* A fault at the link of h1, of what it sends. */
static struct fault at_h1(enum fault_kind kind)
{
	struct fault fault = fault_make(kind);

	fault.place = 0;
	fault.end = 0;
	return fault;
}

static void a_fault_of_one_frame_takes_the_next_one(void)
{
	struct fault lose = at_h1(FAULT_LOSE), again = at_h1(FAULT_DUPLICATE);
	struct fault change = at_h1(FAULT_CORRUPT), hold = at_h1(FAULT_HOLD);
	uint64_t requests;

	start();
	network_fault_begin(net, &lose);
	CU_ASSERT_EQUAL(ping(0, IP_2), 0);
	CU_ASSERT_EQUAL(seen.lost, 1);
	CU_ASSERT_EQUAL(seen.by_event[LINK_LOST], 1);
	CU_ASSERT_EQUAL(ping(0, IP_2), 1);
	network_fault_begin(net, &again);
	requests = host_counters(network_host(net, 1))->icmp_echo_requests_in;
	CU_ASSERT_EQUAL(ping(0, IP_2), 1);
	CU_ASSERT_EQUAL(host_counters(network_host(net, 1))->icmp_echo_requests_in, requests + 2);
	/* The payload's: the checksum is wrong then. */
	change.byte = 60;
	network_fault_begin(net, &change);
	CU_ASSERT_EQUAL(ping(0, IP_2), 0);
	CU_ASSERT_EQUAL(seen.corrupted, 1);
	CU_ASSERT_EQUAL(host_counters(network_host(net, 1))->checksum_errors, 1);
	hold.by_ns = 450 * MS;
	network_fault_begin(net, &hold);
	CU_ASSERT_EQUAL(ping(0, IP_2), 0);
	CU_ASSERT_EQUAL(ping(0, IP_2), 1);
	network_fault_end(net, &lose);
	network_fault_end(net, &again);
	network_fault_end(net, &change);
	network_fault_end(net, &hold);
	CU_ASSERT_EQUAL(seen.faults[true], 4);
	CU_ASSERT_EQUAL(seen.faults[false], 4);
	CU_ASSERT_EQUAL(seen.chances, 0);
	end();
}

static void a_fault_that_ended_waits_for_no_frame(void)
{
	struct fault lose = at_h1(FAULT_LOSE), other = at_h1(FAULT_LOSE);

	start();
	network_fault_begin(net, &lose);
	network_fault_begin(net, &other);
	network_fault_end(net, &lose);
	network_fault_end(net, &other);
	CU_ASSERT_EQUAL(ping(0, IP_2), 1);
	end();
}

static void what_a_switch_sends_is_lost_at_its_end(void)
{
	struct fault lose = at_h1(FAULT_LOSE);

	lose.end = 1;
	memset(&seen, 0, sizeof seen);
	begin(THREE_HOSTS, NULL);
	pass(1000 * MS);
	ping(0, IP_2);
	network_fault_begin(net, &lose);
	CU_ASSERT_EQUAL(ping(0, IP_2), 0);
	CU_ASSERT_EQUAL(ping(0, IP_2), 1);
	end();
}

static void a_link_is_up_when_nobody_keeps_it_down(void)
{
	struct fault a = at_h1(FAULT_LINK_DOWN), b = at_h1(FAULT_LINK_DOWN);

	start();
	network_fault_begin(net, &a);
	network_fault_begin(net, &b);
	CU_ASSERT_FALSE(network_link_is_up(net, 0));
	CU_ASSERT_FALSE(network_link_has_carrier(net, 0));
	network_fault_end(net, &a);
	CU_ASSERT_FALSE(network_link_has_carrier(net, 0));
	/* A step does so too, and takes only its own part back. */
	network_set_link(net, 0, false);
	network_fault_end(net, &b);
	CU_ASSERT_FALSE(network_link_has_carrier(net, 0));
	network_fault_begin(net, &a);
	network_set_link(net, 0, true);
	CU_ASSERT_FALSE(network_link_has_carrier(net, 0));
	network_fault_end(net, &a);
	CU_ASSERT_TRUE(network_link_has_carrier(net, 0));
	CU_ASSERT_TRUE(network_link_is_up(net, 0));
	end();
}

static void a_link_flaps_so_often_and_is_up_afterwards(void)
{
	struct fault flap = at_h1(FAULT_FLAP);
	unsigned downs = 0;

	start();
	flap.count = 3;
	flap.by_ns = 10 * MS;
	network_fault_begin(net, &flap);
	for (unsigned i = 0; i < 50; i++) {
		const bool up = network_link_has_carrier(net, 0);

		CU_ASSERT_EQUAL(up, i >= 30 || i % 10 >= 5);
		downs += !up;
		pass(MS);
	}
	CU_ASSERT_EQUAL(downs, 15);
	network_fault_end(net, &flap);
	CU_ASSERT_TRUE(network_link_has_carrier(net, 0));
	end();
}

static void a_link_that_flaps_is_up_when_that_ends_early(void)
{
	struct fault flap = at_h1(FAULT_FLAP), down = at_h1(FAULT_LINK_DOWN);

	start();
	flap.count = 3;
	flap.by_ns = 10 * MS;
	network_fault_begin(net, &flap);
	network_fault_begin(net, &down);
	pass(2 * MS);
	network_fault_end(net, &flap);
	CU_ASSERT_FALSE(network_link_has_carrier(net, 0));
	network_fault_end(net, &down);
	for (unsigned i = 0; i < 50; i++) {
		CU_ASSERT_TRUE(network_link_has_carrier(net, 0));
		pass(MS);
	}
	/* And one that goes on when the network is freed. */
	network_fault_begin(net, &flap);
	end();
}

static void one_way_loses_frames_and_keeps_the_carrier(void)
{
	struct fault one_way = at_h1(FAULT_ONE_WAY);

	start();
	network_fault_begin(net, &one_way);
	CU_ASSERT_TRUE(network_link_has_carrier(net, 0));
	CU_ASSERT_EQUAL(ping(0, IP_2), 0);
	CU_ASSERT_TRUE(seen.lost > 0);
	CU_ASSERT_EQUAL(seen.by_event[LINK_LOST], seen.lost);
	network_fault_end(net, &one_way);
	CU_ASSERT_EQUAL(ping(0, IP_2), 1);
	end();
}

static void impairments_come_and_go(void)
{
	struct fault slow = at_h1(FAULT_IMPAIR), lossy = at_h1(FAULT_IMPAIR);

	start();
	slow.end = FAULT_BOTH_ENDS;
	slow.impair.delay_ns = 300 * MS;
	lossy.impair.loss_ppm = 1000000;
	network_fault_begin(net, &slow);
	CU_ASSERT_EQUAL(ping(0, IP_2), 0);
	network_fault_begin(net, &lossy);
	network_fault_end(net, &slow);
	pass(1000 * MS);
	CU_ASSERT_EQUAL(seen.chances, 0);
	CU_ASSERT_EQUAL(ping(0, IP_2), 0);
	CU_ASSERT_EQUAL(seen.chances, 1);
	CU_ASSERT_EQUAL(chances[0].fault.kind, FAULT_LOSE);
	network_fault_end(net, &lossy);
	CU_ASSERT_EQUAL(ping(0, IP_2), 1);
	end();
}

/* --- Replaying --- */

#define LOSSY                                                                                      \
	"controller: learning\nswitches: {s1: {}}\n"                                               \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\nsteps: [wait: 1s]\n"               \
	"links: [h2 -- s1:2, {between: h1 -- s1:1, rate: 100Mbit, loss: 2%, duplicate: 2%, "       \
	"reorder: 2%, jitter: 300us, corrupt: 2%}]\n"
#define NOT_LOSSY                                                                                  \
	"controller: learning\nswitches: {s1: {}}\n"                                               \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\nsteps: [wait: 1s]\n"               \
	"links: [h2 -- s1:2, {between: h1 -- s1:1, rate: 100Mbit}]\n"

static void replay_fire(struct event *event)
{
	_Static_assert(offsetof(struct replayed, event) == 0, "begins with its event");
	network_fault_begin(net, &((struct replayed *)(void *)event)->fault);
}

static void transfer(char digest[DIGEST_TEXT_BYTES])
{
	const struct host_tcp_request request = {.ip = IP_2,
	                                         .port = 9,
	                                         .send_bytes = 3000000,
	                                         .expect_service = HOST_SERVICE_DISCARD};

	host_listen_tcp(network_host(net, 1), 9, HOST_SERVICE_DISCARD);
	pass(1000 * MS);
	last_outcome = HOST_ABORTED;
	host_tcp(network_host(net, 0), &request, clk->now_ns, note_outcome, NULL);
	network_host_called(net, 0);
	pass(100000 * MS);
	CU_ASSERT_EQUAL(last_outcome, HOST_OK);
	network_digest(net, digest);
}

static void a_run_is_the_same_with_what_chance_did_as_faults(void)
{
	const struct network_observer listener = {.chance = see_chance};
	char with[DIGEST_TEXT_BYTES], without[DIGEST_TEXT_BYTES];
	unsigned kinds[FAULT_KINDS] = {0};
	unsigned count;

	memset(&seen, 0, sizeof seen);
	begin(LOSSY, &listener);
	transfer(with);
	end();
	count = seen.chances;
	CU_ASSERT_TRUE(count > 1000);

	seen.chances = 0;
	begin(NOT_LOSSY, &listener);
	for (unsigned i = 0; i < count; i++) {
		kinds[chances[i].fault.kind]++;
		chances[i].event = (struct event){.fire = replay_fire};
		clock_set_first(clk, &chances[i].event, chances[i].fault.time_ns);
	}
	transfer(without);
	for (unsigned i = 0; i < count; i++)
		clock_cancel(clk, &chances[i].event);
	end();
	CU_ASSERT_EQUAL(seen.chances, 0);
	CU_ASSERT_STRING_EQUAL(with, without);
	for (enum fault_kind kind = FAULT_LOSE; kind <= FAULT_CORRUPT; kind++)
		CU_ASSERT_TRUE(kinds[kind] > 20);
}

UNIT_TESTS("network_fault_links", UNIT_TEST(a_fault_of_one_frame_takes_the_next_one),
           UNIT_TEST(a_fault_that_ended_waits_for_no_frame),
           UNIT_TEST(what_a_switch_sends_is_lost_at_its_end),
           UNIT_TEST(a_link_is_up_when_nobody_keeps_it_down),
           UNIT_TEST(a_link_flaps_so_often_and_is_up_afterwards),
           UNIT_TEST(a_link_that_flaps_is_up_when_that_ends_early),
           UNIT_TEST(one_way_loses_frames_and_keeps_the_carrier),
           UNIT_TEST(impairments_come_and_go),
           UNIT_TEST(a_run_is_the_same_with_what_chance_did_as_faults))
