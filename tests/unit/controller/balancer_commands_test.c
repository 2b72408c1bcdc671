/* What the balancer is told to do while it runs: drain, undrain, weight, reload; and what is
 * configured, as far as connections see it. */
#include "tests/unit/controller/balancer_bench.h"

#define OUT_A ": mod_dl_dst::02,output:2\n"
#define OUT_B ": mod_dl_dst::03,output:3\n"
#define MAC_A "02:00:00:00:00:02"
#define MAC_B "02:00:00:00:00:03"

static const uint64_t s_ns = FB_NS_PER_S;

/* The answer to the last command. */
static char answer[512];

/* Tell the balancer 'line', words and single blanks between them; 0: it did so. */
static int tell(struct lb *lb, const char *line)
{
	struct fb_text text = fb_text_make(answer, sizeof answer);
	char copy[256];
	const char *words[8];
	size_t count = 0;

	snprintf(copy, sizeof copy, "%s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		words[count++] = word;
	return controller_command(lb->bench->ctl, "balancer", words, count, &text,
	                          lb->bench->now_ns);
}

/* Who gets the next connections: "ABA", "-" for one that is refused or waits. */
static const char *next(struct lb *lb, size_t count)
{
	static uint16_t tp = 1000;
	static char who[64];

	CU_ASSERT_FATAL(count < sizeof who);
	for (size_t i = 0; i < count; i++) {
		const char *said = lb_syn(lb, tp++, 1);

		who[i] = lb_has(said, OUT_A) ? 'A' : lb_has(said, OUT_B) ? 'B' : '-';
	}
	who[count] = 0;
	return who;
}

/* How many of 60 clients are given to server_a. */
static int clients_of_a(struct lb *lb)
{
	static uint16_t tp = 2000;
	int count = 0;

	for (uint8_t i = 0; i < 60; i++) {
		const struct lb_host client = {(uint8_t)(100 + i), (uint8_t)(100 + i), 1};

		count += lb_has(lb_tcp(lb, &(struct lb_segment){.from = &client,
		                                                .to = &lb_a,
		                                                .tp_src = tp++,
		                                                .tp_dst = LB_SERVICE,
		                                                .flags = FB_TCP_SYN}),
		                OUT_A);
	}
	return count;
}

/* --- Commands --- */

static void a_drained_backend_keeps_its_sessions_and_gets_no_others(void)
{
	struct lb *lb = lb_new("");

	lb_syn(lb, 1, 1);
	lb_syn_ack(lb, &lb_a, 1, 1);
	CU_ASSERT_EQUAL(tell(lb, "drain 192.168.2.2 " MAC_A), 0);
	CU_ASSERT_STRING_EQUAL(answer, MAC_A " of 192.168.2.2: weight 1, drained, 1 sessions, 0 silent ones");
	LB_SAYS(lb_said(lb), "");
	LB_SAYS(next(lb, 3), "BBB");
	CU_ASSERT(lb_has(lb_to_server(lb, 1, FB_TCP_ACK), OUT_A));
	lb_pass(lb, 2 * s_ns);
	lb_said(lb);
	CU_ASSERT(lb_has(lb_to_server(lb, 1, FB_TCP_ACK), "add tcp,in_port=1"));
	CU_ASSERT_EQUAL(tell(lb, "undrain 192.168.2.2 " MAC_A), 0);
	CU_ASSERT_STRING_EQUAL(answer, MAC_A " of 192.168.2.2: weight 1, not drained, 1 sessions, 0 silent ones");
	CU_ASSERT(strchr(next(lb, 2), 'A') != NULL);
	CU_ASSERT_EQUAL(lb_counter(lb, "failed"), 0);
	lb_free(lb);
}

static void a_session_that_waits_for_its_answer_keeps_its_drained_backend(void)
{
	struct lb *lb = lb_new("");

	CU_ASSERT(lb_has(lb_syn(lb, 1, 1), OUT_A));
	tell(lb, "drain 192.168.2.2 " MAC_A);
	lb_pass(lb, s_ns);
	CU_ASSERT(lb_has(lb_syn(lb, 1, 1), OUT_A));
	CU_ASSERT(lb_has(lb_syn_ack(lb, &lb_a, 1, 1), "output:1\n"));
	lb_free(lb);
}

static void where_all_backends_are_drained_connections_are_refused(void)
{
	struct lb *lb = lb_new("");

	tell(lb, "drain 192.168.2.2 " MAC_A);
	tell(lb, "drain 192.168.2.2 " MAC_B);
	CU_ASSERT(lb_has(lb_syn(lb, 1, 1), "tcp R. seq 0 ack 2"));
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_all_down"), 1);
	lb_free(lb);
}

static void a_backend_that_is_heard_again_is_still_drained(void)
{
	struct lb *lb = lb_new("");

	tell(lb, "drain 192.168.2.2 " MAC_A);
	lb_announce(lb, &lb_a);
	LB_SAYS(next(lb, 2), "BB");
	lb_free(lb);
}

static void weights_count_from_now_on(void)
{
	struct lb *lb = lb_new("scheduler=wrr");

	LB_SAYS(next(lb, 4), "ABAB");
	CU_ASSERT_EQUAL(tell(lb, "weight 192.168.2.2 " MAC_A " 3"), 0);
	CU_ASSERT_STRING_EQUAL(answer, MAC_A " of 192.168.2.2: weight 3, not drained, 2 sessions, 0 silent ones");
	LB_SAYS(next(lb, 8), "AABAAABA");
	CU_ASSERT_EQUAL(tell(lb, "weight 192.168.2.2 " MAC_A " 0"), 0);
	LB_SAYS(next(lb, 3), "BBB");
	CU_ASSERT_EQUAL(tell(lb, "weight 192.168.2.2 " MAC_B " 65535"), 0);
	lb_free(lb);
	/* And with a table that was made before. */
	lb = lb_new("scheduler=maglev");
	CU_ASSERT(clients_of_a(lb) < 40);
	CU_ASSERT_EQUAL(tell(lb, "weight 192.168.2.2 " MAC_A " 60000"), 0);
	CU_ASSERT(clients_of_a(lb) > 55);
	lb_free(lb);
}

/* A segment of 'from' in VLAN 7 with 'flags'. */
static const char *tagged(struct lb *lb, const struct lb_host *from, const struct lb_host *to,
                          uint16_t tp_src, uint8_t flags)
{
	return lb_tcp(lb, &(struct lb_segment){.from = from,
	                                       .to = to,
	                                       .tp_src = tp_src,
	                                       .tp_dst = LB_SERVICE,
	                                       .flags = flags,
	                                       .has_vlan = true,
	                                       .vlan_tci = 7});
}

static void a_backend_in_a_vlan_can_be_drained_too(void)
{
	static const struct lb_host c = {4, 2, 4}, d = {5, 2, 5};
	struct lb *lb = lb_new("");

	tagged(lb, &c, &lb_client, 1, FB_TCP_RST);
	tagged(lb, &d, &lb_client, 1, FB_TCP_RST);
	CU_ASSERT_EQUAL(tell(lb, "drain 192.168.2.2@7 02:00:00:00:00:04"), 0);
	CU_ASSERT_STRING_EQUAL(answer, "02:00:00:00:00:04 of 192.168.2.2@7: weight 1, drained, 0 "
	                               "sessions, 0 silent ones");
	for (uint16_t tp = 1; tp < 4; tp++)
		CU_ASSERT(lb_has(tagged(lb, &lb_client, &c, tp, FB_TCP_SYN), "output:5\n"));
	CU_ASSERT_EQUAL(tell(lb, "undrain 192.168.2.2@7 02:00:00:00:00:04"), 0);
	CU_ASSERT_EQUAL(tell(lb, "weight 192.168.2.2@7 02:00:00:00:00:05 0"), 0);
	CU_ASSERT(lb_has(tagged(lb, &lb_client, &c, 9, FB_TCP_SYN), "output:4\n"));
	LB_SAYS(next(lb, 4), "ABAB"); /* the same address without tag is another one */
	CU_ASSERT_EQUAL(tell(lb, "drain 192.168.2.2@7 " MAC_A), -1);
	CU_ASSERT_EQUAL(tell(lb, "drain 192.168.2.2 02:00:00:00:00:04"), -1);
	lb_free(lb);
}

static void what_is_wrong_is_told_and_changes_nothing(void)
{
	static const struct {
		const char *line, *told;
	} wrong[] = {
	        {"", "expected drain VIP MAC"},
	        {"stop", "expected drain VIP MAC"},
	        {"drain", "expected drain VIP MAC"},
	        {"drain 192.168.2.2", "expected drain VIP MAC"},
	        {"drain 192.168.2.2 " MAC_A " now", "expected drain VIP MAC"},
	        {"weight 192.168.2.2 " MAC_A, "expected drain VIP MAC"},
	        {"reload it", "expected drain VIP MAC"},
	        {"drain 192.168.2 " MAC_A, "192.168.2"},
	        {"drain 192.168.2@7 " MAC_A, "192.168.2"},
	        {"drain 192.168.2.2@ " MAC_A, "after @ a VLAN, 1 to 4095"},
	        {"drain 192.168.2.2@0 " MAC_A, "after @ a VLAN, 1 to 4095"},
	        {"drain 192.168.2.2@4096 " MAC_A, "after @ a VLAN, 1 to 4095"},
	        {"drain 192.168.2.2@-1 " MAC_A, "after @ a VLAN, 1 to 4095"},
	        {"drain 192.168.2.2@7x " MAC_A, "after @ a VLAN, 1 to 4095"},
	        {"drain 192.168.255.2000000@7 " MAC_A, "after @ a VLAN, 1 to 4095"},
	        {"drain 192.168.2.2@7 " MAC_A, "nobody was heard under 192.168.2.2@7"},
	        {"drain 192.168.2.2 02:00:00:00:00", "02:00:00:00:00"},
	        {"drain 192.168.2.9 " MAC_A, "nobody was heard under 192.168.2.9"},
	        {"drain 192.168.2.2 02:00:00:00:00:09", "is no backend of 192.168.2.2"},
	        {"weight 192.168.2.2 " MAC_A " -1", "-1: expected a weight, 0 to 65535"},
	        {"weight 192.168.2.2 " MAC_A " 65536", "65536: expected a weight, 0 to 65535"},
	        {"weight 192.168.2.2 " MAC_A " 99999999999999999999", ": expected a weight"},
	        {"weight 192.168.2.2 " MAC_A " 3x", "3x: expected a weight, 0 to 65535"},
	        {"weight 192.168.2.2 02:00:00:00:00:09 3", "is no backend of 192.168.2.2"},
	        {"reload", "the option services names one"},
	};
	struct lb *lb = lb_new("scheduler=wrr");

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		CU_ASSERT_EQUAL(tell(lb, wrong[i].line), -1);
		CU_ASSERT(lb_has(answer, wrong[i].told));
		if (!lb_has(answer, wrong[i].told))
			printf("# %s: %s\n", wrong[i].line, answer);
	}
	LB_SAYS(lb_said(lb), "");
	LB_SAYS(next(lb, 4), "ABAB");
	lb_free(lb);
}

/* --- What is configured --- */

static void only_backends_that_are_named_are_taken(void)
{
	struct lb *lb = lb_new("vip=192.168.2.2,backends=" MAC_A "+02:00:00:00:00:04");

	CU_ASSERT_EQUAL(lb_counter(lb, "owners_unknown"), 1);
	LB_SAYS(next(lb, 3), "AAA"); /* the other one was never heard */
	lb_announce(lb, &lb_c);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_back"), 2); /* with the first */
	CU_ASSERT(lb_has(next(lb, 2), "-"));               /* behind port 4 */
	lb_free(lb);
}

static void a_backend_that_is_lost_stays_named_and_comes_back(void)
{
	struct lb *lb = lb_new("vip=192.168.2.2,backends=" MAC_A "+" MAC_B);

	lb_silence(lb, &lb_a);
	fake_switch_set_link(lb->sw, 2, false);
	LB_SAYS(next(lb, 2), "BB");
	CU_ASSERT_EQUAL(tell(lb, "weight 192.168.2.2 " MAC_A " 2"), 0); /* known all the same */
	fake_switch_set_link(lb->sw, 2, true);
	lb_pass(lb, s_ns);
	lb_announce(lb, &lb_a);
	CU_ASSERT(strchr(next(lb, 2), 'A') != NULL);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_lost"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_back"), 3);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_found"), 3); /* the two, and the client */
	lb_free(lb);
}

static void a_port_that_the_address_does_not_serve_is_refused_at_once(void)
{
	struct lb *lb = lb_new("vip=192.168.2.2,ports=tcp/80");

	CU_ASSERT(lb_has(lb_syn(lb, 1, 1), "192.168.2.2.22 > 192.168.2.1.1: tcp R. seq 0 ack 2"));
	CU_ASSERT_EQUAL(lb_counter(lb, "refused_port"), 1);
	CU_ASSERT_EQUAL(lb_counter(lb, "sessions"), 0);
	lb_free(lb);
}

/* A balancer with the services file 'text', where client and servers were heard. */
static struct lb *lb_with_file(const char *text, const char *options)
{
	char all[128];

	bench_file = text;
	snprintf(all, sizeof all, "services=list%s%s", *options ? "," : "", options);
	return lb_new(all);
}

static void the_file_is_read_at_the_start_and_again_when_told(void)
{
	struct lb *lb = lb_with_file("vip 192.168.2.2 scheduler=wrr\n"
	                             "backend " MAC_A " weight=3\n"
	                             "backend " MAC_B "\n",
	                             "");

	LB_SAYS(next(lb, 8), "AABAAABA");
	bench_file = "vip 192.168.2.2 scheduler=rr\n"
	             "backend " MAC_A " weight=3\n"
	             "backend " MAC_B "\n";
	CU_ASSERT_EQUAL(tell(lb, "reload"), 0);
	CU_ASSERT_STRING_EQUAL(answer, "list: read again");
	LB_SAYS(next(lb, 4), "ABAB");
	bench_file = "vip 192.168.2.2\nbackend " MAC_A " drain\nbackend " MAC_B "\n";
	CU_ASSERT_EQUAL(tell(lb, "reload"), 0);
	LB_SAYS(next(lb, 2), "BB");
	lb_free(lb);
}

static void what_commands_have_set_lasts_until_the_file_is_read_again(void)
{
	static const char file[] = "vip 192.168.2.2\nbackend " MAC_A "\nbackend " MAC_B " drain\n";
	struct lb *lb = lb_with_file(file, "");

	LB_SAYS(next(lb, 2), "AA");
	tell(lb, "undrain 192.168.2.2 " MAC_B);
	tell(lb, "drain 192.168.2.2 " MAC_A);
	LB_SAYS(next(lb, 2), "BB");
	CU_ASSERT_EQUAL(tell(lb, "reload"), 0);
	LB_SAYS(next(lb, 2), "AA");
	lb_free(lb);
}

static void a_file_with_a_mistake_changes_nothing(void)
{
	struct lb *lb = lb_with_file("vip 192.168.2.2 ports=tcp/22\nbackend " MAC_A "\n", "");

	bench_file = "vip 192.168.2.2\nbackend " MAC_B "\nbackend nobody\n";
	CU_ASSERT_EQUAL(tell(lb, "reload"), -1);
	CU_ASSERT(lb_has(answer, "list:3:"));
	LB_SAYS(next(lb, 2), "AA");
	bench_file = NULL;
	CU_ASSERT_EQUAL(tell(lb, "reload"), -1);
	CU_ASSERT(lb_has(answer, "there is no such file"));
	LB_SAYS(next(lb, 2), "AA");
	lb_free(lb);
}

static void a_balancer_with_a_wrong_file_does_not_start(void)
{
	struct bench *b = bench_new();

	bench_file = "vip everywhere\n";
	CU_ASSERT(bench_try_add(b, &fb_app_balancer, "services=list") < 0);
	CU_ASSERT(lb_has(b->error, "list:1:5:"));
	bench_file = NULL;
	CU_ASSERT(bench_try_add(b, &fb_app_balancer, "services=list") < 0);
	CU_ASSERT(lb_has(b->error, "there is no such file"));
	bench_free(b);
}

static void a_backend_that_is_not_named_any_more_keeps_its_sessions_and_gets_no_others(void)
{
	struct lb *lb = lb_with_file("vip 192.168.2.2\nbackend " MAC_A "\nbackend " MAC_B "\n", "");

	lb_syn(lb, 1, 1);
	lb_syn_ack(lb, &lb_a, 1, 1);
	bench_file = "vip 192.168.2.2\nbackend " MAC_B "\n";
	CU_ASSERT_EQUAL(tell(lb, "reload"), 0);
	LB_SAYS(lb_said(lb), "");
	LB_SAYS(next(lb, 3), "BBB");
	lb_pass(lb, 2 * s_ns);
	CU_ASSERT(!lb_has(lb_said(lb), "delete"));
	CU_ASSERT(lb_has(lb_to_server(lb, 1, FB_TCP_ACK), OUT_A));
	CU_ASSERT_EQUAL(lb_counter(lb, "failed"), 0);
	lb_free(lb);
}

static void an_address_that_is_not_configured_any_more_is_as_it_is_heard(void)
{
	struct lb *lb = lb_with_file("vip 192.168.2.2 ports=tcp/80 scheduler=source\n"
	                             "backend " MAC_A " weight=0\n"
	                             "backend " MAC_B " drain\n",
	                             "");

	LB_SAYS(next(lb, 1), "-");
	bench_file = "vip 192.168.2.9\n";
	CU_ASSERT_EQUAL(tell(lb, "reload"), 0);
	lb_announce(lb, &lb_a);
	lb_announce(lb, &lb_b);
	LB_SAYS(next(lb, 4), "ABAB");
	lb_silence(lb, &lb_a);
	fake_switch_set_link(lb->sw, 2, false);
	CU_ASSERT_EQUAL(tell(lb, "drain 192.168.2.2 " MAC_A), -1); /* nobody keeps its place */
	lb_free(lb);
}

static void addresses_come_with_the_file(void)
{
	struct lb *lb = lb_with_file("vip 192.168.2.8\n", "");

	LB_SAYS(next(lb, 2), "AB");
	bench_file = "vip 192.168.2.9\nbackend " MAC_A "\n\nvip 192.168.2.2\nbackend " MAC_B "\n";
	CU_ASSERT_EQUAL(tell(lb, "reload"), 0);
	LB_SAYS(next(lb, 2), "BB");
	CU_ASSERT_EQUAL(tell(lb, "drain 192.168.2.9 " MAC_A), 0);
	/* One that was never heard is forgotten with its line. */
	bench_file = "vip 192.168.2.9\nbackend " MAC_B "\n\nvip 192.168.2.2\nbackend " MAC_B "\n";
	CU_ASSERT_EQUAL(tell(lb, "reload"), 0);
	CU_ASSERT_EQUAL(tell(lb, "drain 192.168.2.9 " MAC_A), -1);
	CU_ASSERT_EQUAL(lb_counter(lb, "owners_forgotten"), 1);
	lb_free(lb);
}

/* A server that is taken out for maintenance is started again meanwhile. */
static void a_drained_backend_that_was_never_configured_is_remembered(void)
{
	struct lb *lb = lb_new("");

	CU_ASSERT_EQUAL(tell(lb, "drain 192.168.2.2 " MAC_B), 0);
	fake_switch_set_link(lb->sw, lb_b.port, false);
	lb_pass(lb, s_ns);
	fake_switch_set_link(lb->sw, lb_b.port, true);
	lb_pass(lb, s_ns);
	lb_announce(lb, &lb_b);
	CU_ASSERT_STRING_EQUAL(next(lb, 4), "AAAA");
	CU_ASSERT_EQUAL(tell(lb, "undrain 192.168.2.2 " MAC_B), 0);
	CU_ASSERT(strchr(next(lb, 2), 'B') != NULL);
	lb_free(lb);
}

/* Until it is forgotten it may go on, and its backend is not to be switched off. */
static void a_session_that_is_silent_is_told_of_its_drained_backend(void)
{
	struct lb *lb = lb_new("");
	struct fb_flow_mod entry;

	lb_syn(lb, 40000, 1000);
	lb_syn_ack(lb, &lb_a, 40000, 1000);
	entry = lb->flow_mod;
	lb_flow_removed(lb, &entry, OFPRR_IDLE_TIMEOUT);
	fb_match_any(&entry.match);
	entry.match = (struct fb_match){.wildcards = lb->flow_mod.match.wildcards,
	                                .in_port = 1,
	                                .dl_vlan = OFP_VLAN_NONE,
	                                .dl_type = FB_ETH_IPV4,
	                                .nw_proto = FB_IP_TCP,
	                                .nw_src = lb_ip(1),
	                                .nw_dst = lb_ip(2),
	                                .tp_src = 40000,
	                                .tp_dst = LB_SERVICE};
	lb_flow_removed(lb, &entry, OFPRR_IDLE_TIMEOUT);
	CU_ASSERT_EQUAL(tell(lb, "drain 192.168.2.2 " MAC_A), 0);
	CU_ASSERT_STRING_EQUAL(answer, MAC_A " of 192.168.2.2: weight 1, drained, 0 sessions, 1 silent ones");
	lb_free(lb);
}

static void weights_without_a_scheduler_are_turns_by_weight(void)
{
	struct lb *lb = lb_new("vip=192.168.2.2,backends=" MAC_A "*3+" MAC_B);

	CU_ASSERT_STRING_EQUAL(next(lb, 8), "AABAAABA");
	lb_free(lb);
	lb = lb_new("");
	CU_ASSERT_EQUAL(tell(lb, "weight 192.168.2.2 " MAC_B " 2"), 0);
	CU_ASSERT_STRING_EQUAL(next(lb, 6), "BABBAB");
	lb_free(lb);
}

UNIT_TESTS("balancer_commands", UNIT_TEST(a_drained_backend_keeps_its_sessions_and_gets_no_others),
           UNIT_TEST(a_session_that_waits_for_its_answer_keeps_its_drained_backend),
           UNIT_TEST(where_all_backends_are_drained_connections_are_refused),
           UNIT_TEST(a_backend_that_is_heard_again_is_still_drained),
           UNIT_TEST(weights_count_from_now_on),
           UNIT_TEST(a_backend_in_a_vlan_can_be_drained_too),
           UNIT_TEST(what_is_wrong_is_told_and_changes_nothing),
           UNIT_TEST(only_backends_that_are_named_are_taken),
           UNIT_TEST(a_backend_that_is_lost_stays_named_and_comes_back),
           UNIT_TEST(a_port_that_the_address_does_not_serve_is_refused_at_once),
           UNIT_TEST(the_file_is_read_at_the_start_and_again_when_told),
           UNIT_TEST(what_commands_have_set_lasts_until_the_file_is_read_again),
           UNIT_TEST(a_file_with_a_mistake_changes_nothing),
           UNIT_TEST(a_balancer_with_a_wrong_file_does_not_start),
           UNIT_TEST(a_backend_that_is_not_named_any_more_keeps_its_sessions_and_gets_no_others),
           UNIT_TEST(an_address_that_is_not_configured_any_more_is_as_it_is_heard),
           UNIT_TEST(addresses_come_with_the_file),
           UNIT_TEST(a_drained_backend_that_was_never_configured_is_remembered),
           UNIT_TEST(a_session_that_is_silent_is_told_of_its_drained_backend),
           UNIT_TEST(weights_without_a_scheduler_are_turns_by_weight))
