/* What applications tell, shown by its form: it is theirs, and nobody else knows their keys.
 *
 * A list of maps becomes a table with a column for each key. Where its items have lists of their
 * own, the items of the first of these take lines and columns behind them:
 *
 *     addresses: 1 of at most 4,096
 *       ADDRESS      VLAN  MAC                PORT  STATE
 *       192.168.2.2     -  02:00:00:00:00:02     2  up
 *                          02:00:00:00:00:03     3  down
 *
 * and a table of their own, behind a line with the rest of the item, where that would be too wide.
 * Single values stand in lines, "name=value  name=value". */
#ifndef CONTROLLER_SERVER_ASK_LISTS_H
#define CONTROLLER_SERVER_ASK_LISTS_H

#include "controller/server_ask_table.h"
#include "controller/server_json.h"

enum {
	SERVER_ASK_LISTS_COLUMNS = 100,        /* of a line */
	SERVER_ASK_LISTS_HEADING_COLUMNS = 12, /* what belongs to a heading stands so far right */
	SERVER_ASK_LISTS_INDENT = 2,
};

/* "stations: 3 of at most 131,072, 2 of them here", and the table. */
void server_ask_lists_print(const char *key, struct fy_node *list, int indent);
/* A column for each value of 'item', and a cell for each. */
void server_ask_lists_columns(struct server_ask_table *table, struct fy_node *item);
void server_ask_lists_cells(struct server_ask_table *table, struct fy_node *item);
/* The single values of 'map' behind 'heading'; 'zeros': also those that are 0. */
void server_ask_lists_values(struct fy_node *map, const char *heading, int indent, bool zeros);
/* All that is in 'map' but 'except' (NULL: nothing): single values first, then lists and maps. */
void server_ask_lists_map(struct fy_node *map, const char *except, int indent);

#endif
