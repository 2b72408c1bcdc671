/* YAML into nodes with places. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/yaml_tree.h"
#include "tests/unit/harness.h"

static struct yaml_tree tree;
static struct problems problems;

static bool parse_bytes(const char *text, size_t len)
{
	problems_init(&problems);
	return yaml_tree_parse(&tree, text, len, &problems);
}

static bool parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void done(void)
{
	yaml_tree_destroy(&tree);
	problems_destroy(&problems);
}

static void is_at(const struct yaml_node *node, uint32_t line, uint32_t column)
{
	CU_ASSERT_EQUAL(node->at.line, line);
	CU_ASSERT_EQUAL(node->at.column, column);
}

/* The text must be refused with one complaint at that place that holds 'part'. */
static void is_refused(const char *text, size_t len, uint32_t line, uint32_t column,
                       const char *part)
{
	CU_ASSERT_FALSE(parse_bytes(text, len));
	CU_ASSERT_PTR_NULL(tree.root);
	CU_ASSERT_EQUAL_FATAL(problems.count, 1);
	CU_ASSERT_EQUAL(problems.items[0].at.line, line);
	CU_ASSERT_EQUAL(problems.items[0].at.column, column);
	CU_ASSERT_PTR_NOT_NULL(strstr(problems.items[0].text, part));
	done();
}

static void every_node_knows_its_place(void)
{
	const struct yaml_node *list;

	CU_ASSERT_TRUE_FATAL(parse("name: two\nlist:\n  - a\n  - {k: \"v\", e: }\nlast:\n"));
	CU_ASSERT_EQUAL(tree.root->kind, YAML_MAPPING);
	CU_ASSERT_EQUAL(tree.root->count, 3);
	is_at(yaml_key(tree.root, 0), 1, 1);
	is_at(yaml_value(tree.root, 0), 1, 7);
	list = yaml_get(tree.root, "list");
	CU_ASSERT_EQUAL(list->kind, YAML_SEQUENCE);
	is_at(list->items[0], 3, 5);
	is_at(yaml_get(list->items[1], "k"), 4, 9);
	CU_ASSERT_FALSE(yaml_get(list->items[1], "k")->plain);
	CU_ASSERT_TRUE(yaml_is_null(yaml_get(list->items[1], "e")));
	CU_ASSERT_TRUE(yaml_is_null(yaml_get(tree.root, "last")));
	is_at(yaml_get(tree.root, "last"), 5, 5);
	CU_ASSERT_PTR_NULL(yaml_get(tree.root, "none"));
	done();
}

static void columns_count_characters_and_not_bytes(void)
{
	CU_ASSERT_TRUE_FATAL(parse("k\xc3\xb6: v\n"));
	is_at(yaml_value(tree.root, 0), 1, 5);
	done();
}

static void an_alias_is_a_copy_of_what_it_names(void)
{
	const struct yaml_node *b;

	CU_ASSERT_TRUE_FATAL(parse("a: &x {p: 1, q: [2, 3]}\nb: *x\n"));
	b = yaml_get(tree.root, "b");
	CU_ASSERT_EQUAL(b->kind, YAML_MAPPING);
	CU_ASSERT_EQUAL(b->count, 2);
	CU_ASSERT_STRING_EQUAL(yaml_get(b, "q")->items[1]->text, "3");
	CU_ASSERT_PTR_NOT_EQUAL(b, yaml_get(tree.root, "a"));
	done();
	is_refused("a: *x\n", 6, 1, 4, "is named '&x'");
	is_refused("a: &x [*x]\n", 11, 1, 8, "is named '&x'");
}

static void aliases_of_aliases_do_not_grow_without_bound(void)
{
	char *text = xmalloc(64 * 400);
	size_t len = (size_t)sprintf(text, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");

	for (int i = 1; i < 12; i++)
		len += (size_t)sprintf(
		        text + len, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n",
		        i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	CU_ASSERT_FALSE(parse_bytes(text, len));
	CU_ASSERT_EQUAL_FATAL(problems.count, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(problems.items[0].text, "more than 2000000 values"));
	done();
	free(text);
}

static void nesting_is_bounded_through_aliases_too(void)
{
	char text[4000];
	size_t len = 0;

	memset(text, '[', 60);
	is_refused(text, 60, 1, 41, "40 levels");
	len += (size_t)sprintf(text, "a: &a [[[[[[[[[[[[[[[[[[[[[[[[[x]]]]]]]]]]]]]]]]]]]]]]]]]\n");
	len += (size_t)sprintf(text + len,
	                       "b: [[[[[[[[[[[[[[[[[[[[[[[[[*a]]]]]]]]]]]]]]]]]]]]]]]]]\n");
	CU_ASSERT_FALSE(parse_bytes(text, len));
	CU_ASSERT_PTR_NOT_NULL(strstr(problems.items[0].text, "40 levels"));
	done();
}

static void bad_yaml_is_one_complaint_at_its_place(void)
{
	is_refused("a: [b, c\n", 9, 2, 1, "bad YAML");
	is_refused("a:\n\tb: c\n", 9, 2, 1, "a tab indents this line");
	is_refused("a: @b\n", 6, 1, 4, "cannot start with '@'");
	is_refused("a: b: c\n", 8, 1, 5, "bad YAML");
	is_refused("a: \"b\n", 6, 1, 5, "without closing quote");
}

static void what_is_no_text_is_refused(void)
{
	is_refused("a: \xff\n", 5, 1, 4, "no UTF-8");
	is_refused("a: \xc0\x80\n", 6, 1, 4, "no UTF-8");
	is_refused("a: \xed\xa0\x80\n", 7, 1, 4, "no UTF-8");
	is_refused("a: \xe2\x82", 5, 1, 4, "no UTF-8");
	is_refused("ab\n c\0d\n", 8, 2, 3, "control character");
	is_refused("a: \x1b[1m\n", 8, 1, 4, "control character");
	is_refused("%YAML 1.2\n---\na: b\n", 19, 1, 1, "directive");
	is_refused("a: \"x\\0y\"\n", 10, 1, 4, "NUL");
}

static void one_file_holds_one_document(void)
{
	is_refused("a: b\n---\nc: d\n", 14, 2, 1, "second document");
}

static void an_empty_text_has_no_root(void)
{
	static const char *const texts[] = {"", "\n\n", "# only a comment\n"};

	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT_TRUE(parse(texts[i]));
		CU_ASSERT_PTR_NULL(tree.root);
		CU_ASSERT_EQUAL(problems.count, 0);
		done();
	}
}

static void a_file_over_the_limit_is_refused(void)
{
	size_t len = YAML_TREE_TEXT_BYTES_MAX + 1;
	char *text = xmalloc(len);

	memset(text, '#', len);
	is_refused(text, len, 1, 1, "larger than 16 MiB");
	free(text);
}

UNIT_TESTS("yaml_tree", UNIT_TEST(every_node_knows_its_place),
           UNIT_TEST(columns_count_characters_and_not_bytes),
           UNIT_TEST(an_alias_is_a_copy_of_what_it_names),
           UNIT_TEST(aliases_of_aliases_do_not_grow_without_bound),
           UNIT_TEST(nesting_is_bounded_through_aliases_too),
           UNIT_TEST(bad_yaml_is_one_complaint_at_its_place), UNIT_TEST(what_is_no_text_is_refused),
           UNIT_TEST(one_file_holds_one_document), UNIT_TEST(an_empty_text_has_no_root),
           UNIT_TEST(a_file_over_the_limit_is_refused))
