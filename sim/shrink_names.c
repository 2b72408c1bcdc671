/* What has a name goes with all that names it. See shrink.h.
 *
 * A renaming says of each name of a host or switch whether it stays, changes or goes; applied to
 * a tree it changes every text that holds the name where one can stand ("h1", "h1:22", "h1 --
 * s1:1", "c1..c9"), and takes out the smallest thing that makes no sense without it: a link, a
 * fault, a step, one line of an expectation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flowbed/packet.h>
#include <flowbed/text.h>

#include "lib/base/xalloc.h"
#include "sim/scenario.h"
#include "sim/shrink_private.h"

enum { TEXT_BYTES = 400, NAME_BYTES = 100, PREFIX_BYTES = 32 };

enum fate { STAYS, CHANGES, GOES };

/* Hosts that are written as one: c1..c9. */
struct range {
	char prefix[PREFIX_BYTES];
	unsigned first, last;
};

struct renaming {
	const char *gone;        /* this name goes; NULL: none */
	const char *from, *to;   /* this one becomes that one; NULL: none */
	const struct range *was; /* these hosts become */
	const struct range *now; /*   these; NULL: they go */
};

/* --- Names --- */

/* "c12": where its number begins; NULL: it has none. */
static const char *number_of(const char *name)
{
	const char *end = name + strlen(name), *number = end;

	while (number > name && number[-1] >= '0' && number[-1] <= '9')
		number--;
	return number == end || number == name || end - number > 8 ? NULL : number;
}

/* "c1..c9", or with 'single' also "c1". */
static bool range_parse(const char *text, bool single, struct range *range)
{
	const char *dots = strstr(text, ".."), *number;
	char first[NAME_BYTES];

	if (strlen(text) >= NAME_BYTES || (!dots && !single))
		return false;
	snprintf(first, sizeof first, "%.*s", dots ? (int)(dots - text) : (int)strlen(text), text);
	number = number_of(first);
	if (!number || number - first >= PREFIX_BYTES)
		return false;
	snprintf(range->prefix, sizeof range->prefix, "%.*s", (int)(number - first), first);
	range->first = range->last = (unsigned)atoi(number);
	if (dots) {
		const size_t len = strlen(range->prefix);

		number = number_of(dots + 2);
		if (!number || (size_t)(number - dots - 2) != len ||
		    strncmp(dots + 2, range->prefix, len))
			return false;
		range->last = (unsigned)atoi(number);
	}
	return range->first <= range->last;
}

static void range_text(const struct range *range, char *text, size_t size)
{
	if (range->first == range->last)
		snprintf(text, size, "%s%u", range->prefix, range->first);
	else
		snprintf(text, size, "%s%u..%s%u", range->prefix, range->first, range->prefix,
		         range->last);
}

static enum fate range_fate(const struct renaming *renaming, const char *name, char *now)
{
	struct range range;

	if (!range_parse(name, true, &range) || strcmp(range.prefix, renaming->was->prefix) ||
	    range.first < renaming->was->first || range.last > renaming->was->last)
		return STAYS;
	if (!renaming->now || range.last < renaming->now->first ||
	    range.first > renaming->now->last)
		return GOES;
	if (range.first >= renaming->now->first && range.last <= renaming->now->last)
		return STAYS;
	if (range.first < renaming->now->first)
		range.first = renaming->now->first;
	if (range.last > renaming->now->last)
		range.last = renaming->now->last;
	range_text(&range, now, NAME_BYTES);
	return CHANGES;
}

/* What becomes of 'name'; 'now' has NAME_BYTES. */
static enum fate name_fate(const struct renaming *renaming, const char *name, char *now)
{
	if (renaming->gone && !strcmp(name, renaming->gone))
		return GOES;
	if (renaming->from && !strcmp(name, renaming->from)) {
		snprintf(now, NAME_BYTES, "%s", renaming->to);
		return CHANGES;
	}
	return renaming->was ? range_fate(renaming, name, now) : STAYS;
}

/* --- Texts --- */

/* "s1:3" or "h1": its name in 'now', and what follows it where the name stays. Ports of a switch
 * that becomes another are not its ports. */
static enum fate end_fate(const struct renaming *renaming, const char *text, size_t len, char *now)
{
	char name[NAME_BYTES];
	const char *colon = memchr(text, ':', len);
	const size_t name_len = colon ? (size_t)(colon - text) : len;
	enum fate fate;

	if (len >= NAME_BYTES)
		return STAYS;
	snprintf(name, sizeof name, "%.*s", (int)name_len, text);
	fate = name_fate(renaming, name, now);
	if (fate == STAYS)
		snprintf(now, NAME_BYTES, "%.*s", (int)len, text);
	else if (fate == CHANGES && colon && !renaming->from)
		snprintf(now + strlen(now), NAME_BYTES - strlen(now), "%.*s", (int)(len - name_len),
		         colon);
	return fate;
}

static enum fate link_fate(const struct renaming *renaming, const char *text, const char *dashes,
                           char *now)
{
	char ends[2][NAME_BYTES];
	enum fate left = end_fate(renaming, text, (size_t)(dashes - text), ends[0]);
	enum fate right = end_fate(renaming, dashes + 4, strlen(dashes + 4), ends[1]);

	if (left == GOES || right == GOES)
		return GOES;
	if (left == STAYS && right == STAYS)
		return STAYS;
	/* Both ends at the switch that two became. */
	if (renaming->from && !strcmp(renaming->to, ends[left == CHANGES ? 0 : 1])) {
		const char *other = ends[left == CHANGES ? 1 : 0];
		const size_t len = strlen(renaming->to);

		if (!strncmp(other, renaming->to, len) && (!other[len] || other[len] == ':'))
			return GOES;
	}
	snprintf(now, TEXT_BYTES, "%s -- %s", ends[0], ends[1]);
	return CHANGES;
}

/* What becomes of a text; 'now' has TEXT_BYTES. */
static enum fate text_fate(const struct renaming *renaming, const char *text, char *now)
{
	const char *dashes = strstr(text, " -- ");
	const size_t len = strlen(text);

	if (len >= NAME_BYTES)
		return STAYS;
	return dashes ? link_fate(renaming, text, dashes, now) : end_fate(renaming, text, len, now);
}

/* Change all texts below 'node'; true when one of them goes. */
static bool change(const struct renaming *renaming, struct yaml_node *node)
{
	const size_t parts = node->kind == YAML_MAPPING ? 2 * node->count : node->count;
	char now[TEXT_BYTES];
	bool goes = false;

	if (node->kind == YAML_SCALAR) {
		const enum fate fate = text_fate(renaming, node->text, now);

		if (fate == CHANGES)
			yaml_edit_set_text(node, now);
		return fate == GOES;
	}
	for (size_t i = 0; i < parts; i++)
		goes |= change(renaming, node->items[i]);
	return goes;
}

/* --- What goes with a text --- */

/* Items of a list go with what they name. */
static void change_items(const struct renaming *renaming, struct yaml_node *list)
{
	if (!list || list->kind != YAML_SEQUENCE)
		return;
	for (size_t i = 0; i < list->count;)
		if (change(renaming, list->items[i]))
			yaml_edit_take(list, i);
		else
			i++;
}

/* 'hosts', 'switches': pairs go with their keys. */
static void change_keys(const struct renaming *renaming, struct yaml_node *map)
{
	char now[TEXT_BYTES];

	if (!map || map->kind != YAML_MAPPING)
		return;
	for (size_t i = 0; i < map->count;) {
		struct yaml_node *key = map->items[2 * i];
		enum fate fate =
		        key->kind == YAML_SCALAR ? name_fate(renaming, key->text, now) : STAYS;

		if (fate == GOES || (fate == CHANGES && yaml_edit_get(map, now))) {
			yaml_edit_take(map, i);
			continue;
		}
		if (fate == CHANGES)
			yaml_edit_set_text(key, now);
		i++;
	}
}

/* What a request expects: single replies go. */
static void change_replies(const struct renaming *renaming, struct yaml_node *expect)
{
	if (expect->kind != YAML_MAPPING)
		return;
	for (size_t i = 0; i < expect->count;) {
		struct yaml_node *value = expect->items[2 * i + 1];
		bool goes = false;

		if (value->kind == YAML_SEQUENCE) {
			change_items(renaming, value);
			goes = !value->count;
		} else {
			goes = change(renaming, value);
		}
		if (goes)
			yaml_edit_take(expect, i);
		else
			i++;
	}
}

/* Counts of what goes go, or what counts at it. */
static bool count_goes(const struct renaming *renaming, struct yaml_node *value)
{
	if (value->kind == YAML_SEQUENCE) {
		change_items(renaming, value);
		return !value->count;
	}
	if (value->kind == YAML_SCALAR)
		return change(renaming, value);
	for (size_t i = 0; i < value->count;) {
		if (change(renaming, value->items[2 * i + 1]))
			return true;
		if (change(renaming, value->items[2 * i]))
			yaml_edit_take(value, i);
		else
			i++;
	}
	return !value->count;
}

/* True when nothing is expected any more. */
static bool expect_goes(const struct renaming *renaming, struct yaml_node *expect)
{
	if (expect->kind != YAML_MAPPING)
		return false;
	for (size_t i = 0; i < expect->count;)
		if (count_goes(renaming, expect->items[2 * i + 1]))
			yaml_edit_take(expect, i);
		else
			i++;
	return !expect->count;
}

static void change_steps(const struct renaming *renaming, struct yaml_node *steps);

/* A value of a step's map. */
static bool part_goes(const struct renaming *renaming, const char *key, struct yaml_node *value)
{
	bool goes = false;

	if (!strcmp(key, "parallel") || !strcmp(key, "steps")) {
		change_steps(renaming, value);
		return value->kind == YAML_SEQUENCE && !value->count;
	}
	if (!strcmp(key, "expect"))
		return expect_goes(renaming, value);
	if (value->kind != YAML_MAPPING)
		return change(renaming, value);
	for (size_t i = 0; i < value->count; i++) {
		struct yaml_node *name = value->items[2 * i], *part = value->items[2 * i + 1];

		if (name->kind == YAML_SCALAR && !strcmp(name->text, "expect"))
			change_replies(renaming, part);
		else
			goes |= change(renaming, part);
	}
	return goes;
}

static void change_steps(const struct renaming *renaming, struct yaml_node *steps)
{
	if (!steps || steps->kind != YAML_SEQUENCE)
		return;
	for (size_t i = 0; i < steps->count;) {
		struct yaml_node *step = steps->items[i];
		bool goes = false;

		for (size_t j = 0; step->kind == YAML_MAPPING && j < step->count; j++)
			if (step->items[2 * j]->kind == YAML_SCALAR)
				goes |= part_goes(renaming, step->items[2 * j]->text,
				                  step->items[2 * j + 1]);
		if (goes)
			yaml_edit_take(steps, i);
		else
			i++;
	}
}

static void change_faults(const struct renaming *renaming, struct yaml_node *faults)
{
	struct yaml_node *rates;

	if (!faults || faults->kind != YAML_MAPPING)
		return;
	change_items(renaming, yaml_edit_get(faults, "at"));
	rates = yaml_edit_get(faults, "rates");
	if (!rates || rates->kind != YAML_MAPPING)
		return;
	for (size_t i = 0; i < rates->count;) {
		struct yaml_node *rate = rates->items[2 * i + 1], *on;

		on = rate->kind == YAML_MAPPING ? yaml_edit_get(rate, "on") : NULL;
		if (on)
			change_items(renaming, on);
		if (on && on->kind == YAML_SEQUENCE && !on->count)
			yaml_edit_take(rates, i);
		else
			i++;
	}
}

static void rename_all(const struct renaming *renaming, struct yaml_tree *tree)
{
	struct yaml_node *root = tree->root, *expect;

	change_keys(renaming, yaml_edit_get(root, "hosts"));
	change_keys(renaming, yaml_edit_get(root, "switches"));
	change_items(renaming, yaml_edit_get(root, "links"));
	change_faults(renaming, yaml_edit_get(root, "faults"));
	change_steps(renaming, yaml_edit_get(root, "steps"));
	expect = yaml_edit_get(root, "expect");
	if (expect && expect_goes(renaming, expect))
		yaml_edit_take_key(root, "expect");
}

/* --- Hosts and switches go --- */

void shrink_drop_names(struct yaml_tree *tree, const char *kind, const bool *out, size_t count)
{
	struct yaml_node *map = yaml_edit_get(tree->root, kind);
	char(*names)[NAME_BYTES] = xcalloc(count + 1, sizeof *names);

	/* The map changes while names go. */
	for (size_t i = 0; i < count && i < map->count; i++)
		if (out[i] && map->items[2 * i]->kind == YAML_SCALAR)
			snprintf(names[i], NAME_BYTES, "%s", map->items[2 * i]->text);
	for (size_t i = 0; i < count; i++) {
		struct range was;
		struct renaming renaming = {.gone = names[i]};

		if (!names[i][0])
			continue;
		if (range_parse(names[i], false, &was))
			renaming.was = &was;
		rename_all(&renaming, tree);
	}
	free(names);
}

/* --- Ranges become narrower --- */

enum { NARROWINGS = 7 };

/* The hosts that stay, by the number of the attempt: few at the beginning, a half, all but one. */
static bool narrower(const struct range *was, size_t attempt, struct range *now)
{
	const unsigned middle = was->first + (was->last - was->first) / 2;

	*now = *was;
	switch (attempt) {
	case 0:
		now->last = was->first;
		break;
	case 1:
		now->last = was->first + 1;
		break;
	case 2:
		now->last = was->first + 3;
		break;
	case 3:
		now->last = middle;
		break;
	case 4:
		now->first = middle + 1;
		break;
	case 5:
		now->last = was->last - 1;
		break;
	default:
		now->first = was->first + 1;
		break;
	}
	return now->last < was->last || now->first > was->first;
}

/* The addresses of a range count up from that of its first host. */
static void count_addresses_up(struct yaml_node *host, unsigned by)
{
	struct yaml_node *node = host->kind == YAML_MAPPING ? yaml_edit_get(host, "ip") : NULL;
	char text[NAME_BYTES];
	struct fb_text out = fb_text_make(text, sizeof text);
	uint8_t mac[FB_MAC_BYTES];
	uint32_t ip;

	if (node && node->kind == YAML_SCALAR && strlen(node->text) < 40) {
		const char *slash = strchr(node->text, '/');

		snprintf(text, sizeof text, "%.*s",
		         slash ? (int)(slash - node->text) : (int)strlen(node->text), node->text);
		if (!fb_parse_ip(text, &ip, NULL)) {
			fb_text_ip(&out, ip + by);
			fb_text_puts(&out, slash ? slash : "");
			yaml_edit_set_text(node, text);
		}
	}
	node = host->kind == YAML_MAPPING ? yaml_edit_get(host, "mac") : NULL;
	if (node && node->kind == YAML_SCALAR && !fb_parse_mac(node->text, mac, NULL)) {
		for (unsigned i = FB_MAC_BYTES, carry = by; i-- && carry; carry >>= 8) {
			carry += mac[i];
			mac[i] = (uint8_t)carry;
		}
		out = fb_text_make(text, sizeof text);
		fb_text_mac(&out, mac);
		yaml_edit_set_text(node, text);
	}
}

enum shrink_edited shrink_narrow_range(struct yaml_tree *tree, size_t which)
{
	struct yaml_node *hosts = yaml_edit_get(tree->root, "hosts");
	size_t range = which / NARROWINGS;
	struct range was, now;

	if (!hosts || hosts->kind != YAML_MAPPING)
		return SHRINK_NO_MORE;
	for (size_t i = 0; i < hosts->count; i++) {
		const struct yaml_node *key = hosts->items[2 * i];
		const struct renaming renaming = {.was = &was, .now = &now};

		if (key->kind != YAML_SCALAR || !range_parse(key->text, false, &was) || range--)
			continue;
		if (was.first == was.last || !narrower(&was, which % NARROWINGS, &now))
			return SHRINK_NOT_HERE;
		if (now.first > was.first)
			count_addresses_up(hosts->items[2 * i + 1], now.first - was.first);
		rename_all(&renaming, tree);
		return SHRINK_MADE;
	}
	return SHRINK_NO_MORE;
}

static enum shrink_edited first_of(struct yaml_node *node, size_t *which)
{
	const size_t parts = node->kind == YAML_MAPPING ? 2 * node->count : node->count;
	struct range range;
	char name[NAME_BYTES + 20];

	if (node->kind == YAML_SCALAR) {
		if (!range_parse(node->text, false, &range) || range.first == range.last ||
		    (*which)--)
			return SHRINK_NO_MORE;
		range.last = range.first;
		range_text(&range, name, sizeof name);
		yaml_edit_set_text(node, name);
		return SHRINK_MADE;
	}
	for (size_t i = 0; i < parts; i++)
		if (first_of(node->items[i], which) == SHRINK_MADE)
			return SHRINK_MADE;
	return SHRINK_NO_MORE;
}

enum shrink_edited shrink_first_of_range(struct yaml_tree *tree, size_t which)
{
	struct yaml_node *steps = yaml_edit_get(tree->root, "steps");

	return steps ? first_of(steps, &which) : SHRINK_NO_MORE;
}

/* --- Two switches become one --- */

/* The name at an end of a link between switches; false: it is none. */
static bool switch_end(const struct yaml_node *switches, const char *text, size_t len, char *name)
{
	const char *colon = memchr(text, ':', len);

	snprintf(name, NAME_BYTES, "%.*s", (int)(colon ? (size_t)(colon - text) : len), text);
	return yaml_get(switches, name) != NULL;
}

enum shrink_edited shrink_merge_switches(struct yaml_tree *tree, size_t which)
{
	struct yaml_node *switches = yaml_edit_get(tree->root, "switches");
	struct yaml_node *links = yaml_edit_get(tree->root, "links");

	if (!switches || !links || switches->kind != YAML_MAPPING || links->kind != YAML_SEQUENCE)
		return SHRINK_NO_MORE;
	for (size_t i = 0; i < links->count; i++) {
		const struct yaml_node *link = links->items[i];
		char names[2][NAME_BYTES];
		struct renaming renaming = {.from = names[which % 2 ? 0 : 1],
		                            .to = names[which % 2 ? 1 : 0]};
		const char *dashes;

		if (link->kind == YAML_MAPPING)
			link = yaml_get(link, "between");
		if (!link || link->kind != YAML_SCALAR || !(dashes = strstr(link->text, " -- ")) ||
		    strlen(link->text) >= NAME_BYTES ||
		    !switch_end(switches, link->text, (size_t)(dashes - link->text), names[0]) ||
		    !switch_end(switches, dashes + 4, strlen(dashes + 4), names[1]))
			continue;
		if (which >= 2) {
			which -= 2;
			continue;
		}
		rename_all(&renaming, tree);
		return SHRINK_MADE;
	}
	return SHRINK_NO_MORE;
}

/* --- Ports that the loader gave --- */

/* 'links' says this end of a link, "s1:3", itself. */
static bool is_said(const struct yaml_node *links, const char *end)
{
	const size_t len = strlen(end);

	for (size_t i = 0; links && links->kind == YAML_SEQUENCE && i < links->count; i++) {
		const struct yaml_node *link = links->items[i];
		const char *at;

		if (link->kind == YAML_MAPPING)
			link = yaml_get(link, "between");
		if (!link || link->kind != YAML_SCALAR || !(at = strstr(link->text, end)))
			continue;
		if ((at == link->text || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	}
	return false;
}

/* "h1 -- s1:21" is h1 -- s1 where its port is not said in 'links'. */
static bool strip_ports(const struct yaml_node *links, struct yaml_node *node)
{
	const char *dashes = strstr(node->text, " -- ");
	char ends[2][NAME_BYTES], text[TEXT_BYTES];
	bool stripped = false;

	if (!dashes || strlen(node->text) >= NAME_BYTES)
		return false;
	snprintf(ends[0], NAME_BYTES, "%.*s", (int)(dashes - node->text), node->text);
	snprintf(ends[1], NAME_BYTES, "%s", dashes + 4);
	for (unsigned e = 0; e < 2; e++) {
		char *colon = strchr(ends[e], ':');

		if (!colon || is_said(links, ends[e]))
			continue;
		*colon = 0;
		stripped = true;
	}
	snprintf(text, sizeof text, "%s -- %s", ends[0], ends[1]);
	if (stripped) {
		yaml_edit_set_text(node, text);
		node->plain = !strchr(text, ':');
	}
	return stripped;
}

/* The '*which'-th text below 'node' that can become shorter. */
static bool strip_one(const struct yaml_node *links, struct yaml_node *node, size_t *which)
{
	const size_t parts = node->kind == YAML_MAPPING ? 2 * node->count : node->count;

	if (node->kind == YAML_SCALAR) {
		char *before = xstrdup(node->text);
		const bool plain = node->plain;
		const bool stripped = strip_ports(links, node), wanted = stripped && !(*which)--;

		if (stripped && !wanted) {
			yaml_edit_set_text(node, before);
			node->plain = plain;
		}
		free(before);
		return wanted;
	}
	for (size_t i = 0; i < parts; i++)
		if (strip_one(links, node->items[i], which))
			return true;
	return false;
}

enum shrink_edited shrink_strip_ports(struct yaml_tree *tree, size_t which)
{
	const struct yaml_node *links = yaml_get(tree->root, "links");
	struct yaml_node *faults = yaml_edit_get(tree->root, "faults");
	struct yaml_node *steps = yaml_edit_get(tree->root, "steps");

	return (faults && strip_one(links, faults, &which)) ||
	                       (steps && strip_one(links, steps, &which))
	               ? SHRINK_MADE
	               : SHRINK_NO_MORE;
}
