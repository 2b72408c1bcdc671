/* Lists of actions in wire form: checked, walked, made. */
#include <stdlib.h>

#include <flowbed/message.h>

#include "tests/unit/harness.h"

enum { LIST_BYTES = 512 };

static const struct fb_action every_action[] = {
	{.type = OFPAT_OUTPUT, .output = {.port = OFPP_CONTROLLER, .max_len = 0x0102}},
	{.type = OFPAT_SET_VLAN_VID, .vlan_vid = 0x0fed},
	{.type = OFPAT_SET_VLAN_PCP, .vlan_pcp = 7},
	{.type = OFPAT_STRIP_VLAN},
	{.type = OFPAT_SET_DL_SRC, .dl_addr = {2, 1, 2, 3, 4, 5}},
	{.type = OFPAT_SET_DL_DST, .dl_addr = {2, 6, 7, 8, 9, 10}},
	{.type = OFPAT_SET_NW_SRC, .nw_addr = 0x0a0b0c0d},
	{.type = OFPAT_SET_NW_DST, .nw_addr = 0x1a1b1c1d},
	{.type = OFPAT_SET_NW_TOS, .nw_tos = 0xb8},
	{.type = OFPAT_SET_TP_SRC, .tp_port = 0x2a2b},
	{.type = OFPAT_SET_TP_DST, .tp_port = 0x3a3b},
	{.type = OFPAT_ENQUEUE, .enqueue = {.port = 0x4a4b, .queue_id = 0x5a5b5c5d}},
	{.type = OFPAT_VENDOR,
	 .vendor = {.vendor = 0x6a6b6c6d, .data = (const uint8_t *)"sixteen letters!", .data_len = 16}},
};

static const uint8_t every_action_bytes[] = {
	0, 0, 0, 8, 0xff, 0xfd, 1, 2,
	0, 1, 0, 8, 0x0f, 0xed, 0, 0,
	0, 2, 0, 8, 7, 0, 0, 0,
	0, 3, 0, 8, 0, 0, 0, 0,
	0, 4, 0, 16, 2, 1, 2, 3, 4, 5, 0, 0, 0, 0, 0, 0,
	0, 5, 0, 16, 2, 6, 7, 8, 9, 10, 0, 0, 0, 0, 0, 0,
	0, 6, 0, 8, 0x0a, 0x0b, 0x0c, 0x0d,
	0, 7, 0, 8, 0x1a, 0x1b, 0x1c, 0x1d,
	0, 8, 0, 8, 0xb8, 0, 0, 0,
	0, 9, 0, 8, 0x2a, 0x2b, 0, 0,
	0, 10, 0, 8, 0x3a, 0x3b, 0, 0,
	0, 11, 0, 16, 0x4a, 0x4b, 0, 0, 0, 0, 0, 0, 0x5a, 0x5b, 0x5c, 0x5d,
	0xff, 0xff, 0, 24, 0x6a, 0x6b, 0x6c, 0x6d,
	's', 'i', 'x', 't', 'e', 'e', 'n', ' ', 'l', 'e', 't', 't', 'e', 'r', 's', '!',
};

enum { EVERY_ACTION_COUNT = sizeof every_action / sizeof every_action[0] };

static bool same_argument(const struct fb_action *a, const struct fb_action *b)
{
	switch ((enum ofp_action_type)a->type) {
	case OFPAT_OUTPUT:
		return a->output.port == b->output.port && a->output.max_len == b->output.max_len;
	case OFPAT_SET_VLAN_VID:
		return a->vlan_vid == b->vlan_vid;
	case OFPAT_SET_VLAN_PCP:
		return a->vlan_pcp == b->vlan_pcp;
	case OFPAT_STRIP_VLAN:
		return true;
	case OFPAT_SET_DL_SRC:
	case OFPAT_SET_DL_DST:
		return fb_mac_equal(a->dl_addr, b->dl_addr);
	case OFPAT_SET_NW_SRC:
	case OFPAT_SET_NW_DST:
		return a->nw_addr == b->nw_addr;
	case OFPAT_SET_NW_TOS:
		return a->nw_tos == b->nw_tos;
	case OFPAT_SET_TP_SRC:
	case OFPAT_SET_TP_DST:
		return a->tp_port == b->tp_port;
	case OFPAT_ENQUEUE:
		return a->enqueue.port == b->enqueue.port &&
		       a->enqueue.queue_id == b->enqueue.queue_id;
	case OFPAT_VENDOR:
		return a->vendor.vendor == b->vendor.vendor &&
		       a->vendor.data_len == b->vendor.data_len &&
		       !memcmp(a->vendor.data, b->vendor.data, a->vendor.data_len);
	}
	return false;
}

static void every_action_is_written_as_the_specification_draws_it(void)
{
	uint8_t memory[LIST_BYTES];
	struct fb_buf out = fb_buf_make(memory, sizeof memory);

	memset(memory, 0xaa, sizeof memory);
	for (size_t i = 0; i < EVERY_ACTION_COUNT; i++)
		CU_ASSERT(fb_action_put(&out, &every_action[i]));
	CU_ASSERT_EQUAL_FATAL(out.len, sizeof every_action_bytes);
	CU_ASSERT(!memcmp(memory, every_action_bytes, out.len));
}

static void every_action_is_read_back(void)
{
	struct fb_of_error error;
	struct fb_action action;
	size_t offset = 0, i = 0;

	CU_ASSERT_EQUAL(fb_actions_check(every_action_bytes, sizeof every_action_bytes, true, &error),
			0);
	while (fb_action_next(every_action_bytes, sizeof every_action_bytes, &offset, &action)) {
		CU_ASSERT_FATAL(i < EVERY_ACTION_COUNT);
		CU_ASSERT_EQUAL_FATAL(action.type, every_action[i].type);
		CU_ASSERT(same_argument(&action, &every_action[i]));
		i++;
	}
	CU_ASSERT_EQUAL(i, EVERY_ACTION_COUNT);
}

static void an_empty_list_is_right_and_has_no_actions(void)
{
	struct fb_of_error error;
	struct fb_action action;
	size_t offset = 0;

	CU_ASSERT_EQUAL(fb_actions_check(NULL, 0, false, &error), 0);
	CU_ASSERT_FALSE(fb_action_next(NULL, 0, &offset, &action));
}

static void the_shortcuts_write_what_the_long_way_writes(void)
{
	uint8_t memory[2][LIST_BYTES];
	struct fb_buf a = fb_buf_make(memory[0], LIST_BYTES);
	struct fb_buf b = fb_buf_make(memory[1], LIST_BYTES);
	struct fb_action src = every_action[4];
	struct fb_action dst = every_action[5];

	memset(memory, 0xaa, sizeof memory);
	CU_ASSERT(fb_action_put(&a, &every_action[0]));
	CU_ASSERT(fb_action_put(&a, &src));
	CU_ASSERT(fb_action_put(&a, &dst));
	CU_ASSERT(fb_action_put_output(&b, OFPP_CONTROLLER, 0x0102));
	CU_ASSERT(fb_action_put_dl_addr(&b, OFPAT_SET_DL_SRC, src.dl_addr));
	CU_ASSERT(fb_action_put_dl_addr(&b, OFPAT_SET_DL_DST, dst.dl_addr));
	CU_ASSERT_EQUAL_FATAL(a.len, b.len);
	CU_ASSERT(!memcmp(memory[0], memory[1], a.len));
}

static void what_does_not_fit_is_not_written(void)
{
	for (size_t i = 0; i < EVERY_ACTION_COUNT; i++) {
		uint8_t memory[LIST_BYTES];
		struct fb_buf whole = fb_buf_make(memory, sizeof memory);
		size_t len;

		CU_ASSERT(fb_action_put(&whole, &every_action[i]));
		len = whole.len;
		for (size_t room = 0; room < len; room++) {
			struct fb_buf out = fb_buf_make(memory, room);

			CU_ASSERT_FALSE(fb_action_put(&out, &every_action[i]));
			CU_ASSERT(out.overflow);
			CU_ASSERT_EQUAL(out.len, 0);
		}
	}
}

static void vendor_data_is_padded_to_eight_bytes(void)
{
	static const uint8_t padded[] = {0xff, 0xff, 0, 16, 0, 0, 0x23, 0x20, 'a', 'b', 'c'};
	struct fb_action action = {.type = OFPAT_VENDOR,
				   .vendor = {0x2320, (const uint8_t *)"abc", 3}};
	uint8_t memory[16], expected[16] = {0};
	struct fb_buf out = fb_buf_make(memory, sizeof memory);

	memset(memory, 0xaa, sizeof memory);
	memcpy(expected, padded, sizeof padded);
	CU_ASSERT(fb_action_put(&out, &action));
	CU_ASSERT_EQUAL(out.len, 16);
	CU_ASSERT(!memcmp(memory, expected, 16));
}

static void an_action_that_cannot_be_is_refused(void)
{
	static uint8_t memory[70000];
	struct fb_buf out = fb_buf_make(memory, sizeof memory);
	struct fb_action action = {.type = 12};

	CU_ASSERT_FALSE(fb_action_put(&out, &action));
	CU_ASSERT_EQUAL(out.len, 0);
	out.overflow = false;
	action.type = OFPAT_VENDOR;
	action.vendor.vendor = 1;
	action.vendor.data = memory;
	action.vendor.data_len = 65535;
	CU_ASSERT_FALSE(fb_action_put(&out, &action));
	CU_ASSERT_EQUAL(out.len, 0);
}

/* Check one action's header of 'type' and 'len' in a list of 'list_len' bytes, in memory of just
 * that size. */
static void expect_check(uint16_t type, uint16_t len, size_t list_len, bool vendor_ok, int code)
{
	struct fb_of_error error = {0};
	uint8_t *list = calloc(1, list_len);
	uint8_t header[4];
	int result;

	fb_set16(header, type);
	fb_set16(header + 2, len);
	memcpy(list, header, list_len < 4 ? list_len : 4);
	result = fb_actions_check(list, list_len, vendor_ok, &error);
	if (code < 0) {
		CU_ASSERT_EQUAL(result, 0);
	} else {
		CU_ASSERT_EQUAL(result, -1);
		CU_ASSERT_EQUAL(error.type, OFPET_BAD_ACTION);
		CU_ASSERT_EQUAL(error.code, code);
		CU_ASSERT_PTR_NOT_NULL(error.why);
	}
	free(list);
}

static void a_cut_header_is_a_bad_length(void)
{
	for (size_t len = 1; len < 8; len++)
		expect_check(OFPAT_OUTPUT, 8, len, true, OFPBAC_BAD_LEN);
}

static void a_length_that_is_no_positive_multiple_of_eight_is_bad(void)
{
	for (uint16_t len = 0; len < 32; len++)
		if (len == 0 || len % 8) {
			expect_check(OFPAT_OUTPUT, len, 32, true, OFPBAC_BAD_LEN);
			expect_check(OFPAT_VENDOR, len, 32, true, OFPBAC_BAD_LEN);
			expect_check(77, len, 32, true, OFPBAC_BAD_LEN);
		}
}

static void a_length_beyond_the_list_is_bad(void)
{
	expect_check(OFPAT_SET_DL_SRC, 16, 8, true, OFPBAC_BAD_LEN);
	expect_check(OFPAT_SET_DL_SRC, 16, 15, true, OFPBAC_BAD_LEN);
	expect_check(OFPAT_VENDOR, 0xfff8, 32, true, OFPBAC_BAD_LEN);
}

static void each_type_has_one_length(void)
{
	for (uint16_t type = 0; type <= OFPAT_ENQUEUE; type++) {
		uint16_t right = type == OFPAT_SET_DL_SRC || type == OFPAT_SET_DL_DST ||
						 type == OFPAT_ENQUEUE
					 ? 16
					 : 8;

		for (uint16_t len = 8; len <= 32; len += 8)
			expect_check(type, len, len, true, len == right ? -1 : OFPBAC_BAD_LEN);
	}
}

static void an_unknown_type_is_bad(void)
{
	expect_check(12, 8, 8, true, OFPBAC_BAD_TYPE);
	expect_check(0xfffe, 16, 16, true, OFPBAC_BAD_TYPE);
}

static void vendor_actions_pass_only_where_they_may(void)
{
	for (uint16_t len = 8; len <= 32; len += 8) {
		expect_check(OFPAT_VENDOR, len, len, true, -1);
		expect_check(OFPAT_VENDOR, len, len, false, OFPBAC_BAD_VENDOR);
	}
}

static void an_error_behind_good_actions_is_found(void)
{
	struct fb_of_error error = {0};
	uint8_t list[sizeof every_action_bytes];

	memcpy(list, every_action_bytes, sizeof list);
	list[sizeof list - 24 + 3] = 32;
	CU_ASSERT_EQUAL(fb_actions_check(list, sizeof list, true, &error), -1);
	CU_ASSERT_EQUAL(error.code, OFPBAC_BAD_LEN);
	CU_ASSERT_EQUAL(fb_actions_check(list, sizeof list - 24, false, &error), 0);
}

UNIT_TESTS("action", UNIT_TEST(every_action_is_written_as_the_specification_draws_it),
	   UNIT_TEST(every_action_is_read_back),
	   UNIT_TEST(an_empty_list_is_right_and_has_no_actions),
	   UNIT_TEST(the_shortcuts_write_what_the_long_way_writes),
	   UNIT_TEST(what_does_not_fit_is_not_written),
	   UNIT_TEST(vendor_data_is_padded_to_eight_bytes),
	   UNIT_TEST(an_action_that_cannot_be_is_refused), UNIT_TEST(a_cut_header_is_a_bad_length),
	   UNIT_TEST(a_length_that_is_no_positive_multiple_of_eight_is_bad),
	   UNIT_TEST(a_length_beyond_the_list_is_bad), UNIT_TEST(each_type_has_one_length),
	   UNIT_TEST(an_unknown_type_is_bad), UNIT_TEST(vendor_actions_pass_only_where_they_may),
	   UNIT_TEST(an_error_behind_good_actions_is_found))
