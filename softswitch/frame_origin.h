/* Where a frame in the datapath came from: what its bytes do not say and its way out depends on. It
 * travels with the frame through look-ups, actions and packet buffers. */
#ifndef SOFTSWITCH_FRAME_ORIGIN_H
#define SOFTSWITCH_FRAME_ORIGIN_H

#include <stdint.h>

struct frame_origin {
	uint16_t in_port;      /* OFPP_NONE: none */
	uint16_t fragment_max; /* bytes of the longest IPv4 fragment (header and payload) of which
				  it was put together; 0: it came whole */
};

#endif
