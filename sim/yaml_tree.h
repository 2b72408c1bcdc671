/* A YAML text as a tree of nodes that know their places. The only file that knows libfyaml.
 *
 * It takes libfyaml's events and builds nodes of its own, because the loader wants three things at
 * once: a place for every node, empty ones too; duplicate keys reported and not refused; and bounds
 * on depth and size, aliases included, whatever the text. */
#ifndef SIM_YAML_TREE_H
#define SIM_YAML_TREE_H

#include "sim/problems.h"

enum {
	YAML_TREE_TEXT_BYTES_MAX = 16 << 20,
	YAML_TREE_NODES_MAX = 2000000, /* copies made for aliases count too */
	YAML_TREE_DEPTH_MAX = 40,
};

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node {
	enum yaml_kind kind;
	struct position at;
	char *text;               /* scalar: terminated, never NULL, holds no NUL */
	bool plain;               /* scalar: written without quotes */
	struct yaml_node **items; /* sequence: its items; mapping: keys and values in turn */
	size_t count;             /* items; pairs of a mapping */
	size_t size;              /* room at 'items' */
	struct yaml_node *next;   /* the tree's list of all nodes */
};

struct yaml_tree {
	struct yaml_node *root; /* NULL: the text holds nothing */
	struct yaml_node *all;
	size_t nodes_count;
};

/* Build '*tree' from 'len' bytes at 'text'. False, with the reason added to 'problems', when that
 * is no YAML or passes a limit; '*tree' must be destroyed in any case. */
bool yaml_tree_parse(struct yaml_tree *tree, const char *text, size_t len,
                     struct problems *problems);
void yaml_tree_destroy(struct yaml_tree *tree);

static inline const struct yaml_node *yaml_key(const struct yaml_node *mapping, size_t place)
{
	return mapping->items[2 * place];
}

static inline const struct yaml_node *yaml_value(const struct yaml_node *mapping, size_t place)
{
	return mapping->items[2 * place + 1];
}

/* The value of the first 'key' of a mapping, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *mapping, const char *key);

/* True for what stands for "nothing": an empty value, "~" or "null" without quotes. */
bool yaml_is_null(const struct yaml_node *node);

/* "text", "a list" or "a map": for messages. */
const char *yaml_kind_text(const struct yaml_node *node);

#endif
