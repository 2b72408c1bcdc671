/* Ethernet frames: parsed, built and edited. Pure functions.
 *
 * fb_packet_parse() reads Ethernet II, 802.3 with LLC or SNAP, one 802.1Q tag, ARP, IPv4 with
 * options and fragments, ICMP, TCP and UDP. It takes any bytes: what is cut short or nonsense
 * simply is not there in the result, and 'problem' says why. Only headers count: a payload that
 * came cut (a packet-in with a small miss_send_len) is no problem and shows in ip_total_len and
 * l4_len. */
#ifndef FLOWBED_PACKET_H
#define FLOWBED_PACKET_H

#include <flowbed/bytes.h>

struct fb_action;

enum {
	FB_ETH_HEADER_BYTES = 14,
	FB_VLAN_TAG_BYTES = 4,
	FB_ARP_BYTES = 28,
	FB_IPV4_HEADER_BYTES = 20,
	FB_TCP_HEADER_BYTES = 20,
	FB_UDP_HEADER_BYTES = 8,
	FB_ICMP_HEADER_BYTES = 8,
	FB_FRAME_BYTES_MAX = 65535, /* what OpenFlow's 16-bit lengths can tell of */
};

/* Ethernet types */
enum {
	FB_ETH_IPV4 = 0x0800,
	FB_ETH_ARP = 0x0806,
	FB_ETH_VLAN = 0x8100,
	FB_ETH_IPV6 = 0x86dd,
	FB_ETH_LLDP = 0x88cc,
	FB_ETH_NOT_ETH_TYPE = 0x05ff, /* 802.3 without SNAP, as OFP_DL_TYPE_NOT_ETH_TYPE */
};

enum { FB_IP_ICMP = 1, FB_IP_TCP = 6, FB_IP_UDP = 17 };
enum { FB_ARP_REQUEST = 1, FB_ARP_REPLY = 2 };
enum {
	FB_ICMP_ECHO_REPLY = 0,
	FB_ICMP_UNREACHABLE = 3,
	FB_ICMP_ECHO_REQUEST = 8,
	FB_ICMP_TIME_EXCEEDED = 11,
};

/* TCP flags */
enum {
	FB_TCP_FIN = 0x01,
	FB_TCP_SYN = 0x02,
	FB_TCP_RST = 0x04,
	FB_TCP_PSH = 0x08,
	FB_TCP_ACK = 0x10,
	FB_TCP_URG = 0x20,
	FB_TCP_ECE = 0x40,
	FB_TCP_CWR = 0x80,
};

/* A parsed frame: views and offsets into 'data'. Offsets are 0 where the part is absent. Host
 * order. */
struct fb_packet {
	const uint8_t *data; /* the frame, from the Ethernet destination */
	uint32_t len;        /* bytes at 'data' */
	const char *problem; /* constant text: why parsing stopped early; NULL when all is well */

	/* Ethernet */
	const uint8_t *dl_dst; /* into 'data' */
	const uint8_t *dl_src;
	bool has_vlan;
	uint16_t vlan_tci; /* the whole tag control field */
	uint16_t dl_type;  /* after the tag, inside SNAP; 0x05ff for 802.3 without it */

	/* Layer 3 */
	uint16_t l3_ofs;      /* ARP or IPv4 header */
	bool is_arp, is_ipv4; /* header present and sound */
	bool ip_is_cut;       /* fewer bytes came than the IP header tells of */
	uint16_t arp_op;
	const uint8_t *arp_sha, *arp_tha; /* into 'data', set with is_arp */
	uint8_t nw_proto;                 /* IP protocol; low byte of arp_op for ARP */
	uint8_t nw_tos;                   /* the whole byte of the IP header, ECN bits included */
	uint8_t nw_ttl;
	uint32_t nw_src, nw_dst; /* IPv4 addresses; ARP: sender and target protocol address */
	uint16_t ip_id;
	uint16_t ip_total_len; /* as the header says */
	uint16_t frag_offset;  /* in bytes */
	bool more_fragments;
	bool dont_fragment;

	/* Layer 4 (never set in fragments other than the first) */
	uint16_t l4_ofs; /* first byte after the IP header */
	uint32_t l4_len; /* bytes there, by the IP header and what is left of the frame */
	bool is_tcp, is_udp, is_icmp; /* header present and sound */
	uint16_t tp_src, tp_dst; /* ports, or ICMP type and code; UDP's also where its length
	                            makes no sense */
	uint8_t tcp_flags;
	uint32_t tcp_seq, tcp_ack;
	uint16_t tcp_window;
	uint16_t icmp_id, icmp_seq; /* echo only */
	uint32_t payload_ofs;       /* of TCP, UDP or ICMP (after its 8 bytes) */
	uint32_t payload_len;
};

/* Parse the 'len' bytes at 'data', which must outlive '*packet'. Returns 0, or -1 when there is not
 * even an Ethernet header (then only data, len and problem are set). */
int fb_packet_parse(struct fb_packet *packet, const uint8_t *data, size_t len);

/* The same for who looks at Ethernet only: what is in the frame is not parsed, as though it were
 * not there. */
int fb_packet_parse_ethernet(struct fb_packet *packet, const uint8_t *data, size_t len);

/* fb_packet_parse() for a frame that is known to be whole, as the one that a switch forwards is: an
 * IPv4 packet that tells of more bytes than the frame has makes no sense, and nothing of it is
 * there in the result. */
int fb_packet_parse_whole(struct fb_packet *packet, const uint8_t *data, size_t len);

/* True for a fragment other than the first. */
static inline bool fb_packet_is_later_fragment(const struct fb_packet *p)
{
	return p->is_ipv4 && p->frag_offset != 0;
}

/* Recompute and compare the checksums that the frame holds (IPv4 header; TCP, UDP and ICMP of
 * unfragmented packets; a UDP checksum of 0 is right). True when all are right or there is none;
 * false when one cannot be right because bytes that it covers are missing. */
bool fb_packet_checksums_ok(const struct fb_packet *packet);

/* --- The Internet checksum (RFC 1071) --- */

/* Add the 'len' bytes at 'data' to the running sum 'sum' (start with 0; only the last call may have
 * an odd 'len'); fold and complement with fb_checksum_finish(). A running sum is one of 16-bit
 * words in host order: a caller may add words to it. */
uint64_t fb_checksum_add(uint64_t sum, const void *data, size_t len);
uint16_t fb_checksum_finish(uint64_t sum);
/* A checksum 'check' after a 16- or 32-bit field that it covers went from 'old' to 'new' (RFC
 * 1624). */
uint16_t fb_checksum_update16(uint16_t check, uint16_t old_value, uint16_t new_value);
uint16_t fb_checksum_update32(uint16_t check, uint32_t old_value, uint32_t new_value);
/* The pseudo header's part of a TCP or UDP checksum, as a running sum. */
uint64_t fb_checksum_pseudo(uint32_t nw_src, uint32_t nw_dst, uint8_t nw_proto, uint32_t l4_len);

/* --- Building: each appends one whole frame to 'out'; false where it does not fit --- */

struct fb_eth_spec {
	uint8_t dl_dst[FB_MAC_BYTES], dl_src[FB_MAC_BYTES];
	bool has_vlan;
	uint16_t vlan_tci;
};

struct fb_ipv4_spec {
	uint32_t nw_src, nw_dst;
	uint8_t nw_tos, nw_ttl; /* nw_ttl 0 means 64 */
	uint16_t ip_id;
	bool dont_fragment, more_fragments;
	uint16_t frag_offset; /* bytes, a multiple of 8 */
};

struct fb_tcp_spec {
	uint16_t tp_src, tp_dst;
	uint32_t seq, ack;
	uint8_t flags; /* FB_TCP_* */
	uint16_t window;
	const uint8_t *options; /* padded to a multiple of 4 bytes by the caller */
	uint8_t options_len;    /* at most 40 */
};

bool fb_build_eth(struct fb_buf *out, const struct fb_eth_spec *eth, uint16_t dl_type,
                  const void *payload, size_t payload_len);
bool fb_build_arp(struct fb_buf *out, const struct fb_eth_spec *eth, uint16_t op,
                  const uint8_t sha[FB_MAC_BYTES], uint32_t spa, const uint8_t tha[FB_MAC_BYTES],
                  uint32_t tpa);
/* An IPv4 packet with any protocol; the payload is taken as it is. */
bool fb_build_ipv4(struct fb_buf *out, const struct fb_eth_spec *eth, const struct fb_ipv4_spec *ip,
                   uint8_t nw_proto, const void *payload, size_t payload_len);
bool fb_build_icmp(struct fb_buf *out, const struct fb_eth_spec *eth, const struct fb_ipv4_spec *ip,
                   uint8_t type, uint8_t code, uint32_t rest, const void *payload,
                   size_t payload_len);
bool fb_build_udp(struct fb_buf *out, const struct fb_eth_spec *eth, const struct fb_ipv4_spec *ip,
                  uint16_t tp_src, uint16_t tp_dst, const void *payload, size_t payload_len);
bool fb_build_tcp(struct fb_buf *out, const struct fb_eth_spec *eth, const struct fb_ipv4_spec *ip,
                  const struct fb_tcp_spec *tcp, const void *payload, size_t payload_len);

/* --- Editing: OpenFlow's header-modifying actions in place (section 5.2.4, table 5) --- */

/* A frame that may be changed: 'data' has 'headroom' writable bytes in front of it for a VLAN tag.
 * After an edit 'data', 'len' and 'headroom' may have moved and 'packet' is up to date: parsed as a
 * whole frame. */
struct fb_edit {
	uint8_t *data;
	uint32_t len;
	uint32_t headroom;
	struct fb_packet packet; /* of 'data', 'len' */
};

/* Start editing; returns -1 when the frame has no Ethernet header. */
int fb_edit_begin(struct fb_edit *edit, uint8_t *data, size_t len, size_t headroom);

/* Apply 'action' (all OFPAT_SET_* and OFPAT_STRIP_VLAN; others change nothing). Checksums are
 * updated incrementally (a UDP checksum of 0 stays 0; a TCP or UDP checksum follows an address also
 * in the first fragment). A field that the frame does not have is left alone. SET_VLAN_VID and
 * SET_VLAN_PCP add a tag where there is none. SET_NW_TOS changes the six DSCP bits only. Returns
 * false only when a tag was needed and 'headroom' is under 4 or the frame would grow beyond
 * FB_FRAME_BYTES_MAX. */
bool fb_edit_apply(struct fb_edit *edit, const struct fb_action *action);

#endif
