/* Addresses of the controller's own: where the answers to checks go.
 *
 * A host answers a TCP segment to the address that it came from. That must be one of its own
 * network, or it would need a route, and one that nobody else uses. The option check_address names
 * it. Without, the controller chooses one for each network (and VLAN) with addresses that are
 * checked, where a network is taken to be a /24: from .254 downwards the first that nobody was
 * heard under and nobody answers for. It asks as hosts do before they take an address (RFC 5227):
 * twice, with sender address 0.0.0.0; an ARP packet of or for the address meanwhile, and it tries
 * the next. In networks of another size check_address is needed.
 *
 * An address in use is answered for by ARP, with the controller's own MAC. Hosts come first: when one
 * turns out to have the address, or asks as above because it is about to take it, another one is
 * chosen. The one of check_address is kept, and the conflict told. An address that no check has
 * needed for a while is given back.
 *
 * Where a router answers for every address (proxy ARP) none is free: check_address is needed there,
 * too.
 *
 * Limits: networks. Those beyond are not checked. */
#include "controller/apps/balancer_self.h"

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_send.h"

enum {
	NETWORKS_MAX = 1024,
	QUESTIONS = 2,
	HOST_FIRST = 254, /* of the addresses of a network, in the order in which they are tried */
	HOST_LAST = 1,
	HOST_MASK = 0xff,
	RUN_MAX = 32, /* handled by one run */
};

#define IN_USE_NS  (600 * FB_NS_PER_S)
#define RESTING_NS (60 * FB_NS_PER_S)

/* Our address in a network. */
struct self {
	struct balancer_address_key key; /* of the network's lowest address */
	struct balancer_link link;
	uint64_t used_ns; /* the last time that somebody needed it */
	uint32_t ip;
	unsigned asked; /* questions for it */
	enum balancer_self_wait wait;
};

bool balancer_self_init(struct balancer_self *self, const struct balancer *b, uint32_t seed)
{
	const uint64_t wait_ns[BALANCER_SELF_WAITS] = {
	        [BALANCER_SELF_ASKING] = b->config.check_timeout_ns / QUESTIONS,
	        [BALANCER_SELF_IN_USE] = IN_USE_NS,
	        [BALANCER_SELF_RESTING] = RESTING_NS,
	};

	self->table = fb_table_new(sizeof(struct balancer_address_key), sizeof(struct self),
	                           NETWORKS_MAX);
	if (!self->table)
		return false;
	fb_table_seed(self->table, seed);
	for (int i = 0; i < BALANCER_SELF_WAITS; i++)
		balancer_queue_init(&self->queues[i], self->table, offsetof(struct self, link),
		                    wait_ns[i]);
	self->given_ip = b->config.check_ip;
	return true;
}

void balancer_self_free(struct balancer_self *self)
{
	fb_table_free(self->table);
}

/* --- Which addresses are ours: asked for each frame that comes in --- */

static struct balancer_address_key network_of(uint32_t ip, uint16_t vlan)
{
	return balancer_address_key(ip & ~(uint32_t)HOST_MASK, vlan);
}

/* The one with the address 'ip', in use or asked for; NULL: there is none. */
static struct self *find(const struct balancer_self *self, uint32_t ip, uint16_t vlan)
{
	const struct balancer_address_key key = network_of(ip, vlan);
	struct self *s;

	if (!(self->last_bytes[(ip & HOST_MASK) / 64] & UINT64_C(1) << ip % 64))
		return NULL;
	s = fb_table_find(self->table, &key);
	return s && s->ip == ip ? s : NULL;
}

bool balancer_self_is(const struct balancer_self *self, uint32_t ip, uint16_t vlan)
{
	const struct self *s;

	if (self->given_ip)
		return ip == self->given_ip;
	s = find(self, ip, vlan);
	return s && s->wait == BALANCER_SELF_IN_USE;
}

/* An address came or went. */
static void note_last_bytes(struct balancer_self *self)
{
	const struct self *s = fb_table_oldest(self->table);

	memset(self->last_bytes, 0, sizeof self->last_bytes);
	for (; s; s = fb_table_newer(self->table, s))
		self->last_bytes[(s->ip & HOST_MASK) / 64] |= UINT64_C(1) << s->ip % 64;
}

/* --- Choosing --- */

static void log_self(const struct balancer_call *call, const struct self *s, const char *event)
{
	char buf[FB_TEXT_LINE_BYTES];
	struct fb_text t = fb_text_make(buf, sizeof buf);

	if (!fb_app_logs(call->b->app, FB_LOG_INFO))
		return;
	fb_text_ip(&t, s->key.ip);
	fb_text_puts(&t, "/24 ");
	fb_text_puts(&t, event);
	if (s->ip) {
		fb_text_puts(&t, " ");
		fb_text_ip(&t, s->ip);
	}
	balancer_log(call, "%s", buf);
}

static void wait_for(const struct balancer_call *call, struct self *s, enum balancer_self_wait wait)
{
	struct balancer_self *self = &call->b->health.self;

	balancer_queue_remove(&self->queues[s->wait], s);
	s->wait = wait;
	balancer_queue_push(&self->queues[wait], s, call->now_ns);
}

static void ask(const struct balancer_call *call, struct self *s)
{
	s->asked++;
	balancer_probes_send(call, s->ip, s->key.vlan, (struct fb_place){0});
	wait_for(call, s, BALANCER_SELF_ASKING);
}

/* Try the addresses below the one that is not free; 'host' is its last byte. */
static void try_below(const struct balancer_call *call, struct self *s, uint32_t host)
{
	s->ip = 0;
	s->asked = 0;
	for (host--; host >= HOST_LAST; host--) {
		if (balancer_owners_find(call, s->key.ip | host, s->key.vlan) ||
		    balancer_probes_is_wanted(call, s->key.ip | host, s->key.vlan))
			continue;
		s->ip = s->key.ip | host;
		break;
	}
	note_last_bytes(&call->b->health.self);
	if (s->ip) {
		ask(call, s);
		return;
	}
	call->b->counters.check_addresses_none++;
	log_self(call, s, "has no free address to check from");
	wait_for(call, s, BALANCER_SELF_RESTING);
}

uint32_t balancer_self_address(const struct balancer_call *call,
                               const struct balancer_address_key *key)
{
	struct balancer_self *self = &call->b->health.self;
	const struct balancer_address_key network = network_of(key->ip, key->vlan);
	struct self *s;

	if (self->given_ip)
		return self->given_ip;
	s = fb_table_find(self->table, &network);
	if (!s) {
		s = fb_table_add(self->table, &network);
		if (!s) {
			call->b->counters.check_addresses_none++;
			return 0;
		}
		s->wait = BALANCER_SELF_ASKING;
		balancer_queue_push(&self->queues[s->wait], s, call->now_ns);
		try_below(call, s, HOST_FIRST + 1);
	}
	s->used_ns = call->now_ns;
	return s->wait == BALANCER_SELF_IN_USE ? s->ip : 0;
}

/* --- ARP --- */

static void answer(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	uint8_t bytes[FB_ETH_HEADER_BYTES + FB_VLAN_TAG_BYTES + FB_ARP_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = p->has_vlan, .vlan_tci = p->vlan_tci};

	memcpy(eth.dl_dst, p->dl_src, FB_MAC_BYTES);
	memcpy(eth.dl_src, balancer_own_mac, FB_MAC_BYTES);
	if (fb_build_arp(&frame, &eth, FB_ARP_REPLY, balancer_own_mac, p->nw_dst, p->arp_sha,
	                 p->nw_src))
		balancer_send_frame(call, &frame, balancer_place(call, pi));
}

/* Somebody speaks as 'ip', which may be ours. */
static void note_conflict(const struct balancer_call *call, uint32_t ip, uint16_t vlan)
{
	struct self *s;

	if (call->b->health.self.given_ip) {
		if (ip != call->b->health.self.given_ip)
			return;
		call->b->counters.check_conflicts++;
		balancer_log(call, "the address of check_address is in use by another host");
		return;
	}
	s = find(&call->b->health.self, ip, vlan);
	if (!s)
		return;
	if (s->wait == BALANCER_SELF_IN_USE) {
		call->b->counters.check_conflicts++;
		log_self(call, s, "is not checked any more from the address of another host,");
	}
	try_below(call, s, ip & HOST_MASK);
}

bool balancer_self_arp(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	uint16_t vlan = balancer_vlan(p);
	struct self *s;

	note_conflict(call, p->nw_src, vlan);
	if (p->nw_src == 0 && !call->b->health.self.given_ip)
		note_conflict(call, p->nw_dst, vlan);
	if (balancer_self_is(&call->b->health.self, p->nw_dst, vlan) && p->nw_src != p->nw_dst) {
		if (p->arp_op == FB_ARP_REQUEST)
			answer(call, pi);
		balancer_send_drop(call, pi);
		return true;
	}
	/* Who asks for an address knows somebody who has it, or wants it for himself. */
	s = find(&call->b->health.self, p->nw_dst, vlan);
	if (s)
		try_below(call, s, p->nw_dst & HOST_MASK);
	return false;
}

/* --- Time --- */

static void asked_due(const struct balancer_call *call, struct self *s)
{
	if (s->asked < QUESTIONS) {
		ask(call, s);
		return;
	}
	call->b->counters.check_addresses++;
	log_self(call, s, "is checked from");
	wait_for(call, s, BALANCER_SELF_IN_USE);
}

/* True when nobody needed 's' while it waited: it is forgotten. */
static bool forget_unused(const struct balancer_call *call, struct self *s)
{
	struct balancer_self *self = &call->b->health.self;

	if (call->now_ns - s->used_ns < self->queues[s->wait].wait_ns)
		return false;
	balancer_queue_remove(&self->queues[s->wait], s);
	fb_table_remove(self->table, s);
	note_last_bytes(self);
	return true;
}

static void self_due(const struct balancer_call *call, struct self *s)
{
	switch (s->wait) {
	case BALANCER_SELF_ASKING:
		asked_due(call, s);
		break;
	case BALANCER_SELF_IN_USE:
		if (!forget_unused(call, s))
			wait_for(call, s, BALANCER_SELF_IN_USE);
		break;
	case BALANCER_SELF_RESTING:
		if (!forget_unused(call, s))
			try_below(call, s, HOST_FIRST + 1);
		break;
	case BALANCER_SELF_WAITS:
		break;
	}
}

void balancer_self_run(const struct balancer_call *call)
{
	struct balancer_self *self = &call->b->health.self;
	unsigned left = RUN_MAX;

	for (int i = 0; i < BALANCER_SELF_WAITS; i++) {
		struct balancer_queue *q = &self->queues[i];

		for (; left > 0 && balancer_queue_due(q) <= call->now_ns; left--)
			self_due(call, balancer_queue_oldest(q));
	}
}

uint64_t balancer_self_due(const struct balancer_self *self)
{
	uint64_t due_ns = FB_NEVER;

	for (int i = 0; i < BALANCER_SELF_WAITS; i++)
		due_ns = fb_time_min(due_ns, balancer_queue_due(&self->queues[i]));
	return due_ns;
}
