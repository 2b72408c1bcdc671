/* The list of known differences; see ovs_differential_known.h. */
#include <flowbed/packet.h>

#include "tests/live/ovs_differential_known.h"

enum {
	IP_SCTP = 132,
	ICMP_SET_BYTES = 4, /* type, code, checksum */
	ARP_OP_OFS = 6,
	TYPE_OFS = 12,
	TCI_CFI = 0x1000,
	ARP_OP_255 = 77, /* as which opcode 255 goes with Open vSwitch */
};

enum known_name {
	EXACT_PRIORITY,
	HIDDEN_FIELDS,
	UNTAGGED_PCP,
	PRIORITY_OF_NONE,
	IDENTICAL_OVERLAP,
	SERVICE_TAG,
	RARP,
	IPV6,
	MPLS,
	CUT_TAG,
	LENGTH_802_3,
	PORT_0,
	MODIFY_HARD,
	ARP_OPCODES,
	IP_VERSION,
	SCTP,
	PROTOCOL_0,
	CFI,
	SECOND_TAG,
	LATER_FRAGMENTS,
	ICMP_PORTS,
	FRAGMENTS_MATCHED,
	TO_ITSELF,
	TABLE_AFTER_SET,
	BUFFERS,
	SHORT_PACKET_OUT,
};

/* clang-format off */
struct known known_list[] = {
	[EXACT_PRIORITY] = {.name = "exact-priority", .why =
		"takes an entry for exact when its wildcards are 0 and for nothing more; "
		"section 3.4: exact is what has no wildcards, and fields that cannot apply (a "
		"port of an ARP frame) have none. Told with priority 65535"},
	[HIDDEN_FIELDS] = {.name = "hidden-fields", .why =
		"keeps entries apart that differ in nothing but fields that cannot apply; "
		"section 3.4: such fields are ignored. Told without them"},
	[UNTAGGED_PCP] = {.name = "untagged-pcp", .why =
		"reports the VLAN priority of a match for untagged frames as if it counted; "
		"section 3.4: a field that cannot apply is ignored. Read as wildcarded"},
	[PRIORITY_OF_NONE] = {.name = "priority-of-none", .why =
		"finds no untagged frame for a match of priority 0 in any VLAN; section 3.4, "
		"figure 4: what a frame does not have is 0. Made for priority 1"},
	[IDENTICAL_OVERLAP] = {.name = "identical-overlap", .why =
		"replaces an identical entry in spite of CHECK_OVERLAP; section 4.6: two "
		"entries overlap if a packet may match both and they have the same priority. "
		"Made without the flag"},
	[SERVICE_TAG] = {.name = "service-tag", .why =
		"takes the tag 0x88a8 of IEEE 802.1ad for a VLAN tag; section 3.4, figure 4: a "
		"tag is 0x8100. Told with another type"},
	[RARP] = {.name = "rarp", .why =
		"looks into RARP as into ARP; section 3.4, figure 4: only ARP (0x0806) and IP "
		"(0x0800) are looked into. Told with another type"},
	[IPV6] = {.name = "ipv6", .why =
		"looks into IPv6, matches and changes its ports and traffic class; section 3.4, "
		"figure 4: only ARP (0x0806) and IP (0x0800) are looked into. Told with another "
		"type"},
	[MPLS] = {.name = "mpls", .why =
		"looks into MPLS, and loses count of frames whose label is cut off; section 3.4, figure "
		"4: only ARP (0x0806) and IP (0x0800) are looked into. Told with another type"},
	[CUT_TAG] = {.name = "cut-tag", .why =
		"loses count of frames that end within a tag; section 5.3.5: all packets are counted. "
		"Made with another type"},
	[LENGTH_802_3] = {.name = "length-802-3", .why =
		"looks into a frame beyond the end that its 802.3 length tells; IEEE 802.3, section "
		"3.2.7, to which section 3.4, figure 4 refers: there is padding. Made with a length that "
		"is not below what there is"},
	[PORT_0] = {.name = "port-0", .why =
		"takes an action that outputs to port 0; section 5.2.1: ports are numbered from 1. Made "
		"for a port that cannot be either"},
	[MODIFY_HARD] = {.name = "modify-hard", .why =
		"lets MODIFY begin an entry's hard timeout anew; section 5.3.3: it is the time after "
		"which an entry must expire, and MODIFY changes the actions. Made as ADD"},
	[ARP_OPCODES] = {.name = "arp-opcodes", .why =
		"takes ARP opcodes over 255 for 0, and loses count of frames with 255; section "
		"3.3, table 3: the lower eight bits of the opcode are matched. Told with these, "
		"and 255 as another number"},
	[IP_VERSION] = {.name = "ip-version", .why =
		"looks into a packet of type 0x0800 whatever version of IP it says it is; "
		"section 3.3, table 5: the actions are for IPv4 packets. Made with version 4"},
	[SCTP] = {.name = "sctp", .why =
		"matches and changes ports of SCTP; section 3.4: ports are of TCP and UDP, "
		"beside ICMP's type and code. Told with another protocol"},
	[PROTOCOL_0] = {.name = "protocol-0", .why =
		"takes a packet of IP protocol 0 for none, and leaves its fields alone; section "
		"3.3, table 5: the actions are for all IPv4 packets. Made with protocol 255"},
	[CFI] = {.name = "cfi", .why =
		"clears the CFI bit of a tag that an action changes; section 3.3, table 5: SET_VLAN_VID "
		"and SET_VLAN_PCP change the id or the priority. Made without the bit"},
	[SECOND_TAG] = {.name = "second-tag", .why =
		"does not look at what comes to light when STRIP_VLAN takes the first of two tags; "
		"section 3.3, table 5: actions are on the packet as those before them left it. Made "
		"without further changes after STRIP_VLAN"},
	[LATER_FRAGMENTS] = {.name = "later-fragments", .why =
		"changes the bytes of a later fragment that stand where a TCP or UDP checksum would; "
		"section 3.3, table 5: SET_NW_SRC and SET_NW_DST update the checksums, and the first "
		"fragment alone has one. Read with the bytes that came"},
	[ICMP_PORTS] = {.name = "icmp-ports", .why =
		"takes type and code of ICMP for ports that SET_TP_SRC and SET_TP_DST change; "
		"section 3.3, table 5: these actions are for TCP and UDP. Read with the type "
		"and code that the packet came with"},
	[FRAGMENTS_MATCHED] = {.name = "fragments-matched", .why =
		"counts fragments that SET_CONFIG has dropped as looked up and matched; section "
		"5.3.5: what is counted is packets looked up in the table, and that hit it. "
		"Ours are read with them"},
	[TO_ITSELF] = {.name = "to-itself", .why =
		"learns from a packet-out after OFPP_NORMAL has looked its destination up, which tells "
		"when that is its source; section 3.3 leaves OFPP_NORMAL to the switch. Made with "
		"another source"},
	[TABLE_AFTER_SET] = {.name = "table-after-set", .why =
		"counts a packet-out for the entry that OFPP_TABLE finds with the length that "
		"it had before actions on tags (and see icmp-ports); section 5.2.1: OFPP_TABLE "
		"does the actions in the table. Told as two packet-outs, the second with the "
		"frame as the actions left it"},
	[BUFFERS] = {.name = "buffers", .why =
		"has no packet buffers, and takes no entry that names one; section 5.3.3: the "
		"buffer is the packet that the entry is applied to beside. Told as the entry "
		"and a packet-out of the buffer"},
	[SHORT_PACKET_OUT] = {.name = "short-packet-out", .why =
		"drops a packet-out without a whole Ethernet header in silence; section 5.4.4: "
		"OFPBRC_BAD_LEN is for a request of a wrong length. Told without a body"},
};
/* clang-format on */

const unsigned known_count = sizeof known_list / sizeof known_list[0];

static void use(enum known_name name)
{
	known_list[name].used++;
}

/* --- Avoided --- */

void known_avoid(struct fb_match *match)
{
	struct fb_match m = *match;

	fb_match_normalize(&m);
	if (m.wildcards & OFPFW_DL_VLAN && !(m.wildcards & OFPFW_DL_VLAN_PCP) && !m.dl_vlan_pcp) {
		use(PRIORITY_OF_NONE);
		match->dl_vlan_pcp = 1;
	}
}

uint16_t known_avoid_modify(uint16_t command)
{
	if (command != OFPFC_MODIFY && command != OFPFC_MODIFY_STRICT)
		return command;
	use(MODIFY_HARD);
	return OFPFC_ADD;
}

void known_avoid_identical(void)
{
	use(IDENTICAL_OVERLAP);
}

uint8_t known_avoid_proto(uint8_t nw_proto)
{
	if (nw_proto)
		return nw_proto;
	use(PROTOCOL_0);
	return 255;
}

uint8_t known_avoid_version(uint8_t version)
{
	if (version != 4)
		use(IP_VERSION);
	return 4;
}

uint16_t known_avoid_cfi(uint16_t tci)
{
	if (tci & TCI_CFI)
		use(CFI);
	return tci & (uint16_t)~TCI_CFI;
}

void known_avoid_length(uint8_t *length, size_t len)
{
	if (fb_get16(length) >= len)
		return;
	use(LENGTH_802_3);
	fb_set16(length, (uint16_t)len);
}

uint16_t known_avoid_port(uint16_t port)
{
	if (port)
		return port;
	use(PORT_0);
	return OFPP_MAX + 1;
}

void known_avoid_cut_tag(uint8_t *frame, size_t len)
{
	if (fb_get16(frame + TYPE_OFS) != FB_ETH_VLAN ||
	    len >= FB_ETH_HEADER_BYTES + FB_VLAN_TAG_BYTES)
		return;
	use(CUT_TAG);
	frame[TYPE_OFS + 1] ^= 1;
}

void known_avoid_to_itself(uint8_t *frame)
{
	if (!fb_mac_equal(frame, frame + FB_MAC_BYTES))
		return;
	use(TO_ITSELF);
	frame[2 * FB_MAC_BYTES - 1] ^= 1;
}

void known_avoid_change_after_strip(struct fb_action *action)
{
	use(SECOND_TAG);
	*action = (struct fb_action){.type = OFPAT_OUTPUT, .output.port = OFPP_FLOOD};
}

/* --- Types and protocols that Open vSwitch must not know --- */

/* Given as ones that mean nothing to anyone, and read back. */
struct alias {
	uint16_t real, given;
	enum known_name name;
};

static const struct alias types[] = {
        {0x88a8, 0x9a01, SERVICE_TAG}, {0x8035, 0x9a02, RARP}, {0x86dd, 0x9a03, IPV6},
        {0x8847, 0x9a04, MPLS},        {0x8848, 0x9a05, MPLS},
};

static const struct alias sctp = {IP_SCTP, 253, SCTP};

static uint16_t hidden_type(uint16_t type)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (type == types[i].real) {
			use(types[i].name);
			return types[i].given;
		}
	}
	return type;
}

static uint16_t shown_type(uint16_t type)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
		if (type == types[i].given)
			return types[i].real;
	}
	return type;
}

/* Where the Ethernet type stands that a switch looks at: behind the tags, or behind SNAP's header.
 * NULL: there is none. */
static uint8_t *type_of_frame(uint8_t *frame, size_t len)
{
	size_t ofs = TYPE_OFS;

	while (ofs + 2 <= len && fb_get16(frame + ofs) == FB_ETH_VLAN)
		ofs += FB_VLAN_TAG_BYTES;
	if (ofs + 2 <= len && fb_get16(frame + ofs) < 0x600)
		ofs += 8;
	return ofs + 2 <= len ? frame + ofs : NULL;
}

/* Replace the protocol 'from' of an IPv4 packet, and its share of the header's checksum; true when
 * it was there. */
static bool replace_protocol(uint8_t *frame, size_t len, uint8_t from, uint8_t to)
{
	uint8_t *type = type_of_frame(frame, len);
	uint8_t *ip = type + 2;
	uint16_t before;

	if (!type || fb_get16(type) != FB_ETH_IPV4 || frame + len < ip + FB_IPV4_HEADER_BYTES ||
	    ip[9] != from)
		return false;
	before = fb_get16(ip + 8);
	ip[9] = to;
	fb_set16(ip + 10, fb_checksum_update16(fb_get16(ip + 10), before, fb_get16(ip + 8)));
	return true;
}

static void hide_arp_op(uint8_t *frame, size_t len)
{
	struct fb_packet p;
	uint16_t op;

	if (fb_packet_parse(&p, frame, len) < 0 || !p.is_arp || p.arp_op < 255)
		return;
	use(ARP_OPCODES);
	op = p.arp_op & 0xff;
	fb_set16(frame + p.l3_ofs + ARP_OP_OFS, op == 255 ? ARP_OP_255 : op);
}

static void hide_in_frame(uint8_t *frame, size_t len)
{
	uint8_t *type = type_of_frame(frame, len);

	if (!type)
		return;
	fb_set16(type, hidden_type(fb_get16(type)));
	hide_arp_op(frame, len);
	if (replace_protocol(frame, len, (uint8_t)sctp.real, (uint8_t)sctp.given))
		use(SCTP);
}

static void show_in_frame(uint8_t *frame, size_t len)
{
	uint8_t *type = type_of_frame(frame, len);

	if (!type)
		return;
	fb_set16(type, shown_type(fb_get16(type)));
	replace_protocol(frame, len, (uint8_t)sctp.given, (uint8_t)sctp.real);
}

/* --- Matches --- */

static bool names_ip_protocol(const struct fb_match *match, uint16_t nw_proto)
{
	return !(match->wildcards & (OFPFW_DL_TYPE | OFPFW_NW_PROTO)) &&
	       match->dl_type == FB_ETH_IPV4 && match->nw_proto == nw_proto;
}

static bool names_arp(const struct fb_match *match, uint8_t op)
{
	return !(match->wildcards & (OFPFW_DL_TYPE | OFPFW_NW_PROTO)) &&
	       match->dl_type == FB_ETH_ARP && match->nw_proto == op;
}

/* With the priority at 'priority', NULL where there is none. */
static void match_for_ovs(uint8_t *bytes, fb_be16 *priority)
{
	struct fb_match raw, match;
	uint32_t hidden;

	fb_match_decode(bytes, &raw);
	match = raw;
	fb_match_normalize(&match);
	hidden = match.wildcards & ~raw.wildcards &
	         ~(uint32_t)(OFPFW_NW_SRC_MASK | OFPFW_NW_DST_MASK | OFPFW_DL_VLAN_PCP);
	if (hidden)
		use(HIDDEN_FIELDS);
	if (fb_match_is_exact(&match) && priority) {
		use(EXACT_PRIORITY);
		fb_set16(priority, UINT16_MAX);
	}
	match.dl_type = hidden_type(match.dl_type);
	if (names_arp(&match, 255))
		match.nw_proto = ARP_OP_255;
	if (names_ip_protocol(&match, sctp.real)) {
		use(SCTP);
		match.nw_proto = (uint8_t)sctp.given;
	}
	fb_match_encode(bytes, &match);
}

static void match_from_ovs(uint8_t *bytes)
{
	struct fb_match match;

	fb_match_decode(bytes, &match);
	if (!(match.wildcards & (OFPFW_DL_VLAN | OFPFW_DL_VLAN_PCP)) &&
	    match.dl_vlan == OFP_VLAN_NONE) {
		use(UNTAGGED_PCP);
		match.wildcards |= OFPFW_DL_VLAN_PCP;
	}
	match.dl_type = shown_type(match.dl_type);
	if (names_arp(&match, ARP_OP_255))
		match.nw_proto = 255;
	if (names_ip_protocol(&match, sctp.given))
		match.nw_proto = (uint8_t)sctp.real;
	fb_match_encode(bytes, &match);
}

/* --- Packet-outs --- */

/* Leave only the header, which is an error. */
static void cut_to_header(struct step *step)
{
	step->len = sizeof(struct ofp_header);
	fb_set16(step->bytes + 2, (uint16_t)step->len);
}

/* True when an action that changes tags or ports comes before OFPP_TABLE in the list. */
static bool has_table_after_set(struct fb_view actions)
{
	struct fb_action a;
	size_t offset = 0;
	bool set = false;

	while (fb_action_next(actions.data, actions.len, &offset, &a)) {
		if (a.type == OFPAT_SET_VLAN_VID || a.type == OFPAT_SET_VLAN_PCP ||
		    a.type == OFPAT_STRIP_VLAN || a.type == OFPAT_SET_TP_SRC ||
		    a.type == OFPAT_SET_TP_DST)
			set = true;
		else if (a.type == OFPAT_OUTPUT && a.output.port == OFPP_TABLE && set)
			return true;
	}
	return false;
}

/* 'po' as several packet-outs into 'out', each with the frame as the actions before its first
 * OFPP_TABLE left it. */
static void split_packet_out(const struct fb_packet_out *po, uint32_t xid, struct fb_buf *out)
{
	uint8_t memory[FB_VLAN_TAG_BYTES + FRAME_BYTES], list[2048];
	uint8_t before[FB_VLAN_TAG_BYTES + FRAME_BYTES];
	struct fb_buf actions = fb_buf_make(list, sizeof list);
	struct fb_packet_out part = *po;
	struct fb_edit edit;
	struct fb_action a;
	size_t offset = 0;

	memcpy(memory + FB_VLAN_TAG_BYTES, po->data.data, po->data.len);
	fb_edit_begin(&edit, memory + FB_VLAN_TAG_BYTES, po->data.len, FB_VLAN_TAG_BYTES);
	while (fb_action_next(po->actions.data, po->actions.len, &offset, &a)) {
		if (a.type == OFPAT_OUTPUT && a.output.port == OFPP_TABLE) {
			part.actions = (struct fb_view){list, actions.len};
			fb_msg_put_packet_out(out, xid, &part);
			memcpy(before, edit.data, edit.len);
			part.data = (struct fb_view){before, edit.len};
			actions.len = 0;
		}
		fb_edit_apply(&edit, &a);
		fb_action_put(&actions, &a);
	}
	part.actions = (struct fb_view){list, actions.len};
	fb_msg_put_packet_out(out, xid, &part);
}

/* A packet-out that may not decode: its frame alone is changed. */
static void hide_in_spoiled(struct step *step)
{
	struct ofp_packet_out *po = (void *)step->bytes;
	size_t at = sizeof *po + fb_get16(&po->actions_len);

	hide_in_frame(step->bytes + at, step->len - at);
}

static void packet_out_for_ovs(struct step *step)
{
	static uint8_t copy[STEP_BYTES];
	struct fb_buf out = fb_buf_make(step->bytes, STEP_BYTES);
	struct fb_of_error error;
	struct fb_msg msg;

	if (step->spoiled) {
		hide_in_spoiled(step);
		return;
	}
	memcpy(copy, step->bytes, step->len);
	if (fb_msg_decode(copy, step->len, &msg, &error) < 0 ||
	    msg.packet_out.buffer_id != OFP_NO_BUFFER)
		return;
	if (msg.packet_out.data.len < FB_ETH_HEADER_BYTES) {
		use(SHORT_PACKET_OUT);
		cut_to_header(step);
		return;
	}
	hide_in_frame(copy + (msg.packet_out.data.data - copy), msg.packet_out.data.len);
	if (has_table_after_set(msg.packet_out.actions)) {
		use(TABLE_AFTER_SET);
		split_packet_out(&msg.packet_out, msg.xid, &out);
	} else {
		fb_msg_put_packet_out(&out, msg.xid, &msg.packet_out);
	}
	if (out.overflow)
		die("a packet-out in parts does not fit");
	step->len = (uint32_t)out.len;
}

/* --- Flow-mods --- */

/* An entry with a buffer: the error of a packet-out with that buffer, and the entry without. */
static void buffer_for_ovs(struct step *step)
{
	struct ofp_flow_mod *fm = (void *)step->bytes;
	uint8_t bytes[sizeof(struct ofp_packet_out)];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);
	struct fb_packet_out po = {.buffer_id = fb_get32(&fm->buffer_id), .in_port = OFPP_NONE};

	if (po.buffer_id == OFP_NO_BUFFER || fb_get16(&fm->command) >= OFPFC_DELETE)
		return;
	use(BUFFERS);
	fb_set32(&fm->buffer_id, OFP_NO_BUFFER);
	fb_msg_put_packet_out(&buf, fb_get32(&fm->header.xid), &po);
	memmove(step->bytes + buf.len, step->bytes, step->len);
	memcpy(step->bytes, bytes, buf.len);
	step->len += (uint32_t)buf.len;
}

/* --- Steps --- */

static void message_for_ovs(struct step *step)
{
	switch (step->bytes[1]) {
	case OFPT_PACKET_OUT:
		packet_out_for_ovs(step);
		break;
	case OFPT_FLOW_MOD:
		match_for_ovs(step->bytes + offsetof(struct ofp_flow_mod, match),
		              &((struct ofp_flow_mod *)step->bytes)->priority);
		buffer_for_ovs(step);
		break;
	case OFPT_STATS_REQUEST:
		if (step->len >= sizeof(struct ofp_stats_request) + sizeof(struct ofp_match))
			match_for_ovs(step->bytes + sizeof(struct ofp_stats_request), NULL);
		break;
	}
}

void known_step_for_ovs(struct step *step)
{
	switch (step->kind) {
	case STEP_FRAME:
		hide_in_frame(step->bytes, step->len);
		break;
	case STEP_MESSAGE:
		message_for_ovs(step);
		break;
	case STEP_WARP:
		break;
	}
}

/* --- Answers --- */

/* The frame that 'step' brings. */
static struct fb_view frame_of_step(const struct step *step)
{
	struct fb_of_error error;
	struct fb_msg msg;

	if (step->kind == STEP_FRAME)
		return (struct fb_view){step->bytes, step->len};
	if (step->kind == STEP_MESSAGE && step->bytes[1] == OFPT_PACKET_OUT &&
	    fb_msg_decode(step->bytes, fb_get16(step->bytes + 2), &msg, &error) == 0)
		return msg.packet_out.data;
	return (struct fb_view){NULL, 0};
}

/* Give the ICMP packet, ARP packet or fragment in 'bytes' back what it came with. */
static void restore(const struct step *step, uint8_t *bytes, size_t len)
{
	struct fb_view came = frame_of_step(step);
	struct fb_packet from, to;

	if (!came.data || fb_packet_parse_whole(&from, came.data, came.len) < 0 ||
	    fb_packet_parse_whole(&to, bytes, len) < 0)
		return;
	if (from.is_arp && to.is_arp)
		fb_set16(bytes + to.l3_ofs + ARP_OP_OFS, from.arp_op);
	if (from.frag_offset && to.frag_offset && from.l4_len == to.l4_len &&
	    memcmp(bytes + to.l4_ofs, came.data + from.l4_ofs, from.l4_len) != 0) {
		use(LATER_FRAGMENTS);
		memcpy(bytes + to.l4_ofs, came.data + from.l4_ofs, from.l4_len);
	}
	if (!from.is_icmp || !to.is_icmp ||
	    memcmp(bytes + to.l4_ofs, came.data + from.l4_ofs, ICMP_SET_BYTES) == 0)
		return;
	use(ICMP_PORTS);
	memcpy(bytes + to.l4_ofs, came.data + from.l4_ofs, ICMP_SET_BYTES);
}

void known_frame_from_ovs(const struct step *step, uint8_t *bytes, size_t len)
{
	restore(step, bytes, len);
	show_in_frame(bytes, len);
}

void known_message_from_ovs(const struct step *step, uint8_t *bytes, size_t len)
{
	size_t head = offsetof(struct ofp_packet_in, data);

	if (bytes[1] == OFPT_PACKET_IN) {
		known_frame_from_ovs(step, bytes + head, len - head);
	} else if (bytes[1] == OFPT_FLOW_REMOVED) {
		match_from_ovs(bytes + offsetof(struct ofp_flow_removed, match));
	} else if (bytes[1] == OFPT_STATS_REPLY &&
	           fb_get16(bytes + sizeof(struct ofp_header)) == OFPST_FLOW) {
		for (uint8_t *at = bytes + sizeof(struct ofp_stats_reply); at < bytes + len;
		     at += fb_get16(at))
			match_from_ovs(at + offsetof(struct ofp_flow_stats, match));
	}
}

void known_message_from_ours(uint64_t fragments_dropped, uint8_t *bytes, size_t len)
{
	struct ofp_table_stats *table = (void *)(bytes + sizeof(struct ofp_stats_reply));

	if (!fragments_dropped || bytes[1] != OFPT_STATS_REPLY ||
	    fb_get16(bytes + sizeof(struct ofp_header)) != OFPST_TABLE ||
	    len < sizeof(struct ofp_stats_reply) + sizeof *table)
		return;
	use(FRAGMENTS_MATCHED);
	fb_set64(&table->lookup_count, fb_get64(&table->lookup_count) + fragments_dropped);
	fb_set64(&table->matched_count, fb_get64(&table->matched_count) + fragments_dropped);
}
