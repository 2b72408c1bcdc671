/* Segments of sessions that the controller does not know: strays.
 *
 * A restarted controller, or one that has forgotten a session that was silent for longer than the
 * grace time, meets connections in their middle. Their backend is one of the owners of the address
 * and no other will do. So it is found out, never chosen:
 *
 *     entries have told it (balancer_recall.c)   it is taken from there
 *     the sender is an owner of a shared         it is the backend itself
 *     address, its peer is none
 *     one owner can be meant                     the segment goes to it; it is the backend when
 *                                                it answers, and refuses with RST for all
 *     several can                                the segment goes to each of them, and so do those
 *                                                that follow. Who answers with RST is excluded, and
 *                                                the RST swallowed. Who answers otherwise is the
 *                                                backend from then on. When all have refused, the
 *                                                last RST is passed on: the connection is no more
 *
 * Who of two is the server? The one whose address is shared. Where none is, who says SYN-ACK, or
 * has the lower port; where both are, the receiver: what matters is which of its owners is meant.
 *
 * An answer counts when its numbers may belong to the connection: when it acknowledges about what
 * the client sent, and comes from about where the client has acknowledged. An owner that has another
 * connection with the same ports in TIME_WAIT does answer, but not that.
 *
 * Who is a candidate? Every owner that is there, drained or failing checks too. Before an address is
 * judged by its owners all of them must have had the time to speak: a stray towards one that was not
 * asked for lately waits (arp_settle). In the first seconds of a controller (YOUNG_NS) not all
 * switches may be back, nor all owners be known. So it asks for the address of the sender, too,
 * before it says which is the server, and takes nobody for that because of ports. No RST is passed
 * on: candidates that refused are asked again with the next segment. The same holds for UNREST_NS
 * after a port or a switch changed, and while the switch of an owner is away: who has the connection
 * may be there, and not heard yet. And an entry that names a backend is believed even when nobody
 * knows where that is: its segments wait for a moment and are dropped then, and come again.
 *
 * Segments wait, too, while switches tell their entries: both lists are bounded by hold_max. A held
 * segment keeps its buffer in the switch, or its bytes here where the switch kept none.
 *
 * A segment of which the switch sent the beginning only cannot be copied here. Then one packet-out
 * does what copies do: it sets each candidate's MAC in turn and puts the buffered frame out towards
 * it. At a candidate's switch, if that is another, the frame comes in by a link, and its MAC says
 * whom it is for. A RST of an unknown session is shown to nobody, and one that an owner of a shared
 * address sends is dropped: it may be a candidate's, whose session had to give way. TCP is never
 * flooded.
 *
 * The SYN-ACK of an unknown session that one of several owners of an address sends is dropped: another
 * may have answered the client since. If none has, its SYN comes again. In mode=packet, where no entry
 * would tell of a session that was answered, it is passed on.
 *
 * Only an answer makes entries: a stranger that sends strays costs the switch nothing. It is one of
 * the other side than the first segment came from, and no RST. Until then the session is an
 * unanswered one.
 *
 * Limits: sessions that are found out (probes_max; a stray beyond it is dropped, or passed on where
 * only one is meant), candidates that a segment is shown to at a time (the next ones get the next
 * segment), frames that wait. What is left out: later fragments of a segment that is shown to
 * several are dropped (balancer_related.c). */
#include "controller/apps/balancer_recovery.h"

#include <stdlib.h>

#include <flowbed/action.h>

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_send.h"
#include "controller/apps/balancer_tcp.h"

#define YOUNG_NS  (10 * FB_NS_PER_S)
#define UNREST_NS (2 * FB_NS_PER_S)
#define ASKED_NS  (60 * FB_NS_PER_S) /* for so long the answers of an address's owners count */

enum {
	WAITING_BYTES_MAX = 2048, /* of one frame */
	SHOWN_MAX = 64,           /* candidates that one segment goes to */
	NEAR = 1 << 26,           /* numbers of one connection are not further apart */
	EXCLUDED_FIRST = 4,       /* room made for them at first */
	CONTROL_FLAGS = FB_TCP_SYN | FB_TCP_ACK | FB_TCP_RST | FB_TCP_FIN,
};

/* A packet that waits. */
struct recovery_frame {
	TAILQ_ENTRY(recovery_frame) link;
	uint64_t due_ns;
	uint16_t node;
	struct fb_packet_in pi; /* pi.packet.data is 'bytes' */
	uint8_t bytes[];
};

/* A session whose backend is being found out. */
struct probe {
	uint32_t session;  /* its index */
	uint32_t seq, ack; /* of the client's last segment */
	bool has_ack;
	uint32_t shown;     /* segments shown to some of many candidates: whose turn is next */
	uint64_t *excluded; /* their MACs */
	uint32_t excluded_count, excluded_size;
};

/* What is known of a session that is to be made. A place with port 0, and an address of zeros, is
 * not known. */
struct ends {
	struct balancer_key key;
	uint8_t client_mac[FB_MAC_BYTES], addressed_mac[FB_MAC_BYTES], backend_mac[FB_MAC_BYTES];
	struct fb_place client_at, backend_at;
};

/* Those that a segment can be meant for. */
struct candidates {
	const struct balancer_owner *shown[SHOWN_MAX];
	uint32_t shown_count;
	uint32_t count; /* of all */
};

bool balancer_recovery_init(struct balancer_recovery *recovery, const struct balancer *b,
                            uint32_t seed)
{
	TAILQ_INIT(&recovery->recalling);
	TAILQ_INIT(&recovery->settling);
	recovery->probes = fb_table_new(sizeof(uint32_t), sizeof(struct probe),
	                                b->config.probes_max > 0 ? b->config.probes_max : 1);
	if (!recovery->probes)
		return false;
	fb_table_seed(recovery->probes, seed);
	return true;
}

/* --- Packets that wait --- */

static void forget_frame(struct balancer_recovery *recovery, struct recovery_frames *frames,
                         struct recovery_frame *frame)
{
	TAILQ_REMOVE(frames, frame, link);
	recovery->waiting--;
	free(frame);
}

void balancer_recovery_free(struct balancer_recovery *recovery)
{
	struct probe *probe = recovery->probes ? fb_table_oldest(recovery->probes) : NULL;
	struct recovery_frame *frame;

	if (!recovery->probes)
		return;
	while ((frame = TAILQ_FIRST(&recovery->recalling)))
		forget_frame(recovery, &recovery->recalling, frame);
	while ((frame = TAILQ_FIRST(&recovery->settling)))
		forget_frame(recovery, &recovery->settling, frame);
	for (; probe; probe = fb_table_newer(recovery->probes, probe))
		free(probe->excluded);
	fb_table_free(recovery->probes);
}

static bool keep(const struct balancer_call *call, const struct fb_packet_in *pi,
                 struct recovery_frames *frames, uint64_t wait_ns)
{
	struct balancer_recovery *recovery = &call->b->recovery;
	const struct fb_packet *p = &pi->packet;
	struct recovery_frame *frame = NULL;

	if (recovery->waiting < call->b->config.hold_max && p->len <= WAITING_BYTES_MAX)
		frame = malloc(sizeof *frame + p->len);
	if (!frame) {
		call->b->counters.strays_full++;
		return false;
	}
	frame->pi = *pi;
	frame->node = call->node;
	frame->due_ns = call->now_ns + wait_ns;
	memcpy(frame->bytes, p->data, p->len);
	fb_packet_parse(&frame->pi.packet, frame->bytes, p->len);
	TAILQ_INSERT_TAIL(frames, frame, link);
	recovery->waiting++;
	call->b->counters.strays_waited++;
	return true;
}

static void keep_or_drop(const struct balancer_call *call, const struct fb_packet_in *pi,
                         struct recovery_frames *frames, uint64_t wait_ns)
{
	if (!keep(call, pi, frames, wait_ns))
		balancer_send_drop(call, pi);
}

/* Take 'frame' out of 'frames' and handle it as if it had just come. */
static void go_on(const struct balancer_call *call, struct recovery_frames *frames,
                  struct recovery_frame *frame)
{
	struct balancer_recovery *recovery = &call->b->recovery;
	struct balancer_call then = *call;

	TAILQ_REMOVE(frames, frame, link);
	recovery->waiting--;
	then.node = frame->node;
	then.sw = fb_discovery_switch(call->b->discovery, frame->node);
	then.cause = NULL;
	recovery->impatient = true;
	if (then.sw)
		balancer_handle_again(&then, &frame->pi);
	recovery->impatient = false;
	free(frame);
}

static void go_on_due(const struct balancer_call *call, struct recovery_frames *frames)
{
	struct recovery_frame *frame;

	while ((frame = TAILQ_FIRST(frames)) && frame->due_ns <= call->now_ns)
		go_on(call, frames, frame);
}

static void forget_frames_of(struct balancer_recovery *recovery, struct recovery_frames *frames,
                             uint16_t node)
{
	struct recovery_frame *frame = TAILQ_FIRST(frames), *next;

	for (; frame; frame = next) {
		next = TAILQ_NEXT(frame, link);
		if (frame->node == node)
			forget_frame(recovery, frames, frame);
	}
}

void balancer_recovery_unrest(const struct balancer_call *call)
{
	call->b->recovery.unrest_ns = call->now_ns;
}

void balancer_recovery_switch_up(const struct balancer_call *call)
{
	if (call->b->recovery.began_ns == 0)
		call->b->recovery.began_ns = call->now_ns;
	balancer_recovery_unrest(call);
}

void balancer_recovery_switch_down(const struct balancer_call *call)
{
	struct balancer_recovery *recovery = &call->b->recovery;

	forget_frames_of(recovery, &recovery->recalling, call->node);
	forget_frames_of(recovery, &recovery->settling, call->node);
}

/* True when 'pi' should wait for what switches tell. */
static bool must_wait(const struct balancer *b)
{
	return balancer_recall_is_on(&b->recall) && !b->recovery.impatient;
}

bool balancer_recovery_wait(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	return must_wait(call->b) && balancer_recall_asks(&call->b->recall, call->node) &&
	       keep(call, pi, &call->b->recovery.recalling, call->b->config.recall_timeout_ns);
}

void balancer_recovery_recalled(const struct balancer_call *call)
{
	struct recovery_frames *frames = &call->b->recovery.recalling;
	struct recovery_frame *frame;

	while ((frame = TAILQ_FIRST(frames)))
		go_on(call, frames, frame);
}

/* --- Making sessions --- */

static bool is_set(const uint8_t mac[FB_MAC_BYTES])
{
	return fb_mac_to_u64(mac) != 0;
}

static bool came_by_link(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	return fb_discovery_port(call->b->discovery, balancer_place(call, pi)) == FB_PORT_LINK;
}

/* Where 'mac', which has the address 'ip', is; port 0: nobody knows. */
static struct fb_place place_of(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                                const uint8_t mac[FB_MAC_BYTES])
{
	const struct balancer_address *address = balancer_owners_find(call, ip, vlan);
	const struct balancer_owner *owner = address ? balancer_owners_by_mac(address, mac) : NULL;
	const struct fb_host *host;

	if (owner && balancer_owner_is_there(owner))
		return owner->at;
	host = fb_discovery_host(call->b->discovery, mac, vlan);
	return host ? host->at : (struct fb_place){0};
}

/* The MAC by which clients reach the address, where nothing tells which they use. */
static void guess_addressed(const struct balancer_call *call, struct ends *ends)
{
	if (call->b->config.arp == BALANCER_ARP_PROXY)
		balancer_arp_mac(ends->addressed_mac, ends->key.server_ip);
	else
		memcpy(ends->addressed_mac, ends->backend_mac, FB_MAC_BYTES);
}

/* Add to 'ends' what 'pi', a packet in 'direction', says of who sent it. On its way over links its
 * sender is where it was. */
static void learn_sender(const struct balancer_call *call, const struct fb_packet_in *pi,
                         enum balancer_direction direction, struct ends *ends)
{
	const struct fb_packet *p = &pi->packet;
	const bool by_link = came_by_link(call, pi);

	if (direction == BALANCER_TO_BACKEND) {
		memcpy(ends->client_mac, p->dl_src, FB_MAC_BYTES);
		if (!by_link)
			ends->client_at = balancer_place(call, pi);
		if (!by_link && !fb_mac_is_multicast(p->dl_dst))
			memcpy(ends->addressed_mac, p->dl_dst, FB_MAC_BYTES);
	} else if (!by_link) {
		memcpy(ends->backend_mac, p->dl_src, FB_MAC_BYTES);
		ends->backend_at = balancer_place(call, pi);
	} else if (!is_set(ends->client_mac)) {
		memcpy(ends->client_mac, p->dl_dst, FB_MAC_BYTES);
	}
}

static void fill_places(const struct balancer_call *call, struct ends *ends)
{
	const struct balancer_key *key = &ends->key;

	if (ends->client_at.port == 0)
		ends->client_at = place_of(call, key->client_ip, key->vlan, ends->client_mac);
	if (ends->backend_at.port == 0)
		ends->backend_at = place_of(call, key->server_ip, key->vlan, ends->backend_mac);
	if (!is_set(ends->addressed_mac))
		guess_addressed(call, ends);
}

/* What frames of the other direction than that of 'pi' look like, as far as can be told. */
static void note_other(struct balancer_session *session, enum balancer_direction direction)
{
	const bool back = direction == BALANCER_TO_CLIENT;
	struct balancer_seen *other =
	        &session->seen[back ? BALANCER_TO_BACKEND : BALANCER_TO_CLIENT];

	*other = session->seen[direction];
	memcpy(other->dl_dst, back ? session->addressed_mac : session->client_mac, FB_MAC_BYTES);
}

/* A session with 'ends', of which 'pi' is a packet in 'direction'; NULL where there is no room. With
 * a backend it is answered: nobody else will do. */
static struct balancer_session *make_session(const struct balancer_call *call,
                                             const struct fb_packet_in *pi,
                                             enum balancer_direction direction,
                                             const struct ends *ends)
{
	struct balancer_session *session = balancer_sessions_add(call, &ends->key);

	if (!session) {
		call->b->counters.refused_sessions_full++;
		return NULL;
	}
	memcpy(session->client_mac, ends->client_mac, FB_MAC_BYTES);
	memcpy(session->addressed_mac, ends->addressed_mac, FB_MAC_BYTES);
	session->client_at = ends->client_at;
	balancer_tcp_note(session, (int)direction, &pi->packet);
	note_other(session, direction);
	session->answered = is_set(ends->backend_mac);
	if (session->answered) {
		balancer_sessions_set_backend(call, session, ends->backend_mac, ends->backend_at);
		call->b->counters.recovered++;
	}
	return session;
}

struct balancer_session *balancer_recovery_session(const struct balancer_call *call,
                                                   const struct fb_packet_in *pi,
                                                   enum balancer_direction *direction)
{
	const struct fb_packet *p = &pi->packet;
	struct balancer_session *session;
	struct balancer_half *half;
	struct balancer_key key;
	struct ends ends;

	balancer_sessions_key(&key, p);
	half = balancer_recall_find(&call->b->recall, &key, direction);
	if (!half)
		return NULL;
	ends = (struct ends){
	        .key = half->key, .client_at = half->client_at, .backend_at = half->backend_at};
	memcpy(ends.client_mac, half->client_mac, FB_MAC_BYTES);
	memcpy(ends.addressed_mac, half->addressed_mac, FB_MAC_BYTES);
	memcpy(ends.backend_mac, half->backend_mac, FB_MAC_BYTES);
	/* Somebody else than the backend has no part in it. */
	if (*direction == BALANCER_TO_CLIENT && !came_by_link(call, pi) &&
	    !fb_mac_equal(p->dl_src, half->backend_mac))
		return NULL;
	learn_sender(call, pi, *direction, &ends);
	if (!is_set(ends.client_mac)) {
		/* The backend speaks, and only the way to it was told: who it speaks to is found by
		 * the address. */
		struct balancer_rewrite rewrite;

		if (!balancer_tcp_one_meant(call, p, &rewrite) || !rewrite.dl_dst)
			return NULL;
		memcpy(ends.client_mac, rewrite.dl_dst, FB_MAC_BYTES);
	}
	fill_places(call, &ends);
	if ((*direction == BALANCER_TO_BACKEND ? ends.backend_at.port : ends.client_at.port) == 0)
		return NULL;
	session = make_session(call, pi, *direction, &ends);
	if (session)
		balancer_recall_forget(&call->b->recall, half);
	return session;
}

/* --- Candidates --- */

static struct probe *probe_of(const struct balancer_call *call,
                              const struct balancer_session *session)
{
	uint32_t index = fb_table_index_of(call->b->sessions.table, session);

	return fb_table_find(call->b->recovery.probes, &index);
}

static bool is_excluded(const struct probe *probe, const struct balancer_owner *owner)
{
	for (uint32_t i = 0; probe && i < probe->excluded_count; i++) {
		if (probe->excluded[i] == owner->as.id)
			return true;
	}
	return false;
}

/* False when memory is short: it will be asked again. */
static bool exclude(struct probe *probe, const struct balancer_owner *owner)
{
	if (probe->excluded_count == probe->excluded_size) {
		uint32_t size = probe->excluded_size ? 2 * probe->excluded_size : EXCLUDED_FIRST;
		uint64_t *excluded = realloc(probe->excluded, size * sizeof *excluded);

		if (!excluded)
			return false;
		probe->excluded = excluded;
		probe->excluded_size = size;
	}
	probe->excluded[probe->excluded_count++] = owner->as.id;
	return true;
}

static bool can_be_meant(const struct balancer_call *call, const struct probe *probe,
                         const struct balancer_owner *owner)
{
	return balancer_owner_is_there(owner) &&
	       fb_discovery_switch(call->b->discovery, owner->at.node) &&
	       !is_excluded(probe, owner);
}

/* Those of 'address' that 'probe' (NULL: nobody was asked yet) has not excluded. */
static struct candidates find_candidates(const struct balancer_call *call,
                                         const struct balancer_address *address,
                                         const struct probe *probe)
{
	struct candidates found = {.count = 0};
	uint32_t first = 0;

	for (uint32_t i = 0; i < address->owners_count; i++)
		found.count += can_be_meant(call, probe, &address->owners[i]);
	if (probe && found.count > SHOWN_MAX)
		first = probe->shown * SHOWN_MAX % found.count;
	for (uint32_t i = 0, rank = 0; i < address->owners_count; i++) {
		const struct balancer_owner *owner = &address->owners[i];

		if (can_be_meant(call, probe, owner) && rank++ >= first &&
		    found.shown_count < SHOWN_MAX)
			found.shown[found.shown_count++] = owner;
	}
	return found;
}

/* --- Showing --- */

static struct balancer_rewrite towards(const struct balancer_owner *owner)
{
	return (struct balancer_rewrite){.dl_dst = owner->mac, .at = owner->at};
}

/* The port of the call's switch that leads towards 'at'; 0: none does. */
static uint16_t port_towards(const struct balancer_call *call, const struct fb_packet_in *pi,
                             struct fb_place at)
{
	struct fb_hop hops[FB_PATH_HOPS_MAX];

	if (at.node == call->node)
		return at.port;
	return fb_discovery_path(call->b->discovery, balancer_place(call, pi), at,
	                         pi->packet.nw_src, hops) > 0
	               ? hops[0].out_port
	               : 0;
}

/* Release the buffered frame 'pi' to all of 'to' at once. */
static void show_buffered(const struct balancer_call *call, const struct fb_packet_in *pi,
                          const struct candidates *to)
{
	uint8_t bytes[SHOWN_MAX * BALANCER_ACTIONS_BYTES];
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);
	struct fb_packet_out po = {.buffer_id = pi->buffer_id, .in_port = pi->in_port};

	for (uint32_t i = 0; i < to->shown_count; i++) {
		uint16_t port = port_towards(call, pi, to->shown[i]->at);

		if (port == 0)
			call->b->counters.no_path++;
		else
			balancer_send_put_actions(&actions, NULL, to->shown[i]->mac, port,
			                          pi->in_port);
	}
	po.actions = (struct fb_view){.data = actions.data, .len = actions.len};
	fb_send_packet_out(call->b->app, call->sw, call->cause, &po);
}

/* Release 'pi', of which each of 'to' gets a copy. */
static void show(const struct balancer_call *call, const struct fb_packet_in *pi,
                 const struct candidates *to)
{
	const bool is_cut = pi->packet.len < pi->total_len;
	struct balancer_rewrite rewrite;

	if (to->shown_count == 0) {
		call->b->counters.strays_dropped++;
		balancer_send_drop(call, pi);
		return;
	}
	call->b->counters.strays_probed++;
	if (is_cut && pi->buffer_id != OFP_NO_BUFFER) {
		show_buffered(call, pi, to);
		return;
	}
	for (uint32_t i = 0; i + 1 < to->shown_count; i++) {
		rewrite = towards(to->shown[i]);
		balancer_send_copy(call, pi, &rewrite);
	}
	rewrite = towards(to->shown[to->shown_count - 1]);
	balancer_send_through(call, pi, &rewrite);
}

/* --- Finding out --- */

/* The controller has not been here for long: others than those it knows may be meant. */
static bool is_young(const struct balancer_call *call)
{
	return call->now_ns - call->b->recovery.began_ns < YOUNG_NS;
}

/* Others than the candidates of 'address' may be meant: who has the connection was not heard yet, or
 * cannot be asked just now. */
static bool is_unsure(const struct balancer_call *call, const struct balancer_address *address)
{
	if (is_young(call) || call->now_ns - call->b->recovery.unrest_ns < UNREST_NS)
		return true;
	for (uint32_t i = 0; i < address->owners_count; i++) {
		const struct balancer_owner *owner = &address->owners[i];

		if (balancer_owner_is_there(owner) &&
		    !fb_discovery_switch(call->b->discovery, owner->at.node))
			return true;
	}
	return false;
}

static void end_probe(const struct balancer_call *call, struct balancer_session *session)
{
	struct probe *probe = probe_of(call, session);

	session->probing = false;
	if (!probe)
		return;
	free(probe->excluded);
	fb_table_remove(call->b->recovery.probes, probe);
}

void balancer_recovery_abandon(const struct balancer_call *call, struct balancer_session *session)
{
	end_probe(call, session);
}

/* The backend of 'session' is the station 'mac' at 'at', which has answered. */
static void pin(const struct balancer_call *call, struct balancer_session *session,
                const uint8_t mac[FB_MAC_BYTES], struct fb_place at)
{
	end_probe(call, session);
	session->answered = true;
	balancer_sessions_set_backend(call, session, mac, at);
	call->b->counters.recovered++;
	balancer_sessions_settle(call, session);
}

static struct balancer_address *address_of(const struct balancer_call *call,
                                           const struct balancer_session *session)
{
	const struct balancer_key key = balancer_sessions_key_of(session);

	return balancer_owners_find(call, key.server_ip, key.vlan);
}

/* Pass 'pi' on to the owner of its address that is meant alone. No entries yet: they come with its
 * answer. */
static void pass_to_only(const struct balancer_call *call, const struct fb_packet_in *pi,
                         const struct balancer_owner *owner)
{
	const struct balancer_rewrite rewrite = towards(owner);

	call->b->counters.strays_passed++;
	if (pi->packet.more_fragments)
		balancer_related_first(call, pi, &rewrite);
	balancer_send_through(call, pi, &rewrite);
}

/* Show the client's segment 'pi' to those of 'address' that are left. */
static void show_to_left(const struct balancer_call *call, const struct fb_packet_in *pi,
                         struct balancer_session *session, const struct balancer_address *address)
{
	struct probe *probe = probe_of(call, session);
	struct candidates left = find_candidates(call, address, probe);

	probe->shown++;
	probe->seq = pi->packet.tcp_seq;
	probe->ack = pi->packet.tcp_ack;
	probe->has_ack = pi->packet.tcp_flags & FB_TCP_ACK;
	if (left.count == 1)
		pass_to_only(call, pi, left.shown[0]);
	else
		show(call, pi, &left);
}

/* A session of which only the client is known; NULL where there is no room. */
static struct balancer_session *begin_probe(const struct balancer_call *call,
                                            const struct fb_packet_in *pi)
{
	struct ends ends = {.key = {.words = {0, 0}}};
	struct fb_table *probes = call->b->recovery.probes;
	struct balancer_session *session;
	uint32_t index;

	if (fb_table_count(probes) >= call->b->config.probes_max) {
		call->b->counters.probes_full++;
		return NULL;
	}
	balancer_sessions_key(&ends.key, &pi->packet);
	learn_sender(call, pi, BALANCER_TO_BACKEND, &ends);
	if (!is_set(ends.addressed_mac))
		balancer_arp_mac(ends.addressed_mac, ends.key.server_ip);
	session = make_session(call, pi, BALANCER_TO_BACKEND, &ends);
	if (!session)
		return NULL;
	index = fb_table_index_of(call->b->sessions.table, session);
	if (!fb_table_add(probes, &index)) {
		balancer_sessions_remove(call, session);
		return NULL;
	}
	session->probing = true;
	session->shown = true;
	return session;
}

/* The client's segment 'pi' of an unknown session is for one of 'address'. */
static void from_client(const struct balancer_call *call, const struct fb_packet_in *pi,
                        struct balancer_address *address)
{
	const struct candidates found = find_candidates(call, address, NULL);
	struct balancer_session *session = found.count > 0 ? begin_probe(call, pi) : NULL;

	balancer_owners_wanted(call, address);
	if (session) {
		show_to_left(call, pi, session, address);
	} else if (found.count == 1) {
		pass_to_only(call, pi, found.shown[0]);
	} else {
		call->b->counters.strays_dropped++;
		balancer_send_drop(call, pi);
	}
}

static bool is_shared(const struct balancer_call *call, uint32_t ip, uint16_t vlan)
{
	const struct balancer_address *address = balancer_owners_find(call, ip, vlan);

	return address && address->shared;
}

/* The segment 'pi' of an unknown session comes from its backend. Its client is the one owner of the
 * address that it goes to; only when that speaks, too, is it an answer. */
static void from_backend(const struct balancer_call *call, const struct fb_packet_in *pi,
                         struct balancer_address *address)
{
	const struct candidates found = find_candidates(call, address, NULL);
	const struct balancer_owner *client = found.shown[0];
	struct balancer_session *session;
	struct balancer_key key;
	struct ends ends;

	if (found.count != 1) {
		call->b->counters.strays_dropped++;
		balancer_send_drop(call, pi);
		return;
	}
	balancer_sessions_key(&key, &pi->packet);
	ends = (struct ends){.key = {.client_ip = key.server_ip,
	                             .server_ip = key.client_ip,
	                             .client_tp = key.server_tp,
	                             .server_tp = key.client_tp,
	                             .vlan = key.vlan,
	                             .proto = key.proto},
	                     .client_at = client->at};
	memcpy(ends.client_mac, client->mac, FB_MAC_BYTES);
	learn_sender(call, pi, BALANCER_TO_CLIENT, &ends);
	guess_addressed(call, &ends);
	session = make_session(call, pi, BALANCER_TO_CLIENT, &ends);
	if (!session) {
		pass_to_only(call, pi, client);
		return;
	}
	session->isn = pi->packet.tcp_ack - 1; /* right where this is the SYN-ACK */
	session->answered = false;
	session->unheard = true;
	session->shown = true; /* perhaps, by a session that had to give way */
	call->b->counters.strays_passed++;
	balancer_tcp_pass_to_client(call, pi, session, true);
}

/* --- Strays --- */

/* False: owners of the address that were not heard yet may still speak. They are asked, where they
 * were not lately. */
static bool is_settled(const struct balancer_call *call, const struct balancer_address *address)
{
	const uint64_t since_ns = call->now_ns - address->probed_ns;

	if (address->probed_ns == 0 || (address->watch == BALANCER_IDLE && since_ns >= ASKED_NS)) {
		balancer_owners_ask(call, address->key.ip, address->key.vlan);
		return false;
	}
	return since_ns >= call->b->config.arp_settle_ns;
}

/* 'p' is a RST that one of several owners sends into no session: whether it speaks for the connection
 * nobody knows. */
static bool is_doubtful_reset(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;

	return (p->tcp_flags & FB_TCP_RST) && !came_by_link(call, pi) &&
	       is_shared(call, p->nw_src, balancer_vlan(p));
}

/* It is the SYN-ACK of one of several, and somebody else's may have reached the client. */
static bool is_late_answer(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;

	return call->b->config.mode == BALANCER_MODE_FLOWS && !came_by_link(call, pi) &&
	       (p->tcp_flags & CONTROL_FLAGS) == (FB_TCP_SYN | FB_TCP_ACK) &&
	       is_shared(call, p->nw_src, balancer_vlan(p));
}

/* True when the sender of 'p' owns the address that it sends from. */
static bool owns_its_address(const struct balancer_call *call, const struct fb_packet *p)
{
	const struct balancer_address *address =
	        balancer_owners_find(call, p->nw_src, balancer_vlan(p));

	return address && balancer_owners_by_mac(address, p->dl_src);
}

static bool is_from_server(const struct balancer_call *call, const struct fb_packet *p)
{
	const uint16_t vlan = balancer_vlan(p);
	const bool from_shared = is_shared(call, p->nw_src, vlan);
	const bool to_shared = is_shared(call, p->nw_dst, vlan);

	if (to_shared || !owns_its_address(call, p))
		return false;
	return from_shared || (p->tcp_flags & CONTROL_FLAGS) == (FB_TCP_SYN | FB_TCP_ACK) ||
	       (p->tp_src < p->tp_dst && !is_young(call));
}

/* True when all is known that tells whom 'p', towards 'address', is for. */
static bool can_tell(const struct balancer_call *call, const struct fb_packet *p,
                     const struct balancer_address *address)
{
	const struct balancer_address *from =
	        balancer_owners_find(call, p->nw_src, balancer_vlan(p));
	bool is_clear = !is_young(call) || !from || from->shared || address->shared ||
	                is_settled(call, from);

	return is_settled(call, address) && is_clear;
}

static void drop_stranger(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	call->b->counters.strangers++;
	balancer_send_drop(call, pi);
}

/* To the one that can be meant, or nowhere. */
static void pass_alone(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	struct balancer_rewrite rewrite;

	if (balancer_tcp_one_meant(call, &pi->packet, &rewrite)) {
		call->b->counters.strays_passed++;
		if (pi->packet.more_fragments)
			balancer_related_first(call, pi, &rewrite);
		balancer_send_through(call, pi, &rewrite);
	} else {
		call->b->counters.strays_dropped++;
		balancer_send_drop(call, pi);
	}
}

/* Entries have told whose the session of 'pi' is, but it cannot be made now: nobody knows where an
 * end is, or there is no room. Nobody else will do: 'pi' waits once, and else comes again. */
static void wait_for_end(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	struct balancer_recovery *recovery = &call->b->recovery;
	const struct fb_packet *p = &pi->packet;
	struct balancer_address *address = balancer_owners_find(call, p->nw_dst, balancer_vlan(p));

	if (recovery->impatient) {
		call->b->counters.strays_dropped++;
		balancer_send_drop(call, pi);
		return;
	}
	if (address)
		balancer_owners_wanted(call, address);
	else
		balancer_owners_ask(call, p->nw_dst, balancer_vlan(p));
	keep_or_drop(call, pi, &recovery->settling, call->b->config.arp_settle_ns);
}

/* 'half' is of the session of 'pi', which could not be made. */
static void stop_told(const struct balancer_call *call, const struct fb_packet_in *pi,
                      const struct balancer_half *half, enum balancer_direction direction)
{
	if (direction == BALANCER_TO_CLIENT && !came_by_link(call, pi) &&
	    !fb_mac_equal(pi->packet.dl_src, half->backend_mac))
		drop_stranger(call, pi);
	else
		wait_for_end(call, pi);
}

/* Entries have told the session of 'pi': true; it was taken care of. */
static bool pass_told(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	enum balancer_direction direction;
	struct balancer_session *session = balancer_recovery_session(call, pi, &direction);
	const struct balancer_half *half;
	struct balancer_key key;

	if (!session) {
		balancer_sessions_key(&key, &pi->packet);
		half = balancer_recall_find(&call->b->recall, &key, &direction);
		if (half)
			stop_told(call, pi, half, direction);
		return half != NULL;
	}
	call->b->counters.strays_passed++;
	if (direction == BALANCER_TO_BACKEND)
		balancer_tcp_pass_to_backend(call, pi, session, true);
	else
		balancer_tcp_pass_to_client(call, pi, session, true);
	return true;
}

/* What came over a link was looked at, and rewritten, where it entered the network. */
void balancer_recovery_stray(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	struct balancer_recovery *recovery = &call->b->recovery;
	const struct fb_packet *p = &pi->packet;
	struct balancer_address *address;

	if (must_wait(call->b)) {
		keep_or_drop(call, pi, &recovery->recalling, call->b->config.recall_timeout_ns);
		return;
	}
	if (pass_told(call, pi))
		return;
	if (is_doubtful_reset(call, pi) || is_late_answer(call, pi)) {
		call->b->counters.strays_dropped++;
		balancer_send_drop(call, pi);
		return;
	}
	if (came_by_link(call, pi) || (p->tcp_flags & FB_TCP_RST)) {
		pass_alone(call, pi);
		return;
	}
	address = balancer_owners_find(call, p->nw_dst, balancer_vlan(p));
	if (!address) {
		balancer_held_add(call, pi);
		return;
	}
	if (!can_tell(call, p, address)) {
		keep_or_drop(call, pi, &recovery->settling, call->b->config.arp_settle_ns);
		return;
	}
	if (is_from_server(call, p))
		from_backend(call, pi, address);
	else
		from_client(call, pi, address);
}

/* --- Segments of a session that is being found out --- */

/* A copy on its way over links to the candidate that it names. */
static void pass_copy(const struct balancer_call *call, const struct fb_packet_in *pi,
                      const struct balancer_address *address)
{
	const struct balancer_owner *owner =
	        address ? balancer_owners_by_mac(address, pi->packet.dl_dst) : NULL;
	struct balancer_rewrite rewrite;

	if (!owner || !balancer_owner_is_there(owner)) {
		call->b->counters.strays_dropped++;
		balancer_send_drop(call, pi);
		return;
	}
	rewrite = towards(owner);
	balancer_send_through(call, pi, &rewrite);
}

static void segment_of_client(const struct balancer_call *call, const struct fb_packet_in *pi,
                              struct balancer_session *session)
{
	struct balancer_address *address = address_of(call, session);
	const struct fb_packet *p = &pi->packet;

	if (came_by_link(call, pi)) {
		pass_copy(call, pi, address);
		return;
	}
	if (!fb_mac_equal(p->dl_src, session->client_mac) &&
	    balancer_tcp_client_lives(call, session)) {
		drop_stranger(call, pi);
		return;
	}
	if ((p->tcp_flags & CONTROL_FLAGS) == FB_TCP_SYN) {
		/* It begins anew. */
		balancer_sessions_remove(call, session);
		balancer_tcp_segment(call, pi);
		return;
	}
	memcpy(session->client_mac, p->dl_src, FB_MAC_BYTES);
	session->client_at = balancer_place(call, pi);
	balancer_tcp_note(session, BALANCER_TO_BACKEND, p);
	balancer_sessions_settle(call, session);
	if (!address) {
		call->b->counters.strays_dropped++;
		balancer_send_drop(call, pi);
		return;
	}
	balancer_owners_wanted(call, address);
	show_to_left(call, pi, session, address);
}

/* 'a' and 'b' are less than NEAR apart. */
static bool is_near(uint32_t a, uint32_t b)
{
	return a - b + NEAR < 2u * NEAR;
}

/* The numbers of a candidate's segment 'p' may be those of the connection. */
static bool is_plausible(const struct probe *probe, const struct fb_packet *p)
{
	if (!probe->has_ack || !(p->tcp_flags & FB_TCP_ACK))
		return true;
	return is_near(p->tcp_ack, probe->seq) && is_near(p->tcp_seq, probe->ack);
}

/* All candidates of 'address' have refused: the client is told, by the last one. While others may be
 * meant that are not known yet, all are asked again instead. A refusal is no answer: it makes no
 * entries. */
static void refuse_all(const struct balancer_call *call, const struct fb_packet_in *pi,
                       struct balancer_session *session, const struct balancer_address *address,
                       const struct balancer_owner *last)
{
	if (is_unsure(call, address)) {
		probe_of(call, session)->excluded_count = 0;
		balancer_send_drop(call, pi);
		return;
	}
	end_probe(call, session);
	session->closed = true;
	balancer_sessions_set_backend(call, session, last->mac, last->at);
	call->b->counters.recovered_none++;
	balancer_tcp_pass_to_client(call, pi, session, false);
}

static void refused(const struct balancer_call *call, const struct fb_packet_in *pi,
                    struct balancer_session *session, const struct balancer_address *address,
                    const struct balancer_owner *owner)
{
	struct probe *probe = probe_of(call, session);

	if (!is_excluded(probe, owner) && !exclude(probe, owner))
		balancer_send_drop(call, pi);
	else if (find_candidates(call, address, probe).count == 0)
		refuse_all(call, pi, session, address, owner);
	else
		balancer_send_drop(call, pi);
}

/* A SYN says that the sender has no such connection, as a RST does. */
static void segment_of_server(const struct balancer_call *call, const struct fb_packet_in *pi,
                              struct balancer_session *session)
{
	struct balancer_address *address = address_of(call, session);
	const struct fb_packet *p = &pi->packet;
	const struct balancer_owner *owner =
	        address ? balancer_owners_by_mac(address, p->dl_src) : NULL;
	struct balancer_rewrite rewrite;

	if (came_by_link(call, pi)) {
		/* An entry has rewritten it on its way to the client. */
		rewrite = (struct balancer_rewrite){.at = session->client_at};
		balancer_send_through(call, pi, &rewrite);
		return;
	}
	if (!owner || is_excluded(probe_of(call, session), owner)) {
		drop_stranger(call, pi);
		return;
	}
	if (p->tcp_flags & FB_TCP_RST) {
		refused(call, pi, session, address, owner);
		return;
	}
	if ((p->tcp_flags & CONTROL_FLAGS) == FB_TCP_SYN) {
		call->b->counters.refused_conflict++;
		balancer_send_refuse(call, pi);
		return;
	}
	if (!is_plausible(probe_of(call, session), p)) {
		drop_stranger(call, pi);
		return;
	}
	pin(call, session, owner->mac, balancer_place(call, pi));
	balancer_tcp_note(session, BALANCER_TO_CLIENT, p);
	balancer_tcp_pass_to_client(call, pi, session, true);
}

void balancer_recovery_segment(const struct balancer_call *call, const struct fb_packet_in *pi,
                               struct balancer_session *session, int direction)
{
	if (direction == BALANCER_TO_BACKEND)
		segment_of_client(call, pi, session);
	else
		segment_of_server(call, pi, session);
}

/* --- Time --- */

/* Sessions that nobody speaks in any more are forgotten as all unanswered ones are, and their probes
 * with them. */
void balancer_recovery_run(const struct balancer_call *call)
{
	go_on_due(call, &call->b->recovery.recalling);
	go_on_due(call, &call->b->recovery.settling);
}

uint64_t balancer_recovery_due(const struct balancer_recovery *recovery)
{
	const struct recovery_frame *recalling = TAILQ_FIRST(&recovery->recalling);
	const struct recovery_frame *settling = TAILQ_FIRST(&recovery->settling);

	return fb_time_min(recalling ? recalling->due_ns : FB_NEVER,
	                   settling ? settling->due_ns : FB_NEVER);
}
