/* The repeated elements of messages: what message_decode.c and message_encode.c need of
 * message_element.c beyond <flowbed/message.h>. */
#ifndef WIRE_MESSAGE_ELEMENT_H
#define WIRE_MESSAGE_ELEMENT_H

#include <flowbed/message.h>

/* Check a run of flow statistics (of queues): each element's own length, and what it holds. Returns
 * 0, or -1 with '*error' filled. */
int message_element_check_flow_stats(struct fb_view view, struct fb_of_error *error);
int message_element_check_queues(struct fb_view view, struct fb_of_error *error);

void message_element_decode_port(struct fb_phy_port *port, const struct ofp_phy_port *wire);
void message_element_encode_port(struct ofp_phy_port *wire, const struct fb_phy_port *port);

/* Copy a string from the wire, where 'size' bytes hold it and nothing need terminate it, to the
 * 'size' + 1 bytes at 'text': terminated, zeros behind it. */
void message_element_get_text(char *text, const char *wire, size_t size);
/* The inverse, cut to 'size' - 1 bytes: the specification wants it terminated on the wire. */
void message_element_set_text(char *wire, size_t size, const char *text);

#endif
