/* Sessions rebuilt from the entries that switches have, after the controller was restarted or lost
 * its connection to a switch.
 *
 * Entries outlive both, and what they do must go on: another backend than theirs would break every
 * connection. So each switch that joins is asked for all its entries before anything else. Those of
 * this balancer, of whatever run, are known by their cookies.
 *
 * What they tell. The first entry of each direction of a session rewrites, and says where the end is
 * that sends there; those further on only output and tell nothing that is needed.
 *
 *     client -> backend   client_at: switch and in_port; the backend's MAC: what it sets as dl_dst
 *     backend -> client   backend_at: switch and in_port; the backend's MAC: dl_src; the MAC that
 *                         the client addressed: what it sets as dl_src; the client's: as dl_dst
 *
 * They may be on different switches and come in any order; until both were told they are a half.
 * Both make a session, and its ends owners of their addresses as far as that goes (they are probed,
 * and no new connection goes there before they were heard: balancer_owners_recall()). A half that
 * stays one has no entry for its other direction, so that the next segment of that comes to the
 * controller, which finds the half by it (balancer_recovery.c). Of entries that contradict each
 * other, those of a connection that used the same ports before, the younger count.
 *
 * Mending. A session that was rebuilt is in doubt (BALANCER_UNSURE): its entries have another run's
 * cookie, and those in between, on other switches, were not looked at. As soon as the way between its
 * ends is known its entries are installed again, a few sessions at a time. The same happens to a
 * session that was known all the time and whose entries are not among those that its switch tells,
 * because it was restarted; those that are told are out of doubt. What cannot be mended in time is
 * left to balancer_tcp_rearm(), or comes back with its next packet.
 *
 * Another controller may have had the switch for a while. Where its entries name another backend than
 * a session that is known here, and are younger than what is known, they count: they are what the
 * switch does, and what the ends have seen.
 *
 * Entries that take from, or lead to, a port that is down or missing are deleted at once; no others.
 *
 * Limits: halves and mends (as many as sessions), switches that tell (as many as there are), and the
 * time in which they must say something more (recall_timeout). */
#include "controller/apps/balancer_recall.h"

#include <flowbed/action.h>

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_flows.h"
#include "controller/apps/balancer_tcp.h"

#define MEND_PAUSE_NS (10 * FB_NS_PER_MS)
#define MEND_LATER_NS (50 * FB_NS_PER_MS) /* where none of them can be yet */
#define MEND_FOR_NS   (30 * FB_NS_PER_S)  /* then they are given up */

enum {
	RUN_MENDS_MAX = 64,
	BOTH = 1 << BALANCER_TO_BACKEND | 1 << BALANCER_TO_CLIENT,
};

/* An entry of this run that is there. */
struct told {
	struct balancer_key sorted; /* of its session */
	uint8_t directions;         /* 1 << balancer_direction */
};

/* A switch that was asked for its entries. */
struct teller {
	uint32_t node;
	uint32_t xid; /* of the question */
	struct balancer_link link;
	struct fb_table *told; /* struct told; NULL: nothing yet */
};

/* A session whose entries are to be installed again. */
struct mend {
	struct balancer_key sorted;
	uint64_t until_ns; /* it is given up then */
};

/* What an entry does. */
struct entry {
	enum balancer_direction direction;
	struct balancer_key key;
	uint16_t out_port;
	bool sets_src, sets_dst;
	uint8_t dl_src[FB_MAC_BYTES], dl_dst[FB_MAC_BYTES]; /* that it sets */
};

bool balancer_recall_init(struct balancer_recall *recall, const struct balancer *b, uint32_t seed)
{
	recall->seed = seed;
	recall->mend_ns = FB_NEVER;
	recall->tellers = fb_table_new(sizeof(uint32_t), sizeof(struct teller), FB_NODES_MAX);
	recall->halves = fb_table_new(sizeof(struct balancer_key), sizeof(struct balancer_half),
	                              b->config.sessions_max);
	recall->mends = fb_table_new(sizeof(struct balancer_key), sizeof(struct mend),
	                             b->config.sessions_max);
	if (!recall->tellers || !recall->halves || !recall->mends)
		return false;
	fb_table_seed(recall->halves, seed);
	fb_table_seed(recall->mends, seed);
	balancer_queue_init(&recall->silent, recall->tellers, offsetof(struct teller, link),
	                    b->config.recall_timeout_ns);
	balancer_queue_init(&recall->halves_due, recall->halves,
	                    offsetof(struct balancer_half, link),
	                    b->config.idle_timeout_s * FB_NS_PER_S + b->config.grace_ns);
	return true;
}

void balancer_recall_free(struct balancer_recall *recall)
{
	struct teller *teller = recall->tellers ? fb_table_oldest(recall->tellers) : NULL;

	for (; teller; teller = fb_table_newer(recall->tellers, teller))
		fb_table_free(teller->told);
	fb_table_free(recall->tellers);
	fb_table_free(recall->halves);
	fb_table_free(recall->mends);
}

bool balancer_recall_asks(const struct balancer_recall *recall, uint16_t node)
{
	const uint32_t key = node;

	return fb_table_find(recall->tellers, &key) != NULL;
}

bool balancer_recall_is_on(const struct balancer_recall *recall)
{
	return fb_table_count(recall->tellers) > 0;
}

/* --- Mending --- */

static void add_mend(const struct balancer_call *call, const struct balancer_session *session)
{
	struct balancer_recall *recall = &call->b->recall;
	struct mend *mend = fb_table_find(recall->mends, &session->sorted);

	if (!mend)
		mend = fb_table_add(recall->mends, &session->sorted);
	if (!mend)
		return;
	mend->until_ns = call->now_ns + MEND_FOR_NS;
	recall->mend_ns = fb_time_min(recall->mend_ns, call->now_ns);
}

static bool is_known(const struct balancer_call *call, struct fb_place at)
{
	return fb_discovery_port(call->b->discovery, at) == FB_PORT_EDGE;
}

/* Its entries may be gone, or another run's. */
static bool needs_mend(const struct balancer_session *session)
{
	return session->answered && !session->closed &&
	       (session->state == BALANCER_UNSURE || !session->was_installed);
}

/* False: not yet. */
static bool do_mend(const struct balancer_call *call, const struct mend *mend)
{
	struct balancer_session *session = fb_table_find(call->b->sessions.table, &mend->sorted);

	if (!session || !needs_mend(session))
		return true;
	if (!balancer_tcp_backend_lives(call, session) ||
	    !balancer_tcp_client_lives(call, session) || !is_known(call, session->client_at) ||
	    !is_known(call, session->backend_at) || session->install != FB_TABLE_NONE)
		return !needs_mend(session);
	/* Where the way is another one by now, this moves it. */
	balancer_paths_renew(call, session, session->client_at, session->backend_at);
	if (needs_mend(session))
		balancer_paths_install(call, session, NULL, NULL);
	if (needs_mend(session))
		return false;
	call->b->counters.mended++;
	return true;
}

static void run_mends(const struct balancer_call *call)
{
	struct balancer_recall *recall = &call->b->recall;
	uint32_t count = fb_table_count(recall->mends), done = 0;

	if (count > RUN_MENDS_MAX)
		count = RUN_MENDS_MAX;
	for (uint32_t i = 0; i < count; i++) {
		struct mend *mend = fb_table_oldest(recall->mends);

		if (mend->until_ns > call->now_ns && !do_mend(call, mend)) {
			fb_table_touch(recall->mends, mend);
			continue;
		}
		fb_table_remove(recall->mends, mend);
		done++;
	}
	recall->mend_ns = FB_NEVER;
	if (fb_table_count(recall->mends) > 0)
		recall->mend_ns = call->now_ns + (done > 0 ? MEND_PAUSE_NS : MEND_LATER_NS);
}

/* --- Rebuilding --- */

static void forget_half(struct balancer_recall *recall, struct balancer_half *half)
{
	balancer_queue_remove(&recall->halves_due, half);
	fb_table_remove(recall->halves, half);
}

void balancer_recall_forget(struct balancer_recall *recall, struct balancer_half *half)
{
	forget_half(recall, half);
}

static struct balancer_key turned(const struct balancer_key *key)
{
	return (struct balancer_key){
	        .client_ip = key->server_ip,
	        .server_ip = key->client_ip,
	        .client_tp = key->server_tp,
	        .server_tp = key->client_tp,
	        .vlan = key->vlan,
	        .proto = key->proto,
	};
}

struct balancer_half *balancer_recall_find(const struct balancer_recall *recall,
                                           const struct balancer_key *key,
                                           enum balancer_direction *direction)
{
	const struct balancer_key other = turned(key);
	struct balancer_half *half;

	if (fb_table_count(recall->halves) == 0)
		return NULL;
	half = fb_table_find(recall->halves, key);
	*direction = half ? BALANCER_TO_BACKEND : BALANCER_TO_CLIENT;
	return half ? half : fb_table_find(recall->halves, &other);
}

/* Both ends are told: make the session. On one switch its entries are known; what is in between on
 * the way over several is not, and so they count as none until they are mended. */
static void rebuild(const struct balancer_call *call, const struct balancer_half *half)
{
	struct balancer_sessions *sessions = &call->b->sessions;
	struct balancer_session *session = balancer_sessions_add(call, &half->key);

	if (!session) {
		call->b->counters.recalled_full++;
		return;
	}
	memcpy(session->client_mac, half->client_mac, FB_MAC_BYTES);
	memcpy(session->addressed_mac, half->addressed_mac, FB_MAC_BYTES);
	memcpy(session->seen, half->seen, sizeof session->seen);
	session->client_at = half->client_at;
	session->generation = half->generation;
	session->answered = true;
	balancer_queue_remove(&sessions->queues[session->state], session);
	session->state = BALANCER_UNSURE;
	balancer_queue_push(&sessions->queues[session->state], session, call->now_ns);
	balancer_sessions_set_backend(call, session, half->backend_mac, half->backend_at);
	session->rebuilt = true;
	if (half->client_at.port != 0 && half->backend_at.port != 0 &&
	    half->client_at.node == half->backend_at.node)
		session->entries = half->live;
	call->b->counters.recalled++;
	add_mend(call, session);
}

static struct balancer_half *half_of(const struct balancer_call *call, const struct entry *entry)
{
	struct balancer_recall *recall = &call->b->recall;
	struct balancer_half *half = fb_table_find(recall->halves, &entry->key);

	if (half) {
		balancer_queue_remove(&recall->halves_due, half);
	} else {
		half = fb_table_add(recall->halves, &entry->key);
		if (!half) {
			call->b->counters.recalled_full++;
			return NULL;
		}
	}
	balancer_queue_push(&recall->halves_due, half, call->now_ns);
	return half;
}

/* Forget all that 'half' says but its key. */
static void clear_half(struct balancer_half *half)
{
	*half = (struct balancer_half){.key = half->key, .link = half->link};
}

static void learn_entry(const struct balancer_call *call, struct balancer_half *half,
                        const struct fb_flow_stats *flow, const struct entry *entry, bool is_live)
{
	const struct balancer_cookie cookie = balancer_flows_cookie(call->b, flow->cookie);
	const struct fb_match *match = &flow->match;
	struct balancer_seen *seen = &half->seen[entry->direction];
	const bool back = entry->direction == BALANCER_TO_CLIENT;
	struct fb_place at = {.node = call->node, .port = match->in_port};

	if (fb_discovery_port(call->b->discovery, at) == FB_PORT_DOWN)
		at = (struct fb_place){0};
	*seen = (struct balancer_seen){.dl_vlan = match->dl_vlan};
	if (!(match->wildcards & OFPFW_DL_VLAN_PCP))
		seen->vlan_pcp = match->dl_vlan_pcp;
	if (!(match->wildcards & OFPFW_NW_TOS))
		seen->nw_tos = match->nw_tos;
	if (!(match->wildcards & OFPFW_DL_DST))
		memcpy(seen->dl_dst, match->dl_dst, FB_MAC_BYTES);
	if (back) {
		memcpy(half->backend_mac, match->dl_src, FB_MAC_BYTES);
		memcpy(half->addressed_mac, entry->dl_src, FB_MAC_BYTES);
		memcpy(half->client_mac, entry->dl_dst, FB_MAC_BYTES);
		half->backend_at = at;
	} else {
		memcpy(half->backend_mac, entry->dl_dst, FB_MAC_BYTES);
		half->client_at = at;
	}
	half->generation = cookie.current ? cookie.generation : 0;
	half->told |= (uint8_t)(1 << entry->direction);
	if (is_live)
		half->live |= (uint8_t)(1 << entry->direction);
}

/* A client that addressed another MAC than that of its backend did so because others own the
 * address, too. */
static void learn_owners(const struct balancer_call *call, const struct balancer_half *half)
{
	const bool is_shared = !fb_mac_equal(half->addressed_mac, half->backend_mac);
	const struct balancer_key *key = &half->key;

	if (half->backend_at.port != 0)
		balancer_owners_recall(call, key->server_ip, key->vlan, half->backend_mac,
		                       half->backend_at, true, is_shared);
	if (half->client_at.port != 0 && half->told == BOTH)
		balancer_owners_recall(call, key->client_ip, key->vlan, half->client_mac,
		                       half->client_at, false, false);
}

static uint64_t made_ns_of(const struct balancer_call *call, const struct fb_flow_stats *flow)
{
	const uint64_t age_ns = flow->duration_sec * FB_NS_PER_S + flow->duration_nsec;

	return age_ns < call->now_ns ? call->now_ns - age_ns : 0;
}

/* 'flow' is the first entry of a direction of a session that is not known. */
static void tell_half(const struct balancer_call *call, const struct fb_flow_stats *flow,
                      const struct entry *entry, bool is_live)
{
	const uint64_t made_ns = made_ns_of(call, flow);
	const uint8_t *backend_mac =
	        entry->direction == BALANCER_TO_CLIENT ? flow->match.dl_src : entry->dl_dst;
	struct balancer_half *half = half_of(call, entry);

	if (!half)
		return;
	if (half->told && !fb_mac_equal(half->backend_mac, backend_mac)) {
		if (made_ns <= half->made_ns)
			return;
		clear_half(half);
	}
	if (made_ns > half->made_ns)
		half->made_ns = made_ns;
	learn_entry(call, half, flow, entry, is_live);
	learn_owners(call, half);
	if (half->told != BOTH)
		return;
	rebuild(call, half);
	forget_half(&call->b->recall, half);
}

/* --- What a switch tells --- */

/* The match and the actions of an entry of a session. False: 'flow' is none. */
static bool read_entry(const struct fb_flow_stats *flow, struct entry *entry)
{
	const uint32_t needed = OFPFW_IN_PORT | OFPFW_DL_VLAN | OFPFW_DL_TYPE | OFPFW_NW_PROTO |
	                        OFPFW_TP_SRC | OFPFW_TP_DST | OFPFW_NW_SRC_MASK | OFPFW_NW_DST_MASK;
	const struct fb_match *match = &flow->match;
	struct fb_action action;
	size_t offset = 0;

	*entry = (struct entry){.out_port = OFPP_NONE};
	if ((match->wildcards & needed) || match->dl_type != FB_ETH_IPV4)
		return false;
	while (fb_action_next(flow->actions.data, flow->actions.len, &offset, &action)) {
		if (action.type == OFPAT_SET_DL_SRC) {
			entry->sets_src = true;
			memcpy(entry->dl_src, action.dl_addr, FB_MAC_BYTES);
		} else if (action.type == OFPAT_SET_DL_DST) {
			entry->sets_dst = true;
			memcpy(entry->dl_dst, action.dl_addr, FB_MAC_BYTES);
		} else if (action.type == OFPAT_OUTPUT) {
			entry->out_port = action.output.port;
		}
	}
	entry->direction = entry->sets_src ? BALANCER_TO_CLIENT : BALANCER_TO_BACKEND;
	entry->key = (struct balancer_key){
	        .client_ip = match->nw_src,
	        .server_ip = match->nw_dst,
	        .client_tp = match->tp_src,
	        .server_tp = match->tp_dst,
	        .vlan = match->dl_vlan == 0 ? OFP_VLAN_NONE : match->dl_vlan,
	        .proto = match->nw_proto,
	};
	if (entry->direction == BALANCER_TO_CLIENT)
		entry->key = turned(&entry->key);
	return true;
}

/* True for the first entry of a direction, which rewrites. */
static bool is_first(const struct fb_flow_stats *flow, const struct entry *entry)
{
	if (!entry->sets_dst || fb_mac_is_multicast(entry->dl_dst))
		return false;
	return !entry->sets_src || !(flow->match.wildcards & OFPFW_DL_SRC);
}

static bool is_usable(const struct balancer_call *call, uint16_t port_no)
{
	const struct fb_phy_port *port = fb_switch_port(call->sw, port_no);

	return port && !(port->state & OFPPS_LINK_DOWN) && !(port->config & OFPPC_PORT_DOWN);
}

/* By its own priority, which another run may have been told to use. */
static void delete_entry(const struct balancer_call *call, const struct fb_flow_stats *flow)
{
	const struct fb_flow_mod fm = {
	        .match = flow->match,
	        .cookie = flow->cookie,
	        .command = OFPFC_DELETE_STRICT,
	        .priority = flow->priority,
	        .buffer_id = OFP_NO_BUFFER,
	        .out_port = OFPP_NONE,
	};

	balancer_flows_order(call, call->sw, call->node, BALANCER_ORDER_DELETE);
	fb_send_flow_mod(call->b->app, call->sw, NULL, &fm);
	call->b->counters.entries_deleted++;
}

/* An entry of a session that was known all the time. */
static void note_told(const struct balancer_call *call, struct teller *teller,
                      const struct balancer_session *session, enum balancer_direction direction)
{
	struct told *told;

	if (!teller->told) {
		teller->told = fb_table_new(sizeof(struct balancer_key), sizeof(struct told),
		                            call->b->config.sessions_max);
		if (!teller->told)
			return;
		fb_table_seed(teller->told, call->b->recall.seed);
	}
	told = fb_table_find(teller->told, &session->sorted);
	if (!told)
		told = fb_table_add(teller->told, &session->sorted);
	if (!told)
		return;
	told->directions |= (uint8_t)(1 << direction);
}

/* The entry, the first of its direction, is another controller's, who had the switch meanwhile: it
 * names another backend than 'session', and is younger than what made that one its backend. */
static bool is_overruled(const struct balancer_call *call, const struct balancer_session *session,
                         const struct fb_flow_stats *flow, const struct entry *entry)
{
	const uint8_t *backend_mac =
	        entry->direction == BALANCER_TO_CLIENT ? flow->match.dl_src : entry->dl_dst;
	const uint32_t ours_ms =
	        session->was_installed ? session->installed_ms : session->syn_ms;

	if (balancer_flows_cookie(call->b, flow->cookie).current ||
	    fb_mac_equal(session->backend_mac, backend_mac))
		return false;
	return (int32_t)(balancer_ms(made_ns_of(call, flow)) - ours_ms) > 0;
}

static void hear_entry(const struct balancer_call *call, struct teller *teller,
                       const struct fb_flow_stats *flow)
{
	struct balancer_session *session;
	enum balancer_direction direction;
	struct entry entry;
	bool is_live, ours;

	if (!balancer_flows_cookie(call->b, flow->cookie).ours || !read_entry(flow, &entry))
		return;
	is_live = is_usable(call, flow->match.in_port) &&
	          (entry.out_port == OFPP_IN_PORT || is_usable(call, entry.out_port));
	if (!is_live)
		delete_entry(call, flow);
	session = balancer_flows_session(call, &flow->match, flow->cookie, &direction, &ours);
	if (session && is_live && teller)
		note_told(call, teller, session, direction);
	if (session || !is_first(flow, &entry))
		return;
	session = balancer_sessions_find(&call->b->sessions, &entry.key, &direction);
	if (session && !is_overruled(call, session, flow, &entry))
		return;
	if (session) {
		balancer_sessions_remove(call, session);
		call->b->counters.overruled++;
	}
	tell_half(call, flow, &entry, is_live);
}

/* --- Who tells --- */

static struct teller *teller_of(const struct balancer_call *call)
{
	uint32_t node = call->node;

	return fb_table_find(call->b->recall.tellers, &node);
}

/* Nothing more is expected of 'teller'. The last one lets go on what waits. */
static void end_telling(const struct balancer_call *call, struct teller *teller)
{
	struct balancer_recall *recall = &call->b->recall;

	fb_table_free(teller->told);
	balancer_queue_remove(&recall->silent, teller);
	fb_table_remove(recall->tellers, teller);
	if (!balancer_recall_is_on(recall))
		balancer_recovery_recalled(call);
}

/* 'session' was in doubt because of a switch, which told its entries, all of them. Another switch on
 * its way may be in doubt, too. */
static bool is_beyond_doubt(const struct balancer_call *call, const struct teller *teller,
                            const struct balancer_session *session)
{
	const struct balancer_recall *recall = &call->b->recall;
	const struct teller *other = fb_table_oldest(recall->tellers);

	for (; other; other = fb_table_newer(recall->tellers, other)) {
		if (other != teller &&
		    balancer_sessions_is_on(call->b, session, (uint16_t)other->node))
			return false;
	}
	return true;
}

/* The switch has told all: of the sessions that are in doubt because of it those are as they were
 * whose entries are there. */
static void judge(const struct balancer_call *call, const struct teller *teller)
{
	struct balancer_sessions *sessions = &call->b->sessions;
	struct balancer_session *session =
	        balancer_queue_oldest(&sessions->queues[BALANCER_UNSURE]);
	struct balancer_session *next;
	const struct told *told;

	for (; session; session = next) {
		next = fb_table_at(sessions->table, session->link.newer);
		if (!balancer_sessions_is_on(call->b, session, call->node))
			continue;
		told = teller->told ? fb_table_find(teller->told, &session->sorted) : NULL;
		if (!told || told->directions != BOTH)
			add_mend(call, session);
		else if (is_beyond_doubt(call, teller, session))
			balancer_sessions_trust(call, session);
	}
}

/* In mode=packet there are no entries. */
void balancer_recall_join(const struct balancer_call *call)
{
	struct balancer_recall *recall = &call->b->recall;
	struct fb_stats_request request = {.type = OFPST_FLOW};
	struct teller *teller = teller_of(call);
	uint32_t node = call->node, xid;

	if (call->b->config.mode != BALANCER_MODE_FLOWS)
		return;
	fb_match_any(&request.flow.match);
	request.flow.table_id = 0xff;
	request.flow.out_port = OFPP_NONE;
	xid = fb_send_stats_request(call->b->app, call->sw, NULL, &request);
	if (!xid)
		return;
	if (!teller) {
		teller = fb_table_add(recall->tellers, &node);
		if (!teller)
			return;
		balancer_queue_push(&recall->silent, teller, call->now_ns);
	}
	teller->xid = xid;
}

/* What comes too late is taken as well. */
void balancer_recall_reply(const struct balancer_call *call, uint32_t xid,
                           const struct fb_stats_reply *reply)
{
	struct balancer_recall *recall = &call->b->recall;
	struct teller *teller = teller_of(call);
	struct fb_flow_stats flow;
	size_t offset = 0;

	if (reply->type != OFPST_FLOW)
		return;
	if (teller && teller->xid != xid)
		teller = NULL;
	while (fb_flow_stats_next(reply->entries, &offset, &flow))
		hear_entry(call, teller, &flow);
	if (!teller)
		return;
	if (reply->flags & OFPSF_REPLY_MORE) {
		balancer_queue_remove(&recall->silent, teller);
		balancer_queue_push(&recall->silent, teller, call->now_ns);
		return;
	}
	judge(call, teller);
	end_telling(call, teller);
}

static void lose(const struct balancer_call *call, struct teller *teller)
{
	call->b->counters.recalls_lost++;
	end_telling(call, teller);
}

void balancer_recall_refused(const struct balancer_call *call, uint32_t xid)
{
	struct teller *teller = teller_of(call);

	if (teller && teller->xid == xid)
		lose(call, teller);
}

void balancer_recall_switch_down(const struct balancer_call *call)
{
	struct teller *teller = teller_of(call);

	if (teller)
		lose(call, teller);
}

/* --- Time --- */

void balancer_recall_run(const struct balancer_call *call)
{
	struct balancer_recall *recall = &call->b->recall;

	while (balancer_queue_due(&recall->silent) <= call->now_ns)
		lose(call, balancer_queue_oldest(&recall->silent));
	while (balancer_queue_due(&recall->halves_due) <= call->now_ns)
		forget_half(recall, balancer_queue_oldest(&recall->halves_due));
	if (recall->mend_ns <= call->now_ns)
		run_mends(call);
}

uint64_t balancer_recall_due(const struct balancer_recall *recall)
{
	uint64_t due_ns = fb_time_min(recall->mend_ns, balancer_queue_due(&recall->silent));

	return fb_time_min(due_ns, balancer_queue_due(&recall->halves_due));
}
