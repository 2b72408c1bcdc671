/* Flow entries: two by session, one for each direction.
 *
 *     client -> backend   in_port, addresses, ports; sets dl_dst to the backend
 *     backend -> client   in_port and dl_src of the backend, addresses, ports reversed;
 *                         sets dl_src to the MAC that the client addressed, dl_dst to the client
 *
 * nw_tos and the VLAN priority are wildcarded: programs change them in mid-session. With
 * entries=exact all twelve fields are as the last frame of that direction had them, and a frame
 * that differs comes to the controller, which installs again.
 *
 * Every entry has an idle timeout and SEND_FLOW_REM. Its cookie is, from the top: 8 bits 0xfb, 8
 * bits for the place of the instance in its chain, 32 bits for the run of the controller, 16 bits
 * for the generation: each time that a session is installed has its own, so that a late
 * flow-removed of an earlier entry is known by it. */
#include "controller/apps/balancer_flows.h"

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_send.h"

#define COOKIE_TAG       UINT64_C(0xfb)
#define INSTALL_AGAIN_NS FB_NS_PER_S

static uint64_t cookie_of(const struct balancer *b, uint16_t generation)
{
	return COOKIE_TAG << 56 | (uint64_t)(fb_app_index(b->app) & 0xff) << 48 |
	       (uint64_t)fb_app_run_id(b->app) << 16 | generation;
}

/* The bits of a cookie that say which balancer made it. */
static bool is_ours(const struct balancer *b, uint64_t cookie)
{
	return cookie >> 48 == cookie_of(b, 0) >> 48;
}

/* A match of all TCP. */
static void match_tcp(struct fb_match *match)
{
	fb_match_any(match);
	match->wildcards &= ~(uint32_t)(OFPFW_DL_TYPE | OFPFW_NW_PROTO);
	match->dl_type = FB_ETH_IPV4;
	match->nw_proto = FB_IP_TCP;
}

static void match_direction(struct fb_match *match, const struct balancer_config *config,
                            const struct balancer_session *session,
                            enum balancer_direction direction)
{
	const struct balancer_key key = balancer_sessions_key_of(session);
	const struct balancer_seen *seen = &session->seen[direction];
	bool back = direction == BALANCER_TO_CLIENT;

	*match = (struct fb_match){
	        .in_port = back ? session->backend_port : session->client_port,
	        .dl_vlan = seen->dl_vlan,
	        .dl_type = FB_ETH_IPV4,
	        .nw_proto = FB_IP_TCP,
	        .nw_src = back ? key.server_ip : key.client_ip,
	        .nw_dst = back ? key.client_ip : key.server_ip,
	        .tp_src = back ? key.server_tp : key.client_tp,
	        .tp_dst = back ? key.client_tp : key.server_tp,
	};
	memcpy(match->dl_src, back ? session->backend_mac : session->client_mac, FB_MAC_BYTES);
	if (config->entries == BALANCER_ENTRIES_EXACT) {
		memcpy(match->dl_dst, seen->dl_dst, FB_MAC_BYTES);
		match->dl_vlan_pcp = seen->vlan_pcp;
		match->nw_tos = seen->nw_tos;
		return;
	}
	match->wildcards = OFPFW_DL_DST | OFPFW_DL_VLAN_PCP | OFPFW_NW_TOS;
	if (!back) {
		match->wildcards |= OFPFW_DL_SRC;
		memset(match->dl_src, 0, FB_MAC_BYTES);
	}
}

static void install_direction(const struct balancer_call *call, struct balancer_session *session,
                              enum balancer_direction direction)
{
	const struct balancer_config *config = &call->b->config;
	bool back = direction == BALANCER_TO_CLIENT;
	struct balancer_rewrite rewrite = {
	        .dl_src = back ? session->addressed_mac : NULL,
	        .dl_dst = back ? session->client_mac : session->backend_mac,
	        .port = back ? session->client_port : session->backend_port,
	};
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

	match_direction(&fm.match, config, session, direction);
	balancer_send_put_actions(&actions, &rewrite, fm.match.in_port);
	fm.actions = (struct fb_view){.data = actions.data, .len = actions.len};
	fb_send_flow_mod(call->b->app, call->s->sw, call->cause, &fm);
	session->entries |= (uint8_t)(1 << direction);
	call->b->counters.entries_installed++;
}

void balancer_flows_install(const struct balancer_call *call, struct balancer_session *session)
{
	session->generation = ++call->s->sessions.generation;
	session->was_installed = true;
	session->installed_ns = call->now_ns;
	install_direction(call, session, BALANCER_TO_BACKEND);
	install_direction(call, session, BALANCER_TO_CLIENT);
	if (session->state == BALANCER_UNSURE) {
		balancer_queue_remove(&call->s->sessions.queues[BALANCER_UNSURE], session);
		session->state = BALANCER_LIVE;
		balancer_queue_push(&call->s->sessions.queues[BALANCER_LIVE], session,
		                    call->now_ns);
	}
}

bool balancer_flows_may_install(const struct balancer_call *call,
                                const struct balancer_session *session)
{
	if (call->b->config.mode != BALANCER_MODE_FLOWS || session->closed ||
	    !(session->answered || session->entries))
		return false;
	return !session->was_installed || call->now_ns - session->installed_ns >= INSTALL_AGAIN_NS;
}

static void delete_all(const struct balancer_call *call, const struct fb_match *match,
                       uint16_t out_port)
{
	struct fb_flow_mod fm = {
	        .match = *match,
	        .cookie = cookie_of(call->b, 0),
	        .command = OFPFC_DELETE,
	        .buffer_id = OFP_NO_BUFFER,
	        .out_port = out_port,
	};

	fb_send_flow_mod(call->b->app, call->s->sw, call->cause, &fm);
	call->b->counters.entries_deleted++;
}

/* Three flow-mods, however many sessions there are: what goes to 'ip' by 'port', what does so where
 * it came from the same port, and what comes from 'ip' by 'port'. Entries of another owner of the
 * address behind the same port go with them; the next packets of its sessions come to the
 * controller and bring them back. */
void balancer_flows_forget(const struct balancer_call *call, uint32_t ip, uint16_t port)
{
	const struct balancer_sessions *sessions = &call->s->sessions;
	struct fb_match match;

	if (sessions->queues[BALANCER_LIVE].count + sessions->queues[BALANCER_UNSURE].count == 0)
		return;
	match_tcp(&match);
	match.nw_dst = ip;
	match.wildcards &= ~(uint32_t)OFPFW_NW_DST_MASK;
	delete_all(call, &match, port);
	match.in_port = port;
	match.wildcards &= ~(uint32_t)OFPFW_IN_PORT;
	delete_all(call, &match, OFPP_IN_PORT);
	match_tcp(&match);
	match.nw_src = ip;
	match.in_port = port;
	match.wildcards &= ~(uint32_t)(OFPFW_NW_SRC_MASK | OFPFW_IN_PORT);
	delete_all(call, &match, OFPP_NONE);
}

struct balancer_session *balancer_flows_session(const struct balancer_call *call,
                                                const struct fb_match *match, uint64_t cookie,
                                                enum balancer_direction *direction, bool *ours)
{
	const struct balancer_key key = {
	        .client_ip = match->nw_src,
	        .server_ip = match->nw_dst,
	        .client_tp = match->tp_src,
	        .server_tp = match->tp_dst,
	        .vlan = match->dl_vlan == 0 ? OFP_VLAN_NONE : match->dl_vlan,
	};
	struct balancer_session *session;

	*ours = is_ours(call->b, cookie);
	if (!*ours)
		return NULL;
	session = balancer_sessions_find(&call->s->sessions, &key, direction);
	return session && cookie == cookie_of(call->b, session->generation) ? session : NULL;
}
