/* The bookkeeping of a sweep. See sweep.h. */
#include "sim/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/values.h"
#include "lib/base/xalloc.h"
#include "sim/scenario_keys.h"

enum { KEYS_MAX = 1000 }; /* different ones of a file that are told; others are counted together */

/* The runs of a file whose first failure has this key. */
struct key_count {
	char *key;
	uint64_t count, first_seed;
};

struct tally {
	uint64_t runs, failed;
	struct key_count *keys; /* in the order in which they came */
	size_t keys_count;
	uint64_t excused[SCENARIO_PROPERTIES], faults[FAULT_KINDS];
};

struct sweep {
	char *const *files;
	size_t files_count;
	struct sweep_seeds seeds;
	struct tally *tallies; /* of each file */
	uint64_t done, failed;
};

/* --- Seeds --- */

bool sweep_seeds_parse(const char *text, struct sweep_seeds *seeds, const char **wrong)
{
	const char *dots = strstr(text, "..");
	char first[32];
	size_t len = dots ? (size_t)(dots - text) : strlen(text);

	*wrong = "write a seed, or a range of them, as 1..1000";
	if (len >= sizeof first)
		return false;
	memcpy(first, text, len);
	first[len] = 0;
	if (values_number(first, &seeds->first) ||
	    values_number(dots ? dots + 2 : first, &seeds->last))
		return false;
	if (seeds->first <= seeds->last)
		return true;
	*wrong = "the range ends before it begins";
	return false;
}

/* --- Runs --- */

struct sweep_run sweep_run_of(struct runner_result *result, uint64_t took_ns)
{
	struct sweep_run run = {.failures = result->failures, .took_ns = took_ns};

	failures_init(&result->failures);
	memcpy(run.excused, result->excused, sizeof run.excused);
	for (size_t i = 0; i < result->faults.count; i++)
		run.faults[result->faults.items[i].kind]++;
	return run;
}

struct sweep_run sweep_run_crashed(const char *text)
{
	struct sweep_run run = {0};
	char key[200];
	struct fb_text key_text = fb_text_make(key, sizeof key);

	fb_text_printf(&key_text, "crash: %s", text);
	failures_init(&run.failures);
	failures_add(&run.failures, (struct failure_of){.kind = FAILURE_OF_RUN}, key,
	             (struct position){0, 0}, 0, "a run that comes to its end", key, NULL, NULL);
	return run;
}

const char *sweep_run_key(const struct sweep_run *run)
{
	return run->failures.count ? run->failures.items[0].key : NULL;
}

/* The part of a run, and of a failure, that has always the same size. */
struct run_header {
	uint64_t failures_total, took_ns;
	uint64_t excused[SCENARIO_PROPERTIES], faults[FAULT_KINDS];
};

struct failure_header {
	struct failure_of of;
	struct position at;
	uint64_t time_ns;
};

void sweep_run_write(const struct sweep_run *run, FILE *out)
{
	struct run_header header = {.failures_total = run->failures.total, .took_ns = run->took_ns};

	memcpy(header.excused, run->excused, sizeof header.excused);
	memcpy(header.faults, run->faults, sizeof header.faults);
	fwrite(&header, sizeof header, 1, out);
	for (size_t i = 0; i < run->failures.count; i++) {
		const struct failure *failure = &run->failures.items[i];
		struct failure_header fixed;

		memset(&fixed, 0, sizeof fixed); /* also between its members */
		fixed.of = failure->of;
		fixed.at = failure->at;
		fixed.time_ns = failure->time_ns;
		fwrite(&fixed, sizeof fixed, 1, out);
		fwrite(failure->key, strlen(failure->key) + 1, 1, out);
		fwrite(failure->expected, strlen(failure->expected) + 1, 1, out);
		fwrite(failure->happened, strlen(failure->happened) + 1, 1, out);
	}
}

/* The terminated text at '*at', which comes to stand behind it; NULL: there is none before 'end'. */
static const char *read_text(const char **at, const char *end)
{
	const char *text = *at, *nul = memchr(text, 0, (size_t)(end - text));

	if (nul)
		*at = nul + 1;
	return nul ? text : NULL;
}

static bool read_failure(struct failures *failures, const char **at, const char *end)
{
	struct failure_header fixed;
	const char *key, *expected, *happened;

	if ((size_t)(end - *at) < sizeof fixed)
		return false;
	memcpy(&fixed, *at, sizeof fixed);
	*at += sizeof fixed;
	key = read_text(at, end);
	expected = key ? read_text(at, end) : NULL;
	happened = expected ? read_text(at, end) : NULL;
	if (!happened)
		return false;
	failures_add(failures, fixed.of, key, fixed.at, fixed.time_ns, expected, "", NULL, NULL);
	failures_append(failures, failures->count - 1, happened);
	return true;
}

bool sweep_run_read(struct sweep_run *run, const char *bytes, size_t len)
{
	const char *at = bytes, *end = bytes + len;
	struct run_header header;

	*run = (struct sweep_run){0};
	if (len < sizeof header)
		return false;
	memcpy(&header, at, sizeof header);
	at += sizeof header;
	while (at < end)
		if (!read_failure(&run->failures, &at, end)) {
			sweep_run_destroy(run);
			return false;
		}
	run->failures.total = header.failures_total;
	run->took_ns = header.took_ns;
	memcpy(run->excused, header.excused, sizeof header.excused);
	memcpy(run->faults, header.faults, sizeof header.faults);
	return true;
}

void sweep_run_destroy(struct sweep_run *run)
{
	failures_destroy(&run->failures);
	*run = (struct sweep_run){0};
}

/* --- The sweep --- */

struct sweep *sweep_new(char *const *files, size_t files_count, struct sweep_seeds seeds)
{
	struct sweep *sweep = xcalloc(1, sizeof *sweep);

	sweep->files = files;
	sweep->files_count = files_count;
	sweep->seeds = seeds;
	sweep->tallies = xcalloc(files_count, sizeof *sweep->tallies);
	return sweep;
}

void sweep_free(struct sweep *sweep)
{
	if (!sweep)
		return;
	for (size_t i = 0; i < sweep->files_count; i++) {
		for (size_t j = 0; j < sweep->tallies[i].keys_count; j++)
			free(sweep->tallies[i].keys[j].key);
		free(sweep->tallies[i].keys);
	}
	free(sweep->tallies);
	free(sweep);
}

uint64_t sweep_runs(const struct sweep *sweep)
{
	const uint64_t seeds_less_one = sweep->seeds.last - sweep->seeds.first;

	return seeds_less_one >= SWEEP_RUNS_MAX / sweep->files_count
	               ? 0
	               : (seeds_less_one + 1) * sweep->files_count;
}

size_t sweep_file_of(const struct sweep *sweep, uint64_t number)
{
	return number % sweep->files_count;
}

uint64_t sweep_seed_of(const struct sweep *sweep, uint64_t number)
{
	return sweep->seeds.first + number / sweep->files_count;
}

uint64_t sweep_done(const struct sweep *sweep)
{
	return sweep->done;
}

uint64_t sweep_failed(const struct sweep *sweep)
{
	return sweep->failed;
}

static void count_key(struct tally *tally, const char *key, uint64_t seed)
{
	for (size_t i = 0; i < tally->keys_count; i++)
		if (!strcmp(tally->keys[i].key, key)) {
			tally->keys[i].count++;
			return;
		}
	if (tally->keys_count == KEYS_MAX) {
		tally->keys[KEYS_MAX - 1].count++;
		return;
	}
	if (tally->keys_count == KEYS_MAX - 1)
		key = "others";
	tally->keys = xrealloc(tally->keys, (tally->keys_count + 1) * sizeof *tally->keys);
	tally->keys[tally->keys_count++] =
	        (struct key_count){.key = xstrdup(key), .count = 1, .first_seed = seed};
}

void sweep_add(struct sweep *sweep, const struct sweep_run *run)
{
	struct tally *tally = &sweep->tallies[sweep_file_of(sweep, sweep->done)];

	tally->runs++;
	for (size_t i = 0; i < SCENARIO_PROPERTIES; i++)
		tally->excused[i] += run->excused[i];
	for (size_t i = 0; i < FAULT_KINDS; i++)
		tally->faults[i] += run->faults[i];
	if (sweep_run_key(run)) {
		tally->failed++;
		sweep->failed++;
		count_key(tally, sweep_run_key(run), sweep_seed_of(sweep, sweep->done));
	}
	sweep->done++;
}

/* --- The summary --- */

static int compare_keys(const void *a, const void *b)
{
	const struct key_count *left = a, *right = b;

	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return strcmp(left->key, right->key);
}

/* "  excused: no_duplicates 12, bounded 1" of those that are not 0. */
static void write_counts(const char *what, const char *const *names, const uint64_t *counts,
                         size_t count, FILE *out)
{
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += counts[i];
	if (!total)
		return;
	fprintf(out, "  %s %llu:", what, (unsigned long long)total);
	for (size_t i = 0; i < count; i++) {
		if (!counts[i])
			continue;
		fprintf(out, "%s%s %llu", total ? " " : ", ", names[i],
		        (unsigned long long)counts[i]);
		total = 0;
	}
	fputc('\n', out);
}

static void write_tally(const char *name, const char *unit, const struct tally *tally, FILE *out)
{
	fprintf(out, "%s: %llu %s, ", name, (unsigned long long)tally->runs, unit);
	if (tally->failed)
		fprintf(out, "%llu FAILED\n", (unsigned long long)tally->failed);
	else
		fprintf(out, "all held\n");
}

static void write_file(const struct sweep *sweep, size_t file, FILE *out)
{
	struct tally *tally = &sweep->tallies[file];

	write_tally(sweep->files[file], "seeds", tally, out);
	if (tally->keys_count)
		qsort(tally->keys, tally->keys_count, sizeof *tally->keys, compare_keys);
	for (size_t i = 0; i < tally->keys_count; i++)
		fprintf(out, "  %6llu  %s (first with seed %llu)\n",
		        (unsigned long long)tally->keys[i].count, tally->keys[i].key,
		        (unsigned long long)tally->keys[i].first_seed);
	write_counts("faults", fault_names, tally->faults, FAULT_KINDS, out);
	write_counts("excused", scenario_keys_properties, tally->excused, SCENARIO_PROPERTIES, out);
}

void sweep_summary(const struct sweep *sweep, FILE *out)
{
	struct tally all = {.runs = sweep->done, .failed = sweep->failed};

	for (size_t i = 0; i < sweep->files_count; i++)
		write_file(sweep, i, out);
	if (sweep->files_count == 1)
		return;
	for (size_t i = 0; i < sweep->files_count; i++) {
		for (size_t j = 0; j < SCENARIO_PROPERTIES; j++)
			all.excused[j] += sweep->tallies[i].excused[j];
		for (size_t j = 0; j < FAULT_KINDS; j++)
			all.faults[j] += sweep->tallies[i].faults[j];
	}
	write_tally("all files", "runs", &all, out);
	write_counts("faults", fault_names, all.faults, FAULT_KINDS, out);
	write_counts("excused", scenario_keys_properties, all.excused, SCENARIO_PROPERTIES, out);
}
