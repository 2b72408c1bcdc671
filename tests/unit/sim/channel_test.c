/* The control channel. */
#include <string.h>

#include "lib/base/rng.h"
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

/* Where chance cut. */
static struct {
	uint64_t time_ns;
	unsigned end;
	uint32_t skip, bytes;
} cuts[PIECES_MAX];
static size_t cuts_count;

static void cut(void *ctx, unsigned end, uint32_t skip, uint32_t bytes)
{
	(void)ctx;
	CU_ASSERT_TRUE_FATAL(cuts_count < PIECES_MAX);
	cuts[cuts_count].time_ns = clk.now_ns;
	cuts[cuts_count].end = end;
	cuts[cuts_count].skip = skip;
	cuts[cuts_count++].bytes = bytes;
}

static void begin(uint64_t seed, const char *name)
{
	const struct channel_ops ops = {.deliver = deliver, .closed = closed, .cut = cut};

	memset(ends, 0, sizeof ends);
	cuts_count = 0;
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
	const struct channel_load traffic = {.messages = 1}, mixed = {3, 2, 0},
	                          background = {2, 2, 0};
	const struct channel_load echoes = {3, 1, 2};

	begin(1, "c");
	channel_send(channel, CHANNEL_SWITCH, (const uint8_t *)"ab", 2, background);
	channel_send(channel, CHANNEL_SWITCH, (const uint8_t *)"cd", 2, background);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 0);
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 4);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].background, ends[CHANNEL_CONTROLLER].pieces);
	CU_ASSERT_EQUAL(channel_counters(channel)->background[CHANNEL_CONTROLLER], 4);
	CU_ASSERT_EQUAL(channel_counters(channel)->background[CHANNEL_SWITCH], 0);
	/* Echoes are not either, and are counted as others are. */
	channel_send(channel, CHANNEL_SWITCH, (const uint8_t *)"ab", 2, echoes);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 0);
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].background, ends[CHANNEL_CONTROLLER].pieces);
	CU_ASSERT_EQUAL(channel_counters(channel)->background[CHANNEL_CONTROLLER], 5);
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

/* --- What goes wrong --- */

/* Pass the time until 'until_ns'. */
static void pass_until(uint64_t until_ns)
{
	while (clock_next(&clk) <= until_ns)
		clock_step(&clk);
	clock_advance(&clk, until_ns);
}

static void begin_whole(void)
{
	begin(1, "c");
	channel_set_cuts(channel, false);
}

static void what_is_sent_after_a_longer_delay_does_not_overtake(void)
{
	begin_whole();
	channel_set_delay(channel, 5000, 0);
	send_bytes(channel, CHANNEL_SWITCH, (const uint8_t *)"slow", 4);
	send_bytes(channel, CHANNEL_CONTROLLER, (const uint8_t *)"other way", 9);
	pass_until(100);
	channel_set_delay(channel, 0, 0);
	send_bytes(channel, CHANNEL_SWITCH, (const uint8_t *)"fast", 4);
	run();
	CU_ASSERT_EQUAL(memcmp(ends[CHANNEL_CONTROLLER].bytes, "slowfast", 8), 0);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_ns[0], 6000);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_ns[1], 6000);
	CU_ASSERT_EQUAL(ends[CHANNEL_SWITCH].piece_ns[0], 6000);
	/* And then it is as it was. */
	send_bytes(channel, CHANNEL_SWITCH, (const uint8_t *)"x", 1);
	channel_close(channel, CHANNEL_SWITCH);
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_ns[2], 7000);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].closed_ns, 7000);
	end();
}

static void jitter_varies_the_delay_and_keeps_the_order(void)
{
	uint64_t least = UINT64_MAX, most = 0;

	begin_whole();
	channel_set_delay(channel, 0, 400);
	for (uint64_t i = 0; i < 200; i++) {
		const uint8_t byte = (uint8_t)i;

		send_bytes(channel, CHANNEL_SWITCH, &byte, 1);
		/* Every other one has time to arrive. */
		pass_until(clk.now_ns + (i % 2 ? 2000 : 10));
	}
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 200);
	for (size_t i = 0; i < 200; i++) {
		const uint64_t sent_ns = i / 2 * 2010 + i % 2 * 10,
		               took_ns = ends[CHANNEL_CONTROLLER].piece_ns[i] - sent_ns;

		CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].bytes[i], i);
		CU_ASSERT_TRUE(took_ns >= 1000 && took_ns <= 1410);
		least = took_ns < least ? took_ns : least;
		most = took_ns > most ? took_ns : most;
	}
	CU_ASSERT_TRUE(least < 1050 && most > 1350);
	end();
}

static void what_stands_still_arrives_when_it_goes_on(void)
{
	begin_whole();
	send_bytes(channel, CHANNEL_SWITCH, (const uint8_t *)"ab", 2);
	channel_set_stalled(channel, CHANNEL_CONTROLLER, true);
	pass_until(500);
	send_bytes(channel, CHANNEL_SWITCH, (const uint8_t *)"cd", 2);
	send_bytes(channel, CHANNEL_CONTROLLER, (const uint8_t *)"ef", 2);
	pass_until(9000);
	send_bytes(channel, CHANNEL_SWITCH, (const uint8_t *)"gh", 2);
	channel_close(channel, CHANNEL_SWITCH);
	/* The other way goes on; but the closed end hears no more. */
	CU_ASSERT_EQUAL(ends[CHANNEL_SWITCH].piece_ns[0], 1500);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 0);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 3);
	CU_ASSERT_EQUAL(clock_next(&clk), FB_NEVER);
	pass_until(9500);
	channel_set_stalled(channel, CHANNEL_CONTROLLER, false);
	CU_ASSERT_TRUE(channel_is_due(channel, CHANNEL_CONTROLLER));
	run();
	CU_ASSERT_FALSE(channel_is_due(channel, CHANNEL_CONTROLLER));
	CU_ASSERT_EQUAL(memcmp(ends[CHANNEL_CONTROLLER].bytes, "abcdgh", 6), 0);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_ns[0], 9500);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_ns[1], 9500);
	/* What was sent last takes its time. */
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_ns[2], 10000);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].closed_ns, 10000);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 0);
	end();
}

static void a_channel_that_breaks_while_it_stands_still_tells_it_later(void)
{
	begin_whole();
	channel_set_stalled(channel, CHANNEL_CONTROLLER, true);
	send_bytes(channel, CHANNEL_SWITCH, (const uint8_t *)"ab", 2);
	pass_until(5000);
	channel_break(channel, "cut");
	pass_until(6000);
	CU_ASSERT_EQUAL(ends[CHANNEL_SWITCH].closed_ns, 5000);
	CU_ASSERT_PTR_NULL(ends[CHANNEL_CONTROLLER].closed);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 1);
	channel_set_stalled(channel, CHANNEL_CONTROLLER, false);
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].closed_ns, 6000);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 0);
	end();
}

static void at_a_low_rate_bytes_trickle(void)
{
	uint64_t arrived = 0;

	begin(1, "c");
	channel_set_rate(channel, 10000);
	send_pattern(CHANNEL_SWITCH, 1050);
	send_pattern(CHANNEL_CONTROLLER, 5);
	pass_until(5000);
	send_pattern(CHANNEL_SWITCH, 50);
	channel_close(channel, CHANNEL_SWITCH);
	while (clock_step(&clk))
		CU_ASSERT_EQUAL(channel_in_flight(channel),
		                ends[0].len < 1050 ? 2 : !ends[0].closed);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 1100);
	for (size_t i = 0; i < ends[CHANNEL_CONTROLLER].pieces; i++) {
		arrived += ends[CHANNEL_CONTROLLER].piece_len[i];
		CU_ASSERT_TRUE(ends[CHANNEL_CONTROLLER].piece_len[i] <= 100);
		CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_ns[i], 1000 + arrived * 100000);
	}
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].pieces, 12);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].closed_ns, 1000 + 1100 * 100000);
	CU_ASSERT_EQUAL(cuts_count, 0);
	end();
}

static void at_the_end_of_a_low_rate_all_the_rest_arrives(void)
{
	for (uint64_t seed = 1; seed < 20; seed++) {
		begin(seed, "c");
		channel_set_rate(channel, 1);
		send_pattern(CHANNEL_SWITCH, 1000);
		pass_until(2 * FB_NS_PER_S + 1000);
		CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 2);
		send_pattern(CHANNEL_SWITCH, 10);
		channel_set_rate(channel, 0);
		run();
		/* Chance leaves alone what has begun to arrive. */
		CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 1010);
		CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_len[2], 998);
		CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_ns[2], 2 * FB_NS_PER_S + 1000);
		CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_ns[3], 2 * FB_NS_PER_S + 2000);
		end();
	}
}

static void a_connection_that_ends_while_bytes_trickle_leaves_nothing(void)
{
	begin_whole();
	channel_set_rate(channel, 10000);
	channel_split(channel, CHANNEL_CONTROLLER, 0, 150, NULL);
	channel_split(channel, CHANNEL_CONTROLLER, 0, 3, NULL);
	send_pattern(CHANNEL_SWITCH, 1000);
	pass_until(11 * FB_NS_PER_MS);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].pieces, 2);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_len[0], 3);
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_len[1], 97);
	channel_open(channel);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 0);
	channel_set_rate(channel, 0);
	send_pattern(CHANNEL_SWITCH, 1000);
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_len[2], 1000);
	end();
}

static void a_receiver_may_close_while_bytes_trickle(void)
{
	begin_whole();
	channel_set_rate(channel, 10000);
	close_at_piece = 2;
	send_pattern(CHANNEL_SWITCH, 1000);
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 200);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 0);
	CU_ASSERT_PTR_NOT_NULL(ends[CHANNEL_SWITCH].closed);
	end();
}

static void a_batch_is_cut_where_it_is_asked_for(void)
{
	static const size_t wanted[] = {10, 7, 3, 4, 2, 4, 10, 10};
	int owner, other;

	begin_whole();
	channel_split(channel, CHANNEL_CONTROLLER, 1, 27, &owner);
	channel_split(channel, CHANNEL_CONTROLLER, 2, 6, &owner);
	channel_split(channel, CHANNEL_CONTROLLER, 2, 4, &owner);
	channel_split(channel, CHANNEL_CONTROLLER, 2, 4, &owner);
	channel_split(channel, CHANNEL_CONTROLLER, 3, 30, &owner); /* nowhere */
	channel_split(channel, CHANNEL_CONTROLLER, 4, 5, &other);  /* taken back */
	channel_split(channel, CHANNEL_SWITCH, 0, 5, &owner);      /* nothing goes there */
	for (int i = 0; i < 5; i++) {
		send_pattern(CHANNEL_SWITCH, 10);
		/* It outlasts a connection. */
		run();
		channel_close(channel, CHANNEL_SWITCH);
		run();
		memset(&ends[CHANNEL_CONTROLLER].closed, 0, sizeof ends[0].closed);
		channel_open(channel);
		if (i == 2)
			channel_unsplit(channel, &other);
	}
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].pieces, sizeof wanted / sizeof wanted[0]);
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
		CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].piece_len[i], wanted[i]);
	CU_ASSERT_EQUAL(cuts_count, 0);
	end();
}

/* Traffic both ways, with several batches that arrive at one instant, and a receiver that closes. Where
 * cuts are known they are asked for at the beginning of their instant. */
static void have_traffic(bool known)
{
	struct rng rng;
	size_t next = 0;

	rng_init(&rng, 7, "traffic");
	for (int i = 0; i < 400; i++) {
		const unsigned from = (unsigned)rng_below(&rng, 2);
		const uint64_t len = 1 + rng_below(&rng, 30);
		const uint64_t until_ns = clk.now_ns + rng_below(&rng, 300);

		channel_set_delay(channel, i % 5 ? 0 : 500, 0);
		if (i == 200)
			close_at_piece = ends[1].pieces + 3;
		if (i == 250) {
			close_at_piece = 0;
			ends[0].closed = ends[1].closed = NULL;
			channel_open(channel);
		}
		send_pattern(from, len);
		while (clock_next(&clk) <= until_ns) {
			const uint64_t now_ns = clock_next(&clk);

			for (; known && next < cuts_count && cuts[next].time_ns == now_ns; next++)
				channel_split(channel, cuts[next].end, cuts[next].skip,
				              cuts[next].bytes, &cuts[next]);
			while (clock_next(&clk) == now_ns)
				clock_step(&clk);
		}
		clock_advance(&clk, until_ns);
	}
}

static void what_chance_cut_can_be_asked_for(void)
{
	static struct {
		size_t pieces, piece_len[PIECES_MAX];
		uint64_t piece_ns[PIECES_MAX];
	} first[2];
	bool skipped = false;
	size_t chosen;

	begin(5, "c");
	have_traffic(false);
	for (unsigned e = 0; e < 2; e++) {
		first[e].pieces = ends[e].pieces;
		memcpy(first[e].piece_len, ends[e].piece_len, sizeof first[e].piece_len);
		memcpy(first[e].piece_ns, ends[e].piece_ns, sizeof first[e].piece_ns);
	}
	chosen = cuts_count;
	for (size_t i = 0; i < chosen; i++)
		skipped |= cuts[i].skip > 0;
	CU_ASSERT_TRUE(chosen > 200 && skipped);
	end();
	begin(6, "c");
	cuts_count = chosen;
	channel_set_cuts(channel, false);
	have_traffic(true);
	for (unsigned e = 0; e < 2; e++) {
		CU_ASSERT_EQUAL(ends[e].pieces, first[e].pieces);
		CU_ASSERT_EQUAL(
		        memcmp(ends[e].piece_len, first[e].piece_len, sizeof first[e].piece_len),
		        0);
		CU_ASSERT_EQUAL(
		        memcmp(ends[e].piece_ns, first[e].piece_ns, sizeof first[e].piece_ns), 0);
	}
	end();
}

static void an_abandoned_channel_tells_nobody(void)
{
	begin_whole();
	send_pattern(CHANNEL_SWITCH, 100);
	send_pattern(CHANNEL_CONTROLLER, 100);
	channel_abandon(channel);
	CU_ASSERT_EQUAL(channel_in_flight(channel), 0);
	send_pattern(CHANNEL_SWITCH, 100);
	channel_close(channel, CHANNEL_CONTROLLER);
	run();
	for (unsigned e = 0; e < 2; e++) {
		CU_ASSERT_EQUAL(ends[e].len, 0);
		CU_ASSERT_PTR_NULL(ends[e].closed);
		CU_ASSERT_FALSE(channel_is_open(channel, e));
	}
	channel_open(channel);
	send_pattern(CHANNEL_SWITCH, 100);
	run();
	CU_ASSERT_EQUAL(ends[CHANNEL_CONTROLLER].len, 100);
	end();
}

static void a_channel_may_be_freed_whatever_is_wrong_with_it(void)
{
	begin(1, "c");
	channel_set_rate(channel, 100);
	channel_set_delay(channel, 10, 10);
	channel_split(channel, CHANNEL_CONTROLLER, 3, 3, NULL);
	send_pattern(CHANNEL_SWITCH, 100);
	send_pattern(CHANNEL_CONTROLLER, 100);
	pass_until(50 * FB_NS_PER_MS);
	channel_set_stalled(channel, CHANNEL_CONTROLLER, true);
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
           UNIT_TEST(background_is_not_under_way),
           UNIT_TEST(what_is_sent_after_a_longer_delay_does_not_overtake),
           UNIT_TEST(jitter_varies_the_delay_and_keeps_the_order),
           UNIT_TEST(what_stands_still_arrives_when_it_goes_on),
           UNIT_TEST(a_channel_that_breaks_while_it_stands_still_tells_it_later),
           UNIT_TEST(at_a_low_rate_bytes_trickle),
           UNIT_TEST(at_the_end_of_a_low_rate_all_the_rest_arrives),
           UNIT_TEST(a_connection_that_ends_while_bytes_trickle_leaves_nothing),
           UNIT_TEST(a_receiver_may_close_while_bytes_trickle),
           UNIT_TEST(a_batch_is_cut_where_it_is_asked_for),
           UNIT_TEST(what_chance_cut_can_be_asked_for),
           UNIT_TEST(an_abandoned_channel_tells_nobody),
           UNIT_TEST(a_channel_may_be_freed_whatever_is_wrong_with_it))
