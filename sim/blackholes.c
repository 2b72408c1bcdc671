/* Finding traffic that disappears. See blackholes.h.
 *
 * Flows stand in a table by their ends. Each knows the frames of its present row, three at most: the
 * first two and, as long as too little time lies between first and last, the latest. A ring by the
 * number of a frame's life tells which flow a frame belongs to that arrives or is lost; what has
 * arrived is taken out of it. */
#include "sim/blackholes.h"

#include <stdlib.h>
#include <string.h>

#include <flowbed/table.h>

#include "lib/base/xalloc.h"
#include "sim/ways.h"

enum {
	FRAMES_FIRST = 256,
	IP_PROTO_AT = 9,
	IP_SRC_AT = 12,
	IP_DST_AT = 16,
	TCP_FLAGS_AT = 13,
	FRAGMENT_OFFSET = 0x1fff,
};

struct ends {
	uint32_t host; /* that sends */
	uint32_t nw_src, nw_dst;
	uint16_t tp_src, tp_dst;
	uint32_t nw_proto;
};

struct row_frame {
	uint64_t tag;
	uint64_t sent_ns;
};

struct flow {
	struct ends ends; /* the key */
	uint64_t number;  /* of the flow, in the order in which they began */
	uint32_t to;      /* host; SCENARIO_NONE: none has these addresses */
	bool by_ip;       /* or any other with that IP address */
	uint8_t dl_dst[FB_MAC_BYTES];
	uint8_t count; /* of the row */
	bool told;     /* this row was */
	struct row_frame row[BLACKHOLES_ROW];
};

/* A frame that has not arrived. */
struct waiting {
	uint64_t tag; /* 0: none */
	uint64_t sent_ns;
	uint32_t flow; /* index in the table */
};

struct mac_entry {
	uint8_t mac[FB_MAC_BYTES];
	uint32_t host;
};

struct ip_entry {
	uint32_t ip;
	uint32_t host; /* the first in the order of the file */
};

struct blackholes {
	const struct scenario *scenario;
	struct blackholes_ops ops;
	struct network *network;
	struct ways *ways;
	struct fb_table *ips;
	uint32_t *latest;        /* by host: the flow that it sent last, as an index of the table */
	uint32_t *next_by_ip;    /* by host: the next with its IP address; SCENARIO_NONE: none */
	struct fb_table *macs;   /* of hosts */
	struct fb_table *flows;  /* struct flow, the oldest first */
	struct waiting *waiting; /* by tag */
	uint64_t waiting_size;   /* a power of two */
	uint64_t way_ns;         /* a frame is under way no longer */
	uint64_t not_before_ns;  /* the control connections have lasted long enough */
	uint64_t flows_begun, forgotten;
	bool begun; /* hosts have sent */
};

/* Of hosts with one address the first counts, and the others follow it. */
static void list_hosts(struct blackholes *b)
{
	const struct scenario_host *hosts = b->scenario->hosts;

	for (uint32_t i = (uint32_t)b->scenario->hosts_count; i--;) {
		struct mac_entry *mac = fb_table_find(b->macs, hosts[i].mac);
		struct ip_entry *ip = fb_table_find(b->ips, &hosts[i].ip);

		b->next_by_ip[i] = ip ? ip->host : SCENARIO_NONE;
		mac = mac ? mac : fb_table_add(b->macs, hosts[i].mac);
		ip = ip ? ip : fb_table_add(b->ips, &hosts[i].ip);
		if (!mac || !ip)
			xalloc_failed("addresses");
		mac->host = ip->host = i;
	}
}

struct blackholes *blackholes_new(const struct scenario *scenario, const struct blackholes_ops *ops)
{
	struct blackholes *b = xcalloc(1, sizeof *b);

	b->scenario = scenario;
	b->ops = *ops;
	b->ways = ways_new(scenario);
	b->way_ns = ways_time_max(scenario);
	b->macs = fb_table_new(FB_MAC_BYTES, sizeof(struct mac_entry), SCENARIO_HOSTS_MAX);
	b->ips = fb_table_new(sizeof(uint32_t), sizeof(struct ip_entry), SCENARIO_HOSTS_MAX);
	b->latest = xcalloc(scenario->hosts_count + 1, sizeof *b->latest);
	b->next_by_ip = xcalloc(scenario->hosts_count + 1, sizeof *b->next_by_ip);
	b->flows = fb_table_new(sizeof(struct ends), sizeof(struct flow), BLACKHOLES_FLOWS_MAX);
	if (!b->macs || !b->ips || !b->flows)
		xalloc_failed("flows");
	b->waiting_size = FRAMES_FIRST;
	b->waiting = xcalloc(FRAMES_FIRST, sizeof *b->waiting);
	list_hosts(b);
	return b;
}

void blackholes_free(struct blackholes *b)
{
	if (!b)
		return;
	ways_free(b->ways);
	fb_table_free(b->macs);
	fb_table_free(b->ips);
	free(b->next_by_ip);
	free(b->latest);
	fb_table_free(b->flows);
	free(b->waiting);
	free(b);
}

void blackholes_watch(struct blackholes *b, struct network *network)
{
	b->network = network;
}

uint64_t blackholes_forgotten(const struct blackholes *b)
{
	return b->forgotten;
}

/* --- Frames --- */

/* Read the ends of an IPv4 frame without a tag that 'host' sends; false: it is none, or it is not to
 * be judged. '*flags', those of TCP, else 0. */
static bool read_ends(const struct frame *frame, uint32_t host, struct ends *ends, uint8_t *flags)
{
	const uint8_t *data = frame->memory + frame->offset, *ip = data + FB_ETH_HEADER_BYTES, *l4;
	size_t header;

	*flags = 0;
	if (frame->len < FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES ||
	    fb_get16(data + 12) != FB_ETH_IPV4 || data[0] & 1)
		return false;
	header = (size_t)(ip[0] & 15) * 4;
	*ends = (struct ends){.host = host,
	                      .nw_src = fb_get32(ip + IP_SRC_AT),
	                      .nw_dst = fb_get32(ip + IP_DST_AT),
	                      .nw_proto = ip[IP_PROTO_AT]};
	l4 = ip + header;
	if (fb_get16(ip + 6) & FRAGMENT_OFFSET ||
	    frame->len < FB_ETH_HEADER_BYTES + header + FB_UDP_HEADER_BYTES)
		return true;
	if (ends->nw_proto == FB_IP_ICMP) {
		ends->tp_src = l4[0];
	} else if (ends->nw_proto == FB_IP_UDP || ends->nw_proto == FB_IP_TCP) {
		ends->tp_src = fb_get16(l4);
		ends->tp_dst = fb_get16(l4 + 2);
	}
	if (ends->nw_proto == FB_IP_TCP && frame->len > FB_ETH_HEADER_BYTES + header + TCP_FLAGS_AT)
		*flags = l4[TCP_FLAGS_AT];
	return true;
}

static struct waiting *waiting_at(const struct blackholes *b, uint64_t tag)
{
	return &b->waiting[tag & (b->waiting_size - 1)];
}

static void grow_waiting(struct blackholes *b)
{
	struct waiting *old = b->waiting;
	const uint64_t old_size = b->waiting_size;

	b->waiting_size *= 2;
	b->waiting = xcalloc(b->waiting_size, sizeof *b->waiting);
	for (uint64_t i = 0; i < old_size; i++)
		if (old[i].tag)
			*waiting_at(b, old[i].tag) = old[i];
	free(old);
}

static void begin_anew(struct flow *flow)
{
	if (!flow)
		return; /* it was forgotten */
	flow->count = 0;
	flow->told = false;
}

/* Wait for the frame's arrival. */
static void await(struct blackholes *b, struct flow *flow, uint64_t tag, uint64_t now_ns)
{
	struct waiting *waiting = waiting_at(b, tag);

	while (waiting->tag && now_ns - waiting->sent_ns <= b->way_ns &&
	       b->waiting_size < BLACKHOLES_FRAMES_MAX) {
		grow_waiting(b);
		waiting = waiting_at(b, tag);
	}
	if (waiting->tag && now_ns - waiting->sent_ns <= b->way_ns)
		begin_anew(fb_table_at(b->flows, waiting->flow));
	*waiting = (struct waiting){
	        .tag = tag, .sent_ns = now_ns, .flow = fb_table_index_of(b->flows, flow)};
}

/* --- Flows --- */

static struct flow *add_flow(struct blackholes *b, const struct ends *ends)
{
	struct flow *flow;

	if (fb_table_count(b->flows) == fb_table_limit(b->flows)) {
		fb_table_remove(b->flows, fb_table_oldest(b->flows));
		b->forgotten++;
	}
	flow = fb_table_add(b->flows, ends);
	if (!flow)
		xalloc_failed("flows");
	flow->number = b->flows_begun++;
	return flow;
}

static void turn_to(const struct blackholes *b, struct flow *flow, const uint8_t *dl_dst)
{
	const struct mac_entry *mac = fb_table_find(b->macs, dl_dst);
	const struct ip_entry *ip = mac ? NULL : fb_table_find(b->ips, &flow->ends.nw_dst);

	begin_anew(flow);
	flow->to = mac ? mac->host : ip ? ip->host : SCENARIO_NONE;
	flow->by_ip = ip != NULL;
	memcpy(flow->dl_dst, dl_dst, FB_MAC_BYTES);
}

/* The flow between 'ends', from now on to 'dl_dst'. What a host sends is often of the same as before. */
static struct flow *flow_of(struct blackholes *b, const struct ends *ends,
                            const uint8_t dl_dst[FB_MAC_BYTES])
{
	struct flow *flow = fb_table_at(b->flows, b->latest[ends->host]);

	if (!flow || memcmp(&flow->ends, ends, sizeof *ends)) {
		flow = fb_table_find(b->flows, ends);
		if (!flow) {
			flow = add_flow(b, ends);
			turn_to(b, flow, dl_dst);
		}
		b->latest[ends->host] = fb_table_index_of(b->flows, flow);
	}
	if (!fb_mac_equal(flow->dl_dst, dl_dst))
		turn_to(b, flow, dl_dst);
	return flow;
}

static bool is_row(const struct flow *flow)
{
	return flow->count == BLACKHOLES_ROW &&
	       flow->row[BLACKHOLES_ROW - 1].sent_ns - flow->row[0].sent_ns >= BLACKHOLES_SPAN_NS;
}

/* Somebody is there who should get the flow; with 'by_way' it also has a way to get there, as ways_look()
 * saw it. SCENARIO_NONE: nobody. */
static uint32_t find_target(const struct blackholes *b, const struct flow *flow, bool by_way)
{
	uint32_t to = flow->to;

	while (to != SCENARIO_NONE && (by_way ? !ways_join(b->ways, b->network, flow->ends.host, to)
	                                      : !network_host_is_reachable(b->network, to)))
		to = flow->by_ip ? b->next_by_ip[to] : SCENARIO_NONE;
	return to;
}

/* All of the row were sent since 'since_ns', and there is a way. */
static bool is_hole(const struct blackholes *b, const struct flow *flow, uint64_t since_ns)
{
	return is_row(flow) && !flow->told && flow->row[0].sent_ns >= since_ns &&
	       find_target(b, flow, true) != SCENARIO_NONE;
}

/* More time has passed than a frame of the row can be under way. */
static bool is_over(const struct blackholes *b, const struct flow *flow, uint64_t now_ns)
{
	return is_row(flow) && !flow->told &&
	       now_ns - flow->row[BLACKHOLES_ROW - 1].sent_ns > b->way_ns;
}

static void tell(struct blackholes *b, struct flow *flow)
{
	const struct blackhole hole = {.from = flow->ends.host,
	                               .to = find_target(b, flow, true),
	                               .nw_src = flow->ends.nw_src,
	                               .nw_dst = flow->ends.nw_dst,
	                               .tp_src = flow->ends.tp_src,
	                               .tp_dst = flow->ends.tp_dst,
	                               .nw_proto = (uint8_t)flow->ends.nw_proto,
	                               .first_ns = flow->row[0].sent_ns,
	                               .last_ns = flow->row[BLACKHOLES_ROW - 1].sent_ns};

	flow->told = true;
	b->ops.found(b->ops.ctx, &hole);
}

static uint64_t judged_since(const struct blackholes *b)
{
	const uint64_t converged_ns = b->ops.converged_at(b->ops.ctx);

	return converged_ns > b->not_before_ns ? converged_ns : b->not_before_ns;
}

static void append(struct flow *flow, uint64_t tag, uint64_t now_ns)
{
	if (flow->count < BLACKHOLES_ROW)
		flow->row[flow->count++] = (struct row_frame){.tag = tag, .sent_ns = now_ns};
	else if (!is_row(flow))
		flow->row[BLACKHOLES_ROW - 1] = (struct row_frame){.tag = tag, .sent_ns = now_ns};
}

/* Who opened the connection that a segment between these ends is of still has it. */
static bool is_waited_for(const struct blackholes *b, const struct ends *ends)
{
	const struct ip_entry *ip = fb_table_find(b->ips, &ends->nw_dst);
	uint32_t host = ip ? ip->host : SCENARIO_NONE;

	if (ends->nw_proto != FB_IP_TCP ||
	    !host_connections_has_passive(network_host(b->network, ends->host), ends->nw_dst,
	                                  ends->tp_dst, ends->tp_src))
		return true;
	while (host != SCENARIO_NONE &&
	       !host_connections_has(network_host(b->network, host), ends->nw_src, ends->tp_src,
	                             ends->tp_dst))
		host = b->next_by_ip[host];
	return host != SCENARIO_NONE;
}

/* What 'flow' sent has not arrived for a while: it is worth looking at more closely. */
static bool is_overdue(const struct flow *flow, uint64_t now_ns)
{
	return flow->count && now_ns - flow->row[0].sent_ns >= BLACKHOLES_SPAN_NS / 10;
}

/* 'flow' is about to send one more: tell what has become of its row, or let it begin anew. */
static void review(struct blackholes *b, struct flow *flow, uint64_t since_ns, uint64_t now_ns)
{
	if (find_target(b, flow, false) == SCENARIO_NONE ||
	    (flow->count && flow->row[0].sent_ns < since_ns)) {
		begin_anew(flow);
		return;
	}
	if (is_over(b, flow, now_ns)) {
		ways_look(b->ways, b->network);
		if (is_hole(b, flow, since_ns))
			tell(b, flow);
	}
	if (is_overdue(flow, now_ns) && !is_waited_for(b, &flow->ends))
		begin_anew(flow);
}

void blackholes_sent(struct blackholes *b, uint32_t host, const struct frame *frame,
                     uint64_t now_ns)
{
	const uint8_t *dl_dst = frame->memory + frame->offset;
	uint64_t since_ns;
	struct ends ends;
	struct flow *flow;
	uint8_t flags;

	b->begun = true;
	if (!network_controller_is_up(b->network) || !read_ends(frame, host, &ends, &flags) ||
	    flags & FB_TCP_RST)
		return;
	since_ns = judged_since(b);
	if (now_ns < since_ns)
		return;
	flow = flow_of(b, &ends, dl_dst);
	if (flow->to == SCENARIO_NONE)
		return;
	review(b, flow, since_ns, now_ns);
	append(flow, frame->tag, now_ns);
	await(b, flow, frame->tag, now_ns);
}

/* The frame with that tag is not waited for any more: its flow; NULL: it was not. */
static struct flow *take(struct blackholes *b, uint64_t tag)
{
	struct waiting *waiting = waiting_at(b, tag);

	if (!tag || waiting->tag != tag)
		return NULL;
	waiting->tag = 0;
	return fb_table_at(b->flows, waiting->flow);
}

/* Most that hosts get: TCP without IP options and without RST. */
static bool is_ordinary_segment(const struct frame *frame)
{
	enum { FIRST_BYTE = 0x45, L4_AT = FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES };
	const uint8_t *data = frame->memory + frame->offset;

	return frame->len >= L4_AT + FB_TCP_HEADER_BYTES && fb_get16(data + 12) == FB_ETH_IPV4 &&
	       data[FB_ETH_HEADER_BYTES] == FIRST_BYTE &&
	       data[FB_ETH_HEADER_BYTES + IP_PROTO_AT] == FB_IP_TCP &&
	       !(data[L4_AT + TCP_FLAGS_AT] & FB_TCP_RST);
}

/* Of the flow 'of' and the one that comes back, which 'sender' (SCENARIO_NONE: nobody knows) sends, the first is the
 * one that asks. */
static bool asks(const struct blackholes *b, const struct flow *of, uint32_t sender)
{
	const struct ends back = {.host = sender,
	                          .nw_src = of->ends.nw_dst,
	                          .nw_dst = of->ends.nw_src,
	                          .tp_src = of->ends.tp_dst,
	                          .tp_dst = of->ends.tp_src,
	                          .nw_proto = of->ends.nw_proto};
	const struct flow *answers = sender == SCENARIO_NONE ? NULL : fb_table_find(b->flows, &back);

	return !answers || of->number < answers->number;
}

/* What 'host' gets, or would get if no link had lost it, tells that a flow of its own does not go on, or is
 * answered: that begins anew. */
static void answered(struct blackholes *b, uint32_t host, uint32_t sender,
                     const struct frame *frame)
{
	struct ends ends, of;
	struct flow *flow;
	uint8_t flags;

	if (is_ordinary_segment(frame) || !read_ends(frame, host, &ends, &flags) ||
	    (ends.nw_proto == FB_IP_TCP && !(flags & FB_TCP_RST)) ||
	    (ends.nw_proto == FB_IP_ICMP && ends.tp_src != FB_ICMP_ECHO_REPLY))
		return;
	of = (struct ends){.host = host,
	                   .nw_src = ends.nw_dst,
	                   .nw_dst = ends.nw_src,
	                   .tp_src = ends.tp_dst,
	                   .tp_dst = ends.tp_src,
	                   .nw_proto = ends.nw_proto};
	if (ends.nw_proto == FB_IP_ICMP)
		of.tp_src = FB_ICMP_ECHO_REQUEST;
	flow = fb_table_find(b->flows, &of);
	if (flow && (ends.nw_proto != FB_IP_UDP || asks(b, flow, sender)))
		begin_anew(flow);
}

void blackholes_got(struct blackholes *b, uint32_t host, uint32_t sender, const struct frame *frame)
{
	answered(b, host, sender, frame);
	if (!fb_mac_equal(frame->memory + frame->offset, b->scenario->hosts[host].mac))
		return;
	begin_anew(take(b, frame->tag));
}

/* A segment with RST that a link lost has refused what it answers, whoever sent it. */
static void refused(struct blackholes *b, const struct frame *frame)
{
	const struct ip_entry *ip;
	struct ends ends;
	uint8_t flags;

	if (is_ordinary_segment(frame) || !read_ends(frame, SCENARIO_NONE, &ends, &flags) ||
	    ends.nw_proto != FB_IP_TCP)
		return;
	ip = fb_table_find(b->ips, &ends.nw_dst);
	for (uint32_t host = ip ? ip->host : SCENARIO_NONE; host != SCENARIO_NONE;
	     host = b->next_by_ip[host])
		answered(b, host, SCENARIO_NONE, frame);
}

void blackholes_lost(struct blackholes *b, const struct frame *frame)
{
	struct flow *flow = take(b, frame->tag);
	unsigned i = 0;

	refused(b, frame);
	if (!flow)
		return;
	while (i < flow->count && flow->row[i].tag != frame->tag)
		i++;
	if (i == flow->count)
		return;
	flow->count--;
	memmove(&flow->row[i], &flow->row[i + 1], (flow->count - i) * sizeof flow->row[0]);
}

void blackholes_reconnected(struct blackholes *b, uint64_t now_ns)
{
	if (!b->begun)
		return;
	b->not_before_ns = fb_time_after(now_ns, b->scenario->faults.converge_ns);
}

void blackholes_judge_end(struct blackholes *b, uint64_t now_ns)
{
	const uint64_t since_ns = judged_since(b);

	if (now_ns < since_ns)
		return;
	ways_look(b->ways, b->network);
	for (struct flow *flow = fb_table_oldest(b->flows); flow;
	     flow = fb_table_newer(b->flows, flow))
		if (is_hole(b, flow, since_ns))
			tell(b, flow);
}
