/* Making scenarios small, with a judge who looks at the text only. */
#include <stdlib.h>
#include <string.h>

#include "sim/shrink_private.h"
#include "sim/yaml_write.h"
#include "tests/unit/harness.h"

/* Texts that must stay, and what no question may hold. */
static const char *const *wanted;
static const char *forbidden;
/* And what else must be so; NULL: nothing. */
static bool (*also)(const char *text);
static unsigned long questions, questions_max;

static bool fails(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	(void)len;
	questions++;
	if (forbidden)
		CU_ASSERT_PTR_NULL(strstr(text, forbidden));
	for (const char *const *word = wanted; *word; word++)
		if (!strstr(text, *word))
			return false;
	return !also || also(text);
}

static bool over(void *ctx)
{
	(void)ctx;
	return questions >= questions_max;
}

static void parse(struct yaml_tree *tree, const char *text)
{
	struct problems problems;

	problems_init(&problems);
	CU_ASSERT_TRUE_FATAL(yaml_tree_parse(tree, text, strlen(text), &problems));
	problems_destroy(&problems);
}

static void is_text(struct yaml_tree *tree, const char *expected)
{
	size_t len;
	char *text = yaml_write_text(tree->root, &len);

	CU_ASSERT_STRING_EQUAL(text, expected);
	if (strcmp(text, expected))
		printf("# got:\n%s", text);
	free(text);
	yaml_tree_destroy(tree);
}

static void becomes(const char *text, const char *const *words, const char *expected)
{
	const struct shrink_ops ops = {.fails = fails, .over = over};
	struct yaml_tree tree;

	wanted = words;
	questions = 0;
	questions_max = 100000;
	parse(&tree, text);
	shrink_tree(&tree, &ops);
	is_text(&tree, expected);
	forbidden = NULL;
	also = NULL;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void what_is_not_needed_goes(void)
{
	becomes("name: a\ncontroller: hub\nswitches: {s1: {buffers: 0}}\n"
	        "hosts:\n  h1: {ip: 10.0.0.1}\n  h2: {ip: 10.0.0.2, gateway: 10.0.0.9}\n"
	        "  h3: {ip: 10.0.0.3}\n"
	        "links: [h1 -- s1, {between: h2 -- s1, loss: 1%}, h3 -- s1]\n"
	        "steps:\n  - ping: {from: h3, to: h1}\n  - repeat: 7\n"
	        "    ping: {from: h1, to: h2, count: 9}\n  - wait: 5s\n"
	        "expect: {errors: never}\n",
	        WORDS("h1: {", "h2: {", "h1 -- s1", "h2 -- s1", "ping: {from: h1"),
	        "name: a\nhosts:\n  h1: {}\n  h2: {}\n"
	        "links: [h1 -- s1, h2 -- s1]\nsteps:\n  - ping: {from: h1}\n");
}

static void groups_of_one_become_that_one(void)
{
	becomes("steps:\n  - parallel:\n      - steps:\n          - wait: 1s\n"
	        "          - ping: {from: h1}\n      - wait: 2s\n",
	        WORDS("ping"), "steps:\n  - ping: {}\n");
	becomes("steps:\n  - repeat: 6\n    steps:\n      - wait: 500ms\n  - ping: {from: h1}\n",
	        WORDS("wait: 3s", "ping"), "steps:\n  - wait: 3s\n  - ping: {}\n");
}

static bool both_or_neither(const char *text)
{
	return !strstr(text, "host: {down") == !strstr(text, "host: {up");
}

/* 'down' alone is never asked for, though 'up' is what could go first. */
static void what_breaks_goes_with_what_mends_it(void)
{
	forbidden = "- link: {down: h1 -- s1}\n  - ping: {}\n";
	becomes("steps:\n  - link: {down: h1 -- s1}\n  - ping: {}\n  - link: {up: h1 -- s1}\n",
	        WORDS("ping"), "steps:\n  - ping: {}\n");
	forbidden = NULL;
	becomes("steps:\n  - controller: down\n  - ping: {}\n  - controller: up\n",
	        WORDS("ping", "controller: down"),
	        "steps:\n  - controller: down\n  - ping: {}\n  - controller: up\n");
	also = both_or_neither;
	becomes("steps:\n  - host: {down: h1}\n  - ping: {}\n  - parallel:\n      - wait: 1s\n"
	        "      - host: {up: h1}\n",
	        WORDS("ping"), "steps:\n  - ping: {}\n");
	becomes("steps:\n  - controller: down\n  - ping: {}\n", WORDS("ping", "controller: down"),
	        "steps:\n  - controller: down\n  - ping: {}\n");
}

static void what_may_fail_may_fail_to_the_end(void)
{
	static const char text[] =
	        "name: b\n"
	        "faults:\n  converge: 3s\n  at:\n    - {at: 1s, lose: {link: h1 -- s1}}\n"
	        "steps:\n  - tcp: {from: h1, expect: {outcome: any}}\n  - wait: converged\n"
	        "  - tcp: {from: h2}\n  - expect: {since: x, errors: never}\n";

	becomes(text, WORDS("{at: 1s, lose: {link", "from: h1", "from: h2", "errors"), text);
	/* Without faults there is nothing to wait for. */
	becomes("steps:\n  - wait: converged\n  - tcp: {from: h2}\n", WORDS("from: h2"),
	        "steps:\n  - tcp: {from: h2}\n");
}

static void hosts_go_with_all_that_names_them(void)
{
	becomes("hosts: {h1: {}, h2: {}, h3: {}}\nlinks: [h1 -- s1:1, \"h2 -- s1:2\", h3 -- s1:3]\n"
	        "faults:\n  at:\n    - {at: 1s, lose: {link: \"h3 -- s1:3\", from: s1}}\n"
	        "    - {at: 2s, host_down: {host: h3}}\n    - {at: 3s, host_down: {host: h1}}\n"
	        "steps:\n  - tcp: {from: h1, to: \"h3:22\"}\n  - ping: {from: h3, to: h1}\n"
	        "  - tcp: {from: h1, to: h2:7, expect: {replies: [h2, h3]}}\n"
	        "  - expect: {answered: {h2: 1, h3: 1}, frames: {at: h3, count: 1}}\n",
	        WORDS("h1: {", "h2: {", "{at: 3s, host_down: {host", "tcp: {from", "replies: [h2",
	              "answered: {h2", "h1 -- s1:1", "h2 -- s1:2", "to: h2:7"),
	        "hosts:\n  h1: {}\n  h2: {}\nlinks: [h1 -- s1:1, \"h2 -- s1:2\"]\n"
	        "faults:\n  at:\n    - {at: 3s, host_down: {host: h1}}\n"
	        "steps:\n  - tcp: {from: h1, to: h2:7, expect: {replies: [h2]}}\n"
	        "  - expect: {answered: {h2: 1}}\n");
}

static void a_switch_becomes_one_with_its_neighbour(void)
{
	struct yaml_tree tree;

	parse(&tree,
	      "switches: {s1: {}, s2: {}, s3: {}}\nhosts: {h1: {}, h2: {}}\n"
	      "links: [\"h1 -- s1:1\", \"s1:9 -- s2:9\", {between: \"s2:8 -- s3:8\", delay: 1ms}, "
	      "\"h2 -- s3:1\"]\n"
	      "faults:\n  at:\n    - {at: 1s, lose: {link: \"s1:9 -- s2:9\", from: s2}}\n"
	      "    - {at: 2s, lose: {link: \"h2 -- s3:1\", from: s3}}\n"
	      "steps:\n  - link: {down: h2 -- s3}\n  - link: {down: s1 -- s2}\n"
	      "  - expect: {packet_ins: {s3: 1}}\n");
	/* The second into the first, the first into what was the third. */
	CU_ASSERT_EQUAL(shrink_merge_switches(&tree, 0), SHRINK_MADE);
	CU_ASSERT_EQUAL(shrink_merge_switches(&tree, 1), SHRINK_MADE);
	CU_ASSERT_EQUAL(shrink_merge_switches(&tree, 0), SHRINK_NO_MORE);
	is_text(&tree, "switches: {s3: {}}\nhosts:\n  h1: {}\n  h2: {}\n"
	               "links: [\"h1 -- s3\", \"h2 -- s3:1\"]\n"
	               "faults:\n  at:\n    - {at: 2s, lose: {link: \"h2 -- s3:1\", from: s3}}\n"
	               "steps:\n  - link: {down: h2 -- s3}\n  - expect: {packet_ins: {s3: 1}}\n");
}

static void links_are_named_without_ports_that_nobody_said(void)
{
	struct yaml_tree tree;

	parse(&tree, "links: [c1..c9 -- s1, h1 -- s1, \"h2 -- s1:3\"]\n"
	             "faults:\n  at:\n    - {at: 1s, lose: {link: \"h2 -- s1:3\", from: h2}}\n"
	             "    - {at: 1s, lose: {link: \"c2 -- s1:2\", from: s1}}\n"
	             "steps:\n  - link: {down: \"h1 -- s1:10\"}\n");
	CU_ASSERT_EQUAL(shrink_strip_ports(&tree, 1), SHRINK_MADE);
	CU_ASSERT_EQUAL(shrink_strip_ports(&tree, 1), SHRINK_NO_MORE);
	is_text(&tree, "links: [c1..c9 -- s1, h1 -- s1, \"h2 -- s1:3\"]\n"
	               "faults:\n  at:\n    - {at: 1s, lose: {link: \"h2 -- s1:3\", from: h2}}\n"
	               "    - {at: 1s, lose: {link: \"c2 -- s1:2\", from: s1}}\n"
	               "steps:\n  - link: {down: h1 -- s1}\n");
}

static void ranges_become_narrower_and_keep_their_addresses(void)
{
	static const char text[] = "hosts: {c1..c100: {ip: 10.0.0.1/24, mac: 02:00:00:00:01:fa}}\n"
	                           "links: [c1..c60 -- s1, c61..c100 -- s2]\n"
	                           "steps:\n  - ping: {from: c1..c100, to: c1}\n  - ping: {from: "
	                           "c61..c100, to: c100}\n";

	becomes(text, WORDS("c100 -- s2", "from: c", "to: c100", "ip", "mac"),
	        "hosts:\n  c100: {ip: 10.0.0.100/24, mac: 02:00:00:00:02:5d}\n"
	        "links: [c100 -- s2]\nsteps:\n  - ping: {from: c100, to: c100}\n");
	becomes(text, WORDS("hosts:\n  c1", " -- s1", "from: c1", "to: c1}", "ip"),
	        "hosts:\n  c1: {ip: 10.0.0.1/24}\nlinks: [c1 -- s1]\n"
	        "steps:\n  - ping: {from: c1, to: c1}\n");
}

static void numbers_become_small_and_times_round(void)
{
	becomes("faults:\n  until: 9s\n  at:\n    - {at: 1.234567891s, lose: {frames: 77}}\n"
	        "    - {at: 200ms, flap: {every: 12ms}}\n"
	        "steps:\n  - repeat: 100\n    tcp: {send: 20MB, pause: 1234ms, timeout: 77s}\n"
	        "  - expect: {frames: {count: 9}, packet_ins: {at_least: 1234}, within: 7777ms}\n",
	        WORDS("until: ", "lose: {frames", "repeat: ", "send: ", "pause: ", "timeout",
	              "{at_least", "count", "within", "every: 1"),
	        "faults:\n  until: 0s\n  at:\n    - {lose: {frames: 0}}\n"
	        "    - {flap: {every: 1ms}}\n"
	        "steps:\n  - repeat: 0\n    tcp: {send: 1kB, pause: 0s, timeout: 77s}\n"
	        "  - expect: {frames: {count: 9}, packet_ins: {at_least: 1234}, within: 7777ms}\n");
}

static void faults_stand_in_the_order_of_their_times(void)
{
	becomes("faults:\n  at:\n    - {at: 700ms, lose: {link: a}}\n    - {at: 20ms, lose: {link: "
	        "b}}\n"
	        "    - {at: 20ms, lose: {link: c}}\n",
	        WORDS("at: 700ms", "at: 20ms, lose: {link: b", "at: 20ms, lose: {link: c",
	              "link: a"),
	        "faults:\n  at:\n    - {at: 20ms, lose: {link: b}}\n"
	        "    - {at: 20ms, lose: {link: c}}\n    - {at: 700ms, lose: {link: a}}\n");
}

static void it_ends_when_it_is_told_to(void)
{
	const struct shrink_ops ops = {.fails = fails, .over = over};
	struct yaml_tree tree;

	wanted = WORDS("a");
	questions = 0;
	questions_max = 2;
	parse(&tree, "a: 1\nsteps: [{wait: 1s}, {wait: 2s}, {wait: 3s}, {wait: 4s}]\n");
	shrink_tree(&tree, &ops);
	CU_ASSERT_EQUAL(questions, 2);
	yaml_tree_destroy(&tree);
}

static void times_are_written_as_they_are_read(void)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} times[] = {{0, "0s"},
	             {1, "1ns"},
	             {999, "999ns"},
	             {1500, "1.5us"},
	             {20000000, "20ms"},
	             {1234567, "1.234567ms"},
	             {1000000000, "1s"},
	             {1200000000, "1.2s"},
	             {100000000000, "100s"},
	             {1000000001, "1.000000001s"}};

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		char text[SHRINK_TEXT_BYTES];

		shrink_time_text(times[i].ns, text);
		CU_ASSERT_STRING_EQUAL(text, times[i].text);
	}
}

static void chance_goes_and_decisions_come_in_its_place(void)
{
	static const char items[] = "- {at: 1s, lose: {link: \"h1 -- s1\"}}\n";
	struct yaml_tree tree;
	uint64_t seed = 17;

	parse(&tree, "seed: 3\nlinks:\n  - {between: h1 -- s1, loss: 5%, jitter: 1ms}\n"
	             "  - {between: h2 -- s1, rate: 1Mbit, reorder: 5%, reorder_delay: 2ms}\n"
	             "faults: {rates: {all: 1/s}, until: 3s}\n");
	shrink_without_chance(&tree,
	                      (struct shrink_chance){.rates = true, .links = true, .splits = true});
	CU_ASSERT_TRUE(shrink_set_faults(&tree, items, strlen(items)));
	shrink_set_seed(&tree, &seed);
	is_text(&tree, "seed: 17\nlinks: [h1 -- s1, {between: h2 -- s1, rate: 1Mbit}]\n"
	               "faults:\n  until: 3s\n  splits: no\n  at:\n"
	               "    - {at: 1s, lose: {link: \"h1 -- s1\"}}\n");
	parse(&tree, "seed: 3\nfaults: {at: [{at: 1s}]}\n");
	CU_ASSERT_TRUE(shrink_set_faults(&tree, NULL, 0));
	CU_ASSERT_FALSE(shrink_set_faults(&tree, "[", 1));
	shrink_set_seed(&tree, NULL);
	is_text(&tree, "faults: {}\n");
}

static void takes_option(const char *text, const char *setting, const char *expected)
{
	struct yaml_tree tree;

	parse(&tree, text);
	CU_ASSERT_TRUE(shrink_set_option(&tree, setting));
	is_text(&tree, expected);
}

static void options_become_part_of_the_controller(void)
{
	struct yaml_tree tree;

	takes_option("controller: hub\n", "hub.a=1", "controller: \"hub,a=1\"\n");
	takes_option("controller: \"x,a=2,b=3\"\n", "x.a=1", "controller: \"x,b=3,a=1\"\n");
	takes_option("controller: [discovery, \"x,ab=2\"]\n", "x.a=1",
	             "controller: [discovery, \"x,ab=2,a=1\"]\n");
	takes_option("controller: {apps: [x], delay: 1ms}\n", "x.a=1",
	             "controller: {apps: [\"x,a=1\"], delay: 1ms}\n");
	parse(&tree, "controller: hub\n");
	CU_ASSERT_FALSE(shrink_set_option(&tree, "learning.a=1"));
	yaml_tree_destroy(&tree);
}

static void its_size_counts_steps_and_not_groups(void)
{
	struct yaml_tree tree;
	struct shrink_size size;

	parse(&tree, "switches: {s1: }\nhosts: {h1: , h2: }\nfaults: {at: [1, 2, 3]}\n"
	             "steps: [{wait: 1s}, {parallel: [{wait: 1s}, {steps: [{ping: x}]}]}]\n");
	size = shrink_size_of(tree.root);
	CU_ASSERT_EQUAL(size.steps, 3);
	CU_ASSERT_EQUAL(size.faults, 3);
	CU_ASSERT_EQUAL(size.switches, 1);
	CU_ASSERT_EQUAL(size.hosts, 2);
	yaml_tree_destroy(&tree);
}

UNIT_TESTS("shrink", UNIT_TEST(what_is_not_needed_goes), UNIT_TEST(groups_of_one_become_that_one),
           UNIT_TEST(what_breaks_goes_with_what_mends_it),
           UNIT_TEST(what_may_fail_may_fail_to_the_end),
           UNIT_TEST(hosts_go_with_all_that_names_them),
           UNIT_TEST(a_switch_becomes_one_with_its_neighbour),
           UNIT_TEST(links_are_named_without_ports_that_nobody_said),
           UNIT_TEST(ranges_become_narrower_and_keep_their_addresses),
           UNIT_TEST(numbers_become_small_and_times_round),
           UNIT_TEST(faults_stand_in_the_order_of_their_times),
           UNIT_TEST(it_ends_when_it_is_told_to), UNIT_TEST(times_are_written_as_they_are_read),
           UNIT_TEST(chance_goes_and_decisions_come_in_its_place),
           UNIT_TEST(options_become_part_of_the_controller),
           UNIT_TEST(its_size_counts_steps_and_not_groups))
