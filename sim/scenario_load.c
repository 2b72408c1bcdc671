/* A scenario file becomes a struct scenario. See scenario.h.
 *
 * The text is parsed to a tree (yaml_tree.c) and read top down: controller, switches, hosts, links,
 * steps, whatever their order in the file, because each refers to those before it. Reading goes on
 * after an error, so that all errors of a file come at once; what depends on a part that failed as
 * a whole is left out, so that one mistake is not told twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/scenario_keys.h"
#include "sim/scenario_loader.h"

enum { SEED_DEFAULT = 1 };

/* --- The model's own --- */

static void free_steps(struct scenario_step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct scenario_step *step = &steps[i];

		free(step->send);
		free(step->target);
		scenario_free_command(step->command);
		free(step->fault);
		for (size_t j = 0; j < step->replies.count; j++)
			free(step->replies.texts[j]);
		free(step->replies.texts);
		for (size_t j = 0; j < step->expectations_count; j++)
			scenario_free_expectation(&step->expectations[j]);
		free(step->expectations);
		free_steps(step->steps, step->steps_count);
	}
	free(steps);
}

void scenario_free(struct scenario *scenario)
{
	if (!scenario)
		return;
	for (size_t i = 0; i < scenario->controller.apps_count; i++)
		free(scenario->controller.apps[i].options);
	free(scenario->controller.apps);
	for (size_t i = 0; i < scenario->switches_count; i++)
		scenario_free_switch(&scenario->switches[i]);
	free(scenario->switches);
	for (size_t i = 0; i < scenario->hosts_count; i++) {
		free(scenario->hosts[i].name);
		free(scenario->hosts[i].hostname);
		free(scenario->hosts[i].tcp);
		free(scenario->hosts[i].udp);
	}
	free(scenario->hosts);
	for (size_t i = 0; i < scenario->links_count; i++)
		free(scenario->links[i].name);
	free(scenario->links);
	free(scenario->spares);
	scenario_free_reach(scenario);
	free(scenario->faults.list);
	for (size_t i = 0; i < FAULT_KINDS; i++)
		free(scenario->faults.rates[i].places);
	for (size_t i = 0; i < scenario->files_count; i++) {
		free(scenario->files[i].name);
		free(scenario->files[i].bytes);
		free(scenario->files[i].error);
	}
	free(scenario->files);
	free_steps(scenario->steps, scenario->steps_count);
	for (size_t i = 0; i < scenario->marks_count; i++)
		free(scenario->marks[i]);
	free(scenario->marks);
	free(scenario->file);
	free(scenario->name);
	free(scenario->description);
	free(scenario);
}

char *scenario_read_file(const struct scenario *scenario, const char *name, size_t *len,
                         struct fb_text *error)
{
	for (size_t i = 0; i < scenario->files_count; i++) {
		const struct scenario_file *file = &scenario->files[i];
		char *copy;

		if (strcmp(file->name, name))
			continue;
		if (!file->bytes) {
			fb_text_puts(error, file->error);
			return NULL;
		}
		copy = xmalloc(file->len + 1);
		memcpy(copy, file->bytes, file->len + 1);
		*len = file->len;
		return copy;
	}
	fb_text_printf(error, "%.300s: cannot be read: no option of the scenario names it", name);
	return NULL;
}

enum host_service scenario_service(const struct scenario *scenario, uint32_t ip, uint16_t port)
{
	for (size_t i = 0; i < scenario->hosts_count; i++) {
		const struct scenario_host *host = &scenario->hosts[i];

		for (size_t j = 0; host->ip == ip && j < host->tcp_count; j++)
			if (host->tcp[j].port == port)
				return host->tcp[j].service;
	}
	return HOST_SERVICE_NONE;
}

void scenario_bounds_text(struct fb_text *text, const struct scenario_bounds *bounds)
{
	const bool both = bounds->has_min && bounds->has_max;
	const bool exact = both && bounds->min == bounds->max;

	fb_text_puts(text, exact             ? "exactly "
	                   : both            ? "from "
	                   : bounds->has_min ? "at least "
	                                     : "at most ");
	scenario_value_text(text, bounds, bounds->has_min ? bounds->min : bounds->max);
	if (!both || exact)
		return;
	fb_text_puts(text, " to ");
	scenario_value_text(text, bounds, bounds->max);
}

bool scenario_bounds_hold(const struct scenario_bounds *bounds, uint64_t value)
{
	return (!bounds->has_min || value >= bounds->min) &&
	       (!bounds->has_max || value <= bounds->max);
}

/* --- Reading --- */

static void read_head(struct loader *loader, const struct yaml_node *root)
{
	struct scenario *scenario = loader->scenario;
	const struct yaml_node *value;
	const char *text;

	if ((value = yaml_get(root, "name")) != NULL &&
	    scenario_read_text(loader, value, "'name'", &text))
		scenario->name = xstrdup(text);
	if ((value = yaml_get(root, "description")) != NULL &&
	    scenario_read_text(loader, value, "'description'", &text))
		scenario->description = xstrdup(text);
	if ((value = yaml_get(root, "seed")) != NULL)
		scenario_read_number(loader, value, "'seed'", 0, UINT64_MAX, &scenario->seed);
	/* Nothing is held against an end that nobody knows. */
	if ((value = yaml_get(root, "end")) != NULL &&
	    !scenario_read_duration(loader, value, "'end'", 1, SCENARIO_TIME_NS_MAX,
	                            &scenario->end_ns))
		scenario->end_ns = UINT64_MAX;
}

/* {no_loops: no}: what this scenario breaks on purpose. */
static void read_properties(struct loader *loader, const struct yaml_node *node)
{
	if (!scenario_read_map(loader, node, "'properties'", scenario_keys_properties))
		return;
	for (unsigned i = 0; i < SCENARIO_PROPERTIES; i++) {
		const struct yaml_node *value = yaml_get(node, scenario_keys_properties[i]);
		char what[40];
		bool on = true;

		snprintf(what, sizeof what, "'%s'", scenario_keys_properties[i]);
		if (value && i == REACHABILITY)
			on = scenario_read_reach(loader, value);
		else if (value)
			scenario_read_bool(loader, value, what, &on);
		if (!on)
			loader->scenario->properties_off |= 1U << i;
	}
}

static void read_controller(struct loader *loader, const struct yaml_node *root)
{
	const struct yaml_node *value = yaml_get(root, "controller");

	if (value)
		scenario_read_controller(loader, value);
	if (!value && loader->settings && loader->settings[0])
		problems_add(loader->problems, (struct position){0, 0},
		             "--set '%.80s': this scenario has no controller", loader->settings[0]);
}

/* 'steps', and 'expect' as one more step after them. */
static void read_script(struct loader *loader, const struct yaml_node *root)
{
	struct scenario *scenario = loader->scenario;
	const struct yaml_node *steps = yaml_get(root, "steps"), *expect = yaml_get(root, "expect");
	struct scenario_step *step;

	if (!steps)
		scenario_lacks(loader, root, scenario_keys_file,
		               "a scenario without 'steps': write at least one, as - ping: {from: "
		               "h1, to: h2}");
	else if (scenario_read_list(loader, steps, "'steps'"))
		scenario_read_steps(loader, steps, &scenario->steps, &scenario->steps_count);
	if (steps && steps->kind == YAML_SEQUENCE && !steps->count)
		problems_add(loader->problems, steps->at,
		             "'steps' is empty: write at least one, as - ping: {from: h1, to: h2}");
	if (!expect || !scenario->steps)
		return;
	/* scenario_read_steps() leaves room for one more. */
	step = &scenario->steps[scenario->steps_count++];
	*step = (struct scenario_step){
	        .at = expect->at, .kind = STEP_EXPECT, .repeat = 1, .from_count = 1};
	step->id = scenario->step_ids++;
	scenario_read_expect(loader, expect, step);
}

static void read_file(struct loader *loader, const struct yaml_node *root)
{
	const struct yaml_node *value;

	if (!scenario_read_map(loader, root, "a scenario", scenario_keys_file))
		return;
	read_head(loader, root);
	read_controller(loader, root);
	if ((value = yaml_get(root, "switches")) != NULL)
		scenario_read_switches(loader, value);
	if ((value = yaml_get(root, "hosts")) != NULL)
		scenario_read_hosts(loader, value);
	else
		scenario_lacks(loader, root, scenario_keys_file,
		               "a scenario without 'hosts': write at least one, as h1: {ip: "
		               "192.168.2.1/24}");
	scenario_list_names(loader);
	if ((value = yaml_get(root, "properties")) != NULL)
		read_properties(loader, value);
	if ((value = yaml_get(root, "links")) != NULL)
		scenario_read_links(loader, value);
	if ((value = yaml_get(root, "faults")) != NULL)
		scenario_read_faults(loader, value);
	read_script(loader, root);
	if (value)
		scenario_read_fault_rates(loader, value);
	/* A port too many is no port: what tables say of it would be told as another mistake. */
	if (scenario_check_ports(loader))
		scenario_check_tables(loader);
}

static void loader_destroy(struct loader *loader)
{
	for (size_t i = 0; i < loader->counters_count; i++) {
		free(loader->counters[i].app);
		free(loader->counters[i].name);
	}
	free(loader->counters);
	free(loader->name_list);
	free(loader->asked);
	fb_table_free(loader->names);
}

/* The name of a scenario that has none: its file's, without folder and ending. */
static char *name_of_file(const char *file)
{
	const char *slash = strrchr(file, '/');
	char *name = xstrdup(slash ? slash + 1 : file);
	char *point = strrchr(name, '.');

	if (point && point != name)
		*point = 0;
	return name;
}

struct scenario *scenario_load_text(const char *text, size_t len, const char *file,
                                    const char *const *settings,
                                    const struct scenario_files *files, struct problems *problems)
{
	struct scenario *scenario = xcalloc(1, sizeof *scenario);
	struct loader loader = {.scenario = scenario,
	                        .problems = problems,
	                        .settings = settings,
	                        .files = files,
	                        .multiplier = 1};
	struct yaml_tree tree;

	scenario->file = xstrdup(file);
	scenario->seed = SEED_DEFAULT;
	scenario->end_ns = SCENARIO_END_NS_DEFAULT;
	scenario_faults_default(&scenario->faults);
	loader.names = fb_table_new(SCENARIO_NAME_BYTES_MAX + 1, sizeof(struct scenario_name),
	                            SCENARIO_HOSTS_MAX + SCENARIO_SWITCHES_MAX);
	if (yaml_tree_parse(&tree, text, len, problems)) {
		if (tree.root)
			read_file(&loader, tree.root);
		else
			problems_add(
			        problems, (struct position){1, 1},
			        "the file is empty: write a scenario, with hosts, links and steps");
	}
	if (!scenario->name)
		scenario->name = name_of_file(file);
	yaml_tree_destroy(&tree);
	loader_destroy(&loader);
	problems_sort(problems);
	if (!problems->count)
		return scenario;
	scenario_free(scenario);
	return NULL;
}
