/* Text without control characters. See printable.h. */
#include "sim/printable.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

enum { PIECE_BYTES = 16 }; /* more than any piece takes, whatever the number in it */

/* The bytes of the character of UTF-8 at 'raw', which is terminated, and its code; 0: it is none. */
static size_t character_at(const unsigned char *raw, unsigned *code)
{
	static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000}; /* by length */
	const size_t len = raw[0] < 0x80 ? 1 : raw[0] < 0xe0 ? 2 : raw[0] < 0xf0 ? 3 : 4;

	*code = len == 1 ? raw[0] : raw[0] & (0x7fu >> len);
	if (raw[0] >= 0xf8 || (raw[0] >= 0x80 && raw[0] < 0xc0))
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((raw[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (raw[i] & 0x3f);
	}
	if (*code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return *code >= least[len] ? len : 0;
}

/* What stands for the character at 'raw'; returns how many bytes of 'raw' that was. */
static size_t piece_of(const char *raw, bool lines, char piece[PIECE_BYTES])
{
	unsigned code;
	const size_t len = character_at((const unsigned char *)raw, &code);

	if (!len)
		snprintf(piece, PIECE_BYTES, "\\x%02x", (unsigned char)*raw);
	else if (code == '\n' && !lines)
		snprintf(piece, PIECE_BYTES, "\\n");
	else if (code == '\t')
		snprintf(piece, PIECE_BYTES, "\\t");
	else if ((code < ' ' && code != '\n') || (code >= 0x7f && code < 0xa0))
		snprintf(piece, PIECE_BYTES, "\\x%02x", code);
	else if (code == 0x2028 || code == 0x2029)
		snprintf(piece, PIECE_BYTES, "\\u%04x", code);
	else
		snprintf(piece, PIECE_BYTES, "%.*s", (int)len, raw);
	return len ? len : 1;
}

static bool is_plain(char c)
{
	return c >= ' ' && c < 0x7f;
}

void printable_write(FILE *out, const char *raw)
{
	char piece[PIECE_BYTES];

	while (*raw) {
		raw += piece_of(raw, false, piece);
		fputs(piece, out);
	}
}

void printable_text(struct fb_text *text, const char *raw)
{
	char piece[PIECE_BYTES];

	while (*raw) {
		raw += piece_of(raw, false, piece);
		fb_text_puts(text, piece);
	}
}

char *printable_copy(const char *raw, bool lines)
{
	char *copy = xmalloc(4 * strlen(raw) + PIECE_BYTES), *end = copy;

	while (*raw) {
		if (is_plain(*raw)) {
			*end++ = *raw++;
			continue;
		}
		raw += piece_of(raw, lines, end);
		end += strlen(end);
	}
	*end = 0;
	return xrealloc(copy, (size_t)(end - copy) + 1);
}
