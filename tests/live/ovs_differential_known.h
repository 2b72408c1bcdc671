/* The known differences between Open vSwitch and the specification (1.0.0), and what is done about
 * each: the step is told to Open vSwitch in other words, or what it answers is read in other words,
 * or neither switch is told; and nothing else is let pass. Each counts how often it was needed. */
#ifndef LIVE_OVS_DIFFERENTIAL_KNOWN_H
#define LIVE_OVS_DIFFERENTIAL_KNOWN_H

#include "tests/live/ovs_differential.h"

struct known {
	const char *name;
	const char *why; /* what Open vSwitch does, and the paragraph that decides */
	uint64_t used;   /* how often it was needed */
};

extern struct known known_list[];
extern const unsigned known_count;

/* --- What neither switch is told, because Open vSwitch cannot be told what it would have to mean:
 * changes what was made at random. */
void known_avoid(struct fb_match *match);
/* CHECK_OVERLAP with an identical entry, which the caller takes back. */
void known_avoid_identical(void);
/* The control field of a tag. */
uint16_t known_avoid_cfi(uint16_t tci);
/* The command of a flow-mod where entries have hard timeouts. */
uint16_t known_avoid_modify(uint16_t command);
/* The length field of an 802.3 frame that has 'len' bytes behind it. */
void known_avoid_length(uint8_t *length, size_t len);
/* The port of an output that may be wrong. */
uint16_t known_avoid_port(uint16_t port);
/* The type of a frame. */
void known_avoid_cut_tag(uint8_t *frame, size_t len);
/* The addresses of a frame for a packet-out. */
void known_avoid_to_itself(uint8_t *frame);
/* An action after STRIP_VLAN for which it counts what the frame has become. */
void known_avoid_change_after_strip(struct fb_action *action);
/* The protocol of an IPv4 packet, and its version. */
uint8_t known_avoid_proto(uint8_t nw_proto);
uint8_t known_avoid_version(uint8_t version);

/* --- 'step' as Open vSwitch is to be told it, in place: its bytes are the caller's copy, with room
 * for STEP_BYTES. A message may become several. */
void known_step_for_ovs(struct step *step);

/* --- A frame that Open vSwitch sent in answer to 'step' (as we were told it), or a message, in
 * place, in our words. */
void known_frame_from_ovs(const struct step *step, uint8_t *bytes, size_t len);
void known_message_from_ovs(const struct step *step, uint8_t *bytes, size_t len);

/* --- A message of our switch, in place, in Open vSwitch's words: 'fragments_dropped' is the
 * datapath's counter. */
void known_message_from_ours(uint64_t fragments_dropped, uint8_t *bytes, size_t len);

#endif
