/* What stands between the ends of a control connection and its channel: mutants and the faults that
 * concern single messages. See network_private.h.
 *
 * What an end says goes through the mutant and then through the faults into the channel; what comes
 * out of it goes through the faults and then through the mutant to the end. So what is seen on the
 * channel is what a wrong controller said, and what a wrong switch made of it is seen in the switch.
 * Without either the bytes go straight through; otherwise they are put together to messages. Faults
 * concern what the switch says and hears, and leave the controller's side alone.
 *
 * An end may close while a message is handled: what it would still hear and say is dropped where it
 * arrives, so that nobody needs to look. What is halfway through a framer belongs to the bytes behind
 * it, so a framer is emptied only when none of those can come any more. */
#include "lib/wire/framer.h"
#include "sim/network_private.h"

static unsigned end_of(enum mutation_point point)
{
	return point == CONTROLLER_SAYS || point == CONTROLLER_HEARS ? CHANNEL_CONTROLLER
	                                                             : CHANNEL_SWITCH;
}

static bool is_said(enum mutation_point point)
{
	return point == CONTROLLER_SAYS || point == SWITCH_SAYS;
}

/* The last station. */
static void arrive(struct network_switch *sw, enum mutation_point point, const uint8_t *msg,
                   size_t len)
{
	if (is_said(point))
		network_control_send(sw, end_of(point), msg, len);
	else
		network_control_receive(sw, end_of(point), msg, len);
}

/* The mutant has done with it. */
static void mutated(void *ctx, enum mutation_point point, uint32_t index, const uint8_t *msg,
                    size_t len)
{
	struct network *network = ctx;
	struct network_switch *sw = &network->switches[index];

	if (!is_said(point) || !network->message_faults ||
	    !network_fault_message(sw, point, msg, len))
		arrive(sw, point, msg, len);
}

static enum datapath_sent mutated_output(void *ctx, uint32_t index, uint16_t port_no,
                                         uint32_t queue_id, struct frame *frame)
{
	struct network *network = ctx;

	return network_send_by(&network->switches[index], port_no, queue_id, frame);
}

void network_message_goes_on(struct network_switch *sw, enum mutation_point point,
                             const uint8_t *msg, size_t len)
{
	struct network *network = sw->network;

	if (!is_said(point) && network->mutation)
		mutation_message(network->mutation, point, sw->index, msg, len);
	else
		arrive(sw, point, msg, len);
}

static void pass(struct network_switch *sw, enum mutation_point point, const uint8_t *msg,
                 size_t len)
{
	struct network *network = sw->network;

	if (is_said(point) && network->mutation)
		mutation_message(network->mutation, point, sw->index, msg, len);
	else if (!network->message_faults || !network_fault_message(sw, point, msg, len))
		network_message_goes_on(sw, point, msg, len);
}

/* Bytes become messages. A header that tells no length is for the end to judge: it is the last thing
 * that can be told apart. */
static void cut(struct network_switch *sw, enum mutation_point point, const uint8_t *bytes,
                size_t len)
{
	struct framer *framer = &sw->framers[point];
	const bool failed = framer->failure != FRAMER_MORE;
	enum framer_result result;
	const uint8_t *msg;
	size_t msg_len;

	framer_push(framer, bytes, len);
	while ((result = framer_next(framer, &msg, &msg_len)) == FRAMER_MESSAGE)
		pass(sw, point, msg, msg_len);
	if (result == FRAMER_BAD_LENGTH && !failed)
		arrive(sw, point, msg, msg_len);
	framer_finish(framer);
}

static bool is_looked_at(const struct network *network, unsigned end)
{
	return network->mutation || (network->message_faults && end == CHANNEL_SWITCH);
}

void network_says(struct network_switch *sw, unsigned from, const uint8_t *bytes, size_t len)
{
	if (is_looked_at(sw->network, from))
		cut(sw, from == CHANNEL_CONTROLLER ? CONTROLLER_SAYS : SWITCH_SAYS, bytes, len);
	else
		network_control_send(sw, from, bytes, len);
}

void network_hears(struct network_switch *sw, unsigned to, const uint8_t *bytes, size_t len)
{
	if (is_looked_at(sw->network, to))
		cut(sw, to == CHANNEL_CONTROLLER ? CONTROLLER_HEARS : SWITCH_HEARS, bytes, len);
	else
		network_control_receive(sw, to, bytes, len);
}

void network_messages_init(struct network *network, const struct network_options *options)
{
	const size_t count = network->scenario->switches_count;
	const struct mutation_ops ops = {
	        .message = mutated, .output = mutated_output, .ctx = network};

	network->message_faults = options->message_faults;
	if (options->mutant)
		network->mutation =
		        mutation_new(options->mutant, &network->clock, network->pool, count, &ops);
	for (size_t i = 0; i < count; i++)
		for (unsigned p = 0; p < MUTATION_POINTS; p++)
			framer_init(&network->switches[i].framers[p]);
}

void network_messages_free(struct network *network)
{
	mutation_free(network->mutation);
	for (size_t i = 0; i < network->scenario->switches_count; i++)
		for (unsigned p = 0; p < MUTATION_POINTS; p++)
			framer_destroy(&network->switches[i].framers[p]);
}

static void empty(struct framer *framer)
{
	framer_destroy(framer);
	framer_init(framer);
}

void network_messages_leave(struct network_switch *sw)
{
	empty(&sw->framers[SWITCH_HEARS]);
	empty(&sw->framers[SWITCH_SAYS]);
	network_fault_messages_forget(sw);
	if (sw->network->mutation)
		mutation_forget(sw->network->mutation, sw->index);
}

void network_messages_forget(struct network_switch *sw)
{
	network_messages_leave(sw);
	empty(&sw->framers[CONTROLLER_HEARS]);
	empty(&sw->framers[CONTROLLER_SAYS]);
}
