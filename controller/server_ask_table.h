/* Tables for people: columns as wide as their longest cell.
 *
 *     PORT  NAME     SPEED
 *        1  s1-eth1  1GB_FD COPPER */
#ifndef CONTROLLER_SERVER_ASK_TABLE_H
#define CONTROLLER_SERVER_ASK_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum { SERVER_ASK_TABLE_COLUMNS_MAX = 32 };

struct server_ask_table { /* starts zeroed */
	char *headers[SERVER_ASK_TABLE_COLUMNS_MAX];
	bool right[SERVER_ASK_TABLE_COLUMNS_MAX]; /* aligned */
	size_t columns;
	char **cells; /* row by row */
	size_t cells_count, cells_size;
};

/* Texts are copied. Columns beyond the limit, and their cells, are left out. */
void server_ask_table_column(struct server_ask_table *table, const char *header, bool right);
/* The next cell of the row that is being filled; empty: "-" is shown where the column has others,
 * and a column that has no others is left out. */
void server_ask_table_cell(struct server_ask_table *table, const char *text);
/* The same for a cell that stays blank. */
void server_ask_table_blank(struct server_ask_table *table);
/* The columns that its longest line takes. */
size_t server_ask_table_width(const struct server_ask_table *table);
/* Print the table, each line behind 'indent' blanks, and make it zeroed again. Nothing is printed
 * of a table without rows. */
void server_ask_table_print(struct server_ask_table *table, int indent);
/* Make it zeroed again without. */
void server_ask_table_clear(struct server_ask_table *table);

#endif
