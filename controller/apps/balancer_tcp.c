/* The state machine of a connection.
 *
 * A SYN (SYN set; ACK, RST and FIN clear; other bits do not matter) of no session takes the turn of
 * its address's rotation and goes to that owner, with its MAC as destination, by packet-out: an
 * unanswered SYN costs the switch nothing. The same SYN again (same initial sequence number) keeps
 * its backend; the third, when none was answered, moves the session to another, once, and a backend
 * that is gone is replaced at any time before the answer. Nothing of this is a turn.
 *
 * On the SYN-ACK the session is answered and never changes its backend again. In mode=flows both
 * entries are installed then, before the SYN-ACK is released, so that client and backend have a
 * path when they go on. A packet of the session that comes to the controller all the same (a switch
 * that punts for a while longer, an entry that expired) goes the same way with the same rewriting,
 * and the entries are installed again, at most once a second.
 *
 * A SYN with another initial sequence number is a new connection. Where live entries of the old one
 * may take its other segments, it goes where they lead.
 *
 * Segments of a session from another station than its ends are never passed on. A SYN-ACK among
 * them comes from a backend that was given up: it is answered with RST. What becomes of a segment of
 * no session is told in balancer_recovery.c: TCP is never flooded.
 *
 * Only what comes in by an edge tells where an end is, and who. On its way over links a segment of a
 * session is known by its addresses and ports alone: it was rewritten where it came in.
 *
 * Where the client is itself one of several owners of its address, all of this holds too: what
 * comes back goes to the one that opened the connection. */
#include "controller/apps/balancer_tcp.h"

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_datagrams.h"
#include "controller/apps/balancer_send.h"

/* SYNs closer together are copies, not retransmissions. */
#define SYN_APART_MS   200
#define REARM_PAUSE_NS (10 * FB_NS_PER_MS)

enum {
	SYNS_SILENT = 3,         /* with this SYN the backend has been silent for long enough */
	REARM_SESSIONS_MAX = 64, /* at a time */
	CONTROL_FLAGS = FB_TCP_SYN | FB_TCP_ACK | FB_TCP_RST | FB_TCP_FIN,
	FINS_BOTH = 1 << BALANCER_TO_BACKEND | 1 << BALANCER_TO_CLIENT,
};

static bool is_syn(const struct fb_packet *p)
{
	return (p->tcp_flags & CONTROL_FLAGS) == FB_TCP_SYN;
}

static bool is_syn_ack(const struct fb_packet *p)
{
	return (p->tcp_flags & CONTROL_FLAGS) == (FB_TCP_SYN | FB_TCP_ACK);
}

static bool came_by_edge(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	return fb_discovery_port(call->b->discovery, balancer_place(call, pi)) != FB_PORT_LINK;
}

/* --- Passing on --- */

/* Find out where 'mac', an end of a session, is now. False when it is known to be gone: others, or
 * nobody, own its address; '*at' is then as before. */
static bool locate(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                   const uint8_t mac[FB_MAC_BYTES], struct fb_place *at)
{
	const struct balancer_address *address = balancer_owners_find(call, ip, vlan);
	const struct balancer_owner *owner;
	const struct fb_host *host;

	if (address) {
		owner = balancer_owners_by_mac(address, mac);
		if (!owner || !balancer_owner_is_there(owner))
			return false;
		*at = owner->at;
		return true;
	}
	host = fb_discovery_host(call->b->discovery, mac, vlan);
	if (host)
		*at = host->at;
	return true;
}

bool balancer_tcp_backend_lives(const struct balancer_call *call, struct balancer_session *session)
{
	const struct balancer_key key = balancer_sessions_key_of(session);
	struct fb_place at = session->backend_at;
	bool lives = locate(call, key.server_ip, key.vlan, session->backend_mac, &at);

	if (lives)
		session->abandoned = false;
	if (lives && !balancer_same_place(at, session->backend_at))
		balancer_paths_renew(call, session, session->client_at, at);
	return lives;
}

bool balancer_tcp_client_lives(const struct balancer_call *call, struct balancer_session *session)
{
	const struct balancer_key key = balancer_sessions_key_of(session);
	struct fb_place at = session->client_at;
	bool lives = locate(call, key.client_ip, key.vlan, session->client_mac, &at);

	if (lives && !balancer_same_place(at, session->client_at))
		balancer_paths_renew(call, session, at, session->backend_at);
	return lives;
}

/* Release 'pi' through 'rewrite'; the later fragments of its packet will follow. Entries first, then
 * the packet: with the first entries of a session it waits until all are there. No entry leads to an
 * end that is gone: 'lives' says that it is not. */
static void pass(const struct balancer_call *call, const struct fb_packet_in *pi,
                 struct balancer_session *session, const struct balancer_rewrite *rewrite,
                 bool lives)
{
	bool is_kept = false;

	if (pi->packet.more_fragments)
		balancer_related_first(call, pi, rewrite);
	if (lives && balancer_paths_may_install(call, session))
		is_kept = balancer_paths_install(call, session, session->was_installed ? NULL : pi,
		                                 rewrite);
	if (!is_kept)
		balancer_send_through(call, pi, rewrite);
	balancer_sessions_settle(call, session);
}

void balancer_tcp_pass_to_backend(const struct balancer_call *call, const struct fb_packet_in *pi,
                                  struct balancer_session *session, bool lives)
{
	const struct balancer_rewrite rewrite = {.dl_dst = session->backend_mac,
	                                         .at = session->backend_at};

	pass(call, pi, session, &rewrite, lives);
}

void balancer_tcp_pass_to_client(const struct balancer_call *call, const struct fb_packet_in *pi,
                                 struct balancer_session *session, bool lives)
{
	const struct balancer_rewrite rewrite = {
	        .dl_src = session->addressed_mac,
	        .dl_dst = session->client_mac,
	        .at = session->client_at,
	};

	pass(call, pi, session, &rewrite, lives);
}

static void pass_to_backend(const struct balancer_call *call, const struct fb_packet_in *pi,
                            struct balancer_session *session)
{
	bool lives = balancer_tcp_backend_lives(call, session);

	balancer_tcp_pass_to_backend(call, pi, session, lives);
}

static void pass_to_client(const struct balancer_call *call, const struct fb_packet_in *pi,
                           struct balancer_session *session)
{
	bool lives = balancer_tcp_client_lives(call, session);

	balancer_tcp_pass_to_client(call, pi, session, lives);
}

/* Remember what the frames of a direction look like. */
static void note_seen(struct balancer_session *session, enum balancer_direction direction,
                      const struct fb_packet *p)
{
	struct balancer_seen *seen = &session->seen[direction];

	memcpy(seen->dl_dst, p->dl_dst, FB_MAC_BYTES);
	seen->dl_vlan = p->has_vlan ? p->vlan_tci & 0x0fff : OFP_VLAN_NONE;
	seen->vlan_pcp = p->has_vlan ? (uint8_t)(p->vlan_tci >> 13) : 0;
	seen->nw_tos = p->nw_tos & 0xfc;
}

/* Follow the end of the connection as far as the controller sees it. Data after a RST show that the
 * other end did not take it. */
static void note_end(struct balancer_session *session, enum balancer_direction direction,
                     const struct fb_packet *p)
{
	if (p->tcp_flags & FB_TCP_RST) {
		session->closed = true;
		return;
	}
	if (p->tcp_flags & FB_TCP_FIN)
		session->fins |= (uint8_t)(1 << direction);
	if (session->fins == FINS_BOTH)
		session->closed = true;
	else if (p->payload_len > 0)
		session->closed = false;
}

void balancer_tcp_note(struct balancer_session *session, int direction, const struct fb_packet *p)
{
	note_seen(session, (enum balancer_direction)direction, p);
	if (p->is_tcp)
		note_end(session, (enum balancer_direction)direction, p);
}

/* --- Opening --- */

void balancer_tcp_begin(const struct balancer_call *call, const struct fb_packet_in *pi,
                        struct balancer_session *session, const uint8_t mac[FB_MAC_BYTES],
                        struct fb_place at)
{
	const struct fb_packet *p = &pi->packet;

	memcpy(session->client_mac, p->dl_src, FB_MAC_BYTES);
	memcpy(session->addressed_mac, fb_mac_is_multicast(p->dl_dst) ? mac : p->dl_dst,
	       FB_MAC_BYTES);
	session->client_at = balancer_place(call, pi);
	balancer_sessions_set_backend(call, session, mac, at);
	session->isn = p->tcp_seq;
	session->syns = 1;
	session->syn_ms = balancer_ms(call->now_ns);
	note_seen(session, BALANCER_TO_BACKEND, p);
	note_seen(session, BALANCER_TO_CLIENT, p);
	memcpy(session->seen[BALANCER_TO_CLIENT].dl_dst, p->dl_src, FB_MAC_BYTES);
}

/* A new session for 'key', or NULL after refusing 'pi'. */
static struct balancer_session *add_session(const struct balancer_call *call,
                                            const struct fb_packet_in *pi,
                                            const struct balancer_key *key)
{
	struct balancer_session *session = balancer_sessions_add(call, key);

	if (!session) {
		call->b->counters.refused_sessions_full++;
		balancer_send_refuse(call, pi);
	}
	return session;
}

const struct balancer_owner *balancer_tcp_choose(const struct balancer_call *call,
                                                 const struct fb_packet_in *pi,
                                                 struct balancer_address *address)
{
	struct fb_discovery *d = call->b->discovery;

	for (uint32_t i = 0; i < address->owners_count; i++) {
		const struct balancer_owner *owner =
		        balancer_owners_choose(address, pi->packet.nw_src);

		if (!owner || owner->at.node == call->node ||
		    fb_discovery_distance(d, call->node, owner->at.node) > 0)
			return owner;
	}
	return NULL;
}

/* The SYN of a new connection. */
static void open_session(const struct balancer_call *call, const struct fb_packet_in *pi,
                         const struct balancer_key *key)
{
	struct balancer_address *address = balancer_owners_find(call, key->server_ip, key->vlan);
	struct balancer_session *session;
	const struct balancer_owner *owner;

	if (!address || balancer_owners_is_recalled(address)) {
		balancer_held_add(call, pi);
		return;
	}
	if (address->service &&
	    !balancer_service_serves(address->service, FB_IP_TCP, key->server_tp)) {
		call->b->counters.refused_port++;
		balancer_send_refuse(call, pi);
		return;
	}
	balancer_owners_wanted(call, address);
	if (balancer_owners_await(address)) {
		balancer_held_add(call, pi);
		return;
	}
	owner = balancer_tcp_choose(call, pi, address);
	if (!owner) {
		call->b->counters.refused_all_down++;
		balancer_send_refuse(call, pi);
		return;
	}
	session = add_session(call, pi, key);
	if (!session)
		return;
	call->b->counters.sessions++;
	balancer_tcp_begin(call, pi, session, owner->mac, owner->at);
	balancer_tcp_pass_to_backend(call, pi, session, true);
}

/* An address that nobody here answers to is beyond a router, if the frame names a station that is
 * known: it goes there, to one and not to all. */
void balancer_tcp_not_found(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	const struct fb_host *host =
	        fb_discovery_host(call->b->discovery, p->dl_dst, balancer_vlan(p));
	struct balancer_session *session;
	enum balancer_direction direction;
	struct balancer_key key;

	if (!host && is_syn(p) && balancer_owners_find(call, p->nw_dst, balancer_vlan(p))) {
		call->b->counters.refused_all_down++;
		balancer_send_refuse(call, pi);
		return;
	}
	if (!host) {
		call->b->counters.held_dropped++;
		balancer_send_drop(call, pi);
		return;
	}
	call->b->counters.held_by_mac++;
	if (!p->is_tcp) {
		balancer_datagrams_by_mac(call, pi, host->at);
		return;
	}
	balancer_sessions_key(&key, p);
	if (balancer_sessions_find(&call->b->sessions, &key, &direction)) {
		balancer_tcp_segment(call, pi);
		return;
	}
	session = add_session(call, pi, &key);
	if (!session)
		return;
	call->b->counters.sessions++;
	balancer_tcp_begin(call, pi, session, p->dl_dst, host->at);
	balancer_tcp_pass_to_backend(call, pi, session, true);
}

/* --- A SYN of a session that is known --- */

/* The backend of the unanswered 'session' may still answer: it is there, and has not failed. */
static bool backend_takes(const struct balancer_call *call, struct balancer_session *session,
                          const struct balancer_address *address)
{
	const struct balancer_owner *owner =
	        address ? balancer_owners_by_mac(address, session->backend_mac) : NULL;

	return balancer_tcp_backend_lives(call, session) && !(owner && owner->failed);
}

/* Give the unanswered 'session' another backend where it needs one. False when there is none left.
 */
static bool keep_or_move(const struct balancer_call *call, struct balancer_session *session)
{
	const struct balancer_key key = balancer_sessions_key_of(session);
	struct balancer_address *address = balancer_owners_find(call, key.server_ip, key.vlan);
	bool lives = backend_takes(call, session, address);
	bool is_silent = session->syns >= SYNS_SILENT && !session->moved && !session->entries;
	const struct balancer_owner *other;

	if (lives && !is_silent)
		return true;
	other = address ? balancer_owners_other(address, session->backend_mac, key.client_tp)
	                : NULL;
	if (!other)
		return lives;
	if (lives)
		session->moved = true;
	balancer_sessions_set_backend(call, session, other->mac, other->at);
	call->b->counters.moved++;
	balancer_owners_suspect(call, address);
	return true;
}

/* Another connection has the ports of 'session': what is left of its entries must not take that one
 * where nobody is. */
static void forget(const struct balancer_call *call, struct balancer_session *session)
{
	balancer_paths_remove(call, session);
	balancer_sessions_remove(call, session);
}

static void repeat_syn(const struct balancer_call *call, const struct fb_packet_in *pi,
                       struct balancer_session *session)
{
	call->b->counters.retransmitted_syns++;
	if (balancer_ms(call->now_ns) - session->syn_ms >= SYN_APART_MS) {
		session->syns += session->syns < UINT8_MAX;
		session->syn_ms = balancer_ms(call->now_ns);
	}
	if (!session->answered && !keep_or_move(call, session)) {
		call->b->counters.refused_all_down++;
		forget(call, session);
		balancer_send_refuse(call, pi);
		return;
	}
	pass_to_backend(call, pi, session);
}

/* Entries of an old connection live and may take the segments of the new one: it follows them,
 * without a turn. */
static void follow_entries(const struct balancer_call *call, const struct fb_packet_in *pi,
                           struct balancer_session *session)
{
	session->isn = pi->packet.tcp_seq;
	session->syns = 1;
	session->syn_ms = balancer_ms(call->now_ns);
	session->answered = false;
	session->crossed = false;
	session->moved = false;
	session->closed = false;
	session->fins = 0;
	call->b->counters.followed++;
	pass_to_backend(call, pi, session);
}

static void syn_again(const struct balancer_call *call, const struct fb_packet_in *pi,
                      struct balancer_session *session)
{
	const struct balancer_key key = balancer_sessions_key_of(session);

	if (pi->packet.tcp_seq == session->isn) {
		repeat_syn(call, pi, session);
	} else if (session->entries && balancer_tcp_backend_lives(call, session)) {
		follow_entries(call, pi, session);
	} else {
		forget(call, session);
		open_session(call, pi, &key);
	}
}

/* --- Segments of sessions --- */

/* A segment with a session's ports from another station than its end, which still owns its address:
 * a replica that happens to use the same ports, or a backend that was given up. */
static void refuse_stranger(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	if (is_syn(&pi->packet)) {
		call->b->counters.refused_conflict++;
		balancer_send_refuse(call, pi);
	} else if (is_syn_ack(&pi->packet)) {
		call->b->counters.late_synacks++;
		balancer_send_refuse(call, pi);
	} else {
		call->b->counters.strangers++;
		balancer_send_drop(call, pi);
	}
}

/* True when the client of 'session' is not on this network, and its segment 'p' came by another
 * router than before: neither speaks ARP for the address, so that no probe tells which are there. */
static bool comes_by_another_router(const struct balancer_call *call, const struct fb_packet *p,
                                    const struct balancer_session *session)
{
	const struct balancer_address *address =
	        balancer_owners_find(call, p->nw_src, balancer_vlan(p));
	const struct balancer_owner *before, *now;

	if (!address || is_syn(p) || !session->answered)
		return false;
	before = balancer_owners_by_mac(address, session->client_mac);
	now = balancer_owners_by_mac(address, p->dl_src);
	return before && now && !before->speaks_arp && !now->speaks_arp;
}

/* 'pi' came by an edge from the client's side of 'session'. False when it was taken care of. */
static bool is_from_client(const struct balancer_call *call, const struct fb_packet_in *pi,
                           struct balancer_session *session)
{
	const struct fb_packet *p = &pi->packet;
	const struct balancer_key key = balancer_sessions_key_of(session);

	if (!fb_mac_equal(p->dl_src, session->client_mac)) {
		if (is_syn(p) && session->closed) {
			forget(call, session);
			open_session(call, pi, &key);
			return false;
		}
		if (balancer_tcp_client_lives(call, session) &&
		    !comes_by_another_router(call, p, session)) {
			refuse_stranger(call, pi);
			return false;
		}
		balancer_paths_remove(call, session);
		memcpy(session->client_mac, p->dl_src, FB_MAC_BYTES);
	}
	if (!balancer_same_place(session->client_at, balancer_place(call, pi)))
		balancer_paths_renew(call, session, balancer_place(call, pi), session->backend_at);
	note_seen(session, BALANCER_TO_BACKEND, p);
	return true;
}

/* 'pi' was sent on to another candidate when the backend was not known yet. */
static bool is_copy(const struct balancer_call *call, const struct fb_packet_in *pi,
                    const struct balancer_session *session)
{
	return !came_by_edge(call, pi) && !is_syn(&pi->packet) &&
	       !fb_mac_equal(pi->packet.dl_dst, session->backend_mac);
}

/* The client of a session that its backend's segment made goes on: both know it. So they do where the
 * backend answered another SYN than the last one, which was damaged on its way. */
static void note_reply(struct balancer_session *session, const struct fb_packet *p)
{
	if (p->tcp_flags & FB_TCP_RST)
		return;
	if (session->crossed && (p->tcp_flags & FB_TCP_ACK)) {
		session->isn = p->tcp_seq - 1; /* right where this acknowledges the SYN-ACK */
		session->crossed = false;
	} else if (!session->unheard) {
		return;
	}
	session->unheard = false;
	session->answered = true;
}

/* The client acknowledges in 'p' an answer that did not come by here: of whom, nobody knows. Another
 * controller had the switch, or the session was forgotten and made anew. */
static bool is_answered_elsewhere(const struct balancer_session *session, const struct fb_packet *p)
{
	return !session->answered && !session->unheard && !session->crossed && !session->shown &&
	       !session->entries && (p->tcp_flags & (FB_TCP_ACK | FB_TCP_RST)) == FB_TCP_ACK;
}

static void from_client(const struct balancer_call *call, const struct fb_packet_in *pi,
                        struct balancer_session *session)
{
	const struct fb_packet *p = &pi->packet;

	if (came_by_edge(call, pi) && !is_from_client(call, pi, session))
		return;
	if (session->shown && is_copy(call, pi, session)) {
		balancer_send_drop(call, pi);
		return;
	}
	if (is_syn(p)) {
		syn_again(call, pi, session);
		return;
	}
	if (session->resetting && balancer_reset_segment(call, pi, session, BALANCER_TO_BACKEND))
		return;
	if (is_answered_elsewhere(session, p)) {
		forget(call, session);
		balancer_recovery_stray(call, pi);
		return;
	}
	note_reply(session, p);
	note_end(session, BALANCER_TO_BACKEND, p);
	pass_to_backend(call, pi, session);
}

/* What the backend says about the handshake. Where it was found out, a refusal is no answer. */
static void note_answer(const struct balancer_call *call, struct balancer_session *session,
                        const struct fb_packet *p)
{
	if (is_syn_ack(p)) {
		/* The SYN of a new connection that live entries took was not seen here. */
		if (p->tcp_ack != session->isn + 1 && !session->entries) {
			session->crossed |= !session->answered;
			return;
		}
		session->isn = p->tcp_ack - 1;
		session->crossed = false;
		session->closed = false;
		session->fins = 0;
	} else if (p->tcp_flags & FB_TCP_RST) {
		call->b->counters.refused_by_backend += !session->answered && !session->shown;
		session->answered |= !session->shown;
		return;
	} else if (!(p->tcp_flags & FB_TCP_ACK) || session->unheard) {
		return;
	}
	call->b->counters.answered += !session->answered && !session->shown;
	session->answered = true;
}

/* 'pi' came by an edge from the backend's side of 'session'. False when it was taken care of. */
static bool is_from_backend(const struct balancer_call *call, const struct fb_packet_in *pi,
                            struct balancer_session *session)
{
	const struct fb_packet *p = &pi->packet;

	if (is_syn(p) && session->closed) {
		struct balancer_key key;

		forget(call, session);
		balancer_sessions_key(&key, p);
		open_session(call, pi, &key);
		return false;
	}
	if (!fb_mac_equal(p->dl_src, session->backend_mac)) {
		refuse_stranger(call, pi);
		return false;
	}
	if (!balancer_same_place(session->backend_at, balancer_place(call, pi)))
		balancer_paths_renew(call, session, session->client_at, balancer_place(call, pi));
	note_seen(session, BALANCER_TO_CLIENT, p);
	return true;
}

static void from_backend(const struct balancer_call *call, const struct fb_packet_in *pi,
                         struct balancer_session *session)
{
	const struct fb_packet *p = &pi->packet;

	if (came_by_edge(call, pi) && !is_from_backend(call, pi, session))
		return;
	if (session->resetting && balancer_reset_segment(call, pi, session, BALANCER_TO_CLIENT))
		return;
	session->abandoned = false;
	note_answer(call, session, p);
	note_end(session, BALANCER_TO_CLIENT, p);
	pass_to_client(call, pi, session);
}

/* --- Segments of no session --- */

bool balancer_tcp_one_meant(const struct balancer_call *call, const struct fb_packet *p,
                            struct balancer_rewrite *rewrite)
{
	const struct balancer_address *address =
	        balancer_owners_find(call, p->nw_dst, balancer_vlan(p));
	const struct balancer_owner *owner = NULL;
	const struct fb_host *host;

	if (address) {
		if (address->owners_count == 1)
			owner = &address->owners[0];
		else
			owner = balancer_owners_by_mac(address, p->dl_dst);
		if (!owner || !balancer_owner_is_there(owner))
			return false;
		*rewrite = (struct balancer_rewrite){.dl_dst = owner->mac, .at = owner->at};
		return true;
	}
	host = fb_discovery_host(call->b->discovery, p->dl_dst, balancer_vlan(p));
	*rewrite = (struct balancer_rewrite){.at = host ? host->at : (struct fb_place){0}};
	return host != NULL;
}

/* Addresses of hosts, and two different ones. */
static bool has_sane_addresses(const struct fb_packet *p)
{
	return p->nw_src != 0 && p->nw_src < 0xe0000000 && p->nw_dst != 0 &&
	       p->nw_dst < 0xe0000000 && p->nw_src != p->nw_dst && !fb_mac_is_multicast(p->dl_src);
}

void balancer_tcp_segment(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	struct balancer_session *session;
	enum balancer_direction direction;
	struct balancer_key key;

	if (!has_sane_addresses(&pi->packet)) {
		call->b->counters.invalid++;
		balancer_send_drop(call, pi);
		return;
	}
	balancer_sessions_key(&key, &pi->packet);
	session = balancer_sessions_find(&call->b->sessions, &key, &direction);
	if (session && session->probing)
		balancer_recovery_segment(call, pi, session, (int)direction);
	else if (session && direction == BALANCER_TO_BACKEND)
		from_client(call, pi, session);
	else if (session)
		from_backend(call, pi, session);
	else if (!is_syn(&pi->packet))
		balancer_recovery_stray(call, pi);
	else if (!balancer_recovery_wait(call, pi))
		open_session(call, pi, &key);
}

/* --- After a switch was away --- */

/* If the entries are gone they come back and expire once more, in sight of the controller; if not,
 * this changes nothing. While a switch is away that may still forward nothing is changed either. */
void balancer_tcp_rearm(const struct balancer_call *call)
{
	struct balancer_sessions *sessions = &call->b->sessions;
	const struct balancer_queue *q = &sessions->queues[BALANCER_UNSURE];
	unsigned left = REARM_SESSIONS_MAX;

	if (call->now_ns < sessions->rearm_not_before_ns)
		return;
	for (; left > 0 && balancer_queue_due(q) <= call->now_ns; left--) {
		struct balancer_session *session = balancer_queue_oldest(q);
		bool backend_is_there = balancer_tcp_backend_lives(call, session);
		bool client_is_there = balancer_tcp_client_lives(call, session);
		bool is_told;

		if (session->state != BALANCER_UNSURE)
			continue; /* it was moved */
		if (session->entries && balancer_paths_may_hold(call, session, &is_told)) {
			balancer_sessions_wait(call, session, is_told);
			continue;
		}
		if (backend_is_there && client_is_there && session->install == FB_TABLE_NONE)
			balancer_paths_install(call, session, NULL, NULL);
		if (session->state != BALANCER_UNSURE)
			continue;
		balancer_paths_remove(call, session);
		balancer_sessions_settle(call, session);
	}
	if (left == 0)
		sessions->rearm_not_before_ns = call->now_ns + REARM_PAUSE_NS;
}
