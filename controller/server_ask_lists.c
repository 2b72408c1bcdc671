/* What applications tell, shown by its form; see server_ask_lists.h. */
#include "controller/server_ask_lists.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "controller/server_values.h"

enum { INDENT = SERVER_ASK_LISTS_INDENT };

/* --- The values of one map --- */

void server_ask_lists_columns(struct server_ask_table *table, struct fy_node *item)
{
	struct fy_node_pair *pair;
	void *iter = NULL;
	char header[SERVER_VALUES_BYTES];

	while ((pair = fy_node_mapping_iterate(item, &iter)))
		server_ask_table_column(
		        table,
		        server_values_header(server_json_scalar(fy_node_pair_key(pair)), header),
		        server_json_is_number(fy_node_pair_value(pair)));
}

void server_ask_lists_cells(struct server_ask_table *table, struct fy_node *item)
{
	struct fy_node_pair *pair;
	void *iter = NULL;
	char text[SERVER_VALUES_BYTES];

	while ((pair = fy_node_mapping_iterate(item, &iter)))
		server_ask_table_cell(table,
		                      server_values_text(server_json_scalar(fy_node_pair_key(pair)),
		                                         fy_node_pair_value(pair), text));
}

/* --- The columns of a list --- */

/* Of which keys the items of a list tell, in the order in which they first do. */
struct column {
	const char *key;
	bool inner; /* of the items of the list in an item */
	bool known; /* some item has a value, */
	bool right; /*   and it is a number */
};

struct columns {
	struct column list[SERVER_ASK_TABLE_COLUMNS_MAX];
	size_t count;
	const char *inner_key; /* of the list in items; NULL: there is none */
	bool several;          /* items have more lists than that, with items of their own */
};

static void add_column(struct columns *columns, const char *key, bool inner, struct fy_node *value)
{
	struct column *column = columns->list;

	while (column < columns->list + columns->count &&
	       (column->inner != inner || strcmp(column->key, key) != 0))
		column++;
	if (column == columns->list + SERVER_ASK_TABLE_COLUMNS_MAX)
		return;
	if (column == columns->list + columns->count) {
		columns->count++;
		*column = (struct column){.key = key, .inner = inner};
	}
	if (!column->known && !server_json_is_null(value)) {
		column->known = true;
		column->right = server_json_is_number(value) || server_json_is_list(value);
	}
}

/* Take the keys of all 'items'; those of the lists in them come behind all others. */
static void add_keys(struct columns *columns, struct fy_node *items, bool inner)
{
	struct fy_node *item;
	void *iter = NULL;

	while ((item = fy_node_sequence_iterate(items, &iter))) {
		struct fy_node_pair *pair;
		void *pairs = NULL;

		while (fy_node_is_mapping(item) && (pair = fy_node_mapping_iterate(item, &pairs))) {
			const char *key = server_json_scalar(fy_node_pair_key(pair));
			struct fy_node *value = fy_node_pair_value(pair);
			bool is_list = server_json_is_list(value) && !inner;

			if (is_list && !columns->inner_key)
				columns->inner_key = key;
			if (is_list && strcmp(columns->inner_key, key) == 0)
				continue;
			columns->several |= is_list && server_json_shown(value) > 0;
			add_column(columns, key, inner, value);
		}
	}
}

static void add_inner_keys(struct columns *columns, struct fy_node *items)
{
	struct fy_node *item, *inner;
	void *iter = NULL;

	while (columns->inner_key && (item = fy_node_sequence_iterate(items, &iter))) {
		inner = server_json_items(server_json_get(item, columns->inner_key));
		if (inner)
			add_keys(columns, inner, true);
	}
}

/* --- Lists as tables --- */

/* A row: 'item' (NULL: its cells stay blank) and 'inner' (NULL: the same, but that 'note' stands in
 * the first of its cells). */
static void add_row(struct server_ask_table *table, const struct columns *columns,
                    struct fy_node *item, struct fy_node *inner, const char *note)
{
	char text[SERVER_VALUES_BYTES];

	for (size_t i = 0; i < columns->count; i++) {
		const struct column *column = &columns->list[i];
		struct fy_node *from = column->inner ? inner : item;

		if (from) {
			server_ask_table_cell(table,
			                      server_values_text(column->key,
			                                         server_json_get(from, column->key),
			                                         text));
		} else if (column->inner && note) {
			server_ask_table_cell(table, note);
			note = NULL;
		} else {
			server_ask_table_blank(table);
		}
	}
}

/* The row of 'item', and one more for each further item of the list in it. */
static void add_rows(struct server_ask_table *table, const struct columns *columns,
                     struct fy_node *item)
{
	struct fy_node *list =
	        columns->inner_key ? server_json_get(item, columns->inner_key) : NULL;
	struct fy_node *items = server_json_items(list), *inner;
	uint64_t left = items ? server_json_count(list) - server_json_shown(list) : 0;
	char note[SERVER_VALUES_BYTES], number[SERVER_VALUES_BYTES];
	void *iter = NULL;
	bool first = true;

	while (items && (inner = fy_node_sequence_iterate(items, &iter))) {
		add_row(table, columns, first ? item : NULL, inner, NULL);
		first = false;
	}
	snprintf(note, sizeof note, "(%.30s more)", server_values_grouped(left, number));
	if (first || left > 0)
		add_row(table, columns, first ? item : NULL, NULL, left > 0 ? note : NULL);
}

static void make_table(struct server_ask_table *table, const struct columns *columns,
                       struct fy_node *items)
{
	struct fy_node *item;
	void *iter = NULL;
	char header[SERVER_VALUES_BYTES];

	for (size_t i = 0; i < columns->count; i++)
		server_ask_table_column(table, server_values_header(columns->list[i].key, header),
		                        columns->list[i].right);
	while ((item = fy_node_sequence_iterate(items, &iter)))
		if (fy_node_is_mapping(item))
			add_rows(table, columns, item);
}

/* Each item by itself. */
static void print_singly(struct fy_node *items, int indent)
{
	struct fy_node *item;
	void *iter = NULL;

	while ((item = fy_node_sequence_iterate(items, &iter)))
		if (fy_node_is_mapping(item))
			server_ask_lists_map(item, NULL, indent);
}

static void print_items(struct fy_node *items, int indent)
{
	struct columns columns = {.count = 0};
	struct server_ask_table table = {.columns = 0};

	add_keys(&columns, items, false);
	add_inner_keys(&columns, items);
	make_table(&table, &columns, items);
	if (columns.several ||
	    (columns.inner_key &&
	     (size_t)indent + server_ask_table_width(&table) > SERVER_ASK_LISTS_COLUMNS)) {
		server_ask_table_clear(&table);
		print_singly(items, indent);
	} else {
		server_ask_table_print(&table, indent);
	}
}

void server_ask_lists_print(const char *key, struct fy_node *list, int indent)
{
	uint64_t count = server_json_count(list), shown = server_json_shown(list);
	char name[SERVER_VALUES_BYTES], amount[SERVER_VALUES_BYTES], number[SERVER_VALUES_BYTES];

	printf("%*s%s: %s", indent, "", server_values_harmless(key, name),
	       server_values_text(key, list, amount));
	if (shown > 0 && shown < count)
		printf(", %s of them here", server_values_grouped(shown, number));
	putchar('\n');
	print_items(server_json_items(list), indent + INDENT);
}

/* --- Maps as lines --- */

/* Words in lines that do not become too long. */
struct line {
	const char *heading; /* in front of the first word */
	int indent;
	int heading_columns; /* what belongs to it stands so far to the right */
	int columns;         /* written of this line; 0: none of the first one yet */
};

static void print_word(struct line *line, const char *word)
{
	int len = (int)strlen(word);

	if (line->columns > 0 && line->columns + 2 + len > SERVER_ASK_LISTS_COLUMNS - 4) {
		putchar('\n');
		line->heading = "";
		line->columns = 0;
	}
	if (line->columns > 0) {
		line->columns += printf("  %s", word);
		return;
	}
	line->columns =
	        printf("%*s%-*s%s", line->indent, "", line->heading_columns, line->heading, word);
}

/* Shown in lines of its own. */
static bool is_large(struct fy_node *value)
{
	return server_json_is_list(value) ||
	       (fy_node_is_mapping(value) && !server_json_is_count(value) &&
	        !server_json_is_place(value));
}

/* A single value "name=value"; false: it is none, or nothing, or a 0 that is not wanted. */
static bool put_assignment(const char *key, struct fy_node *value, bool zeros,
                           char word[SERVER_VALUES_BYTES])
{
	char text[SERVER_VALUES_BYTES], name[SERVER_VALUES_BYTES];
	const char *shown;

	if (is_large(value))
		return false;
	/* Plain numbers, to be searched for. */
	shown = server_json_is_number(value) && !server_values_is_time(key) &&
	                        !server_values_is_port(key)
	                ? server_json_scalar(value)
	                : server_values_text(key, value, text);
	if (!*shown || (!zeros && strcmp(shown, "0") == 0))
		return false;
	snprintf(word, SERVER_VALUES_BYTES, "%.60s=%.180s", server_values_harmless(key, name),
	         shown);
	return true;
}

static void print_values(struct fy_node *map, const char *except, struct line *line, bool zeros)
{
	struct fy_node_pair *pair;
	void *iter = NULL;
	char word[SERVER_VALUES_BYTES];

	while (map && (pair = fy_node_mapping_iterate(map, &iter))) {
		const char *key = server_json_scalar(fy_node_pair_key(pair));

		if (except && strcmp(key, except) == 0)
			continue;
		if (put_assignment(key, fy_node_pair_value(pair), zeros, word))
			print_word(line, word);
	}
	if (line->columns > 0)
		putchar('\n');
}

void server_ask_lists_values(struct fy_node *map, const char *heading, int indent, bool zeros)
{
	struct line line = {.heading = heading,
	                    .indent = indent,
	                    .heading_columns = *heading ? SERVER_ASK_LISTS_HEADING_COLUMNS : 0};

	print_values(map, NULL, &line, zeros);
}

void server_ask_lists_map(struct fy_node *map, const char *except, int indent)
{
	struct line line = {.heading = "", .indent = indent};
	struct fy_node_pair *pair;
	void *iter = NULL;
	char name[SERVER_VALUES_BYTES];

	print_values(map, except, &line, true);
	while ((pair = fy_node_mapping_iterate(map, &iter))) {
		const char *key = server_json_scalar(fy_node_pair_key(pair));
		struct fy_node *value = fy_node_pair_value(pair);

		if (server_json_is_list(value)) {
			server_ask_lists_print(key, value, indent);
		} else if (is_large(value)) {
			printf("%*s%s:\n", indent, "", server_values_harmless(key, name));
			server_ask_lists_map(value, NULL, indent + INDENT);
		}
	}
}
