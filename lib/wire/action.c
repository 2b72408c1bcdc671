/* OpenFlow 1.0 actions (section 5.2.4): lists in wire form are checked, walked and made here.
 *
 * Every type but OFPAT_VENDOR has one length, held in 'action_bytes', so that checking a list is a
 * look at each header. Whether a switch has the port, queue or VLAN that an action names is left to
 * the switch. */
#include <flowbed/action.h>

#include <assert.h>

#include <flowbed/message.h>

#include "lib/wire/of_error.h"

/* The length of an action by its type; OFPAT_VENDOR, whose length varies, is not among them. */
static const uint8_t action_bytes[] = {
        [OFPAT_OUTPUT] = sizeof(struct ofp_action_output),
        [OFPAT_SET_VLAN_VID] = sizeof(struct ofp_action_vlan_vid),
        [OFPAT_SET_VLAN_PCP] = sizeof(struct ofp_action_vlan_pcp),
        [OFPAT_STRIP_VLAN] = sizeof(struct ofp_action_header),
        [OFPAT_SET_DL_SRC] = sizeof(struct ofp_action_dl_addr),
        [OFPAT_SET_DL_DST] = sizeof(struct ofp_action_dl_addr),
        [OFPAT_SET_NW_SRC] = sizeof(struct ofp_action_nw_addr),
        [OFPAT_SET_NW_DST] = sizeof(struct ofp_action_nw_addr),
        [OFPAT_SET_NW_TOS] = sizeof(struct ofp_action_nw_tos),
        [OFPAT_SET_TP_SRC] = sizeof(struct ofp_action_tp_port),
        [OFPAT_SET_TP_DST] = sizeof(struct ofp_action_tp_port),
        [OFPAT_ENQUEUE] = sizeof(struct ofp_action_enqueue),
};

#define ACTION_TYPE_COUNT (sizeof action_bytes / sizeof action_bytes[0])

enum { ACTION_ALIGN_BYTES = 8 };

/* Check the action at 'bytes', of which the list holds 'rest' bytes at most. */
static int check_one(const uint8_t *bytes, size_t rest, bool vendor_ok, struct fb_of_error *error)
{
	const struct ofp_action_header *header = (const void *)bytes;
	uint16_t type, len;

	if (rest < sizeof *header)
		return of_error_set(error, OFPET_BAD_ACTION, OFPBAC_BAD_LEN,
		                    "the action's header is cut off");
	type = fb_get16(&header->type);
	len = fb_get16(&header->len);
	if (len < sizeof *header || len % ACTION_ALIGN_BYTES)
		return of_error_set(error, OFPET_BAD_ACTION, OFPBAC_BAD_LEN,
		                    "the action's length is not a positive multiple of 8");
	if (len > rest)
		return of_error_set(error, OFPET_BAD_ACTION, OFPBAC_BAD_LEN,
		                    "the action is longer than the list that it is in");
	if (type == OFPAT_VENDOR) {
		if (!vendor_ok)
			return of_error_set(error, OFPET_BAD_ACTION, OFPBAC_BAD_VENDOR,
			                    "the vendor of the action is not known");
		return 0;
	}
	if (type >= ACTION_TYPE_COUNT)
		return of_error_set(error, OFPET_BAD_ACTION, OFPBAC_BAD_TYPE,
		                    "the action's type is not known");
	if (len != action_bytes[type])
		return of_error_set(error, OFPET_BAD_ACTION, OFPBAC_BAD_LEN,
		                    "the action's length is not that of its type");
	return 0;
}

int fb_actions_check(const uint8_t *bytes, size_t len, bool vendor_ok, struct fb_of_error *error)
{
	size_t offset = 0;

	while (offset < len) {
		if (check_one(bytes + offset, len - offset, vendor_ok, error) < 0)
			return -1;
		offset += fb_get16(bytes + offset + offsetof(struct ofp_action_header, len));
	}
	return 0;
}

/* Fill '*action', whose type is set, from the 'len' bytes at 'p'. */
static void decode_one(struct fb_action *action, const uint8_t *p, size_t len)
{
	switch ((enum ofp_action_type)action->type) {
	case OFPAT_OUTPUT:
		action->output.port = fb_get16(&((const struct ofp_action_output *)p)->port);
		action->output.max_len = fb_get16(&((const struct ofp_action_output *)p)->max_len);
		break;
	case OFPAT_SET_VLAN_VID:
		action->vlan_vid = fb_get16(&((const struct ofp_action_vlan_vid *)p)->vlan_vid);
		break;
	case OFPAT_SET_VLAN_PCP:
		action->vlan_pcp = ((const struct ofp_action_vlan_pcp *)p)->vlan_pcp;
		break;
	case OFPAT_STRIP_VLAN:
		break;
	case OFPAT_SET_DL_SRC:
	case OFPAT_SET_DL_DST:
		memcpy(action->dl_addr, ((const struct ofp_action_dl_addr *)p)->dl_addr,
		       FB_MAC_BYTES);
		break;
	case OFPAT_SET_NW_SRC:
	case OFPAT_SET_NW_DST:
		action->nw_addr = fb_get32(&((const struct ofp_action_nw_addr *)p)->nw_addr);
		break;
	case OFPAT_SET_NW_TOS:
		action->nw_tos = ((const struct ofp_action_nw_tos *)p)->nw_tos;
		break;
	case OFPAT_SET_TP_SRC:
	case OFPAT_SET_TP_DST:
		action->tp_port = fb_get16(&((const struct ofp_action_tp_port *)p)->tp_port);
		break;
	case OFPAT_ENQUEUE:
		action->enqueue.port = fb_get16(&((const struct ofp_action_enqueue *)p)->port);
		action->enqueue.queue_id =
		        fb_get32(&((const struct ofp_action_enqueue *)p)->queue_id);
		break;
	case OFPAT_VENDOR:
		action->vendor.vendor =
		        fb_get32(&((const struct ofp_action_vendor_header *)p)->vendor);
		action->vendor.data = p + sizeof(struct ofp_action_vendor_header);
		action->vendor.data_len = (uint16_t)(len - sizeof(struct ofp_action_vendor_header));
		break;
	}
}

bool fb_action_next(const uint8_t *bytes, size_t len, size_t *offset, struct fb_action *action)
{
	const uint8_t *p;
	size_t action_len;

	if (*offset >= len)
		return false;
	p = bytes + *offset;
	assert(len - *offset >= sizeof(struct ofp_action_header));
	action->type = fb_get16(p + offsetof(struct ofp_action_header, type));
	action_len = fb_get16(p + offsetof(struct ofp_action_header, len));
	assert(action_len >= sizeof(struct ofp_action_header) && action_len <= len - *offset);
	decode_one(action, p, action_len);
	*offset += action_len;
	return true;
}

/* Reserve an action of 'type' that is 'len' bytes long, its header written and the rest zeroed. */
static uint8_t *reserve(struct fb_buf *out, uint16_t type, size_t len)
{
	uint8_t *p = fb_buf_reserve(out, len);

	if (!p)
		return NULL;
	memset(p, 0, len);
	fb_set16(p + offsetof(struct ofp_action_header, type), type);
	fb_set16(p + offsetof(struct ofp_action_header, len), (uint16_t)len);
	return p;
}

/* Write the argument of 'action', whose type is a standard one, to its zeroed wire form at 'p'. */
static void encode_one(uint8_t *p, const struct fb_action *action)
{
	switch ((enum ofp_action_type)action->type) {
	case OFPAT_OUTPUT:
		fb_set16(&((struct ofp_action_output *)p)->port, action->output.port);
		fb_set16(&((struct ofp_action_output *)p)->max_len, action->output.max_len);
		break;
	case OFPAT_SET_VLAN_VID:
		fb_set16(&((struct ofp_action_vlan_vid *)p)->vlan_vid, action->vlan_vid);
		break;
	case OFPAT_SET_VLAN_PCP:
		((struct ofp_action_vlan_pcp *)p)->vlan_pcp = action->vlan_pcp;
		break;
	case OFPAT_STRIP_VLAN:
		break;
	case OFPAT_SET_DL_SRC:
	case OFPAT_SET_DL_DST:
		memcpy(((struct ofp_action_dl_addr *)p)->dl_addr, action->dl_addr, FB_MAC_BYTES);
		break;
	case OFPAT_SET_NW_SRC:
	case OFPAT_SET_NW_DST:
		fb_set32(&((struct ofp_action_nw_addr *)p)->nw_addr, action->nw_addr);
		break;
	case OFPAT_SET_NW_TOS:
		((struct ofp_action_nw_tos *)p)->nw_tos = action->nw_tos;
		break;
	case OFPAT_SET_TP_SRC:
	case OFPAT_SET_TP_DST:
		fb_set16(&((struct ofp_action_tp_port *)p)->tp_port, action->tp_port);
		break;
	case OFPAT_ENQUEUE:
		fb_set16(&((struct ofp_action_enqueue *)p)->port, action->enqueue.port);
		fb_set32(&((struct ofp_action_enqueue *)p)->queue_id, action->enqueue.queue_id);
		break;
	case OFPAT_VENDOR:
		break;
	}
}

/* Vendor data is padded with zeros to the multiple of 8 that the wire asks for. */
static bool put_vendor(struct fb_buf *out, const struct fb_action *action)
{
	size_t len = sizeof(struct ofp_action_vendor_header) + action->vendor.data_len;
	struct ofp_action_vendor_header *vendor;

	len = (len + ACTION_ALIGN_BYTES - 1) / ACTION_ALIGN_BYTES * ACTION_ALIGN_BYTES;
	if (len > UINT16_MAX) {
		out->overflow = true;
		return false;
	}
	vendor = (void *)reserve(out, OFPAT_VENDOR, len);
	if (!vendor)
		return false;
	fb_set32(&vendor->vendor, action->vendor.vendor);
	if (action->vendor.data_len)
		memcpy(vendor + 1, action->vendor.data, action->vendor.data_len);
	return true;
}

bool fb_action_put(struct fb_buf *out, const struct fb_action *action)
{
	uint8_t *p;

	if (action->type == OFPAT_VENDOR)
		return put_vendor(out, action);
	if (action->type >= ACTION_TYPE_COUNT) {
		out->overflow = true;
		return false;
	}
	p = reserve(out, action->type, action_bytes[action->type]);
	if (!p)
		return false;
	encode_one(p, action);
	return true;
}

/* The fields of an action in the first of its words. */
static uint64_t first_word(uint16_t type, size_t len, uint32_t rest)
{
	return (uint64_t)type << 48 | (uint64_t)len << 32 | rest;
}

/* Written as words, because it is copied right afterwards: what was written in pieces is slow to
 * read as a whole. */
bool fb_action_put_output(struct fb_buf *out, uint16_t port, uint16_t max_len)
{
	uint8_t *p = fb_buf_reserve(out, sizeof(struct ofp_action_output));

	if (!p)
		return false;
	fb_set64(p, first_word(OFPAT_OUTPUT, sizeof(struct ofp_action_output),
	                       (uint32_t)port << 16 | max_len));
	return true;
}

bool fb_action_put_dl_addr(struct fb_buf *out, uint16_t type, const uint8_t mac[FB_MAC_BYTES])
{
	uint8_t *p = fb_buf_reserve(out, sizeof(struct ofp_action_dl_addr));

	assert(type == OFPAT_SET_DL_SRC || type == OFPAT_SET_DL_DST);
	if (!p)
		return false;
	fb_set64(p, first_word(type, sizeof(struct ofp_action_dl_addr), fb_get32(mac)));
	fb_set64(p + 8, (uint64_t)fb_get16(mac + 4) << 48);
	return true;
}
