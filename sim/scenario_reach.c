/* Who reaches whom, where a file says it: {h1: [h2, h3], h2: none} at 'reachability' among the
 * properties. See reach.h for what it means. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"
#include "sim/scenario_loader.h"

static bool is_none(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && node->plain && !strcmp(node->text, "none");
}

/* Add the host or the range of hosts that 'node' names to those that 'row' reaches. */
static void read_hosts(struct loader *loader, const struct yaml_node *node,
                       struct scenario_reach *row)
{
	struct scenario_range range;

	if (!scenario_read_range(loader, node, &range))
		return;
	row->to = xrealloc(row->to, (row->to_count + range.count) * sizeof *row->to);
	for (uint32_t i = 0; i < range.count; i++) {
		const uint32_t host = range.first + i;

		if (host == row->host && range.count == 1)
			problems_add(loader->problems, node->at,
			             "'%s' reaches itself: name others, or 'none'",
			             loader->scenario->hosts[host].name);
		row->to[row->to_count++] = host;
	}
}

/* h1, [h1, h2], [h1..h9], or none. */
static void read_row(struct loader *loader, const struct yaml_node *key,
                     const struct yaml_node *value)
{
	struct scenario *scenario = loader->scenario;
	struct scenario_reach row = {.at = key->at};

	if (!scenario_read_host(loader, key, &row.host))
		return;
	if (value->kind == YAML_MAPPING || (value->kind == YAML_SEQUENCE && !value->count)) {
		problems_add(loader->problems, value->at,
		             "%s is %s: write a list of the hosts that it reaches, as [h2, h3], or "
		             "'none'",
		             key->text, value->kind == YAML_MAPPING ? "a map" : "an empty list");
	} else if (value->kind == YAML_SEQUENCE) {
		for (size_t i = 0; i < value->count; i++)
			read_hosts(loader, value->items[i], &row);
	} else if (!is_none(value)) {
		read_hosts(loader, value, &row);
	}
	scenario->reach =
	        xrealloc(scenario->reach, (scenario->reach_count + 1) * sizeof *scenario->reach);
	scenario->reach[scenario->reach_count++] = row;
}

bool scenario_read_reach(struct loader *loader, const struct yaml_node *node)
{
	bool on = true;

	if (node->kind != YAML_MAPPING) {
		scenario_read_bool(loader, node, "'reachability'", &on);
		return on;
	}
	if (!scenario_read_word_map(loader, node, "'reachability'"))
		return on;
	if (!node->count)
		problems_add(loader->problems, node->at,
		             "'reachability' is empty: write who reaches whom, as {h1: [h2, h3], "
		             "h2: none}, "
		             "or yes or no");
	else if (loader->scenario->hosts_count > SCENARIO_REACH_HOSTS_MAX)
		problems_add(loader->problems, node->at,
		             "'reachability' of more than %d hosts: write yes or no",
		             SCENARIO_REACH_HOSTS_MAX);
	else
		for (size_t i = 0; i < node->count; i++)
			read_row(loader, yaml_key(node, i), yaml_value(node, i));
	return on;
}

void scenario_free_reach(struct scenario *scenario)
{
	for (size_t i = 0; i < scenario->reach_count; i++)
		free(scenario->reach[i].to);
	free(scenario->reach);
}
