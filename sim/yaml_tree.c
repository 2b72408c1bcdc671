/* YAML into nodes with places. See yaml_tree.h. */
#include "sim/yaml_tree.h"

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

/* A node that an alias can name. */
struct anchor {
	char *name;
	struct yaml_node *node;
	struct anchor *next;
};

struct builder {
	struct yaml_tree *tree;
	struct problems *problems;
	struct fy_parser *parser;
	struct anchor *anchors; /* latest first: a name may be given again */
	struct position last;   /* where the latest event ended: the place of empty values */
	bool failed;
};

/* Report 'format' at 'at' and stop building. */
#define builder_fail(builder, at, ...)                                                             \
	do {                                                                                       \
		problems_add((builder)->problems, (at), __VA_ARGS__);                              \
		(builder)->failed = true;                                                          \
	} while (0)

/* --- Nodes --- */

static bool depth_is_passed(struct builder *builder, struct position at, unsigned depth)
{
	if (depth < YAML_TREE_DEPTH_MAX)
		return false;
	builder_fail(builder, at, "more than %d levels of nesting: write it flatter",
	             YAML_TREE_DEPTH_MAX);
	return true;
}

static struct yaml_node *node_new(struct builder *builder, enum yaml_kind kind, struct position at)
{
	struct yaml_tree *tree = builder->tree;
	struct yaml_node *node;

	if (tree->nodes_count == YAML_TREE_NODES_MAX) {
		builder_fail(builder, at, "more than %d values: split the file",
		             YAML_TREE_NODES_MAX);
		return NULL;
	}
	node = xcalloc(1, sizeof *node);
	node->kind = kind;
	node->at = at;
	node->next = tree->all;
	tree->all = node;
	tree->nodes_count++;
	return node;
}

static void node_append(struct yaml_node *parent, struct yaml_node *item)
{
	if (parent->count == parent->size) {
		parent->size = parent->size ? 2 * parent->size : 4;
		parent->items = xrealloc(parent->items, parent->size * sizeof *parent->items);
	}
	parent->items[parent->count++] = item;
}

/* A copy of 'from' with all that is below it, for an alias that stands 'depth' levels deep. */
static struct yaml_node *node_copy(struct builder *builder, const struct yaml_node *from,
                                   unsigned depth)
{
	size_t items = from->kind == YAML_MAPPING ? 2 * from->count : from->count;
	struct yaml_node *node;

	if (depth_is_passed(builder, from->at, depth))
		return NULL;
	node = node_new(builder, from->kind, from->at);
	if (!node)
		return NULL;
	node->plain = from->plain;
	if (from->text)
		node->text = xstrdup(from->text);
	for (size_t i = 0; i < items; i++) {
		struct yaml_node *item = node_copy(builder, from->items[i], depth + 1);

		if (!item)
			return NULL;
		node_append(node, item);
	}
	node->count = from->count;
	return node;
}

void yaml_tree_destroy(struct yaml_tree *tree)
{
	struct yaml_node *next;

	for (struct yaml_node *node = tree->all; node; node = next) {
		next = node->next;
		free(node->text);
		free(node->items);
		free(node);
	}
	*tree = (struct yaml_tree){0};
}

const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key)
{
	for (size_t i = 0; i < mapping->count; i++) {
		const struct yaml_node *node = yaml_key(mapping, i);

		if (node->kind == YAML_SCALAR && !strcmp(node->text, key))
			return yaml_value(mapping, i);
	}
	return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && node->plain &&
	       (!node->text[0] || !strcmp(node->text, "~") || !strcmp(node->text, "null"));
}

const char *yaml_kind_text(const struct yaml_node *node)
{
	switch (node->kind) {
	case YAML_SCALAR:
		return yaml_is_null(node) ? "nothing" : "text";
	case YAML_SEQUENCE:
		return "a list";
	case YAML_MAPPING:
		return "a map";
	}
	return "";
}

/* --- Events --- */

static struct position mark_position(const struct fy_mark *mark)
{
	return (struct position){(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
}

/* True when libfyaml's mark stands behind the event's first character: the quote, or the '*'. */
static bool mark_is_behind(struct fy_event *event)
{
	enum fy_scalar_style style;

	if (event->type == FYET_ALIAS)
		return true;
	if (event->type != FYET_SCALAR || !event->scalar.value)
		return false;
	style = fy_token_scalar_style(event->scalar.value);
	return style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
}

/* The place of 'event', and remember where it ended. An empty value has none: it gets that of what
 * came before. */
static struct position event_position(struct builder *builder, struct fy_event *event)
{
	const struct fy_mark *start = fy_event_start_mark(event), *end = fy_event_end_mark(event);
	struct position at = start ? mark_position(start) : builder->last;

	if (start && at.column > 1 && mark_is_behind(event))
		at.column--;
	if (end)
		builder->last = mark_position(end);
	return at;
}

/* The text of 'token', terminated, for the caller to free; '*len' bytes. Read piece by piece,
 * because fy_token_get_text() of libfyaml 0.7.12 leaks memory over texts with many quotes inside.
 */
static char *token_copy(struct fy_token *token, size_t *len)
{
	struct fy_token_iter *iter = token ? fy_token_iter_create(token) : NULL;
	const struct fy_iter_chunk *chunk = NULL;
	char *copy = xmalloc(1);

	*len = 0;
	while (iter && (chunk = fy_token_iter_chunk_next(iter, chunk, NULL)) != NULL) {
		copy = xrealloc(copy, *len + chunk->len + 1);
		memcpy(copy + *len, chunk->str, chunk->len);
		*len += chunk->len;
	}
	copy[*len] = 0;
	if (iter)
		fy_token_iter_destroy(iter);
	return copy;
}

static void anchor_add(struct builder *builder, struct fy_token *token, struct yaml_node *node)
{
	struct anchor *anchor;
	size_t len;

	if (!token)
		return;
	anchor = xcalloc(1, sizeof *anchor);
	anchor->name = token_copy(token, &len);
	anchor->node = node;
	anchor->next = builder->anchors;
	builder->anchors = anchor;
}

static void anchors_free(struct builder *builder)
{
	while (builder->anchors) {
		struct anchor *anchor = builder->anchors;

		builder->anchors = anchor->next;
		free(anchor->name);
		free(anchor);
	}
}

static struct yaml_node *alias_build(struct builder *builder, struct fy_event *event,
                                     struct position at, unsigned depth)
{
	size_t len;
	char *name = token_copy(event->alias.anchor, &len);
	struct yaml_node *node = NULL;

	for (struct anchor *anchor = builder->anchors; anchor && !node; anchor = anchor->next)
		if (!strcmp(anchor->name, name))
			node = node_copy(builder, anchor->node, depth);
	if (!node && !builder->failed)
		builder_fail(builder, at,
		             "no value before this is named '&%.60s': give it that name", name);
	free(name);
	return node;
}

static struct yaml_node *scalar_build(struct builder *builder, struct fy_event *event,
                                      struct position at)
{
	struct yaml_node *node = NULL;
	size_t len;
	char *text = token_copy(event->scalar.value, &len);

	if (memchr(text, 0, len))
		builder_fail(builder, at, "a NUL character inside a text: leave it out");
	else
		node = node_new(builder, YAML_SCALAR, at);
	if (!node) {
		free(text);
		return NULL;
	}
	node->text = text;
	node->plain =
	        !event->scalar.value || fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN;
	anchor_add(builder, event->scalar.anchor, node);
	return node;
}

static struct yaml_node *node_build(struct builder *builder, struct fy_event *event,
                                    unsigned depth);

/* Build what follows a sequence's or mapping's start, up to its end. */
static struct yaml_node *collection_build(struct builder *builder, struct yaml_node *node,
                                          enum fy_event_type end, unsigned depth)
{
	if (!node)
		return NULL;
	while (!builder->failed) {
		struct fy_event *event = fy_parser_parse(builder->parser);
		struct yaml_node *item;

		if (!event) {
			builder->failed = true;
			break;
		}
		if (event->type == end) {
			event_position(builder, event);
			fy_parser_event_free(builder->parser, event);
			if (node->kind == YAML_MAPPING)
				node->count /= 2;
			return node;
		}
		item = node_build(builder, event, depth);
		fy_parser_event_free(builder->parser, event);
		if (item)
			node_append(node, item);
	}
	/* Failed in the middle: leave what is consistent. */
	if (node->kind == YAML_MAPPING)
		node->count /= 2;
	return NULL;
}

/* The node that begins with 'event', or NULL when building has failed. */
static struct yaml_node *node_build(struct builder *builder, struct fy_event *event, unsigned depth)
{
	struct position at = event_position(builder, event);
	struct fy_token *anchor = NULL;
	struct yaml_node *node;

	if (depth_is_passed(builder, at, depth))
		return NULL;
	if (event->type == FYET_ALIAS)
		return alias_build(builder, event, at, depth);
	if (event->type == FYET_SCALAR)
		return scalar_build(builder, event, at);
	if (event->type == FYET_SEQUENCE_START) {
		node = node_new(builder, YAML_SEQUENCE, at);
		anchor = event->sequence_start.anchor;
		node = collection_build(builder, node, FYET_SEQUENCE_END, depth + 1);
	} else if (event->type == FYET_MAPPING_START) {
		node = node_new(builder, YAML_MAPPING, at);
		anchor = event->mapping_start.anchor;
		node = collection_build(builder, node, FYET_MAPPING_END, depth + 1);
	} else {
		builder_fail(builder, at, "bad YAML: a value was expected here");
		return NULL;
	}
	if (node)
		anchor_add(builder, anchor, node);
	return node;
}

/* Take the events of the whole text. */
static void stream_build(struct builder *builder)
{
	struct fy_event *event;
	unsigned documents = 0;

	while (!builder->failed && (event = fy_parser_parse(builder->parser)) != NULL) {
		switch ((int)event->type) {
		case FYET_STREAM_START:
		case FYET_STREAM_END:
		case FYET_DOCUMENT_END:
			event_position(builder, event);
			break;
		case FYET_DOCUMENT_START: {
			struct position at = event_position(builder, event);

			if (documents++)
				builder_fail(builder, at,
				             "a second document begins here: one file holds one "
				             "scenario");
			break;
		}
		default:
			builder->tree->root = node_build(builder, event, 0);
			break;
		}
		fy_parser_event_free(builder->parser, event);
	}
}

/* --- Errors --- */

/* The first line in [from, to] whose indentation holds a tab: most "bad YAML" is that. False: none.
 */
static bool find_tab(const char *text, size_t len, uint32_t from, uint32_t to, struct position *at)
{
	uint32_t line = 1;

	for (size_t i = 0; i < len && line <= to; line++) {
		uint32_t column = 1;

		for (; i < len && (text[i] == ' ' || text[i] == '\t'); i++, column++) {
			if (text[i] == '\t' && line >= from) {
				*at = (struct position){line, column};
				return true;
			}
		}
		while (i < len && text[i] != '\n')
			i++;
		i++;
	}
	return false;
}

/* Tell the first error that libfyaml has collected; those after it are mostly its echoes. */
static void report_parser_error(struct fy_diag *diag, const char *text, size_t len,
                                struct problems *problems)
{
	void *iterator = NULL;
	struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iterator);
	struct position at = {1, 1}, tab;

	if (!error || !error->msg) {
		problems_add(problems, at,
		             "bad YAML: it cannot be read as a map of keys and values");
		return;
	}
	if (error->line > 0)
		at = (struct position){(uint32_t)error->line,
		                       error->column > 0 ? (uint32_t)error->column : 1};
	if (find_tab(text, len, at.line, at.line + 1, &tab))
		problems_add(problems, tab,
		             "bad YAML: a tab indents this line: indent with blanks");
	else
		problems_add(problems, at, "bad YAML: %s", error->msg);
}

/* The bytes of the UTF-8 character at 's', 0 where there is none. */
static size_t utf8_len(const unsigned char *s, size_t len)
{
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80                   ? 1
	           : s[0] >= 0xf0 && s[0] < 0xf8 ? 4
	           : s[0] >= 0xe0                ? 3
	           : s[0] >= 0xc0                ? 2
	                                         : 0;
	uint32_t c;

	if (n <= 1)
		return n;
	if (n > len || s[0] >= 0xf8)
		return 0;
	c = s[0] & (0x7fU >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3fU);
	}
	return c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

/* Refuse what is no text before libfyaml sees it: bytes that are no UTF-8, control characters, and
 * the directives, which no scenario needs. */
static bool text_is_sound(const char *text, size_t len, struct problems *problems)
{
	struct position at = {1, 1};
	const char *wrong = NULL;

	if (len > YAML_TREE_TEXT_BYTES_MAX) {
		problems_add(problems, at, "the file is larger than %d MiB: split it",
		             YAML_TREE_TEXT_BYTES_MAX >> 20);
		return false;
	}
	for (size_t i = 0; i < len && !wrong;) {
		unsigned char c = (unsigned char)text[i];
		size_t n = utf8_len((const unsigned char *)text + i, len - i);

		if (!n)
			wrong = "a byte that is no UTF-8: save the file as UTF-8";
		else if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
			wrong = "a control character: leave it out";
		else if (c == '%' && at.column == 1)
			wrong = "a YAML directive: scenarios need none, leave it out";
		if (wrong)
			break;
		i += n;
		at.column++;
		if (c == '\n')
			at = (struct position){at.line + 1, 1};
	}
	if (wrong)
		problems_add(problems, at, "bad YAML: %s", wrong);
	return !wrong;
}

bool yaml_tree_parse(struct yaml_tree *tree, const char *text, size_t len,
                     struct problems *problems)
{
	struct builder builder = {.tree = tree, .problems = problems, .last = {1, 1}};
	struct fy_diag_cfg diag_config;
	struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG |
	                                       FYPCF_DISABLE_ACCELERATORS};
	size_t problems_before = problems->count;

	*tree = (struct yaml_tree){0};
	if (!text_is_sound(text, len, problems))
		return false;
	fy_diag_cfg_default(&diag_config);
	diag_config.fp = NULL;
	config.diag = fy_diag_create(&diag_config);
	fy_diag_set_collect_errors(config.diag, true);
	builder.parser = fy_parser_create(&config);
	if (len && fy_parser_set_string(builder.parser, text, len))
		builder.failed = true;
	if (len && !builder.failed)
		stream_build(&builder);
	if (len && fy_parser_get_stream_error(builder.parser))
		builder.failed = true;
	if (builder.failed && problems->count == problems_before)
		report_parser_error(config.diag, text, len, problems);
	fy_parser_destroy(builder.parser);
	fy_diag_destroy(config.diag);
	anchors_free(&builder);
	if (builder.failed)
		tree->root = NULL;
	return !builder.failed;
}
