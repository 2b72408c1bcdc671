/* Addresses and their owners: who can be a backend.
 *
 * An address is owned by every MAC that was heard as the sender of an ARP packet or as the source
 * of an IPv4 packet with it. Two owners and more make it a shared address; all addresses are
 * handled alike, a client's too. Owners stand in the order in which they were found, and a
 * connection goes to the owner 'turn mod count'.
 *
 * Silent owners are found, and dead ones found out, by ARP probes. An address is probed while
 * somebody connects to it (and for WANTED_NS after the last one): one probe every interval, and
 * CHECK_NS after each a look at who has answered. While somebody has not, the next probe follows at
 * once, and after 'probes_lost_max' of them the silent owner is gone. Frames of any kind count as
 * answers. An owner that was never heard by ARP stays as long as no other owner of its address
 * speaks ARP either: an address on the other side of a router does not answer to probes; it is
 * forgotten after the owner timeout, as all addresses are that nobody connects to.
 *
 * Limits: addresses (the one that was checked longest ago gives way, unless it is in use), owners
 * of an address, probes of one moment (they are spread), questions for unknown addresses in one
 * second. */
#include "controller/apps/balancer_owners.h"

#include <stdlib.h>

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_flows.h"
#include "controller/apps/balancer_send.h"

#define WANTED_NS      (60 * FB_NS_PER_S)
#define CHECK_NS       FB_NS_PER_S
#define PROBE_PAUSE_NS (10 * FB_NS_PER_MS)
#define PLACE_ADDRESS  UINT64_C(0xffffffffffff) /* of the key of a place: that of its address */

enum {
	RUN_PROBES_MAX = 32, /* addresses handled by one run: those left wait for PROBE_PAUSE_NS */
	ASKS_PER_S_MAX = 1000,
	OWNERS_FIRST = 2, /* room made for them at first */
	PLACES_MAX = 1 << 30,
};

/* An address has owners behind a port. */
struct place {
	uint64_t key;   /* place_key() */
	uint32_t count; /* of them */
};

static uint32_t places_max(const struct balancer_config *config)
{
	uint64_t max = (uint64_t)config->addresses_max * config->owners_max;

	return max < PLACES_MAX ? (uint32_t)max : PLACES_MAX;
}

bool balancer_owners_init(struct balancer_owners *owners, const struct balancer *b, uint32_t seed)
{
	uint64_t interval_ns = b->config.probe_interval_ns;
	uint64_t check_ns = fb_time_min(CHECK_NS, interval_ns / 2);
	const uint64_t wait_ns[BALANCER_WATCHES] = {
	        [BALANCER_IDLE] = b->config.owner_timeout_ns,
	        [BALANCER_PROBED] = interval_ns - check_ns,
	        [BALANCER_CHECKED] = check_ns,
	};

	owners->table = fb_table_new(sizeof(struct balancer_address_key),
	                             sizeof(struct balancer_address), b->config.addresses_max);
	owners->places =
	        fb_table_new(sizeof(uint64_t), sizeof(struct place), places_max(&b->config));
	if (!owners->table || !owners->places || !port_lists_init(&owners->at_ports, seed))
		return false;
	fb_table_seed(owners->table, seed);
	fb_table_seed(owners->places, seed);
	for (int i = 0; i < BALANCER_WATCHES; i++)
		balancer_queue_init(&owners->queues[i], owners->table,
		                    offsetof(struct balancer_address, link), wait_ns[i]);
	return true;
}

void balancer_owners_free(struct balancer_owners *owners)
{
	struct balancer_address *address = owners->table ? fb_table_oldest(owners->table) : NULL;

	for (; address; address = fb_table_newer(owners->table, address))
		free(address->owners);
	fb_table_free(owners->table);
	port_lists_free(&owners->at_ports);
	fb_table_free(owners->places);
}

struct balancer_address *balancer_owners_find(const struct balancer_call *call, uint32_t ip,
                                              uint16_t vlan)
{
	const struct balancer_address_key key = balancer_address_key(ip, vlan);

	return fb_table_find(call->s->owners.table, &key);
}

struct balancer_owner *balancer_owners_by_mac(const struct balancer_address *address,
                                              const uint8_t mac[FB_MAC_BYTES])
{
	for (uint32_t i = 0; i < address->owners_count; i++) {
		if (fb_mac_equal(address->owners[i].mac, mac))
			return &address->owners[i];
	}
	return NULL;
}

struct balancer_owner *balancer_owners_take_turn(struct balancer_address *address)
{
	return &address->owners[address->turn++ % address->owners_count];
}

struct balancer_owner *balancer_owners_other(const struct balancer_address *address,
                                             const uint8_t mac[FB_MAC_BYTES], uint32_t spread)
{
	const struct balancer_owner *silent = balancer_owners_by_mac(address, mac);
	uint32_t count = address->owners_count;

	if (count == 0 || (silent && count == 1))
		return NULL;
	if (!silent)
		return &address->owners[spread % count];
	return &address->owners[((size_t)(silent - address->owners) + 1 + spread % (count - 1)) %
	                        count];
}

/* --- Places --- */

static uint64_t place_key(const struct balancer_address *address, uint16_t port)
{
	return address->key.word | (uint64_t)port << 48;
}

/* 'address' has one owner more behind 'port'. False when memory is short. */
static bool enter_place(struct balancer_owners *owners, const struct balancer_address *address,
                        uint16_t port)
{
	uint64_t key = place_key(address, port);
	struct place *place = fb_table_find(owners->places, &key);

	if (!place) {
		place = fb_table_add(owners->places, &key);
		if (!place)
			return false;
		if (!port_lists_add(&owners->at_ports, port,
		                    fb_table_index_of(owners->places, place))) {
			fb_table_remove(owners->places, place);
			return false;
		}
	}
	place->count++;
	return true;
}

/* One owner less. */
static void leave_place(struct balancer_owners *owners, const struct balancer_address *address,
                        uint16_t port)
{
	uint64_t key = place_key(address, port);
	struct place *place = fb_table_find(owners->places, &key);

	if (--place->count > 0)
		return;
	port_lists_remove(&owners->at_ports, port, fb_table_index_of(owners->places, place));
	fb_table_remove(owners->places, place);
}

/* --- Coming and going --- */

static void watch(const struct balancer_call *call, struct balancer_address *address,
                  enum balancer_watch watch)
{
	struct balancer_owners *owners = &call->s->owners;

	balancer_queue_remove(&owners->queues[address->watch], address);
	address->watch = watch;
	balancer_queue_push(&owners->queues[watch], address, call->now_ns);
}

static void forget_address(const struct balancer_call *call, struct balancer_address *address)
{
	struct balancer_owners *owners = &call->s->owners;

	call->b->counters.owners_forgotten += address->owners_count;
	for (uint32_t i = 0; i < address->owners_count; i++)
		leave_place(owners, address, address->owners[i].port);
	balancer_queue_remove(&owners->queues[address->watch], address);
	free(address->owners);
	fb_table_remove(owners->table, address);
}

/* A new address; NULL at the limit, when all others are in use. */
static struct balancer_address *add_address(const struct balancer_call *call,
                                            const struct balancer_address_key *key)
{
	struct balancer_owners *owners = &call->s->owners;
	struct balancer_address *address;

	if (fb_table_count(owners->table) == fb_table_limit(owners->table)) {
		address = balancer_queue_oldest(&owners->queues[BALANCER_IDLE]);
		if (!address)
			return NULL;
		forget_address(call, address);
		call->b->counters.addresses_evicted++;
	}
	address = fb_table_add(owners->table, key);
	if (!address)
		return NULL;
	address->watch = BALANCER_IDLE;
	balancer_queue_push(&owners->queues[BALANCER_IDLE], address, call->now_ns);
	return address;
}

/* Say who owns an address that is, or was, shared. */
static void log_owner(const struct balancer_call *call, const struct balancer_address *address,
                      const struct balancer_owner *owner, const char *event)
{
	char buf[FB_TEXT_LINE_BYTES];
	struct fb_text t = fb_text_make(buf, sizeof buf);

	if (!fb_app_logs(call->b->app, FB_LOG_INFO))
		return;
	fb_text_ip(&t, address->key.ip);
	fb_text_printf(&t, " %s ", event);
	fb_text_mac(&t, owner->mac);
	fb_text_puts(&t, " port ");
	fb_text_port(&t, owner->port);
	balancer_log(call, "%s (owners: %u)", buf, (unsigned)address->owners_count);
}

static struct balancer_owner *add_owner(const struct balancer_call *call,
                                        struct balancer_address *address,
                                        const struct fb_packet_in *pi)
{
	struct balancer_owner *owner;

	if (address->owners_count >= call->b->config.owners_max) {
		call->b->counters.owners_full++;
		return NULL;
	}
	if (address->owners_count == address->owners_size) {
		uint32_t size = address->owners_size ? 2 * address->owners_size : OWNERS_FIRST;

		owner = realloc(address->owners, size * sizeof *owner);
		if (!owner)
			return NULL;
		address->owners = owner;
		address->owners_size = size;
	}
	if (!enter_place(&call->s->owners, address, pi->in_port))
		return NULL;
	owner = &address->owners[address->owners_count++];
	*owner = (struct balancer_owner){.port = pi->in_port};
	memcpy(owner->mac, pi->packet.dl_src, FB_MAC_BYTES);
	call->b->counters.owners_found++;
	if (address->owners_count > 1)
		log_owner(call, address, owner, "is also at");
	return owner;
}

/* Take 'owner' out; those behind it keep their order. */
static void remove_owner(const struct balancer_call *call, struct balancer_address *address,
                         struct balancer_owner *owner)
{
	size_t rank = (size_t)(owner - address->owners);

	leave_place(&call->s->owners, address, owner->port);
	address->owners_count--;
	memmove(owner, owner + 1, (address->owners_count - rank) * sizeof *owner);
}

/* 'owner' is dead: nothing goes there from now on. */
static void lose_owner(const struct balancer_call *call, struct balancer_address *address,
                       struct balancer_owner *owner, const char *event)
{
	const struct balancer_owner lost = *owner;

	remove_owner(call, address, owner);
	call->b->counters.owners_lost++;
	log_owner(call, address, &lost, event);
	balancer_flows_forget(call, address->key.ip, lost.port);
}

/* --- Hearing --- */

/* The address that the sender of 'p' speaks for; 0: none. A sender that names another MAC than its
 * frame does says nothing about where it can be reached. */
static uint32_t address_spoken_for(const struct fb_packet *p)
{
	if (!p->is_arp && !p->is_ipv4)
		return 0;
	if (p->is_arp && !fb_mac_equal(p->arp_sha, p->dl_src))
		return 0;
	return p->nw_src < 0xe0000000 ? p->nw_src : 0;
}

static void move_owner(const struct balancer_call *call, struct balancer_address *address,
                       struct balancer_owner *owner, uint16_t port)
{
	uint16_t old_port = owner->port;

	if (!enter_place(&call->s->owners, address, port))
		return;
	leave_place(&call->s->owners, address, old_port);
	owner->port = port;
	call->b->counters.owners_moved++;
	log_owner(call, address, owner, "moved:");
	balancer_flows_forget(call, address->key.ip, old_port);
}

static struct balancer_address_key key_spoken_for(const struct fb_packet *p)
{
	return balancer_address_key(address_spoken_for(p), balancer_vlan(p));
}

void balancer_owners_find_many(const struct balancer_owners *owners,
                               const struct fb_packet_in *packet_ins, size_t count, void **found)
{
	struct balancer_address_key keys[BALANCER_BATCH_MAX] = {{.word = 0}};

	count = count < BALANCER_BATCH_MAX ? count : BALANCER_BATCH_MAX;
	for (size_t i = 0; i < count; i++)
		keys[i] = key_spoken_for(&packet_ins[i].packet);
	fb_table_find_many(owners->table, keys, count, found);
	for (size_t i = 0; i < count; i++) {
		const struct balancer_address *address = found[i];

		if (address)
			__builtin_prefetch(address->owners);
	}
}

struct balancer_address *balancer_owners_spoken_for(const struct balancer_owners *owners,
                                                    const struct fb_packet_in *pi)
{
	const struct balancer_address_key key = key_spoken_for(&pi->packet);

	return fb_table_find(owners->table, &key);
}

bool balancer_owners_hear(const struct balancer_call *call, const struct fb_packet_in *pi,
                          struct balancer_address *known, uint32_t *ip)
{
	const struct fb_packet *p = &pi->packet;
	struct balancer_address_key key = key_spoken_for(p);
	struct balancer_address *address = known;
	struct balancer_owner *owner;
	bool is_first;

	if (key.ip == 0)
		return false;
	owner = address ? balancer_owners_by_mac(address, p->dl_src) : NULL;
	if (!address)
		address = add_address(call, &key);
	if (!address) {
		call->b->counters.addresses_full++;
		return false;
	}
	is_first = address->owners_count == 0;
	if (!owner)
		owner = add_owner(call, address, pi);
	if (!owner)
		return false;
	if (owner->port != pi->in_port)
		move_owner(call, address, owner, pi->in_port);
	owner->heard_ns = call->now_ns;
	owner->unanswered = 0;
	owner->speaks_arp |= p->is_arp;
	*ip = key.ip;
	return is_first;
}

/* --- Probing --- */

static void probe(const struct balancer_call *call, struct balancer_address *address)
{
	for (uint32_t i = 0; i < address->owners_count; i++)
		address->owners[i].unanswered++;
	balancer_send_probe(call, address->key.ip, address->key.vlan);
	watch(call, address, BALANCER_CHECKED);
}

void balancer_owners_wanted(const struct balancer_call *call, struct balancer_address *address)
{
	address->wanted_ns = call->now_ns;
	if (address->watch == BALANCER_IDLE)
		probe(call, address);
}

void balancer_owners_suspect(const struct balancer_call *call, struct balancer_address *address)
{
	if (address->watch == BALANCER_PROBED)
		probe(call, address);
}

void balancer_owners_ask(const struct balancer_call *call, uint32_t ip, uint16_t vlan)
{
	struct balancer_owners *owners = &call->s->owners;

	if (call->now_ns - owners->asks_since_ns >= FB_NS_PER_S) {
		owners->asks_since_ns = call->now_ns;
		owners->asks = 0;
	}
	if (owners->asks >= ASKS_PER_S_MAX) {
		call->b->counters.asks_limited++;
		return;
	}
	owners->asks++;
	balancer_send_probe(call, ip, vlan);
}

static bool speaks_arp(const struct balancer_address *address)
{
	for (uint32_t i = 0; i < address->owners_count; i++) {
		if (address->owners[i].speaks_arp)
			return true;
	}
	return false;
}

/* Take out the owners of a probed address that are dead; true when somebody owes an answer. */
static bool count_answers(const struct balancer_call *call, struct balancer_address *address)
{
	const struct balancer_config *config = &call->b->config;
	bool on_link = speaks_arp(address), is_owed = false;

	for (uint32_t i = 0; i < address->owners_count;) {
		struct balancer_owner *owner = &address->owners[i];

		if (on_link && owner->unanswered >= config->probes_lost_max) {
			lose_owner(call, address, owner, "does not answer any more:");
			continue;
		}
		if (!on_link && call->now_ns - owner->heard_ns >= config->owner_timeout_ns) {
			call->b->counters.owners_forgotten++;
			remove_owner(call, address, owner);
			continue;
		}
		is_owed |= on_link && owner->unanswered > 0;
		i++;
	}
	return is_owed;
}

/* A probe went out a while ago: the next one follows at once for who did not answer, or waits its
 * time. */
static void check_due(const struct balancer_call *call, struct balancer_address *address)
{
	if (count_answers(call, address))
		probe(call, address);
	else
		watch(call, address, BALANCER_PROBED);
}

static void probe_due(const struct balancer_call *call, struct balancer_address *address)
{
	if (call->now_ns - address->wanted_ns >= WANTED_NS)
		watch(call, address, BALANCER_IDLE);
	else
		probe(call, address);
}

/* Nobody connects to the address: those of its owners that were silent for long are forgotten, and
 * it with them. */
static void idle_due(const struct balancer_call *call, struct balancer_address *address)
{
	for (uint32_t i = 0; i < address->owners_count;) {
		if (call->now_ns - address->owners[i].heard_ns < call->b->config.owner_timeout_ns) {
			i++;
			continue;
		}
		call->b->counters.owners_forgotten++;
		remove_owner(call, address, &address->owners[i]);
	}
	if (address->owners_count == 0)
		forget_address(call, address);
	else
		watch(call, address, BALANCER_IDLE);
}

/* --- Ports --- */

static void lose_owners_at(const struct balancer_call *call, struct balancer_address *address,
                           uint16_t port)
{
	for (uint32_t i = 0; i < address->owners_count;) {
		if (address->owners[i].port == port)
			lose_owner(call, address, &address->owners[i], "lost with its port:");
		else
			i++;
	}
}

void balancer_owners_port_down(const struct balancer_call *call, uint16_t port)
{
	struct balancer_owners *owners = &call->s->owners;
	uint32_t index;

	while ((index = port_lists_first(&owners->at_ports, port)) != FB_TABLE_NONE) {
		const struct place *place = fb_table_at(owners->places, index);
		const struct balancer_address_key key = {.word = place->key & PLACE_ADDRESS};

		lose_owners_at(call, fb_table_find(owners->table, &key), port);
	}
}

/* Those whose answers were about to be counted are asked anew, too. Then back from the newest to
 * where all are due already, so that a port that comes up again and again costs nothing. */
void balancer_owners_refresh(const struct balancer_call *call)
{
	struct balancer_owners *owners = &call->s->owners;
	const struct balancer_queue *checked = &owners->queues[BALANCER_CHECKED];
	struct balancer_address *address;

	while ((address = balancer_queue_oldest(checked)))
		watch(call, address, BALANCER_PROBED);
	address = fb_table_at(owners->table, owners->queues[BALANCER_PROBED].newest);
	while (address && address->link.due_ns > call->now_ns) {
		address->link.due_ns = call->now_ns;
		address = fb_table_at(owners->table, address->link.older);
	}
}

/* --- Time --- */

static void address_due(const struct balancer_call *call, struct balancer_address *address)
{
	switch (address->watch) {
	case BALANCER_IDLE:
		idle_due(call, address);
		break;
	case BALANCER_PROBED:
		probe_due(call, address);
		break;
	case BALANCER_CHECKED:
		check_due(call, address);
		break;
	case BALANCER_WATCHES:
		break;
	}
}

void balancer_owners_run(const struct balancer_call *call)
{
	struct balancer_owners *owners = &call->s->owners;
	unsigned left = RUN_PROBES_MAX;

	if (call->now_ns < owners->probe_not_before_ns)
		return;
	for (int i = 0; i < BALANCER_WATCHES; i++) {
		struct balancer_queue *q = &owners->queues[i];

		for (; left > 0 && balancer_queue_due(q) <= call->now_ns; left--)
			address_due(call, balancer_queue_oldest(q));
	}
	if (left == 0)
		owners->probe_not_before_ns = call->now_ns + PROBE_PAUSE_NS;
}

uint64_t balancer_owners_due(const struct balancer_owners *owners)
{
	uint64_t due_ns = FB_NEVER;

	for (int i = 0; i < BALANCER_WATCHES; i++)
		due_ns = fb_time_min(due_ns, balancer_queue_due(&owners->queues[i]));
	return due_ns < owners->probe_not_before_ns ? owners->probe_not_before_ns : due_ns;
}
