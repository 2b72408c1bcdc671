/* What the balancer tells of itself when somebody asks: the addresses with their backends, the
 * sessions, what is of interest first, and of everything else that is bounded how much there is.
 *
 * Shared addresses come first, of these those that are connected to, and of equals those whose state
 * changed last; the youngest sessions come first. */
#include "controller/apps/balancer_report.h"

#include "controller/apps/balancer.h"

enum { END_BYTES = 32 }; /* of "192.168.2.1:40000" */

/* --- Addresses and owners --- */

/* What an operator wants to know first of those that hold. An owner that never spoke ARP may be
 * behind a router: its silence on probes means nothing. */
static const char *owner_state(const struct balancer_owner *owner)
{
	if (!balancer_owner_is_there(owner))
		return "down";
	if (owner->away)
		return "away";
	if (owner->failed)
		return "failed";
	if (owner->drained)
		return "drained";
	return owner->unanswered > 1 ? "silent" : "up";
}

static void write_owner(struct fb_report *report, const struct balancer *b,
                        const struct balancer_owner *owner, uint64_t now_ns)
{
	fb_report_begin_map(report, NULL);
	fb_report_mac(report, "mac", owner->mac);
	if (balancer_owner_is_there(owner)) {
		fb_report_dpid(report, "switch", fb_discovery_dpid(b->discovery, owner->at.node));
		fb_report_u64(report, "port", owner->at.port);
	} else {
		fb_report_null(report, "switch");
		fb_report_null(report, "port");
	}
	fb_report_text(report, "state", owner_state(owner));
	fb_report_u64(report, "weight", owner->as.weight);
	fb_report_u64(report, "sessions", owner->as.sessions);
	fb_report_u64(report, "silent_sessions", owner->silent_sessions);
	fb_report_u64(report, "unanswered", owner->unanswered);
	if (owner->heard_ns)
		fb_report_age(report, "heard_s", owner->heard_ns, now_ns);
	else
		fb_report_null(report, "heard_s");
	fb_report_end_map(report);
}

static void write_address(struct fb_report *report, const struct balancer *b,
                          const struct balancer_address *address, uint64_t now_ns)
{
	fb_report_begin_map(report, NULL);
	fb_report_ip(report, "address", address->key.ip);
	fb_report_vlan(report, "vlan", address->key.vlan);
	fb_report_bool(report, "shared", address->shared);
	fb_report_bool(report, "configured", address->service != NULL);
	fb_report_text(report, "scheduler", balancer_scheduler_names[address->schedule.scheduler]);
	fb_report_bool(report, "probed", address->watch != BALANCER_IDLE);
	if (address->wanted_ns)
		fb_report_age(report, "wanted_s", address->wanted_ns, now_ns);
	else
		fb_report_null(report, "wanted_s");
	fb_report_begin_list(report, "backends", address->owners_count, b->config.owners_max);
	for (uint32_t i = 0; i < address->owners_count && fb_report_more(report); i++)
		write_owner(report, b, &address->owners[i], now_ns);
	fb_report_end_list(report);
	fb_report_end_map(report);
}

/* Those that are shared, or those that are not. */
static void write_some(struct fb_report *report, const struct balancer *b, bool shared,
                       uint64_t now_ns)
{
	static const enum balancer_watch order[] = {BALANCER_CHECKED, BALANCER_PROBED,
	                                            BALANCER_IDLE};
	const struct balancer_owners *owners = &b->owners;

	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		const struct balancer_address *address =
		        fb_table_at(owners->table, owners->queues[order[i]].newest);

		for (; address; address = fb_table_at(owners->table, address->link.older)) {
			if (address->shared != shared)
				continue;
			if (!fb_report_more(report))
				return;
			write_address(report, b, address, now_ns);
		}
	}
}

static void write_addresses(struct fb_report *report, const struct balancer *b, uint64_t now_ns)
{
	fb_report_begin_list(report, "addresses", fb_table_count(b->owners.table),
	                     fb_table_limit(b->owners.table));
	write_some(report, b, true, now_ns);
	write_some(report, b, false, now_ns);
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

static const char *protocol_name(uint16_t proto)
{
	return proto == FB_IP_TCP ? "tcp" : proto == FB_IP_UDP ? "udp" : "icmp";
}

static void write_session(struct fb_report *report, const struct balancer *b,
                          const struct balancer_session *session, uint64_t now_ns)
{
	const struct balancer_key key = balancer_sessions_key_of(session);
	uint64_t syn_age_ns =
	        (uint64_t)(balancer_ms(now_ns) - session->syn_ms) * FB_NS_PER_MS;

	fb_report_begin_map(report, NULL);
	fb_report_text(report, "protocol", protocol_name(key.proto));
	write_end(report, "client", key.client_ip, key.client_tp);
	write_end(report, "server", key.server_ip, key.server_tp);
	fb_report_vlan(report, "vlan", key.vlan);
	fb_report_mac(report, "backend", session->backend_mac);
	fb_report_dpid(report, "switch",
	               fb_discovery_dpid(b->discovery, session->backend_at.node));
	fb_report_u64(report, "port", session->backend_at.port);
	fb_report_text(report, "state",
	               session->resetting ? "resetting"
	               : session->probing ? "probing"
	                                  : state_names[session->state]);
	fb_report_u64(report, "entries", (uint64_t)__builtin_popcount(session->entries));
	fb_report_u64(report, "hops",
	              session->route == BALANCER_DIRECT
	                      ? 1
	                      : balancer_routes_at(&b->routes, session->route)->hops_count);
	fb_report_duration(report, "syn_s", syn_age_ns);
	fb_report_end_map(report);
}

static void write_sessions(struct fb_report *report, const struct balancer *b, uint64_t now_ns)
{
	const struct balancer_sessions *sessions = &b->sessions;
	const struct balancer_session *session = fb_table_newest(sessions->table);

	fb_report_begin_map(report, "sessions_by_state");
	for (int i = 0; i < BALANCER_STATES; i++)
		fb_report_u64(report, state_names[i], sessions->queues[i].count);
	fb_report_end_map(report);
	fb_report_begin_list(report, "sessions", fb_table_count(sessions->table),
	                     fb_table_limit(sessions->table));
	for (; session && fb_report_more(report);
	     session = fb_table_older(sessions->table, session))
		write_session(report, b, session, now_ns);
	fb_report_end_list(report);
}

/* --- All of it --- */

/* How many there are of what is told no closer. */
static void write_count(struct fb_report *report, const char *key, uint64_t count, uint64_t limit)
{
	fb_report_begin_map(report, key);
	fb_report_u64(report, "count", count);
	fb_report_u64(report, "limit", limit);
	fb_report_end_map(report);
}

void balancer_report(const void *state, struct fb_report *report, uint64_t now_ns)
{
	const struct balancer *b = state;

	write_count(report, "held", b->held.count, b->config.hold_max);
	write_count(report, "fragmented", fb_table_count(b->fragments.table),
	            fb_table_limit(b->fragments.table));
	write_count(report, "routes", fb_table_count(b->routes.table),
	            fb_table_limit(b->routes.table));
	write_count(report, "installs", fb_table_count(b->paths.installs),
	            fb_table_limit(b->paths.installs));
	write_addresses(report, b, now_ns);
	write_sessions(report, b, now_ns);
}
