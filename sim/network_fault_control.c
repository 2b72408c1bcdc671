/* Faults of control channels, switches and the controller. See network_private.h.
 *
 * Each place keeps the faults that are there now. When one begins or ends, what they want together
 * is reckoned anew from all of them and made so: delays add up, the lowest rate and the longest wait
 * count, and what one of them keeps down is down. So nothing depends on the order in which they come
 * and go. */
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "sim/network_private.h"

/* --- The faults of a place --- */

static void add(struct network_faults *faults, const struct fault *fault)
{
	if (faults->count == faults->size) {
		faults->size = faults->size ? 2 * faults->size : 4;
		faults->items = xrealloc(faults->items, faults->size * sizeof *faults->items);
	}
	faults->items[faults->count++] = (struct network_fault){fault, fault->count};
}

/* False: it never began. */
static bool take_away(struct network_faults *faults, const struct fault *fault)
{
	for (size_t i = 0; i < faults->count; i++) {
		if (faults->items[i].fault != fault)
			continue;
		faults->count--;
		for (; i < faults->count; i++)
			faults->items[i] = faults->items[i + 1];
		return true;
	}
	return false;
}

static void forget_all(struct network_faults *faults)
{
	free(faults->items);
	*faults = (struct network_faults){0};
}

/* --- What they want --- */

struct wishes {
	uint64_t delay_ns, jitter_ns;
	uint64_t rate; /* 0: any */
	uint64_t slow_ns, late_ns;
	bool stalled[2];
	bool cut, off, table_full, no_buffers, second;
	bool down, still; /* the controller */
};

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Splits, and packet-ins that get lost, are asked for where they come by. */
static void add_wish(struct wishes *wishes, const struct fault *fault)
{
	const bool both = fault->end == FAULT_BOTH_ENDS;

	switch (fault->kind) {
	case FAULT_CONTROL_DELAY:
		wishes->delay_ns = fb_time_after(wishes->delay_ns, fault->by_ns);
		wishes->jitter_ns = fb_time_after(wishes->jitter_ns, fault->impair.jitter_ns);
		break;
	case FAULT_CONTROL_CUT:
		wishes->cut = true;
		break;
	case FAULT_CONTROL_STALL:
		for (unsigned end = 0; end < 2; end++)
			wishes->stalled[end] |= both || fault->end == end;
		break;
	case FAULT_CONTROL_DRAIN:
		if (fault->rate && (!wishes->rate || fault->rate < wishes->rate))
			wishes->rate = fault->rate;
		break;
	case FAULT_CONTROL_REORDER:
		wishes->late_ns = larger(wishes->late_ns, fault->by_ns);
		break;
	case FAULT_SWITCH_RESTART:
		wishes->off = true;
		break;
	case FAULT_TABLE_FULL:
		wishes->table_full = true;
		break;
	case FAULT_SLOW_FLOW_MODS:
		wishes->slow_ns = larger(wishes->slow_ns, fault->by_ns);
		break;
	case FAULT_NO_BUFFERS:
		wishes->no_buffers = true;
		break;
	case FAULT_SECOND_CONTROLLER:
		wishes->second = true;
		break;
	case FAULT_CONTROLLER_RESTART:
		wishes->down = true;
		break;
	case FAULT_CONTROLLER_STALL:
		wishes->still = true;
		break;
	case FAULT_CONTROL_SPLIT:
	case FAULT_LOSE_PACKET_INS:
	case FAULT_LOSE:
	case FAULT_DUPLICATE:
	case FAULT_HOLD:
	case FAULT_CORRUPT:
	case FAULT_LINK_DOWN:
	case FAULT_FLAP:
	case FAULT_ONE_WAY:
	case FAULT_IMPAIR:
	case FAULT_HOST_DOWN:
	case FAULT_HOST_MOVE:
	case FAULT_WRONG_ADDRESS:
	case FAULT_GRATUITOUS_ARP:
	case FAULT_SYN_FLOOD:
	case FAULT_KINDS:
		break;
	}
}

static struct wishes all_wishes(const struct network_faults *faults)
{
	struct wishes wishes = {0};

	for (size_t i = 0; i < faults->count; i++)
		add_wish(&wishes, faults->items[i].fault);
	return wishes;
}

/* --- The second controller --- */

/* It is there for as long as a switch is with it. */
static void set_second(struct network_switch *sw, bool second)
{
	struct network *network = sw->network;

	if (second == sw->with_second || !network->scenario->controller.apps_count)
		return;
	if (second && !network->second_switches++)
		network_build_second(network);
	network_control_leave(sw, second, second);
	if (second || --network->second_switches)
		return;
	clock_cancel(&network->clock, &network->second_event);
	network_keep_counts(network, network->second);
	controller_free(network->second);
	network->second = NULL;
}

/* --- Making it so --- */

void network_fault_limits(struct network_switch *sw)
{
	const struct wishes wishes = all_wishes(&sw->faults);
	struct datapath *dp = agent_datapath(sw->agent);

	/* What the file says is there as the power comes, whatever is full. */
	if (sw->off)
		return;
	datapath_set_entries_max(dp, wishes.table_full ? 0 : UINT32_MAX);
	datapath_set_buffers_max(dp, wishes.no_buffers ? 0 : UINT32_MAX);
}

/* The channel, after the switch has turned to the controller that it is to be with. */
static void change_channel(struct network_switch *sw, const struct wishes *wishes)
{
	const bool still = sw->network->controller_stalled && !sw->with_second;

	channel_set_delay(sw->channel, wishes->delay_ns, wishes->jitter_ns);
	channel_set_rate(sw->channel, wishes->rate);
	channel_set_stalled(sw->channel, CHANNEL_CONTROLLER,
	                    wishes->stalled[CHANNEL_CONTROLLER] || still);
	channel_set_stalled(sw->channel, CHANNEL_SWITCH, wishes->stalled[CHANNEL_SWITCH]);
}

static void change_switch(struct network_switch *sw)
{
	const struct wishes wishes = all_wishes(&sw->faults);

	set_second(sw, wishes.second);
	change_channel(sw, &wishes);
	network_fault_messages_set(sw, wishes.slow_ns, wishes.late_ns);
	sw->fault_control_down = wishes.cut;
	network_apply_control(sw);
	sw->fault_off = wishes.off;
	network_apply_power(sw);
	network_fault_limits(sw);
}

/* One that goes on accepts connections, then hears what came on all of them, then sees what time it is. */
static void change_controller(struct network *network)
{
	const struct wishes wishes = all_wishes(&network->controller_faults);
	const bool goes_on = network->controller_stalled && !wishes.still;

	network->fault_controller_down = wishes.down;
	network_apply_controller(network);
	network->controller_stalled = wishes.still;
	if (goes_on) {
		network->resumed_ns = network->clock.now_ns;
		network_control_accept(network);
	}
	for (size_t i = 0; i < network->scenario->switches_count; i++) {
		struct network_switch *sw = &network->switches[i];
		const struct wishes of_switch = all_wishes(&sw->faults);

		change_channel(sw, &of_switch);
	}
	network_controller_called(network);
}

/* What waits for the bytes that come by. */
static void change_splits(struct network_switch *sw, const struct fault *fault, bool begins)
{
	if (!begins)
		channel_unsplit(sw->channel, fault);
	for (unsigned end = 0; begins && end < 2; end++)
		if (fault->end == end || fault->end == FAULT_BOTH_ENDS)
			channel_split(sw->channel, end, fault->skip, fault->byte, fault);
}

void network_fault_control(struct network *network, const struct fault *fault, bool begins)
{
	const bool at_switch = fault_place(fault->kind) == FAULT_AT_SWITCH;
	struct network_switch *sw = at_switch ? &network->switches[fault->place] : NULL;
	struct network_faults *faults = at_switch ? &sw->faults : &network->controller_faults;

	if (begins)
		add(faults, fault);
	else if (!take_away(faults, fault))
		return;
	if (fault->kind == FAULT_CONTROL_SPLIT)
		change_splits(sw, fault, begins);
	else if (at_switch)
		change_switch(sw);
	else
		change_controller(network);
}

void network_fault_control_free(struct network *network)
{
	forget_all(&network->controller_faults);
	for (size_t i = 0; i < network->scenario->switches_count; i++) {
		forget_all(&network->switches[i].faults);
		network_fault_messages_free(&network->switches[i]);
	}
}
