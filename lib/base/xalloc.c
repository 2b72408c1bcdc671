/* Memory or the end; see xalloc.h. */
#include "lib/base/xalloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(size_t bytes)
{
	fprintf(stderr, "flowbed: out of memory (%zu bytes wanted)\n", bytes);
	abort();
}

void xalloc_failed(const char *what)
{
	fprintf(stderr, "flowbed: out of memory (%s)\n", what);
	abort();
}

void *xmalloc(size_t bytes)
{
	void *memory = malloc(bytes ? bytes : 1);

	if (!memory)
		out_of_memory(bytes);
	return memory;
}

void *xcalloc(size_t count, size_t bytes)
{
	void *memory = calloc(count ? count : 1, bytes ? bytes : 1);

	if (!memory)
		out_of_memory(bytes && count > SIZE_MAX / bytes ? SIZE_MAX : count * bytes);
	return memory;
}

void *xrealloc(void *memory, size_t bytes)
{
	void *moved = realloc(memory, bytes ? bytes : 1);

	if (!moved)
		out_of_memory(bytes);
	return moved;
}

char *xstrdup(const char *s)
{
	size_t bytes = strlen(s) + 1;

	return memcpy(xmalloc(bytes), s, bytes);
}
