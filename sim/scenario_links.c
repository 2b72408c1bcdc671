/* Links of a scenario: "h1 -- s1:1", port numbers given and counted, and their names looked up. See
 * scenario_loader.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/values.h"
#include "lib/base/xalloc.h"
#include "sim/scenario_keys.h"
#include "sim/scenario_loader.h"
#include "softswitch/ports.h"

enum { LINK_TEXT_BYTES_MAX = 2 * SCENARIO_NAME_BYTES_MAX + 32 };

/* "h1 -- s1:1" in two: what stands left and right of " -- ". */
struct link_text {
	char ends[2][LINK_TEXT_BYTES_MAX];
};

static bool split_link(const char *text, struct link_text *out)
{
	const char *dashes = strstr(text, " -- ");
	size_t len;

	if (!dashes || strlen(text) >= LINK_TEXT_BYTES_MAX)
		return false;
	for (len = (size_t)(dashes - text); len && text[len - 1] == ' '; len--)
		;
	memcpy(out->ends[0], text, len);
	out->ends[0][len] = 0;
	for (dashes += 4; *dashes == ' '; dashes++)
		;
	strcpy(out->ends[1], dashes);
	return len && *dashes && !strchr(dashes, ' ') && !memchr(text, ' ', len);
}

/* Read "h1" or "s1:2" into '*end'; a switch's port is 0 when the text has none. */
static bool parse_end(struct loader *loader, struct position at, char *text,
                      struct scenario_end *end)
{
	char *colon = strchr(text, ':');
	const struct scenario_name *name;
	uint64_t port = 0;

	if (colon) {
		*colon = 0;
		if (values_number(colon + 1, &port) || !port || port >= OFPP_MAX) {
			problems_add(loader->problems, at,
			             "'%.60s' is no port of a switch: it is from 1 to %d",
			             colon + 1, OFPP_MAX - 1);
			return false;
		}
	}
	name = scenario_find_name(loader, text);
	if (!name) {
		scenario_unknown_name(loader, at, "host or switch", text);
		return false;
	}
	if (colon && !name->is_switch) {
		problems_add(loader->problems, at,
		             "'%s' is a host, which has no port numbers: leave ':%.20s' out", text,
		             colon + 1);
		return false;
	}
	*end = (struct scenario_end){name->is_switch, name->index, (uint16_t)port};
	return true;
}

/* Both ends, each with its own complaint. */
static bool parse_ends(struct loader *loader, struct position at, struct link_text *text,
                       struct scenario_end ends[2])
{
	bool left = parse_end(loader, at, text->ends[0], &ends[0]);
	bool right = parse_end(loader, at, text->ends[1], &ends[1]);

	return left && right;
}

/* --- Ports --- */

/* Which ports of which switch are taken: a table keyed by both. */
struct port_key {
	uint32_t sw;
	uint32_t port;
	uint32_t link; /* not of the key */
};

enum { PORT_KEY_BYTES = 8 };

static bool take_port(struct fb_table *ports, uint32_t sw, uint16_t port, uint32_t link,
                      uint32_t *taken_by)
{
	struct port_key key = {.sw = sw, .port = port}, *entry = fb_table_find(ports, &key);

	if (entry) {
		*taken_by = entry->link;
		return false;
	}
	entry = fb_table_add(ports, &key);
	if (entry)
		entry->link = link;
	return entry != NULL;
}

/* Tie the link to its hosts, and take the ports that are written. */
static void claim_ends(struct loader *loader, uint32_t place, struct fb_table *ports)
{
	struct scenario *scenario = loader->scenario;
	struct scenario_link *link = &scenario->links[place];

	for (unsigned e = 0; e < 2; e++) {
		struct scenario_end *end = &link->ends[e];
		uint32_t other = place;

		if (!end->is_switch) {
			struct scenario_host *host = &scenario->hosts[end->index];

			if (host->link != SCENARIO_NONE)
				problems_add(loader->problems, link->at,
				             "host '%s' is on a link already, in line %u: a host "
				             "has one interface",
				             host->name, scenario->links[host->link].at.line);
			host->link = place;
			host->link_end = e;
		} else if (end->port && !take_port(ports, end->index, end->port, place, &other)) {
			problems_add(loader->problems, link->at,
			             "port %u of switch '%s' is used already, in line %u: write "
			             "another or none",
			             end->port, scenario->switches[end->index].name,
			             scenario->links[other].at.line);
		}
	}
}

/* Give each switch end without a port the smallest number that nobody took. Where there is none, the
 * switch has more ports than scenario_check_ports() lets it have. */
static void number_ports(struct loader *loader, struct fb_table *ports)
{
	struct scenario *scenario = loader->scenario;
	uint32_t *next = xcalloc(scenario->switches_count + 1, sizeof *next);

	for (uint32_t i = 0; i < scenario->links_count; i++) {
		struct scenario_link *link = &scenario->links[i];

		for (unsigned e = 0; e < 2; e++) {
			struct scenario_end *end = &link->ends[e];
			uint32_t other = i;

			if (!end->is_switch || end->port)
				continue;
			while (++next[end->index] < OFPP_MAX &&
			       !take_port(ports, end->index, (uint16_t)next[end->index], i, &other))
				;
			end->port = (uint16_t)next[end->index];
			if (next[end->index] == OFPP_MAX) {
				end->port = 0;
				next[end->index] = OFPP_MAX - 1;
			}
		}
	}
	free(next);
}

/* "h1" or "s1:2". */
static void end_text(const struct scenario *scenario, const struct scenario_end *end,
                     struct fb_text *text)
{
	if (end->is_switch)
		fb_text_printf(text, "%s:%u", scenario->switches[end->index].name, end->port);
	else
		fb_text_puts(text, scenario->hosts[end->index].name);
}

static void name_links(struct scenario *scenario)
{
	for (size_t i = 0; i < scenario->links_count; i++) {
		struct scenario_link *link = &scenario->links[i];
		char buffer[LINK_TEXT_BYTES_MAX];
		struct fb_text text = fb_text_make(buffer, sizeof buffer);

		end_text(scenario, &link->ends[0], &text);
		fb_text_puts(&text, " -- ");
		end_text(scenario, &link->ends[1], &text);
		link->name = xstrdup(buffer);
	}
}

/* --- Reading --- */

static void read_link_values(struct loader *loader, const struct yaml_node *node,
                             struct link_config *config)
{
	const struct yaml_node *value;

	if ((value = yaml_get(node, "delay")) != NULL)
		scenario_read_duration(loader, value, "'delay'", 0, 3600 * FB_NS_PER_S,
		                       &config->delay_ns);
	if ((value = yaml_get(node, "rate")) != NULL)
		scenario_read_rate(loader, value, "'rate'", &config->rate_bps);
	if ((value = yaml_get(node, "queue")) != NULL)
		scenario_read_size(loader, value, "'queue'", 1518, UINT64_C(1) << 40,
		                   &config->queue_bytes_max);
	if ((value = yaml_get(node, "loss")) != NULL)
		scenario_read_share(loader, value, "'loss'", &config->loss_ppm);
	if ((value = yaml_get(node, "duplicate")) != NULL)
		scenario_read_share(loader, value, "'duplicate'", &config->duplicate_ppm);
	if ((value = yaml_get(node, "corrupt")) != NULL)
		scenario_read_share(loader, value, "'corrupt'", &config->corrupt_ppm);
	if ((value = yaml_get(node, "reorder")) != NULL)
		scenario_read_share(loader, value, "'reorder'", &config->reorder_ppm);
	if ((value = yaml_get(node, "reorder_delay")) != NULL)
		scenario_read_duration(loader, value, "'reorder_delay'", 1, 3600 * FB_NS_PER_S,
		                       &config->reorder_delay_ns);
	if ((value = yaml_get(node, "jitter")) != NULL)
		scenario_read_duration(loader, value, "'jitter'", 0, 3600 * FB_NS_PER_S,
		                       &config->jitter_ns);
}

static void append_link(struct loader *loader, const struct yaml_node *at,
                        const struct link_config *config, struct link_text *text)
{
	struct scenario *scenario = loader->scenario;
	struct scenario_link link = {.at = at->at, .config = *config};

	if (scenario->links_count == SCENARIO_LINKS_MAX) {
		problems_add(loader->problems, at->at, "more than %d links: leave some out",
		             SCENARIO_LINKS_MAX);
		return;
	}
	if (!parse_ends(loader, at->at, text, link.ends))
		return;
	if (link.ends[0].is_switch == link.ends[1].is_switch &&
	    link.ends[0].index == link.ends[1].index) {
		problems_add(loader->problems, at->at, "both ends are '%s': a link joins two",
		             text->ends[0]);
		return;
	}
	if (!(scenario->links_count & (scenario->links_count - 1)))
		scenario->links = xrealloc(scenario->links,
		                           (scenario->links_count ? 2 * scenario->links_count : 1) *
		                                   sizeof *scenario->links);
	scenario->links[scenario->links_count++] = link;
}

/* "h1..h200 -- s1": a link for each. */
static void append_range(struct loader *loader, const struct yaml_node *at,
                         const struct link_config *config, const struct link_text *text,
                         unsigned range_end)
{
	char prefix[SCENARIO_NAME_BYTES_MAX + 1];
	uint32_t first, last;

	if (!scenario_split_range(text->ends[range_end], prefix, &first, &last)) {
		problems_add(loader->problems, at->at,
		             "'%.60s' is no range of hosts: write it as h1..h200",
		             text->ends[range_end]);
		return;
	}
	if (strchr(text->ends[!range_end], ':') || strstr(text->ends[!range_end], "..")) {
		problems_add(
		        loader->problems, at->at,
		        "a range is linked to one switch without a port: the ports are counted up");
		return;
	}
	for (uint32_t i = first; i <= last; i++) {
		size_t problems_before = loader->problems->count;
		struct link_text one = *text;
		struct fb_text name = fb_text_make(one.ends[range_end], sizeof one.ends[range_end]);

		fb_text_printf(&name, "%s%u", prefix, i);
		append_link(loader, at, config, &one);
		if (loader->problems->count != problems_before)
			return;
	}
}

static void read_link(struct loader *loader, const struct yaml_node *node)
{
	const struct yaml_node *between = node;
	struct link_config config;
	struct link_text text;
	const char *whole;

	link_config_default(&config);
	if (node->kind == YAML_MAPPING) {
		if (!scenario_read_map(loader, node, "a link", scenario_keys_link))
			return;
		read_link_values(loader, node, &config);
		between = yaml_get(node, "between");
		if (!between) {
			scenario_lacks(
			        loader, node, scenario_keys_link,
			        "a link without 'between': write its ends, as between: h1 -- s1:1");
			return;
		}
	}
	if (!scenario_read_text(loader, between, "a link", &whole))
		return;
	if (!split_link(whole, &text))
		problems_add(loader->problems, between->at,
		             "'%.60s' is no link: write its two ends, as h1 -- s1:1", whole);
	else if (strstr(text.ends[0], ".."))
		append_range(loader, between, &config, &text, 0);
	else if (strstr(text.ends[1], ".."))
		append_range(loader, between, &config, &text, 1);
	else
		append_link(loader, between, &config, &text);
}

void scenario_read_links(struct loader *loader, const struct yaml_node *node)
{
	struct fb_table *ports;
	size_t problems_before;

	if (!scenario_read_list(loader, node, "'links'"))
		return;
	problems_before = loader->problems->count;
	for (size_t i = 0; i < node->count; i++)
		read_link(loader, node->items[i]);
	loader->links_wrong = loader->problems->count != problems_before;
	ports = fb_table_new(PORT_KEY_BYTES, sizeof(struct port_key), 2 * SCENARIO_LINKS_MAX);
	for (uint32_t i = 0; i < loader->scenario->links_count; i++)
		claim_ends(loader, i, ports);
	number_ports(loader, ports);
	fb_table_free(ports);
	name_links(loader->scenario);
}

bool scenario_check_ports(struct loader *loader)
{
	const struct scenario *scenario = loader->scenario;
	const size_t problems_before = loader->problems->count;
	uint32_t *counts = xcalloc(scenario->switches_count + 1, sizeof *counts);

	for (size_t i = 0; i < 2 * scenario->links_count; i++) {
		const struct scenario_link *link = &scenario->links[i / 2];
		const struct scenario_end *end = &link->ends[i % 2];

		if (end->is_switch && ++counts[end->index] == PORTS_MAX + 1)
			problems_add(loader->problems, link->at,
			             "switch '%s' has more than %d ports, which is all that a "
			             "switch can tell its controller: spread its links over more "
			             "switches",
			             scenario->switches[end->index].name, PORTS_MAX);
	}
	for (size_t i = 0; i < scenario->spares_count; i++) {
		const struct scenario_spare *spare = &scenario->spares[i];

		if (++counts[spare->sw] == PORTS_MAX + 1)
			problems_add(
			        loader->problems, spare->at,
			        "switch '%s' has more than %d ports with those that hosts move "
			        "to, which is all that a switch can tell its controller: move "
			        "fewer hosts, or spread them over more switches",
			        scenario->switches[spare->sw].name, PORTS_MAX);
	}
	free(counts);
	return loader->problems->count == problems_before;
}

/* --- Looking up --- */

/* True when 'wanted' (port 0: any) is the end 'end'. */
static bool end_matches(const struct scenario_end *end, const struct scenario_end *wanted)
{
	return end->is_switch == wanted->is_switch && end->index == wanted->index &&
	       (!wanted->port || wanted->port == end->port);
}

bool scenario_read_link_name(struct loader *loader, const struct yaml_node *node, uint32_t *link)
{
	const struct scenario *scenario = loader->scenario;
	struct scenario_end ends[2];
	struct link_text text;
	const char *whole;
	unsigned found = 0;

	if (!scenario_read_text(loader, node, "a link", &whole))
		return false;
	if (!split_link(whole, &text)) {
		problems_add(loader->problems, node->at,
		             "'%.60s' is no link: write its two ends, as h1 -- s1", whole);
		return false;
	}
	if (!parse_ends(loader, node->at, &text, ends))
		return false;
	for (uint32_t i = 0; i < scenario->links_count; i++) {
		const struct scenario_link *candidate = &scenario->links[i];

		for (unsigned e = 0; e < 2; e++) {
			if (end_matches(&candidate->ends[0], &ends[e]) &&
			    end_matches(&candidate->ends[1], &ends[!e])) {
				*link = i;
				found++;
				break;
			}
		}
	}
	if (!found)
		problems_add(loader->problems, node->at,
		             "there is no link '%.60s': name one of 'links'", whole);
	else if (found > 1)
		problems_add(loader->problems, node->at,
		             "'%.60s' may be one of %u links: write the ports too", whole, found);
	return found == 1;
}

/* "h1" or "s1:2"; 'what' it should be is told when it is neither. */
static bool read_end(struct loader *loader, const struct yaml_node *node, const char *what,
                     struct scenario_end *wanted)
{
	char text[LINK_TEXT_BYTES_MAX];
	const char *whole;

	if (!scenario_read_text(loader, node, what, &whole))
		return false;
	if (strlen(whole) >= sizeof text || strchr(whole, ' ')) {
		problems_add(loader->problems, node->at,
		             "'%.60s' is no end of a link: write a host, or a switch with a port, "
		             "as s1:2",
		             whole);
		return false;
	}
	strcpy(text, whole);
	if (!parse_end(loader, node->at, text, wanted))
		return false;
	if (wanted->is_switch && !wanted->port) {
		problems_add(loader->problems, node->at,
		             "'%s' is a switch: write the port too, as %s:1", text, text);
		return false;
	}
	return true;
}

bool scenario_read_port(struct loader *loader, const struct yaml_node *node, uint32_t *sw,
                        uint16_t *port)
{
	struct scenario_end end;

	if (!read_end(loader, node, "a port", &end))
		return false;
	if (!end.is_switch) {
		problems_add(loader->problems, node->at,
		             "'%.60s' is a host: write a port of a switch, as s1:2", node->text);
		return false;
	}
	*sw = end.index;
	*port = end.port;
	return true;
}

bool scenario_read_link_end(struct loader *loader, const struct yaml_node *node, uint32_t *link,
                            unsigned *end)
{
	const struct scenario *scenario = loader->scenario;
	struct scenario_end wanted;

	if (!read_end(loader, node, "an end of a link", &wanted))
		return false;
	for (uint32_t i = 0; i < scenario->links_count; i++) {
		for (unsigned e = 0; e < 2; e++) {
			if (end_matches(&scenario->links[i].ends[e], &wanted)) {
				*link = i;
				*end = e;
				return true;
			}
		}
	}
	problems_add(loader->problems, node->at,
	             "no link ends at '%.60s': name an end of one of 'links'", node->text);
	return false;
}
