/* The session table, bounded and aged.
 *
 * A session waits in the queue of its state, and each state has one time after which it is
 * forgotten:
 *
 *     unanswered   70 s, longer than the longest pause of a client that still retransmits its SYN
 *     open         the grace time; in mode=packet, where no entry comes first, it and the idle
 *                  timeout
 *     closed       60 s: TIME_WAIT
 *     live         never: the switch says when its entries are gone
 *     unsure       the idle timeout: then the entries are installed again (balancer_tcp.c), after
 *                  which the switch will say when they are gone. Where all switches that have them
 *                  are away by then, nobody will: the session waits as an open one
 *
 * UDP and ICMP echo sessions wait in the same queues: unanswered as long as only one side was heard.
 *
 * When the table is full, the oldest unanswered session gives way, then the oldest closed one, then
 * (mode=flows) the oldest open one, whose entries have expired. A session with live entries never
 * does: then the new one is refused.
 *
 * Each session is counted with its owner (balancer_owners.c), for the scheduler that chooses the one
 * with the fewest: as long as it may send, as far as can be seen. With entries that is until they
 * have expired, because the end of a connection is not seen then. */
#include "controller/apps/balancer_sessions.h"

#include "controller/apps/balancer.h"

#define UNANSWERED_NS (70 * FB_NS_PER_S)
#define CLOSED_NS     (60 * FB_NS_PER_S)

enum {
	RUN_SESSIONS_MAX = 1024, /* forgotten by one run */
	CACHE_LINE_BYTES = 64,   /* a session has two */
};

bool balancer_sessions_init(struct balancer_sessions *sessions, const struct balancer *b,
                            uint32_t seed)
{
	uint64_t idle_ns = b->config.idle_timeout_s * FB_NS_PER_S;
	bool flows = b->config.mode == BALANCER_MODE_FLOWS;
	const uint64_t wait_ns[BALANCER_STATES] = {
	        [BALANCER_UNANSWERED] = UNANSWERED_NS,
	        [BALANCER_OPEN] = b->config.grace_ns + (flows ? 0 : idle_ns),
	        [BALANCER_LIVE] = FB_NEVER,
	        [BALANCER_UNSURE] = idle_ns,
	        [BALANCER_CLOSED] = CLOSED_NS,
	};

	sessions->table = fb_table_new(sizeof(struct balancer_key), sizeof(struct balancer_session),
	                               b->config.sessions_max);
	if (!sessions->table)
		return false;
	fb_table_seed(sessions->table, seed);
	for (int i = 0; i < BALANCER_STATES; i++)
		balancer_queue_init(&sessions->queues[i], sessions->table,
		                    offsetof(struct balancer_session, link), wait_ns[i]);
	return true;
}

void balancer_sessions_free(struct balancer_sessions *sessions)
{
	fb_table_free(sessions->table);
}

void balancer_sessions_key(struct balancer_key *key, const struct fb_packet *p)
{
	key->words[0] = p->nw_src | (uint64_t)p->nw_dst << 32;
	key->words[1] = (uint64_t)balancer_vlan(p) << 32 | (uint64_t)p->nw_proto << 48;
	if (!p->is_icmp)
		key->words[1] |= p->tp_src | (uint32_t)p->tp_dst << 16;
	else if (p->tp_src == FB_ICMP_ECHO_REPLY)
		key->words[1] |= (uint32_t)p->icmp_id << 16;
	else
		key->words[1] |= p->icmp_id;
}

/* Client and server change places. */
static struct balancer_key reversed(const struct balancer_key *key)
{
	uint64_t ips = key->words[0], rest = key->words[1];

	return (struct balancer_key){
	        .words = {ips << 32 | ips >> 32, (rest & ~UINT64_C(0xffffffff)) |
	                                                 (rest & 0xffff) << 16 |
	                                                 (rest >> 16 & 0xffff)}};
}

/* Segments of both directions find a session by one key, in which the lower address stands first.
 * True where client and server change places for that. */
static bool sort_key(struct balancer_key *sorted, const struct balancer_key *key)
{
	const struct balancer_key other = reversed(key);
	bool turned = key->client_ip > key->server_ip;

	sorted->words[0] = turned ? other.words[0] : key->words[0];
	sorted->words[1] = turned ? other.words[1] : key->words[1];
	return turned;
}

struct balancer_key balancer_sessions_key_of(const struct balancer_session *session)
{
	return session->turned ? reversed(&session->sorted) : session->sorted;
}

struct balancer_session *balancer_sessions_find(const struct balancer_sessions *sessions,
                                                const struct balancer_key *key,
                                                enum balancer_direction *direction)
{
	struct balancer_session *session;
	struct balancer_key sorted;
	bool turned = sort_key(&sorted, key);

	session = fb_table_find(sessions->table, &sorted);
	if (session)
		*direction = session->turned == turned ? BALANCER_TO_BACKEND : BALANCER_TO_CLIENT;
	return session;
}

/* What is found now is found again, faster, when the turn of each comes: by then a session may have
 * come or gone. */
void balancer_sessions_prefetch(const struct balancer_sessions *sessions,
                                const struct fb_packet_in *packet_ins, size_t count)
{
	struct balancer_key keys[BALANCER_BATCH_MAX], key;
	void *found[BALANCER_BATCH_MAX];
	size_t keys_count = 0;

	for (size_t i = 0; i < count && i < BALANCER_BATCH_MAX; i++) {
		if (!packet_ins[i].packet.is_tcp && !packet_ins[i].packet.is_udp)
			continue;
		balancer_sessions_key(&key, &packet_ins[i].packet);
		sort_key(&keys[keys_count++], &key);
	}
	if (keys_count == 0)
		return;
	fb_table_find_many(sessions->table, keys, keys_count, found);
	for (size_t i = 0; i < keys_count; i++) {
		if (found[i])
			__builtin_prefetch((const uint8_t *)found[i] + CACHE_LINE_BYTES);
	}
}

/* Make room in the full table; false when no session may go. */
static bool evict(const struct balancer_call *call)
{
	static const enum balancer_state order[] = {BALANCER_UNANSWERED, BALANCER_CLOSED,
	                                            BALANCER_OPEN};
	struct balancer_sessions *sessions = &call->b->sessions;

	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		struct balancer_session *victim =
		        balancer_queue_oldest(&sessions->queues[order[i]]);

		if (!victim ||
		    (order[i] == BALANCER_OPEN && call->b->config.mode != BALANCER_MODE_FLOWS))
			continue;
		balancer_sessions_remove(call, victim);
		call->b->counters.sessions_evicted++;
		return true;
	}
	return false;
}

struct balancer_session *balancer_sessions_add(const struct balancer_call *call,
                                               const struct balancer_key *key)
{
	struct balancer_sessions *sessions = &call->b->sessions;
	struct balancer_session *session;
	struct balancer_key sorted;
	bool turned = sort_key(&sorted, key);

	if (fb_table_count(sessions->table) == fb_table_limit(sessions->table) && !evict(call))
		return NULL;
	session = fb_table_add(sessions->table, &sorted);
	if (!session)
		return NULL;
	session->turned = turned;
	session->state = BALANCER_UNANSWERED;
	session->route = BALANCER_DIRECT;
	session->install = FB_TABLE_NONE;
	balancer_queue_push(&sessions->queues[session->state], session, call->now_ns);
	return session;
}

/* --- Counting with the owner --- */

static struct balancer_owner *owner_of(const struct balancer_call *call,
                                       const struct balancer_session *session)
{
	const struct balancer_key key = balancer_sessions_key_of(session);
	struct balancer_address *address = balancer_owners_find(call, key.server_ip, key.vlan);

	return address ? balancer_owners_by_mac(address, session->backend_mac) : NULL;
}

/* An owner that was forgotten and found again counts from 0: what belonged to it before must not
 * make it less than that. */
static void count_with(struct balancer_owner *owner, bool counted, bool silent)
{
	uint32_t *number = silent ? &owner->silent_sessions : &owner->as.sessions;

	if (counted)
		(*number)++;
	else if (*number > 0)
		(*number)--;
}

/* 'silent': it is remembered and may go on, but is not counted for the scheduler. */
static void count(const struct balancer_call *call, struct balancer_session *session, bool counted,
                  bool silent)
{
	struct balancer_owner *owner;

	if (session->counted == counted && session->silent == silent)
		return;
	owner = owner_of(call, session);
	if (owner && session->counted != counted)
		count_with(owner, counted, false);
	if (owner && session->silent != silent)
		count_with(owner, silent, true);
	session->counted = counted;
	session->silent = silent;
}

static bool may_send(const struct balancer_call *call, const struct balancer_session *session)
{
	switch (session->state) {
	case BALANCER_UNANSWERED:
	case BALANCER_LIVE:
	case BALANCER_UNSURE:
		return true;
	case BALANCER_OPEN:
		return call->b->config.mode == BALANCER_MODE_PACKET;
	case BALANCER_CLOSED:
	case BALANCER_STATES:
		break;
	}
	return false;
}

static void recount(const struct balancer_call *call, struct balancer_session *session)
{
	bool counted = may_send(call, session);

	count(call, session, counted, !counted && session->state == BALANCER_OPEN);
}

void balancer_sessions_remove(const struct balancer_call *call, struct balancer_session *session)
{
	struct balancer_sessions *sessions = &call->b->sessions;

	count(call, session, false, false);
	balancer_paths_abandon(call, session);
	if (session->probing)
		balancer_recovery_abandon(call, session);
	if (session->resetting)
		balancer_reset_abandon(call, session);
	balancer_routes_release(&call->b->routes, session->route);
	balancer_queue_remove(&sessions->queues[session->state], session);
	fb_table_remove(sessions->table, session);
}

void balancer_sessions_set_backend(const struct balancer_call *call,
                                   struct balancer_session *session,
                                   const uint8_t mac[FB_MAC_BYTES], struct fb_place at)
{
	if (!fb_mac_equal(session->backend_mac, mac)) {
		count(call, session, false, false);
		if (session->entries || session->rebuilt)
			balancer_paths_remove(call, session);
		memcpy(session->backend_mac, mac, FB_MAC_BYTES);
		session->abandoned = false;
	}
	session->backend_at = at;
	recount(call, session);
}

/* --- States --- */

static enum balancer_state state_of(const struct balancer_session *session)
{
	if (session->entries)
		return session->state == BALANCER_UNSURE ? BALANCER_UNSURE : BALANCER_LIVE;
	if (session->closed)
		return BALANCER_CLOSED;
	return session->answered ? BALANCER_OPEN : BALANCER_UNANSWERED;
}

/* Make 'session' wait anew as one in 'state'. */
static void wait_as(const struct balancer_call *call, struct balancer_session *session,
                    enum balancer_state state)
{
	struct balancer_sessions *sessions = &call->b->sessions;

	balancer_queue_remove(&sessions->queues[session->state], session);
	session->state = state;
	balancer_queue_push(&sessions->queues[state], session, call->now_ns);
	recount(call, session);
}

void balancer_sessions_settle(const struct balancer_call *call, struct balancer_session *session)
{
	enum balancer_state state = state_of(session);

	if (state != BALANCER_UNSURE)
		wait_as(call, session, state);
}

bool balancer_sessions_is_on(const struct balancer *b, const struct balancer_session *session,
                             uint16_t node)
{
	const struct balancer_route *route;

	if (session->client_at.node == node || session->backend_at.node == node)
		return true;
	if (session->route == BALANCER_DIRECT)
		return false;
	route = balancer_routes_at(&b->routes, session->route);
	for (uint32_t i = 0; i < route->hops_count; i++) {
		if (route->hops[i].node == node)
			return true;
	}
	return false;
}

/* TCP connections whose SYN nobody has answered yet: when the switch is back another controller may
 * have given them a backend, and nothing there would tell. Their SYNs come again. */
static void forget_unanswered(const struct balancer_call *call, uint16_t node)
{
	struct balancer_sessions *sessions = &call->b->sessions;
	struct balancer_session *session =
	        balancer_queue_oldest(&sessions->queues[BALANCER_UNANSWERED]);
	struct balancer_session *next;

	for (; session; session = next) {
		next = fb_table_at(sessions->table, session->link.newer);
		if (session->sorted.proto == FB_IP_TCP && !session->entries &&
		    balancer_sessions_is_on(call->b, session, node))
			balancer_sessions_remove(call, session);
	}
}

void balancer_sessions_doubt(const struct balancer_call *call, uint16_t node)
{
	static const enum balancer_state states[] = {BALANCER_LIVE, BALANCER_OPEN};
	struct balancer_sessions *sessions = &call->b->sessions;
	struct balancer_session *session, *next;

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		session = balancer_queue_oldest(&sessions->queues[states[i]]);
		for (; session; session = next) {
			next = fb_table_at(sessions->table, session->link.newer);
			if (session->entries && balancer_sessions_is_on(call->b, session, node))
				wait_as(call, session, BALANCER_UNSURE);
		}
	}
	forget_unanswered(call, node);
}

void balancer_sessions_trust(const struct balancer_call *call, struct balancer_session *session)
{
	if (session->state == BALANCER_UNSURE || session->state == BALANCER_OPEN)
		wait_as(call, session, BALANCER_LIVE);
}

void balancer_sessions_wait(const struct balancer_call *call, struct balancer_session *session,
                            bool is_told)
{
	wait_as(call, session, is_told ? BALANCER_UNSURE : BALANCER_OPEN);
}

void balancer_sessions_run(const struct balancer_call *call)
{
	static const enum balancer_state forgotten[] = {BALANCER_UNANSWERED, BALANCER_OPEN,
	                                                BALANCER_CLOSED};
	struct balancer_sessions *sessions = &call->b->sessions;
	unsigned left = RUN_SESSIONS_MAX;

	for (size_t i = 0; i < sizeof forgotten / sizeof forgotten[0]; i++) {
		struct balancer_queue *q = &sessions->queues[forgotten[i]];

		for (; left > 0 && balancer_queue_due(q) <= call->now_ns; left--) {
			balancer_sessions_remove(call, balancer_queue_oldest(q));
			call->b->counters.sessions_expired++;
		}
	}
}

uint64_t balancer_sessions_due(const struct balancer_sessions *sessions)
{
	uint64_t due_ns = balancer_queue_due(&sessions->queues[BALANCER_UNSURE]);

	if (due_ns < sessions->rearm_not_before_ns)
		due_ns = sessions->rearm_not_before_ns;
	for (int i = 0; i < BALANCER_STATES; i++) {
		if (i != BALANCER_UNSURE)
			due_ns = fb_time_min(due_ns, balancer_queue_due(&sessions->queues[i]));
	}
	return due_ns;
}
