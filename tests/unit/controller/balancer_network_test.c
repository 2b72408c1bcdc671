/* Whatever a network does, every packet is released once, no entries lead in circles, and when all is
 * over nothing is left behind: drawn runs on four switches with loops. Hosts send what they like,
 * links and switches come and go, switches answer when they like, entries expire. */
#include "tests/unit/controller/network_bench.h"

#include "controller/controller_report.h"
#include "lib/base/rng.h"

enum { SEEDS = 20, STEPS = 400, SWITCHES = 4, LINKS = 5, HOSTS = 6, PORTS_OF_CLIENTS = 9 };

static const uint64_t s_ns = FB_NS_PER_S;

/* Two clients, and four who own one address. */
static const struct lb_host hosts[HOSTS] = {{1, 1, 1}, {5, 5, 2}, {2, 2, 2},
                                            {3, 2, 3}, {4, 2, 1}, {6, 2, 2}};
/* s1 to s4 in a ring, and one link across. */
static const struct {
	uint8_t a, b;
	uint16_t a_port, b_port;
} links[LINKS] = {{0, 1, 5, 6}, {1, 2, 5, 6}, {2, 3, 5, 6}, {3, 0, 5, 6}, {0, 2, 4, 4}};

struct run {
	struct nb *nb;
	struct rng rng;
	struct fake_switch *sws[SWITCHES];
	uint8_t at[HOSTS]; /* the switch of each */
	bool cut[LINKS];
	bool silent; /* nobody is told when a link is cut */
};

static void begin(struct run *run, const char *options, uint64_t seed)
{
	run->silent = lb_has(options, "barrier_timeout=500ms");
	run->nb = run->silent ? nb_new_with("edge_after=50ms,interval=2s,timeout=5s", options)
	                      : nb_new(options);
	rng_init(&run->rng, seed, "network");
	for (uint64_t i = 0; i < SWITCHES; i++)
		run->sws[i] = nb_join(run->nb, i + 1);
	for (size_t i = 0; i < LINKS; i++) {
		nb_link(run->nb, run->sws[links[i].a], links[i].a_port, run->sws[links[i].b],
		        links[i].b_port);
		run->cut[i] = false;
	}
	nb_begin(run->nb);
	for (size_t i = 0; i < HOSTS; i++) {
		run->at[i] = (uint8_t)(i % SWITCHES);
		nb_host(run->nb, &hosts[i], run->sws[run->at[i]]);
	}
}

/* --- What happens --- */

static void draw_segment(struct run *run)
{
	static const uint8_t flags[] = {FB_TCP_SYN,
	                                FB_TCP_SYN | FB_TCP_ACK,
	                                FB_TCP_ACK,
	                                FB_TCP_ACK,
	                                FB_TCP_FIN | FB_TCP_ACK,
	                                FB_TCP_RST,
	                                FB_TCP_RST | FB_TCP_ACK};
	size_t client = rng_below(&run->rng, 2), server = 2 + rng_below(&run->rng, 4);
	bool back = rng_below(&run->rng, 2);
	size_t from = back ? server : client;
	struct fake_switch *sw = run->sws[run->at[from]];
	struct lb_segment s = {.from = &hosts[from], .to = &hosts[back ? client : server]};
	uint16_t tp = (uint16_t)(40000 + rng_below(&run->rng, PORTS_OF_CLIENTS));

	s.tp_src = back ? LB_SERVICE : tp;
	s.tp_dst = back ? tp : LB_SERVICE;
	s.flags = flags[rng_below(&run->rng, sizeof flags)];
	s.seq = (uint32_t)(1000 * rng_below(&run->rng, 2));
	s.ack = s.flags & FB_TCP_SYN ? 1001 : 7001;
	if (rng_below(&run->rng, 20) == 0)
		s.in_port = (uint16_t)(5 + rng_below(&run->rng, 2)); /* on its way */
	run->nb->lb->unbuffered = rng_below(&run->rng, 5) == 0;
	if (sw->session)
		nb_tcp(run->nb, sw, &s);
}

/* A client connects, and whoever was chosen answers: mostly at once. */
static void draw_connection(struct run *run)
{
	size_t client = rng_below(&run->rng, 2);
	struct fake_switch *sw = run->sws[run->at[client]];
	struct lb_segment s = {.from = &hosts[client],
	                       .to = &hosts[2],
	                       .tp_dst = LB_SERVICE,
	                       .flags = FB_TCP_SYN,
	                       .seq = (uint32_t)rng_below(&run->rng, 3)};
	const char *said, *chosen;
	size_t server = 0;

	s.tp_src = (uint16_t)(40000 + rng_below(&run->rng, PORTS_OF_CLIENTS));
	run->nb->lb->unbuffered = rng_below(&run->rng, 5) == 0;
	if (!sw->session)
		return;
	said = nb_tcp(run->nb, sw, &s);
	chosen = strstr(said, "mod_dl_dst::0");
	for (size_t i = 2; chosen && i < HOSTS; i++) {
		if (chosen[13] - '0' == hosts[i].number)
			server = i;
	}
	sw = run->sws[run->at[server]];
	if (server == 0 || !sw->session || rng_below(&run->rng, 5) == 0)
		return;
	nb_tcp(run->nb, sw,
	       &(struct lb_segment){.from = &hosts[server],
	                            .to = &hosts[client],
	                            .tp_src = LB_SERVICE,
	                            .tp_dst = s.tp_src,
	                            .flags = FB_TCP_SYN | FB_TCP_ACK,
	                            .seq = 7000,
	                            .ack = s.seq + 1});
}

static void draw_datagram(struct run *run)
{
	size_t from = rng_below(&run->rng, HOSTS), to = rng_below(&run->rng, HOSTS);
	struct fake_switch *sw = run->sws[run->at[from]];
	const struct lb_segment s = {.from = &hosts[from], .to = &hosts[to]};
	const struct fb_eth_spec eth = lb_eth(&s);
	const struct fb_ipv4_spec ip = {.nw_src = lb_ip(hosts[from].ip),
	                                .nw_dst = lb_ip(hosts[to].ip)};
	uint8_t bytes[NB_FRAME_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	if (!sw->session)
		return;
	if (rng_below(&run->rng, 3) == 0)
		fb_build_icmp(&frame, &eth, &ip, FB_ICMP_ECHO_REQUEST, 0, 0x00010001, "abcdefgh",
		              8);
	else
		fb_build_udp(&frame, &eth, &ip, from < 2 ? 5000 : 53, from < 2 ? 53 : 5000, "x", 1);
	lb_switch_to(run->nb->lb, sw);
	lb_frame_in(run->nb->lb, hosts[from].port, &frame);
}

static void draw_link(struct run *run)
{
	size_t i = rng_below(&run->rng, LINKS);
	struct fake_switch *a = run->sws[links[i].a], *b = run->sws[links[i].b];

	run->cut[i] = !run->cut[i] && rng_below(&run->rng, 3) == 0;
	fake_network_cut(&run->nb->net, a, links[i].a_port, run->cut[i]);
	if (run->silent && rng_below(&run->rng, 2))
		return;
	if (a->session)
		fake_switch_set_link(a, links[i].a_port, !run->cut[i]);
	if (b->session)
		fake_switch_set_link(b, links[i].b_port, !run->cut[i]);
}

/* Ports of links that are cut are down when their switch comes. */
static void rejoin(struct run *run, size_t i)
{
	run->sws[i] = rng_below(&run->rng, 2) ? nb_join_again(run->nb, run->sws[i])
	                                      : nb_connect_again(run->nb, run->sws[i]);
	for (size_t k = 0; k < LINKS; k++) {
		if (run->cut[k] && links[k].a == i)
			fake_switch_set_link(run->sws[i], links[k].a_port, false);
		if (run->cut[k] && links[k].b == i)
			fake_switch_set_link(run->sws[i], links[k].b_port, false);
	}
}

static void draw_switch(struct run *run)
{
	size_t i = rng_below(&run->rng, SWITCHES);

	if (run->sws[i]->session)
		fake_switch_leave(run->sws[i]);
	else
		rejoin(run, i);
}

static void draw_host(struct run *run)
{
	size_t i = rng_below(&run->rng, HOSTS);
	struct fake_switch *sw = run->sws[run->at[i]];

	switch (rng_below(&run->rng, 3)) {
	case 0:
		if (sw->session)
			fake_switch_set_link(sw, hosts[i].port, false);
		break;
	case 1:
		if (sw->session)
			fake_switch_set_link(sw, hosts[i].port, true);
		break;
	case 2: /* places must not collide: both hosts of a port move together */
		if (i == 0)
			run->at[i] = (uint8_t)rng_below(&run->rng, SWITCHES);
		if (run->sws[run->at[i]]->session)
			nb_host(run->nb, &hosts[i], run->sws[run->at[i]]);
		break;
	default:
		break;
	}
}

/* Tell the end of the entry at 'i', and forget it. */
static void expire(struct run *run, size_t i)
{
	struct lb *lb = run->nb->lb;
	const struct lb_entry entry = lb->entries[i];
	struct fb_flow_mod fm = {.match = entry.match, .cookie = entry.cookie};

	lb->entries[i] = lb->entries[--lb->entries_count];
	if (!entry.sw->session)
		return;
	lb_switch_to(lb, entry.sw);
	lb_flow_removed(lb, &fm, OFPRR_IDLE_TIMEOUT);
}

static void draw_step(struct run *run)
{
	struct lb *lb = run->nb->lb;
	uint64_t what = rng_below(&run->rng, 101);

	if (what < 25)
		draw_segment(run);
	else if (what < 60)
		draw_connection(run);
	else if (what < 70)
		draw_datagram(run);
	else if (what < 80)
		lb_answer_barriers(lb, run->sws[rng_below(&run->rng, SWITCHES)]);
	else if (what < 85)
		nb_pass(run->nb, rng_below(&run->rng, 3 * s_ns));
	else if (what < 90)
		draw_link(run);
	else if (what < 96)
		draw_host(run);
	else if (what == 100)
		draw_switch(run);
	else if (lb->entries_count > 0)
		expire(run, rng_below(&run->rng, lb->entries_count));
	nb_said(run->nb);
}

/* --- What must hold --- */

static void no_entries_lead_in_circles(struct run *run)
{
	for (uint16_t tp = 40000; tp < 40000 + PORTS_OF_CLIENTS; tp++) {
		const char *way = nb_walk_up(run->nb, run->sws[run->at[0]], tp);

		CU_ASSERT(strcmp(way, "for ever") != 0);
		for (size_t i = 2; i < HOSTS; i++) {
			way = nb_walk_down(run->nb, run->sws[run->at[i]], &hosts[i], tp);
			CU_ASSERT(strcmp(way, "for ever") != 0);
		}
	}
}

static void pass_quietly(struct run *run, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		nb_pass(run->nb, s_ns);
		nb_said(run->nb);
	}
}

/* Let everything come to rest, and all sessions be forgotten. */
static void come_to_rest(struct run *run)
{
	struct lb *lb = run->nb->lb;

	for (size_t i = 0; i < SWITCHES; i++) {
		if (!run->sws[i]->session)
			rejoin(run, i);
	}
	for (int i = 0; i < 30; i++) {
		nb_said(run->nb);
		lb_answer_barriers(lb, NULL);
		nb_pass(run->nb, s_ns);
	}
	nb_said(run->nb);
	while (lb->entries_count > 0)
		expire(run, 0);
	pass_quietly(run, 100);
}

/* The report of the instances, as one text. */
static char *take_report(struct run *run)
{
	const struct controller_report_wish wish = {.list_max = 20, .bytes_max = 1 << 20};
	struct bench *b = run->nb->net.b;
	struct controller_report report;
	char *text;

	controller_report_write(b->ctl, &wish, 0, &report, b->now_ns);
	text = calloc(1, report.text.len + 1);
	CU_ASSERT_FATAL(text != NULL);
	for (size_t i = 0; i < report.pieces_count; i++) {
		const struct controller_report_piece *piece = &report.pieces[i];

		if (piece->kind == CONTROLLER_REPORT_INSTANCE)
			strncat(text, report.text.text + piece->offset, piece->len);
	}
	controller_report_destroy(&report);
	return text;
}

static void holds(const char *report, const char *part)
{
	CU_ASSERT(lb_has(report, part));
	if (!lb_has(report, part))
		printf("# lacks %s in %s\n", part, report);
}

static void no_session_is_left(struct run *run)
{
	char *report = take_report(run);

	holds(report, "\"held\":{\"count\":0,");
	holds(report, "\"routes\":{\"count\":0,");
	holds(report, "\"installs\":{\"count\":0,");
	holds(report, "\"sessions\":{\"count\":0,");
	for (const char *at = report; (at = strstr(at, "\"weight\":1,\"sessions\":")); at++)
		CU_ASSERT(strncmp(at, "\"weight\":1,\"sessions\":0,", 24) == 0);
	free(report);
}

/* Nobody is heard any more. */
static void no_address_is_left(struct run *run)
{
	char *report;

	for (size_t i = 0; i < HOSTS; i++)
		run->nb->hosts[i].silent = true;
	pass_quietly(run, 1300);
	report = take_report(run);
	holds(report, "\"addresses\":{\"count\":0,");
	free(report);
}

static void run_once(const char *options, uint64_t seed)
{
	struct run run;

	begin(&run, options, seed);
	for (int i = 0; i < STEPS; i++) {
		draw_step(&run);
		no_entries_lead_in_circles(&run);
	}
	CU_ASSERT(nb_counter(run.nb, "sessions") > 0);
	come_to_rest(&run);
	no_session_is_left(&run);
	no_address_is_left(&run);
	nb_free(run.nb); /* each packet was released once */
}

static void run_with(const char *options)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		unsigned failures = CU_get_number_of_failures();

		run_once(options, seed);
		if (CU_get_number_of_failures() > failures) {
			printf("# with %s and seed %u\n", options, (unsigned)seed);
			return;
		}
	}
}

#define COMMON "grace=20s,idle_timeout=10s,probe_interval=2s"

static void nothing_is_lost_or_left_behind(void)
{
	run_with(COMMON);
	run_with(COMMON ",mode=packet");
	run_with(COMMON ",entries=exact");
}

static void nothing_is_lost_or_left_behind_when_sessions_are_left(void)
{
	run_with(COMMON ",on_failure=leave");
}

static void nothing_is_lost_or_left_behind_with_proxy_arp(void)
{
	run_with(COMMON ",arp=proxy");
}

static void nothing_is_lost_or_left_behind_at_the_limits(void)
{
	run_with(COMMON ",sessions_max=4,installs_max=1,hold_max=1,recoveries_max=1");
	run_with(COMMON ",barrier_timeout=1ms,owners_max=2,addresses_max=3");
}

static void nothing_is_lost_or_left_behind_when_links_are_cut_in_silence(void)
{
	run_with(COMMON ",barrier_timeout=500ms");
}

static void nothing_is_lost_or_left_behind_with_checks(void)
{
	run_with(COMMON ",check=tcp:22,check_interval=2s,scheduler=lc");
}

UNIT_TESTS("balancer_network", UNIT_TEST(nothing_is_lost_or_left_behind),
           UNIT_TEST(nothing_is_lost_or_left_behind_when_sessions_are_left),
           UNIT_TEST(nothing_is_lost_or_left_behind_with_proxy_arp),
           UNIT_TEST(nothing_is_lost_or_left_behind_at_the_limits),
           UNIT_TEST(nothing_is_lost_or_left_behind_when_links_are_cut_in_silence),
           UNIT_TEST(nothing_is_lost_or_left_behind_with_checks))
