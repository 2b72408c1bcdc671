/* Fuzz target: any bytes as a frame, parsed, matched and edited.
 *
 * An input is a count of actions, the headroom (its highest bit asks for right checksums), that
 * many actions of 8 bytes, and a frame. What must hold: all offsets lie inside the frame; the key
 * of a frame hits itself; after each edit the parsed packet is what a fresh look tells and right
 * checksums are still right. */
#include <flowbed/action.h>
#include <flowbed/match.h>
#include <flowbed/openflow.h>
#include <flowbed/packet.h>

#include "tests/unit/wire/packets_equal.h"

#include <stdlib.h>

enum { ACTION_BYTES = 8, ACTIONS_MAX = 8, HEADROOM_MAX = 12, RIGHT_CHECKSUMS = 0x80 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_inside(const struct fb_packet *p)
{
	bool l4 = p->is_tcp || p->is_udp || p->is_icmp;

	require(p->dl_dst == p->data && p->dl_src == p->data + FB_MAC_BYTES);
	require(p->l3_ofs <= p->len);
	require(p->l4_ofs + p->l4_len <= p->len);
	require(p->payload_ofs + p->payload_len <= p->l4_ofs + p->l4_len);
	require(!(p->is_arp && p->is_ipv4));
	require(!l4 || (p->is_ipv4 && p->frag_offset == 0 && p->payload_ofs >= p->l4_ofs));
	require(l4 || p->payload_len == 0);
	/* Ports without a sound header are those of UDP with a length that makes no sense. */
	require(l4 || (p->is_ipv4 && p->nw_proto == FB_IP_UDP && p->frag_offset == 0) ||
		(p->tp_src == 0 && p->tp_dst == 0));
	require(!p->is_arp || p->arp_tha + FB_MAC_BYTES <= p->data + p->len);
}

static void check_match(const struct fb_packet *p)
{
	struct fb_match key, match, any;

	fb_match_from_packet(&key, p, 1);
	match = key;
	fb_match_normalize(&match);
	fb_match_any(&any);
	fb_match_normalize(&any);
	require(fb_match_hits(&match, &key) && fb_match_is_exact(&match));
	require(fb_match_hits(&any, &key) && fb_match_contains(&any, &match));
	require(fb_match_overlaps(&match, &any) && fb_match_contains(&match, &match));
}

/* The action that ACTION_BYTES of the input stand for. */
static struct fb_action action_from(const uint8_t *bytes)
{
	struct fb_action action = {.type = bytes[0] % 13};

	switch (action.type) {
	case OFPAT_SET_VLAN_VID:
		action.vlan_vid = fb_get16(bytes + 2);
		break;
	case OFPAT_SET_VLAN_PCP:
		action.vlan_pcp = bytes[2];
		break;
	case OFPAT_SET_DL_SRC:
	case OFPAT_SET_DL_DST:
		memcpy(action.dl_addr, bytes + 2, FB_MAC_BYTES);
		break;
	case OFPAT_SET_NW_SRC:
	case OFPAT_SET_NW_DST:
		action.nw_addr = fb_get32(bytes + 2);
		break;
	case OFPAT_SET_NW_TOS:
		action.nw_tos = bytes[2];
		break;
	case OFPAT_SET_TP_SRC:
	case OFPAT_SET_TP_DST:
		action.tp_port = fb_get16(bytes + 2);
		break;
	default:
		break;
	}
	return action;
}

static void check_edit(struct fb_edit *edit, const struct fb_action *action, const uint8_t *memory)
{
	bool was_ipv4 = edit->packet.is_ipv4;
	bool was_right = fb_packet_checksums_ok(&edit->packet);
	bool needs_tag = !edit->packet.has_vlan && (action->type == OFPAT_SET_VLAN_VID ||
						    action->type == OFPAT_SET_VLAN_PCP);
	bool has_room = edit->headroom >= FB_VLAN_TAG_BYTES;
	const uint8_t *end = edit->data + edit->len;
	struct fb_packet fresh;

	require(fb_edit_apply(edit, action) == (!needs_tag || has_room));
	require(edit->data + edit->len == end && edit->data - edit->headroom == memory);
	require(fb_packet_parse_whole(&fresh, edit->data, edit->len) == 0);
	require(packets_equal(&fresh, &edit->packet) && edit->packet.data == edit->data);
	check_inside(&fresh);
	/* Without a tag a frame can turn out to be IP that was not before. */
	if (was_ipv4 && was_right)
		require(fresh.is_ipv4 && fb_packet_checksums_ok(&fresh));
}

/* Make the checksums of the frame at 'data' right, as no fuzzer would guess them. */
static void repair_checksums(uint8_t *data, const struct fb_packet *p)
{
	uint8_t *ip = data + p->l3_ofs, *l4 = data + p->l4_ofs;
	uint8_t *check = l4 + (p->is_tcp ? 16 : p->is_udp ? 6 : 2);
	uint32_t covered = p->is_udp ? fb_get16(l4 + 4) : p->l4_len;
	uint64_t sum = 0;

	if (!p->is_ipv4)
		return;
	fb_set16(ip + 10, 0);
	fb_set16(ip + 10,
		 fb_checksum_finish(fb_checksum_add(0, ip, (size_t)(p->l4_ofs - p->l3_ofs))));
	if (!(p->is_tcp || p->is_udp || p->is_icmp) || covered > p->l4_len)
		return;
	if (!p->is_icmp)
		sum = fb_checksum_pseudo(p->nw_src, p->nw_dst, p->nw_proto, covered);
	fb_set16(check, 0);
	sum = fb_checksum_add(sum, l4, covered);
	fb_set16(check, fb_checksum_finish(sum));
	if (p->is_udp && fb_get16(check) == 0)
		fb_set16(check, 0xffff);
}

/* Edit the 'len' bytes at 'frame' by the 'count' actions at 'actions', in memory of just the right
 * size. */
static void check_edits(const uint8_t *frame, size_t len, uint8_t options, const uint8_t *actions,
			size_t count)
{
	size_t headroom = (options & ~(unsigned)RIGHT_CHECKSUMS) % (HEADROOM_MAX + 1);
	uint8_t *memory = malloc(headroom + len + 1);
	struct fb_action action;
	struct fb_edit edit;

	if (!memory)
		abort();
	memcpy(memory + headroom, frame, len);
	memory[headroom + len] = 0xa5;
	if (fb_edit_begin(&edit, memory + headroom, len, headroom) == 0) {
		if (options & RIGHT_CHECKSUMS)
			repair_checksums(edit.data, &edit.packet);
		for (size_t i = 0; i < count; i++) {
			action = action_from(actions + i * ACTION_BYTES);
			check_edit(&edit, &action, memory);
		}
	}
	require(memory[headroom + len] == 0xa5);
	free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *frame;
	struct fb_packet packet;
	size_t count, len;

	if (size < 2)
		return 0;
	count = data[0] % (ACTIONS_MAX + 1);
	if (size < 2 + count * ACTION_BYTES)
		return 0;
	frame = data + 2 + count * ACTION_BYTES;
	len = size - 2 - count * ACTION_BYTES;
	if (fb_packet_parse(&packet, frame, len) == 0) {
		check_inside(&packet);
		check_match(&packet);
	}
	check_edits(frame, len, data[1], data + 2, count);
	return 0;
}
