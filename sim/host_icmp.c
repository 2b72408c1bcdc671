/* ICMP of a host: echo replies, errors in both directions, and the scenario's pings.
 *
 * A ping ends when all its requests are answered, or 'timeout_ns' after the last was sent. It looks
 * at the identifier, the sequence number and the payload of a reply. */
#include <stdlib.h>

#include "lib/base/xalloc.h"
#include "sim/host_core.h"
#include "sim/tcp.h"

enum {
	ERROR_QUOTE_BYTES_MAX =
	        548, /* an ICMP error has at most 576 bytes (RFC 1812, section 4.3.2.3) */
	CODE_FRAGMENTATION_NEEDED = 4,
	PINGS_MAX = 65536,
	REMEMBERED_MAX = 65536, /* requests of a ping: sequence numbers repeat after these */
	PAYLOAD_BYTES_MAX = HOST_DATAGRAM_BYTES_MAX - FB_ICMP_HEADER_BYTES,
};

struct ping_request {
	struct host_request base; /* its timer: the end of the wait for the last reply */
	struct host_timer next;   /* the next request */
	struct host_ping_request ask;
	uint16_t id;
	unsigned sent;
	struct remembered {
		uint64_t sent_ns; /* and 1: 0 is "never" */
		uint16_t seq;
		bool answered;
	} * remembered; /* by sequence number, modulo 'remembered_count' */
	unsigned remembered_count;
};

struct entry {
	uint16_t id;
	struct ping_request *ping;
};

void host_icmp_init(struct host *host)
{
	struct rng rng;

	host_rng_init(host, &rng, "icmp");
	host->icmp.next_id = (uint16_t)rng_next(&rng);
	host->icmp.pings = fb_table_new(sizeof(uint16_t), sizeof(struct entry), PINGS_MAX);
	if (!host->icmp.pings)
		abort();
}

void host_icmp_destroy(struct host *host)
{
	fb_table_free(host->icmp.pings);
}

/* The payload of echo requests: the byte's place, as ping has it. */
static void payload_fill(uint8_t *payload, size_t len)
{
	for (size_t i = 0; i < len; i++)
		payload[i] = (uint8_t)i;
}

static bool payload_is_right(const uint8_t *payload, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (payload[i] != (uint8_t)i)
			return false;
	}
	return true;
}

/* Send an ICMP message; l4_len bytes at 'l4' with room for the header in front, whose checksum is
 * set here. */
static void send_icmp(struct host *host, uint32_t dst, uint8_t tos, bool dont_fragment, uint8_t *l4,
                      size_t l4_len)
{
	fb_set16(l4 + 2, 0);
	fb_set16(l4 + 2, fb_checksum_finish(fb_checksum_add(0, l4, l4_len)));
	host_ip_send(host, dst, FB_IP_ICMP, tos, dont_fragment, l4, l4_len);
}

void host_icmp_error(struct host *host, const struct fb_packet *packet, uint8_t type, uint8_t code)
{
	uint8_t l4[FB_ICMP_HEADER_BYTES + ERROR_QUOTE_BYTES_MAX] = {type, code};
	size_t quote = packet->l4_ofs - packet->l3_ofs + packet->l4_len;

	/* Never about a broadcast or an ICMP error (RFC 1122, section 3.2.2). */
	if (fb_mac_is_multicast(packet->dl_dst) ||
	    (packet->is_icmp && packet->tp_src != FB_ICMP_ECHO_REQUEST &&
	     packet->tp_src != FB_ICMP_ECHO_REPLY))
		return;
	if (quote > ERROR_QUOTE_BYTES_MAX)
		quote = ERROR_QUOTE_BYTES_MAX;
	memcpy(l4 + FB_ICMP_HEADER_BYTES, packet->data + packet->l3_ofs, quote);
	send_icmp(host, packet->nw_src, 0, false, l4, FB_ICMP_HEADER_BYTES + quote);
}

static void input_echo_request(struct host *host, const struct fb_packet *packet)
{
	uint8_t *l4;

	host->counters.icmp_echo_requests_in++;
	l4 = xmalloc(packet->l4_len);
	memcpy(l4, packet->data + packet->l4_ofs, packet->l4_len);
	l4[0] = FB_ICMP_ECHO_REPLY;
	send_icmp(host, packet->nw_src, packet->nw_tos, false, l4, packet->l4_len);
	free(l4);
}

static void input_echo_reply(struct host *host, const struct fb_packet *packet)
{
	const struct entry *entry = fb_table_find(host->icmp.pings, &packet->icmp_id);
	struct ping_request *ping;
	struct remembered *r;
	uint64_t rtt_ns;

	host->counters.icmp_echo_replies_in++;
	if (!entry || entry->ping->ask.ip != packet->nw_src)
		return;
	ping = entry->ping;
	r = &ping->remembered[packet->icmp_seq % ping->remembered_count];
	if (!r->sent_ns || r->seq != packet->icmp_seq)
		return;
	if (r->answered) {
		ping->base.result.duplicates++;
		return;
	}
	r->answered = true;
	rtt_ns = host->now_ns + 1 - r->sent_ns;
	if (!ping->base.result.answered || rtt_ns < ping->base.result.rtt_min_ns)
		ping->base.result.rtt_min_ns = rtt_ns;
	if (rtt_ns > ping->base.result.rtt_max_ns)
		ping->base.result.rtt_max_ns = rtt_ns;
	ping->base.result.answered++;
	ping->base.result.received_bytes += packet->payload_len;
	memcpy(ping->base.result.answer_mac, packet->dl_src, FB_MAC_BYTES);
	if (packet->payload_len != ping->ask.payload_bytes ||
	    !payload_is_right(packet->data + packet->payload_ofs, packet->payload_len))
		ping->base.result.intact = false;
	if (ping->base.result.answered == ping->ask.count)
		host_request_finish(host, &ping->base, HOST_OK);
}

/* Somebody tells of a datagram of ours that did not arrive; the quote begins with its IP header. */
static void input_error(struct host *host, const struct fb_packet *packet)
{
	enum { IP_PROTO_OFS = 9, IP_DST_OFS = 16, PORTS_BYTES = 8, NEXT_MTU_OFS = 6 };
	const uint8_t *quote = packet->data + packet->payload_ofs;
	const uint8_t *l4;
	size_t header_len;
	uint32_t dst;

	if (packet->payload_len < FB_IPV4_HEADER_BYTES)
		return;
	header_len = (size_t)(quote[0] & 0x0f) * 4;
	if (header_len < FB_IPV4_HEADER_BYTES || packet->payload_len < header_len + PORTS_BYTES)
		return;
	l4 = quote + header_len;
	dst = fb_get32(quote + IP_DST_OFS);
	if (quote[IP_PROTO_OFS] == FB_IP_UDP && packet->tp_src == FB_ICMP_UNREACHABLE)
		host_udp_icmp(host, (uint8_t)packet->tp_dst, dst, fb_get16(l4), fb_get16(l4 + 2));
	if (quote[IP_PROTO_OFS] == FB_IP_TCP && packet->tp_src == FB_ICMP_UNREACHABLE)
		tcp_icmp(host, dst, fb_get16(l4), fb_get16(l4 + 2), fb_get32(l4 + 4),
		         packet->tp_dst == CODE_FRAGMENTATION_NEEDED
		                 ? fb_get16(packet->data + packet->l4_ofs + NEXT_MTU_OFS)
		                 : 0);
}

void host_icmp_input(struct host *host, const struct fb_packet *packet)
{
	if (packet->tp_src == FB_ICMP_ECHO_REQUEST)
		input_echo_request(host, packet);
	else if (packet->tp_src == FB_ICMP_ECHO_REPLY)
		input_echo_reply(host, packet);
	else if (packet->tp_src == FB_ICMP_UNREACHABLE || packet->tp_src == FB_ICMP_TIME_EXCEEDED)
		input_error(host, packet);
}

/* --- Pings of a scenario --- */

static void ping_stop(struct host *host, struct host_request *request)
{
	struct ping_request *ping = HOST_OWNER(request, struct ping_request, base);
	void *entry = fb_table_find(host->icmp.pings, &ping->id);

	request->result.lost = ping->sent - request->result.answered;
	host_timer_cancel(host, &ping->next);
	free(ping->remembered);
	ping->remembered = NULL;
	if (entry && ((struct entry *)entry)->ping == ping)
		fb_table_remove(host->icmp.pings, entry);
}

/* The last reply did not come. */
static void ping_timeout(struct host *host, struct host_timer *timer)
{
	struct ping_request *ping = HOST_OWNER(timer, struct ping_request, base.timer);
	bool nobody = host_arp_is_unresolved(host, host_ip_next_hop(host, ping->ask.ip));

	if (ping->base.result.answered)
		host_request_finish(host, &ping->base, HOST_OK);
	else
		host_request_finish(host, &ping->base, nobody ? HOST_UNREACHABLE : HOST_TIMEOUT);
}

static void ping_send(struct host *host, struct host_timer *timer)
{
	struct ping_request *ping = HOST_OWNER(timer, struct ping_request, next);
	size_t len = FB_ICMP_HEADER_BYTES + ping->ask.payload_bytes;
	uint8_t *l4 = xmalloc(len);
	unsigned seq = ping->sent + 1;

	l4[0] = FB_ICMP_ECHO_REQUEST;
	l4[1] = 0;
	fb_set16(l4 + 4, ping->id);
	fb_set16(l4 + 6, (uint16_t)seq);
	payload_fill(l4 + FB_ICMP_HEADER_BYTES, ping->ask.payload_bytes);
	ping->remembered[(uint16_t)seq % ping->remembered_count] =
	        (struct remembered){.sent_ns = host->now_ns + 1, .seq = (uint16_t)seq};
	ping->sent = seq;
	ping->base.result.sent_bytes += ping->ask.payload_bytes;
	if (ping->sent < ping->ask.count)
		host_timer_set(host, &ping->next, host->now_ns + ping->ask.interval_ns);
	else
		host_timer_set(host, &ping->base.timer, host->now_ns + ping->ask.timeout_ns);
	send_icmp(host, ping->ask.ip, 0, true, l4, len);
	free(l4);
}

/* Give 'ping' an identifier that no other has; false where there is none. */
static bool ping_enter(struct host *host, struct ping_request *ping)
{
	struct entry *entry;

	if (fb_table_count(host->icmp.pings) == PINGS_MAX)
		return false;
	do {
		ping->id = host->icmp.next_id++;
	} while (fb_table_find(host->icmp.pings, &ping->id));
	entry = fb_table_add(host->icmp.pings, &ping->id);
	if (!entry)
		abort();
	entry->ping = ping;
	return true;
}

void host_ping(struct host *host, const struct host_ping_request *request, uint64_t now_ns,
               host_done_fn *done, void *ctx)
{
	struct ping_request *ping = xcalloc(1, sizeof *ping);

	host->now_ns = now_ns;
	ping->ask = *request;
	if (!ping->ask.count)
		ping->ask.count = 1;
	if (!ping->ask.interval_ns)
		ping->ask.interval_ns = FB_NS_PER_S;
	if (!ping->ask.timeout_ns)
		ping->ask.timeout_ns = FB_NS_PER_S;
	if (ping->ask.payload_bytes > PAYLOAD_BYTES_MAX)
		ping->ask.payload_bytes = PAYLOAD_BYTES_MAX;
	ping->base.stop = ping_stop;
	ping->base.timer.fire = ping_timeout;
	ping->next.fire = ping_send;
	ping->remembered_count =
	        ping->ask.count < REMEMBERED_MAX ? ping->ask.count : REMEMBERED_MAX;
	ping->remembered = xcalloc(ping->remembered_count, sizeof *ping->remembered);
	host_request_start(host, &ping->base, done, ctx);
	if (!host->power)
		host_request_finish(host, &ping->base, HOST_ABORTED);
	else if (!ping_enter(host, ping))
		host_request_finish(host, &ping->base, HOST_NO_RESOURCES);
	else if (ping->ask.ip != host->config.ip && !host_ip_next_hop(host, ping->ask.ip))
		host_request_finish(host, &ping->base, HOST_UNREACHABLE);
	else
		ping_send(host, &ping->next);
}

/* Whether 'ping' goes by way of the neighbour 'next_hop'. */
static bool goes_by(const struct host *host, const struct ping_request *ping, uint32_t next_hop)
{
	return host_ip_next_hop(host, ping->ask.ip) == next_hop;
}

void host_icmp_unreachable(struct host *host, uint32_t next_hop)
{
	struct entry *entry, *newer;

	for (entry = fb_table_oldest(host->icmp.pings); entry; entry = newer) {
		struct ping_request *ping = entry->ping;

		newer = fb_table_newer(host->icmp.pings, entry);
		if (!goes_by(host, ping, next_hop))
			continue;
		if (ping->sent == ping->ask.count && !ping->base.result.answered)
			host_request_finish(host, &ping->base, HOST_UNREACHABLE);
	}
}
