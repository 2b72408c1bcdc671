/* Typed values of YAML nodes, and what to say when a node is not of the type. See
 * scenario_loader.h. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/nearest.h"
#include "lib/base/values.h"
#include "lib/base/xalloc.h"
#include "sim/scenario_keys.h"
#include "sim/scenario_loader.h"

/* Texts of the file are quoted up to this many characters. */
#define QUOTED "'%.60s'"

/* --- Maps and lists --- */

static void unknown_key(struct loader *loader, const struct yaml_node *key, const char *what,
                        const char *const *keys)
{
	const char *meant = nearest(key->text, keys);
	char list[400];
	struct fb_text text = fb_text_make(list, sizeof list);

	if (meant) {
		problems_add(loader->problems, key->at,
		             "unknown key " QUOTED " in %s: did you mean '%s'?", key->text, what,
		             meant);
		return;
	}
	if (strchr(key->text, '=')) {
		problems_add(loader->problems, key->at,
		             "unknown key " QUOTED " in %s: a text with a comma needs quotes inside {}, as "
		             "{apps: \"balancer,mode=packet\"}",
		             key->text, what);
		return;
	}
	for (size_t i = 0; keys[i]; i++)
		fb_text_printf(&text, "%s%s", i ? ", " : "", keys[i]);
	problems_add(loader->problems, key->at, "unknown key " QUOTED " in %s: known are %s",
	             key->text, what, list);
}

/* By text, then by place in the file, so that the second of two is the one complained about. */
static int key_compare(const void *left, const void *right)
{
	const struct yaml_node *a = *(const struct yaml_node *const *)left;
	const struct yaml_node *b = *(const struct yaml_node *const *)right;
	int order = strcmp(a->text, b->text);

	if (order)
		return order;
	if (a->at.line != b->at.line)
		return a->at.line < b->at.line ? -1 : 1;
	return (a->at.column > b->at.column) - (a->at.column < b->at.column);
}

static void check_twice(struct loader *loader, const struct yaml_node *node, const char *what)
{
	const struct yaml_node **keys;

	if (node->count < 2)
		return;
	keys = xcalloc(node->count, sizeof(const struct yaml_node *));
	for (size_t i = 0; i < node->count; i++)
		keys[i] = yaml_key(node, i);
	qsort(keys, node->count, sizeof(const struct yaml_node *), key_compare);
	for (size_t i = 1; i < node->count; i++) {
		if (strcmp(keys[i - 1]->text, keys[i]->text))
			continue;
		problems_add(loader->problems, keys[i]->at,
		             QUOTED " stands twice in %s, first in line %u: leave one",
		             keys[i]->text, what, keys[i - 1]->at.line);
	}
	free(keys);
}

/* True when 'node' is a map whose keys are all words. */
static bool is_word_map(struct loader *loader, const struct yaml_node *node, const char *what)
{
	if (node->kind != YAML_MAPPING) {
		problems_add(loader->problems, node->at, "%s is %s: write a map, as {key: value}",
		             what, yaml_kind_text(node));
		return false;
	}
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *key = yaml_key(node, i);

		if (key->kind == YAML_SCALAR && key->text[0])
			continue;
		problems_add(loader->problems, key->at, "a key of %s is %s: write a word", what,
		             key->kind == YAML_SCALAR ? "empty" : yaml_kind_text(key));
		return false;
	}
	return true;
}

bool scenario_read_map(struct loader *loader, const struct yaml_node *node, const char *what,
                       const char *const *keys)
{
	if (!is_word_map(loader, node, what))
		return false;
	for (size_t i = 0; i < node->count; i++) {
		const struct yaml_node *key = yaml_key(node, i);
		size_t k = 0;

		while (keys[k] && strcmp(keys[k], key->text))
			k++;
		if (!keys[k])
			unknown_key(loader, key, what, keys);
	}
	check_twice(loader, node, what);
	return true;
}

void scenario_lacks(struct loader *loader, const struct yaml_node *map, const char *const *keys,
                    const char *format, ...)
{
	char text[300];
	va_list args;

	for (size_t i = 0; i < map->count; i++) {
		size_t k = 0;

		while (keys[k] && strcmp(keys[k], yaml_key(map, i)->text))
			k++;
		if (!keys[k])
			return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	problems_add(loader->problems, map->at, "%s", text);
}

bool scenario_read_word_map(struct loader *loader, const struct yaml_node *node, const char *what)
{
	if (!is_word_map(loader, node, what))
		return false;
	check_twice(loader, node, what);
	return true;
}

bool scenario_read_name_map(struct loader *loader, const struct yaml_node *node, const char *what)
{
	return is_word_map(loader, node, what);
}

bool scenario_read_list(struct loader *loader, const struct yaml_node *node, const char *what)
{
	if (node->kind == YAML_SEQUENCE)
		return true;
	problems_add(loader->problems, node->at, "%s is %s: write a list, each item after '- '",
	             what, yaml_kind_text(node));
	return false;
}

/* --- Texts --- */

bool scenario_read_text(struct loader *loader, const struct yaml_node *node, const char *what,
                        const char **out)
{
	if (node->kind != YAML_SCALAR || yaml_is_null(node)) {
		problems_add(loader->problems, node->at, "%s is %s: write a text", what,
		             yaml_kind_text(node));
		return false;
	}
	if (strlen(node->text) > SCENARIO_TEXT_BYTES_MAX) {
		problems_add(loader->problems, node->at, "%s is longer than %d bytes: shorten it",
		             what, SCENARIO_TEXT_BYTES_MAX);
		return false;
	}
	*out = node->text;
	return true;
}

/* Tell that 'node', a text, is not what 'what' needs. */
static bool wrong_value(struct loader *loader, const struct yaml_node *node, const char *what,
                        const char *right)
{
	problems_add(loader->problems, node->at, "%s is " QUOTED ": %s", what, node->text, right);
	return false;
}

bool scenario_read_choice(struct loader *loader, const struct yaml_node *node, const char *what,
                          const char *const *words, unsigned *out)
{
	char list[300];
	struct fb_text text = fb_text_make(list, sizeof list);
	const char *word, *meant;

	if (!scenario_read_text(loader, node, what, &word))
		return false;
	for (*out = 0; words[*out]; ++*out)
		if (!strcmp(words[*out], word))
			return true;
	meant = nearest(word, words);
	if (meant)
		fb_text_printf(&text, "did you mean '%s'?", meant);
	else
		for (unsigned i = 0; words[i]; i++)
			fb_text_printf(&text, "%s%s", i ? ", " : "write one of ", words[i]);
	return wrong_value(loader, node, what, list);
}

bool scenario_read_bool(struct loader *loader, const struct yaml_node *node, const char *what,
                        bool *out)
{
	const char *text, *right;

	if (!scenario_read_text(loader, node, what, &text))
		return false;
	right = values_bool(text, out);
	return !right || wrong_value(loader, node, what, right);
}

/* --- Numbers --- */

/* Read a value by 'parse' and hold it against its limits, which messages show by 'limits'. */
static bool read_value(struct loader *loader, const struct yaml_node *node, const char *what,
                       const char *(*parse)(const char *text, uint64_t *out), uint64_t min,
                       uint64_t max, const char *limits, uint64_t *out)
{
	const char *text, *right;
	uint64_t value = 0;

	if (!scenario_read_text(loader, node, what, &text))
		return false;
	if (text[0] == '-' && text[1] >= '0' && text[1] <= '9')
		right = "it cannot be negative";
	else
		right = parse(text, &value);
	if (!right && (value < min || value > max))
		right = limits;
	if (right)
		return wrong_value(loader, node, what, right);
	*out = value;
	return true;
}

bool scenario_read_number(struct loader *loader, const struct yaml_node *node, const char *what,
                          uint64_t min, uint64_t max, uint64_t *out)
{
	char limits[100];
	struct fb_text text = fb_text_make(limits, sizeof limits);

	if (max == UINT64_MAX)
		fb_text_printf(&text, "it is at least %llu", (unsigned long long)min);
	else
		fb_text_printf(&text, "it is from %llu to %llu", (unsigned long long)min,
		               (unsigned long long)max);
	return read_value(loader, node, what, values_number, min, max, limits, out);
}

void scenario_duration_text(struct fb_text *text, uint64_t ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"h", 3600 * FB_NS_PER_S},
	             {"s", FB_NS_PER_S},
	             {"ms", FB_NS_PER_MS},
	             {"us", FB_NS_PER_US},
	             {"ns", 1}};
	unsigned i = 0;

	uint64_t rest, scale;

	if (!ns || ns % units[0].ns)
		i++;
	while (ns && ns < units[i].ns)
		i++;
	fb_text_printf(text, "%llu", (unsigned long long)(ns / units[i].ns));
	rest = ns % units[i].ns;
	if (rest)
		fb_text_puts(text, ".");
	for (scale = units[i].ns / 10; rest; scale /= 10) {
		fb_text_printf(text, "%llu", (unsigned long long)(rest / scale));
		rest %= scale;
	}
	fb_text_puts(text, units[i].unit);
}

bool scenario_read_duration(struct loader *loader, const struct yaml_node *node, const char *what,
                            uint64_t min_ns, uint64_t max_ns, uint64_t *ns_out)
{
	char limits[100];
	struct fb_text text = fb_text_make(limits, sizeof limits);

	fb_text_puts(&text, "it is from ");
	scenario_duration_text(&text, min_ns);
	fb_text_puts(&text, " to ");
	scenario_duration_text(&text, max_ns);
	return read_value(loader, node, what, values_duration, min_ns, max_ns, limits,
	                  ns_out);
}

bool scenario_read_rate(struct loader *loader, const struct yaml_node *node, const char *what,
                        uint64_t *bps_out)
{
	return read_value(loader, node, what, values_rate, 1000, 1000000000000,
	                  "it is from 1kbit to 1Tbit", bps_out);
}

bool scenario_read_size(struct loader *loader, const struct yaml_node *node, const char *what,
                        uint64_t min, uint64_t max, uint64_t *bytes_out)
{
	char limits[100];
	struct fb_text text = fb_text_make(limits, sizeof limits);

	fb_text_printf(&text, "it is from %llu to %llu bytes", (unsigned long long)min,
	               (unsigned long long)max);
	return read_value(loader, node, what, values_size, min, max, limits, bytes_out);
}

bool scenario_read_share(struct loader *loader, const struct yaml_node *node, const char *what,
                         uint32_t *ppm_out)
{
	uint64_t ppm;

	if (!read_value(loader, node, what, values_share, 0, 1000000, "", &ppm))
		return false;
	*ppm_out = (uint32_t)ppm;
	return true;
}

/* --- Addresses --- */

bool scenario_read_mac(struct loader *loader, const struct yaml_node *node, const char *what,
                       uint8_t mac[FB_MAC_BYTES])
{
	const char *text;

	if (!scenario_read_text(loader, node, what, &text))
		return false;
	if (fb_parse_mac(text, mac, NULL))
		return wrong_value(loader, node, what, "write six bytes, as 02:00:00:00:00:01");
	if (fb_mac_is_multicast(mac) || !fb_mac_to_u64(mac))
		return wrong_value(loader, node, what,
		                   "a host's own address is not zero and its first byte is even");
	return true;
}

bool scenario_read_ip(struct loader *loader, const struct yaml_node *node, const char *what,
                      uint32_t *ip)
{
	const char *text;

	if (!scenario_read_text(loader, node, what, &text))
		return false;
	if (fb_parse_ip(text, ip, NULL))
		return wrong_value(loader, node, what,
		                   "write four numbers up to 255, as 192.168.2.1");
	return true;
}

/* --- Counts --- */

static bool bounds_are_useful(struct loader *loader, const struct yaml_node *node, const char *what,
                              const struct scenario_bounds *bounds)
{
	const char *right = NULL;

	if (!bounds->has_min && !bounds->has_max)
		right = "it expects nothing: write at_least or at_most";
	else if (bounds->has_min && !bounds->min && !bounds->has_max)
		right = "at_least: 0 can never fail: write at_least: 1 or more, or at_most";
	else if (bounds->has_max && bounds->max == UINT64_MAX)
		right = "this at_most can never fail: write a smaller number";
	else if (bounds->has_min && bounds->has_max && bounds->min > bounds->max)
		right = "at_least is larger than at_most: it can never hold";
	if (right)
		problems_add(loader->problems, node->at, "%s: %s", what, right);
	return !right;
}

bool scenario_read_time_bounds(struct loader *loader, const struct yaml_node *node,
                               const char *what, struct scenario_bounds *out)
{
	const struct yaml_node *min, *max;

	*out = (struct scenario_bounds){.is_time = true};
	if (node->kind == YAML_SCALAR) {
		if (!scenario_read_duration(loader, node, what, 0, SCENARIO_TIME_NS_MAX, &out->min))
			return false;
		out->max = out->min;
		out->has_min = out->has_max = true;
		return true;
	}
	if (node->kind == YAML_SEQUENCE) {
		problems_add(loader->problems, node->at,
		             "%s is a list: write a duration or {at_most: 2ms}", what);
		return false;
	}
	if (!scenario_read_map(loader, node, what, scenario_keys_bounds))
		return false;
	min = yaml_get(node, "at_least");
	max = yaml_get(node, "at_most");
	if ((min && !scenario_read_duration(loader, min, "'at_least'", 0, SCENARIO_TIME_NS_MAX,
	                                    &out->min)) ||
	    (max && !scenario_read_duration(loader, max, "'at_most'", 0, SCENARIO_TIME_NS_MAX,
	                                    &out->max)))
		return false;
	out->has_min = min != NULL;
	out->has_max = max != NULL;
	return bounds_are_useful(loader, node, what, out);
}

/* --- What is expected, as text --- */

void scenario_value_text(struct fb_text *text, const struct scenario_bounds *bounds, uint64_t value)
{
	if (!bounds->is_time)
		fb_text_printf(text, "%llu", (unsigned long long)value);
	else if (value == FB_NEVER)
		fb_text_puts(text, "never");
	else
		scenario_duration_text(text, value);
}

bool scenario_expectation_counts(const struct scenario_expectation *expectation)
{
	return expectation->kind != EXPECT_BACKEND_STATE && expectation->kind != EXPECT_DUMP;
}

void scenario_expectation_text(struct fb_text *text, const struct scenario_expectation *expectation)
{
	fb_text_puts(text, expectation->text);
	if (!scenario_expectation_counts(expectation))
		return;
	fb_text_puts(text, ": ");
	scenario_bounds_text(text, &expectation->bounds);
}

bool scenario_read_bounds(struct loader *loader, const struct yaml_node *node, const char *what,
                          struct scenario_bounds *out)
{
	const struct yaml_node *min, *max;

	*out = (struct scenario_bounds){0};
	if (node->kind == YAML_SCALAR && !strcmp(node->text, "never")) {
		*out = (struct scenario_bounds){.has_min = true, .has_max = true};
		return true;
	}
	if (node->kind == YAML_SCALAR) {
		if (!scenario_read_number(loader, node, what, 0, UINT64_MAX, &out->min))
			return false;
		out->max = out->min;
		out->has_min = out->has_max = true;
		return bounds_are_useful(loader, node, what, out);
	}
	if (node->kind == YAML_SEQUENCE) {
		problems_add(loader->problems, node->at,
		             "%s is a list: write a number or {at_least: 1, at_most: 2}", what);
		return false;
	}
	if (!scenario_read_map(loader, node, what, scenario_keys_bounds))
		return false;
	min = yaml_get(node, "at_least");
	max = yaml_get(node, "at_most");
	if ((min && !scenario_read_number(loader, min, "'at_least'", 0, UINT64_MAX, &out->min)) ||
	    (max && !scenario_read_number(loader, max, "'at_most'", 0, UINT64_MAX, &out->max)))
		return false;
	out->has_min = min != NULL;
	out->has_max = max != NULL;
	return bounds_are_useful(loader, node, what, out);
}
