/* An answer to "status" for people: a summary, the applications, a table of the switches, and of a
 * few switches, or the one that was asked for, all that is known.
 *
 * What applications tell is theirs, so it is shown by its form: a list of maps becomes a table with
 * a column for each key, where the lists in its items become lines of their own; single values stand
 * in a line "name=value  name=value". A key that ends in "_s" is a time, "port" a switch's port.
 *
 * Nothing that a peer said reaches the terminal but printable ASCII. */
#include "controller/server_ask_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flowbed/text.h>

#include "controller/server_ask_table.h"

enum {
	DETAILED_MAX = 4, /* switches that are shown with all that is known */
	TEXT_BYTES = 256, /* of a value */
	LINE_COLUMNS = 96,
	HEADING_COLUMNS = 12,
	INDENT = 2,
};

/* --- The document --- */

static const char *scalar(struct fy_node *node)
{
	const char *text = node ? fy_node_get_scalar0(node) : NULL;

	return text ? text : "";
}

static struct fy_node *get(struct fy_node *map, const char *key)
{
	struct fy_node_pair *pair;
	void *iter = NULL;

	if (!map || !fy_node_is_mapping(map))
		return NULL;
	while ((pair = fy_node_mapping_iterate(map, &iter)))
		if (strcmp(scalar(fy_node_pair_key(pair)), key) == 0)
			return fy_node_pair_value(pair);
	return NULL;
}

static const char *text_of(struct fy_node *map, const char *key)
{
	return scalar(get(map, key));
}

static uint64_t number_of(struct fy_node *map, const char *key)
{
	return strtoull(text_of(map, key), NULL, 10);
}

static bool is_true(struct fy_node *map, const char *key)
{
	return strcmp(text_of(map, key), "true") == 0;
}

static bool is_plain(struct fy_node *node)
{
	return fy_node_is_scalar(node) && fy_node_get_style(node) == FYNS_PLAIN;
}

static bool is_null(struct fy_node *node)
{
	return !node || (is_plain(node) && strcmp(scalar(node), "null") == 0);
}

static bool is_number(struct fy_node *node)
{
	return is_plain(node) && isdigit((unsigned char)*scalar(node));
}

/* A bounded list: {count, limit, items, shown}. */
static bool is_list(struct fy_node *node)
{
	struct fy_node *items = get(node, "items");

	return items && fy_node_is_sequence(items);
}

/* A count of what is not listed: {count, limit}. */
static bool is_count(struct fy_node *node)
{
	return node && fy_node_is_mapping(node) && get(node, "count") && get(node, "limit");
}

/* --- Values as texts --- */

/* 1234567 as "1,234,567". */
static const char *grouped(uint64_t number, char text[TEXT_BYTES])
{
	char digits[32];
	int len = snprintf(digits, sizeof digits, "%" PRIu64, number), to = 0;

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text[to++] = ',';
		text[to++] = digits[i];
	}
	text[to] = '\0';
	return text;
}

/* "12.345" seconds as "12s", "1.2s", "3m05s", "1h02m", "3d04h". */
static const char *duration(const char *seconds, char text[TEXT_BYTES])
{
	char *fraction;
	uint64_t s = strtoull(seconds, &fraction, 10);
	char tenth = *fraction == '.' ? fraction[1] : '0';

	if (s < 10)
		snprintf(text, TEXT_BYTES, "%" PRIu64 ".%cs", s, tenth);
	else if (s < 60)
		snprintf(text, TEXT_BYTES, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(text, TEXT_BYTES, "%" PRIu64 "m%02us", s / 60, (unsigned)(s % 60));
	else if (s < 86400)
		snprintf(text, TEXT_BYTES, "%" PRIu64 "h%02um", s / 3600, (unsigned)(s / 60 % 60));
	else
		snprintf(text, TEXT_BYTES, "%" PRIu64 "d%02uh", s / 86400,
		         (unsigned)(s / 3600 % 24));
	return text;
}

/* "812 B", "12.3 kB", "1.2 MB". */
static const char *size(uint64_t bytes, char text[TEXT_BYTES])
{
	static const char units[] = "kMGTPE";
	uint64_t unit = 1000;
	size_t i = 0;

	if (bytes < unit) {
		snprintf(text, TEXT_BYTES, "%" PRIu64 " B", bytes);
		return text;
	}
	for (; bytes / unit >= 1000 && units[i + 1]; i++)
		unit *= 1000;
	snprintf(text, TEXT_BYTES, "%" PRIu64 ".%" PRIu64 " %cB", bytes / unit,
	         bytes % unit / (unit / 10), units[i]);
	return text;
}

/* What a peer may have said, harmless for a terminal and not too long. */
static const char *harmless(const char *from, char text[TEXT_BYTES])
{
	size_t len = 0;

	for (; *from && len < TEXT_BYTES - 1; from++) {
		unsigned char c = (unsigned char)*from;

		if ((c & 0xc0) == 0x80)
			continue; /* the rest of a character that has its "?" */
		text[len++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	text[len] = '\0';
	return text;
}

/* The items of a plain list, with 'separator' between them. */
static const char *joined(struct fy_node *list, const char *separator, char text[TEXT_BYTES])
{
	struct fy_node *item;
	void *iter = NULL;
	size_t len = 0;

	text[0] = '\0';
	while (list && (item = fy_node_sequence_iterate(list, &iter))) {
		char one[TEXT_BYTES];

		len += (size_t)snprintf(text + len, TEXT_BYTES - len, "%s%s", len ? separator : "",
		                        harmless(scalar(item), one));
		if (len >= TEXT_BYTES)
			break;
	}
	return text;
}

/* "3", "LOCAL". */
static const char *port_text(uint64_t port_no, char text[TEXT_BYTES])
{
	struct fb_text t = fb_text_make(text, TEXT_BYTES);

	fb_text_port(&t, (uint16_t)port_no);
	return text;
}

static const char *yes_no(const char *value)
{
	return strcmp(value, "true") == 0 ? "yes" : strcmp(value, "false") == 0 ? "no" : NULL;
}

static bool is_time(const char *key)
{
	size_t len = strlen(key);

	return len > 2 && strcmp(key + len - 2, "_s") == 0;
}

/* The value of 'key' as text; "" for what there is not. */
static const char *value_text(const char *key, struct fy_node *value, char text[TEXT_BYTES])
{
	char number[TEXT_BYTES];

	text[0] = '\0';
	if (is_null(value))
		return text;
	if (is_count(value)) {
		snprintf(text, TEXT_BYTES, "%.30s", grouped(number_of(value, "count"), number));
		if (!is_null(get(value, "limit")))
			snprintf(text + strlen(text), TEXT_BYTES / 2, " of at most %.30s",
			         grouped(number_of(value, "limit"), number));
		return text;
	}
	if (fy_node_is_sequence(value))
		return joined(value, " ", text);
	if (is_number(value) && is_time(key))
		return duration(scalar(value), text);
	if (is_number(value) && strcmp(key, "port") == 0)
		return port_text(strtoull(scalar(value), NULL, 10), text);
	if (is_number(value) && !strchr(scalar(value), '.'))
		return grouped(strtoull(scalar(value), NULL, 10), text);
	if (is_plain(value) && yes_no(scalar(value)))
		return yes_no(scalar(value));
	return harmless(scalar(value), text);
}

/* A key as the header of a column: "has_flows" as "HAS FLOWS", and a time without its unit. */
static const char *header_text(const char *key, char text[TEXT_BYTES])
{
	harmless(key, text);
	if (is_time(text))
		text[strlen(text) - 2] = '\0';
	for (char *c = text; *c; c++)
		*c = *c == '_' ? ' ' : (char)toupper((unsigned char)*c);
	return text;
}

/* --- Lists as tables --- */

/* A column for each value of 'item', and for those of the items in its list, if it has one. */
static void add_columns(struct server_ask_table *table, struct fy_node *item)
{
	struct fy_node_pair *pair;
	void *iter = NULL;
	char header[TEXT_BYTES];

	while ((pair = fy_node_mapping_iterate(item, &iter))) {
		const char *key = scalar(fy_node_pair_key(pair));
		struct fy_node *value = fy_node_pair_value(pair);

		if (!is_list(value))
			server_ask_table_column(table, header_text(key, header), is_number(value));
	}
}

/* The first list among the values of 'item'; NULL: none. */
static struct fy_node *list_in(struct fy_node *item)
{
	struct fy_node_pair *pair;
	void *iter = NULL;

	while ((pair = fy_node_mapping_iterate(item, &iter)))
		if (is_list(fy_node_pair_value(pair)))
			return fy_node_pair_value(pair);
	return NULL;
}

/* The values of 'item', one a cell; 'blank': as many blank ones. Returns how many. */
static size_t add_cells(struct server_ask_table *table, struct fy_node *item, bool blank)
{
	struct fy_node_pair *pair;
	void *iter = NULL;
	size_t count = 0;
	char text[TEXT_BYTES];

	while ((pair = fy_node_mapping_iterate(item, &iter))) {
		const char *key = scalar(fy_node_pair_key(pair));
		struct fy_node *value = fy_node_pair_value(pair);

		if (is_list(value))
			continue;
		count++;
		if (blank)
			server_ask_table_blank(table);
		else
			server_ask_table_cell(table, value_text(key, value, text));
	}
	return count;
}

static void fill_row(struct server_ask_table *table, size_t cells)
{
	for (; cells < table->columns; cells++)
		server_ask_table_blank(table);
}

/* The row of 'item', and one more for each further item of the list in it. */
static void add_rows(struct server_ask_table *table, struct fy_node *item)
{
	struct fy_node *list = list_in(item), *inner;
	uint64_t left = 0;
	void *iter = NULL;
	bool first = true;
	size_t cells;
	char text[TEXT_BYTES], number[TEXT_BYTES];

	if (list)
		left = number_of(list, "count") - number_of(list, "shown");
	while (list && (inner = fy_node_sequence_iterate(get(list, "items"), &iter))) {
		cells = add_cells(table, item, !first);
		fill_row(table, cells + add_cells(table, inner, false));
		first = false;
	}
	if (first)
		fill_row(table, add_cells(table, item, false));
	if (left == 0 || !list)
		return;
	cells = add_cells(table, item, true);
	snprintf(text, sizeof text, "(%.30s more)", grouped(left, number));
	server_ask_table_cell(table, text);
	fill_row(table, cells + 1);
}

/* The first item of 'items' that has one of its own in a list, for the columns of those. */
static struct fy_node *fullest(struct fy_node *items)
{
	struct fy_node *item, *list;
	void *iter = NULL;

	while ((item = fy_node_sequence_iterate(items, &iter))) {
		list = list_in(item);
		if (list && fy_node_sequence_get_by_index(get(list, "items"), 0))
			return item;
	}
	return fy_node_sequence_get_by_index(items, 0);
}

static void print_items(struct fy_node *items, int indent)
{
	struct server_ask_table table = {0};
	struct fy_node *item = fullest(items), *list;
	void *iter = NULL;

	if (!item || !fy_node_is_mapping(item))
		return;
	add_columns(&table, item);
	list = list_in(item);
	if (list && fy_node_sequence_get_by_index(get(list, "items"), 0))
		add_columns(&table, fy_node_sequence_get_by_index(get(list, "items"), 0));
	while ((item = fy_node_sequence_iterate(items, &iter)))
		if (fy_node_is_mapping(item))
			add_rows(&table, item);
	server_ask_table_print(&table, indent);
}

/* "stations: 3 of at most 131072, 2 shown", and the table. */
static void print_list(const char *key, struct fy_node *list, int indent)
{
	uint64_t count = number_of(list, "count"), shown = number_of(list, "shown");
	char name[TEXT_BYTES], amount[TEXT_BYTES], number[TEXT_BYTES];

	printf("%*s%s: %s", indent, "", harmless(key, name), value_text(key, list, amount));
	if (shown > 0 && shown < count)
		printf(", %s of them here", grouped(shown, number));
	putchar('\n');
	print_items(get(list, "items"), indent + INDENT);
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

	if (line->columns > 0 && line->columns + 2 + len > LINE_COLUMNS) {
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

/* A single value "name=value"; false: it is none, or nothing, or a 0 that is not wanted. */
static bool put_assignment(const char *key, struct fy_node *value, bool zeros,
                           char word[TEXT_BYTES])
{
	char text[TEXT_BYTES], name[TEXT_BYTES];
	const char *shown;

	if (is_list(value) || (fy_node_is_mapping(value) && !is_count(value)))
		return false;
	/* Plain numbers, to be searched for. */
	shown = is_number(value) && !is_time(key) && strcmp(key, "port") != 0
	                ? scalar(value)
	                : value_text(key, value, text);
	if (!*shown || (!zeros && strcmp(shown, "0") == 0))
		return false;
	snprintf(word, TEXT_BYTES, "%.60s=%.180s", harmless(key, name), shown);
	return true;
}

/* The single values of 'map' behind 'heading'; 'zeros': also those that are 0. */
static void print_values(struct fy_node *map, const char *heading, int indent, bool zeros)
{
	struct line line = {.heading = heading,
	                    .indent = indent,
	                    .heading_columns = *heading ? HEADING_COLUMNS : 0};
	struct fy_node_pair *pair;
	void *iter = NULL;
	char word[TEXT_BYTES];

	while (map && (pair = fy_node_mapping_iterate(map, &iter)))
		if (put_assignment(scalar(fy_node_pair_key(pair)), fy_node_pair_value(pair), zeros,
		                   word))
			print_word(&line, word);
	if (line.columns > 0)
		putchar('\n');
}

/* All that is in 'map': single values first, then lists and maps. */
static void print_map(struct fy_node *map, int indent)
{
	struct fy_node_pair *pair;
	void *iter = NULL;
	char name[TEXT_BYTES];

	print_values(map, "", indent, true);
	while ((pair = fy_node_mapping_iterate(map, &iter))) {
		const char *key = scalar(fy_node_pair_key(pair));
		struct fy_node *value = fy_node_pair_value(pair);

		if (is_list(value)) {
			print_list(key, value, indent);
		} else if (fy_node_is_mapping(value) && !is_count(value)) {
			printf("%*s%s:\n", indent, "", harmless(key, name));
			print_map(value, indent + INDENT);
		}
	}
}

/* --- The summary --- */

static bool any_number(struct fy_node *map)
{
	struct fy_node_pair *pair;
	void *iter = NULL;

	while (map && (pair = fy_node_mapping_iterate(map, &iter)))
		if (strcmp(scalar(fy_node_pair_value(pair)), "0") != 0)
			return true;
	return false;
}

/* "1 thread", "1,000 switches": the plural has 'ending'. */
static const char *counted(uint64_t count, const char *noun, const char *ending,
                           char text[TEXT_BYTES])
{
	char number[TEXT_BYTES];

	snprintf(text, TEXT_BYTES, "%.30s %s%s", grouped(count, number), noun,
	         count == 1 ? "" : ending);
	return text;
}

static void print_head(struct fy_node *root)
{
	struct fy_node *connections = get(root, "connections");
	uint64_t handshakes = number_of(get(root, "handshakes"), "count");
	char text[TEXT_BYTES], number[TEXT_BYTES];

	printf("%s %s, process %s, ", text_of(root, "program"), text_of(root, "version"),
	       text_of(root, "pid"));
	printf("up for %s, ", duration(text_of(root, "uptime_s"), text));
	printf("%s\n", counted(number_of(root, "threads"), "thread", "s", text));
	printf("%-*s%s\n", HEADING_COLUMNS, "listens on",
	       joined(get(root, "listeners"), ", ", text));
	printf("%-*s%s, ", HEADING_COLUMNS, "has",
	       counted(number_of(get(root, "switches"), "count"), "switch", "es", text));
	printf("%s of at most %s",
	       counted(number_of(connections, "count"), "connection", "s", text),
	       grouped(number_of(connections, "limit"), number));
	if (handshakes > 0)
		printf(", %s of them in the handshake", grouped(handshakes, number));
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
	add_columns(&table, item);
	server_ask_table_column(&table, " ", false);
	while ((item = fy_node_sequence_iterate(loops, &iter))) {
		add_cells(&table, item, false);
		server_ask_table_cell(&table, number_of(item, "loop") == 0 ? "accepts" : " ");
	}
	server_ask_table_print(&table, 0);
}

static void print_summary(struct fy_node *root)
{
	struct fy_node *limits = get(root, "limits_reached");

	print_head(root);
	print_values(get(root, "per_second"), "per second", 0, true);
	print_values(get(root, "counters"), "totals", 0, false);
	if (any_number(limits))
		print_values(limits, "limits", 0, false);
	else
		printf("%-*snone was reached\n", HEADING_COLUMNS, "limits");
	if (is_true(root, "cut"))
		printf("%-*sthe answer would be too large: lists show less than was asked for\n",
		       HEADING_COLUMNS, "cut");
	if (number_of(root, "threads") > 1) {
		putchar('\n');
		print_loops(get(root, "loops"));
	}
}

static void print_app(struct fy_node *app)
{
	struct fy_node *instances = get(app, "instances"), *instance;
	char text[TEXT_BYTES];
	void *iter = NULL;

	printf("\napplication %s", harmless(text_of(app, "name"), text));
	printf(": %s\n", harmless(text_of(app, "summary"), text));
	print_values(get(app, "options"), "options", INDENT, true);
	print_values(get(app, "counters"), "counters", INDENT, false);
	while (instances && (instance = fy_node_sequence_iterate(instances, &iter))) {
		struct fy_node_pair *pair;
		void *inner = NULL;

		while ((pair = fy_node_mapping_iterate(instance, &inner)))
			if (is_list(fy_node_pair_value(pair)) &&
			    number_of(fy_node_pair_value(pair), "count") > 0)
				print_list(scalar(fy_node_pair_key(pair)), fy_node_pair_value(pair),
				           INDENT);
	}
}

static void print_apps(struct fy_node *root)
{
	struct fy_node *apps = get(root, "apps"), *app;
	void *iter = NULL;

	while (apps && (app = fy_node_sequence_iterate(apps, &iter)))
		print_app(app);
}

static void print_handshakes(struct fy_node *root)
{
	struct fy_node *handshakes = get(root, "handshakes");

	if (number_of(handshakes, "count") == 0)
		return;
	putchar('\n');
	print_list("connections in the handshake", handshakes, 0);
}

/* --- Switches --- */

/* What there is to worry about. */
static const char *worries(struct fy_node *sw, char text[TEXT_BYTES])
{
	struct fy_node *liveness = get(sw, "liveness");
	uint64_t backlog_bytes = number_of(liveness, "backlog_bytes");
	char number[TEXT_BYTES];
	int len = 0;

	text[0] = '\0';
	if (is_true(liveness, "echo_sent"))
		len += snprintf(text + len, TEXT_BYTES - (size_t)len, "silent for %s ",
		                duration(text_of(liveness, "silent_s"), number));
	if (backlog_bytes > 0)
		len += snprintf(text + len, TEXT_BYTES - (size_t)len, "%s wait ",
		                size(backlog_bytes, number));
	if (is_true(liveness, "paused"))
		len += snprintf(text + len, TEXT_BYTES - (size_t)len, "paused ");
	if (len > 0)
		text[len - 1] = '\0';
	return text;
}

static void add_switch(struct server_ask_table *table, struct fy_node *sw)
{
	struct fy_node *per_second = get(sw, "per_second");
	char text[TEXT_BYTES];

	server_ask_table_cell(table, harmless(text_of(sw, "dpid"), text));
	server_ask_table_cell(table, harmless(text_of(sw, "peer"), text));
	server_ask_table_cell(table, duration(text_of(sw, "connected_s"), text));
	server_ask_table_cell(table, grouped(number_of(get(sw, "ports"), "count"), text));
	server_ask_table_cell(table, value_text("", get(sw, "flow_entries"), text));
	server_ask_table_cell(table, grouped(number_of(per_second, "packet_ins"), text));
	server_ask_table_cell(table, grouped(number_of(per_second, "messages_in"), text));
	server_ask_table_cell(table, grouped(number_of(per_second, "messages_out"), text));
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
	struct fy_node *counters = get(sw, "counters"), *liveness = get(sw, "liveness");
	char number[TEXT_BYTES], bytes[TEXT_BYTES];

	printf("  %s; ", counted(number_of(counters, "packet_ins"), "packet-in", "s", number));
	printf("%s in (%s), ", counted(number_of(counters, "messages_in"), "message", "s", number),
	       size(number_of(counters, "bytes_in"), bytes));
	printf("%s out (%s); ", grouped(number_of(counters, "messages_out"), number),
	       size(number_of(counters, "bytes_out"), bytes));
	printf("heard %s ago\n", duration(text_of(liveness, "silent_s"), number));
}

/* The tables that have entries, and the first one. */
static void print_tables(struct fy_node *tables)
{
	struct fy_node *items = get(tables, "items"), *item;
	struct server_ask_table table = {0};
	uint64_t filled = 0;
	char number[TEXT_BYTES];
	void *iter = NULL;
	bool first = true;

	if (is_null(tables)) {
		printf("  tables: not told\n");
		return;
	}
	item = fy_node_sequence_get_by_index(items, 0);
	if (item)
		add_columns(&table, item);
	while ((item = fy_node_sequence_iterate(items, &iter))) {
		bool empty = number_of(item, "active") == 0;

		if (first || !empty)
			add_cells(&table, item, false);
		filled += !empty;
		first = false;
	}
	printf("  tables: %s", grouped(number_of(tables, "count"), number));
	printf(", %s with entries\n", filled ? grouped(filled, number) : "none");
	server_ask_table_print(&table, 2 * INDENT);
}

/* All about one switch. */
static void print_switch(struct fy_node *sw)
{
	struct fy_node *features = get(sw, "features"), *apps = get(sw, "apps");
	struct fy_node_pair *pair;
	char text[TEXT_BYTES];
	void *iter = NULL;

	printf("\nswitch %s", harmless(text_of(sw, "dpid"), text));
	printf(" at %s", harmless(text_of(sw, "peer"), text));
	printf(", up for %s\n", duration(text_of(sw, "connected_s"), text));
	printf("  %s, ", counted(number_of(features, "n_buffers"), "buffer", "s", text));
	printf("%s; ", counted(number_of(features, "n_tables"), "table", "s", text));
	printf("%s\n", joined(get(features, "capabilities"), " ", text));
	print_traffic(sw);
	print_list("ports", get(sw, "ports"), INDENT);
	print_tables(get(sw, "tables"));
	while (apps && (pair = fy_node_mapping_iterate(apps, &iter))) {
		printf("  %s:\n", harmless(scalar(fy_node_pair_key(pair)), text));
		print_map(fy_node_pair_value(pair), 2 * INDENT);
	}
}

static void print_details(struct fy_node *root, const char *dpid)
{
	struct fy_node *switches = get(root, "switches"), *sw;
	uint64_t count = number_of(switches, "count"), shown = number_of(switches, "shown");
	char number[TEXT_BYTES];
	void *iter = NULL;

	if (!dpid && shown < count)
		printf("(%s more: --limit %" PRIu64 " shows all)\n", grouped(count - shown, number),
		       count);
	if (!dpid && shown > DETAILED_MAX) {
		printf("\n'flowbed-controller status DPID' shows ports, tables and what is known "
		       "of "
		       "one switch.\n");
		return;
	}
	while ((sw = fy_node_sequence_iterate(get(switches, "items"), &iter)))
		print_switch(sw);
}

static enum server_ask_text_result print_document(struct fy_node *root, const char *dpid,
                                                  char *error, size_t error_size)
{
	struct fy_node *switches = get(root, "switches");
	char text[TEXT_BYTES];

	if (get(root, "error")) {
		snprintf(error, error_size, "the controller says: %s",
		         harmless(text_of(root, "error"), text));
		return SERVER_ASK_TEXT_WRONG;
	}
	if (!is_list(switches)) {
		snprintf(error, error_size, "this is no answer of a controller");
		return SERVER_ASK_TEXT_WRONG;
	}
	if (dpid && number_of(switches, "shown") == 0) {
		snprintf(error, error_size, "no switch %s is connected", dpid);
		return SERVER_ASK_TEXT_NO_SWITCH;
	}
	print_summary(root);
	print_apps(root);
	print_handshakes(root);
	print_switches(get(switches, "items"));
	print_details(root, dpid);
	return SERVER_ASK_TEXT_SHOWN;
}

enum server_ask_text_result server_ask_text_print(const char *json, size_t len, const char *dpid,
                                                  char *error, size_t error_size)
{
	const struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_PARSE |
	                                             FYPCF_JSON_FORCE};
	struct fy_document *document = fy_document_build_from_string(&config, json, len);
	enum server_ask_text_result result;

	if (!document) {
		snprintf(error, error_size, "the answer is no JSON");
		return SERVER_ASK_TEXT_WRONG;
	}
	result = print_document(fy_document_root(document), dpid, error, error_size);
	fy_document_destroy(document);
	return result;
}
