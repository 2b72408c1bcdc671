/* The bytes that hosts send when a request asks for so many bytes: a fixed endless sequence that
 * any part of can be made from its offset alone, so that retransmission needs no copy. Its 8-byte
 * words all differ, so that a part in the wrong place is seen. */
#ifndef SIM_PATTERN_H
#define SIM_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Write the 'len' bytes at 'offset' of the sequence to 'bytes'. */
void pattern_fill(uint64_t offset, uint8_t *bytes, size_t len);

#endif
