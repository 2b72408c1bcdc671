/* Are all checksums right where a host gets a frame? Hosts check them, as Linux does, and count those
 * that are wrong; which frame it was is known because they do so one by one: a count that is higher
 * at the next frame tells of the one before it.
 *
 * A frame that a link changed is known by its life (lives.h), the datagram of a fragment that was
 * changed by its IP id, for CHECKSUMS_FRAGMENT_NS. */
#ifndef SIM_CHECKSUMS_H
#define SIM_CHECKSUMS_H

#include "lib/base/frame.h"
#include "sim/scenario.h"

struct checksums;

enum { CHECKSUMS_FRAGMENTS_MAX = 64, CHECKSUMS_FRAME_BYTES = 64 };
#define CHECKSUMS_FRAGMENT_NS (60 * FB_NS_PER_S)

/* A frame that a host found wrong. */
struct checksums_wrong {
	uint32_t host;
	uint64_t time_ns;
	bool changed, fragment;                /* a link changed it, or one of its datagram's fragments */
	uint8_t bytes[CHECKSUMS_FRAME_BYTES]; /* its first ones */
	size_t len;
};

struct checksums_ops {
	void (*wrong)(void *ctx, const struct checksums_wrong *wrong);
	void *ctx;
};

struct checksums *checksums_new(const struct scenario *scenario, const struct checksums_ops *ops);
void checksums_free(struct checksums *checksums); /* takes NULL */

/* 'host' is about to get 'frame', and has counted 'errors' before it. */
void checksums_got(struct checksums *checksums, uint32_t host, const struct frame *frame,
                   bool changed, uint64_t errors, uint64_t now_ns);
/* A link changed 'frame'. */
void checksums_changed(struct checksums *checksums, const struct frame *frame, uint64_t now_ns);
/* The run is at its end; 'host' has counted 'errors'. */
void checksums_end(struct checksums *checksums, uint32_t host, uint64_t errors);

#endif
