/* The framer: however a stream is cut, the messages that come out are the same. */
#include <stdlib.h>
#include <string.h>

#include "lib/wire/framer.h"
#include "tests/unit/harness.h"

enum {
	STREAM_BYTES_MAX = 4 * 65536,
	STREAM_MESSAGES_MAX = 64,
};

/* What a stream holds, and what came out of it so far. */
struct stream {
	uint8_t bytes[STREAM_BYTES_MAX];
	size_t len;
	size_t expected_at[STREAM_MESSAGES_MAX];  /* where message n begins */
	size_t expected_count;
	size_t taken_count;
	size_t taken_bytes;
	enum framer_result end;  /* the last result that was no message */
};

static struct stream stream;

static void stream_clear(void)
{
	stream.len = stream.expected_count = stream.taken_count = stream.taken_bytes = 0;
	stream.end = FRAMER_MORE;
}

/* Append a message that claims 'len' bytes and has them, each byte telling its place. */
static void stream_add(size_t len)
{
	uint8_t *p = stream.bytes + stream.len;

	for (size_t i = 0; i < (len < 8 ? 8 : len); i++)
		p[i] = (uint8_t)(stream.len + i * 7 + i / 256);
	p[0] = OFP_VERSION;
	p[1] = OFPT_ECHO_REQUEST;
	fb_set16(p + 2, (uint16_t)len);
	fb_set32(p + 4, (uint32_t)stream.expected_count);
	stream.expected_at[stream.expected_count++] = stream.len;
	stream.len += len < 8 ? 8 : len;
}

/* Push a piece from memory of its own, so that a view that outlives it is found, and compare what
 * comes. */
static void push_piece(struct framer *framer, size_t from, size_t len)
{
	uint8_t *piece = malloc(len ? len : 1);
	const uint8_t *msg;
	size_t msg_len;

	memcpy(piece, stream.bytes + from, len);
	framer_push(framer, piece, len);
	while ((stream.end = framer_next(framer, &msg, &msg_len)) == FRAMER_MESSAGE) {
		CU_ASSERT_FATAL(stream.taken_count < stream.expected_count);
		CU_ASSERT_EQUAL(stream.taken_bytes, stream.expected_at[stream.taken_count]);
		CU_ASSERT_FATAL(stream.taken_bytes + msg_len <= stream.len);
		CU_ASSERT_EQUAL(fb_get16(msg + 2), msg_len);
		CU_ASSERT(!memcmp(msg, stream.bytes + stream.taken_bytes, msg_len));
		stream.taken_count++;
		stream.taken_bytes += msg_len;
	}
	framer_finish(framer);
	free(piece);
}

static void expect_all_taken(void)
{
	CU_ASSERT_EQUAL(stream.end, FRAMER_MORE);
	CU_ASSERT_EQUAL(stream.taken_count, stream.expected_count);
	CU_ASSERT_EQUAL(stream.taken_bytes, stream.len);
}

/* Cut the stream at 'first' and 'second'. */
static void run_cut(size_t first, size_t second)
{
	struct framer framer;

	stream.taken_count = stream.taken_bytes = 0;
	framer_init(&framer);
	push_piece(&framer, 0, first);
	push_piece(&framer, first, second - first);
	push_piece(&framer, second, stream.len - second);
	expect_all_taken();
	CU_ASSERT_PTR_NULL(framer.partial);
	framer_destroy(&framer);
}

static void short_messages(void)
{
	stream_clear();
	stream_add(8);
	stream_add(12);
	stream_add(8);
	stream_add(8);
	stream_add(9);
	stream_add(40);
	stream_add(8);
}

static void an_uncut_stream_gives_its_messages_as_views(void)
{
	struct framer framer;
	const uint8_t *msg;
	size_t msg_len;

	short_messages();
	framer_init(&framer);
	framer_push(&framer, stream.bytes, stream.len);
	for (size_t i = 0; i < stream.expected_count; i++) {
		CU_ASSERT_EQUAL_FATAL(framer_next(&framer, &msg, &msg_len), FRAMER_MESSAGE);
		CU_ASSERT_PTR_EQUAL(msg, stream.bytes + stream.expected_at[i]);
	}
	CU_ASSERT_EQUAL(framer_next(&framer, &msg, &msg_len), FRAMER_MORE);
	CU_ASSERT_PTR_NULL(msg);
	CU_ASSERT_EQUAL(framer_next(&framer, &msg, &msg_len), FRAMER_MORE);
	framer_finish(&framer);
	CU_ASSERT_PTR_NULL(framer.partial);
	framer_destroy(&framer);
}

static void a_stream_cut_in_two_places_anywhere_gives_the_same_messages(void)
{
	short_messages();
	for (size_t first = 0; first <= stream.len; first++)
		for (size_t second = first; second <= stream.len; second++)
			run_cut(first, second);
}

static void a_stream_in_pieces_of_any_size_gives_the_same_messages(void)
{
	short_messages();
	for (size_t size = 1; size <= stream.len; size++) {
		struct framer framer;

		stream.taken_count = stream.taken_bytes = 0;
		framer_init(&framer);
		for (size_t at = 0; at < stream.len; at += size)
			push_piece(&framer, at, size < stream.len - at ? size : stream.len - at);
		expect_all_taken();
		framer_destroy(&framer);
	}
}

static void pushing_nothing_changes_nothing(void)
{
	struct framer framer;

	short_messages();
	framer_init(&framer);
	for (size_t at = 0; at < stream.len; at++) {
		push_piece(&framer, at, 0);
		push_piece(&framer, at, 1);
		push_piece(&framer, at + 1, 0);
	}
	expect_all_taken();
	framer_destroy(&framer);
}

static void the_largest_message_passes_and_is_all_that_is_held(void)
{
	struct framer framer;
	size_t last;

	stream_clear();
	stream_add(65535);
	stream_add(8);
	stream_add(65535);
	framer_init(&framer);
	for (size_t at = 0; at < stream.len; at += 1448) {
		last = stream.len - at < 1448 ? stream.len - at : 1448;
		push_piece(&framer, at, last);
		CU_ASSERT(framer.partial_size <= 65535);
	}
	expect_all_taken();
	CU_ASSERT_PTR_NULL(framer.partial);
	framer_destroy(&framer);
}

static void a_cut_header_allocates_nothing(void)
{
	struct framer framer;

	stream_clear();
	stream_add(65535);
	framer_init(&framer);
	for (size_t at = 0; at < 7; at++) {
		push_piece(&framer, at, 1);
		CU_ASSERT_PTR_NULL(framer.partial);
	}
	push_piece(&framer, 7, 1);
	CU_ASSERT_PTR_NOT_NULL(framer.partial);
	framer_destroy(&framer);
}

static void destroying_with_half_a_message_leaks_nothing(void)
{
	struct framer framer;

	stream_clear();
	stream_add(100);
	framer_init(&framer);
	push_piece(&framer, 0, 50);
	framer_destroy(&framer);
	CU_ASSERT_PTR_NULL(framer.partial);
}

static void a_cut_message_and_the_views_behind_it_stay_valid_together(void)
{
	struct framer framer;
	const uint8_t *first, *second;
	size_t first_len, second_len, third_len;
	const uint8_t *third;

	short_messages();
	framer_init(&framer);
	push_piece(&framer, 0, 10);
	framer_push(&framer, stream.bytes + 10, 20);
	CU_ASSERT_EQUAL_FATAL(framer_next(&framer, &first, &first_len), FRAMER_MESSAGE);
	CU_ASSERT_EQUAL_FATAL(framer_next(&framer, &second, &second_len), FRAMER_MESSAGE);
	CU_ASSERT_EQUAL(framer_next(&framer, &third, &third_len), FRAMER_MORE);
	CU_ASSERT(first_len == 12 && !memcmp(first, stream.bytes + 8, 12));
	CU_ASSERT(second_len == 8 && !memcmp(second, stream.bytes + 20, 8));
	framer_finish(&framer);
	framer_destroy(&framer);
}

/* A header whose length is 'bad', after one good message, cut at 'cut'. */
static void expect_bad_length(size_t bad, size_t cut)
{
	struct framer framer;
	const uint8_t *msg;
	size_t msg_len;

	stream_clear();
	stream_add(8);
	stream_add(bad);
	stream_add(8);
	stream.expected_count = 1;
	framer_init(&framer);
	push_piece(&framer, 0, cut);
	push_piece(&framer, cut, stream.len - cut);
	CU_ASSERT_EQUAL(stream.end, FRAMER_BAD_LENGTH);
	CU_ASSERT_EQUAL(stream.taken_count, 1);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(framer_next(&framer, &msg, &msg_len), FRAMER_BAD_LENGTH);
		CU_ASSERT_EQUAL_FATAL(msg_len, 8);
		CU_ASSERT(!memcmp(msg, stream.bytes + 8, 8));
		push_piece(&framer, 0, 8);
		CU_ASSERT_EQUAL(stream.taken_count, 1);
	}
	CU_ASSERT_PTR_NULL(framer.partial);
	framer_destroy(&framer);
}

static void a_length_below_eight_ends_the_stream_for_good(void)
{
	for (size_t bad = 0; bad < 8; bad++)
		for (size_t cut = 0; cut <= 24; cut++)
			expect_bad_length(bad, cut);
}

static void finishing_before_all_was_taken_ends_the_stream(void)
{
	struct framer framer;
	const uint8_t *msg;
	size_t msg_len;

	short_messages();
	framer_init(&framer);
	framer_push(&framer, stream.bytes, stream.len);
	CU_ASSERT_EQUAL(framer_next(&framer, &msg, &msg_len), FRAMER_MESSAGE);
	framer_finish(&framer);
	CU_ASSERT_EQUAL(framer_next(&framer, &msg, &msg_len), FRAMER_BAD_LENGTH);
	framer_destroy(&framer);
}

UNIT_TESTS("framer", UNIT_TEST(an_uncut_stream_gives_its_messages_as_views),
	   UNIT_TEST(a_stream_cut_in_two_places_anywhere_gives_the_same_messages),
	   UNIT_TEST(a_stream_in_pieces_of_any_size_gives_the_same_messages),
	   UNIT_TEST(pushing_nothing_changes_nothing),
	   UNIT_TEST(the_largest_message_passes_and_is_all_that_is_held),
	   UNIT_TEST(a_cut_header_allocates_nothing),
	   UNIT_TEST(destroying_with_half_a_message_leaks_nothing),
	   UNIT_TEST(a_cut_message_and_the_views_behind_it_stay_valid_together),
	   UNIT_TEST(a_length_below_eight_ends_the_stream_for_good),
	   UNIT_TEST(finishing_before_all_was_taken_ends_the_stream))
