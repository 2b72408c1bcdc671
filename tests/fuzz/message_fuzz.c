/* Fuzzes the OpenFlow codec: the input is one message, whose header is given the right length.
 *
 * What decodes must walk, and what is made anew from its fields, each repeated element put again by
 * its maker, must encode, decode and have the same fields. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/wire/codec_fields.h"
#include "tests/unit/wire/codec_samples.h"

enum {
	MESSAGE_BYTES_MAX = 65535,
	MUTATIONS_PER_SAMPLE = 100,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned int seed);

static uint8_t remade_memory[MESSAGE_BYTES_MAX];
static uint8_t actions_memory[MESSAGE_BYTES_MAX];
static uint8_t encoded_memory[MESSAGE_BYTES_MAX];

static void check(bool good)
{
	if (!good)
		abort();
}

/* Make the list of actions in 'view' anew, appended to 'out'. */
static struct fb_view remake_actions(struct fb_buf *out, struct fb_view view)
{
	size_t start = out->len, offset = 0;
	struct fb_action action;

	while (fb_action_next(view.data, view.len, &offset, &action))
		check(fb_action_put(out, &action));
	check(out->len - start == view.len);
	return (struct fb_view){out->data + start, out->len - start};
}

static struct fb_view remake_flow_stats(struct fb_buf *out, struct fb_view view)
{
	struct fb_buf actions = fb_buf_make(actions_memory, sizeof actions_memory);
	struct fb_flow_stats flow;
	size_t offset = 0;

	while (fb_flow_stats_next(view, &offset, &flow)) {
		flow.actions = remake_actions(&actions, flow.actions);
		check(fb_flow_stats_put(out, &flow));
	}
	return (struct fb_view){out->data, out->len};
}

static struct fb_view remake_entries(struct fb_buf *out, uint16_t type, struct fb_view view)
{
	struct fb_table_stats table;
	struct fb_port_stats port;
	struct fb_queue_stats queue;
	size_t offset = 0;

	if (type == OFPST_FLOW)
		return remake_flow_stats(out, view);
	if (type == OFPST_TABLE)
		while (fb_table_stats_next(view, &offset, &table)) {
			table.name[OFP_MAX_TABLE_NAME_LEN - 1] = '\0';
			check(fb_table_stats_put(out, &table));
		}
	if (type == OFPST_PORT)
		while (fb_port_stats_next(view, &offset, &port))
			check(fb_port_stats_put(out, &port));
	if (type == OFPST_QUEUE)
		while (fb_queue_stats_next(view, &offset, &queue))
			check(fb_queue_stats_put(out, &queue));
	return (struct fb_view){out->data, out->len};
}

static struct fb_view remake_ports(struct fb_buf *out, struct fb_view view)
{
	struct fb_phy_port port;
	size_t offset = 0;

	while (fb_phy_port_next(view, &offset, &port))
		check(fb_phy_port_put(out, &port));
	return (struct fb_view){out->data, out->len};
}

static struct fb_view remake_queues(struct fb_buf *out, struct fb_view view)
{
	struct fb_packet_queue queue;
	size_t offset = 0;

	while (fb_packet_queue_next(view, &offset, &queue))
		check(fb_packet_queue_put(out, &queue));
	return (struct fb_view){out->data, out->len};
}

/* Put elements made anew in the place of those of the input. */
static void remake(struct fb_msg *msg, struct fb_buf *out)
{
	if (msg->type == OFPT_FEATURES_REPLY)
		msg->features_reply.ports = remake_ports(out, msg->features_reply.ports);
	if (msg->type == OFPT_PACKET_OUT)
		msg->packet_out.actions = remake_actions(out, msg->packet_out.actions);
	if (msg->type == OFPT_FLOW_MOD)
		msg->flow_mod.actions = remake_actions(out, msg->flow_mod.actions);
	if (msg->type == OFPT_QUEUE_GET_CONFIG_REPLY)
		msg->queue_config_reply.queues = remake_queues(out, msg->queue_config_reply.queues);
	if (msg->type == OFPT_STATS_REPLY && msg->stats_reply.type != OFPST_DESC &&
	    msg->stats_reply.type != OFPST_AGGREGATE && msg->stats_reply.type != OFPST_VENDOR)
		msg->stats_reply.entries =
			remake_entries(out, msg->stats_reply.type, msg->stats_reply.entries);
}

/* Encode, decode, and compare all fields. */
static void expect_same_fields(const struct fb_msg *msg)
{
	struct fb_buf out = fb_buf_make(encoded_memory, sizeof encoded_memory);
	char *before, *after;
	struct fb_of_error error;
	struct fb_msg again;

	check(fb_msg_encode(&out, msg));
	check(fb_msg_decode(out.data, out.len, &again, &error) == 0);
	before = codec_fields_text(msg);
	after = codec_fields_text(&again);
	check(!strcmp(before, after));
	free(before);
	free(after);
}

/* What decoding takes and encoding does not give back: texts without a terminator, version 0. */
static void make_proper(struct fb_msg *msg)
{
	if (msg->version == 0)
		msg->version = OFP_VERSION;
	if (msg->type == OFPT_PORT_STATUS)
		msg->port_status.desc.name[OFP_MAX_PORT_NAME_LEN - 1] = '\0';
	if (msg->type == OFPT_STATS_REPLY && msg->stats_reply.type == OFPST_DESC) {
		msg->stats_reply.desc.mfr_desc[DESC_STR_LEN - 1] = '\0';
		msg->stats_reply.desc.hw_desc[DESC_STR_LEN - 1] = '\0';
		msg->stats_reply.desc.sw_desc[DESC_STR_LEN - 1] = '\0';
		msg->stats_reply.desc.serial_num[SERIAL_NUM_LEN - 1] = '\0';
		msg->stats_reply.desc.dp_desc[DESC_STR_LEN - 1] = '\0';
	}
}

static void run(const uint8_t *data, size_t size)
{
	struct fb_buf remade = fb_buf_make(remade_memory, sizeof remade_memory);
	struct fb_of_error error = {.why = NULL};
	struct fb_msg msg;

	if (fb_msg_decode(data, size, &msg, &error) < 0) {
		check(error.why && error.why[0]);
		return;
	}
	make_proper(&msg);
	expect_same_fields(&msg);
	remake(&msg, &remade);
	expect_same_fields(&msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *message;

	if (size < 4 || size > MESSAGE_BYTES_MAX) {
		run(data, size);
		return 0;
	}
	message = malloc(size);
	memcpy(message, data, size);
	fb_set16(message + 2, (uint16_t)size);
	run(message, size);
	free(message);
	return 0;
}

/* Now and then a sample takes the input's place, so that a minute from nothing sees every type. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned int seed)
{
	static struct codec_samples samples;
	struct fb_buf out = fb_buf_make(data, size_max);

	if (seed % MUTATIONS_PER_SAMPLE)
		return LLVMFuzzerMutate(data, size, size_max);
	if (!samples.count)
		codec_samples_make(&samples);
	fb_msg_encode(&out, &samples.sample[seed / MUTATIONS_PER_SAMPLE % samples.count].msg);
	return out.len;
}
