/* Tests of the header-modifying actions: each by hand, and random ones against an editor that
 * recomputes every checksum from nothing. */
#include <flowbed/action.h>
#include <flowbed/openflow.h>
#include <flowbed/packet.h>

#include "tests/unit/harness.h"
#include "tests/unit/wire/frame_gen.h"
#include "tests/unit/wire/packets_equal.h"

enum { HEADROOM = 16, ROUNDS = 20000 };

static const struct fb_eth_spec plain_eth = {{2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, false, 0};
static const struct fb_eth_spec tagged_eth = {{2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 1}, true, 0xb005};
static const struct fb_ipv4_spec plain_ip = {
	.nw_src = 0xc0a80201, .nw_dst = 0xc0a80202, .nw_tos = 0xbb};
static const struct fb_tcp_spec syn = {.tp_src = 40000, .tp_dst = 22, .flags = FB_TCP_SYN};

/* A frame with room in front of it. */
struct bench {
	uint8_t memory[HEADROOM + FRAME_GEN_BYTES_MAX];
	struct fb_buf out;
	struct fb_edit edit;
};

static void bench_init(struct bench *b)
{
	memset(b->memory, 0xee, sizeof b->memory);
	b->out = fb_buf_make(b->memory + HEADROOM, FRAME_GEN_BYTES_MAX);
}

static void bench_start(struct bench *b)
{
	CU_ASSERT_EQUAL(fb_edit_begin(&b->edit, b->out.data, b->out.len, HEADROOM), 0);
}

static void bench_tcp(struct bench *b, const struct fb_eth_spec *eth)
{
	bench_init(b);
	fb_build_tcp(&b->out, eth, &plain_ip, &syn, "abc", 3);
	bench_start(b);
}

static bool set_u16(struct bench *b, uint16_t type, uint16_t value)
{
	struct fb_action action = {.type = type};

	if (type == OFPAT_SET_VLAN_VID)
		action.vlan_vid = value;
	else if (type == OFPAT_SET_VLAN_PCP)
		action.vlan_pcp = (uint8_t)value;
	else if (type == OFPAT_SET_NW_TOS)
		action.nw_tos = (uint8_t)value;
	else
		action.tp_port = value;
	return fb_edit_apply(&b->edit, &action);
}

static bool set_nw(struct bench *b, uint16_t type, uint32_t addr)
{
	return fb_edit_apply(&b->edit, &(struct fb_action){.type = type, .nw_addr = addr});
}

static bool strip(struct bench *b)
{
	return fb_edit_apply(&b->edit, &(struct fb_action){.type = OFPAT_STRIP_VLAN});
}

/* True when edit.packet is what a fresh look at the frame tells and all checksums are right. */
static bool is_sound(const struct bench *b)
{
	struct fb_packet fresh;

	fb_packet_parse(&fresh, b->edit.data, b->edit.len);
	return packets_equal(&fresh, &b->edit.packet) && fb_packet_checksums_ok(&fresh) &&
	       b->edit.packet.data == b->edit.data;
}

/* --- Each action by hand --- */

static void mac_addresses_are_replaced(void)
{
	struct fb_action action = {.type = OFPAT_SET_DL_SRC, .dl_addr = {2, 3, 4, 5, 6, 7}};
	struct bench b;

	bench_tcp(&b, &tagged_eth);
	CU_ASSERT_TRUE(fb_edit_apply(&b.edit, &action));
	CU_ASSERT_EQUAL(fb_mac_to_u64(b.edit.packet.dl_src), 0x020304050607);
	CU_ASSERT_EQUAL(fb_mac_to_u64(b.edit.packet.dl_dst), 0x020000000002);
	action.type = OFPAT_SET_DL_DST;
	action.dl_addr[5] = 8;
	CU_ASSERT_TRUE(fb_edit_apply(&b.edit, &action));
	CU_ASSERT_EQUAL(fb_mac_to_u64(b.edit.packet.dl_src), 0x020304050607);
	CU_ASSERT_EQUAL(fb_mac_to_u64(b.edit.packet.dl_dst), 0x020304050608);
	CU_ASSERT_TRUE(is_sound(&b));
}

static void ip_addresses_are_replaced_and_both_checksums_follow(void)
{
	struct bench b;

	bench_tcp(&b, &plain_eth);
	CU_ASSERT_TRUE(set_nw(&b, OFPAT_SET_NW_SRC, 0x0a000001));
	CU_ASSERT_EQUAL(b.edit.packet.nw_src, 0x0a000001);
	CU_ASSERT_TRUE(is_sound(&b));
	CU_ASSERT_TRUE(set_nw(&b, OFPAT_SET_NW_DST, 0xffffffff));
	CU_ASSERT_EQUAL(b.edit.packet.nw_dst, 0xffffffff);
	CU_ASSERT_TRUE(is_sound(&b));
}

static void icmp_has_no_pseudo_header(void)
{
	struct bench b;

	bench_init(&b);
	fb_build_icmp(&b.out, &plain_eth, &plain_ip, FB_ICMP_ECHO_REQUEST, 0, 1, "abc", 3);
	bench_start(&b);
	CU_ASSERT_TRUE(set_nw(&b, OFPAT_SET_NW_SRC, 0x0a000001));
	CU_ASSERT_TRUE(is_sound(&b));
}

static void icmp_has_no_ports_to_set(void)
{
	struct bench b;

	bench_init(&b);
	fb_build_icmp(&b.out, &plain_eth, &plain_ip, FB_ICMP_ECHO_REQUEST, 0, 1, "abc", 3);
	bench_start(&b);
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_TP_SRC, 0));
	CU_ASSERT_EQUAL(b.edit.packet.tp_src, FB_ICMP_ECHO_REQUEST);
	CU_ASSERT_TRUE(is_sound(&b));
}

static void tos_keeps_the_ecn_bits(void)
{
	struct bench b;

	bench_tcp(&b, &plain_eth);
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_NW_TOS, 0x12));
	CU_ASSERT_EQUAL(b.edit.packet.nw_tos, 0x13);
	CU_ASSERT_TRUE(is_sound(&b));
}

static void ports_are_replaced(void)
{
	struct bench b;

	bench_tcp(&b, &plain_eth);
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_TP_SRC, 1));
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_TP_DST, 65535));
	CU_ASSERT_EQUAL(b.edit.packet.tp_src, 1);
	CU_ASSERT_EQUAL(b.edit.packet.tp_dst, 65535);
	CU_ASSERT_TRUE(is_sound(&b));
}

static void a_vlan_id_changes_in_its_tag_alone(void)
{
	struct bench b;

	bench_tcp(&b, &tagged_eth);
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_VLAN_VID, 0xf123));
	CU_ASSERT_EQUAL(b.edit.packet.vlan_tci, 0xb123);
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_VLAN_PCP, 2));
	CU_ASSERT_EQUAL(b.edit.packet.vlan_tci, 0x5123);
	CU_ASSERT_EQUAL(b.edit.headroom, HEADROOM);
	CU_ASSERT_TRUE(is_sound(&b));
}

static void an_untagged_frame_gets_a_tag(void)
{
	struct bench b;

	bench_tcp(&b, &plain_eth);
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_VLAN_VID, 5));
	CU_ASSERT_EQUAL(b.edit.packet.vlan_tci, 5);
	CU_ASSERT_EQUAL(b.edit.len, b.out.len + 4);
	CU_ASSERT_EQUAL(b.edit.headroom, HEADROOM - 4);
	CU_ASSERT_EQUAL(b.edit.packet.tp_dst, 22);
	CU_ASSERT_TRUE(is_sound(&b));
	bench_tcp(&b, &plain_eth);
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_VLAN_PCP, 7));
	CU_ASSERT_EQUAL(b.edit.packet.vlan_tci, 0xe000);
	CU_ASSERT_TRUE(is_sound(&b));
}

static void a_tag_needs_headroom(void)
{
	struct bench b;
	uint8_t before[sizeof b.memory];

	bench_tcp(&b, &plain_eth);
	b.edit.headroom = 3;
	memcpy(before, b.memory, sizeof before);
	CU_ASSERT_FALSE(set_u16(&b, OFPAT_SET_VLAN_VID, 5));
	CU_ASSERT_EQUAL(memcmp(before, b.memory, sizeof before), 0);
	CU_ASSERT_FALSE(b.edit.packet.has_vlan);
	b.edit.headroom = 4;
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_VLAN_VID, 5));
	CU_ASSERT_EQUAL(b.edit.headroom, 0);
}

static void the_longest_frame_gets_no_tag(void)
{
	static uint8_t memory[HEADROOM + FB_FRAME_BYTES_MAX];
	struct fb_action action = {.type = OFPAT_SET_VLAN_VID, .vlan_vid = 5};
	struct fb_edit edit;

	CU_ASSERT_EQUAL(fb_edit_begin(&edit, memory + HEADROOM, FB_FRAME_BYTES_MAX - 3, HEADROOM),
			0);
	CU_ASSERT_FALSE(fb_edit_apply(&edit, &action));
	CU_ASSERT_EQUAL(fb_edit_begin(&edit, memory + HEADROOM, FB_FRAME_BYTES_MAX - 4, HEADROOM),
			0);
	CU_ASSERT_TRUE(fb_edit_apply(&edit, &action));
}

static void a_tag_is_stripped_and_the_one_under_it_shows(void)
{
	static const uint8_t inner[] = {0, 6, 0x88, 0xcc};
	struct bench b;

	bench_init(&b);
	fb_build_eth(&b.out, &tagged_eth, FB_ETH_VLAN, inner, sizeof inner);
	bench_start(&b);
	CU_ASSERT_TRUE(strip(&b));
	CU_ASSERT_TRUE(b.edit.packet.has_vlan);
	CU_ASSERT_EQUAL(b.edit.packet.vlan_tci, 6);
	CU_ASSERT_EQUAL(b.edit.packet.dl_type, FB_ETH_LLDP);
	CU_ASSERT_TRUE(strip(&b));
	CU_ASSERT_FALSE(b.edit.packet.has_vlan);
	CU_ASSERT_EQUAL(b.edit.len, 14);
	CU_ASSERT_EQUAL(b.edit.headroom, HEADROOM + 8);
	CU_ASSERT_EQUAL(fb_mac_to_u64(b.edit.packet.dl_dst), 0x020000000002);
	CU_ASSERT_EQUAL(fb_mac_to_u64(b.edit.packet.dl_src), 0x020000000001);
	CU_ASSERT_TRUE(strip(&b));
	CU_ASSERT_EQUAL(b.edit.len, 14);
	CU_ASSERT_TRUE(is_sound(&b));
}

static void tagging_and_stripping_gives_the_frame_back(void)
{
	struct bench b, before;

	bench_tcp(&before, &plain_eth);
	bench_tcp(&b, &plain_eth);
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_VLAN_VID, 5));
	CU_ASSERT_TRUE(strip(&b));
	CU_ASSERT_EQUAL(b.edit.len, before.edit.len);
	CU_ASSERT_EQUAL(memcmp(b.edit.data, before.edit.data, b.edit.len), 0);
	CU_ASSERT_PTR_EQUAL(b.edit.data, b.memory + HEADROOM);
}

static void arp_is_left_alone_by_ip_and_port_actions(void)
{
	struct bench b, before;

	bench_init(&b);
	fb_build_arp(&b.out, &plain_eth, 1, plain_eth.dl_src, 1, plain_eth.dl_dst, 2);
	bench_start(&b);
	before = b;
	CU_ASSERT_TRUE(set_nw(&b, OFPAT_SET_NW_SRC, 7));
	CU_ASSERT_TRUE(set_nw(&b, OFPAT_SET_NW_DST, 7));
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_NW_TOS, 8));
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_TP_DST, 8));
	CU_ASSERT_EQUAL(b.edit.packet.nw_src, 1);
	CU_ASSERT_EQUAL(memcmp(b.memory, before.memory, sizeof b.memory), 0);
}

static void other_actions_change_nothing(void)
{
	static const uint16_t types[] = {OFPAT_OUTPUT, OFPAT_ENQUEUE, OFPAT_VENDOR, 12};
	struct bench b, before;
	struct fb_action action = {0};

	bench_tcp(&b, &plain_eth);
	before = b;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		action.type = types[i];
		CU_ASSERT_TRUE(fb_edit_apply(&b.edit, &action));
	}
	CU_ASSERT_EQUAL(memcmp(b.memory, before.memory, sizeof b.memory), 0);
}

static void less_than_an_ethernet_header_is_not_edited(void)
{
	uint8_t bytes[13] = {0};
	struct fb_edit edit;

	CU_ASSERT_EQUAL(fb_edit_begin(&edit, bytes, sizeof bytes, 0), -1);
}

/* --- Checksums at the corners --- */

static void ports_are_set_of_udp_with_any_length_and_of_sound_tcp(void)
{
	struct bench b;

	bench_init(&b);
	fb_build_udp(&b.out, &plain_eth, &plain_ip, 1, 2, "abc", 3);
	fb_set16(b.out.data + 38, 7);
	bench_start(&b);
	CU_ASSERT_FALSE(b.edit.packet.is_udp);
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_TP_DST, 4711));
	CU_ASSERT_EQUAL(fb_get16(b.edit.data + 36), 4711);
	CU_ASSERT_EQUAL(b.edit.packet.tp_dst, 4711);
	bench_tcp(&b, &plain_eth);
	b.edit.data[46] = 15 << 4;
	bench_start(&b);
	CU_ASSERT_FALSE(b.edit.packet.is_tcp);
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_TP_DST, 4711));
	CU_ASSERT_EQUAL(fb_get16(b.edit.data + 36), 22);
}

static void a_packet_longer_than_the_frame_is_left_alone(void)
{
	uint8_t before[256];
	struct bench b;

	bench_tcp(&b, &plain_eth);
	b.out.len--;
	bench_start(&b);
	memcpy(before, b.edit.data, b.edit.len);
	CU_ASSERT_TRUE(set_nw(&b, OFPAT_SET_NW_DST, 0x0a000001));
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_NW_TOS, 0xfc));
	CU_ASSERT_TRUE(set_u16(&b, OFPAT_SET_TP_DST, 1));
	CU_ASSERT_EQUAL(memcmp(before, b.edit.data, b.edit.len), 0);
}

static void a_udp_checksum_of_zero_stays_zero(void)
{
	struct bench b;

	bench_init(&b);
	fb_build_udp(&b.out, &plain_eth, &plain_ip, 1, 2, "abc", 3);
	fb_set16(b.out.data + 40, 0);
	bench_start(&b);
	set_nw(&b, OFPAT_SET_NW_SRC, 0x0a000001);
	set_u16(&b, OFPAT_SET_TP_SRC, 77);
	CU_ASSERT_EQUAL(fb_get16(b.edit.data + 40), 0);
	CU_ASSERT_EQUAL(b.edit.packet.tp_src, 77);
	CU_ASSERT_TRUE(is_sound(&b));
}

static void a_udp_checksum_that_becomes_zero_is_written_as_ones(void)
{
	struct bench b;
	unsigned ones = 0;

	bench_init(&b);
	fb_build_udp(&b.out, &plain_eth, &plain_ip, 1, 2, "abc", 3);
	bench_start(&b);
	for (unsigned port = 0; port < 0x10000; port++) {
		set_u16(&b, OFPAT_SET_TP_SRC, (uint16_t)port);
		CU_ASSERT_NOT_EQUAL_FATAL(fb_get16(b.edit.data + 40), 0);
		ones += fb_get16(b.edit.data + 40) == 0xffff;
		CU_ASSERT_TRUE_FATAL(fb_packet_checksums_ok(&b.edit.packet));
	}
	CU_ASSERT_TRUE(ones == 1 || ones == 2);  /* ports 0 and 0xffff weigh the same */
}

static void a_tcp_checksum_may_become_zero(void)
{
	struct bench b;
	unsigned zeroes = 0;

	bench_tcp(&b, &plain_eth);
	for (unsigned port = 0; port < 0x10000; port++) {
		set_u16(&b, OFPAT_SET_TP_DST, (uint16_t)port);
		zeroes += fb_get16(b.edit.data + 50) == 0;
		CU_ASSERT_TRUE_FATAL(fb_packet_checksums_ok(&b.edit.packet));
	}
	CU_ASSERT_TRUE(zeroes == 1 || zeroes == 2);
}

static void a_nonsense_tcp_header_keeps_its_checksum_right(void)
{
	struct bench b;
	uint8_t *check;

	bench_tcp(&b, &plain_eth);
	check = b.out.data + 50;
	fb_set16(check, fb_checksum_update16(fb_get16(check), fb_get16(b.out.data + 46), 0x1002));
	fb_set16(b.out.data + 46, 0x1002);
	bench_start(&b);
	CU_ASSERT_FALSE(b.edit.packet.is_tcp);
	set_nw(&b, OFPAT_SET_NW_SRC, 0x0a000001);
	CU_ASSERT_EQUAL(
		fb_checksum_finish(fb_checksum_add(
			fb_checksum_pseudo(0x0a000001, 0xc0a80202, 6, 23), b.edit.data + 34, 23)),
		0);
}

/* Cut the IP payload of 'whole', a built frame, at 'cut', apply the same actions to both fragments,
 * put them together and look at the checksum. */
static void edit_in_fragments(const struct fb_buf *whole, uint8_t nw_proto, size_t cut)
{
	const uint8_t *l4 = whole->data + 34;
	size_t l4_len = whole->len - 34;
	struct fb_ipv4_spec ip = plain_ip;
	struct bench first, later;
	struct fb_packet p;

	ip.more_fragments = true;
	bench_init(&first);
	fb_build_ipv4(&first.out, &plain_eth, &ip, nw_proto, l4, cut);
	bench_start(&first);
	ip.more_fragments = false;
	ip.frag_offset = (uint16_t)cut;
	bench_init(&later);
	fb_build_ipv4(&later.out, &plain_eth, &ip, nw_proto, l4 + cut, l4_len - cut);
	bench_start(&later);

	set_nw(&first, OFPAT_SET_NW_DST, 0x0a0b0c0d);
	set_nw(&later, OFPAT_SET_NW_DST, 0x0a0b0c0d);
	set_u16(&first, OFPAT_SET_TP_SRC, 4711);
	set_u16(&later, OFPAT_SET_TP_SRC, 4711);
	CU_ASSERT_TRUE(is_sound(&first) && is_sound(&later));
	CU_ASSERT_EQUAL(memcmp(later.edit.data + 34, l4 + cut, l4_len - cut), 0);

	memcpy(whole->data + 34, first.edit.data + 34, cut);
	fb_set32(whole->data + 30, 0x0a0b0c0d);
	fb_set16(whole->data + 24, 0);
	fb_set16(whole->data + 24, fb_checksum_finish(fb_checksum_add(0, whole->data + 14, 20)));
	fb_packet_parse(&p, whole->data, whole->len);
	CU_ASSERT_EQUAL(p.tp_src, 4711);
	CU_ASSERT_TRUE(fb_packet_checksums_ok(&p));
}

static void a_datagram_edited_in_fragments_is_right_when_reassembled(void)
{
	uint8_t bytes[256], payload[100] = {1, 2, 3};
	struct fb_buf whole = fb_buf_make(bytes, sizeof bytes);

	fb_build_udp(&whole, &plain_eth, &plain_ip, 1, 2, payload, sizeof payload);
	edit_in_fragments(&whole, FB_IP_UDP, 8);
	whole = fb_buf_make(bytes, sizeof bytes);
	fb_build_tcp(&whole, &plain_eth, &plain_ip, &syn, payload, sizeof payload);
	edit_in_fragments(&whole, FB_IP_TCP, 24);
}

/* --- Random edits against recomputation --- */

static uint16_t corner16(struct rng *rng)
{
	static const uint16_t corners[] = {0x0000, 0xffff, 0x00ff, 0xff00};
	uint64_t choice = rng_below(rng, 8);

	return choice < 4 ? corners[choice] : (uint16_t)rng_next(rng);
}

static struct fb_action random_action(struct rng *rng)
{
	struct fb_action action = {.type = (uint16_t)rng_below(rng, 12)};

	switch (action.type) {
	case OFPAT_SET_VLAN_VID:
		action.vlan_vid = corner16(rng);
		break;
	case OFPAT_SET_VLAN_PCP:
		action.vlan_pcp = (uint8_t)rng_next(rng);
		break;
	case OFPAT_SET_DL_SRC:
	case OFPAT_SET_DL_DST:
		fb_mac_from_u64(action.dl_addr, rng_next(rng));
		break;
	case OFPAT_SET_NW_SRC:
	case OFPAT_SET_NW_DST:
		action.nw_addr = (uint32_t)corner16(rng) << 16;
		action.nw_addr |= corner16(rng);
		break;
	case OFPAT_SET_NW_TOS:
		action.nw_tos = (uint8_t)corner16(rng);
		break;
	case OFPAT_SET_TP_SRC:
	case OFPAT_SET_TP_DST:
		action.tp_port = corner16(rng);
		break;
	default:
		break;
	}
	return action;
}

static void recompute_checksums(uint8_t *frame, const struct fb_packet *p)
{
	uint8_t *ip = frame + p->l3_ofs, *l4 = frame + p->l4_ofs;
	uint8_t *check = p->is_tcp ? l4 + 16 : l4 + 6;
	uint32_t covered = p->is_udp ? fb_get16(l4 + 4) : p->l4_len;
	uint64_t sum;

	fb_set16(ip + 10, 0);
	fb_set16(ip + 10,
		 fb_checksum_finish(fb_checksum_add(0, ip, (size_t)(p->l4_ofs - p->l3_ofs))));
	if (p->more_fragments || !(p->is_tcp || p->is_udp) || (p->is_udp && fb_get16(check) == 0))
		return;
	fb_set16(check, 0);
	sum = fb_checksum_pseudo(fb_get32(ip + 12), fb_get32(ip + 16), p->nw_proto, covered);
	fb_set16(check, fb_checksum_finish(fb_checksum_add(sum, l4, covered)));
	if (p->is_udp && fb_get16(check) == 0)
		fb_set16(check, 0xffff);
}

/* Write the field of a VLAN-free 'action' and compute all checksums anew. */
static void edit_plainly(uint8_t *frame, size_t len, const struct fb_action *action)
{
	struct fb_packet p;
	uint8_t *ip, *l4;
	bool ports;

	fb_packet_parse_whole(&p, frame, len);
	ip = frame + p.l3_ofs;
	l4 = frame + p.l4_ofs;
	ports = p.is_tcp || p.is_udp;
	if (action->type == OFPAT_SET_DL_SRC)
		memcpy(frame + 6, action->dl_addr, 6);
	else if (action->type == OFPAT_SET_DL_DST)
		memcpy(frame, action->dl_addr, 6);
	else if (action->type == OFPAT_SET_NW_SRC && p.is_ipv4)
		fb_set32(ip + 12, action->nw_addr);
	else if (action->type == OFPAT_SET_NW_DST && p.is_ipv4)
		fb_set32(ip + 16, action->nw_addr);
	else if (action->type == OFPAT_SET_NW_TOS && p.is_ipv4)
		ip[1] = (uint8_t)((ip[1] & 3) | (action->nw_tos & 0xfc));
	else if (action->type == OFPAT_SET_TP_SRC && ports)
		fb_set16(l4, action->tp_port);
	else if (action->type == OFPAT_SET_TP_DST && ports)
		fb_set16(l4 + 2, action->tp_port);
	if (p.is_ipv4)
		recompute_checksums(frame, &p);
}

/* True when incremental checksums of the frame can be compared with recomputed ones: all bytes are
 * there and the first fragment has no checksum to change. */
static bool is_comparable(const struct fb_packet *p)
{
	bool whole = p->l4_len == (uint32_t)(p->ip_total_len - (p->l4_ofs - p->l3_ofs));

	return !p->is_ipv4 || (whole && !(p->more_fragments && p->frag_offset == 0));
}

static void random_edits_equal_recomputation(void)
{
	uint8_t expected[FRAME_GEN_BYTES_MAX + HEADROOM];
	struct fb_action action;
	unsigned compared = 0;
	struct bench b;
	struct rng rng;

	rng_init(&rng, 1, "edits");
	for (unsigned i = 0; i < ROUNDS; i++) {
		bench_init(&b);
		b.out.len = frame_gen(&rng, b.out.data);
		bench_start(&b);
		for (unsigned edits = 0; edits < 5; edits++) {
			action = random_action(&rng);
			memcpy(expected, b.edit.data, b.edit.len);
			edit_plainly(expected, b.edit.len, &action);
			CU_ASSERT_TRUE_FATAL(fb_edit_apply(&b.edit, &action));
			if (action.type >= OFPAT_SET_VLAN_VID && action.type <= OFPAT_STRIP_VLAN)
				continue;
			if (!is_comparable(&b.edit.packet))
				continue;
			CU_ASSERT_EQUAL_FATAL(memcmp(expected, b.edit.data, b.edit.len), 0);
			compared++;
		}
	}
	CU_ASSERT_TRUE(compared > ROUNDS);
}

static void random_edits_leave_the_packet_up_to_date(void)
{
	struct fb_action action;
	struct fb_packet fresh;
	struct bench b;
	struct rng rng;
	uint8_t behind;

	rng_init(&rng, 1, "views");
	for (unsigned i = 0; i < ROUNDS; i++) {
		bench_init(&b);
		b.out.len = frame_gen(&rng, b.out.data);
		bench_start(&b);
		behind = b.memory[HEADROOM + b.out.len];
		for (unsigned edits = 0; edits < 5; edits++) {
			action = random_action(&rng);
			fb_edit_apply(&b.edit, &action);
			fb_packet_parse_whole(&fresh, b.edit.data, b.edit.len);
			CU_ASSERT_TRUE_FATAL(packets_equal(&fresh, &b.edit.packet));
		}
		CU_ASSERT_EQUAL_FATAL(b.edit.data + b.edit.len, b.out.data + b.out.len);
		CU_ASSERT_EQUAL_FATAL(b.memory[HEADROOM + b.out.len], behind);
	}
}

/* The one's complement sum over all that a TCP checksum covers: 0xffff when it is right. */
static uint16_t tcp_residue(const struct fb_packet *p)
{
	uint64_t sum = fb_checksum_pseudo(p->nw_src, p->nw_dst, FB_IP_TCP, p->l4_len);

	return (uint16_t)~fb_checksum_finish(fb_checksum_add(sum, p->data + p->l4_ofs, p->l4_len));
}

static void a_wrong_checksum_stays_wrong_by_the_same_amount(void)
{
	struct fb_action action;
	uint16_t residue;
	struct bench b;
	struct rng rng;

	rng_init(&rng, 1, "wrong");
	for (unsigned i = 0; i < ROUNDS; i++) {
		bench_tcp(&b, &plain_eth);
		fb_set16(b.edit.data + 50, corner16(&rng));
		residue = tcp_residue(&b.edit.packet);
		action = random_action(&rng);
		fb_edit_apply(&b.edit, &action);
		CU_ASSERT_EQUAL_FATAL(tcp_residue(&b.edit.packet) % 0xffff, residue % 0xffff);
	}
}

UNIT_TESTS("packet_edit", UNIT_TEST(mac_addresses_are_replaced),
	   UNIT_TEST(ip_addresses_are_replaced_and_both_checksums_follow),
	   UNIT_TEST(icmp_has_no_pseudo_header), UNIT_TEST(icmp_has_no_ports_to_set),
	   UNIT_TEST(tos_keeps_the_ecn_bits), UNIT_TEST(ports_are_replaced),
	   UNIT_TEST(a_vlan_id_changes_in_its_tag_alone), UNIT_TEST(an_untagged_frame_gets_a_tag),
	   UNIT_TEST(a_tag_needs_headroom), UNIT_TEST(the_longest_frame_gets_no_tag),
	   UNIT_TEST(a_tag_is_stripped_and_the_one_under_it_shows),
	   UNIT_TEST(tagging_and_stripping_gives_the_frame_back),
	   UNIT_TEST(arp_is_left_alone_by_ip_and_port_actions),
	   UNIT_TEST(other_actions_change_nothing),
	   UNIT_TEST(less_than_an_ethernet_header_is_not_edited),
	   UNIT_TEST(ports_are_set_of_udp_with_any_length_and_of_sound_tcp),
	   UNIT_TEST(a_packet_longer_than_the_frame_is_left_alone),
	   UNIT_TEST(a_udp_checksum_of_zero_stays_zero),
	   UNIT_TEST(a_udp_checksum_that_becomes_zero_is_written_as_ones),
	   UNIT_TEST(a_tcp_checksum_may_become_zero),
	   UNIT_TEST(a_nonsense_tcp_header_keeps_its_checksum_right),
	   UNIT_TEST(a_datagram_edited_in_fragments_is_right_when_reassembled),
	   UNIT_TEST(random_edits_equal_recomputation),
	   UNIT_TEST(random_edits_leave_the_packet_up_to_date),
	   UNIT_TEST(a_wrong_checksum_stays_wrong_by_the_same_amount))
