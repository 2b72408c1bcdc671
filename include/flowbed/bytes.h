/* Bytes in network order, and a bounded writer for them.
 *
 * All wire formats of Flowbed are read and written through this header, so that byte order and
 * alignment are settled in one place: a wire structure is made of fb_be16, fb_be32 and fb_be64,
 * which have alignment 1 and cannot be mixed up with host integers.
 *
 * Everything here is pure and inline. */
#ifndef FLOWBED_BYTES_H
#define FLOWBED_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Integers as they stand on the wire: big-endian, alignment 1. */
typedef struct {
	uint8_t b[2];
} fb_be16;
typedef struct {
	uint8_t b[4];
} fb_be32;
typedef struct {
	uint8_t b[8];
} fb_be64;

/* Length of an Ethernet address in bytes. */
#define FB_MAC_BYTES 6

/* Read a big-endian integer at 'p', which needs no alignment. */
static inline uint16_t fb_get16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return __builtin_bswap16(v);
}

static inline uint32_t fb_get32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return __builtin_bswap32(v);
}

static inline uint64_t fb_get64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return __builtin_bswap64(v);
}

/* Write 'v' big-endian at 'p', which needs no alignment. */
static inline void fb_set16(void *p, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(p, &v, 2);
}

static inline void fb_set32(void *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, 4);
}

static inline void fb_set64(void *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, 8);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "bytes.h swaps: add big-endian hosts here");

/* An Ethernet address as a number, first byte most significant: 02:00:00:00:00:01 is
 * 0x020000000001. */
static inline uint64_t fb_mac_to_u64(const uint8_t mac[FB_MAC_BYTES])
{
	return ((uint64_t)fb_get16(mac) << 32) | fb_get32(mac + 2);
}

static inline void fb_mac_from_u64(uint8_t mac[FB_MAC_BYTES], uint64_t v)
{
	fb_set16(mac, (uint16_t)(v >> 32));
	fb_set32(mac + 2, (uint32_t)v);
}

/* True for broadcast and multicast addresses (the group bit of the first byte). */
static inline bool fb_mac_is_multicast(const uint8_t mac[FB_MAC_BYTES])
{
	return (mac[0] & 1) != 0;
}

static inline bool fb_mac_equal(const uint8_t a[FB_MAC_BYTES], const uint8_t b[FB_MAC_BYTES])
{
	return memcmp(a, b, FB_MAC_BYTES) == 0;
}

/* A writer into memory that the caller owns. It never writes past 'size': what does not fit sets
 * 'overflow' and writes nothing, so that a sequence of puts is checked once, at its end. */
struct fb_buf {
	uint8_t *data; /* the caller's memory */
	size_t size;   /* bytes at 'data' */
	size_t len;    /* bytes written */
	bool overflow; /* something did not fit */
};

static inline struct fb_buf fb_buf_make(void *data, size_t size)
{
	return (struct fb_buf){.data = data, .size = size};
}

/* Reserve 'n' bytes and return them, not initialised; where they do not fit NULL, and 'overflow' is
 * set. */
static inline uint8_t *fb_buf_reserve(struct fb_buf *b, size_t n)
{
	uint8_t *p;

	if (b->overflow || n > b->size - b->len) {
		b->overflow = true;
		return NULL;
	}
	p = b->data + b->len;
	b->len += n;
	return p;
}

/* Append 'n' bytes from 'src'; false where they do not fit. */
static inline bool fb_buf_put(struct fb_buf *b, const void *src, size_t n)
{
	uint8_t *p = fb_buf_reserve(b, n);

	if (!p)
		return false;
	if (n)
		memcpy(p, src, n);
	return true;
}

#endif
