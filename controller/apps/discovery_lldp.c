/* Discovery frames; see discovery_lldp.h.
 *
 * A frame is what any other LLDP speaker sends: chassis id (the dpid), port id (the number), time to
 * live, and then an element of our own that carries both as numbers, the port's epoch and a check
 * value. The organization in it is a locally administered number, which nobody else is given.
 *
 * The check value is keyed with the controller's run, which hosts never see: one that knows how
 * frames are made still cannot make one. It can send what it was sent, and who tries all of the 2^32
 * runs finds the right one. Epochs see to it that a frame counts only while the port that it came
 * from has not gone since. */
#include "controller/apps/discovery_lldp.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	TLV_END = 0,
	TLV_CHASSIS_ID = 1,
	TLV_PORT_ID = 2,
	TLV_TTL = 3,
	TLV_ORGANIZATION = 127,
	TLV_HEADER_BYTES = 2,
	ID_LOCAL = 7, /* subtype of both ids: locally assigned */
	OUR_SUBTYPE = 1,
	OUR_BYTES = 4 + 8 + 2 + 4 + 8, /* organization and subtype, dpid, port, epoch, check */
};

static const uint8_t lldp_multicast[FB_MAC_BYTES] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e};
static const uint8_t our_organization[4] = {0x02, 0x46, 0x42, OUR_SUBTYPE};

static uint64_t stirred(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0xa0761d6478bd642f);
	sum = (sum ^ (sum >> 29)) * UINT64_C(0xe7037ed1a0b428db);
	return sum ^ (sum >> 32);
}

/* The key goes in at both ends, so that steps cannot be taken back without it. */
static uint64_t check_of(const struct discovery_origin *origin, uint32_t key)
{
	uint64_t sum = stirred(key, UINT64_C(0x464c4f5742454421));

	sum = stirred(sum, origin->dpid);
	sum = stirred(sum, (uint64_t)origin->port << 32 | origin->epoch);
	sum ^= (uint64_t)key << 32 | key;
	return stirred(stirred(sum, key), UINT64_C(0x21444542574f4c46));
}

static uint8_t *put_tlv(struct fb_buf *out, unsigned type, size_t len)
{
	uint8_t *tlv = fb_buf_reserve(out, TLV_HEADER_BYTES + len);

	if (!tlv)
		return NULL;
	fb_set16(tlv, (uint16_t)(type << 9 | len));
	return tlv + TLV_HEADER_BYTES;
}

static void put_id(struct fb_buf *out, unsigned type, const char *text)
{
	size_t len = strlen(text);
	uint8_t *value = put_tlv(out, type, 1 + len);

	if (!value)
		return;
	value[0] = ID_LOCAL;
	memcpy(value + 1, text, len);
}

static void put_ours(struct fb_buf *out, const struct discovery_origin *origin, uint32_t key)
{
	uint8_t *value = put_tlv(out, TLV_ORGANIZATION, OUR_BYTES);

	if (!value)
		return;
	memcpy(value, our_organization, sizeof our_organization);
	fb_set64(value + 4, origin->dpid);
	fb_set16(value + 12, origin->port);
	fb_set32(value + 14, origin->epoch);
	fb_set64(value + 18, check_of(origin, key));
}

void discovery_lldp_put(struct fb_buf *out, const struct discovery_origin *origin,
                        const uint8_t hw_addr[FB_MAC_BYTES], uint16_t ttl_s, uint32_t key)
{
	uint8_t memory[DISCOVERY_LLDP_BYTES];
	struct fb_buf tlvs = fb_buf_make(memory, sizeof memory);
	struct fb_eth_spec eth = {.has_vlan = false};
	uint8_t *ttl;
	char text[20];

	snprintf(text, sizeof text, "%016" PRIx64, origin->dpid);
	put_id(&tlvs, TLV_CHASSIS_ID, text);
	snprintf(text, sizeof text, "%u", origin->port);
	put_id(&tlvs, TLV_PORT_ID, text);
	ttl = put_tlv(&tlvs, TLV_TTL, 2);
	if (ttl)
		fb_set16(ttl, ttl_s);
	put_ours(&tlvs, origin, key);
	put_tlv(&tlvs, TLV_END, 0);
	memcpy(eth.dl_dst, lldp_multicast, FB_MAC_BYTES);
	memcpy(eth.dl_src, hw_addr, FB_MAC_BYTES);
	fb_build_eth(out, &eth, FB_ETH_LLDP, tlvs.data, tlvs.len);
}

static enum discovery_lldp read_ours(const uint8_t *value, uint32_t key,
                                     struct discovery_origin *origin)
{
	origin->dpid = fb_get64(value + 4);
	origin->port = fb_get16(value + 12);
	origin->epoch = fb_get32(value + 14);
	return fb_get64(value + 18) == check_of(origin, key) ? DISCOVERY_LLDP_OURS
	                                                     : DISCOVERY_LLDP_FORGED;
}

enum discovery_lldp discovery_lldp_read(const struct fb_packet *packet, uint32_t key,
                                        struct discovery_origin *origin)
{
	size_t at = FB_ETH_HEADER_BYTES + (packet->has_vlan ? FB_VLAN_TAG_BYTES : 0);

	while (at + TLV_HEADER_BYTES <= packet->len) {
		unsigned header = fb_get16(packet->data + at), type = header >> 9;
		size_t len = header & 0x1ff;
		const uint8_t *value = packet->data + at + TLV_HEADER_BYTES;

		if (type == TLV_END)
			return DISCOVERY_LLDP_FOREIGN;
		at += TLV_HEADER_BYTES + len;
		if (at > packet->len)
			break;
		if (type == TLV_ORGANIZATION && len == OUR_BYTES &&
		    memcmp(value, our_organization, sizeof our_organization) == 0)
			return read_ours(value, key, origin);
	}
	return DISCOVERY_LLDP_CUT;
}
