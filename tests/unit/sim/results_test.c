/* What runs bring, as programs read it; and what connections of steps may cost. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/printable.h"
#include "sim/results.h"
#include "tests/unit/harness.h"

static struct results results;

/* Run 'text' as the file "dir/test.yaml" and add what it brings. */
static struct results_file *run(const char *text)
{
	struct problems problems;
	const struct runner_options options = {.seed = 1, .keep = true};
	struct runner_result result;
	struct results_file *file;
	struct scenario *sc;

	problems_init(&problems);
	sc = scenario_load_text(text, strlen(text), "dir/test.yaml", NULL, NULL, &problems);
	if (!sc) {
		file = results_add_problems(&results, "dir/test.yaml", &problems);
		problems_destroy(&problems);
		return file;
	}
	runner_run(sc, &options, &result);
	file = results_add_run(&results, sc, 1, &result, 1500000);
	runner_result_destroy(&result);
	scenario_free(sc);
	problems_destroy(&problems);
	return file;
}

static const struct results_check *check(const struct results_file *file, const char *what)
{
	for (size_t i = 0; i < file->checks_count; i++)
		if (!strcmp(file->checks[i].what, what))
			return &file->checks[i];
	printf("# no check is %s\n", what);
	CU_FAIL_FATAL("no such check");
	return NULL;
}

static enum runner_verdict verdict(const struct results_file *file, const char *what)
{
	return check(file, what)->verdict;
}

/* What 'write' makes of the results so far, for the caller to free. */
static char *written(void (*write)(FILE *out))
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	write(out);
	fclose(out);
	return text;
}

static void write_tap(FILE *out)
{
	results_tap_begin(out, results.count);
	for (size_t i = 0; i < results.count; i++)
		results_tap_file(out, &results.files[i], i + 1);
}

static void write_junit(FILE *out)
{
	results_junit_write(out, &results);
}

static void write_json(FILE *out)
{
	CU_ASSERT_TRUE(results_json_write(out, &results));
}

static void write_github(FILE *out)
{
	for (size_t i = 0; i < results.count; i++)
		results_github_file(out, &results.files[i]);
}

static void contains(void (*write)(FILE *out), const char *part, bool wanted)
{
	char *text = written(write);

	CU_ASSERT_EQUAL(strstr(text, part) != NULL, wanted);
	if ((strstr(text, part) != NULL) != wanted)
		printf("# %s in:\n%s\n", part, text);
	free(text);
}

#define NETWORK                                                                                    \
	"controller: learning\nswitches: {s1: {}}\n"                                               \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"                                  \
	"links: [h1 -- s1, h2 -- s1]\n"

static void every_expectation_step_and_property_is_a_check(void)
{
	const struct results_file *file;

	results_init(&results, "run");
	file = run(NETWORK "properties: {no_loops: no}\nsteps:\n  - ping: {from: h1, to: h2}\n"
	                   "  - tcp: {from: h1, to: h2:22}\n"
	                   "  - parallel: [{ping: {from: h2, to: h1}}]\n"
	                   "  - expect: {answered: {h2: 1}, errors: never}\n");
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_HELD);
	CU_ASSERT_EQUAL(verdict(file, "the run comes to its end"), RUNNER_HELD);
	CU_ASSERT_EQUAL(verdict(file, "ping h1 -> h2"), RUNNER_HELD);
	CU_ASSERT_EQUAL(verdict(file, "ping h2 -> h1"), RUNNER_HELD);
	CU_ASSERT_EQUAL(verdict(file, "answered h2: exactly 1"), RUNNER_HELD);
	CU_ASSERT_EQUAL(check(file, "answered h2: exactly 1")->value, 1);
	CU_ASSERT_EQUAL(verdict(file, "no_duplicates"), RUNNER_HELD);
	for (size_t i = 0; i < file->checks_count; i++)
		CU_ASSERT_STRING_NOT_EQUAL(file->checks[i].what, "no_loops");
	CU_ASSERT_EQUAL(results_count(file, RUNNER_HELD), file->checks_count);
	results_destroy(&results);
}

static void what_failed_is_the_one_that_failed(void)
{
	const struct results_file *file;

	results_init(&results, "run");
	file = run(NETWORK "steps:\n  - ping: {from: h1, to: h2}\n"
	                   "  - ping: {from: h1, to: h2, expect: {answered: 0}}\n"
	                   "  - expect: {packet_outs: 99, errors: never, within: 1s}\n");
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_FAILED);
	CU_ASSERT_EQUAL(verdict(file, "ping h1 -> h2"), RUNNER_HELD);
	CU_ASSERT_EQUAL(verdict(file, "ping h1 -> h2 [2]"), RUNNER_FAILED);
	CU_ASSERT_EQUAL(verdict(file, "packet_outs: exactly 99"), RUNNER_FAILED);
	CU_ASSERT_EQUAL(verdict(file, "errors: exactly 0"), RUNNER_HELD);
	CU_ASSERT_EQUAL(results_count(file, RUNNER_FAILED), 2);
	CU_ASSERT_EQUAL(file->failures_count, 2);
	CU_ASSERT_STRING_EQUAL(file->checks[file->failures[0].check].what, "ping h1 -> h2 [2]");
	CU_ASSERT_EQUAL(file->failures[0].at.line, 7);
	CU_ASSERT_PTR_NOT_NULL(file->failures[0].story);
	results_destroy(&results);
}

static void a_step_that_stands_again_by_an_alias_has_its_own_failures(void)
{
	const struct results_file *file;

	results_init(&results, "run");
	file = run(NETWORK "steps:\n  - &p {ping: {from: h1, to: h2}}\n"
	                   "  - link: {down: h2 -- s1}\n"
	                   "  - *p\n  - link: {up: h2 -- s1}\n  - wait: 10s\n  - *p\n");
	CU_ASSERT_EQUAL(verdict(file, "ping h1 -> h2"), RUNNER_HELD);
	CU_ASSERT_EQUAL(verdict(file, "ping h1 -> h2 [2]"), RUNNER_FAILED);
	CU_ASSERT_EQUAL(verdict(file, "ping h1 -> h2 [3]"), RUNNER_HELD);
	CU_ASSERT_EQUAL(file->failures_count, 1);
	CU_ASSERT_STRING_EQUAL(file->checks[file->failures[0].check].what, "ping h1 -> h2 [2]");
	results_destroy(&results);
	file = run(NETWORK "steps:\n  - &e {expect: {flow_mods: {at_most: 0}}}\n"
	                   "  - ping: {from: h1, to: h2}\n  - *e\n");
	CU_ASSERT_EQUAL_FATAL(file->failures_count, 2);
	CU_ASSERT_STRING_EQUAL(file->checks[file->failures[0].check].what, "flow_mods: at most 0");
	CU_ASSERT_STRING_EQUAL(file->checks[file->failures[1].check].what, "flow_mods: at most 0 [2]");
	results_destroy(&results);
}

static void what_a_run_does_not_come_to_is_not_judged(void)
{
	const struct results_file *file;

	results_init(&results, "run");
	file = run(NETWORK "end: 2s\nsteps:\n  - {wait: 1s, repeat: 5}\n  - ping: {from: h1, to: h2}\n"
	                   "  - expect: {errors: never}\n");
	CU_ASSERT_EQUAL(verdict(file, "the run comes to its end"), RUNNER_FAILED);
	CU_ASSERT_EQUAL(verdict(file, "ping h1 -> h2"), RUNNER_NOT_JUDGED);
	CU_ASSERT_EQUAL(verdict(file, "errors: exactly 0"), RUNNER_NOT_JUDGED);
	CU_ASSERT_EQUAL(verdict(file, "no_loops"), RUNNER_NOT_JUDGED);
	contains(write_tap, "ok 2 - ping h1 -> h2 # SKIP the run ended before\n", true);
	contains(write_junit, "<skipped message=\"the run ended before\"/>", true);
	contains(write_json, "\"outcome\":\"not judged\"", true);
	results_destroy(&results);
}

static void a_file_that_cannot_be_read_is_an_error_everywhere(void)
{
	const struct results_file *file;

	results_init(&results, "run");
	file = run(NETWORK "steps:\n  - pong: {from: h1, to: h2}\n");
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_ERROR);
	CU_ASSERT_EQUAL(file->problems_count, 1);
	contains(write_tap, "    not ok 1 - the file can be read\n", true);
	contains(write_tap, "\nnot ok 1 - dir/test.yaml\n", true);
	contains(write_junit, "errors=\"1\"", true);
	contains(write_junit, "<error type=\"error\" message=\"unknown key &apos;", false);
	contains(write_json, "\"outcome\":\"error\"", true);
	contains(write_github,
	         "::error file=dir/test.yaml,line=6,col=5,title=mistake in a scenario::unknown key",
	         true);
	results_destroy(&results);
}

/* Texts of the file that mean something in the formats. */
static void what_means_something_is_escaped(void)
{
	results_init(&results, "run");
	run(NETWORK "name: 'a <b> & \"c\" # % d'\nsteps:\n  - ping: {from: h1, to: h2, count: 2, "
	            "expect: {answered: 1}}\n");
	contains(write_junit, "name=\"a &lt;b&gt; &amp; &quot;c&quot; # % d\"", true);
	contains(write_junit, "name=\"ping h1 -&gt; h2\"", true);
	contains(write_tap, "not ok 1 - dir/test.yaml: a <b> & \"c\" \\# % d\n", true);
	contains(write_json, "\"name\":\"a <b> & \\\"c\\\" # % d\"", true);
	contains(write_github,
	         "title=ping h1 -> h2::expected ping h1 -> h2: exactly 1 of 2 answered%0Ahappened",
	         true);
	results_destroy(&results);
	results_init(&results, "run");
	run(NETWORK "steps:\n  - ping: {from: h1, to: h2, expect: {outcome: timeout}}\n");
	results_set_error(&results.files[0], "100%: \x01 and \xff,\nend");
	contains(write_github, "title=flowbed::100%25: \\x01 and \\xff,%0Aend\n", true);
	contains(write_junit, "message=\"100%: \xef\xbf\xbd and \xef\xbf\xbd,&#10;end\"", true);
	contains(write_json, "100%: \\u0001 and \\ufffd,\\u000aend", true);
	results_destroy(&results);
}

/* --- Many runs --- */

/* A sweep over the ten seeds from 11 on, of which each third fails in the one expectation, twice, and the one with seed 14
 * crashes. */
static struct results_file *swept(void)
{
	static const char text[] =
	        NETWORK "steps:\n  - ping: {from: h1, to: h2}\n  - expect: {errors: never}\n";
	const struct failure_of of = {.kind = FAILURE_OF_EXPECTATION, .id = 0};
	struct problems problems;
	struct results_file *file;
	struct scenario *sc;

	problems_init(&problems);
	sc = scenario_load_text(text, strlen(text), "dir/test.yaml", NULL, NULL, &problems);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	file = results_add_sweep(&results, sc, (struct sweep_seeds){11, 20});
	for (uint64_t seed = 11; seed <= 20; seed++) {
		struct sweep_run one = seed == 14 ? sweep_run_crashed("signal 11") : (struct sweep_run){0};

		for (unsigned i = 0; seed % 3 == 0 && i < 2; i++)
			failures_add(&one.failures, of, "errors", (struct position){7, 5}, 1000000000,
			             "errors: never", "1", NULL, NULL);
		one.took_ns = 1000;
		one.excused[NO_LOST_BUFFERS] = 1;
		one.faults[FAULT_LOSE] = 2;
		results_sweep_run(file, seed, &one, one.failures.total ? "flowbed run 'a & b'" : NULL);
		sweep_run_destroy(&one);
	}
	results_sweep_end(file);
	scenario_free(sc);
	problems_destroy(&problems);
	return file;
}

static void a_check_of_a_sweep_holds_when_it_does_in_every_run(void)
{
	const struct results_file *file;

	results_init(&results, "sweep");
	file = swept();
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_FAILED);
	CU_ASSERT_EQUAL(verdict(file, "ping h1 -> h2"), RUNNER_HELD);
	CU_ASSERT_EQUAL(verdict(file, "no_loops"), RUNNER_HELD);
	CU_ASSERT_EQUAL(verdict(file, "errors: exactly 0"), RUNNER_FAILED);
	CU_ASSERT_EQUAL(check(file, "errors: exactly 0")->wrong, 3);
	CU_ASSERT_EQUAL(check(file, "errors: exactly 0")->count, 10);
	CU_ASSERT_EQUAL(verdict(file, "the run comes to its end"), RUNNER_FAILED);
	CU_ASSERT_EQUAL(file->runs_failed, 4);
	CU_ASSERT_EQUAL(file->failures_total, 7);
	CU_ASSERT_EQUAL(file->failures[0].seed, 12);
	CU_ASSERT_EQUAL(file->wall_ns, 10000);
	contains(write_tap, "    # seeds 11..20: 10 runs, 4 failed\n", true);
	contains(write_tap, "    not ok 3 - errors: exactly 0, failed in 3 of 10 runs\n", true);
	contains(write_tap, "          seed: 12\n          repeat: \"flowbed run 'a & b'\"\n", true);
	contains(write_junit, "<property name=\"runs_failed\" value=\"4\"/>", true);
	contains(write_junit, "  repeat    flowbed run 'a &amp; b'\n", true);
	contains(write_junit, "crash: signal 11", true);
	contains(write_json, "\"seeds\":{\"first\":11,\"last\":20},\"runs\":10,\"runs_failed\":4", true);
	contains(write_json, "\"excused\":{\"no_lost_buffers\":10},\"faults\":{\"lose\":20}", true);
	contains(write_json, "\"digest\"", false);
	contains(write_github,
	         "title=errors: exactly 0::failed in 3 of 10 runs, first with seed 12%0A", false);
	contains(write_github,
	         "line=7,col=5,title=errors%3A exactly 0::failed in 3 of 10 runs, first with seed 12%0A", true);
	contains(write_github, "first with seed 18", false);
	results_destroy(&results);
}

static void failures_of_a_sweep_beyond_those_kept_are_counted(void)
{
	struct results_file *file;

	results_init(&results, "sweep");
	file = swept();
	for (unsigned i = 0; i < RESULTS_FAILURES_MAX; i++) {
		struct sweep_run one = sweep_run_crashed("signal 6");

		results_sweep_run(file, 21 + i, &one, "flowbed run it");
		sweep_run_destroy(&one);
	}
	CU_ASSERT_EQUAL(file->failures_count, RESULTS_FAILURES_MAX);
	CU_ASSERT_EQUAL(file->failures_total, RESULTS_FAILURES_MAX + 7);
	CU_ASSERT_EQUAL(check(file, "the run comes to its end")->wrong, RESULTS_FAILURES_MAX + 1);
	results_destroy(&results);
}

static void what_no_run_was_made_of_is_not_judged(void)
{
	static const char text[] = NETWORK "steps: [{wait: 1s}]\n";
	struct problems problems;
	struct results_file *file;
	struct scenario *sc;

	results_init(&results, "sweep");
	problems_init(&problems);
	sc = scenario_load_text(text, strlen(text), "dir/test.yaml", NULL, NULL, &problems);
	CU_ASSERT_PTR_NOT_NULL_FATAL(sc);
	file = results_add_sweep(&results, sc, (struct sweep_seeds){1, 5});
	results_sweep_end(file);
	CU_ASSERT_EQUAL(verdict(file, "the run comes to its end"), RUNNER_NOT_JUDGED);
	contains(write_tap, "    ok 2 - no_loops # SKIP it was not run\n", true);
	results_set_error(file, "the sweep was interrupted");
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_ERROR);
	contains(write_tap, "\nnot ok 1 - dir/test.yaml", true);
	contains(write_junit, "message=\"the sweep was interrupted\"", true);
	results_destroy(&results);
	scenario_free(sc);
	problems_destroy(&problems);
}

static void mutants_are_checks_of_no_file(void)
{
	char a[] = "a,b.yaml", b[] = "b.yaml", *files[] = {a, b};
	struct results_file *file;

	results_init(&results, "mutate");
	file = results_add_mutants(&results, files, 2);
	results_alone_failed(file, 1, 7, "no_loops");
	results_alone_end(file);
	results_add_mutant(file, mutants_find("leaked-buffer"), "a,b.yaml: no_lost_buffers", NULL);
	results_add_mutant(file, mutants_find("wrong-checksum"), NULL, "survived 1 file");
	CU_ASSERT_EQUAL(verdict(file, "a,b.yaml holds without a mutant"), RUNNER_HELD);
	CU_ASSERT_EQUAL(verdict(file, "b.yaml holds without a mutant"), RUNNER_FAILED);
	CU_ASSERT_EQUAL(verdict(file, "leaked-buffer is caught"), RUNNER_HELD);
	CU_ASSERT_EQUAL(verdict(file, "wrong-checksum is caught"), RUNNER_FAILED);
	CU_ASSERT_EQUAL(file->failures_total, 2);
	contains(write_tap, "    ok 3 - leaked-buffer is caught by a,b.yaml: no_lost_buffers\n", true);
	contains(write_tap, "    not ok 4 - wrong-checksum is caught\n", true);
	contains(write_tap, "at: {file", false);
	contains(write_tap, "happened: \"with seed 7: no_loops\"", true);
	contains(write_junit, " file=\"", false);
	contains(write_junit, "expected a scenario that fails when the switch spoils the IPv4", true);
	contains(write_json, "\"caught_by\":\"a,b.yaml: no_lost_buffers\"", true);
	contains(write_json, "\"caught_by\":null", true);
	contains(write_github, "::error title=wrong-checksum is caught::expected a scenario", true);
	results_destroy(&results);
}

static void is_printable_as(const char *raw, const char *printable)
{
	char buffer[100], *copy = printable_copy(raw, false);
	struct fb_text text = fb_text_make(buffer, sizeof buffer);

	printable_text(&text, raw);
	CU_ASSERT_STRING_EQUAL(copy, printable);
	CU_ASSERT_STRING_EQUAL(buffer, printable);
	free(copy);
}

static void control_characters_become_printable(void)
{
	char *lines = printable_copy("a\n\x1b\r\n", true);

	is_printable_as("", "");
	is_printable_as("a b \\ \"~", "a b \\ \"~");
	is_printable_as("\x1b[31m\t\r\n\x7f", "\\x1b[31m\\t\\x0d\\n\\x7f");
	is_printable_as("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	is_printable_as("\xc2\x9b \xe2\x80\xa8", "\\x9b \\u2028");
	is_printable_as("\x9b\xc3", "\\x9b\\xc3");
	is_printable_as("\xc0\x9b\xf8x", "\\xc0\\x9b\\xf8x");
	is_printable_as("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* half of a pair */
	is_printable_as("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* beyond the last */
	is_printable_as("\xf4\x8f\xbf\xbf\xed\x9f\xbf", "\xf4\x8f\xbf\xbf\xed\x9f\xbf");
	CU_ASSERT_STRING_EQUAL(lines, "a\n\\x1b\\x0d\n");
	free(lines);
}

static void no_text_of_a_file_ends_a_line_or_reaches_a_terminal(void)
{
	static const char *const parts[] = {"\n::error", "\x1b", "\x07", "\xc2\x9b"};

	results_init(&results, "run");
	run("name: \"n\\n::error::n \\x1b \\x9b\"\n"
	    "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24, hostname: \"a\\x07\"}}\n"
	    "links: [h1 -- h2]\nsteps:\n"
	    "  - udp: {from: h1, to: h2:7, send: \"x\\n::error\", expect: {reply: \"r\\n::error \\x1b\"}}\n");
	CU_ASSERT_EQUAL(results_outcome(&results.files[0]), RESULTS_FAILED);
	contains(write_tap, ": n\\\\n::error::n \\\\x1b", true);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		contains(write_tap, parts[i], false);
		contains(write_json, parts[i], false);
		contains(write_github, parts[i], false);
	}
	results_destroy(&results);
}

static void the_same_run_brings_the_same_text(void)
{
	char *first, *second;

	results_init(&results, "run");
	run(NETWORK "steps:\n  - ping: {from: h1, to: h2}\n");
	first = written(write_json);
	results_destroy(&results);
	results_init(&results, "run");
	run(NETWORK "steps:\n  - ping: {from: h1, to: h2}\n")->wall_ns = 99;
	second = written(write_json);
	results_destroy(&results);
	CU_ASSERT_STRING_EQUAL(first, second);
	free(first);
	free(second);
}

/* --- Budgets --- */

#define SHARED                                                                                     \
	"controller: balancer\nswitches: {s1: {}}\n"                                               \
	"hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.9/24}, h3: {ip: 10.0.0.9/24}}\n"           \
	"links: [h1 -- s1, h2 -- s1, h3 -- s1]\nsteps:\n"                                          \
	"  - tcp: {from: h1, to: 10.0.0.9:22}\n"                                                   \
	"  - mark: warm\n"                                                                         \
	"  - {repeat: 3, tcp: {from: h1, to: 10.0.0.9:22}}\n"

static void budget_of(const char *step, const char *expect, bool held)
{
	char text[2000];
	const struct results_file *file;

	snprintf(text, sizeof text, SHARED "%s  - expect: {since: warm, within: 1ms, %s}\n", step,
	         expect);
	results_init(&results, "run");
	file = run(text);
	CU_ASSERT_EQUAL(results_outcome(file), held ? RESULTS_HELD : RESULTS_FAILED);
	if ((results_outcome(file) == RESULTS_HELD) != held)
		printf("# %s: %s\n", expect,
		       file->failures_count ? file->failures[0].happened : "held");
	results_destroy(&results);
}

static void budget(const char *expect, bool held)
{
	budget_of("", expect, held);
}

static void a_budget_is_of_each_connection_and_exact(void)
{
	budget("per_connection: {packet_ins: 2}", true);
	budget("per_connection: {packet_ins: 1}", false);
	budget("per_connection: {packet_ins: 3}", false);
	budget("per_connection: {packet_ins: {at_least: 1, at_most: 1}}", false);
	budget("per_connection: {flow_mods: 2}", true);
	budget("per_connection: {flow_mods: 3}", false);
	budget("per_connection: {setup_time: {at_least: 1us, at_most: 2ms}}", true);
	budget("per_connection: {setup_time: {at_least: 1us, at_most: 500us}}", false);
	budget("per_connection: {setup_time: 1us}", false);
	/* What was refused was never established, and takes no time. */
	budget_of("  - tcp: {from: h1, to: 10.0.0.9:999, expect: {outcome: refused}}\n",
	          "per_connection: {setup_time: {at_least: 1us, at_most: 2ms}}", true);
	budget("control_bytes: {at_least: 100, at_most: 5000}", true);
	budget("control_bytes: {s1: {at_least: 1, at_most: 50}}", false);
}

/* Discovery goes on all the time; echoes are switched off. */
static void discovery_is_not_on_the_bill(void)
{
	const struct results_file *file;

	results_init(&results, "run");
	file = run("controller: {apps: balancer, echo_idle: 1h}\nswitches: {s1: {echo_idle: 0}}\n"
	           "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.9/24}}\n"
	           "links: [h1 -- s1, h2 -- s1]\nsteps:\n"
	           "  - mark: quiet\n  - wait: 20s\n"
	           "  - expect: {since: quiet, control_bytes: never}\n");
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_HELD);
	CU_ASSERT_TRUE(file->lldp_messages > 8);
	results_destroy(&results);
}

/* The second connection from a port finds the entries of the first, and costs nothing. */
static void what_came_before_a_port_was_used_again_is_the_first_ones(void)
{
	const struct results_file *file;

	results_init(&results, "run");
	file = run(SHARED "  - tcp: {from: h1, to: 10.0.0.9:22, src_port: 4000}\n  - mark: again\n"
	                  "  - tcp: {from: h1, to: 10.0.0.9:22, src_port: 4000}\n"
	                  "  - expect: {since: again, per_connection: {packet_ins: 0, flow_mods: "
	                  "0}}\n  - expect: {since: warm, per_connection: {packet_ins: {at_most: "
	                  "2}}}\n");
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_HELD);
	results_destroy(&results);
}

static void entries_of_a_connection_are_those_that_name_it(void)
{
	const struct results_file *file;

	results_init(&results, "run");
	file = run(SHARED "  - expect: {per_connection: {flows: 2}}\n");
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_HELD);
	file = run(SHARED "  - expect: {within: 1ms, per_connection: {flows: 3}}\n");
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_FAILED);
	results_destroy(&results);
}

static void a_request_may_take_so_long_and_no_longer(void)
{
	const struct results_file *file;

	results_init(&results, "run");
	file = run(SHARED
	           "  - tcp: {from: h1, to: 10.0.0.9:22, expect: {setup_time: {at_most: 2ms}}}\n");
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_HELD);
	file = run(SHARED
	           "  - tcp: {from: h1, to: 10.0.0.9:22, expect: {setup_time: {at_most: 1us}}}\n");
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_FAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(file->failures[0].expected, "established after at most 1us"));
	results_destroy(&results);
}

/* Nobody counts what costs nothing to be told: a network that is only switched. */
static void a_budget_without_connections_costs_nothing(void)
{
	const struct results_file *file;

	results_init(&results, "run");
	file = run(NETWORK "steps:\n  - tcp: {from: h1, to: h2:22}\n  - mark: later\n"
	                   "  - expect: {since: later, per_connection: {packet_ins: never}}\n");
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_HELD);
	results_destroy(&results);
}

/* --- Dumps --- */

static void a_dump_is_of_the_quiet_network(void)
{
	const struct results_file *file;
	const char flows[] =
	        "switches:\n  s1: {flows: [\"priority=5,in_port=1,actions=output:2\", "
	        "\"cookie=7,actions=drop\"]}\n"
	        "hosts: {h1: {ip: 10.0.0.1/24}, h2: {ip: 10.0.0.2/24}}\n"
	        "links: [h1 -- s1, h2 -- s1]\nsteps:\n  - ping: {from: h1, to: h2, expect: "
	        "{answered: 0}}\n";
	char text[3000];

	results_init(&results, "run");
	snprintf(text, sizeof text,
	         "%s  - expect: {dump: {flows: s1, is: [\"priority=5,in_port=1 "
	         "actions=output:2\", \"cookie=0x7, actions=drop\"]}}\n",
	         flows);
	file = run(text);
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_HELD);
	snprintf(text, sizeof text,
	         "%s  - expect: {dump: {flows: s1, counters: yes, is: [\"cookie=0x0, "
	         "duration=<duration>, table=0, n_packets=1, n_bytes=42, priority=5,in_port=1 "
	         "actions=output:2\", \"cookie=0x7, <any>\"]}}\n",
	         flows);
	file = run(text);
	CU_ASSERT_TRUE(file->checks_count > 2);
	snprintf(text, sizeof text, "%s  - expect: {dump: {flows: s1, is: }}\n", flows);
	file = run(text);
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_FAILED);
	CU_ASSERT_PTR_NOT_NULL(
	        strstr(file->failures[0].happened, "\n    + cookie=0x7, actions=drop"));
	/* Nobody waited for it to come true. */
	CU_ASSERT_TRUE(file->failures[0].time_ns < 9 * FB_NS_PER_S);
	snprintf(text, sizeof text,
	         "%s  - expect: {dump: {ports: s1, is: [\"1(<any>) addr=<mac> <any>\", "
	         "\"2(<any>) addr=<mac> <any>\"]}}\n",
	         flows);
	file = run(text);
	CU_ASSERT_EQUAL(results_outcome(file), RESULTS_HELD);
	results_destroy(&results);
}

UNIT_TESTS("results", UNIT_TEST(every_expectation_step_and_property_is_a_check),
           UNIT_TEST(what_failed_is_the_one_that_failed),
           UNIT_TEST(a_step_that_stands_again_by_an_alias_has_its_own_failures),
           UNIT_TEST(what_a_run_does_not_come_to_is_not_judged),
           UNIT_TEST(a_file_that_cannot_be_read_is_an_error_everywhere),
           UNIT_TEST(what_means_something_is_escaped), UNIT_TEST(a_check_of_a_sweep_holds_when_it_does_in_every_run),
           UNIT_TEST(failures_of_a_sweep_beyond_those_kept_are_counted),
           UNIT_TEST(what_no_run_was_made_of_is_not_judged),
           UNIT_TEST(mutants_are_checks_of_no_file), UNIT_TEST(control_characters_become_printable),
           UNIT_TEST(no_text_of_a_file_ends_a_line_or_reaches_a_terminal),
           UNIT_TEST(the_same_run_brings_the_same_text),
           UNIT_TEST(a_budget_is_of_each_connection_and_exact),
           UNIT_TEST(discovery_is_not_on_the_bill),
           UNIT_TEST(what_came_before_a_port_was_used_again_is_the_first_ones),
           UNIT_TEST(entries_of_a_connection_are_those_that_name_it),
           UNIT_TEST(a_request_may_take_so_long_and_no_longer),
           UNIT_TEST(a_budget_without_connections_costs_nothing),
           UNIT_TEST(a_dump_is_of_the_quiet_network))
