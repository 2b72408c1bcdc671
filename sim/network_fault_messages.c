/* Faults that concern messages: packet-ins that get lost, and what a switch takes its time with. See
 * network_private.h.
 *
 * What the switch hears may be held at two places, one behind the other.
 *
 * Shuffled: flow-mods and packet-outs take effect at a time of their own, up to 'late_ns' from now,
 * as a switch may do it between barriers (section 5.3.7). A barrier request waits for all that came
 * before it, and what comes behind it waits for the barrier. Other messages pass those that are
 * held, but no barrier; HELLO, echoes, FEATURES_REQUEST and errors pass whatever there is, since they
 * say nothing of what was done.
 *
 * Queued: a flow-mod takes 'slow_ns', and all that comes behind it waits, in order.
 *
 * When a fault ends, what it held goes on at once, from an event of the clock: nothing here calls a
 * core out of turn. The close of a connection waits for what came before it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/base/xalloc.h"
#include "sim/network_private.h"

enum { NAME_BYTES = 160 };

struct held {
	TAILQ_ENTRY(held) link;
	uint64_t due_ns; /* of shuffled ones */
	bool background; /* of discovery, or an echo */
	size_t len;
	uint8_t bytes[];
};

TAILQ_HEAD(held_list, held);

struct network_held {
	struct event shuffled_event, queued_event; /* the first of each goes on */
	struct network_switch *sw;
	struct held_list shuffled; /* by the time when they are due */
	struct held_list queued; /* in the order of arrival; the first is a flow-mod, or goes on */
	uint64_t slow_ns, late_ns;
	uint64_t floor_ns; /* nothing is shuffled to before it: the latest barrier */
	uint32_t barriers; /* among the shuffled */
	uint32_t foreground;
	size_t bytes;
	struct rng rng;
	const char *closed; /* the close that waits; NULL: none does */
};

static uint64_t larger_ns(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint8_t type_of(const uint8_t *msg)
{
	return msg[offsetof(struct ofp_header, type)];
}

/* --- The lists --- */

static void insert_by_time(struct held_list *list, struct held *held)
{
	struct held *before = TAILQ_LAST(list, held_list);

	while (before && before->due_ns > held->due_ns)
		before = TAILQ_PREV(before, held_list, link);
	if (before)
		TAILQ_INSERT_AFTER(list, before, held, link);
	else
		TAILQ_INSERT_HEAD(list, held, link);
}

static struct held *hold(struct network_held *h, const uint8_t *msg, size_t len, uint64_t due_ns)
{
	struct held *held = xmalloc(sizeof *held + len);

	held->due_ns = due_ns;
	held->background = lldp_is_message(msg, len) || lldp_is_echo(msg);
	held->len = len;
	memcpy(held->bytes, msg, len);
	h->foreground += !held->background;
	h->bytes += len;
	return held;
}

/* Take 'held' out of its list; the caller frees it. */
static void take_out(struct network_held *h, struct held_list *list, struct held *held)
{
	TAILQ_REMOVE(list, held, link);
	h->foreground -= !held->background;
	h->bytes -= held->len;
	if (list == &h->shuffled && type_of(held->bytes) == OFPT_BARRIER_REQUEST)
		h->barriers--;
}

/* The switch never does what it still held. */
static void drop(struct network_held *h, struct held_list *list, bool tell)
{
	struct held *held;

	while ((held = TAILQ_FIRST(list)) != NULL) {
		take_out(h, list, held);
		if (tell && type_of(held->bytes) == OFPT_FLOW_MOD)
			NETWORK_OBSERVE(h->sw->network, message_undone, h->sw->index, held->bytes,
			                held->len);
		free(held);
	}
}

static bool holds_any(const struct network_held *h)
{
	return h && (!TAILQ_EMPTY(&h->shuffled) || !TAILQ_EMPTY(&h->queued));
}

/* --- Queued --- */

/* The message waits behind a flow-mod, or is one that takes its time. */
static bool queue(struct network_held *h, const uint8_t *msg, size_t len)
{
	struct clock *clock = &h->sw->network->clock;
	const bool first = TAILQ_EMPTY(&h->queued);
	struct held *held;

	if (first && (!h->slow_ns || type_of(msg) != OFPT_FLOW_MOD))
		return false;
	held = hold(h, msg, len, 0);
	TAILQ_INSERT_TAIL(&h->queued, held, link);
	if (first)
		clock_set(clock, &h->queued_event, fb_time_after(clock->now_ns, h->slow_ns));
	return true;
}

/* The close that waited comes to its turn. */
static void close_at_last(struct network_held *h)
{
	const char *reason = h->closed;

	if (!reason || holds_any(h))
		return;
	h->closed = NULL;
	network_control_ended(h->sw, reason);
}

/* The connection may end with each of them: then there are none left. */
static void queued_fire(struct event *event)
{
	struct network_held *h =
	        (struct network_held *)(void *)((char *)event -
	                                        offsetof(struct network_held, queued_event));
	struct clock *clock = &h->sw->network->clock;
	struct held *held;

	while ((held = TAILQ_FIRST(&h->queued)) != NULL) {
		take_out(h, &h->queued, held);
		network_message_goes_on(h->sw, SWITCH_HEARS, held->bytes, held->len);
		free(held);
		held = TAILQ_FIRST(&h->queued);
		if (held && h->slow_ns && type_of(held->bytes) == OFPT_FLOW_MOD) {
			clock_set(clock, event, fb_time_after(clock->now_ns, h->slow_ns));
			return;
		}
	}
	close_at_last(h);
}

/* --- Shuffled --- */

static void wait_for_first(struct network_held *h)
{
	const struct held *held = TAILQ_FIRST(&h->shuffled);
	struct clock *clock = &h->sw->network->clock;

	if (held)
		clock_set(clock, &h->shuffled_event,
		          held->due_ns < clock->now_ns ? clock->now_ns : held->due_ns);
	else
		clock_cancel(clock, &h->shuffled_event);
}

static bool passes_always(uint8_t type)
{
	return type == OFPT_HELLO || type == OFPT_ECHO_REQUEST || type == OFPT_ECHO_REPLY ||
	       type == OFPT_FEATURES_REQUEST || type == OFPT_ERROR;
}

/* When a message of 'type' takes effect that came now, and is not to pass a barrier. */
static uint64_t due(struct network_held *h, uint8_t type)
{
	const struct held *last = TAILQ_LAST(&h->shuffled, held_list);
	uint64_t due_ns = h->sw->network->clock.now_ns;

	if (h->late_ns && (type == OFPT_FLOW_MOD || type == OFPT_PACKET_OUT))
		due_ns = fb_time_after(due_ns, rng_below(&h->rng, h->late_ns));
	else if (last && (type == OFPT_BARRIER_REQUEST || !h->late_ns))
		due_ns = larger_ns(due_ns, last->due_ns);
	return larger_ns(due_ns, h->floor_ns);
}

static bool shuffle(struct network_held *h, const uint8_t *msg, size_t len)
{
	const uint8_t type = type_of(msg);
	const bool is_held = type == OFPT_FLOW_MOD || type == OFPT_PACKET_OUT;
	const bool any = !TAILQ_EMPTY(&h->shuffled);
	uint64_t due_ns;

	if (passes_always(type) || (!any && (!h->late_ns || !is_held)))
		return false;
	if (!is_held && type != OFPT_BARRIER_REQUEST && !h->barriers)
		return false;
	due_ns = due(h, type);
	insert_by_time(&h->shuffled, hold(h, msg, len, due_ns));
	if (type == OFPT_BARRIER_REQUEST) {
		h->barriers++;
		h->floor_ns = due_ns;
	}
	wait_for_first(h);
	return true;
}

static void shuffled_fire(struct event *event)
{
	struct network_held *h = (struct network_held *)(void *)event;
	const uint64_t now_ns = h->sw->network->clock.now_ns;
	struct held *held;

	_Static_assert(offsetof(struct network_held, shuffled_event) == 0, "begins with its event");
	while ((held = TAILQ_FIRST(&h->shuffled)) != NULL && held->due_ns <= now_ns) {
		take_out(h, &h->shuffled, held);
		if (!queue(h, held->bytes, held->len))
			network_message_goes_on(h->sw, SWITCH_HEARS, held->bytes, held->len);
		free(held);
	}
	wait_for_first(h);
	close_at_last(h);
}

/* --- Packet-ins that get lost --- */

/* A fault wants this packet-in. */
static bool is_to_be_lost(struct network_switch *sw)
{
	for (size_t i = 0; i < sw->faults.count; i++) {
		struct network_fault *at = &sw->faults.items[i];

		if (at->fault->kind != FAULT_LOSE_PACKET_INS)
			continue;
		if (at->fault->for_ns)
			return true;
		if (at->left) {
			at->left--;
			return true;
		}
	}
	return false;
}

/* The switch has counted it, of discovery or not. */
static bool lose(struct network_switch *sw, const uint8_t *msg, size_t len)
{
	if (type_of(msg) != OFPT_PACKET_IN || !is_to_be_lost(sw))
		return false;
	sw->lldp_packet_ins += lldp_is_message(msg, len);
	NETWORK_OBSERVE(sw->network, message_lost, sw->index, msg, len);
	return true;
}

/* --- What others call --- */

static void make(struct network_switch *sw)
{
	const struct scenario_switch *from = &sw->network->scenario->switches[sw->index];
	struct network_held *h = xcalloc(1, sizeof *h);
	char name[NAME_BYTES];

	snprintf(name, sizeof name, "late messages of %s", from->name);
	rng_init(&h->rng, sw->network->seed, name);
	h->shuffled_event.fire = shuffled_fire;
	h->queued_event.fire = queued_fire;
	h->sw = sw;
	TAILQ_INIT(&h->shuffled);
	TAILQ_INIT(&h->queued);
	sw->held = h;
}

/* There is no room for 'len' bytes more: the connection breaks. */
static bool is_too_much(struct network_switch *sw, size_t len)
{
	if (!holds_any(sw->held) || sw->held->bytes + len <= CHANNEL_BYTES_MAX)
		return false;
	sw->network->counters.held_broken++;
	network_fault_messages_forget(sw);
	channel_break(sw->channel, "too many messages wait at the switch");
	return true;
}

bool network_fault_message(struct network_switch *sw, enum mutation_point point, const uint8_t *msg,
                           size_t len)
{
	struct network_held *h = sw->held;

	if (point == SWITCH_SAYS)
		return sw->faults.count && lose(sw, msg, len);
	if (point != SWITCH_HEARS || !h || !sw->conn)
		return false;
	return is_too_much(sw, len) || shuffle(h, msg, len) || queue(h, msg, len);
}

void network_fault_messages_set(struct network_switch *sw, uint64_t slow_ns, uint64_t late_ns)
{
	struct clock *clock = &sw->network->clock;
	struct network_held *h;
	struct held *held;

	if (!sw->held && !slow_ns && !late_ns)
		return;
	if (!sw->held)
		make(sw);
	h = sw->held;
	if (h->late_ns && !late_ns) {
		TAILQ_FOREACH(held, &h->shuffled, link)
		held->due_ns = clock->now_ns;
		h->floor_ns = clock->now_ns;
		wait_for_first(h);
	}
	if (h->slow_ns && !slow_ns && !TAILQ_EMPTY(&h->queued))
		clock_set(clock, &h->queued_event, clock->now_ns);
	h->slow_ns = slow_ns;
	h->late_ns = late_ns;
}

bool network_fault_holds(const struct network_switch *sw)
{
	return sw->held && (sw->held->foreground || sw->held->closed);
}

bool network_fault_holds_close(struct network_switch *sw, const char *reason)
{
	if (!holds_any(sw->held))
		return false;
	sw->held->closed = reason;
	return true;
}

/* Each of the list goes on; the connection may end with one of them, then there are none left. */
static void finish(struct network_held *h, struct held_list *list)
{
	struct held *held;

	while ((held = TAILQ_FIRST(list)) != NULL) {
		take_out(h, list, held);
		network_message_goes_on(h->sw, SWITCH_HEARS, held->bytes, held->len);
		free(held);
	}
}

void network_fault_messages_finish(struct network_switch *sw)
{
	if (!sw->held)
		return;
	finish(sw->held, &sw->held->queued);
	finish(sw->held, &sw->held->shuffled);
	network_fault_messages_forget(sw);
}

static void forget(struct network_switch *sw, bool tell)
{
	struct network_held *h = sw->held;

	if (!h)
		return;
	drop(h, &h->queued, tell);
	drop(h, &h->shuffled, tell);
	clock_cancel(&sw->network->clock, &h->shuffled_event);
	clock_cancel(&sw->network->clock, &h->queued_event);
	h->floor_ns = 0;
	h->closed = NULL;
}

void network_fault_messages_forget(struct network_switch *sw)
{
	forget(sw, true);
}

void network_fault_messages_free(struct network_switch *sw)
{
	forget(sw, false);
	free(sw->held);
	sw->held = NULL;
}
