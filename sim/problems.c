/* The list of a file's errors. See problems.h.
 *
 * Errors are found in the order in which the loader looks, which is not the order of the file; a
 * reader wants the latter, so they are sorted before they are printed. */
#include "sim/problems.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

void problems_init(struct problems *problems)
{
	*problems = (struct problems){0};
}

void problems_destroy(struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		free(problems->items[i].text);
	free(problems->items);
	problems_init(problems);
}

void problems_add(struct problems *problems, struct position at, const char *format, ...)
{
	char text[PROBLEM_TEXT_BYTES];
	struct problem *problem;
	va_list args;

	if (problems->count == PROBLEMS_MAX) {
		problems->dropped++;
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	if (problems->count == problems->size) {
		problems->size = problems->size ? 2 * problems->size : 8;
		problems->items =
		        xrealloc(problems->items, problems->size * sizeof *problems->items);
	}
	problem = &problems->items[problems->count];
	problem->at = at;
	problem->order = (uint32_t)problems->count;
	problem->text = xstrdup(text);
	problems->count++;
}

/* By line, column, discovery: a total order. */
static int problem_compare(const void *left, const void *right)
{
	const struct problem *a = left, *b = right;

	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	if (a->at.column != b->at.column)
		return a->at.column < b->at.column ? -1 : 1;
	return (a->order > b->order) - (a->order < b->order);
}

void problems_sort(struct problems *problems)
{
	size_t kept = 0;

	if (problems->count)
		qsort(problems->items, problems->count, sizeof *problems->items, problem_compare);
	for (size_t i = 0; i < problems->count; i++) {
		struct problem *last = kept ? &problems->items[kept - 1] : NULL;
		struct problem *this = &problems->items[i];

		if (last && last->at.line == this->at.line && last->at.column == this->at.column &&
		    !strcmp(last->text, this->text))
			free(this->text);
		else
			problems->items[kept++] = *this;
	}
	problems->count = kept;
}

void problems_print(const struct problems *problems, const char *file, FILE *out)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->items[i];

		if (problem->at.line)
			fprintf(out, "%s:%u:%u: %s\n", file, problem->at.line, problem->at.column,
			        problem->text);
		else
			fprintf(out, "%s: %s\n", file, problem->text);
	}
	if (problems->dropped)
		fprintf(out, "%s: %zu more errors are not shown\n", file, problems->dropped);
}
