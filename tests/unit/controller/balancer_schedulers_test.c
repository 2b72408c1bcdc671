/* Which backend gets the next connection: the five rules, their exactness, and that nobody gets a
 * connection who must not have one. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <string.h>

#include "controller/apps/balancer_schedulers.h"

enum { OWNERS_MAX = 64, THOUSANDS = 4096, CLIENTS = 100000 };

/* Candidates are part of something larger. */
struct owner {
	char before[24];
	struct balancer_candidate candidate;
	char after[8];
};

struct bench {
	struct owner owners[OWNERS_MAX];
	struct balancer_candidates candidates;
	struct balancer_schedule schedule;
};

/* Owners of the given weights; ids as of MAC addresses in a row. */
static struct bench *begin(enum balancer_scheduler scheduler, const char *weights)
{
	struct bench *b = calloc(1, sizeof *b);
	uint32_t count = 0;

	for (char *end; *weights; weights = end, count++)
		b->owners[count].candidate =
		        (struct balancer_candidate){.id = UINT64_C(0x020000000001) + count,
		                                    .weight = (uint32_t)strtoul(weights, &end, 10),
		                                    .eligible = true};
	b->candidates = (struct balancer_candidates){
	        .first = &b->owners[0].candidate, .stride = sizeof b->owners[0], .count = count};
	balancer_schedule_init(&b->schedule, scheduler);
	return b;
}

static void end(struct bench *b)
{
	balancer_schedule_free(&b->schedule);
	free(b);
}

static struct balancer_candidate *at(struct bench *b, uint32_t index)
{
	return &b->owners[index].candidate;
}

static void set_eligible(struct bench *b, uint32_t index, bool eligible)
{
	at(b, index)->eligible = eligible;
	balancer_schedule_changed(&b->schedule);
}

/* One with 'id' and the weight 1 comes, or returns, as the last. */
static void add(struct bench *b, uint64_t id)
{
	*at(b, b->candidates.count++) =
	        (struct balancer_candidate){.id = id, .weight = 1, .eligible = true};
	balancer_schedule_changed(&b->schedule);
}

/* Take 'index' out; those behind it move up. */
static void take_out(struct bench *b, uint32_t index)
{
	b->candidates.count--;
	memmove(&b->owners[index], &b->owners[index + 1],
	        (b->candidates.count - index) * sizeof b->owners[0]);
	balancer_schedule_changed(&b->schedule);
}

static uint32_t pick_for(struct bench *b, uint32_t client_ip)
{
	return balancer_schedule_pick(&b->schedule, &b->candidates, client_ip);
}

static uint32_t pick(struct bench *b)
{
	return pick_for(b, 0x0a000001);
}

/* The next 'count' choices as letters, "-" for nobody. */
static const char *picks(struct bench *b, int count)
{
	static char text[128];

	for (int i = 0; i < count; i++) {
		uint32_t picked = pick(b);

		text[i] = picked == BALANCER_NOBODY ? '-' : (char)('A' + picked);
	}
	text[count] = '\0';
	return text;
}

/* What each gets of 'connections' from different clients. */
static void tally(struct bench *b, uint32_t connections, uint32_t *counts)
{
	memset(counts, 0, OWNERS_MAX * sizeof *counts);
	for (uint32_t i = 0; i < connections; i++) {
		uint32_t picked = pick_for(b, 0x0a000000 + i);

		CU_ASSERT_FATAL(picked < b->candidates.count);
		counts[picked]++;
	}
}

/* --- All of them --- */

static void schedulers_are_named_as_the_option_names_them(void)
{
	static const char *const names[] = {"rr", "wrr", "lc", "source", "maglev"};

	CU_ASSERT_EQUAL_FATAL(sizeof names / sizeof names[0], BALANCER_SCHEDULERS);
	for (int i = 0; i < BALANCER_SCHEDULERS; i++)
		CU_ASSERT_STRING_EQUAL(balancer_scheduler_names[i], names[i]);
	CU_ASSERT_PTR_NULL(balancer_scheduler_names[BALANCER_SCHEDULERS]);
}

static void nobody_is_chosen_where_nobody_is_eligible_and_it_is_no_turn(void)
{
	for (int i = 0; i < BALANCER_SCHEDULERS; i++) {
		struct bench *b = begin((enum balancer_scheduler)i, "");

		CU_ASSERT_STRING_EQUAL(picks(b, 3), "---");
		add(b, 7);
		set_eligible(b, 0, false);
		CU_ASSERT_STRING_EQUAL(picks(b, 3), "---");
		set_eligible(b, 0, true);
		at(b, 0)->weight = 0;
		balancer_schedule_changed(&b->schedule);
		CU_ASSERT_STRING_EQUAL(picks(b, 3), "---");
		CU_ASSERT_EQUAL(
		        balancer_schedule_other(&b->schedule, &b->candidates, BALANCER_NOBODY, 5),
		        BALANCER_NOBODY);
		CU_ASSERT_EQUAL(b->schedule.turn, 0);
		at(b, 0)->weight = 1;
		balancer_schedule_changed(&b->schedule);
		CU_ASSERT_STRING_EQUAL(picks(b, 3), "AAA");
		CU_ASSERT_EQUAL(b->schedule.turn, 3);
		end(b);
	}
}

static void who_has_no_weight_gets_nothing(void)
{
	for (int i = 0; i < BALANCER_SCHEDULERS; i++) {
		struct bench *b = begin((enum balancer_scheduler)i, "2 0 2");
		uint32_t counts[OWNERS_MAX];

		tally(b, 1000, counts);
		CU_ASSERT(counts[0] > 400);
		CU_ASSERT_EQUAL(counts[1], 0);
		CU_ASSERT(counts[2] > 400);
		end(b);
	}
}

static void who_is_not_eligible_any_more_is_not_chosen_even_where_nobody_said_so(void)
{
	for (int i = 0; i < BALANCER_SCHEDULERS; i++) {
		struct bench *b = begin((enum balancer_scheduler)i, "1 1 1 1");
		uint32_t counts[OWNERS_MAX];

		tally(b, 100, counts);
		at(b, 2)->eligible = false;
		tally(b, 1000, counts);
		CU_ASSERT_EQUAL(counts[2], 0);
		CU_ASSERT(counts[0] > 0 && counts[1] > 0 && counts[3] > 0);
		end(b);
	}
}

static void candidates_that_came_or_went_are_noticed_by_their_number(void)
{
	for (int i = 0; i < BALANCER_SCHEDULERS; i++) {
		struct bench *b = begin((enum balancer_scheduler)i, "1 1");
		uint32_t counts[OWNERS_MAX];

		tally(b, 100, counts);
		*at(b, 2) = (struct balancer_candidate){.id = 9, .weight = 1, .eligible = true};
		b->candidates.count = 3;
		tally(b, 100, counts);
		CU_ASSERT(counts[2] > 10);
		b->candidates.count = 1;
		tally(b, 100, counts);
		CU_ASSERT_EQUAL(counts[0], 100);
		end(b);
	}
}

/* A number as random as a test needs. */
static uint32_t next_number(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

/* A change of any kind. */
static void change_something(struct bench *b, uint64_t *state)
{
	uint32_t count = b->candidates.count, what = next_number(state) % 16;
	uint32_t index = count ? next_number(state) % count : 0;

	if (what == 0 && count < OWNERS_MAX)
		add(b, next_number(state));
	else if (what == 1 && count > 0)
		take_out(b, index);
	else if (what == 2 && count > 0)
		at(b, index)->weight = next_number(state) % 5 * (next_number(state) % 2000);
	else if (what == 3 && count > 0)
		at(b, index)->eligible = next_number(state) % 2;
	else if (what < 8 && count > 0)
		at(b, index)->sessions = next_number(state);
	balancer_schedule_changed(&b->schedule);
}

static bool can_be_chosen(struct bench *b, uint32_t index)
{
	return index < b->candidates.count && at(b, index)->eligible && at(b, index)->weight > 0;
}

static bool is_anybody_there(struct bench *b, uint32_t except)
{
	for (uint32_t i = 0; i < b->candidates.count; i++) {
		if (i != except && can_be_chosen(b, i))
			return true;
	}
	return false;
}

static void whatever_changes_somebody_eligible_is_chosen(void)
{
	for (int i = 0; i < BALANCER_SCHEDULERS; i++) {
		struct bench *b = begin((enum balancer_scheduler)i, "1 2 3");
		uint64_t state = 1;

		for (int k = 0; k < (i == BALANCER_MAGLEV ? 500 : 20000); k++) {
			uint32_t picked, other;

			change_something(b, &state);
			picked = pick_for(b, next_number(&state));
			CU_ASSERT_EQUAL_FATAL(can_be_chosen(b, picked),
			                      is_anybody_there(b, BALANCER_NOBODY));
			other = balancer_schedule_other(&b->schedule, &b->candidates, picked,
			                                next_number(&state));
			CU_ASSERT_EQUAL_FATAL(can_be_chosen(b, other), is_anybody_there(b, picked));
			CU_ASSERT_FATAL(other != picked || other == BALANCER_NOBODY);
		}
		CU_ASSERT_EQUAL(b->schedule.short_of_memory, 0);
		end(b);
	}
}

/* --- Round robin --- */

static void round_robin_goes_in_the_order_of_the_candidates(void)
{
	struct bench *b = begin(BALANCER_ROUND_ROBIN, "1 1");

	CU_ASSERT_STRING_EQUAL(picks(b, 10), "ABABABABAB");
	add(b, 1);
	CU_ASSERT_STRING_EQUAL(picks(b, 7), "BCABCAB");
	end(b);
}

static void round_robin_takes_no_notice_of_weights(void)
{
	struct bench *b = begin(BALANCER_ROUND_ROBIN, "1 65535 3");

	CU_ASSERT_STRING_EQUAL(picks(b, 9), "ABCABCABC");
	end(b);
}

static void round_robin_chooses_by_the_turn_among_those_who_are_eligible(void)
{
	struct bench *b = begin(BALANCER_ROUND_ROBIN, "1 1 1 1");
	uint64_t turn = 0;

	for (uint32_t without = 0; without < 4; without++) {
		set_eligible(b, without, false);
		for (int i = 0; i < 10; i++, turn++) {
			uint32_t rank = (uint32_t)(turn % 3);

			CU_ASSERT_EQUAL(b->schedule.turn, turn);
			CU_ASSERT_EQUAL(pick(b), rank < without ? rank : rank + 1);
		}
		set_eligible(b, without, true);
	}
	end(b);
}

/* --- Smooth weighted round robin --- */

static void weights_of_three_to_one_are_exact_over_any_four(void)
{
	struct bench *b = begin(BALANCER_WEIGHTED, "3 1");
	uint32_t window[4] = {0}, of_a = 0;

	for (int i = 0; i < 400; i++) {
		uint32_t *oldest = &window[i % 4];

		of_a -= i >= 4 && *oldest == 0;
		*oldest = pick(b);
		of_a += *oldest == 0;
		CU_ASSERT(i < 3 || of_a == 3);
	}
	end(b);
}

static void weighted_turns_are_spread_out(void)
{
	struct bench *b = begin(BALANCER_WEIGHTED, "5 1 1");

	CU_ASSERT_STRING_EQUAL(picks(b, 14), "AABACAAAABACAA");
	end(b);
	b = begin(BALANCER_WEIGHTED, "3 1");
	CU_ASSERT_STRING_EQUAL(picks(b, 8), "AABAAABA");
	end(b);
	b = begin(BALANCER_WEIGHTED, "1 1 1");
	CU_ASSERT_STRING_EQUAL(picks(b, 6), "ABCABC");
	end(b);
}

static void the_largest_weights_are_exact_too(void)
{
	struct bench *b = begin(BALANCER_WEIGHTED, "65535 1 65534");
	uint32_t counts[OWNERS_MAX];

	for (int i = 0; i < 2; i++) {
		tally(b, 65535 + 1 + 65534, counts);
		CU_ASSERT_EQUAL(counts[0], 65535);
		CU_ASSERT_EQUAL(counts[1], 1);
		CU_ASSERT_EQUAL(counts[2], 65534);
	}
	end(b);
}

/* The other one joins when connections have gone to the first for long. */
static void who_joins_is_neither_ahead_nor_behind(void)
{
	struct bench *b = begin(BALANCER_WEIGHTED, "3 1");

	set_eligible(b, 1, false);
	CU_ASSERT_STRING_EQUAL(picks(b, 6), "AAAAAA");
	set_eligible(b, 1, true);
	CU_ASSERT_STRING_EQUAL(picks(b, 8), "AABAAABA");
	end(b);
}

static void who_flaps_between_any_two_connections_starves_nobody(void)
{
	struct bench *b = begin(BALANCER_WEIGHTED, "1 1 1");
	uint32_t counts[3] = {0};

	for (int i = 0; i < 300; i++) {
		set_eligible(b, 0, false);
		balancer_schedule_changed(&b->schedule);
		set_eligible(b, 0, true);
		counts[pick(b)]++;
	}
	for (int i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(counts[i], 100);
	/* Away for every other connection. */
	memset(counts, 0, sizeof counts);
	for (int i = 0; i < 3000; i++) {
		set_eligible(b, 0, i % 2);
		counts[pick(b)]++;
	}
	CU_ASSERT_EQUAL(counts[0], 500); /* a third of those for which it was there */
	CU_ASSERT_EQUAL(counts[1], 1250);
	CU_ASSERT_EQUAL(counts[2], 1250);
	end(b);
}

/* After each change, at any moment, the weights are exact again. */
static void weights_are_exact_whatever_was_before(void)
{
	struct bench *b = begin(BALANCER_WEIGHTED, "5 1 1 3");
	uint64_t state = 1;

	for (int i = 0; i < 1000; i++) {
		uint32_t counts[OWNERS_MAX], index = next_number(&state) % 4;

		set_eligible(b, index, false);
		(void)picks(b, (int)(next_number(&state) % 8));
		set_eligible(b, index, true);
		(void)picks(b, 10); /* what is owed is paid back */
		tally(b, 10, counts);
		for (uint32_t k = 0; k < 4; k++)
			CU_ASSERT_EQUAL(counts[k], at(b, k)->weight);
	}
	end(b);
}

/* As when one scheduler follows another. */
static void credits_of_another_time_are_no_burden(void)
{
	struct bench *b = begin(BALANCER_WEIGHTED, "1 1 1");
	uint32_t counts[OWNERS_MAX];

	at(b, 0)->credit = INT64_MAX;
	at(b, 1)->credit = INT64_MIN;
	(void)picks(b, 6);
	tally(b, 3, counts);
	CU_ASSERT(counts[0] == 1 && counts[1] == 1 && counts[2] == 1);
	end(b);
}

static void nobody_pays_for_a_weight_that_he_had_before(void)
{
	struct bench *b = begin(BALANCER_WEIGHTED, "60000 1 1");

	(void)picks(b, 100);
	at(b, 0)->weight = 1;
	balancer_schedule_changed(&b->schedule);
	for (int i = 0; i < 10; i++) {
		uint32_t counts[OWNERS_MAX];

		tally(b, 6, counts);
		CU_ASSERT(counts[0] >= 1 && counts[1] >= 1 && counts[2] >= 1);
	}
	at(b, 0)->weight = 60000;
	CU_ASSERT_STRING_EQUAL(picks(b, 5) + 2, "AAA");
	end(b);
}

static void who_comes_after_many_who_went_waits_no_longer_than_others(void)
{
	struct bench *b = begin(BALANCER_WEIGHTED, "1 1");

	for (uint64_t id = 100; id < 400; id++) {
		uint32_t count = b->candidates.count;

		add(b, id);
		for (int i = 0; pick(b) != count; i++)
			CU_ASSERT_FATAL(i < 5);
		take_out(b, count); /* who has just had his turn */
	}
	CU_ASSERT_STRING_EQUAL(picks(b, 8) + 2, "ABABAB");
	end(b);
}

/* --- Least connections --- */

static void the_fewest_sessions_for_the_weight_win(void)
{
	struct bench *b = begin(BALANCER_LEAST, "1 3 2");

	at(b, 0)->sessions = 10; /* 10 */
	at(b, 1)->sessions = 31; /* 10 1/3 */
	at(b, 2)->sessions = 21; /* 10 1/2 */
	CU_ASSERT_EQUAL(pick(b), 0);
	at(b, 0)->sessions = 11;
	CU_ASSERT_EQUAL(pick(b), 1);
	at(b, 1)->sessions = 32;
	CU_ASSERT_EQUAL(pick(b), 2);
	at(b, 0)->sessions = at(b, 1)->sessions = at(b, 2)->sessions = UINT32_MAX;
	CU_ASSERT_EQUAL(pick(b), 1);
	at(b, 0)->weight = BALANCER_WEIGHT_MAX;
	CU_ASSERT_EQUAL(pick(b), 0);
	end(b);
}

static void equals_take_turns(void)
{
	struct bench *b = begin(BALANCER_LEAST, "1 1 1");

	CU_ASSERT_STRING_EQUAL(picks(b, 6), "ABCABC");
	at(b, 1)->sessions = 1;
	CU_ASSERT_STRING_EQUAL(picks(b, 5), "ACACA");
	set_eligible(b, 0, false);
	CU_ASSERT_STRING_EQUAL(picks(b, 2), "CC");
	at(b, 1)->sessions = 0;
	CU_ASSERT_STRING_EQUAL(picks(b, 4), "BCBC");
	take_out(b, 2);
	take_out(b, 1);
	set_eligible(b, 0, true);
	CU_ASSERT_STRING_EQUAL(picks(b, 2), "AA");
	end(b);
}

/* Sessions that stay: numbers follow the weights. */
static void sessions_grow_as_the_weights_are(void)
{
	struct bench *b = begin(BALANCER_LEAST, "4 2 1 1");

	for (int i = 0; i < 8000; i++)
		at(b, pick(b))->sessions++;
	CU_ASSERT_EQUAL(at(b, 0)->sessions, 4000);
	CU_ASSERT_EQUAL(at(b, 1)->sessions, 2000);
	CU_ASSERT_EQUAL(at(b, 2)->sessions, 1000);
	CU_ASSERT_EQUAL(at(b, 3)->sessions, 1000);
	end(b);
}

/* --- By the client's address --- */

static const enum balancer_scheduler by_address[] = {BALANCER_SOURCE, BALANCER_MAGLEV};

static void a_client_keeps_its_backend_whatever_the_order_of_the_candidates(void)
{
	for (size_t k = 0; k < 2; k++) {
		struct bench *b = begin(by_address[k], "1 2 3 4 5");
		struct bench *reversed = begin(by_address[k], "5 4 3 2 1");

		for (uint32_t i = 0; i < 5; i++)
			at(reversed, i)->id = at(b, 4 - i)->id;
		for (uint32_t i = 0; i < 1000; i++) {
			uint32_t picked = pick_for(b, i);

			CU_ASSERT_EQUAL(pick_for(b, i), picked);
			CU_ASSERT_EQUAL(pick_for(reversed, i), 4 - picked);
		}
		end(b);
		end(reversed);
	}
}

/* In parts of ten thousand of all clients. */
static void clients_are_shared_out_by_the_weights(void)
{
	static const uint32_t weights[] = {1, 2, 3, 30, 4};

	for (size_t k = 0; k < 2; k++) {
		struct bench *b = begin(by_address[k], "1 2 3 30 4");
		uint32_t counts[OWNERS_MAX];

		tally(b, CLIENTS, counts);
		for (uint32_t i = 0; i < 5; i++) {
			int share = (int)(counts[i] * 10000 / CLIENTS);

			CU_ASSERT(abs(share - (int)(weights[i] * 10000 / 40)) < 50);
		}
		end(b);
	}
}

static void a_source_goes_only_to_those_who_are_eligible(void)
{
	struct bench *b = begin(BALANCER_SOURCE, "1 1 1 1 1 1 1");
	uint32_t counts[OWNERS_MAX];

	for (uint32_t without = 0; without < 7; without++) {
		set_eligible(b, without, false);
		tally(b, CLIENTS, counts);
		for (uint32_t i = 0; i < 7; i++)
			CU_ASSERT(i == without ? !counts[i]
			                       : abs((int)counts[i] * 6 - CLIENTS) < CLIENTS / 20);
		set_eligible(b, without, true);
	}
	end(b);
}

/* --- Maglev --- */

static const char *ones(uint32_t count)
{
	static char text[2 * OWNERS_MAX];

	memset(text, 0, sizeof text);
	for (uint32_t i = 0; i < count; i++)
		strcat(text, i ? " 1" : "1");
	return text;
}

/* By id, whom each client goes to. */
static uint64_t *backends_of_clients(struct bench *b)
{
	uint64_t *ids = calloc(CLIENTS, sizeof *ids);

	for (uint32_t i = 0; i < CLIENTS; i++)
		ids[i] = at(b, pick_for(b, 0x0a000000 + i))->id;
	return ids;
}

static uint32_t differences(const uint64_t *a, const uint64_t *b)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < CLIENTS; i++)
		count += a[i] != b[i];
	return count;
}

/* The candidate 'index' of 'b', whose clients go where 'before' says, goes and comes back. */
static void expect_few_move(struct bench *b, const uint64_t *before, uint32_t index)
{
	uint32_t n = b->candidates.count;
	uint64_t *without, *again;

	set_eligible(b, index, false);
	without = backends_of_clients(b);
	CU_ASSERT(differences(before, without) <= CLIENTS / n + CLIENTS / 100);
	set_eligible(b, index, true);
	again = backends_of_clients(b);
	CU_ASSERT_EQUAL(differences(before, again), 0);
	free(without);
	free(again);
}

static void one_of_n_that_goes_moves_no_more_than_an_nth_and_one_percent_of_the_clients(void)
{
	for (uint32_t n = 2; n <= 20; n++) {
		struct bench *b = begin(BALANCER_MAGLEV, ones(n));
		uint64_t *before = backends_of_clients(b);

		expect_few_move(b, before, 0);
		expect_few_move(b, before, n / 2);
		expect_few_move(b, before, n - 1);
		free(before);
		end(b);
	}
}

static void with_equal_weights_shares_differ_by_less_than_one_percent(void)
{
	for (uint32_t n = 2; n <= 20; n++) {
		struct bench *b = begin(BALANCER_MAGLEV, ones(n));
		uint32_t counts[OWNERS_MAX], least = CLIENTS, most = 0;

		tally(b, CLIENTS, counts);
		for (uint32_t i = 0; i < n; i++) {
			least = counts[i] < least ? counts[i] : least;
			most = counts[i] > most ? counts[i] : most;
		}
		CU_ASSERT((most - least) * 100 < CLIENTS);
		end(b);
	}
}

static void one_that_goes_with_a_weight_moves_little_more_than_its_share(void)
{
	struct bench *b = begin(BALANCER_MAGLEV, "10 1 5 4");
	uint64_t *before = backends_of_clients(b), *after;

	for (uint32_t i = 0; i < 4; i++) {
		set_eligible(b, i, false);
		after = backends_of_clients(b);
		CU_ASSERT(differences(before, after) <=
		          CLIENTS * at(b, i)->weight / 20 + CLIENTS / 100);
		set_eligible(b, i, true);
		free(after);
	}
	free(before);
	end(b);
}

/* The weight of one of many is halved: half of its clients move, and few others. */
static void a_new_weight_moves_few(void)
{
	struct bench *b = begin(BALANCER_MAGLEV, "2 2 2 2 2 2 2 2 2 2");
	uint64_t *before = backends_of_clients(b), *after;

	at(b, 3)->weight = 1;
	balancer_schedule_changed(&b->schedule);
	after = backends_of_clients(b);
	CU_ASSERT(differences(before, after) >= CLIENTS / 20 - CLIENTS / 100);
	CU_ASSERT(differences(before, after) <= CLIENTS / 20 + CLIENTS / 50);
	free(before);
	free(after);
	end(b);
}

/* One goes and another comes at once: they are as many as before. */
static void a_replacement_takes_what_the_other_had_and_little_more(void)
{
	struct bench *b = begin(BALANCER_MAGLEV, ones(10));
	uint64_t *before = backends_of_clients(b), *after;
	uint32_t of_the_new = 0;

	at(b, 3)->id = 77;
	balancer_schedule_changed(&b->schedule);
	after = backends_of_clients(b);
	for (uint32_t i = 0; i < CLIENTS; i++)
		of_the_new += after[i] == 77;
	CU_ASSERT(abs((int)of_the_new - CLIENTS / 10) < CLIENTS / 100);
	CU_ASSERT(differences(before, after) <= 2 * (CLIENTS / 10 + CLIENTS / 100));
	free(before);
	free(after);
	end(b);
}

/* What moves does so because of the ids alone: another order, or a change that was none, is the
 * same table. */
static void places_of_the_candidates_do_not_matter_to_the_table(void)
{
	struct bench *b = begin(BALANCER_MAGLEV, "1 1 1 1");
	uint64_t *before = backends_of_clients(b), *after;
	struct owner first = b->owners[0];

	take_out(b, 0);
	b->owners[b->candidates.count++] = first;
	balancer_schedule_changed(&b->schedule);
	after = backends_of_clients(b);
	CU_ASSERT_EQUAL(differences(before, after), 0);
	free(before);
	free(after);
	end(b);
}

/* A number that stands for the choices for all clients. */
static uint64_t digest_of(struct bench *b)
{
	uint64_t digest = 0;

	for (uint32_t i = 0; i < CLIENTS; i++)
		digest = digest * UINT64_C(6364136223846793005) + pick_for(b, i) + 1;
	return digest;
}

static void choices_are_the_same_everywhere(void)
{
	static const struct {
		enum balancer_scheduler scheduler;
		const char *weights, *picks;
		uint64_t digest;
	} expected[] = {
	        {BALANCER_SOURCE, "1 2 3 4", "CCABBACCCCBCDBADABBDCADCCDBDBDDBBDCCDCDC",
	         UINT64_C(0x9058c2a472f593bc)},
	        {BALANCER_MAGLEV, "1 2 3 4", "DDBBDDBBCCACCCDCBCCDBBCDDDCDBDCDDCCCBACD",
	         UINT64_C(0x10ed493c0f806806)},
	        {BALANCER_MAGLEV, "1 1 1 1", "DABBADBBCCACCCDBBCCDBBAADDCBBDCDACCCBACB",
	         UINT64_C(0x73dc8207ebb7b336)},
	        {BALANCER_MAGLEV, "1 65535", "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB",
	         UINT64_C(0x8f16fee0ceed79c0)},
	};

	for (size_t k = 0; k < sizeof expected / sizeof expected[0]; k++) {
		struct bench *b = begin(expected[k].scheduler, expected[k].weights);
		char text[41] = "";

		for (uint32_t i = 0; i < 40; i++)
			text[i] = (char)('A' + pick_for(b, 0xc0a80200 + i));
		CU_ASSERT_STRING_EQUAL(text, expected[k].picks);
		CU_ASSERT_EQUAL(digest_of(b), expected[k].digest);
		end(b);
	}
}

/* 'count' candidates of the largest weight. */
static struct balancer_candidates many_candidates(uint32_t count)
{
	struct balancer_candidate *many = calloc(count, sizeof *many);

	for (uint32_t i = 0; i < count; i++)
		many[i] = (struct balancer_candidate){
		        .id = i, .weight = BALANCER_WEIGHT_MAX, .eligible = true};
	return (struct balancer_candidates){.first = many, .stride = sizeof *many, .count = count};
}

static void thousands_of_backends_are_no_exception(void)
{
	struct balancer_candidates candidates = many_candidates(THOUSANDS);

	for (int i = 0; i < BALANCER_SCHEDULERS; i++) {
		struct balancer_schedule schedule;
		uint32_t seen[THOUSANDS] = {0}, missing = 0;

		balancer_schedule_init(&schedule, (enum balancer_scheduler)i);
		for (uint32_t k = 0; k < 2 * THOUSANDS; k++) {
			uint32_t picked = balancer_schedule_pick(&schedule, &candidates, k * 7919);

			CU_ASSERT_FATAL(picked < THOUSANDS);
			seen[picked]++;
		}
		for (uint32_t k = 0; k < THOUSANDS; k++)
			missing += !seen[k];
		/* By chance, one in e^2 is not met in two rounds. */
		CU_ASSERT(missing <= (i >= BALANCER_SOURCE ? THOUSANDS / 6 : 0));
		balancer_schedule_free(&schedule);
	}
	free(candidates.first);
}

static void the_most_candidates_that_there_may_be_fit(void)
{
	struct balancer_candidates candidates = many_candidates(BALANCER_CANDIDATES_MAX);

	for (int i = 0; i < BALANCER_SCHEDULERS; i++) {
		struct balancer_schedule schedule;
		uint32_t last = BALANCER_NOBODY;

		balancer_schedule_init(&schedule, (enum balancer_scheduler)i);
		for (uint32_t k = 0; k < 20; k++) {
			uint32_t picked = balancer_schedule_pick(&schedule, &candidates, k);

			CU_ASSERT(picked < candidates.count && picked != last);
			last = picked;
		}
		balancer_schedule_free(&schedule);
	}
	free(candidates.first);
}

/* --- Another one --- */

static void another_one_is_found_evenly_and_takes_no_turn(void)
{
	struct bench *b = begin(BALANCER_ROUND_ROBIN, "1 9 5 9");
	uint32_t counts[4] = {0};

	set_eligible(b, 3, false);
	for (uint32_t spread = 0; spread < 100; spread++) {
		uint32_t other = balancer_schedule_other(&b->schedule, &b->candidates, 1, spread);

		CU_ASSERT_FATAL(other < 4);
		counts[other]++;
	}
	CU_ASSERT_EQUAL(counts[0], 50);
	CU_ASSERT_EQUAL(counts[2], 50);
	CU_ASSERT_EQUAL(b->schedule.turn, 0);
	set_eligible(b, 0, false);
	CU_ASSERT_EQUAL(balancer_schedule_other(&b->schedule, &b->candidates, 2, 7), 1);
	set_eligible(b, 2, false);
	CU_ASSERT_EQUAL(balancer_schedule_other(&b->schedule, &b->candidates, 1, 7),
	                BALANCER_NOBODY);
	CU_ASSERT_EQUAL(balancer_schedule_other(&b->schedule, &b->candidates, 9, 7), 1);
	end(b);
}

static void another_one_follows_the_weights(void)
{
	for (int i = BALANCER_WEIGHTED; i < BALANCER_SCHEDULERS; i++) {
		struct bench *b = begin((enum balancer_scheduler)i, "1 2 3 4");
		uint32_t counts[4] = {0};

		for (uint32_t spread = 0; spread < 700; spread++)
			counts[balancer_schedule_other(&b->schedule, &b->candidates, 2, spread)]++;
		CU_ASSERT_EQUAL(counts[0], 100);
		CU_ASSERT_EQUAL(counts[1], 200);
		CU_ASSERT_EQUAL(counts[3], 400);
		end(b);
	}
}

UNIT_TESTS("balancer_schedulers", UNIT_TEST(schedulers_are_named_as_the_option_names_them),
           UNIT_TEST(nobody_is_chosen_where_nobody_is_eligible_and_it_is_no_turn),
           UNIT_TEST(who_has_no_weight_gets_nothing),
           UNIT_TEST(who_is_not_eligible_any_more_is_not_chosen_even_where_nobody_said_so),
           UNIT_TEST(candidates_that_came_or_went_are_noticed_by_their_number),
           UNIT_TEST(whatever_changes_somebody_eligible_is_chosen),
           UNIT_TEST(round_robin_goes_in_the_order_of_the_candidates),
           UNIT_TEST(round_robin_takes_no_notice_of_weights),
           UNIT_TEST(round_robin_chooses_by_the_turn_among_those_who_are_eligible),
           UNIT_TEST(weights_of_three_to_one_are_exact_over_any_four),
           UNIT_TEST(weighted_turns_are_spread_out), UNIT_TEST(the_largest_weights_are_exact_too),
           UNIT_TEST(who_joins_is_neither_ahead_nor_behind),
           UNIT_TEST(who_flaps_between_any_two_connections_starves_nobody),
           UNIT_TEST(weights_are_exact_whatever_was_before),
           UNIT_TEST(credits_of_another_time_are_no_burden),
           UNIT_TEST(nobody_pays_for_a_weight_that_he_had_before),
           UNIT_TEST(who_comes_after_many_who_went_waits_no_longer_than_others),
           UNIT_TEST(the_fewest_sessions_for_the_weight_win), UNIT_TEST(equals_take_turns),
           UNIT_TEST(sessions_grow_as_the_weights_are),
           UNIT_TEST(a_client_keeps_its_backend_whatever_the_order_of_the_candidates),
           UNIT_TEST(clients_are_shared_out_by_the_weights),
           UNIT_TEST(a_source_goes_only_to_those_who_are_eligible),
           UNIT_TEST(one_of_n_that_goes_moves_no_more_than_an_nth_and_one_percent_of_the_clients),
           UNIT_TEST(with_equal_weights_shares_differ_by_less_than_one_percent),
           UNIT_TEST(one_that_goes_with_a_weight_moves_little_more_than_its_share),
           UNIT_TEST(a_new_weight_moves_few),
           UNIT_TEST(a_replacement_takes_what_the_other_had_and_little_more),
           UNIT_TEST(places_of_the_candidates_do_not_matter_to_the_table),
           UNIT_TEST(choices_are_the_same_everywhere),
           UNIT_TEST(thousands_of_backends_are_no_exception),
           UNIT_TEST(the_most_candidates_that_there_may_be_fit),
           UNIT_TEST(another_one_is_found_evenly_and_takes_no_turn),
           UNIT_TEST(another_one_follows_the_weights))
