/* The table of excuses, and what they need to know. See excuses.h.
 *
 * Connections of a switch are numbered. A buffer is remembered from its packet-in's arrival at the
 * controller to the arrival of the answer, with the number of the connection on which it came; longer
 * only where something is held up. */
#include "sim/excuses.h"

#include <stdlib.h>

#include <flowbed/table.h>

#include "lib/base/xalloc.h"

enum {
	PACKET_IN_BUFFER_AT = 8,
	PACKET_OUT_BUFFER_AT = 8,
	FLOW_MOD_BUFFER_AT = 64,
	ERROR_TYPE_AT = 8,
	ERROR_CODE_AT = 10,
	ERROR_CAUSE_AT = 12,
};

struct buffer_key {
	uint32_t sw, id;
};

struct buffer {
	struct buffer_key key;
	uint64_t connection; /* on which its packet-in came */
	uint64_t expired_ns; /* while it was held up, and nothing answered it; 0: it has not */
	bool lost;           /* its packet-in was */
	bool answered;       /* the answer has arrived, and may be done late */
	bool excused;        /* it expired, and that is excused */
};

struct switch_state {
	uint64_t connection; /* the number of the latest */
	bool is_connected;
	uint64_t ending; /* the connection that something has ended, though it may not know yet */
	uint64_t lost_connection; /* the latest that ended with an excuse, */
	uint64_t lost_ns;         /*   and when; 0: none has */
	uint64_t heard_ns[2];     /* when something last arrived at each end (CHANNEL_*) */

	/* What goes on now: how many faults, and when the last ended. */
	uint32_t holding, slow, full;
	uint64_t held_ns, slowed_ns;
};

/* The network had converged, and nothing disturbed it. */
struct calm {
	uint64_t from_ns, to_ns;
};

struct excuses {
	const struct scenario *scenario;
	struct excuses_ops ops;
	struct switch_state *switches;
	struct fb_table *buffers;
	uint64_t forgotten;
	struct calm calms[EXCUSES_CALMS_MAX]; /* those that are over, in a ring */
	uint64_t calms_count;
};

/* --- Decisions --- */

static const struct buffer *find_buffer(const struct excuses *excuses, uint32_t sw, uint32_t id)
{
	const struct buffer_key key = {sw, id};

	return fb_table_find(excuses->buffers, &key);
}

static bool is_doubled(const struct excuses *excuses, const struct excuses_violation *violation)
{
	(void)excuses;
	return violation->doubled;
}

static bool is_of_lost_packet_in(const struct excuses *excuses,
                                 const struct excuses_violation *violation)
{
	const struct buffer *buffer = find_buffer(excuses, violation->sw, violation->buffer_id);

	return buffer && buffer->lost;
}

static bool is_of_lost_connection(const struct excuses *excuses,
                                  const struct excuses_violation *violation)
{
	const struct switch_state *state = &excuses->switches[violation->sw];

	return state->lost_connection && violation->kept_ns <= state->lost_ns;
}

static bool is_late(const struct excuses *excuses, const struct excuses_violation *violation)
{
	const struct buffer *buffer = find_buffer(excuses, violation->sw, violation->buffer_id);

	return buffer && (buffer->answered || buffer->excused);
}

/* The type and code of the error that the violation is. */
static bool is_error(const struct excuses_violation *violation, uint16_t type, uint16_t code)
{
	return violation->error_len >= ERROR_CAUSE_AT &&
	       fb_get16(violation->error + ERROR_TYPE_AT) == type &&
	       fb_get16(violation->error + ERROR_CODE_AT) == code;
}

static bool is_full(const struct excuses *excuses, const struct excuses_violation *violation)
{
	return excuses->switches[violation->sw].full &&
	       is_error(violation, OFPET_FLOW_MOD_FAILED, OFPFMFC_ALL_TABLES_FULL);
}

/* The buffer that a packet-out or flow-mod means; false: it means none. */
static bool buffer_of(const uint8_t *msg, size_t len, uint32_t *id)
{
	size_t at;

	if (len < sizeof(struct ofp_header))
		return false;
	switch (msg[offsetof(struct ofp_header, type)]) {
	case OFPT_PACKET_OUT:
		at = PACKET_OUT_BUFFER_AT;
		break;
	case OFPT_FLOW_MOD:
		at = FLOW_MOD_BUFFER_AT;
		break;
	case OFPT_PACKET_IN:
		at = PACKET_IN_BUFFER_AT;
		break;
	default:
		return false;
	}
	if (len < at + 4)
		return false;
	*id = fb_get32(msg + at);
	return *id != OFP_NO_BUFFER;
}

/* The buffer that the error is about; NULL: it is about none, or nobody knows that one. */
static const struct buffer *buffer_of_error(const struct excuses *excuses,
                                            const struct excuses_violation *violation)
{
	uint32_t id;

	if (!is_error(violation, OFPET_BAD_REQUEST, OFPBRC_BUFFER_EMPTY) &&
	    !is_error(violation, OFPET_BAD_REQUEST, OFPBRC_BUFFER_UNKNOWN))
		return NULL;
	if (!buffer_of(violation->error + ERROR_CAUSE_AT, violation->error_len - ERROR_CAUSE_AT,
	               &id))
		return NULL;
	return find_buffer(excuses, violation->sw, id);
}

static bool is_error_of_lost_connection(const struct excuses *excuses,
                                        const struct excuses_violation *violation)
{
	const struct buffer *buffer = buffer_of_error(excuses, violation);

	return buffer && buffer->connection <= excuses->switches[violation->sw].lost_connection;
}

static bool is_error_of_late_answer(const struct excuses *excuses,
                                    const struct excuses_violation *violation)
{
	const struct buffer *buffer = buffer_of_error(excuses, violation);

	return buffer && buffer->excused;
}

static bool is_undone(const struct excuses *excuses, const struct excuses_violation *violation)
{
	(void)excuses;
	return violation->undone;
}

static bool is_changed(const struct excuses *excuses, const struct excuses_violation *violation)
{
	(void)excuses;
	return violation->changed;
}

static bool is_changed_fragment(const struct excuses *excuses,
                                const struct excuses_violation *violation)
{
	(void)excuses;
	return violation->fragment;
}

static bool is_of_peer_that_was_off(const struct excuses *excuses,
                                    const struct excuses_violation *violation)
{
	(void)excuses;
	return violation->peer_was_off;
}

static bool is_of_lost_reset(const struct excuses *excuses,
                             const struct excuses_violation *violation)
{
	(void)excuses;
	return violation->reset_lost;
}

static uint64_t converged_at(const struct excuses *excuses)
{
	return excuses->ops.converged_at ? excuses->ops.converged_at(excuses->ops.ctx) : 0;
}

/* All the time the network had converged. That which lasts still goes on to the end. */
static bool was_calm(const struct excuses *excuses, uint64_t from_ns, uint64_t to_ns)
{
	const uint64_t count = excuses->calms_count;

	if (converged_at(excuses) <= from_ns)
		return true;
	for (uint64_t i = count > EXCUSES_CALMS_MAX ? count - EXCUSES_CALMS_MAX : 0; i < count; i++) {
		const struct calm *calm = &excuses->calms[i % EXCUSES_CALMS_MAX];

		if (calm->from_ns <= from_ns && to_ns <= calm->to_ns)
			return true;
	}
	return false;
}

static bool is_given_up_early(const struct excuses *excuses,
                              const struct excuses_violation *violation)
{
	const uint64_t within_ns = violation->unsaid ? EXCUSES_UNSAID_NS : EXCUSES_RESET_NS;

	return !was_calm(excuses, violation->given_up_ns,
	                 fb_time_after(violation->given_up_ns, within_ns));
}

static bool is_cut_off(const struct excuses *excuses, const struct excuses_violation *violation)
{
	(void)excuses;
	return violation->cut_off;
}

/* --- The table --- */

#define ENDS "control_cut, switch_restart, controller_restart, second_controller, steps that do so, and what holds a connection up until it ends"
#define HOLDS                                                                                      \
	"control_delay, control_stall, control_drain, control_reorder, slow_flow_mods, "           \
	"controller_stall"

static const struct excuse rows[EXCUSE_ROWS] = {
        [EXCUSE_DOUBLED_FRAME] = {NO_DUPLICATES, "duplicate, impair, and a link's own 'duplicate'",
                                  "a frame that a link doubled may come once more for each time",
                                  is_doubled},
        [EXCUSE_LOST_PACKET_IN] = {NO_LOST_BUFFERS, "lose_packet_ins",
                                   "the buffer of the packet-in that was lost, until it expires",
                                   is_of_lost_packet_in},
        [EXCUSE_BUFFER_OF_LOST_CONNECTION] =
                {NO_LOST_BUFFERS, ENDS,
                 "the buffers in use when the connection ended, until they expire",
                 is_of_lost_connection},
        [EXCUSE_LATE_ANSWER] = {NO_LOST_BUFFERS, HOLDS,
                                "a buffer that expired while its packet-in or the answer to it was "
                                "held up, if that comes",
                                is_late},
        [EXCUSE_TABLE_FULL] = {NO_OF_ERRORS, "table_full",
                               "ALL_TABLES_FULL of that switch, until the fault is over", is_full},
        [EXCUSE_ERROR_OF_LOST_CONNECTION] =
                {NO_OF_ERRORS, ENDS,
                 "BUFFER_EMPTY and BUFFER_UNKNOWN about a buffer that was told on that connection, "
                 "or one before, and not since",
                 is_error_of_lost_connection},
        [EXCUSE_ERROR_OF_LATE_ANSWER] =
                {NO_OF_ERRORS, HOLDS,
                 "BUFFER_EMPTY about a buffer that expired while its packet-in or the answer to it "
                 "was held up",
                 is_error_of_late_answer},
        [EXCUSE_UNDONE_FLOW_MOD] =
                {TABLES_AGREE, "slow_flow_mods, control_reorder",
                 "what a flow-mod says that the switch had not yet done when its connection ended, "
                 "until the next one for that entry",
                 is_undone},
        [EXCUSE_CHANGED_FRAME] = {CHECKSUMS, "corrupt, impair, and a link's own 'corrupt'",
                                  "the frame that was changed, wherever it comes to", is_changed},
        [EXCUSE_CHANGED_FRAGMENT] = {CHECKSUMS, "corrupt, impair, and a link's own 'corrupt'",
                                     "the datagram of a fragment that was changed",
                                     is_changed_fragment},
        [EXCUSE_PEER_WAS_OFF] = {CONNECTIONS_END, "host_down, and steps that do so",
                                 "a connection whose peer has lost its power since it began",
                                 is_of_peer_that_was_off},
        [EXCUSE_LOST_RESET] = {CONNECTIONS_END,
                               "lose, corrupt, one_way, impair, link_down, flap, host_move, steps "
                               "that do so, and a link's own loss, corruption and queue",
                               "a connection whose peer sent a RST that a link lost or changed",
                               is_of_lost_reset},
        [EXCUSE_GIVEN_UP_EARLY] =
                {CONNECTIONS_END, "all that the network has to converge after",
                 "a connection that its peer gave up while the network had not converged, or up to a "
                 "second before that (without a RST: up to a minute after it was last heard of), and of "
                 "which nothing was heard since",
                 is_given_up_early},
        [EXCUSE_CUT_OFF] = {CONNECTIONS_END, "link_down, and steps that do so",
                            "a connection between hosts between which there is no way at the end",
                            is_cut_off},
};

const struct excuse *excuses_at(enum excuse_row row)
{
	return &rows[row];
}

bool excuses_are_never(enum scenario_property property)
{
	return property == NO_LOOPS || property == SESSION_AFFINITY || property == BOUNDED;
}

enum excuse_row excuses_find(const struct excuses *excuses, const struct excuses_violation *violation)
{
	enum excuse_row row = 0;

	while (row < EXCUSE_ROWS && (rows[row].property != violation->property ||
	                             !rows[row].decides(excuses, violation)))
		row++;
	return row;
}

/* --- Life --- */

struct excuses *excuses_new(const struct scenario *scenario, const struct excuses_ops *ops)
{
	struct excuses *excuses = xcalloc(1, sizeof *excuses);

	excuses->scenario = scenario;
	excuses->ops = *ops;
	excuses->switches = xcalloc(scenario->switches_count + 1, sizeof *excuses->switches);
	excuses->buffers =
	        fb_table_new(sizeof(struct buffer_key), sizeof(struct buffer), EXCUSES_BUFFERS_MAX);
	if (!excuses->buffers)
		abort();
	return excuses;
}

void excuses_free(struct excuses *excuses)
{
	if (!excuses)
		return;
	fb_table_free(excuses->buffers);
	free(excuses->switches);
	free(excuses);
}

bool excuses_converged(const struct excuses *excuses, uint64_t now_ns)
{
	const uint64_t at_ns = converged_at(excuses);

	return at_ns && now_ns >= at_ns;
}

void excuses_disturbed(struct excuses *excuses, uint64_t now_ns)
{
	const uint64_t at_ns = converged_at(excuses);

	if (at_ns <= now_ns)
		excuses->calms[excuses->calms_count++ % EXCUSES_CALMS_MAX] =
		        (struct calm){at_ns, now_ns};
}

uint64_t excuses_forgotten(const struct excuses *excuses)
{
	return excuses->forgotten;
}

/* --- Buffers --- */

/* The record of a buffer; a new one takes the place of the oldest where there is no room. */
static struct buffer *know_buffer(struct excuses *excuses, uint32_t sw, uint32_t id)
{
	const struct buffer_key key = {sw, id};
	struct buffer *buffer = fb_table_find(excuses->buffers, &key);

	if (buffer)
		return buffer;
	if (fb_table_count(excuses->buffers) == EXCUSES_BUFFERS_MAX) {
		fb_table_remove(excuses->buffers, fb_table_oldest(excuses->buffers));
		excuses->forgotten++;
	}
	buffer = fb_table_add(excuses->buffers, &key);
	if (!buffer)
		abort();
	return buffer;
}

/* The buffer holds another packet from now on. */
static struct buffer *begin_buffer(struct excuses *excuses, uint32_t sw, uint32_t id)
{
	struct buffer *buffer = know_buffer(excuses, sw, id);

	*buffer = (struct buffer){.key = buffer->key,
	                          .connection = excuses->switches[sw].connection};
	return buffer;
}

/* What waited for the answer to an expired buffer has it, or will have none. */
static void decide_late(struct excuses *excuses, struct buffer *buffer, enum excuse_row row)
{
	const uint64_t expired_ns = buffer->expired_ns;

	buffer->expired_ns = 0;
	buffer->excused = row != EXCUSE_ROWS;
	excuses->ops.late_buffer(excuses->ops.ctx, buffer->key.sw, buffer->key.id, expired_ns, row);
}

/* Decide all of a switch (SCENARIO_NONE: of all switches) that wait. */
static void decide_all_late(struct excuses *excuses, uint32_t sw, enum excuse_row row)
{
	for (struct buffer *buffer = fb_table_oldest(excuses->buffers); buffer;
	     buffer = fb_table_newer(excuses->buffers, buffer))
		if (buffer->expired_ns && (sw == SCENARIO_NONE || buffer->key.sw == sw))
			decide_late(excuses, buffer, row);
}

/* The answer to the packet-in of a buffer arrives at the switch. */
static void answer_buffer(struct excuses *excuses, uint32_t sw, uint32_t id, uint64_t now_ns)
{
	const struct buffer_key key = {sw, id};
	struct buffer *buffer = fb_table_find(excuses->buffers, &key);
	const struct switch_state *state = &excuses->switches[sw];

	if (!buffer)
		return;
	if (buffer->expired_ns)
		decide_late(excuses, buffer, EXCUSE_LATE_ANSWER);
	else if (excuses_is_slow(excuses, sw, now_ns))
		buffer->answered = true;
	else if (!buffer->excused && buffer->connection == state->connection)
		fb_table_remove(excuses->buffers, buffer);
}

/* Something holds up what goes to or comes from the switch, or did since 'since_ns'. */
static bool was_held_since(const struct switch_state *state, uint64_t since_ns)
{
	return state->holding || state->slow || (state->held_ns && state->held_ns >= since_ns) ||
	       (state->slowed_ns && state->slowed_ns >= since_ns);
}

enum excuse_row excuses_expired(struct excuses *excuses, const struct excuses_violation *violation,
                                bool *later)
{
	const struct switch_state *state = &excuses->switches[violation->sw];
	const enum excuse_row row = excuses_find(excuses, violation);
	struct buffer *buffer;

	*later = false;
	if (row == EXCUSE_LATE_ANSWER) {
		buffer = know_buffer(excuses, violation->sw, violation->buffer_id);
		buffer->excused = true;
	} else if (row == EXCUSE_ROWS && state->is_connected &&
	           was_held_since(state, violation->kept_ns)) {
		/* Its packet-in may still be under way: then nobody knows it yet. */
		buffer = know_buffer(excuses, violation->sw, violation->buffer_id);
		if (!buffer->connection)
			buffer->connection = state->connection;
		buffer->expired_ns = violation->now_ns;
		*later = true;
	}
	return row;
}

void excuses_end(struct excuses *excuses)
{
	decide_all_late(excuses, SCENARIO_NONE, EXCUSE_ROWS);
}

bool excuses_is_slow(const struct excuses *excuses, uint32_t sw, uint64_t now_ns)
{
	const struct switch_state *state = &excuses->switches[sw];

	return state->slow || (state->slowed_ns && now_ns <= state->slowed_ns);
}

/* --- What happens --- */

/* A packet-in arrives at the controller. One whose buffer has expired meanwhile is no new one. */
static void hear_buffer(struct excuses *excuses, uint32_t sw, uint32_t id)
{
	const struct buffer *known = find_buffer(excuses, sw, id);

	if (!known || !known->expired_ns)
		begin_buffer(excuses, sw, id);
}

void excuses_message(struct excuses *excuses, uint64_t now_ns, uint32_t sw, unsigned to,
                     const uint8_t *msg, size_t len)
{
	const bool is_packet_in = msg[offsetof(struct ofp_header, type)] == OFPT_PACKET_IN;
	uint32_t id;

	excuses->switches[sw].heard_ns[to] = now_ns;
	if (!buffer_of(msg, len, &id))
		return;
	if (to == CHANNEL_CONTROLLER && is_packet_in)
		hear_buffer(excuses, sw, id);
	else if (to == CHANNEL_SWITCH && !is_packet_in)
		answer_buffer(excuses, sw, id, now_ns);
}

void excuses_message_lost(struct excuses *excuses, uint64_t now_ns, uint32_t sw, const uint8_t *msg,
                          size_t len)
{
	uint32_t id;

	if (len >= sizeof(struct ofp_header) &&
	    msg[offsetof(struct ofp_header, type)] == OFPT_PACKET_IN && buffer_of(msg, len, &id) &&
	    !excuses_converged(excuses, now_ns))
		begin_buffer(excuses, sw, id)->lost = true;
}

/* The connection that there is ends by that, sooner or later; one that has ended by itself did not. */
static void end_connection(struct excuses *excuses, uint32_t sw, uint64_t now_ns)
{
	struct switch_state *state = &excuses->switches[sw];

	if (state->is_connected && !excuses_converged(excuses, now_ns))
		state->ending = state->connection;
}

static void end_connections(struct excuses *excuses, uint64_t now_ns)
{
	for (uint32_t i = 0; i < excuses->scenario->switches_count; i++)
		end_connection(excuses, i, now_ns);
}

void excuses_changed(struct excuses *excuses, uint64_t now_ns, enum network_change change,
                     uint32_t place, bool up)
{
	if (up)
		return;
	switch (change) {
	case NETWORK_POWER:
	case NETWORK_CONTROL:
		end_connection(excuses, place, now_ns);
		break;
	case NETWORK_CONTROLLER:
		end_connections(excuses, now_ns);
		break;
	}
}

static void count_fault(uint32_t *count, uint64_t *ended_ns, bool begins, uint64_t now_ns)
{
	*count += begins ? 1 : -1U;
	*ended_ns = now_ns;
}

static void note_fault(struct switch_state *state, const struct fault *fault, bool begins,
                       uint64_t now_ns)
{
	const enum fault_kind kind = fault->kind;

	if (kind == FAULT_CONTROL_DELAY || kind == FAULT_CONTROL_STALL ||
	    kind == FAULT_CONTROL_DRAIN || kind == FAULT_CONTROLLER_STALL)
		count_fault(&state->holding, &state->held_ns, begins, now_ns);
	else if (kind == FAULT_CONTROL_REORDER || kind == FAULT_SLOW_FLOW_MODS)
		count_fault(&state->slow, &state->slowed_ns, begins, now_ns);
	else if (kind == FAULT_TABLE_FULL)
		state->full += begins ? 1 : -1U;
}

void excuses_fault(struct excuses *excuses, uint64_t now_ns, const struct fault *fault, bool begins)
{
	const bool ends_connections = fault->kind == FAULT_CONTROL_CUT ||
	                              fault->kind == FAULT_SWITCH_RESTART ||
	                              fault->kind == FAULT_SECOND_CONTROLLER;

	switch (fault_place(fault->kind)) {
	case FAULT_AT_SWITCH:
		note_fault(&excuses->switches[fault->place], fault, begins, now_ns);
		if (ends_connections)
			end_connection(excuses, fault->place, now_ns);
		break;
	case FAULT_AT_CONTROLLER:
		for (uint32_t i = 0; i < excuses->scenario->switches_count; i++)
			note_fault(&excuses->switches[i], fault, begins, now_ns);
		if (fault->kind == FAULT_CONTROLLER_RESTART)
			end_connections(excuses, now_ns);
		break;
	case FAULT_AT_LINK:
	case FAULT_AT_HOST:
		break;
	}
}

/* The connection of a switch has ended at one end, where nothing was heard since 'heard_ns'. */
static void note_end(struct excuses *excuses, uint32_t sw, uint64_t heard_ns, uint64_t now_ns)
{
	struct switch_state *state = &excuses->switches[sw];
	const bool is_held = (state->holding || (state->held_ns && state->held_ns >= heard_ns)) &&
	                     !excuses_converged(excuses, now_ns);

	if (!state->connection || (state->ending != state->connection && !is_held))
		return;
	state->lost_connection = state->connection;
	state->lost_ns = now_ns;
	decide_all_late(excuses, sw, EXCUSE_BUFFER_OF_LOST_CONNECTION);
}

void excuses_connected(struct excuses *excuses, uint64_t now_ns, uint32_t sw)
{
	struct switch_state *state = &excuses->switches[sw];

	/* Where it ended nobody was told. */
	note_end(excuses, sw,
	         state->heard_ns[0] < state->heard_ns[1] ? state->heard_ns[0] : state->heard_ns[1],
	         now_ns);
	state->connection++;
	state->is_connected = true;
	state->heard_ns[0] = state->heard_ns[1] = now_ns;
}

/* The close arrives at 'at': the other end has closed. */
void excuses_closed(struct excuses *excuses, uint64_t now_ns, uint32_t sw, unsigned at)
{
	excuses->switches[sw].is_connected = false;
	note_end(excuses, sw, excuses->switches[sw].heard_ns[!at], now_ns);
}
