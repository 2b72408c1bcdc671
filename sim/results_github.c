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

static void write_head(FILE *out, const char *file, struct position at, const char *title)
{
	fputs("::error file=", out);
	write_escaped(out, file, ",:");
	if (at.line)
		fprintf(out, ",line=%u,col=%u", at.line, at.column);
	fputs(",title=", out);
	write_escaped(out, title, ",:");
	fputs("::", out);
}

static void write_failure(FILE *out, const struct results_file *file,
                          const struct results_failure *failure)
{
	write_head(out, file->file, failure->at, file->checks[failure->check].what);
	fputs("expected ", out);
	write_escaped(out, failure->expected, "");
	fputs("%0Ahappened ", out);
	write_escaped(out, failure->happened, "");
	if (failure->story) {
		fputs("%0A", out);
		write_escaped(out, failure->story, "");
	}
	fputc('\n', out);
}

void results_github_file(FILE *out, const struct results_file *file)
{
	const struct position whole = {0, 0};

	for (size_t i = 0; i < file->problems_count; i++) {
		write_head(out, file->file, file->problems[i].at, "mistake in a scenario");
		write_escaped(out, file->problems[i].text, "");
		fputc('\n', out);
	}
	for (size_t i = 0; i < file->failures_count; i++)
		write_failure(out, file, &file->failures[i]);
	if (file->error) {
		write_head(out, file->file, whole, "flowbed");
		write_escaped(out, file->error, "");
		fputc('\n', out);
	}
}
