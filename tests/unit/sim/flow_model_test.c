/* The reference model of a flow table does what the specification says of flow-mods. */
#include <string.h>

#include <flowbed/text.h>
#include <flowbed/time.h>

#include "sim/flow_model.h"
#include "tests/unit/harness.h"

static struct flow_model *model;
static uint64_t now_ns;

static void begin(void)
{
	model = flow_model_new();
	now_ns = 0;
}

static void end(void)
{
	flow_model_free(model);
}

static const uint8_t to_1[] = {0, OFPAT_OUTPUT, 0, 8, 0, 1, 0, 0};
static const uint8_t to_2[] = {0, OFPAT_OUTPUT, 0, 8, 0, 2, 0, 0};

/* All frames of 'in_port', 0: of any, at 'priority', to port 1. */
static struct fb_flow_mod mod_of(uint16_t command, uint16_t in_port, uint16_t priority)
{
	struct fb_flow_mod mod = {.command = command,
	                          .priority = priority,
	                          .buffer_id = OFP_NO_BUFFER,
	                          .out_port = OFPP_NONE,
	                          .actions = {to_1, sizeof to_1}};

	fb_match_any(&mod.match);
	if (in_port) {
		mod.match.wildcards &= ~(uint32_t)OFPFW_IN_PORT;
		mod.match.in_port = in_port;
	}
	return mod;
}

static void apply(const struct fb_flow_mod *mod)
{
	CU_ASSERT_EQUAL(flow_model_apply(model, mod, now_ns, false), FLOW_MODEL_DONE);
}

static void apply_plain(uint16_t command, uint16_t in_port, uint16_t priority)
{
	const struct fb_flow_mod mod = mod_of(command, in_port, priority);

	apply(&mod);
}

static struct flow_model_entry *entry_of(uint16_t in_port, uint16_t priority)
{
	const struct fb_flow_mod mod = mod_of(OFPFC_ADD, in_port, priority);

	return flow_model_find(model, &mod.match, priority, false);
}

static void an_entry_is_known_by_match_and_priority(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);

	begin();
	apply(&mod);
	apply_plain(OFPFC_ADD, 1, 11);
	apply_plain(OFPFC_ADD, 2, 10);
	CU_ASSERT_EQUAL(flow_model_count(model), 3);
	now_ns = 5;
	mod.cookie = 7;
	mod.actions = (struct fb_view){to_2, sizeof to_2};
	apply(&mod);
	CU_ASSERT_EQUAL(flow_model_count(model), 3);
	CU_ASSERT_EQUAL(entry_of(1, 10)->mod.cookie, 7);
	CU_ASSERT_EQUAL(entry_of(1, 10)->since_ns, 5);
	CU_ASSERT_EQUAL(entry_of(1, 10)->mod.actions.data[5], 2);
	CU_ASSERT_EQUAL(entry_of(2, 10)->mod.cookie, 0);
	CU_ASSERT_PTR_NULL(entry_of(3, 10));
	end();
}

static void an_exact_entry_has_no_priority(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);

	begin();
	mod.match = (struct fb_match){.in_port = 1, .dl_vlan = OFP_VLAN_NONE, .dl_type = 0x88b5};
	apply(&mod);
	mod.priority = 20;
	apply(&mod);
	CU_ASSERT_EQUAL(flow_model_count(model), 1);
	mod.command = OFPFC_DELETE_STRICT;
	mod.priority = 30;
	apply(&mod);
	CU_ASSERT_EQUAL(flow_model_count(model), 0);
	end();
}

static void deletes_mean_all_that_their_match_contains(void)
{
	struct fb_flow_mod mod;

	begin();
	for (uint16_t i = 1; i <= 4; i++)
		apply_plain(OFPFC_ADD, i, i);
	apply_plain(OFPFC_DELETE_STRICT, 2, 1);
	CU_ASSERT_EQUAL(flow_model_count(model), 4);
	apply_plain(OFPFC_DELETE_STRICT, 2, 2);
	CU_ASSERT_EQUAL(flow_model_count(model), 3);
	apply_plain(OFPFC_DELETE, 3, 77);
	CU_ASSERT_EQUAL(flow_model_count(model), 2);
	mod = mod_of(OFPFC_DELETE, 0, 0);
	mod.out_port = 2;
	apply(&mod);
	CU_ASSERT_EQUAL(flow_model_count(model), 2);
	mod.out_port = 1;
	apply(&mod);
	CU_ASSERT_EQUAL(flow_model_count(model), 0);
	end();
}

static void modifies_change_actions_and_cookie_or_add(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_MODIFY_STRICT, 1, 10);

	begin();
	mod.idle_timeout = 9;
	apply(&mod);
	CU_ASSERT_EQUAL(flow_model_count(model), 1);
	CU_ASSERT_EQUAL(entry_of(1, 10)->mod.idle_timeout, 9);
	apply_plain(OFPFC_ADD, 1, 20);
	now_ns = 5;
	mod = mod_of(OFPFC_MODIFY, 0, 99);
	mod.cookie = 3;
	mod.actions = (struct fb_view){to_2, sizeof to_2};
	apply(&mod);
	CU_ASSERT_EQUAL(flow_model_count(model), 2);
	CU_ASSERT_EQUAL(entry_of(1, 10)->mod.cookie, 3);
	CU_ASSERT_EQUAL(entry_of(1, 20)->mod.actions.data[5], 2);
	CU_ASSERT_EQUAL(entry_of(1, 10)->mod.idle_timeout, 9);
	CU_ASSERT_EQUAL(entry_of(1, 10)->since_ns, 0);
	mod.cookie = UINT64_MAX;
	apply(&mod);
	CU_ASSERT_EQUAL(entry_of(1, 10)->mod.cookie, 3);
	end();
}

static void a_modify_of_what_may_have_expired_leaves_a_doubt(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);

	begin();
	mod.idle_timeout = 2;
	apply(&mod);
	CU_ASSERT_FALSE(flow_model_may_be_gone(entry_of(1, 10), 2 * FB_NS_PER_S - 1));
	CU_ASSERT_TRUE(flow_model_may_be_gone(entry_of(1, 10), 2 * FB_NS_PER_S));
	now_ns = 3 * FB_NS_PER_S;
	mod.command = OFPFC_MODIFY_STRICT;
	mod.idle_timeout = 5;
	apply(&mod);
	CU_ASSERT_TRUE(entry_of(1, 10)->doubtful);
	/* One that means others may have met them, or added its own. */
	mod = mod_of(OFPFC_MODIFY, 0, 1);
	apply(&mod);
	CU_ASSERT_EQUAL(flow_model_count(model), 2);
	CU_ASSERT_TRUE(entry_of(0, 1)->doubtful);
	mod = mod_of(OFPFC_ADD, 1, 10);
	apply(&mod);
	CU_ASSERT_FALSE(entry_of(1, 10)->doubtful);
	end();
}

static void what_overlaps_is_not_added_where_that_is_asked(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 0, 10);

	begin();
	apply_plain(OFPFC_ADD, 1, 10);
	mod.flags = OFPFF_CHECK_OVERLAP;
	CU_ASSERT_EQUAL(flow_model_apply(model, &mod, now_ns, false), FLOW_MODEL_OVERLAPS);
	CU_ASSERT_EQUAL(flow_model_count(model), 1);
	mod.priority = 11;
	apply(&mod);
	mod = mod_of(OFPFC_ADD, 2, 10);
	mod.flags = OFPFF_CHECK_OVERLAP;
	apply(&mod);
	CU_ASSERT_EQUAL(flow_model_count(model), 3);
	end();
}

static void emergency_entries_are_a_table_of_their_own(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);

	begin();
	apply(&mod);
	mod.flags = OFPFF_EMERG;
	apply(&mod);
	CU_ASSERT_EQUAL(flow_model_count(model), 2);
	apply_plain(OFPFC_DELETE, 0, 0);
	CU_ASSERT_EQUAL(flow_model_count(model), 1);
	apply_plain(OFPFC_ADD, 1, 10);
	flow_model_clear(model, false);
	CU_ASSERT_EQUAL(flow_model_count(model), 1);
	mod = mod_of(OFPFC_DELETE, 0, 0);
	mod.flags = OFPFF_EMERG;
	apply(&mod);
	CU_ASSERT_EQUAL(flow_model_count(model), 0);
	end();
}

static void what_may_not_be_done_leaves_both_possible(void)
{
	struct fb_flow_mod mod = mod_of(OFPFC_ADD, 1, 10);

	begin();
	apply(&mod);
	apply_plain(OFPFC_ADD, 2, 10);
	flow_model_apply(model, &mod, now_ns, true);
	CU_ASSERT_TRUE(entry_of(1, 10)->undone);
	mod = mod_of(OFPFC_DELETE, 2, 10);
	flow_model_apply(model, &mod, now_ns, true);
	CU_ASSERT_TRUE(entry_of(2, 10)->undone);
	CU_ASSERT_EQUAL(flow_model_count(model), 2);
	apply_plain(OFPFC_ADD, 2, 10);
	CU_ASSERT_FALSE(entry_of(2, 10)->undone);
	end();
}

UNIT_TESTS("flow_model", UNIT_TEST(an_entry_is_known_by_match_and_priority),
           UNIT_TEST(an_exact_entry_has_no_priority),
           UNIT_TEST(deletes_mean_all_that_their_match_contains),
           UNIT_TEST(modifies_change_actions_and_cookie_or_add),
           UNIT_TEST(a_modify_of_what_may_have_expired_leaves_a_doubt),
           UNIT_TEST(what_overlaps_is_not_added_where_that_is_asked),
           UNIT_TEST(emergency_entries_are_a_table_of_their_own),
           UNIT_TEST(what_may_not_be_done_leaves_both_possible))
