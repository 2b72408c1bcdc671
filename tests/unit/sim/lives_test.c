/* Frames are known again wherever they turn up. */
#include <string.h>

#include <flowbed/packet.h>
#include <flowbed/time.h>

#include "sim/lives.h"
#include "tests/unit/harness.h"

static struct lives *lives;
static struct frame_pool *pool;
static uint64_t now_ns;

enum { H1, H2, WAY_1 = 10, WAY_2, WAY_3 };

static void begin(void)
{
	lives = lives_new();
	pool = frame_pool_new();
	now_ns = 1000;
}

static void end(void)
{
	CU_ASSERT_EQUAL(frame_pool_in_use(pool), 0);
	lives_free(lives);
	frame_pool_free(pool);
}

static const uint8_t one[] = {2, 0, 0, 0, 0, 1}, two[] = {2, 0, 0, 0, 0, 2};

/* A TCP segment from 'src_port' to 'dl_dst', the number 'ip_id' of its sender. */
static struct frame *segment(const uint8_t *dl_dst, uint16_t ip_id, uint16_t src_port)
{
	uint8_t bytes[200];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};
	const struct fb_ipv4_spec ip = {.nw_src = 0x0a000001, .nw_dst = 0x0a000002, .ip_id = ip_id};
	const struct fb_tcp_spec tcp = {
	        .tp_src = src_port, .tp_dst = 22, .seq = 5, .flags = FB_TCP_ACK};

	memcpy(eth.dl_src, one, FB_MAC_BYTES);
	memcpy(eth.dl_dst, dl_dst, FB_MAC_BYTES);
	CU_ASSERT_TRUE(fb_build_tcp(&out, &eth, &ip, &tcp, (const uint8_t *)"abc", 3));
	return frame_copy_of(pool, bytes, out.len);
}

/* H1 sends a segment, which end_with() frees. */
static struct frame *begin_with_segment(void)
{
	struct frame *frame;

	begin();
	frame = segment(one, 1, 4000);
	lives_begin(lives, frame, H1, now_ns);
	return frame;
}

static void end_with(struct frame *frame)
{
	frame_unref(frame);
	end();
}

/* An ARP request, all of which are the same. */
static struct frame *request(void)
{
	uint8_t bytes[100];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	struct fb_eth_spec eth = {.has_vlan = false};

	memset(eth.dl_dst, 0xff, FB_MAC_BYTES);
	CU_ASSERT_TRUE(fb_build_arp(&out, &eth, FB_ARP_REQUEST, one, 1, two, 2));
	return frame_copy_of(pool, bytes, out.len);
}

/* The bytes as a controller sends them back: a frame that nobody knows. */
static struct frame *again(struct frame *frame)
{
	return frame_copy_of(pool, frame_data(frame), frame->len);
}

static bool passes(struct frame *frame, uint64_t way)
{
	return lives_pass(lives, frame, way, now_ns) != LIVES_TWICE;
}

static void a_frame_goes_each_way_once(void)
{
	struct frame *frame = begin_with_segment();

	CU_ASSERT_EQUAL(lives_sender(lives, frame), H1);
	for (uint32_t way = 0; way < 100; way++)
		CU_ASSERT_TRUE(passes(frame, way));
	for (uint32_t way = 0; way < 100; way++)
		CU_ASSERT_FALSE(passes(frame, way));
	/* Sent once more it is another one. */
	lives_begin(lives, frame, H1, now_ns);
	CU_ASSERT_TRUE(passes(frame, 1));
	end_with(frame);
}

static void another_destination_is_another_way(void)
{
	struct frame *frame = begin_with_segment();

	CU_ASSERT_TRUE(passes(frame, WAY_1));
	memcpy(frame_data(frame), two, FB_MAC_BYTES);
	CU_ASSERT_TRUE(passes(frame, WAY_1));
	CU_ASSERT_FALSE(passes(frame, WAY_1));
	memcpy(frame_data(frame), one, FB_MAC_BYTES);
	CU_ASSERT_FALSE(passes(frame, WAY_1));
	end_with(frame);
}

static void a_link_that_doubles_allows_one_more(void)
{
	struct frame *frame = begin_with_segment();

	CU_ASSERT_TRUE(passes(frame, WAY_1));
	lives_double(lives, frame, WAY_1);
	/* The copy is behind that way, on which there was one only. */
	CU_ASSERT_FALSE(passes(frame, WAY_1));
	for (uint32_t way = WAY_2; way < WAY_2 + 10; way++)
		CU_ASSERT_TRUE(passes(frame, way) && passes(frame, way) && !passes(frame, way));
	lives_double(lives, frame, WAY_2 + 5);
	CU_ASSERT_FALSE(passes(frame, WAY_2 + 5));
	CU_ASSERT_FALSE(passes(frame, WAY_2)); /* it had gone there three times already */
	CU_ASSERT_TRUE(passes(frame, 1000) && passes(frame, 1000) && passes(frame, 1000));
	CU_ASSERT_FALSE(passes(frame, 1000));
	end_with(frame);
}

static void what_a_link_loses_has_not_gone_its_way(void)
{
	struct frame *frame = begin_with_segment();

	for (uint64_t way = 0; way < 100; way++) {
		CU_ASSERT_TRUE(passes(frame, way));
		lives_lose(lives, frame, way);
		CU_ASSERT_FALSE(lives_has_passed(lives, frame, way));
		CU_ASSERT_TRUE(passes(frame, way));
		CU_ASSERT_FALSE(passes(frame, way));
	}
	end_with(frame);
}

static void a_copy_that_is_lost_leaves_the_other_one(void)
{
	struct frame *frame = begin_with_segment();

	CU_ASSERT_TRUE(passes(frame, WAY_1));
	lives_double(lives, frame, WAY_1);
	lives_lose(lives, frame, WAY_1);
	CU_ASSERT_TRUE(lives_has_passed(lives, frame, WAY_1));
	CU_ASSERT_FALSE(passes(frame, WAY_1));
	CU_ASSERT_TRUE(passes(frame, WAY_2));
	CU_ASSERT_FALSE(passes(frame, WAY_2));
	end_with(frame);
}

static void a_plug_elsewhere_is_another_way(void)
{
	struct frame *frame = begin_with_segment();

	CU_ASSERT_TRUE(passes(frame, WAY_1));
	CU_ASSERT_TRUE(passes(frame, UINT64_C(1) << 32 | WAY_1));
	CU_ASSERT_FALSE(passes(frame, UINT64_C(1) << 32 | WAY_1));
	end_with(frame);
}

static void an_arp_reply_that_comes_once_more_may_be_the_controllers(void)
{
	uint8_t bytes[100];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	const struct fb_eth_spec eth = {.has_vlan = false};
	struct frame *frame;

	begin();
	CU_ASSERT_TRUE(fb_build_arp(&out, &eth, FB_ARP_REPLY, one, 1, two, 2));
	frame = frame_copy_of(pool, bytes, out.len);
	lives_begin(lives, frame, H1, now_ns);
	CU_ASSERT_TRUE(passes(frame, WAY_1));
	CU_ASSERT_FALSE(passes(frame, WAY_1));
	frame->tag = 0;
	CU_ASSERT_TRUE(passes(frame, WAY_1));
	CU_ASSERT_EQUAL(lives_sender(lives, frame), LIVES_NOBODY);
	end_with(frame);
}

static void the_controllers_arp_reply_may_come_before_that_of_the_host(void)
{
	uint8_t bytes[100];
	struct fb_buf out = fb_buf_make(bytes, sizeof bytes);
	const struct fb_eth_spec eth = {.has_vlan = false};
	struct frame *held, *made;

	begin();
	CU_ASSERT_TRUE(fb_build_arp(&out, &eth, FB_ARP_REPLY, one, 1, two, 2));
	held = frame_copy_of(pool, bytes, out.len);
	made = frame_copy_of(pool, bytes, out.len);
	lives_begin(lives, held, H1, now_ns); /* and a link holds it back */
	CU_ASSERT_TRUE(passes(made, WAY_1));
	CU_ASSERT_TRUE(passes(held, WAY_1));
	CU_ASSERT_FALSE(passes(held, WAY_1));
	frame_unref(held);
	frame_unref(made);
	end();
}

/* Two that are alike, of which the first comes back without its tag, and then the second with it. */
static void frames_that_are_alike_stand_in_for_each_other(void)
{
	struct frame *first, *second;

	begin();
	first = request();
	second = request();
	lives_begin(lives, first, H1, now_ns);
	lives_begin(lives, second, H1, now_ns);
	first->tag = 0;
	CU_ASSERT_TRUE(passes(first, WAY_1));
	CU_ASSERT_TRUE(passes(second, WAY_1));
	CU_ASSERT_FALSE(passes(second, WAY_1));
	frame_unref(first);
	frame_unref(second);
	end();
}

static void a_frame_that_a_link_changed_is_another_one(void)
{
	struct frame *frame = begin_with_segment();

	CU_ASSERT_TRUE(passes(frame, WAY_1));
	CU_ASSERT_FALSE(lives_is_changed(lives, frame));
	/* A port: frames are alike but for that, too, behind a switch that rewrites. */
	frame_data(frame)[FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES] ^= 1;
	lives_change(lives, frame, now_ns);
	CU_ASSERT_TRUE(lives_is_changed(lives, frame));
	CU_ASSERT_EQUAL(lives_sender(lives, frame), H1);
	CU_ASSERT_TRUE(passes(frame, WAY_1));
	/* Behind a controller, too. */
	frame->tag = 0;
	CU_ASSERT_TRUE(passes(frame, WAY_2));
	CU_ASSERT_TRUE(lives_is_changed(lives, frame));
	end_with(frame);
}

static void bytes_that_a_controller_sends_back_are_the_hosts_frame(void)
{
	struct frame *frame, *other;

	begin();
	frame = segment(one, 1, 4000);
	other = segment(one, 2, 4000);
	lives_begin(lives, frame, H1, now_ns);
	lives_begin(lives, other, H2, now_ns);
	passes(frame, WAY_1);
	frame_unref(frame);
	/* With other addresses, another port, and a tag, as rewriting leaves it. */
	frame = segment(two, 1, 4001);
	CU_ASSERT_TRUE(passes(frame, WAY_1));
	CU_ASSERT_EQUAL(lives_sender(lives, frame), H1);
	CU_ASSERT_TRUE(passes(frame, WAY_2));
	frame_unref(frame);
	frame = segment(two, 1, 4001);
	CU_ASSERT_FALSE(passes(frame, WAY_1));
	frame_unref(frame);
	frame_unref(other);
	end();
}

static void a_tag_of_a_vlan_changes_nothing(void)
{
	struct frame *frame, *tagged;
	uint8_t *data;

	begin();
	frame = segment(one, 1, 4000);
	lives_begin(lives, frame, H1, now_ns);
	tagged = frame_new(pool, frame->len + FB_VLAN_TAG_BYTES);
	data = frame_data(tagged);
	memcpy(data, frame_data(frame), 12);
	memcpy(data + 12, "\x81\x00\x00\x07", 4);
	memcpy(data + 16, frame_data(frame) + 12, frame->len - 12);
	passes(tagged, WAY_1);
	CU_ASSERT_EQUAL(lives_sender(lives, tagged), H1);
	frame_unref(frame);
	frame_unref(tagged);
	end();
}

static void what_nobody_sent_is_the_controllers(void)
{
	struct frame *frame, *same;

	begin();
	frame = segment(one, 1, 4000);
	CU_ASSERT_TRUE(passes(frame, WAY_1));
	CU_ASSERT_EQUAL(lives_sender(lives, frame), LIVES_NOBODY);
	CU_ASSERT_TRUE(passes(frame, WAY_2));
	CU_ASSERT_FALSE(passes(frame, WAY_1));
	/* It may make the same one again. */
	same = again(frame);
	CU_ASSERT_TRUE(passes(same, WAY_1));
	frame_unref(same);
	end_with(frame);
}

static void of_frames_that_are_alike_each_is_sent_back_once(void)
{
	struct frame *frames[3], *back;

	begin();
	for (unsigned i = 0; i < 3; i++) {
		frames[i] = request();
		lives_begin(lives, frames[i], H1, now_ns);
		passes(frames[i], WAY_1);
		now_ns += FB_NS_PER_S;
	}
	for (unsigned i = 0; i < 3; i++) {
		back = again(frames[i]);
		CU_ASSERT_TRUE(passes(back, WAY_2));
		CU_ASSERT_EQUAL(back->tag, frames[2 - i]->tag);
		CU_ASSERT_TRUE(passes(back, WAY_3));
		frame_unref(back);
	}
	back = again(frames[0]);
	CU_ASSERT_FALSE(passes(back, WAY_2));
	frame_unref(back);
	for (unsigned i = 0; i < 3; i++)
		frame_unref(frames[i]);
	end();
}

static void of_too_many_that_are_alike_nothing_is_said(void)
{
	enum { COUNT = 3 * LIVES_STEPS_MAX };
	struct frame *frame;

	begin();
	for (unsigned i = 0; i < COUNT; i++) {
		frame = request();
		lives_begin(lives, frame, H1, now_ns);
		passes(frame, WAY_1);
		frame_unref(frame);
	}
	for (unsigned i = 0; i < COUNT; i++) {
		frame = request();
		CU_ASSERT_TRUE(passes(frame, WAY_2));
		frame_unref(frame);
	}
	end();
}

static void after_a_while_bytes_are_nobodys(void)
{
	struct frame *frame, *back;

	begin();
	frame = request();
	lives_begin(lives, frame, H1, now_ns);
	passes(frame, WAY_1);
	now_ns += LIVES_ALIKE_NS;
	back = again(frame);
	passes(back, WAY_2);
	CU_ASSERT_EQUAL(lives_sender(lives, back), H1);
	frame_unref(back);
	now_ns++;
	back = again(frame);
	CU_ASSERT_TRUE(passes(back, WAY_2));
	CU_ASSERT_EQUAL(lives_sender(lives, back), LIVES_NOBODY);
	frame_unref(back);
	end_with(frame);
}

static void many_frames_at_a_time_are_kept_apart(void)
{
	enum { COUNT = 4000, WAYS = 8 };
	static struct frame *frames[COUNT];
	unsigned wrong = 0;

	begin();
	for (uint16_t i = 0; i < COUNT; i++) {
		frames[i] = segment(one, i, 4000);
		lives_begin(lives, frames[i], i, now_ns);
		for (uint32_t way = 0; way < WAYS; way++)
			wrong += !passes(frames[i], way);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	for (uint16_t i = 0; i < COUNT; i++) {
		struct frame *back = again(frames[i]);

		wrong += !passes(back, WAYS);
		wrong += lives_sender(lives, back) != i;
		for (uint32_t way = 0; way < WAYS; way++)
			wrong += passes(back, way);
		frame_unref(back);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	for (uint16_t i = 0; i < COUNT; i++)
		frame_unref(frames[i]);
	end();
}

static void what_is_forgotten_goes_for_new(void)
{
	struct frame *first, *frame;

	begin();
	first = segment(one, 1, 4000);
	lives_begin(lives, first, H1, now_ns);
	passes(first, WAY_1);
	for (unsigned i = 0; i < LIVES_MAX; i++) {
		frame = segment(one, (uint16_t)i, (uint16_t)(i >> 16));
		lives_begin(lives, frame, H2, now_ns);
		frame_unref(frame);
	}
	CU_ASSERT_EQUAL(lives_sender(lives, first), LIVES_NOBODY);
	CU_ASSERT_TRUE(passes(first, WAY_1));
	frame_unref(first);
	end();
}

UNIT_TESTS("lives", UNIT_TEST(a_frame_goes_each_way_once),
           UNIT_TEST(another_destination_is_another_way),
           UNIT_TEST(a_link_that_doubles_allows_one_more),
           UNIT_TEST(what_a_link_loses_has_not_gone_its_way),
           UNIT_TEST(a_copy_that_is_lost_leaves_the_other_one),
           UNIT_TEST(a_plug_elsewhere_is_another_way),
           UNIT_TEST(frames_that_are_alike_stand_in_for_each_other),
           UNIT_TEST(a_frame_that_a_link_changed_is_another_one),
           UNIT_TEST(an_arp_reply_that_comes_once_more_may_be_the_controllers),
           UNIT_TEST(the_controllers_arp_reply_may_come_before_that_of_the_host),
           UNIT_TEST(bytes_that_a_controller_sends_back_are_the_hosts_frame),
           UNIT_TEST(a_tag_of_a_vlan_changes_nothing),
           UNIT_TEST(what_nobody_sent_is_the_controllers),
           UNIT_TEST(of_frames_that_are_alike_each_is_sent_back_once),
           UNIT_TEST(of_too_many_that_are_alike_nothing_is_said),
           UNIT_TEST(after_a_while_bytes_are_nobodys),
           UNIT_TEST(many_frames_at_a_time_are_kept_apart),
           UNIT_TEST(what_is_forgotten_goes_for_new))
