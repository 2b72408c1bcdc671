/* struct ofp_match (section 5.2.3) from host order to its wire form, inline: every flow-mod has one. */
#ifndef WIRE_MESSAGE_MATCH_H
#define WIRE_MESSAGE_MATCH_H

#include <flowbed/message.h>

static inline void message_match_encode(struct ofp_match *wire, const struct fb_match *match)
{
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

#endif
