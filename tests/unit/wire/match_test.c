/* Tests of the flow match: extraction from frames, the canonical form, and the relations between
 * matches, these mostly as properties over seeded random matches and the keys of random frames. */
#include <flowbed/match.h>
#include <flowbed/openflow.h>
#include <flowbed/packet.h>

#include "tests/unit/harness.h"
#include "tests/unit/wire/frame_gen.h"

enum { ROUNDS = 20000, IN_PORTS = 3 };

static const struct fb_eth_spec eth = {{2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, false, 0};
static const struct fb_ipv4_spec ip = {.nw_src = 0xc0a80201, .nw_dst = 0xc0a80202, .nw_tos = 0xbb};

/* --- Keys of frames by hand --- */

static struct fb_match key_of(const struct fb_buf *out, uint16_t in_port)
{
	struct fb_packet p;
	struct fb_match key;

	fb_packet_parse(&p, out->data, out->len);
	fb_match_from_packet(&key, &p, in_port);
	return key;
}

static struct fb_match tcp_key(const struct fb_ipv4_spec *ip_spec)
{
	static const struct fb_tcp_spec tcp = {.tp_src = 40000, .tp_dst = 22, .flags = FB_TCP_SYN};
	uint8_t bytes[128];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	fb_build_tcp(&out, &eth, ip_spec, &tcp, "12345678", 8);
	return key_of(&out, 1);
}

static void a_tcp_frame_has_all_twelve_fields(void)
{
	struct fb_match key = tcp_key(&ip);

	CU_ASSERT_EQUAL(key.wildcards, 0);
	CU_ASSERT_EQUAL(key.in_port, 1);
	CU_ASSERT_EQUAL(fb_mac_to_u64(key.dl_src), 0x020000000001);
	CU_ASSERT_EQUAL(fb_mac_to_u64(key.dl_dst), 0x020000000002);
	CU_ASSERT_EQUAL(key.dl_vlan, OFP_VLAN_NONE);
	CU_ASSERT_EQUAL(key.dl_vlan_pcp, 0);
	CU_ASSERT_EQUAL(key.dl_type, 0x0800);
	CU_ASSERT_EQUAL(key.nw_tos, 0xb8);
	CU_ASSERT_EQUAL(key.nw_proto, 6);
	CU_ASSERT_EQUAL(key.nw_src, 0xc0a80201);
	CU_ASSERT_EQUAL(key.nw_dst, 0xc0a80202);
	CU_ASSERT_EQUAL(key.tp_src, 40000);
	CU_ASSERT_EQUAL(key.tp_dst, 22);
}

static void a_tag_gives_vlan_and_priority_without_the_bit_between(void)
{
	static const struct fb_eth_spec tagged = {{2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, true, 0xb005};
	uint8_t bytes[128];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_match key;

	fb_build_eth(&out, &tagged, FB_ETH_LLDP, NULL, 0);
	key = key_of(&out, 1);
	CU_ASSERT_EQUAL(key.dl_vlan, 5);
	CU_ASSERT_EQUAL(key.dl_vlan_pcp, 5);
	CU_ASSERT_EQUAL(key.dl_type, FB_ETH_LLDP);
}

static void arp_gives_opcode_and_protocol_addresses(void)
{
	uint8_t bytes[128];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_match key;

	fb_build_arp(&out, &eth, 0x0102, eth.dl_src, 0xc0a80201, eth.dl_dst, 0xc0a80202);
	key = key_of(&out, 1);
	CU_ASSERT_EQUAL(key.dl_type, FB_ETH_ARP);
	CU_ASSERT_EQUAL(key.nw_proto, 2);
	CU_ASSERT_EQUAL(key.nw_src, 0xc0a80201);
	CU_ASSERT_EQUAL(key.nw_dst, 0xc0a80202);
	CU_ASSERT_EQUAL(key.nw_tos | key.tp_src | key.tp_dst, 0);
}

static void icmp_gives_type_and_code(void)
{
	uint8_t bytes[128];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_match key;

	fb_build_icmp(&out, &eth, &ip, 3, 1, 0xffffffff, NULL, 0);
	key = key_of(&out, 1);
	CU_ASSERT_EQUAL(key.nw_proto, 1);
	CU_ASSERT_EQUAL(key.tp_src, 3);
	CU_ASSERT_EQUAL(key.tp_dst, 1);
}

static void all_fragments_have_ports_zero(void)
{
	struct fb_ipv4_spec fragment = ip;
	struct fb_match key;

	fragment.more_fragments = true;
	key = tcp_key(&fragment);
	CU_ASSERT_EQUAL(key.nw_proto, 6);
	CU_ASSERT_EQUAL(key.nw_src, 0xc0a80201);
	CU_ASSERT_EQUAL(key.tp_src | key.tp_dst, 0);
	fragment.frag_offset = 8;
	key = tcp_key(&fragment);
	CU_ASSERT_EQUAL(key.tp_src | key.tp_dst, 0);
	fragment.more_fragments = false;
	key = tcp_key(&fragment);
	CU_ASSERT_EQUAL(key.nw_proto, 6);
	CU_ASSERT_EQUAL(key.tp_src | key.tp_dst, 0);
}

static void bytes_that_are_no_frame_have_only_a_port(void)
{
	uint8_t bytes[5] = {1, 2, 3, 4, 5};
	struct fb_buf out = {bytes, sizeof bytes, sizeof bytes, false};
	struct fb_match key = key_of(&out, 7);

	CU_ASSERT_EQUAL(key.in_port, 7);
	CU_ASSERT_EQUAL(key.dl_type, 0);
	CU_ASSERT_EQUAL(fb_mac_to_u64(key.dl_src), 0);
}

/* --- The canonical form by hand --- */

static struct fb_match normal(struct fb_match m)
{
	fb_match_normalize(&m);
	return m;
}

/* The canonical wildcards of the match of everything. */
static const uint32_t all_wild =
	OFPFW_ALL - OFPFW_NW_SRC_MASK - OFPFW_NW_DST_MASK + OFPFW_NW_SRC_ALL + OFPFW_NW_DST_ALL;

static void the_match_of_everything_has_one_canonical_form(void)
{
	struct fb_match any, ones;

	fb_match_any(&any);
	CU_ASSERT_EQUAL(any.wildcards, OFPFW_ALL);
	memset(&ones, 0xff, sizeof ones);
	any = normal(any);
	ones = normal(ones);
	CU_ASSERT_EQUAL(any.wildcards, all_wild);
	CU_ASSERT_TRUE(fb_match_equal(&any, &ones));
	CU_ASSERT_EQUAL(ones.in_port | ones.dl_vlan | ones.dl_vlan_pcp | ones.dl_type |
				ones.nw_tos | ones.nw_proto | ones.tp_src | ones.tp_dst,
			0);
	CU_ASSERT_EQUAL(ones.nw_src | ones.nw_dst, 0);
	CU_ASSERT_EQUAL(fb_mac_to_u64(ones.dl_src) | fb_mac_to_u64(ones.dl_dst), 0);
}

static void addresses_and_ports_need_their_protocols(void)
{
	static const struct {
		uint16_t dl_type;
		uint8_t nw_proto;
		uint32_t wildcards;  /* before */
		uint32_t becomes;    /* after */
	} cases[] = {
		{0x0800, 6, 0, 0},
		{0x0800, 17, 0, 0},
		{0x0800, 1, 0, 0},
		{0x0800, 47, 0, OFPFW_TP_SRC | OFPFW_TP_DST},
		{0x0800, 6, OFPFW_NW_PROTO, OFPFW_NW_PROTO | OFPFW_TP_SRC | OFPFW_TP_DST},
		{0x0806, 1, 0, OFPFW_NW_TOS | OFPFW_TP_SRC | OFPFW_TP_DST},
		{0x86dd, 6, 0,
		 OFPFW_NW_TOS | OFPFW_NW_PROTO | OFPFW_NW_SRC_ALL | OFPFW_NW_DST_ALL |
			 OFPFW_TP_SRC | OFPFW_TP_DST},
		{0x0800, 6, OFPFW_DL_TYPE,
		 OFPFW_DL_TYPE | OFPFW_NW_TOS | OFPFW_NW_PROTO | OFPFW_NW_SRC_ALL |
			 OFPFW_NW_DST_ALL | OFPFW_TP_SRC | OFPFW_TP_DST},
	};
	struct fb_match m;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		m = tcp_key(&ip);
		m.dl_vlan = 5;
		m.dl_type = cases[i].dl_type;
		m.nw_proto = cases[i].nw_proto;
		m.wildcards = cases[i].wildcards;
		m = normal(m);
		CU_ASSERT_EQUAL(m.wildcards, cases[i].becomes);
		CU_ASSERT_TRUE(fb_match_is_exact(&m) == (cases[i].wildcards == 0));
	}
}

static void a_priority_needs_a_tag(void)
{
	struct fb_match m = tcp_key(&ip);

	m.dl_vlan_pcp = 3;
	m = normal(m);
	CU_ASSERT_EQUAL(m.wildcards, OFPFW_DL_VLAN_PCP);
	CU_ASSERT_EQUAL(m.dl_vlan_pcp, 0);
	m.dl_vlan = 0;
	m.wildcards = 0;
	m.dl_vlan_pcp = 3;
	m = normal(m);
	CU_ASSERT_EQUAL(m.wildcards, 0);
	CU_ASSERT_EQUAL(m.dl_vlan_pcp, 3);
	m.wildcards = OFPFW_DL_VLAN;
	m.dl_vlan = OFP_VLAN_NONE;
	m = normal(m);
	CU_ASSERT_EQUAL(m.wildcards, OFPFW_DL_VLAN);
	CU_ASSERT_EQUAL(m.dl_vlan, 0);
	CU_ASSERT_EQUAL(m.dl_vlan_pcp, 3);
}

static void bits_that_no_frame_has_go(void)
{
	struct fb_match m = tcp_key(&ip);

	m.dl_vlan = 0xf005;
	m.dl_vlan_pcp = 0xfd;
	m.nw_tos = 0xbb;
	m = normal(m);
	CU_ASSERT_EQUAL(m.dl_vlan, 5);
	CU_ASSERT_EQUAL(m.dl_vlan_pcp, 5);
	CU_ASSERT_EQUAL(m.nw_tos, 0xb8);
}

static void ignored_address_bits_go_for_every_prefix(void)
{
	struct fb_match m;
	uint32_t mask;

	for (uint32_t ignored = 0; ignored < 64; ignored++) {
		mask = ignored >= 32 ? 0 : UINT32_MAX << ignored;
		m = tcp_key(&ip);
		m.nw_src = m.nw_dst = UINT32_MAX;
		m.wildcards = ignored << OFPFW_NW_SRC_SHIFT | (63 - ignored) << OFPFW_NW_DST_SHIFT;
		CU_ASSERT_EQUAL(fb_match_nw_src_mask(&m), mask);
		m = normal(m);
		CU_ASSERT_EQUAL(m.nw_src, mask);
		CU_ASSERT_EQUAL(fb_match_nw_src_mask(&m), mask);
		CU_ASSERT_EQUAL(m.nw_dst, fb_match_nw_dst_mask(&m));
		CU_ASSERT_EQUAL(m.wildcards >> OFPFW_NW_SRC_SHIFT & 63,
				ignored < 32 ? ignored : 32);
		CU_ASSERT_EQUAL(m.wildcards >> OFPFW_NW_DST_SHIFT & 63,
				ignored > 31 ? 63 - ignored : 32);
	}
}

static void an_entry_with_any_wildcard_is_not_exact(void)
{
	static const uint32_t bits[] = {
		OFPFW_IN_PORT,		 OFPFW_DL_VLAN,		  OFPFW_DL_SRC,	     OFPFW_DL_DST,
		OFPFW_DL_TYPE,		 OFPFW_NW_PROTO,	  OFPFW_TP_SRC,	     OFPFW_TP_DST,
		1 << OFPFW_NW_SRC_SHIFT, 1 << OFPFW_NW_DST_SHIFT, OFPFW_DL_VLAN_PCP, OFPFW_NW_TOS};
	struct fb_match m;

	for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
		m = tcp_key(&ip);
		m.dl_vlan = 5;
		CU_ASSERT_TRUE(fb_match_is_exact(&m));
		m.wildcards = bits[i];
		m = normal(m);
		CU_ASSERT_FALSE(fb_match_is_exact(&m));
	}
}

/* --- Relations by hand --- */

/* A normalised match of TCP from any address to the prefix 'dst' with 'ignored' bits. */
static struct fb_match tcp_to(uint32_t dst, uint32_t ignored)
{
	struct fb_match m = {.dl_type = FB_ETH_IPV4, .nw_proto = FB_IP_TCP, .nw_dst = dst};

	m.wildcards = (all_wild & ~(uint32_t)(OFPFW_DL_TYPE | OFPFW_NW_PROTO | OFPFW_NW_DST_MASK)) |
		      ignored << OFPFW_NW_DST_SHIFT;
	return normal(m);
}

static void a_prefix_hits_what_lies_in_it(void)
{
	struct fb_match key = tcp_key(&ip);
	struct fb_match m;

	for (uint32_t ignored = 0; ignored <= 32; ignored++) {
		m = tcp_to(0xc0a80202, ignored);
		CU_ASSERT_TRUE(fb_match_hits(&m, &key));
		if (ignored == 32)
			continue;
		m = tcp_to(0xc0a80202 ^ UINT32_C(1) << ignored, ignored);
		CU_ASSERT_FALSE(fb_match_hits(&m, &key));
	}
}

static void a_shorter_prefix_contains_a_longer_one(void)
{
	struct fb_match longer, shorter;

	for (uint32_t ignored = 1; ignored <= 32; ignored++) {
		shorter = tcp_to(0xc0a80202, ignored);
		longer = tcp_to(0xc0a80202 ^ UINT32_C(1) << (ignored - 1), ignored - 1);
		CU_ASSERT_TRUE(fb_match_contains(&shorter, &longer));
		CU_ASSERT_FALSE(fb_match_contains(&longer, &shorter));
		CU_ASSERT_TRUE(fb_match_overlaps(&shorter, &longer));
		shorter = tcp_to(0xc0a80202, ignored - 1);
		CU_ASSERT_FALSE(fb_match_overlaps(&shorter, &longer));
		CU_ASSERT_FALSE(fb_match_contains(&shorter, &longer));
	}
}

static void each_field_alone_decides(void)
{
	struct fb_match key = tcp_key(&ip), m, other;

	key.dl_vlan = 5;
	m = normal(key);
	CU_ASSERT_TRUE(fb_match_hits(&m, &key));
	for (size_t at = offsetof(struct fb_match, in_port); at < sizeof m; at++) {
		other = m;
		((uint8_t *)&other)[at] ^= 4;
		if (fb_match_equal(&m, &other))  /* padding */
			continue;
		CU_ASSERT_FALSE(fb_match_hits(&other, &key));
		CU_ASSERT_FALSE(fb_match_contains(&m, &other));
		CU_ASSERT_FALSE(fb_match_overlaps(&m, &other));
	}
}

static void a_field_of_zero_is_not_a_wildcard(void)
{
	struct fb_match any = {.wildcards = all_wild},
			zero = {.wildcards = all_wild & ~(uint32_t)OFPFW_IN_PORT};

	CU_ASSERT_TRUE(fb_match_equal(&any, &any));
	CU_ASSERT_FALSE(fb_match_equal(&any, &zero));
	CU_ASSERT_TRUE(fb_match_contains(&any, &zero));
	CU_ASSERT_FALSE(fb_match_contains(&zero, &any));
}

static void arp_and_ip_with_the_same_addresses_do_not_meet(void)
{
	struct fb_match of_ip = tcp_to(0xc0a80202, 0), of_arp = of_ip;

	of_arp.dl_type = FB_ETH_ARP;
	of_arp = normal(of_arp);
	CU_ASSERT_FALSE(fb_match_overlaps(&of_ip, &of_arp));
	CU_ASSERT_FALSE(fb_match_contains(&of_ip, &of_arp));
	of_arp.wildcards |= OFPFW_DL_TYPE;
	of_arp = normal(of_arp);
	CU_ASSERT_TRUE(fb_match_contains(&of_arp, &of_ip));
}

static void untagged_frames_have_priority_zero(void)
{
	struct fb_match untagged = {.dl_vlan = OFP_VLAN_NONE,
				    .wildcards = all_wild & ~(uint32_t)OFPFW_DL_VLAN};
	struct fb_match pcp0 = {.wildcards = all_wild & ~(uint32_t)OFPFW_DL_VLAN_PCP}, pcp5 = pcp0;
	struct fb_match key = tcp_key(&ip);

	pcp5.dl_vlan_pcp = 5;
	untagged = normal(untagged);
	pcp0 = normal(pcp0);
	pcp5 = normal(pcp5);
	CU_ASSERT_TRUE(fb_match_hits(&pcp0, &key));
	CU_ASSERT_FALSE(fb_match_hits(&pcp5, &key));
	CU_ASSERT_TRUE(fb_match_contains(&pcp0, &untagged));
	CU_ASSERT_FALSE(fb_match_contains(&pcp5, &untagged));
	CU_ASSERT_FALSE(fb_match_contains(&untagged, &pcp0));
	CU_ASSERT_TRUE(fb_match_overlaps(&pcp0, &untagged));
	CU_ASSERT_FALSE(fb_match_overlaps(&pcp5, &untagged));
}

/* --- Properties --- */

static struct fb_match random_key(struct rng *rng)
{
	uint8_t bytes[FRAME_GEN_BYTES_MAX];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);

	out.len = frame_gen(rng, bytes);
	return key_of(&out, (uint16_t)rng_below(rng, IN_PORTS));
}

/* Not normalised: the fields of a random frame, some of them from another, some wildcarded, with
 * nonsense in what does not count. */
static struct fb_match random_match(struct rng *rng)
{
	struct fb_match m = random_key(rng), other = random_key(rng);
	uint32_t mixed = (uint32_t)(rng_next(rng) & rng_next(rng) & rng_next(rng));
	uint32_t single_bits = OFPFW_ALL & ~(uint32_t)(OFPFW_NW_SRC_MASK | OFPFW_NW_DST_MASK);
	uint32_t wild = (uint32_t)(rng_next(rng) & rng_next(rng)) & single_bits;

	if (rng_below(rng, 2) == 0)
		wild &= ~(uint32_t)(OFPFW_DL_TYPE | OFPFW_NW_PROTO);
	if (rng_below(rng, 4) != 0)
		wild |= (uint32_t)rng_next(rng) & (OFPFW_NW_SRC_MASK | OFPFW_NW_DST_MASK);
	m.wildcards = wild | (rng_below(rng, 8) == 0 ? UINT32_C(3) << 22 : 0);
	if (mixed & 1)
		m.dl_vlan = other.dl_vlan;
	if (mixed & 2)
		m.dl_vlan_pcp = other.dl_vlan_pcp;
	if (mixed & 4)
		m.dl_type = other.dl_type;
	if (mixed & 8)
		m.nw_proto = other.nw_proto;
	if (mixed & 16)
		m.nw_dst = other.nw_dst;
	if (mixed & 32)
		m.tp_dst = other.tp_dst;
	return m;
}

/* Section 3.4 field by field, for matches that are not normalised: a field counts when it is not
 * wildcarded and the match's other fields say that its frames have it. */
static bool plainly_hits(const struct fb_match *m, const struct fb_match *k)
{
	uint32_t w = m->wildcards;
	uint32_t src = w >> OFPFW_NW_SRC_SHIFT & 63, dst = w >> OFPFW_NW_DST_SHIFT & 63;
	bool is_ip = !(w & OFPFW_DL_TYPE) && m->dl_type == 0x0800;
	bool is_arp = !(w & OFPFW_DL_TYPE) && m->dl_type == 0x0806;
	bool has_ports = is_ip && !(w & OFPFW_NW_PROTO) &&
			 (m->nw_proto == 1 || m->nw_proto == 6 || m->nw_proto == 17);

	if (!(w & OFPFW_IN_PORT) && m->in_port != k->in_port)
		return false;
	if (!(w & OFPFW_DL_SRC) && !fb_mac_equal(m->dl_src, k->dl_src))
		return false;
	if (!(w & OFPFW_DL_DST) && !fb_mac_equal(m->dl_dst, k->dl_dst))
		return false;
	if (!(w & OFPFW_DL_VLAN) && m->dl_vlan != k->dl_vlan)
		return false;
	if (!(w & OFPFW_DL_VLAN_PCP) && m->dl_vlan_pcp != k->dl_vlan_pcp &&
	    !(!(w & OFPFW_DL_VLAN) && m->dl_vlan == 0xffff))
		return false;
	if (!(w & OFPFW_DL_TYPE) && m->dl_type != k->dl_type)
		return false;
	if (is_ip && !(w & OFPFW_NW_TOS) && m->nw_tos != k->nw_tos)
		return false;
	if ((is_ip || is_arp) && !(w & OFPFW_NW_PROTO) && m->nw_proto != k->nw_proto)
		return false;
	if ((is_ip || is_arp) && src < 32 && m->nw_src >> src != k->nw_src >> src)
		return false;
	if ((is_ip || is_arp) && dst < 32 && m->nw_dst >> dst != k->nw_dst >> dst)
		return false;
	if (has_ports && !(w & OFPFW_TP_SRC) && m->tp_src != k->tp_src)
		return false;
	return !(has_ports && !(w & OFPFW_TP_DST) && m->tp_dst != k->tp_dst);
}

static void normalising_changes_no_frame_that_is_hit(void)
{
	struct fb_match raw, m, key;
	unsigned hits = 0;
	struct rng rng;

	rng_init(&rng, 1, "normalise");
	for (unsigned i = 0; i < 10 * ROUNDS; i++) {
		raw = random_match(&rng);
		key = random_key(&rng);
		m = normal(raw);
		CU_ASSERT_EQUAL_FATAL(plainly_hits(&raw, &key), fb_match_hits(&m, &key));
		hits += fb_match_hits(&m, &key);
	}
	CU_ASSERT_TRUE(hits > ROUNDS / 10);
}

static void normalising_twice_is_normalising_once(void)
{
	struct fb_match once, twice;
	struct rng rng;

	rng_init(&rng, 1, "idempotent");
	for (unsigned i = 0; i < ROUNDS; i++) {
		once = normal(random_match(&rng));
		twice = normal(once);
		CU_ASSERT_TRUE_FATAL(fb_match_equal(&once, &twice));
	}
}

static void the_key_of_a_frame_hits_itself_and_is_exact(void)
{
	struct fb_match key, m;
	struct rng rng;

	rng_init(&rng, 1, "self");
	for (unsigned i = 0; i < ROUNDS; i++) {
		key = random_key(&rng);
		m = normal(key);
		CU_ASSERT_TRUE_FATAL(fb_match_hits(&m, &key));
		CU_ASSERT_TRUE_FATAL(fb_match_is_exact(&m));
	}
}

/* A key that 'b' hits and that in all bits that 'b' leaves open differs from 'a', as far as a frame
 * can. */
static struct fb_match key_away_from(const struct fb_match *a, const struct fb_match *b)
{
	struct fb_match k = *b;
	uint32_t w = b->wildcards;

	k.wildcards = 0;
	if (w & OFPFW_IN_PORT)
		k.in_port = (uint16_t)~a->in_port;
	if (w & OFPFW_DL_SRC)
		fb_mac_from_u64(k.dl_src, ~fb_mac_to_u64(a->dl_src));
	if (w & OFPFW_DL_DST)
		fb_mac_from_u64(k.dl_dst, ~fb_mac_to_u64(a->dl_dst));
	if (w & OFPFW_DL_VLAN)
		k.dl_vlan = ~a->dl_vlan & 0x0fff;
	if (w & OFPFW_DL_VLAN_PCP)
		k.dl_vlan_pcp = k.dl_vlan == OFP_VLAN_NONE ? 0 : ~a->dl_vlan_pcp & 7;
	if (w & OFPFW_DL_TYPE)
		k.dl_type = (uint16_t)~a->dl_type;
	if (w & OFPFW_NW_TOS)
		k.nw_tos = ~a->nw_tos & 0xfc;
	if (w & OFPFW_NW_PROTO)
		k.nw_proto = (uint8_t)~a->nw_proto;
	k.nw_src |= ~a->nw_src & ~fb_match_nw_src_mask(b);
	k.nw_dst |= ~a->nw_dst & ~fb_match_nw_dst_mask(b);
	if (w & OFPFW_TP_SRC)
		k.tp_src = (uint16_t)~a->tp_src;
	if (w & OFPFW_TP_DST)
		k.tp_dst = (uint16_t)~a->tp_dst;
	return k;
}

static void one_match_contains_another_when_no_frame_tells_otherwise(void)
{
	struct fb_match a, b, away, key;
	unsigned contained = 0;
	struct rng rng;

	rng_init(&rng, 1, "contains");
	for (unsigned i = 0; i < 10 * ROUNDS; i++) {
		a = random_match(&rng);
		b = a;
		if (rng_below(&rng, 2))
			b.wildcards &= (uint32_t)rng_next(&rng);
		else
			b = random_match(&rng);
		if (rng_below(&rng, 4) == 0) {
			key = a;
			a = b;
			b = key;
		}
		a = normal(a);
		b = normal(b);
		key = random_key(&rng);
		away = key_away_from(&a, &b);
		CU_ASSERT_TRUE_FATAL(fb_match_hits(&b, &away));
		CU_ASSERT_EQUAL_FATAL(fb_match_contains(&a, &b), fb_match_hits(&a, &away));
		if (!fb_match_contains(&a, &b))
			continue;
		contained++;
		CU_ASSERT_TRUE_FATAL(!fb_match_hits(&b, &key) || fb_match_hits(&a, &key));
	}
	CU_ASSERT_TRUE(contained > ROUNDS / 10);
}

/* A key made of what 'a' fixes and, where 'a' leaves it open, of what 'b' fixes. */
static struct fb_match key_between(const struct fb_match *a, const struct fb_match *b)
{
	struct fb_match k = *a;
	uint32_t w = a->wildcards;

	k.wildcards = 0;
	if (w & OFPFW_IN_PORT)
		k.in_port = b->in_port;
	if (w & OFPFW_DL_SRC)
		memcpy(k.dl_src, b->dl_src, FB_MAC_BYTES);
	if (w & OFPFW_DL_DST)
		memcpy(k.dl_dst, b->dl_dst, FB_MAC_BYTES);
	if (w & OFPFW_DL_VLAN)
		k.dl_vlan = b->dl_vlan;
	if (w & OFPFW_DL_VLAN_PCP)
		k.dl_vlan_pcp = b->dl_vlan_pcp;
	if (k.dl_vlan == OFP_VLAN_NONE)
		k.dl_vlan_pcp = 0;
	if (w & OFPFW_DL_TYPE)
		k.dl_type = b->dl_type;
	if (w & OFPFW_NW_TOS)
		k.nw_tos = b->nw_tos;
	if (w & OFPFW_NW_PROTO)
		k.nw_proto = b->nw_proto;
	k.nw_src |= b->nw_src & ~fb_match_nw_src_mask(a);
	k.nw_dst |= b->nw_dst & ~fb_match_nw_dst_mask(a);
	if (w & OFPFW_TP_SRC)
		k.tp_src = b->tp_src;
	if (w & OFPFW_TP_DST)
		k.tp_dst = b->tp_dst;
	return k;
}

static void two_matches_overlap_when_a_common_frame_can_be_made(void)
{
	struct fb_match a, b, common, key;
	unsigned overlapping = 0, apart = 0;
	struct rng rng;

	rng_init(&rng, 1, "overlaps");
	for (unsigned i = 0; i < 10 * ROUNDS; i++) {
		a = random_match(&rng);
		b = random_match(&rng);
		if (rng_below(&rng, 2)) {
			b = a;
			a.wildcards |= (uint32_t)rng_next(&rng);
			b.wildcards |= (uint32_t)rng_next(&rng);
			b.nw_src ^= (uint32_t)rng_below(&rng, 4);
			b.dl_vlan_pcp ^= (uint8_t)rng_below(&rng, 2);
		}
		a = normal(a);
		b = normal(b);
		key = random_key(&rng);
		common = key_between(&a, &b);
		CU_ASSERT_EQUAL_FATAL(fb_match_overlaps(&a, &b),
				      fb_match_hits(&a, &common) && fb_match_hits(&b, &common));
		CU_ASSERT_EQUAL_FATAL(fb_match_overlaps(&a, &b), fb_match_overlaps(&b, &a));
		CU_ASSERT_TRUE_FATAL(fb_match_overlaps(&a, &b) || !fb_match_hits(&a, &key) ||
				     !fb_match_hits(&b, &key));
		CU_ASSERT_TRUE_FATAL(fb_match_overlaps(&a, &b) || !fb_match_contains(&a, &b));
		overlapping += fb_match_overlaps(&a, &b);
		apart += !fb_match_overlaps(&a, &b);
	}
	CU_ASSERT_TRUE(overlapping > ROUNDS / 10 && apart > ROUNDS / 10);
}

UNIT_TESTS("match", UNIT_TEST(a_tcp_frame_has_all_twelve_fields),
	   UNIT_TEST(a_tag_gives_vlan_and_priority_without_the_bit_between),
	   UNIT_TEST(arp_gives_opcode_and_protocol_addresses), UNIT_TEST(icmp_gives_type_and_code),
	   UNIT_TEST(all_fragments_have_ports_zero),
	   UNIT_TEST(bytes_that_are_no_frame_have_only_a_port),
	   UNIT_TEST(the_match_of_everything_has_one_canonical_form),
	   UNIT_TEST(addresses_and_ports_need_their_protocols), UNIT_TEST(a_priority_needs_a_tag),
	   UNIT_TEST(bits_that_no_frame_has_go),
	   UNIT_TEST(ignored_address_bits_go_for_every_prefix),
	   UNIT_TEST(an_entry_with_any_wildcard_is_not_exact),
	   UNIT_TEST(a_prefix_hits_what_lies_in_it),
	   UNIT_TEST(a_shorter_prefix_contains_a_longer_one), UNIT_TEST(each_field_alone_decides),
	   UNIT_TEST(a_field_of_zero_is_not_a_wildcard),
	   UNIT_TEST(arp_and_ip_with_the_same_addresses_do_not_meet),
	   UNIT_TEST(untagged_frames_have_priority_zero),
	   UNIT_TEST(normalising_changes_no_frame_that_is_hit),
	   UNIT_TEST(normalising_twice_is_normalising_once),
	   UNIT_TEST(the_key_of_a_frame_hits_itself_and_is_exact),
	   UNIT_TEST(one_match_contains_another_when_no_frame_tells_otherwise),
	   UNIT_TEST(two_matches_overlap_when_a_common_frame_can_be_made))
