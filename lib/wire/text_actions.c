/* Text: actions as Open vSwitch's dump-flows prints them. What it does not know, vendor actions, is
 * vendor(0xID,BYTES). */
#include "lib/wire/text_parts.h"

enum { VENDOR_BYTES_MAX = 32 }; /* shown of a vendor action */

static void output(struct fb_text *t, uint16_t port, uint16_t max_len)
{
	if (port < OFPP_IN_PORT || port == OFPP_NONE)
		fb_text_puts(t, "output:");
	fb_text_port(t, port);
	if (port == OFPP_CONTROLLER)
		fb_text_printf(t, ":%u", max_len);
}

static void set_mac(struct fb_text *t, const char *name, const uint8_t mac[FB_MAC_BYTES])
{
	fb_text_puts(t, name);
	fb_text_mac(t, mac);
}

static void set_ip(struct fb_text *t, const char *name, uint32_t ip)
{
	fb_text_puts(t, name);
	fb_text_ip(t, ip);
}

static void one_action(struct fb_text *t, const struct fb_action *a)
{
	switch ((enum ofp_action_type)a->type) {
	case OFPAT_OUTPUT:
		output(t, a->output.port, a->output.max_len);
		return;
	case OFPAT_SET_VLAN_VID:
		fb_text_printf(t, "mod_vlan_vid:%u", a->vlan_vid);
		return;
	case OFPAT_SET_VLAN_PCP:
		fb_text_printf(t, "mod_vlan_pcp:%u", a->vlan_pcp);
		return;
	case OFPAT_STRIP_VLAN:
		fb_text_puts(t, "strip_vlan");
		return;
	case OFPAT_SET_DL_SRC:
		set_mac(t, "mod_dl_src:", a->dl_addr);
		return;
	case OFPAT_SET_DL_DST:
		set_mac(t, "mod_dl_dst:", a->dl_addr);
		return;
	case OFPAT_SET_NW_SRC:
		set_ip(t, "mod_nw_src:", a->nw_addr);
		return;
	case OFPAT_SET_NW_DST:
		set_ip(t, "mod_nw_dst:", a->nw_addr);
		return;
	case OFPAT_SET_NW_TOS:
		fb_text_printf(t, "mod_nw_tos:%u", a->nw_tos);
		return;
	case OFPAT_SET_TP_SRC:
		fb_text_printf(t, "mod_tp_src:%u", a->tp_port);
		return;
	case OFPAT_SET_TP_DST:
		fb_text_printf(t, "mod_tp_dst:%u", a->tp_port);
		return;
	case OFPAT_ENQUEUE:
		fb_text_puts(t, "enqueue:");
		fb_text_port(t, a->enqueue.port);
		fb_text_printf(t, ":%u", a->enqueue.queue_id);
		return;
	case OFPAT_VENDOR:
		fb_text_printf(t, "vendor(0x%08x,", a->vendor.vendor);
		text_hex(t, a->vendor.data, a->vendor.data_len, VENDOR_BYTES_MAX);
		fb_text_puts(t, ")");
		return;
	}
	fb_text_printf(t, "unknown(%u)", a->type);
}

void fb_text_actions(struct fb_text *t, struct fb_view actions)
{
	struct fb_action action;
	const char *comma = "";
	size_t offset = 0;

	if (!actions.len)
		fb_text_puts(t, "drop");
	while (fb_action_next(actions.data, actions.len, &offset, &action)) {
		fb_text_puts(t, comma);
		comma = ",";
		one_action(t, &action);
	}
}
