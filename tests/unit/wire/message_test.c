/* OpenFlow messages: what is encoded decodes to the same, and what is malformed is refused with the
 * error that the specification asks for, without a byte read that is not there (under
 * AddressSanitizer). */
#include <stdlib.h>

#include <flowbed/message.h>

#include "tests/unit/harness.h"
#include "tests/unit/wire/codec_fields.h"
#include "tests/unit/wire/codec_samples.h"

enum { MESSAGE_BYTES_MAX = 65535 };

static struct codec_samples samples;
static uint8_t encoded[MESSAGE_BYTES_MAX + 1];

/* Encode the sample 'i' into 'encoded'; returns its length. */
static size_t encode_sample(size_t i)
{
	struct fb_buf out = fb_buf_make(encoded, sizeof encoded);

	memset(encoded, 0xaa, sizeof encoded);
	CU_ASSERT_FATAL(fb_msg_encode(&out, &samples.sample[i].msg));
	CU_ASSERT_EQUAL_FATAL(fb_get16(encoded + 2), out.len);
	return out.len;
}

/* Find a sample by its name and encode it into 'encoded'; returns its length. */
static size_t encode_named(const char *name)
{
	codec_samples_make(&samples);
	for (size_t i = 0; i < samples.count; i++)
		if (!strcmp(samples.sample[i].name, name))
			return encode_sample(i);
	CU_FAIL_FATAL("no such sample");
	return 0;
}

/* Decode 'len' bytes from memory of just that size, walk all that is in it, and check what is
 * promised of an error. */
static int decode_exact(const uint8_t *bytes, size_t len, struct fb_of_error *error)
{
	uint8_t *exact = malloc(len ? len : 1);
	struct fb_msg msg;
	int result;

	memcpy(exact, bytes, len);
	*error = (struct fb_of_error){.type = 0xffff, .code = 0xffff};
	result = fb_msg_decode(exact, len, &msg, error);
	if (result == 0) {
		free(codec_fields_text(&msg));
	} else {
		CU_ASSERT_EQUAL(result, -1);
		CU_ASSERT_PTR_NOT_NULL(error->why);
		CU_ASSERT(error->type == OFPET_BAD_REQUEST || error->type == OFPET_BAD_ACTION ||
			  error->type == OFPET_FLOW_MOD_FAILED);
		CU_ASSERT_EQUAL(msg.version, len >= 1 ? bytes[0] : 0);
		CU_ASSERT_EQUAL(msg.type, len >= 2 ? bytes[1] : 0);
		CU_ASSERT_EQUAL(msg.length, len >= 4 ? fb_get16(bytes + 2) : 0);
		CU_ASSERT_EQUAL(msg.xid, len >= 8 ? fb_get32(bytes + 4) : 0);
	}
	free(exact);
	return result;
}

static void expect_error(size_t len, uint16_t type, uint16_t code)
{
	struct fb_of_error error;

	CU_ASSERT_EQUAL(decode_exact(encoded, len, &error), -1);
	CU_ASSERT_EQUAL(error.type, type);
	CU_ASSERT_EQUAL(error.code, code);
}

static void expect_bad_len(size_t len)
{
	expect_error(len, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN);
}

static void expect_good(size_t len)
{
	struct fb_of_error error;

	CU_ASSERT_EQUAL(decode_exact(encoded, len, &error), 0);
}

/* Give the message in 'encoded' another length, zeros where it grows. */
static void set_len(size_t from, size_t to)
{
	if (to > from)
		memset(encoded + from, 0, to - from);
	fb_set16(encoded + 2, (uint16_t)to);
}

/* Round trips. */

static void every_sample_decodes_to_what_was_encoded(void)
{
	codec_samples_make(&samples);
	CU_ASSERT(samples.count > 60);
	for (size_t i = 0; i < samples.count; i++) {
		size_t len = encode_sample(i);
		struct fb_of_error error;
		char *before, *after;
		struct fb_msg msg;

		CU_ASSERT_EQUAL_FATAL(fb_msg_decode(encoded, len, &msg, &error), 0);
		CU_ASSERT_EQUAL(msg.length, len);
		before = codec_fields_text(&samples.sample[i].msg);
		after = codec_fields_text(&msg);
		CU_ASSERT_STRING_EQUAL(before, after);
		free(before);
		free(after);
	}
}

static void the_samples_hold_every_type(void)
{
	bool type[22] = {false}, request[7] = {false}, reply[7] = {false};

	codec_samples_make(&samples);
	for (size_t i = 0; i < samples.count; i++) {
		const struct fb_msg *msg = &samples.sample[i].msg;

		type[msg->type] = true;
		if (msg->type == OFPT_STATS_REQUEST)
			request[msg->stats_request.type == OFPST_VENDOR ? 6 : msg->stats_request.type] = true;
		if (msg->type == OFPT_STATS_REPLY)
			reply[msg->stats_reply.type == OFPST_VENDOR ? 6 : msg->stats_reply.type] = true;
	}
	for (size_t i = 0; i < 22; i++)
		CU_ASSERT(type[i]);
	for (size_t i = 0; i < 7; i++)
		CU_ASSERT(request[i] && reply[i]);
}

static void what_does_not_fit_leaves_the_buffer_as_it_was(void)
{
	codec_samples_make(&samples);
	for (size_t i = 0; i < samples.count; i++) {
		size_t len = encode_sample(i);

		for (size_t room = 0; room < len; room += len > 200 && room > 16 ? 13 : 1) {
			struct fb_buf out = fb_buf_make(encoded, room + 5);

			out.len = 5;
			CU_ASSERT_FALSE(fb_msg_encode(&out, &samples.sample[i].msg));
			CU_ASSERT_EQUAL(out.len, 5);
			CU_ASSERT(out.overflow);
		}
	}
}

static void messages_are_appended(void)
{
	struct fb_buf out = fb_buf_make(encoded, sizeof encoded);

	CU_ASSERT(fb_msg_put_header_only(&out, OFPT_HELLO, 1));
	CU_ASSERT(fb_msg_put_header_only(&out, OFPT_FEATURES_REQUEST, 0x01020304));
	CU_ASSERT_EQUAL(out.len, 16);
	CU_ASSERT(!memcmp(encoded, "\x01\x00\x00\x08\x00\x00\x00\x01\x01\x05\x00\x08\x01\x02\x03\x04",
			  16));
}

static void a_message_of_65535_bytes_is_the_largest(void)
{
	static uint8_t data[65536];
	struct fb_msg msg = {.type = OFPT_ECHO_REQUEST, .data = {data, 65535 - 8}};
	struct fb_packet_out po = {.data = {data, 65535 - 16}};
	struct fb_of_packet_in pi = {.data = {data, 65535 - 18}};
	struct fb_buf out = fb_buf_make(encoded, sizeof encoded);

	CU_ASSERT(fb_msg_encode(&out, &msg));
	CU_ASSERT_EQUAL(out.len, 65535);
	expect_good(65535);
	out.len = 0;
	CU_ASSERT(fb_msg_put_packet_out(&out, 1, &po));
	out.len = 0;
	CU_ASSERT(fb_msg_put_packet_in(&out, 1, &pi));
	out.len = 0;
	msg.data.len++;
	CU_ASSERT_FALSE(fb_msg_encode(&out, &msg));
	out.overflow = false;
	po.data.len++;
	CU_ASSERT_FALSE(fb_msg_put_packet_out(&out, 1, &po));
	CU_ASSERT(out.overflow);
	out.overflow = false;
	po.data.len = SIZE_MAX - 15;
	po.actions.len = 32;
	CU_ASSERT_FALSE(fb_msg_put_packet_out(&out, 1, &po));
	out.overflow = false;
	pi.data.len++;
	CU_ASSERT_FALSE(fb_msg_put_packet_in(&out, 1, &pi));
	CU_ASSERT_EQUAL(out.len, 0);
}

static void a_message_of_no_known_type_is_not_encoded(void)
{
	struct fb_buf out = fb_buf_make(encoded, sizeof encoded);
	struct fb_msg msg = {.type = 22};

	CU_ASSERT_FALSE(fb_msg_encode(&out, &msg));
	out.overflow = false;
	msg.type = OFPT_STATS_REQUEST;
	msg.stats_request.type = 6;
	CU_ASSERT_FALSE(fb_msg_encode(&out, &msg));
	out.overflow = false;
	msg.type = OFPT_STATS_REPLY;
	msg.stats_reply.type = 0xfffe;
	CU_ASSERT_FALSE(fb_msg_encode(&out, &msg));
	CU_ASSERT_EQUAL(out.len, 0);
}

/* Lengths of whole messages. */

static void a_header_that_lies_about_its_length_is_bad(void)
{
	codec_samples_make(&samples);
	for (size_t i = 0; i < samples.count; i++) {
		size_t len = encode_sample(i);

		for (size_t prefix = 0; prefix < len; prefix++)
			expect_bad_len(prefix);
		expect_bad_len(len + 1);
	}
}

static void every_truncation_is_refused_or_decodes(void)
{
	codec_samples_make(&samples);
	for (size_t i = 0; i < samples.count; i++) {
		size_t len = encode_sample(i);
		struct fb_of_error error;

		for (size_t prefix = 8; prefix < len; prefix++) {
			set_len(prefix, prefix);
			decode_exact(encoded, prefix, &error);
		}
	}
}

static void every_word_of_every_message_may_be_wrong(void)
{
	static const uint16_t wrong[] = {0, 1, 4, 7, 8, 9, 12, 15, 16, 17, 24, 32, 40, 88, 0x7fff, 0xffff};

	codec_samples_make(&samples);
	for (size_t i = 0; i < samples.count; i++) {
		size_t len = encode_sample(i);
		size_t step = len > 600 ? 32 : 2;

		for (size_t at = 8; at + 2 <= len; at += step) {
			uint16_t right = fb_get16(encoded + at);
			struct fb_of_error error;

			for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
				fb_set16(encoded + at, wrong[w]);
				decode_exact(encoded, len, &error);
			}
			for (int difference = -8; difference <= 8; difference++) {
				fb_set16(encoded + at, (uint16_t)(right + difference));
				decode_exact(encoded, len, &error);
			}
			fb_set16(encoded + at, right);
		}
	}
}

/* The sizes of section 5: a message of a fixed size takes no other, one with a variable part none
 * below. */
static const struct {
	uint8_t type;
	uint16_t bytes;
	bool more;
} fixed_part[] = {
	{OFPT_HELLO, 8, true}, {OFPT_ERROR, 12, true}, {OFPT_ECHO_REQUEST, 8, true},
	{OFPT_ECHO_REPLY, 8, true}, {OFPT_VENDOR, 12, true}, {OFPT_FEATURES_REQUEST, 8, false},
	{OFPT_FEATURES_REPLY, 32, true}, {OFPT_GET_CONFIG_REQUEST, 8, false},
	{OFPT_GET_CONFIG_REPLY, 12, false}, {OFPT_SET_CONFIG, 12, false}, {OFPT_PACKET_IN, 18, true},
	{OFPT_FLOW_REMOVED, 88, false}, {OFPT_PORT_STATUS, 64, false}, {OFPT_PACKET_OUT, 16, true},
	{OFPT_FLOW_MOD, 72, true}, {OFPT_PORT_MOD, 32, false}, {OFPT_BARRIER_REQUEST, 8, false},
	{OFPT_BARRIER_REPLY, 8, false}, {OFPT_QUEUE_GET_CONFIG_REQUEST, 12, false},
	{OFPT_QUEUE_GET_CONFIG_REPLY, 16, true},
};

static void each_type_has_its_size(void)
{
	for (size_t i = 0; i < sizeof fixed_part / sizeof fixed_part[0]; i++) {
		size_t bytes = fixed_part[i].bytes;

		memset(encoded, 0, 256);
		encoded[0] = OFP_VERSION;
		encoded[1] = fixed_part[i].type;
		for (size_t len = 8; len < bytes; len++) {
			set_len(len, len);
			expect_bad_len(len);
		}
		set_len(bytes, bytes);
		expect_good(bytes);
		if (!fixed_part[i].more) {
			set_len(bytes, bytes + 1);
			expect_bad_len(bytes + 1);
			set_len(bytes, bytes + 48);
			expect_bad_len(bytes + 48);
		}
	}
}

static void each_statistics_request_has_its_size(void)
{
	static const struct {
		uint16_t type, bytes;
	} body[] = {{OFPST_DESC, 0}, {OFPST_FLOW, 44}, {OFPST_AGGREGATE, 44},
		    {OFPST_TABLE, 0}, {OFPST_PORT, 8}, {OFPST_QUEUE, 8}};

	for (size_t i = 0; i < sizeof body / sizeof body[0]; i++) {
		memset(encoded, 0, 256);
		encoded[0] = OFP_VERSION;
		encoded[1] = OFPT_STATS_REQUEST;
		fb_set16(encoded + 8, body[i].type);
		for (size_t len = 8; len < 100; len++) {
			set_len(len, len);
			if (len == 12u + body[i].bytes)
				expect_good(len);
			else
				expect_bad_len(len);
		}
	}
}

/* Check that a reply of 'type' is right exactly when its body is a multiple of 'unit', or 'unit'
 * alone. */
static void expect_reply_sizes(uint16_t type, size_t unit, bool repeated)
{
	memset(encoded, 0, sizeof encoded);
	encoded[0] = OFP_VERSION;
	encoded[1] = OFPT_STATS_REPLY;
	fb_set16(encoded + 8, type);
	for (size_t body = 0; body <= 2 * unit + 1; body++) {
		set_len(12 + body, 12 + body);
		if (repeated ? body % unit == 0 : body == unit)
			expect_good(12 + body);
		else
			expect_bad_len(12 + body);
	}
}

static void each_statistics_reply_has_its_size(void)
{
	expect_reply_sizes(OFPST_DESC, 1056, false);
	expect_reply_sizes(OFPST_AGGREGATE, 24, false);
	expect_reply_sizes(OFPST_TABLE, 64, true);
	expect_reply_sizes(OFPST_PORT, 104, true);
	expect_reply_sizes(OFPST_QUEUE, 32, true);
}

static void vendor_statistics_hold_a_vendor_id(void)
{
	size_t len = encode_named("stats_request vendor");

	for (size_t body = 0; body < 4; body++) {
		set_len(12 + body, 12 + body);
		expect_bad_len(12 + body);
	}
	set_len(16, 16);
	expect_good(16);
	len = encode_named("stats_reply vendor");
	set_len(len, 15);
	expect_bad_len(15);
}

/* Versions and types. */

static void another_version_is_bad_but_for_hello_and_error(void)
{
	codec_samples_make(&samples);
	for (size_t i = 0; i < samples.count; i++) {
		size_t len = encode_sample(i);

		for (int version = 0; version < 256; version += version < 6 ? 1 : 50) {
			encoded[0] = (uint8_t)version;
			if (version == OFP_VERSION || encoded[1] == OFPT_HELLO ||
			    encoded[1] == OFPT_ERROR)
				expect_good(len);
			else
				expect_error(len, OFPET_BAD_REQUEST, OFPBRC_BAD_VERSION);
		}
	}
}

static void an_unknown_type_is_bad(void)
{
	size_t len = encode_named("barrier_request");

	for (int type = 22; type < 256; type++) {
		encoded[1] = (uint8_t)type;
		expect_error(len, OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE);
	}
}

static void an_unknown_statistics_type_is_bad(void)
{
	static const uint16_t unknown[] = {6, 7, 0x00ff, 0xfffe};

	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
		size_t len = encode_named("stats_request desc");

		fb_set16(encoded + 8, unknown[i]);
		expect_error(len, OFPET_BAD_REQUEST, OFPBRC_BAD_STAT);
		len = encode_named("stats_reply flow");
		fb_set16(encoded + 8, unknown[i]);
		expect_error(len, OFPET_BAD_REQUEST, OFPBRC_BAD_STAT);
	}
}

static void an_unknown_flow_mod_command_is_bad(void)
{
	size_t len = encode_named("flow_mod add");

	fb_set16(encoded + 56, 5);
	expect_error(len, OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_COMMAND);
	fb_set16(encoded + 56, 0x0100);
	expect_error(len, OFPET_FLOW_MOD_FAILED, OFPFMFC_BAD_COMMAND);
}

static void a_hello_takes_any_version_and_any_body(void)
{
	size_t len = encode_named("hello of version 4");
	struct fb_of_error error;
	struct fb_msg msg;

	CU_ASSERT_EQUAL(fb_msg_decode(encoded, len, &msg, &error), 0);
	CU_ASSERT_EQUAL(msg.version, 4);
	for (size_t more = 0; more < 20; more++) {
		set_len(8, 8 + more);
		expect_good(8 + more);
	}
}

/* Lists inside of messages. */

static void ports_of_a_features_reply_are_whole(void)
{
	size_t len = encode_named("features_reply");

	for (size_t body = 0; body <= 100; body++) {
		set_len(len, 32 + body);
		if (body % 48 == 0)
			expect_good(32 + body);
		else
			expect_bad_len(32 + body);
	}
}

static void actions_of_a_flow_mod_are_checked(void)
{
	size_t len = encode_named("flow_mod set_dl_src");

	CU_ASSERT_EQUAL_FATAL(len, 88);
	fb_set16(encoded + 72, 12);
	expect_error(len, OFPET_BAD_ACTION, OFPBAC_BAD_TYPE);
	fb_set16(encoded + 72, OFPAT_OUTPUT);
	expect_error(len, OFPET_BAD_ACTION, OFPBAC_BAD_LEN);
	set_len(len, 76);
	expect_error(76, OFPET_BAD_ACTION, OFPBAC_BAD_LEN);
}

static void actions_of_a_packet_out_are_checked(void)
{
	size_t len = encode_named("packet_out");

	fb_set16(encoded + 16, 0x0c00);
	expect_error(len, OFPET_BAD_ACTION, OFPBAC_BAD_TYPE);
	fb_set16(encoded + 16, OFPAT_OUTPUT);
	fb_set16(encoded + 18, 0);
	expect_error(len, OFPET_BAD_ACTION, OFPBAC_BAD_LEN);
	fb_set16(encoded + 18, 8);
	expect_good(len);
	fb_set16(encoded + 14, 4);
	expect_error(len, OFPET_BAD_ACTION, OFPBAC_BAD_LEN);
	fb_set16(encoded + 14, (uint16_t)(len - 16 + 1));
	expect_bad_len(len);
}

static void vendor_actions_are_left_to_the_receiver(void)
{
	expect_good(encode_named("flow_mod vendor"));
}

static void flow_statistics_are_checked_by_their_own_lengths(void)
{
	size_t len = encode_named("stats_reply flow");
	uint16_t second = fb_get16(encoded + 12 + 88);

	CU_ASSERT_EQUAL_FATAL(len, 12u + 88 + second);
	fb_set16(encoded + 12, 87);
	expect_bad_len(len);
	fb_set16(encoded + 12, 0);
	expect_bad_len(len);
	fb_set16(encoded + 12, 88);
	fb_set16(encoded + 100, (uint16_t)(second + 8));
	expect_bad_len(len);
	fb_set16(encoded + 100, (uint16_t)(second - 4));
	expect_error(len, OFPET_BAD_ACTION, OFPBAC_BAD_LEN);
	fb_set16(encoded + 100, second);
	fb_set16(encoded + 188, 12);
	expect_error(len, OFPET_BAD_ACTION, OFPBAC_BAD_TYPE);
	set_len(len, 12 + 88 + 87);
	expect_bad_len(12 + 88 + 87);
}

static void queues_are_checked_by_their_own_lengths(void)
{
	size_t len = encode_named("queue_get_config_reply");

	CU_ASSERT_EQUAL_FATAL(len, 16 + 24 + 24);
	fb_set16(encoded + 20, 7);
	expect_bad_len(len);
	fb_set16(encoded + 20, 0);
	expect_bad_len(len);
	fb_set16(encoded + 20, 49);
	expect_bad_len(len);
	fb_set16(encoded + 20, 12);
	expect_bad_len(len);
	fb_set16(encoded + 20, 24);
	fb_set16(encoded + 26, 7);
	expect_bad_len(len);
	fb_set16(encoded + 26, 8);
	expect_bad_len(len);
	fb_set16(encoded + 26, 24);
	expect_bad_len(len);
	fb_set16(encoded + 26, 16);
	expect_good(len);
	set_len(len, 60);
	expect_bad_len(60);
	set_len(len, 44);
	expect_bad_len(44);
}

/* A reply with one queue whose 'properties_len' bytes of properties begin with 'type' and 'len'. */
static void expect_queue_property(uint16_t type, uint16_t len, size_t properties_len, bool good)
{
	memset(encoded, 0, 256);
	encoded[0] = OFP_VERSION;
	encoded[1] = OFPT_QUEUE_GET_CONFIG_REPLY;
	fb_set16(encoded + 2, (uint16_t)(24 + properties_len));
	fb_set16(encoded + 20, (uint16_t)(8 + properties_len));
	fb_set16(encoded + 24, type);
	fb_set16(encoded + 26, len);
	if (good)
		expect_good(24 + properties_len);
	else
		expect_bad_len(24 + properties_len);
}

static void queue_properties_are_checked_by_their_own_lengths(void)
{
	for (size_t len = 1; len < 8; len++)
		expect_queue_property(99, 8, len, false);
	for (uint16_t len = 0; len <= 40; len++)
		expect_queue_property(99, len, 32, len == 32);
	expect_queue_property(OFPQT_NONE, 8, 8, true);
	expect_queue_property(OFPQT_MIN_RATE, 16, 16, true);
	expect_queue_property(OFPQT_MIN_RATE, 8, 8, false);
	expect_queue_property(OFPQT_MIN_RATE, 24, 24, false);
}

static void unknown_queue_properties_are_passed_over(void)
{
	static const uint8_t reply[] = {
		1, OFPT_QUEUE_GET_CONFIG_REPLY, 0, 56, 0, 0, 0, 9,
		0, 1, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 7, 0, 40, 0, 0,
		0, 99, 0, 16, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8,
		0, 1, 0, 16, 0, 0, 0, 0, 0, 250, 0, 0, 0, 0, 0, 0,
	};
	struct fb_packet_queue queue;
	struct fb_of_error error;
	struct fb_msg msg;
	size_t offset = 0;

	CU_ASSERT_EQUAL_FATAL(fb_msg_decode(reply, sizeof reply, &msg, &error), 0);
	CU_ASSERT_FATAL(fb_packet_queue_next(msg.queue_config_reply.queues, &offset, &queue));
	CU_ASSERT_EQUAL(queue.queue_id, 7);
	CU_ASSERT(queue.has_min_rate);
	CU_ASSERT_EQUAL(queue.min_rate, 250);
	CU_ASSERT_FALSE(fb_packet_queue_next(msg.queue_config_reply.queues, &offset, &queue));
}

/* Texts. */

static void texts_need_no_terminator_on_the_wire(void)
{
	size_t len = encode_named("port_status");
	struct fb_of_error error;
	struct fb_msg msg;

	memset(encoded + 24, 'x', OFP_MAX_PORT_NAME_LEN);
	CU_ASSERT_EQUAL_FATAL(fb_msg_decode(encoded, len, &msg, &error), 0);
	CU_ASSERT_STRING_EQUAL(msg.port_status.desc.name, "xxxxxxxxxxxxxxxx");
	len = encode_named("stats_reply desc");
	memset(encoded + 12, 'y', 1056);
	CU_ASSERT_EQUAL_FATAL(fb_msg_decode(encoded, len, &msg, &error), 0);
	CU_ASSERT_EQUAL(strlen(msg.stats_reply.desc.mfr_desc), DESC_STR_LEN);
	CU_ASSERT_EQUAL(strlen(msg.stats_reply.desc.serial_num), SERIAL_NUM_LEN);
	CU_ASSERT_EQUAL(strlen(msg.stats_reply.desc.dp_desc), DESC_STR_LEN);
}

static void texts_are_terminated_when_they_are_sent(void)
{
	struct fb_buf out = fb_buf_make(encoded, sizeof encoded);
	struct fb_phy_port port = sample_port;

	memset(encoded, 0xaa, sizeof encoded);
	memcpy(port.name, "sixteen letters!", 17);
	CU_ASSERT(fb_phy_port_put(&out, &port));
	CU_ASSERT(!memcmp(encoded + 8, "sixteen letters", 16));
	out.len = 0;
	memcpy(port.name, "s1\0rubbish", 11);
	CU_ASSERT(fb_phy_port_put(&out, &port));
	CU_ASSERT(!memcmp(encoded + 8, "s1\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
}

/* Makers and walkers. */

static void ports_and_tables_are_read_as_they_were_put(void)
{
	struct fb_table_stats table = {
		.table_id = 1, .name = "classifier", .wildcards = 2, .max_entries = 3,
		.active_count = 4, .lookup_count = 5, .matched_count = 6};
	struct fb_buf out = fb_buf_make(encoded, sizeof encoded);
	struct fb_table_stats table_read;
	struct fb_phy_port port;
	size_t offset = 0;

	CU_ASSERT(fb_table_stats_put(&out, &table));
	CU_ASSERT(fb_table_stats_next((struct fb_view){encoded, 64}, &offset, &table_read));
	CU_ASSERT(table_read.table_id == 1 && !strcmp(table_read.name, "classifier"));
	CU_ASSERT(table_read.wildcards == 2 && table_read.max_entries == 3);
	CU_ASSERT(table_read.active_count == 4 && table_read.lookup_count == 5);
	CU_ASSERT(table_read.matched_count == 6);
	out.len = offset = 0;
	CU_ASSERT(fb_phy_port_put(&out, &sample_port));
	CU_ASSERT(fb_phy_port_next((struct fb_view){encoded, 48}, &offset, &port));
	CU_ASSERT(port.port_no == sample_port.port_no && !strcmp(port.name, sample_port.name));
	CU_ASSERT(fb_mac_equal(port.hw_addr, sample_port.hw_addr));
	CU_ASSERT(port.config == sample_port.config && port.state == sample_port.state);
	CU_ASSERT(port.curr == sample_port.curr && port.advertised == sample_port.advertised);
	CU_ASSERT(port.supported == sample_port.supported && port.peer == sample_port.peer);
	CU_ASSERT_EQUAL(offset, 48);
}

static void port_and_queue_statistics_are_read_as_they_were_put(void)
{
	struct fb_port_stats port = {
		.port_no = 1, .rx_packets = 2, .tx_packets = 3, .rx_bytes = 4, .tx_bytes = 5,
		.rx_dropped = 6, .tx_dropped = 7, .rx_errors = 8, .tx_errors = 9,
		.rx_frame_err = 10, .rx_over_err = 11, .rx_crc_err = 12, .collisions = 13};
	struct fb_queue_stats queue = {
		.port_no = 1, .queue_id = 2, .tx_bytes = 3, .tx_packets = 4, .tx_errors = 5};
	struct fb_buf out = fb_buf_make(encoded, sizeof encoded);
	struct fb_queue_stats queue_read;
	struct fb_port_stats port_read;
	size_t offset = 0;

	CU_ASSERT(fb_port_stats_put(&out, &port));
	CU_ASSERT(fb_port_stats_next((struct fb_view){encoded, 104}, &offset, &port_read));
	CU_ASSERT(port_read.port_no == 1);
	CU_ASSERT(port_read.rx_packets == 2 && port_read.tx_packets == 3);
	CU_ASSERT(port_read.rx_bytes == 4 && port_read.tx_bytes == 5);
	CU_ASSERT(port_read.rx_dropped == 6 && port_read.tx_dropped == 7);
	CU_ASSERT(port_read.rx_errors == 8 && port_read.tx_errors == 9);
	CU_ASSERT(port_read.rx_frame_err == 10 && port_read.rx_over_err == 11);
	CU_ASSERT(port_read.rx_crc_err == 12 && port_read.collisions == 13);
	out.len = offset = 0;
	CU_ASSERT(fb_queue_stats_put(&out, &queue));
	CU_ASSERT(fb_queue_stats_next((struct fb_view){encoded, 32}, &offset, &queue_read));
	CU_ASSERT(queue_read.port_no == 1 && queue_read.queue_id == 2 && queue_read.tx_bytes == 3);
	CU_ASSERT(queue_read.tx_packets == 4 && queue_read.tx_errors == 5);
}

static void flow_statistics_are_read_as_they_were_put(void)
{
	static const uint8_t output[] = {0, 0, 0, 8, 0, 7, 0, 0};
	struct fb_flow_stats flow = {
		.table_id = 1, .match = sample_match, .duration_sec = 2, .duration_nsec = 3,
		.priority = 4, .idle_timeout = 5, .hard_timeout = 6, .cookie = 7,
		.packet_count = 8, .byte_count = 9, .actions = {output, sizeof output}};
	struct fb_buf out = fb_buf_make(encoded, sizeof encoded);
	struct fb_flow_stats read;
	size_t offset = 0;

	CU_ASSERT(fb_flow_stats_put(&out, &flow));
	CU_ASSERT_EQUAL_FATAL(out.len, 96);
	CU_ASSERT(fb_flow_stats_next((struct fb_view){encoded, 96}, &offset, &read));
	CU_ASSERT(read.table_id == 1 && read.match.nw_dst == sample_match.nw_dst);
	CU_ASSERT(read.duration_sec == 2 && read.duration_nsec == 3 && read.priority == 4);
	CU_ASSERT(read.idle_timeout == 5 && read.hard_timeout == 6 && read.cookie == 7);
	CU_ASSERT(read.packet_count == 8 && read.byte_count == 9);
	CU_ASSERT(read.actions.len == 8 && !memcmp(read.actions.data, output, 8));
	CU_ASSERT_EQUAL(offset, 96);
}

static void what_was_in_the_buffer_does_not_show_through(void)
{
	static uint8_t first[MESSAGE_BYTES_MAX];

	codec_samples_make(&samples);
	for (size_t i = 0; i < samples.count; i++) {
		struct fb_buf out = fb_buf_make(first, sizeof first);
		struct fb_buf again = fb_buf_make(encoded, sizeof encoded);

		memset(first, 0xaa, sizeof first);
		memset(encoded, 0x55, sizeof encoded);
		memset(samples.memory, 0xaa, sizeof samples.memory);
		codec_samples_make(&samples);
		CU_ASSERT(fb_msg_encode(&out, &samples.sample[i].msg));
		memset(samples.memory, 0x55, sizeof samples.memory);
		codec_samples_make(&samples);
		CU_ASSERT(fb_msg_encode(&again, &samples.sample[i].msg));
		CU_ASSERT_EQUAL_FATAL(out.len, again.len);
		CU_ASSERT(!memcmp(first, encoded, out.len));
	}
}

static void elements_that_do_not_fit_are_not_put(void)
{
	static const uint8_t actions[65536];
	struct fb_flow_stats flow = {.actions = {actions, 65535 - 88 + 1}};
	struct fb_buf out = fb_buf_make(encoded, 31);

	CU_ASSERT_FALSE(fb_phy_port_put(&out, &sample_port));
	out.overflow = false;
	CU_ASSERT_FALSE(fb_table_stats_put(&out, &(struct fb_table_stats){.table_id = 1}));
	out.overflow = false;
	CU_ASSERT_FALSE(fb_port_stats_put(&out, &(struct fb_port_stats){.port_no = 1}));
	out.overflow = false;
	CU_ASSERT_FALSE(fb_queue_stats_put(&out, &(struct fb_queue_stats){.port_no = 1}));
	out.overflow = false;
	CU_ASSERT(fb_packet_queue_put(&out, &(struct fb_packet_queue){.has_min_rate = true}));
	CU_ASSERT_FALSE(fb_packet_queue_put(&out, &(struct fb_packet_queue){.queue_id = 1}));
	CU_ASSERT_EQUAL(out.len, 24);
	out = fb_buf_make(encoded, sizeof encoded);
	CU_ASSERT_FALSE(fb_flow_stats_put(&out, &flow));
	CU_ASSERT(out.overflow);
	CU_ASSERT_EQUAL(out.len, 0);
}

static void a_match_is_written_as_the_specification_draws_it(void)
{
	static const uint8_t expected[40] = {
		0x00, 0x30, 0x08, 0x00, 0, 3, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0, 100,
		5, 0, 8, 0, 0x2c, 6, 0, 0, 192, 168, 2, 1, 192, 168, 2, 2, 0x9c, 0x40, 0, 22,
	};
	struct fb_match match;
	uint8_t wire[40];

	memset(wire, 0xaa, sizeof wire);
	fb_match_encode(wire, &sample_match);
	CU_ASSERT(!memcmp(wire, expected, sizeof wire));
	fb_match_decode(wire, &match);
	CU_ASSERT_EQUAL(match.wildcards, sample_match.wildcards);
	CU_ASSERT_EQUAL(match.tp_dst, 22);
}

/* Errors that answer. */

static void an_error_carries_the_xid_and_64_bytes_or_more_of_its_cause(void)
{
	struct fb_of_error why = {OFPET_BAD_ACTION, OFPBAC_TOO_MANY, "too many"};
	struct fb_of_error error;
	uint8_t cause[1000];
	struct fb_msg msg;

	for (size_t i = 0; i < sizeof cause; i++)
		cause[i] = (uint8_t)(i * 3);
	for (size_t len = 0; len < sizeof cause; len++) {
		struct fb_buf out = fb_buf_make(encoded, sizeof encoded);

		CU_ASSERT(fb_msg_put_error(&out, &why, cause, len));
		CU_ASSERT_EQUAL_FATAL(fb_msg_decode(encoded, out.len, &msg, &error), 0);
		CU_ASSERT_EQUAL(msg.type, OFPT_ERROR);
		CU_ASSERT_EQUAL(msg.xid, len >= 8 ? fb_get32(cause + 4) : 0);
		CU_ASSERT_EQUAL(msg.error.type, OFPET_BAD_ACTION);
		CU_ASSERT_EQUAL(msg.error.code, OFPBAC_TOO_MANY);
		CU_ASSERT(msg.error.data.len >= (len < 64 ? len : 64));
		CU_ASSERT(msg.error.data.len <= len && out.len < 512);
		CU_ASSERT(!memcmp(msg.error.data.data, cause, msg.error.data.len));
	}
}

static void a_hello_failed_error_carries_its_text(void)
{
	struct fb_of_error why = {OFPET_HELLO_FAILED, OFPHFC_INCOMPATIBLE, "version 1 only"};
	struct fb_buf out = fb_buf_make(encoded, sizeof encoded);
	static const uint8_t hello[] = {4, 0, 0, 8, 1, 2, 3, 4};
	struct fb_of_error error;
	struct fb_msg msg;

	CU_ASSERT(fb_msg_put_error(&out, &why, hello, sizeof hello));
	CU_ASSERT_EQUAL_FATAL(fb_msg_decode(encoded, out.len, &msg, &error), 0);
	CU_ASSERT_EQUAL(msg.version, OFP_VERSION);
	CU_ASSERT_EQUAL(msg.xid, 0x01020304);
	CU_ASSERT_EQUAL_FATAL(msg.error.data.len, strlen(why.why));
	CU_ASSERT(!memcmp(msg.error.data.data, why.why, msg.error.data.len));
}

UNIT_TESTS("message", UNIT_TEST(every_sample_decodes_to_what_was_encoded),
	   UNIT_TEST(the_samples_hold_every_type),
	   UNIT_TEST(what_does_not_fit_leaves_the_buffer_as_it_was), UNIT_TEST(messages_are_appended),
	   UNIT_TEST(a_message_of_65535_bytes_is_the_largest),
	   UNIT_TEST(a_message_of_no_known_type_is_not_encoded),
	   UNIT_TEST(a_header_that_lies_about_its_length_is_bad),
	   UNIT_TEST(every_truncation_is_refused_or_decodes),
	   UNIT_TEST(every_word_of_every_message_may_be_wrong), UNIT_TEST(each_type_has_its_size),
	   UNIT_TEST(each_statistics_request_has_its_size),
	   UNIT_TEST(each_statistics_reply_has_its_size),
	   UNIT_TEST(vendor_statistics_hold_a_vendor_id),
	   UNIT_TEST(another_version_is_bad_but_for_hello_and_error),
	   UNIT_TEST(an_unknown_type_is_bad), UNIT_TEST(an_unknown_statistics_type_is_bad),
	   UNIT_TEST(an_unknown_flow_mod_command_is_bad),
	   UNIT_TEST(a_hello_takes_any_version_and_any_body),
	   UNIT_TEST(ports_of_a_features_reply_are_whole),
	   UNIT_TEST(actions_of_a_flow_mod_are_checked),
	   UNIT_TEST(actions_of_a_packet_out_are_checked),
	   UNIT_TEST(vendor_actions_are_left_to_the_receiver),
	   UNIT_TEST(flow_statistics_are_checked_by_their_own_lengths),
	   UNIT_TEST(queues_are_checked_by_their_own_lengths),
	   UNIT_TEST(queue_properties_are_checked_by_their_own_lengths),
	   UNIT_TEST(unknown_queue_properties_are_passed_over),
	   UNIT_TEST(texts_need_no_terminator_on_the_wire),
	   UNIT_TEST(texts_are_terminated_when_they_are_sent),
	   UNIT_TEST(ports_and_tables_are_read_as_they_were_put),
	   UNIT_TEST(port_and_queue_statistics_are_read_as_they_were_put),
	   UNIT_TEST(flow_statistics_are_read_as_they_were_put),
	   UNIT_TEST(what_was_in_the_buffer_does_not_show_through),
	   UNIT_TEST(elements_that_do_not_fit_are_not_put),
	   UNIT_TEST(a_match_is_written_as_the_specification_draws_it),
	   UNIT_TEST(an_error_carries_the_xid_and_64_bytes_or_more_of_its_cause),
	   UNIT_TEST(a_hello_failed_error_carries_its_text))
