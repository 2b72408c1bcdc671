/* UDP and ICMP echo: datagrams that belong together go to one backend, and none goes to two.
 *
 * What belongs together has a session as a TCP connection has: all UDP datagrams with the same
 * addresses and ports, either way; all echo requests of one identifier between two addresses, and
 * the replies to them. Nothing begins or ends such a session but time, and the first datagram is not
 * told from the thousandth. So the rules differ from those of TCP:
 *
 *     the first          goes to the owner that the scheduler chooses; towards an address that
 *                        nobody was heard under it waits
 *     all others         keep the backend. When that is gone, another is chosen: there is no state
 *                        to lose that the other end does not ask for again
 *     flow entries       for UDP, once the backend has answered, or when the client sends for the
 *                        second time: who scans a network costs the switch nothing, and who only
 *                        ever sends (a log, say) gets entries all the same. An entry cannot see the
 *                        identifier of an echo: these go through the controller
 *     from a replica     what belongs to no session (the server speaks first, or was silent for
 *                        long) begins one with the replica as its backend: so what comes back
 *                        reaches the one that sent, and the other end sees the stable MAC of the
 *                        address, as it would in an answer. Where two replicas send with the same
 *                        ports to the same end, the last one gets the answers
 *     from another       than its backend, which is still there, towards a client that has begun the
 *                        session: a replica that was given up. It is dropped: a client hears one
 *                        server
 *     refused            is nobody with an answer: UDP has none. Datagrams to a port that the
 *                        service does not have, to an address all of whose owners are down, and
 *                        beyond the session table's limit are dropped, and counted
 *
 * Sessions age as those of TCP do (balancer_sessions.c), and each datagram that the controller sees
 * lets their time begin anew:
 *
 *     unanswered   70 s: one datagram of a client, no answer
 *     live         entries are in the switch, which takes them back when no datagram came by them
 *                  for the idle timeout
 *     open         300 s (the grace time) after the last datagram, or after the entries have gone;
 *                  this is how long a pause may be after which the same backend goes on
 *
 * A frame that came over a link was dealt with where it entered the network: what is known there is
 * not learned again, and it goes on to the end that it was on its way to.
 *
 * What is left to others: later fragments, and ICMP errors (balancer_related.c); datagrams to many
 * (balancer.c); what becomes of sessions whose ends moved (balancer_sweep.c). */
#include "controller/apps/balancer_datagrams.h"

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_send.h"
#include "controller/apps/balancer_tcp.h"

/* In place of a session's count of SYNs: a replica has begun it. */
enum { BEGUN_BY_BACKEND = UINT8_MAX };

static bool is_from_link(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	return fb_discovery_port(call->b->discovery, balancer_place(call, pi)) == FB_PORT_LINK;
}

/* Between two hosts that are not the same. */
static bool has_sane_addresses(const struct fb_packet *p)
{
	return p->nw_src != 0 && p->nw_src < 0xe0000000 && p->nw_dst != 0 &&
	       p->nw_dst < 0xe0000000 && p->nw_src != p->nw_dst && !fb_mac_is_multicast(p->dl_src);
}

static bool is_shared(const struct balancer_address *address)
{
	return address && address->shared;
}

/* The MAC under which others know the sender of 'p', which shares its address. */
static void shown_mac(const struct balancer_call *call, const struct fb_packet *p,
                      uint8_t mac[FB_MAC_BYTES])
{
	if (call->b->config.arp == BALANCER_ARP_PROXY)
		balancer_arp_mac(mac, p->nw_src);
	else
		memcpy(mac, p->dl_src, FB_MAC_BYTES);
}

/* To the one station that 'pi', which is of no session, can be meant for. */
static void pass_alone(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	const struct balancer_address *from =
	        balancer_owners_find(call, p->nw_src, balancer_vlan(p));
	struct balancer_rewrite rewrite;
	uint8_t mac[FB_MAC_BYTES];

	if (!balancer_tcp_one_meant(call, p, &rewrite)) {
		call->b->counters.strays_dropped++;
		balancer_send_drop(call, pi);
		return;
	}
	if (is_shared(from)) {
		shown_mac(call, p, mac);
		rewrite.dl_src = mac;
	}
	call->b->counters.strays_passed++;
	if (p->more_fragments)
		balancer_related_first(call, pi, &rewrite);
	balancer_send_through(call, pi, &rewrite);
}

/* --- The first datagram --- */

/* The owner that gets it; NULL: there is none. A host that shares its address with nobody, and was
 * addressed itself, is nobody's choice. */
static const struct balancer_owner *backend_for(const struct balancer_call *call,
                                                const struct fb_packet_in *pi,
                                                struct balancer_address *address)
{
	const struct balancer_owner *only = &address->owners[0];

	if (!address->shared && address->owners_count == 1 && balancer_owner_is_there(only) &&
	    fb_mac_equal(only->mac, pi->packet.dl_dst))
		return only;
	return balancer_tcp_choose(call, pi, address);
}

/* 'pi', which a replica has sent, is the first of 'session', which ends at the station 'mac' at
 * 'at'. */
static void begin_at_backend(const struct balancer_call *call, const struct fb_packet_in *pi,
                             struct balancer_session *session, const uint8_t mac[FB_MAC_BYTES],
                             struct fb_place at)
{
	const struct fb_packet *p = &pi->packet;

	memcpy(session->client_mac, mac, FB_MAC_BYTES);
	session->client_at = at;
	shown_mac(call, p, session->addressed_mac);
	balancer_sessions_set_backend(call, session, p->dl_src, balancer_place(call, pi));
	session->syns = BEGUN_BY_BACKEND;
	balancer_tcp_note(session, BALANCER_TO_CLIENT, p);
	balancer_tcp_note(session, BALANCER_TO_BACKEND, p);
	memcpy(session->seen[BALANCER_TO_BACKEND].dl_dst, session->addressed_mac, FB_MAC_BYTES);
}

static struct balancer_key reversed(const struct balancer_key *key)
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

/* The sender of 'pi' is one of several, and the one that it is for is not. */
static bool is_from_replica(const struct balancer_call *call, const struct fb_packet_in *pi,
                            const struct balancer_key *key)
{
	const struct balancer_address *from = balancer_owners_find(call, key->client_ip, key->vlan);
	const struct balancer_address *to = balancer_owners_find(call, key->server_ip, key->vlan);

	return is_shared(from) && !is_shared(to) && balancer_owners_by_mac(from, pi->packet.dl_src);
}

/* Make 'pi' the first of a session with 'key', in which its sender is called the client, and pass it
 * on to the station 'mac' at 'at'. */
static void begin(const struct balancer_call *call, const struct fb_packet_in *pi,
                  const struct balancer_key *key, const uint8_t mac[FB_MAC_BYTES],
                  struct fb_place at)
{
	const bool is_udp = key->proto == FB_IP_UDP;
	const bool by_replica = is_from_replica(call, pi, key);
	const struct balancer_key other = reversed(key);
	struct balancer_session *session = balancer_sessions_add(call, by_replica ? &other : key);

	if (!session) {
		call->b->counters.refused_sessions_full++;
		balancer_send_drop(call, pi);
		return;
	}
	call->b->counters.udp_sessions += is_udp;
	call->b->counters.echo_sessions += !is_udp;
	if (by_replica) {
		begin_at_backend(call, pi, session, mac, at);
		balancer_tcp_pass_to_client(call, pi, session, false);
	} else {
		balancer_tcp_begin(call, pi, session, mac, at);
		balancer_tcp_pass_to_backend(call, pi, session, false);
	}
}

/* A switch that has just joined may have entries of the session, and so know its backend. */
static void open_session(const struct balancer_call *call, const struct fb_packet_in *pi,
                         const struct balancer_key *key)
{
	struct balancer_address *address = balancer_owners_find(call, key->server_ip, key->vlan);
	const struct balancer_owner *owner;

	if (key->proto == FB_IP_UDP && balancer_recovery_wait(call, pi))
		return;
	if (!address || balancer_owners_is_recalled(address)) {
		balancer_held_add(call, pi);
		return;
	}
	if (key->proto == FB_IP_UDP && address->service &&
	    !balancer_service_serves(address->service, FB_IP_UDP, key->server_tp)) {
		call->b->counters.refused_port++;
		balancer_send_drop(call, pi);
		return;
	}
	balancer_owners_wanted(call, address);
	owner = backend_for(call, pi, address);
	if (!owner) {
		call->b->counters.refused_all_down++;
		balancer_send_drop(call, pi);
		return;
	}
	begin(call, pi, key, owner->mac, owner->at);
}

/* --- Datagrams of a session --- */

/* The owner that takes the place of the backend of 'session'; NULL where that goes on, or where there
 * is none. '*lives' says whether the backend is there. One that has failed gets the answers to what
 * it has asked itself. */
static const struct balancer_owner *successor(const struct balancer_call *call,
                                              const struct fb_packet_in *pi,
                                              struct balancer_session *session, bool *lives)
{
	const struct balancer_key key = balancer_sessions_key_of(session);
	const bool stays = call->b->config.on_failure == BALANCER_FAILURE_LEAVE ||
	                   session->syns == BEGUN_BY_BACKEND;
	struct balancer_address *address = balancer_owners_find(call, key.server_ip, key.vlan);
	const struct balancer_owner *owner =
	        address ? balancer_owners_by_mac(address, session->backend_mac) : NULL;

	*lives = balancer_tcp_backend_lives(call, session);
	if (!address || (*lives && (stays || !(owner && owner->failed))))
		return NULL;
	return balancer_tcp_choose(call, pi, address);
}

/* The backend of 'session' takes datagrams; where it is gone, or failed, another does. False when
 * there is none: 'session' is no more then, and 'pi' dropped. */
static bool has_backend(const struct balancer_call *call, const struct fb_packet_in *pi,
                        struct balancer_session *session)
{
	bool lives;
	const struct balancer_owner *owner = successor(call, pi, session, &lives);

	if (owner) {
		balancer_sessions_set_backend(call, session, owner->mac, owner->at);
		call->b->counters.moved++;
	} else if (!lives) {
		call->b->counters.refused_all_down++;
		balancer_paths_remove(call, session);
		balancer_sessions_remove(call, session);
		balancer_send_drop(call, pi);
	}
	return owner || lives;
}

/* 'pi' came by an edge: its sender is the client of 'session' from now on. */
static void hear_client(const struct balancer_call *call, const struct fb_packet_in *pi,
                        struct balancer_session *session)
{
	const struct fb_packet *p = &pi->packet;
	const struct fb_place at = balancer_place(call, pi);

	if (!fb_mac_equal(p->dl_src, session->client_mac)) {
		balancer_paths_remove(call, session);
		memcpy(session->client_mac, p->dl_src, FB_MAC_BYTES);
	}
	if (!balancer_same_place(session->client_at, at))
		balancer_paths_renew(call, session, at, session->backend_at);
	session->answered = true; /* it is an answer, or not the first */
	balancer_tcp_note(session, BALANCER_TO_BACKEND, p);
}

static void from_client(const struct balancer_call *call, const struct fb_packet_in *pi,
                        struct balancer_session *session)
{
	bool is_udp = session->sorted.proto == FB_IP_UDP;

	if (!is_from_link(call, pi))
		hear_client(call, pi, session);
	if (has_backend(call, pi, session))
		balancer_tcp_pass_to_backend(call, pi, session, is_udp);
}

/* 'pi' came by an edge, from the backend of 'session' or from one that takes its place; or from
 * another: false then. Replicas that both send first take turns. */
static bool hear_backend(const struct balancer_call *call, const struct fb_packet_in *pi,
                         struct balancer_session *session)
{
	const struct fb_packet *p = &pi->packet;
	const struct fb_place at = balancer_place(call, pi);

	if (!fb_mac_equal(p->dl_src, session->backend_mac)) {
		if (session->syns != BEGUN_BY_BACKEND) {
			if (balancer_tcp_backend_lives(call, session))
				return false;
			call->b->counters.moved++;
		}
		balancer_sessions_set_backend(call, session, p->dl_src, at);
	} else if (!balancer_same_place(session->backend_at, at)) {
		balancer_paths_renew(call, session, session->client_at, at);
	}
	session->abandoned = false;
	session->answered = true;
	balancer_tcp_note(session, BALANCER_TO_CLIENT, p);
	return true;
}

static void from_backend(const struct balancer_call *call, const struct fb_packet_in *pi,
                         struct balancer_session *session)
{
	bool is_udp = session->sorted.proto == FB_IP_UDP, lives;

	if (!is_from_link(call, pi) && !hear_backend(call, pi, session)) {
		call->b->counters.strangers++;
		balancer_send_drop(call, pi);
		return;
	}
	lives = balancer_tcp_client_lives(call, session);
	balancer_tcp_pass_to_client(call, pi, session, lives && is_udp);
}

/* --- By protocol --- */

/* 'opens' says that a datagram like 'pi' begins a session. */
static void handle(const struct balancer_call *call, const struct fb_packet_in *pi, bool opens)
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
	if (!session && key.proto == FB_IP_UDP)
		session = balancer_recovery_session(call, pi, &direction);
	if (session && direction == BALANCER_TO_BACKEND)
		from_client(call, pi, session);
	else if (session)
		from_backend(call, pi, session);
	else if (opens && !is_from_link(call, pi))
		open_session(call, pi, &key);
	else
		pass_alone(call, pi);
}

void balancer_datagrams_udp(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	handle(call, pi, true);
}

/* A reply without its request says nothing about who may ask. */
void balancer_datagrams_echo(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	handle(call, pi, pi->packet.tp_src == FB_ICMP_ECHO_REQUEST);
}

/* Others that were held with it may have begun the session. */
void balancer_datagrams_by_mac(const struct balancer_call *call, const struct fb_packet_in *pi,
                               struct fb_place at)
{
	enum balancer_direction direction;
	struct balancer_key key;

	balancer_sessions_key(&key, &pi->packet);
	if (balancer_sessions_find(&call->b->sessions, &key, &direction))
		handle(call, pi, false);
	else
		begin(call, pi, &key, pi->packet.dl_dst, at);
}
