/* Text: messages, matches, actions and packets as one readable line each, and flows in the syntax
 * of ovs-ofctl(8) (add-flow and dump-flows, OpenFlow 1.0 part). Pure functions.
 *
 * Writers append to a struct fb_text in the caller's memory. What does not fit is cut, the text is
 * always terminated and 'cut' is set; nothing else fails. */
#ifndef FLOWBED_TEXT_H
#define FLOWBED_TEXT_H

#include <flowbed/message.h>
#include <flowbed/packet.h>

/* Enough for any line that the functions below write, save long lists: of actions, ports,
 * statistics. */
#define FB_TEXT_LINE_BYTES 1024

struct fb_text {
	char *buf;   /* the caller's memory, always terminated */
	size_t size; /* bytes at 'buf', at least 1 */
	size_t len;  /* characters written */
	bool cut;    /* something did not fit */
};

struct fb_text fb_text_make(char *buf, size_t size);
void fb_text_printf(struct fb_text *t, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
void fb_text_puts(struct fb_text *t, const char *s);

void fb_text_mac(struct fb_text *t, const uint8_t mac[FB_MAC_BYTES]); /* 02:00:00:00:00:01 */
void fb_text_ip(struct fb_text *t, uint32_t ip);                      /* 192.168.2.1 */
/* "3", or ovs-ofctl's "LOCAL", "CONTROLLER", ... */
void fb_text_port(struct fb_text *t, uint16_t port_no);
/* "tcp,in_port=1,nw_dst=192.168.2.2", nothing for the match of everything. */
void fb_text_match(struct fb_text *t, const struct fb_match *match);
/* "mod_dl_dst:02:00:00:00:00:01,output:2" or "drop". */
void fb_text_actions(struct fb_text *t, struct fb_view actions);
/* A frame as tcpdump would tell it: "192.168.2.1.40000 > 192.168.2.2.22: tcp S seq 1 win 65535",
 * with the MAC addresses first: "..:01 > ..:02 ". */
void fb_text_packet(struct fb_text *t, const uint8_t *frame, size_t len);
/* A message: "PACKET_IN xid=0x0 buffer=3 in_port=1 reason=no_match len=74 [frame]". */
void fb_text_msg(struct fb_text *t, const struct fb_msg *msg);
/* The same from bytes, also where they do not decode (then the error is told). */
void fb_text_msg_bytes(struct fb_text *t, const uint8_t *bytes, size_t len);
/* An entry as "ovs-ofctl dump-flows" prints it, without leading blank. */
void fb_text_flow_stats(struct fb_text *t, const struct fb_flow_stats *stats);
/* A flow-mod as "ovs-ofctl add-flow" reads it. */
void fb_text_flow_mod(struct fb_text *t, const struct fb_flow_mod *fm);
void fb_text_phy_port(struct fb_text *t, const struct fb_phy_port *port);
const char *fb_text_msg_type(uint8_t type); /* "PACKET_IN"; NULL where there is no name */
/* "OFPBRC_BAD_LEN"; "OFPET_BAD_REQUEST unknown 77" and "unknown 9/1" where there is no name. */
void fb_text_error_code(struct fb_text *t, uint16_t type, uint16_t code);
/* Virtual time in seconds with six decimals: "1.000250"; and with all nine where it is finer. */
void fb_text_time(struct fb_text *t, uint64_t time_ns);
/* ", did you mean 'ports'?" with the one of 'known' (NULL-terminated) that the mistyped 'word' is
 * nearest to; nothing, and false, where it is near none. */
bool fb_text_meant(struct fb_text *t, const char *word, const char *const *known);

/* --- Parsing. On an error each returns -1 and appends to 'error' (which may be NULL) what is wrong
 * and what would be right; '*out' is then undefined. --- */

int fb_parse_mac(const char *s, uint8_t mac[FB_MAC_BYTES], struct fb_text *error);
int fb_parse_ip(const char *s, uint32_t *ip, struct fb_text *error);
/* "192.168.2.0/24", "192.168.2.0/255.255.255.0" or a plain address (32 bits). */
int fb_parse_ip_prefix(const char *s, uint32_t *ip, unsigned *prefix_len, struct fb_text *error);
/* A number or "LOCAL", "FLOOD", ... */
int fb_parse_port(const char *s, uint16_t *port_no, struct fb_text *error);
/* A match in ovs-ofctl's syntax ("tcp,nw_dst=10.0.0.0/8,tp_dst=80"); '*match' comes out normalised.
 * Unlike there, a field that cannot apply ("tp_dst=80" without tcp, udp or icmp) and two values for
 * one field are errors. */
int fb_parse_match(const char *s, struct fb_match *match, struct fb_text *error);
/* Actions ("mod_dl_dst:...,output:2", "drop", "") appended to 'out' in wire form. */
int fb_parse_actions(const char *s, struct fb_buf *out, struct fb_text *error);
/* A flow as add-flow reads it: match, priority= (default 32768), cookie=, idle_timeout=,
 * hard_timeout=, send_flow_rem, check_overlap, out_port=, actions=. 'command' is an OFPFC_*; the
 * actions are appended to 'actions', where 'out->actions' then points. 'actions=' is required for
 * ADD and MODIFY*, out_port= is for DELETE* only. A line of dump-flows is read too; what it tells
 * of an entry's past (duration=, n_packets=, n_bytes=, idle_age=, hard_age=) counts for nothing. */
int fb_parse_flow(const char *s, uint16_t command, struct fb_flow_mod *out, struct fb_buf *actions,
                  struct fb_text *error);

#endif
