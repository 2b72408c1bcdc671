/* The load balancer: several servers share one address, and each connection goes to one of them.
 *
 * What? A TCP connection to an address goes to one of its owners (who was heard under it, or is
 * configured), chosen by a scheduler, and sees that one only; so do the datagrams of one UDP 4-tuple
 * and the ICMP echo requests of one identifier. The owner's MAC address is set as destination on the
 * way there, and the MAC that the client had addressed is set as source on the way back, so that
 * neither end notices. mode=flows installs flow entries by connection once the backend has answered;
 * mode=packet does the same work on each packet by itself. What is left goes to the port of its
 * destination, or is flooded.
 *
 * How? Everything is kept once for the whole network, in bounded tables with a time after which an
 * entry is forgotten. 'discovery' (<flowbed/discovery.h>) knows where hosts are, which ways there
 * are, and how to flood. A packet-in passes through: hear who sent it, where it came in by an edge;
 * then decide by what it is. What it leads to is sent where the other end is, whatever lies between.
 * When the network changes, sessions are swept (balancer_sweep.c). What is known of a switch outlives
 * its connection, since its entries do.
 *
 * The balancer is the last word on every packet-in (FB_STOP): another application that installed
 * entries for the same packets would overwrite its own.
 *
 * What is left to others: links, paths, the tree for floods, and where hosts are (discovery); a
 * switch that is not ours between two of ours. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_commands.h"
#include "controller/apps/balancer_datagrams.h"
#include "controller/apps/balancer_flows.h"
#include "controller/apps/balancer_report.h"
#include "controller/apps/balancer_send.h"
#include "controller/apps/balancer_sweep.h"
#include "controller/apps/balancer_tcp.h"

const uint8_t balancer_own_mac[FB_MAC_BYTES] = {0x0e, 0xfb, 0x00, 0x00, 0x00, 0x01};

/* --- The instance --- */

static void balancer_destroy(void *state)
{
	struct balancer *b = state;

	balancer_health_free(&b->health);
	balancer_reset_free(&b->reset);
	balancer_recall_free(&b->recall);
	balancer_recovery_free(&b->recovery);
	balancer_arp_free(&b->arp);
	balancer_fragments_free(&b->fragments);
	balancer_held_clear(&b->held);
	balancer_paths_free(&b->paths);
	balancer_routes_free(&b->routes);
	balancer_sessions_free(&b->sessions);
	balancer_owners_free(&b->owners);
	balancer_services_free(b->services);
	free(b->services_file);
	free(b);
}

/* Hosts choose the keys of all tables: they must not know which of them collide. */
static bool init_parts(struct balancer *b, uint32_t seed)
{
	balancer_held_init(&b->held);
	balancer_arp_init(&b->arp);
	return balancer_owners_init(&b->owners, b, seed) &&
	       balancer_sessions_init(&b->sessions, b, seed) &&
	       balancer_routes_init(&b->routes, seed) && balancer_paths_init(&b->paths, b, seed) &&
	       balancer_fragments_init(&b->fragments, seed) &&
	       balancer_recovery_init(&b->recovery, b, seed) &&
	       balancer_recall_init(&b->recall, b, seed) &&
	       balancer_reset_init(&b->reset, b, seed) && balancer_health_init(&b->health, b, seed);
}

static void *balancer_create(struct fb_app *app, const uint64_t *values, struct fb_text *error)
{
	struct balancer *b = calloc(1, sizeof *b);
	struct balancer_call call = {.b = b};
	struct balancer_texts texts;

	if (!b) {
		fb_text_puts(error, "out of memory");
		return NULL;
	}
	b->app = app;
	b->discovery = fb_discovery_of(app);
	b->timer_ns = FB_NEVER;
	b->sweep_ns = FB_NEVER;
	TAILQ_INIT(&b->held.frames);
	if (!balancer_options_read(values, &b->config, &texts, error) ||
	    !balancer_commands_configure(b, &texts, error)) {
		balancer_destroy(b);
		return NULL;
	}
	if (!init_parts(b, fb_app_run_id(app))) {
		fb_text_puts(error, "out of memory");
		balancer_destroy(b);
		return NULL;
	}
	balancer_owners_configure(&call);
	return b;
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

/* --- Time --- */

/* When the balancer wants to be looked after. */
static uint64_t due_of(const struct balancer *b)
{
	uint64_t due_ns = b->ask_again ? 0 : b->sweep_ns;

	due_ns = fb_time_min(due_ns, balancer_sessions_due(&b->sessions));
	due_ns = fb_time_min(due_ns, balancer_owners_due(&b->owners));
	due_ns = fb_time_min(due_ns, balancer_held_due(&b->held));
	due_ns = fb_time_min(due_ns, balancer_paths_due(&b->paths));
	due_ns = fb_time_min(due_ns, balancer_arp_due(&b->arp));
	due_ns = fb_time_min(due_ns, balancer_recovery_due(&b->recovery));
	due_ns = fb_time_min(due_ns, balancer_recall_due(&b->recall));
	due_ns = fb_time_min(due_ns, balancer_reset_due(&b->reset));
	return fb_time_min(due_ns, balancer_health_due(&b->health));
}

/* An event was handled: sessions are swept when it is time, and the timer comes in time. It may come
 * too early. */
static void finish(const struct balancer_call *call)
{
	struct balancer *b = call->b;
	uint64_t due_ns;

	balancer_sweep_run(call);
	due_ns = due_of(b);
	if (due_ns >= b->timer_ns)
		return;
	b->timer_ns = due_ns;
	fb_app_set_timer(b->app, due_ns);
}

/* Once for all edges that came up at one moment. */
static void ask_again(const struct balancer_call *call)
{
	if (!call->b->ask_again)
		return;
	call->b->ask_again = false;
	balancer_held_ask(call);
	balancer_arp_ask(call);
}

static void balancer_timer(void *state, uint64_t now_ns)
{
	const struct balancer_call call = {.b = state, .now_ns = now_ns};

	call.b->timer_ns = FB_NEVER;
	ask_again(&call);
	balancer_sessions_run(&call);
	balancer_tcp_rearm(&call);
	balancer_owners_run(&call);
	balancer_held_run(&call);
	balancer_paths_run(&call);
	balancer_arp_run(&call);
	balancer_recall_run(&call);
	balancer_recovery_run(&call);
	balancer_reset_run(&call);
	balancer_health_run(&call);
	finish(&call);
}

/* --- The network --- */

static struct balancer_call call_for(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	struct balancer *b = state;

	return (struct balancer_call){
	        .b = b, .sw = sw, .node = fb_discovery_node(b->discovery, sw), .now_ns = now_ns};
}

static void balancer_switch_up(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	const struct balancer_call call = call_for(state, sw, now_ns);

	balancer_sessions_doubt(&call, call.node);
	balancer_recall_join(&call);
	balancer_recovery_switch_up(&call);
	balancer_owners_switch_up(&call, call.node);
	finish(&call);
}

/* Entries go on without us, and so does what we know. What the switch kept in its buffers is lost to
 * us. */
static void balancer_switch_down(void *state, struct fb_switch *sw, uint64_t now_ns)
{
	const struct balancer_call call = call_for(state, sw, now_ns);

	balancer_sessions_doubt(&call, call.node);
	balancer_held_switch_down(&call.b->held, call.node);
	balancer_arp_switch_down(&call.b->arp, call.node);
	balancer_paths_switch_down(&call, call.node);
	balancer_recall_switch_down(&call);
	balancer_recovery_switch_down(&call);
	balancer_owners_switch_down(&call, call.node);
	finish(&call);
}

/* Nothing comes from a dead port, and what goes there is lost. A switch that left is another matter:
 * nobody can tell what is behind its ports now. */
static void lose_port(const struct balancer_call *call, struct fb_place at)
{
	const struct balancer_sessions *sessions = &call->b->sessions;

	if (!fb_discovery_switch(call->b->discovery, at.node))
		return;
	if (sessions->queues[BALANCER_LIVE].count + sessions->queues[BALANCER_UNSURE].count > 0)
		balancer_flows_forget_port(call, at);
	balancer_owners_port_down(call, at);
	balancer_sweep_soon(call);
}

static void balancer_network_event(void *state, const struct fb_network_event *event,
                                   uint64_t now_ns)
{
	const struct balancer_call call = {.b = state, .now_ns = now_ns};

	if (event->type == FB_EVENT_EDGE_UP || event->type == FB_EVENT_PORT_DOWN)
		balancer_recovery_unrest(&call);
	switch (event->type) {
	case FB_EVENT_LINK_UP:
	case FB_EVENT_LINK_DOWN:
		balancer_sweep_soon(&call);
		break;
	case FB_EVENT_EDGE_UP:
		balancer_probes_edge_up(&call, event->at);
		balancer_sweep_soon(&call);
		call.b->ask_again = true;
		break;
	case FB_EVENT_PORT_DOWN:
		lose_port(&call, event->at);
		break;
	case FB_EVENT_HOST_MOVED:
		balancer_owners_host_moved(&call, event->host->mac, event->host->vlan, event->other,
		                           event->at);
		break;
	case FB_EVENT_HOST_NEW:
	case FB_EVENT_HOST_GONE:
		break;
	}
	finish(&call);
}

/* Long before discovery knows what is behind it. */
static enum fb_verdict balancer_port_status(void *state, struct fb_switch *sw,
                                            const struct fb_port_status *ps, uint64_t now_ns)
{
	const struct balancer_call call = call_for(state, sw, now_ns);

	(void)ps;
	balancer_recovery_unrest(&call);
	return FB_CONTINUE;
}

/* --- Frames --- */

/* What is looked up for a batch of packet-ins: all of it waits for memory at once. */
struct batch {
	void *addresses[BALANCER_BATCH_MAX]; /* that the senders speak for */
	uint64_t addresses_changes;          /* of the table at that time */
};

static void look_up(const struct balancer *b, const struct fb_packet_in *packet_ins, size_t count,
                    struct batch *batch)
{
	balancer_sessions_prefetch(&b->sessions, packet_ins, count);
	balancer_owners_find_many(&b->owners, packet_ins, count, batch->addresses);
	batch->addresses_changes = fb_table_changes(b->owners.table);
}

/* Learn from who sent the frame, which is the one at 'i' of 'batch' and came by an edge; an address
 * that is new lets the packets go on that wait for it. */
static void hear(const struct balancer_call *call, const struct fb_packet_in *pi,
                 const struct batch *batch, size_t i)
{
	struct balancer *b = call->b;
	uint16_t vlan = balancer_vlan(&pi->packet);
	void *address = batch->addresses[i];
	uint32_t ip = 0;
	bool is_first;

	if (fb_mac_is_multicast(pi->packet.dl_src))
		return;
	if (batch->addresses_changes != fb_table_changes(b->owners.table))
		address = balancer_owners_spoken_for(&b->owners, pi);
	is_first = balancer_owners_hear(call, pi, address, &ip);
	if (is_first && b->held.count > 0)
		balancer_held_found(call, ip, vlan);
	if (ip && b->arp.count > 0)
		balancer_arp_found(call, ip, vlan);
}

/* To the owner of its IPv4 address, where the frame names that by the MAC that the controller made
 * up for it: one and the same for each source. */
static bool forward_by_address(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	struct balancer_rewrite rewrite = {0};
	struct balancer_address *address;
	const struct balancer_owner *owner;
	uint32_t ip;

	if (!balancer_arp_is_mac(p->dl_dst, &ip))
		return false;
	address = balancer_owners_find(call, ip, balancer_vlan(p));
	owner = address ? balancer_owners_other(address, p->dl_dst, p->nw_src) : NULL;
	if (!owner) {
		balancer_send_drop(call, pi);
		return true;
	}
	rewrite.dl_dst = owner->mac;
	rewrite.at = owner->at;
	call->b->counters.unicast++;
	balancer_send_through(call, pi, &rewrite);
	return true;
}

/* By destination MAC: to its port, or flooded where that is not known. A frame that has come by the
 * port of its destination has reached it. */
static void forward(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	const struct fb_host *host = NULL;
	struct balancer_rewrite rewrite = {0};

	if (forward_by_address(call, pi))
		return;
	if (!fb_mac_is_multicast(p->dl_dst))
		host = fb_discovery_host(call->b->discovery, p->dl_dst, balancer_vlan(p));
	if (!host) {
		balancer_send_flood(call, pi);
	} else if (balancer_same_place(host->at, balancer_place(call, pi))) {
		balancer_send_drop(call, pi);
	} else {
		rewrite.at = host->at;
		call->b->counters.unicast++;
		balancer_send_through(call, pi, &rewrite);
	}
}

static bool is_echo(const struct fb_packet *p)
{
	return p->is_icmp &&
	       (p->tp_src == FB_ICMP_ECHO_REQUEST || p->tp_src == FB_ICMP_ECHO_REPLY);
}

/* 'pi' is for somebody, by what it is. */
static void dispatch(const struct balancer_call *call, const struct fb_packet_in *pi, bool is_edge)
{
	const struct fb_packet *p = &pi->packet;
	const bool is_for_one = !fb_mac_is_multicast(p->dl_dst) && p->nw_dst < 0xe0000000;

	if (p->is_arp)
		balancer_arp_frame(call, pi, is_edge);
	else if (p->is_tcp)
		balancer_tcp_segment(call, pi);
	else if (p->is_udp && is_for_one)
		balancer_datagrams_udp(call, pi);
	else if (is_echo(p) && is_for_one)
		balancer_datagrams_echo(call, pi);
	else if (p->is_ipv4 && (p->nw_proto == FB_IP_TCP ||
	                        (is_for_one && fb_packet_is_later_fragment(p))))
		balancer_related_later(call, pi);
	else if (!balancer_related_icmp(call, pi))
		forward(call, pi);
}

void balancer_handle_again(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_place at = balancer_place(call, pi);

	dispatch(call, pi, fb_discovery_port(call->b->discovery, at) != FB_PORT_LINK);
}

static void handle(const struct balancer_call *call, const struct fb_packet_in *pi,
                   const struct batch *batch, size_t i)
{
	const struct fb_packet *p = &pi->packet;
	const struct fb_place at = balancer_place(call, pi);
	const enum fb_port_kind kind = fb_discovery_port(call->b->discovery, at);
	const bool is_edge = kind != FB_PORT_LINK;
	uint32_t ip;

	if (fb_mac_equal(p->dl_src, balancer_own_mac) ||
	    (is_edge && balancer_arp_is_mac(p->dl_src, &ip))) {
		call->b->counters.own_frames++;
		balancer_send_drop(call, pi);
		return;
	}
	if (kind == FB_PORT_EDGE) /* nobody is reached behind a port that is down */
		hear(call, pi, batch, i);
	if (is_edge && balancer_health_frame(call, pi))
		return;
	if (fb_mac_equal(p->dl_dst, balancer_own_mac)) {
		call->b->counters.probe_answers++;
		balancer_send_drop(call, pi);
		return;
	}
	dispatch(call, pi, is_edge);
}

static void balancer_packet_in(void *state, struct fb_switch *sw, struct fb_packet_in *packet_ins,
                               size_t count, uint64_t now_ns)
{
	struct balancer_call call = call_for(state, sw, now_ns);
	struct batch batch;

	for (size_t i = 0; i < count; i++) {
		size_t place = i % BALANCER_BATCH_MAX;

		if (place == 0)
			look_up(call.b, packet_ins + i, count - i, &batch);
		call.cause = &packet_ins[i];
		packet_ins[i].verdict = FB_STOP;
		handle(&call, &packet_ins[i], &batch, place);
	}
	finish(&call);
}

/* --- Entries that are gone --- */

/* One entry of 'session' is not there: the session lives on, and its next packet brings the entry
 * back. */
static void lose_entry(const struct balancer_call *call, struct balancer_session *session,
                       enum balancer_direction direction)
{
	session->entries &= (uint8_t) ~(1 << direction);
	balancer_sessions_settle(call, session);
	finish(call);
}

/* Where somebody deleted it, by its port perhaps, the others of its direction go as well: nobody would
 * move them any more. Those of a direction that is idle expire together. */
static enum fb_verdict balancer_flow_removed(void *state, struct fb_switch *sw,
                                             const struct fb_flow_removed *fr, uint64_t now_ns)
{
	const struct balancer_call call = call_for(state, sw, now_ns);
	struct balancer *b = call.b;
	struct balancer_session *session;
	enum balancer_direction direction;
	bool ours;

	session = balancer_flows_session(&call, &fr->match, fr->cookie, &direction, &ours);
	if (!ours)
		return FB_CONTINUE;
	if (session) {
		b->counters.entries_removed++;
		if (!session->refused)
			session->was_installed = false; /* the next one need not wait */
		if (fr->reason == OFPRR_DELETE && session->route != BALANCER_DIRECT &&
		    (session->entries & 1 << direction))
			balancer_paths_remove_direction(&call, session, (int)direction);
		lose_entry(&call, session, direction);
	} else {
		b->counters.flow_removed_ignored++;
	}
	return FB_STOP;
}

/* A flow-mod that failed (a full table, a port that is gone) tells of its session by the bytes that
 * the error carries. What other switches took of that direction, or this one has from before, goes:
 * where a direction counts as one without entries nobody would move or remove them any more. */
static void balancer_error(void *state, struct fb_switch *sw, uint32_t xid, bool own, uint16_t type,
                           uint16_t code, struct fb_view data, uint64_t now_ns)
{
	const struct balancer_call call = call_for(state, sw, now_ns);
	struct balancer_session *session;
	enum balancer_direction direction;
	struct fb_match match;
	bool ours;

	(void)type;
	(void)code;
	if (!own)
		return;
	balancer_recall_refused(&call, xid);
	if (data.len < offsetof(struct ofp_flow_mod, command) ||
	    data.data[1] != OFPT_FLOW_MOD)
		return;
	fb_match_decode(data.data + offsetof(struct ofp_flow_mod, match), &match);
	session = balancer_flows_session(
	        &call, &match, fb_get64(data.data + offsetof(struct ofp_flow_mod, cookie)),
	        &direction, &ours);
	if (!session)
		return;
	call.b->counters.entries_failed++;
	session->refused = true;
	if (session->entries & 1 << direction)
		balancer_paths_remove_direction(&call, session, (int)direction);
	lose_entry(&call, session, direction);
}

/* --- Replies --- */

static void balancer_stats_reply(void *state, struct fb_switch *sw, uint32_t xid,
                                 const struct fb_stats_reply *reply, uint64_t now_ns)
{
	const struct balancer_call call = call_for(state, sw, now_ns);

	balancer_recall_reply(&call, xid, reply);
	finish(&call);
}

static void balancer_barrier_reply(void *state, struct fb_switch *sw, uint32_t xid, uint64_t now_ns)
{
	const struct balancer_call call = call_for(state, sw, now_ns);

	balancer_paths_barrier(&call, xid);
	finish(&call);
}

static bool balancer_ready(const void *state)
{
	const struct balancer *b = state;

	return !balancer_recall_is_on(&b->recall);
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
        .summary = "shares the connections to an address among all who own it",
        .scope = FB_SCOPE_NETWORK,
        .takes_all = true,
        .needs = &fb_app_discovery,
        .options = balancer_options,
        .options_count = BALANCER_OPTIONS_COUNT,
        .create = balancer_create,
        .destroy = balancer_destroy,
        .switch_up = balancer_switch_up,
        .switch_down = balancer_switch_down,
        .packet_in = balancer_packet_in,
        .flow_removed = balancer_flow_removed,
        .error = balancer_error,
        .stats_reply = balancer_stats_reply,
        .barrier_reply = balancer_barrier_reply,
        .port_status = balancer_port_status,
        .timer = balancer_timer,
        .network_event = balancer_network_event,
        .command = balancer_commands_run,
        .ready = balancer_ready,
        .counters = balancer_counters,
        .report = balancer_report,
};
