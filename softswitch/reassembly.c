/* Datagrams that are being put together; see reassembly.h. */
#include "softswitch/reassembly.h"

#include <stdlib.h>

#include <flowbed/time.h>

#include "lib/base/xalloc.h"

enum {
	UNIT_BYTES = 8,   /* of a fragment's offset */
	UNITS_MAX = 8192, /* 65,515 bytes and some */
	WORD_UNITS = 64,
	HEADERS_BYTES_MAX = FB_ETH_HEADER_BYTES + FB_VLAN_TAG_BYTES + 60, /* IP options: 40 */
	PAYLOAD_BYTES_FIRST = 2048,
	VLAN_VID_MASK = 0xfff,
	VLAN_UNTAGGED = 0x1000,
	IP_KEPT_BITS = 0xc000, /* of flags and offset: DF and the reserved one */
	ECN_MASK = 3,
	ECN_CONGESTED = 3,
};

struct datagram_key { /* 16 bytes without padding */
	uint32_t nw_src, nw_dst;
	uint16_t in_port, ip_id;
	uint16_t vlan; /* its id, or VLAN_UNTAGGED */
	uint8_t nw_proto, zero;
};

/* A datagram and what is here of it. */
struct datagram {
	struct datagram_key key;
	uint8_t headers[HEADERS_BYTES_MAX]; /* Ethernet's and IP's, of the first fragment */
	uint8_t headers_bytes;              /* 0: it has not come */
	bool congested;                     /* a fragment had "congestion experienced" */
	uint16_t fragment_max;              /* bytes of the longest one, header and payload */
	uint32_t fragments;
	uint32_t payload_bytes; /* of the whole datagram; 0: the last fragment has not come */
	uint32_t reach_bytes;   /* end of the furthest fragment */
	uint32_t units;         /* that are here */
	uint32_t memory_bytes;
	uint8_t *payload;
	uint64_t expires_ns;
	uint64_t here[UNITS_MAX / WORD_UNITS]; /* a bit a unit */
};

void reassembly_init(struct reassembly *r, struct frame_pool *pool, uint32_t datagrams_max,
                     uint64_t expiry_ns)
{
	*r = (struct reassembly){
	        .pool = pool, .datagrams_max = datagrams_max, .expiry_ns = expiry_ns};
}

static void datagram_remove(struct reassembly *r, struct datagram *d)
{
	free(d->payload);
	fb_table_remove(r->datagrams, d);
}

static void give_up(struct reassembly *r, struct datagram *d)
{
	r->failed++;
	r->fragments_lost += d->fragments;
	datagram_remove(r, d);
}

void reassembly_clear(struct reassembly *r)
{
	struct datagram *d;

	if (!r->datagrams)
		return;
	while ((d = fb_table_oldest(r->datagrams)) != NULL)
		give_up(r, d);
	fb_table_free(r->datagrams);
	r->datagrams = NULL;
}

bool reassembly_wants(const struct fb_packet *p)
{
	return (p->more_fragments || p->frag_offset) &&
	       p->l3_ofs == FB_ETH_HEADER_BYTES + (p->has_vlan ? FB_VLAN_TAG_BYTES : 0);
}

static bool malformed(const struct fb_packet *p)
{
	uint32_t header_bytes = p->l4_ofs - (uint32_t)p->l3_ofs;
	uint64_t sum = fb_checksum_add(0, p->data + p->l3_ofs, header_bytes);

	return p->l4_len == 0 || header_bytes + p->l4_len != p->ip_total_len ||
	       (p->more_fragments && p->l4_len % UNIT_BYTES != 0) || fb_checksum_finish(sum) != 0;
}

static uint32_t units_of(uint32_t bytes)
{
	return (bytes + UNIT_BYTES - 1) / UNIT_BYTES;
}

/* The bits of the word 'word' among 'count' units from 'first' on. */
static uint64_t word_mask(uint32_t word, uint32_t first, uint32_t count)
{
	uint32_t from = word * WORD_UNITS < first ? first - word * WORD_UNITS : 0;
	uint32_t to = first + count - word * WORD_UNITS;
	uint64_t below = to < WORD_UNITS ? (UINT64_C(1) << to) - 1 : UINT64_MAX;

	return below & ~UINT64_C(0) << from;
}

/* How many of 'count' units from 'first' on are here. */
static uint32_t units_here(const struct datagram *d, uint32_t first, uint32_t count)
{
	uint32_t last_word = (first + count - 1) / WORD_UNITS;
	uint32_t here = 0;

	for (uint32_t word = first / WORD_UNITS; word <= last_word; word++)
		here += (uint32_t)__builtin_popcountll(d->here[word] &
		                                       word_mask(word, first, count));
	return here;
}

static void mark_units(struct datagram *d, uint32_t first, uint32_t count)
{
	uint32_t last_word = (first + count - 1) / WORD_UNITS;

	for (uint32_t word = first / WORD_UNITS; word <= last_word; word++)
		d->here[word] |= word_mask(word, first, count);
	d->units += count;
}

/* True when the fragment 'p', which ends at 'end', can belong to the same datagram as what is here;
 * overlaps are another question. */
static bool agrees(const struct datagram *d, const struct fb_packet *p, uint32_t end)
{
	uint32_t headers_bytes = p->frag_offset ? d->headers_bytes : p->l4_ofs;
	uint32_t reach = end > d->reach_bytes ? end : d->reach_bytes;

	if (!headers_bytes)
		headers_bytes = p->l3_ofs + (uint32_t)FB_IPV4_HEADER_BYTES;
	if (headers_bytes + reach > FB_FRAME_BYTES_MAX)
		return false;
	if (p->more_fragments)
		return !d->payload_bytes || end < d->payload_bytes;
	return d->payload_bytes ? end == d->payload_bytes : end >= d->reach_bytes;
}

static void reserve(struct datagram *d, uint32_t bytes)
{
	uint32_t size = d->memory_bytes ? d->memory_bytes : PAYLOAD_BYTES_FIRST;

	if (bytes <= d->memory_bytes)
		return;
	while (size < bytes)
		size *= 2;
	d->payload = xrealloc(d->payload, size);
	d->memory_bytes = size;
}

static void take(struct datagram *d, const struct fb_packet *p, uint32_t end)
{
	reserve(d, end);
	memcpy(d->payload + p->frag_offset, p->data + p->l4_ofs, p->l4_len);
	mark_units(d, p->frag_offset / UNIT_BYTES, units_of(p->l4_len));
	d->fragments++;
	if (end > d->reach_bytes)
		d->reach_bytes = end;
	if (p->ip_total_len > d->fragment_max)
		d->fragment_max = p->ip_total_len;
	if ((p->nw_tos & ECN_MASK) == ECN_CONGESTED)
		d->congested = true;
	if (!p->more_fragments)
		d->payload_bytes = end;
	if (p->frag_offset == 0) {
		memcpy(d->headers, p->data, p->l4_ofs);
		d->headers_bytes = (uint8_t)p->l4_ofs;
	}
}

static bool is_whole(const struct datagram *d)
{
	return d->payload_bytes && d->units == units_of(d->payload_bytes);
}

/* The datagram in a frame. */
static struct frame *whole_frame(const struct reassembly *r, const struct datagram *d)
{
	struct frame *frame = frame_new(r->pool, d->headers_bytes + d->payload_bytes);
	uint32_t l3_ofs =
	        FB_ETH_HEADER_BYTES + (d->key.vlan == VLAN_UNTAGGED ? 0 : FB_VLAN_TAG_BYTES);
	uint8_t *ip = frame_data(frame) + l3_ofs;
	uint32_t header_bytes = d->headers_bytes - l3_ofs;

	memcpy(frame_data(frame), d->headers, d->headers_bytes);
	memcpy(frame_data(frame) + d->headers_bytes, d->payload, d->payload_bytes);
	if (d->congested && ip[1] & ECN_MASK)
		ip[1] |= ECN_CONGESTED;
	fb_set16(ip + 2, (uint16_t)(header_bytes + d->payload_bytes));
	fb_set16(ip + 6, fb_get16(ip + 6) & IP_KEPT_BITS);
	fb_set16(ip + 10, 0);
	fb_set16(ip + 10, fb_checksum_finish(fb_checksum_add(0, ip, header_bytes)));
	return frame;
}

/* The datagram of the fragment 'p'; a new one when there is none. NULL: there can be none. */
static struct datagram *find_or_begin(struct reassembly *r, const struct fb_packet *p,
                                      uint16_t in_port, uint64_t now_ns)
{
	struct datagram_key key = {
	        .nw_src = p->nw_src,
	        .nw_dst = p->nw_dst,
	        .in_port = in_port,
	        .ip_id = p->ip_id,
	        .vlan = p->has_vlan ? p->vlan_tci & VLAN_VID_MASK : VLAN_UNTAGGED,
	        .nw_proto = p->nw_proto,
	};
	struct datagram *d;

	if (!r->datagrams_max)
		return NULL;
	if (!r->datagrams)
		r->datagrams = fb_table_new(sizeof key, sizeof(struct datagram), r->datagrams_max);
	if (!r->datagrams)
		abort();
	d = fb_table_find(r->datagrams, &key);
	if (d)
		return d;
	if (fb_table_count(r->datagrams) == r->datagrams_max)
		give_up(r, fb_table_oldest(r->datagrams));
	d = fb_table_add(r->datagrams, &key);
	if (!d)
		abort();
	d->expires_ns = fb_time_after(now_ns, r->expiry_ns);
	return d;
}

/* reassembly_add() without the frame's reference. */
static bool add(struct reassembly *r, const struct fb_packet *p, uint16_t in_port, uint64_t now_ns,
                struct reassembled *whole)
{
	uint32_t end = p->frag_offset + p->l4_len;
	uint32_t count = units_of(p->l4_len);
	uint32_t here = 0;
	struct datagram *d;
	bool fits;

	if (malformed(p)) {
		r->fragments_malformed++;
		return false;
	}
	r->fragments_held++;
	d = find_or_begin(r, p, in_port, now_ns);
	fits = d && agrees(d, p, end);
	if (fits)
		here = units_here(d, p->frag_offset / UNIT_BYTES, count);
	if (!fits || here) {
		r->fragments_lost++;
		if (d && here < count)
			give_up(r, d);
		return false;
	}
	take(d, p, end);
	if (!is_whole(d))
		return false;
	whole->frame = whole_frame(r, d);
	whole->origin = (struct frame_origin){in_port, d->fragment_max};
	whole->fragments = d->fragments;
	r->completed++;
	datagram_remove(r, d);
	return true;
}

bool reassembly_add(struct reassembly *r, struct frame *frame, const struct fb_packet *packet,
                    uint16_t in_port, uint64_t now_ns, struct reassembled *whole)
{
	bool is_complete = add(r, packet, in_port, now_ns, whole);

	frame_unref(frame);
	return is_complete;
}

uint64_t reassembly_deadline(const struct reassembly *r)
{
	const struct datagram *d = r->datagrams ? fb_table_oldest(r->datagrams) : NULL;

	return d ? d->expires_ns : FB_NEVER;
}

void reassembly_expire(struct reassembly *r, uint64_t now_ns)
{
	while (fb_time_due(reassembly_deadline(r), now_ns))
		give_up(r, fb_table_oldest(r->datagrams));
}
