/* OpenFlow 1.0.0 on the wire: its constants and structures, under the names of the specification.
 *
 * The order is that of the specification (wire protocol 0x01), whose sections are cited; what a
 * value means is said there. The structures are made of the types of <flowbed/bytes.h>, so that
 * they have alignment 1 and can be laid over bytes anywhere; sizes and offsets are checked at
 * compile time. Most users want the decoded forms of <flowbed/message.h> and take only the
 * constants from here. */
#ifndef FLOWBED_OPENFLOW_H
#define FLOWBED_OPENFLOW_H

#include <flowbed/bytes.h>

#define OFP_WIRE_SIZE(type, size)                                                                  \
	_Static_assert(sizeof(struct type) == (size), #type " has another size")
#define OFP_WIRE_OFFSET(type, member, offset)                                                      \
	_Static_assert(offsetof(struct type, member) == (offset), #type "." #member ": offset")

#define OFP_VERSION 0x01

#define OFP_MAX_TABLE_NAME_LEN 32
#define OFP_MAX_PORT_NAME_LEN  16
#define OFP_ETH_ALEN           6

#define OFP_TCP_PORT 6633
#define OFP_SSL_PORT 6633

/* "No buffer": the specification writes it as (uint32_t) -1. */
#define OFP_NO_BUFFER 0xffffffffu

/* Section 5.1: the header. */

enum ofp_type {
	OFPT_HELLO = 0,
	OFPT_ERROR = 1,
	OFPT_ECHO_REQUEST = 2,
	OFPT_ECHO_REPLY = 3,
	OFPT_VENDOR = 4,
	OFPT_FEATURES_REQUEST = 5,
	OFPT_FEATURES_REPLY = 6,
	OFPT_GET_CONFIG_REQUEST = 7,
	OFPT_GET_CONFIG_REPLY = 8,
	OFPT_SET_CONFIG = 9,
	OFPT_PACKET_IN = 10,
	OFPT_FLOW_REMOVED = 11,
	OFPT_PORT_STATUS = 12,
	OFPT_PACKET_OUT = 13,
	OFPT_FLOW_MOD = 14,
	OFPT_PORT_MOD = 15,
	OFPT_STATS_REQUEST = 16,
	OFPT_STATS_REPLY = 17,
	OFPT_BARRIER_REQUEST = 18,
	OFPT_BARRIER_REPLY = 19,
	OFPT_QUEUE_GET_CONFIG_REQUEST = 20,
	OFPT_QUEUE_GET_CONFIG_REPLY = 21,
};

struct ofp_header {
	uint8_t version; /* OFP_VERSION */
	uint8_t type;    /* OFPT_* */
	fb_be16 length;  /* bytes, this header included */
	fb_be32 xid;
};
OFP_WIRE_SIZE(ofp_header, 8);
OFP_WIRE_OFFSET(ofp_header, length, 2);
OFP_WIRE_OFFSET(ofp_header, xid, 4);

/* Section 5.2.1: ports. */

enum ofp_port {
	OFPP_MAX = 0xff00, /* physical ports are below (section 5.3.4), from 1 */

	OFPP_IN_PORT = 0xfff8,
	OFPP_TABLE = 0xfff9,
	OFPP_NORMAL = 0xfffa,
	OFPP_FLOOD = 0xfffb,
	OFPP_ALL = 0xfffc,
	OFPP_CONTROLLER = 0xfffd,
	OFPP_LOCAL = 0xfffe,
	OFPP_NONE = 0xffff,
};

enum ofp_port_config {
	OFPPC_PORT_DOWN = 1 << 0,
	OFPPC_NO_STP = 1 << 1,
	OFPPC_NO_RECV = 1 << 2,
	OFPPC_NO_RECV_STP = 1 << 3,
	OFPPC_NO_FLOOD = 1 << 4,
	OFPPC_NO_FWD = 1 << 5,
	OFPPC_NO_PACKET_IN = 1 << 6,
};

enum ofp_port_state {
	OFPPS_LINK_DOWN = 1 << 0,

	OFPPS_STP_LISTEN = 0 << 8, /* a field of two bits, not flags */
	OFPPS_STP_LEARN = 1 << 8,
	OFPPS_STP_FORWARD = 2 << 8,
	OFPPS_STP_BLOCK = 3 << 8,
	OFPPS_STP_MASK = 3 << 8,
};

enum ofp_port_features {
	OFPPF_10MB_HD = 1 << 0,
	OFPPF_10MB_FD = 1 << 1,
	OFPPF_100MB_HD = 1 << 2,
	OFPPF_100MB_FD = 1 << 3,
	OFPPF_1GB_HD = 1 << 4,
	OFPPF_1GB_FD = 1 << 5,
	OFPPF_10GB_FD = 1 << 6,
	OFPPF_COPPER = 1 << 7,
	OFPPF_FIBER = 1 << 8,
	OFPPF_AUTONEG = 1 << 9,
	OFPPF_PAUSE = 1 << 10,
	OFPPF_PAUSE_ASYM = 1 << 11,
};

struct ofp_phy_port {
	fb_be16 port_no;
	uint8_t hw_addr[OFP_ETH_ALEN];
	char name[OFP_MAX_PORT_NAME_LEN]; /* terminated */

	fb_be32 config; /* OFPPC_* */
	fb_be32 state;  /* OFPPS_* */

	fb_be32 curr;       /* OFPPF_* */
	fb_be32 advertised; /* OFPPF_* */
	fb_be32 supported;  /* OFPPF_* */
	fb_be32 peer;       /* OFPPF_* */
};
OFP_WIRE_SIZE(ofp_phy_port, 48);
OFP_WIRE_OFFSET(ofp_phy_port, hw_addr, 2);
OFP_WIRE_OFFSET(ofp_phy_port, name, 8);
OFP_WIRE_OFFSET(ofp_phy_port, config, 24);
OFP_WIRE_OFFSET(ofp_phy_port, state, 28);
OFP_WIRE_OFFSET(ofp_phy_port, curr, 32);
OFP_WIRE_OFFSET(ofp_phy_port, advertised, 36);
OFP_WIRE_OFFSET(ofp_phy_port, supported, 40);
OFP_WIRE_OFFSET(ofp_phy_port, peer, 44);

/* Section 5.2.2: queues. */

#define OFPQ_ALL            0xffffffffu
#define OFPQ_MIN_RATE_UNCFG 0xffff

enum ofp_queue_properties {
	OFPQT_NONE = 0,
	OFPQT_MIN_RATE = 1,
};

struct ofp_queue_prop_header {
	fb_be16 property; /* OFPQT_* */
	fb_be16 len;      /* bytes, this header included */
	uint8_t pad[4];
};
OFP_WIRE_SIZE(ofp_queue_prop_header, 8);
OFP_WIRE_OFFSET(ofp_queue_prop_header, len, 2);

struct ofp_queue_prop_min_rate {
	struct ofp_queue_prop_header prop_header; /* OFPQT_MIN_RATE, 16 */
	fb_be16 rate;                             /* tenths of a per cent; above 1000: disabled */
	uint8_t pad[6];
};
OFP_WIRE_SIZE(ofp_queue_prop_min_rate, 16);
OFP_WIRE_OFFSET(ofp_queue_prop_min_rate, rate, 8);

struct ofp_packet_queue {
	fb_be32 queue_id;
	fb_be16 len; /* bytes, this header and its properties included */
	uint8_t pad[2];
	uint8_t properties[]; /* struct ofp_queue_prop_header and what follows each */
};
OFP_WIRE_SIZE(ofp_packet_queue, 8);
OFP_WIRE_OFFSET(ofp_packet_queue, len, 4);
OFP_WIRE_OFFSET(ofp_packet_queue, properties, 8);

/* Section 5.2.3: the flow match. */

#define OFP_DL_TYPE_ETH2_CUTOFF  0x0600
#define OFP_DL_TYPE_NOT_ETH_TYPE 0x05ff
#define OFP_VLAN_NONE            0xffff

enum ofp_flow_wildcards {
	OFPFW_IN_PORT = 1 << 0,
	OFPFW_DL_VLAN = 1 << 1,
	OFPFW_DL_SRC = 1 << 2,
	OFPFW_DL_DST = 1 << 3,
	OFPFW_DL_TYPE = 1 << 4,
	OFPFW_NW_PROTO = 1 << 5,
	OFPFW_TP_SRC = 1 << 6,
	OFPFW_TP_DST = 1 << 7,

	/* Counts of ignored low-order bits: 0 is an exact match, 32 and more ignore them all. */
	OFPFW_NW_SRC_SHIFT = 8,
	OFPFW_NW_SRC_BITS = 6,
	OFPFW_NW_SRC_MASK = ((1 << OFPFW_NW_SRC_BITS) - 1) << OFPFW_NW_SRC_SHIFT,
	OFPFW_NW_SRC_ALL = 32 << OFPFW_NW_SRC_SHIFT,
	OFPFW_NW_DST_SHIFT = 14,
	OFPFW_NW_DST_BITS = 6,
	OFPFW_NW_DST_MASK = ((1 << OFPFW_NW_DST_BITS) - 1) << OFPFW_NW_DST_SHIFT,
	OFPFW_NW_DST_ALL = 32 << OFPFW_NW_DST_SHIFT,

	OFPFW_DL_VLAN_PCP = 1 << 20,
	OFPFW_NW_TOS = 1 << 21,

	OFPFW_ALL = (1 << 22) - 1,
};

/* The transport ports of a match hold type and code of ICMP. */
#define OFPFW_ICMP_TYPE OFPFW_TP_SRC
#define OFPFW_ICMP_CODE OFPFW_TP_DST

struct ofp_match {
	fb_be32 wildcards; /* OFPFW_* */
	fb_be16 in_port;
	uint8_t dl_src[OFP_ETH_ALEN];
	uint8_t dl_dst[OFP_ETH_ALEN];
	fb_be16 dl_vlan;
	uint8_t dl_vlan_pcp;
	uint8_t pad1[1];
	fb_be16 dl_type;
	uint8_t nw_tos;
	uint8_t nw_proto;
	uint8_t pad2[2];
	fb_be32 nw_src;
	fb_be32 nw_dst;
	fb_be16 tp_src;
	fb_be16 tp_dst;
};
OFP_WIRE_SIZE(ofp_match, 40);
OFP_WIRE_OFFSET(ofp_match, in_port, 4);
OFP_WIRE_OFFSET(ofp_match, dl_src, 6);
OFP_WIRE_OFFSET(ofp_match, dl_dst, 12);
OFP_WIRE_OFFSET(ofp_match, dl_vlan, 18);
OFP_WIRE_OFFSET(ofp_match, dl_vlan_pcp, 20);
OFP_WIRE_OFFSET(ofp_match, dl_type, 22);
OFP_WIRE_OFFSET(ofp_match, nw_tos, 24);
OFP_WIRE_OFFSET(ofp_match, nw_proto, 25);
OFP_WIRE_OFFSET(ofp_match, nw_src, 28);
OFP_WIRE_OFFSET(ofp_match, nw_dst, 32);
OFP_WIRE_OFFSET(ofp_match, tp_src, 36);
OFP_WIRE_OFFSET(ofp_match, tp_dst, 38);

/* Section 5.2.4: actions. Each is a multiple of 8 bytes long. */

enum ofp_action_type {
	OFPAT_OUTPUT = 0,
	OFPAT_SET_VLAN_VID = 1,
	OFPAT_SET_VLAN_PCP = 2,
	OFPAT_STRIP_VLAN = 3,
	OFPAT_SET_DL_SRC = 4,
	OFPAT_SET_DL_DST = 5,
	OFPAT_SET_NW_SRC = 6,
	OFPAT_SET_NW_DST = 7,
	OFPAT_SET_NW_TOS = 8,
	OFPAT_SET_TP_SRC = 9,
	OFPAT_SET_TP_DST = 10,
	OFPAT_ENQUEUE = 11,
	OFPAT_VENDOR = 0xffff,
};

struct ofp_action_header { /* also the whole of OFPAT_STRIP_VLAN */
	fb_be16 type;      /* OFPAT_* */
	fb_be16 len;       /* bytes, this header included */
	uint8_t pad[4];
};
OFP_WIRE_SIZE(ofp_action_header, 8);
OFP_WIRE_OFFSET(ofp_action_header, len, 2);

struct ofp_action_output {
	fb_be16 type; /* OFPAT_OUTPUT */
	fb_be16 len;  /* 8 */
	fb_be16 port;
	fb_be16 max_len; /* bytes to the controller, for OFPP_CONTROLLER */
};
OFP_WIRE_SIZE(ofp_action_output, 8);
OFP_WIRE_OFFSET(ofp_action_output, port, 4);
OFP_WIRE_OFFSET(ofp_action_output, max_len, 6);

struct ofp_action_enqueue {
	fb_be16 type; /* OFPAT_ENQUEUE */
	fb_be16 len;  /* 16 */
	fb_be16 port;
	uint8_t pad[6];
	fb_be32 queue_id;
};
OFP_WIRE_SIZE(ofp_action_enqueue, 16);
OFP_WIRE_OFFSET(ofp_action_enqueue, port, 4);
OFP_WIRE_OFFSET(ofp_action_enqueue, queue_id, 12);

struct ofp_action_vlan_vid {
	fb_be16 type; /* OFPAT_SET_VLAN_VID */
	fb_be16 len;  /* 8 */
	fb_be16 vlan_vid;
	uint8_t pad[2];
};
OFP_WIRE_SIZE(ofp_action_vlan_vid, 8);
OFP_WIRE_OFFSET(ofp_action_vlan_vid, vlan_vid, 4);

struct ofp_action_vlan_pcp {
	fb_be16 type; /* OFPAT_SET_VLAN_PCP */
	fb_be16 len;  /* 8 */
	uint8_t vlan_pcp;
	uint8_t pad[3];
};
OFP_WIRE_SIZE(ofp_action_vlan_pcp, 8);
OFP_WIRE_OFFSET(ofp_action_vlan_pcp, vlan_pcp, 4);

struct ofp_action_dl_addr {
	fb_be16 type; /* OFPAT_SET_DL_SRC or OFPAT_SET_DL_DST */
	fb_be16 len;  /* 16 */
	uint8_t dl_addr[OFP_ETH_ALEN];
	uint8_t pad[6];
};
OFP_WIRE_SIZE(ofp_action_dl_addr, 16);
OFP_WIRE_OFFSET(ofp_action_dl_addr, dl_addr, 4);

struct ofp_action_nw_addr {
	fb_be16 type; /* OFPAT_SET_NW_SRC or OFPAT_SET_NW_DST */
	fb_be16 len;  /* 8 */
	fb_be32 nw_addr;
};
OFP_WIRE_SIZE(ofp_action_nw_addr, 8);
OFP_WIRE_OFFSET(ofp_action_nw_addr, nw_addr, 4);

struct ofp_action_nw_tos {
	fb_be16 type; /* OFPAT_SET_NW_TOS */
	fb_be16 len;  /* 8 */
	uint8_t nw_tos;
	uint8_t pad[3];
};
OFP_WIRE_SIZE(ofp_action_nw_tos, 8);
OFP_WIRE_OFFSET(ofp_action_nw_tos, nw_tos, 4);

struct ofp_action_tp_port {
	fb_be16 type; /* OFPAT_SET_TP_SRC or OFPAT_SET_TP_DST */
	fb_be16 len;  /* 8 */
	fb_be16 tp_port;
	uint8_t pad[2];
};
OFP_WIRE_SIZE(ofp_action_tp_port, 8);
OFP_WIRE_OFFSET(ofp_action_tp_port, tp_port, 4);

struct ofp_action_vendor_header {
	fb_be16 type; /* OFPAT_VENDOR */
	fb_be16 len;  /* a multiple of 8 */
	fb_be32 vendor;
};
OFP_WIRE_SIZE(ofp_action_vendor_header, 8);
OFP_WIRE_OFFSET(ofp_action_vendor_header, vendor, 4);

/* Section 5.3.1: handshake. */

enum ofp_capabilities {
	OFPC_FLOW_STATS = 1 << 0,
	OFPC_TABLE_STATS = 1 << 1,
	OFPC_PORT_STATS = 1 << 2,
	OFPC_STP = 1 << 3,
	OFPC_RESERVED = 1 << 4,
	OFPC_IP_REASM = 1 << 5,
	OFPC_QUEUE_STATS = 1 << 6,
	OFPC_ARP_MATCH_IP = 1 << 7,
};

struct ofp_switch_features {
	struct ofp_header header;
	fb_be64 datapath_id;
	fb_be32 n_buffers;
	uint8_t n_tables;
	uint8_t pad[3];
	fb_be32 capabilities; /* OFPC_* */
	fb_be32 actions;      /* bitmap of 1 << OFPAT_* */
	struct ofp_phy_port ports[];
};
OFP_WIRE_SIZE(ofp_switch_features, 32);
OFP_WIRE_OFFSET(ofp_switch_features, datapath_id, 8);
OFP_WIRE_OFFSET(ofp_switch_features, n_buffers, 16);
OFP_WIRE_OFFSET(ofp_switch_features, n_tables, 20);
OFP_WIRE_OFFSET(ofp_switch_features, capabilities, 24);
OFP_WIRE_OFFSET(ofp_switch_features, actions, 28);
OFP_WIRE_OFFSET(ofp_switch_features, ports, 32);

/* Section 5.3.2: switch configuration. */

#define OFP_DEFAULT_MISS_SEND_LEN 128

enum ofp_config_flags {
	OFPC_FRAG_NORMAL = 0, /* a field of two bits, not flags */
	OFPC_FRAG_DROP = 1,
	OFPC_FRAG_REASM = 2,
	OFPC_FRAG_MASK = 3,
};

struct ofp_switch_config {
	struct ofp_header header;
	fb_be16 flags;         /* OFPC_FRAG_* */
	fb_be16 miss_send_len; /* bytes of a missed packet to send */
};
OFP_WIRE_SIZE(ofp_switch_config, 12);
OFP_WIRE_OFFSET(ofp_switch_config, flags, 8);
OFP_WIRE_OFFSET(ofp_switch_config, miss_send_len, 10);

/* Section 5.3.3: flow and port modification. */

#define OFP_FLOW_PERMANENT   0
#define OFP_DEFAULT_PRIORITY 0x8000

enum ofp_flow_mod_command {
	OFPFC_ADD = 0,
	OFPFC_MODIFY = 1,
	OFPFC_MODIFY_STRICT = 2,
	OFPFC_DELETE = 3,
	OFPFC_DELETE_STRICT = 4,
};

enum ofp_flow_mod_flags {
	OFPFF_SEND_FLOW_REM = 1 << 0,
	OFPFF_CHECK_OVERLAP = 1 << 1,
	OFPFF_EMERG = 1 << 2,
};

struct ofp_flow_mod {
	struct ofp_header header;
	struct ofp_match match;
	fb_be64 cookie;
	fb_be16 command;      /* OFPFC_* */
	fb_be16 idle_timeout; /* seconds */
	fb_be16 hard_timeout; /* seconds */
	fb_be16 priority;
	fb_be32 buffer_id;
	fb_be16 out_port;
	fb_be16 flags;     /* OFPFF_* */
	uint8_t actions[]; /* struct ofp_action_header and what follows each */
};
OFP_WIRE_SIZE(ofp_flow_mod, 72);
OFP_WIRE_OFFSET(ofp_flow_mod, match, 8);
OFP_WIRE_OFFSET(ofp_flow_mod, cookie, 48);
OFP_WIRE_OFFSET(ofp_flow_mod, command, 56);
OFP_WIRE_OFFSET(ofp_flow_mod, idle_timeout, 58);
OFP_WIRE_OFFSET(ofp_flow_mod, hard_timeout, 60);
OFP_WIRE_OFFSET(ofp_flow_mod, priority, 62);
OFP_WIRE_OFFSET(ofp_flow_mod, buffer_id, 64);
OFP_WIRE_OFFSET(ofp_flow_mod, out_port, 68);
OFP_WIRE_OFFSET(ofp_flow_mod, flags, 70);
OFP_WIRE_OFFSET(ofp_flow_mod, actions, 72);

struct ofp_port_mod {
	struct ofp_header header;
	fb_be16 port_no;
	uint8_t hw_addr[OFP_ETH_ALEN];
	fb_be32 config;    /* OFPPC_* */
	fb_be32 mask;      /* OFPPC_* to change */
	fb_be32 advertise; /* OFPPF_*; 0: no change */
	uint8_t pad[4];
};
OFP_WIRE_SIZE(ofp_port_mod, 32);
OFP_WIRE_OFFSET(ofp_port_mod, port_no, 8);
OFP_WIRE_OFFSET(ofp_port_mod, hw_addr, 10);
OFP_WIRE_OFFSET(ofp_port_mod, config, 16);
OFP_WIRE_OFFSET(ofp_port_mod, mask, 20);
OFP_WIRE_OFFSET(ofp_port_mod, advertise, 24);

/* Section 5.3.4: queue configuration. */

struct ofp_queue_get_config_request {
	struct ofp_header header;
	fb_be16 port;
	uint8_t pad[2];
};
OFP_WIRE_SIZE(ofp_queue_get_config_request, 12);
OFP_WIRE_OFFSET(ofp_queue_get_config_request, port, 8);

struct ofp_queue_get_config_reply {
	struct ofp_header header;
	fb_be16 port;
	uint8_t pad[6];
	uint8_t queues[]; /* struct ofp_packet_queue and what follows each */
};
OFP_WIRE_SIZE(ofp_queue_get_config_reply, 16);
OFP_WIRE_OFFSET(ofp_queue_get_config_reply, port, 8);
OFP_WIRE_OFFSET(ofp_queue_get_config_reply, queues, 16);

/* Section 5.3.5: statistics. */

#define DESC_STR_LEN   256
#define SERIAL_NUM_LEN 32

enum ofp_stats_types {
	OFPST_DESC = 0,
	OFPST_FLOW = 1,
	OFPST_AGGREGATE = 2,
	OFPST_TABLE = 3,
	OFPST_PORT = 4,
	OFPST_QUEUE = 5,
	OFPST_VENDOR = 0xffff,
};

enum ofp_stats_reply_flags {
	OFPSF_REPLY_MORE = 1 << 0,
};

struct ofp_stats_request {
	struct ofp_header header;
	fb_be16 type;  /* OFPST_* */
	fb_be16 flags; /* none defined */
	uint8_t body[];
};
OFP_WIRE_SIZE(ofp_stats_request, 12);
OFP_WIRE_OFFSET(ofp_stats_request, type, 8);
OFP_WIRE_OFFSET(ofp_stats_request, flags, 10);
OFP_WIRE_OFFSET(ofp_stats_request, body, 12);

struct ofp_stats_reply {
	struct ofp_header header;
	fb_be16 type;  /* OFPST_* */
	fb_be16 flags; /* OFPSF_REPLY_* */
	uint8_t body[];
};
OFP_WIRE_SIZE(ofp_stats_reply, 12);
OFP_WIRE_OFFSET(ofp_stats_reply, type, 8);
OFP_WIRE_OFFSET(ofp_stats_reply, flags, 10);
OFP_WIRE_OFFSET(ofp_stats_reply, body, 12);

struct ofp_desc_stats { /* all strings terminated */
	char mfr_desc[DESC_STR_LEN];
	char hw_desc[DESC_STR_LEN];
	char sw_desc[DESC_STR_LEN];
	char serial_num[SERIAL_NUM_LEN];
	char dp_desc[DESC_STR_LEN];
};
OFP_WIRE_SIZE(ofp_desc_stats, 1056);
OFP_WIRE_OFFSET(ofp_desc_stats, hw_desc, 256);
OFP_WIRE_OFFSET(ofp_desc_stats, sw_desc, 512);
OFP_WIRE_OFFSET(ofp_desc_stats, serial_num, 768);
OFP_WIRE_OFFSET(ofp_desc_stats, dp_desc, 800);

struct ofp_flow_stats_request {
	struct ofp_match match;
	uint8_t table_id; /* 0xff: all, 0xfe: emergency */
	uint8_t pad;
	fb_be16 out_port; /* OFPP_NONE: no restriction */
};
OFP_WIRE_SIZE(ofp_flow_stats_request, 44);
OFP_WIRE_OFFSET(ofp_flow_stats_request, table_id, 40);
OFP_WIRE_OFFSET(ofp_flow_stats_request, out_port, 42);

struct ofp_flow_stats {
	fb_be16 length; /* bytes, this header and the actions included */
	uint8_t table_id;
	uint8_t pad;
	struct ofp_match match;
	fb_be32 duration_sec;
	fb_be32 duration_nsec;
	fb_be16 priority;
	fb_be16 idle_timeout; /* seconds */
	fb_be16 hard_timeout; /* seconds */
	uint8_t pad2[6];
	fb_be64 cookie;
	fb_be64 packet_count;
	fb_be64 byte_count;
	uint8_t actions[]; /* struct ofp_action_header and what follows each */
};
OFP_WIRE_SIZE(ofp_flow_stats, 88);
OFP_WIRE_OFFSET(ofp_flow_stats, table_id, 2);
OFP_WIRE_OFFSET(ofp_flow_stats, match, 4);
OFP_WIRE_OFFSET(ofp_flow_stats, duration_sec, 44);
OFP_WIRE_OFFSET(ofp_flow_stats, duration_nsec, 48);
OFP_WIRE_OFFSET(ofp_flow_stats, priority, 52);
OFP_WIRE_OFFSET(ofp_flow_stats, idle_timeout, 54);
OFP_WIRE_OFFSET(ofp_flow_stats, hard_timeout, 56);
OFP_WIRE_OFFSET(ofp_flow_stats, cookie, 64);
OFP_WIRE_OFFSET(ofp_flow_stats, packet_count, 72);
OFP_WIRE_OFFSET(ofp_flow_stats, byte_count, 80);
OFP_WIRE_OFFSET(ofp_flow_stats, actions, 88);

struct ofp_aggregate_stats_request {
	struct ofp_match match;
	uint8_t table_id; /* 0xff: all, 0xfe: emergency */
	uint8_t pad;
	fb_be16 out_port; /* OFPP_NONE: no restriction */
};
OFP_WIRE_SIZE(ofp_aggregate_stats_request, 44);
OFP_WIRE_OFFSET(ofp_aggregate_stats_request, table_id, 40);
OFP_WIRE_OFFSET(ofp_aggregate_stats_request, out_port, 42);

struct ofp_aggregate_stats_reply {
	fb_be64 packet_count;
	fb_be64 byte_count;
	fb_be32 flow_count;
	uint8_t pad[4];
};
OFP_WIRE_SIZE(ofp_aggregate_stats_reply, 24);
OFP_WIRE_OFFSET(ofp_aggregate_stats_reply, byte_count, 8);
OFP_WIRE_OFFSET(ofp_aggregate_stats_reply, flow_count, 16);

struct ofp_table_stats {
	uint8_t table_id;
	uint8_t pad[3];
	char name[OFP_MAX_TABLE_NAME_LEN];
	fb_be32 wildcards; /* OFPFW_* that the table supports */
	fb_be32 max_entries;
	fb_be32 active_count;
	fb_be64 lookup_count;
	fb_be64 matched_count;
};
OFP_WIRE_SIZE(ofp_table_stats, 64);
OFP_WIRE_OFFSET(ofp_table_stats, name, 4);
OFP_WIRE_OFFSET(ofp_table_stats, wildcards, 36);
OFP_WIRE_OFFSET(ofp_table_stats, max_entries, 40);
OFP_WIRE_OFFSET(ofp_table_stats, active_count, 44);
OFP_WIRE_OFFSET(ofp_table_stats, lookup_count, 48);
OFP_WIRE_OFFSET(ofp_table_stats, matched_count, 56);

struct ofp_port_stats_request {
	fb_be16 port_no; /* OFPP_NONE: all */
	uint8_t pad[6];
};
OFP_WIRE_SIZE(ofp_port_stats_request, 8);

struct ofp_port_stats { /* a counter of all ones is not supported */
	fb_be16 port_no;
	uint8_t pad[6];
	fb_be64 rx_packets;
	fb_be64 tx_packets;
	fb_be64 rx_bytes;
	fb_be64 tx_bytes;
	fb_be64 rx_dropped;
	fb_be64 tx_dropped;
	fb_be64 rx_errors;
	fb_be64 tx_errors;
	fb_be64 rx_frame_err;
	fb_be64 rx_over_err;
	fb_be64 rx_crc_err;
	fb_be64 collisions;
};
OFP_WIRE_SIZE(ofp_port_stats, 104);
OFP_WIRE_OFFSET(ofp_port_stats, rx_packets, 8);
OFP_WIRE_OFFSET(ofp_port_stats, tx_packets, 16);
OFP_WIRE_OFFSET(ofp_port_stats, rx_bytes, 24);
OFP_WIRE_OFFSET(ofp_port_stats, tx_bytes, 32);
OFP_WIRE_OFFSET(ofp_port_stats, rx_dropped, 40);
OFP_WIRE_OFFSET(ofp_port_stats, tx_dropped, 48);
OFP_WIRE_OFFSET(ofp_port_stats, rx_errors, 56);
OFP_WIRE_OFFSET(ofp_port_stats, tx_errors, 64);
OFP_WIRE_OFFSET(ofp_port_stats, rx_frame_err, 72);
OFP_WIRE_OFFSET(ofp_port_stats, rx_over_err, 80);
OFP_WIRE_OFFSET(ofp_port_stats, rx_crc_err, 88);
OFP_WIRE_OFFSET(ofp_port_stats, collisions, 96);

struct ofp_queue_stats_request {
	fb_be16 port_no; /* OFPP_ALL: all */
	uint8_t pad[2];
	fb_be32 queue_id; /* OFPQ_ALL: all */
};
OFP_WIRE_SIZE(ofp_queue_stats_request, 8);
OFP_WIRE_OFFSET(ofp_queue_stats_request, queue_id, 4);

struct ofp_queue_stats {
	fb_be16 port_no;
	uint8_t pad[2];
	fb_be32 queue_id;
	fb_be64 tx_bytes;
	fb_be64 tx_packets;
	fb_be64 tx_errors;
};
OFP_WIRE_SIZE(ofp_queue_stats, 32);
OFP_WIRE_OFFSET(ofp_queue_stats, queue_id, 4);
OFP_WIRE_OFFSET(ofp_queue_stats, tx_bytes, 8);
OFP_WIRE_OFFSET(ofp_queue_stats, tx_packets, 16);
OFP_WIRE_OFFSET(ofp_queue_stats, tx_errors, 24);

/* Section 5.3.6: send packet. */

struct ofp_packet_out {
	struct ofp_header header;
	fb_be32 buffer_id;   /* OFP_NO_BUFFER: the frame follows the actions */
	fb_be16 in_port;     /* OFPP_NONE: none */
	fb_be16 actions_len; /* bytes */
	uint8_t actions[];   /* struct ofp_action_header and what follows each */
};
OFP_WIRE_SIZE(ofp_packet_out, 16);
OFP_WIRE_OFFSET(ofp_packet_out, buffer_id, 8);
OFP_WIRE_OFFSET(ofp_packet_out, in_port, 12);
OFP_WIRE_OFFSET(ofp_packet_out, actions_len, 14);
OFP_WIRE_OFFSET(ofp_packet_out, actions, 16);

/* Section 5.4.1: packet-in. */

enum ofp_packet_in_reason {
	OFPR_NO_MATCH = 0,
	OFPR_ACTION = 1,
};

struct ofp_packet_in {
	struct ofp_header header;
	fb_be32 buffer_id;
	fb_be16 total_len; /* bytes of the whole frame */
	fb_be16 in_port;
	uint8_t reason; /* OFPR_* */
	uint8_t pad;
	uint8_t data[];
};
OFP_WIRE_SIZE(ofp_packet_in, 18);
OFP_WIRE_OFFSET(ofp_packet_in, buffer_id, 8);
OFP_WIRE_OFFSET(ofp_packet_in, total_len, 12);
OFP_WIRE_OFFSET(ofp_packet_in, in_port, 14);
OFP_WIRE_OFFSET(ofp_packet_in, reason, 16);
OFP_WIRE_OFFSET(ofp_packet_in, data, 18);

/* Section 5.4.2: flow removed. */

enum ofp_flow_removed_reason {
	OFPRR_IDLE_TIMEOUT = 0,
	OFPRR_HARD_TIMEOUT = 1,
	OFPRR_DELETE = 2,
};

struct ofp_flow_removed {
	struct ofp_header header;
	struct ofp_match match;
	fb_be64 cookie;
	fb_be16 priority;
	uint8_t reason; /* OFPRR_* */
	uint8_t pad[1];
	fb_be32 duration_sec;
	fb_be32 duration_nsec;
	fb_be16 idle_timeout; /* seconds */
	uint8_t pad2[2];
	fb_be64 packet_count;
	fb_be64 byte_count;
};
OFP_WIRE_SIZE(ofp_flow_removed, 88);
OFP_WIRE_OFFSET(ofp_flow_removed, match, 8);
OFP_WIRE_OFFSET(ofp_flow_removed, cookie, 48);
OFP_WIRE_OFFSET(ofp_flow_removed, priority, 56);
OFP_WIRE_OFFSET(ofp_flow_removed, reason, 58);
OFP_WIRE_OFFSET(ofp_flow_removed, duration_sec, 60);
OFP_WIRE_OFFSET(ofp_flow_removed, duration_nsec, 64);
OFP_WIRE_OFFSET(ofp_flow_removed, idle_timeout, 68);
OFP_WIRE_OFFSET(ofp_flow_removed, packet_count, 72);
OFP_WIRE_OFFSET(ofp_flow_removed, byte_count, 80);

/* Section 5.4.3: port status. */

enum ofp_port_reason {
	OFPPR_ADD = 0,
	OFPPR_DELETE = 1,
	OFPPR_MODIFY = 2,
};

struct ofp_port_status {
	struct ofp_header header;
	uint8_t reason; /* OFPPR_* */
	uint8_t pad[7];
	struct ofp_phy_port desc;
};
OFP_WIRE_SIZE(ofp_port_status, 64);
OFP_WIRE_OFFSET(ofp_port_status, reason, 8);
OFP_WIRE_OFFSET(ofp_port_status, desc, 16);

/* Section 5.4.4: errors. */

enum ofp_error_type {
	OFPET_HELLO_FAILED = 0,
	OFPET_BAD_REQUEST = 1,
	OFPET_BAD_ACTION = 2,
	OFPET_FLOW_MOD_FAILED = 3,
	OFPET_PORT_MOD_FAILED = 4,
	OFPET_QUEUE_OP_FAILED = 5,
};

enum ofp_hello_failed_code {
	OFPHFC_INCOMPATIBLE = 0,
	OFPHFC_EPERM = 1,
};

enum ofp_bad_request_code {
	OFPBRC_BAD_VERSION = 0,
	OFPBRC_BAD_TYPE = 1,
	OFPBRC_BAD_STAT = 2,
	OFPBRC_BAD_VENDOR = 3,
	OFPBRC_BAD_SUBTYPE = 4,
	OFPBRC_EPERM = 5,
	OFPBRC_BAD_LEN = 6,
	OFPBRC_BUFFER_EMPTY = 7,
	OFPBRC_BUFFER_UNKNOWN = 8,
};

enum ofp_bad_action_code {
	OFPBAC_BAD_TYPE = 0,
	OFPBAC_BAD_LEN = 1,
	OFPBAC_BAD_VENDOR = 2,
	OFPBAC_BAD_VENDOR_TYPE = 3,
	OFPBAC_BAD_OUT_PORT = 4,
	OFPBAC_BAD_ARGUMENT = 5,
	OFPBAC_EPERM = 6,
	OFPBAC_TOO_MANY = 7,
	OFPBAC_BAD_QUEUE = 8,
};

enum ofp_flow_mod_failed_code {
	OFPFMFC_ALL_TABLES_FULL = 0,
	OFPFMFC_OVERLAP = 1,
	OFPFMFC_EPERM = 2,
	OFPFMFC_BAD_EMERG_TIMEOUT = 3,
	OFPFMFC_BAD_COMMAND = 4,
	OFPFMFC_UNSUPPORTED = 5,
};

enum ofp_port_mod_failed_code {
	OFPPMFC_BAD_PORT = 0,
	OFPPMFC_BAD_HW_ADDR = 1,
};

enum ofp_queue_op_failed_code {
	OFPQOFC_BAD_PORT = 0,
	OFPQOFC_BAD_QUEUE = 1,
	OFPQOFC_EPERM = 2,
};

struct ofp_error_msg {
	struct ofp_header header;
	fb_be16 type;   /* OFPET_* */
	fb_be16 code;   /* meaning by type */
	uint8_t data[]; /* by type and code */
};
OFP_WIRE_SIZE(ofp_error_msg, 12);
OFP_WIRE_OFFSET(ofp_error_msg, type, 8);
OFP_WIRE_OFFSET(ofp_error_msg, code, 10);
OFP_WIRE_OFFSET(ofp_error_msg, data, 12);

/* Section 5.5: symmetric messages. */

struct ofp_hello {
	struct ofp_header header; /* what follows is ignored */
};
OFP_WIRE_SIZE(ofp_hello, 8);

struct ofp_vendor_header {
	struct ofp_header header;
	fb_be32 vendor; /* 0 in the first byte: an IEEE OUI follows */
	uint8_t data[];
};
OFP_WIRE_SIZE(ofp_vendor_header, 12);
OFP_WIRE_OFFSET(ofp_vendor_header, vendor, 8);
OFP_WIRE_OFFSET(ofp_vendor_header, data, 12);

#undef OFP_WIRE_SIZE
#undef OFP_WIRE_OFFSET

#endif
