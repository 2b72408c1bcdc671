/* "Did you mean ...?": the known word nearest to a mistyped one. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

/* The member of 'candidates' (a NULL-terminated list) that takes the fewest insertions, deletions,
 * changes and swaps of neighbouring letters to become 'word', the first of several; capital letters
 * count as small ones. NULL when none is close: more than one edit for every three letters of
 * 'word', at least 1 and at most 3. */
const char *nearest(const char *word, const char *const *candidates);

#endif
