/* Nodes into YAML text, and back. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "sim/yaml_write.h"
#include "tests/unit/harness.h"

static bool parse(struct yaml_tree *tree, const char *text, size_t len)
{
	struct problems problems;
	bool ok;

	problems_init(&problems);
	ok = yaml_tree_parse(tree, text, len, &problems);
	problems_destroy(&problems);
	return ok;
}

static bool are_equal(const struct yaml_node *left, const struct yaml_node *right)
{
	size_t items = left->kind == YAML_MAPPING ? 2 * left->count : left->count;

	if (left->kind != right->kind || left->count != right->count)
		return false;
	if (left->kind == YAML_SCALAR)
		return left->plain == right->plain && !strcmp(left->text, right->text);
	for (size_t i = 0; i < items; i++)
		if (!are_equal(left->items[i], right->items[i]))
			return false;
	return true;
}

static void comes_back(const char *text, size_t len, const char *name)
{
	struct yaml_tree before, after;
	size_t written_len;
	char *written;
	bool same;

	if (!parse(&before, text, len) || !before.root) {
		yaml_tree_destroy(&before);
		return; /* of the files that are wrong on purpose */
	}
	written = yaml_write_text(before.root, &written_len);
	same = parse(&after, written, written_len) && after.root &&
	       are_equal(before.root, after.root);
	if (!same)
		printf("# %s:\n%s", name, written);
	CU_ASSERT_TRUE(same);
	free(written);
	yaml_tree_destroy(&before);
	yaml_tree_destroy(&after);
}

static void every_scenario_comes_back_as_it_was(void)
{
	static const char *const patterns[] = {"/scenarios/*.yaml", "/tests/scenarios/*.yaml",
	                                       "/tests/scenarios/wrong/*.yaml"};
	size_t files = 0;

	for (size_t i = 0; i < 3; i++) {
		char pattern[4096];
		glob_t found;

		snprintf(pattern, sizeof pattern, "%s%s", FLOWBED_SOURCE_DIR, patterns[i]);
		CU_ASSERT_EQUAL_FATAL(glob(pattern, 0, NULL, &found), 0);
		for (size_t j = 0; j < found.gl_pathc; j++) {
			FILE *in = fopen(found.gl_pathv[j], "rb");
			static char text[1 << 20];
			size_t len;

			CU_ASSERT_PTR_NOT_NULL_FATAL(in);
			len = fread(text, 1, sizeof text, in);
			fclose(in);
			if (len == sizeof text)
				continue;
			comes_back(text, len, found.gl_pathv[j]);
			files++;
		}
		globfree(&found);
	}
	CU_ASSERT_TRUE(files > 100);
}

static void odd_values_come_back_as_they_were(void)
{
	static const char *const texts[] = {
	        "a: \nb: ~\nc: \"\"\nd: \"a \\\"quoted\\\" \\\\ one\\n and \\ttwo\"\n",
	        "a: [1, \"x, y\", {b: c, d: }, []]\ne: {}\n",
	        "a: x,y=z\nb:\n  - x,y=z\n  - [p, q]\n  -\n  - - deep\n    - er\n",
	        "\"a: b\": c\n? [x, y]\n: z\n",
	        "a: \"\xc3\xa4 # no comment\"\nb: 'it''s'\nc: http://x:1/y#z\n",
	        "a: \"\\x01 \\x1b[31m \\x7f\"\n",
	        "a: \"\\x80 \\x9f \\xff \\xa0\"\nb: \"x\\N y\\L z\\P\"\n",
	        "a: \"\\uFEFF \\U0001F600 \\u20AC\"\n\"k\\x02\": [\"\\x03\", \"x\\x01\\x02\"]\n",
	        "just a text\n",
	        "[a, b]\n",
	        "{}\n",
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		comes_back(texts[i], strlen(texts[i]), texts[i]);
}

static void is_written(const char *text, const char *expected)
{
	struct yaml_tree tree;
	size_t len;
	char *written;

	CU_ASSERT_TRUE_FATAL(parse(&tree, text, strlen(text)));
	written = yaml_write_text(tree.root, &len);
	CU_ASSERT_STRING_EQUAL(written, expected);
	CU_ASSERT_EQUAL(strlen(written), len);
	free(written);
	yaml_tree_destroy(&tree);
}

static void it_is_written_as_our_scenarios_are(void)
{
	static const char text[] = "name: two rooms\n"
	                           "switches: {s1: {}, s2: {}}\n"
	                           "hosts:\n"
	                           "  h1: {ip: 10.0.0.1/24}\n"
	                           "links: [\"h1 -- s1:1\", \"s1 -- s2\"]\n"
	                           "faults:\n"
	                           "  until: 10s\n"
	                           "  at:\n"
	                           "    - {at: 1.5s, lose: {link: \"h1 -- s1:1\", from: h1}}\n"
	                           "steps:\n"
	                           "  - repeat: 2\n"
	                           "    tcp: {from: h1, to: h2:22, expect: {reply: h2}}\n"
	                           "  - parallel:\n"
	                           "      - ping: {from: h1, to: h2}\n"
	                           "      - steps:\n"
	                           "          - wait: 50ms\n"
	                           "          - link: {down: s1 -- s2}\n"
	                           "  - wait: converged\n"
	                           "expect: {errors: never}\n";

	is_written(text, text);
}

static void what_does_not_fit_into_a_line_is_a_block(void)
{
	char fits[200], too_long[200], blocks[200], word[150];

	/* "s: {k: WORD, l: [1, 2]}" */
	memset(word, 'w', sizeof word);
	word[YAML_WRITE_COLUMNS - 18] = 0;
	snprintf(too_long, sizeof too_long, "s: {k: %s, l: [1, 2]}\n", word);
	snprintf(blocks, sizeof blocks, "s:\n  k: %s\n  l: [1, 2]\n", word);
	is_written(too_long, blocks);
	word[YAML_WRITE_COLUMNS - 19] = 0;
	snprintf(fits, sizeof fits, "s: {k: %s, l: [1, 2]}\n", word);
	CU_ASSERT_EQUAL(strlen(fits), YAML_WRITE_COLUMNS + 1);
	is_written(fits, fits);
}

UNIT_TESTS("yaml_write", UNIT_TEST(every_scenario_comes_back_as_it_was),
           UNIT_TEST(odd_values_come_back_as_they_were),
           UNIT_TEST(it_is_written_as_our_scenarios_are),
           UNIT_TEST(what_does_not_fit_into_a_line_is_a_block))
