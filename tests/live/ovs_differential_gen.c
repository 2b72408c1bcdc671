/* Random programs, the same for the same seed: a table is filled and frames come in; then entries,
 * frames, packet-outs and requests for statistics in any order; at the end all there is to tell.
 *
 * Entries are made of the frames' own fields, most of them, so that they meet. Which of two entries
 * of one priority a frame meets that both match is left open (section 3.4): no entry is added where
 * it could be in that way of another, unless CHECK_OVERLAP asks for the refusal. */
#include <flowbed/packet.h>

#include "lib/base/xalloc.h"
#include "tests/live/ovs_differential_gen.h"
#include "tests/live/ovs_differential_known.h"

#include <stdlib.h>

#define PICK(g, list) ((list)[rng_below(&(g)->rng, sizeof(list) / sizeof((list)[0]))])

enum {
	USED_MAX = 400,
	MESSAGE_BYTES = 4096,
	ACTIONS_BYTES = 1024,
	BAD_PORT = 9, /* a physical port that is not there */
};

/* The matches, as they go to the wire, and priorities of entries that may have been added. */
struct used {
	struct fb_match raw, match;
	uint16_t priority;
};

static struct used used[USED_MAX];
static unsigned used_count;

/* --- Steps --- */

static struct step *add_step(struct gen *g, enum step_kind kind, const void *bytes, size_t len)
{
	struct step *step = &g->program->steps[g->program->count++];

	if (g->program->count > STEPS_MAX)
		die("a program with too many steps");
	*step = (struct step){.kind = kind, .len = (uint32_t)len, .bytes = xmalloc(len)};
	if (len)
		memcpy(step->bytes, bytes, len);
	return step;
}

static void add_message(struct gen *g, struct fb_msg *msg)
{
	uint8_t bytes[MESSAGE_BYTES];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);

	msg->xid = g->program->count + 1;
	if (!fb_msg_encode(&buf, msg))
		die("a message does not fit");
	add_step(g, STEP_MESSAGE, bytes, buf.len);
}

static uint16_t pick_port(struct gen *g)
{
	unsigned dice = gen_below(g, 100);

	if (dice < 90)
		return (uint16_t)(1 + gen_below(g, PORTS_COUNT));
	return dice < 98 ? OFPP_LOCAL : BAD_PORT;
}

static uint16_t pick_in_port(struct gen *g)
{
	return gen_percent(g, 92) ? (uint16_t)(1 + gen_below(g, PORTS_COUNT)) : OFPP_LOCAL;
}

static void add_frame(struct gen *g)
{
	uint8_t bytes[FRAME_BYTES];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);
	struct fb_packet packet;
	uint16_t in_port = pick_in_port(g);

	gen_frame(g, &buf);
	add_step(g, STEP_FRAME, bytes, buf.len)->port = in_port;
	if (g->keys_count < GEN_FRAMES_MAX) {
		fb_packet_parse(&packet, bytes, buf.len);
		fb_match_from_packet(&g->keys[g->keys_count++], &packet, in_port);
	}
}

/* A frame that came in before, mostly, by the same port. */
static void add_frame_again(struct gen *g)
{
	const struct step *from = &g->program->steps[gen_below(g, g->program->count)];

	if (from->kind == STEP_FRAME)
		add_step(g, STEP_FRAME, from->bytes, from->len)->port = from->port;
	else
		add_frame(g);
}

/* --- Actions --- */

static uint16_t pick_out_port(struct gen *g, bool packet_out)
{
	unsigned dice = gen_below(g, 100);

	if (dice < 60)
		return pick_port(g);
	if (dice < 66)
		return OFPP_IN_PORT;
	if (dice < 74)
		return OFPP_FLOOD;
	if (dice < 82)
		return OFPP_ALL;
	if (dice < 90)
		return OFPP_CONTROLLER;
	if (dice < 92)
		return OFPP_LOCAL;
	if (packet_out && dice < 96)
		return OFPP_TABLE;
	return g->learns ? OFPP_NORMAL : OFPP_CONTROLLER;
}

static void pick_output(struct gen *g, bool packet_out, struct fb_action *a)
{
	a->output.port = pick_out_port(g, packet_out);
	if (a->output.port == OFPP_CONTROLLER)
		a->output.max_len = gen_percent(g, 70) ? 0xffff : (uint16_t)gen_below(g, 128);
}

static void pick_set(struct gen *g, struct fb_action *a)
{
	a->type = (uint16_t)(OFPAT_SET_VLAN_VID + gen_below(g, 10));
	switch ((enum ofp_action_type)a->type) {
	case OFPAT_SET_VLAN_VID:
		a->vlan_vid = gen_vid(g);
		break;
	case OFPAT_SET_VLAN_PCP:
		a->vlan_pcp = (uint8_t)gen_below(g, 8);
		break;
	case OFPAT_SET_DL_SRC:
	case OFPAT_SET_DL_DST:
		gen_mac_to_set(g, a->dl_addr, a->type == OFPAT_SET_DL_SRC);
		break;
	case OFPAT_SET_NW_SRC:
	case OFPAT_SET_NW_DST:
		a->nw_addr = gen_ip(g);
		break;
	case OFPAT_SET_NW_TOS:
		a->nw_tos = (uint8_t)(gen_below(g, 64) << 2);
		break;
	case OFPAT_SET_TP_SRC:
	case OFPAT_SET_TP_DST:
		a->tp_port = gen_tp(g);
		break;
	case OFPAT_OUTPUT:
	case OFPAT_STRIP_VLAN:
	case OFPAT_ENQUEUE:
	case OFPAT_VENDOR:
		break;
	}
}

/* True for an action to which a tag that STRIP_VLAN brought to light would matter. */
static bool looks_at_frame(const struct fb_action *a)
{
	if (a->type == OFPAT_OUTPUT)
		return a->output.port == OFPP_NORMAL;
	return a->type != OFPAT_SET_DL_SRC && a->type != OFPAT_SET_DL_DST;
}

static struct fb_view pick_actions(struct gen *g, uint8_t bytes[ACTIONS_BYTES], bool packet_out)
{
	struct fb_buf buf = fb_buf_make(bytes, ACTIONS_BYTES);
	unsigned count = gen_percent(g, 8) ? 0 : 1 + gen_below(g, gen_percent(g, 70) ? 3 : 9);
	bool stripped = false;

	while (count--) {
		struct fb_action action = {.type = OFPAT_OUTPUT};

		if (gen_percent(g, count ? 60 : 15))
			pick_set(g, &action);
		else
			pick_output(g, packet_out, &action);
		if (stripped && g->double_tags && looks_at_frame(&action))
			known_avoid_change_after_strip(&action);
		stripped |= action.type == OFPAT_STRIP_VLAN;
		/* Once is enough: see table-after-set among what is known. */
		if (action.type == OFPAT_OUTPUT && action.output.port == OFPP_TABLE)
			packet_out = false;
		fb_action_put(&buf, &action);
	}
	return (struct fb_view){bytes, buf.len};
}

/* --- Matches --- */

static uint32_t pick_prefix_wildcards(struct gen *g)
{
	static const uint8_t counts[] = {0, 0, 8, 16, 24, 32, 32, 63};

	return gen_percent(g, 50) ? PICK(g, counts) : gen_below(g, 64);
}

/* Wildcards: none, all but few, or each by chance. */
static uint32_t pick_wildcards(struct gen *g)
{
	unsigned chance = PICK(g, ((const uint8_t[]){0, 15, 30, 50, 70, 85, 95}));
	uint32_t wildcards = 0;

	if (chance == 0)
		return 0;
	for (unsigned bit = 0; bit < 22; bit++) {
		uint32_t flag = 1u << bit;

		if (flag & (OFPFW_NW_SRC_MASK | OFPFW_NW_DST_MASK))
			continue;
		if (gen_percent(g, chance))
			wildcards |= flag;
	}
	/* Without its type and protocol a frame's further fields cannot be told. */
	if (gen_percent(g, 50))
		wildcards &= ~(uint32_t)OFPFW_DL_TYPE;
	if (gen_percent(g, 40))
		wildcards &= ~(uint32_t)(OFPFW_DL_TYPE | OFPFW_NW_PROTO);
	if (gen_percent(g, chance / 2 + 10))
		wildcards |= OFPFW_NW_SRC_ALL;
	else
		wildcards |= pick_prefix_wildcards(g) << OFPFW_NW_SRC_SHIFT;
	if (gen_percent(g, chance / 2 + 10))
		wildcards |= OFPFW_NW_DST_ALL;
	else
		wildcards |= pick_prefix_wildcards(g) << OFPFW_NW_DST_SHIFT;
	return wildcards;
}

static void change_field(struct gen *g, struct fb_match *m)
{
	switch (gen_below(g, 12)) {
	case 0:
		m->in_port = pick_port(g);
		break;
	case 1:
		gen_mac(g, m->dl_src);
		break;
	case 2:
		gen_mac(g, m->dl_dst);
		break;
	case 3:
		m->dl_vlan = gen_percent(g, 40) ? OFP_VLAN_NONE : gen_vid(g);
		break;
	case 4:
		m->dl_vlan_pcp = (uint8_t)gen_below(g, 8);
		break;
	case 5:
		m->dl_type = PICK(g, ((const uint16_t[]){0x0800, 0x0806, 0x86dd, 0x05ff, 0x88cc,
		                                         0x8847, 0x8035, 0x0600, 0, 0x8100}));
		break;
	case 6:
		m->nw_tos = (uint8_t)(gen_below(g, 64) << 2);
		break;
	case 7:
		m->nw_proto = PICK(g, ((const uint8_t[]){1, 2, 3, 6, 17, 132, 0, 255}));
		break;
	case 8:
		m->nw_src = gen_ip(g);
		break;
	case 9:
		m->nw_dst = gen_ip(g);
		break;
	case 10:
		m->tp_src = gen_tp(g);
		break;
	case 11:
		m->tp_dst = gen_tp(g);
		break;
	}
}

static struct fb_match pick_match(struct gen *g)
{
	struct fb_match m = {.wildcards = 0};

	if (g->keys_count && gen_percent(g, 85)) {
		m = g->keys[gen_below(g, g->keys_count)];
		if (gen_percent(g, 15))
			change_field(g, &m);
	} else {
		for (unsigned i = 0; i < 24; i++)
			change_field(g, &m);
	}
	m.wildcards = gen_percent(g, 3) ? (uint32_t)OFPFW_ALL : pick_wildcards(g);
	return m;
}

/* --- Flow-mods --- */

/* An entry like 'match' and 'priority' can be added so that no frame meets it and another of the
 * same priority. */
static bool is_clear(const struct fb_match *match, uint16_t priority)
{
	for (unsigned i = 0; i < used_count; i++) {
		if (used[i].priority == priority && !fb_match_equal(&used[i].match, match) &&
		    fb_match_overlaps(&used[i].match, match))
			return false;
	}
	return true;
}

/* Change the priority of 'fm', whose normalised match is 'match', until that is so. */
static void clear_priority(struct gen *g, struct fb_flow_mod *fm, const struct fb_match *match)
{
	if (fb_match_is_exact(match))
		return;
	while (fm->priority == UINT16_MAX || !is_clear(match, fm->priority))
		fm->priority = (uint16_t)rng_next(&g->rng);
}

static uint16_t pick_priority(struct gen *g)
{
	return PICK(
	        g, ((const uint16_t[]){0, 1, 10, 100, 100, 100, 1000, 32768, 32768, 65534, 65535}));
}

/* Match and priority of an entry that was there before, of one like it, or of a new one. With
 * 'adds' they are such as can be added. An exact entry outranks all others, whatever its priority;
 * to Open vSwitch this is 65535, so that no other entry gets that. */
static void pick_entry(struct gen *g, struct fb_flow_mod *fm, bool adds)
{
	struct fb_match match;

	if (used_count == USED_MAX || (used_count && gen_percent(g, adds ? 12 : 65))) {
		const struct used *u = &used[gen_below(g, used_count)];

		fm->match = u->raw;
		fm->priority = u->priority;
		if (gen_percent(g, 20))
			change_field(g, &fm->match);
	} else {
		fm->match = pick_match(g);
		fm->priority = pick_priority(g);
	}
	known_avoid(&fm->match);
	match = fm->match;
	fb_match_normalize(&match);
	if (adds)
		clear_priority(g, fm, &match);
}

static void pick_timeouts(struct gen *g, struct fb_flow_mod *fm)
{
	if (!g->times_out || gen_percent(g, 30))
		return;
	if (gen_percent(g, 60))
		fm->idle_timeout = (uint16_t)(1 + gen_below(g, 12));
	if (g->hard_timeouts && gen_percent(g, 60))
		fm->hard_timeout = (uint16_t)(1 + gen_below(g, 12));
	/* So that it is known when they have gone. */
	fm->flags |= OFPFF_SEND_FLOW_REM;
}

/* Make a well-formed flow-mod or packet-out wrong: an action's type, length or argument, a command,
 * a length. */
static void spoil_message(struct gen *g, struct step *step, size_t actions_ofs)
{
	uint8_t *action = step->bytes + actions_ofs;

	step->spoiled = true;

	if (step->len < actions_ofs + sizeof(struct ofp_action_header))
		return;
	switch (gen_below(g, 5)) {
	case 0:
		fb_set16(action, (uint16_t)(OFPAT_ENQUEUE + 1 + gen_below(g, 40)));
		break;
	case 1:
		fb_set16(action + 2, (uint16_t)gen_below(g, 40));
		break;
	case 2:
		action[4] ^= (uint8_t)(1 + gen_below(g, 255));
		break;
	case 3:
		action[5] ^= (uint8_t)(1 + gen_below(g, 255));
		break;
	case 4:
		if (step->bytes[1] == OFPT_FLOW_MOD)
			fb_set16(step->bytes + offsetof(struct ofp_flow_mod, command),
			         (uint16_t)(5 + gen_below(g, 300)));
		break;
	}
	if (fb_get16(action) == OFPAT_OUTPUT)
		fb_set16(action + 4, known_avoid_port(fb_get16(action + 4)));
}

/* An entry that is identical may be there. */
static bool was_used(const struct fb_flow_mod *fm)
{
	struct fb_match match = fm->match;

	fb_match_normalize(&match);
	for (unsigned i = 0; i < used_count; i++) {
		if (fb_match_equal(&used[i].match, &match) &&
		    (used[i].priority == fm->priority || fb_match_is_exact(&match)))
			return true;
	}
	return false;
}

/* The last word on an entry to be added, which is then remembered. */
static void settle_entry(struct gen *g, struct fb_flow_mod *fm)
{
	struct fb_match match = fm->match;

	if (fm->flags & OFPFF_CHECK_OVERLAP && was_used(fm)) {
		known_avoid_identical();
		fm->flags &= (uint16_t)~OFPFF_CHECK_OVERLAP;
	}
	fb_match_normalize(&match);
	if (!(fm->flags & OFPFF_CHECK_OVERLAP))
		clear_priority(g, fm, &match);
	if (used_count < USED_MAX)
		used[used_count++] = (struct used){fm->match, match, fm->priority};
}

static void add_flow_mod(struct gen *g, bool filling)
{
	static const uint16_t commands[] = {OFPFC_ADD,           OFPFC_ADD,    OFPFC_ADD,
	                                    OFPFC_MODIFY,        OFPFC_MODIFY, OFPFC_MODIFY_STRICT,
	                                    OFPFC_MODIFY_STRICT, OFPFC_DELETE, OFPFC_DELETE_STRICT,
	                                    OFPFC_DELETE_STRICT};
	uint8_t actions[ACTIONS_BYTES];
	struct fb_msg msg = {.type = OFPT_FLOW_MOD};
	struct fb_flow_mod *fm = &msg.flow_mod;
	bool adds;

	fm->command = filling && gen_percent(g, 95) ? (uint16_t)OFPFC_ADD : PICK(g, commands);
	if (g->hard_timeouts)
		fm->command = known_avoid_modify(fm->command);
	adds = fm->command < OFPFC_DELETE;
	fm->cookie = gen_percent(g, 30) ? 0 : rng_next(&g->rng) >> gen_below(g, 64);
	fm->buffer_id = OFP_NO_BUFFER;
	fm->out_port = gen_percent(g, 60) ? (uint16_t)OFPP_NONE : pick_out_port(g, false);
	if (gen_percent(g, 15))
		fm->flags |= OFPFF_CHECK_OVERLAP;
	if (gen_percent(g, 25))
		fm->flags |= OFPFF_SEND_FLOW_REM;
	pick_timeouts(g, fm);
	pick_entry(g, fm, adds);
	if (fm->flags & OFPFF_CHECK_OVERLAP && adds && used_count && gen_percent(g, 60)) {
		fm->priority = used[gen_below(g, used_count)].priority;
		fm->priority -= fm->priority == UINT16_MAX;
	}
	if (adds || gen_percent(g, 10))
		fm->actions = pick_actions(g, actions, false);
	if (adds && !(fm->flags & OFPFF_CHECK_OVERLAP) && gen_percent(g, 2))
		fm->buffer_id = gen_below(g, 1000);
	if (adds)
		settle_entry(g, fm);
	add_message(g, &msg);
	if (fm->buffer_id == OFP_NO_BUFFER && gen_percent(g, 4))
		spoil_message(g, &g->program->steps[g->program->count - 1],
		              sizeof(struct ofp_flow_mod));
}

/* --- Other messages --- */

static bool has_table(struct fb_view actions)
{
	struct fb_action a;
	size_t offset = 0;

	while (fb_action_next(actions.data, actions.len, &offset, &a)) {
		if (a.type == OFPAT_OUTPUT && a.output.port == OFPP_TABLE)
			return true;
	}
	return false;
}

static void add_packet_out(struct gen *g)
{
	uint8_t actions[ACTIONS_BYTES], frame[FRAME_BYTES];
	struct fb_buf buf = fb_buf_make(frame, sizeof frame);
	struct fb_msg msg = {.type = OFPT_PACKET_OUT};
	struct fb_packet_out *po = &msg.packet_out;

	gen_frame(g, &buf);
	if (g->learns)
		known_avoid_to_itself(frame);
	if (gen_percent(g, 3))
		buf.len = gen_below(g, FB_ETH_HEADER_BYTES);
	po->buffer_id = gen_percent(g, 97) ? OFP_NO_BUFFER : gen_below(g, 1000);
	po->in_port = gen_percent(g, 40) ? (uint16_t)OFPP_NONE : pick_port(g);
	po->actions = pick_actions(g, actions, true);
	po->data = (struct fb_view){frame, buf.len};
	add_message(g, &msg);
	if (buf.len >= FB_ETH_HEADER_BYTES && !has_table(po->actions) && gen_percent(g, 4))
		spoil_message(g, &g->program->steps[g->program->count - 1],
		              sizeof(struct ofp_packet_out));
}

static void add_request(struct gen *g, uint16_t type, bool all)
{
	struct fb_msg msg = {.type = OFPT_STATS_REQUEST, .stats_request.type = type};

	if (type == OFPST_FLOW || type == OFPST_AGGREGATE) {
		struct fb_flow_stats_request *flow = &msg.stats_request.flow;
		struct fb_flow_mod fm = {.flags = 0};

		pick_entry(g, &fm, false);
		flow->match = fm.match;
		flow->table_id = gen_percent(g, 20) ? 0 : 0xff;
		flow->out_port = gen_percent(g, 50) ? (uint16_t)OFPP_NONE : pick_out_port(g, false);
		if (all) {
			fb_match_any(&flow->match);
			flow->table_id = 0xff;
			flow->out_port = OFPP_NONE;
		}
	} else if (type == OFPST_PORT) {
		msg.stats_request.port_no = all ? (uint16_t)OFPP_NONE : pick_port(g);
	}
	add_message(g, &msg);
}

/* The end: what was asked for is told of each entry that is left. */
static void add_delete_all(struct gen *g)
{
	struct fb_msg msg = {.type = OFPT_FLOW_MOD};

	fb_match_any(&msg.flow_mod.match);
	msg.flow_mod.command = OFPFC_DELETE;
	msg.flow_mod.buffer_id = OFP_NO_BUFFER;
	msg.flow_mod.out_port = OFPP_NONE;
	add_message(g, &msg);
}

/* How fragments are treated. */
static void add_config(struct gen *g)
{
	struct fb_msg msg = {.type = OFPT_SET_CONFIG, .config.miss_send_len = 0xffff};

	msg.config.flags = gen_percent(g, 70) ? OFPC_FRAG_DROP : OFPC_FRAG_NORMAL;
	add_message(g, &msg);
}

/* Some seconds, one by one, and each a little more: so no entry's time comes just at the end of a
 * step, nor both of its timeouts in one step, the idle one first. */
static void add_warp(struct gen *g)
{
	for (uint32_t seconds = 1 + gen_below(g, 4); seconds > 0; seconds--)
		add_step(g, STEP_WARP, NULL, 0)->warp_ms = 1011;
}

/* --- Programs --- */

static void add_anything(struct gen *g)
{
	static const uint16_t types[] = {OFPST_FLOW, OFPST_AGGREGATE, OFPST_TABLE, OFPST_PORT};
	unsigned dice = gen_below(g, 100);

	if (dice < 30)
		add_flow_mod(g, false);
	else if (dice < 60)
		add_frame_again(g);
	else if (dice < 75)
		add_frame(g);
	else if (dice < 93)
		add_packet_out(g);
	else if (dice < 97)
		add_request(g, PICK(g, types), false);
	else if (dice < 98)
		add_config(g);
	else if (g->times_out)
		add_warp(g);
}

struct program *program_make(uint64_t seed)
{
	struct program *program = xcalloc(1, sizeof *program);
	struct gen g = {.program = program};
	unsigned frames, entries, more;

	rng_init(&g.rng, seed, "program");
	program->seed = seed;
	used_count = 0;
	g.learns = gen_percent(&g, 30);
	g.times_out = gen_percent(&g, 15);
	g.hard_timeouts = g.times_out && gen_percent(&g, 50);
	g.double_tags = gen_percent(&g, 50);
	program->learns = g.learns;
	frames = 8 + gen_below(&g, 25);
	entries = 1 + gen_below(&g, 25);
	more = gen_below(&g, 40);
	for (unsigned i = 0; i < frames / 2; i++)
		add_frame(&g); /* of which entries are made; so far no entry is there */
	for (unsigned i = 0; i < entries; i++)
		add_flow_mod(&g, true);
	for (unsigned i = 0; i < frames; i++)
		gen_percent(&g, 70) ? add_frame_again(&g) : add_frame(&g);
	for (unsigned i = 0; i < more; i++)
		add_anything(&g);
	add_request(&g, OFPST_FLOW, true);
	add_request(&g, OFPST_AGGREGATE, true);
	add_request(&g, OFPST_TABLE, true);
	add_request(&g, OFPST_PORT, true);
	add_delete_all(&g);
	return program;
}

void program_free(struct program *program)
{
	for (unsigned i = 0; i < program->count; i++)
		free(program->steps[i].bytes);
	free(program);
}
