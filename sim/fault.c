/* Faults as data and as text. See fault.h.
 *
 * What may be said of a kind is in one table, KEYS below: the loader reads by it, fault_text() writes
 * by it and faults.c draws by it, so that none of them knows a key that the others do not. */
#include "sim/fault.h"

#include <stddef.h>
#include <string.h>

#include "sim/channel.h"
#include "sim/scenario.h"

const char *const fault_names[FAULT_KINDS + 1] = {
        [FAULT_LOSE] = "lose",
        [FAULT_DUPLICATE] = "duplicate",
        [FAULT_HOLD] = "hold",
        [FAULT_CORRUPT] = "corrupt",
        [FAULT_LINK_DOWN] = "link_down",
        [FAULT_FLAP] = "flap",
        [FAULT_ONE_WAY] = "one_way",
        [FAULT_IMPAIR] = "impair",
        [FAULT_CONTROL_DELAY] = "control_delay",
        [FAULT_CONTROL_CUT] = "control_cut",
        [FAULT_CONTROL_STALL] = "control_stall",
        [FAULT_CONTROL_DRAIN] = "control_drain",
        [FAULT_CONTROL_SPLIT] = "control_split",
        [FAULT_CONTROL_REORDER] = "control_reorder",
        [FAULT_SWITCH_RESTART] = "switch_restart",
        [FAULT_TABLE_FULL] = "table_full",
        [FAULT_SLOW_FLOW_MODS] = "slow_flow_mods",
        [FAULT_NO_BUFFERS] = "no_buffers",
        [FAULT_LOSE_PACKET_INS] = "lose_packet_ins",
        [FAULT_CONTROLLER_RESTART] = "controller_restart",
        [FAULT_CONTROLLER_STALL] = "controller_stall",
        [FAULT_SECOND_CONTROLLER] = "second_controller",
        [FAULT_HOST_DOWN] = "host_down",
        [FAULT_HOST_MOVE] = "host_move",
        [FAULT_WRONG_ADDRESS] = "wrong_address",
        [FAULT_GRATUITOUS_ARP] = "gratuitous_arp",
        [FAULT_SYN_FLOOD] = "syn_flood",
};

enum fault_place fault_place(enum fault_kind kind)
{
	if (kind <= FAULT_IMPAIR)
		return FAULT_AT_LINK;
	if (kind <= FAULT_LOSE_PACKET_INS || kind == FAULT_SECOND_CONTROLLER)
		return FAULT_AT_SWITCH;
	return kind >= FAULT_HOST_DOWN ? FAULT_AT_HOST : FAULT_AT_CONTROLLER;
}

bool fault_is_of_messages(enum fault_kind kind)
{
	return kind == FAULT_LOSE_PACKET_INS || kind == FAULT_SLOW_FLOW_MODS ||
	       kind == FAULT_CONTROL_REORDER;
}

/* --- The table of keys --- */

#define US     FB_NS_PER_US
#define MS     FB_NS_PER_MS
#define HOUR   (3600 * FB_NS_PER_S)
#define SHOWN  FAULT_KEY_SHOWN
#define NEEDED FAULT_KEY_REQUIRED

#define MEMBER(member) offsetof(struct fault, member), sizeof(((struct fault *)NULL)->member)
#define LINK                                                                                       \
	{                                                                                          \
		"link", FAULT_VALUE_LINK, NEEDED, MEMBER(place), 0, 0, 0, 0, 0, 0                  \
	}
#define SWITCH                                                                                     \
	{                                                                                          \
		"switch", FAULT_VALUE_SWITCH, NEEDED, MEMBER(place), 0, 0, 0, 0, 0, 0              \
	}
#define HOST                                                                                       \
	{                                                                                          \
		"host", FAULT_VALUE_HOST, NEEDED, MEMBER(place), 0, 0, 0, 0, 0, 0                  \
	}
#define FROM                                                                                       \
	{                                                                                          \
		"from", FAULT_VALUE_END, NEEDED, MEMBER(end), 0, 0, 0, 0, 1, 1                     \
	}
#define SKIP                                                                                       \
	{                                                                                          \
		"skip", FAULT_VALUE_NUMBER, 0, MEMBER(skip), 0, 0, 1000000, 0, 3, 1                \
	}
#define FRAMES                                                                                     \
	{                                                                                          \
		"frames", FAULT_VALUE_NUMBER, 0, MEMBER(count), 1, 1, 1000000, 1, 2, 1             \
	}
/* How long, when nothing is said, and when it is drawn. */
#define FOR(standard, draw_min, draw_max)                                                          \
	{                                                                                          \
		"for", FAULT_VALUE_DURATION, SHOWN, MEMBER(for_ns), standard, 1,                   \
		        SCENARIO_TIME_NS_MAX, draw_min, draw_max, (draw_min) / 10                  \
	}
#define TIME(name, member, standard, min, draw_min, draw_max)                                      \
	{                                                                                          \
		name, FAULT_VALUE_DURATION, SHOWN, MEMBER(member), standard, min, HOUR, draw_min,  \
		        draw_max, (draw_min) / 10                                                  \
	}
#define COUNT(name, member, standard, min, max, draw_min, draw_max)                                \
	{                                                                                          \
		name, FAULT_VALUE_NUMBER, SHOWN, MEMBER(member), standard, min, max, draw_min,     \
		        draw_max, 1                                                                \
	}
#define JITTER                                                                                     \
	{                                                                                          \
		"jitter", FAULT_VALUE_DURATION, 0, MEMBER(impair.jitter_ns), 0, 0, HOUR, 0,        \
		        20 * MS, MS                                                                \
	}
/* What IMPAIR changes, or keeps. */
#define CHANGED(name, value, member, min, max, draw_min, draw_max, step)                           \
	{                                                                                          \
		name, value, 0, MEMBER(impair.member), FAULT_KEPT, min, max, draw_min, draw_max,   \
		        step                                                                       \
	}
#define END                                                                                        \
	{                                                                                          \
		NULL, FAULT_VALUE_LINK, 0, 0, 0, 0, 0, 0, 0, 0, 0                                  \
	}

static const struct fault_key lose_keys[] = {LINK, FROM, SKIP, FRAMES, END};
static const struct fault_key hold_keys[] = {
        LINK, FROM, SKIP, FRAMES, TIME("by", by_ns, MS, 1, 100 * US, 20 * MS), END};
static const struct fault_key corrupt_keys[] = {LINK,
                                                FROM,
                                                SKIP,
                                                FRAMES,
                                                COUNT("byte", byte, 54, 0, 65535, 0, 1517),
                                                COUNT("flip", flip, 1, 1, 255, 1, 255),
                                                END};
static const struct fault_key link_down_keys[] = {LINK, FOR(500 * MS, 10 * MS, 500 * MS), END};
static const struct fault_key flap_keys[] = {LINK, COUNT("times", count, 3, 1, 1000, 2, 5),
                                             TIME("every", by_ns, 50 * MS, 2, MS, 100 * MS), END};
static const struct fault_key one_way_keys[] = {LINK, FROM, FOR(500 * MS, 10 * MS, 500 * MS), END};
static const struct fault_key impair_keys[] = {
        LINK,
        {"from", FAULT_VALUE_END, 0, MEMBER(end), FAULT_BOTH_ENDS, 0, 0, 0, 2, 1},
        FOR(FB_NS_PER_S, 50 * MS, FB_NS_PER_S),
        CHANGED("delay", FAULT_VALUE_DURATION, delay_ns, 0, HOUR, 100 * US, 5 * MS, 100 * US),
        CHANGED("jitter", FAULT_VALUE_DURATION, jitter_ns, 0, HOUR, 100 * US, 5 * MS, 100 * US),
        CHANGED("loss", FAULT_VALUE_SHARE, loss_ppm, 0, 1000000, 10000, 300000, 1000),
        CHANGED("duplicate", FAULT_VALUE_SHARE, duplicate_ppm, 0, 1000000, 10000, 300000, 1000),
        CHANGED("reorder", FAULT_VALUE_SHARE, reorder_ppm, 0, 1000000, 10000, 300000, 1000),
        CHANGED("reorder_delay", FAULT_VALUE_DURATION, reorder_delay_ns, 1, HOUR, 100 * US, 5 * MS,
                100 * US),
        CHANGED("corrupt", FAULT_VALUE_SHARE, corrupt_ppm, 0, 1000000, 10000, 200000, 1000),
        CHANGED("rate", FAULT_VALUE_BITS, rate_bps, 1000, 1000000000000, 100000, 100000000, 100000),
        CHANGED("queue", FAULT_VALUE_BYTES, queue_bytes, 1518, UINT64_C(1) << 40, 2000, 100000,
                1000),
        END};

static const struct fault_key control_delay_keys[] = {
        SWITCH, TIME("by", by_ns, 10 * MS, 1, 100 * US, 50 * MS), JITTER,
        FOR(FB_NS_PER_S, 50 * MS, FB_NS_PER_S), END};
static const struct fault_key control_cut_keys[] = {SWITCH, FOR(200 * MS, MS, 500 * MS), END};
static const struct fault_key control_stall_keys[] = {
        SWITCH,
        {"to", FAULT_VALUE_TO, 0, MEMBER(end), FAULT_BOTH_ENDS, 0, 0, 0, 2, 1},
        FOR(200 * MS, 10 * MS, 500 * MS),
        END};
static const struct fault_key control_drain_keys[] = {SWITCH,
                                                      {"rate", FAULT_VALUE_BYTE_RATE, SHOWN,
                                                       MEMBER(rate), 10000, 1, 1000000000000, 2000,
                                                       200000, 1000},
                                                      FOR(FB_NS_PER_S, 50 * MS, FB_NS_PER_S),
                                                      END};
static const struct fault_key control_split_keys[] = {
        SWITCH,
        {"to", FAULT_VALUE_TO, NEEDED, MEMBER(end), 0, 0, 0, 0, 1, 1},
        COUNT("bytes", byte, 1, 0, UINT32_MAX, 0, 199),
        SKIP,
        END};
static const struct fault_key control_reorder_keys[] = {
        SWITCH, TIME("late", by_ns, 5 * MS, 1, MS, 20 * MS), FOR(FB_NS_PER_S, 50 * MS, FB_NS_PER_S),
        END};

static const struct fault_key switch_restart_keys[] = {SWITCH, FOR(200 * MS, MS, 500 * MS), END};
static const struct fault_key switch_keys[] = {SWITCH, FOR(500 * MS, 10 * MS, 500 * MS), END};
static const struct fault_key slow_flow_mods_keys[] = {
        SWITCH, TIME("each", by_ns, MS, 1, 100 * US, 20 * MS), FOR(500 * MS, 10 * MS, 500 * MS),
        END};
static const struct fault_key lose_packet_ins_keys[] = {
        SWITCH,
        {"messages", FAULT_VALUE_NUMBER, 0, MEMBER(count), 1, 1, 1000000, 1, 3, 1},
        {"for", FAULT_VALUE_DURATION, 0, MEMBER(for_ns), 0, 1, SCENARIO_TIME_NS_MAX, 0, 0, 0},
        END};

static const struct fault_key controller_keys[] = {FOR(200 * MS, 10 * MS, 500 * MS), END};
static const struct fault_key second_controller_keys[] = {
        SWITCH, FOR(FB_NS_PER_S, 50 * MS, FB_NS_PER_S), END};

static const struct fault_key host_down_keys[] = {HOST, FOR(FB_NS_PER_S, 50 * MS, FB_NS_PER_S),
                                                  END};
static const struct fault_key host_move_keys[] = {
        HOST,
        {"to", FAULT_VALUE_PORT, NEEDED, MEMBER(port), 0, 0, 0, 0, 0, 1},
        FOR(FB_NS_PER_S, 50 * MS, FB_NS_PER_S),
        {"announce", FAULT_VALUE_BOOL, 0, MEMBER(announce), 0, 0, 1, 0, 1, 1},
        END};
static const struct fault_key wrong_address_keys[] = {
        HOST,
        {"ip", FAULT_VALUE_IP, NEEDED, MEMBER(ip), 0, 0, 0, 0, 0, 1},
        FOR(500 * MS, 10 * MS, 500 * MS),
        END};
static const struct fault_key gratuitous_arp_keys[] = {HOST, END};
static const struct fault_key syn_flood_keys[] = {
        HOST,
        {"to", FAULT_VALUE_TARGET, NEEDED, MEMBER(ip), 0, 0, 0, 0, 0, 1},
        COUNT("count", count, 100, 1, 1000000, 10, 100),
        TIME("every", by_ns, MS, 1, 100 * US, 2 * MS),
        END};

static const struct fault_key *const keys_of[FAULT_KINDS] = {
        [FAULT_LOSE] = lose_keys,
        [FAULT_DUPLICATE] = lose_keys,
        [FAULT_HOLD] = hold_keys,
        [FAULT_CORRUPT] = corrupt_keys,
        [FAULT_LINK_DOWN] = link_down_keys,
        [FAULT_FLAP] = flap_keys,
        [FAULT_ONE_WAY] = one_way_keys,
        [FAULT_IMPAIR] = impair_keys,
        [FAULT_CONTROL_DELAY] = control_delay_keys,
        [FAULT_CONTROL_CUT] = control_cut_keys,
        [FAULT_CONTROL_STALL] = control_stall_keys,
        [FAULT_CONTROL_DRAIN] = control_drain_keys,
        [FAULT_CONTROL_SPLIT] = control_split_keys,
        [FAULT_CONTROL_REORDER] = control_reorder_keys,
        [FAULT_SWITCH_RESTART] = switch_restart_keys,
        [FAULT_TABLE_FULL] = switch_keys,
        [FAULT_SLOW_FLOW_MODS] = slow_flow_mods_keys,
        [FAULT_NO_BUFFERS] = switch_keys,
        [FAULT_LOSE_PACKET_INS] = lose_packet_ins_keys,
        [FAULT_CONTROLLER_RESTART] = controller_keys,
        [FAULT_CONTROLLER_STALL] = controller_keys,
        [FAULT_SECOND_CONTROLLER] = second_controller_keys,
        [FAULT_HOST_DOWN] = host_down_keys,
        [FAULT_HOST_MOVE] = host_move_keys,
        [FAULT_WRONG_ADDRESS] = wrong_address_keys,
        [FAULT_GRATUITOUS_ARP] = gratuitous_arp_keys,
        [FAULT_SYN_FLOOD] = syn_flood_keys,
};

const struct fault_key *fault_keys(enum fault_kind kind)
{
	return keys_of[kind];
}

uint64_t fault_get(const struct fault *fault, const struct fault_key *key)
{
	const char *member = (const char *)fault + key->offset;
	uint64_t value = 0;
	uint32_t value32;
	uint16_t value16;

	switch (key->bytes) {
	case sizeof value:
		memcpy(&value, member, sizeof value);
		return value;
	case sizeof value32:
		memcpy(&value32, member, sizeof value32);
		return value32;
	case sizeof value16:
		memcpy(&value16, member, sizeof value16);
		return value16;
	default:
		return *(const uint8_t *)member;
	}
}

void fault_set(struct fault *fault, const struct fault_key *key, uint64_t value)
{
	char *member = (char *)fault + key->offset;
	const uint32_t value32 = (uint32_t)value;
	const uint16_t value16 = (uint16_t)value;
	const uint8_t value8 = (uint8_t)value;

	_Static_assert(sizeof(unsigned) == sizeof(uint32_t) && sizeof(bool) == 1,
	               "members are of the sizes that are looked for");
	switch (key->bytes) {
	case sizeof value:
		memcpy(member, &value, sizeof value);
		break;
	case sizeof value32:
		memcpy(member, &value32, sizeof value32);
		break;
	case sizeof value16:
		memcpy(member, &value16, sizeof value16);
		break;
	default:
		memcpy(member, &value8, sizeof value8);
		break;
	}
}

bool fault_lasts(enum fault_kind kind)
{
	for (const struct fault_key *key = fault_keys(kind); key->name; key++)
		if (!strcmp(key->name, "for"))
			return true;
	return false;
}

void fault_set_duration(struct fault *fault)
{
	if (fault->kind == FAULT_FLAP || fault->kind == FAULT_SYN_FLOOD)
		fault->for_ns = fault->count * fault->by_ns;
}

struct fault fault_make(enum fault_kind kind)
{
	struct fault fault = {.kind = kind, .count = 1};

	for (const struct fault_key *key = fault_keys(kind); key->name; key++)
		fault_set(&fault, key, key->standard);
	fault_set_duration(&fault);
	return fault;
}

/* --- Text --- */

/* 'value' / 'scale' with the decimals that it needs. */
static void decimal_text(struct fb_text *text, uint64_t value, uint64_t scale)
{
	uint64_t rest = value % scale;

	fb_text_printf(text, "%llu", (unsigned long long)(value / scale));
	if (rest)
		fb_text_puts(text, ".");
	for (; rest; rest %= scale) {
		scale /= 10;
		fb_text_printf(text, "%llu", (unsigned long long)(rest / scale));
	}
}

void fault_time_text(struct fb_text *text, uint64_t ns)
{
	if (ns >= FB_NS_PER_S || !ns) {
		decimal_text(text, ns, FB_NS_PER_S);
		fb_text_puts(text, "s");
	} else if (ns >= FB_NS_PER_MS) {
		decimal_text(text, ns, FB_NS_PER_MS);
		fb_text_puts(text, "ms");
	} else if (ns >= FB_NS_PER_US) {
		decimal_text(text, ns, FB_NS_PER_US);
		fb_text_puts(text, "us");
	} else {
		fb_text_printf(text, "%lluns", (unsigned long long)ns);
	}
}

/* In the largest of 'units' that shows it whole. */
static void unit_text(struct fb_text *text, uint64_t value, const char *const units[4])
{
	unsigned unit = 0;

	while (unit < 3 && value && !(value % 1000)) {
		value /= 1000;
		unit++;
	}
	fb_text_printf(text, "%llu%s", (unsigned long long)value, units[unit]);
}

static void share_text(struct fb_text *text, uint64_t ppm)
{
	if (ppm % 100) {
		fb_text_printf(text, "%lluppm", (unsigned long long)ppm);
	} else {
		decimal_text(text, ppm, 10000);
		fb_text_puts(text, "%");
	}
}

static void end_text(const struct scenario *scenario, const struct fault *fault,
                     struct fb_text *text)
{
	const struct scenario_end *end = &scenario->links[fault->place].ends[fault->end];

	fb_text_puts(text, end->is_switch ? scenario->switches[end->index].name
	                                  : scenario->hosts[end->index].name);
}

static void value_text(const struct scenario *scenario, const struct fault *fault,
                       const struct fault_key *key, struct fb_text *text)
{
	static const char *const bits[] = {"bit", "kbit", "Mbit", "Gbit"};
	static const char *const bytes[] = {"B", "kB", "MB", "GB"};
	static const char *const to[] = {
	        [CHANNEL_CONTROLLER] = "controller", [CHANNEL_SWITCH] = "switch", "both"};
	const uint64_t value = fault_get(fault, key);

	switch (key->value) {
	case FAULT_VALUE_LINK:
		fb_text_printf(text, "\"%s\"", scenario->links[fault->place].name);
		break;
	case FAULT_VALUE_SWITCH:
		fb_text_puts(text, scenario->switches[fault->place].name);
		break;
	case FAULT_VALUE_HOST:
		fb_text_puts(text, scenario->hosts[fault->place].name);
		break;
	case FAULT_VALUE_END:
		end_text(scenario, fault, text);
		break;
	case FAULT_VALUE_TO:
		fb_text_puts(text, to[fault->end]);
		break;
	case FAULT_VALUE_PORT:
		fb_text_printf(text, "%s:%u", scenario->switches[fault->sw].name, fault->port);
		break;
	case FAULT_VALUE_TARGET:
		fb_text_ip(text, fault->ip);
		fb_text_printf(text, ":%u", fault->port);
		break;
	case FAULT_VALUE_IP:
		fb_text_ip(text, fault->ip);
		break;
	case FAULT_VALUE_DURATION:
		fault_time_text(text, value);
		break;
	case FAULT_VALUE_NUMBER:
		fb_text_printf(text, "%llu", (unsigned long long)value);
		break;
	case FAULT_VALUE_SHARE:
		share_text(text, value);
		break;
	case FAULT_VALUE_BITS:
		unit_text(text, value, bits);
		break;
	case FAULT_VALUE_BYTES:
		unit_text(text, value, bytes);
		break;
	case FAULT_VALUE_BYTE_RATE:
		unit_text(text, value, bytes);
		fb_text_puts(text, "/s");
		break;
	case FAULT_VALUE_BOOL:
		fb_text_puts(text, value ? "yes" : "no");
		break;
	}
}

/* Those that a file would say: not what holds without it. Messages are counted only where no time
 * is said. */
static bool is_said(const struct fault *fault, const struct fault_key *key)
{
	if (fault->kind == FAULT_LOSE_PACKET_INS && !strcmp(key->name, "messages") && fault->for_ns)
		return false;
	return key->flags || fault_get(fault, key) != key->standard;
}

void fault_text(const struct scenario *scenario, const struct fault *fault, struct fb_text *text)
{
	const char *before = "";

	fb_text_printf(text, "%s: {", fault_names[fault->kind]);
	for (const struct fault_key *key = fault_keys(fault->kind); key->name; key++) {
		if (!is_said(fault, key))
			continue;
		fb_text_printf(text, "%s%s: ", before, key->name);
		value_text(scenario, fault, key, text);
		before = ", ";
	}
	fb_text_puts(text, "}");
}

void fault_item_text(const struct scenario *scenario, const struct fault *fault,
                     struct fb_text *text)
{
	fb_text_puts(text, "{at: ");
	fault_time_text(text, fault->time_ns);
	fb_text_puts(text, ", ");
	fault_text(scenario, fault, text);
	fb_text_puts(text, "}");
}
