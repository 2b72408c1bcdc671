/* What the files of shrinking share: shrink.c (the search, lists and maps), shrink_names.c (what
 * has a name: hosts and switches), shrink_values.c (numbers and times), shrink_chance.c (chance
 * becomes decisions). */
#ifndef SIM_SHRINK_PRIVATE_H
#define SIM_SHRINK_PRIVATE_H

#include "sim/shrink.h"
#include "sim/yaml_edit.h"

/* One of the changes of a kind, by number: made in 'tree', not possible for this number, or
 * there are no further ones. */
enum shrink_edited { SHRINK_MADE, SHRINK_NOT_HERE, SHRINK_NO_MORE };
typedef enum shrink_edited (*shrink_edit)(struct yaml_tree *tree, size_t which);

/* --- shrink_names.c --- */

/* The keys of 'hosts' or 'switches' that are marked go, with all that names them. */
void shrink_drop_names(struct yaml_tree *tree, const char *kind, const bool *out, size_t count);
enum shrink_edited shrink_narrow_range(struct yaml_tree *tree, size_t which);
enum shrink_edited shrink_merge_switches(struct yaml_tree *tree, size_t which);
/* A step from a range of hosts comes from its first one. */
enum shrink_edited shrink_first_of_range(struct yaml_tree *tree, size_t which);
/* A link is named without the ports that 'links' leaves to the loader: they change when others
 * go. */
enum shrink_edited shrink_strip_ports(struct yaml_tree *tree, size_t which);

/* --- shrink_values.c --- */

#define SHRINK_TIME_NS_MAX (UINT64_C(365) * 24 * 3600 * 1000000000)
enum { SHRINK_TEXT_BYTES = 40 };

enum shrink_edited shrink_value(struct yaml_tree *tree, size_t which);
/* Faults stand in the order of their times. */
enum shrink_edited shrink_sort_faults(struct yaml_tree *tree, size_t which);
/* "1.5s", as values_duration() reads it. */
void shrink_time_text(uint64_t ns, char text[SHRINK_TEXT_BYTES]);

#endif
