/* Parsing: actions in the syntax of ovs-ofctl, as far as OpenFlow 1.0 has them. */
#include "lib/wire/parse.h"

/* How the value of an action reads. */
enum kind {
	NONE,    /* there is none */
	PORT,    /* output */
	MAX_LEN, /* controller: optional */
	NUMBER,
	MAC,
	IP,
	QUEUE, /* enqueue: port and queue */
};

static const struct verb {
	const char *name;
	uint16_t type; /* OFPAT_* */
	enum kind kind;
	uint16_t max; /* NUMBER */
} verbs[] = {
        {"output", OFPAT_OUTPUT, PORT, 0},
        {"controller", OFPAT_OUTPUT, MAX_LEN, 0},
        {"enqueue", OFPAT_ENQUEUE, QUEUE, 0},
        {"strip_vlan", OFPAT_STRIP_VLAN, NONE, 0},
        {"pop_vlan", OFPAT_STRIP_VLAN, NONE, 0},
        {"mod_vlan_vid", OFPAT_SET_VLAN_VID, NUMBER, 0xfff},
        {"set_vlan_vid", OFPAT_SET_VLAN_VID, NUMBER, 0xfff},
        {"mod_vlan_pcp", OFPAT_SET_VLAN_PCP, NUMBER, 7},
        {"set_vlan_pcp", OFPAT_SET_VLAN_PCP, NUMBER, 7},
        {"mod_dl_src", OFPAT_SET_DL_SRC, MAC, 0},
        {"mod_dl_dst", OFPAT_SET_DL_DST, MAC, 0},
        {"mod_nw_src", OFPAT_SET_NW_SRC, IP, 0},
        {"mod_nw_dst", OFPAT_SET_NW_DST, IP, 0},
        {"mod_nw_tos", OFPAT_SET_NW_TOS, NUMBER, 0xff},
        {"mod_tp_src", OFPAT_SET_TP_SRC, NUMBER, 0xffff},
        {"mod_tp_dst", OFPAT_SET_TP_DST, NUMBER, 0xffff},
};

enum { VERBS = sizeof verbs / sizeof verbs[0] };

static int output_value(const char *s, struct fb_action *a, struct fb_text *why)
{
	if (fb_parse_port(s, &a->output.port, why) < 0)
		return -1;
	a->output.max_len = a->output.port == OFPP_CONTROLLER ? UINT16_MAX : 0;
	return 0;
}

/* "", "128" or "max_len=128". */
static int max_len_value(const char *s, struct fb_action *a, struct fb_text *why)
{
	uint64_t max_len = UINT16_MAX;

	if (strncmp(s, "max_len=", 8) == 0)
		s += 8;
	if (*s && parse_number(s, UINT16_MAX, &max_len, why) < 0)
		return -1;
	a->output.port = OFPP_CONTROLLER;
	a->output.max_len = (uint16_t)max_len;
	return 0;
}

/* "1:2" or "1,2": port and queue. */
static int queue_value(const char *s, struct fb_action *a, struct fb_text *why)
{
	char port[PARSE_WORD_BYTES];
	size_t port_len = strcspn(s, ":,");
	uint64_t queue_id;

	if (!s[port_len])
		return parse_fail(why, "write enqueue:PORT:QUEUE or enqueue(PORT,QUEUE)");
	memcpy(port, s, port_len);
	port[port_len] = '\0';
	if (fb_parse_port(port, &a->enqueue.port, why) < 0)
		return -1;
	s += port_len + 1;
	if (parse_number(*s == ' ' ? s + 1 : s, UINT32_MAX, &queue_id, why) < 0)
		return -1;
	a->enqueue.queue_id = (uint32_t)queue_id;
	return 0;
}

static int number_value(const struct verb *verb, const char *s, struct fb_action *a,
                        struct fb_text *why)
{
	uint64_t number;

	if (parse_number(s, verb->max, &number, why) < 0)
		return -1;
	switch ((enum ofp_action_type)verb->type) {
	case OFPAT_SET_VLAN_VID:
		a->vlan_vid = (uint16_t)number;
		return 0;
	case OFPAT_SET_VLAN_PCP:
		a->vlan_pcp = (uint8_t)number;
		return 0;
	case OFPAT_SET_NW_TOS:
		if (number & 3)
			return parse_fail(
			        why,
			        "'%s' is not a multiple of 4: the lowest two bits are not "
			        "DSCP's",
			        s);
		a->nw_tos = (uint8_t)number;
		return 0;
	case OFPAT_SET_TP_SRC:
	case OFPAT_SET_TP_DST:
		a->tp_port = (uint16_t)number;
		return 0;
	case OFPAT_OUTPUT:
	case OFPAT_STRIP_VLAN:
	case OFPAT_SET_DL_SRC:
	case OFPAT_SET_DL_DST:
	case OFPAT_SET_NW_SRC:
	case OFPAT_SET_NW_DST:
	case OFPAT_ENQUEUE:
	case OFPAT_VENDOR:
		break;
	}
	return -1;
}

/* Fill '*a' from the value of 'pair', an element with the key of 'verb'. */
static int action_value(const struct verb *verb, const struct parse_pair *pair, struct fb_action *a,
                        struct fb_text *why)
{
	const char *s = pair->value;

	a->type = verb->type;
	if (verb->kind == NONE && *s)
		return parse_fail(why, "takes no value");
	if (verb->kind != NONE && verb->kind != MAX_LEN && !*s)
		return parse_fail(why, "needs a value: '%s:...'", verb->name);
	switch (verb->kind) {
	case NONE:
		return 0;
	case PORT:
		return output_value(s, a, why);
	case MAX_LEN:
		return max_len_value(s, a, why);
	case NUMBER:
		return number_value(verb, s, a, why);
	case MAC:
		return fb_parse_mac(s, a->dl_addr, why);
	case IP:
		return fb_parse_ip(s, &a->nw_addr, why);
	case QUEUE:
		return queue_value(s, a, why);
	}
	return -1;
}

static int unknown_action(const char *word, struct fb_text *error)
{
	static const char *const others[] = {"drop",  "normal",  "flood", "all",
	                                     "local", "in_port", "table"};
	const char *known[VERBS + sizeof others / sizeof others[0] + 1];
	size_t count = 0;

	for (size_t i = 0; i < VERBS; i++)
		known[count++] = verbs[i].name;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		known[count++] = others[i];
	known[count] = NULL;
	return parse_fail_unknown(error, "action", word, known);
}

/* One element that is not "drop" as an action. */
static int one_action(const struct parse_pair *pair, struct fb_action *a, struct fb_text *error)
{
	char buf[PARSE_WHY_BYTES];
	struct fb_text why = fb_text_make(buf, sizeof buf);

	for (size_t i = 0; i < VERBS; i++) {
		if (!parse_same_word(pair->key, verbs[i].name))
			continue;
		if (action_value(&verbs[i], pair, a, &why) < 0)
			return parse_fail_in(error, verbs[i].name, &why);
		return 0;
	}
	/* A port alone is an output. */
	a->type = OFPAT_OUTPUT;
	if (pair->has_value || output_value(pair->key, a, NULL) < 0)
		return unknown_action(pair->key, error);
	return 0;
}

int fb_parse_actions(const char *s, struct fb_buf *out, struct fb_text *error)
{
	struct parse_pair pair;
	bool drop = false;
	size_t count = 0;
	int r;

	while ((r = parse_next(&s, PARSE_ACTIONS, &pair, error)) > 0) {
		struct fb_action action = {.type = OFPAT_OUTPUT};

		if (parse_same_word(pair.key, "drop") && !pair.has_value) {
			drop = true;
		} else {
			if (one_action(&pair, &action, error) < 0)
				return -1;
			if (!fb_action_put(out, &action))
				return parse_fail(error, "too many actions for %zu bytes",
				                  out->size);
			count++;
		}
		if (drop && count)
			return parse_fail(error, "'drop' cannot stand beside other actions");
	}
	return r;
}
