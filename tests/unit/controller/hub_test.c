/* The application hub. */
#include "tests/unit/harness.h"

#include "tests/unit/controller/fake_switch.h"

static void a_buffered_frame_is_flooded_by_its_buffer_id(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;
	const struct fb_msg *msg;
	uint8_t frame[60];

	bench_add(b, &fb_app_hub, "");
	sw = fake_switch_join(b, 1, 3);
	fake_switch_packet_in(sw, 0, 2, frame,
	                      fake_frame(frame, 1, 2)); /* 0 is a buffer id like any other */
	msg = fake_switch_expect(sw, OFPT_PACKET_OUT);
	CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
	CU_ASSERT_EQUAL(msg->packet_out.buffer_id, 0);
	CU_ASSERT_EQUAL(msg->packet_out.in_port, 2);
	CU_ASSERT_EQUAL(fake_only_output(msg->packet_out.actions), OFPP_FLOOD);
	CU_ASSERT_EQUAL(msg->packet_out.data.len, 0);
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	bench_free(b);
}

static void an_unbuffered_frame_is_flooded_with_its_bytes(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;
	const struct fb_msg *msg;
	uint8_t frame[60];

	bench_add(b, &fb_app_hub, "");
	sw = fake_switch_join(b, 1, 3);
	fake_switch_packet_in(sw, OFP_NO_BUFFER, 2, frame, fake_frame(frame, 1, 2));
	msg = fake_switch_expect(sw, OFPT_PACKET_OUT);
	CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
	CU_ASSERT_EQUAL(msg->packet_out.buffer_id, OFP_NO_BUFFER);
	CU_ASSERT_EQUAL(msg->packet_out.in_port, 2);
	CU_ASSERT_EQUAL(fake_only_output(msg->packet_out.actions), OFPP_FLOOD);
	CU_ASSERT_EQUAL_FATAL(msg->packet_out.data.len, sizeof frame);
	CU_ASSERT(memcmp(msg->packet_out.data.data, frame, sizeof frame) == 0);
	bench_free(b);
}

/* The bytes that came may be fewer than total_len says (then only the buffer helps) or more. */
static void a_frame_that_came_cut_is_sent_from_its_buffer_only(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;
	uint8_t frame[60];
	struct fb_msg in = {.version = OFP_VERSION, .type = OFPT_PACKET_IN};

	bench_add(b, &fb_app_hub, "");
	sw = fake_switch_join(b, 1, 3);
	in.packet_in = (struct fb_of_packet_in){
	        .buffer_id = 5,
	        .total_len = 1500,
	        .in_port = 1,
	        .data = {frame, fake_frame(frame, 1, 2)},
	};
	fake_switch_send(sw, &in);
	CU_ASSERT_PTR_NOT_NULL(fake_switch_expect(sw, OFPT_PACKET_OUT));
	in.packet_in.buffer_id = OFP_NO_BUFFER;
	fake_switch_send(sw, &in);
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	CU_ASSERT_EQUAL(bench_counter(b, "hub", "frames_cut"), 1);
	in.packet_in.total_len = 42;
	fake_switch_send(sw, &in);
	CU_ASSERT_PTR_NOT_NULL(fake_switch_expect(sw, OFPT_PACKET_OUT));
	CU_ASSERT_EQUAL(bench_counter(b, "hub", "frames"), 2);
	bench_free(b);
}

/* A packet-in can be as long as a message; with actions the packet-out would be longer. */
static void a_frame_too_long_for_a_packet_out_is_counted(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;
	static uint8_t frame[65517];

	bench_add(b, &fb_app_hub, "");
	sw = fake_switch_join(b, 1, 3);
	fake_switch_packet_in(sw, OFP_NO_BUFFER, 1, frame, sizeof frame);
	CU_ASSERT_PTR_NULL(fake_switch_next(sw));
	CU_ASSERT_EQUAL(bench_counter(b, "hub", "frames_cut"), 1);
	fake_switch_packet_in(sw, OFP_NO_BUFFER, 1, frame, 65535 - 24);
	CU_ASSERT_PTR_NOT_NULL(fake_switch_expect(sw, OFPT_PACKET_OUT));
	bench_free(b);
}

static void one_read_is_answered_by_one_send(void)
{
	struct bench *b = bench_new();
	struct fake_switch *sw;
	static uint8_t bytes[65536];
	struct fb_buf buf = fb_buf_make(bytes, sizeof bytes);
	uint8_t frame[60];
	struct fb_of_packet_in pi = {
	        .total_len = 60, .in_port = 1, .data = {frame, fake_frame(frame, 1, 2)}};

	bench_add(b, &fb_app_hub, "");
	sw = fake_switch_join(b, 1, 3);
	for (pi.buffer_id = 0; pi.buffer_id < 300; pi.buffer_id++)
		fb_msg_put_packet_in(&buf, 0, &pi);
	fake_switch_feed(sw, bytes, buf.len);
	CU_ASSERT_EQUAL(sw->sends, 1);
	for (uint32_t i = 0; i < 300; i++) {
		const struct fb_msg *msg = fake_switch_expect(sw, OFPT_PACKET_OUT);

		CU_ASSERT_PTR_NOT_NULL_FATAL(msg);
		CU_ASSERT_EQUAL(msg->packet_out.buffer_id, i);
	}
	bench_free(b);
}

UNIT_TESTS("hub", UNIT_TEST(a_buffered_frame_is_flooded_by_its_buffer_id),
           UNIT_TEST(an_unbuffered_frame_is_flooded_with_its_bytes),
           UNIT_TEST(a_frame_that_came_cut_is_sent_from_its_buffer_only),
           UNIT_TEST(a_frame_too_long_for_a_packet_out_is_counted),
           UNIT_TEST(one_read_is_answered_by_one_send))
