/* Results as one JSON document (the man page describes it): the same bytes for the same files and seeds,
 * because it tells no time but virtual time. */
#include "sim/results.h"

#include <flowbed/report.h>
#include <string.h>

#include "sim/scenario_keys.h"

enum { FORMAT = 1 }; /* grows when a key changes its meaning or goes */

static void put_place(struct fb_report *report, struct position at)
{
	if (at.line) {
		fb_report_u64(report, "line", at.line);
		fb_report_u64(report, "column", at.column);
	} else {
		fb_report_null(report, "line");
		fb_report_null(report, "column");
	}
}

static void put_text(struct fb_report *report, const char *key, const char *text)
{
	if (text)
		fb_report_text(report, key, text);
	else
		fb_report_null(report, key);
}

static void put_checks(struct fb_report *report, const struct results_file *file)
{
	fb_report_begin_plain_list(report, "checks");
	for (size_t i = 0; i < file->checks_count; i++) {
		const struct results_check *check = &file->checks[i];

		fb_report_begin_map(report, NULL);
		fb_report_text(report, "kind", results_kind_text(check->kind));
		fb_report_text(report, "what", check->what);
		fb_report_text(report, "outcome", results_verdict_text(check->verdict));
		put_place(report, check->at);
		if (file->scope == RESULTS_OF_SWEEP) {
			fb_report_u64(report, "runs_failed", check->wrong);
		} else if (check->kind == RESULTS_STEP) {
			fb_report_u64(report, "requests", check->count);
			fb_report_u64(report, "wrong", check->wrong);
		} else if (check->kind == RESULTS_EXPECTATION) {
			fb_report_u64(report, "value", check->value);
		} else if (check->kind == RESULTS_MUTANT) {
			put_text(report, "caught_by", check->caught);
		}
		fb_report_end_map(report);
	}
	fb_report_end_plain_list(report);
}

static void put_failures(struct fb_report *report, const struct results_file *file)
{
	fb_report_u64(report, "failures_total", file->failures_total);
	fb_report_begin_plain_list(report, "failures");
	for (size_t i = 0; i < file->failures_count; i++) {
		const struct results_failure *failure = &file->failures[i];

		fb_report_begin_map(report, NULL);
		fb_report_text(report, "check", file->checks[failure->check].what);
		fb_report_text(report, "key", failure->key);
		put_place(report, failure->at);
		fb_report_u64(report, "time_ns", failure->time_ns);
		fb_report_text(report, "expected", failure->expected);
		fb_report_text(report, "happened", failure->happened);
		put_text(report, "story", failure->story);
		if (failure->repeat) {
			fb_report_u64(report, "seed", failure->seed);
			fb_report_text(report, "repeat", failure->repeat);
		}
		fb_report_end_map(report);
	}
	fb_report_end_plain_list(report);
}

static void put_problems(struct fb_report *report, const struct results_file *file)
{
	fb_report_begin_plain_list(report, "problems");
	for (size_t i = 0; i < file->problems_count; i++) {
		fb_report_begin_map(report, NULL);
		put_place(report, file->problems[i].at);
		fb_report_text(report, "text", file->problems[i].text);
		fb_report_end_map(report);
	}
	fb_report_end_plain_list(report);
}

static void put_counts(struct fb_report *report, const struct results_file *file)
{
	fb_report_begin_map(report, "counts");
	fb_report_u64(report, "frames", file->frames);
	fb_report_u64(report, "messages", file->messages);
	fb_report_u64(report, "packet_ins", file->packet_ins);
	fb_report_u64(report, "packet_outs", file->packet_outs);
	fb_report_u64(report, "flow_mods", file->flow_mods);
	fb_report_u64(report, "discovery_frames", file->lldp_frames);
	fb_report_u64(report, "discovery_messages", file->lldp_messages);
	fb_report_u64(report, "events", file->events);
	fb_report_end_map(report);
}

static void put_excused(struct fb_report *report, const struct results_file *file)
{
	fb_report_begin_map(report, "excused");
	for (unsigned i = 0; i < SCENARIO_PROPERTIES; i++)
		if (file->excused[i])
			fb_report_u64(report, scenario_keys_properties[i], file->excused[i]);
	fb_report_end_map(report);
}

static void put_run(struct fb_report *report, const struct results_file *file)
{
	fb_report_u64(report, "seed", file->seed);
	fb_report_text(report, "digest", file->digest);
	fb_report_u64(report, "virtual_time_ns", file->now_ns);
	put_counts(report, file);
	put_excused(report, file);
	fb_report_begin_plain_list(report, "faults");
	for (size_t i = 0; i < file->faults_count; i++)
		fb_report_text(report, NULL, file->faults[i]);
	fb_report_end_plain_list(report);
}

static void put_sweep(struct fb_report *report, const struct results_file *file)
{
	fb_report_begin_map(report, "seeds");
	fb_report_u64(report, "first", file->seed);
	fb_report_u64(report, "last", file->last_seed);
	fb_report_end_map(report);
	fb_report_u64(report, "runs", file->runs);
	fb_report_u64(report, "runs_failed", file->runs_failed);
	put_excused(report, file);
	fb_report_begin_map(report, "faults");
	for (unsigned i = 0; i < FAULT_KINDS; i++)
		if (file->fault_counts[i])
			fb_report_u64(report, fault_names[i], file->fault_counts[i]);
	fb_report_end_map(report);
}

static const char *outcome_text(enum results_outcome outcome)
{
	return outcome == RESULTS_HELD ? "held" : outcome == RESULTS_FAILED ? "failed" : "error";
}

static void put_file(struct fb_report *report, const struct results_file *file)
{
	fb_report_begin_map(report, NULL);
	fb_report_text(report, "file", file->file);
	fb_report_text(report, "outcome", outcome_text(results_outcome(file)));
	put_text(report, "error", file->error);
	put_problems(report, file);
	if (file->name) {
		fb_report_text(report, "name", file->name);
		if (file->scope == RESULTS_OF_RUN)
			put_run(report, file);
		else if (file->scope == RESULTS_OF_SWEEP)
			put_sweep(report, file);
		put_checks(report, file);
		put_failures(report, file);
	}
	fb_report_end_map(report);
}

static void put_totals(struct fb_report *report, const struct results *results)
{
	uint64_t outcomes[3] = {0};

	for (size_t i = 0; i < results->count; i++)
		outcomes[results_outcome(&results->files[i])]++;
	fb_report_bool(report, "held", outcomes[RESULTS_HELD] == results->count);
	fb_report_begin_map(report, "totals");
	fb_report_u64(report, "files", results->count);
	for (unsigned i = 0; i < 3; i++)
		fb_report_u64(report, outcome_text((enum results_outcome)i), outcomes[i]);
	fb_report_end_map(report);
}

bool results_json_write(FILE *out, const struct results *results)
{
	struct fb_report report;
	bool whole;

	fb_report_init(&report, RESULTS_JSON_BYTES_MAX, UINT32_MAX);
	fb_report_begin_map(&report, NULL);
	fb_report_text(&report, "program", "flowbed " FLOWBED_VERSION);
	fb_report_u64(&report, "format", FORMAT);
	fb_report_text(&report, "command", results->command);
	put_totals(&report, results);
	fb_report_begin_plain_list(&report, "files");
	for (size_t i = 0; i < results->count; i++)
		put_file(&report, &results->files[i]);
	fb_report_end_plain_list(&report);
	fb_report_end_map(&report);
	whole = !report.overflow;
	if (whole)
		fprintf(out, "%s\n", report.text);
	fb_report_destroy(&report);
	return whole;
}
