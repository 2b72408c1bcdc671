/* What a port is: an edge, a link, or nobody knows yet.
 *
 * Frames. Each port sends a discovery frame when it comes up and then every 'interval'; those that
 * fall due at once are sent a few at a time. A port that hears another for the first time, and is
 * not heard by it, answers at once, so that a link is found in a moment whichever end came first.
 * While a port is pending it sends a few more, as a link that loses frames must not pass for an edge.
 *
 * A port is a link as soon as it hears another, and is used as one when both hear each other. When
 * it is silent for 'timeout', or its other end went away, the link is gone; but the port is not
 * taken for an edge yet: for another 'timeout' nothing is flooded through it and nothing learned
 * from it, and as long as it is heard at its other end. For what looks like a silent link is more
 * likely one with a controller connection that is broken or slow than one that became a host's,
 * and a link that is taken for an edge closes a loop. A port that comes up is doubted so, too, when
 * it led to a switch that is away: that may go on forwarding by what entries it has.
 *
 * A port that hears two others (behind a hub) stays with the one that it heard first, until that
 * has been silent for two intervals; the third is on no path. */
#include "controller/apps/discovery_private.h"

#include <inttypes.h>
#include <stdlib.h>

#include "controller/apps/discovery_lldp.h"

enum {
	BURST_MAX = 256, /* frames sent at once because their time has come */
	TRIES = 4,       /* frames that a port sends before it is an edge */
};

#define BURST_NS FB_NS_PER_MS /* and the time until the next ones */

static const struct fb_place nowhere;

static bool is_same(struct fb_place a, struct fb_place b)
{
	return a.node == b.node && a.port == b.port;
}

static struct discovery_port *port_at(const struct fb_discovery *d, struct fb_place at)
{
	return (struct discovery_port *)topology_at(d->topology, at);
}

/* --- What ports wait for --- */

/* Those of one list all wait for the same time, so that who enters last is due last. */
static uint64_t wait_ns(const struct fb_discovery *d, enum discovery_wait wait)
{
	switch (wait) {
	case DISCOVERY_WAIT_EDGE:
		return d->options.edge_after_ns / TRIES;
	case DISCOVERY_WAIT_PASS:
		return 0;
	case DISCOVERY_WAIT_SILENCE:
	case DISCOVERY_WAIT_DOUBT:
		return d->options.timeout_ns;
	case DISCOVERY_WAIT_NOTHING:
	case DISCOVERY_WAITS_COUNT:
		break;
	}
	return FB_NEVER;
}

static void wait_for(struct fb_discovery *d, struct discovery_port *port, enum discovery_wait wait,
                     uint64_t now_ns)
{
	if (port->wait != DISCOVERY_WAIT_NOTHING)
		TAILQ_REMOVE(&d->waiting[port->wait], port, waiting);
	port->wait = wait;
	port->due_ns = fb_time_after(now_ns, wait_ns(d, wait));
	if (wait == DISCOVERY_WAIT_NOTHING)
		return;
	TAILQ_INSERT_TAIL(&d->waiting[wait], port, waiting);
	discovery_want_timer(d, port->due_ns);
}

/* --- Sending --- */

static uint16_t ttl_s(const struct fb_discovery *d)
{
	uint64_t s = (d->options.timeout_ns + FB_NS_PER_S - 1) / FB_NS_PER_S;

	return s > UINT16_MAX ? UINT16_MAX : (uint16_t)s;
}

/* Send a frame out of 'port' now, and the next one after an interval. */
static void send_frame(struct fb_discovery *d, struct discovery_port *port,
                       const struct fb_packet_in *cause, uint64_t now_ns)
{
	const struct topology_node *node = port->at.node;
	const struct discovery_origin origin = {
	        .dpid = node->dpid, .epoch = port->epoch, .port = port->at.number};
	uint8_t frame_memory[DISCOVERY_LLDP_BYTES + FB_ETH_HEADER_BYTES], actions_memory[8];
	struct fb_buf frame = fb_buf_make(frame_memory, sizeof frame_memory);
	struct fb_buf actions = fb_buf_make(actions_memory, sizeof actions_memory);
	struct fb_packet_out po = {.buffer_id = OFP_NO_BUFFER, .in_port = OFPP_NONE};

	discovery_lldp_put(&frame, &origin, port->hw_addr, ttl_s(d), fb_app_run_id(d->app));
	fb_action_put_output(&actions, port->at.number, 0);
	po.actions = (struct fb_view){.data = actions.data, .len = actions.len};
	po.data = (struct fb_view){.data = frame.data, .len = frame.len};
	fb_send_packet_out(d->app, node->owner, cause, &po);
	d->counters.lldp_sent++;
	TAILQ_REMOVE(&d->sending, port, sending);
	TAILQ_INSERT_TAIL(&d->sending, port, sending);
	port->send_ns = now_ns + d->options.interval_ns;
	discovery_want_timer(d, port->send_ns);
}

/* Returns when to send again. */
static uint64_t send_due(struct fb_discovery *d, uint64_t now_ns)
{
	struct discovery_port *port;

	for (int i = 0; i < BURST_MAX; i++) {
		port = TAILQ_FIRST(&d->sending);
		if (!port || port->send_ns > now_ns)
			return port ? port->send_ns : FB_NEVER;
		send_frame(d, port, NULL, now_ns);
	}
	port = TAILQ_FIRST(&d->sending);
	return port->send_ns > now_ns ? port->send_ns : now_ns + BURST_NS;
}

/* --- Links --- */

static void log_link(struct fb_discovery *d, struct fb_place a, struct fb_place b, const char *what,
                     uint64_t now_ns)
{
	uint64_t suppressed;

	if (!fb_app_logs(d->app, FB_LOG_INFO) ||
	    !fb_log_limit_allows(&d->log_limit, now_ns, &suppressed))
		return;
	if (suppressed)
		fb_app_log(d->app, FB_LOG_INFO, "%" PRIu64 " lines left out", suppressed);
	fb_app_log(d->app, FB_LOG_INFO, "link %016" PRIx64 ":%u -- %016" PRIx64 ":%u is %s",
	           topology_node(d->topology, a.node)->dpid, a.port,
	           topology_node(d->topology, b.node)->dpid, b.port, what);
}

static void tell_link(struct fb_discovery *d, enum fb_network_event_type type, struct fb_place at,
                      struct fb_place other, uint64_t now_ns)
{
	bool up = type == FB_EVENT_LINK_UP;

	if (up)
		d->counters.links_up++;
	else
		d->counters.links_down++;
	log_link(d, at, other, up ? "up" : "down", now_ns);
	discovery_tree_changed(d, now_ns);
	discovery_tell(d, type, at, other, NULL, now_ns);
}

/* 'port' hears nobody any more. */
static void unhear(struct fb_discovery *d, struct discovery_port *port, uint64_t now_ns)
{
	struct fb_place other = port->at.heard;

	if (topology_unhear(d->topology, &port->at))
		tell_link(d, FB_EVENT_LINK_DOWN, topology_place(&port->at), other, now_ns);
}

/* Frames of 'port' wait no more. */
static void drop_held(struct fb_discovery *d, struct discovery_port *port,
                      const struct fb_packet_in *cause)
{
	struct fb_switch *sw = port->at.node->owner;
	const struct fb_packet_in *pi;

	while ((pi = held_frames_first(&port->held))) {
		struct fb_packet_out po = {.buffer_id = pi->buffer_id, .in_port = pi->in_port};

		if (pi->buffer_id != OFP_NO_BUFFER)
			fb_send_packet_out(d->app, sw, cause, &po);
		held_frames_drop(&port->held, &d->held_limits);
		d->counters.held_dropped++;
	}
}

static void become_link(struct fb_discovery *d, struct discovery_port *port,
                        const struct fb_packet_in *cause, uint64_t now_ns)
{
	bool was_edge = port->at.kind == FB_PORT_EDGE;
	struct fb_place at = topology_place(&port->at);

	if (port->at.kind == FB_PORT_LINK)
		return;
	drop_held(d, port, cause);
	topology_set_kind(d->topology, &port->at, FB_PORT_LINK);
	if (was_edge) {
		discovery_hosts_port_down(d, at, now_ns);
		discovery_tell(d, FB_EVENT_PORT_DOWN, at, nowhere, NULL, now_ns);
	}
}

/* 'port' hears 'from', and did not before. */
static void begin_to_hear(struct fb_discovery *d, struct discovery_port *port, struct fb_place from,
                          const struct fb_packet_in *cause, uint64_t now_ns)
{
	unhear(d, port, now_ns);
	become_link(d, port, cause, now_ns);
	if (topology_hear(d->topology, &port->at, from))
		tell_link(d, FB_EVENT_LINK_UP, topology_place(&port->at), from, now_ns);
	else
		send_frame(d, port, cause, now_ns);
}

/* A good frame of 'from' came in by 'port'. */
static void hear(struct fb_discovery *d, struct discovery_port *port, struct fb_place from,
                 const struct fb_packet_in *cause, uint64_t now_ns)
{
	d->counters.lldp_heard++;
	if (!is_same(port->at.heard, from)) {
		if (port->at.heard.port != 0 &&
		    now_ns - port->heard_ns < 2 * d->options.interval_ns) {
			d->counters.lldp_crowded++;
			return;
		}
		begin_to_hear(d, port, from, cause, now_ns);
	} else if (port_at(d, from)->at.kind == FB_PORT_PENDING) {
		send_frame(d, port, cause, now_ns);
	}
	port->last = from;
	port->heard_ns = now_ns;
	wait_for(d, port, DISCOVERY_WAIT_SILENCE, now_ns);
}

/* The port that 'origin' tells of, as long as it is what it was when the frame left; NULL: not. */
static struct discovery_port *port_of(const struct fb_discovery *d,
                                      const struct discovery_origin *origin)
{
	const struct topology_node *node = topology_find(d->topology, origin->dpid);
	struct discovery_port *port =
	        node ? (struct discovery_port *)topology_port(node, origin->port) : NULL;

	return port && port->epoch == origin->epoch ? port : NULL;
}

static void hear_ours(struct fb_discovery *d, struct fb_switch *sw, const struct fb_packet_in *pi,
                      const struct discovery_origin *origin, uint64_t now_ns)
{
	const struct topology_node *node = fb_switch_state(sw, d->app);
	struct discovery_port *port = (struct discovery_port *)topology_port(node, pi->in_port);
	struct discovery_port *from = port_of(d, origin);

	if (!port || !from)
		d->counters.lldp_stale++;
	else if (port == from)
		d->counters.lldp_echoed++;
	else
		hear(d, port, topology_place(&from->at), pi, now_ns);
}

void discovery_links_hear(struct fb_discovery *d, struct fb_switch *sw, struct fb_packet_in *pi,
                          uint64_t now_ns)
{
	struct discovery_origin origin;

	switch (discovery_lldp_read(&pi->packet, fb_app_run_id(d->app), &origin)) {
	case DISCOVERY_LLDP_FOREIGN:
		d->counters.lldp_foreign++;
		return;
	case DISCOVERY_LLDP_CUT:
		d->counters.lldp_cut++;
		return;
	case DISCOVERY_LLDP_FORGED:
		d->counters.lldp_forged++;
		break;
	case DISCOVERY_LLDP_OURS:
		hear_ours(d, sw, pi, &origin, now_ns);
		break;
	}
	pi->verdict = FB_STOP;
	fb_send_release(d->app, sw, pi, (struct fb_view){0});
}

/* --- Frames of pending ports --- */

void discovery_links_hold(struct fb_discovery *d, struct discovery_port *port,
                          struct fb_packet_in *pi)
{
	pi->verdict = FB_STOP;
	if (held_frames_add(&port->held, &d->held_limits, pi)) {
		d->counters.held++;
		return;
	}
	d->counters.held_full++;
	fb_send_release(d->app, port->at.node->owner, pi, (struct fb_view){0});
}

/* What waited goes on, as if it had come just now. */
static void pass_held(struct fb_discovery *d, struct discovery_port *port, uint64_t now_ns)
{
	struct fb_place at = topology_place(&port->at);
	const struct fb_packet_in *pi;

	while ((pi = held_frames_first(&port->held))) {
		const struct fb_packet *packet = &pi->packet;
		uint64_t key = discovery_hosts_key(packet->dl_src, discovery_hosts_vlan(packet));

		if (!fb_mac_is_multicast(packet->dl_src))
			discovery_hosts_hear(d, packet, fb_table_find(d->hosts.table, &key), at,
			                     now_ns);
		fb_app_redeliver(d->app, port->at.node->owner, pi, now_ns);
		d->counters.held_passed++;
		held_frames_drop(&port->held, &d->held_limits);
	}
}

/* 'port' is to be an edge if it hears nobody for a while. */
static void become_pending(struct fb_discovery *d, struct discovery_port *port, uint64_t now_ns)
{
	topology_set_kind(d->topology, &port->at, FB_PORT_PENDING);
	port->tries = 0;
	wait_for(d, port, DISCOVERY_WAIT_EDGE, now_ns);
}

static void become_edge(struct fb_discovery *d, struct discovery_port *port, uint64_t now_ns)
{
	wait_for(d, port, DISCOVERY_WAIT_PASS, now_ns);
	topology_set_kind(d->topology, &port->at, FB_PORT_EDGE);
	d->counters.edges++;
	discovery_tell(d, FB_EVENT_EDGE_UP, topology_place(&port->at), nowhere, NULL, now_ns);
}

/* --- Time --- */

/* True: 'port', which hears nobody, is still heard where it led to. */
static bool is_heard(const struct fb_discovery *d, const struct discovery_port *port)
{
	const struct discovery_port *other = port_at(d, port->last);

	return other && is_same(other->at.heard, topology_place(&port->at));
}

/* Nobody was heard by the link 'port' for long. */
static void end_doubt(struct fb_discovery *d, struct discovery_port *port, uint64_t now_ns)
{
	if (is_heard(d, port)) {
		wait_for(d, port, DISCOVERY_WAIT_DOUBT, now_ns);
		return;
	}
	become_pending(d, port, now_ns);
}

/* Nobody was heard by the pending 'port' so far. */
static void end_try(struct fb_discovery *d, struct discovery_port *port, uint64_t now_ns)
{
	if (++port->tries == TRIES || d->options.edge_after_ns == 0) {
		become_edge(d, port, now_ns);
		return;
	}
	wait_for(d, port, DISCOVERY_WAIT_EDGE, now_ns);
	send_frame(d, port, NULL, now_ns);
}

static void end_silence(struct fb_discovery *d, struct discovery_port *port, uint64_t now_ns)
{
	d->counters.links_silent++;
	wait_for(d, port, DISCOVERY_WAIT_DOUBT, now_ns);
	unhear(d, port, now_ns);
}

/* The port whose wait of that kind is over; NULL: there is none. */
static struct discovery_port *due(struct fb_discovery *d, enum discovery_wait wait, uint64_t now_ns)
{
	struct discovery_port *port = TAILQ_FIRST(&d->waiting[wait]);

	return port && port->due_ns <= now_ns ? port : NULL;
}

uint64_t discovery_links_run(struct fb_discovery *d, uint64_t now_ns)
{
	struct discovery_port *port;
	uint64_t next_ns;

	while ((port = due(d, DISCOVERY_WAIT_SILENCE, now_ns)))
		end_silence(d, port, now_ns);
	while ((port = due(d, DISCOVERY_WAIT_DOUBT, now_ns)))
		end_doubt(d, port, now_ns);
	while ((port = due(d, DISCOVERY_WAIT_EDGE, now_ns)))
		end_try(d, port, now_ns);
	/* Only now: what goes on may be a question to all edges, these among them. */
	while ((port = due(d, DISCOVERY_WAIT_PASS, now_ns))) {
		wait_for(d, port, DISCOVERY_WAIT_NOTHING, now_ns);
		pass_held(d, port, now_ns);
	}
	next_ns = send_due(d, now_ns);
	for (int wait = DISCOVERY_WAIT_EDGE; wait < DISCOVERY_WAITS_COUNT; wait++) {
		port = TAILQ_FIRST(&d->waiting[wait]);
		if (port)
			next_ns = fb_time_min(next_ns, port->due_ns);
	}
	return next_ns;
}

/* --- Ports --- */

static uint32_t lead_key(struct fb_place at)
{
	return (uint32_t)at.node << 16 | at.port;
}

/* Remember where 'port', which goes down, led. */
static void keep_lead(struct fb_discovery *d, const struct discovery_port *port)
{
	const struct topology_node *other = topology_node(d->topology, port->last.node);
	uint32_t key = lead_key(topology_place(&port->at));
	struct discovery_lead *lead = fb_table_find(d->leads, &key);

	if (lead)
		fb_table_remove(d->leads, lead);
	if (port->at.kind != FB_PORT_LINK || port->last.port == 0 || !other)
		return;
	if (fb_table_count(d->leads) == fb_table_limit(d->leads)) {
		fb_table_remove(d->leads, fb_table_oldest(d->leads));
		d->counters.leads_evicted++;
	}
	lead = fb_table_add(d->leads, &key);
	if (!lead)
		return;
	lead->last = port->last;
	lead->dpid = other->dpid;
}

/* 'port', which has come up, led to a switch that is away now. */
static bool leads_away(const struct fb_discovery *d, struct discovery_port *port)
{
	uint32_t key = lead_key(topology_place(&port->at));
	const struct discovery_lead *lead = fb_table_find(d->leads, &key);
	const struct topology_node *other =
	        lead ? topology_node(d->topology, lead->last.node) : NULL;

	if (!other || other->dpid != lead->dpid || other->owner)
		return false;
	port->last = lead->last;
	return true;
}

void discovery_links_port_up(struct fb_discovery *d, struct topology_node *node,
                             const struct fb_phy_port *desc, uint64_t now_ns)
{
	struct discovery_port *port = calloc(1, sizeof *port);

	if (!port)
		abort();
	port->at.number = desc->port_no;
	port->at.no_flood = desc->config & OFPPC_NO_FLOOD;
	port->epoch = ++d->epochs;
	memcpy(port->hw_addr, desc->hw_addr, FB_MAC_BYTES);
	if (!topology_add_port(d->topology, node, &port->at))
		abort();
	d->counters.ports_up++;
	TAILQ_INSERT_TAIL(&d->sending, port, sending);
	if (leads_away(d, port)) {
		topology_set_kind(d->topology, &port->at, FB_PORT_LINK);
		wait_for(d, port, DISCOVERY_WAIT_DOUBT, now_ns);
	} else {
		become_pending(d, port, now_ns);
	}
	send_frame(d, port, NULL, now_ns);
}

/* What is to be told of a port that went. */
struct gone {
	struct fb_place at, other; /* 'other': the end of a link that it was in */
	enum fb_port_kind kind;
};

/* Take 'port' out of all that is known. */
static struct gone take_port(struct fb_discovery *d, struct discovery_port *port, uint64_t now_ns)
{
	struct discovery_port *other =
	        (struct discovery_port *)topology_peer(d->topology, &port->at);
	struct gone gone = {.at = topology_place(&port->at), .kind = port->at.kind};

	d->counters.ports_down++;
	keep_lead(d, port);
	drop_held(d, port, NULL);
	topology_unhear(d->topology, &port->at);
	if (other) {
		gone.other = topology_place(&other->at);
		topology_unhear(d->topology, &other->at);
		wait_for(d, other, DISCOVERY_WAIT_DOUBT, now_ns);
	}
	wait_for(d, port, DISCOVERY_WAIT_NOTHING, now_ns);
	TAILQ_REMOVE(&d->sending, port, sending);
	topology_remove_port(d->topology, &port->at);
	free(port);
	return gone;
}

static void tell_gone(struct fb_discovery *d, const struct gone *gone, uint64_t now_ns)
{
	if (gone->other.port != 0)
		tell_link(d, FB_EVENT_LINK_DOWN, gone->at, gone->other, now_ns);
	if (gone->kind == FB_PORT_EDGE)
		discovery_hosts_port_down(d, gone->at, now_ns);
	if (gone->kind == FB_PORT_EDGE || gone->kind == FB_PORT_LINK)
		discovery_tell(d, FB_EVENT_PORT_DOWN, gone->at, nowhere, NULL, now_ns);
}

void discovery_links_port_down(struct fb_discovery *d, struct discovery_port *port, uint64_t now_ns)
{
	struct gone gone = take_port(d, port, now_ns);

	tell_gone(d, &gone, now_ns);
}

/* All is changed before anything is told, so that no path leads over the switch any more. */
void discovery_links_switch_down(struct fb_discovery *d, struct topology_node *node,
                                 uint64_t now_ns)
{
	uint32_t count = node->ports_count;
	struct gone *gone = calloc(count + 1, sizeof *gone);

	if (!gone)
		abort();
	/* From the last, which is cheap to take out. */
	for (uint32_t i = count; i-- > 0;)
		gone[i] = take_port(d, (struct discovery_port *)node->ports[i], now_ns);
	topology_node_down(d->topology, node);
	for (uint32_t i = 0; i < count; i++)
		tell_gone(d, &gone[i], now_ns);
	free(gone);
}
