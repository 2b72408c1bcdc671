/* The digest of a run; see digest.h. Every delivery is hashed as 20 bytes (time, place, length, all
 * little-endian) and then its bytes, so that no two sequences of deliveries feed the same bytes. */
#include "lib/base/digest.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "lib/base/xxh3.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "digest.c copies: swap here on big-endian hosts");

struct digest {
	XXH3_state_t *state; /* apart, because it wants an alignment of 64 bytes */
};

struct digest *digest_new(void)
{
	struct digest *digest = xmalloc(sizeof *digest);

	digest->state = XXH3_createState();
	if (!digest->state || XXH3_128bits_reset(digest->state) != XXH_OK)
		xalloc_failed("digest");
	return digest;
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	XXH3_freeState(digest->state);
	free(digest);
}

void digest_delivery(struct digest *digest, uint64_t time_ns, uint32_t place, const void *bytes,
                     size_t len)
{
	uint64_t len64 = len;
	uint8_t head[20];

	memcpy(head, &time_ns, 8);
	memcpy(head + 8, &place, 4);
	memcpy(head + 12, &len64, 8);
	XXH3_128bits_update(digest->state, head, sizeof head);
	if (len)
		XXH3_128bits_update(digest->state, bytes, len);
}

void digest_text(const struct digest *digest, char text[DIGEST_TEXT_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(digest->state));
	for (size_t i = 0; i < sizeof canonical.digest; i++) {
		text[2 * i] = hex[canonical.digest[i] >> 4];
		text[2 * i + 1] = hex[canonical.digest[i] & 15];
	}
	text[DIGEST_TEXT_BYTES - 1] = '\0';
}
