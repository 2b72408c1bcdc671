/* The session table of a switch, bounded and aged.
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
 *                  which the switch will say when they are gone
 *
 * When the table is full, the oldest unanswered session gives way, then the oldest closed one, then
 * (mode=flows) the oldest open one, whose entries have expired. A session with live entries never
 * does. */
#include "controller/apps/balancer_sessions.h"

#include "controller/apps/balancer.h"

#define UNANSWERED_NS (70 * FB_NS_PER_S)
#define CLOSED_NS     (60 * FB_NS_PER_S)

enum {
	RUN_SESSIONS_MAX = 1024, /* forgotten by one run */
	LOOKS_PER_S_MAX = 16384, /* of one switch, into the sessions of others */
	CACHE_LINE_BYTES = 64,   /* a session has two */
};

bool balancer_sessions_init(struct balancer_sessions *sessions, struct balancer *b, uint32_t seed)
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
	sessions->addressed = &b->addressed;
	return true;
}

static void address_no_more(struct balancer_sessions *sessions,
                            const struct balancer_session *session)
{
	if (session->addressed)
		balancer_addressed_discount(sessions->addressed, session->addressed_mac,
		                            session->sorted.vlan);
}

void balancer_sessions_free(struct balancer_sessions *sessions)
{
	const struct balancer_session *session =
	        sessions->table ? fb_table_oldest(sessions->table) : NULL;

	for (; session; session = fb_table_newer(sessions->table, session))
		address_no_more(sessions, session);
	fb_table_free(sessions->table);
}

void balancer_sessions_key(struct balancer_key *key, const struct fb_packet *p)
{
	key->words[0] = p->nw_src | (uint64_t)p->nw_dst << 32;
	key->words[1] = p->tp_src | (uint32_t)p->tp_dst << 16 | (uint64_t)balancer_vlan(p) << 32;
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
		if (!packet_ins[i].packet.is_tcp)
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
	struct balancer_sessions *sessions = &call->s->sessions;

	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		struct balancer_session *victim =
		        balancer_queue_oldest(&sessions->queues[order[i]]);

		if (!victim ||
		    (order[i] == BALANCER_OPEN && call->b->config.mode != BALANCER_MODE_FLOWS))
			continue;
		balancer_sessions_remove(sessions, victim);
		call->b->counters.sessions_evicted++;
		return true;
	}
	return false;
}

struct balancer_session *balancer_sessions_add(const struct balancer_call *call,
                                               const struct balancer_key *key)
{
	struct balancer_sessions *sessions = &call->s->sessions;
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
	balancer_queue_push(&sessions->queues[session->state], session, call->now_ns);
	return session;
}

void balancer_sessions_remove(struct balancer_sessions *sessions, struct balancer_session *session)
{
	balancer_queue_remove(&sessions->queues[session->state], session);
	address_no_more(sessions, session);
	fb_table_remove(sessions->table, session);
}

void balancer_sessions_address(struct balancer_sessions *sessions, struct balancer_session *session,
                               const uint8_t mac[FB_MAC_BYTES])
{
	address_no_more(sessions, session);
	memcpy(session->addressed_mac, mac, FB_MAC_BYTES);
	session->addressed = true;
	balancer_addressed_count(sessions->addressed, mac, session->sorted.vlan);
}

static enum balancer_state state_of(const struct balancer_session *session)
{
	if (session->entries)
		return session->state == BALANCER_UNSURE ? BALANCER_UNSURE : BALANCER_LIVE;
	if (session->closed)
		return BALANCER_CLOSED;
	return session->answered ? BALANCER_OPEN : BALANCER_UNANSWERED;
}

void balancer_sessions_settle(struct balancer_sessions *sessions, struct balancer_session *session,
                              uint64_t now_ns)
{
	enum balancer_state state = state_of(session);

	if (state == BALANCER_UNSURE)
		return;
	balancer_queue_remove(&sessions->queues[session->state], session);
	session->state = state;
	balancer_queue_push(&sessions->queues[state], session, now_ns);
}

void balancer_sessions_doubt(struct balancer_sessions *sessions, uint64_t now_ns)
{
	struct balancer_session *session;

	while ((session = balancer_queue_oldest(&sessions->queues[BALANCER_LIVE]))) {
		balancer_queue_remove(&sessions->queues[BALANCER_LIVE], session);
		session->state = BALANCER_UNSURE;
		balancer_queue_push(&sessions->queues[BALANCER_UNSURE], session, now_ns);
	}
}

/* 's' has a session that put the source MAC into 'p'. */
static bool has_rewritten(struct balancer *b, const struct balancer_switch *s,
                          const struct fb_packet *p, const struct balancer_key *key)
{
	enum balancer_direction direction;
	const struct balancer_session *session =
	        balancer_sessions_find(&s->sessions, key, &direction);

	b->counters.rewriters_asked++;
	return session && direction == BALANCER_TO_CLIENT &&
	       fb_mac_equal(p->dl_src, session->addressed_mac) &&
	       !fb_mac_equal(p->dl_src, session->backend_mac);
}

/* Ask all switches, where not too many were asked in this second. */
static bool any_has_rewritten(const struct balancer_call *call, const struct fb_packet *p,
                              const struct balancer_key *key)
{
	struct balancer_sessions *sessions = &call->s->sessions;
	struct balancer_switch *s;

	if (call->now_ns - sessions->looks_since_ns >= FB_NS_PER_S) {
		sessions->looks_since_ns = call->now_ns;
		sessions->looks = 0;
	}
	TAILQ_FOREACH(s, &call->b->switches, link)
	{
		if (s == call->s || s == sessions->rewriter)
			continue;
		if (sessions->looks >= LOOKS_PER_S_MAX) {
			call->b->counters.rewritten_unsure++;
			return true;
		}
		sessions->looks++;
		if (has_rewritten(call->b, s, p, key)) {
			sessions->rewriter = s;
			s->is_rewriter = true;
			return true;
		}
	}
	return false;
}

/* A session rewrites the source of what comes back from its backend into the MAC that the client
 * addressed. Such a frame may come in by any switch further on; so all may have to be asked, but
 * only when a frame seems to be news and somebody has addressed its source. In most cases that is
 * the switch that has rewritten the frame before. A host that makes such frames by the thousand has
 * them no longer looked into: then they are no news. */
bool balancer_sessions_rewrote(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct balancer_sessions *sessions = &call->s->sessions;
	const struct fb_packet *p = &pi->packet;
	struct balancer_key key;

	if (!p->is_tcp || !balancer_addressed_any(sessions->addressed, p->dl_src, balancer_vlan(p)))
		return false;
	balancer_sessions_key(&key, p);
	return has_rewritten(call->b, call->s, p, &key) ||
	       (sessions->rewriter && has_rewritten(call->b, sessions->rewriter, p, &key)) ||
	       any_has_rewritten(call, p, &key);
}

void balancer_sessions_run(const struct balancer_call *call)
{
	static const enum balancer_state forgotten[] = {BALANCER_UNANSWERED, BALANCER_OPEN,
	                                                BALANCER_CLOSED};
	struct balancer_sessions *sessions = &call->s->sessions;
	unsigned left = RUN_SESSIONS_MAX;

	for (size_t i = 0; i < sizeof forgotten / sizeof forgotten[0]; i++) {
		struct balancer_queue *q = &sessions->queues[forgotten[i]];

		for (; left > 0 && balancer_queue_due(q) <= call->now_ns; left--) {
			balancer_sessions_remove(sessions, balancer_queue_oldest(q));
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
