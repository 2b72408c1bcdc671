/* The verdicts on mutants, and the table of them. See mutate.h. */
#include "sim/mutate.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

enum { HEADER_BYTES = 9 }; /* of a verdict as bytes: its fate and seed */

struct mutate {
	const struct mutant *const *mutants;
	size_t mutants_count;
	char *const *files;
	size_t files_count;
	struct mutate_verdict *verdicts; /* by mutant, then by file */
};

/* --- Verdicts --- */

void mutate_judge(struct mutate_verdict *verdict, uint64_t seed, const struct runner_result *result)
{
	if (!result->occasions) {
		if (verdict->fate == MUTATE_NOT_RUN)
			verdict->fate = MUTATE_NO_OCCASION;
		return;
	}
	if (!result->failures.total) {
		verdict->fate = MUTATE_SURVIVED;
		return;
	}
	verdict->fate = MUTATE_CAUGHT;
	verdict->seed = seed;
	verdict->key = xstrdup(result->failures.count ? result->failures.items[0].key : "");
}

void mutate_write(const struct mutate_verdict *verdict, FILE *out)
{
	uint8_t header[HEADER_BYTES] = {(uint8_t)verdict->fate};

	fb_set64(header + 1, verdict->seed);
	fwrite(header, 1, sizeof header, out);
	if (verdict->key)
		fputs(verdict->key, out);
}

bool mutate_read(struct mutate_verdict *verdict, const char *bytes, size_t len)
{
	*verdict = (struct mutate_verdict){0};
	if (len < HEADER_BYTES || (uint8_t)bytes[0] > MUTATE_CAUGHT)
		return false;
	verdict->fate = (enum mutate_fate)bytes[0];
	verdict->seed = fb_get64(bytes + 1);
	if (verdict->fate == MUTATE_CAUGHT) {
		verdict->key = xcalloc(len - HEADER_BYTES + 1, 1);
		memcpy(verdict->key, bytes + HEADER_BYTES, len - HEADER_BYTES);
	}
	return true;
}

/* --- All of them --- */

struct mutate *mutate_new(const struct mutant *const *mutants, size_t mutants_count,
                          char *const *files, size_t files_count)
{
	struct mutate *mutate = xcalloc(1, sizeof *mutate);

	*mutate = (struct mutate){.mutants = mutants,
	                          .mutants_count = mutants_count,
	                          .files = files,
	                          .files_count = files_count};
	mutate->verdicts = xcalloc(mutants_count * files_count, sizeof *mutate->verdicts);
	return mutate;
}

void mutate_free(struct mutate *mutate)
{
	if (!mutate)
		return;
	for (size_t i = 0; i < mutate->mutants_count * mutate->files_count; i++)
		free(mutate->verdicts[i].key);
	free(mutate->verdicts);
	free(mutate);
}

void mutate_set(struct mutate *mutate, size_t mutant, size_t file,
                const struct mutate_verdict *verdict)
{
	struct mutate_verdict *place = &mutate->verdicts[mutant * mutate->files_count + file];

	free(place->key);
	*place = *verdict;
}

static const struct mutate_verdict *verdict_of(const struct mutate *mutate, size_t mutant,
                                               size_t file)
{
	return &mutate->verdicts[mutant * mutate->files_count + file];
}

static size_t count_of(const struct mutate *mutate, size_t mutant, enum mutate_fate fate)
{
	size_t count = 0;

	for (size_t i = 0; i < mutate->files_count; i++)
		count += verdict_of(mutate, mutant, i)->fate == fate;
	return count;
}

size_t mutate_survivors(const struct mutate *mutate)
{
	size_t count = 0;

	for (size_t i = 0; i < mutate->mutants_count; i++)
		count += !count_of(mutate, i, MUTATE_CAUGHT);
	return count;
}

/* --- The table --- */

static const char *side_of(const struct mutant *mutant)
{
	return mutant->side == MUTANT_CONTROLLER ? "controller" : "switch";
}

static int name_width(const struct mutate *mutate)
{
	size_t width = strlen("mutant");

	for (size_t i = 0; i < mutate->mutants_count; i++)
		if (strlen(mutate->mutants[i]->name) > width)
			width = strlen(mutate->mutants[i]->name);
	return (int)width;
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* In how many files it survived, and in how many it had no occasion. */
static void put_survivor(const struct mutate *mutate, size_t mutant, FILE *out)
{
	const size_t survived = count_of(mutate, mutant, MUTATE_SURVIVED);
	const size_t none = count_of(mutate, mutant, MUTATE_NO_OCCASION);

	if (survived)
		fprintf(out, "survived %zu file%s%s", survived, plural(survived), none ? ", " : "");
	if (none)
		fprintf(out, "no occasion in %zu", none);
	else if (!survived)
		fputs("not run", out);
}

static void put_first_catch(const struct mutate *mutate, size_t mutant, FILE *out)
{
	const size_t caught = count_of(mutate, mutant, MUTATE_CAUGHT);
	size_t file = 0;

	while (verdict_of(mutate, mutant, file)->fate != MUTATE_CAUGHT)
		file++;
	fprintf(out, "%s: %s", mutate->files[file], verdict_of(mutate, mutant, file)->key);
	if (caught > 1)
		fprintf(out, " (and %zu other file%s)", caught - 1, plural(caught - 1));
}

static void put_files(const struct mutate *mutate, size_t mutant, FILE *out)
{
	for (size_t i = 0; i < mutate->files_count; i++) {
		const struct mutate_verdict *verdict = verdict_of(mutate, mutant, i);

		fprintf(out, "  %s: ", mutate->files[i]);
		switch (verdict->fate) {
		case MUTATE_NOT_RUN:
			fputs("not run\n", out);
			break;
		case MUTATE_NO_OCCASION:
			fputs("no occasion\n", out);
			break;
		case MUTATE_SURVIVED:
			fputs("survived\n", out);
			break;
		case MUTATE_CAUGHT:
			if (!verdict->no_seed)
				fprintf(out, "seed %llu: ", (unsigned long long)verdict->seed);
			fprintf(out, "%s\n", verdict->key);
			break;
		}
	}
}

static void put_line(const struct mutate *mutate, size_t mutant, int width, FILE *out)
{
	fprintf(out, "%-*s  %-10s  ", width, mutate->mutants[mutant]->name,
	        side_of(mutate->mutants[mutant]));
	if (count_of(mutate, mutant, MUTATE_CAUGHT)) {
		put_first_catch(mutate, mutant, out);
	} else {
		fputs("nobody: ", out);
		put_survivor(mutate, mutant, out);
	}
	fputc('\n', out);
}

void mutate_table(const struct mutate *mutate, bool each, FILE *out)
{
	const size_t survivors = mutate_survivors(mutate);
	const int width = name_width(mutate);

	fprintf(out, "%-*s  %-10s  caught by\n", width, "mutant", "side");
	for (size_t i = 0; i < mutate->mutants_count; i++) {
		put_line(mutate, i, width, out);
		if (each)
			put_files(mutate, i, out);
	}
	fprintf(out, "\n%zu of %zu mutants caught\n", mutate->mutants_count - survivors,
	        mutate->mutants_count);
	if (survivors)
		fputs("no scenario catches:\n", out);
	for (size_t i = 0; i < mutate->mutants_count; i++)
		if (!count_of(mutate, i, MUTATE_CAUGHT))
			fprintf(out, "  %-*s  %s\n", width, mutate->mutants[i]->name,
			        mutate->mutants[i]->description);
}

void mutate_results(const struct mutate *mutate, struct results_file *file)
{
	for (size_t i = 0; i < mutate->mutants_count; i++) {
		const bool caught = count_of(mutate, i, MUTATE_CAUGHT) > 0;
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		if (!out)
			continue;
		if (caught)
			put_first_catch(mutate, i, out);
		else
			put_survivor(mutate, i, out);
		if (fclose(out) == 0)
			results_add_mutant(file, mutate->mutants[i], caught ? text : NULL,
			                   caught ? NULL : text);
		free(text);
	}
}
