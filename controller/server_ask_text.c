/* An answer to "status" for people: a summary, the applications, a table of the switches, and of a
 * few switches, or the one that was asked for, all that is known. What applications tell is shown by
 * its form (server_ask_lists.h). */
#include "controller/server_ask_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "controller/server_ask_lists.h"
#include "controller/server_values.h"

enum {
	DETAILED_MAX = 4, /* switches that are shown with all that is known */
	INDENT = SERVER_ASK_LISTS_INDENT,
};

/* --- The summary --- */

static bool any_number(struct fy_node *map)
{
	struct fy_node_pair *pair;
	void *iter = NULL;

	while (map && (pair = fy_node_mapping_iterate(map, &iter)))
		if (strcmp(server_json_scalar(fy_node_pair_value(pair)), "0") != 0)
			return true;
	return false;
}

/* "1 thread", "1,000 switches": the plural has 'ending'. */
static const char *counted(uint64_t count, const char *noun, const char *ending,
                           char text[SERVER_VALUES_BYTES])
{
	char number[SERVER_VALUES_BYTES];

	snprintf(text, SERVER_VALUES_BYTES, "%.30s %s%s", server_values_grouped(count, number),
	         noun, count == 1 ? "" : ending);
	return text;
}

static void print_head(struct fy_node *root)
{
	struct fy_node *connections = server_json_get(root, "connections");
	uint64_t handshakes = server_json_number(server_json_get(root, "handshakes"), "count");
	char text[SERVER_VALUES_BYTES], number[SERVER_VALUES_BYTES];

	printf("%s %s, process %s, ", server_json_text(root, "program"),
	       server_json_text(root, "version"), server_json_text(root, "pid"));
	printf("up for %s, ", server_values_duration(server_json_text(root, "uptime_s"), text));
	printf("%s\n", counted(server_json_number(root, "threads"), "thread", "s", text));
	printf("%-*s%s\n", SERVER_ASK_LISTS_HEADING_COLUMNS, "listens on",
	       server_values_joined(server_json_get(root, "listeners"), ", ", text));
	printf("%-*s%s, ", SERVER_ASK_LISTS_HEADING_COLUMNS, "has",
	       counted(server_json_number(server_json_get(root, "switches"), "count"), "switch",
	               "es", text));
	printf("%s of at most %s",
	       counted(server_json_number(connections, "count"), "connection", "s", text),
	       server_values_grouped(server_json_number(connections, "limit"), number));
	if (handshakes > 0)
		printf(", %s of them in the handshake", server_values_grouped(handshakes, number));
	putchar('\n');
}

/* Of several threads: the first loop has no switches, it accepts connections for the others. */
static void print_loops(struct fy_node *loops)
{
	struct server_ask_table table = {0};
	struct fy_node *item = fy_node_sequence_get_by_index(loops, 0);
	void *iter = NULL;

	if (!item || !fy_node_is_mapping(item))
		return;
	server_ask_lists_columns(&table, item);
	server_ask_table_column(&table, " ", false);
	while ((item = fy_node_sequence_iterate(loops, &iter))) {
		server_ask_lists_cells(&table, item);
		server_ask_table_cell(&table,
		                      server_json_number(item, "loop") == 0 ? "accepts" : " ");
	}
	server_ask_table_print(&table, 0);
}

static void print_summary(struct fy_node *root)
{
	struct fy_node *limits = server_json_get(root, "limits_reached");

	print_head(root);
	server_ask_lists_values(server_json_get(root, "per_second"), "per second", 0, true);
	server_ask_lists_values(server_json_get(root, "counters"), "totals", 0, false);
	if (any_number(limits))
		server_ask_lists_values(limits, "limits", 0, false);
	else
		printf("%-*snone was reached\n", SERVER_ASK_LISTS_HEADING_COLUMNS, "limits");
	if (!server_json_is_true(root, "ready"))
		printf("%-*snot yet: applications still find out what there is\n",
		       SERVER_ASK_LISTS_HEADING_COLUMNS, "ready");
	if (server_json_is_true(root, "cut"))
		printf("%-*sthe answer would be too large: lists show less than was asked for\n",
		       SERVER_ASK_LISTS_HEADING_COLUMNS, "cut");
	if (server_json_number(root, "threads") > 1) {
		putchar('\n');
		print_loops(server_json_get(root, "loops"));
	}
}

static void print_app(struct fy_node *app)
{
	struct fy_node *instances = server_json_get(app, "instances"), *instance;
	char text[SERVER_VALUES_BYTES];
	void *iter = NULL;

	printf("\napplication %s", server_values_harmless(server_json_text(app, "name"), text));
	printf(": %s\n", server_values_harmless(server_json_text(app, "summary"), text));
	server_ask_lists_values(server_json_get(app, "options"), "options", INDENT, true);
	server_ask_lists_values(server_json_get(app, "counters"), "counters", INDENT, false);
	while (instances && (instance = fy_node_sequence_iterate(instances, &iter))) {
		bool one = fy_node_sequence_item_count(instances) == 1;

		if (!one)
			printf("%*sthread %s:\n", INDENT, "",
			       server_values_harmless(server_json_text(instance, "loop"), text));
		server_ask_lists_map(instance, "loop", one ? INDENT : 2 * INDENT);
	}
}

static void print_apps(struct fy_node *root)
{
	struct fy_node *apps = server_json_get(root, "apps"), *app;
	void *iter = NULL;

	while (apps && (app = fy_node_sequence_iterate(apps, &iter)))
		print_app(app);
}

static void print_handshakes(struct fy_node *root)
{
	struct fy_node *handshakes = server_json_get(root, "handshakes");

	if (server_json_number(handshakes, "count") == 0)
		return;
	putchar('\n');
	server_ask_lists_print("connections in the handshake", handshakes, 0);
}

/* --- Switches --- */

/* What there is to worry about. */
static const char *worries(struct fy_node *sw, char text[SERVER_VALUES_BYTES])
{
	struct fy_node *liveness = server_json_get(sw, "liveness");
	uint64_t backlog_bytes = server_json_number(liveness, "backlog_bytes");
	char number[SERVER_VALUES_BYTES];
	int len = 0;

	text[0] = '\0';
	if (server_json_is_true(liveness, "echo_sent"))
		len += snprintf(
		        text + len, SERVER_VALUES_BYTES - (size_t)len, "silent for %s ",
		        server_values_duration(server_json_text(liveness, "silent_s"), number));
	if (backlog_bytes > 0)
		len += snprintf(text + len, SERVER_VALUES_BYTES - (size_t)len, "%s wait ",
		                server_values_size(backlog_bytes, number));
	if (server_json_is_true(liveness, "paused"))
		len += snprintf(text + len, SERVER_VALUES_BYTES - (size_t)len, "paused ");
	if (len > 0)
		text[len - 1] = '\0';
	return text;
}

static void add_switch(struct server_ask_table *table, struct fy_node *sw)
{
	struct fy_node *per_second = server_json_get(sw, "per_second");
	char text[SERVER_VALUES_BYTES];

	server_ask_table_cell(table, server_values_harmless(server_json_text(sw, "dpid"), text));
	server_ask_table_cell(table, server_values_harmless(server_json_text(sw, "peer"), text));
	server_ask_table_cell(table,
	                      server_values_duration(server_json_text(sw, "connected_s"), text));
	server_ask_table_cell(
	        table, server_values_grouped(
	                       server_json_number(server_json_get(sw, "ports"), "count"), text));
	server_ask_table_cell(table,
	                      server_values_text("", server_json_get(sw, "flow_entries"), text));
	server_ask_table_cell(
	        table, server_values_grouped(server_json_number(per_second, "packet_ins"), text));
	server_ask_table_cell(
	        table, server_values_grouped(server_json_number(per_second, "messages_in"), text));
	server_ask_table_cell(
	        table, server_values_grouped(server_json_number(per_second, "messages_out"), text));
	server_ask_table_cell(table, worries(sw, text));
}

static void print_switches(struct fy_node *items)
{
	struct server_ask_table table = {0};
	struct fy_node *sw;
	void *iter = NULL;

	server_ask_table_column(&table, "SWITCH", false);
	server_ask_table_column(&table, "PEER", false);
	server_ask_table_column(&table, "UP", true);
	server_ask_table_column(&table, "PORTS", true);
	server_ask_table_column(&table, "FLOWS", true);
	server_ask_table_column(&table, "PACKET-INS/S", true);
	server_ask_table_column(&table, "IN/S", true);
	server_ask_table_column(&table, "OUT/S", true);
	server_ask_table_column(&table, "WORRIES", false);
	while ((sw = fy_node_sequence_iterate(items, &iter)))
		add_switch(&table, sw);
	if (table.cells_count > 0)
		putchar('\n');
	server_ask_table_print(&table, 0);
}

static void print_traffic(struct fy_node *sw)
{
	struct fy_node *counters = server_json_get(sw, "counters"),
	               *liveness = server_json_get(sw, "liveness");
	char number[SERVER_VALUES_BYTES], bytes[SERVER_VALUES_BYTES];

	printf("  %s; ",
	       counted(server_json_number(counters, "packet_ins"), "packet-in", "s", number));
	printf("%s in (%s), ",
	       counted(server_json_number(counters, "messages_in"), "message", "s", number),
	       server_values_size(server_json_number(counters, "bytes_in"), bytes));
	printf("%s out (%s); ",
	       server_values_grouped(server_json_number(counters, "messages_out"), number),
	       server_values_size(server_json_number(counters, "bytes_out"), bytes));
	printf("heard %s ago\n",
	       server_values_duration(server_json_text(liveness, "silent_s"), number));
}

/* The tables that have entries, and the first one. */
static void print_tables(struct fy_node *tables)
{
	struct fy_node *items = server_json_get(tables, "items"), *item;
	struct server_ask_table table = {0};
	uint64_t filled = 0;
	char number[SERVER_VALUES_BYTES];
	void *iter = NULL;
	bool first = true;

	if (server_json_is_null(tables)) {
		printf("  tables: not told\n");
		return;
	}
	item = fy_node_sequence_get_by_index(items, 0);
	if (item)
		server_ask_lists_columns(&table, item);
	while ((item = fy_node_sequence_iterate(items, &iter))) {
		bool empty = server_json_number(item, "active") == 0;

		if (first || !empty)
			server_ask_lists_cells(&table, item);
		filled += !empty;
		first = false;
	}
	printf("  tables: %s", server_values_grouped(server_json_number(tables, "count"), number));
	printf(", %s with entries\n", filled ? server_values_grouped(filled, number) : "none");
	server_ask_table_print(&table, 2 * INDENT);
}

/* All about one switch. */
static void print_switch(struct fy_node *sw)
{
	struct fy_node *features = server_json_get(sw, "features"),
	               *apps = server_json_get(sw, "apps");
	struct fy_node_pair *pair;
	char text[SERVER_VALUES_BYTES];
	void *iter = NULL;

	printf("\nswitch %s", server_values_harmless(server_json_text(sw, "dpid"), text));
	printf(" at %s", server_values_harmless(server_json_text(sw, "peer"), text));
	printf(", up for %s\n", server_values_duration(server_json_text(sw, "connected_s"), text));
	printf("  %s, ", counted(server_json_number(features, "n_buffers"), "buffer", "s", text));
	printf("%s; ", counted(server_json_number(features, "n_tables"), "table", "s", text));
	printf("%s\n", server_values_joined(server_json_get(features, "capabilities"), " ", text));
	print_traffic(sw);
	server_ask_lists_print("ports", server_json_get(sw, "ports"), INDENT);
	print_tables(server_json_get(sw, "tables"));
	while (apps && (pair = fy_node_mapping_iterate(apps, &iter))) {
		printf("  %s:\n",
		       server_values_harmless(server_json_scalar(fy_node_pair_key(pair)), text));
		server_ask_lists_map(fy_node_pair_value(pair), NULL, 2 * INDENT);
	}
}

static void print_details(struct fy_node *root, const char *dpid)
{
	struct fy_node *switches = server_json_get(root, "switches"), *sw;
	uint64_t count = server_json_number(switches, "count"),
	         shown = server_json_number(switches, "shown");
	char number[SERVER_VALUES_BYTES];
	void *iter = NULL;

	if (!dpid && shown < count)
		printf("(%s more: --limit %" PRIu64 " shows all)\n",
		       server_values_grouped(count - shown, number), count);
	if (!dpid && shown > DETAILED_MAX) {
		printf("\n'flowbed-controller status DPID' shows ports, tables and what is known "
		       "of "
		       "one switch.\n");
		return;
	}
	while ((sw = fy_node_sequence_iterate(server_json_get(switches, "items"), &iter)))
		print_switch(sw);
}

static enum server_ask_text_result print_document(struct fy_node *root, const char *dpid,
                                                  char *error, size_t error_size)
{
	struct fy_node *switches = server_json_get(root, "switches");
	char text[SERVER_VALUES_BYTES];

	if (server_json_get(root, "error")) {
		snprintf(error, error_size, "the controller says: %s",
		         server_values_harmless(server_json_text(root, "error"), text));
		return SERVER_ASK_TEXT_WRONG;
	}
	if (!server_json_is_list(switches)) {
		snprintf(error, error_size, "this is no answer of a controller");
		return SERVER_ASK_TEXT_WRONG;
	}
	if (dpid && server_json_number(switches, "shown") == 0) {
		snprintf(error, error_size, "no switch %s is connected", dpid);
		return SERVER_ASK_TEXT_NO_SWITCH;
	}
	print_summary(root);
	print_apps(root);
	print_handshakes(root);
	print_switches(server_json_get(switches, "items"));
	print_details(root, dpid);
	return SERVER_ASK_TEXT_SHOWN;
}

enum server_ask_text_result server_ask_text_print(const char *json, size_t len, const char *dpid,
                                                  char *error, size_t error_size)
{
	struct fy_document *document = server_json_parse(json, len);
	enum server_ask_text_result result;

	if (!document) {
		snprintf(error, error_size, "the answer is no JSON");
		return SERVER_ASK_TEXT_WRONG;
	}
	result = print_document(fy_document_root(document), dpid, error, error_size);
	fy_document_destroy(document);
	return result;
}
