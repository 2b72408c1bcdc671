/* The nearest word by edit distance (optimal string alignment), one row of the matrix after the
 * other; see nearest.h. */
#include "lib/base/nearest.h"

#include <stddef.h>
#include <string.h>

enum { WORD_MAX = 64 }; /* letters; what is longer is near to nothing */

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The edits between 'a' and 'b', of 'a_len' and 'b_len' letters, both at most WORD_MAX. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *spare = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			char x = lower(a[i - 1]), y = lower(b[j - 1]);

			row[j] = min(last[j - 1] + (x != y), min(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
				row[j] = min(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[b_len];
}

const char *nearest(const char *word, const char *const *candidates)
{
	size_t word_len = strlen(word);
	unsigned best = word_len < 6 ? 1 : word_len < 9 ? 2 : 3;
	const char *found = NULL;

	if (!word_len || word_len > WORD_MAX)
		return NULL;
	for (; *candidates; candidates++) {
		size_t len = strlen(*candidates);
		unsigned edits;

		if (len > WORD_MAX)
			continue;
		edits = distance(word, word_len, *candidates, len);
		if (edits >= word_len || edits > best || (found && edits == best))
			continue;
		best = edits;
		found = *candidates;
	}
	return found;
}
