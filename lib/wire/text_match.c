/* Text: a match as Open vSwitch's dump-flows prints it, fields in the same order and under the same
 * names.
 *
 * A protocol that has a name stands first and replaces dl_type and nw_proto; with ARP the addresses
 * are arp_spa and arp_tpa and the protocol is arp_op; with ICMP the ports are icmp_type and
 * icmp_code; frames without a VLAN tag are vlan_tci=0x0000. A match that was not normalised shows
 * what it holds, under the general names. */
#include "lib/wire/text_parts.h"

const struct text_protocol text_protocols[] = {
        {"tcp", FB_ETH_IPV4, FB_IP_TCP, TEXT_FAMILY_PORTS},
        {"udp", FB_ETH_IPV4, FB_IP_UDP, TEXT_FAMILY_PORTS},
        {"icmp", FB_ETH_IPV4, FB_IP_ICMP, TEXT_FAMILY_ICMP},
        {"sctp", FB_ETH_IPV4, 132, TEXT_FAMILY_PORTS},
        {"ip", FB_ETH_IPV4, -1, TEXT_FAMILY_IP},
        {"arp", FB_ETH_ARP, -1, TEXT_FAMILY_ARP},
        {"rarp", 0x8035, -1, TEXT_FAMILY_ARP},
        {"ipv6", FB_ETH_IPV6, -1, TEXT_FAMILY_NONE},
        {"mpls", 0x8847, -1, TEXT_FAMILY_NONE},
        {"mplsm", 0x8848, -1, TEXT_FAMILY_NONE},
        {NULL, 0, 0, TEXT_FAMILY_NONE},
};

/* A list under way: each part but the first is preceded by a comma. */
struct list {
	struct fb_text *t;
	const char *comma;
};

static void field(struct list *list, const char *name)
{
	fb_text_printf(list->t, "%s%s", list->comma, name);
	list->comma = ",";
}

static void number(struct list *list, const char *name, unsigned value)
{
	field(list, name);
	fb_text_printf(list->t, "=%u", value);
}

static void mac(struct list *list, const char *name, const uint8_t address[FB_MAC_BYTES])
{
	field(list, name);
	fb_text_puts(list->t, "=");
	fb_text_mac(list->t, address);
}

static void prefix(struct list *list, const char *name, uint32_t ip, uint32_t mask)
{
	if (!mask)
		return;
	field(list, name);
	fb_text_puts(list->t, "=");
	fb_text_ip(list->t, ip & mask);
	if (mask != UINT32_MAX)
		fb_text_printf(list->t, "/%d", __builtin_popcount(mask));
}

static const struct text_protocol *protocol_of(const struct fb_match *m)
{
	if (m->wildcards & OFPFW_DL_TYPE)
		return NULL;
	for (const struct text_protocol *p = text_protocols; p->name; p++) {
		if (p->dl_type != m->dl_type)
			continue;
		if (p->nw_proto < 0 ||
		    (!(m->wildcards & OFPFW_NW_PROTO) && p->nw_proto == m->nw_proto))
			return p;
	}
	return NULL;
}

static void link_layer(struct list *list, const struct fb_match *m,
                       const struct text_protocol *protocol)
{
	bool untagged = !(m->wildcards & OFPFW_DL_VLAN) && m->dl_vlan == OFP_VLAN_NONE;

	if (!(m->wildcards & OFPFW_IN_PORT)) {
		field(list, "in_port=");
		fb_text_port(list->t, m->in_port);
	}
	if (untagged)
		field(list, "vlan_tci=0x0000");
	else if (!(m->wildcards & OFPFW_DL_VLAN))
		number(list, "dl_vlan", m->dl_vlan);
	if (!(m->wildcards & OFPFW_DL_VLAN_PCP) && !untagged)
		number(list, "dl_vlan_pcp", m->dl_vlan_pcp);
	if (!(m->wildcards & OFPFW_DL_SRC))
		mac(list, "dl_src", m->dl_src);
	if (!(m->wildcards & OFPFW_DL_DST))
		mac(list, "dl_dst", m->dl_dst);
	if (!(m->wildcards & OFPFW_DL_TYPE) && !protocol) {
		field(list, "dl_type=");
		fb_text_printf(list->t, "0x%04x", m->dl_type);
	}
}

static void upper_layers(struct list *list, const struct fb_match *m,
                         const struct text_protocol *protocol)
{
	enum text_family family = protocol ? protocol->family : TEXT_FAMILY_NONE;
	bool arp = family == TEXT_FAMILY_ARP;
	bool icmp = family == TEXT_FAMILY_ICMP;

	prefix(list, arp ? "arp_spa" : "nw_src", m->nw_src, fb_match_nw_src_mask(m));
	prefix(list, arp ? "arp_tpa" : "nw_dst", m->nw_dst, fb_match_nw_dst_mask(m));
	if (!(m->wildcards & OFPFW_NW_PROTO) && (!protocol || protocol->nw_proto < 0))
		number(list, arp ? "arp_op" : "nw_proto", m->nw_proto);
	if (!(m->wildcards & OFPFW_NW_TOS))
		number(list, "nw_tos", m->nw_tos);
	if (!(m->wildcards & OFPFW_TP_SRC))
		number(list, icmp ? "icmp_type" : "tp_src", m->tp_src);
	if (!(m->wildcards & OFPFW_TP_DST))
		number(list, icmp ? "icmp_code" : "tp_dst", m->tp_dst);
}

void fb_text_match(struct fb_text *t, const struct fb_match *match)
{
	const struct text_protocol *protocol = protocol_of(match);
	struct list list = {.t = t, .comma = ""};

	if (protocol)
		field(&list, protocol->name);
	link_layer(&list, match, protocol);
	upper_layers(&list, match, protocol);
}
