/* struct ofp_match (section 5.2.3) between its wire form and host order: no judgement of its
 * fields, which is match.c's. */
#include <flowbed/message.h>

void fb_match_decode(const uint8_t *bytes, struct fb_match *match)
{
	const struct ofp_match *wire = (const void *)bytes;

	match->wildcards = fb_get32(&wire->wildcards);
	match->in_port = fb_get16(&wire->in_port);
	memcpy(match->dl_src, wire->dl_src, FB_MAC_BYTES);
	memcpy(match->dl_dst, wire->dl_dst, FB_MAC_BYTES);
	match->dl_vlan = fb_get16(&wire->dl_vlan);
	match->dl_vlan_pcp = wire->dl_vlan_pcp;
	match->dl_type = fb_get16(&wire->dl_type);
	match->nw_tos = wire->nw_tos;
	match->nw_proto = wire->nw_proto;
	match->nw_src = fb_get32(&wire->nw_src);
	match->nw_dst = fb_get32(&wire->nw_dst);
	match->tp_src = fb_get16(&wire->tp_src);
	match->tp_dst = fb_get16(&wire->tp_dst);
}

void fb_match_encode(uint8_t *bytes, const struct fb_match *match)
{
	struct ofp_match *wire = (void *)bytes;

	fb_set32(&wire->wildcards, match->wildcards);
	fb_set16(&wire->in_port, match->in_port);
	memcpy(wire->dl_src, match->dl_src, FB_MAC_BYTES);
	memcpy(wire->dl_dst, match->dl_dst, FB_MAC_BYTES);
	fb_set16(&wire->dl_vlan, match->dl_vlan);
	wire->dl_vlan_pcp = match->dl_vlan_pcp;
	memset(wire->pad1, 0, sizeof wire->pad1);
	fb_set16(&wire->dl_type, match->dl_type);
	wire->nw_tos = match->nw_tos;
	wire->nw_proto = match->nw_proto;
	memset(wire->pad2, 0, sizeof wire->pad2);
	fb_set32(&wire->nw_src, match->nw_src);
	fb_set32(&wire->nw_dst, match->nw_dst);
	fb_set16(&wire->tp_src, match->tp_src);
	fb_set16(&wire->tp_dst, match->tp_dst);
}
