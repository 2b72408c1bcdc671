/* What the balancer tells of itself when somebody asks: of each switch the addresses with their
 * owners and the sessions with their backends, what is of interest first, and of everything else
 * that is bounded how much there is.
 *
 * Addresses that are connected to come first, and of equals those whose state changed last; the
 * youngest sessions come first. */
#include "controller/apps/balancer_report.h"

#include "controller/apps/balancer.h"

enum { END_BYTES = 32 }; /* of "192.168.2.1:40000" */

/* --- Addresses and owners --- */

/* An owner that never spoke ARP may be behind a router: its silence on probes means nothing. */
static const char *owner_state(const struct balancer_owner *owner)
{
	if (!owner->speaks_arp)
		return "no arp";
	return owner->unanswered > 0 ? "silent" : "answers";
}

static void write_owner(struct fb_report *report, const struct balancer_owner *owner,
                        uint64_t now_ns)
{
	fb_report_begin_map(report, NULL);
	fb_report_mac(report, "mac", owner->mac);
	fb_report_u64(report, "port", owner->port);
	fb_report_text(report, "state", owner_state(owner));
	fb_report_u64(report, "unanswered", owner->unanswered);
	fb_report_age(report, "heard_s", owner->heard_ns, now_ns);
	fb_report_end_map(report);
}

static void write_address(struct fb_report *report, const struct balancer *b,
                          const struct balancer_address *address, uint64_t now_ns)
{
	fb_report_begin_map(report, NULL);
	fb_report_ip(report, "address", address->key.ip);
	fb_report_vlan(report, "vlan", address->key.vlan);
	fb_report_u64(report, "turns", address->turn);
	fb_report_bool(report, "probed", address->watch != BALANCER_IDLE);
	if (address->wanted_ns)
		fb_report_age(report, "wanted_s", address->wanted_ns, now_ns);
	else
		fb_report_null(report, "wanted_s");
	fb_report_begin_list(report, "owners", address->owners_count, b->config.owners_max);
	for (uint32_t i = 0; i < address->owners_count && fb_report_more(report); i++)
		write_owner(report, &address->owners[i], now_ns);
	fb_report_end_list(report);
	fb_report_end_map(report);
}

static void write_addresses(struct fb_report *report, const struct balancer *b,
                            const struct balancer_owners *owners, uint64_t now_ns)
{
	static const enum balancer_watch order[] = {BALANCER_CHECKED, BALANCER_PROBED,
	                                            BALANCER_IDLE};

	fb_report_begin_list(report, "addresses", fb_table_count(owners->table),
	                     fb_table_limit(owners->table));
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		const struct balancer_address *address =
		        fb_table_at(owners->table, owners->queues[order[i]].newest);

		for (; address && fb_report_more(report);
		     address = fb_table_at(owners->table, address->link.older))
			write_address(report, b, address, now_ns);
	}
	fb_report_end_list(report);
}

/* --- Sessions --- */

static const char *const state_names[BALANCER_STATES] = {
        [BALANCER_UNANSWERED] = "unanswered",
        [BALANCER_OPEN] = "open",
        [BALANCER_LIVE] = "live",
        [BALANCER_UNSURE] = "unsure",
        [BALANCER_CLOSED] = "closed",
};

static void write_end(struct fb_report *report, const char *key, uint32_t ip, uint16_t tp)
{
	char memory[END_BYTES];
	struct fb_text text = fb_text_make(memory, sizeof memory);

	fb_text_ip(&text, ip);
	fb_text_printf(&text, ":%u", tp);
	fb_report_text(report, key, memory);
}

static void write_session(struct fb_report *report, const struct balancer_session *session,
                          uint64_t now_ns)
{
	const struct balancer_key key = balancer_sessions_key_of(session);

	fb_report_begin_map(report, NULL);
	write_end(report, "client", key.client_ip, key.client_tp);
	write_end(report, "server", key.server_ip, key.server_tp);
	fb_report_vlan(report, "vlan", key.vlan);
	fb_report_mac(report, "backend", session->backend_mac);
	fb_report_u64(report, "port", session->backend_port);
	fb_report_text(report, "state", state_names[session->state]);
	fb_report_u64(report, "entries", (uint64_t)__builtin_popcount(session->entries));
	fb_report_age(report, "syn_s", session->syn_ns, now_ns);
	fb_report_end_map(report);
}

static void write_sessions(struct fb_report *report, const struct balancer_sessions *sessions,
                           uint64_t now_ns)
{
	const struct balancer_session *session = fb_table_newest(sessions->table);

	fb_report_begin_list(report, "sessions", fb_table_count(sessions->table),
	                     fb_table_limit(sessions->table));
	for (; session && fb_report_more(report);
	     session = fb_table_older(sessions->table, session))
		write_session(report, session, now_ns);
	fb_report_end_list(report);
	fb_report_begin_map(report, "sessions_by_state");
	for (int i = 0; i < BALANCER_STATES; i++)
		fb_report_u64(report, state_names[i], sessions->queues[i].count);
	fb_report_end_map(report);
}

/* --- Switches --- */

/* How many there are of what is told no closer. */
static void write_count(struct fb_report *report, const char *key, uint64_t count, uint64_t limit)
{
	fb_report_begin_map(report, key);
	fb_report_u64(report, "count", count);
	fb_report_u64(report, "limit", limit);
	fb_report_end_map(report);
}

static void write_ports_of_switches(struct fb_report *report, const struct balancer_switch *s)
{
	fb_report_begin_plain_list(report, "ports_of_switches");
	for (unsigned port = 0; port < OFPP_MAX; port++)
		if (s->switch_behind[port / 8] & 1 << port % 8)
			fb_report_u64(report, NULL, port);
	fb_report_end_plain_list(report);
}

void balancer_report_switch(const void *state, const struct fb_switch *sw, struct fb_report *report,
                            uint64_t now_ns)
{
	const struct balancer *b = state;
	const struct balancer_switch *s = fb_switch_state(sw, b->app);

	if (!s)
		return;
	fb_report_mac(report, "own_mac", s->mac);
	write_ports_of_switches(report, s);
	write_count(report, "stations", fb_table_count(s->stations.table),
	            fb_table_limit(s->stations.table));
	write_count(report, "held_syns", s->held.count, b->config.hold_max);
	write_count(report, "fragmented", fb_table_count(s->fragments.table),
	            fb_table_limit(s->fragments.table));
	write_addresses(report, b, &s->owners, now_ns);
	write_sessions(report, &s->sessions, now_ns);
}

/* The switches that are away, whose state waits for them. */
void balancer_report(const void *state, struct fb_report *report, uint64_t now_ns)
{
	const struct balancer *b = state;
	const struct balancer_switch *s = TAILQ_FIRST(&b->switches);

	fb_report_begin_list(report, "switches_away", b->switches_away, BALANCER_SWITCHES_AWAY_MAX);
	for (; s; s = TAILQ_NEXT(s, link)) {
		if (s->sw)
			continue;
		if (!fb_report_more(report))
			break;
		fb_report_begin_map(report, NULL);
		fb_report_dpid(report, "dpid", s->dpid);
		fb_report_age(report, "away_s", s->down_ns, now_ns);
		fb_report_u64(report, "sessions", fb_table_count(s->sessions.table));
		fb_report_u64(report, "addresses", fb_table_count(s->owners.table));
		fb_report_end_map(report);
	}
	fb_report_end_list(report);
}
