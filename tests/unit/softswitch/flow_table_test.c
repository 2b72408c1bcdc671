/* The flow table with its cache and its timeouts against a linear model: an array in order of
 * addition, searched with the functions of <flowbed/match.h>, and a clock that only the test moves.
 * Overlaps are searched for among all frames of a small world as well. */
#include "tests/unit/harness.h"

#include <stdlib.h>
#include <time.h>

#include <flowbed/packet.h>

#include "lib/base/rng.h"
#include "softswitch/flow_cache.h"
#include "softswitch/flow_table.h"
#include "softswitch/flow_timeouts.h"

enum {
	MODEL_MAX = 400,
	KEYS = 48,                  /* frames that keep coming */
	MASKS = 12,                 /* where there are few */
	TWO_MASKS_SLOTS = 2 * 4096, /* of the cache at most, with few entries */
};

struct model_entry {
	struct fb_match match;
	uint16_t priority;
	bool exact;
	struct flow_entry *entry; /* the table's */
	uint64_t created_ns, used_ns;
	uint16_t idle_timeout, hard_timeout; /* seconds, 0: never */
};

struct model {
	struct model_entry entries[MODEL_MAX];
	size_t count;
};

/* What one comparison is about. */
struct plan {
	uint64_t seed;
	unsigned steps;
	unsigned priorities; /* different ones */
	bool few_masks;      /* MASKS of them, else any */
	bool few_matches;    /* three quarters of the entries are of 6 */
	bool no_exact;
	bool timeouts; /* half of the entries have some */
};

struct rig {
	const struct plan *plan;
	struct flow_table *table;
	struct flow_timeouts timeouts;
	struct model *model;
	struct rng rng;
	uint64_t now_ns;
	uint32_t masks[MASKS];
	struct fb_match keys[KEYS];
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

static struct fb_match random_match(struct rig *rig)
{
	struct rng *rng = &rig->rng;
	struct fb_match m;

	random_fields(rng, &m);
	switch (rig->plan->few_matches && rng_below(rng, 4) ? 2 : rng_below(rng, 8)) {
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
		m.wildcards = rig->plan->few_masks ? rig->masks[rng_below(rng, MASKS)]
		                                   : random_wildcards(rng);
	}
	if (rig->plan->no_exact)
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

/* The place of the entry that 'key' meets, or of none. */
static size_t model_lookup(const struct model *m, const struct fb_match *key)
{
	size_t best = m->count;

	for (size_t i = 0; i < m->count; i++) {
		const struct model_entry *e = &m->entries[i];

		if (!fb_match_hits(&e->match, key))
			continue;
		if (e->exact)
			return i;
		if (best == m->count || e->priority > m->entries[best].priority)
			best = i;
	}
	return best;
}

static uint64_t model_deadline(const struct model_entry *e, uint8_t *reason)
{
	uint64_t idle_ns = e->used_ns + e->idle_timeout * FB_NS_PER_S;
	uint64_t hard_ns = e->created_ns + e->hard_timeout * FB_NS_PER_S;

	if (e->hard_timeout && (!e->idle_timeout || hard_ns <= idle_ns)) {
		*reason = OFPRR_HARD_TIMEOUT;
		return hard_ns;
	}
	*reason = OFPRR_IDLE_TIMEOUT;
	return e->idle_timeout ? idle_ns : FB_NEVER;
}

/* The place of the entry that expires first, until 'now_ns', or of none. */
static size_t model_expired(const struct model *m, uint64_t now_ns, uint8_t *reason)
{
	uint64_t first_ns = FB_NEVER;
	size_t first = m->count;

	for (size_t i = 0; i < m->count; i++) {
		uint8_t why;
		uint64_t deadline_ns = model_deadline(&m->entries[i], &why);

		if (deadline_ns <= now_ns && deadline_ns < first_ns) {
			first_ns = deadline_ns;
			first = i;
			*reason = why;
		}
	}
	return first;
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

/* The entry of 'e' is added or renewed now: it gets its times, and the last place of the model. */
static void start(struct rig *rig, struct model_entry *e)
{
	bool timeouts = rig->plan->timeouts && rng_below(&rig->rng, 2);

	e->created_ns = e->used_ns = rig->now_ns;
	e->idle_timeout = timeouts ? (uint16_t)rng_below(&rig->rng, 4) : 0;
	e->hard_timeout = timeouts ? (uint16_t)rng_below(&rig->rng, 6) : 0;
	e->entry->created_ns = e->entry->used_ns = rig->now_ns;
	e->entry->idle_timeout = e->idle_timeout;
	e->entry->hard_timeout = e->hard_timeout;
	flow_timeouts_add(&rig->timeouts, e->entry);
	rig->model->entries[rig->model->count++] = *e;
}

static void add(struct rig *rig, const struct fb_match *match, uint16_t priority)
{
	struct model *m = rig->model;
	size_t at = model_find(m, match, priority);
	struct flow_entry *entry = flow_table_find(rig->table, match, priority);
	struct model_entry e = {*match, priority, fb_match_is_exact(match), entry, 0, 0, 0, 0};

	CU_ASSERT_PTR_EQUAL_FATAL(entry, at < m->count ? m->entries[at].entry : NULL);
	if (entry) {
		e.priority = m->entries[at].priority;
		flow_timeouts_remove(&rig->timeouts, entry);
		flow_table_renew(rig->table, entry);
		model_remove(m, at);
		start(rig, &e);
		return;
	}
	e.entry = flow_table_add(rig->table, match, priority);
	CU_ASSERT_EQUAL_FATAL(e.entry == NULL, m->count == MODEL_MAX);
	if (e.entry)
		start(rig, &e);
}

static bool selects(const struct model_entry *e, const struct fb_match *match, bool strict,
                    uint16_t priority)
{
	return strict ? same_identity(e, match, priority) : fb_match_contains(match, &e->match);
}

/* What a selection means, for the model. */
struct meant {
	const struct fb_match *match;
	bool strict;
	uint16_t priority;
	bool falling;   /* in priority, else in order of addition */
	uint32_t below; /* this priority, with 'falling' */
	size_t from;    /* this place, else */
};

/* The place of the next selected entry, or of none. */
static size_t model_selected(const struct model *m, const struct meant *meant)
{
	size_t next = m->count;

	for (size_t i = meant->falling ? 0 : meant->from; i < m->count; i++) {
		const struct model_entry *e = &m->entries[i];

		if (!selects(e, meant->match, meant->strict, meant->priority))
			continue;
		if (!meant->falling)
			return i;
		if (e->priority < meant->below &&
		    (next == m->count || e->priority > m->entries[next].priority))
			next = i;
	}
	return next;
}

/* Walk a selection beside the model and remove of it what 'keep' does not spare. */
static void select_and_remove(struct rig *rig, const struct fb_match *match, bool strict,
                              uint16_t priority, uint64_t keep)
{
	struct model *m = rig->model;
	struct meant meant = {match, strict, priority, false, 65536, 0};
	struct flow_selection s;
	struct flow_entry *e, *next;

	flow_table_select(rig->table, match, strict, priority, &s);
	meant.falling = s.twins;
	e = flow_table_selected(rig->table, &s, NULL);
	for (; e; e = next, keep = keep >> 1 | keep << 63) {
		size_t at = model_selected(m, &meant);

		CU_ASSERT_FATAL(at < m->count && m->entries[at].entry == e);
		meant.below = m->entries[at].priority;
		meant.from = keep & 1 ? at + 1 : at;
		next = flow_table_selected(rig->table, &s, e);
		if (keep & 1)
			continue;
		flow_timeouts_remove(&rig->timeouts, e);
		flow_table_remove(rig->table, e);
		model_remove(m, at);
	}
	CU_ASSERT_EQUAL_FATAL(model_selected(m, &meant), m->count);
}

/* A frame comes, mostly of a flow that was here before. */
static void look_up(struct rig *rig)
{
	struct model *m = rig->model;
	struct fb_match *match = &rig->keys[rng_below(&rig->rng, KEYS)];
	struct flow_entry *e;
	struct flow_key key;
	size_t at;

	if (rng_below(&rig->rng, 16) == 0)
		*match = random_key(&rig->rng);
	key = flow_key_from_match(match);
	e = flow_table_lookup(rig->table, &key);
	at = model_lookup(m, match);
	CU_ASSERT_PTR_EQUAL_FATAL(e, at < m->count ? m->entries[at].entry : NULL);
	if (e)
		e->used_ns = m->entries[at].used_ns = rig->now_ns;
}

static void expire(struct rig *rig)
{
	struct model *m = rig->model;

	for (;;) {
		uint8_t reason = 0, expected = 0;
		struct flow_entry *e = flow_timeouts_expired(&rig->timeouts, rig->now_ns, &reason);
		size_t at = model_expired(m, rig->now_ns, &expected);

		CU_ASSERT_PTR_EQUAL_FATAL(e, at < m->count ? m->entries[at].entry : NULL);
		CU_ASSERT_EQUAL_FATAL(reason, expected);
		if (!e)
			return;
		flow_table_remove(rig->table, e);
		model_remove(m, at);
	}
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

/* A match and priority to act on; half of the time of something that is there. */
static struct fb_match pick(struct rig *rig, uint16_t *priority)
{
	struct model *m = rig->model;

	*priority = (uint16_t)rng_below(&rig->rng, rig->plan->priorities);
	if (m->count && rng_below(&rig->rng, 2)) {
		const struct model_entry *e = &m->entries[rng_below(&rig->rng, m->count)];

		if (rng_below(&rig->rng, 4))
			*priority = e->priority;
		return e->match;
	}
	return random_match(rig);
}

static void change(struct rig *rig)
{
	uint16_t priority;
	struct fb_match match = pick(rig, &priority);
	uint64_t keep = rng_next(&rig->rng);

	switch (rng_below(&rig->rng, 16)) {
	default:
		add(rig, &match, priority);
		break;
	case 8:
	case 9:
		CU_ASSERT_EQUAL_FATAL(flow_table_overlaps(rig->table, &match, priority),
		                      model_overlaps(rig->model, &match, priority));
		break;
	case 10:
	case 11:
	case 12:
		select_and_remove(rig, &match, true, priority, 0);
		break;
	case 13:
		select_and_remove(rig, &match, false, priority, keep);
		break;
	case 14:
		select_and_remove(rig, &match, false, priority, UINT64_MAX);
		break;
	case 15: /* now and then everything */
		if (keep % 50 == 0)
			fb_match_any(&match);
		select_and_remove(rig, &match, false, priority, 0);
		break;
	}
}

static struct flow_cache_counts against_the_model(const struct plan *plan)
{
	struct rig rig = {.plan = plan, .table = flow_table_new(MODEL_MAX)};
	struct flow_cache_counts cache;

	rig.model = calloc(1, sizeof *rig.model);
	flow_timeouts_init(&rig.timeouts);
	rng_init(&rig.rng, plan->seed, "flow_table_test");
	for (unsigned i = 0; i < MASKS; i++)
		rig.masks[i] = random_wildcards(&rig.rng);
	for (unsigned i = 0; i < KEYS; i++)
		rig.keys[i] = random_key(&rig.rng);
	for (unsigned i = 0; i < plan->steps; i++) {
		rig.now_ns += rng_below(&rig.rng, FB_NS_PER_S / 8);
		expire(&rig);
		change(&rig);
		for (uint64_t looks = rng_below(&rig.rng, 6); looks > 0; looks--)
			look_up(&rig);
		if (i % 64 == 0)
			compare_order(rig.table, rig.model);
	}
	compare_order(rig.table, rig.model);
	cache = flow_table_cache(rig.table);
	flow_timeouts_destroy(&rig.timeouts);
	flow_table_free(rig.table);
	free(rig.model);
	return cache;
}

static void sixty_thousand_random_operations_agree_with_a_linear_table(void)
{
	static const struct plan plans[] = {
	        {.seed = 1, .steps = 10000, .priorities = 4},
	        {.seed = 2, .steps = 10000, .priorities = 65536},
	        {.seed = 3, .steps = 10000, .priorities = 1},
	        {.seed = 4, .steps = 10000, .priorities = 4, .no_exact = true},
	        {.seed = 9, .steps = 10000, .priorities = 65536, .few_matches = true},
	        {.seed = 10,
	         .steps = 10000,
	         .priorities = 256,
	         .few_masks = true,
	         .few_matches = true,
	         .no_exact = true},
	};

	for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
		against_the_model(&plans[i]);
}

static void forty_thousand_changes_leave_nothing_stale_in_the_cache(void)
{
	static const struct plan plans[] = {
	        {.seed = 5, .steps = 10000, .priorities = 3, .few_masks = true},
	        {.seed = 6, .steps = 10000, .priorities = 1000, .few_masks = true},
	        {.seed = 7, .steps = 10000, .priorities = 3, .few_masks = true, .timeouts = true},
	        {.seed = 8, .steps = 10000, .priorities = 3, .timeouts = true},
	};

	for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
		struct flow_cache_counts cache = against_the_model(&plans[i]);

		/* Else this would say nothing of the cache. */
		CU_ASSERT_TRUE(cache.hits > 5000);
		CU_ASSERT_TRUE(cache.misses > 1000);
	}
}

/* --- Overlaps, by asking all frames --- */

/* All frames that random_fields() can describe; '*count' is how many. */
static struct fb_match *all_frames(size_t *count)
{
	static const uint16_t types[] = {FB_ETH_IPV4, FB_ETH_ARP, 0x88b5};
	static const uint8_t protos[] = {FB_IP_TCP, FB_IP_UDP, FB_IP_ICMP, 47};
	static const uint16_t vlans[] = {OFP_VLAN_NONE, 1, 2};
	enum { FRAMES = 3 * 4 * 3 * 2048 };
	struct fb_match *frames = calloc(FRAMES, sizeof *frames);

	for (uint32_t i = 0; i < FRAMES; i++) {
		uint32_t bits = i % 2048, rest = i / 2048;
		struct fb_match *m = &frames[i];

		m->dl_type = types[rest % 3];
		m->dl_vlan = vlans[rest / 3 % 3];
		m->nw_proto = protos[rest / 9];
		m->in_port = (uint16_t)(1 + (bits & 1));
		m->dl_src[5] = bits >> 1 & 1;
		m->dl_dst[0] = bits >> 2 & 1;
		m->dl_vlan_pcp = bits >> 3 & 1;
		m->nw_tos = (uint8_t)((bits >> 4 & 1) << 5);
		m->nw_src = 0x0a000000 | (bits >> 5 & 3);
		m->nw_dst = 0x0a000000 | (bits >> 7 & 3);
		m->tp_src = bits >> 9 & 1;
		m->tp_dst = bits >> 10 & 1;
		fb_match_normalize(m);
		m->wildcards = 0;
	}
	*count = FRAMES;
	return frames;
}

static bool some_frame_hits_both(const struct fb_match *frames, size_t count,
                                 const struct fb_match *a, const struct fb_match *b)
{
	for (size_t i = 0; i < count; i++) {
		if (fb_match_hits(a, &frames[i]) && fb_match_hits(b, &frames[i]))
			return true;
	}
	return false;
}

static void two_matches_overlap_when_some_frame_hits_both(void)
{
	static const struct plan plan = {.no_exact = true};
	struct rig rig = {.plan = &plan};
	unsigned overlaps = 0, apart = 0;
	size_t count;
	struct fb_match *frames = all_frames(&count);

	rng_init(&rig.rng, 9, "flow_table_test");
	for (unsigned i = 0; i < 400; i++) {
		struct flow_table *t = flow_table_new(1);
		struct fb_match a = random_match(&rig), b = random_match(&rig);
		bool both = some_frame_hits_both(frames, count, &a, &b);

		flow_table_add(t, &a, 5);
		CU_ASSERT_EQUAL(flow_table_overlaps(t, &b, 5), both);
		CU_ASSERT_EQUAL(fb_match_overlaps(&a, &b), both);
		CU_ASSERT_FALSE(flow_table_overlaps(t, &b, 4));
		CU_ASSERT_FALSE(flow_table_overlaps(t, &b, 6));
		overlaps += both;
		apart += !both;
		flow_table_free(t);
	}
	CU_ASSERT_TRUE(overlaps > 50);
	CU_ASSERT_TRUE(apart > 50);
	free(frames);
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

static struct fb_match match_of_type(uint16_t dl_type)
{
	struct fb_match m = {.wildcards = OFPFW_ALL & ~(uint32_t)OFPFW_DL_TYPE, .dl_type = dl_type};

	return m;
}

/* Of a host: a mask that looks at what key_of_port() leaves 0. */
static struct fb_match match_of_source(uint8_t last)
{
	struct fb_match m = {.wildcards = OFPFW_ALL & ~(uint32_t)OFPFW_DL_SRC};

	m.dl_src[5] = last;
	return m;
}

/* True when the lookup gives 'e' and was answered by the cache ('hit') or not. */
static bool looks_up(struct flow_table *t, const struct flow_key *key, const struct flow_entry *e,
                     bool hit)
{
	struct flow_cache_counts before = flow_table_cache(t), after;
	const struct flow_entry *found = flow_table_lookup(t, key);

	after = flow_table_cache(t);
	return found == e && after.hits == before.hits + hit &&
	       after.misses == before.misses + !hit;
}

/* A table with three masks: 'low' of priority 5 for all frames, one of another port, one of another
 * EtherType; and the frame 'key' in the cache. */
static struct flow_table *warm_table(const struct flow_key *key, struct flow_entry **low)
{
	struct flow_table *t = flow_table_new(1000);
	struct fb_match any, other_port = match_of_port(1000), other_type = match_of_type(0x9999);

	fb_match_any(&any);
	*low = flow_table_add(t, &any, 5);
	flow_table_add(t, &other_port, 9);
	flow_table_add(t, &other_type, 9);
	CU_ASSERT_TRUE(looks_up(t, key, *low, false));
	CU_ASSERT_TRUE(looks_up(t, key, *low, true));
	return t;
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

static void an_exact_entry_stands_before_what_is_cached_and_leaves_it(void)
{
	struct fb_match exact = {.in_port = 1, .dl_vlan = OFP_VLAN_NONE, .dl_type = 0x88b5};
	struct flow_key key = key_of_port(1);
	struct flow_entry *low, *e;
	struct flow_table *t = warm_table(&key, &low);

	fb_match_normalize(&exact);
	e = flow_table_add(t, &exact, 0);
	CU_ASSERT_PTR_EQUAL(flow_table_lookup(t, &key), e);
	flow_table_remove(t, e);
	CU_ASSERT_TRUE(looks_up(t, &key, low, true));
	flow_table_free(t);
}

static void a_higher_entry_displaces_what_is_cached_without_a_search(void)
{
	struct flow_key key = key_of_port(1);
	struct fb_match port = match_of_port(1), type = match_of_type(0x88b5);
	struct flow_entry *low, *e;
	struct flow_table *t = warm_table(&key, &low);

	e = flow_table_add(t, &port, 6);
	CU_ASSERT_TRUE(looks_up(t, &key, e, true));
	flow_table_add(t, &type, 5);
	CU_ASSERT_TRUE(looks_up(t, &key, e, true));
	e = flow_table_add(t, &type, 7);
	CU_ASSERT_TRUE(looks_up(t, &key, e, true));
	flow_table_free(t);
}

static void of_two_additions_since_the_older_wins_at_equal_priority(void)
{
	struct flow_key key = key_of_port(1);
	struct fb_match port = match_of_port(1), type = match_of_type(0x88b5);
	struct flow_entry *low, *e;
	struct flow_table *t = warm_table(&key, &low);

	e = flow_table_add(t, &type, 10);
	flow_table_add(t, &port, 10);
	CU_ASSERT_TRUE(looks_up(t, &key, e, true));
	flow_table_free(t);
}

static void a_removed_entry_is_not_met_in_the_cache(void)
{
	struct flow_key key = key_of_port(1);
	struct fb_match port = match_of_port(1), other = match_of_port(2);
	struct flow_entry *low, *e, *next;
	struct flow_table *t = warm_table(&key, &low);

	e = flow_table_add(t, &port, 6);
	CU_ASSERT_TRUE(looks_up(t, &key, e, true));
	flow_table_remove(t, e);
	CU_ASSERT_TRUE(looks_up(t, &key, low, false));
	/* Nor when another one has taken its place in memory. */
	e = flow_table_add(t, &port, 6);
	CU_ASSERT_TRUE(looks_up(t, &key, e, true));
	flow_table_remove(t, e);
	next = flow_table_add(t, &other, 6);
	CU_ASSERT_PTR_EQUAL(next, e);
	CU_ASSERT_TRUE(looks_up(t, &key, low, false));
	flow_table_free(t);
}

static void a_renewed_entry_loses_its_place_in_the_cache_to_an_equal_one(void)
{
	struct flow_key key = key_of_port(1);
	struct fb_match type = match_of_type(0x88b5);
	struct flow_entry *low, *e;
	struct flow_table *t = warm_table(&key, &low);

	e = flow_table_add(t, &type, 5);
	CU_ASSERT_TRUE(looks_up(t, &key, low, true));
	flow_table_renew(t, low);
	CU_ASSERT_TRUE(looks_up(t, &key, e, false));
	flow_table_free(t);
}

static void a_frame_that_met_nothing_is_cached_until_an_entry_comes(void)
{
	struct flow_key key = key_of_port(1);
	struct fb_match port = match_of_port(1);
	struct flow_entry *low, *e;
	struct flow_table *t = warm_table(&key, &low);

	flow_table_remove(t, low);
	CU_ASSERT_TRUE(looks_up(t, &key, NULL, false));
	CU_ASSERT_TRUE(looks_up(t, &key, NULL, true));
	e = flow_table_add(t, &port, 0);
	CU_ASSERT_TRUE(looks_up(t, &key, e, true));
	flow_table_free(t);
}

static void frames_that_differ_where_no_entry_looks_share_a_place_in_the_cache(void)
{
	struct flow_key key = key_of_port(1), other = key;
	struct fb_match source = match_of_source(9), same = match_of_source(0);
	struct flow_entry *low, *e;
	struct flow_table *t = warm_table(&key, &low);

	other.w[0] |= 9 << 16;
	CU_ASSERT_TRUE(looks_up(t, &other, low, true));
	CU_ASSERT_TRUE(looks_up(t, &(struct flow_key){{0}}, low, false));
	e = flow_table_add(t, &source, 8);
	CU_ASSERT_TRUE(looks_up(t, &other, e, false));
	CU_ASSERT_TRUE(looks_up(t, &key, low, true));
	flow_table_remove(t, e);
	CU_ASSERT_TRUE(looks_up(t, &other, low, true));
	e = flow_table_add(t, &same, 8);
	CU_ASSERT_TRUE(looks_up(t, &key, e, true));
	CU_ASSERT_TRUE(looks_up(t, &other, low, false));
	flow_table_free(t);
}

static void a_stream_of_flow_mods_leaves_the_cache_useful(void)
{
	struct flow_key keys[100];
	struct flow_entry *low;
	struct flow_table *t = warm_table(&(struct flow_key){{0}}, &low);
	struct flow_cache_counts before, after;

	for (uint16_t i = 0; i < 5000; i++) {
		keys[i % 100] = key_of_port(i % 100);
		CU_ASSERT_PTR_EQUAL(flow_table_lookup(t, &keys[i % 100]), low);
	}
	before = flow_table_cache(t);
	for (uint16_t n = 0; n < 900; n++) {
		struct fb_match exact = {.in_port = 2000, .dl_vlan = OFP_VLAN_NONE, .nw_dst = n};
		struct fb_match wild = match_of_port(2000 + n);

		exact.dl_type = FB_ETH_IPV4;
		fb_match_normalize(&exact);
		flow_table_add(t, &exact, 0);
		flow_table_add(t, &wild, 7);
		CU_ASSERT_PTR_EQUAL(flow_table_lookup(t, &keys[n % 100]), low);
		flow_table_remove(t, flow_table_find(t, n % 2 ? &wild : &exact, 7));
		CU_ASSERT_PTR_EQUAL(flow_table_lookup(t, &keys[n % 100]), low);
	}
	after = flow_table_cache(t);
	/* A few keys share a set of the cache with two others. */
	CU_ASSERT_TRUE(after.misses - before.misses <= 1800 / 20);
	flow_table_free(t);
}

static void the_cache_comes_with_the_second_mask_and_grows_with_the_traffic_to_its_limit(void)
{
	struct flow_table *t = flow_table_new(10);
	struct fb_match any, source = match_of_source(1);
	struct flow_entry *e;
	uint32_t slots_before;
	size_t bytes_before;

	fb_match_any(&any);
	e = flow_table_add(t, &any, 1);
	for (uint64_t i = 0; i < 100; i++)
		CU_ASSERT_PTR_EQUAL(flow_table_lookup(t, &(struct flow_key){{i << 16}}), e);
	CU_ASSERT_EQUAL(flow_table_cache(t).slots_count, 0);
	CU_ASSERT_EQUAL(flow_table_cache(t).misses, 0);
	flow_table_add(t, &source, 1);
	bytes_before = flow_table_bytes(t);
	/* One in a hundred that does not come again is not worth more slots. */
	for (uint64_t i = 0; i < 20000; i++) {
		uint64_t flow = i % 100 ? 4 : i + 5;

		CU_ASSERT_PTR_EQUAL(flow_table_lookup(t, &(struct flow_key){{flow << 16}}), e);
	}
	CU_ASSERT_EQUAL(flow_table_cache(t).slots_count, FLOW_CACHE_SLOTS_FIRST);
	CU_ASSERT_EQUAL(flow_table_bytes(t) - bytes_before,
	                FLOW_CACHE_SLOTS_FIRST * sizeof(struct flow_cache_slot));
	for (uint64_t i = 0; i < 50000; i++) {
		slots_before = flow_table_cache(t).slots_count;
		CU_ASSERT_PTR_EQUAL(flow_table_lookup(t, &(struct flow_key){{(i + 2) << 16}}), e);
		CU_ASSERT_TRUE(flow_table_cache(t).slots_count <= slots_before * 2);
	}
	CU_ASSERT_EQUAL(flow_table_cache(t).slots_count, TWO_MASKS_SLOTS);
	flow_table_free(t);
}

static void the_cache_may_be_larger_with_more_masks_and_entries_but_not_without_end(void)
{
	enum { MASKS_MANY = 66, ENTRIES = 80000 };
	struct flow_table *t = flow_table_new(ENTRIES + 1);
	struct fb_match any;
	uint64_t flow = 1;

	/* Ends each search at its first probe. */
	fb_match_any(&any);
	flow_table_add(t, &any, 9);
	for (uint32_t n = 0; n < ENTRIES; n++) {
		struct fb_match m = {.wildcards = OFPFW_ALL & ~(uint32_t)OFPFW_DL_SRC};

		m.dl_src[0] = 2; /* no frame below has that */
		fb_set32(m.dl_src + 2, n);
		if (n % 2)
			m.wildcards &= ~(uint32_t)OFPFW_IN_PORT;
		CU_ASSERT_PTR_NOT_NULL_FATAL(flow_table_add(t, &m, 1));
	}
	for (; flow < 200000; flow++)
		flow_table_lookup(t, &(struct flow_key){{flow << 16}});
	CU_ASSERT_EQUAL(flow_table_cache(t).slots_count, 32768);
	while (flow_table_count(t) > MASKS_MANY)
		flow_table_remove(t, flow_table_newer(t, flow_table_oldest(t)));
	for (uint32_t n = 0; flow_table_groups(t) < MASKS_MANY; n++) {
		struct fb_match m = {.wildcards = OFPFW_ALL & ~(uint32_t)OFPFW_DL_SRC};

		m.wildcards &= ~(uint32_t)(OFPFW_DL_TYPE | OFPFW_NW_SRC_MASK | OFPFW_NW_DST_MASK);
		m.wildcards |= n % 32 << OFPFW_NW_SRC_SHIFT | n / 32 << OFPFW_NW_DST_SHIFT;
		m.dl_type = FB_ETH_IPV4;
		m.dl_src[0] = 4;
		flow_table_remove(t, flow_table_newer(t, flow_table_oldest(t)));
		CU_ASSERT_PTR_NOT_NULL_FATAL(flow_table_add(t, &m, 1));
	}
	for (; flow < 1200000; flow++)
		flow_table_lookup(t, &(struct flow_key){{flow << 16}});
	CU_ASSERT_EQUAL(flow_table_cache(t).slots_count, FLOW_TABLE_CACHE_SLOTS_MAX);
	flow_table_free(t);
}

static void flows_that_come_once_leave_those_that_keep_coming_in_the_cache(void)
{
	enum { REGULARS = 500 };
	struct flow_table *t = flow_table_new(10);
	struct fb_match any, source = match_of_source(1);
	uint64_t passing = REGULARS, hits = 0;

	fb_match_any(&any);
	flow_table_add(t, &any, 1);
	flow_table_add(t, &source, 1);
	for (unsigned i = 0; i < 400000; i++) {
		bool regular = i % 2;
		uint64_t flow = regular ? i / 2 % REGULARS : passing++;
		struct flow_cache_counts before = flow_table_cache(t);

		flow_table_lookup(t, &(struct flow_key){{(flow + 2) << 16}});
		hits += regular && flow_table_cache(t).hits > before.hits;
	}
	CU_ASSERT_TRUE(passing > TWO_MASKS_SLOTS);
	CU_ASSERT_TRUE(hits > 180000);
	flow_table_free(t);
}

static void of_flows_that_do_not_all_fit_some_stay_in_the_cache(void)
{
	enum { FLOWS = TWO_MASKS_SLOTS * 3 / 2 };
	struct flow_table *t = flow_table_new(10);
	struct fb_match any, source = match_of_source(1);
	uint64_t hits = 0;

	fb_match_any(&any);
	flow_table_add(t, &any, 1);
	flow_table_add(t, &source, 1);
	/* In turn: what is pushed out by those that came since is always what comes next. */
	for (uint64_t i = 0; i < FLOWS * 3; i++) {
		struct flow_cache_counts before = flow_table_cache(t);

		flow_table_lookup(t, &(struct flow_key){{(i % FLOWS + 2) << 16}});
		hits += i >= FLOWS * 2 && flow_table_cache(t).hits > before.hits;
	}
	CU_ASSERT_TRUE(hits > FLOWS / 4);
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
	CU_ASSERT_FALSE(flow_table_has_room(t, 1, LIST_BYTES, 0));
	CU_ASSERT_TRUE(flow_table_has_room(t, 1000000, FLOW_ENTRY_INLINE_BYTES, 0));
	e = flow_table_oldest(t);
	flow_table_set_actions(t, e, bytes, 8);
	CU_ASSERT_TRUE(flow_table_has_room(t, 1, LIST_BYTES, 0));
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

/* --- Sizes at which a cost that grows with the square would be minutes ---
 *
 * A guard of CPU time only ever fails: what it guards takes well under a second. */

enum { GUARD_S = 30, GUARD_STEPS = 256 };

/* The guard of step 'i' of something that began at 'start'. */
static void guard(clock_t start, uint32_t i)
{
	if (i % GUARD_STEPS == 0)
		CU_ASSERT_FATAL(clock() - start < (clock_t)GUARD_S * CLOCKS_PER_SEC);
}

/* Three orders of all priorities: rising, falling, scattered. */
static uint16_t priority_of(unsigned order, uint32_t i)
{
	return (uint16_t)(order == 0 ? i : order == 1 ? 65535 - i : i * 40503);
}

enum { PRIORITIES = 65536 };

/* Add an entry of 'm' for each priority. */
static void add_all_priorities(struct flow_table *t, const struct fb_match *m, unsigned order,
                               clock_t start)
{
	struct flow_key key = flow_key_from_match(m);

	for (uint32_t i = 0; i < PRIORITIES; i++, guard(start, i)) {
		const struct flow_entry *e = flow_table_add(t, m, priority_of(order, i));

		CU_ASSERT_PTR_NOT_NULL_FATAL(e);
		CU_ASSERT_TRUE_FATAL(flow_table_lookup(t, &key)->priority >= e->priority);
	}
	for (uint32_t i = 0; i < PRIORITIES; i++, guard(start, i)) {
		const struct flow_entry *e = flow_table_find(t, m, (uint16_t)i);

		CU_ASSERT_FATAL(e && e->priority == i);
		CU_ASSERT_TRUE_FATAL(flow_table_overlaps(t, m, (uint16_t)i));
	}
}

/* Walk all entries of 'm' and remove those of odd priority. */
static void remove_odd_priorities(struct flow_table *t, const struct fb_match *m, clock_t start)
{
	struct flow_selection s;
	struct flow_entry *e, *next;
	uint32_t walked = 0;

	flow_table_select(t, m, false, 0, &s);
	for (e = flow_table_selected(t, &s, NULL); e; e = next, guard(start, walked)) {
		CU_ASSERT_EQUAL_FATAL(e->priority, PRIORITIES - 1 - walked);
		walked++;
		next = flow_table_selected(t, &s, e);
		if (e->priority % 2)
			flow_table_remove(t, e);
	}
	CU_ASSERT_EQUAL(walked, PRIORITIES);
}

static void all_priorities_of_one_match_are_added_walked_and_removed_step_by_step(void)
{
	clock_t start = clock();

	for (unsigned order = 0; order < 3; order++) {
		struct flow_table *t = flow_table_new(PRIORITIES);
		struct fb_match m = match_of_port(1);
		struct flow_selection s;
		struct flow_entry *e;

		add_all_priorities(t, &m, order, start);
		remove_odd_priorities(t, &m, start);
		for (uint32_t i = 0; i < PRIORITIES; i++, guard(start, i)) {
			flow_table_select(t, &m, true, priority_of(order, i), &s);
			e = flow_table_selected(t, &s, NULL);
			CU_ASSERT_EQUAL_FATAL(e != NULL, priority_of(order, i) % 2 == 0);
			if (e) {
				CU_ASSERT_PTR_NULL_FATAL(flow_table_selected(t, &s, e));
				flow_table_remove(t, e);
			}
		}
		CU_ASSERT_EQUAL(flow_table_count(t), 0);
		CU_ASSERT_EQUAL(flow_table_groups(t), 0);
		flow_table_free(t);
	}
}

/* One of 69,696 masks, and what they look at in a frame that all their entries match. */
static struct fb_match match_of_mask(uint32_t i)
{
	static const uint32_t flags[] = {OFPFW_IN_PORT, OFPFW_DL_SRC, OFPFW_DL_DST,
	                                 OFPFW_NW_TOS,  OFPFW_TP_SRC, OFPFW_TP_DST};
	struct fb_match m = {.in_port = 1,
	                     .dl_vlan = 5,
	                     .dl_type = FB_ETH_IPV4,
	                     .nw_proto = FB_IP_TCP,
	                     .nw_src = UINT32_MAX,
	                     .nw_dst = UINT32_MAX};

	m.wildcards = OFPFW_DL_VLAN_PCP | i % 33 << OFPFW_NW_SRC_SHIFT |
	              i / 33 % 33 << OFPFW_NW_DST_SHIFT;
	for (unsigned bit = 0; bit < 6; bit++)
		m.wildcards |= i / (33 * 33) >> bit & 1 ? flags[bit] : 0;
	fb_match_normalize(&m);
	return m;
}

static struct flow_key key_of_all_masks(void)
{
	struct fb_match m = match_of_mask(0);

	return flow_key_from_match(&m);
}

static void as_many_masks_as_there_may_be_come_and_go_step_by_step(void)
{
	enum { MASKS_ALL = FLOW_TABLE_GROUPS_MAX };
	struct flow_key key = key_of_all_masks();
	clock_t start = clock();

	for (unsigned order = 0; order < 3; order++) {
		struct flow_table *t = flow_table_new(MASKS_ALL);
		struct flow_entry *e, *last = NULL;

		for (uint32_t i = 0; i < MASKS_ALL; i++, guard(start, i)) {
			struct fb_match m = match_of_mask(i);

			last = flow_table_add(t, &m, priority_of(order, i));
			CU_ASSERT_PTR_NOT_NULL_FATAL(last);
		}
		CU_ASSERT_EQUAL(flow_table_lookup(t, &key)->priority, 65535);
		/* Each goes and comes again as the highest, then all go. */
		for (uint32_t i = 0; i < MASKS_ALL; i++, guard(start, i)) {
			struct fb_match m = match_of_mask(i);

			flow_table_remove(t, flow_table_oldest(t));
			last = flow_table_add(t, &m, (uint16_t)(i ? 65535 : 0));
		}
		e = flow_table_lookup(t, &key);
		CU_ASSERT_EQUAL(e->priority, 65535);
		CU_ASSERT_PTR_EQUAL(flow_table_newer(t, flow_table_oldest(t)), e);
		for (uint32_t i = 0; i + 1 < MASKS_ALL; i++, guard(start, i))
			flow_table_remove(t, flow_table_oldest(t));
		CU_ASSERT_PTR_EQUAL(flow_table_lookup(t, &key), last);
		CU_ASSERT_EQUAL(flow_table_groups(t), 1);
		flow_table_free(t);
	}
}

static void one_mask_too_many_is_refused_until_one_goes(void)
{
	struct flow_table *t = flow_table_new(FLOW_TABLE_GROUPS_MAX + 10);
	struct fb_match m = match_of_mask(1), exact = {.in_port = 1, .dl_vlan = OFP_VLAN_NONE};

	for (uint32_t i = 1; i <= FLOW_TABLE_GROUPS_MAX; i++) {
		m = match_of_mask(i);
		CU_ASSERT_PTR_NOT_NULL_FATAL(flow_table_add(t, &m, 1));
	}
	CU_ASSERT_EQUAL(flow_table_groups(t), FLOW_TABLE_GROUPS_MAX);
	CU_ASSERT_PTR_NOT_NULL(flow_table_add(t, &m, 2));
	fb_match_normalize(&exact);
	CU_ASSERT_PTR_NOT_NULL(flow_table_add(t, &exact, 1));
	m = match_of_mask(FLOW_TABLE_GROUPS_MAX + 1);
	CU_ASSERT_PTR_NULL(flow_table_add(t, &m, 1));
	CU_ASSERT_EQUAL(flow_table_count(t), FLOW_TABLE_GROUPS_MAX + 2);
	flow_table_remove(t, flow_table_oldest(t));
	CU_ASSERT_PTR_NOT_NULL(flow_table_add(t, &m, 1));
	flow_table_free(t);
}

static struct fb_match match_of_number(uint32_t i, bool exact)
{
	struct fb_match m = {.dl_vlan = OFP_VLAN_NONE, .dl_type = 0x88b5};

	m.wildcards = exact ? 0 : OFPFW_IN_PORT;
	fb_set32(m.dl_src + 2, i);
	fb_match_normalize(&m);
	return m;
}

static void slots_shrink_with_use_and_lose_nobody(void)
{
	enum { ENTRIES = 100000, LEFT = 10, SLOT_BYTES = 8 };

	for (unsigned exact = 0; exact < 2; exact++) {
		struct flow_table *t = flow_table_new(ENTRIES);
		size_t bytes;

		for (uint32_t i = 0; i < ENTRIES; i++) {
			struct fb_match m = match_of_number(i, exact);

			CU_ASSERT_PTR_NOT_NULL_FATAL(flow_table_add(t, &m, 7));
		}
		bytes = flow_table_bytes(t);
		for (uint32_t i = ENTRIES; i > LEFT; i--) {
			struct fb_match m = match_of_number(i - 1, exact);
			struct fb_match other = match_of_number((i - 1) / 2, exact);
			struct flow_key key = flow_key_from_match(&other);

			flow_table_remove(t, flow_table_find(t, &m, 7));
			CU_ASSERT_PTR_NULL_FATAL(flow_table_find(t, &m, 7));
			CU_ASSERT_PTR_EQUAL_FATAL(flow_table_lookup(t, &key),
			                          flow_table_find(t, &other, 7));
			CU_ASSERT_PTR_NOT_NULL_FATAL(flow_table_find(t, &other, 7));
		}
		/* 100,000 keys had 2^18 slots, 10 have at most 80. */
		CU_ASSERT_EQUAL(bytes - flow_table_bytes(t), ((1 << 18) - 64) * SLOT_BYTES);
		flow_table_free(t);
	}
}

static void room_is_counted_with_what_is_given_back(void)
{
	enum { LIST_BYTES = 65528, LISTS = FLOW_TABLE_ACTIONS_BYTES_MAX / LIST_BYTES };
	struct flow_table *t = flow_table_new(LISTS);
	uint8_t *bytes = calloc(1, LIST_BYTES);
	struct flow_entry *e = NULL;

	for (uint16_t p = 1; p <= LISTS; p++) {
		struct fb_match m = match_of_port(p);

		e = flow_table_add(t, &m, 1);
		CU_ASSERT_TRUE_FATAL(flow_table_set_actions(t, e, bytes, LIST_BYTES));
	}
	CU_ASSERT_EQUAL(flow_entry_long_bytes(e), LIST_BYTES);
	CU_ASSERT_FALSE(flow_table_has_room(t, 3, LIST_BYTES, 2 * LIST_BYTES));
	CU_ASSERT_TRUE(flow_table_has_room(t, 3, LIST_BYTES, 3 * LIST_BYTES));
	CU_ASSERT_TRUE(flow_table_has_room(t, LISTS, LIST_BYTES, (uint64_t)LISTS * LIST_BYTES));
	flow_table_set_actions(t, e, bytes, FLOW_ENTRY_INLINE_BYTES);
	CU_ASSERT_EQUAL(flow_entry_long_bytes(e), 0);
	flow_table_free(t);
	free(bytes);
}

UNIT_TESTS("flow_table", UNIT_TEST(sixty_thousand_random_operations_agree_with_a_linear_table),
           UNIT_TEST(forty_thousand_changes_leave_nothing_stale_in_the_cache),
           UNIT_TEST(two_matches_overlap_when_some_frame_hits_both),
           UNIT_TEST(an_exact_entry_wins_over_any_priority),
           UNIT_TEST(an_exact_entry_stands_before_what_is_cached_and_leaves_it),
           UNIT_TEST(a_higher_entry_displaces_what_is_cached_without_a_search),
           UNIT_TEST(of_two_additions_since_the_older_wins_at_equal_priority),
           UNIT_TEST(a_removed_entry_is_not_met_in_the_cache),
           UNIT_TEST(a_renewed_entry_loses_its_place_in_the_cache_to_an_equal_one),
           UNIT_TEST(a_frame_that_met_nothing_is_cached_until_an_entry_comes),
           UNIT_TEST(frames_that_differ_where_no_entry_looks_share_a_place_in_the_cache),
           UNIT_TEST(a_stream_of_flow_mods_leaves_the_cache_useful),
           UNIT_TEST(the_cache_comes_with_the_second_mask_and_grows_with_the_traffic_to_its_limit),
           UNIT_TEST(the_cache_may_be_larger_with_more_masks_and_entries_but_not_without_end),
           UNIT_TEST(flows_that_come_once_leave_those_that_keep_coming_in_the_cache),
           UNIT_TEST(of_flows_that_do_not_all_fit_some_stay_in_the_cache),
           UNIT_TEST(among_equal_priorities_the_first_added_wins),
           UNIT_TEST(a_group_whose_highest_entry_goes_is_searched_no_earlier_than_it_must),
           UNIT_TEST(a_full_table_takes_no_more_until_one_goes),
           UNIT_TEST(actions_of_any_length_come_back),
           UNIT_TEST(long_lists_of_actions_are_bounded_in_all),
           UNIT_TEST(an_entry_takes_at_most_250_bytes),
           UNIT_TEST(all_priorities_of_one_match_are_added_walked_and_removed_step_by_step),
           UNIT_TEST(as_many_masks_as_there_may_be_come_and_go_step_by_step),
           UNIT_TEST(one_mask_too_many_is_refused_until_one_goes),
           UNIT_TEST(slots_shrink_with_use_and_lose_nobody),
           UNIT_TEST(room_is_counted_with_what_is_given_back))
