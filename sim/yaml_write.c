/* Nodes into YAML text. See yaml_write.h.
 *
 * Two styles: flow_*() writes a node into the line, block_*() over several lines. What cannot
 * stand in flow style (an unquoted text with a comma in it) stands in a block. */
#include "sim/yaml_write.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

enum { INDENT = 2, QUOTED_BYTES = 12 };

/* Keys whose value is a block, however short. */
static const char *const block_keys[] = {"hosts", "faults",   "at", "rates",
                                         "steps", "parallel", NULL};
/* Of these lists each item that is a map is a block too. */
static const char *const step_keys[] = {"steps", "parallel", NULL};

struct writer {
	FILE *out;
	unsigned column; /* characters in this line */
};

static void put(struct writer *writer, const char *text)
{
	for (const char *c = text; *c; c++)
		writer->column += ((unsigned char)*c & 0xc0) != 0x80;
	fputs(text, writer->out);
}

static void new_line(struct writer *writer, unsigned indent)
{
	fputc('\n', writer->out);
	for (unsigned i = 0; i < indent; i++)
		fputc(' ', writer->out);
	writer->column = indent;
}

static bool is_among(const char *word, const char *const *words)
{
	for (; word && *words; words++)
		if (!strcmp(word, *words))
			return true;
	return false;
}

/* --- Texts --- */

/* The code of the character at 'text' and, in '*len', its bytes. Texts come from YAML: they are UTF-8. */
static unsigned code_at(const char *text, unsigned *len)
{
	const unsigned char *byte = (const unsigned char *)text;
	unsigned code = byte[0];

	*len = 1;
	if (code < 0xc0)
		return code;
	code &= code >= 0xf0 ? 0x07 : code >= 0xe0 ? 0x0f : 0x1f;
	while ((byte[*len] & 0xc0) == 0x80)
		code = code << 6 | (byte[(*len)++] & 0x3f);
	return code;
}

/* It may not stand in a file as it is, or would be read as the end of a line, or as none. */
static bool is_special(unsigned code)
{
	return code < ' ' || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
	       code == 0xfeff || code == 0xfffe || code == 0xffff;
}

/* The character at 'text' as it stands between quotes; returns its bytes in 'text'. */
static unsigned quote_char(const char *text, char quoted[QUOTED_BYTES])
{
	unsigned len;
	const unsigned code = code_at(text, &len);

	if (code == '"' || code == '\\')
		snprintf(quoted, QUOTED_BYTES, "\\%c", (int)code);
	else if (code == '\n')
		snprintf(quoted, QUOTED_BYTES, "\\n");
	else if (code == '\t')
		snprintf(quoted, QUOTED_BYTES, "\\t");
	else if (code == '\r')
		snprintf(quoted, QUOTED_BYTES, "\\r");
	else if (is_special(code))
		snprintf(quoted, QUOTED_BYTES, code < 0x100 ? "\\x%02x" : "\\u%04x", code);
	else
		snprintf(quoted, QUOTED_BYTES, "%.*s", (int)len, text);
	return len;
}

/* It was written without quotes, and can be again. */
static bool is_plain(const struct yaml_node *node)
{
	const char *text = node->text;
	unsigned len;

	if (!node->plain)
		return false;
	for (; *text; text += len)
		if (is_special(code_at(text, &len)))
			return false;
	return true;
}

static void put_quoted(struct writer *writer, const char *text)
{
	char quoted[QUOTED_BYTES];

	put(writer, "\"");
	while (*text) {
		text += quote_char(text, quoted);
		put(writer, quoted);
	}
	put(writer, "\"");
}

static void put_scalar(struct writer *writer, const struct yaml_node *node)
{
	if (is_plain(node))
		put(writer, node->text);
	else
		put_quoted(writer, node->text);
}

static unsigned columns_of(const char *text)
{
	unsigned columns = 0;

	for (; *text; text++)
		columns += ((unsigned char)*text & 0xc0) != 0x80;
	return columns;
}

static unsigned quoted_columns(const char *text)
{
	char quoted[QUOTED_BYTES];
	unsigned columns = 2;

	while (*text) {
		text += quote_char(text, quoted);
		columns += columns_of(quoted);
	}
	return columns;
}

/* --- Flow style --- */

static bool text_may_flow(const struct yaml_node *node, bool in_list)
{
	if (!is_plain(node))
		return true;
	return !strpbrk(node->text, ",[]{}") && (node->text[0] || !in_list);
}

static bool may_flow(const struct yaml_node *node, bool in_list)
{
	const size_t items = node->kind == YAML_MAPPING ? 2 * node->count : node->count;

	if (node->kind == YAML_SCALAR)
		return text_may_flow(node, in_list);
	for (size_t i = 0; i < items; i++)
		if (!may_flow(node->items[i], node->kind == YAML_SEQUENCE))
			return false;
	return true;
}

/* How many columns it takes in flow style. */
static unsigned flow_columns(const struct yaml_node *node)
{
	const size_t items = node->kind == YAML_MAPPING ? 2 * node->count : node->count;
	unsigned columns = 2;

	if (node->kind == YAML_SCALAR)
		return is_plain(node) ? columns_of(node->text) : quoted_columns(node->text);
	for (size_t i = 0; i < items; i++)
		columns += flow_columns(node->items[i]) + (i ? 2 : 0);
	return columns;
}

static void flow_write(struct writer *writer, const struct yaml_node *node)
{
	if (node->kind == YAML_SCALAR) {
		put_scalar(writer, node);
		return;
	}
	put(writer, node->kind == YAML_MAPPING ? "{" : "[");
	for (size_t i = 0; i < node->count; i++) {
		if (i)
			put(writer, ", ");
		if (node->kind == YAML_SEQUENCE) {
			flow_write(writer, node->items[i]);
			continue;
		}
		flow_write(writer, yaml_key(node, i));
		put(writer, ": ");
		flow_write(writer, yaml_value(node, i));
	}
	put(writer, node->kind == YAML_MAPPING ? "}" : "]");
}

/* --- Blocks --- */

static void block_map(struct writer *writer, const struct yaml_node *map, unsigned indent);
static void block_list(struct writer *writer, const struct yaml_node *list, const char *key,
                       unsigned indent);

/* It goes into the rest of this line. */
static bool fits(const struct writer *writer, const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR || !node->count ||
	       (may_flow(node, true) &&
	        writer->column + 1 + flow_columns(node) <= YAML_WRITE_COLUMNS);
}

static void write_value(struct writer *writer, const char *key, const struct yaml_node *value,
                        unsigned indent)
{
	const bool forced = is_among(key, block_keys) && value->kind != YAML_SCALAR && value->count;

	if (!forced && fits(writer, value)) {
		if (value->kind != YAML_SCALAR || value->text[0] || !is_plain(value))
			put(writer, " ");
		flow_write(writer, value);
	} else if (value->kind == YAML_MAPPING) {
		new_line(writer, indent + INDENT);
		block_map(writer, value, indent + INDENT);
	} else {
		block_list(writer, value, key, indent + INDENT);
	}
}

/* The line begins at 'indent' already. */
static void block_map(struct writer *writer, const struct yaml_node *map, unsigned indent)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *key = yaml_key(map, i);

		if (i)
			new_line(writer, indent);
		flow_write(writer, key);
		put(writer, ":");
		write_value(writer, key->kind == YAML_SCALAR ? key->text : NULL, yaml_value(map, i),
		            indent);
	}
}

static bool holds_steps(const struct yaml_node *map)
{
	for (const char *const *key = step_keys; *key; key++)
		if (yaml_get(map, *key))
			return true;
	return false;
}

static void block_list(struct writer *writer, const struct yaml_node *list, const char *key,
                       unsigned indent)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct yaml_node *item = list->items[i];
		const bool map = item->kind == YAML_MAPPING && item->count;

		new_line(writer, indent);
		put(writer, "-");
		if (map && (is_among(key, step_keys) || holds_steps(item) || !fits(writer, item))) {
			put(writer, " ");
			block_map(writer, item, indent + INDENT);
		} else {
			write_value(writer, NULL, item, indent);
		}
	}
}

void yaml_write(const struct yaml_node *root, FILE *out)
{
	struct writer writer = {.out = out};

	if (root->kind == YAML_MAPPING && root->count)
		block_map(&writer, root, 0);
	else
		flow_write(&writer, root);
	fputc('\n', out);
}

char *yaml_write_text(const struct yaml_node *root, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (!out)
		xalloc_failed("a text");
	yaml_write(root, out);
	if (fclose(out))
		xalloc_failed("a text");
	return text;
}
