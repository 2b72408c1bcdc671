/* Whether a scenario still fails in the same way: what flowbed shrink asks again and again.
 *
 * In the same way is: the first thing that does not hold has the same key (failures.h), with
 * each of the judge's seeds. And the failure must be that failure: with a mutant the same run
 * without it must hold, and where the whole held without its faults so must what it becomes;
 * otherwise a scenario that expects too much would do.
 * Where the whole fails without its faults too there is no such control: then the key alone
 * counts, and another outcome of the same step will do.
 *
 * Each text runs in a process of its own (jobs.h), so that a crash is a failure like others. */
#ifndef SIM_COMMAND_SHRINK_JUDGE_H
#define SIM_COMMAND_SHRINK_JUDGE_H

#include "sim/mutants.h"
#include "sim/yaml_tree.h"

enum { JUDGE_SEEDS = 6 };

/* What must hold. */
enum judge_control { JUDGE_NOTHING, JUDGE_WITHOUT_MUTANT, JUDGE_WITHOUT_FAULTS };

struct judge {
	const char *path; /* whose folder files of applications are in */
	const struct mutant *mutant;
	const char *key;
	bool any; /* any failure of a run may have the key, not the first alone */
	enum judge_control control;
	uint64_t seeds[JUDGE_SEEDS];
	unsigned seeds_count; /* that count now */
	uint64_t runs, runs_max;
	bool stopped; /* by a signal, or by 'error' */
	int error;    /* errno, when no process could be had; 0: none */
};

/* Runs are used up, or somebody stopped it. */
bool command_shrink_judge_over(const struct judge *judge);
bool command_shrink_judge_fails(struct judge *judge, const char *text, size_t len);
/* The control alone holds. Asked whatever the budget: without its answer nobody knows what the same
 * way is. False too where somebody stopped it. */
bool command_shrink_judge_control_holds(struct judge *judge, const char *text, size_t len);

/* What one run showed. Texts are the owner's. */
struct judge_sight {
	char *key;    /* of the failure; NULL: all held */
	char *line;   /* "expected X, happened Y, at 1.5 s" */
	char *chance; /* its faults and what chance did, as a list of YAML; NULL: it crashed */
};

/* Run 'text' with the judge's first seed, with or without its mutant. With judge->key it is the
 * first failure with that key that is looked at. False where it does not load or somebody
 * stopped it. */
bool command_shrink_judge_look(struct judge *judge, const char *text, size_t len, bool mutated,
                               struct judge_sight *sight);
void command_shrink_judge_forget(struct judge_sight *sight);
/* The faults that the judge's first seed draws, with those of the file, as a list of YAML, which
 * the caller frees. NULL: it does not load. */
char *command_shrink_judge_faults(const struct judge *judge, const char *text, size_t len);

#endif
