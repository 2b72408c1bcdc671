/* Chance becomes decisions: what a file leaves to its seed goes, and what the seed decided is
 * written down. See shrink.h. */
#include <stdio.h>
#include <string.h>

#include "sim/shrink_private.h"

/* What is left to chance of a link; reorder_delay says nothing alone. */
static const char *const link_keys[] = {"loss",          "duplicate", "reorder",
                                        "reorder_delay", "jitter",    "corrupt", NULL};

/* A map with nothing but 'between' is a text. */
static void quiet_link(struct yaml_node *links, size_t place)
{
	struct yaml_node *link = links->items[place];

	if (link->kind != YAML_MAPPING)
		return;
	for (const char *const *key = link_keys; *key; key++)
		yaml_edit_take_key(link, *key);
	if (link->count == 1 && yaml_edit_get(link, "between"))
		links->items[place] = yaml_edit_get(link, "between");
}

/* The map 'faults', made where there is none. */
static struct yaml_node *faults_of(struct yaml_tree *tree)
{
	struct yaml_node *faults = yaml_edit_get(tree->root, "faults");

	if (!faults || faults->kind != YAML_MAPPING) {
		faults = yaml_edit_map(tree);
		yaml_edit_set(tree, tree->root, "faults", faults);
	}
	return faults;
}

void shrink_without_chance(struct yaml_tree *tree, struct shrink_chance chance)
{
	struct yaml_node *links = yaml_edit_get(tree->root, "links");
	struct yaml_node *faults = yaml_edit_get(tree->root, "faults");

	if (chance.rates && faults && faults->kind == YAML_MAPPING)
		yaml_edit_take_key(faults, "rates");
	for (size_t i = 0;
	     chance.links && links && links->kind == YAML_SEQUENCE && i < links->count; i++)
		quiet_link(links, i);
	if (chance.splits)
		yaml_edit_set(tree, faults_of(tree), "splits", yaml_edit_text(tree, "no", true));
}

bool shrink_set_faults(struct yaml_tree *tree, const char *items, size_t len)
{
	struct yaml_tree list;
	struct problems problems;
	bool read;

	if (!items || !len) {
		yaml_edit_take_key(faults_of(tree), "at");
		return true;
	}
	problems_init(&problems);
	read = yaml_tree_parse(&list, items, len, &problems) && list.root &&
	       list.root->kind == YAML_SEQUENCE;
	if (read)
		yaml_edit_set(tree, faults_of(tree), "at", yaml_edit_clone(tree, list.root));
	yaml_tree_destroy(&list);
	problems_destroy(&problems);
	return read;
}

void shrink_set_seed(struct yaml_tree *tree, const uint64_t *seed)
{
	char text[30];

	if (!seed) {
		yaml_edit_take_key(tree->root, "seed");
		return;
	}
	snprintf(text, sizeof text, "%llu", (unsigned long long)*seed);
	yaml_edit_set(tree, tree->root, "seed", yaml_edit_text(tree, text, true));
}

/* --- Options of applications --- */

/* "balancer,mode=packet" gets the option in place of what it has under that name. False: it is
 * another application, or there is no room. */
static bool app_take(struct yaml_node *app, const char *name, size_t name_len, const char *option)
{
	const size_t key_len = strcspn(option, "=");
	char text[4096] = "";
	const char *at = app->text;
	size_t used = 0;

	if (strcspn(at, ",") != name_len || strncmp(at, name, name_len) ||
	    strlen(at) + strlen(option) + 2 > sizeof text)
		return false;
	while (*at) {
		const size_t len = strcspn(at, ",");
		const bool same =
		        len > key_len && at[key_len] == '=' && !strncmp(at, option, key_len);

		if (!same)
			used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s",
			                         used ? "," : "", (int)len, at);
		at += len + (at[len] == ',');
	}
	snprintf(text + used, sizeof text - used, ",%s", option);
	yaml_edit_set_text(app, text);
	app->plain = false;
	return true;
}

bool shrink_set_option(struct yaml_tree *tree, const char *setting)
{
	struct yaml_node *apps = yaml_edit_get(tree->root, "controller");
	const char *point = strchr(setting, '.');

	if (!point || !apps)
		return false;
	if (apps->kind == YAML_MAPPING)
		apps = yaml_edit_get(apps, "apps");
	if (!apps)
		return false;
	if (apps->kind == YAML_SCALAR)
		return app_take(apps, setting, (size_t)(point - setting), point + 1);
	for (size_t i = 0; apps->kind == YAML_SEQUENCE && i < apps->count; i++)
		if (apps->items[i]->kind == YAML_SCALAR &&
		    app_take(apps->items[i], setting, (size_t)(point - setting), point + 1))
			return true;
	return false;
}
