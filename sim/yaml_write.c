/* Nodes into YAML text. See yaml_write.h.
 *
 * Two styles: flow_*() writes a node into the line, block_*() over several lines. What cannot
 * stand in flow style (an unquoted text with a comma in it) stands in a block. */
#include "sim/yaml_write.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

enum { INDENT = 2 };

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

/* It was written without quotes, and can be again. */
static bool is_plain(const struct yaml_node *node)
{
	return node->plain && !strchr(node->text, '\n');
}

static void put_quoted(struct writer *writer, const char *text)
{
	put(writer, "\"");
	for (; *text; text++) {
		char one[2] = {*text, 0};

		if (*text == '"' || *text == '\\')
			put(writer, "\\");
		put(writer, *text == '\n'   ? "\\n"
		            : *text == '\t' ? "\\t"
		            : *text == '\r' ? "\\r"
		                            : one);
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

	if (node->kind == YAML_SCALAR) {
		columns = columns_of(node->text) + (is_plain(node) ? 0 : 2);
		for (const char *c = node->text; !is_plain(node) && *c; c++)
			columns += strchr("\"\\\n\t\r", *c) != NULL;
		return columns;
	}
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
