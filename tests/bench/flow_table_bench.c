/* What the flow table costs: lookups a second by number of entries and masks, beside a linear
 * search; lookups between flow-mods; flow-mods a second; and whole frames through the datapath.
 *
 * Three kinds of traffic ask for frames in an order that a generator draws:
 *   warm       at most 1,000 flows, each of which meets an entry: they fit the caches, ours and the
 *              processor's
 *   all        all entries, each as often as the others: a million do not fit
 *   strangers  a million flows without an entry of their own; nothing but coarse wildcard entries
 *              meets them
 * "hits" is the share of the lookups that the exact-match cache answered, where it was asked: not
 * for exact entries, and not with a single mask. Wildcard entries are spread evenly over their masks
 * and have random priorities; of the masks one is the 5-tuple with nw_tos open. Each figure is the
 * best of two rounds after one that warms up. "cache KiB" is the cache after all this. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <flowbed/packet.h>

#include "lib/base/rng.h"
#include "lib/base/xalloc.h"
#include "softswitch/datapath.h"
#include "softswitch/flow_cache.h"
#include "softswitch/flow_table.h"

enum {
	KEYS = 1 << 21,
	ROUNDS = 2,
	FLOWS_WARM = 1000,
	STRANGERS = 1000000,
	LOOKUPS_BETWEEN = 1 << 18, /* lookups between flow-mods */
	BATCH = 4096,              /* lookups between two looks at the clock */
	FRAMES_SENT = 4000000,
	FLOW_MODS = 1000000,
	LINEAR_COMPARISONS = 20000000,
};

#define WARM_UP_NS_MAX UINT64_C(1000000000)
#define ROUND_NS_MAX   UINT64_C(300000000)

static uint64_t sum; /* of what was found, printed, so that no compiler leaves the work out */

/* Of CPU time: what else the machine does counts less. */
static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Flow 'n', a TCP connection without wildcards. */
static struct fb_match flow(uint32_t n)
{
	struct fb_match m = {.in_port = (uint16_t)(1 + n % 4),
	                     .dl_vlan = OFP_VLAN_NONE,
	                     .dl_type = FB_ETH_IPV4,
	                     .nw_proto = FB_IP_TCP,
	                     .tp_dst = 80};

	m.dl_src[0] = m.dl_dst[0] = 2;
	fb_set32(m.dl_src + 2, n);
	fb_set32(m.dl_dst + 2, n * 2654435761u);
	m.nw_src = 0x0a000000 | (n & 0xffffff);
	m.nw_dst = 0xc0a80000 | (n * 40503u & 0xffff);
	m.tp_src = (uint16_t)(1024 + (n * 7919u >> 8));
	return m;
}

/* Mask 'i' of 64: 0 is the 5-tuple; the others leave the ingress port or addresses open, or cut
 * addresses. */
static uint32_t wildcards_of(unsigned i)
{
	uint32_t tuple = OFPFW_IN_PORT | OFPFW_DL_SRC | OFPFW_DL_DST | OFPFW_DL_VLAN |
	                 OFPFW_DL_VLAN_PCP | OFPFW_NW_TOS;

	if (i == 0)
		return tuple;
	if (i % 2)
		tuple &= ~(uint32_t)OFPFW_DL_SRC;
	if (i % 4 >= 2)
		tuple &= ~(uint32_t)OFPFW_IN_PORT;
	return tuple | i / 4 % 16 << OFPFW_NW_DST_SHIFT;
}

static struct fb_match wildcard_flow(uint32_t n, unsigned masks)
{
	struct fb_match m = flow(n);

	m.wildcards = wildcards_of(n % masks);
	fb_match_normalize(&m);
	return m;
}

/* KEYS of the 'flows' flows from 'first' on, in random order with repetitions. */
static struct flow_key *random_keys(uint32_t first, uint32_t flows)
{
	struct flow_key *keys = xmalloc(KEYS * sizeof *keys);
	struct rng rng;

	rng_init(&rng, 1, "flow_table_bench");
	for (uint32_t i = 0; i < KEYS; i++) {
		struct fb_match m = flow(first + (uint32_t)rng_below(&rng, flows));

		keys[i] = flow_key_from_match(&m);
	}
	return keys;
}

struct rate {
	double millions;       /* lookups a second */
	uint64_t hits, misses; /* of the cache */
};

/* Look up 'keys' from '*at' on, round and round, KEYS of them or as many as 'ns_max' allows. */
static struct rate lookup_round(struct flow_table *t, const struct flow_key *keys, uint32_t *at,
                                uint64_t ns_max)
{
	struct flow_cache_counts before = flow_table_cache(t), after;
	uint64_t start_ns = now_ns(), ns = 0;
	uint32_t done = 0;

	while (done < KEYS && ns < ns_max) {
		for (uint32_t i = 0; i < BATCH; i++) {
			const struct flow_entry *e = flow_table_lookup(t, &keys[*at + i]);

			sum += e ? e->priority : 0;
		}
		done += BATCH;
		*at = (*at + BATCH) % KEYS;
		ns = now_ns() - start_ns;
	}
	after = flow_table_cache(t);
	return (struct rate){done * 1000.0 / (double)ns, after.hits - before.hits,
	                     after.misses - before.misses};
}

static struct rate lookup_rate(struct flow_table *t, uint32_t first, uint32_t flows)
{
	struct flow_key *keys = random_keys(first, flows);
	struct rate best = {0, 0, 0};
	uint32_t at = 0;

	lookup_round(t, keys, &at, WARM_UP_NS_MAX);
	for (int round = 0; round < ROUNDS; round++) {
		struct rate rate = lookup_round(t, keys, &at, ROUND_NS_MAX);

		if (rate.millions > best.millions)
			best = rate;
	}
	free(keys);
	return best;
}

static void print_rate(struct rate rate)
{
	uint64_t asked = rate.hits + rate.misses;

	printf(" %9.2f", rate.millions);
	if (asked)
		printf(" %3u%%", (unsigned)(rate.hits * 100 / asked));
	else
		printf("    -");
	fflush(stdout);
}

/* --- The linear search: matches in falling priority, exact ones first, compared one by one --- */

struct linear {
	struct flow_key key, mask;
	uint32_t priority; /* 65536 for exact entries */
};

static int by_priority(const void *a, const void *b)
{
	const struct linear *x = a, *y = b;

	return (x->priority < y->priority) - (x->priority > y->priority);
}

static struct linear *linear_of(const struct flow_table *t)
{
	struct linear *list = xmalloc(flow_table_count(t) * sizeof *list), *p = list;

	for (const struct flow_entry *e = flow_table_oldest(t); e; e = flow_table_newer(t, e)) {
		p->key = e->key;
		p->mask = flow_key_mask(e->group ? e->wildcards : 0);
		p++->priority = e->group ? e->priority : 65536;
	}
	qsort(list, flow_table_count(t), sizeof *list, by_priority);
	return list;
}

/* Million lookups a second of flows of 'flows'. */
static double linear_rate(const struct flow_table *t, uint32_t flows)
{
	struct linear *list = linear_of(t);
	struct flow_key *keys = random_keys(0, flows);
	uint32_t count = flow_table_count(t);
	uint32_t lookups = LINEAR_COMPARISONS / (count + 100);
	uint64_t start_ns = now_ns(), ns;

	for (uint32_t i = 0; i < lookups; i++) {
		uint32_t at = 0;

		while (at < count &&
		       !flow_key_equal_under(&list[at].key, &keys[i % KEYS], &list[at].mask))
			at++;
		sum += at;
	}
	ns = now_ns() - start_ns;
	free(list);
	free(keys);
	return (double)lookups * 1000.0 / (double)ns;
}

static void tell(struct flow_table *t, const char *kind, unsigned masks)
{
	uint32_t count = flow_table_count(t);
	double bytes = (double)flow_table_bytes(t) / count; /* there is no cache yet */

	printf("%9u %-8s %5u  %8.0f", count, kind, masks, bytes);
	print_rate(lookup_rate(t, 0, count < FLOWS_WARM ? count : FLOWS_WARM));
	print_rate(lookup_rate(t, 0, count));
	print_rate(lookup_rate(t, count, STRANGERS));
	printf("  %10.4f  %9zu\n", linear_rate(t, count),
	       flow_table_cache(t).slots_count * sizeof(struct flow_cache_slot) >> 10);
}

static void exact(uint32_t count)
{
	struct flow_table *t = flow_table_new(count);

	for (uint32_t n = 0; n < count; n++) {
		struct fb_match m = flow(n);

		fb_match_normalize(&m);
		flow_table_add(t, &m, 1);
	}
	tell(t, "exact", 0);
	flow_table_free(t);
}

static struct flow_table *wildcard_table(uint32_t count, unsigned masks)
{
	/* Room for what is added between lookups. */
	struct flow_table *t = flow_table_new(count + 1);
	struct rng rng;

	rng_init(&rng, 2, "flow_table_bench");
	for (uint32_t n = 0; n < count; n++) {
		struct fb_match m = wildcard_flow(n, masks);
		uint16_t priority = (uint16_t)rng_next(&rng);

		if (!flow_table_find(t, &m, priority))
			flow_table_add(t, &m, priority);
	}
	return t;
}

static void wildcard(uint32_t count, unsigned masks)
{
	struct flow_table *t = wildcard_table(count, masks);

	tell(t, "wildcard", masks);
	flow_table_free(t);
}

/* --- Lookups between flow-mods --- */

/* The next flow-mod: an entry of a new flow is added, or '*last' is removed. */
static void change(struct flow_table *t, struct flow_entry **last, uint32_t n, unsigned masks)
{
	struct fb_match m = masks ? wildcard_flow(n, masks) : flow(n);

	if (*last) {
		flow_table_remove(t, *last);
		*last = NULL;
		return;
	}
	fb_match_normalize(&m);
	*last = flow_table_add(t, &m, (uint16_t)(n * 40503u));
}

/* Lookups a second, the flow-mods' time included, with one flow-mod after 'every' lookups. Those
 * are of new entries with any of 'masks' masks; 0: exact ones. */
static void between(struct flow_table *t, const struct flow_key *keys, uint32_t every,
                    unsigned masks)
{
	struct flow_cache_counts before = flow_table_cache(t), after;
	struct flow_entry *last = NULL;
	uint64_t start_ns = now_ns(), ns;
	uint32_t n = 5000000;

	for (uint32_t i = 0; i < LOOKUPS_BETWEEN; i++) {
		const struct flow_entry *e = flow_table_lookup(t, &keys[i]);

		sum += e ? e->priority : 0;
		if (every && i % every == 0)
			change(t, &last, n++, masks);
	}
	ns = now_ns() - start_ns;
	if (last)
		flow_table_remove(t, last);
	after = flow_table_cache(t);
	print_rate((struct rate){LOOKUPS_BETWEEN * 1000.0 / (double)ns, after.hits - before.hits,
	                         after.misses - before.misses});
}

static void lookups_between_flow_mods(void)
{
	static const uint32_t every[] = {0, 1000, 100, 10, 1};
	static const unsigned masks[] = {0, 1, 64};
	struct flow_table *t = wildcard_table(100000, 64);
	struct flow_key *keys = random_keys(0, FLOWS_WARM);
	uint32_t at = 0;

	for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
		printf("%-8s %5u  ", masks[i] ? "wildcard" : "exact", masks[i]);
		lookup_round(t, keys, &at, UINT64_MAX);
		for (size_t k = 0; k < sizeof every / sizeof every[0]; k++)
			between(t, keys, every[k], masks[i]);
		printf("\n");
	}
	free(keys);
	flow_table_free(t);
}

/* --- Flow-mods through the datapath --- */

static enum datapath_sent on_output(void *ctx, uint16_t port_no, uint32_t queue_id,
                                    struct frame *frame)
{
	(void)ctx;
	(void)queue_id;
	sum += port_no + frame->len;
	return DATAPATH_SENT;
}

static void on_packet_in(void *ctx, const struct fb_of_packet_in *pi, bool miss)
{
	(void)miss;
	(void)ctx;
	sum += pi->total_len;
}

static void on_flow_removed(void *ctx, const struct fb_flow_removed *fr)
{
	(void)ctx;
	sum += fr->cookie;
}

static void on_port_status(void *ctx, const struct fb_port_status *ps)
{
	(void)ctx;
	sum += ps->reason;
}

static const struct datapath_ops ops = {.output = on_output,
                                        .packet_in = on_packet_in,
                                        .flow_removed = on_flow_removed,
                                        .port_status = on_port_status};

/* A flow-mod with two addresses set and an output, as a load balancer sends it. */
static struct fb_flow_mod make_flow_mod(uint32_t n, unsigned masks, uint16_t command,
                                        struct fb_view actions)
{
	struct fb_flow_mod fm = {.command = command,
	                         .cookie = n,
	                         .idle_timeout = 60,
	                         .priority = 100,
	                         .buffer_id = OFP_NO_BUFFER,
	                         .out_port = OFPP_NONE,
	                         .actions = actions};

	fm.match = masks ? wildcard_flow(n, masks) : flow(n);
	return fm;
}

static void flow_mod_rate(const char *what, struct datapath *dp, uint16_t command, unsigned masks)
{
	static const uint8_t mac[FB_MAC_BYTES] = {2, 0, 0, 0, 0, 9};
	uint8_t bytes[64];
	struct fb_buf actions = fb_buf_make(bytes, sizeof bytes);
	uint64_t start_ns = now_ns(), ns;
	struct fb_of_error error;

	fb_action_put_dl_addr(&actions, OFPAT_SET_DL_SRC, mac);
	fb_action_put_dl_addr(&actions, OFPAT_SET_DL_DST, mac);
	fb_action_put_output(&actions, 2, 0);
	for (uint32_t n = 0; n < FLOW_MODS; n++) {
		struct fb_flow_mod fm =
		        make_flow_mod(n, masks, command, (struct fb_view){bytes, actions.len});

		if (datapath_flow_mod(dp, &fm, n, &error) < 0)
			sum++;
	}
	ns = now_ns() - start_ns;
	printf("%-8s %5u  %-14s %8.2f\n", masks ? "wildcard" : "exact", masks, what,
	       FLOW_MODS * 1000.0 / (double)ns);
	fflush(stdout);
}

static void flow_mods(unsigned masks)
{
	struct frame_pool *pool = frame_pool_new();
	struct datapath_config config;
	struct datapath *dp;

	datapath_config_default(&config);
	dp = datapath_new(&config, &ops, pool);
	flow_mod_rate("add", dp, OFPFC_ADD, masks);
	flow_mod_rate("add again", dp, OFPFC_ADD, masks);
	flow_mod_rate("modify strict", dp, OFPFC_MODIFY_STRICT, masks);
	flow_mod_rate("delete strict", dp, OFPFC_DELETE_STRICT, masks);
	datapath_free(dp);
	frame_pool_free(pool);
}

/* --- Whole frames --- */

static void frames(uint32_t count)
{
	enum { FRAMES = 1024 };
	struct frame_pool *pool = frame_pool_new();
	struct fb_phy_port port = {.port_no = 1};
	struct frame *list[FRAMES];
	struct datapath_config config;
	struct datapath *dp;
	uint64_t start_ns, ns;

	datapath_config_default(&config);
	dp = datapath_new(&config, &ops, pool);
	datapath_add_port(dp, &port, 0);
	port.port_no = 2;
	datapath_add_port(dp, &port, 0);
	for (uint32_t n = 0; n < FRAMES; n++) {
		uint8_t bytes[128], output[8];
		struct fb_buf out = fb_buf_make(bytes, sizeof bytes),
		              actions = fb_buf_make(output, sizeof output);
		struct fb_match m = flow(n % count);
		struct fb_eth_spec eth = {.has_vlan = false};
		struct fb_ipv4_spec ip = {.nw_src = m.nw_src, .nw_dst = m.nw_dst};
		struct fb_tcp_spec tcp = {
		        .tp_src = m.tp_src, .tp_dst = m.tp_dst, .flags = FB_TCP_ACK};
		struct fb_flow_mod fm = {
		        .match = m, .buffer_id = OFP_NO_BUFFER, .out_port = OFPP_NONE};
		struct fb_of_error error;

		memcpy(eth.dl_dst, m.dl_dst, FB_MAC_BYTES);
		memcpy(eth.dl_src, m.dl_src, FB_MAC_BYTES);
		fb_build_tcp(&out, &eth, &ip, &tcp, "payload", 7);
		list[n] = frame_copy_of(pool, out.data, out.len);
		fb_action_put_output(&actions, 2, 0);
		fm.match.in_port = 1;
		fm.actions = (struct fb_view){output, 8};
		datapath_flow_mod(dp, &fm, 0, &error);
	}
	start_ns = now_ns();
	for (uint32_t i = 0; i < FRAMES_SENT; i++)
		datapath_receive(dp, 1, frame_ref(list[i % FRAMES]), i);
	ns = now_ns() - start_ns;
	printf("%4u flows %8.2f\n", count, FRAMES_SENT * 1000.0 / (double)ns);
	for (uint32_t n = 0; n < FRAMES; n++)
		frame_unref(list[n]);
	datapath_free(dp);
	frame_pool_free(pool);
}

int main(void)
{
	static const uint32_t exact_counts[] = {1, 1000, 1000000};
	static const uint32_t wildcard_counts[] = {10, 1000, 100000, 1000000};
	static const unsigned mask_counts[] = {1, 8, 64};

	printf("Million lookups a second\n");
	printf("  entries kind     masks   B/entry      warm hits       all hits strangers hits"
	       "      linear  cache KiB\n");
	for (size_t i = 0; i < 3; i++)
		exact(exact_counts[i]);
	for (size_t i = 0; i < 4; i++) {
		for (size_t k = 0; k < 3; k++)
			wildcard(wildcard_counts[i], mask_counts[k]);
	}
	printf("\nMillion lookups a second among 100,000 wildcard entries of 64 masks, %u flows,\n"
	       "with a flow-mod (add and delete in turn) after each so many, its time included\n",
	       (unsigned)FLOWS_WARM);
	printf("flow-mods masks       none hits each 1000 hits  each 100 hits   each 10 hits    "
	       "each 1 hits\n");
	lookups_between_flow_mods();
	printf("\nMillion flow-mods a second\n");
	printf("kind     masks  what\n");
	flow_mods(0);
	flow_mods(1);
	flow_mods(64);
	printf("\nMillion frames a second from port to port\n");
	frames(1);
	frames(1000);
	printf("(checksum %016lx)\n", (unsigned long)sum);
	return 0;
}
