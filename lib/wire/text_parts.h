/* What the text_*.c files share: names of numbers, sets of flags, raw bytes. */
#ifndef WIRE_TEXT_PARTS_H
#define WIRE_TEXT_PARTS_H

#include <flowbed/text.h>

struct text_name {
	uint32_t value;
	const char *name;
};

/* The name of 'value' among the 'count' at 'names'; NULL where it has none. */
const char *text_name_of(const struct text_name *names, size_t count, uint32_t value);

/* The name of 'value', or the number. */
void text_name_or_number(struct fb_text *t, const struct text_name *names, size_t count,
                         uint32_t value);

/* The bits of 'flags' by name, separated by commas, what has no name as one hexadecimal number; "0"
 * for none. */
void text_flags(struct fb_text *t, const struct text_name *names, size_t count, uint32_t flags);

/* 'len' bytes in hexadecimal, at most 'max' of them and then "...". */
void text_hex(struct fb_text *t, const uint8_t *bytes, size_t len, size_t max);

/* The same as a quoted text: what is not printable ASCII as \xNN. */
void text_quoted(struct fb_text *t, const void *bytes, size_t len, size_t max);

/* The flags of a port: OFPPC_* and OFPPF_*; its state, nothing for 0. */
void text_port_config(struct fb_text *t, uint32_t config);
void text_port_state(struct fb_text *t, uint32_t state);
void text_port_features(struct fb_text *t, uint32_t features);

/* What a switch says that it can: OFPC_*, and the bitmap of its actions. */
void text_capabilities(struct fb_text *t, uint32_t capabilities);
void text_supported_actions(struct fb_text *t, uint32_t actions);

/* What follows the header of STATS_REQUEST and STATS_REPLY. */
void text_stats_request(struct fb_text *t, const struct fb_stats_request *request);
void text_stats_reply(struct fb_text *t, const struct fb_stats_reply *reply);

/* Seconds with the fraction as ovs-ofctl prints a duration: none, three or nine digits, then "s".
 */
void text_duration(struct fb_text *t, uint32_t sec, uint32_t nsec);

/* A counter, or "?" where all bits are set: the switch does not count it. */
void text_counter(struct fb_text *t, uint64_t value);

/* Which addresses and ports a match is about; where it does not tell, the general names of the
 * fields hold. */
enum text_family {
	TEXT_FAMILY_NONE,  /* no known kind of frame */
	TEXT_FAMILY_IP,    /* IPv4, any protocol */
	TEXT_FAMILY_PORTS, /* TCP, UDP, SCTP */
	TEXT_FAMILY_ICMP,
	TEXT_FAMILY_ARP, /* ARP and RARP */
};

/* A protocol that has a name in the syntax of flows. */
struct text_protocol {
	const char *name;
	uint16_t dl_type;
	int16_t nw_proto; /* -1: any */
	enum text_family family;
};

/* All of them, the most specific first; the name of the last is NULL. */
extern const struct text_protocol text_protocols[];

/* The names of the virtual ports; the name of the last is NULL. */
extern const struct text_name text_port_names[];

#endif
