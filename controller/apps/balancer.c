/* The load balancer: several servers share one address, and each TCP connection goes to the next of
 * them.
 *
 * What? No server is configured. The balancer watches who speaks for an address; a TCP connection
 * to an address goes to its owners in turn, and sees one of them only. The owner's MAC address is
 * set as destination on the way there, and the MAC that the client had addressed is set as source
 * on the way back, so that neither end notices. mode=flows installs two flow entries by connection
 * once the backend has answered; mode=packet does the same work on each packet by itself. What is
 * not TCP goes to the port of its destination, or is flooded.
 *
 * How? Everything is kept by switch (struct balancer_switch): stations, addresses and their owners,
 * sessions, held SYNs, fragmented packets; each in a bounded table with a time after which an entry
 * is forgotten. The state of a switch outlives its connection for the grace time, since its entries
 * do. A packet-in passes through: hear who sent it, then decide by what it is. The decisions about
 * TCP are in balancer_tcp.c.
 *
 * The balancer is the last word on every packet-in (FB_STOP): another application that installed
 * entries for the same packets would overwrite its own.
 *
 * Several switches. Each decides by itself, but for two things that need all of them, which is why
 * the scope is the network: a frame that another switch has rewritten says nothing about where its
 * source is; and a connection takes its turn on the first switch that sees it, while those behind
 * it, who know each other by their probes, follow its choice.
 *
 * What is left to others: loops and paths between switches. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_flows.h"
#include "controller/apps/balancer_report.h"
#include "controller/apps/balancer_send.h"
#include "controller/apps/balancer_tcp.h"

/* --- The instance and its switches --- */

static void *balancer_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	struct balancer *b = calloc(1, sizeof *b);

	if (!b || !balancer_addressed_init(&b->addressed, fb_app_run_id(app))) {
		free(b);
		fb_text_puts(error, "out of memory");
		return NULL;
	}
	b->app = app;
	b->config = balancer_options_read(values);
	b->timer_ns = FB_NEVER;
	TAILQ_INIT(&b->switches);
	return b;
}

static void forget_switch(struct balancer *b, struct balancer_switch *s)
{
	struct balancer_switch *other;

	TAILQ_REMOVE(&b->switches, s, link);
	if (s->is_rewriter) {
		TAILQ_FOREACH(other, &b->switches, link)
		{
			if (other->sessions.rewriter == s)
				other->sessions.rewriter = NULL;
		}
	}
	if (!s->sw)
		b->switches_away--;
	balancer_held_clear(&s->held);
	balancer_fragments_free(&s->fragments);
	balancer_sessions_free(&s->sessions);
	balancer_owners_free(&s->owners);
	balancer_stations_free(&s->stations);
	free(s);
}

static void balancer_destroy(void *state)
{
	struct balancer *b = state;

	while (!TAILQ_EMPTY(&b->switches))
		forget_switch(b, TAILQ_FIRST(&b->switches));
	balancer_addressed_free(&b->addressed);
	free(b);
}

void balancer_log(const struct balancer_call *call, const char *format, ...)
{
	struct fb_app *app = call->b->app;
	char line[FB_TEXT_LINE_BYTES];
	uint64_t suppressed;
	va_list args;

	if (!fb_app_logs(app, FB_LOG_INFO) ||
	    !fb_log_limit_allows(&call->b->log_limit, call->now_ns, &suppressed))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (suppressed > 0)
		fb_app_log(app, FB_LOG_INFO, "%s (%llu lines left out before)", line,
		           (unsigned long long)suppressed);
	else
		fb_app_log(app, FB_LOG_INFO, "%s", line);
}

enum { OWN_FIRST = 0x0e, OWN_SECOND = 0xfb };

static bool is_own_prefix(const uint8_t mac[FB_MAC_BYTES])
{
	return mac[0] == OWN_FIRST && mac[1] == OWN_SECOND;
}

/* The controller's own address on a switch: locally administered, told from those of other switches
 * by the datapath id, so that a probe of one switch is a frame like any other to the next. */
static void make_mac(uint8_t mac[FB_MAC_BYTES], uint64_t dpid)
{
	mac[0] = OWN_FIRST;
	mac[1] = OWN_SECOND;
	fb_set32(mac + 2, (uint32_t)dpid ^ (uint32_t)(dpid >> 32) * UINT32_C(0x9e3779b1));
}

static struct balancer_switch *new_switch(struct balancer *b, uint64_t dpid)
{
	struct balancer_switch *s = calloc(1, sizeof *s);
	/* Hosts choose the keys of all tables: they must not know which of them collide. */
	uint32_t seed = fb_app_run_id(b->app);

	if (!s)
		return NULL;
	s->dpid = dpid;
	make_mac(s->mac, dpid);
	balancer_held_init(&s->held);
	TAILQ_INSERT_TAIL(&b->switches, s, link);
	b->switches_away++;
	if (balancer_stations_init(&s->stations, seed) &&
	    balancer_owners_init(&s->owners, b, seed) &&
	    balancer_sessions_init(&s->sessions, b, seed) &&
	    balancer_fragments_init(&s->fragments, seed))
		return s;
	forget_switch(b, s);
	return NULL;
}

static struct balancer_switch *find_switch(struct balancer *b, uint64_t dpid)
{
	struct balancer_switch *s;

	TAILQ_FOREACH(s, &b->switches, link)
	{
		if (s->dpid == dpid)
			return s;
	}
	return NULL;
}

/* --- Time --- */

/* When 's' wants to be looked after. */
static uint64_t due_of(const struct balancer *b, const struct balancer_switch *s)
{
	uint64_t due_ns;

	if (!s->sw)
		return s->down_ns + b->config.grace_ns;
	due_ns = balancer_sessions_due(&s->sessions);
	due_ns = fb_time_min(due_ns, balancer_owners_due(&s->owners));
	return fb_time_min(due_ns, balancer_held_due(&s->held));
}

/* See to it that the timer comes in time for 's'. It may come too early. */
static void schedule(struct balancer *b, const struct balancer_switch *s)
{
	uint64_t due_ns = due_of(b, s);

	if (due_ns >= b->timer_ns)
		return;
	b->timer_ns = due_ns;
	fb_app_set_timer(b->app, due_ns);
}

static void run_switch(struct balancer *b, struct balancer_switch *s, uint64_t now_ns)
{
	const struct balancer_call call = {.b = b, .s = s, .now_ns = now_ns};

	if (!s->sw) {
		b->counters.switches_forgotten++;
		forget_switch(b, s);
		return;
	}
	balancer_sessions_run(&call);
	balancer_tcp_rearm(&call);
	balancer_owners_run(&call);
	balancer_held_run(&call);
}

static void balancer_timer(void *state, uint64_t now_ns)
{
	struct balancer *b = state;
	struct balancer_switch *s = TAILQ_FIRST(&b->switches), *next;

	b->timer_ns = FB_NEVER;
	for (; s; s = next) {
		next = TAILQ_NEXT(s, link);
		if (due_of(b, s) <= now_ns)
			run_switch(b, s, now_ns);
	}
	TAILQ_FOREACH(s, &b->switches, link)
	schedule(b, s);
}

/* --- Switches --- */

static void lose_port(const struct balancer_call *call, uint16_t port)
{
	if (port < OFPP_MAX)
		call->s->switch_behind[port / 8] &= (uint8_t) ~(1 << port % 8);
	balancer_stations_port_down(&call->s->stations, port);
	balancer_owners_port_down(call, port);
}

static bool is_usable(const struct fb_phy_port *port)
{
	return port && !(port->state & OFPPS_LINK_DOWN) && !(port->config & OFPPC_PORT_DOWN);
}

/* Ports may have gone while the switch was away. */
static void lose_missing_ports(const struct balancer_call *call)
{
	const struct fb_table *table = call->s->owners.table;
	const struct balancer_address *address = fb_table_oldest(table);

	for (; address; address = fb_table_newer(table, address)) {
		for (uint32_t i = 0; i < address->owners_count;) {
			uint16_t port = address->owners[i].port;

			if (is_usable(fb_switch_port(call->s->sw, port)))
				i++;
			else
				lose_port(call, port);
		}
	}
}

static void balancer_switch_up(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	struct balancer *b = state;
	struct balancer_switch *s = find_switch(b, fb_switch_dpid(sw));
	struct balancer_call call = {.b = b, .now_ns = now_ns};

	if (!s)
		s = new_switch(b, fb_switch_dpid(sw));
	if (!s) {
		fb_app_log(b->app, FB_LOG_ERROR, "out of memory: the switch is not served");
		return;
	}
	s->sw = sw;
	b->switches_away--;
	fb_switch_set_state(sw, b->app, s);
	call.s = s;
	balancer_sessions_doubt(&s->sessions, now_ns);
	lose_missing_ports(&call);
	balancer_owners_refresh(&call);
	schedule(b, s);
}

/* Entries go on without us, and so does what we know, for a while. What the switch kept in its
 * buffers is lost to us. */
static void balancer_switch_down(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	struct balancer *b = state;
	struct balancer_switch *s = fb_switch_state(sw, b->app), *oldest = NULL;

	if (!s)
		return;
	fb_switch_set_state(sw, b->app, NULL);
	balancer_held_clear(&s->held);
	s->sw = NULL;
	s->down_ns = now_ns;
	b->switches_away++;
	if (b->switches_away > BALANCER_SWITCHES_AWAY_MAX) {
		TAILQ_FOREACH(s, &b->switches, link)
		{
			if (!s->sw && (!oldest || s->down_ns < oldest->down_ns))
				oldest = s;
		}
		b->counters.switches_forgotten++;
		forget_switch(b, oldest);
		return;
	}
	schedule(b, s);
}

static enum fb_verdict balancer_port_status(void *state, struct fb_switch *sw,
                                            const struct fb_port_status *ps, uint64_t now_ns)
{
	struct balancer *b = state;
	const struct balancer_call call = {
	        .b = b, .s = fb_switch_state(sw, b->app), .now_ns = now_ns};

	if (!call.s)
		return FB_CONTINUE;
	if (ps->reason == OFPPR_DELETE || !is_usable(&ps->desc))
		lose_port(&call, ps->desc.port_no);
	else
		balancer_owners_refresh(&call);
	schedule(b, call.s);
	return FB_CONTINUE;
}

/* --- Frames --- */

/* What is looked up for a batch of packet-ins: all of it waits for memory at once. */
struct batch {
	void *stations[BALANCER_BATCH_MAX]; /* of the senders */
	void *addresses[BALANCER_BATCH_MAX];
	uint64_t stations_changes, addresses_changes; /* of the tables at that time */
};

static void look_up(const struct balancer_switch *s, const struct fb_packet_in *packet_ins,
                    size_t count, struct batch *batch)
{
	balancer_sessions_prefetch(&s->sessions, packet_ins, count);
	balancer_stations_find_many(&s->stations, packet_ins, count, batch->stations);
	balancer_owners_find_many(&s->owners, packet_ins, count, batch->addresses);
	batch->stations_changes = fb_table_changes(s->stations.table);
	batch->addresses_changes = fb_table_changes(s->owners.table);
}

/* Learn from who sent the frame, which is the one at 'i' of 'batch'; an address that is new lets
 * the SYNs go on that wait for it. */
static void hear(const struct balancer_call *call, const struct fb_packet_in *pi,
                 const struct batch *batch, size_t i)
{
	struct balancer_switch *s = call->s;
	void *station = batch->stations[i], *address = batch->addresses[i];
	uint32_t ip;

	if (fb_mac_is_multicast(pi->packet.dl_src))
		return;
	if (batch->stations_changes != fb_table_changes(s->stations.table))
		station = balancer_stations_find(&s->stations, pi);
	if (!balancer_stations_hear(call, pi, station))
		return;
	if (batch->addresses_changes != fb_table_changes(s->owners.table))
		address = balancer_owners_spoken_for(&s->owners, pi);
	if (balancer_owners_hear(call, pi, address, &ip) && s->held.count > 0)
		balancer_held_found(call, ip, balancer_vlan(&pi->packet));
}

/* By destination MAC: to its port, or flooded where that is not known. A frame that has come by the
 * port of its destination has reached it. */
static void forward(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	struct balancer_rewrite rewrite = {
	        .port = balancer_stations_port(call, p->dl_dst, balancer_vlan(p))};

	if (rewrite.port == 0) {
		balancer_send_flood(call, pi);
	} else if (rewrite.port == pi->in_port) {
		balancer_send_drop(call, pi);
	} else {
		call->b->counters.unicast++;
		balancer_send_through(call, pi, &rewrite);
	}
}

/* A frame of the controller's own from another switch, a probe, tells where that switch is. */
static void note_switch(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct balancer_switch *other;

	if (!is_own_prefix(pi->packet.dl_src) || pi->in_port >= OFPP_MAX)
		return;
	TAILQ_FOREACH(other, &call->b->switches, link)
	{
		if (fb_mac_equal(pi->packet.dl_src, other->mac))
			call->s->switch_behind[pi->in_port / 8] |= (uint8_t)(1 << pi->in_port % 8);
	}
}

static void handle(const struct balancer_call *call, const struct fb_packet_in *pi,
                   const struct batch *batch, size_t i)
{
	const struct fb_packet *p = &pi->packet;

	if (fb_mac_equal(p->dl_src, call->s->mac)) {
		call->b->counters.own_frames++;
		balancer_send_drop(call, pi);
		return;
	}
	note_switch(call, pi);
	hear(call, pi, batch, i);
	if (fb_mac_equal(p->dl_dst, call->s->mac)) {
		call->b->counters.probe_answers++;
		balancer_send_drop(call, pi);
	} else if (p->is_tcp) {
		balancer_tcp_segment(call, pi);
	} else if (p->is_ipv4 && p->nw_proto == FB_IP_TCP) {
		balancer_related_later(call, pi);
	} else if (!balancer_related_icmp(call, pi)) {
		forward(call, pi);
	}
}

static void balancer_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                               size_t count, uint64_t now_ns)
{
	struct balancer *b = state;
	struct balancer_call call = {.b = b, .s = fb_switch_state(sw, b->app), .now_ns = now_ns};
	struct batch batch;

	if (!call.s)
		return;
	for (size_t i = 0; i < count; i++) {
		size_t place = i % BALANCER_BATCH_MAX;

		if (place == 0)
			look_up(call.s, packet_ins + i, count - i, &batch);
		call.cause = &packet_ins[i];
		packet_ins[i].verdict = FB_STOP;
		handle(&call, &packet_ins[i], &batch, place);
	}
	schedule(b, call.s);
}

/* --- Entries that are gone --- */

/* One entry of 'session' is not there: the session lives on, and its next packet brings the entry
 * back. */
static void lose_entry(const struct balancer_call *call, struct balancer_session *session,
                       enum balancer_direction direction)
{
	session->entries &= (uint8_t) ~(1 << direction);
	balancer_sessions_settle(&call->s->sessions, session, call->now_ns);
	schedule(call->b, call->s);
}

static enum fb_verdict balancer_flow_removed(void *state, struct fb_switch *sw,
                                             const struct fb_flow_removed *fr, uint64_t now_ns)
{
	struct balancer *b = state;
	const struct balancer_call call = {
	        .b = b, .s = fb_switch_state(sw, b->app), .now_ns = now_ns};
	struct balancer_session *session;
	enum balancer_direction direction;
	bool ours;

	if (!call.s)
		return FB_CONTINUE;
	session = balancer_flows_session(&call, &fr->match, fr->cookie, &direction, &ours);
	if (!ours)
		return FB_CONTINUE;
	if (session) {
		b->counters.entries_removed++;
		lose_entry(&call, session, direction);
	} else {
		b->counters.flow_removed_ignored++;
	}
	return FB_STOP;
}

/* A flow-mod that failed (a full table, a port that is gone) tells of its session by the bytes that
 * the error carries. */
static void balancer_error(void *state, struct fb_switch *sw, uint32_t xid, bool own, uint16_t type,
                           uint16_t code, struct fb_view data, uint64_t now_ns)
{
	struct balancer *b = state;
	const struct balancer_call call = {
	        .b = b, .s = fb_switch_state(sw, b->app), .now_ns = now_ns};
	struct balancer_session *session;
	enum balancer_direction direction;
	struct fb_match match;
	bool ours;

	(void)xid;
	(void)type;
	(void)code;
	if (!own || !call.s || data.len < offsetof(struct ofp_flow_mod, command) ||
	    data.data[1] != OFPT_FLOW_MOD)
		return;
	fb_match_decode(data.data + offsetof(struct ofp_flow_mod, match), &match);
	session = balancer_flows_session(
	        &call, &match, fb_get64(data.data + offsetof(struct ofp_flow_mod, cookie)),
	        &direction, &ours);
	if (!session)
		return;
	b->counters.entries_failed++;
	lose_entry(&call, session, direction);
}

/* --- Counters --- */

static void balancer_counters(const void *state,
                              void (*tell)(void *ctx, const char *name, uint64_t value), void *ctx)
{
	const struct balancer *b = state;

#define TELL(name) tell(ctx, #name, b->counters.name);
	BALANCER_COUNTERS(TELL)
#undef TELL
}

const struct fb_app_class fb_app_balancer = {
        .name = "balancer",
        .summary = "shares the TCP connections to an address among all who own it",
        .scope = FB_SCOPE_NETWORK,
        .takes_all = true,
        .options = balancer_options,
        .options_count = BALANCER_OPTIONS_COUNT,
        .create = balancer_create,
        .destroy = balancer_destroy,
        .switch_up = balancer_switch_up,
        .switch_down = balancer_switch_down,
        .packet_in = balancer_packet_in,
        .flow_removed = balancer_flow_removed,
        .port_status = balancer_port_status,
        .error = balancer_error,
        .timer = balancer_timer,
        .counters = balancer_counters,
        .report = balancer_report,
        .report_switch = balancer_report_switch,
};
