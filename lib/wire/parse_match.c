/* Parsing: a match in the syntax of ovs-ofctl.
 *
 * Elements are first collected, each field as one number; when all are there they become a match,
 * are normalised, and what normalisation would have dropped is an error: ovs-ofctl only logs that
 * "tp_dst=80" alone matches everything, which is hardly ever what was meant. For the same reason a
 * field cannot be given two values. */
#include "lib/wire/parse.h"

#include "lib/wire/text_parts.h"

enum field {
	IN_PORT,
	DL_SRC,
	DL_DST,
	DL_VLAN,
	DL_VLAN_PCP,
	DL_TYPE,
	NW_TOS,
	NW_PROTO,
	NW_SRC, /* address << 8 | prefix length */
	NW_DST,
	TP_SRC,
	TP_DST,
	FIELDS,
};

_Static_assert((int)FIELDS == PARSE_MATCH_FIELDS, "parse.h counts the fields");

/* How the value of a key reads. */
enum kind { PORT, MAC, VLAN, TCI, NUMBER, PREFIX };

static const struct key {
	const char *name;
	enum field field;
	enum kind kind;
	uint16_t max; /* NUMBER */
} keys[] = {
        {"in_port", IN_PORT, PORT, 0},        {"dl_src", DL_SRC, MAC, 0},
        {"dl_dst", DL_DST, MAC, 0},           {"dl_vlan", DL_VLAN, VLAN, 0},
        {"vlan_tci", DL_VLAN, TCI, 0},        {"dl_vlan_pcp", DL_VLAN_PCP, NUMBER, 7},
        {"dl_type", DL_TYPE, NUMBER, 0xffff}, {"nw_tos", NW_TOS, NUMBER, 0xff},
        {"nw_proto", NW_PROTO, NUMBER, 0xff}, {"arp_op", NW_PROTO, NUMBER, 0xff},
        {"nw_src", NW_SRC, PREFIX, 0},        {"nw_dst", NW_DST, PREFIX, 0},
        {"arp_spa", NW_SRC, PREFIX, 0},       {"arp_tpa", NW_DST, PREFIX, 0},
        {"tp_src", TP_SRC, NUMBER, 0xffff},   {"tp_dst", TP_DST, NUMBER, 0xffff},
        {"tcp_src", TP_SRC, NUMBER, 0xffff},  {"tcp_dst", TP_DST, NUMBER, 0xffff},
        {"udp_src", TP_SRC, NUMBER, 0xffff},  {"udp_dst", TP_DST, NUMBER, 0xffff},
        {"icmp_type", TP_SRC, NUMBER, 0xff},  {"icmp_code", TP_DST, NUMBER, 0xff},
};

enum { KEYS = sizeof keys / sizeof keys[0] };

/* Note that 'field' is 'value', given as 'name'. */
static int set(struct parse_match *pm, enum field field, uint64_t value, const char *name,
               struct fb_text *error)
{
	if (pm->names[field] && pm->values[field] != value)
		return parse_fail(error, "'%s' contradicts the '%s' before it", name,
		                  pm->names[field]);
	if (!pm->names[field])
		pm->names[field] = name;
	pm->values[field] = value;
	return 0;
}

static int port_value(const char *s, uint64_t *value, struct fb_text *error)
{
	uint16_t port_no;

	if (fb_parse_port(s, &port_no, error) < 0)
		return -1;
	*value = port_no;
	return 0;
}

static int mac_value(const char *s, uint64_t *value, struct fb_text *error)
{
	uint8_t mac[FB_MAC_BYTES];

	if (fb_parse_mac(s, mac, error) < 0)
		return -1;
	*value = fb_mac_to_u64(mac);
	return 0;
}

static int vlan_value(const char *s, uint64_t *value, struct fb_text *error)
{
	if (parse_number(s, 0xffff, value, NULL) < 0 || (*value > 0xfff && *value != OFP_VLAN_NONE))
		return parse_fail(error, "'%s' is not a VLAN id from 0 to 4095, or 0xffff for none",
		                  s);
	return 0;
}

static int tci_value(const char *s, uint64_t *value, struct fb_text *error)
{
	if (parse_number(s, 0xffff, value, NULL) < 0 || *value != 0)
		return parse_fail(error,
		                  "'%s' is not 0, which stands for frames without a VLAN tag; use "
		                  "dl_vlan and dl_vlan_pcp for others",
		                  s);
	*value = OFP_VLAN_NONE;
	return 0;
}

static int prefix_value(const char *s, uint64_t *value, struct fb_text *error)
{
	unsigned prefix_len;
	uint32_t ip;

	if (fb_parse_ip_prefix(s, &ip, &prefix_len, error) < 0)
		return -1;
	*value = (uint64_t)ip << 8 | prefix_len;
	return 0;
}

static int value_of(const struct key *key, const char *s, uint64_t *value, struct fb_text *error)
{
	switch (key->kind) {
	case PORT:
		return port_value(s, value, error);
	case MAC:
		return mac_value(s, value, error);
	case VLAN:
		return vlan_value(s, value, error);
	case TCI:
		return tci_value(s, value, error);
	case NUMBER:
		return parse_number(s, key->max, value, error);
	case PREFIX:
		return prefix_value(s, value, error);
	}
	return -1;
}

/* "tcp" and the like: 1, 0 when 'pair' is none, -1 with 'error' told. */
static int protocol_pair(struct parse_match *pm, const struct parse_pair *pair,
                         struct fb_text *error)
{
	const struct text_protocol *p = text_protocols;

	while (p->name && strcmp(pair->key, p->name) != 0)
		p++;
	if (!p->name)
		return 0;
	if (pair->has_value)
		return parse_fail(error, "%s takes no value", p->name);
	if (set(pm, DL_TYPE, p->dl_type, p->name, error) < 0)
		return -1;
	if (p->nw_proto >= 0 && set(pm, NW_PROTO, (uint64_t)p->nw_proto, p->name, error) < 0)
		return -1;
	return 1;
}

int parse_match_pair(struct parse_match *pm, const struct parse_pair *pair, struct fb_text *error)
{
	char buf[PARSE_WHY_BYTES];
	struct fb_text why = fb_text_make(buf, sizeof buf);
	uint64_t value = 0;

	for (size_t i = 0; i < KEYS; i++) {
		if (strcmp(pair->key, keys[i].name) != 0)
			continue;
		if (!pair->has_value)
			return parse_fail(error, "%s needs a value: '%s=...'", pair->key,
			                  pair->key);
		if (strcmp(pair->value, "*") == 0)
			return 1;
		if (value_of(&keys[i], pair->value, &value, &why) < 0)
			return parse_fail_in(error, pair->key, &why);
		return set(pm, keys[i].field, value, keys[i].name, error) < 0 ? -1 : 1;
	}
	return protocol_pair(pm, pair, error);
}

/* The fields without a check. */
static void fill(const struct parse_match *pm, struct fb_match *m)
{
	static const uint32_t bits[FIELDS] = {
	        [IN_PORT] = OFPFW_IN_PORT,         [DL_SRC] = OFPFW_DL_SRC,
	        [DL_DST] = OFPFW_DL_DST,           [DL_VLAN] = OFPFW_DL_VLAN,
	        [DL_VLAN_PCP] = OFPFW_DL_VLAN_PCP, [DL_TYPE] = OFPFW_DL_TYPE,
	        [NW_TOS] = OFPFW_NW_TOS,           [NW_PROTO] = OFPFW_NW_PROTO,
	        [NW_SRC] = OFPFW_NW_SRC_MASK,      [NW_DST] = OFPFW_NW_DST_MASK,
	        [TP_SRC] = OFPFW_TP_SRC,           [TP_DST] = OFPFW_TP_DST,
	};
	const uint64_t *v = pm->values;

	fb_match_any(m);
	for (int i = 0; i < FIELDS; i++) {
		if (pm->names[i])
			m->wildcards &= ~bits[i];
	}
	m->in_port = (uint16_t)v[IN_PORT];
	fb_mac_from_u64(m->dl_src, v[DL_SRC]);
	fb_mac_from_u64(m->dl_dst, v[DL_DST]);
	m->dl_vlan = (uint16_t)v[DL_VLAN];
	m->dl_vlan_pcp = (uint8_t)v[DL_VLAN_PCP];
	m->dl_type = (uint16_t)v[DL_TYPE];
	m->nw_tos = (uint8_t)v[NW_TOS];
	m->nw_proto = (uint8_t)v[NW_PROTO];
	m->nw_src = (uint32_t)(v[NW_SRC] >> 8);
	m->nw_dst = (uint32_t)(v[NW_DST] >> 8);
	m->tp_src = (uint16_t)v[TP_SRC];
	m->tp_dst = (uint16_t)v[TP_DST];
	if (pm->names[NW_SRC])
		m->wildcards |= (32 - (uint32_t)(v[NW_SRC] & 0xff)) << OFPFW_NW_SRC_SHIFT;
	if (pm->names[NW_DST])
		m->wildcards |= (32 - (uint32_t)(v[NW_DST] & 0xff)) << OFPFW_NW_DST_SHIFT;
}

int parse_match_finish(const struct parse_match *pm, struct fb_match *match, struct fb_text *error)
{
	static const struct {
		enum field field;
		uint32_t bits;
		const char *needs;
	} checks[] = {
	        {DL_VLAN_PCP, OFPFW_DL_VLAN_PCP, "a VLAN tag"},
	        {NW_SRC, OFPFW_NW_SRC_MASK, "ip or arp"},
	        {NW_DST, OFPFW_NW_DST_MASK, "ip or arp"},
	        {NW_PROTO, OFPFW_NW_PROTO, "ip or arp"},
	        {NW_TOS, OFPFW_NW_TOS, "ip"},
	        {TP_SRC, OFPFW_TP_SRC, "tcp, udp or icmp"},
	        {TP_DST, OFPFW_TP_DST, "tcp, udp or icmp"},
	};
	uint32_t given, lost;

	fill(pm, match);
	given = match->wildcards;
	fb_match_normalize(match);
	lost = match->wildcards & ~given;
	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
		if (lost & checks[i].bits)
			return parse_fail(error, "'%s' needs %s in the same match",
			                  pm->names[checks[i].field], checks[i].needs);
	}
	return 0;
}

int parse_match_unknown(const char *word, const char *const *more, struct fb_text *error)
{
	const char *known[64];
	size_t count = 0;

	for (size_t i = 0; i < KEYS; i++)
		known[count++] = keys[i].name;
	for (const struct text_protocol *p = text_protocols; p->name; p++)
		known[count++] = p->name;
	for (; *more && count < 63; more++)
		known[count++] = *more;
	known[count] = NULL;
	return parse_fail_unknown(error, "field", word, known);
}

int fb_parse_match(const char *s, struct fb_match *match, struct fb_text *error)
{
	static const char *const no_more[] = {NULL};
	struct parse_match pm = {.names = {NULL}};
	struct parse_pair pair;
	int r;

	while ((r = parse_next(&s, PARSE_FIELDS, &pair, error)) > 0) {
		int taken = parse_match_pair(&pm, &pair, error);

		if (taken < 0)
			return -1;
		if (taken == 0)
			return parse_match_unknown(pair.key, no_more, error);
	}
	return r < 0 ? -1 : parse_match_finish(&pm, match, error);
}
