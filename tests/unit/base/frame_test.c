/* Frames and their pool. */
#include "tests/unit/harness.h"

#include <string.h>

#include "lib/base/frame.h"

static void a_new_frame_has_room_and_headroom(void)
{
	static const size_t lens[] = {0, 1, 60, 256, 257, 1514, 2048, 2049, 9000, 65535};
	struct frame_pool *pool = frame_pool_new();

	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		struct frame *f = frame_new(pool, lens[i]);

		CU_ASSERT_EQUAL(f->len, lens[i]);
		CU_ASSERT_EQUAL(f->offset, FRAME_HEADROOM_BYTES);
		CU_ASSERT(f->capacity >= f->offset + f->len);
		CU_ASSERT_EQUAL(f->refs, 1);
		memset(f->memory, 0xee, f->offset + f->len);
		CU_ASSERT_EQUAL(frame_pool_in_use(pool), 1);
		frame_unref(f);
		CU_ASSERT_EQUAL(frame_pool_in_use(pool), 0);
	}
	frame_pool_free(pool);
}

static void a_freed_frame_is_used_again_by_its_size(void)
{
	struct frame_pool *pool = frame_pool_new();
	struct frame *small = frame_new(pool, 60);
	struct frame *whole = frame_new(pool, 1514);
	struct frame *again;

	frame_unref(small);
	frame_unref(whole);
	again = frame_new(pool, 256);
	CU_ASSERT_PTR_EQUAL(again, small);
	frame_unref(again);
	again = frame_new(pool, 257);
	CU_ASSERT_PTR_EQUAL(again, whole);
	CU_ASSERT_EQUAL(again->len, 257);
	frame_unref(again);
	frame_pool_free(pool);
}

static void a_used_frame_comes_back_as_new(void)
{
	struct frame_pool *pool = frame_pool_new();
	struct frame *f = frame_copy_of(pool, "abcdef", 6);

	f->offset -= 4;
	f->len += 4;
	frame_unref(f);
	f = frame_copy_of(pool, "xyz", 3);
	CU_ASSERT_EQUAL(f->offset, FRAME_HEADROOM_BYTES);
	CU_ASSERT_EQUAL(f->len, 3);
	CU_ASSERT(memcmp(frame_data(f), "xyz", 3) == 0);
	frame_unref(f);
	frame_pool_free(pool);
}

static void a_frame_lives_until_its_last_reference_goes(void)
{
	struct frame_pool *pool = frame_pool_new();
	struct frame *f = frame_copy_of(pool, "abc", 3);

	CU_ASSERT_PTR_EQUAL(frame_ref(f), f);
	frame_unref(f);
	CU_ASSERT_EQUAL(frame_pool_in_use(pool), 1);
	CU_ASSERT(memcmp(frame_data(f), "abc", 3) == 0);
	frame_unref(f);
	CU_ASSERT_EQUAL(frame_pool_in_use(pool), 0);
	frame_pool_free(pool);
}

static void a_frame_of_one_owner_is_written_in_place(void)
{
	struct frame_pool *pool = frame_pool_new();
	struct frame *f = frame_copy_of(pool, "abc", 3);

	CU_ASSERT_PTR_EQUAL(frame_writable(f), f);
	frame_unref(f);
	frame_pool_free(pool);
}

static void a_shared_frame_is_copied_before_it_is_written(void)
{
	struct frame_pool *pool = frame_pool_new();
	struct frame *f = frame_copy_of(pool, "abc", 3);
	struct frame *mine = frame_writable(frame_ref(f));

	CU_ASSERT_PTR_NOT_EQUAL(mine, f);
	CU_ASSERT_EQUAL(f->refs, 1);
	frame_data(mine)[0] = 'X';
	CU_ASSERT(memcmp(frame_data(f), "abc", 3) == 0);
	CU_ASSERT(memcmp(frame_data(mine), "Xbc", 3) == 0);
	CU_ASSERT_EQUAL(frame_pool_in_use(pool), 2);
	frame_unref(mine);
	frame_unref(f);
	frame_pool_free(pool);
}

static void a_frame_without_headroom_is_copied_before_it_is_written(void)
{
	struct frame_pool *pool = frame_pool_new();
	struct frame *f = frame_copy_of(pool, "abc", 3);

	f->offset = 3;
	memcpy(frame_data(f), "def", 3);
	f = frame_writable(f);
	CU_ASSERT_EQUAL(f->offset, FRAME_HEADROOM_BYTES);
	CU_ASSERT(memcmp(frame_data(f), "def", 3) == 0);
	CU_ASSERT_EQUAL(frame_pool_in_use(pool), 1);
	frame_unref(f);
	frame_pool_free(pool);
}

static void a_tag_goes_along_with_copies_and_no_further(void)
{
	struct frame_pool *pool = frame_pool_new();
	struct frame *f = frame_copy_of(pool, "abc", 3), *mine;

	CU_ASSERT_EQUAL(f->tag, 0);
	f->tag = 7;
	mine = frame_writable(frame_ref(f));
	CU_ASSERT_EQUAL(mine->tag, 7);
	frame_unref(mine);
	frame_unref(f);
	f = frame_copy_of(pool, "abc", 3);
	CU_ASSERT_EQUAL(f->tag, 0);
	frame_unref(f);
	frame_pool_free(pool);
}

UNIT_TESTS("frame", UNIT_TEST(a_new_frame_has_room_and_headroom),
           UNIT_TEST(a_freed_frame_is_used_again_by_its_size),
           UNIT_TEST(a_used_frame_comes_back_as_new),
           UNIT_TEST(a_frame_lives_until_its_last_reference_goes),
           UNIT_TEST(a_frame_of_one_owner_is_written_in_place),
           UNIT_TEST(a_shared_frame_is_copied_before_it_is_written),
           UNIT_TEST(a_frame_without_headroom_is_copied_before_it_is_written),
           UNIT_TEST(a_tag_goes_along_with_copies_and_no_further))
