/* Flow entries: on every switch on the way one for each direction.
 *
 *     client -> backend   in_port, addresses, ports; the first sets dl_dst to the backend
 *     backend -> client   in_port, addresses, ports reversed; the first matches dl_src of the
 *                         backend too, and sets dl_src to the MAC that the client addressed and
 *                         dl_dst to the client's
 *
 * The first is on the switch where the end is that sends; it alone rewrites. Those further on know
 * the session by addresses and ports, which no other session has.
 *
 * nw_tos and the VLAN priority are wildcarded: programs change them in mid-session. With
 * entries=exact all twelve fields are as the last frame of that direction had them, further on as
 * they are after rewriting; a frame that differs comes to the controller, which installs again. So
 * there may be several of a session at one spot, and they are deleted together.
 *
 * Every entry has an idle timeout and SEND_FLOW_REM. Its cookie is, from the top: 8 bits 0xfb, 8
 * bits for the place of the instance in its chain, 32 bits for the run of the controller, 16 bits
 * for the generation: each time that a session is installed has its own, so that a late
 * flow-removed of an earlier entry is known by it. */
#include "controller/apps/balancer_flows.h"

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_send.h"

#define COOKIE_TAG UINT64_C(0xfb)

static uint64_t cookie_of(const struct balancer *b, uint16_t generation)
{
	return COOKIE_TAG << 56 | (uint64_t)(fb_app_index(b->app) & 0xff) << 48 |
	       (uint64_t)fb_app_run_id(b->app) << 16 | generation;
}

struct balancer_cookie balancer_flows_cookie(const struct balancer *b, uint64_t cookie)
{
	return (struct balancer_cookie){
	        .ours = cookie >> 48 == cookie_of(b, 0) >> 48,
	        .current = cookie >> 16 == cookie_of(b, 0) >> 16,
	        .generation = (uint16_t)cookie,
	};
}

void balancer_flows_match(const struct balancer_session *session, const struct balancer_spot *spot,
                          struct fb_match *match)
{
	const struct balancer_key key = balancer_sessions_key_of(session);
	const struct balancer_seen *seen = &session->seen[spot->direction];
	bool back = spot->direction == BALANCER_TO_CLIENT;

	*match = (struct fb_match){
	        .in_port = spot->hop.in_port,
	        .dl_vlan = seen->dl_vlan,
	        .dl_type = FB_ETH_IPV4,
	        .nw_proto = (uint8_t)key.proto,
	        .nw_src = back ? key.server_ip : key.client_ip,
	        .nw_dst = back ? key.client_ip : key.server_ip,
	        .tp_src = back ? key.server_tp : key.client_tp,
	        .tp_dst = back ? key.client_tp : key.server_tp,
	};
	match->wildcards = OFPFW_DL_SRC | OFPFW_DL_DST | OFPFW_DL_VLAN_PCP | OFPFW_NW_TOS;
	if (back && spot->is_first) {
		memcpy(match->dl_src, session->backend_mac, FB_MAC_BYTES);
		match->wildcards &= ~(uint32_t)OFPFW_DL_SRC;
	}
}

/* Make 'match' that of the last frame of its direction alone, as it is at 'spot'. */
static void make_exact(const struct balancer_session *session, const struct balancer_spot *spot,
                       struct fb_match *match)
{
	const struct balancer_seen *seen = &session->seen[spot->direction];
	bool back = spot->direction == BALANCER_TO_CLIENT;
	const uint8_t *sender = back ? session->backend_mac : session->client_mac;
	const uint8_t *receiver = back ? session->client_mac : session->backend_mac;

	match->wildcards = 0;
	match->dl_vlan_pcp = seen->vlan_pcp;
	match->nw_tos = seen->nw_tos;
	memcpy(match->dl_src, back && !spot->is_first ? session->addressed_mac : sender,
	       FB_MAC_BYTES);
	memcpy(match->dl_dst, spot->is_first ? seen->dl_dst : receiver, FB_MAC_BYTES);
}

void balancer_flows_order(const struct balancer_call *call, struct fb_switch *sw, uint16_t node,
                          enum balancer_order next)
{
	uint8_t *last = &call->b->order[node];

	if (*last != BALANCER_ORDER_ANY && *last != next)
		fb_send_barrier(call->b->app, sw, call->cause);
	*last = next;
}

void balancer_flows_install(const struct balancer_call *call, struct balancer_session *session,
                            const struct balancer_spot *spot)
{
	const struct balancer_config *config = &call->b->config;
	struct fb_switch *sw = fb_discovery_switch(call->b->discovery, spot->hop.node);
	bool back = spot->direction == BALANCER_TO_CLIENT;
	uint8_t bytes[BALANCER_ACTIONS_BYTES];
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);
	struct fb_flow_mod fm = {
	        .cookie = cookie_of(call->b, session->generation),
	        .command = OFPFC_ADD,
	        .idle_timeout = config->idle_timeout_s,
	        .priority = config->priority,
	        .buffer_id = OFP_NO_BUFFER,
	        .out_port = OFPP_NONE,
	        .flags = OFPFF_SEND_FLOW_REM,
	};

	if (!sw)
		return;
	balancer_flows_match(session, spot, &fm.match);
	if (config->entries == BALANCER_ENTRIES_EXACT)
		make_exact(session, spot, &fm.match);
	if (spot->is_first)
		balancer_send_put_actions(&actions, back ? session->addressed_mac : NULL,
		                          back ? session->client_mac : session->backend_mac,
		                          spot->hop.out_port, spot->hop.in_port);
	else
		balancer_send_put_actions(&actions, NULL, NULL, spot->hop.out_port,
		                          spot->hop.in_port);
	fm.actions = (struct fb_view){.data = actions.data, .len = actions.len};
	balancer_flows_order(call, sw, spot->hop.node, BALANCER_ORDER_ADD);
	fb_send_flow_mod(call->b->app, sw, call->cause, &fm);
	call->b->counters.entries_installed++;
}

static void send_delete(const struct balancer_call *call, uint16_t node, struct fb_flow_mod *fm)
{
	struct fb_switch *sw = fb_discovery_switch(call->b->discovery, node);

	if (!sw)
		return;
	fm->cookie = cookie_of(call->b, 0);
	fm->buffer_id = OFP_NO_BUFFER;
	balancer_flows_order(call, sw, node, BALANCER_ORDER_DELETE);
	fb_send_flow_mod(call->b->app, sw, call->cause, fm);
	call->b->counters.entries_deleted++;
}

void balancer_flows_delete(const struct balancer_call *call, uint16_t node,
                           const struct fb_match *match)
{
	const bool exact = call->b->config.entries == BALANCER_ENTRIES_EXACT;
	struct fb_flow_mod fm = {
	        .match = *match,
	        .command = exact ? OFPFC_DELETE : OFPFC_DELETE_STRICT,
	        .priority = call->b->config.priority,
	        .out_port = OFPP_NONE,
	};

	send_delete(call, node, &fm);
}

void balancer_flows_delete_all(const struct balancer_call *call, uint16_t node,
                               const struct balancer_session *session,
                               enum balancer_direction direction)
{
	const struct balancer_spot spot = {.direction = direction};
	struct fb_flow_mod fm = {.command = OFPFC_DELETE, .out_port = OFPP_NONE};

	balancer_flows_match(session, &spot, &fm.match);
	fm.match.wildcards |= OFPFW_IN_PORT;
	send_delete(call, node, &fm);
}

/* Two flow-mods, however many sessions there are. Only what the balancer might have installed: others
 * have entries of their own, for other protocols. Those that take from the port are left to the sweep
 * that follows: nothing comes by them. */
void balancer_flows_forget_port(const struct balancer_call *call, struct fb_place at)
{
	static const uint8_t protocols[] = {FB_IP_TCP, FB_IP_UDP};

	for (size_t i = 0; i < sizeof protocols; i++) {
		struct fb_flow_mod fm = {.command = OFPFC_DELETE, .out_port = at.port};

		fb_match_any(&fm.match);
		fm.match.wildcards &= ~(uint32_t)(OFPFW_DL_TYPE | OFPFW_NW_PROTO);
		fm.match.dl_type = FB_ETH_IPV4;
		fm.match.nw_proto = protocols[i];
		send_delete(call, at.node, &fm);
	}
}

struct balancer_session *balancer_flows_session(const struct balancer_call *call,
                                                const struct fb_match *match, uint64_t cookie,
                                                enum balancer_direction *direction, bool *ours)
{
	const struct balancer_cookie said = balancer_flows_cookie(call->b, cookie);
	const struct balancer_key key = {
	        .client_ip = match->nw_src,
	        .server_ip = match->nw_dst,
	        .client_tp = match->tp_src,
	        .server_tp = match->tp_dst,
	        .vlan = match->dl_vlan == 0 ? OFP_VLAN_NONE : match->dl_vlan,
	        .proto = match->nw_proto,
	};
	struct balancer_session *session;

	*ours = said.ours;
	if (!said.current)
		return NULL;
	session = balancer_sessions_find(&call->b->sessions, &key, direction);
	return session && said.generation == session->generation ? session : NULL;
}
