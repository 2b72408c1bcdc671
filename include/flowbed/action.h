/* OpenFlow 1.0 actions (specification 1.0.0, section 5.2.4), in host order.
 *
 * A list of actions stays in its wire form everywhere (in a decoded message, in a flow entry, in a
 * request to send); it is walked with fb_action_next() and made with fb_action_put(). A list that
 * came from fb_msg_decode() has been checked by fb_actions_check(). */
#ifndef FLOWBED_ACTION_H
#define FLOWBED_ACTION_H

#include <flowbed/bytes.h>

struct fb_of_error;

struct fb_action {
	uint16_t type; /* OFPAT_*; says which member counts (none for OFPAT_STRIP_VLAN) */
	union {
		struct {
			uint16_t port;         /* port number or OFPP_* */
			uint16_t max_len;      /* bytes to send when port is OFPP_CONTROLLER */
		} output;                      /* OFPAT_OUTPUT */
		uint16_t vlan_vid;             /* OFPAT_SET_VLAN_VID */
		uint8_t vlan_pcp;              /* OFPAT_SET_VLAN_PCP */
		uint8_t dl_addr[FB_MAC_BYTES]; /* OFPAT_SET_DL_SRC, OFPAT_SET_DL_DST */
		uint32_t nw_addr;              /* OFPAT_SET_NW_SRC, OFPAT_SET_NW_DST */
		uint8_t nw_tos;                /* OFPAT_SET_NW_TOS */
		uint16_t tp_port;              /* OFPAT_SET_TP_SRC, OFPAT_SET_TP_DST */
		struct {
			uint16_t port;
			uint32_t queue_id;
		} enqueue; /* OFPAT_ENQUEUE */
		struct {
			uint32_t vendor;
			const uint8_t *data; /* what follows the vendor id; a view */
			uint16_t data_len;
		} vendor; /* OFPAT_VENDOR */
	};
};

/* Check the list of 'len' bytes at 'bytes': each header whole, each length a positive multiple of 8
 * that fits and is right for its type, each type known. Returns 0, or -1 with '*error' filled
 * (OFPET_BAD_ACTION with OFPBAC_BAD_TYPE, OFPBAC_BAD_LEN, OFPBAC_BAD_VENDOR). Values (ports, VLAN
 * ids) are not judged here: that is a switch's business. With 'vendor_ok', well-formed vendor
 * actions pass. */
int fb_actions_check(const uint8_t *bytes, size_t len, bool vendor_ok, struct fb_of_error *error);

/* Read the action at '*offset' of a checked list into '*action' and advance '*offset' past it.
 * Returns false at the end of the list. */
bool fb_action_next(const uint8_t *bytes, size_t len, size_t *offset, struct fb_action *action);

/* Append 'action' in its wire form to 'out'; false where it does not fit. */
bool fb_action_put(struct fb_buf *out, const struct fb_action *action);

/* The commonest: append "output:port" (OFPP_CONTROLLER gets 'max_len', others may pass 0), and
 * "set_dl_src" or "set_dl_dst" by 'type'. */
bool fb_action_put_output(struct fb_buf *out, uint16_t port, uint16_t max_len);
bool fb_action_put_dl_addr(struct fb_buf *out, uint16_t type, const uint8_t mac[FB_MAC_BYTES]);

#endif
