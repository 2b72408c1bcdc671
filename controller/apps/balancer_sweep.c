/* Sessions brought into line with the network.
 *
 * Links, ports, hosts and backends come and go; what that means to a session is found by looking at
 * the session, not by reasoning about the event. So there is one question for all events: where are
 * the ends of this session now, and is the way between them still there?
 *
 *     the backend is gone, or failed     on_failure=reset: entries go, and the client is told
 *                                        (balancer_reset.c); leave: entries go where the backend
 *                                        cannot be reached, and that is all
 *     the client is gone                 entries go
 *     an end has moved, or a link of     entries are moved, new ones first (balancer_paths.c); or
 *     the way is down, or there is a     go, where there is no way
 *     shorter way
 *     a switch on the way is away        nothing, as long as all ports that lead there are up: it
 *                                        forwards without the controller
 *
 * A sweep costs a fraction of a microsecond a session. It comes at once, and not again within
 * SWEEP_PAUSE_NS and SESSION_PAUSE_NS for each session, so that a port that flaps, or a host that
 * is at two, cannot keep the controller busy. One that leads to more than
 * SWEEP_FLOW_MODS_MAX messages goes on after the same pause: a switch that gets more than it can take
 * may give up its connection. */
#include "controller/apps/balancer_sweep.h"

#include "controller/apps/balancer.h"

#define SWEEP_PAUSE_NS   (10 * FB_NS_PER_MS)
#define SESSION_PAUSE_NS UINT64_C(1000)

enum { SWEEP_FLOW_MODS_MAX = 8192 };

void balancer_sweep_soon(const struct balancer_call *call)
{
	struct balancer *b = call->b;

	if (b->sweep_ns != FB_NEVER)
		return;
	b->sweep_ns = b->swept_ns ? b->swept_ns + SWEEP_PAUSE_NS +
	                                    fb_table_count(b->sessions.table) * SESSION_PAUSE_NS
	                          : call->now_ns;
	if (b->sweep_ns < call->now_ns)
		b->sweep_ns = call->now_ns;
}

void balancer_sweep_fail(const struct balancer_call *call, struct balancer_session *session)
{
	const bool is_tcp = session->sorted.proto == FB_IP_TCP;

	call->b->counters.failed++;
	session->abandoned = true;
	balancer_paths_remove(call, session);
	balancer_sessions_settle(call, session);
	if (is_tcp && session->answered && !session->closed &&
	    call->b->config.on_failure == BALANCER_FAILURE_RESET)
		balancer_reset_begin(call, session);
}

enum end { END_UNKNOWN, END_THERE, END_AWAY, END_FAILED, END_GONE };

/* What became of the end 'mac' of a session; '*at' is where it is, when it is there. */
static enum end find_end(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                         const uint8_t mac[FB_MAC_BYTES], struct fb_place *at)
{
	const struct balancer_address *address = balancer_owners_find(call, ip, vlan);
	const struct balancer_owner *owner;

	if (!address)
		return END_UNKNOWN;
	owner = balancer_owners_by_mac(address, mac);
	if (!owner || !balancer_owner_is_there(owner))
		return END_GONE;
	*at = owner->at;
	if (owner->failed)
		return END_FAILED;
	return fb_discovery_switch(call->b->discovery, at->node) ? END_THERE : END_AWAY;
}

/* The session has a way, or had one, that may not be right any more. */
static void look_at_way(const struct balancer_call *call, struct balancer_session *session,
                        struct fb_place client_at, struct fb_place backend_at)
{
	if (!session->entries)
		return;
	if (!balancer_paths_renew(call, session, client_at, backend_at))
		balancer_sessions_settle(call, session);
}

static void look_at(const struct balancer_call *call, struct balancer_session *session)
{
	const struct balancer_key key = balancer_sessions_key_of(session);
	struct fb_place client_at = session->client_at, backend_at = session->backend_at;
	enum end backend = find_end(call, key.server_ip, key.vlan, session->backend_mac, &backend_at);
	enum end client = find_end(call, key.client_ip, key.vlan, session->client_mac, &client_at);
	const bool leaves = call->b->config.on_failure == BALANCER_FAILURE_LEAVE;

	if (backend == END_GONE || (backend == END_FAILED && !leaves)) {
		if (session->answered || session->entries)
			balancer_sweep_fail(call, session);
	} else if (client == END_GONE) {
		if (session->entries || session->rebuilt) {
			balancer_paths_remove(call, session);
			balancer_sessions_settle(call, session);
		}
	} else {
		look_at_way(call, session, client_at, backend_at);
	}
}

/* A session that is being reset, or closed without entries, or whose failure was dealt with, needs
 * nothing. */
static bool is_settled(const struct balancer_session *session)
{
	return session->resetting || session->probing || session->abandoned ||
	       (session->closed && !session->entries);
}

static uint64_t flow_mods(const struct balancer *b)
{
	return b->counters.entries_deleted + b->counters.entries_installed;
}

/* Those that were dealt with before a pause need nothing, and are passed over. */
void balancer_sweep_run(const struct balancer_call *call)
{
	struct balancer *b = call->b;
	const uint64_t flow_mods_before = flow_mods(b);
	struct balancer_session *session, *next;

	if (b->sweep_ns > call->now_ns)
		return;
	b->sweep_ns = FB_NEVER;
	b->swept_ns = call->now_ns;
	for (session = fb_table_oldest(b->sessions.table); session; session = next) {
		next = fb_table_newer(b->sessions.table, session);
		if (is_settled(session))
			continue;
		if (flow_mods(b) - flow_mods_before >= SWEEP_FLOW_MODS_MAX) {
			balancer_sweep_soon(call);
			return;
		}
		look_at(call, session);
	}
}
