/* The digest of a run: XXH3-128 (libxxhash) over what is fed to it, field by field in a fixed byte
 * order. */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_TEXT_BYTES 33 /* 32 hex digits and the terminator */

struct digest;

struct digest *digest_new(void);
void digest_free(struct digest *digest);
/* One delivery: 'time_ns', the number of the place, 'len' and the bytes, all of them hashed. */
void digest_delivery(struct digest *digest, uint64_t time_ns, uint32_t place, const void *bytes,
                     size_t len);
/* The value so far, as 32 hex digits. */
void digest_text(const struct digest *digest, char text[DIGEST_TEXT_BYTES]);

#endif
