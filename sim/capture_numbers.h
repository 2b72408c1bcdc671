/* Which frame of which capture is that? The numbers that frames and messages get in the captures of
 * a run (capture.h), counted whether captures are written or not, so that a story can name them. */
#ifndef SIM_CAPTURE_NUMBERS_H
#define SIM_CAPTURE_NUMBERS_H

#include "sim/network.h"

struct capture_numbers;

struct capture_numbers *capture_numbers_new(const struct scenario *scenario);
void capture_numbers_free(struct capture_numbers *numbers); /* takes NULL */

/* A frame leaves or arrives at an end of a link: its number there, from 1. */
uint64_t capture_numbers_frame(struct capture_numbers *numbers, uint32_t link, unsigned end);
/* As the observer's members. */
void capture_numbers_connected(struct capture_numbers *numbers, uint64_t now_ns, uint32_t sw);
void capture_numbers_bytes(struct capture_numbers *numbers, uint64_t now_ns, uint32_t sw,
                           unsigned to, const uint8_t *bytes, size_t len);
void capture_numbers_closed(struct capture_numbers *numbers, uint64_t now_ns, uint32_t sw,
                            unsigned at);
/* The frame in which the byte was that came to 'to' before the latest 'back' ones; 0: forgotten. */
uint64_t capture_numbers_message(const struct capture_numbers *numbers, uint32_t sw, unsigned to,
                                 size_t back);

/* The names of captures: of an end of a link, and of a switch's control connection. */
void capture_link_name(const struct scenario *scenario, uint32_t link, unsigned end,
                       struct fb_text *text);
void capture_control_name(const struct scenario *scenario, uint32_t sw, struct fb_text *text);

#endif
