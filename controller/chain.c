/* Events on their way through the applications.
 *
 * Packet-ins go through the chain as an array: each application sees all elements that no earlier
 * one stopped, so that it can work on them as a batch. What is sent meanwhile is recorded with its
 * cause and put into the order of packet-ins at the end (output.h), so that neither the bytes on
 * any connection nor what one application sees depend on how long the array was. All other events
 * pass one at a time. */
#include <assert.h>

#include "controller/core.h"

#include <flowbed/table.h>

_Static_assert((int)PACKET_INS_MAX <= (int)OUTPUT_PLACES_MAX,
               "an output has a place for each element");
_Static_assert(APPS_MAX < 1 << (32 - XID_COUNT_BITS), "an xid has room for each application");

/* --- Packet-ins --- */

static bool listens(const struct fb_app *app, enum chain_audience audience)
{
	switch (audience) {
	case CHAIN_ALL:
		return app->cls->packet_in;
	case CHAIN_LLDP:
		return app->cls->packet_in && app->cls->wants_lldp;
	case CHAIN_NOBODY:
		break;
	}
	return false;
}

/* Close the gaps of those elements that were stopped, up to the first that is to come again;
 * returns how many are left. '*handled': all of these, stopped or not. */
static uint32_t drop_stopped(struct fb_packet_in *packet_ins, uint32_t count, uint32_t *handled)
{
	uint32_t left = 0, i;

	for (i = 0; i < count && packet_ins[i].verdict != FB_LATER; i++) {
		if (packet_ins[i].verdict == FB_STOP)
			continue;
		if (left != i)
			packet_ins[left] = packet_ins[i];
		left++;
	}
	*handled = i;
	return left;
}

/* Nobody wanted these: their buffers are given back. */
static void drop_rest(struct controller *ctl, struct fb_switch *sw,
                      const struct fb_packet_in *packet_ins, uint32_t count,
                      enum chain_audience audience)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct fb_packet_in *pi = &packet_ins[i];

		session_drop_buffer(sw->session, pi->buffer_id, pi->in_port,
		                    pi->order - ctl->array_order);
	}
	switch (audience) {
	case CHAIN_ALL:
		ctl->counters.packet_ins_unhandled += count;
		break;
	case CHAIN_LLDP:
		ctl->counters.lldp_ignored += count;
		break;
	case CHAIN_NOBODY:
		ctl->counters.packet_ins_short += count;
		break;
	}
}

/* The array is done: everything that it led to takes its final place. */
static void settle(struct controller *ctl)
{
	struct session *session;

	while ((session = TAILQ_FIRST(&ctl->staged))) {
		TAILQ_REMOVE(&ctl->staged, session, staged_link);
		output_settle(&session->output, ctl->array_count, &ctl->outputs);
	}
	ctl->array_count = 0;
	ctl->place = 0;
	controller_flush_much(ctl);
}

/* Hand 'count' elements of the array to the applications from the place 'first' on. Where one wants
 * some of them later, those before go all the way first. */
static void hand_down(struct controller *ctl, struct fb_switch *sw, unsigned first,
                      struct fb_packet_in *packet_ins, uint32_t count,
                      enum chain_audience audience, uint64_t now_ns)
{
	for (unsigned i = first; i < ctl->apps_count && count > 0;) {
		struct fb_app *app = ctl->apps[i++];
		uint32_t left, handled;

		if (!listens(app, audience))
			continue;
		ctl->place = packet_ins[0].order - ctl->array_order;
		app->cls->packet_in(app->state, sw, packet_ins, count, now_ns);
		left = drop_stopped(packet_ins, count, &handled);
		if (handled == count) {
			count = left;
			continue;
		}
		assert(handled > 0);
		hand_down(ctl, sw, i, packet_ins, left, audience, now_ns);
		packet_ins += handled;
		count -= handled;
		packet_ins[0].verdict = FB_CONTINUE;
		i--;
	}
	if (count > 0)
		drop_rest(ctl, sw, packet_ins, count, audience);
}

/* Hand the first 'count' of ctl->packet_ins to the applications from the place 'first' on. */
static void hand_over(struct controller *ctl, struct fb_switch *sw, unsigned first, uint32_t count,
                      enum chain_audience audience, uint64_t now_ns)
{
	ctl->array_count = count;
	ctl->array_order = ctl->packet_ins[0].order;
	hand_down(ctl, sw, first, ctl->packet_ins, count, audience, now_ns);
	settle(ctl);
}

void chain_packet_ins(struct controller *ctl, struct fb_switch *sw, uint32_t count,
                      enum chain_audience audience, uint64_t now_ns)
{
	hand_over(ctl, sw, 0, count, audience, now_ns);
}

void chain_redeliver(struct controller *ctl, const struct fb_app *app, struct fb_switch *sw,
                     const struct fb_packet_in *pi, uint64_t now_ns)
{
	assert(ctl->array_count == 0);
	ctl->packet_ins[0] = *pi;
	ctl->packet_ins[0].verdict = FB_CONTINUE;
	hand_over(ctl, sw, app->index + 1, 1, CHAIN_ALL, now_ns);
}

/* --- One at a time --- */

void chain_switch_up(struct controller *ctl, struct fb_switch *sw, uint64_t now_ns)
{
	for (unsigned i = 0; i < ctl->apps_count; i++) {
		struct fb_app *app = ctl->apps[i];

		if (app->cls->switch_up)
			app->cls->switch_up(app->state, sw, now_ns);
	}
}

void chain_switch_down(struct controller *ctl, struct fb_switch *sw, uint64_t now_ns)
{
	for (unsigned i = 0; i < ctl->apps_count; i++) {
		struct fb_app *app = ctl->apps[i];

		if (app->cls->switch_down)
			app->cls->switch_down(app->state, sw, now_ns);
	}
}

void chain_flow_removed(struct controller *ctl, struct fb_switch *sw,
                        const struct fb_flow_removed *fr, uint64_t now_ns)
{
	for (unsigned i = 0; i < ctl->apps_count; i++) {
		struct fb_app *app = ctl->apps[i];

		if (app->cls->flow_removed &&
		    app->cls->flow_removed(app->state, sw, fr, now_ns) == FB_STOP)
			return;
	}
}

void chain_port_status(struct controller *ctl, struct fb_switch *sw,
                       const struct fb_port_status *ps, uint64_t now_ns)
{
	for (unsigned i = 0; i < ctl->apps_count; i++) {
		struct fb_app *app = ctl->apps[i];

		if (app->cls->port_status &&
		    app->cls->port_status(app->state, sw, ps, now_ns) == FB_STOP)
			return;
	}
}

/* --- Answers to what applications sent --- */

struct fb_app *chain_sender(struct controller *ctl, const struct fb_switch *sw, uint32_t xid)
{
	uint32_t sender = xid >> XID_COUNT_BITS, count = xid & XID_COUNT_MAX;

	if (sender == 0 || sender > ctl->apps_count || count == 0)
		return NULL;
	return count <= sw->slots[sender - 1].sent ? ctl->apps[sender - 1] : NULL;
}

/* To all; 'own' for the one that sent what failed, whose request will have no reply any more. */
void chain_error(struct controller *ctl, struct fb_switch *sw, const struct fb_msg *msg,
                 uint64_t now_ns)
{
	const struct fb_app *sender = chain_sender(ctl, sw, msg->xid);
	struct request *request = sw->requests ? fb_table_find(sw->requests, &msg->xid) : NULL;

	if (request)
		fb_table_remove(sw->requests, request);
	for (unsigned i = 0; i < ctl->apps_count; i++) {
		struct fb_app *app = ctl->apps[i];

		if (app->cls->error)
			app->cls->error(app->state, sw, msg->xid, app == sender, msg->error.type,
			                msg->error.code, msg->error.data, now_ns);
	}
}

bool chain_reply(struct controller *ctl, struct fb_switch *sw, const struct fb_msg *msg,
                 uint64_t now_ns)
{
	struct request *request = sw->requests ? fb_table_find(sw->requests, &msg->xid) : NULL;
	struct fb_app *app = chain_sender(ctl, sw, msg->xid);
	bool is_stats = msg->type == OFPT_STATS_REPLY;

	if (!request || !app || request->msg_type != msg->type ||
	    (is_stats && request->stats_type != msg->stats_reply.type))
		return false;
	if (!is_stats || !(msg->stats_reply.flags & OFPSF_REPLY_MORE))
		fb_table_remove(sw->requests, request);
	if (is_stats && app->cls->stats_reply)
		app->cls->stats_reply(app->state, sw, msg->xid, &msg->stats_reply, now_ns);
	if (!is_stats && app->cls->barrier_reply)
		app->cls->barrier_reply(app->state, sw, msg->xid, now_ns);
	return true;
}

/* --- Time --- */

void chain_timers(struct controller *ctl, uint64_t now_ns)
{
	for (unsigned i = 0; i < ctl->apps_count; i++) {
		struct fb_app *app = ctl->apps[i];

		if (app->deadline_ns > now_ns)
			continue;
		app->deadline_ns = FB_NEVER;
		if (app->cls->timer)
			app->cls->timer(app->state, now_ns);
	}
}
