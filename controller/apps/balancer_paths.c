/* The entries of a session on all switches between its ends.
 *
 * Installing. On one switch two flow-mods are all. On several no packet may reach a switch before
 * the entry that it needs there, and the connections to switches are not in step with each other.
 * So first come the entries of both directions on every switch but the one where the direction
 * begins, and a barrier on each; when all barriers are answered, the first entries, and then the
 * packet that waited is released. An answer that does not come in time (barrier_timeout), or a
 * switch that leaves, is not waited for any longer.
 *
 * Moving. The new entries come first, in the same order; then a barrier on the switches where the
 * directions begin; when that is answered, the old entries that no new one has replaced are deleted,
 * one by one, by exactly their match. What is on its way meanwhile finds one way or the other.
 *
 * Removing is at once: the session has no way any more.
 *
 * Limits: installs that wait (installs_max); beyond it entries are sent in the right order without
 * waiting. The frame that is kept has a size limit too. */
#include "controller/apps/balancer_paths.h"

#include <stdlib.h>

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_flows.h"
#include "controller/apps/balancer_send.h"

#define INSTALL_AGAIN_MS 1000

enum {
	KEPT_BYTES_MAX = 2048, /* of a frame */
	BARRIERS_MAX = 1 << 20,
	DIRECTIONS = 2,
	SPOTS_MAX = DIRECTIONS * FB_PATH_HOPS_MAX,
};

enum phase {
	PHASE_REST,  /* all entries but the first are under way */
	PHASE_FIRST, /* the first ones are; then the old ones go */
};

/* The packet that waits. */
struct kept {
	struct fb_packet_in pi; /* pi.packet.data is 'bytes' */
	uint16_t node;
	bool sets_src, sets_dst;
	uint8_t dl_src[FB_MAC_BYTES], dl_dst[FB_MAC_BYTES];
	struct fb_place at;
	uint8_t bytes[];
};

struct install {
	uint64_t number; /* key */
	struct balancer_link link;
	uint32_t session; /* its index */
	uint32_t awaited; /* barriers */
	enum phase phase;
	struct kept *kept; /* NULL: nothing waits */
	bool moves;        /* 'old' is what it was before, with a hold on its route */
	struct balancer_session old;
};

struct awaited {
	uint64_t key; /* node and xid */
	uint32_t install;
	uint64_t number; /* of it */
};

bool balancer_paths_init(struct balancer_paths *paths, const struct balancer *b, uint32_t seed)
{
	paths->installs =
	        fb_table_new(sizeof(uint64_t), sizeof(struct install), b->config.installs_max);
	paths->barriers = fb_table_new(sizeof(uint64_t), sizeof(struct awaited), BARRIERS_MAX);
	if (!paths->installs || !paths->barriers)
		return false;
	fb_table_seed(paths->barriers, seed);
	balancer_queue_init(&paths->due, paths->installs, offsetof(struct install, link),
	                    b->config.barrier_timeout_ns);
	return true;
}

void balancer_paths_free(struct balancer_paths *paths)
{
	struct install *install = paths->installs ? fb_table_oldest(paths->installs) : NULL;

	for (; install; install = fb_table_newer(paths->installs, install))
		free(install->kept);
	fb_table_free(paths->installs);
	fb_table_free(paths->barriers);
}

/* --- Spots --- */

/* The hops between the ends of 'session', from the client. */
static size_t hops_of(const struct balancer *b, const struct balancer_session *session,
                      struct fb_hop hops[FB_PATH_HOPS_MAX])
{
	const struct balancer_route *route;

	if (session->route == BALANCER_DIRECT) {
		hops[0] = (struct fb_hop){.node = session->client_at.node,
		                          .in_port = session->client_at.port,
		                          .out_port = session->backend_at.port};
		return 1;
	}
	route = balancer_routes_at(&b->routes, session->route);
	memcpy(hops, route->hops, route->hops_count * sizeof hops[0]);
	return route->hops_count;
}

/* The spot number 'i' of 'direction', counted from where it begins. */
static struct balancer_spot spot_at(const struct fb_hop *hops, size_t count,
                                    enum balancer_direction direction, size_t i)
{
	struct balancer_spot spot = {.direction = direction, .is_first = i == 0};

	if (direction == BALANCER_TO_BACKEND) {
		spot.hop = hops[i];
	} else {
		spot.hop = hops[count - 1 - i];
		spot.hop.in_port = hops[count - 1 - i].out_port;
		spot.hop.out_port = hops[count - 1 - i].in_port;
	}
	return spot;
}

/* All spots of 'session'. */
static size_t spots_of(const struct balancer *b, const struct balancer_session *session,
                       struct balancer_spot spots[SPOTS_MAX])
{
	struct fb_hop hops[FB_PATH_HOPS_MAX];
	size_t count = hops_of(b, session, hops), spots_count = 0;

	for (int direction = 0; direction < DIRECTIONS; direction++) {
		for (size_t i = 0; i < count; i++)
			spots[spots_count++] =
			        spot_at(hops, count, (enum balancer_direction)direction, i);
	}
	return spots_count;
}

/* The same way for both directions, whoever asks. There is none to an end that is nowhere. */
static size_t find_path(const struct balancer_call *call, const struct balancer_session *session,
                        struct fb_place client_at, struct fb_place backend_at,
                        struct fb_hop hops[FB_PATH_HOPS_MAX])
{
	const struct balancer_key key = balancer_sessions_key_of(session);
	uint64_t hash = (key.words[0] ^ key.words[1]) * UINT64_C(0x9e3779b97f4a7c15);

	if (client_at.port == 0 || backend_at.port == 0)
		return 0;
	return fb_discovery_path(call->b->discovery, client_at, backend_at, hash ^ hash >> 32,
	                         hops);
}

/* 'session' goes by 'hops' from now on; false when there is no room for one route more. */
static bool take_route(const struct balancer_call *call, struct balancer_session *session,
                       const struct fb_hop *hops, size_t count)
{
	uint32_t route = BALANCER_DIRECT;

	if (count > 1) {
		route = balancer_routes_hold(&call->b->routes, hops, count);
		if (route == FB_TABLE_NONE) {
			call->b->counters.routes_full++;
			return false;
		}
	}
	balancer_routes_release(&call->b->routes, session->route);
	session->route = route;
	return true;
}

/* --- Barriers --- */

static uint64_t barrier_key(uint16_t node, uint32_t xid)
{
	return (uint64_t)node << 32 | xid;
}

static void send_barrier(const struct balancer_call *call, struct install *install, uint16_t node)
{
	struct balancer_paths *paths = &call->b->paths;
	struct fb_switch *sw = fb_discovery_switch(call->b->discovery, node);
	uint32_t xid = sw ? fb_send_barrier(call->b->app, sw, call->cause) : 0;
	uint64_t key = barrier_key(node, xid);
	struct awaited *awaited;

	if (!xid)
		return;
	call->b->order[node] = BALANCER_ORDER_ANY;
	awaited = fb_table_find(paths->barriers, &key);
	if (!awaited && fb_table_count(paths->barriers) == fb_table_limit(paths->barriers))
		fb_table_remove(paths->barriers, fb_table_oldest(paths->barriers));
	if (!awaited)
		awaited = fb_table_add(paths->barriers, &key);
	if (!awaited)
		return;
	awaited->install = fb_table_index_of(paths->installs, install);
	awaited->number = install->number;
	install->awaited++;
}

/* --- The packet that waits --- */

static struct kept *keep(const struct balancer_call *call, const struct fb_packet_in *pi,
                         const struct balancer_rewrite *rewrite)
{
	struct kept *kept;

	if (pi->packet.len > KEPT_BYTES_MAX)
		return NULL;
	kept = malloc(sizeof *kept + pi->packet.len);
	if (!kept)
		return NULL;
	*kept = (struct kept){.pi = *pi,
	                      .node = call->node,
	                      .sets_src = rewrite->dl_src,
	                      .sets_dst = rewrite->dl_dst,
	                      .at = rewrite->at};
	if (rewrite->dl_src)
		memcpy(kept->dl_src, rewrite->dl_src, FB_MAC_BYTES);
	if (rewrite->dl_dst)
		memcpy(kept->dl_dst, rewrite->dl_dst, FB_MAC_BYTES);
	memcpy(kept->bytes, pi->packet.data, pi->packet.len);
	fb_packet_parse(&kept->pi.packet, kept->bytes, pi->packet.len);
	return kept;
}

/* Release what waited in 'install', or drop it. */
static void release_kept(const struct balancer_call *call, struct install *install, bool drop)
{
	struct kept *kept = install->kept;
	struct balancer_call from = *call;
	struct balancer_rewrite rewrite;

	install->kept = NULL;
	if (!kept)
		return;
	from.node = kept->node;
	from.sw = fb_discovery_switch(call->b->discovery, kept->node);
	rewrite = (struct balancer_rewrite){.dl_src = kept->sets_src ? kept->dl_src : NULL,
	                                    .dl_dst = kept->sets_dst ? kept->dl_dst : NULL,
	                                    .at = kept->at};
	if (from.sw && drop)
		balancer_send_drop(&from, &kept->pi);
	else if (from.sw)
		balancer_send_through(&from, &kept->pi, &rewrite);
	free(kept);
}

/* --- Installing --- */

static struct balancer_session *session_of(const struct balancer *b, const struct install *install)
{
	return fb_table_at(b->sessions.table, install->session);
}

/* The entries of all directions but their first ones, those further on before those on the way to
 * them. */
static void install_rest(const struct balancer_call *call, struct balancer_session *session,
                         const struct fb_hop *hops, size_t count)
{
	for (int direction = 0; direction < DIRECTIONS; direction++) {
		for (size_t i = count - 1; i > 0; i--) {
			const struct balancer_spot spot =
			        spot_at(hops, count, (enum balancer_direction)direction, i);

			balancer_flows_install(call, session, &spot);
		}
	}
}

/* Client to backend first: that is what the packet that is released next brings about. A direction
 * that was refused further on (a full table) gets no first entry: it would lead nowhere. */
static void install_first(const struct balancer_call *call, struct balancer_session *session,
                          const struct fb_hop *hops, size_t count)
{
	for (int direction = 0; direction < DIRECTIONS; direction++) {
		const struct balancer_spot spot =
		        spot_at(hops, count, (enum balancer_direction)direction, 0);

		if (session->entries & 1 << direction)
			balancer_flows_install(call, session, &spot);
	}
}

static bool is_among(const struct balancer_session *session, const struct balancer_spot *spots,
                     size_t count, uint16_t node, const struct fb_match *match)
{
	struct fb_match other;

	for (size_t i = 0; i < count; i++) {
		if (spots[i].hop.node != node)
			continue;
		balancer_flows_match(session, &spots[i], &other);
		if (fb_match_equal(match, &other))
			return true;
	}
	return false;
}

/* Delete the entries that the session had as 'old', but for those that it has as 'now' (NULL: it
 * has none). */
static void delete_old(const struct balancer_call *call, const struct balancer_session *old,
                       const struct balancer_session *now)
{
	struct balancer_spot spots[SPOTS_MAX], new_spots[SPOTS_MAX];
	size_t count = spots_of(call->b, old, spots);
	size_t new_count = now ? spots_of(call->b, now, new_spots) : 0;
	struct fb_match match;

	for (size_t i = 0; i < count; i++) {
		balancer_flows_match(old, &spots[i], &match);
		if (!is_among(now, new_spots, new_count, spots[i].hop.node, &match))
			balancer_flows_delete(call, spots[i].hop.node, &match);
	}
}

/* 'install' is over. */
static void end(const struct balancer_call *call, struct install *install)
{
	struct balancer_paths *paths = &call->b->paths;
	struct balancer_session *session = session_of(call->b, install);

	session->install = FB_TABLE_NONE;
	if (install->moves) {
		delete_old(call, &install->old, session->entries ? session : NULL);
		balancer_routes_release(&call->b->routes, install->old.route);
	}
	release_kept(call, install, true);
	balancer_queue_remove(&paths->due, install);
	fb_table_remove(paths->installs, install);
}

/* Nothing is awaited any more: on to the next phase. */
static void go_on(const struct balancer_call *call, struct install *install)
{
	struct balancer_session *session = session_of(call->b, install);
	struct fb_hop hops[FB_PATH_HOPS_MAX];
	size_t count;

	if (install->phase == PHASE_FIRST) {
		end(call, install);
		return;
	}
	count = hops_of(call->b, session, hops);
	install->phase = PHASE_FIRST;
	install_first(call, session, hops, count);
	release_kept(call, install, false);
	if (install->moves) {
		send_barrier(call, install, hops[0].node);
		if (count > 1)
			send_barrier(call, install, hops[count - 1].node);
	}
	if (install->awaited == 0)
		end(call, install);
}

/* End 'install' properly, without waiting for anybody. */
static void hurry(const struct balancer_call *call, struct install *install)
{
	struct balancer_session *session = session_of(call->b, install);

	install->awaited = 0;
	go_on(call, install);
	if (session->install != FB_TABLE_NONE)
		end(call, install);
}

static struct install *new_install(const struct balancer_call *call,
                                   struct balancer_session *session)
{
	struct balancer_paths *paths = &call->b->paths;
	uint64_t number = ++paths->installs_made;
	struct install *install = fb_table_add(paths->installs, &number);

	if (!install) {
		call->b->counters.installs_full++;
		return NULL;
	}
	install->session = fb_table_index_of(call->b->sessions.table, session);
	session->install = fb_table_index_of(paths->installs, install);
	balancer_queue_push(&paths->due, install, call->now_ns);
	call->b->counters.installs_waited++;
	return install;
}

/* 'session' is installed anew, as it is now. */
static void begin_generation(const struct balancer_call *call, struct balancer_session *session)
{
	struct balancer_sessions *sessions = &call->b->sessions;

	session->generation = ++sessions->generation;
	session->was_installed = true;
	session->refused = false;
	session->rebuilt = false;
	session->installed_ms = balancer_ms(call->now_ns);
	session->entries = 1 << BALANCER_TO_BACKEND | 1 << BALANCER_TO_CLIENT;
	balancer_sessions_trust(call, session);
}

/* Send the entries of 'session', whose route is set. 'old' is what it was before, with the hold on
 * its route, NULL: nothing is to be deleted afterwards. Returns the install that is under way, NULL:
 * all is sent. */
static struct install *send_entries(const struct balancer_call *call,
                                    struct balancer_session *session, const struct fb_hop *hops,
                                    size_t count, const struct balancer_session *old)
{
	struct install *install = count > 1 || old ? new_install(call, session) : NULL;

	begin_generation(call, session);
	install_rest(call, session, hops, count);
	if (!install) {
		install_first(call, session, hops, count);
		if (old) {
			delete_old(call, old, session);
			balancer_routes_release(&call->b->routes, old->route);
		}
		return NULL;
	}
	if (old) {
		install->moves = true;
		install->old = *old;
	}
	for (size_t i = 0; count > 1 && i < count; i++)
		send_barrier(call, install, hops[i].node);
	if (install->awaited == 0)
		go_on(call, install);
	return session->install == FB_TABLE_NONE ? NULL : install;
}

bool balancer_paths_may_install(const struct balancer_call *call,
                                const struct balancer_session *session)
{
	if (call->b->config.mode != BALANCER_MODE_FLOWS || session->closed || session->probing ||
	    session->resetting || session->install != FB_TABLE_NONE ||
	    !(session->answered || session->entries))
		return false;
	return !session->was_installed ||
	       balancer_ms(call->now_ns) - session->installed_ms >= INSTALL_AGAIN_MS;
}

bool balancer_paths_install(const struct balancer_call *call, struct balancer_session *session,
                            const struct fb_packet_in *pi, const struct balancer_rewrite *rewrite)
{
	struct fb_hop hops[FB_PATH_HOPS_MAX];
	size_t count = find_path(call, session, session->client_at, session->backend_at, hops);
	struct install *install;

	if (count == 0 || !take_route(call, session, hops, count))
		return false;
	install = send_entries(call, session, hops, count, NULL);
	if (install && pi)
		install->kept = keep(call, pi, rewrite);
	return install && install->kept;
}

/* --- Moving and removing --- */

/* True when there is nothing to do: 'session' has its entries on a way that is as good as 'hops'. */
static bool is_good(const struct balancer_call *call, const struct balancer_session *session,
                    struct fb_place client_at, struct fb_place backend_at, size_t count)
{
	struct fb_hop hops[FB_PATH_HOPS_MAX];
	size_t old_count = hops_of(call->b, session, hops);

	return balancer_same_place(session->client_at, client_at) &&
	       balancer_same_place(session->backend_at, backend_at) && old_count <= count &&
	       fb_discovery_path_holds(call->b->discovery, hops, old_count);
}

/* As far as can be seen all that lies between the ends is up. */
bool balancer_paths_may_hold(const struct balancer_call *call,
                             const struct balancer_session *session, bool *is_told)
{
	const struct fb_discovery *d = call->b->discovery;
	struct fb_hop hops[FB_PATH_HOPS_MAX];
	size_t count = hops_of(call->b, session, hops);
	bool is_away = false;

	*is_told = false;
	for (size_t i = 0; i < count; i++) {
		const struct fb_place in = {hops[i].node, hops[i].in_port};
		const struct fb_place out = {hops[i].node, hops[i].out_port};

		if (!fb_discovery_switch(d, hops[i].node)) {
			is_away = true;
			continue;
		}
		*is_told = true;
		if (fb_discovery_port(d, in) == FB_PORT_DOWN ||
		    fb_discovery_port(d, out) == FB_PORT_DOWN)
			return false;
	}
	return is_away;
}

/* True while it is not known what is behind a port on the way of 'session': its switch has just
 * joined, again, and what it forwards it goes on forwarding. */
static bool is_pending(const struct balancer_call *call, const struct balancer_session *session)
{
	const struct fb_discovery *d = call->b->discovery;
	struct fb_hop hops[FB_PATH_HOPS_MAX];
	size_t count = hops_of(call->b, session, hops);
	bool is_pending = false;

	for (size_t i = 0; i < count; i++) {
		enum fb_port_kind in = fb_discovery_port(
		        d, (struct fb_place){hops[i].node, hops[i].in_port});
		enum fb_port_kind out = fb_discovery_port(
		        d, (struct fb_place){hops[i].node, hops[i].out_port});

		if (fb_discovery_switch(d, hops[i].node) &&
		    (in == FB_PORT_DOWN || out == FB_PORT_DOWN))
			return false;
		is_pending |= in == FB_PORT_PENDING || out == FB_PORT_PENDING;
	}
	return is_pending;
}

bool balancer_paths_renew(const struct balancer_call *call, struct balancer_session *session,
                          struct fb_place client_at, struct fb_place backend_at)
{
	struct fb_hop hops[FB_PATH_HOPS_MAX];
	struct balancer_session old;
	size_t count;
	bool is_told;

	if (!session->entries) {
		session->client_at = client_at;
		session->backend_at = backend_at;
		balancer_routes_release(&call->b->routes, session->route);
		session->route = BALANCER_DIRECT;
		return true;
	}
	if (balancer_same_place(session->client_at, client_at) &&
	    balancer_same_place(session->backend_at, backend_at) && is_pending(call, session))
		return true;
	count = find_path(call, session, client_at, backend_at, hops);
	if (count == 0 && balancer_paths_may_hold(call, session, &is_told))
		return true;
	if (count > 0 && is_good(call, session, client_at, backend_at, count))
		return true;
	if (session->install != FB_TABLE_NONE)
		hurry(call, fb_table_at(call->b->paths.installs, session->install));
	if (count == 0) {
		balancer_paths_remove(call, session);
		session->client_at = client_at;
		session->backend_at = backend_at;
		return false;
	}
	old = *session;
	session->route = BALANCER_DIRECT;
	session->client_at = client_at;
	session->backend_at = backend_at;
	if (!take_route(call, session, hops, count)) {
		*session = old;
		balancer_paths_remove(call, session);
		return false;
	}
	call->b->counters.rerouted++;
	send_entries(call, session, hops, count, &old);
	return true;
}

/* Delete the entries that another run made for 'session'. Which way it took is not known; those
 * where its ends are go, and those further on get no packets any more and expire. */
static void delete_rebuilt(const struct balancer_call *call, const struct balancer_session *session)
{
	const struct fb_place ends[] = {session->client_at, session->backend_at};

	for (int i = 0; i < 2; i++) {
		if (ends[i].port == 0 || (i > 0 && ends[0].port != 0 && ends[i].node == ends[0].node))
			continue;
		for (int direction = 0; direction < DIRECTIONS; direction++)
			balancer_flows_delete_all(call, ends[i].node, session,
			                          (enum balancer_direction)direction);
	}
}

void balancer_paths_remove(const struct balancer_call *call, struct balancer_session *session)
{
	balancer_paths_abandon(call, session);
	if (session->rebuilt)
		delete_rebuilt(call, session);
	else if (session->entries)
		delete_old(call, session, NULL);
	session->rebuilt = false;
	session->entries = 0;
	balancer_routes_release(&call->b->routes, session->route);
	session->route = BALANCER_DIRECT;
}

void balancer_paths_remove_direction(const struct balancer_call *call,
                                     struct balancer_session *session, int direction)
{
	struct balancer_spot spots[SPOTS_MAX];
	size_t count = spots_of(call->b, session, spots);
	struct fb_match match;

	for (size_t i = 0; i < count; i++) {
		if ((int)spots[i].direction != direction)
			continue;
		balancer_flows_match(session, &spots[i], &match);
		balancer_flows_delete(call, spots[i].hop.node, &match);
	}
	session->entries &= (uint8_t) ~(1 << direction);
}

void balancer_paths_abandon(const struct balancer_call *call, struct balancer_session *session)
{
	if (session->install != FB_TABLE_NONE)
		end(call, fb_table_at(call->b->paths.installs, session->install));
}

/* --- Events --- */

static void answered(const struct balancer_call *call, struct awaited *awaited)
{
	struct balancer_paths *paths = &call->b->paths;
	struct install *install = fb_table_at(paths->installs, awaited->install);
	bool is_current = install && install->number == awaited->number;

	fb_table_remove(paths->barriers, awaited);
	if (is_current && install->awaited > 0 && --install->awaited == 0)
		go_on(call, install);
}

void balancer_paths_barrier(const struct balancer_call *call, uint32_t xid)
{
	uint64_t key = barrier_key(call->node, xid);
	struct awaited *awaited = fb_table_find(call->b->paths.barriers, &key);

	if (awaited)
		answered(call, awaited);
}

/* What waited and came from 'node' is lost with it. */
static void forget_kept(struct balancer_paths *paths, uint16_t node)
{
	struct install *install = fb_table_oldest(paths->installs);

	for (; install; install = fb_table_newer(paths->installs, install)) {
		if (!install->kept || install->kept->node != node)
			continue;
		free(install->kept);
		install->kept = NULL;
	}
}

void balancer_paths_switch_down(const struct balancer_call *call, uint16_t node)
{
	struct fb_table *barriers = call->b->paths.barriers;
	struct awaited *awaited = fb_table_oldest(barriers), *next;

	forget_kept(&call->b->paths, node);
	for (; awaited; awaited = next) {
		next = fb_table_newer(barriers, awaited);
		if (awaited->key >> 32 != node)
			continue;
		answered(call, awaited);
		next = fb_table_oldest(barriers); /* some may have been added */
	}
}

void balancer_paths_run(const struct balancer_call *call)
{
	struct balancer_paths *paths = &call->b->paths;

	while (balancer_queue_due(&paths->due) <= call->now_ns) {
		call->b->counters.installs_late++;
		hurry(call, balancer_queue_oldest(&paths->due));
	}
}

uint64_t balancer_paths_due(const struct balancer_paths *paths)
{
	return balancer_queue_due(&paths->due);
}
