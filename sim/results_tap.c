/* Results as TAP, version 13 (https://testanything.org/tap-version-13-specification.html): a test for
 * each file. Its checks are a subtest as version 14 has them, which readers of version 13, as prove,
 * pass over; that version itself some of those refuse. What failed has a block of YAML behind it that
 * tells where, what was expected and what happened, as simple as the readers of such blocks want it. */
#include "sim/results.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/printable.h"

void results_tap_begin(FILE *out, size_t files_count)
{
	fprintf(out, "TAP version 13\n1..%zu\n", files_count);
}

/* A description: "#" begins a directive, and a control character would end the line. */
static void write_description(FILE *out, const char *text)
{
	char *line = printable_copy(text, false);

	for (const char *c = line; *c; c++) {
		if (*c == '#' || *c == '\\')
			fputc('\\', out);
		fputc(*c, out);
	}
	free(line);
}

/* "at: {file: "a.yaml", line: 3, column: 7}"; of mutants nothing. */
static void write_place(FILE *out, const char *indent, const struct results_file *file,
                        struct position at)
{
	if (file->scope == RESULTS_OF_MUTANTS)
		return;
	fprintf(out, "%sat: {file: ", indent);
	results_write_quoted(out, file->file);
	if (at.line)
		fprintf(out, ", line: %u, column: %u", at.line, at.column);
	fputs("}\n", out);
}

static void write_value(FILE *out, const char *indent, const char *key, const char *value)
{
	fprintf(out, "%s%s: ", indent, key);
	results_write_quoted(out, value);
	fputc('\n', out);
}

/* A list of its lines. */
static void write_story(FILE *out, const char *indent, const char *story)
{
	fprintf(out, "%sstory:\n", indent);
	for (const char *line = story; *line;) {
		const size_t len = strcspn(line, "\n");
		char *text = xstrdup(line);

		text[len] = 0;
		fprintf(out, "%s  - ", indent);
		results_write_quoted(out, text);
		fputc('\n', out);
		free(text);
		line += len + (line[len] == '\n');
	}
}

static void write_failure(FILE *out, const struct results_file *file,
                          const struct results_failure *failure)
{
	char buffer[32];
	struct fb_text time = fb_text_make(buffer, sizeof buffer);

	fb_text_time(&time, failure->time_ns);
	fb_text_puts(&time, " s");
	write_value(out, "        - ", "expected", failure->expected);
	write_value(out, "          ", "happened", failure->happened);
	write_place(out, "          ", file, failure->at);
	if (file->scope != RESULTS_OF_MUTANTS)
		write_value(out, "          ", "time", buffer);
	if (failure->repeat) {
		fprintf(out, "          seed: %llu\n", (unsigned long long)failure->seed);
		write_value(out, "          ", "repeat", failure->repeat);
	}
	if (failure->story)
		write_story(out, "          ", failure->story);
}

static void write_failures(FILE *out, const struct results_file *file, size_t check)
{
	fputs("      ---\n      severity: fail\n", out);
	write_place(out, "      ", file, file->checks[check].at);
	fputs("      failures:\n", out);
	for (size_t i = 0; i < file->failures_count; i++)
		if (file->failures[i].check == check)
			write_failure(out, file, &file->failures[i]);
	fputs("      ...\n", out);
}

static bool has_failures(const struct results_file *file, size_t check)
{
	for (size_t i = 0; i < file->failures_count; i++)
		if (file->failures[i].check == check)
			return true;
	return false;
}

static void write_check(FILE *out, const struct results_file *file, size_t place)
{
	const struct results_check *check = &file->checks[place];

	fprintf(out, "    %sok %zu - ", check->verdict == RUNNER_FAILED ? "not " : "", place + 1);
	write_description(out, check->what);
	if (file->scope == RESULTS_OF_SWEEP && check->wrong)
		fprintf(out, ", failed in %llu of %llu runs", (unsigned long long)check->wrong,
		        (unsigned long long)check->count);
	else if (file->scope == RESULTS_OF_RUN && check->kind == RESULTS_STEP && check->count > 1)
		fprintf(out, ", %llu times", (unsigned long long)check->count);
	if (check->caught) {
		fputs(" by ", out);
		write_description(out, check->caught);
	}
	if (check->verdict == RUNNER_NOT_JUDGED)
		fprintf(out, " # SKIP %s", results_skip_text(file));
	fputc('\n', out);
	if (check->verdict == RUNNER_FAILED && has_failures(file, place))
		write_failures(out, file, place);
}

static void write_problems(FILE *out, const struct results_file *file)
{
	fputs("    not ok 1 - the file can be read\n      ---\n      severity: error\n"
	      "      problems:\n",
	      out);
	for (size_t i = 0; i < file->problems_count; i++) {
		write_value(out, "        - ", "message", file->problems[i].text);
		write_place(out, "          ", file, file->problems[i].at);
	}
	fputs("      ...\n    1..1\n", out);
}

/* Which runs they were. */
static void write_runs(FILE *out, const struct results_file *file)
{
	if (file->scope == RESULTS_OF_RUN)
		fprintf(out, "    # seed %llu, digest %s\n", (unsigned long long)file->seed,
		        file->digest);
	else if (file->scope == RESULTS_OF_SWEEP)
		fprintf(out, "    # seeds %llu..%llu: %llu runs, %llu failed\n",
		        (unsigned long long)file->seed, (unsigned long long)file->last_seed,
		        (unsigned long long)file->runs, (unsigned long long)file->runs_failed);
}

void results_tap_file(FILE *out, const struct results_file *file, size_t number)
{
	fputs("# Subtest: ", out);
	write_description(out, file->file);
	fputc('\n', out);
	if (file->name) {
		write_runs(out, file);
		for (size_t i = 0; i < file->checks_count; i++)
			write_check(out, file, i);
		fprintf(out, "    1..%zu\n", file->checks_count);
	} else {
		write_problems(out, file);
	}
	fprintf(out, "%sok %zu - ", results_outcome(file) == RESULTS_HELD ? "" : "not ", number);
	write_description(out, file->file);
	if (file->name) {
		fputs(": ", out);
		write_description(out, file->name);
	}
	fputc('\n', out);
	if (file->error) {
		fputs("  ---\n", out);
		write_value(out, "  ", "message", file->error);
		fputs("  ...\n", out);
	}
	fflush(out);
}
