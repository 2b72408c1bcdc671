/* OpenFlow's header-modifying actions on a frame in place (sections 3.3 and 5.2.4).
 *
 * Checksums are updated by what changed (RFC 1624) and never recomputed: that is cheaper, works on
 * fragments, and a packet that was damaged before it came stays detectably damaged.
 *
 * Addresses, TOS and ports are changed in the frame and in edit->packet alike; adding and removing
 * a tag moves the frame's start and parses again, because what lies under a tag may be a second
 * one. */
#include <flowbed/openflow.h>
#include <flowbed/packet.h>

#include <flowbed/action.h>

enum {
	IPV4_TOS_OFS = 1,
	IPV4_CHECK_OFS = 10,
	IPV4_SRC_OFS = 12,
	IPV4_DST_OFS = 16,
	TCP_CHECK_OFS = 16,
	UDP_CHECK_OFS = 6,
	MACS_BYTES = 2 * FB_MAC_BYTES,
	VID_MASK = 0x0fff,
	PCP_SHIFT = 13,
	PCP_MASK = 7 << PCP_SHIFT,
	DSCP_MASK = 0xfc,
};

int fb_edit_begin(struct fb_edit *edit, uint8_t *data, size_t len, size_t headroom)
{
	edit->data = data;
	edit->len = (uint32_t)len;
	edit->headroom = (uint32_t)headroom;
	return fb_packet_parse_whole(&edit->packet, data, len);
}

/* Put a tag with 'tci' in front of the frame's type; false without room. */
static bool push_tag(struct fb_edit *edit, uint16_t tci)
{
	if (edit->headroom < FB_VLAN_TAG_BYTES ||
	    edit->len > FB_FRAME_BYTES_MAX - FB_VLAN_TAG_BYTES)
		return false;
	edit->data -= FB_VLAN_TAG_BYTES;
	edit->headroom -= FB_VLAN_TAG_BYTES;
	edit->len += FB_VLAN_TAG_BYTES;
	memmove(edit->data, edit->data + FB_VLAN_TAG_BYTES, MACS_BYTES);
	fb_set16(edit->data + MACS_BYTES, FB_ETH_VLAN);
	fb_set16(edit->data + MACS_BYTES + 2, tci);
	fb_packet_parse_whole(&edit->packet, edit->data, edit->len);
	return true;
}

static void strip_tag(struct fb_edit *edit)
{
	if (!edit->packet.has_vlan)
		return;
	memmove(edit->data + FB_VLAN_TAG_BYTES, edit->data, MACS_BYTES);
	edit->data += FB_VLAN_TAG_BYTES;
	edit->headroom += FB_VLAN_TAG_BYTES;
	edit->len -= FB_VLAN_TAG_BYTES;
	fb_packet_parse_whole(&edit->packet, edit->data, edit->len);
}

/* Replace the bits 'mask' of the tag control field with those of 'bits', in a new tag where there
 * is none. */
static bool set_tci(struct fb_edit *edit, uint16_t mask, uint16_t bits)
{
	struct fb_packet *p = &edit->packet;

	if (!p->has_vlan)
		return push_tag(edit, bits & mask);
	p->vlan_tci = (uint16_t)((p->vlan_tci & ~mask) | (bits & mask));
	fb_set16(edit->data + FB_ETH_HEADER_BYTES, p->vlan_tci);
	return true;
}

/* The header of UDP is there, whatever its length says. */
static bool has_udp_header(const struct fb_packet *p)
{
	return p->nw_proto == FB_IP_UDP && p->frag_offset == 0 && p->l4_len >= FB_UDP_HEADER_BYTES;
}

/* Where the frame's TCP or UDP checksum stands; NULL where there is none. It follows addresses also
 * where the rest of the header makes no sense, so that right checksums stay right. */
static uint8_t *l4_checksum(const struct fb_edit *edit)
{
	const struct fb_packet *p = &edit->packet;
	uint8_t *l4 = edit->data + p->l4_ofs;

	if (p->nw_proto == FB_IP_TCP && p->frag_offset == 0 && p->l4_len >= FB_TCP_HEADER_BYTES)
		return l4 + TCP_CHECK_OFS;
	if (has_udp_header(p) && fb_get16(l4 + UDP_CHECK_OFS) != 0)
		return l4 + UDP_CHECK_OFS;
	return NULL;
}

/* Store the updated checksum 'check' at 'at' of l4_checksum(): UDP writes 0 as 0xffff. */
static void set_l4_checksum(const struct fb_edit *edit, uint8_t *at, uint16_t check)
{
	if (check == 0 && edit->packet.nw_proto == FB_IP_UDP)
		check = 0xffff;
	fb_set16(at, check);
}

/* Replace the IPv4 address at 'ofs' of the IP header, also kept at '*parsed', by 'addr'. */
static void set_nw_addr(struct fb_edit *edit, size_t ofs, uint32_t *parsed, uint32_t addr)
{
	uint8_t *ip = edit->data + edit->packet.l3_ofs;
	uint8_t *ip_check = ip + IPV4_CHECK_OFS;
	uint8_t *l4_check;
	uint32_t old = *parsed;

	if (!edit->packet.is_ipv4)
		return;
	fb_set16(ip_check, fb_checksum_update32(fb_get16(ip_check), old, addr));
	l4_check = l4_checksum(edit);
	if (l4_check)
		set_l4_checksum(edit, l4_check,
		                fb_checksum_update32(fb_get16(l4_check), old, addr));
	fb_set32(ip + ofs, addr);
	*parsed = addr;
}

/* Replace the DSCP, which is all that the specification calls ToS; the two ECN bits stay. */
static void set_nw_tos(struct fb_edit *edit, uint8_t tos)
{
	struct fb_packet *p = &edit->packet;
	uint8_t *ip = edit->data + p->l3_ofs;
	uint8_t *check = ip + IPV4_CHECK_OFS;
	uint16_t old_word;

	if (!p->is_ipv4)
		return;
	old_word = fb_get16(ip);
	p->nw_tos = (uint8_t)((p->nw_tos & ~DSCP_MASK) | (tos & DSCP_MASK));
	ip[IPV4_TOS_OFS] = p->nw_tos;
	fb_set16(check, fb_checksum_update16(fb_get16(check), old_word, fb_get16(ip)));
}

/* Replace the TCP or UDP port at 'ofs' of its header, also kept at '*parsed', by 'port'. */
static void set_tp_port(struct fb_edit *edit, size_t ofs, uint16_t *parsed, uint16_t port)
{
	uint8_t *check;

	if (!edit->packet.is_tcp && !has_udp_header(&edit->packet))
		return;
	check = l4_checksum(edit);
	if (check)
		set_l4_checksum(edit, check, fb_checksum_update16(fb_get16(check), *parsed, port));
	fb_set16(edit->data + edit->packet.l4_ofs + ofs, port);
	*parsed = port;
}

bool fb_edit_apply(struct fb_edit *edit, const struct fb_action *action)
{
	struct fb_packet *p = &edit->packet;

	switch (action->type) {
	case OFPAT_SET_VLAN_VID:
		return set_tci(edit, VID_MASK, action->vlan_vid);
	case OFPAT_SET_VLAN_PCP:
		return set_tci(edit, PCP_MASK, (uint16_t)(action->vlan_pcp << PCP_SHIFT));
	case OFPAT_STRIP_VLAN:
		strip_tag(edit);
		break;
	case OFPAT_SET_DL_SRC:
		memcpy(edit->data + FB_MAC_BYTES, action->dl_addr, FB_MAC_BYTES);
		break;
	case OFPAT_SET_DL_DST:
		memcpy(edit->data, action->dl_addr, FB_MAC_BYTES);
		break;
	case OFPAT_SET_NW_SRC:
		set_nw_addr(edit, IPV4_SRC_OFS, &p->nw_src, action->nw_addr);
		break;
	case OFPAT_SET_NW_DST:
		set_nw_addr(edit, IPV4_DST_OFS, &p->nw_dst, action->nw_addr);
		break;
	case OFPAT_SET_NW_TOS:
		set_nw_tos(edit, action->nw_tos);
		break;
	case OFPAT_SET_TP_SRC:
		set_tp_port(edit, 0, &p->tp_src, action->tp_port);
		break;
	case OFPAT_SET_TP_DST:
		set_tp_port(edit, 2, &p->tp_dst, action->tp_port);
		break;
	}
	return true;
}
