/* Tables for people; see server_ask_table.h. */
#include "controller/server_ask_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

void server_ask_table_column(struct server_ask_table *table, const char *header, bool right)
{
	if (table->columns == SERVER_ASK_TABLE_COLUMNS_MAX)
		return;
	table->headers[table->columns] = xstrdup(header);
	table->right[table->columns++] = right;
}

void server_ask_table_cell(struct server_ask_table *table, const char *text)
{
	if (table->cells_count == table->cells_size) {
		table->cells_size = table->cells_size ? 2 * table->cells_size : 64;
		table->cells = xrealloc(table->cells, table->cells_size * sizeof *table->cells);
	}
	table->cells[table->cells_count++] = xstrdup(text);
}

void server_ask_table_blank(struct server_ask_table *table)
{
	server_ask_table_cell(table, " ");
}

/* --- Printing --- */

static bool is_filled(const char *cell)
{
	return *cell && *cell != ' ';
}

/* As wide as its longest cell; 0: no cell has anything. */
static size_t column_width(const struct server_ask_table *table, size_t column)
{
	size_t width = strlen(table->headers[column]);
	bool filled = false;

	for (size_t i = column; i < table->cells_count; i += table->columns) {
		size_t len = strlen(table->cells[i]);

		filled |= is_filled(table->cells[i]);
		width = len > width ? len : width;
	}
	return filled ? width : 0;
}

/* One line; no blanks follow its last cell. */
static void print_line(const struct server_ask_table *table, char *const *cells,
                       const size_t *widths, int indent)
{
	size_t owed = (size_t)indent; /* blanks */

	for (size_t i = 0; i < table->columns; i++) {
		const char *cell = *cells[i] ? cells[i] : "-";
		size_t len = *cell == ' ' ? 0 : strlen(cell);

		if (!widths[i])
			continue;
		if (table->right[i])
			owed += widths[i] - len;
		if (len)
			printf("%*s%.*s", (int)owed, "", (int)len, cell);
		owed = (len ? 0 : owed) + 2 + (table->right[i] ? 0 : widths[i] - len);
	}
	putchar('\n');
}

size_t server_ask_table_width(const struct server_ask_table *table)
{
	size_t sum = 0;

	for (size_t i = 0; i < table->columns; i++) {
		size_t width = column_width(table, i);

		sum += width ? width + 2 : 0;
	}
	return sum ? sum - 2 : 0;
}

void server_ask_table_print(struct server_ask_table *table, int indent)
{
	size_t widths[SERVER_ASK_TABLE_COLUMNS_MAX] = {0};

	for (size_t i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	if (table->cells_count > 0)
		print_line(table, table->headers, widths, indent);
	for (size_t i = 0; table->columns > 0 && i + table->columns <= table->cells_count;
	     i += table->columns)
		print_line(table, table->cells + i, widths, indent);
	server_ask_table_clear(table);
}

void server_ask_table_clear(struct server_ask_table *table)
{
	for (size_t i = 0; i < table->columns; i++)
		free(table->headers[i]);
	for (size_t i = 0; i < table->cells_count; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct server_ask_table){0};
}
