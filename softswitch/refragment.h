/* An IPv4 datagram cut into fragments again (RFC 791, section 3.2): what OFPC_FRAG_REASM put
 * together must pass the next link, too.
 *
 * No fragment is longer than 'fragment_max', the longest that came in, so that what went over the
 * links before it goes over those behind it (Linux's connection tracking does the same). The
 * header is that of the whole, but later fragments have only the options that are to be copied.
 * DF stays as it is: a sender that sends fragments with it has a reason. */
#ifndef SOFTSWITCH_REFRAGMENT_H
#define SOFTSWITCH_REFRAGMENT_H

#include <flowbed/packet.h>

#include "lib/base/frame.h"

struct refragment {
	struct fb_packet packet; /* of the whole */
	struct frame_pool *pool;
	uint32_t fragment_max;
	uint32_t offset; /* of the next fragment in the payload */
};

/* Begin with 'frame' (borrowed until the end). False: it is no IPv4 datagram that is longer than
 * 'fragment_max', and goes as it is. */
bool refragment_begin(struct refragment *r, struct frame_pool *pool, struct frame *frame,
                      uint16_t fragment_max);
/* The next fragment, a reference; NULL at the end. */
struct frame *refragment_next(struct refragment *r);

#endif
