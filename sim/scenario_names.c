/* The names of hosts and switches: given, looked up, and guessed at when they are wrong. See
 * scenario_loader.h. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/nearest.h"
#include "lib/base/values.h"
#include "lib/base/xalloc.h"
#include "sim/scenario_loader.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A name: a letter, then letters, digits, '-', '_' and single dots. */
static bool name_is_sound(const char *name)
{
	if (!is_letter(name[0]) || strlen(name) > SCENARIO_NAME_BYTES_MAX)
		return false;
	for (const char *c = name; *c; c++)
		if (!is_letter(*c) && !is_digit(*c) && *c != '-' &&
		    (*c != '.' || c[1] == '.' || !c[1]))
			return false;
	return true;
}

static void name_key(char key[SCENARIO_NAME_BYTES_MAX + 1], const char *name)
{
	memset(key, 0, SCENARIO_NAME_BYTES_MAX + 1);
	for (size_t i = 0; i < SCENARIO_NAME_BYTES_MAX && name[i]; i++)
		key[i] = name[i];
}

bool scenario_add_name(struct loader *loader, struct position at, const char *name, bool is_switch,
                       uint32_t index)
{
	char key[SCENARIO_NAME_BYTES_MAX + 1];
	struct scenario_name *entry;

	if (!name_is_sound(name)) {
		problems_add(loader->problems, at,
		             "'%.60s' is no name: write a letter, then letters, digits, '-', '_' and "
		             "'.', at most %d",
		             name, SCENARIO_NAME_BYTES_MAX);
		return false;
	}
	name_key(key, name);
	if (fb_table_find(loader->names, key)) {
		problems_add(loader->problems, at,
		             "'%s' is already the name of another host or switch: rename one",
		             name);
		return false;
	}
	entry = fb_table_add(loader->names, key);
	if (!entry)
		return false;
	entry->is_switch = is_switch;
	entry->index = index;
	return true;
}

void scenario_list_names(struct loader *loader)
{
	size_t count = 0;

	free(loader->name_list);
	loader->name_list = xcalloc(fb_table_count(loader->names) + 1, sizeof *loader->name_list);
	for (struct scenario_name *entry = fb_table_oldest(loader->names); entry;
	     entry = fb_table_newer(loader->names, entry))
		loader->name_list[count++] = entry->name;
}

const struct scenario_name *scenario_find_name(const struct loader *loader, const char *name)
{
	char key[SCENARIO_NAME_BYTES_MAX + 1];

	if (!name[0] || strlen(name) > SCENARIO_NAME_BYTES_MAX)
		return NULL;
	name_key(key, name);
	return fb_table_find(loader->names, key);
}

void scenario_unknown_name(struct loader *loader, struct position at, const char *what,
                           const char *name)
{
	const char *meant = loader->name_list ? nearest(name, loader->name_list) : NULL;

	if (meant)
		problems_add(loader->problems, at, "no %s is named '%.60s': did you mean '%s'?",
		             what, name, meant);
	else
		problems_add(loader->problems, at, "no %s is named '%.60s': name one of this file",
		             what, name);
}

bool scenario_read_host(struct loader *loader, const struct yaml_node *node, uint32_t *host)
{
	const struct scenario_name *entry;
	const char *name;

	if (!scenario_read_text(loader, node, "a host's name", &name))
		return false;
	entry = scenario_find_name(loader, name);
	if (!entry) {
		scenario_unknown_name(loader, node->at, "host", name);
	} else if (entry->is_switch) {
		problems_add(loader->problems, node->at, "'%s' is a switch: name a host", name);
	} else {
		*host = entry->index;
		return true;
	}
	return false;
}

bool scenario_read_switch(struct loader *loader, const struct yaml_node *node, uint32_t *sw)
{
	const struct scenario_name *entry;
	const char *name;

	if (!scenario_read_text(loader, node, "a switch's name", &name))
		return false;
	entry = scenario_find_name(loader, name);
	if (!entry) {
		scenario_unknown_name(loader, node->at, "switch", name);
	} else if (!entry->is_switch) {
		problems_add(loader->problems, node->at, "'%s' is a host: name a switch", name);
	} else {
		*sw = entry->index;
		return true;
	}
	return false;
}

/* --- Ranges --- */

/* Split "h12" into "h" and 12. The number has at most 6 digits and no leading zero. */
static bool split_numbered(const char *text, size_t len, size_t *prefix_len, uint32_t *number)
{
	size_t digits = 0;

	while (digits < len && is_digit(text[len - 1 - digits]))
		digits++;
	if (!digits || digits > 6 || digits == len || (digits > 1 && text[len - digits] == '0'))
		return false;
	*prefix_len = len - digits;
	*number = 0;
	for (size_t i = len - digits; i < len; i++)
		*number = *number * 10 + (uint32_t)(text[i] - '0');
	return true;
}

bool scenario_split_range(const char *text, char prefix[SCENARIO_NAME_BYTES_MAX + 1],
                          uint32_t *first, uint32_t *last)
{
	const char *dots = strstr(text, "..");
	size_t first_len, last_len;

	if (!dots || !split_numbered(text, (size_t)(dots - text), &first_len, first) ||
	    !split_numbered(dots + 2, strlen(dots + 2), &last_len, last))
		return false;
	if (first_len != last_len || first_len > SCENARIO_NAME_BYTES_MAX - 6 || *first > *last ||
	    strncmp(text, dots + 2, first_len))
		return false;
	memcpy(prefix, text, first_len);
	prefix[first_len] = 0;
	return true;
}

bool scenario_read_range(struct loader *loader, const struct yaml_node *node,
                         struct scenario_range *range)
{
	char prefix[SCENARIO_NAME_BYTES_MAX + 1], name[SCENARIO_NAME_BYTES_MAX + 12];
	uint32_t first, last;
	const char *text;

	range->count = 1;
	if (!scenario_read_text(loader, node, "a host's name", &text))
		return false;
	if (!strstr(text, ".."))
		return scenario_read_host(loader, node, &range->first);
	if (!scenario_split_range(text, prefix, &first, &last)) {
		problems_add(loader->problems, node->at,
		             "'%.60s' is no range of hosts: write it as h1..h200", text);
		return false;
	}
	for (uint32_t i = first; i <= last; i++) {
		struct fb_text out = fb_text_make(name, sizeof name);
		const struct scenario_name *entry;

		fb_text_printf(&out, "%s%u", prefix, i);
		entry = scenario_find_name(loader, name);
		if (!entry || entry->is_switch) {
			scenario_unknown_name(loader, node->at, "host", name);
			return false;
		}
		if (i == first)
			range->first = entry->index;
		if (entry->index != range->first + (i - first)) {
			problems_add(loader->problems, node->at,
			             "the hosts %.60s do not stand in that order in 'hosts': write "
			             "them so",
			             text);
			return false;
		}
	}
	range->count = last - first + 1;
	return true;
}

/* --- Targets --- */

/* The port after the last colon of 'text', which ends there then. */
static bool split_port(struct loader *loader, const struct yaml_node *node, char *text,
                       uint16_t *port)
{
	char *colon = strrchr(text, ':');
	uint64_t number;

	if (!colon) {
		problems_add(loader->problems, node->at,
		             "'%.60s' has no port: write address:port, as 192.168.2.2:22", text);
		return false;
	}
	if (values_number(colon + 1, &number) || !number || number > 65535) {
		problems_add(loader->problems, node->at,
		             "'%.60s' is no port: it is from 1 to 65535", colon + 1);
		return false;
	}
	*port = (uint16_t)number;
	*colon = 0;
	return true;
}

bool scenario_read_target(struct loader *loader, const struct yaml_node *node, uint32_t *ip,
                          uint16_t *port)
{
	char text[SCENARIO_NAME_BYTES_MAX + 32];
	const struct scenario_name *entry;
	const char *whole;

	if (!scenario_read_text(loader, node, "'to'", &whole))
		return false;
	if (strlen(whole) >= sizeof text) {
		problems_add(loader->problems, node->at,
		             "'to' is too long: write a host's name or an address");
		return false;
	}
	strcpy(text, whole);
	if (port && !split_port(loader, node, text, port))
		return false;
	if (is_digit(text[0])) {
		if (!fb_parse_ip(text, ip, NULL))
			return true;
		problems_add(loader->problems, node->at,
		             "'%s' is no address: write four numbers up to 255, as 192.168.2.1",
		             text);
		return false;
	}
	entry = scenario_find_name(loader, text);
	if (entry && !entry->is_switch) {
		*ip = loader->scenario->hosts[entry->index].ip;
		return true;
	}
	if (entry)
		problems_add(loader->problems, node->at,
		             "'%s' is a switch: name a host or an address", text);
	else
		scenario_unknown_name(loader, node->at, "host", text);
	return false;
}
