/* Packet buffers: their ids, their limit, their end. */
#include "tests/unit/harness.h"

#include <flowbed/openflow.h>

#include "softswitch/buffers.h"

static const struct frame_origin port_1 = {.in_port = 1};

struct fixture {
	struct frame_pool *pool;
	struct buffers buffers;
	struct frame *frame;
};

static struct fixture begin(uint32_t slots_max)
{
	struct fixture f = {.pool = frame_pool_new()};

	f.frame = frame_copy_of(f.pool, "fourteen bytes", 14);
	buffers_init(&f.buffers, slots_max, 100);
	return f;
}

/* Nothing may hold the frame any more. */
static void end(struct fixture *f)
{
	buffers_destroy(&f->buffers);
	CU_ASSERT_EQUAL(f->frame->refs, 1);
	frame_unref(f->frame);
	frame_pool_free(f->pool);
}

static uint32_t put(struct fixture *f, uint16_t in_port, uint64_t now_ns)
{
	uint32_t id = 0;

	CU_ASSERT_TRUE_FATAL(buffers_put(&f->buffers, f->frame,
	                                 (struct frame_origin){in_port, 1500}, now_ns, &id));
	return id;
}

static enum buffers_result take(struct fixture *f, uint32_t id)
{
	struct frame *frame;
	struct frame_origin origin;
	enum buffers_result result = buffers_take(&f->buffers, id, &frame, &origin);

	if (result == BUFFERS_OK)
		frame_unref(frame);
	return result;
}

static void a_buffer_gives_back_its_frame_and_origin_once(void)
{
	struct fixture f = begin(4);
	uint32_t id = put(&f, 7, 0);
	struct frame *frame = NULL;
	struct frame_origin origin = {0, 0};

	CU_ASSERT_EQUAL(f.buffers.in_use, 1);
	CU_ASSERT_EQUAL(buffers_take(&f.buffers, id, &frame, &origin), BUFFERS_OK);
	CU_ASSERT_PTR_EQUAL(frame, f.frame);
	CU_ASSERT_EQUAL(origin.in_port, 7);
	CU_ASSERT_EQUAL(origin.fragment_max, 1500);
	frame_unref(frame);
	CU_ASSERT_EQUAL(f.buffers.in_use, 0);
	CU_ASSERT_EQUAL(take(&f, id), BUFFERS_EMPTY);
	end(&f);
}

static void ids_that_were_never_given_out_are_unknown(void)
{
	struct fixture f = begin(4);
	uint32_t id = put(&f, 1, 0);

	for (uint32_t other = 0; other < 64; other++) {
		if (other != id)
			CU_ASSERT_EQUAL(take(&f, other), BUFFERS_UNKNOWN);
	}
	CU_ASSERT_EQUAL(take(&f, OFP_NO_BUFFER), BUFFERS_UNKNOWN);
	CU_ASSERT_EQUAL(take(&f, 0x80000000u | id), BUFFERS_UNKNOWN);
	CU_ASSERT_EQUAL(take(&f, id), BUFFERS_OK);
	end(&f);
}

static void an_id_is_known_as_used_when_its_slot_serves_another(void)
{
	struct fixture f = begin(2);
	uint32_t first = put(&f, 1, 0), second, third;

	CU_ASSERT_EQUAL(take(&f, first), BUFFERS_OK);
	second = put(&f, 1, 0);
	third = put(&f, 1, 0);
	CU_ASSERT_NOT_EQUAL(first, second);
	CU_ASSERT_NOT_EQUAL(first, third);
	CU_ASSERT_EQUAL(take(&f, first), BUFFERS_EMPTY);
	CU_ASSERT_EQUAL(f.buffers.in_use, 2);
	end(&f);
}

static void no_more_than_the_limit_are_kept(void)
{
	struct fixture f = begin(3);
	uint32_t ids[3], id;

	for (int i = 0; i < 3; i++)
		ids[i] = put(&f, 1, 0);
	CU_ASSERT_FALSE(buffers_put(&f.buffers, f.frame, port_1, 0, &id));
	CU_ASSERT_EQUAL(take(&f, ids[1]), BUFFERS_OK);
	CU_ASSERT_TRUE(buffers_put(&f.buffers, f.frame, port_1, 0, &id));
	CU_ASSERT_FALSE(buffers_put(&f.buffers, f.frame, port_1, 0, &id));
	end(&f);
}

static void without_slots_nothing_is_kept(void)
{
	struct fixture f = begin(0);
	uint32_t id;

	CU_ASSERT_FALSE(buffers_put(&f.buffers, f.frame, port_1, 0, &id));
	CU_ASSERT_EQUAL(take(&f, 0), BUFFERS_UNKNOWN);
	CU_ASSERT_EQUAL(buffers_deadline(&f.buffers), FB_NEVER);
	end(&f);
}

static void a_buffer_expires_to_the_nanosecond(void)
{
	struct fixture f = begin(4);
	uint32_t first = put(&f, 1, 1000), second = put(&f, 1, 1001);

	CU_ASSERT_EQUAL(buffers_deadline(&f.buffers), 1100);
	CU_ASSERT_EQUAL(buffers_expire(&f.buffers, 1099), 0);
	CU_ASSERT_EQUAL(buffers_expire(&f.buffers, 1100), 1);
	CU_ASSERT_EQUAL(take(&f, first), BUFFERS_EMPTY);
	CU_ASSERT_EQUAL(buffers_deadline(&f.buffers), 1101);
	CU_ASSERT_EQUAL(take(&f, second), BUFFERS_OK);
	CU_ASSERT_EQUAL(buffers_deadline(&f.buffers), FB_NEVER);
	end(&f);
}

static void buffers_used_in_any_order_expire_in_theirs(void)
{
	struct fixture f = begin(8);
	uint32_t ids[8];

	for (unsigned i = 0; i < 8; i++)
		ids[i] = put(&f, 1, i);
	CU_ASSERT_EQUAL(take(&f, ids[0]), BUFFERS_OK);
	CU_ASSERT_EQUAL(take(&f, ids[3]), BUFFERS_OK);
	CU_ASSERT_EQUAL(take(&f, ids[7]), BUFFERS_OK);
	CU_ASSERT_EQUAL(buffers_deadline(&f.buffers), 101);
	CU_ASSERT_EQUAL(buffers_expire(&f.buffers, 104), 3);
	CU_ASSERT_EQUAL(f.buffers.in_use, 2);
	CU_ASSERT_EQUAL(take(&f, ids[4]), BUFFERS_EMPTY);
	CU_ASSERT_EQUAL(take(&f, ids[5]), BUFFERS_OK);
	for (unsigned i = 0; i < 7; i++)
		put(&f, 1, 200);
	CU_ASSERT_FALSE(buffers_put(&f.buffers, f.frame, port_1, 200, &ids[0]));
	end(&f);
}

static void at_the_end_of_time_nothing_is_due(void)
{
	struct fixture f = begin(4);

	CU_ASSERT_EQUAL(buffers_expire(&f.buffers, FB_NEVER), 0);
	put(&f, 1, FB_NEVER - 50);
	CU_ASSERT_EQUAL(buffers_deadline(&f.buffers), FB_NEVER);
	CU_ASSERT_EQUAL(buffers_expire(&f.buffers, FB_NEVER), 0);
	CU_ASSERT_EQUAL(f.buffers.in_use, 1);
	end(&f);
}

static void ids_go_round_after_a_long_time_only(void)
{
	struct fixture f = begin(65536);
	uint32_t first = put(&f, 1, 0), id = 0;
	unsigned repeats = 0;

	/* 15 bits count the uses of a slot, and free slots take turns. */
	CU_ASSERT_EQUAL(take(&f, first), BUFFERS_OK);
	for (unsigned i = 1; i < 65536 * 20; i++) {
		id = put(&f, 1, 0);
		repeats += id == first;
		take(&f, id);
	}
	CU_ASSERT_EQUAL(repeats, 0);
	CU_ASSERT_EQUAL(take(&f, first), BUFFERS_EMPTY);
	end(&f);
}

UNIT_TESTS("buffers", UNIT_TEST(a_buffer_gives_back_its_frame_and_origin_once),
           UNIT_TEST(ids_that_were_never_given_out_are_unknown),
           UNIT_TEST(an_id_is_known_as_used_when_its_slot_serves_another),
           UNIT_TEST(no_more_than_the_limit_are_kept), UNIT_TEST(without_slots_nothing_is_kept),
           UNIT_TEST(a_buffer_expires_to_the_nanosecond),
           UNIT_TEST(buffers_used_in_any_order_expire_in_theirs),
           UNIT_TEST(at_the_end_of_time_nothing_is_due),
           UNIT_TEST(ids_go_round_after_a_long_time_only))
