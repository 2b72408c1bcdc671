/* Text: a port of a switch (section 5.2.1): "1(s1-eth1) addr=02:00:00:00:01:01 state=LINK_DOWN
 * curr=1GB_FD,COPPER". Sets of flags that are empty are not written. */
#include "lib/wire/text_parts.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct text_name configs[] = {
        {OFPPC_PORT_DOWN, "PORT_DOWN"},       {OFPPC_NO_STP, "NO_STP"},
        {OFPPC_NO_RECV, "NO_RECV"},           {OFPPC_NO_RECV_STP, "NO_RECV_STP"},
        {OFPPC_NO_FLOOD, "NO_FLOOD"},         {OFPPC_NO_FWD, "NO_FWD"},
        {OFPPC_NO_PACKET_IN, "NO_PACKET_IN"},
};

static const struct text_name features[] = {
        {OFPPF_10MB_HD, "10MB_HD"},   {OFPPF_10MB_FD, "10MB_FD"}, {OFPPF_100MB_HD, "100MB_HD"},
        {OFPPF_100MB_FD, "100MB_FD"}, {OFPPF_1GB_HD, "1GB_HD"},   {OFPPF_1GB_FD, "1GB_FD"},
        {OFPPF_10GB_FD, "10GB_FD"},   {OFPPF_COPPER, "COPPER"},   {OFPPF_FIBER, "FIBER"},
        {OFPPF_AUTONEG, "AUTONEG"},   {OFPPF_PAUSE, "PAUSE"},     {OFPPF_PAUSE_ASYM, "PAUSE_ASYM"},
};

static void features_of(struct fb_text *t, const char *name, uint32_t value)
{
	if (!value)
		return;
	fb_text_printf(t, " %s=", name);
	text_flags(t, features, COUNT(features), value);
}

/* The upper part of the state is a field of two bits; its first value, listening, is also that of a
 * switch without spanning tree and is not told. */
void text_port_state(struct fb_text *t, uint32_t state)
{
	static const struct text_name flags[] = {{OFPPS_LINK_DOWN, "LINK_DOWN"}};
	static const char *const spanning_tree[] = {"", "STP_LEARN", "STP_FORWARD", "STP_BLOCK"};
	uint32_t tree = state & OFPPS_STP_MASK;

	if (state != tree)
		text_flags(t, flags, COUNT(flags), state & ~(uint32_t)OFPPS_STP_MASK);
	if (tree)
		fb_text_printf(t, "%s%s", state == tree ? "" : ",", spanning_tree[tree >> 8]);
}

void text_port_config(struct fb_text *t, uint32_t config)
{
	text_flags(t, configs, COUNT(configs), config);
}

void text_port_features(struct fb_text *t, uint32_t value)
{
	text_flags(t, features, COUNT(features), value);
}

void fb_text_phy_port(struct fb_text *t, const struct fb_phy_port *port)
{
	fb_text_port(t, port->port_no);
	fb_text_puts(t, "(");
	for (const char *c = port->name; *c; c++)
		fb_text_printf(t, "%c", *c >= ' ' && *c <= '~' ? *c : '?');
	fb_text_puts(t, ") addr=");
	fb_text_mac(t, port->hw_addr);
	if (port->config) {
		fb_text_puts(t, " config=");
		text_port_config(t, port->config);
	}
	if (port->state) {
		fb_text_puts(t, " state=");
		text_port_state(t, port->state);
	}
	features_of(t, "curr", port->curr);
	features_of(t, "advertised", port->advertised);
	features_of(t, "supported", port->supported);
	features_of(t, "peer", port->peer);
}
