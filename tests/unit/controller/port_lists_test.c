/* Lists of entries by port: whoever loses a port finds those behind it, and them alone. */
#include "tests/unit/harness.h"

#include "controller/apps/port_lists.h"

static struct port_lists begin(void)
{
	struct port_lists lists;

	CU_ASSERT_FATAL(port_lists_init(&lists, 0x1234));
	return lists;
}

static void entries_come_out_in_the_order_in_which_they_came(void)
{
	struct port_lists lists = begin();

	for (uint32_t i = 0; i < 100; i++)
		CU_ASSERT(port_lists_add(&lists, i % 2 ? 7 : 65535, 99 - i));
	for (uint32_t i = 1; i < 100; i += 2) {
		CU_ASSERT_EQUAL(port_lists_first(&lists, 7), 99 - i);
		port_lists_remove(&lists, 7, 99 - i);
	}
	CU_ASSERT_EQUAL(port_lists_first(&lists, 7), FB_TABLE_NONE);
	CU_ASSERT_EQUAL(port_lists_first(&lists, 65535), 99);
	CU_ASSERT_EQUAL(port_lists_first(&lists, 0), FB_TABLE_NONE);
	port_lists_free(&lists);
}

static void an_entry_leaves_from_the_middle_and_from_either_end(void)
{
	static const uint32_t leaves[][3] = {{0, 1, 2}, {1, 0, 2}, {2, 0, 1}};

	for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
		struct port_lists lists = begin();

		for (uint32_t index = 0; index < 3; index++)
			CU_ASSERT(port_lists_add(&lists, 1, index));
		for (size_t k = 0; k < 3; k++) {
			port_lists_remove(&lists, 1, leaves[i][k]);
			CU_ASSERT_EQUAL(port_lists_first(&lists, 1),
			                k < 2 ? leaves[i][k + 1] : FB_TABLE_NONE);
		}
		port_lists_free(&lists);
	}
}

static void those_behind_an_entry_are_found_by_it(void)
{
	const uint32_t port = UINT32_C(3) << 16 | 7; /* of another switch */
	struct port_lists lists = begin();
	uint32_t index, seen = 0;

	for (uint32_t i = 0; i < 10; i++)
		CU_ASSERT(port_lists_add(&lists, i % 2 ? port : 7, i));
	for (index = port_lists_first(&lists, port); index != FB_TABLE_NONE;
	     index = port_lists_next(&lists, index))
		CU_ASSERT_EQUAL(index, 2 * seen++ + 1);
	CU_ASSERT_EQUAL(seen, 5);
	port_lists_remove(&lists, port, 3);
	CU_ASSERT_EQUAL(port_lists_next(&lists, 1), 5);
	CU_ASSERT_EQUAL(port_lists_next(&lists, 9), FB_TABLE_NONE);
	port_lists_free(&lists);
}

static void a_port_without_entries_is_not_remembered(void)
{
	struct port_lists lists = begin();

	for (uint32_t port = 0; port < 65536; port++) {
		CU_ASSERT(port_lists_add(&lists, (uint16_t)port, 3));
		port_lists_remove(&lists, (uint16_t)port, 3);
	}
	CU_ASSERT_EQUAL(fb_table_count(lists.ports), 0);
	CU_ASSERT(lists.links_size < 64);
	port_lists_free(&lists);
}

UNIT_TESTS("port_lists", UNIT_TEST(entries_come_out_in_the_order_in_which_they_came),
           UNIT_TEST(an_entry_leaves_from_the_middle_and_from_either_end),
           UNIT_TEST(those_behind_an_entry_are_found_by_it),
           UNIT_TEST(a_port_without_entries_is_not_remembered))
