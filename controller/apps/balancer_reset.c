/* The end of sessions whose backend failed: their clients are told by RST.
 *
 * A host takes a RST only with exactly the sequence number that it expects next (RFC 5961), and with
 * flow entries the controller has not seen the segments that would tell. So it asks: a segment with
 * numbers outside every window makes the host say by ACK what it expects (RFC 9293, section
 * 3.10.7.4). The entries of the session are gone by then, so that the answer comes to the
 * controller, and any other segment of the client does as well: each has the number.
 *
 *     TO_ASK --ask--> ASKED --its segment: RST--> told, ASKED --its RST--> done
 *                       |  no answer: ask again                  another segment: RST again
 *                       `- nor to the last: given up
 *
 * The number in the question is a guess. Inside the window it would have no answer; the next
 * question is half the number space away, where no window can reach. Its acknowledgement number is
 * the client's first one, which acknowledges nothing, and it carries a timestamp, without which
 * hosts that use them drop it (RFC 7323, section 3.2); what that says does not matter, since one
 * that is too old has the same answer.
 *
 * The RST may be lost, and the client that waits for data would wait for ever. So it is asked once
 * more: a host that has forgotten the connection answers with RST. The session stays in its table as
 * a closed one; as long as it does, whatever else its client sends is answered with RST, and so is
 * what its backend sends, should that live and not know.
 *
 * A backend that comes back before its client was told keeps the session.
 *
 * A host answers such questions at most every 500 ms (Linux): reset_timeout should be longer.
 *
 * Limits: sessions that are being reset (those beyond are forgotten at once; if their clients send,
 * recovery finds nobody and resets them), questions of one moment (spread over time), questions for
 * a session. */
#include "controller/apps/balancer_reset.h"

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_send.h"

enum {
	RESETS_MAX = 65536,
	RUN_RESETS_MAX = 256, /* handled by one run: those left wait for PAUSE_NS */
	OPTION_NOP = 1,
	OPTION_TIMESTAMP = 8,
	OPTION_TIMESTAMP_BYTES = 10,
	OPTIONS_BYTES = 2 + OPTION_TIMESTAMP_BYTES,
	SEGMENT_BYTES = FB_ETH_HEADER_BYTES + FB_VLAN_TAG_BYTES + FB_IPV4_HEADER_BYTES +
	                FB_TCP_HEADER_BYTES + OPTIONS_BYTES,
};

#define PAUSE_NS (10 * FB_NS_PER_MS)
#define FAR      (UINT32_C(1) << 31) /* from any window to outside of it */

/* A session that is being reset. */
struct reset {
	uint32_t session; /* its index */
	struct balancer_link link;
	uint32_t seq; /* of the next question */
	uint32_t asked;
	enum balancer_reset_wait wait;
};

bool balancer_reset_init(struct balancer_reset *reset, const struct balancer *b, uint32_t seed)
{
	uint32_t max = b->config.sessions_max;
	const uint64_t wait_ns[BALANCER_RESET_WAITS] = {
	        [BALANCER_RESET_TO_ASK] = 0,
	        [BALANCER_RESET_ASKED] = b->config.reset_timeout_ns,
	};

	reset->table = fb_table_new(sizeof(uint32_t), sizeof(struct reset),
	                            max < RESETS_MAX ? max : RESETS_MAX);
	if (!reset->table)
		return false;
	fb_table_seed(reset->table, seed);
	for (int i = 0; i < BALANCER_RESET_WAITS; i++)
		balancer_queue_init(&reset->queues[i], reset->table, offsetof(struct reset, link),
		                    wait_ns[i]);
	return true;
}

void balancer_reset_free(struct balancer_reset *reset)
{
	fb_table_free(reset->table);
}

static struct reset *find(const struct balancer_call *call, const struct balancer_session *session)
{
	uint32_t index = fb_table_index_of(call->b->sessions.table, session);

	return fb_table_find(call->b->reset.table, &index);
}

static void wait_for(const struct balancer_call *call, struct reset *r,
                     enum balancer_reset_wait wait)
{
	struct balancer_reset *reset = &call->b->reset;

	balancer_queue_remove(&reset->queues[r->wait], r);
	r->wait = wait;
	balancer_queue_push(&reset->queues[wait], r, call->now_ns);
}

static void end(const struct balancer_call *call, struct reset *r)
{
	struct balancer_reset *reset = &call->b->reset;

	balancer_queue_remove(&reset->queues[r->wait], r);
	fb_table_remove(reset->table, r);
}

void balancer_reset_begin(const struct balancer_call *call, struct balancer_session *session)
{
	struct balancer_reset *reset = &call->b->reset;
	uint32_t index = fb_table_index_of(call->b->sessions.table, session);
	struct reset *r;

	if (session->resetting)
		return;
	r = fb_table_add(reset->table, &index);
	if (!r) {
		call->b->counters.resets_full++;
		balancer_sessions_remove(call, session);
		return;
	}
	session->resetting = true;
	r->seq = session->isn ^ FAR;
	r->wait = BALANCER_RESET_TO_ASK;
	balancer_queue_push(&reset->queues[r->wait], r, call->now_ns);
}

void balancer_reset_abandon(const struct balancer_call *call, struct balancer_session *session)
{
	struct reset *r = find(call, session);

	if (r)
		end(call, r);
	if (session->closed)
		return;
	session->resetting = false;
	session->abandoned = false;
}

/* The backend of 'session' is there after all, and its client was not told yet: it goes on. */
static bool goes_on(const struct balancer_call *call, struct balancer_session *session)
{
	const struct balancer_key key = balancer_sessions_key_of(session);
	const struct balancer_address *address =
	        balancer_owners_find(call, key.server_ip, key.vlan);
	const struct balancer_owner *owner =
	        address ? balancer_owners_by_mac(address, session->backend_mac) : NULL;

	if (session->closed || !owner || !balancer_owner_is_up(owner))
		return false;
	balancer_reset_abandon(call, session);
	return true;
}

/* --- What is sent to the client --- */

static struct fb_eth_spec eth_to_client(const struct balancer_session *session)
{
	const struct balancer_seen *seen = &session->seen[BALANCER_TO_CLIENT];
	struct fb_eth_spec eth = {.has_vlan = seen->dl_vlan != OFP_VLAN_NONE};

	if (eth.has_vlan)
		eth.vlan_tci = (uint16_t)(seen->dl_vlan | seen->vlan_pcp << 13);
	memcpy(eth.dl_dst, session->client_mac, FB_MAC_BYTES);
	memcpy(eth.dl_src, session->addressed_mac, FB_MAC_BYTES);
	return eth;
}

/* A segment of the server's side, of our own making, goes to the client. */
static void send_to_client(const struct balancer_call *call, const struct balancer_session *session,
                           const struct fb_tcp_spec *tcp)
{
	const struct balancer_key key = balancer_sessions_key_of(session);
	const struct fb_eth_spec eth = eth_to_client(session);
	const struct fb_ipv4_spec ip = {
	        .nw_src = key.server_ip, .nw_dst = key.client_ip, .dont_fragment = true};
	struct fb_tcp_spec segment = *tcp;
	uint8_t bytes[SEGMENT_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	segment.tp_src = key.server_tp;
	segment.tp_dst = key.client_tp;
	if (fb_build_tcp(&frame, &eth, &ip, &segment, NULL, 0))
		balancer_send_frame(call, &frame, session->client_at);
}

static void ask(const struct balancer_call *call, const struct balancer_session *session,
                uint32_t seq)
{
	static const uint8_t timestamp[OPTIONS_BYTES] = {OPTION_NOP, OPTION_NOP, OPTION_TIMESTAMP,
	                                                 OPTION_TIMESTAMP_BYTES};
	const struct fb_tcp_spec question = {
	        .seq = seq,
	        .ack = session->isn,
	        .flags = FB_TCP_ACK,
	        .options = timestamp,
	        .options_len = OPTIONS_BYTES,
	};

	send_to_client(call, session, &question);
	call->b->counters.resets_asked++;
}

/* It is the turn of 'r': its backend may be back; else its client is asked, or has been often enough. One that was told, and says
 * nothing, has ended. */
static void turn(const struct balancer_call *call, struct reset *r)
{
	struct balancer_session *session = fb_table_at(call->b->sessions.table, r->session);

	if (goes_on(call, session))
		return;
	if (r->asked < call->b->config.reset_tries) {
		ask(call, session, r->seq);
		r->asked++;
		r->seq ^= FAR;
		wait_for(call, r, BALANCER_RESET_ASKED);
		return;
	}
	end(call, r);
	if (session->closed)
		return;
	call->b->counters.resets_given_up++;
	balancer_sessions_remove(call, session);
}

/* --- Answers --- */

/* Nothing more is expected of the client: its session ends. */
static void close_session(const struct balancer_call *call, struct balancer_session *session)
{
	session->closed = true;
	balancer_sessions_settle(call, session);
}

/* The client has no such connection: it has ended it, or took our RST. */
static void from_ended_client(const struct balancer_call *call, struct balancer_session *session)
{
	struct reset *r = find(call, session);

	if (r)
		end(call, r);
	if (session->closed)
		return;
	call->b->counters.resets_needless++;
	close_session(call, session);
}

/* 'p' has the number that the client expects next, whatever else it says. */
static void from_client(const struct balancer_call *call, const struct fb_packet *p,
                        struct balancer_session *session)
{
	const struct fb_tcp_spec rst = {.seq = p->tcp_ack, .flags = FB_TCP_RST};
	struct reset *r = find(call, session);

	send_to_client(call, session, &rst);
	if (session->closed)
		return;
	call->b->counters.resets++;
	close_session(call, session);
	if (!r)
		return;
	r->asked = 0;
	wait_for(call, r, BALANCER_RESET_ASKED);
}

/* Whoever is the sender of 'pi', it is not one of our switches. */
static bool came_by_edge(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	return fb_discovery_port(call->b->discovery, balancer_place(call, pi)) == FB_PORT_EDGE;
}

bool balancer_reset_segment(const struct balancer_call *call, const struct fb_packet_in *pi,
                            struct balancer_session *session, enum balancer_direction direction)
{
	const struct fb_packet *p = &pi->packet;
	bool has_number =
	        (p->tcp_flags & FB_TCP_ACK) && !(p->tcp_flags & (FB_TCP_RST | FB_TCP_SYN));

	if (goes_on(call, session))
		return false;
	if (direction == BALANCER_TO_CLIENT && has_number && session->closed &&
	    came_by_edge(call, pi))
		balancer_send_refuse(call, pi);
	else
		balancer_send_drop(call, pi);
	if (direction == BALANCER_TO_CLIENT)
		return true;
	if (p->tcp_flags & FB_TCP_RST)
		from_ended_client(call, session);
	else if (has_number)
		from_client(call, p, session);
	return true;
}

/* --- Time --- */

void balancer_reset_run(const struct balancer_call *call)
{
	struct balancer_reset *reset = &call->b->reset;
	unsigned left = RUN_RESETS_MAX;

	if (call->now_ns < reset->not_before_ns)
		return;
	for (int i = 0; i < BALANCER_RESET_WAITS; i++) {
		struct balancer_queue *q = &reset->queues[i];

		for (; left > 0 && balancer_queue_due(q) <= call->now_ns; left--)
			turn(call, balancer_queue_oldest(q));
	}
	if (left == 0)
		reset->not_before_ns = call->now_ns + PAUSE_NS;
}

uint64_t balancer_reset_due(const struct balancer_reset *reset)
{
	uint64_t due_ns = FB_NEVER;

	for (int i = 0; i < BALANCER_RESET_WAITS; i++)
		due_ns = fb_time_min(due_ns, balancer_queue_due(&reset->queues[i]));
	return due_ns < reset->not_before_ns ? reset->not_before_ns : due_ns;
}
