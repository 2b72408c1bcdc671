/* Files that the controller's applications name ("services=shop.txt") are beside the scenario: what
 * shrink writes into another folder must name them from there. */
#ifndef SIM_COMMAND_SHRINK_FILES_H
#define SIM_COMMAND_SHRINK_FILES_H

#include "sim/scenario.h"
#include "sim/yaml_tree.h"

/* In the controller's options of 'tree' the files that 'scenario' has read, whose names count from the
 * folder of 'from', get the names that they have from the folder of 'to'. What cannot be changed stays. */
void command_shrink_files_move(struct yaml_tree *tree, const struct scenario *scenario,
                               const char *from, const char *to);

#endif
