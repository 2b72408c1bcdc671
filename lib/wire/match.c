/* The flow match: made from a frame, brought into its canonical form, compared.
 *
 * Comparing is done on the twelve fields as five words, each with a mask of the bits that count;
 * the mask comes from the wildcards without a branch (struct words). A key is a match whose mask is
 * all ones. In a normalised match a field that needs another (an address needs IP or ARP, a port
 * needs TCP, UDP or ICMP) is significant only beside that other one, so that a comparison of all
 * words together is all there is.
 *
 * One field is tied to another in the keys, too: an untagged frame has dl_vlan_pcp 0 (section 3.4
 * sets to 0 what the frame does not have). Comparisons of two matches therefore take the priority
 * of a match for untagged frames as 0, though its canonical form wildcards it. */
#include <flowbed/match.h>
#include <flowbed/openflow.h>
#include <flowbed/packet.h>

enum {
	DSCP_MASK = 0xfc,
	VID_MASK = 0x0fff,
	PCP_SHIFT = 13,
	PCP_MASK = 7,
	NW_BITS_ANY = 32, /* ignored address bits from which on the whole address is */
};

/* The fields of a match, or the bits of them that count. */
struct words {
	uint64_t port_src;  /* in_port, dl_src */
	uint64_t dst_vlan;  /* dl_dst, dl_vlan */
	uint64_t types;     /* dl_vlan_pcp, dl_type, nw_tos, nw_proto */
	uint64_t addresses; /* nw_src, nw_dst */
	uint32_t ports;     /* tp_src, tp_dst */
};

_Static_assert(offsetof(struct fb_match, dl_src) == offsetof(struct fb_match, in_port) + 2 &&
                       offsetof(struct fb_match, dl_vlan) ==
                               offsetof(struct fb_match, dl_dst) + 6 &&
                       offsetof(struct fb_match, nw_dst) == offsetof(struct fb_match, nw_src) + 4 &&
                       offsetof(struct fb_match, tp_dst) == offsetof(struct fb_match, tp_src) + 2,
               "load_words() reads these pairs as one word");

static inline struct words load_words(const struct fb_match *m)
{
	const uint8_t *bytes = (const uint8_t *)m;
	struct words w;

	memcpy(&w.port_src, bytes + offsetof(struct fb_match, in_port), sizeof w.port_src);
	memcpy(&w.dst_vlan, bytes + offsetof(struct fb_match, dl_dst), sizeof w.dst_vlan);
	w.types = (uint64_t)m->dl_vlan_pcp << 32 | (uint64_t)m->dl_type << 16 |
	          (uint64_t)m->nw_tos << 8 | m->nw_proto;
	memcpy(&w.addresses, bytes + offsetof(struct fb_match, nw_src), sizeof w.addresses);
	memcpy(&w.ports, bytes + offsetof(struct fb_match, tp_src), sizeof w.ports);
	return w;
}

/* All ones where the wildcard 'bit' (one of OFPFW_*) is not set in 'wildcards', otherwise 0. */
static inline uint64_t counts(uint32_t wildcards, uint32_t bit)
{
	return (uint64_t)((wildcards & bit) != 0) - 1;
}

/* The mask of an address field whose count of ignored bits stands at 'shift'. */
static inline uint32_t nw_mask(uint32_t wildcards, unsigned shift)
{
	return (uint32_t)(UINT64_C(0xffffffff) << (wildcards >> shift & 63));
}

static inline struct words load_masks(uint32_t wildcards)
{
	return (struct words){
	        .port_src = (counts(wildcards, OFPFW_IN_PORT) & 0xffff) |
	                    counts(wildcards, OFPFW_DL_SRC) << 16,
	        .dst_vlan = counts(wildcards, OFPFW_DL_DST) >> 16 | counts(wildcards, OFPFW_DL_VLAN)
	                                                                    << 48,
	        .types = (counts(wildcards, OFPFW_DL_VLAN_PCP) & UINT64_C(0xff00000000)) |
	                 (counts(wildcards, OFPFW_DL_TYPE) & 0xffff0000) |
	                 (counts(wildcards, OFPFW_NW_TOS) & 0xff00) |
	                 (counts(wildcards, OFPFW_NW_PROTO) & 0xff),
	        .addresses = (uint64_t)nw_mask(wildcards, OFPFW_NW_DST_SHIFT) << 32 |
	                     nw_mask(wildcards, OFPFW_NW_SRC_SHIFT),
	        .ports = (uint32_t)((counts(wildcards, OFPFW_TP_SRC) & 0xffff) |
	                            (counts(wildcards, OFPFW_TP_DST) & 0xffff0000)),
	};
}

/* True when 'a' and 'b' agree in all bits of 'mask'. */
static inline bool words_agree(const struct words *a, const struct words *b,
                               const struct words *mask)
{
	uint64_t wrong = (a->port_src ^ b->port_src) & mask->port_src;

	wrong |= (a->dst_vlan ^ b->dst_vlan) & mask->dst_vlan;
	wrong |= (a->types ^ b->types) & mask->types;
	wrong |= (a->addresses ^ b->addresses) & mask->addresses;
	wrong |= (a->ports ^ b->ports) & mask->ports;
	return wrong == 0;
}

/* The wildcards of the normalised 'm', save that a match for untagged frames names their
 * priority, 0. */
static inline uint32_t implied_wildcards(const struct fb_match *m)
{
	bool untagged = !(m->wildcards & OFPFW_DL_VLAN) && m->dl_vlan == OFP_VLAN_NONE;

	return m->wildcards & ~(untagged ? (uint32_t)OFPFW_DL_VLAN_PCP : 0);
}

void fb_match_from_packet(struct fb_match *match, const struct fb_packet *packet, uint16_t in_port)
{
	bool fragment = packet->more_fragments || packet->frag_offset != 0;

	*match = (struct fb_match){
	        .in_port = in_port,
	        .dl_vlan = packet->has_vlan ? packet->vlan_tci & VID_MASK : OFP_VLAN_NONE,
	        .dl_vlan_pcp = (uint8_t)(packet->vlan_tci >> PCP_SHIFT),
	        .dl_type = packet->dl_type,
	        .nw_tos = packet->nw_tos & DSCP_MASK,
	        .nw_proto = packet->nw_proto,
	        .nw_src = packet->nw_src,
	        .nw_dst = packet->nw_dst,
	        .tp_src = fragment ? 0 : packet->tp_src,
	        .tp_dst = fragment ? 0 : packet->tp_dst,
	};
	if (packet->dl_dst) {
		memcpy(match->dl_src, packet->dl_src, FB_MAC_BYTES);
		memcpy(match->dl_dst, packet->dl_dst, FB_MAC_BYTES);
	}
}

void fb_match_any(struct fb_match *match)
{
	*match = (struct fb_match){.wildcards = OFPFW_ALL};
}

/* The wildcard bits of the fields that cannot apply to the frames of 'm'. */
static uint32_t inapplicable(const struct fb_match *m)
{
	bool typed = !(m->wildcards & OFPFW_DL_TYPE);
	bool ip = typed && m->dl_type == FB_ETH_IPV4;
	bool arp = typed && m->dl_type == FB_ETH_ARP;
	bool ports =
	        ip && !(m->wildcards & OFPFW_NW_PROTO) &&
	        (m->nw_proto == FB_IP_TCP || m->nw_proto == FB_IP_UDP || m->nw_proto == FB_IP_ICMP);
	bool untagged = !(m->wildcards & OFPFW_DL_VLAN) && m->dl_vlan == OFP_VLAN_NONE;
	uint32_t bits = 0;

	if (!ip)
		bits |= OFPFW_NW_TOS;
	if (!ip && !arp)
		bits |= OFPFW_NW_PROTO | OFPFW_NW_SRC_ALL | OFPFW_NW_DST_ALL;
	if (!ports)
		bits |= OFPFW_TP_SRC | OFPFW_TP_DST;
	if (untagged)
		bits |= OFPFW_DL_VLAN_PCP;
	return bits;
}

/* The six-bit count at 'shift' of 'wildcards', at most 32, at its place. */
static uint32_t nw_count_bits(uint32_t wildcards, unsigned shift)
{
	uint32_t count = wildcards >> shift & 63;

	return (count < NW_BITS_ANY ? count : NW_BITS_ANY) << shift;
}

static uint32_t canonical_wildcards(const struct fb_match *m)
{
	uint32_t bits = m->wildcards | inapplicable(m);
	uint32_t counts_mask = OFPFW_NW_SRC_MASK | OFPFW_NW_DST_MASK;

	return (bits & OFPFW_ALL & ~counts_mask) | nw_count_bits(bits, OFPFW_NW_SRC_SHIFT) |
	       nw_count_bits(bits, OFPFW_NW_DST_SHIFT);
}

void fb_match_normalize(struct fb_match *m)
{
	uint32_t wild = canonical_wildcards(m);

	m->wildcards = wild;
	m->in_port &= (uint16_t)counts(wild, OFPFW_IN_PORT);
	if (wild & OFPFW_DL_SRC)
		memset(m->dl_src, 0, FB_MAC_BYTES);
	if (wild & OFPFW_DL_DST)
		memset(m->dl_dst, 0, FB_MAC_BYTES);
	if (m->dl_vlan != OFP_VLAN_NONE)
		m->dl_vlan &= VID_MASK;
	m->dl_vlan &= (uint16_t)counts(wild, OFPFW_DL_VLAN);
	m->dl_vlan_pcp &= (uint8_t)counts(wild, OFPFW_DL_VLAN_PCP) & PCP_MASK;
	m->dl_type &= (uint16_t)counts(wild, OFPFW_DL_TYPE);
	m->nw_tos &= (uint8_t)counts(wild, OFPFW_NW_TOS) & DSCP_MASK;
	m->nw_proto &= (uint8_t)counts(wild, OFPFW_NW_PROTO);
	m->nw_src &= nw_mask(wild, OFPFW_NW_SRC_SHIFT);
	m->nw_dst &= nw_mask(wild, OFPFW_NW_DST_SHIFT);
	m->tp_src &= (uint16_t)counts(wild, OFPFW_TP_SRC);
	m->tp_dst &= (uint16_t)counts(wild, OFPFW_TP_DST);
}

bool fb_match_is_exact(const struct fb_match *match)
{
	return match->wildcards == inapplicable(match);
}

bool fb_match_equal(const struct fb_match *a, const struct fb_match *b)
{
	static const struct words all = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
	                                 UINT32_MAX};
	struct words words_a = load_words(a), words_b = load_words(b);

	return a->wildcards == b->wildcards && words_agree(&words_a, &words_b, &all);
}

bool fb_match_hits(const struct fb_match *match, const struct fb_match *key)
{
	struct words words_m = load_words(match), words_k = load_words(key);
	struct words mask = load_masks(match->wildcards);

	return words_agree(&words_m, &words_k, &mask);
}

bool fb_match_contains(const struct fb_match *general, const struct fb_match *specific)
{
	struct words words_g = load_words(general), words_s = load_words(specific);
	struct words mask_g = load_masks(general->wildcards);
	struct words mask_s = load_masks(implied_wildcards(specific));
	uint64_t more = mask_g.port_src & ~mask_s.port_src;

	more |= mask_g.dst_vlan & ~mask_s.dst_vlan;
	more |= mask_g.types & ~mask_s.types;
	more |= mask_g.addresses & ~mask_s.addresses;
	more |= mask_g.ports & ~mask_s.ports;
	return more == 0 && words_agree(&words_g, &words_s, &mask_g);
}

bool fb_match_overlaps(const struct fb_match *a, const struct fb_match *b)
{
	struct words words_a = load_words(a), words_b = load_words(b);
	struct words both = load_masks(implied_wildcards(a));
	struct words mask_b = load_masks(implied_wildcards(b));

	both.port_src &= mask_b.port_src;
	both.dst_vlan &= mask_b.dst_vlan;
	both.types &= mask_b.types;
	both.addresses &= mask_b.addresses;
	both.ports &= mask_b.ports;
	return words_agree(&words_a, &words_b, &both);
}

uint32_t fb_match_nw_src_mask(const struct fb_match *match)
{
	return nw_mask(match->wildcards, OFPFW_NW_SRC_SHIFT);
}

uint32_t fb_match_nw_dst_mask(const struct fb_match *match)
{
	return nw_mask(match->wildcards, OFPFW_NW_DST_SHIFT);
}
