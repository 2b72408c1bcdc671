/* The search for a small scenario. See shrink.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/values.h"
#include "lib/base/xalloc.h"
#include "lib/base/xxh3.h"
#include "sim/ddmin.h"
#include "sim/shrink_private.h"
#include "sim/yaml_write.h"

enum {
	REFUSED_SIZE = 1 << 16, /* texts that are known to be in vain, by hash */
	REPAIRS_MAX = 64,
};

struct shrink {
	struct yaml_tree *now;
	const struct shrink_ops *ops;
	uint64_t *refused;    /* hashes; 0: free */
	size_t broken_before; /* what the whole breaks and does not mend */
};

static bool is_text(const struct yaml_node *node, const char *text)
{
	return node && node->kind == YAML_SCALAR && !strcmp(node->text, text);
}

/* --- What is broken and mended --- */

static const char *const breaking[] = {"link", "host", "switch", "control", "controller", NULL};

/* One end of a step {link: {down: NAME}}, or of 'controller: down'. */
struct change {
	const char *kind, *name;
	bool down;
};

static bool change_of(const struct yaml_node *step, struct change *change)
{
	for (size_t i = 0; step->kind == YAML_MAPPING && i < step->count; i++) {
		const struct yaml_node *key = yaml_key(step, i), *value = yaml_value(step, i);

		for (const char *const *kind = breaking; key->kind == YAML_SCALAR && *kind;
		     kind++) {
			const struct yaml_node *name;

			if (strcmp(key->text, *kind))
				continue;
			*change = (struct change){.kind = *kind, .name = ""};
			if (value->kind == YAML_SCALAR) {
				change->down = !strcmp(value->text, "down");
				return change->down || !strcmp(value->text, "up");
			}
			name = yaml_get(value, "down");
			change->down = name != NULL;
			if (!name)
				name = yaml_get(value, "up");
			if (!name || name->kind != YAML_SCALAR)
				return false;
			change->name = name->text;
			return true;
		}
	}
	return false;
}

static bool is_steps_key(const struct yaml_node *key)
{
	return key->kind == YAML_SCALAR &&
	       (!strcmp(key->text, "steps") || !strcmp(key->text, "parallel"));
}

/* Steps in the order of the text, nested ones too: calls 'take' with each list and place, as
 * long as it says so. */
typedef bool (*step_visit)(void *ctx, struct yaml_node *steps, size_t place);

static bool visit_steps(struct yaml_node *steps, step_visit take, void *ctx)
{
	if (!steps || steps->kind != YAML_SEQUENCE)
		return true;
	for (size_t i = 0; i < steps->count; i++) {
		struct yaml_node *step = steps->items[i];

		if (!take(ctx, steps, i))
			return false;
		for (size_t j = 0; step->kind == YAML_MAPPING && j < step->count; j++)
			if (is_steps_key(step->items[2 * j]) &&
			    !visit_steps(step->items[2 * j + 1], take, ctx))
				return false;
	}
	return true;
}

struct breaks {
	struct change open[REPAIRS_MAX];
	size_t count;
};

static bool note_break(void *ctx, struct yaml_node *steps, size_t place)
{
	struct breaks *breaks = ctx;
	struct change change;

	if (!change_of(steps->items[place], &change))
		return true;
	for (size_t i = 0; i < breaks->count; i++) {
		if (strcmp(breaks->open[i].kind, change.kind) ||
		    strcmp(breaks->open[i].name, change.name))
			continue;
		if (!change.down)
			breaks->open[i] = breaks->open[--breaks->count];
		return true;
	}
	if (change.down && breaks->count < REPAIRS_MAX)
		breaks->open[breaks->count++] = change;
	return true;
}

/* How much is broken in the end. */
static size_t left_broken(const struct yaml_tree *tree)
{
	struct breaks breaks = {.count = 0};

	visit_steps(yaml_edit_get(tree->root, "steps"), note_break, &breaks);
	return breaks.count;
}

/* --- Attempts --- */

/* The text was tried before; otherwise it is noted. */
static bool was_refused(struct shrink *shrink, const char *text, size_t len)
{
	const uint64_t hash = XXH3_64bits(text, len) | 1;
	uint64_t *place = &shrink->refused[hash >> 48 & (REFUSED_SIZE - 1)];

	if (*place == hash)
		return true;
	*place = hash;
	return false;
}

static bool is_over(const struct shrink *shrink)
{
	return shrink->ops->over(shrink->ops->ctx);
}

/* An empty 'faults' says nothing. */
static void tidy(struct yaml_tree *tree)
{
	struct yaml_node *faults = yaml_edit_get(tree->root, "faults"), *at;

	if (!faults || faults->kind != YAML_MAPPING)
		return;
	at = yaml_edit_get(faults, "at");
	if (at && at->kind == YAML_SEQUENCE && !at->count)
		yaml_edit_take_key(faults, "at");
	if (is_text(yaml_get(faults, "converge"), "5s"))
		yaml_edit_take_key(faults, "converge");
	if (!faults->count)
		yaml_edit_take_key(tree->root, "faults");
}

/* Take 'candidate', whose owner this becomes, in place of what is now, if it still fails. */
static bool attempt(struct shrink *shrink, struct yaml_tree *candidate)
{
	bool fails = false;
	char *text;
	size_t len;

	tidy(candidate);
	text = yaml_write_text(candidate->root, &len);
	if (left_broken(candidate) <= shrink->broken_before && !was_refused(shrink, text, len))
		fails = shrink->ops->fails(shrink->ops->ctx, text, len);
	free(text);
	if (fails) {
		yaml_tree_destroy(shrink->now);
		*shrink->now = *candidate;
	} else {
		yaml_tree_destroy(candidate);
	}
	return fails;
}

/* Each of the changes of a kind. True when one was made. */
static bool try_edits(struct shrink *shrink, shrink_edit edit)
{
	bool made = false;

	for (size_t which = 0; !is_over(shrink);) {
		struct yaml_tree candidate;
		enum shrink_edited edited;

		yaml_edit_copy(&candidate, shrink->now->root);
		edited = edit(&candidate, which);
		if (edited != SHRINK_MADE) {
			yaml_tree_destroy(&candidate);
			if (edited == SHRINK_NO_MORE)
				break;
			which++;
		} else if (attempt(shrink, &candidate)) {
			made = true;
		} else {
			which++;
		}
	}
	return made;
}

/* --- Leaving out --- */

/* What a list or map is, by where it stands. */
enum container { FAULTS, STEPS, LINKS, NAMES, OTHERS };

static enum container container_of(const struct yaml_node *node, const char *key, unsigned depth)
{
	if (depth == 1 && (!strcmp(key, "hosts") || !strcmp(key, "switches")))
		return NAMES;
	if (node->kind == YAML_SEQUENCE && depth == 1 && !strcmp(key, "links"))
		return LINKS;
	if (node->kind == YAML_SEQUENCE && depth == 2 && !strcmp(key, "at"))
		return FAULTS;
	if (node->kind == YAML_SEQUENCE && (!strcmp(key, "steps") || !strcmp(key, "parallel")))
		return STEPS;
	return OTHERS;
}

/* The '*which'-th list or map that is a 'wanted'. */
static struct yaml_node *find_container(struct yaml_node *node, const char *key, unsigned depth,
                                        enum container wanted, size_t *which)
{
	if (node->kind == YAML_SCALAR)
		return NULL;
	if (container_of(node, key, depth) == wanted && !(*which)--)
		return node;
	for (size_t i = 0; i < node->count; i++) {
		const bool map = node->kind == YAML_MAPPING;
		const struct yaml_node *name = map ? yaml_key(node, i) : NULL;
		struct yaml_node *found;

		found = find_container(map ? node->items[2 * i + 1] : node->items[i],
		                       name && name->kind == YAML_SCALAR ? name->text : "",
		                       depth + 1, wanted, which);
		if (found)
			return found;
	}
	return NULL;
}

/* How many of a ping's requests are answered: a count, not one for each host. */
static bool is_count(const struct yaml_node *node)
{
	return node && (node->kind == YAML_SCALAR || yaml_get(node, "at_least") ||
	                yaml_get(node, "at_most"));
}

/* It says that a request may fail, or that the network has had its time: without it something else
 * would be expected. */
static bool allows(const struct yaml_node *map, size_t place)
{
	const struct yaml_node *key = yaml_key(map, place), *value = yaml_value(map, place);

	if (is_text(key, "expect") && value->kind == YAML_MAPPING && yaml_get(map, "from"))
		return yaml_get(value, "outcome") || is_count(yaml_get(value, "answered"));
	return (is_text(key, "outcome") && !is_text(value, "ok")) ||
	       (is_text(key, "answered") && is_count(value)) ||
	       (is_text(key, "wait") && is_text(value, "converged"));
}

/* The step, or a step in it, is 'wait: converged'. */
static bool holds_wait(const struct yaml_node *node)
{
	if (node->kind == YAML_MAPPING && is_text(yaml_get(node, "wait"), "converged"))
		return true;
	for (size_t i = 0; node->kind == YAML_SEQUENCE && i < node->count; i++)
		if (holds_wait(node->items[i]))
			return true;
	for (size_t i = 0; node->kind == YAML_MAPPING && i < node->count; i++)
		if (is_steps_key(yaml_key(node, i)) && holds_wait(yaml_value(node, i)))
			return true;
	return false;
}

/* What a file is about is not left out; nor is what would make it expect more than it did. */
static bool may_go(const struct yaml_node *node, size_t place)
{
	static const char *const kept[] = {"name",  "converge", "end",    "seed",
	                                   "since", "within",   "at_end", NULL};

	if (node->kind == YAML_SEQUENCE)
		return !holds_wait(node->items[place]);
	for (const char *const *word = kept; *word; word++)
		if (is_text(yaml_key(node, place), *word))
			return false;
	return !allows(node, place);
}

struct leaving {
	struct shrink *shrink;
	const struct yaml_tree *base;
	enum container wanted;
	size_t which;
	const char *names; /* NAMES: "hosts" or "switches" */
};

static bool without(void *ctx, const bool *out, size_t count)
{
	const struct leaving *leaving = ctx;
	struct yaml_tree candidate;
	struct yaml_node *node;
	size_t which = leaving->which;

	yaml_edit_copy(&candidate, leaving->base->root);
	if (leaving->wanted == NAMES) {
		shrink_drop_names(&candidate, leaving->names, out, count);
		return attempt(leaving->shrink, &candidate);
	}
	node = find_container(candidate.root, "", 0, leaving->wanted, &which);
	/* What may not go stays, whatever is asked. */
	for (size_t i = count; i--;)
		if (out[i] && may_go(node, i))
			yaml_edit_take(node, i);
	return attempt(leaving->shrink, &candidate);
}

static bool leaving_is_over(void *ctx)
{
	const struct leaving *leaving = ctx;

	return is_over(leaving->shrink);
}

/* Leave out parts of one list or map. False: there is no such; '*made' becomes true when
 * something went. */
static bool leave_out_of(struct leaving *leaving, bool *made)
{
	const struct ddmin_ops ops = {.without = without, .over = leaving_is_over, .ctx = leaving};
	struct yaml_tree base;
	struct yaml_node *node;
	size_t which = leaving->which;
	bool *out;

	yaml_edit_copy(&base, leaving->shrink->now->root);
	node = leaving->wanted == NAMES ? yaml_edit_get(base.root, leaving->names)
	                                : find_container(base.root, "", 0, leaving->wanted, &which);
	leaving->base = &base;
	if (node && node->kind != YAML_SCALAR && node->count) {
		out = xcalloc(node->count, sizeof *out);
		if (ddmin(node->count, out, &ops))
			*made = true;
		free(out);
	}
	yaml_tree_destroy(&base);
	return node != NULL;
}

static bool leave_out(struct shrink *shrink, enum container wanted, const char *names)
{
	struct leaving leaving = {.shrink = shrink, .wanted = wanted, .names = names};
	bool made = false;

	while (!is_over(shrink) && leave_out_of(&leaving, &made) && wanted != NAMES)
		leaving.which++;
	return made;
}

/* --- Steps --- */

/* The '*which'-th step. */
struct wanted_step {
	size_t which;
	struct yaml_node *steps;
	size_t place;
};

static bool find_step(void *ctx, struct yaml_node *steps, size_t place)
{
	struct wanted_step *wanted = ctx;

	if (wanted->which--)
		return true;
	wanted->steps = steps;
	wanted->place = place;
	return false;
}

/* The only step of a repeated group is repeated itself; a wait that is repeated is a longer
 * wait. */
static bool unwrap_repeated(struct yaml_tree *tree, struct yaml_node *step)
{
	struct yaml_node *repeat = yaml_edit_get(step, "repeat"), *wait, *inner = NULL;
	uint64_t times, ns;
	char text[SHRINK_TEXT_BYTES];

	for (size_t i = 0; i < step->count; i++)
		if (is_steps_key(step->items[2 * i]))
			inner = step->items[2 * i + 1];
	if (!repeat || step->count != 2 || !inner || inner->kind != YAML_SEQUENCE ||
	    inner->count != 1 || inner->items[0]->kind != YAML_MAPPING ||
	    yaml_get(inner->items[0], "repeat"))
		return false;
	inner = inner->items[0];
	wait = yaml_edit_get(inner, "wait");
	if (wait && wait->kind == YAML_SCALAR && repeat->kind == YAML_SCALAR &&
	    !values_duration(wait->text, &ns) && !values_number(repeat->text, &times) && ns &&
	    times <= SHRINK_TIME_NS_MAX / ns) {
		shrink_time_text(ns * times, text);
		yaml_edit_set_text(wait, text);
		repeat = NULL;
	}
	while (step->count)
		yaml_edit_take(step, 0);
	if (repeat)
		yaml_edit_set(tree, step, "repeat", repeat);
	for (size_t i = 0; i < inner->count; i++)
		yaml_edit_set(tree, step, inner->items[2 * i]->text, inner->items[2 * i + 1]);
	return true;
}

/* A group whose steps stand where it stood: 'parallel' of one, or 'steps' inside a list of
 * steps. */
static enum shrink_edited unwrap(struct yaml_tree *tree, size_t which)
{
	struct wanted_step wanted = {.which = which};
	struct yaml_node *step, *inner;

	if (visit_steps(yaml_edit_get(tree->root, "steps"), find_step, &wanted))
		return SHRINK_NO_MORE;
	step = wanted.steps->items[wanted.place];
	if (step->kind != YAML_MAPPING)
		return SHRINK_NOT_HERE;
	if (step->count == 2)
		return unwrap_repeated(tree, step) ? SHRINK_MADE : SHRINK_NOT_HERE;
	if (step->count != 1 || !is_steps_key(step->items[0]) ||
	    step->items[1]->kind != YAML_SEQUENCE)
		return SHRINK_NOT_HERE;
	inner = step->items[1];
	yaml_edit_take(wanted.steps, wanted.place);
	for (size_t i = 0; i < inner->count; i++)
		yaml_edit_insert(wanted.steps, wanted.place + i, inner->items[i]);
	return SHRINK_MADE;
}

static bool count_fault(void *ctx, struct yaml_node *steps, size_t place)
{
	*(bool *)ctx |=
	        steps->items[place]->kind == YAML_MAPPING && yaml_get(steps->items[place], "fault");
	return true;
}

/* A wait for convergence that nothing comes after, or another such wait, or when there are no
 * faults. */
static enum shrink_edited drop_wait(struct yaml_tree *tree, size_t which)
{
	struct wanted_step wanted = {.which = which};
	struct yaml_node *steps = yaml_edit_get(tree->root, "steps");
	bool faults = yaml_get(tree->root, "faults") != NULL;

	if (visit_steps(steps, find_step, &wanted))
		return SHRINK_NO_MORE;
	visit_steps(steps, count_fault, &faults);
	if (wanted.steps->items[wanted.place]->kind != YAML_MAPPING ||
	    !is_text(yaml_get(wanted.steps->items[wanted.place], "wait"), "converged"))
		return SHRINK_NOT_HERE;
	if (faults && wanted.place + 1 < wanted.steps->count &&
	    (wanted.steps->items[wanted.place + 1]->kind != YAML_MAPPING ||
	     !is_text(yaml_get(wanted.steps->items[wanted.place + 1], "wait"), "converged")))
		return SHRINK_NOT_HERE;
	if (faults && wanted.place + 1 == wanted.steps->count &&
	    (wanted.steps != steps || yaml_get(tree->root, "expect")))
		return SHRINK_NOT_HERE;
	yaml_edit_take(wanted.steps, wanted.place);
	return SHRINK_MADE;
}

/* What mends the break of a step. */
struct repair {
	struct change change;
	struct yaml_node *after, *steps;
	size_t place;
	bool passed;
};

static bool find_repair(void *ctx, struct yaml_node *steps, size_t place)
{
	struct repair *repair = ctx;
	struct change change;

	if (steps->items[place] == repair->after) {
		repair->passed = true;
		return true;
	}
	if (!repair->passed || !change_of(steps->items[place], &change) || change.down ||
	    strcmp(change.kind, repair->change.kind) || strcmp(change.name, repair->change.name))
		return true;
	repair->steps = steps;
	repair->place = place;
	return false;
}

/* A step that breaks something, and the one that mends it. */
static enum shrink_edited drop_break(struct yaml_tree *tree, size_t which)
{
	struct wanted_step wanted = {.which = which};
	struct yaml_node *steps = yaml_edit_get(tree->root, "steps");
	struct repair repair = {.steps = NULL};

	if (visit_steps(steps, find_step, &wanted))
		return SHRINK_NO_MORE;
	repair.after = wanted.steps->items[wanted.place];
	if (!change_of(repair.after, &repair.change) || !repair.change.down)
		return SHRINK_NOT_HERE;
	visit_steps(steps, find_repair, &repair);
	if (repair.steps)
		yaml_edit_take(repair.steps, repair.place);
	/* The repair came later, so that the break is where it was. */
	yaml_edit_take(wanted.steps, wanted.place);
	return SHRINK_MADE;
}

static bool count_step(void *ctx, struct yaml_node *steps, size_t place)
{
	const struct yaml_node *step = steps->items[place];

	/* A group is no step but its steps are. */
	for (size_t i = 0; step->kind == YAML_MAPPING && i < step->count; i++)
		if (is_steps_key(yaml_key(step, i)))
			return true;
	++*(size_t *)ctx;
	return true;
}

/* --- Links --- */

/* {between: h1 -- s1} is h1 -- s1. */
static enum shrink_edited plain_link(struct yaml_tree *tree, size_t which)
{
	struct yaml_node *links = yaml_edit_get(tree->root, "links"), *link, *between;

	if (!links || links->kind != YAML_SEQUENCE || which >= links->count)
		return SHRINK_NO_MORE;
	link = links->items[which];
	between = link->kind == YAML_MAPPING && link->count == 1 ? yaml_edit_get(link, "between")
	                                                         : NULL;
	if (!between)
		return SHRINK_NOT_HERE;
	links->items[which] = between;
	return SHRINK_MADE;
}

/* --- The whole --- */

static bool turn(struct shrink *shrink)
{
	bool made = false;

	made |= leave_out(shrink, FAULTS, NULL);
	made |= leave_out(shrink, STEPS, NULL);
	made |= try_edits(shrink, shrink_strip_ports);
	made |= try_edits(shrink, drop_break);
	made |= try_edits(shrink, drop_wait);
	made |= try_edits(shrink, unwrap);
	made |= try_edits(shrink, shrink_narrow_range);
	made |= try_edits(shrink, shrink_first_of_range);
	made |= leave_out(shrink, NAMES, "hosts");
	made |= leave_out(shrink, NAMES, "switches");
	made |= try_edits(shrink, shrink_merge_switches);
	made |= leave_out(shrink, LINKS, NULL);
	made |= leave_out(shrink, OTHERS, NULL);
	made |= try_edits(shrink, plain_link);
	made |= try_edits(shrink, shrink_value);
	made |= try_edits(shrink, shrink_sort_faults);
	return made;
}

void shrink_tree(struct yaml_tree *tree, const struct shrink_ops *ops)
{
	struct shrink shrink = {.now = tree,
	                        .ops = ops,
	                        .refused = xcalloc(REFUSED_SIZE, sizeof *shrink.refused),
	                        .broken_before = left_broken(tree)};
	char *text;
	size_t len;

	text = yaml_write_text(tree->root, &len);
	was_refused(&shrink, text, len); /* what changes nothing is no change */
	free(text);
	while (!is_over(&shrink) && turn(&shrink))
		;
	free(shrink.refused);
}

static size_t count_under(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *node = map ? yaml_get(map, key) : NULL;

	return node && node->kind != YAML_SCALAR ? node->count : 0;
}

struct shrink_size shrink_size_of(const struct yaml_node *root)
{
	struct yaml_tree copy;
	struct shrink_size size = {.switches = count_under(root, "switches"),
	                           .hosts = count_under(root, "hosts"),
	                           .faults = count_under(yaml_get(root, "faults"), "at")};

	yaml_edit_copy(&copy, root);
	visit_steps(yaml_edit_get(copy.root, "steps"), count_step, &size.steps);
	yaml_tree_destroy(&copy);
	return size;
}
