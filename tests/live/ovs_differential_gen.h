/* What the files that make random programs share: one generator of random numbers, and the few
 * addresses, VLANs and ports that frames, matches and actions have in common. */
#ifndef LIVE_OVS_DIFFERENTIAL_GEN_H
#define LIVE_OVS_DIFFERENTIAL_GEN_H

#include "lib/base/rng.h"
#include "tests/live/ovs_differential.h"

enum { GEN_FRAMES_MAX = 40 };

struct gen {
	struct rng rng;
	struct program *program;
	struct fb_match keys[GEN_FRAMES_MAX]; /* of the program's first frames */
	unsigned keys_count;
	bool learns, times_out; /* what the program's entries may have */
	bool hard_timeouts;
	bool double_tags; /* what its frames may have: two 802.1Q tags */
};

bool gen_percent(struct gen *gen, unsigned percent);
uint32_t gen_below(struct gen *gen, uint32_t bound);
void gen_mac(struct gen *gen, uint8_t mac[FB_MAC_BYTES]);
/* For SET_DL_SRC ('source') or SET_DL_DST: where OFPP_NORMAL is among the actions, no frame becomes
 * one to its own source (see to-itself among what is known). */
void gen_mac_to_set(struct gen *gen, uint8_t mac[FB_MAC_BYTES], bool source);
uint16_t gen_vid(struct gen *gen);
uint32_t gen_ip(struct gen *gen);
uint16_t gen_tp(struct gen *gen);
/* A frame into the empty buffer 'out' of at least FRAME_BYTES. */
void gen_frame(struct gen *gen, struct fb_buf *out);

#endif
