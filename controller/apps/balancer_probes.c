/* ARP probes: questions of the controller for who has an address.
 *
 * A probe has the sender address 0.0.0.0 and the controller's own MAC: it teaches nobody anything,
 * and its answers come to the controller. Two kinds of hosts must be thought of.
 *
 * One that is about to use an address asks in the same way whether it may (RFC 5227). To it another
 * one's probe for that address is a conflict (section 2.1.1), and it would not take the address. So
 * where such a question came in no probe for the address goes, from the question on for WANTED_NS,
 * which is longer than all questions of a host and the wait after them take; or until it announces
 * that it uses the address. Others behind the same port are not asked either for that time.
 *
 * One that is behind a port that came up may be a silent owner of an address. Addresses in use are
 * asked for there at once, and nowhere else, in rounds: all edges that came up meanwhile, address
 * after address. It is a question to whoever is new there, and says nothing about who is known: an
 * owner elsewhere owes no answer to it, and when the answers to the probes of an address are counted
 * (balancer_owners.c) does not depend on it. A port that comes up again and again is asked once in
 * EDGE_REST_NS.
 *
 * Limits: hosts that want an address (the one that asked longest ago is forgotten), edges that came
 * up (those beyond wait for the next probe of each address), frames and addresses of one moment. */
#include "controller/apps/balancer_probes.h"

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_send.h"

#define WANTED_NS    (10 * FB_NS_PER_S)
#define EDGE_REST_NS FB_NS_PER_S
#define PAUSE_NS     (10 * FB_NS_PER_MS)

enum {
	ALL_WANTERS_MAX = 1024,
	EDGES_MAX = 4096,
	RUN_PROBES_MAX = 32,  /* addresses asked for by one run: those left wait for PAUSE_NS */
	RUN_LOOKS_MAX = 4096, /* the same for addresses that were looked at */
	PROBE_BYTES = FB_ETH_HEADER_BYTES + FB_VLAN_TAG_BYTES + FB_ARP_BYTES,
};

/* No padding: it is compared as bytes. */
struct wanter_key {
	uint64_t address; /* struct balancer_address_key */
	struct fb_place at;
	uint32_t zero;
};
_Static_assert(sizeof(struct wanter_key) == 16, "no padding");

struct wanter {
	struct wanter_key key;
	uint64_t asked_ns; /* last */
};

struct edge {
	struct fb_place at;
	struct balancer_link link;
	bool is_waiting; /* for a round; else it had one lately */
	bool again;      /* it came up since then */
};

bool balancer_probes_init(struct balancer_probes *probes, uint32_t seed)
{
	probes->wanters =
	        fb_table_new(sizeof(struct wanter_key), sizeof(struct wanter), ALL_WANTERS_MAX);
	probes->edges = fb_table_new(sizeof(struct fb_place), sizeof(struct edge), EDGES_MAX);
	if (!probes->wanters || !probes->edges)
		return false;
	fb_table_seed(probes->wanters, seed);
	fb_table_seed(probes->edges, seed);
	balancer_queue_init(&probes->waiting, probes->edges, offsetof(struct edge, link), 0);
	balancer_queue_init(&probes->resting, probes->edges, offsetof(struct edge, link),
	                    EDGE_REST_NS);
	return true;
}

void balancer_probes_free(struct balancer_probes *probes)
{
	fb_table_free(probes->wanters);
	fb_table_free(probes->edges);
}

/* --- Hosts that want an address --- */

static struct wanter_key wanter_key(uint32_t ip, uint16_t vlan, struct fb_place at)
{
	return (struct wanter_key){.address = balancer_address_key(ip, vlan).word, .at = at};
}

static void forget_old(const struct balancer_call *call)
{
	struct fb_table *wanters = call->b->owners.probes.wanters;
	struct wanter *wanter;

	while ((wanter = fb_table_oldest(wanters)) && call->now_ns - wanter->asked_ns >= WANTED_NS)
		fb_table_remove(wanters, wanter);
}

void balancer_probes_host_asks(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                               struct fb_place at)
{
	struct fb_table *wanters = call->b->owners.probes.wanters;
	const struct wanter_key key = wanter_key(ip, vlan, at);
	struct wanter *wanter;

	forget_old(call);
	wanter = fb_table_find(wanters, &key);
	if (!wanter && fb_table_count(wanters) == fb_table_limit(wanters)) {
		fb_table_remove(wanters, fb_table_oldest(wanters));
		call->b->counters.wanters_evicted++;
	}
	if (wanter)
		fb_table_touch(wanters, wanter);
	else
		wanter = fb_table_add(wanters, &key);
	if (wanter)
		wanter->asked_ns = call->now_ns;
}

void balancer_probes_host_has(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                              struct fb_place at)
{
	struct fb_table *wanters = call->b->owners.probes.wanters;
	const struct wanter_key key = wanter_key(ip, vlan, at);
	struct wanter *wanter = fb_table_find(wanters, &key);

	if (wanter)
		fb_table_remove(wanters, wanter);
}

size_t balancer_probes_wanters(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                               struct fb_place places[BALANCER_WANTERS_MAX])
{
	const struct fb_table *wanters = call->b->owners.probes.wanters;
	const uint64_t address = balancer_address_key(ip, vlan).word;
	const struct wanter *wanter;
	size_t count = 0;

	forget_old(call);
	for (wanter = fb_table_newest(wanters); wanter && count < BALANCER_WANTERS_MAX;
	     wanter = fb_table_older(wanters, wanter)) {
		if (wanter->key.address == address)
			places[count++] = wanter->key.at;
	}
	return count;
}

bool balancer_probes_is_wanted(const struct balancer_call *call, uint32_t ip, uint16_t vlan)
{
	struct fb_place places[BALANCER_WANTERS_MAX];

	return balancer_probes_wanters(call, ip, vlan, places) > 0;
}

/* --- Probes --- */

/* The probe for the address in 'frame'. */
static bool build(struct fb_buf *frame, uint32_t ip, uint16_t vlan)
{
	static const uint8_t nobody[FB_MAC_BYTES];
	struct fb_eth_spec eth = {.has_vlan = vlan != OFP_VLAN_NONE};

	eth.vlan_tci = eth.has_vlan ? vlan : 0;
	memset(eth.dl_dst, 0xff, FB_MAC_BYTES);
	memcpy(eth.dl_src, balancer_own_mac, FB_MAC_BYTES);
	return fb_build_arp(frame, &eth, FB_ARP_REQUEST, balancer_own_mac, 0, nobody, ip);
}

void balancer_probes_send(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                          struct fb_place except)
{
	struct fb_place places[BALANCER_WANTERS_MAX + 1];
	size_t count = balancer_probes_wanters(call, ip, vlan, places);
	uint8_t bytes[PROBE_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	if (!build(&frame, ip, vlan))
		return;
	places[count++] = except;
	balancer_send_everywhere(call, &frame, places, count);
	call->b->counters.probes++;
}

static bool is_among(const struct fb_place *places, size_t count, struct fb_place at)
{
	for (size_t i = 0; i < count; i++) {
		if (balancer_same_place(places[i], at))
			return true;
	}
	return false;
}

static bool is_edge(const struct balancer_call *call, struct fb_place at)
{
	return fb_discovery_port(call->b->discovery, at) == FB_PORT_EDGE;
}

/* Ask for 'address' at the edges of the round, those that are still there. */
static void ask_at_edges(const struct balancer_call *call, const struct balancer_address *address)
{
	const struct balancer_probes *probes = &call->b->owners.probes;
	struct fb_place wanters[BALANCER_WANTERS_MAX], places[BALANCER_ROUND_EDGES_MAX];
	size_t wanters_count =
	        balancer_probes_wanters(call, address->key.ip, address->key.vlan, wanters);
	uint8_t bytes[PROBE_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	size_t count = 0;

	for (uint32_t i = 0; i < probes->round_count; i++) {
		const struct fb_place at = probes->round[i];

		if (is_edge(call, at) && !is_among(wanters, wanters_count, at))
			places[count++] = at;
	}
	if (count == 0 || !build(&frame, address->key.ip, address->key.vlan))
		return;
	balancer_send_to_edges(call, &frame, places, count);
	call->b->counters.probes++;
}

/* --- Edges that came up --- */

void balancer_probes_edge_up(const struct balancer_call *call, struct fb_place at)
{
	struct balancer_probes *probes = &call->b->owners.probes;
	struct edge *edge = fb_table_find(probes->edges, &at);

	if (edge) {
		edge->again = !edge->is_waiting;
		return;
	}
	edge = fb_table_add(probes->edges, &at);
	if (!edge) {
		call->b->counters.edges_full++;
		return;
	}
	edge->is_waiting = true;
	balancer_queue_push(&probes->waiting, edge, call->now_ns);
}

static void end_rests(const struct balancer_call *call)
{
	struct balancer_probes *probes = &call->b->owners.probes;

	while (balancer_queue_due(&probes->resting) <= call->now_ns) {
		struct edge *edge = balancer_queue_oldest(&probes->resting);

		balancer_queue_remove(&probes->resting, edge);
		if (!edge->again || !is_edge(call, edge->at)) {
			fb_table_remove(probes->edges, edge);
			continue;
		}
		edge->again = false;
		edge->is_waiting = true;
		balancer_queue_push(&probes->waiting, edge, call->now_ns);
	}
}

static void set_cursor(const struct balancer_call *call, const struct balancer_address *next)
{
	struct balancer_owners *owners = &call->b->owners;

	owners->probes.cursor = next ? fb_table_index_of(owners->table, next) : FB_TABLE_NONE;
}

/* The edges that wait are asked from now on. */
static void begin_round(const struct balancer_call *call)
{
	struct balancer_probes *probes = &call->b->owners.probes;
	struct edge *edge;

	while (probes->round_count < BALANCER_ROUND_EDGES_MAX &&
	       (edge = balancer_queue_oldest(&probes->waiting))) {
		balancer_queue_remove(&probes->waiting, edge);
		edge->is_waiting = false;
		balancer_queue_push(&probes->resting, edge, call->now_ns);
		probes->round[probes->round_count++] = edge->at;
	}
	set_cursor(call, fb_table_oldest(call->b->owners.table));
}

void balancer_probes_forget(const struct balancer_call *call,
                            const struct balancer_address *address)
{
	struct balancer_owners *owners = &call->b->owners;

	if (owners->probes.round_count > 0 &&
	    owners->probes.cursor == fb_table_index_of(owners->table, address))
		set_cursor(call, fb_table_newer(owners->table, address));
}

/* The next address of the round. True when it was asked for. */
static bool step(const struct balancer_call *call)
{
	struct balancer_owners *owners = &call->b->owners;
	const struct balancer_address *address;

	if (owners->probes.cursor == FB_TABLE_NONE) {
		owners->probes.round_count = 0;
		return false;
	}
	address = fb_table_at(owners->table, owners->probes.cursor);
	set_cursor(call, fb_table_newer(owners->table, address));
	if (address->watch == BALANCER_IDLE)
		return false;
	ask_at_edges(call, address);
	return true;
}

/* --- Time --- */

static bool has_work(const struct balancer_probes *probes)
{
	return probes->round_count > 0 || probes->waiting.count > 0;
}

void balancer_probes_run(const struct balancer_call *call)
{
	struct balancer_probes *probes = &call->b->owners.probes;
	unsigned probes_left = RUN_PROBES_MAX, looks_left = RUN_LOOKS_MAX;

	end_rests(call);
	if (call->now_ns < probes->not_before_ns)
		return;
	for (; has_work(probes) && probes_left > 0 && looks_left > 0; looks_left--) {
		if (probes->round_count == 0)
			begin_round(call);
		probes_left -= step(call);
	}
	if (has_work(probes))
		probes->not_before_ns = call->now_ns + PAUSE_NS;
}

uint64_t balancer_probes_due(const struct balancer_probes *probes)
{
	uint64_t due_ns = balancer_queue_due(&probes->resting);

	return has_work(probes) ? fb_time_min(due_ns, probes->not_before_ns) : due_ns;
}
