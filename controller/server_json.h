/* An answer of a controller, which is JSON, as a tree: for those who ask (server_ask_*.c). What is
 * missing, or of another kind than was expected, is no error: the functions below give "", 0, false
 * or NULL. <flowbed/report.h> tells what a list looks like. */
#ifndef CONTROLLER_SERVER_JSON_H
#define CONTROLLER_SERVER_JSON_H

#include <libfyaml.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL: it is no JSON. To be given back with fy_document_destroy(). */
struct fy_document *server_json_parse(const char *json, size_t len);

/* A single value as text. */
const char *server_json_scalar(struct fy_node *node);
bool server_json_is_null(struct fy_node *node);
bool server_json_is_number(struct fy_node *node);
/* True for what is written as a word: a number, true, null. */
bool server_json_is_plain(struct fy_node *node);

/* The value of 'key' in 'map', as it is, or as a text, a number, or true. */
struct fy_node *server_json_get(struct fy_node *map, const char *key);
const char *server_json_text(struct fy_node *map, const char *key);
uint64_t server_json_number(struct fy_node *map, const char *key);
bool server_json_is_true(struct fy_node *map, const char *key);

/* What is told of items that there are: {count, limit, items, shown}, or [{...}, ...]. */
bool server_json_is_list(struct fy_node *node);
struct fy_node *server_json_items(struct fy_node *list); /* a sequence */
uint64_t server_json_count(struct fy_node *list);
uint64_t server_json_shown(struct fy_node *list);
/* A count of what is not listed: {count, limit}. */
bool server_json_is_count(struct fy_node *node);
/* A port of a switch: {dpid, port}. */
bool server_json_is_place(struct fy_node *node);

#endif
