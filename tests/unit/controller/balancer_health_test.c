/* TCP checks: who is checked, from which address, what counts as an answer and what follows from
 * it. */
#include "tests/unit/controller/balancer_bench.h"

#include "controller/apps/balancer.h"

static const uint64_t s_ns = FB_NS_PER_S, ms_ns = FB_NS_PER_MS;

enum { SEEN_MAX = 8192, SERVICE_HOSTS = 256 };

/* What a host does with a check. */
enum service { SERVICE_OPEN, SERVICE_CLOSED, SERVICE_SILENT };

/* A frame of the controller's own. */
struct seen {
	struct fb_packet p; /* its views are not valid */
	uint8_t to;         /* last byte of dl_dst */
	uint64_t at_ns;
	char actions[32];
};

/* Hosts whose services answer to checks, and what the controller sent to them. */
struct clinic {
	struct lb *lb;
	enum service services[SERVICE_HOSTS]; /* by number of the host */
	struct seen checks[SEEN_MAX], resets[SEEN_MAX];
	size_t checks_count, resets_count, flow_mods;
	unsigned probes[256]; /* RFC 5227, by last byte of the address */
	char arp_answer[FB_TEXT_LINE_BYTES];
	char arp_actions[32];
};

/* --- Hosts --- */

static void note(struct clinic *c, struct seen *seen, size_t *count, const struct fb_packet *p,
                 const struct fb_packet_out *po)
{
	struct fb_text t = fb_text_make(seen[*count].actions, sizeof seen->actions);

	CU_ASSERT_FATAL(*count < SEEN_MAX);
	seen[*count].p = *p;
	seen[*count].to = p->dl_dst[FB_MAC_BYTES - 1];
	seen[*count].at_ns = c->lb->bench->now_ns;
	fb_text_actions(&t, po->actions);
	(*count)++;
}

/* The host 'number', behind the port of that number, answers the check 'p' with 'flags' and
 * changes. */
struct reply {
	uint8_t number, flags;
	uint16_t port; /* 0: as the number */
	int32_t ack, tp_dst, tp_src, nw_dst, nw_src;
};

static void reply(struct clinic *c, const struct fb_packet *check, const struct reply *r)
{
	uint8_t bytes[128];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = check->has_vlan, .vlan_tci = check->vlan_tci};
	struct fb_ipv4_spec ip = {.nw_src = check->nw_dst + (uint32_t)r->nw_src,
	                          .nw_dst = check->nw_src + (uint32_t)r->nw_dst};
	struct fb_tcp_spec tcp = {.tp_src = (uint16_t)(check->tp_dst + r->tp_src),
	                          .tp_dst = (uint16_t)(check->tp_src + r->tp_dst),
	                          .seq = 5000,
	                          .ack = check->tcp_seq + 1 + (uint32_t)r->ack,
	                          .flags = r->flags};

	lb_mac(eth.dl_src, r->number);
	memcpy(eth.dl_dst, balancer_own_mac, FB_MAC_BYTES);
	fb_build_tcp(&frame, &eth, &ip, &tcp, NULL, 0);
	lb_frame_in(c->lb, r->port ? r->port : r->number, &frame);
}

static void serve(struct clinic *c, const struct fb_packet *p, uint8_t to)
{
	struct reply r = {.number = to, .flags = FB_TCP_SYN | FB_TCP_ACK};

	if (c->services[to] == SERVICE_SILENT)
		return;
	if (c->services[to] == SERVICE_CLOSED)
		r.flags = FB_TCP_RST | FB_TCP_ACK;
	reply(c, p, &r);
}

static void note_arp(struct clinic *c, const struct fb_packet *p, const struct fb_packet_out *po)
{
	struct fb_text t = fb_text_make(c->arp_answer, sizeof c->arp_answer);
	struct fb_text a = fb_text_make(c->arp_actions, sizeof c->arp_actions);

	if (p->arp_op == FB_ARP_REQUEST && p->nw_src == 0) {
		c->probes[p->nw_dst & 0xff]++;
	} else if (p->arp_op == FB_ARP_REPLY) {
		fb_text_packet(&t, p->data, p->len);
		fb_text_actions(&a, po->actions);
	}
}

static void note_packet_out(struct clinic *c, const struct fb_packet_out *po)
{
	struct fb_packet p;

	if (po->buffer_id != OFP_NO_BUFFER) {
		c->lb->released[po->buffer_id]++;
		CU_ASSERT(fake_goes_nowhere(po));
		return;
	}
	CU_ASSERT_FATAL(fb_packet_parse(&p, po->data.data, po->data.len) == 0);
	CU_ASSERT(fb_packet_checksums_ok(&p));
	if (p.is_arp) {
		note_arp(c, &p, po);
		return;
	}
	if (!fb_mac_equal(p.dl_src, balancer_own_mac) || !p.is_tcp)
		return;
	if (p.tcp_flags == FB_TCP_SYN) {
		uint8_t to = p.dl_dst[FB_MAC_BYTES - 1];

		note(c, c->checks, &c->checks_count, &p, po);
		serve(c, &p, to);
	} else if (p.tcp_flags & FB_TCP_RST) {
		note(c, c->resets, &c->resets_count, &p, po);
	}
}

/* Look at what was sent. */
static void look(struct clinic *c)
{
	const struct fb_msg *msg;

	while ((msg = fake_switch_next(c->lb->sw))) {
		if (msg->type == OFPT_PACKET_OUT)
			note_packet_out(c, &msg->packet_out);
		c->flow_mods += msg->type == OFPT_FLOW_MOD;
	}
}

static void pass(struct clinic *c, uint64_t ns)
{
	struct bench *b = c->lb->bench;
	uint64_t until_ns = b->now_ns + ns, deadline_ns;

	look(c);
	while ((deadline_ns = controller_deadline(b->ctl)) <= until_ns) {
		if (deadline_ns > b->now_ns)
			b->now_ns = deadline_ns;
		controller_run(b->ctl, b->now_ns);
		lb_answer_probes(c->lb);
		look(c);
	}
	b->now_ns = until_ns;
}

/* A client and two servers, :02 and :03, both open. */
static struct clinic *clinic_new(const char *options)
{
	struct clinic *c = calloc(1, sizeof *c);

	CU_ASSERT_FATAL(c != NULL);
	c->lb = lb_new(options);
	return c;
}

static void clinic_free(struct clinic *c)
{
	look(c);
	lb_free(c->lb);
	free(c);
}

/* Checks sent to the host 'number'; the last of them. */
static size_t checks_of(const struct clinic *c, uint8_t number)
{
	size_t count = 0;

	for (size_t i = 0; i < c->checks_count; i++)
		count += c->checks[i].to == number;
	return count;
}

static const struct seen *check_of(const struct clinic *c, uint8_t number, size_t nth)
{
	for (size_t i = 0; i < c->checks_count; i++) {
		if (c->checks[i].to == number && nth-- == 0)
			return &c->checks[i];
	}
	CU_FAIL_FATAL("there was no such check");
	return NULL;
}

/* How many of 'count' new connections go to the host 'number'. */
static unsigned turns(struct clinic *c, uint8_t number, unsigned count)
{
	static uint16_t tp = 1000;
	char text[32];
	unsigned found = 0;

	snprintf(text, sizeof text, "mod_dl_dst::%02x,output:%u", number, number);
	look(c);
	for (unsigned i = 0; i < count; i++)
		found += lb_has(lb_syn(c->lb, tp++, 1), text);
	return found;
}

/* --- The tests --- */

static void an_owner_is_checked_at_once_and_then_after_every_interval(void)
{
	struct clinic *c = clinic_new("check=tcp:22,check_interval=3s,check_timeout=1s");

	pass(c, 10 * s_ns);
	/* A second to choose an address, and half a one until that is seen. */
	CU_ASSERT(check_of(c, 2, 0)->at_ns <= 2600 * ms_ns);
	CU_ASSERT_EQUAL(check_of(c, 2, 1)->at_ns - check_of(c, 2, 0)->at_ns, 3 * s_ns);
	CU_ASSERT_EQUAL(check_of(c, 2, 2)->at_ns - check_of(c, 2, 1)->at_ns, 3 * s_ns);
	CU_ASSERT_EQUAL(checks_of(c, 2), checks_of(c, 3));
	lb_announce(c->lb, &lb_c);
	pass(c, 0);
	CU_ASSERT_EQUAL(checks_of(c, 4), 1);
	clinic_free(c);
}

static void a_check_is_a_syn_to_the_owner_alone(void)
{
	struct clinic *c = clinic_new("check=tcp:22");
	const struct seen *check;

	pass(c, 3 * s_ns);
	check = check_of(c, 2, 0);
	CU_ASSERT_STRING_EQUAL(check->actions, "output:2");
	CU_ASSERT_STRING_EQUAL(check_of(c, 3, 0)->actions, "output:3");
	CU_ASSERT_EQUAL(check->p.nw_src, lb_ip(254));
	CU_ASSERT_EQUAL(check->p.nw_dst, lb_ip(2));
	CU_ASSERT_EQUAL(check->p.tp_dst, 22);
	CU_ASSERT_FALSE(check->p.has_vlan);
	clinic_free(c);
}

static void every_check_has_other_numbers(void)
{
	struct clinic *c = clinic_new("check=tcp:22,check_interval=100ms");

	pass(c, 100 * s_ns);
	CU_ASSERT(c->checks_count > 1000);
	for (size_t i = 1; i < c->checks_count; i++) {
		CU_ASSERT_NOT_EQUAL(c->checks[i].p.tp_src, c->checks[i - 1].p.tp_src);
		CU_ASSERT_NOT_EQUAL(c->checks[i].p.tcp_seq, c->checks[i - 1].p.tcp_seq);
		CU_ASSERT(c->checks[i].p.tp_src >= 32768 && c->checks[i].p.tp_src <= 60999);
	}
	clinic_free(c);
}

static void a_syn_ack_is_reset_exactly(void)
{
	struct clinic *c = clinic_new("check=tcp:22");

	pass(c, 3 * s_ns);
	CU_ASSERT_EQUAL(c->resets_count, c->checks_count);
	for (size_t i = 0; i < c->resets_count; i++) {
		const struct seen *rst = &c->resets[i];
		const struct seen *check = check_of(c, rst->to, i / 2);

		CU_ASSERT_EQUAL(rst->p.tcp_seq, check->p.tcp_seq + 1);
		CU_ASSERT_EQUAL(rst->p.tp_src, check->p.tp_src);
		CU_ASSERT_EQUAL(rst->p.tp_dst, 22);
		CU_ASSERT_STRING_EQUAL(rst->actions, check->actions);
	}
	clinic_free(c);
}

static void a_refusal_is_not_reset(void)
{
	struct clinic *c = clinic_new("check=tcp:22");

	c->services[2] = c->services[3] = SERVICE_CLOSED;
	pass(c, 20 * s_ns);
	CU_ASSERT(c->checks_count > 2);
	CU_ASSERT_EQUAL(c->resets_count, 0);
	clinic_free(c);
}

static void checks_are_no_sessions_and_take_no_turn(void)
{
	struct clinic *c = clinic_new("check=tcp:22,check_interval=1s");

	uint64_t flooded = lb_counter(c->lb, "flooded");

	CU_ASSERT_EQUAL(turns(c, 2, 1), 1);
	pass(c, 10 * s_ns);
	c->services[3] = SERVICE_CLOSED;
	pass(c, s_ns);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "sessions"), 1);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "answered"), 0);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "refused_by_backend"), 0);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "late_synacks"), 0);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "strays_passed"), 0);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "flooded"), flooded);
	CU_ASSERT_EQUAL(c->flow_mods, 0);
	CU_ASSERT_EQUAL(turns(c, 3, 1), 1);
	clinic_free(c);
}

static void an_owner_that_refuses_three_times_gets_no_connections(void)
{
	struct clinic *c = clinic_new("check=tcp:22,check_interval=1s,check_down=3");

	c->services[3] = SERVICE_CLOSED;
	while (checks_of(c, 3) < 2)
		pass(c, 100 * ms_ns);
	CU_ASSERT_EQUAL(turns(c, 3, 10), 5);
	while (checks_of(c, 3) < 3)
		pass(c, 100 * ms_ns);
	CU_ASSERT_EQUAL(turns(c, 3, 10), 0);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "checks_failed"), 3);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "owners_lost"), 1);
	clinic_free(c);
}

static void silence_is_as_bad_as_a_refusal(void)
{
	struct clinic *c = clinic_new("check=tcp:22,check_interval=1s,check_timeout=500ms");

	c->services[3] = SERVICE_SILENT;
	while (checks_of(c, 3) < 3)
		pass(c, 100 * ms_ns);
	CU_ASSERT_EQUAL(check_of(c, 3, 1)->at_ns - check_of(c, 3, 0)->at_ns, 1500 * ms_ns);
	CU_ASSERT_EQUAL(turns(c, 3, 10), 5);
	pass(c, 500 * ms_ns);
	CU_ASSERT_EQUAL(turns(c, 3, 10), 0);
	clinic_free(c);
}

static void an_owner_is_back_after_two_good_checks(void)
{
	struct clinic *c =
	        clinic_new("check=tcp:22,check_interval=1s,check_timeout=500ms,check_up=2");
	size_t before;

	c->services[3] = SERVICE_SILENT;
	pass(c, 10 * s_ns);
	CU_ASSERT_EQUAL(turns(c, 3, 10), 0);
	c->services[3] = SERVICE_OPEN;
	for (before = checks_of(c, 3); checks_of(c, 3) < before + 1;)
		pass(c, 100 * ms_ns);
	CU_ASSERT_EQUAL(turns(c, 3, 10), 0);
	while (checks_of(c, 3) < before + 2)
		pass(c, 100 * ms_ns);
	CU_ASSERT_EQUAL(turns(c, 3, 10), 5);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "owners_back"), 1);
	clinic_free(c);
}

static void one_answer_of_the_other_kind_starts_the_count_anew(void)
{
	struct clinic *c = clinic_new("check=tcp:22,check_interval=1s,check_down=3");

	for (size_t i = 1; i <= 30; i++) {
		c->services[3] = i % 3 ? SERVICE_CLOSED : SERVICE_OPEN;
		while (checks_of(c, 3) < i)
			pass(c, 100 * ms_ns);
	}
	CU_ASSERT_EQUAL(turns(c, 3, 10), 5);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "checks_failed"), 20);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "owners_lost"), 0);
	clinic_free(c);
}

/* Each with one thing that is wrong. */
static void answers_that_are_not_to_the_check_count_for_nothing(void)
{
	static const struct reply wrong[] = {
	        {3, FB_TCP_SYN | FB_TCP_ACK, .ack = 1},
	        {3, FB_TCP_SYN | FB_TCP_ACK, .tp_dst = 1},
	        {3, FB_TCP_SYN | FB_TCP_ACK, .tp_src = 1},
	        {3, FB_TCP_SYN | FB_TCP_ACK, .nw_src = 7},
	        {5, FB_TCP_SYN | FB_TCP_ACK, .port = 3},
	        {3, FB_TCP_SYN, .ack = 0},
	        {3, FB_TCP_ACK, .ack = 0},
	        {3, FB_TCP_RST, .ack = 0},
	};

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		struct clinic *c = clinic_new("check=tcp:22,check_interval=1s,check_down=1");

		c->services[3] = SERVICE_SILENT;
		while (checks_of(c, 3) < 1)
			pass(c, 100 * ms_ns);
		reply(c, &check_of(c, 3, 0)->p, &wrong[i]);
		look(c);
		CU_ASSERT_EQUAL(lb_counter(c->lb, "owners_lost"), 0);
		pass(c, s_ns);
		CU_ASSERT_EQUAL(turns(c, 3, 10), 0);
		clinic_free(c);
	}
}

static void a_late_syn_ack_is_reset_and_counts_for_nothing(void)
{
	static const struct reply good = {.number = 3, .flags = FB_TCP_SYN | FB_TCP_ACK};
	struct clinic *c = clinic_new("check=tcp:22,check_interval=10s,check_down=1,check_up=1");
	size_t resets;

	c->services[3] = SERVICE_SILENT;
	while (checks_of(c, 3) < 1)
		pass(c, 100 * ms_ns);
	pass(c, 2 * s_ns);
	resets = c->resets_count;
	reply(c, &check_of(c, 3, 0)->p, &good);
	look(c);
	CU_ASSERT_EQUAL(c->resets_count, resets + 1);
	CU_ASSERT_EQUAL(turns(c, 3, 10), 0);
	clinic_free(c);
}

static void an_address_with_one_owner_is_not_checked(void)
{
	struct clinic *c = calloc(1, sizeof *c);

	CU_ASSERT_FATAL(c != NULL);
	c->lb = lb_new_empty("check=tcp:22");
	lb_announce(c->lb, &lb_client);
	lb_announce(c->lb, &lb_a);
	pass(c, 60 * s_ns);
	CU_ASSERT_EQUAL(c->checks_count, 0);
	CU_ASSERT_EQUAL(c->probes[254], 0);
	lb_announce(c->lb, &lb_b);
	pass(c, 3 * s_ns);
	CU_ASSERT_EQUAL(checks_of(c, 1), 0);
	CU_ASSERT_EQUAL(checks_of(c, 2), 1);
	CU_ASSERT_EQUAL(checks_of(c, 3), 1);
	clinic_free(c);
}

static void nothing_is_checked_unless_it_is_wanted(void)
{
	struct clinic *c = clinic_new("");

	pass(c, 60 * s_ns);
	CU_ASSERT_EQUAL(c->checks_count, 0);
	CU_ASSERT_EQUAL(c->probes[254], 0);
	clinic_free(c);
}

static void who_has_gone_is_not_checked_any_more(void)
{
	struct clinic *c = clinic_new("check=tcp:22,check_interval=1s");
	size_t before;

	pass(c, 5 * s_ns);
	fake_switch_set_link(c->lb->sw, 3, false);
	before = checks_of(c, 3);
	pass(c, 20 * s_ns);
	CU_ASSERT_EQUAL(checks_of(c, 3), before);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "checks_failed"), 0);
	fake_switch_set_link(c->lb->sw, 3, true);
	pass(c, 5 * s_ns);
	lb_announce(c->lb, &lb_b);
	pass(c, 0);
	CU_ASSERT(checks_of(c, 3) > before);
	clinic_free(c);
}

/* It has no place to which a check could be sent. */
static void a_configured_backend_is_checked_while_it_is_there(void)
{
	struct clinic *c = clinic_new("check=tcp:22,check_interval=1s,vip=192.168.2.2,backends="
	                              "02:00:00:00:00:02+02:00:00:00:00:03+02:00:00:00:00:04");
	size_t before;

	pass(c, 5 * s_ns);
	CU_ASSERT(checks_of(c, 2) > 2);
	CU_ASSERT_EQUAL(checks_of(c, 4), 0);
	lb_announce(c->lb, &lb_c);
	pass(c, 0);
	CU_ASSERT_EQUAL(checks_of(c, 4), 1);
	pass(c, 5 * s_ns);
	lb_silence(c->lb, &lb_c);
	fake_switch_set_link(c->lb->sw, 4, false);
	before = c->checks_count;
	pass(c, 20 * s_ns);
	CU_ASSERT(c->checks_count > before);
	for (size_t i = before; i < c->checks_count; i++)
		CU_ASSERT_NOT_EQUAL(c->checks[i].to, 4);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "checks_failed"), 0);
	clinic_free(c);
}

/* A clinic whose two servers are configured, the second of which has failed its checks. */
static struct clinic *clinic_with_failed(void)
{
	struct clinic *c;

	bench_file = "vip 192.168.2.2 check=tcp/22\n"
	             "backend 02:00:00:00:00:02\nbackend 02:00:00:00:00:03\n";
	c = clinic_new("services=list,check_interval=1s,check_down=1,check_timeout=500ms");
	c->services[3] = SERVICE_CLOSED;
	pass(c, 10 * s_ns);
	CU_ASSERT_EQUAL(turns(c, 3, 10), 0);
	return c;
}

static void reload_without_check(struct clinic *c)
{
	const char *const words[] = {"reload"};
	char memory[256];
	struct fb_text answer = fb_text_make(memory, sizeof memory);

	bench_file = "vip 192.168.2.2\nbackend 02:00:00:00:00:02\nbackend 02:00:00:00:00:03\n";
	CU_ASSERT_EQUAL(controller_command(c->lb->bench->ctl, "balancer", words, 1, &answer,
	                                   c->lb->bench->now_ns),
	                0);
}

/* Its check is forgotten while it is away, and then there are none: who would say that it is good? */
static void a_failed_backend_that_left_and_is_not_checked_any_more_gets_connections(void)
{
	struct clinic *c = clinic_with_failed();

	lb_silence(c->lb, &lb_b);
	fake_switch_set_link(c->lb->sw, 3, false);
	pass(c, 5 * s_ns);
	reload_without_check(c);
	fake_switch_set_link(c->lb->sw, 3, true);
	pass(c, s_ns);
	lb_announce(c->lb, &lb_b);
	CU_ASSERT_EQUAL(turns(c, 3, 10), 5);
	clinic_free(c);
}

static void a_failed_backend_that_left_is_as_new_when_it_is_back(void)
{
	struct clinic *c = clinic_with_failed();

	lb_silence(c->lb, &lb_b);
	fake_switch_set_link(c->lb->sw, 3, false);
	pass(c, 5 * s_ns);
	fake_switch_set_link(c->lb->sw, 3, true);
	pass(c, 0);
	lb_announce(c->lb, &lb_b);
	CU_ASSERT_EQUAL(turns(c, 3, 10), 5);
	pass(c, 5 * s_ns); /* and is found out again */
	CU_ASSERT_EQUAL(turns(c, 3, 10), 0);
	clinic_free(c);
}

static void a_backend_that_is_not_checked_any_more_has_not_failed(void)
{
	struct clinic *c = clinic_with_failed();

	reload_without_check(c);
	CU_ASSERT_EQUAL(turns(c, 3, 10), 5);
	pass(c, 5 * s_ns);
	CU_ASSERT_EQUAL(turns(c, 3, 10), 5);
	clinic_free(c);
}

static void checks_are_spread_over_time(void)
{
	struct clinic *c = calloc(1, sizeof *c);
	struct lb_host host = {0, 2, 3};
	size_t most = 0;

	CU_ASSERT_FATAL(c != NULL);
	c->lb = lb_new_empty("check=tcp:22,owners_max=250,probe_interval=1h");
	for (unsigned n = 10; n < 250; n++) {
		host.number = (uint8_t)n;
		lb_arp(c->lb, &host, FB_ARP_REQUEST, NULL, 2);
		c->services[n] = SERVICE_SILENT;
	}
	pass(c, 2 * s_ns);
	CU_ASSERT_EQUAL(c->checks_count, 240);
	for (size_t i = 0; i < c->checks_count; i++) {
		size_t within = 1;

		while (i + within < c->checks_count &&
		       c->checks[i + within].at_ns - c->checks[i].at_ns < 10 * ms_ns)
			within++;
		most = within > most ? within : most;
	}
	CU_ASSERT_EQUAL(most, 64);
	clinic_free(c);
}

/* Two more servers are heard under the shared address, in the VLAN 7. */
static void speak_tagged(struct clinic *c)
{
	for (unsigned n = 4; n <= 5; n++) {
		const struct lb_host from = {(uint8_t)n, 2, (uint16_t)n};

		look(c);
		lb_tcp(c->lb, &(struct lb_segment){.from = &from,
		                                   .to = &lb_client,
		                                   .flags = FB_TCP_RST,
		                                   .has_vlan = true,
		                                   .vlan_tci = 7});
	}
}

/* Two networks, each with an address that is shared. */
static void checks_have_the_tag_of_their_network(void)
{
	struct clinic *c = clinic_new("check=tcp:22");
	size_t tagged = 0;

	speak_tagged(c);
	pass(c, 3 * s_ns);
	CU_ASSERT_EQUAL(c->checks_count, 4);
	CU_ASSERT_EQUAL(c->resets_count, 4);
	for (size_t i = 0; i < c->checks_count; i++) {
		tagged += c->checks[i].p.has_vlan && c->checks[i].p.vlan_tci == 7;
		CU_ASSERT_EQUAL(c->checks[i].p.nw_src, lb_ip(254));
	}
	CU_ASSERT_EQUAL(tagged, 2);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "check_addresses"), 2);
	clinic_free(c);
}

/* --- The address that checks come from --- */

static void an_address_is_asked_for_twice_before_it_is_used(void)
{
	struct clinic *c = clinic_new("check=tcp:22,check_timeout=1s");

	pass(c, 0);
	CU_ASSERT_EQUAL(c->probes[254], 1);
	pass(c, 999 * ms_ns);
	CU_ASSERT_EQUAL(c->probes[254], 2);
	CU_ASSERT_EQUAL(c->checks_count, 0);
	pass(c, s_ns);
	CU_ASSERT_EQUAL(c->probes[254], 2);
	CU_ASSERT_EQUAL(c->checks_count, 2);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "check_addresses"), 1);
	clinic_free(c);
}

static void an_address_that_somebody_answers_for_is_not_used(void)
{
	static const struct lb_host silent = {6, 254, 6};
	struct clinic *c = clinic_new("check=tcp:22");

	lb_revive(c->lb, &silent);
	pass(c, 5 * s_ns);
	CU_ASSERT_EQUAL(c->probes[253], 2);
	CU_ASSERT_EQUAL(check_of(c, 2, 0)->p.nw_src, lb_ip(253));
	CU_ASSERT_EQUAL(lb_counter(c->lb, "check_conflicts"), 0);
	clinic_free(c);
}

static void an_address_that_was_heard_before_is_not_even_asked_for(void)
{
	static const struct lb_host heard = {6, 254, 6};
	struct clinic *c = calloc(1, sizeof *c);

	CU_ASSERT_FATAL(c != NULL);
	c->lb = lb_new_empty("check=tcp:22");
	lb_announce(c->lb, &heard);
	lb_silence(c->lb, &heard);
	lb_announce(c->lb, &lb_a);
	lb_announce(c->lb, &lb_b);
	pass(c, 5 * s_ns);
	CU_ASSERT_EQUAL(c->probes[254], 0);
	CU_ASSERT_EQUAL(check_of(c, 2, 0)->p.nw_src, lb_ip(253));
	clinic_free(c);
}

/* Where it asked from the controller does not, and so hears of no conflict. */
static void an_address_that_a_host_is_about_to_take_is_not_used(void)
{
	const struct lb_host wants = {6, 0, 6};
	struct clinic *c = calloc(1, sizeof *c);
	uint8_t bytes[64];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	c->lb = lb_new_empty("check=tcp:22");
	lb_build_arp(&frame, &wants, FB_ARP_REQUEST, NULL, 254);
	fb_set32(frame.data + FB_ETH_HEADER_BYTES + 14, 0); /* its sender address */
	lb_frame_in(c->lb, wants.port, &frame);
	lb_announce(c->lb, &lb_client);
	lb_announce(c->lb, &lb_a);
	lb_announce(c->lb, &lb_b);
	pass(c, 5 * s_ns);
	CU_ASSERT_EQUAL(check_of(c, 2, 0)->p.nw_src, lb_ip(253));
	CU_ASSERT_EQUAL(c->probes[254], 0);
	clinic_free(c);
}

static void an_address_that_another_asks_for_meanwhile_is_not_used(void)
{
	struct clinic *c = clinic_new("check=tcp:22");

	pass(c, 100 * ms_ns);
	lb_arp(c->lb, &lb_client, FB_ARP_REQUEST, NULL, 254);
	pass(c, 5 * s_ns);
	CU_ASSERT_EQUAL(check_of(c, 2, 0)->p.nw_src, lb_ip(253));
	clinic_free(c);
}

static void whoever_asks_for_the_address_is_answered(void)
{
	struct clinic *c = clinic_new("check=tcp:22");
	const char *said;
	uint64_t flooded;

	pass(c, 3 * s_ns);
	flooded = lb_counter(c->lb, "flooded");
	said = lb_arp(c->lb, &lb_a, FB_ARP_REQUEST, NULL, 254);
	CU_ASSERT(lb_has(said, "output:2: 0e:fb:"));
	CU_ASSERT(lb_has(said, "> :02 arp 192.168.2.254 is-at 0e:fb:"));
	CU_ASSERT_EQUAL(lb_counter(c->lb, "flooded"), flooded);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "check_conflicts"), 0);
	clinic_free(c);
}

/* The ARP probe of RFC 5227: the host :06 is about to take the address. */
static const char *arp_probe(struct lb *lb, uint8_t last)
{
	static const uint8_t nobody[FB_MAC_BYTES];
	uint8_t bytes[64];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {0};

	lb_mac(eth.dl_src, 6);
	memset(eth.dl_dst, 0xff, FB_MAC_BYTES);
	fb_build_arp(&frame, &eth, FB_ARP_REQUEST, eth.dl_src, 0, nobody, lb_ip(last));
	lb_frame_in(lb, 6, &frame);
	return lb_said(lb);
}

static void a_host_that_wants_the_address_gets_it(void)
{
	struct clinic *c = clinic_new("check=tcp:22,check_interval=1s");
	size_t before;

	pass(c, 3 * s_ns);
	CU_ASSERT_FALSE(lb_has(arp_probe(c->lb, 254), "is-at"));
	CU_ASSERT_EQUAL(lb_counter(c->lb, "check_conflicts"), 1);
	before = c->checks_count;
	pass(c, 5 * s_ns);
	CU_ASSERT(c->checks_count > before);
	CU_ASSERT_EQUAL(c->checks[before].p.nw_src, lb_ip(253));
	clinic_free(c);
}

static void packets_to_the_address_go_no_further(void)
{
	static const struct lb_host self = {9, 254, 9};
	const struct lb_segment s = {.from = &lb_client, .to = &self};
	const struct fb_ipv4_spec ip = {.nw_src = lb_ip(1), .nw_dst = lb_ip(254)};
	const struct fb_eth_spec eth = lb_eth(&s);
	uint8_t bytes[128];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	static const uint8_t flags[] = {FB_TCP_SYN, FB_TCP_ACK, FB_TCP_RST,
	                                FB_TCP_FIN | FB_TCP_ACK};
	struct clinic *c = clinic_new("check=tcp:22");

	pass(c, 3 * s_ns);
	for (size_t i = 0; i < sizeof flags; i++) {
		const char *said = lb_tcp(c->lb, &(struct lb_segment){.from = &lb_client,
		                                                      .to = &self,
		                                                      .tp_src = 1,
		                                                      .tp_dst = 32768,
		                                                      .flags = flags[i]});

		CU_ASSERT(lb_has(said, ": drop\n"));
		CU_ASSERT_FALSE(lb_has(said, "output"));
	}
	fb_build_udp(&frame, &eth, &ip, 9, 9, "x", 1);
	lb_frame_in(c->lb, lb_client.port, &frame);
	CU_ASSERT_FALSE(lb_has(lb_said(c->lb), "output"));
	CU_ASSERT_EQUAL(lb_counter(c->lb, "sessions"), 0);
	clinic_free(c);
}

static void an_address_that_another_turns_out_to_have_is_given_up(void)
{
	static const struct lb_host late = {6, 254, 6};
	struct clinic *c =
	        clinic_new("check=tcp:22,check_interval=1s,check_timeout=1s,check_down=1");
	size_t before;

	c->services[3] = SERVICE_SILENT;
	while (checks_of(c, 3) < 1)
		pass(c, 100 * ms_ns);
	lb_announce(c->lb, &late);
	pass(c, s_ns);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "check_conflicts"), 1);
	/* The answer to the check that was out may have gone to the other one. */
	CU_ASSERT_EQUAL(lb_counter(c->lb, "checks_failed"), 0);
	c->services[3] = SERVICE_OPEN;
	before = c->checks_count;
	pass(c, 5 * s_ns);
	CU_ASSERT(c->checks_count > before);
	for (size_t i = before; i < c->checks_count; i++)
		CU_ASSERT_EQUAL(c->checks[i].p.nw_src, lb_ip(253));
	CU_ASSERT_EQUAL(turns(c, 3, 10), 5);
	clinic_free(c);
}

static void where_no_address_is_free_it_is_tried_again_later(void)
{
	struct clinic *c = clinic_new("check=tcp:22,probe_interval=1h");
	struct lb_host host = {6, 0, 6};

	for (unsigned last = 3; last < 255; last++) {
		host.ip = (uint8_t)last;
		lb_arp(c->lb, &host, FB_ARP_REQUEST, NULL, host.ip);
	}
	pass(c, 30 * s_ns);
	CU_ASSERT_EQUAL(c->checks_count, 0);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "check_addresses_none"), 1);
	pass(c, 40 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "check_addresses_none"), 2);
	CU_ASSERT_EQUAL(turns(c, 3, 10), 5);
	clinic_free(c);
}

static void the_address_that_is_given_is_used_at_once(void)
{
	static const struct lb_host other = {6, 77, 6};
	struct clinic *c = clinic_new("check=tcp:22,check_address=192.168.2.77,check_interval=1s");
	const char *said;

	pass(c, 0);
	CU_ASSERT_EQUAL(check_of(c, 2, 0)->p.nw_src, lb_ip(77));
	CU_ASSERT_EQUAL(c->probes[254], 0);
	said = lb_arp(c->lb, &lb_b, FB_ARP_REQUEST, NULL, 77);
	CU_ASSERT(lb_has(said, "> :03 arp 192.168.2.77 is-at 0e:fb:"));
	said = arp_probe(c->lb, 77);
	CU_ASSERT(lb_has(said, "> :06 arp 192.168.2.77 is-at 0e:fb:"));
	CU_ASSERT_EQUAL(lb_counter(c->lb, "check_conflicts"), 0);
	said = lb_arp(c->lb, &other, FB_ARP_REQUEST, NULL, 77);
	CU_ASSERT_FALSE(lb_has(said, "is-at"));
	CU_ASSERT_EQUAL(lb_counter(c->lb, "check_conflicts"), 1);
	pass(c, 5 * s_ns);
	CU_ASSERT_EQUAL(check_of(c, 2, 3)->p.nw_src, lb_ip(77));
	clinic_free(c);
}

static void an_address_that_is_needed_is_kept(void)
{
	struct clinic *c = clinic_new("check=tcp:22,check_interval=10s");

	pass(c, 3000 * s_ns);
	CU_ASSERT_EQUAL(lb_counter(c->lb, "check_addresses"), 1);
	CU_ASSERT_EQUAL(c->probes[254], 2);
	clinic_free(c);
}

/* In one of two networks. */
static void an_address_that_is_not_needed_any_more_is_given_back(void)
{
	struct clinic *c = clinic_new("check=tcp:22,check_interval=10s");

	speak_tagged(c);
	pass(c, 5 * s_ns);
	CU_ASSERT(lb_has(lb_arp(c->lb, &lb_client, FB_ARP_REQUEST, NULL, 254), "is-at"));
	CU_ASSERT_EQUAL(lb_counter(c->lb, "check_addresses"), 2);
	fake_switch_set_link(c->lb->sw, 2, false);
	fake_switch_set_link(c->lb->sw, 3, false);
	for (unsigned i = 0; i < 130; i++) {
		speak_tagged(c);
		pass(c, 10 * s_ns);
	}
	CU_ASSERT_FALSE(lb_has(lb_arp(c->lb, &lb_client, FB_ARP_REQUEST, NULL, 254), "is-at"));
	CU_ASSERT_EQUAL(lb_counter(c->lb, "check_addresses"), 2);
	clinic_free(c);
}

UNIT_TESTS("balancer_health", UNIT_TEST(an_owner_is_checked_at_once_and_then_after_every_interval),
           UNIT_TEST(a_check_is_a_syn_to_the_owner_alone), UNIT_TEST(every_check_has_other_numbers),
           UNIT_TEST(a_syn_ack_is_reset_exactly), UNIT_TEST(a_refusal_is_not_reset),
           UNIT_TEST(checks_are_no_sessions_and_take_no_turn),
           UNIT_TEST(an_owner_that_refuses_three_times_gets_no_connections),
           UNIT_TEST(silence_is_as_bad_as_a_refusal),
           UNIT_TEST(an_owner_is_back_after_two_good_checks),
           UNIT_TEST(one_answer_of_the_other_kind_starts_the_count_anew),
           UNIT_TEST(answers_that_are_not_to_the_check_count_for_nothing),
           UNIT_TEST(a_late_syn_ack_is_reset_and_counts_for_nothing),
           UNIT_TEST(an_address_with_one_owner_is_not_checked),
           UNIT_TEST(nothing_is_checked_unless_it_is_wanted),
           UNIT_TEST(who_has_gone_is_not_checked_any_more),
           UNIT_TEST(a_configured_backend_is_checked_while_it_is_there),
           UNIT_TEST(a_failed_backend_that_left_and_is_not_checked_any_more_gets_connections),
           UNIT_TEST(a_failed_backend_that_left_is_as_new_when_it_is_back),
           UNIT_TEST(a_backend_that_is_not_checked_any_more_has_not_failed),
           UNIT_TEST(checks_are_spread_over_time), UNIT_TEST(checks_have_the_tag_of_their_network),
           UNIT_TEST(an_address_is_asked_for_twice_before_it_is_used),
           UNIT_TEST(an_address_that_somebody_answers_for_is_not_used),
           UNIT_TEST(an_address_that_was_heard_before_is_not_even_asked_for),
           UNIT_TEST(an_address_that_a_host_is_about_to_take_is_not_used),
           UNIT_TEST(an_address_that_another_asks_for_meanwhile_is_not_used),
           UNIT_TEST(whoever_asks_for_the_address_is_answered),
           UNIT_TEST(a_host_that_wants_the_address_gets_it),
           UNIT_TEST(packets_to_the_address_go_no_further),
           UNIT_TEST(an_address_that_another_turns_out_to_have_is_given_up),
           UNIT_TEST(where_no_address_is_free_it_is_tried_again_later),
           UNIT_TEST(the_address_that_is_given_is_used_at_once),
           UNIT_TEST(an_address_that_is_needed_is_kept),
           UNIT_TEST(an_address_that_is_not_needed_any_more_is_given_back))
