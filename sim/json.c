/* JSON, read in place. See json.h. */
#include "sim/json.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static size_t skip_blanks(const char *text, size_t len, size_t at)
{
	while (at < len && is_blank(text[at]))
		at++;
	return at;
}

/* Behind the text that begins with the quote at 'at'. */
static size_t skip_text(const char *text, size_t len, size_t at)
{
	for (at++; at < len && text[at] != '"'; at++)
		at += text[at] == '\\';
	return at < len ? at + 1 : len;
}

/* Behind the value that begins at 'at'. */
static size_t skip_value(const char *text, size_t len, size_t at)
{
	size_t depth = 0;

	while (at < len) {
		const char c = text[at];

		if (c == '"') {
			at = skip_text(text, len, at);
		} else if (c == '{' || c == '[') {
			depth++;
			at++;
		} else if (c == '}' || c == ']') {
			if (!depth)
				return at;
			depth--;
			at++;
		} else if (depth || (c != ',' && !is_blank(c))) {
			at++;
			continue;
		} else {
			return at;
		}
		if (!depth)
			return at;
	}
	return len;
}

/* The next value of a map or list, which '*offset' is before or behind; false at its end. */
static bool next_value(struct json all, size_t *offset, struct json *value)
{
	size_t at = skip_blanks(all.text, all.len, *offset), end;

	if (at < all.len && (all.text[at] == ',' || all.text[at] == ':'))
		at = skip_blanks(all.text, all.len, at + 1);
	end = skip_value(all.text, all.len, at);
	if (end == at || end > all.len)
		return false;
	*value = (struct json){all.text + at, end - at};
	*offset = end;
	return true;
}

bool json_member(struct json map, const char *key, struct json *value)
{
	const size_t len = strlen(key);
	struct json name;
	size_t offset = 1;

	if (!map.len || map.text[0] != '{')
		return false;
	while (next_value(map, &offset, &name)) {
		if (!next_value(map, &offset, value))
			return false;
		if (name.len == len + 2 && !memcmp(name.text + 1, key, len))
			return true;
	}
	return false;
}

bool json_item(struct json list, size_t *offset, struct json *item)
{
	if (!list.len || list.text[0] != '[')
		return false;
	if (!*offset)
		*offset = 1;
	return next_value(list, offset, item);
}

bool json_number(struct json value, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < value.len; i++) {
		if (value.text[i] < '0' || value.text[i] > '9' ||
		    __builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (uint64_t)(value.text[i] - '0'), number))
			return false;
	}
	return value.len > 0;
}

bool json_text(struct json value, char *text, size_t size)
{
	size_t len;

	if (value.len < 2 || value.text[0] != '"')
		return false;
	len = value.len - 2 < size ? value.len - 2 : size - 1;
	memcpy(text, value.text + 1, len);
	text[len] = 0;
	return true;
}
