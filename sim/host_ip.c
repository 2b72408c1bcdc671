/* IPv4 of a host: the next hop, fragments out and in, and packets to ourselves.
 *
 * Packets that are put together are bounded: DATAGRAMS_MAX at a time (the oldest gives way), each
 * of at most what an Ethernet frame of 65,535 bytes holds and in at most RANGES_MAX pieces with
 * gaps between them, for 30 s. Fragments that overlap end the packet, as in Linux; a piece that is
 * there already is ignored. */
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "sim/host_core.h"

enum {
	DATAGRAMS_MAX = 64,
	RANGES_MAX = 64,
	FRAGMENT_BYTES_MAX = (HOST_MTU_BYTES - FB_IPV4_HEADER_BYTES) / 8 * 8,
	QUOTE_BYTES_MAX = 548, /* of the first fragment, for the ICMP error */
	ICMP_REASSEMBLY_TIME = 1,
};

#define REASSEMBLY_NS (30 * FB_NS_PER_S)
#define LOOP_NS       (10 * FB_NS_PER_US) /* that a packet to ourselves takes */

/* Bytes [start, end) of a packet have come. */
struct range {
	uint32_t start, end;
};

/* A packet that is being put together. */
struct host_datagram {
	TAILQ_ENTRY(host_datagram) link;
	uint32_t src, dst; /* these, the identification and the protocol tell packets apart */
	uint16_t id;
	uint8_t nw_proto, nw_tos, nw_ttl;
	uint8_t dl_src[FB_MAC_BYTES];
	uint64_t expires_ns;
	uint32_t total; /* bytes of the whole; 0: the last fragment has not come */
	uint32_t room;  /* bytes at 'bytes' */
	uint8_t *bytes;
	unsigned range_count;
	struct range ranges[RANGES_MAX]; /* sorted, with gaps between them */
	uint8_t quote[QUOTE_BYTES_MAX]; /* the first fragment's Ethernet frame, cut; quote_len 0: it
	                                   has not come */
	uint32_t quote_len;
};

static void loop_fire(struct host *host, struct host_timer *timer);
static void reassembly_fire(struct host *host, struct host_timer *timer);

void host_ip_init(struct host *host)
{
	struct rng rng;

	host_rng_init(host, &rng, "ip");
	host->ip.next_id = (uint16_t)rng_next(&rng);
	TAILQ_INIT(&host->ip.datagrams);
	host->ip.reassembly_timer.fire = reassembly_fire;
	host->ip.loop_timer.fire = loop_fire;
}

struct fb_eth_spec host_ip_eth(const struct host *host)
{
	struct fb_eth_spec eth = {.has_vlan = false};

	memcpy(eth.dl_src, host->config.mac, FB_MAC_BYTES);
	return eth;
}

/* --- Out --- */

/* A packet to ourselves never leaves: it comes in a moment later. */
static void loop_output(struct host *host, struct frame *frame)
{
	struct host_ip *ip = &host->ip;

	if (!ip->loop)
		ip->loop = xcalloc(HOST_LOOP_FRAMES_MAX, sizeof(struct frame *));
	if (ip->loop_count == HOST_LOOP_FRAMES_MAX) {
		frame_unref(frame);
		return;
	}
	memcpy(frame_data(frame), host->config.mac, FB_MAC_BYTES);
	ip->loop[(ip->loop_head + ip->loop_count++) % HOST_LOOP_FRAMES_MAX] = frame;
	if (!heap_contains(&ip->loop_timer.node))
		host_timer_set(host, &ip->loop_timer, host->now_ns + LOOP_NS);
}

static struct frame *loop_take(struct host_ip *ip)
{
	struct frame *frame = ip->loop[ip->loop_head];

	ip->loop_head = (ip->loop_head + 1) % HOST_LOOP_FRAMES_MAX;
	ip->loop_count--;
	return frame;
}

static void loop_fire(struct host *host, struct host_timer *timer)
{
	struct fb_packet packet;

	for (uint32_t count = host->ip.loop_count; count && host->ip.loop_count; count--) {
		struct frame *frame = loop_take(&host->ip);

		fb_packet_parse(&packet, frame_data(frame), frame->len);
		/* The address may be another by now. */
		if (packet.nw_dst != host->config.ip)
			;
		else if (packet.more_fragments || packet.frag_offset)
			host_ip_fragment(host, &packet);
		else
			host_input_l4(host, &packet, frame);
		frame_unref(frame);
	}
	if (host->ip.loop_count && !heap_contains(&timer->node))
		host_timer_set(host, timer, host->now_ns + LOOP_NS);
}

void host_ip_output(struct host *host, uint32_t dst, struct frame *frame)
{
	uint32_t next_hop = host_ip_next_hop(host, dst);

	if (dst == host->config.ip)
		loop_output(host, frame);
	else if (next_hop)
		host_arp_output(host, next_hop, frame);
	else
		frame_unref(frame);
}

void host_ip_send(struct host *host, uint32_t dst, uint8_t nw_proto, uint8_t tos,
                  bool dont_fragment, const void *l4, size_t len)
{
	struct fb_eth_spec eth = host_ip_eth(host);
	struct fb_ipv4_spec spec = {.nw_src = host->config.ip,
	                            .nw_dst = dst,
	                            .nw_tos = tos,
	                            .ip_id = host->ip.next_id++};
	size_t offset = 0;

	spec.dont_fragment = dont_fragment && len <= HOST_MTU_BYTES - FB_IPV4_HEADER_BYTES;
	do {
		size_t part = len - offset;
		struct frame *frame;
		struct fb_buf out;

		spec.more_fragments = part > HOST_MTU_BYTES - FB_IPV4_HEADER_BYTES;
		if (spec.more_fragments)
			part = FRAGMENT_BYTES_MAX;
		spec.frag_offset = (uint16_t)offset;
		frame = frame_new(host->pool, FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES + part);
		out = fb_buf_make(frame_data(frame), frame->len);
		fb_build_ipv4(&out, &eth, &spec, nw_proto, (const uint8_t *)l4 + offset, part);
		host_ip_output(host, dst, frame);
		offset += part;
	} while (offset < len);
}

/* --- Fragments in --- */

static void datagram_free(struct host *host, struct host_datagram *d)
{
	TAILQ_REMOVE(&host->ip.datagrams, d, link);
	host->ip.datagram_count--;
	free(d->bytes);
	free(d);
}

void host_ip_reset(struct host *host)
{
	while (!TAILQ_EMPTY(&host->ip.datagrams))
		datagram_free(host, TAILQ_FIRST(&host->ip.datagrams));
	host_timer_cancel(host, &host->ip.reassembly_timer);
	while (host->ip.loop_count)
		frame_unref(loop_take(&host->ip));
	free(host->ip.loop);
	host->ip.loop = NULL;
	host->ip.loop_head = 0;
	host_timer_cancel(host, &host->ip.loop_timer);
}

/* The oldest ones have had their time. If the first fragment came, the sender is told (RFC 792). */
static void reassembly_fire(struct host *host, struct host_timer *timer)
{
	struct host_datagram *d;
	struct fb_packet packet;

	while ((d = TAILQ_FIRST(&host->ip.datagrams)) && d->expires_ns <= host->now_ns) {
		host->counters.reassembly_failed++;
		if (d->quote_len && fb_packet_parse(&packet, d->quote, d->quote_len) == 0)
			host_icmp_error(host, &packet, FB_ICMP_TIME_EXCEEDED, ICMP_REASSEMBLY_TIME);
		datagram_free(host, d);
	}
	if (d)
		host_timer_set(host, timer, d->expires_ns);
}

static struct host_datagram *datagram_find(struct host *host, const struct fb_packet *packet)
{
	struct host_datagram *d;

	TAILQ_FOREACH(d, &host->ip.datagrams, link)
	{
		if (d->src == packet->nw_src && d->dst == packet->nw_dst &&
		    d->id == packet->ip_id &&
		    d->nw_proto == packet->nw_proto)
			return d;
	}
	return NULL;
}

static struct host_datagram *datagram_add(struct host *host, const struct fb_packet *packet)
{
	struct host_datagram *d;

	if (host->ip.datagram_count == DATAGRAMS_MAX) {
		host->counters.reassembly_failed++;
		datagram_free(host, TAILQ_FIRST(&host->ip.datagrams));
	}
	d = xcalloc(1, sizeof *d);
	d->src = packet->nw_src;
	d->dst = packet->nw_dst;
	d->id = packet->ip_id;
	d->nw_proto = packet->nw_proto;
	d->nw_tos = packet->nw_tos;
	d->nw_ttl = packet->nw_ttl;
	memcpy(d->dl_src, packet->dl_src, FB_MAC_BYTES);
	d->expires_ns = host->now_ns + REASSEMBLY_NS;
	TAILQ_INSERT_TAIL(&host->ip.datagrams, d, link);
	host->ip.datagram_count++;
	if (!heap_contains(&host->ip.reassembly_timer.node))
		host_timer_set(host, &host->ip.reassembly_timer, d->expires_ns);
	return d;
}

enum range_result { RANGE_NEW, RANGE_KNOWN, RANGE_BAD };

/* Note that [start, end) came. */
static enum range_result range_add(struct host_datagram *d, uint32_t start, uint32_t end)
{
	unsigned at = 0;
	struct range *r;

	while (at < d->range_count && d->ranges[at].end < start)
		at++;
	r = &d->ranges[at];
	if (at < d->range_count && r->start <= start && end <= r->end)
		return RANGE_KNOWN;
	if (at < d->range_count && r->end == start) {
		if (at + 1 < d->range_count && r[1].start < end)
			return RANGE_BAD;
		r->end = end;
	} else {
		if ((at < d->range_count && r->start < end) || d->range_count == RANGES_MAX)
			return RANGE_BAD;
		memmove(r + 1, r, (d->range_count - at) * sizeof *r);
		*r = (struct range){start, end};
		d->range_count++;
	}
	if (at + 1 < d->range_count && r[1].start == r->end) {
		r->end = r[1].end;
		d->range_count--;
		memmove(r + 1, r + 2, (d->range_count - at - 1) * sizeof *r);
	}
	return RANGE_NEW;
}

static void bytes_put(struct host_datagram *d, uint32_t offset, const uint8_t *bytes, uint32_t len)
{
	if (offset + len > d->room) {
		uint32_t room = d->room ? d->room : 2048;

		while (room < offset + len)
			room *= 2;
		d->bytes = xrealloc(d->bytes, room);
		d->room = room;
	}
	memcpy(d->bytes + offset, bytes, len);
}

static void quote_keep(struct host_datagram *d, const struct fb_packet *packet)
{
	uint32_t len = packet->l4_ofs + packet->l4_len;

	d->quote_len = len < QUOTE_BYTES_MAX ? len : QUOTE_BYTES_MAX;
	memcpy(d->quote, packet->data, d->quote_len);
}

/* All is there: build the packet that was cut, and handle it. */
static void datagram_complete(struct host *host, struct host_datagram *d)
{
	size_t len = FB_ETH_HEADER_BYTES + FB_IPV4_HEADER_BYTES + d->total;
	struct frame *frame = frame_new(host->pool, len);
	struct fb_buf out = fb_buf_make(frame_data(frame), len);
	struct fb_eth_spec eth = host_ip_eth(host);
	struct fb_ipv4_spec spec = {.nw_src = d->src,
	                            .nw_dst = d->dst,
	                            .nw_tos = d->nw_tos,
	                            .nw_ttl = d->nw_ttl,
	                            .ip_id = d->id};
	struct fb_packet packet;

	memcpy(eth.dl_dst, host->config.mac, FB_MAC_BYTES);
	memcpy(eth.dl_src, d->dl_src, FB_MAC_BYTES);
	fb_build_ipv4(&out, &eth, &spec, d->nw_proto, d->bytes, d->total);
	datagram_free(host, d);
	fb_packet_parse(&packet, frame_data(frame), frame->len);
	if (fb_packet_checksums_ok(&packet))
		host_input_l4(host, &packet, frame);
	else
		host->counters.checksum_errors++;
	frame_unref(frame);
}

/* Whether the fragment's length and place can be, alone and beside what has come. */
static bool fragment_is_sound(const struct host_datagram *d, const struct fb_packet *packet,
                              uint32_t end)
{
	if (packet->l4_len == 0 || end > HOST_DATAGRAM_BYTES_MAX)
		return false;
	if (packet->more_fragments)
		return packet->l4_len % 8 == 0 && (!d->total || end <= d->total);
	if (d->total)
		return end == d->total;
	return !d->range_count || d->ranges[d->range_count - 1].end <= end;
}

void host_ip_fragment(struct host *host, const struct fb_packet *packet)
{
	struct host_datagram *d = datagram_find(host, packet);
	uint32_t end = (uint32_t)packet->frag_offset + packet->l4_len;
	enum range_result result;

	if (packet->l4_ofs + packet->l4_len < packet->l3_ofs + (uint32_t)packet->ip_total_len)
		return;
	if (!d)
		d = datagram_add(host, packet);
	result = fragment_is_sound(d, packet, end) ? range_add(d, packet->frag_offset, end)
	                                           : RANGE_BAD;
	if (result == RANGE_BAD) {
		host->counters.reassembly_failed++;
		datagram_free(host, d);
		return;
	}
	if (result == RANGE_KNOWN)
		return;
	bytes_put(d, packet->frag_offset, packet->data + packet->l4_ofs, packet->l4_len);
	if (!packet->more_fragments)
		d->total = end;
	if (!packet->frag_offset)
		quote_keep(d, packet);
	if (d->total && d->range_count == 1 && d->ranges[0].start == 0 &&
	    d->ranges[0].end == d->total)
		datagram_complete(host, d);
}
