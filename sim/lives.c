/* The lives of frames. See lives.h.
 *
 * Lives are numbered from 1 and stand in a ring by their number. By their identities they are in
 * lists, the latest first; a table of the same size knows where each begins. They come into the lists
 * when somebody looks there: where no frame ever loses its tag nobody does. A way is a fingerprint of
 * link end and destination. The first ways of a frame, which most have not more of, stand in its
 * life, where the processor has them at hand; the others in a hash table of buckets, in which a
 * new one displaces that of the oldest life. Nothing is ever removed: what is old is overwritten, and
 * the tables grow only when that would be something young. */
#include "sim/lives.h"

#include <stdlib.h>
#include <string.h>

#include <flowbed/packet.h>

#include "lib/base/hash.h"
#include "lib/base/xalloc.h"

enum {
	SIZE_FIRST = 256,
	WAYS_AT_HAND = 3,
	BUCKET = 16,      /* ways */
	L4_BYTES = 40,    /* of an IPv4 payload that are looked at */
	FRAME_BYTES = 64, /* of other frames */
};

struct life {            /* a cache line */
	uint64_t number; /* 0: none */
	uint64_t identity;
	uint64_t begun_ns;
	uint64_t ways[WAYS_AT_HAND];   /* 0: none */
	uint8_t counts[WAYS_AT_HAND];  /* how often each was gone, as far as that can be told, */
	uint8_t doubled[WAYS_AT_HAND]; /*   and how many copies were made there */
	uint8_t copies;                /* that links made; UINT8_MAX: nobody counts any more */
	bool many_ways : 1;            /* there are others */
	bool changed : 1;              /* by a link, from what its sender sent */
	bool adopted : 1;              /* an ARP reply: one of the controller was taken for it */
	uint32_t before; /* how many lives before this one the next of its list is; 0: none */
	uint32_t sender;
};
_Static_assert(sizeof(struct life) == 64, "a cache line");

/* A way of a life that has many. */
struct way {
	uint64_t print; /* of life and way; 0: none */
	uint64_t life;
	uint32_t count, doubled;
};

struct lives {
	struct life *ring;   /* by number */
	uint64_t *lists;     /* the latest life of each, by identity */
	uint64_t lives_size; /* of both; a power of two */
	uint64_t number;     /* the last */
	uint64_t listed;     /* the last that is in its list */
	struct way *ways;
	uint64_t ways_size; /* a power of two */
	bool any_changed;   /* there were lives that links changed */
};

struct lives *lives_new(void)
{
	struct lives *lives = xcalloc(1, sizeof *lives);

	lives->lives_size = lives->ways_size = SIZE_FIRST;
	lives->ring = xcalloc(SIZE_FIRST, sizeof *lives->ring);
	lives->lists = xcalloc(SIZE_FIRST, sizeof *lives->lists);
	lives->ways = xcalloc(SIZE_FIRST, sizeof *lives->ways);
	return lives;
}

void lives_free(struct lives *lives)
{
	if (!lives)
		return;
	free(lives->ring);
	free(lives->lists);
	free(lives->ways);
	free(lives);
}

/* --- Identity --- */

/* Set what is rewritten in 'l4', the first bytes of an IPv4 payload, to zero. */
static void blank_l4(uint8_t l4[L4_BYTES], uint8_t nw_proto)
{
	enum { TCP_CHECKSUM_AT = 16, UDP_CHECKSUM_AT = 6, ICMP_CHECKSUM_AT = 2, PORTS_BYTES = 4 };

	if (nw_proto == FB_IP_ICMP) {
		memset(l4 + ICMP_CHECKSUM_AT, 0, 2);
		return;
	}
	if (nw_proto != FB_IP_TCP && nw_proto != FB_IP_UDP)
		return;
	memset(l4, 0, PORTS_BYTES);
	memset(l4 + (nw_proto == FB_IP_TCP ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT), 0, 2);
}

/* Of the IPv4 packet of 'len' bytes at 'ip': length, id and fragment, protocol, payload. */
static uint64_t identity_ipv4(const uint8_t *ip, size_t len)
{
	uint8_t bytes[8 + L4_BYTES] = {0};
	size_t header = (size_t)(ip[0] & 15) * 4, l4_len;

	memcpy(bytes, ip + 2, 6);
	bytes[6] = ip[9];
	if (header > len)
		header = len;
	l4_len = len - header;
	memcpy(bytes + 8, ip + header, l4_len < L4_BYTES ? l4_len : L4_BYTES);
	if (!(fb_get16(ip + 6) & 0x1fff))
		blank_l4(bytes + 8, ip[9]);
	return hash_bytes((struct hash_seed){0}, bytes, sizeof bytes);
}

static uint64_t identity_of(const struct frame *frame)
{
	const uint8_t *data = frame->memory + frame->offset;
	size_t len = frame->len, at = FB_ETH_HEADER_BYTES;
	uint8_t bytes[FRAME_BYTES] = {0};
	uint16_t dl_type;

	if (len < FB_ETH_HEADER_BYTES)
		return 0;
	dl_type = fb_get16(data + 12);
	if (dl_type == FB_ETH_VLAN && len >= FB_ETH_HEADER_BYTES + FB_VLAN_TAG_BYTES) {
		dl_type = fb_get16(data + 16);
		at += FB_VLAN_TAG_BYTES;
	}
	if (dl_type == FB_ETH_IPV4 && len >= at + FB_IPV4_HEADER_BYTES)
		return identity_ipv4(data + at, len - at);
	len -= at;
	memcpy(bytes, data + at, len < sizeof bytes ? len : sizeof bytes);
	return hash_u128(hash_bytes((struct hash_seed){0}, bytes, sizeof bytes), dl_type);
}

/* The identity of a frame that a link changed: all behind the Ethernet addresses, and no host's. */
static uint64_t identity_of_changed(const struct frame *frame)
{
	const size_t at = frame->len < 2 * FB_MAC_BYTES ? frame->len : 2 * FB_MAC_BYTES;

	return ~hash_bytes((struct hash_seed){0}, frame->memory + frame->offset + at,
	                   frame->len - at);
}

/* Nothing is wrong with it but its addresses: so it is alike what it was. */
static bool is_right(const struct frame *frame)
{
	struct fb_packet packet;

	return !fb_packet_parse(&packet, frame->memory + frame->offset, frame->len) &&
	       fb_packet_checksums_ok(&packet);
}

/* All that answer the same question are the same, a controller's too. */
static bool is_arp_reply(const struct frame *frame)
{
	enum { OP_AT = FB_ETH_HEADER_BYTES + 6, TYPE_AT = 12 };
	const uint8_t *data = frame->memory + frame->offset;

	return frame->len >= OP_AT + 2 && fb_get16(data + TYPE_AT) == FB_ETH_ARP &&
	       fb_get16(data + OP_AT) == FB_ARP_REPLY;
}

/* --- Lives --- */

static inline struct life *find_life(const struct lives *lives, uint64_t number)
{
	struct life *life = &lives->ring[number & (lives->lives_size - 1)];

	return number && life->number == number ? life : NULL;
}

static inline bool is_young(const struct life *life, uint64_t now_ns)
{
	return now_ns - life->begun_ns <= LIVES_ALIKE_NS;
}

/* Where the list of an identity begins. */
static inline uint64_t *list_of(const struct lives *lives, uint64_t identity)
{
	return &lives->lists[identity & (lives->lives_size - 1)];
}

/* The first of its list is 'life' from now on. */
static inline void put_first(struct lives *lives, struct life *life)
{
	uint64_t *list = list_of(lives, life->identity);
	const uint64_t distance = life->number - *list;

	life->before = *list && distance <= UINT32_MAX ? (uint32_t)distance : 0;
	*list = life->number;
}

static void grow_lives(struct lives *lives)
{
	struct life *old = lives->ring;
	const uint64_t old_size = lives->lives_size;

	free(lives->lists);
	lives->lives_size *= 2;
	lives->ring = xcalloc(lives->lives_size, sizeof *lives->ring);
	lives->lists = xcalloc(lives->lives_size, sizeof *lives->lists);
	for (uint64_t number = lives->number - old_size + 1; number <= lives->number; number++)
		lives->ring[number & (lives->lives_size - 1)] = old[number & (old_size - 1)];
	lives->listed = 0;
	free(old);
}

/* Put those into their lists that are not yet there. */
static void list_all(struct lives *lives)
{
	uint64_t number = lives->listed;

	if (lives->number > lives->lives_size && number < lives->number - lives->lives_size)
		number = lives->number - lives->lives_size;
	while (number < lives->number) {
		struct life *life = find_life(lives, ++number);

		if (life)
			put_first(lives, life);
	}
	lives->listed = number;
}

static void begin(struct lives *lives, struct frame *frame, uint64_t identity, uint32_t sender,
                  uint64_t now_ns)
{
	const struct life *oldest = &lives->ring[(lives->number + 1) & (lives->lives_size - 1)];
	struct life *life;

	if (oldest->number && is_young(oldest, now_ns) && lives->lives_size < LIVES_MAX)
		grow_lives(lives);
	frame->tag = ++lives->number;
	life = &lives->ring[lives->number & (lives->lives_size - 1)];
	*life = (struct life){.number = lives->number,
	                      .identity = identity,
	                      .begun_ns = now_ns,
	                      .sender = sender};
	__builtin_prefetch(&lives->ring[(lives->number + 2) & (lives->lives_size - 1)], 1);
}

void lives_begin(struct lives *lives, struct frame *frame, uint32_t host, uint64_t now_ns)
{
	begin(lives, frame, identity_of(frame), host, now_ns);
}

void lives_change(struct lives *lives, struct frame *frame, uint64_t now_ns)
{
	const struct life *life = find_life(lives, frame->tag);
	uint64_t identity = identity_of(frame);

	if (!life || life->identity != identity || !is_right(frame))
		identity = identity_of_changed(frame);
	begin(lives, frame, identity, lives_sender(lives, frame), now_ns);
	find_life(lives, frame->tag)->changed = true;
	lives->any_changed = true;
}

bool lives_is_changed(const struct lives *lives, const struct frame *frame)
{
	const struct life *life = find_life(lives, frame->tag);

	return life && life->changed;
}

uint32_t lives_sender(const struct lives *lives, const struct frame *frame)
{
	const struct life *life = find_life(lives, frame->tag);

	return life ? life->sender : LIVES_NOBODY;
}

/* --- Ways --- */

static uint64_t print_of(uint64_t way, const struct frame *frame)
{
	uint64_t dl_dst = fb_mac_to_u64(frame->memory + frame->offset);
	uint64_t print = hash_u128(way, dl_dst);

	return print ? print : 1;
}

/* The fingerprint of a way of a life that has many. */
static uint64_t print_of_both(uint64_t life, uint64_t print)
{
	uint64_t both = hash_u128(life, print);

	return both ? both : 1;
}

static struct way *bucket_of(const struct lives *lives, uint64_t print)
{
	return &lives->ways[print & (lives->ways_size - 1) & ~(uint64_t)(BUCKET - 1)];
}

/* The way with that fingerprint; NULL: not gone, or forgotten. */
static struct way *find_way(const struct lives *lives, uint64_t print)
{
	struct way *bucket = bucket_of(lives, print);

	for (unsigned i = 0; i < BUCKET; i++)
		if (bucket[i].print == print)
			return &bucket[i];
	return NULL;
}

/* An empty place in the bucket, or that of the oldest life. */
static struct way *place_for(struct lives *lives, uint64_t print)
{
	struct way *bucket = bucket_of(lives, print), *place = bucket;

	for (unsigned i = 1; i < BUCKET; i++)
		if (bucket[i].life < place->life)
			place = &bucket[i];
	return place;
}

static void grow_ways(struct lives *lives)
{
	struct way *old = lives->ways;
	const uint64_t old_size = lives->ways_size;

	lives->ways_size *= 4;
	lives->ways = xcalloc(lives->ways_size, sizeof *lives->ways);
	for (uint64_t i = 0; i < old_size; i++)
		if (old[i].print)
			*place_for(lives, old[i].print) = old[i];
	free(old);
}

/* Count one of many ways: how often it has been gone now. */
static uint32_t count_many(struct lives *lives, struct life *life, uint64_t print)
{
	const uint64_t both = print_of_both(life->number, print);
	struct way *way = life->many_ways ? find_way(lives, both) : NULL;

	if (way)
		return ++way->count;
	way = place_for(lives, both);
	while (way->print && find_life(lives, way->life) && lives->ways_size < LIVES_WAYS_MAX) {
		grow_ways(lives);
		way = place_for(lives, both);
	}
	*way = (struct way){.print = both, .life = life->number, .count = 1};
	life->many_ways = true;
	return 1;
}

/* Count a way of 'life': how often it has been gone now. */
static inline uint32_t count_way(struct lives *lives, struct life *life, uint64_t print)
{
	for (unsigned i = 0; i < WAYS_AT_HAND; i++) {
		if (life->ways[i] == print) {
			life->counts[i] += life->counts[i] < UINT8_MAX;
			return life->counts[i];
		}
		if (!life->ways[i]) {
			life->ways[i] = print;
			life->counts[i] = 1;
			return 1;
		}
	}
	return count_many(lives, life, print);
}

/* What 'life' did on a way: how often it went there, and how many copies were made there. */
struct passage {
	uint32_t count, doubled;
};

static struct passage passage_of(const struct lives *lives, const struct life *life, uint64_t print)
{
	const struct way *way;

	for (unsigned i = 0; i < WAYS_AT_HAND; i++)
		if (life->ways[i] == print)
			return (struct passage){life->counts[i], life->doubled[i]};
	way = life->many_ways ? find_way(lives, print_of_both(life->number, print)) : NULL;
	return way ? (struct passage){way->count, way->doubled} : (struct passage){0, 0};
}

/* There are more of 'life' before a way than have gone it. Copies that were made there are behind it. */
static bool may_go(const struct life *life, struct passage passage)
{
	return life->copies == UINT8_MAX ||
	       passage.count <= (uint32_t)life->copies - passage.doubled;
}

void lives_double(struct lives *lives, const struct frame *frame, uint64_t way)
{
	const uint64_t print = print_of(way, frame);
	struct life *life = find_life(lives, frame->tag);
	struct way *far;

	if (!life)
		return;
	life->copies += life->copies < UINT8_MAX;
	for (unsigned i = 0; i < WAYS_AT_HAND; i++) {
		if (life->ways[i] != print)
			continue;
		life->doubled[i] += life->doubled[i] < UINT8_MAX;
		return;
	}
	far = life->many_ways ? find_way(lives, print_of_both(life->number, print)) : NULL;
	if (far)
		far->doubled++;
}

/* Of the copies that were made on a way one is lost first. */
void lives_lose(struct lives *lives, const struct frame *frame, uint64_t way)
{
	const uint64_t print = print_of(way, frame);
	struct life *life = find_life(lives, frame->tag);
	struct way *far;
	bool is_copy = false;

	if (!life)
		return;
	for (unsigned i = 0; i < WAYS_AT_HAND; i++) {
		if (life->ways[i] != print)
			continue;
		is_copy = life->doubled[i] > 0;
		life->doubled[i] -= is_copy;
		life->counts[i] -= !is_copy && life->counts[i] && life->counts[i] < UINT8_MAX;
	}
	far = life->many_ways ? find_way(lives, print_of_both(life->number, print)) : NULL;
	if (far) {
		is_copy = far->doubled > 0;
		far->doubled -= is_copy;
		far->count -= !is_copy && far->count;
	}
	life->copies -= is_copy && life->copies && life->copies < UINT8_MAX;
}

/* Find the life of a frame that has no tag, by its identity: the latest that has not gone that way; or,
 * where all have, the latest of which there are more; or the latest. 0: there is none, or the search takes
 * too long. '*is_free': it may go that way. */
static uint64_t search(const struct lives *lives, uint64_t identity, uint64_t print,
                       uint64_t now_ns, bool *is_free)
{
	const struct life *life = find_life(lives, *list_of(lives, identity));
	uint64_t latest = 0;

	*is_free = false;
	for (unsigned steps = 0; life && is_young(life, now_ns); steps++) {
		if (life->identity == identity && life->sender != LIVES_NOBODY) {
			const struct passage passage = passage_of(lives, life, print);

			if (!latest || !passage.count || (!*is_free && may_go(life, passage))) {
				latest = life->number;
				*is_free = may_go(life, passage);
			}
			if (!passage.count)
				return latest;
		}
		if (steps == LIVES_STEPS_MAX)
			return 0;
		life = life->before ? find_life(lives, life->number - life->before) : NULL;
	}
	return latest;
}

/* Give a frame without a tag that of its life. Where there is none the controller made the frame, and a new
 * one begins; so it did with an ARP reply when all that hosts sent have gone that way. */
static void adopt(struct lives *lives, struct frame *frame, uint64_t print, uint64_t now_ns)
{
	const uint64_t identity = identity_of(frame);
	uint64_t found = 0;
	bool is_free;

	list_all(lives);
	if (lives->any_changed)
		found = search(lives, identity_of_changed(frame), print, now_ns, &is_free);
	if (!found)
		found = search(lives, identity, print, now_ns, &is_free);
	frame->tag = found;
	if (!found || (!is_free && is_arp_reply(frame)))
		begin(lives, frame, identity, LIVES_NOBODY, now_ns);
	else if (is_arp_reply(frame))
		find_life(lives, found)->adopted = true;
}

/* Bytes that came from the controller may have been taken for this frame, and be another one of its sender
 * that is like it: then that is the one that has not gone this way, and now it has. */
static bool has_stand_in(struct lives *lives, const struct life *life, uint64_t print,
                         uint64_t now_ns)
{
	struct life *other;
	bool is_free;

	list_all(lives);
	other = find_life(lives, search(lives, life->identity, print, now_ns, &is_free));
	if (!other || other == life || !is_free)
		return false;
	count_way(lives, other, print);
	return true;
}

enum lives_passed lives_pass(struct lives *lives, struct frame *frame, uint64_t way,
                             uint64_t now_ns)
{
	const uint64_t print = print_of(way, frame);
	struct passage passage;
	struct life *life;

	if (!frame->tag)
		adopt(lives, frame, print, now_ns);
	life = find_life(lives, frame->tag);
	if (!life || count_way(lives, life, print) <= 1)
		return LIVES_FIRST;
	passage = passage_of(lives, life, print);
	passage.count--;
	if (may_go(life, passage))
		return LIVES_DOUBLED;
	if (has_stand_in(lives, life, print, now_ns))
		return LIVES_FIRST;
	/* What was taken for it was the controller's own, and this comes late. */
	if (life->adopted) {
		life->adopted = false;
		return LIVES_FIRST;
	}
	return LIVES_TWICE;
}

bool lives_has_passed(const struct lives *lives, const struct frame *frame, uint64_t way)
{
	const struct life *life = find_life(lives, frame->tag);

	return life && passage_of(lives, life, print_of(way, frame)).count > 0;
}
