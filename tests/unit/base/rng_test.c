/* The seeded generator: fixed values, independence of names, bounds. */
#include "tests/unit/harness.h"

#include "lib/base/rng.h"

static void the_generator_is_xoshiro256_star_star(void)
{
	/* The first outputs for the state 1, 2, 3, 4 that its authors' code gives; the first three
	 * by hand: rotl(2 * 5, 7) * 9 = 11520, then 0, then rotl(262149 * 5, 7) * 9. */
	struct rng rng = {{1, 2, 3, 4}};

	CU_ASSERT_EQUAL(rng_next(&rng), 11520);
	CU_ASSERT_EQUAL(rng_next(&rng), 0);
	CU_ASSERT_EQUAL(rng_next(&rng), UINT64_C(1509978240));
	CU_ASSERT_EQUAL(rng_next(&rng), UINT64_C(1215971899390074240));
}

static void the_same_seed_and_name_draw_the_same_on_every_machine(void)
{
	struct rng rng;

	rng_init(&rng, 42, "link h1 -- s1:1");
	CU_ASSERT_EQUAL(rng_next(&rng), UINT64_C(0xd724e9cc1bb29fbf));
	CU_ASSERT_EQUAL(rng_next(&rng), UINT64_C(0x60c92fdcf6fa79ed));
}

static void another_seed_or_another_name_draws_something_else(void)
{
	struct rng a, b, c;
	uint64_t first;

	rng_init(&a, 1, "h1");
	rng_init(&b, 1, "h2");
	rng_init(&c, 2, "h1");
	first = rng_next(&a);
	CU_ASSERT_NOT_EQUAL(first, rng_next(&b));
	CU_ASSERT_NOT_EQUAL(first, rng_next(&c));
}

static void draws_below_a_bound_reach_all_of_it_evenly(void)
{
	unsigned counts[10] = {0};
	struct rng rng;

	rng_init(&rng, 7, "bounds");
	for (int i = 0; i < 100000; i++) {
		uint64_t draw = rng_below(&rng, 10);

		CU_ASSERT_FATAL(draw < 10);
		counts[draw]++;
	}
	for (int i = 0; i < 10; i++)
		CU_ASSERT(counts[i] > 9500 && counts[i] < 10500);
}

static void large_bounds_are_not_biased(void)
{
	/* With a bound of three quarters of 2^64, taking the remainder of a draw would put half of
	 * all into the first third, and scaling without refusing any would make half of all a
	 * multiple of three. */
	const uint64_t bound = UINT64_C(3) << 62;
	unsigned first_third = 0, multiples = 0;
	struct rng rng;

	rng_init(&rng, 7, "large");
	for (int i = 0; i < 30000; i++) {
		uint64_t draw = rng_below(&rng, bound);

		first_third += draw < bound / 3;
		multiples += draw % 3 == 0;
	}
	CU_ASSERT(first_third > 9500 && first_third < 10500);
	CU_ASSERT(multiples > 9500 && multiples < 10500);
}

static void a_bound_of_one_gives_zero(void)
{
	struct rng rng;

	rng_init(&rng, 7, "one");
	CU_ASSERT_EQUAL(rng_below(&rng, 1), 0);
}

static void chances_come_true_as_often_as_told(void)
{
	unsigned hits = 0;
	struct rng rng;

	rng_init(&rng, 3, "chance");
	for (int i = 0; i < 100000; i++)
		hits += rng_chance_ppm(&rng, 10000);
	CU_ASSERT(hits > 850 && hits < 1150);
	for (int i = 0; i < 1000; i++) {
		CU_ASSERT_FALSE(rng_chance_ppm(&rng, 0));
		CU_ASSERT_TRUE(rng_chance_ppm(&rng, 1000000));
	}
}

static void a_chance_of_zero_never_comes_true_even_for_the_least_draw(void)
{
	struct rng never = {{1, 2, 3, 4}}, once = {{1, 2, 3, 4}}; /* draws 0 below a million */

	CU_ASSERT_FALSE(rng_chance_ppm(&never, 0));
	CU_ASSERT_TRUE(rng_chance_ppm(&once, 1));
}

static void a_chance_of_zero_draws_too(void)
{
	struct rng a, b;

	rng_init(&a, 3, "draws");
	b = a;
	rng_chance_ppm(&a, 0);
	rng_next(&b);
	CU_ASSERT_EQUAL(rng_next(&a), rng_next(&b));
}

UNIT_TESTS("rng", UNIT_TEST(the_generator_is_xoshiro256_star_star),
           UNIT_TEST(the_same_seed_and_name_draw_the_same_on_every_machine),
           UNIT_TEST(another_seed_or_another_name_draws_something_else),
           UNIT_TEST(draws_below_a_bound_reach_all_of_it_evenly),
           UNIT_TEST(large_bounds_are_not_biased), UNIT_TEST(a_bound_of_one_gives_zero),
           UNIT_TEST(chances_come_true_as_often_as_told),
           UNIT_TEST(a_chance_of_zero_never_comes_true_even_for_the_least_draw),
           UNIT_TEST(a_chance_of_zero_draws_too))
