/* Results as JUnit XML, as GitLab, Jenkins and the actions of GitHub read it: a testsuite for each file,
 * a testcase for each check. Elements have the attributes that the schema of Jenkins's xUnit plugin
 * (junit-10.xsd) allows and no others, because it refuses the whole document for one more.
 *
 * 'time' is that on the wall, in seconds, as readers expect: of a suite how long its run took, of its
 * first testcase the same, of the others 0. Nothing else differs between runs of the same files and
 * seeds. Virtual time and digest are properties of the suite. */
#include "sim/results.h"

#include <string.h>

#include <flowbed/time.h>

/* --- Text --- */

static bool is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* The bytes of the character of XML 1.0 at 's', which is terminated; 0: there is none. */
static size_t character_len(const unsigned char *s)
{
	if (s[0] < 0x80)
		return s[0] >= ' ' || s[0] == '\t' || s[0] == '\n' || s[0] == '\r';
	if (s[0] >= 0xc2 && s[0] < 0xe0)
		return is_continuation(s[1]) ? 2 : 0;
	if (s[0] >= 0xe0 && s[0] < 0xf0) {
		const unsigned code = (s[0] & 0xfu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);

		return is_continuation(s[1]) && is_continuation(s[2]) && code >= 0x800 &&
		                       (code < 0xd800 || code > 0xdfff) && code < 0xfffe
		               ? 3
		               : 0;
	}
	if (s[0] >= 0xf0 && s[0] < 0xf5) {
		const unsigned high = (s[0] & 7u) << 4 | (s[1] >> 2 & 0xfu);

		return is_continuation(s[1]) && is_continuation(s[2]) && is_continuation(s[3]) &&
		                       high >= 4 && high <= 0x43
		               ? 4
		               : 0;
	}
	return 0;
}

/* What XML does not know becomes U+FFFD; 'lines': line ends and tabs are themselves. */
static void write_text(FILE *out, const char *text, bool lines)
{
	for (const unsigned char *c = (const unsigned char *)text; *c;) {
		const size_t len = character_len(c);

		if (!len)
			fputs("\xef\xbf\xbd", out);
		else if (*c == '&')
			fputs("&amp;", out);
		else if (*c == '<')
			fputs("&lt;", out);
		else if (*c == '>')
			fputs("&gt;", out);
		else if (*c == '"')
			fputs("&quot;", out);
		else if (*c == '\r' || (*c < ' ' && !lines))
			fprintf(out, "&#%u;", *c);
		else
			fwrite(c, 1, len, out);
		c += len ? len : 1;
	}
}

static void write_attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	write_text(out, value, false);
	fputc('"', out);
}

static void write_number(FILE *out, const char *name, uint64_t value)
{
	fprintf(out, " %s=\"%llu\"", name, (unsigned long long)value);
}

static void write_time(FILE *out, uint64_t ns)
{
	fprintf(out, " time=\"%llu.%06llu\"", (unsigned long long)(ns / FB_NS_PER_S),
	        (unsigned long long)(ns % FB_NS_PER_S / FB_NS_PER_US));
}

static void write_property(FILE *out, const char *name, const char *value)
{
	fputs("      <property", out);
	write_attribute(out, "name", name);
	write_attribute(out, "value", value);
	fputs("/>\n", out);
}

/* --- Testcases --- */

/* "scenarios/shared-address.yaml" is of the class "scenarios.shared-address". */
static void write_class(FILE *out, const char *file)
{
	char buffer[1000];
	struct fb_text text = fb_text_make(buffer, sizeof buffer);
	size_t len;

	fb_text_puts(&text, file[0] == '.' && file[1] == '/' ? file + 2 : file);
	len = strlen(buffer);
	if (len > 5 && !strcmp(buffer + len - 5, ".yaml"))
		buffer[len - 5] = 0;
	for (char *c = buffer; *c; c++)
		*c = *c == '/' ? '.' : *c;
	write_attribute(out, "classname", buffer[0] == '.' ? buffer + 1 : buffer);
}

static void write_case(FILE *out, const struct results_file *file, const char *name,
                       uint64_t wall_ns)
{
	fputs("    <testcase", out);
	write_class(out, file->file);
	write_attribute(out, "name", name);
	write_time(out, wall_ns);
}

/* All failures of one check as the text of one element, the first of them as its message. */
static void write_failure(FILE *out, const struct results_file *file, size_t check)
{
	char place[1200], time[32];
	bool first = true;

	for (size_t i = 0; i < file->failures_count; i++) {
		const struct results_failure *failure = &file->failures[i];
		struct fb_text place_text = fb_text_make(place, sizeof place);
		struct fb_text time_text = fb_text_make(time, sizeof time);

		if (failure->check != check)
			continue;
		if (first) {
			fputs("      <failure type=\"failure\" message=\"expected ", out);
			write_text(out, failure->expected, false);
			fputs("; happened: ", out);
			write_text(out, failure->happened, false);
			fputs("\">", out);
		}
		first = false;
		results_place_text(&place_text, file->file, failure->at);
		fb_text_time(&time_text, failure->time_ns);
		write_text(out, place, true);
		fputs(": FAILED", out);
		if (file->scope != RESULTS_OF_MUTANTS)
			fprintf(out, " at %s s", time);
		fputs("\n  expected  ", out);
		write_text(out, failure->expected, true);
		fputs("\n  happened  ", out);
		write_text(out, failure->happened, true);
		fputc('\n', out);
		if (failure->story)
			write_text(out, failure->story, true);
		if (failure->repeat) {
			fputs("  repeat    ", out);
			write_text(out, failure->repeat, true);
			fputc('\n', out);
		}
	}
	fputs(first ? "      <failure type=\"failure\" message=\"further failures are not "
	              "kept\"/>\n"
	            : "</failure>\n",
	      out);
}

static void write_check(FILE *out, const struct results_file *file, size_t place)
{
	const struct results_check *check = &file->checks[place];

	write_case(out, file, check->what, place ? 0 : file->wall_ns);
	if (check->verdict == RUNNER_HELD) {
		fputs("/>\n", out);
		return;
	}
	fputs(">\n", out);
	if (check->verdict == RUNNER_FAILED)
		write_failure(out, file, place);
	else
		fprintf(out, "      <skipped message=\"%s\"/>\n", results_skip_text(file));
	fputs("    </testcase>\n", out);
}

/* The mistakes of a file, or what else went wrong with it, as a testcase. */
static void write_error(FILE *out, const struct results_file *file)
{
	char place[1200];

	write_case(out, file,
	           file->error ? "nothing goes wrong beside the run" : "the file can be read", 0);
	fputs(">\n      <error type=\"error\"", out);
	write_attribute(out, "message",
	                file->error            ? file->error
	                : file->problems_count ? file->problems[0].text
	                                       : "it cannot be read");
	fputs(">", out);
	for (size_t i = 0; i < file->problems_count; i++) {
		struct fb_text text = fb_text_make(place, sizeof place);

		results_place_text(&text, file->file, file->problems[i].at);
		if (file->problems[i].at.line)
			fb_text_printf(&text, ":%u", file->problems[i].at.column);
		write_text(out, place, true);
		fputs(": ", out);
		write_text(out, file->problems[i].text, true);
		fputc('\n', out);
	}
	fputs("</error>\n    </testcase>\n", out);
}

/* --- Suites --- */

static bool has_error(const struct results_file *file)
{
	return results_outcome(file) == RESULTS_ERROR;
}

static void write_number_property(FILE *out, const char *name, uint64_t value)
{
	char buffer[32];
	struct fb_text text = fb_text_make(buffer, sizeof buffer);

	fb_text_printf(&text, "%llu", (unsigned long long)value);
	write_property(out, name, buffer);
}

static void write_properties(FILE *out, const struct results_file *file)
{
	char buffer[32];
	struct fb_text text = fb_text_make(buffer, sizeof buffer);

	if (file->scope == RESULTS_OF_MUTANTS)
		return;
	fputs("    <properties>\n", out);
	if (file->scope == RESULTS_OF_RUN) {
		write_number_property(out, "seed", file->seed);
		write_property(out, "digest", file->digest);
		fb_text_time(&text, file->now_ns);
		write_property(out, "virtual_time_s", buffer);
	} else {
		write_number_property(out, "first_seed", file->seed);
		write_number_property(out, "last_seed", file->last_seed);
		write_number_property(out, "runs", file->runs);
		write_number_property(out, "runs_failed", file->runs_failed);
	}
	fputs("    </properties>\n", out);
}

static void write_counts(FILE *out, uint64_t tests, uint64_t failures, uint64_t errors,
                         uint64_t wall_ns)
{
	write_number(out, "tests", tests);
	write_number(out, "failures", failures);
	write_number(out, "errors", errors);
	write_time(out, wall_ns);
}

static void write_suite(FILE *out, const struct results_file *file)
{
	fputs("  <testsuite", out);
	write_attribute(out, "name", file->name ? file->name : file->file);
	if (file->scope != RESULTS_OF_MUTANTS)
		write_attribute(out, "file", file->file);
	write_counts(out, file->checks_count + has_error(file), results_count(file, RUNNER_FAILED),
	             has_error(file), file->wall_ns);
	write_number(out, "skipped", results_count(file, RUNNER_NOT_JUDGED));
	fputs(">\n", out);
	if (file->name)
		write_properties(out, file);
	for (size_t i = 0; i < file->checks_count; i++)
		write_check(out, file, i);
	if (has_error(file))
		write_error(out, file);
	fputs("  </testsuite>\n", out);
}

void results_junit_write(FILE *out, const struct results *results)
{
	uint64_t tests = 0, failures = 0, errors = 0, wall_ns = 0;

	for (size_t i = 0; i < results->count; i++) {
		const struct results_file *file = &results->files[i];

		tests += file->checks_count + has_error(file);
		failures += results_count(file, RUNNER_FAILED);
		errors += has_error(file);
		wall_ns += file->wall_ns;
	}
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"flowbed\"", out);
	write_counts(out, tests, failures, errors, wall_ns);
	fputs(">\n", out);
	for (size_t i = 0; i < results->count; i++)
		write_suite(out, &results->files[i]);
	fputs("</testsuites>\n", out);
}
