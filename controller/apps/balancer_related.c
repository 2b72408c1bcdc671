/* Later fragments and ICMP errors: no flow entry can see to which session they belong.
 *
 * Fragments after the first have no ports; they follow (source, destination, protocol, IP id) in a
 * table that the first fragment fills, bounded (the oldest gives way), each entry good for 30 s, as
 * long as a host keeps what it reassembles. Where the first fragment went by a flow entry, or has
 * not come yet, they go to the one owner that can be meant: the only one of the address, or the one
 * that the frame names; else they are dropped.
 *
 * An ICMP error carries the header of the packet that caused it and 8 bytes more: the ports of a
 * TCP segment or UDP datagram. It goes to whichever end of the session sent that segment. */
#include "controller/apps/balancer_related.h"

#include "controller/apps/balancer.h"
#include "controller/apps/balancer_send.h"
#include "controller/apps/balancer_tcp.h"

#define FRAGMENTED_NS (30 * FB_NS_PER_S)

enum {
	FRAGMENTED_MAX = 4096,
	ICMP_SOURCE_QUENCH = 4,
	ICMP_PARAMETER_PROBLEM = 12,
	QUOTED_TRANSPORT_BYTES = 4, /* of what follows the quoted header, the part that is read */
};

/* No padding. */
struct fragmented_key {
	uint32_t nw_src, nw_dst;
	uint16_t ip_id, vlan;
	uint32_t nw_proto;
};
_Static_assert(sizeof(struct fragmented_key) == 16, "no padding");

struct fragmented {
	struct fragmented_key key;
	uint64_t seen_ns;
	struct fb_place at;
	bool sets_src, sets_dst;
	uint8_t dl_src[FB_MAC_BYTES], dl_dst[FB_MAC_BYTES];
};

bool balancer_fragments_init(struct balancer_fragments *fragments, uint32_t seed)
{
	fragments->table = fb_table_new(sizeof(struct fragmented_key), sizeof(struct fragmented),
	                                FRAGMENTED_MAX);
	if (!fragments->table)
		return false;
	fb_table_seed(fragments->table, seed);
	return true;
}

void balancer_fragments_free(struct balancer_fragments *fragments)
{
	fb_table_free(fragments->table);
}

static struct fragmented_key key_of(const struct fb_packet *p)
{
	return (struct fragmented_key){
	        .nw_src = p->nw_src,
	        .nw_dst = p->nw_dst,
	        .ip_id = p->ip_id,
	        .vlan = balancer_vlan(p),
	        .nw_proto = p->nw_proto,
	};
}

/* The entry for 'key', new or used again; NULL when memory is short. */
static struct fragmented *entry_for(const struct balancer_call *call,
                                    const struct fragmented_key *key)
{
	struct fb_table *table = call->b->fragments.table;
	struct fragmented *entry = fb_table_find(table, key);

	if (entry)
		return entry;
	entry = fb_table_oldest(table);
	if (entry && call->now_ns - entry->seen_ns >= FRAGMENTED_NS) {
		fb_table_remove(table, entry);
	} else if (fb_table_count(table) == fb_table_limit(table)) {
		fb_table_remove(table, entry);
		call->b->counters.fragments_evicted++;
	}
	return fb_table_add(table, key);
}

void balancer_related_first(const struct balancer_call *call, const struct fb_packet_in *pi,
                            const struct balancer_rewrite *rewrite)
{
	const struct fragmented_key key = key_of(&pi->packet);
	struct fragmented *entry = entry_for(call, &key);

	if (!entry)
		return;
	entry->seen_ns = call->now_ns;
	entry->at = rewrite->at;
	entry->sets_src = rewrite->dl_src != NULL;
	entry->sets_dst = rewrite->dl_dst != NULL;
	if (rewrite->dl_src)
		memcpy(entry->dl_src, rewrite->dl_src, FB_MAC_BYTES);
	if (rewrite->dl_dst)
		memcpy(entry->dl_dst, rewrite->dl_dst, FB_MAC_BYTES);
	fb_table_touch(call->b->fragments.table, entry);
}

void balancer_related_later(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct fragmented_key key = key_of(&pi->packet);
	const struct fragmented *entry = fb_table_find(call->b->fragments.table, &key);
	struct balancer_rewrite rewrite;

	if (entry && call->now_ns - entry->seen_ns < FRAGMENTED_NS) {
		rewrite = (struct balancer_rewrite){
		        .dl_src = entry->sets_src ? entry->dl_src : NULL,
		        .dl_dst = entry->sets_dst ? entry->dl_dst : NULL,
		        .at = entry->at,
		};
		call->b->counters.fragments_followed++;
		balancer_send_through(call, pi, &rewrite);
	} else if (balancer_tcp_one_meant(call, &pi->packet, &rewrite)) {
		call->b->counters.fragments_followed++;
		balancer_send_through(call, pi, &rewrite);
	} else {
		call->b->counters.fragments_lost++;
		balancer_send_drop(call, pi);
	}
}

/* --- ICMP --- */

static bool is_error(const struct fb_packet *p)
{
	return p->is_icmp &&
	       (p->tp_src == FB_ICMP_UNREACHABLE || p->tp_src == FB_ICMP_TIME_EXCEEDED ||
	        p->tp_src == ICMP_SOURCE_QUENCH || p->tp_src == ICMP_PARAMETER_PROBLEM);
}

/* Read the key of the quoted segment, as its sender saw it; false when none is quoted. */
static bool read_quoted(const struct fb_packet *p, struct balancer_key *key)
{
	const uint8_t *ip = p->data + p->payload_ofs;
	size_t len = p->payload_ofs < p->len ? p->len - p->payload_ofs : 0;
	size_t header_len;

	if (len < FB_IPV4_HEADER_BYTES || ip[0] >> 4 != 4 ||
	    (ip[9] != FB_IP_TCP && ip[9] != FB_IP_UDP))
		return false;
	header_len = (size_t)(ip[0] & 0x0f) * 4;
	if (header_len < FB_IPV4_HEADER_BYTES || len < header_len + QUOTED_TRANSPORT_BYTES ||
	    (fb_get16(ip + 6) & 0x1fff) != 0)
		return false;
	*key = (struct balancer_key){
	        .client_ip = fb_get32(ip + 12),
	        .server_ip = fb_get32(ip + 16),
	        .client_tp = fb_get16(ip + header_len),
	        .server_tp = fb_get16(ip + header_len + 2),
	        .vlan = balancer_vlan(p),
	        .proto = ip[9],
	};
	return true;
}

bool balancer_related_icmp(const struct balancer_call *call, const struct fb_packet_in *pi)
{
	const struct balancer_session *session;
	enum balancer_direction direction;
	struct balancer_rewrite rewrite;
	struct balancer_key key;

	if (!is_error(&pi->packet) || !read_quoted(&pi->packet, &key))
		return false;
	session = balancer_sessions_find(&call->b->sessions, &key, &direction);
	if (!session)
		return false;
	if (direction == BALANCER_TO_BACKEND)
		rewrite = (struct balancer_rewrite){.dl_dst = session->client_mac,
		                                    .at = session->client_at};
	else
		rewrite = (struct balancer_rewrite){.dl_dst = session->backend_mac,
		                                    .at = session->backend_at};
	call->b->counters.icmp_followed++;
	balancer_send_through(call, pi, &rewrite);
	return true;
}
