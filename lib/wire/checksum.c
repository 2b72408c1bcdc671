/* The Internet checksum (RFC 1071) and its incremental update (RFC 1624).
 *
 * A running sum is a plain sum of big-endian 16-bit words in 64 bits: it cannot overflow before
 * 2^48 words, and callers may add words of their own. Inside fb_checksum_add() the bytes are summed
 * as the host reads them, 32 bits at a time into 64-bit lanes: one's complement sums do not care
 * how bytes are grouped, and the sum of swapped words is the swapped sum (RFC 1071, section 2 (B)),
 * so that one swap at the end is enough. The vector type is for speed: both compilers make SSE2 or
 * NEON of it, and plain code where there is neither. */
#include <flowbed/packet.h>

typedef uint64_t lanes __attribute__((vector_size(16)));

enum { LANES_BYTES = sizeof(lanes) };

/* A one's complement sum, folded to 16 bits; 0 only for a sum of 0. */
static uint16_t fold(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)sum;
}

/* Sum the 'blocks' blocks of 64 bytes at 'data'. */
static uint64_t sum_blocks(const uint8_t *data, size_t blocks)
{
	const lanes low = {0xffffffff, 0xffffffff};
	lanes even = {0, 0}, odd = {0, 0};
	lanes v[4];

	for (; blocks; blocks--, data += sizeof v) {
		memcpy(v, data, sizeof v);
		even += (v[0] & low) + (v[1] & low) + (v[2] & low) + (v[3] & low);
		odd += (v[0] >> 32) + (v[1] >> 32) + (v[2] >> 32) + (v[3] >> 32);
	}
	even += odd;
	return even[0] + even[1];
}

uint64_t fb_checksum_add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	size_t blocks = len / (4 * LANES_BYTES);
	uint64_t mine = 0, v;

	if (blocks) {
		mine = sum_blocks(bytes, blocks);
		bytes += blocks * 4 * LANES_BYTES;
		len -= blocks * 4 * LANES_BYTES;
	}
	for (; len >= sizeof v; len -= sizeof v, bytes += sizeof v) {
		memcpy(&v, bytes, sizeof v);
		mine += (v & 0xffffffff) + (v >> 32);
	}
	if (len) {
		v = 0;
		memcpy(&v, bytes, len);
		mine += (v & 0xffffffff) + (v >> 32);
	}
	return sum + __builtin_bswap16(fold(mine));
}

uint16_t fb_checksum_finish(uint64_t sum)
{
	return (uint16_t)~fold(sum);
}

/* RFC 1624, equation 3: HC' = ~(~HC + ~m + m'). */
uint16_t fb_checksum_update16(uint16_t check, uint16_t old_value, uint16_t new_value)
{
	return (uint16_t)~fold((uint64_t)(uint16_t)~check + (uint16_t)~old_value + new_value);
}

uint16_t fb_checksum_update32(uint16_t check, uint32_t old_value, uint32_t new_value)
{
	return (uint16_t)~fold((uint64_t)(uint16_t)~check + (uint32_t)~old_value + new_value);
}

uint64_t fb_checksum_pseudo(uint32_t nw_src, uint32_t nw_dst, uint8_t nw_proto, uint32_t l4_len)
{
	return (uint64_t)nw_src + nw_dst + nw_proto + l4_len;
}
