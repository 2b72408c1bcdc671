/* What story.c and story_way.c share. */
#ifndef SIM_STORY_PRIVATE_H
#define SIM_STORY_PRIVATE_H

#include "sim/story.h"

/* The event concerns what 'relation' says, as an address and a port do. */
bool story_is_about(const struct trace_relation *relation, const uint8_t *bytes, size_t len);
bool story_match_is_about(const struct trace_relation *relation, const struct fb_match *match);

/* The way of the frame whose first event that is kept has the number 'first'. */
void story_way_write(const struct trace *trace, uint64_t first, const char *indent, FILE *out);

#endif
