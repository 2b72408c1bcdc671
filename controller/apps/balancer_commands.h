/* What whoever runs the controller may tell the balancer, at the start and later. */
#ifndef BALANCER_COMMANDS_H
#define BALANCER_COMMANDS_H

#include <flowbed/app.h>

struct balancer;
struct balancer_texts;

/* Read the addresses that are configured, from the options and their file, into b->services. False
 * with a text in 'error'. */
bool balancer_commands_configure(struct balancer *b, const struct balancer_texts *texts,
                                 struct fb_text *error);

/* struct fb_app_class: command. */
int balancer_commands_run(void *state, const char *const *words, size_t count,
                          struct fb_text *answer, uint64_t now_ns);

#endif
