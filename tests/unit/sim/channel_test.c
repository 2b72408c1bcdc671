/* The control channel. */
#include <string.h>

#include "sim/channel.h"
#include "tests/unit/harness.h"

enum { PIECES_MAX = 4096, BYTES_MAX = 1 << 16 };

/* What arrived at each end. */
static struct {
	uint8_t bytes[BYTES_MAX];
	size_t len;
	size_t pieces;
	size_t background; /* pieces */
	size_t piece_len[PIECES_MAX];
	uint64_t piece_ns[PIECES_MAX];
	const char *closed;
	uint64_t closed_ns;
} ends[2];

static struct clock clk;
static struct channel *channel;
static unsigned close_at_piece; /* the receiver closes at this piece, 0: never */

static void deliver(void *ctx, unsigned end, const uint8_t *bytes, size_t len, bool background)
{
	(void)ctx;
	ends[end].background += background;
	if (ends[end].len + len <= BYTES_MAX)
		memcpy(ends[end].bytes + ends[end].len, bytes, len);
	ends[end].len += len;
	if (ends[end].pieces < PIECES_MAX) {
		ends[end].piece_len[ends[end].pieces] = len;
		ends[end].piece_ns[ends[end].pieces] = clk.now_ns;
	}
	ends[end].pieces++;
	if (close_at_piece && ends[end].pieces == close_at_piece)
		channel_close(channel, end);
}

static void closed(void *ctx, unsigned end, const char *reason)
{
	(void)ctx;
	CU_ASSERT_PTR_NULL(ends[end].closed);
	ends[end].closed = reason;
	ends[end].closed_ns = clk.now_ns;
}

static void begin(uint64_t seed, const char *name)
{
	const struct channel_ops ops = {.deliver = deliver, .closed = closed};

	memset(ends, 0, sizeof ends);
	close_at_piece = 0;
	clock_init(&clk, 1000);
	channel = channel_new(&clk, 1000, &ops, seed, name);
	channel_open(channel);
}

static void end(void)
{
	channel_free(channel);
	clock_destroy(&clk);
}

static void run(void)
{
	while (clock_step(&clk))
		;
}

/* Bytes that are no messages, and so no background. */
static void send_bytes(struct channel *to, unsigned from, const uint8_t *bytes, size_t len)
{
	channel_send(to, from, bytes, len, (struct channel_load){0});
}

static void send_pattern(unsigned from, size_t len)
{
	uint8_t bytes[BYTES_MAX];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + (i >> 8));
	send_bytes(channel, from, bytes, len);
}

static void bytes_arrive_whole_in_order_after_the_delay(void)
{
	uint8_t wanted[5000];

	begin(1, "c");
	for (size_t i = 0; i < sizeof wanted; i++)
		wanted[i] = (uint8_t)(i * 7 + (i >> 8));
	send_pattern(CHANNEL_SWITCH, sizeof wanted);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 0);
	CU_ASSERT_TRUE(channel_in_flight(channel) > 0);
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, sizeof wanted);
	CU_ASSERT_EQUAL(memcmp(ends[CHANNEL_CONTROLLER].bytes, wanted, sizeof wanted), 0);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_ns[0], 1000);
	CU_ASSERT_EQUAL(ends[CHANNEL_SWITCH].len, 0);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 0);
	end();
}

static void what_is_sent_at_one_instant_is_one_and_later_bytes_come_later(void)
{
	begin(1, "c");
	send_bytes(channel, CHANNEL_CONTROLLER, (const uint8_t *)"ab", 2);
	send_bytes(channel, CHANNEL_CONTROLLER, (const uint8_t *)"cd", 2);
	clock_advance(&clk, 500);
	send_bytes(channel, CHANNEL_CONTROLLER, (const uint8_t *)"ef", 2);
	CU_ASSERT_EQUAL(clock_next(&clk), 1000);
	clock_step(&clk);
	CU_ASSERT_EQUAL(ends[CHANNEL_SWITCH].len, 4);
	CU_ASSERT_EQUAL(clock_next(&clk), 1500);
	run();
	CU_ASSERT_EQUAL(memcmp(ends[CHANNEL_SWITCH].bytes, "abcdef", 6), 0);
	end();
}

static void pieces_are_cut_at_places_of_the_seed_and_the_name(void)
{
	size_t first[64], first_count;
	bool one_byte = false, whole = false, differs = false;

	begin(1, "c");
	for (int i = 0; i < 50; i++) {
		send_pattern(CHANNEL_SWITCH, 40);
		run();
	}
	first_count = ends[0].pieces;
	CU_ASSERT_TRUE(first_count > 60);
	for (size_t i = 0; i < first_count; i++) {
		one_byte |= ends[0].piece_len[i] == 1;
		whole |= ends[0].piece_len[i] == 40;
	}
	CU_ASSERT_TRUE(one_byte && whole);
	memcpy(first, ends[0].piece_len, sizeof first);
	end();
	/* The same again, then another seed, then another name. */
	for (int round = 0; round < 3; round++) {
		begin(round == 1 ? 2 : 1, round == 2 ? "d" : "c");
		for (int i = 0; i < 50; i++) {
			send_pattern(CHANNEL_SWITCH, 40);
			run();
		}
		differs = ends[0].pieces != first_count ||
		          memcmp(first, ends[0].piece_len, sizeof first) != 0;
		CU_ASSERT_EQUAL(differs, round > 0);
		end();
	}
}

static void a_close_arrives_after_what_was_sent_before(void)
{
	begin(3, "c");
	send_pattern(CHANNEL_SWITCH, 100);
	channel_close(channel, CHANNEL_SWITCH);
	CU_ASSERT_FALSE(channel_is_open(channel, CHANNEL_SWITCH));
	CU_ASSERT_TRUE(channel_is_open(channel, CHANNEL_CONTROLLER));
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 100);
	CU_ASSERT_PTR_NOT_NULL(ends[CHANNEL_CONTROLLER].closed);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].closed_ns, 1000);
	CU_ASSERT_PTR_NULL(ends[CHANNEL_SWITCH].closed);
	CU_ASSERT_FALSE(channel_is_open(channel, CHANNEL_CONTROLLER));
	end();
}

static void a_closed_end_hears_and_says_nothing(void)
{
	begin(3, "c");
	send_pattern(CHANNEL_CONTROLLER, 100);
	channel_close(channel, CHANNEL_SWITCH);
	send_pattern(CHANNEL_SWITCH, 10);
	send_pattern(CHANNEL_CONTROLLER, 10);
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_SWITCH].len, 0);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 0);
	end();
}

static void a_receiver_that_closes_gets_no_further_piece(void)
{
	/* Find a batch that is cut. */
	for (uint64_t seed = 1;; seed++) {
		begin(seed, "c");
		close_at_piece = 1;
		send_pattern(CHANNEL_SWITCH, 1000);
		run();
		CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].pieces, 1);
		CU_ASSERT_NOT_EQUAL(ends[CHANNEL_SWITCH].closed, NULL);
		if (ends[CHANNEL_CONTROLLER].len < 1000) {
			end();
			return;
		}
		end();
	}
}

static void an_opened_channel_has_forgotten_the_old_connection(void)
{
	begin(1, "c");
	send_pattern(CHANNEL_SWITCH, 100);
	channel_close(channel, CHANNEL_SWITCH);
	channel_open(channel);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 0);
	send_bytes(channel, CHANNEL_SWITCH, (const uint8_t *)"new", 3);
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 3);
	CU_ASSERT_PTR_NULL(ends[CHANNEL_CONTROLLER].closed);
	end();
}

static void a_channel_that_is_too_full_breaks_at_both_ends(void)
{
	static uint8_t bytes[1 << 20];

	begin(1, "c");
	for (int i = 0; i < CHANNEL_BYTES_MAX / (int)sizeof bytes; i++)
		send_bytes(channel, CHANNEL_SWITCH, bytes, sizeof bytes);
	CU_ASSERT_EQUAL(channel_counters(channel)->broken, 0);
	send_bytes(channel, CHANNEL_SWITCH, bytes, 1);
	CU_ASSERT_EQUAL(channel_counters(channel)->broken, 1);
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 0);
	CU_ASSERT_PTR_NOT_NULL(ends[CHANNEL_CONTROLLER].closed);
	CU_ASSERT_PTR_NOT_NULL(ends[CHANNEL_SWITCH].closed);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 0);
	end();
}

static void what_is_under_way_on_a_channel_that_breaks_is_lost(void)
{
	begin(1, "c");
	send_pattern(CHANNEL_SWITCH, 100);
	channel_close(channel, CHANNEL_CONTROLLER);
	channel_break(channel, "cut");
	CU_ASSERT_PTR_NULL(ends[CHANNEL_SWITCH].closed);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 1);
	run();
	/* The end that was open is told, at once; the other one knows. */
	CU_ASSERT_STRING_EQUAL(ends[CHANNEL_SWITCH].closed, "cut");
	CU_ASSERT_EQUAL(ends[CHANNEL_SWITCH].closed_ns, 0);
	CU_ASSERT_PTR_NULL(ends[CHANNEL_CONTROLLER].closed);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 0);
	CU_ASSERT_EQUAL(channel_counters(channel)->broken, 0);
	/* And again, with nobody there. */
	channel_break(channel, "cut");
	CU_ASSERT_EQUAL(channel_in_flight(channel), 0);
	channel_open(channel);
	send_pattern(CHANNEL_SWITCH, 100);
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 100);
	end();
}

static void background_is_not_under_way(void)
{
	const struct channel_load traffic = {.messages = 1}, mixed = {3, 2}, background = {2, 2};

	begin(1, "c");
	channel_send(channel, CHANNEL_SWITCH, (const uint8_t *)"ab", 2, background);
	channel_send(channel, CHANNEL_SWITCH, (const uint8_t *)"cd", 2, background);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 0);
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 4);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].background, ends[CHANNEL_CONTROLLER].pieces);
	CU_ASSERT_EQUAL(channel_counters(channel)->background[CHANNEL_CONTROLLER], 4);
	CU_ASSERT_EQUAL(channel_counters(channel)->background[CHANNEL_SWITCH], 0);
	/* Together with anything else it is something. */
	channel_send(channel, CHANNEL_CONTROLLER, (const uint8_t *)"ab", 2, mixed);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 1);
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_SWITCH].background, 0);
	CU_ASSERT_EQUAL(channel_counters(channel)->background[CHANNEL_SWITCH], 2);
	channel_send(channel, CHANNEL_SWITCH, (const uint8_t *)"ab", 2, background);
	channel_send(channel, CHANNEL_SWITCH, (const uint8_t *)"ab", 2, traffic);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 1);
	run();
	CU_ASSERT_EQUAL(channel_in_flight(channel), 0);
	channel_send(channel, CHANNEL_SWITCH, (const uint8_t *)"ab", 2, background);
	channel_close(channel, CHANNEL_SWITCH);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 1);
	run();
	CU_ASSERT_EQUAL(channel_in_flight(channel), 0);
	CU_ASSERT_PTR_NOT_NULL(ends[CHANNEL_CONTROLLER].closed);
	end();
}

UNIT_TESTS("channel", UNIT_TEST(bytes_arrive_whole_in_order_after_the_delay),
           UNIT_TEST(what_is_sent_at_one_instant_is_one_and_later_bytes_come_later),
           UNIT_TEST(pieces_are_cut_at_places_of_the_seed_and_the_name),
           UNIT_TEST(a_close_arrives_after_what_was_sent_before),
           UNIT_TEST(a_closed_end_hears_and_says_nothing),
           UNIT_TEST(a_receiver_that_closes_gets_no_further_piece),
           UNIT_TEST(an_opened_channel_has_forgotten_the_old_connection),
           UNIT_TEST(a_channel_that_is_too_full_breaks_at_both_ends),
           UNIT_TEST(what_is_under_way_on_a_channel_that_breaks_is_lost),
           UNIT_TEST(background_is_not_under_way))
