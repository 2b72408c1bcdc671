/* Which frames and messages are of discovery. */
#include <string.h>

#include <flowbed/message.h>
#include <flowbed/packet.h>

#include "sim/lldp.h"
#include "tests/unit/harness.h"

static const uint8_t lldp[] = {0x01, 0x80, 0xc2, 0, 0, 0x0e, 2, 0, 0, 0, 0, 1, 0x88, 0xcc, 2, 7};
static const uint8_t arp[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1};
static const uint8_t output[] = {0, 0, 0, 8, 0, 1, 0, 0};

static uint8_t bytes[4096];
static struct fb_buf out;
static struct lldp_buffers buffers;

static void begin(void)
{
	out = fb_buf_make(bytes, sizeof bytes);
	buffers = (struct lldp_buffers){0};
}

static void put_packet_in(uint32_t buffer_id, const uint8_t *frame)
{
	const struct fb_of_packet_in pi = {
	        .buffer_id = buffer_id, .total_len = 16, .in_port = 1, .data = {frame, 16}};

	CU_ASSERT_TRUE(fb_msg_put_packet_in(&out, 1, &pi));
}

static void put_packet_out(uint32_t buffer_id, const uint8_t *frame)
{
	const struct fb_packet_out po = {.buffer_id = buffer_id,
	                                 .in_port = OFPP_NONE,
	                                 .actions = {output, sizeof output},
	                                 .data = {frame, frame ? 16 : 0}};

	CU_ASSERT_TRUE(fb_msg_put_packet_out(&out, 2, &po));
}

/* What was put weighs so much; then there is nothing more. */
static void weighs(uint32_t messages, uint32_t background)
{
	const struct channel_load load = lldp_weigh(&buffers, bytes, out.len);

	CU_ASSERT_EQUAL(load.messages, messages);
	CU_ASSERT_EQUAL(load.background, background);
	out.len = 0;
}

static void frames_are_known_by_their_type(void)
{
	CU_ASSERT_TRUE(lldp_is_frame(lldp, sizeof lldp));
	CU_ASSERT_TRUE(lldp_is_frame(lldp, 14));
	CU_ASSERT_FALSE(lldp_is_frame(lldp, 13));
	CU_ASSERT_FALSE(lldp_is_frame(arp, sizeof arp));
}

static void messages_are_known_by_the_frame_that_they_carry(void)
{
	begin();
	put_packet_in(OFP_NO_BUFFER, lldp);
	put_packet_in(OFP_NO_BUFFER, arp);
	put_packet_out(OFP_NO_BUFFER, lldp);
	put_packet_out(OFP_NO_BUFFER, arp);
	CU_ASSERT_TRUE(fb_msg_put_header_only(&out, OFPT_HELLO, 3));
	weighs(5, 2);
}

static void echoes_are_no_discovery(void)
{
	struct channel_load load;

	begin();
	CU_ASSERT_TRUE(fb_msg_put_header_only(&out, OFPT_ECHO_REQUEST, 3));
	CU_ASSERT_TRUE(fb_msg_put_header_only(&out, OFPT_ECHO_REPLY, 4));
	put_packet_in(OFP_NO_BUFFER, lldp);
	load = lldp_weigh(&buffers, bytes, out.len);
	CU_ASSERT_EQUAL(load.echoes, 2);
	CU_ASSERT_TRUE(channel_load_is_background(&load));
	weighs(3, 1);
	CU_ASSERT_TRUE(fb_msg_put_header_only(&out, OFPT_ECHO_REQUEST, 3));
	CU_ASSERT_TRUE(fb_msg_put_header_only(&out, OFPT_BARRIER_REQUEST, 4));
	load = lldp_weigh(&buffers, bytes, out.len);
	CU_ASSERT_FALSE(channel_load_is_background(&load));
	weighs(2, 0);
}

static void who_lets_such_a_buffer_go_discovers_too(void)
{
	begin();
	put_packet_in(7, lldp);
	put_packet_in(8, lldp);
	put_packet_in(9, arp);
	weighs(3, 2);
	put_packet_out(9, NULL);
	put_packet_out(8, NULL);
	put_packet_out(7, NULL);
	weighs(3, 2);
	/* Those are gone. */
	put_packet_out(7, NULL);
	weighs(1, 0);
	lldp_buffers_forget(&buffers);
}

static void buffers_that_are_never_let_go_are_forgotten(void)
{
	begin();
	for (uint32_t id = 0; id <= LLDP_BUFFERS_MAX; id++) {
		put_packet_in(id, lldp);
		weighs(1, 1);
	}
	CU_ASSERT_EQUAL(buffers.count, LLDP_BUFFERS_MAX);
	put_packet_out(0, NULL);
	weighs(1, 0);
	put_packet_out(1, NULL);
	put_packet_out(LLDP_BUFFERS_MAX, NULL);
	weighs(2, 2);
	lldp_buffers_forget(&buffers);
}

static void what_is_no_message_is_no_discovery(void)
{
	begin();
	put_packet_in(OFP_NO_BUFFER, lldp);
	out.len--;
	weighs(1, 0);
	memset(bytes, 0, sizeof bytes);
	out.len = 100;
	weighs(1, 0);
	out.len = 7;
	weighs(1, 0);
	weighs(0, 0);
	/* A packet-out whose actions are longer than itself. */
	put_packet_out(OFP_NO_BUFFER, lldp);
	bytes[14] = 0xff;
	weighs(1, 0);
}

UNIT_TESTS("lldp", UNIT_TEST(frames_are_known_by_their_type),
           UNIT_TEST(messages_are_known_by_the_frame_that_they_carry),
           UNIT_TEST(echoes_are_no_discovery), UNIT_TEST(who_lets_such_a_buffer_go_discovers_too),
           UNIT_TEST(buffers_that_are_never_let_go_are_forgotten),
           UNIT_TEST(what_is_no_message_is_no_discovery))
