/* The twelve fields of a match as four 64-bit words, so that masking, comparing and hashing them is
 * a handful of instructions, and an entry's key takes 32 bytes.
 *
 * The fields fill the words to the last bit. VLAN id and priority share 16 bits as in a tag, with
 * bit 12 saying "no tag": 12 bits of id, 3 of priority. fb_match_normalize() cuts off what a match
 * may say beyond that. */
#ifndef SOFTSWITCH_FLOW_KEY_H
#define SOFTSWITCH_FLOW_KEY_H

#include <flowbed/match.h>
#include <flowbed/openflow.h>

#include "lib/base/hash.h"

struct flow_key {
	uint64_t w[4]; /* dl_src in_port | dl_dst vlan | nw_src nw_dst | tp_src tp_dst dl_type
			  nw_proto nw_tos */
};

enum {
	FLOW_KEY_VID_MASK = 0x0fff,
	FLOW_KEY_UNTAGGED = 0x1000,
	FLOW_KEY_PCP_SHIFT = 13,
};

/* Pack the fields of 'match', a frame's or normalised. */
static inline struct flow_key flow_key_from_match(const struct fb_match *m)
{
	uint64_t vlan =
	        m->dl_vlan == OFP_VLAN_NONE ? FLOW_KEY_UNTAGGED : m->dl_vlan & FLOW_KEY_VID_MASK;

	vlan |= (uint64_t)(m->dl_vlan_pcp & 7) << FLOW_KEY_PCP_SHIFT;
	return (struct flow_key){{
	        fb_mac_to_u64(m->dl_src) << 16 | m->in_port,
	        fb_mac_to_u64(m->dl_dst) << 16 | vlan,
	        (uint64_t)m->nw_src << 32 | m->nw_dst,
	        (uint64_t)m->tp_src << 48 | (uint64_t)m->tp_dst << 32 | (uint64_t)m->dl_type << 16 |
	                (uint64_t)m->nw_proto << 8 | (m->nw_tos & 0xfc),
	}};
}

/* The inverse, for an entry with 'wildcards'. */
static inline void flow_key_to_match(const struct flow_key *key, uint32_t wildcards,
                                     struct fb_match *m)
{
	uint16_t vlan = (uint16_t)key->w[1];

	memset(m, 0, sizeof *m);
	m->wildcards = wildcards;
	m->in_port = (uint16_t)key->w[0];
	fb_mac_from_u64(m->dl_src, key->w[0] >> 16);
	fb_mac_from_u64(m->dl_dst, key->w[1] >> 16);
	m->dl_vlan = vlan & FLOW_KEY_UNTAGGED ? OFP_VLAN_NONE : vlan & FLOW_KEY_VID_MASK;
	m->dl_vlan_pcp = (uint8_t)(vlan >> FLOW_KEY_PCP_SHIFT);
	m->nw_src = (uint32_t)(key->w[2] >> 32);
	m->nw_dst = (uint32_t)key->w[2];
	m->tp_src = (uint16_t)(key->w[3] >> 48);
	m->tp_dst = (uint16_t)(key->w[3] >> 32);
	m->dl_type = (uint16_t)(key->w[3] >> 16);
	m->nw_proto = (uint8_t)(key->w[3] >> 8);
	m->nw_tos = (uint8_t)key->w[3];
}

/* The mask of the address whose count of ignored bits stands at 'shift'. */
static inline uint64_t flow_key_nw_mask(uint32_t wildcards, unsigned shift)
{
	/* A count is at most 63: the shift is defined, and from 32 on leaves nothing of 32 bits. */
	return (uint32_t)(UINT64_C(0xffffffff) << (wildcards >> shift & 0x3f));
}

/* The bits that count under the normalised 'wildcards'. */
static inline struct flow_key flow_key_mask(uint32_t wildcards)
{
	struct flow_key mask = {{0, 0, 0, 0}};

	if (!(wildcards & OFPFW_IN_PORT))
		mask.w[0] |= 0xffff;
	if (!(wildcards & OFPFW_DL_SRC))
		mask.w[0] |= ~UINT64_C(0xffff);
	if (!(wildcards & OFPFW_DL_DST))
		mask.w[1] |= ~UINT64_C(0xffff);
	if (!(wildcards & OFPFW_DL_VLAN))
		mask.w[1] |= FLOW_KEY_UNTAGGED | FLOW_KEY_VID_MASK;
	if (!(wildcards & OFPFW_DL_VLAN_PCP))
		mask.w[1] |= 7 << FLOW_KEY_PCP_SHIFT;
	mask.w[2] = flow_key_nw_mask(wildcards, OFPFW_NW_SRC_SHIFT) << 32 |
	            flow_key_nw_mask(wildcards, OFPFW_NW_DST_SHIFT);
	if (!(wildcards & OFPFW_TP_SRC))
		mask.w[3] |= UINT64_C(0xffff) << 48;
	if (!(wildcards & OFPFW_TP_DST))
		mask.w[3] |= UINT64_C(0xffff) << 32;
	if (!(wildcards & OFPFW_DL_TYPE))
		mask.w[3] |= UINT64_C(0xffff) << 16;
	if (!(wildcards & OFPFW_NW_PROTO))
		mask.w[3] |= 0xff00;
	if (!(wildcards & OFPFW_NW_TOS))
		mask.w[3] |= 0x00ff;
	return mask;
}

static inline struct flow_key flow_key_and(const struct flow_key *a, const struct flow_key *b)
{
	return (struct flow_key){
	        {a->w[0] & b->w[0], a->w[1] & b->w[1], a->w[2] & b->w[2], a->w[3] & b->w[3]}};
}

static inline struct flow_key flow_key_or(const struct flow_key *a, const struct flow_key *b)
{
	return (struct flow_key){
	        {a->w[0] | b->w[0], a->w[1] | b->w[1], a->w[2] | b->w[2], a->w[3] | b->w[3]}};
}

static inline bool flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
	return ((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1]) | (a->w[2] ^ b->w[2]) |
	        (a->w[3] ^ b->w[3])) == 0;
}

/* True when 'a' and 'b' agree in all bits of 'mask'. */
static inline bool flow_key_equal_under(const struct flow_key *a, const struct flow_key *b,
                                        const struct flow_key *mask)
{
	return (((a->w[0] ^ b->w[0]) & mask->w[0]) | ((a->w[1] ^ b->w[1]) & mask->w[1]) |
	        ((a->w[2] ^ b->w[2]) & mask->w[2]) | ((a->w[3] ^ b->w[3]) & mask->w[3])) == 0;
}

static inline uint32_t flow_key_hash(const struct flow_key *key)
{
	uint64_t hash = hash_u128(hash_mix(key->w[0] ^ HASH_A, key->w[1] ^ HASH_B),
	                          hash_mix(key->w[2] ^ HASH_C, key->w[3] ^ HASH_A));

	return (uint32_t)(hash ^ hash >> 32);
}

#endif
