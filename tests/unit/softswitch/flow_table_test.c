/* The flow table against a linear model: an array in order of addition, searched with the functions
 * of <flowbed/match.h>. */
#include "tests/unit/harness.h"

#include <stdlib.h>

#include <flowbed/packet.h>

#include "lib/base/rng.h"
#include "softswitch/flow_table.h"

enum { MODEL_MAX = 400 };

struct model_entry {
	struct fb_match match;
	uint16_t priority;
	bool exact;
	struct flow_entry *entry; /* the table's */
};

struct model {
	struct model_entry entries[MODEL_MAX];
	size_t count;
};

/* --- Random matches over few values, so that they meet --- */

static void random_fields(struct rng *rng, struct fb_match *m)
{
	static const uint16_t types[] = {FB_ETH_IPV4, FB_ETH_IPV4, FB_ETH_IPV4, FB_ETH_ARP, 0x88b5};
	static const uint8_t protos[] = {FB_IP_TCP, FB_IP_TCP, FB_IP_UDP, FB_IP_ICMP, 47};
	static const uint16_t vlans[] = {OFP_VLAN_NONE, OFP_VLAN_NONE, 1, 2};

	memset(m, 0, sizeof *m);
	m->in_port = (uint16_t)(1 + rng_below(rng, 2));
	m->dl_src[5] = (uint8_t)rng_below(rng, 2);
	m->dl_dst[0] = (uint8_t)rng_below(rng, 2);
	m->dl_vlan = vlans[rng_below(rng, 4)];
	m->dl_vlan_pcp = (uint8_t)rng_below(rng, 2);
	m->dl_type = types[rng_below(rng, 5)];
	m->nw_proto = protos[rng_below(rng, 5)];
	m->nw_tos = (uint8_t)(rng_below(rng, 2) << 5);
	m->nw_src = 0x0a000000 | (uint32_t)rng_below(rng, 4);
	m->nw_dst = 0x0a000000 | (uint32_t)rng_below(rng, 4);
	m->tp_src = (uint16_t)rng_below(rng, 2);
	m->tp_dst = (uint16_t)rng_below(rng, 2);
}

/* A key as a frame has it: what does not apply is 0. */
static struct fb_match random_key(struct rng *rng)
{
	struct fb_match m;

	random_fields(rng, &m);
	fb_match_normalize(&m);
	m.wildcards = 0;
	return m;
}

static uint32_t random_wildcards(struct rng *rng)
{
	uint32_t flags = (uint32_t)rng_next(rng);
	uint32_t src = (uint32_t)rng_below(rng, 40), dst = (uint32_t)rng_below(rng, 40);

	/* Prefixes around the bits that differ are the interesting ones. */
	src = src < 20 ? src % 4 : src < 30 ? 0 : src;
	dst = dst < 20 ? dst % 4 : dst < 30 ? 0 : dst;
	if (rng_below(rng, 2))
		flags |= (uint32_t)rng_next(rng);
	else
		flags &= (uint32_t)rng_next(rng);
	flags &= ~(uint32_t)(OFPFW_NW_SRC_MASK | OFPFW_NW_DST_MASK) & OFPFW_ALL;
	return flags | src << OFPFW_NW_SRC_SHIFT | dst << OFPFW_NW_DST_SHIFT;
}

/* With 'no_exact' at least the Ethernet source stays open. */
static struct fb_match random_match(struct rng *rng, bool no_exact)
{
	struct fb_match m;

	random_fields(rng, &m);
	switch (rng_below(rng, 8)) {
	case 0:
		m.wildcards = 0;
		break;
	case 1:
		m.wildcards = OFPFW_ALL;
		break;
	case 2: /* a mask that comes often */
		m.wildcards = OFPFW_ALL & ~(uint32_t)(OFPFW_DL_TYPE | OFPFW_IN_PORT);
		break;
	default:
		m.wildcards = random_wildcards(rng);
	}
	if (no_exact)
		m.wildcards |= OFPFW_DL_SRC;
	fb_match_normalize(&m);
	return m;
}

/* --- The model --- */

static bool same_identity(const struct model_entry *e, const struct fb_match *match,
                          uint16_t priority)
{
	return fb_match_equal(&e->match, match) && (e->exact || e->priority == priority);
}

static size_t model_find(const struct model *m, const struct fb_match *match, uint16_t priority)
{
	size_t i = 0;

	while (i < m->count && !same_identity(&m->entries[i], match, priority))
		i++;
	return i;
}

static void model_remove(struct model *m, size_t at)
{
	m->count--;
	memmove(&m->entries[at], &m->entries[at + 1], (m->count - at) * sizeof m->entries[0]);
}

static struct flow_entry *model_lookup(const struct model *m, const struct fb_match *key)
{
	const struct model_entry *best = NULL;

	for (size_t i = 0; i < m->count; i++) {
		const struct model_entry *e = &m->entries[i];

		if (!fb_match_hits(&e->match, key))
			continue;
		if (e->exact)
			return e->entry;
		if (!best || e->priority > best->priority)
			best = e;
	}
	return best ? best->entry : NULL;
}

static bool model_overlaps(const struct model *m, const struct fb_match *match, uint16_t priority)
{
	bool exact = fb_match_is_exact(match);

	for (size_t i = 0; i < m->count; i++) {
		const struct model_entry *e = &m->entries[i];

		if (exact || e->exact
		            ? exact && e->exact && fb_match_equal(&e->match, match)
		            : e->priority == priority && fb_match_overlaps(&e->match, match))
			return true;
	}
	return false;
}

/* --- The comparison --- */

static void add(struct flow_table *t, struct model *m, const struct fb_match *match,
                uint16_t priority)
{
	size_t at = model_find(m, match, priority);
	struct flow_entry *entry = flow_table_find(t, match, priority);

	CU_ASSERT_PTR_EQUAL_FATAL(entry, at < m->count ? m->entries[at].entry : NULL);
	if (entry) {
		struct model_entry moved = m->entries[at];

		flow_table_renew(t, entry);
		model_remove(m, at);
		m->entries[m->count++] = moved;
		return;
	}
	entry = flow_table_add(t, match, priority);
	if (m->count == MODEL_MAX) {
		CU_ASSERT_PTR_NULL_FATAL(entry);
		return;
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(entry);
	m->entries[m->count++] =
	        (struct model_entry){*match, priority, fb_match_is_exact(match), entry};
}

static bool selects(const struct model_entry *e, const struct fb_match *match, bool strict,
                    uint16_t priority)
{
	return strict ? same_identity(e, match, priority) : fb_match_contains(match, &e->match);
}

/* Walk a selection beside the model and remove of it what 'keep' does not spare. */
static void select_and_remove(struct flow_table *t, struct model *m, const struct fb_match *match,
                              bool strict, uint16_t priority, uint64_t keep)
{
	struct flow_selection s;
	struct flow_entry *e, *next;
	size_t at = 0;

	flow_table_select(t, match, strict, priority, &s);
	for (e = flow_table_selected(t, &s, NULL); e; e = next, keep = keep >> 1 | keep << 63) {
		while (at < m->count && !selects(&m->entries[at], match, strict, priority))
			at++;
		CU_ASSERT_FATAL(at < m->count && m->entries[at].entry == e);
		next = flow_table_selected(t, &s, e);
		if (keep & 1) {
			at++;
			continue;
		}
		flow_table_remove(t, e);
		model_remove(m, at);
	}
	while (at < m->count && !selects(&m->entries[at], match, strict, priority))
		at++;
	CU_ASSERT_FATAL(at == m->count);
}

static void look_up(struct flow_table *t, const struct model *m, struct rng *rng)
{
	struct fb_match match = random_key(rng);
	struct flow_key key = flow_key_from_match(&match);

	CU_ASSERT_PTR_EQUAL_FATAL(flow_table_lookup(t, &key), model_lookup(m, &match));
}

static void compare_order(const struct flow_table *t, const struct model *m)
{
	const struct flow_entry *e = flow_table_oldest(t);

	CU_ASSERT_EQUAL_FATAL(flow_table_count(t), m->count);
	for (size_t i = 0; i < m->count; i++, e = flow_table_newer(t, e)) {
		struct fb_match match;

		CU_ASSERT_PTR_EQUAL_FATAL(e, m->entries[i].entry);
		flow_key_to_match(&e->key, e->wildcards, &match);
		CU_ASSERT_FATAL(fb_match_equal(&match, &m->entries[i].match));
		CU_ASSERT_EQUAL_FATAL(e->priority, m->entries[i].priority);
	}
	CU_ASSERT_PTR_NULL(e);
}

static void step(struct flow_table *t, struct model *m, struct rng *rng, unsigned priorities,
                 bool no_exact)
{
	struct fb_match match = random_match(rng, no_exact);
	uint16_t priority = (uint16_t)rng_below(rng, priorities);
	uint64_t keep = rng_next(rng);

	/* Half of the time something that is there. */
	if (m->count && rng_below(rng, 2)) {
		const struct model_entry *e = &m->entries[rng_below(rng, m->count)];

		match = e->match;
		priority = rng_below(rng, 4) ? e->priority : priority;
	}
	switch (rng_below(rng, 16)) {
	default:
		add(t, m, &match, priority);
		break;
	case 8:
	case 9:
		CU_ASSERT_EQUAL_FATAL(flow_table_overlaps(t, &match, priority),
		                      model_overlaps(m, &match, priority));
		break;
	case 10:
	case 11:
	case 12:
		select_and_remove(t, m, &match, true, priority, 0);
		break;
	case 13:
		select_and_remove(t, m, &match, false, priority, keep);
		break;
	case 14:
		select_and_remove(t, m, &match, false, priority, UINT64_MAX);
		break;
	case 15:
		if (rng_below(rng, 50) == 0)
			select_and_remove(t, m, &match, false, priority, 0);
		break;
	}
}

static void against_the_model(uint64_t seed, unsigned priorities, bool no_exact, unsigned steps)
{
	struct flow_table *t = flow_table_new(MODEL_MAX);
	struct model *m = calloc(1, sizeof *m);
	struct rng rng;

	rng_init(&rng, seed, "flow_table_test");
	for (unsigned i = 0; i < steps; i++) {
		step(t, m, &rng, priorities, no_exact);
		look_up(t, m, &rng);
		look_up(t, m, &rng);
		if (i % 64 == 0)
			compare_order(t, m);
	}
	compare_order(t, m);
	flow_table_free(t);
	free(m);
}

static void forty_thousand_random_operations_agree_with_a_linear_table(void)
{
	against_the_model(1, 4, false, 10000);
	against_the_model(2, 65536, false, 10000);
	against_the_model(3, 1, false, 10000);
	against_the_model(4, 4, true, 10000);
}

/* --- Single properties --- */

static struct fb_match match_of_port(uint16_t in_port)
{
	struct fb_match m = {.wildcards = OFPFW_ALL & ~(uint32_t)OFPFW_IN_PORT, .in_port = in_port};

	return m;
}

static struct flow_key key_of_port(uint16_t in_port)
{
	struct fb_match m = {.in_port = in_port, .dl_vlan = OFP_VLAN_NONE, .dl_type = 0x88b5};

	return flow_key_from_match(&m);
}

static void an_exact_entry_wins_over_any_priority(void)
{
	struct flow_table *t = flow_table_new(10);
	struct fb_match exact = {.in_port = 1, .dl_vlan = OFP_VLAN_NONE, .dl_type = 0x88b5}, any;
	struct flow_key key = flow_key_from_match(&exact);
	struct flow_entry *e;

	fb_match_normalize(&exact);
	fb_match_any(&any);
	flow_table_add(t, &any, 65535);
	e = flow_table_add(t, &exact, 0);
	CU_ASSERT_PTR_EQUAL(flow_table_lookup(t, &key), e);
	flow_table_free(t);
}

static void among_equal_priorities_the_first_added_wins(void)
{
	struct flow_table *t = flow_table_new(10);
	struct fb_match port = match_of_port(1), any;
	struct flow_key key = key_of_port(1);
	struct flow_entry *first, *second;

	fb_match_any(&any);
	first = flow_table_add(t, &any, 7);
	second = flow_table_add(t, &port, 7);
	CU_ASSERT_PTR_EQUAL(flow_table_lookup(t, &key), first);
	flow_table_renew(t, first);
	CU_ASSERT_PTR_EQUAL(flow_table_lookup(t, &key), second);
	flow_table_free(t);
}

static void a_group_whose_highest_entry_goes_is_searched_no_earlier_than_it_must(void)
{
	struct flow_table *t = flow_table_new(1000);
	struct fb_match any;
	struct flow_entry *high = NULL, *low;
	struct flow_key key = key_of_port(5);

	fb_match_any(&any);
	for (uint16_t p = 1; p <= 300; p++) {
		struct fb_match m = match_of_port(p);
		struct flow_entry *e = flow_table_add(t, &m, p == 300 ? 900 : 10);

		high = p == 300 ? e : high;
	}
	low = flow_table_add(t, &any, 20);
	flow_table_remove(t, high);
	CU_ASSERT_PTR_EQUAL(flow_table_lookup(t, &key), low);
	for (uint16_t p = 6; p < 300; p++) {
		struct fb_match m = match_of_port(p);

		flow_table_remove(t, flow_table_find(t, &m, 10));
		CU_ASSERT_PTR_EQUAL(flow_table_lookup(t, &key), low);
	}
	CU_ASSERT_EQUAL(flow_table_count(t), 6);
	CU_ASSERT_EQUAL(flow_table_groups(t), 2);
	flow_table_free(t);
}

static void a_full_table_takes_no_more_until_one_goes(void)
{
	struct flow_table *t = flow_table_new(3);
	struct fb_match m = match_of_port(4);

	for (uint16_t p = 1; p <= 3; p++) {
		struct fb_match other = match_of_port(p);

		CU_ASSERT_PTR_NOT_NULL(flow_table_add(t, &other, 1));
	}
	CU_ASSERT_PTR_NULL(flow_table_add(t, &m, 1));
	flow_table_remove(t, flow_table_oldest(t));
	CU_ASSERT_PTR_NOT_NULL(flow_table_add(t, &m, 1));
	flow_table_free(t);
}

static void actions_of_any_length_come_back(void)
{
	struct flow_table *t = flow_table_new(3);
	struct fb_match m = match_of_port(4);
	struct flow_entry *e = flow_table_add(t, &m, 1);
	uint8_t bytes[4096];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t len = 0; len <= sizeof bytes; len = len < 64 ? len + 8 : len * 2) {
		CU_ASSERT_TRUE(flow_table_set_actions(t, e, bytes, len));
		CU_ASSERT_EQUAL(e->actions_len, len);
		CU_ASSERT_EQUAL(memcmp(flow_entry_actions(e), bytes, len), 0);
	}
	CU_ASSERT_TRUE(flow_table_set_actions(t, e, bytes, 56));
	CU_ASSERT_TRUE(flow_table_set_actions(t, e, bytes, 8));
	CU_ASSERT_TRUE(flow_table_set_actions(t, e, bytes, 56));
	flow_table_free(t);
}

static void long_lists_of_actions_are_bounded_in_all(void)
{
	enum { LIST_BYTES = 65528, LISTS = FLOW_TABLE_ACTIONS_BYTES_MAX / LIST_BYTES };
	struct flow_table *t = flow_table_new(LISTS + 10);
	uint8_t *bytes = calloc(1, LIST_BYTES);
	unsigned taken = 0;
	struct flow_entry *e;

	for (uint16_t p = 1; p <= LISTS + 1; p++) {
		struct fb_match m = match_of_port(p);

		e = flow_table_add(t, &m, 1);
		taken += flow_table_set_actions(t, e, bytes, LIST_BYTES);
	}
	CU_ASSERT_EQUAL(taken, LISTS);
	CU_ASSERT_FALSE(flow_table_has_room(t, 1, LIST_BYTES));
	CU_ASSERT_TRUE(flow_table_has_room(t, 1000000, FLOW_ENTRY_INLINE_BYTES));
	e = flow_table_oldest(t);
	flow_table_set_actions(t, e, bytes, 8);
	CU_ASSERT_TRUE(flow_table_has_room(t, 1, LIST_BYTES));
	flow_table_free(t);
	free(bytes);
}

static void an_entry_takes_at_most_250_bytes(void)
{
	enum { ENTRIES = 100000 };
	struct flow_table *t = flow_table_new(ENTRIES);
	struct fb_match m = {
	        .dl_vlan = OFP_VLAN_NONE, .dl_type = FB_ETH_IPV4, .nw_proto = FB_IP_TCP};

	m.wildcards = OFPFW_DL_VLAN_PCP;
	for (uint32_t i = 0; i < ENTRIES; i++) {
		m.nw_src = i * 7;
		CU_ASSERT_PTR_NOT_NULL_FATAL(flow_table_add(t, &m, 1));
	}
	CU_ASSERT_TRUE(flow_table_bytes(t) / ENTRIES <= 250);
	flow_table_free(t);
}

UNIT_TESTS("flow_table", UNIT_TEST(forty_thousand_random_operations_agree_with_a_linear_table),
           UNIT_TEST(an_exact_entry_wins_over_any_priority),
           UNIT_TEST(among_equal_priorities_the_first_added_wins),
           UNIT_TEST(a_group_whose_highest_entry_goes_is_searched_no_earlier_than_it_must),
           UNIT_TEST(a_full_table_takes_no_more_until_one_goes),
           UNIT_TEST(actions_of_any_length_come_back),
           UNIT_TEST(long_lists_of_actions_are_bounded_in_all),
           UNIT_TEST(an_entry_takes_at_most_250_bytes))
