/* Changing a tree of nodes: copies, and what is added to it or taken away. See yaml_tree.h.
 *
 * Nodes belong to their tree and go with it: what is taken out of a map or list stays the
 * tree's. */
#ifndef SIM_YAML_EDIT_H
#define SIM_YAML_EDIT_H

#include "sim/yaml_tree.h"

/* '*copy' becomes a tree like that below 'root', to be destroyed. */
void yaml_edit_copy(struct yaml_tree *copy, const struct yaml_node *root);
/* A copy of 'node', with all below it, as a node of 'tree'. */
struct yaml_node *yaml_edit_clone(struct yaml_tree *tree, const struct yaml_node *node);

struct yaml_node *yaml_edit_text(struct yaml_tree *tree, const char *text, bool plain);
struct yaml_node *yaml_edit_list(struct yaml_tree *tree);
struct yaml_node *yaml_edit_map(struct yaml_tree *tree);
/* Another text in its place. */
void yaml_edit_set_text(struct yaml_node *scalar, const char *text);

/* The value of 'key'; NULL: none. */
struct yaml_node *yaml_edit_get(struct yaml_node *map, const char *key);
/* 'value' becomes that of 'key', which is added where it is missing. */
void yaml_edit_set(struct yaml_tree *tree, struct yaml_node *map, const char *key,
                   struct yaml_node *value);
/* Take out the pair or item at 'place'; the pair of 'key', if it is there: then true. */
void yaml_edit_take(struct yaml_node *node, size_t place);
bool yaml_edit_take_key(struct yaml_node *map, const char *key);
/* Put 'item' into a list, before the one that is at 'place'. */
void yaml_edit_insert(struct yaml_node *list, size_t place, struct yaml_node *item);

#endif
