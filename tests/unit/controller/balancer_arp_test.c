/* ARP: who learns which MAC address. */
#include "tests/unit/controller/balancer_bench.h"
#include "tests/unit/controller/fake_network.h"

static const uint64_t ms_ns = FB_NS_PER_MS;

#define STABLE        "0e:fc:c0:a8:02:02"
#define ANSWER        "out frame: output:1: " STABLE " > :01 arp 192.168.2.2 is-at " STABLE "\n"
#define PROBE(target) "arp who-has 192.168.2." target " tell 0.0.0.0"

/* An ARP frame with all that can be odd about it. */
struct arp {
	const struct lb_host *from;
	uint16_t op;           /* 0: a request */
	uint8_t target;        /* last byte of the address */
	const uint8_t *dl_dst; /* NULL: broadcast */
	bool sender_is_nobody; /* sender address 0.0.0.0 */
	const uint8_t *sha;    /* NULL: the MAC of 'from' */
	uint16_t vlan_tci;     /* 0: no tag */
	uint16_t in_port;      /* 0: that of 'from' */
};

static const char *arp(struct lb *lb, struct arp a)
{
	static const uint8_t nobody[FB_MAC_BYTES];
	uint8_t bytes[64];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = a.vlan_tci != 0, .vlan_tci = a.vlan_tci};

	lb_mac(eth.dl_src, a.from->number);
	memset(eth.dl_dst, 0xff, FB_MAC_BYTES);
	if (a.dl_dst)
		memcpy(eth.dl_dst, a.dl_dst, FB_MAC_BYTES);
	CU_ASSERT_FATAL(fb_build_arp(
	        &frame, &eth, a.op ? a.op : FB_ARP_REQUEST, a.sha ? a.sha : eth.dl_src,
	        a.sender_is_nobody ? 0 : lb_ip(a.from->ip),
	        a.dl_dst && a.op == FB_ARP_REPLY ? a.dl_dst : nobody, lb_ip(a.target)));
	lb_frame_in(lb, a.in_port ? a.in_port : a.from->port, &frame);
	return lb_said(lb);
}

/* 'from' asks all for 'target'. */
static const char *ask(struct lb *lb, const struct lb_host *from, uint8_t target)
{
	return arp(lb, (struct arp){.from = from, .target = target});
}

static const uint8_t *mac_of(const struct lb_host *host)
{
	static uint8_t mac[FB_MAC_BYTES];

	lb_mac(mac, host->number);
	return mac;
}

/* A host that does not answer to probes is heard for the first time, by an IP packet. */
static void hear_quietly(struct lb *lb, const struct lb_host *host)
{
	lb_announce(lb, host);
	lb_silence(lb, host);
}

/* The frames, of any kind, that went out for the buffer 'id'. */
static unsigned released(const struct lb *lb, uint32_t id)
{
	return lb->released[id];
}

/* --- A shared address --- */

static void a_question_for_a_shared_address_is_answered_with_its_stable_mac(void)
{
	struct lb *lb = lb_new("arp=proxy");

	LB_SAYS(ask(lb, &lb_client, 2), ANSWER "out #4 in 1: drop\n");
	LB_SAYS(ask(lb, &lb_client, 2), ANSWER "out #5 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "arp_answered"), 2);
	lb_free(lb);
}

static void the_buffer_of_an_answered_question_is_released_once(void)
{
	struct lb *lb = lb_new("arp=proxy");

	ask(lb, &lb_client, 2);
	lb_pass(lb, FB_NS_PER_S);
	lb_said(lb);
	CU_ASSERT_EQUAL(released(lb, lb->buffer_id), 1);
	lb_free(lb);
}

static void a_frame_without_buffer_leaves_nothing_to_release(void)
{
	struct lb *lb = lb_new("arp=proxy");

	lb->unbuffered = true;
	LB_SAYS(ask(lb, &lb_client, 2), ANSWER);
	lb_free(lb);
}

/* Linux asks by unicast whether an entry still holds. */
static void a_question_to_one_replica_is_answered_too(void)
{
	struct lb *lb = lb_new("arp=proxy");

	LB_SAYS(arp(lb, (struct arp){.from = &lb_client, .target = 2, .dl_dst = mac_of(&lb_b)}),
	        ANSWER "out #4 in 1: drop\n");
	lb_free(lb);
}

static void what_replicas_announce_reaches_nobody(void)
{
	struct lb *lb = lb_new("arp=proxy");

	LB_SAYS(lb_announce(lb, &lb_a), "out #4 in 2: drop\n");
	LB_SAYS(arp(lb, (struct arp){.from = &lb_b, .target = 2, .op = FB_ARP_REPLY}),
	        "out #5 in 3: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "arp_taken"), 3);
	CU_ASSERT_EQUAL(lb_counter(lb, "flooded"), 2); /* when nobody else had the addresses */
	lb_free(lb);
}

static void the_answer_of_a_replica_is_replaced_for_who_has_asked(void)
{
	struct lb *lb = lb_new("arp=proxy");

	LB_SAYS(arp(lb, (struct arp){.from = &lb_b,
	                             .target = 1,
	                             .op = FB_ARP_REPLY,
	                             .dl_dst = mac_of(&lb_client)}),
	        ANSWER "out #4 in 3: drop\n");
	lb_free(lb);
}

static void an_answer_to_a_host_that_wants_the_address_is_taken(void)
{
	struct lb *lb = lb_new("arp=proxy");
	uint8_t bytes[64];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	lb_announce(lb, &lb_other);
	lb_build_arp(&frame, &lb_b, FB_ARP_REPLY, mac_of(&lb_other), 0);
	lb_frame_in(lb, lb_b.port, &frame);
	LB_SAYS(lb_said(lb), "out #5 in 3: drop\n");
	lb_free(lb);
}

static void an_address_that_was_shared_is_answered_for_with_one_owner_left(void)
{
	struct lb *lb = lb_new("arp=proxy");

	fake_switch_set_link(lb->sw, 3, false);
	lb_said(lb);
	LB_SAYS(ask(lb, &lb_client, 2), ANSWER "out #4 in 1: drop\n");
	lb_free(lb);
}

static void a_host_that_wants_a_shared_address_hears_of_no_conflict(void)
{
	struct lb *lb = lb_new("arp=proxy");

	LB_SAYS(arp(lb, (struct arp){.from = &lb_c, .target = 2, .sender_is_nobody = true}),
	        "out #4 in 4: drop\n");
	lb_free(lb);
}

/* 'host' asks whether it may use 'target' (RFC 5227). */
static const char *want(struct lb *lb, const struct lb_host *host, uint8_t target)
{
	return arp(lb, (struct arp){.from = host, .target = target, .sender_is_nobody = true});
}

/* Another one's probe for the same address is a conflict (RFC 5227, section 2.1.1). */
static void a_host_that_wants_an_unknown_address_asks_itself_and_is_not_asked(void)
{
	static const struct lb_host owner = {6, 77, 6};
	struct lb *lb = lb_new("arp=proxy");

	LB_SAYS(want(lb, &lb_other, 77), "out #4 in 5: FLOOD\n");
	lb_pass(lb, 3000 * ms_ns);
	CU_ASSERT(!lb_has(lb_said(lb), PROBE("77")));
	LB_SAYS(want(lb, &lb_other, 77), "out #5 in 5: FLOOD\n");
	/* Who has it says so, to that host or to all. */
	LB_SAYS(arp(lb, (struct arp){.from = &owner,
	                             .op = FB_ARP_REPLY,
	                             .target = 0,
	                             .dl_dst = mac_of(&lb_other)}),
	        "out #6 in 6: output:5\n");
	LB_SAYS(arp(lb, (struct arp){.from = &owner, .op = FB_ARP_REPLY, .target = 77}),
	        "out #7 in 6: FLOOD\n");
	LB_SAYS(want(lb, &lb_other, 77), "out #8 in 5: output:6\n");
	lb_free(lb);
}

static void others_who_ask_for_an_address_do_not_make_a_conflict_for_who_wants_it(void)
{
	const char *said;
	struct lb *lb = lb_new("arp=proxy");

	want(lb, &lb_other, 77);
	said = ask(lb, &lb_client, 77);
	CU_ASSERT(lb_has(said, "out frame: output:2,output:3,output:4,output:6: "));
	CU_ASSERT(lb_has(said, PROBE("77")));
	lb_pass(lb, FB_NS_PER_S);
	lb_said(lb);
	lb_pass(lb, 10 * FB_NS_PER_S);
	CU_ASSERT(lb_has(ask(lb, &lb_client, 77),
	                 "out frame: output:2,output:3,output:4,output:5,output:6: "));
	lb_pass(lb, FB_NS_PER_S);
	lb_said(lb);
	lb_free(lb);
}

/* The probes of an address in use go on for all others, until the host says that it uses it. */
static void no_probe_goes_to_a_host_that_wants_a_shared_address(void)
{
	struct lb *lb = lb_new("arp=proxy,probe_interval=2s");
	const char *said;

	lb_syn(lb, 1, 1);
	want(lb, &lb_c, 2);
	lb_pass(lb, 3000 * ms_ns);
	said = lb_said(lb);
	CU_ASSERT(lb_has(said, "output:1,output:2,output:3,output:5,output:6: "));
	CU_ASSERT(lb_has(said, PROBE("2")));
	CU_ASSERT(!lb_has(said, LB_EVERYWHERE));
	lb_announce(lb, &lb_c);
	lb_pass(lb, 3000 * ms_ns);
	CU_ASSERT(lb_has(lb_said(lb), LB_PROBE));
	lb_free(lb);
}

static void a_replica_that_probes_as_its_port_comes_up_is_not_probed(void)
{
	struct lb *lb = lb_new("arp=proxy");

	lb_syn(lb, 1, 1);
	fake_switch_set_link(lb->sw, 4, false);
	fake_switch_set_link(lb->sw, 5, false);
	lb_pass(lb, FB_NS_PER_S);
	lb_said(lb);
	fake_switch_set_link(lb->sw, 4, true);
	fake_switch_set_link(lb->sw, 5, true);
	want(lb, &lb_c, 2); /* kept until it is clear that the port leads to hosts */
	lb_pass(lb, 0);
	LB_SAYS(lb_said(lb), "out #5 in 4: drop\nout frame: output:5: 0e:fb:00:00:00:01 > "
	                     "ff:ff:ff:ff:ff:ff arp who-has 192.168.2.2 tell 0.0.0.0\n");
	lb_free(lb);
}

/* It was not asked, so it owes no answer. */
static void an_owner_beside_a_host_that_wants_the_address_is_not_taken_for_dead(void)
{
	static const struct lb_host beside = {9, 2, 3};
	struct lb *lb = lb_new("arp=proxy,probe_interval=2s");

	lb_syn(lb, 1, 1);
	lb_pass(lb, 3000 * ms_ns);
	lb_silence(lb, &lb_b);
	want(lb, &beside, 2);
	lb_pass(lb, 9000 * ms_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 0);
	lb_pass(lb, 9000 * ms_ns);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 1);
	lb_said(lb);
	lb_free(lb);
}

/* To it that is another one who uses the address. */
static void what_is_asked_for_a_replica_does_not_reach_who_wants_its_address(void)
{
	const char *said;
	struct lb *lb = lb_new("arp=proxy");

	want(lb, &lb_c, 2);
	ask(lb, &lb_a, 77);
	lb_pass(lb, FB_NS_PER_S);
	said = lb_said(lb);
	CU_ASSERT(lb_has(said, "out frame: output:1,output:3,output:5,output:6: " STABLE " > "));
	CU_ASSERT(lb_has(said, "arp who-has 192.168.2.77 tell 192.168.2.2"));
	lb_free(lb);
}

static void hosts_that_want_addresses_are_remembered_within_a_limit(void)
{
	struct lb *lb = lb_new("arp=proxy,probe_interval=2s");

	lb->unbuffered = true;
	lb_syn(lb, 1, 1);
	want(lb, &lb_c, 2);
	for (unsigned i = 0; i < 1100; i++)
		arp(lb, (struct arp){.from = &lb_other,
		                     .target = (uint8_t)(100 + i % 100),
		                     .sender_is_nobody = true,
		                     .vlan_tci = (uint16_t)(1 + i / 100)});
	CU_ASSERT_EQUAL(lb_counter(lb, "wanters_evicted"), 1101 - 1024);
	lb_pass(lb, 2500 * ms_ns);
	CU_ASSERT(lb_has(lb_said(lb), LB_PROBE));
	lb_free(lb);
}

static void vlans_are_kept_apart(void)
{
	struct lb *lb = lb_new("arp=proxy,hold_max=0");
	const char *said;

	said = arp(lb, (struct arp){.from = &lb_client, .target = 2, .vlan_tci = 5});
	CU_ASSERT(lb_has(said, "out #4 in 1: FLOOD\n") && lb_has(said, "vlan 5 " PROBE("2")));
	arp(lb, (struct arp){.from = &lb_a, .target = 2, .vlan_tci = 5});
	arp(lb, (struct arp){.from = &lb_b, .target = 2, .vlan_tci = 5});
	LB_SAYS(arp(lb, (struct arp){.from = &lb_client, .target = 2, .vlan_tci = 0x6005}),
	        "out frame: output:1: " STABLE " > :01 vlan 5 pcp 3 arp 192.168.2.2 is-at " STABLE
	        "\nout #7 in 1: drop\n");
	lb_free(lb);
}

/* --- Questions of replicas --- */

static void a_replica_is_told_the_mac_of_an_owner(void)
{
	struct lb *lb = lb_new("arp=proxy");

	LB_SAYS(ask(lb, &lb_a, 1),
	        "out frame: output:2: :01 > :02 arp 192.168.2.1 is-at :01\nout #4 in 2: drop\n");
	lb_free(lb);
}

static void a_replica_is_told_the_stable_mac_of_another_shared_address(void)
{
	static const struct lb_host one = {5, 5, 5}, two = {6, 5, 6};
	struct lb *lb = lb_new("arp=proxy");

	lb_announce(lb, &one);
	lb_announce(lb, &two);
	LB_SAYS(ask(lb, &lb_a, 5), "out frame: output:2: 0e:fc:c0:a8:02:05 > :02 arp 192.168.2.5 "
	                           "is-at 0e:fc:c0:a8:02:05\nout #6 in 2: drop\n");
	lb_free(lb);
}

static void a_replica_waits_for_an_owner_that_is_not_known(void)
{
	struct lb *lb = lb_new("arp=proxy");
	const char *said;

	lb_revive(lb, &lb_other);
	said = ask(lb, &lb_a, 5);
	CU_ASSERT(lb_has(said, PROBE("5")) && !lb_has(said, "tell 192.168.2.2"));
	CU_ASSERT_EQUAL(released(lb, lb->buffer_id), 0);
	lb_pass(lb, 200 * ms_ns);
	LB_SAYS(lb_said(lb),
	        "out frame: output:2: :05 > :02 arp 192.168.2.5 is-at :05\nout #4 in 2: drop\n");
	lb_free(lb);
}

/* The ports to which the next message, which must be a packet-out, goes; one bit each. */
static unsigned next_outputs(struct lb *lb)
{
	const struct fb_msg *msg = fake_switch_expect(lb->sw, OFPT_PACKET_OUT);
	struct fb_action action;
	size_t offset = 0;
	unsigned ports = 0;

	CU_ASSERT_FATAL(msg != NULL);
	while (fb_action_next(msg->packet_out.actions.data, msg->packet_out.actions.len, &offset,
	                      &action))
		ports |= action.type == OFPAT_OUTPUT ? 1u << action.output.port : 0;
	return ports;
}

static void where_no_probe_is_answered_all_are_asked_in_a_replicas_place(void)
{
	struct lb *lb = lb_new("arp=proxy");
	uint8_t stable[FB_MAC_BYTES];

	ask(lb, &lb_a, 5);
	lb_pass(lb, 200 * ms_ns);
	CU_ASSERT_EQUAL(next_outputs(lb), 1u << 1 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6);
	lb->sw->read_at = 0;
	CU_ASSERT(lb_has(lb_said(lb), ": " STABLE " > ff:ff:ff:ff:ff:ff arp who-has 192.168.2.5 "
	                              "tell 192.168.2.2\nout #4 in 2: drop\n"));
	fb_mac_from_u64(stable, UINT64_C(0x0efcc0a80202));
	LB_SAYS(arp(lb,
	            (struct arp){
	                    .from = &lb_other, .target = 2, .op = FB_ARP_REPLY, .dl_dst = stable}),
	        "out #5 in 5: drop\n");
	LB_SAYS(ask(lb, &lb_a, 5),
	        "out frame: output:2: :05 > :02 arp 192.168.2.5 is-at :05\nout #6 in 2: drop\n");
	lb_free(lb);
}

static void what_is_asked_in_a_replicas_place_has_its_vlan(void)
{
	struct lb *lb = lb_new_empty("arp=proxy");
	struct arp a = {.from = &lb_a, .target = 2, .vlan_tci = 5}, b = a;

	b.from = &lb_b;
	arp(lb, a);
	arp(lb, b);
	a.target = 5;
	arp(lb, a);
	lb_pass(lb, 200 * ms_ns);
	CU_ASSERT(lb_has(lb_said(lb), " vlan 5 arp who-has 192.168.2.5 tell 192.168.2.2\n"));
	lb_free(lb);
}

/* --- An address of one --- */

static void a_question_for_one_owner_goes_to_it_alone(void)
{
	struct lb *lb = lb_new("arp=proxy");

	lb_announce(lb, &lb_other);
	LB_SAYS(ask(lb, &lb_client, 5), "out #5 in 1: output:5\n");
	LB_SAYS(arp(lb, (struct arp){.from = &lb_other,
	                             .target = 1,
	                             .op = FB_ARP_REPLY,
	                             .dl_dst = mac_of(&lb_client)}),
	        "out #6 in 5: output:1\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "arp_passed"), 2);
	CU_ASSERT_EQUAL(lb_counter(lb, "arp_answered"), 0);
	lb_free(lb);
}

static void a_question_to_a_mac_that_nobody_has_any_more_reaches_the_owner(void)
{
	struct lb *lb = lb_new("arp=proxy");
	uint8_t stable[FB_MAC_BYTES];

	lb_announce(lb, &lb_other);
	fb_mac_from_u64(stable, UINT64_C(0x0efcc0a80205));
	LB_SAYS(arp(lb, (struct arp){.from = &lb_client, .target = 5, .dl_dst = stable}),
	        "out #5 in 1: mod_dl_dst::05,output:5\n");
	lb_free(lb);
}

static void a_question_that_came_by_the_owners_port_is_dropped(void)
{
	struct lb *lb = lb_new("arp=proxy");

	lb_announce(lb, &lb_other);
	LB_SAYS(arp(lb, (struct arp){.from = &lb_client, .target = 5, .in_port = 5}),
	        "out #5 in 5: drop\n");
	lb_free(lb);
}

static void a_host_that_wants_the_address_of_another_hears_of_it(void)
{
	struct lb *lb = lb_new("arp=proxy");

	lb_announce(lb, &lb_other);
	LB_SAYS(arp(lb, (struct arp){.from = &lb_c, .target = 5, .sender_is_nobody = true}),
	        "out #5 in 4: output:5\n");
	LB_SAYS(lb_arp(lb, &lb_other, FB_ARP_REPLY, mac_of(&lb_c), 0), "out #6 in 5: output:4\n");
	lb_free(lb);
}

static void announcements_of_hosts_that_share_nothing_are_flooded(void)
{
	struct lb *lb = lb_new("arp=proxy");

	LB_SAYS(lb_announce(lb, &lb_other), "out #4 in 5: FLOOD\n");
	LB_SAYS(arp(lb, (struct arp){.from = &lb_other, .target = 5, .op = FB_ARP_REPLY}),
	        "out #5 in 5: FLOOD\n");
	lb_free(lb);
}

static void an_answer_for_a_host_that_nobody_heard_is_flooded(void)
{
	static const uint8_t unknown[FB_MAC_BYTES] = {2, 0, 0, 0, 0, 9};
	struct lb *lb = lb_new("arp=proxy");

	LB_SAYS(arp(lb, (struct arp){.from = &lb_client,
	                             .target = 9,
	                             .op = FB_ARP_REPLY,
	                             .dl_dst = unknown}),
	        "out #4 in 1: FLOOD\n");
	lb_free(lb);
}

/* --- An address that nobody was heard under --- */

static void a_question_waits_until_all_owners_can_have_spoken(void)
{
	struct lb *lb = lb_new_empty("arp=proxy");

	lb_announce(lb, &lb_client);
	lb_revive(lb, &lb_a);
	lb_revive(lb, &lb_b);
	CU_ASSERT(lb_has(ask(lb, &lb_client, 2), PROBE("2")));
	CU_ASSERT_EQUAL(released(lb, lb->buffer_id), 0);
	lb_pass(lb, 200 * ms_ns);
	LB_SAYS(lb_said(lb), ANSWER "out #2 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "arp_waited"), 1);
	lb_free(lb);
}

static void with_one_owner_that_has_spoken_the_question_goes_to_it(void)
{
	struct lb *lb = lb_new_empty("arp=proxy");

	lb_announce(lb, &lb_client);
	lb_revive(lb, &lb_a);
	ask(lb, &lb_client, 2);
	lb_pass(lb, 200 * ms_ns);
	LB_SAYS(lb_said(lb), "out #2 in 1: output:2\n");
	lb_free(lb);
}

static void with_no_owner_that_has_spoken_the_question_is_flooded(void)
{
	struct lb *lb = lb_new_empty("arp=proxy");

	lb_announce(lb, &lb_client);
	ask(lb, &lb_client, 2);
	lb_pass(lb, 200 * ms_ns - 1);
	LB_SAYS(lb_said(lb), "");
	lb_pass(lb, 1);
	LB_SAYS(lb_said(lb), "out #2 in 1: FLOOD\n");
	lb_free(lb);
}

static void the_same_question_is_not_asked_twice_while_it_waits(void)
{
	struct lb *lb = lb_new_empty("arp=proxy");

	lb_announce(lb, &lb_client);
	ask(lb, &lb_client, 2);
	LB_SAYS(ask(lb, &lb_client, 2), "out #3 in 1: drop\n");
	LB_SAYS(ask(lb, &lb_other, 2),
	        ""); /* another who wants to know: it waits for the same probe */
	CU_ASSERT_EQUAL(lb_counter(lb, "probes"), 1);
	lb_pass(lb, 200 * ms_ns);
	LB_SAYS(lb_said(lb), "out #2 in 1: FLOOD\nout #4 in 5: FLOOD\n");
	lb_free(lb);
}

/* A host with two addresses. */
static void the_same_question_for_another_sender_address_waits_too(void)
{
	static const struct lb_host second = {1, 9, 1};
	struct lb *lb = lb_new_empty("arp=proxy");

	lb_announce(lb, &lb_client);
	ask(lb, &lb_client, 2);
	LB_SAYS(ask(lb, &second, 2), "");
	lb_pass(lb, 200 * ms_ns);
	LB_SAYS(lb_said(lb), "out #2 in 1: FLOOD\nout #3 in 1: FLOOD\n");
	lb_free(lb);
}

/* Two have asked; the second owner speaks later than the first. */
static void who_asks_while_owners_speak_waits_for_the_others_too(void)
{
	static const struct lb_host third = {6, 6, 6};
	struct lb *lb = lb_new_empty("arp=proxy,hold=1s");

	lb_announce(lb, &lb_client);
	ask(lb, &lb_client, 2);
	ask(lb, &lb_other, 2);
	hear_quietly(lb, &lb_a);
	LB_SAYS(lb_said(lb), "");
	LB_SAYS(ask(lb, &third, 2), "");
	LB_SAYS(ask(lb, &third, 2), "out #6 in 6: drop\n");
	lb_pass(lb, 5 * ms_ns);
	hear_quietly(lb, &lb_b);
	lb_pass(lb, 5 * ms_ns);
	LB_SAYS(lb_said(lb), ANSWER "out #2 in 1: drop\nout frame: output:5: " STABLE
	                            " > :05 arp 192.168.2.2 is-at " STABLE "\nout #3 in 5: drop\n"
	                            "out frame: output:6: " STABLE
	                            " > :06 arp 192.168.2.2 is-at " STABLE "\nout #5 in 6: drop\n");
	lb_free(lb);
}

static void questions_for_an_address_in_several_vlans_wait_apart(void)
{
	struct lb *lb = lb_new_empty("arp=proxy");
	struct arp tagged = {.from = &lb_client, .target = 2, .vlan_tci = 5};

	lb_announce(lb, &lb_client);
	ask(lb, &lb_client, 2);
	CU_ASSERT(lb_has(arp(lb, tagged), "vlan 5 " PROBE("2")));
	hear_quietly(lb, &lb_a); /* without tag */
	lb_said(lb);
	lb_pass(lb, 100 * ms_ns);
	LB_SAYS(lb_said(lb), "out #2 in 1: output:2\n");
	lb_pass(lb, 100 * ms_ns);
	LB_SAYS(lb_said(lb), "out #3 in 1: FLOOD\n");
	lb_free(lb);
}

static void beyond_the_limit_questions_are_flooded_at_once(void)
{
	struct lb *lb = lb_new_empty("arp=proxy,hold_max=1");
	const char *said;

	lb_announce(lb, &lb_client);
	ask(lb, &lb_client, 2);
	said = ask(lb, &lb_client, 5);
	CU_ASSERT(lb_has(said, "out #3 in 1: FLOOD\n") && lb_has(said, PROBE("5")));
	CU_ASSERT_EQUAL(lb_counter(lb, "arp_full"), 1);
	lb_pass(lb, 200 * ms_ns);
	lb_said(lb);
	lb_free(lb);
}

static void questions_for_no_host_are_taken(void)
{
	struct lb *lb = lb_new("arp=proxy");
	uint8_t bytes[64];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	lb_build_arp(&frame, &lb_client, FB_ARP_REQUEST, NULL, 0);
	lb_frame_in(lb, 1, &frame);
	LB_SAYS(lb_said(lb), "out #4 in 1: drop\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "arp_waited"), 0);
	lb_free(lb);
}

static void what_waits_is_forgotten_with_its_switch(void)
{
	struct lb *lb = lb_new_empty("arp=proxy");
	struct fake_switch *first = lb->sw, *second = lb_join(lb->bench, 2, 6);

	lb->leaks = true;
	lb_announce(lb, &lb_client);
	ask(lb, &lb_client, 2);
	lb_switch_to(lb, second);
	ask(lb, &lb_other, 2);
	fake_switch_leave(first);
	lb_said(lb);
	lb_pass(lb, 200 * ms_ns);
	LB_SAYS(lb_said(lb), "out #3 in 5: FLOOD\n");
	lb_free(lb);
}

/* --- Two switches --- */

#define DISCOVERY "edge_after=0,interval=100ms,timeout=1h"

/* A second switch is behind port 4 of the first, which is behind its port 4. */
static struct lb *two_switches(struct fake_network *net, const char *discovery,
                               struct fake_switch **second)
{
	struct lb *lb = calloc(1, sizeof *lb);

	CU_ASSERT_FATAL(lb != NULL);
	*net = fake_network_begin(discovery, &fb_app_balancer, "arp=proxy");
	lb->bench = net->b;
	lb->sw = lb_join(net->b, 1, 6);
	*second = lb_join(net->b, 2, 6);
	fake_network_wire(net, lb->sw, 4, *second, 4);
	fake_network_pass(net, FB_NS_PER_S);
	fake_network_discard(net);
	return lb;
}

static void a_frame_that_came_over_a_link_is_flooded_on_and_not_answered_twice(void)
{
	static const struct lb_host far = {1, 1, 4};
	struct fake_network net;
	struct fake_switch *second;
	struct lb *lb = two_switches(&net, DISCOVERY, &second);
	struct arp to_other = {.from = &far, .target = 5, .dl_dst = mac_of(&lb_other)};
	const char *flood = "output:1,output:2,output:3,output:5,output:6\n";

	hear_quietly(lb, &lb_a);
	hear_quietly(lb, &lb_b);
	lb_said(lb);
	lb_switch_to(lb, second);
	hear_quietly(lb, &lb_other);
	lb_said(lb);
	CU_ASSERT(lb_has(ask(lb, &far, 2), flood) && !lb_has(lb->said, "is-at"));
	CU_ASSERT(lb_has(ask(lb, &far, 9), flood)); /* nor does it wait again */
	CU_ASSERT(
	        lb_has(arp(lb, to_other), flood)); /* the other ways of the flood were taken, too */
	CU_ASSERT_EQUAL(lb_counter(lb, "arp_answered") + lb_counter(lb, "arp_waited"), 0);
	lb_free(lb);
}

/* The padding of the frame is in the switch, the question is here. */
static void of_a_frame_that_came_cut_the_question_reaches_another_switch(void)
{
	struct fake_network net;
	struct fake_switch *second;
	struct lb *lb = two_switches(&net, DISCOVERY, &second);
	struct fb_msg msg = {.version = OFP_VERSION, .type = OFPT_PACKET_IN};
	uint8_t bytes[64];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fake_switch *first = lb->sw;

	lb_switch_to(lb, second);
	hear_quietly(lb, &lb_other);
	lb_said(lb);
	lb_build_arp(&frame, &lb_client, FB_ARP_REQUEST, NULL, 5);
	msg.packet_in = (struct fb_of_packet_in){.buffer_id = ++lb->buffer_id,
	                                         .total_len = 60,
	                                         .in_port = 1,
	                                         .data = {frame.data, frame.len}};
	fake_switch_send(first, &msg);
	LB_SAYS(lb_said_by(lb, first), "out #2 in 1: drop\n");
	LB_SAYS(lb_said(lb), "out frame: output:5: :01 > ff:ff:ff:ff:ff:ff arp who-has "
	                     "192.168.2.5 tell 192.168.2.1\n");
	/* On its way over a link it is nobody's to answer. */
	hear_quietly(lb, &lb_a);
	hear_quietly(lb, &lb_b);
	lb_said(lb);
	fb_set32(bytes + FB_ETH_HEADER_BYTES + 24, lb_ip(2));
	msg.packet_in.buffer_id = ++lb->buffer_id;
	msg.packet_in.in_port = 4;
	fake_switch_send(second, &msg);
	LB_SAYS(lb_said(lb), "out #5 in 4: output:1,output:2,output:3,output:5,output:6\n");
	lb_free(lb);
}

/* Discovery remembers fewer hosts here than there are. */
static void an_answer_reaches_an_owner_that_discovery_has_forgotten(void)
{
	struct fake_network net;
	struct fake_switch *second;
	struct lb *lb = two_switches(&net, DISCOVERY ",hosts_max=1", &second);
	struct arp answer = {
	        .from = &lb_client, .target = 5, .op = FB_ARP_REPLY, .dl_dst = mac_of(&lb_other)};

	hear_quietly(lb, &lb_other);
	lb_said(lb);
	LB_SAYS(arp(lb, answer), "out #2 in 1: output:5\n");
	lb_free(lb);
}

/* --- arp=flood --- */

static void with_arp_flood_questions_are_flooded_and_answers_are_not(void)
{
	struct lb *lb = lb_new("arp=flood");

	LB_SAYS(ask(lb, &lb_client, 2), "out #4 in 1: FLOOD\n");
	LB_SAYS(arp(lb, (struct arp){.from = &lb_b,
	                             .target = 1,
	                             .op = FB_ARP_REPLY,
	                             .dl_dst = mac_of(&lb_client)}),
	        "out #5 in 3: output:1\n");
	LB_SAYS(ask(lb, &lb_a, 1), "out #6 in 2: FLOOD\n");
	LB_SAYS(lb_announce(lb, &lb_a), "out #7 in 2: FLOOD\n");
	CU_ASSERT_EQUAL(lb_counter(lb, "arp_answered"), 0);
	lb_free(lb);
}

UNIT_TESTS("balancer_arp",
           UNIT_TEST(a_question_for_a_shared_address_is_answered_with_its_stable_mac),
           UNIT_TEST(the_buffer_of_an_answered_question_is_released_once),
           UNIT_TEST(a_frame_without_buffer_leaves_nothing_to_release),
           UNIT_TEST(a_question_to_one_replica_is_answered_too),
           UNIT_TEST(what_replicas_announce_reaches_nobody),
           UNIT_TEST(the_answer_of_a_replica_is_replaced_for_who_has_asked),
           UNIT_TEST(an_answer_to_a_host_that_wants_the_address_is_taken),
           UNIT_TEST(an_address_that_was_shared_is_answered_for_with_one_owner_left),
           UNIT_TEST(a_host_that_wants_a_shared_address_hears_of_no_conflict),
           UNIT_TEST(a_host_that_wants_an_unknown_address_asks_itself_and_is_not_asked),
           UNIT_TEST(others_who_ask_for_an_address_do_not_make_a_conflict_for_who_wants_it),
           UNIT_TEST(no_probe_goes_to_a_host_that_wants_a_shared_address),
           UNIT_TEST(a_replica_that_probes_as_its_port_comes_up_is_not_probed),
           UNIT_TEST(an_owner_beside_a_host_that_wants_the_address_is_not_taken_for_dead),
           UNIT_TEST(what_is_asked_for_a_replica_does_not_reach_who_wants_its_address),
           UNIT_TEST(hosts_that_want_addresses_are_remembered_within_a_limit),
           UNIT_TEST(vlans_are_kept_apart), UNIT_TEST(a_replica_is_told_the_mac_of_an_owner),
           UNIT_TEST(a_replica_is_told_the_stable_mac_of_another_shared_address),
           UNIT_TEST(a_replica_waits_for_an_owner_that_is_not_known),
           UNIT_TEST(where_no_probe_is_answered_all_are_asked_in_a_replicas_place),
           UNIT_TEST(what_is_asked_in_a_replicas_place_has_its_vlan),
           UNIT_TEST(a_question_for_one_owner_goes_to_it_alone),
           UNIT_TEST(a_question_to_a_mac_that_nobody_has_any_more_reaches_the_owner),
           UNIT_TEST(a_question_that_came_by_the_owners_port_is_dropped),
           UNIT_TEST(a_host_that_wants_the_address_of_another_hears_of_it),
           UNIT_TEST(announcements_of_hosts_that_share_nothing_are_flooded),
           UNIT_TEST(an_answer_for_a_host_that_nobody_heard_is_flooded),
           UNIT_TEST(a_question_waits_until_all_owners_can_have_spoken),
           UNIT_TEST(with_one_owner_that_has_spoken_the_question_goes_to_it),
           UNIT_TEST(with_no_owner_that_has_spoken_the_question_is_flooded),
           UNIT_TEST(the_same_question_is_not_asked_twice_while_it_waits),
           UNIT_TEST(the_same_question_for_another_sender_address_waits_too),
           UNIT_TEST(who_asks_while_owners_speak_waits_for_the_others_too),
           UNIT_TEST(questions_for_an_address_in_several_vlans_wait_apart),
           UNIT_TEST(beyond_the_limit_questions_are_flooded_at_once),
           UNIT_TEST(questions_for_no_host_are_taken),
           UNIT_TEST(what_waits_is_forgotten_with_its_switch),
           UNIT_TEST(a_frame_that_came_over_a_link_is_flooded_on_and_not_answered_twice),
           UNIT_TEST(of_a_frame_that_came_cut_the_question_reaches_another_switch),
           UNIT_TEST(an_answer_reaches_an_owner_that_discovery_has_forgotten),
           UNIT_TEST(with_arp_flood_questions_are_flooded_and_answers_are_not))
