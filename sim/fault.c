/* Faults as data and as text. See fault.h. */
#include "sim/fault.h"

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

bool fault_lasts(enum fault_kind kind)
{
	switch (kind) {
	case FAULT_LOSE:
	case FAULT_DUPLICATE:
	case FAULT_HOLD:
	case FAULT_CORRUPT:
	case FAULT_CONTROL_SPLIT:
	case FAULT_GRATUITOUS_ARP:
		return false;
	default:
		return true;
	}
}

bool fault_is_of_messages(enum fault_kind kind)
{
	return kind == FAULT_LOSE_PACKET_INS || kind == FAULT_SLOW_FLOW_MODS ||
	       kind == FAULT_CONTROL_REORDER;
}

struct fault fault_make(enum fault_kind kind)
{
	return (struct fault){.kind = kind, .count = 1};
}

void fault_text(const struct scenario *scenario, const struct fault *fault, struct fb_text *text)
{
	(void)scenario;
	fb_text_puts(text, fault_names[fault->kind]);
}
