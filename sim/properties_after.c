/* Judging a network that has converged. See properties_after.h. */
#include "sim/properties_after.h"

#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "sim/blackholes.h"
#include "sim/connections.h"
#include "sim/properties.h"
#include "sim/reach.h"

enum { TEXT_BYTES = 400, MATRIX_BYTES = 4000 };

#define MATRIX_INDENT "            "

struct properties_after {
	struct properties *properties;
	const struct scenario *scenario;
	struct network *network;
	struct blackholes *blackholes;   /* NULL: nobody wants to know */
	struct connections *connections; /* the same */
};

static uint64_t converged_at(void *ctx)
{
	const struct properties_after *after = ctx;

	return properties_converged_at(after->properties);
}

/* --- Traffic that disappears --- */

static void end_text(struct fb_text *text, uint32_t ip, uint16_t port, bool has_port)
{
	fb_text_ip(text, ip);
	if (has_port)
		fb_text_printf(text, ":%u", port);
}

static void tell_hole(void *ctx, const struct blackhole *hole)
{
	const struct properties_after *after = ctx;
	const struct scenario_host *hosts = after->scenario->hosts;
	const bool has_ports = hole->nw_proto == FB_IP_TCP || hole->nw_proto == FB_IP_UDP;
	struct trace_relation relation = trace_relation_all();
	char happened[TEXT_BYTES];
	struct fb_text text = fb_text_make(happened, sizeof happened);

	if (!properties_is_news(after->properties, NO_BLACKHOLES))
		return;
	fb_text_printf(&text, "what %s sends to %s, ", hosts[hole->from].name,
	               hosts[hole->to].name);
	if (hole->nw_proto == FB_IP_TCP)
		fb_text_puts(&text, "TCP ");
	else if (hole->nw_proto == FB_IP_UDP)
		fb_text_puts(&text, "UDP ");
	else if (hole->nw_proto == FB_IP_ICMP)
		fb_text_puts(&text, "ICMP ");
	else
		fb_text_printf(&text, "protocol %u ", hole->nw_proto);
	end_text(&text, hole->nw_src, hole->tp_src, has_ports);
	fb_text_puts(&text, " > ");
	end_text(&text, hole->nw_dst, hole->tp_dst, has_ports);
	fb_text_printf(&text, ", reaches nobody: %u frames in a row, from ", BLACKHOLES_ROW);
	fb_text_time(&text, hole->first_ns);
	fb_text_puts(&text, " to ");
	fb_text_time(&text, hole->last_ns);
	fb_text_puts(&text, " s");
	relation.ip = hole->nw_src;
	if (has_ports)
		relation.port = hole->tp_src;
	properties_tell(after->properties, NO_BLACKHOLES, happened, &relation);
}

/* --- Making and watching --- */

struct properties_after *properties_after_new(struct properties *properties,
                                              const struct scenario *scenario)
{
	struct properties_after *after = xcalloc(1, sizeof *after);
	const struct blackholes_ops ops = {
	        .converged_at = converged_at, .found = tell_hole, .ctx = after};

	after->properties = properties;
	after->scenario = scenario;
	if (properties_is_on(properties, NO_BLACKHOLES) && scenario->controller.apps_count)
		after->blackholes = blackholes_new(scenario, &ops);
	if (properties_is_on(properties, CONNECTIONS_END))
		after->connections = connections_new(scenario);
	return after;
}

void properties_after_free(struct properties_after *after)
{
	if (!after)
		return;
	blackholes_free(after->blackholes);
	connections_free(after->connections);
	free(after);
}

void properties_after_watch(struct properties_after *after, struct network *network)
{
	after->network = network;
	if (after->blackholes)
		blackholes_watch(after->blackholes, network);
}

void properties_after_sent(struct properties_after *after, uint32_t host, const struct frame *frame,
                           uint64_t now_ns)
{
	if (after->blackholes)
		blackholes_sent(after->blackholes, host, frame, now_ns);
	if (after->connections)
		connections_sent(after->connections, host, frame, now_ns);
}

void properties_after_got(struct properties_after *after, uint32_t host, uint32_t sender,
                          const struct frame *frame)
{
	if (after->blackholes)
		blackholes_got(after->blackholes, host, sender, frame);
	if (after->connections)
		connections_got(after->connections, sender, frame);
}

void properties_after_lost(struct properties_after *after, const struct frame *frame)
{
	if (after->blackholes)
		blackholes_lost(after->blackholes, frame);
	if (after->connections)
		connections_lost(after->connections, frame);
}

void properties_after_corrupted(struct properties_after *after, const struct frame *frame)
{
	properties_after_lost(after, frame);
}

void properties_after_reconnected(struct properties_after *after, uint64_t now_ns)
{
	if (after->blackholes)
		blackholes_reconnected(after->blackholes, now_ns);
}

/* --- Connections --- */

static void age_text(struct fb_text *text, uint64_t ns)
{
	fb_text_time(text, ns);
	fb_text_puts(text, " s ago");
}

static void tell_half(const struct properties_after *after, const struct connections_half *half,
                      uint64_t now_ns)
{
	const struct scenario_host *hosts = after->scenario->hosts;
	const struct host_connection *connection = &half->connection;
	struct trace_relation relation = trace_relation_all();
	char happened[TEXT_BYTES];
	struct fb_text text = fb_text_make(happened, sizeof happened);

	fb_text_printf(&text, "%s:%u has one in state %s with ", hosts[half->host].name,
	               connection->local_port, connection->state);
	if (half->peer == SCENARIO_NONE)
		fb_text_ip(&text, connection->peer_ip);
	else
		fb_text_puts(&text, hosts[half->peer].name);
	fb_text_printf(&text, ":%u, where it is %s: it began ", connection->peer_port,
	               half->peer_state);
	age_text(&text, now_ns - connection->began_ns);
	if (connection->heard_ns) {
		fb_text_puts(&text, ", and was last heard of ");
		age_text(&text, now_ns - connection->heard_ns);
	}
	if (half->reset_ns) {
		fb_text_puts(&text, "; its first RST was sent ");
		age_text(&text, now_ns - half->reset_ns);
	}
	relation.ip = connection->peer_ip;
	relation.port = connection->peer_port;
	properties_tell(after->properties, CONNECTIONS_END, happened, &relation);
}

static void judge_half(void *ctx, const struct connections_half *half)
{
	const struct properties_after *after = ctx;
	const uint64_t now_ns = network_now(after->network);
	const struct excuses_violation violation = {
	        .property = CONNECTIONS_END,
	        .now_ns = now_ns,
	        .peer_was_off = half->peer_was_off,
	        .reset_lost = half->reset_lost,
	        .cut_off = half->cut_off,
	        .unsaid = !half->reset_ns,
	        .given_up_ns = half->reset_ns              ? half->reset_ns
	                       : half->connection.heard_ns ? half->connection.heard_ns
	                                                   : half->connection.began_ns};

	if (!properties_excuse(after->properties, &violation) &&
	    properties_is_news(after->properties, CONNECTIONS_END))
		tell_half(after, half, now_ns);
}

void properties_after_judge_end(struct properties_after *after)
{
	if (after->blackholes)
		blackholes_judge_end(after->blackholes, network_now(after->network));
	if (after->connections)
		connections_each(after->connections, after->network, judge_half, after);
}

/* --- Reachability --- */

static void tell_reach(const struct properties_after *after, const struct reach *reach)
{
	struct trace_relation relation = trace_relation_all();
	uint32_t from, to;
	char happened[MATRIX_BYTES];
	struct fb_text text = fb_text_make(happened, sizeof happened);

	reach_text(reach, MATRIX_INDENT, &text);
	if (reach_first_wrong(reach, &from, &to))
		relation.ip = after->scenario->hosts[from].ip;
	properties_tell(after->properties, REACHABILITY, happened, &relation);
}

bool properties_after_judge_reach(struct properties_after *after, bool (*goes_on)(void *ctx),
                                  void *ctx)
{
	struct reach *reach;
	bool asked;

	if (!properties_is_on(after->properties, REACHABILITY))
		return false;
	reach = reach_new(after->scenario, after->network);
	reach_ask(reach, goes_on, ctx);
	if (reach_wrong(reach) && properties_is_news(after->properties, REACHABILITY))
		tell_reach(after, reach);
	asked = reach_asked(reach) > 0;
	reach_free(reach);
	return asked;
}
