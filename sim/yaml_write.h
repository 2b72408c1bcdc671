/* A tree of nodes as YAML text that a person likes to read: the other way of yaml_tree.h.
 *
 * In the style of scenarios/: maps and lists stand in flow style, '{ip: 10.0.0.1/24}', where
 * they fit into their line; 'hosts', 'faults', 'steps' and what holds steps are blocks, one item
 * a line. Lines are not longer than YAML_WRITE_COLUMNS where values allow. What was written
 * without quotes is again, for that may mean something. Parsed again, the text gives the same
 * tree. */
#ifndef SIM_YAML_WRITE_H
#define SIM_YAML_WRITE_H

#include <stdio.h>

#include "sim/yaml_tree.h"

enum { YAML_WRITE_COLUMNS = 120 };

/* Write the tree below 'root', a map. */
void yaml_write(const struct yaml_node *root, FILE *out);
/* The same as a text, which the caller frees. */
char *yaml_write_text(const struct yaml_node *root, size_t *len);

#endif
