/* Results as annotations of GitHub: "::error file=F,line=L,col=C,title=T::text", which a workflow shows
 * at that line of the file. What means something in such a line is written as %XX: in values also ','
 * and ':'. Other control characters are none here (printable.h). */
#include "sim/results.h"

#include <stdlib.h>
#include <string.h>

#include "sim/printable.h"

static void write_escaped(FILE *out, const char *text, const char *special)
{
	char *printable = printable_copy(text, true);

	for (const char *c = printable; *c; c++) {
		if (*c == '%' || *c == '\n' || strchr(special, *c))
			fprintf(out, "%%%02X", (unsigned char)*c);
		else
			fputc(*c, out);
	}
	free(printable);
}

/* What mutants do is in no file. */
static void write_head(FILE *out, const struct results_file *file, struct position at,
                       const char *title)
{
	fputs("::error ", out);
	if (file->scope != RESULTS_OF_MUTANTS) {
		fputs("file=", out);
		write_escaped(out, file->file, ",:");
		if (at.line)
			fprintf(out, ",line=%u,col=%u", at.line, at.column);
		fputc(',', out);
	}
	fputs("title=", out);
	write_escaped(out, title, ",:");
	fputs("::", out);
}

static void write_failure(FILE *out, const struct results_file *file,
                          const struct results_failure *failure)
{
	const struct results_check *check = &file->checks[failure->check];

	write_head(out, file, failure->at, check->what);
	if (file->scope == RESULTS_OF_SWEEP)
		fprintf(out, "failed in %llu of %llu runs, first with seed %llu%%0A",
		        (unsigned long long)check->wrong, (unsigned long long)check->count,
		        (unsigned long long)failure->seed);
	fputs("expected ", out);
	write_escaped(out, failure->expected, "");
	fputs("%0Ahappened ", out);
	write_escaped(out, failure->happened, "");
	if (failure->story) {
		fputs("%0A", out);
		write_escaped(out, failure->story, "");
	}
	if (failure->repeat) {
		fputs("%0A", out);
		write_escaped(out, failure->repeat, "");
	}
	fputc('\n', out);
}

/* Of a sweep one for each check: GitHub shows few of a step. */
static bool is_told(const struct results_file *file, size_t place)
{
	for (size_t i = 0; i < place && file->scope == RESULTS_OF_SWEEP; i++)
		if (file->failures[i].check == file->failures[place].check)
			return false;
	return true;
}

void results_github_file(FILE *out, const struct results_file *file)
{
	const struct position whole = {0, 0};

	for (size_t i = 0; i < file->problems_count; i++) {
		write_head(out, file, file->problems[i].at, "mistake in a scenario");
		write_escaped(out, file->problems[i].text, "");
		fputc('\n', out);
	}
	for (size_t i = 0; i < file->failures_count; i++)
		if (is_told(file, i))
			write_failure(out, file, &file->failures[i]);
	if (file->error) {
		write_head(out, file, whole, "flowbed");
		write_escaped(out, file->error, "");
		fputc('\n', out);
	}
}
