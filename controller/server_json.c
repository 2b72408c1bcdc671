/* An answer of a controller as a tree; see server_json.h. */
#include "controller/server_json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct fy_document *server_json_parse(const char *json, size_t len)
{
	const struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_PARSE |
	                                             FYPCF_JSON_FORCE};

	return fy_document_build_from_string(&config, json, len);
}

/* --- Values --- */

const char *server_json_scalar(struct fy_node *node)
{
	const char *text = node ? fy_node_get_scalar0(node) : NULL;

	return text ? text : "";
}

bool server_json_is_plain(struct fy_node *node)
{
	return node && fy_node_is_scalar(node) && fy_node_get_style(node) == FYNS_PLAIN;
}

bool server_json_is_null(struct fy_node *node)
{
	return !node ||
	       (server_json_is_plain(node) && strcmp(server_json_scalar(node), "null") == 0);
}

bool server_json_is_number(struct fy_node *node)
{
	return server_json_is_plain(node) && isdigit((unsigned char)*server_json_scalar(node));
}

/* --- Maps --- */

struct fy_node *server_json_get(struct fy_node *map, const char *key)
{
	struct fy_node_pair *pair;
	void *iter = NULL;

	if (!map || !fy_node_is_mapping(map))
		return NULL;
	while ((pair = fy_node_mapping_iterate(map, &iter)))
		if (strcmp(server_json_scalar(fy_node_pair_key(pair)), key) == 0)
			return fy_node_pair_value(pair);
	return NULL;
}

const char *server_json_text(struct fy_node *map, const char *key)
{
	return server_json_scalar(server_json_get(map, key));
}

uint64_t server_json_number(struct fy_node *map, const char *key)
{
	return strtoull(server_json_text(map, key), NULL, 10);
}

bool server_json_is_true(struct fy_node *map, const char *key)
{
	return strcmp(server_json_text(map, key), "true") == 0;
}

/* --- Lists --- */

/* A short list of maps. */
static bool is_plain_list(struct fy_node *node)
{
	struct fy_node *first;

	if (!node || !fy_node_is_sequence(node))
		return false;
	first = fy_node_sequence_get_by_index(node, 0);
	return first && fy_node_is_mapping(first);
}

struct fy_node *server_json_items(struct fy_node *list)
{
	struct fy_node *items = is_plain_list(list) ? list : server_json_get(list, "items");

	return items && fy_node_is_sequence(items) ? items : NULL;
}

bool server_json_is_list(struct fy_node *node)
{
	return server_json_items(node) != NULL;
}

uint64_t server_json_count(struct fy_node *list)
{
	return is_plain_list(list) ? (uint64_t)fy_node_sequence_item_count(list)
	                           : server_json_number(list, "count");
}

uint64_t server_json_shown(struct fy_node *list)
{
	return is_plain_list(list) ? (uint64_t)fy_node_sequence_item_count(list)
	                           : server_json_number(list, "shown");
}

bool server_json_is_count(struct fy_node *node)
{
	return node && fy_node_is_mapping(node) && server_json_get(node, "count") &&
	       server_json_get(node, "limit");
}

bool server_json_is_place(struct fy_node *node)
{
	return node && fy_node_is_mapping(node) && fy_node_mapping_item_count(node) == 2 &&
	       server_json_get(node, "dpid") && server_json_get(node, "port");
}
