/* ARP: the cache of neighbours, as Linux keeps it, and the requests of a scenario to resolve.
 *
 * A neighbour is INCOMPLETE while it is being asked for by broadcast (frames to it wait, the oldest
 * give way), REACHABLE for 'arp_stale_ns' after it last proved to be there, then STALE. A stale
 * entry is used on; its first use starts a DELAY of 5 s in which TCP may confirm it (an
 * acknowledgement of new data came by it), and after that it is PROBED by unicast, still in use.
 * Who does not answer three requests is dropped.
 *
 * What changes an entry: a reply, or a request to us (whose sender is learned even when unknown);
 * any other ARP packet only where there is an entry. For a second after a change another address is
 * taken from a gratuitous packet or a request to us alone: of several replies the first counts. A
 * probe of RFC 5227 (sender address 0.0.0.0) is answered and teaches nothing. */
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "sim/host_core.h"
#include "sim/tcp.h"

enum {
	WAITING_MAX = 64, /* frames for a neighbour that is being asked for */
	TRIES_MAX = 3,    /* requests without an answer */
};

#define DELAY_NS    (5 * FB_NS_PER_S) /* from the use of a stale entry to the first probe */
#define LOCKTIME_NS (1 * FB_NS_PER_S) /* for which a change is kept */

enum neighbour_state {
	NEIGHBOUR_INCOMPLETE,
	NEIGHBOUR_REACHABLE,
	NEIGHBOUR_STALE,
	NEIGHBOUR_DELAY,
	NEIGHBOUR_PROBE,
};

struct neighbour {
	struct host_timer timer; /* next request, or the end of DELAY */
	uint32_t ip;
	uint8_t mac[FB_MAC_BYTES]; /* not yet, while INCOMPLETE */
	enum neighbour_state state;
	unsigned tries;         /* requests sent in INCOMPLETE or PROBE */
	uint64_t confirmed_ns;  /* when it last proved to be there */
	uint64_t updated_ns;    /* when its state or address last changed */
	struct frame **waiting; /* WAITING_MAX places; NULL: none wait */
	unsigned waiting_first, waiting_count;
};

/* What the table holds. */
struct entry {
	uint32_t ip;
	struct neighbour *neighbour;
};

/* A scenario's request to resolve. */
struct arp_request {
	struct host_request base;
	uint32_t ip;
};

static void neighbour_fire(struct host *host, struct host_timer *timer);

void host_arp_init(struct host *host)
{
	host->arp.cache =
	        fb_table_new(sizeof(uint32_t), sizeof(struct entry), host->config.arp_entries_max);
	if (!host->arp.cache)
		abort();
}

void host_arp_destroy(struct host *host)
{
	host_arp_flush(host, true);
	fb_table_free(host->arp.cache);
}

static struct neighbour *neighbour_find(const struct host *host, uint32_t ip)
{
	const struct entry *entry = fb_table_find(host->arp.cache, &ip);

	return entry ? entry->neighbour : NULL;
}

static bool is_asked_for(const struct neighbour *n)
{
	return n->state == NEIGHBOUR_INCOMPLETE || n->state == NEIGHBOUR_PROBE;
}

static void set_state(struct host *host, struct neighbour *n, enum neighbour_state state)
{
	host->arp.unanswered -= is_asked_for(n);
	n->state = state;
	n->tries = 0;
	host->arp.unanswered += is_asked_for(n);
	host_timer_cancel(host, &n->timer);
}

/* --- Frames that wait --- */

static struct frame *waiting_take(struct neighbour *n)
{
	struct frame *frame = n->waiting[n->waiting_first];

	n->waiting_first = (n->waiting_first + 1) % WAITING_MAX;
	n->waiting_count--;
	return frame;
}

static void waiting_put(struct neighbour *n, struct frame *frame)
{
	if (!n->waiting)
		n->waiting = xcalloc(WAITING_MAX, sizeof *n->waiting);
	if (n->waiting_count == WAITING_MAX)
		frame_unref(waiting_take(n));
	n->waiting[(n->waiting_first + n->waiting_count++) % WAITING_MAX] = frame;
}

static void waiting_drop(struct neighbour *n)
{
	while (n->waiting_count)
		frame_unref(waiting_take(n));
	free(n->waiting);
	n->waiting = NULL;
}

static void transmit_to(struct host *host, const uint8_t mac[FB_MAC_BYTES], struct frame *frame)
{
	memcpy(frame_data(frame), mac, FB_MAC_BYTES);
	host_transmit(host, frame);
}

static void waiting_send(struct host *host, struct neighbour *n)
{
	while (n->waiting_count) {
		struct frame *frame = waiting_take(n);

		transmit_to(host, n->mac, frame);
	}
	free(n->waiting);
	n->waiting = NULL;
}

/* --- ARP packets out --- */

static void send_arp(struct host *host, uint16_t op, const uint8_t dl_dst[FB_MAC_BYTES],
                     const uint8_t tha[FB_MAC_BYTES], uint32_t tpa)
{
	struct frame *frame = frame_new(host->pool, FB_ETH_HEADER_BYTES + FB_ARP_BYTES);
	struct fb_buf out = fb_buf_make(frame_data(frame), frame->len);
	struct fb_eth_spec eth = host_ip_eth(host);

	memcpy(eth.dl_dst, dl_dst, FB_MAC_BYTES);
	fb_build_arp(&out, &eth, op, host->config.mac, host->config.ip, tha, tpa);
	if (op == FB_ARP_REQUEST)
		host->counters.arp_requests_out++;
	else
		host->counters.arp_replies_out++;
	host_transmit(host, frame);
}

static void send_request(struct host *host, const uint8_t dl_dst[FB_MAC_BYTES], uint32_t ip)
{
	static const uint8_t unknown[FB_MAC_BYTES];

	send_arp(host, FB_ARP_REQUEST, dl_dst, unknown, ip);
}

static const uint8_t broadcast[FB_MAC_BYTES] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

/* Ask for 'n' once more. */
static void ask(struct host *host, struct neighbour *n)
{
	n->tries++;
	host_timer_set(host, &n->timer, host->now_ns + host->config.arp_retry_ns);
	send_request(host, n->state == NEIGHBOUR_PROBE ? n->mac : broadcast, n->ip);
}

/* --- Neighbours --- */

static void neighbour_remove(struct host *host, struct neighbour *n)
{
	host->arp.unanswered -= is_asked_for(n);
	host_timer_cancel(host, &n->timer);
	waiting_drop(n);
	fb_table_remove(host->arp.cache, fb_table_find(host->arp.cache, &n->ip));
	free(n);
}

/* Make room in a full cache: the entry that was not used for longest and is not being asked for
 * goes. */
static bool make_room(struct host *host)
{
	struct fb_table *cache = host->arp.cache;

	if (fb_table_count(cache) < fb_table_limit(cache))
		return true;
	for (struct entry *e = fb_table_oldest(cache); e; e = fb_table_newer(cache, e)) {
		if (!is_asked_for(e->neighbour)) {
			neighbour_remove(host, e->neighbour);
			return true;
		}
	}
	return false;
}

/* A new neighbour, INCOMPLETE; NULL where there is no room. */
static struct neighbour *neighbour_add(struct host *host, uint32_t ip)
{
	struct neighbour *n;
	struct entry *entry;

	if (!make_room(host)) {
		host->counters.arp_full++;
		return NULL;
	}
	entry = fb_table_add(host->arp.cache, &ip);
	if (!entry)
		abort();
	n = xcalloc(1, sizeof *n);
	entry->neighbour = n;
	n->ip = ip;
	n->timer.fire = neighbour_fire;
	n->state = NEIGHBOUR_INCOMPLETE;
	host->arp.unanswered++;
	return n;
}

void host_arp_flush(struct host *host, bool all)
{
	struct entry *entry, *next;

	for (entry = fb_table_oldest(host->arp.cache); entry; entry = next) {
		next = fb_table_newer(host->arp.cache, entry);
		if (all || entry->neighbour->state != NEIGHBOUR_INCOMPLETE)
			neighbour_remove(host, entry->neighbour);
		else
			waiting_drop(entry->neighbour);
	}
}

static void request_stop(struct host *host, struct host_request *request)
{
	(void)request;
	host->arp.request_count--;
}

/* Finish the scenario's requests for 'ip'. */
static void requests_finish(struct host *host, uint32_t ip, const uint8_t *mac)
{
	struct host_request *r, *next;

	for (r = TAILQ_FIRST(&host->running); r && host->arp.request_count; r = next) {
		struct arp_request *request = HOST_OWNER(r, struct arp_request, base);

		next = TAILQ_NEXT(r, link);
		if (r->stop != request_stop || request->ip != ip)
			continue;
		if (mac)
			memcpy(r->result.answer_mac, mac, FB_MAC_BYTES);
		r->result.answered = mac != NULL;
		host_request_finish(host, r, mac ? HOST_OK : HOST_UNREACHABLE);
	}
}

/* Nobody answered: the neighbour goes, and those who wanted to reach somebody through it
 * are told. Where its address was known nothing had to wait for it, and nobody is told: the next
 * frame asks all again, as Linux does. */
static void neighbour_fail(struct host *host, struct neighbour *n)
{
	const bool was_known = n->state != NEIGHBOUR_INCOMPLETE;
	uint32_t ip = n->ip;

	host->counters.arp_failed++;
	neighbour_remove(host, n);
	requests_finish(host, ip, NULL);
	if (was_known)
		return;
	tcp_unreachable(host, ip);
	host_icmp_unreachable(host, ip);
	host_udp_unreachable(host, ip);
}

static void neighbour_fire(struct host *host, struct host_timer *timer)
{
	struct neighbour *n = HOST_OWNER(timer, struct neighbour, timer);

	if (n->state == NEIGHBOUR_DELAY) {
		if (host->now_ns - n->confirmed_ns <= DELAY_NS) {
			set_state(host, n, NEIGHBOUR_REACHABLE);
			return;
		}
		set_state(host, n, NEIGHBOUR_PROBE);
	}
	if (n->tries >= TRIES_MAX)
		neighbour_fail(host, n);
	else
		ask(host, n);
}

/* An ARP packet tells that 'n' is at 'mac', and so is in 'state'. 'override': also where it had
 * another address. */
static void neighbour_update(struct host *host, struct neighbour *n,
                             const uint8_t mac[FB_MAC_BYTES], enum neighbour_state state,
                             bool override)
{
	bool was_valid = n->state != NEIGHBOUR_INCOMPLETE;
	bool changed = !was_valid || !fb_mac_equal(n->mac, mac);

	if (was_valid && changed && !override)
		return;
	if (!changed && state == NEIGHBOUR_STALE)
		state = n->state;
	if (state == NEIGHBOUR_REACHABLE)
		n->confirmed_ns = host->now_ns;
	if (changed || state != n->state)
		n->updated_ns = host->now_ns;
	memcpy(n->mac, mac, FB_MAC_BYTES);
	if (state != n->state)
		set_state(host, n, state);
	waiting_send(host, n);
}

static void output_unknown(struct host *host, uint32_t ip, struct frame *frame)
{
	struct neighbour *n = neighbour_add(host, ip);

	if (!n) {
		frame_unref(frame);
		return;
	}
	waiting_put(n, frame);
	ask(host, n);
}

void host_arp_output(struct host *host, uint32_t ip, struct frame *frame)
{
	struct entry *entry = fb_table_find(host->arp.cache, &ip);
	struct neighbour *n;

	if (!entry) {
		output_unknown(host, ip, frame);
		return;
	}
	fb_table_touch(host->arp.cache, entry);
	n = entry->neighbour;
	switch (n->state) {
	case NEIGHBOUR_INCOMPLETE:
		waiting_put(n, frame);
		return;
	case NEIGHBOUR_REACHABLE:
		if (host->now_ns - n->confirmed_ns <= host->config.arp_stale_ns)
			break;
		set_state(host, n, NEIGHBOUR_STALE);
		__attribute__((fallthrough));
	case NEIGHBOUR_STALE:
		set_state(host, n, NEIGHBOUR_DELAY);
		host_timer_set(host, &n->timer, host->now_ns + DELAY_NS);
		break;
	case NEIGHBOUR_DELAY:
	case NEIGHBOUR_PROBE:
		break;
	}
	transmit_to(host, n->mac, frame);
}

void host_arp_confirm(struct host *host, uint32_t ip)
{
	struct neighbour *n = neighbour_find(host, ip);

	if (n && n->state != NEIGHBOUR_INCOMPLETE)
		n->confirmed_ns = host->now_ns;
}

bool host_arp_is_unresolved(const struct host *host, uint32_t ip)
{
	const struct neighbour *n = neighbour_find(host, ip);

	return n && n->state == NEIGHBOUR_INCOMPLETE;
}

bool host_arp_lookup(const struct host *host, uint32_t ip, uint8_t mac[FB_MAC_BYTES])
{
	const struct neighbour *n = neighbour_find(host, ip);

	if (!n || n->state == NEIGHBOUR_INCOMPLETE)
		return false;
	memcpy(mac, n->mac, FB_MAC_BYTES);
	return true;
}

/* --- ARP packets in --- */

/* A request for our address: answer, and learn who asks. */
static void input_request_for_us(struct host *host, const struct fb_packet *packet)
{
	struct neighbour *n;

	send_arp(host, FB_ARP_REPLY, packet->arp_sha, packet->arp_sha, packet->nw_src);
	if (!packet->nw_src)
		return;
	n = neighbour_find(host, packet->nw_src);
	if (!n)
		n = neighbour_add(host, packet->nw_src);
	if (!n)
		return;
	neighbour_update(host, n, packet->arp_sha, NEIGHBOUR_STALE, true);
	requests_finish(host, packet->nw_src, packet->arp_sha);
}

/* A reply, or somebody else's business: only an entry that is there takes notice. */
static void input_news(struct host *host, const struct fb_packet *packet)
{
	bool reply = packet->arp_op == FB_ARP_REPLY;
	bool to_us = fb_mac_equal(packet->dl_dst, host->config.mac);
	bool gratuitous = packet->nw_src == packet->nw_dst &&
	                  (!reply || fb_mac_equal(packet->arp_sha, packet->arp_tha));
	struct neighbour *n = neighbour_find(host, packet->nw_src);

	if (!n)
		return;
	neighbour_update(host, n, packet->arp_sha,
	                 reply && to_us ? NEIGHBOUR_REACHABLE : NEIGHBOUR_STALE,
	                 gratuitous || host->now_ns > n->updated_ns + LOCKTIME_NS);
	requests_finish(host, packet->nw_src, packet->arp_sha);
}

void host_arp_input(struct host *host, const struct fb_packet *packet)
{
	if (packet->arp_op == FB_ARP_REQUEST) {
		host->counters.arp_requests_in++;
	} else if (packet->arp_op == FB_ARP_REPLY) {
		host->counters.arp_replies_in++;
	} else {
		host->counters.frames_ignored++;
		return;
	}
	/* A neighbour that shares our address is nobody to talk to, nor is a group. */
	if (packet->nw_src == host->config.ip || fb_mac_is_multicast(packet->arp_sha))
		return;
	if (packet->arp_op == FB_ARP_REQUEST && packet->nw_dst == host->config.ip)
		input_request_for_us(host, packet);
	else if (packet->nw_src)
		input_news(host, packet);
}

/* --- Requests of a scenario --- */

void host_arp(struct host *host, uint32_t ip, bool gratuitous, uint64_t now_ns, host_done_fn *done,
              void *ctx)
{
	struct arp_request *request = xcalloc(1, sizeof *request);
	struct neighbour *n;

	host->now_ns = now_ns;
	request->base.stop = request_stop;
	request->ip = ip;
	host_request_start(host, &request->base, done, ctx);
	host->arp.request_count++;
	if (!host->power) {
		host_request_finish(host, &request->base, HOST_ABORTED);
		return;
	}
	if (gratuitous) {
		send_request(host, broadcast, host->config.ip);
		host_request_finish(host, &request->base, HOST_OK);
		return;
	}
	n = neighbour_find(host, ip);
	if (n && n->state != NEIGHBOUR_INCOMPLETE) {
		neighbour_remove(host, n);
		n = NULL;
	}
	if (n)
		return;
	n = neighbour_add(host, ip);
	if (n)
		ask(host, n);
	else
		host_request_finish(host, &request->base, HOST_NO_RESOURCES);
}
