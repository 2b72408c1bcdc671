/* Numbers become small, times and sizes short and round. See shrink.h.
 *
 * What a bound of an expectation says, and the time to converge, are no matter of size: they
 * stay. */
#include <stdio.h>
#include <string.h>

#include <flowbed/time.h>

#include "lib/base/values.h"
#include "sim/shrink_private.h"

enum { ATTEMPTS = 16, TEXT_BYTES = SHRINK_TEXT_BYTES };

/* Below these keys nothing changes. */
static const char *const kept_keys[] = {"converge", "end",      "within",   "timeout", "at_least",
                                        "at_most",  "seed",     "name",     "mac",     "ip",
                                        "dpid",     "answered", "accepted", NULL};
/* Numbers of these keys are so many. */
static const char *const count_keys[] = {"repeat",   "count", "frames", "skip",
                                         "messages", "times", "size",   NULL};

static bool is_among(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(word, *words))
			return true;
	return false;
}

/* --- Times --- */

/* In the largest unit in which it is at least 1. */
void shrink_time_text(uint64_t ns, char text[SHRINK_TEXT_BYTES])
{
	static const struct {
		const char *name;
		uint64_t ns;
		int digits;
	} units[] = {{"s", FB_NS_PER_S, 9},
	             {"ms", FB_NS_PER_MS, 6},
	             {"us", FB_NS_PER_US, 3},
	             {"ns", 1, 0}};
	unsigned unit = 0;
	char *end;

	while (unit < 3 && ns < units[unit].ns)
		unit++;
	if (!ns)
		unit = 0;
	snprintf(text, TEXT_BYTES, "%llu.%0*llu", (unsigned long long)(ns / units[unit].ns),
	         units[unit].digits, (unsigned long long)(ns % units[unit].ns));
	end = text + strlen(text);
	while (*--end == '0')
		;
	snprintf(*end == '.' ? end : end + 1, 3, "%s", units[unit].name);
}

/* How many digits 'n' has before the zeros at its end; '*power' is that of its first digit. */
static unsigned digits_of(uint64_t n, uint64_t *power)
{
	unsigned digits = 1, zeros = 0;

	*power = 1;
	while (n / *power >= 10) {
		*power *= 10;
		digits++;
	}
	while (n && !(n % 10)) {
		n /= 10;
		zeros++;
	}
	return digits - zeros;
}

/* Attempts 0 to 5: so many digits, down or up; from 6 on: shorter and round. */
static bool simpler_time(uint64_t ns, size_t attempt, uint64_t *out)
{
	uint64_t power;
	const unsigned digits = digits_of(ns, &power);

	if (attempt < 6) {
		const unsigned wanted = (unsigned)attempt / 2 + 1;

		for (unsigned i = 1; i < wanted && power > 1; i++)
			power /= 10;
		if (digits <= wanted)
			return false;
		*out = ns / power * power + (attempt % 2 ? power : 0);
		return *out != ns;
	}
	*out = attempt == 6 ? 0 : FB_NS_PER_MS;
	for (size_t i = 7; i < attempt && attempt < 13; i++)
		*out *= 10;
	return *out < ns && attempt < 13;
}

/* --- Sizes and numbers --- */

static bool simpler_size(uint64_t bytes, size_t attempt, char text[TEXT_BYTES])
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} sizes[] = {{"1kB", 1000},
	             {"10kB", 10000},
	             {"100kB", 100000},
	             {"1MB", 1000000},
	             {"10MB", 10000000}};

	if (attempt >= sizeof sizes / sizeof sizes[0] || sizes[attempt].bytes >= bytes)
		return false;
	snprintf(text, TEXT_BYTES, "%s", sizes[attempt].text);
	return true;
}

static bool simpler_number(uint64_t number, size_t attempt, char text[TEXT_BYTES])
{
	const uint64_t numbers[] = {0,          1,           2,
	                            3,          number / 16, number / 8,
	                            number / 4, number / 2,  number - number / 4,
	                            number - 1};

	if (attempt >= sizeof numbers / sizeof numbers[0] || numbers[attempt] >= number)
		return false;
	snprintf(text, TEXT_BYTES, "%llu", (unsigned long long)numbers[attempt]);
	return true;
}

/* --- The tree --- */

static enum shrink_edited simplify(struct yaml_node *node, const char *key, bool expected,
                                   size_t attempt)
{
	char text[TEXT_BYTES];
	uint64_t value, simple;

	if (!node->plain || node->text[0] < '0' || node->text[0] > '9' || is_among(key, kept_keys))
		return SHRINK_NOT_HERE;
	if (!strcmp(key, "send") && values_is_size(node->text)) {
		if (values_size(node->text, &value) || !simpler_size(value, attempt, text))
			return SHRINK_NOT_HERE;
	} else if (is_among(key, count_keys) && !values_number(node->text, &value)) {
		if (expected || !simpler_number(value, attempt, text))
			return SHRINK_NOT_HERE;
	} else if (strpbrk(node->text, "smh") && !values_duration(node->text, &value)) {
		if (!simpler_time(value, attempt, &simple))
			return SHRINK_NOT_HERE;
		shrink_time_text(simple, text);
	} else {
		return SHRINK_NOT_HERE;
	}
	if (!strcmp(text, node->text))
		return SHRINK_NOT_HERE;
	yaml_edit_set_text(node, text);
	return SHRINK_MADE;
}

/* Go to the '*which'-th scalar of those that are values. */
static enum shrink_edited walk(struct yaml_node *node, const char *key, bool expected,
                               size_t *which)
{
	enum shrink_edited edited;

	if (node->kind == YAML_SCALAR) {
		if (*which >= ATTEMPTS) {
			*which -= ATTEMPTS;
			return SHRINK_NO_MORE;
		}
		return simplify(node, key, expected, *which);
	}
	for (size_t i = 0; i < node->count; i++) {
		if (node->kind == YAML_MAPPING) {
			const struct yaml_node *name = node->items[2 * i];

			if (name->kind != YAML_SCALAR)
				continue;
			edited = walk(node->items[2 * i + 1], name->text,
			              expected || !strcmp(name->text, "expect"), which);
		} else {
			edited = walk(node->items[i], key, expected, which);
		}
		if (edited != SHRINK_NO_MORE)
			return edited;
	}
	return SHRINK_NO_MORE;
}

enum shrink_edited shrink_value(struct yaml_tree *tree, size_t which)
{
	return walk(tree->root, "", false, &which);
}

/* --- The order of faults --- */

static uint64_t time_of(const struct yaml_node *fault)
{
	const struct yaml_node *at = fault->kind == YAML_MAPPING ? yaml_get(fault, "at") : NULL;
	uint64_t ns;

	return at && at->kind == YAML_SCALAR && !values_duration(at->text, &ns) ? ns : 0;
}

enum shrink_edited shrink_sort_faults(struct yaml_tree *tree, size_t which)
{
	struct yaml_node *list = yaml_edit_get(tree->root, "faults");

	list = list && list->kind == YAML_MAPPING ? yaml_edit_get(list, "at") : NULL;
	if (which || !list || list->kind != YAML_SEQUENCE)
		return SHRINK_NO_MORE;
	/* Those of one time stay in their order. */
	for (size_t i = 1; i < list->count; i++)
		for (size_t j = i; j && time_of(list->items[j]) < time_of(list->items[j - 1]);
		     j--) {
			struct yaml_node *later = list->items[j - 1];

			list->items[j - 1] = list->items[j];
			list->items[j] = later;
		}
	return SHRINK_MADE;
}
