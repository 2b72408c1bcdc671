/* "name=value,..." against an application's table of options.
 *
 * Everything that is not exactly right is refused with a text that says what would be: an unknown
 * name with the nearest known one, a value outside its range with the range. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "controller/core.h"
#include "lib/base/nearest.h"
#include "lib/base/values.h"

enum {
	NAMES_MAX = 64,    /* options of a class, choices of an option */
	VALUE_BYTES = 4096, /* a setting, terminator included */
	VALUE_SHOWN = 100,  /* characters of one that is wrong */
};

struct unit {
	char name[4];
	uint64_t ns;
};

static const struct unit units[] = {
        {"h", 3600 * FB_NS_PER_S}, {"m", 60 * FB_NS_PER_S}, {"s", FB_NS_PER_S},
        {"ms", FB_NS_PER_MS},      {"us", FB_NS_PER_US},    {"ns", 1},
};

/* --- Numbers --- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The decimal digits at '*s', at least one, into '*value'; advances '*s'. False where there is none
 * or too many. */
static bool take_digits(const char **s, uint64_t *value)
{
	if (!is_digit(**s))
		return false;
	for (*value = 0; is_digit(**s); (*s)++) {
		uint64_t digit = (uint64_t)(**s - '0');

		if (*value > (UINT64_MAX - digit) / 10)
			return false;
		*value = *value * 10 + digit;
	}
	return true;
}

static bool parse_integer(const char *s, uint64_t *value)
{
	return take_digits(&s, value) && !*s;
}

static bool parse_bool(const char *s, uint64_t *value)
{
	static const char words[][2][6] = {
	        {"true", "false"}, {"yes", "no"}, {"on", "off"}, {"1", "0"}};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		for (unsigned no = 0; no < 2; no++) {
			if (strcmp(s, words[i][no]) == 0) {
				*value = !no;
				return true;
			}
		}
	}
	return false;
}

/* --- What would be right --- */

/* In the largest unit that leaves no fraction. */
void app_options_duration(struct fb_text *t, uint64_t ns)
{
	size_t i = 0;

	while (ns == 0 ? units[i].ns != FB_NS_PER_S : ns % units[i].ns != 0)
		i++;
	fb_text_printf(t, "%" PRIu64 "%s", ns / units[i].ns, units[i].name);
}

static void put_value(struct fb_text *t, const struct fb_option *option, uint64_t value)
{
	if (option->type == FB_OPTION_DURATION)
		app_options_duration(t, value);
	else
		fb_text_printf(t, "%" PRIu64, value);
}

/* "5s to 1h", "at least 1". */
static void put_range(struct fb_text *t, const struct fb_option *option)
{
	if (option->max == UINT64_MAX) {
		fb_text_puts(t, "at least ");
		put_value(t, option, option->min);
		return;
	}
	put_value(t, option, option->min);
	fb_text_puts(t, " to ");
	put_value(t, option, option->max);
}

static void put_choices(struct fb_text *t, const char *const *choices)
{
	for (size_t i = 0; choices[i]; i++)
		fb_text_printf(t, "%s%s", i == 0 ? "" : choices[i + 1] ? ", " : " or ", choices[i]);
}

void app_options_expected(struct fb_text *t, const struct fb_option *option)
{
	switch (option->type) {
	case FB_OPTION_INTEGER:
		fb_text_puts(t, "a whole number, ");
		put_range(t, option);
		break;
	case FB_OPTION_DURATION:
		fb_text_puts(t, "a duration like 250ms, 5s, 2m or 1h, ");
		put_range(t, option);
		break;
	case FB_OPTION_BOOL:
		fb_text_puts(t, "true or false");
		break;
	case FB_OPTION_CHOICE:
		put_choices(t, option->choices);
		break;
	case FB_OPTION_TEXT:
		fb_text_printf(t, "a text of at most %" PRIu64 " characters, without comma",
		               option->max);
		break;
	}
}

/* --- One option --- */

static bool parse_choice(const struct fb_option *option, const char *s, uint64_t *value)
{
	for (size_t i = 0; option->choices[i]; i++) {
		if (strcmp(option->choices[i], s) == 0) {
			*value = i;
			return true;
		}
	}
	return false;
}

static bool parse_ranged(const struct fb_option *option, const char *s, uint64_t *value)
{
	bool ok = option->type == FB_OPTION_DURATION ? !values_duration(s, value)
	                                             : parse_integer(s, value);

	return ok && *value >= option->min && *value <= option->max;
}

/* A text stays where it is. */
static bool parse_text(const struct fb_option *option, const char *s, uint64_t *value)
{
	*value = (uint64_t)(uintptr_t)s;
	return strlen(s) <= option->max;
}

/* The text 's' as a value of 'option', which may point to it. */
static bool parse_value(const struct fb_option *option, const char *s, uint64_t *value)
{
	switch (option->type) {
	case FB_OPTION_INTEGER:
	case FB_OPTION_DURATION:
		return parse_ranged(option, s, value);
	case FB_OPTION_BOOL:
		return parse_bool(s, value);
	case FB_OPTION_CHOICE:
		return parse_choice(option, s, value);
	case FB_OPTION_TEXT:
		return parse_text(option, s, value);
	}
	return false;
}

/* Say why 'value' is not one of 'option'. */
static void put_value_error(struct fb_text *error, const struct fb_app_class *cls,
                            const struct fb_option *option, const char *value)
{
	const char *near =
	        option->type == FB_OPTION_CHOICE ? nearest(value, option->choices) : NULL;

	fb_text_printf(error, "%s: %s=%.*s%s: expected ", cls->name, option->name, VALUE_SHOWN,
	               value, strlen(value) > VALUE_SHOWN ? "..." : "");
	app_options_expected(error, option);
	if (near)
		fb_text_printf(error, " (did you mean %s?)", near);
}

/* Say that there is no option 'name'. */
static void put_unknown(struct fb_text *error, const struct fb_app_class *cls, const char *name)
{
	const char *names[NAMES_MAX + 1] = {NULL};
	const char *near;

	for (size_t i = 0; i < cls->options_count && i < NAMES_MAX; i++)
		names[i] = cls->options[i].name;
	near = nearest(name, names);
	fb_text_printf(error, "%s: unknown option '%s'", cls->name, name);
	if (near)
		fb_text_printf(error, ", did you mean '%s'?", near);
	else if (cls->options_count == 0)
		fb_text_puts(error, ": it has no options");
	else
		fb_text_puts(error, ", known are ");
	if (!near && cls->options_count > 0)
		put_choices(error, names);
}

/* Take the one setting "name=value" of 'len' characters at 's', a copy of which is at 'name' from
 * now on. 'seen' says which options were set. */
static int take_setting(const struct fb_app_class *cls, const char *s, size_t len, char *name,
                        uint64_t *values, bool *seen, struct fb_text *error)
{
	char *value;
	size_t i = 0;

	if (len == 0 || len >= VALUE_BYTES) {
		fb_text_printf(error, "%s: expected NAME=VALUE[,NAME=VALUE...]", cls->name);
		return -1;
	}
	memcpy(name, s, len);
	name[len] = '\0';
	value = strchr(name, '=');
	if (value)
		*value++ = '\0';
	while (i < cls->options_count && strcmp(cls->options[i].name, name) != 0)
		i++;
	if (i == cls->options_count) {
		put_unknown(error, cls, name);
		return -1;
	}
	if (!value || seen[i]) {
		fb_text_printf(error, "%s: %s %s", cls->name, name,
		               value ? "is given twice" : "needs a value: ");
		if (!value)
			app_options_expected(error, &cls->options[i]);
		return -1;
	}
	if (!parse_value(&cls->options[i], value, &values[i])) {
		put_value_error(error, cls, &cls->options[i], value);
		return -1;
	}
	seen[i] = true;
	return 0;
}

/* Fill 'values' from the defaults and 'text'; see core.h. */
int app_options_parse(const struct fb_app_class *cls, const char *text, char *memory,
                      uint64_t *values, struct fb_text *error)
{
	bool seen[NAMES_MAX] = {false};

	assert(cls->options_count <= NAMES_MAX);
	for (size_t i = 0; i < cls->options_count; i++) {
		if (!parse_value(&cls->options[i], cls->options[i].default_text, &values[i])) {
			put_value_error(error, cls, &cls->options[i], cls->options[i].default_text);
			return -1;
		}
	}
	while (text && *text) {
		size_t len = strcspn(text, ",");

		if (take_setting(cls, text, len, memory, values, seen, error) < 0)
			return -1;
		text += len;
		memory += len + 1;
		if (*text == ',' && !*++text) {
			fb_text_printf(error,
			               "%s: expected another NAME=VALUE after the last comma",
			               cls->name);
			return -1;
		}
	}
	return 0;
}
