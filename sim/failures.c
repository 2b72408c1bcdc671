/* The list of a run's failures. See failures.h. */
#include "sim/failures.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/printable.h"
#include "sim/story.h"

void failures_init(struct failures *failures)
{
	*failures = (struct failures){0};
}

void failures_destroy(struct failures *failures)
{
	for (size_t i = 0; i < failures->count; i++) {
		free(failures->items[i].key);
		free(failures->items[i].expected);
		free(failures->items[i].happened);
		free(failures->items[i].story);
	}
	free(failures->items);
	failures_init(failures);
}

/* The events of 'relation' as text; NULL when there is none. */
static char *story_of(struct trace *trace, const struct trace_relation *relation)
{
	char *text = NULL, *printable;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	story_write(trace, relation, "  ", out);
	if (fclose(out) || !len) {
		free(text);
		return NULL;
	}
	printable = printable_copy(text, true);
	free(text);
	return printable;
}

void failures_add(struct failures *failures, struct failure_of of, const char *key, struct position at,
                  uint64_t time_ns, const char *expected, const char *happened, struct trace *trace,
                  const struct trace_relation *relation)
{
	struct failure *failure;

	failures->total++;
	if (failures->count == FAILURES_MAX)
		return;
	failures->items =
	        xrealloc(failures->items, (failures->count + 1) * sizeof *failures->items);
	failure = &failures->items[failures->count++];
	*failure = (struct failure){.of = of,
	                            .key = printable_copy(key, false),
	                            .at = at,
	                            .time_ns = time_ns,
	                            .expected = printable_copy(expected, false),
	                            /* A property may tell a matrix: of names, in which no line ends. */
	                            .happened = printable_copy(happened,
	                                                       of.kind == FAILURE_OF_PROPERTY),
	                            .story = trace ? story_of(trace, relation) : NULL};
}

void failures_append(struct failures *failures, size_t place, const char *text)
{
	struct failure *failure = &failures->items[place];
	char *printable;
	size_t len;

	if (place >= failures->count)
		return;
	printable = printable_copy(text, true);
	len = strlen(failure->happened);
	failure->happened = xrealloc(failure->happened, len + strlen(printable) + 1);
	strcpy(failure->happened + len, printable);
	free(printable);
}

void failures_print(const struct failures *failures, const char *file, FILE *out)
{
	char time[32];

	for (size_t i = 0; i < failures->count; i++) {
		const struct failure *failure = &failures->items[i];
		struct fb_text text = fb_text_make(time, sizeof time);

		fb_text_time(&text, failure->time_ns);
		fputc('\n', out);
		printable_write(out, file);
		fprintf(out, ":%u: FAILED at %s s\n  expected  %s\n  happened  %s\n",
		        failure->at.line, time, failure->expected, failure->happened);
		if (failure->story)
			fputs(failure->story, out);
	}
	if (failures->total > failures->count)
		fprintf(out, "\n%llu more failures are not shown\n",
		        (unsigned long long)(failures->total - failures->count));
}
