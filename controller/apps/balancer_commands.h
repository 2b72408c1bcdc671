/* What whoever runs the controller may tell the balancer. */
#ifndef BALANCER_COMMANDS_H
#define BALANCER_COMMANDS_H

#include <flowbed/app.h>

/* struct fb_app_class: command. */
int balancer_commands_run(void *state, const char *const *words, size_t count,
                          struct fb_text *answer, uint64_t now_ns);

#endif
