/* TCP checks: an owner of an address can answer to ARP while its service is gone.
 *
 * Each owner of an address that is checked (option check, for all shared addresses; or what its
 * service says) is sent a SYN from time to time, by packet-out at its own place and to its own MAC,
 * from the controller's own MAC and an address of its own (balancer_self.c). SYN-ACK is good, and
 * answered with RST, so that the owner forgets the connection; RST is bad, and so is silence. After
 * 'check_down' bad checks in a row the owner has failed, after 'check_up' good ones it is back. An
 * owner that is new counts as good until its checks say otherwise, and is checked at once.
 *
 *     NEW --SYN--> SENT --answer, or check_timeout--> OVER --check_interval--> SYN, and so on
 *      `--no address to send from--> STUCK --a while--> the same
 *
 * Checks are no sessions: they leave by packet-out and what comes for the controller's address goes
 * no further than here. Each has a port and a sequence number of its own, so that it is no
 * connection of which two hosts get segments. An answer has these numbers, and comes from the MAC
 * of the owner; to which MAC it goes does not matter, since the owner may think that a router is on
 * the way. Other SYN-ACKs for our address, late ones, are reset as well.
 *
 * An entry is looked after when it is due only: when its owner is not there any more, or not to be
 * checked any more, it goes, and the owner counts as one that is new.
 *
 * Limits: owners that are checked (others count as good), checks of one moment (they are spread). */
#include "controller/apps/balancer_health.h"

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_send.h"

enum {
	CHECKS_MAX = 65536,
	RUN_CHECKS_MAX = 64, /* handled by one run: those left wait for PAUSE_NS */
	PORT_FIRST = 32768,  /* of our own */
	PORTS = 28232,       /* up to 60999, as Linux */
	STUCK_FRACTION = 2,  /* of the time after which there may be an address */
	OPTION_MSS = 2,
	MSS = 1460,
	OPTIONS_BYTES = 4,
	CHECK_BYTES = FB_ETH_HEADER_BYTES + FB_VLAN_TAG_BYTES + FB_IPV4_HEADER_BYTES +
	              FB_TCP_HEADER_BYTES + OPTIONS_BYTES,
};

#define PAUSE_NS (10 * FB_NS_PER_MS)

/* Of an owner that is checked. No padding: it is compared as bytes. */
struct check_key {
	uint64_t address; /* struct balancer_address_key */
	uint64_t mac;
};

struct check {
	struct check_key key;
	struct balancer_link link;
	uint32_t source_ip; /* of the SYN that was sent last */
	uint32_t isn;
	uint16_t tp_src, tp_dst;
	enum balancer_health_wait wait;
};

bool balancer_health_init(struct balancer_health *health, const struct balancer *b, uint32_t seed)
{
	const uint64_t wait_ns[BALANCER_HEALTH_WAITS] = {
	        [BALANCER_HEALTH_SENT] = b->config.check_timeout_ns,
	        [BALANCER_HEALTH_NEW] = 0,
	        [BALANCER_HEALTH_STUCK] = b->config.check_timeout_ns / STUCK_FRACTION,
	        [BALANCER_HEALTH_OVER] = b->config.check_interval_ns,
	};

	health->table = fb_table_new(sizeof(struct check_key), sizeof(struct check), CHECKS_MAX);
	if (!health->table || !balancer_self_init(&health->self, b, seed))
		return false;
	fb_table_seed(health->table, seed);
	for (int i = 0; i < BALANCER_HEALTH_WAITS; i++)
		balancer_queue_init(&health->queues[i], health->table, offsetof(struct check, link),
		                    wait_ns[i]);
	health->numbers = seed;
	health->sent = seed % PORTS; /* ports of the run before are not used again soon */
	return true;
}

void balancer_health_free(struct balancer_health *health)
{
	balancer_self_free(&health->self);
	fb_table_free(health->table);
}

/* --- Who is checked --- */

/* The port by which owners of 'address' are checked; 0: they are not. */
static uint16_t port_of(const struct balancer *b, const struct balancer_address *address)
{
	if (address->service && address->service->check_port)
		return address->service->check_port;
	return address->shared ? (uint16_t)b->config.check_port : 0;
}

static void wait_for(const struct balancer_call *call, struct check *check,
                     enum balancer_health_wait wait)
{
	struct balancer_health *health = &call->b->health;

	balancer_queue_remove(&health->queues[check->wait], check);
	check->wait = wait;
	balancer_queue_push(&health->queues[wait], check, call->now_ns);
}

/* False when as many are checked as may be. */
static bool add(const struct balancer_call *call, const struct check_key *key)
{
	struct balancer_health *health = &call->b->health;
	struct check *check;

	if (fb_table_find(health->table, key))
		return true;
	check = fb_table_add(health->table, key);
	if (!check) {
		call->b->counters.checks_full++;
		return false;
	}
	check->wait = BALANCER_HEALTH_NEW;
	balancer_queue_push(&health->queues[check->wait], check, call->now_ns);
	return true;
}

static void forget(const struct balancer_call *call, struct check *check)
{
	struct balancer_health *health = &call->b->health;

	balancer_queue_remove(&health->queues[check->wait], check);
	fb_table_remove(health->table, check);
}

/* Nobody checks 'owner' from now on: what its checks have said does not count any more, or it would
 * count for ever. */
static void acquit(const struct balancer_call *call, struct balancer_address *address,
                   struct balancer_owner *owner)
{
	owner->checks = 0;
	if (balancer_owner_is_there(owner)) {
		balancer_owners_set_failed(call, address, owner, false);
	} else if (owner->failed) {
		owner->failed = false;
		balancer_owners_update(address, owner);
	}
}

void balancer_health_refresh(const struct balancer_call *call, struct balancer_address *address)
{
	bool is_checked = port_of(call->b, address) != 0;

	for (uint32_t i = 0; i < address->owners_count; i++) {
		struct balancer_owner *owner = &address->owners[i];
		const struct check_key key = {address->key.word, fb_mac_to_u64(owner->mac)};

		if (!is_checked || (balancer_owner_is_there(owner) && !add(call, &key)))
			acquit(call, address, owner);
	}
}

/* --- Results --- */

/* The owner whose check this is, with its address; NULL: it is none any more. */
static struct balancer_owner *owner_of(const struct balancer_call *call, const struct check *check,
                                       struct balancer_address **address)
{
	const struct balancer_address_key key = {.word = check->key.address};
	uint8_t mac[FB_MAC_BYTES];

	fb_mac_from_u64(mac, check->key.mac);
	*address = balancer_owners_find(call, key.ip, key.vlan);
	return *address ? balancer_owners_by_mac(*address, mac) : NULL;
}

static void take_result(const struct balancer_call *call, struct check *check, bool good)
{
	struct balancer_address *address;
	struct balancer_owner *owner = owner_of(call, check, &address);
	uint32_t enough;

	wait_for(call, check, BALANCER_HEALTH_OVER);
	if (!owner || owner->away)
		return;
	call->b->counters.checks_failed += !good;
	if (good != owner->failed) {
		owner->checks = 0;
		return;
	}
	enough = owner->failed ? call->b->config.check_up : call->b->config.check_down;
	if (++owner->checks < enough)
		return;
	owner->checks = 0;
	balancer_owners_set_failed(call, address, owner, !good);
}

/* --- Checks --- */

/* The next of a sequence of numbers that do not show the one before. */
static uint64_t next_number(struct balancer_health *health)
{
	uint64_t number = health->numbers += UINT64_C(0xa0761d6478bd642f);

	number = (number ^ number >> 32) * UINT64_C(0xe7037ed1a0b428db);
	return number ^ number >> 29;
}

static void send_syn(const struct balancer_call *call, const struct check *check,
                     struct fb_place at)
{
	static const uint8_t mss[OPTIONS_BYTES] = {OPTION_MSS, OPTIONS_BYTES, MSS >> 8, MSS & 0xff};
	const struct balancer_address_key key = {.word = check->key.address};
	const struct fb_ipv4_spec ip = {
	        .nw_src = check->source_ip, .nw_dst = key.ip, .dont_fragment = true};
	const struct fb_tcp_spec tcp = {
	        .tp_src = check->tp_src,
	        .tp_dst = check->tp_dst,
	        .seq = check->isn,
	        .flags = FB_TCP_SYN,
	        .window = UINT16_MAX,
	        .options = mss,
	        .options_len = OPTIONS_BYTES,
	};
	struct fb_eth_spec eth = {.has_vlan = key.vlan != OFP_VLAN_NONE};
	uint8_t bytes[CHECK_BYTES];
	struct fb_buf frame = fb_buf_make(bytes, sizeof bytes);

	eth.vlan_tci = eth.has_vlan ? key.vlan : 0;
	fb_mac_from_u64(eth.dl_dst, check->key.mac);
	memcpy(eth.dl_src, balancer_own_mac, FB_MAC_BYTES);
	if (!fb_build_tcp(&frame, &eth, &ip, &tcp, NULL, 0))
		return;
	balancer_send_frame(call, &frame, at);
	call->b->counters.checks++;
}

/* The owner of 'check' is checked, if it still is to be. */
static void begin(const struct balancer_call *call, struct check *check)
{
	struct balancer_address *address;
	struct balancer_owner *owner = owner_of(call, check, &address);
	uint16_t port = owner ? port_of(call->b, address) : 0;

	if (port == 0 || !balancer_owner_is_there(owner)) {
		forget(call, check);
		if (owner)
			acquit(call, address, owner);
		return;
	}
	if (owner->away) {
		wait_for(call, check, BALANCER_HEALTH_OVER);
		return;
	}
	check->source_ip = balancer_self_address(call, &address->key);
	if (!check->source_ip) {
		wait_for(call, check, BALANCER_HEALTH_STUCK);
		return;
	}
	check->isn = (uint32_t)next_number(&call->b->health);
	check->tp_src = (uint16_t)(PORT_FIRST + call->b->health.sent++ % PORTS);
	check->tp_dst = port;
	send_syn(call, check, owner->at);
	wait_for(call, check, BALANCER_HEALTH_SENT);
}

static void check_due(const struct balancer_call *call, struct check *check)
{
	const struct balancer_address_key key = {.word = check->key.address};

	switch (check->wait) {
	case BALANCER_HEALTH_SENT:
		/* What was answered to an address that had to be given up is not known. */
		if (balancer_self_is(&call->b->health.self, check->source_ip, key.vlan))
			take_result(call, check, false);
		else
			wait_for(call, check, BALANCER_HEALTH_NEW);
		break;
	case BALANCER_HEALTH_NEW:
	case BALANCER_HEALTH_STUCK:
	case BALANCER_HEALTH_OVER:
		begin(call, check);
		break;
	case BALANCER_HEALTH_WAITS:
		break;
	}
}

/* --- Answers --- */

/* The check that the segment 'p' answers, NULL: none that is out. */
static struct check *answered_by(const struct balancer_call *call, const struct fb_packet *p)
{
	const struct check_key key = {
	        balancer_address_key(p->nw_src, balancer_vlan(p)).word,
	        fb_mac_to_u64(p->dl_src),
	};
	struct check *check = fb_table_find(call->b->health.table, &key);

	if (!check || check->wait != BALANCER_HEALTH_SENT || check->source_ip != p->nw_dst ||
	    check->tp_dst != p->tp_src || check->tp_src != p->tp_dst)
		return NULL;
	return (p->tcp_flags & FB_TCP_ACK) && p->tcp_ack == check->isn + 1 ? check : NULL;
}

/* A segment for our address. */
static void segment(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	uint8_t flags = p->tcp_flags & (FB_TCP_SYN | FB_TCP_RST | FB_TCP_ACK);
	struct check *check = answered_by(call, p);

	if (flags == (FB_TCP_SYN | FB_TCP_ACK))
		balancer_send_refuse(call, pi);
	else
		balancer_send_drop(call, pi);
	if (check && (flags & (FB_TCP_SYN | FB_TCP_RST)))
		take_result(call, check, !(flags & FB_TCP_RST));
}

bool balancer_health_frame(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;

	if (fb_table_count(call->b->health.table) == 0)
		return false;
	if (p->is_arp)
		return balancer_self_arp(call, pi);
	if (!p->is_ipv4 || !balancer_self_is(&call->b->health.self, p->nw_dst, balancer_vlan(p)))
		return false;
	if (p->is_tcp)
		segment(call, pi);
	else
		balancer_send_drop(call, pi);
	return true;
}

/* --- Time --- */

void balancer_health_run(const struct balancer_call *call)
{
	struct balancer_health *health = &call->b->health;
	unsigned left = RUN_CHECKS_MAX;

	balancer_self_run(call);
	if (call->now_ns < health->not_before_ns)
		return;
	for (int i = 0; i < BALANCER_HEALTH_WAITS; i++) {
		struct balancer_queue *q = &health->queues[i];

		for (; left > 0 && balancer_queue_due(q) <= call->now_ns; left--)
			check_due(call, balancer_queue_oldest(q));
	}
	if (left == 0)
		health->not_before_ns = call->now_ns + PAUSE_NS;
}

uint64_t balancer_health_due(const struct balancer_health *health)
{
	uint64_t due_ns = FB_NEVER;

	for (int i = 0; i < BALANCER_HEALTH_WAITS; i++)
		due_ns = fb_time_min(due_ns, balancer_queue_due(&health->queues[i]));
	due_ns = due_ns < health->not_before_ns ? health->not_before_ns : due_ns;
	return fb_time_min(due_ns, balancer_self_due(&health->self));
}
