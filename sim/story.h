/* The story of a failure, told from what a trace has kept (trace.h).
 *
 * First the ways of the frames that it is about, across all layers, one paragraph a frame:
 *
 *     0.001201344  h1: SYN #2 192.168.2.1:40000 > 192.168.2.2:22
 *                  h1 -> s1:1 -> miss -> packet-in (buffer 257) -> balancer -> not released
 *                  h1--s1-1.s1-1.pcap 3, control-s1.pcap 21
 *
 * "#2": it is sent the second time. "not released": not until the failure. Then the last frames and messages that concern it, one line
 * each. Behind each of both stands where the captures of the run (flowbed run --pcap) have it. */
#ifndef SIM_STORY_H
#define SIM_STORY_H

#include "sim/trace.h"

enum {
	STORY_LINES_MAX = 20, /* frames and messages */
	STORY_WAYS_MAX = 6,   /* frames whose way is told: the latest */
};

/* Write the story of 'relation' to 'out', each line indented by 'indent' and more. */
void story_write(const struct trace *trace, const struct trace_relation *about,
                 const char *indent, FILE *out);

#endif
