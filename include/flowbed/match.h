/* The OpenFlow 1.0 flow match (specification 1.0.0, sections 3.3, 3.4 and 5.2.3), in host order.
 *
 * A match is a value: copy it, compare it by the functions here. The wildcards word is that of the
 * wire: OFPFW_* bits, and two six-bit counts of ignored low-order bits for nw_src and nw_dst, of
 * which 32 and more mean "any". */
#ifndef FLOWBED_MATCH_H
#define FLOWBED_MATCH_H

#include <flowbed/bytes.h>

struct fb_packet;

struct fb_match {
	uint32_t wildcards;           /* OFPFW_* */
	uint16_t in_port;             /* ingress port */
	uint8_t dl_src[FB_MAC_BYTES]; /* Ethernet source */
	uint8_t dl_dst[FB_MAC_BYTES]; /* Ethernet destination */
	uint16_t dl_vlan;             /* VLAN id, OFP_VLAN_NONE (0xffff) for an untagged frame */
	uint8_t dl_vlan_pcp;          /* VLAN priority, 0 to 7 */
	uint16_t dl_type;             /* Ethernet type; 0x05ff for 802.3 without SNAP */
	uint8_t nw_tos;               /* DSCP in the upper six bits */
	uint8_t nw_proto;             /* IP protocol, or the low byte of the ARP opcode */
	uint32_t nw_src;              /* IPv4 source, or ARP sender protocol address */
	uint32_t nw_dst;              /* IPv4 destination, or ARP target protocol address */
	uint16_t tp_src;              /* TCP or UDP source port, or ICMP type */
	uint16_t tp_dst;              /* TCP or UDP destination port, or ICMP code */
};

/* Fill '*match' with the twelve fields of the parsed frame 'packet' that came in by 'in_port', as
 * figure 4 of section 3.4 draws it; wildcards is 0 (every field significant; those that the frame
 * does not have are 0, save dl_vlan: OFP_VLAN_NONE). IP fragments match as ports 0, the first one
 * too although it has them, as the figure says and Open vSwitch does. A 'packet' without Ethernet
 * header has nothing but its 'in_port'. */
void fb_match_from_packet(struct fb_match *match, const struct fb_packet *packet, uint16_t in_port);

/* Set '*match' to the match of everything: OFPFW_ALL, all fields 0. That is the form for the wire;
 * the canonical form (below) has the address counts at 32. */
void fb_match_any(struct fb_match *match);

/* Bring '*match' into its canonical form: fields that cannot apply (section 3.4: nw_* without
 * IP or ARP, tp_* without TCP, UDP or ICMP, nw_tos without IP, dl_vlan_pcp of an untagged frame)
 * become wildcarded, wildcarded fields become 0, ignored address bits become 0, address counts
 * above 32 become 32 and all unused wildcard bits become 0. Of dl_vlan (unless OFP_VLAN_NONE),
 * dl_vlan_pcp and nw_tos only the 12, 3 and upper 6 bits that a frame has stay. */
void fb_match_normalize(struct fb_match *match);

/* True when no field of the normalised 'match' is wildcarded, save those that cannot apply
 * to its frames: an exact entry of section 3.4, which outranks every wildcard entry. */
bool fb_match_is_exact(const struct fb_match *match);

/* True when both normalised matches are identical (strict flow-mod commands). */
bool fb_match_equal(const struct fb_match *a, const struct fb_match *b);

/* True when a frame with the fields of 'key' (from fb_match_from_packet()) is matched by the
 * normalised 'match'. */
bool fb_match_hits(const struct fb_match *match, const struct fb_match *key);

/* True when each frame that 'specific' matches is matched by 'general', both normalised (the
 * non-strict flow-mod commands and flow statistics). */
bool fb_match_contains(const struct fb_match *general, const struct fb_match *specific);

/* True when some frame could be matched by both normalised matches (OFPFF_CHECK_OVERLAP). */
bool fb_match_overlaps(const struct fb_match *a, const struct fb_match *b);

/* The address mask of the nw_src (nw_dst) field: 0xffffffff when all bits count, 0 for "any". */
uint32_t fb_match_nw_src_mask(const struct fb_match *match);
uint32_t fb_match_nw_dst_mask(const struct fb_match *match);

#endif
