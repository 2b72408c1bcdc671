/* What the flow table costs: lookups a second by number of entries and masks, beside a linear
 * search, and flow-mods a second.
 *
 * Keys are asked for in an order that a generator draws, each as often as the others, so that a
 * large table misses the caches as it would in a switch with many flows. Wildcard entries are
 * spread evenly over their masks and have random priorities, but for one column in which all have
 * the same; of the masks one is the 5-tuple with nw_tos open. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <flowbed/packet.h>

#include "lib/base/rng.h"
#include "lib/base/xalloc.h"
#include "softswitch/datapath.h"
#include "softswitch/flow_table.h"

enum {
	KEYS = 1 << 20,
	LOOKUPS = KEYS,
	ROUNDS = 3,
	FRAMES_SENT = 4000000,
	FLOW_MODS = 1000000,
	LINEAR_COMPARISONS = 50000000,
};

static uint64_t sum; /* of what was found, printed, so that no compiler leaves the work out */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
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

/* 'count' of the flows below 'flows', in random order with repetitions. */
static struct flow_key *random_keys(uint32_t count, uint32_t flows)
{
	struct flow_key *keys = xmalloc(count * sizeof *keys);
	struct rng rng;

	rng_init(&rng, 1, "flow_table_bench");
	for (uint32_t i = 0; i < count; i++) {
		struct fb_match m = flow((uint32_t)rng_below(&rng, flows));

		keys[i] = flow_key_from_match(&m);
	}
	return keys;
}

/* Million lookups a second, the best of some rounds. */
static double lookup_rate(struct flow_table *t, const struct flow_key *keys)
{
	uint64_t best_ns = UINT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start_ns = now_ns(), ns;

		for (uint32_t i = 0; i < LOOKUPS; i++) {
			const struct flow_entry *e = flow_table_lookup(t, &keys[i]);

			sum += e ? e->priority : 0;
		}
		ns = now_ns() - start_ns;
		best_ns = ns < best_ns ? ns : best_ns;
	}
	return LOOKUPS * 1000.0 / (double)best_ns;
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

static double linear_rate(const struct flow_table *t, const struct flow_key *keys)
{
	struct linear *list = linear_of(t);
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
	return (double)lookups * 1000.0 / (double)ns;
}

static void tell(struct flow_table *t, const char *kind, uint32_t flows, unsigned masks)
{
	struct flow_key *keys = random_keys(KEYS, flows);
	uint32_t count = flow_table_count(t);

	printf("%9u %-9s %5u  %8.2f  %10.4f  %8.0f\n", count, kind, masks, lookup_rate(t, keys),
	       linear_rate(t, keys), (double)flow_table_bytes(t) / count);
	fflush(stdout);
	free(keys);
}

static void exact(uint32_t count)
{
	struct flow_table *t = flow_table_new(count);

	for (uint32_t n = 0; n < count; n++) {
		struct fb_match m = flow(n);

		fb_match_normalize(&m);
		flow_table_add(t, &m, 1);
	}
	tell(t, "exact", count, 1);
	flow_table_free(t);
}

static void wildcard(uint32_t count, unsigned masks, bool one_priority)
{
	struct flow_table *t = flow_table_new(count);
	struct rng rng;

	rng_init(&rng, 2, "flow_table_bench");
	for (uint32_t n = 0; n < count; n++) {
		struct fb_match m = wildcard_flow(n, masks);
		uint16_t priority = one_priority ? 1 : (uint16_t)rng_next(&rng);

		if (!flow_table_find(t, &m, priority))
			flow_table_add(t, &m, priority);
	}
	tell(t, one_priority ? "wildcard=" : "wildcard", count, masks);
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
	printf("%-9s %5u  %-14s %8.2f\n", masks ? "wildcard" : "exact", masks, what,
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
	printf("frames from port to port, %4u flows: %8.2f million/s\n", count,
	       FRAMES_SENT * 1000.0 / (double)ns);
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

	printf("  entries kind      masks   M look/s  linear M/s  bytes/entry\n");
	for (size_t i = 0; i < 3; i++)
		exact(exact_counts[i]);
	for (size_t i = 0; i < 4; i++) {
		for (size_t k = 0; k < 3; k++)
			wildcard(wildcard_counts[i], mask_counts[k], false);
		wildcard(wildcard_counts[i], 64, true);
	}
	printf("\nkind      masks  flow-mods      M flow-mods/s\n");
	flow_mods(0);
	flow_mods(1);
	flow_mods(64);
	printf("\n");
	frames(1);
	frames(1000);
	printf("(checksum %016lx)\n", (unsigned long)sum);
	return 0;
}
