/* Addresses and their owners: who can be a backend.
 *
 * An address is owned by every MAC that was heard, at an edge of the network, as the sender of an
 * ARP packet or as the source of an IPv4 packet with it. Two owners and more make it a shared
 * address; all addresses are handled alike, a client's too. Owners stand in the order in which they
 * were found. An address that is configured (balancer_services.c) has the owners that the service
 * names, and no others, from the start; they stay when they are lost, so as to be back when they are
 * heard again. Where the service names none, those that are heard are taken.
 *
 * An owner has three marks. It is there when its place is known; it has failed when its TCP checks
 * say so (balancer_health.c); it is drained when somebody said so. Sessions go on with an owner that
 * is there; new connections go to those that are neither failed nor drained and have a weight. What
 * an owner's loss means to its sessions is told in balancer_sweep.c.
 *
 * Silent owners are found, and dead ones found out, by ARP probes. An address is probed while
 * somebody connects to it (and for WANTED_NS after the last one), one that is configured always: one
 * probe every interval, and CHECK_NS after each a look at who has answered. While somebody has not,
 * the next probe follows at once, and after 'probes_lost_max' of them the silent owner is gone. Three
 * things are asked about at once, whether somebody connects or not. A host that announces another
 * address may have left the one that it had: that is probed. One that asks for an address has it no
 * more, and whose it is may not be known yet: that is probed. And where a new owner is heard
 * beside others, one of them may have left, or leave soon: a wrong address is put right after a
 * while, and the frame that says so may be lost. That address is probed, and goes on to be for
 * WANTED_NS, as long as it is shared. What else changes in the network moves none of these times.
 * Frames of any kind count as answers. An owner that was never heard by ARP stays as long as no
 * other owner of its address speaks ARP either: an address on the other side of a router does not
 * answer to probes; it is forgotten after the owner timeout, as all addresses are that nobody
 * connects to.
 *
 * Limits: addresses (the one that was checked longest ago gives way, unless it is in use), owners
 * of an address, probes of one moment (they are spread), questions for unknown addresses in one
 * second. */
#include "controller/apps/balancer_owners.h"

#include <stdlib.h>

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_send.h"
#include "controller/apps/balancer_sweep.h"

#define WANTED_NS      (60 * FB_NS_PER_S)
#define CHECK_NS       FB_NS_PER_S
#define PROBE_PAUSE_NS (10 * FB_NS_PER_MS)

enum {
	RUN_PROBES_MAX = 32, /* addresses handled by one run: those left wait for PROBE_PAUSE_NS */
	ASKS_PER_S_MAX = 1000,
	OWNERS_FIRST = 2, /* room made for them at first */
	PLACES_MAX = 1 << 30,
};

static const struct fb_place nowhere;

/* An address has owners at a place. */
struct place_key {
	uint64_t address; /* the word of its key */
	struct fb_place at;
	uint32_t zero;
};
_Static_assert(sizeof(struct place_key) == 16, "no padding");

struct place {
	struct place_key key;
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
	        fb_table_new(sizeof(struct place_key), sizeof(struct place), places_max(&b->config));
	if (!owners->table || !owners->places || !port_lists_init(&owners->at_places, seed) ||
	    !balancer_probes_init(&owners->probes, seed))
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

	for (; address; address = fb_table_newer(owners->table, address)) {
		balancer_schedule_free(&address->schedule);
		free(address->owners);
	}
	fb_table_free(owners->table);
	port_lists_free(&owners->at_places);
	fb_table_free(owners->places);
	balancer_probes_free(&owners->probes);
}

struct balancer_address *balancer_owners_find(const struct balancer_call *call, uint32_t ip,
                                              uint16_t vlan)
{
	const struct balancer_address_key key = balancer_address_key(ip, vlan);

	return fb_table_find(call->b->owners.table, &key);
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

void balancer_owners_update(struct balancer_address *address, struct balancer_owner *owner)
{
	owner->as.eligible = balancer_owner_is_up(owner) && !owner->away && !owner->recalled &&
	                     !owner->drained;
	balancer_schedule_changed(&address->schedule);
}

static struct balancer_candidates candidates_of(const struct balancer_address *address)
{
	return (struct balancer_candidates){
	        .first = address->owners_count > 0 ? &address->owners[0].as : NULL,
	        .stride = sizeof address->owners[0],
	        .count = address->owners_count,
	};
}

struct balancer_owner *balancer_owners_choose(struct balancer_address *address, uint32_t client_ip)
{
	const struct balancer_candidates candidates = candidates_of(address);
	uint32_t chosen = balancer_schedule_pick(&address->schedule, &candidates, client_ip);

	return chosen == BALANCER_NOBODY ? NULL : &address->owners[chosen];
}

struct balancer_owner *balancer_owners_other(const struct balancer_address *address,
                                             const uint8_t mac[FB_MAC_BYTES], uint32_t spread)
{
	const struct balancer_candidates candidates = candidates_of(address);
	const struct balancer_owner *owner = balancer_owners_by_mac(address, mac);
	uint32_t except = owner ? (uint32_t)(owner - address->owners) : BALANCER_NOBODY;
	uint32_t chosen = balancer_schedule_other(&address->schedule, &candidates, except, spread);

	return chosen == BALANCER_NOBODY ? NULL : &address->owners[chosen];
}

/* --- Places --- */

static uint32_t number_of(struct fb_place at)
{
	return (uint32_t)at.node << 16 | at.port;
}

static struct place_key place_key(const struct balancer_address *address, struct fb_place at)
{
	return (struct place_key){.address = address->key.word, .at = at};
}

/* 'address' has one owner more at 'at'. False when memory is short. */
static bool enter_place(struct balancer_owners *owners, const struct balancer_address *address,
                        struct fb_place at)
{
	const struct place_key key = place_key(address, at);
	struct place *place = fb_table_find(owners->places, &key);

	if (!place) {
		place = fb_table_add(owners->places, &key);
		if (!place)
			return false;
		if (!port_lists_add(&owners->at_places, number_of(at),
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
                        struct fb_place at)
{
	const struct place_key key = place_key(address, at);
	struct place *place;

	if (at.port == 0)
		return;
	place = fb_table_find(owners->places, &key);
	if (--place->count > 0)
		return;
	port_lists_remove(&owners->at_places, number_of(at),
	                  fb_table_index_of(owners->places, place));
	fb_table_remove(owners->places, place);
}

/* --- Coming and going --- */

static void watch(const struct balancer_call *call, struct balancer_address *address,
                  enum balancer_watch watch)
{
	struct balancer_owners *owners = &call->b->owners;

	balancer_queue_remove(&owners->queues[address->watch], address);
	address->watch = watch;
	balancer_queue_push(&owners->queues[watch], address, call->now_ns);
}

static void forget_address(const struct balancer_call *call, struct balancer_address *address)
{
	struct balancer_owners *owners = &call->b->owners;

	call->b->counters.owners_forgotten += address->owners_count;
	for (uint32_t i = 0; i < address->owners_count; i++)
		leave_place(owners, address, address->owners[i].at);
	balancer_probes_forget(call, address);
	balancer_queue_remove(&owners->queues[address->watch], address);
	balancer_schedule_free(&address->schedule);
	free(address->owners);
	fb_table_remove(owners->table, address);
}

/* The address that may give way first; NULL: none may. Those that are configured stay. */
static struct balancer_address *oldest_idle(const struct balancer_owners *owners)
{
	const struct balancer_queue *q = &owners->queues[BALANCER_IDLE];
	struct balancer_address *address = balancer_queue_oldest(q);

	while (address && address->service)
		address = fb_table_at(owners->table, address->link.newer);
	return address;
}

/* A new address; NULL at the limit, when all others are in use. */
static struct balancer_address *add_address(const struct balancer_call *call,
                                            const struct balancer_address_key *key)
{
	struct balancer_owners *owners = &call->b->owners;
	struct balancer_address *address;

	if (fb_table_count(owners->table) == fb_table_limit(owners->table)) {
		address = oldest_idle(owners);
		if (!address)
			return NULL;
		forget_address(call, address);
		call->b->counters.addresses_evicted++;
	}
	address = fb_table_add(owners->table, key);
	if (!address)
		return NULL;
	address->watch = BALANCER_IDLE;
	balancer_schedule_init(&address->schedule, call->b->config.scheduler);
	balancer_queue_push(&owners->queues[BALANCER_IDLE], address, call->now_ns);
	return address;
}

/* Say who owns an address that is, or was, shared. */
static void log_owner(const struct balancer_call *call, const struct balancer_address *address,
                      const struct balancer_owner *owner, struct fb_place at, const char *event)
{
	char buf[FB_TEXT_LINE_BYTES];
	struct fb_text t = fb_text_make(buf, sizeof buf);

	if (!fb_app_logs(call->b->app, FB_LOG_INFO))
		return;
	fb_text_ip(&t, address->key.ip);
	fb_text_printf(&t, " %s ", event);
	fb_text_mac(&t, owner->mac);
	if (at.port != 0) {
		fb_text_printf(&t, " at switch %016llx port ",
		               (unsigned long long)fb_discovery_dpid(call->b->discovery, at.node));
		fb_text_port(&t, at.port);
	}
	balancer_log(call, "%s (owners: %u)", buf, (unsigned)address->owners_count);
}

/* A new owner at the end of the list, nowhere yet; NULL at the limit. */
static struct balancer_owner *append_owner(const struct balancer_call *call,
                                           struct balancer_address *address,
                                           const uint8_t mac[FB_MAC_BYTES])
{
	struct balancer_owner *owner;

	if (address->owners_count == address->owners_size) {
		uint32_t size = address->owners_size ? 2 * address->owners_size : OWNERS_FIRST;

		owner = realloc(address->owners, size * sizeof *owner);
		if (!owner)
			return NULL;
		address->owners = owner;
		address->owners_size = size;
	}
	owner = &address->owners[address->owners_count++];
	*owner = (struct balancer_owner){.as = {.id = fb_mac_to_u64(mac), .weight = 1}};
	memcpy(owner->mac, mac, FB_MAC_BYTES);
	call->b->counters.owners_found++;
	return owner;
}

/* Sessions lead to their owner by its MAC, so that it may change its place in the list. */
static struct balancer_owner *add_owner(const struct balancer_call *call,
                                        struct balancer_address *address,
                                        const struct fb_packet_in *pi)
{
	const struct fb_place at = balancer_place(call, pi);
	struct balancer_owner *owner;

	if (address->service && balancer_service_names_backends(address->service)) {
		call->b->counters.owners_unknown++;
		return NULL;
	}
	if (address->owners_count >= call->b->config.owners_max) {
		call->b->counters.owners_full++;
		return NULL;
	}
	if (!enter_place(&call->b->owners, address, at))
		return NULL;
	owner = append_owner(call, address, pi->packet.dl_src);
	if (!owner) {
		leave_place(&call->b->owners, address, at);
		return NULL;
	}
	owner->at = at;
	balancer_owners_update(address, owner);
	if (address->owners_count > 1) {
		address->shared = true;
		log_owner(call, address, owner, at, "is also at");
	}
	balancer_health_refresh(call, address);
	return owner;
}

/* Take 'owner' out; those behind it keep their order. */
static void remove_owner(const struct balancer_call *call, struct balancer_address *address,
                         struct balancer_owner *owner)
{
	size_t rank = (size_t)(owner - address->owners);

	leave_place(&call->b->owners, address, owner->at);
	address->owners_count--;
	memmove(owner, owner + 1, (address->owners_count - rank) * sizeof *owner);
	balancer_schedule_changed(&address->schedule);
}

/* 'owner' is dead: no connection goes there from now on. True when it is out of the list. */
static bool lose_owner(const struct balancer_call *call, struct balancer_address *address,
                       struct balancer_owner *owner, const char *event)
{
	const struct fb_place at = owner->at;
	const bool stays = owner->configured;

	call->b->counters.owners_lost++;
	log_owner(call, address, owner, at, event);
	if (stays) {
		leave_place(&call->b->owners, address, at);
		owner->at = (struct fb_place){0};
		owner->unanswered = 0;
		balancer_owners_update(address, owner);
	} else {
		remove_owner(call, address, owner);
	}
	balancer_sweep_soon(call);
	return !stays;
}

void balancer_owners_set_failed(const struct balancer_call *call, struct balancer_address *address,
                                struct balancer_owner *owner, bool failed)
{
	if (owner->failed == failed)
		return;
	owner->failed = failed;
	balancer_owners_update(address, owner);
	call->b->counters.owners_lost += failed;
	call->b->counters.owners_back += !failed;
	log_owner(call, address, owner, owner->at, failed ? "fails its checks:" : "is back:");
	if (failed)
		balancer_sweep_soon(call);
}

/* --- Asking --- */

/* True when a probe reaches 'owner' if it is where it was: its switch can be told to send one, and
 * its port is none of those that are left out. */
static bool is_asked(const struct balancer_call *call, const struct balancer_owner *owner,
                     const struct fb_place *left_out, size_t left_out_count)
{
	for (size_t i = 0; i < left_out_count; i++) {
		if (balancer_same_place(owner->at, left_out[i]))
			return false;
	}
	return balancer_owner_is_there(owner) &&
	       fb_discovery_switch(call->b->discovery, owner->at.node);
}

static void probe(const struct balancer_call *call, struct balancer_address *address)
{
	const struct balancer_address_key key = address->key;
	struct fb_place left_out[BALANCER_WANTERS_MAX];
	size_t count = balancer_probes_wanters(call, key.ip, key.vlan, left_out);

	for (uint32_t i = 0; i < address->owners_count; i++)
		address->owners[i].unanswered +=
		        is_asked(call, &address->owners[i], left_out, count);
	address->probed_ns = call->now_ns;
	balancer_probes_send(call, key.ip, key.vlan, nowhere);
	watch(call, address, BALANCER_CHECKED);
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

/* 'owner' is at 'at' now, wherever it was before. */
static void move_owner(const struct balancer_call *call, struct balancer_address *address,
                       struct balancer_owner *owner, struct fb_place at)
{
	const struct fb_place before = owner->at;

	if (!enter_place(&call->b->owners, address, at))
		return;
	leave_place(&call->b->owners, address, before);
	owner->at = at;
	owner->away = false;
	balancer_owners_update(address, owner);
	if (before.port == 0) {
		call->b->counters.owners_back++;
		log_owner(call, address, owner, at, "is reached:");
		balancer_health_refresh(call, address);
	} else {
		call->b->counters.owners_moved++;
		log_owner(call, address, owner, at, "moved:");
	}
	balancer_sweep_soon(call);
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

bool balancer_owners_await(const struct balancer_address *address)
{
	for (uint32_t i = 0; i < address->owners_count; i++) {
		if (address->owners[i].heard_ns != 0)
			return false;
	}
	return address->service != NULL;
}

struct balancer_address *balancer_owners_spoken_for(const struct balancer_owners *owners,
                                                    const struct fb_packet_in *pi)
{
	const struct balancer_address_key key = key_spoken_for(&pi->packet);

	return fb_table_find(owners->table, &key);
}

static bool has_owner_there(const struct balancer_address *address)
{
	for (uint32_t i = 0; i < address->owners_count; i++) {
		if (balancer_owner_is_there(&address->owners[i]))
			return true;
	}
	return false;
}

/* The sender of 'pi' announces the address 'key': it may have had another before. Nobody waits until
 * somebody connects to that: where it seems to be the only owner, whose address it is was not heard,
 * and is not asked for it either. */
static void doubt_others(const struct balancer_call *call, const struct fb_packet_in *pi,
                         const struct balancer_address_key *key)
{
	struct balancer_owners *owners = &call->b->owners;
	const struct fb_place at = balancer_place(call, pi);
	uint32_t index = port_lists_first(&owners->at_places, number_of(at));

	for (; index != FB_TABLE_NONE; index = port_lists_next(&owners->at_places, index)) {
		const struct place *place = fb_table_at(owners->places, index);
		const struct balancer_address_key other = {.word = place->key.address};
		struct balancer_address *address = fb_table_find(owners->table, &other);

		if (other.vlan == key->vlan && other.ip != key->ip &&
		    address->watch != BALANCER_CHECKED &&
		    balancer_owners_by_mac(address, pi->packet.dl_src))
			probe(call, address);
	}
}

/* Nobody asks for an address of its own: the sender of 'pi' has left the one that it asks for, when it
 * had that. */
static void doubt_asker(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fb_packet *p = &pi->packet;
	struct balancer_address *address = balancer_owners_find(call, p->nw_dst, balancer_vlan(p));

	if (address && address->watch != BALANCER_CHECKED &&
	    balancer_owners_by_mac(address, p->dl_src))
		probe(call, address);
}

/* A new owner of 'address' was heard beside others: one of them all may have left,
 * or leave soon. */
static void doubt_all(const struct balancer_call *call, struct balancer_address *address)
{
	address->joined_ns = call->now_ns;
	if (address->watch == BALANCER_IDLE)
		probe(call, address);
}

bool balancer_owners_hear(const struct balancer_call *call, const struct fb_packet_in *pi,
                          struct balancer_address *known, uint32_t *ip)
{
	const struct fb_packet *p = &pi->packet;
	struct balancer_address_key key = key_spoken_for(p);
	struct balancer_address *address = known;
	const struct fb_place at = balancer_place(call, pi);
	struct balancer_owner *owner;
	bool is_first, is_new;

	if (key.ip == 0)
		return false;
	owner = address ? balancer_owners_by_mac(address, p->dl_src) : NULL;
	if (!address)
		address = add_address(call, &key);
	if (!address) {
		call->b->counters.addresses_full++;
		return false;
	}
	is_first = !has_owner_there(address) || balancer_owners_is_recalled(address);
	is_new = !owner;
	if (!owner)
		owner = add_owner(call, address, pi);
	if (!owner)
		return false;
	if (!balancer_same_place(owner->at, at))
		move_owner(call, address, owner, at);
	if (!owner->as.eligible) {
		owner->away = false;
		owner->recalled = false;
		balancer_owners_update(address, owner);
	}
	owner->heard_ns = call->now_ns;
	owner->unanswered = 0;
	owner->speaks_arp |= p->is_arp;
	if (p->is_arp && p->nw_src == p->nw_dst)
		doubt_others(call, pi, &key);
	else if (p->is_arp && p->arp_op == FB_ARP_REQUEST)
		doubt_asker(call, pi);
	if (is_new && !is_first)
		doubt_all(call, address);
	*ip = key.ip;
	return is_first;
}

/* --- Recalling --- */

bool balancer_owners_is_recalled(const struct balancer_address *address)
{
	bool is_recalled = false;

	for (uint32_t i = 0; i < address->owners_count; i++) {
		const struct balancer_owner *owner = &address->owners[i];

		if (!balancer_owner_is_there(owner))
			continue;
		if (!owner->recalled)
			return false;
		is_recalled = true;
	}
	return is_recalled;
}

/* One that the service does not name keeps its sessions and gets no others. */
static struct balancer_owner *add_recalled(const struct balancer_call *call,
                                           struct balancer_address *address,
                                           const uint8_t mac[FB_MAC_BYTES])
{
	struct balancer_owner *owner;

	if (address->owners_count >= call->b->config.owners_max) {
		call->b->counters.owners_full++;
		return NULL;
	}
	owner = append_owner(call, address, mac);
	if (!owner)
		return NULL;
	owner->drained = address->service && balancer_service_names_backends(address->service);
	address->shared |= address->owners_count > 1;
	return owner;
}

void balancer_owners_recall(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                            const uint8_t mac[FB_MAC_BYTES], struct fb_place at, bool is_backend,
                            bool is_shared)
{
	const struct balancer_address_key key = balancer_address_key(ip, vlan);
	struct balancer_address *address = balancer_owners_find(call, ip, vlan);
	struct balancer_owner *owner;

	if (!address)
		address = add_address(call, &key);
	if (!address) {
		call->b->counters.addresses_full++;
		return;
	}
	address->shared |= is_shared;
	owner = balancer_owners_by_mac(address, mac);
	if (!owner)
		owner = add_recalled(call, address, mac);
	if (owner && !balancer_owner_is_there(owner) &&
	    enter_place(&call->b->owners, address, at)) {
		owner->at = at;
		owner->heard_ns = call->now_ns;
		owner->recalled = true;
		balancer_owners_update(address, owner);
		balancer_health_refresh(call, address);
	}
	if (is_backend)
		balancer_owners_wanted(call, address);
}

/* --- Probing --- */

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
	balancer_owners_ask_others(call, ip, vlan, nowhere);
}

void balancer_owners_ask_others(const struct balancer_call *call, uint32_t ip, uint16_t vlan,
                                struct fb_place except)
{
	struct balancer_address *address = balancer_owners_find(call, ip, vlan);
	struct balancer_owners *owners = &call->b->owners;

	if (call->now_ns - owners->asks_since_ns >= FB_NS_PER_S) {
		owners->asks_since_ns = call->now_ns;
		owners->asks = 0;
	}
	if (owners->asks >= ASKS_PER_S_MAX) {
		call->b->counters.asks_limited++;
		return;
	}
	owners->asks++;
	if (address)
		address->probed_ns = call->now_ns;
	balancer_probes_send(call, ip, vlan, except);
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
			if (!lose_owner(call, address, owner, "does not answer any more:"))
				i++;
			continue;
		}
		if (!on_link && !owner->configured && call->now_ns - owner->heard_ns >= config->owner_timeout_ns) {
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

/* 'since_ns' (0: never) was lately. */
static bool is_lately(const struct balancer_call *call, uint64_t since_ns)
{
	return since_ns != 0 && call->now_ns - since_ns < WANTED_NS;
}

static bool is_wanted(const struct balancer_call *call, const struct balancer_address *address)
{
	return address->service || is_lately(call, address->wanted_ns) ||
	       (address->owners_count > 1 && is_lately(call, address->joined_ns));
}

static void probe_due(const struct balancer_call *call, struct balancer_address *address)
{
	if (is_wanted(call, address))
		probe(call, address);
	else
		watch(call, address, BALANCER_IDLE);
}

/* Nobody connects to the address: those of its owners that were silent for long are forgotten, and
 * it with them. */
static void idle_due(const struct balancer_call *call, struct balancer_address *address)
{
	for (uint32_t i = 0; i < address->owners_count;) {
		if (address->owners[i].configured || call->now_ns - address->owners[i].heard_ns <
		                                             call->b->config.owner_timeout_ns) {
			i++;
			continue;
		}
		call->b->counters.owners_forgotten++;
		remove_owner(call, address, &address->owners[i]);
	}
	if (address->owners_count == 0 && !address->service)
		forget_address(call, address);
	else
		watch(call, address, BALANCER_IDLE);
}

/* --- Ports --- */

static void lose_owners_at(const struct balancer_call *call, struct balancer_address *address,
                           struct fb_place at)
{
	for (uint32_t i = 0; i < address->owners_count;) {
		struct balancer_owner *owner = &address->owners[i];

		if (!balancer_same_place(owner->at, at) ||
		    !lose_owner(call, address, owner, "lost with its port:"))
			i++;
	}
}

void balancer_owners_port_down(const struct balancer_call *call, struct fb_place at)
{
	struct balancer_owners *owners = &call->b->owners;
	uint32_t index;

	while ((index = port_lists_first(&owners->at_places, number_of(at))) != FB_TABLE_NONE) {
		const struct place *place = fb_table_at(owners->places, index);
		const struct balancer_address_key key = {.word = place->key.address};

		lose_owners_at(call, fb_table_find(owners->table, &key), at);
	}
}

/* Its other addresses, for which it did not speak now, moved with it. */
void balancer_owners_host_moved(const struct balancer_call *call, const uint8_t mac[FB_MAC_BYTES],
                                uint16_t vlan, struct fb_place from, struct fb_place to)
{
	struct balancer_owners *owners = &call->b->owners;
	uint32_t index = port_lists_first(&owners->at_places, number_of(from)), next;

	for (; index != FB_TABLE_NONE; index = next) {
		const struct place *place = fb_table_at(owners->places, index);
		const struct balancer_address_key key = {.word = place->key.address};
		struct balancer_address *address = fb_table_find(owners->table, &key);
		struct balancer_owner *owner = balancer_owners_by_mac(address, mac);

		next = port_lists_next(&owners->at_places, index);
		if (key.vlan == vlan && owner && balancer_same_place(owner->at, from))
			move_owner(call, address, owner, to);
	}
}

/* --- Switches --- */

static bool is_usable(const struct fb_phy_port *port)
{
	return port && !(port->state & OFPPS_LINK_DOWN) && !(port->config & OFPPC_PORT_DOWN);
}

void balancer_owners_switch_down(const struct balancer_call *call, uint16_t node)
{
	struct fb_table *table = call->b->owners.table;
	struct balancer_address *address = fb_table_oldest(table);

	for (; address; address = fb_table_newer(table, address)) {
		for (uint32_t i = 0; i < address->owners_count; i++) {
			struct balancer_owner *owner = &address->owners[i];

			if (owner->at.port == 0 || owner->at.node != node)
				continue;
			owner->away = true;
			balancer_owners_update(address, owner);
		}
	}
	balancer_sweep_soon(call);
}

void balancer_owners_switch_up(const struct balancer_call *call, uint16_t node)
{
	const struct fb_switch *sw = fb_discovery_switch(call->b->discovery, node);
	struct fb_table *table = call->b->owners.table;
	struct balancer_address *address = fb_table_oldest(table);

	for (; address; address = fb_table_newer(table, address)) {
		for (uint32_t i = 0; i < address->owners_count; i++) {
			struct balancer_owner *owner = &address->owners[i];

			if (owner->at.port == 0 || owner->at.node != node)
				continue;
			owner->away = false;
			balancer_owners_update(address, owner);
			if (!is_usable(fb_switch_port(sw, owner->at.port)))
				i -= lose_owner(call, address, owner, "lost with its port:");
		}
	}
	balancer_sweep_soon(call);
}

/* --- What is configured --- */

/* Who gave weights, and no scheduler that goes by them, means the one that takes turns by weight. */
static enum balancer_scheduler scheduler_of(const struct balancer_call *call,
                                            const struct balancer_address *address)
{
	const struct balancer_service *service = address->service;
	enum balancer_scheduler scheduler = call->b->config.scheduler;

	if (service && service->has_scheduler)
		return service->scheduler;
	for (uint32_t i = 1; i < address->owners_count; i++) {
		if (scheduler == BALANCER_ROUND_ROBIN &&
		    address->owners[i].as.weight != address->owners[0].as.weight)
			return BALANCER_WEIGHTED;
	}
	return scheduler;
}

static void configure_schedule(const struct balancer_call *call, struct balancer_address *address)
{
	enum balancer_scheduler scheduler = scheduler_of(call, address);

	if (address->schedule.scheduler == scheduler)
		return;
	balancer_schedule_free(&address->schedule);
	balancer_schedule_init(&address->schedule, scheduler);
}

/* The owner of 'address' that 'backend' names is as that says. */
static void configure_owner(const struct balancer_call *call, struct balancer_address *address,
                            const struct balancer_service_backend *backend)
{
	struct balancer_owner *owner = balancer_owners_by_mac(address, backend->mac);

	if (!owner)
		owner = append_owner(call, address, backend->mac);
	if (!owner)
		return;
	owner->configured = true;
	owner->drained = backend->drained;
	owner->as.weight = backend->weight;
	balancer_owners_update(address, owner);
}

/* 'owner' is not one that the service of 'address' names, any more or at all. With a service that
 * names others it is drained: its sessions go on, and it is forgotten in its time. Else it is as it
 * was heard. */
static void retire_owner(struct balancer_address *address, struct balancer_owner *owner)
{
	const struct balancer_service *service = address->service;

	if (service && balancer_service_names_backends(service)) {
		owner->drained = true;
	} else if (owner->configured) {
		owner->drained = false;
		owner->as.weight = 1;
	}
	owner->configured = false;
	balancer_owners_update(address, owner);
}

/* Those that are not there need not be remembered either. */
static void retire_others(const struct balancer_call *call, struct balancer_address *address)
{
	const struct balancer_service *service = address->service;

	for (uint32_t i = 0; i < address->owners_count;) {
		struct balancer_owner *owner = &address->owners[i];

		if (service && balancer_service_backend(service, owner->mac)) {
			i++;
		} else if (balancer_owner_is_there(owner)) {
			retire_owner(address, owner);
			i++;
		} else {
			call->b->counters.owners_forgotten++;
			remove_owner(call, address, owner);
		}
	}
}

void balancer_owners_command(const struct balancer_call *call, struct balancer_address *address,
                             struct balancer_owner *owner, bool drained, uint32_t weight)
{
	const struct balancer_service *service = address->service;

	owner->drained = drained;
	owner->as.weight = weight;
	owner->configured = drained || weight != 1 ||
	                    (service && balancer_service_backend(service, owner->mac));
	balancer_owners_update(address, owner);
	configure_schedule(call, address);
}

static void configure_address(const struct balancer_call *call,
                              const struct balancer_service *service)
{
	struct balancer_address *address = balancer_owners_find(call, service->ip, service->vlan);
	const struct balancer_address_key key = balancer_address_key(service->ip, service->vlan);

	if (!address)
		address = add_address(call, &key);
	if (!address) {
		call->b->counters.addresses_full++;
		return;
	}
	address->service = service;
	address->shared = true;
	if (address->watch == BALANCER_IDLE)
		watch(call, address, BALANCER_PROBED);
	for (uint32_t i = 0; i < service->backends_count; i++)
		configure_owner(call, address, &service->backends[i]);
	retire_others(call, address);
	configure_schedule(call, address);
	balancer_health_refresh(call, address);
}

void balancer_owners_configure(const struct balancer_call *call)
{
	struct balancer_address *address = fb_table_oldest(call->b->owners.table);
	const struct balancer_service *service;

	for (; address; address = fb_table_newer(call->b->owners.table, address)) {
		if (!address->service)
			continue;
		address->service = NULL;
		if (balancer_services_find(call->b->services, address->key.ip, address->key.vlan))
			continue;
		configure_schedule(call, address);
		retire_others(call, address);
	}
	for (size_t i = 0; (service = balancer_services_at(call->b->services, i)); i++)
		configure_address(call, service);
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
	struct balancer_owners *owners = &call->b->owners;
	unsigned left = RUN_PROBES_MAX;

	balancer_probes_run(call);
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
	due_ns = due_ns < owners->probe_not_before_ns ? owners->probe_not_before_ns : due_ns;
	return fb_time_min(due_ns, balancer_probes_due(&owners->probes));
}
