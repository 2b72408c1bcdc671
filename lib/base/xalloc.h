/* Memory for cores: these never return NULL but end the program with a message, because a half-made
 * simulation or switch has no sensible way on. An amount that a peer controls must be bounded
 * before it comes here. */
#ifndef BASE_XALLOC_H
#define BASE_XALLOC_H

#include <stddef.h>

/* As malloc(), calloc(), realloc() and strdup(); a size of 0 gives a pointer that can be freed. The
 * caller owns what is returned and gives it back with free(). */
void *xmalloc(size_t bytes) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t bytes) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *memory, size_t bytes) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
/* The end, where memory was not had in another way: says that it was wanted for 'what'. */
_Noreturn void xalloc_failed(const char *what);

#endif
