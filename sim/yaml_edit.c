/* Changing a tree of nodes. See yaml_edit.h. */
#include "sim/yaml_edit.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/xalloc.h"

static struct yaml_node *node_new(struct yaml_tree *tree, enum yaml_kind kind)
{
	struct yaml_node *node = xcalloc(1, sizeof *node);

	node->kind = kind;
	node->next = tree->all;
	tree->all = node;
	tree->nodes_count++;
	return node;
}

/* Items of a list, keys and values of a map. */
static size_t parts_of(const struct yaml_node *node)
{
	return node->kind == YAML_MAPPING ? 2 * node->count : node->count;
}

/* Make room for 'parts' at 'place', counted in parts. */
static void open_gap(struct yaml_node *node, size_t place, size_t parts)
{
	const size_t count = parts_of(node);

	if (count + parts > node->size) {
		node->size = 2 * (count + parts);
		node->items = xrealloc(node->items, node->size * sizeof *node->items);
	}
	memmove(node->items + place + parts, node->items + place,
	        (count - place) * sizeof *node->items);
}

struct yaml_node *yaml_edit_clone(struct yaml_tree *tree, const struct yaml_node *node)
{
	struct yaml_node *clone = node_new(tree, node->kind);

	clone->at = node->at;
	clone->plain = node->plain;
	clone->count = node->count;
	clone->size = parts_of(node);
	if (node->text)
		clone->text = xstrdup(node->text);
	clone->items = xmalloc(clone->size * sizeof(struct yaml_node *));
	for (size_t i = 0; i < clone->size; i++)
		clone->items[i] = yaml_edit_clone(tree, node->items[i]);
	return clone;
}

void yaml_edit_copy(struct yaml_tree *copy, const struct yaml_node *root)
{
	*copy = (struct yaml_tree){0};
	copy->root = yaml_edit_clone(copy, root);
}

struct yaml_node *yaml_edit_text(struct yaml_tree *tree, const char *text, bool plain)
{
	struct yaml_node *node = node_new(tree, YAML_SCALAR);

	node->text = xstrdup(text);
	node->plain = plain;
	return node;
}

struct yaml_node *yaml_edit_list(struct yaml_tree *tree)
{
	return node_new(tree, YAML_SEQUENCE);
}

struct yaml_node *yaml_edit_map(struct yaml_tree *tree)
{
	return node_new(tree, YAML_MAPPING);
}

void yaml_edit_set_text(struct yaml_node *scalar, const char *text)
{
	char *copy = xstrdup(text);

	free(scalar->text);
	scalar->text = copy;
}

struct yaml_node *yaml_edit_get(struct yaml_node *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct yaml_node *node = yaml_key(map, i);

		if (node->kind == YAML_SCALAR && !strcmp(node->text, key))
			return map->items[2 * i + 1];
	}
	return NULL;
}

void yaml_edit_set(struct yaml_tree *tree, struct yaml_node *map, const char *key,
                   struct yaml_node *value)
{
	for (size_t i = 0; i < map->count; i++)
		if (map->items[2 * i]->kind == YAML_SCALAR &&
		    !strcmp(map->items[2 * i]->text, key)) {
			map->items[2 * i + 1] = value;
			return;
		}
	open_gap(map, 2 * map->count, 2);
	map->items[2 * map->count] = yaml_edit_text(tree, key, true);
	map->items[2 * map->count + 1] = value;
	map->count++;
}

void yaml_edit_take(struct yaml_node *node, size_t place)
{
	const size_t parts = node->kind == YAML_MAPPING ? 2 : 1;

	memmove(node->items + parts * place, node->items + parts * (place + 1),
	        parts * (node->count - place - 1) * sizeof *node->items);
	node->count--;
}

bool yaml_edit_take_key(struct yaml_node *map, const char *key)
{
	for (size_t i = 0; i < map->count; i++)
		if (map->items[2 * i]->kind == YAML_SCALAR &&
		    !strcmp(map->items[2 * i]->text, key)) {
			yaml_edit_take(map, i);
			return true;
		}
	return false;
}

void yaml_edit_insert(struct yaml_node *list, size_t place, struct yaml_node *item)
{
	open_gap(list, place, 1);
	list->items[place] = item;
	list->count++;
}
