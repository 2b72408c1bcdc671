/* Text: a frame on one line, as tcpdump -e would tell it: the Ethernet addresses, a VLAN tag, and
 * then what the frame carries. What could not be parsed is told at the end, in parentheses.
 *
 *     02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff arp who-has 192.168.2.2 tell 192.168.2.1
 *     02:00:00:00:00:01 > 02:00:00:00:00:02 10.0.0.1.40000 > 10.0.0.2.22: tcp S seq 1 win 65535
 *     02:00:00:00:00:01 > 02:00:00:00:00:02 vlan 10 10.0.0.1 > 10.0.0.2: icmp echo request id 1 ...
 *
 * Lengths are those of the headers: of a frame that a packet-in cut, they are the whole frame's. */
#include "lib/wire/text_parts.h"

static void arp(struct fb_text *t, const struct fb_packet *p)
{
	switch (p->arp_op) {
	case FB_ARP_REQUEST:
		fb_text_puts(t, "arp who-has ");
		fb_text_ip(t, p->nw_dst);
		fb_text_puts(t, " tell ");
		fb_text_ip(t, p->nw_src);
		return;
	case FB_ARP_REPLY:
		fb_text_puts(t, "arp ");
		fb_text_ip(t, p->nw_src);
		fb_text_puts(t, " is-at ");
		fb_text_mac(t, p->arp_sha);
		return;
	default:
		fb_text_printf(t, "arp op %u ", p->arp_op);
		fb_text_ip(t, p->nw_src);
		fb_text_puts(t, " > ");
		fb_text_ip(t, p->nw_dst);
		return;
	}
}

/* Bytes of payload as the IP header tells; 0 where it contradicts itself. */
static unsigned payload_len(const struct fb_packet *p)
{
	uint32_t headers = p->payload_ofs - p->l3_ofs;

	return p->ip_total_len > headers ? p->ip_total_len - headers : 0;
}

static void tcp(struct fb_text *t, const struct fb_packet *p)
{
	static const struct {
		uint8_t flag;
		char letter;
	} letters[] = {
	        {FB_TCP_FIN, 'F'}, {FB_TCP_SYN, 'S'}, {FB_TCP_RST, 'R'}, {FB_TCP_PSH, 'P'},
	        {FB_TCP_ACK, '.'}, {FB_TCP_URG, 'U'}, {FB_TCP_ECE, 'E'}, {FB_TCP_CWR, 'W'},
	};

	fb_text_puts(t, p->tcp_flags ? "tcp " : "tcp none");
	for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
		if (p->tcp_flags & letters[i].flag)
			fb_text_printf(t, "%c", letters[i].letter);
	}
	fb_text_printf(t, " seq %u", p->tcp_seq);
	if (p->tcp_flags & FB_TCP_ACK)
		fb_text_printf(t, " ack %u", p->tcp_ack);
	fb_text_printf(t, " win %u", p->tcp_window);
	if (payload_len(p))
		fb_text_printf(t, " len %u", payload_len(p));
}

static void icmp(struct fb_text *t, const struct fb_packet *p)
{
	static const char *const unreachable[] = {"net", "host", "protocol", "port"};
	bool request = p->tp_src == FB_ICMP_ECHO_REQUEST;

	if (request || p->tp_src == FB_ICMP_ECHO_REPLY)
		fb_text_printf(t, "icmp echo %s id %u seq %u", request ? "request" : "reply",
		               p->icmp_id, p->icmp_seq);
	else if (p->tp_src == FB_ICMP_UNREACHABLE && p->tp_dst < 4)
		fb_text_printf(t, "icmp %s unreachable", unreachable[p->tp_dst]);
	else if (p->tp_src == FB_ICMP_UNREACHABLE)
		fb_text_printf(t, "icmp unreachable code %u", p->tp_dst);
	else if (p->tp_src == FB_ICMP_TIME_EXCEEDED)
		fb_text_printf(t, "icmp time exceeded code %u", p->tp_dst);
	else
		fb_text_printf(t, "icmp type %u code %u", p->tp_src, p->tp_dst);
	fb_text_printf(t, " len %u", payload_len(p));
}

static void address(struct fb_text *t, uint32_t ip, bool has_port, uint16_t port)
{
	fb_text_ip(t, ip);
	if (has_port)
		fb_text_printf(t, ".%u", port);
}

static void other_ip(struct fb_text *t, const struct fb_packet *p)
{
	uint32_t header = (uint32_t)p->l4_ofs - p->l3_ofs;

	switch (p->nw_proto) {
	case FB_IP_ICMP:
		fb_text_puts(t, "icmp");
		break;
	case FB_IP_TCP:
		fb_text_puts(t, "tcp");
		break;
	case FB_IP_UDP:
		fb_text_puts(t, "udp");
		break;
	default:
		fb_text_printf(t, "ip-proto-%u", p->nw_proto);
		break;
	}
	fb_text_printf(t, " len %u", p->ip_total_len > header ? p->ip_total_len - header : 0);
}

static void ipv4(struct fb_text *t, const struct fb_packet *p)
{
	bool has_ports = p->is_tcp || p->is_udp;

	address(t, p->nw_src, has_ports, p->tp_src);
	fb_text_puts(t, " > ");
	address(t, p->nw_dst, has_ports, p->tp_dst);
	fb_text_puts(t, ": ");
	if (p->is_tcp)
		tcp(t, p);
	else if (p->is_udp)
		fb_text_printf(t, "udp len %u", payload_len(p));
	else if (p->is_icmp)
		icmp(t, p);
	else
		other_ip(t, p);
	if (p->more_fragments || p->frag_offset)
		fb_text_printf(t, " frag id %u offset %u%s", p->ip_id, p->frag_offset,
		               p->more_fragments ? " more" : "");
	if (p->nw_tos)
		fb_text_printf(t, " tos 0x%02x", p->nw_tos);
}

static void other_frame(struct fb_text *t, const struct fb_packet *p)
{
	switch (p->dl_type) {
	case FB_ETH_IPV4:
		fb_text_puts(t, "ip");
		break;
	case FB_ETH_ARP:
		fb_text_puts(t, "arp");
		break;
	case FB_ETH_IPV6:
		fb_text_puts(t, "ip6");
		break;
	case FB_ETH_LLDP:
		fb_text_puts(t, "lldp");
		break;
	case FB_ETH_NOT_ETH_TYPE:
		fb_text_puts(t, "802.3");
		break;
	default:
		fb_text_printf(t, "type 0x%04x", p->dl_type);
		break;
	}
	fb_text_printf(t, " frame len %u", p->len);
}

static void ethernet(struct fb_text *t, const struct fb_packet *p)
{
	fb_text_mac(t, p->dl_src);
	fb_text_puts(t, " > ");
	fb_text_mac(t, p->dl_dst);
	fb_text_puts(t, " ");
	if (p->has_vlan) {
		fb_text_printf(t, "vlan %u ", p->vlan_tci & 0xfff);
		if (p->vlan_tci >> 13)
			fb_text_printf(t, "pcp %u ", p->vlan_tci >> 13);
	}
}

void fb_text_packet(struct fb_text *t, const uint8_t *frame, size_t len)
{
	struct fb_packet packet;

	if (fb_packet_parse(&packet, frame, len) < 0) {
		fb_text_printf(t, "%zu bytes", len);
	} else {
		ethernet(t, &packet);
		if (packet.is_arp)
			arp(t, &packet);
		else if (packet.is_ipv4)
			ipv4(t, &packet);
		else
			other_frame(t, &packet);
	}
	if (packet.problem)
		fb_text_printf(t, " (%s)", packet.problem);
}
