/* Fragments of a datagram; see refragment.h. */
#include "softswitch/refragment.h"

#include <assert.h>

enum {
	UNIT_BYTES = 8,
	HEADER_BYTES_MAX = 60,
	MORE_FRAGMENTS = 0x2000,
	KEPT_BITS = 0xc000, /* of flags and offset: DF and the reserved one */
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_COPIED = 0x80,
};

bool refragment_begin(struct refragment *r, struct frame_pool *pool, struct frame *frame,
                      uint16_t fragment_max)
{
	fb_packet_parse(&r->packet, frame_data(frame), frame->len);
	r->pool = pool;
	r->fragment_max = fragment_max;
	r->offset = 0;
	/* What is no IPv4 has a length of 0. */
	return r->packet.ip_total_len > fragment_max;
}

/* The header of later fragments at 'out', from the 'len' bytes of the first one's at 'ip'; returns
 * its length. Options that make no sense end the list. */
static uint32_t later_header(uint8_t *out, const uint8_t *ip, uint32_t len)
{
	uint32_t out_len = FB_IPV4_HEADER_BYTES;

	memcpy(out, ip, FB_IPV4_HEADER_BYTES);
	for (uint32_t at = FB_IPV4_HEADER_BYTES; at < len && ip[at] != OPTION_END;) {
		uint32_t option_len = ip[at] == OPTION_NOP ? 1 : at + 1 < len ? ip[at + 1] : 0;

		if (option_len > len - at || (ip[at] != OPTION_NOP && option_len < 2))
			break;
		if (ip[at] & OPTION_COPIED) {
			memcpy(out + out_len, ip + at, option_len);
			out_len += option_len;
		}
		at += option_len;
	}
	while (out_len % 4)
		out[out_len++] = OPTION_END;
	out[0] = (uint8_t)(0x40 | out_len / 4);
	return out_len;
}

struct frame *refragment_next(struct refragment *r)
{
	const struct fb_packet *p = &r->packet;
	uint32_t header_bytes = p->l4_ofs - (uint32_t)p->l3_ofs, left = p->l4_len - r->offset, len;
	uint8_t header[HEADER_BYTES_MAX], *ip;
	struct frame *frame;

	if (!left)
		return NULL;
	if (r->offset)
		header_bytes = later_header(header, p->data + p->l3_ofs, header_bytes);
	else
		memcpy(header, p->data + p->l3_ofs, header_bytes);
	/* The first fragment that came had this header and one unit at least. */
	assert(r->fragment_max >= header_bytes + UNIT_BYTES);
	len = (r->fragment_max - header_bytes) / UNIT_BYTES * UNIT_BYTES;
	if (left <= r->fragment_max - header_bytes)
		len = left;
	frame = frame_new(r->pool, p->l3_ofs + header_bytes + len);
	memcpy(frame_data(frame), p->data, p->l3_ofs);
	ip = frame_data(frame) + p->l3_ofs;
	memcpy(ip, header, header_bytes);
	memcpy(ip + header_bytes, p->data + p->l4_ofs + r->offset, len);
	fb_set16(ip + 2, (uint16_t)(header_bytes + len));
	fb_set16(ip + 6, (uint16_t)((fb_get16(ip + 6) & KEPT_BITS) |
	                            (len < left ? MORE_FRAGMENTS : 0) | r->offset / UNIT_BYTES));
	fb_set16(ip + 10, 0);
	fb_set16(ip + 10, fb_checksum_finish(fb_checksum_add(0, ip, header_bytes)));
	r->offset += len;
	return frame;
}
